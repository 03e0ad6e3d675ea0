"""External bars: read over REST when they have closed, each once.

The venue streams no bars. Every bar type is asked for `CLOSE_DELAYS_SECS` after each of its closes,
from the last bar that was told on, so that what closed during an outage comes as well, in order. A
bar that is told is final: it is asked for after its close only. A period without a trade has no
bar; one that the venue is late with comes with a later answer.

Bars aggregated from trades (``INTERNAL``) are there at the close, not seconds after it, have any
length, and need no requests; but they begin with the subscription, and lack what an outage took.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from nautilus_trader.common.component import LiveClock, Logger
from nautilus_trader.model.data import BarType

from paradex_adapter.translate.history import (
    UnusableKline,
    bar_type_to_kline_terms,
    kline_to_bar,
)
from paradex_adapter.translate.market_data import OutOfRange, Scales
from paradex_adapter.venue.errors import ParadexError
from paradex_adapter.venue.history import NANOS_PER_MIN, fetch_klines
from paradex_adapter.venue.http import HttpClient
from paradex_adapter_core.errors import CoreError

NANOS_PER_SEC: Final = 1_000_000_000
# When a bar is asked for after its close, until it is there; the next close asks for it as well.
CLOSE_DELAYS_SECS: Final = (1.0, 5.0)
# The clock may be set while we sleep: how soon that is seen.
SLEEP_SECS_MAX: Final = 1.0
# A bar that the venue shows later than so many others of its type is not told any more.
LATE_BARS_MAX: Final = 10
# After a longer outage the oldest bars are left out, and that is logged.
CATCH_UP_BARS_MAX: Final = 5000
# All bar types close together: so many requests at once.
REQUESTS_AT_ONCE: Final = 8


class LiveBars:
    """The external bars somebody subscribed to.

    Parameters
    ----------
    http : HttpClient
        The venue's REST interface.
    handle : Callable[[object], None]
        Takes the bars for the engine.
    find_scales : Callable[[BarType], Scales | None]
        Gives the precisions of a bar type's instrument.
    clock : LiveClock
        The node's clock.
    log : Logger
        The client's log.
    """

    def __init__(
        self,
        http: HttpClient,
        handle: Callable[[Any], None],
        find_scales: Callable[[BarType], Scales | None],
        clock: LiveClock,
        log: Logger,
    ) -> None:
        self._http: Final = http
        self._handle: Final = handle
        self._find_scales: Final = find_scales
        self._clock: Final = clock
        self._log: Final = log
        self._tasks: Final[dict[BarType, asyncio.Task[None]]] = {}
        self._slots: Final = asyncio.Semaphore(REQUESTS_AT_ONCE)
        self.counters: Final[dict[str, int]] = {"bars": 0, "bars late": 0, "bar reads failed": 0}

    @property
    def bar_types(self) -> list[BarType]:
        """The bar types that are read."""
        return list(self._tasks)

    def add(self, bar_type: BarType) -> None:
        """Read a bar type from its next close on.

        Raises
        ------
        UnsupportedBars
            If the venue has no such bars.
        """
        minutes, price_kind = bar_type_to_kline_terms(bar_type)
        if bar_type not in self._tasks:
            self._tasks[bar_type] = asyncio.create_task(
                self._follow(bar_type, minutes * NANOS_PER_MIN, price_kind),
                name=f"paradex-bars-{bar_type}",
            )

    async def remove(self, bar_type: BarType) -> None:
        """Read a bar type no longer."""
        task = self._tasks.pop(bar_type, None)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def close(self) -> None:
        """Read nothing any more, and leave no task behind."""
        for bar_type in list(self._tasks):
            await self.remove(bar_type)

    async def _follow(self, bar_type: BarType, width_ns: int, price_kind: str) -> None:
        # Told up to here: the close of the last bar before the subscription.
        told_ns = self._clock.timestamp_ns() // width_ns * width_ns
        while True:
            due_ns = self._clock.timestamp_ns() // width_ns * width_ns + width_ns
            for delay_secs in CLOSE_DELAYS_SECS:
                delay_ns = int(delay_secs * NANOS_PER_SEC)
                await self._sleep_until(due_ns + delay_ns)
                # Later than asked for, where the machine slept or the clock was set.
                due_ns = (self._clock.timestamp_ns() - delay_ns) // width_ns * width_ns
                told_ns = await self._tell_from(bar_type, width_ns, price_kind, told_ns, due_ns)
                if told_ns >= due_ns:
                    break

    async def _tell_from(
        self, bar_type: BarType, width_ns: int, price_kind: str, told_ns: int, due_ns: int
    ) -> int:
        """Tell the bars that closed after `told_ns`, up to `due_ns`; return the last close told."""
        first_ns = max(told_ns + width_ns, due_ns - (CATCH_UP_BARS_MAX - 1) * width_ns)
        if first_ns > told_ns + width_ns:
            self._log.warning(f"Bars {bar_type}: only the last {CATCH_UP_BARS_MAX} are made up for")
        try:
            async with self._slots:
                history = await fetch_klines(
                    self._http,
                    bar_type.instrument_id.symbol.value,
                    width_ns // NANOS_PER_MIN,
                    price_kind,
                    first_ns,
                    due_ns,
                    now_ns=due_ns,
                )
        except (ParadexError, CoreError) as e:
            self.counters["bar reads failed"] += 1
            self._log.warning(f"Bars {bar_type} were not read, and will be: {e}")
            return told_ns
        scales = self._find_scales(bar_type)
        if scales is None:
            return told_ns
        for kline in history.rows:
            close_ns = kline[0] + width_ns
            if close_ns <= told_ns:
                continue
            told_ns = close_ns
            try:
                bar = kline_to_bar(kline, bar_type, scales, self._clock.timestamp_ns())
            except (UnusableKline, OutOfRange) as e:
                self._log.warning(f"Left out of {bar_type}: {e}")
                continue
            self.counters["bars"] += 1
            if close_ns < due_ns:
                self.counters["bars late"] += 1
            self._handle(bar)
        return max(told_ns, due_ns - LATE_BARS_MAX * width_ns)

    async def _sleep_until(self, at_ns: int) -> None:
        """Sleep until the clock says so, in steps: it may be set meanwhile."""
        while True:
            rest_secs = (at_ns - self._clock.timestamp_ns()) / NANOS_PER_SEC
            if rest_secs <= 0:
                return
            await asyncio.sleep(min(rest_secs, SLEEP_SECS_MAX))
