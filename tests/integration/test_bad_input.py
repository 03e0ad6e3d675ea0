"""A user's mistake, or a venue that does not serve: one sentence that says what to do.

Never a traceback, never a secret. What is wrong in a configuration is a `ConfigurationError` where
the configuration or the node is made; what only the venue can tell, the node logs and does not
trade; a console command prints it and exits with 1.
"""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from paradex_adapter import ParadexDataClientConfig, ParadexEnvironment, ParadexExecClientConfig
from paradex_adapter.local_exchange import LocalExchange
from paradex_adapter.recording import RecordingError, read_frames
from paradex_adapter.venue.errors import ConfigurationError
from tests.child_processes import child_environment
from tests.integration import bad_input_scenarios
from tests.integration.bad_input_scenarios import ADDRESS, KEY
from tests.integration.forked_runs import LAST_LINE, Run, run_scenarios
from tests.integration.live_node import build_node

PROCESS_SECS_MAX = 60.0
SENTENCE_CHARS_MAX = 420
VARIABLES = (
    "PARADEX_ACCOUNT_ADDRESS",
    "PARADEX_PRIVATE_KEY",
    "PARADEX_TESTNET_ACCOUNT_ADDRESS",
    "PARADEX_TESTNET_PRIVATE_KEY",
)
# What each scenario must say, in one line; the node reports it and does not trade.
SAYS = {
    "mainnet_settings_at_a_testnet": "environment: it is MAINNET, but .* set the environment",
    "testnet_settings_at_the_mainnet": "environment: it is TESTNET, but .* set the environment",
    "a_key_of_another_account": "check account address, private key and environment",
    "an_account_the_venue_does_not_know": "check account address, private key and environment",
    "a_clock_behind": r"behind the venue's .*: synchronize it \(NTP\) and start again",
    "a_clock_ahead": r"ahead of the venue's .*: synchronize it \(NTP\) and start again",
    "trading_where_nobody_listens": "unavailable .*check the network",
    "watching_where_nobody_listens": "unavailable .*check the network",
    "trading_under_maintenance": "503 SERVICE_UNAVAILABLE maintenance.*check the network",
    "watching_under_maintenance": "503 SERVICE_UNAVAILABLE maintenance.*check the network",
    "trading_at_a_web_site": "html.*check the network, base_url_http",
    "watching_at_a_web_site": "html.*check the network, base_url_http",
    "trading_where_nobody_answers": "no .* in 1 s.*check the network",
    "watching_where_nobody_answers": "no .* in 1 s.*check the network",
    "websockets_are_refused": "refused the websocket handshake with HTTP 403.*check the network",
}
MORE = ["an_instrument_that_is_not_listed", "everything_is_logged"]


@pytest.fixture(scope="module")
def runs() -> dict[str, Run]:
    return run_scenarios(bad_input_scenarios.__name__, [*SAYS, *MORE])


def errors_of(run: Run) -> list[str]:
    """Return the lines a node logged as errors."""
    lines = [line for line in run.output.splitlines() if "[ERROR]" in line]
    return [line for line in lines if LAST_LINE not in line]


def assert_no_secret(text: str, private_key: str = KEY) -> None:
    """Search a text for a key, as it is written and as it is computed with, and for tokens."""
    number = int(private_key, 16)
    lowered = text.lower()
    for form in (f"{number:x}", f"{number:064x}", str(number)):
        assert form not in lowered
    assert "eyJ" not in text


def assert_one_sentence(text: str) -> None:
    assert "\n" not in text.strip()
    assert len(text) <= SENTENCE_CHARS_MAX
    assert "Traceback" not in text


# -- nodes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SAYS)
def test_a_node_that_cannot_start_says_why_in_one_line(runs: dict[str, Run], name: str) -> None:
    run = runs[name]
    assert run.code == 0, run.output
    assert run.result["is_running"] is False
    assert not any(run.result["is_connected"])
    said = [line for line in errors_of(run) if re.search(SAYS[name], line)]
    assert len(said) == len(run.result["is_connected"]), run.output
    assert errors_of(run) == said
    for line in said:
        assert_one_sentence(line)
    assert "Traceback" not in run.output
    assert "Error(" not in run.output
    assert_no_secret(run.output)
    assert_no_secret(run.output, LocalExchange(seed=1).private_key)


def test_an_instrument_not_listed_is_said_without_a_traceback(runs: dict[str, Run]) -> None:
    run = runs["an_instrument_that_is_not_listed"]
    assert run.code == 0, run.output
    assert run.result == {"subscribed": 0}
    (said,) = errors_of(run)
    assert "Not subscribed to bbo.DOGE-USD-PERP: " in said
    assert said.endswith("DOGE-USD-PERP.PARADEX is not listed at Paradex")
    assert "Traceback" not in run.output


def test_no_secret_is_logged_at_any_level(runs: dict[str, Run]) -> None:
    run = runs["everything_is_logged"]
    assert run.code == 0, run.output
    assert len(run.result["tokens"]) > 1
    assert run.result["refused"] == 1
    assert "[DEBUG]" in run.output
    assert "<redacted>" in run.output
    for token in run.result["tokens"]:
        assert token not in run.output
        assert token.rpartition(".")[2] not in run.output
    assert_no_secret(run.output, run.result["private_key"])


# -- configurations ---------------------------------------------------------------------------

MISTAKES: dict[str, tuple[Callable[[], Any], str]] = {
    "an environment by its name": (
        lambda: ParadexExecClientConfig(environment="TESTNET"),  # type: ignore[arg-type]
        "environment: it is unknown; use ParadexEnvironment.MAINNET or .TESTNET",
    ),
    "an environment there is not": (
        lambda: ParadexDataClientConfig(environment=3),  # type: ignore[arg-type]
        "environment: it is unknown; use ParadexEnvironment.MAINNET or .TESTNET",
    ),
    "a key that is a number": (
        lambda: ParadexExecClientConfig(private_key=int(KEY, 16)),  # type: ignore[arg-type]
        "private_key: it must be text",
    ),
    "an address without /v1": (
        lambda: ParadexDataClientConfig(base_url_http="https://api.example.com"),
        "base_url_http: it must end with /v1, such as https://host/v1",
    ),
    "a websocket address with a query": (
        lambda: ParadexDataClientConfig(base_url_ws="wss://example.com/v1?sbeSchemaId=1"),
        "base_url_ws: it must not hold a query; end it with /v1",
    ),
    "a receive window of nothing": (
        lambda: ParadexExecClientConfig(recv_window_ms=0),
        "recv_window_ms: it must be a whole number of at least 10",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_wrong_setting_is_named_with_its_remedy(name: str) -> None:
    make, says = MISTAKES[name]
    with pytest.raises(ConfigurationError) as raised:
        make()
    assert str(raised.value) == says
    assert_no_secret(repr(raised.value))


CREDENTIALS: dict[str, tuple[dict[str, str | None], str]] = {
    "no key": (
        {"private_key": None},
        "private_key: it is missing; set it in the config or in the variable PARADEX_PRIVATE_KEY",
    ),
    "no account": (
        {"account_address": None},
        "account_address: it is missing; set it in the config or in the variable "
        "PARADEX_ACCOUNT_ADDRESS",
    ),
    "a key without 0x": ({"private_key": KEY[2:]}, "private_key: it is malformed; write it as 0x"),
    "a key with a letter too many": (
        {"private_key": KEY + "g"},
        "private_key: it is malformed; write it as 0x",
    ),
    "a key in decimal": ({"private_key": str(int(KEY, 16))}, "private_key: it is malformed"),
    "a key beyond the curve": (
        {"private_key": "0x" + "f" * 64},
        "private_key: it is not a Stark private key",
    ),
    "a key that is zero": ({"private_key": "0x0"}, "private_key: it is not a Stark private key"),
    "a key with other digits": (
        {"private_key": KEY[:-1] + "\u0663"},
        "private_key: it is malformed",
    ),
    "an Ethereum address": (
        {"account_address": "0x" + "ab" * 20},
        "account_address: it is an Ethereum address; take the Paradex (L2) account address",
    ),
    "an address that is not one": (
        {"account_address": "paradex"},
        "account_address: it is malformed; write it as 0x",
    ),
    "key and address exchanged": (
        {"account_address": KEY, "private_key": "0x" + "f" * 63},
        "private_key: it is not a Stark private key",
    ),
    "the address as the key": (
        {"account_address": KEY},
        "private_key: it is the same as the account address; take the private key",
    ),
}


@pytest.mark.parametrize("name", CREDENTIALS)
async def test_wrong_credentials_are_named_before_the_node_is_built(
    name: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    options, says = CREDENTIALS[name]
    with pytest.raises(ConfigurationError) as raised:
        build_node(bad_input_scenarios.nowhere(), execution=options)
    assert str(raised.value).startswith(says)
    assert_one_sentence(str(raised.value))
    printed = "".join(capfd.readouterr())
    for text in (str(raised.value), repr(raised.value), printed):
        assert_no_secret(text)
        assert not options.get("private_key") or str(options["private_key"]) not in text


async def test_a_malformed_variable_is_named_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARADEX_TESTNET_ACCOUNT_ADDRESS", ADDRESS)
    monkeypatch.setenv("PARADEX_TESTNET_PRIVATE_KEY", f"'{KEY}'")
    where = SimpleNamespace(**vars(bad_input_scenarios.nowhere()))
    where.account_address = where.private_key = None
    with pytest.raises(ConfigurationError, match="PARADEX_TESTNET_PRIVATE_KEY") as raised:
        build_node(where, execution={"environment": ParadexEnvironment.TESTNET})
    assert_no_secret(str(raised.value))


# -- commands and recordings ------------------------------------------------------------------


def run_python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=PROCESS_SECS_MAX,
        env=child_environment(),
    )


async def test_a_port_in_use_is_one_sentence_and_exit_code_1() -> None:
    code = "import sys; from paradex_adapter.cli import local_exchange; sys.exit(local_exchange())"
    async with LocalExchange(seed=1, simulation_interval_ms=0) as venue:
        done = run_python(code, "--port", str(venue.port))
        key, port = venue.private_key, venue.port
    assert done.returncode == 1
    assert done.stdout == ""
    assert re.fullmatch(
        rf"Cannot listen on port {port}: address already in use; choose another --port\.\n",
        done.stderr,
    )
    assert_no_secret(done.stderr, key)


def test_a_port_that_is_none_is_one_sentence_and_exit_code_2() -> None:
    code = "import sys; from paradex_adapter.cli import local_exchange; sys.exit(local_exchange())"
    done = run_python(code, "--port", "eighty")
    assert (done.returncode, done.stdout) == (2, "")
    assert_one_sentence(done.stderr)
    assert "must be a whole number from 0 to 65535" in done.stderr


RECORDINGS: dict[str, tuple[bytes | None, str]] = {
    "none": (None, r"cannot be opened \(No such file or directory\): name a file that can be read"),
    "a picture": (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "line 1 is not a recorded frame"),
    "another log": (b"2026-11-22 INFO started\n", "line 1 is not a recorded frame"),
    "one object": (b'{"results": []}\n', r"line 1 is not a recorded frame \(no time or direction"),
    "one endless line": (b"[" * (9 * 1024 * 1024), "line 1 is not a recorded frame"),
}


@pytest.mark.parametrize("name", RECORDINGS)
def test_an_unreadable_recording_is_one_sentence(name: str, tmp_path: Path) -> None:
    content, says = RECORDINGS[name]
    path = tmp_path / "frames.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RecordingError, match=says) as raised:
        list(read_frames(path))
    assert str(raised.value).startswith(f"recording {path}: ")
    assert_one_sentence(str(raised.value))
    # The user's mistake is a setting like any other to whoever catches it.
    assert isinstance(raised.value, ConfigurationError)


@pytest.mark.parametrize("content", [b"hello", b'{"results": []}', b'{"ts": 1, "direction": "in"'])
def test_one_broken_line_is_not_taken_for_an_empty_recording(
    content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "frames.jsonl"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match="line 1 is not a recorded frame"):
        list(read_frames(path))


@pytest.mark.parametrize("command", ["demo", "local_exchange"])
def test_a_command_says_that_its_recording_cannot_be_read_and_exits_with_1(
    command: str, tmp_path: Path
) -> None:
    path = tmp_path / "frames.jsonl"
    path.write_bytes(b"\x89PNG\r\n\x1a\n")
    code = f"import sys; from paradex_adapter.cli import {command}; sys.exit({command}())"
    done = run_python(code, "--replay", str(path))
    assert (done.returncode, done.stdout) == (1, "")
    assert f"recording {path}: line 1 is not a recorded frame" in done.stderr
    assert_one_sentence(done.stderr)


def test_a_directory_is_not_a_recording(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="cannot be opened"):
        list(read_frames(tmp_path))
