"""What holds for every run: the named build is measured, and the tests' own modules can be used."""

import os
import sys
from pathlib import Path

import pytest

from paradex_adapter_core.build import is_compiled

# Last, so that the packages measured stay the installed ones.
sys.path.append(str(Path(__file__).resolve().parent.parent))


def pytest_configure() -> None:
    """Refuse to measure another build than the one that ``PARADEX_EXPECT`` names."""
    expected = os.environ.get("PARADEX_EXPECT")
    build = "compiled" if is_compiled() else "pure"
    if expected not in (None, build):
        raise pytest.UsageError(f"PARADEX_EXPECT names the {expected} build, this is the {build}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip everything where the benchmarks are switched off, as they are by default."""
    if config.getoption("benchmark_disable") and not config.getoption("benchmark_enable"):
        for item in items:
            item.add_marker(pytest.mark.skip(reason="run with --benchmark-enable"))
