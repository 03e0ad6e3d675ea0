"""JSON-RPC requests that wait for their reply on a websocket, and what a refusal means.

A reply is a result, a refusal, or ambiguous. `error_of` sorts the venue's error codes by who must
act; an internal error of the venue is ambiguous, for it may come after the work was done.
"""

import asyncio
from typing import Final

import orjson

from paradex_adapter.venue.errors import (
    AuthenticationError,
    NotSent,
    OutcomeUnknown,
    ParadexError,
    RateLimited,
    RequestRejected,
    excerpt,
)
from paradex_adapter.venue.transports import Transport
from paradex_adapter_core.messages.connection import RpcError, RpcResult

REQUEST_TIMEOUT_SECS: Final = 10.0
PENDING_REQUESTS_MAX: Final = 1024

INTERNAL_ERROR: Final = -32603
RATE_LIMITED: Final = 42901
NOT_AUTHORIZED: Final = frozenset([40110, 40111, 40112, 40300])
RATE_LIMITED_WAIT_SECS: Final = 1.0


class RpcRefused(RequestRejected):
    """The venue refused one request over the websocket, definitively.

    Parameters
    ----------
    operation : str
        The RPC method.
    rpc_code : int
        The JSON-RPC error code; also found as ``status``.
    message : str
        The venue's text.
    data : str
        Its further detail, "" when there is none.
    """

    def __init__(self, operation: str, rpc_code: int, message: str, data: str) -> None:
        text = f"{message}: {data}" if data else message
        super().__init__(operation, rpc_code, "", text)
        self.rpc_code: Final = rpc_code
        self.data: Final = excerpt(data)


class PendingRequests:
    """The requests of one connection that await their reply, at most `PENDING_REQUESTS_MAX`.

    Attributes
    ----------
    unmatched : int
        Replies that nobody awaited: late ones, and errors that name no request.
    """

    def __init__(self) -> None:
        self.unmatched = 0
        self._waiting: Final[dict[int, tuple[str, asyncio.Future[bytes]]]] = {}
        self._last_id = 0

    def __len__(self) -> int:
        return len(self._waiting)

    async def send(
        self, transport: Transport, method: str, params: dict[str, object], timeout_secs: float
    ) -> bytes:
        """Send one request and return the JSON text of its result.

        Raises
        ------
        NotSent, OutcomeUnknown, RpcRefused, AuthenticationError, RateLimited
            See `websocket.WebSocketConnection.request`.
        """
        if len(self._waiting) >= PENDING_REQUESTS_MAX:
            raise NotSent(method, f"{PENDING_REQUESTS_MAX} requests already await their reply")
        self._last_id += 1
        request_id = self._last_id
        text = orjson.dumps(
            {"jsonrpc": "2.0", "method": method, "params": params, "id": request_id}
        )
        reply: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[request_id] = (method, reply)
        try:
            async with asyncio.timeout(timeout_secs):
                await transport.send(text)
                return await reply
        except TimeoutError:
            raise OutcomeUnknown(method, f"no reply in {timeout_secs:g} s") from None
        finally:
            del self._waiting[request_id]
            # When the sending itself failed nobody is left to take what the reply became.
            if not reply.cancel() and not reply.cancelled():
                reply.exception()

    def resolve(self, answer: RpcResult | RpcError) -> None:
        """Hand an answer to whoever awaits it."""
        method, reply = self._waiting.get(answer.request_id, ("", None))
        if reply is None or reply.done():
            self.unmatched += 1
        elif isinstance(answer, RpcResult):
            reply.set_result(answer.result)
        else:
            reply.set_exception(error_of(method, answer))

    def fail(self, reason: str) -> None:
        """Tell every waiting request that its outcome is unknown: the connection is lost."""
        for method, reply in self._waiting.values():
            if not reply.done():
                reply.set_exception(OutcomeUnknown(method, reason))


def error_of(method: str, answer: RpcError) -> ParadexError:
    """Return the error of the layer that an RPC error answer means."""
    if answer.code == INTERNAL_ERROR:
        return OutcomeUnknown(method, f"internal error of the venue: {answer.message}")
    if answer.code == RATE_LIMITED:
        return RateLimited(method, RATE_LIMITED_WAIT_SECS)
    if answer.code in NOT_AUTHORIZED:
        return AuthenticationError(method, answer.code, "", answer.message)
    return RpcRefused(method, answer.code, answer.message, answer.data)
