"""Orders, fills and positions that belong together, though they were read one after another.

Pure: what the venue answered is judged here, and read by `account_reader`.
"""

from collections import defaultdict
from typing import Final, final

from paradex_adapter_core.messages.account import Position
from paradex_adapter_core.messages.orders import Fill, OrderUpdate
from paradex_adapter_core.vocabulary import SIDE_BUY


@final
class AccountSnapshot:
    """Orders, fills and positions that belong together, though they were read one after another.

    ``orders`` and ``fills`` are those since ``start_ms`` (all there are when it is None), with open
    orders of any age; oldest first. The fills add up to the positions: what filled after these were
    read is left out, for the stream to tell. ``unbalanced`` names the markets where they do not.
    """

    __slots__ = ("_filled", "fills", "orders", "positions", "start_ms", "unbalanced")

    def __init__(
        self,
        orders: list[OrderUpdate],
        fills: list[Fill],
        positions: list[Position],
        start_ms: int | None = None,
        unbalanced: list[str] | None = None,
    ) -> None:
        self.unbalanced: Final = unbalanced or []
        self.orders: Final = orders
        self.fills: Final = fills
        self.positions: Final = positions
        self.start_ms: Final = start_ms
        self._filled: Final[dict[str, int]] = defaultdict(int)
        for fill in fills:
            self._filled[fill.venue_order_id] += fill.size

    def filled_of(self, update: OrderUpdate) -> int:
        """Return how much of an order (1e-8) is told by the fills here.

        Of an order from before the window, whose first fills may lie before it, the venue's own
        number.
        """
        told = update.size - update.remaining_size
        if self.start_ms is not None and update.ts_created < self.start_ms * 1_000_000:
            return told
        return min(told, self._filled.get(update.venue_order_id, 0))


def find_partial(
    fills: list[Fill], orders: list[OrderUpdate], positions: list[Position]
) -> set[str]:
    """Return the markets of which fills of a window do not tell the whole story."""
    known = {update.venue_order_id: update for update in orders}
    net: dict[str, int] = defaultdict(int)
    filled: dict[str, int] = defaultdict(int)
    partial = set()
    for fill in fills:
        order = known.get(fill.venue_order_id)
        is_buy = (fill.side if order is None else order.side) == SIDE_BUY
        net[fill.market] += fill.size if is_buy else -fill.size
        filled[fill.venue_order_id] += fill.size
        if order is None and fill.venue_order_id:
            partial.add(fill.market)
    held = {position.market: position.size for position in positions}
    partial.update(market for market, size in net.items() if size != held.get(market, 0))
    for order in orders:
        if order.size - order.remaining_size > filled[order.venue_order_id]:
            partial.add(order.market)
    return partial


def cut_fills(
    fills: list[Fill], positions: list[Position], sides: dict[str, int], whole: set[str] | None
) -> tuple[list[Fill], dict[str, tuple[int, int]]]:
    """Return the fills up to the moment of the positions; `whole` markets have all, None means any.

    And, of the markets where there is no such moment, the number of fills and the position; all
    their fills are kept.
    """
    of_market: dict[str, list[Fill]] = defaultdict(list)
    for fill in fills:
        of_market[fill.market].append(fill)
    held = {position.market: position for position in positions}
    kept: list[Fill] = []
    odd: dict[str, tuple[int, int]] = {}
    for market, rows in of_market.items():
        position = held.get(market)
        size = 0 if position is None else position.size
        if whole is None or market in whole:
            length = _find_prefix(rows, size, sides)
        else:
            length = _find_last(rows, "" if position is None else position.last_fill_id)
        if length is None:
            odd[market] = (len(rows), size)
        kept.extend(rows[:length])
    kept.sort(key=fill_age)
    return kept, odd


def _find_prefix(rows: list[Fill], size: int, sides: dict[str, int]) -> int | None:
    """Return the length of the longest prefix of fills that makes a position of `size`."""
    net, length = 0, 0 if size == 0 else None
    for number, fill in enumerate(rows, 1):
        is_buy = sides.get(fill.venue_order_id, fill.side) == SIDE_BUY
        net += fill.size if is_buy else -fill.size
        if net == size:
            length = number
    return length


def _find_last(rows: list[Fill], last_fill_id: str) -> int:
    """Return the number of fills up to the last one in the position; all where it is not told."""
    # From the end: an id is unique among the fills of its type alone.
    for number in range(len(rows), 0, -1):
        if rows[number - 1].fill_id == last_fill_id:
            return number
    return len(rows)


def order_age(update: OrderUpdate) -> tuple[int, str]:
    """Return what puts orders in the order they came about, the oldest first."""
    return update.ts_created, update.venue_order_id


def fill_age(fill: Fill) -> int:
    """Return what puts fills in the order they came about, the oldest first."""
    return fill.ts_event
