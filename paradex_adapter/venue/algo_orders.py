"""Algo orders (TWAP) of one account: sent once, followed by asking, told once.

The venue gives an algo order no client id and no channel, and names it in none of its children. So
it is followed over REST, and a lost reply to its submission is settled by its terms (`_resolve`).
Its children are orders of the account like any other, and none of this module's business.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Final, final

import orjson

from paradex_adapter.venue.account_reader import AccountReader
from paradex_adapter.venue.algo_requests import (
    ALGO_RECV_WINDOW_MS_DEFAULT,
    AlgoRequest,
    sign_algo_request,
)
from paradex_adapter.venue.errors import NotSent, OutcomeUnknown, ParadexError, RequestRejected
from paradex_adapter.venue.http import HttpClient
from paradex_adapter.venue.order_commands import reason_of
from paradex_adapter.venue.signing import OrderSigner
from paradex_adapter_core.decimals import units_to_text
from paradex_adapter_core.errors import CoreError
from paradex_adapter_core.events import (
    Event,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderRejected,
)
from paradex_adapter_core.messages.orders import AlgoOrder
from paradex_adapter_core.parsers.algo_orders import parse_algo_order
from paradex_adapter_core.vocabulary import EXPIRE_REASONS, STATUS_CLOSED, UNITS_SCALE

OPEN_MAX: Final = 100
ENDED_KEPT_MAX: Final = 1_000

# While nothing is new the venue is asked less and less often; a fill in the market of an algo
# order, a command, or its end has it asked soon again.
FOLLOW_DELAYS_SECS: Final = (0.25, 0.5, 1.0, 2.0, 5.0)

# Before one of the same terms is sent, the one before it must be known: how long it waits for that.
TURN_SECS_MAX: Final = 10.0
# How long the list of what there was before may take; without it nothing is sent.
BASELINE_SECS_MAX: Final = 5.0
# An order of a lost reply may seem older than its sending by as much as the clocks differ.
CREATED_MARGIN_MS: Final = 2_000
# After the receive window, for the venue's own delays between taking an order and listing it.
LISTING_MARGIN_MS: Final = 2_000
RESOLVE_DELAY_SECS: Final = 0.25
RESOLVE_DELAY_SECS_MAX: Final = 1.0
RESOLVE_ATTEMPTS_MAX: Final = 600

CANCEL_ATTEMPTS_MAX: Final = 4
CANCEL_RETRY_DELAY_SECS: Final = 0.3
# How long a cancel waits for an order whose own outcome is unknown.
RESOLVE_WAIT_SECS: Final = 15.0

USER_CANCELED: Final = "USER_CANCELED"
_GONE_WORDS: Final = ("NOT_FOUND", "NOT FOUND", "CLOSED")


@final
class AlgoState:
    """What is known of one own algo order.

    ``algo_order_id`` is empty until the venue has taken it. ``latest`` is what the venue said last.
    ``refusal`` is why it is none of the venue's.
    """

    __slots__ = (
        "_has_told_accepted",
        "_has_told_end",
        "_published",
        "algo_order_id",
        "latest",
        "refusal",
        "request",
    )

    def __init__(self, request: AlgoRequest, algo_order_id: str = "") -> None:
        self.request: Final = request
        self.algo_order_id = algo_order_id
        self.latest: AlgoOrder | None = None
        self.refusal = ""
        self._has_told_accepted = False
        self._has_told_end = False
        self._published: AlgoOrder | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is, or may still come to be, at work."""
        return not self.refusal and not self.is_ended

    @property
    def is_ended(self) -> bool:
        """Whether it was taken and is over."""
        return self.latest is not None and self.latest.status == STATUS_CLOSED

    @property
    def has_expired(self) -> bool:
        """Whether it came to its end by itself: all of it traded, or its time over."""
        latest = self.latest
        if latest is None or latest.status != STATUS_CLOSED:
            return False
        is_over = not latest.cancel_reason and 0 < latest.ts_end <= latest.ts_updated
        return not latest.remaining_size or latest.cancel_reason in EXPIRE_REASONS or is_over

    def take(self, row: AlgoOrder) -> None:
        """Keep what the venue says, unless something newer was said before."""
        latest = self.latest
        self.algo_order_id = row.algo_order_id
        if latest is None or not (self.is_ended or row.ts_updated < latest.ts_updated):
            self.latest = row

    def mark_told(self) -> None:
        """Count as told what a report told."""
        self._has_told_accepted = self._has_told_accepted or bool(self.algo_order_id)
        self._has_told_end = self._has_told_end or self.is_ended

    def take_events(self, ts_event: int) -> list[Event]:
        """Return what of it was not told before."""
        client_order_id = self.request.client_order_id
        events: list[Event] = []
        if self.refusal:
            if not self._has_told_end:
                self._has_told_end = True
                events.append(OrderRejected(client_order_id, self.refusal, False, ts_event))
            return events
        latest = self.latest
        if latest is None:
            return events
        ids = (client_order_id, self.algo_order_id)
        if not self._has_told_accepted:
            self._has_told_accepted = True
            events.append(OrderAccepted(*ids, latest.ts_created or ts_event))
        if self.is_ended and not self._has_told_end:
            self._has_told_end = True
            end = OrderExpired if self.has_expired else OrderCanceled
            events.append(end(*ids, latest.cancel_reason, latest.ts_updated or ts_event))
        return events

    def take_progress(self) -> AlgoOrder | None:
        """Return how it stands, where that is not what was returned before."""
        latest, before = self.latest, self._published
        if latest is None or (before is not None and _stand(before) == _stand(latest)):
            return None
        self._published = latest
        return latest


@final
class AlgoProgress:
    """How an own algo order stands: ``order`` is the venue's word."""

    __slots__ = ("client_order_id", "order")

    def __init__(self, client_order_id: str, order: AlgoOrder) -> None:
        self.client_order_id: Final = client_order_id
        self.order: Final = order


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
        self._signer: Final = signer
        self._tell: Final = tell
        self._tell_progress: Final = tell_progress
        self._is_held: Final = is_held
        self._now_ms: Final = now_ms
        self._recv_window_ms: Final = recv_window_ms or ALGO_RECV_WINDOW_MS_DEFAULT
        self._warn: Final = warn
        self._states: Final[dict[str, AlgoState]] = {}
        self._turns: Final[dict[tuple[str, int, int], asyncio.Lock]] = {}
        self._submissions: Final[dict[str, asyncio.Task[None]]] = {}
        self._following: asyncio.Task[None] | None = None
        self._news: Final = asyncio.Event()
        self._is_closed = False

    async def close(self) -> None:
        """Stop asking."""
        self._is_closed = True
        tasks = list(self._submissions.values())
        if self._following is not None:
            tasks.append(self._following)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

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
        state = self._track(request)
        self._start_settling(state, self._submit(state))

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
            self._start_settling(state, self._resolve_restored(state, self._now_ms() - age_ms))

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
        task = self._submissions.get(client_order_id)
        if task is not None:
            await asyncio.wait([task], timeout=RESOLVE_WAIT_SECS)
        state = self._states[client_order_id]
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

    # -- submission -------------------------------------------------------------------------------

    def _track(self, request: AlgoRequest, algo_order_id: str = "") -> AlgoState:
        state = AlgoState(request, algo_order_id)
        self._states[request.client_order_id] = state
        return state

    def _start_settling(self, state: AlgoState, coro: Coroutine[Any, Any, None]) -> None:
        name = state.request.client_order_id
        task = asyncio.create_task(coro, name=f"paradex-algo-order {name}")
        self._submissions[name] = task
        task.add_done_callback(lambda done: self._finish(name, done))

    def _finish(self, name: str, task: asyncio.Task[None]) -> None:
        del self._submissions[name]
        if not task.cancelled() and task.exception() is not None:
            self._warn(f"Our own mistake while sending {name}: {task.exception()!r}")

    async def _submit(self, state: AlgoState) -> None:
        request = state.request
        terms = (request.market, request.side, request.size)
        turn = self._turns.setdefault(terms, asyncio.Lock())
        try:
            async with asyncio.timeout(TURN_SECS_MAX):
                await turn.acquire()
        except TimeoutError:
            self._refuse(state, "not sent: the outcome of another of the same terms is unknown")
            return
        try:
            await self._send(state)
        finally:
            turn.release()
            if not turn.locked():
                self._turns.pop(terms, None)

    async def _send(self, state: AlgoState) -> None:
        request = state.request
        timestamp_ms, known = 0, set[str]()
        window_ms = self._window_ms(request)
        try:
            known = await self._known_ids()
            timestamp_ms = self._now_ms()
            body = sign_algo_request(request, self._signer, timestamp_ms, window_ms)
            reply = await self._http.post_algo_order(orjson.dumps(body))
            try:
                row = parse_algo_order(reply)
            except CoreError as error:
                raise OutcomeUnknown("POST /algo/orders", str(error)) from error
        except OutcomeUnknown as error:
            self._warn(f"Outcome of TWAP order {request.client_order_id} unknown, asking: {error}")
            await self._resolve(state, timestamp_ms, timestamp_ms + window_ms, known)
        except RequestRejected as error:
            self._refuse(state, reason_of(error))
        except ParadexError as error:
            self._refuse(state, str(error))
        else:
            self._adopt(state, row)

    async def _known_ids(self) -> set[str]:
        """Return the ids of the algo orders that are there already.

        Raises
        ------
        NotSent
            If they cannot be had: a lost reply could not be settled then.
        """
        try:
            async with asyncio.timeout(BASELINE_SECS_MAX):
                rows = await self._reader.open_algo_orders()
        except (TimeoutError, ParadexError) as error:
            raise NotSent("POST /algo/orders", f"no list of the open ones: {error}") from error
        return {row.algo_order_id for row in rows}

    async def _resolve_restored(self, state: AlgoState, sent_ms: int) -> None:
        wait_ms = int((TURN_SECS_MAX + BASELINE_SECS_MAX) * 1000)
        expires_ms = sent_ms + wait_ms + self._window_ms(state.request)
        await self._resolve(state, sent_ms, expires_ms, set())

    def _window_ms(self, request: AlgoRequest) -> int:
        return request.recv_window_ms or self._recv_window_ms

    async def _resolve(
        self, state: AlgoState, sent_ms: int, expires_ms: int, known: set[str]
    ) -> None:
        """Find the algo order of a lost reply by its terms; the venue takes none later."""
        delay = RESOLVE_DELAY_SECS
        for _ in range(RESOLVE_ATTEMPTS_MAX):
            asked_ms = self._now_ms()
            try:
                row = await self._find_sent(state, sent_ms, known)
            except ParadexError:
                # No answer settles nothing.
                row, asked_ms = None, 0
            if row is not None:
                self._adopt(state, row)
                return
            if asked_ms > expires_ms + LISTING_MARGIN_MS:
                self._refuse(state, "the venue does not know the order and no longer takes it")
                return
            await asyncio.sleep(delay)
            delay = min(2 * delay, RESOLVE_DELAY_SECS_MAX)
        self._warn(
            f"What became of TWAP order {state.request.client_order_id} could not be found out: "
            "look at the venue"
        )

    async def _find_sent(self, state: AlgoState, sent_ms: int, known: set[str]) -> AlgoOrder | None:
        """Return the oldest algo order that can be the one sent; None where there is none."""
        start_ms = max(0, sent_ms - CREATED_MARGIN_MS)
        market = state.request.market
        # Open ones first: one that ends in between is then told by the history.
        rows = {row.algo_order_id: row for row in await self._reader.open_algo_orders()}
        for row in await self._reader.algo_orders_history(market, start_ms):
            rows[row.algo_order_id] = row
        known = known | {other.algo_order_id for other in self._states.values()}
        fitting = [
            row
            for row in rows.values()
            if row.algo_order_id not in known
            and row.ts_created >= start_ms * 1_000_000
            and _fits(row, state.request)
        ]
        if len(fitting) > 1:
            self._warn(
                f"TWAP order {state.request.client_order_id} is one of {len(fitting)} with its "
                "terms at the venue: the oldest is taken for it"
            )
        return min(fitting, key=lambda row: row.ts_created, default=None)

    def _adopt(self, state: AlgoState, row: AlgoOrder) -> None:
        state.take(row)
        self.tell_news()
        self.follow_soon()

    def _refuse(self, state: AlgoState, reason: str) -> None:
        state.refusal = reason
        self.tell_news()

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


def _fits(row: AlgoOrder, request: AlgoRequest) -> bool:
    """Return whether an algo order has the terms of a request, as far as the venue tells them."""
    if (row.market, row.side, row.size) != (request.market, request.side, request.size):
        return False
    if row.interval_secs not in (0, request.interval_secs):
        return False
    duration_secs = round((row.ts_end - row.ts_created) / 1_000_000_000)
    return not (row.ts_end and row.ts_created) or duration_secs == request.duration_secs


def _stand(order: AlgoOrder) -> tuple[int, int, int | None, str, int]:
    return (
        order.status,
        order.remaining_size,
        order.avg_fill_price,
        order.cancel_reason,
        order.ts_end,
    )
