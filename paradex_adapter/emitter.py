"""The execution client as those see it who tell the engine something through it."""

from collections.abc import Callable
from typing import Protocol

from nautilus_trader.execution.reports import FillReport, OrderStatusReport, PositionStatusReport
from nautilus_trader.model.events import OrderEvent
from nautilus_trader.model.identifiers import AccountId


class Emitter(Protocol):
    """Gives events and reports of one account to the engine.

    The `generate_*` are NautilusTrader's own: they make an event from its parts and send it.
    """

    account_id: AccountId

    generate_account_state: Callable[..., None]
    generate_order_accepted: Callable[..., None]
    generate_order_cancel_rejected: Callable[..., None]
    generate_order_canceled: Callable[..., None]
    generate_order_denied: Callable[..., None]
    generate_order_expired: Callable[..., None]
    generate_order_filled: Callable[..., None]
    generate_order_modify_rejected: Callable[..., None]
    generate_order_rejected: Callable[..., None]
    generate_order_submitted: Callable[..., None]
    generate_order_triggered: Callable[..., None]
    generate_order_updated: Callable[..., None]

    def send_order_event(self, event: OrderEvent) -> None:
        """Give an event of an order that the venue does not know to the engine."""

    def send_order_report(self, report: OrderStatusReport) -> None:
        """Give an unasked report of an order to the engine."""

    def send_fill_report(self, report: FillReport) -> None:
        """Give an unasked report of a fill to the engine."""

    def send_position_report(self, report: PositionStatusReport) -> None:
        """Give an unasked report of a position to the engine."""
