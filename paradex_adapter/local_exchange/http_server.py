"""The HTTP side of the one port: routes, refusals, faults, rate limits."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterable
from decimal import localcontext
from typing import Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware

from paradex_adapter.local_exchange.amounts import MONEY
from paradex_adapter.local_exchange.errors import VenueError
from paradex_adapter.local_exchange.faults import WEBSOCKET, Failure, Faults
from paradex_adapter.local_exchange.options import Options
from paradex_adapter.local_exchange.rate_limits import RateLimits, budget_of
from paradex_adapter.local_exchange.rest import (
    BODY_BYTES_MAX,
    Handler,
    error_response,
    json_response,
)
from paradex_adapter.local_exchange.websocket import WebsocketServer

AnyHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HOST: Final = "127.0.0.1"
BACKLOG: Final = 256
SHUTDOWN_TIMEOUT_SECS: Final = 1.0
# Of the event loop, until what was accepted is a connection that can be closed.
TURNS_TO_ACCEPT: Final = 3
SIGN_IN: Final = ("/v1/auth", "/v2/auth")
_UNKNOWN_PATH: Final = "invalid bearer jwt: missing value in request header"


class HttpServer:
    """Serves the endpoints and the websocket on one loopback port."""

    def __init__(
        self,
        routes: Iterable[tuple[str, str, Handler]],
        websocket: WebsocketServer,
        faults: Faults,
        limits: RateLimits,
        options: Options,
        check_running: Callable[[], None],
    ) -> None:
        self._websocket = websocket
        self._faults = faults
        self._limits = limits
        self._options = options
        self._check_running = check_running
        application = web.Application(
            middlewares=[self._middleware()], client_max_size=BODY_BYTES_MAX
        )
        for method, path, handler in routes:
            application.router.add_route(method, path, handler)
        application.router.add_get("/v1", websocket.handle)
        self._runner = web.AppRunner(
            application, access_log=None, shutdown_timeout=SHUTDOWN_TIMEOUT_SECS
        )
        self._server: asyncio.Server | None = None
        self._listening: asyncio.Task[asyncio.Server] | None = None
        self._is_refusing = False
        self.port = 0

    async def start(self, port: int) -> None:
        """Listen.

        Raises
        ------
        OSError
            When the port is in use.
        """
        listener = _listener(port)
        self.port = listener.getsockname()[1]
        await self._runner.setup()
        self._listen(listener)
        if self._listening is not None:
            await self._listening

    def _listen(self, listener: socket.socket) -> None:
        protocol = self._runner.server
        if protocol is None:
            raise RuntimeError("the server was not set up")
        loop = asyncio.get_running_loop()
        # Not the server's own view of it, which cannot be shut down under uvloop.
        self._listener = listener
        self._listening = loop.create_task(
            loop.create_server(protocol, sock=listener, backlog=BACKLOG)
        )
        self._listening.add_done_callback(self._listens)

    def _listens(self, task: asyncio.Task[asyncio.Server]) -> None:
        self._listening = None
        if task.cancelled() or task.exception() is not None:
            return
        self._server = task.result()
        if self._is_refusing:
            self.refuse(True)

    def refuse(self, is_refusing: bool) -> None:
        """Stop listening, so that connecting is refused, or listen again on the same port."""
        was_refusing, self._is_refusing = self._is_refusing, is_refusing
        loop = asyncio.get_running_loop()
        if is_refusing and self._server is not None:
            for listener in self._server.sockets:
                loop.remove_reader(listener)
            # Where the system can; elsewhere connecting is refused from the close on.
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            # Later, since a closed server cannot make connections of what it accepted just now.
            loop.call_soon(self._server.close)
            self._server = None
        elif was_refusing and not is_refusing and self._listening is None:
            self._listen(_listener(self.port))

    def drop_http(self) -> None:
        """Cut every connection that is not a websocket's."""
        server = self._runner.server
        kept = {connection.transport for connection in self._websocket.connections}
        for protocol in list(server.connections) if server is not None else ():
            if protocol.transport is not None and protocol.transport not in kept:
                protocol.transport.abort()

    async def stop(self) -> None:
        """Stop listening and close every connection."""
        self.refuse(True)
        for _ in range(TURNS_TO_ACCEPT):
            await asyncio.sleep(0)
        for connection in list(self._websocket.connections):
            connection.abort()
        await self._runner.cleanup()

    def _middleware(self) -> Middleware:
        @web.middleware
        async def serve(request: web.Request, handler: AnyHandler) -> web.StreamResponse:
            return await self._serve(request, handler)

        return serve

    # --- One request --------------------------------------------------------------------------

    async def _serve(self, request: web.Request, handler: AnyHandler) -> web.StreamResponse:
        if request.path == "/v1":
            if request.headers.get(hdrs.UPGRADE, "").lower() == "websocket":
                failure = self._faults.take_failure(WEBSOCKET, request.path)
                return _canned(failure) if failure else await handler(request)
            return error_response(VenueError("INVALID_TOKEN", _UNKNOWN_PATH))
        failure = self._faults.take_failure(request.method, request.path)
        if failure is not None:
            return _canned(failure)
        kind, limit = budget_of(request.method, request.path)
        caller = request.headers.get(hdrs.AUTHORIZATION, request.remote or "")
        has_budget, headers = self._limits.spend(caller, kind, limit)
        if not has_budget and self._options.enforce_rate_limits:
            response: web.StreamResponse = json_response({"message": "rate limit exceeded"}, 429)
        else:
            response = await self._respond(request, handler)
        response.headers.update(headers)
        if self._faults.take_loss(request.path) and request.transport is not None:
            request.transport.close()
        elif self._faults.response_delay_secs:
            await asyncio.sleep(self._faults.response_delay_secs)
        return response

    async def _respond(self, request: web.Request, handler: AnyHandler) -> web.StreamResponse:
        try:
            # Signing in changes nothing, and nothing private can be read without it.
            if request.method != hdrs.METH_GET and not request.path.startswith(SIGN_IN):
                self._check_running()
            with localcontext(MONEY):
                return await handler(request)
        except VenueError as error:
            return error_response(error)
        except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
            # The venue asks for a token before it says that a path does not exist.
            return error_response(VenueError("INVALID_TOKEN", _UNKNOWN_PATH))
        except web.HTTPRequestEntityTooLarge:
            return error_response(VenueError("BINDING_ERROR", "request body is too large", 413))


def _listener(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def _canned(failure: Failure) -> web.Response:
    if isinstance(failure.body, str):
        return web.Response(status=failure.status, text=failure.body, content_type="text/html")
    return json_response(failure.body, failure.status)
