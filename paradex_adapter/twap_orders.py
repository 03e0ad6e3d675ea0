"""TWAP orders between the engine and the venue: market orders that are traded in parts over time.

Sent, canceled and reported apart from all others, since the venue keeps them apart:
`paradex_adapter.venue.algo_orders`. What becomes of them is told like that of any other order.
"""

import asyncio
from typing import Final

from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, Logger
from nautilus_trader.execution.reports import OrderStatusReport
from nautilus_trader.model.identifiers import AccountId, ClientOrderId, VenueOrderId
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.orders import Order

from paradex_adapter.engine_wait import wait_for_engine
from paradex_adapter.translate.order_params import OrderParams
from paradex_adapter.translate.twap_orders import (
    algo_state_to_report,
    note_key,
    note_to_params,
    order_to_algo_request,
    params_to_note,
)
from paradex_adapter.translate.values import UnusableMessageError
from paradex_adapter.venue.algo_orders import AlgoOrders
from paradex_adapter.venue.algo_state import AlgoState
from paradex_adapter.venue.errors import ParadexError, excerpt
from paradex_adapter_core.decimals import units_to_text
from paradex_adapter_core.vocabulary import SIDE_BUY, UNITS_SCALE


class TwapEntry:
    """Takes the engine's commands for TWAP orders.

    Parameters
    ----------
    algo_orders : AlgoOrders
        Sends and follows them.
    cache : Cache
        Where orders and instruments are, and a note that an order is a TWAP order.
    clock : LiveClock
        The node's clock.
    """

    def __init__(self, algo_orders: AlgoOrders, cache: Cache, clock: LiveClock) -> None:
        self._algo_orders: Final = algo_orders
        self._cache: Final = cache
        self._clock: Final = clock

    def is_known(self, order: Order) -> bool:
        """Return whether an order is a TWAP order that was sent, or is about to be."""
        return self._algo_orders.find(order.client_order_id.value) is not None

    def submit(self, order: Order, instrument: Instrument, params: OrderParams) -> None:
        """Send a TWAP order that nothing speaks against."""
        self._cache.add(note_key(order.client_order_id), params_to_note(params))
        self._algo_orders.submit(order_to_algo_request(order, instrument, params))

    def restore(self, order: Order, instrument: Instrument | None) -> bool:
        """Take up an order of an earlier run; return whether it is a TWAP order."""
        params = note_to_params(self._cache.get(note_key(order.client_order_id)))
        if params is None:
            return False
        if instrument is not None:
            self._algo_orders.restore(
                order_to_algo_request(order, instrument, params),
                order.venue_order_id.value if order.venue_order_id is not None else "",
                (self._clock.timestamp_ns() - order.ts_init) // 1_000_000,
            )
        return True

    async def cancel(self, orders: list[Order]) -> list[str | None]:
        """Ask for the end of TWAP orders; return of each why the venue will not, or None."""
        names = [order.client_order_id.value for order in orders]
        return list(await asyncio.gather(*map(self._algo_orders.cancel, names)))


class TwapAnswers:
    """Reports TWAP orders: at work with nothing filled, or how they ended.

    Parameters
    ----------
    algo_orders : AlgoOrders
        Asks the venue, and knows what was told.
    account_id : AccountId
        Whose account it is.
    cache : Cache
        Where the orders are, and how far the engine has got.
    clock : LiveClock
        The node's clock.
    log : Logger
        The client's log.

    Notes
    -----
    What asks the venue raises `ParadexError` when there is no whole answer.
    """

    def __init__(
        self,
        algo_orders: AlgoOrders,
        account_id: AccountId,
        cache: Cache,
        clock: LiveClock,
        log: Logger,
    ) -> None:
        self._algo_orders: Final = algo_orders
        self._account_id: Final = account_id
        self._cache: Final = cache
        self._clock: Final = clock
        self._log: Final = log

    def find(
        self, client_order_id: ClientOrderId | None, venue_order_id: VenueOrderId | None
    ) -> AlgoState | None:
        """Return the TWAP order that is meant, None when it is none of ours."""
        if client_order_id is not None:
            return self._algo_orders.find(client_order_id.value)
        return (
            None if venue_order_id is None else self._algo_orders.find_by_id(venue_order_id.value)
        )

    async def report(self, state: AlgoState) -> OrderStatusReport | None:
        """Ask the venue for a TWAP order, tell what is new, and report it."""
        await self._algo_orders.refresh()
        self._algo_orders.tell_news(even_held=True)
        await self._await_engine(state)
        return self.report_held(state)

    async def report_all(self, market: str | None, *, open_only: bool) -> list[OrderStatusReport]:
        """Ask the venue for the TWAP orders, tell what is new, and report them."""
        asked = [
            state
            for state in self._algo_orders.orders()
            if market in (None, state.request.market) and (state.is_open or not open_only)
        ]
        await self._algo_orders.refresh()
        self._algo_orders.tell_news(even_held=True)
        for state in asked:
            await self._await_engine(state)
        return self._make_reports(asked)

    async def report_everything(self) -> list[OrderStatusReport]:
        """Ask the venue for the TWAP orders and report them; what this tells is not told again."""
        await self._algo_orders.refresh()
        await self._warn_of_others()
        states = self._algo_orders.orders()
        reports = self._make_reports(states)
        for state in states:
            state.mark_told()
        return reports

    async def _warn_of_others(self) -> None:
        """Name the algo orders that trade for the account without being orders of this node."""
        try:
            others = await self._algo_orders.find_others()
        except ParadexError as error:
            self._log.warning(f"Whether others' TWAP orders work is not known: {error}")
            return
        for row in others:
            side = "buys" if row.side == SIDE_BUY else "sells"
            left = units_to_text(row.remaining_size, UNITS_SCALE)
            self._log.warning(
                f"TWAP order {excerpt(row.algo_order_id)!a}, which this node does not know, "
                f"{side} {left} more of {row.market!a}: its children are told, it is not"
            )

    def report_held(self, state: AlgoState) -> OrderStatusReport | None:
        """Return what is known of a TWAP order, without asking the venue."""
        order = self._cache.order(ClientOrderId(state.request.client_order_id))
        if order is None:
            return None
        ts_init = self._clock.timestamp_ns()
        try:
            return algo_state_to_report(state, order, self._account_id, ts_init)
        except UnusableMessageError as error:
            self._log.error(f"TWAP order {state.request.client_order_id} is left out: {error}")
            return None

    def report_open_held(self) -> list[OrderStatusReport]:
        """Return what is known of the TWAP orders at work, without asking the venue."""
        return self._make_reports(self._algo_orders.open_orders())

    def _make_reports(self, states: list[AlgoState]) -> list[OrderStatusReport]:
        reports = [self.report_held(state) for state in states]
        return [report for report in reports if report is not None]

    async def _await_engine(self, state: AlgoState) -> None:
        name = ClientOrderId(state.request.client_order_id)
        await wait_for_engine(lambda: _knows(self._cache.order(name), state))


def _knows(order: Order | None, state: AlgoState) -> bool:
    """Return whether the engine has applied what was told of an order."""
    if order is None:
        return True
    is_accepted = order.venue_order_id is not None or not state.algo_order_id
    return is_accepted and (order.is_closed or state.is_open)
