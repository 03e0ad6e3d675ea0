"""The public market data of one websocket: subscriptions, resubscriptions and order book sequences.

Rules
-----
1. A channel is subscribed at the venue while somebody wants it; it is counted who does.
2. A subscription counts when the venue acknowledged it or its first data came; a failed one leaves
   nothing behind, neither here nor at the venue.
3. After a reconnect everything that counted is subscribed again before the connection is ready.
4. A book that missed a frame is cleared at once, and stays so until a new snapshot, which is asked
   for by unsubscribing and subscribing, at growing intervals and not for ever.
5. Gaps in quotes are normal: they share the numbers of the book, of which not every change moves
   a quote.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from random import Random
from typing import Final

from paradex_adapter.venue.errors import (
    InvalidRequest,
    NotSent,
    OutcomeUnknown,
    ParadexError,
    RequestRejected,
    VenueUnavailable,
)
from paradex_adapter.venue.retry import Backoff
from paradex_adapter.venue.websocket import CONNECT_TIMEOUT_SECS, WebSocketConnection
from paradex_adapter_core.messages import BboTuple, BookTuple, TradeTuple
from paradex_adapter_core.order_book import (
    BOOK_DELTA,
    BOOK_GAP,
    BOOK_OLD,
    BOOK_SNAPSHOT,
    BookSequence,
)
from paradex_adapter_core.vocabulary import KIND_BBO, KIND_BOOK, KIND_TRADE

# Frames carry no channel, so one kind of book per market and socket: the full one.
CHANNELS: Final[dict[int, str]] = {
    KIND_BBO: "bbo.{}",
    KIND_TRADE: "trades.{}",
    KIND_BOOK: "order_book.{}.deltas",
}

SUBSCRIPTIONS_MAX: Final = 4096
# From the call to the acknowledgment, reconnects in between included.
SUBSCRIBE_TIMEOUT_SECS: Final = 20.0
ACK_TIMEOUT_SECS: Final = 5.0
RESUBSCRIBE_BATCH: Final = 64
SNAPSHOT_TIMEOUT_SECS: Final = 10.0
RESYNC_ATTEMPTS_MAX: Final = 6
RESYNC_DELAY_INITIAL_MS: Final = 500
RESYNC_DELAY_MAX_MS: Final = 15_000
# A book that broke sooner after its snapshot goes on counting attempts.
BOOK_LIVED_SECS_MIN: Final = 30.0


class _Subscription:
    """One channel, and who wants it."""

    def __init__(self, kind: int, market: str) -> None:
        self.kind: Final = kind
        self.market: Final = market
        self.channel: Final = CHANNELS[kind].format(market)
        self.references = 0
        self.is_confirmed = False
        self.has_data = False
        # One request about a channel at a time: the venue refuses a second subscribe.
        self.lock: Final = asyncio.Lock()


class _Book(_Subscription):
    """The channel of a book, and the book's place in its sequence."""

    def __init__(self, market: str) -> None:
        super().__init__(KIND_BOOK, market)
        self.sequence: Final = BookSequence()
        self.fresh: Final = asyncio.Event()
        self.fresh_at = 0.0
        self.attempts = 0
        self.restoring: asyncio.Task[None] | None = None


class MarketFeed:
    """Quotes, trades and books of one websocket.

    The sinks are called from inside the socket's wake-up and must not block.

    Parameters
    ----------
    base_url : str
        Address of the websocket, without a query.
    on_bbo, on_trade : Callable[[tuple, int], None]
        Take each quote or trade, and the time it was received (ns).
    on_book : Callable[[BookTuple, int], None]
        Takes each book frame that continues its book: a snapshot, or the next delta.
    on_book_reset : Callable[[str, int, int], None]
        Takes market, last sequence number and time (ns) of a book that is no longer good; until the
        next snapshot nothing is known about it.
    on_lost : Callable[[int, str, str], None]
        Takes kind, market and reason of a subscription that was given up after it had counted.
    clock_ns : Callable[[], int]
        The clock, nanoseconds since the Unix epoch.
    on_connected : Callable[[], None], optional
        Called when everything is subscribed, after each connect.
    on_disconnected : Callable[[str], None], optional
        Takes the reason each time the connection ended.
    backoff : Backoff, optional
        The delays between connection attempts.
    proxy_url : str, optional
        A proxy to go through.
    prefer_picows : bool
        Use the fast transport when it is installed.
    log : Callable[[str], None], optional
        Takes warnings.

    Raises
    ------
    ConfigurationError
        `base_url` or `proxy_url` cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        *,
        on_bbo: Callable[[BboTuple, int], None],
        on_trade: Callable[[TradeTuple, int], None],
        on_book: Callable[[BookTuple, int], None],
        on_book_reset: Callable[[str, int, int], None],
        on_lost: Callable[[int, str, str], None],
        clock_ns: Callable[[], int] = time.time_ns,
        on_connected: Callable[[], None] | None = None,
        on_disconnected: Callable[[str], None] | None = None,
        backoff: Backoff | None = None,
        proxy_url: str | None = None,
        prefer_picows: bool = True,
        log: Callable[[str], None] | None = None,
    ) -> None:
        self._on_bbo: Final = on_bbo
        self._on_trade: Final = on_trade
        self._on_book: Final = on_book
        self._on_book_reset: Final = on_book_reset
        self._on_lost: Final = on_lost
        self._clock_ns: Final = clock_ns
        self._connected: Final = on_connected
        self._disconnected: Final = on_disconnected
        self._resync_backoff: Final = Backoff(
            RESYNC_DELAY_INITIAL_MS, RESYNC_DELAY_MAX_MS, Random()
        )
        self._subscriptions: Final[dict[tuple[int, str], _Subscription]] = {}
        self._books: Final[dict[str, _Book]] = {}
        self._unconfirmed: Final[dict[tuple[int, str], _Subscription]] = {}
        self._is_closing = False
        self._counters: Final[dict[str, int]] = dict.fromkeys(
            [
                "quotes",
                "trades",
                "book frames",
                "book gaps",
                "book frames old",
                "book frames while stale",
                "book resyncs",
                "subscriptions refused",
                "subscriptions lost",
            ],
            0,
        )
        self._connection: Final = WebSocketConnection(
            base_url,
            name="public",
            plain_first=False,
            on_message=self._on_message,
            on_connected=self._resubscribe,
            on_disconnected=self._on_disconnected,
            clock_ns=clock_ns,
            backoff=backoff,
            proxy_url=proxy_url,
            prefer_picows=prefer_picows,
            log=log,
        )

    @property
    def is_ready(self) -> bool:
        """Whether the connection is open and everything is subscribed."""
        return self._connection.is_ready

    @property
    def sbe_version(self) -> int | None:
        """The version of the binary schema in use."""
        return self._connection.sbe_version

    @property
    def counters(self) -> dict[str, int]:
        """What was received, skipped and repaired since the start, by kind; a copy."""
        return {**self._connection.counters, **self._counters}

    @property
    def channels(self) -> list[str]:
        """The channels that are subscribed, or will be after a reconnect."""
        return [s.channel for s in self._subscriptions.values() if s.is_confirmed]

    def is_book_stale(self, market: str) -> bool:
        """Return whether the book of `market` waits for a snapshot, or is not subscribed."""
        book = self._books.get(market)
        return book is None or book.sequence.is_stale

    async def connect(self, timeout_secs: float = CONNECT_TIMEOUT_SECS) -> None:
        """Connect, and stay connected until `close`; see `WebSocketConnection.connect`."""
        self._is_closing = False
        await self._connection.connect(timeout_secs)

    async def close(self) -> None:
        """Close, forget every subscription and leave no task behind."""
        self._is_closing = True
        for book in self._books.values():
            _stop_restoring(book)
        await self._connection.close()
        self._subscriptions.clear()
        self._books.clear()

    async def subscribe(self, kind: int, market: str) -> None:
        """Subscribe one channel, or join those who did.

        Parameters
        ----------
        kind : int
            `vocabulary.KIND_BBO`, ``KIND_TRADE`` or ``KIND_BOOK``.
        market : str
            The venue's symbol.

        Raises
        ------
        RpcRefused
            The venue refused it.
        OutcomeUnknown
            Neither acknowledgment nor data came in time.
        VenueUnavailable, NotSent
            The connection was down all the time, or is overloaded.
        InvalidRequest
            There are `SUBSCRIPTIONS_MAX` subscriptions already.
        """
        subscription = self._subscriptions.get((kind, market))
        if subscription is None:
            if len(self._subscriptions) >= SUBSCRIPTIONS_MAX:
                raise InvalidRequest("subscription", f"is one more than {SUBSCRIPTIONS_MAX}")
            subscription = _Book(market) if kind == KIND_BOOK else _Subscription(kind, market)
            self._subscriptions[kind, market] = subscription
        subscription.references += 1
        try:
            async with subscription.lock:
                if not subscription.is_confirmed:
                    await self._confirm(subscription)
        except BaseException as e:
            if isinstance(e, RequestRejected):
                self._counters["subscriptions refused"] += 1
            subscription.references -= 1
            self._forget_unwanted(subscription)
            raise

    async def unsubscribe(self, kind: int, market: str) -> None:
        """Give back one `subscribe`; the last one unsubscribes at the venue.

        Never fails: what the venue still sends afterwards is dropped.
        """
        subscription = self._subscriptions.get((kind, market))
        if subscription is None:
            return
        subscription.references -= 1
        async with subscription.lock:
            if subscription.references > 0 or not subscription.is_confirmed:
                return
            self._retire(subscription)
            await self._send_unsubscribe(subscription)
        self._forget_unwanted(subscription)

    def _forget_unwanted(self, subscription: _Subscription) -> None:
        key = (subscription.kind, subscription.market)
        if subscription.references <= 0 and self._subscriptions.get(key) is subscription:
            del self._subscriptions[key]

    def _retire(self, subscription: _Subscription) -> None:
        """Stop counting a subscription and drop what still comes of its book."""
        subscription.is_confirmed = False
        if isinstance(subscription, _Book):
            _stop_restoring(subscription)
            self._books.pop(subscription.market, None)

    async def _confirm(self, subscription: _Subscription) -> None:
        """Subscribe, over as many connections as it takes within `SUBSCRIBE_TIMEOUT_SECS`."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + SUBSCRIBE_TIMEOUT_SECS
        while True:
            await self._connection.wait_ready(max(0.0, deadline - loop.time()))
            connects = self._connection.connects
            try:
                await self._send_subscribe(subscription)
            except (NotSent, OutcomeUnknown):
                self._retire(subscription)
                if self._connection.is_ready and self._connection.connects == connects:
                    # The venue may have heard what it did not answer.
                    await self._send_unsubscribe(subscription)
                    raise
            except BaseException:
                self._retire(subscription)
                raise
            else:
                return

    async def _send_subscribe(
        self, subscription: _Subscription, *, before_ready: bool = False
    ) -> None:
        """Subscribe once; the acknowledgment counts, and so does data."""
        key = (subscription.kind, subscription.market)
        subscription.has_data = False
        self._unconfirmed[key] = subscription
        if isinstance(subscription, _Book):
            # Before the request: the snapshot may overtake the acknowledgment.
            _make_stale(subscription)
            self._books[subscription.market] = subscription
        connects = self._connection.connects
        try:
            await self._connection.request(
                "subscribe",
                {"channel": subscription.channel},
                ACK_TIMEOUT_SECS,
                before_ready=before_ready,
            )
        except OutcomeUnknown:
            if not subscription.has_data or self._connection.connects != connects:
                raise
        finally:
            self._unconfirmed.pop(key, None)
        subscription.is_confirmed = True
        if isinstance(subscription, _Book) and subscription.restoring is None:
            self._restore(subscription, is_asked=True)

    async def _send_unsubscribe(self, subscription: _Subscription) -> None:
        """Unsubscribe as well as it goes; on a lost connection nothing is left to unsubscribe."""
        try:
            await self._connection.request(
                "unsubscribe", {"channel": subscription.channel}, ACK_TIMEOUT_SECS
            )
        except ParadexError as e:
            self._count(f"unsubscribe failed: {type(e).__name__}")

    async def _resubscribe(self) -> None:
        """Subscribe everything that counted; runs before the connection is ready."""
        # Who holds a lock is subscribing or unsubscribing, saw the connection end and sees to it.
        lost = [s for s in self._subscriptions.values() if s.is_confirmed and not s.lock.locked()]
        for batch in _batches(lost):
            answers = await asyncio.gather(
                *(self._resubscribe_one(subscription) for subscription in batch),
                return_exceptions=True,
            )
            for answer in answers:
                if answer is not None:
                    raise answer
        if self._connected is not None:
            self._connected()

    async def _resubscribe_one(self, subscription: _Subscription) -> None:
        async with subscription.lock:
            try:
                await self._send_subscribe(subscription, before_ready=True)
            except RequestRejected as e:
                # One market that is gone must not keep the others from coming back.
                self._give_up(subscription, str(e))

    def _give_up(self, subscription: _Subscription, reason: str) -> None:
        self._retire(subscription)
        self._subscriptions.pop((subscription.kind, subscription.market), None)
        self._counters["subscriptions lost"] += 1
        self._on_lost(subscription.kind, subscription.market, reason)

    def _on_disconnected(self, reason: str) -> None:
        for book in self._books.values():
            _stop_restoring(book)
            if not self._is_closing:
                self._reset_book(book)
            book.attempts = 0
        if self._disconnected is not None:
            self._disconnected(reason)

    def _on_message(self, message: object, ts_init: int) -> None:
        if type(message) is not tuple:
            return
        if self._unconfirmed:
            subscription = self._unconfirmed.get((message[0], message[1]))
            if subscription is not None:
                subscription.has_data = True
        kind = message[0]
        if kind == KIND_BBO:
            self._counters["quotes"] += 1
            self._on_bbo(message, ts_init)
        elif kind == KIND_TRADE:
            self._counters["trades"] += 1
            self._on_trade(message, ts_init)
        elif kind == KIND_BOOK:
            self._counters["book frames"] += 1
            self._apply_book(message, ts_init)

    def _apply_book(self, message: BookTuple, ts_init: int) -> None:
        book = self._books.get(message[1])
        if book is None:
            return
        action = book.sequence.apply(message[2], message[3])
        if action == BOOK_DELTA:
            self._on_book(message, ts_init)
        elif action == BOOK_SNAPSHOT:
            book.fresh_at = asyncio.get_running_loop().time()
            book.fresh.set()
            self._on_book(message, ts_init)
        elif action == BOOK_GAP:
            self._counters["book gaps"] += 1
            self._reset_book(book)
            self._restore(book, is_asked=False)
        elif action == BOOK_OLD:
            self._counters["book frames old"] += 1
        else:
            self._counters["book frames while stale"] += 1

    def _reset_book(self, book: _Book) -> None:
        """Tell that the book is no longer good, once."""
        was_good = book.fresh.is_set()
        last_seq_no = book.sequence.last_seq_no
        _make_stale(book)
        if was_good:
            self._on_book_reset(book.market, last_seq_no, self._clock_ns())

    def _restore(self, book: _Book, *, is_asked: bool) -> None:
        """See to it that a snapshot comes; `is_asked` when the subscription is a new one."""
        if asyncio.get_running_loop().time() - book.fresh_at >= BOOK_LIVED_SECS_MIN:
            book.attempts = 0
        _stop_restoring(book)
        book.restoring = asyncio.create_task(
            self._restore_book(book, is_asked), name=f"paradex-book-{book.market}"
        )

    async def _restore_book(self, book: _Book, is_asked: bool) -> None:
        reason = f"no snapshot in {SNAPSHOT_TIMEOUT_SECS:g} s"
        while book.attempts < RESYNC_ATTEMPTS_MAX:
            if not is_asked:
                if book.attempts > 0:
                    await asyncio.sleep(self._resync_backoff.delay_secs(book.attempts - 1))
                book.attempts += 1
                self._counters["book resyncs"] += 1
                try:
                    await self._ask_snapshot(book)
                except ParadexError as e:
                    reason = str(e)
                    continue
            is_asked = False
            try:
                async with asyncio.timeout(SNAPSHOT_TIMEOUT_SECS):
                    await book.fresh.wait()
            except TimeoutError:
                continue
            book.restoring = None
            return
        async with book.lock:
            await self._send_unsubscribe(book)
        book.restoring = None
        self._give_up(book, f"the book could not be restored: {reason}")

    async def _ask_snapshot(self, book: _Book) -> None:
        """Ask for a snapshot in the only way there is."""
        async with book.lock:
            if not self._connection.is_ready:
                raise VenueUnavailable("subscribe", "the connection is down")
            await self._send_unsubscribe(book)
            await self._send_subscribe(book)

    def _count(self, kind: str) -> None:
        self._counters[kind] = self._counters.get(kind, 0) + 1


def _make_stale(book: _Book) -> None:
    book.sequence.reset()
    book.fresh.clear()


def _stop_restoring(book: _Book) -> None:
    if book.restoring is not None:
        book.restoring.cancel()
        book.restoring = None


def _batches(subscriptions: list[_Subscription]) -> Iterator[list[_Subscription]]:
    for start in range(0, len(subscriptions), RESUBSCRIBE_BATCH):
        yield subscriptions[start : start + RESUBSCRIBE_BATCH]
