"""Where orders rest: in the book, or hidden in wait for retail takers (RPI).

An RPI order is shown in no book here, trades with retail takers only, and comes after everything
else at its price. It may cross the book a little, and never takes.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final, Protocol

from paradex_adapter.local_exchange.book import BUY, opposite
from paradex_adapter.local_exchange.markets import Market
from paradex_adapter.local_exchange.orders import Order
from paradex_adapter.local_exchange.price_limits import reaches

#: How far an RPI order may cross the best price of the other side, as a share of that price.
CROSSING_MAX: Final = Decimal("0.0005")


class _Place(Protocol):
    """What holds resting orders."""

    def add(self, order: Order) -> None:
        """Rest an order."""

    def reduce(self, order: Order, size: Decimal) -> None:
        """Take filled size off."""

    def remove(self, order: Order) -> None:
        """Take an order off."""


def _place(order: Order, market: Market) -> _Place:
    return market.hidden[order.side] if order.is_rpi else market.book


def rest(order: Order, market: Market) -> None:
    """Rest an order."""
    _place(order, market).add(order)


def reduce(order: Order, market: Market, size: Decimal) -> None:
    """Take filled size off where an order rests; the order itself is changed by the caller."""
    _place(order, market).reduce(order, size)


def unrest(order: Order, market: Market) -> None:
    """Take a resting order off."""
    _place(order, market).remove(order)


def next_maker(taker: Order, market: Market) -> Order | None:
    """Return the resting order that an order meets next."""
    shown = market.book.crossing(taker.side)
    hidden = market.hidden[opposite(taker.side)].front() if taker.is_interactive else None
    if shown is None or hidden is None:
        return shown or hidden
    is_better = hidden.price < shown.price if taker.side == BUY else hidden.price > shown.price
    return hidden if is_better else shown


def would_cross(order: Order, price: Decimal, market: Market) -> bool:
    """Return whether an order that must not take would do so at a price."""
    if order.instruction not in ("POST_ONLY", "RPI"):
        return False
    meets = market.book.crossing(order.side) if order.is_rpi else next_maker(order, market)
    if meets is None:
        return False
    if not order.is_rpi:
        return reaches(order.side, price, meets.price)
    away = meets.price * CROSSING_MAX
    limit = meets.price + away if order.side == BUY else meets.price - away
    return price > limit if order.side == BUY else price < limit
