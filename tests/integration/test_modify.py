"""Changes of working orders in a real node; TC-E30, E31 and E76 run `ExecTester` elsewhere."""

from collections.abc import AsyncIterator

import pytest
from nautilus_trader.model.enums import OrderSide, OrderStatus
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import Order

from paradex_adapter.local_exchange import LocalExchange
from paradex_adapter.venue import recovery
from tests.integration.trading_node import BTC, RunningNode, running_node, until

MARKET = "BTC-USD-PERP"
UPDATED = ["OrderPendingUpdate", "OrderUpdated"]
REFUSED = ["OrderPendingUpdate", "OrderModifyRejected"]


@pytest.fixture
async def exchange() -> AsyncIterator[LocalExchange]:
    async with LocalExchange(seed=1, simulation_interval_ms=0) as exchange:
        exchange.place_liquidity(MARKET, "BUY", "89990", "0.5")
        exchange.place_liquidity(MARKET, "SELL", "90010", "0.5")
        yield exchange


@pytest.fixture
async def run(exchange: LocalExchange) -> AsyncIterator[RunningNode]:
    async with running_node(exchange) as run:
        yield run


async def resting(run: RunningNode, side: OrderSide, price: str, quantity: str = "0.01") -> Order:
    order = run.trader.limit(side, quantity, price)
    await until(lambda: order.status == OrderStatus.ACCEPTED, "the order rests")
    return order


def told_since_accepted(run: RunningNode, order: Order) -> list[str]:
    told = run.trader.told_of(order)
    assert told.count("OrderAccepted") == 1
    return told[told.index("OrderAccepted") + 1 :]


def modify(run: RunningNode, order: Order, quantity: str = "", price: str = "") -> None:
    instrument = run.cache.instrument(BTC)
    run.trader.modify_order(
        order,
        quantity=instrument.make_qty(float(quantity)) if quantity else None,
        price=instrument.make_price(float(price)) if price else None,
    )


@pytest.mark.parametrize(
    ("side", "price", "to"),
    [
        pytest.param(OrderSide.BUY, "89000", "89500", id="a bid goes up"),
        pytest.param(OrderSide.SELL, "91000", "90500", id="an offer goes down"),
    ],
)
async def test_a_limit_price_is_modified(
    run: RunningNode, side: OrderSide, price: str, to: str
) -> None:
    order = await resting(run, side, price)
    modify(run, order, price=to)
    await until(lambda: told_since_accepted(run, order) == UPDATED)
    assert order.status == OrderStatus.ACCEPTED
    assert order.price == Price.from_str(f"{to}.0")
    assert order.quantity == Quantity.from_str("0.01")
    (row,) = run.exchange.orders()
    assert (row["id"], row["price"], row["size"]) == (order.venue_order_id.value, to, "0.01")


async def test_a_quantity_is_modified_as_the_total(run: RunningNode) -> None:
    order = await resting(run, OrderSide.SELL, "90005")
    run.exchange.take_liquidity(MARKET, "BUY", "0.004")
    await until(lambda: order.status == OrderStatus.PARTIALLY_FILLED)
    modify(run, order, "0.02")
    await until(lambda: order.quantity == Quantity.from_str("0.02"))
    assert order.leaves_qty == Quantity.from_str("0.016")
    (row,) = run.exchange.orders()
    assert (row["size"], row["remaining_size"]) == ("0.02", "0.016")


async def test_a_change_that_crosses_the_book_fills_the_changed_order(run: RunningNode) -> None:
    order = await resting(run, OrderSide.BUY, "89000")
    modify(run, order, "0.1", "90010")
    await until(lambda: order.is_closed)
    assert order.status == OrderStatus.FILLED
    assert told_since_accepted(run, order) == [*UPDATED, "OrderFilled"]
    assert order.filled_qty == Quantity.from_str("0.1")


@pytest.mark.parametrize(
    ("quantity", "price", "words"),
    [
        ("", "89000.05", "not a multiple"),
        ("0.010001", "", "not a multiple"),
        ("", "-1", "not positive"),
    ],
)
async def test_what_cannot_be_is_rejected_here(
    run: RunningNode, quantity: str, price: str, words: str
) -> None:
    order = await resting(run, OrderSide.BUY, "89000")
    run.trader.modify_order(
        order,
        quantity=Quantity.from_str(quantity) if quantity else None,
        price=Price.from_str(price) if price else None,
    )
    await until(lambda: told_since_accepted(run, order) == REFUSED)
    assert words in order.last_event.reason
    assert order.status == OrderStatus.ACCEPTED
    assert "request_info" not in run.exchange.orders()[0]


@pytest.mark.parametrize("quantity", ["150", "90"], ids=["by the gateway", "by the engine"])
async def test_a_refused_change_leaves_the_order_working(run: RunningNode, quantity: str) -> None:
    order = await resting(run, OrderSide.BUY, "89000")
    modify(run, order, quantity)
    await until(lambda: told_since_accepted(run, order) == REFUSED)
    assert order.last_event.reason
    assert order.status == OrderStatus.ACCEPTED
    assert order.quantity == Quantity.from_str("0.01")
    assert run.exchange.orders()[0]["status"] == "OPEN"


async def test_a_change_races_a_fill(run: RunningNode) -> None:
    order = await resting(run, OrderSide.SELL, "90005")
    run.exchange.hold_outcomes()
    modify(run, order, price="90006")
    await until(lambda: order.status == OrderStatus.PENDING_UPDATE)
    await until(lambda: "request_info" in run.exchange.orders()[0])
    run.exchange.take_liquidity(MARKET, "BUY", "0.01")
    await until(lambda: order.is_closed)
    run.exchange.release_outcomes()
    await run.until_agreed()
    assert told_since_accepted(run, order) == [*REFUSED, "OrderFilled"]


async def test_a_change_races_a_cancel(run: RunningNode) -> None:
    order = await resting(run, OrderSide.SELL, "90005")
    run.exchange.hold_outcomes()
    modify(run, order, price="90006")
    await until(lambda: "request_info" in run.exchange.orders()[0])
    (working,) = run.exchange._account(None).open_orders.values()
    run.exchange._engine.cancel(working, "USER_CANCELED")
    await until(lambda: order.is_closed)
    run.exchange.release_outcomes()
    await run.until_agreed()
    assert told_since_accepted(run, order) == [*REFUSED, "OrderCanceled"]


@pytest.mark.parametrize("is_done", [True, False], ids=["done", "not done"])
async def test_an_ambiguous_change_ends_nothing(
    exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch, is_done: bool
) -> None:
    monkeypatch.setattr(recovery, "CHANGE_DELAYS_SECS", (0.1,) * 5)
    # The engine asks and gives up as it does in earnest, only faster.
    checks = {
        "inflight_check_interval_ms": 20,
        "inflight_check_threshold_ms": 200,
        "inflight_check_retries": 5,
        "reconciliation_startup_delay_secs": 0,
    }
    async with running_node(exchange, engine=checks) as run:
        order = await resting(run, OrderSide.BUY, "89000")
        monkeypatch.setattr(exchange._feed, "on_order", lambda order: None)
        if is_done:
            exchange.lose_next_response("order.modify")
        else:
            exchange.fail_next("RPC", "order.modify", -32603, "Internal error")
        modify(run, order, price="89500")
        await until(lambda: len(told_since_accepted(run, order)) == 2)
        assert told_since_accepted(run, order) == (UPDATED if is_done else REFUSED)
        assert order.status == OrderStatus.ACCEPTED
        assert order.price == Price.from_str("89500.0" if is_done else "89000.0")
        await run.until_agreed()
