import pytest

from paradex_adapter.venue.credentials import Credentials
from paradex_adapter.venue.errors import InvalidRequest
from paradex_adapter.venue.order_requests import (
    RECV_WINDOW_MS_MIN,
    OrderRequest,
    cancel_params,
    sign_modify_request,
    sign_order_request,
)
from paradex_adapter.venue.signing import OrderSigner
from paradex_adapter_core.order_state import OrderState
from paradex_adapter_core.vocabulary import (
    INSTRUCTION_GTC,
    INSTRUCTION_IOC,
    INSTRUCTION_POST_ONLY,
    INSTRUCTION_RPI,
    ORDER_LIMIT,
    ORDER_MARKET,
    ORDER_STOP_LIMIT,
    SIDE_BUY,
    SIDE_SELL,
    UNITS_PER_ONE,
)

SIGNER = OrderSigner(Credentials(0x1234, 0x5678), "PRIVATE_SN_POTC_SEPOLIA")
NOW_MS = 1_790_000_000_123


def limit(**fields: object) -> OrderRequest:
    values: dict[str, object] = {
        "client_order_id": "O-1",
        "market": "BTC-USD-PERP",
        "side": SIDE_BUY,
        "order_type": ORDER_LIMIT,
        "instruction": INSTRUCTION_GTC,
        "size": UNITS_PER_ONE // 8,
        "price": 90_000 * UNITS_PER_ONE + UNITS_PER_ONE // 10,
        **fields,
    }
    return OrderRequest(**values)  # type: ignore[arg-type]


def test_the_body_of_a_limit_order() -> None:
    body = sign_order_request(limit(), SIGNER, NOW_MS, None)
    signature = SIGNER.sign_order(
        NOW_MS, "BTC-USD-PERP", "BUY", "LIMIT", 12_500_000, 9_000_010_000_000
    )
    assert body == {
        "market": "BTC-USD-PERP",
        "side": "BUY",
        "type": "LIMIT",
        "size": "0.125",
        "price": "90000.1",
        "instruction": "GTC",
        "client_id": "O-1",
        "signature_timestamp": NOW_MS,
        "signature": signature,
    }


def test_a_market_order_is_sent_and_signed_without_a_price() -> None:
    request = limit(side=SIDE_SELL, order_type=ORDER_MARKET, instruction=INSTRUCTION_IOC)
    body = sign_order_request(request, SIGNER, NOW_MS, None)
    assert body["price"] == "0"
    assert body["side"] == "SELL"
    assert body["signature"] == SIGNER.sign_order(
        NOW_MS, "BTC-USD-PERP", "SELL", "MARKET", 12_500_000, 0
    )


def test_options_are_named_only_when_set() -> None:
    request = limit(instruction=INSTRUCTION_POST_ONLY, reduce_only=True)
    body = sign_order_request(request, SIGNER, NOW_MS, 5_000)
    assert body["instruction"] == "POST_ONLY"
    assert body["flags"] == ["REDUCE_ONLY"]
    assert body["recv_window"] == 5_000
    body = sign_order_request(limit(), SIGNER, NOW_MS, 1)
    assert body["recv_window"] == RECV_WINDOW_MS_MIN


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"order_type": ORDER_STOP_LIMIT}, "type"),
        ({"instruction": INSTRUCTION_RPI}, "instruction"),
        ({"side": 0}, "side"),
        ({"market": "M" * 32}, "'MMM"),
        ({"size": -1}, "size"),
    ],
)
def test_what_has_no_form_is_refused_by_field(changes: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        sign_order_request(limit(**changes), SIGNER, NOW_MS, None)
    assert str(error.value).startswith(field)


def test_a_change_is_the_order_as_it_is_to_be() -> None:
    request = limit()
    order = OrderState(
        "O-1", request.market, SIDE_BUY, ORDER_LIMIT, INSTRUCTION_GTC, request.size, 1, None, 0, 0
    )
    order.venue_order_id = "1700204482624882607639200000"
    order.filled = request.size // 2
    body = sign_modify_request(order, UNITS_PER_ONE, 91_000 * UNITS_PER_ONE, SIGNER, NOW_MS)
    assert body == {
        "id": order.venue_order_id,
        "market": "BTC-USD-PERP",
        "side": "BUY",
        "type": "LIMIT",
        "size": "1",
        "price": "91000",
        "signature_timestamp": NOW_MS,
        "signature": SIGNER.sign_modify(
            NOW_MS,
            "BTC-USD-PERP",
            "BUY",
            "LIMIT",
            UNITS_PER_ONE,
            91_000 * UNITS_PER_ONE,
            order.venue_order_id,
        ),
    }


def test_a_cancel_names_the_venues_id_when_it_is_known() -> None:
    assert cancel_params("V-1", "O-1", "BTC-USD-PERP") == {"id": "V-1"}
    assert cancel_params("", "O-1", "BTC-USD-PERP") == {
        "client_id": "O-1",
        "market": "BTC-USD-PERP",
    }


def test_a_request_shows_itself_in_one_line() -> None:
    assert repr(limit()) == "OrderRequest('O-1', BTC-USD-PERP, BUY 0.125 at 90000.1)"
