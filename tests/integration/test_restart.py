"""Restarts with a cache that was kept: nothing is lost meanwhile, and nothing is told twice."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.enums import OrderSide, OrderStatus, OrderType
from nautilus_trader.model.events import OrderSubmitted
from nautilus_trader.model.identifiers import ClientOrderId
from nautilus_trader.model.orders import Order

from paradex_adapter.local_exchange import LocalExchange
from paradex_adapter.venue import recovery
from paradex_adapter.venue.account_book import AccountBook
from tests.integration.carried_cache import CarriedCache
from tests.integration.conditional_orders import submit
from tests.integration.trading_node import BTC, RunningNode, Trader, running_node, until

MARKET = "BTC-USD-PERP"
# What a node that is killed knows does not matter any more.
KILLED = "it is killed in the middle"


@pytest.fixture
async def exchange() -> AsyncIterator[LocalExchange]:
    async with LocalExchange(seed=3, simulation_interval_ms=0) as exchange:
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


def events_of(order: Order) -> list[str]:
    return [type(event).__name__ for event in order.events]


def taken_up(run: RunningNode, order: Order) -> Order:
    """Return an order of the first run as the second run has it."""
    held = run.cache.order(order.client_order_id)
    assert held is not order
    assert held.strategy_id == run.trader.id
    return held


def held_by_strategy(run: RunningNode) -> Decimal:
    positions = run.cache.positions_open(strategy_id=run.trader.id)
    return sum((position.signed_decimal_qty() for position in positions), Decimal(0))


async def orders_of_all_kinds(run: RunningNode) -> dict[str, Order]:
    """Return orders that live in every way in which an order can."""
    exchange, trader = run.exchange, run.trader
    orders = {
        "filled": trader.market(OrderSide.BUY, "0.05"),
        "rests": trader.limit(OrderSide.BUY, "0.01", "89000"),
        "part": trader.limit(OrderSide.SELL, "0.02", "90005"),
        "waits": submit(run, OrderType.STOP_LIMIT, quantity="0.01", trigger="88000", price="87000"),
        "stop": submit(run, OrderType.STOP_MARKET, quantity="0.01", trigger="88000"),
        "triggered": submit(
            run, OrderType.STOP_LIMIT, quantity="0.01", trigger="89950", price="90100"
        ),
    }
    await until(lambda: all(order.is_open or order.is_closed for order in orders.values()))
    exchange.set_mark_price(MARKET, "89940")
    await until(lambda: orders["triggered"].status == OrderStatus.TRIGGERED)
    exchange.fill_order(orders["part"].venue_order_id.value, "0.005")
    await until(lambda: orders["part"].status == OrderStatus.PARTIALLY_FILLED)
    await run.until_agreed()
    return orders


async def test_nothing_happens_to_orders_that_live_on(exchange: LocalExchange) -> None:
    async with running_node(exchange) as run:
        orders = await orders_of_all_kinds(run)
        kept = CarriedCache(run.node)
    before = {name: events_of(order) for name, order in orders.items()}
    async with running_node(exchange, before=kept.put) as run:
        await run.until_agreed()
        after = {name: events_of(taken_up(run, order)) for name, order in orders.items()}
        assert after == before
        assert held_by_strategy(run) == Decimal("0.045")
        assert len(run.cache.orders()) == len(orders)


async def test_orders_of_an_earlier_run_are_traded_on(exchange: LocalExchange) -> None:
    async with running_node(exchange) as run:
        orders = await orders_of_all_kinds(run)
        kept = CarriedCache(run.node)
    async with running_node(exchange, before=kept.put) as run:
        held = {name: taken_up(run, order) for name, order in orders.items()}
        instrument = run.cache.instrument(BTC)
        run.trader.modify_order(held["rests"], price=instrument.make_price(88_500))
        run.trader.modify_order(held["waits"], trigger_price=instrument.make_price(88_100))
        await until(lambda: held["rests"].price == instrument.make_price(88_500), "it changed")
        await until(lambda: held["waits"].trigger_price == instrument.make_price(88_100))
        exchange.fill_order(held["part"].venue_order_id.value, "0.005")
        await until(lambda: held["part"].filled_qty == instrument.make_qty(0.01), "it filled")
        exchange.fill_order(held["triggered"].venue_order_id.value)
        await until(lambda: held["triggered"].status == OrderStatus.FILLED, "it filled")
        exchange.set_mark_price(MARKET, "87990")
        await until(lambda: held["stop"].status == OrderStatus.FILLED, "the stop sold")
        await until(
            lambda: held["waits"].is_closed or held["waits"].status == OrderStatus.TRIGGERED
        )
        for name in ("rests", "part"):
            run.trader.cancel_order(held[name])
        await until(lambda: held["rests"].is_closed and held["part"].is_closed, "canceled")
        await run.until_agreed()
        for order in held.values():
            names = events_of(order)
            assert names.count("OrderAccepted") == 1
            assert names.count("OrderTriggered") <= 1


async def test_what_happens_while_the_node_is_down_is_told_once(exchange: LocalExchange) -> None:
    async with running_node(exchange) as run:
        orders = await orders_of_all_kinds(run)
        kept = CarriedCache(run.node)
    exchange.cancel_order(orders["rests"].venue_order_id.value)
    exchange.fill_order(orders["part"].venue_order_id.value)
    exchange.fill_order(orders["triggered"].venue_order_id.value, "0.004")
    exchange.set_mark_price(MARKET, "87990")
    exchange.place_order("BUY", "0.015", client_id="by-hand")
    await until(lambda: all(row["status"] == "CLOSED" for row in exchange.orders()[3:5]))
    async with running_node(exchange, before=kept.put) as run:
        await run.until_agreed()
        held = {name: taken_up(run, order) for name, order in orders.items()}
        assert held["rests"].status == OrderStatus.CANCELED
        assert held["part"].status == OrderStatus.FILLED
        assert held["triggered"].status == OrderStatus.PARTIALLY_FILLED
        assert held["stop"].status == OrderStatus.FILLED
        assert held["waits"].status == OrderStatus.FILLED
        # NautilusTrader makes no event of a trigger from the report of an order that filled.
        assert events_of(held["waits"])[-2:] == ["OrderAccepted", "OrderFilled"]
        by_hand = run.cache.order(ClientOrderId("by-hand"))
        assert by_hand.strategy_id != run.trader.id
        # 0.05 - 0.02 - 0.01 - 0.01 - 0.004; what another client bought is not the strategy's. Never
        # flat between: of what was before, NautilusTrader books no profit in a reconciliation.
        assert held_by_strategy(run) == Decimal("0.006")
        kept = CarriedCache(run.node)
        told = {order.client_order_id: events_of(order) for order in run.cache.orders()}
    # And once more, with the same identifiers for the same things.
    async with running_node(exchange, before=kept.put) as run:
        await run.until_agreed()
        again = {order.client_order_id: events_of(order) for order in run.cache.orders()}
        assert again == told


@pytest.mark.parametrize("filled", ["0.02", "0.03"])
async def test_a_change_nobody_heard_of_and_fills_beyond_what_was_before(
    exchange: LocalExchange, filled: str
) -> None:
    async with running_node(exchange) as run:
        order = run.trader.limit(OrderSide.BUY, "0.01", "89000")
        await until(lambda: order.is_open)
        kept = CarriedCache(run.node)
        larger = run.cache.instrument(BTC).make_qty(Decimal("0.03"))
        run.trader.modify_order(order, quantity=larger)
        await until(lambda: order.quantity == larger)
    exchange.fill_order(order.venue_order_id.value, filled)
    async with running_node(exchange, before=kept.put) as run:
        await run.until_agreed()
        held = taken_up(run, order)
        assert (held.quantity, held.filled_qty.as_decimal()) == (larger, Decimal(filled))
        assert held_by_strategy(run) == Decimal(filled)


@pytest.mark.parametrize("was_told", [True, False])
async def test_an_order_whose_cut_came_behind_its_last_fill_ends_once(
    exchange: LocalExchange, was_told: bool
) -> None:
    async with running_node(exchange) as run:
        order = run.trader.limit(OrderSide.BUY, "0.01", "89000")
        await until(lambda: order.is_open)
        exchange.fill_order(order.venue_order_id.value)
        await until(lambda: order.is_closed)
        kept = CarriedCache(run.node)
    # As though it had been larger.
    (events, _, _), *_ = kept.orders
    events[0]["quantity"] = "0.02000"
    if was_told:
        events.append({**events[2], "type": "OrderCanceled", "event_id": str(UUID4())})
    async with running_node(exchange, before=kept.put) as run:
        run.why_apart = "it is no order that the venue cuts"
        held = taken_up(run, order)
        await until(lambda: held.is_closed)
        assert events_of(held) == [*events_of(order), "OrderCanceled"]
        assert held.quantity.as_decimal() == Decimal("0.02")


@pytest.mark.parametrize("kind", [OrderType.LIMIT_IF_TOUCHED, OrderType.LIMIT])
async def test_a_price_nobody_heard_of(exchange: LocalExchange, kind: OrderType) -> None:
    async with running_node(exchange) as run:
        bought = run.trader.market(OrderSide.BUY, "0.05")
        await until(lambda: bought.is_closed)
        if kind == OrderType.LIMIT:
            order = run.trader.limit(OrderSide.SELL, "0.01", "92100")
        else:
            order = submit(
                run, kind, OrderSide.SELL, quantity="0.01", trigger="92000", price="92100"
            )
        await until(lambda: order.is_open)
        kept = CarriedCache(run.node)
        price = run.cache.instrument(BTC).make_price(92_200)
        run.trader.modify_order(order, price=price)
        await until(lambda: order.price == price)
    async with running_node(exchange, before=kept.put) as run:
        held = taken_up(run, order)
        await until(lambda: held.price == price, "it is told")
        await run.until_agreed()
        assert events_of(held).count("OrderUpdated") == 1


async def test_what_a_reconnect_brings_waits_until_the_answer_is_worked_in(
    exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait = AccountBook.until_answered
    waiting: list[AccountBook] = []

    async def note_and_wait(book: AccountBook) -> None:
        waiting.append(book)
        await wait(book)

    monkeypatch.setattr(AccountBook, "until_answered", note_and_wait)
    async with running_node(exchange) as run:
        session = run.client.session
        order = run.trader.limit(OrderSide.BUY, "0.03", "89000")
        await until(lambda: order.is_open)
        session.book.hold()
        exchange.drop_connections("private")
        exchange.fill_order(order.venue_order_id.value, "0.02")
        await until(lambda: bool(waiting), "everything is read")
        assert session.store.find_order(order.client_order_id.value).filled == 0
        session.book.release()
        await until(lambda: order.filled_qty.as_decimal() == Decimal("0.02"))


@pytest.mark.parametrize("reason", ["EXPIRED", "MMP_TRIGGERED"])
async def test_an_order_the_venue_ended_meanwhile(exchange: LocalExchange, reason: str) -> None:
    async with running_node(exchange) as run:
        order = run.trader.limit(OrderSide.SELL, "0.02", "90005")
        await until(lambda: order.is_open)
        kept = CarriedCache(run.node)
    exchange.fill_order(order.venue_order_id.value, "0.005")
    exchange.cancel_order(order.venue_order_id.value, reason)
    await until(lambda: exchange.orders()[-1]["status"] == "CLOSED")
    async with running_node(exchange, before=kept.put) as run:
        await run.until_agreed()
        held = taken_up(run, order)
        end = "OrderExpired" if reason == "EXPIRED" else "OrderCanceled"
        assert events_of(held)[-2:] == ["OrderFilled", end]
        assert held_by_strategy(run) == Decimal("-0.005")


async def test_a_market_settled_meanwhile(exchange: LocalExchange) -> None:
    async with running_node(exchange) as run:
        bought = run.trader.market(OrderSide.BUY, "0.02")
        order = run.trader.limit(OrderSide.BUY, "0.02", "89000")
        await until(lambda: order.is_open and bought.is_closed)
        kept = CarriedCache(run.node)
    exchange.settle_market(MARKET, "91000")
    async with running_node(exchange, before=kept.put) as run:
        await run.until_agreed()
        assert taken_up(run, order).is_closed
        net = sum(p.signed_decimal_qty() for p in run.cache.positions_open())
        assert net == 0


async def test_a_position_changed_meanwhile_by_others(exchange: LocalExchange) -> None:
    async with running_node(exchange) as run:
        bought = run.trader.market(OrderSide.BUY, "0.02")
        await until(lambda: bought.is_closed)
        await run.until_agreed()
        kept = CarriedCache(run.node)
    exchange.place_order("SELL", "0.05")
    exchange.block_trade(MARKET, "BUY", "0.01")
    await until(lambda: len(exchange.fills()) == 3)
    async with running_node(exchange, before=kept.put) as run:
        await run.until_agreed()
        assert held_by_strategy(run) == Decimal("0.02")
        net = sum(p.signed_decimal_qty() for p in run.cache.positions_open())
        assert net == Decimal("-0.02")


# -- killed in the middle -----------------------------------------------------------------------


class KilledAtSubmission(Trader):
    """A trader whose cache is kept as it is when an order was submitted."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: CarriedCache | None = None
        self._node: TradingNode | None = None

    def watch(self, node: TradingNode) -> None:
        """Keep the cache of this node."""
        self._node = node

    def on_order_submitted(self, event: OrderSubmitted) -> None:
        assert self._node is not None
        self.kept = CarriedCache(self._node)


@pytest.mark.parametrize("kind", ["rests", "fills", "never came"])
async def test_an_order_under_way_when_the_node_was_killed(
    exchange: LocalExchange, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paradex_adapter.venue.trading_session.RECV_WINDOW_MS_MAX", 300)
    trader = KilledAtSubmission()
    options = {"recv_window_ms": 300, "before": trader.watch}
    async with running_node(exchange, [trader], **options) as run:
        run.why_apart = KILLED
        if kind == "never came":
            exchange.fail_next("RPC", "order.create", -32603, "Internal error")
        else:
            exchange.lose_next_response("order.create")
        if kind == "fills":
            order = run.trader.market(OrderSide.BUY, "0.02")
        else:
            order = run.trader.limit(OrderSide.BUY, "0.02", "89000")
        await until(lambda: trader.kept is not None)
    assert trader.kept is not None
    options = {"recv_window_ms": 300, "before": trader.kept.put}
    async with running_node(exchange, [KilledAtSubmission()], **options) as run:
        held = taken_up(run, order)
        ends = {
            "rests": OrderStatus.ACCEPTED,
            "fills": OrderStatus.FILLED,
            "never came": OrderStatus.REJECTED,
        }
        await until(lambda: held.status == ends[kind], f"it is {ends[kind].name}")
        assert events_of(held).count("OrderAccepted") == (kind != "never came")
        assert events_of(held).count("OrderFilled") == (kind == "fills")
        assert len(exchange.orders()) == (kind != "never came")
        await run.until_agreed()


@pytest.mark.parametrize("command", ["cancel", "modify"])
async def test_a_command_under_way_when_the_node_was_killed(
    exchange: LocalExchange, command: str
) -> None:
    async with running_node(exchange) as run:
        run.why_apart = KILLED
        order = run.trader.limit(OrderSide.BUY, "0.02", "89000")
        await until(lambda: order.is_open)
        if command == "cancel":
            run.trader.cancel_order(order)
        else:
            run.trader.modify_order(order, price=order.price.from_str("88500.0"))
        kept = CarriedCache(run.node)
        assert order.status in (OrderStatus.PENDING_CANCEL, OrderStatus.PENDING_UPDATE)
        await run.until_agreed()
    async with running_node(exchange, before=kept.put) as run:
        held = taken_up(run, order)
        await run.until_agreed()
        if command == "cancel":
            assert held.status == OrderStatus.CANCELED
        else:
            assert held.price == held.price.from_str("88500.0")
            run.trader.cancel_order(held)
            await until(lambda: held.is_closed)


@pytest.mark.parametrize("command", ["cancel", "modify"])
async def test_a_command_that_never_left_the_node_that_was_killed(
    exchange: LocalExchange, command: str
) -> None:
    """The order works on, and can be commanded again."""
    async with running_node(exchange) as run:
        run.why_apart = KILLED
        order = run.trader.limit(OrderSide.BUY, "0.02", "89000")
        await until(lambda: order.is_open)
        exchange.fail_next("RPC", f"order.{command}", -32603, "Internal error", count=50)
        if command == "cancel":
            run.trader.cancel_order(order)
        else:
            run.trader.modify_order(order, price=order.price.from_str("88500.0"))
        kept = CarriedCache(run.node)
    exchange._faults._failures.clear()
    async with running_node(exchange, before=kept.put) as run:
        held = taken_up(run, order)
        await until(lambda: held.status == OrderStatus.ACCEPTED, "it works on")
        run.trader.cancel_order(held)
        await until(lambda: held.is_closed)
        assert held.status == OrderStatus.CANCELED


async def test_a_fill_the_killed_node_did_not_keep(exchange: LocalExchange) -> None:
    async with running_node(exchange) as run:
        run.why_apart = KILLED
        order = run.trader.limit(OrderSide.SELL, "0.02", "90005")
        await until(lambda: order.is_open)
        kept = CarriedCache(run.node)
        exchange.take_liquidity(MARKET, "BUY", "0.005")
        await until(lambda: order.status == OrderStatus.PARTIALLY_FILLED)
    exchange.take_liquidity(MARKET, "BUY", "0.005")
    async with running_node(exchange, before=kept.put) as run:
        held = taken_up(run, order)
        await run.until_agreed()
        assert events_of(held).count("OrderFilled") == 2
        assert held_by_strategy(run) == Decimal("-0.01")


async def test_an_order_sent_that_the_killed_node_did_not_keep_as_sent(
    exchange: LocalExchange,
) -> None:
    async with running_node(exchange) as run:
        run.why_apart = KILLED
        order = run.trader.limit(OrderSide.SELL, "0.02", "90005")
        kept = CarriedCache(run.node)
        assert order.status == OrderStatus.INITIALIZED
        await until(lambda: order.is_open)
    async with running_node(exchange, before=kept.put) as run:
        held = taken_up(run, order)
        await run.until_agreed()
        assert held.status == OrderStatus.ACCEPTED
        exchange.take_liquidity(MARKET, "BUY", "0.005")
        await until(lambda: held.status == OrderStatus.PARTIALLY_FILLED)
        run.trader.modify_order(held, price=held.price.from_str("90008.0"))
        await until(lambda: held.price == held.price.from_str("90008.0"), "it changed")
        run.trader.cancel_order(held)
        await until(lambda: held.is_closed)


async def test_orders_of_others_are_known_again(exchange: LocalExchange) -> None:
    async with running_node(exchange) as run:
        named = exchange.place_order("SELL", "0.02", "90006", client_id="by-hand")
        nameless = exchange.place_order("BUY", "0.01", "89000")
        await until(lambda: len(run.cache.orders_open()) == 2)
        exchange.fill_order(named, "0.005")
        await run.until_agreed()
        kept = CarriedCache(run.node)
        ids = {order.client_order_id for order in run.cache.orders()}
    exchange.fill_order(named, "0.005")
    exchange.cancel_order(nameless)
    await until(lambda: exchange.orders()[-1]["status"] == "CLOSED")
    async with running_node(exchange, before=kept.put) as run:
        await run.until_agreed()
        assert {order.client_order_id for order in run.cache.orders()} == ids
        exchange.fill_order(named)
        await run.until_agreed()


async def test_two_runs_name_the_same_things_alike(exchange: LocalExchange) -> None:
    """Without a kept cache: orders of others, and trades that have no order."""
    exchange.place_order("BUY", "0.02", client_id="by-hand")
    for client_id in ("", "by-hand"):
        exchange._account(None).client_ids.pop("by-hand", None)
        exchange.place_order("SELL", "0.01", "90300", client_id=client_id)
    exchange.block_trade(MARKET, "SELL", "0.01")
    await until(lambda: len(exchange.fills()) == 2)
    runs = []
    for _ in range(2):
        async with running_node(exchange) as run:
            late = exchange.place_order("SELL", "0.01", "90400")
            await until(
                lambda late=late: any(str(o.venue_order_id) == late for o in run.cache.orders())
            )
            orders = sorted(run.cache.orders(), key=lambda order: str(order.venue_order_id))
            runs.append([(o.client_order_id, o.venue_order_id, o.trade_ids) for o in orders])
    assert len(runs[0]) == 5
    assert [each for each in runs[1] if each in runs[0]] == runs[0]


# -- a short lookback ---------------------------------------------------------------------------

LONG_AGO_MS = 7_200_000
LOOKBACK = {"engine": {"reconciliation_lookback_mins": 1}}


def let_pass(exchange: LocalExchange) -> None:
    """Let everything that happened so far have happened long ago."""
    account = exchange._account(None)
    for order in account.orders.values():
        order.created_at -= LONG_AGO_MS
        order.last_updated_at -= LONG_AGO_MS
    for fill in account.fills:
        object.__setattr__(fill, "created_at", fill.created_at - LONG_AGO_MS)


@pytest.mark.parametrize("is_cached", [True, False])
async def test_a_position_from_before_the_window(exchange: LocalExchange, is_cached: bool) -> None:
    async with running_node(exchange) as run:
        bought = run.trader.market(OrderSide.BUY, "0.02")
        given_up = run.trader.limit(OrderSide.SELL, "0.03", "90005")
        await until(lambda: bought.is_closed and given_up.is_open)
        exchange.fill_order(given_up.venue_order_id.value, "0.01")
        run.trader.cancel_order(given_up)
        await until(lambda: given_up.is_closed)
        await run.until_agreed()
        kept = CarriedCache(run.node)
        kept.age(LONG_AGO_MS)
    let_pass(exchange)
    exchange.place_order("SELL", "0.004")
    await until(lambda: len(exchange.fills()) == 3)
    before = kept.put if is_cached else None
    async with running_node(exchange, before=before, **LOOKBACK) as run:
        await run.until_agreed()
        net = sum(p.signed_decimal_qty() for p in run.cache.positions_open())
        assert net == Decimal("0.006")
        # Nothing was made up.
        assert len(run.cache.orders()) == 3
        if is_cached:
            assert held_by_strategy(run) == Decimal("0.01")
            assert events_of(taken_up(run, given_up)) == events_of(given_up)


async def test_an_order_that_rests_since_before_the_window(exchange: LocalExchange) -> None:
    async with running_node(exchange) as run:
        bought = run.trader.market(OrderSide.BUY, "0.02")
        resting = run.trader.limit(OrderSide.SELL, "0.03", "90005")
        await until(lambda: bought.is_closed and resting.is_open)
        exchange.fill_order(resting.venue_order_id.value, "0.01")
        await until(lambda: resting.status == OrderStatus.PARTIALLY_FILLED)
        await run.until_agreed()
        kept = CarriedCache(run.node)
        kept.age(LONG_AGO_MS)
    let_pass(exchange)
    exchange.fill_order(resting.venue_order_id.value, "0.005")
    async with running_node(exchange, before=kept.put, **LOOKBACK) as run:
        await run.until_agreed()
        assert held_by_strategy(run) == Decimal("0.005")
        assert events_of(taken_up(run, resting)).count("OrderFilled") == 2
        assert len(run.cache.orders()) == 2
    exchange.fill_order(resting.venue_order_id.value)
    # Without a cache, the fills of before the window are read as well.
    async with running_node(exchange, **LOOKBACK) as run:
        await run.until_agreed()
        assert len(run.cache.orders()) == 2


async def test_a_position_untouched_since_before_the_window(exchange: LocalExchange) -> None:
    async with running_node(exchange) as run:
        bought = run.trader.market(OrderSide.BUY, "0.02")
        await until(lambda: bought.is_closed)
        await run.until_agreed()
        kept = CarriedCache(run.node)
        kept.age(LONG_AGO_MS)
    let_pass(exchange)
    async with running_node(exchange, before=kept.put, **LOOKBACK) as run:
        await run.until_agreed()
        assert held_by_strategy(run) == Decimal("0.02")
        assert len(run.cache.orders()) == 1


# -- positions that were flat in between ----------------------------------------------------------


async def test_a_fill_from_before_a_position_was_flat_meanwhile(exchange: LocalExchange) -> None:
    """NautilusTrader would begin with the position of now, and leave out what was before."""
    async with running_node(exchange) as run:
        bought = run.trader.market(OrderSide.BUY, "0.02")
        part = run.trader.limit(OrderSide.SELL, "0.04", "90020")
        await until(lambda: bought.is_closed and part.is_open)
        kept = CarriedCache(run.node)
    exchange.fill_order(part.venue_order_id.value, "0.02")
    await until(lambda: len(exchange.fills()) == 2)
    exchange.place_order("BUY", "0.015", client_id="by-hand")
    await until(lambda: len(exchange.fills()) == 3)
    async with running_node(exchange, before=kept.put) as run:
        await run.until_agreed()
        held = taken_up(run, part)
        assert held.status == OrderStatus.PARTIALLY_FILLED
        assert held_by_strategy(run) == 0
        # Nothing was made up.
        assert len(run.cache.orders()) == 3
        exchange.fill_order(part.venue_order_id.value)
        await until(lambda: held.status == OrderStatus.FILLED)
        await run.until_agreed()


async def test_an_order_that_filled_before_a_position_was_flat_and_works_on(
    exchange: LocalExchange,
) -> None:
    exchange.place_order("BUY", "0.02", client_id="opens")
    resting = exchange.place_order("SELL", "0.04", "90020", client_id="by-hand")
    await until(lambda: exchange.orders()[-1]["status"] == "OPEN")
    exchange.fill_order(resting, "0.02")
    await until(lambda: len(exchange.fills()) == 2)
    exchange.place_order("BUY", "0.015", client_id="opens-again")
    await until(lambda: len(exchange.fills()) == 3)
    async with running_node(exchange) as run:
        await run.until_agreed()
        exchange.fill_order(resting, "0.005")
        by_hand = run.cache.order(ClientOrderId("by-hand"))
        await until(lambda: by_hand.filled_qty == by_hand.quantity.from_str("0.025"))
        exchange.fill_order(resting)
        await until(lambda: by_hand.status == OrderStatus.FILLED)
        await run.until_agreed()
        assert len(run.cache.orders()) == 3
