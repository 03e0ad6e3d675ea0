"""Encode the venue's binary websocket frames (SBE schema 1, versions 0 to 3).

The layouts are written out here as tables, independent of the adapter's decoder, so that the two
sides cannot share a mistake. Everything is little-endian: an 8-byte header (block length, template
id, schema id, version), the fixed block, the repeating groups, then the length-prefixed strings.

Version 2 exists in two layouts under one version number: the venue extended it in place. The long
one carries the trade id text, the order's modify request and the last seen notification; the short
one does not.
"""

import struct
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final, NamedTuple

from paradex_adapter.local_exchange import sbe_values as values
from paradex_adapter.local_exchange.sbe_values import Kind

SCHEMA_ID: Final = 1
VERSIONS: Final = (0, 1, 2, 3)

STRING_BYTES_MAX: Final = 255
GROUP_ENTRIES_MAX: Final = 2**16 - 1

HEADER: Final = struct.Struct("<4H")
GROUP_HEADER: Final = struct.Struct("<2H")
BOOK_LEVEL: Final = struct.Struct("<2q")


class _Required:
    """Marks a field that the caller must give."""


REQUIRED: Final = _Required()


class Field(NamedTuple):
    """One field of a fixed block: its name, its kind, and since when it is there."""

    name: str
    kind: Kind
    default: object = REQUIRED
    since: int = 0
    is_in_short_layout: bool = True


class Text(NamedTuple):
    """One length-prefixed string after the block; an absent one is sent empty."""

    name: str
    since: int = 0
    is_in_short_layout: bool = True


class Template(NamedTuple):
    """One message of the schema."""

    template_id: int
    fields: tuple[Field, ...]
    groups: tuple[str, ...] = ()
    texts: tuple[Text, ...] = ()
    since: int = 0


def _nullable(
    *names: str, kind: Kind = values.FIXED_8_NULLABLE, since: int = 0
) -> tuple[Field, ...]:
    return tuple(Field(name, kind, default=None, since=since) for name in names)


def _fixed_8(*names: str) -> tuple[Field, ...]:
    return tuple(Field(name, values.FIXED_8) for name in names)


TS: Final = Field("ts", values.TIME)
SEQ: Final = Field("seq", values.I64)
MARKET: Final = Text("market")

TEMPLATES: Final[Mapping[str, Template]] = {
    "trade": Template(
        1,
        (
            TS,
            SEQ,
            Field("tradeId", values.TRADE_ID),
            Field("side", values.enum(values.SIDE)),
            *_fixed_8("price", "size"),
            Field("createdAt", values.TIME),
            Field("tradeType", values.enum(values.FILL_TYPE)),
        ),
        texts=(MARKET, Text("tradeIdStr", 2, is_in_short_layout=False)),
    ),
    "bbo": Template(
        2,
        (TS, SEQ, *_nullable("bidPrice", "bidSize", "askPrice", "askSize")),
        texts=(MARKET,),
    ),
    "book": Template(
        3,
        (
            TS,
            SEQ,
            Field("pkgType", values.enum(values.PACKAGE, has_unnamed=False)),
            *_nullable("bestBidPrice", "bestBidSize", "bestAskPrice", "bestAskSize"),
            *_nullable("relativeSpread", kind=values.RATE_8_NULLABLE),
            *_nullable("bestBidApiPrice", "bestBidApiSize", "bestAskApiPrice", "bestAskApiSize"),
        ),
        groups=("bids", "asks"),
        texts=(MARKET,),
    ),
    "market_summary": Template(
        4,
        (
            TS,
            SEQ,
            *_fixed_8("markPrice", "indexPrice", "lastPrice", "volumeUsd24h", "openInterest"),
            Field("fundingRate", values.RATE_8),
            *_nullable("bid", "ask"),
            Field("totalVolume", values.VOLUME),
            Field("priceChangeRate24h", values.RATE_8),
            *_nullable("markIv", "bidIv", "askIv", "lastIv", kind=values.RATE_8_NULLABLE),
            *_nullable("delta", "gamma", "vega", "theta", "rho", kind=values.RATE_8_NULLABLE),
            *_nullable("volga", "vanna", "futureFundingRate", kind=values.RATE_8_NULLABLE),
            *_nullable("externalFairPrice", "bidSize", "askSize"),
            *_nullable("forwardRate", "riskFreeRate", kind=values.RATE_8_NULLABLE, since=1),
            *_nullable("fundingRatePrecise", kind=values.RATE_12_NULLABLE, since=1),
            *_nullable("settlementTwapEstimate", since=3),
        ),
        texts=(MARKET,),
    ),
    "funding_data": Template(
        5,
        (
            TS,
            SEQ,
            Field("fundingRate", values.RATE_8),
            Field("fundingIndex", values.FIXED_8),
            Field("createdAt", values.TIME),
            Field("fundingPremium", values.RATE_8),
            Field("fundingRate8h", values.RATE_8),
            Field("fundingPeriodHours", values.I16),
            *_nullable("impactPremiumRate", kind=values.RATE_8_NULLABLE, since=1),
        ),
        texts=(MARKET,),
    ),
    "funding_rate_comparison": Template(
        6,
        (
            TS,
            Field("lastUpdatedAt", values.TIME),
            Field("hourlyFundingRate", values.RATE_12),
            Field("assetKind", values.enum(values.ASSET_KIND, has_unnamed=False)),
            Field("source", values.enum(values.FUNDING_SOURCE, has_unnamed=False)),
        ),
        texts=(MARKET,),
        since=1,
    ),
    "order": Template(
        20,
        (
            TS,
            SEQ,
            Field("status", values.enum(values.ORDER_STATUS)),
            Field("side", values.enum(values.SIDE)),
            Field("orderType", values.enum(values.ORDER_TYPE)),
            Field("timeInForce", values.enum(values.TIME_IN_FORCE)),
            *_nullable("price", "triggerPrice"),
            *_fixed_8("size", "sizeOpen"),
            *_nullable("avgFillPrice"),
            Field("createdAt", values.TIME),
            Field("updatedAt", values.TIME),
            Field("account", values.ACCOUNT),
            Field("receivedAt", values.TIME),
            Field("publishedAt", values.TIME),
            Field("stp", values.enum(values.STP), default="NONE"),
            Field("flags", values.bits(values.ORDER_FLAGS), default=()),
            Field("requestStatus", values.enum(values.REQUEST_STATUS), "UNSPECIFIED", 2, False),
            Field("requestType", values.enum(values.REQUEST_TYPE), "UNSPECIFIED", 2, False),
        ),
        texts=(
            Text("orderId"),
            Text("clientOrderId"),
            MARKET,
            Text("cancelReason"),
            Text("requestId", 2, is_in_short_layout=False),
            Text("requestMessage", 2, is_in_short_layout=False),
        ),
    ),
    "fill": Template(
        21,
        (
            TS,
            Field("seq", values.I64_NULLABLE, default=None),
            Field("fillType", values.enum(values.FILL_TYPE)),
            Field("side", values.enum(values.SIDE)),
            Field("liquidity", values.enum(values.LIQUIDITY)),
            *_fixed_8("price", "size", "fee"),
            *_nullable("realizedPnl"),
            Field("createdAt", values.TIME),
            Field("account", values.ACCOUNT),
            *_fixed_8("underlyingPrice", "realizedFunding"),
            Field("flags", values.bits(values.FILL_FLAGS), default=(), since=2),
            Field("orderbookSeqNo", values.U64, default=0, since=2),
        ),
        texts=(
            Text("fillId"),
            Text("orderId"),
            Text("clientOrderId"),
            Text("tradeId"),
            MARKET,
            Text("feeCurrency", 2),
        ),
    ),
    "position": Template(
        22,
        (
            TS,
            SEQ,
            Field("side", values.enum(values.SIDE)),
            *_fixed_8("size", "avgEntryPrice", "unrealizedPnl", "realizedPnl"),
            *_nullable("markPrice", "liquidationPrice"),
            Field("leverage", values.RATE_8),
            Field("updatedAt", values.TIME),
            Field("account", values.ACCOUNT),
            *_fixed_8("avgEntryPriceUsd", "cost", "costUsd"),
            *_fixed_8("cachedFundingIndex", "unrealizedFundingPnl"),
            Field("status", values.enum(values.POSITION_STATUS)),
        ),
        texts=(MARKET, Text("lastFillId")),
    ),
    "account": Template(
        23,
        (
            TS,
            SEQ,
            *_fixed_8("totalCollateral", "freeCollateral"),
            *_fixed_8("initialMarginReq", "maintenanceMarginReq", "accountValue"),
            *_nullable("unrealizedPnl"),
            Field("updatedAt", values.TIME),
            Field("account", values.ACCOUNT),
            *_fixed_8("marginCushion"),
            Field("status", values.enum(values.ACCOUNT_STATUS)),
            Field("lastSeenNotification", values.TIME, 0, 2, False),
        ),
        texts=(Text("settlementAsset"),),
    ),
    "heartbeat": Template(40, (TS, SEQ)),
}


class _Plan(NamedTuple):
    """One template at one version and layout, ready to pack."""

    header: bytes
    block: struct.Struct
    fields: tuple[Field, ...]
    groups: tuple[str, ...]
    texts: tuple[str, ...]
    known: frozenset[str]


@cache
def _plan(event: str, version: int, long_layout: bool) -> _Plan:
    template = TEMPLATES.get(event)
    if template is None:
        raise ValueError(f"unknown event {event!r}")
    if version not in VERSIONS or version < template.since:
        raise ValueError(f"{event} does not exist in schema version {version}")

    is_short = version == 2 and not long_layout

    def is_there(part: Field | Text) -> bool:
        return version >= part.since and (part.is_in_short_layout or not is_short)

    fields = tuple(field for field in template.fields if is_there(field))
    texts = tuple(text.name for text in template.texts if is_there(text))
    block = struct.Struct("<" + "".join(field.kind.code for field in fields))
    header = HEADER.pack(block.size, template.template_id, SCHEMA_ID, version)
    names = [field.name for field in template.fields] + [text.name for text in template.texts]
    known = frozenset((*names, *template.groups))
    return _Plan(header, block, fields, template.groups, texts, known)


def _encode_group(levels: object, version: int) -> bytes:
    if not isinstance(levels, Iterable):
        raise ValueError("needs an iterable of (price, size)")
    entries = [
        BOOK_LEVEL.pack(values.FIXED_8.encode(price, version), values.FIXED_8.encode(size, version))
        for price, size in levels
    ]
    if len(entries) > GROUP_ENTRIES_MAX:
        raise ValueError(f"{len(entries)} levels do not fit")
    return GROUP_HEADER.pack(BOOK_LEVEL.size, len(entries)) + b"".join(entries)


def _encode_text(value: object) -> bytes:
    if not isinstance(value, str):
        raise ValueError(f"needs text, got {type(value).__name__}")
    raw = value.encode()
    if len(raw) > STRING_BYTES_MAX:
        raise ValueError(f"{len(raw)} bytes do not fit")
    return bytes((len(raw),)) + raw


def encode(
    event: str, fields: Mapping[str, object], version: int, *, long_layout: bool = True
) -> bytes:
    """Encode one event as a binary frame.

    Parameters
    ----------
    event : str
        A key of `TEMPLATES`.
    fields : Mapping[str, object]
        Values under the schema's camelCase names. Prices, sizes, values and rates are `Decimal`
        (None where nullable), times are microseconds, an account is hex text, enumerations are the
        venue's words, bitsets iterables of words, book sides iterables of (price, size). Fields of
        a later version than the one asked for may be given and are left out.
    version : int
        The negotiated schema version.
    long_layout : bool, default True
        False gives version 2 as it was before it was extended in place; other versions have one
        layout.

    Raises
    ------
    ValueError
        If the event or version is unknown, a field is missing or unknown, or a value does not fit
        its field exactly (rates are cut to their decimals, the lifetime volume saturates).

    """
    plan = _plan(event, version, long_layout)
    unknown = fields.keys() - plan.known
    if unknown:
        raise ValueError(f"{event} has no field {', '.join(sorted(unknown))}")
    name = ""
    packed: list[object] = []
    try:
        for name, kind, default, _since, _layout in plan.fields:
            value = fields.get(name, default)
            if value is REQUIRED:
                raise ValueError("is missing")
            packed.append(kind.encode(value, version))
        parts = [plan.header, plan.block.pack(*packed)]
        for name in plan.groups:
            parts.append(_encode_group(fields.get(name, ()), version))
        for name in plan.texts:
            parts.append(_encode_text(fields.get(name, "")))
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(f"{event}.{name}: {error}") from error
    return b"".join(parts)


def negotiate(query: Mapping[str, str], versions: tuple[int, ...] = VERSIONS) -> int | None:
    """Return the schema version a connection asks for, or None when it asks for no SBE.

    Parameters
    ----------
    query : Mapping[str, str]
        The query of the websocket URL.
    versions : tuple[int, ...]
        The versions served.

    Raises
    ------
    ValueError
        If only one of the two parameters is given, either is malformed, or the pair is not served.
        The venue answers HTTP 400.

    """
    schema, version = query.get("sbeSchemaId"), query.get("sbeSchemaVersion")
    if schema is None and version is None:
        return None
    by_text = {str(served): served for served in versions}
    if schema != str(SCHEMA_ID) or version not in by_text:
        raise ValueError("unsupported SBE schema or version")
    return by_text[version]
