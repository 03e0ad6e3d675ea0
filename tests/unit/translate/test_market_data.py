"""Quotes, trades and books of the core as Nautilus data."""

from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nautilus_trader.model.book import OrderBook
from nautilus_trader.model.data import OrderBookDeltas
from nautilus_trader.model.enums import AggressorSide, BookAction, BookType, OrderSide
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.objects import Price, Quantity

from paradex_adapter.translate.instruments import (
    PRICE_UNITS_MAX,
    QUANTITY_UNITS_MAX,
    RAW_PER_UNIT,
)
from paradex_adapter.translate.market_data import (
    PRICE_RAWS_MAX,
    TRADE_ID_CHARS_MAX,
    OutOfRange,
    PriceTables,
    Scales,
    bbo_to_quote_tick,
    book_reset_to_deltas,
    book_to_deltas,
    precision_step,
    round_units,
    text_to_trade_id,
    trade_to_trade_tick,
)
from paradex_adapter_core.messages.market_data import BboTuple, BookTuple, TradeTuple
from paradex_adapter_core.vocabulary import (
    FILL_ORDINARY,
    KIND_BBO,
    KIND_BOOK,
    KIND_TRADE,
    SIDE_BUY,
    SIDE_SELL,
    UNITS_PER_ONE,
    UNKNOWN,
)

MARKET = "BTC-USD-PERP"
INSTRUMENT_ID = InstrumentId.from_str(f"{MARKET}.PARADEX")
TS_EVENT = 1_700_000_000_000_000_000
TS_INIT = 1_700_000_000_000_000_123
F_LAST, F_SNAPSHOT = 128, 32


@dataclass
class Precisions:
    """As much of an instrument as scales are made of."""

    id: InstrumentId
    price_precision: int
    size_precision: int


def scales_of(price_precision: int = 1, size_precision: int = 5) -> Scales:
    return PriceTables().scales_of(Precisions(INSTRUMENT_ID, price_precision, size_precision))


def units(text: str) -> int:
    return int(Decimal(text) * UNITS_PER_ONE)


def bbo(bid: str | None, bid_size: str | None, ask: str | None, ask_size: str | None) -> BboTuple:
    values = [None if text is None else units(text) for text in (bid, bid_size, ask, ask_size)]
    return (KIND_BBO, MARKET, 7, values[0], values[1], values[2], values[3], TS_EVENT)


def trade(
    price: str = "65000.1", size: str = "0.5", side: int = SIDE_BUY, trade_id: str = "1"
) -> TradeTuple:
    return (
        KIND_TRADE,
        MARKET,
        trade_id,
        side,
        units(price),
        units(size),
        FILL_ORDINARY,
        7,
        TS_EVENT,
    )


def book(bids: list[str], asks: list[str], *, is_snapshot: bool = False, seq: int = 7) -> BookTuple:
    return (
        KIND_BOOK,
        MARKET,
        seq,
        is_snapshot,
        tuple(units(text) for text in bids),
        tuple(units(text) for text in asks),
        TS_EVENT,
    )


def rows(deltas: OrderBookDeltas | None) -> list[tuple[str, str, str, str, int]]:
    assert deltas is not None
    for delta in deltas.deltas:
        assert (delta.ts_event, delta.ts_init) == (TS_EVENT, TS_INIT)
        assert delta.instrument_id == INSTRUMENT_ID
    return [
        (
            BookAction(delta.action).name,
            OrderSide(delta.order.side).name,
            str(delta.order.price),
            str(delta.order.size),
            delta.flags,
        )
        for delta in deltas.deltas
    ]


CLEAR_ROW = ("CLEAR", "NO_ORDER_SIDE", "0", "0", F_SNAPSHOT)


# -- quotes --------------------------------------------------------------------------------------


def test_a_quote_has_the_instruments_precision() -> None:
    quote = bbo_to_quote_tick(bbo("65000.1", "1.5", "65000.2", "0.25"), scales_of(), TS_INIT)
    assert quote is not None
    assert quote.instrument_id == INSTRUMENT_ID
    # By text, so that trailing zeros count too.
    assert [str(x) for x in (quote.bid_price, quote.bid_size, quote.ask_price, quote.ask_size)] == [
        "65000.1",
        "1.50000",
        "65000.2",
        "0.25000",
    ]
    assert (quote.ts_event, quote.ts_init) == (TS_EVENT, TS_INIT)


@pytest.mark.parametrize(
    ("empty", "size"), [("bid", None), ("ask", None), ("bid", "0"), ("ask", "0")]
)
def test_a_quote_with_an_empty_side_is_none(empty: str, size: str | None) -> None:
    full = ("65000.1", "1")
    absent = (None if size is None else "65000.1", size)
    bid, ask = (absent, full) if empty == "bid" else (full, absent)
    assert bbo_to_quote_tick(bbo(*bid, *ask), scales_of(), TS_INIT) is None


def test_a_quote_finer_than_the_precision_is_rounded_half_to_even() -> None:
    quote = bbo_to_quote_tick(
        bbo("65000.15", "0.000005", "65000.25", "0.000016"), scales_of(), TS_INIT
    )
    assert quote is not None
    assert quote.bid_price == Price.from_str("65000.2")
    assert quote.ask_price == Price.from_str("65000.2")
    assert quote.bid_size == Quantity.from_str("0.00000")
    assert quote.ask_size == Quantity.from_str("0.00002")


@pytest.mark.parametrize("at", range(4))
def test_a_quote_beyond_nautilus_is_refused(at: int) -> None:
    message = list(bbo("65000.1", "1", "65000.2", "1"))
    limit = PRICE_UNITS_MAX if at in (0, 2) else QUANTITY_UNITS_MAX
    message[3 + at] = limit
    quote = bbo_to_quote_tick(tuple(message), scales_of(), TS_INIT)
    assert quote is not None
    message[3 + at] = limit + units("1")
    with pytest.raises(OutOfRange) as caught:
        bbo_to_quote_tick(tuple(message), scales_of(), TS_INIT)
    assert caught.value.units == limit + units("1")
    assert "out of Nautilus' range" in str(caught.value)


@given(
    price=st.integers(min_value=1, max_value=2**63 - 1),
    size=st.integers(min_value=1, max_value=2**63 - 1),
    price_precision=st.integers(min_value=0, max_value=8),
    size_precision=st.integers(min_value=0, max_value=8),
)
def test_every_quote_equals_the_one_made_from_text(
    price: int, size: int, price_precision: int, size_precision: int
) -> None:
    message: BboTuple = (KIND_BBO, MARKET, 7, price, size, price, size, TS_EVENT)
    quote = bbo_to_quote_tick(message, scales_of(price_precision, size_precision), TS_INIT)
    assert quote is not None
    step_price = Decimal(1).scaleb(-price_precision)
    step_size = Decimal(1).scaleb(-size_precision)
    expected_price = (Decimal(price) / UNITS_PER_ONE).quantize(step_price)
    expected_size = (Decimal(size) / UNITS_PER_ONE).quantize(step_size)
    assert str(quote.bid_price) == str(quote.ask_price) == f"{expected_price:f}"
    assert str(quote.bid_size) == str(quote.ask_size) == f"{expected_size:f}"


# -- trades --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "expected"),
    [
        (SIDE_BUY, AggressorSide.BUYER),
        (SIDE_SELL, AggressorSide.SELLER),
        (UNKNOWN, AggressorSide.NO_AGGRESSOR),
    ],
)
def test_a_trade_tells_who_took(side: int, expected: AggressorSide) -> None:
    tick = trade_to_trade_tick(trade(side=side, trade_id="17000000"), scales_of(), TS_INIT)
    assert tick is not None
    assert tick.aggressor_side == expected
    assert (str(tick.price), str(tick.size)) == ("65000.1", "0.50000")
    assert tick.trade_id.value == "17000000"
    assert (tick.ts_event, tick.ts_init) == (TS_EVENT, TS_INIT)


def test_a_trade_off_the_tick_is_rounded() -> None:
    """A liquidation printed at 83894.04692005321; the core keeps eight decimals of it."""
    tick = trade_to_trade_tick(trade("83894.04692005", "0.123456"), scales_of(), TS_INIT)
    assert tick is not None
    assert (str(tick.price), str(tick.size)) == ("83894.0", "0.12346")


@pytest.mark.parametrize("size", ["0", "0.000004"])
def test_a_trade_of_no_size_is_none(size: str) -> None:
    assert trade_to_trade_tick(trade(size=size), scales_of(), TS_INIT) is None


def test_a_trade_beyond_nautilus_is_refused() -> None:
    too_much = str(PRICE_UNITS_MAX // UNITS_PER_ONE + 1)
    with pytest.raises(OutOfRange):
        trade_to_trade_tick(trade(price=too_much), scales_of(), TS_INIT)
    too_much = str(QUANTITY_UNITS_MAX // UNITS_PER_ONE + 1)
    with pytest.raises(OutOfRange):
        trade_to_trade_tick(trade(size=too_much), scales_of(), TS_INIT)


HOSTILE_IDS = ["", " ", "\t", "é", "1" * 37, "a\x00b", "\x00", "\u0661", "1\n", "\U0001f600" * 40]


@pytest.mark.parametrize("text", HOSTILE_IDS)
def test_a_trade_id_nautilus_cannot_hold_becomes_a_digest_always_the_same(text: str) -> None:
    tick = trade_to_trade_tick(trade(trade_id=text), scales_of(), TS_INIT)
    again = trade_to_trade_tick(trade(trade_id=text), scales_of(), TS_INIT)
    assert tick is not None
    assert again is not None
    value = tick.trade_id.value
    assert value.isascii()
    assert value.isalnum()
    assert len(value) <= TRADE_ID_CHARS_MAX
    assert value == again.trade_id.value


def test_trade_ids_stay_apart_and_ordinary_ones_stay_themselves() -> None:
    assert len({text_to_trade_id(text) for text in HOSTILE_IDS}) == len(HOSTILE_IDS)
    for text in ("1", "a-b_c", "1" * 36):
        assert text_to_trade_id(text) == text


# -- books ---------------------------------------------------------------------------------------


def test_a_snapshot_clears_and_adds() -> None:
    deltas = book_to_deltas(
        book(["65000", "1", "64999.9", "2"], ["65000.1", "3"], is_snapshot=True),
        scales_of(),
        TS_INIT,
    )
    assert rows(deltas) == [
        CLEAR_ROW,
        ("ADD", "BUY", "65000.0", "1.00000", F_SNAPSHOT),
        ("ADD", "BUY", "64999.9", "2.00000", F_SNAPSHOT),
        ("ADD", "SELL", "65000.1", "3.00000", F_SNAPSHOT | F_LAST),
    ]
    assert deltas is not None
    assert deltas.sequence == 7
    assert all(delta.sequence == 7 for delta in deltas.deltas)


def test_a_snapshot_of_one_side_ends_with_it() -> None:
    deltas = book_to_deltas(book(["65000", "1"], [], is_snapshot=True), scales_of(), TS_INIT)
    assert rows(deltas) == [
        CLEAR_ROW,
        ("ADD", "BUY", "65000.0", "1.00000", F_SNAPSHOT | F_LAST),
    ]


@pytest.mark.parametrize("bids", [[], ["65000", "0"], ["65000", "0.000001"]])
def test_an_empty_snapshot_is_a_clear_with_both_flags(bids: list[str]) -> None:
    deltas = book_to_deltas(book(bids, [], is_snapshot=True), scales_of(), TS_INIT)
    assert rows(deltas) == [("CLEAR", "NO_ORDER_SIDE", "0", "0", F_SNAPSHOT | F_LAST)]


def test_a_delta_updates_and_deletes() -> None:
    deltas = book_to_deltas(
        book(["65000", "1", "64999.9", "0"], ["65000.1", "3", "65000.2", "0"]),
        scales_of(),
        TS_INIT,
    )
    assert rows(deltas) == [
        ("UPDATE", "BUY", "65000.0", "1.00000", 0),
        ("DELETE", "BUY", "64999.9", "0.00000", 0),
        ("UPDATE", "SELL", "65000.1", "3.00000", 0),
        ("DELETE", "SELL", "65000.2", "0.00000", F_LAST),
    ]


def test_a_delta_of_one_bid_ends_with_it() -> None:
    deltas = book_to_deltas(book(["65000", "1"], []), scales_of(), TS_INIT)
    assert rows(deltas) == [("UPDATE", "BUY", "65000.0", "1.00000", F_LAST)]


def test_a_delta_without_levels_is_none() -> None:
    assert book_to_deltas(book([], []), scales_of(), TS_INIT) is None


def test_levels_finer_than_the_precision_are_rounded_and_vanish_at_zero() -> None:
    deltas = book_to_deltas(
        book(["65000.04", "0.000006", "65000.14", "0.000004"], []), scales_of(), TS_INIT
    )
    assert rows(deltas) == [
        ("UPDATE", "BUY", "65000.0", "0.00001", 0),
        ("DELETE", "BUY", "65000.1", "0.00000", F_LAST),
    ]


@pytest.mark.parametrize("at", [0, 1])
def test_a_level_beyond_nautilus_is_refused(at: int) -> None:
    limit = PRICE_UNITS_MAX if at == 0 else QUANTITY_UNITS_MAX
    level = ["1", "1"]
    level[at] = str(limit // UNITS_PER_ONE + 1)
    with pytest.raises(OutOfRange):
        book_to_deltas(book(["65000", "1"], level), scales_of(), TS_INIT)


def test_a_reset_empties_the_book() -> None:
    deltas = book_reset_to_deltas(INSTRUMENT_ID, 11, TS_EVENT, TS_INIT)
    assert rows(deltas) == [("CLEAR", "NO_ORDER_SIDE", "0", "0", F_SNAPSHOT | F_LAST)]
    assert deltas.sequence == 11


LEVELS = st.dictionaries(st.integers(1, 30), st.integers(0, 3), max_size=8)


@given(frames=st.lists(st.tuples(st.booleans(), LEVELS, LEVELS), max_size=12))
def test_a_nautilus_book_fed_with_them_equals_a_dictionary(
    frames: list[tuple[bool, dict[int, int], dict[int, int]]],
) -> None:
    nautilus_book = OrderBook(INSTRUMENT_ID, BookType.L2_MBP)
    held: tuple[dict[int, int], dict[int, int]] = ({}, {})
    for seq, (is_snapshot, bids, asks) in enumerate([(True, {1: 1}, {40: 1}), *frames]):
        # Asks stand above the bids, so that the book is never crossed.
        asks = {price + 40: size for price, size in asks.items()}
        for side, levels in zip(held, (bids, asks), strict=True):
            if is_snapshot:
                side.clear()
            side.update(levels)
            for price in [price for price, size in side.items() if size == 0]:
                del side[price]
        message = book(
            [str(x) for level in bids.items() for x in level],
            [str(x) for level in asks.items() for x in level],
            is_snapshot=is_snapshot,
            seq=seq,
        )
        deltas = book_to_deltas(message, scales_of(), TS_INIT)
        if deltas is not None:
            nautilus_book.apply_deltas(deltas)
    bids_there = {int(level.price): int(level.size()) for level in nautilus_book.bids()}
    asks_there = {int(level.price): int(level.size()) for level in nautilus_book.asks()}
    assert (bids_there, asks_there) == held


# -- scales --------------------------------------------------------------------------------------


def test_steps_are_never_finer_than_the_venues_eight_decimals() -> None:
    assert [precision_step(n) for n in (0, 3, 8, 9)] == [10**8, 10**5, 1, 1]


def test_price_tables_are_shared_by_precision_and_bounded() -> None:
    tables = PriceTables()
    first, second, other = (
        tables.scales_of(Precisions(INSTRUMENT_ID, precision, 5)) for precision in (1, 1, 2)
    )
    assert first[2] is second[2]
    assert first[2] is not other[2]
    for n in range(1, 2 * PRICE_RAWS_MAX):
        message: BboTuple = (KIND_BBO, MARKET, n, n * 10**7, 10**8, n * 10**7, 10**8, TS_EVENT)
        quote = bbo_to_quote_tick(message, first, TS_INIT)
        assert quote is not None
        assert quote.bid_price.raw == n * 10**7 * RAW_PER_UNIT
        assert len(first[2]) <= PRICE_RAWS_MAX + 1


@given(value=st.integers(0, 10**12), step=st.sampled_from([1, 10, 1000, 10**8]))
def test_rounding_is_half_to_even(value: int, step: int) -> None:
    assert round_units(value, step) == round(Decimal(value) / step) * step


def test_rounding_keeps_the_order() -> None:
    assert all(a <= b for a, b in pairwise(round_units(value, 100) for value in range(1000)))
