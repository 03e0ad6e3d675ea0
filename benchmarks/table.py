"""Print a benchmark run as one table of ratios: ``python benchmarks/table.py benchmark.json``."""

import argparse
import json
import platform
import sys
from pathlib import Path
from typing import Any

from paradex_adapter_core.build import is_compiled

HEAD = ("stage", "ours", "beside", "theirs", "theirs/ours", "target")
UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))


def duration(seconds: float) -> str:
    """Return seconds in the unit that reads best."""
    size, unit = next(((size, unit) for size, unit in UNITS if seconds >= size), UNITS[-1])
    return f"{seconds / size:.3g} {unit}"


def target(peer: dict[str, Any]) -> str:
    """Return the ratio to be held, and whether it was."""
    if "target" not in peer:
        return ""
    verdict = "" if peer["ratio"] >= peer["target"] else "  missed"
    return f">= {peer['target']:.3g}x{verdict}"


def stage(entry: dict[str, Any]) -> str:
    """Return the name of a test as words."""
    return entry["name"].removeprefix("test_").replace("_", " ").replace("[", ", ").rstrip("]")


def rows(result: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return a row a peer: stage, our time, peer, its time, how many times ours it takes."""
    found: list[tuple[str, ...]] = []
    for entry in result["benchmarks"]:
        info = entry["extra_info"]
        named = stage(entry)
        ours = duration(info["seconds"])
        for name, peer in info["peers"].items():
            ratio = f"{peer['ratio']:.2f}x"
            found.append((named, ours, name, duration(peer["seconds"]), ratio, target(peer)))
            named = ours = ""
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
    table = [HEAD, *rows(result)]
    widths = [max(len(row[column]) for row in table) for column in range(len(HEAD))]
    print(machine(result))
    for row in table:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )
    for entry in result["benchmarks"]:
        for text in entry["extra_info"].get("notes", ()):
            print(f"{stage(entry)}: {text}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
