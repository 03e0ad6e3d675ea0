"""The book of a market that is played back: recorded levels, and orders that take nothing of them.

An order trades with the levels as if each were an order of the exchange's own maker, up to the size
shown. The next order finds the same size again: the recording goes on as it was.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable
from decimal import Decimal

from paradex_adapter.local_exchange.amounts import ZERO
from paradex_adapter.local_exchange.book import (
    BUY,
    SELL,
    BookChange,
    BookSide,
    Level,
    OrderBook,
    opposite,
)
from paradex_adapter.local_exchange.orders import Order

#: Makes the order that stands for a level: side, price, size.
MakeOrder = Callable[[str, Decimal, Decimal], Order]


class ReplayedSide(BookSide):
    """One side's recorded levels."""

    def set_level(self, price: Decimal, size: Decimal) -> None:
        """Set the size at a price; 0 removes the level."""
        key = -price if self.side == BUY else price
        if price not in self._totals:
            if size:
                insort(self._keys, key)
                self._totals[price] = size
        elif size:
            self._totals[price] = size
        else:
            del self._totals[price]
            del self._keys[bisect_left(self._keys, key)]

    def clear(self) -> None:
        """Remove every level."""
        self._keys.clear()
        self._totals.clear()


class ReplayedBook(OrderBook):
    """Recorded levels, and beside them the resting orders of accounts."""

    def __init__(self, make_order: MakeOrder) -> None:
        super().__init__(first_seq_no=0)
        self._make_order = make_order
        self._recorded = {side: ReplayedSide(side) for side in (BUY, SELL)}
        self.sides = {side: recorded for side, recorded in self._recorded.items()}
        # The orders that stand for levels during the change under way.
        self._makers: dict[tuple[str, Decimal], Order] = {}
        self._resting: dict[str, Order] = {}

    # --- The recording ------------------------------------------------------------------------

    @property
    def is_known(self) -> bool:
        """Whether the recording has told the whole book."""
        return self.seq_no > 0

    def forget(self) -> None:
        """Forget the levels, until the recording tells them anew."""
        self.seq_no = 0
        for side in self._recorded.values():
            side.clear()

    def replace(self, bids: Iterable[Level], asks: Iterable[Level], seq_no: int) -> None:
        """Take a snapshot as the whole book."""
        for side in self._recorded.values():
            side.clear()
        self.change(bids, asks, seq_no)

    def change(self, bids: Iterable[Level], asks: Iterable[Level], seq_no: int) -> None:
        """Take the levels of a delta."""
        self.seq_no = seq_no
        for side, levels in ((BUY, bids), (SELL, asks)):
            for price, size in levels:
                self._recorded[side].set_level(price, size)

    def crossed(self) -> list[Order]:
        """Return the resting orders that the best price of the other side has reached."""
        found = []
        for order in self._resting.values():
            best = self.best(opposite(order.side))
            if best is None:
                continue
            if best[0] <= order.price if order.side == BUY else best[0] >= order.price:
                found.append(order)
        return found

    # --- As the matching engine uses a book ---------------------------------------------------

    def add(self, order: Order) -> None:
        """Rest an order; it is not shown."""
        self._resting[order.id] = order

    def reduce(self, order: Order, size: Decimal) -> None:
        """Take nothing: what is shown stays."""

    def remove(self, order: Order) -> None:
        """Take a resting order back."""
        self._resting.pop(order.id, None)

    def crossing(self, side: str) -> Order | None:
        """Return what an order of this side meets next: the best level it has not used up."""
        other = opposite(side)
        for price, size in self._recorded[other].levels():
            maker = self._makers.get((other, price))
            if maker is None:
                maker = self._makers[(other, price)] = self._make_order(other, price, size)
            if maker.remaining > ZERO:
                return maker
        return None

    def commit(self, now_ms: int) -> BookChange | None:
        """End a change: nothing of the book has changed by it."""
        self._makers.clear()
        return None
