"""Custom data: what it says, and that catalogs and caches give it back."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.persistence.catalog import ParquetDataCatalog
from nautilus_trader.serialization.serializer import MsgSpecSerializer

from paradex_adapter.custom_data import (
    CUSTOM_TYPES,
    ParadexData,
    ParadexFundingComparison,
    ParadexMarketSummary,
    ParadexTradeType,
    comparison_to_custom,
    summary_to_custom,
    trade_to_custom,
)
from paradex_adapter.local_exchange import sbe
from paradex_adapter_core.messages.market_data import FundingRateComparison
from paradex_adapter_core.parsers.frame import FrameParser
from paradex_adapter_core.vocabulary import FILL_LIQUIDATION, KIND_TRADE, SIDE_SELL, UNKNOWN
from tests.unit.local_exchange.test_sbe import COMPLETE

BTC = InstrumentId.from_str("BTC-USD-PERP.PARADEX")
TS_INIT = 1_795_000_000_000_000_001
TRADE = (KIND_TRADE, "BTC-USD-PERP", "123", SIDE_SELL, 10**13 + 1, 5, FILL_LIQUIDATION, 7, TS_INIT)


def a_summary() -> ParadexMarketSummary:
    frame = sbe.encode("market_summary", COMPLETE["market_summary"], 3)
    message: Any = FrameParser().parse_binary(frame)
    return summary_to_custom(message, BTC, TS_INIT)


def a_comparison(rate: int = -(10**4) + 1) -> ParadexFundingComparison:
    message = FundingRateComparison("BTC-USD-PERP", 1, 2, rate, TS_INIT - 5, TS_INIT - 1)
    return comparison_to_custom(message, BTC, TS_INIT)


EXAMPLES = [a_summary(), trade_to_custom(TRADE, "123", BTC, TS_INIT), a_comparison()]


def test_a_summary_is_exact() -> None:
    summary = a_summary()
    fields = COMPLETE["market_summary"]
    assert summary.mark_price == fields["markPrice"]
    assert summary.open_interest == fields["openInterest"]
    assert summary.settlement_twap_estimate == fields["settlementTwapEstimate"]
    assert summary.external_fair_price is None
    # Rates have twelve decimals.
    assert summary.funding_rate == Decimal("0.000100000012")
    assert (summary.instrument_id, summary.ts_init) == (BTC, TS_INIT)
    assert "mark_price=" in repr(summary)


def test_a_trade_has_its_type() -> None:
    told = trade_to_custom(TRADE, "123", BTC, TS_INIT)
    assert (told.trade_id, told.trade_type, told.aggressor_side) == ("123", "LIQUIDATION", "SELL")
    assert (told.price, told.size) == (Decimal("100000.00000001"), Decimal("0.00000005"))
    unknown = trade_to_custom((*TRADE[:3], UNKNOWN, 1, 1, 99, 0, 1), "123", BTC, TS_INIT)
    assert (unknown.trade_type, unknown.aggressor_side) == ("UNKNOWN", "UNKNOWN")


def test_a_comparison_names_its_venue() -> None:
    told = a_comparison()
    assert (told.source, told.asset_kind) == ("BINANCE", "PERP")
    assert told.hourly_funding_rate == Decimal("-0.000000009999")
    message = FundingRateComparison("BTC-USD-PERP", 99, 99, 0, 1, 2)
    other = comparison_to_custom(message, BTC, TS_INIT)
    assert (other.source, other.asset_kind) == ("UNKNOWN", "UNKNOWN")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: type(e).__name__)
def test_a_catalog_gives_back_what_was_written(example: ParadexData, tmp_path: Path) -> None:
    kind = type(example)
    empty = kind(
        BTC,
        TS_INIT + 1,
        TS_INIT + 1,
        **{name: None for name in kind.FIELDS},
    )
    catalog = ParquetDataCatalog(str(tmp_path))
    catalog.write_data([example, empty])
    found = [row.data for row in catalog.query(kind)]
    assert found == [example, empty]
    assert [type(row) for row in found] == [kind, kind]
    assert found[0] != found[1]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: type(e).__name__)
def test_a_cache_gives_back_what_was_stored(example: ParadexData) -> None:
    serializer = MsgSpecSerializer(encoding=msgspec.msgpack)
    assert serializer.deserialize(serializer.serialize(example)) == example
    assert hash(type(example).from_dict(example.to_dict())) == hash(example)


def test_each_type_takes_its_fields_and_no_others() -> None:
    assert {type(example) for example in EXAMPLES} == set(CUSTOM_TYPES)
    with pytest.raises(TypeError, match="takes exactly trade_id"):
        ParadexTradeType(BTC, 1, 2, trade_id="1")
