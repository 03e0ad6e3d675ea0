"""The instruments of the venue, read over REST."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final

from nautilus_trader.common.providers import InstrumentProvider
from nautilus_trader.config import InstrumentProviderConfig
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.instruments import CryptoFuture, CryptoOption, Instrument

from paradex_adapter.constants import PARADEX_VENUE
from paradex_adapter.instrument_changes import InstrumentChanges, compare_instruments
from paradex_adapter.instrument_filters import InstrumentFilters
from paradex_adapter.translate.instruments import (
    NANOS_PER_DAY,
    MarketRefused,
    is_identifier,
    market_to_instrument,
    symbol_to_instrument_id,
)
from paradex_adapter.venue.account_reader import AccountReader
from paradex_adapter.venue.errors import ConfigurationError, RequestRejected, excerpt
from paradex_adapter.venue.http import HttpClient
from paradex_adapter_core.messages.account import AccountFees
from paradex_adapter_core.messages.markets import Market, MarketEvent
from paradex_adapter_core.parsers.account import parse_account_info
from paradex_adapter_core.parsers.markets import parse_markets
from paradex_adapter_core.vocabulary import MARKET_DELETED, MARKET_SETTLED

# Up to so many instruments are asked for one by one; more come with one request for all.
REQUESTS_PER_LOAD_MAX: Final = 3
# Names of missing instruments in one log line.
NAMES_LOGGED_MAX: Final = 10

HTTP_NOT_FOUND: Final = 404

# Options come and go every day: how long one stays loaded after it expired.
EXPIRED_KEPT_NS: Final = 7 * NANOS_PER_DAY
# When the list is read after an event, until it shows what the event tells.
EVENT_READ_DELAYS_SECS: Final = (0.0, 0.25, 1.0, 4.0)


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
    reason and reported in one log line. What was loaded once stays, also when the venue delists it:
    positions in it are still shown.

    Parameters
    ----------
    http : HttpClient
        The venue's REST interface.
    config : InstrumentProviderConfig, optional
        ``load_all`` or ``load_ids``, and ``filters``: see `InstrumentFilters`.
    account_address : str, optional
        Whose fee rates the instruments show, and whose open orders and positions have theirs loaded
        whatever the configuration says; they are read when `http` holds a token provider.
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
        InstrumentFilters(self._filters)
        _need_instrument_ids(self._load_ids_on_start or ())
        self._http: Final = http
        self._account: Final = account_address
        self._shared_fees: Final = SharedFees() if shared_fees is None else shared_fees
        self._clock_ns: Final = clock_ns
        self._load_lock: Final = asyncio.Lock()
        # What was told to be settled or gone, not to tell it again.
        self._settled: Final[set[InstrumentId]] = set()
        self._delisted: Final[set[InstrumentId]] = set()
        self.skipped: Counter[str] = Counter()
        self.unreadable: dict[str, int] = {}

    # -- LOADING -----------------------------------------------------------------------------------

    async def initialize(self, reload: bool = False) -> None:
        """Load what the configuration names, and what the account has open besides."""
        await super().initialize(reload)
        await self._load_held()

    async def _load_held(self) -> None:
        """Load the instruments of open positions and orders: a reconciliation leaves out others."""
        has_all = self._load_all_on_start and not self._filters
        if has_all or self._account is None or self._http.token_provider is None:
            return
        reader = AccountReader(self._http, {})
        markets = {position.market for position in await reader.positions() if position.size}
        markets |= {order.market for order in await reader.open_orders()}
        held = {symbol_to_instrument_id(m) for m in markets if is_identifier(m)}
        missing = sorted(held - set(self._instruments))
        if missing:
            names = ", ".join(i.symbol.value for i in missing[:NAMES_LOGGED_MAX])
            self._log.info(f"The account has open orders or positions in {names}: loading them too")
            await self._load_named(missing, None)

    async def load_all_async(self, filters: dict[str, object] | None = None) -> None:
        """Load every instrument that passes the filters, by default those of the configuration."""
        wanted = InstrumentFilters(self._filters if filters is None else filters)
        await self._load_account_fees()
        self._forget_skipped()
        markets, now_ns = await self._fetch_markets(None), self._clock_ns()
        self._add_instruments(
            self._to_instruments(market for market in markets if wanted.passes(market, now_ns))
        )
        self._report_skipped()

    async def load_ids_async(
        self, instrument_ids: list[InstrumentId], filters: dict[str, object] | None = None
    ) -> None:
        """Load the instruments named, as far as they pass the filters."""
        missing = await self._load_named(instrument_ids, filters)
        if missing:
            names = ", ".join(missing[:NAMES_LOGGED_MAX])
            self._log.error(f"{len(missing)} instruments are not listed at Paradex: {names}")

    async def _load_named(
        self, instrument_ids: list[InstrumentId], filters: dict[str, object] | None
    ) -> list[str]:
        """Load instruments and return the symbols that are not listed."""
        wanted = InstrumentFilters(filters)
        _need_instrument_ids(instrument_ids)
        symbols = {instrument_id.symbol.value for instrument_id in instrument_ids}
        if not symbols:
            return []
        await self._load_account_fees()
        self._forget_skipped()
        named, now_ns = await self._fetch_named(symbols), self._clock_ns()
        self._add_instruments(
            self._to_instruments(market for market in named if wanted.passes(market, now_ns))
        )
        self._report_skipped()
        return sorted(symbols - {market.symbol for market in named})

    async def load_async(
        self, instrument_id: InstrumentId, filters: dict[str, object] | None = None
    ) -> None:
        """Load one instrument, anew if it is loaded already."""
        await self.load_ids_async([instrument_id], filters)

    async def find_or_load(self, instrument_id: InstrumentId) -> Instrument | None:
        """Return an instrument, loading it when it is not; None when there is no such instrument.

        It is for what is named outright, such as by a subscription: filters do not matter. Those
        who ask at once share one request.

        Raises
        ------
        ConfigurationError
            If the instrument is of another venue.
        """
        async with self._load_lock:
            if self.find(instrument_id) is None:
                # That it is not listed is for the caller to say, with what it was needed for.
                await self._load_named([instrument_id], None)
        return self.find(instrument_id)

    # -- CHANGES WHILE RUNNING ---------------------------------------------------------------------

    async def refresh(self) -> InstrumentChanges:
        """Read the whole list again and return what became of the instruments.

        Those that are loaded are brought up to date; new ones are added when all were to be loaded
        and they pass the filters.
        """
        await self._load_held()
        await self._load_account_fees()
        self._forget_skipped()
        markets, now_ns = await self._fetch_markets(None), self._clock_ns()
        changes = self._take_over(market for market in markets if self._is_wanted(market, now_ns))
        self._report_skipped()
        if not markets or any(note.startswith("skipped row") for note in self.unreadable):
            # What could not be read may be any of them: nothing is known to be gone.
            return changes
        there = {market.symbol for market in markets if is_identifier(market.symbol)}
        gone = [i for i in self._instruments.values() if i.id.symbol.value not in there]
        changes = self._note_ended(changes, gone, now_ns)
        self._forget_long_expired(gone, now_ns)
        return changes

    async def apply_events(self, events: Sequence[MarketEvent]) -> InstrumentChanges:
        """Return what became of the instruments by events of the channel ``markets``.

        An event names what changed and not all that an instrument is made of, so the markets are
        read anew, again after a moment where the list is behind the event. Events about instruments
        that nobody wanted change nothing.
        """
        ended = {MARKET_SETTLED: self._settled, MARKET_DELETED: self._delisted}
        told: dict[int, list[InstrumentId]] = {kind: [] for kind in ended}
        open_events: dict[str, MarketEvent] = {}
        for event in events:
            if not is_identifier(event.market):
                continue
            instrument_id = symbol_to_instrument_id(event.market)
            if event.event_type not in ended:
                if self._load_all_on_start or self.find(instrument_id) is not None:
                    open_events[event.market] = event
                continue
            open_events.pop(event.market, None)
            if self.find(instrument_id) and instrument_id not in ended[event.event_type]:
                ended[event.event_type].add(instrument_id)
                told[event.event_type].append(instrument_id)
        changes = await self._read_changes(open_events) if open_events else InstrumentChanges()
        return replace(
            changes,
            settled=tuple(told[MARKET_SETTLED]),
            delisted=(*changes.delisted, *told[MARKET_DELETED]),
        )

    async def _read_changes(self, events: dict[str, MarketEvent]) -> InstrumentChanges:
        behind = set(events)
        for delay_secs in EVENT_READ_DELAYS_SECS:
            await asyncio.sleep(delay_secs)
            self._forget_skipped()
            markets, now_ns = await self._fetch_named(set(events)), self._clock_ns()
            behind = set(events) - {m.symbol for m in markets if _shows(m, events[m.symbol])}
            if not behind:
                break
        if behind:
            names = ", ".join(sorted(behind)[:NAMES_LOGGED_MAX])
            self._log.warning(f"Market events that GET /markets does not show: {names}")
        changes = self._take_over(market for market in markets if self._is_wanted(market, now_ns))
        self._report_skipped()
        return changes

    def _is_wanted(self, market: Market, now_ns: int) -> bool:
        if not is_identifier(market.symbol):
            return False
        if self.find(symbol_to_instrument_id(market.symbol)) is not None:
            return True
        return self._load_all_on_start and InstrumentFilters(self._filters).passes(market, now_ns)

    def _take_over(self, markets: Iterable[Market]) -> InstrumentChanges:
        """Add what is new or different; what can be no instrument any more is delisted."""
        refused: list[str] = []
        fresh = self._to_instruments(markets, refused)
        changes = compare_instruments(self._instruments, fresh)
        again = [i for i in fresh if i.id in self._delisted]
        self._delisted.difference_update(i.id for i in again)
        self._add_instruments((*changes.listed, *changes.changed))
        ids = [symbol_to_instrument_id(symbol) for symbol in refused]
        delisted = [i for i in ids if self.find(i) is not None and i not in self._delisted]
        self._delisted.update(delisted)
        changed = {i.id for i in changes.changed}
        return replace(
            changes,
            # What is back is listed again, whether or not it changed meanwhile.
            listed=(*changes.listed, *(i for i in again if i.id not in changed)),
            delisted=tuple(delisted),
        )

    def _note_ended(
        self, changes: InstrumentChanges, gone: Iterable[Instrument], now_ns: int
    ) -> InstrumentChanges:
        settled, delisted = [], []
        for instrument in gone:
            if instrument.id in self._settled or instrument.id in self._delisted:
                continue
            if 0 < _find_expiry(instrument) <= now_ns:
                self._settled.add(instrument.id)
                settled.append(instrument.id)
            else:
                self._delisted.add(instrument.id)
                delisted.append(instrument.id)
        return replace(changes, settled=tuple(settled), delisted=(*changes.delisted, *delisted))

    def _forget_long_expired(self, gone: list[Instrument], now_ns: int) -> None:
        for instrument in gone:
            expired_ns = _find_expiry(instrument)
            if expired_ns and now_ns - expired_ns > EXPIRED_KEPT_NS:
                del self._instruments[instrument.id]
                self._settled.discard(instrument.id)
                self._delisted.discard(instrument.id)

    # -- READING -----------------------------------------------------------------------------------

    async def _fetch_named(self, symbols: set[str]) -> list[Market]:
        if len(symbols) <= REQUESTS_PER_LOAD_MAX:
            markets = [m for symbol in sorted(symbols) for m in await self._fetch_markets(symbol)]
        else:
            markets = await self._fetch_markets(None)
        return [market for market in markets if market.symbol in symbols]

    async def _fetch_markets(self, symbol: str | None) -> list[Market]:
        try:
            body = await self._http.get_markets(symbol)
        except RequestRejected as error:
            if symbol is not None and error.status == HTTP_NOT_FOUND:
                return []
            raise
        return parse_markets(body, self.unreadable)

    def _to_instruments(
        self, markets: Iterable[Market], refused: list[str] | None = None
    ) -> list[Instrument]:
        ts_init = self._clock_ns()
        instruments = []
        for market in markets:
            try:
                instruments.append(market_to_instrument(market, ts_init, self._shared_fees.fees))
            except MarketRefused as refusal:
                self.skipped[refusal.reason] += 1
                if refused is not None:
                    refused.append(market.symbol)
        return instruments

    def _add_instruments(self, instruments: Iterable[Instrument]) -> None:
        for instrument in instruments:
            for currency in (instrument.get_base_currency(), instrument.quote_currency):
                # A contract on an index or a barrel has no base currency.
                if currency is not None:
                    self.add_currency(currency)
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


def _shows(market: Market, event: MarketEvent) -> bool:
    """Return whether a market, as it was read, is as an event tells."""
    tick, step = event.price_tick_size, event.order_size_increment
    return tick in (None, market.price_tick_size) and step in (None, market.order_size_increment)


def _find_expiry(instrument: Instrument) -> int:
    """Return when an instrument expires, 0 for one that does not."""
    is_dated = isinstance(instrument, CryptoOption | CryptoFuture)
    return int(instrument.expiration_ns) if is_dated else 0


def _digits(address: str) -> str:
    """Return the digits of an address: some answers pad them with zeros."""
    return address.lower().removeprefix("0x").lstrip("0")


def _need_instrument_ids(instrument_ids: Iterable[InstrumentId | str]) -> None:
    for instrument_id in instrument_ids:
        text = str(instrument_id)
        if not text.endswith(f".{PARADEX_VENUE.value}"):
            raise ConfigurationError(
                "load_ids", f"{text!r} is not at this venue; write it as BTC-USD-PERP.PARADEX"
            )
