"""NautilusTrader's contingent orders (OTO, OCO, OUO): taken, changed, dropped, and found again.

`contingencies` decides what becomes of them, and `contingent_desk` does it.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final

from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, Logger
from nautilus_trader.model.enums import ContingencyType, OrderSide, OrderStatus
from nautilus_trader.model.identifiers import ClientOrderId
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import Order

from paradex_adapter.contingencies import Contingencies
from paradex_adapter.contingency_rules import Leg, Phase
from paradex_adapter.contingent_desk import ContingentDesk
from paradex_adapter.contingent_legs import (
    find_unfinished,
    find_wanted,
    hangs_together,
    is_elsewhere,
    order_to_leg,
    to_units,
)
from paradex_adapter.emitter import Emitter
from paradex_adapter.translate.order_params import NO_PARAMS, OrderParams
from paradex_adapter.venue.errors import ParadexError
from paradex_adapter.venue.trading_session import TradingSession
from paradex_adapter_core.decimals import units_to_text
from paradex_adapter_core.events import Event
from paradex_adapter_core.order_lifecycle import WORKING
from paradex_adapter_core.vocabulary import UNITS_PER_ONE, UNITS_SCALE

SETTLE_ATTEMPTS_MAX: Final = 60
SETTLE_DELAY_SECS: Final = 1.0


class ContingentOrders:
    """Takes orders that hang together.

    Parameters
    ----------
    desk : ContingentDesk
        Does what is planned.
    client : Emitter
        Generates the events.
    session : TradingSession
        Knows what was sent.
    cache : Cache
        Where orders, instruments and positions are.
    clock : LiveClock
        The node's clock.
    log : Logger
        The client's log.
    """

    def __init__(
        self,
        desk: ContingentDesk,
        client: Emitter,
        session: TradingSession,
        cache: Cache,
        clock: LiveClock,
        log: Logger,
    ) -> None:
        self._client: Final = client
        self._session: Final = session
        self._cache: Final = cache
        self._log: Final = log
        self._desk: Final = desk
        self._contingencies: Final = Contingencies(desk)
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
        if parent.is_closed and order.quantity > parent.filled_qty:
            return "its quantity is greater than what its parent order filled before it ended"
        return None

    def submit(self, orders: Sequence[Order], params: OrderParams) -> None:
        """Take orders that nothing speaks against; those that are due are sent."""
        for order in orders:
            self._desk.hold(order, params)
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
            and not self._desk.is_told_canceled(name)
            and self._contingencies.find_leg(name) is None
            and self._session.store.find_order(name) is None
        )

    def drop(self, order: Order) -> None:
        """Cancel an order that is held, with what ends with it, or that was left behind."""
        if not self._contingencies.drop(order.client_order_id.value):
            self._desk.tell_canceled(order.client_order_id.value)

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
        self._desk.change(order, quantity, price, trigger_price)
        if quantity is not None:
            self._contingencies.change_held(order.client_order_id.value, to_units(quantity))

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
            self._desk.tell_updated(order, state.size)

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
                self._desk.hold(order, NO_PARAMS)
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
        standing = None if parent is None else self._desk.find_standing(parent.client_order_id)
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
        request = self._desk.hold(order, NO_PARAMS)
        known = await self._session.search.find(request.market, leg.client_order_id, "")
        if known is not None:
            # It was sent, and the run ended before the engine wrote that down.
            self._client.generate_order_submitted(
                order.strategy_id, order.instrument_id, order.client_order_id, order.ts_init
            )
            self._desk.let_go(leg.client_order_id)
            self._session.restore(request, "", order.ts_init, is_accepted=False, filled=0, fills=[])
            leg.phase, leg.asked = Phase.SENT, known.size
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
