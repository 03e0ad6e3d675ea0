"""The one place where untyped JSON becomes typed values.

``need_x`` raises when the field is absent, null or empty; ``find_x`` gives None, or "" for text.
The venue writes an absent number as an empty string, and an integer now as a number, now as text.
What cannot be read is raised as `MalformedMessage`, or one of its kinds that says more.
"""

import json
from collections.abc import Callable
from typing import Final

import orjson

from paradex_adapter_core.decimals import parse_exact, parse_rounded
from paradex_adapter_core.errors import (
    InexactDecimal,
    MalformedMessage,
    MissingField,
    UnknownWord,
    WrongType,
)
from paradex_adapter_core.parsers.counters import count
from paradex_adapter_core.vocabulary import RATE_SCALE, UNITS_SCALE, UNKNOWN

type Row = dict[str, object]

BODY_BYTES_MAX: Final = 64 * 1024 * 1024
ROWS_MAX: Final = 100_000
TEXT_CHARS_MAX: Final = 4096
WORDS_MAX: Final = 32
INT_DIGITS_MAX: Final = 19
EXPONENT_CHARS_MAX: Final = 3
INT_MAX: Final = 2**63 - 1
NANOS_PER_MILLI: Final = 1_000_000
# How the counters of lists begin that leave out what cannot be read.
SKIPPED_ROW: Final = "skipped row: "


def load_json(body: bytes | str, size_max: int) -> object:
    """Return the value of JSON text.

    Raises
    ------
    MalformedMessage
        If the text is longer than ``size_max`` or no JSON.

    """
    if len(body) > size_max:
        raise MalformedMessage("body", f"{len(body)} long")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise MalformedMessage("body", as_excerpt(body)) from None


def load_decimal_row(body: bytes) -> Row:
    """Return the JSON object of a body whose numbers with a point stay the text they were."""
    if len(body) > BODY_BYTES_MAX:
        raise MalformedMessage("body", f"{len(body)} long")
    try:
        value: object = json.loads(body, parse_float=as_plain_decimal, parse_constant=str)
    except (ValueError, RecursionError):
        raise MalformedMessage("body", as_excerpt(body)) from None
    return as_row(value, "body")


def as_plain_decimal(number: str) -> str:
    """Return the text of a JSON number without an exponent, which small numbers are written with.

    An exponent out of all proportion stays, and makes the number one that cannot be read.
    """
    mantissa, mark, exponent = number.lower().partition("e")
    if not mark or len(exponent) > EXPONENT_CHARS_MAX:
        return number
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    point = len(whole) + int(exponent)
    digits = "0" * (1 - point) + whole + fraction
    point = max(point, 1)
    digits = digits.ljust(point, "0")
    return f"{sign}{digits[:point]}.{digits[point:]}".rstrip(".")


def as_excerpt(body: bytes | str) -> str:
    """Return the beginning of a text that could not be read."""
    return body[:80].decode("utf-8", "replace") if isinstance(body, bytes) else body[:80]


def as_plain_text(value: object) -> str:
    """Return any JSON value as text for a person to read, "" for none."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text[:TEXT_CHARS_MAX]


def load_row(body: bytes) -> Row:
    """Return the JSON object of a REST body."""
    return as_row(load_json(body, BODY_BYTES_MAX), "body")


def as_row(value: object, field: str) -> Row:
    """Return ``value`` as a JSON object."""
    if not isinstance(value, dict):
        raise WrongType(field, type(value).__name__)
    return value


def need_list(row: Row, field: str) -> list[object]:
    """Return the list at ``field``; None stands for an empty one, as the venue's lists may be null.

    Raises
    ------
    MissingField
        If the field is absent.
    WrongType
        If it is no list.
    MalformedMessage
        If it has more than `ROWS_MAX` entries.

    """
    if field not in row:
        raise MissingField(field)
    value = row[field]
    if value is None:
        return []
    if not isinstance(value, list):
        raise WrongType(field, type(value).__name__)
    if len(value) > ROWS_MAX:
        raise MalformedMessage(field, f"{len(value)} entries")
    return value


def read_rows[T](
    page: Row,
    field: str,
    read: Callable[[Row, dict[str, int]], T],
    counters: dict[str, int] | None,
) -> list[T]:
    """Return what ``read`` makes of the objects listed at ``field``.

    A row that cannot be read is skipped and counted under its fault.
    """
    tally: dict[str, int] = {} if counters is None else counters
    found: list[T] = []
    for value in need_list(page, field):
        try:
            found.append(read(as_row(value, field), tally))
        except MalformedMessage as error:
            count(tally, f"{SKIPPED_ROW}{error.describe()} {error.field}")
    return found


def find_row(row: Row, field: str) -> Row:
    """Return the object at ``field``; an absent or null one is empty."""
    value = row.get(field)
    return {} if value is None else as_row(value, field)


def find_text(row: Row, field: str) -> str:
    """Return the text at ``field``, "" when absent or null."""
    value = row.get(field)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise WrongType(field, type(value).__name__)
    if len(value) > TEXT_CHARS_MAX:
        raise MalformedMessage(field, value)
    return value


def need_text(row: Row, field: str) -> str:
    """Return the text at ``field``, which must not be empty."""
    text = find_text(row, field)
    if not text:
        raise MissingField(field)
    return text


def find_texts(row: Row, field: str) -> tuple[str, ...]:
    """Return the texts of the list at ``field``; an absent or null one is empty."""
    values = need_list(row, field) if field in row else []
    if len(values) > WORDS_MAX:
        raise MalformedMessage(field, f"{len(values)} entries")
    texts: list[str] = []
    for value in values:
        if not isinstance(value, str):
            raise WrongType(field, type(value).__name__)
        texts.append(value)
    return tuple(texts)


def find_int(row: Row, field: str) -> int | None:
    """Return the integer at ``field``, given as a number or as text; None when absent or empty."""
    value = row.get(field)
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        raise WrongType(field, "bool")
    if isinstance(value, str):
        digits = value[1:] if value.startswith("-") else value
        if len(digits) > INT_DIGITS_MAX or not (digits.isascii() and digits.isdigit()):
            raise WrongType(field, value)
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int):
        raise WrongType(field, type(value).__name__)
    if not -INT_MAX <= value <= INT_MAX:
        raise MalformedMessage(field, str(value))
    return value


def need_int(row: Row, field: str) -> int:
    """Return the integer at ``field``."""
    value = find_int(row, field)
    if value is None:
        raise MissingField(field)
    return value


def find_time(row: Row, field: str) -> int:
    """Return the milliseconds at ``field`` as nanoseconds, 0 when absent."""
    millis = find_int(row, field)
    if millis is None:
        return 0
    if not 0 <= millis <= INT_MAX // NANOS_PER_MILLI:
        raise MalformedMessage(field, str(millis))
    return millis * NANOS_PER_MILLI


def need_time(row: Row, field: str) -> int:
    """Return the milliseconds at ``field`` as nanoseconds."""
    need_int(row, field)
    return find_time(row, field)


def find_decimal(row: Row, field: str, scale: int, is_exact: bool) -> int | None:
    """Return the decimal at ``field`` scaled; None when absent or empty.

    A whole JSON number is accepted; one with a point is not, since it went through a float.
    """
    value = row.get(field)
    if value is None:
        return None
    return to_units(value, field, scale, is_exact)


def to_units(value: object, field: str, scale: int, is_exact: bool) -> int | None:
    """Return one decimal value scaled; None when it is empty text."""
    if isinstance(value, str):
        if not value:
            return None
        try:
            return parse_exact(value, scale) if is_exact else parse_rounded(value, scale)
        except InexactDecimal:
            raise MalformedMessage(field, value) from None
    if isinstance(value, int) and not isinstance(value, bool):
        if abs(value) > INT_MAX:
            raise MalformedMessage(field, str(value))
        return parse_exact(str(value), scale)
    raise WrongType(field, type(value).__name__)


def find_units(row: Row, field: str) -> int | None:
    """Return the decimal at ``field`` in 1e-8, exact."""
    return find_decimal(row, field, UNITS_SCALE, is_exact=True)


def find_rounded(row: Row, field: str) -> int | None:
    """Return the decimal at ``field`` in 1e-8, rounded half to even."""
    return find_decimal(row, field, UNITS_SCALE, is_exact=False)


def find_rate(row: Row, field: str) -> int | None:
    """Return the decimal at ``field`` in 1e-12, rounded half to even."""
    return find_decimal(row, field, RATE_SCALE, is_exact=False)


def need_units(row: Row, field: str) -> int:
    """Return the decimal at ``field`` in 1e-8, exact."""
    return need_number(find_units(row, field), field)


def need_rounded(row: Row, field: str) -> int:
    """Return the decimal at ``field`` in 1e-8, rounded half to even."""
    return need_number(find_rounded(row, field), field)


def need_number(value: int | None, field: str) -> int:
    """Return a number that must be there."""
    if value is None:
        raise MissingField(field)
    return value


def need_amount(value: int, field: str) -> int:
    """Return a number that must not be negative."""
    if value < 0:
        raise MalformedMessage(field, str(value))
    return value


def find_price(row: Row, field: str, is_exact: bool) -> int | None:
    """Return the price at ``field`` in 1e-8; None when absent, empty or zero."""
    price = find_decimal(row, field, UNITS_SCALE, is_exact)
    return None if not price else need_amount(price, field)


def positive_or_none(price: int | None) -> int | None:
    """Return a price the venue computed, None unless it is one that can be reached."""
    return price if price is not None and price > 0 else None


def find_code(row: Row, field: str, codes: dict[str, int], counters: dict[str, int]) -> int:
    """Return the code of the word at ``field``; an unknown word is counted and reads as 0.

    An absent word is looked up as an empty one, and reads as 0 where that has no meaning.
    """
    word = find_text(row, field)
    code = codes.get(word)
    if code is not None:
        return code
    if word:
        count(counters, f"unknown {field} {word}")
    return UNKNOWN


def need_code(row: Row, field: str, codes: dict[str, int], counters: dict[str, int]) -> int:
    """Return the code of the word at ``field``, which must be there but need not be known."""
    need_text(row, field)
    return find_code(row, field, codes, counters)


def need_known_code(row: Row, field: str, codes: dict[str, int]) -> int:
    """Return the code of the word at ``field``, without which the message has no meaning."""
    word = need_text(row, field)
    code = codes.get(word)
    if code is None:
        raise UnknownWord(field, word)
    return code


def find_flags(row: Row, field: str, bits: dict[str, int], counters: dict[str, int]) -> int:
    """Return the words of the list at ``field`` as a bit set; unknown ones are counted."""
    flags = 0
    for word in find_texts(row, field):
        bit = bits.get(word)
        if bit is None:
            count(counters, f"unknown {field} {word}")
        else:
            flags |= bit
    return flags


def find_account(row: Row, field: str) -> str:
    """Return the address at ``field`` as binary frames give it: lower case, no zeros in front."""
    text = find_text(row, field)
    if not text.startswith("0x"):
        return text
    return "0x" + (text[2:].lstrip("0").lower() or "0")


def find_cursor(row: Row) -> str | None:
    """Return the cursor of the next page, None on the last one."""
    return find_text(row, "next") or None
