"""Delays between tries: bounded, growing, and spread."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from paradex_adapter.venue.retry import Backoff, Verdict, classify


@given(
    initial_ms=st.integers(0, 10_000),
    extra_ms=st.integers(0, 100_000),
    attempt=st.integers(0, 10_000),
    seed=st.integers(0, 2**32),
)
def test_a_delay_is_at_most_its_ceiling(
    initial_ms: int, extra_ms: int, attempt: int, seed: int
) -> None:
    backoff = Backoff(initial_ms, initial_ms + extra_ms, Random(seed))
    delay_ms = backoff.delay_secs(attempt) * 1000
    ceiling = min(initial_ms * 2 ** min(attempt, 40), initial_ms + extra_ms)
    assert 0 <= delay_ms <= ceiling + 1e-6


@given(seed=st.integers(0, 2**32))
def test_delays_use_the_whole_range(seed: int) -> None:
    backoff = Backoff(1000, 1000, Random(seed))
    delays = [backoff.delay_secs(0) for _ in range(200)]
    assert min(delays) < 0.2
    assert max(delays) > 0.8


@given(status=st.integers(100, 599), code=st.text(max_size=40))
def test_every_answer_has_a_verdict_and_no_server_failure_is_a_rejection(
    status: int, code: str
) -> None:
    verdict = classify(status, code)
    if status >= 500 and not code:
        assert verdict is Verdict.UNAVAILABLE
