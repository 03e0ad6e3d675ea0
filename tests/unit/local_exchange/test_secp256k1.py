"""Recovered Ethereum signers, against eth-keys."""

import pytest
from eth_keys.datatypes import PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from paradex_adapter.local_exchange.secp256k1 import (
    GENERATOR,
    ORDER,
    PRIME,
    address_of,
    parse_key,
    recover,
    signer_of_text,
)
from tests.contract.exchange_caller import personal_sign

keys = st.integers(1, ORDER - 1).map(lambda number: PrivateKey(number.to_bytes(32, "big")))


@settings(max_examples=30)
@given(key=keys, message_hash=st.binary(min_size=32, max_size=32))
def test_the_key_recovered_is_the_one_that_signed(key: PrivateKey, message_hash: bytes) -> None:
    signature = key.sign_msg_hash(message_hash)
    found = recover(int.from_bytes(message_hash, "big"), signature.r, signature.s, signature.v)
    assert b"".join(part.to_bytes(32, "big") for part in found) == key.public_key.to_bytes()
    assert address_of(found) == key.public_key.to_address()


@settings(max_examples=20)
@given(key=keys, text=st.text(max_size=300))
def test_the_signer_of_a_text_is_the_wallet_that_signed_it(key: PrivateKey, text: str) -> None:
    raw = bytes.fromhex(personal_sign(text, key.to_hex())[2:])
    assert signer_of_text(text, raw) == key.public_key.to_address()
    # Wallets write the last byte either way.
    assert signer_of_text(text, raw[:64] + bytes((raw[64] - 27,))) == key.public_key.to_address()
    assert signer_of_text(f"{text}.", raw) != key.public_key.to_address()


@pytest.mark.parametrize(
    ("r", "s", "parity"), [(0, 1, 0), (1, 0, 0), (ORDER, 1, 0), (1, ORDER, 0), (1, 1, 2), (5, 1, 0)]
)
def test_what_is_no_signature_is_refused(r: int, s: int, parity: int) -> None:
    # No point of the curve has 5 for its x.
    assert pow((5**3 + 7) % PRIME, (PRIME - 1) // 2, PRIME) != 1
    with pytest.raises(ValueError, match="signature is"):
        recover(1, r, s, parity)


@pytest.mark.parametrize("length", [0, 64, 66])
def test_a_signature_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="65 bytes"):
        signer_of_text("text", bytes(length))


def test_public_key_is_read_as_text() -> None:
    x, y = GENERATOR
    assert parse_key(f"0x04{x:064x}{y:064x}") == GENERATOR
    assert parse_key(f"0x04{x:064X}{PRIME - y:064X}") == (x, PRIME - y)


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"0x04{GENERATOR[0]:064x}",
        f"0x03{GENERATOR[0]:064x}{GENERATOR[1]:064x}",
        f"0x04{GENERATOR[0]:064x}{GENERATOR[1] + 1:064x}",
        f"0x04{GENERATOR[0]:064x}{GENERATOR[1]:064x}\n",
        f"0x04{PRIME:064x}{0:064x}",
    ],
)
def test_what_is_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="public key"):
        parse_key(text)
