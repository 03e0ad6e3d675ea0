"""Decimal text as the venue reads and writes it.

Amounts travel as decimal strings. What comes in may carry at most eight decimals (the signed
integer is the amount times 10**8); what goes out is plain notation without trailing zeros.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final

from paradex_adapter.local_exchange.errors import VenueError

#: Wide enough for any balance with every decimal of a fee, so that sums stay exact.
MONEY: Final = Context(prec=60, rounding=ROUND_HALF_EVEN)
ZERO: Final = Decimal(0)
#: Ratios (averages, cost of a partial close) are the only inexact figures; they are cut here.
AVERAGE_STEP: Final = Decimal("1e-8")
COST_STEP: Final = Decimal("1e-16")

_AMOUNT = re.compile(r"[0-9]{1,15}(\.[0-9]{1,8})?", re.ASCII)


def parse_amount(value: object, field: str) -> Decimal:
    """Read an unsigned decimal string of an order request.

    Raises
    ------
    VenueError
        ``BINDING_ERROR`` when it is not a string, ``VALIDATION_ERROR`` when it is not a plain
        unsigned decimal of at most 15 integer digits and 8 decimals.
    """
    if not isinstance(value, str):
        raise VenueError("BINDING_ERROR", f"{field}: expected a decimal string")
    if _AMOUNT.fullmatch(value) is None:
        raise VenueError("VALIDATION_ERROR", f"{field}: invalid decimal or more than 8 decimals")
    return Decimal(value)


def amount_text(amount: Decimal) -> str:
    """Write an amount in plain notation without trailing zeros."""
    if not amount:
        return "0"
    return format(amount.normalize(MONEY), "f")


def average(notional: Decimal, size: Decimal) -> Decimal:
    """Return notional / size, rounded to the venue's eight decimals."""
    return MONEY.quantize(MONEY.divide(notional, size), AVERAGE_STEP)


def is_multiple(amount: Decimal, step: Decimal) -> bool:
    """Return whether the amount lies on the grid of the step."""
    return not MONEY.remainder(amount, step)
