"""The trading key: read from the right place, checked, and never shown."""

import copy
import pickle

import pytest
from starknet_py.hash.utils import private_to_stark_key, verify_message_signature

from paradex_adapter.venue.credentials import (
    ADDRESS_BOUND,
    CURVE_ORDER,
    Credentials,
    resolve_credentials,
)
from paradex_adapter.venue.errors import ConfigurationError

ADDRESS = "0x129c135ed63df9353885e292be4426b8ed6122b13c6c0e1bb787288a1f5adfa"
KEY = "0x543b6cf6c91817a87174aaea4fb370ac1c694e864d7740d728f8344d53e815"
OTHER_KEY = "0x1a2b3c4d5e6f"


def test_arguments_win_over_variables() -> None:
    environ = {"PARADEX_ACCOUNT_ADDRESS": "0x1", "PARADEX_PRIVATE_KEY": "0x2"}
    credentials = resolve_credentials("MAINNET", ADDRESS, KEY, environ)
    assert credentials.account_address == ADDRESS
    assert credentials.public_key == private_to_stark_key(int(KEY, 16))


@pytest.mark.parametrize(
    ("environment", "prefix"), [("mainnet", "PARADEX"), ("TESTNET", "PARADEX_TESTNET")]
)
def test_absent_arguments_come_from_the_variables_of_the_environment(
    environment: str, prefix: str
) -> None:
    environ = {
        "PARADEX_ACCOUNT_ADDRESS": "0x77",
        "PARADEX_PRIVATE_KEY": "0x78",
        "PARADEX_TESTNET_ACCOUNT_ADDRESS": "0x77",
        "PARADEX_TESTNET_PRIVATE_KEY": "0x78",
        f"{prefix}_ACCOUNT_ADDRESS": f" {ADDRESS}\n",
        f"{prefix}_PRIVATE_KEY": KEY,
    }
    credentials = resolve_credentials(environment, environ=environ)
    assert credentials.account == int(ADDRESS, 16)
    assert credentials.public_key_hex == hex(private_to_stark_key(int(KEY, 16)))


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARADEX_ACCOUNT_ADDRESS", ADDRESS)
    monkeypatch.setenv("PARADEX_PRIVATE_KEY", KEY)
    assert resolve_credentials("mainnet").account_address == ADDRESS


def test_a_subkey_keeps_the_address_of_the_main_account() -> None:
    credentials = resolve_credentials("testnet", ADDRESS, OTHER_KEY, {})
    assert credentials.account_address == ADDRESS
    assert credentials.public_key == private_to_stark_key(int(OTHER_KEY, 16))


@pytest.mark.parametrize(
    ("address", "key", "setting", "words"),
    [
        (None, KEY, "account_address", "PARADEX_TESTNET_ACCOUNT_ADDRESS"),
        (ADDRESS, None, "private_key", "PARADEX_TESTNET_PRIVATE_KEY"),
        (ADDRESS, "  ", "private_key", "missing"),
        (ADDRESS, KEY[2:], "private_key", "0x"),
        (ADDRESS, "0x", "private_key", "0x"),
        (ADDRESS, "0x" + "5g" * 20, "private_key", "hexadecimal"),
        (ADDRESS, "0x" + "1" * 65, "private_key", "hexadecimal"),
        (ADDRESS, "0x" + "\u0661" * 20, "private_key", "hexadecimal"),
        (ADDRESS, "0x0", "private_key", "Stark private key"),
        (ADDRESS, hex(CURVE_ORDER), "private_key", "Stark private key"),
        (ADDRESS, "0x" + "f" * 64, "private_key", "Ethereum"),
        (ADDRESS, ADDRESS, "private_key", "same as the account address"),
        ("0x" + "ab" * 20, KEY, "account_address", "Ethereum address"),
        ("0x0", KEY, "account_address", "Starknet address"),
        (hex(ADDRESS_BOUND), KEY, "account_address", "Starknet address"),
    ],
)
def test_what_is_missing_or_malformed_is_named_with_its_remedy_and_without_its_value(
    address: str | None, key: str | None, setting: str, words: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        resolve_credentials("testnet", address, key, {})
    assert caught.value.setting == setting
    text = f"{caught.value} {caught.value!r}"
    assert words in text
    if key is not None and len(key) > 4:
        assert key[2:] not in text


def test_an_unknown_environment_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="MAINNET or TESTNET"):
        resolve_credentials("prod", ADDRESS, KEY, {})


def test_the_largest_key_signs() -> None:
    credentials = Credentials(int(ADDRESS, 16), CURVE_ORDER - 1)
    assert verify_message_signature(1234, list(credentials.sign(1234)), credentials.public_key)


def test_no_view_of_the_object_shows_the_key() -> None:
    credentials = resolve_credentials("testnet", ADDRESS, KEY, {})
    number = int(KEY, 16)
    for text in (repr(credentials), str(credentials), f"{credentials}", f"{[credentials]}"):
        assert KEY[2:] not in text
        assert str(number) not in text
    public = [getattr(credentials, name) for name in dir(credentials) if not name.startswith("_")]
    assert number not in public
    assert not hasattr(credentials, "__dict__")


@pytest.mark.parametrize("attempt", [pickle.dumps, copy.copy, copy.deepcopy])
def test_the_key_is_neither_pickled_nor_copied(attempt: object) -> None:
    assert callable(attempt)
    with pytest.raises(TypeError, match="neither pickled nor copied"):
        attempt(resolve_credentials("testnet", ADDRESS, KEY, {}))
