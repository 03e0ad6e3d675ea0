"""The store: what each message of the account tells, in every order the venue may send it."""

import pytest

from paradex_adapter_core.account_state import AccountState
from paradex_adapter_core.events import (
    Contradiction,
    FillApplied,
    FillsMissing,
    OrderAccepted,
    OrderCanceled,
    OrderChanged,
    OrderRejected,
)
from paradex_adapter_core.messages.account import Balance
from paradex_adapter_core.order_lifecycle import (
    CANCELED,
    CLOSING,
    EXPIRED,
    FILLED,
    QUEUED,
    REJECTED,
    SENT,
    WORKING,
)
from paradex_adapter_core.order_state import OrderState
from paradex_adapter_core.state_store import StateStore
from paradex_adapter_core.vocabulary import (
    FEED_REST,
    FEED_STREAM,
    FILL_LIQUIDATION,
    FILL_ORDINARY,
    FILL_RPI,
    FILL_SETTLE_MARKET,
    FILL_UNWIND_TRANSFER,
    INSTRUCTION_GTC,
    ORDER_LIMIT,
    ORDER_MARKET,
    ORDER_STOP_LIMIT,
    ORDER_STOP_MARKET,
    REQUEST_PENDING,
    REQUEST_REJECTED,
    SIDE_BUY,
    SIDE_SELL,
    STATUS_CLOSED,
    STATUS_NEW,
    STATUS_OPEN,
    STATUS_UNTRIGGERED,
    UNKNOWN,
)
from tests.account_messages import (
    ACCOUNT,
    MARKET,
    PRICE,
    TS_INIT,
    account_summary,
    fill,
    in_words,
    order_update,
    position,
    track,
)


@pytest.fixture
def store() -> StateStore:
    return StateStore(ACCOUNT)


@pytest.fixture
def order(store: StateStore) -> OrderState:
    """Return an order of ten, just sent."""
    return track(store)


def apply(store: StateStore, *messages: object) -> list[str]:
    """Apply the messages in turn and return everything told, in words."""
    words: list[str] = []
    for message in messages:
        words += in_words(store.apply(message, TS_INIT))  # type: ignore[arg-type]
    return words


NEW_1 = order_update(STATUS_NEW, 10, seq_no=1)
OPEN_2 = order_update(STATUS_OPEN, 10, seq_no=2)
PARTIAL_3 = order_update(STATUS_OPEN, 6, seq_no=3)
FILLED_4 = order_update(STATUS_CLOSED, 0, seq_no=4)
CANCELED_4 = order_update(STATUS_CLOSED, 6, seq_no=4, reason="USER_CANCELED")
FOUR = fill("F-4", 4)
SIX = fill("F-6", 6)


class TestLife:
    def test_new_records_the_venue_id_and_tells_nobody(
        self, store: StateStore, order: OrderState
    ) -> None:
        assert order.status == SENT
        assert apply(store, NEW_1) == []
        assert order.status == QUEUED
        assert order.venue_order_id == "V-1"
        assert store.find_order_by_venue_id("V-1") is order

    @pytest.mark.parametrize("status", [STATUS_OPEN, STATUS_UNTRIGGERED])
    def test_accepted_once_when_it_works(
        self, store: StateStore, order: OrderState, status: int
    ) -> None:
        told = apply(
            store, NEW_1, order_update(status, seq_no=2), order_update(STATUS_OPEN, seq_no=3)
        )
        assert told == ["accepted O-1 as V-1"]
        assert order.status == WORKING

    def test_fills_then_closed(self, store: StateStore, order: OrderState) -> None:
        told = apply(store, NEW_1, OPEN_2, FOUR, PARTIAL_3, SIX, FILLED_4)
        assert told == ["accepted O-1 as V-1", "fill F-4 of O-1", "fill F-6 of O-1"]
        assert (order.status, order.filled, order.missing) == (FILLED, 10, 0)
        assert store.open_orders() == []

    def test_fills_alone_close_nothing(self, store: StateStore, order: OrderState) -> None:
        apply(store, OPEN_2, FOUR, SIX)
        assert (order.status, order.filled, order.is_open) == (WORKING, 10, True)

    def test_fill_before_any_update(self, store: StateStore, order: OrderState) -> None:
        told = apply(store, FOUR, NEW_1, OPEN_2)
        assert told == ["accepted O-1 as V-1", "fill F-4 of O-1"]
        assert (order.status, order.venue_order_id) == (WORKING, "V-1")

    def test_fill_known_by_its_venue_id_alone(self, store: StateStore, order: OrderState) -> None:
        told = apply(store, NEW_1, fill("F-4", 4, client_id=""))
        assert told == ["accepted O-1 as V-1", "fill F-4 of O-1"]

    def test_update_known_by_its_client_id_alone(
        self, store: StateStore, order: OrderState
    ) -> None:
        apply(store, NEW_1)
        assert apply(store, order_update(STATUS_OPEN, seq_no=2, venue_id="")) == [
            "accepted O-1 as V-1"
        ]

    def test_canceled_untouched(self, store: StateStore, order: OrderState) -> None:
        closed = order_update(STATUS_CLOSED, 10, seq_no=3, reason="USER_CANCELED")
        assert apply(store, OPEN_2, closed) == [
            "accepted O-1 as V-1",
            "canceled O-1: USER_CANCELED",
        ]
        assert order.status == CANCELED

    def test_canceled_before_it_was_seen_working(
        self, store: StateStore, order: OrderState
    ) -> None:
        closed = order_update(STATUS_CLOSED, 10, seq_no=3, reason="USER_CANCELED")
        assert apply(store, closed) == ["accepted O-1 as V-1", "canceled O-1: USER_CANCELED"]

    def test_partly_filled_then_canceled(self, store: StateStore, order: OrderState) -> None:
        assert apply(store, OPEN_2, FOUR, PARTIAL_3, CANCELED_4) == [
            "accepted O-1 as V-1",
            "fill F-4 of O-1",
            "canceled O-1: USER_CANCELED",
        ]
        assert (order.status, order.filled) == (CANCELED, 4)

    def test_immediate_or_cancel_partly_filled(self, store: StateStore, order: OrderState) -> None:
        closed = order_update(STATUS_CLOSED, 6, seq_no=2, reason="REMAINING_IOC_CANCEL")
        assert apply(store, FOUR, closed) == [
            "accepted O-1 as V-1",
            "fill F-4 of O-1",
            "canceled O-1: REMAINING_IOC_CANCEL",
        ]

    def test_expired(self, store: StateStore, order: OrderState) -> None:
        closed = order_update(STATUS_CLOSED, 10, seq_no=3, reason="ASSET_EXPIRED")
        assert apply(store, OPEN_2, closed) == ["accepted O-1 as V-1", "expired O-1: ASSET_EXPIRED"]
        assert order.status == EXPIRED

    @pytest.mark.parametrize(
        ("reason", "told"),
        [
            ("NOT_ENOUGH_MARGIN", "rejected O-1: NOT_ENOUGH_MARGIN"),
            ("POST_ONLY_WOULD_CROSS", "rejected O-1: POST_ONLY_WOULD_CROSS (post-only)"),
        ],
    )
    def test_rejected_by_the_engine(
        self, store: StateStore, order: OrderState, reason: str, told: str
    ) -> None:
        closed = order_update(STATUS_CLOSED, 10, seq_no=2, reason=reason)
        assert apply(store, NEW_1, closed) == [told]
        assert order.status == REJECTED
        assert store.open_orders() == []

    def test_a_working_order_is_never_rejected(self, store: StateStore, order: OrderState) -> None:
        closed = order_update(STATUS_CLOSED, 10, seq_no=3, reason="SELF_TRADE")
        assert apply(store, OPEN_2, closed)[1:] == ["canceled O-1: SELF_TRADE"]

    def test_unknown_status_word_is_heard_and_no_more(
        self, store: StateStore, order: OrderState
    ) -> None:
        assert apply(store, order_update(UNKNOWN, seq_no=1)) == []
        assert order.status == QUEUED
        assert apply(store, OPEN_2, order_update(UNKNOWN, seq_no=3)) == ["accepted O-1 as V-1"]
        assert order.status == WORKING

    def test_time_of_receipt_where_the_venue_tells_none(
        self, store: StateStore, order: OrderState
    ) -> None:
        (event,) = store.apply(order_update(STATUS_OPEN), TS_INIT)
        assert isinstance(event, OrderAccepted)
        assert event.ts_event == TS_INIT


class TestHeldEnd:
    def test_the_end_waits_for_the_fills(self, store: StateStore, order: OrderState) -> None:
        told = apply(store, OPEN_2, CANCELED_4)
        assert told == ["accepted O-1 as V-1", "missing 4 of O-1"]
        assert (order.status, order.missing, order.is_open) == (CLOSING, 4, True)
        assert apply(store, fill("F-1", 1)) == ["fill F-1 of O-1"]
        assert order.missing == 3
        assert apply(store, fill("F-3", 3)) == ["fill F-3 of O-1", "canceled O-1: USER_CANCELED"]
        assert order.status == CANCELED

    def test_the_end_keeps_its_own_time(self, store: StateStore, order: OrderState) -> None:
        apply(store, CANCELED_4)
        *_, canceled = store.apply(fill("F-4", 4, ts=99), TS_INIT)
        assert isinstance(canceled, OrderCanceled)
        assert canceled.ts_event == 4

    def test_filled_waits_too_and_ends_without_an_event(
        self, store: StateStore, order: OrderState
    ) -> None:
        assert apply(store, FILLED_4) == ["accepted O-1 as V-1", "missing 10 of O-1"]
        assert apply(store, FOUR) == ["fill F-4 of O-1"]
        assert order.status == CLOSING
        assert apply(store, SIX) == ["fill F-6 of O-1"]
        assert order.status == FILLED

    def test_missing_is_told_with_all_that_is_needed_to_ask(
        self, store: StateStore, order: OrderState
    ) -> None:
        event = store.apply(CANCELED_4, TS_INIT)[-1]
        assert isinstance(event, FillsMissing)
        assert (event.venue_order_id, event.market, event.ts_event) == ("V-1", MARKET, 4)

    def test_missing_is_told_of_a_working_order_once_per_step(
        self, store: StateStore, order: OrderState
    ) -> None:
        again = order_update(STATUS_OPEN, 6, seq_no=4)
        further = order_update(STATUS_OPEN, 3, seq_no=5)
        told = apply(store, OPEN_2, PARTIAL_3, again, further)
        assert told[1:] == ["missing 4 of O-1", "missing 7 of O-1"]
        assert apply(store, fill("F-7", 7)) == ["fill F-7 of O-1"]
        assert order.missing == 0

    def test_the_close_asks_again_for_what_was_missing_before(
        self, store: StateStore, order: OrderState
    ) -> None:
        assert apply(store, OPEN_2, PARTIAL_3, CANCELED_4)[1:] == ["missing 4 of O-1"] * 2

    def test_released_when_there_are_no_more_fills(
        self, store: StateStore, order: OrderState
    ) -> None:
        apply(store, OPEN_2, CANCELED_4, fill("F-1", 1))
        assert in_words(store.release_terminal("O-1")) == [
            "contradiction of O-1",
            "canceled O-1: USER_CANCELED",
        ]
        assert store.open_orders() == []
        assert store.release_terminal("O-1") == []

    def test_a_release_of_a_filled_order_tells_only_that_it_does_not_add_up(
        self, store: StateStore, order: OrderState
    ) -> None:
        apply(store, OPEN_2, FILLED_4)
        assert in_words(store.release_terminal("O-1")) == ["contradiction of O-1"]
        assert order.status == FILLED

    def test_nothing_to_release(self, store: StateStore, order: OrderState) -> None:
        apply(store, OPEN_2)
        assert store.release_terminal("O-1") == []
        assert store.release_terminal("O-unknown") == []
        assert order.status == WORKING

    def test_a_fill_after_the_release_is_still_told(
        self, store: StateStore, order: OrderState
    ) -> None:
        apply(store, OPEN_2, CANCELED_4)
        store.release_terminal("O-1")
        assert apply(store, FOUR) == ["fill F-4 of O-1"]
        assert (order.status, order.filled) == (CANCELED, 4)

    def test_two_closes_of_which_the_second_tells_more(
        self, store: StateStore, order: OrderState
    ) -> None:
        told = apply(store, OPEN_2, CANCELED_4, order_update(STATUS_CLOSED, 0, seq_no=5))
        assert told[1:] == ["missing 4 of O-1", "missing 10 of O-1"]
        assert apply(store, FOUR, SIX) == ["fill F-4 of O-1", "fill F-6 of O-1"]
        assert order.status == FILLED

    def test_a_second_close_that_tells_more_after_the_end(
        self, store: StateStore, order: OrderState
    ) -> None:
        apply(store, OPEN_2, FOUR, CANCELED_4)
        later = order_update(STATUS_CLOSED, 5, seq_no=5, reason="USER_CANCELED")
        assert apply(store, later) == ["missing 1 of O-1"]
        assert apply(store, fill("F-1", 1)) == ["fill F-1 of O-1"]
        assert order.status == CANCELED


class TestDuplicatesAndOrder:
    def test_the_same_message_twice_is_told_once(
        self, store: StateStore, order: OrderState
    ) -> None:
        messages = [NEW_1, OPEN_2, FOUR, PARTIAL_3, CANCELED_4]
        doubled = [message for message in messages for _ in range(2)]
        assert apply(store, *doubled) == [
            "accepted O-1 as V-1",
            "fill F-4 of O-1",
            "canceled O-1: USER_CANCELED",
        ]
        assert apply(store, *messages) == []

    def test_new_after_open(self, store: StateStore, order: OrderState) -> None:
        assert apply(store, OPEN_2, NEW_1) == ["accepted O-1 as V-1"]
        assert order.status == WORKING

    def test_stale_update_of_the_feed_is_dropped(
        self, store: StateStore, order: OrderState
    ) -> None:
        cheaper = order_update(STATUS_OPEN, 6, seq_no=2, price=PRICE - 1)
        told = apply(store, PARTIAL_3, cheaper, OPEN_2)
        assert told == ["accepted O-1 as V-1", "missing 4 of O-1"]
        assert order.price == PRICE

    def test_a_close_counts_in_whatever_order_it_comes(
        self, store: StateStore, order: OrderState
    ) -> None:
        late = order_update(STATUS_OPEN, 6, seq_no=9)
        assert apply(store, FOUR, late, CANCELED_4)[-1] == "canceled O-1: USER_CANCELED"
        assert apply(store, OPEN_2, late) == []

    def test_sequence_numbers_mean_nothing_across_feeds(
        self, store: StateStore, order: OrderState
    ) -> None:
        rest = order_update(STATUS_OPEN, 6, seq_no=900, feed=FEED_REST, ts=3)
        assert apply(store, rest, FOUR, CANCELED_4) == [
            "accepted O-1 as V-1",
            "missing 4 of O-1",
            "fill F-4 of O-1",
            "canceled O-1: USER_CANCELED",
        ]

    def test_new_told_before_and_after_a_fill_of_the_same_moment(
        self, store: StateStore, order: OrderState
    ) -> None:
        rest = order_update(STATUS_NEW, 9, seq_no=501, feed=FEED_REST, ts=3)
        stream = order_update(STATUS_NEW, 10, seq_no=1, ts=3)
        assert in_words(store.apply(rest, TS_INIT)) == ["missing 1 of O-1"]
        assert store.apply(stream, TS_INIT) == []
        assert order.told_filled == 1

    def test_stale_answers_of_rest_are_dropped(self, store: StateStore, order: OrderState) -> None:
        newer = order_update(STATUS_OPEN, 10, seq_no=9, feed=FEED_REST, ts=9, price=PRICE + 1)
        older = order_update(STATUS_OPEN, 10, seq_no=8, feed=FEED_REST, ts=8)
        assert apply(store, newer, older) == ["accepted O-1 as V-1", "changed O-1"]
        assert order.price == PRICE + 1

    def test_snapshot_older_than_the_stream(self, store: StateStore, order: OrderState) -> None:
        apply(store, OPEN_2, FOUR, PARTIAL_3)
        older = order_update(STATUS_OPEN, 10, feed=FEED_REST, ts=2, price=PRICE + 1)
        assert apply(store, older) == []
        assert (order.filled, order.price) == (4, PRICE)

    def test_open_snapshot_from_before_the_close(
        self, store: StateStore, order: OrderState
    ) -> None:
        apply(store, OPEN_2, FOUR, CANCELED_4)
        assert apply(store, order_update(STATUS_OPEN, 6, feed=FEED_REST, ts=3)) == []
        assert order.status == CANCELED

    def test_stream_behind_a_close_told_by_rest(self, store: StateStore, order: OrderState) -> None:
        closed = order_update(
            STATUS_CLOSED, 6, seq_no=77, feed=FEED_REST, ts=4, reason="USER_CANCELED"
        )
        apply(store, FOUR, closed)
        assert apply(store, NEW_1, OPEN_2, PARTIAL_3, CANCELED_4) == []

    def test_answer_without_number_twice(self, store: StateStore, order: OrderState) -> None:
        answer = order_update(STATUS_OPEN, 6, feed=FEED_REST, ts=3)
        assert apply(store, answer, answer) == ["accepted O-1 as V-1", "missing 4 of O-1"]


class TestContradictions:
    @pytest.mark.parametrize(
        ("size", "remaining"), [(10, -1), (10, 11), (-10, -10), (0, -1), (-1, 0)]
    )
    def test_impossible_quantities(
        self, store: StateStore, order: OrderState, size: int, remaining: int
    ) -> None:
        lie = order_update(STATUS_OPEN, remaining, size=size, seq_no=1)
        assert apply(store, lie) == ["contradiction of O-1"]
        assert (order.status, order.told_filled, order.size) == (SENT, 0, 10)

    def test_work_after_the_close(self, store: StateStore, order: OrderState) -> None:
        apply(store, OPEN_2, FOUR, CANCELED_4)
        assert apply(store, order_update(STATUS_OPEN, 6, seq_no=5)) == ["contradiction of O-1"]
        from_rest = order_update(STATUS_OPEN, 6, feed=FEED_REST, ts=9)
        assert apply(store, from_rest) == ["contradiction of O-1"]
        assert order.status == CANCELED

    def test_filled_quantity_that_falls(self, store: StateStore, order: OrderState) -> None:
        # So looks a busted trade.
        apply(store, OPEN_2, FOUR, PARTIAL_3)
        (event,) = store.apply(order_update(STATUS_OPEN, 8, seq_no=4), TS_INIT)
        assert isinstance(event, Contradiction)
        assert (event.client_order_id, event.venue_order_id) == ("O-1", "V-1")
        assert event.held == "WORKING, 4 of 10 filled"
        assert event.told == "status 3, 8 of 10 remaining"
        assert (order.filled, order.told_filled) == (4, 4)

    def test_closed_with_less_than_was_counted(self, store: StateStore, order: OrderState) -> None:
        apply(store, OPEN_2, fill("F-5", 5))
        assert apply(store, CANCELED_4) == ["contradiction of O-1", "canceled O-1: USER_CANCELED"]

    def test_a_contradiction_told_again_is_no_news(
        self, store: StateStore, order: OrderState
    ) -> None:
        apply(store, OPEN_2, fill("F-5", 5), CANCELED_4)
        assert apply(store, CANCELED_4) == []

    def test_work_after_the_close_at_the_same_time(
        self, store: StateStore, order: OrderState
    ) -> None:
        apply(store, OPEN_2, FOUR, CANCELED_4)
        same_time = order_update(STATUS_OPEN, 6, seq_no=5, ts=4)
        assert apply(store, same_time) == ["contradiction of O-1"]

    def test_more_filled_than_the_size_is_still_told(
        self, store: StateStore, order: OrderState
    ) -> None:
        told = apply(store, OPEN_2, FOUR, fill("F-7", 7))
        assert told == [
            "accepted O-1 as V-1",
            "fill F-4 of O-1",
            "fill F-7 of O-1",
            "contradiction of O-1",
        ]
        assert order.filled == 11

    def test_more_filled_than_the_close_told_is_still_told(
        self, store: StateStore, order: OrderState
    ) -> None:
        apply(store, OPEN_2, FOUR, CANCELED_4)
        assert apply(store, fill("F-1", 1)) == ["fill F-1 of O-1", "contradiction of O-1"]

    def test_fill_of_a_rejected_order_is_still_told(
        self, store: StateStore, order: OrderState
    ) -> None:
        apply(store, order_update(STATUS_CLOSED, 10, seq_no=2, reason="NOT_ENOUGH_MARGIN"))
        assert apply(store, FOUR) == ["fill F-4 of O-1", "contradiction of O-1"]
        assert order.status == REJECTED

    @pytest.mark.parametrize("size", [0, -4])
    def test_fill_of_nothing_or_less(self, store: StateStore, order: OrderState, size: int) -> None:
        assert apply(store, OPEN_2, fill("F-0", size))[1:] == ["contradiction of others"]
        assert order.filled == 0
        # Not admitted: the id is free for the fill that tells the truth.
        assert apply(store, fill("F-0", 4)) == ["fill F-0 of O-1"]


class TestRefusal:
    def test_refused(self, store: StateStore, order: OrderState) -> None:
        (event,) = store.refuse_order("O-1", "POST_ONLY", True, 7)
        assert isinstance(event, OrderRejected)
        assert (event.reason, event.due_post_only, event.ts_event) == ("POST_ONLY", True, 7)
        assert order.status == REJECTED
        assert store.open_orders() == []

    def test_refused_twice_or_unknown(self, store: StateStore, order: OrderState) -> None:
        store.refuse_order("O-1", "no", False, 7)
        assert store.refuse_order("O-1", "no", False, 8) == []
        assert store.refuse_order("O-unknown", "no", False, 8) == []

    @pytest.mark.parametrize("known_by", [NEW_1, OPEN_2, FOUR])
    def test_an_order_the_venue_holds_is_not_refused(
        self, store: StateStore, order: OrderState, known_by: object
    ) -> None:
        apply(store, known_by)
        assert in_words(store.refuse_order("O-1", "DUPLICATED_CLIENT_ID", False, 7)) == [
            "contradiction of O-1"
        ]
        assert order.status != REJECTED

    def test_refused_order_that_works_after_all(self, store: StateStore, order: OrderState) -> None:
        store.refuse_order("O-1", "no", False, 7)
        # Whether it is the same order or another's under its id: the engine has closed its own.
        news = apply(store, OPEN_2)
        assert [words.split(":")[0] for words in news] == ["external V-1", "contradiction of O-1"]
        assert apply(store, FOUR)[0].startswith("fill")
        assert order.status == REJECTED
        assert order.filled == 0

    def test_refused_order_closed_by_the_engine_as_well(
        self, store: StateStore, order: OrderState
    ) -> None:
        store.refuse_order("O-1", "no", False, 7)
        assert apply(store, order_update(STATUS_CLOSED, 10, seq_no=2)) == []
        assert order.status == REJECTED


class TestChanges:
    def test_modified_size_and_price(self, store: StateStore, order: OrderState) -> None:
        apply(store, OPEN_2, FOUR, PARTIAL_3)
        update = order_update(STATUS_OPEN, 16, size=20, seq_no=4, price=PRICE + 5)
        (event,) = store.apply(update, TS_INIT)
        assert isinstance(event, OrderChanged)
        assert (event.size, event.price, event.venue_order_id) == (20, PRICE + 5, "V-1")
        assert (order.size, order.price, order.filled) == (20, PRICE + 5, 4)

    def test_both_feeds_tell_one_change(self, store: StateStore, order: OrderState) -> None:
        apply(store, OPEN_2)
        by_rest = order_update(STATUS_OPEN, seq_no=55, feed=FEED_REST, ts=3, price=PRICE + 5)
        by_stream = order_update(STATUS_OPEN, seq_no=3, price=PRICE + 5)
        assert apply(store, by_rest, by_stream) == ["changed O-1"]

    def test_at_the_same_time_the_stream_wins(self, store: StateStore, order: OrderState) -> None:
        by_rest = order_update(STATUS_OPEN, seq_no=55, feed=FEED_REST, ts=3, price=PRICE + 5)
        by_stream = order_update(STATUS_OPEN, seq_no=3, price=PRICE)
        apply(store, by_stream, by_rest)
        assert order.price == PRICE

    def test_two_changes_at_the_same_time(self, store: StateStore, order: OrderState) -> None:
        first = order_update(seq_no=3, ts=3, price=PRICE + 1)
        second = order_update(seq_no=4, ts=3, price=PRICE + 2)
        assert apply(store, OPEN_2, first, second)[1:] == ["changed O-1"] * 2
        assert order.price == PRICE + 2

    def test_terms_of_the_first_update_that_differ_from_those_sent(
        self, store: StateStore, order: OrderState
    ) -> None:
        # So does the venue cap a take-profit order to the position.
        capped = order_update(STATUS_NEW, 7, size=7, seq_no=1)
        assert apply(store, capped) == []
        assert apply(store, order_update(STATUS_UNTRIGGERED, 7, size=7, seq_no=2)) == [
            "accepted O-1 as V-1",
            "changed O-1",
        ]
        assert order.size == 7

    def test_a_close_tells_the_size_it_closed_with(
        self, store: StateStore, order: OrderState
    ) -> None:
        # An earlier run asked for it and did not hear the outcome.
        apply(store, OPEN_2)
        closed = order_update(STATUS_CLOSED, 9, size=9, seq_no=3, reason="USER_CANCELED")
        assert apply(store, closed) == ["changed O-1", "canceled O-1: USER_CANCELED"]
        assert order.size == 9

    def test_a_close_tells_a_larger_size_before_the_fills_that_reach_it(
        self, store: StateStore, order: OrderState
    ) -> None:
        apply(store, OPEN_2)
        assert apply(store, order_update(STATUS_CLOSED, 0, size=20, seq_no=3)) == [
            "changed O-1",
            "missing 20 of O-1",
        ]
        assert apply(store, fill("F-1", 20)) == ["fill F-1 of O-1"]
        assert order.status == FILLED

    @pytest.mark.parametrize("order_type", [ORDER_MARKET, ORDER_STOP_MARKET])
    def test_a_price_we_never_set_is_no_change(self, store: StateStore, order_type: int) -> None:
        track(store, price=None, order_type=order_type)
        assert apply(store, order_update(price=0), order_update(price=PRICE)) == [
            "accepted O-1 as V-1"
        ]

    def test_absent_prices_are_no_change(self, store: StateStore) -> None:
        order = track(store, order_type=ORDER_STOP_LIMIT, trigger_price=PRICE - 9)
        waits = order_update(STATUS_UNTRIGGERED, price=None, trigger_price=None, seq_no=1)
        assert apply(store, waits) == ["accepted O-1 as V-1"]
        assert (order.price, order.trigger_price) == (PRICE, PRICE - 9)

    def test_trigger_price_changed(self, store: StateStore) -> None:
        order = track(store, order_type=ORDER_STOP_LIMIT, trigger_price=PRICE - 9)
        told = apply(
            store,
            order_update(STATUS_UNTRIGGERED, trigger_price=PRICE - 9, seq_no=1),
            order_update(STATUS_UNTRIGGERED, trigger_price=PRICE - 8, seq_no=2),
        )
        assert told == ["accepted O-1 as V-1", "changed O-1"]
        assert order.trigger_price == PRICE - 8

    def test_modify_rejected_once_per_request(self, store: StateStore, order: OrderState) -> None:
        def answer(seq_no: int, request_id: str, status: int) -> object:
            return order_update(
                seq_no=seq_no,
                request_id=request_id,
                request_status=status,
                request_message="post only would cross",
            )

        apply(store, OPEN_2)
        told = []
        for seq_no, request_id in ((10, "R-1"), (20, "R-2")):
            store.change_order("O-1", 20, PRICE, None)
            told += apply(
                store,
                answer(seq_no, request_id, REQUEST_PENDING),
                answer(seq_no + 1, request_id, REQUEST_REJECTED),
                answer(seq_no + 2, request_id, REQUEST_REJECTED),
            )
        assert told == ["modify rejected O-1: post only would cross"] * 2
        assert order.status == WORKING

    def test_a_refusal_of_an_earlier_change_says_nothing_of_the_next(
        self, store: StateStore, order: OrderState
    ) -> None:
        refused = {"request_id": "R-1", "request_status": REQUEST_REJECTED}
        assert apply(store, OPEN_2, order_update(seq_no=3, **refused))[1:] == []
        store.change_order("O-1", 20, PRICE, None)
        assert apply(store, order_update(seq_no=4, **refused)) == []
        assert order.changing_size == 20

    def test_a_change_is_over_when_the_order_is_as_asked_for(
        self, store: StateStore, order: OrderState
    ) -> None:
        apply(store, OPEN_2)
        store.change_order("O-1", 10, PRICE + 5, None)
        assert apply(store, order_update(seq_no=3, price=PRICE + 4)) == ["changed O-1"]
        assert order.changing_size == 10
        assert apply(store, order_update(seq_no=4, price=PRICE + 5)) == ["changed O-1"]
        assert in_words(store.refuse_change("O-1", "late", 1)) == []

    @pytest.mark.parametrize("is_answered", [True, False])
    def test_a_change_of_an_order_that_closed_is_rejected_before_its_end(
        self, store: StateStore, order: OrderState, is_answered: bool
    ) -> None:
        answer = {"request_id": "R-1", "request_status": REQUEST_REJECTED}
        closed = order_update(STATUS_CLOSED, 10, seq_no=3, **(answer if is_answered else {}))
        apply(store, OPEN_2)
        store.change_order("O-1", 20, PRICE, None)
        told = apply(store, closed, closed)
        assert told == [
            "modify rejected O-1: the order closed before it was changed",
            "canceled O-1: ",
        ]

    def test_a_fill_of_all_of_it_rejects_a_change_first(
        self, store: StateStore, order: OrderState
    ) -> None:
        apply(store, OPEN_2)
        store.change_order("O-1", 10, PRICE + 5, None)
        assert apply(store, FOUR) == ["fill F-4 of O-1"]
        assert apply(store, fill("F-6", 6)) == [
            "modify rejected O-1: the order closed before it was changed",
            "fill F-6 of O-1",
        ]

    def test_a_fill_of_more_than_it_was_tells_the_change_first(
        self, store: StateStore, order: OrderState
    ) -> None:
        apply(store, OPEN_2)
        store.change_order("O-1", 20, PRICE + 5, None)
        assert apply(store, fill("F-15", 15)) == ["changed O-1", "fill F-15 of O-1"]
        behind = order_update(STATUS_OPEN, 5, size=20, seq_no=4, price=PRICE + 5)
        assert apply(store, behind) == []
        assert (order.size, order.price, order.filled) == (20, PRICE + 5, 15)

    @pytest.mark.parametrize(("side", "away"), [(SIDE_BUY, 5), (SIDE_SELL, -5)])
    def test_a_fill_beyond_the_price_it_had_tells_the_change_first(
        self, store: StateStore, side: int, away: int
    ) -> None:
        order = track(store, side=side)
        apply(store, OPEN_2)
        store.change_order("O-1", 10, PRICE + away, None)
        told = apply(store, fill("F-10", 10, price=PRICE + away))
        assert told == ["changed O-1", "fill F-10 of O-1"]
        assert (order.price, order.changing_size) == (PRICE + away, 0)
        closed = order_update(STATUS_CLOSED, 0, seq_no=4, price=PRICE + away)
        assert apply(store, closed) == []
        assert order.status == FILLED

    def test_a_change_seen_only_with_the_close_is_told_before_it(
        self, store: StateStore, order: OrderState
    ) -> None:
        apply(store, OPEN_2)
        store.change_order("O-1", 20, PRICE + 5, None)
        closed = order_update(STATUS_CLOSED, 20, size=20, seq_no=4, price=PRICE + 5)
        assert apply(store, closed) == ["changed O-1", "canceled O-1: "]

    def test_nothing_is_expected_of_an_order_that_is_over(
        self, store: StateStore, order: OrderState
    ) -> None:
        apply(store, OPEN_2, order_update(STATUS_CLOSED, 10, seq_no=3))
        store.change_order("O-1", 20, PRICE, None)
        store.change_order("unknown", 20, PRICE, None)
        assert store.refuse_change("O-1", "no", 1) == []
        assert store.refuse_change("unknown", "no", 1) == []


class TestFills:
    def test_a_fill_counts_once_by_either_way(self, store: StateStore, order: OrderState) -> None:
        assert apply(store, OPEN_2, FOUR, FOUR)[1:] == ["fill F-4 of O-1"]
        assert store.mark_told(FOUR) == []
        assert order.filled == 4

    def test_the_same_id_of_another_type_is_another_fill(
        self, store: StateStore, order: OrderState
    ) -> None:
        told = apply(store, fill("1", 4), fill("1", 6, fill_type=FILL_RPI))
        assert told == ["accepted O-1 as V-1", "fill 1 of O-1", "fill 1 of O-1"]
        assert order.filled == 10

    def test_a_maker_fill_has_the_side_of_its_order(self, store: StateStore) -> None:
        track(store, side=SIDE_SELL)
        *_, event = store.apply(fill(side=SIDE_BUY), TS_INIT)
        assert isinstance(event, FillApplied)
        assert event.side == SIDE_SELL

    def test_told_by_a_report_is_counted_and_not_told(
        self, store: StateStore, order: OrderState
    ) -> None:
        assert store.mark_told(FOUR) == []
        assert (order.status, order.filled) == (WORKING, 4)
        # The engine has the order working by the fill: acceptance would come too late.
        assert apply(store, OPEN_2, FOUR, PARTIAL_3) == []

    def test_told_by_a_report_frees_the_held_end(
        self, store: StateStore, order: OrderState
    ) -> None:
        apply(store, OPEN_2, CANCELED_4)
        assert in_words(store.mark_told(FOUR)) == ["canceled O-1: USER_CANCELED"]
        assert order.status == CANCELED
        assert store.open_orders() == []

    def test_told_by_a_report_may_contradict_too(
        self, store: StateStore, order: OrderState
    ) -> None:
        apply(store, OPEN_2)
        assert in_words(store.mark_told(fill("F-11", 11))) == ["contradiction of O-1"]

    def test_told_by_a_report_of_a_rejected_order(
        self, store: StateStore, order: OrderState
    ) -> None:
        store.refuse_order("O-1", "no", False, 7)
        assert store.mark_told(FOUR) == []
        assert order.filled == 0

    def test_a_fill_of_others_told_by_a_report(self, store: StateStore) -> None:
        stranger = fill(venue_id="V-9", client_id="")
        assert store.mark_told(stranger) == []
        assert apply(store, stranger) == []

    @pytest.mark.parametrize(
        "fill_type", [FILL_LIQUIDATION, FILL_SETTLE_MARKET, FILL_UNWIND_TRANSFER]
    )
    def test_fills_without_an_order(self, store: StateStore, fill_type: int) -> None:
        liquidation = fill("L-1", fill_type=fill_type, venue_id="", client_id="", side=SIDE_SELL)
        (event,) = store.apply(liquidation, TS_INIT)
        assert isinstance(event, FillApplied)
        assert (event.client_order_id, event.side, event.fill) == ("", SIDE_SELL, liquidation)
        assert store.apply(liquidation, TS_INIT) == []

    def test_an_own_resting_order_may_fill_against_a_liquidation(
        self, store: StateStore, order: OrderState
    ) -> None:
        told = apply(store, OPEN_2, fill("L-1", 4, fill_type=FILL_LIQUIDATION))
        assert told[1:] == ["fill L-1 of O-1"]
        assert order.filled == 4


class TestOthers:
    def test_order_without_client_id(self, store: StateStore) -> None:
        update = order_update(venue_id="V-9", client_id="", seq_no=1)
        assert apply(store, update) == ["external V-9"]
        assert store.find_order_by_venue_id("V-9") is None

    def test_order_with_a_client_id_not_tracked(self, store: StateStore) -> None:
        assert apply(store, order_update(venue_id="V-9", client_id="hand-made")) == ["external V-9"]

    def test_only_news_is_told(self, store: StateStore) -> None:
        def other(status: int, seq_no: int, feed: int = 2, ts: int = 0) -> object:
            return order_update(
                status, seq_no=seq_no, feed=feed, ts=ts, venue_id="V-9", client_id=""
            )

        told = apply(
            store,
            other(STATUS_OPEN, 2),
            other(STATUS_OPEN, 2),
            other(STATUS_NEW, 1),
            other(STATUS_OPEN, 90, FEED_REST, 1),
            other(STATUS_OPEN, 90, FEED_REST, 2),
            other(STATUS_OPEN, 91, FEED_REST, 3),
            other(STATUS_CLOSED, 1),
            other(STATUS_OPEN, 9),
            other(STATUS_CLOSED, 10),
        )
        # First seen, newer from REST, closed: in whatever order the close comes.
        assert told == ["external V-9"] * 3

    def test_fill_takes_the_side_of_the_order_of_others(self, store: StateStore) -> None:
        apply(store, order_update(venue_id="V-9", client_id="", side=SIDE_SELL))
        (event,) = store.apply(fill(venue_id="V-9", client_id="", side=SIDE_BUY), TS_INIT)
        assert isinstance(event, FillApplied)
        assert event.side == SIDE_SELL

    def test_another_order_with_the_client_id_of_ours(
        self, store: StateStore, order: OrderState
    ) -> None:
        apply(store, OPEN_2)
        thief = order_update(STATUS_CLOSED, 0, venue_id="V-9")
        assert apply(store, thief) == ["external V-9", "contradiction of O-1"]
        assert apply(store, thief) == []
        assert apply(store, fill("F-9", venue_id="V-9")) == [
            "fill F-9 of others",
            "contradiction of O-1",
        ]
        assert (order.status, order.filled) == (WORKING, 0)

    def test_remembers_a_bounded_number(self) -> None:
        account = AccountState(external_orders_max=10)
        for number in range(100):
            account.apply_order(order_update(venue_id=f"V-{number}", client_id=""))
            kept = [n for n in range(number + 1) if account.find_order(f"V-{n}") is not None]
            assert len(kept) < 20
            assert kept[-10:] == list(range(max(0, number - 9), number + 1))


class TestTracking:
    def test_an_id_is_tracked_once(self, store: StateStore, order: OrderState) -> None:
        with pytest.raises(AssertionError, match="O-1"):
            track(store)
        apply(store, OPEN_2, FOUR, CANCELED_4)
        with pytest.raises(AssertionError, match="O-1"):
            track(store)
        assert store.find_order("O-1") is order

    def test_an_own_order_has_an_id(self, store: StateStore) -> None:
        with pytest.raises(AssertionError):
            track(store, "")

    def test_open_orders_are_bounded(self) -> None:
        store = StateStore(ACCOUNT, open_orders_max=2)
        track(store, "O-1")
        assert not store.is_full
        track(store, "O-2")
        assert store.is_full
        with pytest.raises(AssertionError, match="2 orders"):
            track(store, "O-3")
        store.refuse_order("O-1", "no", False, 1)
        assert track(store, "O-3") in store.open_orders()

    def test_closed_orders_are_bounded_and_open_ones_stay(self) -> None:
        store = StateStore(ACCOUNT, closed_orders_max=3)
        old = track(store, "O-old")
        for number in range(10):
            track(store, f"O-{number}")
            if number % 2:
                store.refuse_order(f"O-{number}", "no", False, 1)
            else:
                apply(
                    store,
                    order_update(
                        STATUS_CLOSED, 10, client_id=f"O-{number}", venue_id=f"V-{number}"
                    ),
                )
        kept = [number for number in range(10) if store.find_order(f"O-{number}") is not None]
        assert kept == [7, 8, 9]
        by_venue = [n for n in range(10) if store.find_order_by_venue_id(f"V-{n}") is not None]
        assert by_venue == [8]
        assert store.open_orders() == [old]
        # A forgotten order of ours is one of others.
        late = fill(client_id="O-0", venue_id="V-0")
        assert apply(store, late) == ["fill F-1 of others"]

    def test_what_was_sent_can_be_read(self, store: StateStore, order: OrderState) -> None:
        assert (order.market, order.side, order.order_type) == (MARKET, SIDE_BUY, ORDER_LIMIT)
        assert (order.instruction, order.flags, order.ts_sent) == (INSTRUCTION_GTC, 0, TS_INIT)
        assert store.find_order("O-unknown") is None


class TestRestore:
    @staticmethod
    def restore(
        store: StateStore, venue_id: str = "V-1", is_accepted: bool = True, filled: int = 4
    ) -> OrderState:
        return store.restore_order(
            "O-1",
            venue_id,
            MARKET,
            SIDE_BUY,
            ORDER_LIMIT,
            INSTRUCTION_GTC,
            10,
            PRICE,
            None,
            0,
            TS_INIT,
            is_accepted,
            filled,
            [(FILL_ORDINARY, "F-4")] if filled else [],
        )

    def test_known_fills_and_acceptance_are_not_told_again(self, store: StateStore) -> None:
        order = self.restore(store)
        assert (order.status, order.filled) == (WORKING, 4)
        assert apply(store, FOUR, PARTIAL_3, SIX, FILLED_4) == ["fill F-6 of O-1"]
        assert order.status == FILLED

    def test_less_filled_than_the_earlier_run_knew(self, store: StateStore) -> None:
        self.restore(store)
        assert apply(store, OPEN_2) == ["contradiction of O-1"]

    def test_closed_while_away(self, store: StateStore) -> None:
        self.restore(store)
        closed = order_update(STATUS_CLOSED, 1, feed=FEED_REST, reason="USER_CANCELED", ts=9)
        assert apply(store, closed, FOUR, fill("F-5", 5)) == [
            "missing 5 of O-1",
            "fill F-5 of O-1",
            "canceled O-1: USER_CANCELED",
        ]

    def test_queued_when_the_earlier_run_left_it(self, store: StateStore) -> None:
        order = self.restore(store, is_accepted=False, filled=0)
        assert order.status == QUEUED
        assert store.find_order_by_venue_id("V-1") is order
        assert apply(store, OPEN_2) == ["accepted O-1 as V-1"]

    def test_sent_when_the_earlier_run_left_it(self, store: StateStore) -> None:
        order = self.restore(store, venue_id="", is_accepted=False, filled=0)
        assert order.status == SENT
        assert apply(store, OPEN_2) == ["accepted O-1 as V-1"]
        assert store.find_order_by_venue_id("V-1") is order

    def test_a_venue_id_is_tracked_once(self, store: StateStore, order: OrderState) -> None:
        apply(store, order_update(venue_id="V-1"))
        with pytest.raises(AssertionError, match="V-1"):
            store.restore_order(
                "O-2",
                "V-1",
                MARKET,
                SIDE_BUY,
                ORDER_LIMIT,
                INSTRUCTION_GTC,
                10,
                PRICE,
                None,
                0,
                TS_INIT,
                True,
                0,
                [],
            )


class TestAccount:
    def test_positions_follow_their_feed(self, store: StateStore) -> None:
        assert apply(store, position(5, seq_no=2), position(5, seq_no=2)) == ["position 5"]
        assert apply(store, position(4, seq_no=1)) == []
        assert apply(store, position(-3, seq_no=3)) == ["position -3"]
        assert [held.size for held in store.positions()] == [-3]

    def test_position_snapshot_older_than_the_stream(self, store: StateStore) -> None:
        apply(store, position(5, seq_no=7))
        assert apply(store, position(4, seq_no=900, feed=FEED_REST, ts=6)) == []
        assert apply(store, position(4, seq_no=900, feed=FEED_REST, ts=7)) == []
        assert apply(store, position(6, seq_no=901, feed=FEED_REST, ts=8)) == ["position 6"]
        # At the same time the stream wins.
        assert apply(store, position(7, seq_no=8)) == ["position 7"]

    def test_positions_without_numbers_follow_their_time(self, store: StateStore) -> None:
        told = apply(store, position(1, ts=5), position(2, ts=4), position(3, ts=6))
        assert told == ["position 1", "position 3"]
        assert apply(store, position(4, ts=6)) == []

    def test_two_positions_at_the_same_time(self, store: StateStore) -> None:
        told = apply(store, position(1, seq_no=1, ts=5), position(2, seq_no=2, ts=5))
        assert told == ["position 1", "position 2"]

    @pytest.mark.parametrize("feed", [FEED_REST, FEED_STREAM])
    def test_prices_move_an_account_summary_of_the_same_time(
        self, store: StateStore, feed: int
    ) -> None:
        store.apply(account_summary(3, seq_no=3), 0)
        moved = account_summary(2, seq_no=3, feed=feed)
        assert apply(store, moved) == ["account 2"]
        assert store.account_summary is moved
        again = account_summary(2, seq_no=3, feed=feed)
        assert apply(store, again) == []

    def test_account_summary(self, store: StateStore) -> None:
        assert store.account_summary is None
        newest = account_summary(3, seq_no=3)
        told = apply(
            store,
            account_summary(2, seq_no=2),
            account_summary(1, seq_no=1),
            newest,
            account_summary(9, seq_no=900, feed=FEED_REST, ts=1),
        )
        assert told == ["account 2", "account 3"]
        assert store.account_summary is newest

    def test_balances(self, store: StateStore) -> None:
        newest = Balance("USDC", 9, 5)
        assert (
            apply(store, Balance("USDC", 7, 4), newest, Balance("USDC", 8, 3))
            == ["balance USDC"] * 2
        )
        assert store.balances() == [newest]
        at_the_same_time = Balance("USDC", 10, 5)
        apply(store, at_the_same_time)
        assert store.balances() == [at_the_same_time]

    def test_positions_are_bounded_and_flat_ones_go_first(self) -> None:
        store = StateStore(ACCOUNT, positions_max=3)
        for market, size in {"A": 1, "B": 0, "C": 1, "D": 1}.items():
            apply(store, position(size, market=market))
        assert [held.market for held in store.positions()] == ["A", "C", "D"]
        apply(store, position(1, market="E"))
        assert [held.market for held in store.positions()] == ["C", "D", "E"]

    def test_balances_are_bounded(self) -> None:
        store = StateStore(ACCOUNT, balances_max=2)
        for token in ("A", "B", "C"):
            apply(store, Balance(token, 1, 1))
        assert [held.token for held in store.balances()] == ["B", "C"]
