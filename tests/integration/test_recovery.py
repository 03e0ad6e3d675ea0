"""A connection lost while commands are under way: nothing is sent twice, all is found out."""

from collections.abc import AsyncIterator, Callable
from decimal import Decimal

import pytest
from nautilus_trader.model.enums import OrderSide, OrderStatus, OrderType
from nautilus_trader.model.objects import Price
from nautilus_trader.model.orders import Order, OrderList

from paradex_adapter.local_exchange import LocalExchange
from paradex_adapter.venue import order_commands, recovery
from tests.integration.conditional_orders import submit
from tests.integration.trading_node import BTC, RunningNode, running_node, until

MARKET = "BTC-USD-PERP"


@pytest.fixture
async def exchange() -> AsyncIterator[LocalExchange]:
    async with LocalExchange(seed=9, simulation_interval_ms=0) as exchange:
        exchange.set_mark_price(MARKET, "90000")
        exchange.place_liquidity(MARKET, "BUY", "89990", "2")
        exchange.place_liquidity(MARKET, "SELL", "90010", "2")
        yield exchange


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask for what is missing at once."""
    monkeypatch.setattr(recovery, "FILLS_DELAYS_SECS", (0.05,) * 10)
    monkeypatch.setattr(recovery, "CHANGE_DELAYS_SECS", (0.05,) * 5)
    monkeypatch.setattr(recovery, "RESOLVE_DELAY_SECS", 0.05)
    monkeypatch.setattr(recovery, "RECOVER_DELAY_SECS", 0.05)
    monkeypatch.setattr(recovery, "RECOVER_DELAY_SECS_MAX", 0.1)
    monkeypatch.setattr(recovery, "LISTING_MARGIN_MS", 100)
    monkeypatch.setattr(order_commands, "CANCEL_RETRY_DELAY_SECS", 0.05)


def events_of(order: Order) -> list[str]:
    return [type(event).__name__ for event in order.events]


def limit(run: RunningNode, price: str, quantity: str = "0.01") -> Order:
    instrument = run.cache.instrument(BTC)
    return run.trader.order_factory.limit(
        BTC,
        OrderSide.BUY,
        instrument.make_qty(Decimal(quantity)),
        instrument.make_price(Decimal(price)),
    )


async def until_recovered(run: RunningNode) -> None:
    session = run.client.session
    await until(lambda: session.is_ready and not session.is_recovering, "caught up")


async def until_lost(run: RunningNode) -> None:
    await until(lambda: not run.client.session.is_ready, "the connection is lost")


class Traffic:
    """Orders of all kinds that are under way when the connection is lost."""

    def __init__(self, run: RunningNode) -> None:
        self.run = run
        self.orders: dict[str, Order] = {}

    async def prepare(self) -> None:
        """Have orders to command."""
        trader = self.run.trader
        self.orders = {
            name: trader.limit(OrderSide.BUY, "0.01", str(88_000 + number))
            for number, name in enumerate(("changed", "canceled", "one", "two"))
        }
        await until(lambda: all(order.is_open for order in self.orders.values()), "they rest")

    async def start(self) -> None:
        """Command them all, and wait until the venue has heard of it and not answered."""
        run, trader, exchange = self.run, self.run.trader, self.run.exchange
        exchange.delay_responses(500)
        exchange.hold_pushes()
        self.orders["rests"] = trader.limit(OrderSide.BUY, "0.01", "89000")
        self.orders["taken"] = trader.market(OrderSide.BUY, "0.02")
        self.orders["waits"] = submit(
            run, OrderType.STOP_LIMIT, quantity="0.01", trigger="88000", price="87000"
        )
        orders = [limit(run, str(88_500 + number)) for number in range(12)]
        trader.submit_order_list(OrderList(trader.order_factory.generate_order_list_id(), orders))
        self.orders |= {f"listed {number}": order for number, order in enumerate(orders)}
        changed = self.orders["changed"]
        trader.modify_order(changed, price=Price.from_str("88050.0"))
        trader.cancel_order(self.orders["canceled"])
        trader.cancel_orders([self.orders["one"], self.orders["two"]])
        held = exchange._order(changed.venue_order_id.value)
        await until(lambda: len(exchange.orders()) == 19, "the orders came in")
        await until(lambda: held.price == Decimal(88_050), "the change came in")
        await until(lambda: sum(r["status"] == "CLOSED" for r in exchange.orders()) == 4)

    async def check(self) -> None:
        """See that everything came about once."""
        exchange, orders = self.run.exchange, self.orders
        exchange.delay_responses(0)
        exchange.release_pushes()
        expected = {name: OrderStatus.ACCEPTED for name in orders}
        expected |= dict.fromkeys(("canceled", "one", "two"), OrderStatus.CANCELED)
        expected["taken"] = OrderStatus.FILLED
        await until(lambda: {n: o.status for n, o in orders.items()} == expected, "found out")
        await until(lambda: orders["changed"].price == Price.from_str("88050.0"), "it changed")
        assert len(exchange.orders()) == len(orders)
        assert all(events_of(order).count("OrderAccepted") <= 1 for order in orders.values())
        assert events_of(orders["changed"]).count("OrderUpdated") == 1
        assert not [n for n, o in orders.items() if "OrderRejected" in events_of(o)]
        await self.run.until_agreed()


async def test_commands_under_way_are_found_out(exchange: LocalExchange) -> None:
    async with running_node(exchange) as run:
        traffic = Traffic(run)
        await traffic.prepare()
        await traffic.start()
        exchange.drop_connections("private")
        await until_lost(run)
        # No outcome is told for what nobody knows.
        assert traffic.orders["rests"].status == OrderStatus.SUBMITTED
        exchange.delay_responses(0)
        await until_recovered(run)
        await traffic.check()


def let_tokens_expire(exchange: LocalExchange) -> None:
    exchange.expire_tokens()


def move_the_clock(exchange: LocalExchange) -> None:
    exchange.set_clock_offset(1_500)


def limit_the_rate(exchange: LocalExchange) -> None:
    exchange.fail_next("GET", "/v1/", 429, "RATE_LIMIT_EXCEEDED", count=6)


def stop_rest(exchange: LocalExchange) -> None:
    exchange.fail_next("GET", "/v1/", 503, count=40)


def refuse_the_token(exchange: LocalExchange) -> None:
    exchange.fail_next("GET", "/v1/orders", 401, "INVALID_TOKEN", count=1)
    exchange.fail_next("RPC", "auth", 40111, "Invalid Bearer Token")


@pytest.mark.parametrize(
    "worsen",
    [let_tokens_expire, move_the_clock, limit_the_rate, stop_rest, refuse_the_token],
)
async def test_a_recovery_amid_other_trouble(
    exchange: LocalExchange, worsen: Callable[[LocalExchange], None]
) -> None:
    async with running_node(exchange, max_retries=1) as run:
        traffic = Traffic(run)
        await traffic.prepare()
        await traffic.start()
        worsen(exchange)
        exchange.drop_connections("private")
        await until_lost(run)
        exchange.delay_responses(0)
        await until(lambda: not exchange._faults._failures, "the trouble is over")
        await until_recovered(run)
        await traffic.check()
        after = run.trader.limit(OrderSide.BUY, "0.01", "87500")
        await until(lambda: after.is_open, "trading goes on")


async def test_the_connection_is_lost_again_amid_a_recovery(exchange: LocalExchange) -> None:
    async with running_node(exchange) as run:
        traffic = Traffic(run)
        await traffic.prepare()
        await traffic.start()
        session = run.client.session
        exchange.delay_responses(100)
        for _ in range(3):
            exchange.drop_connections("private")
            await until_lost(run)
            await until(lambda: session.is_recovering, "it catches up")
        exchange.place_order("SELL", "0.03")
        exchange.drop_connections("private")
        await until_lost(run)
        exchange.delay_responses(0)
        await until_recovered(run)
        exchange.release_pushes()
        await run.until_agreed()
        net = sum(p.signed_decimal_qty() for p in run.cache.positions_open())
        assert net == Decimal("-0.01")
        names = {name: events_of(order) for name, order in traffic.orders.items()}
        assert not [name for name, events in names.items() if events.count("OrderAccepted") != 1]


async def test_orders_that_never_left_are_refused_and_not_sent_again(
    exchange: LocalExchange,
) -> None:
    async with running_node(exchange, recv_window_ms=300, max_retries=0) as run:
        exchange.fail_next("RPC", "order.create", -32603, "Internal error", count=50)
        lost = [run.trader.limit(OrderSide.BUY, "0.01", str(88_000 + n)) for n in range(3)]
        await until(lambda: all(order.status == OrderStatus.SUBMITTED for order in lost))
        exchange.drop_connections("private")
        await until_lost(run)
        exchange._faults._failures.clear()
        await until_recovered(run)
        await until(lambda: all(order.is_closed for order in lost), "found out")
        assert {order.status for order in lost} == {OrderStatus.REJECTED}
        assert exchange.orders() == []
