"""The binary decoder against an encoder that shares nothing with it, and against noise."""

import struct
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from paradex_adapter.local_exchange.sbe import TEMPLATES, VERSIONS, encode
from paradex_adapter_core.parsers.frame import FrameParser

I64_MAX = 2**63 - 1
US_MAX = I64_MAX // 1000
amounts = st.integers(0, I64_MAX)
signed = st.integers(-I64_MAX, I64_MAX)
prices = st.integers(1, I64_MAX)
times = st.integers(0, US_MAX)
names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40).filter(
    lambda text: len(text.encode()) <= 255
)
levels = st.lists(st.tuples(amounts, amounts), max_size=40)
layouts = st.sampled_from([(0, True), (1, True), (2, True), (2, False), (3, True)])


def dec(units: int, places: int = 8) -> Decimal:
    return Decimal((int(units < 0), tuple(map(int, str(abs(units)))), -places))


def maybe(value: int | None, places: int = 8) -> Decimal | None:
    return None if value is None else dec(value, places)


def decode(frame: bytes) -> Any:
    parser = FrameParser()
    message = parser.parse_binary(frame)
    assert parser.counters == {}
    return message


@given(layouts, times, signed, st.integers(0, 2**94), st.sampled_from([1, 2]), amounts, amounts,
       st.integers(1, 6), names)  # fmt: skip
@example((2, True), US_MAX, 0, 2**63, 1, I64_MAX, I64_MAX, 6, "m")
def test_trade(layout: tuple[int, bool], created: int, seq: int, trade_id: int, side: int,
               price: int, size: int, kind: int, market: str) -> None:  # fmt: skip
    version, is_long = layout
    words = ["FILL", "LIQUIDATION", "UNWIND_TRANSFER", "SETTLE_MARKET", "RPI", "BLOCK_TRADE"]
    told = {
        "ts": 0,
        "seq": seq,
        "tradeId": trade_id,
        "side": ["BUY", "SELL"][side - 1],
        "price": dec(price),
        "size": dec(size),
        "createdAt": created,
        "tradeType": words[kind - 1],
        "market": market,
        "tradeIdStr": str(trade_id),
    }
    frame = encode("trade", told, version, long_layout=is_long)
    message = decode(frame)
    has_text = version == 3 or (version == 2 and is_long)
    fallback = (
        created.to_bytes(8, "little")[:7].hex()
        + (seq & (2**24 - 1)).to_bytes(3, "little").hex()
        + (trade_id % 2**64).to_bytes(8, "little").hex()
    )
    expected_id = str(trade_id) if has_text else fallback
    assert message == (
        1, market, expected_id, side, price, size, kind, seq, created * 1000,
    )  # fmt: skip


@given(layouts, times, signed, st.none() | st.tuples(prices, amounts),
       st.none() | st.tuples(prices, amounts), names)  # fmt: skip
def test_bbo(layout: tuple[int, bool], ts: int, seq: int, bid: tuple[int, int] | None,
             ask: tuple[int, int] | None, market: str) -> None:  # fmt: skip
    bid_price, bid_size = bid or (None, None)
    ask_price, ask_size = ask or (None, None)
    told = {
        "ts": ts,
        "seq": seq,
        "bidPrice": maybe(bid_price),
        "bidSize": maybe(bid_size),
        "askPrice": maybe(ask_price),
        "askSize": maybe(ask_size),
        "market": market,
    }
    frame = encode("bbo", told, layout[0], long_layout=layout[1])
    expected = (2, market, seq, bid_price, bid_size, ask_price, ask_size, ts * 1000)
    assert decode(frame) == expected


@given(times, signed, st.booleans(), levels, levels, names)
def test_book(ts: int, seq: int, is_snapshot: bool, bids: list[tuple[int, int]],
              asks: list[tuple[int, int]], market: str) -> None:  # fmt: skip
    told = {
        "ts": ts,
        "seq": seq,
        "pkgType": "SNAPSHOT" if is_snapshot else "DELTA",
        "bids": [(dec(price), dec(size)) for price, size in bids],
        "asks": [(dec(price), dec(size)) for price, size in asks],
        "market": market,
    }
    flat_bids = tuple(value for level in bids for value in level)
    flat_asks = tuple(value for level in asks for value in level)
    expected = (3, market, seq, is_snapshot, flat_bids, flat_asks, ts * 1000)
    assert decode(encode("book", told, 3)) == expected


@given(st.binary(max_size=400))
def test_any_bytes_are_decoded_or_counted(data: bytes) -> None:
    parser = FrameParser()
    message = parser.parse_binary(data)
    assert message is not None or sum(parser.counters.values()) >= 1


@settings(max_examples=400)
@given(
    st.integers(0, 200),
    st.sampled_from([1, 2, 3, 4, 5, 6, 20, 21, 22, 23, 40, 41]),
    st.integers(0, 4),
    st.binary(max_size=400),
)
def test_any_body_under_a_good_header_is_decoded_or_counted(
    block: int, template: int, version: int, body: bytes
) -> None:
    parser = FrameParser()
    message = parser.parse_binary(struct.pack("<4H", block, template, 1, version) + body)
    assert message is not None or sum(parser.counters.values()) >= 1


ACCOUNT = "0x" + "0" * 3 + "1234567890abcdef" * 3
FRAMES: dict[str, dict[str, object]] = {
    "trade": {"tradeId": 5, "side": "BUY", "price": Decimal(1), "size": Decimal(1),
              "createdAt": 9, "tradeType": "FILL", "tradeIdStr": "5"},
    "bbo": {"bidPrice": Decimal(1), "bidSize": Decimal(2)},
    "book": {"pkgType": "DELTA", "bids": [(Decimal(1), Decimal(2))],
             "asks": [(Decimal(3), Decimal(4)), (Decimal(5), Decimal(0))]},
    "market_summary": {name: Decimal(1) for name in (
        "markPrice", "indexPrice", "lastPrice", "volumeUsd24h", "openInterest", "fundingRate",
        "totalVolume", "priceChangeRate24h")},
    "funding_data": {"fundingRate": Decimal(1), "fundingIndex": Decimal(1), "createdAt": 3,
                     "fundingPremium": Decimal(1), "fundingRate8h": Decimal(1),
                     "fundingPeriodHours": 8},
    "funding_rate_comparison": {"lastUpdatedAt": 1, "hourlyFundingRate": Decimal(0),
                                "assetKind": "SPOT", "source": "STORK"},
    "order": {"status": "OPEN", "side": "SELL", "orderType": "LIMIT", "timeInForce": "GTC",
              "size": Decimal(1), "sizeOpen": Decimal(1), "createdAt": 1, "updatedAt": 1,
              "account": ACCOUNT, "receivedAt": 1, "publishedAt": 1, "orderId": "o",
              "clientOrderId": "c", "cancelReason": "r", "requestId": "q",
              "requestMessage": "m"},
    "fill": {"fillType": "FILL", "side": "BUY", "liquidity": "TAKER", "price": Decimal(1),
             "size": Decimal(1), "fee": Decimal(1), "createdAt": 1, "account": ACCOUNT,
             "underlyingPrice": Decimal(1), "realizedFunding": Decimal(0), "fillId": "f",
             "orderId": "o", "clientOrderId": "c", "tradeId": "t", "feeCurrency": "USDC"},
    "position": {"side": "SELL", "size": Decimal(1), "avgEntryPrice": Decimal(1),
                 "unrealizedPnl": Decimal(1), "realizedPnl": Decimal(1), "leverage": Decimal(1),
                 "updatedAt": 1, "account": ACCOUNT, "avgEntryPriceUsd": Decimal(1),
                 "cost": Decimal(1), "costUsd": Decimal(1), "cachedFundingIndex": Decimal(1),
                 "unrealizedFundingPnl": Decimal(1), "status": "OPEN", "lastFillId": "f"},
    "account": {name: Decimal(1) for name in (
        "totalCollateral", "freeCollateral", "initialMarginReq", "maintenanceMarginReq",
        "accountValue", "marginCushion")} | {
        "updatedAt": 1, "account": ACCOUNT, "status": "ACTIVE", "settlementAsset": "USDC"},
    "heartbeat": {},
}  # fmt: skip
# Texts that came after version 1: a frame that ends before them is one of an older layout.
APPENDED = {"trade": (b"\x015",), "order": (b"\x01m", b"\x01q"), "fill": (b"\x04USDC",)}


def sample_frame(event: str, version: int) -> bytes:
    template = TEMPLATES[event]
    told = {"ts": 7} | FRAMES[event]
    known = {field.name for field in template.fields} | {text.name for text in template.texts}
    told |= {
        name: value for name, value in (("seq", 11), ("market", "BTC-USD-PERP")) if name in known
    }
    return encode(event, told, version)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("event", TEMPLATES)
def test_frame_cut_at_any_offset_is_counted_or_one_of_an_older_layout(
    event: str, version: int
) -> None:
    if version < TEMPLATES[event].since:
        pytest.skip("not in this version")
    frame = sample_frame(event, version)
    complete = {len(frame)}
    if version >= 2:
        at = len(frame)
        for text in APPENDED.get(event, ()):
            assert frame[:at].endswith(text)
            at -= len(text)
            complete.add(at)
    for size in range(len(frame) + 1):
        parser = FrameParser()
        message = parser.parse_binary(frame[:size])
        assert (message is not None) == (size in complete), size
        assert sum(parser.counters.values()) == (0 if size in complete else 1), size


@pytest.mark.parametrize("event", TEMPLATES)
def test_block_longer_than_known_and_bytes_after_the_end_are_skipped(event: str) -> None:
    frame = sample_frame(event, 3)
    (block,) = struct.unpack_from("<H", frame)
    # A version to come: 16 more bytes in the block, whatever they are for, and another text.
    appended = b"\x00" * 15 + b"\x80"
    header = struct.pack("<H", block + 16) + frame[2:8]
    grown = header + frame[8 : 8 + block] + appended + frame[8 + block :] + b"\x03new"
    known, later = decode(frame), decode(grown)
    if isinstance(known, tuple):
        assert known == later
    else:
        told = [name for name in dir(known) if not name.startswith("_")]
        assert told
        assert [getattr(known, name) for name in told] == [getattr(later, name) for name in told]
