"""Commands on their way to the venue: over the websocket, else over REST, never over both.

A command goes over REST only when the websocket was down before anything of it was sent. It is sent
a second time only when the venue wanted a fresh token first, which proves that it was not looked
at. Both ways draw on the same rate limit, as they do at the venue.
"""

from typing import Final, final

import orjson

from paradex_adapter.venue.auth import TokenProvider
from paradex_adapter.venue.errors import AuthenticationError, NotSent, OutcomeUnknown
from paradex_adapter.venue.http import HttpClient
from paradex_adapter.venue.http_sender import COMMAND_WAIT_SECS_MAX
from paradex_adapter.venue.order_requests import cancel_params
from paradex_adapter.venue.rate_limits import Scope
from paradex_adapter.venue.websocket import WebSocketConnection
from paradex_adapter_core.errors import CoreError
from paradex_adapter_core.messages.orders import OrderUpdate
from paradex_adapter_core.parsers.account import parse_order, parse_order_created
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

    async def send_order(self, body: dict[str, object]) -> OrderUpdate:
        """Send a signed order and return the venue's receipt for it."""
        try:
            reply = await self._command("order.create", body)
        except NotSent:
            reply = await self._http.post_order(orjson.dumps(body))
            is_posted = True
        else:
            is_posted = False
        try:
            if is_posted:
                return parse_order(reply, FEED_REST, self._counters)
            return parse_order_created(reply, self._counters)
        except CoreError as error:
            # It was taken; what was said about it cannot be read.
            raise OutcomeUnknown("order.create", str(error)) from error

    async def send_modify(self, venue_order_id: str, body: dict[str, object]) -> None:
        """Ask for a signed change of an order; its outcome is told with the order."""
        try:
            await self._command("order.modify", body)
        except NotSent:
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

    async def _command(self, method: str, params: dict[str, object]) -> bytes:
        """Send a command over the websocket, authenticating again when the venue asks for it."""
        await self._http.limits.acquire(Scope.ORDERS, COMMAND_WAIT_SECS_MAX)
        try:
            return await self._connection.request(method, params, COMMAND_TIMEOUT_SECS)
        except AuthenticationError:
            # Refused before it was looked at: it was not carried out.
            try:
                await self.authenticate()
            except OutcomeUnknown as error:
                raise NotSent(method, str(error)) from error
            return await self._connection.request(method, params, COMMAND_TIMEOUT_SECS)
