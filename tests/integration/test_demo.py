"""`paradex-demo` as a user meets it: a process that is interrupted."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.child_processes import child_environment

REPOSITORY = Path(__file__).resolve().parents[2]
CODE = "import sys; from paradex_adapter.cli import demo; sys.exit(demo())"
DEADLINE_SECS = 60.0


def test_ctrl_c_ends_the_demo_in_order_with_what_was_traded() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", CODE, "--seconds", "86400", "--log-level", "OFF"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
        env=child_environment(),
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        while not process.stdout.readline().startswith("trading"):
            assert process.poll() is None
        # As a terminal does, to all of its group.
        os.killpg(process.pid, signal.SIGINT)
        said, complaint = process.communicate(timeout=DEADLINE_SECS)
    finally:
        process.terminate()
        process.wait(DEADLINE_SECS)
    assert (process.returncode, complaint) == (130, "")
    assert "traded " in said
    assert said.endswith("the books agree\n")
