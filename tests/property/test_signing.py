"""Signatures of any order, against starknet-py."""

import json
import string

from hypothesis import given, settings
from hypothesis import strategies as st
from starknet_py.hash.utils import private_to_stark_key, verify_message_signature

from paradex_adapter.venue.credentials import ADDRESS_BOUND, CURVE_ORDER, Credentials
from paradex_adapter.venue.signing import OrderSigner
from tests.signing_vectors import MAINNET, typed_data

ORDER_TYPES = [
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
# A market of digits alone would be read as a number by starknet-py's typed data; ours has a letter.
markets = st.builds(
    lambda head, tail: head + tail,
    st.sampled_from(string.ascii_letters),
    st.text(string.ascii_letters + string.digits + "-_", max_size=30),
)
orders = st.fixed_dictionaries(
    {
        "timestamp_ms": st.integers(0, 2**63),
        "market": markets,
        "side": st.sampled_from(["BUY", "SELL"]),
        "order_type": st.sampled_from(ORDER_TYPES),
        "size_units": st.integers(0, 2**128 - 1),
        "price_units": st.integers(0, 2**128 - 1),
    }
)


@settings(max_examples=40, deadline=None)
@given(key=keys, account=accounts, inputs=orders)
def test_the_hash_of_any_order_is_that_of_starknet_py(
    key: int, account: int, inputs: dict[str, object]
) -> None:
    signer = OrderSigner(Credentials(account, key), MAINNET)
    expected = typed_data("order", MAINNET, inputs).message_hash(account)
    assert signer.hasher.hash_order(**inputs) == expected  # type: ignore[arg-type]


@settings(max_examples=20, deadline=None)
@given(account=accounts, inputs=orders, order_id=st.integers(0, 10**28))
def test_the_hash_of_any_change_is_that_of_starknet_py(
    account: int, inputs: dict[str, object], order_id: int
) -> None:
    inputs = {**inputs, "venue_order_id": str(order_id)}
    signer = OrderSigner(Credentials(account, 1), MAINNET)
    expected = typed_data("modify", MAINNET, inputs).message_hash(account)
    assert signer.hasher.hash_modify(**inputs) == expected  # type: ignore[arg-type]


@settings(max_examples=10, deadline=None)
@given(key=keys, account=accounts, inputs=orders)
def test_the_signature_of_any_order_is_accepted_by_starknet_py(
    key: int, account: int, inputs: dict[str, object]
) -> None:
    signer = OrderSigner(Credentials(account, key), MAINNET)
    r, s = (int(part) for part in json.loads(signer.sign_order(**inputs)))  # type: ignore[arg-type]
    expected = typed_data("order", MAINNET, inputs).message_hash(account)
    assert verify_message_signature(expected, [r, s], private_to_stark_key(key))
