"""Finding out what became of things: orders of unknown outcome, missing fills, a lost connection.

Everything asks the venue over REST and applies the answers to the same store as the live stream, so
that nothing is told twice. Nothing here ever sends an order.

::

    start_resolving          an order whose reply was lost: seen at the venue, or refused once its
                             receive window is over and the venue does not know it
    start_awaiting_change    a change without an outcome: wait, ask, then count it as refused
    start_awaiting_fills     an order that moved further than its fills tell: wait, ask, go without
    start_awaiting_external  a fill whose order was never told: wait, ask, then it stands alone
    start_recovering         after a reconnect: fills, orders, positions, margin, balances since the
                             drop
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable
from typing import Any, Final, final

from paradex_adapter.venue.account_reader import AccountReader, Notice
from paradex_adapter.venue.errors import ParadexError
from paradex_adapter.venue.external_orders import ExternalFact, ExternalOrders
from paradex_adapter.venue.order_search import OrderSearch
from paradex_adapter_core.events import Event
from paradex_adapter_core.messages.account import AccountSummary, Balance, Position
from paradex_adapter_core.messages.orders import Fill, OrderUpdate
from paradex_adapter_core.order_state import OrderState
from paradex_adapter_core.state_store import StateStore

# After the receive window, for the venue's own delays between taking an order and listing it.
LISTING_MARGIN_MS: Final = 2_000
RESOLVE_DELAY_SECS: Final = 0.25
RESOLVE_DELAY_SECS_MAX: Final = 5.0
RESOLVE_ATTEMPTS_MAX: Final = 500

# Fills are usually a moment behind the order; then REST is asked, less and less often. Without an
# answer the last delay is repeated.
FILLS_DELAYS_SECS: Final = (0.3, 0.5, 1.0, 2.0, 4.0, 8.0)
# A change has its outcome at once; else the order is asked for, well before NautilusTrader gives it
# up (30 s). Without an answer the last delay is repeated.
CHANGE_DELAYS_SECS: Final = (0.5, 1.0, 2.0, 4.0, 4.0)
CHANGE_ATTEMPTS_MAX: Final = 30
# A connection can be dead this long before it is found out (pings every 20 s, 20 s for the answer).
OVERLAP_MS: Final = 120_000
RECOVER_DELAY_SECS: Final = 0.5
RECOVER_DELAY_SECS_MAX: Final = 10.0
# Of what goes on until the venue answers: a day of outage.
OUTAGE_ATTEMPTS_MAX: Final = 10_000
# How long the stream waits for what happened before it: the venue may be slow, or read too often.
CATCH_UP_SECS_MAX: Final = 5.0
TASKS_MAX: Final = 20_000

type AccountMessage = OrderUpdate | Fill | Position | AccountSummary | Balance


@final
class Recovery:
    """Asks the venue until an answer settles the matter, each within named bounds.

    Parameters
    ----------
    reader : AccountReader
        Asks the venue.
    search : OrderSearch
        Looks for single orders.
    store : StateStore
        What is known.
    externals : ExternalOrders
        What was told of orders not ours.
    apply : Callable[[AccountMessage], None]
        Applies a message and tells its events.
    tell : Callable[[list[Event]], None]
        Tells events.
    tell_external : Callable[[list[ExternalFact]], None]
        Tells facts about orders not ours.
    tell_notice : Callable[[Notice], None]
        Tells what the venue did to the account, also a second time.
    until_answered : Callable[[], Awaitable[None]]
        Returns when no answer about the whole account is being worked in: that goes first.
    on_caught_up : Callable[[bool], None]
        Told True when what happened before a reconnect was told, False when it could not be had.
    now_ms : Callable[[], int]
        The venue's time, as well as it is known, in Unix milliseconds.
    warn : Callable[[str], None]
        Takes what a user should know.
    """

    def __init__(
        self,
        reader: AccountReader,
        search: OrderSearch,
        store: StateStore,
        externals: ExternalOrders,
        *,
        apply: Callable[[AccountMessage], None],
        tell: Callable[[list[Event]], None],
        tell_external: Callable[[list[ExternalFact]], None],
        tell_notice: Callable[[Notice], None],
        until_answered: Callable[[], Awaitable[None]],
        on_caught_up: Callable[[bool], None],
        now_ms: Callable[[], int],
        warn: Callable[[str], None],
    ) -> None:
        self._reader: Final = reader
        self._store: Final = store
        self._externals: Final = externals
        self._apply: Final = apply
        self._tell: Final = tell
        self._tell_external: Final = tell_external
        self._tell_notice: Final = tell_notice
        self._until_answered: Final = until_answered
        self._on_caught_up: Final = on_caught_up
        self._now_ms: Final = now_ms
        self._warn: Final = warn
        self._search: Final = search
        self._tasks: Final[dict[str, asyncio.Task[None]]] = {}
        self._is_closed = False
        self._begun_ms: Final = now_ms()

    async def close(self) -> None:
        """Stop asking, for good: what the end of the connection leaves unknown stays unknown."""
        self._is_closed = True
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    # -- orders of unknown outcome ----------------------------------------------------------------

    def start_resolving(self, client_order_id: str, market: str, expires_ms: int) -> None:
        """Find out what became of an order; the venue does not take it after `expires_ms`."""
        self._start(
            f"order {client_order_id}", self._resolve_order(client_order_id, market, expires_ms)
        )

    def is_resolving(self, client_order_id: str) -> bool:
        """Return whether the outcome of this order is still being found out."""
        return f"order {client_order_id}" in self._tasks

    async def wait_resolved(self, client_order_id: str, timeout_secs: float) -> None:
        """Wait until the outcome of an order is known, or `timeout_secs` are over."""
        task = self._tasks.get(f"order {client_order_id}")
        if task is not None:
            await asyncio.wait([task], timeout=timeout_secs)

    async def _resolve_order(self, client_order_id: str, market: str, expires_ms: int) -> None:
        delay = RESOLVE_DELAY_SECS
        for _ in range(RESOLVE_ATTEMPTS_MAX):
            if self._is_seen(client_order_id):
                return
            asked_ms = self._now_ms()
            try:
                update = await self._search.find(market, client_order_id, "")
            except ParadexError:
                # No answer settles nothing.
                update = None
                asked_ms = 0
            await self._until_answered()
            if update is not None:
                self._apply(update)
                return
            if asked_ms > expires_ms + LISTING_MARGIN_MS and not self._is_seen(client_order_id):
                reason = "the venue does not know the order and no longer takes it"
                now_ns = self._now_ms() * 1_000_000
                self._tell(self._store.refuse_order(client_order_id, reason, False, now_ns))
                return
            await asyncio.sleep(delay)
            delay = min(2 * delay, RESOLVE_DELAY_SECS_MAX)
        self._warn(
            f"What became of order {client_order_id} could not be found out: look at the venue"
        )

    def _is_seen(self, client_order_id: str) -> bool:
        state = self._store.find_order(client_order_id)
        return state is None or not state.is_open or state.venue_order_id != ""

    # -- changes of orders ------------------------------------------------------------------------

    def start_awaiting_change(self, client_order_id: str) -> None:
        """Find out what became of a change that is about to be sent."""
        self._start(f"change {client_order_id}", self._await_change(client_order_id))

    def stop_awaiting_change(self, client_order_id: str) -> None:
        """Stop asking: the outcome is known."""
        task = self._tasks.pop(f"change {client_order_id}", None)
        if task is not None:
            task.cancel()

    async def wait_changed(self, client_order_id: str) -> None:
        """Wait until no change of an order is under way."""
        while (task := self._tasks.get(f"change {client_order_id}")) is not None:
            await asyncio.wait([task])

    async def _await_change(self, client_order_id: str) -> None:
        state = self._store.find_order(client_order_id)
        if state is None:
            return
        for number in range(1, CHANGE_ATTEMPTS_MAX + 1):
            await asyncio.sleep(CHANGE_DELAYS_SECS[min(number, len(CHANGE_DELAYS_SECS)) - 1])
            is_answered = await self._fetch_order(state.market, state.venue_order_id)
            if is_answered and number >= len(CHANGE_DELAYS_SECS):
                break
        # Not the end of anything: should the order change after all, that is told as well.
        reason = "the venue shows no outcome of the change"
        now_ns = self._now_ms() * 1_000_000
        self._tell(self._store.refuse_change(client_order_id, reason, now_ns))

    # -- missing fills ----------------------------------------------------------------------------

    def start_awaiting_fills(self, client_order_id: str) -> None:
        """Wait for the missing fills of an own order, then ask for them."""
        self._start(f"fills {client_order_id}", self._await_fills(client_order_id))

    async def _await_fills(self, client_order_id: str) -> None:
        is_answered = False
        for number in range(1, OUTAGE_ATTEMPTS_MAX + 1):
            await asyncio.sleep(FILLS_DELAYS_SECS[min(number, len(FILLS_DELAYS_SECS)) - 1])
            state = self._store.find_order(client_order_id)
            if state is None or not state.missing:
                return
            start_ms = max(0, state.ts_sent // 1_000_000 - OVERLAP_MS)
            is_answered = await self._fetch_fills(state.market, start_ms)
            if not state.missing:
                return
            if is_answered and number >= len(FILLS_DELAYS_SECS):
                break
        if is_answered:
            self._warn(
                f"The venue has no fills for all that it says was filled of {client_order_id}"
            )
            self._tell(self._store.release_terminal(client_order_id))

    def start_awaiting_external(self, venue_order_id: str, market: str, ts_event: int) -> None:
        """Wait for the order of a fill, or the fills of an order, not ours; then ask."""
        self._start(
            f"external {venue_order_id}", self._await_external(venue_order_id, market, ts_event)
        )

    async def _await_external(self, venue_order_id: str, market: str, ts_event: int) -> None:
        start_ms = max(0, ts_event // 1_000_000 - OVERLAP_MS)
        externals = self._externals
        for number in range(1, OUTAGE_ATTEMPTS_MAX + 1):
            await asyncio.sleep(FILLS_DELAYS_SECS[min(number, len(FILLS_DELAYS_SECS)) - 1])
            is_answered = True
            if externals.is_waiting_for_order(venue_order_id):
                is_answered = await self._fetch_order(market, venue_order_id)
            if externals.missing(venue_order_id):
                is_answered &= await self._fetch_fills(market, start_ms)
            if not externals.is_owing(venue_order_id):
                return
            if is_answered and number >= len(FILLS_DELAYS_SECS):
                break
        self._warn(
            f"Order {venue_order_id}, not sent from here, is told as far as the venue tells it"
        )
        self._tell_external(externals.go_without(venue_order_id))

    async def _fetch_order(self, market: str, venue_order_id: str) -> bool:
        """Apply the order as it is; return whether the venue answered."""
        try:
            update = await self._search.find(market, "", venue_order_id)
        except ParadexError:
            return False
        await self._until_answered()
        if update is not None:
            self._apply(update)
        return True

    async def _fetch_fills(self, market: str | None, start_ms: int) -> bool:
        """Apply the fills since `start_ms`; return whether the venue answered."""
        try:
            fills = await self._reader.fills(market, start_ms)
        except ParadexError:
            return False
        await self._until_answered()
        for fill in fills:
            self._apply(fill)
        return True

    # -- after a reconnect ------------------------------------------------------------------------

    def start_recovering(self, since_ms: int) -> None:
        """Catch up on everything since `since_ms`, until it has worked once.

        A catch-up under way is replaced: it may have read before the connection was back.
        """
        self.stop_recovering()
        self._start("reconnect", self._recover(since_ms - OVERLAP_MS))

    def stop_recovering(self) -> None:
        """Give up a catch-up under way, without a word."""
        task = self._tasks.pop("reconnect", None)
        if task is not None:
            task.cancel()

    @property
    def is_recovering(self) -> bool:
        """Whether a catch-up is under way."""
        return "reconnect" in self._tasks

    async def _recover(self, since_ms: int) -> None:
        delay = RECOVER_DELAY_SECS
        for _ in range(OUTAGE_ATTEMPTS_MAX):
            # Late news out of order is better than none, which NautilusTrader takes for a refusal.
            impatience = asyncio.get_running_loop().call_later(
                CATCH_UP_SECS_MAX, self._on_caught_up, False
            )
            try:
                markets = await self._catch_up(max(0, since_ms))
            except ParadexError as error:
                self._warn(f"Catching up after the reconnect failed, trying again: {error}")
                self._on_caught_up(False)
                await asyncio.sleep(delay)
                delay = min(2 * delay, RECOVER_DELAY_SECS_MAX)
            else:
                self._on_caught_up(True)
                await self._fetch_notices(markets, max(0, since_ms))
                return
            finally:
                impatience.cancel()
        self._warn("Catching up after the reconnect was given up: restart to reconcile")

    async def _catch_up(self, since_ms: int) -> set[str]:
        """Tell what happened since; return the markets where something did or could."""
        snapshot = await self._reader.snapshot(since_ms)
        told = {update.venue_order_id for update in snapshot.orders}
        # Sent before the window, and closed meanwhile: only its own history tells.
        late = find_left_out(self._store, self._externals, told)
        found = await asyncio.gather(*(self._search.find(*order) for order in late))
        snapshot.orders.extend(update for update in found if update is not None)
        balances = await self._reader.balances()
        summary = await self._reader.summary()
        await self._until_answered()
        # Fills first: an order that closed then has all its fills and ends at once. Before them
        # only the orders that were changed meanwhile, which more or fewer fills fill.
        messages: list[AccountMessage] = [
            *find_changed_orders(self._store, snapshot.orders),
            *snapshot.fills,
            *snapshot.orders,
            *snapshot.positions,
            *balances,
            summary,
        ]
        for message in messages:
            self._apply(message)
        markets = {fill.market for fill in snapshot.fills}
        return markets.union(position.market for position in snapshot.positions)

    async def _fetch_notices(self, markets: set[str], since_ms: int) -> None:
        # What an earlier run was told is no news, though it may lie within the overlap.
        since_ms = max(since_ms, self._begun_ms)
        try:
            notices = await self._reader.notices(sorted(markets), since_ms)
        except ParadexError as error:
            self._warn(f"Funding and trade busts of the time without connection are lost: {error}")
            return
        for notice in notices:
            self._tell_notice(notice)

    def _start(self, name: str, coro: Coroutine[Any, Any, None]) -> None:
        if self._is_closed or name in self._tasks or len(self._tasks) >= TASKS_MAX:
            coro.close()
            return
        task = asyncio.create_task(coro, name=f"paradex-recovery {name}")
        self._tasks[name] = task
        task.add_done_callback(lambda done: self._finish(name, done))

    def _finish(self, name: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(name) is task:
            del self._tasks[name]
        if not task.cancelled() and task.exception() is not None:
            self._warn(f"Our own mistake while asking for {name}: {task.exception()!r}")


def find_changed_orders(store: StateStore, updates: Iterable[OrderUpdate]) -> list[OrderUpdate]:
    """Return the updates of own orders that have other terms than the engine was told.

    A change of which nobody heard, or the venue's own: it cuts orders to fit a position. They are
    to be applied before their fills: NautilusTrader takes no fill beyond an order's quantity, and
    finds an order filled by a fill alone.
    """
    changed = []
    for update in updates:
        state = find_own_order(store, update)
        if state is not None and state.is_open and state.has_other_terms(update):
            changed.append(update)
    return changed


def find_left_out(
    store: StateStore, externals: ExternalOrders, told: Collection[str]
) -> list[tuple[str, str, str]]:
    """Return market, client id and venue id of the orders known to work, of whomever, but `told`.

    Parameters
    ----------
    store : StateStore
        What is known of own orders.
    externals : ExternalOrders
        What was told of orders not ours.
    told : Collection[str]
        Venue ids of the orders in an answer.
    """
    own = [(s.market, s.client_order_id, s.venue_order_id) for s in store.open_orders()]
    others = [
        (update.market, update.client_order_id, update.venue_order_id)
        for update in externals.working()
        # Not one that was claimed and is an own one by now.
        if store.find_order_by_venue_id(update.venue_order_id) is None
    ]
    return [order for order in (*own, *others) if order[2] and order[2] not in told]


def find_own_order(store: StateStore, update: OrderUpdate) -> OrderState | None:
    """Return the own order that an update is about; a client id alone may be used by others too."""
    state = store.find_order_by_venue_id(update.venue_order_id)
    if state is None:
        state = store.find_order(update.client_order_id)
        if state is not None and state.venue_order_id:
            return None
    return state
