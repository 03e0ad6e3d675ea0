"""What an error answer means, and how long to wait before asking again. Pure: no I/O, no clock."""

from enum import Enum
from random import Random
from typing import Final, final

from paradex_adapter.venue.errors import ConfigurationError

# 2**n milliseconds passes every delay a user could want long before this attempt.
_EXPONENT_MAX: Final = 32

_REFRESH_CODES: Final = frozenset({"INVALID_TOKEN", "UNAUTHORIZED_ERROR"})
_UNAVAILABLE_CODES: Final = frozenset({"INTERNAL_ERROR", "SERVICE_UNAVAILABLE"})
# The account or the key is not welcome, whoever holds a token.
_DENIED_CODES: Final = frozenset(
    {
        "ACCOUNT_NOT_FOUND",
        "GEO_IP_BLOCK",
        "INVALID_STARKNET_ADDRESS",
        "INVALID_SUBKEY",
        "INVALID_TOKEN_SCOPE",
        "IP_NOT_ALLOWED",
        "NOT_ONBOARDED",
        "PUBLIC_KEY_INVALID",
        "SUBKEY_NOT_ACTIVATABLE",
        "TOKEN_LIMIT_REACHED",
    }
)
# Definite refusals that the venue also gives with statuses of 401 or above 500.
_REJECTED_CODES: Final = frozenset(
    {
        "INVALID_ORDER_SIGNATURE",
        "INVALID_STARKNET_SIGNATURE",
        "INVALID_TIMESTAMP",
        "STARKNET_SIGNATURE_VERIFICATION_FAILED",
        "SYSTEM_STATUS_CANCEL_ONLY",
        "SYSTEM_STATUS_POST_ONLY",
    }
)


class Verdict(Enum):
    """What an answer other than success means for the request."""

    REJECTED = "rejected"  # The venue said no; the same request gets the same answer.
    DENIED = "denied"  # The account or the key is not admitted.
    REFRESH_TOKEN = "refresh_token"  # noqa: S105 - Not carried out; a fresh token may be accepted.
    RATE_LIMITED = "rate_limited"  # Not carried out; wait.
    UNAVAILABLE = "unavailable"  # A read may be retried; a command's outcome is unknown.


def classify(status: int, code: str) -> Verdict:
    """Return what an answer means.

    Parameters
    ----------
    status : int
        HTTP status outside 200-299.
    code : str
        The venue's error code, "" when the body had none. An unknown code is a rejection when the
        status is one: the venue's list grows.
    """
    if code in _REJECTED_CODES:
        return Verdict.REJECTED
    if code in _DENIED_CODES:
        return Verdict.DENIED
    if status == 429:
        return Verdict.RATE_LIMITED
    if code in _UNAVAILABLE_CODES or not 400 <= status < 500 or status == 408:
        return Verdict.UNAVAILABLE
    if status == 401 or code in _REFRESH_CODES:
        return Verdict.REFRESH_TOKEN
    return Verdict.REJECTED


@final
class Backoff:
    """Exponential delays with full jitter: each is drawn from zero to the attempt's ceiling.

    Parameters
    ----------
    initial_ms : int
        Ceiling of the first delay, in milliseconds.
    max_ms : int
        Ceiling of every delay, in milliseconds.
    rng : Random
        Where the jitter comes from.

    Raises
    ------
    ConfigurationError
        If a ceiling is negative or the first is above the last.
    """

    __slots__ = ("_initial_ms", "_max_ms", "_rng")

    def __init__(self, initial_ms: int, max_ms: int, rng: Random) -> None:
        if not 0 <= initial_ms <= max_ms:
            raise ConfigurationError(
                "retry_delay_initial_ms", "it must be from 0 to retry_delay_max_ms"
            )
        self._initial_ms: Final = initial_ms
        self._max_ms: Final = max_ms
        self._rng: Final = rng

    def delay_secs(self, attempt: int) -> float:
        """Return the delay after attempt number `attempt` (from 0), in seconds."""
        ceiling = min(self._max_ms, self._initial_ms << min(attempt, _EXPONENT_MAX))
        return self._rng.uniform(0.0, ceiling) / 1000.0
