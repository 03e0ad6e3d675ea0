"""Every fixture says where it came from, and is the file that said so."""

import hashlib
import json
from pathlib import Path

import pytest

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
PAYLOADS = sorted(
    path
    for path in FIXTURES.rglob("*")
    if path.is_file()
    and path.suffix in (".json", ".jsonl")
    and not path.name.endswith(".meta.json")
)
SOURCES = {"recorded from the local exchange", "documentation", "synthetic"}
FIELDS = {
    "file",
    "sha256",
    "size_bytes",
    "source",
    "captured_at",
    "api_version",
    "redactions",
    "licence",
    "notes",
}


def metadata_path(path: Path) -> Path:
    return path.with_name(f"{path.stem}.meta.json")


@pytest.fixture(params=PAYLOADS, ids=lambda path: str(path.relative_to(FIXTURES)))
def payload(request: pytest.FixtureRequest) -> Path:
    return request.param


def test_fixture_has_its_provenance(payload: Path) -> None:
    metadata = json.loads(metadata_path(payload).read_text())
    assert set(metadata) >= FIELDS
    assert metadata["file"] == payload.name
    assert metadata["source"] in SOURCES
    content = payload.read_bytes()
    assert metadata["size_bytes"] == len(content)
    assert metadata["sha256"] == hashlib.sha256(content).hexdigest()


def test_there_are_fixtures_of_every_kind() -> None:
    assert {path.parent.name for path in PAYLOADS} >= {"rest", "timelines", "vectors"}


def test_no_provenance_without_its_fixture() -> None:
    named = {metadata_path(path) for path in PAYLOADS}
    assert set(FIXTURES.rglob("*.meta.json")) == named
