"""External bars: read when they have closed, each once, with what an outage took."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import orjson
import pytest
from nautilus_trader.common.component import Logger
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.identifiers import InstrumentId

from paradex_adapter import live_bars
from paradex_adapter.live_bars import LiveBars
from paradex_adapter.translate.history import UnsupportedBars
from paradex_adapter.venue.errors import VenueUnavailable

BTC = InstrumentId.from_str("BTC-USD-PERP.PARADEX")
MINUTE = BarType.from_str(f"{BTC}-1-MINUTE-LAST-EXTERNAL")
MIN_NS = 60 * 10**9
START_NS = 1_795_000_020 * 10**9
DEADLINE_SECS = 10.0


class Venue:
    """Bars as a test has them, and a clock it moves."""

    def __init__(self) -> None:
        self.now_ns = START_NS + 30 * 10**9
        self.klines: dict[int, list[float]] = {}
        self.asked: list[tuple[int, int, str | None]] = []
        self.failures = 0

    def timestamp_ns(self) -> int:
        return self.now_ns

    def close_bar(self, number: int, row: tuple[float, float, float, float] = (5, 9, 1, 7)) -> None:
        """Let the bar be there that opened so many minutes after the start."""
        self.klines[START_NS + number * MIN_NS] = [*row, 2.5]

    async def get_klines(
        self, market: str, minutes: int, start_ms: int, end_ms: int, price_kind: str | None
    ) -> bytes:
        self.asked.append((start_ms, end_ms, price_kind))
        if self.failures:
            self.failures -= 1
            raise VenueUnavailable("GET /markets/klines", "HTTP 503")
        rows = [
            [ns // 10**6, *row]
            for ns, row in sorted(self.klines.items())
            if start_ms <= ns // 10**6 <= end_ms
        ]
        return orjson.dumps({"results": rows})


class Reader:
    """Live bars of a scripted venue."""

    def __init__(self) -> None:
        self.venue: Any = Venue()
        self.told: list[Bar] = []
        scales = (BTC, 1, {}, 5, 10**3)
        self.bars = LiveBars(
            self.venue, self.told.append, lambda _: scales, self.venue, Logger("bars")
        )

    def closes(self) -> list[int]:
        """Return which bars were told, by the minutes from the start to their opening."""
        return [(bar.ts_event - START_NS) // MIN_NS - 1 for bar in self.told]

    async def pass_secs(self, secs: float) -> None:
        """Let the clock go on, and whoever waits for it."""
        self.venue.now_ns += int(secs * 10**9)
        asked = len(self.venue.asked)
        await until(lambda: len(self.venue.asked) > asked)
        for _ in range(20):
            await asyncio.sleep(0)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(DEADLINE_SECS):
        while not condition():  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.001)


@pytest.fixture
async def reader(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Reader]:
    # The clock is the test's: whoever waits for it looks often.
    monkeypatch.setattr(live_bars, "SLEEP_SECS_MAX", 0.001)
    reader = Reader()
    reader.bars.add(MINUTE)
    await asyncio.sleep(0.005)
    yield reader
    await reader.bars.close()
    assert not [t for t in asyncio.all_tasks() if t.get_name().startswith("paradex-bars")]
    assert reader.bars.bar_types == []


async def test_a_bar_is_told_after_its_close_and_once(reader: Reader) -> None:
    reader.venue.close_bar(-1)
    reader.venue.close_bar(0)
    # Open still: the venue shows it, and it is not told.
    reader.venue.close_bar(1)
    await reader.pass_secs(32)
    assert reader.closes() == [0]
    [bar] = reader.told
    assert str(bar) == f"{MINUTE},5.0,9.0,1.0,7.0,2.50000,{START_NS + MIN_NS}"
    assert bar.ts_init == reader.venue.now_ns
    await reader.pass_secs(60)
    assert reader.closes() == [0, 1]
    assert reader.venue.asked[0][2] == "last"
    assert reader.bars.counters == {"bars": 2, "bars late": 0, "bar reads failed": 0}


async def test_a_bar_that_is_not_there_yet_is_asked_for_again(reader: Reader) -> None:
    await reader.pass_secs(32)
    assert reader.told == []
    reader.venue.close_bar(0)
    await reader.pass_secs(4)
    assert reader.closes() == [0]


async def test_what_an_outage_took_comes_afterwards_in_order(reader: Reader) -> None:
    for number in range(5):
        reader.venue.close_bar(number)
    reader.venue.failures = 2
    await reader.pass_secs(32)
    await reader.pass_secs(4)
    assert (reader.told, reader.bars.counters["bar reads failed"]) == ([], 2)
    # Asleep for minutes as well.
    reader.venue.now_ns += 4 * MIN_NS
    await until(lambda: len(reader.told) == 5)
    assert reader.closes() == [0, 1, 2, 3, 4]
    assert reader.bars.counters["bars late"] == 4


async def test_a_bar_the_venue_is_late_with_is_told_with_the_next_unless_that_was_told(
    reader: Reader,
) -> None:
    await reader.pass_secs(32)
    await reader.pass_secs(4)
    reader.venue.close_bar(0)
    reader.venue.close_bar(1)
    await reader.pass_secs(56)
    assert reader.closes() == [0, 1]
    # After a newer one, an older one would be out of order.
    reader.venue.close_bar(3)
    await reader.pass_secs(60)
    await reader.pass_secs(4)
    await reader.pass_secs(56)
    reader.venue.close_bar(2)
    reader.venue.close_bar(4)
    await reader.pass_secs(60)
    assert reader.closes() == [0, 1, 3, 4]


async def test_a_bar_that_contradicts_itself_is_left_out(reader: Reader) -> None:
    reader.venue.close_bar(0, (5, 4, 1, 7))
    await reader.pass_secs(32)
    reader.venue.close_bar(1)
    await reader.pass_secs(60)
    assert reader.closes() == [1]


async def test_a_market_without_trades_costs_no_growing_requests(reader: Reader) -> None:
    for _ in range(live_bars.LATE_BARS_MAX + 5):
        await reader.pass_secs(34)
        reader.venue.now_ns += 26 * 10**9
    start_ms, end_ms, _ = reader.venue.asked[-1]
    assert end_ms - start_ms <= (live_bars.LATE_BARS_MAX + 1) * 60_000


async def test_a_bar_type_is_read_by_one_and_left_at_once(reader: Reader) -> None:
    reader.bars.add(MINUTE)
    assert reader.bars.bar_types == [MINUTE]
    await reader.bars.remove(MINUTE)
    await reader.bars.remove(MINUTE)
    reader.venue.close_bar(0)
    reader.venue.now_ns += 5 * MIN_NS
    await asyncio.sleep(0.01)
    assert reader.venue.asked == []


async def test_bars_the_venue_does_not_have_are_refused(reader: Reader) -> None:
    with pytest.raises(UnsupportedBars):
        reader.bars.add(BarType.from_str(f"{BTC}-4-HOUR-LAST-EXTERNAL"))
    assert reader.bars.bar_types == [MINUTE]
