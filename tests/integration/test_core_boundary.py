"""The boundary of the core: what goes in, what comes out, and what it never touches.

The same tests run on both builds. What only the compiled core can do, refuse a wrong type where it
crosses, is asked of that build alone.
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from paradex_adapter_core import events, messages
from paradex_adapter_core.build import is_compiled
from paradex_adapter_core.decimals import parse_exact, units_to_text
from paradex_adapter_core.dedup_ledger import DedupLedger
from paradex_adapter_core.errors import CoreError
from paradex_adapter_core.messages.account import AccountSummary, Balance, Position
from paradex_adapter_core.messages.orders import Fill, OrderUpdate
from paradex_adapter_core.order_book import BookSequence
from paradex_adapter_core.parsers import account, market_data, markets, system
from paradex_adapter_core.parsers.frame import FrameParser
from paradex_adapter_core.state_store import StateStore
from tests.child_processes import child_environment
from tests.fixture_files import load_rest, load_timeline, rest_names, timeline_names

REPOSITORY = Path(__file__).resolve().parents[2]
DRIVER = Path(__file__).with_name("core_event_stream.py")
PROCESS_SECS_MAX = 60.0
CORE = "paradex_adapter_core"
# Nothing of these may be loaded, or asked for, by the core.
FOREIGN = {
    "aiohttp",
    "asyncio",
    "fast_stark_crypto",
    "http",
    "httpx",
    "logging",
    "nautilus_trader",
    "paradex_adapter",
    "pathlib",
    "picows",
    "selectors",
    "socket",
    "sqlite3",
    "ssl",
    "subprocess",
    "tempfile",
    "threading",
    "websockets",
}
# What a message or an event consists of, besides messages.
PLAIN = (int, str, bytes, bool, type(None))


def run_python(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=PROCESS_SECS_MAX,
        cwd=REPOSITORY,
        env=child_environment(),
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# -- what comes out ------------------------------------------------------------------------------


def foreign_values(value: Any, path: str) -> list[str]:
    """Return where a value of the core holds something that is neither plain nor the core's."""
    if type(value) in PLAIN:
        return []
    if isinstance(value, list | tuple):
        return [
            wrong
            for number, item in enumerate(value)
            for wrong in foreign_values(item, f"{path}[{number}]")
        ]
    if type(value) is dict:
        # The venue's own row, as it came.
        return [] if path.endswith(".info") else [f"{path} is a dict"]
    kind = type(value)
    if not kind.__module__.startswith((f"{messages.__name__}.", events.__name__)):
        return [f"{path} is a {kind.__module__}.{kind.__qualname__}"]
    names = [name for name in dir(value) if not name.startswith("_")]
    return [
        wrong
        for name in names
        for wrong in foreign_values(getattr(value, name), f"{kind.__name__}.{name}")
    ]


@pytest.mark.parametrize("name", timeline_names())
def test_of_frames_come_plain_values_and_nothing_else(name: str) -> None:
    parser, store = FrameParser(), StateStore("0x1")
    kinds: Counter[str] = Counter()
    for frame in load_timeline(name):
        if frame.direction == "out":
            continue
        parse = parser.parse_binary if frame.is_binary else parser.parse_text
        message = parse(frame.payload)
        kinds[type(message).__name__] += 1
        assert foreign_values(message, "message") == []
        if isinstance(message, OrderUpdate | Fill | Position | AccountSummary):
            assert foreign_values(store.apply(message, frame.ts), "events") == []
    assert sum(kinds.values()) > kinds["NoneType"]


PARSERS: dict[str, Callable[[bytes], Any]] = {
    "GET /account": account.parse_account,
    "GET /account/info": account.parse_account_info,
    "GET /balance": account.parse_balances,
    "GET /fills": account.parse_fills_page,
    "GET /markets": markets.parse_markets,
    "GET /markets/summary": markets.parse_market_summaries,
    "GET /orders": account.parse_orders,
    "GET /orders-history": account.parse_orders_page,
    "GET /positions": account.parse_positions,
    "GET /system/config": system.parse_system_config,
    "GET /trades": market_data.parse_trades,
}
ANSWERS = [
    name
    for name in rest_names()
    if load_rest(name).status == 200
    and f"{load_rest(name).method} {load_rest(name).path}" in PARSERS
]


@pytest.mark.parametrize("name", ANSWERS)
def test_of_answers_come_plain_values_and_nothing_else(name: str) -> None:
    fixture = load_rest(name)
    parsed = PARSERS[f"{fixture.method} {fixture.path}"](fixture.body)
    assert parsed
    assert foreign_values(parsed, "answer") == []


def test_every_parser_of_an_answer_has_an_answer() -> None:
    asked = {f"{load_rest(name).method} {load_rest(name).path}" for name in ANSWERS}
    assert asked == set(PARSERS)


def test_amounts_keep_every_digit_across_the_boundary() -> None:
    for text in ("0.00000001", "92233720368.54775807", "92233720368.54775808", "-0.5", "1" * 25):
        units = parse_exact(text, 8)
        assert type(units) is int
        assert units_to_text(units, 8) == text
    # Beyond 64 bits: a store counts on, it does not wrap.
    balance = Balance("USDC", 2**80, 1)
    assert balance.size == 2**80
    store = StateStore("0x1")
    assert store.apply(balance, 1)[0].balance.size == 2**80  # type: ignore[union-attr]


# -- what goes in --------------------------------------------------------------------------------

REFUSED: dict[str, Callable[[], Any]] = {
    "text for a number": lambda: Balance("USDC", "1", 1),  # type: ignore[arg-type]
    "a float for a number": lambda: Balance("USDC", 1.0, 1),  # type: ignore[arg-type]
    "bytes for text": lambda: Balance(b"USDC", 1, 1),  # type: ignore[arg-type]
    "nothing for text": lambda: DedupLedger(8).admit("0x1", 1, None),  # type: ignore[arg-type]
    "a float for a price": lambda: units_to_text(1.5, 8),  # type: ignore[arg-type]
    "a number for text": lambda: parse_exact(1, 8),  # type: ignore[arg-type]
    "text for bytes": lambda: FrameParser().parse_binary("{}"),  # type: ignore[arg-type]
    "a list for bytes": lambda: account.parse_orders([]),  # type: ignore[arg-type]
    "text for a sequence": lambda: BookSequence().apply("1", True),  # type: ignore[arg-type]
    "text for a message": lambda: StateStore("0x1").apply("order", 1),  # type: ignore[arg-type]
    "too few arguments": lambda: Balance("USDC"),  # type: ignore[call-arg]
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_wrong_type_is_refused_where_it_crosses(name: str) -> None:
    if not is_compiled() and name != "too few arguments":
        pytest.skip("only the compiled core checks types at its boundary")
    with pytest.raises(TypeError):
        REFUSED[name]()


def test_a_message_is_what_it_was_made_as() -> None:
    balance = Balance("USDC", 1, 1)
    if not is_compiled():
        pytest.skip("only the compiled core holds to what is final")
    with pytest.raises(AttributeError):
        balance.size = 2  # type: ignore[misc]
    with pytest.raises(AttributeError):
        balance.note = "mine"  # type: ignore[attr-defined]


BAD_BYTES = [
    b"",
    b"\x00",
    b"\xff" * 64,
    b"{",
    b"[]",
    b"null",
    b'{"method":1}',
    b"\x00" * 8,
    b"1e999",
]


@pytest.mark.parametrize("data", BAD_BYTES)
def test_bytes_of_the_venue_raise_what_is_the_cores_or_nothing(data: bytes) -> None:
    parser = FrameParser()
    parser.parse_binary(data)
    parser.parse_text(data)
    assert sum(parser.counters.values()) >= 1
    for parse in PARSERS.values():
        with pytest.raises(CoreError):
            parse(data)


def test_our_own_mistakes_are_assertions() -> None:
    store = StateStore("0x1")
    terms = ("BTC-USD-PERP", 1, 1, 1, 10, 10, None, 0, 1)
    store.track_order("O-1", *terms)
    with pytest.raises(AssertionError, match="O-1 is tracked already"):
        store.track_order("O-1", *terms)


# -- what it never touches -----------------------------------------------------------------------

IMPORT_ALL = f"""
import importlib, json, pkgutil, sys
before = set(sys.modules)
import {CORE}
for found in pkgutil.walk_packages({CORE}.__path__, "{CORE}."):
    importlib.import_module(found.name)
print(json.dumps(sorted({{name.partition(".")[0] for name in set(sys.modules) - before}})))
"""
WORK = f"""
import importlib, json, pkgutil, sys
import {CORE}
for found in pkgutil.walk_packages({CORE}.__path__, "{CORE}."):
    importlib.import_module(found.name)
from {CORE}.parsers.frame import FrameParser
from {CORE}.state_store import StateStore
frames = json.load(sys.stdin)
parser, store, seen = FrameParser(), StateStore("0x1"), []
sys.addaudithook(lambda event, args: seen.append(event))
applied = 0
for text in frames:
    message = parser.parse_text(text)
    if message is not None and hasattr(message, "feed"):
        applied += len(store.apply(message, 1))
    parser.parse_binary(text.encode())
names = sorted(set(seen) - {{"object.__getattr__"}})
print(json.dumps([applied, names]))
"""


def test_importing_the_core_loads_nothing_that_reaches_out() -> None:
    loaded = set(json.loads(run_python("-c", IMPORT_ALL)))
    assert CORE in loaded
    assert loaded & FOREIGN == set()


def test_the_core_at_work_opens_nothing() -> None:
    frames = [
        frame.payload.decode()
        for frame in load_timeline("recorded_private_json")
        if frame.direction == "in"
    ]
    done = subprocess.run(
        [sys.executable, "-c", WORK],
        input=json.dumps(frames),
        capture_output=True,
        text=True,
        timeout=PROCESS_SECS_MAX,
        env=child_environment(),
    )
    assert done.returncode == 0, done.stderr
    applied, audited = json.loads(done.stdout)
    assert applied > 0
    # Python tells every file, socket, process and import of these.
    assert audited == []


# -- the same of both builds ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def streams() -> tuple[dict[str, Any], dict[str, Any]]:
    """What the core as it is, and the core from its sources, make of the timelines."""
    as_it_is, from_source = run_python(str(DRIVER)), run_python(str(DRIVER), "--source")
    return json.loads(as_it_is), json.loads(from_source)


def test_the_twin_runs_from_source_and_the_other_as_built(
    streams: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    as_it_is, from_source = streams
    assert as_it_is["files"].keys() == from_source["files"].keys()
    assert set(from_source["files"].values()) == {"py"}
    assert set(as_it_is["files"].values()) == ({"so"} if is_compiled() else {"py"})


@pytest.mark.parametrize("name", timeline_names())
def test_both_builds_tell_the_same(
    streams: tuple[dict[str, Any], dict[str, Any]], name: str
) -> None:
    as_it_is, from_source = (stream["told"][name] for stream in streams)
    assert as_it_is["told"] == from_source["told"]
    assert as_it_is["of damaged frames"] == from_source["of damaged frames"]
    assert as_it_is["counters"] == from_source["counters"]
    assert as_it_is["orders"] == from_source["orders"]
    assert as_it_is["told"]


def test_the_streams_hold_every_kind_of_news(
    streams: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    as_it_is, _ = streams
    told = [line for stream in as_it_is["told"].values() for line in stream["told"]]
    classes = {line[1]["class"] for line in told if line[0] == "event"}
    assert classes >= {
        "AccountChanged",
        "ExternalOrder",
        "FillApplied",
        "OrderAccepted",
        "OrderCanceled",
        "PositionChanged",
    }
    assert {line[1] for line in told if line[0] == "book"} >= {1, 2}
    spoiled = [line for stream in as_it_is["told"].values() for line in stream["of damaged frames"]]
    assert any(line[1] is None for line in spoiled)
