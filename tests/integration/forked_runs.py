"""Scenarios that run each in a process of its own, for what may abort, or is about what is logged.

They are forked from one process that has imported everything, so that each costs little. A
scenario is a function, plain or async, without arguments; it returns what JSON can hold.
"""

import asyncio
import importlib
import inspect
import json
import os
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any, NamedTuple

from nautilus_trader.common.component import Logger, is_logging_initialized

from tests.child_processes import child_environment

REPOSITORY = Path(__file__).resolve().parents[2]
ALL_SECS_MAX = 100.0
ONE_SECS_MAX = 40.0
AT_ONCE = 3
POLL_SECS = 0.01
LAST_LINE = "the scenario is over"


class Run(NamedTuple):
    """How one scenario went: exit code (negative: the signal), all that it printed, its result."""

    code: int
    output: str
    result: Any


def run_scenarios(module: str, names: list[str]) -> dict[str, Run]:
    """Run the named functions of a module, each in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="forked-runs-") as folder:
        done = subprocess.run(
            [sys.executable, __file__, folder, module, *names],
            capture_output=True,
            text=True,
            timeout=ALL_SECS_MAX,
            cwd=REPOSITORY,
            env=child_environment(),
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return {name: _read(Path(folder), name) for name in names}


def _read(folder: Path, name: str) -> Run:
    result = folder / f"{name}.json"
    return Run(
        code=int((folder / f"{name}.code").read_text()),
        output=(folder / f"{name}.log").read_text(errors="replace"),
        result=json.loads(result.read_text()) if result.exists() else None,
    )


def _serve(folder: Path, module: str, names: list[str]) -> None:
    loaded = importlib.import_module(module)
    waiting, running = list(names), {}
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            name = waiting.pop(0)
            running[_fork(folder, name, getattr(loaded, name))] = name, time.monotonic()
        for child, (name, since) in list(running.items()):
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                del running[child]
                (folder / f"{name}.code").write_text(str(os.waitstatus_to_exitcode(status)))
            elif time.monotonic() - since > ONE_SECS_MAX:
                os.kill(child, 9)
        time.sleep(POLL_SECS)


def _fork(folder: Path, name: str, scenario: Any) -> int:
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        output = os.open(folder / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(output, 1)
        os.dup2(output, 2)
        is_async = inspect.iscoroutinefunction(scenario)
        result = asyncio.run(scenario()) if is_async else scenario()
        (folder / f"{name}.json").write_text(json.dumps(result))
        _await_log(folder / f"{name}.log")
        code = 0
    except BaseException:  # noqa: BLE001 - whatever it was, the test shows it
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _await_log(path: Path) -> None:
    """Wait until the node's logger, which writes from a thread of its own, has written it all."""
    if not is_logging_initialized():
        return
    Logger("Test").error(LAST_LINE)
    deadline = time.monotonic() + ONE_SECS_MAX
    while LAST_LINE not in path.read_text(errors="replace") and time.monotonic() < deadline:
        time.sleep(POLL_SECS)


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
