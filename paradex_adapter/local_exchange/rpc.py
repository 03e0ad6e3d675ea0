"""The JSON-RPC methods of the websocket."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from paradex_adapter.local_exchange.channels import (
    Subscriber,
    parse_channel,
    parse_scope,
    parse_subscription,
)
from paradex_adapter.local_exchange.errors import (
    INVALID_BEARER,
    INVALID_PARAMS,
    INVALID_REQUEST,
    MALFORMED_BEARER,
    METHOD_ERROR,
    METHOD_NOT_FOUND,
    NOT_AUTHENTICATED,
    RpcError,
    VenueError,
)
from paradex_adapter.local_exchange.feed import Feed
from paradex_adapter.local_exchange.gateway import Gateway
from paradex_adapter.local_exchange.markets import Market
from paradex_adapter.local_exchange.order_types import RPC_TYPES, TYPES
from paradex_adapter.local_exchange.orders import Order
from paradex_adapter.local_exchange.sequences import Clock
from paradex_adapter.local_exchange.tokens import Session, Tokens

BATCH_MAX: Final = 10
#: Fields of REST that the document of these methods does not list. What the venue makes of them is
#: not known; here they are as if they were not there.
REST_ONLY: Final = ("vwap_price", "dime_discount")
#: After how many orders of a connection those that are closed are forgotten.
PLACED_PRUNED_AT: Final = 256

Params = Mapping[str, Any]
#: A reply, and what to do once it is queued.
Reply = tuple[dict[str, object], Callable[[], None] | None]


class Peer(Subscriber, Protocol):
    """A connection as the methods see it."""

    session: Session | None
    is_cancelling_on_disconnect: bool
    node_id: str
    placed: list[Order]


class RpcMethods:
    """Carries out JSON-RPC requests."""

    def __init__(
        self,
        gateway: Gateway,
        feed: Feed,
        tokens: Tokens,
        markets: dict[str, Market],
        clock: Clock,
    ) -> None:
        self._gateway = gateway
        self._feed = feed
        self._tokens = tokens
        self._markets = markets
        self._clock = clock
        self._methods: dict[str, Callable[[Peer, Params], Reply]] = {
            "auth": self._auth,
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
            "modify_subscription": self._modify_subscription,
            "order.create": self._create,
            "order.create_batch": self._create_batch,
            "order.modify": self._modify,
            "order.cancel": self._cancel,
            "order.cancel_batch": self._cancel_batch,
            "order.cancel_all": self._cancel_all,
            "order.cancel_on_disconnect": self._cancel_on_disconnect,
        }

    def call(self, peer: Peer, request: object) -> Reply:
        """Carry out one request.

        Raises
        ------
        RpcError
            With the code the venue answers.
        """
        if not isinstance(request, dict) or request.get("jsonrpc") != "2.0":
            raise RpcError(INVALID_REQUEST, "Invalid Request")
        method, params = request.get("method"), request.get("params", {})
        if not isinstance(method, str):
            raise RpcError(INVALID_REQUEST, "Invalid Request")
        run = self._methods.get(method)
        if run is None:
            raise RpcError(METHOD_NOT_FOUND, "Method not found")
        if method == "order.create_batch" and isinstance(params, list):
            params = {"orders": params}
        if not isinstance(params, dict):
            raise RpcError(INVALID_PARAMS, "Invalid params")
        try:
            if method.startswith("order."):
                self._gateway.check_running()
            return run(peer, params)
        except VenueError as error:
            raise RpcError(METHOD_ERROR, error.error, error.message) from error

    # --- Session and channels -----------------------------------------------------------------

    def _auth(self, peer: Peer, params: Params) -> Reply:
        bearer = params.get("bearer")
        if not isinstance(bearer, str) or bearer.count(".") != 2:
            raise RpcError(MALFORMED_BEARER, "Malformed Bearer Token")
        try:
            session = self._tokens.session(bearer)
        except VenueError as error:
            raise RpcError(INVALID_BEARER, "Invalid Bearer Token", error.message) from error
        peer.session, peer.account = session, session.account
        return {"node_id": peer.node_id}, None

    def _subscribe(self, peer: Peer, params: Params) -> Reply:
        channel, scope = parse_subscription(params, peer, self._markets)
        if self._feed.is_subscribed(peer, channel):
            raise RpcError(INVALID_REQUEST, "invalid subscribe request", "already subscribed")
        return {"channel": channel.name}, lambda: self._feed.subscribe(peer, channel, scope)

    def _unsubscribe(self, peer: Peer, params: Params) -> Reply:
        channel, _ = parse_subscription(params, peer, self._markets)
        if not self._feed.is_subscribed(peer, channel):
            raise RpcError(INVALID_REQUEST, "invalid unsubscribe request", "not subscribed")
        self._feed.unsubscribe(peer, channel)
        return {"channel": channel.name}, None

    def _modify_subscription(self, peer: Peer, params: Params) -> Reply:
        channel = parse_channel(params.get("channel"), peer, self._markets)
        scope = self._feed.scope(peer, channel)
        if scope is None:
            raise RpcError(INVALID_REQUEST, "invalid subscribe request", "not a scoped channel")
        added = parse_scope(params.get("add", []), self._markets)
        removed = parse_scope(params.get("remove", []), self._markets)
        scope |= added
        scope -= removed
        result: dict[str, object] = {
            "channel": channel.name,
            "add": sorted(added),
            "remove": sorted(removed),
        }
        return result, None

    # --- Orders -------------------------------------------------------------------------------

    def _create(self, peer: Peer, params: Params) -> Reply:
        order = self._gateway.place(_session(peer), _listed(params), RPC_TYPES)
        return self._created(peer, order), None

    def _created(self, peer: Peer, order: Order) -> dict[str, object]:
        # Those placed before it is asked for are canceled with the connection as well.
        peer.placed.append(order)
        if len(peer.placed) % PLACED_PRUNED_AT == 0:
            peer.placed = [placed for placed in peer.placed if placed.status != "CLOSED"]
        return {
            "order": self._order(order),
            "created_at": order.created_at,
            "received_at": self._clock.now_ns(),
        }

    def _order(self, order: Order) -> dict[str, object]:
        """Return an order as results show it: without some of what REST and the channel tell."""
        response = order.response(self._clock.now_ms())
        return {k: v for k, v in response.items() if k not in ("stp", "request_info")}

    def _create_batch(self, peer: Peer, params: Params) -> Reply:
        session, bodies = _session(peer), params.get("orders")
        if not isinstance(bodies, list):
            raise RpcError(INVALID_PARAMS, "Invalid params", "orders: expected an array")
        orders = place_batch(self._gateway, session, list(map(_listed, bodies)), RPC_TYPES)
        return {"results": [self._created(peer, order) for order in orders]}, None

    def _modify(self, peer: Peer, params: Params) -> Reply:
        session, order_id = _session(peer), params.get("id")
        if not isinstance(order_id, str):
            raise RpcError(INVALID_PARAMS, "Invalid params", "id: expected a string")
        order = self._gateway.modify(session, order_id, dict(params), RPC_TYPES)
        return {"order": self._order(order)}, None

    def _cancel(self, peer: Peer, params: Params) -> Reply:
        session = _session(peer)
        account = session.account
        order_id, client_id = params.get("id"), params.get("client_id")
        if isinstance(order_id, str) and order_id:
            order = self._gateway.find(account, order_id)
        elif isinstance(client_id, str) and client_id:
            order = self._gateway.find(account, "", client_id)
            if order.market != params.get("market"):
                raise VenueError("CLIENT_ORDER_ID_NOT_FOUND", "client order id not found")
        else:
            raise RpcError(INVALID_PARAMS, "Invalid params", "id, or client_id and market")
        self._gateway.cancel(order, session)
        return {"order_id": order.id, "status": "QUEUED_FOR_CANCELLATION"}, None

    def _cancel_batch(self, peer: Peer, params: Params) -> Reply:
        session, order_ids = _session(peer), params.get("order_ids")
        if not isinstance(order_ids, list):
            raise RpcError(INVALID_PARAMS, "Invalid params", "order_ids: expected an array")
        return {"results": cancel_batch(self._gateway, session, order_ids)}, None

    def _cancel_all(self, peer: Peer, params: Params) -> Reply:
        market = params.get("market")
        if market is not None and not isinstance(market, str):
            raise RpcError(INVALID_PARAMS, "Invalid params", "market: expected a string")
        self._gateway.cancel_all(_session(peer), market or None)
        return {"status": "ok"}, None

    def _cancel_on_disconnect(self, peer: Peer, params: Params) -> Reply:
        _session(peer)
        enabled = params.get("enabled")
        if not isinstance(enabled, bool):
            raise RpcError(INVALID_PARAMS, "Invalid params", "enabled: expected a boolean")
        peer.is_cancelling_on_disconnect = enabled
        return {"enabled": enabled}, None

    def disconnected(self, peer: Peer) -> None:
        """Forget a connection and cancel what it asked to have canceled."""
        self._feed.forget(peer)
        if peer.is_cancelling_on_disconnect:
            self._gateway.cancel_each(peer.placed)


def _listed(body: object) -> object:
    """Return an order request without what these methods do not list."""
    if not isinstance(body, dict):
        return body
    return {name: value for name, value in body.items() if name not in REST_ONLY}


def _session(peer: Peer) -> Session:
    if peer.session is None:
        raise RpcError(NOT_AUTHENTICATED, "Permission denied", "authentication required")
    # Every method that needs a session changes something.
    peer.session.need_writing()
    return peer.session


def place_batch(
    gateway: Gateway, session: Session, bodies: list[object], types: tuple[str, ...] = TYPES
) -> list[Order]:
    """Place orders together: one bad one refuses all, and none is entered before all are checked.

    Raises
    ------
    VenueError
        ``BATCH_SIZE_OUT_OF_RANGE``.
    """
    if not 1 <= len(bodies) <= BATCH_MAX:
        raise VenueError("BATCH_SIZE_OUT_OF_RANGE", f"batch size must be 1 to {BATCH_MAX}")
    requests = [gateway.check(session, body, types) for body in bodies]
    client_ids = [request.client_id for request in requests if request.client_id]
    if len(set(client_ids)) != len(client_ids):
        raise VenueError("DUPLICATED_CLIENT_ID", "client_id is repeated within the batch")
    return [gateway.enter(session, request) for request in requests]


def cancel_batch(
    gateway: Gateway, session: Session, order_ids: list[object]
) -> list[dict[str, object]]:
    """Queue the cancel of several orders and say what became of each request.

    Raises
    ------
    VenueError
        ``BATCH_SIZE_OUT_OF_RANGE``.
    """
    if not 1 <= len(order_ids) <= BATCH_MAX:
        raise VenueError("BATCH_SIZE_OUT_OF_RANGE", f"batch size must be 1 to {BATCH_MAX}")
    results: list[dict[str, object]] = []
    for order_id in order_ids:
        order = session.account.orders.get(order_id) if isinstance(order_id, str) else None
        if order is None:
            results.append({"id": str(order_id)[:64], "status": "NOT_FOUND"})
            continue
        is_closed = order.status == "CLOSED"
        gateway.cancel_each([order], session)
        status = "ALREADY_CLOSED" if is_closed else "QUEUED_FOR_CANCELLATION"
        results.append({"id": order.id, "market": order.market, "status": status})
    return results
