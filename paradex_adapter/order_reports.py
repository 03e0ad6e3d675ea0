"""Reports of single orders and fills, made of what the venue answers.

An answer was under way for a while: the engine is waited for, and what is known better by now goes
before what the answer says.
"""

from typing import Final

from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, Logger
from nautilus_trader.execution.reports import FillReport, OrderStatusReport
from nautilus_trader.model.enums import OrderStatus, OrderType
from nautilus_trader.model.identifiers import AccountId, ClientOrderId
from nautilus_trader.model.orders import Order

from paradex_adapter.engine_wait import wait_for_engine
from paradex_adapter.order_news import find_instrument, keep_names_apart
from paradex_adapter.translate.instruments import RAW_PER_UNIT
from paradex_adapter.translate.reports import (
    fill_to_report,
    order_update_to_report,
    state_to_report,
)
from paradex_adapter.translate.values import (
    UnusableMessageError,
    need_venue_order_id,
    units_to_price,
    units_to_quantity,
)
from paradex_adapter.venue.trading_session import TradingSession
from paradex_adapter_core.messages.orders import Fill, OrderUpdate
from paradex_adapter_core.order_lifecycle import FILLED, QUEUED, REJECTED, SENT, WORKING
from paradex_adapter_core.order_state import OrderState
from paradex_adapter_core.vocabulary import STATUS_CLOSED

_IF_TOUCHED: Final = (OrderType.MARKET_IF_TOUCHED, OrderType.LIMIT_IF_TOUCHED)


class OrderReports:
    """Makes a report of each order and fill the venue tells of.

    Parameters
    ----------
    session : TradingSession
        Knows what was told.
    account_id : AccountId
        Whose account it is.
    cache : Cache
        Where the instruments are, and how far the engine has got.
    clock : LiveClock
        The node's clock.
    log : Logger
        The client's log.
    """

    def __init__(
        self,
        session: TradingSession,
        account_id: AccountId,
        cache: Cache,
        clock: LiveClock,
        log: Logger,
    ) -> None:
        self._session: Final = session
        self._account_id: Final = account_id
        self._cache: Final = cache
        self._clock: Final = clock
        self._log: Final = log

    async def make_order_report(self, update: OrderUpdate) -> OrderStatusReport | None:
        """Return the report of an order, after the engine has worked off what was told of it.

        None for one that cannot be reported, or whose end was told meanwhile.
        """
        instrument = find_instrument(self._cache, update.market)
        if instrument is None:
            return None
        session = self._session
        state = session.store.find_order_by_venue_id(update.venue_order_id)
        was_working = knows_as_working(update, self._cache)
        if state is None:
            counted = session.externals.find_filled(update.venue_order_id)
        else:
            await self._await_engine(state)
            if not state.is_open and update.status != STATUS_CLOSED:
                # The answer is older than the end that was told.
                return None
            was_working = was_working or WORKING <= state.status < REJECTED
            # One that ended with fills the venue does not have gets the number of the venue.
            counted = None if state.status == FILLED else state.filled
        try:
            report = order_update_to_report(
                update,
                instrument,
                self._account_id,
                self._clock.timestamp_ns(),
                was_working=was_working,
                counted=counted,
            )
        except UnusableMessageError as error:
            self._log.error(f"Order {update.venue_order_id!a} is left out: {error}")
            return None
        keep_names_apart(report, self._cache)
        if report.is_open:
            self._bring_up_to_date(report, update, state)
        keep_end(report, self._cache)
        return report

    def _bring_up_to_date(
        self, report: OrderStatusReport, update: OrderUpdate, state: OrderState | None
    ) -> None:
        """Let a report say what is known by now: the answer may have been under way for long.

        The engine would take the terms of an old answer for a change.
        """
        instrument = self._cache.instrument(report.instrument_id)
        if state is not None and state.is_open and state.status == WORKING:
            held = state_to_report(state, instrument, self._account_id, report.ts_init)
            report.order_status, report.ts_triggered = held.order_status, held.ts_triggered
            report.filled_qty = held.filled_qty
            size, price, trigger_price = state.size, state.price, state.trigger_price
        elif terms := self._session.externals.find_terms(update.venue_order_id):
            size, price, trigger_price = terms
        else:
            return
        if size < update.size - update.remaining_size:
            return
        report.quantity = units_to_quantity(size, instrument.size_precision)
        report.leaves_qty = report.quantity.saturating_sub(report.filled_qty)
        if report.price is not None and price:
            report.price = units_to_price(price, instrument.price_precision)
        if report.trigger_price is not None and trigger_price:
            report.trigger_price = units_to_price(trigger_price, instrument.price_precision)

    async def make_fill_report(self, fill: Fill) -> FillReport | None:
        """Return the report of a fill, after the engine has worked off what was told of its order.

        None for one that cannot be reported.
        """
        instrument = find_instrument(self._cache, fill.market)
        if instrument is None:
            return None
        state = self._session.store.find_order_by_venue_id(fill.venue_order_id)
        if state is not None:
            await self._await_engine(state)
        side = fill.side if state is None else state.side
        ts_init = self._clock.timestamp_ns()
        try:
            report = fill_to_report(fill, side, instrument, self._account_id, ts_init)
        except UnusableMessageError as error:
            self._log.error(f"Fill {fill.fill_id!a} is left out: {error}")
            return None
        keep_names_apart(report, self._cache)
        return report

    async def _await_engine(self, state: OrderState) -> None:
        name = ClientOrderId(state.client_order_id)
        await wait_for_engine(lambda: _knows(self._cache.order(name), state))


def keep_end(report: OrderStatusReport, cache: Cache) -> None:
    """Let the report of an order that is over say an end the engine can take, if it fills alike.

    That the venue cut an order to its position may come behind its last fill: its rest is canceled
    then. Another quantity the engine would tell as a change, of an order that has ended or, where
    no fill is left to end it, never does.
    """
    order = cache.order(report.client_order_id)
    if order is None or report.is_open or order.filled_qty != report.filled_qty:
        return
    if order.is_closed:
        report.order_status = order.status
    elif report.order_status == OrderStatus.FILLED and report.quantity < order.quantity:
        report.order_status = OrderStatus.CANCELED
    else:
        return
    report.quantity = order.quantity
    report.leaves_qty = order.leaves_qty


def is_passed_over(report: OrderStatusReport, cache: Cache) -> bool:
    """Return whether the engine takes no new price from a report of a reconciliation.

    It skips what has the status and the fills it knows; of orders if touched it compares no prices.
    """
    order = cache.order(report.client_order_id)
    if order is None:
        return False
    is_as_known = order.status == report.order_status and order.filled_qty == report.filled_qty
    return is_as_known or order.order_type in _IF_TOUCHED


def knows_as_working(update: OrderUpdate, cache: Cache) -> bool:
    """Return whether the engine knows an order as one that rested in the book."""
    try:
        venue_order_id = need_venue_order_id(update.venue_order_id)
    except UnusableMessageError:
        return False
    client_order_id = cache.client_order_id(venue_order_id)
    order = None if client_order_id is None else cache.order(client_order_id)
    return order is not None and order.status != OrderStatus.REJECTED


def _knows(order: Order | None, state: OrderState) -> bool:
    """Return whether the engine has applied the events told of an order."""
    return order is None or bool(
        order.filled_qty.raw >= state.filled * RAW_PER_UNIT
        and (order.venue_order_id is not None or state.status in (SENT, QUEUED, REJECTED))
        and (order.is_closed or state.is_open or state.missing)
        and (not state.is_triggered or _knows_trigger(order))
        and (state.changing_size or not order.is_pending_update)
    )


def _knows_trigger(order: Order) -> bool:
    """Return whether the engine was told that an order was triggered, or cannot be told any more.

    Orders without a price have no such state, and an order that is being canceled cannot take it.
    """
    is_canceling = order.status == OrderStatus.PENDING_CANCEL
    return bool(getattr(order, "is_triggered", True)) or order.is_closed or is_canceling
