"""`paradex-keys` against the local exchange: what it prints, writes, checks, and never shows."""

import io
import json
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from eth_keys.datatypes import PrivateKey

from paradex_adapter import cli
from paradex_adapter.local_exchange import stark
from paradex_adapter.local_exchange.threaded import ThreadedExchange

ETHEREUM_KEY = "0xf8e4d1d772cdd44e5e77615ad11cc071c94e4c06dc21150d903f28e6aa6abdff"
WALLET_ADDRESS = PrivateKey(bytes.fromhex(ETHEREUM_KEY[2:])).public_key.to_checksum_address()
DERIVED_KEY = "0x543b6cf6c91817a87174aaea4fb370ac1c694e864d7740d728f8344d53e815"
DERIVED_ADDRESS = "0x129c135ed63df9353885e292be4426b8ed6122b13c6c0e1bb787288a1f5adfa"


@pytest.fixture(scope="module")
def exchange() -> Iterator[Any]:
    with ThreadedExchange(seed=4, simulation_interval_ms=0) as exchange:
        yield exchange


@pytest.fixture(autouse=True)
def no_keys_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ACCOUNT_ADDRESS", "PRIVATE_KEY", "ETHEREUM_PRIVATE_KEY", "ACCESS_TOKEN"):
        monkeypatch.delenv(f"PARADEX_TESTNET_{name}", raising=False)


def secret_file(folder: Path, text: str) -> str:
    path = folder / "secret"
    path.touch(mode=0o600)
    path.write_text(text + "\n")
    return str(path)


def run(exchange: Any, capsys: Any, command: str, *arguments: str) -> Any:
    """Run a command that succeeds; return what it printed."""
    where = ["--environment", "testnet", "--base-url-http", exchange.base_url_http]
    code = cli.keys([command, *where, *arguments])
    out, err = capsys.readouterr()
    assert (code, err) == (0, "")
    for secret in (ETHEREUM_KEY[2:], exchange.private_key[2:]):
        assert secret not in out
    return json.loads(out)


def test_derive_from_a_file_a_variable_and_standard_input(
    exchange: Any, capsys: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = secret_file(tmp_path, ETHEREUM_KEY)
    by_file = run(exchange, capsys, "derive", "--ethereum-key-file", path)
    assert by_file["account_address"] == DERIVED_ADDRESS
    assert by_file["ethereum_address"] == WALLET_ADDRESS
    assert "private_key" not in by_file
    monkeypatch.setattr("sys.stdin", io.StringIO(ETHEREUM_KEY))
    assert run(exchange, capsys, "derive", "--ethereum-key-file", "-") == by_file
    monkeypatch.setenv("PARADEX_TESTNET_ETHEREUM_PRIVATE_KEY", ETHEREUM_KEY)
    assert run(exchange, capsys, "derive") == by_file
    shown = run(exchange, capsys, "derive", "--show-private-key")
    assert shown["private_key"] == DERIVED_KEY


def test_a_new_subkey_registers_and_checks(exchange: Any, capsys: Any, tmp_path: Path) -> None:
    account = exchange.account_address
    mine = ["--account-address", account]
    main = secret_file(tmp_path, exchange.private_key)
    out = tmp_path / "subkey"
    given = ["--private-key-file", main, "--out", str(out), "--name", "bot"]
    request = run(exchange, capsys, "new-subkey", *mine, *given)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert request["name"] == "bot"
    assert out.read_text().strip()[2:] not in json.dumps(request)
    checked = ["--private-key-file", str(out)]
    where = ["--environment", "testnet", "--base-url-http", exchange.base_url_http]
    assert cli.keys(["check", *where, *mine, *checked]) == 1
    assert "INVALID_SUBKEY" in capsys.readouterr().err
    register(exchange, request)
    told = run(exchange, capsys, "check", *mine, *checked)
    assert (told["credential"], told["can_trade"]) == ("subkey", True)


def register(exchange: Any, request: dict[str, Any]) -> None:
    """Send a registration with the token of the main key, got by the test's own means."""
    account, key = int(exchange.account_address, 16), int(exchange.private_key, 16)
    now_secs = int(time.time())
    r, s = stark.sign(stark.auth_hash(exchange.chain_id, account, now_secs, now_secs + 600), key)
    headers = {
        "PARADEX-STARKNET-ACCOUNT": exchange.account_address,
        "PARADEX-STARKNET-SIGNATURE": f'["{r}","{s}"]',
        "PARADEX-TIMESTAMP": str(now_secs),
        "PARADEX-SIGNATURE-EXPIRATION": str(now_secs + 600),
    }
    url = exchange.base_url_http
    token = httpx.post(f"{url}/auth", headers=headers).json()["jwt_token"]
    answer = httpx.post(
        f"{url}/account/keys/subkeys", json=request, headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 201, answer.text


def test_check_tells_what_a_credential_is(
    exchange: Any, capsys: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = exchange.account_address
    main = secret_file(tmp_path, exchange.private_key)
    told = run(exchange, capsys, "check", "--account-address", account, "--private-key-file", main)
    assert (told["credential"], told["account_kind"]) == ("main key", "main")
    assert abs(told["clock_offset_ms"]) < 5_000
    monkeypatch.setenv("PARADEX_TESTNET_ACCESS_TOKEN", exchange.add_read_only_token())
    told = run(exchange, capsys, "check", "--account-address", account)
    assert (told["credential"], told["can_trade"]) == ("access token", False)
    assert exchange.orders() == []


def test_an_empty_key_is_not_replaced_by_one_of_the_environment(
    exchange: Any, capsys: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARADEX_TESTNET_PRIVATE_KEY", exchange.private_key)
    empty = secret_file(tmp_path, "")
    where = ["--environment", "testnet", "--base-url-http", exchange.base_url_http]
    mine = ["--account-address", exchange.account_address]
    for option in ("--private-key-file", "--ethereum-key-file"):
        for source, words in ((empty, "holds no key"), ("-", "nothing came")):
            monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
            assert cli.keys(["check", *where, *mine, option, source]) == 1
            said = capsys.readouterr().err
            assert said.startswith(f"paradex-keys: {option}: ")
            assert words in said


def test_an_ethereum_account_signs_in_and_authorizes_a_subkey(
    exchange: Any, capsys: Any, tmp_path: Path
) -> None:
    address = exchange.add_ethereum_account(WALLET_ADDRESS)
    wallet = ["--ethereum-key-file", secret_file(tmp_path, ETHEREUM_KEY)]
    mine = [*wallet, "--account-signer-type", "eip191", "--account-address", address]
    told = run(exchange, capsys, "check", *mine)
    assert (told["credential"], told["can_trade"]) == ("Ethereum account", False)
    out = str(tmp_path / "subkey")
    request = run(exchange, capsys, "new-subkey", *mine, "--out", out)
    assert f"Paradex Subkey Registration: {request['public_key']}" in request["siwe_message"]


def test_onboarding_is_done_when_asked_for(exchange: Any, capsys: Any, tmp_path: Path) -> None:
    wallet = ["--ethereum-key-file", secret_file(tmp_path, ETHEREUM_KEY)]
    mine = [*wallet, "--account-address", DERIVED_ADDRESS]
    where = ["--environment", "testnet", "--base-url-http", exchange.base_url_http]
    assert cli.keys(["check", *where, *mine]) == 1
    assert "NOT_ONBOARDED" in capsys.readouterr().err
    told = run(exchange, capsys, "check", "--onboard", *mine)
    assert told["credential"] == "main key, derived from an Ethereum key"
    assert run(exchange, capsys, "derive", *wallet)["is_onboarded"] is True


def test_an_ethereum_account_is_onboarded_when_asked_for(
    exchange: Any, capsys: Any, tmp_path: Path
) -> None:
    key = "0x" + "7" * 64
    owner = PrivateKey(bytes.fromhex(key[2:])).public_key.to_checksum_address()
    query = {"account_signer_type": "eip191", "eth_address": owner}
    address = httpx.get(f"{exchange.base_url_http}/onboarding", params=query).json()["address"]
    mine = ["--ethereum-key-file", secret_file(tmp_path, key), "--account-address", address]
    told = run(exchange, capsys, "check", "--onboard", "--account-signer-type", "eip191", *mine)
    assert told["credential"] == "Ethereum account"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["derive"], "with --ethereum-key-file or in the variable PARADEX_TESTNET_ETHEREUM_PRIV"),
        (["check"], "--account-address: it is missing"),
        (["check", "--account-address", "0x5", "--private-key-file", "/no"], "cannot be read"),
        (["new-subkey", "--out", "/", "--account-address", "0x5"], "--private-key-file"),
    ],
)
def test_what_is_missing_is_one_sentence_before_the_venue_is_asked(
    capsys: Any, arguments: list[str], words: str
) -> None:
    command, *rest = arguments
    # Nobody listens there.
    where = ["--environment", "testnet", "--base-url-http", "http://127.0.0.1:9/v1"]
    assert cli.keys([command, *where, *rest]) == 1
    said = capsys.readouterr().err
    assert words in said
    assert said.startswith("paradex-keys: ")
    assert said.count("\n") == 1


def test_an_older_file_is_not_written_over(exchange: Any, capsys: Any, tmp_path: Path) -> None:
    main = secret_file(tmp_path, exchange.private_key)
    where = ["--environment", "testnet", "--base-url-http", exchange.base_url_http]
    mine = ["--account-address", exchange.account_address, "--private-key-file", main]
    assert cli.keys(["new-subkey", *where, *mine, "--out", main]) == 1
    assert "file exists" in capsys.readouterr().err
    assert Path(main).read_text().strip() == exchange.private_key


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["fly"],
        ["derive", "--private-key", "0x5"],
        # What derives is the other kind of account.
        ["derive", "--account-signer-type", "eip191"],
        ["new-subkey", "--out", "key", "--name", ""],
        ["new-subkey", "--out", "key", "--name", "n" * 65],
    ],
)
def test_wrong_arguments_are_one_line(capsys: Any, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.keys(arguments)
    assert caught.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("command", [[], ["derive"], ["new-subkey"], ["check"]])
def test_help(capsys: Any, command: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.keys([*command, "--help"])
    assert caught.value.code == 0
    assert "usage: paradex-keys" in capsys.readouterr().out
