"""Summaries as mark prices, index prices and greeks."""

from decimal import Decimal
from typing import Any

import orjson
import pytest
from nautilus_trader.model.data import OptionGreeks
from nautilus_trader.model.identifiers import InstrumentId

from paradex_adapter.local_exchange import sbe
from paradex_adapter.translate.instruments import PRICE_UNITS_MAX
from paradex_adapter.translate.market_data import OutOfRange, Scales
from paradex_adapter.translate.market_state import (
    summary_to_index_price,
    summary_to_mark_price,
    summary_to_option_greeks,
)
from paradex_adapter_core.messages.market_data import MarketSummary
from paradex_adapter_core.parsers.frame import FrameParser
from paradex_adapter_core.parsers.markets import parse_market_summaries
from paradex_adapter_core.vocabulary import UNITS_PER_ONE
from tests.unit.local_exchange.test_sbe import COMPLETE

OPTION = InstrumentId.from_str("BTC-USD-26MAR27-90000-C.PARADEX")
SCALES: Scales = (OPTION, 2, {}, 3, 10**5)
FIELDS: dict[str, Any] = {
    **COMPLETE["market_summary"],
    "ts": 1_795_000_000_000_000,
    "seq": 1,
    "market": OPTION.symbol.value,
    "markPrice": Decimal("1234.565"),
    "indexPrice": Decimal("90000.12345678"),
    "openInterest": Decimal("12.5"),
    "markIv": Decimal("0.55"),
    "delta": Decimal("1.000001"),
    "gamma": Decimal("0.0001"),
    "theta": Decimal("-12.25"),
}
TS_INIT = 1_795_000_000_000_000_001


def summary(**fields: Any) -> MarketSummary:
    frame = sbe.encode("market_summary", {**FIELDS, **fields}, 3)
    message = FrameParser().parse_binary(frame)
    assert isinstance(message, MarketSummary)
    return message


def test_prices_are_rounded_half_to_even_to_the_instruments_precision() -> None:
    mark = summary_to_mark_price(summary(), SCALES, TS_INIT)
    index = summary_to_index_price(summary(), SCALES, TS_INIT)
    assert mark is not None
    assert index is not None
    assert (str(mark.value), str(index.value)) == ("1234.56", "90000.12")
    assert (mark.instrument_id, mark.ts_init) == (OPTION, TS_INIT)
    assert mark.ts_event == FIELDS["ts"] * 1000
    # The book's prices are not driven out by those that never come again.
    assert SCALES[2] == {}


@pytest.mark.parametrize("price", [Decimal(0), Decimal(-1)])
def test_no_price_is_none(price: Decimal) -> None:
    empty = summary(markPrice=price, indexPrice=price)
    assert summary_to_mark_price(empty, SCALES, TS_INIT) is None
    assert summary_to_index_price(empty, SCALES, TS_INIT) is None


def test_a_price_out_of_range_is_refused_before_it_ends_the_process() -> None:
    price = PRICE_UNITS_MAX // UNITS_PER_ONE + 1
    body = orjson.dumps({"results": [{"symbol": "A", "mark_price": str(price), "created_at": 1}]})
    [largest] = parse_market_summaries(body)
    with pytest.raises(OutOfRange):
        summary_to_mark_price(largest, SCALES, TS_INIT)


def test_greeks_are_fractions_and_those_left_out_zero() -> None:
    greeks = summary_to_option_greeks(summary(), SCALES, TS_INIT)
    assert isinstance(greeks, OptionGreeks)
    assert (greeks.delta, greeks.gamma, greeks.theta) == (1.000001, 0.0001, -12.25)
    assert (greeks.vega, greeks.rho) == (0.0, 0.0)
    assert (greeks.mark_iv, greeks.bid_iv) == (0.55, None)
    assert greeks.underlying_price == pytest.approx(90000.12345678)
    assert greeks.open_interest == 12.5
    # What Nautilus does with it.
    assert greeks.to_pyo3() is not None


def test_a_summary_without_delta_has_no_greeks() -> None:
    assert summary_to_option_greeks(summary(delta=None), SCALES, TS_INIT) is None
