"""Read recorded public frames back into events, by the tables they are encoded from.

Only what a recording is played back from is read: public market data. A frame of any version is
read by the lengths it states; what it does not have yet is left out.
"""

from __future__ import annotations

import struct
from functools import cache
from typing import Final, NamedTuple

from paradex_adapter.local_exchange.sbe import (
    BOOK_LEVEL,
    GROUP_HEADER,
    HEADER,
    MARKET,
    SCHEMA_ID,
    TEMPLATES,
    Field,
    Template,
)
from paradex_adapter.local_exchange.sbe_values import FIXED_8

PUBLIC_EVENTS: Final = (
    *("trade", "bbo", "book", "market_summary", "funding_data"),
    "funding_rate_comparison",
)
#: The sequence of a book stands behind the time in each frame that has one.
SEQUENCE: Final = struct.Struct("<q")
SEQUENCE_AT: Final = 16
_BY_ID: Final = {TEMPLATES[event].template_id: event for event in PUBLIC_EVENTS}


class Outline(NamedTuple):
    """What a frame is about, read without its values."""

    event: str
    seq: int
    market: str


class _Block(NamedTuple):
    values: struct.Struct
    fields: tuple[Field, ...]


@cache
def _block(event: str, length: int) -> _Block:
    """Return the fields that fit into a block of a length: later ones were appended."""
    fields: list[Field] = []
    layout = struct.Struct("<")
    for field in TEMPLATES[event].fields:
        longer = struct.Struct(layout.format + field.kind.code)
        if longer.size > length:
            break
        layout = longer
        fields.append(field)
    return _Block(layout, tuple(fields))


def _head(frame: bytes) -> tuple[str, int] | None:
    length, template_id, schema_id, _version = HEADER.unpack_from(frame)
    event = _BY_ID.get(template_id)
    return None if event is None or schema_id != SCHEMA_ID else (event, length)


def outline(frame: bytes) -> Outline | None:
    """Return what a frame is about, or None for what is no public market data.

    Raises
    ------
    ValueError
        If it is cut off.
    """
    try:
        head = _head(frame)
        if head is None:
            return None
        event, length = head
        at = HEADER.size + length
        for _ in TEMPLATES[event].groups:
            entry, count = GROUP_HEADER.unpack_from(frame, at)
            at += GROUP_HEADER.size + entry * count
        market, _ = _text(frame, at)
        return Outline(event, SEQUENCE.unpack_from(frame, SEQUENCE_AT)[0], market)
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise ValueError("a binary frame is cut off") from error


def decode(frame: bytes) -> tuple[str, dict[str, object]] | None:
    """Return event and fields as `sbe.encode` takes them, or None for anything else.

    Raises
    ------
    ValueError
        If it is cut off.
    """
    try:
        head = _head(frame)
        if head is None:
            return None
        event, length = head
        block = _block(event, length)
        packed = block.values.unpack_from(frame, HEADER.size)
        fields: dict[str, object] = {
            field.name: field.kind.decode(value)
            for field, value in zip(block.fields, packed, strict=True)
        }
        fields.update(_rest(TEMPLATES[event], frame, HEADER.size + length))
        return event, fields
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise ValueError("a binary frame is cut off") from error


def _rest(template: Template, frame: bytes, at: int) -> dict[str, object]:
    found: dict[str, object] = {}
    for name in template.groups:
        entry, count = GROUP_HEADER.unpack_from(frame, at)
        at += GROUP_HEADER.size
        starts = range(at, at + entry * count, entry) if entry else ()
        found[name] = [
            tuple(map(FIXED_8.decode, BOOK_LEVEL.unpack_from(frame, start))) for start in starts
        ]
        at += entry * count
    for text in template.texts:
        # What was appended later may be missing at the end.
        if at >= len(frame) and text is not MARKET:
            break
        found[text.name], at = _text(frame, at)
    return found


def _text(frame: bytes, at: int) -> tuple[str, int]:
    end = at + 1 + frame[at]
    if end > len(frame):
        raise IndexError
    return frame[at + 1 : end].decode(), end
