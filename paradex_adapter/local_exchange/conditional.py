"""Orders that wait for a mark price, and those that belong together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from paradex_adapter.local_exchange.markets import Market
from paradex_adapter.local_exchange.order_types import is_take_profit
from paradex_adapter.local_exchange.orders import Order

#: Why an order is canceled whose partner was executed, or whose position is gone. The venue says
#: that it cancels them; the words it gives for it are not documented.
PARTNER_EXECUTED: Final = "LINKED_ORDER_EXECUTED"
POSITION_GONE: Final = "POSITION_CLOSED"


class WaitingOrders:
    """The orders that are not triggered yet, and the pairs that take profits and stop losses form.

    A take-profit and a stop-loss order of one account, market and side are paired as they come,
    the oldest unpaired one first. Nothing goes while it is paused.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, dict[str, Order]] = defaultdict(dict)
        self._partners: dict[str, Order] = {}
        self.is_paused = False

    def add(self, order: Order) -> None:
        """Let an order wait, and pair it where it belongs to a position."""
        waiting = self._waiting[order.market]
        if order.is_closing:
            partner = next((o for o in waiting.values() if self._are_partners(o, order)), None)
            if partner is not None:
                self._partners[order.id], self._partners[partner.id] = partner, order
        waiting[order.id] = order

    def _are_partners(self, waiting: Order, order: Order) -> bool:
        return (
            waiting.is_closing
            and (waiting.account, waiting.side) == (order.account, order.side)
            and is_take_profit(waiting.type) != is_take_profit(order.type)
            and waiting.id not in self._partners
        )

    def remove(self, order: Order) -> None:
        """Let an order wait no longer; it keeps its partner."""
        self._waiting[order.market].pop(order.id, None)

    def forget(self, order: Order) -> None:
        """Forget an order that is closed; its partner goes on alone."""
        self.remove(order)
        partner = self._partners.pop(order.id, None)
        if partner is not None:
            self._partners.pop(partner.id, None)

    def partner(self, order: Order) -> Order | None:
        """Return the order that is canceled once this one is executed."""
        return self._partners.get(order.id)

    def due(self, market: Market) -> Order | None:
        """Return the oldest order of a market whose trigger the mark price has reached."""
        if self.is_paused:
            return None
        waiting = self._waiting[market.symbol].values()
        return next((order for order in waiting if order.is_due(market.mark_price)), None)

    def of(self, market: Market) -> Iterator[Order]:
        """Yield what waits in a market, oldest first; they may be closed meanwhile."""
        yield from list(self._waiting[market.symbol].values())


def is_executed(order: Order) -> bool:
    """Return whether a take profit or stop loss has done enough for its partner to be canceled."""
    return order.filled > 0 and (order.is_market or not order.remaining)


def cap(order: Order, held: Decimal) -> None:
    """Let an order that closes a position be no larger than what is left of it."""
    if order.is_closing and 0 < abs(held) < order.remaining:
        order.size = order.filled + abs(held)
        order.remaining = abs(held)
