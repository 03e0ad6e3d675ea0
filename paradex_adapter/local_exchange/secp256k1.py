"""Who signed: the Ethereum address that a signature of a text gives away (EIP-191).

Public-key recovery on the curve of Ethereum, in plain integers and without regard to timing: it
handles nothing secret.
"""

import re
from typing import Final

from paradex_adapter.local_exchange.keccak import keccak_256

PRIME: Final = 2**256 - 2**32 - 977
ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
GENERATOR: Final = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)
SIGNATURE_BYTES: Final = 65
#: The last byte of a signature is 0 or 1, or with this added.
_PARITY_OFFSET: Final = 27

_KEY: Final = re.compile(r"0x04[0-9a-fA-F]{128}", re.ASCII)

#: None is the point at infinity.
Point = tuple[int, int] | None


def _add(left: Point, right: Point) -> Point:
    if left is None:
        return right
    if right is None:
        return left
    if left[0] == right[0]:
        if (left[1] + right[1]) % PRIME == 0:
            return None
        slope = 3 * left[0] * left[0] * pow(2 * left[1], -1, PRIME)
    else:
        slope = (right[1] - left[1]) * pow(right[0] - left[0], -1, PRIME)
    x = (slope * slope - left[0] - right[0]) % PRIME
    return x, (slope * (left[0] - x) - left[1]) % PRIME


def _multiply(point: Point, factor: int) -> Point:
    result: Point = None
    while factor:
        if factor & 1:
            result = _add(result, point)
        point = _add(point, point)
        factor >>= 1
    return result


def recover(message_hash: int, r: int, s: int, parity: int) -> tuple[int, int]:
    """Return the public key that signed a hash.

    Raises
    ------
    ValueError
        If no key did.
    """
    if not (0 < r < ORDER and 0 < s < ORDER and parity in (0, 1)):
        raise ValueError("signature is out of range")
    square = (pow(r, 3, PRIME) + 7) % PRIME
    y = pow(square, (PRIME + 1) // 4, PRIME)
    if y * y % PRIME != square:
        raise ValueError("signature is not on the curve")
    point = (r, y if y % 2 == parity else PRIME - y)
    inverse = pow(r, -1, ORDER)
    key = _add(
        _multiply(point, s * inverse % ORDER),
        _multiply(GENERATOR, -message_hash * inverse % ORDER),
    )
    if key is None:
        raise ValueError("signature is of no key")
    return key


def parse_key(text: str) -> tuple[int, int]:
    """Read an uncompressed public key: ``0x04`` and 128 hexadecimal digits.

    Raises
    ------
    ValueError
        If it is none.
    """
    if _KEY.fullmatch(text) is None:
        raise ValueError("public key is malformed")
    x, y = int(text[4:68], 16), int(text[68:], 16)
    if not (x < PRIME and y < PRIME) or (y * y - x * x * x - 7) % PRIME:
        raise ValueError("public key is not on the curve")
    return x, y


def address_of(key: tuple[int, int]) -> str:
    """Return the Ethereum address of a public key, ``0x`` and 40 lower-case digits."""
    raw = key[0].to_bytes(32, "big") + key[1].to_bytes(32, "big")
    return "0x" + keccak_256(raw)[12:].hex()


def signer_of_text(text: str, signature: bytes) -> str:
    """Return the address whose key signed a text the way wallets do (``personal_sign``).

    Raises
    ------
    ValueError
        If the signature is none.
    """
    if len(signature) != SIGNATURE_BYTES:
        raise ValueError(f"signature must have {SIGNATURE_BYTES} bytes")
    raw = text.encode()
    prefixed = f"\x19Ethereum Signed Message:\n{len(raw)}".encode() + raw
    parity = signature[64] - (_PARITY_OFFSET if signature[64] >= _PARITY_OFFSET else 0)
    return address_of(
        recover(
            int.from_bytes(keccak_256(prefixed), "big"),
            int.from_bytes(signature[:32], "big"),
            int.from_bytes(signature[32:64], "big"),
            parity,
        )
    )
