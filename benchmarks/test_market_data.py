"""From a binary frame to a Nautilus object, beside the floor, the interpreted core and the SDK.

The floor is building the same objects from numbers that are ready; the SDK stops at dicts. Trades,
quotes and books go all the way; the other templates stop at the core's message, which has no floor.
Every frame of a batch differs from the others; the prices of a batch come again with the next, as a
market's prices do.

Run: ``pytest benchmarks/test_market_data.py --benchmark-enable --benchmark-only``.
"""

from base64 import b64encode
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.model.data import OrderBookDelta, OrderBookDeltas, QuoteTick, TradeTick
from nautilus_trader.model.enums import AggressorSide, BookAction, OrderSide
from nautilus_trader.model.identifiers import InstrumentId, TradeId
from nautilus_trader.model.objects import FIXED_PRECISION
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.interleaved import ROUNDS, beside_peers, hold
from benchmarks.interpreted_core import import_interpreted
from benchmarks.official_sdk import NAME as SDK
from benchmarks.official_sdk import official_sdk
from paradex_adapter.local_exchange import sbe
from paradex_adapter.translate.market_data import (
    Scales,
    bbo_to_quote_tick,
    book_to_deltas,
    trade_to_trade_tick,
)
from paradex_adapter_core.build import is_compiled
from paradex_adapter_core.parsers.frame import FrameParser
from tests.unit.local_exchange.test_sbe import COMPLETE

FRAMES = 64
BYTES_A_ROUND = 100_000
ROUNDS_NO_TARGET = 15
MARKET = "BTC-USD-PERP"
INSTRUMENT_ID = InstrumentId.from_str(f"{MARKET}.PARADEX")
PRICE_PRECISION, SIZE_PRECISION = 1, 5
SCALES: Scales = (INSTRUMENT_ID, PRICE_PRECISION, {}, SIZE_PRECISION, 10**3)
RAW = 10**FIXED_PRECISION
TS_US = 1_795_000_000_000_000
TS_INIT = TS_US * 1000 + 1
FLOOR = "building the objects alone"
FLOOR_TICKS = 2.5
FLOOR_BOOKS = 2.0
SDK_TICKS = 12.0
SDK_BOOKS = 5.0

type Fields = dict[str, Any]
type Decode = Callable[[bytes], Any]


def price(n: int) -> Decimal:
    return Decimal(650_000 + n) / 10


def size(n: int) -> Decimal:
    return Decimal(1 + 7919 * n % 100_000) / 100_000


def raw(value: Decimal) -> int:
    return int(value * RAW)


def event(n: int) -> Fields:
    return {"ts": TS_US + n, "seq": 7_690_000_000 + n, "market": MARKET}


def trade_fields(n: int) -> Fields:
    return {
        **event(n),
        "side": "BUY" if n % 2 else "SELL",
        "price": price(n),
        "size": size(n),
        "createdAt": TS_US + n,
        "tradeType": "FILL",
        "tradeId": 1_759_500_000_000_001_201_703_010_000 + n,
        "tradeIdStr": str(1_759_500_000_000_001_201_703_010_000 + n),
    }


def bbo_fields(n: int) -> Fields:
    return {
        **event(n),
        "bidPrice": price(n),
        "bidSize": size(n),
        "askPrice": price(n + 1),
        "askSize": size(n + 1),
    }


def book_fields(n: int, levels: int, package: str) -> Fields:
    bids = [(price(-k - n), size(n + k)) for k in range(levels // 2)]
    asks = [(price(1 + k + n), size(n - k)) for k in range(levels // 2)]
    return {**event(n), "pkgType": package, "bids": bids, "asks": asks}


def encoded(template: str, fields: Callable[[int], Fields]) -> list[bytes]:
    # The version that everybody here reads.
    return [sbe.encode(template, fields(n), 2) for n in range(FRAMES)]


def measure(
    benchmark: BenchmarkFixture,
    frames: list[bytes],
    convert: Callable[[Any, Scales, int], object] | None = None,
    floor: Callable[[], object] | None = None,
) -> None:
    """Time frames to objects beside their peers."""
    twin = import_interpreted("paradex_adapter_core.parsers.frame").FrameParser()
    compiled = FrameParser()
    assert [plain(compiled.parse_binary(f)) for f in frames] == [
        plain(twin.parse_binary(f)) for f in frames
    ]
    assert compiled.counters == twin.counters

    def work(decode: Decode) -> Callable[[], object]:
        if convert is None:
            return lambda: [decode(frame) for frame in frames]
        return lambda: [convert(decode(frame), SCALES, TS_INIT) for frame in frames]

    with official_sdk(
        benchmark, work="decode", frames=[b64encode(frame).decode() for frame in frames]
    ) as sdk:
        peers = {"interpreted core": work(twin.parse_binary), **sdk}
        if floor is not None:
            peers[FLOOR] = floor
        # A few milliseconds a round for everyone, whatever a frame takes.
        loops = max(1, BYTES_A_ROUND // sum(map(len, frames)))
        slow = {SDK: max(1, loops // 5), "interpreted core": max(1, loops // 5)}
        beside_peers(
            benchmark,
            work(compiled.parse_binary),
            peers,
            loops=loops,
            items=FRAMES,
            rounds=ROUNDS_NO_TARGET if floor is None else ROUNDS,
            slow=slow,
        )


def plain(message: Any) -> Any:
    """Return a message as something the two builds can be compared by."""
    if isinstance(message, tuple):
        return message
    names = [name for name in dir(message) if not name.startswith("_")]
    return {name: getattr(message, name) for name in names}


def hold_targets(benchmark: BenchmarkFixture, floor: float, sdk: float) -> None:
    """Hold the ratios to the floor and to the SDK; only the compiled core has targets."""
    if is_compiled():
        hold(benchmark, FLOOR, 1 / floor)
        if SDK in benchmark.extra_info["peers"]:
            hold(benchmark, SDK, sdk)


def test_trade_frame_to_trade_tick(benchmark: BenchmarkFixture) -> None:
    names = ("price", "size", "tradeIdStr")
    rows = [[trade_fields(n)[name] for name in names] for n in range(FRAMES)]
    numbers = [(raw(row[0]), raw(row[1]), row[2]) for row in rows]
    buyer = AggressorSide.BUYER

    def floor() -> object:
        return [
            TradeTick.from_raw(
                INSTRUMENT_ID,
                price_raw,
                PRICE_PRECISION,
                size_raw,
                SIZE_PRECISION,
                buyer,
                TradeId(trade_id),
                TS_INIT,
                TS_INIT,
            )
            for price_raw, size_raw, trade_id in numbers
        ]

    measure(
        benchmark,
        encoded("trade", trade_fields),
        trade_to_trade_tick,
        floor,
    )
    hold_targets(benchmark, FLOOR_TICKS, SDK_TICKS)


def test_bbo_frame_to_quote_tick(benchmark: BenchmarkFixture) -> None:
    names = ("bidPrice", "askPrice", "bidSize", "askSize")
    numbers = [tuple(raw(f[name]) for name in names) for f in map(bbo_fields, range(FRAMES))]

    def floor() -> object:
        return [
            QuoteTick.from_raw(
                INSTRUMENT_ID,
                bid_price,
                ask_price,
                PRICE_PRECISION,
                PRICE_PRECISION,
                bid_size,
                ask_size,
                SIZE_PRECISION,
                SIZE_PRECISION,
                TS_INIT,
                TS_INIT,
            )
            for bid_price, ask_price, bid_size, ask_size in numbers
        ]

    measure(
        benchmark,
        encoded("bbo", bbo_fields),
        bbo_to_quote_tick,
        floor,
    )
    hold_targets(benchmark, FLOOR_TICKS, SDK_TICKS)


@pytest.mark.parametrize(
    ("levels", "package"), [(2, "DELTA"), (6, "DELTA"), (30, "DELTA"), (30, "SNAPSHOT")]
)
def test_book_frame_to_deltas(benchmark: BenchmarkFixture, levels: int, package: str) -> None:
    def fields(n: int) -> Fields:
        return book_fields(n, levels, package)

    numbers = [
        (
            fields(n)["seq"],
            [
                (side, raw(level_price), raw(level_size))
                for side, name in ((OrderSide.BUY, "bids"), (OrderSide.SELL, "asks"))
                for level_price, level_size in fields(n)[name]
            ],
        )
        for n in range(FRAMES)
    ]
    action = BookAction.ADD if package == "SNAPSHOT" else BookAction.UPDATE

    def floor() -> object:
        return [
            OrderBookDeltas(
                INSTRUMENT_ID,
                [
                    OrderBookDelta.from_raw(
                        INSTRUMENT_ID,
                        action,
                        side,
                        price_raw,
                        PRICE_PRECISION,
                        size_raw,
                        SIZE_PRECISION,
                        0,
                        0,
                        sequence,
                        TS_INIT,
                        TS_INIT,
                    )
                    for side, price_raw, size_raw in rows
                ],
            )
            for sequence, rows in numbers
        ]

    measure(
        benchmark,
        encoded("book", fields),
        book_to_deltas,
        floor,
    )
    hold_targets(benchmark, FLOOR_BOOKS, SDK_BOOKS)


@pytest.mark.parametrize("template", [t for t in COMPLETE if t not in ("trade", "bbo", "book")])
def test_other_frame_to_message(benchmark: BenchmarkFixture, template: str) -> None:
    frames = encoded(template, lambda n: {**COMPLETE[template], "ts": TS_US + n})
    measure(benchmark, frames)
