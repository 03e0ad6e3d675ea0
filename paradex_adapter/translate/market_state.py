"""The state of a market, from its summary, as Nautilus data. Pure functions.

Mark and index prices have the instrument's price precision, as everything about it has in a
catalog; the venue's further digits are in `custom_data.ParadexMarketSummary`.
"""

from typing import Final

from nautilus_trader.model.data import IndexPriceUpdate, MarkPriceUpdate, OptionGreeks
from nautilus_trader.model.objects import Price

from paradex_adapter.translate.market_data import Scales, learn_prices
from paradex_adapter_core.messages.market_data import MarketSummary
from paradex_adapter_core.vocabulary import RATE_SCALE, UNITS_PER_ONE

_RATE_ONE: Final = 10**RATE_SCALE


def summary_to_mark_price(
    summary: MarketSummary, scales: Scales, ts_init: int
) -> MarkPriceUpdate | None:
    """Return the mark price, or None when the summary has none.

    Raises
    ------
    OutOfRange
        The price is beyond what Nautilus holds.
    """
    price = _find_price(summary.mark_price, scales)
    if price is None:
        return None
    return MarkPriceUpdate(scales[0], price, summary.ts_event, ts_init)


def summary_to_index_price(
    summary: MarketSummary, scales: Scales, ts_init: int
) -> IndexPriceUpdate | None:
    """Return the price of the underlying, or None when the summary has none.

    Raises
    ------
    OutOfRange
        The price is beyond what Nautilus holds.
    """
    price = _find_price(summary.index_price, scales)
    if price is None:
        return None
    return IndexPriceUpdate(scales[0], price, summary.ts_event, ts_init)


def summary_to_option_greeks(
    summary: MarketSummary, scales: Scales, ts_init: int
) -> OptionGreeks | None:
    """Return the greeks of an option, or None when the summary has no delta.

    Those the venue leaves empty are 0. Volatilities are fractions of a year's (0.5 is 50%). They
    are floats because Nautilus' are; no price or amount is computed from them here.
    """
    if summary.delta is None:
        return None
    return OptionGreeks(
        scales[0],
        summary.delta / _RATE_ONE,
        (summary.gamma or 0) / _RATE_ONE,
        (summary.vega or 0) / _RATE_ONE,
        (summary.theta or 0) / _RATE_ONE,
        (summary.rho or 0) / _RATE_ONE,
        _fraction(summary.mark_iv, _RATE_ONE),
        _fraction(summary.bid_iv, _RATE_ONE),
        _fraction(summary.ask_iv, _RATE_ONE),
        _fraction(summary.index_price, UNITS_PER_ONE),
        _fraction(summary.open_interest, UNITS_PER_ONE),
        summary.ts_event,
        ts_init,
    )


def _find_price(units: int | None, scales: Scales) -> Price | None:
    if not units or units < 0:
        return None
    _, precision, _, _, _ = scales
    # Not into the table of the book's prices: these hardly ever come again.
    raws: dict[int, int] = {}
    learn_prices(raws, precision, (units,))
    return Price.from_raw(raws[units], precision)


def _fraction(units: int | None, one: int) -> float | None:
    return None if units is None else units / one
