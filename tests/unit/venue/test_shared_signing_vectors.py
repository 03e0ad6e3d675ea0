"""Every known answer published by others: hashes equal, signatures valid, derivations equal."""

import json
from decimal import Decimal
from typing import Any

import fast_stark_crypto
import pytest
from poseidon_py.poseidon_hash import poseidon_hash_many
from starknet_py.hash.selector import get_selector_from_name
from starknet_py.hash.utils import verify_message_signature
from starknet_py.serialization.data_serializers import ByteArraySerializer

from paradex_adapter.venue.credentials import Credentials
from paradex_adapter.venue.derivation import derive_account_address, derive_key_from_ethereum
from paradex_adapter.venue.signing import (
    ORDER_TYPE_HASH,
    MessageHasher,
    OrderSigner,
    hash_elements,
    short_string_to_felt,
)
from tests.shared_specs import load_vectors, requires_shared_specs

FILES = {
    "paradex_py_orders.json": 21,
    "paradex_py_auth_onboarding_fullnode.json": 8,
    "paradex_py_account_derivation.json": 5,
    "third_party_known_answers.json": 22,
}
VECTORS = [(name, vector) for name in FILES for vector in load_vectors(name)]

pytestmark = requires_shared_specs


def vectors_of(*kinds: str) -> list[Any]:
    chosen = [
        pytest.param(v, id=f"{name.split('_')[0]}-{v['id']}")
        for name, v in VECTORS
        if v["kind"] in kinds
    ]
    return chosen or [pytest.param({}, id="absent")]


def units(text: str | None) -> int:
    """Cut, not rounded, at eight decimals, as the published signers do."""
    return int(Decimal(text or "0").scaleb(8))


def message_hash_of(hasher: MessageHasher, vector: dict[str, Any]) -> int:
    inputs = vector["inputs"]
    if vector["kind"] == "auth":
        return hasher.hash_auth(inputs["timestamp"], inputs["expiration"])
    if vector["kind"] == "onboarding":
        return hasher.hash_onboarding()
    order = (
        inputs["signature_timestamp"],
        inputs["market"],
        inputs["side"],
        inputs["type"],
        units(inputs["size"]),
        units(inputs.get("limit_price")),
    )
    if vector["kind"] == "modify_order":
        return hasher.hash_modify(*order, inputs["order_id"])
    return hasher.hash_order(*order)


def check_signature(vector: dict[str, Any], message_hash: int) -> None:
    expected, key = vector["expected"], vector["inputs"].get("l2_private_key")
    if key is None:
        return
    credentials = Credentials(int(vector["inputs"]["account"], 16), int(key, 16))
    assert credentials.public_key_hex == expected["public_key"]
    r, s = credentials.sign(message_hash)
    assert verify_message_signature(message_hash, [r, s], credentials.public_key)
    theirs = (int(expected["r"], 16), int(expected["s"], 16))
    assert fast_stark_crypto.verify(credentials.public_key, message_hash, *theirs)
    # Signers without extra entropy draw the nonce as ours does: the signatures are equal.
    seed = vector["checked"]["deterministic_seed"]
    assert ((r, s) == theirs) is (seed != 32)


@pytest.mark.parametrize("vector", vectors_of("order", "modify_order", "auth", "onboarding"))
def test_message_hash_and_signature(vector: dict[str, Any]) -> None:
    inputs = vector["inputs"]
    chain_id = int(vector["typed_data"]["domain"]["chainId"], 16)
    if "starknet_chain_id" in inputs:
        assert short_string_to_felt(inputs["starknet_chain_id"]) == chain_id
    hasher = MessageHasher(int(inputs["account"], 16), chain_id)
    message_hash = message_hash_of(hasher, vector)
    assert hex(message_hash) == vector["expected"]["message_hash"]
    check_signature(vector, message_hash)


@pytest.mark.parametrize("vector", vectors_of("order_struct_hash"))
def test_struct_hash(vector: dict[str, Any]) -> None:
    inputs = vector["inputs"]
    struct_hash = hash_elements(
        (
            ORDER_TYPE_HASH,
            inputs["signature_timestamp"],
            short_string_to_felt(inputs["market"]),
            {"BUY": 1, "SELL": 2}[inputs["side"]],
            short_string_to_felt(inputs["type"]),
            units(inputs["size"]),
            0,
        )
    )
    assert hex(struct_hash) == vector["expected"]["struct_hash"]


@pytest.mark.parametrize("vector", vectors_of("generic_typed_data"))
def test_chain_of_hashes_over_foreign_typed_data(vector: dict[str, Any]) -> None:
    data = vector["typed_data"]

    def struct_hash(name: str, values: dict[str, str]) -> int:
        fields = [field["name"] for field in data["types"][name]]
        text = f"{name}({','.join(f'{field}:felt' for field in fields)})"
        felts = (
            int(values[f]) if values[f].isdecimal() else short_string_to_felt(values[f])
            for f in fields
        )
        return hash_elements((get_selector_from_name(text), *felts))

    message_hash = hash_elements(
        (
            short_string_to_felt("StarkNet Message"),
            struct_hash("StarkNetDomain", data["domain"]),
            int(vector["inputs"]["account"], 16),
            struct_hash(data["primaryType"], data["message"]),
        )
    )
    assert hex(message_hash) == vector["expected"]["message_hash"]
    check_signature(vector, message_hash)


@pytest.mark.parametrize("vector", vectors_of("account_derivation"))
def test_key_and_address_derivation(vector: dict[str, Any]) -> None:
    inputs, expected = vector["inputs"], vector["expected"]
    key = derive_key_from_ethereum(int(inputs["l1_private_key"], 16), int(inputs["l1_chain_id"]))
    assert hex(key) == expected["l2_private_key"]
    credentials = Credentials(int(expected["l2_address"], 16), key)
    assert credentials.public_key_hex == expected["public_key"]
    address = derive_account_address(
        credentials.public_key,
        int(inputs["paraclear_account_proxy_hash"], 16),
        int(inputs["paraclear_account_hash"], 16),
    )
    assert hex(address) == expected["l2_address"]


@pytest.mark.parametrize("vector", vectors_of("pedersen"))
def test_pedersen_hash(vector: dict[str, Any]) -> None:
    left, right = int(vector["inputs"]["first"]), int(vector["inputs"]["second"])
    assert fast_stark_crypto.pedersen_hash(left, right) == int(vector["expected"]["hash"])


@pytest.mark.parametrize("vector", vectors_of("public_key"))
def test_public_key(vector: dict[str, Any]) -> None:
    credentials = Credentials(1, int(vector["inputs"]["private_key"]))
    assert credentials.public_key == int(vector["expected"]["public_key"])


@pytest.mark.parametrize("vector", vectors_of("poseidon_payload_hash"))
def test_full_node_payload_hash_is_reproducible(vector: dict[str, Any]) -> None:
    """The full-node interface is no part of trading and not implemented; starknet-py confirms."""
    payload = ByteArraySerializer().serialize(vector["inputs"]["json_payload"])
    assert poseidon_hash_many(payload) == int(vector["expected"]["payload_hash"])


def test_no_vector_is_left_out() -> None:
    counts = {name: len(load_vectors(name)) for name in FILES}
    assert counts == FILES
    tested = {
        "order",
        "modify_order",
        "auth",
        "onboarding",
        "order_struct_hash",
        "generic_typed_data",
        "account_derivation",
        "pedersen",
        "public_key",
        "poseidon_payload_hash",
    }
    assert {vector["kind"] for _, vector in VECTORS} == tested


def test_the_wire_text_is_the_published_clients_own() -> None:
    """paradex-py draws another nonce; the form of its text is the same as ours."""
    vector = load_vectors("paradex_py_orders.json")[0]
    theirs = vector["expected"]["request_body_by_paradex_py"]["signature"]
    r, s = (int(vector["expected"][part], 16) for part in "rs")
    assert theirs == f'["{r}","{s}"]'
    inputs = vector["inputs"]
    signer = OrderSigner(
        Credentials(int(inputs["account"], 16), int(inputs["l2_private_key"], 16)),
        inputs["starknet_chain_id"],
    )
    ours = signer.sign_order(
        inputs["signature_timestamp"],
        inputs["market"],
        "BUY",
        "LIMIT",
        1_000_000,
        8_071_580_000_000,
    )
    parts = json.loads(ours)
    assert ours == json.dumps(parts, separators=(",", ":"))
    assert all(isinstance(part, str) and part.isdecimal() for part in parts)
