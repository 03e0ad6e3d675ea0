"""An account that another client trades too: each knows what the other does, and counts once."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.enums import OrderSide, OrderStatus, OrderType
from nautilus_trader.model.identifiers import ClientOrderId
from nautilus_trader.model.orders import LimitOrder, Order
from nautilus_trader.trading.config import StrategyConfig
from nautilus_trader.trading.strategy import Strategy

from paradex_adapter.local_exchange import LocalExchange
from paradex_adapter.local_exchange.orders import ModifyRequest
from paradex_adapter.venue import recovery
from tests.integration.carried_cache import CarriedCache
from tests.integration.conditional_orders import submit
from tests.integration.trading_node import BTC, RunningNode, Trader, running_node, until

MARKET = "BTC-USD-PERP"
TWO_ORDERS = "two orders at the venue bear one client id"


@pytest.fixture
async def exchange() -> AsyncIterator[LocalExchange]:
    async with LocalExchange(seed=6, simulation_interval_ms=0) as exchange:
        exchange.set_mark_price(MARKET, "90000")
        exchange.place_liquidity(MARKET, "BUY", "89990", "0.5")
        exchange.place_liquidity(MARKET, "SELL", "90010", "0.5")
        yield exchange


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask for what is missing at once."""
    monkeypatch.setattr(recovery, "FILLS_DELAYS_SECS", (0.05,) * 10)
    monkeypatch.setattr(recovery, "RESOLVE_DELAY_SECS", 0.05)
    monkeypatch.setattr(recovery, "LISTING_MARGIN_MS", 100)


class Claimant(Trader):
    """A trader whose strategy takes up the orders of others."""

    def __init__(self) -> None:
        Strategy.__init__(
            self, StrategyConfig(order_id_tag="000", external_order_claims=["BTC-USD-PERP.PARADEX"])
        )
        self.told = []


def events_of(order: Order) -> list[str]:
    return [type(event).__name__ for event in order.events]


def held_by(run: RunningNode, strategy_id: object = None) -> Decimal:
    positions = run.cache.positions_open(strategy_id=strategy_id)
    return sum((position.signed_decimal_qty() for position in positions), Decimal(0))


def order_of(run: RunningNode, venue_order_id: str) -> Order | None:
    orders = [o for o in run.cache.orders() if str(o.venue_order_id) == venue_order_id]
    assert len(orders) < 2
    return orders[0] if orders else None


async def until_known(run: RunningNode, venue_order_id: str) -> Order:
    await until(lambda: order_of(run, venue_order_id) is not None, "the order of the other")
    order = order_of(run, venue_order_id)
    assert order is not None
    return order


async def test_both_trade_the_same_market_at_once(exchange: LocalExchange) -> None:
    async with running_node(exchange) as run:
        for number in range(12):
            exchange.place_order("BUY", "0.01", client_id=f"taker-{number}" * (number % 2))
            run.trader.market(OrderSide.SELL, "0.02")
            run.trader.limit(OrderSide.BUY, "0.01", str(89_000 + number))
            maker = {"client_id": f"maker-{number}" * (number % 3)}
            exchange.place_order("SELL", "0.01", str(90_100 + number), **maker)
        await until(lambda: len(exchange.orders()) == 48)
        resting = [row for row in exchange.orders() if row["type"] == "LIMIT"]
        await until(lambda: all(order_of(run, row["id"]) for row in resting))
        for number, row in enumerate(resting):
            if number % 3 == 0:
                exchange.cancel_order(row["id"])
            elif number % 3 == 1:
                exchange.fill_order(row["id"], "0.004")
            else:
                exchange.fill_order(row["id"])
        await until(lambda: len(exchange.fills()) >= 36)
        await run.until_agreed()
        ours = [order for order in run.cache.orders() if order.strategy_id == run.trader.id]
        assert len(ours) == 24
        assert held_by(run, run.trader.id) == sum(
            (order.filled_qty.as_decimal() * (1 if order.side == OrderSide.BUY else -1))
            for order in ours
        )
        # And of the other's orders no strategy is told.
        told = {getattr(event, "client_order_id", None) for event in run.trader.told}
        assert told - {None} == {order.client_order_id for order in ours}


async def test_own_orders_changed_and_canceled_by_another(exchange: LocalExchange) -> None:
    async with running_node(exchange) as run:
        canceled = run.trader.limit(OrderSide.BUY, "0.01", "89000")
        expired = run.trader.limit(OrderSide.BUY, "0.01", "89001")
        changed = run.trader.limit(OrderSide.BUY, "0.01", "89002")
        stop = submit(run, OrderType.STOP_LIMIT, quantity="0.01", trigger="88000", price="87000")
        orders = (canceled, expired, changed, stop)
        await until(lambda: all(order.is_open for order in orders))
        exchange.fill_order(expired.venue_order_id.value, "0.004")
        exchange.cancel_order(canceled.venue_order_id.value)
        exchange.cancel_order(expired.venue_order_id.value, "EXPIRED")
        modify_elsewhere(exchange, changed, price="89005", size="0.02")
        modify_elsewhere(exchange, stop, trigger_price="88500", price="88400")
        await until(lambda: changed.quantity.as_decimal() == Decimal("0.02"), "it changed")
        await until(lambda: canceled.is_closed and expired.is_closed)
        await run.until_agreed()
        assert events_of(canceled)[-1] == "OrderCanceled"
        assert events_of(expired)[-2:] == ["OrderFilled", "OrderExpired"]
        assert events_of(changed).count("OrderUpdated") == 1
        assert events_of(stop)[-1] == "OrderUpdated"
        # They can be commanded here as before.
        run.trader.modify_order(changed, price=changed.price.from_str("89003.0"))
        await until(lambda: changed.price == changed.price.from_str("89003.0"))
        run.trader.cancel_order(changed)
        run.trader.cancel_order(stop)
        await until(lambda: changed.is_closed and stop.is_closed)


async def test_another_changes_an_order_while_it_is_changed_here(exchange: LocalExchange) -> None:
    async with running_node(exchange) as run:
        order = run.trader.limit(OrderSide.BUY, "0.01", "89000")
        await until(lambda: order.is_open)
        run.trader.modify_order(order, price=order.price.from_str("89001.0"))
        modify_elsewhere(exchange, order, price="89007", size="0.03")
        await run.until_agreed()
        run.trader.cancel_order(order)
        exchange.cancel_order(order.venue_order_id.value)
        await until(lambda: order.is_closed)
        assert events_of(order).count("OrderCanceled") == 1


async def test_another_uses_the_client_id_of_an_order_here(exchange: LocalExchange) -> None:
    async with running_node(exchange) as run:
        run.why_apart = TWO_ORDERS
        done = run.trader.market(OrderSide.BUY, "0.02")
        await until(lambda: done.is_closed)
        name = done.client_order_id.value
        before = events_of(done)
        stolen = take_again(exchange, name)
        await until(lambda: len(exchange.fills()) == 2)
        await until(lambda: held_by(run) == Decimal("-0.03"), "the position follows")
        assert events_of(done) == before
        assert held_by(run, run.trader.id) == Decimal("0.02")
        assert str(done.venue_order_id) != stolen
        # And that of an order that works.
        resting = run.trader.limit(OrderSide.BUY, "0.01", "89000")
        await until(lambda: resting.is_open)
        before = events_of(resting)
        name = resting.client_order_id.value
        other = take_again(exchange, name, "90200")
        known = await until_known(run, other)
        assert known.client_order_id != resting.client_order_id
        exchange.fill_order(other, "0.02")
        await until(lambda: held_by(run) == Decimal("-0.05"), "the position follows")
        exchange.cancel_order(other)
        await until(lambda: known.is_closed)
        assert events_of(resting) == before
        run.trader.query_order(resting)
        run.trader.cancel_order(resting)
        await until(lambda: resting.is_closed)
        assert resting.status == OrderStatus.CANCELED


async def test_an_order_is_refused_since_another_used_its_client_id(
    exchange: LocalExchange,
) -> None:
    async with running_node(exchange) as run:
        run.why_apart = "the order refused bears the name of another"
        name = run.trader.order_factory.generate_client_order_id()
        other = exchange.place_order("SELL", "0.02", "90100", client_id=name.value)
        # Known too late to be denied here.
        instrument = run.cache.instrument(BTC)
        order = LimitOrder(
            run.trader.trader_id,
            run.trader.id,
            BTC,
            name,
            OrderSide.BUY,
            instrument.make_qty(0.01),
            instrument.make_price(89_000),
            UUID4(),
            0,
        )
        exchange.hold_pushes()
        await until(lambda: exchange.orders()[-1]["status"] == "OPEN")
        run.trader.submit_order(order)
        await until(lambda: order.status == OrderStatus.REJECTED)
        exchange.release_pushes()
        known = await until_known(run, other)
        exchange.fill_order(other, "0.01")
        await until(lambda: held_by(run) == Decimal("-0.01"), "the position follows")
        assert known.client_order_id != name
        assert order.status == OrderStatus.REJECTED
        assert order.filled_qty == 0


async def test_a_client_id_used_twice_does_not_confuse_a_restart(exchange: LocalExchange) -> None:
    async with running_node(exchange) as run:
        order = run.trader.limit(OrderSide.BUY, "0.02", "89000")
        await until(lambda: order.is_open)
        exchange.cancel_order(order.venue_order_id.value)
        await until(lambda: order.is_closed)
        kept = CarriedCache(run.node)
    take_again(exchange, order.client_order_id.value)
    await until(lambda: len(exchange.fills()) == 1)
    async with running_node(exchange, before=kept.put) as run:
        run.why_apart = TWO_ORDERS
        held = run.cache.order(order.client_order_id)
        assert events_of(held) == events_of(order)
        # Its fill is the venue's, and not made up to fit the position.
        assert not [o for o in run.cache.orders() if "RECONCILIATION" in (o.tags or [])]
        await until(lambda: held_by(run) == Decimal("-0.05"), "the position follows")
        assert held_by(run, run.trader.id) == 0


async def test_a_claimed_order_is_traded_as_an_own_one(exchange: LocalExchange) -> None:
    early = exchange.place_order("BUY", "0.02", "89000", client_id="early")
    nameless_early = exchange.place_order("SELL", "0.01", "90300")
    await until(lambda: all(row["status"] == "OPEN" for row in exchange.orders()))
    exchange.fill_order(early, "0.005")
    async with running_node(exchange, [Claimant()]) as run:
        late = exchange.place_order("SELL", "0.02", "90100", client_id="late")
        nameless = exchange.place_order("SELL", "0.01", "90200")
        ids = (early, nameless_early, late, nameless)
        orders = [await until_known(run, each) for each in ids]
        assert {order.strategy_id for order in orders} == {run.trader.id}
        exchange.fill_order(late, "0.005")
        await until(lambda: orders[2].filled_qty.as_decimal() == Decimal("0.005"))
        for order in orders:
            price = order.price.from_str(str(order.price.as_decimal() + 5))
            run.trader.modify_order(order, price=price)
            await until(lambda order=order, price=price: order.price == price, "it changed")
            assert events_of(order)[-1] == "OrderUpdated"
        exchange.fill_order(late, "0.005")
        exchange.fill_order(nameless)
        await until(lambda: orders[3].is_closed, "it filled")
        await run.until_agreed()
        # A reconnect finds out what happened to them meanwhile, whatever their client ids are.
        session = run.client.session
        exchange.refuse_connections()
        exchange.drop_connections("private")
        await until(lambda: not session.is_ready)
        exchange.fill_order(nameless_early, "0.004")
        exchange.cancel_order(nameless_early)
        exchange.refuse_connections(False)
        await until(lambda: orders[1].is_closed, "it was canceled")
        assert events_of(orders[1])[-2:] == ["OrderFilled", "OrderCanceled"]
        for order in (orders[0], orders[2]):
            run.trader.cancel_order(order)
            await until(lambda order=order: order.is_closed, "it was canceled")
        await run.until_agreed()
        assert held_by(run, run.trader.id) == held_by(run)


async def test_claimed_conditional_orders(exchange: LocalExchange) -> None:
    async with running_node(exchange, [Claimant()]) as run:
        bought = run.trader.market(OrderSide.BUY, "0.1")
        await until(lambda: bought.is_closed)
        fields = {"type": "STOP_LIMIT", "trigger_price": "88000"}
        waits = exchange.place_order("SELL", "0.02", "87900", client_id="waits", **fields)
        fields = {"type": "STOP_LOSS_LIMIT", "trigger_price": "89500", "flags": ["REDUCE_ONLY"]}
        goes = exchange.place_order("SELL", "0.02", "90100", **fields)
        orders = [await until_known(run, each) for each in (waits, goes)]
        instrument = run.cache.instrument(BTC)
        run.trader.modify_order(orders[0], trigger_price=instrument.make_price(88_200))
        run.trader.modify_order(orders[1], trigger_price=instrument.make_price(89_600))
        await until(lambda: orders[0].trigger_price == instrument.make_price(88_200))
        await until(lambda: orders[1].trigger_price == instrument.make_price(89_600))
        exchange.set_mark_price(MARKET, "89550")
        await until(lambda: orders[1].status == OrderStatus.TRIGGERED, "it was triggered")
        run.trader.modify_order(orders[1], price=instrument.make_price(90_150))
        await until(lambda: orders[1].price == instrument.make_price(90_150))
        for order in orders:
            run.trader.cancel_order(order)
        await until(lambda: all(order.is_closed for order in orders))
        await run.until_agreed()


async def test_cancel_all_of_a_claimant_reaches_claimed_orders(exchange: LocalExchange) -> None:
    async with running_node(exchange, [Claimant()]) as run:
        own = run.trader.limit(OrderSide.BUY, "0.01", "89000")
        other = exchange.place_order("BUY", "0.01", "89001")
        claimed = await until_known(run, other)
        await until(lambda: own.is_open)
        run.trader.cancel_all_orders(BTC)
        await until(lambda: own.is_closed and claimed.is_closed)
        await run.until_agreed()


async def test_orders_of_others_can_be_filtered_out(exchange: LocalExchange) -> None:
    options = {"engine": {"filter_unclaimed_external_orders": True}}
    async with running_node(exchange, **options) as run:
        run.why_apart = "the orders of others are left out"
        exchange.place_order("BUY", "0.01", "89000", client_id="hand")
        own = run.trader.market(OrderSide.BUY, "0.01")
        await until(lambda: own.is_closed)
        assert run.cache.order(ClientOrderId("hand")) is None
        assert held_by(run) == Decimal("0.01")


def let_time_pass(exchange: LocalExchange) -> None:
    """Have every order there be an hour older, and so older than any window of a catch-up."""
    for order in exchange._account(None).orders.values():
        order.created_at -= 3_600_000
        order.last_updated_at -= 3_600_000


async def test_old_orders_of_others_that_end_while_disconnected(exchange: LocalExchange) -> None:
    async with running_node(exchange) as run:
        other = {"client_id": "named"}
        ids = [exchange.place_order("BUY", "0.01", "80000", **other) for other in (other, {})]
        orders = [await until_known(run, each) for each in ids]
        stays = await until_known(run, exchange.place_order("BUY", "0.01", "80001"))
        let_time_pass(exchange)
        session = run.client.session
        exchange.refuse_connections()
        exchange.drop_connections("private")
        await until(lambda: not session.is_ready)
        for venue_order_id in ids:
            exchange.cancel_order(venue_order_id)
        exchange.refuse_connections(is_refusing=False)
        await until(lambda: all(order.is_closed for order in orders), "their ends are told")
        assert {order.status for order in orders} == {OrderStatus.CANCELED}
        assert stays.is_open


def take_again(exchange: LocalExchange, client_id: str, price: str = "0") -> str:
    """Sell under a client id used before, which the venue does not promise to refuse."""
    exchange._account(None).client_ids.pop(client_id)
    return exchange.place_order("SELL", "0.05", price, client_id=client_id)


def modify_elsewhere(exchange: LocalExchange, order: Order, **terms: str) -> None:
    """Change an order as another client of the account would, in a later turn of the loop."""
    held = exchange._order(order.venue_order_id.value)
    trigger_price = Decimal(terms["trigger_price"]) if "trigger_price" in terms else None
    held.modify_request = ModifyRequest("by another client")

    def change() -> None:
        size = Decimal(terms["size"]) if "size" in terms else held.size
        price = Decimal(terms["price"]) if "price" in terms else held.price
        exchange._interventions.modify(held, size, price, trigger_price)

    exchange._outcomes.put(change)
