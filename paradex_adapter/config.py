"""The options of the data and the execution client."""

import math
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import msgspec
from nautilus_trader.common.config import register_config_encoding
from nautilus_trader.config import (
    LiveDataClientConfig,
    LiveExecClientConfig,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
)

from paradex_adapter.constants import BASE_URLS_HTTP, BASE_URLS_WS, ParadexEnvironment
from paradex_adapter.venue.credentials import ETHEREUM_SIGNER, STARKNET_SIGNER
from paradex_adapter.venue.errors import ConfigurationError
from paradex_adapter.venue.margin_settings import MARGIN_TYPES
from paradex_adapter.venue.order_requests import RECV_WINDOW_MS_MAX, RECV_WINDOW_MS_MIN
from paradex_adapter.venue.system_state import POLL_SECS_DEFAULT

# How the venue classes a trader.
PRO: Final = "pro"
RETAIL: Final = "retail"

REDACTED: Final = "<redacted>"
API_VERSION_PATH: Final = "/v1"
LOOPBACK_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1"})
# The venue admits 20 connections a second: as many as may come back at once, and some to spare.
SOCKETS_BOUND: Final = 16


class SecretText(str):
    """Text that neither a repr nor Nautilus' configuration JSON shows.

    A string like any other to whoever needs its value.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(REDACTED)


# Nautilus hashes configurations and, when it streams to a catalog, writes them to a file.
register_config_encoding(SecretText, lambda _secret: REDACTED)


class ParadexDataClientConfig(LiveDataClientConfig, frozen=True, kw_only=True):
    """Options of `ParadexDataClient`. Market data is public: it takes no credentials.

    Parameters
    ----------
    environment : ParadexEnvironment, optional
        MAINNET or TESTNET; ``None`` means MAINNET.
    base_url_http : str, optional
        Where REST requests go instead of the environment's own address, with ``/v1``.
    base_url_ws : str, optional
        Where websockets connect instead of the environment's own address, with ``/v1`` and without
        a query: the adapter negotiates the binary encoding there itself.
    proxy_url : str, optional
        An HTTP proxy for REST and websockets, ``http://[user:password@]host:port``.
    http_timeout_secs : float, default 10.0
        How long one REST request may take, in seconds.
    max_retries : int, default 3
        How often a read that failed is repeated. Orders are never repeated blindly.
    retry_delay_initial_ms : int, default 200
        Upper bound of the first random delay before a retry, in milliseconds; doubled each time.
    retry_delay_max_ms : int, default 5000
        Upper bound of every delay between retries and between reconnects, in milliseconds.
    update_instruments_interval_mins : int, optional, default 60
        How often the instruments are read again, in minutes; ``None`` means never.
    feed_health_interval_secs : int, optional, default 60
        How often the feed is checked for what has stopped or lags, and its health is logged, in
        seconds; ``None`` means never.
    sockets_max : int, default 4
        How many websockets market data may be spread over, 1 to 16. Deltas and depths of one
        market need two.

    Raises
    ------
    ConfigurationError
        If an option cannot be right; the text names the option and says what to do.
    """

    environment: ParadexEnvironment | None = None
    base_url_http: str | None = None
    base_url_ws: str | None = None
    proxy_url: str | None = None
    http_timeout_secs: PositiveFloat = 10.0
    max_retries: NonNegativeInt = 3
    retry_delay_initial_ms: PositiveInt = 200
    retry_delay_max_ms: PositiveInt = 5_000
    update_instruments_interval_mins: PositiveInt | None = 60
    feed_health_interval_secs: PositiveInt | None = 60
    sockets_max: PositiveInt = 4

    def __post_init__(self) -> None:
        _check_connection_options(self)
        if self.feed_health_interval_secs is not None:
            _need_whole("feed_health_interval_secs", self.feed_health_interval_secs, 1)
        _need_whole("sockets_max", self.sockets_max, 1)
        if self.sockets_max > SOCKETS_BOUND:
            raise ConfigurationError("sockets_max", f"it must be at most {SOCKETS_BOUND}")


class ParadexExecClientConfig(LiveExecClientConfig, frozen=True, kw_only=True):
    """Options of `ParadexExecutionClient`.

    Parameters
    ----------
    environment : ParadexEnvironment, optional
        MAINNET or TESTNET; ``None`` means MAINNET.
    account_address : str, optional
        The Paradex (L2) address of the account, ``0x...``; of the main account when the key is a
        subkey. When absent: the environment variable `PARADEX_ACCOUNT_ADDRESS`, on testnet
        `PARADEX_TESTNET_ACCOUNT_ADDRESS`.
    private_key : str, optional
        The Paradex (L2) private key of the account or of one of its subkeys, ``0x...``. When
        absent: `PARADEX_PRIVATE_KEY`, on testnet `PARADEX_TESTNET_PRIVATE_KEY`. Never shown.
    private_key_file : str, optional
        A file that holds the private key and that its owner alone may read, instead of
        `private_key`. When absent: `PARADEX_PRIVATE_KEY_FILE`, and so with ``TESTNET``.
    signer : str, optional
        The import path of a callable that signs, instead of a private key:
        ``package.module:function``. Given the hash of a message it returns the Stark signature, a
        tuple of two integers. It is called on the event loop.
    public_key : str, optional
        The Stark public key `signer` signs with, ``0x...``.
    ethereum_private_key : str, optional
        The Ethereum private key that the L2 key derives from, instead of `private_key`; that the
        account is its own is checked at connecting. When absent: `PARADEX_ETHEREUM_PRIVATE_KEY`,
        and so with ``TESTNET``. Never shown.
    account_signer_type : str, default starknet
        "eip191" for an account whose main key is the Ethereum key itself. `ethereum_private_key`
        then signs in and reads; orders take a subkey as `private_key`, which signs in by itself.
    access_token : str, optional
        A read-only token, instead of `private_key`: data and reports, orders are denied. When
        absent: `PARADEX_ACCESS_TOKEN`, and so with ``TESTNET``. Never shown.
    onboard : bool, default False
        Whether an account that the venue does not know yet is onboarded at connecting; needs
        `ethereum_private_key`.
    trader_profile : str, default pro
        "retail" trades with the interactive tokens of the venue's own front end: no fees, first in
        the queue at a price, meets RPI orders; but orders and cancels wait 300 ms, and 3 orders a
        second, 30 a minute, 300 an hour and 1000 a day are all it may send. Orders beyond that are
        held back a moment, then rejected. Not for Ethereum accounts without a subkey.
    margin_configs : dict[str, tuple[int, str]], optional
        Leverage, and "CROSS" or "ISOLATED", by the venue's symbol, such as
        ``{"BTC-USD-PERP": (10, "CROSS")}``. Set and read back at connecting, which fails where the
        venue refuses one; markets not named stay as they are. (Since 2025-11-27 the venue lets
        isolated positions only be reduced.)
    cancel_on_disconnect : bool, default False
        Whether the venue cancels what was sent over a connection when that is lost; asked for again
        after each reconnect. Orders sent over REST are not covered.
    system_state_interval_secs : float, default 5.0
        How often the venue is asked for its state. While it takes cancels only, or post-only orders
        only, other orders and changes are denied; afterwards they are taken again by themselves.
    is_additional : bool, default False
        For each execution client of a node but one: a node takes one for the venue. To an
        additional one commands come by their `client_id` alone.
    base_url_http, base_url_ws, proxy_url, http_timeout_secs, max_retries
        As in `ParadexDataClientConfig`.
    retry_delay_initial_ms, retry_delay_max_ms, update_instruments_interval_mins
        As in `ParadexDataClientConfig`.
    recv_window_ms : int, default 10000
        How long after signing the venue may still accept an order, in milliseconds, at least 10.
        Short enough that what became of an order without an answer is known before NautilusTrader
        gives it up (30 s or more); ``None`` leaves it to the venue (300 000), which is not.

    Raises
    ------
    ConfigurationError
        If an option cannot be right; the text names the option and says what to do.
    """

    environment: ParadexEnvironment | None = None
    account_address: str | None = None
    private_key: str | None = None
    base_url_http: str | None = None
    base_url_ws: str | None = None
    proxy_url: str | None = None
    http_timeout_secs: PositiveFloat = 10.0
    max_retries: NonNegativeInt = 3
    retry_delay_initial_ms: PositiveInt = 200
    retry_delay_max_ms: PositiveInt = 5_000
    update_instruments_interval_mins: PositiveInt | None = 60
    recv_window_ms: PositiveInt | None = 10_000
    private_key_file: str | None = None
    signer: str | None = None
    public_key: str | None = None
    ethereum_private_key: str | None = None
    account_signer_type: str = STARKNET_SIGNER
    access_token: str | None = None
    onboard: bool = False
    trader_profile: str = PRO
    margin_configs: dict[str, tuple[int, str]] | None = None
    cancel_on_disconnect: bool = False
    system_state_interval_secs: PositiveFloat = POLL_SECS_DEFAULT
    is_additional: bool = False

    def __post_init__(self) -> None:
        for secret in ("private_key", "ethereum_private_key", "access_token"):
            _hide(self, secret)
        _check_connection_options(self)
        for name in ("account_address", "private_key_file", "signer", "public_key"):
            value = getattr(self, name)
            if name == "signer" and callable(value):
                # A configuration is written down and read again: it holds no functions.
                remedy = "name the callable by its import path, package.module:function"
                raise ConfigurationError(name, remedy)
            _need_text_or_none(name, value)
        if self.account_signer_type not in (STARKNET_SIGNER, ETHEREUM_SIGNER):
            raise ConfigurationError(
                "account_signer_type", f"it must be {STARKNET_SIGNER} or {ETHEREUM_SIGNER}"
            )
        for name in ("onboard", "cancel_on_disconnect", "is_additional"):
            if not isinstance(getattr(self, name), bool):
                raise ConfigurationError(name, "it must be True or False")
        if self.trader_profile not in (PRO, RETAIL):
            raise ConfigurationError("trader_profile", f"it must be {PRO} or {RETAIL}")
        if self.trader_profile == RETAIL and self.access_token is not None:
            raise ConfigurationError("trader_profile", "an access_token has the profile it has")
        _check_keys_that_go_together(self)
        _check_margin_configs(self.margin_configs)
        _need_secs("system_state_interval_secs", self.system_state_interval_secs)
        if self.recv_window_ms is not None:
            _need_whole("recv_window_ms", self.recv_window_ms, RECV_WINDOW_MS_MIN)
            if self.recv_window_ms > RECV_WINDOW_MS_MAX:
                raise ConfigurationError(
                    "recv_window_ms", f"it must be at most {RECV_WINDOW_MS_MAX}"
                )


type ParadexClientConfig = ParadexDataClientConfig | ParadexExecClientConfig


def config_environment(config: ParadexClientConfig) -> ParadexEnvironment:
    """Return the environment a configuration means."""
    return config.environment or ParadexEnvironment.MAINNET


def config_urls(config: ParadexClientConfig) -> tuple[str, str]:
    """Return the REST and the websocket base URL a configuration means."""
    environment = config_environment(config)
    return (
        config.base_url_http or BASE_URLS_HTTP[environment],
        config.base_url_ws or BASE_URLS_WS[environment],
    )


def need_one_venue(config: ParadexClientConfig) -> None:
    """Refuse one half of an exchange on this machine beside the other half of a real one.

    Raises
    ------
    ConfigurationError
        If one base URL is of this machine and the other is not given.
    """
    urls = {name: getattr(config, name) for name in ("base_url_http", "base_url_ws")}
    absent = [name for name, url in urls.items() if url is None]
    hosts = {urlsplit(url).hostname for url in urls.values() if url is not None}
    if len(absent) == 1 and hosts & LOOPBACK_HOSTS:
        remedy = "it is missing, and the other address is of this machine; give both"
        raise ConfigurationError(absent[0], remedy)


def _check_connection_options(config: ParadexClientConfig) -> None:
    # msgspec checks types and bounds only when it decodes, not when a configuration is constructed.
    if config.environment is not None and not isinstance(config.environment, ParadexEnvironment):
        raise ConfigurationError(
            "environment", "it is unknown; use ParadexEnvironment.MAINNET or .TESTNET"
        )
    _check_base_url("base_url_http", config.base_url_http, ("https", "http"))
    _check_base_url("base_url_ws", config.base_url_ws, ("wss", "ws"))
    _hide(config, "proxy_url")
    if config.proxy_url is not None:
        _split_url("proxy_url", config.proxy_url, ("http", "https"))
    _need_secs("http_timeout_secs", config.http_timeout_secs)
    _need_whole("max_retries", config.max_retries, 0)
    _need_whole("retry_delay_initial_ms", config.retry_delay_initial_ms, 1)
    _need_whole("retry_delay_max_ms", config.retry_delay_max_ms, config.retry_delay_initial_ms)
    if config.update_instruments_interval_mins is not None:
        _need_whole("update_instruments_interval_mins", config.update_instruments_interval_mins, 1)


def _check_base_url(setting: str, url: str | None, schemes: tuple[str, ...]) -> None:
    if url is None:
        return
    parts = _split_url(setting, url, schemes)
    if parts.query or parts.fragment or url.endswith(("?", "#")):
        raise ConfigurationError(setting, "it must not hold a query; end it with /v1")
    if not parts.path.endswith(API_VERSION_PATH):
        raise ConfigurationError(
            setting, f"it must end with /v1, such as {schemes[0]}://host{API_VERSION_PATH}"
        )


def _check_keys_that_go_together(config: ParadexExecClientConfig) -> None:
    if config.public_key is not None and config.signer is None:
        raise ConfigurationError("public_key", "it goes with signer alone; leave it out")
    others = (config.private_key, config.private_key_file, config.signer, config.access_token)
    if config.onboard and any(other is not None for other in others):
        raise ConfigurationError("onboard", "it takes ethereum_private_key and no other key")


def _split_url(setting: str, url: str, schemes: tuple[str, ...]) -> SplitResult:
    _need_text_or_none(setting, url)
    remedy = f"it is not an address; write it as {schemes[0]}://host[:port]"
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        # Its text quotes the address, which may hold a password.
        raise ConfigurationError(setting, remedy) from None
    if not is_address or any(character.isspace() for character in url):
        raise ConfigurationError(setting, remedy)
    return parts


def _hide(config: ParadexClientConfig, setting: str) -> None:
    secret: Any = getattr(config, setting)
    _need_text_or_none(setting, secret)
    if secret is not None:
        msgspec.structs.force_setattr(config, setting, SecretText(secret))


def _need_text_or_none(setting: str, value: object) -> None:
    if value is not None and not isinstance(value, str):
        raise ConfigurationError(setting, "it must be text")


def _need_whole(setting: str, value: object, minimum: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
        raise ConfigurationError(setting, f"it must be a whole number of at least {minimum}")


def _need_secs(setting: str, value: Any) -> None:
    if not _is_number(value) or not math.isfinite(value) or value <= 0:
        raise ConfigurationError(setting, "it must be a number of seconds greater than 0")


def _check_margin_configs(configs: object) -> None:
    if configs is None:
        return
    remedy = 'write it as {"BTC-USD-PERP": (10, "CROSS")}'
    if not isinstance(configs, dict):
        raise ConfigurationError("margin_configs", f"it must be a dict; {remedy}")
    for market, setting in configs.items():
        # A dot is of an instrument id of NautilusTrader's; the venue's symbols have none.
        if not isinstance(market, str) or not market or "." in market:
            raise ConfigurationError("margin_configs", f"its keys are symbols; {remedy}")
        if not isinstance(setting, tuple | list) or len(setting) != 2:
            raise ConfigurationError(f"margin_configs of {market}", f"it is no pair; {remedy}")
        leverage, margin_type = setting
        _need_whole(f"margin_configs of {market}", leverage, 1)
        if margin_type not in MARGIN_TYPES:
            raise ConfigurationError(
                f"margin_configs of {market}", f"its margin type is {' or '.join(MARGIN_TYPES)}"
            )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
