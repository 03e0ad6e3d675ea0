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
    FLAG_REDUCE_ONLY,
    INSTRUCTION_GTC,
    INSTRUCTION_IOC,
    INSTRUCTION_POST_ONLY,
    ORDER_LIMIT,
    ORDER_MARKET,
    SIDE_BUY,
    SIDE_SELL,
    UNITS_SCALE,
)

CLIENT_ORDER_ID_CHARS_MAX: Final = 64
RECV_WINDOW_MS_MIN: Final = 10

_SIDE_WORDS: Final = {SIDE_BUY: "BUY", SIDE_SELL: "SELL"}
_TYPE_WORDS: Final = {ORDER_LIMIT: "LIMIT", ORDER_MARKET: "MARKET"}
_INSTRUCTION_WORDS: Final = {
    INSTRUCTION_GTC: "GTC",
    INSTRUCTION_IOC: "IOC",
    INSTRUCTION_POST_ONLY: "POST_ONLY",
}


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
        Codes of `paradex_adapter_core.vocabulary`; limit and market orders, GTC, IOC, post-only.
    size : int
        In 1e-8 units, positive.
    price : int
        In 1e-8 units; 0 for a market order.
    reduce_only : bool
        Whether the order may only reduce the position.
    """

    __slots__ = (
        "client_order_id",
        "instruction",
        "market",
        "order_type",
        "price",
        "reduce_only",
        "side",
        "size",
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
    ) -> None:
        self.client_order_id: Final = client_order_id
        self.market: Final = market
        self.side: Final = side
        self.order_type: Final = order_type
        self.instruction: Final = instruction
        self.size: Final = size
        self.price: Final = price
        self.reduce_only: Final = reduce_only

    @property
    def flags(self) -> int:
        """The bit set of `vocabulary.ORDER_FLAGS`."""
        return FLAG_REDUCE_ONLY if self.reduce_only else 0

    def __repr__(self) -> str:
        return (
            f"OrderRequest({self.client_order_id!r}, {self.market}, "
            f"{_SIDE_WORDS.get(self.side)} {units_to_text(self.size, UNITS_SCALE)} at "
            f"{units_to_text(self.price, UNITS_SCALE)})"
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
    # A market order has no price: it is signed and sent as 0.
    price = 0 if request.order_type == ORDER_MARKET else request.price
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
    if request.reduce_only:
        body["flags"] = ["REDUCE_ONLY"]
    if recv_window_ms is not None:
        body["recv_window"] = max(recv_window_ms, RECV_WINDOW_MS_MIN)
    return body


def sign_modify_request(
    order: OrderState, size: int, price: int, signer: OrderSigner, timestamp_ms: int
) -> dict[str, object]:
    """Return the signed body that gives a limit order another size and price.

    For ``PUT /orders/{id}`` and ``order.modify`` alike: the order as it is to be.

    Parameters
    ----------
    order : OrderState
        The order as it is; the venue's id of it must be known.
    size, price : int
        As they are to be, in 1e-8 units; the size in total, what filled included.
    signer : OrderSigner
        Signs for the account.
    timestamp_ms : int
        Now, in Unix milliseconds.

    Raises
    ------
    InvalidRequest
        If it has no form the venue could accept.
    """
    side = _need_word(_SIDE_WORDS, order.side, "side")
    order_type = _need_word(_TYPE_WORDS, order.order_type, "type")
    return {
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


def cancel_params(venue_order_id: str, client_order_id: str, market: str) -> dict[str, object]:
    """Return the params of ``order.cancel``: by the venue's id when it is known."""
    if venue_order_id:
        return {"id": venue_order_id}
    return {"client_id": client_order_id, "market": market}


def _need_word(words: dict[int, str], code: int, field: str) -> str:
    word = words.get(code)
    if word is None:
        raise InvalidRequest(field, f"code {code} is not one the adapter sends")
    return word
