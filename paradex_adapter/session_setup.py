"""From a configuration to a trading session: the right chain, clock, token and account.

Everything that can be wrong with a configuration shows here, before anything trades.
"""

from collections.abc import Callable, Mapping
from random import Random
from typing import Final

from paradex_adapter.config import RETAIL, ParadexExecClientConfig, config_urls
from paradex_adapter.constants import ParadexEnvironment
from paradex_adapter.venue.account_reader import Notice
from paradex_adapter.venue.admission import admit
from paradex_adapter.venue.algo_state import AlgoProgress
from paradex_adapter.venue.auth import (
    TokenProvider,
    check_clock,
    wall_clock_ms,
)
from paradex_adapter.venue.credentials import Credentials
from paradex_adapter.venue.errors import ConfigurationError
from paradex_adapter.venue.external_orders import ExternalFact
from paradex_adapter.venue.http import HttpClient
from paradex_adapter.venue.margin_settings import apply_margin_settings
from paradex_adapter.venue.order_requests import RECV_WINDOW_MS_MAX
from paradex_adapter.venue.retry import Backoff
from paradex_adapter.venue.signing import OrderSigner
from paradex_adapter.venue.trading_session import TradingSession
from paradex_adapter_core.events import Event
from paradex_adapter_core.parsers.system import parse_system_config

MAINNET_CHAIN_ID: Final = "PRIVATE_SN_PARACLEAR_MAINNET"


class SessionSetup:
    """Signs one account in, and makes its trading session.

    Parameters
    ----------
    config : ParadexExecClientConfig
        The client's options.
    http : HttpClient
        The venue's REST interface; presents the tokens from `sign_in` on.
    credentials : Credentials
        The account and its key.
    inform : Callable[[str], None]
        Takes what a user may want to know.
    """

    def __init__(
        self,
        config: ParadexExecClientConfig,
        http: HttpClient,
        credentials: Credentials,
        inform: Callable[[str], None],
    ) -> None:
        self._options: Final = config
        self._inform: Final = inform
        self._http: Final = http
        self._credentials: Final = credentials
        self._tokens: TokenProvider | None = None
        self._signer: OrderSigner | None = None

    async def sign_in(self) -> None:
        """Check the chain and the clock, get the first token, set leverages and margin types.

        Raises
        ------
        ParadexError
            If the venue does not answer, or does not know the account or its key.
        """
        config = parse_system_config(await self._http.get_system_config())
        self._check_chain(config.starknet_chain_id)
        recv_window_ms = self._options.recv_window_ms or RECV_WINDOW_MS_MAX
        offset_ms = await check_clock(self._http, recv_window_ms)
        self._signer = OrderSigner(self._credentials, config.starknet_chain_id)
        l1_chain_id = int(config.l1_chain_id) if config.l1_chain_id.isdecimal() else 0
        if self._options.trader_profile == RETAIL:
            self._http.limits.limit_as_retail()
        self._tokens = TokenProvider(
            self._http,
            self._signer,
            recv_window_ms=recv_window_ms,
            clock_offset_ms=offset_ms,
            l1_chain_id=l1_chain_id,
            is_interactive=self._options.trader_profile == RETAIL,
        )
        self._http.token_provider = self._tokens
        # A wrong key or account says so here, before anything else is asked.
        await admit(
            self._http,
            self._tokens,
            self._credentials,
            self._signer,
            onboard=self._options.onboard,
            l1_chain_id=l1_chain_id,
            now_secs=(wall_clock_ms() + offset_ms) // 1000,
        )
        if self._options.margin_configs:
            await self._set_margins(self._options.margin_configs)

    async def _set_margins(self, settings: dict[str, tuple[int, str]]) -> None:
        if self._credentials.denial_reason:
            raise ConfigurationError("margin_configs", self._credentials.denial_reason)
        wanted = {market: (leverage, kind) for market, (leverage, kind) in settings.items()}
        changed = await apply_margin_settings(self._http, wanted)
        for market, (leverage, margin_type) in changed.items():
            self._inform(f"{market} is set to a leverage of {leverage}, {margin_type}")

    def make_session(
        self,
        on_events: Callable[[list[Event]], None],
        on_external: Callable[[list[ExternalFact]], None],
        on_notice: Callable[[Notice | AlgoProgress], None],
        clock_ns: Callable[[], int],
        warn: Callable[[str], None],
        spot_tokens: Mapping[str, str],
    ) -> TradingSession:
        """Return a session of the account that `sign_in` signed in.

        Parameters are those of `TradingSession`.
        """
        assert self._tokens is not None, "not signed in"
        assert self._signer is not None
        options = self._options
        _, base_url_ws = config_urls(options)
        return TradingSession(
            self._http,
            self._tokens,
            self._signer,
            base_url_ws,
            on_events=on_events,
            on_external=on_external,
            on_notice=on_notice,
            recv_window_ms=options.recv_window_ms,
            clock_ns=clock_ns,
            backoff=Backoff(options.retry_delay_initial_ms, options.retry_delay_max_ms, Random()),
            proxy_url=options.proxy_url,
            cancel_on_disconnect=options.cancel_on_disconnect
            and not self._credentials.denial_reason,
            spot_tokens=spot_tokens,
            warn=warn,
        )

    async def close(self) -> None:
        """Stop fetching tokens."""
        if self._tokens is not None:
            await self._tokens.close()
            self._tokens = None

    def _check_chain(self, chain_id: str) -> None:
        """Refuse to sign for another environment than the one the user named."""
        environment = self._options.environment
        if environment is None:
            if self._options.base_url_http is not None:
                return
            environment = ParadexEnvironment.MAINNET
        if (environment is ParadexEnvironment.MAINNET) != (chain_id == MAINNET_CHAIN_ID):
            base_url_http, _ = config_urls(self._options)
            raise ConfigurationError(
                "environment",
                f"it is {environment.value}, but {base_url_http} trades on chain {chain_id}; "
                "set the environment or the base URLs of that exchange",
            )
