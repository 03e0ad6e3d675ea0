"""Orders this process did not send: what was told of each, and in which order the rest is told.

The store says what is new; this says what may be passed on: of an order first that it exists, then
its fills, and its end only after all of them. A fill waits for its order, and for the fills before
it: NautilusTrader silently drops a fill reported after a younger one of the same order. Pure
bookkeeping: no I/O, no clock.
"""

from collections import OrderedDict
from typing import Final, final

from paradex_adapter_core.messages.orders import Fill, OrderUpdate
from paradex_adapter_core.vocabulary import (
    FILL_ORDINARY,
    FILL_RPI,
    STATUS_CLOSED,
    STATUS_NEW,
    STATUS_OPEN,
    STATUS_UNTRIGGERED,
)

EXTERNAL_ORDERS_MAX: Final = 10_000


@final
class ExternalOpened:
    """An order not ours exists; none of its fills has been told yet."""

    __slots__ = ("update",)

    def __init__(self, update: OrderUpdate) -> None:
        self.update: Final = update


@final
class ExternalChanged:
    """A working order got another size or price, or was triggered. ``told`` sums its fills told."""

    __slots__ = ("told", "update")

    def __init__(self, update: OrderUpdate, told: int) -> None:
        self.update: Final = update
        self.told: Final = told


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


type ExternalFact = ExternalOpened | ExternalChanged | ExternalFilled | ExternalClosed | VenueTrade


@final
class _Entry:
    """``told`` sums the fills told, ``waiting`` holds those that are not; ``terms`` were told.

    ``is_waiting`` for its trigger an order is once, and never again.
    """

    __slots__ = (
        "is_closed",
        "is_opened",
        "is_waiting",
        "terms",
        "told",
        "ts_terms",
        "update",
        "waiting",
    )

    def __init__(self) -> None:
        self.update: OrderUpdate | None = None
        self.is_opened = False
        self.is_closed = False
        self.terms: tuple[int, int | None, int | None] | None = None
        self.ts_terms = 0
        self.is_waiting = False
        self.told = 0
        self.waiting: list[tuple[Fill, int]] = []

    def take_terms(self, update: OrderUpdate) -> bool:
        """Take size, prices and trigger of an update, unless they are old; return what is new."""
        is_waiting = update.status == STATUS_UNTRIGGERED
        terms = (update.size, update.price, update.trigger_price or None)
        is_untriggered_again = self.terms is not None and is_waiting and not self.is_waiting
        is_old = update.ts_updated < self.ts_terms or is_untriggered_again
        if is_old or (terms, is_waiting) == (self.terms, self.is_waiting):
            return False
        self.terms, self.is_waiting, self.ts_terms = terms, is_waiting, update.ts_updated
        return True

    @property
    def counted(self) -> int:
        """The quantity of all fills known, told or waiting, in 1e-8."""
        return self.told + sum(fill.size for fill, _ in self.waiting)

    @property
    def due(self) -> int:
        """The quantity the venue told as filled, in 1e-8."""
        return 0 if self.update is None else self.update.size - self.update.remaining_size


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
        return self._advance(entry)

    def take_fill(self, fill: Fill, side: int) -> list[ExternalFact]:
        """Return what may be told after a fill counted for the first time."""
        if not fill.venue_order_id or fill.fill_type not in (FILL_ORDINARY, FILL_RPI):
            return [VenueTrade(fill, side)]
        entry = self._entry(fill.venue_order_id)
        entry.waiting.append((fill, side))
        return self._advance(entry)

    def go_without(self, venue_order_id: str) -> list[ExternalFact]:
        """Return all that is held back, whatever it waits for does not come."""
        entry = self._entries.get(venue_order_id)
        if entry is None:
            return []
        if entry.update is None:
            waiting, entry.waiting = entry.waiting, []
            return [VenueTrade(fill, side) for fill, side in waiting]
        entry.told += max(0, entry.due - entry.counted)
        return self._advance(entry)

    def seed(self, update: OrderUpdate, filled: int) -> None:
        """Take up an order that was told in an answer, with `filled` (1e-8) of its fills."""
        entry = self._entry(update.venue_order_id)
        entry.update = update
        entry.is_opened = True
        entry.take_terms(update)
        entry.told = filled
        entry.is_closed = update.status == STATUS_CLOSED and filled >= entry.due

    def is_owing(self, venue_order_id: str) -> bool:
        """Return whether an order, or fills of it, are still to come before all can be told."""
        return self.is_waiting_for_order(venue_order_id) or self.missing(venue_order_id) > 0

    def is_waiting_for_order(self, venue_order_id: str) -> bool:
        """Return whether fills of this order wait for news of the order itself."""
        entry = self._entries.get(venue_order_id)
        return entry is not None and entry.update is None

    def missing(self, venue_order_id: str) -> int:
        """Return the quantity (1e-8) the venue told as filled without a fill known yet."""
        entry = self._entries.get(venue_order_id)
        return 0 if entry is None else max(0, entry.due - entry.counted)

    def find_filled(self, venue_order_id: str) -> int | None:
        """Return the quantity (1e-8) of the fills told of an order, None when it was not told."""
        entry = self._entries.get(venue_order_id)
        return entry.told if entry is not None and entry.is_opened else None

    def find_working(self, venue_order_id: str) -> OrderUpdate | None:
        """Return the last news of an order that was told and works."""
        entry = self._entries.get(venue_order_id)
        if entry is None or entry.update is None or not entry.is_opened:
            return None
        is_working = entry.update.status in (STATUS_UNTRIGGERED, STATUS_OPEN)
        return entry.update if is_working and not entry.is_closed else None

    def working(self) -> list[OrderUpdate]:
        """Return the last news of every order that was told and works, oldest first."""
        found = (self.find_working(venue_order_id) for venue_order_id in self._entries)
        return [update for update in found if update is not None]

    def find_terms(self, venue_order_id: str) -> tuple[int, int | None, int | None] | None:
        """Return the newest size, price and trigger price told of an order, in 1e-8 units."""
        entry = self._entries.get(venue_order_id)
        return entry.terms if entry is not None and entry.is_opened else None

    def find_order(self, venue_order_id: str) -> OrderUpdate | None:
        """Return the last news of an order."""
        entry = self._entries.get(venue_order_id)
        return None if entry is None else entry.update

    def _advance(self, entry: _Entry) -> list[ExternalFact]:
        """Tell as much as is in order."""
        update = entry.update
        facts: list[ExternalFact] = []
        if update is None:
            return facts
        was_working = entry.is_opened
        if not entry.is_opened:
            # A new order may still be refused, unless it filled; an unknown status tells nothing.
            if update.status <= STATUS_NEW and not entry.waiting:
                return facts
            entry.is_opened = True
            entry.take_terms(update)
            # An order that ended without a fill: its end tells that it existed.
            if update.status != STATUS_CLOSED or entry.due:
                was_working = True
                facts.append(ExternalOpened(update))
        elif update.status in (STATUS_UNTRIGGERED, STATUS_OPEN) and entry.take_terms(update):
            facts.append(ExternalChanged(update, entry.told))
        if entry.counted < entry.due:
            return facts
        entry.waiting.sort(key=_fill_age)
        facts.extend(ExternalFilled(fill, side) for fill, side in entry.waiting)
        entry.told = entry.counted
        entry.waiting = []
        if update.status == STATUS_CLOSED and not entry.is_closed:
            entry.is_closed = True
            # The fills of a filled order say so themselves.
            if update.remaining_size:
                facts.append(ExternalClosed(update, was_working))
        return facts

    def _entry(self, venue_order_id: str) -> _Entry:
        entry = self._entries.get(venue_order_id)
        if entry is None:
            entry = self._entries[venue_order_id] = _Entry()
            if len(self._entries) > EXTERNAL_ORDERS_MAX:
                self._entries.popitem(last=False)
        return entry


def _fill_age(waiting: tuple[Fill, int]) -> int:
    return waiting[0].ts_event
