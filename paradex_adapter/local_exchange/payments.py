"""What moves an account's cash besides the price: funding payments and balance events."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from paradex_adapter.local_exchange.amounts import amount_text

USDC_ADDRESS: Final = "0x7348407ebad690fec0cc8597e87dc16ef7b269a655ff72587dafff83d462be2"

#: What a balance event is called by the type of its fill. The venue names one; the others are those
#: of its list of transactions.
FILL_EVENTS: Final = {
    "LIQUIDATION": "TRANSACTION_LIQUIDATE",
    "SETTLE_MARKET": "TRANSACTION_SETTLE_MARKET",
}


@dataclass(frozen=True, slots=True)
class FundingPayment:
    """Funding that a fill realized; a positive payment was received."""

    ordinal: int
    id: str
    account: str
    market: str
    payment: Decimal
    index: Decimal
    fill_id: str
    created_at: int

    def response(self) -> dict[str, object]:
        """Return the payment as REST and the channel show it."""
        return {
            "id": self.id,
            "account": self.account,
            "market": self.market,
            "payment": amount_text(self.payment),
            "index": amount_text(self.index),
            "fill_id": self.fill_id,
            "created_at": self.created_at,
        }


@dataclass(frozen=True, slots=True)
class BalanceEvent:
    """One change of an account's cash by a fill, by a bust of one, or by a transfer."""

    account: str
    fill_id: str
    market: str
    before: Decimal
    after: Decimal
    funding_index: Decimal
    realized_pnl: Decimal
    realized_funding: Decimal
    fees: Decimal
    created_at: int
    kind: str = "TRANSACTION_FILL"
    status: str = "ON_BLOCKCHAIN"

    def response(self, usdc_price: Decimal) -> dict[str, object]:
        """Return the event as the channel shows it."""
        return {
            "type": self.kind,
            "fill_id": self.fill_id,
            "market": self.market,
            "status": self.status,
            "settlement_asset_name": "USDC",
            "settlement_asset_address": USDC_ADDRESS,
            "settlement_asset_balance_before": amount_text(self.before),
            "settlement_asset_balance_after": amount_text(self.after),
            "settlement_asset_price": amount_text(usdc_price),
            "funding_index": amount_text(self.funding_index),
            "realized_pnl": amount_text(self.realized_pnl),
            "realized_funding": amount_text(self.realized_funding),
            "fees": amount_text(self.fees),
            "created_at": self.created_at,
        }
