"""What an account keeps of the things the venue did to it: busts, liquidations, transfers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from decimal import Decimal

from paradex_adapter.local_exchange.amounts import amount_text


@dataclass(frozen=True, slots=True)
class TradeBust:
    """A fill that was reverted. Its id alone is told, though ids are unique per type only."""

    ordinal: int
    account: str
    busted_fill_id: str
    created_at: int

    def response(self) -> dict[str, object]:
        """Return the bust as REST and the channel show it."""
        return {
            "account": self.account,
            "busted_fill_id": self.busted_fill_id,
            "created_at": self.created_at,
        }


@dataclass(frozen=True, slots=True)
class Liquidation:
    """One liquidation; ``id`` is the hash of its transaction."""

    id: str
    created_at: int

    def response(self) -> dict[str, object]:
        """Return the entry of ``GET /liquidations``."""
        return {"id": self.id, "created_at": self.created_at}


@dataclass(slots=True)
class Transfer:
    """USDC that came (``DEPOSIT``) or went (``WITHDRAWAL``)."""

    ordinal: int
    id: str
    account: str
    kind: str
    amount: Decimal
    created_at: int
    last_updated_at: int
    status: str = "PENDING"
    failure_reason: str = ""

    @property
    def cash(self) -> Decimal:
        """What the account gains by it."""
        return self.amount if self.kind == "DEPOSIT" else -self.amount

    def response(self) -> dict[str, object]:
        """Return the transfer as REST and the channel show it."""
        return {
            "id": self.id,
            "account": self.account,
            "kind": self.kind,
            "status": self.status,
            "amount": amount_text(self.amount),
            "token": "USDC",
            "created_at": self.created_at,
            "last_updated_at": self.last_updated_at,
            "txn_hash": transaction_hash(self.id),
            "external_txn_hash": "",
            "socialized_loss_factor": "0",
            "bridge": "",
            "external_chain": "",
            "external_account": "",
            "failure_reason": self.failure_reason,
            "direction": "IN" if self.kind == "DEPOSIT" else "OUT",
            "vault_address": "",
            "vault_unwind_completion_percentage": "",
            "counterparty": "",
            "auto_withdrawal_fee": "",
        }


def transaction_hash(label: str) -> str:
    """Return a hash that looks like one of the chain, the same for the same label."""
    # Of 248 bits, so that it is a field element.
    return "0x" + hashlib.sha256(label.encode()).hexdigest()[:62]
