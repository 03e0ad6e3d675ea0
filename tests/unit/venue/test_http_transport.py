"""What the two HTTP transports do on a real socket, and what we make of it.

The facts about the libraries stand here as tests: an upgrade that changes one fails by name, before
an order is sent twice.
"""

import asyncio
import base64
import gzip
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, unquote

import httpx
import pytest
from httpx_aiohttp import AiohttpTransport

from paradex_adapter.venue import http_transport
from paradex_adapter.venue.errors import (
    MalformedReply,
    NotSent,
    OutcomeUnknown,
    ParadexError,
    VenueUnavailable,
)
from paradex_adapter.venue.http_transport import HttpTransport, Request
from paradex_adapter.venue.rate_limits import Scope

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
METHODS = ("GET", "POST", "PUT", "DELETE")
# For what is answered or refused, and for what never is, which a test has to sit out.
PATIENT_SECS = 10.0
HASTY_SECS = 0.5
UNANSWERED = ("/silent", "/trickle")

type Write = Callable[[asyncio.StreamWriter], Awaitable[None]]


class LoopbackVenue:
    """A server that counts what reaches it and answers as the path asks."""

    def __init__(self) -> None:
        self.received: list[tuple[str, str]] = []
        self.heads: list[bytes] = []
        self.port = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def count(self, method: str) -> int:
        return Counter(m for m, _ in self.received)[method]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while await self._answer_one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _answer_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        fields = dict(
            line.lower().split(b": ", 1)
            for line in head.strip().split(b"\r\n")[1:]
            if b": " in line
        )
        await reader.readexactly(int(fields.get(b"content-length", b"0")))
        method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
        self.received.append((method, target))
        self.heads.append(head)
        if "/lost" in target:
            return False
        if "/silent" in target:
            await asyncio.Event().wait()
        if "/trickle" in target:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.02)
        if "/half" in target:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc")
            return False
        if "/garbage" in target:
            writer.write(b"SMTP ready\r\n\r\n")
            return False
        if "/badgzip" in target:
            writer.write(
                b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc"
            )
            return False
        if "/long" in target:
            body = gzip.compress(b" " * 5000)
            writer.write(
                b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: "
                + str(len(body)).encode()
                + b"\r\n\r\n"
                + body
            )
            return True
        writer.write(OK)
        await writer.drain()
        return True

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def serving(ssl_context: ssl.SSLContext | None = None) -> AsyncIterator[LoopbackVenue]:
    venue = LoopbackVenue()
    server = await asyncio.start_server(venue.serve, "127.0.0.1", 0, ssl=ssl_context)
    venue.port = server.sockets[0].getsockname()[1]
    try:
        yield venue
    finally:
        server.close()
        await venue.stop()


@pytest.fixture
async def venue() -> AsyncIterator[LoopbackVenue]:
    async with serving() as server:
        yield server


@pytest.fixture
async def refused_url() -> str:
    async with serving() as server:
        return server.url


@pytest.fixture
async def transport(venue: LoopbackVenue) -> AsyncIterator[HttpTransport]:
    async with transport_for(venue) as opened:
        yield opened


@asynccontextmanager
async def transport_for(venue: LoopbackVenue, path: str = "/ok") -> AsyncIterator[HttpTransport]:
    opened = HttpTransport(venue.url, HASTY_SECS if path in UNANSWERED else PATIENT_SECS)
    try:
        yield opened
    finally:
        await opened.close()


def request(method: str, path: str, *, is_repeatable: bool | None = None) -> Request:
    return Request(
        method,
        path,
        Scope.PUBLIC,
        body=b"{}" if method in ("POST", "PUT") else None,
        is_repeatable=method == "GET" if is_repeatable is None else is_repeatable,
    )


# Facts about the libraries.


@pytest.mark.parametrize("method", METHODS)
async def test_fact_httpx_sends_once_and_tells_refused_from_lost(
    venue: LoopbackVenue, refused_url: str, method: str
) -> None:
    transport = httpx.AsyncHTTPTransport()
    patient, hasty = httpx.Timeout(PATIENT_SECS), httpx.Timeout(PATIENT_SECS, read=HASTY_SECS)
    async with httpx.AsyncClient(transport=transport, timeout=patient, trust_env=False) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.request(method, f"{venue.url}/lost")
        with pytest.raises(httpx.ReadTimeout):
            await client.request(method, f"{venue.url}/silent", timeout=hasty)
        with pytest.raises(httpx.RemoteProtocolError):
            await client.request(method, f"{venue.url}/half")
        with pytest.raises(httpx.ConnectError):
            await client.request(method, refused_url)
    assert venue.count(method) == 3


@pytest.mark.parametrize("method", METHODS)
async def test_fact_httpx_aiohttp_reports_a_lost_reply_as_a_failed_connect(
    venue: LoopbackVenue, refused_url: str, method: str
) -> None:
    async with httpx.AsyncClient(transport=AiohttpTransport(), trust_env=False) as client:
        with pytest.raises(httpx.ConnectTimeout):
            await client.request(method, f"{venue.url}/lost")
        with pytest.raises(httpx.ConnectTimeout):
            await client.request(method, refused_url)


@pytest.mark.parametrize(("method", "times"), [("GET", 2), ("POST", 1), ("PUT", 2), ("DELETE", 2)])
async def test_fact_httpx_aiohttp_repeats_what_it_takes_for_idempotent(
    venue: LoopbackVenue, method: str, times: int
) -> None:
    async with httpx.AsyncClient(transport=AiohttpTransport(), trust_env=False) as client:
        # A connection that is known to work, as it would be in a session.
        assert (await client.request(method, f"{venue.url}/ok")).status_code == 200
        with pytest.raises(httpx.ConnectTimeout):
            await client.request(method, f"{venue.url}/lost")
    assert venue.count(method) - 1 == times


# What we make of them.


async def test_reads_go_over_aiohttp_and_all_else_over_httpx(
    venue: LoopbackVenue, transport: HttpTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[tuple[str, str]] = []
    for kind in (AiohttpTransport, httpx.AsyncHTTPTransport):

        def spy(kind: type[httpx.AsyncBaseTransport] = kind) -> object:
            original = kind.handle_async_request

            async def handle(self: httpx.AsyncBaseTransport, sent: httpx.Request) -> httpx.Response:
                used.append((sent.method, kind.__name__))
                return await original(self, sent)

            return handle

        monkeypatch.setattr(kind, "handle_async_request", spy())
    for method in METHODS:
        await transport.exchange(request(method, "/ok"))
    assert used == [
        ("GET", "AiohttpTransport"),
        ("POST", "AsyncHTTPTransport"),
        ("PUT", "AsyncHTTPTransport"),
        ("DELETE", "AsyncHTTPTransport"),
    ]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize(
    "path", ["/lost", "/silent", "/half", "/trickle", "/garbage", "/badgzip", "/long"]
)
async def test_a_command_without_a_readable_reply_was_sent_once_and_its_outcome_is_unknown(
    venue: LoopbackVenue, monkeypatch: pytest.MonkeyPatch, method: str, path: str
) -> None:
    monkeypatch.setattr(http_transport, "RESPONSE_BYTES_MAX", 4000)
    async with transport_for(venue, path) as transport:
        await transport.exchange(request(method, "/ok"))
        with pytest.raises(OutcomeUnknown):
            await transport.exchange(request(method, path))
    assert venue.count(method) == 2


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_a_refused_connection_proves_that_a_command_was_not_sent(
    refused_url: str, method: str
) -> None:
    transport = HttpTransport(refused_url, PATIENT_SECS)
    with pytest.raises(NotSent, match="ConnectError"):
        await transport.exchange(request(method, "/orders"))
    await transport.close()


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("path", "error_class"),
    [
        ("/lost", VenueUnavailable),
        ("/silent", VenueUnavailable),
        ("/half", VenueUnavailable),
        ("/trickle", VenueUnavailable),
        ("/garbage", VenueUnavailable),
        ("/badgzip", VenueUnavailable),
        ("/long", MalformedReply),
    ],
)
async def test_what_may_be_repeated_is_unavailable_whatever_went_wrong(
    venue: LoopbackVenue,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    path: str,
    error_class: type[ParadexError],
) -> None:
    monkeypatch.setattr(http_transport, "RESPONSE_BYTES_MAX", 4000)
    async with transport_for(venue, path) as transport:
        with pytest.raises(error_class):
            await transport.exchange(request(method, path, is_repeatable=True))


async def test_a_refused_read_is_unavailable(refused_url: str) -> None:
    transport = HttpTransport(refused_url, PATIENT_SECS)
    with pytest.raises(VenueUnavailable):
        await transport.exchange(request("GET", "/markets"))
    await transport.close()


async def test_a_reply_of_the_largest_size_is_read(
    transport: HttpTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_transport, "RESPONSE_BYTES_MAX", 5000)
    reply = await transport.exchange(request("GET", "/long"))
    assert reply.body == b" " * 5000


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_quoted_segments_and_parameters_arrive_as_they_were_written(
    venue: LoopbackVenue, transport: HttpTransport, method: str
) -> None:
    text, cursor = "a/../b %2F?c#d&e=\u00e9", "a+b/c=d&e %25"
    path = f"/orders/{http_transport.quote_segment(text)}"
    sent = Request(method, path, Scope.PUBLIC, params={"cursor": cursor, "absent": None})
    await transport.exchange(sent)
    arrived, _, query = venue.received[-1][1].partition("?")
    # One transport writes "&" and "=" in a path plain, which means the same.
    assert arrived.count("/") == 2
    assert unquote(arrived) == f"/orders/{text}"
    assert parse_qs(query) == {"cursor": [cursor]}


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_token_is_a_header_and_nothing_comes_from_the_environment(
    venue: LoopbackVenue,
    transport: HttpTransport,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    opened = HttpTransport(venue.url, PATIENT_SECS)
    await opened.exchange(request(method, "/ok"), "my-token")
    await opened.close()
    assert b"bearer my-token\r\n" in venue.heads[-1].lower()


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_proxy_gets_every_request(venue: LoopbackVenue, method: str) -> None:
    transport = HttpTransport("http://127.0.0.1:9/v1", PATIENT_SECS, venue.url)
    await transport.exchange(request(method, "/ok"))
    assert venue.received == [(method, "http://127.0.0.1:9/v1/ok")]
    await transport.close()


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_tunnel_through_the_proxy_is_opened_with_its_password(
    venue: LoopbackVenue, method: str
) -> None:
    proxy_url = venue.url.replace("http://", "http://me:hunter%202@")
    transport = HttpTransport("https://api.lost.test/v1", PATIENT_SECS, proxy_url)
    # The server knows no tunnels; how it was asked for one is what counts here.
    with pytest.raises((NotSent, OutcomeUnknown, VenueUnavailable)) as caught:
        await transport.exchange(request(method, "/ok"), "my-token")
    assert venue.received[0] == ("CONNECT", "api.lost.test:443")
    password = base64.b64encode(b"me:hunter 2")
    assert b"proxy-authorization: basic " + password.lower() in venue.heads[0].lower()
    assert b"my-token" not in b"".join(venue.heads)
    assert "hunter" not in f"{caught.value} {caught.value!r} {caught.value.__cause__}"
    await transport.close()


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_proxy_that_is_not_there_is_reported_without_its_password(
    refused_url: str, method: str
) -> None:
    transport = HttpTransport(
        "http://127.0.0.1:9/v1", PATIENT_SECS, refused_url.replace("http://", "http://me:hunter2@")
    )
    with pytest.raises((NotSent, VenueUnavailable)) as caught:
        await transport.exchange(request(method, "/ok"))
    assert "hunter2" not in f"{caught.value} {caught.value!r} {caught.value.__cause__}"
    await transport.close()


async def test_redirects_are_not_followed_with_the_token(venue: LoopbackVenue) -> None:
    transport = HttpTransport(venue.url, PATIENT_SECS)
    clients = (transport._reads, transport._commands)
    assert [client.follow_redirects for client in clients] == [False, False]
    await transport.close()


async def test_certificates_are_verified_in_both_transports() -> None:
    transport = HttpTransport("https://127.0.0.1/v1", PATIENT_SECS)
    reads, commands = transport._reads._transport, transport._commands._transport
    assert isinstance(reads, AiohttpTransport)
    assert isinstance(commands, httpx.AsyncHTTPTransport)
    for context in (reads.ssl_context, commands._pool._ssl_context):
        assert context is not None
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname
    await transport.close()


async def test_a_caller_that_gives_up_leaves_a_working_client(
    venue: LoopbackVenue, transport: HttpTransport
) -> None:
    for method in ("GET", "POST"):
        task = asyncio.create_task(transport.exchange(request(method, "/silent")))
        async with asyncio.timeout(5):
            while venue.count(method) == 0:  # noqa: ASYNC110 - the server signals nobody
                await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await transport.exchange(request(method, "/ok"))).body == b"{}"
