"""Whether the next frame of an order book may be applied.

Rules
-----
1. A snapshot is always taken: it is the whole book, whatever came before.
2. A delta is taken when its number follows the last one taken by exactly one.
3. A delta not after the last one taken is old and dropped; the book stays good.
4. A delta that skips is a gap, told once. From then on the book is stale and every delta waits,
   until the next snapshot.

The venue does not document rule 4; every frame recorded from it followed rule 2. A sequence made
with ``is_strict=False`` takes skipping deltas and only counts them.
"""

from typing import Final, final

BOOK_SNAPSHOT: Final = 1
BOOK_DELTA: Final = 2
BOOK_OLD: Final = 3
BOOK_GAP: Final = 4
BOOK_WAITING: Final = 5


@final
class BookSequence:
    """The place of one market's book in its sequence of frames.

    Parameters
    ----------
    is_strict : bool
        Whether a skipped number makes the book stale.

    Attributes
    ----------
    is_stale : bool
        Whether a snapshot is needed before the next delta; so at the start, and after a gap.
    last_seq_no : int
        The number of the last frame taken, 0 before the first.
    gaps : int
        How many gaps were seen.
    """

    def __init__(self, is_strict: bool = True) -> None:
        self.is_strict: Final = is_strict
        self.is_stale = True
        self.last_seq_no = 0
        self.gaps = 0

    def apply(self, seq_no: int, is_snapshot: bool) -> int:
        """Place one frame and return what to do with it.

        Returns
        -------
        int
            ``BOOK_SNAPSHOT``: replace the book. ``BOOK_DELTA``: change it. ``BOOK_OLD`` and
            ``BOOK_WAITING``: drop the frame. ``BOOK_GAP``: drop the frame, clear the book and ask
            for a snapshot.
        """
        if is_snapshot:
            self.last_seq_no = seq_no
            self.is_stale = False
            return BOOK_SNAPSHOT
        if self.is_stale:
            return BOOK_WAITING
        if seq_no <= self.last_seq_no:
            return BOOK_OLD
        if seq_no != self.last_seq_no + 1:
            self.gaps += 1
            if self.is_strict:
                self.is_stale = True
                return BOOK_GAP
        self.last_seq_no = seq_no
        return BOOK_DELTA

    def reset(self) -> None:
        """Forget the place, as after a reconnect: deltas wait for a snapshot. ``gaps`` stays."""
        self.is_stale = True
        self.last_seq_no = 0
