"""One HTTP request and its reply, over two transports chosen by what the request does.

Reads (GET) go over aiohttp under httpx (`httpx-aiohttp`), several times as fast as httpx alone.
That transport reports every lost connection, before or after the request went out, as
`ConnectTimeout`, and sends GET, PUT and DELETE a second time by itself when a reply is lost. Hence
everything that changes something (POST, PUT, DELETE) goes over httpx's own transport, which sends
once, and where `ConnectError` and `ConnectTimeout` mean that nothing was sent and any other failure
that the outcome is unknown.

Errors of the libraries end here; what leaves is this package's own tree.
"""

import asyncio
import base64
import ipaddress
import ssl
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NoReturn, final
from urllib.parse import quote

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from paradex_adapter.venue.errors import (
    ConfigurationError,
    InvalidRequest,
    MalformedReply,
    NotSent,
    OutcomeUnknown,
    VenueUnavailable,
)
from paradex_adapter.venue.rate_limits import Scope

# The largest lists (every market, 5000 fills) are a few megabytes; counted after decompression.
RESPONSE_BYTES_MAX: Final = 64 * 1024 * 1024
PATH_SEGMENT_CHARS_MAX: Final = 256
CONNECTIONS_MAX: Final = 100
# Connecting may take one timeout and the reply another; a reply that trickles ends there too.
DEADLINE_TIMEOUTS: Final = 2

type QueryValue = str | int | None


@final
class Request:
    """One request.

    Parameters
    ----------
    method, path : str
        HTTP method, and path below the base URL with its segments quoted.
    scope : Scope
        The rate limit it counts against.
    params : Mapping[str, QueryValue], optional
        The query; None values are left out.
    headers : Mapping[str, str], optional
        Headers of this request alone.
    body : bytes, optional
        A JSON body.
    is_private : bool
        Whether it carries a token.
    is_repeatable : bool
        Whether sending it twice does what sending it once does, so that it may be retried.
    """

    __slots__ = (
        "body",
        "headers",
        "is_private",
        "is_repeatable",
        "method",
        "operation",
        "params",
        "path",
        "scope",
    )

    def __init__(
        self,
        method: str,
        path: str,
        scope: Scope,
        *,
        params: Mapping[str, QueryValue] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        is_private: bool = False,
        is_repeatable: bool = False,
    ) -> None:
        self.method: Final = method
        self.path: Final = path
        self.scope: Final = scope
        self.params: Final = {k: v for k, v in (params or {}).items() if v is not None}
        self.headers: Final = dict(headers or {})
        self.body: Final = body
        self.is_private: Final = is_private
        self.is_repeatable: Final = is_repeatable
        self.operation: Final = f"{method} {path}"


@final
class Reply:
    """One reply: status, headers (looked up without regard to case) and the whole body."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status: Final = status
        self.headers: Final = headers
        self.body: Final = body

    @property
    def is_success(self) -> bool:
        """Whether the venue answered, and with success: a gateway's page is no answer."""
        is_page = self.headers.get("content-type", "").lower().startswith("text/html")
        return 200 <= self.status < 300 and not is_page


@final
class HttpTransport:
    """Sends requests to one base URL.

    Parameters
    ----------
    base_url : str
        Where the paths start, such as ``https://api.prod.paradex.trade/v1``. Plain http is for
        loopback addresses only.
    timeout_secs : float
        How long connecting, and each wait for a piece of the reply, may take.
    proxy_url : str, optional
        An HTTP proxy for both transports. Proxies named by environment variables are ignored.

    Raises
    ------
    ConfigurationError
        If a URL or the timeout is not usable.
    """

    def __init__(self, base_url: str, timeout_secs: float, proxy_url: str | None = None) -> None:
        if not 0 < timeout_secs < float("inf"):
            raise ConfigurationError("http_timeout_secs", "it must be a positive number of seconds")
        self._base_url: Final = _need_base_url(base_url)
        self._deadline_secs: Final = timeout_secs * DEADLINE_TIMEOUTS
        self._proxy: Final = _need_proxy(proxy_url) if proxy_url else None
        self._timeout: Final = httpx.Timeout(timeout_secs)
        self._reads, self._commands = self._make_clients()

    def _make_clients(self) -> tuple[httpx.AsyncClient, httpx.AsyncClient]:
        tls = _tls_context()
        limits = httpx.Limits(max_connections=CONNECTIONS_MAX)
        # `trust_env` would let proxy variables put a third transport under either client.
        reads = httpx.AsyncClient(
            transport=AiohttpTransport(verify=tls, limits=limits, proxy=self._proxy),
            timeout=self._timeout,
            trust_env=False,
        )
        commands = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(
                verify=tls, limits=limits, proxy=self._proxy, trust_env=False
            ),
            timeout=self._timeout,
            trust_env=False,
        )
        return reads, commands

    def open(self) -> None:
        """Take requests again after `close`."""
        if self._reads.is_closed and self._commands.is_closed:
            self._reads, self._commands = self._make_clients()

    async def exchange(self, request: Request, token: str | None = None) -> Reply:
        """Send one request and read its reply, whatever its status.

        Parameters
        ----------
        request : Request
            What to send.
        token : str, optional
            The bearer token.

        Raises
        ------
        NotSent
            A command for which no connection was made.
        OutcomeUnknown
            A command without a readable reply.
        VenueUnavailable
            Anything repeatable without a reply.
        MalformedReply
            Anything repeatable with a reply above `RESPONSE_BYTES_MAX`.
        """
        client = self._reads if request.method == "GET" else self._commands
        headers = {"accept": "application/json", **request.headers}
        if request.body is not None:
            headers["content-type"] = "application/json"
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        if client.is_closed:
            _fail_unsent(request, "the client is closed")
        try:
            async with asyncio.timeout(self._deadline_secs):
                return await self._send(client, request, headers)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            _fail_unsent(request, _reason(error), error)
        except (httpx.HTTPError, aiohttp.ClientError, TimeoutError) as error:
            if request.is_repeatable:
                raise VenueUnavailable(request.operation, _reason(error)) from error
            raise OutcomeUnknown(request.operation, _reason(error)) from error
        except MalformedReply as error:
            if request.is_repeatable:
                raise
            raise OutcomeUnknown(request.operation, error.reason) from error

    async def close(self) -> None:
        """Close every connection."""
        await self._reads.aclose()
        await self._commands.aclose()

    def _url_of(self, path: str) -> str:
        # The venue's second version is beside the first, not under it.
        base = self._base_url.removesuffix("/v1") if path.startswith("/v2/") else self._base_url
        return base + path

    async def _send(
        self, client: httpx.AsyncClient, request: Request, headers: dict[str, str]
    ) -> Reply:
        sent = client.build_request(
            request.method,
            self._url_of(request.path),
            params=request.params or None,
            headers=headers,
            content=request.body,
        )
        response = await client.send(sent, stream=True)
        try:
            body = await _read_body(request.operation, response)
        finally:
            await response.aclose()
        return Reply(response.status_code, response.headers, body)


def quote_segment(text: str) -> str:
    """Return a market, order id or client order id as one segment of a path.

    Raises
    ------
    InvalidRequest
        If it is empty, too long, or would be read as a step through the path.
    """
    if not 1 <= len(text) <= PATH_SEGMENT_CHARS_MAX or text in (".", ".."):
        raise InvalidRequest("identifier", f"{text[:32]!r} cannot stand in a path")
    return quote(text, safe="")


async def _read_body(operation: str, response: httpx.Response) -> bytes:
    pieces: list[bytes] = []
    size = 0
    async for piece in response.aiter_bytes():
        size += len(piece)
        if size > RESPONSE_BYTES_MAX:
            raise MalformedReply(operation, f"longer than {RESPONSE_BYTES_MAX} bytes")
        pieces.append(piece)
    return b"".join(pieces)


def _fail_unsent(request: Request, reason: str, cause: Exception | None = None) -> NoReturn:
    if request.is_repeatable:
        raise VenueUnavailable(request.operation, reason) from cause
    raise NotSent(request.operation, reason) from cause


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".removesuffix(": ")


@lru_cache(maxsize=1)
def _tls_context() -> ssl.SSLContext:
    # Certificates are always verified, against certifi's bundle or what SSL_CERT_FILE names.
    # Reading them takes tens of milliseconds: once for all clients of the process.
    return httpx.create_ssl_context()


def _need_base_url(text: str) -> str:
    url = _find_url(text)
    if url is None or url.scheme not in ("http", "https") or url.userinfo or url.query:
        raise ConfigurationError(
            "base_url_http", "it is not a URL such as https://api.prod.paradex.trade/v1"
        )
    if url.scheme == "http" and not _is_loopback(url.host):
        raise ConfigurationError(
            "base_url_http", "it would send the token unencrypted; use https (http is for loopback)"
        )
    return text.strip().rstrip("/")


def _need_proxy(text: str) -> httpx.Proxy:
    url = _find_url(text)
    # The text is not repeated: it may hold a password.
    if url is None or url.scheme not in ("http", "https"):
        raise ConfigurationError("proxy_url", "it is not a URL such as http://proxy.example:3128")
    if not url.userinfo:
        return httpx.Proxy(url)
    # As a header of the tunnel: the other way is deprecated in aiohttp.
    credentials = f"{url.username}:{url.password}".encode()
    header = f"Basic {base64.b64encode(credentials).decode('ascii')}"
    bare = url.copy_with(username=None, password=None)
    return httpx.Proxy(bare, headers={"proxy-authorization": header})


def _find_url(text: str) -> httpx.URL | None:
    try:
        url = httpx.URL(text.strip())
    except httpx.InvalidURL:
        return None
    return url if url.host and (url.port is None or 0 < url.port < 65536) else None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
