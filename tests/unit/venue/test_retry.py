"""What an answer means, and how long to wait."""

from random import Random

import pytest

from paradex_adapter.venue.errors import ConfigurationError
from paradex_adapter.venue.retry import Backoff, Verdict, classify


@pytest.mark.parametrize(
    ("status", "code", "verdict"),
    [
        (400, "VALIDATION_ERROR", Verdict.REJECTED),
        (400, "DUPLICATED_CLIENT_ID", Verdict.REJECTED),
        (400, "A_CODE_NOBODY_KNOWS_YET", Verdict.REJECTED),
        (400, "", Verdict.REJECTED),
        (404, "NOT_FOUND", Verdict.REJECTED),
        (403, "MMP_NOT_ENABLED", Verdict.REJECTED),
        (401, "STARKNET_SIGNATURE_VERIFICATION_FAILED", Verdict.REJECTED),
        (401, "INVALID_TIMESTAMP", Verdict.REJECTED),
        (503, "SYSTEM_STATUS_CANCEL_ONLY", Verdict.REJECTED),
        (401, "INVALID_TOKEN", Verdict.REFRESH_TOKEN),
        (401, "UNAUTHORIZED_ERROR", Verdict.REFRESH_TOKEN),
        (400, "INVALID_TOKEN", Verdict.REFRESH_TOKEN),
        (401, "", Verdict.REFRESH_TOKEN),
        (403, "INVALID_TOKEN_SCOPE", Verdict.DENIED),
        (401, "GEO_IP_BLOCK", Verdict.DENIED),
        (400, "NOT_ONBOARDED", Verdict.DENIED),
        (429, "", Verdict.RATE_LIMITED),
        (429, "SOMETHING", Verdict.RATE_LIMITED),
        (400, "INTERNAL_ERROR", Verdict.UNAVAILABLE),
        (500, "", Verdict.UNAVAILABLE),
        (502, "VALIDATION_ERROR", Verdict.UNAVAILABLE),
        (503, "SERVICE_UNAVAILABLE", Verdict.UNAVAILABLE),
        (504, "", Verdict.UNAVAILABLE),
        (408, "", Verdict.UNAVAILABLE),
        (302, "", Verdict.UNAVAILABLE),
        (200, "", Verdict.UNAVAILABLE),
    ],
)
def test_verdict(status: int, code: str, verdict: Verdict) -> None:
    assert classify(status, code) is verdict


def test_the_same_seed_gives_the_same_delays() -> None:
    delays = [Backoff(100, 10_000, Random(7)).delay_secs(n) for n in range(5)]
    assert delays == [Backoff(100, 10_000, Random(7)).delay_secs(n) for n in range(5)]


@pytest.mark.parametrize(("initial_ms", "max_ms"), [(-1, 10), (11, 10)])
def test_delays_that_make_no_sense_are_refused(initial_ms: int, max_ms: int) -> None:
    with pytest.raises(ConfigurationError, match="retry_delay"):
        Backoff(initial_ms, max_ms, Random(1))
