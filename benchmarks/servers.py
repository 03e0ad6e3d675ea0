"""Start and stop the servers of the benchmarks; each is a process of its own."""

import asyncio
import json
import subprocess
import sys
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

SCRIPT: Final = Path(__file__).with_name("canned_server.py")
LINE_BYTES_MAX: Final = 2**24
STOP_SECS_MAX: Final = 5.0
EXCHANGE: Final = (
    "import sys; from paradex_adapter.cli import local_exchange; sys.exit(local_exchange())"
)


class CannedServer:
    """A server of canned replies, see `canned_server.py`."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self._process = process
        self.address = f"127.0.0.1:{port}"

    async def flood(self, kind: str, count: int, per_second: int = 0) -> list[int]:
        """Have `count` trades sent; return when each was written (ns), if they were paced."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"flood {kind} {count} {per_second}\n".encode())
        times: list[int] | None = json.loads(await self._process.stdout.readline())
        assert times is not None, f"nobody listens to {kind}"
        return times


@asynccontextmanager
async def canned_server(
    paradex: Sequence[bytes] = (), bybit: Sequence[str] = ()
) -> AsyncIterator[CannedServer]:
    """Yield a server that knows these trades, in the form of each venue."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(SCRIPT),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        limit=LINE_BYTES_MAX,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        frames = {"paradex": [b64encode(each).decode() for each in paradex], "bybit": list(bybit)}
        process.stdin.write(json.dumps(frames).encode() + b"\n")
        yield CannedServer(process, int(await process.stdout.readline()))
    finally:
        await stop(process)


@asynccontextmanager
async def local_exchange() -> AsyncIterator[dict[str, str]]:
    """Yield what the local exchange prints of itself: its addresses and a funded account."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", EXCHANGE, "--port", "0", "--seed", "1"), stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield json.loads(await process.stdout.readline())
    finally:
        await stop(process)


async def stop(process: asyncio.subprocess.Process) -> None:
    """Stop a process that was started here."""
    if process.returncode is None:
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_SECS_MAX)
    except TimeoutError:
        process.kill()
        await process.wait()
