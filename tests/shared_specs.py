"""Where the venue's published specifications, samples and signing vectors lie on this machine.

They are not part of the repository. They are looked for beside it, or where the environment
variable `PARADEX_SHARED_SPECS` says.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED_SPECS = Path(
    os.environ.get("PARADEX_SHARED_SPECS") or REPOSITORY.parent / "shared" / "paradex"
)

requires_shared_specs = pytest.mark.skipif(
    not SHARED_SPECS.is_dir(),
    reason="the venue's specifications are not on this machine; name their folder in "
    "PARADEX_SHARED_SPECS",
)


def spec_path(*parts: str) -> Path:
    """Return the path of one specification, sample or vector file."""
    return SHARED_SPECS.joinpath(*parts)


def load_vectors(name: str) -> list[dict[str, Any]]:
    """Return the known answers of one vector file; none when the folder is absent."""
    if not SHARED_SPECS.is_dir():
        return []
    document = json.loads(spec_path("vectors", name).read_bytes())
    vectors: list[dict[str, Any]] = document["vectors"]
    return vectors
