"""Algo orders on their way to the venue: each is sent once, and its outcome found out.

The venue gives an algo order no client id. So what was there before is asked for first, and one
whose reply is lost is looked for by its terms among what has come since; one of the same terms
waits for its turn meanwhile.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final, final
from weakref import WeakValueDictionary

import orjson

from paradex_adapter.venue.account_reader import AccountReader
from paradex_adapter.venue.algo_requests import (
    ALGO_RECV_WINDOW_MS_DEFAULT,
    AlgoRequest,
    sign_algo_request,
)
from paradex_adapter.venue.algo_state import AlgoState
from paradex_adapter.venue.errors import NotSent, OutcomeUnknown, ParadexError, RequestRejected
from paradex_adapter.venue.http import HttpClient
from paradex_adapter.venue.http_sender import COMMAND_WAIT_SECS_MAX
from paradex_adapter.venue.order_commands import reason_of
from paradex_adapter.venue.recovery import LISTING_MARGIN_MS
from paradex_adapter.venue.signing import OrderSigner
from paradex_adapter_core.errors import CoreError
from paradex_adapter_core.messages.orders import AlgoOrder
from paradex_adapter_core.parsers.algo_orders import parse_algo_order

OPERATION: Final = "POST /algo/orders"
# Before one of the same terms is sent, the one before it must be known: how long it waits for that.
TURN_SECS_MAX: Final = 10.0
# How long the list of what there was before may take; without it nothing is sent.
BASELINE_SECS_MAX: Final = 5.0
# An order of a lost reply may seem older than its sending by as much as the clocks differ.
CREATED_MARGIN_MS: Final = 2_000
RESOLVE_DELAY_SECS: Final = 0.25
RESOLVE_DELAY_SECS_MAX: Final = 1.0
RESOLVE_ATTEMPTS_MAX: Final = 600


@final
class AlgoSubmissions:
    """Sends one account's algo orders.

    Parameters
    ----------
    http : HttpClient
        The way to the venue.
    reader : AccountReader
        Asks for whole lists.
    signer : OrderSigner
        Signs.
    is_taken : Callable[[str], bool]
        Whether an algo order of the venue is known to be that of another order of ours.
    on_settled : Callable[[AlgoState], None]
        Told of each whose outcome is known, which its state says.
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
        is_taken: Callable[[str], bool],
        on_settled: Callable[[AlgoState], None],
        now_ms: Callable[[], int],
        recv_window_ms: int | None,
        warn: Callable[[str], None],
    ) -> None:
        self._http: Final = http
        self._reader: Final = reader
        self._signer: Final = signer
        self._is_taken: Final = is_taken
        self._on_settled: Final = on_settled
        self._now_ms: Final = now_ms
        self._recv_window_ms: Final = recv_window_ms or ALGO_RECV_WINDOW_MS_DEFAULT
        self._warn: Final = warn
        # Each as long as somebody holds it or waits for it.
        self._turns: Final = WeakValueDictionary[tuple[str, int, int], asyncio.Lock]()
        self._tasks: Final[dict[str, asyncio.Task[None]]] = {}

    async def close(self) -> None:
        """Stop everything under way."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def start(self, state: AlgoState) -> None:
        """Send an algo order, once, as soon as no other of the same terms is in flight."""
        self._start(state, self._submit(state))

    def start_finding(self, state: AlgoState, sent_ms: int) -> None:
        """Find out what became of one that an earlier run sent at `sent_ms`, or soon after."""
        self._start(state, self._resolve_earlier(state, sent_ms))

    async def wait_settled(self, client_order_id: str, timeout_secs: float) -> None:
        """Wait until the outcome of an order is known, or `timeout_secs` are over."""
        task = self._tasks.get(client_order_id)
        if task is not None:
            await asyncio.wait([task], timeout=timeout_secs)

    def _start(self, state: AlgoState, coro: Coroutine[Any, Any, None]) -> None:
        name = state.request.client_order_id
        task = asyncio.create_task(coro, name=f"paradex-algo-order {name}")
        self._tasks[name] = task
        task.add_done_callback(lambda done: self._finish(name, done))

    def _finish(self, name: str, task: asyncio.Task[None]) -> None:
        del self._tasks[name]
        if not task.cancelled() and task.exception() is not None:
            self._warn(f"Our own mistake while sending {name}: {task.exception()!r}")

    # -- sending ----------------------------------------------------------------------------------

    async def _submit(self, state: AlgoState) -> None:
        try:
            async with self._turn(state.request, TURN_SECS_MAX):
                await self._send(state)
        except TimeoutError:
            self._refuse(state, "not sent: the outcome of another of the same terms is unknown")

    @asynccontextmanager
    async def _turn(self, request: AlgoRequest, wait_secs: float | None) -> AsyncIterator[None]:
        """Let one after another of the same terms through.

        Raises
        ------
        TimeoutError
            If its turn does not come in `wait_secs`.
        """
        terms = (request.market, request.side, request.size)
        turn = self._turns.setdefault(terms, asyncio.Lock())
        async with asyncio.timeout(wait_secs):
            await turn.acquire()
        try:
            yield
        finally:
            turn.release()

    async def _send(self, state: AlgoState) -> None:
        request = state.request
        window_ms = self._window_ms(request)
        timestamp_ms, known = 0, set[str]()
        try:
            known = await self._known_ids()
            await self._http.limits.acquire_retail(1, COMMAND_WAIT_SECS_MAX)
            timestamp_ms = self._now_ms()
            body = sign_algo_request(request, self._signer, timestamp_ms, window_ms)
            reply = await self._http.post_algo_order(orjson.dumps(body))
            try:
                row = parse_algo_order(reply)
            except CoreError as error:
                # It was taken; what was said about it cannot be read.
                raise OutcomeUnknown(OPERATION, str(error)) from error
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
            raise NotSent(OPERATION, f"no list of the open ones: {error}") from error
        return {row.algo_order_id for row in rows}

    # -- outcomes that are not known --------------------------------------------------------------

    async def _resolve_earlier(self, state: AlgoState, sent_ms: int) -> None:
        wait_ms = int((TURN_SECS_MAX + BASELINE_SECS_MAX) * 1000)
        expires_ms = sent_ms + wait_ms + self._window_ms(state.request)
        async with self._turn(state.request, None):
            await self._resolve(state, sent_ms, expires_ms, set())

    async def _resolve(
        self, state: AlgoState, sent_ms: int, expires_ms: int, known: set[str]
    ) -> None:
        """Find the algo order of a lost reply by its terms; after `expires_ms` none comes."""
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
        # Open ones first: one that ends in between is then told by the history.
        rows = {row.algo_order_id: row for row in await self._reader.open_algo_orders()}
        history = await self._reader.algo_orders_history(state.request.market, start_ms)
        rows.update((row.algo_order_id, row) for row in history)
        fitting = [
            row
            for row in rows.values()
            if row.algo_order_id not in known
            and not self._is_taken(row.algo_order_id)
            and row.ts_created >= start_ms * 1_000_000
            and fits(row, state.request)
        ]
        if len(fitting) > 1:
            self._warn(
                f"TWAP order {state.request.client_order_id} is one of {len(fitting)} with its "
                "terms at the venue: the oldest is taken for it"
            )
        return min(fitting, key=lambda row: row.ts_created, default=None)

    def _adopt(self, state: AlgoState, row: AlgoOrder) -> None:
        state.take(row)
        self._on_settled(state)

    def _refuse(self, state: AlgoState, reason: str) -> None:
        state.refusal = reason
        self._on_settled(state)

    def _window_ms(self, request: AlgoRequest) -> int:
        return request.recv_window_ms or self._recv_window_ms


def fits(row: AlgoOrder, request: AlgoRequest) -> bool:
    """Return whether an algo order has the terms of a request, as far as the venue tells them."""
    if (row.market, row.side, row.size) != (request.market, request.side, request.size):
        return False
    if row.interval_secs not in (0, request.interval_secs):
        return False
    duration_secs = round((row.ts_end - row.ts_created) / 1_000_000_000)
    return not (row.ts_end and row.ts_created) or duration_secs == request.duration_secs
