"""Private REST endpoints about orders."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from paradex_adapter.local_exchange.errors import VenueError
from paradex_adapter.local_exchange.gateway import Gateway
from paradex_adapter.local_exchange.order_requests import SIDES
from paradex_adapter.local_exchange.order_types import TYPES
from paradex_adapter.local_exchange.orders import Order
from paradex_adapter.local_exchange.rest import (
    Handler,
    Pager,
    json_body,
    json_response,
    plain_query,
    word_parameter,
)
from paradex_adapter.local_exchange.rpc import cancel_batch, place_batch
from paradex_adapter.local_exchange.sequences import Clock
from paradex_adapter.local_exchange.tokens import Session, Tokens

HISTORY_STATUSES: Final = ("OPEN", "CLOSED", "NEW")


class OrderEndpoints:
    """Placing, canceling and finding orders."""

    def __init__(self, gateway: Gateway, clock: Clock, tokens: Tokens, pager: Pager) -> None:
        self._gateway = gateway
        self._clock = clock
        self._tokens = tokens
        self._pager = pager

    def routes(self) -> list[tuple[str, str, Handler]]:
        """Return method, path and handler of each endpoint."""
        return [
            ("GET", "/v1/orders", self.open_orders),
            ("POST", "/v1/orders", self.place),
            ("DELETE", "/v1/orders", self.cancel_all),
            ("POST", "/v1/orders/batch", self.place_batch),
            ("DELETE", "/v1/orders/batch", self.cancel_batch),
            ("GET", "/v1/orders/by_client_id/{client_id}", self.by_client_id),
            ("DELETE", "/v1/orders/by_client_id/{client_id}", self.cancel_by_client_id),
            ("GET", "/v1/orders/{order_id}", self.by_id),
            ("PUT", "/v1/orders/{order_id}", self.modify),
            ("DELETE", "/v1/orders/{order_id}", self.cancel),
            ("GET", "/v1/orders-history", self.history),
        ]

    def _session(self, request: web.Request) -> Session:
        session = self._tokens.session_of_header(request.headers.get("Authorization"))
        if request.method != "GET":
            session.need_writing()
        return session

    def _response(self, order: Order) -> dict[str, object]:
        return order.response(self._clock.now_ms())

    async def place(self, request: web.Request) -> web.Response:
        """Answer ``POST /orders``."""
        session = self._session(request)
        order = self._gateway.place(session, await json_body(request))
        return json_response(self._response(order), 201)

    async def place_batch(self, request: web.Request) -> web.Response:
        """Answer ``POST /orders/batch``."""
        session = self._session(request)
        bodies = await json_body(request)
        if not isinstance(bodies, list):
            raise VenueError("BINDING_ERROR", "request body: expected an array")
        orders = place_batch(self._gateway, session, bodies)
        return json_response(
            {"orders": [self._response(order) for order in orders], "errors": []}, 201
        )

    async def open_orders(self, request: web.Request) -> web.Response:
        """Answer ``GET /orders``."""
        account = self._session(request).account
        market = plain_query(request).get("market", "")
        orders = [o for o in account.open_orders.values() if market in ("", o.market)]
        return json_response({"results": [self._response(order) for order in orders]})

    async def by_id(self, request: web.Request) -> web.Response:
        """Answer ``GET /orders/{order_id}``: all but closed orders."""
        account = self._session(request).account
        order = self._gateway.find(account, request.match_info["order_id"])
        if order.status == "CLOSED":
            raise VenueError("ORDER_ID_NOT_FOUND", "order id not found")
        return json_response(self._response(order))

    async def by_client_id(self, request: web.Request) -> web.Response:
        """Answer ``GET /orders/by_client_id/{client_id}``: open or waiting orders only."""
        account = self._session(request).account
        order = self._gateway.find(account, "", request.match_info["client_id"])
        if order.status not in ("OPEN", "UNTRIGGERED"):
            raise VenueError("CLIENT_ORDER_ID_NOT_FOUND", "client order id not found")
        return json_response(self._response(order))

    async def modify(self, request: web.Request) -> web.Response:
        """Answer ``PUT /orders/{order_id}``."""
        session = self._session(request)
        body = await json_body(request)
        order = self._gateway.modify(session, request.match_info["order_id"], body)
        return json_response(self._response(order))

    async def cancel(self, request: web.Request) -> web.Response:
        """Answer ``DELETE /orders/{order_id}``."""
        session = self._session(request)
        order = self._gateway.find(session.account, request.match_info["order_id"])
        self._gateway.cancel(order, session)
        return web.Response(status=204)

    async def cancel_by_client_id(self, request: web.Request) -> web.Response:
        """Answer ``DELETE /orders/by_client_id/{client_id}``."""
        session = self._session(request)
        order = self._gateway.find(session.account, "", request.match_info["client_id"])
        if plain_query(request).get("market", order.market) != order.market:
            raise VenueError("CLIENT_ORDER_ID_NOT_FOUND", "client order id not found")
        self._gateway.cancel(order, session)
        return web.Response(status=204)

    async def cancel_all(self, request: web.Request) -> web.Response:
        """Answer ``DELETE /orders``."""
        session = self._session(request)
        self._gateway.cancel_all(session, plain_query(request).get("market") or None)
        return json_response({})

    async def cancel_batch(self, request: web.Request) -> web.Response:
        """Answer ``DELETE /orders/batch``, by the venue's ids only, as it does today."""
        session = self._session(request)
        body = await json_body(request)
        if not isinstance(body, dict):
            raise VenueError("BINDING_ERROR", "request body: expected a JSON object")
        if body.get("client_order_ids"):
            raise VenueError(
                "VALIDATION_ERROR",
                "Client order IDs are not currently supported. Please use order IDs instead.",
            )
        order_ids = body.get("order_ids")
        if not isinstance(order_ids, list):
            raise VenueError("BINDING_ERROR", "order_ids: expected an array")
        results = cancel_batch(self._gateway, session, order_ids)
        for result in results:
            order = session.account.orders.get(str(result["id"]))
            if order is not None:
                result |= {"client_id": order.client_id, "account": order.account}
        return json_response({"results": results})

    async def history(self, request: web.Request) -> web.Response:
        """Answer ``GET /orders-history``."""
        account = self._session(request).account
        filters, _ = self._pager.query(request)
        word_parameter(filters, "side", SIDES)
        word_parameter(filters, "status", HISTORY_STATUSES)
        word_parameter(filters, "type", TYPES)
        names = ("client_id", "market", "side", "status", "type")
        wanted = {name: filters[name] for name in names if filters.get(name)}
        orders = (
            order
            for order in reversed(account.orders.values())
            if all(getattr(order, name) == value for name, value in wanted.items())
        )
        return self._pager.page(request, orders, self._response)
