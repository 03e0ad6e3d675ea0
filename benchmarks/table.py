"""Print a benchmark run as one table of ratios: ``python benchmarks/table.py benchmark.json``."""

import argparse
import json
import platform
import sys
from pathlib import Path
from typing import Any

from paradex_adapter_core.build import is_compiled

UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))


def duration(seconds: float) -> str:
    """Return seconds in the unit that reads best."""
    size, unit = next(((size, unit) for size, unit in UNITS if seconds >= size), UNITS[-1])
    return f"{seconds / size:.3g} {unit}"


def rows(result: dict[str, Any]) -> list[tuple[str, str, str, str, str]]:
    """Return a row a peer: stage, our time, peer, its time, how many times ours it takes."""
    found = []
    for entry in result["benchmarks"]:
        stage = entry["name"].removeprefix("test_").replace("_", " ")
        info = entry["extra_info"]
        ours = duration(info.get("seconds_per_call", entry["stats"]["median"]))
        for name, peer in info.get("peers", {}).items():
            ratio = f"{peer['ratio']:.2f}x"
            found.append((stage, ours, name, duration(peer["seconds_per_call"]), ratio))
        if not info.get("peers"):
            found.append((stage, ours, "-", "-", "-"))
    return found


def machine(result: dict[str, Any]) -> str:
    """Return where and on which build the run was made."""
    cpu = result["machine_info"].get("cpu", {})
    return (
        f"{'compiled' if is_compiled() else 'pure'} core, CPython {platform.python_version()}, "
        f"{cpu.get('count', '?')} cores {cpu.get('brand_raw', platform.machine())}, "
        f"{result['datetime'][:16]} UTC"
    )


def main() -> int:
    """Read the file named on the command line and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="what pytest-benchmark's --benchmark-json wrote")
    path = parser.parse_args().file
    try:
        result = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        print(f"{path} cannot be read as a benchmark run: {error}", file=sys.stderr)
        return 1
    head = ("stage", "ours", "beside", "theirs", "theirs/ours")
    table = [head, *rows(result)]
    widths = [max(len(row[column]) for row in table) for column in range(len(head))]
    print(machine(result))
    for row in table:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
