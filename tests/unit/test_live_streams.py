"""What the feed brings, as data for those who want it, and for nobody else."""

from typing import Any

import pytest
from nautilus_trader.common.component import Logger
from nautilus_trader.model.data import (
    CustomData,
    DataType,
    FundingRateUpdate,
    IndexPriceUpdate,
    MarkPriceUpdate,
    OptionGreeks,
    OrderBookDepth10,
    TradeTick,
)
from nautilus_trader.model.identifiers import InstrumentId

from paradex_adapter import live_streams
from paradex_adapter.custom_data import (
    ParadexFundingComparison,
    ParadexMarketSummary,
    ParadexTradeType,
)
from paradex_adapter.live_streams import LiveStreams
from paradex_adapter.local_exchange import sbe
from paradex_adapter.translate.instruments import PRICE_UNITS_MAX
from paradex_adapter.translate.market_data import Scales
from paradex_adapter.venue.streams import ALL_MARKETS
from paradex_adapter_core.parsers.frame import FrameParser
from paradex_adapter_core.vocabulary import KIND_BOOK, KIND_TRADE
from tests.unit.local_exchange.test_sbe import COMPLETE

MARKET = "BTC-USD-PERP"
BTC = InstrumentId.from_str(f"{MARKET}.PARADEX")
SCALES: Scales = (BTC, 1, {}, 5, 10**3)
TRADE = (KIND_TRADE, MARKET, "7", 1, 10**12, 10**6, 2, 3, 4)
TOP = (KIND_BOOK, MARKET, 9, True, (10**12, 10**6), (10**12 + 10**8, 10**6), 4)


class Told:
    """Live streams, and what they told."""

    def __init__(self) -> None:
        self.data: list[Any] = []
        self.unusable: list[str] = []
        self.streams = LiveStreams(
            self.data.append, lambda market, why: self.unusable.append(market), Logger("streams")
        )

    def types(self) -> list[type]:
        return [type(data) for data in self.data]


@pytest.fixture
def told() -> Told:
    return Told()


def message(template: str, market: str = MARKET, **fields: Any) -> Any:
    frame = sbe.encode(template, {**COMPLETE[template], "market": market, **fields}, 3)
    return FrameParser().parse_binary(frame)


def test_nobody_is_told_what_nobody_wants(told: Told) -> None:
    told.streams.on_trade(TRADE, 5)
    told.streams.on_book(TOP, 5)
    told.streams.on_book_top(TOP, 5)
    told.streams.on_book_reset(MARKET, 1, 5)
    told.streams.on_summary(message("market_summary"), 5)
    told.streams.on_funding(message("funding_data"), 5)
    told.streams.on_comparison(message("funding_rate_comparison"), 5)
    assert told.data == []


def test_one_summary_serves_all_who_want_a_part_of_it(told: Told) -> None:
    streams = told.streams
    for subscribed in (streams.marks, streams.indexes, streams.greeks):
        subscribed[MARKET] = SCALES
    summary = message("market_summary", delta=COMPLETE["market_summary"]["markPrice"] * 0)
    streams.on_summary(summary, 5)
    streams.on_summary(message("market_summary", "ETH-USD-PERP"), 5)
    assert told.types() == [MarkPriceUpdate, IndexPriceUpdate, OptionGreeks]
    streams.clear()
    streams.on_summary(summary, 5)
    assert len(told.data) == 3


def test_custom_data_comes_as_each_type_it_was_asked_for(told: Told) -> None:
    one = DataType(ParadexMarketSummary, {"instrument_id": BTC.value})
    every = DataType(ParadexMarketSummary)
    told.streams.customs[ParadexMarketSummary] = {MARKET: [one], ALL_MARKETS: [every]}
    told.streams.on_summary(message("market_summary"), 5)
    assert [data.data_type for data in told.data] == [one, every]
    told.data.clear()
    told.streams.on_summary(message("market_summary", "ETH-USD-PERP"), 5)
    assert [data.data_type for data in told.data] == [every]
    assert told.data[0].data.instrument_id.value == "ETH-USD-PERP.PARADEX"


def test_a_trade_is_told_with_and_without_its_type(told: Told) -> None:
    told.streams.trades[MARKET] = SCALES
    told.streams.on_trade(TRADE, 5)
    told.streams.customs[ParadexTradeType][MARKET] = [DataType(ParadexTradeType)]
    told.streams.on_trade(TRADE, 5)
    assert told.types() == [TradeTick, TradeTick, CustomData]
    assert told.data[2].data.trade_id == told.data[1].trade_id.value
    assert told.data[2].data.trade_type == "LIQUIDATION"


def test_a_name_that_nautilus_cannot_hold_is_left_out(told: Told) -> None:
    every = [DataType(ParadexFundingComparison)]
    told.streams.customs[ParadexFundingComparison][ALL_MARKETS] = every
    told.streams.on_comparison(message("funding_rate_comparison", "B\u00e9"), 5)
    assert told.data == []
    told.streams.on_comparison(message("funding_rate_comparison"), 5)
    assert told.types() == [CustomData]


def test_funding_and_depths(told: Told) -> None:
    told.streams.fundings[MARKET] = told.streams.depths[MARKET] = SCALES
    told.streams.on_funding(message("funding_data"), 5)
    told.streams.on_book_top(TOP, 5)
    # A change alone says nothing about the best levels.
    told.streams.on_book_top((*TOP[:3], False, *TOP[4:]), 5)
    assert told.types() == [FundingRateUpdate, OrderBookDepth10]


def test_what_is_out_of_range_is_counted_by_market(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_streams, "SKIPPED_KINDS_MAX", 3)
    for market in ("A", "B", "C", "D"):
        told.streams.trades[market] = told.streams.depths[market] = SCALES
        told.streams.on_trade((KIND_TRADE, market, "7", 1, 2 * PRICE_UNITS_MAX, 10**6, 1, 1, 1), 5)
        far = (KIND_BOOK, market, 9, True, (PRICE_UNITS_MAX * 2, 10**6), (), 4)
        told.streams.on_book_top(far, 5)
    assert told.data == []
    skipped = told.streams.skipped
    assert skipped["trades of A out of range"] == 1
    assert skipped["depths of A out of range"] == 1
    assert skipped["more kinds out of range"] == 6
    assert len(skipped) == 4


def test_a_book_frame_out_of_range_ends_the_book(told: Told) -> None:
    told.streams.books[MARKET] = SCALES
    told.streams.on_book(TOP, 5)
    told.streams.on_book((*TOP[:4], (PRICE_UNITS_MAX * 2, 10**6), (), 4), 5)
    assert told.unusable == [MARKET]
    assert [len(deltas.deltas) for deltas in told.data] == [3, 1]


def test_a_new_precision_holds_from_the_next_frame_on(told: Told) -> None:
    told.streams.trades[MARKET] = SCALES
    told.streams.replace_scales(MARKET, (BTC, 2, {}, 5, 10**3))
    told.streams.replace_scales("ETH-USD-PERP", SCALES)
    told.streams.on_trade(TRADE, 5)
    assert str(told.data[0].price) == "10000.00"
    assert "ETH-USD-PERP" not in told.streams.trades
