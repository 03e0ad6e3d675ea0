"""What the trading session tells, as NautilusTrader's order events and reports.

Own orders speak by order events, orders of others by reports: first that they exist, then their
fills. The engine's view of an order is never consulted for what to say: it lags behind what it was
told a moment ago.
"""

from collections.abc import Callable
from typing import Any, Final

from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, Logger
from nautilus_trader.execution.reports import FillReport, OrderStatusReport
from nautilus_trader.model.enums import OrderStatus
from nautilus_trader.model.identifiers import ClientOrderId
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.orders import Order

from paradex_adapter.emitter import Emitter
from paradex_adapter.translate.instruments import is_identifier, symbol_to_instrument_id
from paradex_adapter.translate.reports import (
    fill_to_report,
    fills_to_order_report,
    order_update_to_report,
)
from paradex_adapter.translate.values import (
    UnusableMessageError,
    fill_to_commission,
    fill_to_info,
    fill_to_text,
    fill_to_trade_id,
    liquidity_to_side,
    need_venue_order_id,
    units_to_price,
    units_to_quantity,
)
from paradex_adapter.venue.external_orders import (
    ExternalChanged,
    ExternalClosed,
    ExternalFact,
    ExternalFilled,
    ExternalOpened,
)
from paradex_adapter_core.events import (
    Event,
    FillApplied,
    ModifyRejected,
    OrderAccepted,
    OrderCanceled,
    OrderChanged,
    OrderExpired,
    OrderRejected,
    OrderTriggered,
)
from paradex_adapter_core.messages.orders import Fill, OrderUpdate

# Why the venue takes orders off an account that is short of margin.
_RISK_REASONS: Final = frozenset({"DELEVERAGE", "IN_LIQUIDATION"})


class OrderNews:
    """Tells the engine what the session tells.

    Parameters
    ----------
    client : Emitter
        Generates the events.
    find_fee_value : Callable[[Fill], int | None]
        Tells what a fee that is not in USDC is worth in it, in 1e-8.
    cache : Cache
        Where the orders' identities are.
    clock : LiveClock
        The node's clock.
    log : Logger
        The client's log.
    """

    def __init__(
        self,
        client: Emitter,
        find_fee_value: Callable[[Fill], int | None],
        cache: Cache,
        clock: LiveClock,
        log: Logger,
    ) -> None:
        self._client: Final = client
        self._find_fee_value: Final = find_fee_value
        self._cache: Final = cache
        self._clock: Final = clock
        self._log: Final = log
        self._tellers: Final[dict[type, Callable[[Any, Order], None]]] = {
            OrderAccepted: self._tell_accepted,
            OrderTriggered: self._tell_triggered,
            OrderRejected: self._tell_rejected,
            OrderCanceled: self._tell_canceled,
            OrderExpired: self._tell_expired,
            OrderChanged: self._tell_changed,
            ModifyRejected: self._tell_modify_rejected,
            FillApplied: self._tell_filled,
        }

    def tell_event(self, event: Event) -> None:
        """Tell what concerns an own order; everything else is passed over."""
        tell = self._tellers.get(type(event))
        client_order_id = getattr(event, "client_order_id", "")
        if tell is None or not client_order_id:
            return
        kind = type(event).__name__
        order = self._cache.order(ClientOrderId(client_order_id))
        if order is None:
            self._log.error(f"{kind} of {client_order_id}: the order is not in the cache")
            return
        try:
            tell(event, order)
        except UnusableMessageError as error:
            self._log.error(f"{kind} of {client_order_id} is lost: {error}")

    def _tell_accepted(self, event: OrderAccepted, order: Order) -> None:
        if order.venue_order_id is not None and order.is_open:
            # A report of it, asked for while it was new, was enough for the engine.
            return
        if order.is_closed:
            self._log.error(
                f"{order.client_order_id!r} works at Paradex as {event.venue_order_id}, though the "
                "engine gave it up: cancel it there"
            )
        self._client.generate_order_accepted(
            order.strategy_id,
            order.instrument_id,
            order.client_order_id,
            need_venue_order_id(event.venue_order_id),
            event.ts_event,
        )

    def _tell_triggered(self, event: OrderTriggered, order: Order) -> None:
        if order.is_triggered or order.is_closed:
            # A report said so, or the engine gave the order up.
            return
        self._client.generate_order_triggered(
            order.strategy_id,
            order.instrument_id,
            order.client_order_id,
            need_venue_order_id(event.venue_order_id),
            event.ts_event,
        )

    def _tell_rejected(self, event: OrderRejected, order: Order) -> None:
        self._client.generate_order_rejected(
            order.strategy_id,
            order.instrument_id,
            order.client_order_id,
            event.reason or "refused without a reason",
            event.ts_event,
            event.due_post_only,
        )

    def _tell_canceled(self, event: OrderCanceled, order: Order) -> None:
        if event.reason:
            tell = self._log.warning if event.reason in _RISK_REASONS else self._log.info
            tell(f"{order.client_order_id!r} canceled: {event.reason}")
        self._client.generate_order_canceled(
            order.strategy_id,
            order.instrument_id,
            order.client_order_id,
            need_venue_order_id(event.venue_order_id),
            event.ts_event,
        )

    def _tell_expired(self, event: OrderExpired, order: Order) -> None:
        self._client.generate_order_expired(
            order.strategy_id,
            order.instrument_id,
            order.client_order_id,
            need_venue_order_id(event.venue_order_id),
            event.ts_event,
        )

    def _tell_changed(self, event: OrderChanged, order: Order) -> None:
        instrument = self._cache.instrument(order.instrument_id)
        price = event.price if order.has_price else None
        trigger_price = event.trigger_price if order.has_trigger_price else None
        self._client.generate_order_updated(
            order.strategy_id,
            order.instrument_id,
            order.client_order_id,
            need_venue_order_id(event.venue_order_id),
            units_to_quantity(event.size, instrument.size_precision),
            units_to_price(price, instrument.price_precision) if price else None,
            units_to_price(trigger_price, instrument.price_precision) if trigger_price else None,
            event.ts_event,
        )

    def _tell_modify_rejected(self, event: ModifyRejected, order: Order) -> None:
        self._client.generate_order_modify_rejected(
            order.strategy_id,
            order.instrument_id,
            order.client_order_id,
            need_venue_order_id(event.venue_order_id),
            event.reason or "refused without a reason",
            event.ts_event,
        )

    def _tell_filled(self, event: FillApplied, order: Order) -> None:
        fill = event.fill
        instrument = self._cache.instrument(order.instrument_id)
        self._client.generate_order_filled(
            order.strategy_id,
            order.instrument_id,
            order.client_order_id,
            need_venue_order_id(fill.venue_order_id),
            None,
            fill_to_trade_id(fill),
            order.side,
            order.order_type,
            units_to_quantity(fill.size, instrument.size_precision),
            units_to_price(fill.price, instrument.price_precision),
            instrument.quote_currency,
            fill_to_commission(fill),
            liquidity_to_side(fill.liquidity),
            fill.ts_event,
            fill_to_info(fill, self._find_fee_value(fill)),
        )

    def tell_fact(self, fact: ExternalFact) -> None:
        """Tell what concerns an order not ours."""
        if isinstance(fact, ExternalOpened | ExternalChanged | ExternalClosed):
            message: OrderUpdate | Fill = fact.update
        else:
            message = fact.fill
        instrument = find_instrument(self._cache, message.market)
        if instrument is None:
            self._log.warning(f"News of {message.market!a}, which is not loaded, is left out")
            return
        try:
            self._tell_external(fact, instrument)
        except UnusableMessageError as error:
            self._log.error(f"News of order {message.venue_order_id!a} is left out: {error}")

    def _tell_external(self, fact: ExternalFact, instrument: Instrument) -> None:
        ts_init = self._clock.timestamp_ns()
        about = (instrument, self._client.account_id, ts_init)
        if isinstance(fact, ExternalOpened):
            # As it was before its first fill: the fills follow.
            self._send_order(order_update_to_report(fact.update, *about, counted=0))
        elif isinstance(fact, ExternalChanged):
            self._send_order(order_update_to_report(fact.update, *about, counted=fact.told))
        elif isinstance(fact, ExternalClosed):
            self._send_order(
                order_update_to_report(fact.update, *about, was_working=fact.was_working)
            )
        elif isinstance(fact, ExternalFilled):
            self._warn_of_fill(fact)
            self._send_fill(fill_to_report(fact.fill, fact.side, *about))
        else:
            what = fill_to_text(fact.fill, fact.side)
            self._log.warning(f"{what}, a trade without an order of yours")
            opened = fills_to_order_report([fact.fill], fact.side, *about, OrderStatus.ACCEPTED)
            self._send_order(opened)
            self._send_fill(fill_to_report(fact.fill, fact.side, *about))

    def _warn_of_fill(self, fact: ExternalFilled) -> None:
        """Say that an order not sent from here filled, unless a strategy claims it."""
        venue_order_id = need_venue_order_id(fact.fill.venue_order_id)
        name = self._cache.client_order_id(venue_order_id)
        order = None if name is None else self._cache.order(name)
        if order is None or order.strategy_id.is_external():
            self._log.warning(
                f"{fill_to_text(fact.fill, fact.side)}, of order {venue_order_id}, which was not "
                "sent from here: of another client, or part of a TWAP order"
            )

    def _send_order(self, report: OrderStatusReport) -> None:
        keep_names_apart(report, self._cache)
        self._client.send_order_report(report)

    def _send_fill(self, report: FillReport) -> None:
        keep_names_apart(report, self._cache)
        self._client.send_fill_report(report)


def keep_names_apart(report: OrderStatusReport | FillReport, cache: Cache) -> None:
    """Take its client id off a report where another order of the engine bears that.

    Who shares the account may use a client id of ours. The engine would take a report of such an
    order for one of our own; without the name it goes by the venue's.
    """
    name = report.client_order_id
    order = None if name is None else cache.order(name)
    if order is not None and order.venue_order_id != report.venue_order_id:
        # One without a venue id may be on its way there; what trades after it was refused is
        # another.
        is_refusal = isinstance(report, OrderStatusReport) and (
            not report.is_open and report.filled_qty == 0
        )
        if order.venue_order_id is not None or (order.is_closed and not is_refusal):
            report.client_order_id = None
    if report.client_order_id is None:
        name_by_venue(report, cache)


def name_by_venue(report: OrderStatusReport | FillReport, cache: Cache) -> None:
    """Give the order of a report the venue's id as its client id, unless the engine has named it.

    The engine would draw a name of its own, another one in every run.
    """
    venue_order_id = report.venue_order_id
    name = cache.client_order_id(venue_order_id) or ClientOrderId(venue_order_id.value)
    report.client_order_id = name


def find_instrument(cache: Cache, market: str) -> Instrument | None:
    """Return the instrument of a market of the venue, None when it is not loaded."""
    # Nautilus aborts the process on an identifier that is not ASCII.
    return cache.instrument(symbol_to_instrument_id(market)) if is_identifier(market) else None
