"""The guards of `tests/conftest.py`: a suite that tests the wrong build or the network says so."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from paradex_adapter_core.build import is_compiled

REPOSITORY = Path(__file__).resolve().parents[2]


def collect_with(expected: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", __file__],
        env={**os.environ, "PARADEX_EXPECT": expected},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        ("pure" if is_compiled() else "compiled", "the other build"),
        ("release", "it names a build"),
    ],
)
def test_session_stops_when_the_build_is_not_the_expected_one(expected: str, words: str) -> None:
    outcome = collect_with(expected)
    assert outcome.returncode == 4, outcome.stdout
    assert words in outcome.stdout + outcome.stderr


def test_session_runs_when_the_build_is_the_expected_one() -> None:
    outcome = collect_with("compiled" if is_compiled() else "pure")
    assert outcome.returncode == 0, outcome.stdout


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("1::1", 80)])
def test_connecting_to_another_machine_is_refused(address: tuple[str, int]) -> None:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as client, pytest.raises(AssertionError, match="stay on this"):
        client.connect(address)


def test_connecting_to_this_machine_is_allowed() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        assert client.getpeername() == server.getsockname()
