"""Known answers of Stark signatures, computed by starknet-py and nothing of ours.

``python -m tests.signing_vectors`` writes `fixtures/vectors/signing.json` and its provenance again;
a test computes them again and compares.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from starknet_py.hash.utils import message_signature, private_to_stark_key
from starknet_py.utils.typed_data import TypedData

FOLDER = Path(__file__).resolve().parent.parent / "fixtures" / "vectors"
VECTORS = FOLDER / "signing.json"
PROVENANCE = FOLDER / "signing.meta.json"

MAINNET = "PRIVATE_SN_PARACLEAR_MAINNET"
TESTNET = "PRIVATE_SN_POTC_SEPOLIA"
# The account of the venue's own SDK tests: public, worthless.
SDK_ACCOUNT = "0x129c135ed63df9353885e292be4426b8ed6122b13c6c0e1bb787288a1f5adfa"
SDK_KEY = "0x543b6cf6c91817a87174aaea4fb370ac1c694e864d7740d728f8344d53e815"
# A subkey signs for an account whose address is not derived from it.
SUBKEY = "0x1b0a1c5d7f3e92864fa05b6c7d8e9f00112233445566778899aabbccddeeff1"

FIELDS = {
    "order": ("Order", ("timestamp", "market", "side", "orderType", "size", "price")),
    "modify": ("ModifyOrder", ("timestamp", "market", "side", "orderType", "size", "price", "id")),
    "auth": ("Request", ("method", "path", "body", "timestamp", "expiration")),
    "onboarding": ("Constant", ("action",)),
}


def order(
    timestamp_ms: int, market: str, side: str, order_type: str, size_units: int, price_units: int
) -> dict[str, Any]:
    return {
        "timestamp_ms": timestamp_ms,
        "market": market,
        "side": side,
        "order_type": order_type,
        "size_units": size_units,
        "price_units": price_units,
    }


# id, kind, chain, private key, inputs, message hash where one was known beforehand.
LIMIT_ORDER = order(1634736000000, "ETH-USD-PERP", "BUY", "LIMIT", 10_000_000, 150_000_000_000)
STOP_INPUTS = (1788488806070, "BTC-USD-PERP", "SELL")
CASES: list[tuple[str, str, str, str, dict[str, Any], str | None]] = [
    (
        "testnet_onboarding",
        "onboarding",
        TESTNET,
        SDK_KEY,
        {},
        "0xd38fca3e24662dea69b9bc6699dbaf95d018c8fb7c9940f51aabb813e8d8bf",
    ),
    (
        "testnet_auth",
        "auth",
        TESTNET,
        SDK_KEY,
        {"timestamp_secs": 1706868900, "expiration_secs": 1706955300},
        "0x483c5a1b923d0e130ea8ead403e029af1786ef0210ba6d429032a6bad5df53e",
    ),
    (
        "testnet_limit_buy",
        "order",
        TESTNET,
        SDK_KEY,
        LIMIT_ORDER,
        "0x357f784e57d5c5b56410bfd988055f93958794f4e550742849e6c82b943c92d",
    ),
    (
        "testnet_market_sell",
        "order",
        TESTNET,
        SDK_KEY,
        order(1634736000000, "ETH-USD-PERP", "SELL", "MARKET", 10_000_000, 0),
        "0x5a1b5970ae8e61ad734c9e40cc4d7ed2a7012c627572cc800c761b16aebcf45",
    ),
    (
        "testnet_modify",
        "modify",
        TESTNET,
        SDK_KEY,
        {**LIMIT_ORDER, "venue_order_id": "1681462103821101699438490000"},
        "0x799a110ce70e28ccfe5296ecfe8831121f835a1db5a1f78b56dac5ff71c919a",
    ),
    (
        "mainnet_option_sell",
        "order",
        MAINNET,
        SDK_KEY,
        order(
            1700000000000,
            "BTC-USD-26DEC26-100000-C",
            "SELL",
            "LIMIT",
            50_000_000,
            415_000_000_000,
        ),
        "0x57a2f6db0a56bde212dbafbbe4b1674253a3db33aec504bbad90e0c725315d",
    ),
    (
        "mainnet_subkey_auth",
        "auth",
        MAINNET,
        SUBKEY,
        {"timestamp_secs": 1795000000, "expiration_secs": 1795001800},
        None,
    ),
    *(
        (
            f"mainnet_subkey_{order_type.lower()}",
            "order",
            MAINNET,
            SUBKEY,
            order(*STOP_INPUTS, order_type, 2_000_000, price_units),
            None,
        )
        for order_type, price_units in (
            ("STOP_LIMIT", 7_900_050_000_000),
            ("STOP_MARKET", 0),
            ("TAKE_PROFIT_LIMIT", 7_900_050_000_000),
            ("TAKE_PROFIT_MARKET", 0),
            ("STOP_LOSS_LIMIT", 7_900_050_000_000),
            ("STOP_LOSS_MARKET", 0),
        )
    ),
    (
        "smallest_units_lower_case_market",
        "order",
        MAINNET,
        SUBKEY,
        order(0, "kBONK-USD-PERP", "BUY", "LIMIT", 1, 1),
        None,
    ),
    (
        "underscore_in_strike",
        "order",
        MAINNET,
        SUBKEY,
        order(1795000000123, "HYPE-USD-30OCT26-102_5-P", "BUY", "LIMIT", 150_000_000, 321_000_000),
        None,
    ),
    (
        "longest_market_largest_units",
        "order",
        MAINNET,
        SUBKEY,
        order(2**63, "ABCDEFGHIJ-USD-30OCT26-123456-P", "SELL", "LIMIT", 2**128 - 1, 2**128 - 1),
        None,
    ),
]


def typed_data(kind: str, chain_id: str, inputs: dict[str, Any]) -> TypedData:
    """Return the starknet-py typed data of one message."""
    primary, names = FIELDS[kind]
    if kind in ("order", "modify"):
        message: dict[str, Any] = {
            "timestamp": str(inputs["timestamp_ms"]),
            "market": inputs["market"],
            "side": {"BUY": "1", "SELL": "2"}[inputs["side"]],
            "orderType": inputs["order_type"],
            "size": str(inputs["size_units"]),
            "price": str(inputs["price_units"]),
        }
        if kind == "modify":
            message["id"] = inputs["venue_order_id"]
    elif kind == "auth":
        message = {
            "method": "POST",
            "path": "/v1/auth",
            "body": "",
            "timestamp": inputs["timestamp_secs"],
            "expiration": inputs["expiration_secs"],
        }
    else:
        message = {"action": "Onboarding"}
    return TypedData.from_dict(
        {
            "types": {
                "StarkNetDomain": [
                    {"name": name, "type": "felt"} for name in ("name", "chainId", "version")
                ],
                primary: [{"name": name, "type": "felt"} for name in names],
            },
            "primaryType": primary,
            "domain": {
                "name": "Paradex",
                "chainId": hex(int.from_bytes(chain_id.encode(), "big")),
                "version": "1",
            },
            "message": message,
        }
    )


def compute_vectors() -> list[dict[str, Any]]:
    """Return every known answer; the signature is the deterministic one, without extra entropy."""
    vectors = []
    for name, kind, chain_id, key, inputs, known in CASES:
        message_hash = typed_data(kind, chain_id, inputs).message_hash(int(SDK_ACCOUNT, 16))
        if known is not None and message_hash != int(known, 16):
            raise ValueError(f"{name}: {message_hash:#x} was known as {known}")
        r, s = message_signature(message_hash, int(key, 16), seed=None)
        vectors.append(
            {
                "id": name,
                "kind": kind,
                "chain_id": chain_id,
                "account": SDK_ACCOUNT,
                "private_key": key,
                "inputs": inputs,
                "public_key": hex(private_to_stark_key(int(key, 16))),
                "message_hash": hex(message_hash),
                "signature": f'["{r}","{s}"]',
                "is_carried_over": known is not None,
            }
        )
    return vectors


def load_vectors() -> list[dict[str, Any]]:
    """Return the known answers of the fixture."""
    vectors: list[dict[str, Any]] = json.loads(VECTORS.read_bytes())["vectors"]
    return vectors


def write() -> None:
    text = json.dumps({"vectors": compute_vectors()}, indent=1) + "\n"
    VECTORS.write_text(text)
    meta = {
        "file": VECTORS.name,
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "size_bytes": len(text.encode()),
        "source": "synthetic",
        "original_url": None,
        "environment": None,
        "captured_at": "2026-11-22",
        "api_version": "typed data revision 0",
        "redactions": "none: the keys are public test keys without funds",
        "licence": "LGPL-3.0-or-later",
        "added_at": "2026-11-22",
        "notes": "Computed with starknet-py 0.30.0 by `python -m tests.signing_vectors`, with none "
        "of this project's code. Message hashes marked is_carried_over were known beforehand, from "
        "the tests of paradex-py (MIT) and from another implementation. Signatures use the nonce "
        "of RFC 6979 without extra entropy.",
    }
    PROVENANCE.write_text(json.dumps(meta, indent=1) + "\n")


if __name__ == "__main__":
    write()
