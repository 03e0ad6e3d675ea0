"""Whatever the order of a truthful venue's messages, each thing is told once and the end is right.

A `VenueOrder` plays the venue: every change of an order pushes messages into a bag. The tests take
them out in any order, some twice, some by REST, some never, and an `EngineOrder` checks what is
told.
"""

from collections import defaultdict
from random import Random
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from paradex_adapter_core.events import (
    Contradiction,
    Event,
    ExternalOrder,
    FillApplied,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderRejected,
)
from paradex_adapter_core.messages.orders import Fill, OrderUpdate
from paradex_adapter_core.order_lifecycle import (
    CANCELED,
    EXPIRED,
    FILLED,
    QUEUED,
    REJECTED,
    SENT,
    WORKING,
)
from paradex_adapter_core.state_store import StateStore
from paradex_adapter_core.vocabulary import (
    FEED_REST,
    FEED_STREAM,
    FILL_ORDINARY,
    FILL_RPI,
    STATUS_CLOSED,
    STATUS_NEW,
    STATUS_OPEN,
    STATUS_UNTRIGGERED,
)
from tests.account_messages import ACCOUNT, PRICE, TS_INIT, fill, order_update, track

SIZE: Final = 10
CANCEL_REASONS = ["", "USER_CANCELED", "DELEVERAGE", "EXPIRED"]
MOVES = ["work", "trade", "trade", "reprice", "enlarge", "close"]
FATES = ["delivered", "to come again", "lost"]
REFUSE_REASONS = ["NOT_ENOUGH_MARGIN", "POST_ONLY_WOULD_CROSS"]


class VenueOrder:
    """The truth of one order, and every message it gave rise to."""

    def __init__(self, number: int, client_id: str) -> None:
        self.client_id = client_id
        self.venue_id = f"V-{number}"
        self.number = number
        self.status = 0
        self.size = SIZE
        self.filled = 0
        self.price = PRICE
        self.reason = ""
        self.ts = 10
        self.seq_no = 0
        self.rest_seq_no = 500
        self.fills: list[Fill] = []
        self.is_ever_open = False
        self.is_resized = False
        self.bag: list[OrderUpdate | Fill] = []

    @property
    def is_live(self) -> bool:
        return self.status in {STATUS_NEW, STATUS_UNTRIGGERED, STATUS_OPEN}

    def go(self, status: int, reason: str = "", ts_step: int = 1) -> None:
        """Change the status and push an update."""
        self.status = status
        self.reason = reason
        self.ts += ts_step
        self.seq_no += 1
        self.is_ever_open |= status in {STATUS_OPEN, STATUS_UNTRIGGERED}
        self.bag.append(self.update(self.seq_no, FEED_STREAM))

    def trade(self, size: int, ts_step: int = 1) -> None:
        """Fill some of the order; the last of it closes the order."""
        size = min(size, self.size - self.filled)
        self.filled += size
        # Ids are unique per type only.
        number = len(self.fills)
        trade = fill(
            f"F-{self.number}-{number // 2}",
            size,
            fill_type=FILL_RPI if number % 2 else FILL_ORDINARY,
            venue_id=self.venue_id,
            client_id=self.client_id,
            ts=self.ts,
        )
        self.fills.append(trade)
        self.bag.append(trade)
        if self.filled == self.size:
            self.go(STATUS_CLOSED, ts_step=ts_step)
        elif self.is_ever_open:
            self.go(STATUS_OPEN, ts_step=ts_step)

    def update(self, seq_no: int, feed: int) -> OrderUpdate:
        return order_update(
            self.status,
            self.size - self.filled,
            size=self.size,
            seq_no=seq_no,
            feed=feed,
            ts=self.ts,
            venue_id=self.venue_id,
            client_id=self.client_id,
            price=self.price,
            reason=self.reason,
        )

    def rest_answer(self) -> OrderUpdate:
        self.rest_seq_no += 1
        return self.update(self.rest_seq_no, FEED_REST)

    def final_status(self) -> int:
        """Return what an own order's status is when all is delivered."""
        if self.status == 0:
            return SENT
        if self.status != STATUS_CLOSED:
            return WORKING if self.is_ever_open or self.filled else QUEUED
        if self.filled == self.size:
            return FILLED
        if self.reason in REFUSE_REASONS:
            return REJECTED
        return EXPIRED if self.reason == "EXPIRED" else CANCELED


class EngineOrder:
    """What the engine was told of one order; every rule of the telling is asserted here."""

    def __init__(self) -> None:
        self.is_accepted = False
        self.end: Event | None = None
        self.fills: set[tuple[int, str]] = set()
        self.filled = 0

    def hear(self, event: Event) -> None:
        match event:
            case OrderAccepted():
                assert not self.is_accepted, "accepted twice"
                assert not self.fills, "accepted after a fill"
                assert self.end is None, "accepted after the end"
                self.is_accepted = True
            case FillApplied():
                assert self.is_accepted or not event.client_order_id, "a fill before acceptance"
                self.count(event.fill)
            case OrderRejected():
                assert not self.is_accepted, "rejected after acceptance"
                assert not self.fills, "rejected after a fill"
                self.finish(event)
            case OrderCanceled() | OrderExpired():
                assert self.is_accepted, "ended before acceptance"
                self.finish(event)

    def count(self, trade: Fill) -> None:
        key = (trade.fill_type, trade.fill_id)
        assert key not in self.fills, "a fill told twice"
        assert self.end is None, "a fill after the end of the order"
        self.fills.add(key)
        self.filled += trade.size

    def finish(self, event: Event) -> None:
        assert self.end is None, "two ends"
        self.end = event


def hear_all(engine: dict[str, EngineOrder], venue_id: str, events: list[Event]) -> None:
    for event in events:
        if not isinstance(event, Contradiction | ExternalOrder):
            engine[venue_id].hear(event)


class AccountMachine(RuleBasedStateMachine):
    """Orders of ours and of others, played out at the venue while messages arrive anyhow."""

    def __init__(self) -> None:
        super().__init__()
        self.store = StateStore(ACCOUNT)
        self.orders: list[VenueOrder] = []
        self.engine: dict[str, EngineOrder] = defaultdict(EngineOrder)
        self.seen_filled: dict[str, int] = defaultdict(int)
        self.is_lossy = False
        self.shuffle = Random(0).shuffle

    @initialize(
        owners=st.lists(st.booleans(), min_size=1, max_size=3),
        is_lossy=st.booleans(),
        seed=st.integers(0, 2**16),
    )
    def open_account(self, owners: list[bool], is_lossy: bool, seed: int) -> None:
        for number, is_own in enumerate(owners):
            order = VenueOrder(number, f"O-{number}" if is_own else "")
            if is_own:
                track(self.store, order.client_id, size=SIZE)
            self.orders.append(order)
        # Where pushes are lost only REST can tell the state, and at one and the same time the
        # stream is believed: so the times of a lossy venue differ.
        self.is_lossy = is_lossy
        self.shuffle = Random(seed).shuffle

    @rule(which=st.integers(0, 2), move=st.sampled_from(MOVES), number=st.integers(0, 9))
    def move_at_the_venue(self, which: int, move: str, number: int) -> None:
        order = self.orders[which % len(self.orders)]
        ts_step = 1 if self.is_lossy else number % 2
        if order.status == 0:
            statuses = [STATUS_NEW, STATUS_UNTRIGGERED, STATUS_OPEN]
            order.go(statuses[number % 3])
        elif order.status == STATUS_CLOSED:
            return
        elif move == "work":
            order.go(STATUS_OPEN, ts_step=ts_step)
        elif move == "trade":
            order.trade(1 + number, ts_step)
        elif move == "reprice" and order.status == STATUS_OPEN:
            order.price = PRICE + number
            order.go(STATUS_OPEN, ts_step=ts_step)
        elif move == "enlarge" and order.status == STATUS_OPEN:
            order.size += 1 + number
            order.is_resized = True
            order.go(STATUS_OPEN)
        elif move == "close":
            reasons = CANCEL_REASONS if order.is_ever_open or order.filled else REFUSE_REASONS
            order.go(STATUS_CLOSED, reasons[number % len(reasons)])

    @rule(which=st.integers(0, 2))
    def ask_by_rest(self, which: int) -> None:
        order = self.orders[which % len(self.orders)]
        if order.status != 0:
            order.bag.append(order.rest_answer())
            order.bag.extend(order.fills)

    @rule(which=st.integers(0, 2), index=st.integers(0, 30), fate=st.sampled_from(FATES))
    def deliver(self, which: int, index: int, fate: str) -> None:
        order = self.orders[which % len(self.orders)]
        if not order.bag:
            return
        index %= len(order.bag)
        if fate == "lost" and self.is_lossy:
            del order.bag[index]
        elif fate == "to come again":
            self.feed(order, order.bag[index])
        else:
            self.feed(order, order.bag.pop(index))

    @rule(which=st.integers(0, 2), index=st.integers(0, 30))
    def answer_a_report(self, which: int, index: int) -> None:
        order = self.orders[which % len(self.orders)]
        if not order.fills:
            return
        trade = order.fills[index % len(order.fills)]
        engine = self.engine[order.venue_id]
        # The engine takes the answer first and drops what it knows.
        if (trade.fill_type, trade.fill_id) not in engine.fills:
            engine.count(trade)
            engine.is_accepted = True
        self.check(order, self.store.mark_told(trade))

    def feed(self, order: VenueOrder, message: OrderUpdate | Fill) -> None:
        self.check(order, self.store.apply(message, TS_INIT))

    def check(self, order: VenueOrder, events: list[Event]) -> None:
        hear_all(self.engine, order.venue_id, events)
        if not order.is_resized:
            # A fill may overtake the update that made room for it; nothing else looks impossible.
            assert not any(isinstance(event, Contradiction) for event in events)

    @invariant()
    def filled_quantities_rise_and_fit(self) -> None:
        for order in self.orders:
            held = self.store.find_order(order.client_id)
            if held is None:
                continue
            assert self.seen_filled[order.client_id] <= held.filled <= order.filled <= order.size
            assert held.filled == self.engine[order.venue_id].filled
            self.seen_filled[order.client_id] = held.filled
            assert held.is_open == (held in self.store.open_orders())

    def teardown(self) -> None:
        """Deliver the rest in any order: all is told, and the state is the venue's."""
        for order in self.orders:
            if order.status != 0:
                order.bag.append(order.rest_answer())
            messages = [*order.bag, *order.fills]
            self.shuffle(messages)
            for message in messages:
                self.feed(order, message)
                self.filled_quantities_rise_and_fit()
            self.check_final(order)

    def check_final(self, order: VenueOrder) -> None:
        told = self.engine[order.venue_id]
        assert told.fills == {(trade.fill_type, trade.fill_id) for trade in order.fills}
        held = self.store.find_order(order.client_id)
        if held is None:
            external = self.store.find_external(order.venue_id)
            assert (external is None) == (order.status == 0)
            assert external is None or external.status == order.status
            return
        assert held.status == order.final_status()
        assert held.filled == order.filled
        assert held.venue_order_id == (order.venue_id if order.status else "")
        assert (told.end is not None) == (held.status in {CANCELED, EXPIRED, REJECTED})
        if held.status not in {SENT, QUEUED, REJECTED} and order.is_ever_open:
            assert (held.size, held.price) == (order.size, order.price)


AccountMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestAccount = AccountMachine.TestCase


@st.composite
def histories(draw: st.DrawFn) -> VenueOrder:
    """Return an own order with a whole truthful history in its bag."""
    order = VenueOrder(1, "O-1")
    if draw(st.booleans()):
        order.go(STATUS_NEW)
    if draw(st.booleans()):
        order.go(draw(st.sampled_from([STATUS_UNTRIGGERED, STATUS_OPEN])))
    for size in draw(st.lists(st.integers(1, 6), max_size=3)):
        if order.filled < order.size:
            order.trade(size, draw(st.integers(0, 1)))
    if order.status != STATUS_CLOSED and draw(st.booleans()):
        is_touched = order.is_ever_open or order.filled
        order.go(
            STATUS_CLOSED, draw(st.sampled_from(CANCEL_REASONS if is_touched else REFUSE_REASONS))
        )
    if order.status:
        order.bag.append(order.rest_answer())
    return order


def play(messages: list[OrderUpdate | Fill]) -> dict[str, Any]:
    """Return the final state of the order after the messages."""
    store = StateStore(ACCOUNT)
    held = track(store, size=SIZE)
    for message in messages:
        store.apply(message, TS_INIT)
    return {
        "status": held.status,
        "venue_order_id": held.venue_order_id,
        "filled": held.filled,
        "told_filled": held.told_filled,
        "size": held.size,
        "price": held.price,
    }


@given(data=st.data(), order=histories())
def test_any_order_of_the_same_messages_ends_the_same(
    data: st.DataObject, order: VenueOrder
) -> None:
    repeats = data.draw(st.lists(st.sampled_from(order.bag), max_size=3)) if order.bag else []
    shuffled = data.draw(st.permutations([*order.bag, *repeats]))
    assert play(shuffled) == play(order.bag)
