"""Orders: the request as the gateway checks it, and the order as the venue keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from paradex_adapter.local_exchange.amounts import ZERO, amount_text, average, parse_amount
from paradex_adapter.local_exchange.errors import VenueError

CLIENT_ID_MAX: Final = 64
#: What fits into a binary frame.
CLIENT_ID_BYTES_MAX: Final = 255
RECV_WINDOW_MIN_MS: Final = 10
RECV_WINDOW_DEFAULT_MS: Final = 300_000
#: How far ahead of the venue's clock a signature may be dated.
FUTURE_SIGNATURE_MAX_MS: Final = 300_000
TIMESTAMP_MAX: Final = 2**53

SIDES: Final = ("BUY", "SELL")
TYPES: Final = (
    "MARKET",
    "LIMIT",
    "STOP_LIMIT",
    "STOP_MARKET",
    "TAKE_PROFIT_LIMIT",
    "TAKE_PROFIT_MARKET",
    "STOP_LOSS_MARKET",
    "STOP_LOSS_LIMIT",
)
SERVED_TYPES: Final = ("MARKET", "LIMIT")
INSTRUCTIONS: Final = ("GTC", "POST_ONLY", "IOC", "RPI")
STP_MODES: Final = ("EXPIRE_MAKER", "EXPIRE_TAKER", "EXPIRE_BOTH")
FLAGS: Final = ("REDUCE_ONLY", "MMP")


@dataclass(slots=True)
class OrderRequest:
    """A request whose form is right; whether it is allowed is asked later."""

    market: str
    side: str
    type: str
    size: Decimal
    price: Decimal
    instruction: str
    signature: str
    signature_timestamp: int
    client_id: str
    flags: tuple[str, ...]
    stp: str
    recv_window: int
    vwap_price: Decimal | None


def parse_order_request(body: object) -> OrderRequest:
    """Check the form of an order request.

    Raises
    ------
    VenueError
        ``BINDING_ERROR`` for a wrong JSON type, ``VALIDATION_ERROR`` for a missing field or a wrong
        word, and the venue's own word for what this account may not use.
    """
    if not isinstance(body, dict):
        raise VenueError("BINDING_ERROR", "request body: expected a JSON object")
    kind = _word(body, "type", TYPES)
    if kind not in SERVED_TYPES:
        raise VenueError("REQUEST_NOT_ALLOWED", f"type: {kind} is not served here")
    instruction = _instruction(body, kind)
    size = parse_amount(body.get("size"), "size")
    if not size:
        raise VenueError("INVALID_ORDER_SIZE", "size: must be greater than 0")
    _refuse_extras(body)
    return OrderRequest(
        market=_text(body, "market"),
        side=_word(body, "side", SIDES),
        type=kind,
        size=size,
        price=_price(body, kind),
        instruction=instruction,
        signature=_text(body, "signature"),
        signature_timestamp=_integer(body, "signature_timestamp", 0),
        client_id=_client_id(body),
        flags=_flags(body),
        stp=_word(body, "stp", STP_MODES) if body.get("stp") else "EXPIRE_TAKER",
        recv_window=_recv_window(body),
        vwap_price=_vwap_price(body, kind),
    )


#: Id, market, side and type: what a change must leave as it is.
Identity = tuple[str, str, str, str]


def parse_modify_request(body: object) -> tuple[Identity, Decimal, Decimal, str, int]:
    """Return identity, size, price, signature and its time of a request to change an order.

    Raises
    ------
    VenueError
        ``BINDING_ERROR`` or ``VALIDATION_ERROR``.
    """
    if not isinstance(body, dict):
        raise VenueError("BINDING_ERROR", "request body: expected a JSON object")
    _refuse_extras(body)
    identity = (
        _text(body, "id"),
        _text(body, "market"),
        _word(body, "side", SIDES),
        _word(body, "type", TYPES),
    )
    size, price = parse_amount(body.get("size"), "size"), parse_amount(body.get("price"), "price")
    if not price:
        raise VenueError("VALIDATION_ERROR", "price: must be greater than 0")
    signature, timestamp_ms = _text(body, "signature"), _integer(body, "signature_timestamp", 0)
    return identity, size, price, signature, timestamp_ms


def _text(body: Mapping[str, object], field: str) -> str:
    value = body.get(field)
    if value is None or value == "":
        raise VenueError("VALIDATION_ERROR", f"{field}: cannot be blank")
    if not isinstance(value, str):
        raise VenueError("BINDING_ERROR", f"{field}: expected a string")
    return value


def _word(body: Mapping[str, object], field: str, words: tuple[str, ...]) -> str:
    value = _text(body, field)
    if value not in words:
        raise VenueError("VALIDATION_ERROR", f"{field}: must be one of {', '.join(words)}")
    return value


def _integer(body: Mapping[str, object], field: str, least: int) -> int:
    value = body.get(field)
    if value is None:
        raise VenueError("VALIDATION_ERROR", f"{field}: cannot be blank")
    if isinstance(value, bool) or not isinstance(value, int):
        raise VenueError("BINDING_ERROR", f"{field}: expected an integer")
    if not least <= value <= TIMESTAMP_MAX:
        raise VenueError("VALIDATION_ERROR", f"{field}: out of range")
    return value


def _instruction(body: Mapping[str, object], kind: str) -> str:
    # The venue takes an empty instruction as GTC.
    instruction = _word(body, "instruction", INSTRUCTIONS) if body.get("instruction") else "GTC"
    if instruction == "RPI":
        raise VenueError("RPI_ACCOUNT_NOT_WHITELISTED", "account is not whitelisted for RPI orders")
    if instruction == "POST_ONLY" and kind == "MARKET":
        raise VenueError("VALIDATION_ERROR", "instruction: POST_ONLY is for limit orders")
    return instruction


def _price(body: Mapping[str, object], kind: str) -> Decimal:
    if kind == "MARKET":
        # Official clients leave the price of a market order out.
        price = ZERO if body.get("price") in (None, "") else parse_amount(body["price"], "price")
        if price:
            raise VenueError("VALIDATION_ERROR", "price: must be 0 for market orders")
        return ZERO
    price = parse_amount(body.get("price"), "price")
    if not price:
        raise VenueError("VALIDATION_ERROR", "price: must be greater than 0")
    return price


def _client_id(body: Mapping[str, object]) -> str:
    value = body.get("client_id")
    if value is None:
        return ""
    if not isinstance(value, str):
        raise VenueError("BINDING_ERROR", "client_id: expected a string")
    if len(value) > CLIENT_ID_MAX or len(value.encode()) > CLIENT_ID_BYTES_MAX:
        raise VenueError("VALIDATION_ERROR", f"client_id: at most {CLIENT_ID_MAX} characters")
    return value


def _flags(body: Mapping[str, object]) -> tuple[str, ...]:
    flags = body.get("flags")
    if flags is None:
        return ()
    if not isinstance(flags, list) or not all(isinstance(flag, str) for flag in flags):
        raise VenueError("BINDING_ERROR", "flags: expected an array of strings")
    for flag in flags:
        if flag not in FLAGS:
            raise VenueError("VALIDATION_ERROR", f"flags: {flag[:32]} is not allowed")
    if "MMP" in flags:
        raise VenueError("MMP_NOT_ENABLED", "market maker protection is not enabled")
    return tuple(dict.fromkeys(flags))


def _recv_window(body: Mapping[str, object]) -> int:
    if body.get("recv_window") is None:
        return RECV_WINDOW_DEFAULT_MS
    return _integer(body, "recv_window", RECV_WINDOW_MIN_MS)


def _vwap_price(body: Mapping[str, object], kind: str) -> Decimal | None:
    if body.get("vwap_price") in (None, ""):
        return None
    if kind != "MARKET":
        raise VenueError("VALIDATION_ERROR", "vwap_price: only for market orders")
    return parse_amount(body["vwap_price"], "vwap_price")


def _refuse_extras(body: Mapping[str, object]) -> None:
    if body.get("on_behalf_of_account"):
        raise VenueError("REQUEST_NOT_ALLOWED", "on_behalf_of_account: no isolated account")
    if body.get("dime_discount"):
        raise VenueError("REQUEST_NOT_ALLOWED", "dime_discount: no DIME balance")
    if body.get("trigger_price") not in (None, "", "0"):
        raise VenueError("VALIDATION_ERROR", "trigger_price: only for conditional orders")


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
    #: Whether a retail trader sent it, by a token that says so.
    is_interactive: bool = False
    status: str = "NEW"
    cancel_reason: str = ""
    filled_notional: Decimal = ZERO
    modify_request: ModifyRequest | None = None

    @property
    def is_reduce_only(self) -> bool:
        """Whether the order may only reduce the position."""
        return "REDUCE_ONLY" in self.flags

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
            "trigger_price": "0",
        }
        if self.modify_request is not None:
            body["request_info"] = self.modify_request.response()
        return body
