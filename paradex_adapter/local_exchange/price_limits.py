"""How far an order may trade: its own price, the price band, the average a market order accepts."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal

from paradex_adapter.local_exchange.amounts import ZERO
from paradex_adapter.local_exchange.book import BUY, opposite
from paradex_adapter.local_exchange.markets import Market
from paradex_adapter.local_exchange.orders import Order


def reaches(side: str, limit: Decimal, price: Decimal) -> bool:
    """Return whether an order of this side and limit trades at a price."""
    return price <= limit if side == BUY else price >= limit


def limit_price(order: Order, market: Market) -> Decimal:
    """Return the price beyond which an order does not trade: its own, or the price band."""
    if not order.is_market:
        return order.price
    band = market.band_width
    return max(ZERO, market.mark_price + (band if order.side == BUY else -band))


def worst_average(order: Order, market: Market, chosen: Decimal | None) -> Decimal | None:
    """Return the average price a market order accepts at worst; None where there is no bound.

    The bound is the order's own, or else the slippage the account chose, or the market's.

    Take profits and stop losses have none: the price band alone holds them.
    """
    if not order.is_market or order.is_closing:
        return None
    if order.vwap_price is not None:
        return order.vwap_price
    best = market.book.best(opposite(order.side))
    if best is None:
        return None
    slippage = market.rules.max_slippage if chosen is None else chosen
    return best[0] * (1 + slippage if order.side == BUY else 1 - slippage)


def room(order: Order, price: Decimal, worst: Decimal, step: Decimal) -> Decimal:
    """Return how much a market order may trade at a price without spoiling its average."""
    excess = price - worst if order.side == BUY else worst - price
    if excess <= 0:
        return order.remaining
    saved = worst * order.filled - order.filled_notional
    size = (saved if order.side == BUY else -saved) / excess
    return max(ZERO, (size / step).to_integral_value(ROUND_DOWN) * step)
