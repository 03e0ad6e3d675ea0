"""However requests come, no window holds more than the limit allows."""

from hypothesis import given, settings
from hypothesis import strategies as st

from paradex_adapter.venue.rate_limits import TokenBucket


@settings(max_examples=200)
@given(
    limit=st.integers(1, 20),
    window=st.floats(0.5, 60.0),
    gaps=st.lists(st.floats(0.0, 10.0), min_size=1, max_size=80),
)
def test_no_more_than_a_burst_and_the_refill_pass_in_any_span(
    limit: int, window: float, gaps: list[float]
) -> None:
    now = 0.0
    bucket = TokenBucket(limit, window, now)
    sent: list[float] = []
    for gap in gaps:
        now += gap
        wait = bucket.wait_secs(now)
        assert wait >= 0.0
        bucket.take()
        sent.append(now + wait)
    assert sent == sorted(sent), "one who came later was served earlier"
    for first in range(len(sent)):
        for last in range(first, len(sent)):
            allowed = limit + (sent[last] - sent[first]) * limit / window
            assert last - first + 1 <= allowed + 1e-6


@given(limit=st.integers(1, 1000), window=st.floats(0.1, 60.0), idle=st.floats(0.0, 1e6))
def test_idle_time_never_saves_up_more_than_one_burst(
    limit: int, window: float, idle: float
) -> None:
    bucket = TokenBucket(limit, window, 0.0)
    for _ in range(limit):
        assert bucket.wait_secs(idle) == 0.0
        bucket.take()
    assert bucket.wait_secs(idle) > 0.0
