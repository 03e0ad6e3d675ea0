import json

import pytest

from paradex_adapter.venue.credentials import Credentials
from paradex_adapter.venue.errors import InvalidRequest
from paradex_adapter.venue.order_requests import (
    RECV_WINDOW_MS_MIN,
    RPC_MODIFY_FIELDS,
    RPC_ORDER_FIELDS,
    RPC_ORDER_TYPES,
    OrderRequest,
    cancel_params,
    fits_rpc,
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
    ORDER_STOP_LOSS_LIMIT,
    ORDER_STOP_LOSS_MARKET,
    ORDER_STOP_MARKET,
    ORDER_TAKE_PROFIT_LIMIT,
    ORDER_TAKE_PROFIT_MARKET,
    SIDE_BUY,
    SIDE_SELL,
    STP_EXPIRE_BOTH,
    STP_EXPIRE_MAKER,
    STP_EXPIRE_TAKER,
    UNITS_PER_ONE,
)
from tests.shared_specs import requires_shared_specs, spec_path

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
        ({"order_type": 0}, "type"),
        ({"order_type": 9}, "type"),
        ({"instruction": 0}, "instruction"),
        ({"order_type": ORDER_STOP_LIMIT}, "trigger_price"),
        ({"order_type": ORDER_STOP_LIMIT, "trigger_price": 0}, "trigger_price"),
        ({"stp": 9}, "stp"),
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


CONDITIONAL = {
    "STOP_LIMIT": ORDER_STOP_LIMIT,
    "STOP_MARKET": ORDER_STOP_MARKET,
    "TAKE_PROFIT_LIMIT": ORDER_TAKE_PROFIT_LIMIT,
    "TAKE_PROFIT_MARKET": ORDER_TAKE_PROFIT_MARKET,
    "STOP_LOSS_LIMIT": ORDER_STOP_LOSS_LIMIT,
    "STOP_LOSS_MARKET": ORDER_STOP_LOSS_MARKET,
}


@pytest.mark.parametrize("word", CONDITIONAL)
def test_the_body_of_a_conditional_order(word: str) -> None:
    request = limit(order_type=CONDITIONAL[word], trigger_price=91_000 * UNITS_PER_ONE)
    body = sign_order_request(request, SIGNER, NOW_MS, None)
    # The price of a market kind is signed and sent as 0; a trigger is never signed.
    price = 9_000_010_000_000 if word.endswith("LIMIT") else 0
    assert body["type"] == word
    assert body["price"] == ("90000.1" if price else "0")
    assert body["trigger_price"] == "91000"
    assert body["signature"] == SIGNER.sign_order(
        NOW_MS, "BTC-USD-PERP", "BUY", word, 12_500_000, price
    )


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"mmp": True}, {"flags": ["MMP"]}),
        ({"mmp": True, "reduce_only": True}, {"flags": ["REDUCE_ONLY", "MMP"]}),
        ({"stp": STP_EXPIRE_MAKER}, {"stp": "EXPIRE_MAKER"}),
        ({"stp": STP_EXPIRE_TAKER}, {"stp": "EXPIRE_TAKER"}),
        ({"stp": STP_EXPIRE_BOTH}, {"stp": "EXPIRE_BOTH"}),
        ({"vwap_price": 12_345_678}, {"vwap_price": "0.12345678"}),
        ({"recv_window_ms": 1_234}, {"recv_window": 1_234}),
        ({"dime_discount": True}, {"dime_discount": True}),
        ({"on_behalf_of_account": "0x12"}, {"on_behalf_of_account": "0x12"}),
        ({"instruction": INSTRUCTION_RPI}, {"instruction": "RPI"}),
    ],
)
def test_what_is_asked_for_beyond_the_order(
    fields: dict[str, object], named: dict[str, object]
) -> None:
    plain = sign_order_request(limit(), SIGNER, NOW_MS, None)
    # None of it is signed.
    assert sign_order_request(limit(**fields), SIGNER, NOW_MS, None) == plain | named


def test_the_window_of_an_order_goes_before_that_of_the_session() -> None:
    body = sign_order_request(limit(recv_window_ms=1_234), SIGNER, NOW_MS, 5_000)
    assert body["recv_window"] == 1_234


@pytest.mark.parametrize(
    ("fields", "is_documented"),
    [
        ({}, True),
        ({"reduce_only": True, "stp": STP_EXPIRE_BOTH, "recv_window_ms": 10}, True),
        ({"on_behalf_of_account": "0x12"}, True),
        ({"order_type": ORDER_STOP_LIMIT, "trigger_price": 1}, True),
        ({"order_type": ORDER_STOP_MARKET, "trigger_price": 1}, True),
        ({"order_type": ORDER_TAKE_PROFIT_LIMIT, "trigger_price": 1}, False),
        ({"order_type": ORDER_TAKE_PROFIT_MARKET, "trigger_price": 1}, False),
        ({"order_type": ORDER_STOP_LOSS_LIMIT, "trigger_price": 1}, False),
        ({"order_type": ORDER_STOP_LOSS_MARKET, "trigger_price": 1}, False),
        ({"order_type": ORDER_MARKET, "vwap_price": 1}, False),
        ({"dime_discount": True}, False),
    ],
)
def test_what_the_websocket_is_documented_to_take(
    fields: dict[str, object], is_documented: bool
) -> None:
    body = sign_order_request(limit(**fields), SIGNER, NOW_MS, None)
    assert fits_rpc(body) is is_documented


@requires_shared_specs
@pytest.mark.parametrize(
    ("method", "fields"),
    [
        ("order.create", RPC_ORDER_FIELDS),
        ("order.modify", RPC_MODIFY_FIELDS),
    ],
)
def test_what_the_document_of_the_methods_lists(method: str, fields: frozenset[str]) -> None:
    document = json.loads(spec_path("openrpc.json").read_bytes())
    (described,) = (found for found in document["methods"] if found["name"] == method)
    params = {param["name"]: param["schema"] for param in described["params"]}
    assert fields == params.keys()
    assert set(params["type"]["enum"]) == RPC_ORDER_TYPES


def test_a_change_of_a_conditional_order_names_its_trigger() -> None:
    for word, kind in CONDITIONAL.items():
        order = OrderState("O-1", "BTC-USD-PERP", SIDE_SELL, kind, INSTRUCTION_GTC, 1, 1, 2, 0, 0)
        order.venue_order_id = "1700204482624882607639200000"
        body = sign_modify_request(order, UNITS_PER_ONE, 2, SIGNER, NOW_MS, 3 * UNITS_PER_ONE)
        price = 2 if word.endswith("LIMIT") else 0
        assert body["type"] == word
        assert body["price"] == ("0.00000002" if price else "0")
        assert body["trigger_price"] == "3"
        assert body["signature"] == SIGNER.sign_modify(
            NOW_MS, "BTC-USD-PERP", "SELL", word, UNITS_PER_ONE, price, order.venue_order_id
        )
        assert fits_rpc(body, RPC_MODIFY_FIELDS) is (word in ("STOP_LIMIT", "STOP_MARKET"))
        triggered = sign_modify_request(order, UNITS_PER_ONE, 2, SIGNER, NOW_MS)
        assert "trigger_price" not in triggered


def test_a_cancel_names_the_venues_id_when_it_is_known() -> None:
    assert cancel_params("V-1", "O-1", "BTC-USD-PERP") == {"id": "V-1"}
    assert cancel_params("", "O-1", "BTC-USD-PERP") == {
        "client_id": "O-1",
        "market": "BTC-USD-PERP",
    }


def test_a_request_shows_itself_in_one_line() -> None:
    assert repr(limit()) == "OrderRequest('O-1', BTC-USD-PERP, BUY 0.125 at 90000.1)"
    stop = limit(order_type=ORDER_STOP_LIMIT, trigger_price=UNITS_PER_ONE)
    assert repr(stop).endswith("BUY 0.125 at 90000.1 from 1 on)")
