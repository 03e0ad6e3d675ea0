"""The custom data of the execution client, written and read again."""

from pathlib import Path

import msgspec
import pytest
from nautilus_trader.model.identifiers import AccountId, InstrumentId
from nautilus_trader.persistence.catalog.parquet import ParquetDataCatalog
from nautilus_trader.serialization.serializer import MsgSpecSerializer

from paradex_adapter.account_data import (
    ACCOUNT_TYPES,
    ParadexTradeBust,
    algo_order_to_custom,
    payment_to_custom,
)
from paradex_adapter.custom_data import ParadexData
from paradex_adapter_core.messages.account import FundingPayment
from paradex_adapter_core.vocabulary import STATUS_CLOSED, STATUS_NEW
from tests.unit.venue.test_algo_orders import START, row

BTC = InstrumentId.from_str("BTC-USD-PERP.PARADEX")
ACCOUNT = AccountId("PARADEX-1")
PAYMENT = FundingPayment("0x1", "P-1", "BTC-USD-PERP", -15 * 10**7, None, "F-1", START)


def an_algo_order() -> ParadexData:
    ended = row(STATUS_CLOSED, avg_fill_price=9_000_012_345_678, cancel_reason="USER_CANCELED")
    return algo_order_to_custom(ended, "T-1", ACCOUNT, BTC, START + 5)


EXAMPLES = [
    an_algo_order(),
    algo_order_to_custom(row(STATUS_NEW, ts_end=0), "T-2", ACCOUNT, BTC, START + 6),
    payment_to_custom(PAYMENT, ACCOUNT, BTC, START + 7),
    ParadexTradeBust(
        BTC, START, START + 8, account_id="PARADEX-1", trade_id="F-1", client_order_id="O-1"
    ),
]


def test_an_algo_order_says_how_it_stands() -> None:
    told = an_algo_order().to_dict()
    assert told == {
        "type": "ParadexAlgoOrder",
        "instrument_id": "BTC-USD-PERP.PARADEX",
        "account_id": "PARADEX-1",
        "client_order_id": "T-1",
        "algo_order_id": "A-1",
        "side": "BUY",
        "status": "CLOSED",
        "size": "0.30000000",
        "filled": "0.20000000",
        "avg_price": "90000.12345678",
        "cancel_reason": "USER_CANCELED",
        "ts_end": START + 90 * 10**9,
        "ts_event": START + 10**9,
        "ts_init": START + 5,
    }


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: type(e).__name__)
def test_a_catalog_and_a_cache_give_back_what_was_written(
    example: ParadexData, tmp_path: Path
) -> None:
    catalog = ParquetDataCatalog(str(tmp_path))
    catalog.write_data([example])
    assert [found.data for found in catalog.query(type(example))] == [example]
    serializer = MsgSpecSerializer(encoding=msgspec.msgpack)
    assert serializer.deserialize(serializer.serialize(example)) == example


def test_every_type_is_tried() -> None:
    assert {type(example) for example in EXAMPLES} == set(ACCOUNT_TYPES)
