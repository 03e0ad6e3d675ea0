"""The examples run as they are, in a process of their own, and do what they say."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.child_processes import child_environment

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((REPOSITORY / "examples").glob("*.py"))
TIMEOUT_SECS = 100.0


def run_example(name: str) -> str:
    done = subprocess.run(
        [sys.executable, str(REPOSITORY / "examples" / name)],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECS,
        cwd=REPOSITORY,
        env=child_environment(),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[ERROR]" not in done.stdout
    assert "Traceback" not in done.stderr
    return done.stdout


def test_submit_one_order():
    printed = run_example("submit_one_order.py").splitlines()

    assert [line.split()[0] for line in printed] == [
        "OrderSubmitted",
        "OrderAccepted",
        "bought",
        "OrderFilled",
    ]
    assert re.fullmatch(r"bought 0\.01000 at \d+\.\d USDC, fee 0\.\d{8} USDC", printed[2])


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_says_what_it_does_and_fits_on_two_pages(path):
    text = path.read_text()

    assert text.startswith('"""')
    assert len(text.splitlines()) <= 100
