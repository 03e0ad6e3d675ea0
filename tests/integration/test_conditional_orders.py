"""Conditional orders in a real node: they wait, are triggered, changed, canceled and recovered."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from nautilus_trader.model.enums import (
    OmsType,
    OrderSide,
    OrderStatus,
    OrderType,
    TriggerType,
)
from nautilus_trader.model.identifiers import ClientOrderId
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import Order

from paradex_adapter.local_exchange import LocalExchange
from paradex_adapter.venue import recovery
from tests.integration.conditional_orders import (
    KINDS,
    MARKET,
    PRICED,
    TAKE_PROFITS,
    Posts,
    hold_position,
    quote,
    reach,
    row_of,
    submit,
    told,
    waiting,
)
from tests.integration.trading_node import BTC, RunningNode, running_node, until

UPDATED = ["OrderPendingUpdate", "OrderUpdated"]
REFUSED = ["OrderPendingUpdate", "OrderModifyRejected"]
each_kind = pytest.mark.parametrize("kind", KINDS, ids=KINDS.values())
each_priced_kind = pytest.mark.parametrize("kind", PRICED, ids=[KINDS[kind] for kind in PRICED])


@pytest.fixture
async def exchange() -> AsyncIterator[LocalExchange]:
    async with LocalExchange(seed=1, simulation_interval_ms=0) as exchange:
        quote(exchange)
        yield exchange


@pytest.fixture
async def run(exchange: LocalExchange) -> AsyncIterator[RunningNode]:
    async with running_node(exchange) as run:
        await hold_position(run)
        yield run


@pytest.fixture
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask for what is missing at once."""
    monkeypatch.setattr(recovery, "FILLS_DELAYS_SECS", (0.05,) * 10)
    monkeypatch.setattr(recovery, "RESOLVE_DELAY_SECS", 0.05)
    monkeypatch.setattr(recovery, "LISTING_MARGIN_MS", 100)


def modify(run: RunningNode, order: Order, **terms: str) -> None:
    instrument = run.cache.instrument(BTC)
    make = {
        "quantity": instrument.make_qty,
        "price": instrument.make_price,
        "trigger_price": instrument.make_price,
    }
    values = {name: make[name](float(value)) for name, value in terms.items()}
    run.trader.modify_order(order, **values)


# -- waiting and going ------------------------------------------------------------------------


@each_kind
async def test_every_kind_is_accepted_while_it_waits(
    run: RunningNode, kind: OrderType, monkeypatch: pytest.MonkeyPatch
) -> None:
    posts = Posts(monkeypatch)
    order = await waiting(run, kind)
    row = row_of(run.exchange, order)
    assert (row["status"], row["type"]) == ("UNTRIGGERED", KINDS[kind])
    assert row["trigger_price"] == str(order.trigger_price).removesuffix(".0")
    assert row["price"] == ("90005" if kind in PRICED else "0")
    assert row["instruction"] == "GTC"
    assert ("REDUCE_ONLY" in row["flags"]) == (kind in TAKE_PROFITS)
    assert told(run, order) == ["OrderAccepted"]
    # The document of the websocket's methods knows stops alone.
    assert posts.orders == (1 if kind in TAKE_PROFITS else 0)


@each_kind
async def test_every_kind_is_triggered_and_fills(run: RunningNode, kind: OrderType) -> None:
    order = await waiting(run, kind)
    reach(run.exchange, order)
    if kind in PRICED:
        await until(lambda: order.status == OrderStatus.TRIGGERED, "the order is triggered")
        await run.until_agreed()
        assert order.is_triggered
        run.exchange.take_liquidity(MARKET, "BUY", "0.04")
        await until(lambda: order.status == OrderStatus.PARTIALLY_FILLED)
        run.exchange.take_liquidity(MARKET, "BUY", "0.06")
    await until(lambda: order.is_closed)
    assert order.status == OrderStatus.FILLED
    fills = ["OrderTriggered", "OrderFilled", "OrderFilled"] if kind in PRICED else ["OrderFilled"]
    assert told(run, order) == ["OrderAccepted", *fills]
    assert not run.cache.positions_open()


@each_priced_kind
async def test_one_that_crosses_when_it_is_triggered_is_triggered_first(
    run: RunningNode, kind: OrderType
) -> None:
    order = await waiting(run, kind, price="89900")
    reach(run.exchange, order)
    await until(lambda: order.is_closed)
    assert told(run, order) == ["OrderAccepted", "OrderTriggered", "OrderFilled"]
    assert order.avg_px == 89990.0


@pytest.mark.parametrize("kind", [OrderType.STOP_MARKET, OrderType.STOP_LIMIT])
async def test_a_stop_may_open_a_position(run: RunningNode, kind: OrderType) -> None:
    order = await waiting(run, kind, side=OrderSide.BUY, price="90020")
    assert "REDUCE_ONLY" not in row_of(run.exchange, order)["flags"]
    reach(run.exchange, order)
    await until(lambda: order.is_closed)
    assert order.status == OrderStatus.FILLED
    assert [p.quantity for p in run.cache.positions_open()] == [Quantity.from_str("0.20000")]


async def test_a_post_only_stop_limit_that_would_cross_is_canceled(run: RunningNode) -> None:
    order = await waiting(run, OrderType.STOP_LIMIT, price="89900", post_only=True)
    assert row_of(run.exchange, order)["instruction"] == "POST_ONLY"
    reach(run.exchange, order)
    await until(lambda: order.is_closed)
    assert order.status == OrderStatus.CANCELED


@pytest.mark.parametrize("kind", [OrderType.STOP_MARKET, OrderType.STOP_LIMIT])
async def test_what_is_refused_when_it_is_triggered_is_canceled(
    run: RunningNode, kind: OrderType
) -> None:
    order = await waiting(run, kind, side=OrderSide.BUY, reduce_only=True)
    # There is nothing to reduce by buying.
    reach(run.exchange, order)
    await until(lambda: order.is_closed)
    assert order.status == OrderStatus.CANCELED
    assert row_of(run.exchange, order)["cancel_reason"] == "REDUCE_ONLY_WILL_INCREASE"
    assert "OrderRejected" not in told(run, order)


@pytest.mark.parametrize("kind", TAKE_PROFITS)
async def test_a_take_profit_without_a_position_is_rejected(
    run: RunningNode, kind: OrderType
) -> None:
    order = submit(run, kind, OrderSide.BUY)
    await until(lambda: order.is_closed)
    assert told(run, order) == ["OrderRejected"]
    assert order.last_event.reason == "REDUCE_ONLY_WILL_INCREASE"


@pytest.mark.parametrize("kind", TAKE_PROFITS)
async def test_one_larger_than_the_position_is_cut_to_it(run: RunningNode, kind: OrderType) -> None:
    order = await waiting(run, kind, quantity="0.3", price="89900")
    reach(run.exchange, order)
    await until(lambda: order.is_closed)
    assert order.status == OrderStatus.FILLED
    assert order.quantity == order.filled_qty == Quantity.from_str("0.10000")
    assert "OrderUpdated" in told(run, order)


# -- canceling --------------------------------------------------------------------------------


@each_kind
async def test_one_that_waits_is_canceled(run: RunningNode, kind: OrderType) -> None:
    order = await waiting(run, kind)
    run.trader.cancel_order(order)
    await until(lambda: order.is_closed)
    assert told(run, order) == ["OrderAccepted", "OrderPendingCancel", "OrderCanceled"]


@each_priced_kind
async def test_one_that_was_triggered_is_canceled(run: RunningNode, kind: OrderType) -> None:
    order = await waiting(run, kind)
    reach(run.exchange, order)
    await until(lambda: order.status == OrderStatus.TRIGGERED)
    run.trader.cancel_order(order)
    await until(lambda: order.is_closed)
    assert told(run, order)[1:] == ["OrderTriggered", "OrderPendingCancel", "OrderCanceled"]


@each_priced_kind
@pytest.mark.parametrize("is_filled", [True, False], ids=["filled", "canceled"])
async def test_a_trigger_races_a_cancel(run: RunningNode, kind: OrderType, is_filled: bool) -> None:
    order = await waiting(run, kind)
    run.exchange.hold_outcomes()
    run.trader.cancel_order(order)
    await until(lambda: order.status == OrderStatus.PENDING_CANCEL)
    reach(run.exchange, order)
    await until(lambda: row_of(run.exchange, order)["status"] == "OPEN")
    if is_filled:
        run.exchange.take_liquidity(MARKET, "BUY", "0.1")
        await until(lambda: order.is_closed)
    run.exchange.release_outcomes()
    await until(lambda: order.is_closed)
    assert order.status == (OrderStatus.FILLED if is_filled else OrderStatus.CANCELED)


async def test_all_that_waits_is_canceled(run: RunningNode) -> None:
    orders = [await waiting(run, kind, quantity="0.05") for kind in KINDS]
    run.trader.cancel_all_orders(BTC)
    await until(lambda: all(order.status == OrderStatus.CANCELED for order in orders))


# -- changing ---------------------------------------------------------------------------------


@each_kind
async def test_all_terms_of_one_that_waits_are_changed(
    run: RunningNode, kind: OrderType, monkeypatch: pytest.MonkeyPatch
) -> None:
    posts = Posts(monkeypatch)
    order = await waiting(run, kind)
    trigger = "91500" if kind in TAKE_PROFITS else "88500"
    terms = {"quantity": "0.2", "trigger_price": trigger}
    if kind in PRICED:
        terms["price"] = "90006"
    modify(run, order, **terms)
    await until(lambda: told(run, order) == ["OrderAccepted", *UPDATED])
    assert order.status == OrderStatus.ACCEPTED
    assert order.quantity == Quantity.from_str("0.20000")
    assert order.trigger_price == Price.from_str(f"{trigger}.0")
    if kind in PRICED:
        assert order.price == Price.from_str("90006.0")
    row = row_of(run.exchange, order)
    assert (row["trigger_price"], row["size"]) == (trigger, "0.2")
    assert posts.changes == (1 if kind in TAKE_PROFITS else 0)
    await run.until_agreed()


@each_kind
@pytest.mark.parametrize("term", ["quantity", "trigger_price"])
async def test_one_term_is_changed_alone(run: RunningNode, kind: OrderType, term: str) -> None:
    order = await waiting(run, kind)
    before = {"size": "0.1", "trigger_price": str(order.trigger_price).removesuffix(".0")}
    trigger = "91500" if kind in TAKE_PROFITS else "88500"
    modify(run, order, **{term: "0.05" if term == "quantity" else trigger})
    await until(lambda: told(run, order) == ["OrderAccepted", *UPDATED])
    changed = {"size": "0.05"} if term == "quantity" else {"trigger_price": trigger}
    row = row_of(run.exchange, order)
    assert {name: row[name] for name in before} == before | changed


@each_priced_kind
async def test_one_that_was_triggered_is_changed_as_a_limit_order(
    run: RunningNode, kind: OrderType
) -> None:
    order = await waiting(run, kind)
    reach(run.exchange, order)
    await until(lambda: order.status == OrderStatus.TRIGGERED)
    modify(run, order, price="90006", quantity="0.05")
    await until(lambda: told(run, order)[2:] == UPDATED)
    assert order.price == Price.from_str("90006.0")
    row = row_of(run.exchange, order)
    assert (row["price"], row["size"], row["status"]) == ("90006", "0.05", "OPEN")
    await run.until_agreed()
    modify(run, order, trigger_price="88000" if kind == OrderType.STOP_LIMIT else "92000")
    await until(lambda: told(run, order)[4:] == REFUSED)
    assert "triggered already" in order.last_event.reason


async def test_a_change_after_an_unseen_trigger_is_refused_by_the_venue(run: RunningNode) -> None:
    order = await waiting(run, OrderType.STOP_LIMIT)
    run.exchange.hold_outcomes()
    modify(run, order, trigger_price="88000")
    await until(lambda: "request_info" in row_of(run.exchange, order))
    reach(run.exchange, order)
    run.exchange.release_outcomes()
    await until(lambda: "OrderModifyRejected" in told(run, order))
    await until(lambda: order.is_triggered)
    assert order.trigger_price == Price.from_str("89000.0")


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ({"trigger_price": Price.from_str("88000.05")}, "trigger price 88000.05 is not a multiple"),
        ({"trigger_price": Price.from_str("-1.0")}, "trigger price -1.0 is not positive"),
        ({"price": Price.from_str("90000.0")}, "STOP_MARKET orders have no price to modify"),
        ({"quantity": Quantity.from_str("101")}, "is more than"),
        ({"quantity": Quantity.from_str("0.1")}, "nothing of the order would change"),
    ],
)
async def test_what_cannot_be_is_not_asked_for(
    run: RunningNode, terms: dict[str, Any], words: str
) -> None:
    order = await waiting(run, OrderType.STOP_MARKET)
    await run.client._modify_order(change_of(run, order, **terms))
    await until(lambda: "OrderModifyRejected" in told(run, order))
    (event,) = [e for e in run.trader.told if type(e).__name__ == "OrderModifyRejected"]
    assert words in event.reason
    assert "request_info" not in row_of(run.exchange, order)


def change_of(run: RunningNode, order: Order, **terms: Any) -> Any:
    """Return a command that NautilusTrader itself might not let through."""
    from nautilus_trader.core.uuid import UUID4
    from nautilus_trader.execution.messages import ModifyOrder

    values = {"quantity": None, "price": None, "trigger_price": None, **terms}
    return ModifyOrder(
        trader_id=order.trader_id,
        strategy_id=order.strategy_id,
        instrument_id=order.instrument_id,
        client_order_id=order.client_order_id,
        venue_order_id=order.venue_order_id,
        command_id=UUID4(),
        ts_init=0,
        **values,
    )


# -- outcomes nobody told ---------------------------------------------------------------------


@pytest.mark.usefixtures("impatience")
@each_kind
async def test_one_whose_reply_is_lost_is_found_and_not_sent_again(
    run: RunningNode, kind: OrderType
) -> None:
    path = "/v1/orders" if kind in TAKE_PROFITS else "order.create"
    run.exchange.lose_next_response(path)
    order = await waiting(run, kind)
    assert told(run, order) == ["OrderAccepted"]
    assert len(run.exchange.orders()) == 2


@pytest.mark.usefixtures("impatience")
@pytest.mark.parametrize("kind", [OrderType.STOP_MARKET, OrderType.MARKET_IF_TOUCHED])
async def test_one_that_never_arrived_is_rejected_after_its_own_window(
    run: RunningNode, kind: OrderType
) -> None:
    if kind in TAKE_PROFITS:
        run.exchange.fail_next("POST", "/v1/orders", 503)
    else:
        run.exchange.fail_next("RPC", "order.create", -32603, "Internal error")
    # The session's window is longer than this test waits.
    order = submit(run, kind, params={"recv_window_ms": 200})
    await until(lambda: order.is_closed)
    assert told(run, order) == ["OrderRejected"]
    assert "no longer takes it" in order.last_event.reason


@pytest.mark.usefixtures("impatience")
@each_kind
@pytest.mark.parametrize("quantity", ["0.1", "0.3"], ids=["whole", "cut to the position"])
async def test_one_that_is_triggered_while_the_websocket_is_lost(
    run: RunningNode, kind: OrderType, quantity: str
) -> None:
    exchange = run.exchange
    order = await waiting(run, kind, price="89900", quantity=quantity)
    exchange.refuse_connections()
    exchange.drop_connections("private")
    await until(lambda: not run.client.session.is_ready)
    reach(exchange, order)
    assert row_of(exchange, order)["status"] == "CLOSED"
    exchange.refuse_connections(False)
    await until(lambda: order.is_closed)
    await run.until_agreed()
    assert told(run, order).count("OrderFilled") == 1
    assert told(run, order).count("OrderTriggered") == (1 if kind in PRICED else 0)


@pytest.mark.usefixtures("impatience")
@each_priced_kind
async def test_one_that_rests_after_the_websocket_was_lost(
    run: RunningNode, kind: OrderType
) -> None:
    exchange = run.exchange
    order = await waiting(run, kind)
    exchange.refuse_connections()
    exchange.drop_connections("private")
    await until(lambda: not run.client.session.is_ready)
    reach(exchange, order)
    exchange.refuse_connections(False)
    await until(lambda: order.status == OrderStatus.TRIGGERED)
    await run.until_agreed()
    assert told(run, order) == ["OrderAccepted", "OrderTriggered"]


# -- restarts ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("impatience")
@each_kind
@pytest.mark.parametrize("moment", ["before", "between", "after"])
async def test_a_restart_takes_up_what_waited(
    exchange: LocalExchange, kind: OrderType, moment: str
) -> None:
    """The trigger is reached before the end of the first run, between the runs, or after."""
    is_resting = kind in PRICED
    async with running_node(exchange) as first:
        await hold_position(first)
        order = await waiting(first, kind)
        (position,), orders = first.cache.positions(), first.cache.orders()
        instrument = first.cache.instrument(BTC)
        if moment == "before":
            reach(exchange, order)
            await until(lambda: order.status == OrderStatus.TRIGGERED or order.is_closed)
    if moment == "between":
        reach(exchange, order)

    def restore(node: Any) -> None:
        # As from a database of an earlier run.
        node.cache.add_instrument(instrument)
        for held in orders:
            node.cache.add_order(held, position.id)
            node.cache.update_order(held)
        node.cache.add_position(position, OmsType.NETTING)

    async with running_node(exchange, before=restore) as run:
        again = run.cache.order(order.client_order_id)
        if moment == "after":
            assert again.status == OrderStatus.ACCEPTED
            reach(exchange, order)
        if is_resting:
            await until(lambda: again.status == OrderStatus.TRIGGERED)
            exchange.take_liquidity(MARKET, "BUY", "0.1")
        await until(lambda: again.is_closed)
        names = [type(event).__name__ for event in again.events]
        assert names.count("OrderTriggered") == (1 if is_resting else 0)
        assert names.count("OrderFilled") == 1
        await run.until_agreed()


# -- orders of others -------------------------------------------------------------------------

OTHERS = {
    "STOP_LIMIT": OrderType.STOP_LIMIT,
    "STOP_MARKET": OrderType.STOP_MARKET,
    "STOP_LOSS_LIMIT": OrderType.STOP_LIMIT,
    "STOP_LOSS_MARKET": OrderType.STOP_MARKET,
    "TAKE_PROFIT_LIMIT": OrderType.LIMIT_IF_TOUCHED,
    "TAKE_PROFIT_MARKET": OrderType.MARKET_IF_TOUCHED,
}


def place_others(exchange: LocalExchange, word: str) -> str:
    trigger = "91000" if word.startswith("TAKE") else "89000"
    price = "90005" if word.endswith("LIMIT") else "0"
    return exchange.place_order(
        "SELL",
        "0.1",
        price,
        type=word,
        instruction="GTC",
        trigger_price=trigger,
        client_id=f"other-{word}",
    )


@pytest.mark.parametrize("word", OTHERS)
@pytest.mark.parametrize("is_before", [True, False], ids=["at the start", "live"])
async def test_conditional_orders_of_others_are_reported(
    exchange: LocalExchange, word: str, is_before: bool
) -> None:
    exchange.place_order("BUY", "0.1")
    await until(lambda: len(exchange.fills()) == 1)
    if is_before:
        venue_id = place_others(exchange, word)
        await until(lambda: exchange.orders()[-1]["status"] == "UNTRIGGERED")
    async with running_node(exchange) as run:
        if not is_before:
            venue_id = place_others(exchange, word)
        name = ClientOrderId(f"other-{word}")
        await until(lambda: run.cache.order(name) is not None)
        order = run.cache.order(name)
        assert (order.order_type, order.status) == (OTHERS[word], OrderStatus.ACCEPTED)
        assert order.venue_order_id.value == venue_id
        assert order.trigger_type == TriggerType.MARK_PRICE
        await run.until_agreed()
        reach(exchange, order)
        if word.endswith("LIMIT"):
            await until(lambda: order.status == OrderStatus.TRIGGERED)
            await run.until_agreed()
            exchange.take_liquidity(MARKET, "BUY", "0.1")
        await until(lambda: order.is_closed)
        assert order.status == OrderStatus.FILLED
        await run.until_agreed()


async def test_what_others_had_triggered_is_reported_at_the_start(
    exchange: LocalExchange,
) -> None:
    exchange.place_order("BUY", "0.1")
    await until(lambda: len(exchange.fills()) == 1)
    for word in ("STOP_LIMIT", "TAKE_PROFIT_LIMIT"):
        place_others(exchange, word)
    await until(lambda: exchange.orders()[-1]["status"] == "UNTRIGGERED")
    exchange.set_mark_price(MARKET, "89000")
    async with running_node(exchange) as run:
        triggered = run.cache.order(ClientOrderId("other-STOP_LIMIT"))
        assert triggered.status == OrderStatus.TRIGGERED
        assert triggered.is_triggered
        untriggered = run.cache.order(ClientOrderId("other-TAKE_PROFIT_LIMIT"))
        assert untriggered.status == OrderStatus.ACCEPTED
        await run.until_agreed()
