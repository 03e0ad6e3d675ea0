"""``paradex-record`` on a local exchange: what it keeps, and what it survives."""

import asyncio
import hashlib
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import orjson
import pytest

from paradex_adapter import recorder as recorder_module
from paradex_adapter.local_exchange import LocalExchange
from paradex_adapter.playback import open_recording
from paradex_adapter.recording import (
    Frame,
    SessionFiles,
    bare_url,
    markets_beside,
    read_frames,
    redact,
)
from paradex_adapter.venue.errors import ParadexError, RequestRejected
from paradex_adapter_core.parsers.frame import FrameParser
from paradex_adapter_core.vocabulary import KIND_BOOK
from tests.child_processes import child_environment
from tests.integration.recordings import (
    CHANNELS,
    MARKETS,
    parts,
    plan_for,
    provenance,
    recording,
)
from tests.integration.trading_node import until

RECORD = "import sys; from paradex_adapter.cli import record; sys.exit(record())"
PROCESS_TIMEOUT_SECS = 60.0
BUSY = {"seed": 4, "simulation_interval_ms": 5, "summary_interval_ms": 20}


def books(frames: list[Frame]) -> list[tuple[str, int, bool]]:
    """Return market, number and kind of every book frame."""
    parser = FrameParser()
    messages = [parser.parse_binary(frame.payload) for frame in frames if frame.is_binary]
    return [
        (str(m[1]), int(m[2] or 0), bool(m[3]))
        for m in messages
        if isinstance(m, tuple) and m[0] == KIND_BOOK
    ]


async def test_frames_of_both_ways_are_kept_with_instruments_and_provenance(
    tmp_path: Path,
) -> None:
    async with (
        LocalExchange(**BUSY, funding_interval_ms=20) as exchange,
        recording(exchange, tmp_path) as session,
    ):
        await until(lambda: session.recorder.frames > 300, "frames came")
    frames = list(read_frames(session.path))
    asked = [orjson.loads(frame.payload) for frame in frames if frame.direction == "out"]
    names = {request["params"]["channel"] for request in asked}
    assert {request["method"] for request in asked} == {"subscribe"}
    assert len(names) == len(asked) == len(MARKETS) * len(CHANNELS)
    answered = [orjson.loads(f.payload) for f in frames if f.direction == "in" and not f.is_binary]
    assert {reply["result"]["channel"] for reply in answered} == names
    assert [frame.ts for frame in frames] == sorted(frame.ts for frame in frames)
    replay = open_recording(session.path)
    assert {rules.symbol for rules in replay.markets} == set(MARKETS)
    kinds = set.union(*(survey.events for survey in replay.surveys.values()))
    assert kinds == {"trade", "bbo", "book", "market_summary", "funding_data"}
    listed = orjson.loads(markets_beside(session.path).read_bytes())["results"]
    assert {entry["symbol"] for entry in listed} > set(MARKETS)
    meta = provenance(tmp_path)
    (part,) = meta["files"]
    content = session.path.read_bytes()
    assert part["sha256"] == hashlib.sha256(content).hexdigest()
    assert (part["size_bytes"], part["frames"]) == (len(content), len(frames))
    assert (meta["environment"], meta["schema"]) == ("test", "1:3")


async def test_each_part_can_be_played_on_its_own(tmp_path: Path) -> None:
    async with (
        LocalExchange(**BUSY) as exchange,
        recording(exchange, tmp_path, part_bytes_max=40_000) as session,
    ):
        await until(lambda: session.files.bytes_total > 300_000, "several parts were written")
    paths = parts(tmp_path)
    assert len(paths) >= 5
    for path in paths[:-1]:
        assert 40_000 <= path.stat().st_size < 120_000
        seen = books(list(read_frames(path)))
        assert {market for market, _, is_snapshot in seen if is_snapshot} == set(MARKETS)
        open_recording(path)
    meta = provenance(tmp_path)
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    assert {part["file"]: part["sha256"] for part in meta["files"]} == digests


async def test_a_missed_number_has_the_book_sent_anew(tmp_path: Path) -> None:
    async with LocalExchange(**BUSY) as exchange, recording(exchange, tmp_path) as session:
        await until(lambda: session.recorder.frames > 100, "frames came")
        exchange.skip_book_seq(MARKETS[0])
        await until(lambda: session.recorder.gaps == 1, "the hole was seen")
        frames = session.recorder.frames
        await until(lambda: session.recorder.frames > frames + 100, "it goes on")
    snapshots = Counter(
        m for m, _, is_snapshot in books(list(read_frames(session.path))) if is_snapshot
    )
    assert snapshots == {MARKETS[0]: 2, MARKETS[1]: 1}


async def test_it_connects_again(tmp_path: Path) -> None:
    async with LocalExchange(**BUSY) as exchange, recording(exchange, tmp_path) as session:
        await until(lambda: session.recorder.frames > 100, "frames came")
        exchange.drop_connections("public")
        await until(lambda: session.recorder.connects == 2, "it connected again")
        frames = session.recorder.frames
        await until(lambda: session.recorder.frames > frames + 100, "it goes on")
    snapshots = [m for m, _, is_snapshot in books(list(read_frames(session.path))) if is_snapshot]
    assert Counter(snapshots) == dict.fromkeys(MARKETS, 2)


async def test_an_older_schema_is_taken_where_the_newest_is_refused(tmp_path: Path) -> None:
    async with (
        LocalExchange(**BUSY, sbe_versions=(0, 1)) as exchange,
        recording(exchange, tmp_path) as session,
    ):
        await until(lambda: session.recorder.frames > 50, "frames came")
    meta = provenance(tmp_path)
    assert meta["schema"] == "1:1"


async def test_a_refused_subscription_ends_it(tmp_path: Path) -> None:
    async with LocalExchange(**BUSY) as exchange:
        exchange.fail_next("RPC", "subscribe", -32600, "no such channel")
        async with recording(exchange, tmp_path) as session:
            await asyncio.wait([session.running], timeout=10)
            with pytest.raises(RequestRejected, match=r"subscription to trades.BTC-USD-PERP"):
                session.running.result()


async def test_a_full_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(_files: object, _frame: Frame) -> bool:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(SessionFiles, "write", write)
    async with LocalExchange(**BUSY) as exchange, recording(exchange, tmp_path) as session:
        await asyncio.wait([session.running], timeout=10)
        with pytest.raises(ParadexError, match=r"^--out: it cannot be written \(No space left"):
            session.running.result()


async def run_command(*arguments: str, until_told: bool = False) -> tuple[int, str, str]:
    """Run the command as a process, interrupted once it told of frames where asked."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        RECORD,
        *arguments,
        env=child_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        told = b""
        if until_told:
            told = await asyncio.wait_for(process.stdout.readline(), PROCESS_TIMEOUT_SECS)
            process.send_signal(signal.SIGINT)
        out, err = await asyncio.wait_for(process.communicate(), PROCESS_TIMEOUT_SECS)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, (told + out).decode(), err.decode()


async def test_an_interrupted_command_leaves_files_that_can_be_read(tmp_path: Path) -> None:
    async with LocalExchange(**BUSY) as exchange:
        code, out, err = await run_command(
            *("--markets", ",".join(MARKETS), "--out", str(tmp_path)),
            *("--base-url-ws", exchange.base_url_ws),
            until_told=True,
        )
    assert (code, err) == (0, "")
    assert "recording" in out.splitlines()[0]
    assert out.splitlines()[-1].startswith("recorded ")
    (path,) = parts(tmp_path)
    assert path.read_bytes().endswith(b"\n")
    assert open_recording(path).surveys.keys() == set(MARKETS)
    meta = provenance(tmp_path)
    assert meta["files"][0]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


async def test_a_users_mistake_is_one_sentence(tmp_path: Path) -> None:
    async with LocalExchange(**BUSY) as exchange:
        url = exchange.base_url_ws
        plan = plan_for(exchange, tmp_path)
        file = tmp_path / "file"
        file.write_bytes(b"")
        unlisted = ("--markets", "NOPE-USD-PERP", "--out", str(tmp_path), "--base-url-ws", url)
        no_folder = ("--markets", MARKETS[0], "--out", str(file), "--base-url-ws", url)
        for arguments, says in (
            (unlisted, "paradex-record: --markets: NOPE-USD-PERP is not listed"),
            (no_folder, f"paradex-record: --out: {file} cannot be written"),
        ):
            code, _, err = await run_command(*arguments)
            assert code == 1
            assert err.startswith(says)
            assert err.count("\n") == 1
    with pytest.raises(ParadexError, match="unavailable"):
        await read_nothing(plan)


async def read_nothing(plan: recorder_module.Plan) -> None:
    """Begin where nothing listens any more."""
    await recorder_module.read_markets(plan)


def test_nothing_secret_is_kept() -> None:
    token = b'{"params":{"bearer": "eyJ.a.b"},"Authorization":"x","signature":"[1]"}'
    assert redact(token) == (
        b'{"params":{"bearer": "redacted"},"Authorization":"redacted","signature":"redacted"}'
    )
    harmless = b'{"params":{"channel":"trades.ALL"}}'
    assert redact(harmless) == harmless
    assert bare_url("wss://me:secret@host:8443/v1?token=x#y") == "wss://host:8443/v1"
    assert bare_url("wss://host/v1") == "wss://host/v1"
