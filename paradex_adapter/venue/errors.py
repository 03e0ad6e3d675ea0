"""What can go wrong between this adapter and the venue, split by who must act.

::

    ParadexError
    ├─ ConfigurationError       the user changes a setting
    │   └─ ClockSkewed          the user sets the clock of this machine
    ├─ InvalidRequest           deny locally: the request has no form the venue could accept
    ├─ AuthenticationError      the token was refreshed in vain, or the key is not welcome
    ├─ RequestRejected          the venue said no, with a code and a text
    ├─ RateLimited              wait `retry_after_secs`
    ├─ NotSent                  a command that provably did not reach the venue
    ├─ OutcomeUnknown           a command that the venue may have carried out: ask it
    ├─ VenueUnavailable         a read that failed, retries included
    └─ MalformedReply           a reply that cannot be read

After a command (POST, PUT, DELETE) every member but `OutcomeUnknown` means that the venue did not
carry it out. Errors carry fields; the wording is built in ``__str__``. No field ever holds a key, a
token or a signature, and text of the venue is cut to `EXCERPT_CHARS_MAX` characters.
"""

from typing import Final

EXCERPT_CHARS_MAX: Final = 200


def excerpt(text: str) -> str:
    """Return `text` cut to `EXCERPT_CHARS_MAX` characters, with unprintable ones blanked."""
    return "".join(c if c.isprintable() else " " for c in text[:EXCERPT_CHARS_MAX]).strip()


class ParadexError(Exception):
    """Base of every error of the venue layer."""


class ConfigurationError(ParadexError):
    """A setting the user must change.

    Parameters
    ----------
    setting : str
        The setting at fault, by the name the user knows it by.
    remedy : str
        One sentence that says what is wrong and what to do. Never the value of a secret.
    """

    def __init__(self, setting: str, remedy: str) -> None:
        super().__init__(setting, remedy)
        self.setting: Final = setting
        self.remedy: Final = remedy

    def __str__(self) -> str:
        return f"{self.setting}: {self.remedy}"


class ClockSkewed(ConfigurationError):
    """The clock of this machine is too far from the venue's.

    Parameters
    ----------
    offset_ms : int
        The venue's clock minus ours, in milliseconds.
    limit_ms : int
        The largest offset either way that the venue's receive window allows, in milliseconds.
    """

    def __init__(self, offset_ms: int, limit_ms: int) -> None:
        super().__init__("system clock", "")
        self.offset_ms: Final = offset_ms
        self.limit_ms: Final = limit_ms

    def __str__(self) -> str:
        side = "behind" if self.offset_ms > 0 else "ahead of"
        return (
            f"the clock of this machine is {abs(self.offset_ms)} ms {side} the venue's and may "
            f"differ by {self.limit_ms} ms: synchronize it (NTP) and start again"
        )


class InvalidRequest(ParadexError):
    """A request with no form the venue could accept; nothing was sent.

    Parameters
    ----------
    field : str
        The field at fault.
    reason : str
        Why it cannot be sent or signed.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.field: Final = field
        self.reason: Final = reason

    def __str__(self) -> str:
        return f"{self.field} {self.reason}"


class _VenueAnswer(ParadexError):
    """An error answer of the venue: the status, its code ("" when there is none) and its text."""

    def __init__(self, operation: str, status: int, code: str, message: str) -> None:
        super().__init__(operation, status, code, message)
        self.operation: Final = operation
        self.status: Final = status
        self.code: Final = excerpt(code)
        self.message: Final = excerpt(message)

    def _answer(self) -> str:
        return " ".join(part for part in (str(self.status), self.code, self.message) if part)


class AuthenticationError(_VenueAnswer):
    """The venue accepts neither the token nor a fresh one, or does not admit the account or key.

    Parameters
    ----------
    operation : str
        Method and path.
    status : int
        HTTP status.
    code, message : str
        The venue's error code ("" when it gave none) and text.
    """

    def __str__(self) -> str:
        return (
            f"{self.operation}: not authorized ({self._answer()}); check account address, "
            "private key and environment"
        )


class RequestRejected(_VenueAnswer):
    """The venue said no, definitively. Fields as in `AuthenticationError`."""

    def __str__(self) -> str:
        return f"{self.operation}: rejected ({self._answer()})"


class RateLimited(ParadexError):
    """The request rate is exhausted; the request was not carried out.

    Parameters
    ----------
    operation : str
        Method and path, or the scope whose own limiter refused to wait that long.
    retry_after_secs : float
        How long to wait before the next attempt, in seconds.
    """

    def __init__(self, operation: str, retry_after_secs: float) -> None:
        super().__init__(operation, retry_after_secs)
        self.operation: Final = operation
        self.retry_after_secs: Final = retry_after_secs

    def __str__(self) -> str:
        return f"{self.operation}: rate limited, retry after {self.retry_after_secs:.3g} s"


class _OperationFailed(ParadexError):
    """An operation and why it failed."""

    def __init__(self, operation: str, reason: str) -> None:
        super().__init__(operation, reason)
        self.operation: Final = operation
        self.reason: Final = excerpt(reason)


class NotSent(_OperationFailed):
    """A command that provably did not reach the venue: no connection was made.

    Parameters
    ----------
    operation : str
        Method and path.
    reason : str
        What failed.
    """

    def __str__(self) -> str:
        return f"{self.operation}: not sent ({self.reason})"


class OutcomeUnknown(_OperationFailed):
    """A command the venue may have carried out: no answer, or one that does not tell.

    Never a rejection. Ask the venue, by client order id, before sending it again. Fields as in
    `NotSent`.
    """

    def __str__(self) -> str:
        return f"{self.operation}: outcome unknown ({self.reason})"


class VenueUnavailable(_OperationFailed):
    """A read the venue did not answer, retries included. Fields as in `NotSent`."""

    def __str__(self) -> str:
        return f"{self.operation}: venue unavailable ({self.reason})"


class MalformedReply(_OperationFailed):
    """A reply that cannot be read. Fields as in `NotSent`."""

    def __str__(self) -> str:
        return f"{self.operation}: malformed reply ({self.reason})"
