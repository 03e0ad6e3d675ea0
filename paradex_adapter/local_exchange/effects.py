"""What a change of the venue's state has done, and whom it is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from paradex_adapter.local_exchange.account_records import TradeBust, Transfer
from paradex_adapter.local_exchange.accounts import Account, Fill
from paradex_adapter.local_exchange.book import BookChange
from paradex_adapter.local_exchange.market_maker_protection import Event
from paradex_adapter.local_exchange.markets import Market, Trade
from paradex_adapter.local_exchange.orders import Order
from paradex_adapter.local_exchange.payments import BalanceEvent, FundingPayment
from paradex_adapter.local_exchange.positions import Position
from paradex_adapter.local_exchange.sequences import Clock


class Listener(Protocol):
    """Who is told what happened."""

    def on_trade(self, trade: Trade) -> None:
        """Hear of a public print."""

    def on_book(self, market: Market, change: BookChange) -> None:
        """Hear of a change of a book."""

    def on_fill(self, fill: Fill) -> None:
        """Hear of one side of a trade."""

    def on_order(self, order: Order) -> None:
        """Hear of an order's new state."""

    def on_position(self, account: Account, position: Position) -> None:
        """Hear of a changed position."""

    def on_payment(self, payment: FundingPayment) -> None:
        """Hear of funding that a fill realized."""

    def on_balance(self, event: BalanceEvent) -> None:
        """Hear of cash that a fill moved."""

    def on_bust(self, bust: TradeBust) -> None:
        """Hear of a fill that was reverted."""

    def on_transfer(self, transfer: Transfer) -> None:
        """Hear of a deposit or withdrawal, or of what became of it."""

    def on_protection(self, event: Event) -> None:
        """Hear of a change of market maker protection."""

    def on_account(self, account: Account) -> None:
        """Hear of a changed balance or margin."""


@dataclass(slots=True)
class Effects:
    """What the change under way has done so far."""

    trades: list[Trade] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    orders: dict[str, Order] = field(default_factory=dict)
    positions: dict[str, tuple[Account, Position]] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    payments: list[FundingPayment] = field(default_factory=list)
    balance_events: list[BalanceEvent] = field(default_factory=list)
    busts: list[TradeBust] = field(default_factory=list)
    transfers: list[Transfer] = field(default_factory=list)
    protections: list[Event] = field(default_factory=list)

    def tell(
        self,
        listener: Listener,
        clock: Clock,
        book: tuple[Market, BookChange] | None,
        *,
        is_order_before_fill: bool,
    ) -> None:
        """Tell everything, in the venue's order."""
        for trade in self.trades:
            listener.on_trade(trade)
        if book is not None:
            listener.on_book(*book)
        if is_order_before_fill:
            self._tell_orders(listener)
        for fill in self.fills:
            listener.on_fill(fill)
        if not is_order_before_fill:
            self._tell_orders(listener)
        for bust in self.busts:
            listener.on_bust(bust)
        for transfer in self.transfers:
            listener.on_transfer(transfer)
        for protection in self.protections:
            listener.on_protection(protection)
        for payment in self.payments:
            listener.on_payment(payment)
        for event in self.balance_events:
            listener.on_balance(event)
        for account, position in self.positions.values():
            listener.on_position(account, position)
        now_ms = clock.now_ms()
        for account in self.accounts.values():
            account.updated_at = now_ms
            account.seq_no = clock.sequence_no()
            listener.on_account(account)

    def _tell_orders(self, listener: Listener) -> None:
        for order in self.orders.values():
            listener.on_order(order)
