"""The exchange's binary encoder: layouts, values and refusals."""

import struct
from decimal import Decimal
from typing import Any

import pytest

from paradex_adapter.local_exchange import sbe

ACCOUNT = "0x49d36570d4e46f48e99674bd3fcc84644ddd6b96f7c741b1562b82f9e004dc7"
NULL = -(2**63)
NUMBER = Decimal("1.5")

COMPLETE: dict[str, dict[str, Any]] = {
    "trade": {
        "ts": 1,
        "seq": 2,
        "tradeId": 1759500000000000001201703010000,
        "side": "SELL",
        "price": Decimal("42000.50"),
        "size": Decimal("0.001"),
        "createdAt": 3,
        "tradeType": "RPI",
        "market": "BTC-USD-PERP",
        "tradeIdStr": "1759500000000000001201703010000",
    },
    "bbo": {"ts": 1, "seq": 2, "bidPrice": NUMBER, "bidSize": NUMBER, "market": "M"},
    "book": {
        "ts": 1,
        "seq": 2,
        "pkgType": "DELTA",
        "relativeSpread": NUMBER,
        "bids": [(Decimal(2), Decimal(3)), (Decimal(1), Decimal(0))],
        "asks": [(Decimal(4), Decimal(5))],
        "market": "M",
    },
    "market_summary": {
        "ts": 1,
        "seq": 2,
        "markPrice": NUMBER,
        "indexPrice": NUMBER,
        "lastPrice": NUMBER,
        "volumeUsd24h": NUMBER,
        "openInterest": NUMBER,
        "fundingRate": Decimal("0.00010000001298"),
        "totalVolume": Decimal(10**15),
        "priceChangeRate24h": Decimal("-0.0123456789"),
        "fundingRatePrecise": Decimal("0.00010000001298"),
        "settlementTwapEstimate": NUMBER,
        "market": "M",
    },
    "funding_data": {
        "ts": 1,
        "seq": 2,
        "fundingRate": NUMBER,
        "fundingIndex": NUMBER,
        "createdAt": 3,
        "fundingPremium": NUMBER,
        "fundingRate8h": NUMBER,
        "fundingPeriodHours": 8,
        "market": "M",
    },
    "funding_rate_comparison": {
        "ts": 1,
        "lastUpdatedAt": 2,
        "hourlyFundingRate": Decimal("0.000000000001"),
        "assetKind": "OPTION",
        "source": "STORK",
        "market": "M",
    },
    "order": {
        "ts": 1,
        "seq": 2,
        "status": "CLOSED",
        "side": "BUY",
        "orderType": "TAKE_PROFIT_MARKET",
        "timeInForce": "POST_ONLY",
        "price": None,
        "size": NUMBER,
        "sizeOpen": Decimal(0),
        "createdAt": 3,
        "updatedAt": 4,
        "account": ACCOUNT,
        "receivedAt": 5,
        "publishedAt": 6,
        "stp": "EXPIRE_BOTH",
        "flags": ["REDUCE_ONLY", "MMP"],
        "requestStatus": "SUCCESS",
        "requestType": "MODIFY_ORDER",
        "orderId": "1",
        "clientOrderId": "2",
        "market": "M",
        "requestId": "3",
    },
    "fill": {
        "ts": 1,
        "fillType": "FILL",
        "side": "BUY",
        "liquidity": "TAKER",
        "price": NUMBER,
        "size": NUMBER,
        "fee": Decimal("-0.00000001"),
        "createdAt": 2,
        "account": ACCOUNT,
        "underlyingPrice": NUMBER,
        "realizedFunding": NUMBER,
        "flags": ("FASTFILL", "UNKNOWN"),
        "orderbookSeqNo": 2**64 - 1,
        "fillId": "1",
        "orderId": "2",
        "tradeId": "3",
        "market": "M",
        "feeCurrency": "USDC",
    },
    "position": {
        "ts": 1,
        "seq": 2,
        "side": "SELL",
        "size": NUMBER,
        "avgEntryPrice": NUMBER,
        "unrealizedPnl": NUMBER,
        "realizedPnl": NUMBER,
        "leverage": NUMBER,
        "updatedAt": 3,
        "account": ACCOUNT,
        "avgEntryPriceUsd": NUMBER,
        "cost": NUMBER,
        "costUsd": NUMBER,
        "cachedFundingIndex": NUMBER,
        "unrealizedFundingPnl": NUMBER,
        "status": "OPEN",
        "market": "M",
        "lastFillId": "9",
    },
    "account": {
        "ts": 1,
        "seq": 2,
        "totalCollateral": NUMBER,
        "freeCollateral": NUMBER,
        "initialMarginReq": NUMBER,
        "maintenanceMarginReq": NUMBER,
        "accountValue": NUMBER,
        "updatedAt": 3,
        "account": ACCOUNT,
        "marginCushion": NUMBER,
        "status": "ACTIVE",
        "lastSeenNotification": 7,
        "settlementAsset": "USDC",
    },
    "heartbeat": {"ts": 1, "seq": 2},
}

# Template id and block length of every version, as the venue publishes them.
BLOCK_LENGTHS = {
    "trade": (1, (50, 50, 50, 50)),
    "bbo": (2, (48, 48, 48, 48)),
    "book": (3, (89, 89, 89, 89)),
    "market_summary": (4, (216, 240, 240, 248)),
    "funding_data": (5, (58, 66, 66, 66)),
    "funding_rate_comparison": (6, (None, 26, 26, 26)),
    "order": (20, (126, 126, 128, 128)),
    "fill": (21, (107, 107, 116, 116)),
    "position": (22, (154, 154, 154, 154)),
    "account": (23, (113, 113, 121, 121)),
    "heartbeat": (40, (16, 16, 16, 16)),
}


def encode(event: str, version: int, **changes: Any) -> bytes:
    return sbe.encode(event, COMPLETE[event] | changes, version)


def i64(frame: bytes, offset: int) -> int:
    value: int = struct.unpack_from("<q", frame, 8 + offset)[0]
    return value


def texts(frame: bytes, offset: int) -> list[str]:
    found, at = [], 8 + offset
    while at < len(frame):
        end = at + 1 + frame[at]
        found.append(frame[at + 1 : end].decode())
        at = end
    return found


def test_every_template_is_covered() -> None:
    assert sbe.TEMPLATES.keys() == COMPLETE.keys() == BLOCK_LENGTHS.keys()


@pytest.mark.parametrize("version", sbe.VERSIONS)
@pytest.mark.parametrize("event", BLOCK_LENGTHS)
def test_header(event: str, version: int) -> None:
    template_id, lengths = BLOCK_LENGTHS[event]
    if lengths[version] is None:
        with pytest.raises(ValueError, match="does not exist in schema version 0"):
            encode(event, version)
        return
    frame = encode(event, version)
    assert struct.unpack_from("<4H", frame) == (lengths[version], template_id, 1, version)


def test_recorded_frame_is_reproduced_byte_for_byte() -> None:
    # Sent by the venue's production feed on 2026-10-08.
    recorded = (
        "3000020001000100"
        "48f461eb495d06009ac632ca01000000803b0a5696070000983a000000000000"
        "80c60b0a9707000018790000000000000c4254432d5553442d50455250"
    )
    fields = {
        "ts": 1791421923325000,
        "seq": 7687292570,
        "bidPrice": Decimal("83422.7"),
        "bidSize": Decimal("0.00015"),
        "askPrice": Decimal("83452.9"),
        "askSize": Decimal("0.00031"),
        "market": "BTC-USD-PERP",
    }
    assert sbe.encode("bbo", fields, 1).hex() == recorded


def test_trade() -> None:
    frame = encode("trade", 2)
    assert [i64(frame, at) for at in (0, 8, 25, 33, 41)] == [1, 2, 4200050000000, 100000, 3]
    assert (frame[8 + 24], frame[8 + 49]) == (2, 5)
    assert i64(frame, 16) % 2**64 == 1759500000000000001201703010000 % 2**64
    assert texts(frame, 50) == ["BTC-USD-PERP", "1759500000000000001201703010000"]


def test_trade_id_wraps_to_a_negative_number() -> None:
    assert i64(encode("trade", 1, tradeId=2**64 + 2**63 + 5), 16) == -(2**63) + 5


def test_empty_book_side_is_null() -> None:
    frame = encode("bbo", 2)
    assert [i64(frame, at) for at in (16, 24, 32, 40)] == [150000000, 150000000, NULL, NULL]


def test_book_groups() -> None:
    frame = encode("book", 2)
    assert frame[8 + 16] == 1
    levels = struct.unpack_from("<2H4q2H2q", frame, 8 + 89)
    assert levels == (
        *(16, 2, 200000000, 300000000, 100000000, 0),
        *(16, 1, 400000000, 500000000),
    )
    assert texts(frame, 89 + struct.calcsize("<2H4q2H2q")) == ["M"]


def test_book_with_too_many_levels_is_refused() -> None:
    levels = [(Decimal(1), Decimal(1))] * (sbe.GROUP_ENTRIES_MAX + 1)
    with pytest.raises(ValueError, match=r"book\.bids: 65536 levels do not fit"):
        encode("book", 2, bids=levels)


def test_rates_are_cut_and_the_precise_rate_keeps_twelve_decimals() -> None:
    frame = encode("market_summary", 3)
    assert i64(frame, 56) == 10000
    assert i64(frame, 88) == -1234567
    assert i64(frame, 232) == 100000012
    assert i64(frame, 240) == 150000000


def test_lifetime_volume_saturates() -> None:
    assert i64(encode("market_summary", 2), 80) == 2**63 - 1


def test_order_flags_of_a_later_version_are_left_out() -> None:
    assert encode("order", 1)[8 + 125] == 0b000001
    assert encode("order", 2)[8 + 125] == 0b100001


def test_account_is_32_bytes_big_endian() -> None:
    frame = encode("account", 1)
    assert frame[8 + 72 : 8 + 104].hex() == ACCOUNT.removeprefix("0x").zfill(64)


def test_fill_without_sequence_is_null_and_bits_are_set() -> None:
    frame = encode("fill", 2)
    assert i64(frame, 8) == NULL
    assert frame[8 + 107] == 0b10000100
    assert i64(frame, 35) == -1
    assert texts(frame, 116) == ["1", "2", "", "3", "M", "USDC"]
    assert texts(encode("fill", 1), 107) == ["1", "2", "", "3", "M"]


@pytest.mark.parametrize(
    ("event", "length", "last_texts"),
    [
        ("trade", 50, ["BTC-USD-PERP"]),
        ("order", 126, ["1", "2", "M", ""]),
        ("account", 113, ["USDC"]),
    ],
)
def test_short_layout_of_version_2(event: str, length: int, last_texts: list[str]) -> None:
    frame = sbe.encode(event, COMPLETE[event], 2, long_layout=False)
    assert struct.unpack_from("<H", frame)[0] == length
    assert texts(frame, length) == last_texts


@pytest.mark.parametrize("event", ["fill", "bbo", "position"])
def test_other_templates_have_one_layout(event: str) -> None:
    assert sbe.encode(event, COMPLETE[event], 2, long_layout=False) == encode(event, 2)


def test_layout_concerns_version_2_alone() -> None:
    for version in (1, 3):
        short = sbe.encode("order", COMPLETE["order"], version, long_layout=False)
        assert short == encode("order", version)


def test_word_the_schema_cannot_name() -> None:
    assert encode("order", 2, status="NON_REPRESENTABLE")[8 + 16] == 254


@pytest.mark.parametrize(
    ("event", "changes", "text"),
    [
        ("bbo", {"bidPrice": Decimal("0.000000001")}, "more than 8 decimals"),
        ("bbo", {"bidPrice": Decimal(2**63)}, "does not fit"),
        ("bbo", {"bidPrice": Decimal("-92233720368.54775808")}, "does not fit"),
        ("bbo", {"bidPrice": 1.5}, "needs a Decimal, got float"),
        ("bbo", {"bidPrice": Decimal("NaN")}, "not a number"),
        ("bbo", {"bidPrice": Decimal("Infinity")}, "not a number"),
        ("bbo", {"ts": True}, "needs an int, got bool"),
        ("bbo", {"ts": None}, "needs an int, got NoneType"),
        ("bbo", {"market": "M" * 256}, "256 bytes do not fit"),
        ("bbo", {"market": None}, "needs text"),
        ("book", {"bids": 5}, "needs an iterable"),
        ("book", {"bids": [(Decimal(1),)]}, "not enough values"),
        ("book", {"bids": [(Decimal(1), None)]}, "needs a Decimal"),
        ("trade", {"side": "buy"}, "unknown word 'buy'"),
        ("trade", {"price": None}, "needs a Decimal, got NoneType"),
        ("trade", {"tradeId": -1}, "does not fit"),
        ("book", {"pkgType": "NON_REPRESENTABLE"}, "unknown word"),
        ("order", {"flags": "MMP"}, "needs an iterable of words"),
        ("order", {"flags": ["ICEBERG"]}, "unknown word 'ICEBERG'"),
        ("order", {"account": "49d3"}, "needs hex text"),
        ("order", {"account": "0x" + "f" * 65}, "too big"),
        ("order", {"account": "0x"}, "invalid literal"),
        ("order", {"account": "0x-1"}, "invalid literal"),
        ("funding_data", {"fundingPeriodHours": 40000}, "does not fit"),
        ("account", {"lastSeenNotification": -1}, "does not fit"),
    ],
)
def test_value_that_does_not_fit_is_refused_by_name(
    event: str, changes: dict[str, Any], text: str
) -> None:
    name = next(iter(changes))
    with pytest.raises(ValueError, match=rf"^{event}\.{name}: .*{text}"):
        encode(event, 2, **changes)


def test_missing_and_unknown_fields_are_refused() -> None:
    with pytest.raises(ValueError, match=r"trade\.price: is missing"):
        sbe.encode("trade", {k: v for k, v in COMPLETE["trade"].items() if k != "price"}, 2)
    with pytest.raises(ValueError, match="trade has no field color"):
        encode("trade", 2, color="red")


def test_unknown_event_and_version_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown event 'candle'"):
        sbe.encode("candle", {}, 2)
    with pytest.raises(ValueError, match="schema version 4"):
        encode("bbo", 4)


@pytest.mark.parametrize("version", sbe.VERSIONS)
def test_negotiation(version: int) -> None:
    query = {"sbeSchemaId": "1", "sbeSchemaVersion": str(version)}
    assert sbe.negotiate(query | {"other": "x"}) == version


def test_connection_without_sbe() -> None:
    assert sbe.negotiate({}) is None


@pytest.mark.parametrize(
    "query",
    [
        {"sbeSchemaId": "1"},
        {"sbeSchemaVersion": "1"},
        {"sbeSchemaId": "2", "sbeSchemaVersion": "1"},
        {"sbeSchemaId": "1", "sbeSchemaVersion": "4"},
        {"sbeSchemaId": "1", "sbeSchemaVersion": "-1"},
        {"sbeSchemaId": "1", "sbeSchemaVersion": "01"},
        {"sbeSchemaId": "1", "sbeSchemaVersion": ""},
        {"sbeSchemaId": "one", "sbeSchemaVersion": "1"},
    ],
)
def test_unsupported_negotiation_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="unsupported SBE"):
        sbe.negotiate(query)


def test_served_versions_can_be_narrowed() -> None:
    query = {"sbeSchemaId": "1", "sbeSchemaVersion": "3"}
    with pytest.raises(ValueError, match="unsupported SBE"):
        sbe.negotiate(query, (0, 1, 2))
