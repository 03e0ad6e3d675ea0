"""What we ask of the venue about algo orders, and the body that asks it.

Fields as in `AlgoOrderRequest` of the venue's OpenAPI document. An algo order is signed as the
market order of its whole size; how long and how often it trades is not signed.
"""

from dataclasses import dataclass
from typing import Final

from paradex_adapter.venue.errors import InvalidRequest
from paradex_adapter.venue.order_requests import RECV_WINDOW_MS_MIN
from paradex_adapter.venue.signing import OrderSigner
from paradex_adapter_core.decimals import units_to_text
from paradex_adapter_core.vocabulary import SIDES, UNITS_SCALE

# Short, since the outcome of an order whose reply is lost is known for certain only when it is
# over, and NautilusTrader waits about half a minute for it.
ALGO_RECV_WINDOW_MS_DEFAULT: Final = 10_000

_SIDE_WORDS: Final = {code: word for word, code in SIDES.items()}


@dataclass(frozen=True, slots=True)
class AlgoRequest:
    """A TWAP order to be sent.

    Attributes
    ----------
    client_order_id : str
        Ours alone: the venue is not told.
    market : str
        The venue's symbol.
    side : int
        A code of `paradex_adapter_core.vocabulary`.
    size : int
        In all, in 1e-8 units, positive.
    duration_secs, interval_secs : int
        How long it trades, and how often.
    recv_window_ms : int, optional
        How long after signing the venue may still take it, in milliseconds; by default that of
        whoever sends it.
    dime_discount : bool
        Whether the fees of its children are paid in DIME.
    """

    client_order_id: str
    market: str
    side: int
    size: int
    duration_secs: int
    interval_secs: int
    recv_window_ms: int | None = None
    dime_discount: bool = False


def sign_algo_request(
    request: AlgoRequest, signer: OrderSigner, timestamp_ms: int, recv_window_ms: int
) -> dict[str, object]:
    """Return the signed body of `request`.

    It is signed at `timestamp_ms` (Unix milliseconds); the venue may take it for `recv_window_ms`.

    Raises
    ------
    InvalidRequest
        If the order has no form the venue could accept.
    """
    side = _SIDE_WORDS.get(request.side)
    if side is None:
        raise InvalidRequest("side", f"code {request.side} is not one the adapter sends")
    body: dict[str, object] = {
        "algo_type": "TWAP",
        "market": request.market,
        "side": side,
        "type": "MARKET",
        "size": units_to_text(request.size, UNITS_SCALE),
        "duration_seconds": request.duration_secs,
        "frequency": request.interval_secs,
        "recv_window": max(recv_window_ms, RECV_WINDOW_MS_MIN),
        "signature_timestamp": timestamp_ms,
        "signature": signer.sign_order(
            timestamp_ms, request.market, side, "MARKET", request.size, 0
        ),
    }
    if request.dime_discount:
        body["dime_discount"] = True
    return body
