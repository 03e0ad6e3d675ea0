"""Requests about orders: what the gateway checks about their form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from paradex_adapter.local_exchange.amounts import ZERO, parse_amount
from paradex_adapter.local_exchange.errors import VenueError
from paradex_adapter.local_exchange.order_types import (
    TYPES,
    instructions,
    is_conditional,
    is_market,
)

CLIENT_ID_MAX: Final = 64
#: What fits into a binary frame.
CLIENT_ID_BYTES_MAX: Final = 255
ADDRESS_MAX: Final = 66
RECV_WINDOW_MIN_MS: Final = 10
RECV_WINDOW_DEFAULT_MS: Final = 300_000
#: How far ahead of the venue's clock a signature may be dated.
FUTURE_SIGNATURE_MAX_MS: Final = 300_000
TIMESTAMP_MAX: Final = 2**53

SIDES: Final = ("BUY", "SELL")
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
    trigger_price: Decimal | None = None
    on_behalf_of_account: str = ""
    dime_discount: bool = False


def parse_order_request(body: object, types: tuple[str, ...] = TYPES) -> OrderRequest:
    """Check the form of an order request, of one of these types.

    Raises
    ------
    VenueError
        ``BINDING_ERROR`` for a wrong JSON type, ``VALIDATION_ERROR`` for a missing field or a wrong
        word, and the venue's own word for what this account may not use.
    """
    if not isinstance(body, dict):
        raise VenueError("BINDING_ERROR", "request body: expected a JSON object")
    kind = _word(body, "type", types)
    instruction = _instruction(body, kind)
    size = parse_amount(body.get("size"), "size")
    if not size:
        raise VenueError("INVALID_ORDER_SIZE", "size: must be greater than 0")
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
        trigger_price=_trigger_price(body, kind),
        on_behalf_of_account=_on_behalf(body),
        dime_discount=_dime_discount(body),
    )


@dataclass(slots=True)
class ChangeRequest:
    """A request to change an order, whose form is right; what it leaves out stays as it is."""

    id: str
    market: str
    side: str
    type: str
    size: Decimal
    price: Decimal
    trigger_price: Decimal | None
    signature: str
    signature_timestamp: int
    on_behalf_of_account: str = ""


def parse_change_request(body: object, types: tuple[str, ...] = TYPES) -> ChangeRequest:
    """Check the form of a request to change an order of one of these types.

    Raises
    ------
    VenueError
        ``BINDING_ERROR`` or ``VALIDATION_ERROR``.
    """
    if not isinstance(body, dict):
        raise VenueError("BINDING_ERROR", "request body: expected a JSON object")
    kind = _word(body, "type", types)
    is_kept = body.get("trigger_price") in (None, "", "0")
    return ChangeRequest(
        id=_text(body, "id"),
        market=_text(body, "market"),
        side=_word(body, "side", SIDES),
        type=kind,
        size=parse_amount(body.get("size"), "size"),
        price=_price(body, kind),
        trigger_price=None if is_kept else _trigger_price(body, kind),
        signature=_text(body, "signature"),
        signature_timestamp=_integer(body, "signature_timestamp", 0),
        on_behalf_of_account=_on_behalf(body),
    )


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
    if instruction not in instructions(kind):
        raise VenueError("VALIDATION_ERROR", f"instruction: {instruction} is not for {kind}")
    return instruction


def _price(body: Mapping[str, object], kind: str) -> Decimal:
    if is_market(kind):
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


def _trigger_price(body: Mapping[str, object], kind: str) -> Decimal | None:
    given = body.get("trigger_price")
    if not is_conditional(kind):
        if given not in (None, "", "0"):
            raise VenueError("VALIDATION_ERROR", "trigger_price: only for conditional orders")
        return None
    price = ZERO if given in (None, "") else parse_amount(given, "trigger_price")
    if not price:
        raise VenueError("VALIDATION_ERROR", "trigger_price: must be greater than 0")
    return price


def _on_behalf(body: Mapping[str, object]) -> str:
    address = body.get("on_behalf_of_account")
    if not address:
        return ""
    if not isinstance(address, str) or len(address) > ADDRESS_MAX:
        raise VenueError("BINDING_ERROR", "on_behalf_of_account: expected an address")
    return address.lower()


def _dime_discount(body: Mapping[str, object]) -> bool:
    is_wanted = body.get("dime_discount") or False
    if not isinstance(is_wanted, bool):
        raise VenueError("BINDING_ERROR", "dime_discount: expected a boolean")
    return is_wanted
