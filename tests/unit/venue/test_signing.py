"""Stark signatures, against known answers and starknet-py."""

import hashlib
import json
import time
from typing import Any

import pytest
from starknet_py.hash.selector import get_selector_from_name
from starknet_py.hash.utils import verify_message_signature

from paradex_adapter.venue import signing
from paradex_adapter.venue.credentials import Credentials
from paradex_adapter.venue.errors import InvalidRequest
from paradex_adapter.venue.signing import MessageHasher, OrderSigner, short_string_to_felt
from tests.signing_vectors import PROVENANCE, VECTORS, compute_vectors, load_vectors

OUR_VECTORS = load_vectors()
KEY = 0x543B6CF6C91817A87174AAEA4FB370AC1C694E864D7740D728F8344D53E815
ACCOUNT = 0x129C135ED63DF9353885E292BE4426B8ED6122B13C6C0E1BB787288A1F5ADFA
CHAIN_ID = "PRIVATE_SN_POTC_SEPOLIA"
ORDER = (1634736000000, "ETH-USD-PERP", "BUY", "LIMIT", 10_000_000, 150_000_000_000)


@pytest.fixture
def signer() -> OrderSigner:
    return OrderSigner(Credentials(ACCOUNT, KEY), CHAIN_ID)


def sign_vector(signer: OrderSigner, vector: dict[str, Any]) -> tuple[int, str]:
    inputs = vector["inputs"]
    match vector["kind"]:
        case "order":
            return signer.hasher.hash_order(**inputs), signer.sign_order(**inputs)
        case "modify":
            return signer.hasher.hash_modify(**inputs), signer.sign_modify(**inputs)
        case "auth":
            return signer.hasher.hash_auth(**inputs), signer.sign_auth(**inputs)
        case "onboarding":
            return signer.hasher.hash_onboarding(), signer.sign_onboarding()
        case kind:
            raise ValueError(kind)


@pytest.mark.parametrize("vector", OUR_VECTORS, ids=[v["id"] for v in OUR_VECTORS])
def test_known_answer(vector: dict[str, Any]) -> None:
    signer = OrderSigner(
        Credentials(int(vector["account"], 16), int(vector["private_key"], 16)),
        vector["chain_id"],
    )
    message_hash, signature = sign_vector(signer, vector)
    assert hex(message_hash) == vector["message_hash"]
    assert signature == vector["signature"]
    assert signer.public_key_hex == vector["public_key"]
    assert signer.account_address == vector["account"]
    r, s = (int(part) for part in json.loads(signature))
    assert verify_message_signature(message_hash, [r, s], int(vector["public_key"], 16))


def test_the_known_answers_are_those_of_starknet_py() -> None:
    assert compute_vectors() == OUR_VECTORS


def test_the_known_answers_are_the_file_their_provenance_describes() -> None:
    meta = json.loads(PROVENANCE.read_bytes())
    content = VECTORS.read_bytes()
    assert meta["sha256"] == hashlib.sha256(content).hexdigest()
    assert meta["size_bytes"] == len(content)


@pytest.mark.parametrize(
    ("constant", "text"),
    [
        (
            signing.DOMAIN_TYPE_HASH,
            "StarkNetDomain(name:felt,chainId:felt,version:felt)",
        ),
        (
            signing.ORDER_TYPE_HASH,
            "Order(timestamp:felt,market:felt,side:felt,orderType:felt,size:felt,price:felt)",
        ),
        (
            signing.MODIFY_TYPE_HASH,
            "ModifyOrder(timestamp:felt,market:felt,side:felt,orderType:felt,size:felt,"
            "price:felt,id:felt)",
        ),
        (
            signing.AUTH_TYPE_HASH,
            "Request(method:felt,path:felt,body:felt,timestamp:felt,expiration:felt)",
        ),
        (signing.ONBOARDING_TYPE_HASH, "Constant(action:felt)"),
    ],
)
def test_type_hashes_are_keccak_of_their_texts(constant: int, text: str) -> None:
    assert constant == get_selector_from_name(text)


def test_the_same_order_is_signed_the_same_and_another_with_another_nonce(
    signer: OrderSigner,
) -> None:
    assert signer.sign_order(*ORDER) == signer.sign_order(*ORDER)
    first = json.loads(signer.sign_order(*ORDER))
    second = json.loads(signer.sign_order(ORDER[0] + 1, *ORDER[1:]))
    # Equal r would mean an equal nonce, and give the key away.
    assert first[0] != second[0]


def test_a_market_order_is_signed_with_price_zero_whatever_it_names(signer: OrderSigner) -> None:
    market = (*ORDER[:3], "MARKET", ORDER[4])
    assert signer.hasher.hash_order(*market, 7) == signer.hasher.hash_order(*market, 0)
    stop = (*ORDER[:3], "STOP_MARKET", ORDER[4])
    assert signer.hasher.hash_order(*stop, 7) != signer.hasher.hash_order(*stop, 0)


def test_every_signed_field_changes_the_hash(signer: OrderSigner) -> None:
    variants = [
        ORDER,
        (ORDER[0] + 1, *ORDER[1:]),
        (*ORDER[:1], "ETH-USD-PERQ", *ORDER[2:]),
        (*ORDER[:2], "SELL", *ORDER[3:]),
        (*ORDER[:3], "STOP_LIMIT", *ORDER[4:]),
        (*ORDER[:4], ORDER[4] + 1, ORDER[5]),
        (*ORDER[:5], ORDER[5] + 1),
    ]
    hashes = {signer.hasher.hash_order(*variant) for variant in variants}
    hashes.add(MessageHasher(ACCOUNT + 1, short_string_to_felt(CHAIN_ID)).hash_order(*ORDER))
    hashes.add(MessageHasher(ACCOUNT, short_string_to_felt("OTHER")).hash_order(*ORDER))
    hashes.add(signer.hasher.hash_modify(*ORDER, "0"))
    assert len(hashes) == len(variants) + 3


@pytest.mark.parametrize(
    ("index", "value", "words"),
    [
        (1, "A" * 32, "longer than 31"),
        (1, "ETH\u2013USD", "not ASCII"),
        (1, "", "empty"),
        (2, "buy", "neither BUY nor SELL"),
        (3, "X" * 32, "longer than 31"),
        (0, -1, "negative"),
        (4, -1, "negative"),
        (5, 2**128, "too large"),
        (4, 2**252, "too large"),
    ],
)
def test_what_cannot_be_signed_is_refused(
    signer: OrderSigner, index: int, value: object, words: str
) -> None:
    fields: list[Any] = [*ORDER]
    fields[index] = value
    with pytest.raises(InvalidRequest, match="cannot be signed") as caught:
        signer.sign_order(*fields)
    assert words in str(caught.value)


@pytest.mark.parametrize("order_id", ["", "12x", "-1", "\u0661", "1" * 39, "0x12"])
def test_an_order_id_that_is_no_number_is_refused(signer: OrderSigner, order_id: str) -> None:
    with pytest.raises(InvalidRequest, match="decimal number"):
        signer.sign_modify(*ORDER, order_id)


def test_a_market_of_31_characters_is_signed(signer: OrderSigner) -> None:
    assert any(len(v["inputs"].get("market", "")) == 31 for v in OUR_VECTORS)
    assert signer.sign_order(ORDER[0], "A" * 31, *ORDER[2:])


def test_an_empty_or_long_chain_id_is_refused() -> None:
    for chain_id in ("", "C" * 32):
        with pytest.raises(InvalidRequest):
            OrderSigner(Credentials(ACCOUNT, KEY), chain_id)


def test_short_strings_are_remembered_up_to_a_bound() -> None:
    short_string_to_felt.cache_clear()
    for number in range(signing.SHORT_STRINGS_CACHED_MAX + 10):
        assert short_string_to_felt(f"M{number}") > 0
    assert short_string_to_felt.cache_info().currsize == signing.SHORT_STRINGS_CACHED_MAX
    short_string_to_felt.cache_clear()


def test_signing_takes_about_a_millisecond_not_a_hundred(signer: OrderSigner) -> None:
    """The bound is loose: it tells the fast path from the slow one on any machine."""
    fastest = float("inf")
    for number in range(20):
        began = time.perf_counter()
        signer.sign_order(ORDER[0] + number, *ORDER[1:])
        fastest = min(fastest, time.perf_counter() - began)
    assert fastest < 0.020
