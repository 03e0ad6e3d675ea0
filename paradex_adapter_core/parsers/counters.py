"""Tallies of what was skipped or unknown, with a bound on their number."""

from typing import Final

COUNTERS_MAX: Final = 256
KEY_CHARS_MAX: Final = 120
OVERFLOW_KEY: Final = "other"


def count(counters: dict[str, int], key: str) -> None:
    """Add one to ``key``; beyond `COUNTERS_MAX` kinds all further ones share `OVERFLOW_KEY`."""
    key = key[:KEY_CHARS_MAX]
    if key not in counters and len(counters) >= COUNTERS_MAX:
        key = OVERFLOW_KEY
    counters[key] = counters.get(key, 0) + 1
