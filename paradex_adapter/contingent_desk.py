"""Does to NautilusTrader's orders what the rules of `contingencies` plan.

A held order is INITIALIZED to the engine, as those of its own order emulator are: nothing else may
be told of an order that the venue knows nothing of.
"""

from collections.abc import Callable, Sequence
from typing import Final

from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, Logger
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.enums import OrderStatus
from nautilus_trader.model.events import OrderCanceled, OrderPendingCancel, OrderUpdated
from nautilus_trader.model.identifiers import ClientOrderId
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import Order

from paradex_adapter.contingency_rules import Phase
from paradex_adapter.contingent_legs import to_units
from paradex_adapter.emitter import Emitter
from paradex_adapter.order_desk import Standing
from paradex_adapter.translate.instruments import RAW_PER_UNIT
from paradex_adapter.translate.order_params import OrderParams
from paradex_adapter.translate.orders import is_exit, order_to_request
from paradex_adapter.translate.values import units_to_quantity
from paradex_adapter.venue.order_requests import OrderRequest
from paradex_adapter.venue.trading_session import TradingSession
from paradex_adapter_core.order_lifecycle import CANCELED, CLOSING, FILLED, REJECTED, WORKING
from paradex_adapter_core.order_state import OrderState


class ContingentDesk:
    """Keeps what held orders go out with, and is the `OrderDesk` of `contingencies`.

    Parameters
    ----------
    client : Emitter
        Generates the events.
    session : TradingSession
        Sends what is due.
    cache : Cache
        Where orders and instruments are.
    clock : LiveClock
        The node's clock.
    log : Logger
        The client's log.
    find_denial : Callable[[Order], str | None]
        Why an order could not be sent now or ever.
    find_obstacle : Callable[[Order], str | None]
        Why an order cannot be sent at the moment, though later perhaps.
    """

    def __init__(
        self,
        client: Emitter,
        session: TradingSession,
        cache: Cache,
        clock: LiveClock,
        log: Logger,
        *,
        find_denial: Callable[[Order], str | None],
        find_obstacle: Callable[[Order], str | None],
    ) -> None:
        self._client: Final = client
        self._session: Final = session
        self._cache: Final = cache
        self._clock: Final = clock
        self._log: Final = log
        self._find_denial: Final = find_denial
        self._find_obstacle: Final = find_obstacle
        # By client order id. The engine's view lags behind what it was told.
        self._held: Final[dict[str, OrderRequest]] = {}
        # Told as canceled, which the engine may not have got to yet.
        self._canceled: set[str] = set()

    def hold(self, order: Order, params: OrderParams) -> OrderRequest:
        """Keep an order until it is due; return what it goes out with."""
        instrument = self._cache.instrument(order.instrument_id)
        request = order_to_request(order, instrument, params, is_position_linked=is_exit(order))
        self._held[order.client_order_id.value] = request
        return request

    def let_go(self, client_order_id: str) -> OrderRequest:
        """Keep an order no longer; return what it goes out with."""
        return self._held.pop(client_order_id)

    def change(
        self,
        order: Order,
        quantity: Quantity | None,
        price: Price | None,
        trigger_price: Price | None,
    ) -> None:
        """Change a held order and tell that it is changed."""
        name = order.client_order_id.value
        changes: dict[str, int] = {}
        if quantity is not None:
            changes["size"] = to_units(quantity)
        if price is not None:
            changes["price"] = price.raw // RAW_PER_UNIT
        if trigger_price is not None:
            changes["trigger_price"] = trigger_price.raw // RAW_PER_UNIT
        self._held[name] = _replace(self._held[name], **changes)
        self.tell_updated(order, self._held[name].size, price, trigger_price)

    # -- `OrderDesk`: what the rules have done; sizes are in 1e-8, in total ------------------------

    def find_standing(self, client_order_id: str) -> Standing | None:
        """Return how an order stands; None where nothing is known of it."""
        state = self._session.store.find_order(client_order_id)
        order = self._cache.order(ClientOrderId(client_order_id))
        if state is not None:
            return _state_to_standing(state, order)
        if order is None or not order.is_closed:
            return None
        filled = to_units(order.filled_qty)
        return Standing(
            phase=Phase.OVER,
            size=to_units(order.quantity),
            filled=filled,
            told_filled=filled,
            is_refused=order.status in (OrderStatus.REJECTED, OrderStatus.DENIED),
            is_taken=order.status == OrderStatus.CANCELED and not _is_cancel_asked(order),
            is_changing=False,
        )

    def find_obstacle(self, client_order_id: str) -> str | None:
        """Return why an order cannot be sent at the moment, though later perhaps."""
        order = self._cache.order(ClientOrderId(client_order_id))
        return None if order is None else self._find_obstacle(order)

    def prepare(self, client_order_id: str, size: int) -> bool:
        """Tell a held order as submitted, in this size; False if it had to be denied instead."""
        order = self._cache.order(ClientOrderId(client_order_id))
        request = self._held[client_order_id]
        reason = self._find_denial(order)
        ids = (order.strategy_id, order.instrument_id, order.client_order_id)
        if reason is not None:
            del self._held[client_order_id]
            self._log.error(f"{client_order_id} is due and cannot be sent: {reason}")
            self._client.generate_order_denied(*ids, reason, self._clock.timestamp_ns())
            return False
        if size != request.size:
            self._held[client_order_id] = _replace(request, size=size)
            self.tell_updated(order, size)
        self._client.generate_order_submitted(*ids, self._clock.timestamp_ns())
        return True

    async def send(self, client_order_ids: Sequence[str]) -> None:
        """Send prepared orders, several as one batch."""
        await self._session.batches.submit([self.let_go(name) for name in client_order_ids])

    async def resize(self, client_order_id: str, size: int) -> str | None:
        """Ask for another total size; return why nothing was sent, None when it was."""
        return await self._session.commands.modify(client_order_id, size, None)

    async def cancel(self, client_order_id: str) -> str | None:
        """Ask for a cancel; return why the venue refuses, None otherwise."""
        state = self._session.store.find_order(client_order_id)
        if state is None:
            return None
        return await self._session.commands.cancel(
            client_order_id, state.venue_order_id, state.market
        )

    def tell_canceled(self, client_order_id: str) -> None:
        """Tell a held order as canceled."""
        self._held.pop(client_order_id, None)
        order = self._cache.order(ClientOrderId(client_order_id))
        self._canceled = {name for name in self._canceled if not self._is_closed(name)}
        self._canceled.add(client_order_id)
        ts_event = self._clock.timestamp_ns()
        self._client.send_order_event(
            OrderCanceled(
                trader_id=order.trader_id,
                strategy_id=order.strategy_id,
                instrument_id=order.instrument_id,
                client_order_id=order.client_order_id,
                venue_order_id=None,
                account_id=self._client.account_id,
                event_id=UUID4(),
                ts_event=ts_event,
                ts_init=ts_event,
            )
        )

    def is_told_canceled(self, client_order_id: str) -> bool:
        """Return whether an order was told as canceled from here a moment ago."""
        return client_order_id in self._canceled

    def _is_closed(self, client_order_id: str) -> bool:
        order = self._cache.order(ClientOrderId(client_order_id))
        return order is None or bool(order.is_closed)

    def tell_resized(self, client_order_id: str, size: int) -> None:
        """Tell a held order as updated to this size."""
        self._held[client_order_id] = _replace(self._held[client_order_id], size=size)
        self.tell_updated(self._cache.order(ClientOrderId(client_order_id)), size)

    def warn(self, text: str) -> None:
        """Take what a user should know."""
        self._log.error(text)

    def inform(self, text: str) -> None:
        """Take what a user may want to know."""
        self._log.info(text)

    def tell_updated(
        self,
        order: Order,
        size: int,
        price: Price | None = None,
        trigger_price: Price | None = None,
    ) -> None:
        """Tell an order as updated to this size in total, in 1e-8, and to these prices."""
        instrument = self._cache.instrument(order.instrument_id)
        ts_event = self._clock.timestamp_ns()
        self._client.send_order_event(
            OrderUpdated(
                trader_id=order.trader_id,
                strategy_id=order.strategy_id,
                instrument_id=order.instrument_id,
                client_order_id=order.client_order_id,
                venue_order_id=order.venue_order_id,
                account_id=order.account_id,
                quantity=units_to_quantity(size, instrument.size_precision),
                price=price,
                trigger_price=trigger_price,
                event_id=UUID4(),
                ts_event=ts_event,
                ts_init=ts_event,
            )
        )


def _is_cancel_asked(order: Order | None) -> bool:
    """Return whether a strategy asked for the cancel of an order, in this run or an earlier one."""
    return order is not None and any(isinstance(e, OrderPendingCancel) for e in order.events)


def _state_to_standing(state: OrderState, order: Order | None) -> Standing:
    if state.status >= FILLED:
        phase = Phase.OVER
    elif state.status == CLOSING:
        phase = Phase.CLOSING
    else:
        phase = Phase.WORKING if state.status == WORKING else Phase.SENT
    return Standing(
        phase=phase,
        size=state.size,
        filled=state.filled,
        told_filled=state.told_filled,
        is_refused=state.status == REJECTED,
        is_taken=state.status == CANCELED and not _is_cancel_asked(order),
        is_changing=state.changing_size > 0,
    )


def _replace(request: OrderRequest, **changes: int) -> OrderRequest:
    values = {name: getattr(request, name) for name in OrderRequest.__slots__}
    return OrderRequest(**{**values, **changes})
