"""Finds what has gone quiet or lags although its socket lives, and repairs it.

- A quote carries the number of its book. A book behind a quote of the last check has stopped: it is
  built anew.
- A channel that brings something every few seconds, and did not for a minute, is subscribed again.
- Whoever is too slow is not fed more and more of the past: a socket that stays behind is replaced,
  what waits in it is dropped, and its books begin with new snapshots.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Final

from paradex_adapter.venue.book_recovery import BookStream
from paradex_adapter.venue.feed_socket import FeedSocket
from paradex_adapter.venue.streams import Stream
from paradex_adapter.venue.wide_channels import WIDE_KINDS
from paradex_adapter_core.vocabulary import KIND_BBO, KIND_BOOK

NS_PER_SEC: Final = 1_000_000_000
# How far half of all frames may be behind the quickest frame ever, in so many checks in a row.
SLOW_LAG_NS: Final = 5 * NS_PER_SEC
SLOW_CHECKS_MAX: Final = 3
STEADY_SILENCE_NS_MAX: Final = 60 * NS_PER_SEC

WATCH_COUNTERS: Final = ("stopped books renewed", "silent streams renewed", "slow sockets replaced")

type Subscriptions = Mapping[tuple[int, str], tuple[Stream, FeedSocket]]


class FeedWatch:
    """Looks after the streams of some sockets.

    Parameters
    ----------
    sockets : Sequence[FeedSocket]
        The sockets; the first carries the channels of many markets.
    subscriptions : Mapping
        The streams of single markets and their sockets, by kind and market.
    renew_book : Callable[[str], None]
        Clears a book and has it built anew.
    run : Callable[[Callable[[], Awaitable[None]]], None]
        Runs what goes on beside the caller.
    counters : dict[str, int]
        Where `WATCH_COUNTERS` are counted.
    clock_ns : Callable[[], int]
        The clock, nanoseconds since the Unix epoch.
    warn : Callable[[str], None]
        Takes a warning when a socket lags.
    """

    def __init__(
        self,
        sockets: Sequence[FeedSocket],
        subscriptions: Subscriptions,
        *,
        renew_book: Callable[[str], None],
        run: Callable[[Callable[[], Awaitable[None]]], None],
        counters: dict[str, int],
        clock_ns: Callable[[], int],
        warn: Callable[[str], None],
    ) -> None:
        self._sockets: Final = sockets
        self._subscriptions: Final = subscriptions
        self._renew_book: Final = renew_book
        self._run: Final = run
        self._counters: Final = counters
        self._clock_ns: Final = clock_ns
        self._warn: Final = warn
        self._quote_marks: dict[str, int] = {}
        self._slow_checks: Final[Counter[str]] = Counter()
        self._lag_floors: Final[dict[str, int]] = {}

    def check(self) -> None:
        """Repair what needs it, and begin a new period of every socket's lag."""
        self._renew_stopped_books()
        self._renew_silent_streams()
        for socket in self._sockets:
            if socket.lag.count:
                self._check_lag(socket)
            socket.lag.clear()

    def _renew_stopped_books(self) -> None:
        marks = {}
        for (kind, market), (book, _) in self._subscriptions.items():
            quotes, _ = self._subscriptions.get((KIND_BBO, market), (None, None))
            if kind != KIND_BOOK or quotes is None or quotes.last is None:
                continue
            if not isinstance(book, BookStream) or book.sequence.is_stale:
                continue
            marks[market] = quotes.last[2]
            if self._quote_marks.get(market, 0) > book.sequence.last_seq_no:
                self._counters["stopped books renewed"] += 1
                self._warn(f"The book of {market} has stopped behind its quotes; it is renewed")
                self._renew_book(market)
        self._quote_marks = marks

    def _renew_silent_streams(self) -> None:
        now = self._clock_ns()
        socket = self._sockets[0]
        for stream in socket.streams:
            is_steady = stream.kind in WIDE_KINDS and stream.is_confirmed and stream.ts_received
            if is_steady and now - stream.ts_received > STEADY_SILENCE_NS_MAX:
                # Once per silence: it has to speak again before it is asked again.
                stream.ts_received = 0
                self._counters["silent streams renewed"] += 1
                self._warn(f"The channel {stream.params()['channel']} is silent; it is renewed")
                self._run(partial(socket.subscribe_again, stream))

    def _check_lag(self, socket: FeedSocket) -> None:
        name, lag = socket.connection.name, socket.lag
        # The quickest frame ever tells how far the two clocks are apart.
        floor = min(lag.lowest_ns, self._lag_floors.get(name, lag.lowest_ns))
        self._lag_floors[name] = floor
        behind = lag.quantile_ns(0.5) - max(0, floor)
        if behind < SLOW_LAG_NS:
            self._slow_checks[name] = 0
            return
        self._slow_checks[name] += 1
        self._warn(
            f"The {name} websocket is {behind / NS_PER_SEC:.1f} s behind: this machine or its "
            "network is too slow for what is subscribed"
        )
        if self._slow_checks[name] >= SLOW_CHECKS_MAX:
            self._slow_checks[name] = 0
            self._counters["slow sockets replaced"] += 1
            socket.connection.drop("too far behind")
