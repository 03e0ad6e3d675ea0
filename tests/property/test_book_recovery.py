"""A book through a wire that drops, doubles and reorders, against the exchange's own history.

After every frame our book is the exchange's at one sequence number, or marked stale and empty; and
the `OrderBook` that Nautilus builds of our deltas is the same.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nautilus_trader.common.component import Logger
from nautilus_trader.model.book import OrderBook
from nautilus_trader.model.data import OrderBookDeltas
from nautilus_trader.model.enums import BookAction, BookType, RecordFlag
from nautilus_trader.model.identifiers import InstrumentId

from paradex_adapter.live_streams import LiveStreams
from paradex_adapter.translate.market_data import Scales
from paradex_adapter.venue.book_recovery import BOOK_COUNTERS, BookStream
from paradex_adapter_core.messages.market_data import BookTuple
from paradex_adapter_core.vocabulary import KIND_BOOK

MARKET = "BTC-USD-PERP"
INSTRUMENT_ID = InstrumentId.from_str(f"{MARKET}.PARADEX")
PRICE_STEP, SIZE_STEP = 10**7, 10**5
SCALES: Scales = (INSTRUMENT_ID, 1, {}, 3, SIZE_STEP)
SNAPSHOT, LAST = int(RecordFlag.F_SNAPSHOT), int(RecordFlag.F_LAST)

type Levels = dict[int, int]
type Book = tuple[Levels, Levels]

# Bids below asks, few prices, so that levels come, change and go again and again.
CHANGES = st.lists(
    st.tuples(st.booleans(), st.integers(1, 6), st.integers(0, 4)), min_size=0, max_size=3
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("change"), CHANGES),
        st.tuples(
            st.sampled_from(["deliver", "drop", "double", "later", "snapshot", "old snapshot"]),
            st.integers(0, 5),
        ),
    ),
    max_size=80,
)


class Exchange:
    """A book, everything it ever was, and the frames that told of it."""

    def __init__(self) -> None:
        self.sequence = 100
        self.history: dict[int, Book] = {100: ({}, {})}
        self.snapshots: list[BookTuple] = []

    def change(self, changes: list[tuple[bool, int, int]]) -> BookTuple:
        """Change some levels, or none, and return the frame."""
        bids, asks = ({**side} for side in self.history[self.sequence])
        told: Book = ({}, {})
        for is_bid, rank, size in changes:
            side, price = (0, 100 - rank) if is_bid else (1, 100 + rank)
            told[side][price * PRICE_STEP] = size * SIZE_STEP
        for levels, new in zip((bids, asks), told, strict=True):
            levels.update(new)
            for price in [p for p, size in levels.items() if not size]:
                del levels[price]
        self.sequence += 1
        self.history[self.sequence] = (bids, asks)
        return self._frame(self.sequence, False, *told)

    def snapshot(self) -> BookTuple:
        """Return the whole book as it is now."""
        frame = self._frame(self.sequence, True, *self.history[self.sequence])
        self.snapshots.append(frame)
        return frame

    @staticmethod
    def _frame(sequence: int, is_snapshot: bool, bids: Levels, asks: Levels) -> BookTuple:
        def flat(levels: Levels) -> tuple[int, ...]:
            return tuple(number for level in levels.items() for number in level)

        return (KIND_BOOK, MARKET, sequence, is_snapshot, flat(bids), flat(asks), sequence)


class Reader:
    """Our side: the stream, its translation, a book of our own and Nautilus' one."""

    def __init__(self) -> None:
        self.asked = 0
        self.told: list[OrderBookDeltas] = []
        self.ours: Book = ({}, {})
        self.book = OrderBook(INSTRUMENT_ID, BookType.L2_MBP)
        self.streams = LiveStreams(self.take, lambda *_: pytest.fail("unusable"), Logger("test"))
        self.streams.books[MARKET] = SCALES
        self.stream = BookStream(
            MARKET,
            on_book=self.on_book,
            on_reset=self.on_reset,
            on_gap=self.ask,
            counters=dict.fromkeys(BOOK_COUNTERS, 0),
            clock_ns=lambda: 1,
        )

    def ask(self, stream: BookStream) -> None:
        self.asked += 1

    def on_book(self, frame: BookTuple, ts_init: int) -> None:
        if frame[3]:
            self.ours = ({}, {})
        for levels, flat in zip(self.ours, (frame[4], frame[5]), strict=True):
            for price, size in zip(flat[::2], flat[1::2], strict=True):
                levels[price] = size
                if not size:
                    del levels[price]
        self.streams.on_book(frame, ts_init)

    def on_reset(self, market: str, sequence: int, ts_init: int) -> None:
        self.ours = ({}, {})
        self.streams.on_book_reset(market, sequence, ts_init)

    def take(self, deltas: Any) -> None:
        assert isinstance(deltas, OrderBookDeltas)
        self.told.append(deltas)
        self.book.apply_deltas(deltas)

    def theirs(self) -> Book:
        """Return the book Nautilus has, in the venue's units."""

        def side(levels: list[Any]) -> Levels:
            return {
                int(level.price.as_decimal() * 10**8): round(level.size() * 10**8)
                for level in levels
            }

        return side(self.book.bids()), side(self.book.asks())


def check(reader: Reader, exchange: Exchange) -> None:
    """Hold what must be true after every frame."""
    sequence = reader.stream.sequence
    expected = ({}, {}) if sequence.is_stale else exchange.history[sequence.last_seq_no]
    assert reader.ours == expected
    assert reader.theirs() == reader.ours


def check_flags(told: list[OrderBookDeltas]) -> None:
    """Hold what Nautilus expects of every change of a book."""
    is_good, last = False, 0
    for deltas in told:
        flags = [delta.flags for delta in deltas.deltas]
        assert [flag & LAST for flag in flags] == [0] * (len(flags) - 1) + [LAST]
        is_snapshot = deltas.deltas[0].action == BookAction.CLEAR
        assert all(bool(flag & SNAPSHOT) is is_snapshot for flag in flags)
        if is_snapshot:
            assert all(delta.action == BookAction.ADD for delta in deltas.deltas[1:])
            is_good = True
        else:
            assert is_good
            assert deltas.sequence > last
        last = deltas.sequence


def frames_of(steps: list[tuple[str, Any]], exchange: Exchange, reader: Reader) -> Iterator[Any]:
    """Yield what the wire brings, step by step."""
    wire = [exchange.snapshot()]
    answered = 0
    for step, value in steps:
        if reader.asked > answered:
            # Asked for again and again or once, the venue sends one.
            answered = reader.asked
            wire.append(exchange.snapshot())
        if step == "change":
            wire.append(exchange.change(value))
        elif step == "snapshot":
            wire.append(exchange.snapshot())
        elif step == "old snapshot":
            yield exchange.snapshots[value % len(exchange.snapshots)]
        elif wire:
            if step == "later":
                wire.insert(min(value, len(wire) - 1), wire.pop(0))
                continue
            frame = wire.pop(0)
            if step != "drop":
                yield frame
            if step == "double":
                yield frame
    yield from wire


@settings(max_examples=400)
@given(steps=STEPS)
def test_a_book_is_the_exchanges_or_stale_and_never_silently_wrong(
    steps: list[tuple[str, Any]],
) -> None:
    exchange, reader = Exchange(), Reader()
    for frame in frames_of(steps, exchange, reader):
        reader.stream.take(frame, 1)
        check(reader, exchange)
    # Whatever happened, one snapshot makes it good again.
    reader.stream.take(exchange.snapshot(), 1)
    check(reader, exchange)
    assert not reader.stream.sequence.is_stale
    assert reader.ours == exchange.history[exchange.sequence]
    check_flags(reader.told)


@settings(max_examples=100)
@given(steps=STEPS)
def test_a_wire_that_loses_nothing_asks_for_nothing(steps: list[tuple[str, Any]]) -> None:
    exchange, reader = Exchange(), Reader()
    reader.stream.take(exchange.snapshot(), 1)
    for step, value in steps:
        if step == "change":
            reader.stream.take(exchange.change(value), 1)
            check(reader, exchange)
    assert reader.asked == 0
    assert reader.ours == exchange.history[exchange.sequence]


def test_a_missing_frame_is_asked_for_once_and_nothing_is_told_until_it_comes() -> None:
    exchange, reader = Exchange(), Reader()
    reader.stream.take(exchange.snapshot(), 1)
    reader.stream.take(exchange.change([(True, 1, 1)]), 1)
    exchange.change([(True, 1, 2)])
    told = len(reader.told)
    for _ in range(3):
        reader.stream.take(exchange.change([(False, 1, 1)]), 1)
    assert reader.asked == 1
    assert reader.stream.sequence.is_stale
    # The one that clears it.
    assert len(reader.told) == told + 1
    assert reader.theirs() == ({}, {})
