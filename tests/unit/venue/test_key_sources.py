"""Keys from files, callables, Ethereum keys and tokens: checked, and never shown."""

import logging
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from eth_keys.datatypes import PrivateKey
from starknet_py.hash.utils import private_to_stark_key, verify_message_signature

from paradex_adapter.local_exchange.secp256k1 import signer_of_text
from paradex_adapter.venue.credentials import Credentials, resolve_credentials
from paradex_adapter.venue.errors import ConfigurationError, InvalidRequest, ParadexError
from paradex_adapter.venue.ethereum import EthereumKey
from paradex_adapter.venue.key_sources import KEY_FILE_BYTES_MAX, read_key_file

ADDRESS = "0x129c135ed63df9353885e292be4426b8ed6122b13c6c0e1bb787288a1f5adfa"
KEY = "0x543b6cf6c91817a87174aaea4fb370ac1c694e864d7740d728f8344d53e815"
ETHEREUM_KEY = "0xf8e4d1d772cdd44e5e77615ad11cc071c94e4c06dc21150d903f28e6aa6abdff"
TOKEN = "eyJhbGciOiJFUzM4NCJ9.c2VjcmV0.c2lnbmF0dXJl"


def key_file(folder: Path, text: str = KEY + "\n", mode: int = 0o600) -> str:
    path = folder / "key"
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def resolve(**options: Any) -> Credentials:
    return resolve_credentials("testnet", ADDRESS, **{"environ": {}, **options})


def test_a_file_holds_the_key(tmp_path: Path) -> None:
    path = key_file(tmp_path)
    by_variable = {"PARADEX_TESTNET_PRIVATE_KEY_FILE": path}
    for credentials in (resolve(private_key_file=path), resolve(environ=by_variable)):
        assert credentials.public_key == private_to_stark_key(int(KEY, 16))
        assert credentials.denial_reason == ""


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o777])
def test_a_file_others_can_get_at_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(ConfigurationError, match="chmod 600") as caught:
        resolve(private_key_file=key_file(tmp_path, mode=mode))
    assert KEY[2:] not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no key"),
        (KEY[2:], "0x"),
        (f"{KEY}\n{KEY}", "holds no key"),
        ("x" * (KEY_FILE_BYTES_MAX + 1), "too long"),
    ],
)
def test_a_file_without_a_key_is_refused_without_its_content(
    tmp_path: Path, text: str, words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        resolve(private_key_file=key_file(tmp_path, text))
    assert caught.value.setting == "private_key_file"
    assert KEY[2:] not in str(caught.value)


@pytest.mark.parametrize("path", ["/nowhere/key", "/", "a\0b", "~nobody-of-this-name/key"])
def test_a_file_that_cannot_be_read_is_one_sentence(path: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_key_file("private_key_file", path)


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("vault")
    key = Credentials(1, int(KEY, 16))
    module.sign = key.sign  # type: ignore[attr-defined]
    module.number = 5  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "vault", module)
    return module


def test_a_callable_signs_in_place_of_a_key(vault: ModuleType) -> None:
    public_key = private_to_stark_key(int(KEY, 16))
    credentials = resolve(signer="vault:sign", public_key=hex(public_key))
    assert credentials.public_key == public_key
    assert verify_message_signature(1234, list(credentials.sign(1234)), public_key)


@pytest.mark.parametrize("signature", [None, (1,), (0, 1), ("1", "2"), (True, 1), [1, 2], (1, -1)])
def test_what_is_no_signature_is_refused(vault: ModuleType, signature: object) -> None:
    vault.sign = lambda message_hash: signature  # type: ignore[attr-defined]
    credentials = resolve(signer="vault:sign", public_key="0x5")
    with pytest.raises(InvalidRequest, match="no two numbers"):
        credentials.sign(1)


def test_what_a_signer_raises_is_told_without_its_text(vault: ModuleType) -> None:
    def fail(message_hash: int) -> tuple[int, int]:
        raise RuntimeError(f"the pin {KEY} is wrong")

    vault.sign = fail  # type: ignore[attr-defined]
    with pytest.raises(InvalidRequest, match="RuntimeError") as caught:
        resolve(signer="vault:sign", public_key="0x5").sign(1)
    assert KEY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("vault", "package.module:function"),
        ("vault:", "package.module:function"),
        ("vault:number", "package.module:function"),
        ("vault:absent", "package.module:function"),
        ("../vault:sign", "package.module:function"),
        ("no_such_vault:sign", "cannot be imported"),
    ],
)
def test_a_signer_that_is_none_is_one_sentence(vault: ModuleType, path: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        resolve(signer=path, public_key="0x5")


def test_a_module_that_fails_is_told_without_its_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "failing_vault.py").write_text(f"raise RuntimeError('the pin {KEY} is wrong')")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigurationError, match="RuntimeError") as caught:
        resolve(signer="failing_vault:sign", public_key="0x5")
    assert KEY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("public_key", [None, "0x0", "0x" + "f" * 64])
def test_a_signer_needs_its_public_key(vault: ModuleType, public_key: str | None) -> None:
    with pytest.raises(ConfigurationError, match="public_key"):
        resolve(signer="vault:sign", public_key=public_key)


def test_an_ethereum_key_derives_the_trading_key() -> None:
    credentials = resolve(ethereum_private_key=ETHEREUM_KEY)
    assert credentials.public_key == private_to_stark_key(int(KEY, 16))
    assert credentials.denial_reason == ""
    address = PrivateKey(bytes.fromhex(ETHEREUM_KEY[2:])).public_key.to_checksum_address()
    assert credentials.ethereum_key is not None
    assert credentials.ethereum_key.address == address


def test_an_ethereum_account_signs_in_and_signs_no_order() -> None:
    credentials = resolve(ethereum_private_key=ETHEREUM_KEY, account_signer_type="eip191")
    assert "subkey" in credentials.denial_reason
    with pytest.raises(InvalidRequest, match="subkey"):
        credentials.sign(1)


def test_an_ethereum_key_signs_text_as_wallets_do() -> None:
    key = EthereumKey(int(ETHEREUM_KEY, 16))
    text = key.siwe_message("Paradex Auth", 1, 1_800_000_000)
    assert text.startswith("app.paradex.trade wants you to sign in with your Ethereum account:\n")
    assert "Issued At: 2027-01-15T08:00:00Z\nExpiration Time: 2027-01-15T08:05:00Z" in text
    assert signer_of_text(text, bytes.fromhex(key.sign_text(text)[2:])) == key.address.lower()
    assert text != key.siwe_message("Paradex Auth", 1, 1_800_000_000), "a nonce came twice"


def test_a_token_reads_and_signs_nothing() -> None:
    credentials = resolve(environ={"PARADEX_TESTNET_ACCESS_TOKEN": TOKEN})
    assert credentials.find_access_token() == TOKEN
    assert "only reads" in credentials.denial_reason
    with pytest.raises(InvalidRequest, match="only reads"):
        credentials.sign(1)


@pytest.mark.parametrize("token", ["Bearer x.y.z", "\u0661.y.z", "a\nb", "x" * 9000])
def test_what_is_no_token_is_refused_without_its_text(token: str) -> None:
    with pytest.raises(ConfigurationError, match="not a token") as caught:
        resolve(access_token=token)
    assert token not in str(caught.value)


def test_two_sources_are_refused_and_options_come_before_variables() -> None:
    with pytest.raises(ConfigurationError, match="one key is enough"):
        resolve(private_key=KEY, access_token=TOKEN)
    environ = {"PARADEX_TESTNET_PRIVATE_KEY": KEY, "PARADEX_TESTNET_ACCESS_TOKEN": TOKEN}
    with pytest.raises(ConfigurationError, match="one key is enough") as caught:
        resolve(environ=environ)
    assert caught.value.setting == " and ".join(environ)
    assert resolve(access_token=TOKEN, environ=environ).denial_reason


def test_no_secret_is_in_any_view_error_or_log(
    tmp_path: Path, vault: ModuleType, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    numbers = [str(int(secret, 16)) for secret in (KEY, ETHEREUM_KEY)]
    secrets = [KEY[2:], ETHEREUM_KEY[2:], TOKEN, *numbers]
    said = []
    for options in (
        {"private_key": KEY},
        {"private_key_file": key_file(tmp_path)},
        {"ethereum_private_key": ETHEREUM_KEY},
        {"ethereum_private_key": ETHEREUM_KEY, "account_signer_type": "eip191"},
        {"access_token": TOKEN},
    ):
        credentials = resolve(**options)
        said += [repr(credentials), repr(credentials.ethereum_key), repr(vars(vault))]
        with pytest.raises(TypeError):
            credentials.__reduce_ex__(2)
    for wrong in (
        {"private_key": KEY + "g"},
        {"private_key": KEY, "ethereum_private_key": ETHEREUM_KEY},
        {"ethereum_private_key": ETHEREUM_KEY + "f"},
        {"access_token": f"Bearer {TOKEN}"},
    ):
        with pytest.raises(ParadexError) as caught:
            resolve(**wrong)
        said += [str(caught.value), repr(caught.value)]
    said.append(caplog.text)
    assert len(said) > 20
    assert [secret for secret in secrets if any(secret in text for text in said)] == []
