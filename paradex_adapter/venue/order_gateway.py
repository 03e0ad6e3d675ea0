"""Commands on their way to the venue: over the websocket, else over REST, never over both.

A command goes over REST only when the websocket was down before anything of it was sent, or when
its methods are not documented to take what it asks for. It is sent a second time only when the
venue wanted a fresh token first, which proves that it was not looked at. Both ways draw on the same
rate limit, as they do at the venue.
"""

from contextlib import suppress
from typing import Final, final

import orjson

from paradex_adapter.venue.auth import TokenProvider
from paradex_adapter.venue.errors import AuthenticationError, NotSent, OutcomeUnknown
from paradex_adapter.venue.http import HttpClient
from paradex_adapter.venue.http_sender import COMMAND_WAIT_SECS_MAX
from paradex_adapter.venue.order_requests import (
    RPC_MODIFY_FIELDS,
    cancel_params,
    fits_rpc,
    only_reduces,
)
from paradex_adapter.venue.rate_limits import Scope
from paradex_adapter.venue.websocket import WebSocketConnection
from paradex_adapter_core.errors import CoreError
from paradex_adapter_core.messages.orders import BatchRow, CancelResult, OrderUpdate
from paradex_adapter_core.parsers.account import parse_order, parse_order_created
from paradex_adapter_core.parsers.batches import parse_batch, parse_cancel_results
from paradex_adapter_core.vocabulary import FEED_REST

COMMAND_TIMEOUT_SECS: Final = 5.0


@final
class OrderGateway:
    """Sends the commands of one account.

    Parameters
    ----------
    connection : WebSocketConnection
        The private websocket.
    http : HttpClient
        The way round it.
    tokens : TokenProvider
        Authenticates the websocket.
    counters : dict[str, int]
        Where unreadable parts of replies are counted, by kind.

    Notes
    -----
    A command raises `OutcomeUnknown` when nobody can say what became of it; with every other
    `ParadexError` the venue did not carry it out.
    """

    __slots__ = ("_connection", "_counters", "_http", "_tokens")

    def __init__(
        self,
        connection: WebSocketConnection,
        http: HttpClient,
        tokens: TokenProvider,
        counters: dict[str, int],
    ) -> None:
        self._connection: Final = connection
        self._http: Final = http
        self._tokens: Final = tokens
        self._counters: Final = counters

    async def authenticate(self, *, before_ready: bool = False) -> None:
        """Present a token to the websocket, a fresh one if the first is refused."""
        token = await self._tokens.token()
        try:
            await self._connection.request("auth", {"bearer": token}, before_ready=before_ready)
        except AuthenticationError:
            # The venue may have dropped a token that was good when it was asked for.
            self._tokens.invalidate(token)
            token = await self._tokens.token()
            await self._connection.request("auth", {"bearer": token}, before_ready=before_ready)

    def distrust_clock(self) -> None:
        """Take it that orders were signed with a wrong time, and see to it."""
        self._tokens.distrust_clock()

    async def send_order(self, body: dict[str, object]) -> OrderUpdate:
        """Send a signed order and return the venue's receipt for it.

        What the websocket's methods are not documented to take goes by REST.
        """
        await self._acquire_retail([body])
        reply = None
        if fits_rpc(body):
            with suppress(NotSent):
                reply = await self._command("order.create", body)
        try:
            if reply is not None:
                return parse_order_created(reply, self._counters)
            reply = await self._http.post_order(orjson.dumps(body))
            return parse_order(reply, FEED_REST, self._counters)
        except CoreError as error:
            # It was taken; what was said about it cannot be read.
            raise OutcomeUnknown("order.create", str(error)) from error

    async def send_modify(
        self, venue_order_id: str, body: dict[str, object], *, only_reduces: bool = False
    ) -> None:
        """Ask for a signed change of an order; its outcome is told with the order."""
        await self._http.limits.acquire_retail(1, COMMAND_WAIT_SECS_MAX, only_reduce=only_reduces)
        if fits_rpc(body, RPC_MODIFY_FIELDS):
            with suppress(NotSent):
                await self._command("order.modify", body)
                return
        await self._http.put_order(venue_order_id, orjson.dumps(body))

    async def send_cancel(self, client_order_id: str, venue_order_id: str, market: str) -> None:
        """Ask for the cancellation of an order; either id may be empty."""
        params = cancel_params(venue_order_id, client_order_id, market)
        try:
            await self._command("order.cancel", params)
        except NotSent:
            if venue_order_id:
                await self._http.delete_order(venue_order_id)
            else:
                await self._http.delete_order_by_client_id(client_order_id, market)

    async def send_batch(self, bodies: list[dict[str, object]]) -> list[BatchRow]:
        """Send several signed orders at once and return what became of each.

        One that is not documented for the websocket has all of them go by REST.
        """
        method = "order.create_batch"
        await self._acquire_retail(bodies)
        try:
            if not all(fits_rpc(body) for body in bodies):
                raise NotSent(method, "not every order is documented for the websocket")
            reply = await self._command(method, {"orders": bodies})
        except NotSent:
            reply = await self._http.post_orders_batch(orjson.dumps(bodies))
        try:
            return parse_batch(reply, self._counters)
        except CoreError as error:
            raise OutcomeUnknown(method, str(error)) from error

    async def send_cancel_batch(self, venue_order_ids: list[str]) -> list[CancelResult]:
        """Ask for the cancellation of several orders and return what is said of each."""
        method, params = "order.cancel_batch", {"order_ids": venue_order_ids}
        try:
            reply = await self._command(method, dict(params))
        except NotSent:
            reply = await self._http.delete_orders_batch(orjson.dumps(params))
        try:
            return parse_cancel_results(reply, self._counters)
        except CoreError as error:
            raise OutcomeUnknown(method, str(error)) from error

    async def _acquire_retail(self, bodies: list[dict[str, object]]) -> None:
        only_reduce = all(only_reduces(body) for body in bodies)
        await self._http.limits.acquire_retail(
            len(bodies), COMMAND_WAIT_SECS_MAX, only_reduce=only_reduce
        )

    async def _command(self, method: str, params: dict[str, object]) -> bytes:
        """Send a command over the websocket, authenticating again when the venue asks for it."""
        await self._http.limits.acquire(Scope.ORDER_RPC, COMMAND_WAIT_SECS_MAX)
        try:
            return await self._connection.request(method, params, COMMAND_TIMEOUT_SECS)
        except AuthenticationError:
            # Refused before it was looked at: it was not carried out.
            try:
                await self.authenticate()
            except OutcomeUnknown as error:
                raise NotSent(method, str(error)) from error
            return await self._connection.request(method, params, COMMAND_TIMEOUT_SECS)
