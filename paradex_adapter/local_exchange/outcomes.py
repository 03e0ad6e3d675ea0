"""The queue between the gateway's answer and what the matching engine makes of it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

OUTCOMES_MAX: Final = 100_000

Outcome = Callable[[], None]


class OutcomeQueue:
    """Runs outcomes in order, each in a later turn of the loop than the answer it follows."""

    def __init__(self, delay_ms: int) -> None:
        self.delay_ms = delay_ms
        self._waiting: deque[Outcome] = deque()
        self._delayed = 0
        self._is_held = False

    @property
    def is_full(self) -> bool:
        """Whether no further outcome fits."""
        return len(self._waiting) + self._delayed >= OUTCOMES_MAX

    def put(self, outcome: Outcome, after_ms: int = 0) -> None:
        """Add an outcome, now or after a while."""
        if after_ms:
            self._delayed += 1
            asyncio.get_running_loop().call_later(after_ms / 1000, self._put_delayed, outcome)
        else:
            self._put(outcome)

    def _put_delayed(self, outcome: Outcome) -> None:
        self._delayed -= 1
        self._put(outcome)

    def _put(self, outcome: Outcome) -> None:
        self._waiting.append(outcome)
        if not self._is_held:
            self._schedule()

    def hold(self) -> None:
        """Let outcomes wait until `release`."""
        self._is_held = True

    def release(self) -> None:
        """Run what has waited, in order."""
        self._is_held = False
        for _ in range(len(self._waiting)):
            self._schedule()

    def _schedule(self) -> None:
        loop = asyncio.get_running_loop()
        if self.delay_ms:
            loop.call_later(self.delay_ms / 1000, self._run_next)
        else:
            loop.call_soon(self._run_next)

    def _run_next(self) -> None:
        if self._waiting and not self._is_held:
            self._waiting.popleft()()
