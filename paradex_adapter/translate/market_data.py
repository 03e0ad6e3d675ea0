"""Trades, quotes and books of the core as Nautilus data: the hot path, so integers all the way.

The venue's integers of 1e-8 become Nautilus raws (integers of 1e-FIXED_PRECISION) by one
multiplication. What Nautilus could not hold is caught before: a raw out of range aborts the
process, and digits beyond the instrument's precision would stay in the raw, unseen.

- A value finer than the instrument's precision is rounded to it, half to even. Real trades are: a
  liquidation prints off the tick.
- A quote needs both sides: a `QuoteTick` cannot say "no bid", and a price of zero would lie.
- A trade of size zero is none.
"""

from hashlib import blake2b
from math import gcd
from typing import Final, NamedTuple

from nautilus_trader.model.data import OrderBookDelta, OrderBookDeltas, QuoteTick, TradeTick
from nautilus_trader.model.enums import AggressorSide, BookAction, OrderSide, RecordFlag
from nautilus_trader.model.identifiers import InstrumentId, TradeId
from nautilus_trader.model.instruments import Instrument

from paradex_adapter.translate.instruments import (
    PRICE_UNITS_MAX,
    QUANTITY_UNITS_MAX,
    RAW_PER_UNIT,
)
from paradex_adapter_core.messages import BboTuple, BookTuple, TradeTuple
from paradex_adapter_core.vocabulary import UNITS_SCALE

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
    market : str
        Where it came from.
    units : int
        The value, in 1e-8.
    """

    def __init__(self, market: str, units: int) -> None:
        super().__init__(market, units)
        self.market: Final = market
        self.units: Final = units

    def __str__(self) -> str:
        return f"{self.market}: {self.units}e-{UNITS_SCALE} is out of Nautilus' range"


class Scales(NamedTuple):
    """What turns the venue's integers into those of one instrument.

    ``*_step`` is the smallest step of the instrument's precision, ``*_max`` the largest value
    Nautilus holds, both in 1e-8. A tuple, because unpacking is the cheapest way to seven values.
    """

    instrument_id: InstrumentId
    price_precision: int
    price_step: int
    price_max: int
    size_precision: int
    size_step: int
    size_max: int


def instrument_to_scales(instrument: Instrument) -> Scales:
    """Return the scales of an instrument."""
    return Scales(
        instrument_id=instrument.id,
        price_precision=instrument.price_precision,
        price_step=10 ** max(0, UNITS_SCALE - instrument.price_precision),
        price_max=PRICE_UNITS_MAX,
        size_precision=instrument.size_precision,
        size_step=10 ** max(0, UNITS_SCALE - instrument.size_precision),
        size_max=QUANTITY_UNITS_MAX,
    )


def bbo_to_quote_tick(bbo: BboTuple, scales: Scales, ts_init: int) -> QuoteTick | None:
    """Return the quote, or None when a side is empty.

    Raises
    ------
    OutOfRange
        A value is beyond what Nautilus holds.
    """
    _, market, _, bid_price, bid_size, ask_price, ask_size, ts_event = bbo
    if not (bid_price and bid_size and ask_price and ask_size):
        return None
    instrument_id, price_precision, price_step, price_max, size_precision, size_step, size_max = (
        scales
    )
    if bid_price % price_step or ask_price % price_step:
        bid_price = round_units(bid_price, price_step)
        ask_price = round_units(ask_price, price_step)
    if bid_size % size_step or ask_size % size_step:
        bid_size = round_units(bid_size, size_step)
        ask_size = round_units(ask_size, size_step)
    if bid_price > price_max or ask_price > price_max or bid_size > size_max or ask_size > size_max:
        raise OutOfRange(market, max(bid_price, ask_price, bid_size, ask_size))
    return _quote_from_raw(
        instrument_id,
        bid_price * RAW_PER_UNIT,
        ask_price * RAW_PER_UNIT,
        price_precision,
        price_precision,
        bid_size * RAW_PER_UNIT,
        ask_size * RAW_PER_UNIT,
        size_precision,
        size_precision,
        ts_event,
        ts_init,
    )


def trade_to_trade_tick(trade: TradeTuple, scales: Scales, ts_init: int) -> TradeTick | None:
    """Return the trade, or None when its size is zero.

    Raises
    ------
    OutOfRange
        A value is beyond what Nautilus holds.
    """
    _, market, trade_id, aggressor_side, price, size, _, _, ts_event = trade
    instrument_id, price_precision, price_step, price_max, size_precision, size_step, size_max = (
        scales
    )
    if price % price_step:
        price = round_units(price, price_step)
    if size % size_step:
        size = round_units(size, size_step)
    if size == 0:
        return None
    if price > price_max or size > size_max:
        raise OutOfRange(market, max(price, size))
    if not (trade_id.isalnum() and trade_id.isascii() and len(trade_id) <= TRADE_ID_CHARS_MAX):
        trade_id = text_to_trade_id(trade_id)
    return _trade_from_raw(
        instrument_id,
        price * RAW_PER_UNIT,
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
    _, market, sequence, is_snapshot, bids, asks, ts_event = book
    instrument_id, price_precision, _, _, size_precision, _, _ = scales
    bid_prices, bid_sizes = _fit_levels(market, bids, scales, is_snapshot)
    ask_prices, ask_sizes = _fit_levels(market, asks, scales, is_snapshot)
    deltas = []
    flags, update, delete = 0, _UPDATE, _DELETE
    if is_snapshot:
        flags, update, delete = _SNAPSHOT, _ADD, _ADD
        is_empty = not (bid_prices or ask_prices)
        deltas.append(clear_delta(instrument_id, sequence, is_empty, ts_event, ts_init))
    # The last level closes the change, so it is kept back for its flag.
    if ask_prices:
        last_side, last_price, last_size = _SELL, ask_prices[-1], ask_sizes[-1]
        ask_prices = ask_prices[:-1]
    elif bid_prices:
        last_side, last_price, last_size = _BUY, bid_prices[-1], bid_sizes[-1]
        bid_prices = bid_prices[:-1]
    else:
        return OrderBookDeltas(instrument_id, deltas) if deltas else None
    for side, prices, sizes in ((_BUY, bid_prices, bid_sizes), (_SELL, ask_prices, ask_sizes)):
        # zip ends with the prices.
        deltas += [
            _delta_from_raw(
                instrument_id,
                update if size else delete,
                side,
                price * RAW_PER_UNIT,
                price_precision,
                size * RAW_PER_UNIT,
                size_precision,
                0,
                flags,
                sequence,
                ts_event,
                ts_init,
            )
            for price, size in zip(prices, sizes, strict=False)
        ]
    deltas.append(
        _delta_from_raw(
            instrument_id,
            update if last_size else delete,
            last_side,
            last_price * RAW_PER_UNIT,
            price_precision,
            last_size * RAW_PER_UNIT,
            size_precision,
            0,
            flags | _LAST,
            sequence,
            ts_event,
            ts_init,
        )
    )
    return OrderBookDeltas(instrument_id, deltas)


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


type _Column = tuple[int, ...] | list[int]


def _fit_levels(
    market: str, levels: tuple[int, ...], scales: Scales, is_snapshot: bool
) -> tuple[_Column, _Column]:
    """Return the prices and the sizes of one side, as the instrument can hold them."""
    if not levels:
        return (), ()
    _, _, price_step, price_max, _, size_step, size_max = scales
    prices: _Column = levels[::2]
    sizes: _Column = levels[1::2]
    # One call over a column costs a third of one check a level.
    if max(prices) > price_max or max(sizes) > size_max:
        raise OutOfRange(market, max(levels))
    if gcd(price_step, *prices) != price_step:
        prices = [round_units(price, price_step) for price in prices]
    if gcd(size_step, *sizes) != size_step:
        sizes = [round_units(size, size_step) for size in sizes]
    if is_snapshot and 0 in sizes:
        # A level without size is none, and Nautilus refuses to add it.
        present = [(price, size) for price, size in zip(prices, sizes, strict=True) if size]
        return [price for price, _ in present], [size for _, size in present]
    return prices, sizes
