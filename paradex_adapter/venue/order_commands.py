"""Commands to the venue: orders, changes and cancels, and what is made of their replies.

An order is sent once; which way, `paradex_adapter.venue.order_gateway` decides. A reply that is
lost makes the outcome unknown, never a refusal: see `paradex_adapter.venue.recovery`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, final

from paradex_adapter.venue.errors import OutcomeUnknown, ParadexError, RequestRejected
from paradex_adapter.venue.external_orders import ExternalOrders
from paradex_adapter.venue.order_gateway import OrderGateway
from paradex_adapter.venue.order_requests import (
    RECV_WINDOW_MS_MAX,
    OrderRequest,
    sign_modify_request,
    sign_order_request,
)
from paradex_adapter.venue.orders_on_behalf import OrdersOnBehalf
from paradex_adapter.venue.recovery import AccountMessage, Recovery
from paradex_adapter.venue.signing import OrderSigner
from paradex_adapter_core.decimals import units_to_text
from paradex_adapter_core.events import Event
from paradex_adapter_core.messages.orders import OrderUpdate
from paradex_adapter_core.order_lifecycle import WORKING
from paradex_adapter_core.order_state import OrderState
from paradex_adapter_core.state_store import StateStore
from paradex_adapter_core.vocabulary import (
    FLAG_REDUCE_ONLY,
    POST_ONLY_REASON,
    PRICED_TYPES,
    UNITS_SCALE,
)

CANCEL_ATTEMPTS_MAX: Final = 4
CANCEL_RETRY_DELAY_SECS: Final = 0.3
CANCELS_AT_ONCE_MAX: Final = 50
# How long a cancel waits for an order whose own outcome is unknown.
RESOLVE_WAIT_SECS: Final = 15.0

# The venue's word for a time that lies outside the receive window.
TIMESTAMP_REASON: Final = "INVALID_TIMESTAMP"
# Words of refusals that do not tell what became of the order; over RPC they stand in the text.
_CLOSED_WORDS: Final = ("IS_CLOSED", "IS CLOSED", "ALREADY CLOSED")
_GONE_WORDS: Final = ("NOT_FOUND", "NOT FOUND", *_CLOSED_WORDS)
_EARLY_WORDS: Final = ("NOT_OPEN", "NOT OPEN")


@final
class OrderCommands:
    """Sends one account's commands.

    Parameters
    ----------
    gateway : OrderGateway
        The way to the venue.
    signer : OrderSigner
        Signs orders.
    recovery : Recovery
        Finds out what became of commands without an answer.
    store : StateStore
        What is known of the account.
    externals : ExternalOrders
        What was told of orders not ours.
    apply : Callable[[AccountMessage], None]
        Applies a message and tells its events.
    tell : Callable[[list[Event]], None]
        Tells events.
    query_order : Callable[[str, str, str | None], Awaitable[OrderUpdate | None]]
        Asks for an order by its client id, venue id and market, and tells what is new of it.
    counters : dict[str, int]
        What went wrong, by kind.
    recv_window_ms : int, optional
        How long after signing the venue may still take an order, in milliseconds; by default the
        venue's own 300 000.
    clock_ns : Callable[[], int]
        Our clock, nanoseconds since the Unix epoch.
    now_ms : Callable[[], int]
        The venue's time, as well as it is known, in Unix milliseconds.
    warn : Callable[[str], None]
        Takes what a user should know.

    Attributes
    ----------
    on_behalf : OrdersOnBehalf
        The orders sent for other accounts.
    """

    def __init__(
        self,
        gateway: OrderGateway,
        signer: OrderSigner,
        recovery: Recovery,
        store: StateStore,
        externals: ExternalOrders,
        *,
        apply: Callable[[AccountMessage], None],
        tell: Callable[[list[Event]], None],
        query_order: Callable[[str, str, str | None], Awaitable[OrderUpdate | None]],
        counters: dict[str, int],
        recv_window_ms: int | None,
        clock_ns: Callable[[], int],
        now_ms: Callable[[], int],
        warn: Callable[[str], None],
    ) -> None:
        self._gateway: Final = gateway
        self._signer: Final = signer
        self._recovery: Final = recovery
        self._store: Final = store
        self._externals: Final = externals
        self._apply: Final = apply
        self._tell: Final = tell
        self._query_order: Final = query_order
        self._counters: Final = counters
        self._recv_window_ms: Final = recv_window_ms
        self._clock_ns: Final = clock_ns
        self.now_ms: Final = now_ms
        self._warn: Final = warn
        self.on_behalf: Final = OrdersOnBehalf()

    async def submit(self, request: OrderRequest) -> None:
        """Send an order, once. What becomes of it is told by events, a refusal included.

        Parameters
        ----------
        request : OrderRequest
            With a client order id never used before.
        """
        self.track(request)
        timestamp_ms = self.now_ms()
        try:
            body = self.sign(request, timestamp_ms)
            update = await self._gateway.send_order(body)
        except ParadexError as error:
            self.settle(request, timestamp_ms, error)
        else:
            self.take(update)

    def track(self, request: OrderRequest) -> None:
        """Take up an order that is about to be sent."""
        if request.on_behalf_of_account:
            self.on_behalf.note(request.client_order_id)
        self._store.track_order(
            request.client_order_id,
            request.market,
            request.side,
            request.order_type,
            request.instruction,
            request.size,
            request.price or None,
            request.trigger_price,
            request.flags,
            self._clock_ns(),
        )

    def sign(self, request: OrderRequest, timestamp_ms: int) -> dict[str, object]:
        """Return the body of an order, signed at `timestamp_ms` (Unix milliseconds).

        Raises
        ------
        InvalidRequest
            If it has no form the venue could accept.
        """
        return sign_order_request(request, self._signer, timestamp_ms, self._recv_window_ms)

    def take(self, update: OrderUpdate) -> None:
        """Apply the venue's receipt for an order and tell its events."""
        self._apply(self.on_behalf.take(update))

    def settle(self, request: OrderRequest, timestamp_ms: int, error: ParadexError) -> None:
        """Conclude from an error what became of an order signed at `timestamp_ms`."""
        if isinstance(error, OutcomeUnknown):
            self._resolve(request, timestamp_ms, error)
        elif isinstance(error, RequestRejected):
            self.refuse(request.client_order_id, reason_of(error))
        else:
            self.refuse(request.client_order_id, str(error))

    async def modify(
        self,
        client_order_id: str,
        size: int | None,
        price: int | None,
        trigger_price: int | None = None,
    ) -> str | None:
        """Ask for other terms of an own order, once any earlier change is done.

        The outcome is told by an event, a refusal by the venue included: `OrderChanged`, or one
        `ModifyRejected`, which stands before the end of an order that closed meanwhile.

        Parameters
        ----------
        client_order_id : str
            The order's.
        size, price, trigger_price : int, optional
            As they are to be, in 1e-8 units; the size in total. None leaves them as they are.

        Returns
        -------
        str or None
            Why nothing was sent; None when it was.
        """
        if self._recovery.is_resolving(client_order_id):
            await self._recovery.wait_resolved(client_order_id, RESOLVE_WAIT_SECS)
        await self._recovery.wait_changed(client_order_id)
        state = self._store.find_order(client_order_id)
        if state is None or state.status != WORKING:
            return "the order does not work at Paradex"
        if client_order_id in self.on_behalf:
            return "what becomes of a change for another account is not told here"
        if state.changing_size:
            # Closing, or too much is being asked for already.
            return "an earlier change of the order has no outcome yet"
        fault = _find_change_fault(state, size, price, trigger_price)
        if fault is not None:
            return fault
        size = size or state.size
        price = price or state.price or 0
        is_waiting = state.is_conditional and not state.is_triggered
        trigger_price = (trigger_price or state.trigger_price) if is_waiting else None
        self._store.change_order(client_order_id, size, price, trigger_price)
        self._recovery.start_awaiting_change(client_order_id)
        try:
            body = sign_modify_request(
                state, size, price, self._signer, self.now_ms(), trigger_price
            )
            only_reduces = bool(state.flags & FLAG_REDUCE_ONLY)
            await self._gateway.send_modify(state.venue_order_id, body, only_reduces=only_reduces)
        except OutcomeUnknown as error:
            self._warn(f"Outcome of the change of {client_order_id} unknown, asking: {error}")
            self._count("changes of unknown outcome")
        except RequestRejected as error:
            self._refuse_change(client_order_id, reason_of(error))
            if state.is_open and _has_word(error, _GONE_WORDS):
                # Its end comes by the stream, or has been missed.
                await self.is_listed_open(client_order_id, state.venue_order_id, state.market)
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
        if client_order_id in self.on_behalf:
            return await self._cancel_on_behalf(client_order_id, market)
        if client_order_id and self._recovery.is_resolving(client_order_id):
            await self._recovery.wait_resolved(client_order_id, RESOLVE_WAIT_SECS)
        reason: str | None = None
        for attempt in range(CANCEL_ATTEMPTS_MAX):
            if attempt:
                await asyncio.sleep(CANCEL_RETRY_DELAY_SECS * attempt)
            state = self.find_state(client_order_id, venue_order_id)
            if state is not None and not state.is_open:
                return None
            known_id = venue_order_id or (state.venue_order_id if state is not None else "")
            try:
                await self._gateway.send_cancel(client_order_id, known_id, market)
            except OutcomeUnknown:
                # Perhaps it was carried out: that is no refusal.
                reason = None
            except RequestRejected as error:
                reason = reason_of(error)
                if not _has_word(error, _GONE_WORDS + _EARLY_WORDS):
                    return reason
            except ParadexError as error:
                reason = str(error)
            else:
                return None
            if not await self.is_listed_open(client_order_id, known_id, market):
                return None
        if reason is None:
            self._warn(f"Whether order {client_order_id or venue_order_id} is canceled is unknown")
        return reason

    async def _cancel_on_behalf(self, client_order_id: str, market: str) -> str | None:
        """Ask for the cancellation of an order for another account: the reply tells its end."""
        state = self._store.find_order(client_order_id)
        if state is None or not state.is_open:
            return None
        try:
            await self._gateway.send_cancel(client_order_id, state.venue_order_id, market)
        except RequestRejected as error:
            # That it is not found may well be since it is another account's.
            if not _has_word(error, _CLOSED_WORDS):
                return reason_of(error)
        except ParadexError as error:
            return str(error)
        end = self.on_behalf.find_end(client_order_id)
        if end is not None:
            self._warn(f"What {client_order_id} filled, if anything, is told its account alone")
            self._apply(end)
        return None

    async def is_listed_open(self, client_order_id: str, venue_order_id: str, market: str) -> bool:
        """Return whether the venue lists the order as open; what it says of it is told.

        Without an answer the order counts as open: the cancel is worth another attempt.
        """
        try:
            await self._query_order(client_order_id, venue_order_id, market)
        except ParadexError:
            return True
        state = self.find_state(client_order_id, venue_order_id)
        if state is not None:
            return state.is_open
        update = self._externals.find_order(venue_order_id)
        return update is not None and update.remaining_size > 0

    def _resolve(self, request: OrderRequest, timestamp_ms: int, error: ParadexError) -> None:
        self._warn(f"Outcome of order {request.client_order_id} unknown, asking: {error}")
        self._count("orders of unknown outcome")
        if request.client_order_id in self.on_behalf:
            self._warn(f"Only account {request.on_behalf_of_account} can tell: look there")
            return
        # The venue counts the window from our timestamp by its own clock.
        window_ms = request.recv_window_ms or self._recv_window_ms or RECV_WINDOW_MS_MAX
        expires_ms = timestamp_ms + window_ms
        self._recovery.start_resolving(request.client_order_id, request.market, expires_ms)

    def refuse(self, client_order_id: str, reason: str) -> None:
        """Tell that the venue refused an order."""
        if TIMESTAMP_REASON in reason:
            self._gateway.distrust_clock()
        is_post_only = POST_ONLY_REASON in reason
        self._tell(
            self._store.refuse_order(client_order_id, reason, is_post_only, self._clock_ns())
        )

    def _refuse_change(self, client_order_id: str, reason: str) -> None:
        self._tell(self._store.refuse_change(client_order_id, reason, self._clock_ns()))

    def find_state(self, client_order_id: str, venue_order_id: str) -> OrderState | None:
        """Return what is known of an own order; either id may be empty."""
        state = self._store.find_order(client_order_id) if client_order_id else None
        if state is None and venue_order_id:
            state = self._store.find_order_by_venue_id(venue_order_id)
        return state

    def _count(self, kind: str) -> None:
        self._counters[kind] = self._counters.get(kind, 0) + 1


def _find_change_fault(
    state: OrderState, size: int | None, price: int | None, trigger_price: int | None
) -> str | None:
    """Return why a working order cannot be asked to take on these terms."""
    if state.is_conditional and state.is_triggered:
        if state.order_type not in PRICED_TYPES:
            return "the order was triggered already: it trades at the market"
        if trigger_price is not None and trigger_price != state.trigger_price:
            return "the order was triggered already: its trigger price is the past"
    if size is not None and size <= state.filled:
        filled = units_to_text(state.filled, UNITS_SCALE)
        return f"the quantity must be greater than what is filled, {filled}"
    asked = (size or state.size, price or state.price, trigger_price or state.trigger_price)
    if asked == (state.size, state.price, state.trigger_price):
        return "nothing of the order would change"
    return None


def _has_word(error: RequestRejected, words: tuple[str, ...]) -> bool:
    text = f"{error.code} {error.message}".upper()
    return any(word in text for word in words)


def reason_of(error: RequestRejected) -> str:
    """Return the venue's code and text, without our method and status."""
    return " ".join(part for part in (error.code, error.message) if part) or str(error)
