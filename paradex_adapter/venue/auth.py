"""Bearer tokens: asked for once, refreshed before they expire, shared by whoever needs one.

A token lives five minutes. At an age of `REFRESH_AGE_SECS` it is refreshed, whether or not anybody
asks; callers wait only when there is no token worth sending. Where a refresh failed the next caller
gets the old token at once and starts another beside it. However many callers wait, one request is
under way.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from typing import Final, final

from paradex_adapter.venue.errors import (
    AuthenticationError,
    ClockSkewed,
    ParadexError,
    RequestRejected,
)
from paradex_adapter.venue.http import HttpClient
from paradex_adapter.venue.order_requests import RECV_WINDOW_MS_MAX
from paradex_adapter.venue.replies import (
    find_jwt_lifetime_secs,
    parse_jwt_token,
    parse_server_time_ms,
)
from paradex_adapter.venue.signing import OrderSigner

TOKEN_LIFETIME_SECS: Final = 300
REFRESH_AGE_SECS: Final = 180
# A token this close to its end is not sent: it could expire on the way.
EXPIRY_MARGIN_SECS: Final = 20
# After a refresh that failed while the old token is still good.
REFRESH_RETRY_SECS: Final = 10
# Half an hour is what the venue assumes when no expiration is named.
SIGNATURE_LIFETIME_SECS: Final = 1800
# An answer about the time that takes longer says too little.
CLOCK_ANSWER_SECS_MAX: Final = 2.0
# Below this offset, in milliseconds, a refused timestamp is not the clock's fault.
CLOCK_OFFSET_NOTABLE_MS: Final = 1_000

_log = logging.getLogger(__name__)


def wall_clock_ms() -> int:
    """Return the time of this machine in Unix milliseconds."""
    return time.time_ns() // 1_000_000


async def measure_clock_offset_ms(
    http: HttpClient, now_ms: Callable[[], int] = wall_clock_ms
) -> int:
    """Return the venue's clock minus ours, in milliseconds, half the round trip accounted for."""
    sent_ms = now_ms()
    body = await http.get_system_time()
    return parse_server_time_ms(body) - (sent_ms + now_ms()) // 2


async def check_clock(
    http: HttpClient,
    recv_window_ms: int = RECV_WINDOW_MS_MAX,
    now_ms: Callable[[], int] = wall_clock_ms,
) -> int:
    """Return the clock offset, or refuse one the venue would refuse every order for.

    Parameters
    ----------
    http : HttpClient
        Whom to ask for the time.
    recv_window_ms : int
        The receive window that orders will name, in milliseconds.
    now_ms : Callable[[], int]
        The clock of this machine, Unix milliseconds.

    Raises
    ------
    ClockSkewed
        If the clocks differ by more than `recv_window_ms`.
    """
    offset_ms = await measure_clock_offset_ms(http, now_ms)
    if abs(offset_ms) > recv_window_ms:
        raise ClockSkewed(offset_ms, recv_window_ms)
    return offset_ms


@final
class TokenProvider:
    """The bearer token of one account.

    Parameters
    ----------
    http : HttpClient
        Sends the token requests.
    signer : OrderSigner
        Signs them.
    recv_window_ms : int
        What `ClockSkewed` names as the limit, in milliseconds.
    clock_offset_ms : int
        The venue's clock minus ours, in milliseconds, as measured at the start.
    l1_chain_id : int
        The Ethereum chain the venue belongs to; named where an Ethereum key signs in.
    is_interactive : bool
        Whether to ask for tokens of the retail profile.
    now_ms : Callable[[], int]
        The clock of this machine, Unix milliseconds.

    Attributes
    ----------
    clock_offset_ms : int
        The same as it is now: measured anew with each later token, since clocks are set and drift.
        Whatever is signed names the venue's time.
    """

    __slots__ = (
        "_access_token",
        "_expires_ms",
        "_http",
        "_is_interactive",
        "_l1_chain_id",
        "_now_ms",
        "_obtained_ms",
        "_recv_window_ms",
        "_refresh",
        "_refresh_ms",
        "_signer",
        "_timer",
        "_token",
        "clock_offset_ms",
    )

    def __init__(
        self,
        http: HttpClient,
        signer: OrderSigner,
        *,
        recv_window_ms: int = RECV_WINDOW_MS_MAX,
        clock_offset_ms: int = 0,
        l1_chain_id: int = 0,
        is_interactive: bool = False,
        now_ms: Callable[[], int] = wall_clock_ms,
    ) -> None:
        self._access_token: Final = signer.find_access_token()
        self.clock_offset_ms = clock_offset_ms
        self._l1_chain_id: Final = l1_chain_id
        self._is_interactive: Final = is_interactive
        self._http: Final = http
        self._signer: Final = signer
        self._recv_window_ms: Final = recv_window_ms
        self._now_ms: Final = now_ms
        self._token: str | None = None
        self._obtained_ms = 0
        self._refresh_ms = 0
        self._expires_ms = 0
        self._refresh: asyncio.Task[str] | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def token(self) -> str:
        """Return a token that is good for the next request.

        Raises
        ------
        AuthenticationError
            If the venue does not accept the account or its signature.
        ClockSkewed
            If it refuses the timestamp and the clock of this machine is off.
        VenueUnavailable, RateLimited, MalformedReply
            If it gives no token.
        """
        if self._access_token is not None:
            # The user's own: there is none to replace it, and a request it fails for says so.
            return self._access_token
        now_ms = self._now_ms()
        if self._token is None or not self._obtained_ms <= now_ms < self._expires_ms:
            # Shielded: a caller that gives up must not take the token from the others.
            return await asyncio.shield(self._start_refresh())
        if now_ms >= self._refresh_ms:
            self._start_refresh()
        return self._token

    def invalidate(self, token: str) -> None:
        """Forget `token`, which the venue refused; a newer one is kept."""
        if token == self._token:
            self._token = None

    def distrust_clock(self) -> None:
        """Measure the venue's time anew, and get a token by it: the venue refused a time of ours.

        Nothing is done right after the last time: then it is not the clock that is wrong.
        """
        if not 0 <= self._now_ms() - self._obtained_ms <= REFRESH_RETRY_SECS * 1000:
            self._start_refresh()

    async def close(self) -> None:
        """Stop refreshing."""
        if self._refresh is not None:
            self._refresh.cancel()
            await asyncio.wait((self._refresh,))
        if self._timer is not None:
            self._timer.cancel()

    def _start_refresh(self) -> "asyncio.Task[str]":
        if self._refresh is None:
            self._refresh = asyncio.create_task(self._fetch())
            self._refresh.add_done_callback(self._finish_refresh)
        return self._refresh

    def _finish_refresh(self, task: "asyncio.Task[str]") -> None:
        self._refresh = None
        if task.cancelled():
            return
        error = task.exception()
        if error is not None and self._token is not None:
            # Nobody may be waiting for this one: the old token still serves.
            self._refresh_ms = self._now_ms() + REFRESH_RETRY_SECS * 1000
            _log.warning("the token was not refreshed: %s", error)

    async def _fetch(self) -> str:
        if self._obtained_ms:
            # Where that fails the offset stays what it was.
            with contextlib.suppress(ParadexError, TimeoutError):
                async with asyncio.timeout(CLOCK_ANSWER_SECS_MAX):
                    self.clock_offset_ms = await measure_clock_offset_ms(self._http, self._now_ms)
        asked_ms = self._now_ms()
        try:
            body = await self._ask((asked_ms + self.clock_offset_ms) // 1000)
        except RequestRejected as error:
            raise await self._explain(error) from error
        token = parse_jwt_token(body)
        lifetime = min(find_jwt_lifetime_secs(token) or TOKEN_LIFETIME_SECS, TOKEN_LIFETIME_SECS)
        # The age counts by our clock alone, from before the request: the venue's may differ.
        self._obtained_ms = asked_ms
        self._expires_ms = asked_ms + max(lifetime - EXPIRY_MARGIN_SECS, 1) * 1000
        self._refresh_ms = min(asked_ms + REFRESH_AGE_SECS * 1000, self._expires_ms)
        self._token = token
        self._refresh_later((self._refresh_ms - asked_ms) / 1000)
        return token

    def _refresh_later(self, delay_secs: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(delay_secs, self._start_refresh)

    async def _ask(self, timestamp: int) -> bytes:
        key = self._signer.sign_in_key
        if key is not None:
            return await self._http.authenticate_ethereum(
                self._signer.account_address, key.sign_in_headers(self._l1_chain_id, timestamp)
            )
        expiration = timestamp + SIGNATURE_LIFETIME_SECS
        return await self._http.authenticate(
            self._signer.account_address,
            self._signer.public_key_hex,
            self._signer.sign_auth(timestamp, expiration),
            timestamp,
            expiration,
            is_interactive=self._is_interactive,
        )

    async def _explain(self, error: RequestRejected) -> ParadexError:
        if error.code == "INVALID_TIMESTAMP":
            # Without the venue's time its refusal must do.
            with contextlib.suppress(ParadexError):
                offset_ms = await measure_clock_offset_ms(self._http, self._now_ms)
                if abs(offset_ms) >= CLOCK_OFFSET_NOTABLE_MS:
                    return ClockSkewed(offset_ms, self._recv_window_ms)
        return AuthenticationError(error.operation, error.status, error.code, error.message)
