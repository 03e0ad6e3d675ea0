"""Two sub-accounts, each traded by a node of its own: what befalls one is nothing to the other."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from nautilus_trader.model.enums import OrderSide, OrderStatus, OrderType
from nautilus_trader.model.objects import Price

from paradex_adapter.local_exchange import LocalExchange, TradingKey
from tests.integration.carried_cache import CarriedCache
from tests.integration.conditional_orders import submit
from tests.integration.trading_node import RunningNode, running_node, until

MARKET = "BTC-USD-PERP"


@pytest.fixture
async def exchange() -> AsyncIterator[LocalExchange]:
    async with LocalExchange(seed=2, simulation_interval_ms=0) as exchange:
        exchange.set_mark_price(MARKET, "90000")
        exchange.place_liquidity(MARKET, "BUY", "89990", "2")
        exchange.place_liquidity(MARKET, "SELL", "90010", "2")
        yield exchange


def account(key: TradingKey) -> dict[str, str]:
    return {"account_address": key.account_address, "private_key": hex(key.private_key)}


def net(run: RunningNode) -> Decimal:
    positions = run.cache.positions_open()
    return sum((position.signed_decimal_qty() for position in positions), Decimal(0))


def size_there(exchange: LocalExchange, key: TradingKey) -> Decimal:
    return sum(
        (Decimal(row["size"]) for row in exchange.positions(key.account_address)), Decimal(0)
    )


async def test_conditional_orders_of_two_accounts(exchange: LocalExchange) -> None:
    alice, bob = exchange.add_account("alice"), exchange.add_account("bob")
    async with (
        running_node(exchange, **account(alice)) as one,
        running_node(exchange, **account(bob)) as two,
    ):
        bought, sold = (
            one.trader.market(OrderSide.BUY, "0.1"),
            two.trader.market(OrderSide.SELL, "0.1"),
        )
        await until(lambda: bought.is_closed and sold.is_closed)
        # One mark price triggers a stop of the one, and a take-profit of the other.
        stop = submit(one, OrderType.STOP_MARKET, quantity="0.1", trigger="89900")
        profit = submit(
            two,
            OrderType.LIMIT_IF_TOUCHED,
            OrderSide.BUY,
            quantity="0.04",
            trigger="89900",
            price="89000",
            reduce_only=True,
        )
        waits = submit(two, OrderType.STOP_LIMIT, OrderSide.BUY, trigger="91000", price="91100")
        await until(lambda: stop.is_open and profit.is_open and waits.is_open)
        exchange.set_mark_price(MARKET, "89890")
        await until(lambda: stop.status == OrderStatus.FILLED, "the stop sold")
        await until(lambda: profit.status == OrderStatus.TRIGGERED, "the other was triggered")
        assert waits.status == OrderStatus.ACCEPTED
        assert (net(one), net(two)) == (Decimal(0), Decimal("-0.1"))
        assert {o.client_order_id for o in one.cache.orders()} == {
            bought.client_order_id,
            stop.client_order_id,
        }
        assert len(two.cache.orders()) == 3


async def test_one_of_two_is_started_again(exchange: LocalExchange) -> None:
    alice, bob = exchange.add_account("alice"), exchange.add_account("bob")
    async with running_node(exchange, **account(alice)) as one:
        async with running_node(exchange, **account(bob)) as two:
            for run in (one, two):
                run.trader.market(OrderSide.BUY, "0.02")
                run.trader.limit(OrderSide.SELL, "0.01", "90100")
            await until(lambda: len(one.cache.orders_open()) == len(two.cache.orders_open()) == 1)
            (theirs,) = two.cache.orders_open()
            (ours,) = one.cache.orders_open()
            kept = CarriedCache(two.node)
        told = len(one.trader.told)
        exchange.fill_order(theirs.venue_order_id.value, "0.004")
        async with running_node(exchange, before=kept.put, **account(bob)) as two:
            (held,) = two.cache.orders_open()
            assert held.filled_qty.as_decimal() == Decimal("0.004")
            assert net(two) == size_there(exchange, bob) == Decimal("0.016")
            two.trader.cancel_order(held)
            await until(lambda: held.is_closed)
        # The other heard nothing of it, and trades on.
        assert len(one.trader.told) == told
        exchange.fill_order(ours.venue_order_id.value)
        await until(lambda: ours.is_closed)
        assert net(one) == size_there(exchange, alice) == Decimal("0.01")


async def test_one_of_two_loses_its_connection(exchange: LocalExchange) -> None:
    alice, bob = exchange.add_account("alice"), exchange.add_account("bob")
    async with (
        running_node(exchange, **account(alice)) as one,
        running_node(exchange, **account(bob)) as two,
    ):
        ours = one.trader.limit(OrderSide.SELL, "0.02", "90100")
        theirs = two.trader.limit(OrderSide.SELL, "0.02", "90101")
        await until(lambda: ours.is_open and theirs.is_open)
        await two.client.session._connection.close()
        exchange.fill_order(ours.venue_order_id.value, "0.005")
        exchange.fill_order(theirs.venue_order_id.value, "0.015")
        await until(lambda: ours.filled_qty.as_decimal() == Decimal("0.005"))
        one.trader.modify_order(ours, price=Price.from_str("90150.0"))
        await until(lambda: ours.price == Price.from_str("90150.0"))
        assert theirs.filled_qty == 0
        await two.client.session.connect()
        await until(lambda: theirs.filled_qty.as_decimal() == Decimal("0.015"), "it is told")
        assert (net(one), net(two)) == (Decimal("-0.005"), Decimal("-0.015"))
        for run, order in ((one, ours), (two, theirs)):
            run.trader.cancel_order(order)
            await until(lambda order=order: order.is_closed)
