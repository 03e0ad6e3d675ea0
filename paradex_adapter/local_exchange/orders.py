"""Orders as the venue keeps them, and as REST and the JSON channel show them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from paradex_adapter.local_exchange import order_types
from paradex_adapter.local_exchange.amounts import ZERO, amount_text, average


@dataclass(slots=True)
class ModifyRequest:
    """A request to change an order, and what came of it."""

    id: str
    status: str = "PENDING"
    message: str = ""

    def response(self) -> dict[str, object]:
        """Return the ``request_info`` of an order."""
        return {
            "id": self.id,
            "request_type": "MODIFY_ORDER",
            "status": self.status,
            "message": self.message,
        }


@dataclass(slots=True, eq=False)
class Order:
    """One order in the venue's books. Prices and sizes in quote and base units, times in ms."""

    ordinal: int
    id: str
    account: str
    market: str
    side: str
    type: str
    instruction: str
    size: Decimal
    remaining: Decimal
    price: Decimal
    client_id: str
    flags: tuple[str, ...]
    stp: str
    timestamp: int
    received_at: int
    created_at: int
    last_updated_at: int
    seq_no: int
    vwap_price: Decimal | None = None
    #: The mark price at which a conditional order goes.
    trigger_price: Decimal | None = None
    #: Whether a retail trader sent it, by a token that says so.
    is_interactive: bool = False
    #: Whether its fees are to be paid in DIME.
    is_dime_preferred: bool = False
    status: str = "NEW"
    cancel_reason: str = ""
    filled_notional: Decimal = ZERO
    modify_request: ModifyRequest | None = None

    @property
    def is_reduce_only(self) -> bool:
        """Whether the order may only reduce the position."""
        return self.is_closing or "REDUCE_ONLY" in self.flags

    @property
    def is_closing(self) -> bool:
        """Whether the order belongs to a position and only closes it."""
        return order_types.is_closing(self.type)

    @property
    def is_market(self) -> bool:
        """Whether the order trades at the market, once it trades."""
        return order_types.is_market(self.type)

    @property
    def is_mmp(self) -> bool:
        """Whether market maker protection counts the order's fills, and may cancel it."""
        return "MMP" in self.flags

    @property
    def is_rpi(self) -> bool:
        """Whether the order improves the price for retail takers, and trades with nobody else."""
        return self.instruction == "RPI"

    @property
    def is_waiting(self) -> bool:
        """Whether the order has not been triggered yet."""
        return self.status == "UNTRIGGERED"

    def is_due(self, mark_price: Decimal) -> bool:
        """Return whether a mark price has reached the trigger of a waiting order."""
        if self.trigger_price is None or not self.is_waiting:
            return False
        if order_types.ABOVE in self.flags:
            return mark_price >= self.trigger_price
        return mark_price <= self.trigger_price

    @property
    def shown_flags(self) -> tuple[str, ...]:
        """The flags as responses show them: those asked for, and those the venue sets."""
        return (*self.flags, "INTERACTIVE") if self.is_interactive else self.flags

    @property
    def filled(self) -> Decimal:
        """The size filled so far."""
        return self.size - self.remaining

    def average_price(self) -> Decimal | None:
        """Return the average fill price, None while nothing is filled."""
        filled = self.filled
        return average(self.filled_notional, filled) if filled else None

    def response(self, published_at: int) -> dict[str, object]:
        """Return the order as REST and the JSON channel show it."""
        average_price = self.average_price()
        body: dict[str, object] = {
            "id": self.id,
            "account": self.account,
            "market": self.market,
            "side": self.side,
            "type": self.type,
            "size": amount_text(self.size),
            "remaining_size": amount_text(self.remaining),
            "price": amount_text(self.price),
            "status": self.status,
            "created_at": self.created_at,
            "last_updated_at": self.last_updated_at,
            "timestamp": self.timestamp,
            "cancel_reason": self.cancel_reason,
            "client_id": self.client_id,
            "seq_no": self.seq_no,
            "instruction": self.instruction,
            "avg_fill_price": "" if average_price is None else amount_text(average_price),
            "stp": self.stp,
            "received_at": self.received_at,
            "published_at": published_at,
            "flags": list(self.shown_flags),
            "trigger_price": amount_text(self.trigger_price or ZERO),
        }
        if self.modify_request is not None:
            body["request_info"] = self.modify_request.response()
        return body
