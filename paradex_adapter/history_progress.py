"""What a download of the past tells while it runs."""

import sys
import time
from typing import Final

PROGRESS_INTERVAL_SECS: Final = 1.0


class Progress:
    """Takes what is told of a download, and keeps it to itself."""

    def note(self, line: str) -> None:
        """Take a line that matters."""

    def step(self, line: str) -> None:
        """Take a line about one window; many come."""


class PrintedProgress(Progress):
    """Lines on standard error; of those about windows, one a second."""

    def __init__(self) -> None:
        self._stepped_at = 0.0

    def note(self, line: str) -> None:
        """Print the line."""
        sys.stderr.write(f"paradex-history: {line}\n")

    def step(self, line: str) -> None:
        """Print the line, unless one was printed just now."""
        now = time.monotonic()
        if now - self._stepped_at >= PROGRESS_INTERVAL_SECS:
            self._stepped_at = now
            self.note(line)
