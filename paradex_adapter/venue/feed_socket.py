"""One public websocket and the streams it carries.

Rules
-----
1. A subscription counts when the venue acknowledged it or its first data came; a failed one leaves
   nothing behind, neither here nor at the venue.
2. After a reconnect everything that counted is subscribed again before the connection is ready.
3. Frames name their market and no channel: one socket carries one kind of book per market.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final

from paradex_adapter.venue.errors import (
    NotSent,
    OutcomeUnknown,
    ParadexError,
    RequestRejected,
    VenueUnavailable,
)
from paradex_adapter.venue.feed_health import LagHistogram
from paradex_adapter.venue.streams import ALL_MARKETS, SCOPED_CHANNEL, ScopedStream, Stream
from paradex_adapter.venue.websocket import WebSocketConnection
from paradex_adapter_core.messages.connection import Heartbeat, OtherPush
from paradex_adapter_core.vocabulary import (
    KIND_BBO,
    KIND_BOOK,
    KIND_FUNDING_DATA,
    KIND_FUNDING_RATE_COMPARISON,
    KIND_MARKET_SUMMARY,
    KIND_OTHER,
    KIND_TRADE,
)

# From the call to the acknowledgment, reconnects in between included.
SUBSCRIBE_TIMEOUT_SECS: Final = 20.0
ACK_TIMEOUT_SECS: Final = 5.0
# Requests under way at once; the rest wait for their turn.
REQUESTS_AT_ONCE: Final = 64
# Of so many frames of a stream one is timed: a power of two.
LAG_SAMPLING: Final = 8

_FRAME_COUNTERS: Final[dict[int, str]] = {
    KIND_BBO: "quotes",
    KIND_TRADE: "trades",
    KIND_BOOK: "book frames",
    KIND_MARKET_SUMMARY: "summaries",
    KIND_FUNDING_DATA: "funding updates",
    KIND_FUNDING_RATE_COMPARISON: "funding comparisons",
    KIND_OTHER: "market events",
}


class FeedSocket:
    """One public websocket and the streams it carries.

    Parameters
    ----------
    make_connection : Callable[..., WebSocketConnection]
        Makes the connection from ``on_message``, ``on_connected`` and ``on_disconnected``.
    counters : dict[str, int]
        Where "subscriptions refused" and the like are counted.
    on_confirmed : Callable[[Stream], None]
        Called each time a stream was subscribed, anew after a reconnect too.
    on_retired : Callable[[Stream], None]
        Called when a stream stopped counting.
    on_refused : Callable[[Stream, str], None]
        Takes a stream that the venue would not subscribe again after a reconnect, and why.
    on_ready : Callable[[], None]
        Called when everything is subscribed, after each connect.
    on_ended : Callable[[FeedSocket, str], None]
        Takes the reason each time the connection ended.
    """

    def __init__(
        self,
        make_connection: Callable[..., WebSocketConnection],
        *,
        counters: dict[str, int],
        on_confirmed: Callable[[Stream], None],
        on_retired: Callable[[Stream], None],
        on_refused: Callable[[Stream, str], None],
        on_ready: Callable[[], None],
        on_ended: "Callable[[FeedSocket, str], None]",
    ) -> None:
        self._counters: Final = counters
        self._on_confirmed: Final = on_confirmed
        self._on_retired: Final = on_retired
        self._on_refused: Final = on_refused
        self._on_ready: Final = on_ready
        self._on_ended: Final = on_ended
        self.lag: Final = LagHistogram()
        # In the order they came; the values mean nothing.
        self.streams: Final[dict[Stream, None]] = {}
        self._by_kind: Final[dict[int, dict[str, Stream]]] = {kind: {} for kind in _FRAME_COUNTERS}
        self._markets: Final[Counter[str]] = Counter()
        self._unasked = 0
        self._retired_frames: Final[Counter[int]] = Counter()
        self._slots: Final = asyncio.Semaphore(REQUESTS_AT_ONCE)
        self.connection: Final = make_connection(
            on_message=self._on_message,
            on_connected=self._resubscribe,
            on_disconnected=self._end,
        )

    @property
    def is_ready(self) -> bool:
        """Whether the connection is open and everything is subscribed."""
        return self.connection.is_ready

    @property
    def frame_counters(self) -> dict[str, int]:
        """How many frames of each kind came since the start."""
        totals = Counter(self._retired_frames)
        for stream in self.streams:
            totals[stream.frame_kind] += stream.frames
        counters = {name: totals[kind] for kind, name in _FRAME_COUNTERS.items()}
        return {**counters, "frames nobody asked for": self._unasked}

    def carries(self, market: str) -> bool:
        """Return whether some stream of a market is here, or is to be."""
        return self._markets[market] > 0

    def has_book(self, market: str) -> bool:
        """Return whether a book of a market is here, of whatever kind, or is to be."""
        return any(s.frame_kind == KIND_BOOK and s.market == market for s in self.streams)

    def reserve(self, stream: Stream) -> None:
        """Let a stream belong to this socket."""
        self.streams[stream] = None
        self._markets[stream.market] += 1

    def release(self, stream: Stream) -> None:
        """Forget a stream that is not subscribed."""
        if stream in self.streams:
            del self.streams[stream]
            self._markets[stream.market] -= 1
            self._retired_frames[stream.frame_kind] += stream.frames

    async def subscribe(self, stream: Stream) -> None:
        """Subscribe, over as many connections as it takes within `SUBSCRIBE_TIMEOUT_SECS`.

        The caller holds the stream's lock. Raises as `MarketFeed.subscribe`.
        """
        loop = asyncio.get_running_loop()
        async with self._slots:
            deadline = loop.time() + SUBSCRIBE_TIMEOUT_SECS
            while True:
                await self.connection.wait_ready(max(0.0, deadline - loop.time()))
                connects = self.connection.connects
                try:
                    await self.send_subscribe(stream)
                except (NotSent, OutcomeUnknown):
                    self.retire(stream)
                    if self.connection.is_ready and self.connection.connects == connects:
                        # The venue may have heard what it did not answer.
                        await self.send_unsubscribe(stream)
                        raise
                except BaseException:
                    # Canceled as well: nobody wants it any more.
                    self.retire(stream)
                    raise
                else:
                    return

    async def unsubscribe(self, stream: Stream) -> None:
        """Unsubscribe; never fails. The caller holds the stream's lock."""
        self.retire(stream)
        async with self._slots:
            await self.send_unsubscribe(stream)

    async def subscribe_again(self, stream: Stream) -> None:
        """Unsubscribe and subscribe, which brings a new first frame.

        Raises
        ------
        ParadexError
            If the connection is down, or the venue refuses.
        """
        async with stream.lock:
            if not self.connection.is_ready:
                raise VenueUnavailable("subscribe", "the connection is down")
            async with self._slots:
                await self.send_unsubscribe(stream)
                await self.send_subscribe(stream)

    async def modify_scope(self, stream: ScopedStream, markets: set[str]) -> None:
        """Change the markets of a scoped stream. The caller holds the stream's lock."""
        added, removed = sorted(markets - stream.markets), sorted(stream.markets - markets)
        # Before the request: a reconnect in between subscribes what is wanted now.
        stream.markets = markets
        if not (added or removed):
            return
        connects = self.connection.connects
        params: dict[str, object] = {"channel": SCOPED_CHANNEL, "add": added, "remove": removed}
        try:
            await self.connection.request("modify_subscription", params, ACK_TIMEOUT_SECS)
        except (NotSent, OutcomeUnknown):
            if self.connection.is_ready and self.connection.connects == connects:
                raise

    def retire(self, stream: Stream) -> None:
        """Stop counting a stream and drop what still comes of it."""
        stream.is_confirmed = False
        routes = self._by_kind[stream.frame_kind]
        if routes.get(stream.market) is stream:
            del routes[stream.market]
        self._on_retired(stream)

    async def send_subscribe(self, stream: Stream, *, before_ready: bool = False) -> None:
        """Subscribe once; the acknowledgment counts, and so does data."""
        # Before the request: the first data may overtake the acknowledgment.
        self._by_kind[stream.frame_kind][stream.market] = stream
        frames = stream.frames
        connects = self.connection.connects
        try:
            await self.connection.request(
                "subscribe", stream.params(), ACK_TIMEOUT_SECS, before_ready=before_ready
            )
        except OutcomeUnknown:
            if stream.frames == frames or self.connection.connects != connects:
                raise
        stream.is_confirmed = True
        self._on_confirmed(stream)

    async def send_unsubscribe(self, stream: Stream) -> None:
        """Unsubscribe as well as it goes; on a lost connection nothing is left to unsubscribe."""
        try:
            channel = stream.params()["channel"]
            await self.connection.request("unsubscribe", {"channel": channel}, ACK_TIMEOUT_SECS)
        except ParadexError as e:
            kind = f"unsubscribe failed: {type(e).__name__}"
            self._counters[kind] = self._counters.get(kind, 0) + 1

    async def _resubscribe(self) -> None:
        """Subscribe everything that counted; runs before the connection is ready."""
        # Who holds a lock is subscribing or unsubscribing, saw the connection end and sees to it.
        lost = [s for s in self.streams if s.is_confirmed and not s.lock.locked()]
        for batch in _batches(lost):
            answers = await asyncio.gather(
                *(self._resubscribe_one(stream) for stream in batch), return_exceptions=True
            )
            for answer in answers:
                if answer is not None:
                    raise answer
        self._on_ready()

    async def _resubscribe_one(self, stream: Stream) -> None:
        async with stream.lock:
            try:
                await self.send_subscribe(stream, before_ready=True)
                self._counters["resubscriptions confirmed"] += 1
            except RequestRejected as e:
                # One market that is gone must not keep the others from coming back.
                self.retire(stream)
                self.release(stream)
                self._on_refused(stream, str(e))

    def _end(self, reason: str) -> None:
        self._on_ended(self, reason)

    def _on_message(self, message: Any, ts_init: int) -> None:
        if type(message) is tuple:
            stream = self._by_kind[message[0]].get(message[1])
            if stream is None:
                self._unasked += 1
                return
            frames = stream.frames + 1
            stream.frames = frames
            stream.last = message
            stream.ts_received = ts_init
            if not frames % LAG_SAMPLING:
                self.lag.add(ts_init - message[-1])
            stream.take(message, ts_init)
        elif type(message) is not Heartbeat:
            self._on_update(message, ts_init)

    def _on_update(self, message: Any, ts_init: int) -> None:
        """Take a message of a kind that one stream may bring for many markets."""
        routes = self._by_kind.get(message.kind)
        if routes is None:
            self._unasked += 1
            return
        market = "" if type(message) is OtherPush else message.market
        stream = routes.get(market) or routes.get(ALL_MARKETS) or routes.get("")
        if stream is None:
            self._unasked += 1
            return
        stream.frames += 1
        stream.last = message
        stream.ts_received = ts_init
        stream.take(message, ts_init)


def _batches(streams: list[Stream]) -> Iterator[list[Stream]]:
    for start in range(0, len(streams), REQUESTS_AT_ONCE):
        yield streams[start : start + REQUESTS_AT_ONCE]
