"""Websocket connections: frames in and out, pings, heartbeats, slow readers."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from decimal import localcontext
from typing import Any, Final

import orjson
from aiohttp import WSCloseCode, WSMsgType, web

from paradex_adapter.local_exchange import sbe
from paradex_adapter.local_exchange.accounts import Account
from paradex_adapter.local_exchange.amounts import MONEY
from paradex_adapter.local_exchange.errors import PARSE_ERROR, RpcError
from paradex_adapter.local_exchange.faults import RPC, Faults
from paradex_adapter.local_exchange.options import Options
from paradex_adapter.local_exchange.orders import Order
from paradex_adapter.local_exchange.rpc import RpcMethods
from paradex_adapter.local_exchange.sequences import Clock
from paradex_adapter.local_exchange.tokens import Session

QUEUED_MESSAGES_MAX: Final = 2000
MESSAGE_BYTES_MAX: Final = 2**20


class Connection:
    """One websocket connection."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        request: web.Request,
        sbe_version: int | None,
        node: str,
    ) -> None:
        self.sbe_version = sbe_version
        self.account: Account | None = None
        self.session: Session | None = None
        self.is_cancelling_on_disconnect = False
        self.placed: list[Order] = []
        self.node_id = node
        self.is_delivering = True
        self._socket = socket
        self.transport = request.transport
        self._queue: deque[str | bytes] = deque()
        self._is_filled = asyncio.Event()
        self._has_pong = asyncio.Event()

    def send(self, data: str | bytes) -> None:
        """Queue a frame; a reader that lets 2000 pile up is cut off."""
        if not self.is_delivering:
            return
        if len(self._queue) >= QUEUED_MESSAGES_MAX:
            self.abort()
            return
        self._queue.append(data)
        self._is_filled.set()

    def abort(self) -> None:
        """Cut the connection without a closing handshake."""
        self.is_delivering = False
        self._queue.clear()
        if self.transport is not None:
            self.transport.abort()

    async def deliver(self, clock: Clock, heartbeat_interval_secs: float) -> None:
        """Send what is queued; send a heartbeat when nothing was for a while (SBE only)."""
        timeout_secs = None if self.sbe_version is None else heartbeat_interval_secs
        while True:
            try:
                await asyncio.wait_for(self._is_filled.wait(), timeout_secs)
            except TimeoutError:
                fields = {"ts": clock.now_us(), "seq": clock.sequence_no()}
                self.send(sbe.encode("heartbeat", fields, self.sbe_version or 0))
            self._is_filled.clear()
            while self._queue:
                data = self._queue.popleft()
                if isinstance(data, str):
                    await self._socket.send_str(data)
                else:
                    await self._socket.send_bytes(data)

    async def ping(self, interval_secs: float, pong_timeout_secs: float) -> None:
        """Ping the peer and cut it off when it does not answer in time."""
        while True:
            await asyncio.sleep(interval_secs)
            self._has_pong.clear()
            await self._socket.ping()
            try:
                await asyncio.wait_for(self._has_pong.wait(), pong_timeout_secs)
            except TimeoutError:
                self.abort()
                return

    def heard_pong(self) -> None:
        """Note that the peer answered a ping."""
        self._has_pong.set()


class WebsocketServer:
    """Accepts connections and carries their requests to the methods."""

    def __init__(
        self, methods: RpcMethods, clock: Clock, faults: Faults, options: Options, node_id: str
    ) -> None:
        self._methods = methods
        self._clock = clock
        self._faults = faults
        self._options = options
        self._node_id = node_id
        self.connections: set[Connection] = set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection until it ends."""
        try:
            version = sbe.negotiate(request.query, self._options.sbe_versions)
        except ValueError as error:
            return _refused(str(error))
        if version is None and not self._options.accept_plain:
            return _refused("SBE negotiation is required")
        # The venue pings on its own schedule and wants the pong within seconds.
        socket = web.WebSocketResponse(autoping=False, max_msg_size=MESSAGE_BYTES_MAX, timeout=1.0)
        await socket.prepare(request)
        connection = Connection(socket, request, version, self._node_id)
        self.connections.add(connection)
        options = self._options
        tasks = (
            asyncio.ensure_future(connection.deliver(self._clock, options.heartbeat_interval_secs)),
            asyncio.ensure_future(
                connection.ping(options.ping_interval_secs, options.pong_timeout_secs)
            ),
        )
        try:
            await self._receive(socket, connection)
        finally:
            self.connections.discard(connection)
            self._methods.disconnected(connection)
            for task in tasks:
                task.cancel()
                # A connection that breaks while it is written to has already ended.
                with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                    await task
        return socket

    async def _receive(self, socket: web.WebSocketResponse, connection: Connection) -> None:
        async for message in socket:
            if message.type is WSMsgType.PING:
                await socket.pong(message.data)
            elif message.type is WSMsgType.PONG:
                connection.heard_pong()
            elif message.type is WSMsgType.TEXT:
                await self._answer(connection, message.data)
                # What was read together comes without a turn of the loop in between: the answer
                # and its outcome leave before the next request is looked at.
                await asyncio.sleep(0)
            elif message.type is WSMsgType.BINARY:
                await socket.close(code=WSCloseCode.UNSUPPORTED_DATA)

    async def _answer(self, connection: Connection, text: str) -> None:
        us_in = self._clock.now_us()
        then = None
        request: Any = None
        body: dict[str, object]
        try:
            request = _parse(text)
            method = str(request.get("method", "")) if isinstance(request, dict) else ""
            failure = self._faults.take_failure(RPC, method)
            if failure is not None:
                raise RpcError(failure.status, str(failure.body))
            with localcontext(MONEY):
                result, then = self._methods.call(connection, request)
            if self._faults.take_loss(method):
                connection.abort()
                return
            body = {"result": result}
        except RpcError as error:
            body = {"error": error.body()}
        if self._faults.response_delay_secs:
            await asyncio.sleep(self._faults.response_delay_secs)
        us_out = self._clock.now_us()
        reply = {"jsonrpc": "2.0", **body, "usIn": us_in, "usOut": us_out}
        reply["usDiff"] = us_out - us_in
        reply["id"] = request.get("id") if isinstance(request, dict) else None
        connection.send(orjson.dumps(reply).decode() + "\n")
        if then is not None:
            then()

    def of_kind(self, kind: str | None) -> list[Connection]:
        """Return the ``public`` (SBE) or ``private`` (authenticated) connections, or all."""
        return [
            connection
            for connection in self.connections
            if kind is None
            or (kind == "public" and connection.sbe_version is not None)
            or (kind == "private" and connection.session is not None)
        ]


def _parse(text: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise RpcError(PARSE_ERROR, "Parse error") from error


def _refused(why: str) -> web.Response:
    body = {"error": "INVALID_REQUEST_PARAMETER", "message": why, "data": None}
    return web.Response(status=400, body=orjson.dumps(body), content_type="application/json")
