"""Keys and addresses derived the way Paradex's own web client derives them.

For tools and tests: the L2 key that belongs to an Ethereum key, and the L2 address that belongs to
an L2 public key. A subkey has no derived address; its user names the main account's.

starknet-py (two seconds, 46 MB) and the Ethereum libraries it brings are imported only when a
function here is called.
"""

import hashlib
from typing import Final

from paradex_adapter.venue.credentials import CURVE_ORDER
from paradex_adapter.venue.errors import ConfigurationError
from paradex_adapter.venue.ethereum import ETHEREUM_CURVE_ORDER

# Attempts to find an unbiased key fail with a chance of about 2**-5 each.
GRIND_ATTEMPTS_MAX: Final = 256

_DOMAIN_TYPE: Final = b"EIP712Domain(string name,string version,uint256 chainId)"
_CONSTANT_TYPE: Final = b"Constant(string action)"


def derive_account_address(public_key: int, proxy_class_hash: int, account_class_hash: int) -> int:
    """Return the L2 address of the account that belongs to a Stark public key.

    Parameters
    ----------
    public_key : int
        The main key's public key.
    proxy_class_hash, account_class_hash : int
        `paraclear_account_proxy_hash` and `paraclear_account_hash` of the venue's system config.
    """
    from starknet_py.hash.address import compute_address
    from starknet_py.hash.selector import get_selector_from_name

    return compute_address(
        class_hash=proxy_class_hash,
        constructor_calldata=[
            account_class_hash,
            get_selector_from_name("initialize"),
            2,
            public_key,
            0,
        ],
        salt=public_key,
    )


def derive_key_from_ethereum(ethereum_private_key: int, l1_chain_id: int) -> int:
    """Return the L2 private key that belongs to an Ethereum private key.

    The Ethereum key signs a constant text (EIP-712); the signature's `r`, hashed until it falls
    into an unbiased range, is the L2 key.

    Parameters
    ----------
    ethereum_private_key : int
        The L1 private key.
    l1_chain_id : int
        `l1_chain_id` of the venue's system config.

    Raises
    ------
    ConfigurationError
        If `ethereum_private_key` is not one.
    """
    if not 1 <= ethereum_private_key < ETHEREUM_CURVE_ORDER:
        raise ConfigurationError("ethereum_private_key", "it is not an Ethereum private key")
    from eth_keys.datatypes import PrivateKey

    key = PrivateKey(ethereum_private_key.to_bytes(32, "big"))
    return _grind(key.sign_msg_hash(_key_request_hash(l1_chain_id)).r)


def _key_request_hash(l1_chain_id: int) -> bytes:
    from eth_hash.auto import keccak

    domain = keccak(
        keccak(_DOMAIN_TYPE) + keccak(b"Paradex") + keccak(b"1") + l1_chain_id.to_bytes(32, "big")
    )
    message = keccak(keccak(_CONSTANT_TYPE) + keccak(b"STARK Key"))
    return keccak(b"\x19\x01" + domain + message)


def _grind(seed: int) -> int:
    bound = 2**256 - 2**256 % CURVE_ORDER
    # Leading zero bytes are dropped, as the venue's client drops them.
    seed_bytes = seed.to_bytes((seed.bit_length() + 7) // 8, "big")
    for index in range(GRIND_ATTEMPTS_MAX):
        key = int.from_bytes(hashlib.sha256(seed_bytes + bytes((index,))).digest(), "big")
        if key < bound:
            return key % CURVE_ORDER
    raise AssertionError("no key in range after every attempt")
