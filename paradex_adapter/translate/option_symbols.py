"""What the symbol of a dated option says.

``BTC-USD-8MAY26-78000-C`` expires on 8 May 2026 at 08:00 UTC: the day has no zero in front. A
strike with decimals has an underscore for the point, ``HYPE-USD-30OCT26-102_5-P``.
"""

import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Final, NamedTuple

EXPIRY_TIME: Final = time(8, tzinfo=UTC)
NANOS_PER_SEC: Final = 1_000_000_000
MONTHS: Final = (
    *("JAN", "FEB", "MAR", "APR", "MAY", "JUN"),
    *("JUL", "AUG", "SEP", "OCT", "NOV", "DEC"),
)

_SYMBOL: Final = re.compile(
    r"([^-]+)-([^-]+)-([0-9]{1,2})([A-Z]{3})([0-9]{2})-([0-9]{1,12}(?:[._][0-9]{1,8})?)-([CP])",
    re.ASCII,
)


class OptionTerms(NamedTuple):
    """The terms of a dated option, as its symbol says them."""

    base: str
    quote: str
    expiry: date
    strike: Decimal
    is_call: bool

    @property
    def ts_expiry(self) -> int:
        """When it expires, in nanoseconds since the Unix epoch (UTC)."""
        return int(datetime.combine(self.expiry, EXPIRY_TIME).timestamp()) * NANOS_PER_SEC


def find_option_terms(symbol: str) -> OptionTerms | None:
    """Return the terms a symbol says; None when it is not that of a dated option."""
    found = _SYMBOL.fullmatch(symbol)
    if found is None or found[4] not in MONTHS:
        return None
    try:
        expiry = date(2000 + int(found[5]), MONTHS.index(found[4]) + 1, int(found[3]))
    except ValueError:
        return None
    strike = Decimal(found[6].replace("_", "."))
    return OptionTerms(found[1], found[2], expiry, strike, found[7] == "C")
