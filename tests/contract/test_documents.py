"""The documents say only what is there: links, cited tests, the two commands, code blocks."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("paradex_adapter", "paradex_adapter_core")
# Of NautilusTrader.
FOREIGN = ("ExecutionEngine", "DataEngine")
DOCUMENTS = sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md"))
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
CITED_PATH = re.compile(
    r"`((?:paradex_adapter|paradex_adapter_core|tests|benchmarks|fixtures|examples|docs)/[\w./-]*\w)(?:::(\w+))?`"
)


def text_of(document: Path) -> str:
    return document.read_text(encoding="utf-8")


def blocks(document: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text_of(document), re.M | re.S)


@pytest.fixture(params=DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def document(request: pytest.FixtureRequest) -> Path:
    return request.param


def test_relative_links_lead_somewhere(document: Path) -> None:
    for target in LINK.findall(text_of(document)):
        if not re.match(r"[a-z]+:", target):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_the_architecture_names_what_there_is() -> None:
    """Its tables name files, classes and functions; a table by questions names files by folder."""
    text = text_of(ROOT / "ARCHITECTURE.md")
    files = [path for name in PACKAGES for path in (ROOT / name).rglob("*.py")]
    source = "\n".join(text_of(path) for path in files)
    for quoted in re.findall(r"`([^`]+)`", text):
        for name in re.findall(r"[\w/]+\.py\b", quoted):
            assert any(f"/{path}".endswith(f"/{name}") for path in ROOT.rglob("*.py")), name
        for owner, function in re.findall(r"\b([A-Z]\w+)\.(_?\w+)", quoted):
            if owner not in FOREIGN:
                assert re.search(rf"class {owner}\b", source), quoted
                assert re.search(rf"def {function}\b", source), quoted


def test_cited_files_and_tests_exist(document: Path) -> None:
    for path, name in CITED_PATH.findall(text_of(document)):
        assert (ROOT / path).exists(), f"{document.name} cites {path}"
        if name:
            assert re.search(rf"(def|class) {name}\b", text_of(ROOT / path)), (
                f"{path} has no {name}"
            )


def test_python_blocks_compile(document: Path) -> None:
    for number, block in enumerate(blocks(document, "python")):
        compile(block, f"{document.name}, block {number}", "exec")


def test_quick_start_is_two_commands() -> None:
    section = text_of(ROOT / "README.md").split("## Quick start")[1].split("\n## ")[0]
    fenced = re.findall(r"^```\n(.*?)^```", section, re.M | re.S)
    assert len(fenced) == 1
    assert len(fenced[0].splitlines()) == 2


def test_usage_block_of_the_readme_builds_a_configuration() -> None:
    block = next(block for block in blocks(ROOT / "README.md", "python") if "TradingNode(" in block)
    configuration = block.replace("node = TradingNode(", "node = (").split("node.add_data")[0]
    scope: dict[str, object] = {}
    exec(configuration, scope)  # the README's own text
    assert type(scope["node"]).__name__ == "TradingNodeConfig"
