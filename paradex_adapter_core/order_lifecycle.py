"""The life of one own order: every transition.

Rules
-----
1. Every transition is in `NEXT`. `OrderState` walks it; a pair that is not in the table
   contradicts what the venue told before.
2. Only the venue closes an order. Fills never do: a full count still waits for CLOSED.
3. How a closed order ended is told by its numbers first and its reason second (`ending_of`).
4. Accepted is told once, on leaving SENT or QUEUED for anything but REJECTED: so always before
   the first fill and before any other end.
5. The end is told once, and not before every fill the venue told of is counted: CLOSING is a closed
   order whose fills are still on their way. An order that filled ends without an event; its fills
   told it. Where the venue cut its size before, unheard, the rest is told as canceled.
6. A conditional order is WORKING from acceptance on, waiting for its trigger or triggered. That it
   was triggered is told once, of limit kinds alone, after acceptance and before any fill or end.
"""

from typing import Final

from paradex_adapter_core.vocabulary import (
    EXPIRE_REASONS,
    REJECT_REASONS,
    STATUS_CLOSED,
    STATUS_OPEN,
    STATUS_UNTRIGGERED,
)

# Our statuses in the order of life: below `WORKING` acceptance was not told, from `FILLED` on the
# order is over.
SENT: Final = 1
QUEUED: Final = 2
WORKING: Final = 3
CLOSING: Final = 4
FILLED: Final = 5
CANCELED: Final = 6
EXPIRED: Final = 7
REJECTED: Final = 8
STATUS_NAMES: Final[list[str]] = [
    "",
    "SENT",
    "QUEUED",
    "WORKING",
    "CLOSING",
    "FILLED",
    "CANCELED",
    "EXPIRED",
    "REJECTED",
]

# What can be learned of an order. `HEARD` is status NEW, or a status word outside the vocabulary.
HEARD: Final = 1
WORKS: Final = 2
FILLS: Final = 3
CLOSED: Final = 4
REFUSED: Final = 5

IMPOSSIBLE: Final = 0

NEXT: Final[dict[int, dict[int, int]]] = {
    SENT: {HEARD: QUEUED, WORKS: WORKING, FILLS: WORKING, CLOSED: CLOSING, REFUSED: REJECTED},
    QUEUED: {HEARD: QUEUED, WORKS: WORKING, FILLS: WORKING, CLOSED: CLOSING},
    WORKING: {HEARD: WORKING, WORKS: WORKING, FILLS: WORKING, CLOSED: CLOSING},
    # CLOSING gives way to one of the four ends as soon as no fill is missing.
    CLOSING: {FILLS: CLOSING, CLOSED: CLOSING},
    # A fill after the end is late, not impossible, where the waiting for it was given up.
    FILLED: {FILLS: FILLED, CLOSED: FILLED},
    CANCELED: {FILLS: CANCELED, CLOSED: CANCELED},
    EXPIRED: {FILLS: EXPIRED, CLOSED: EXPIRED},
    REJECTED: {CLOSED: REJECTED, REFUSED: REJECTED},
}

NEWS_BY_STATUS: Final[dict[int, int]] = {
    STATUS_UNTRIGGERED: WORKS,
    STATUS_OPEN: WORKS,
    STATUS_CLOSED: CLOSED,
}


def ending_of(is_accepted: bool, filled: int, remaining_size: int, reason: str) -> int:
    """Return how a closed order ended.

    Parameters
    ----------
    is_accepted : bool
        Whether acceptance was told.
    filled, remaining_size : int
        The venue's quantities, in 1e-8.
    reason : str
        The venue's ``cancel_reason``; it may be present on an order that filled.
    """
    if filled > 0 and remaining_size == 0:
        return FILLED
    if filled == 0 and not is_accepted and reason in REJECT_REASONS:
        return REJECTED
    if reason in EXPIRE_REASONS:
        return EXPIRED
    return CANCELED
