"""Every template of the binary schema, by an encoder that shares no table with the decoder."""

import struct
from decimal import Decimal as D  # noqa: N817
from typing import Any

import pytest

from paradex_adapter.local_exchange.sbe import encode
from paradex_adapter_core.parsers import sbe
from paradex_adapter_core.parsers.binary import LEVELS_MAX
from paradex_adapter_core.parsers.frame import FrameParser

ALL_LAYOUTS = [(0, True), (1, True), (2, False), (2, True), (3, True)]
TS = 1_791_421_923_325_000
ACCOUNT = "0x49ddd7a564c978f6e4089ff8355b56a42b7e2d48ba282cb5aad60f04bea0ec3"
E8 = 10**8
E12 = 10**12
NULL = -(2**63)


def decode(frame: bytes) -> Any:
    parser = FrameParser()
    message = parser.parse_binary(frame)
    assert parser.counters == {}
    return message


def refusal(frame: bytes) -> str:
    """Return under what the frame was counted."""
    parser = FrameParser()
    assert parser.parse_binary(frame) is None
    ((key, times),) = parser.counters.items()
    assert times == 1
    return key


def fields(message: object) -> dict[str, Any]:
    names = (name for name in dir(message) if not name.startswith("_") and name != "kind")
    return {name: getattr(message, name) for name in names}


def patch(frame: bytes, offset: int, layout: str, *values: int) -> bytes:
    """Overwrite a field of the fixed block."""
    changed = bytearray(frame)
    struct.pack_into("<" + layout, changed, 8 + offset, *values)
    return bytes(changed)


def trade_frame(version: int = 2, long_layout: bool = True, **changes: object) -> bytes:
    told: dict[str, object] = {
        "ts": TS + 5,
        "seq": 7_692_572,
        "tradeId": 1_791_421_923_325_020_170_398_667_001,
        "side": "SELL",
        "price": D("83422.7"),
        "size": D("0.00015"),
        "createdAt": TS,
        "tradeType": "RPI",
        "market": "BTC-USD-PERP",
        "tradeIdStr": "1791421923325020170398667001",
    }
    return encode("trade", told | changes, version, long_layout=long_layout)


TRADE = (1, "BTC-USD-PERP", "1791421923325020170398667001", 2, 8342270000000, 15000, 5,
         7_692_572, TS * 1000)  # fmt: skip


@pytest.mark.parametrize("layout", [(2, True), (3, True)])
def test_trade_carries_its_id_as_text(layout: tuple[int, bool]) -> None:
    assert decode(trade_frame(*layout)) == TRADE


@pytest.mark.parametrize("layout", [(0, True), (1, True), (2, False)])
def test_trade_without_the_text_gets_an_id_of_its_own(layout: tuple[int, bool]) -> None:
    trade = decode(trade_frame(*layout))
    assert trade[:2] + trade[3:] == TRADE[:2] + TRADE[3:]
    # 7 bytes of the creation time, 3 of the sequence number, 8 of the truncated id.
    assert trade[2] == "48f461eb495d06" + "1c6175" + trade_frame(*layout)[24:32].hex()
    assert len(trade[2]) == 36
    assert decode(trade_frame(*layout))[2] == trade[2]
    others: list[dict[str, Any]] = [{"createdAt": TS + 1}, {"seq": 7_692_573}, {"tradeId": 1}]
    told = {decode(trade_frame(*layout, **other))[2] for other in others}
    assert len(told | {trade[2]}) == 4


def test_trade_with_an_empty_id_text_gets_an_id_of_its_own() -> None:
    assert len(decode(trade_frame(tradeIdStr=""))[2]) == 36


@pytest.mark.parametrize(
    ("offset", "value", "key", "item"),
    [
        (24, 254, "unknown side 254", 3),
        (24, 0, "unknown side 0", 3),
        (49, 254, "unknown fill type 254", 6),
        (49, 0, "unknown fill type 0", 6),
    ],
)
def test_unknown_word_of_a_trade_is_counted_and_reads_as_zero(
    offset: int, value: int, key: str, item: int
) -> None:
    parser = FrameParser()
    trade: Any = parser.parse_binary(patch(trade_frame(), offset, "B", value))
    assert trade[item] == 0
    assert trade[:item] == TRADE[:item]
    assert parser.counters == {key: 1}


@pytest.mark.parametrize(
    ("offset", "value", "key"),
    [
        (25, -1, "template 1: malformed price or size"),
        (25, NULL, "template 1: malformed price or size"),
        (33, -1, "template 1: malformed price or size"),
        (41, -1, "template 1: malformed time"),
        (41, 2**63 - 1, "template 1: malformed time"),
    ],
)
def test_trade_that_lies_is_refused(offset: int, value: int, key: str) -> None:
    assert refusal(patch(trade_frame(), offset, "q", value)) == key


def bbo_frame(version: int = 3, **changes: object) -> bytes:
    told: dict[str, object] = {
        "ts": TS,
        "seq": 7_687_292_570,
        "bidPrice": D("83422.7"),
        "bidSize": D("0.00015"),
        "askPrice": D("83452.9"),
        "askSize": D("0.00031"),
        "market": "BTC-USD-PERP",
    }
    return encode("bbo", told | changes, version)


@pytest.mark.parametrize("version", [0, 1, 2, 3])
def test_bbo(version: int) -> None:
    assert decode(bbo_frame(version)) == (
        2, "BTC-USD-PERP", 7_687_292_570, 8342270000000, 15000, 8345290000000, 31000, TS * 1000,
    )  # fmt: skip


def test_empty_side_of_a_bbo_is_none() -> None:
    bid_only = decode(bbo_frame(askPrice=None, askSize=None))
    assert bid_only[3:7] == (8342270000000, 15000, None, None)
    ask_only = decode(bbo_frame(bidPrice=None, bidSize=None))
    assert ask_only[3:7] == (None, None, 8345290000000, 31000)
    # Before October 2026 an empty side was a price of zero.
    assert decode(bbo_frame(bidPrice=D(0), bidSize=D(0)))[3:5] == (None, None)


@pytest.mark.parametrize(("offset", "value"), [(16, -1), (24, -1), (24, NULL), (40, -5)])
def test_bbo_that_lies_is_refused(offset: int, value: int) -> None:
    assert refusal(patch(bbo_frame(), offset, "q", value)) == "template 2: malformed level"


def test_market_of_a_bbo_must_be_there_and_be_text() -> None:
    assert refusal(bbo_frame(market="")) == "template 2: missing field market"
    broken = bbo_frame(market="BTC").replace(b"BTC", b"B\xff\xfe")
    assert refusal(broken) == "template 2: malformed market"


def book_frame(**changes: object) -> bytes:
    told: dict[str, object] = {
        "ts": TS,
        "seq": 9,
        "pkgType": "DELTA",
        "bids": [(D("1.5"), D(2)), (D("1.4"), D(0))],
        "asks": [(D(3), D(4))],
        "market": "ETH-USD-PERP",
    }
    return encode("book", told | changes, 2)


def test_book_levels_are_flat() -> None:
    assert decode(book_frame()) == (
        3, "ETH-USD-PERP", 9, False, (150000000, 2 * E8, 140000000, 0), (3 * E8, 4 * E8),
        TS * 1000,
    )  # fmt: skip
    snapshot = decode(book_frame(pkgType="SNAPSHOT", bids=(), asks=()))
    assert snapshot == (3, "ETH-USD-PERP", 9, True, (), (), TS * 1000)


def test_book_of_neither_kind_is_refused() -> None:
    assert refusal(patch(book_frame(), 16, "B", 2)) == "template 3: malformed package"


@pytest.mark.parametrize("item", [0, 1, 2, 3])
def test_negative_level_is_refused(item: int) -> None:
    frame = patch(book_frame(asks=()), 89 + 4 + 8 * item, "q", -1)
    assert refusal(frame) == "template 3: malformed level"


def test_entries_of_a_group_may_have_grown() -> None:
    frame = book_frame(bids=[(D(1), D(2)), (D(3), D(4))], asks=())
    levels = frame[8 + 89 + 4 : 8 + 89 + 4 + 32]
    grown = b"".join(levels[at : at + 16] + b"\xff" * 8 for at in (0, 16))
    group = struct.pack("<2H", 24, 2) + grown
    frame = frame[: 8 + 89] + group + frame[8 + 89 + 4 + 32 :]
    assert decode(frame)[4:6] == ((E8, 2 * E8, 3 * E8, 4 * E8), ())
    negative = frame.replace(struct.pack("<q", 4 * E8), struct.pack("<q", -1))
    assert refusal(negative) == "template 3: malformed level"


@pytest.mark.parametrize(
    ("entry_bytes", "entries", "key"),
    [
        (15, 1, "template 3: malformed group"),
        (0, 1, "template 3: malformed group"),
        (16, LEVELS_MAX + 1, "template 3: malformed group"),
        (16, LEVELS_MAX, "template 3: truncated frame at group"),
        (0, 0, None),
    ],
)
def test_group_header_is_checked(entry_bytes: int, entries: int, key: str | None) -> None:
    frame = patch(book_frame(bids=(), asks=()), 89, "2H", entry_bytes, entries)
    if key is None:
        assert decode(frame)[4] == ()
    else:
        assert refusal(frame) == key


@pytest.mark.parametrize(
    ("cut", "key"),
    [
        (len("BTC-USD-PERP") + 1, "template 2: truncated frame at market"),
        (1, "template 2: truncated frame at market"),
    ],
)
def test_frame_that_ends_within_its_texts_is_truncated(cut: int, key: str) -> None:
    assert refusal(bbo_frame()[:-cut]) == key


def test_frame_that_ends_within_a_group_header_is_truncated() -> None:
    assert refusal(book_frame()[: 8 + 89 + 3]) == "template 3: truncated frame at group"


def test_market_is_decoded_once() -> None:
    parser = FrameParser()
    first: Any = parser.parse_binary(bbo_frame())
    second: Any = parser.parse_binary(bbo_frame())
    assert first == second
    assert first[1] is second[1]


def test_books_of_the_same_shape_share_their_unpacker() -> None:
    parser = FrameParser()
    assert parser.parse_binary(book_frame()) == parser.parse_binary(book_frame())
    assert len(parser._decoder._structs) == 2


def test_caches_are_bounded() -> None:
    parser = FrameParser()
    decoder = parser._decoder
    for number in range(sbe.MARKETS_CACHED_MAX + 2):
        quote: Any = parser.parse_binary(bbo_frame(market=f"M{number}"))
        assert quote[1] == f"M{number}"
    assert len(decoder._markets) == 2
    for levels in range(1, sbe.STRUCTS_CACHED_MAX + 3):
        book: Any = parser.parse_binary(book_frame(bids=[(D(1), D(1))] * levels, asks=()))
        assert len(book[4]) == 2 * levels
    assert len(decoder._structs) == 2
    assert parser.counters == {}


# The header


@pytest.mark.parametrize("size", [0, 7, sbe.FRAME_BYTES_MAX + 1])
def test_size_of_a_frame_is_bounded(size: int) -> None:
    assert refusal(b"\x01" * size) == "frame size out of bounds"


def test_frame_of_the_largest_size_is_read() -> None:
    frame = bbo_frame()
    assert decode(frame + b"\x00" * (sbe.FRAME_BYTES_MAX - len(frame)))[1] == "BTC-USD-PERP"


def test_unknown_schema_and_template_are_counted() -> None:
    assert refusal(struct.pack("<4H", 0, 77, 1, 2)) == "unknown template 77"
    assert refusal(struct.pack("<4H", 48, 2, 2, 0) + b"\x00" * 60) == "unknown schema 2"


def test_block_beyond_the_frame_is_truncated() -> None:
    frame = bbo_frame()
    cut = struct.pack("<H", 600) + frame[2:]
    assert refusal(cut) == "template 2: truncated frame at block"


@pytest.mark.parametrize(
    ("template", "block"),
    [(1, 50), (2, 48), (3, 89), (4, 216), (5, 58), (6, 26), (20, 126), (21, 107), (22, 154),
     (23, 113), (40, 16), (41, 17)],
)  # fmt: skip
def test_block_shorter_than_that_of_version_0_is_refused(template: int, block: int) -> None:
    frame = struct.pack("<4H", block - 1, template, 1, 0) + b"\x01" * 300
    assert refusal(frame) == f"template {template}: malformed block length"


# The templates that come seldom


def summary_frame(version: int, **changes: object) -> bytes:
    told: dict[str, object] = {
        "ts": TS,
        "seq": 4,
        "markPrice": D(10),
        "indexPrice": D(11),
        "lastPrice": D(12),
        "volumeUsd24h": D(13),
        "openInterest": D(14),
        "fundingRate": D("0.00010000"),
        "bid": D(15),
        "ask": D(16),
        "totalVolume": D(17),
        "priceChangeRate24h": D("-0.5"),
        "markIv": D("0.1"),
        "bidIv": D("0.2"),
        "askIv": D("0.3"),
        "lastIv": D("0.4"),
        "delta": D("1.25"),
        "gamma": D("0.6"),
        "vega": D("178.2"),
        "theta": D("-0.8"),
        "rho": D("0.9"),
        "volga": D("1.1"),
        "vanna": D("1.2"),
        "futureFundingRate": D("1.3"),
        "externalFairPrice": D(18),
        "bidSize": D(19),
        "askSize": D(20),
        "forwardRate": D("-0.1"),
        "riskFreeRate": D("0.05"),
        "fundingRatePrecise": D("0.000100000123"),
        "settlementTwapEstimate": D(21),
        "market": "BTC-USD-PERP",
    }
    return encode("market_summary", told | changes, version)


SUMMARY = {
    "market": "BTC-USD-PERP",
    "seq_no": 4,
    "mark_price": 10 * E8,
    "index_price": 11 * E8,
    "last_price": 12 * E8,
    "bid": 15 * E8,
    "bid_size": 19 * E8,
    "ask": 16 * E8,
    "ask_size": 20 * E8,
    "volume_24h": 13 * E8,
    "total_volume": 17 * E8,
    "open_interest": 14 * E8,
    "price_change_rate_24h": -E12 // 2,
    "funding_rate": 100000123,
    "future_funding_rate": 13 * E12 // 10,
    "external_fair_price": 18 * E8,
    "settlement_twap_estimate": 21 * E8,
    "mark_iv": E12 // 10,
    "bid_iv": 2 * E12 // 10,
    "ask_iv": 3 * E12 // 10,
    "last_iv": 4 * E12 // 10,
    "delta": 125 * E12 // 100,
    "gamma": 6 * E12 // 10,
    "vega": 1782 * E12 // 10,
    "theta": -8 * E12 // 10,
    "rho": 9 * E12 // 10,
    "vanna": 12 * E12 // 10,
    "volga": 11 * E12 // 10,
    "forward_rate": -E12 // 10,
    "risk_free_rate": 5 * E12 // 100,
    "ts_event": TS * 1000,
}
SINCE_1 = {"forward_rate": None, "risk_free_rate": None, "funding_rate": E12 // 10**4}
SINCE_3 = {"settlement_twap_estimate": None}


@pytest.mark.parametrize(
    ("version", "absent"), [(0, SINCE_1 | SINCE_3), (1, SINCE_3), (2, SINCE_3), (3, {})]
)
def test_market_summary(version: int, absent: dict[str, int | None]) -> None:
    assert fields(decode(summary_frame(version))) == SUMMARY | absent


def test_nulls_of_a_market_summary_are_none() -> None:
    nullable = (
        "bid", "ask", "markIv", "bidIv", "askIv", "lastIv", "delta", "gamma", "vega", "theta",
        "rho", "volga", "vanna", "futureFundingRate", "externalFairPrice", "bidSize", "askSize",
        "forwardRate", "riskFreeRate", "fundingRatePrecise", "settlementTwapEstimate",
    )  # fmt: skip
    frame = summary_frame(3, **dict.fromkeys(nullable))
    there = {
        name: SUMMARY[name]
        for name in (
            "market", "seq_no", "mark_price", "index_price", "last_price", "volume_24h",
            "total_volume", "open_interest", "price_change_rate_24h", "ts_event",
        )
    }  # fmt: skip
    expected = dict.fromkeys(SUMMARY) | there | {"funding_rate": E12 // 10**4}
    assert fields(decode(frame)) == expected
    # What the schema calls required may be null all the same.
    assert decode(patch(frame, 16, "q", NULL)).mark_price is None


def test_largest_rate_widens_beyond_64_bits() -> None:
    frame = patch(summary_frame(3), 96, "q", 2**63 - 1)
    assert decode(frame).mark_iv == (2**63 - 1) * 10_000


@pytest.mark.parametrize(("version", "premium"), [(0, None), (1, -(10**8)), (3, -(10**8))])
def test_funding_data(version: int, premium: int | None) -> None:
    told = {
        "ts": TS + 9,
        "seq": 6,
        "fundingRate": D("0.00008"),
        "fundingIndex": D("23784.07241073"),
        "createdAt": TS,
        "fundingPremium": D("6.55509500"),
        "fundingRate8h": D("0.000081"),
        "fundingPeriodHours": 8,
        "impactPremiumRate": D("-0.0001"),
        "market": "BTC-USD-PERP",
    }
    frame = encode("funding_data", told, version)
    assert fields(decode(frame)) == {
        "market": "BTC-USD-PERP",
        "seq_no": 6,
        "funding_rate": 80_000_000,
        "funding_rate_8h": 81_000_000,
        "funding_index": 2378407241073,
        "funding_premium": 655509500,
        "impact_premium_rate": premium,
        "funding_period_hours": 8,
        "ts_event": TS * 1000,
    }
    assert refusal(patch(frame, 56, "h", -1)) == "template 5: malformed hours"


def test_funding_rate_comparison() -> None:
    told = {
        "ts": TS + 9,
        "lastUpdatedAt": TS,
        "hourlyFundingRate": D("-0.000000000001"),
        "assetKind": "OPTION",
        "source": "BYBIT",
        "market": "BTC-USD-PERP",
    }
    frame = encode("funding_rate_comparison", told, 1)
    expected = {
        "market": "BTC-USD-PERP",
        "asset_kind": 2,
        "source": 3,
        "hourly_funding_rate": -1,
        "ts_updated": TS * 1000,
        "ts_event": (TS + 9) * 1000,
    }
    assert fields(decode(frame)) == expected
    parser = FrameParser()
    assert fields(parser.parse_binary(patch(frame, 24, "BB", 9, 13))) == expected | {
        "asset_kind": 0,
        "source": 0,
    }
    assert parser.counters == {"unknown asset kind 9": 1, "unknown funding source 13": 1}
    null = patch(frame, 16, "q", NULL)
    assert refusal(null) == "template 6: missing field hourly funding rate"


def order_frame(version: int = 3, long_layout: bool = True, **changes: object) -> bytes:
    told: dict[str, object] = {
        "ts": TS,
        "seq": 1_718_958_002_991_595_738,
        "status": "OPEN",
        "side": "BUY",
        "orderType": "STOP_LIMIT",
        "timeInForce": "POST_ONLY",
        "price": D("62000.1"),
        "triggerPrice": D("61999"),
        "size": D("0.15"),
        "sizeOpen": D("0.05"),
        "avgFillPrice": D("62000.05"),
        "createdAt": TS + 1,
        "updatedAt": TS + 2,
        "account": ACCOUNT,
        "receivedAt": TS,
        "publishedAt": TS,
        "stp": "EXPIRE_TAKER",
        "flags": ["REDUCE_ONLY", "STOP_CONDITION_ABOVE_TRIGGER"],
        "requestStatus": "REJECTED",
        "requestType": "MODIFY_ORDER",
        "orderId": "1759500000000000001",
        "clientOrderId": "O-1",
        "market": "BTC-USD-PERP",
        "cancelReason": "",
        "requestId": "r-1",
        "requestMessage": "too late",
    }
    return encode("order", told | changes, version, long_layout=long_layout)


ORDER = {
    "account": ACCOUNT,
    "venue_order_id": "1759500000000000001",
    "client_order_id": "O-1",
    "market": "BTC-USD-PERP",
    "side": 1,
    "order_type": 3,
    "instruction": 3,
    "status": 3,
    "price": 6200010000000,
    "trigger_price": 6199900000000,
    "size": 15000000,
    "remaining_size": 5000000,
    "avg_fill_price": 6200005000000,
    "cancel_reason": "",
    "flags": 5,
    "stp": 2,
    "seq_no": 1_718_958_002_991_595_738,
    "feed": 2,
    "ts_created": (TS + 1) * 1000,
    "ts_updated": (TS + 2) * 1000,
    "ts_signed": 0,
    "request_id": "r-1",
    "request_status": 3,
    "request_type": 1,
    "request_message": "too late",
}
NO_REQUEST = {"request_id": "", "request_status": 0, "request_type": 0, "request_message": ""}


@pytest.mark.parametrize("layout", ALL_LAYOUTS)
def test_order(layout: tuple[int, bool]) -> None:
    is_told = layout[0] >= 2 and layout[1]
    assert fields(decode(order_frame(*layout))) == ORDER | ({} if is_told else NO_REQUEST)


def test_prices_an_order_lacks_are_none() -> None:
    frame = order_frame(price=None, triggerPrice=D(0), avgFillPrice=None)
    assert fields(decode(frame)) == ORDER | {
        "price": None,
        "trigger_price": None,
        "avg_fill_price": None,
    }


def test_unknown_words_of_an_order_are_counted_and_read_as_zero() -> None:
    frame = patch(order_frame(), 16, "4B", 254, 254, 254, 254)
    parser = FrameParser()
    order = parser.parse_binary(patch(frame, 124, "4B", 254, 129, 254, 254))
    zeros = ("status", "side", "order_type", "instruction", "stp", "request_status")
    assert fields(order) == ORDER | dict.fromkeys(zeros, 0) | {"flags": 1, "request_type": 0}
    assert parser.counters == {
        "unknown order status 254": 1,
        "unknown side 254": 1,
        "unknown order type 254": 1,
        "unknown instruction 254": 1,
        "unknown stp mode 254": 1,
        "unknown order flag in 129": 1,
        "unknown request status 254": 1,
        "unknown request type 254": 1,
    }


@pytest.mark.parametrize(
    ("offset", "value", "key"),
    [
        (20, -1, "template 20: malformed price"),
        (28, -1, "template 20: malformed trigger price"),
        (36, -1, "template 20: malformed size"),
        (44, NULL, "template 20: missing field remaining size"),
        (68, -1, "template 20: malformed time"),
    ],
)
def test_order_that_lies_is_refused(offset: int, value: int, key: str) -> None:
    assert refusal(patch(order_frame(), offset, "q", value)) == key


def test_order_without_an_id_or_market_is_refused() -> None:
    assert refusal(order_frame(orderId="")) == "template 20: missing field order id"
    assert refusal(order_frame(market="")) == "template 20: missing field market"


def test_account_is_hex_without_leading_zeros() -> None:
    assert decode(order_frame(account="0x" + "0" * 60 + "00a1")).account == "0xa1"
    assert decode(order_frame(account="0x" + "f" * 64)).account == "0x" + "f" * 64
    assert decode(order_frame(account="0x0")).account == "0x0"


@pytest.mark.parametrize("version", [0, 1, 2, 3])
def test_fill(version: int) -> None:
    told = {
        "ts": TS + 9,
        "seq": None,
        "fillType": "LIQUIDATION",
        "side": "SELL",
        "liquidity": "MAKER",
        "price": D("83894.04692005"),
        "size": D("0.01"),
        "fee": D("-0.0005"),
        "realizedPnl": D("-1.5"),
        "createdAt": TS,
        "account": ACCOUNT,
        "underlyingPrice": D(83000),
        "realizedFunding": D("0.25"),
        "flags": ["INTERACTIVE", "FASTFILL"],
        "orderbookSeqNo": 2**64 - 1,
        "fillId": "f-1",
        "orderId": "o-1",
        "clientOrderId": "",
        "tradeId": "t-1",
        "market": "BTC-USD-PERP",
        "feeCurrency": "DIME",
    }
    expected = {
        "account": ACCOUNT,
        "fill_id": "f-1",
        "fill_type": 2,
        "venue_order_id": "o-1",
        "client_order_id": "",
        "market": "BTC-USD-PERP",
        "side": 2,
        "liquidity": 1,
        "price": 8389404692005,
        "size": 1000000,
        "remaining_size": None,
        "fee": -50000,
        "fee_currency": "DIME" if version >= 2 else "",
        "realized_pnl": -150000000,
        "realized_funding": 25000000,
        "flags": 5 if version >= 2 else 0,
        "ts_event": TS * 1000,
    }
    frame = encode("fill", told, version)
    assert fields(decode(frame)) == expected
    assert decode(patch(frame, 43, "q", NULL)).realized_pnl is None
    assert refusal(patch(frame, 35, "q", NULL)) == "template 21: missing field fee"
    assert refusal(patch(frame, 19, "q", -1)) == "template 21: malformed price"
    nameless = encode("fill", told | {"fillId": ""}, version)
    assert refusal(nameless) == "template 21: missing field fill id"


def position_frame(**changes: object) -> bytes:
    told: dict[str, object] = {
        "ts": TS,
        "seq": 7002,
        "side": "SELL",
        "size": D("0.05"),
        "avgEntryPrice": D("62000.05"),
        "unrealizedPnl": D("-12.5"),
        "realizedPnl": D("3.5"),
        "liquidationPrice": D(70000),
        "leverage": D("2.5"),
        "updatedAt": TS + 1,
        "account": ACCOUNT,
        "avgEntryPriceUsd": D("62001"),
        "cost": D("-3100.0025"),
        "costUsd": D("-3100"),
        "cachedFundingIndex": D(1),
        "unrealizedFundingPnl": D("-0.12"),
        "status": "OPEN",
        "market": "BTC-USD-PERP",
        "lastFillId": "f-1",
    }
    return encode("position", told | changes, 3)


POSITION = {
    "account": ACCOUNT,
    "market": "BTC-USD-PERP",
    "status": 1,
    "size": -5000000,
    "average_entry_price": 6200005000000,
    "average_entry_price_usd": 6200100000000,
    "unrealized_pnl": -1250000000,
    "realized_pnl": 350000000,
    "realized_funding": None,
    "liquidation_price": 7000000000000,
    "last_fill_id": "f-1",
    "seq_no": 7002,
    "feed": 2,
    "ts_updated": (TS + 1) * 1000,
}


def test_position_is_signed_by_its_side() -> None:
    assert fields(decode(position_frame())) == POSITION
    assert fields(decode(position_frame(side="BUY"))) == POSITION | {"size": 5000000}
    closed = position_frame(size=D(0), status="CLOSED", liquidationPrice=None)
    assert fields(decode(closed)) == POSITION | {
        "size": 0,
        "status": 2,
        "liquidation_price": None,
    }
    # A computed price below zero is none that can be reached.
    assert decode(position_frame(liquidationPrice=D(-3))).liquidation_price is None


def test_position_of_no_known_side_is_refused_unless_it_is_empty() -> None:
    parser = FrameParser()
    assert parser.parse_binary(patch(position_frame(), 16, "B", 254)) is None
    assert parser.counters == {"unknown side 254": 1, "template 22: malformed side": 1}
    empty: Any = parser.parse_binary(patch(position_frame(size=D(0)), 16, "B", 254))
    assert empty.size == 0


@pytest.mark.parametrize("layout", ALL_LAYOUTS)
def test_account(layout: tuple[int, bool]) -> None:
    told = {
        "ts": TS,
        "seq": 20,
        "totalCollateral": D(1000),
        "freeCollateral": D("900.5"),
        "initialMarginReq": D(100),
        "maintenanceMarginReq": D(50),
        "accountValue": D("1000.5"),
        "updatedAt": TS + 1,
        "account": ACCOUNT,
        "marginCushion": D("950.5"),
        "status": "LIQUIDATION",
        "settlementAsset": "USDC",
    }
    frame = encode("account", told, layout[0], long_layout=layout[1])
    expected = {
        "account": ACCOUNT,
        "status": "LIQUIDATION",
        "account_value": 100050000000,
        "total_collateral": 100000000000,
        "free_collateral": 90050000000,
        "initial_margin": 10000000000,
        "maintenance_margin": 5000000000,
        "settlement_asset": "USDC",
        "seq_no": 20,
        "feed": 2,
        "ts_updated": (TS + 1) * 1000,
    }
    assert fields(decode(frame)) == expected
    parser = FrameParser()
    unknown = parser.parse_binary(patch(frame, 112, "B", 9))
    assert fields(unknown) == expected | {"status": ""}
    assert parser.counters == {"unknown account status 9": 1}


def test_heartbeat_and_binary_acknowledgment() -> None:
    heartbeat = decode(encode("heartbeat", {"ts": TS, "seq": 3}, 0))
    assert fields(heartbeat) == {"seq_no": 3, "ts_event": TS * 1000}
    body = struct.pack("<qqB", TS, 3, 0) + b"\x07bbo.ALL"
    accepted = decode(struct.pack("<4H", 17, 41, 1, 0) + body)
    expected = {"channel": "bbo.ALL", "is_accepted": True, "seq_no": 3, "ts_event": TS * 1000}
    assert fields(accepted) == expected
    refused = decode(patch(struct.pack("<4H", 17, 41, 1, 0) + body, 16, "B", 1))
    assert fields(refused) == expected | {"is_accepted": False}
