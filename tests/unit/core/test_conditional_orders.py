"""Orders that wait for a trigger price: when the trigger is told, and changes of its price."""

import pytest

from paradex_adapter_core.events import OrderTriggered
from paradex_adapter_core.messages.orders import Fill, OrderUpdate
from paradex_adapter_core.order_lifecycle import CANCELED, CLOSING, FILLED, REJECTED, WORKING
from paradex_adapter_core.order_state import OrderState
from paradex_adapter_core.state_store import StateStore
from paradex_adapter_core.vocabulary import (
    FEED_REST,
    FEED_STREAM,
    INSTRUCTION_GTC,
    ORDER_LIMIT,
    ORDER_MARKET,
    ORDER_STOP_LIMIT,
    ORDER_STOP_LOSS_LIMIT,
    ORDER_STOP_LOSS_MARKET,
    ORDER_STOP_MARKET,
    ORDER_TAKE_PROFIT_LIMIT,
    ORDER_TAKE_PROFIT_MARKET,
    SIDE_BUY,
    STATUS_CLOSED,
    STATUS_NEW,
    STATUS_OPEN,
    STATUS_UNTRIGGERED,
)
from tests.account_messages import (
    ACCOUNT,
    MARKET,
    PRICE,
    TS_INIT,
    fill,
    in_words,
    order_update,
    track,
)

TRIGGER = PRICE - 90
LIMIT_KINDS = [ORDER_STOP_LIMIT, ORDER_TAKE_PROFIT_LIMIT, ORDER_STOP_LOSS_LIMIT]
MARKET_KINDS = [ORDER_STOP_MARKET, ORDER_TAKE_PROFIT_MARKET, ORDER_STOP_LOSS_MARKET]

ACCEPTED = "accepted O-1 as V-1"
TRIGGERED = "triggered O-1"
CLOSED_FIRST = "modify rejected O-1: the order closed before it was changed"
REFUSED = order_update(STATUS_CLOSED, seq_no=5, reason="NOT_ENOUGH_MARGIN", trigger_price=TRIGGER)
PARTIAL = order_update(STATUS_OPEN, 6, seq_no=6, trigger_price=TRIGGER)
FOUR = fill("F-4", 4)


def told(status: int, seq_no: int, *, feed: int = FEED_STREAM, ts: int = 0) -> OrderUpdate:
    """Return an update of the order, of which nothing is filled."""
    return order_update(status, seq_no=seq_no, feed=feed, ts=ts, trigger_price=TRIGGER)


NEW_1 = told(STATUS_NEW, 1)
UNTRIGGERED_2 = told(STATUS_UNTRIGGERED, 2)
NEW_3 = told(STATUS_NEW, 3)
OPEN_4 = told(STATUS_OPEN, 4)


@pytest.fixture
def store() -> StateStore:
    return StateStore(ACCOUNT)


@pytest.fixture
def stop(store: StateStore) -> OrderState:
    """Return a stop-limit order of ten, just sent."""
    return sent(store, ORDER_STOP_LIMIT)


def sent(store: StateStore, order_type: int) -> OrderState:
    price = None if order_type in MARKET_KINDS else PRICE
    return track(store, price=price, trigger_price=TRIGGER, order_type=order_type)


def apply(store: StateStore, *messages: OrderUpdate | Fill) -> list[str]:
    words: list[str] = []
    for message in messages:
        words += in_words(store.apply(message, TS_INIT))
    return words


class TestTriggering:
    @pytest.mark.parametrize("order_type", LIMIT_KINDS)
    def test_told_once_when_the_order_goes_to_the_book(
        self, store: StateStore, order_type: int
    ) -> None:
        order = sent(store, order_type)
        assert apply(store, NEW_1, UNTRIGGERED_2) == [ACCEPTED]
        assert (order.is_conditional, order.is_triggered) == (True, False)
        assert apply(store, NEW_3, OPEN_4, FOUR, PARTIAL) == [TRIGGERED, "fill F-4 of O-1"]
        assert (order.is_triggered, order.status) == (True, WORKING)

    @pytest.mark.parametrize("order_type", MARKET_KINDS)
    def test_never_told_of_a_market_kind_but_known(
        self, store: StateStore, order_type: int
    ) -> None:
        order = sent(store, order_type)
        assert apply(store, UNTRIGGERED_2, NEW_3) == [ACCEPTED]
        assert order.is_triggered

    @pytest.mark.parametrize("order_type", [ORDER_LIMIT, ORDER_MARKET])
    def test_other_orders_know_no_trigger(self, store: StateStore, order_type: int) -> None:
        order = track(store, order_type=order_type)
        plain = order_update(seq_no=2)
        assert apply(store, plain, FOUR) == [ACCEPTED, "fill F-4 of O-1"]
        assert (order.is_conditional, order.is_triggered) == (False, False)

    def test_its_time_and_venue_id(self, store: StateStore, stop: OrderState) -> None:
        apply(store, UNTRIGGERED_2)
        (event,) = store.apply(OPEN_4, TS_INIT)
        assert isinstance(event, OrderTriggered)
        assert (event.venue_order_id, event.ts_event) == ("V-1", 4)

    def test_open_without_word_of_the_waiting(self, store: StateStore, stop: OrderState) -> None:
        assert apply(store, OPEN_4) == [ACCEPTED, TRIGGERED]

    def test_a_fill_tells_it_first(self, store: StateStore, stop: OrderState) -> None:
        assert apply(store, UNTRIGGERED_2, FOUR) == [ACCEPTED, TRIGGERED, "fill F-4 of O-1"]
        assert apply(store, OPEN_4, PARTIAL) == []

    def test_a_fill_before_everything(self, store: StateStore, stop: OrderState) -> None:
        assert apply(store, FOUR) == [ACCEPTED, TRIGGERED, "fill F-4 of O-1"]

    def test_filled_though_still_new(self, store: StateStore, stop: OrderState) -> None:
        assert apply(store, order_update(STATUS_NEW, 6, seq_no=1)) == ["missing 4 of O-1"]
        assert not stop.is_triggered
        assert apply(store, FOUR) == [ACCEPTED, TRIGGERED, "fill F-4 of O-1"]

    def test_closed_in_one_go(self, store: StateStore, stop: OrderState) -> None:
        closed = order_update(STATUS_CLOSED, 0, seq_no=5, trigger_price=TRIGGER)
        assert apply(store, UNTRIGGERED_2, closed) == [ACCEPTED, TRIGGERED, "missing 10 of O-1"]
        assert stop.status == CLOSING
        assert apply(store, fill("F-10", 10)) == ["fill F-10 of O-1"]
        assert stop.status == FILLED


class TestWaiting:
    def test_waiting_told_late_is_no_contradiction(
        self, store: StateStore, stop: OrderState
    ) -> None:
        by_rest = told(STATUS_UNTRIGGERED, 1, feed=FEED_REST, ts=2)
        assert apply(store, OPEN_4, UNTRIGGERED_2, by_rest) == [ACCEPTED, TRIGGERED]
        assert stop.is_triggered

    def test_waiting_told_after_the_end(self, store: StateStore, stop: OrderState) -> None:
        by_rest = told(STATUS_UNTRIGGERED, 1, feed=FEED_REST, ts=2)
        assert apply(store, UNTRIGGERED_2, REFUSED, by_rest)[1:] == [
            "canceled O-1: NOT_ENOUGH_MARGIN"
        ]

    @pytest.mark.parametrize("ts", [1, 2, 9])
    def test_the_first_new_behind_its_time_by_the_other_feed(
        self, store: StateStore, stop: OrderState, ts: int
    ) -> None:
        assert apply(store, UNTRIGGERED_2, told(STATUS_NEW, 7, feed=FEED_REST, ts=ts)) == [ACCEPTED]
        assert apply(store, told(STATUS_NEW, 0, ts=ts)) == []
        assert not stop.is_triggered

    def test_the_first_new_behind_its_time_by_the_same_feed(
        self, store: StateStore, stop: OrderState
    ) -> None:
        assert apply(store, UNTRIGGERED_2, NEW_1) == [ACCEPTED]
        assert not stop.is_triggered

    def test_a_word_not_known_triggers_nothing(self, store: StateStore, stop: OrderState) -> None:
        assert apply(store, UNTRIGGERED_2, told(0, 3)) == [ACCEPTED]
        assert not stop.is_triggered

    @pytest.mark.parametrize("order_type", [*LIMIT_KINDS, *MARKET_KINDS])
    def test_canceled_while_waiting(self, store: StateStore, order_type: int) -> None:
        order = sent(store, order_type)
        closed = order_update(STATUS_CLOSED, seq_no=5, reason="USER_CANCELED")
        assert apply(store, UNTRIGGERED_2, closed) == [ACCEPTED, "canceled O-1: USER_CANCELED"]
        assert (order.status, order.is_triggered) == (CANCELED, False)

    @pytest.mark.parametrize("order_type", MARKET_KINDS)
    def test_refused_by_risk_after_the_trigger(self, store: StateStore, order_type: int) -> None:
        sent(store, order_type)
        assert apply(store, UNTRIGGERED_2, NEW_3, REFUSED) == [
            ACCEPTED,
            "canceled O-1: NOT_ENOUGH_MARGIN",
        ]

    def test_refused_before_it_waited(self, store: StateStore, stop: OrderState) -> None:
        assert apply(store, NEW_1, REFUSED) == ["rejected O-1: NOT_ENOUGH_MARGIN"]
        assert stop.status == REJECTED

    def test_a_late_fill_after_the_end_tells_no_trigger(
        self, store: StateStore, stop: OrderState
    ) -> None:
        apply(store, UNTRIGGERED_2, REFUSED)
        assert apply(store, FOUR) == ["fill F-4 of O-1", "contradiction of O-1"]
        assert stop.is_triggered

    def test_the_venue_may_resize_it_to_the_position(self, store: StateStore) -> None:
        order = sent(store, ORDER_STOP_LOSS_MARKET)
        smaller = order_update(STATUS_UNTRIGGERED, 3, size=3, seq_no=3, trigger_price=TRIGGER)
        assert apply(store, UNTRIGGERED_2, smaller) == [ACCEPTED, "changed O-1"]
        assert order.size == 3


class TestReportsAndRestarts:
    def test_a_fill_told_by_a_report_takes_the_trigger_as_told(
        self, store: StateStore, stop: OrderState
    ) -> None:
        apply(store, UNTRIGGERED_2)
        assert store.mark_told(FOUR) == []
        assert stop.is_triggered
        assert apply(store, OPEN_4, PARTIAL) == []

    @staticmethod
    def restore(
        store: StateStore, is_triggered: bool, filled: int = 0, order_type: int = ORDER_STOP_LIMIT
    ) -> OrderState:
        return store.restore_order(
            "O-1",
            "V-1",
            MARKET,
            SIDE_BUY,
            order_type,
            INSTRUCTION_GTC,
            10,
            PRICE,
            TRIGGER,
            0,
            TS_INIT,
            is_accepted=True,
            filled=filled,
            fills=[],
            is_triggered=is_triggered,
        )

    def test_what_an_earlier_run_told_is_not_told_again(self, store: StateStore) -> None:
        order = self.restore(store, is_triggered=True)
        assert apply(store, OPEN_4) == []
        assert order.is_triggered

    def test_triggered_while_away(self, store: StateStore) -> None:
        order = self.restore(store, is_triggered=False)
        assert apply(store, NEW_3) == []
        assert not order.is_triggered
        assert apply(store, OPEN_4) == [TRIGGERED]

    def test_what_filled_was_triggered(self, store: StateStore) -> None:
        assert self.restore(store, is_triggered=False, filled=4).is_triggered

    def test_other_orders_never_are(self, store: StateStore) -> None:
        assert not self.restore(store, True, 4, order_type=ORDER_LIMIT).is_triggered


class TestChanges:
    @staticmethod
    def changed(
        seq_no: int, *, size: int = 10, price: int | None = PRICE, trigger_price: int = TRIGGER
    ) -> OrderUpdate:
        return order_update(
            STATUS_UNTRIGGERED,
            size,
            size=size,
            seq_no=seq_no,
            price=price,
            trigger_price=trigger_price,
        )

    def test_over_when_all_is_as_asked_for(self, store: StateStore, stop: OrderState) -> None:
        apply(store, UNTRIGGERED_2)
        store.change_order("O-1", 20, PRICE + 5, TRIGGER + 5)
        assert apply(store, self.changed(3, size=20, price=PRICE + 5)) == ["changed O-1"]
        assert stop.changing_size == 20
        asked = self.changed(4, size=20, price=PRICE + 5, trigger_price=TRIGGER + 5)
        assert apply(store, asked) == ["changed O-1"]
        assert in_words(store.refuse_change("O-1", "late", 1)) == []

    def test_a_price_not_there_yet(self, store: StateStore, stop: OrderState) -> None:
        apply(store, UNTRIGGERED_2)
        store.change_order("O-1", 10, PRICE + 5, TRIGGER + 5)
        assert apply(store, self.changed(3, trigger_price=TRIGGER + 5)) == ["changed O-1"]
        assert stop.changing_size == 10

    def test_a_market_kind_has_no_price_to_wait_for(self, store: StateStore) -> None:
        order = sent(store, ORDER_STOP_MARKET)
        apply(store, UNTRIGGERED_2)
        store.change_order("O-1", 10, 0, TRIGGER + 5)
        assert (order.changing_price, order.changing_trigger_price) == (None, TRIGGER + 5)
        asked = self.changed(3, price=None, trigger_price=TRIGGER + 5)
        assert apply(store, asked) == ["changed O-1"]
        assert (order.changing_size, order.price) == (0, None)

    def test_of_a_triggered_order_as_of_a_limit_order(
        self, store: StateStore, stop: OrderState
    ) -> None:
        apply(store, UNTRIGGERED_2, OPEN_4)
        store.change_order("O-1", 10, PRICE + 5, None)
        moved = order_update(seq_no=5, price=PRICE + 5, trigger_price=TRIGGER)
        assert apply(store, moved) == ["changed O-1"]
        assert stop.changing_size == 0

    def test_a_fill_of_all_of_it_rejects_a_change_first(self, store: StateStore) -> None:
        sent(store, ORDER_STOP_MARKET)
        apply(store, UNTRIGGERED_2)
        store.change_order("O-1", 10, None, TRIGGER + 5)
        assert apply(store, fill("F-10", 10)) == [CLOSED_FIRST, "fill F-10 of O-1"]

    @pytest.mark.parametrize(
        ("order_type", "price"), [(ORDER_STOP_LIMIT, PRICE + 5), (ORDER_STOP_MARKET, None)]
    )
    def test_a_fill_of_more_than_it_was_tells_the_change_first(
        self, store: StateStore, order_type: int, price: int | None
    ) -> None:
        order = sent(store, order_type)
        apply(store, UNTRIGGERED_2)
        store.change_order("O-1", 20, price, TRIGGER + 5)
        heard = apply(store, fill("F-15", 15))
        assert [word for word in heard if word != TRIGGERED] == ["changed O-1", "fill F-15 of O-1"]
        assert (order.size, order.price, order.trigger_price) == (20, price, TRIGGER + 5)
        assert order.changing_size == 0

    def test_a_close_rejects_it_before_the_end(self, store: StateStore, stop: OrderState) -> None:
        apply(store, UNTRIGGERED_2)
        store.change_order("O-1", 10, PRICE, TRIGGER + 5)
        closed = order_update(STATUS_CLOSED, seq_no=5, trigger_price=TRIGGER)
        assert apply(store, closed) == [CLOSED_FIRST, "canceled O-1: "]


class TestCutToThePosition:
    """The venue makes what closes a position no larger than it, when it is triggered."""

    def cut(self, seq_no: int, remaining: int, status: int = STATUS_CLOSED) -> OrderUpdate:
        return order_update(status, remaining, size=4, seq_no=seq_no, trigger_price=TRIGGER)

    def test_told_when_it_is_triggered(self, store: StateStore) -> None:
        order = sent(store, ORDER_TAKE_PROFIT_MARKET)
        news = apply(store, UNTRIGGERED_2, self.cut(3, 4, STATUS_NEW), FOUR, self.cut(4, 0))
        assert news == [ACCEPTED, "changed O-1", "fill F-4 of O-1"]
        assert (order.size, order.status) == (4, FILLED)

    def test_told_by_its_end_before_the_fills_that_are_missing(self, store: StateStore) -> None:
        order = sent(store, ORDER_TAKE_PROFIT_MARKET)
        news = apply(store, UNTRIGGERED_2, self.cut(4, 0), FOUR)
        assert news == [ACCEPTED, "changed O-1", "missing 4 of O-1", "fill F-4 of O-1"]
        assert (order.size, order.status) == (4, FILLED)

    def test_told_by_its_end_alone(self, store: StateStore) -> None:
        sent(store, ORDER_TAKE_PROFIT_MARKET)
        news = apply(store, UNTRIGGERED_2, self.cut(4, 4))
        assert news == [ACCEPTED, "changed O-1", "canceled O-1: "]

    def test_told_as_a_cancel_where_the_fills_came_first(self, store: StateStore) -> None:
        order = sent(store, ORDER_TAKE_PROFIT_MARKET)
        news = apply(store, UNTRIGGERED_2, FOUR, self.cut(4, 0), self.cut(4, 0))
        assert news == [ACCEPTED, "fill F-4 of O-1", "canceled O-1: "]
        assert (order.status, order.is_open) == (FILLED, False)
