"""Orders of the exchange's own accounts: they need no signature and take effect at once."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

from paradex_adapter.local_exchange.accounts import Account
from paradex_adapter.local_exchange.amounts import MONEY, ZERO
from paradex_adapter.local_exchange.engine import Engine
from paradex_adapter.local_exchange.markets import Market
from paradex_adapter.local_exchange.orders import Order
from paradex_adapter.local_exchange.sequences import Clock


class InternalOrders:
    """Places and cancels for accounts that belong to the exchange."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def limit(
        self, account: Account, market: Market, side: str, price: Decimal, size: Decimal
    ) -> Order:
        """Rest an order; it trades first with whatever it crosses."""
        return self._enter(account, market, side, "LIMIT", "GTC", price, size)

    def take(self, account: Account, market: Market, side: str, size: Decimal) -> Order:
        """Trade at the market."""
        return self._enter(account, market, side, "MARKET", "IOC", ZERO, size)

    def limit_of(
        self, account: Account, market: Market, side: str, price: Decimal, size: Decimal
    ) -> Order:
        """Return an order that is entered nowhere: it stands for a recorded level."""
        return self._make(account, market, side, "LIMIT", "GTC", price, size)

    def cancel(self, order: Order) -> None:
        """Cancel an order."""
        self._engine.cancel(order, "USER_CANCELED")

    def on_tick(self, market: Market, price: Decimal) -> Decimal:
        """Return a price on the market's grid, at least one tick."""
        tick = market.rules.tick
        return max(tick, _on_grid(price, tick))

    def on_step(self, market: Market, size: Decimal) -> Decimal:
        """Return a size on the market's grid, at least one step."""
        step = market.rules.step
        return max(step, _on_grid(size, step))

    def _enter(
        self,
        account: Account,
        market: Market,
        side: str,
        kind: str,
        instruction: str,
        price: Decimal,
        size: Decimal,
    ) -> Order:
        order = self._make(account, market, side, kind, instruction, price, size)
        account.keep(order)
        self._engine.process(order)
        return order

    def _make(
        self,
        account: Account,
        market: Market,
        side: str,
        kind: str,
        instruction: str,
        price: Decimal,
        size: Decimal,
    ) -> Order:
        now_ms = self._clock.now_ms()
        return Order(
            ordinal=self._engine.next_ordinal(),
            id=account.order_ids.next(),
            account=account.address,
            market=market.symbol,
            side=side,
            type=kind,
            instruction=instruction,
            size=size,
            remaining=size,
            price=price,
            client_id="",
            flags=(),
            stp="EXPIRE_TAKER",
            timestamp=now_ms,
            received_at=now_ms,
            created_at=now_ms,
            last_updated_at=now_ms,
            seq_no=self._clock.sequence_no(),
        )


def _on_grid(amount: Decimal, step: Decimal) -> Decimal:
    count = MONEY.divide(amount, step).to_integral_value(ROUND_HALF_EVEN)
    return MONEY.multiply(count, step)
