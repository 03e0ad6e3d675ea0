"""Clock, identifiers and sequence numbers."""

from __future__ import annotations

import random
import time
from typing import Final

_NS_PER_MS: Final = 1_000_000
_FIRST_ID_MS: Final = 1_700_000_000_000


class Clock:
    """The venue's wall clock, which tests may shift."""

    def __init__(self) -> None:
        self.offset_ms = 0
        self._last_sequence = 0

    def now_ns(self) -> int:
        """Return Unix time in nanoseconds."""
        return time.time_ns() + self.offset_ms * _NS_PER_MS

    def now_ms(self) -> int:
        """Return Unix time in milliseconds."""
        return self.now_ns() // _NS_PER_MS

    def now_us(self) -> int:
        """Return Unix time in microseconds."""
        return self.now_ns() // 1000

    def sequence_no(self) -> int:
        """Return a strictly increasing number that looks like Unix time in nanoseconds."""
        self._last_sequence = max(self._last_sequence + 1, self.now_ns())
        return self._last_sequence


class Identifiers:
    """A reproducible run of 28-digit identifiers.

    Two runs of the same seed and label give the same identifiers, whatever else happens beside
    them: each account and each market draws from its own.
    """

    def __init__(self, seed: int, label: str) -> None:
        self._random = random.Random(f"{seed}:{label}")
        self._ms = _FIRST_ID_MS + self._random.randrange(10**9)
        self._node = self._random.randrange(10**10, 10**11)

    def next(self, suffix: int = 0) -> str:
        """Return the next identifier; ``suffix`` fills its last four digits."""
        self._ms += self._random.randrange(1, 50)
        return f"{self._ms:013d}{self._node:011d}{suffix:04d}"
