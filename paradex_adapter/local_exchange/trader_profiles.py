"""Retail traders: who asked for an interactive token, as long as they trade by hand.

Their orders and cancels take effect a little later, for no fee. An order beyond what a hand sends
is a professional's, and so is what else the account does until it has slowed down: without the
delay, and for the usual fee. The limits are counted as the venue counts its others, in buckets that
refill continuously.
"""

from __future__ import annotations

from typing import Final

from paradex_adapter.local_exchange.sequences import Clock
from paradex_adapter.local_exchange.tokens import Session

#: How many orders, within how many milliseconds.
LIMITS: Final = ((3, 1000), (30, 60_000), (300, 3_600_000), (1000, 86_400_000))


class _Pace:
    """How fast one account sends orders: what is left in the bucket of each limit."""

    def __init__(self, now_ms: int) -> None:
        self.is_exceeding = False
        self._levels = [float(limit) for limit, _ in LIMITS]
        self._refilled_ms = now_ms

    def count(self, now_ms: int) -> None:
        """Count an order, beyond the limits or not."""
        self.is_exceeding = not self.has_room(now_ms)
        if not self.is_exceeding:
            self._levels = [level - 1 for level in self._levels]

    def has_room(self, now_ms: int) -> bool:
        """Return whether no limit is reached."""
        elapsed_ms = max(0, now_ms - self._refilled_ms)
        self._levels = [
            min(limit, level + elapsed_ms * limit / window_ms)
            for level, (limit, window_ms) in zip(self._levels, LIMITS, strict=True)
        ]
        self._refilled_ms = now_ms
        return min(self._levels) >= 1


class TraderProfiles:
    """Tells which orders are a retail trader's, and how long they wait."""

    def __init__(self, clock: Clock, delay_ms: int) -> None:
        self._clock = clock
        self._delay_ms = delay_ms
        self._paces: dict[str, _Pace] = {}

    def count_order(self, session: Session) -> bool:
        """Count an order of a session; return whether it is a retail trader's."""
        if not session.is_interactive:
            return False
        pace = self._pace(session)
        pace.count(self._clock.now_ms())
        return not pace.is_exceeding

    def delay_ms(self, session: Session | None) -> int:
        """Return how long what a session sends waits; what the venue does itself does not."""
        if session is None or not session.is_interactive:
            return 0
        pace = self._pace(session)
        is_professional = pace.is_exceeding and not pace.has_room(self._clock.now_ms())
        return 0 if is_professional else self._delay_ms

    def _pace(self, session: Session) -> _Pace:
        return self._paces.setdefault(session.account.address, _Pace(self._clock.now_ms()))
