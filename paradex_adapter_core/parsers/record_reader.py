"""The fields of one binary frame: a fixed block read by offset, and the texts behind it.

Offsets are those of the schema, counted from the start of the fixed block.
"""

from typing import Final, final

from mypy_extensions import i64

from paradex_adapter_core.errors import MalformedMessage, MissingField
from paradex_adapter_core.parsers.binary import (
    HEADER_BYTES,
    NULL_I64,
    need_block,
    read_i64,
    read_text,
    read_time,
    read_u16,
    text_end,
)
from paradex_adapter_core.parsers.counters import count
from paradex_adapter_core.vocabulary import UNKNOWN

# Rates travel with 8 decimals; messages hold 12.
RATE_8_TO_12: Final = 10_000
ACCOUNT_BYTES: Final = 32


@final
class RecordReader:
    """Reads the fixed block of one frame by offset, then its texts in order.

    ``find_x`` gives None for a null and for what the block is too short to hold; ``need_x`` raises
    `MissingField` instead.
    """

    def __init__(self, data: bytes, block_end: int, counters: dict[str, int]) -> None:
        self._data: Final = data
        self._block_end: Final = block_end
        self._cursor = block_end
        self._counters: Final = counters

    def count(self, key: str) -> None:
        """Count what was skipped."""
        count(self._counters, key)

    def need_block(self, block_bytes: int) -> None:
        """Refuse a block shorter than ``block_bytes``."""
        need_block(self._block_end, block_bytes)

    def find_units(self, offset: int) -> int | None:
        """Return the integer at ``offset``."""
        at: i64 = HEADER_BYTES + offset
        if at + 8 > self._block_end:
            return None
        value = read_i64(self._data, at)
        return None if value == NULL_I64 else int(value)

    def need_units(self, offset: int, field: str) -> int:
        """Return the integer at ``offset``."""
        value = self.find_units(offset)
        if value is None:
            raise MissingField(field)
        return value

    def need_amount(self, offset: int, field: str) -> int:
        """Return the integer at ``offset``, which must not be negative."""
        value = self.need_units(offset, field)
        if value < 0:
            raise MalformedMessage(field, str(value))
        return value

    def find_price(self, offset: int, field: str) -> int | None:
        """Return the price at ``offset``; zero stands for none."""
        value = self.find_units(offset)
        if value is not None and value < 0:
            raise MalformedMessage(field, str(value))
        return value or None

    def find_rate_8(self, offset: int) -> int | None:
        """Return the rate of 8 decimals at ``offset`` in 1e-12."""
        value = self.find_units(offset)
        return None if value is None else value * RATE_8_TO_12

    def need_time(self, offset: int) -> int:
        """Return the time at ``offset`` in nanoseconds."""
        return int(read_time(self._data, HEADER_BYTES + offset))

    def find_code(self, offset: int, first: int, last: int, word: str) -> int:
        """Return the code at ``offset``; one outside the known range is counted and reads as 0."""
        at: i64 = HEADER_BYTES + offset
        if at >= self._block_end:
            return UNKNOWN
        code = self._data[at]
        if first <= code <= last:
            return code
        count(self._counters, f"unknown {word} {code}")
        return UNKNOWN

    def find_flags(self, offset: int, known: int, word: str) -> int:
        """Return the known bits of the set at ``offset``; others are counted."""
        at: i64 = HEADER_BYTES + offset
        if at >= self._block_end:
            return 0
        flags = self._data[at]
        if flags & ~known:
            count(self._counters, f"unknown {word} in {flags}")
        return flags & known

    def read_byte(self, offset: int) -> int:
        """Return the byte at ``offset``."""
        return self._data[HEADER_BYTES + offset]

    def read_hours(self, offset: int) -> int:
        """Return the 16-bit number of hours at ``offset``."""
        hours = int(read_u16(self._data, HEADER_BYTES + offset))
        if hours >= 2**15:
            raise MalformedMessage("hours", str(hours - 2**16))
        return hours

    def read_account(self, offset: int) -> str:
        """Return the address at ``offset`` as hex text without leading zeros."""
        first = HEADER_BYTES + offset
        return hex(int.from_bytes(self._data[first : first + ACCOUNT_BYTES], "big"))

    def read_text(self, field: str) -> str:
        """Return the next text, which may be empty."""
        text = read_text(self._data, self._cursor, field)
        self._cursor = int(text_end(self._data, self._cursor, field))
        return text

    def need_text(self, field: str) -> str:
        """Return the next text, which must not be empty."""
        text = self.read_text(field)
        if not text:
            raise MissingField(field)
        return text

    def find_text(self, field: str) -> str:
        """Return the next text; empty when the frame ends here, as frames of older layouts do."""
        if self._cursor == len(self._data):
            return ""
        return self.read_text(field)
