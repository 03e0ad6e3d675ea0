"""The environment in which a test's child process finds what the test itself found."""

import os
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


def child_environment(**more: str) -> dict[str, str]:
    """Return this process's environment with its import path, and the repository at the end of it.

    At the end: a child finds the tests there, and the packages where its parent found them, which
    for an installed build is not the checkout.
    """
    paths = [*filter(None, sys.path), str(REPOSITORY)]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths)} | more
