"""How a request of the REST interface is sent: limits, tokens, retries, refusals.

Reads, and what changes nothing the second time (tokens, onboarding, margin settings), are retried
with jittered delays when there is no answer or one that says "later". A command is sent once; it is
sent a second time only when the venue refused its token, which proves that it was not carried out.
Everything waits for its rate limit first.
"""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from random import Random
from typing import Final, Protocol

from paradex_adapter.venue.errors import (
    AuthenticationError,
    ConfigurationError,
    InvalidRequest,
    MalformedReply,
    NotSent,
    OutcomeUnknown,
    ParadexError,
    RateLimited,
    RequestRejected,
    VenueUnavailable,
)
from paradex_adapter.venue.http_transport import HttpTransport, QueryValue, Reply, Request
from paradex_adapter.venue.rate_limits import ACQUIRE_WAIT_SECS_MAX, RateLimits, Scope
from paradex_adapter.venue.replies import parse_error
from paradex_adapter.venue.retry import Backoff, Verdict, classify

TIMEOUT_SECS_DEFAULT: Final = 10.0
RETRIES_DEFAULT: Final = 3
RETRIES_MAX: Final = 20
RETRY_DELAY_INITIAL_MS_DEFAULT: Final = 200
RETRY_DELAY_MAX_MS_DEFAULT: Final = 5_000
# An order that waits longer for its turn is stale: its sender is told instead.
COMMAND_WAIT_SECS_MAX: Final = 1.0
COMMAND_BYTES_MAX: Final = 65_536


class TokenSource(Protocol):
    """Where the bearer token of private requests comes from."""

    async def token(self) -> str:
        """Return a token that has not expired."""

    def invalidate(self, token: str) -> None:
        """Never return `token` again: the venue refused it."""


class HttpSender:
    """Sends the requests of one account, or of none; what they are is its subclasses' business.

    Parameters
    ----------
    base_url : str
        With the version, such as ``https://api.prod.paradex.trade/v1``.
    timeout_secs : float
        How long connecting, and each wait for a piece of the reply, may take.
    proxy_url : str, optional
        An HTTP proxy.
    max_retries : int
        How often a read is tried again.
    retry_delay_initial_ms, retry_delay_max_ms : int
        Ceilings of the first and of every delay between tries, in milliseconds.
    rate_limits : RateLimits, optional
        Shared with whatever else sends for the same account.
    token_provider : TokenSource, optional
        Needed by private requests; may be set later, since signing needs the chain id that
        `get_system_config` gives.
    rng, sleep
        Where jitter comes from, and how to wait so many seconds.

    Raises
    ------
    ConfigurationError
        If an argument is not usable.
    """

    def __init__(
        self,
        base_url: str,
        *,
        timeout_secs: float = TIMEOUT_SECS_DEFAULT,
        proxy_url: str | None = None,
        max_retries: int = RETRIES_DEFAULT,
        retry_delay_initial_ms: int = RETRY_DELAY_INITIAL_MS_DEFAULT,
        retry_delay_max_ms: int = RETRY_DELAY_MAX_MS_DEFAULT,
        rate_limits: RateLimits | None = None,
        token_provider: TokenSource | None = None,
        rng: Random | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        if not 0 <= max_retries <= RETRIES_MAX:
            raise ConfigurationError("max_retries", f"it must be from 0 to {RETRIES_MAX}")
        self._backoff: Final = Backoff(
            retry_delay_initial_ms, retry_delay_max_ms, Random() if rng is None else rng
        )
        self._transport: Final = HttpTransport(base_url, timeout_secs, proxy_url)
        self._max_retries: Final = max_retries
        self._limits: Final = RateLimits() if rate_limits is None else rate_limits
        self._sleep: Final = sleep
        self.token_provider = token_provider

    @property
    def limits(self) -> RateLimits:
        """What paces the account's requests; those of its websocket draw on it as well."""
        return self._limits

    def open(self) -> None:
        """Take requests again after `close`."""
        self._transport.open()

    async def close(self) -> None:
        """Close every connection; requests fail until `open`."""
        await self._transport.close()

    async def _read(self, path: str, params: dict[str, QueryValue] | None = None) -> bytes:
        return await self._perform(
            Request("GET", path, Scope.PUBLIC, params=params, is_repeatable=True)
        )

    async def _read_private(self, path: str, params: dict[str, QueryValue] | None = None) -> bytes:
        return await self._perform(
            Request(
                "GET",
                path,
                Scope.PRIVATE_READ,
                params=params,
                is_private=True,
                is_repeatable=True,
            )
        )

    async def _command(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, QueryValue] | None = None,
        body: bytes | None = None,
    ) -> bytes:
        if body is not None and len(body) > COMMAND_BYTES_MAX:
            raise InvalidRequest("body", f"is longer than {COMMAND_BYTES_MAX} bytes")
        request = Request(method, path, Scope.ORDERS, params=params, body=body, is_private=True)
        return await self._perform(request)

    async def _perform(self, request: Request) -> bytes:
        token = await self._need_token(request) if request.is_private else None
        reply = await self._exchange(request, token)
        if token is not None and _is_token_refused(reply):
            assert self.token_provider is not None
            self.token_provider.invalidate(token)
            # A command is repeated on the venue's own word, not on that of a gateway before it.
            if request.is_repeatable or parse_error(reply.body)[0]:
                token = await self._need_token(request)
                reply = await self._exchange(request, token)
        if not reply.is_success:
            raise _refusal(request, reply, token)
        return reply.body

    async def _need_token(self, request: Request) -> str:
        if self.token_provider is None:
            raise ConfigurationError("private_key", "it is needed for private requests; set it")
        try:
            return await self.token_provider.token()
        except (VenueUnavailable, MalformedReply) as error:
            if request.is_repeatable:
                raise
            raise NotSent(request.operation, str(error)) from error

    async def _exchange(self, request: Request, token: str | None) -> Reply:
        retries = self._max_retries if request.is_repeatable else 0
        for attempt in range(retries):
            try:
                return await self._send(request, token)
            except (RateLimited, VenueUnavailable) as error:
                pause = error.retry_after_secs if isinstance(error, RateLimited) else 0.0
                if pause > ACQUIRE_WAIT_SECS_MAX:
                    raise
                await self._sleep(max(pause, self._backoff.delay_secs(attempt)))
        return await self._send(request, token)

    async def _send(self, request: Request, token: str | None) -> Reply:
        wait_max = ACQUIRE_WAIT_SECS_MAX if request.is_repeatable else COMMAND_WAIT_SECS_MAX
        await self._limits.acquire(request.scope, wait_max)
        reply = await self._transport.exchange(request, token)
        pause = self._limits.observe(request.scope, reply.status, reply.headers)
        if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
            raise RateLimited(request.operation, pause)
        if reply.is_success:
            return reply
        code, message = parse_error(reply.body)
        if classify(reply.status, code) is Verdict.UNAVAILABLE:
            reason = " ".join(part for part in (str(reply.status), code, message) if part)
            if request.is_repeatable:
                raise VenueUnavailable(request.operation, _redacted(reason, token))
            raise OutcomeUnknown(request.operation, _redacted(reason, token))
        return reply


def page_params(
    cursor: str | None,
    page_size: int | None,
    start_ms: int | None,
    end_ms: int | None,
    **filters: QueryValue,
) -> dict[str, QueryValue]:
    """Return the query of one page; times in Unix milliseconds."""
    return {
        **filters,
        "start_at": start_ms,
        "end_at": end_ms,
        "cursor": cursor,
        "page_size": page_size,
    }


def _is_token_refused(reply: Reply) -> bool:
    if reply.is_success:
        return False
    code, _ = parse_error(reply.body)
    return classify(reply.status, code) is Verdict.REFRESH_TOKEN


def _refusal(request: Request, reply: Reply, token: str | None) -> ParadexError:
    code, message = parse_error(reply.body)
    verdict = classify(reply.status, code)
    # Without a token 401 is the venue's word for an unknown path.
    is_token_in_vain = verdict is Verdict.REFRESH_TOKEN and token is not None
    if verdict is Verdict.DENIED or is_token_in_vain:
        return AuthenticationError(request.operation, reply.status, code, _redacted(message, token))
    return RequestRejected(request.operation, reply.status, code, _redacted(message, token))


def _redacted(text: str, token: str | None) -> str:
    return text.replace(token, "<token>") if token else text
