"""What must hold of the events of one order, whatever happened to it."""

from collections.abc import Sequence
from decimal import Decimal

from nautilus_trader.model.events import (
    OrderAccepted,
    OrderCanceled,
    OrderCancelRejected,
    OrderDenied,
    OrderEvent,
    OrderExpired,
    OrderFilled,
    OrderInitialized,
    OrderModifyRejected,
    OrderRejected,
    OrderTriggered,
    OrderUpdated,
)

ENDS = (OrderDenied, OrderRejected, OrderCanceled, OrderExpired)
# What may come after an end: late fills, and answers to commands that came too late.
LATE = (OrderFilled, OrderModifyRejected, OrderCancelRejected)


def find_broken_rules(events: Sequence[OrderEvent], quantity: Decimal) -> list[str]:
    """Return what the events of an order of a quantity break, one sentence each.

    Accepted at most once; triggered at most once, accepted before and not filled yet; one end at
    most; no fill twice, none beyond the largest size the order ever had; nothing after the end but
    what is `LATE`.
    """
    broken = []
    names = [type(event).__name__ for event in events]
    accepted = triggered = 0
    end = ""
    filled = Decimal(0)
    trade_ids: set[str] = set()
    for event in events:
        name = type(event).__name__
        if end and not isinstance(event, LATE):
            broken.append(f"{name} after {end}")
        if isinstance(event, OrderInitialized | OrderUpdated):
            quantity = max(quantity, event.quantity.as_decimal())
        elif isinstance(event, OrderAccepted):
            # The engine's own checks take an order back to accepted that has not been canceled.
            accepted += not event.reconciliation
        elif isinstance(event, OrderTriggered):
            triggered += 1
            if trade_ids or "OrderAccepted" not in names[: names.index(name)]:
                broken.append("triggered before it was accepted, or after a fill")
        elif isinstance(event, OrderFilled):
            if event.trade_id.value in trade_ids:
                broken.append(f"fill {event.trade_id} twice")
            trade_ids.add(event.trade_id.value)
            filled += event.last_qty.as_decimal()
        elif isinstance(event, ENDS):
            end = name
    if accepted > 1:
        broken.append(f"accepted {accepted} times")
    if triggered > 1:
        broken.append(f"triggered {triggered} times")
    if filled > quantity:
        broken.append(f"{filled} of {quantity} filled")
    return [f"{reason}: {', '.join(names)}" for reason in broken]
