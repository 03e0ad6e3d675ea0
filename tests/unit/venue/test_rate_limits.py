"""The venue's limits, on a clock of the test's own."""

import asyncio

import pytest

from paradex_adapter.venue.errors import RateLimited
from paradex_adapter.venue.rate_limits import (
    LEARNED_LIMIT_MAX,
    RETRY_AFTER_SECS_DEFAULT,
    RETRY_AFTER_SECS_MAX,
    RateLimits,
    Scope,
)


class SteppedTime:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.sleeps: list[float] = []

    def clock(self) -> float:
        return self.now

    async def sleep(self, secs: float) -> None:
        self.sleeps.append(secs)
        self.now += secs


@pytest.fixture
def stepped() -> SteppedTime:
    return SteppedTime()


@pytest.fixture
def limits(stepped: SteppedTime) -> RateLimits:
    return RateLimits(stepped.clock, stepped.sleep)


@pytest.mark.parametrize(
    ("scope", "burst", "per_sec"),
    [
        (Scope.PUBLIC, 1500, 25.0),
        (Scope.AUTH, 600, 10.0),
        (Scope.PRIVATE_READ, 120, 120.0),
        (Scope.ORDERS, 800, 800.0),
        (Scope.ORDER_RPC, 800, 800.0),
    ],
)
async def test_a_burst_passes_and_the_next_request_waits_for_its_turn(
    limits: RateLimits, stepped: SteppedTime, scope: Scope, burst: int, per_sec: float
) -> None:
    for _ in range(burst):
        await limits.acquire(scope)
    assert stepped.sleeps == []
    await limits.acquire(scope)
    assert stepped.sleeps == [pytest.approx(1 / per_sec)]


@pytest.mark.parametrize(
    ("scope", "limit"),
    [(Scope.PRIVATE_READ, 600), (Scope.ORDERS, 1500), (Scope.ORDER_RPC, 17_250)],
)
async def test_the_longer_window_binds_too(
    limits: RateLimits, stepped: SteppedTime, scope: Scope, limit: int
) -> None:
    """Orders over HTTP also count against the address; over the websocket they do not."""
    for _ in range(limit * 2):
        await limits.acquire(scope)
    # The first `limit` came from the full bucket, the rest at its rate.
    assert stepped.now - 1000.0 == pytest.approx(60.0, rel=0.02)


async def test_scopes_do_not_eat_from_each_other(limits: RateLimits, stepped: SteppedTime) -> None:
    for _ in range(1500):
        await limits.acquire(Scope.PUBLIC)
    await limits.acquire(Scope.AUTH)
    await limits.acquire(Scope.PRIVATE_READ)
    await limits.acquire(Scope.ORDERS)
    assert stepped.sleeps == []


async def test_websocket_and_http_orders_share_the_pool_of_the_account(
    limits: RateLimits, stepped: SteppedTime
) -> None:
    for _ in range(800):
        await limits.acquire(Scope.ORDER_RPC)
    await limits.acquire(Scope.ORDERS)
    assert stepped.sleeps == [pytest.approx(1 / 800)]


async def test_another_account_shares_the_address_and_nothing_else(
    limits: RateLimits, stepped: SteppedTime
) -> None:
    other = limits.for_another_account()
    for _ in range(120):
        await limits.acquire(Scope.PRIVATE_READ)
    await other.acquire(Scope.PRIVATE_READ)
    assert stepped.sleeps == []
    for _ in range(1500):
        await limits.acquire(Scope.PUBLIC)
    await other.acquire(Scope.PUBLIC)
    assert stepped.sleeps == [pytest.approx(1 / 25)]


async def test_a_wait_beyond_the_bound_is_refused_at_once_and_costs_nothing(
    limits: RateLimits, stepped: SteppedTime
) -> None:
    for _ in range(600):
        await limits.acquire(Scope.AUTH)
    with pytest.raises(RateLimited) as caught:
        await limits.acquire(Scope.AUTH, wait_secs_max=0.05)
    assert caught.value.operation == "auth"
    assert caught.value.retry_after_secs == pytest.approx(0.1)
    await limits.acquire(Scope.AUTH, wait_secs_max=0.11)
    assert stepped.sleeps == [pytest.approx(0.1)]


async def test_those_who_wait_are_served_in_their_order() -> None:
    time = SteppedTime()
    gates: list[tuple[float, asyncio.Event]] = []

    async def sleep(secs: float) -> None:
        gate = asyncio.Event()
        gates.append((secs, gate))
        await gate.wait()

    limits = RateLimits(time.clock, sleep)
    for _ in range(600):
        await limits.acquire(Scope.AUTH)
    waiting = [asyncio.create_task(limits.acquire(Scope.AUTH)) for _ in range(3)]
    await asyncio.sleep(0)
    assert [secs for secs, _ in gates] == [pytest.approx(s) for s in (0.1, 0.2, 0.3)]
    # One who gives up leaves the place to those who come later.
    waiting[2].cancel()
    await asyncio.sleep(0)
    later = asyncio.create_task(limits.acquire(Scope.AUTH))
    await asyncio.sleep(0)
    assert gates[-1][0] == pytest.approx(0.3)
    for _, gate in gates:
        gate.set()
    await asyncio.gather(waiting[0], waiting[1], later)


async def test_a_429_holds_the_scope_back_for_as_long_as_it_asks(
    limits: RateLimits, stepped: SteppedTime
) -> None:
    assert limits.observe(Scope.PUBLIC, 429, {"retry-after": "3"}) == 3
    await limits.acquire(Scope.PUBLIC)
    assert stepped.sleeps == [pytest.approx(3.0)]
    await limits.acquire(Scope.AUTH)
    assert len(stepped.sleeps) == 1


@pytest.mark.parametrize(
    ("text", "pause"),
    [
        (None, RETRY_AFTER_SECS_DEFAULT),
        ("soon", RETRY_AFTER_SECS_DEFAULT),
        ("-5", RETRY_AFTER_SECS_DEFAULT),
        ("\u0663", RETRY_AFTER_SECS_DEFAULT),
        ("9" * 5000, RETRY_AFTER_SECS_DEFAULT),
        ("86400", RETRY_AFTER_SECS_MAX),
    ],
)
def test_a_pause_that_makes_no_sense_is_bounded(
    limits: RateLimits, text: str | None, pause: float
) -> None:
    headers = {} if text is None else {"retry-after": text}
    assert limits.observe(Scope.PUBLIC, 429, headers) == pause


async def test_a_lower_remainder_is_believed_and_a_higher_one_is_not(
    limits: RateLimits, stepped: SteppedTime
) -> None:
    headers = {
        "x-ratelimit-limit": "1500",
        "x-ratelimit-window": "60",
        "x-ratelimit-remaining": "2",
    }
    assert limits.observe(Scope.PUBLIC, 200, headers) == 0.0
    await limits.acquire(Scope.PUBLIC)
    await limits.acquire(Scope.PUBLIC)
    assert stepped.sleeps == []
    limits.observe(Scope.PUBLIC, 200, {**headers, "x-ratelimit-remaining": "1400"})
    await limits.acquire(Scope.PUBLIC)
    assert stepped.sleeps == [pytest.approx(1 / 25)]


async def test_a_changed_limit_is_learned_for_the_bucket_of_that_window(
    limits: RateLimits, stepped: SteppedTime
) -> None:
    headers = {"x-ratelimit-limit": "10", "x-ratelimit-window": "1"}
    limits.observe(Scope.PRIVATE_READ, 200, headers)
    for _ in range(11):
        await limits.acquire(Scope.PRIVATE_READ)
    assert stepped.sleeps == [pytest.approx(0.1)]


async def test_of_two_buckets_with_one_window_the_limit_tells_which_is_meant(
    limits: RateLimits, stepped: SteppedTime
) -> None:
    """600 a minute are the account's, 1500 a minute the address's."""
    headers = {
        "x-ratelimit-limit": "1500",
        "x-ratelimit-window": "60",
        "x-ratelimit-remaining": "0",
    }
    limits.observe(Scope.PRIVATE_READ, 200, headers)
    await limits.for_another_account().acquire(Scope.PRIVATE_READ)
    assert stepped.sleeps == [pytest.approx(60 / 1500)]


@pytest.mark.parametrize(
    "headers",
    [
        {"x-ratelimit-limit": "0", "x-ratelimit-window": "60"},
        {"x-ratelimit-limit": str(LEARNED_LIMIT_MAX + 1), "x-ratelimit-window": "60"},
        {"x-ratelimit-limit": "many", "x-ratelimit-window": "60"},
        {"x-ratelimit-limit": "1", "x-ratelimit-window": "77"},
        {"x-ratelimit-remaining": "0"},
    ],
)
async def test_headers_that_make_no_sense_change_nothing(
    limits: RateLimits, stepped: SteppedTime, headers: dict[str, str]
) -> None:
    limits.observe(Scope.PUBLIC, 200, headers)
    for _ in range(1500):
        await limits.acquire(Scope.PUBLIC)
    assert stepped.sleeps == []
    await limits.acquire(Scope.PUBLIC)
    assert stepped.sleeps == [pytest.approx(1 / 25)]


async def test_a_retail_trader_is_counted_by_orders_not_by_requests(
    limits: RateLimits, stepped: SteppedTime
) -> None:
    await limits.acquire_retail(9, 0.0)
    limits.limit_as_retail()
    limits.limit_as_retail()
    await limits.acquire_retail(3, 10.0)
    # Three orders: one at once, and one each half second.
    assert sum(stepped.sleeps) == pytest.approx(1.0)
    with pytest.raises(RateLimited):
        await limits.acquire_retail(9, 1.0)
    # What is no order, such as a cancel, is not held back.
    await limits.acquire(Scope.ORDERS, 0.0)
    await limits.acquire(Scope.ORDER_RPC, 0.0)


async def test_headers_do_not_change_the_limits_of_a_retail_trader(
    limits: RateLimits, stepped: SteppedTime
) -> None:
    limits.limit_as_retail()
    for window in ("1", "60", "3600", "86400"):
        headers = {"x-ratelimit-limit": "9999", "x-ratelimit-window": window}
        limits.observe(Scope.ORDERS, 200, headers)
    sent = 0
    while stepped.now < 1060.0:
        await limits.acquire_retail(1, 60.0)
        sent += 1
    assert sent <= 31


async def test_the_last_quarter_of_a_limit_is_not_to_spare(
    limits: RateLimits, stepped: SteppedTime
) -> None:
    # 120 a second never bind here; of 600 a minute 450 are used.
    for _ in range(45):
        for _ in range(10):
            assert limits.has_to_spare(Scope.PRIVATE_READ)
            await limits.acquire(Scope.PRIVATE_READ)
        stepped.now += 0.09
    while limits.has_to_spare(Scope.PRIVATE_READ):
        await limits.acquire(Scope.PRIVATE_READ)
    assert stepped.sleeps == []
    stepped.now += 1.0
    assert limits.has_to_spare(Scope.PRIVATE_READ)
    limits.observe(Scope.PRIVATE_READ, 429, {"Retry-After": "1"})
    assert not limits.has_to_spare(Scope.PRIVATE_READ)
