"""A decoder of binary frames that knows nothing but the venue's schema document.

It reads the XML, builds its tables from it and decodes any frame of any version: fields present by
`sinceVersion` and by the header's block length, then groups, then strings. It shares no line with
the adapter's parser or the local exchange's encoder, and judges both.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

PRIMITIVES = {
    "uint8": "B",
    "int8": "b",
    "uint16": "H",
    "int16": "h",
    "int64": "q",
    "uint64": "Q",
}
DEFAULT_NULL = {"int64": -(2**63)}
SBE = "{http://fixprotocol.io/2016/sbe}"


class FrameError(ValueError):
    """The frame does not follow the schema."""


@dataclass(frozen=True)
class Type:
    """One type of the schema, as much of it as a decoder needs."""

    code: str
    size: int
    null: int | None = None
    exponent: int | None = None
    words: Mapping[int, str] | None = None
    bits: Mapping[int, str] | None = None

    def decode(self, raw: bytes, *, is_optional: bool) -> object:
        (value,) = struct.unpack("<" + self.code, raw)
        if isinstance(value, bytes):
            return "0x" + value.hex()
        if self.null is not None and value == self.null:
            if not is_optional:
                raise FrameError("null in a required field")
            return None
        if self.words is not None:
            if value not in self.words:
                raise FrameError(f"no word for {value}")
            return self.words[value]
        if self.bits is not None:
            unnamed = value & ~sum(1 << bit for bit in self.bits)
            if unnamed:
                raise FrameError(f"no name for bits {unnamed:#x}")
            return {name for bit, name in self.bits.items() if value >> bit & 1}
        return value if self.exponent is None else Decimal(value).scaleb(self.exponent)


@dataclass(frozen=True)
class Field:
    """One field of a block."""

    name: str
    type: Type
    is_optional: bool
    since: int
    offset: int


@dataclass(frozen=True)
class Message:
    """One message of the schema."""

    name: str
    template_id: int
    fields: tuple[Field, ...]
    groups: Mapping[str, tuple[Field, ...]]
    texts: tuple[tuple[str, int], ...]

    def block_length(self, version: int) -> int:
        return sum(part.type.size for part in self.fields if part.since <= version)


@dataclass
class Frame:
    """What one frame says."""

    message: str
    template_id: int
    version: int
    block_length: int
    values: dict[str, Any] = field(default_factory=dict)


def _number(element: ElementTree.Element, name: str) -> int | None:
    text = element.get(name)
    return None if text is None else int(text)


class Schema:
    """The venue's schema, with fields of a later version that the document lacks appended."""

    def __init__(
        self,
        path: Path,
        appended: Mapping[str, tuple[tuple[str, str, int], ...]] | None = None,
    ) -> None:
        root = ElementTree.parse(path).getroot()
        self.schema_id = int(root.attrib["id"])
        self.version = int(root.attrib["version"])
        self._types = {name: Type(code, struct.calcsize(code)) for name, code in PRIMITIVES.items()}
        self._optional_types: set[str] = set()
        for element in root.findall("types/*"):
            self._read_type(element)
        self.messages: dict[int, Message] = {}
        for element in root.findall(f"{SBE}message"):
            message = self._read_message(element, (appended or {}).get(element.attrib["name"], ()))
            self.messages[message.template_id] = message

    def _read_type(self, element: ElementTree.Element) -> None:
        name = element.attrib["name"]
        if element.tag == "type":
            primitive = element.attrib["primitiveType"]
            count = int(element.get("length", 1))
            code = PRIMITIVES[primitive] if count == 1 else f"{count}s"
            self._types[name] = Type(code, struct.calcsize("<" + code))
        elif element.tag == "enum":
            words = {int(e.text or ""): e.attrib["name"] for e in element.findall("validValue")}
            self._types[name] = Type(PRIMITIVES[element.attrib["encodingType"]], 1, words=words)
        elif element.tag == "set":
            bits = {int(e.text or ""): e.attrib["name"] for e in element.findall("choice")}
            self._types[name] = Type(PRIMITIVES[element.attrib["encodingType"]], 1, bits=bits)
        elif (exponent := element.find("type[@name='exponent']")) is not None:
            mantissa = element.find("type[@name='mantissa']")
            assert mantissa is not None
            primitive = mantissa.attrib["primitiveType"]
            code = PRIMITIVES[primitive]
            null = int(mantissa.attrib["nullValue"])
            size = struct.calcsize("<" + code)
            self._types[name] = Type(code, size, null, int(exponent.text or ""))
            if mantissa.get("presence") == "optional":
                self._optional_types.add(name)

    def _read_field(self, element: ElementTree.Element, offset: int) -> Field:
        type_name = element.attrib["type"]
        type_ = self._types[type_name]
        is_optional = element.get("presence") == "optional"
        if is_optional:
            type_ = Type(type_.code, type_.size, DEFAULT_NULL[type_name])
        is_optional = is_optional or type_name in self._optional_types
        since = _number(element, "sinceVersion") or 0
        return Field(element.attrib["name"], type_, is_optional, since, offset)

    def _read_fields(self, parent: ElementTree.Element) -> list[Field]:
        fields: list[Field] = []
        offset = 0
        for element in parent.findall("field"):
            fields.append(self._read_field(element, offset))
            offset += fields[-1].type.size
        return fields

    def _read_message(
        self, element: ElementTree.Element, appended: tuple[tuple[str, str, int], ...]
    ) -> Message:
        fields = self._read_fields(element)
        for name, type_name, since in appended:
            offset = fields[-1].offset + fields[-1].type.size
            is_optional = type_name in self._optional_types
            fields.append(Field(name, self._types[type_name], is_optional, since, offset))
        groups = {g.attrib["name"]: tuple(self._read_fields(g)) for g in element.findall("group")}
        texts = tuple(
            (e.attrib["name"], _number(e, "sinceVersion") or 0) for e in element.findall("data")
        )
        return Message(
            element.attrib["name"], int(element.attrib["id"]), tuple(fields), groups, texts
        )

    def decode(self, raw: bytes) -> Frame:
        """Decode one whole frame; any byte left over or missing is an error."""
        if len(raw) < 8:
            raise FrameError("no header")
        block_length, template_id, schema_id, version = struct.unpack_from("<4H", raw)
        if schema_id != self.schema_id or template_id not in self.messages:
            raise FrameError(f"unknown schema {schema_id} or template {template_id}")
        message = self.messages[template_id]
        frame = Frame(message.name, template_id, version, block_length)
        block = raw[8 : 8 + block_length]
        if len(block) != block_length:
            raise FrameError("block cut short")
        frame.values = _decode_block(message.fields, block, version)
        at = 8 + block_length
        for name, fields in message.groups.items():
            frame.values[name], at = _decode_group(fields, raw, at, version)
        for name, since in message.texts:
            if since > version or (since and at == len(raw)):
                continue
            frame.values[name], at = _decode_text(raw, at)
        if at != len(raw):
            raise FrameError(f"{len(raw) - at} bytes left over")
        return frame


def _decode_block(fields: tuple[Field, ...], block: bytes, version: int) -> dict[str, Any]:
    values = {}
    for part in fields:
        end = part.offset + part.type.size
        if part.since > version or end > len(block):
            if part.since == 0:
                raise FrameError(f"{part.name} lies outside the block")
            continue
        try:
            values[part.name] = part.type.decode(
                block[part.offset : end], is_optional=part.is_optional
            )
        except FrameError as error:
            raise FrameError(f"{part.name}: {error}") from error
    return values


def _decode_group(
    fields: tuple[Field, ...], raw: bytes, at: int, version: int
) -> tuple[list[dict[str, Any]], int]:
    if at + 4 > len(raw):
        raise FrameError("group header cut short")
    length, count = struct.unpack_from("<2H", raw, at)
    at += 4
    if at + length * count > len(raw):
        raise FrameError("group cut short")
    entries = [
        _decode_block(fields, raw[at + i * length : at + (i + 1) * length], version)
        for i in range(count)
    ]
    return entries, at + length * count


def _decode_text(raw: bytes, at: int) -> tuple[str, int]:
    if at >= len(raw) or at + 1 + raw[at] > len(raw):
        raise FrameError("text cut short")
    end = at + 1 + raw[at]
    return raw[at + 1 : end].decode("utf-8"), end


# Version 3 is newer than the published document: one price more at the end of the summary's block.
APPENDED_IN_VERSION_3 = {
    "MarketSummaryEvent": (("settlementTwapEstimate", "Price8NULL", 3),),
}


@cache
def venue_schema(path: Path) -> Schema:
    """Return the venue's schema with what version 3 appends."""
    return Schema(path, APPENDED_IN_VERSION_3)
