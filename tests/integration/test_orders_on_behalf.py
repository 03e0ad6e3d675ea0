"""Orders for an isolated margin account, of which this account is told nothing but the replies."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from nautilus_trader.model.enums import OrderSide, OrderStatus
from nautilus_trader.model.objects import Price
from nautilus_trader.model.orders import Order

from paradex_adapter.local_exchange import LocalExchange
from paradex_adapter.venue import order_gateway
from tests.integration.trading_node import BTC, RunningNode, running_node, until

MARKET = "BTC-USD-PERP"
# NautilusTrader's own checks, as impatient as can be: they would give up what is not told.
CHECKS = {
    "reconciliation_startup_delay_secs": 0.01,
    "inflight_check_interval_ms": 20,
    "inflight_check_threshold_ms": 200,
    "inflight_check_retries": 3,
    "open_check_interval_secs": 0.03,
    "open_check_threshold_ms": 0,
    "open_check_missing_retries": 1,
    "open_check_open_only": False,
    "single_order_query_delay_ms": 0,
}


@pytest.fixture
async def exchange() -> AsyncIterator[LocalExchange]:
    async with LocalExchange(seed=3, simulation_interval_ms=0) as exchange:
        exchange.place_liquidity(MARKET, "BUY", "89990", "2")
        exchange.place_liquidity(MARKET, "SELL", "90010", "2")
        yield exchange


@pytest.fixture
async def run(exchange: LocalExchange) -> AsyncIterator[RunningNode]:
    async with running_node(exchange, engine=CHECKS) as run:
        run.why_apart = "an account is not told of the orders of its isolated margin accounts"
        yield run


class Isolated:
    """An isolated margin account, and orders sent on its behalf."""

    def __init__(self, run: RunningNode) -> None:
        self._run = run
        self.address = run.exchange.add_isolated_account(MARKET, balance="100000")

    @property
    def orders(self) -> list[str]:
        """How each of its orders stands at the venue."""
        return [row["status"] for row in self._run.exchange.orders(self.address)]

    async def send(self, price: str | None = "89000") -> Order:
        """Send an order and wait until the venue has it."""
        trader, number = self._run.trader, len(self.orders)
        instrument = self._run.cache.instrument(BTC)
        quantity = instrument.make_qty(0.01)
        if price is None:
            order: Any = trader.order_factory.market(BTC, OrderSide.BUY, quantity)
        else:
            order = trader.order_factory.limit(
                BTC, OrderSide.BUY, quantity, Price.from_str(f"{price}.0")
            )
        trader.submit_order(order, params={"on_behalf_of_account": self.address})
        await until(lambda: len(self.orders) > number, "the venue has it")
        await until(lambda: "NEW" not in self.orders, "and has judged it")
        return order


def events_of(order: Order) -> list[str]:
    return [type(event).__name__ for event in order.events]


async def asked_often(run: RunningNode) -> None:
    """Wait until NautilusTrader has asked for orders a few times."""
    ask, number = run.client.generate_order_status_reports, 0

    async def counted(command: Any) -> Any:
        nonlocal number
        number += 1
        return await ask(command)

    run.client.generate_order_status_reports = counted
    await until(lambda: number > 8, "asked often")


@pytest.mark.parametrize("price", ["89000", None])
async def test_what_the_venue_took_works_as_far_as_is_told(
    run: RunningNode, price: str | None
) -> None:
    isolated = Isolated(run)
    order = await isolated.send(price)
    await until(lambda: order.is_open, "it is told as working")
    await asked_often(run)
    run.trader.query_order(order)
    session = run.client.session
    run.exchange.drop_connections("private")
    await until(lambda: not session.is_ready)
    await until(lambda: session.is_ready and not session.is_recovering)
    # Neither what it filled nor its end is told, and nobody makes it up.
    assert events_of(order)[1:] == ["OrderSubmitted", "OrderAccepted"]
    run.trader.cancel_order(order)
    await until(lambda: order.status == OrderStatus.CANCELED)
    assert isolated.orders == ["CLOSED"]
    assert run.cache.positions() == []


async def test_cancels_of_several_accounts_at_once(run: RunningNode) -> None:
    isolated = Isolated(run)
    other = await isolated.send()
    own = [run.trader.limit(OrderSide.BUY, "0.01", f"8800{number}") for number in range(3)]
    await until(lambda: all(order.is_open for order in (other, *own)))
    run.trader.cancel_all_orders(BTC)
    await until(lambda: all(order.is_closed for order in (other, *own)))
    assert isolated.orders == ["CLOSED"]
    assert all(events_of(order).count("OrderCanceled") == 1 for order in (other, *own))


async def test_a_cancel_that_the_venue_refuses_ends_nothing(run: RunningNode) -> None:
    isolated = Isolated(run)
    order = await isolated.send()
    await until(lambda: order.is_open)
    run.exchange.fail_next("RPC", "order.cancel", -32600, "ORDER_ID_NOT_FOUND")
    run.trader.cancel_order(order)
    await until(lambda: "OrderCancelRejected" in run.trader.told_of(order))
    assert order.status == OrderStatus.ACCEPTED
    assert isolated.orders == ["OPEN"]


async def test_a_change_could_not_be_followed(run: RunningNode) -> None:
    isolated = Isolated(run)
    order = await isolated.send()
    await until(lambda: order.is_open)
    run.trader.modify_order(order, price=Price.from_str("89001.0"))
    await until(lambda: "OrderModifyRejected" in run.trader.told_of(order))
    (row,) = run.exchange.orders(isolated.address)
    assert row["price"] == "89000"


async def test_a_lost_reply_is_no_refusal(
    exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_gateway, "COMMAND_TIMEOUT_SECS", 0.2)
    async with running_node(exchange, recv_window_ms=100) as run:
        run.why_apart = "an account is not told of the orders of its isolated margin accounts"
        exchange.lose_next_response("order.create")
        order = await Isolated(run).send()
        session = run.client.session
        await until(lambda: session.counters.get("orders of unknown outcome") == 1, "lost")
        assert not session._recovery.is_resolving(order.client_order_id.value)
        assert order.status == OrderStatus.SUBMITTED
