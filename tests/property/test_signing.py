"""Signatures of any order, against starknet-py."""

import json
import string
from decimal import Context, Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from starknet_py.hash.utils import (
    compute_hash_on_elements,
    private_to_stark_key,
    verify_message_signature,
)

from paradex_adapter.venue.algo_requests import AlgoRequest, sign_algo_request
from paradex_adapter.venue.credentials import ADDRESS_BOUND, CURVE_ORDER, Credentials
from paradex_adapter.venue.order_requests import (
    OrderRequest,
    sign_modify_request,
    sign_order_request,
)
from paradex_adapter.venue.signing import OrderSigner
from paradex_adapter_core import vocabulary
from paradex_adapter_core.decimals import parse_exact
from paradex_adapter_core.order_state import OrderState
from paradex_adapter_core.vocabulary import SIDE_BUY, SIDE_SELL, SIDES, UNITS_SCALE
from tests.signing_vectors import MAINNET, typed_data

ORDER_TYPES = [
    "MARKET",
    "LIMIT",
    "STOP_LIMIT",
    "STOP_MARKET",
    "TAKE_PROFIT_LIMIT",
    "TAKE_PROFIT_MARKET",
    "STOP_LOSS_LIMIT",
    "STOP_LOSS_MARKET",
]

keys = st.integers(1, CURVE_ORDER - 1)
accounts = st.integers(1, ADDRESS_BOUND - 1)
MARKET_CHARACTERS = string.ascii_letters + string.digits + "-_"
UNITS_MAX = 2**128 - 1
# A market of digits alone would be read as a number by starknet-py's typed data; ours has a letter.
markets = st.builds(
    lambda head, tail: head + tail,
    st.sampled_from(string.ascii_letters),
    # As often as any other, one of the longest.
    st.text(MARKET_CHARACTERS, max_size=30) | st.text(MARKET_CHARACTERS, min_size=30, max_size=30),
)
units = st.sampled_from([0, 1, 10**8, UNITS_MAX - 1, UNITS_MAX]) | st.integers(0, UNITS_MAX)
orders = st.fixed_dictionaries(
    {
        "timestamp_ms": st.integers(0, 2**63),
        "market": markets,
        "side": st.sampled_from(["BUY", "SELL"]),
        "order_type": st.sampled_from(ORDER_TYPES),
        "size_units": units,
        "price_units": units,
    }
)


def order_hash(account: int, inputs: dict[str, object]) -> int:
    """Return the hash by starknet-py: a market order is signed with price 0 whatever it names."""
    if inputs["order_type"] == "MARKET":
        inputs = {**inputs, "price_units": 0}
    kind = "modify" if "venue_order_id" in inputs else "order"
    return typed_data(kind, MAINNET, inputs).message_hash(account)


@settings(max_examples=60)
@given(key=keys, account=accounts, inputs=orders)
def test_the_hash_of_any_order_is_that_of_starknet_py(
    key: int, account: int, inputs: dict[str, object]
) -> None:
    signer = OrderSigner(Credentials(account, key), MAINNET)
    expected = order_hash(account, inputs)
    assert signer.hasher.hash_order(**inputs) == expected  # type: ignore[arg-type]


@settings(max_examples=20)
@given(account=accounts, inputs=orders, order_id=st.integers(0, 10**28))
def test_the_hash_of_any_change_is_that_of_starknet_py(
    account: int, inputs: dict[str, object], order_id: int
) -> None:
    inputs = {**inputs, "venue_order_id": str(order_id)}
    signer = OrderSigner(Credentials(account, 1), MAINNET)
    expected = order_hash(account, inputs)
    assert signer.hasher.hash_modify(**inputs) == expected  # type: ignore[arg-type]


@settings(max_examples=10)
@given(key=keys, account=accounts, inputs=orders)
def test_the_signature_of_any_order_is_accepted_by_starknet_py(
    key: int, account: int, inputs: dict[str, object]
) -> None:
    signer = OrderSigner(Credentials(account, key), MAINNET)
    r, s = (int(part) for part in json.loads(signer.sign_order(**inputs)))  # type: ignore[arg-type]
    expected = order_hash(account, inputs)
    assert verify_message_signature(expected, [r, s], private_to_stark_key(key))


@settings(max_examples=20)
@given(account=accounts, inputs=orders)
def test_the_signature_of_any_twap_is_that_of_a_market_order(
    account: int, inputs: dict[str, object]
) -> None:
    signer = OrderSigner(Credentials(account, 1), MAINNET)
    timestamp_ms, market, side, size = (
        inputs[name] for name in ("timestamp_ms", "market", "side", "size_units")
    )
    request = AlgoRequest("O-1", market, SIDES[side], size, 60, 30)  # type: ignore[arg-type,index]
    body = sign_algo_request(request, signer, timestamp_ms, 10_000)  # type: ignore[arg-type]
    assert parse_exact(body["size"], UNITS_SCALE) == size  # type: ignore[arg-type]
    r, s = (int(part) for part in json.loads(body["signature"]))  # type: ignore[arg-type]
    expected = order_hash(account, {**inputs, "order_type": "MARKET"})
    assert verify_message_signature(expected, [r, s], private_to_stark_key(1))


def check_body(body: dict[str, object], account: int, key: int) -> None:
    """See that the signature of a body is one of what the body says, by starknet-py."""
    # Exact whatever its digits: the context would round.
    size, price = (
        int(Decimal(str(body[name])).scaleb(8, Context(prec=80))) for name in ("size", "price")
    )
    inputs = {
        "timestamp_ms": body["signature_timestamp"],
        "market": body["market"],
        "side": body["side"],
        "order_type": body["type"],
        "size_units": size,
        "price_units": price,
    }
    if "id" in body:
        inputs["venue_order_id"] = body["id"]
    r, s = (int(part) for part in json.loads(str(body["signature"])))
    assert verify_message_signature(order_hash(account, inputs), [r, s], private_to_stark_key(key))
    # No market kind has a price.
    assert str(body["type"]).endswith("LIMIT") or body["price"] == "0"
    is_conditional = body["type"] not in ("MARKET", "LIMIT")
    assert ("trigger_price" in body) is is_conditional


requests = st.builds(
    OrderRequest,
    client_order_id=st.just("O-1"),
    market=markets,
    side=st.sampled_from([SIDE_BUY, SIDE_SELL]),
    order_type=st.sampled_from(sorted(vocabulary.ORDER_TYPES.values())),
    instruction=st.sampled_from(sorted(set(vocabulary.INSTRUCTIONS.values()))),
    size=units,
    price=units,
    reduce_only=st.booleans(),
    trigger_price=st.integers(1, UNITS_MAX),
    mmp=st.booleans(),
    stp=st.sampled_from(sorted(set(vocabulary.STP_MODES.values()))),
    vwap_price=st.none() | st.integers(1, UNITS_MAX),
    recv_window_ms=st.none() | st.integers(10, 300_000),
    dime_discount=st.booleans(),
    on_behalf_of_account=st.sampled_from(["", "0x12"]),
)


@settings(max_examples=60)
@given(key=keys, account=accounts, request=requests, timestamp_ms=st.integers(0, 2**63))
def test_what_is_sent_is_what_is_signed(
    key: int, account: int, request: OrderRequest, timestamp_ms: int
) -> None:
    signer = OrderSigner(Credentials(account, key), MAINNET)
    check_body(sign_order_request(request, signer, timestamp_ms, None), account, key)


@settings(max_examples=40)
@given(
    key=keys,
    account=accounts,
    request=requests,
    order_id=st.integers(1, 10**28),
    terms=st.tuples(units, units, st.integers(1, UNITS_MAX)),
)
def test_what_a_change_sends_is_what_is_signed(
    key: int, account: int, request: OrderRequest, order_id: int, terms: tuple[int, int, int]
) -> None:
    signer = OrderSigner(Credentials(account, key), MAINNET)
    kind = request.order_type
    order = OrderState("O-1", request.market, request.side, kind, 1, 1, 1, None, 0, 0)
    order.venue_order_id = str(order_id)
    size, price, trigger_price = terms
    trigger = trigger_price if kind in vocabulary.CONDITIONAL_TYPES else None
    body = sign_modify_request(order, size, price, signer, 1_790_000_000_000, trigger)
    check_body(body, account, key)


@settings(max_examples=20)
@given(key=keys, account=accounts, subkey=keys, times=st.tuples(*[st.integers(0, 2**40)] * 2))
def test_the_registration_of_any_subkey_is_accepted_by_starknet_py(
    key: int, account: int, subkey: int, times: tuple[int, int]
) -> None:
    public_key = private_to_stark_key(subkey)
    signature = OrderSigner(Credentials(account, key), MAINNET).sign_subkey(public_key, *times)
    expected = compute_hash_on_elements([account, public_key, *times])
    r, s = (int(part, 16) for part in signature)
    assert verify_message_signature(expected, [r, s], private_to_stark_key(key))
