"""NautilusTrader's Execution Testing Spec, case by case, in a live node on the local exchange.

Each test bears the id of its case, and `ExecTester` trades it; what it has no option for (TC-E13,
E15, E18, E36, E44, E72, E74 to E78, E94 and the opening in E101) is sent through it. Every run ends
in agreement: what the node and its client hold is what the venue holds (`agreed_books.py`).

Where the venue or the adapter has no such order, the case is turned round: the order must be denied
by the adapter, with a reason, and nothing of it may reach the venue. These are fill-or-kill
(TC-E04, E15, E16, E99), quote quantity (E05), GTD (E17, E18), DAY (E19), display quantity (E62) and
a price of another kind (E92). TC-E36 is for adapters that cannot change an order: here it is
about a change that cannot be. TC-E96 is for those without conditional orders for options: here the
venue decides, and what it refuses is rejected.

If-touched orders (TC-E24 to E27) only close a position at the venue: they are denied as the tester
sends them, and work as reduce-only orders of a tester that has a position.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

import pytest
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import CancelOrder, ModifyOrder
from nautilus_trader.model.currencies import USDC
from nautilus_trader.model.enums import (
    OrderSide,
    OrderStatus,
    OrderType,
    PositionSide,
    TimeInForce,
)
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.instruments import CryptoOption
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.model.orders import Order

from paradex_adapter.local_exchange import LocalExchange
from paradex_adapter.venue import recovery
from paradex_adapter.venue.websocket import WebSocketConnection
from tests.integration.execution_tester import (
    MARKET,
    NO_LIMITS,
    QUANTITY,
    ClosingTester,
    Run,
    flow,
    row_of,
    running,
    sent,
)
from tests.integration.trading_node import BTC, until

BUY, SELL = OrderSide.BUY, OrderSide.SELL
SENT = ["OrderInitialized", "OrderSubmitted"]
ACCEPTED = [*SENT, "OrderAccepted"]
FILLED = [*ACCEPTED, "OrderFilled"]
CANCELED = [*ACCEPTED, "OrderPendingCancel", "OrderCanceled"]
UPDATED = ["OrderPendingUpdate", "OrderUpdated"]
DENIED = ["OrderInitialized", "OrderDenied"]
BID, ASK = Decimal("89990"), Decimal("90010")
# 500 ticks of 0.1 away from the best price, by the tester's default.
BUY_PRICE, SELL_PRICE = Price.from_str("89940.0"), Price.from_str("90060.0")
OPTION_BID, OPTION_ASK = Decimal(1990), Decimal(2010)
# The cases of the spec, by number.
CASES: Final = frozenset(
    [
        *range(1, 7),
        *range(10, 20),
        *range(20, 28),
        *range(30, 37),
        *range(40, 45),
        *range(50, 54),
        *range(60, 64),
        *range(70, 79),
        *range(80, 88),
        *(90, 91, 92, 94, 96, 99, 100, 101),
    ]
)


def test_every_case_of_the_spec_has_a_test() -> None:
    names = [re.match(r"test_tc_e(\d+)_", name) for name in globals()]
    assert {int(match[1]) for match in names if match} == CASES


def quote(exchange: LocalExchange, market: str = MARKET, middle: int = 90_000) -> None:
    """Offer and ask for one unit, 10 from the mark price."""
    exchange.set_mark_price(market, str(middle))
    exchange.place_liquidity(market, "BUY", str(middle - 10), "1")
    exchange.place_liquidity(market, "SELL", str(middle + 10), "1")


def find_option(exchange: LocalExchange) -> str:
    """Return a call on BTC that is listed."""
    symbols = [str(row["symbol"]) for row in exchange.markets()]
    return next(s for s in symbols if s.startswith("BTC-") and s.endswith("-90000-C"))


@pytest.fixture
async def exchange() -> AsyncIterator[LocalExchange]:
    """An exchange with one level on either side of two books, where nobody else trades."""
    async with LocalExchange(seed=1, simulation_interval_ms=0) as exchange:
        quote(exchange)
        quote(exchange, find_option(exchange), 2_000)
        yield exchange


@pytest.fixture
def option(exchange: LocalExchange) -> dict[str, Any]:
    """The options of a tester that trades an option."""
    return {
        "instrument_id": InstrumentId.from_str(f"{find_option(exchange)}.PARADEX"),
        "order_qty": Decimal("0.5"),
        "tob_offset_ticks": 5,
    }


async def see_denied(exchange: LocalExchange, *reasons: str, **options: Any) -> None:
    """See that orders are denied, in turn for these reasons, and that none reaches the venue."""
    async with running(exchange, **options) as run:
        orders = await run.all_are(OrderStatus.DENIED, len(reasons))
        see_orders_denied(exchange, orders, *reasons)


def see_orders_denied(exchange: LocalExchange, orders: list[Order], *reasons: str) -> None:
    assert [flow(order) for order in orders] == [DENIED] * len(reasons)
    for order, reason in zip(orders, reasons, strict=True):
        assert reason in order.last_event.reason
        assert sent(exchange, order) is None
    assert exchange.orders() == []


# -- 1: market orders -------------------------------------------------------------------------


async def see_opened(exchange: LocalExchange, sign: int, **options: Any) -> None:
    opening = {**NO_LIMITS, "open_position_on_start_qty": sign * QUANTITY, **options}
    async with running(exchange, **opening) as run:
        (order,) = await run.all_are(OrderStatus.FILLED)
        assert flow(order) == FILLED
        assert order.filled_qty.as_decimal() == QUANTITY
        price = ASK if sign > 0 else BID
        assert order.last_event.last_px.as_decimal() == price
        (position,) = run.live.cache.positions_open()
        assert position.side == (PositionSide.LONG if sign > 0 else PositionSide.SHORT)
        assert position.quantity.as_decimal() == QUANTITY
        assert sent(exchange, order)["type"] == "MARKET"
        account = run.live.cache.account(order.account_id)
        fee = order.last_event.commission.as_decimal()
        assert fee > 0
        await until(
            lambda: account.balance_total(USDC) == Money(Decimal(100_000) - fee, USDC),
            "the account state tells of the fee",
        )


async def test_tc_e01_a_market_order_to_buy_fills(exchange: LocalExchange) -> None:
    await see_opened(exchange, 1)


async def test_tc_e02_a_market_order_to_sell_fills(exchange: LocalExchange) -> None:
    await see_opened(exchange, -1)


async def test_tc_e03_a_market_order_that_is_ioc_fills(exchange: LocalExchange) -> None:
    await see_opened(exchange, 1, open_position_time_in_force=TimeInForce.IOC)


async def test_tc_e04_a_market_order_that_is_fok_is_denied(exchange: LocalExchange) -> None:
    await see_denied(
        exchange,
        "time in force FOK is not supported",
        **NO_LIMITS,
        open_position_on_start_qty=QUANTITY,
        open_position_time_in_force=TimeInForce.FOK,
    )


async def test_tc_e05_a_market_order_by_quote_quantity_is_denied(exchange: LocalExchange) -> None:
    await see_denied(
        exchange,
        "quote quantity is not supported",
        **NO_LIMITS,
        open_position_on_start_qty=Decimal(100),
        use_quote_quantity=True,
    )


async def see_closed_on_stop(
    exchange: LocalExchange, sign: int = 1, **options: Any
) -> tuple[Order, Order]:
    """Open a position, stop, and return the orders that opened and closed it."""
    async with running(
        exchange,
        **NO_LIMITS,
        open_position_on_start_qty=sign * QUANTITY,
        close_positions_on_stop=True,
        **options,
    ) as run:
        await run.all_are(OrderStatus.FILLED)
        run.tester.stop()
        opened, closed = await run.all_are(OrderStatus.FILLED, 2)
        assert flow(closed) == FILLED
        assert closed.order_type == OrderType.MARKET
        assert closed.side != opened.side
        assert run.live.cache.positions_open() == []
        assert run.live.cache.orders_open() == []
        await until(lambda: not any(Decimal(p["size"]) for p in exchange.positions()))
    return opened, closed


@pytest.mark.parametrize("sign", [1, -1])
async def test_tc_e06_a_position_is_closed_on_stop(exchange: LocalExchange, sign: int) -> None:
    await see_closed_on_stop(exchange, sign)


# -- 2: limit orders --------------------------------------------------------------------------


async def see_resting(exchange: LocalExchange, *sides: OrderSide, **options: Any) -> list[Order]:
    enabled = {"enable_limit_buys": BUY in sides, "enable_limit_sells": SELL in sides}
    async with running(exchange, **enabled, **options) as run:
        orders = await run.all_are(OrderStatus.ACCEPTED, len(sides))
        assert [order.side for order in orders] == list(sides)
        assert run.live.cache.orders_open_count() == len(sides)
        for order in orders:
            assert flow(order) == ACCEPTED
            assert order.price == (BUY_PRICE if order.side == BUY else SELL_PRICE)
            row = sent(exchange, order)
            assert (row["side"], row["type"]) == (order.side.name, "LIMIT")
            assert Decimal(row["price"]) == order.price.as_decimal()
            assert Decimal(row["size"]) == QUANTITY
        assert [row["status"] for row in exchange.orders()] == ["OPEN"] * len(sides)
    return orders


async def test_tc_e10_a_limit_order_to_buy_rests(exchange: LocalExchange) -> None:
    (order,) = await see_resting(exchange, BUY)
    assert order.time_in_force == TimeInForce.GTC
    assert sent(exchange, order)["instruction"] == "GTC"


async def test_tc_e11_a_limit_order_to_sell_rests(exchange: LocalExchange) -> None:
    (order,) = await see_resting(exchange, SELL)
    assert sent(exchange, order)["instruction"] == "GTC"


async def test_tc_e12_a_pair_of_limit_orders_rests(exchange: LocalExchange) -> None:
    await see_resting(exchange, BUY, SELL)


async def test_tc_e13_an_aggressive_ioc_order_fills(exchange: LocalExchange) -> None:
    async with running(exchange, **NO_LIMITS) as run:
        order = run.limit(BUY, ASK, time_in_force=TimeInForce.IOC)
        await run.all_are(OrderStatus.FILLED)
        assert flow(order) == FILLED
        assert sent(exchange, order)["instruction"] == "IOC"
        (position,) = run.live.cache.positions_open()
        assert position.side == PositionSide.LONG


async def test_tc_e14_a_passive_ioc_order_is_canceled(exchange: LocalExchange) -> None:
    only_buys = {"enable_limit_sells": False, "limit_time_in_force": TimeInForce.IOC}
    async with running(exchange, **only_buys) as run:
        (order,) = await run.all_are(OrderStatus.CANCELED)
        assert flow(order) == [*ACCEPTED, "OrderCanceled"]
        assert order.filled_qty == Quantity.zero(order.filled_qty.precision)


async def test_tc_e15_a_fok_order_that_would_fill_is_denied(exchange: LocalExchange) -> None:
    async with running(exchange, **NO_LIMITS) as run:
        order = run.limit(BUY, ASK, time_in_force=TimeInForce.FOK)
        await run.all_are(OrderStatus.DENIED)
        see_orders_denied(exchange, [order], "time in force FOK is not supported")


async def test_tc_e16_a_fok_order_that_would_not_fill_is_denied(exchange: LocalExchange) -> None:
    await see_denied(
        exchange,
        "time in force FOK is not supported",
        enable_limit_sells=False,
        limit_time_in_force=TimeInForce.FOK,
    )


async def test_tc_e17_a_gtd_order_is_denied(exchange: LocalExchange) -> None:
    await see_denied(
        exchange,
        "time in force GTD is not supported",
        enable_limit_sells=False,
        order_expire_time_delta_mins=60,
    )


async def test_tc_e18_a_gtd_order_that_would_expire_is_denied(exchange: LocalExchange) -> None:
    async with running(exchange, **NO_LIMITS) as run:
        soon = run.tester.clock.utc_now() + timedelta(milliseconds=50)
        order = run.limit(BUY, "89000", time_in_force=TimeInForce.GTD, expire_time=soon)
        await run.all_are(OrderStatus.DENIED)
        see_orders_denied(exchange, [order], "time in force GTD is not supported")


async def test_tc_e19_a_day_order_is_denied(exchange: LocalExchange) -> None:
    await see_denied(
        exchange,
        "time in force DAY is not supported",
        enable_limit_sells=False,
        limit_time_in_force=TimeInForce.DAY,
    )


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


def stops(side: OrderSide, kind: OrderType, **options: Any) -> dict[str, Any]:
    """Return the options of a tester that sends a conditional order."""
    return {
        **NO_LIMITS,
        "enable_stop_buys": side == BUY,
        "enable_stop_sells": side == SELL,
        "stop_order_type": kind,
        "stop_limit_offset_ticks": 50,
        **options,
    }


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


def one_side(side: OrderSide) -> dict[str, bool]:
    return {"enable_limit_buys": side == BUY, "enable_limit_sells": side == SELL}


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


# -- 5: cancels -------------------------------------------------------------------------------


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect the methods of the orders and cancels that go over the websocket."""
    methods: list[str] = []
    request = WebSocketConnection.request

    async def spy(connection: WebSocketConnection, method: str, *args: Any, **more: Any) -> bytes:
        if method.startswith("order."):
            methods.append(method)
        return await request(connection, method, *args, **more)

    monkeypatch.setattr(WebSocketConnection, "request", spy)
    return methods


async def see_canceled_on_stop(
    exchange: LocalExchange, *sides: OrderSide, **options: Any
) -> list[Order]:
    enabled = {"enable_limit_buys": BUY in sides, "enable_limit_sells": SELL in sides}
    stopping = {"cancel_orders_on_stop": True, **options}
    async with running(exchange, **enabled, **stopping) as run:
        orders = await run.all_are(OrderStatus.ACCEPTED, len(sides))
        ids = {order.client_order_id: order.venue_order_id for order in orders}
        run.tester.stop()
        await run.all_are(OrderStatus.CANCELED, len(sides))
        for order in orders:
            assert flow(order) == CANCELED
            assert order.last_event.venue_order_id == ids[order.client_order_id]
        assert run.live.cache.orders_open() == []
        assert {row["status"] for row in exchange.orders()} == {"CLOSED"}
    return orders


async def test_tc_e40_a_limit_order_is_canceled(exchange: LocalExchange) -> None:
    await see_canceled_on_stop(exchange, BUY)


async def test_tc_e41_all_orders_are_canceled_on_stop(exchange: LocalExchange) -> None:
    await see_canceled_on_stop(exchange, BUY, SELL)


async def test_tc_e42_orders_are_canceled_one_by_one_on_stop(exchange: LocalExchange) -> None:
    await see_canceled_on_stop(exchange, BUY, SELL, use_individual_cancels_on_stop=True)


async def test_tc_e43_orders_are_canceled_in_a_batch_on_stop(
    exchange: LocalExchange, requests: list[str]
) -> None:
    await see_canceled_on_stop(exchange, BUY, SELL, use_batch_cancel_on_stop=True)
    assert requests == ["order.create", "order.create", "order.cancel_batch"]


async def test_tc_e44_a_cancel_of_a_canceled_order_changes_nothing(exchange: LocalExchange) -> None:
    async with running(exchange, **NO_LIMITS) as run:
        order = run.limit(BUY, "89000")
        await run.all_are(OrderStatus.ACCEPTED)
        run.tester.cancel_order(order)
        await run.all_are(OrderStatus.CANCELED)
        # To the client itself: a strategy lets no such command through.
        command = CancelOrder(
            run.tester.trader_id,
            run.tester.id,
            BTC,
            order.client_order_id,
            order.venue_order_id,
            UUID4(),
            0,
        )
        await run.live.exec_client._cancel_order(command)
        assert flow(order) == CANCELED
        assert [row["status"] for row in exchange.orders()] == ["CLOSED"]


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


# -- 7: flags ---------------------------------------------------------------------------------


async def test_tc_e60_a_post_only_order_rests(exchange: LocalExchange) -> None:
    orders = await see_resting(exchange, BUY, SELL, use_post_only=True)
    for order in orders:
        assert order.is_post_only
        assert sent(exchange, order)["instruction"] == "POST_ONLY"


@pytest.mark.parametrize("is_reduce_only", [True, False])
async def test_tc_e61_a_position_is_closed_by_a_reduce_only_order(
    exchange: LocalExchange, is_reduce_only: bool
) -> None:
    opened, closed = await see_closed_on_stop(exchange, reduce_only_on_stop=is_reduce_only)
    assert closed.is_reduce_only == is_reduce_only
    flags = [sent(exchange, order).get("flags", []) for order in (opened, closed)]
    assert flags == [[], ["REDUCE_ONLY"] if is_reduce_only else []]


async def test_tc_e62_an_order_of_a_display_quantity_is_denied(exchange: LocalExchange) -> None:
    await see_denied(
        exchange,
        "display quantity (iceberg) is not supported",
        enable_limit_sells=False,
        order_qty=Decimal(1),
        order_display_qty=Decimal("0.1"),
    )


@pytest.mark.parametrize(
    ("params", "field", "value"),
    [
        ({"stp": "EXPIRE_BOTH"}, "stp", "EXPIRE_BOTH"),
        ({"recv_window_ms": 5_000}, "recv_window", 5_000),
        ({"rpi": True}, "instruction", "RPI"),
        ({"dime_discount": True}, "dime_discount", True),
    ],
    ids=["stp", "recv_window_ms", "rpi", "dime_discount"],
)
async def test_tc_e63_params_reach_the_venue(
    exchange: LocalExchange, params: dict[str, Any], field: str, value: Any
) -> None:
    exchange.allow_rpi()
    (order,) = await see_resting(exchange, BUY, order_params=params)
    assert sent(exchange, order)[field] == value


async def test_tc_e63_the_params_of_a_market_order_reach_the_venue(
    exchange: LocalExchange,
) -> None:
    await see_opened(exchange, 1, order_params={"vwap_price": "90500"})
    (row,) = exchange.orders()
    assert exchange.received_order(row["client_id"])["vwap_price"] == "90500"


async def test_tc_e63_the_venue_decides_on_market_maker_protection(
    exchange: LocalExchange,
) -> None:
    async with running(exchange, **one_side(BUY), order_params={"mmp": True}) as run:
        await until(lambda: bool(run.orders()))
        run.tester.stop()
        order = run.orders()[0]
        await until(lambda: order.is_closed)
        assert sent(exchange, order)["flags"] == ["MMP"]
        assert flow(order) == [*SENT, "OrderRejected"]
        assert "MMP" in order.last_event.reason


async def test_tc_e63_params_that_nobody_knows_are_denied(exchange: LocalExchange) -> None:
    await see_denied(
        exchange, "params['color'] is not known", **one_side(BUY), order_params={"color": "red"}
    )


# -- 8: rejections ----------------------------------------------------------------------------


@pytest.mark.parametrize("side", [BUY, SELL])
async def test_tc_e70_a_post_only_order_that_crosses_is_rejected(
    exchange: LocalExchange, side: OrderSide
) -> None:
    async with running(
        exchange,
        enable_limit_buys=side == BUY,
        enable_limit_sells=side == SELL,
        use_post_only=True,
        test_reject_post_only=True,
    ) as run:
        (order,) = await run.all_are(OrderStatus.REJECTED)
        assert flow(order) == [*SENT, "OrderRejected"]
        assert order.last_event.due_post_only
        assert "POST_ONLY" in order.last_event.reason


async def test_tc_e71_a_reduce_only_order_without_a_position_is_rejected(
    exchange: LocalExchange,
) -> None:
    async with running(
        exchange, **NO_LIMITS, open_position_on_start_qty=QUANTITY, test_reject_reduce_only=True
    ) as run:
        (order,) = await run.all_are(OrderStatus.REJECTED)
        assert flow(order) == [*SENT, "OrderRejected"]
        assert "REDUCE_ONLY" in order.last_event.reason
        assert not order.last_event.due_post_only
        assert exchange.fills() == []


def other_kinds(run: Run) -> list[Order]:
    """Return orders of types that are not supported, and that the tester has no option for."""
    factory, instrument = run.tester.order_factory, run.tester.instrument
    quantity = instrument.make_qty(run.tester.config.order_qty)
    return [
        factory.market_to_limit(instrument.id, BUY, quantity),
        factory.trailing_stop_limit(
            instrument.id,
            BUY,
            quantity,
            limit_offset=Decimal(10),
            trailing_offset=Decimal(10),
            price=instrument.make_price(95_000),
            trigger_price=instrument.make_price(95_000),
        ),
    ]


async def see_other_kinds_denied(exchange: LocalExchange, **options: Any) -> None:
    async with running(exchange, **NO_LIMITS, **options) as run:
        orders = other_kinds(run)
        for order in orders:
            run.tester.submit_order(order)
        await run.all_are(OrderStatus.DENIED, len(orders))
        see_orders_denied(
            exchange,
            orders,
            "order type MARKET_TO_LIMIT is not supported",
            "order type TRAILING_STOP_LIMIT is not supported",
        )


async def test_tc_e72_an_order_of_another_type_is_denied(exchange: LocalExchange) -> None:
    await see_other_kinds_denied(exchange)


async def test_tc_e72_a_trailing_stop_is_denied(exchange: LocalExchange) -> None:
    kind = OrderType.TRAILING_STOP_MARKET
    await see_denied(
        exchange,
        "order type TRAILING_STOP_MARKET is not supported",
        **stops(BUY, kind, trailing_offset=Decimal(100)),
    )


@pytest.mark.parametrize("word", ["AT_THE_OPEN", "AT_THE_CLOSE"])
async def test_tc_e73_an_order_of_another_time_in_force_is_denied(
    exchange: LocalExchange, word: str
) -> None:
    await see_denied(
        exchange,
        f"time in force {word} is not supported",
        enable_limit_sells=False,
        limit_time_in_force=TimeInForce[word],
    )


@pytest.fixture
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask at once for what became of an order."""
    monkeypatch.setattr(recovery, "RESOLVE_DELAY_SECS", 0.05)
    monkeypatch.setattr(recovery, "LISTING_MARGIN_MS", 100)
    monkeypatch.setattr(recovery, "CHANGE_DELAYS_SECS", (0.1,) * 5)


@pytest.mark.usefixtures("impatience")
async def test_tc_e74_an_order_whose_answer_is_lost_is_not_rejected(
    exchange: LocalExchange,
) -> None:
    async with running(exchange, **NO_LIMITS, log_level="OFF") as run:
        exchange.lose_next_response("order.create")
        order = run.limit(BUY, "89000")
        await run.all_are(OrderStatus.ACCEPTED)
        assert exchange._faults._lost == []
        assert flow(order) == ACCEPTED
        assert len(exchange.orders()) == 1


async def test_tc_e75_a_cancel_whose_answer_is_lost_is_not_rejected(
    exchange: LocalExchange,
) -> None:
    async with running(exchange, **NO_LIMITS, log_level="OFF") as run:
        order = run.limit(BUY, "89000")
        await run.all_are(OrderStatus.ACCEPTED)
        exchange.lose_next_response("order.cancel")
        run.tester.cancel_order(order)
        await run.all_are(OrderStatus.CANCELED)
        assert exchange._faults._lost == []
        assert flow(order) == CANCELED


async def pair(run: Run) -> list[Order]:
    """Return two orders that rest."""
    orders = [run.limit(BUY, "89000"), run.limit(SELL, "91000")]
    await run.all_are(OrderStatus.ACCEPTED, 2)
    return orders


@pytest.mark.usefixtures("impatience")
@pytest.mark.parametrize("is_done", [True, False], ids=["done", "not done"])
async def test_tc_e76_a_change_whose_answer_is_lost_ends_nothing(
    exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch, is_done: bool
) -> None:
    # The engine asks and gives up as it does in earnest, only faster.
    checks = {
        "inflight_check_interval_ms": 20,
        "inflight_check_threshold_ms": 200,
        "inflight_check_retries": 5,
    }
    async with running(exchange, **NO_LIMITS, engine=checks, log_level="OFF") as run:
        order = run.limit(BUY, "89000")
        await run.all_are(OrderStatus.ACCEPTED)
        monkeypatch.setattr(exchange._feed, "on_order", lambda order: None)
        if is_done:
            exchange.lose_next_response("order.modify")
        else:
            exchange.fail_next("RPC", "order.modify", -32603, "Internal error")
        run.tester.modify_order(order, price=run.tester.instrument.make_price(89_500))
        updated = [*ACCEPTED, *UPDATED]
        refused = [*ACCEPTED, "OrderPendingUpdate", "OrderModifyRejected"]
        await until(lambda: flow(order) == (updated if is_done else refused))
        assert order.status == OrderStatus.ACCEPTED
        assert order.price == Price.from_str("89500.0" if is_done else "89000.0")


@pytest.mark.usefixtures("impatience")
async def test_tc_e77_a_batch_whose_answer_is_lost_rejects_no_order(
    exchange: LocalExchange,
) -> None:
    async with running(exchange, **NO_LIMITS, log_level="OFF") as run:
        exchange.lose_next_response("order.create_batch")
        submit_pair(run)
        orders = await run.all_are(OrderStatus.ACCEPTED, 2)
        assert exchange._faults._lost == []
        assert [flow(order) for order in orders] == [ACCEPTED, ACCEPTED]
        assert len(exchange.orders()) == 2


def submit_pair(run: Run, **options: Any) -> None:
    """Send two orders in a batch, the second with these options."""
    second = {"side": SELL, "price": "91000", **options}
    orders = [run.make_limit(BUY, "89000"), run.make_limit(**second)]
    run.tester.submit_order_list(run.tester.order_factory.create_list(orders))


async def test_tc_e77_a_batch_whose_answer_is_lost_rejects_no_cancel(
    exchange: LocalExchange,
) -> None:
    async with running(exchange, **NO_LIMITS, log_level="OFF") as run:
        orders = await pair(run)
        exchange.lose_next_response("order.cancel_batch")
        run.tester.cancel_orders(orders)
        await run.all_are(OrderStatus.CANCELED, 2)
        assert exchange._faults._lost == []
        assert [flow(order) for order in orders] == [CANCELED, CANCELED]


async def test_tc_e78_a_batch_tells_which_order_is_refused(
    exchange: LocalExchange, requests: list[str]
) -> None:
    async with running(exchange, **NO_LIMITS) as run:
        submit_pair(run, price=BID, post_only=True)
        await until(lambda: [o.status_string() for o in run.orders()] == ["ACCEPTED", "REJECTED"])
        taken, refused = run.orders()
        assert requests == ["order.create_batch"]
        assert flow(taken) == ACCEPTED
        assert flow(refused) == [*SENT, "OrderRejected"]
        assert refused.last_event.due_post_only
        assert "POST_ONLY" in refused.last_event.reason


async def test_tc_e78_a_batch_tells_which_cancel_is_refused(exchange: LocalExchange) -> None:
    async with running(exchange, **NO_LIMITS) as run:
        orders = await pair(run)
        # The batch as a whole, then the first of its orders by itself.
        exchange.fail_next("RPC", "order.cancel", 100, "SYSTEM_STATUS_MAINTENANCE", count=2)
        run.tester.cancel_orders(orders)
        await until(
            lambda: sorted(order.status_string() for order in orders) == ["ACCEPTED", "CANCELED"]
        )
        refused, canceled = sorted(orders, key=lambda order: order.is_closed)
        assert flow(refused) == [*ACCEPTED, "OrderPendingCancel", "OrderCancelRejected"]
        assert "SYSTEM_STATUS_MAINTENANCE" in refused.last_event.reason
        assert flow(canceled) == CANCELED


# -- 9: start and stop ------------------------------------------------------------------------


async def test_tc_e80_a_position_is_opened_on_start(exchange: LocalExchange) -> None:
    async with running(exchange, open_position_on_start_qty=QUANTITY) as run:
        await until(lambda: run.live.cache.orders_open_count() == 2)
        opened, *limits = run.orders()
        assert flow(opened) == FILLED
        assert [flow(order) for order in limits] == [ACCEPTED, ACCEPTED]
        assert all(opened.ts_init <= order.ts_init for order in limits)


async def test_tc_e81_orders_are_canceled_on_stop(exchange: LocalExchange) -> None:
    opening = {"open_position_on_start_qty": QUANTITY}
    async with running(exchange, **opening, cancel_orders_on_stop=True) as run:
        await until(lambda: run.live.cache.orders_open_count() == 2)
        run.tester.stop()
        await until(lambda: all(order.is_closed for order in run.orders()))
        opened, *limits = run.orders()
        assert opened.status == OrderStatus.FILLED
        assert [flow(order) for order in limits] == [CANCELED, CANCELED]
        assert run.live.cache.positions_open_count() == 1


async def test_tc_e82_positions_are_closed_on_stop(exchange: LocalExchange) -> None:
    opening = {"open_position_on_start_qty": QUANTITY}
    async with running(exchange, **opening, close_positions_on_stop=True) as run:
        await until(lambda: run.live.cache.orders_open_count() == 2)
        run.tester.stop()
        await until(lambda: not run.live.cache.positions_open(), "the position is closed")
        assert flow(run.orders()[-1]) == FILLED
        assert run.tester.portfolio.net_position(BTC) == 0
        # The one option does not do the other's work.
        assert run.live.cache.orders_open_count() == 2


async def test_tc_e83_nothing_is_subscribed_after_stop(exchange: LocalExchange) -> None:
    async with running(exchange, **NO_LIMITS) as run:
        feed = run.live.data_client._feed
        await until(lambda: any(MARKET in channel for channel in feed.channels))
        run.tester.stop()
        await until(lambda: not any(MARKET in channel for channel in feed.channels))


async def test_tc_e84_open_orders_are_reconciled(exchange: LocalExchange) -> None:
    before = await see_resting(exchange, BUY, SELL)
    async with running(exchange, **NO_LIMITS, external_order_claims=[BTC]) as run:
        orders = await run.all_are(OrderStatus.ACCEPTED, 2)
        assert {facts(order) for order in orders} == {facts(order) for order in before}


def facts(order: Order) -> tuple[Any, ...]:
    return (
        order.client_order_id,
        order.venue_order_id,
        order.side,
        order.order_type,
        order.price,
        order.quantity,
        order.time_in_force,
    )


async def test_tc_e85_filled_orders_are_reconciled(exchange: LocalExchange) -> None:
    opened, closed = await see_closed_on_stop(exchange)
    async with running(exchange, **NO_LIMITS, external_order_claims=[BTC]) as run:
        orders = await run.all_are(OrderStatus.FILLED, 2)
        assert {fill_facts(order) for order in orders} == {
            fill_facts(opened),
            fill_facts(closed),
        }
        assert run.live.cache.positions_open() == []


def fill_facts(order: Order) -> tuple[Any, ...]:
    (fee,) = order.commissions()
    return (order.venue_order_id, order.avg_px, order.filled_qty, fee, tuple(order.trade_ids))


async def see_position_reconciled(exchange: LocalExchange, sign: int) -> None:
    await see_opened(exchange, sign)
    async with running(
        exchange, **NO_LIMITS, external_order_claims=[BTC], close_positions_on_stop=True
    ) as run:
        (position,) = run.live.cache.positions_open()
        assert position.instrument_id == BTC
        assert position.side == (PositionSide.LONG if sign > 0 else PositionSide.SHORT)
        assert position.quantity.as_decimal() == QUANTITY
        assert position.avg_px_open == float(ASK if sign > 0 else BID)
        # It can be managed as if this run had opened it.
        run.tester.stop()
        await until(lambda: not run.live.cache.positions_open(), "the position is closed")


async def test_tc_e86_a_long_position_is_reconciled(exchange: LocalExchange) -> None:
    await see_position_reconciled(exchange, 1)


async def test_tc_e87_a_short_position_is_reconciled(exchange: LocalExchange) -> None:
    await see_position_reconciled(exchange, -1)


# -- 10: options ------------------------------------------------------------------------------


async def see_option_resting(
    exchange: LocalExchange, option: dict[str, Any], side: OrderSide
) -> None:
    sides = {"enable_limit_buys": side == BUY, "enable_limit_sells": side == SELL}
    async with running(exchange, **option, **sides) as run:
        (order,) = await run.all_are(OrderStatus.ACCEPTED)
        assert isinstance(run.tester.instrument, CryptoOption)
        assert flow(order) == ACCEPTED
        row = sent(exchange, order)
        assert (row["market"], row["side"]) == (order.instrument_id.symbol.value, side.name)
        assert Decimal(row["price"]) == order.price.as_decimal()
        assert order.price < OPTION_BID if side == BUY else order.price > OPTION_ASK
        assert Decimal(row["size"]) == option["order_qty"]


async def test_tc_e90_a_limit_order_to_buy_an_option_rests(
    exchange: LocalExchange, option: dict[str, Any]
) -> None:
    await see_option_resting(exchange, option, BUY)


async def test_tc_e91_a_limit_order_to_sell_an_option_rests(
    exchange: LocalExchange, option: dict[str, Any]
) -> None:
    await see_option_resting(exchange, option, SELL)


async def test_tc_e92_an_order_for_an_option_at_a_price_of_another_kind_is_denied(
    exchange: LocalExchange, option: dict[str, Any]
) -> None:
    await see_denied(
        exchange,
        "params['px_vol'] is not known",
        **option,
        **one_side(BUY),
        order_params={"px_vol": "0.6"},
    )


async def test_tc_e94_an_order_of_another_type_for_an_option_is_denied(
    exchange: LocalExchange, option: dict[str, Any]
) -> None:
    await see_other_kinds_denied(exchange, **option)


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


async def test_tc_e99_a_fok_order_for_an_option_is_denied(
    exchange: LocalExchange, option: dict[str, Any]
) -> None:
    await see_denied(
        exchange,
        "time in force FOK is not supported",
        **option,
        enable_limit_sells=False,
        limit_time_in_force=TimeInForce.FOK,
    )


async def test_tc_e100_an_order_for_an_option_is_canceled(
    exchange: LocalExchange, option: dict[str, Any]
) -> None:
    await see_canceled_on_stop(exchange, BUY, **option)


@pytest.mark.parametrize("side", [BUY, SELL])
async def test_tc_e101_a_position_in_an_option_is_reconciled(
    exchange: LocalExchange, option: dict[str, Any], side: OrderSide
) -> None:
    price = OPTION_ASK if side == BUY else OPTION_BID
    async with running(exchange, **option, **NO_LIMITS) as run:
        run.limit(side, price, time_in_force=TimeInForce.IOC)
        await run.all_are(OrderStatus.FILLED)
    async with running(
        exchange, **option, **NO_LIMITS, external_order_claims=[option["instrument_id"]]
    ) as run:
        (position,) = run.live.cache.positions_open()
        assert position.instrument_id == option["instrument_id"]
        assert position.side == (PositionSide.LONG if side == BUY else PositionSide.SHORT)
        assert position.quantity.as_decimal() == option["order_qty"]
        assert position.avg_px_open == float(price)
