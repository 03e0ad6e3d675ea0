"""Bars, funding, book depths and forward prices as Nautilus data."""

import json
from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.model.data import BarType
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.instruments import CryptoOption
from nautilus_trader.model.objects import PRICE_MAX, QUANTITY_MAX

from paradex_adapter.translate.history import (
    DEPTH_LEVELS,
    NANOS_PER_YEAR,
    UnsupportedBars,
    UnusableKline,
    bar_type_to_kline_terms,
    book_to_depth10,
    funding_to_update,
    kline_to_bar,
    summary_to_forward_price,
)
from paradex_adapter.translate.instruments import market_to_instrument
from paradex_adapter.translate.market_data import OutOfRange, PriceTables
from paradex_adapter_core.messages.market_data import FundingData, MarketSummary
from paradex_adapter_core.parsers.markets import parse_market_summaries, parse_markets
from paradex_adapter_core.vocabulary import KIND_BOOK, KIND_OPTION
from tests.fixture_files import load_rest

ONE = 10**8
NOON = 1_795_262_400 * 10**9
MIN = 60 * 10**9


def instrument_of(symbol: str) -> Any:
    markets = parse_markets(load_rest("recorded_markets").body)
    market = next(market for market in markets if market.symbol == symbol)
    return market_to_instrument(market, 0)


@pytest.fixture
def btc() -> Any:
    return instrument_of("BTC-USD-PERP")


@pytest.fixture
def scales(btc: Any) -> Any:
    return PriceTables().scales_of(btc)


def bars_of(spec: str) -> BarType:
    return BarType.from_str(f"BTC-USD-PERP.PARADEX-{spec}")


# -- bars ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "terms"),
    [
        *((f"{n}-MINUTE-LAST-EXTERNAL", (n, "last")) for n in (1, 3, 5, 15, 30)),
        ("1-HOUR-LAST-EXTERNAL", (60, "last")),
        ("5-MINUTE-MARK-EXTERNAL", (5, "mark")),
        ("1-HOUR-MID-EXTERNAL", (60, "underlying")),
    ],
)
def test_bar_types_the_venue_has(spec: str, terms: tuple[int, str]) -> None:
    assert bar_type_to_kline_terms(bars_of(spec)) == terms


@pytest.mark.parametrize(
    "spec",
    [
        "2-MINUTE-LAST-EXTERNAL",
        "2-HOUR-LAST-EXTERNAL",
        "1-DAY-LAST-EXTERNAL",
        "1-SECOND-LAST-EXTERNAL",
        "100-TICK-LAST-EXTERNAL",
        "1-MINUTE-BID-EXTERNAL",
        "1-MINUTE-ASK-EXTERNAL",
        "1-MINUTE-LAST-INTERNAL",
        "5-MINUTE-LAST-INTERNAL@1-MINUTE-EXTERNAL",
    ],
)
def test_bar_types_the_venue_does_not_have(spec: str) -> None:
    with pytest.raises(UnsupportedBars, match="do not exist at Paradex"):
        bar_type_to_kline_terms(bars_of(spec))


def test_a_bar_bears_the_time_of_its_close(scales: Any) -> None:
    kline = (NOON, 90_000 * ONE, 90_010 * ONE, 89_990 * ONE, 90_005 * ONE, 3 * ONE // 2)
    bar = kline_to_bar(kline, bars_of("3-MINUTE-LAST-EXTERNAL"), scales)
    assert str(bar).endswith("EXTERNAL,90000.0,90010.0,89990.0,90005.0,1.50000,1795262580000000000")
    assert bar.ts_event == bar.ts_init == NOON + 3 * MIN
    assert kline_to_bar(kline, bar.bar_type, scales, ts_init=7).ts_init == 7


def test_a_bar_is_rounded_to_the_instrument_half_to_even(scales: Any) -> None:
    kline = (NOON, 9_000_005_000_000, 9_000_015_000_000, 9_000_005_000_000, 9_000_015_000_000, 500)
    bar = kline_to_bar(kline, bars_of("1-MINUTE-MARK-EXTERNAL"), scales)
    assert [str(bar.open), str(bar.close), str(bar.volume)] == ["90000.0", "90000.2", "0.00000"]


@pytest.mark.parametrize(
    "prices", [(2, 1, 1, 1), (1, 2, 2, 1), (1, 3, 1, 4), (0, 1, 0, 1), (-1, 1, -1, 1), (3, 4, 1, 0)]
)
def test_a_bar_that_contradicts_itself_is_none(scales: Any, prices: tuple[int, ...]) -> None:
    kline: Any = (NOON, *(price * ONE for price in prices), 0)
    with pytest.raises(UnusableKline):
        kline_to_bar(kline, bars_of("1-MINUTE-LAST-EXTERNAL"), scales)


def test_a_bar_out_of_nautilus_range_is_caught(scales: Any) -> None:
    bar_type = bars_of("1-MINUTE-LAST-EXTERNAL")
    high = int(PRICE_MAX) * ONE + ONE
    with pytest.raises(OutOfRange):
        kline_to_bar((NOON, ONE, high, ONE, ONE, 0), bar_type, scales)
    volume = int(QUANTITY_MAX) * ONE + ONE
    with pytest.raises(OutOfRange):
        kline_to_bar((NOON, ONE, ONE, ONE, ONE, volume), bar_type, scales)


# -- funding -------------------------------------------------------------------------------------


def funding(**changes: Any) -> FundingData:
    fields: dict[str, Any] = {
        "market": "BTC-USD-PERP",
        "seq_no": 0,
        "funding_rate": 81_003_573,
        "funding_rate_8h": 81_000_000,
        "funding_index": None,
        "funding_premium": None,
        "impact_premium_rate": None,
        "funding_period_hours": 8,
        "ts_event": NOON,
    }
    return FundingData(**fields | changes)


def test_a_funding_rate_is_exact_and_of_the_markets_own_period(btc: Any) -> None:
    update = funding_to_update(funding(), btc.id, 7)
    assert update is not None
    assert update.rate == Decimal("0.000081003573")
    assert update.interval == 480
    assert update.next_funding_ns is None
    assert (update.ts_event, update.ts_init) == (NOON, 7)


def test_funding_without_a_period_or_a_rate(btc: Any) -> None:
    update = funding_to_update(funding(funding_period_hours=0), btc.id, 7)
    assert update is not None
    assert update.interval is None
    assert funding_to_update(funding(funding_rate=None), btc.id, 7) is None


# -- depths --------------------------------------------------------------------------------------


def test_a_depth_has_ten_levels_a_side_best_first(scales: Any) -> None:
    bids = tuple(x for n in range(12) for x in ((90_000 - n) * ONE, (n + 1) * ONE))
    asks = (90_002 * ONE, 2 * ONE, 90_001 * ONE, ONE, 90_003 * ONE, 0)
    depth = book_to_depth10((KIND_BOOK, "BTC-USD-PERP", 5, True, bids, asks, NOON), scales, 7)
    assert len(depth.bids) == len(depth.asks) == DEPTH_LEVELS
    assert [str(order.price) for order in depth.bids[:2]] == ["90000.0", "89999.0"]
    assert str(depth.bids[-1].price) == "89991.0"
    assert [(str(order.price), str(order.size)) for order in depth.asks[:2]] == [
        ("90001.0", "1.00000"),
        ("90002.0", "2.00000"),
    ]
    assert depth.ask_counts == [1, 1] + [0] * 8
    assert {order.side for order in depth.asks[2:]} == {OrderSide.NO_ORDER_SIDE}
    assert (depth.sequence, depth.ts_event, depth.ts_init) == (5, NOON, 7)


def test_an_empty_book_has_an_empty_depth(scales: Any) -> None:
    depth = book_to_depth10((KIND_BOOK, "BTC-USD-PERP", 5, True, (), (), NOON), scales, 7)
    assert depth.bid_counts == depth.ask_counts == [0] * DEPTH_LEVELS


@pytest.mark.parametrize(
    "level", [(int(PRICE_MAX) * ONE + ONE, ONE), (ONE, int(QUANTITY_MAX) * ONE + ONE)]
)
def test_a_depth_out_of_nautilus_range_is_caught(scales: Any, level: tuple[int, int]) -> None:
    with pytest.raises(OutOfRange):
        book_to_depth10((KIND_BOOK, "BTC-USD-PERP", 5, True, level, (), NOON), scales, 7)


# -- forward prices ------------------------------------------------------------------------------


@pytest.fixture
def option() -> Any:
    markets = parse_markets(load_rest("written_markets_of_every_kind").body)
    market = next(market for market in markets if market.asset_kind == KIND_OPTION)
    found = market_to_instrument(market, 0)
    assert isinstance(found, CryptoOption)
    return found


def summary(index: str, rate: str, at_ns: int) -> MarketSummary:
    row_text = {
        "symbol": "X",
        "mark_price": "1",
        "underlying_price": index,
        "forward_rate": rate,
        "created_at": at_ns // 10**6,
    }
    body = json.dumps({"results": [row_text]})
    (row,) = parse_market_summaries(body.encode())
    return row


def test_the_forward_price_is_the_spot_compounded_until_expiry(option: Any) -> None:
    year_before = option.expiration_ns - NANOS_PER_YEAR
    price = summary_to_forward_price(summary("100", "0.05", year_before), option, 7)
    assert price is not None
    # 100 times e to the 0.05.
    assert price.forward_price == "105.12710964"
    assert str(price.instrument_id) == option.id.value
    assert (price.ts_event, price.ts_init) == (year_before, 7)


@pytest.mark.parametrize(("rate", "days"), [("", 30), ("0.05", 0), ("0.05", -30)])
def test_without_a_rate_or_time_the_forward_is_the_spot(option: Any, rate: str, days: int) -> None:
    at_ns = option.expiration_ns - days * 86_400 * 10**9
    price = summary_to_forward_price(summary("100", rate, at_ns), option, 7)
    assert price is not None
    assert Decimal(price.forward_price) == 100


def test_without_a_spot_there_is_no_forward(option: Any) -> None:
    assert summary_to_forward_price(summary("", "0.05", NOON), option, 7) is None


@pytest.mark.parametrize("rate", ["9", "-9", "999999999999"])
def test_a_rate_out_of_all_proportion_gives_no_forward(option: Any, rate: str) -> None:
    year_before = option.expiration_ns - NANOS_PER_YEAR
    assert summary_to_forward_price(summary("100", rate, year_before), option, 7) is None
