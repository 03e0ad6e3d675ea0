"""The exchange's hashing and signatures, against starknet-py and published known answers."""

from decimal import Decimal
from typing import Any

import pytest
from eth_hash.auto import keccak as reference_keccak
from starknet_py.hash.address import compute_address
from starknet_py.hash.utils import (
    message_signature,
    pedersen_hash,
    private_to_stark_key,
    verify_message_signature,
)
from starknet_py.utils.typed_data import TypedData

from paradex_adapter.local_exchange import stark
from paradex_adapter.local_exchange.keccak import keccak_256
from tests.shared_specs import load_vectors, requires_shared_specs, spec_path

TESTNET = "PRIVATE_SN_POTC_SEPOLIA"
MAINNET = "PRIVATE_SN_PARACLEAR_MAINNET"
# Poseidon hashes calls to the chain's own node, which the exchange does not serve.
NOT_SERVED = {"poseidon_payload_hash"}
ACCOUNT = 0x129C135ED63DF9353885E292BE4426B8ED6122B13C6C0E1BB787288A1F5ADFA
PRIVATE_KEY = 0x543B6CF6C91817A87174AAEA4FB370AC1C694E864D7740D728F8344D53E815
PUBLIC_KEY = 0x2C144D2F2D4FC61B6F8967F3BA0012A87D90140BCFE5A3E92E8DF83258C960F
PROXY_HASH = 0x3530CC4759D78042F1B543BF797F5F3D647CDE0388C33734CF91B7F7B9314A9
ACCOUNT_HASH = 0x41CB0280EBADAA75F996D8D92C6F265F6D040BB3BA442E5F86A554F1765244E

NESTED = {
    "types": {
        "StarkNetDomain": [
            {"name": "name", "type": "felt"},
            {"name": "version", "type": "felt"},
            {"name": "chainId", "type": "felt"},
        ],
        "Leg": [{"name": "side", "type": "string"}, {"name": "sizes", "type": "felt*"}],
        "Author": [{"name": "name", "type": "string"}, {"name": "is_firm", "type": "bool"}],
        "Basket": [
            {"name": "author", "type": "Author"},
            {"name": "legs", "type": "Leg*"},
            {"name": "call", "type": "selector"},
            {"name": "leaves", "type": "merkletree", "contains": "Leg"},
        ],
    },
    "primaryType": "Basket",
    "domain": {"name": "Paradex", "version": "1", "chainId": "0x534e5f54455354"},
    "message": {
        "author": {"name": "nobody", "is_firm": True},
        "legs": [{"side": "BUY", "sizes": [1, "2", "0x3"]}, {"side": "SELL", "sizes": []}],
        "call": "initialize",
        "leaves": [
            {"side": "BUY", "sizes": [1]},
            {"side": "SELL", "sizes": [2]},
            {"side": "BUY", "sizes": [3]},
        ],
    },
}


def every_vector() -> list[dict[str, Any]]:
    names = (
        "paradex_py_account_derivation.json",
        "paradex_py_auth_onboarding_fullnode.json",
        "paradex_py_orders.json",
        "third_party_known_answers.json",
    )
    return [vector for name in names for vector in load_vectors(name)]


def known_answers() -> list[Any]:
    return [pytest.param(v, id=v["id"]) for v in every_vector() if v["kind"] not in NOT_SERVED]


def check_typed_message(vector: dict[str, Any]) -> None:
    account = int(vector["inputs"]["account"], 16)
    expected = vector["expected"]
    message_hash = int(expected["message_hash"], 16)
    if "typed_data" in vector:
        assert stark.typed_data_hash(vector["typed_data"], account) == message_hash
        oracle = TypedData.from_dict(vector["typed_data"]).message_hash(account)
        assert oracle == message_hash
    if "r" in expected:
        r, s = int(expected["r"], 16), int(expected["s"], 16)
        key = int(expected["public_key"], 16)
        assert stark.verify(message_hash, r, s, key)
        assert not stark.verify(message_hash ^ 1, r, s, key)
        assert stark.public_key(int(vector["inputs"]["l2_private_key"], 16)) == key


def check_order(vector: dict[str, Any]) -> None:
    check_typed_message(vector)
    inputs = vector["inputs"]
    if "starknet_chain_id" not in inputs:
        return
    order = (
        inputs["starknet_chain_id"],
        int(inputs["account"], 16),
        inputs["signature_timestamp"],
        inputs["market"],
        inputs["side"],
        inputs["type"],
        Decimal(inputs["size"]),
        Decimal(inputs.get("limit_price") or 0),
    )
    if vector["kind"] == "modify_order":
        message_hash = stark.modify_hash(*order, inputs["order_id"])
    else:
        message_hash = stark.order_hash(*order)
    assert message_hash == int(vector["expected"]["message_hash"], 16)


def check_auth(vector: dict[str, Any]) -> None:
    check_typed_message(vector)
    inputs = vector["inputs"]
    message_hash = stark.auth_hash(
        inputs["starknet_chain_id"],
        int(inputs["account"], 16),
        inputs["timestamp"],
        inputs["expiration"],
    )
    assert message_hash == int(vector["expected"]["message_hash"], 16)


def check_onboarding(vector: dict[str, Any]) -> None:
    check_typed_message(vector)
    inputs = vector["inputs"]
    message_hash = stark.onboarding_hash(inputs["starknet_chain_id"], int(inputs["account"], 16))
    assert message_hash == int(vector["expected"]["message_hash"], 16)


def check_derivation(vector: dict[str, Any]) -> None:
    inputs, expected = vector["inputs"], vector["expected"]
    key = stark.public_key(int(expected["l2_private_key"], 16))
    assert key == int(expected["public_key"], 16)
    address = stark.derive_account(
        key,
        int(inputs["paraclear_account_proxy_hash"], 16),
        int(inputs["paraclear_account_hash"], 16),
    )
    assert address == int(expected["l2_address"], 16)


def check_struct_hash(vector: dict[str, Any]) -> None:
    inputs = vector["inputs"]
    message = {
        "timestamp": inputs["signature_timestamp"],
        "market": inputs["market"],
        "side": stark.SIDES[inputs["side"]],
        "orderType": inputs["type"],
        "size": int(Decimal(inputs["size"]) * 10**8),
        "price": 0,
    }
    struct_hash = stark.struct_hash(stark.TYPES, "Order", message)
    assert struct_hash == int(vector["expected"]["struct_hash"], 16)


def check_pedersen(vector: dict[str, Any]) -> None:
    first, second = int(vector["inputs"]["first"]), int(vector["inputs"]["second"])
    two_steps = stark.pedersen_array([second])
    assert two_steps == pedersen_hash(pedersen_hash(0, second), 1)
    if first == 0:
        assert pedersen_hash(int(vector["expected"]["hash"]), 1) == two_steps


def check_public_key(vector: dict[str, Any]) -> None:
    key = stark.public_key(int(vector["inputs"]["private_key"]))
    assert key == int(vector["expected"]["public_key"])


CHECKS = {
    "order": check_order,
    "modify_order": check_order,
    "auth": check_auth,
    "onboarding": check_onboarding,
    "generic_typed_data": check_typed_message,
    "account_derivation": check_derivation,
    "order_struct_hash": check_struct_hash,
    "pedersen": check_pedersen,
    "public_key": check_public_key,
}


@requires_shared_specs
@pytest.mark.parametrize("vector", known_answers())
def test_known_answer(vector: dict[str, Any]) -> None:
    CHECKS[vector["kind"]](vector)


@requires_shared_specs
def test_every_vector_file_is_read() -> None:
    files = {path.name for path in spec_path("vectors").glob("*.json")}
    assert len(every_vector()) == sum(len(load_vectors(name)) for name in files)
    assert {vector["kind"] for vector in every_vector()} == CHECKS.keys() | NOT_SERVED


@pytest.mark.parametrize("length", [0, 1, 31, 135, 136, 137, 271, 272, 500])
def test_keccak_agrees_with_the_reference_at_block_borders(length: int) -> None:
    data = bytes(i % 251 for i in range(length))
    assert keccak_256(data) == reference_keccak(data)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("StarkNetDomain", 0x98D1932052FC5137543DE5ED85B7A88555A4CD1FF5D5BFEDB62ED9B9A1F0DB),
        ("Order", 0xA56D5225B97B257C15AE2CB1CC0EA605381A886CD75463DB45FD2EF9FBC255),
        ("ModifyOrder", 0x201789BB587C17B251FD38DAF43B14807010EA721C2929A8C2FC33BF15C2E2C),
        ("Request", 0x186CDEF6B179923C411C13C11B8A825F12BF34203BDDA0A984DA9D6F2313C2),
        ("Constant", 0xE84BBCB68E0F7C73A9058BA82B6DA9C1FFDC502EFCF034E78B0C003C22ECC9),
    ],
)
def test_type_hash(name: str, expected: int) -> None:
    members = ",".join(f"{m['name']}:{m['type']}" for m in stark.TYPES[name])
    assert stark.starknet_keccak(f"{name}({members})") == expected


@pytest.mark.parametrize(
    ("message_hash", "expected"),
    [
        (
            stark.onboarding_hash(TESTNET, ACCOUNT),
            0xD38FCA3E24662DEA69B9BC6699DBAF95D018C8FB7C9940F51AABB813E8D8BF,
        ),
        (
            stark.auth_hash(TESTNET, ACCOUNT, 1706868900, 1706955300),
            0x483C5A1B923D0E130EA8EAD403E029AF1786EF0210BA6D429032A6BAD5DF53E,
        ),
        (
            stark.order_hash(
                TESTNET,
                ACCOUNT,
                1634736000000,
                "ETH-USD-PERP",
                "BUY",
                "LIMIT",
                Decimal("0.1"),
                Decimal(1500),
            ),
            0x357F784E57D5C5B56410BFD988055F93958794F4E550742849E6C82B943C92D,
        ),
        (
            stark.order_hash(
                TESTNET,
                ACCOUNT,
                1634736000000,
                "ETH-USD-PERP",
                "SELL",
                "MARKET",
                Decimal("0.1"),
                Decimal(1500),
            ),
            0x5A1B5970AE8E61AD734C9E40CC4D7ED2A7012C627572CC800C761B16AEBCF45,
        ),
        (
            stark.modify_hash(
                TESTNET,
                ACCOUNT,
                1634736000000,
                "ETH-USD-PERP",
                "BUY",
                "LIMIT",
                Decimal("0.1"),
                Decimal(1500),
                "1681462103821101699438490000",
            ),
            0x799A110CE70E28CCFE5296ECFE8831121F835A1DB5A1F78B56DAC5FF71C919A,
        ),
        (
            stark.order_hash(
                MAINNET,
                ACCOUNT,
                1700000000000,
                "BTC-USD-26DEC26-100000-C",
                "SELL",
                "LIMIT",
                Decimal("0.5"),
                Decimal(4150),
            ),
            0x57A2F6DB0A56BDE212DBAFBBE4B1674253A3DB33AEC504BBAD90E0C725315D,
        ),
    ],
)
def test_published_message_hash(message_hash: int, expected: int) -> None:
    assert message_hash == expected


def test_nested_types_agree_with_starknet_py() -> None:
    expected = TypedData.from_dict(NESTED).message_hash(ACCOUNT)
    assert stark.typed_data_hash(NESTED, ACCOUNT) == expected


@pytest.mark.parametrize(
    "broken",
    [
        {**NESTED, "types": None},
        {**NESTED, "primaryType": "Missing"},
        {**NESTED, "message": {}},
        {**NESTED, "message": {**NESTED["message"], "call": 5}},
        {**NESTED, "message": {**NESTED["message"], "leaves": []}},
        {**NESTED, "domain": {**NESTED["domain"], "name": "n" * 32}},
        {**NESTED, "domain": {**NESTED["domain"], "name": 1.5}},
        {**NESTED, "domain": {**NESTED["domain"], "version": -1}},
        {**NESTED, "domain": "Paradex"},
    ],
)
def test_malformed_typed_data_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"typed data|encode|merkle|short string|felt"):
        stark.typed_data_hash(broken, ACCOUNT)


def test_recursion_is_bounded() -> None:
    types = {
        "StarkNetDomain": stark.TYPES["StarkNetDomain"],
        "Node": [{"name": "child", "type": "Node"}],
    }
    message: dict[str, Any] = {}
    message["child"] = message
    typed = {
        "types": types,
        "primaryType": "Node",
        "domain": {"name": "Paradex", "chainId": 1, "version": 1},
        "message": message,
    }
    with pytest.raises(ValueError, match="nested too deeply"):
        stark.typed_data_hash(typed, ACCOUNT)


def test_signature_is_accepted_by_starknet_py_and_back() -> None:
    message_hash = stark.onboarding_hash(TESTNET, ACCOUNT)
    ours = stark.sign(message_hash, PRIVATE_KEY)
    assert ours == stark.sign(message_hash, PRIVATE_KEY)
    assert verify_message_signature(message_hash, list(ours), PUBLIC_KEY)
    theirs = message_signature(message_hash, PRIVATE_KEY, seed=32)
    assert stark.verify(message_hash, *theirs, PUBLIC_KEY)


def test_published_signature_is_accepted_only_for_its_hash_and_key() -> None:
    message_hash = 0x357F784E57D5C5B56410BFD988055F93958794F4E550742849E6C82B943C92D
    r = 2961186408715658376560799415933082549278902945930875798115822875536782398140
    s = 1040053515422438623039287654725991540040847871773109144124854491635355637263
    assert stark.verify(message_hash, r, s, PUBLIC_KEY)
    assert not stark.verify(message_hash + 1, r, s, PUBLIC_KEY)
    assert not stark.verify(message_hash, r + 1, s, PUBLIC_KEY)
    assert not stark.verify(message_hash, r, s + 1, PUBLIC_KEY)
    assert not stark.verify(message_hash, r, s, stark.public_key(PRIVATE_KEY + 1))


OUT_OF_RANGE = [
    (2**251, 1, 1, PUBLIC_KEY),
    (-1, 1, 1, PUBLIC_KEY),
    (1, 0, 1, PUBLIC_KEY),
    (1, 2**251, 1, PUBLIC_KEY),
    (1, 1, 0, PUBLIC_KEY),
    (1, 1, stark.CURVE_ORDER, PUBLIC_KEY),
    (1, 1, 2**251, PUBLIC_KEY),
    (1, 1, pow(2**251, -1, stark.CURVE_ORDER), PUBLIC_KEY),
    (1, 1, 2**300, PUBLIC_KEY),
    (1, 1, 1, 0),
    (1, 1, 1, stark.FIELD_PRIME),
    (1, 1, 1, 5),
]


@pytest.mark.parametrize(("message_hash", "r", "s", "key"), OUT_OF_RANGE)
def test_values_out_of_range_are_no_signature(message_hash: int, r: int, s: int, key: int) -> None:
    assert stark.verify(message_hash, r, s, key) is False


def test_points_are_told_from_other_numbers() -> None:
    keys = [stark.public_key(k) for k in range(1, 20)]
    assert all(map(stark.is_public_key, keys))
    assert not all(map(stark.is_public_key, range(1, 20)))


@pytest.mark.parametrize("key", [0, -1, stark.CURVE_ORDER])
def test_private_key_out_of_range_is_refused(key: int) -> None:
    with pytest.raises(ValueError, match="private key"):
        stark.public_key(key)
    with pytest.raises(ValueError, match="private key"):
        stark.sign(1, key)


def test_hash_out_of_range_is_not_signed() -> None:
    with pytest.raises(ValueError, match="message hash"):
        stark.sign(2**251, PRIVATE_KEY)


def test_keys_and_address_agree_with_starknet_py() -> None:
    for label in ("a", "b"):
        private_key = stark.private_key_from_seed(7, label)
        public_key = stark.public_key(private_key)
        assert public_key == private_to_stark_key(private_key)
        calldata = [ACCOUNT_HASH, stark.starknet_keccak("initialize"), 2, public_key, 0]
        expected = compute_address(
            class_hash=PROXY_HASH, constructor_calldata=calldata, salt=public_key
        )
        assert stark.derive_account(public_key, PROXY_HASH, ACCOUNT_HASH) == expected


def test_published_address() -> None:
    assert stark.public_key(PRIVATE_KEY) == PUBLIC_KEY
    assert stark.derive_account(PUBLIC_KEY, PROXY_HASH, ACCOUNT_HASH) == ACCOUNT


def test_seeded_keys_are_stable_and_distinct() -> None:
    assert stark.private_key_from_seed(1, "main") == stark.private_key_from_seed(1, "main")
    keys = {stark.private_key_from_seed(s, label) for s in range(5) for label in ("main", "maker")}
    assert len(keys) == 10


@pytest.mark.parametrize(
    ("side", "size", "price"),
    [("HOLD", "1", "1"), ("BUY", "-1", "1"), ("SELL", "1", "-1")],
)
def test_order_that_cannot_be_signed_is_refused(side: str, size: str, price: str) -> None:
    with pytest.raises(ValueError, match=r"side|negative"):
        stark.order_hash(TESTNET, ACCOUNT, 1, "M", side, "LIMIT", Decimal(size), Decimal(price))


def test_decimals_beyond_the_eighth_are_dropped_not_rounded() -> None:
    def hash_of(size: str) -> int:
        return stark.order_hash(TESTNET, ACCOUNT, 1, "M", "BUY", "LIMIT", Decimal(size), Decimal(1))

    assert hash_of("0.123456789") == hash_of("0.12345678") != hash_of("0.12345679")
