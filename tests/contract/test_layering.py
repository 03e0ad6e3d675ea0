"""The arrows between the packages: who may import whom.

Imports are read from the source, those inside functions and under ``TYPE_CHECKING`` included.
"""

import ast
import importlib
import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from paradex_adapter.venue.http import HttpClient

REPOSITORY = Path(__file__).resolve().parents[2]
OURS = ("paradex_adapter", "paradex_adapter_core")

CORE = "paradex_adapter_core"
VENUE = "paradex_adapter.venue"
TRANSLATE = "paradex_adapter.translate"
LOCAL_EXCHANGE = "paradex_adapter.local_exchange"
# Names and addresses; it imports nothing of ours, so everything above the venue may use it.
CONSTANTS = "paradex_adapter.constants"
# What users start: nothing else may import these. Whatever is named nowhere here is the bridge.
ENTRANCES = tuple(
    f"paradex_adapter.{name}"
    for name in (
        "cli",
        "cli_arguments",
        "cli_errors",
        "demo",
        "history",
        "history_progress",
        "keys",
        "playback",
        "pytest_plugin",
        "recorder",
        "recording",
    )
)

# Reaching a clock, the environment, a socket, a file or a logger is not the core's business.
CORE_STANDARD_LIBRARY = {"__future__", "collections", "enum", "json", "struct", "typing"}
LOCAL_EXCHANGE_LIBRARIES = {"aiohttp", "fast_stark_crypto", "orjson"}
VENUE_LIBRARIES = {
    "aiohttp",
    "eth_account",
    "eth_hash",
    "eth_keys",
    "fast_stark_crypto",
    "httpx",
    "httpx_aiohttp",
    "orjson",
    "picows",
    "python_socks",
    "starknet_py",
    "websockets",
}
REFUSED_NAMES = ("util", "helper", "common", "manager", "misc")


type Walk = Callable[[ast.AST], Iterator[ast.AST]]


class Import(NamedTuple):
    module: str
    line: int
    target: str


def module_name(path: Path) -> str:
    parts = path.relative_to(REPOSITORY).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {
    module_name(path): path for package in OURS for path in (REPOSITORY / package).rglob("*.py")
}


def walk_outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from walk_outside_functions(child)


def imports_of(
    module: str, source: str, is_package: bool = False, walk: Walk = ast.walk
) -> Iterator[Import]:
    for node in walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module, node.lineno, alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = module.split(".")
                kept = len(parents) - node.level + is_package
                base = ".".join([*parents[:kept], *filter(None, [base])])
            for alias in node.names:
                # "from package import module" imports the module.
                full = f"{base}.{alias.name}"
                yield Import(module, node.lineno, full if full in SOURCES else base)


def all_imports(walk: Walk = ast.walk) -> list[Import]:
    return [
        found
        for module, path in SOURCES.items()
        for found in imports_of(module, path.read_text(), path.name == "__init__.py", walk)
    ]


def is_within(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def is_allowed(found: Import) -> bool:
    """Return whether an import goes down an arrow of the design."""
    target, library = found.target, found.target.split(".")[0]
    is_standard = library in sys.stdlib_module_names
    is_ours = library in OURS
    if is_within(found.module, CORE):
        return (
            is_within(target, CORE)
            or library in CORE_STANDARD_LIBRARY
            or library in {"orjson", "mypy_extensions"}
        )
    if is_within(found.module, LOCAL_EXCHANGE):
        return is_within(target, LOCAL_EXCHANGE) or (
            not is_ours and (is_standard or library in LOCAL_EXCHANGE_LIBRARIES)
        )
    if is_within(found.module, VENUE):
        return is_within(target, VENUE, CORE) or (
            not is_ours and (is_standard or library in VENUE_LIBRARIES)
        )
    if found.module == CONSTANTS:
        return is_standard or library == "nautilus_trader"
    if is_within(found.module, TRANSLATE):
        return is_within(target, TRANSLATE, VENUE, CORE, CONSTANTS) or (
            not is_ours and (is_standard or library == "nautilus_trader")
        )
    if is_within(found.module, *ENTRANCES):
        return True
    return not is_within(target, LOCAL_EXCHANGE, *ENTRANCES)


def test_imports_go_down_the_arrows():
    wrong = [found for found in all_imports() if not is_allowed(found)]
    assert wrong == []


def test_the_package_itself_imports_the_core_alone():
    path = REPOSITORY / "paradex_adapter" / "__init__.py"
    tree = ast.parse(path.read_text())
    at_import = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]

    targets = {
        found.target
        for node in at_import
        for found in imports_of("paradex_adapter", ast.unparse(node), is_package=True)
    }

    assert targets == {"importlib", "typing", "paradex_adapter_core.version"}


def test_translate_uses_the_venues_values_but_nothing_that_works_or_waits():
    named = [
        getattr(importlib.import_module(node.module), alias.name)
        for module, path in SOURCES.items()
        if is_within(module, TRANSLATE)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and is_within(node.module or "", VENUE)
        for alias in node.names
    ]

    assert named
    assert [name for name in named if waits(name)] == []
    assert waits(HttpClient)


def waits(thing: object) -> bool:
    """Return whether a function, or a method of a class, is a coroutine function or makes one."""
    kinds = thing.__mro__ if isinstance(thing, type) else ()
    members = [value for kind in kinds for value in vars(kind).values()] or [thing]
    return any(map(inspect.iscoroutinefunction, members))


def test_nothing_evaluates_or_unpickles():
    wrong = [
        found
        for found in all_imports()
        if found.target.split(".")[0] in {"pickle", "marshal", "shelve", "dill"}
    ]
    calls = [
        (module, node.lineno)
        for module, path in SOURCES.items()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"eval", "exec", "compile"}
    ]
    assert (wrong, calls) == ([], [])


def test_no_module_is_a_drawer_for_anything():
    wrong = [
        module
        for module in SOURCES
        if any(refused in module.split(".")[-1] for refused in REFUSED_NAMES)
    ]
    assert wrong == []


def test_no_import_cycle_between_our_modules():
    edges: dict[str, set[str]] = {module: set() for module in SOURCES}
    # An import inside a function runs later: it closes no circle.
    for found in all_imports(walk_outside_functions):
        # The package's own names are lazy too, and under TYPE_CHECKING.
        if found.target in SOURCES and found.module != "paradex_adapter":
            edges[found.module].add(found.target)
    while leaves := [module for module, targets in edges.items() if not targets]:
        for leaf in leaves:
            del edges[leaf]
        for targets in edges.values():
            targets.difference_update(leaves)
    assert edges == {}


@pytest.mark.parametrize(
    ("module", "source", "expected"),
    [
        ("paradex_adapter_core.parsers.sbe", "import time", False),
        ("paradex_adapter_core.parsers.sbe", "from os import environ", False),
        ("paradex_adapter_core.parsers.sbe", "import logging", False),
        ("paradex_adapter_core.parsers.sbe", "import nautilus_trader", False),
        ("paradex_adapter_core.parsers.sbe", "import paradex_adapter", False),
        ("paradex_adapter_core.parsers.sbe", "import orjson", True),
        ("paradex_adapter.venue.http", "from nautilus_trader.core import uuid", False),
        ("paradex_adapter.venue.http", "from paradex_adapter.constants import PARADEX", False),
        ("paradex_adapter.venue.http", "def f():\n    import nautilus_trader", False),
        ("paradex_adapter.venue.http", "from paradex_adapter_core.events import Event", True),
        ("paradex_adapter.local_exchange.sbe", "import paradex_adapter_core", False),
        ("paradex_adapter.local_exchange.sbe", "from paradex_adapter.venue import http", False),
        ("paradex_adapter.local_exchange.sbe", "from . import stark", True),
        ("paradex_adapter.local_exchange.sbe", "from ..venue import http", False),
        ("paradex_adapter.local_exchange.sbe", "import starknet_py", False),
        ("paradex_adapter.translate.orders", "from paradex_adapter import config", False),
        ("paradex_adapter.translate.orders", "import httpx", False),
        ("paradex_adapter.data", "from paradex_adapter import demo", False),
        ("paradex_adapter.data", "import paradex_adapter.local_exchange", False),
        ("paradex_adapter.data", "from paradex_adapter.venue import http", True),
        ("paradex_adapter.cli", "from paradex_adapter.local_exchange import server", True),
    ],
)
def test_the_rules_themselves(module, source, expected):
    SOURCES.setdefault("paradex_adapter.demo", REPOSITORY / "paradex_adapter" / "demo.py")
    try:
        assert all(is_allowed(found) for found in imports_of(module, source)) is expected
    finally:
        if not SOURCES["paradex_adapter.demo"].exists():
            del SOURCES["paradex_adapter.demo"]
