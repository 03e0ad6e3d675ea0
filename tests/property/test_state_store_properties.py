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
    precondition,
    rule,
)

from paradex_adapter_core.events import (
    Contradiction,
    Event,
    ExternalOrder,
    FillApplied,
    ModifyRejected,
    OrderAccepted,
    OrderCanceled,
    OrderChanged,
    OrderExpired,
    OrderRejected,
    OrderTriggered,
)
from paradex_adapter_core.messages.orders import Fill, OrderUpdate
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
    CONDITIONAL_TYPES,
    FEED_REST,
    FEED_STREAM,
    FILL_ORDINARY,
    FILL_RPI,
    INSTRUCTION_GTC,
    ORDER_LIMIT,
    ORDER_MARKET,
    ORDER_STOP_LIMIT,
    ORDER_STOP_LOSS_MARKET,
    ORDER_STOP_MARKET,
    ORDER_TAKE_PROFIT_LIMIT,
    PRICED_TYPES,
    REQUEST_REJECTED,
    REQUEST_SUCCESS,
    SIDE_BUY,
    STATUS_CLOSED,
    STATUS_NEW,
    STATUS_OPEN,
    STATUS_UNTRIGGERED,
)
from tests.account_messages import ACCOUNT, MARKET, PRICE, TS_INIT, fill, order_update, track

SIZE: Final = 10
TRIGGER: Final = PRICE // 2
ORDER_TYPES = [
    *(ORDER_LIMIT, ORDER_MARKET, ORDER_STOP_LIMIT, ORDER_STOP_MARKET),
    *(ORDER_TAKE_PROFIT_LIMIT, ORDER_STOP_LOSS_MARKET),
]
OWN, OF_OTHERS, THIEF = "own", "of others", "of others, with the client id of ours"
CANCEL_REASONS = ["", "USER_CANCELED", "DELEVERAGE", "EXPIRED"]
MOVES = ["work", "work", "trade", "trade", "reprice", "resize", "answer", "answer", "close"]
FATES = ["delivered", "to come again", "lost"]
REFUSE_REASONS = ["NOT_ENOUGH_MARGIN", "POST_ONLY_WOULD_CROSS"]

RARELY = st.sampled_from([False, False, True])
# Little is left to be found once all was left behind.
HARDLY_EVER = st.sampled_from([*[False] * 19, True])

type Terms = tuple[int, int | None, int | None]


class VenueOrder:
    """The truth of one order, and every message it gave rise to."""

    def __init__(
        self, number: int, client_id: str, order_type: int = ORDER_LIMIT, owner: str = OWN
    ) -> None:
        self.client_id = client_id
        self.venue_id = f"V-{number}"
        self.number = number
        self.order_type = order_type
        self.owner = owner
        self.is_conditional = order_type in CONDITIONAL_TYPES
        self.status = 0
        self.size = SIZE
        self.filled = 0
        self.price = PRICE if order_type in PRICED_TYPES else None
        self.trigger_price = TRIGGER if self.is_conditional else None
        self.reason = ""
        self.ts = 10
        self.seq_no = 0
        self.rest_seq_no = 500
        self.fills: list[Fill] = []
        self.is_triggered = False
        self.is_ever_open = False
        self.is_resized = False
        # Of what we did: a create that was refused, changes asked for, fills not waited for, a
        # restart that left the order behind.
        self.is_refused = False
        self.asked: Terms | None = None
        self.requests = 0
        self.answer = 0
        self.is_given_up = False
        self.is_gone = False
        # The newest update of what works that we were told.
        self.ts_heard = 0
        self.bag: list[OrderUpdate | Fill] = []

    @property
    def waits(self) -> bool:
        return self.is_conditional and not self.is_triggered

    @property
    def terms(self) -> Terms:
        return self.size, self.price, self.trigger_price

    def go(self, status: int, reason: str = "", ts_step: int = 1) -> None:
        """Change the status and push an update."""
        self.status = status
        self.reason = reason
        self.ts += ts_step
        self.seq_no += 1
        self.is_ever_open |= status in {STATUS_OPEN, STATUS_UNTRIGGERED}
        self.is_triggered |= self.is_conditional and status == STATUS_OPEN
        self.bag.append(self.update(self.seq_no, FEED_STREAM))

    def work(self, number: int, ts_step: int = 1) -> None:
        """Go on to the next status."""
        if not self.waits:
            self.go(STATUS_OPEN, ts_step=ts_step)
        elif self.status == STATUS_NEW:
            self.go(STATUS_UNTRIGGERED, ts_step=ts_step)
        else:
            self.is_triggered = True
            self.go(STATUS_NEW if number % 2 else STATUS_OPEN, ts_step=ts_step)

    def trade(self, size: int, ts_step: int = 1) -> None:
        """Fill some of the order; the last of it closes the order."""
        self.is_triggered |= self.is_conditional
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

    def reprice(self, number: int, ts_step: int) -> None:
        """Let another client of the account move a price."""
        if self.waits and self.status == STATUS_UNTRIGGERED:
            self.trigger_price = TRIGGER + number
        elif self.status == STATUS_OPEN and self.price is not None:
            self.price = PRICE + number
        else:
            return
        self.go(self.status, ts_step=ts_step)

    def resize(self, number: int) -> None:
        """Enlarge a working order; fit a waiting one to a position."""
        if self.waits and self.status == STATUS_UNTRIGGERED:
            self.size = 1 + number
        elif self.status == STATUS_OPEN:
            self.size += 1 + number
        else:
            return
        self.is_resized = True
        self.go(self.status)

    def answer_change(self, is_taken: bool) -> None:
        """Make the change asked for, or refuse it."""
        if self.asked is None:
            return
        size, price, trigger_price = self.asked
        self.answer = REQUEST_REJECTED
        if is_taken and size > self.filled:
            self.answer = REQUEST_SUCCESS
            self.is_resized |= size != self.size
            self.size = size
            self.price = price
            self.trigger_price = self.trigger_price if trigger_price is None else trigger_price
        self.asked = None
        self.go(self.status)

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
            trigger_price=self.trigger_price,
            reason=self.reason,
            order_type=self.order_type,
            request_id=f"R-{self.requests}" if self.answer else "",
            request_status=self.answer,
        )

    def rest_answer(self) -> OrderUpdate:
        self.rest_seq_no += 1
        return self.update(self.rest_seq_no, FEED_REST)

    def final_statuses(self) -> set[int]:
        """Return what an own order's status may be when all is delivered."""
        if self.status == 0:
            return {REJECTED if self.is_refused else SENT}
        if self.status != STATUS_CLOSED:
            if self.status == STATUS_NEW and not self.filled:
                # Triggered, where it may be that nobody heard of the waiting.
                return {QUEUED, WORKING} if self.is_ever_open else {QUEUED}
            return {WORKING}
        if self.filled == self.size:
            return {FILLED}
        if self.reason in REFUSE_REASONS:
            # Where nothing is heard before the close, a refused order may as well never have lived.
            return {CANCELED, REJECTED} if self.is_ever_open else {REJECTED}
        return {EXPIRED if self.reason == "EXPIRED" else CANCELED}


class EngineOrder:
    """What the engine was told of one order; every rule of the telling is asserted here."""

    def __init__(self) -> None:
        self.is_accepted = False
        self.is_triggered = False
        self.is_given_up = False
        self.end: Event | None = None
        self.fills: set[tuple[int, str]] = set()
        self.filled = 0
        self.size = SIZE
        self.modifies_rejected = 0

    def hear(self, event: Event) -> None:
        match event:
            case OrderAccepted():
                assert not self.is_accepted, "accepted twice"
                assert not self.fills, "accepted after a fill"
                assert self.end is None, "accepted after the end"
                self.is_accepted = True
            case OrderTriggered():
                assert self.is_accepted, "triggered before acceptance"
                assert not self.is_triggered, "triggered twice"
                assert not self.fills, "triggered after a fill"
                assert self.end is None, "triggered after the end"
                self.is_triggered = True
            case OrderChanged() | ModifyRejected():
                assert self.is_accepted, "changed before acceptance"
                assert self.end is None, "changed after the end"
                if isinstance(event, OrderChanged):
                    self.size = event.size
                else:
                    self.modifies_rejected += 1
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
        assert self.end is None or self.is_given_up, "a fill after the end of the order"
        self.fills.add(key)
        self.filled += trade.size

    def finish(self, event: Event) -> None:
        assert self.end is None, "two ends"
        self.end = event


class AccountMachine(RuleBasedStateMachine):
    """Orders of ours and of others, played out at the venue while messages arrive anyhow."""

    def __init__(self) -> None:
        super().__init__()
        self.store = StateStore(ACCOUNT)
        self.orders: list[VenueOrder] = []
        self.engine: dict[str, EngineOrder] = defaultdict(EngineOrder)
        self.externals: dict[str, OrderUpdate] = {}
        self.seen_filled: dict[str, int] = defaultdict(int)
        self.is_lossy = False
        self.shuffle = Random(0).shuffle

    @initialize(
        order_types=st.lists(st.sampled_from(ORDER_TYPES), min_size=3, max_size=3),
        second=st.sampled_from([OWN, OF_OTHERS]),
        third=st.sampled_from([OWN, OF_OTHERS, THIEF, THIEF]),
        is_lossy=st.booleans(),
        seed=st.integers(0, 2**16),
    )
    def open_account(
        self, order_types: list[int], second: str, third: str, is_lossy: bool, seed: int
    ) -> None:
        for number, owner in enumerate([OWN, second, third]):
            client_id = {OWN: f"O-{number}", OF_OTHERS: "", THIEF: "O-0"}[owner]
            order = VenueOrder(number, client_id, order_types[number], owner)
            if owner == OWN:
                track(
                    self.store,
                    client_id,
                    size=SIZE,
                    price=order.price,
                    trigger_price=order.trigger_price,
                    order_type=order.order_type,
                )
            self.orders.append(order)
        # Where pushes are lost only REST can tell the state, and at one and the same time the
        # stream is believed: so the times of a lossy venue differ.
        self.is_lossy = is_lossy
        self.shuffle = Random(seed).shuffle

    @rule(
        which=st.integers(0, 2),
        moves=st.lists(st.sampled_from(MOVES), min_size=1, max_size=3),
        number=st.integers(0, 9),
    )
    def move_at_the_venue(self, which: int, moves: list[str], number: int) -> None:
        for move in moves:
            self.move(self.orders[which], move, number)

    def move(self, order: VenueOrder, move: str, number: int) -> None:
        ts_step = 1 if self.is_lossy else number % 2
        if order.is_refused or order.is_gone or order.status == STATUS_CLOSED:
            return
        if order.status == 0:
            if order.owner == THIEF and not self.make_known(self.orders[0]):
                return
            second = STATUS_UNTRIGGERED if order.is_conditional else STATUS_OPEN
            order.go([STATUS_NEW, second][number % 2])
        elif move == "work":
            order.work(number, ts_step)
        elif move == "trade":
            order.trade(1 + number, ts_step)
        elif move == "reprice":
            order.reprice(number, ts_step)
        elif move == "resize":
            order.resize(number)
        elif move == "answer":
            order.answer_change(is_taken=number % 3 > 0)
        elif move == "close":
            reasons = CANCEL_REASONS if order.is_ever_open or order.filled else REFUSE_REASONS
            if order.is_triggered and not order.filled:
                reasons = [*CANCEL_REASONS, *REFUSE_REASONS]
            order.go(STATUS_CLOSED, reasons[number % len(reasons)])

    def make_known(self, order: VenueOrder) -> bool:
        """Let an order be heard of: before that nothing tells it from one with its client id."""
        if order.status != 0 and not order.is_gone and not self.is_known(order):
            self.feed(order, order.rest_answer())
        return self.is_known(order)

    def is_known(self, order: VenueOrder) -> bool:
        return self.store.find_order_by_venue_id(order.venue_id) is not None

    def own_orders(self) -> list[tuple[VenueOrder, OrderState]]:
        """Return the own orders that are tracked, with their states."""
        found = []
        for order in self.orders:
            held = self.store.find_order(order.client_id)
            if order.owner == OWN and held is not None:
                found.append((order, held))
        return found

    def may_change(self) -> list[tuple[VenueOrder, OrderState]]:
        own = self.own_orders()
        return [(o, held) for o, held in own if held.status == WORKING and not held.changing_size]

    def miss_fills(self) -> list[tuple[VenueOrder, OrderState]]:
        return [(o, held) for o, held in self.own_orders() if held.status == CLOSING]

    @precondition(may_change)
    @rule(which=st.integers(0, 2), number=st.integers(0, 4), also=st.integers(0, 4))
    def ask_for_a_change(self, which: int, number: int, also: int) -> None:
        found = self.may_change()
        order, held = found[which % len(found)]
        size = held.size + number
        price = None if held.price is None else held.price + also
        trigger_price = TRIGGER + 20 + also if held.is_conditional else None
        if held.is_triggered:
            trigger_price = None
        if (size, price) == (held.size, held.price):
            return
        self.store.change_order(order.client_id, size, price, trigger_price)
        order.requests += 1
        order.answer = 0
        order.asked = (size, price, trigger_price)

    @rule(which=st.integers(0, 2), is_time=RARELY)
    def give_up_a_change(self, which: int, is_time: bool) -> None:
        order = self.orders[which]
        if order.owner == OWN and is_time:
            self.check(order, self.store.refuse_change(order.client_id, "no answer", TS_INIT))

    @rule(which=st.integers(0, 2), is_time=RARELY)
    def refuse_to_create(self, which: int, is_time: bool) -> None:
        order = self.orders[which]
        if is_time and order.owner == OWN and order.status == 0 and not order.is_gone:
            order.is_refused = True
            self.check(order, self.store.refuse_order(order.client_id, "no", False, TS_INIT))

    @rule(which=st.integers(0, 2))
    def refuse_what_the_venue_holds(self, which: int) -> None:
        """Let a refusal come late, or wrongly: it ends nothing."""
        order = self.orders[which]
        held = self.store.find_order(order.client_id)
        if order.owner != OWN or held is None or not self.is_known(order):
            return
        status = held.status
        events = self.store.refuse_order(order.client_id, "no", False, TS_INIT)
        assert all(isinstance(event, Contradiction) for event in events), "refused at work"
        assert held.status == status
        assert len(events) == (status != REJECTED)

    @precondition(miss_fills)
    @rule(which=st.integers(0, 2))
    def give_up_missing_fills(self, which: int) -> None:
        found = self.miss_fills()
        order, held = found[which % len(found)]
        order.is_given_up = True
        self.check(order, self.store.release_terminal(order.client_id))
        engine = self.engine[order.venue_id]
        engine.is_given_up = True
        assert (engine.end is not None) == (held.status != FILLED)

    @rule(is_time=HARDLY_EVER)
    def restart(self, is_time: bool) -> None:
        """Begin again with what the engine knows of open orders; the rest is left behind."""
        if not is_time:
            return
        before, self.store = self.store, StateStore(ACCOUNT)
        self.externals.clear()
        for order in self.orders:
            order.bag.clear()
            held = before.find_order(order.client_id)
            if order.owner != OWN or held is None or not held.is_open:
                order.is_gone = True
                continue
            told = self.engine[order.venue_id]
            order.asked = None
            order.ts_heard = 0
            self.store.restore_order(
                order.client_id,
                held.venue_order_id,
                MARKET,
                SIDE_BUY,
                order.order_type,
                INSTRUCTION_GTC,
                told.size,
                held.price,
                held.trigger_price,
                0,
                TS_INIT,
                is_accepted=told.is_accepted,
                filled=told.filled,
                fills=sorted(told.fills),
                is_triggered=told.is_triggered,
            )

    @rule(which=st.integers(0, 2))
    def ask_by_rest(self, which: int) -> None:
        order = self.orders[which]
        if order.status != 0 and not order.is_gone:
            order.bag.append(order.rest_answer())
            order.bag.extend(order.fills)

    @precondition(lambda self: any(order.bag for order in self.orders))
    @rule(
        which=st.integers(0, 2),
        indexes=st.lists(st.integers(0, 30), min_size=1, max_size=3),
        fate=st.sampled_from(FATES),
    )
    def deliver(self, which: int, indexes: list[int], fate: str) -> None:
        order = self.orders[which]
        for index in indexes:
            if order.bag:
                self.deliver_one(order, index % len(order.bag), fate)

    def deliver_one(self, order: VenueOrder, index: int, fate: str) -> None:
        if fate == "lost" and self.is_lossy:
            del order.bag[index]
        elif fate == "to come again":
            self.feed(order, order.bag[index])
        else:
            self.feed(order, order.bag.pop(index))

    @rule(which=st.integers(0, 2), index=st.integers(0, 30))
    def answer_a_report(self, which: int, index: int) -> None:
        order = self.orders[which]
        if not order.fills or order.is_gone:
            return
        trade = order.fills[index % len(order.fills)]
        engine = self.engine[order.venue_id]
        # The engine takes the answer first and drops what it knows.
        if (trade.fill_type, trade.fill_id) not in engine.fills:
            engine.count(trade)
            engine.is_accepted = True
            engine.is_triggered |= order.is_conditional
        self.check(order, self.store.mark_told(trade))

    def feed(self, order: VenueOrder, message: OrderUpdate | Fill) -> None:
        held = self.store.find_order(order.client_id) if order.owner == OWN else None
        before = held and (held.size, held.price, held.trigger_price)
        self.check(order, self.store.apply(message, TS_INIT))
        if held is None or isinstance(message, Fill):
            return
        if message.ts_updated < order.ts_heard:
            assert (held.size, held.price, held.trigger_price) == before, "old terms were taken"
        elif held.status >= WORKING:
            order.ts_heard = message.ts_updated

    def check(self, order: VenueOrder, events: list[Event]) -> None:
        engine = self.engine[order.venue_id]
        for event in events:
            if isinstance(event, ExternalOrder):
                assert order.owner != OWN, "an own order taken for one of others"
                self.externals[order.venue_id] = event.update
            elif isinstance(event, Contradiction):
                # A fill may overtake the update that made room for it; one may come after the
                # waiting for it was given up. Nothing else looks impossible.
                assert order.is_resized or order.is_given_up or order.owner == THIEF
            else:
                told = getattr(event, "client_order_id", "")
                assert told == (order.client_id if order.owner == OWN else ""), "of another order"
                engine.hear(event)
                if isinstance(event, OrderTriggered):
                    assert order.is_triggered, "triggered though it waits"
                    assert order.price is not None, "triggered though it has no price"
        assert engine.modifies_rejected <= order.requests

    @invariant()
    def what_is_held_is_true(self) -> None:
        for order in self.orders:
            held = self.store.find_order(order.client_id)
            if order.owner != OWN or held is None:
                continue
            assert self.seen_filled[order.client_id] <= held.filled <= order.filled <= order.size
            assert held.filled == self.engine[order.venue_id].filled
            self.seen_filled[order.client_id] = held.filled
            assert held.is_open == (held in self.store.open_orders())
            assert held.is_triggered <= order.is_triggered

    def teardown(self) -> None:
        """Deliver the rest in any order: all is told, and the state is the venue's."""
        for order in self.orders:
            if order.is_gone:
                continue
            if order.status != 0:
                order.bag.append(order.rest_answer())
            messages = [*order.bag, *order.fills]
            self.shuffle(messages)
            for message in messages:
                self.feed(order, message)
                self.what_is_held_is_true()
            self.check_final(order)

    def check_final(self, order: VenueOrder) -> None:
        told = self.engine[order.venue_id]
        assert told.fills == {(trade.fill_type, trade.fill_id) for trade in order.fills}
        if order.owner != OWN:
            external = self.externals.get(order.venue_id)
            assert (external is None) == (order.status == 0)
            assert external is None or external.status == order.status
            return
        held = self.store.find_order(order.client_id)
        assert held is not None
        assert held.filled == order.filled
        assert held.venue_order_id == (order.venue_id if order.status else "")
        if order.filled or order.status == STATUS_OPEN:
            assert held.is_triggered == order.is_conditional
        if held.is_triggered and held.is_open and order.price is not None:
            assert told.is_triggered
        if order.is_given_up:
            return
        assert held.status in order.final_statuses()
        if held.status == FILLED:
            assert (told.end is not None) == (told.filled < told.size)
        else:
            assert (told.end is not None) == (held.status in {CANCELED, EXPIRED, REJECTED})
        if held.status not in {SENT, QUEUED, REJECTED} and order.is_ever_open:
            assert (held.size, held.price, held.trigger_price) == order.terms
        self.check_change_is_over(order)

    def check_change_is_over(self, order: VenueOrder) -> None:
        held = self.store.find_order(order.client_id)
        assert held is not None
        asked = (held.changing_size, held.changing_price, held.changing_trigger_price)
        as_asked = asked == (order.size, order.price, asked[2] and order.trigger_price)
        if not held.is_open or order.answer == REQUEST_REJECTED or as_asked:
            assert held.changing_size == 0, "a change without an outcome"


AccountMachine.TestCase.settings = settings(max_examples=200, stateful_step_count=40)
TestAccount = AccountMachine.TestCase


@st.composite
def histories(draw: st.DrawFn) -> VenueOrder:
    """Return an own order with a whole truthful history in its bag."""
    order = VenueOrder(1, "O-1", draw(st.sampled_from(ORDER_TYPES)))
    if draw(st.booleans()):
        order.go(STATUS_NEW)
    if order.is_conditional and draw(st.booleans()):
        order.go(STATUS_UNTRIGGERED)
        order.reprice(draw(st.integers(0, 3)), 1)
    if draw(st.booleans()):
        order.is_triggered = order.is_conditional
        order.go(STATUS_OPEN)
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


def play(order: VenueOrder, messages: list[OrderUpdate | Fill]) -> dict[str, Any]:
    """Return the final state of the order after the messages."""
    store = StateStore(ACCOUNT)
    held = track(
        store,
        size=SIZE,
        price=None if order.price is None else PRICE,
        trigger_price=TRIGGER if order.is_conditional else None,
        order_type=order.order_type,
    )
    for message in messages:
        store.apply(message, TS_INIT)
    return {
        "status": held.status,
        "venue_order_id": held.venue_order_id,
        "filled": held.filled,
        "told_filled": held.told_filled,
        "size": held.size,
        "price": held.price,
        "trigger_price": held.trigger_price,
        # One that closed unfilled may have been open for a moment nobody saw.
        "is_triggered": held.is_triggered if held.filled or held.is_open else None,
    }


@given(data=st.data(), order=histories())
def test_any_order_of_the_same_messages_ends_the_same(
    data: st.DataObject, order: VenueOrder
) -> None:
    repeats = data.draw(st.lists(st.sampled_from(order.bag), max_size=3)) if order.bag else []
    shuffled = data.draw(st.permutations([*order.bag, *repeats]))
    assert play(order, shuffled) == play(order, order.bag)
