"""One websocket to the venue: negotiated, kept alive, reconnected for ever, with JSON-RPC requests.

Life of a connection::

    connect() ─> open (schema negotiated) ─> on_connected() ─> ready ─> on_disconnected(reason)
                  ^                                                            │
                  └────────────── full-jitter backoff <────────────────────────┘  until close()

Everything that arrives goes to ``on_message`` from inside the transport's own wake-up, except
replies, which resolve their `WebSocketConnection.request`. A request whose reply is lost with the
connection is `OutcomeUnknown`, never a refusal, and is never resent here.
"""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from random import Random
from typing import Final

from paradex_adapter.venue.errors import (
    AuthenticationError,
    ConfigurationError,
    NotSent,
    ParadexError,
    VenueUnavailable,
)
from paradex_adapter.venue.retry import Backoff
from paradex_adapter.venue.rpc import REQUEST_TIMEOUT_SECS, PendingRequests
from paradex_adapter.venue.transports import Transport, UpgradeRefused, open_transport
from paradex_adapter.venue.websocket_addresses import need_base_url, need_proxy_url
from paradex_adapter_core.messages.connection import RpcError, RpcResult
from paradex_adapter_core.parsers.frame import FrameParser

SBE_SCHEMA_ID: Final = 1
SBE_VERSIONS: Final = (3, 2, 1)

CONNECT_TIMEOUT_SECS: Final = 30.0
# Authenticating and resubscribing everything, before the connection counts as failed.
SET_UP_TIMEOUT_SECS: Final = 30.0
# An idle SBE connection gets a heartbeat about every 20 s: after three of them missed it is dead,
# whatever its peer's websocket layer answers to our pings.
SILENCE_SECS_MAX: Final = 65.0
SILENCE_CHECKS: Final = 4
# A connection that lived shorter does not count as a success: the delays go on growing.
LIVED_SECS_MIN: Final = 10.0
RECONNECT_DELAY_INITIAL_MS: Final = 500
RECONNECT_DELAY_MAX_MS: Final = 30_000
# Under the jitter, so that a short draw is no hot loop (the venue admits 20 connections a second).
RECONNECT_DELAY_FLOOR_SECS: Final = 0.1

_log = logging.getLogger(__name__)


class WebSocketConnection:
    """A websocket that comes back.

    Parameters
    ----------
    base_url : str
        ``ws://`` or ``wss://`` address, without a query.
    name : str
        What log lines and errors call it, such as "public".
    plain_first : bool
        True for private channels: connect without a binary schema and negotiate one only when the
        venue refuses that. False for public channels, which exist in binary only.
    on_message : Callable[[object, int], None]
        Takes each message of `FrameParser` that is no reply, and the time it was received (ns).
    on_connected : Callable[[], Awaitable[None]], optional
        Runs after each connect, before the connection is ready: authenticate, subscribe. It sends
        its requests with ``before_ready=True``. When it raises, the connection is given up and
        retried.
    on_disconnected : Callable[[str], None], optional
        Takes the reason each time an open connection ended, ready or not.
    sbe_versions : tuple[int, ...]
        Schema versions to ask for, in this order.
    clock_ns : Callable[[], int]
        The clock behind the time of receipt, nanoseconds since the Unix epoch.
    backoff : Backoff, optional
        The delays between attempts.
    proxy_url : str, optional
        A proxy to go through.
    prefer_picows : bool
        Use the fast transport when it is installed.
    silence_secs_max : float
        How long an SBE connection may bring nothing at all before it is replaced.
    log : Callable[[str], None], optional
        Takes warnings.

    Raises
    ------
    ConfigurationError
        `base_url` or `proxy_url` cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        *,
        name: str,
        plain_first: bool,
        on_message: Callable[[object, int], None],
        on_connected: Callable[[], Awaitable[None]] | None = None,
        on_disconnected: Callable[[str], None] | None = None,
        sbe_versions: tuple[int, ...] = SBE_VERSIONS,
        clock_ns: Callable[[], int] = time.time_ns,
        backoff: Backoff | None = None,
        proxy_url: str | None = None,
        prefer_picows: bool = True,
        silence_secs_max: float = SILENCE_SECS_MAX,
        log: Callable[[str], None] | None = None,
    ) -> None:
        self.name: Final = name
        self.connects = 0
        self.frames_received = 0
        self.bytes_received = 0
        self.handler_errors = 0
        self.last_failure = ""
        self._base_url: Final = need_base_url(base_url)
        self._proxy_url: Final = None if proxy_url is None else need_proxy_url(proxy_url)
        # None stands for a connection without a binary schema.
        self._forms: Final[tuple[int | None, ...]] = (
            (None, *sbe_versions) if plain_first else sbe_versions
        )
        self._form = 0
        self._on_message: Final = on_message
        self._set_up: Final = on_connected
        self._on_disconnected: Final = on_disconnected
        self._clock_ns: Final = clock_ns
        self._backoff: Final = backoff or Backoff(
            RECONNECT_DELAY_INITIAL_MS, RECONNECT_DELAY_MAX_MS, Random()
        )
        self._prefer_picows: Final = prefer_picows
        self._silence_secs_max: Final = silence_secs_max
        self._warn: Final = log or _log.warning
        self._parser: Final = FrameParser()
        self._parse_text: Final = self._parser.parse_text
        self._parse_binary: Final = self._parser.parse_binary
        self._skips_logged: Final[set[str]] = set()
        self._transport: Transport | None = None
        self._ended: asyncio.Future[str] | None = None
        self._ready: Final = asyncio.Event()
        self._supervisor: asyncio.Task[None] | None = None
        self._pending: Final = PendingRequests()
        self._ready_at = math.inf
        self._has_been_ready = False

    @property
    def is_ready(self) -> bool:
        """Whether the connection is open and set up."""
        return self._ready.is_set()

    @property
    def sbe_version(self) -> int | None:
        """The schema version in use, or last tried; None for a connection without one."""
        return self._forms[self._form]

    @property
    def counters(self) -> dict[str, int]:
        """What was skipped or went wrong on this connection, by kind; a copy."""
        return {
            **self._parser.counters,
            "connects": self.connects,
            "frames": self.frames_received,
            "bytes": self.bytes_received,
            "unmatched replies": self._pending.unmatched,
            "handler errors": self.handler_errors,
        }

    async def connect(self, timeout_secs: float = CONNECT_TIMEOUT_SECS) -> None:
        """Connect, set up and from then on stay connected until `close`.

        Attempts go on until `timeout_secs` is over; a setting or key at fault is raised at once.

        Raises
        ------
        VenueUnavailable
            The connection did not become ready in time; nothing goes on in the background.
        ConfigurationError, AuthenticationError
            The user must change something.
        """
        assert self._supervisor is None, "connect() is called once, or again after close()"
        supervisor = asyncio.create_task(self._stay_connected(), name=f"paradex-{self.name}")
        self._supervisor = supervisor
        ready = asyncio.create_task(self._ready.wait())
        try:
            await asyncio.wait(
                [ready, supervisor], timeout=timeout_secs, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            # Whoever was ready and lost it at once is connected: the supervisor sees to the rest.
            was_ready = ready.done()
            ready.cancel()
            if not was_ready:
                await self.close()
        if was_ready:
            return
        if not supervisor.cancelled():
            supervisor.result()
        reason = self.last_failure or "no connection"
        raise VenueUnavailable(f"{self.name} websocket", f"{reason}; after {timeout_secs:g} s")

    async def close(self) -> None:
        """Close and stop reconnecting; no task is left behind."""
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is not None:
            supervisor.cancel()
            await asyncio.wait([supervisor])

    async def wait_ready(self, timeout_secs: float) -> None:
        """Wait until the connection is ready.

        Raises
        ------
        VenueUnavailable
            It did not become ready in `timeout_secs`.
        """
        try:
            async with asyncio.timeout(timeout_secs):
                await self._ready.wait()
        except TimeoutError:
            raise VenueUnavailable(
                f"{self.name} websocket", f"not ready after {timeout_secs:g} s"
            ) from None

    async def request(
        self,
        method: str,
        params: dict[str, object],
        timeout_secs: float = REQUEST_TIMEOUT_SECS,
        *,
        before_ready: bool = False,
    ) -> bytes:
        """Send one JSON-RPC request and return the JSON text of its result.

        Parameters
        ----------
        method : str
            Such as "subscribe" or "order.create".
        params : dict[str, object]
            Its parameters, of JSON types.
        timeout_secs : float
            How long to wait for the reply.
        before_ready : bool
            Whether the request belongs to ``on_connected``; any other waits for nothing and is
            refused as `NotSent` while the connection is being set up.

        Raises
        ------
        NotSent
            It provably did not leave: the connection is down, or too many requests are pending.
        OutcomeUnknown
            It was sent and no reply came in time or before the connection was lost, or the venue
            reported an internal error.
        RpcRefused
            The venue refused it.
        AuthenticationError
            The venue wants a (fresh) token first; codes 40110, 40111, 40112, 40300.
        RateLimited
            Too many requests; it was not carried out.
        """
        transport = self._transport
        if transport is None or not (before_ready or self._ready.is_set()):
            raise NotSent(method, f"the {self.name} websocket is down")
        return await self._pending.send(transport, method, params, timeout_secs)

    def drop(self, reason: str) -> None:
        """Give up the open connection, with what it has not delivered yet; another one follows."""
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(reason)

    def on_text(self, data: bytes | str) -> None:
        """Take a text frame; called by the transport."""
        self.frames_received += 1
        self.bytes_received += len(data)
        self._take(self._parse_text(data))

    def on_binary(self, data: bytes) -> None:
        """Take a binary frame; called by the transport."""
        self.frames_received += 1
        self.bytes_received += len(data)
        self._take(self._parse_binary(data))

    def on_closed(self, reason: str) -> None:
        """Take the end of the connection; called by the transport."""
        self._ready.clear()
        self._transport = None
        self._pending.fail(reason)
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(reason)
        if self._on_disconnected is not None:
            self._on_disconnected(reason)

    def _take(self, message: object) -> None:
        # Most messages are tuples, and asking that first is the cheapest.
        if type(message) is not tuple:
            if message is None:
                self._warn_of_skips()
                return
            if isinstance(message, (RpcResult, RpcError)):
                self._pending.resolve(message)
                return
        try:
            self._on_message(message, self._clock_ns())
        except Exception:  # noqa: BLE001
            # Our own mistake while handling one message must not cost the messages after it.
            self.handler_errors += 1
            _log.exception("A message of the %s websocket was not handled", self.name)

    def _warn_of_skips(self) -> None:
        """Log each kind of thing the parser skipped or did not know, once."""
        counters = self._parser.counters
        if len(counters) > len(self._skips_logged):
            for kind in counters.keys() - self._skips_logged:
                self._skips_logged.add(kind)
                self._warn(f"The {self.name} websocket brought something unread: {kind}")

    async def _stay_connected(self) -> None:
        """Connect again and again; ends only with what makes a first connect pointless."""
        loop = asyncio.get_running_loop()
        attempt = 0
        while True:
            self._ready_at = math.inf
            try:
                self.last_failure = await self._live_once()
            except (ConfigurationError, AuthenticationError) as e:
                if not self._has_been_ready:
                    raise
                self.last_failure = str(e)
            except (ParadexError, UpgradeRefused) as e:
                self.last_failure = str(e)
            except Exception as e:  # noqa: BLE001
                # Our own mistake in a callback; a socket that no longer comes back would be worse.
                self.last_failure = f"our own mistake: {type(e).__name__}"
                _log.exception("Setting up the %s websocket failed", self.name)
            if loop.time() - self._ready_at >= LIVED_SECS_MIN:
                attempt = 0
            delay = max(RECONNECT_DELAY_FLOOR_SECS, self._backoff.delay_secs(attempt))
            attempt += 1
            self._warn(
                f"The {self.name} websocket is down ({self.last_failure}); "
                f"next attempt in {delay:.1f} s"
            )
            await asyncio.sleep(delay)

    async def _live_once(self) -> str:
        """Open, set up and stay until the end; return why it ended."""
        loop = asyncio.get_running_loop()
        self._ended = loop.create_future()
        transport = await self._open()
        try:
            self.connects += 1
            if not self._ended.done():
                self._transport = transport
                await self._run_set_up()
            if not self._ended.done():
                self._ready_at = loop.time()
                self._has_been_ready = True
                self._ready.set()
            return await self._wait_end(self._ended)
        finally:
            await transport.close()

    async def _open(self) -> Transport:
        """Open in the form that worked last, else in the next one the venue does not refuse."""
        for _ in self._forms:
            version = self._forms[self._form]
            url = self._base_url
            if version is not None:
                url += f"?sbeSchemaId={SBE_SCHEMA_ID}&sbeSchemaVersion={version}"
            try:
                return await open_transport(
                    url, self, proxy_url=self._proxy_url, prefer_picows=self._prefer_picows
                )
            except UpgradeRefused as e:
                if e.status != HTTPStatus.BAD_REQUEST:
                    raise
                self._form = (self._form + 1) % len(self._forms)
        raise VenueUnavailable(
            f"{self.name} websocket",
            "the venue refused every schema version this release knows: is there a newer one?",
        )

    async def _run_set_up(self) -> None:
        if self._set_up is None:
            return
        try:
            async with asyncio.timeout(SET_UP_TIMEOUT_SECS):
                await self._set_up()
        except TimeoutError:
            raise VenueUnavailable(
                f"{self.name} websocket", f"not set up after {SET_UP_TIMEOUT_SECS:g} s"
            ) from None

    async def _wait_end(self, ended: asyncio.Future[str]) -> str:
        """Return why it ended: the transport tells, or an SBE socket has been silent too long."""
        loop = asyncio.get_running_loop()
        frames = self.frames_received
        heard_at = loop.time()
        while True:
            await asyncio.wait([ended], timeout=self._silence_secs_max / SILENCE_CHECKS)
            self._warn_of_skips()
            if ended.done():
                return ended.result()
            if self.frames_received != frames:
                frames = self.frames_received
                heard_at = loop.time()
            elif self.sbe_version is not None:
                silence = loop.time() - heard_at
                if silence >= self._silence_secs_max:
                    return f"nothing received for {silence:.0f} s"
