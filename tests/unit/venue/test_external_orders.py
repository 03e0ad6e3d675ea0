from typing import Any

import pytest

from paradex_adapter.venue import external_orders
from paradex_adapter.venue.external_orders import (
    ExternalChanged,
    ExternalClosed,
    ExternalFact,
    ExternalFilled,
    ExternalOpened,
    ExternalOrders,
    VenueTrade,
)
from paradex_adapter_core.vocabulary import (
    FILL_LIQUIDATION,
    FILL_RPI,
    SIDE_BUY,
    SIDE_SELL,
    STATUS_CLOSED,
    STATUS_NEW,
    STATUS_OPEN,
    STATUS_UNTRIGGERED,
    UNKNOWN,
)
from tests.account_messages import fill, order_update


def in_words(facts: list[ExternalFact]) -> list[str]:
    words: list[str] = []
    for fact in facts:
        match fact:
            case ExternalOpened():
                words.append("opened")
            case ExternalChanged():
                words.append(f"changed with {fact.told} filled")
            case ExternalFilled():
                words.append(f"filled {fact.fill.fill_id}")
            case ExternalClosed():
                words.append("closed" if fact.was_working else "ended unseen")
            case VenueTrade():
                words.append(f"trade {fact.fill.fill_id}")
    return words


@pytest.fixture
def orders() -> ExternalOrders:
    return ExternalOrders()


def order(orders: ExternalOrders, status: int, remaining: int, **fields: Any) -> list[str]:
    return in_words(orders.take_order(order_update(status, remaining, **fields)))


def filled(orders: ExternalOrders, fill_id: str, size: int, **fields: Any) -> list[str]:
    return in_words(orders.take_fill(fill(fill_id, size, **fields), SIDE_BUY))


def test_an_order_opens_fills_and_closes(orders: ExternalOrders) -> None:
    assert order(orders, STATUS_OPEN, 10) == ["opened"]
    assert filled(orders, "F-1", 4) == ["filled F-1"]
    assert order(orders, STATUS_OPEN, 6) == []
    assert orders.find_filled("V-1") == 4
    assert order(orders, STATUS_CLOSED, 6) == ["closed"]
    assert order(orders, STATUS_CLOSED, 6) == []


def test_the_end_of_a_filled_order_is_told_by_its_fills(orders: ExternalOrders) -> None:
    assert order(orders, STATUS_OPEN, 10) == ["opened"]
    assert order(orders, STATUS_CLOSED, 0) == []
    assert orders.missing("V-1") == 10
    assert filled(orders, "F-1", 10) == ["filled F-1"]
    assert orders.missing("V-1") == 0


def test_an_end_waits_for_the_fills_before_it(orders: ExternalOrders) -> None:
    assert order(orders, STATUS_CLOSED, 4) == ["opened"]
    assert orders.is_owing("V-1")
    assert filled(orders, "F-1", 6) == ["filled F-1", "closed"]
    assert not orders.is_owing("V-1")


def test_fills_are_told_in_the_order_they_happened(orders: ExternalOrders) -> None:
    # The younger fill comes first, and the order's own numbers say that one is missing.
    assert order(orders, STATUS_OPEN, 2) == ["opened"]
    assert filled(orders, "F-2", 3, ts=60) == []
    assert orders.find_filled("V-1") == 0
    assert filled(orders, "F-1", 5, ts=50) == ["filled F-1", "filled F-2"]


def test_a_fill_waits_for_its_order(orders: ExternalOrders) -> None:
    assert filled(orders, "F-1", 4) == []
    assert orders.is_waiting_for_order("V-1")
    assert orders.find_filled("V-1") is None
    assert order(orders, STATUS_OPEN, 6) == ["opened", "filled F-1"]


def test_a_new_order_is_told_when_it_works_or_fills(orders: ExternalOrders) -> None:
    assert order(orders, STATUS_NEW, 10) == []
    assert order(orders, UNKNOWN, 10) == []
    assert filled(orders, "F-1", 10) == ["opened", "filled F-1"]
    assert order(orders, STATUS_NEW, 10, venue_id="V-2") == []
    assert order(orders, STATUS_CLOSED, 10, venue_id="V-2") == ["ended unseen"]


def test_what_the_venue_trades_for_the_account_has_no_order(orders: ExternalOrders) -> None:
    assert filled(orders, "F-1", 4, fill_type=FILL_LIQUIDATION) == ["trade F-1"]
    assert filled(orders, "F-2", 4, venue_id="") == ["trade F-2"]
    assert filled(orders, "F-3", 4, fill_type=FILL_RPI) == []
    assert orders.find_order("V-1") is None


def test_what_does_not_come_is_gone_without(orders: ExternalOrders) -> None:
    assert filled(orders, "F-1", 4) == []
    assert in_words(orders.go_without("V-1")) == ["trade F-1"]
    assert order(orders, STATUS_CLOSED, 4, venue_id="V-2") == ["opened"]
    assert filled(orders, "F-2", 3, venue_id="V-2") == []
    assert in_words(orders.go_without("V-2")) == ["filled F-2", "closed"]
    assert orders.go_without("V-3") == []
    # Late after all, it is told.
    assert filled(orders, "F-3", 3, venue_id="V-2") == ["filled F-3"]


def test_an_order_from_an_answer_goes_on_where_the_answer_ended(orders: ExternalOrders) -> None:
    orders.seed(order_update(STATUS_OPEN, 6), 4)
    assert orders.find_filled("V-1") == 4
    assert filled(orders, "F-2", 6) == ["filled F-2"]
    assert order(orders, STATUS_CLOSED, 0) == []
    orders.seed(order_update(STATUS_CLOSED, 6, venue_id="V-2"), 4)
    assert order(orders, STATUS_CLOSED, 6, venue_id="V-2") == []
    # The answer lagged behind its own order: the rest is still owed, then the end.
    orders.seed(order_update(STATUS_CLOSED, 2, venue_id="V-3"), 4)
    assert orders.missing("V-3") == 4
    assert filled(orders, "F-3", 4, venue_id="V-3") == ["filled F-3", "closed"]


def test_the_oldest_order_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(external_orders, "EXTERNAL_ORDERS_MAX", 2)
    orders = ExternalOrders()
    for venue_id in ("V-1", "V-2", "V-3"):
        assert order(orders, STATUS_OPEN, 10, venue_id=venue_id) == ["opened"]
    assert orders.find_order("V-1") is None
    assert orders.find_order("V-3") is not None


def test_the_side_is_the_accounts_own(orders: ExternalOrders) -> None:
    order(orders, STATUS_OPEN, 10)
    (fact,) = orders.take_fill(fill("F-1", 1, side=SIDE_BUY), SIDE_SELL)
    assert isinstance(fact, ExternalFilled)
    assert fact.side == SIDE_SELL


@pytest.mark.parametrize("change", [{"size": 12}, {"price": 61}, {"trigger_price": 62}])
def test_a_change_of_a_working_order_is_told_once(
    orders: ExternalOrders, change: dict[str, int]
) -> None:
    assert order(orders, STATUS_OPEN, 10) == ["opened"]
    assert order(orders, STATUS_OPEN, 10) == []
    assert filled(orders, "F-1", 4) == ["filled F-1"]
    size = change.get("size", 10)
    assert order(orders, STATUS_OPEN, size - 4, **change) == ["changed with 4 filled"]
    assert order(orders, STATUS_OPEN, size - 4, **change) == []
    # What is older than that is no news, nor is what an end says.
    assert order(orders, STATUS_OPEN, 6, ts=-1) == []
    assert order(orders, STATUS_CLOSED, 6, price=63) == ["closed"]


def test_a_trigger_is_told_once_and_before_the_fills(orders: ExternalOrders) -> None:
    assert order(orders, STATUS_UNTRIGGERED, 10) == ["opened"]
    assert order(orders, STATUS_NEW, 10) == []
    assert order(orders, STATUS_OPEN, 10) == ["changed with 0 filled"]
    # The other feed is a moment behind.
    assert order(orders, STATUS_UNTRIGGERED, 10) == []
    assert order(orders, STATUS_OPEN, 10) == []
    assert filled(orders, "F-1", 10) == ["filled F-1"]


def test_what_an_answer_told_is_no_change(orders: ExternalOrders) -> None:
    orders.seed(order_update(STATUS_UNTRIGGERED, 10), 0)
    assert order(orders, STATUS_UNTRIGGERED, 10) == []
    assert order(orders, STATUS_OPEN, 10) == ["changed with 0 filled"]
