"""NautilusTrader's own checks of orders and positions while a node trades: they change nothing.

Where the stream has lost something they repair it, and where REST does not answer they let be.
"""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.model.enums import OrderSide, OrderStatus, OrderType
from nautilus_trader.model.orders import Order

from paradex_adapter.local_exchange import LocalExchange
from paradex_adapter.venue import order_commands, recovery
from tests.integration.conditional_orders import submit
from tests.integration.trading_node import BTC, RunningNode, running_node, until

MARKET = "BTC-USD-PERP"
INFLIGHT = {
    "inflight_check_interval_ms": 20,
    "inflight_check_threshold_ms": 40,
    "inflight_check_retries": 3,
}
ORDERS = {
    "open_check_interval_secs": 0.03,
    "open_check_threshold_ms": 0,
    "open_check_missing_retries": 1,
    "single_order_query_delay_ms": 0,
}
POSITIONS = {
    "position_check_interval_secs": 0.03,
    "position_check_threshold_ms": 100,
}
# As by default an answer has time to come before the engine concludes anything from its absence.
PATIENT = {**INFLIGHT, "inflight_check_threshold_ms": 300, "inflight_check_retries": 5}
AT_ONCE = {"reconciliation_startup_delay_secs": 0.01}
ALL_OPEN = {**AT_ONCE, **PATIENT, **ORDERS, **POSITIONS, "open_check_open_only": True}
ALL = {**ALL_OPEN, "open_check_open_only": False}


@pytest.fixture
async def exchange() -> AsyncIterator[LocalExchange]:
    async with LocalExchange(seed=8, simulation_interval_ms=0) as exchange:
        exchange.set_mark_price(MARKET, "90000")
        exchange.place_liquidity(MARKET, "BUY", "89990", "2")
        exchange.place_liquidity(MARKET, "SELL", "90010", "2")
        yield exchange


def events_of(order: Order) -> list[str]:
    return [type(event).__name__ for event in order.events]


def net(run: RunningNode) -> Decimal:
    positions = run.cache.positions_open()
    return sum((position.signed_decimal_qty() for position in positions), Decimal(0))


class Checks:
    """Counts what the engine asks for; a test goes on when it has asked often enough."""

    def __init__(self, run: RunningNode, name: str) -> None:
        self.number = 0
        ask = getattr(run.client, name)

        async def counted(command: Any) -> Any:
            answer = await ask(command)
            self.number += 1
            return answer

        setattr(run.client, name, counted)

    async def more(self, number: int = 3) -> None:
        """Wait until the engine has asked, and been answered, so often again."""
        wanted = self.number + number
        await until(lambda: self.number >= wanted, "checked")


async def live_through_it_all(run: RunningNode) -> list[Order]:
    """Let orders of all kinds be placed, changed, filled and canceled; return them."""
    return [order for number in range(6) for order in await live_through(run, number)]


async def live_through(run: RunningNode, number: int) -> list[Order]:
    exchange, trader = run.exchange, run.trader
    taken = trader.market(OrderSide.BUY if number % 2 else OrderSide.SELL, "0.01")
    rests = trader.limit(OrderSide.BUY, "0.02", str(89_000 + number))
    waits = submit(run, OrderType.STOP_LIMIT, quantity="0.01", trigger="88000", price="87000")
    refused = trader.limit(OrderSide.BUY, "0.01", "90100", post_only=True)
    await until(lambda: taken.is_closed and rests.is_open and waits.is_open, "they are there")
    exchange.place_order("BUY", "0.003")
    trader.modify_order(rests, price=rests.price.from_str(str(89_100 + number)))
    trader.modify_order(waits, trigger_price=waits.trigger_price.from_str("88100.0"))
    await until(lambda: rests.price.as_decimal() == 89_100 + number, "it changed")
    exchange.fill_order(rests.venue_order_id.value, "0.005")
    if number % 3 == 0:
        trader.cancel_order(waits)
        trader.cancel_order(rests)
    elif number % 3 == 1:
        exchange.fill_order(rests.venue_order_id.value)
        trader.cancel_order(rests)
        exchange.cancel_order(waits.venue_order_id.value)
    return [taken, rests, waits, refused]


def find_false_events(orders: list[Order]) -> list[tuple[str, list[str]]]:
    """Return the orders whose events no venue would have brought about."""
    false = []
    for order in orders:
        names = events_of(order)
        ends = [name for name in names if name in ("OrderCanceled", "OrderRejected")]
        is_false = names.count("OrderAccepted") > 1 or len(ends) > 1
        is_false |= order.status == OrderStatus.REJECTED and not order.is_post_only
        if is_false:
            false.append((order.client_order_id.value, names))
    return false


@pytest.mark.parametrize("engine", [ALL, ALL_OPEN], ids=["all orders", "open orders"])
async def test_checks_make_no_events_of_their_own(
    exchange: LocalExchange, engine: dict[str, Any]
) -> None:
    async with running_node(exchange, engine=engine) as run:
        checks = Checks(run, "generate_order_status_reports")
        positions = Checks(run, "generate_position_status_reports")
        orders = await live_through_it_all(run)
        await checks.more()
        await positions.more()
        await run.until_agreed()
        before = {order.client_order_id: events_of(order) for order in run.cache.orders()}
        await checks.more(5)
        await positions.more(5)
        assert {o.client_order_id: events_of(o) for o in run.cache.orders()} == before
        assert find_false_events(orders) == []
        assert not [o for o in run.cache.orders() if "RECONCILIATION" in (o.tags or [])]


@pytest.mark.parametrize("engine", [ALL, ALL_OPEN], ids=["all orders", "open orders"])
async def test_checks_while_answers_and_pushes_are_late(
    exchange: LocalExchange, engine: dict[str, Any]
) -> None:
    async with running_node(exchange, engine=engine) as run:
        exchange.delay_responses(60)
        running = asyncio.create_task(live_through_it_all(run))
        while not running.done():
            exchange.hold_pushes()
            await asyncio.wait([running], timeout=0.05)
            exchange.release_pushes()
            await asyncio.wait([running], timeout=0.02)
        orders = await running
        exchange.delay_responses(0)
        await run.until_agreed()
        assert find_false_events(orders) == []
        assert not [o for o in run.cache.orders() if "RECONCILIATION" in (o.tags or [])]


@pytest.mark.parametrize("engine", [ALL, ALL_OPEN], ids=["all orders", "open orders"])
async def test_orders_and_fills_the_stream_lost_are_found(
    exchange: LocalExchange, engine: dict[str, Any]
) -> None:
    async with running_node(exchange, engine=engine) as run:
        rests = run.trader.limit(OrderSide.BUY, "0.02", "89000")
        gone = run.trader.limit(OrderSide.BUY, "0.02", "89001")
        part = run.trader.limit(OrderSide.SELL, "0.02", "90300")
        stop = submit(run, OrderType.STOP_LIMIT, quantity="0.01", trigger="89900", price="90500")
        await until(lambda: all(order.is_open for order in (rests, gone, part, stop)))
        exchange.lose_pushes("orders", "fills", "positions")
        exchange.cancel_order(gone.venue_order_id.value)
        exchange.fill_order(rests.venue_order_id.value)
        exchange.fill_order(part.venue_order_id.value, "0.005")
        exchange.set_mark_price(MARKET, "89890")
        exchange.place_order("SELL", "0.004")
        await until(lambda: gone.is_closed and rests.is_closed, "found out")
        await until(lambda: part.status == OrderStatus.PARTIALLY_FILLED, "found out")
        assert events_of(gone)[-1] == "OrderCanceled"
        assert events_of(rests).count("OrderFilled") == 1
        await until(lambda: net(run) == Decimal("0.011"), "the position follows")
        exchange.lose_pushes()


@pytest.mark.parametrize("engine", [ALL, ALL_OPEN], ids=["all orders", "open orders"])
async def test_the_end_of_an_old_order_of_another_that_the_stream_lost(
    exchange: LocalExchange, engine: dict[str, Any]
) -> None:
    async with running_node(exchange, engine=engine) as run:
        venue_order_id = exchange.place_order("BUY", "0.01", "80000", client_id="hand")
        await until(lambda: bool(run.cache.orders_open()), "it is told")
        (order,) = run.cache.orders_open()
        for held in exchange._account(None).orders.values():
            held.created_at -= 7_200_000
            held.last_updated_at -= 7_200_000
        exchange.lose_pushes("orders")
        exchange.cancel_order(venue_order_id)
        await until(lambda: order.is_closed, "its end was found")
        assert events_of(order)[-1] == "OrderCanceled"
        exchange.lose_pushes()


async def test_the_market_order_of_another_that_the_stream_lost(exchange: LocalExchange) -> None:
    """The position check asks for the fills it misses."""
    async with running_node(exchange, engine={**AT_ONCE, **POSITIONS}) as run:
        own = run.trader.market(OrderSide.BUY, "0.02")
        await until(lambda: own.is_closed)
        exchange.lose_pushes("orders", "fills", "positions")
        exchange.place_order("SELL", "0.005", client_id="hand")
        exchange.place_order("BUY", "0.5", client_id="hand-2", market="ETH-USD-PERP", price="2000")
        await until(lambda: net(run) == Decimal("0.015"), "the position follows")
        exchange.lose_pushes()
        run.why_apart = "an order of another that rests is asked for by the next restart"
        assert not [o for o in run.cache.orders() if "RECONCILIATION" in (o.tags or [])]


async def test_a_short_lookback_and_a_position_held_for_long(exchange: LocalExchange) -> None:
    engine = {**ALL, "position_check_lookback_mins": 1, "open_check_lookback_mins": 1}
    async with running_node(exchange, engine=engine) as run:
        bought = run.trader.market(OrderSide.BUY, "0.05")
        rests = run.trader.limit(OrderSide.SELL, "0.02", "90300")
        await until(lambda: bought.is_closed and rests.is_open)
        account = exchange._account(None)
        for order in account.orders.values():
            order.created_at -= 7_200_000
            order.last_updated_at -= 7_200_000
        for fill in account.fills:
            object.__setattr__(fill, "created_at", fill.created_at - 7_200_000)
        checks = Checks(run, "generate_order_status_reports")
        positions = Checks(run, "generate_position_status_reports")
        exchange.lose_pushes("fills", "orders", "positions")
        exchange.fill_order(rests.venue_order_id.value, "0.01")
        await until(lambda: net(run) == Decimal("0.04"), "the fill was found")
        exchange.lose_pushes()
        await checks.more(5)
        await positions.more(5)
        assert rests.status == OrderStatus.PARTIALLY_FILLED
        assert len(run.cache.orders()) == 2


@pytest.mark.parametrize("engine", [ALL, ALL_OPEN], ids=["all orders", "open orders"])
async def test_an_outage_of_rest_changes_nothing(
    exchange: LocalExchange, engine: dict[str, Any]
) -> None:
    async with running_node(exchange, engine=engine, max_retries=0) as run:
        bought = run.trader.market(OrderSide.BUY, "0.05")
        rests = run.trader.limit(OrderSide.SELL, "0.02", "90300")
        waits = submit(run, OrderType.STOP_MARKET, quantity="0.01", trigger="88000")
        await until(lambda: bought.is_closed and rests.is_open and waits.is_open)
        exchange.fill_order(rests.venue_order_id.value, "0.005")
        await run.until_agreed()
        before = {order.client_order_id: events_of(order) for order in run.cache.orders()}
        exchange.fail_next("GET", "/v1/", 503, count=80)
        failures = exchange._faults._failures
        await until(lambda: not failures, "REST was down for a while")
        assert {o.client_order_id: events_of(o) for o in run.cache.orders()} == before
        assert net(run) == Decimal("0.045")
        exchange.fail_next("GET", "/v1/positions", 503, count=10)
        await until(lambda: not failures)
        exchange.fail_next("GET", "/v1/fills", 503, count=1)
        exchange.fill_order(rests.venue_order_id.value, "0.005")
        await until(lambda: net(run) == Decimal("0.04"))
        failures.clear()


async def test_what_is_closed_can_be_purged(exchange: LocalExchange) -> None:
    purge = {
        "purge_closed_orders_interval_mins": 1,
        "purge_closed_positions_interval_mins": 1,
        "purge_account_events_interval_mins": 1,
    }
    async with running_node(exchange, engine={**ALL, **purge}) as run:
        run.why_apart = "what is purged is at the venue alone"
        bought = run.trader.market(OrderSide.BUY, "0.05")
        rests = run.trader.limit(OrderSide.SELL, "0.02", "90300")
        gone = run.trader.limit(OrderSide.BUY, "0.02", "89000")
        await until(lambda: bought.is_closed and rests.is_open and gone.is_open)
        run.trader.cancel_order(gone)
        sold = run.trader.market(OrderSide.SELL, "0.05")
        await until(lambda: gone.is_closed and sold.is_closed)
        now_ns = run.client._clock.timestamp_ns() + 10**12
        run.cache.purge_closed_orders(now_ns)
        run.cache.purge_closed_positions(now_ns)
        assert [order.client_order_id for order in run.cache.orders()] == [rests.client_order_id]
        checks = Checks(run, "generate_order_status_reports")
        positions = Checks(run, "generate_position_status_reports")
        await checks.more(5)
        await positions.more(5)
        # Neither the orders nor the position come back.
        assert [order.client_order_id for order in run.cache.orders()] == [rests.client_order_id]
        assert run.cache.positions() == []
        exchange.fill_order(rests.venue_order_id.value)
        await until(lambda: rests.is_closed)
        await until(lambda: net(run) == Decimal("-0.02"))


# -- commands without an answer -----------------------------------------------------------------


@pytest.mark.parametrize("way", ["no outcome", "no reply", "no reply, never done"])
async def test_an_unanswered_cancel_is_no_success(
    exchange: LocalExchange, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine takes a cancel that stays unanswered for a success: it is told how it is."""
    monkeypatch.setattr(order_commands, "CANCEL_RETRY_DELAY_SECS", 0.05)
    async with running_node(exchange, engine={**AT_ONCE, **PATIENT}) as run:
        order = run.trader.limit(OrderSide.BUY, "0.01", "89000")
        part = run.trader.limit(OrderSide.BUY, "0.02", "89001")
        waits = submit(run, OrderType.STOP_LIMIT, quantity="0.01", trigger="89900", price="90500")
        orders = (order, part, waits)
        await until(lambda: all(each.is_open for each in orders))
        exchange.fill_order(part.venue_order_id.value, "0.005")
        exchange.set_mark_price(MARKET, "89890")
        await until(lambda: waits.status == OrderStatus.TRIGGERED)
        exchange.hold_outcomes()
        if way == "no reply":
            exchange.lose_next_response("order.cancel")
        elif way == "no reply, never done":
            exchange.fail_next("RPC", "order.cancel", -32603, "Internal error", count=100)
        for each in orders:
            run.trader.cancel_order(each)
        asked = [events_of(each).count("OrderPendingCancel") for each in orders]
        assert asked == [1, 1, 1]
        await until(lambda: not any(each.is_pending_cancel for each in orders), "told how it is")
        assert all(each.is_open for each in orders)
        assert part.status == OrderStatus.PARTIALLY_FILLED
        # NautilusTrader's orders have no way back from a pending cancel to triggered.
        assert waits.status == OrderStatus.ACCEPTED
        assert waits.is_triggered
        exchange._faults._failures.clear()
        exchange.release_outcomes()
        run.trader.cancel_order(order)
        run.trader.cancel_order(part)
        run.trader.cancel_order(waits)
        await until(lambda: all(each.is_closed for each in orders))
        assert {each.status for each in orders} == {OrderStatus.CANCELED}
        assert all(events_of(each).count("OrderCanceled") == 1 for each in orders)


async def test_an_unanswered_change_is_no_cancel(
    exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "CHANGE_DELAYS_SECS", (0.05, 0.05))
    async with running_node(exchange, engine={**AT_ONCE, **PATIENT}) as run:
        order = run.trader.limit(OrderSide.BUY, "0.01", "89000")
        await until(lambda: order.is_open)
        exchange.fail_next("RPC", "order.modify", -32603, "Internal error")
        run.trader.modify_order(order, price=order.price.from_str("89001.0"))
        await until(lambda: order.status == OrderStatus.ACCEPTED)
        assert order.price == order.price.from_str("89000.0")
        run.trader.cancel_order(order)
        await until(lambda: order.is_closed)
        assert run.cache.order(order.client_order_id).instrument_id == BTC
