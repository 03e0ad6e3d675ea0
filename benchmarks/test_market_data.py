"""From a binary frame to a Nautilus object, beside the floor and the interpreted core.

The floor is building the same objects from numbers that are ready. Trades, quotes and books go all
the way; the other templates stop at the core's message, which has no floor. Every frame of a batch
differs from the others, so that nothing sees the same number again and again.

Run: ``pytest benchmarks/test_market_data.py --benchmark-enable --benchmark-group-by=group``.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.model.data import OrderBookDelta, OrderBookDeltas, QuoteTick, TradeTick
from nautilus_trader.model.enums import AggressorSide, BookAction, OrderSide
from nautilus_trader.model.identifiers import InstrumentId, TradeId
from nautilus_trader.model.objects import FIXED_PRECISION
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.interleaved import beside_peers
from benchmarks.interpreted_core import import_interpreted
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
LOOPS = 40
MARKET = "BTC-USD-PERP"
INSTRUMENT_ID = InstrumentId.from_str(f"{MARKET}.PARADEX")
PRICE_PRECISION, SIZE_PRECISION = 1, 5
SCALES: Scales = (INSTRUMENT_ID, PRICE_PRECISION, {}, SIZE_PRECISION, 10**3)
RAW = 10**FIXED_PRECISION
TS_US = 1_795_000_000_000_000
TS_INIT = TS_US * 1000 + 1
# Ratios to hold on a quiet machine; noise may double them before a run fails.
NOISE = 2.0
FLOOR_TICKS = 2.5
FLOOR_BOOKS = 2.0

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
    return [sbe.encode(template, fields(n), 3) for n in range(FRAMES)]


def measure(
    benchmark: BenchmarkFixture,
    group: str,
    frames: list[bytes],
    convert: Callable[[Any], Any] | None,
    floor: Callable[[], object] | None,
) -> float:
    """Time frames to objects beside their peers; return ours over the floor."""
    benchmark.group = group
    twin = import_interpreted("paradex_adapter_core.parsers.frame").FrameParser()
    compiled = FrameParser()
    assert [plain(compiled.parse_binary(f)) for f in frames] == [
        plain(twin.parse_binary(f)) for f in frames
    ]
    assert compiled.counters == twin.counters

    def work(decode: Decode) -> Callable[[], object]:
        if convert is None:
            return lambda: [decode(frame) for frame in frames]
        return lambda: [convert(decode(frame)) for frame in frames]

    peers = {"interpreted core": work(twin.parse_binary)}
    if floor is not None:
        peers["building the objects alone"] = floor
    ratios = beside_peers(benchmark, work(compiled.parse_binary), peers, loops=LOOPS)
    info = benchmark.extra_info
    info["seconds_per_call"] /= FRAMES
    for peer in info["peers"].values():
        peer["seconds_per_call"] /= FRAMES
    return 1 / ratios["building the objects alone"] if floor is not None else 0.0


def plain(message: Any) -> Any:
    """Return a message as something the two builds can be compared by."""
    if isinstance(message, tuple):
        return message
    names = [name for name in dir(message) if not name.startswith("_")]
    return {name: getattr(message, name) for name in names}


def need_ratio(ratio: float, target: float) -> None:
    """Fail where the ratio to the floor is out of hand; only the compiled core has a target."""
    if is_compiled():
        assert ratio <= target * NOISE, f"{ratio:.2f} times the floor, target {target}"


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

    ratio = measure(
        benchmark,
        "ticks",
        encoded("trade", trade_fields),
        lambda message: trade_to_trade_tick(message, SCALES, TS_INIT),
        floor,
    )
    need_ratio(ratio, FLOOR_TICKS)


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

    ratio = measure(
        benchmark,
        "ticks",
        encoded("bbo", bbo_fields),
        lambda message: bbo_to_quote_tick(message, SCALES, TS_INIT),
        floor,
    )
    need_ratio(ratio, FLOOR_TICKS)


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

    ratio = measure(
        benchmark,
        f"book, {levels} levels",
        encoded("book", fields),
        lambda message: book_to_deltas(message, SCALES, TS_INIT),
        floor,
    )
    need_ratio(ratio, FLOOR_BOOKS)


@pytest.mark.parametrize("template", [t for t in COMPLETE if t not in ("trade", "bbo", "book")])
def test_other_frame_to_message(benchmark: BenchmarkFixture, template: str) -> None:
    frames = encoded(template, lambda n: {**COMPLETE[template], "ts": TS_US + n})
    measure(benchmark, f"decode {template}", frames, None, None)
