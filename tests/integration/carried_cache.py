"""A cache that outlives its node, as one with a database does: the next run starts with it.

What is kept of an order, or of a position, is what a database keeps: its events, as dictionaries.
"""

from typing import Any

from nautilus_trader.accounting.factory import AccountFactory
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.enums import OmsType
from nautilus_trader.model.events import (
    AccountState,
    OrderAccepted,
    OrderCanceled,
    OrderCancelRejected,
    OrderDenied,
    OrderExpired,
    OrderFilled,
    OrderInitialized,
    OrderModifyRejected,
    OrderPendingCancel,
    OrderPendingUpdate,
    OrderRejected,
    OrderSubmitted,
    OrderTriggered,
    OrderUpdated,
)
from nautilus_trader.model.orders.unpacker import OrderUnpacker
from nautilus_trader.model.position import Position

EVENTS = {
    event.__name__: event
    for event in (
        OrderAccepted,
        OrderCanceled,
        OrderCancelRejected,
        OrderDenied,
        OrderExpired,
        OrderFilled,
        OrderInitialized,
        OrderModifyRejected,
        OrderPendingCancel,
        OrderPendingUpdate,
        OrderRejected,
        OrderSubmitted,
        OrderTriggered,
        OrderUpdated,
    )
}


class CarriedCache:
    """Orders and positions of a node at one moment; what its cache learns later is lost."""

    def __init__(self, node: TradingNode) -> None:
        cache = node.cache
        self.orders: list[tuple[list[dict[str, Any]], Any, Any]] = []
        self.positions: list[list[dict[str, Any]]] = []
        for order in sorted(cache.orders(), key=lambda order: order.ts_init):
            events = [type(event).to_dict(event) for event in order.events]
            position_id = cache.position_id(order.client_order_id)
            client_id = cache.client_id(order.client_order_id)
            self.orders.append((events, position_id, client_id))
        for position in cache.positions():
            self.positions.append([OrderFilled.to_dict(event) for event in position.events])
        self.accounts = [AccountState.to_dict(each.last_event) for each in cache.accounts()]
        # A database has none of them: without them the profit of closed positions is forgotten.
        self.snapshots = [
            [OrderFilled.to_dict(event) for event in position.events]
            for position in cache.position_snapshots()
        ]
        self.instruments = {instrument.id: instrument for instrument in cache.instruments()}

    def age(self, by_ms: int) -> None:
        """Let all of it have happened earlier."""
        events = [event for events, _, _ in self.orders for event in events]
        for kept in (*self.positions, *self.snapshots):
            events += kept
        for event in events:
            for name in ("ts_event", "ts_init"):
                if name in event:
                    event[name] -= by_ms * 1_000_000

    def put(self, node: TradingNode) -> None:
        """Let a node that has not started yet begin with this."""
        cache = node.cache
        for instrument in self.instruments.values():
            cache.add_instrument(instrument)
        for state in self.accounts:
            cache.add_account(AccountFactory.create(AccountState.from_dict(state)))
        for events, position_id, client_id in self.orders:
            first, *rest = [EVENTS[each["type"]].from_dict(each) for each in events]
            order = OrderUnpacker.from_init(first)
            for event in rest:
                order.apply(event)
            cache.add_order(order, position_id, client_id)
            cache.update_order(order)
        for events in self.snapshots:
            cache.snapshot_position(self._make_position(events))
        for events in self.positions:
            position = self._make_position(events)
            cache.add_position(position, OmsType.NETTING)
            cache.update_position(position)

    def _make_position(self, events: list[dict[str, Any]]) -> Position:
        first, *rest = [OrderFilled.from_dict(each) for each in events]
        position = Position(self.instruments[first.instrument_id], first)
        for fill in rest:
            position.apply(fill)
        return position
