"""The request budgets of the local exchange."""

import pytest

from paradex_adapter.local_exchange.rate_limits import BUCKETS_MAX, RateLimits, budget_of
from paradex_adapter.local_exchange.sequences import Clock


class StoppedClock(Clock):
    """A clock that only moves when it is told to."""

    def now_ns(self) -> int:
        return 1_700_000_000_000_000_000 + self.offset_ms * 1_000_000


def test_a_budget_is_spent_and_refills_continuously() -> None:
    clock = StoppedClock()
    limits = RateLimits(clock)
    spent = [limits.spend("me", "public", 60) for _ in range(61)]
    assert [has_budget for has_budget, _ in spent] == [True] * 60 + [False]
    assert spent[0][1]["X-RateLimit-Remaining"] == "59"
    assert spent[60][1]["X-RateLimit-Remaining"] == "0"
    assert spent[60][1]["Retry-After"] == "1"
    assert "Retry-After" not in spent[59][1]
    assert limits.spend("you", "public", 60)[0]
    assert limits.spend("me", "orders", 60)[0]
    clock.offset_ms = 1_000
    assert limits.spend("me", "public", 60)[0]
    assert not limits.spend("me", "public", 60)[0]
    clock.offset_ms = 500_000
    assert limits.spend("me", "public", 60)[1]["X-RateLimit-Remaining"] == "59"


def test_the_number_of_budgets_is_bounded() -> None:
    limits = RateLimits(StoppedClock())
    assert limits.spend("first", "public", 1) == limits.spend("other", "public", 1)
    assert not limits.spend("first", "public", 1)[0]
    for number in range(BUCKETS_MAX):
        limits.spend(str(number), "public", 1)
    # The first was forgotten and begins anew.
    assert limits.spend("first", "public", 1)[0]


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("GET", "/v1/markets", "public"),
        ("POST", "/v1/auth/0x1", "auth"),
        ("POST", "/v1/onboarding", "auth"),
        ("GET", "/v1/onboarding", "public"),
        ("POST", "/v1/orders", "orders"),
        ("DELETE", "/v1/orders/batch", "orders"),
        ("GET", "/v1/orders-history", "private"),
        ("GET", "/v1/account/info", "private"),
    ],
)
def test_each_request_draws_on_its_budget(method: str, path: str, kind: str) -> None:
    assert budget_of(method, path)[0] == kind
