"""NautilusTrader's commands as commands of the session, and what is denied before it is sent.

What a command comes to is told by events of the session (`order_news`); only what never left is
told from here.
"""

import asyncio
from typing import Any, Final

from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, Logger
from nautilus_trader.execution.messages import (
    BatchCancelOrders,
    CancelAllOrders,
    CancelOrder,
    ModifyOrder,
    SubmitOrder,
    SubmitOrderList,
)
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.events import OrderFilled
from nautilus_trader.model.orders import Order

from paradex_adapter.constants import PARADEX_VENUE
from paradex_adapter.contingent_desk import ContingentDesk
from paradex_adapter.contingent_legs import hangs_together
from paradex_adapter.contingent_orders import ContingentOrders
from paradex_adapter.emitter import Emitter
from paradex_adapter.order_accounts import find_account_id
from paradex_adapter.order_denials import OrderDenials
from paradex_adapter.translate.instruments import RAW_PER_UNIT
from paradex_adapter.translate.order_params import (
    NO_PARAMS,
    OrderParams,
    UnusableParams,
    parse_order_params,
)
from paradex_adapter.translate.orders import is_exit, is_restorable, order_to_request
from paradex_adapter.translate.values import trade_id_to_fill_keys
from paradex_adapter.twap_orders import TwapEntry
from paradex_adapter.venue.credentials import Credentials
from paradex_adapter.venue.order_batches import CancelTarget
from paradex_adapter.venue.order_requests import OrderRequest
from paradex_adapter.venue.system_state import SystemState
from paradex_adapter.venue.trading_session import TradingSession


class OrderEntry:
    """Takes the engine's commands.

    Parameters
    ----------
    client : Emitter
        Generates the events.
    session : TradingSession
        Sends what is not denied.
    credentials : Credentials
        May be good for reading only.
    system_state : SystemState
        Whether the venue takes orders at the moment.
    cache : Cache
        Where orders and instruments are.
    clock : LiveClock
        The node's clock.
    log : Logger
        The client's log.

    Attributes
    ----------
    lists : ContingentOrders
        Follows the orders that hang together.
    """

    def __init__(
        self,
        client: Emitter,
        session: TradingSession,
        credentials: Credentials,
        system_state: SystemState,
        cache: Cache,
        clock: LiveClock,
        log: Logger,
    ) -> None:
        self._client: Final = client
        self._session: Final = session
        self._credentials: Final = credentials
        self._cache: Final = cache
        self._clock: Final = clock
        self._log: Final = log
        self._denials: Final = OrderDenials(
            client.account_id, session, credentials, system_state, cache, clock
        )
        self._twaps: Final = TwapEntry(session.algo_orders, cache, clock)
        desk = ContingentDesk(
            client,
            session,
            cache,
            clock,
            log,
            find_denial=self._denials.find_lasting_denial,
            find_obstacle=self._denials.find_obstacle,
        )
        self.lists: Final = ContingentOrders(desk, client, session, cache, clock, log)

    def restore_orders(self) -> None:
        """Take up the open orders of an earlier run that the cache still holds."""
        orders = [
            *self._cache.orders_open(venue=PARADEX_VENUE),
            *self._cache.orders_inflight(venue=PARADEX_VENUE),
        ]
        for order in orders:
            instrument = self._cache.instrument(order.instrument_id)
            is_ours = find_account_id(order) in (None, self._client.account_id)
            if not is_ours or self._twaps.restore(order, instrument):
                continue
            if not is_restorable(order, instrument):
                continue
            fills = [event for event in order.events if isinstance(event, OrderFilled)]
            self._session.restore(
                order_to_request(order, instrument, is_position_linked=is_exit(order)),
                order.venue_order_id.value if order.venue_order_id is not None else "",
                order.ts_init,
                is_accepted=order.venue_order_id is not None,
                filled=order.filled_qty.raw // RAW_PER_UNIT,
                fills=[key for fill in fills for key in trade_id_to_fill_keys(fill.trade_id)],
                # Only orders with a trigger and a price tell it.
                is_triggered=getattr(order, "is_triggered", False),
            )

    async def submit_order(self, command: SubmitOrder) -> None:
        """Send an order, unless it cannot be one of the venue's."""
        if hangs_together(command.order):
            self._submit_together([command.order], command.params)
        else:
            await self._submit(command.order, command.params)

    async def submit_order_list(self, command: SubmitOrderList) -> None:
        """Send the orders of a list, several in a request.

        One that is denied is denied alone, unless orders of the list hang together.
        """
        if any(hangs_together(order) for order in command.order_list.orders):
            self._submit_together(command.order_list.orders, command.params)
            return
        store = self._session.store
        room = store.open_orders_max - len(store.open_orders())
        requests: list[OrderRequest] = []
        for order in command.order_list.orders:
            request = self._admit(order, command.params, room - len(requests))
            if request is not None:
                requests.append(request)
        await self._session.batches.submit(requests)

    def _submit_together(self, orders: list[Order], raw_params: dict[str, Any]) -> None:
        """Take orders that hang together: all of them, or none."""
        params, fault = _parse_params(raw_params)
        # An entry that cannot be followed would be left without its exits.
        unfit = {"twap": params.twap, "on_behalf_of_account": params.on_behalf_of_account}
        names = [name for name, value in unfit.items() if value]
        if names:
            fault = f"params['{names[0]}'] is not supported for contingent orders"
        faults = [
            fault
            or self.lists.find_fault(order, orders)
            or self._denials.find_list_denial(order, params)
            for order in orders
        ]
        culprit = next((number for number, fault in enumerate(faults) if fault), None)
        if culprit is None:
            self.lists.submit(orders, params)
            return
        name = orders[culprit].client_order_id.value
        because = f"denied with its list, for {name}: {faults[culprit]}"
        for order, reason in zip(orders, faults, strict=True):
            self._client.generate_order_denied(
                order.strategy_id,
                order.instrument_id,
                order.client_order_id,
                reason or because,
                self._clock.timestamp_ns(),
            )

    async def _submit(self, order: Order, raw_params: dict[str, Any]) -> None:
        request = self._admit(order, raw_params, 0 if self._session.store.is_full else 1)
        if request is not None:
            await self._session.commands.submit(request)

    def _admit(self, order: Order, raw_params: dict[str, Any], room: int) -> OrderRequest | None:
        """Return the request for an order told as submitted.

        None for one that is denied, and for a TWAP order, which goes its own way.
        """
        if order.is_closed:
            self._log.warning(f"Cannot submit {order.client_order_id!r}: it is closed already")
            return None
        instrument = self._cache.instrument(order.instrument_id)
        params, reason = _parse_params(raw_params)
        reason = reason or self._denials.find_denial(order, params, room)
        ts_event = self._clock.timestamp_ns()
        ids = (order.strategy_id, order.instrument_id, order.client_order_id)
        if reason is not None:
            self._client.generate_order_denied(*ids, reason, ts_event)
            return None
        self._client.generate_order_submitted(*ids, ts_event)
        if params.twap is not None:
            self._twaps.submit(order, instrument, params)
            return None
        return order_to_request(order, instrument, params)

    async def modify_order(self, command: ModifyOrder) -> None:
        """Ask for a change of an order."""
        order = self._cache.order(command.client_order_id)
        if order is None:
            self._log.error(f"Cannot modify {command.client_order_id!r}: it is not in the cache")
            return
        quantity, price, trigger_price = command.quantity, command.price, command.trigger_price
        reason = self._denials.find_change_denial(order, quantity, price, trigger_price)
        reason = reason or self.lists.find_change_fault(order, quantity) or self._adopt(order)
        if reason is None and self.lists.is_held(order):
            self.lists.change_held(order, quantity, price, trigger_price)
            return
        if reason is None:
            await self.lists.start_change(order, quantity)
            reason = await self._session.commands.modify(
                order.client_order_id.value,
                None if quantity is None else quantity.raw // RAW_PER_UNIT,
                None if price is None else price.raw // RAW_PER_UNIT,
                None if trigger_price is None else trigger_price.raw // RAW_PER_UNIT,
            )
            self.lists.finish_change(order, is_sent=reason is None)
            if reason is not None and self.lists.is_as_asked(order, quantity, price, trigger_price):
                self.lists.tell_as_it_is(order)
                return
        if reason is not None:
            self._client.generate_order_modify_rejected(
                order.strategy_id,
                order.instrument_id,
                order.client_order_id,
                order.venue_order_id,
                reason,
                self._clock.timestamp_ns(),
            )

    def _adopt(self, order: Order) -> str | None:
        """Take up a claimed order that was sent elsewhere; return why it cannot be changed."""
        venue_order_id = order.venue_order_id
        if venue_order_id is None or not order.is_open:
            return None
        return self._session.book.adopt(order.client_order_id.value, venue_order_id.value)

    async def cancel_order(self, command: CancelOrder) -> None:
        """Ask for the cancellation of an order."""
        order = self._cache.order(command.client_order_id)
        if order is None:
            self._log.error(f"Cannot cancel {command.client_order_id!r}: it is not in the cache")
            return
        await self._cancel([order])

    async def cancel_all_orders(self, command: CancelAllOrders) -> None:
        """Ask for the cancellation of all orders of an instrument, strategy and side; no others."""
        scope: dict[str, Any] = {
            "venue": None,
            "instrument_id": command.instrument_id,
            "strategy_id": command.strategy_id,
            "side": command.order_side,
        }
        # Each by its name: the venue's own cancel-all knows neither strategies nor sides.
        held = [order for order in self.lists.held_orders() if _is_in_scope(order, command)]
        orders = {
            order.client_order_id: order
            for order in (
                *held,
                *self._cache.orders_open(**scope),
                *self._cache.orders_inflight(**scope),
            )
        }
        await self._cancel(list(orders.values()))

    async def batch_cancel_orders(self, command: BatchCancelOrders) -> None:
        """Ask for the cancellation of the orders named."""
        orders = [self._cache.order(cancel.client_order_id) for cancel in command.cancels]
        await self._cancel([order for order in orders if order is not None])

    async def _cancel(self, orders: list[Order]) -> None:
        for order in orders:
            if reason := self._denials.find_other_account(order):
                self._reject_cancel(order, reason)
        orders = [order for order in orders if not self._denials.find_other_account(order)]
        held = {
            order.client_order_id
            for order in orders
            if self.lists.is_held(order) or self.lists.is_left(order)
        }
        for order in orders:
            # One that was dropped with another before it is not to be canceled twice.
            if self.lists.is_held(order) or self.lists.is_left(order):
                self.lists.drop(order)
        orders = [order for order in orders if order.client_order_id not in held]
        twaps = [order for order in orders if self._twaps.is_known(order)]
        orders = [order for order in orders if order not in twaps]
        if denial := self._credentials.denial_reason:
            for order in (*orders, *twaps):
                self._reject_cancel(order, denial)
            return
        batched, apart = await asyncio.gather(
            self._session.batches.cancel([_to_target(order) for order in orders]),
            self._twaps.cancel(twaps),
        )
        for order, reason in zip((*orders, *twaps), (*batched, *apart), strict=True):
            if reason is not None:
                self._reject_cancel(order, reason)

    def _reject_cancel(self, order: Order, reason: str) -> None:
        self._client.generate_order_cancel_rejected(
            order.strategy_id,
            order.instrument_id,
            order.client_order_id,
            order.venue_order_id,
            reason,
            self._clock.timestamp_ns(),
        )


def _to_target(order: Order) -> CancelTarget:
    venue_order_id = order.venue_order_id
    return CancelTarget(
        order.client_order_id.value,
        venue_order_id.value if venue_order_id is not None else "",
        order.instrument_id.symbol.value,
    )


def _is_in_scope(order: Order, command: CancelAllOrders) -> bool:
    is_of_side = command.order_side in (OrderSide.NO_ORDER_SIDE, order.side)
    is_of_strategy = order.strategy_id == command.strategy_id
    return is_of_side and is_of_strategy and order.instrument_id == command.instrument_id


def _parse_params(params: dict[str, Any]) -> tuple[OrderParams, str | None]:
    """Return the params of a command, or why they cannot be."""
    try:
        return parse_order_params(params), None
    except UnusableParams as error:
        return NO_PARAMS, str(error)
