from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.model.currencies import USDC
from nautilus_trader.model.enums import (
    LiquiditySide,
    OrderSide,
    OrderStatus,
    OrderType,
    PositionSide,
    TimeInForce,
    TriggerType,
)
from nautilus_trader.model.identifiers import AccountId, ClientOrderId, TradeId, VenueOrderId
from nautilus_trader.model.objects import Money, Price, Quantity

from paradex_adapter.translate.instruments import market_to_instrument
from paradex_adapter.translate.reports import (
    balances_to_account_balances,
    fill_to_report,
    fills_to_order_report,
    order_update_to_report,
    order_update_to_status,
    position_to_report,
    state_to_report,
    summary_to_margins,
)
from paradex_adapter.translate.snapshots import snapshot_to_reports
from paradex_adapter.translate.values import UnusableMessageError
from paradex_adapter.venue.account_snapshot import AccountSnapshot
from paradex_adapter_core.messages.account import AccountSummary, Balance, Position
from paradex_adapter_core.messages.orders import OrderUpdate
from paradex_adapter_core.state_store import StateStore
from paradex_adapter_core.vocabulary import (
    FEED_REST,
    FILL_LIQUIDATION,
    FLAG_REDUCE_ONLY,
    INSTRUCTION_IOC,
    INSTRUCTION_POST_ONLY,
    INSTRUCTION_RPI,
    ORDER_MARKET,
    ORDER_STOP_LIMIT,
    ORDER_STOP_LOSS_LIMIT,
    ORDER_STOP_LOSS_MARKET,
    ORDER_STOP_MARKET,
    ORDER_TAKE_PROFIT_LIMIT,
    ORDER_TAKE_PROFIT_MARKET,
    SIDE_BUY,
    SIDE_SELL,
    STATUS_CLOSED,
    STATUS_NEW,
    STATUS_OPEN,
    STATUS_UNTRIGGERED,
)
from tests.account_messages import MARKET, PRICE, fill, order_update, position, track
from tests.unit.translate.test_instruments import make_market

INSTRUMENT = market_to_instrument(make_market(), 0)
ACCOUNT_ID = AccountId("PARADEX-1")
ABOUT = (INSTRUMENT, ACCOUNT_ID, 7)
ONE = 10**8

UPDATE_FIELDS = (
    "account",
    "venue_order_id",
    "client_order_id",
    "market",
    "side",
    "order_type",
    "instruction",
    "status",
    "price",
    "trigger_price",
    "size",
    "remaining_size",
    "avg_fill_price",
    "cancel_reason",
    "flags",
    "stp",
    "seq_no",
    "feed",
    "ts_created",
    "ts_updated",
    "ts_signed",
    "request_id",
    "request_status",
    "request_type",
    "request_message",
)


def update(status: int = STATUS_OPEN, remaining: int = ONE, **fields: Any) -> OrderUpdate:
    extra = {name: fields.pop(name) for name in list(fields) if name in UPDATE_FIELDS[:-3]}
    plain = order_update(status, remaining, size=ONE, **fields)
    values = {name: getattr(plain, name) for name in UPDATE_FIELDS}
    return OrderUpdate(**{**values, **extra})


@pytest.mark.parametrize(
    ("status", "remaining", "reason", "was_working", "expected"),
    [
        (STATUS_NEW, ONE, "", False, OrderStatus.SUBMITTED),
        (STATUS_UNTRIGGERED, ONE, "", False, OrderStatus.ACCEPTED),
        (STATUS_OPEN, ONE, "", False, OrderStatus.ACCEPTED),
        (STATUS_OPEN, 1, "", False, OrderStatus.PARTIALLY_FILLED),
        (STATUS_CLOSED, 0, "USER_CANCELED", False, OrderStatus.FILLED),
        (STATUS_CLOSED, ONE, "USER_CANCELED", False, OrderStatus.CANCELED),
        (STATUS_CLOSED, 1, "NOT_ENOUGH_MARGIN", False, OrderStatus.CANCELED),
        (STATUS_CLOSED, ONE, "NOT_ENOUGH_MARGIN", False, OrderStatus.REJECTED),
        (STATUS_CLOSED, ONE, "NOT_ENOUGH_MARGIN", True, OrderStatus.CANCELED),
        (STATUS_CLOSED, ONE, "EXPIRED", True, OrderStatus.EXPIRED),
        (STATUS_CLOSED, ONE, "ANYTHING_ELSE", False, OrderStatus.CANCELED),
    ],
)
def test_the_status_is_told_by_numbers_first(
    status: int, remaining: int, reason: str, was_working: bool, expected: OrderStatus
) -> None:
    told = update(status, remaining, cancel_reason=reason)
    assert order_update_to_status(told, was_working) == expected


def test_an_order_is_reported_with_all_that_is_known() -> None:
    told = update(
        STATUS_OPEN,
        ONE // 4,
        instruction=INSTRUCTION_POST_ONLY,
        flags=FLAG_REDUCE_ONLY,
        avg_fill_price=PRICE,
        ts_created=10,
        ts_updated=20,
        side=SIDE_SELL,
    )
    report = order_update_to_report(told, *ABOUT)
    assert report.account_id == ACCOUNT_ID
    assert report.instrument_id == INSTRUMENT.id
    assert report.venue_order_id == VenueOrderId("V-1")
    assert report.client_order_id == ClientOrderId("O-1")
    assert report.order_side == OrderSide.SELL
    assert report.order_type == OrderType.LIMIT
    assert report.time_in_force == TimeInForce.GTC
    assert report.order_status == OrderStatus.PARTIALLY_FILLED
    assert report.quantity == Quantity.from_str("1.00000")
    assert report.filled_qty == Quantity.from_str("0.75000")
    assert report.price == Price.from_str("60000.0")
    assert report.avg_px == Decimal(60_000)
    assert report.post_only
    assert report.reduce_only
    assert (report.ts_accepted, report.ts_last, report.ts_init) == (10, 20, 7)


def test_what_the_engine_was_not_told_of_is_not_reported_as_filled() -> None:
    told = update(STATUS_CLOSED, ONE // 4, cancel_reason="USER_CANCELED")
    report = order_update_to_report(told, *ABOUT, counted=ONE // 2)
    assert report.order_status == OrderStatus.PARTIALLY_FILLED
    assert report.filled_qty == Quantity.from_str("0.5")
    report = order_update_to_report(told, *ABOUT, counted=0)
    assert report.order_status == OrderStatus.ACCEPTED
    report = order_update_to_report(told, *ABOUT, counted=ONE)
    assert report.order_status == OrderStatus.CANCELED
    assert report.filled_qty == Quantity.from_str("0.75")


CONDITIONAL = [
    (ORDER_STOP_LIMIT, OrderType.STOP_LIMIT),
    (ORDER_STOP_MARKET, OrderType.STOP_MARKET),
    (ORDER_STOP_LOSS_LIMIT, OrderType.STOP_LIMIT),
    (ORDER_STOP_LOSS_MARKET, OrderType.STOP_MARKET),
    (ORDER_TAKE_PROFIT_LIMIT, OrderType.LIMIT_IF_TOUCHED),
    (ORDER_TAKE_PROFIT_MARKET, OrderType.MARKET_IF_TOUCHED),
]
WITH_TRIGGERED = (OrderType.STOP_LIMIT, OrderType.LIMIT_IF_TOUCHED)


@pytest.mark.parametrize(("order_type", "expected"), CONDITIONAL)
def test_conditional_orders_are_reported(order_type: int, expected: OrderType) -> None:
    about = {"order_type": order_type, "trigger_price": PRICE, "ts_updated": 20}
    report = order_update_to_report(update(STATUS_UNTRIGGERED, **about), *ABOUT)
    assert report.order_type == expected
    assert report.order_status == OrderStatus.ACCEPTED
    assert report.ts_triggered == 0
    assert report.trigger_price == Price.from_str("60000.0")
    assert report.trigger_type == TriggerType.MARK_PRICE
    assert (report.price is None) == (expected not in WITH_TRIGGERED)
    report = order_update_to_report(update(STATUS_OPEN, **about), *ABOUT)
    if expected in WITH_TRIGGERED:
        assert (report.order_status, report.ts_triggered) == (OrderStatus.TRIGGERED, 20)
    else:
        assert (report.order_status, report.ts_triggered) == (OrderStatus.ACCEPTED, 0)
    report = order_update_to_report(update(STATUS_OPEN, 1, **about), *ABOUT)
    assert (report.order_status, report.ts_triggered) == (OrderStatus.PARTIALLY_FILLED, 0)
    # As before its first fill, which only a triggered order has.
    report = order_update_to_report(update(STATUS_CLOSED, 0, **about), *ABOUT, counted=0)
    expected_status = OrderStatus.ACCEPTED
    if expected in WITH_TRIGGERED:
        expected_status = OrderStatus.TRIGGERED
    assert report.order_status == expected_status


@pytest.mark.parametrize(("order_type", "expected"), CONDITIONAL)
def test_what_is_known_of_an_own_conditional_order_is_reported(
    order_type: int, expected: OrderType
) -> None:
    store = StateStore("0x7e57")
    about = {"order_type": order_type, "trigger_price": 2 * PRICE, "size": ONE}
    state = track(store, **about)
    store.apply(order_update(STATUS_UNTRIGGERED, ONE, seq_no=1, **about), 1)
    report = state_to_report(state, *ABOUT)
    assert (report.order_type, report.order_status) == (expected, OrderStatus.ACCEPTED)
    assert report.trigger_price == Price.from_str("120000.0")
    assert report.trigger_type == TriggerType.MARK_PRICE
    assert report.price == (Price.from_str("60000.0") if expected in WITH_TRIGGERED else None)
    store.apply(order_update(STATUS_OPEN, ONE, seq_no=2, **about), 1)
    report = state_to_report(state, *ABOUT)
    is_told = expected in WITH_TRIGGERED
    assert report.order_status == (OrderStatus.TRIGGERED if is_told else OrderStatus.ACCEPTED)
    assert bool(report.ts_triggered) == is_told


def test_an_order_for_retail_traders_is_post_only() -> None:
    assert order_update_to_report(update(instruction=INSTRUCTION_RPI), *ABOUT).post_only


def test_a_market_order_has_neither_price_nor_trigger() -> None:
    told = update(order_type=ORDER_MARKET, instruction=INSTRUCTION_IOC, trigger_price=0)
    report = order_update_to_report(told, *ABOUT)
    assert report.price is None
    assert report.trigger_price is None
    assert report.time_in_force == TimeInForce.IOC


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"order_type": 0}, "order type code 0 is unknown"),
        ({"size": 0}, "size"),
        ({"remaining_size": ONE + 1}, "size"),
        ({"remaining_size": -1}, "size"),
        ({"price": None}, "price is missing"),
        ({"order_type": ORDER_STOP_LIMIT, "trigger_price": None}, "trigger price is missing"),
        ({"venue_order_id": "é"}, "order id"),
        ({"price": 10**30}, "price is out of range"),
    ],
)
def test_an_order_without_a_nautilus_form_is_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(UnusableMessageError, match=words):
        order_update_to_report(update(**fields), *ABOUT)


def test_a_strange_client_id_leaves_the_venues_own() -> None:
    report = order_update_to_report(update(client_order_id="日本"), *ABOUT)
    assert report.client_order_id is None


def test_a_fill_is_reported_on_the_side_of_its_order() -> None:
    report = fill_to_report(fill("7", ONE, side=SIDE_BUY), SIDE_SELL, *ABOUT)
    assert report.trade_id == TradeId("7")
    assert report.order_side == OrderSide.SELL
    assert report.last_qty == Quantity.from_str("1.00000")
    assert report.last_px == Price.from_str("60000.0")
    assert report.commission == Money(Decimal("0.00000003"), USDC)
    assert report.liquidity_side == LiquiditySide.MAKER
    assert report.ts_event == 50
    with pytest.raises(UnusableMessageError, match="size"):
        fill_to_report(fill(size=0), SIDE_SELL, *ABOUT)


def test_fills_alone_make_an_order() -> None:
    fills = [fill("1", ONE, ts=5), fill("2", 3 * ONE, ts=6)]
    report = fills_to_order_report(fills, SIDE_BUY, *ABOUT, OrderStatus.FILLED)
    assert report.order_status == OrderStatus.FILLED
    assert report.quantity == report.filled_qty == Quantity.from_str("4.00000")
    assert report.avg_px == Decimal(60_000)
    assert (report.ts_accepted, report.ts_last) == (5, 6)
    report = fills_to_order_report(fills, SIDE_BUY, *ABOUT, OrderStatus.ACCEPTED)
    assert report.filled_qty == 0
    assert report.order_status == OrderStatus.ACCEPTED


def test_what_is_known_of_an_own_order_is_reported() -> None:
    store = StateStore("0x7e57")
    state = track(store, size=ONE)
    store.apply(order_update(STATUS_OPEN, ONE, size=ONE, seq_no=1), 1)
    report = state_to_report(state, *ABOUT)
    assert report.order_status == OrderStatus.ACCEPTED
    assert report.price == Price.from_str("60000.0")
    store.apply(fill(size=ONE // 2), 1)
    report = state_to_report(state, *ABOUT)
    assert report.order_status == OrderStatus.PARTIALLY_FILLED
    assert report.filled_qty == Quantity.from_str("0.5")


@pytest.mark.parametrize(
    ("size", "side"), [(ONE, PositionSide.LONG), (-ONE, PositionSide.SHORT), (0, PositionSide.FLAT)]
)
def test_a_position_is_signed(size: int, side: PositionSide) -> None:
    report = position_to_report(position(size, ts=9), *ABOUT)
    assert report.position_side == side
    assert report.quantity == Quantity.from_str("1.00000" if size else "0.00000")
    assert report.venue_position_id is None
    if size:
        assert report.avg_px_open == Decimal(60_000)
        assert report.ts_last == 9


def test_the_average_is_the_one_in_usd() -> None:
    plain = position(ONE)
    names = [
        "account",
        "market",
        "status",
        "size",
        "average_entry_price",
        "average_entry_price_usd",
        "unrealized_pnl",
        "realized_pnl",
        "realized_funding",
        "liquidation_price",
        "last_fill_id",
        "seq_no",
        "feed",
        "ts_updated",
    ]
    values = {name: getattr(plain, name) for name in names}
    for usd, usdc, expected in (
        (PRICE, 1, Decimal(60_000)),
        (None, ONE, Decimal(1)),
        (None, None, None),
    ):
        told = Position(**{**values, "average_entry_price_usd": usd, "average_entry_price": usdc})
        assert position_to_report(told, *ABOUT).avg_px_open == expected


# -- account ----------------------------------------------------------------------------------


def summary(initial: int, maintenance: int = 0) -> AccountSummary:
    terms = (0, 0, -initial, initial, maintenance)
    return AccountSummary("0x1", "ACTIVE", *terms, "USDC", 1, FEED_REST, 1)


@pytest.mark.parametrize("total", [0, 1, 100_000 * ONE, 33_333_333_333_333, -5])
@pytest.mark.parametrize("initial", [0, 1, 12_345_678_901, 10**13])
def test_a_balance_adds_up_exactly(total: int, initial: int) -> None:
    (balance,) = balances_to_account_balances([Balance("USDC", total, 1)], summary(initial))
    assert balance.total.raw - balance.locked.raw == balance.free.raw
    assert balance.currency == USDC


@pytest.mark.parametrize(
    ("unrealized", "locked", "free"),
    [(0, 30, 70), (-20, 50, 50), (-90, 120, -20), (10, 20, 80), (40, 0, 100)],
)
def test_what_is_free_is_the_free_collateral(unrealized: int, locked: int, free: int) -> None:
    """Of 100 USDC, 30 of them required; gains count as far as there is something to free."""
    amounts = (100 + unrealized, 100, 70 + unrealized, 30, 15)
    summary = AccountSummary(
        "0x1", "ACTIVE", *(ONE * amount for amount in amounts), "USDC", 1, FEED_REST, 1
    )
    (balance,) = balances_to_account_balances([Balance("USDC", 100 * ONE, 1)], summary)
    assert (balance.locked, balance.free) == (Money(locked, USDC), Money(free, USDC))
    assert balance.total == Money(100, USDC)


def test_usdc_is_always_there_and_strange_tokens_are_left_out() -> None:
    skipped: list[str] = []
    balances = balances_to_account_balances(
        [Balance("ETH", ONE, 1), Balance("é", ONE, 1), Balance("BIG", 10**40, 1)], None, skipped
    )
    assert [balance.currency.code for balance in balances] == ["USDC", "ETH"]
    assert len(skipped) == 2
    with pytest.raises(UnusableMessageError):
        balances_to_account_balances([Balance("USDC", 10**40, 1)], None)


def test_one_margin_for_the_whole_account() -> None:
    (margin,) = summary_to_margins(summary(5 * ONE, 2 * ONE))
    assert margin.initial == Money(5, USDC)
    assert margin.maintenance == Money(2, USDC)
    assert margin.instrument_id is None
    assert summary_to_margins(None) == []


# -- snapshots --------------------------------------------------------------------------------


def find(market: str) -> Any:
    return INSTRUMENT if market == MARKET else None


def test_every_fill_of_a_snapshot_has_its_order() -> None:
    snapshot = AccountSnapshot(
        [update(STATUS_CLOSED, 0, venue_order_id="V-1")],
        [
            fill("1", ONE),
            fill("2", ONE, fill_type=FILL_LIQUIDATION, venue_id="", client_id=""),
            fill("3", ONE, venue_id="V-0", client_id="O-0"),
            fill("4", ONE, venue_id="V-0", client_id="O-0"),
        ],
        [position(2 * ONE), position(0, market="OTHER"), position(1, market="UNKNOWN")],
    )
    reports = snapshot_to_reports(snapshot, find, ACCOUNT_ID, 7)
    orders = {report.venue_order_id.value: report for report in reports.orders}
    assert set(orders) == {"V-1", "LIQUIDATION-2", "V-0"}
    assert orders["V-0"].quantity == Quantity.from_str("2.00000")
    assert {report.order_status for report in reports.orders} == {OrderStatus.FILLED}
    assert {report.venue_order_id.value for report in reports.fills} == set(orders)
    assert len(reports.fills) == len(reports.given_fills) == 4
    assert len(reports.positions) == 1
    assert reports.skipped == ["position in UNKNOWN: market is not loaded"]


def test_the_orders_of_a_snapshot_come_as_they_began_to_fill() -> None:
    snapshot = AccountSnapshot(
        [update(STATUS_CLOSED, 0, venue_order_id=name) for name in ("V-1", "V-2", "V-3")],
        [
            fill("1", ONE // 2, venue_id="V-3", ts=3_000_000),
            fill("2", ONE, fill_type=FILL_LIQUIDATION, venue_id="", client_id="", ts=2_000_000),
            fill("3", ONE // 2, venue_id="V-3", ts=9_000_000),
            fill("4", ONE, venue_id="V-1", ts=8_000_000),
            fill("5", ONE, venue_id="V-2", ts=5_000_000),
        ],
        [],
    )
    reports = snapshot_to_reports(snapshot, find, ACCOUNT_ID, 7)
    names = [report.venue_order_id.value for report in reports.orders]
    assert names == ["LIQUIDATION-2", "V-3", "V-2", "V-1"]


def test_what_a_snapshot_cannot_tell_is_named() -> None:
    other = update(venue_order_id="V-2", market="OTHER")
    snapshot = AccountSnapshot(
        [update(venue_order_id="é"), other],
        [fill("1", ONE, venue_id="é"), fill("日", ONE, venue_id="V-9")],
        [],
    )
    reports = snapshot_to_reports(snapshot, find, ACCOUNT_ID, 7)
    assert reports.orders == []
    assert reports.fills == []
    assert len(reports.skipped) == 3
    assert all(line.isascii() for line in reports.skipped)


def test_an_order_ahead_of_its_fills_is_reported_as_far_as_they_go() -> None:
    snapshot = AccountSnapshot([update(STATUS_CLOSED, 0)], [fill("1", ONE // 2)], [])
    (report,) = snapshot_to_reports(snapshot, find, ACCOUNT_ID, 7).orders
    assert report.order_status == OrderStatus.PARTIALLY_FILLED
    assert report.filled_qty == Quantity.from_str("0.5")
