"""Little-endian integers, times and length-prefixed texts out of a binary frame.

Integers are read in `i64`, which wraps silently when compiled; what leaves this module is in range.
What is not raises `MalformedMessage`, and what ends too early `TruncatedFrame`.
"""

from typing import Final

from mypy_extensions import i64

from paradex_adapter_core.errors import MalformedMessage, TruncatedFrame

HEADER_BYTES: Final = 8
GROUP_HEADER_BYTES: Final = 4
LEVELS_MAX: Final = 16_384
TS_MICROS_MAX: Final = 9_223_372_036_854_775
NULL_I64: Final = -9_223_372_036_854_775_808


def read_u16(data: bytes, at: i64) -> i64:
    """Return the unsigned 16-bit integer at ``at``, which lies inside the frame."""
    low: i64 = data[at]
    high: i64 = data[at + 1]
    return low | high << 8


def read_i64(data: bytes, at: i64) -> i64:
    """Return the signed 64-bit integer at ``at``, which lies inside the frame."""
    b0: i64 = data[at]
    b1: i64 = data[at + 1]
    b2: i64 = data[at + 2]
    b3: i64 = data[at + 3]
    b4: i64 = data[at + 4]
    b5: i64 = data[at + 5]
    b6: i64 = data[at + 6]
    b7: i64 = data[at + 7]
    if b7 >= 128:
        b7 -= 256
    low = b0 | b1 << 8 | b2 << 16 | b3 << 24 | b4 << 32 | b5 << 40 | b6 << 48
    return low + b7 * 72_057_594_037_927_936


def read_time(data: bytes, at: i64) -> i64:
    """Return the nanoseconds of the microseconds at ``at``."""
    micros = read_i64(data, at)
    if micros < 0 or micros > TS_MICROS_MAX:
        raise MalformedMessage("time", str(int(micros)))
    return micros * 1000


def read_text(data: bytes, at: i64, field: str) -> str:
    """Return the length-prefixed text at ``at``."""
    return decode_text(data[at + 1 : text_end(data, at, field)], field)


def text_end(data: bytes, at: i64, field: str) -> i64:
    """Return where the length-prefixed text at ``at`` ends."""
    size: i64 = len(data)
    if at >= size:
        raise TruncatedFrame(field)
    end: i64 = at + 1 + data[at]
    if end > size:
        raise TruncatedFrame(field)
    return end


def decode_text(raw: bytes, field: str) -> str:
    """Return UTF-8 bytes as text."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise MalformedMessage(field, raw.hex()) from None


def need_block(end: i64, block_bytes: i64) -> None:
    """Refuse a block shorter than that of schema version 0, the shortest ever served."""
    if end < HEADER_BYTES + block_bytes:
        raise MalformedMessage("block length", str(int(end - HEADER_BYTES)))


def group_end(data: bytes, at: i64, entry_bytes_min: i64) -> i64:
    """Return where the group at ``at`` ends, having checked that it lies inside the frame."""
    size: i64 = len(data)
    if at + GROUP_HEADER_BYTES > size:
        raise TruncatedFrame("group")
    entry_bytes = read_u16(data, at)
    entries = read_u16(data, at + 2)
    if entries > LEVELS_MAX or (entries > 0 and entry_bytes < entry_bytes_min):
        raise MalformedMessage("group", f"{int(entries)} of {int(entry_bytes)} bytes")
    end = at + GROUP_HEADER_BYTES + entries * entry_bytes
    if end > size:
        raise TruncatedFrame("group")
    return end


def has_level(price: i64, size: i64) -> bool:
    """Return whether a nullable price and size are a level; null and zero prices are none."""
    if price == NULL_I64 or price == 0:
        return False
    if price < 0 or size < 0:
        raise MalformedMessage("level", f"{int(price)} {int(size)}")
    return True
