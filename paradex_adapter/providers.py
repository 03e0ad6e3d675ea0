"""The instruments of the venue, read over REST."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

from nautilus_trader.common.providers import InstrumentProvider
from nautilus_trader.config import InstrumentProviderConfig
from nautilus_trader.model.identifiers import InstrumentId

from paradex_adapter.constants import PARADEX_VENUE
from paradex_adapter.translate.instruments import MarketRefused, market_to_instrument
from paradex_adapter.venue.errors import ConfigurationError, RequestRejected, excerpt
from paradex_adapter.venue.http import HttpClient
from paradex_adapter_core.messages import AccountFees, Market
from paradex_adapter_core.parsers.account import parse_account_info
from paradex_adapter_core.parsers.markets import parse_markets
from paradex_adapter_core.vocabulary import ASSET_KINDS, TRADING_MODES

# Up to so many instruments are asked for one by one; more come with one request for all.
REQUESTS_PER_LOAD_MAX: Final = 3
# Names of missing instruments in one log line.
NAMES_LOGGED_MAX: Final = 10

HTTP_NOT_FOUND: Final = 404


class SharedFees:
    """The fee rates of the account that the instruments in one cache show.

    Data and execution client publish the same instruments. Only the second can ask for the rates,
    so it leaves them here for the first.

    Attributes
    ----------
    fees : AccountFees or None
        ``None`` until an account's rates were read.
    """

    __slots__ = ("__weakref__", "fees")

    def __init__(self) -> None:
        self.fees: AccountFees | None = None


class ParadexInstrumentProvider(InstrumentProvider):
    """Load the instruments of the venue from REST ``/markets``.

    Markets that cannot become an instrument (see `translate.instruments`) are skipped, counted by
    reason and reported in one log line. What was loaded once stays, also when the venue delists it.

    Parameters
    ----------
    http : HttpClient
        The venue's REST interface.
    config : InstrumentProviderConfig, optional
        ``load_all`` or ``load_ids``, and ``filters``: ``kind``, ``base`` and ``trading_mode``, each
        a word or a list of words, such as ``{"kind": "PERP", "base": ["BTC", "ETH"]}``.
    account_address : str, optional
        Whose fee rates the instruments show; they are read when `http` holds a token provider.
    shared_fees : SharedFees, optional
        Where those rates are left for, or taken from, another provider.
    clock_ns : Callable[[], int]
        Nanoseconds since the Unix epoch.

    Raises
    ------
    ConfigurationError
        If a filter or an instrument id of the configuration cannot match anything.

    Attributes
    ----------
    skipped : Counter[str]
        How many markets the last load could not make instruments of, by reason.
    unreadable : dict[str, int]
        What the parser counted in the last load: rows it skipped and words it does not know.

    Notes
    -----
    Loading raises what `HttpClient` and the core's parsers raise.
    """

    def __init__(
        self,
        http: HttpClient,
        config: InstrumentProviderConfig | None = None,
        *,
        account_address: str | None = None,
        shared_fees: SharedFees | None = None,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        super().__init__(config)
        _need_filters(self._filters)
        _need_instrument_ids(self._load_ids_on_start or ())
        self._http: Final = http
        self._account: Final = account_address
        self._shared_fees: Final = SharedFees() if shared_fees is None else shared_fees
        self._clock_ns: Final = clock_ns
        self.skipped: Counter[str] = Counter()
        self.unreadable: dict[str, int] = {}

    async def load_all_async(self, filters: dict[str, object] | None = None) -> None:
        """Load every instrument that passes the filters, by default those of the configuration."""
        criteria = _need_filters(self._filters if filters is None else filters)
        await self._load_account_fees()
        self._forget_skipped()
        markets = await self._fetch_markets(None)
        self._add_markets(market for market in markets if _passes(market, criteria))
        self._report_skipped()

    async def load_ids_async(
        self, instrument_ids: list[InstrumentId], filters: dict[str, object] | None = None
    ) -> None:
        """Load the instruments named, as far as they pass the filters."""
        criteria = _need_filters(filters)
        _need_instrument_ids(instrument_ids)
        symbols = {instrument_id.symbol.value for instrument_id in instrument_ids}
        if not symbols:
            return
        await self._load_account_fees()
        self._forget_skipped()
        if len(symbols) <= REQUESTS_PER_LOAD_MAX:
            markets = [m for symbol in sorted(symbols) for m in await self._fetch_markets(symbol)]
        else:
            markets = await self._fetch_markets(None)
        named = [market for market in markets if market.symbol in symbols]
        self._add_markets(market for market in named if _passes(market, criteria))
        missing = sorted(symbols - {market.symbol for market in named})
        if missing:
            names = ", ".join(missing[:NAMES_LOGGED_MAX])
            self._log.error(f"{len(missing)} instruments are not listed at Paradex: {names}")
        self._report_skipped()

    async def load_async(
        self, instrument_id: InstrumentId, filters: dict[str, object] | None = None
    ) -> None:
        """Load one instrument, anew if it is loaded already."""
        await self.load_ids_async([instrument_id], filters)

    async def _fetch_markets(self, symbol: str | None) -> list[Market]:
        try:
            body = await self._http.get_markets(symbol)
        except RequestRejected as error:
            if symbol is not None and error.status == HTTP_NOT_FOUND:
                return []
            raise
        return parse_markets(body, self.unreadable)

    def _add_markets(self, markets: Iterable[Market]) -> None:
        ts_init = self._clock_ns()
        for market in markets:
            try:
                instrument = market_to_instrument(market, ts_init, self._shared_fees.fees)
            except MarketRefused as refusal:
                self.skipped[refusal.reason] += 1
                continue
            self.add_currency(instrument.base_currency)
            self.add_currency(instrument.quote_currency)
            self.add(instrument)

    async def _load_account_fees(self) -> None:
        if self._account is None or self._http.token_provider is None:
            return
        try:
            body = await self._http.get_account_info()
        except RequestRejected as error:
            self._log.warning(f"Instruments show the venue's fees, not the account's: {error}")
            return
        for row in parse_account_info(body):
            if _digits(row.account) == _digits(self._account):
                self._shared_fees.fees = row

    def _forget_skipped(self) -> None:
        self.skipped = Counter()
        self.unreadable = {}

    def _report_skipped(self) -> None:
        reasons = self.skipped.most_common() + sorted(self.unreadable.items())
        if reasons:
            named = ", ".join(f"{excerpt(reason)} ({n})" for reason, n in reasons)
            self._log.info(f"Skipped markets: {named}")


def _passes(market: Market, criteria: dict[str, frozenset[str | int]]) -> bool:
    held = {
        "kind": market.asset_kind,
        "base": market.base_currency.upper(),
        "trading_mode": market.trading_mode,
    }
    return all(held[name] in wanted for name, wanted in criteria.items())


def _digits(address: str) -> str:
    """Return the digits of an address: some answers pad them with zeros."""
    return address.lower().removeprefix("0x").lstrip("0")


def _need_filters(filters: dict[str, object] | None) -> dict[str, frozenset[str | int]]:
    codes = {"kind": ASSET_KINDS, "trading_mode": TRADING_MODES, "base": None}
    criteria: dict[str, frozenset[str | int]] = {}
    for name, wanted in (filters or {}).items():
        if name not in codes:
            known = ", ".join(sorted(codes))
            raise ConfigurationError("filters", f"{name!r} is unknown; use {known}")
        words = [wanted] if isinstance(wanted, str) else wanted
        if not isinstance(words, list | tuple | set | frozenset) or not words:
            raise ConfigurationError("filters", f"{name!r} must be a word or a list of words")
        criteria[name] = frozenset(_need_code(name, word, codes[name]) for word in words)
    return criteria


def _need_code(name: str, word: object, codes: dict[str, int] | None) -> str | int:
    if not isinstance(word, str):
        raise ConfigurationError("filters", f"{name!r} must be a word or a list of words")
    if codes is None:
        return word.upper()
    code = codes.get(word.upper())
    if code is None:
        known = ", ".join(filter(None, codes))
        raise ConfigurationError("filters", f"{name!r} has no {word!r}; use {known}")
    return code


def _need_instrument_ids(instrument_ids: Iterable[InstrumentId | str]) -> None:
    for instrument_id in instrument_ids:
        text = str(instrument_id)
        if not text.endswith(f".{PARADEX_VENUE.value}"):
            raise ConfigurationError(
                "load_ids", f"{text!r} is not at this venue; write it as BTC-USD-PERP.PARADEX"
            )
