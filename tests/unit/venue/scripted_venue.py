"""A websocket server that does what a test tells it to, and remembers what it was told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, Final

import orjson
from aiohttp import WSMsgType, web

from paradex_adapter.local_exchange import sbe

DEADLINE_SECS: Final = 10.0
PLAIN: Final = "plain"
MARKET: Final = "BTC-USD-PERP"
Json = dict[str, Any]


async def until(condition: Callable[[], object], what: str = "the condition") -> None:
    """Wait for a condition, at most `DEADLINE_SECS`."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + DEADLINE_SECS
    while not condition():
        assert loop.time() < deadline, f"waited {DEADLINE_SECS} s for {what}"
        await asyncio.sleep(0.002)


def bbo_frame(seq_no: int = 1, market: str = MARKET, version: int = 3) -> bytes:
    fields = {
        "ts": 1_700_000_000_000_000,
        "seq": seq_no,
        "bidPrice": Decimal("65000.1"),
        "bidSize": Decimal("1.5"),
        "askPrice": Decimal("65000.2"),
        "askSize": Decimal("0.25"),
        "market": market,
    }
    return sbe.encode("bbo", fields, version)


def book_frame(seq_no: int, package: str = "DELTA", market: str = MARKET) -> bytes:
    fields = {
        "ts": 1_700_000_000_000_000,
        "seq": seq_no,
        "pkgType": package,
        "bids": [(Decimal(65_000), Decimal(1))],
        "asks": [(Decimal(65_001), Decimal(2))],
        "market": market,
    }
    return sbe.encode("book", fields, 3)


class ScriptedVenue:
    """Accepts the forms in `accepted` ("plain" or a version as text), refuses the others."""

    def __init__(self) -> None:
        self.accepted = {PLAIN, "1", "2", "3"}
        self.refusal_status = 400
        self.is_dropping = False
        self.attempts: list[str] = []
        self.requests: list[Json] = []
        self.pongs = 0
        self.sockets: list[web.WebSocketResponse] = []
        self.base_url = ""
        # Replaced by tests; returns the answer, or None for none.
        self.answer: Callable[[Json], Json | None] = lambda request: {"result": {}}
        self.after_answer: Callable[[Json], bytes | None] = lambda request: None

    @property
    def socket(self) -> web.WebSocketResponse:
        return self.sockets[-1]

    def methods(self) -> list[str]:
        return [request["method"] for request in self.requests]

    def channels(self, method: str) -> list[str]:
        return [r["params"]["channel"] for r in self.requests if r["method"] == method]

    async def drop(self) -> None:
        """Cut every connection without a closing handshake."""
        for socket in self.sockets:
            if (transport := socket._req.transport if socket._req else None) is not None:
                transport.abort()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        form = request.query.get("sbeSchemaVersion", PLAIN)
        self.attempts.append(form)
        if form not in self.accepted:
            return web.Response(status=self.refusal_status)
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        self.sockets.append(socket)
        if self.is_dropping:
            await socket.close()
            return socket
        async for message in socket:
            if message.type == WSMsgType.PING:
                await socket.pong(message.data)
            elif message.type == WSMsgType.PONG:
                self.pongs += 1
            elif message.type == WSMsgType.TEXT:
                await self.take(socket, orjson.loads(message.data))
        return socket

    async def take(self, socket: web.WebSocketResponse, request: Json) -> None:
        self.requests.append(request)
        answer = self.answer(request)
        if answer is not None:
            # The venue ends its text frames with a newline.
            reply = {"jsonrpc": "2.0", "id": request["id"], **answer}
            await socket.send_str(orjson.dumps(reply).decode() + "\n")
        pushed = self.after_answer(request)
        if pushed is not None:
            await socket.send_bytes(pushed)


@asynccontextmanager
async def scripted_venue() -> AsyncIterator[ScriptedVenue]:
    """Serve on a free loopback port."""
    venue = ScriptedVenue()
    app = web.Application()
    app.router.add_get("/v1", venue.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    venue.base_url = f"ws://127.0.0.1:{port}/v1"
    try:
        yield venue
    finally:
        await venue.drop()
        await runner.cleanup()
