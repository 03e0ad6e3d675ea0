"""Sign one order: ours, the same without precomputed hashes, starknet-py and the venue's own SDK.

Every signature is checked before it is timed. They differ in nothing but the way to the hash and
the library: the SDK signs with another one (in Rust as well), on the Python that has it.

Run: ``pytest benchmarks/test_signing.py --benchmark-enable --benchmark-only``.
"""

import json
from decimal import Decimal
from typing import Any

import fast_stark_crypto
from pytest_benchmark.fixture import BenchmarkFixture
from starknet_py.hash.utils import message_signature, verify_message_signature
from starknet_py.utils.typed_data import TypedData

from benchmarks.interleaved import NOISE, beside_peers, hold, note
from benchmarks.official_sdk import NAME as SDK
from benchmarks.official_sdk import OfficialSdk, official_sdk
from paradex_adapter.venue.credentials import Credentials
from paradex_adapter.venue.signing import (
    DOMAIN_TYPE_HASH,
    ORDER_TYPE_HASH,
    OrderSigner,
    hash_elements,
    short_string_to_felt,
)

ACCOUNT = 0x129C135ED63DF9353885E292BE4426B8ED6122B13C6C0E1BB787288A1F5ADFA
# The key of the venue's own SDK tests: public, worthless.
KEY = 0x543B6CF6C91817A87174AAEA4FB370AC1C694E864D7740D728F8344D53E815
CHAIN_ID = "PRIVATE_SN_PARACLEAR_MAINNET"
TIMESTAMP_MS = 1_795_000_000_000
ORDER = ("BTC-USD-PERP", "BUY", "LIMIT", 12_500_000, 8_071_580_000_000)
LOOPS = 5
SDK_RATIO = 6.0
SECONDS_MAX = 1e-3

type Fields = tuple[str, str, str, int, int]


def message_hash_of_18(timestamp_ms: int, order: Fields) -> int:
    """Hash domain (5), order (8) and message (5) for every order, as the venue's SDK does."""
    market, side, order_type, size, price = order
    domain = hash_elements(
        (DOMAIN_TYPE_HASH, short_string_to_felt("Paradex"), short_string_to_felt(CHAIN_ID), 1)
    )
    struct_hash = hash_elements(
        (
            ORDER_TYPE_HASH,
            timestamp_ms,
            short_string_to_felt(market),
            1 if side == "BUY" else 2,
            short_string_to_felt(order_type),
            size,
            price,
        )
    )
    return hash_elements((short_string_to_felt("StarkNet Message"), domain, ACCOUNT, struct_hash))


def sign_with_18_hashes(timestamp_ms: int, order: Fields) -> str:
    r, s = fast_stark_crypto.sign(KEY, message_hash_of_18(timestamp_ms, order))
    return f'["{r}","{s}"]'


def sign_with_starknet_py(timestamp_ms: int, order: Fields) -> str:
    market, side, order_type, size, price = order
    document: dict[str, Any] = {
        "types": {
            "StarkNetDomain": [
                {"name": name, "type": "felt"} for name in ("name", "chainId", "version")
            ],
            "Order": [
                {"name": name, "type": "felt"}
                for name in ("timestamp", "market", "side", "orderType", "size", "price")
            ],
        },
        "primaryType": "Order",
        "domain": {"name": "Paradex", "chainId": CHAIN_ID, "version": "1"},
        "message": {
            "timestamp": str(timestamp_ms),
            "market": market,
            "side": "1" if side == "BUY" else "2",
            "orderType": order_type,
            "size": str(size),
            "price": str(price),
        },
    }
    message_hash = TypedData.from_dict(document).message_hash(ACCOUNT)
    # Its default, and the venue SDK's, is a nonce with the extra entropy 32.
    r, s = message_signature(message_hash, KEY)
    return f'["{r}","{s}"]'


def check(signature: str) -> None:
    r, s = (int(part) for part in json.loads(signature))
    public_key = fast_stark_crypto.get_public_key(KEY)
    assert verify_message_signature(message_hash_of_18(TIMESTAMP_MS, ORDER), [r, s], public_key)


def test_sign_order(benchmark: BenchmarkFixture) -> None:
    signer = OrderSigner(Credentials(ACCOUNT, KEY), CHAIN_ID)
    for sign in (sign_with_18_hashes, sign_with_starknet_py):
        check(sign(TIMESTAMP_MS, ORDER))
    check(signer.sign_order(TIMESTAMP_MS, *ORDER))
    market, side, kind, size, price = ORDER
    task = {
        "work": "sign",
        "chain_id": CHAIN_ID,
        "account_address": hex(ACCOUNT),
        "private_key": hex(KEY),
        "market": market,
        "side": side,
        "type": kind,
        "size": str(Decimal(size) / 10**8),
        "price": str(Decimal(price) / 10**8),
        "timestamp_ms": TIMESTAMP_MS,
    }
    with official_sdk(benchmark, **task) as sdk:
        for process in sdk.values():
            assert isinstance(process, OfficialSdk)
            check(str(process.result))
        beside_peers(
            benchmark,
            lambda: signer.sign_order(TIMESTAMP_MS, *ORDER),
            {
                "18 hashes, same library": lambda: sign_with_18_hashes(TIMESTAMP_MS, ORDER),
                "starknet-py": lambda: sign_with_starknet_py(TIMESTAMP_MS, ORDER),
                **sdk,
            },
            loops=LOOPS,
            slow={"starknet-py": 1},
        )
    seconds = benchmark.extra_info["seconds"]
    note(benchmark, f"{seconds * 1e3:.2f} ms, limit 1 ms")
    assert seconds < SECONDS_MAX * NOISE
    if sdk:
        hold(benchmark, SDK, SDK_RATIO)
