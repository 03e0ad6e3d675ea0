"""Reading recorded frames: the inverse of encoding, at every version, and no other frame."""

import struct
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paradex_adapter.local_exchange import sbe
from paradex_adapter.local_exchange.sbe_reading import PUBLIC_EVENTS, decode, outline

MARKET = "BTC-USD-PERP"
PRICE, SIZE = Decimal("90000.10000000"), Decimal("0.01000000")
SUMMARY_NAMES = (
    *("markPrice", "indexPrice", "lastPrice", "volumeUsd24h", "openInterest", "fundingRate"),
    *("totalVolume", "priceChangeRate24h", "delta", "gamma", "vega"),
)
FIELDS: dict[str, dict[str, Any]] = {
    "trade": {
        "ts": 5,
        "seq": 7,
        "tradeId": 12345,
        "side": "SELL",
        "price": PRICE,
        "size": SIZE,
        "createdAt": 4,
        "tradeType": "LIQUIDATION",
        "market": MARKET,
        "tradeIdStr": "12345",
    },
    "bbo": {
        "ts": 5,
        "seq": 7,
        "bidPrice": PRICE,
        "bidSize": SIZE,
        "askPrice": None,
        "askSize": None,
        "market": MARKET,
    },
    "book": {
        "ts": 5,
        "seq": 8,
        "pkgType": "DELTA",
        "bids": [(PRICE, SIZE), (PRICE - 1, Decimal("0E-8"))],
        "asks": [],
        "bestBidApiPrice": PRICE,
        "market": MARKET,
    },
    "market_summary": {"ts": 5, "seq": 9, "market": MARKET} | dict.fromkeys(SUMMARY_NAMES, PRICE),
    "funding_data": {
        "ts": 5,
        "seq": 9,
        "fundingRate": SIZE,
        "fundingIndex": PRICE,
        "createdAt": 5,
        "fundingPremium": SIZE,
        "fundingRate8h": SIZE,
        "fundingPeriodHours": 8,
        "market": MARKET,
    },
    "funding_rate_comparison": {
        "ts": 5,
        "lastUpdatedAt": 4,
        "hourlyFundingRate": Decimal("0.000000000001"),
        "assetKind": "PERPETUAL_FUTURE",
        "source": "OKX",
        "market": MARKET,
    },
}
FRAMES = [
    (event, version)
    for event in PUBLIC_EVENTS
    for version in sbe.VERSIONS
    if version >= sbe.TEMPLATES[event].since
]


@pytest.mark.parametrize(("event", "version"), FRAMES)
def test_what_was_encoded_reads_back_and_encodes_the_same(event: str, version: int) -> None:
    frame = sbe.encode(event, FIELDS[event], version)
    decoded = decode(frame)
    assert decoded is not None
    assert decoded[0] == event
    known = {name: value for name, value in FIELDS[event].items() if name in decoded[1]}
    assert {name: decoded[1][name] for name in known} == known
    assert FIELDS[event].keys() - known.keys() <= {"tradeIdStr"}
    assert sbe.encode(event, decoded[1], version) == frame
    seen = outline(frame)
    assert seen is not None
    assert (seen.event, seen.market) == (event, MARKET)
    if "seq" in FIELDS[event]:
        assert seen.seq == FIELDS[event]["seq"]


@pytest.mark.parametrize(("event", "version"), FRAMES)
def test_a_cut_frame_is_an_error_wherever_it_is_cut(event: str, version: int) -> None:
    frame = sbe.encode(
        event, FIELDS[event] | {"tradeIdStr": ""} if event == "trade" else FIELDS[event], version
    )
    end = frame.index(MARKET.encode()) + len(MARKET)
    for length in range(end):
        with pytest.raises(ValueError, match="cut off"):
            decode(frame[:length])
        with pytest.raises(ValueError, match="cut off"):
            outline(frame[:length])


def test_a_longer_block_of_a_later_version_is_read_as_far_as_it_is_known() -> None:
    frame = sbe.encode("bbo", FIELDS["bbo"], 3)
    size = sbe.HEADER.size + 48
    longer = struct.pack("<4H", 48 + 5, 2, 1, 9) + frame[8:size] + b"later" + frame[size:]
    assert decode(longer) == decode(frame)


@pytest.mark.parametrize(
    "frame",
    [
        sbe.encode("heartbeat", {"ts": 1, "seq": 1}, 3),
        struct.pack("<4H", 0, 2, 2, 1),
        struct.pack("<4H", 0, 99, 1, 1),
    ],
)
def test_what_is_no_public_market_data_is_none(frame: bytes) -> None:
    assert decode(frame) is None
    assert outline(frame) is None


def test_a_word_of_a_later_schema_is_not_representable() -> None:
    frame = bytearray(sbe.encode("trade", FIELDS["trade"], 3))
    frame[sbe.HEADER.size + 49] = 77
    decoded = decode(bytes(frame))
    assert decoded is not None
    assert decoded[1]["tradeType"] == "NON_REPRESENTABLE"


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(frame: bytes) -> None:
    for read in (decode, outline):
        with suppress(ValueError):
            assert read(frame) is None or frame[4:6] == b"\1\0"
