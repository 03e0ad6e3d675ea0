"""The past of a market: the same under the same seed, within its bounds, and adding up."""

from decimal import Decimal
from itertools import pairwise

import pytest

from paradex_adapter.local_exchange.candles import (
    CANDLES_KEPT_MAX,
    MINUTE_MS,
    ROWS_MAX,
    Candle,
    MinuteCandles,
    kline_rows,
)
from paradex_adapter.local_exchange.history import FUNDING_PERIOD_MINUTES, MarketHistory, wave
from paradex_adapter.local_exchange.markets import DEFAULT_MARKETS, Market
from paradex_adapter.local_exchange.past import Pasts
from paradex_adapter.local_exchange.sequences import Clock

START_MS = 1_794_000_030_000
SEED = 5
RULES = DEFAULT_MARKETS[0]


def history(seed: int = SEED, start_ms: int = START_MS, hours: int = 2) -> MarketHistory:
    return MarketHistory(Market.listed(RULES, SEED), seed, start_ms, hours)


def test_the_same_minute_reads_the_same_whenever_the_exchange_started() -> None:
    minute = START_MS // MINUTE_MS - 30
    trades = history().minute_trades(minute)
    later = history(start_ms=START_MS + 7 * MINUTE_MS + 123).minute_trades(minute)
    assert [trade.response() for trade in trades] == [trade.response() for trade in later]
    assert history(seed=6).minute_trades(minute) != trades
    assert history().funding_rate(minute) == history(start_ms=START_MS * 2).funding_rate(minute)


def test_trades_come_newest_first_on_the_grid_and_within_the_past() -> None:
    trades = list(history().trades(None, None, None))
    assert len({trade.id for trade in trades}) == len(trades) == 2 * 60 * 6
    for newer, older in pairwise(trades):
        assert newer.created_at >= older.created_at
        assert newer.ordinal > older.ordinal
    assert trades[0].ordinal < 0
    assert START_MS - 2 * 60 * MINUTE_MS <= trades[-1].created_at < trades[0].created_at < START_MS
    for trade in trades:
        assert not trade.price % RULES.tick
        assert trade.size > 0
        assert not trade.size % RULES.step
        assert abs(trade.price / RULES.reference_price - 1) < Decimal("0.02")


@pytest.mark.parametrize("count", [0, 1, 5, 6, 7, 200])
def test_a_page_goes_on_where_the_one_before_ended(count: int) -> None:
    past = history()
    trades = list(past.trades(None, None, None))
    marker = trades[count].ordinal
    rest = [trade for trade in past.trades(None, None, marker) if trade.ordinal < marker]
    assert rest == trades[count + 1 :]
    rows = list(past.funding(None, None, None))
    if count < len(rows):
        marker = rows[count].ordinal
        left = [row for row in past.funding(None, None, marker) if row.ordinal < marker]
        assert left == rows[count + 1 :]


def test_bounds_of_time_leave_out_nothing_that_lies_within() -> None:
    past = history()
    start, end = START_MS - 3_000_000, START_MS - 1_000_000
    within = [t for t in past.trades(None, None, None) if start <= t.created_at <= end]
    bounded = [t for t in past.trades(start, end, None) if start <= t.created_at <= end]
    assert within == bounded
    assert within


def test_candles_are_made_of_the_trades() -> None:
    past = history()
    minute = START_MS // MINUTE_MS - 10
    trades, candle = past.minute_trades(minute), past.candle("last", minute)
    prices = [trade.price for trade in trades]
    volume = sum((trade.size for trade in trades), Decimal(0))
    assert candle == Candle(prices[0], max(prices), min(prices), prices[-1], volume)


@pytest.mark.parametrize("resolution", [1, 3, 5, 15, 30, 60])
@pytest.mark.parametrize("kind", ["last", "mark"])
def test_longer_candles_are_made_of_minutes(resolution: int, kind: str) -> None:
    past = history()

    def of(minute: int) -> Candle | None:
        return past.candle(kind, minute)

    start, end = past.first_ms, START_MS
    minutes = {row[0]: row for row in kline_rows(of, 1, 0 + start, end)}
    rows = list(kline_rows(of, resolution, start, end))
    assert rows
    for opened, open_, high, low, close, volume in rows:
        assert opened % (resolution * MINUTE_MS) == 0
        span = range(int(opened), int(opened) + resolution * MINUTE_MS, MINUTE_MS)
        inside = [minutes[at] for at in span if at in minutes]
        assert open_ == inside[0][1]
        assert high == max(row[2] for row in inside)
        assert low == min(row[3] for row in inside)
        assert close == inside[-1][4]
        assert volume == pytest.approx(sum(row[5] for row in inside))


def test_the_index_is_the_sum_of_the_rates() -> None:
    past = history()
    minute = START_MS // MINUTE_MS - 100
    for at in range(minute, minute + 50):
        grew = past.funding_index(at + 1) - past.funding_index(at)
        due = past.funding_rate(at) * RULES.reference_price / FUNDING_PERIOD_MINUTES
        assert grew == pytest.approx(due, abs=Decimal("3e-8"))


def test_a_wave_stays_within_one_and_comes_back() -> None:
    values = [wave(at, 480) for at in range(480)]
    assert (min(values), max(values)) == (-1_000_000, 1_000_000)
    assert values == [wave(at + 480 * 7, 480) for at in range(480)]


@pytest.mark.parametrize("hours", [-1, 721])
def test_a_past_of_another_length_is_refused(hours: int) -> None:
    with pytest.raises(ValueError, match="history_hours must be 0 to 720"):
        history(hours=hours)


def test_without_hours_there_is_no_past() -> None:
    past = history(hours=0)
    assert list(past.trades(None, None, None)) == []
    assert list(past.funding(None, None, None)) == []


def test_minute_candles_are_bounded() -> None:
    candles = MinuteCandles()
    for minute in range(CANDLES_KEPT_MAX + 5):
        candles.add(minute * MINUTE_MS, Decimal(minute + 1))
    assert candles.get(4) is None
    assert candles.get(5) == Candle.opened(Decimal(6), Decimal(0))


def test_what_happens_continues_the_candle_of_the_past() -> None:
    clock, market = Clock(), Market.listed(RULES, SEED)
    past = Pasts(SEED, clock, 24).of(market)
    now_ms = clock.now_ms()
    far = Decimal(1_000_000)
    past.candles["last"].add(now_ms, far, Decimal(1))
    rows = past.klines("last", 60, now_ms - 3 * 3_600_000, now_ms + 10**9, now_ms)
    assert rows[-1][2] == rows[-1][4] == float(far)
    assert rows[-1][1] < float(far)
    assert len(past.klines("mark", 1, 0, now_ms, now_ms)) == ROWS_MAX
