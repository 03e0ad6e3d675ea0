"""Faults a test asks for: refusals, lost and late replies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: Stand for a method where the request is no plain HTTP request.
RPC: Final = "RPC"
WEBSOCKET: Final = "WS"


@dataclass(slots=True)
class Failure:
    """A canned refusal of the next requests that fit; they are not acted upon."""

    method: str
    path_prefix: str
    status: int
    body: dict[str, object] | str
    count: int


class Faults:
    """The faults that are armed."""

    def __init__(self) -> None:
        self.response_delay_secs = 0.0
        self._failures: list[Failure] = []
        self._lost: list[str] = []

    def fail_next(self, failure: Failure) -> None:
        """Refuse the next requests that fit."""
        self._failures.append(failure)

    def lose_next_response(self, prefix: str) -> None:
        """Act upon the next request that fits, then close the connection without a reply."""
        self._lost.append(prefix)

    def take_failure(self, method: str, path: str) -> Failure | None:
        """Return the refusal of this request, if one is armed, and count it."""
        for failure in self._failures:
            if failure.method == method and path.startswith(failure.path_prefix):
                failure.count -= 1
                if failure.count <= 0:
                    self._failures.remove(failure)
                return failure
        return None

    def take_loss(self, path: str) -> bool:
        """Return whether the reply to this request gets lost, and disarm it."""
        for prefix in self._lost:
            if path.startswith(prefix):
                self._lost.remove(prefix)
                return True
        return False
