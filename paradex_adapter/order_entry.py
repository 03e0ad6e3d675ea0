"""NautilusTrader's commands as commands of the session, and what is denied before it is sent.

What a command comes to is told by events of the session (`order_news`); only what never left is
told from here.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol

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
from nautilus_trader.model.events import OrderFilled
from nautilus_trader.model.identifiers import AccountId
from nautilus_trader.model.orders import Order

from paradex_adapter.constants import PARADEX_VENUE
from paradex_adapter.translate.instruments import RAW_PER_UNIT
from paradex_adapter.translate.orders import (
    find_change_fault,
    find_denial_reason,
    order_to_request,
)
from paradex_adapter.translate.values import trade_id_to_fill_keys
from paradex_adapter.venue.credentials import Credentials
from paradex_adapter.venue.order_commands import CANCELS_AT_ONCE_MAX
from paradex_adapter.venue.system_state import SystemState
from paradex_adapter.venue.trading_session import TradingSession


class Emitter(Protocol):
    """The execution client, as far as this module speaks through it."""

    generate_order_denied: Callable[..., None]
    generate_order_submitted: Callable[..., None]
    generate_order_modify_rejected: Callable[..., None]
    generate_order_cancel_rejected: Callable[..., None]
    account_id: AccountId


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
        self._system_state: Final = system_state
        self._cache: Final = cache
        self._clock: Final = clock
        self._log: Final = log

    def restore_orders(self) -> None:
        """Take up the open orders of an earlier run that the cache still holds."""
        orders = [
            *self._cache.orders_open(venue=PARADEX_VENUE),
            *self._cache.orders_inflight(venue=PARADEX_VENUE),
        ]
        for order in orders:
            instrument = self._cache.instrument(order.instrument_id)
            is_ours = order.account_id in (None, self._client.account_id)
            if not is_ours or find_denial_reason(order, instrument) is not None:
                continue
            fills = [event for event in order.events if isinstance(event, OrderFilled)]
            self._session.restore(
                order_to_request(order, instrument),
                order.venue_order_id.value if order.venue_order_id is not None else "",
                order.ts_init,
                is_accepted=order.venue_order_id is not None,
                filled=order.filled_qty.raw // RAW_PER_UNIT,
                fills=[key for fill in fills for key in trade_id_to_fill_keys(fill.trade_id)],
            )

    async def submit_order(self, command: SubmitOrder) -> None:
        """Send an order, unless it cannot be one of the venue's."""
        await self._submit(command.order)

    async def submit_order_list(self, command: SubmitOrderList) -> None:
        """Send each order of a list."""
        for order in command.order_list.orders:
            await self._submit(order)

    async def _submit(self, order: Order) -> None:
        if order.is_closed:
            self._log.warning(f"Cannot submit {order.client_order_id!r}: it is closed already")
            return
        instrument = self._cache.instrument(order.instrument_id)
        reason = self._find_closed_door(order) or find_denial_reason(order, instrument)
        if reason is None and self._session.store.is_full:
            reason = f"{self._session.store.open_orders_max} orders are open already"
        if reason is None and self._session.store.find_order(order.client_order_id.value):
            reason = "its client order id was sent before"
        ts_event = self._clock.timestamp_ns()
        ids = (order.strategy_id, order.instrument_id, order.client_order_id)
        if reason is not None:
            self._client.generate_order_denied(*ids, reason, ts_event)
            return
        self._client.generate_order_submitted(*ids, ts_event)
        await self._session.commands.submit(order_to_request(order, instrument))

    def _find_closed_door(self, order: Order) -> str | None:
        """Return why neither this order nor a change of it would be taken now, whatever it says."""
        is_post_only = order.has_price and order.is_post_only
        return self._credentials.denial_reason or self._system_state.find_denial_reason(
            is_post_only=is_post_only
        )

    async def modify_order(self, command: ModifyOrder) -> None:
        """Ask for a change of an order."""
        order = self._cache.order(command.client_order_id)
        if order is None:
            self._log.error(f"Cannot modify {command.client_order_id!r}: it is not in the cache")
            return
        instrument = self._cache.instrument(order.instrument_id)
        quantity, price = command.quantity, command.price
        reason = self._find_closed_door(order) or find_change_fault(
            order, instrument, quantity, price, command.trigger_price
        )
        if reason is None:
            reason = await self._session.commands.modify(
                order.client_order_id.value,
                None if quantity is None else quantity.raw // RAW_PER_UNIT,
                None if price is None else price.raw // RAW_PER_UNIT,
            )
        if reason is not None:
            self._client.generate_order_modify_rejected(
                order.strategy_id,
                order.instrument_id,
                order.client_order_id,
                order.venue_order_id,
                reason,
                self._clock.timestamp_ns(),
            )

    async def cancel_order(self, command: CancelOrder) -> None:
        """Ask for the cancellation of an order."""
        order = self._cache.order(command.client_order_id)
        if order is None:
            self._log.error(f"Cannot cancel {command.client_order_id!r}: it is not in the cache")
            return
        await self._cancel(order)

    async def cancel_all_orders(self, command: CancelAllOrders) -> None:
        """Ask for the cancellation of all orders of an instrument, strategy and side; no others."""
        scope: dict[str, Any] = {
            "venue": None,
            "instrument_id": command.instrument_id,
            "strategy_id": command.strategy_id,
            "side": command.order_side,
        }
        # One by one: the venue's own cancel-all knows neither strategies nor sides.
        orders = {
            order.client_order_id: order
            for order in (*self._cache.orders_open(**scope), *self._cache.orders_inflight(**scope))
            # A node may trade several accounts.
            if order.account_id in (None, self._client.account_id)
        }
        await self._cancel_each(orders.values())

    async def batch_cancel_orders(self, command: BatchCancelOrders) -> None:
        """Ask for the cancellation of the orders named."""
        orders = [self._cache.order(cancel.client_order_id) for cancel in command.cancels]
        await self._cancel_each(order for order in orders if order is not None)

    async def _cancel_each(self, orders: Iterable[Order]) -> None:
        slots = asyncio.Semaphore(CANCELS_AT_ONCE_MAX)

        async def cancel(order: Order) -> None:
            async with slots:
                await self._cancel(order)

        await asyncio.gather(*(cancel(order) for order in orders))

    async def _cancel(self, order: Order) -> None:
        reason: str | None = self._credentials.denial_reason
        if not reason:
            reason = await self._session.commands.cancel(
                order.client_order_id.value,
                order.venue_order_id.value if order.venue_order_id is not None else "",
                order.instrument_id.symbol.value,
            )
        if reason is not None:
            self._client.generate_order_cancel_rejected(
                order.strategy_id,
                order.instrument_id,
                order.client_order_id,
                order.venue_order_id,
                reason,
                self._clock.timestamp_ns(),
            )
