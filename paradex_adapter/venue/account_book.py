"""What is known of one account, and what of it is news.

Everything that tells about the account goes through the book once: the stream, the replies to
commands, the answers over REST. What is new comes out, in order.
"""

import asyncio
from collections.abc import Callable, Collection
from typing import Final, final

from paradex_adapter.venue.account_reader import Notice
from paradex_adapter.venue.account_snapshot import AccountSnapshot
from paradex_adapter.venue.algo_orders import AlgoOrders
from paradex_adapter.venue.algo_state import AlgoProgress
from paradex_adapter.venue.external_orders import ExternalFact, ExternalOrders
from paradex_adapter.venue.recovery import AccountMessage, Recovery
from paradex_adapter_core.dedup_ledger import DedupLedger
from paradex_adapter_core.events import (
    Contradiction,
    Event,
    ExternalOrder,
    FillApplied,
    FillsMissing,
    ModifyRejected,
    OrderCanceled,
    OrderChanged,
    OrderExpired,
    OrderRejected,
)
from paradex_adapter_core.messages.account import (
    AccountSummary,
    Balance,
    FundingPayment,
    Position,
)
from paradex_adapter_core.messages.orders import Fill, OrderUpdate, TradeBust
from paradex_adapter_core.state_store import StateStore
from paradex_adapter_core.vocabulary import STATUS_CLOSED, STATUS_UNTRIGGERED

# The reason to hold back while the engine works in an answer about the whole account.
ANSWER: Final = "answer"
# Stream messages kept while an answer about the whole account is being worked in.
HELD_MESSAGES_MAX: Final = 50_000
# Funding payments and trade busts remembered as told.
NOTICES_KEPT: Final = 8_192

_NOTICES: Final = (FundingPayment, TradeBust)
_ACCOUNT_MESSAGES: Final = (OrderUpdate, Fill, Position, AccountSummary, Balance, *_NOTICES)


@final
class AccountBook:
    """The state of one account; `follow` names who acts on its news.

    Parameters
    ----------
    account_address : str
        The account.
    on_events : Callable[[list[Event]], None]
        Takes what is new about own orders, positions and balances, in order.
    on_external : Callable[[list[ExternalFact]], None]
        Takes what is new about orders not ours, in order.
    on_notice : Callable[[Notice | AlgoProgress], None], optional
        Takes what the venue did to the account that changes nothing of the state here.
    clock_ns : Callable[[], int]
        Our clock, nanoseconds since the Unix epoch.
    now_ms : Callable[[], int]
        The venue's time, as well as it is known, in Unix milliseconds.
    counters : dict[str, int]
        What was skipped or went wrong, by kind.
    warn : Callable[[str], None]
        Takes what a user should know.

    Attributes
    ----------
    store : StateStore
        What is known of own orders, positions, margin and balances.
    externals : ExternalOrders
        What was told of orders not ours.
    """

    def __init__(
        self,
        account_address: str,
        *,
        on_events: Callable[[list[Event]], None],
        on_external: Callable[[list[ExternalFact]], None],
        on_notice: Callable[[Notice | AlgoProgress], None] | None,
        clock_ns: Callable[[], int],
        now_ms: Callable[[], int],
        counters: dict[str, int],
        warn: Callable[[str], None],
    ) -> None:
        self.store: Final = StateStore(account_address)
        self.externals: Final = ExternalOrders()
        self._on_events: Final = on_events
        self._on_external: Final = on_external
        self._on_notice: Final = on_notice
        self._clock_ns: Final = clock_ns
        self._venue_now_ms: Final = now_ms
        self._counters: Final = counters
        self._warn: Final = warn
        self._recovery: Recovery
        self._algo_orders: AlgoOrders
        self._held: list[AccountMessage | Notice] = []
        # What a report to the engine brought about and does not itself say, such as the end of an
        # order that waited for a fill; told once the engine has worked the report in.
        self._unanswered: list[Event] = []
        self._hold_reasons: Final[set[str]] = set()
        self._is_answered: Final = asyncio.Event()
        self._is_answered.set()
        self._has_dropped = False
        # By stream and, after a reconnect, over REST: told once.
        self._notices: Final = DedupLedger(NOTICES_KEPT)

    def follow(self, recovery: Recovery, algo_orders: AlgoOrders) -> None:
        """Name who asks for what is missing, and who follows algo orders; before anything else."""
        self._recovery = recovery
        self._algo_orders = algo_orders

    @property
    def is_held(self) -> bool:
        """Whether what the stream tells is kept back."""
        return bool(self._hold_reasons)

    def adopt(self, client_order_id: str, venue_order_id: str) -> str | None:
        """Take up a working order not sent from here as an own one, so that it can be changed.

        Parameters
        ----------
        client_order_id : str
            Under which the engine knows it; perhaps not the venue's.
        venue_order_id : str
            The venue's.

        Returns
        -------
        str or None
            Why that cannot be; None when it is an own order, or no order that works.
        """
        update = self.externals.find_working(venue_order_id)
        if update is None or self.store.find_order(client_order_id) is not None:
            return None
        if self.externals.is_owing(venue_order_id):
            return "fills of the order are being asked for"
        if self.store.is_full:
            return f"{self.store.open_orders_max} orders are open already"
        filled = self.externals.find_filled(venue_order_id) or 0
        self.store.restore_order(
            client_order_id,
            venue_order_id,
            update.market,
            update.side,
            update.order_type,
            update.instruction,
            update.size,
            update.price,
            update.trigger_price or None,
            update.flags,
            update.ts_created,
            is_accepted=True,
            filled=filled,
            # The ledger has them.
            fills=[],
            is_triggered=update.status != STATUS_UNTRIGGERED,
        )
        return None

    # -- working in an answer about the whole account ---------------------------------------------

    def hold(self, reason: str = ANSWER) -> None:
        """Keep what the stream tells from now on, until `release` for each reason."""
        self._hold_reasons.add(reason)
        if reason == ANSWER:
            self._is_answered.clear()

    def release(self, reason: str = ANSWER) -> None:
        """Apply what was kept, in order, and go on, unless there is another reason to hold."""
        self._hold_reasons.discard(reason)
        if reason == ANSWER:
            self._is_answered.set()
        if self._hold_reasons:
            return
        unanswered, self._unanswered = self._unanswered, []
        if unanswered:
            self._on_events(unanswered)
        held, self._held = self._held, []
        for message in held:
            self._take(message, self._clock_ns())
        self._algo_orders.tell_news()
        if self._has_dropped:
            self._has_dropped = False
            self._recovery.start_recovering(self._venue_now_ms())

    async def until_answered(self) -> None:
        """Return when no answer about the whole account is being worked in."""
        await self._is_answered.wait()

    def take_answered(self, snapshot: AccountSnapshot, passed_over: Collection[str] = ()) -> None:
        """Count what a report answers, without telling it again.

        Called with exactly what the report says, while the stream is held. What it brings about
        beyond that, such as the end of an order that waited for a fill, is told on the release. So
        are new terms of the orders `passed_over`, by client id, whose reports the engine skips.
        """
        events: list[Event] = []
        for fill in snapshot.fills:
            events += self.store.mark_told(fill)
        for update in snapshot.orders:
            events += self.store.apply(update, self._clock_ns())
        self._follow_up(events)
        ended = {
            update.client_order_id
            for update in snapshot.orders
            if update.status == STATUS_CLOSED
            and snapshot.filled_of(update) == update.size - update.remaining_size
        }
        self._unanswered += [
            event for event in events if self._is_left_out(event, ended, passed_over)
        ]
        for update in snapshot.orders:
            if self.store.find_order_by_venue_id(update.venue_order_id) is None:
                self.externals.seed(update, snapshot.filled_of(update))
                self._tell_external(update, [])
        for position in snapshot.positions:
            self.store.apply(position, self._clock_ns())

    # -- messages in, events out ------------------------------------------------------------------

    def on_message(self, message: object, ts_init: int) -> None:
        """Take what the stream tells; anything that is not of the account is passed over."""
        if not isinstance(message, _ACCOUNT_MESSAGES):
            return
        if not self._hold_reasons:
            self._take(message, ts_init)
        elif len(self._held) < HELD_MESSAGES_MAX:
            self._held.append(message)
        else:
            self._count("held messages dropped")
            self._has_dropped = True

    def _take(self, message: AccountMessage | Notice, ts_init: int) -> None:
        if isinstance(message, _NOTICES):
            self.tell_notice(message)
        else:
            self.tell(self.store.apply(message, ts_init))

    def tell_notice(self, notice: Notice) -> None:
        """Tell what the venue did to the account, unless it was told before."""
        notice_id = notice.fill_id if isinstance(notice, TradeBust) else notice.payment_id
        if self._on_notice is not None and self._notices.admit("", notice.kind, notice_id):
            self._on_notice(notice)

    def tell_progress(self, progress: AlgoProgress) -> None:
        """Tell how far an algo order has got."""
        if self._on_notice is not None:
            self._on_notice(progress)

    def apply(self, message: AccountMessage) -> None:
        """Apply a message and tell what is new in it."""
        self.tell(self.store.apply(message, self._clock_ns()))

    def tell(self, events: list[Event]) -> None:
        """Tell events of the store, and let what they ask for be done."""
        if not events:
            return
        self._follow_up(events)
        self._on_events(events)
        for event in events:
            if isinstance(event, ExternalOrder):
                self._tell_external(event.update, self.externals.take_order(event.update))
            elif isinstance(event, FillApplied) and not event.client_order_id:
                self._tell_external(event.fill, self.externals.take_fill(event.fill, event.side))
                # Perhaps of a child of an algo order: the venue does not say.
                self._algo_orders.take_fill(event.fill.market)

    def _tell_external(self, message: OrderUpdate | Fill, facts: list[ExternalFact]) -> None:
        if facts:
            self._on_external(facts)
        venue_order_id = message.venue_order_id
        if self.externals.is_owing(venue_order_id):
            ts_event = message.ts_created if isinstance(message, OrderUpdate) else message.ts_event
            self._recovery.start_awaiting_external(venue_order_id, message.market, ts_event)

    def _follow_up(self, events: list[Event]) -> None:
        """Start what events ask of the session itself."""
        for event in events:
            if isinstance(event, OrderChanged | ModifyRejected):
                state = self.store.find_order(event.client_order_id)
                if state is None or not state.changing_size:
                    self._recovery.stop_awaiting_change(event.client_order_id)
            elif isinstance(event, FillsMissing):
                self._recovery.start_awaiting_fills(event.client_order_id)
            elif isinstance(event, Contradiction):
                self._count("contradictions")
                self._warn(
                    f"The venue contradicts itself about order {event.venue_order_id}: "
                    f"held {event.held}, told {event.told}"
                )

    def _is_left_out(self, event: Event, ended: set[str], passed_over: Collection[str]) -> bool:
        """Return whether a report that tells the end of the orders `ended` does not say `event`."""
        if isinstance(event, OrderCanceled | OrderExpired | OrderRejected):
            return event.client_order_id not in ended
        if isinstance(event, OrderChanged):
            return event.client_order_id in passed_over and event.client_order_id not in ended
        return isinstance(event, ModifyRejected | Contradiction)

    def _count(self, kind: str) -> None:
        self._counters[kind] = self._counters.get(kind, 0) + 1
