"""``paradex-record``: raw public frames on disk, both ways, with arrival times and provenance.

The files are those of `recording.py`. Books are asked for again where a part begins, so that each
part can be played on its own, and where a number was missed.
"""

import asyncio
import signal
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Final, NamedTuple, TextIO

import orjson

from paradex_adapter.recording import Frame, SessionFiles, bare_url, redact
from paradex_adapter.venue.errors import (
    ConfigurationError,
    ParadexError,
    RequestRejected,
    VenueUnavailable,
    excerpt,
)
from paradex_adapter.venue.http import HttpClient
from paradex_adapter.venue.retry import Backoff
from paradex_adapter.venue.transports import Transport, UpgradeRefused, open_transport
from paradex_adapter.venue.websocket import (
    RECONNECT_DELAY_INITIAL_MS,
    RECONNECT_DELAY_MAX_MS,
    SBE_SCHEMA_ID,
    SBE_VERSIONS,
)
from paradex_adapter_core.parsers.frame import FrameParser
from paradex_adapter_core.version import __version__
from paradex_adapter_core.vocabulary import KIND_BOOK

#: Channels by the name the command has for them.
CHANNELS: Final = {
    "trades": "trades.{}",
    "bbo": "bbo.{}",
    "book": "order_book.{}.deltas",
    "summary": "markets_summary.{}",
    "funding": "funding_data.{}",
}
# A connection that lived shorter is no success: the delays go on growing.
LIVED_SECS_MIN: Final = 10.0
TICK_SECS: Final = 0.25
PROGRESS_SECS_PLAIN: Final = 5.0
HTTP_BAD_REQUEST: Final = 400
SUBSCRIPTIONS_AT_ONCE: Final = 50
_MEGABYTE: Final = 1_000_000


class Plan(NamedTuple):
    """What to record, where to, within which bounds (seconds and bytes), and where from."""

    markets: tuple[str, ...]
    channels: tuple[str, ...]
    folder: Path
    seconds: int | None
    part_bytes_max: int
    bytes_max: int
    base_url_http: str = ""
    base_url_ws: str = ""
    environment: str = ""


class Recorder:
    """Records one session: connects, subscribes, writes, and connects again when it must."""

    def __init__(self, plan: Plan, files: SessionFiles) -> None:
        self._plan: Final = plan
        self._files: Final = files
        self._parser: Final = FrameParser()
        self._seqs: Final[dict[str, int]] = {}
        self._stale_books: Final[set[str]] = set()
        self._asked: Final[dict[int, str]] = {}
        self._transport: Transport | None = None
        self._lost: Final = asyncio.Event()
        self._wanted: Final = asyncio.Event()
        self._ids = 0
        self.frames = 0
        self.gaps = 0
        self.connects = 0
        self.failure: ParadexError | None = None

    # --- What arrives and leaves --------------------------------------------------------------

    def on_text(self, data: bytes | str) -> None:
        """Take a text frame; called by the transport."""
        text = data.encode() if isinstance(data, str) else bytes(data)
        self._write(Frame(time.time_ns(), "in", False, redact(text)))
        self._look_for_refusal(text)

    def on_binary(self, data: bytes) -> None:
        """Take a binary frame; called by the transport."""
        self._write(Frame(time.time_ns(), "in", True, bytes(data)))
        message = self._parser.parse_binary(bytes(data))
        if isinstance(message, tuple) and message[0] == KIND_BOOK:
            self._follow(str(message[1]), int(message[2]), bool(message[3]))

    def on_closed(self, _reason: str) -> None:
        """Take the end of the connection; called by the transport."""
        self._transport = None
        self._lost.set()
        self._wanted.set()

    def _write(self, frame: Frame) -> None:
        try:
            is_new_part = self._files.write(frame)
        except OSError as error:
            self._fail(ConfigurationError("--out", f"it cannot be written ({error.strerror})"))
            return
        self.frames += 1
        if is_new_part:
            # A part begins with whole books.
            self._stale_books.update(self._seqs)
            self._wanted.set()

    def _follow(self, market: str, seq: int, is_snapshot: bool) -> None:
        last = self._seqs.get(market)
        self._seqs[market] = seq
        if is_snapshot:
            return
        if last is not None and seq != last + 1:
            self.gaps += 1
            self._stale_books.add(market)
            self._wanted.set()

    def _look_for_refusal(self, text: bytes) -> None:
        try:
            reply = orjson.loads(text)
        except orjson.JSONDecodeError:
            return
        error = reply.get("error") if isinstance(reply, dict) else None
        number = reply.get("id") if isinstance(reply, dict) else None
        channel = self._asked.pop(number, None) if isinstance(number, int) else None
        if isinstance(error, dict) and channel is not None:
            code, message = str(error.get("code")), str(error.get("message"))
            self._fail(RequestRejected(f"subscription to {channel}", 0, code, excerpt(message)))

    def _fail(self, failure: ParadexError) -> None:
        self.failure = self.failure or failure
        self._wanted.set()

    async def _send(self, method: str, channel: str) -> None:
        self._ids += 1
        request = {
            "jsonrpc": "2.0",
            "method": method,
            "params": {"channel": channel},
            "id": self._ids,
        }
        if method == "subscribe":
            self._asked[self._ids] = channel
        text = orjson.dumps(request)
        transport = self._transport
        if transport is not None:
            self._write(Frame(time.time_ns(), "out", False, text))
            await transport.send(text)

    # --- Staying connected --------------------------------------------------------------------

    async def run(self) -> None:
        """Record until canceled.

        Raises
        ------
        ParadexError
            If the venue cannot be reached at the start, refuses a subscription, or the disk does.
        """
        backoff = Backoff(RECONNECT_DELAY_INITIAL_MS, RECONNECT_DELAY_MAX_MS, Random())
        attempt = 0
        try:
            while True:
                try:
                    await self._connect()
                    connected = time.monotonic()
                    await self._serve()
                    if time.monotonic() - connected >= LIVED_SECS_MIN:
                        attempt = 0
                except ParadexError:
                    if not self.connects or self.failure is not None:
                        raise
                await asyncio.sleep(backoff.delay_secs(attempt))
                attempt += 1
        finally:
            if self._transport is not None:
                with suppress(ParadexError):
                    await self._transport.close()

    async def _connect(self) -> None:
        self._lost.clear()
        for version in SBE_VERSIONS:
            query = f"sbeSchemaId={SBE_SCHEMA_ID}&sbeSchemaVersion={version}"
            url = f"{self._plan.base_url_ws}?{query}"
            try:
                transport = await open_transport(url, self, proxy_url=None, prefer_picows=True)
            except UpgradeRefused as refusal:
                if refusal.status == HTTP_BAD_REQUEST and version != SBE_VERSIONS[-1]:
                    continue
                raise VenueUnavailable("websocket", str(refusal)) from None
            self._transport = transport
            self._files.provenance["schema"] = f"{SBE_SCHEMA_ID}:{version}"
            self.connects += 1
            break
        self._seqs.clear()
        self._stale_books.clear()
        self._asked.clear()
        for number, channel in enumerate(channels_of(self._plan), start=1):
            await self._send("subscribe", channel)
            if number % SUBSCRIPTIONS_AT_ONCE == 0:
                await asyncio.sleep(0)

    async def _serve(self) -> None:
        """Ask for books again that need it, until the connection ends."""
        while not self._lost.is_set():
            await self._wanted.wait()
            self._wanted.clear()
            if self.failure is not None:
                raise self.failure
            for market in sorted(self._stale_books):
                self._stale_books.discard(market)
                channel = CHANNELS["book"].format(market)
                await self._send("unsubscribe", channel)
                await self._send("subscribe", channel)


def channels_of(plan: Plan) -> Iterable[str]:
    """Return the channels of a plan by the venue's names."""
    return (CHANNELS[kind].format(market) for market in plan.markets for kind in plan.channels)


# --- One session ----------------------------------------------------------------------------------


async def read_markets(plan: Plan) -> bytes:
    """Return the body of ``GET /markets``, which lists every market of the plan.

    Raises
    ------
    ParadexError
        If it cannot be read, or a market is not in it.
    """
    http = HttpClient(plan.base_url_http)
    try:
        body = await http.get_markets()
    finally:
        await http.close()
    listed = {str(entry.get("symbol")) for entry in orjson.loads(body)["results"]}
    unknown = [market for market in plan.markets if market not in listed]
    if unknown:
        remedy = f"{excerpt(unknown[0])} is not listed at the venue; name listed markets"
        raise ConfigurationError("--markets", remedy)
    return body


async def record(plan: Plan, stream: TextIO) -> None:
    """Record one session, showing progress, until the time is over or it is interrupted.

    Raises
    ------
    ParadexError
        One sentence says what stopped it; what was recorded until then can be read.
    """
    if stream.isatty():
        # A venue that does not answer is waited for, with retries.
        stream.write(f"asking {bare_url(plan.base_url_http)} ...\n")
        stream.flush()
    body = await read_markets(plan)
    files = _session_files(plan)
    try:
        files.open(body)
    except OSError as error:
        remedy = f"{plan.folder} cannot be written ({error.strerror}); name another folder"
        raise ConfigurationError("--out", remedy) from error
    recorder = Recorder(plan, files)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    running = asyncio.create_task(recorder.run())
    try:
        await _show_progress(plan, recorder, files, running, stopped, stream)
    finally:
        running.cancel()
        await asyncio.wait([running])
        files.close()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
    if not running.cancelled():
        running.result()


def _session_files(plan: Plan) -> SessionFiles:
    started = datetime.now(UTC)
    name = f"paradex-{plan.environment.lower()}-{started.strftime('%Y%m%dT%H%M%SZ')}"
    provenance = {
        "environment": plan.environment,
        "base_url_ws": bare_url(plan.base_url_ws),
        "captured_at": started.isoformat(),
        "recorder": f"paradex-adapter {__version__}",
        "markets": plan.markets,
        "channels": plan.channels,
        "redactions": "tokens, keys and signatures in text frames",
    }
    return SessionFiles(plan.folder, name, plan.part_bytes_max, provenance)


async def _show_progress(
    plan: Plan,
    recorder: Recorder,
    files: SessionFiles,
    running: "asyncio.Task[None]",
    stopped: asyncio.Event,
    stream: TextIO,
) -> None:
    """Return when the time or the space is used up, on a signal, or when recording failed."""
    is_terminal = stream.isatty()
    interval = TICK_SECS if is_terminal else PROGRESS_SECS_PLAIN
    start = shown = time.monotonic()
    waiting = asyncio.create_task(stopped.wait())
    try:
        while not running.done() and not stopped.is_set():
            now = time.monotonic()
            is_over = plan.seconds is not None and now - start >= plan.seconds
            if is_over or files.bytes_total >= plan.bytes_max:
                break
            if now - shown >= interval:
                shown = now
                line = f"recording {now - start:.0f} s: {describe(recorder, files)}"
                stream.write(f"\r{line}\x1b[K" if is_terminal else f"{line}\n")
                stream.flush()
                files.flush()
            await asyncio.wait(
                [running, waiting], timeout=TICK_SECS, return_when=asyncio.FIRST_COMPLETED
            )
    finally:
        waiting.cancel()
    seconds = time.monotonic() - start
    words = f"recorded {seconds:.0f} s: {describe(recorder, files)}, in {files.part}\n"
    stream.write(f"\r{words}" if is_terminal else words)
    stream.flush()


def describe(recorder: Recorder, files: SessionFiles) -> str:
    """Return the state of a session in a few words."""
    more = ""
    if recorder.gaps:
        more += f", {recorder.gaps} gaps in books"
    if recorder.connects > 1:
        more += f", connected {recorder.connects} times"
    return f"{recorder.frames} frames, {files.bytes_total / _MEGABYTE:.1f} MB{more}"


def run(plan: Plan) -> int:
    """Record one session; return the exit code.

    Raises
    ------
    ParadexError
        One sentence says what stopped it.
    """
    asyncio.run(record(plan, sys.stdout))
    return 0


def checked(plan: Plan, environment: str | None) -> Plan:
    """Return a plan with its addresses; those that are empty are the environment's.

    Raises
    ------
    ConfigurationError
        If an address cannot be used.
    """
    # Imported here: it takes NautilusTrader along, which the rest does without.
    from paradex_adapter.config import ParadexDataClientConfig, config_environment, config_urls
    from paradex_adapter.constants import ParadexEnvironment

    if plan.base_url_http and not plan.base_url_ws:
        # Else the frames would be another venue's than the instruments.
        raise ConfigurationError("base_url_ws", "give it as well, or leave out both")
    is_given = plan.base_url_ws.startswith(("ws://", "wss://"))
    of_websocket = "http" + plan.base_url_ws.removeprefix("ws") if is_given else None
    config = ParadexDataClientConfig(
        environment=ParadexEnvironment(environment) if environment else None,
        base_url_http=plan.base_url_http or of_websocket,
        base_url_ws=plan.base_url_ws or None,
    )
    http, websocket = config_urls(config)
    name = "custom" if plan.base_url_ws else config_environment(config).value
    return plan._replace(environment=name, base_url_http=http, base_url_ws=websocket)
