"""Bars, funding, book depths and forward prices as Nautilus data. Pure functions.

What lies in the past bears its own time as ``ts_init`` too: a backtest and a catalog order data by
it, and nothing of a stream must seem to have been known before it happened.
"""

from decimal import Decimal, localcontext
from typing import Final

from nautilus_trader.core.nautilus_pyo3 import ForwardPrice  # type: ignore[attr-defined]
from nautilus_trader.core.nautilus_pyo3 import InstrumentId as PyO3InstrumentId
from nautilus_trader.model.data import (
    Bar,
    BarType,
    BookOrder,
    FundingRateUpdate,
    OrderBookDepth10,
)
from nautilus_trader.model.enums import (
    AggregationSource,
    BarAggregation,
    OrderSide,
    PriceType,
    RecordFlag,
)
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.instruments import Instrument

from paradex_adapter.translate.instruments import PRICE_UNITS_MAX, QUANTITY_UNITS_MAX, RAW_PER_UNIT
from paradex_adapter.translate.market_data import (
    OutOfRange,
    Scales,
    precision_step,
    round_units,
)
from paradex_adapter.translate.values import units_to_decimal
from paradex_adapter_core.messages.market_data import (
    BookTuple,
    FundingData,
    KlineTuple,
    MarketSummary,
)
from paradex_adapter_core.vocabulary import RATE_SCALE

NANOS_PER_MIN: Final = 60_000_000_000
MINS_PER_HOUR: Final = 60
NANOS_PER_YEAR: Final = 365 * 24 * 60 * NANOS_PER_MIN
DEPTH_LEVELS: Final = 10
FORWARD_DIGITS: Final = 40
FORWARD_STEP: Final = Decimal("1e-8")
# Natural logarithm of the largest ratio of forward to spot: more than a hundredfold is a mistake.
GROWTH_MAX: Final = 5

# By bar aggregation: minutes in one step. The venue's bars are of 1 to 60 minutes.
STEP_MINS: Final = {BarAggregation.MINUTE: 1, BarAggregation.HOUR: 60}
BAR_MINS: Final = frozenset({1, 3, 5, 15, 30, 60})

# Which of the venue's prices a bar is made of. Nautilus has no price type for an index: MID, of
# which the venue has no bars, stands for the underlying's.
PRICE_KINDS: Final = {
    PriceType.LAST: "last",
    PriceType.MARK: "mark",
    PriceType.MID: "underlying",
}

_SNAPSHOT_LAST: Final = int(RecordFlag.F_SNAPSHOT) | int(RecordFlag.F_LAST)


class UnsupportedBars(ValueError):
    """A bar type of which the venue has no bars.

    Parameters
    ----------
    bar_type : BarType
        As it was asked for.
    """

    def __init__(self, bar_type: BarType) -> None:
        super().__init__(bar_type)
        self.bar_type: Final = bar_type

    def __str__(self) -> str:
        return (
            f"bars {self.bar_type} do not exist at Paradex, whose bars are EXTERNAL, of 1, 3, 5, "
            "15, 30 or 60 minutes, and LAST, MARK or MID (underlying) prices"
        )


class UnusableKline(ValueError):
    """A bar of the venue that contradicts itself: its high is not the highest, or a price is none.

    Parameters
    ----------
    kline : KlineTuple
        As the venue gave it.
    """

    def __init__(self, kline: KlineTuple) -> None:
        super().__init__(kline)
        self.kline: Final = kline

    def __str__(self) -> str:
        return f"bar opened at {self.kline[0]} ns contradicts itself: {self.kline[1:5]}"


def bar_type_to_kline_terms(bar_type: BarType) -> tuple[int, str]:
    """Return the resolution (minutes) and the price kind the venue has a bar type under.

    Raises
    ------
    UnsupportedBars
        If it has no such bars.
    """
    spec = bar_type.spec
    minutes = STEP_MINS.get(spec.aggregation, 0) * spec.step
    price_kind = PRICE_KINDS.get(spec.price_type)
    is_external = bar_type.aggregation_source == AggregationSource.EXTERNAL
    if minutes not in BAR_MINS or price_kind is None or not is_external or bar_type.is_composite():
        raise UnsupportedBars(bar_type)
    return minutes, price_kind


def kline_to_bar(
    kline: KlineTuple, bar_type: BarType, scales: Scales, ts_init: int | None = None
) -> Bar:
    """Return a bar; both its times are that of its close, unless `ts_init` is given.

    Prices finer than the instrument's tick precision (of marks, they are) are rounded to it, half
    to even, and so is the volume, which is in the base currency.

    Raises
    ------
    UnsupportedBars
        If the venue has no such bars.
    UnusableKline
        If the bar contradicts itself.
    OutOfRange
        A value is beyond what Nautilus holds.
    """
    minutes, _ = bar_type_to_kline_terms(bar_type)
    ts_open, *prices, volume = kline
    open_price, high, low, close = prices
    if not 0 < low <= min(open_price, close) <= max(open_price, close) <= high:
        raise UnusableKline(kline)
    _, price_precision, _, size_precision, size_step = scales
    step = precision_step(price_precision)
    rounded = [round_units(price, step) for price in prices]
    size = round_units(volume, size_step)
    if max(rounded) > PRICE_UNITS_MAX:
        raise OutOfRange(max(rounded))
    if size > QUANTITY_UNITS_MAX:
        raise OutOfRange(size)
    ts_close = ts_open + minutes * NANOS_PER_MIN
    return Bar.from_raw(
        bar_type,
        *(price * RAW_PER_UNIT for price in rounded),
        price_precision,
        size * RAW_PER_UNIT,
        size_precision,
        ts_close,
        ts_close if ts_init is None else ts_init,
    )


def funding_to_update(
    funding: FundingData, instrument_id: InstrumentId, ts_init: int
) -> FundingRateUpdate | None:
    """Return the funding rate of the market's own period, or None when the venue has none.

    The interval is that period in minutes. Funding accrues all the time, so no next payment is due.
    """
    if funding.funding_rate is None:
        return None
    return FundingRateUpdate(
        instrument_id=instrument_id,
        rate=Decimal(funding.funding_rate).scaleb(-RATE_SCALE),
        ts_event=funding.ts_event,
        ts_init=ts_init,
        interval=funding.funding_period_hours * MINS_PER_HOUR or None,
    )


def book_to_depth10(book: BookTuple, scales: Scales, ts_init: int) -> OrderBookDepth10:
    """Return the ten best levels of either side of a whole book; levels that are not there are 0.

    Raises
    ------
    OutOfRange
        A value is beyond what Nautilus holds.
    """
    _, _, sequence, _, bids, asks, ts_event = book
    bid_orders = _best_levels(bids, OrderSide.BUY, scales)
    ask_orders = _best_levels(asks, OrderSide.SELL, scales)
    return OrderBookDepth10(
        instrument_id=scales[0],
        bids=[order for order, _ in bid_orders],
        asks=[order for order, _ in ask_orders],
        bid_counts=[count for _, count in bid_orders],
        ask_counts=[count for _, count in ask_orders],
        flags=_SNAPSHOT_LAST,
        sequence=sequence,
        ts_event=ts_event,
        ts_init=ts_init,
    )


def summary_to_forward_price(
    summary: MarketSummary, option: Instrument, ts_init: int
) -> ForwardPrice | None:
    """Return the forward price of an option's underlying at its expiry, None if it is not known.

    It is the underlying's price, compounded continuously at the venue's annualized forward rate
    until expiry; without a rate, or past expiry, the underlying's price itself. A rate out of all
    proportion gives none.
    """
    if not summary.index_price or summary.index_price < 0:
        return None
    spot = units_to_decimal(summary.index_price)
    remaining_ns = max(0, option.expiration_ns - summary.ts_event)
    growth = Decimal(summary.forward_rate or 0).scaleb(-RATE_SCALE) * remaining_ns / NANOS_PER_YEAR
    if abs(growth) > GROWTH_MAX:
        return None
    with localcontext(prec=FORWARD_DIGITS):
        forward = (spot * growth.exp()).quantize(FORWARD_STEP)
    return ForwardPrice(
        PyO3InstrumentId.from_str(option.id.value),
        f"{forward:f}",
        str(option.underlying),
        summary.ts_event,
        ts_init,
    )


def _best_levels(
    levels: tuple[int, ...], side: OrderSide, scales: Scales
) -> list[tuple[BookOrder, int]]:
    _, price_precision, _, size_precision, size_step = scales
    price_step = precision_step(price_precision)
    orders: list[tuple[BookOrder, int]] = []
    pairs = sorted(zip(levels[::2], levels[1::2], strict=True), reverse=side == OrderSide.BUY)
    for price, size in pairs:
        rounded, quantity = round_units(price, price_step), round_units(size, size_step)
        if rounded > PRICE_UNITS_MAX:
            raise OutOfRange(rounded)
        if quantity > QUANTITY_UNITS_MAX:
            raise OutOfRange(quantity)
        if quantity and len(orders) < DEPTH_LEVELS:
            orders.append((_order(side, rounded, price_precision, quantity, size_precision), 1))
    # Nautilus wants as many levels on either side.
    empty = _order(OrderSide.NO_ORDER_SIDE, 0, price_precision, 0, size_precision)
    return orders + [(empty, 0)] * (DEPTH_LEVELS - len(orders))


def _order(
    side: OrderSide, price: int, price_precision: int, size: int, size_precision: int
) -> BookOrder:
    return BookOrder.from_raw(
        side, price * RAW_PER_UNIT, price_precision, size * RAW_PER_UNIT, size_precision, 0
    )
