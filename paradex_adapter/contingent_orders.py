"""NautilusTrader's contingent orders (OTO, OCO, OUO): taken, held, told of, and found again.

`contingencies` decides; here its words become NautilusTrader's and the session's. A held order is
INITIALIZED to the engine, as those of its own order emulator are: nothing else may be told of an
order that the venue knows nothing of.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, Logger
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.enums import ContingencyType, OrderSide, OrderStatus
from nautilus_trader.model.events import (
    OrderCanceled,
    OrderUpdated,
)
from nautilus_trader.model.identifiers import ClientOrderId
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import Order

from paradex_adapter.contingencies import Contingencies, Standing
from paradex_adapter.contingency_rules import Leg, Phase
from paradex_adapter.contingent_legs import (
    find_unfinished,
    find_wanted,
    hangs_together,
    is_elsewhere,
    order_to_leg,
    to_units,
)
from paradex_adapter.emitter import Emitter
from paradex_adapter.translate.instruments import RAW_PER_UNIT
from paradex_adapter.translate.order_params import NO_PARAMS, OrderParams
from paradex_adapter.translate.orders import is_exit, order_to_request
from paradex_adapter.translate.values import units_to_quantity
from paradex_adapter.venue.errors import ParadexError
from paradex_adapter.venue.order_requests import OrderRequest
from paradex_adapter.venue.trading_session import TradingSession
from paradex_adapter_core.decimals import units_to_text
from paradex_adapter_core.events import Event
from paradex_adapter_core.order_lifecycle import CLOSING, FILLED, REJECTED, WORKING
from paradex_adapter_core.order_state import OrderState
from paradex_adapter_core.vocabulary import UNITS_PER_ONE, UNITS_SCALE

SETTLE_ATTEMPTS_MAX: Final = 60
SETTLE_DELAY_SECS: Final = 1.0


class ContingentOrders:
    """Takes orders that hang together.

    Parameters
    ----------
    client : Emitter
        Generates the events.
    session : TradingSession
        Sends what is due.
    cache : Cache
        Where orders, instruments and positions are.
    clock : LiveClock
        The node's clock.
    log : Logger
        The client's log.
    find_denial : Callable[[Order], str | None]
        Why an order could not be sent now or ever.
    find_obstacle : Callable[[Order], str | None]
        Why an order cannot be sent at the moment, though later perhaps.

    Notes
    -----
    It is the `OrderDesk` of `contingencies`, too: what that has it do comes by client order ids,
    with sizes in 1e-8, in total.
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
        self._contingencies: Final = Contingencies(self)
        # Of held orders: what they go out with. The engine's view lags behind what it was told.
        self._held: Final[dict[str, OrderRequest]] = {}
        self._settling: asyncio.Task[None] | None = None
        self._is_settled = False
        self._ts_begun: Final = clock.timestamp_ns()

    async def close(self) -> None:
        """Stop everything under way; what is held stays held."""
        if self._settling is not None:
            self._settling.cancel()
            await asyncio.wait([self._settling])
        await self._contingencies.close()

    # -- commands ---------------------------------------------------------------------------------

    def find_fault(self, order: Order, orders: Sequence[Order]) -> str | None:
        """Return why an order of a list cannot hang together with the others, None if it can."""
        if self._contingencies.room < len(orders):
            return "too many contingent orders wait or work already"
        if order.parent_order_id is None:
            return None
        if order.contingency_type == ContingencyType.OTO:
            return "a child order that is the parent of others is not supported"
        parent = next((o for o in orders if o.client_order_id == order.parent_order_id), None)
        parent = parent or self._cache.order(order.parent_order_id)
        if parent is None:
            return f"its parent order {order.parent_order_id!r} is not known"
        if parent.instrument_id != order.instrument_id:
            return "a child order must be of its parent's instrument"
        if order.quantity > parent.quantity:
            return "its quantity is greater than that of its parent order"
        return None

    def submit(self, orders: Sequence[Order], params: OrderParams) -> None:
        """Take orders that nothing speaks against; those that are due are sent."""
        for order in orders:
            self._held[order.client_order_id.value] = self._to_request(order, params)
        self._contingencies.take([order_to_leg(order) for order in orders])
        self._contingencies.look([orders[0].client_order_id.value])

    def is_held(self, order: Order) -> bool:
        """Return whether the venue knows nothing of an order because it is kept here."""
        leg = self._contingencies.find_leg(order.client_order_id.value)
        return leg is not None and leg.phase is Phase.HELD

    def held_orders(self) -> list[Order]:
        """Return the orders kept here."""
        names = self._contingencies.held()
        orders = [self._cache.order(ClientOrderId(name)) for name in names]
        return [order for order in orders if order is not None]

    def is_left(self, order: Order) -> bool:
        """Return whether an earlier run left an order of a list behind, of which nothing was sent.

        Whose account it is for nobody knows, nor is it held; the venue cannot cancel it.
        """
        name = order.client_order_id.value
        return (
            hangs_together(order)
            and order.status == OrderStatus.INITIALIZED
            and not is_elsewhere(order)
            # A cancel overtakes the sending of a new order, which goes by the risk engine first.
            and order.ts_init < self._ts_begun
            and self._is_settled
            and self._contingencies.find_leg(name) is None
            and self._session.store.find_order(name) is None
        )

    def drop(self, order: Order) -> None:
        """Cancel an order that is held, with what ends with it, or that was left behind."""
        if not self._contingencies.drop(order.client_order_id.value):
            self.tell_canceled(order.client_order_id.value)

    def find_change_fault(self, order: Order, quantity: Quantity | None) -> str | None:
        """Return why an order cannot be given a quantity, None when it can."""
        if quantity is None:
            return None
        return self._contingencies.find_change_fault(
            order.client_order_id.value, to_units(quantity)
        )

    def change_held(
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
        self._tell_updated(order, self._held[name].size, price, trigger_price)
        if quantity is not None:
            self._contingencies.change_held(name, to_units(quantity))

    async def start_change(self, order: Order, quantity: Quantity | None) -> None:
        """Expect a change of the strategy's, once none of ours is under way; then send it."""
        size = None if quantity is None else to_units(quantity)
        await self._contingencies.start_change(order.client_order_id.value, size)

    def finish_change(self, order: Order, *, is_sent: bool) -> None:
        """Say whether the change that was to be expected was sent."""
        self._contingencies.finish_change(order.client_order_id.value, is_sent=is_sent)

    def is_as_asked(
        self,
        order: Order,
        quantity: Quantity | None,
        price: Price | None,
        trigger_price: Price | None,
    ) -> bool:
        """Return whether an order works already with the quantity asked for, thanks to us."""
        state = self._session.store.find_order(order.client_order_id.value)
        leg = self._contingencies.find_leg(order.client_order_id.value)
        return (
            state is not None
            and leg is not None
            and (price, trigger_price) == (None, None)
            and quantity is not None
            and state.status == WORKING
            and state.size == to_units(quantity)
        )

    def tell_as_it_is(self, order: Order) -> None:
        """Tell an order as updated to what it is already."""
        state = self._session.store.find_order(order.client_order_id.value)
        if state is not None:
            self._tell_updated(order, state.size)

    # -- news -------------------------------------------------------------------------------------

    def follow(self, events: Iterable[Event]) -> None:
        """Take news of orders, after the engine was told of them."""
        if self._is_settled:
            names = {getattr(event, "client_order_id", "") for event in events}
            self._contingencies.look(names - {""})

    def is_own_refusal(self, client_order_id: str) -> bool:
        """Return whether the refusal of a change concerns one that was asked for from here."""
        return self._contingencies.is_own_refusal(client_order_id)

    # -- an earlier run ---------------------------------------------------------------------------

    async def restore(self) -> None:
        """Take up the orders of an earlier run that hang together and are not all over.

        Raises
        ------
        ParadexError
            If the venue does not tell whether it knows one that seems to have been held.
        """
        orders = find_unfinished(self._cache, self._client.account_id)
        self._contingencies.take([await self._restore(order) for order in orders])

    def settle(self) -> None:
        """Go on with what was taken up, now that the engine knows how orders and positions are."""
        if self._settling is None:
            self._settling = asyncio.create_task(self._settle(), name="paradex-held-orders")

    async def _settle(self) -> None:
        """See that held orders that are due find what they are to close; then follow all."""
        self._take_up_found()
        due = [order for order in self.held_orders() if order.parent_order_id is not None]
        parents = {order: self._find_parent(order) for order in due}
        filled = {order: parent.filled for order, parent in parents.items() if parent is not None}
        if any(filled.values()):
            positions = await self._ask_positions()
            for order, parent in parents.items():
                if parent is not None and order.is_reduce_only:
                    self._cut_to_position(order, parent, filled[order], positions)
        self._is_settled = True
        self._contingencies.look()

    def _take_up_found(self) -> None:
        """Take up lists of which the engine learned only now, by reconciling, that they were sent.

        The earlier run ended before the engine wrote that down.
        """
        legs = []
        for order in find_unfinished(self._cache, self._client.account_id):
            leg = order_to_leg(order)
            if self._contingencies.find_leg(leg.client_order_id) is not None:
                continue
            if order.status == OrderStatus.INITIALIZED:
                self._held[leg.client_order_id] = self._to_request(order, NO_PARAMS)
            else:
                leg.phase, leg.asked = Phase.SENT, leg.wanted
                venue_order_id = order.venue_order_id
                if venue_order_id is not None:
                    self._session.book.adopt(leg.client_order_id, venue_order_id.value)
            legs.append(leg)
        if legs:
            self._contingencies.take(legs)

    def _find_parent(self, order: Order) -> Leg | None:
        parent = self._contingencies.find_leg(order.parent_order_id.value)
        standing = None if parent is None else self.find_standing(parent.client_order_id)
        if parent is not None and standing is not None:
            parent.filled = standing.filled
        return parent

    async def _ask_positions(self) -> dict[str, int]:
        """Return the venue's positions, signed; others, who trade the account, may close them."""
        for _ in range(SETTLE_ATTEMPTS_MAX):
            try:
                return {p.market: p.size for p in await self._session.reader.positions()}
            except ParadexError as error:
                self._log.warning(f"Orders that are due wait for the position: {error}")
                await asyncio.sleep(SETTLE_DELAY_SECS)
        self._log.error("The position is not known: orders that are due are canceled")
        return {}

    async def _restore(self, order: Order) -> Leg:
        leg = order_to_leg(order)
        if order.status != OrderStatus.INITIALIZED:
            leg.wanted = find_wanted(order)
            leg.asked = to_units(order.quantity)
            leg.phase = Phase.SENT
            return leg
        self._held[leg.client_order_id] = request = self._to_request(order, NO_PARAMS)
        known = await self._session.search.find(request.market, leg.client_order_id, "")
        if known is not None:
            # It was sent, and the run ended before the engine wrote that down.
            self._client.generate_order_submitted(
                order.strategy_id, order.instrument_id, order.client_order_id, order.ts_init
            )
            self._session.restore(request, "", order.ts_init, is_accepted=False, filled=0, fills=[])
            leg.phase, leg.asked = Phase.SENT, known.size
            del self._held[leg.client_order_id]
        return leg

    def _cut_to_position(
        self, order: Order, parent: Leg, filled: int, venues: dict[str, int]
    ) -> None:
        """Leave a held exit no more than what is left of the position its parent opened."""
        positions = self._cache.positions_open(
            venue=None, instrument_id=order.instrument_id, strategy_id=order.strategy_id
        )
        ours = sum(int(p.signed_decimal_qty() * UNITS_PER_ONE) for p in positions)
        sign = 1 if order.side == OrderSide.SELL else -1
        left = max(0, min(ours * sign, venues.get(order.instrument_id.symbol.value, 0) * sign))
        if filled > left:
            parent.lost = filled - left
            self._log.error(
                f"{order.client_order_id!r} was due while this was not running: of the position of "
                f"{parent.client_order_id} {units_to_text(left, UNITS_SCALE)} is left, "
                "it is sent for that or canceled"
            )

    # -- `OrderDesk`: what the rules have done ----------------------------------------------------

    def find_standing(self, client_order_id: str) -> Standing | None:
        """Return how an order stands; None where nothing is known of it."""
        state = self._session.store.find_order(client_order_id)
        if state is not None:
            return _state_to_standing(state)
        order = self._cache.order(ClientOrderId(client_order_id))
        if order is None or not order.is_closed:
            return None
        filled = to_units(order.filled_qty)
        return Standing(
            phase=Phase.OVER,
            size=to_units(order.quantity),
            filled=filled,
            told_filled=filled,
            is_refused=order.status in (OrderStatus.REJECTED, OrderStatus.DENIED),
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
            self._tell_updated(order, size)
        self._client.generate_order_submitted(*ids, self._clock.timestamp_ns())
        return True

    async def send(self, client_order_ids: Sequence[str]) -> None:
        """Send prepared orders, several as one batch."""
        await self._session.batches.submit([self._held.pop(name) for name in client_order_ids])

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

    def tell_resized(self, client_order_id: str, size: int) -> None:
        """Tell a held order as updated to this size."""
        self._held[client_order_id] = _replace(self._held[client_order_id], size=size)
        self._tell_updated(self._cache.order(ClientOrderId(client_order_id)), size)

    def warn(self, text: str) -> None:
        """Take what a user should know."""
        self._log.error(text)

    def inform(self, text: str) -> None:
        """Take what a user may want to know."""
        self._log.info(text)

    def _tell_updated(
        self,
        order: Order,
        size: int,
        price: Price | None = None,
        trigger_price: Price | None = None,
    ) -> None:
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

    def _to_request(self, order: Order, params: OrderParams) -> OrderRequest:
        instrument = self._cache.instrument(order.instrument_id)
        return order_to_request(order, instrument, params, is_position_linked=is_exit(order))


def _state_to_standing(state: OrderState) -> Standing:
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
        is_changing=state.changing_size > 0,
    )


def _replace(request: OrderRequest, **changes: int) -> OrderRequest:
    values = {name: getattr(request, name) for name in OrderRequest.__slots__}
    return OrderRequest(**{**values, **changes})
