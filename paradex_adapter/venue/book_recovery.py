"""One market's book in its sequence of frames, and how it comes back after a missing one.

Rules
-----
1. A book is good from a snapshot on, for as long as no frame is missing.
2. A missing frame clears it at once; until the next snapshot nothing is known about it.
3. A snapshot is asked for in the only way there is, by unsubscribing and subscribing, at growing
   intervals; after `RESYNC_ATTEMPTS_MAX` it goes on at `RESYNC_CEILING_SECS`, and says so once.
4. Only a refusal of the venue ends that: the market is gone.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from random import Random
from typing import Final

from paradex_adapter.venue.errors import ParadexError, RequestRejected
from paradex_adapter.venue.retry import Backoff
from paradex_adapter.venue.streams import Stream
from paradex_adapter_core.messages.market_data import BookTuple
from paradex_adapter_core.order_book import (
    BOOK_DELTA,
    BOOK_GAP,
    BOOK_OLD,
    BOOK_SNAPSHOT,
    BookSequence,
)
from paradex_adapter_core.vocabulary import KIND_BOOK

SNAPSHOT_TIMEOUT_SECS: Final = 10.0
RESYNC_ATTEMPTS_MAX: Final = 6
RESYNC_DELAY_INITIAL_MS: Final = 500
RESYNC_DELAY_MAX_MS: Final = 15_000
RESYNC_CEILING_SECS: Final = 60.0
# A book that broke sooner after its snapshot goes on counting attempts.
BOOK_LIVED_SECS_MIN: Final = 30.0

BOOK_COUNTERS: Final = ("book gaps", "book frames old", "book frames while stale", "book resyncs")


class BookStream(Stream):
    """The deltas of one book: hands on what continues it, and tells when it is no longer good.

    Parameters
    ----------
    market : str
        The venue's symbol.
    on_book : Callable[[BookTuple, int], None]
        Takes each frame that continues the book: a snapshot, or the next delta.
    on_reset : Callable[[str, int, int], None]
        Takes market, last sequence number and time (ns) of a book that is no longer good.
    on_gap : Callable[[BookStream], None]
        Called after each gap, when the book was reset: see to it that a snapshot comes.
    counters : dict[str, int]
        Where `BOOK_COUNTERS` are counted.
    clock_ns : Callable[[], int]
        The clock, nanoseconds since the Unix epoch.
    """

    __slots__ = (
        "_clock_ns",
        "_counters",
        "_on_book",
        "_on_gap",
        "_on_reset",
        "attempts",
        "fresh",
        "fresh_at",
        "restoring",
        "sequence",
    )

    def __init__(
        self,
        market: str,
        *,
        on_book: Callable[[BookTuple, int], None],
        on_reset: Callable[[str, int, int], None],
        on_gap: "Callable[[BookStream], None]",
        counters: dict[str, int],
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        super().__init__(KIND_BOOK, market, self._apply)
        self._on_book: Final = on_book
        self._on_reset: Final = on_reset
        self._on_gap: Final = on_gap
        self._counters: Final = counters
        self._clock_ns: Final = clock_ns
        self.sequence: Final = BookSequence()
        self.fresh: Final = asyncio.Event()
        self.fresh_at = 0.0
        self.attempts = 0
        self.restoring: asyncio.Task[None] | None = None

    def make_stale(self) -> None:
        """Wait for a snapshot, without a word."""
        self.sequence.reset()
        self.fresh.clear()

    def reset(self) -> None:
        """Wait for a snapshot, and tell that the book is no longer good, once."""
        was_good = self.fresh.is_set()
        last_seq_no = self.sequence.last_seq_no
        self.make_stale()
        if was_good:
            self._on_reset(self.market, last_seq_no, self._clock_ns())

    def stop_restoring(self) -> None:
        """End the task that restores it."""
        if self.restoring is not None:
            self.restoring.cancel()
            self.restoring = None

    def _apply(self, message: BookTuple, ts_init: int) -> None:
        action = self.sequence.apply(message[2], message[3])
        if action == BOOK_DELTA:
            self._on_book(message, ts_init)
        elif action == BOOK_SNAPSHOT:
            self.fresh_at = time.monotonic()
            self.fresh.set()
            self._on_book(message, ts_init)
        elif action == BOOK_GAP:
            self._counters["book gaps"] += 1
            self.reset()
            self._on_gap(self)
        elif action == BOOK_OLD:
            self._counters["book frames old"] += 1
        else:
            self._counters["book frames while stale"] += 1


class BookRecovery:
    """Sees to it that books get their snapshots.

    Parameters
    ----------
    ask_snapshot : Callable[[BookStream], Awaitable[None]]
        Unsubscribes and subscribes again; raises a `ParadexError` when that failed.
    give_up : Callable[[BookStream, str], Awaitable[None]]
        Called when the venue refuses it for good, with the reason.
    counters : dict[str, int]
        Where "book resyncs" are counted.
    warn : Callable[[str], None]
        Takes a warning when a book does not come back.
    """

    def __init__(
        self,
        ask_snapshot: Callable[[BookStream], Awaitable[None]],
        give_up: Callable[[BookStream, str], Awaitable[None]],
        counters: dict[str, int],
        warn: Callable[[str], None],
    ) -> None:
        self._ask_snapshot: Final = ask_snapshot
        self._give_up: Final = give_up
        self._counters: Final = counters
        self._warn: Final = warn
        self._backoff: Final = Backoff(RESYNC_DELAY_INITIAL_MS, RESYNC_DELAY_MAX_MS, Random())

    def restore(self, book: BookStream, *, is_asked: bool) -> None:
        """See to it that a snapshot comes; `is_asked` when the subscription is a new one."""
        if time.monotonic() - book.fresh_at >= BOOK_LIVED_SECS_MIN:
            book.attempts = 0
        book.stop_restoring()
        book.restoring = asyncio.create_task(
            self._restore(book, is_asked), name=f"paradex-book-{book.market}"
        )

    async def _restore(self, book: BookStream, is_asked: bool) -> None:
        reason = f"no snapshot in {SNAPSHOT_TIMEOUT_SECS:g} s"
        is_refused = False
        while not await self._comes(book, is_asked=is_asked):
            is_asked = False
            if is_refused and book.attempts >= RESYNC_ATTEMPTS_MAX:
                book.restoring = None
                await self._give_up(book, f"the book could not be restored: {reason}")
                return
            if book.attempts == RESYNC_ATTEMPTS_MAX:
                self._warn(
                    f"The book of {book.market} does not come back ({reason}); it stays empty, and "
                    f"is asked for every {RESYNC_CEILING_SECS:g} s from now on"
                )
            if book.attempts:
                await asyncio.sleep(self._delay_secs(book.attempts))
            book.attempts += 1
            self._counters["book resyncs"] += 1
            try:
                await self._ask_snapshot(book)
                is_asked, is_refused = True, False
                reason = f"no snapshot in {SNAPSHOT_TIMEOUT_SECS:g} s"
            except ParadexError as e:
                is_refused = isinstance(e, RequestRejected)
                reason = str(e)
        book.restoring = None

    def _delay_secs(self, attempts: int) -> float:
        if attempts >= RESYNC_ATTEMPTS_MAX:
            return RESYNC_CEILING_SECS
        return self._backoff.delay_secs(attempts - 1)

    async def _comes(self, book: BookStream, *, is_asked: bool) -> bool:
        """Return whether the snapshot came, after waiting for one that was asked for."""
        if not is_asked:
            return book.fresh.is_set()
        try:
            async with asyncio.timeout(SNAPSHOT_TIMEOUT_SECS):
                await book.fresh.wait()
        except TimeoutError:
            return False
        return True
