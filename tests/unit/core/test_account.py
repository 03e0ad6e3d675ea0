"""Private JSON: what the published samples do not show."""

import json
from typing import Any

import pytest

from paradex_adapter_core.errors import MalformedMessage, MissingField
from paradex_adapter_core.parsers import account
from paradex_adapter_core.vocabulary import FEED_REST, FEED_STREAM

MS = 1_718_947_571_569
NS = MS * 10**6

ORDER: dict[str, Any] = {
    "id": "1718941725080201704028870000",
    "account": "0x00ABC",
    "market": "BTC-USD-PERP",
    "side": "SELL",
    "type": "LIMIT",
    "size": "0.10",
    "remaining_size": "0.04",
    "price": "70784.50",
    "status": "OPEN",
    "instruction": "POST_ONLY",
    "client_id": "O-1",
}
FILL: dict[str, Any] = {
    "id": "1718947571560201703986670002",
    "account": "0x0abc",
    "side": "BUY",
    "liquidity": "MAKER",
    "market": "BTC-USD-PERP",
    "order_id": "1718947571540201703992340000",
    "price": "83894.04692005321",
    "size": "0.01",
    "fee": "-0.0000000012345678",
    "fee_currency": "USDC",
    "created_at": MS,
    "remaining_size": "0.5",
    "fill_type": "FILL",
    "flags": ["rpi", "fastfill"],
    "realized_pnl": "1.123456789",
    "realized_funding": "-2",
}
POSITION: dict[str, Any] = {
    "market": "BTC-USD-PERP",
    "status": "OPEN",
    "side": "SHORT",
    "size": "-0.05",
}


def order(**changes: object) -> tuple[Any, dict[str, int]]:
    counters: dict[str, int] = {}
    body = json.dumps(ORDER | changes).encode()
    return account.parse_order(body, FEED_REST, counters), counters


def position(**changes: object) -> Any:
    body = json.dumps({"results": [POSITION | changes]}).encode()
    (told,) = account.parse_positions(body)
    return told


def test_refused_order_reads_as_the_venue_writes_it() -> None:
    told, counters = order(
        status="CLOSED",
        instruction="",
        remaining_size="0.10",
        cancel_reason="NOT_ENOUGH_MARGIN",
        avg_fill_price="",
        trigger_price="0",
        timestamp=0,
        stp="",
    )
    assert counters == {}
    assert (told.status, told.instruction, told.cancel_reason) == (4, 1, "NOT_ENOUGH_MARGIN")
    assert (told.avg_fill_price, told.trigger_price, told.ts_signed) == (None, None, 0)
    assert told.remaining_size == told.size == 10000000
    assert told.account == "0xabc"


def test_outcome_of_a_modify_is_told_with_the_order() -> None:
    info = {"id": "r", "request_type": "MODIFY_ORDER", "status": "REJECTED", "message": "no"}
    told, counters = order(request_info=info)
    request = (told.request_id, told.request_status, told.request_type, told.request_message)
    assert request == ("r", 3, 1, "no")
    prefixed = info | {
        "request_type": "REQUEST_TYPE_MODIFY_ORDER",
        "status": "REQUEST_STATUS_REJECTED",
    }
    told, counters = order(request_info=prefixed)
    assert (told.request_status, told.request_type, counters) == (3, 1, {})
    told, counters = order(request_info=None)
    assert (told.request_id, told.request_status, counters) == ("", 0, {})


def test_average_price_is_rounded_and_own_prices_are_exact() -> None:
    told, _ = order(avg_fill_price="70784.123456785")
    assert told.avg_fill_price == 7078412345678
    for field in ("price", "size", "remaining_size", "trigger_price"):
        with pytest.raises(MalformedMessage, match=f"malformed '{field}'"):
            order(**{field: "1.000000001"})
        with pytest.raises(MalformedMessage, match=f"malformed '{field}'"):
            order(**{field: "-1"})


def test_unknown_words_of_an_order_are_counted() -> None:
    told, counters = order(
        side="HOLD", type="ICEBERG", status="PENDING", instruction="FOK", stp="X", flags=["Y"]
    )
    codes = (told.side, told.order_type, told.status, told.instruction, told.stp, told.flags)
    assert codes == (0, 0, 0, 0, 0, 0)
    assert counters == {
        "unknown side HOLD": 1,
        "unknown type ICEBERG": 1,
        "unknown status PENDING": 1,
        "unknown instruction FOK": 1,
        "unknown stp X": 1,
        "unknown flags Y": 1,
    }


def test_created_order_lies_within_the_answer() -> None:
    result = json.dumps({"order": ORDER, "created_at": MS, "received_at": NS}).encode()
    told = account.parse_order_created(result)
    assert (told.venue_order_id, told.feed) == (ORDER["id"], FEED_REST)
    for empty in (b"{}", b'{"order": null}'):
        with pytest.raises(MissingField, match="'id'"):
            account.parse_order_created(empty)


def test_open_orders_skip_what_cannot_be_read() -> None:
    counters: dict[str, int] = {}
    body = json.dumps({"results": [ORDER, ORDER | {"size": ""}]}).encode()
    assert [told.client_order_id for told in account.parse_orders(body, counters)] == ["O-1"]
    assert counters == {"skipped row: missing field size": 1}
    with pytest.raises(MissingField, match="results"):
        account.parse_orders(b"{}", counters)


def fill(**changes: object) -> Any:
    body = json.dumps({"results": [FILL | changes], "next": ""}).encode()
    (told,), cursor = account.parse_fills_page(body)
    assert cursor is None
    return told


def test_fill_is_rounded_where_the_venue_is_finer() -> None:
    told = fill()
    assert (told.price, told.size, told.remaining_size) == (8389404692005, 1000000, 50000000)
    assert (told.fee, told.realized_pnl, told.realized_funding) == (0, 112345679, -200000000)
    assert (told.flags, told.liquidity, told.account, told.ts_event) == (6, 1, "0xabc", NS)


def test_fill_of_a_transfer_lacks_what_an_order_gives() -> None:
    told = fill(
        order_id="", client_id=None, liquidity="", remaining_size="", fee="", fill_type="TRANSFER"
    )
    assert (told.venue_order_id, told.client_order_id, told.liquidity) == ("", "", 0)
    assert (told.remaining_size, told.fee, told.fill_type) == (None, 0, 3)


@pytest.mark.parametrize(
    ("side", "size", "signed"),
    [
        ("SHORT", "-0.05", -5000000),
        ("SHORT", "0.05", -5000000),
        ("LONG", "0.05", 5000000),
        ("LONG", "0", 0),
        ("SHORT", "0", 0),
        ("", "0", 0),
    ],
)
def test_position_is_signed_whatever_the_encoding(side: str, size: str, signed: int) -> None:
    assert position(side=side, size=size).size == signed


@pytest.mark.parametrize(
    ("side", "size", "key"),
    [
        ("LONG", "-0.05", "skipped row: malformed size"),
        ("FLAT", "0.05", "skipped row: unknown word in field side"),
        ("", "0.05", "skipped row: missing field side"),
        ("LONG", "", "skipped row: missing field size"),
    ],
)
def test_position_that_contradicts_itself_is_skipped(side: str, size: str, key: str) -> None:
    counters: dict[str, int] = {}
    body = json.dumps({"results": [POSITION | {"side": side, "size": size}]}).encode()
    assert account.parse_positions(body, counters) == []
    assert counters == {key: 1}


def test_realized_profit_goes_by_two_names() -> None:
    assert position(realized_positional_pnl="-3.5", realized_pnl="9").realized_pnl == -350000000
    assert position(realized_pnl="9").realized_pnl == 900000000
    assert position().realized_pnl is None
    funding = position(realized_positional_funding_pnl="0.5").realized_funding
    assert funding == 50000000


def test_liquidation_price_out_of_reach_is_none() -> None:
    for text in ("", "0", "-12.5"):
        assert position(liquidation_price=text).liquidation_price is None
    assert position(liquidation_price="12.5").liquidation_price == 1250000000


def test_margin_state_must_be_complete() -> None:
    summary = {
        "account": "0xabc",
        "account_value": "1",
        "total_collateral": "2.000000005",
        "free_collateral": "-3",
        "initial_margin_requirement": "4",
        "maintenance_margin_requirement": "5",
    }
    told = account.read_account(dict(summary), FEED_STREAM)
    assert (told.total_collateral, told.free_collateral) == (200000000, -300000000)
    assert (told.status, told.settlement_asset, told.seq_no, told.feed) == ("", "", 0, 2)
    for field in list(summary)[1:]:
        with pytest.raises(MissingField, match=field):
            account.parse_account(json.dumps(summary | {field: ""}).encode())


def test_account_without_fees_has_no_rates() -> None:
    (fees,) = account.parse_account_info(b'{"results": [{"account": "0x1", "kind": "main"}]}')
    assert (fees.account, fees.account_kind, fees.maker_rate) == ("0x1", "main", None)


def test_counters_are_optional() -> None:
    body = json.dumps(ORDER).encode()
    assert account.parse_order(body, FEED_STREAM).feed == FEED_STREAM
    assert account.parse_order_created(b'{"order":' + body + b"}", {}).feed == FEED_REST


def test_pages_give_the_cursor_of_the_next() -> None:
    body = json.dumps({"results": [ORDER], "next": "c"}).encode()
    (told,), cursor = account.parse_orders_page(body)
    assert (told.client_order_id, told.feed, cursor) == ("O-1", FEED_REST, "c")
    payment = {"id": "p", "market": "m", "payment": "-1.000000005", "created_at": MS, "index": "2"}
    body = json.dumps({"results": [payment], "next": None}).encode()
    (paid,), cursor = account.parse_funding_payments(body)
    assert (paid.payment_id, paid.payment, paid.ts_event, cursor) == ("p", -100000000, NS, None)
    assert (paid.funding_index, paid.fill_id) == (2 * 10**8, "")
    bust = {"account": "0x0A", "busted_fill_id": "F-1", "created_at": MS}
    body = json.dumps({"results": [bust, {"created_at": MS}], "next": "c"}).encode()
    counters: dict[str, int] = {}
    (busted,), cursor = account.parse_trade_busts(body, counters)
    told = (busted.account, busted.fill_id, busted.ts_event, cursor)
    assert told == ("0xa", "F-1", NS, "c")
    assert counters == {"skipped row: missing field busted_fill_id": 1}


def test_balances_are_rounded() -> None:
    rows = [{"token": "USDC", "size": "99980.2382266290601", "last_updated_at": MS}]
    (balance,) = account.parse_balances(json.dumps({"results": rows}).encode())
    assert (balance.token, balance.size, balance.ts_updated) == ("USDC", 9998023822663, NS)


def test_margin_configuration() -> None:
    rows = [{"market": "m", "margin_type": "CROSS", "leverage": 50}, {"market": "m"}]
    (config,) = account.parse_margin_configs(json.dumps({"configs": rows}).encode())
    assert (config.market, config.margin_type, config.leverage) == ("m", "CROSS", 50)
    assert config.isolated_leverage == 0
    row = {"market": "m", "margin_type": "ISOLATED", "leverage": 5, "isolated_margin_leverage": "7"}
    config = account.read_margin_config(row, {})
    assert (config.margin_type, config.leverage, config.isolated_leverage) == ("ISOLATED", 5, 7)
    with pytest.raises(MissingField, match="leverage"):
        account.read_margin_config({"market": "m", "margin_type": "CROSS"}, {})
