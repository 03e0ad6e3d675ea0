"""Recordings for tests: of a local exchange, of a few frames, and of others' captures."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson

from paradex_adapter.local_exchange import LocalExchange, sbe
from paradex_adapter.recorder import Plan, Recorder, read_markets
from paradex_adapter.recording import Frame, SessionFiles, frame_to_line

MARKETS = ("BTC-USD-PERP", "ETH-USD-PERP")
CHANNELS = ("trades", "bbo", "book", "summary", "funding")
START_NS = 1_790_000_000_000_000_000


class Recording:
    """A recording under way."""

    def __init__(self, recorder: Recorder, files: SessionFiles, running: "asyncio.Task[None]"):
        self.recorder = recorder
        self.files = files
        self.running = running

    @property
    def path(self) -> Path:
        """The first part."""
        return sorted(self.files.part.parent.glob("*-000.jsonl"))[0]


def plan_for(exchange: LocalExchange, folder: Path, **options: Any) -> Plan:
    plan = Plan(
        markets=MARKETS,
        channels=CHANNELS,
        folder=folder,
        seconds=None,
        part_bytes_max=10**9,
        bytes_max=10**9,
        base_url_http=exchange.base_url_http,
        base_url_ws=exchange.base_url_ws,
        environment="test",
    )
    return plan._replace(**options)


@asynccontextmanager
async def recording(
    exchange: LocalExchange, folder: Path, **options: Any
) -> AsyncIterator[Recording]:
    """Record an exchange; at the end the files are closed."""
    plan = plan_for(exchange, folder, **options)
    files = SessionFiles(folder, "session", plan.part_bytes_max, {"environment": "test"})
    files.open(await read_markets(plan))
    recorder = Recorder(plan, files)
    running = asyncio.create_task(recorder.run())
    try:
        yield Recording(recorder, files, running)
    finally:
        running.cancel()
        await asyncio.wait([running])
        files.close()


def parts(folder: Path) -> list[Path]:
    """Return the files of frames in a folder, oldest first."""
    return sorted(folder.glob("*.jsonl"))


def provenance(folder: Path) -> dict[str, Any]:
    """Return what the one session in a folder says of itself."""
    (path,) = folder.glob("*.meta.json")
    told: dict[str, Any] = orjson.loads(path.read_bytes())
    return told


def write_events(
    path: Path, events: Iterable[tuple[int, str, dict[str, Any]]], version: int = 3
) -> Path:
    """Write a recording of events, each with its milliseconds after the start."""
    lines = []
    for after_ms, event, fields in events:
        at_ns = START_NS + after_ms * 1_000_000
        times = {"ts": at_ns // 1000}
        frame = sbe.encode(event, {**times, **fields}, version)
        lines.append(frame_to_line(Frame(at_ns, "in", True, frame)))
    path.write_bytes(b"".join(lines))
    return path


def convert_capture(capture: Path, path: Path) -> Path:
    """Write a capture of `t_ns`, `opcode` and `b64` or `text` lines as a recording."""
    lines = []
    for line in capture.read_text().splitlines():
        row = json.loads(line)
        is_binary = row["opcode"] == "binary"
        payload = base64.b64decode(row["b64"]) if is_binary else row["text"].encode()
        lines.append(frame_to_line(Frame(row["t_ns"], "in", is_binary, payload)))
    path.write_bytes(b"".join(lines))
    return path


def markets_file(path: Path, *symbols: str) -> Path:
    """Write a body of ``GET /markets`` with the local exchange's entries of some markets."""
    markets = LocalExchange(seed=1)._markets
    entries = [markets[symbol].rules.response() for symbol in symbols]
    path.write_bytes(orjson.dumps({"results": entries}))
    return path
