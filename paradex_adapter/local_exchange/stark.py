"""STARK typed-data hashing and signatures as the venue checks them.

General typed data of revision 0 (Pedersen) over any set of types, written independently of the
adapter's signer so that the two cannot agree on the same mistake. Curve arithmetic comes from
`fast_stark_crypto`, which aborts on values out of range: everything is checked before it is called.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, localcontext
from functools import lru_cache
from typing import Final

import fast_stark_crypto

from paradex_adapter.local_exchange.keccak import keccak_256

FIELD_PRIME: Final = 2**251 + 17 * 2**192 + 1
CURVE_ORDER: Final = 0x800000000000010FFFFFFFFFFFFFFFFB781126DCAE7B2321E66A241ADC64D2F
CURVE_BETA: Final = 0x6F21413EFBE40DE150E596D72F7A8C5609AD26C15C915C1F4CDFCB99CEE9E89
SCALAR_BOUND: Final = 2**251
ADDRESS_BOUND: Final = 2**251 - 256

SHORT_STRING_MAX: Final = 31
TYPED_DATA_DEPTH_MAX: Final = 16
CACHED_HASHES_MAX: Final = 1024
CACHED_KEYS_MAX: Final = 1024
CACHED_STEPS_MAX: Final = 4096
DECIMAL_DIGITS: Final = 100

DOMAIN_TYPE: Final = "StarkNetDomain"
_HEX: Final = re.compile(r"0x[0-9a-fA-F]{1,64}")
_DIGITS: Final = re.compile(r"[0-9]{1,77}")


@lru_cache(CACHED_HASHES_MAX)
def starknet_keccak(text: str) -> int:
    """Return Keccak-256 of ASCII text, cut to 250 bits."""
    return int.from_bytes(keccak_256(text.encode("ascii")), "big") % 2**250


# --- Typed data, revision 0 -----------------------------------------------------------------------


def short_string(text: str) -> int:
    """Return up to 31 ASCII characters as one big-endian integer; empty text is 0.

    Raises
    ------
    ValueError
        If the text is longer or not ASCII.

    """
    if len(text) > SHORT_STRING_MAX:
        raise ValueError(f"a short string has at most {SHORT_STRING_MAX} characters")
    return int.from_bytes(text.encode("ascii"), "big")


def to_felt(value: object) -> int:
    """Return an integer, hex text, decimal text or short string as a field element.

    Raises
    ------
    ValueError
        If the value is none of these or outside the field.

    """
    if isinstance(value, str):
        if _HEX.fullmatch(value):
            number = int(value, 16)
        elif _DIGITS.fullmatch(value):
            number = int(value)
        else:
            number = short_string(value)
    elif isinstance(value, int):
        number = int(value)
    else:
        raise ValueError(f"a felt is an integer or text, not {type(value).__name__}")
    if not 0 <= number < FIELD_PRIME:
        raise ValueError("a felt must lie inside the field")
    return number


@lru_cache(CACHED_STEPS_MAX)
def _pedersen(left: int, right: int) -> int:
    # A step takes 70 us. Of an order's 18, those over domain, account and type are the same for
    # every order of an account, and their chains begin alike.
    return fast_stark_crypto.pedersen_hash(left, right)


def pedersen_array(values: Sequence[int]) -> int:
    """Return the Pedersen hash chain over the values and their count."""
    state = 0
    for value in values:
        state = _pedersen(state, value)
    return _pedersen(state, len(values))


def _merkle_root(leaves: list[int]) -> int:
    if not leaves:
        raise ValueError("a merkle tree has at least one leaf")
    while len(leaves) > 1:
        pairs = [leaves[i : i + 2] for i in range(0, len(leaves), 2)]
        leaves = [_pedersen(*sorted([*pair, 0][:2])) for pair in pairs]
    return leaves[0]


class _Types:
    """The types of one typed-data document."""

    def __init__(self, types: Mapping[str, Sequence[Mapping[str, str]]]) -> None:
        self._types = types
        self._type_hashes: dict[str, int] = {}

    def type_hash(self, name: str) -> int:
        if name not in self._type_hashes:
            primary, *others = self._dependencies(name)
            spelled = "".join(map(self._spell, (primary, *sorted(others))))
            self._type_hashes[name] = starknet_keccak(spelled)
        return self._type_hashes[name]

    def _dependencies(self, name: str) -> list[str]:
        found = [name]
        for current in found:
            for member in self._types[current]:
                inner = member["type"].removesuffix("*")
                if inner in self._types and inner not in found:
                    found.append(inner)
        return found

    def _spell(self, name: str) -> str:
        members = ",".join(f"{m['name']}:{m['type']}" for m in self._types[name])
        return f"{name}({members})"

    def struct_hash(self, name: str, values: Mapping[str, object], depth: int = 0) -> int:
        if depth > TYPED_DATA_DEPTH_MAX:
            raise ValueError("typed data is nested too deeply")
        encoded = [
            self._encode(member, member["type"], values[member["name"]], depth)
            for member in self._types[name]
        ]
        return pedersen_array([self.type_hash(name), *encoded])

    def _encode(self, member: Mapping[str, str], kind: str, value: object, depth: int) -> int:
        if kind.endswith("*") and isinstance(value, list):
            inner = kind.removesuffix("*")
            return pedersen_array([self._encode(member, inner, item, depth) for item in value])
        if kind in self._types and isinstance(value, dict):
            return self.struct_hash(kind, value, depth + 1)
        if kind == "merkletree" and isinstance(value, list):
            inner = member["contains"]
            return _merkle_root([self._encode(member, inner, item, depth) for item in value])
        if kind == "selector" and isinstance(value, str):
            return int(value, 16) if _HEX.fullmatch(value) else starknet_keccak(value)
        if kind == "bool" and isinstance(value, bool):
            return int(value)
        if kind in ("felt", "string"):
            return to_felt(value)
        raise ValueError(f"cannot encode {type(value).__name__} as {kind}")


def struct_hash(
    types: Mapping[str, Sequence[Mapping[str, str]]], name: str, values: Mapping[str, object]
) -> int:
    """Return the hash of one struct: its type hash, then its encoded members."""
    try:
        return _Types(types).struct_hash(name, values)
    except KeyError as error:
        raise ValueError(f"typed data lacks {error}") from error


def typed_data_hash(typed: Mapping[str, object], account: int) -> int:
    """Return the hash an account signs for a typed-data document of revision 0.

    Parameters
    ----------
    typed : Mapping[str, object]
        `types`, `primaryType`, `domain` and `message`.
    account : int
        The account address; the main one when a subkey signs.

    Raises
    ------
    ValueError
        If a part is missing, a value does not fit its type or the address is outside the field.

    """
    types, primary = typed.get("types"), typed.get("primaryType")
    domain, message = typed.get("domain"), typed.get("message")
    if not isinstance(types, dict) or not isinstance(primary, str):
        raise ValueError("typed data lacks its types")
    if not isinstance(domain, dict) or not isinstance(message, dict):
        raise ValueError("typed data lacks its domain or message")
    return pedersen_array(
        [
            short_string("StarkNet Message"),
            struct_hash(types, DOMAIN_TYPE, domain),
            to_felt(account),
            struct_hash(types, primary, message),
        ]
    )


# --- The venue's messages -------------------------------------------------------------------------


def _felts(*names: str) -> list[dict[str, str]]:
    return [{"name": name, "type": "felt"} for name in names]


TYPES: Final[dict[str, list[dict[str, str]]]] = {
    DOMAIN_TYPE: _felts("name", "chainId", "version"),
    "Order": _felts("timestamp", "market", "side", "orderType", "size", "price"),
    "ModifyOrder": _felts("timestamp", "market", "side", "orderType", "size", "price", "id"),
    "Request": _felts("method", "path", "body", "timestamp", "expiration"),
    "Constant": _felts("action"),
}
SIDES: Final = {"BUY": 1, "SELL": 2}
ORDER_DECIMALS: Final = 8


def _message_hash(primary: str, chain_id: str, account: int, message: dict[str, object]) -> int:
    domain = {"name": "Paradex", "chainId": chain_id, "version": 1}
    typed = {"types": TYPES, "primaryType": primary, "domain": domain, "message": message}
    return typed_data_hash(typed, account)


def _scaled(value: Decimal) -> int:
    with localcontext() as context:
        context.prec = DECIMAL_DIGITS
        scaled = value.scaleb(ORDER_DECIMALS)
        # A signer drops what lies beyond the eighth decimal.
        number = int(scaled)
    if not 0 <= number < FIELD_PRIME:
        raise ValueError("size and price must not be negative")
    return number


def _order_message(
    timestamp_ms: int, market: str, side: str, order_type: str, size: Decimal, price: Decimal
) -> dict[str, object]:
    if side not in SIDES:
        raise ValueError(f"unknown side {side!r}")
    return {
        "timestamp": timestamp_ms,
        "market": short_string(market),
        "side": SIDES[side],
        "orderType": short_string(order_type),
        "size": _scaled(size),
        "price": 0 if order_type == "MARKET" else _scaled(price),
    }


def order_hash(
    chain_id: str,
    account: int,
    timestamp_ms: int,
    market: str,
    side: str,
    order_type: str,
    size: Decimal,
    price: Decimal,
) -> int:
    """Return the hash signed for a new order; a MARKET order is signed at price 0."""
    message = _order_message(timestamp_ms, market, side, order_type, size, price)
    return _message_hash("Order", chain_id, account, message)


def modify_hash(
    chain_id: str,
    account: int,
    timestamp_ms: int,
    market: str,
    side: str,
    order_type: str,
    size: Decimal,
    price: Decimal,
    order_id: str,
) -> int:
    """Return the hash signed for a changed order, with its new values and the venue's order id."""
    message = _order_message(timestamp_ms, market, side, order_type, size, price)
    message["id"] = to_felt(order_id)
    return _message_hash("ModifyOrder", chain_id, account, message)


def auth_hash(chain_id: str, account: int, timestamp_secs: int, expiration_secs: int) -> int:
    """Return the hash signed for a token request; both times in seconds."""
    message: dict[str, object] = {
        "method": "POST",
        "path": "/v1/auth",
        "body": "",
        "timestamp": timestamp_secs,
        "expiration": expiration_secs,
    }
    return _message_hash("Request", chain_id, account, message)


def onboarding_hash(chain_id: str, account: int) -> int:
    """Return the hash signed to onboard an account."""
    return _message_hash("Constant", chain_id, account, {"action": "Onboarding"})


# --- Keys and signatures --------------------------------------------------------------------------


@lru_cache(CACHED_KEYS_MAX)
def is_public_key(key: int) -> bool:
    """Return whether an integer is the x-coordinate of a point of the curve."""
    if not 0 < key < FIELD_PRIME:
        return False
    square = (pow(key, 3, FIELD_PRIME) + key + CURVE_BETA) % FIELD_PRIME
    return pow(square, (FIELD_PRIME - 1) // 2, FIELD_PRIME) in (0, 1)


def verify(message_hash: int, r: int, s: int, public_key: int) -> bool:
    """Return whether (r, s) is this key's signature of the hash; False for values out of range."""
    if not (0 <= message_hash < SCALAR_BOUND and 0 < r < SCALAR_BOUND and 0 < s < CURVE_ORDER):
        return False
    if s >= SCALAR_BOUND or not 0 < pow(s, -1, CURVE_ORDER) < SCALAR_BOUND:
        return False
    if not is_public_key(public_key):
        return False
    return fast_stark_crypto.verify(public_key, message_hash, r, s)


def _check_private_key(private_key: int) -> None:
    if not 0 < private_key < CURVE_ORDER:
        raise ValueError("a private key must lie inside the curve order")


def sign(message_hash: int, private_key: int) -> tuple[int, int]:
    """Return the deterministic (RFC 6979) signature (r, s) of a hash.

    Raises
    ------
    ValueError
        If the hash or the key is out of range.

    """
    _check_private_key(private_key)
    if not 0 <= message_hash < SCALAR_BOUND:
        raise ValueError("a message hash must lie below 2**251")
    return fast_stark_crypto.sign(private_key, message_hash)


def public_key(private_key: int) -> int:
    """Return the public key: the x-coordinate of the private key times the generator."""
    _check_private_key(private_key)
    return fast_stark_crypto.get_public_key(private_key)


def derive_account(public_key: int, proxy_hash: int, account_hash: int) -> int:
    """Return the address of the account contract that belongs to a public key."""
    calldata = [account_hash, starknet_keccak("initialize"), 2, public_key, 0]
    parts = [
        short_string("STARKNET_CONTRACT_ADDRESS"),
        0,
        public_key,
        proxy_hash,
        pedersen_array(calldata),
    ]
    return pedersen_array(parts) % ADDRESS_BOUND


def derive_evm_account(ethereum_address: int, class_hash: int) -> int:
    """Return the address of the account contract that belongs to an Ethereum address."""
    parts = [
        short_string("STARKNET_CONTRACT_ADDRESS"),
        0,
        ethereum_address,
        class_hash,
        pedersen_array([3, ethereum_address, 1]),
    ]
    return pedersen_array(parts) % ADDRESS_BOUND


def private_key_from_seed(seed: int, label: str) -> int:
    """Return a private key that depends on nothing but the seed and the label."""
    digest = hashlib.sha512(f"paradex local exchange/{seed}/{label}".encode()).digest()
    return int.from_bytes(digest, "big") % (CURVE_ORDER - 1) + 1
