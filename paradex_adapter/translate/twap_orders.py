"""Market orders to be traded in parts over time (TWAP): their faults, requests and reports. Pure.

The Nautilus order is the instruction, not what came of it: it is never filled here, since its
children are orders of their own, with their own fills.
"""

import re
from typing import Final

from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.reports import OrderStatusReport
from nautilus_trader.model.enums import OrderSide, OrderStatus
from nautilus_trader.model.identifiers import AccountId, ClientOrderId
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import Order

from paradex_adapter.translate.instruments import RAW_PER_UNIT
from paradex_adapter.translate.order_params import (
    OrderParams,
    TwapTerms,
    UnusableParams,
    parse_order_params,
)
from paradex_adapter.translate.values import need_venue_order_id
from paradex_adapter.venue.algo_requests import AlgoRequest
from paradex_adapter.venue.algo_state import AlgoState
from paradex_adapter_core.decimals import units_to_text
from paradex_adapter_core.vocabulary import (
    SIDE_BUY,
    SIDE_SELL,
    STP_NONE,
    UNITS_PER_ONE,
    UNITS_SCALE,
)

_NOTE: Final = re.compile(rb"(\d{1,5}) (\d{1,5}) (\d{1,6}) ([01])")


def find_twap_fault(order: Order, params: OrderParams) -> str | None:
    """Return what a TWAP order asks for that the venue's has no field for, None if nothing."""
    if params.twap is None:
        return None
    if params.vwap_price is not None or params.stp != STP_NONE:
        return "params['twap'] goes with neither vwap_price nor stp"
    if params.on_behalf_of_account:
        return "params['twap'] does not go with on_behalf_of_account: it could not be followed"
    if order.is_reduce_only:
        return "params['twap'] does not go with reduce_only: Paradex has none for TWAP orders"
    return None


def find_parts_fault(
    order: Order, instrument: Instrument, terms: TwapTerms, price: Price | None
) -> str | None:
    """Return why an order cannot be cut into its parts.

    Parameters
    ----------
    order : Order
        Of a quantity on the instrument's grid.
    instrument : Instrument
        What it trades.
    terms : TwapTerms
        How long, and how often.
    price : Price, optional
        The price that is nearest to the mark price; without one their value is not known.
    """
    parts = terms.duration_secs // terms.interval_secs
    step, raw = instrument.size_increment.raw, order.quantity.raw
    part = raw // parts // step * step
    if not part:
        return (
            f"quantity {order.quantity} in {parts} parts is less than {instrument.size_increment} "
            "each: trade for a shorter time or less often"
        )
    most, least = instrument.max_quantity, instrument.min_notional
    if most is not None and part > most.raw:
        size = Quantity.from_raw(part, instrument.size_precision)
        return f"quantity {size} of each part is more than the {most} Paradex takes in one order"
    if least is None or price is None:
        return None
    value = part // RAW_PER_UNIT * (price.raw // RAW_PER_UNIT)
    if value * RAW_PER_UNIT >= least.raw * UNITS_PER_ONE:
        return None
    text = units_to_text(value // UNITS_PER_ONE, UNITS_SCALE)
    return f"value {text} of each of {parts} parts at {price} is less than the minimum, {least}"


def order_to_algo_request(order: Order, instrument: Instrument, params: OrderParams) -> AlgoRequest:
    """Return the request for a TWAP `order` that nothing speaks against."""
    assert params.twap is not None
    return AlgoRequest(
        client_order_id=order.client_order_id.value,
        market=instrument.raw_symbol.value,
        side=SIDE_BUY if order.side == OrderSide.BUY else SIDE_SELL,
        size=order.quantity.raw // RAW_PER_UNIT,
        duration_secs=params.twap.duration_secs,
        interval_secs=params.twap.interval_secs,
        recv_window_ms=params.recv_window_ms,
        dime_discount=params.dime_discount,
    )


def note_key(client_order_id: ClientOrderId) -> str:
    """Return under which key the cache keeps that an order is a TWAP order.

    Nothing of the order itself says so, and a later run must know.
    """
    return f"paradex-twap-{client_order_id.value}"


def params_to_note(params: OrderParams) -> bytes:
    """Return what the cache keeps of a TWAP order: its params, as numbers."""
    terms = params.twap
    assert terms is not None
    numbers = (
        terms.duration_secs,
        terms.interval_secs,
        params.recv_window_ms or 0,
        int(params.dime_discount),
    )
    return " ".join(map(str, numbers)).encode()


def note_to_params(note: bytes | None) -> OrderParams | None:
    """Return what `params_to_note` kept; None where there is nothing, or nothing of ours."""
    numbers = _NOTE.fullmatch(note or b"")
    if numbers is None:
        return None
    duration, interval, window, has_discount = map(int, numbers.groups())
    params = {
        "twap": {"duration_secs": duration, "interval_secs": interval},
        "dime_discount": bool(has_discount),
        **({"recv_window_ms": window} if window else {}),
    }
    try:
        return parse_order_params(params)
    except UnusableParams:
        return None


def algo_state_to_report(
    state: AlgoState, order: Order, account_id: AccountId, ts_init: int
) -> OrderStatusReport | None:
    """Return the report of an own TWAP order, None while the venue is not known to have it.

    Raises
    ------
    UnusableMessageError
        If the venue's id for it is none NautilusTrader can hold.
    """
    if not state.algo_order_id:
        return None
    latest = state.latest
    status = OrderStatus.ACCEPTED
    if state.is_ended:
        status = OrderStatus.EXPIRED if state.has_expired else OrderStatus.CANCELED
    return OrderStatusReport(
        account_id=account_id,
        instrument_id=order.instrument_id,
        venue_order_id=need_venue_order_id(state.algo_order_id),
        client_order_id=order.client_order_id,
        order_side=order.side,
        order_type=order.order_type,
        time_in_force=order.time_in_force,
        order_status=status,
        quantity=order.quantity,
        filled_qty=Quantity.zero(order.quantity.precision),
        cancel_reason=(latest.cancel_reason or None) if latest is not None else None,
        report_id=UUID4(),
        ts_accepted=latest.ts_created if latest is not None else order.ts_accepted,
        ts_last=latest.ts_updated if latest is not None else order.ts_last,
        ts_init=ts_init,
    )
