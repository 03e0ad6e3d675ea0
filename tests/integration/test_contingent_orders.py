"""Brackets, OCO and OUO pairs in a real node, against the local exchange."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.enums import ContingencyType, OmsType, OrderSide, OrderStatus, OrderType
from nautilus_trader.model.identifiers import OrderListId
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import LimitOrder, Order, OrderList
from nautilus_trader.model.orders.unpacker import OrderUnpacker
from nautilus_trader.trading.config import StrategyConfig
from nautilus_trader.trading.strategy import Strategy

from paradex_adapter.local_exchange import LocalExchange
from tests.integration.trading_node import BTC, RunningNode, Trader, running_node, until

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
    params = fields.pop("params", None)
    made = run.trader.order_factory.bracket(BTC, fields.pop("side", OrderSide.BUY), size, **fields)
    run.trader.submit_order_list(made, params=params)
    return list(made.orders)


def row(run: RunningNode, order: Order) -> dict[str, Any]:
    (row,) = [r for r in run.exchange.orders() if r["client_id"] == order.client_order_id.value]
    return dict(row)


async def until_all(status: OrderStatus, *orders: Order) -> None:
    await until(lambda: all(order.status == status for order in orders), f"all {status.name}")


async def until_all_are_accepted(*orders: Order) -> None:
    await until_all(OrderStatus.ACCEPTED, *orders)


def quantities(*orders: Order) -> list[Decimal]:
    return [order.quantity.as_decimal() for order in orders]


# -- brackets ---------------------------------------------------------------------------------


async def test_a_market_entry_has_its_exits_at_once(run: RunningNode) -> None:
    entry, stop, profit = bracket(run)
    await until_all_are_accepted(stop, profit)
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
    await until_all_are_accepted(stop, profit)
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
    await until_all_are_accepted(stop, profit)
    run.exchange.take_liquidity(MARKET, "BUY", "0.3")
    await until(lambda: stop.quantity == Quantity.from_str("0.70000"), "the stop shrinks")
    run.exchange.take_liquidity(MARKET, "BUY", "0.7")
    await until(lambda: profit.is_closed and stop.is_closed)
    assert profit.status == OrderStatus.FILLED
    assert stop.status == OrderStatus.CANCELED
    assert run.cache.positions_open() == []


async def test_the_profit_ends_with_the_stop(run: RunningNode) -> None:
    _, stop, profit = bracket(run)
    await until_all_are_accepted(stop, profit)
    run.exchange.set_mark_price(MARKET, "84000")
    await until(lambda: profit.is_closed and stop.is_closed)
    assert stop.status == OrderStatus.FILLED
    assert profit.status == OrderStatus.CANCELED
    assert run.cache.positions_open() == []


async def test_a_bracket_to_sell_is_the_other_way_round(run: RunningNode) -> None:
    _, stop, profit = bracket(
        run,
        side=OrderSide.SELL,
        sl_trigger_price=Price.from_str("95000.0"),
        tp_price=Price.from_str("85000.0"),
    )
    await until_all_are_accepted(stop, profit)
    run.exchange.set_mark_price(MARKET, "96000")
    await until_all(OrderStatus.FILLED, stop)
    await until_all(OrderStatus.CANCELED, profit)


@pytest.mark.parametrize(
    ("kind", "fields", "word"),
    [
        (
            OrderType.MARKET_IF_TOUCHED,
            {"tp_trigger_price": Price.from_str("90500.0")},
            "TAKE_PROFIT_MARKET",
        ),
        (
            OrderType.LIMIT_IF_TOUCHED,
            {
                "tp_trigger_price": Price.from_str("90500.0"),
                "tp_price": Price.from_str("89980.0"),
                "tp_post_only": False,
            },
            "TAKE_PROFIT_LIMIT",
        ),
    ],
    ids=["market", "limit"],
)
async def test_a_conditional_profit_ends_the_stop(
    run: RunningNode, kind: OrderType, fields: dict[str, Any], word: str
) -> None:
    fields = {"tp_price": None, "tp_order_type": kind, **fields}
    _, stop, profit = bracket(run, **fields)
    await until_all_are_accepted(stop, profit)
    assert row(run, profit)["type"] == word
    run.exchange.set_mark_price(MARKET, "90600")
    await until_all(OrderStatus.FILLED, profit)
    await until_all(OrderStatus.CANCELED, stop)
    assert run.cache.positions_open() == []


async def test_a_stop_whose_trigger_is_reached_goes_off_at_once(run: RunningNode) -> None:
    run.exchange.set_mark_price(MARKET, "90000")
    _, stop, profit = bracket(run, sl_trigger_price=Price.from_str("90500.0"))
    await until_all(OrderStatus.FILLED, stop)
    await until_all(OrderStatus.CANCELED, profit)


async def test_a_larger_entry_has_larger_exits(run: RunningNode) -> None:
    entry, stop, profit = bracket(run, entry_price=Price.from_str("90005.0"))
    await until_all_are_accepted(entry)
    run.trader.modify_order(entry, Quantity.from_str("2.00000"))
    await until(lambda: quantities(entry, stop, profit) == [Decimal(2)] * 3, "all have grown")
    run.exchange.take_liquidity(MARKET, "SELL", "2")
    await until_all_are_accepted(stop, profit)
    assert quantities(stop, profit) == [Decimal(2)] * 2


async def test_the_exits_end_with_an_entry_canceled_before_it_filled(run: RunningNode) -> None:
    entry, stop, profit = bracket(run, entry_price=Price.from_str("80000.0"))
    await until_all_are_accepted(entry)
    run.trader.cancel_order(entry)
    await until_all(OrderStatus.CANCELED, entry, stop, profit)
    assert run.trader.told_of(stop) == ["OrderInitialized", "OrderCanceled"]
    assert len(run.exchange.orders()) == 1


async def test_the_exits_end_with_an_entry_that_is_rejected(run: RunningNode) -> None:
    entry, stop, profit = bracket(run, entry_price=Price.from_str("90010.0"), entry_post_only=True)
    await until_all(OrderStatus.REJECTED, entry)
    await until_all(OrderStatus.CANCELED, stop, profit)


async def test_the_exits_of_a_part_outlive_the_entry(run: RunningNode) -> None:
    entry, stop, profit = bracket(run, entry_price=Price.from_str("90005.0"))
    await until_all_are_accepted(entry)
    run.exchange.take_liquidity(MARKET, "SELL", "0.4")
    await until_all_are_accepted(stop, profit)
    run.trader.cancel_order(entry)
    await until_all(OrderStatus.CANCELED, entry)
    await run.until_agreed()
    assert stop.is_open
    assert quantities(stop, profit) == [Decimal("0.4")] * 2


async def test_held_exits_are_changed_and_go_out_as_changed(run: RunningNode) -> None:
    entry, stop, profit = bracket(run, entry_price=Price.from_str("90005.0"))
    await until_all_are_accepted(entry)
    trigger, price = Price.from_str("84000.0"), Price.from_str("96000.0")
    run.trader.modify_order(stop, trigger_price=trigger)
    run.trader.modify_order(profit, Quantity.from_str("0.5"), price)
    await until(lambda: quantities(stop, profit) == [Decimal("0.5")] * 2, "both are smaller")
    assert (stop.trigger_price, profit.price) == (trigger, price)
    assert len(run.exchange.orders()) == 1
    run.exchange.take_liquidity(MARKET, "SELL", "1")
    await until_all_are_accepted(stop, profit)
    assert (row(run, stop)["size"], row(run, stop)["trigger_price"]) == ("0.5", "84000")
    assert (row(run, profit)["size"], row(run, profit)["price"]) == ("0.5", "96000")


async def test_a_held_exit_cannot_be_larger_than_the_entry(run: RunningNode) -> None:
    entry, stop, _ = bracket(run, entry_price=Price.from_str("80000.0"))
    await until_all_are_accepted(entry)
    run.trader.modify_order(stop, Quantity.from_str("2.00000"))
    await until(lambda: run.trader.told_of(stop)[-1] == "OrderModifyRejected")
    assert "parent order" in run.trader.told[-1].reason
    assert stop.status == OrderStatus.INITIALIZED


async def test_working_exits_are_changed_together(run: RunningNode) -> None:
    _, stop, profit = bracket(run)
    await until_all_are_accepted(stop, profit)
    run.trader.modify_order(profit, Quantity.from_str("0.50000"))
    await until(lambda: quantities(stop, profit) == [Decimal("0.5")] * 2, "both are smaller")
    await run.until_agreed()


async def test_a_held_exit_canceled_takes_the_other_along(run: RunningNode) -> None:
    entry, stop, profit = bracket(run, entry_price=Price.from_str("80000.0"))
    await until_all_are_accepted(entry)
    run.trader.cancel_order(stop)
    await until_all(OrderStatus.CANCELED, stop, profit)
    assert entry.is_open
    run.trader.cancel_order(entry)
    await until_all(OrderStatus.CANCELED, entry)


async def test_a_working_exit_canceled_takes_the_other_along(run: RunningNode) -> None:
    _, stop, profit = bracket(run)
    await until_all_are_accepted(stop, profit)
    run.trader.cancel_order(profit)
    await until_all(OrderStatus.CANCELED, stop, profit)


async def test_all_orders_canceled_are_the_held_ones_as_well(run: RunningNode) -> None:
    entry, stop, profit = bracket(run, entry_price=Price.from_str("80000.0"))
    await until_all_are_accepted(entry)
    run.trader.cancel_all_orders(BTC)
    await until_all(OrderStatus.CANCELED, entry, stop, profit)
    assert run.trader.told_of(profit) == ["OrderInitialized", "OrderCanceled"]


# -- linked orders without a parent -----------------------------------------------------------


def linked(run: RunningNode, contingency: ContingencyType) -> list[Order]:
    """Send two linked limit orders, one to buy at 90005 and one at 88000."""
    factory = run.trader.order_factory
    list_id = OrderListId(f"OL-{contingency.name}")
    ids = [factory.generate_client_order_id() for _ in range(2)]
    made = [
        LimitOrder(
            trader_id=run.trader.trader_id,
            strategy_id=run.trader.id,
            instrument_id=BTC,
            client_order_id=own,
            order_side=OrderSide.BUY,
            quantity=Quantity.from_str("1.00000"),
            price=Price.from_str(price),
            init_id=UUID4(),
            ts_init=run.node.kernel.clock.timestamp_ns(),
            contingency_type=contingency,
            order_list_id=list_id,
            linked_order_ids=[other],
        )
        for own, other, price in ((*ids, "90005.0"), (*ids[::-1], "88000.0"))
    ]
    run.trader.submit_order_list(OrderList(list_id, made))
    return made


async def test_of_an_oco_pair_one_cancels_the_other(run: RunningNode) -> None:
    near, far = linked(run, ContingencyType.OCO)
    await until_all_are_accepted(near, far)
    run.exchange.take_liquidity(MARKET, "SELL", "0.4")
    await until_all(OrderStatus.CANCELED, far)
    assert near.status == OrderStatus.PARTIALLY_FILLED


async def test_of_an_ouo_pair_one_shrinks_the_other(run: RunningNode) -> None:
    near, far = linked(run, ContingencyType.OUO)
    await until_all_are_accepted(near, far)
    run.exchange.take_liquidity(MARKET, "SELL", "0.4")
    await until(lambda: quantities(near, far) == [Decimal(1), Decimal("0.6")])
    run.exchange.take_liquidity(MARKET, "SELL", "0.6")
    await until_all(OrderStatus.FILLED, near)
    await until_all(OrderStatus.CANCELED, far)


async def test_linked_orders_are_one_request(run: RunningNode) -> None:
    run.exchange.lose_next_response("order.create_batch")
    near, far = linked(run, ContingencyType.OCO)
    await until_all_are_accepted(near, far)
    run.trader.cancel_order(far)
    await until_all(OrderStatus.CANCELED, near, far)


# -- the engine's own manager -----------------------------------------------------------------


@pytest.fixture
async def managed(exchange: LocalExchange) -> AsyncIterator[RunningNode]:
    """A node whose strategy manages its contingent orders by itself as well."""

    class Managed(Trader):
        def __init__(self) -> None:
            Strategy.__init__(
                self, StrategyConfig(order_id_tag="000", manage_contingent_orders=True)
            )
            self.told = []

    async with running_node(exchange, [Managed()]) as run:
        yield run


async def test_the_engines_own_manager_doubles_nothing(managed: RunningNode) -> None:
    run = managed
    entry, stop, profit = bracket(
        run, entry_price=Price.from_str("90005.0"), tp_price=Price.from_str("90008.0")
    )
    await until_all_are_accepted(entry)
    for size in ("0.4", "0.6"):
        run.exchange.take_liquidity(MARKET, "SELL", size)
        await run.until_agreed()
    await until(lambda: quantities(stop, profit) == [Decimal(1)] * 2, "both are full")
    run.exchange.take_liquidity(MARKET, "BUY", "0.3")
    await until(lambda: quantities(stop, profit) == [Decimal("0.7"), Decimal(1)])
    await run.until_agreed()
    assert quantities(stop, profit) == [Decimal("0.7"), Decimal(1)]
    run.exchange.take_liquidity(MARKET, "BUY", "0.7")
    await until_all(OrderStatus.FILLED, profit)
    await until_all(OrderStatus.CANCELED, stop)
    assert run.cache.positions_open() == []


async def test_the_engines_own_manager_cancels_with_us(managed: RunningNode) -> None:
    _, stop, profit = bracket(managed)
    await until_all_are_accepted(stop, profit)
    managed.exchange.set_mark_price(MARKET, "84000")
    await until_all(OrderStatus.FILLED, stop)
    await until_all(OrderStatus.CANCELED, profit)


# -- denials ----------------------------------------------------------------------------------


async def test_a_list_is_denied_whole_and_says_whose_fault_it_is(run: RunningNode) -> None:
    orders = bracket(
        run, tp_price=Price.from_str("95000.1"), sl_trigger_price=Price.from_str("1.05")
    )
    await until_all(OrderStatus.DENIED, *orders)
    entry, stop, profit = (order.last_event.reason for order in orders)
    assert "is not a multiple of" in stop
    assert entry == profit
    assert entry.startswith(f"denied with its list, for {orders[1].client_order_id.value}: ")
    assert run.exchange.orders() == []


@pytest.mark.parametrize(
    "params", [{"twap": {"duration_secs": 60}}, {"on_behalf_of_account": "0x5"}]
)
async def test_params_by_which_an_entry_cannot_be_followed_deny_the_list(
    run: RunningNode, params: dict[str, Any]
) -> None:
    orders = bracket(run, params=params)
    await until_all(OrderStatus.DENIED, *orders)
    assert "contingent orders" in orders[0].last_event.reason
    assert run.exchange.orders() == []


async def test_a_child_of_a_parent_that_ended_unfilled_is_denied(run: RunningNode) -> None:
    size = run.cache.instrument(BTC).make_qty(Decimal(1))
    prices = {
        "entry_price": Price.from_str("80000.0"),
        "sl_trigger_price": Price.from_str("75000.0"),
        "tp_price": Price.from_str("95000.0"),
    }
    entry, _, profit = run.trader.order_factory.bracket(
        BTC, OrderSide.BUY, size, entry_order_type=OrderType.LIMIT, **prices
    ).orders
    run.trader.submit_order(entry)
    await until_all_are_accepted(entry)
    run.trader.cancel_order(entry)
    await until_all(OrderStatus.CANCELED, entry)
    run.trader.submit_order(profit)
    await until_all(OrderStatus.DENIED, profit)
    assert "filled before it ended" in profit.last_event.reason


async def test_a_read_only_token_is_denied_the_whole_list(exchange: LocalExchange) -> None:
    token = exchange.add_read_only_token()
    async with running_node(exchange, access_token=token, private_key=None) as run:
        orders = bracket(run)
        await until_all(OrderStatus.DENIED, *orders)
        assert exchange.orders() == []


async def test_exits_due_wait_until_the_venue_takes_orders_again(run: RunningNode) -> None:
    entry, stop, profit = bracket(run, entry_price=Price.from_str("90005.0"))
    await until_all_are_accepted(entry)
    state = run.client._system_state
    state._take("cancel_only")
    run.exchange.take_liquidity(MARKET, "SELL", "1")
    await until_all(OrderStatus.FILLED, entry)
    assert stop.status == profit.status == OrderStatus.INITIALIZED
    state._take("ok")
    await until_all_are_accepted(stop, profit)


async def test_of_independent_orders_one_is_denied_alone(run: RunningNode) -> None:
    factory, size = run.trader.order_factory, Quantity.from_str("0.01000")
    prices = ["80000.0", "80000.05", *(f"{81000 + n}.0" for n in range(11))]
    made = factory.create_list(
        [factory.limit(BTC, OrderSide.BUY, size, Price.from_str(price)) for price in prices]
    )
    run.trader.submit_order_list(made)
    first, bad, *others = made.orders
    await until_all_are_accepted(first, *others)
    assert bad.status == OrderStatus.DENIED
    run.trader.cancel_all_orders(BTC)
    await until_all(OrderStatus.CANCELED, first, *others)


# -- lost connections and restarts ------------------------------------------------------------


async def test_exits_are_sent_when_the_fill_is_learned_after_a_reconnect(
    run: RunningNode,
) -> None:
    entry, stop, profit = bracket(run, entry_price=Price.from_str("90005.0"))
    await until_all_are_accepted(entry)
    run.exchange.refuse_connections()
    run.exchange.drop_connections("private")
    run.exchange.take_liquidity(MARKET, "SELL", "1")
    run.exchange.refuse_connections(False)
    await until_all_are_accepted(stop, profit)
    assert quantities(stop, profit) == [Decimal(1)] * 2


@pytest.mark.parametrize("lost", ["/v1/orders", "order.create"])
async def test_exits_whose_replies_are_lost_are_found_and_not_sent_twice(
    run: RunningNode, lost: str
) -> None:
    entry, stop, profit = bracket(run, entry_price=Price.from_str("90005.0"))
    await until_all_are_accepted(entry)
    run.exchange.lose_next_response(lost)
    run.exchange.take_liquidity(MARKET, "SELL", "1")
    await until_all_are_accepted(stop, profit)
    assert len(run.exchange.orders()) == 3


class Kept:
    """What a database keeps of a run: its orders, built anew from their events, its positions."""

    def __init__(self, run: RunningNode, orders: list[Order]) -> None:
        self.instrument = run.cache.instrument(BTC)
        self.positions = run.cache.positions()
        self.orders = []
        for order in orders:
            first, *events = order.events
            copy = OrderUnpacker.from_init(first)
            for event in events:
                copy.apply(event)
            self.orders.append(copy)

    def put(self, node: TradingNode) -> None:
        node.cache.add_instrument(self.instrument)
        for order in self.orders:
            node.cache.add_order(order, order.position_id)
            node.cache.update_order(order)
        for position in self.positions:
            node.cache.add_position(position, OmsType.NETTING)


async def kept_before_the_fill(exchange: LocalExchange) -> Kept:
    """Return what is kept of a run that ended with a bracket whose entry works."""
    async with running_node(exchange) as run:
        orders = bracket(run, entry_price=Price.from_str("90005.0"))
        await until_all_are_accepted(orders[0])
        return Kept(run, orders)


async def test_held_exits_are_taken_up_by_the_next_run(exchange: LocalExchange) -> None:
    kept = await kept_before_the_fill(exchange)
    async with running_node(exchange, before=kept.put):
        _, stop, profit = kept.orders
        assert stop.status == profit.status == OrderStatus.INITIALIZED
        exchange.take_liquidity(MARKET, "SELL", "1")
        await until_all_are_accepted(stop, profit)
        exchange.set_mark_price(MARKET, "84000")
        await until_all(OrderStatus.FILLED, stop)
        await until_all(OrderStatus.CANCELED, profit)


async def test_exits_of_an_earlier_run_that_are_due_are_canceled_once(
    exchange: LocalExchange,
) -> None:
    kept = await kept_before_the_fill(exchange)
    exchange.take_liquidity(MARKET, "SELL", "1")
    exchange.set_system_state("maintenance")
    async with running_node(exchange, before=kept.put) as run:
        _, stop, profit = kept.orders
        await until(lambda: kept.orders[0].is_closed)
        run.trader.cancel_orders([stop, profit])
        await until_all(OrderStatus.CANCELED, stop, profit)
        assert run.trader.told_of(stop) == run.trader.told_of(profit) == ["OrderCanceled"]


async def test_exits_due_between_two_runs_are_sent_by_the_next(exchange: LocalExchange) -> None:
    kept = await kept_before_the_fill(exchange)
    exchange.take_liquidity(MARKET, "SELL", "1")
    async with running_node(exchange, before=kept.put):
        _, stop, profit = kept.orders
        await until_all_are_accepted(stop, profit)
        assert quantities(stop, profit) == [Decimal(1)] * 2


async def test_exits_of_a_position_that_is_gone_are_canceled_by_the_next_run(
    exchange: LocalExchange,
) -> None:
    kept = await kept_before_the_fill(exchange)
    exchange.take_liquidity(MARKET, "SELL", "1")
    exchange.place_order("SELL", "1")
    async with running_node(exchange, before=kept.put):
        _, stop, profit = kept.orders
        await until_all(OrderStatus.CANCELED, stop, profit)


async def test_exits_sent_and_not_written_down_are_not_sent_twice(exchange: LocalExchange) -> None:
    async with running_node(exchange) as run:
        orders = bracket(run, entry_price=Price.from_str("90005.0"))
        await until_all_are_accepted(orders[0])
        kept = Kept(run, orders)
        exchange.take_liquidity(MARKET, "SELL", "1")
        await until_all_are_accepted(*orders[1:])
    async with running_node(exchange, before=kept.put) as run:
        _, stop, profit = kept.orders
        await until_all_are_accepted(stop, profit)
        assert len(exchange.orders()) == 3
        exchange.set_mark_price(MARKET, "84000")
        await until_all(OrderStatus.FILLED, stop)
        await until_all(OrderStatus.CANCELED, profit)


@pytest.mark.parametrize("filled", ["", "0.4", "1"])
async def test_an_entry_sent_and_not_written_down_has_its_exits(
    exchange: LocalExchange, filled: str
) -> None:
    async with running_node(exchange) as run:
        orders = bracket(run, entry_price=Price.from_str("90005.0"))
        kept = Kept(run, orders)
        assert {order.status for order in kept.orders} == {OrderStatus.INITIALIZED}
        await until_all_are_accepted(orders[0])
    if filled:
        exchange.take_liquidity(MARKET, "SELL", filled)
    async with running_node(exchange, before=kept.put) as run:
        entry, stop, profit = kept.orders
        if filled != "1":
            await until(lambda: entry.is_open, "the entry is known")
            exchange.take_liquidity(MARKET, "SELL", "0.6" if filled else "1")
        await until_all_are_accepted(stop, profit)
        await until(lambda: quantities(stop, profit) == [Decimal(1)] * 2, "as large as the entry")
        assert len(exchange.orders()) == 3
        await run.until_agreed()


async def test_a_cancel_that_overtakes_its_order_ends_nothing_that_works(
    exchange: LocalExchange,
) -> None:
    async with running_node(exchange) as run:
        orders = linked(run, ContingencyType.OUO)
        run.trader.cancel_order(orders[0])
        await until(lambda: len(exchange.orders()) == 2, "the venue has both")
        assert orders[0].status != OrderStatus.CANCELED
        await until_all_are_accepted(*orders)


async def test_a_bracket_that_was_never_sent_is_not_sent_and_can_be_canceled(
    exchange: LocalExchange,
) -> None:
    async with running_node(exchange) as run:
        exchange.fail_next("RPC", "order.create", -32603, "Internal error", count=50)
        kept = Kept(run, bracket(run, entry_price=Price.from_str("90005.0")))
        run.why_apart = "it is killed before it sends"
    exchange._faults._failures.clear()
    async with running_node(exchange, before=kept.put) as run:
        for order in kept.orders:
            run.trader.cancel_order(order)
        await until_all(OrderStatus.CANCELED, *kept.orders)
        assert exchange.orders() == []


async def test_working_exits_are_followed_by_the_next_run(exchange: LocalExchange) -> None:
    async with running_node(exchange) as run:
        orders = bracket(run, entry_price=Price.from_str("90005.0"))
        await until_all_are_accepted(orders[0])
        exchange.take_liquidity(MARKET, "SELL", "0.4")
        await until_all_are_accepted(*orders[1:])
        await run.until_agreed()
        kept = Kept(run, orders)
    exchange.take_liquidity(MARKET, "SELL", "0.6")
    async with running_node(exchange, before=kept.put) as run:
        _, stop, profit = kept.orders
        await until(lambda: quantities(stop, profit) == [Decimal(1)] * 2, "both have grown")
        run.trader.cancel_order(profit)
        await until_all(OrderStatus.CANCELED, stop, profit)
