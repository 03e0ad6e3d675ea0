"""The matching engine of a venue that protects market makers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from paradex_adapter.local_exchange.accounts import Account
from paradex_adapter.local_exchange.amounts import ZERO
from paradex_adapter.local_exchange.book import BUY
from paradex_adapter.local_exchange.engine import Engine
from paradex_adapter.local_exchange.market_maker_protection import TRIGGERED, WindowFill
from paradex_adapter.local_exchange.markets import Market
from paradex_adapter.local_exchange.orders import Order


class ProtectingEngine(Engine):
    """Counts the fills of protected orders and cancels the others of a base once it is tripped."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # What is to be canceled once the change under way is told.
        self._stranded: list[Order] = []

    def process(self, order: Order) -> None:
        """Take an order, unless it cannot be protected."""
        market = self._markets[order.market]
        if order.is_mmp and order.status == "NEW":
            reason = self._accounts[order.account].protection.refusal(market.rules.base)
            if reason:
                self._reject(order, reason)
                self._publish(market)
                return
        super().process(order)

    def _trade(self, taker: Order, maker: Order, size: Decimal, market: Market) -> None:
        super()._trade(taker, maker, size, market)
        for order in (maker, taker):
            if order.is_mmp and self._is_tripped(order, size, market):
                if order is taker and order.remaining:
                    self._close(order, TRIGGERED)
                self._sweep(self._accounts[order.account], market)

    def _is_tripped(self, order: Order, size: Decimal, market: Market) -> bool:
        """Count a fill; return whether it trips a limit."""
        account, base = self._accounts[order.account], market.rules.base
        now_ms = self._clock.now_ms()
        signed = size if order.side == BUY else -size
        value = market.value(now_ms)
        delta, vega = (Decimal(1), ZERO) if value is None else (value.delta, value.vega)
        fill = WindowFill(now_ms, size, signed * delta, signed * vega)
        event = account.protection.add_fill(base, fill, market.symbol)
        if event is not None:
            self._books.effects.protections.append(event)
        return event is not None

    def _sweep(self, account: Account, market: Market) -> None:
        for order in self.protected(account, market.rules.base):
            if order.market != market.symbol:
                self._stranded.append(order)
            elif order.status == "OPEN" and order.remaining:
                self._cancel_resting(order, market, TRIGGERED)

    def _publish(self, market: Market) -> None:
        super()._publish(market)
        # Quotes on other markets of the base asset; each is a change of its own.
        stranded, self._stranded = self._stranded, []
        for order in stranded:
            self.cancel(order, TRIGGERED)

    def protected(self, account: Account, base: str) -> list[Order]:
        """Return the live protected orders of an account on a base asset."""
        return [
            order
            for order in account.open_orders.values()
            if order.is_mmp and self._markets[order.market].rules.base == base
        ]

    def cancel_protected(self, account: Account, base: str, reason: str) -> None:
        """Cancel the protected orders of an account on a base asset."""
        for order in self.protected(account, base):
            self.cancel(order, reason)

    def unfreeze(self) -> None:
        """End the freezes whose time is over, and tell it."""
        now_ms = self._clock.now_ms()
        for account in self._accounts.values():
            for event in account.protection.unfreeze(now_ms):
                self._listener.on_protection(event)
