"""One market's order book: price levels, time priority, sequence numbers.

A book changes only through `add`, `reduce` and `remove`; `commit` closes one change, moves the
sequence number on by one and says which levels differ, which is exactly what one delta frame
carries.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from paradex_adapter.local_exchange.amounts import ZERO
from paradex_adapter.local_exchange.orders import Order

BUY: Final = "BUY"
SELL: Final = "SELL"

Level = tuple[Decimal, Decimal]


def opposite(side: str) -> str:
    """Return the other side."""
    return SELL if side == BUY else BUY


class BookSide:
    """The resting orders of one side, best price first, oldest first within a price."""

    def __init__(self, side: str) -> None:
        self.side = side
        self._sign = -1 if side == BUY else 1
        # Sorted so that the best price comes first: bids negated.
        self._keys: list[Decimal] = []
        self._queues: dict[Decimal, deque[Order]] = {}
        self._totals: dict[Decimal, Decimal] = {}

    def best(self) -> Level | None:
        """Return the best price and its total size."""
        if not self._keys:
            return None
        price = self._keys[0] * self._sign
        return price, self._totals[price]

    def levels(self, depth: int | None = None) -> list[Level]:
        """Return price and total size of the best levels, best first."""
        keys = self._keys if depth is None else self._keys[:depth]
        return [(key * self._sign, self._totals[key * self._sign]) for key in keys]

    def size_at(self, price: Decimal) -> Decimal:
        """Return the total size resting at a price."""
        return self._totals.get(price, ZERO)

    def front(self) -> Order | None:
        """Return the order that trades next."""
        if not self._keys:
            return None
        return self._queues[self._keys[0] * self._sign][0]

    def orders(self) -> Iterator[Order]:
        """Yield every resting order in the order in which they would trade."""
        for key in list(self._keys):
            yield from list(self._queues[key * self._sign])

    def add(self, order: Order) -> None:
        """Rest an order behind those already at its price; a retail trader's before the others."""
        price = order.price
        if price not in self._queues:
            insort(self._keys, price * self._sign)
            self._queues[price] = deque()
            self._totals[price] = ZERO
        queue = self._queues[price]
        if order.is_interactive:
            queue.insert(sum(other.is_interactive for other in queue), order)
        else:
            queue.append(order)
        self._totals[price] += order.remaining

    def reduce(self, order: Order, size: Decimal) -> None:
        """Take size off a resting order's level; the order itself is changed by the caller."""
        self._totals[order.price] -= size

    def remove(self, order: Order) -> None:
        """Take an order with whatever remains of it off the book."""
        price = order.price
        queue = self._queues[price]
        queue.remove(order)
        self._totals[price] -= order.remaining
        if not queue:
            del self._queues[price], self._totals[price]
            del self._keys[bisect_left(self._keys, price * self._sign)]


@dataclass(slots=True)
class BookChange:
    """What one change did to the book: new total size per level, 0 where the level is gone."""

    seq_no: int
    bids: list[Level]
    asks: list[Level]
    is_best_changed: bool


class OrderBook:
    """Both sides of one market and its sequence number."""

    def __init__(self, first_seq_no: int) -> None:
        self.seq_no = first_seq_no
        self.last_updated_ms = 0
        self.sides = {BUY: BookSide(BUY), SELL: BookSide(SELL)}
        # Insertion-ordered: the level of the first touch comes first in the delta.
        self._touched: dict[tuple[str, Decimal], None] = {}
        self._best: tuple[Level | None, Level | None] = (None, None)

    def best(self, side: str) -> Level | None:
        """Return the best price and size of a side."""
        return self.sides[side].best()

    def add(self, order: Order) -> None:
        """Rest an order."""
        self.sides[order.side].add(order)
        self._touched[(order.side, order.price)] = None

    def reduce(self, order: Order, size: Decimal) -> None:
        """Take filled size off a resting order's level."""
        self.sides[order.side].reduce(order, size)
        self._touched[(order.side, order.price)] = None

    def remove(self, order: Order) -> None:
        """Take a resting order off the book."""
        self.sides[order.side].remove(order)
        self._touched[(order.side, order.price)] = None

    def crossing(self, side: str) -> Order | None:
        """Return the resting order that an order of this side would meet first."""
        return self.sides[opposite(side)].front()

    def commit(self, now_ms: int) -> BookChange | None:
        """Close the change under way; None when nothing was touched."""
        if not self._touched:
            return None
        self.seq_no += 1
        self.last_updated_ms = now_ms
        changed: dict[str, list[Level]] = {BUY: [], SELL: []}
        for side, price in self._touched:
            changed[side].append((price, self.sides[side].size_at(price)))
        self._touched.clear()
        best = (self.best(BUY), self.best(SELL))
        is_best_changed = best != self._best
        self._best = best
        return BookChange(self.seq_no, changed[BUY], changed[SELL], is_best_changed)
