"""Algo orders, whole and spoiled."""

import json

import pytest

from paradex_adapter_core.errors import MalformedMessage, MissingField, WrongType
from paradex_adapter_core.parsers.algo_orders import (
    parse_algo_order,
    parse_algo_orders,
    parse_algo_orders_page,
)
from paradex_adapter_core.vocabulary import ALGO_TWAP, SIDE_SELL, STATUS_OPEN, UNKNOWN

MS = 1_793_611_800_000
NS = MS * 10**6
ALGO = {
    "id": "A-1",
    "account": "0x0AB",
    "market": "BTC-USD-PERP",
    "side": "SELL",
    "algo_type": "TWAP",
    "status": "OPEN",
    "size": "0.5",
    "remaining_size": "0.2",
    "avg_fill_price": "90001.123456785",
    "cancel_reason": "",
    "algo_params": {"interval_seconds": "30", "something_new": "x"},
    "created_at": MS,
    "last_updated_at": MS + 1,
    "end_at": str(MS + 2),
}


def body_of(**changed: object) -> bytes:
    return json.dumps({**ALGO, **changed}).encode()


def test_every_field() -> None:
    algo = parse_algo_order(body_of())
    assert (algo.algo_order_id, algo.account, algo.market) == ("A-1", "0xab", "BTC-USD-PERP")
    assert (algo.side, algo.algo_type, algo.status) == (SIDE_SELL, ALGO_TWAP, STATUS_OPEN)
    assert (algo.size, algo.remaining_size) == (50_000_000, 20_000_000)
    assert (algo.avg_fill_price, algo.cancel_reason) == (90001_12345678, "")
    assert algo.interval_secs == 30
    assert (algo.ts_created, algo.ts_updated, algo.ts_end) == (NS, NS + 10**6, NS + 2 * 10**6)


@pytest.mark.parametrize("params", [None, {}, {"interval_seconds": ""}])
def test_what_the_venue_may_leave_out(params: object) -> None:
    counters: dict[str, int] = {}
    left_out = {"avg_fill_price": "", "algo_type": "", "end_at": None, "algo_params": params}
    algo = parse_algo_order(body_of(**left_out), counters)
    assert (algo.avg_fill_price, algo.algo_type, algo.ts_end) == (None, UNKNOWN, 0)
    assert (algo.interval_secs, counters) == (0, {})


def test_new_words_are_counted() -> None:
    counters: dict[str, int] = {}
    algo = parse_algo_order(body_of(algo_type="VWAP", status="PAUSED"), counters)
    assert (algo.algo_type, algo.status) == (UNKNOWN, UNKNOWN)
    assert counters == {"unknown algo_type VWAP": 1, "unknown status PAUSED": 1}


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"id": ""}, MissingField),
        ({"size": None}, MissingField),
        ({"size": "-1"}, MalformedMessage),
        ({"remaining_size": "0.6"}, MalformedMessage),
        ({"algo_params": []}, WrongType),
        ({"algo_params": {"interval_seconds": "soon"}}, WrongType),
        ({"cancel_reason": "x" * 5000}, MalformedMessage),
    ],
)
def test_what_cannot_be_read(changed: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        parse_algo_order(body_of(**changed))


def test_lists_skip_and_count_what_cannot_be_read() -> None:
    counters: dict[str, int] = {}
    body = json.dumps({"results": [ALGO, {}], "next": "c"}).encode()
    (open_one,) = parse_algo_orders(body, counters)
    (closed,), cursor = parse_algo_orders_page(body, counters)
    assert (open_one.algo_order_id, closed.algo_order_id, cursor) == ("A-1", "A-1", "c")
    assert counters == {"skipped row: missing field size": 2}
