"""The venue's own SDK (paradex-py) as a peer, in its own process and interpreter."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.interleaved import Elsewhere, note
from tests.integration.test_real_clients import interpreter

NAME: Final = "paradex-py"
SCRIPT: Final = Path(__file__).with_name("official_sdk_process.py")
STOP_SECS_MAX: Final = 5.0


@cache
def find_python() -> Path | None:
    return interpreter("paradex_py", "PARADEX_PY_PYTHON")


@contextmanager
def official_sdk(benchmark: BenchmarkFixture, **task: Any) -> Iterator[dict[str, Elsewhere]]:
    """Yield the SDK at work as a peer, by name; none, and a note, where it is not installed."""
    python = find_python()
    if python is None:
        note(
            benchmark,
            f"{NAME} was not measured: run `nox -s clients`, or name a Python that has it in "
            "PARADEX_PY_PYTHON",
        )
        yield {}
        return
    with OfficialSdk(python, task) as sdk:
        yield {NAME: sdk}


class OfficialSdk:
    """One process of the SDK.

    Parameters
    ----------
    python : Path
        An interpreter that can import it.
    task : dict[str, Any]
        What to work on, see the script.
    """

    def __init__(self, python: Path, task: dict[str, Any]) -> None:
        self._process = subprocess.Popen(
            [str(python), str(SCRIPT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.result: object = json.loads(self._ask(json.dumps(task)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.communicate(timeout=STOP_SECS_MAX)

    def seconds(self, loops: int) -> float:
        """Work so many times and return the seconds it took."""
        return float(self._ask(str(loops)))

    def _ask(self, line: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the process ended; its own message is above"
        return answer
