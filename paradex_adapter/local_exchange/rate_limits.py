"""The venue's request budgets, shown in headers on every REST answer and enforced on demand."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from paradex_adapter.local_exchange.sequences import Clock

WINDOW_SECS: Final = 60
PUBLIC_MAX: Final = 1500
AUTH_MAX: Final = 600
PRIVATE_GET_MAX: Final = 600
ORDERS_MAX: Final = 17_250
BUCKETS_MAX: Final = 10_000
_PRIVATE: Final = (
    "/v1/account",
    "/v1/algo/orders",
    "/v1/orders",
    "/v1/fills",
    "/v1/positions",
    "/v1/balance",
)


@dataclass(slots=True)
class Bucket:
    """A token bucket that refills continuously."""

    limit: int
    level: float
    refilled_ms: int


class RateLimits:
    """One bucket per caller and kind of request."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: OrderedDict[tuple[str, str], Bucket] = OrderedDict()

    def spend(self, caller: str, kind: str, limit: int) -> tuple[bool, dict[str, str]]:
        """Take one request off a budget; return whether it was there, and the headers."""
        now_ms = self._clock.now_ms()
        bucket = self._buckets.setdefault((caller, kind), Bucket(limit, limit, now_ms))
        while len(self._buckets) > BUCKETS_MAX:
            self._buckets.popitem(last=False)
        elapsed_ms = max(0, now_ms - bucket.refilled_ms)
        bucket.level = min(limit, bucket.level + elapsed_ms * limit / (WINDOW_SECS * 1000))
        bucket.refilled_ms = now_ms
        has_budget = bucket.level >= 1
        if has_budget:
            bucket.level -= 1
        wait_secs = int((limit - bucket.level) * WINDOW_SECS / limit) + 1
        headers = {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(int(bucket.level)),
            "X-RateLimit-Reset": str(now_ms // 1000 + wait_secs),
            "X-RateLimit-Window": str(WINDOW_SECS),
        }
        if not has_budget:
            headers["Retry-After"] = "1"
        return has_budget, headers


def budget_of(method: str, path: str) -> tuple[str, int]:
    """Return the kind of a request and its budget per minute."""
    if method == "POST" and path.startswith(
        ("/v1/auth", "/v1/onboarding", "/v2/auth", "/v2/onboarding")
    ):
        return "auth", AUTH_MAX
    if path.startswith(("/v1/orders", "/v1/algo/orders")) and method != "GET":
        return "orders", ORDERS_MAX
    if path.startswith(_PRIVATE):
        return "private", PRIVATE_GET_MAX
    return "public", PUBLIC_MAX
