"""The gateway before the engine: checks a command at once, answers, and queues what comes of it."""

from __future__ import annotations

import asyncio
import copy
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

import orjson

from paradex_adapter.local_exchange import stark
from paradex_adapter.local_exchange.accounts import Account
from paradex_adapter.local_exchange.amounts import is_multiple
from paradex_adapter.local_exchange.effects import Listener
from paradex_adapter.local_exchange.engine import Engine
from paradex_adapter.local_exchange.errors import VenueError
from paradex_adapter.local_exchange.markets import Market
from paradex_adapter.local_exchange.order_checks import (
    check_band,
    check_change,
    check_grid,
    check_protected,
)
from paradex_adapter.local_exchange.order_requests import (
    FUTURE_SIGNATURE_MAX_MS,
    RECV_WINDOW_DEFAULT_MS,
    OrderRequest,
    parse_change_request,
    parse_order_request,
)
from paradex_adapter.local_exchange.order_types import TYPES, condition, is_conditional
from paradex_adapter.local_exchange.orders import ModifyRequest, Order
from paradex_adapter.local_exchange.outcomes import OutcomeQueue
from paradex_adapter.local_exchange.sequences import Clock
from paradex_adapter.local_exchange.tokens import Session
from paradex_adapter.local_exchange.trader_profiles import TraderProfiles

SIGNATURE_LENGTH_MAX: Final = 512
CLIENT_ID_KEPT_MAX: Final = 1024
REQUESTS_KEPT_MAX: Final = 20_000
#: The instructions of orders that never take.
PASSIVE: Final = ("POST_ONLY", "RPI")


def parse_signature(text: str) -> tuple[int, int]:
    """Read ``["r","s"]``, each number in decimal or ``0x`` hexadecimal text.

    Raises
    ------
    ValueError
        When it is anything else.
    """
    if len(text) > SIGNATURE_LENGTH_MAX:
        raise ValueError("signature is too long")
    parts = orjson.loads(text)
    if not isinstance(parts, list) or len(parts) != 2:
        raise ValueError("signature is not a pair")
    return _number(parts[0]), _number(parts[1])


def _number(part: object) -> int:
    if not isinstance(part, str) or not part.isascii() or "_" in part:
        raise ValueError("signature part is not text")
    return int(part, 16 if part.startswith("0x") else 10)


class Gateway:
    """Takes orders and cancels of authenticated sessions."""

    def __init__(
        self,
        engine: Engine,
        markets: dict[str, Market],
        clock: Clock,
        outcomes: OutcomeQueue,
        listener: Listener,
        profiles: TraderProfiles,
        chain_id: str,
    ) -> None:
        self._engine = engine
        self._markets = markets
        self._clock = clock
        self._outcomes = outcomes
        self._listener = listener
        self._profiles = profiles
        self._chain_id = chain_id
        self.system_state = "ok"
        self._received: OrderedDict[str, dict[str, object]] = OrderedDict()

    def received(self, client_id: str) -> dict[str, object] | None:
        """Return the last order request that came in under a client id."""
        request = self._received.get(client_id)
        return copy.deepcopy(request)

    def market(self, symbol: str) -> Market:
        """Return a market.

        Raises
        ------
        VenueError
            ``MARKET_NOT_FOUND``.
        """
        market = self._markets.get(symbol)
        if market is None or not market.is_listed:
            raise VenueError("MARKET_NOT_FOUND", "market not found")
        return market

    # --- Placing ------------------------------------------------------------------------------

    def check(self, session: Session, body: object, types: tuple[str, ...] = TYPES) -> OrderRequest:
        """Check everything about an order request that is checked before it is answered.

        Raises
        ------
        VenueError
            With the venue's word for the first thing wrong.
        """
        self._remember(body)
        request = parse_order_request(body, types)
        self._check_system(request.instruction)
        market = self.market(request.market)
        self._check_kind(request, market)
        self._check_signature(session, request)
        check_grid(request.size, request.price, request.trigger_price, market)
        check_band(request, market)
        self._check_account(_owner(session, request), request, market)
        return request

    def place(self, session: Session, body: object, types: tuple[str, ...] = TYPES) -> Order:
        """Take an order of one of these types: it is NEW now, and what becomes of it follows."""
        return self.enter(session, self.check(session, body, types))

    def enter(self, session: Session, request: OrderRequest) -> Order:
        """Enter a checked order and queue its outcome."""
        account = _owner(session, request)
        order = self.new_order(account, request)
        order.is_interactive = self._profiles.count_order(session)
        self.keep(account, order)
        self._outcomes.put(lambda: self._engine.process(order), self._profiles.delay_ms(session))
        return order

    def check_total(self, session: Session, request: OrderRequest, children: int) -> Account:
        """Check a market order that is to be traded in so many children; return whose it is.

        Raises
        ------
        VenueError
            With the venue's word for the first thing wrong.
        """
        self._check_system(request.instruction)
        market = self.market(request.market)
        self._check_kind(request, market)
        self._check_signature(session, request)
        account = _owner(session, request)
        if not is_multiple(request.size, market.rules.step):
            raise VenueError("INVALID_ORDER_SIZE", "size: not a multiple of order_size_increment")
        if request.size > market.rules.max_order_size * children:
            raise VenueError("INVALID_ORDER_SIZE", "size: greater than max_order_size")
        return account

    def keep(self, account: Account, order: Order) -> None:
        """Enter a new order among its account's, and tell of it."""
        account.keep(order)
        asyncio.get_running_loop().call_soon(self._listener.on_order, copy.copy(order))

    def new_order(self, account: Account, request: OrderRequest) -> Order:
        """Make the order of a request."""
        now_ms = self._clock.now_ms()
        # Take profits and stop losses have no bound of their average.
        is_bounded = request.type in ("MARKET", "STOP_MARKET")
        flags = *request.flags, *condition(request.type, request.side)
        return Order(
            ordinal=self._engine.next_ordinal(),
            id=account.order_ids.next(),
            account=account.address,
            market=request.market,
            side=request.side,
            type=request.type,
            instruction=request.instruction,
            size=request.size,
            remaining=request.size,
            price=request.price,
            client_id=request.client_id,
            flags=(*flags, "TARGET_STRATEGY_VWAP") if is_bounded else flags,
            stp=request.stp,
            timestamp=request.signature_timestamp,
            received_at=now_ms,
            created_at=now_ms,
            last_updated_at=now_ms,
            seq_no=self._clock.sequence_no(),
            vwap_price=request.vwap_price,
            trigger_price=request.trigger_price,
            is_dime_preferred=request.dime_discount,
        )

    def _remember(self, body: object) -> None:
        if not isinstance(body, dict):
            return
        client_id = body.get("client_id")
        if isinstance(client_id, str) and len(client_id) <= CLIENT_ID_KEPT_MAX:
            self._received[client_id] = body
            self._received.move_to_end(client_id)
        while len(self._received) > REQUESTS_KEPT_MAX:
            self._received.popitem(last=False)

    def check_running(self) -> None:
        """Refuse what changes anything while the venue is in maintenance.

        Raises
        ------
        VenueError
            ``SERVICE_UNAVAILABLE``: the venue's word for it is not known, and this one is of its
            list.
        """
        if self._outcomes.is_full or self.system_state == "maintenance":
            raise VenueError("SERVICE_UNAVAILABLE", "system is in maintenance")

    def _check_system(self, instruction: str) -> None:
        self.check_running()
        if self.system_state == "cancel_only":
            raise VenueError("SYSTEM_STATUS_CANCEL_ONLY", "system is in cancel only mode")
        if self.system_state == "post_only" and instruction not in PASSIVE:
            raise VenueError("SYSTEM_STATUS_POST_ONLY", "system is in post only mode")

    def _check_kind(self, request: OrderRequest, market: Market) -> None:
        rules = market.rules
        if rules.trading_mode != "STANDARD":
            raise VenueError("REQUEST_NOT_ALLOWED", "market takes no orders on its book")
        if self._clock.now_ms() < rules.open_at:
            raise VenueError("MARKET_NOT_OPEN", "market is not open yet")
        if rules.kind == "SPOT" and "REDUCE_ONLY" in request.flags:
            raise VenueError("VALIDATION_ERROR", "flags: REDUCE_ONLY is not for spot markets")
        if rules.kind == "SPOT" and is_conditional(request.type):
            raise VenueError("VALIDATION_ERROR", f"type: {request.type} is not for spot markets")

    def _check_signature(self, session: Session, request: OrderRequest) -> None:
        self._check_age(request.signature_timestamp, request.recv_window)
        message_hash = stark.order_hash(
            self._chain_id,
            int(session.account.address, 16),
            request.signature_timestamp,
            request.market,
            request.side,
            request.type,
            request.size,
            request.price,
        )
        _verify(session, message_hash, request.signature)

    def _check_age(self, timestamp_ms: int, window_ms: int) -> None:
        age_ms = self._clock.now_ms() - timestamp_ms
        if age_ms > window_ms:
            raise VenueError("INVALID_TIMESTAMP", "order received outside of its recv_window")
        if -age_ms > FUTURE_SIGNATURE_MAX_MS:
            raise VenueError("INVALID_TIMESTAMP", "signature_timestamp is in the future")

    def _check_account(self, account: Account, request: OrderRequest, market: Market) -> None:
        if "MMP" in request.flags:
            check_protected(request, account, market)
        if request.instruction == "RPI" and not account.is_rpi_allowed:
            raise VenueError(
                "RPI_ACCOUNT_NOT_WHITELISTED", "account is not whitelisted for RPI orders"
            )
        if request.client_id and request.client_id in account.client_ids:
            raise VenueError("DUPLICATED_CLIENT_ID", "client_id was used before")
        working = sum(order.market == market.symbol for order in account.open_orders.values())
        if working >= market.rules.max_open_orders:
            raise VenueError("VALIDATION_ERROR", "max open orders of the market reached")

    # --- Changing -----------------------------------------------------------------------------

    def modify(
        self, session: Session, order_id: str, body: object, types: tuple[str, ...] = TYPES
    ) -> Order:
        """Take a request to change an order; its outcome shows in ``request_info``.

        Raises
        ------
        VenueError
            With the venue's word for the first thing wrong.
        """
        request = parse_change_request(body, types)
        order = self.find(session.account, order_id)
        self._check_system(order.instruction)
        market = self.market(order.market)
        check_change(request, order)
        self._check_age(request.signature_timestamp, RECV_WINDOW_DEFAULT_MS)
        message_hash = stark.modify_hash(
            self._chain_id,
            int(session.account.address, 16),
            request.signature_timestamp,
            order.market,
            order.side,
            order.type,
            request.size,
            request.price,
            order.id,
        )
        _verify(session, message_hash, request.signature)
        check_grid(request.size, request.price, request.trigger_price, market)
        if not order.is_waiting:
            check_band(request, market)
        order.modify_request = ModifyRequest(session.account.order_ids.next())
        size, price, trigger_price = request.size, request.price, request.trigger_price
        self._outcomes.put(
            lambda: self._engine.modify(order, size, price, trigger_price),
            self._profiles.delay_ms(session),
        )
        return order

    # --- Canceling ----------------------------------------------------------------------------

    def find(self, account: Account, order_id: str, client_id: str | None = None) -> Order:
        """Return an order, closed or not, by the venue's id or the client's.

        Raises
        ------
        VenueError
            ``ORDER_ID_NOT_FOUND`` or ``CLIENT_ORDER_ID_NOT_FOUND``.
        """
        if client_id is not None:
            order = account.client_ids.get(client_id)
            if order is None:
                raise VenueError("CLIENT_ORDER_ID_NOT_FOUND", "client order id not found")
            return order
        for owner in (account, *(isolated for isolated, _ in account.isolated.values())):
            if order_id in owner.orders:
                return owner.orders[order_id]
        raise VenueError("ORDER_ID_NOT_FOUND", "order id not found")

    def cancel(self, order: Order, session: Session | None = None) -> None:
        """Queue a cancel, asked for in a session or by the venue itself.

        Raises
        ------
        VenueError
            ``ORDER_IS_CLOSED``.
        """
        if order.status == "CLOSED":
            raise VenueError("ORDER_IS_CLOSED", "order is already closed")
        self._outcomes.put(
            lambda: self._engine.cancel(order, "USER_CANCELED"), self._profiles.delay_ms(session)
        )

    def cancel_all(self, session: Session, market: str | None) -> list[Order]:
        """Queue the cancel of all open orders, of one market where it is given."""
        if market is not None:
            self.market(market)
        open_orders = session.account.open_orders.values()
        orders = [order for order in open_orders if market in (None, order.market)]
        self.cancel_each(orders, session)
        return orders

    def cancel_each(self, orders: Iterable[Order], session: Session | None = None) -> None:
        """Queue the cancel of each order that is still open."""
        for order in orders:
            if order.status != "CLOSED":
                self.cancel(order, session)


def _owner(session: Session, request: OrderRequest) -> Account:
    """Return whose order it is: the session's account, or one that holds isolated positions."""
    address = request.on_behalf_of_account
    if not address:
        return session.account
    isolated, market = session.account.isolated.get(address, (session.account, ""))
    if market != request.market:
        raise VenueError(
            "ISOLATED_MARKET_ACCOUNT_MISMATCH",
            "on_behalf_of_account is not the isolated account of this market",
        )
    return isolated


def _verify(session: Session, message_hash: int, signature: str) -> None:
    try:
        r, s = parse_signature(signature)
    except ValueError as error:
        raise VenueError("INVALID_ORDER_SIGNATURE", "signature: malformed") from error
    if not stark.verify(message_hash, r, s, session.public_key):
        raise VenueError("INVALID_ORDER_SIGNATURE", "order signature verification failed")
