"""Runs a scenario of profit and loss as a process of its own, and reads what Nautilus said."""

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.child_processes import child_environment

FOLDER = Path(__file__).resolve().parent
REPOSITORY = FOLDER.parents[1]
TIMEOUT_SECS = 100.0
ACCURACY = Decimal("0.000001")
# The last line of a scenario's log: that it was on, and read.
LAST_WORDS = "the scenario is over"


def run_scenario(script: str, result: Path, *arguments: str) -> tuple[Any, str]:
    """Return what `script` wrote to `result`, its last argument, and everything it logged."""
    done = subprocess.run(
        [sys.executable, str(FOLDER / script), *arguments, str(result)],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECS,
        cwd=REPOSITORY,
        env=child_environment(),
    )
    logged = done.stdout + done.stderr
    assert done.returncode == 0, logged
    return json.loads(result.read_text()), logged


def need_usdc(money: str) -> Decimal:
    amount, currency = money.replace("_", "").split()
    assert currency == "USDC"
    return Decimal(amount)


def assert_near(money: str, expected: Decimal) -> None:
    assert abs(need_usdc(money) - expected) <= ACCURACY, (money, expected)
