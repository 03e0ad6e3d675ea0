"""One netted position per account and market, and the profit it realizes.

``cost`` is the signed USD value paid for what is held. A fill that reduces takes its share of the
cost with it; what was paid or received beyond that share is the realized profit. So cash minus
cost, summed over all accounts, never changes by a trade: what one side realizes or pays, the other
side carries.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext

from paradex_adapter.local_exchange.amounts import (
    AVERAGE_STEP,
    COST_STEP,
    MONEY,
    ZERO,
    amount_text,
    average,
)


@dataclass(slots=True)
class Position:
    """The position of one account in one market; ``size`` is negative when short."""

    account: str
    market: str
    created_at: int
    size: Decimal = ZERO
    cost: Decimal = ZERO
    side: str = "LONG"
    realized: Decimal = ZERO
    #: Signed size times the funding index at which it was taken on, and what was realized of it.
    funding_basis: Decimal = ZERO
    realized_funding: Decimal = ZERO
    exit_size: Decimal = ZERO
    exit_notional: Decimal = ZERO
    last_entry: Decimal = ZERO
    last_fill_id: str = ""
    last_updated_at: int = 0
    closed_at: int = 0
    seq_no: int = 0

    def apply(self, side: str, size: Decimal, price: Decimal, now_ms: int) -> Decimal:
        """Net a fill into the position and return the profit it realizes, before fees."""
        with localcontext(MONEY):
            signed = size if side == "BUY" else -size
            is_reducing = self.size * signed < 0
            closing = min(size, abs(self.size)) if is_reducing else ZERO
            realized = self._close(closing, price) if closing else ZERO
            opening = size - closing
            if opening:
                self._open(opening if signed > 0 else -opening, price, now_ms)
        self.last_updated_at = now_ms
        if not self.size:
            self.closed_at = now_ms
        return realized

    def realize_funding(self, side: str, size: Decimal, index: Decimal) -> Decimal:
        """Return the funding that a fill about to be applied realizes; positive is received.

        What has accrued since a position was taken on is realized in proportion to what is closed.
        """
        with localcontext(MONEY):
            signed = size if side == "BUY" else -size
            is_reducing = self.size * signed < 0
            closing = min(size, abs(self.size)) if is_reducing else ZERO
            realized = ZERO
            if closing:
                held = abs(self.size)
                basis = self.funding_basis
                share = basis if closing == held else (basis * closing / held).quantize(COST_STEP)
                closed = closing if self.size > 0 else -closing
                realized = share - closed * index
                self.funding_basis -= share
                self.realized_funding += realized
            opening = size - closing
            self.funding_basis += (opening if signed > 0 else -opening) * index
        return realized

    def unrealized_funding(self, index: Decimal) -> Decimal:
        """Return the funding that closing the position would realize."""
        with localcontext(MONEY):
            return self.funding_basis - self.size * index

    def cached_funding_index(self, index: Decimal) -> Decimal:
        """Return the index since which funding accrues: the average one of what is held."""
        return average(self.funding_basis, self.size) if self.size else index

    def _close(self, size: Decimal, price: Decimal) -> Decimal:
        held = abs(self.size)
        share = self.cost if size == held else (self.cost * size / held).quantize(COST_STEP)
        signed = size if self.size > 0 else -size
        realized = signed * price - share
        self.cost -= share
        self.size -= signed
        self.realized += realized
        self.exit_size += size
        self.exit_notional += size * price
        return realized

    def _open(self, signed: Decimal, price: Decimal, now_ms: int) -> None:
        if not self.size:
            # A new life of the position: what the last one realized is history.
            self.side = "LONG" if signed > 0 else "SHORT"
            self.realized = self.exit_size = self.exit_notional = ZERO
            self.realized_funding = ZERO
            self.created_at, self.closed_at = now_ms, 0
        self.size += signed
        self.cost += signed * price
        self.last_entry = average(self.cost, self.size)

    def unrealized(self, mark_price: Decimal) -> Decimal:
        """Return the profit the mark price would realize."""
        with localcontext(MONEY):
            return self.size * mark_price - self.cost

    def response(
        self, mark_price: Decimal, usdc_price: Decimal, leverage: Decimal, funding_index: Decimal
    ) -> dict[str, object]:
        """Return the position as REST and the JSON channel show it."""
        with localcontext(MONEY):
            exit_price = average(self.exit_notional, self.exit_size) if self.exit_size else None
            entry = self.last_entry
            unrealized = self.unrealized(mark_price).quantize(AVERAGE_STEP)
            funding = self.unrealized_funding(funding_index)
            body: dict[str, object] = {
                "id": f"{self.account}-{self.market}",
                "account": self.account,
                "market": self.market,
                "status": "OPEN" if self.size else "CLOSED",
                "side": self.side,
                "size": amount_text(self.size),
                "average_entry_price": amount_text((entry / usdc_price).quantize(AVERAGE_STEP)),
                "average_entry_price_usd": amount_text(entry),
                "average_exit_price": "" if exit_price is None else amount_text(exit_price),
                "unrealized_pnl": amount_text(unrealized),
                "unrealized_funding_pnl": amount_text(funding.quantize(AVERAGE_STEP)),
                "cost": amount_text((self.cost / usdc_price).quantize(AVERAGE_STEP)),
                "cost_usd": amount_text(self.cost.quantize(AVERAGE_STEP)),
                "cached_funding_index": amount_text(self.cached_funding_index(funding_index)),
                "last_fill_id": self.last_fill_id,
                "seq_no": self.seq_no,
                "liquidation_price": "",
                "leverage": amount_text(leverage),
                "realized_positional_pnl": amount_text(self.realized),
                "realized_positional_funding_pnl": amount_text(self.realized_funding),
                "created_at": self.created_at,
                "last_updated_at": self.last_updated_at,
            }
        if not self.size:
            body["closed_at"] = self.closed_at
        return body
