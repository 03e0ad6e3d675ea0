"""The venue's request limits, kept on our side so that they are not met on the venue's.

Each scope draws on one or more token buckets that refill continuously: some belong to the account,
some to the network address. `RateLimits` holds both; whoever opens a second connection for the same
account shares the object, and for another account behind the same address calls
`for_another_account`.

The limits are the documented ones; the headers of the answers correct them.

Specification: https://docs.paradex.trade, "Rate limits".
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from typing import Final, final

from paradex_adapter.venue.errors import RateLimited

# The longest a caller is held back by default, in seconds; beyond it the caller is told instead.
ACQUIRE_WAIT_SECS_MAX: Final = 10.0
# The longest pause, in seconds, an answer can impose, whatever it asks for.
RETRY_AFTER_SECS_MAX: Final = 120.0
# The pause after a 429 that names none, in seconds.
RETRY_AFTER_SECS_DEFAULT: Final = 1.0
# Orders a retail trader may send, and the window of each limit, in seconds.
RETAIL_LIMITS: Final = ((3, 1.0), (30, 60.0), (300, 3600.0), (1000, 86_400.0))
# The part of a limit that is left to what decides orders.
RESERVE_PART: Final = 4
# A limit learned from a header is believed up to here.
LEARNED_LIMIT_MAX: Final = 1_000_000


class Scope(Enum):
    """What a request counts against."""

    PUBLIC = "public"
    AUTH = "auth"
    PRIVATE_READ = "private read"
    ORDERS = "orders"  # POST, PUT and DELETE of orders over HTTP.
    ORDER_RPC = "order RPC"  # The same over the websocket: the account's pool, no address pool.


@final
class TokenBucket:
    """So many requests per window, refilled continuously.

    Parameters
    ----------
    limit : int
        Requests per window, and the largest burst.
    window_secs : float
        Length of the window, in seconds.
    now : float
        The monotonic clock, in seconds.
    """

    __slots__ = ("_blocked_until", "_level", "_updated", "limit", "window_secs")

    def __init__(self, limit: int, window_secs: float, now: float) -> None:
        self.limit = limit
        self.window_secs: Final = window_secs
        self._level = float(limit)
        self._updated = now
        self._blocked_until = now

    def wait_secs(self, now: float, number: int = 1) -> float:
        """Return how long requests must wait if they are taken now, in seconds."""
        self._refill(now)
        debt = number - self._level
        # Those already waiting hold the level below zero, which puts a newcomer behind them.
        owed = debt * self.window_secs / self.limit if debt > 0.0 else 0.0
        return max(owed, self._blocked_until - now, 0.0)

    def take(self, number: int = 1) -> None:
        """Take requests, in advance when the bucket is empty."""
        self._level -= number

    def give_back(self, number: int = 1) -> None:
        """Return requests that were taken and never sent."""
        self._level += number

    def block(self, secs: float, now: float) -> None:
        """Hold every request for `secs` from `now`."""
        self._refill(now)
        self._level = min(self._level, 0.0)
        self._blocked_until = max(self._blocked_until, now + secs)

    def learn(self, limit: int | None, remaining: int | None, now: float) -> None:
        """Take over the limit and, when it is lower than ours, the remainder of an answer."""
        self._refill(now)
        if limit is not None:
            self.limit = limit
            self._level = min(self._level, float(limit))
        if remaining is not None:
            self._level = min(self._level, float(remaining))

    def _refill(self, now: float) -> None:
        gained = (now - self._updated) * self.limit / self.window_secs
        self._level = min(float(self.limit), self._level + gained)
        self._updated = now


@final
class _AddressBuckets:
    """The buckets of one network address, over all accounts."""

    __slots__ = ("auth", "private", "public")

    def __init__(self, now: float) -> None:
        self.public: Final = TokenBucket(1500, 60.0, now)
        self.auth: Final = TokenBucket(600, 60.0, now)
        self.private: Final = TokenBucket(1500, 60.0, now)


@final
class RateLimits:
    """The limits of one account behind one network address.

    Parameters
    ----------
    clock : Callable[[], float]
        A monotonic clock, in seconds.
    sleep : Callable[[float], Awaitable[None]]
        Waits for so many seconds.
    """

    __slots__ = ("_address", "_buckets", "_clock", "_retail", "_sleep")

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        _address: _AddressBuckets | None = None,
    ) -> None:
        now = clock()
        self._clock: Final = clock
        self._sleep: Final = sleep
        self._address: Final = _address or _AddressBuckets(now)
        # Of orders; headers do not speak of them.
        self._retail: tuple[TokenBucket, ...] = ()
        orders = (TokenBucket(800, 1.0, now), TokenBucket(17_250, 60.0, now))
        reads = (TokenBucket(120, 1.0, now), TokenBucket(600, 60.0, now))
        self._buckets: Final[dict[Scope, tuple[TokenBucket, ...]]] = {
            Scope.PUBLIC: (self._address.public,),
            Scope.AUTH: (self._address.auth,),
            Scope.PRIVATE_READ: (*reads, self._address.private),
            Scope.ORDERS: (*orders, self._address.private),
            Scope.ORDER_RPC: orders,
        }

    def limit_as_retail(self) -> None:
        """Keep orders below the limits of a retail trader, past which the venue knows none."""
        if self._retail:
            return
        now = self._clock()
        # A burst of half the limit, the rest in the course of the window: the limit holds over any
        # window, since an order beyond it is not refused but counts as a professional's.
        self._retail = tuple(
            TokenBucket(limit // 2, window * (limit // 2) / (limit - limit // 2), now)
            for limit, window in RETAIL_LIMITS
        )

    def for_another_account(self) -> "RateLimits":
        """Return the limits of another account behind the same address."""
        return RateLimits(self._clock, self._sleep, self._address)

    async def acquire(self, scope: Scope, wait_secs_max: float = ACQUIRE_WAIT_SECS_MAX) -> None:
        """Wait until one request of `scope` may be sent; callers are served in their order.

        Raises
        ------
        RateLimited
            At once, if the wait would be longer than `wait_secs_max`.
        """
        await self._draw(self._buckets[scope], 1, scope.value, wait_secs_max)

    def has_to_spare(self, scope: Scope) -> bool:
        """Return whether more than a quarter is left of every limit of `scope`."""
        now = self._clock()
        return all(
            bucket.wait_secs(now, bucket.limit // RESERVE_PART) == 0.0
            for bucket in self._buckets[scope]
        )

    async def acquire_retail(
        self, number: int, wait_secs_max: float, *, only_reduce: bool = False
    ) -> None:
        """Wait until a retail trader may send so many orders; others need not wait.

        Beside `acquire`, and for orders and changes alone: cancels are not counted, and a batch
        counts as many times as it has orders. Orders that `only_reduce` a position go whatever it
        costs: past the limits they are a professional's, for a fee.

        Raises
        ------
        RateLimited
            As `acquire`.
        """
        if not self._retail:
            return
        try:
            await self._draw(self._retail, number, "retail orders", wait_secs_max)
        except RateLimited:
            if not only_reduce:
                raise

    async def _draw(
        self, buckets: tuple[TokenBucket, ...], number: int, what: str, wait_secs_max: float
    ) -> None:
        now = self._clock()
        wait = max(bucket.wait_secs(now, number) for bucket in buckets)
        if wait > wait_secs_max:
            raise RateLimited(what, wait)
        for bucket in buckets:
            bucket.take(number)
        if wait <= 0.0:
            return
        try:
            await self._sleep(wait)
        except asyncio.CancelledError:
            for bucket in buckets:
                bucket.give_back(number)
            raise

    def observe(self, scope: Scope, status: int, headers: Mapping[str, str]) -> float:
        """Learn from the headers of an answer; return the pause it asks for, in seconds.

        Parameters
        ----------
        scope : Scope
            What the request counted against.
        status : int
            HTTP status; 429 holds the whole scope back.
        headers : Mapping[str, str]
            The headers, looked up without regard to case. `X-RateLimit-Limit`, `-Remaining` and
            `-Window` correct the bucket they describe, `Retry-After` gives the pause. Values that
            make no sense are ignored.
        """
        now = self._clock()
        buckets = self._buckets[scope]
        limit = _find_int(headers, "x-ratelimit-limit", 1)
        remaining = _find_int(headers, "x-ratelimit-remaining", 0)
        window = _find_int(headers, "x-ratelimit-window", 1)
        described = [bucket for bucket in buckets if bucket.window_secs == window]
        if described:
            # Two buckets may share a window; the limit tells them apart.
            bucket = next((b for b in described if b.limit == limit), described[0])
            bucket.learn(limit, remaining, now)
        if status != 429:
            return 0.0
        asked = _find_int(headers, "retry-after", 0)
        pause = min(RETRY_AFTER_SECS_DEFAULT if asked is None else asked, RETRY_AFTER_SECS_MAX)
        for bucket in buckets:
            bucket.block(pause, now)
        return pause


def _find_int(headers: Mapping[str, str], name: str, low: int) -> int | None:
    text = headers.get(name, "")
    # Nine digits: enough for every limit, and no work for a header of a megabyte.
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        return None
    value = int(text)
    return value if low <= value <= LEARNED_LIMIT_MAX else None
