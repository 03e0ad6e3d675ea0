"""Trading on the private websocket: orders out, events in, and recovery when either is lost.

The session owns the state store. Whatever tells about the account (the stream, replies to commands,
REST answers) goes through it, and only what is new comes out, to `on_events` and `on_external`.

An order is sent once. It goes over the websocket; over REST only when the websocket was down before
anything was sent. A reply that is lost makes the order's outcome unknown, never a refusal: see
`paradex_adapter.venue.recovery`.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from typing import Final, final

from paradex_adapter.venue.account_reader import AccountReader, AccountSnapshot
from paradex_adapter.venue.auth import TokenProvider
from paradex_adapter.venue.errors import (
    OutcomeUnknown,
    ParadexError,
    RequestRejected,
)
from paradex_adapter.venue.external_orders import ExternalFact, ExternalOrders
from paradex_adapter.venue.http import HttpClient
from paradex_adapter.venue.order_gateway import OrderGateway
from paradex_adapter.venue.order_requests import (
    OrderRequest,
    sign_modify_request,
    sign_order_request,
)
from paradex_adapter.venue.recovery import (
    OVERLAP_MS,
    RECV_WINDOW_MS_DEFAULT,
    AccountMessage,
    Recovery,
)
from paradex_adapter.venue.retry import Backoff
from paradex_adapter.venue.signing import OrderSigner
from paradex_adapter.venue.websocket import WebSocketConnection
from paradex_adapter_core.decimals import units_to_text
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
from paradex_adapter_core.messages import AccountSummary, Balance, Fill, OrderUpdate, Position
from paradex_adapter_core.order_lifecycle import WORKING
from paradex_adapter_core.order_state import OrderState
from paradex_adapter_core.state_store import StateStore
from paradex_adapter_core.vocabulary import POST_ONLY_REASON, STATUS_CLOSED, UNITS_SCALE

CHANNELS: Final = ("orders.ALL", "fills.ALL", "positions", "account")
# Stream messages kept while an answer about the whole account is being worked in.
HELD_MESSAGES_MAX: Final = 50_000
CANCEL_ATTEMPTS_MAX: Final = 4
CANCEL_RETRY_DELAY_SECS: Final = 0.3
CANCELS_AT_ONCE_MAX: Final = 50
# How long a cancel waits for an order whose own outcome is unknown.
RESOLVE_WAIT_SECS: Final = 15.0

# Words of refusals that do not tell what became of the order; over RPC they stand in the text.
_GONE_WORDS: Final = ("NOT_FOUND", "NOT FOUND", "IS_CLOSED", "IS CLOSED", "ALREADY CLOSED")
_EARLY_WORDS: Final = ("NOT_OPEN", "NOT OPEN")

_log = logging.getLogger(__name__)
_ACCOUNT_MESSAGES: Final = (OrderUpdate, Fill, Position, AccountSummary, Balance)


@final
class TradingSession:
    """One account's orders, fills, positions and balances.

    Parameters
    ----------
    http : HttpClient
        With a token provider.
    tokens : TokenProvider
        Authenticates the websocket.
    signer : OrderSigner
        Signs orders.
    base_url_ws : str
        Where the private websocket connects.
    on_events : Callable[[list[Event]], None]
        Takes what is new about own orders, positions and balances, in order.
    on_external : Callable[[list[ExternalFact]], None]
        Takes what is new about orders this session did not send, in order.
    recv_window_ms : int, optional
        How long after signing the venue may still take an order, in milliseconds; by default the
        venue's own 300 000.
    clock_offset_ms : int
        The venue's clock minus ours.
    clock_ns : Callable[[], int]
        Our clock, nanoseconds since the Unix epoch.
    backoff : Backoff, optional
        The delays between reconnects.
    proxy_url : str, optional
        A proxy for the websocket.
    prefer_picows : bool
        Use the fast transport when it is installed.
    warn : Callable[[str], None], optional
        Takes what a user should know; never a secret.

    Attributes
    ----------
    store : StateStore
        What is known of the account. Read it; only the session changes it.
    externals : ExternalOrders
        What was told of orders not ours.
    reader : AccountReader
        Whole answers over REST; they change nothing until `take` applies them.
    counters : dict[str, int]
        What was skipped or went wrong, by kind.
    """

    def __init__(
        self,
        http: HttpClient,
        tokens: TokenProvider,
        signer: OrderSigner,
        base_url_ws: str,
        *,
        on_events: Callable[[list[Event]], None],
        on_external: Callable[[list[ExternalFact]], None],
        recv_window_ms: int | None = None,
        clock_offset_ms: int = 0,
        clock_ns: Callable[[], int] = time.time_ns,
        backoff: Backoff | None = None,
        proxy_url: str | None = None,
        prefer_picows: bool = True,
        warn: Callable[[str], None] | None = None,
    ) -> None:
        self._signer: Final = signer
        self._on_events: Final = on_events
        self._on_external: Final = on_external
        self._recv_window_ms: Final = recv_window_ms
        self._clock_offset_ms: Final = clock_offset_ms
        self._clock_ns: Final = clock_ns
        self._warn: Final = warn or _log.warning
        self.counters: Final[dict[str, int]] = {}
        self.store: Final = StateStore(signer.account_address)
        self.externals: Final = ExternalOrders()
        self.reader: Final = AccountReader(http, self.counters)
        self._recovery: Final = Recovery(
            self.reader,
            self.store,
            self.externals,
            apply=self._apply,
            tell=self._tell,
            tell_external=on_external,
            on_caught_up=self._on_caught_up,
            now_ms=self._venue_now_ms,
            warn=self._warn,
        )
        self._connection: Final = WebSocketConnection(
            base_url_ws,
            name="private",
            plain_first=True,
            on_message=self._on_message,
            on_connected=self._on_connected,
            on_disconnected=self._on_disconnected,
            clock_ns=clock_ns,
            backoff=backoff,
            proxy_url=proxy_url,
            prefer_picows=prefer_picows,
            log=self._warn,
        )
        self._gateway: Final = OrderGateway(self._connection, http, tokens, self.counters)
        self._held: list[AccountMessage] = []
        # News that an answer brought about and does not say; told when the answer is worked in.
        self._unanswered: list[Event] = []
        self._hold_reasons: Final[set[str]] = set()
        self._has_dropped = False
        # Since when the stream may have missed something, Unix milliseconds.
        self._gap_since_ms: int | None = None

    @property
    def is_ready(self) -> bool:
        """Whether the private stream is live."""
        return self._connection.is_ready

    @property
    def is_recovering(self) -> bool:
        """Whether a catch-up after a reconnect is under way."""
        return self._recovery.is_recovering

    async def connect(self) -> None:
        """Connect, authenticate and subscribe; return when the private stream is live.

        Raises
        ------
        ParadexError
            If that did not come about; nothing goes on in the background.
        """
        await self._connection.connect()

    async def close(self) -> None:
        """Disconnect and stop everything under way."""
        await self._recovery.close()
        await self._connection.close()

    def restore(
        self,
        request: OrderRequest,
        venue_order_id: str,
        ts_sent: int,
        is_accepted: bool,
        filled: int,
        fills: list[tuple[int, str]],
    ) -> None:
        """Take up an open order of an earlier run; parameters as in `StateStore.restore_order`.

        One whose venue id was never learned is asked for.
        """
        if self.store.find_order(request.client_order_id) is not None:
            return
        self.store.restore_order(
            request.client_order_id,
            venue_order_id,
            request.market,
            request.side,
            request.order_type,
            request.instruction,
            request.size,
            request.price or None,
            None,
            request.flags,
            ts_sent,
            is_accepted,
            filled,
            fills,
        )
        if not venue_order_id:
            window_ms = self._recv_window_ms or RECV_WINDOW_MS_DEFAULT
            self._recovery.start_resolving(
                request.client_order_id, request.market, ts_sent // 1_000_000 + window_ms
            )

    # -- commands ---------------------------------------------------------------------------------

    async def submit(self, request: OrderRequest) -> None:
        """Send an order, once. What becomes of it is told by events, a refusal included.

        Parameters
        ----------
        request : OrderRequest
            With a client order id never used before.
        """
        now_ns = self._clock_ns()
        self.store.track_order(
            request.client_order_id,
            request.market,
            request.side,
            request.order_type,
            request.instruction,
            request.size,
            request.price or None,
            None,
            request.flags,
            now_ns,
        )
        timestamp_ms = self._venue_now_ms()
        try:
            body = sign_order_request(request, self._signer, timestamp_ms, self._recv_window_ms)
            update = await self._gateway.send_order(body)
        except OutcomeUnknown as error:
            self._resolve(request, timestamp_ms, error)
        except RequestRejected as error:
            self._refuse(request.client_order_id, _reason(error))
        except ParadexError as error:
            self._refuse(request.client_order_id, str(error))
        else:
            self._apply(update)

    async def modify(self, client_order_id: str, size: int | None, price: int | None) -> str | None:
        """Ask for another size or price of an own limit order, once any earlier change is done.

        The outcome is told by an event, a refusal by the venue included: `OrderChanged`, or one
        `ModifyRejected`, which stands before the end of an order that closed meanwhile.

        Parameters
        ----------
        client_order_id : str
            The order's.
        size, price : int, optional
            As they are to be, in 1e-8 units; the size in total. None leaves them as they are.

        Returns
        -------
        str or None
            Why nothing was sent; None when it was.
        """
        if self._recovery.is_resolving(client_order_id):
            await self._recovery.wait_resolved(client_order_id, RESOLVE_WAIT_SECS)
        await self._recovery.wait_changed(client_order_id)
        state = self.store.find_order(client_order_id)
        if state is None or state.status != WORKING:
            return "the order does not work at Paradex"
        if state.changing_size:
            # Closing, or too much is being asked for already.
            return "an earlier change of the order has no outcome yet"
        size = size or state.size
        price = price or state.price or 0
        if size <= state.filled:
            filled = units_to_text(state.filled, UNITS_SCALE)
            return f"the quantity must be greater than what is filled, {filled}"
        if (size, price) == (state.size, state.price):
            return "neither quantity nor price would change"
        self.store.change_order(client_order_id, size, price)
        self._recovery.start_awaiting_change(client_order_id)
        try:
            body = sign_modify_request(state, size, price, self._signer, self._venue_now_ms())
            await self._gateway.send_modify(state.venue_order_id, body)
        except OutcomeUnknown as error:
            self._warn(f"Outcome of the change of {client_order_id} unknown, asking: {error}")
            self._count("changes of unknown outcome")
        except RequestRejected as error:
            self._refuse_change(client_order_id, _reason(error))
            if state.is_open and _has_word(error, _GONE_WORDS):
                # Its end comes by the stream, or has been missed.
                await self._is_listed_open(client_order_id, state.venue_order_id, state.market)
        except ParadexError as error:
            self._refuse_change(client_order_id, str(error))
        return None

    async def cancel(self, client_order_id: str, venue_order_id: str, market: str) -> str | None:
        """Ask for the cancellation of an order.

        A cancel may be repeated safely, so one without an answer is, as long as the venue still
        lists the order as open. The end of the order is told by an event.

        Parameters
        ----------
        client_order_id, venue_order_id : str
            Either may be empty.
        market : str
            The venue's symbol.

        Returns
        -------
        str or None
            Why the venue will not cancel the order, which works on; None when it will, or when the
            order is over, or when nobody can say.
        """
        if client_order_id and self._recovery.is_resolving(client_order_id):
            await self._recovery.wait_resolved(client_order_id, RESOLVE_WAIT_SECS)
        reason: str | None = None
        for attempt in range(CANCEL_ATTEMPTS_MAX):
            if attempt:
                await asyncio.sleep(CANCEL_RETRY_DELAY_SECS * attempt)
            state = self._find_state(client_order_id, venue_order_id)
            if state is not None and not state.is_open:
                return None
            known_id = venue_order_id or (state.venue_order_id if state is not None else "")
            try:
                await self._gateway.send_cancel(client_order_id, known_id, market)
            except OutcomeUnknown:
                # Perhaps it was carried out: that is no refusal.
                reason = None
            except RequestRejected as error:
                reason = _reason(error)
                if not _has_word(error, _GONE_WORDS + _EARLY_WORDS):
                    return reason
            except ParadexError as error:
                reason = str(error)
            else:
                return None
            if not await self._is_listed_open(client_order_id, known_id, market):
                return None
        if reason is None:
            self._warn(f"Whether order {client_order_id or venue_order_id} is canceled is unknown")
        return reason

    async def query_order(
        self, client_order_id: str, venue_order_id: str, market: str | None
    ) -> OrderUpdate | None:
        """Ask the venue for an order, tell what is new in the answer, and return it.

        Fills that the answer speaks of and that were not told before are asked for and told first.

        Raises
        ------
        ParadexError
            If there is no answer. None means that the venue knows no such order.
        """
        update = await self.reader.find_order(market, client_order_id, venue_order_id)
        if update is not None:
            await self.take([update])
        return update

    async def take(self, updates: Iterable[OrderUpdate]) -> None:
        """Tell what is new in orders that REST answered, their missing fills first.

        Raises
        ------
        ParadexError
            If fills are missing and cannot be had.
        """
        owing: dict[str, int] = {}
        updates = list(updates)
        for update in updates:
            state = self.store.find_order(update.client_order_id)
            if state is not None and update.size - update.remaining_size > state.filled:
                # With those before it, which may be missing as well: they are told in order.
                since_ms = state.ts_sent // 1_000_000 - OVERLAP_MS
                owing[update.market] = min(since_ms, owing.get(update.market, since_ms))
        for market, since_ms in owing.items():
            for fill in await self.reader.fills(market, max(0, since_ms)):
                self._apply(fill)
        for update in updates:
            self._apply(update)

    def take_fills(self, fills: Iterable[Fill]) -> None:
        """Tell what is new in fills that REST answered."""
        for fill in fills:
            self._apply(fill)

    def take_positions(self, positions: Iterable[Position]) -> None:
        """Tell what is new in positions that REST answered."""
        for position in positions:
            self._apply(position)

    async def refresh_account(self) -> None:
        """Ask for balances and margin and tell what is new.

        Raises
        ------
        ParadexError
            If there is no answer.
        """
        balances, summary = await asyncio.gather(self.reader.balances(), self.reader.summary())
        for balance in balances:
            self._apply(balance)
        self._apply(summary)

    # -- working in an answer about the whole account ---------------------------------------------

    def hold(self, reason: str = "answer") -> None:
        """Keep what the stream tells from now on, until `release` for each reason."""
        self._hold_reasons.add(reason)

    def release(self, reason: str = "answer") -> None:
        """Apply what was kept, in order, and go on, unless there is another reason to hold."""
        self._hold_reasons.discard(reason)
        if self._hold_reasons:
            return
        unanswered, self._unanswered = self._unanswered, []
        if unanswered:
            self._on_events(unanswered)
        held, self._held = self._held, []
        for message in held:
            self._apply(message)
        if self._has_dropped:
            self._has_dropped = False
            self._recovery.start_recovering(self._venue_now_ms())

    def take_answered(self, snapshot: AccountSnapshot) -> None:
        """Count what a report answers, without telling it again.

        Called with exactly what the report says, while the stream is held. What it brings about
        beyond that, such as the end of an order that waited for a fill, is told on the release.
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
        self._unanswered += [event for event in events if _is_left_out(event, ended)]
        for update in snapshot.orders:
            if self.store.find_order_by_venue_id(update.venue_order_id) is None:
                self.externals.seed(update, snapshot.filled_of(update))
                self._tell_external(update, [])
        for position in snapshot.positions:
            self.store.apply(position, self._clock_ns())

    # -- the connection ---------------------------------------------------------------------------

    async def _on_connected(self) -> None:
        """Authenticate and subscribe; part of every connect."""
        if self._gap_since_ms is not None:
            # What happened meanwhile comes first: profit depends on the order of the fills.
            self.hold("reconnect")
        await self._gateway.authenticate(before_ready=True)
        for channel in CHANNELS:
            await self._connection.request("subscribe", {"channel": channel}, before_ready=True)
        if self._gap_since_ms is not None:
            # Subscribed first, asked afterwards: nothing falls between the two.
            self._recovery.start_recovering(self._gap_since_ms)

    def _on_caught_up(self, is_whole: bool) -> None:
        if is_whole:
            self._gap_since_ms = None
        self.release("reconnect")

    def _on_disconnected(self, reason: str) -> None:
        # What is being caught up on ends before the gap that opens now.
        self._recovery.stop_recovering()
        if self._gap_since_ms is None:
            self._gap_since_ms = self._venue_now_ms()

    async def _is_listed_open(self, client_order_id: str, venue_order_id: str, market: str) -> bool:
        """Return whether the venue lists the order as open; what it says of it is told.

        Without an answer the order counts as open: the cancel is worth another attempt.
        """
        try:
            await self.query_order(client_order_id, venue_order_id, market)
        except ParadexError:
            return True
        state = self._find_state(client_order_id, venue_order_id)
        if state is not None:
            return state.is_open
        update = self.externals.find_order(venue_order_id)
        return update is not None and update.remaining_size > 0

    # -- messages in, events out ------------------------------------------------------------------

    def _on_message(self, message: object, ts_init: int) -> None:
        if not isinstance(message, _ACCOUNT_MESSAGES):
            return
        if not self._hold_reasons:
            self._tell(self.store.apply(message, ts_init))
        elif len(self._held) < HELD_MESSAGES_MAX:
            self._held.append(message)
        else:
            self._count("held messages dropped")
            self._has_dropped = True

    def _apply(self, message: AccountMessage) -> None:
        self._tell(self.store.apply(message, self._clock_ns()))

    def _tell(self, events: list[Event]) -> None:
        if not events:
            return
        self._follow_up(events)
        self._on_events(events)
        for event in events:
            if isinstance(event, ExternalOrder):
                self._tell_external(event.update, self.externals.take_order(event.update))
            elif isinstance(event, FillApplied) and not event.client_order_id:
                self._tell_external(event.fill, self.externals.take_fill(event.fill, event.side))

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

    def _resolve(self, request: OrderRequest, timestamp_ms: int, error: ParadexError) -> None:
        self._warn(f"Outcome of order {request.client_order_id} unknown, asking: {error}")
        self._count("orders of unknown outcome")
        # The venue counts the window from our timestamp by its own clock.
        expires_ms = timestamp_ms + (self._recv_window_ms or RECV_WINDOW_MS_DEFAULT)
        self._recovery.start_resolving(request.client_order_id, request.market, expires_ms)

    def _refuse(self, client_order_id: str, reason: str) -> None:
        is_post_only = POST_ONLY_REASON in reason
        self._tell(self.store.refuse_order(client_order_id, reason, is_post_only, self._clock_ns()))

    def _refuse_change(self, client_order_id: str, reason: str) -> None:
        self._tell(self.store.refuse_change(client_order_id, reason, self._clock_ns()))

    def _find_state(self, client_order_id: str, venue_order_id: str) -> OrderState | None:
        state = self.store.find_order(client_order_id) if client_order_id else None
        if state is None and venue_order_id:
            state = self.store.find_order_by_venue_id(venue_order_id)
        return state

    def _venue_now_ms(self) -> int:
        return self._clock_ns() // 1_000_000 + self._clock_offset_ms

    def _count(self, kind: str) -> None:
        self.counters[kind] = self.counters.get(kind, 0) + 1


def _is_left_out(event: Event, ended: set[str]) -> bool:
    """Return whether a report that tells the end of the orders `ended` does not say `event`."""
    if isinstance(event, OrderCanceled | OrderExpired | OrderRejected):
        return event.client_order_id not in ended
    return isinstance(event, ModifyRejected | Contradiction)


def _has_word(error: RequestRejected, words: tuple[str, ...]) -> bool:
    text = f"{error.code} {error.message}".upper()
    return any(word in text for word in words)


def _reason(error: RequestRejected) -> str:
    """Return the venue's code and text, without our method and status."""
    return " ".join(part for part in (error.code, error.message) if part) or str(error)
