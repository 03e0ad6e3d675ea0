"""Trades, quotes and books of the core as Nautilus data: the hot path, so integers all the way.

The venue's integers of 1e-8 become Nautilus raws (integers of 1e-FIXED_PRECISION) by one
multiplication. What Nautilus could not hold is caught before: a raw out of range aborts the
process, and digits beyond the instrument's precision would stay in the raw, unseen.

- A value finer than the instrument's precision is rounded to it, half to even. Real trades are: a
  liquidation prints off the tick.
- Prices come again and again, so their raws are kept in a bounded table; sizes are worked out.
- A quote needs both sides: a `QuoteTick` cannot say "no bid", and a price of zero would lie.
- A trade of size zero is none.
"""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

from nautilus_trader.model.data import OrderBookDelta, OrderBookDeltas, QuoteTick, TradeTick
from nautilus_trader.model.enums import AggressorSide, BookAction, OrderSide, RecordFlag
from nautilus_trader.model.identifiers import InstrumentId, TradeId
from nautilus_trader.model.instruments import Instrument

from paradex_adapter.translate.instruments import (
    PRICE_UNITS_MAX,
    QUANTITY_UNITS_MAX,
    RAW_PER_UNIT,
)
from paradex_adapter_core.messages.market_data import BboTuple, BookTuple, TradeTuple
from paradex_adapter_core.vocabulary import UNITS_SCALE

# Prices kept at once, per precision; a table that is full starts over.
PRICE_RAWS_MAX: Final = 8192
TRADE_ID_CHARS_MAX: Final = 36
TRADE_ID_DIGEST_BYTES: Final = 16

# By the venue's code of the taker's side: unknown, buy, sell.
AGGRESSORS: Final = [AggressorSide.NO_AGGRESSOR, AggressorSide.BUYER, AggressorSide.SELLER]

_ADD: Final = BookAction.ADD
_UPDATE: Final = BookAction.UPDATE
_DELETE: Final = BookAction.DELETE
_CLEAR: Final = BookAction.CLEAR
_BUY: Final = OrderSide.BUY
_SELL: Final = OrderSide.SELL
_SNAPSHOT: Final = int(RecordFlag.F_SNAPSHOT)
_LAST: Final = int(RecordFlag.F_LAST)

_quote_from_raw: Final = QuoteTick.from_raw
_trade_from_raw: Final = TradeTick.from_raw
_delta_from_raw: Final = OrderBookDelta.from_raw


class OutOfRange(ValueError):
    """A price or size that Nautilus cannot hold.

    Parameters
    ----------
    units : int
        The value, in 1e-8.
    """

    def __init__(self, units: int) -> None:
        super().__init__(units)
        self.units: Final = units

    def __str__(self) -> str:
        return f"{self.units}e-{UNITS_SCALE} is out of Nautilus' range"


# What turns the venue's integers into those of one instrument: its id, price precision, table of
# price raws by units, size precision, and the smallest step of that precision in 1e-8. A plain
# tuple, because unpacking one is the cheapest way to five values.
type Scales = tuple[InstrumentId, int, dict[int, int], int, int]


class PriceTables:
    """The price raws worked out so far, shared by all instruments of one price precision."""

    def __init__(self) -> None:
        self._tables: Final[dict[int, dict[int, int]]] = {}

    def scales_of(self, instrument: Instrument) -> Scales:
        """Return the scales of an instrument."""
        return (
            instrument.id,
            instrument.price_precision,
            self._tables.setdefault(instrument.price_precision, {}),
            instrument.size_precision,
            precision_step(instrument.size_precision),
        )


def bbo_to_quote_tick(bbo: BboTuple, scales: Scales, ts_init: int) -> QuoteTick | None:
    """Return the quote, or None when a side is empty.

    Raises
    ------
    OutOfRange
        A value is beyond what Nautilus holds.
    """
    _, _, _, bid_price, bid_size, ask_price, ask_size, ts_event = bbo
    if not (bid_price and bid_size and ask_price and ask_size):
        return None
    instrument_id, price_precision, price_raws, size_precision, size_step = scales
    if bid_size % size_step or ask_size % size_step:
        bid_size = round_units(bid_size, size_step)
        ask_size = round_units(ask_size, size_step)
    if bid_size > QUANTITY_UNITS_MAX or ask_size > QUANTITY_UNITS_MAX:
        raise OutOfRange(max(bid_size, ask_size))
    try:
        return _quote_from_raw(
            instrument_id,
            price_raws[bid_price],
            price_raws[ask_price],
            price_precision,
            price_precision,
            bid_size * RAW_PER_UNIT,
            ask_size * RAW_PER_UNIT,
            size_precision,
            size_precision,
            ts_event,
            ts_init,
        )
    except KeyError:
        learn_prices(price_raws, price_precision, (bid_price, ask_price))
        return bbo_to_quote_tick(bbo, scales, ts_init)


def trade_to_trade_tick(trade: TradeTuple, scales: Scales, ts_init: int) -> TradeTick | None:
    """Return the trade, or None when its size is zero.

    Raises
    ------
    OutOfRange
        A value is beyond what Nautilus holds.
    """
    _, _, trade_id, aggressor_side, price, size, _, _, ts_event = trade
    instrument_id, price_precision, price_raws, size_precision, size_step = scales
    if size % size_step:
        size = round_units(size, size_step)
    if size == 0:
        return None
    if size > QUANTITY_UNITS_MAX:
        raise OutOfRange(size)
    if price not in price_raws:
        learn_prices(price_raws, price_precision, (price,))
    # Asked of bytes: text looks up each character, which would take a fifth of the whole trade.
    if len(trade_id) > TRADE_ID_CHARS_MAX or not trade_id.encode().isalnum():
        trade_id = text_to_trade_id(trade_id)
    return _trade_from_raw(
        instrument_id,
        price_raws[price],
        price_precision,
        size * RAW_PER_UNIT,
        size_precision,
        AGGRESSORS[aggressor_side],
        TradeId(trade_id),
        ts_event,
        ts_init,
    )


def book_to_deltas(book: BookTuple, scales: Scales, ts_init: int) -> OrderBookDeltas | None:
    """Return the change of a book, or None when the frame changes nothing but the sequence.

    A snapshot is a CLEAR and the levels, all flagged ``F_SNAPSHOT``; the last delta of every change
    is flagged ``F_LAST``.

    Raises
    ------
    OutOfRange
        A value is beyond what Nautilus holds.
    """
    _, _, sequence, is_snapshot, bids, asks, ts_event = book
    instrument_id, price_precision, price_raws, size_precision, size_step = scales
    levels = bids + asks
    asks_at = len(bids)
    last_at = len(levels) - 2
    deltas = []
    flags = 0
    if is_snapshot:
        flags = _SNAPSHOT
        deltas.append(clear_delta(instrument_id, sequence, not levels, ts_event, ts_init))
    add = deltas.append
    for at in range(0, last_at + 2, 2):
        size = levels[at + 1]
        if size % size_step or size > QUANTITY_UNITS_MAX or (is_snapshot and not size):
            return book_to_deltas(_fit_book(book, size_step), scales, ts_init)
        price = levels[at]
        if price not in price_raws:
            learn_prices(price_raws, price_precision, levels[::2])
        add(
            _delta_from_raw(
                instrument_id,
                _ADD if is_snapshot else _UPDATE if size else _DELETE,
                _BUY if at < asks_at else _SELL,
                price_raws[price],
                price_precision,
                size * RAW_PER_UNIT,
                size_precision,
                0,
                flags | _LAST if at == last_at else flags,
                sequence,
                ts_event,
                ts_init,
            )
        )
    return OrderBookDeltas(instrument_id, deltas) if deltas else None


def book_reset_to_deltas(
    instrument_id: InstrumentId, sequence: int, ts_event: int, ts_init: int
) -> OrderBookDeltas:
    """Return the change that empties a book of which nothing is known any more."""
    return OrderBookDeltas(
        instrument_id, [clear_delta(instrument_id, sequence, True, ts_event, ts_init)]
    )


def clear_delta(
    instrument_id: InstrumentId, sequence: int, is_last: bool, ts_event: int, ts_init: int
) -> OrderBookDelta:
    """Return the delta that empties a book; `is_last` when no level follows."""
    flags = _SNAPSHOT | _LAST if is_last else _SNAPSHOT
    return OrderBookDelta(instrument_id, _CLEAR, None, flags, sequence, ts_event, ts_init)


def learn_prices(price_raws: dict[int, int], precision: int, prices: Iterable[int]) -> None:
    """Work out the raws of `prices` at a precision and keep them in the table.

    Raises
    ------
    OutOfRange
        A price is beyond what Nautilus holds.
    """
    if len(price_raws) >= PRICE_RAWS_MAX:
        price_raws.clear()
    step = precision_step(precision)
    for price in prices:
        rounded = round_units(price, step)
        if rounded > PRICE_UNITS_MAX:
            raise OutOfRange(price)
        price_raws[price] = rounded * RAW_PER_UNIT


def precision_step(precision: int) -> int:
    """Return the smallest step of a precision, in 1e-8; 1 when it is finer than that."""
    return 10 ** max(0, UNITS_SCALE - precision)


def round_units(units: int, step: int) -> int:
    """Return `units` rounded to a multiple of `step`, half to even."""
    multiple, rest = divmod(units, step)
    if 2 * rest > step or (2 * rest == step and multiple % 2):
        multiple += 1
    return multiple * step


def text_to_trade_id(text: str) -> str:
    """Return text that a `TradeId` can hold: `text` itself, or a digest that is always the same."""
    if text.isascii() and text.strip() and len(text) <= TRADE_ID_CHARS_MAX and text.isprintable():
        return text
    return blake2b(text.encode(), digest_size=TRADE_ID_DIGEST_BYTES).hexdigest()


def _fit_book(book: BookTuple, size_step: int) -> BookTuple:
    """Return the book with sizes the instrument can hold; a snapshot without empty levels."""
    kind, market, sequence, is_snapshot, bids, asks, ts_event = book

    def fit(levels: tuple[int, ...]) -> tuple[int, ...]:
        sizes = [round_units(size, size_step) for size in levels[1::2]]
        if max(sizes, default=0) > QUANTITY_UNITS_MAX:
            raise OutOfRange(max(sizes))
        pairs = zip(levels[::2], sizes, strict=True)
        return tuple(x for pair in pairs if pair[1] or not is_snapshot for x in pair)

    return (kind, market, sequence, is_snapshot, fit(bids), fit(asks), ts_event)
