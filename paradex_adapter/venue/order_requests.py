"""What we ask of the venue, and the bodies that ask it.

The price and size that are signed and the decimals that are sent come from the same integers, so
they cannot differ. Fields as in `OrderRequest` and `ModifyOrderRequest` of the venue's OpenAPI
document and ``order.create``, ``order.modify`` and ``order.cancel`` of its OpenRPC document.
"""

from typing import Final, final

from paradex_adapter.venue.errors import InvalidRequest
from paradex_adapter.venue.signing import OrderSigner
from paradex_adapter_core.decimals import units_to_text
from paradex_adapter_core.order_state import OrderState
from paradex_adapter_core.vocabulary import (
    CONDITIONAL_TYPES,
    FLAG_MMP,
    FLAG_REDUCE_ONLY,
    INSTRUCTIONS,
    ORDER_TYPES,
    PRICED_TYPES,
    SIDES,
    STP_MODES,
    STP_NONE,
    UNITS_SCALE,
)

CLIENT_ORDER_ID_CHARS_MAX: Final = 64
RECV_WINDOW_MS_MIN: Final = 10
# Ours, and the venue's default: after a restart nobody knows what window an order was sent with.
RECV_WINDOW_MS_MAX: Final = 300_000

# What the OpenRPC document lists for ``order.create`` and ``order.modify``; the rest goes by REST.
RPC_ORDER_TYPES: Final = frozenset(["LIMIT", "MARKET", "STOP_LIMIT", "STOP_MARKET"])
RPC_ORDER_FIELDS: Final = frozenset(
    [
        "market",
        "side",
        "type",
        "size",
        "price",
        "instruction",
        "signature",
        "signature_timestamp",
        "client_id",
        "stp",
        "recv_window",
        "flags",
        "trigger_price",
        "on_behalf_of_account",
    ]
)
RPC_MODIFY_FIELDS: Final = frozenset(
    [
        "id",
        "market",
        "side",
        "type",
        "size",
        "price",
        "trigger_price",
        "signature",
        "signature_timestamp",
        "on_behalf_of_account",
    ]
)

_SIDE_WORDS: Final = {code: word for word, code in SIDES.items()}
_TYPE_WORDS: Final = {code: word for word, code in ORDER_TYPES.items()}
_INSTRUCTION_WORDS: Final = {code: word for word, code in INSTRUCTIONS.items() if word}
_STP_WORDS: Final = {code: word for word, code in STP_MODES.items() if code != STP_NONE}


@final
class OrderRequest:
    """An order to be sent.

    Parameters
    ----------
    client_order_id : str
        1 to `CLIENT_ORDER_ID_CHARS_MAX` ASCII characters, never used before.
    market : str
        The venue's symbol.
    side, order_type, instruction : int
        Codes of `paradex_adapter_core.vocabulary`.
    size : int
        In 1e-8 units, positive.
    price : int
        In 1e-8 units; 0 for the market kinds.
    reduce_only : bool
        Whether the order may only reduce the position.
    trigger_price : int, optional
        The mark price at which a conditional order comes to life, in 1e-8 units.
    mmp : bool
        Whether market maker protection cancels it.
    stp : int
        What happens when it would trade with an order of the same account: a code of `vocabulary`;
        `STP_NONE` for the venue's default.
    vwap_price : int, optional
        The worst average price of a market order, in 1e-8 units.
    recv_window_ms : int, optional
        How long after signing the venue may still take it, at most `RECV_WINDOW_MS_MAX`; by default
        that of the session.
    dime_discount : bool
        Whether its fees are paid in DIME.
    on_behalf_of_account : str
        The isolated margin account it is for, ``0x...``; empty for the account that signs.
    """

    __slots__ = (
        "client_order_id",
        "dime_discount",
        "instruction",
        "market",
        "mmp",
        "on_behalf_of_account",
        "order_type",
        "price",
        "recv_window_ms",
        "reduce_only",
        "side",
        "size",
        "stp",
        "trigger_price",
        "vwap_price",
    )

    def __init__(
        self,
        client_order_id: str,
        market: str,
        side: int,
        order_type: int,
        instruction: int,
        size: int,
        price: int,
        reduce_only: bool = False,
        *,
        trigger_price: int | None = None,
        mmp: bool = False,
        stp: int = STP_NONE,
        vwap_price: int | None = None,
        recv_window_ms: int | None = None,
        dime_discount: bool = False,
        on_behalf_of_account: str = "",
    ) -> None:
        self.client_order_id: Final = client_order_id
        self.market: Final = market
        self.side: Final = side
        self.order_type: Final = order_type
        self.instruction: Final = instruction
        self.size: Final = size
        self.price: Final = price
        self.reduce_only: Final = reduce_only
        self.trigger_price: Final = trigger_price
        self.mmp: Final = mmp
        self.stp: Final = stp
        self.vwap_price: Final = vwap_price
        self.recv_window_ms: Final = recv_window_ms
        self.dime_discount: Final = dime_discount
        self.on_behalf_of_account: Final = on_behalf_of_account

    @property
    def flags(self) -> int:
        """The bit set of `vocabulary.ORDER_FLAGS`."""
        return (FLAG_REDUCE_ONLY if self.reduce_only else 0) | (FLAG_MMP if self.mmp else 0)

    def __repr__(self) -> str:
        trigger = ""
        if self.trigger_price is not None:
            trigger = f" from {units_to_text(self.trigger_price, UNITS_SCALE)} on"
        return (
            f"OrderRequest({self.client_order_id!r}, {self.market}, "
            f"{_SIDE_WORDS.get(self.side)} {units_to_text(self.size, UNITS_SCALE)} at "
            f"{units_to_text(self.price, UNITS_SCALE)}{trigger})"
        )


def sign_order_request(
    request: OrderRequest, signer: OrderSigner, timestamp_ms: int, recv_window_ms: int | None
) -> dict[str, object]:
    """Return the signed body of `request`, for REST and ``order.create`` alike.

    Parameters
    ----------
    request : OrderRequest
        The order.
    signer : OrderSigner
        Signs for the account the order is for.
    timestamp_ms : int
        Now, in Unix milliseconds; the venue counts the receive window from it.
    recv_window_ms : int, optional
        How long after `timestamp_ms` the venue may still take the order, in milliseconds; by
        default the venue's own 300 000.

    Raises
    ------
    InvalidRequest
        If the order has no form the venue could accept.
    """
    side = _need_word(_SIDE_WORDS, request.side, "side")
    order_type = _need_word(_TYPE_WORDS, request.order_type, "type")
    # The market kinds have no price: it is signed and sent as 0.
    price = request.price if request.order_type in PRICED_TYPES else 0
    body: dict[str, object] = {
        "market": request.market,
        "side": side,
        "type": order_type,
        "size": units_to_text(request.size, UNITS_SCALE),
        "price": units_to_text(price, UNITS_SCALE),
        "instruction": _need_word(_INSTRUCTION_WORDS, request.instruction, "instruction"),
        "client_id": request.client_order_id,
        "signature_timestamp": timestamp_ms,
        "signature": signer.sign_order(
            timestamp_ms, request.market, side, order_type, request.size, price
        ),
    }
    if request.order_type in CONDITIONAL_TYPES:
        body["trigger_price"] = _need_trigger(request.trigger_price)
    flags = [
        word
        for word, is_set in (("REDUCE_ONLY", request.reduce_only), ("MMP", request.mmp))
        if is_set
    ]
    if flags:
        body["flags"] = flags
    if request.stp != STP_NONE:
        body["stp"] = _need_word(_STP_WORDS, request.stp, "stp")
    if request.vwap_price is not None:
        body["vwap_price"] = units_to_text(request.vwap_price, UNITS_SCALE)
    if request.dime_discount:
        body["dime_discount"] = True
    if request.on_behalf_of_account:
        body["on_behalf_of_account"] = request.on_behalf_of_account
    window_ms = request.recv_window_ms or recv_window_ms
    if window_ms is not None:
        body["recv_window"] = max(window_ms, RECV_WINDOW_MS_MIN)
    return body


def sign_modify_request(
    order: OrderState,
    size: int,
    price: int,
    signer: OrderSigner,
    timestamp_ms: int,
    trigger_price: int | None = None,
) -> dict[str, object]:
    """Return the signed body that gives an order another size, price and trigger price.

    For ``PUT /orders/{id}`` and ``order.modify`` alike: the order as it is to be.

    Parameters
    ----------
    order : OrderState
        The order as it is; the venue's id of it must be known.
    size, price : int
        As they are to be, in 1e-8 units; the size in total, what filled included. The price of the
        market kinds is signed and sent as 0.
    signer : OrderSigner
        Signs for the account.
    timestamp_ms : int
        Now, in Unix milliseconds.
    trigger_price : int, optional
        As it is to be, in 1e-8 units; None where there is none, or none any longer. Not signed.

    Raises
    ------
    InvalidRequest
        If it has no form the venue could accept.
    """
    side = _need_word(_SIDE_WORDS, order.side, "side")
    order_type = _need_word(_TYPE_WORDS, order.order_type, "type")
    price = price if order.order_type in PRICED_TYPES else 0
    body: dict[str, object] = {
        "id": order.venue_order_id,
        "market": order.market,
        "side": side,
        "type": order_type,
        "size": units_to_text(size, UNITS_SCALE),
        "price": units_to_text(price, UNITS_SCALE),
        "signature_timestamp": timestamp_ms,
        "signature": signer.sign_modify(
            timestamp_ms, order.market, side, order_type, size, price, order.venue_order_id
        ),
    }
    if trigger_price is not None:
        body["trigger_price"] = _need_trigger(trigger_price)
    return body


def fits_rpc(body: dict[str, object], fields: frozenset[str] = RPC_ORDER_FIELDS) -> bool:
    """Return whether the websocket's methods are documented to take an order of this form."""
    return body["type"] in RPC_ORDER_TYPES and body.keys() <= fields


def only_reduces(body: dict[str, object]) -> bool:
    """Return whether an order of this form can do no more than reduce a position."""
    flags = body.get("flags")
    return isinstance(flags, list) and "REDUCE_ONLY" in flags


def cancel_params(venue_order_id: str, client_order_id: str, market: str) -> dict[str, object]:
    """Return the params of ``order.cancel``: by the venue's id when it is known."""
    if venue_order_id:
        return {"id": venue_order_id}
    return {"client_id": client_order_id, "market": market}


def _need_trigger(trigger_price: int | None) -> str:
    if trigger_price is None or trigger_price <= 0:
        raise InvalidRequest("trigger_price", "is missing on a conditional order")
    return units_to_text(trigger_price, UNITS_SCALE)


def _need_word(words: dict[int, str], code: int, field: str) -> str:
    word = words.get(code)
    if word is None:
        raise InvalidRequest(field, f"code {code} is not one the adapter sends")
    return word
