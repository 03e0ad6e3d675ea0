"""Keeps the instruments up to date while running: listings, changed terms, settlements, removals.

Events of the channel ``markets`` tell at once, the whole list read again at an interval tells what
was missed. Either way the instruments are published again, and whoever subscribed is told status
and close.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from nautilus_trader.common.component import LiveClock, Logger
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.instruments import Instrument

from paradex_adapter.instrument_changes import InstrumentChanges
from paradex_adapter.providers import ParadexInstrumentProvider
from paradex_adapter.translate.instrument_events import (
    delisted_to_status,
    instrument_to_status,
    market_event_to_close,
    settled_to_status,
    settlement_to_close,
)
from paradex_adapter.translate.market_data import OutOfRange
from paradex_adapter.venue.errors import ParadexError
from paradex_adapter.venue.http import HttpClient
from paradex_adapter_core.errors import CoreError
from paradex_adapter_core.messages.connection import OtherPush
from paradex_adapter_core.messages.markets import MarketEvent
from paradex_adapter_core.parsers.markets import parse_market_event, parse_market_settlement
from paradex_adapter_core.vocabulary import MARKET_SETTLED

SECS_PER_MIN: Final = 60.0
# Events that wait for the list to be read; more are answered by reading all of it.
EVENTS_MAX: Final = 1000
# When the settlement price is asked for, until the venue has it.
SETTLEMENT_DELAYS_SECS: Final = (0.0, 5.0, 30.0, 120.0, 600.0)


class InstrumentWatch:
    """Follows what becomes of the instruments.

    Parameters
    ----------
    provider : ParadexInstrumentProvider
        The instruments.
    http : HttpClient
        Where settlement prices are read.
    handle : Callable[[object], None]
        Takes statuses and closes for the engine.
    publish : Callable[[Instrument], None]
        Takes each instrument that is new or different.
    on_regridded : Callable[[Instrument], None]
        Takes each instrument whose tick or lot changed, when it was published.
    clock : LiveClock
        The node's clock.
    log : Logger
        The client's log.

    Attributes
    ----------
    statuses, closes : set[InstrumentId]
        Whose status and close are wanted.
    """

    def __init__(
        self,
        provider: ParadexInstrumentProvider,
        http: HttpClient,
        *,
        handle: Callable[[Any], None],
        publish: Callable[[Instrument], None],
        on_regridded: Callable[[Instrument], None],
        clock: LiveClock,
        log: Logger,
    ) -> None:
        self._provider: Final = provider
        self._http: Final = http
        self._handle: Final = handle
        self._publish: Final = publish
        self._on_regridded: Final = on_regridded
        self._clock: Final = clock
        self._log: Final = log
        self.statuses: Final[set[InstrumentId]] = set()
        self.closes: Final[set[InstrumentId]] = set()
        self._events: Final[list[MarketEvent]] = []
        self._is_refresh_due = False
        self._woken: Final = asyncio.Event()
        self._tasks: Final[set[asyncio.Task[None]]] = set()
        self._unreadable: Final[dict[str, int]] = {}
        self.counters: Final[dict[str, int]] = {"instrument changes": 0}

    def start(self, interval_mins: int | None) -> None:
        """Follow events, and read the list every `interval_mins`, unless that is None."""
        self._run(self._apply_events(), "paradex-instrument-events")
        if interval_mins is not None:
            self._run(self._refresh(interval_mins), "paradex-instruments")

    async def close(self) -> None:
        """Stop, and leave no task behind."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        self._events.clear()
        self.statuses.clear()
        self.closes.clear()

    def tell_status(self, instrument: Instrument) -> None:
        """Tell the status an instrument has now."""
        now_ns = self._clock.timestamp_ns()
        self._handle(instrument_to_status(instrument, now_ns, now_ns))

    def on_push(self, push: OtherPush) -> None:
        """Take an event of the channel ``markets``."""
        try:
            event = parse_market_event(push.data, self._unreadable)
        except CoreError as e:
            self._log.warning(f"An event of {push.channel} could not be read: {e}")
            return
        if len(self._events) >= EVENTS_MAX:
            self._is_refresh_due = True
        else:
            self._events.append(event)
        self._woken.set()

    def _run(self, work: Any, name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _refresh(self, interval_mins: int) -> None:
        while True:
            await asyncio.sleep(SECS_PER_MIN * interval_mins)
            self._is_refresh_due = True
            self._woken.set()

    async def _apply_events(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            events = list(self._events)
            self._events.clear()
            try:
                if events:
                    self._tell(await self._provider.apply_events(events), events)
                if self._is_refresh_due:
                    self._is_refresh_due = False
                    self._tell(await self._provider.refresh(), [])
            except (ParadexError, CoreError) as e:
                self._log.warning(f"Instruments were not brought up to date: {e}")

    def _tell(self, changes: InstrumentChanges, events: list[MarketEvent]) -> None:
        if not changes:
            return
        now_ns = self._clock.timestamp_ns()
        for instrument in (*changes.listed, *changes.changed):
            self.counters["instrument changes"] += 1
            self._publish(instrument)
            if instrument.id in changes.regridded:
                self._on_regridded(instrument)
        for instrument in changes.listed:
            if instrument.id in self.statuses:
                self.tell_status(instrument)
        at = {event.market: event.ts_event for event in events}
        for instrument_id in changes.delisted:
            if instrument_id in self.statuses:
                ts_event = at.get(instrument_id.symbol.value, now_ns)
                self._handle(delisted_to_status(instrument_id, ts_event, now_ns))
        settlements = {e.market: e for e in events if e.event_type == MARKET_SETTLED}
        for instrument_id in changes.settled:
            if instrument_id in self.statuses:
                ts_event = at.get(instrument_id.symbol.value, now_ns)
                self._handle(settled_to_status(instrument_id, ts_event, now_ns))
            if instrument_id in self.closes:
                self._tell_close(instrument_id, settlements.get(instrument_id.symbol.value))

    def _tell_close(self, instrument_id: InstrumentId, event: MarketEvent | None) -> None:
        instrument = self._provider.find(instrument_id)
        if instrument is None:
            return
        close = None
        try:
            if event is not None:
                close = market_event_to_close(event, instrument, self._clock.timestamp_ns())
        except OutOfRange as e:
            self._log.error(f"The settlement of {instrument_id} cannot be shown: {e}")
            return
        if close is not None:
            self._handle(close)
        else:
            self._run(self._read_close(instrument), f"paradex-settlement-{instrument_id}")

    async def _read_close(self, instrument: Instrument) -> None:
        error: Exception | None = None
        for delay_secs in SETTLEMENT_DELAYS_SECS:
            await asyncio.sleep(delay_secs)
            try:
                body = await self._http.get_settlement_price(instrument.id.symbol.value)
                settlement = parse_market_settlement(body)
                close = settlement_to_close(settlement, instrument, self._clock.timestamp_ns())
            except (ParadexError, CoreError, OutOfRange) as e:
                error = e
                continue
            self._handle(close)
            return
        self._log.error(f"The settlement price of {instrument.id} could not be read: {error}")
