"""Which of several public sockets carries which stream.

A socket is filled before another one is opened, and one market's streams stay together as far as
that goes, so that its quotes, trades and book arrive in the venue's order. Two books of one market
never share a socket. An additional socket that carries nothing any more is closed.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final

from paradex_adapter.venue.errors import InvalidRequest, ParadexError, VenueUnavailable
from paradex_adapter.venue.feed_socket import FeedSocket
from paradex_adapter.venue.streams import BOOK_KINDS

# The venue names no limit; it cuts whoever has some 2000 messages waiting.
STREAMS_PER_SOCKET: Final = 400
SOCKETS_MAX: Final = 4


class SocketPool:
    """The public sockets: one always, more when they are needed.

    Parameters
    ----------
    make_socket : Callable[[str], FeedSocket]
        Makes a socket of a name.
    sockets_max : int
        How many there may be.
    run : Callable[[Callable[[], Awaitable[None]]], None]
        Runs what goes on beside the caller.
    warn : Callable[[str], None]
        Takes a warning when a socket cannot be opened.

    Attributes
    ----------
    sockets : list[FeedSocket]
        Those there are; the first stays.
    """

    def __init__(
        self,
        make_socket: Callable[[str], FeedSocket],
        *,
        sockets_max: int,
        run: Callable[[Callable[[], Awaitable[None]]], None],
        warn: Callable[[str], None],
    ) -> None:
        self._make_socket: Final = make_socket
        self._sockets_max: Final = sockets_max
        self._run: Final = run
        self._warn: Final = warn
        self._opened = 1
        self._leaving: Final[set[FeedSocket]] = set()
        self._past_counters: Final[Counter[str]] = Counter()
        self.sockets: Final = [make_socket("public")]

    @property
    def counters(self) -> dict[str, int]:
        """What all sockets received and skipped since the start, by kind; a copy."""
        total = Counter(self._past_counters)
        for socket in self.sockets:
            total.update(socket.connection.counters)
            total.update(socket.frame_counters)
        return dict(total)

    def place(self, kind: int, market: str) -> FeedSocket:
        """Return the socket for a stream.

        Raises
        ------
        InvalidRequest
            Every socket carries another kind of book of this market, and there may be no more.
        """
        is_book = kind in BOOK_KINDS
        fitting = [s for s in self.sockets if not (is_book and s.has_book(market))]
        for socket in fitting:
            if socket.carries(market):
                return socket
        for socket in fitting:
            if len(socket.streams) < STREAMS_PER_SOCKET:
                return socket
        if len(self.sockets) < self._sockets_max:
            return self._open()
        if not fitting:
            raise InvalidRequest(
                "subscription",
                f"is another kind of book of {market} than the one on each of "
                f"{len(self.sockets)} websockets: raise sockets_max",
            )
        return min(fitting, key=lambda s: len(s.streams))

    def close_empty(self, socket: FeedSocket) -> None:
        """Close an additional socket that carries nothing any more."""
        if socket in self.sockets[1:] and not socket.streams:
            self._forget(socket)
            self._leaving.add(socket)
            self._run(lambda: self._close(socket))

    async def close(self) -> None:
        """Close every socket, and forget all but the first."""
        await asyncio.gather(*(s.connection.close() for s in (*self.sockets, *self._leaving)))
        self._leaving.clear()
        for socket in self.sockets[1:]:
            self._forget(socket)

    async def _close(self, socket: FeedSocket) -> None:
        await socket.connection.close()
        self._leaving.discard(socket)

    def _open(self) -> FeedSocket:
        self._opened += 1
        socket = self._make_socket(f"public {self._opened}")
        self.sockets.append(socket)
        # Whoever subscribes on it waits until it is ready.
        self._run(lambda: self._connect(socket))
        return socket

    async def _connect(self, socket: FeedSocket) -> None:
        while socket in self.sockets:
            try:
                await socket.connection.connect()
            except VenueUnavailable as e:
                self._warn(f"The {socket.connection.name} websocket is not connected yet: {e}")
            except ParadexError as e:
                # Trying again would not help; whoever subscribes there is told when its time is up.
                self._warn(f"The {socket.connection.name} websocket is not connected: {e}")
                return
            else:
                return

    def _forget(self, socket: FeedSocket) -> None:
        self.sockets.remove(socket)
        self._past_counters.update(socket.connection.counters)
        self._past_counters.update(socket.frame_counters)
