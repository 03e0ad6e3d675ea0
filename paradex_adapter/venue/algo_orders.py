"""Algo orders (TWAP) of one account: followed by asking, told once, canceled.

The venue has no channel for algo orders, and names them in none of their children. So they are
followed over REST. Their children are orders of the account like any other, and none of this
module's business. How one is sent: `paradex_adapter.venue.algo_submissions`.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final, final

from paradex_adapter.venue.account_reader import AccountReader
from paradex_adapter.venue.algo_requests import AlgoRequest
from paradex_adapter.venue.algo_state import AlgoProgress, AlgoState
from paradex_adapter.venue.algo_submissions import CREATED_MARGIN_MS, AlgoSubmissions, fits
from paradex_adapter.venue.errors import OutcomeUnknown, ParadexError, RequestRejected
from paradex_adapter.venue.http import HttpClient
from paradex_adapter.venue.order_commands import (
    CANCEL_ATTEMPTS_MAX,
    CANCEL_RETRY_DELAY_SECS,
    reason_of,
)
from paradex_adapter.venue.signing import OrderSigner
from paradex_adapter_core.decimals import units_to_text
from paradex_adapter_core.events import Event, OrderCanceled
from paradex_adapter_core.messages.orders import AlgoOrder
from paradex_adapter_core.vocabulary import UNITS_SCALE

OPEN_MAX: Final = 100
ENDED_KEPT_MAX: Final = 1_000

# While nothing is new the venue is asked less and less often; a fill in the market of an algo
# order, a command, or its end has it asked soon again.
FOLLOW_DELAYS_SECS: Final = (0.25, 0.5, 1.0, 2.0, 5.0)

# How long a cancel waits for an order whose own outcome is unknown.
SETTLE_WAIT_SECS: Final = 15.0

USER_CANCELED: Final = "USER_CANCELED"
_GONE_WORDS: Final = ("NOT_FOUND", "NOT FOUND", "CLOSED")


@final
class AlgoOrders:
    """Sends, cancels and follows one account's algo orders.

    Parameters
    ----------
    http : HttpClient
        The way to the venue.
    reader : AccountReader
        Asks for whole lists.
    signer : OrderSigner
        Signs.
    tell : Callable[[list[Event]], None]
        Takes what becomes of own algo orders: accepted, rejected, canceled, expired; each once.
    tell_progress : Callable[[AlgoProgress], None]
        Takes how they stand, whenever that changed.
    is_held : Callable[[], bool]
        Whether news have to wait for now; `tell_news` tells them afterwards.
    now_ms : Callable[[], int]
        The venue's time, as well as it is known, in Unix milliseconds.
    recv_window_ms : int, optional
        How long after signing the venue may still take one that does not say so itself; by default
        `ALGO_RECV_WINDOW_MS_DEFAULT`.
    warn : Callable[[str], None]
        Takes what a user should know.
    """

    def __init__(
        self,
        http: HttpClient,
        reader: AccountReader,
        signer: OrderSigner,
        *,
        tell: Callable[[list[Event]], None],
        tell_progress: Callable[[AlgoProgress], None],
        is_held: Callable[[], bool],
        now_ms: Callable[[], int],
        recv_window_ms: int | None,
        warn: Callable[[str], None],
    ) -> None:
        self._http: Final = http
        self._reader: Final = reader
        self._tell: Final = tell
        self._tell_progress: Final = tell_progress
        self._is_held: Final = is_held
        self._now_ms: Final = now_ms
        self._warn: Final = warn
        self._states: Final[dict[str, AlgoState]] = {}
        self._submissions: Final = AlgoSubmissions(
            http,
            reader,
            signer,
            is_taken=lambda algo_order_id: self.find_by_id(algo_order_id) is not None,
            on_settled=self._on_settled,
            now_ms=now_ms,
            recv_window_ms=recv_window_ms,
            warn=warn,
        )
        self._following: asyncio.Task[None] | None = None
        self._news: Final = asyncio.Event()
        self._is_closed = False

    async def close(self) -> None:
        """Stop asking."""
        self._is_closed = True
        await self._submissions.close()
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait([self._following])

    # -- what is known ----------------------------------------------------------------------------

    @property
    def is_full(self) -> bool:
        """Whether no other can be taken."""
        return len(self.open_orders()) >= OPEN_MAX

    def find(self, client_order_id: str) -> AlgoState | None:
        """Return what is known of an own algo order."""
        return self._states.get(client_order_id)

    def find_by_id(self, algo_order_id: str) -> AlgoState | None:
        """Return what is known of an own algo order by the venue's id for it."""
        found = (s for s in self._states.values() if s.algo_order_id == algo_order_id)
        return next(found, None) if algo_order_id else None

    def orders(self) -> list[AlgoState]:
        """Return the own algo orders, also those that are over, as far as they are kept."""
        return list(self._states.values())

    def open_orders(self) -> list[AlgoState]:
        """Return the own algo orders that are, or may still come to be, at work."""
        return [state for state in self._states.values() if state.is_open]

    # -- commands ---------------------------------------------------------------------------------

    def submit(self, request: AlgoRequest) -> None:
        """Send an algo order, once, as soon as no other of the same terms is in flight.

        What becomes of it is told by events, a refusal included.
        """
        self._submissions.start(self._track(request))

    def restore(self, request: AlgoRequest, algo_order_id: str, age_ms: int) -> None:
        """Take up an algo order of an earlier run, sent so many milliseconds ago.

        One whose id was never learned is looked for by its terms.
        """
        if request.client_order_id in self._states:
            return
        state = self._track(request, algo_order_id)
        if algo_order_id:
            state.mark_told()
            self.follow_soon()
        else:
            self._submissions.start_finding(state, self._now_ms() - age_ms)

    async def cancel(self, client_order_id: str) -> str | None:
        """Ask for the end of an own algo order, which is told by an event.

        A child on its way still trades. A cancel may be repeated safely, so one without an answer
        is, as long as the venue still lists the order as open.

        Returns
        -------
        str or None
            Why the venue will not end the order, which works on; None when it will, or when the
            order is over, or when nobody can say.
        """
        state = self._states[client_order_id]
        await self._submissions.wait_settled(client_order_id, SETTLE_WAIT_SECS)
        reason: str | None = None
        for attempt in range(CANCEL_ATTEMPTS_MAX):
            if attempt:
                await asyncio.sleep(CANCEL_RETRY_DELAY_SECS * attempt)
            if not state.is_open:
                return None
            if not state.algo_order_id:
                return "whether the venue has the order is not known yet"
            try:
                await self._http.delete_algo_order(state.algo_order_id)
            except OutcomeUnknown:
                # Perhaps it was carried out: that is no refusal.
                reason = None
            except RequestRejected as error:
                reason = reason_of(error)
                if not any(word in reason.upper() for word in _GONE_WORDS):
                    return reason
            except ParadexError as error:
                reason = str(error)
            else:
                self.follow_soon()
                return None
            with suppress(ParadexError):
                await self.refresh()
                self.tell_news()
        if reason is None:
            self._warn(f"Whether TWAP order {client_order_id} is canceled is unknown")
        return reason if state.is_open else None

    def _track(self, request: AlgoRequest, algo_order_id: str = "") -> AlgoState:
        state = AlgoState(request, algo_order_id)
        self._states[request.client_order_id] = state
        return state

    def _on_settled(self, state: AlgoState) -> None:
        self.tell_news()
        if state.is_open:
            self.follow_soon()

    # -- following --------------------------------------------------------------------------------

    async def refresh(self) -> None:
        """Ask for every own algo order that is at work; `tell_news` tells what is new.

        Raises
        ------
        ParadexError
            If there is no whole answer.
        """
        followed = [state for state in self.open_orders() if state.algo_order_id]
        if not followed:
            return
        rows = {row.algo_order_id: row for row in await self._reader.open_algo_orders()}
        missing = [state for state in followed if state.algo_order_id not in rows]
        if missing:
            created = [0 if s.latest is None else s.latest.ts_created for s in missing]
            start_ms = max(0, min(created) // 1_000_000 - CREATED_MARGIN_MS)
            for row in await self._reader.algo_orders_history(start_ms=start_ms or None):
                rows[row.algo_order_id] = row
        for state in followed:
            found = rows.get(state.algo_order_id)
            if found is not None:
                state.take(found)

    async def find_others(self) -> list[AlgoOrder]:
        """Return the open algo orders of the account that were not sent from here.

        Raises
        ------
        ParadexError
            If there is no whole answer.
        """
        searched = [state.request for state in self.open_orders() if not state.algo_order_id]
        return [
            row
            for row in await self._reader.open_algo_orders()
            if self.find_by_id(row.algo_order_id) is None
            and not any(fits(row, request) for request in searched)
        ]

    def tell_news(self, *, even_held: bool = False) -> None:
        """Tell what is new of own algo orders, unless news have to wait."""
        if self._is_held() and not even_held:
            return
        for state in list(self._states.values()):
            events = state.take_events(self._now_ms() * 1_000_000)
            progress = state.take_progress()
            if progress is not None:
                self._tell_progress(AlgoProgress(state.request.client_order_id, progress))
            if events:
                self._explain_end(state, events)
                self._tell(events)
        self._forget()

    def take_fill(self, market: str) -> None:
        """Ask soon how the algo orders of a market stand, since something traded there."""
        if any(state.request.market == market for state in self.open_orders()):
            self.follow_soon()

    def follow_soon(self) -> None:
        """Ask soon how own algo orders stand, and then until they are over."""
        if self._is_closed:
            return
        self._news.set()
        if self._following is None or self._following.done():
            self._following = asyncio.create_task(self._follow(), name="paradex-algo-orders")
            self._following.add_done_callback(self._explain_mistake)

    async def _follow(self) -> None:
        quiet, is_answered = 0, True
        while any(state.algo_order_id for state in self.open_orders()):
            with suppress(TimeoutError):
                async with asyncio.timeout(self._find_delay(quiet)):
                    await self._news.wait()
            if self._news.is_set():
                self._news.clear()
                quiet = 0
                # Not at once: what called for it is often ahead of the list.
                await asyncio.sleep(FOLLOW_DELAYS_SECS[0])
            try:
                await self.refresh()
            except ParadexError as error:
                if is_answered:
                    self._warn(f"How TWAP orders stand is not known, asking on: {error}")
                is_answered = False
            else:
                is_answered = True
            self.tell_news()
            quiet += 1

    def _find_delay(self, quiet: int) -> float:
        """Return how long to wait before asking again, in seconds; less where one is to end."""
        delay = FOLLOW_DELAYS_SECS[min(quiet, len(FOLLOW_DELAYS_SECS) - 1)]
        now_ms = self._now_ms()
        for state in self.open_orders():
            if state.latest is not None and state.latest.ts_end:
                left_secs = (state.latest.ts_end // 1_000_000 - now_ms) / 1000
                if left_secs > 0:
                    delay = min(delay, left_secs + FOLLOW_DELAYS_SECS[0])
        return delay

    def _explain_mistake(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self._warn(f"Our own mistake while following TWAP orders: {task.exception()!r}")

    def _explain_end(self, state: AlgoState, events: list[Event]) -> None:
        latest = state.latest
        if latest is None or not any(isinstance(event, OrderCanceled) for event in events):
            return
        if latest.cancel_reason != USER_CANCELED:
            filled = units_to_text(latest.size - latest.remaining_size, UNITS_SCALE)
            self._warn(
                f"TWAP order {state.request.client_order_id} ended early with {filled} traded: "
                f"{latest.cancel_reason or 'the venue gives no reason'}"
            )

    def _forget(self) -> None:
        """Drop the oldest of too many that are over."""
        ended = [name for name, state in self._states.items() if not state.is_open]
        for name in ended[: max(0, len(ended) - ENDED_KEPT_MAX)]:
            del self._states[name]
