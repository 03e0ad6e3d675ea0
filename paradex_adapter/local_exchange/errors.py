"""What the venue says when it refuses: an error word, a sentence, and a status or code.

VenueError
    a refused request: the venue's word (``error``), its ``message`` and its HTTP status.
RpcError
    a refused JSON-RPC message, with the code of the protocol.
"""

from __future__ import annotations

from typing import Final

#: Errors whose HTTP status is not 400.
STATUS: Final[dict[str, int]] = {
    "INVALID_TOKEN": 401,
    "UNAUTHORIZED_ERROR": 401,
    "STARKNET_SIGNATURE_VERIFICATION_FAILED": 401,
    "INVALID_STARKNET_SIGNATURE": 401,
    "PUBLIC_KEY_INVALID": 401,
    "INVALID_TOKEN_SCOPE": 403,
    "MMP_NOT_ENABLED": 403,
    "NOT_FOUND": 404,
    "INTERNAL_ERROR": 500,
    "SERVICE_UNAVAILABLE": 503,
}

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
METHOD_ERROR: Final = 100
MALFORMED_BEARER: Final = 40110
INVALID_BEARER: Final = 40111
NOT_AUTHENTICATED: Final = 40300


class VenueError(Exception):
    """A request the venue refuses."""

    def __init__(self, error: str, message: str, status: int | None = None) -> None:
        super().__init__(error, message)
        self.error = error
        self.message = message
        self.status = STATUS.get(error, 400) if status is None else status

    def __str__(self) -> str:
        return f"{self.error}: {self.message}"

    def body(self) -> dict[str, object]:
        """Return the JSON error body."""
        return {"error": self.error, "message": self.message, "data": None}


class RpcError(Exception):
    """A JSON-RPC message the venue refuses."""

    def __init__(self, code: int, message: str, data: str | None = None) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.data = data

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

    def body(self) -> dict[str, object]:
        """Return the ``error`` member of the reply."""
        body: dict[str, object] = {"code": self.code, "message": self.message}
        if self.data is not None:
            body["data"] = self.data
        return body
