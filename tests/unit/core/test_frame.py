"""Websocket frames: pushes, answers, and what is skipped."""

import json
from typing import Any

import pytest

from paradex_adapter_core.messages.connection import OtherPush, RpcError, RpcResult
from paradex_adapter_core.parsers.fields import TEXT_CHARS_MAX
from paradex_adapter_core.parsers.frame import FrameParser
from paradex_adapter_core.parsers.sbe import FRAME_BYTES_MAX

MS = 1_718_947_571_569


def parse(frame: object) -> Any:
    parser = FrameParser()
    message = parser.parse_text(json.dumps(frame) + "\n")
    assert parser.counters == {}
    return message


def push(channel: str, data: object) -> Any:
    params = {"channel": channel, "data": data}
    return parse({"jsonrpc": "2.0", "method": "subscription", "params": params})


@pytest.mark.parametrize(
    ("channel", "data", "kind"),
    [
        ("orders.ALL", {"id": "1", "market": "m", "side": "BUY", "type": "LIMIT",
                        "status": "OPEN", "size": "1", "remaining_size": "1"}, 20),
        ("fills.BTC-USD-PERP", {"id": "1", "market": "m", "side": "BUY", "fill_type": "FILL",
                                "price": "1", "size": "1", "created_at": MS}, 21),
        ("positions", {"market": "m", "status": "CLOSED", "side": "LONG", "size": "0"}, 22),
        ("account", {"account": "0x1", "account_value": "1", "total_collateral": "1",
                     "free_collateral": "1", "initial_margin_requirement": "0",
                     "maintenance_margin_requirement": "0"}, 23),
        ("markets_summary", {"symbol": "m", "created_at": MS}, 4),
        ("funding_data.ALL", {"market": "m", "created_at": MS}, 5),
        ("funding_rate_comparison.ALL@500ms", {"symbol": "m", "last_updated_at": MS,
                                               "hourly_funding_rate": "0"}, 6),
        ("funding_payments.ALL", {"id": "1", "market": "m", "payment": "1",
                                  "created_at": MS}, 30),
        ("tradebusts", {"busted_fill_id": "1"}, 31),
        ("balance_events", {"type": "FILL"}, 102),
    ],
)  # fmt: skip
def test_push_is_read_by_its_channel(channel: str, data: dict[str, Any], kind: int) -> None:
    message = push(channel, data)
    assert message.kind == kind
    assert getattr(message, "feed", 2) == 2


@pytest.mark.parametrize(
    ("channel", "data", "kind"),
    [
        ("trades.ALL", {"id": "1", "market": "m", "side": "BUY", "trade_type": "FILL",
                        "price": "1", "size": "1", "created_at": MS}, 1),
        ("bbo.m.interactive", {"market": "m", "seq_no": 1, "bid": "", "ask": "",
                               "last_updated_at": MS}, 2),
        ("order_book.m.deltas", {"market": "m", "seq_no": 1, "update_type": "d", "inserts": [],
                                 "updates": [], "deletes": [], "last_updated_at": MS}, 3),
    ],
)  # fmt: skip
def test_hot_pushes_are_tuples(channel: str, data: dict[str, Any], kind: int) -> None:
    assert push(channel, data)[:2] == (kind, "m")


def test_push_of_another_channel_keeps_its_data() -> None:
    message = push("transfers", {"id": "12342345", "created_at": 2**63})
    assert isinstance(message, OtherPush)
    assert message.channel == "transfers"
    assert message.data == b'{"id":"12342345","created_at":9223372036854775808}'


@pytest.mark.parametrize(
    ("frame", "key"),
    [
        ("not json", "malformed frame: malformed body"),
        ("[]", "malformed frame: wrong type in field body"),
        ("{}", "malformed frame: missing field result"),
        ('{"method": "subscription"}', "malformed frame: missing field channel"),
        ('{"method": "subscription", "params": 5}',
         "malformed frame: wrong type in field params"),
        ('{"method": "subscription", "params": {"channel": "orders.ALL"}}',
         "malformed orders: wrong type in field data"),
        ('{"method": "subscription", "params": {"channel": "orders.ALL", "data": {}}}',
         "malformed orders: missing field id"),
        ('{"id": 1, "error": 5}', "malformed frame: wrong type in field error"),
        (" " * (FRAME_BYTES_MAX + 1), "malformed frame: malformed body"),
    ],
)  # fmt: skip
def test_text_that_cannot_be_read_is_counted(frame: str, key: str) -> None:
    parser = FrameParser()
    for text in (frame, frame.encode()):
        assert parser.parse_text(text) is None
    assert parser.counters == {key: 2}


def test_unknown_words_of_a_push_are_counted_and_the_push_is_kept() -> None:
    parser = FrameParser()
    data = {"id": "1", "market": "m", "side": "BUY", "trade_type": "NEW_WORD", "price": "1",
            "size": "1", "created_at": MS}  # fmt: skip
    frame = {"method": "subscription", "params": {"channel": "trades.m", "data": data}}
    trade: Any = parser.parse_text(json.dumps(frame))
    assert trade[6] == 0
    assert parser.counters == {"unknown trade_type NEW_WORD": 1}


@pytest.mark.parametrize(
    ("told", "request_id"),
    [
        (7, 7),
        ("7", 7),
        ("x", -1),
        (None, -1),
        (1.5, -1),
        ("", -1),
        ("9" * 18, 10**18 - 1),
        ("9" * 19, -1),
    ],
)
def test_answer_names_its_request(told: object, request_id: int) -> None:
    result = parse({"jsonrpc": "2.0", "id": told, "result": {"a": 1}, "usIn": 1, "usDiff": 2})
    assert isinstance(result, RpcResult)
    assert (result.request_id, result.result) == (request_id, b'{"a":1}')
    error = parse({"jsonrpc": "2.0", "id": told, "error": {"code": 100, "message": "m"}})
    assert isinstance(error, RpcError)
    assert error.request_id == request_id


def test_result_may_be_null() -> None:
    assert parse({"id": 1, "result": None, "error": None}).result == b"null"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ({"code": 40111, "message": "Invalid", "data": "d"}, (40111, "Invalid", "d")),
        ({"code": -32602}, (-32602, "", "")),
        ({"code": "x", "message": 5, "data": {"a": [1]}}, (0, "5", '{"a":[1]}')),
        ({}, (0, "", "")),
        ({"message": "m" * 9999}, (0, "m" * TEXT_CHARS_MAX, "")),
    ],
)
def test_refusal_of_a_request(error: dict[str, Any], told: tuple[int, str, str]) -> None:
    message = parse({"id": 3, "error": error})
    assert (message.request_id, message.code, message.message, message.data) == (3, *told)


def test_sequence_numbers_keep_all_their_digits() -> None:
    data = {"market": "m", "status": "OPEN", "side": "LONG", "size": "1",
            "seq_no": 1718950074249176253}  # fmt: skip
    assert push("positions", data).seq_no == 1718950074249176253
