"""What is known of one own order, and what each piece of news about it tells.

The rules of its life are in `order_lifecycle`. Beside them:

1. Sequence numbers order the updates of one feed. Between feeds three facts stand whenever they
   come, since none can be unsaid: it worked, this much filled, it closed. Price, trigger price
   and size follow the newer update.
2. A fill counts whatever the order's state, and is told even when it cannot be: money is real.
"""

from typing import Final, final

from mypy_extensions import mypyc_attr

from paradex_adapter_core.events import (
    Contradiction,
    Event,
    FillApplied,
    FillsMissing,
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
    FILLS,
    HEARD,
    IMPOSSIBLE,
    NEWS_BY_STATUS,
    NEXT,
    QUEUED,
    REFUSED,
    REJECTED,
    SENT,
    STATUS_NAMES,
    WORKING,
    ending_of,
)
from paradex_adapter_core.vocabulary import (
    CONDITIONAL_TYPES,
    FEED_REST,
    POST_ONLY_REASON,
    PRICED_TYPES,
    REQUEST_REJECTED,
    SIDE_BUY,
    STATUS_CLOSED,
    STATUS_NEW,
    STATUS_OPEN,
    STATUS_UNTRIGGERED,
)

CLOSED_REASON: Final = "the order closed before it was changed"


@final
@mypyc_attr(acyclic=True)
class OrderState:
    """What is known of one own order. Anyone may read it; only the store changes it.

    Attributes
    ----------
    market : str
        The venue's symbol.
    side, order_type, instruction, flags : int
        As sent: codes of `vocabulary`.
    ts_sent : int
        UNIX nanoseconds.
    status : int
        One of `order_lifecycle`'s, `SENT` to `REJECTED`.
    venue_order_id : str
        Empty until the venue told it.
    size, price, trigger_price : int or None
        As the venue told them last, in 1e-8; as sent before that.
    filled : int
        Sum of the fills counted, in 1e-8.
    told_filled : int
        The most the venue's order updates told as filled, in 1e-8.
    is_conditional, is_triggered : bool
        Whether the order waits for a trigger price, and whether that was reached.
    changing_size : int
        What a change under way asks for, in 1e-8; 0 when there is none.
    changing_price, changing_trigger_price : int or None
        The rest of it; None where the order has no such price.
    """

    def __init__(
        self,
        client_order_id: str,
        market: str,
        side: int,
        order_type: int,
        instruction: int,
        size: int,
        price: int | None,
        trigger_price: int | None,
        flags: int,
        ts_sent: int,
    ) -> None:
        self.client_order_id: Final = client_order_id
        self.market: Final = market
        self.side: Final = side
        self.order_type: Final = order_type
        self.instruction: Final = instruction
        self.flags: Final = flags
        self.ts_sent: Final = ts_sent
        self.venue_order_id = ""
        self.status = SENT
        self.size = size
        self.price = price
        self.trigger_price = trigger_price
        # The size as the engine knows it.
        self._size_told = size
        self.filled = 0
        self.told_filled = 0
        self.is_conditional: Final = order_type in CONDITIONAL_TYPES
        self.is_triggered = False
        self.changing_size = 0
        self.changing_price: int | None = None
        self.changing_trigger_price: int | None = None
        self._has_price: Final = order_type in PRICED_TYPES
        # The feeds that told it waits for its trigger, as a bit set.
        self._feeds_untriggered = 0
        self._seq_rest = 0
        self._seq_stream = 0
        # Where price, trigger price and size come from.
        self._ts_terms = 0
        self._ts_told = 0
        self._feed_terms = 0
        self._ending = 0
        self._reason = ""
        self._ts_closed = 0
        self._feed_closed = 0
        self._rejected_request: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether the order can still trade, or its end is still to be told."""
        return self.status < FILLED

    @property
    def missing(self) -> int:
        """The quantity the venue told as filled without a fill counted yet, in 1e-8."""
        missing = self.told_filled - self.filled
        return missing if missing > 0 else 0

    def has_other_terms(self, update: OrderUpdate) -> bool:
        """Return whether an update has another size, price or trigger price, where it has one."""
        if update.size != self.size:
            return True
        if self._has_price and update.price is not None and update.price != self.price:
            return True
        # Orders without a trigger come with 0.
        return bool(update.trigger_price) and update.trigger_price != self.trigger_price

    def apply_update(self, update: OrderUpdate, ts_init: int) -> list[Event]:
        """Apply one update of this order, of either feed."""
        events: list[Event] = []
        status = self._place(update, events)
        if status == IMPOSSIBLE:
            return events
        ts_event = update.ts_updated or ts_init
        is_newest = self._is_newest(update)
        is_told_more = self._take_filled(update, events)
        if update.status == STATUS_CLOSED and (
            self.status < CLOSING or (self.status == CLOSING and is_told_more)
        ):
            self._close(update, ts_event)
            is_told_more = True
        self._move(status, ts_event, events)
        if self.is_conditional and not self.is_triggered and status >= WORKING:
            self._watch_trigger(update, ts_event, events)
        if is_newest and status >= WORKING:
            self._take_terms(update, ts_event, events)
        if update.request_status == REQUEST_REJECTED and status == WORKING:
            self._tell_rejected_modify(update, ts_event, events)
        elif status > WORKING:
            events += self.refuse_change(update.request_message or CLOSED_REASON, ts_event)
        if is_told_more and self.told_filled > self.filled:
            events.append(
                FillsMissing(
                    self.client_order_id, self.venue_order_id, self.market, self.missing, ts_event
                )
            )
        self._settle(events)
        return events

    def apply_fill(self, fill: Fill, is_told: bool) -> list[Event]:
        """Count one fill; with ``is_told`` the engine has it already."""
        events: list[Event] = []
        status = NEXT[self.status].get(FILLS, IMPOSSIBLE)
        if status != IMPOSSIBLE:
            if is_told:
                self.status = status
            else:
                self._move(status, fill.ts_event, events)
        if self.is_conditional and not self.is_triggered:
            self._trigger(fill.ts_event, [] if is_told else events)
        self.filled += fill.size
        if self.changing_size:
            self._change_by_fill(fill, events)
        if not is_told:
            events.append(FillApplied(self.client_order_id, self.side, fill))
        # A closed order fills as far as the venue told and no further, an open one up to its size.
        most = self.told_filled if self.status >= CLOSING else self.size
        if self.filled > most:
            self._contradict(f"fill {fill.fill_id} of {fill.size}", events)
        self._settle(events)
        return events

    def refuse(self, reason: str, due_post_only: bool, ts_event: int) -> list[Event]:
        """Apply a definite refusal of the request to create this order."""
        events: list[Event] = []
        status = NEXT[self.status].get(REFUSED, IMPOSSIBLE)
        if status == IMPOSSIBLE:
            self._contradict(f"refused: {reason}", events)
        elif status != self.status:
            self.status = status
            events.append(OrderRejected(self.client_order_id, reason, due_post_only, ts_event))
        return events

    def change(self, size: int, price: int | None, trigger_price: int | None) -> None:
        """Expect an outcome of a request for another total size, price and trigger price (1e-8)."""
        self.changing_size = size
        self.changing_price = price if self._has_price else None
        self.changing_trigger_price = trigger_price

    def refuse_change(self, reason: str, ts_event: int) -> list[Event]:
        """Stop expecting an outcome of the change under way, if there is one."""
        events: list[Event] = []
        if self.changing_size:
            self.changing_size = 0
            events.append(
                ModifyRejected(self.client_order_id, self.venue_order_id, reason, ts_event)
            )
        return events

    def release(self) -> list[Event]:
        """Stop waiting for the fills of a closed order and tell its end."""
        events: list[Event] = []
        if self.status == CLOSING:
            self._contradict(f"closed with {self.told_filled} filled", events)
            self._end(events)
        return events

    def restore(
        self, venue_order_id: str, is_accepted: bool, filled: int, is_triggered: bool
    ) -> None:
        """Take up what an earlier run knew."""
        self.venue_order_id = venue_order_id
        self.is_triggered = self.is_conditional and (is_triggered or filled > 0)
        self.filled = filled
        self.told_filled = filled
        if is_accepted:
            self.status = WORKING
        elif venue_order_id:
            self.status = QUEUED

    def _place(self, update: OrderUpdate, events: list[Event]) -> int:
        """Return the status an update leads to, `IMPOSSIBLE` where it is to be dropped."""
        if self._is_stale(update):
            return IMPOSSIBLE
        if not 0 <= update.remaining_size <= update.size:
            self._contradict(_describe_update(update), events)
            return IMPOSSIBLE
        status = NEXT[self.status].get(NEWS_BY_STATUS.get(update.status, HEARD), IMPOSSIBLE)
        # An update from before the close may well come after it by the other feed.
        if status == IMPOSSIBLE and (
            update.feed == self._feed_closed or update.ts_updated > self._ts_closed
        ):
            self._contradict(_describe_update(update), events)
        return status

    def _is_stale(self, update: OrderUpdate) -> bool:
        """Place the update in its feed; a close is news in whatever order it comes."""
        seq_no = update.seq_no
        if update.feed == FEED_REST:
            last = self._seq_rest
            if seq_no > last:
                self._seq_rest = seq_no
        else:
            last = self._seq_stream
            if seq_no > last:
                self._seq_stream = seq_no
        # 0: an answer without a number.
        if seq_no == 0 or seq_no > last:
            return False
        return update.status != STATUS_CLOSED or self.status >= CLOSING

    def _take_filled(self, update: OrderUpdate, events: list[Event]) -> bool:
        """Take the filled quantity an update implies; return whether it is news."""
        told = update.size - update.remaining_size
        is_more = told > self.told_filled
        # At the same time as the update that told more it may be the state before that.
        is_less = told < self.told_filled and update.ts_updated > self._ts_told
        # Fills may run ahead of the updates of a working order, but not of its close.
        if is_less or (update.status == STATUS_CLOSED and told < self.filled):
            self._contradict(_describe_update(update), events)
        if is_more:
            self.told_filled = told
        if told >= self.told_filled and update.ts_updated > self._ts_told:
            self._ts_told = update.ts_updated
        return is_more

    def _is_newest(self, update: OrderUpdate) -> bool:
        if update.ts_updated == self._ts_terms:
            return update.feed >= self._feed_terms
        return update.ts_updated > self._ts_terms

    def _close(self, update: OrderUpdate, ts_event: int) -> None:
        self._ending = ending_of(
            self.status >= WORKING, self.told_filled, update.remaining_size, update.cancel_reason
        )
        self._reason = update.cancel_reason
        self._ts_closed = ts_event
        self._feed_closed = update.feed

    def _move(self, status: int, ts_event: int, events: list[Event]) -> None:
        """Go to a status of the table, telling acceptance where it is due."""
        if self.status < WORKING <= status and self._ending != REJECTED:
            events.append(OrderAccepted(self.client_order_id, self.venue_order_id, ts_event))
        self.status = status

    def _watch_trigger(self, update: OrderUpdate, ts_event: int, events: list[Event]) -> None:
        """Learn from an update whether the order still waits for its trigger."""
        if update.status == STATUS_UNTRIGGERED:
            self._feeds_untriggered |= update.feed
        elif update.status == STATUS_OPEN or update.remaining_size < update.size:
            self._trigger(ts_event, events)
        elif (
            update.status == STATUS_NEW
            and update.seq_no
            and (self._feeds_untriggered & update.feed)
        ):
            # Not between feeds: there it may be the NEW of before, behind its time.
            self._trigger(ts_event, events)

    def _trigger(self, ts_event: int, events: list[Event]) -> None:
        """Note the trigger; tell it of an order that lives and has a price."""
        self.is_triggered = True
        if self._has_price and self.is_open:
            events.append(OrderTriggered(self.client_order_id, self.venue_order_id, ts_event))

    def _take_terms(self, update: OrderUpdate, ts_event: int, events: list[Event]) -> None:
        """Take price, trigger price and size of the newest update; an absent one is unchanged."""
        self._ts_terms = update.ts_updated
        self._feed_terms = update.feed
        is_changed = self.has_other_terms(update)
        # Closed with a change nobody was told of: by an earlier run, or cut to its position.
        is_unfinished = self.missing > 0 or self._ending == CANCELED or self._ending == EXPIRED
        is_alive = self.status == WORKING or (self.status == CLOSING and is_unfinished)
        self.size = update.size
        if self._has_price and update.price is not None:
            self.price = update.price
        self.trigger_price = update.trigger_price or self.trigger_price
        if is_changed and is_alive:
            self._tell_changed(ts_event, events)
        if self.size == self.changing_size and self._has_prices_asked():
            self.changing_size = 0

    def _has_prices_asked(self) -> bool:
        """Whether the prices are those a change under way asks for."""
        trigger_price = self.changing_trigger_price
        if trigger_price is not None and trigger_price != self.trigger_price:
            return False
        return self.changing_price is None or self.changing_price == self.price

    def _change_by_fill(self, fill: Fill, events: list[Event]) -> None:
        """Conclude what a fill says of a change under way, before either is told."""
        is_changed = self.size < self.filled or self._is_beyond_price(fill.price)
        if is_changed and self.filled <= self.changing_size:
            # Only the changed order fills so; the update that says so comes behind.
            self.size = self.changing_size
            if self.changing_price is not None:
                self.price = self.changing_price
            if self.changing_trigger_price is not None:
                self.trigger_price = self.changing_trigger_price
            self.changing_size = 0
            self._tell_changed(fill.ts_event, events)
        elif self.filled >= self.size:
            events += self.refuse_change(CLOSED_REASON, fill.ts_event)

    def _is_beyond_price(self, price: int) -> bool:
        """Whether the order as it was before the change under way could not have traded there."""
        if self.price is None or self.changing_price is None:
            return False
        return price > self.price if self.side == SIDE_BUY else price < self.price

    def _tell_changed(self, ts_event: int, events: list[Event]) -> None:
        self._size_told = self.size
        events.append(
            OrderChanged(
                self.client_order_id,
                self.venue_order_id,
                self.size,
                self.price,
                self.trigger_price,
                ts_event,
            )
        )

    def _tell_rejected_modify(
        self, update: OrderUpdate, ts_event: int, events: list[Event]
    ) -> None:
        """Tell it once: later updates repeat the outcome of the last request."""
        if update.request_id != self._rejected_request:
            self._rejected_request = update.request_id
            events += self.refuse_change(update.request_message, ts_event)

    def _settle(self, events: list[Event]) -> None:
        if self.status == CLOSING and self.filled >= self.told_filled:
            self._end(events)

    def _end(self, events: list[Event]) -> None:
        self.status = self._ending
        reason = self._reason
        # One that filled after it was cut to its position has a rest nobody told the end of.
        is_cut = self._ending == FILLED and self.told_filled <= self.filled < self._size_told
        if self._ending == CANCELED or is_cut:
            events.append(
                OrderCanceled(self.client_order_id, self.venue_order_id, reason, self._ts_closed)
            )
        elif self._ending == EXPIRED:
            events.append(
                OrderExpired(self.client_order_id, self.venue_order_id, reason, self._ts_closed)
            )
        elif self._ending == REJECTED:
            is_post_only = reason == POST_ONLY_REASON
            events.append(
                OrderRejected(self.client_order_id, reason, is_post_only, self._ts_closed)
            )

    def _contradict(self, told: str, events: list[Event]) -> None:
        held = f"{STATUS_NAMES[self.status]}, {self.filled} of {self.size} filled"
        events.append(Contradiction(self.client_order_id, self.venue_order_id, held, told))


def _describe_update(update: OrderUpdate) -> str:
    return f"status {update.status}, {update.remaining_size} of {update.size} remaining"
