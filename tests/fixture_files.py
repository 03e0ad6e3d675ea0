"""The one loader of `fixtures/`: REST payloads and websocket timelines, by name."""

import json
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from paradex_adapter.recording import Frame, read_frames

FIXTURES: Final = Path(__file__).resolve().parent.parent / "fixtures"


class RestFixture(NamedTuple):
    """One answer of the venue and the request it answers.

    ``path`` begins after ``/v1``; ``source`` is one of "recorded from the local exchange",
    "documentation" and "synthetic".
    """

    name: str
    method: str
    path: str
    params: dict[str, str]
    status: int
    body: bytes
    source: str


def load_metadata(path: Path) -> dict[str, Any]:
    """Return the provenance of a fixture."""
    metadata: dict[str, Any] = json.loads(path.with_name(f"{path.stem}.meta.json").read_text())
    return metadata


def rest_names() -> list[str]:
    """Return the names of the REST fixtures."""
    files = (FIXTURES / "rest").glob("*.json")
    return sorted(path.stem for path in files if not path.name.endswith(".meta.json"))


def load_rest(name: str) -> RestFixture:
    """Return a REST fixture."""
    path = FIXTURES / "rest" / f"{name}.json"
    metadata = load_metadata(path)
    method, _, target = metadata["request"].partition(" ")
    parts = urlsplit(target)
    return RestFixture(
        name,
        method,
        parts.path,
        dict(parse_qsl(parts.query)),
        metadata["status"],
        path.read_bytes(),
        metadata["source"],
    )


def timeline_names() -> list[str]:
    """Return the names of the timelines."""
    return sorted(path.stem for path in (FIXTURES / "timelines").glob("*.jsonl"))


def load_timeline(name: str) -> list[Frame]:
    """Return the frames of a timeline, oldest first."""
    return list(read_frames(FIXTURES / "timelines" / f"{name}.jsonl"))
