"""Orders this process did not send: what was told of each, and in which order the rest is told.

The store says what is new; this says what may be passed on: of an order first that it exists, then
its fills, and its end only after all of them. A fill that arrives before its order waits for it.
Pure bookkeeping: no I/O, no clock.
"""

from collections import OrderedDict
from typing import Final, final

from paradex_adapter_core.messages import Fill, OrderUpdate
from paradex_adapter_core.vocabulary import (
    FILL_ORDINARY,
    FILL_RPI,
    STATUS_CLOSED,
    STATUS_NEW,
)

EXTERNAL_ORDERS_MAX: Final = 10_000


@final
class ExternalOpened:
    """An order not ours exists; none of its fills has been told yet."""

    __slots__ = ("update",)

    def __init__(self, update: OrderUpdate) -> None:
        self.update: Final = update


@final
class ExternalFilled:
    """A fill of an order told before. ``side`` is the account's own."""

    __slots__ = ("fill", "side")

    def __init__(self, fill: Fill, side: int) -> None:
        self.fill: Final = fill
        self.side: Final = side


@final
class ExternalClosed:
    """An order not ours ended with something left of it; all of its fills have been told.

    ``was_working`` tells whether the order itself was told before.
    """

    __slots__ = ("update", "was_working")

    def __init__(self, update: OrderUpdate, was_working: bool) -> None:
        self.update: Final = update
        self.was_working: Final = was_working


@final
class VenueTrade:
    """A fill without an order of the account: liquidation, settlement, transfer, block trade."""

    __slots__ = ("fill", "side")

    def __init__(self, fill: Fill, side: int) -> None:
        self.fill: Final = fill
        self.side: Final = side


type ExternalFact = ExternalOpened | ExternalFilled | ExternalClosed | VenueTrade


@final
class _Entry:
    __slots__ = ("early_fills", "filled", "is_closed", "is_opened", "update")

    def __init__(self) -> None:
        self.update: OrderUpdate | None = None
        self.is_opened = False
        self.is_closed = False
        self.filled = 0
        self.early_fills: list[tuple[Fill, int]] = []


@final
class ExternalOrders:
    """The orders not ours; past `EXTERNAL_ORDERS_MAX` the oldest is forgotten."""

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: Final[OrderedDict[str, _Entry]] = OrderedDict()

    def take_order(self, update: OrderUpdate) -> list[ExternalFact]:
        """Return what may be told after news of an order."""
        entry = self._entry(update.venue_order_id)
        if entry.is_closed:
            return []
        entry.update = update
        # A new order may still be refused; an unknown status says nothing that could be told.
        if not entry.is_opened and update.status <= STATUS_NEW:
            return []
        return self._advance(entry)

    def take_fill(self, fill: Fill, side: int) -> list[ExternalFact]:
        """Return what may be told after a fill counted for the first time."""
        if not fill.venue_order_id or fill.fill_type not in (FILL_ORDINARY, FILL_RPI):
            return [VenueTrade(fill, side)]
        entry = self._entry(fill.venue_order_id)
        if not entry.is_opened:
            entry.early_fills.append((fill, side))
            # A fill proves that a new order works.
            return self._advance(entry) if entry.update is not None else []
        entry.filled += fill.size
        return [ExternalFilled(fill, side), *self._close(entry)]

    def give_up_waiting(self, venue_order_id: str) -> list[ExternalFact]:
        """Return the fills of an order the venue does not know, as trades of their own."""
        entry = self._entries.get(venue_order_id)
        if entry is None or entry.is_opened:
            return []
        waiting, entry.early_fills = entry.early_fills, []
        return [VenueTrade(fill, side) for fill, side in waiting]

    def close_as_told(self, venue_order_id: str) -> list[ExternalFact]:
        """Return the end of an order whose missing fills the venue does not have."""
        entry = self._entries.get(venue_order_id)
        if entry is None or entry.update is None:
            return []
        entry.filled = max(entry.filled, _told_filled(entry.update))
        return self._close(entry)

    def seed(self, update: OrderUpdate, filled: int) -> None:
        """Take up an order that was told in an answer, with `filled` (1e-8) of its fills."""
        entry = self._entry(update.venue_order_id)
        entry.update = update
        entry.is_opened = True
        entry.filled = filled
        entry.is_closed = update.status == STATUS_CLOSED and filled >= _told_filled(update)

    def missing(self, venue_order_id: str) -> int:
        """Return the quantity (1e-8) the venue told as filled without a fill told yet."""
        entry = self._entries.get(venue_order_id)
        if entry is None or entry.update is None or not entry.is_opened:
            return 0
        return max(0, _told_filled(entry.update) - entry.filled)

    def find_filled(self, venue_order_id: str) -> int | None:
        """Return the quantity (1e-8) of the fills told of an order, None when it was not told."""
        entry = self._entries.get(venue_order_id)
        return entry.filled if entry is not None and entry.is_opened else None

    def is_waiting_for_order(self, venue_order_id: str) -> bool:
        """Return whether fills of this order wait for news of the order itself."""
        entry = self._entries.get(venue_order_id)
        return entry is not None and not entry.is_opened and bool(entry.early_fills)

    def find_order(self, venue_order_id: str) -> OrderUpdate | None:
        """Return the last news of an order."""
        entry = self._entries.get(venue_order_id)
        return None if entry is None else entry.update

    def _advance(self, entry: _Entry) -> list[ExternalFact]:
        assert entry.update is not None
        facts: list[ExternalFact] = []
        if not entry.is_opened:
            entry.is_opened = True
            if entry.update.status == STATUS_CLOSED and not _told_filled(entry.update):
                # It never traded: its end tells that it existed.
                return self._close(entry, was_working=False)
            facts.append(ExternalOpened(entry.update))
        for fill, side in entry.early_fills:
            entry.filled += fill.size
            facts.append(ExternalFilled(fill, side))
        entry.early_fills = []
        return facts + self._close(entry)

    def _close(self, entry: _Entry, was_working: bool = True) -> list[ExternalFact]:
        update = entry.update
        assert update is not None
        is_due = update.status == STATUS_CLOSED and entry.filled >= _told_filled(update)
        if entry.is_closed or not is_due:
            return []
        entry.is_closed = True
        # The fills of a filled order say so themselves.
        return [] if update.remaining_size == 0 else [ExternalClosed(update, was_working)]

    def _entry(self, venue_order_id: str) -> _Entry:
        entry = self._entries.get(venue_order_id)
        if entry is None:
            entry = self._entries[venue_order_id] = _Entry()
            if len(self._entries) > EXTERNAL_ORDERS_MAX:
                self._entries.popitem(last=False)
        return entry


def _told_filled(update: OrderUpdate) -> int:
    return update.size - update.remaining_size
