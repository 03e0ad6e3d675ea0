"""Stops, changes and brackets of the Execution Testing Spec, in a live node on the local exchange.

TC-E20 to E36, E50 to E53 and E96; the others are in `test_execution_testing_spec.py`, which says
how they are run.

If-touched orders (TC-E24 to E27) only close a position at the venue: they are denied as the tester
sends them, and work as reduce-only orders of a tester that has a position. TC-E36 is for adapters
that cannot change an order: here it is about a change that cannot be. TC-E96 is for those without
conditional orders for options: here the venue decides, and what it refuses is rejected.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import ModifyOrder
from nautilus_trader.model.enums import (
    OrderSide,
    OrderStatus,
    OrderType,
)
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import Order

from paradex_adapter.local_exchange import LocalExchange
from tests.integration.execution_tester import (
    ACCEPTED,
    ASK,
    BID,
    BUY,
    BUY_PRICE,
    CANCELED,
    FILLED,
    MARKET,
    NO_LIMITS,
    QUANTITY,
    SELL,
    SELL_PRICE,
    SENT,
    UPDATED,
    ClosingTester,
    Run,
    flow,
    one_side,
    option_options,
    quoted_exchange,
    row_of,
    running,
    see_denied,
    sent,
    stops,
)
from tests.integration.trading_node import BTC, until


@pytest.fixture
async def exchange() -> AsyncIterator[LocalExchange]:
    async with quoted_exchange() as exchange:
        yield exchange


@pytest.fixture
def option(exchange: LocalExchange) -> dict[str, Any]:
    return option_options(exchange)


# -- 3: stops and other conditional orders ----------------------------------------------------

KINDS = {
    OrderType.STOP_MARKET: "STOP_MARKET",
    OrderType.STOP_LIMIT: "STOP_LIMIT",
    OrderType.MARKET_IF_TOUCHED: "TAKE_PROFIT_MARKET",
    OrderType.LIMIT_IF_TOUCHED: "TAKE_PROFIT_LIMIT",
}
IF_TOUCHED = (OrderType.MARKET_IF_TOUCHED, OrderType.LIMIT_IF_TOUCHED)
LIMIT_KINDS = (OrderType.STOP_LIMIT, OrderType.LIMIT_IF_TOUCHED)
# 100 ticks of 0.1 from the best price to the trigger, 50 from there to the limit price.
STOP_OFFSET, LIMIT_OFFSET = Decimal(10), Decimal(5)


def closing(side: OrderSide, kind: OrderType, **options: Any) -> dict[str, Any]:
    """Return the same for a tester that opens a position first where the kind only closes one."""
    if kind in IF_TOUCHED:
        opened = QUANTITY if side == SELL else -QUANTITY
        options = {"tester": ClosingTester, "open_position_on_start_qty": opened, **options}
    return stops(side, kind, **options)


def prices_of(side: OrderSide, kind: OrderType, shift: int = 0) -> tuple[Decimal, Decimal | None]:
    """Return the trigger price and the limit price of the order that the tester sends."""
    is_above = (side == BUY) != (kind in IF_TOUCHED)
    sign = 1 if is_above else -1
    trigger = (ASK if is_above else BID) + sign * STOP_OFFSET + shift
    return trigger, trigger + sign * LIMIT_OFFSET if kind in LIMIT_KINDS else None


async def waiting_stop(run: Run) -> Order:
    """Wait until the tester's conditional order, its last, is accepted, and return it."""
    await until(
        lambda: any(o.order_type in KINDS and o.is_open for o in run.orders()),
        "the order waits for its trigger",
    )
    return run.orders()[-1]


def see_waiting(exchange: LocalExchange, order: Order, shift: int = 0) -> None:
    trigger, price = prices_of(order.side, order.order_type, shift)
    assert order.status == OrderStatus.ACCEPTED
    assert order.trigger_price.as_decimal() == trigger
    row = row_of(exchange, order)
    assert (row["status"], row["side"]) == ("UNTRIGGERED", order.side.name)
    assert row["type"] == KINDS[order.order_type]
    assert Decimal(row["trigger_price"]) == trigger
    assert Decimal(row["size"]) == QUANTITY
    assert Decimal(row["price"]) == (price or 0)
    if price is not None:
        assert order.price.as_decimal() == price


async def go_off(exchange: LocalExchange, order: Order) -> None:
    """Move the mark price to the trigger of an order, and fill what then rests of it."""
    exchange.set_mark_price(MARKET, str(order.trigger_price))
    if order.order_type in LIMIT_KINDS:
        await until(lambda: order.is_closed or order.is_triggered)
        # Only one that crosses the book, a stop, has filled.
        assert order.is_closed == (order.order_type == OrderType.STOP_LIMIT)
        if not order.is_closed:
            exchange.fill_order(order.venue_order_id.value)
    await until(lambda: order.is_closed, "the order goes off")
    assert order.status == OrderStatus.FILLED
    assert order.filled_qty.as_decimal() == QUANTITY


async def see_stop_go_off(exchange: LocalExchange, side: OrderSide, kind: OrderType) -> None:
    async with running(exchange, **closing(side, kind)) as run:
        order = await waiting_stop(run)
        assert flow(order) == ACCEPTED
        see_waiting(exchange, order)
        # A tester at work would send another one.
        run.tester.stop()
        await go_off(exchange, order)
        triggered = ["OrderTriggered"] if kind in LIMIT_KINDS else []
        assert flow(order) == [*ACCEPTED, *triggered, "OrderFilled"]
        assert bool(run.live.cache.positions_open()) == (kind not in IF_TOUCHED)


async def see_stop_found(exchange: LocalExchange, side: OrderSide, kind: OrderType) -> None:
    """See an order that waits found by another run, where it goes off."""
    async with running(exchange, **closing(side, kind)) as run:
        order = await waiting_stop(run)
    async with running(exchange, **NO_LIMITS, external_order_claims=[BTC]) as run:
        (found,) = run.live.cache.orders_open()
        assert (found.client_order_id, found.venue_order_id) == (
            order.client_order_id,
            order.venue_order_id,
        )
        assert (found.side, found.order_type) == (side, kind)
        see_waiting(exchange, found)
        await go_off(exchange, found)


async def see_if_touched_denied(
    exchange: LocalExchange, side: OrderSide, kind: OrderType, **options: Any
) -> None:
    reason = f"{kind.name} only closes a position at Paradex: set reduce_only"
    await see_denied(exchange, reason, **stops(side, kind, **options))


type See = Callable[[LocalExchange, OrderSide, OrderType], Awaitable[None]]
STOP_LIVES = [
    pytest.param(see_stop_go_off, id="goes off"),
    pytest.param(see_stop_found, id="is found again"),
]
IF_TOUCHED_LIVES = [
    pytest.param(see_if_touched_denied, id="must be reduce-only"),
    *STOP_LIVES,
]


@pytest.mark.parametrize("see", STOP_LIVES)
async def test_tc_e20_a_stop_market_order_to_buy(exchange: LocalExchange, see: See) -> None:
    await see(exchange, BUY, OrderType.STOP_MARKET)


@pytest.mark.parametrize("see", STOP_LIVES)
async def test_tc_e21_a_stop_market_order_to_sell(exchange: LocalExchange, see: See) -> None:
    await see(exchange, SELL, OrderType.STOP_MARKET)


@pytest.mark.parametrize("see", STOP_LIVES)
async def test_tc_e22_a_stop_limit_order_to_buy(exchange: LocalExchange, see: See) -> None:
    await see(exchange, BUY, OrderType.STOP_LIMIT)


@pytest.mark.parametrize("see", STOP_LIVES)
async def test_tc_e23_a_stop_limit_order_to_sell(exchange: LocalExchange, see: See) -> None:
    await see(exchange, SELL, OrderType.STOP_LIMIT)


@pytest.mark.parametrize("see", IF_TOUCHED_LIVES)
async def test_tc_e24_a_market_if_touched_order_to_buy(exchange: LocalExchange, see: See) -> None:
    await see(exchange, BUY, OrderType.MARKET_IF_TOUCHED)


@pytest.mark.parametrize("see", IF_TOUCHED_LIVES)
async def test_tc_e25_a_market_if_touched_order_to_sell(exchange: LocalExchange, see: See) -> None:
    await see(exchange, SELL, OrderType.MARKET_IF_TOUCHED)


@pytest.mark.parametrize("see", IF_TOUCHED_LIVES)
async def test_tc_e26_a_limit_if_touched_order_to_buy(exchange: LocalExchange, see: See) -> None:
    await see(exchange, BUY, OrderType.LIMIT_IF_TOUCHED)


@pytest.mark.parametrize("see", IF_TOUCHED_LIVES)
async def test_tc_e27_a_limit_if_touched_order_to_sell(exchange: LocalExchange, see: See) -> None:
    await see(exchange, SELL, OrderType.LIMIT_IF_TOUCHED)


# -- 4: changing and replacing orders ---------------------------------------------------------


def move_market(exchange: LocalExchange, shift: int) -> None:
    exchange.cancel_liquidity(MARKET)
    exchange.place_liquidity(MARKET, "BUY", str(BID + shift), "1")
    exchange.place_liquidity(MARKET, "SELL", str(ASK + shift), "1")


async def see_modified(exchange: LocalExchange, side: OrderSide, shift: int) -> None:
    """See the price of an order changed once the market has moved away from it."""
    options = {"modify_orders_to_maintain_tob_offset": True}
    async with running(exchange, **one_side(side), **options) as run:
        (order,) = await run.all_are(OrderStatus.ACCEPTED)
        before = order.price.as_decimal()
        venue_order_id = order.venue_order_id
        move_market(exchange, shift)
        await until(lambda: order.price.as_decimal() == before + shift)
        assert flow(order) == [*ACCEPTED, *UPDATED]
        assert order.status == OrderStatus.ACCEPTED
        assert order.venue_order_id == venue_order_id
        assert order.quantity.as_decimal() == QUANTITY
        (row,) = exchange.orders()
        assert (row["status"], row["id"]) == ("OPEN", venue_order_id.value)
        assert Decimal(row["price"]) == before + shift


async def test_tc_e30_the_price_of_an_order_to_buy_is_modified(exchange: LocalExchange) -> None:
    await see_modified(exchange, BUY, 100)


async def test_tc_e31_the_price_of_an_order_to_sell_is_modified(exchange: LocalExchange) -> None:
    await see_modified(exchange, SELL, -100)


async def see_replaced(exchange: LocalExchange, side: OrderSide, shift: int) -> None:
    """See an order canceled and sent anew once the market has moved away from it."""
    options = {"cancel_replace_orders_to_maintain_tob_offset": True}
    async with running(exchange, **one_side(side), **options) as run:
        (first,) = await run.all_are(OrderStatus.ACCEPTED)
        move_market(exchange, shift)
        statuses = [OrderStatus.CANCELED, OrderStatus.ACCEPTED]
        await until(lambda: [order.status for order in run.orders()] == statuses)
        replaced, replacing = run.orders()
        assert replaced == first
        assert flow(replaced) == CANCELED
        assert flow(replacing) == ACCEPTED
        assert replacing.price.as_decimal() == first.price.as_decimal() + shift


async def test_tc_e32_an_order_to_buy_is_replaced(exchange: LocalExchange) -> None:
    await see_replaced(exchange, BUY, 100)


async def test_tc_e33_an_order_to_sell_is_replaced(exchange: LocalExchange) -> None:
    await see_replaced(exchange, SELL, -100)


# Each moves away from the mark price, which would trigger it.
MOVES = [
    pytest.param(BUY, OrderType.STOP_MARKET, 100, id="STOP_MARKET"),
    pytest.param(SELL, OrderType.STOP_LIMIT, -100, id="STOP_LIMIT"),
    pytest.param(SELL, OrderType.MARKET_IF_TOUCHED, 100, id="MARKET_IF_TOUCHED"),
    pytest.param(BUY, OrderType.LIMIT_IF_TOUCHED, -100, id="LIMIT_IF_TOUCHED"),
]


@pytest.mark.parametrize(("side", "kind", "shift"), MOVES)
async def test_tc_e34_the_trigger_price_of_a_stop_is_modified(
    exchange: LocalExchange, side: OrderSide, kind: OrderType, shift: int
) -> None:
    options = closing(side, kind, modify_stop_orders_to_maintain_offset=True)
    async with running(exchange, **options) as run:
        order = await waiting_stop(run)
        move_market(exchange, shift)
        trigger, _ = prices_of(side, kind, shift)
        await until(lambda: order.trigger_price.as_decimal() == trigger)
        assert flow(order) == [*ACCEPTED, *UPDATED]
        see_waiting(exchange, order, shift)


@pytest.mark.parametrize(("side", "kind", "shift"), MOVES)
async def test_tc_e35_a_stop_is_replaced(
    exchange: LocalExchange, side: OrderSide, kind: OrderType, shift: int
) -> None:
    options = closing(side, kind, cancel_replace_stop_orders_to_maintain_offset=True)
    async with running(exchange, **options) as run:
        first = await waiting_stop(run)
        move_market(exchange, shift)
        await until(lambda: first.is_closed and run.orders()[-1].status == OrderStatus.ACCEPTED)
        replaced, replacing = run.orders()[-2:]
        assert replaced == first
        assert flow(replaced) == CANCELED
        assert flow(replacing) == ACCEPTED
        see_waiting(exchange, replacing, shift)
    # Of the two, another run finds the one that is left.
    async with running(exchange, **NO_LIMITS, external_order_claims=[BTC]) as run:
        (found,) = run.live.cache.orders_open()
        assert found.client_order_id == replacing.client_order_id
        see_waiting(exchange, found, shift)


async def test_tc_e36_a_change_that_cannot_be_is_rejected(exchange: LocalExchange) -> None:
    async with running(exchange, **stops(BUY, OrderType.STOP_MARKET)) as run:
        order = await waiting_stop(run)
        # To the client itself: a strategy lets no such command through.
        command = ModifyOrder(
            run.tester.trader_id,
            run.tester.id,
            BTC,
            order.client_order_id,
            order.venue_order_id,
            None,
            Price.from_str("95000.0"),
            None,
            UUID4(),
            0,
        )
        await run.live.exec_client._modify_order(command)
        await until(lambda: len(flow(order)) > len(ACCEPTED))
        assert flow(order) == [*ACCEPTED, "OrderModifyRejected"]
        assert "STOP_MARKET orders have no price to modify" in order.last_event.reason
        see_waiting(exchange, order)
        assert "request_info" not in row_of(exchange, order)


# -- 6: brackets ------------------------------------------------------------------------------

# 1000 ticks of 0.1 from the entry to either exit, so that the profit lies beyond the spread.
EXIT_TICKS, EXIT_OFFSET = 1000, Decimal(100)


@asynccontextmanager
async def bracket(
    exchange: LocalExchange, side: OrderSide, **options: Any
) -> AsyncIterator[tuple[Run, Order, Order, Order]]:
    """Give the entry, the stop loss and the take profit of a bracket whose entry rests."""
    brackets = {"enable_brackets": True, "bracket_offset_ticks": EXIT_TICKS}
    async with running(exchange, **one_side(side), **brackets, **options) as run:
        await until(lambda: len(run.orders()) == 3)
        legs = {order.tags[0]: order for order in run.orders()}
        entry, stop, profit = (legs[tag] for tag in ("ENTRY", "STOP_LOSS", "TAKE_PROFIT"))
        await until(lambda: entry.status == OrderStatus.ACCEPTED, "the entry rests")
        assert entry.side == side
        assert (stop.side, profit.side) == ((SELL, SELL) if side == BUY else (BUY, BUY))
        # What closes a position waits here until there is one.
        assert flow(stop) == flow(profit) == ["OrderInitialized"]
        assert [row["id"] for row in exchange.orders()] == [entry.venue_order_id.value]
        # A tester at work would send another bracket as soon as the entry is filled.
        run.tester.stop()
        yield run, entry, stop, profit


async def see_bracket(exchange: LocalExchange, side: OrderSide) -> None:
    async with bracket(exchange, side) as (run, entry, stop, profit):
        exchange.fill_order(entry.venue_order_id.value)
        await until(lambda: stop.is_open and profit.is_open, "both exits work")
        assert flow(entry) == FILLED
        assert flow(stop) == flow(profit) == ACCEPTED
        sign = 1 if side == BUY else -1
        price = BUY_PRICE if side == BUY else SELL_PRICE
        assert entry.price == price
        assert profit.price.as_decimal() == price.as_decimal() + sign * EXIT_OFFSET
        assert stop.trigger_price.as_decimal() == price.as_decimal() - sign * EXIT_OFFSET
        rows = [row_of(exchange, order) for order in (entry, stop, profit)]
        assert [row["type"] for row in rows] == ["LIMIT", "STOP_LOSS_MARKET", "LIMIT"]
        assert [row["status"] for row in rows] == ["CLOSED", "UNTRIGGERED", "OPEN"]
        assert ["REDUCE_ONLY" in row["flags"] for row in rows] == [False, True, True]
        assert {Decimal(row["size"]) for row in rows} == {QUANTITY}
        (position,) = run.live.cache.positions_open()
        assert position.signed_decimal_qty() == sign * QUANTITY


async def test_tc_e50_a_bracket_to_buy(exchange: LocalExchange) -> None:
    await see_bracket(exchange, BUY)


async def test_tc_e51_a_bracket_to_sell(exchange: LocalExchange) -> None:
    await see_bracket(exchange, SELL)


@pytest.mark.parametrize("ends_by", ["profit", "stop"])
async def test_tc_e52_the_fill_of_an_entry_activates_the_exits(
    exchange: LocalExchange, ends_by: str
) -> None:
    async with bracket(exchange, BUY) as (run, entry, stop, profit):
        exchange.fill_order(entry.venue_order_id.value, "0.004")
        await until(lambda: stop.is_open and profit.is_open, "both exits work")
        # They are for what is filled, and grow with it.
        assert flow(stop) == flow(profit) == ["OrderInitialized", "OrderUpdated", *ACCEPTED[1:]]
        assert stop.quantity == profit.quantity == Quantity.from_str("0.004")
        exchange.fill_order(entry.venue_order_id.value)
        await until(
            lambda: {stop.quantity.as_decimal(), profit.quantity.as_decimal()} == {QUANTITY}
        )
        assert flow(entry) == [*FILLED, "OrderFilled"]
        if ends_by == "profit":
            exchange.fill_order(profit.venue_order_id.value)
        else:
            exchange.set_mark_price(MARKET, str(stop.trigger_price))
        await until(lambda: stop.is_closed and profit.is_closed, "the bracket is over")
        filled, canceled = (profit, stop) if ends_by == "profit" else (stop, profit)
        assert (filled.status, canceled.status) == (OrderStatus.FILLED, OrderStatus.CANCELED)
        assert flow(filled)[-2:] == ["OrderUpdated", "OrderFilled"]
        assert flow(canceled).count("OrderCanceled") == 1
        assert run.live.cache.positions_open() == []


async def test_tc_e53_a_bracket_with_a_post_only_entry(exchange: LocalExchange) -> None:
    async with bracket(exchange, BUY, use_post_only=True) as (_, entry, stop, profit):
        exchange.fill_order(entry.venue_order_id.value)
        await until(lambda: stop.is_open and profit.is_open, "both exits work")
        assert flow(stop) == flow(profit) == ACCEPTED
        instructions = [sent(exchange, order)["instruction"] for order in (entry, profit, stop)]
        assert instructions == ["POST_ONLY", "POST_ONLY", "GTC"]


# -- 10: options ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [OrderType.STOP_MARKET, OrderType.STOP_LIMIT])
async def test_tc_e96_the_venue_decides_on_a_stop_for_an_option(
    exchange: LocalExchange, option: dict[str, Any], kind: OrderType
) -> None:
    async with running(exchange, **stops(BUY, kind, **option)) as run:
        (order,) = await run.all_are(OrderStatus.ACCEPTED)
        assert flow(order) == ACCEPTED
        assert row_of(exchange, order)["status"] == "UNTRIGGERED"
        run.tester.cancel_order(order)
        await until(lambda: order.is_closed)
        run.tester.stop()
        exchange.fail_next("RPC", "order.create", 100, "ORDER_TYPE_INVALID")
        run.tester.submit_stop_order(BUY, order.trigger_price, getattr(order, "price", None))
        await until(lambda: run.orders()[-1].status == OrderStatus.REJECTED)
        refused = run.orders()[-1]
        assert flow(refused) == [*SENT, "OrderRejected"]
        assert "ORDER_TYPE_INVALID" in refused.last_event.reason
        assert exchange.fills() == []


@pytest.mark.parametrize("kind", IF_TOUCHED)
async def test_tc_e96_an_if_touched_order_for_an_option_is_denied(
    exchange: LocalExchange, option: dict[str, Any], kind: OrderType
) -> None:
    await see_if_touched_denied(exchange, BUY, kind, **option)
