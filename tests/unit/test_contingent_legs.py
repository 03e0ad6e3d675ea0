"""What orders say of how they hang together, and what an earlier run wanted of them."""

from typing import Any

import pytest
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import TestClock
from nautilus_trader.common.factories import OrderFactory
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.enums import ContingencyType, OrderSide
from nautilus_trader.model.events import OrderPendingUpdate, OrderUpdated
from nautilus_trader.model.identifiers import (
    AccountId,
    InstrumentId,
    StrategyId,
    TraderId,
    VenueOrderId,
)
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import Order
from nautilus_trader.test_kit.stubs.events import TestEventStubs

from paradex_adapter.contingency_rules import Leg, Link
from paradex_adapter.contingent_legs import (
    find_unfinished,
    find_wanted,
    hangs_together,
    order_to_leg,
)

BTC = InstrumentId.from_str("BTC-USD-PERP.PARADEX")
ACCOUNT = AccountId("PARADEX-1")
ONE = 10**8


@pytest.fixture
def factory() -> OrderFactory:
    return OrderFactory(TraderId("T-1"), StrategyId("S-1"), TestClock())


def bracket(factory: OrderFactory, **options: Any) -> list[Order]:
    made = factory.bracket(
        BTC,
        OrderSide.BUY,
        Quantity.from_str("1"),
        sl_trigger_price=Price.from_str("80000.0"),
        tp_price=Price.from_str("99000.0"),
        **options,
    )
    return list(made.orders)


def accept(order: Order) -> None:
    order.apply(TestEventStubs.order_submitted(order, account_id=ACCOUNT))
    order.apply(TestEventStubs.order_accepted(order, account_id=ACCOUNT))


def update(order: Order, quantity: str, *, is_asked: bool, price: str | None = None) -> None:
    ids = (order.trader_id, order.strategy_id, order.instrument_id, order.client_order_id)
    venue_order_id = order.venue_order_id or VenueOrderId("1")
    if is_asked:
        order.apply(OrderPendingUpdate(*ids, venue_order_id, ACCOUNT, UUID4(), 0, 0))
    new_price = None if price is None else Price.from_str(price)
    order.apply(
        OrderUpdated(
            *ids,
            venue_order_id,
            ACCOUNT,
            Quantity.from_str(quantity),
            new_price,
            None,
            UUID4(),
            0,
            0,
        )
    )


def test_a_bracket_is_a_parent_and_two_linked_children(factory: OrderFactory) -> None:
    entry, stop, profit = bracket(factory)
    ids = [order.client_order_id.value for order in (entry, stop, profit)]
    assert order_to_leg(entry) == Leg(ids[0], ONE)
    assert order_to_leg(stop) == Leg(ids[1], ONE, ids[0], Link.OUO, (ids[2],))
    assert order_to_leg(profit) == Leg(ids[2], ONE, ids[0], Link.OUO, (ids[1],))
    (_, stop, _) = bracket(factory, contingency_type=ContingencyType.OCO)
    assert order_to_leg(stop).link is Link.OCO


def test_an_independent_order_hangs_together_with_nothing(factory: OrderFactory) -> None:
    assert not hangs_together(factory.market(BTC, OrderSide.BUY, Quantity.from_str("1")))
    assert all(hangs_together(order) for order in bracket(factory))


def test_our_own_changes_are_not_what_the_strategy_wants(factory: OrderFactory) -> None:
    _, _, profit = bracket(factory)
    update(profit, "0.4", is_asked=False)
    accept(profit)
    update(profit, "0.7", is_asked=False)
    assert find_wanted(profit) == ONE
    update(profit, "0.7", is_asked=True, price="98000.0")
    assert find_wanted(profit) == ONE
    update(profit, "0.5", is_asked=True)
    assert find_wanted(profit) == ONE // 2


def test_lists_with_anything_left_are_taken_up_and_only_those_of_the_account(
    factory: OrderFactory,
) -> None:
    cache = Cache()
    ours, never_sent, over = (bracket(factory) for _ in range(3))
    accept(ours[0])
    accept(over[0])
    over[0].apply(TestEventStubs.order_canceled(over[0], account_id=ACCOUNT))
    for order in over[1:]:
        order.apply(TestEventStubs.order_canceled(order, account_id=ACCOUNT))
    for order in (*ours, *never_sent, *over):
        cache.add_order(order)
        cache.update_order(order)
    assert {*find_unfinished(cache, ACCOUNT)} == {*ours}
    assert find_unfinished(cache, AccountId("PARADEX-2")) == []
