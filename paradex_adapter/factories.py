"""What a `TradingNode` calls to make the data and the execution client."""

import asyncio
from typing import Final, final
from weakref import WeakKeyDictionary

from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, MessageBus
from nautilus_trader.live.factories import LiveDataClientFactory, LiveExecClientFactory
from nautilus_trader.model.identifiers import TraderId

from paradex_adapter.config import (
    ParadexClientConfig,
    ParadexDataClientConfig,
    ParadexExecClientConfig,
    config_environment,
    config_urls,
    need_one_venue,
)
from paradex_adapter.data import ParadexDataClient
from paradex_adapter.execution import ParadexExecutionClient
from paradex_adapter.providers import ParadexInstrumentProvider, SharedFees
from paradex_adapter.venue.credentials import Credentials, resolve_credentials
from paradex_adapter.venue.errors import ConfigurationError
from paradex_adapter.venue.http import HttpClient
from paradex_adapter.venue.rate_limits import RateLimits


@final
class _VenueShare:
    """What the clients of one venue share in one event loop: its limits and an account's fees.

    Connections are not shared, so that a client that stops closes nobody else's.
    """

    def __init__(self) -> None:
        self._public_limits: Final = RateLimits()
        self._account_limits: Final[dict[str, RateLimits]] = {}
        self._fees: Final[dict[TraderId, SharedFees]] = {}

    def limits_for(self, credentials: Credentials | None) -> RateLimits:
        """Return the limits of an account, behind the same network address as all others."""
        if credentials is None:
            return self._public_limits
        account = credentials.account_address
        if account not in self._account_limits:
            self._account_limits[account] = self._public_limits.for_another_account()
        return self._account_limits[account]

    def fees_for(self, trader_id: TraderId) -> SharedFees:
        """Return where the fees of a node are: those of the account it trades by default."""
        return self._fees.setdefault(trader_id, SharedFees())


type _Shares = WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, _VenueShare]]
_shares: Final[_Shares] = WeakKeyDictionary()


class ParadexLiveDataClientFactory(LiveDataClientFactory):
    """Makes the data client of a `TradingNode`."""

    # The node hands over the configuration registered for this name, hence the narrower type.
    @staticmethod
    def create(  # type: ignore[override]
        loop: asyncio.AbstractEventLoop,
        name: str,
        config: ParadexDataClientConfig,
        msgbus: MessageBus,
        cache: Cache,
        clock: LiveClock,
    ) -> ParadexDataClient:
        """Return a new data client.

        Parameters
        ----------
        loop : asyncio.AbstractEventLoop
            The event loop it runs in.
        name : str
            The client id, without a hyphen: the node cuts it there.
        config : ParadexDataClientConfig
            Its options.
        msgbus : MessageBus
            The node's message bus.
        cache : Cache
            The node's cache.
        clock : LiveClock
            The node's clock.

        Raises
        ------
        ConfigurationError
            If the options cannot work.
        """
        http, provider = _make_http_and_provider(loop, config, msgbus, clock, None)
        return ParadexDataClient(loop, name, config, msgbus, cache, clock, http, provider)


class ParadexLiveExecClientFactory(LiveExecClientFactory):
    """Makes the execution client of a `TradingNode`."""

    @staticmethod
    def create(  # type: ignore[override]
        loop: asyncio.AbstractEventLoop,
        name: str,
        config: ParadexExecClientConfig,
        msgbus: MessageBus,
        cache: Cache,
        clock: LiveClock,
    ) -> ParadexExecutionClient:
        """Return a new execution client. Parameters as in `ParadexLiveDataClientFactory.create`.

        Name it `PARADEX`: under another name the node's portfolio finds the account by its
        `account_id` alone. Further clients of a node, each with an account of its own, set
        `is_additional` and get their commands by `client_id`.

        Raises
        ------
        ConfigurationError
            If the options cannot work, there are no credentials, or the account has a client in
            this node already.
        """
        credentials = resolve_credentials(
            config_environment(config).value,
            config.account_address,
            config.private_key,
            private_key_file=config.private_key_file,
            signer=config.signer,
            public_key=config.public_key,
            ethereum_private_key=config.ethereum_private_key,
            account_signer_type=config.account_signer_type,
            access_token=config.access_token,
        )
        _take_account(credentials.account_address, config, msgbus)
        http, provider = _make_http_and_provider(
            loop, config, msgbus, clock, credentials, is_additional=config.is_additional
        )
        return ParadexExecutionClient(
            loop, name, config, msgbus, cache, clock, http, provider, credentials
        )


def _take_account(
    account_address: str, config: ParadexExecClientConfig, msgbus: MessageBus
) -> None:
    """Refuse a second client of an account: each would tell the orders of the other as well."""
    # What is registered is known to the clients of this node, and as long as it lives.
    endpoint = f"ParadexAccount.{account_address}.{config_urls(config)[0]}"
    if endpoint in msgbus.endpoints():
        raise ConfigurationError(
            "account_address",
            f"another client of this node trades {account_address}; each takes its own account",
        )
    msgbus.register(endpoint, lambda _message: None)


def _make_http_and_provider(
    loop: asyncio.AbstractEventLoop,
    config: ParadexClientConfig,
    msgbus: MessageBus,
    clock: LiveClock,
    credentials: Credentials | None,
    *,
    is_additional: bool = False,
) -> tuple[HttpClient, ParadexInstrumentProvider]:
    need_one_venue(config)
    base_url_http, _ = config_urls(config)
    share = _shares.setdefault(loop, {}).setdefault(base_url_http, _VenueShare())
    http = HttpClient(
        base_url_http,
        timeout_secs=config.http_timeout_secs,
        proxy_url=config.proxy_url,
        max_retries=config.max_retries,
        retry_delay_initial_ms=config.retry_delay_initial_ms,
        retry_delay_max_ms=config.retry_delay_max_ms,
        rate_limits=share.limits_for(credentials),
    )
    provider = ParadexInstrumentProvider(
        http,
        config.instrument_provider,
        account_address=None if credentials is None else credentials.account_address,
        shared_fees=SharedFees() if is_additional else share.fees_for(msgbus.trader_id),
        clock_ns=clock.timestamp_ns,
    )
    return http, provider
