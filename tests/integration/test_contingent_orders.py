"""Brackets, OCO and OUO pairs in a real node, against the local exchange."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.model.enums import OrderSide, OrderStatus, OrderType
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import Order

from paradex_adapter.local_exchange import LocalExchange
from tests.integration.trading_node import BTC, RunningNode, running_node, until

MARKET = "BTC-USD-PERP"


@pytest.fixture
async def exchange() -> AsyncIterator[LocalExchange]:
    async with LocalExchange(seed=1, simulation_interval_ms=0) as exchange:
        exchange.place_liquidity(MARKET, "BUY", "89990", "5")
        exchange.place_liquidity(MARKET, "SELL", "90010", "5")
        yield exchange


@pytest.fixture
async def run(exchange: LocalExchange) -> AsyncIterator[RunningNode]:
    async with running_node(exchange) as run:
        yield run
        await run.until_agreed()


def bracket(run: RunningNode, quantity: str = "1", **options: Any) -> list[Order]:
    """Send a bracket around a long position: entry, stop loss, take profit."""
    fields: dict[str, Any] = {
        "sl_trigger_price": Price.from_str("85000.0"),
        "tp_price": Price.from_str("95000.0"),
        **options,
    }
    if "entry_price" in fields:
        fields.setdefault("entry_order_type", OrderType.LIMIT)
    size = run.cache.instrument(BTC).make_qty(Decimal(quantity))
    made = run.trader.order_factory.bracket(BTC, fields.pop("side", OrderSide.BUY), size, **fields)
    run.trader.submit_order_list(made)
    return list(made.orders)


def row(run: RunningNode, order: Order) -> dict[str, Any]:
    (row,) = [r for r in run.exchange.orders() if r["client_id"] == order.client_order_id.value]
    return dict(row)


async def test_a_market_entry_has_its_exits_at_once(run: RunningNode) -> None:
    entry, stop, profit = bracket(run)
    await until(lambda: stop.status == profit.status == OrderStatus.ACCEPTED, "both exits work")
    names = ["OrderInitialized", "OrderSubmitted", "OrderAccepted"]
    assert run.trader.told_of(entry) == [*names, "OrderFilled"]
    assert run.trader.told_of(stop) == names
    assert run.trader.told_of(profit) == names
    assert row(run, stop)["type"] == "STOP_LOSS_MARKET"
    assert row(run, profit)["type"] == "LIMIT"


async def test_the_exits_wait_for_the_entry_and_grow_with_it(run: RunningNode) -> None:
    entry, stop, profit = bracket(run, entry_price=Price.from_str("90005.0"))
    await until(lambda: entry.status == OrderStatus.ACCEPTED)
    assert stop.status == profit.status == OrderStatus.INITIALIZED
    assert len(run.exchange.orders()) == 1
    run.exchange.take_liquidity(MARKET, "SELL", "0.4")
    await until(lambda: stop.status == profit.status == OrderStatus.ACCEPTED, "both exits work")
    assert stop.quantity == profit.quantity == Quantity.from_str("0.40000")
    run.exchange.take_liquidity(MARKET, "SELL", "0.6")
    await until(lambda: entry.is_closed)
    await until(lambda: stop.quantity == profit.quantity == Quantity.from_str("1.00000"))
    assert (row(run, stop)["size"], row(run, profit)["size"]) == ("1", "1")
    assert run.trader.told_of(stop) == [
        "OrderInitialized",
        "OrderUpdated",
        "OrderSubmitted",
        "OrderAccepted",
        "OrderUpdated",
    ]


async def test_the_stop_ends_with_the_profit(run: RunningNode) -> None:
    _, stop, profit = bracket(run, tp_price=Price.from_str("90005.0"))
    await until(lambda: stop.status == profit.status == OrderStatus.ACCEPTED, "both exits work")
    run.exchange.take_liquidity(MARKET, "BUY", "0.3")
    await until(lambda: stop.quantity == Quantity.from_str("0.70000"), "the stop shrinks")
    run.exchange.take_liquidity(MARKET, "BUY", "0.7")
    await until(lambda: profit.is_closed and stop.is_closed)
    assert profit.status == OrderStatus.FILLED
    assert stop.status == OrderStatus.CANCELED
    assert run.cache.positions_open() == []


async def test_the_profit_ends_with_the_stop(run: RunningNode) -> None:
    _, stop, profit = bracket(run)
    await until(lambda: stop.status == profit.status == OrderStatus.ACCEPTED, "both exits work")
    run.exchange.set_mark_price(MARKET, "84000")
    await until(lambda: profit.is_closed and stop.is_closed)
    assert stop.status == OrderStatus.FILLED
    assert profit.status == OrderStatus.CANCELED
    assert run.cache.positions_open() == []
