"""Private REST endpoints about algo orders."""

from __future__ import annotations

from aiohttp import web

from paradex_adapter.local_exchange.algo_orders import AlgoOrder, AlgoOrders
from paradex_adapter.local_exchange.order_requests import SIDES
from paradex_adapter.local_exchange.order_types import TYPES
from paradex_adapter.local_exchange.rest import (
    Handler,
    Pager,
    json_body,
    json_response,
    word_parameter,
)
from paradex_adapter.local_exchange.rest_orders import HISTORY_STATUSES
from paradex_adapter.local_exchange.tokens import Session, Tokens


class AlgoOrderEndpoints:
    """Placing, canceling and finding algo orders."""

    def __init__(self, algo_orders: AlgoOrders, tokens: Tokens, pager: Pager) -> None:
        self._algo_orders = algo_orders
        self._tokens = tokens
        self._pager = pager

    def routes(self) -> list[tuple[str, str, Handler]]:
        """Return method, path and handler of each endpoint."""
        return [
            ("GET", "/v1/algo/orders", self.open_orders),
            ("POST", "/v1/algo/orders", self.place),
            ("GET", "/v1/algo/orders/{algo_id}", self.by_id),
            ("DELETE", "/v1/algo/orders/{algo_id}", self.cancel),
            ("GET", "/v1/algo/orders-history", self.history),
        ]

    def _session(self, request: web.Request) -> Session:
        session = self._tokens.session_of_header(request.headers.get("Authorization"))
        if request.method != "GET":
            session.need_writing()
        return session

    def _found(self, request: web.Request) -> AlgoOrder:
        account = self._session(request).account
        return self._algo_orders.find(account, request.match_info["algo_id"])

    async def place(self, request: web.Request) -> web.Response:
        """Answer ``POST /algo/orders``."""
        session = self._session(request)
        algo = self._algo_orders.place(session, await json_body(request))
        return json_response(algo.response(), 201)

    async def open_orders(self, request: web.Request) -> web.Response:
        """Answer ``GET /algo/orders``."""
        found = self._algo_orders.open_of(self._session(request).account)
        return json_response({"results": [algo.response() for algo in found]})

    async def by_id(self, request: web.Request) -> web.Response:
        """Answer ``GET /algo/orders/{algo_id}``: those that are not closed only."""
        return json_response(self._found(request).response())

    async def cancel(self, request: web.Request) -> web.Response:
        """Answer ``DELETE /algo/orders/{algo_id}``."""
        self._algo_orders.cancel(self._found(request))
        return web.Response(status=204)

    async def history(self, request: web.Request) -> web.Response:
        """Answer ``GET /algo/orders-history``."""
        account = self._session(request).account
        filters, _ = self._pager.query(request)
        word_parameter(filters, "side", SIDES)
        word_parameter(filters, "status", HISTORY_STATUSES)
        word_parameter(filters, "type", TYPES)
        names = ("client_id", "market", "side", "status", "type")
        wanted = {name: filters[name] for name in names if filters.get(name)}
        algos = (
            algo
            for algo in self._algo_orders.all_of(account)
            if wanted.items() <= algo.searched().items()
        )
        return self._pager.page(request, algos, AlgoOrder.response)
