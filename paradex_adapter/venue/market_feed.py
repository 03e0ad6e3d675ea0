"""The public market data: who wants which channel, on which socket, and how healthy it all is.

Rules
-----
1. A channel is subscribed at the venue while somebody wants it; it is counted who does.
2. A subscription counts when the venue acknowledged it or its first data came; a failed one leaves
   nothing behind (`feed_socket`).
3. A book that missed a frame is cleared at once and restored (`book_recovery`).
4. Gaps in quotes are normal: they share the numbers of the book, of which not every change moves
   a quote. But a quote ahead of its own book for a whole check means that the book has stopped.
5. One socket never carries two books of one market: the second goes to another socket.
6. Whoever is too slow is not fed more and more of the past: a socket that lags is replaced.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

from paradex_adapter.venue.book_recovery import BOOK_COUNTERS, BookRecovery, BookStream
from paradex_adapter.venue.errors import InvalidRequest, ParadexError, RequestRejected
from paradex_adapter.venue.feed_health import LagHistogram
from paradex_adapter.venue.feed_socket import FeedSocket
from paradex_adapter.venue.feed_watch import WATCH_COUNTERS, FeedWatch
from paradex_adapter.venue.retry import Backoff
from paradex_adapter.venue.socket_pool import SOCKETS_MAX, SocketPool
from paradex_adapter.venue.streams import BOOK_KINDS, CHANNELS, Stream
from paradex_adapter.venue.websocket import CONNECT_TIMEOUT_SECS, WebSocketConnection
from paradex_adapter.venue.wide_channels import WIDE_KINDS, WideChannel
from paradex_adapter_core.messages.market_data import BboTuple, BookTuple, TradeTuple
from paradex_adapter_core.vocabulary import KIND_BBO, KIND_BOOK, KIND_TRADE

SUBSCRIPTIONS_MAX: Final = 4096


def _ignore(_: object, __: int) -> None:
    """Take what nobody asked for."""


class MarketFeed:
    """Quotes, trades, books and the state of markets, over as few sockets as will do.

    The sinks are called from inside a socket's wake-up and must not block.

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
    on_book_top : Callable[[BookTuple, int], None], optional
        Takes each frame with the best 15 levels.
    on_update : Callable[[object, int], None], optional
        Takes summaries, funding, funding comparisons and events of markets.
    clock_ns : Callable[[], int]
        The clock, nanoseconds since the Unix epoch.
    on_connected : Callable[[], None], optional
        Called when everything of a socket is subscribed, after each connect.
    on_disconnected : Callable[[str], None], optional
        Takes the reason each time a connection ended.
    backoff : Backoff, optional
        The delays between connection attempts.
    proxy_url : str, optional
        A proxy to go through.
    prefer_picows : bool
        Use the fast transport when it is installed.
    log : Callable[[str], None], optional
        Takes warnings.
    sockets_max : int
        How many sockets there may be; another one is opened when the others are full.

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
        on_book_top: Callable[[BookTuple, int], None] = _ignore,
        on_update: Callable[[Any, int], None] = _ignore,
        clock_ns: Callable[[], int] = time.time_ns,
        on_connected: Callable[[], None] | None = None,
        on_disconnected: Callable[[str], None] | None = None,
        backoff: Backoff | None = None,
        proxy_url: str | None = None,
        prefer_picows: bool = True,
        log: Callable[[str], None] | None = None,
        sockets_max: int = SOCKETS_MAX,
    ) -> None:
        self._sinks: Final[dict[int, Callable[[Any, int], None]]] = {
            KIND_BBO: on_bbo,
            KIND_TRADE: on_trade,
        }
        self._on_book: Final = on_book
        self._on_book_reset: Final = on_book_reset
        self._on_book_top: Final = on_book_top
        self._on_update: Final = on_update
        self._on_lost: Final = on_lost
        self._clock_ns: Final = clock_ns
        self._connected: Final = on_connected
        self._disconnected: Final = on_disconnected
        self._warn: Final = log or (lambda _: None)
        self._is_closing = False
        self._tasks: Final[set[asyncio.Task[None]]] = set()
        self._subscriptions: Final[dict[tuple[int, str], tuple[Stream, FeedSocket]]] = {}
        self._counters: Final[dict[str, int]] = dict.fromkeys(
            [
                *BOOK_COUNTERS,
                "resubscriptions confirmed",
                "subscriptions refused",
                "subscriptions lost",
                *WATCH_COUNTERS,
            ],
            0,
        )
        self._recovery: Final = BookRecovery(
            self._ask_snapshot, self._give_up_book, self._counters, self._warn
        )
        self._socket_options: Final[dict[str, Any]] = {
            "plain_first": False,
            "clock_ns": clock_ns,
            "backoff": backoff,
            "proxy_url": proxy_url,
            "prefer_picows": prefer_picows,
            "log": log,
        }
        self._base_url: Final = base_url
        self._pool: Final = SocketPool(
            self._make_socket, sockets_max=sockets_max, run=self._run, warn=self._warn
        )
        self._sockets: Final = self._pool.sockets
        self._watch: Final = FeedWatch(
            self._sockets,
            self._subscriptions,
            renew_book=self.renew_book,
            run=self._run,
            counters=self._counters,
            clock_ns=clock_ns,
            warn=self._warn,
        )
        self._wide: Final = {
            kind: WideChannel(kind, self._sockets[0], on_update) for kind in WIDE_KINDS
        }

    def _make_socket(self, name: str) -> FeedSocket:
        return FeedSocket(
            lambda **hooks: WebSocketConnection(
                self._base_url, name=name, **self._socket_options, **hooks
            ),
            counters=self._counters,
            on_confirmed=self._on_confirmed,
            on_retired=_stop_restoring,
            on_refused=self._on_refused,
            on_ready=self._on_ready,
            on_ended=self._on_ended,
        )

    # -- WHAT CAN BE READ --------------------------------------------------------------------------

    @property
    def is_ready(self) -> bool:
        """Whether every connection is open and everything is subscribed."""
        return all(socket.is_ready for socket in self._sockets)

    @property
    def sbe_version(self) -> int | None:
        """The version of the binary schema in use."""
        return self._sockets[0].connection.sbe_version

    @property
    def sockets(self) -> int:
        """How many sockets there are."""
        return len(self._sockets)

    @property
    def counters(self) -> dict[str, int]:
        """What was received, skipped and repaired since the start, by kind; a copy."""
        return {**self._pool.counters, **self._counters, "sockets": len(self._sockets)}

    @property
    def channels(self) -> list[str]:
        """The channels that are subscribed, or will be after a reconnect."""
        own = [stream for stream, _ in self._subscriptions.values() if stream.is_confirmed]
        wide = [s for s in self._sockets[0].streams if s.kind in WIDE_KINDS and s.is_confirmed]
        return [str(stream.params()["channel"]) for stream in [*own, *wide]]

    @property
    def lag(self) -> LagHistogram:
        """Times from the venue's clock to ours since the last `check`; a copy."""
        total = LagHistogram()
        for socket in self._sockets:
            total.add_all(socket.lag)
        return total

    def is_subscribed(self, kind: int, market: str) -> bool:
        """Return whether somebody wants a channel of a single market, or without one."""
        return (kind, market) in self._subscriptions

    def stale_books(self) -> list[str]:
        """Return the markets whose subscribed books wait for a snapshot."""
        return sorted(book.market for book in self._books() if book.sequence.is_stale)

    def ages_ns(self) -> dict[str, int]:
        """Return how long ago each channel brought something (ns); -1 when it never did."""
        now = self._clock_ns()
        streams = [stream for socket in self._sockets for stream in socket.streams]
        return {
            str(s.params()["channel"]): now - s.ts_received if s.ts_received else -1
            for s in streams
            if s.is_confirmed
        }

    # -- CONNECTION --------------------------------------------------------------------------------

    async def connect(self, timeout_secs: float = CONNECT_TIMEOUT_SECS) -> None:
        """Connect, and stay connected until `close`; see `WebSocketConnection.connect`."""
        self._is_closing = False
        await self._sockets[0].connection.connect(timeout_secs)

    async def close(self) -> None:
        """Close, forget every subscription and leave no task behind."""
        self._is_closing = True
        tasks = [*self._tasks, *(b.restoring for b in self._books() if b.restoring is not None)]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for socket in self._sockets:
            for stream in list(socket.streams):
                socket.retire(stream)
                socket.release(stream)
        await self._pool.close()
        for wide in self._wide.values():
            wide.forget()
        self._subscriptions.clear()

    # -- SUBSCRIPTIONS -----------------------------------------------------------------------------

    async def subscribe(self, kind: int, market: str) -> None:
        """Subscribe one channel, or join those who did.

        Parameters
        ----------
        kind : int
            A key of `streams.CHANNELS`.
        market : str
            The venue's symbol; `streams.ALL_MARKETS` for all, where the channel has that form; ""
            for a channel without a market.

        Raises
        ------
        RpcRefused
            The venue refused it.
        OutcomeUnknown
            Neither acknowledgment nor data came in time.
        VenueUnavailable, NotSent
            The connection was down all the time, or is overloaded.
        InvalidRequest
            There are `SUBSCRIPTIONS_MAX` subscriptions already, or no socket is left for it.
        """
        if kind in self._wide:
            await self._wide[kind].subscribe(market)
            return
        stream, socket = self._subscriptions.get((kind, market)) or self._reserve(kind, market)
        stream.references += 1
        try:
            async with stream.lock:
                if not stream.is_confirmed:
                    await socket.subscribe(stream)
        except BaseException as e:
            # Canceled as well: the caller will not release what it did not get.
            if isinstance(e, RequestRejected):
                self._counters["subscriptions refused"] += 1
            stream.references -= 1
            self._forget_unwanted(stream)
            raise

    async def unsubscribe(self, kind: int, market: str) -> None:
        """Give back one `subscribe`; the last one unsubscribes at the venue.

        Never fails: what the venue still sends afterwards is dropped.
        """
        if kind in self._wide:
            await self._wide[kind].unsubscribe(market)
            return
        stream, socket = self._subscriptions.get((kind, market), (None, None))
        if stream is None or socket is None:
            return
        stream.references -= 1
        async with stream.lock:
            if stream.references > 0 or not stream.is_confirmed:
                return
            await socket.unsubscribe(stream)
        self._forget_unwanted(stream)

    def renew_book(self, market: str) -> None:
        """Clear a book and have it built anew from a snapshot."""
        book = self._find_book(market)
        if book is not None and book.is_confirmed:
            book.reset()
            self._recovery.restore(book, is_asked=False)

    def _reserve(self, kind: int, market: str) -> tuple[Stream, FeedSocket]:
        if len(self._subscriptions) >= SUBSCRIPTIONS_MAX:
            raise InvalidRequest("subscription", f"is one more than {SUBSCRIPTIONS_MAX}")
        socket = self._pool.place(kind, market)
        stream = self._make_stream(kind, market)
        socket.reserve(stream)
        self._subscriptions[kind, market] = (stream, socket)
        return stream, socket

    def _make_stream(self, kind: int, market: str) -> Stream:
        if kind == KIND_BOOK:
            return BookStream(
                market,
                on_book=self._on_book,
                on_reset=self._on_book_reset,
                on_gap=self._on_gap,
                counters=self._counters,
                clock_ns=self._clock_ns,
            )
        if kind in BOOK_KINDS:
            return Stream(kind, market, self._on_book_top)
        return Stream(kind, market, self._sinks.get(kind, self._on_update))

    def _forget_unwanted(self, stream: Stream) -> None:
        key = (stream.kind, stream.market)
        known, socket = self._subscriptions.get(key, (None, None))
        if stream.references > 0 or known is not stream or socket is None:
            return
        del self._subscriptions[key]
        socket.release(stream)
        self._pool.close_empty(socket)

    # -- WHAT HAPPENS TO THEM ----------------------------------------------------------------------

    def _on_confirmed(self, stream: Stream) -> None:
        if isinstance(stream, BookStream) and stream.restoring is None:
            self._recovery.restore(stream, is_asked=True)

    def _on_refused(self, stream: Stream, reason: str) -> None:
        """Take what the venue would not subscribe again after a reconnect."""
        wide = self._wide.get(stream.kind)
        if wide is not None:
            wide.refuse_narrow()
            self._run(wide.settle)
            return
        self._lose(stream, reason)

    def _lose(self, stream: Stream, reason: str) -> None:
        stream.references = 0
        self._forget_unwanted(stream)
        self._counters["subscriptions lost"] += 1
        self._on_lost(stream.kind, stream.market, reason)

    def _on_ready(self) -> None:
        if self._connected is not None:
            self._connected()

    def _on_ended(self, socket: FeedSocket, reason: str) -> None:
        for stream in socket.streams:
            if isinstance(stream, BookStream):
                stream.stop_restoring()
                stream.attempts = 0
                if not self._is_closing:
                    stream.reset()
        if self._disconnected is not None:
            self._disconnected(reason)

    def _on_gap(self, book: BookStream) -> None:
        self._recovery.restore(book, is_asked=False)

    async def _ask_snapshot(self, book: BookStream) -> None:
        _, socket = self._subscriptions[KIND_BOOK, book.market]
        book.make_stale()
        await socket.subscribe_again(book)

    async def _give_up_book(self, book: BookStream, reason: str) -> None:
        _, socket = self._subscriptions[KIND_BOOK, book.market]
        async with book.lock:
            await socket.unsubscribe(book)
        self._lose(book, reason)

    def _find_book(self, market: str) -> BookStream | None:
        stream, _ = self._subscriptions.get((KIND_BOOK, market), (None, None))
        return stream if isinstance(stream, BookStream) else None

    def _books(self) -> Iterable[BookStream]:
        streams = [stream for stream, _ in self._subscriptions.values()]
        return [s for s in streams if isinstance(s, BookStream) and s.is_confirmed]

    def _run(self, work: Callable[[], Awaitable[None]]) -> None:
        task = asyncio.create_task(_quietly(work), name="paradex-feed")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def check(self) -> None:
        """Repair what has gone quiet or lags, and begin a new period of `lag`.

        To be called every minute or so, with the same pause in between.
        """
        self._watch.check()


def _stop_restoring(stream: Stream) -> None:
    if isinstance(stream, BookStream):
        stream.stop_restoring()


async def _quietly(work: Callable[[], Awaitable[None]]) -> None:
    """Do what the next check, or the next reconnect, does again if it fails."""
    with contextlib.suppress(ParadexError):
        await work()


__all__ = ["CHANNELS", "SUBSCRIPTIONS_MAX", "MarketFeed"]
