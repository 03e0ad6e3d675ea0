"""Decimal text to integers of a fixed scale and back; exact, or an error.

Text is what the venue's JSON holds: an optional minus, ASCII digits, at most one point. Exponents,
plus signs, blanks and other digits are refused.
"""

from typing import Final

from mypy_extensions import i64

from paradex_adapter_core.errors import InexactDecimal

DECIMAL_CHARS_MAX: Final = 64
SCALE_MAX: Final = 18

# What fits a 64-bit integer whatever the digits are.
SHORT_DIGITS_MAX: Final = 18
NOT_SHORT: Final = -(10**18)


def parse_exact(text: str, scale: int) -> int:
    """Return ``text`` as an integer of ``10**-scale``.

    Decimals beyond the scale are accepted when they are zeros.

    Raises
    ------
    InexactDecimal
        If ``text`` is no decimal, is longer than `DECIMAL_CHARS_MAX`, or has more decimals than
        ``scale`` holds.

    """
    assert 0 <= scale <= SCALE_MAX
    short = _parse_short(text, scale)
    if short != NOT_SHORT:
        return int(short)
    return _parse_long(text, scale, is_rounded=False)


def parse_rounded(text: str, scale: int) -> int:
    """Return ``text`` as an integer of ``10**-scale``, rounded half to even.

    Raises
    ------
    InexactDecimal
        If ``text`` is no decimal or is longer than `DECIMAL_CHARS_MAX`.

    """
    assert 0 <= scale <= SCALE_MAX
    short = _parse_short(text, scale)
    if short != NOT_SHORT:
        return int(short)
    return _parse_long(text, scale, is_rounded=True)


def units_to_text(units: int, scale: int) -> str:
    """Return the shortest plain decimal text of ``units`` of ``10**-scale``."""
    assert 0 <= scale <= SCALE_MAX
    digits = str(abs(units)).rjust(scale + 1, "0")
    point = len(digits) - scale
    fraction = digits[point:].rstrip("0")
    whole = digits[:point]
    sign = "-" if units < 0 else ""
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def _parse_short(text: str, scale: int) -> i64:
    """Parse what fits a 64-bit integer at once; `NOT_SHORT` sends the rest to `_parse_long`.

    The bound on the digits keeps every intermediate below 10**18, so nothing wraps.
    """
    size: i64 = len(text)
    if size == 0 or size > SHORT_DIGITS_MAX + 2:
        return NOT_SHORT
    is_negative = text[0] == "-"
    at: i64 = 1 if is_negative else 0
    digits: i64 = 0
    decimals: i64 = -1
    value: i64 = 0
    while at < size:
        code: i64 = ord(text[at])
        if 48 <= code <= 57:
            value = value * 10 + (code - 48)
            digits += 1
            if decimals >= 0:
                decimals += 1
        elif code == 46 and decimals < 0:
            decimals = 0
        else:
            return NOT_SHORT
        if digits > SHORT_DIGITS_MAX:
            return NOT_SHORT
        at += 1
    missing: i64 = scale
    if decimals > 0:
        missing -= decimals
    if digits == 0 or missing < 0 or digits + missing > SHORT_DIGITS_MAX:
        return NOT_SHORT
    while missing > 0:
        value *= 10
        missing -= 1
    return -value if is_negative else value


def _parse_long(text: str, scale: int, *, is_rounded: bool) -> int:
    """Parse any decimal by integers without a bound; also the judge of what is no decimal."""
    unsigned = text[1:] if text.startswith("-") else text
    whole, _, fraction = unsigned.partition(".")
    digits = whole + fraction
    if len(text) > DECIMAL_CHARS_MAX or not (digits.isascii() and digits.isdigit()):
        raise InexactDecimal(text, scale)
    kept = fraction[:scale].ljust(scale, "0")
    dropped = fraction[scale:].rstrip("0")
    value = int(whole + kept or "0")
    if dropped:
        if not is_rounded:
            raise InexactDecimal(text, scale)
        # A single 5 left is the exact middle; anything else beginning with 5 or more lies above it.
        if dropped > "5" or (dropped == "5" and value % 2 == 1):
            value += 1
    return -value if text.startswith("-") else value
