"""Retail traders: who asked for an interactive token, as long as they trade by hand.

Their orders and cancels take effect a little later, for no fee. A retail trader who sends more
orders than a hand does is treated as a professional until the rate has fallen again: without the
delay, and for the usual fee. Every order counts, those beyond the limits as well.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from paradex_adapter.local_exchange.sequences import Clock
from paradex_adapter.local_exchange.tokens import Session

#: How many orders, within how many milliseconds.
LIMITS: Final = ((3, 1000), (30, 60_000), (300, 3_600_000), (1000, 86_400_000))
TIMES_KEPT_MAX: Final = 1001


class TraderProfiles:
    """Tells which orders are a retail trader's, and how long they wait."""

    def __init__(self, clock: Clock, delay_ms: int) -> None:
        self._clock = clock
        self._delay_ms = delay_ms
        self._times: dict[str, deque[int]] = {}

    def count_order(self, session: Session) -> bool:
        """Count an order of a session; return whether it is a retail trader's."""
        if session.is_interactive:
            self._times_of(session).append(self._clock.now_ms())
        return self.is_retail(session)

    def is_retail(self, session: Session) -> bool:
        """Return whether what a session sends is a retail trader's."""
        if not session.is_interactive:
            return False
        times, now_ms = self._times_of(session), self._clock.now_ms()
        return not any(
            len(times) > limit and times[-limit - 1] > now_ms - window_ms
            for limit, window_ms in LIMITS
        )

    def delay_ms(self, session: Session | None) -> int:
        """Return how long what a session sends waits; what the venue does itself does not."""
        return self._delay_ms if session is not None and self.is_retail(session) else 0

    def _times_of(self, session: Session) -> deque[int]:
        return self._times.setdefault(session.account.address, deque(maxlen=TIMES_KEPT_MAX))
