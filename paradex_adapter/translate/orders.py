"""Nautilus orders as venue requests, and why some of them cannot be one.

Pure functions. An order that the venue has no form for is denied here, with a reason a trader
understands, before anything says that it was submitted.
"""

from typing import Final

from nautilus_trader.model.enums import (
    ContingencyType,
    OrderSide,
    OrderType,
    TimeInForce,
    contingency_type_to_str,
    order_type_to_str,
    time_in_force_to_str,
)
from nautilus_trader.model.instruments import CurrencyPair, Instrument
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import Order

from paradex_adapter.translate.instruments import RAW_PER_UNIT
from paradex_adapter.venue.order_requests import CLIENT_ORDER_ID_CHARS_MAX, OrderRequest
from paradex_adapter_core.vocabulary import (
    INSTRUCTION_GTC,
    INSTRUCTION_IOC,
    INSTRUCTION_POST_ONLY,
    ORDER_LIMIT,
    ORDER_MARKET,
    SIDE_BUY,
    SIDE_SELL,
    UNITS_SCALE,
)

_ORDER_TYPES: Final = {OrderType.MARKET: ORDER_MARKET, OrderType.LIMIT: ORDER_LIMIT}
_TIMES_IN_FORCE: Final = (TimeInForce.GTC, TimeInForce.IOC)


def find_denial_reason(order: Order, instrument: Instrument | None) -> str | None:
    """Return why `order` cannot be sent to the venue, None when it can.

    Parameters
    ----------
    order : Order
        The order as the strategy made it.
    instrument : Instrument or None
        The instrument it names, None when the adapter has not loaded it.
    """
    return (
        _find_identifier_fault(order.client_order_id.value)
        or _find_kind_fault(order)
        or _find_instrument_fault(order, instrument)
    )


def find_change_fault(
    order: Order,
    instrument: Instrument | None,
    quantity: Quantity | None,
    price: Price | None,
    trigger_price: Price | None,
) -> str | None:
    """Return why `order` cannot be asked to take on these values, None when it can.

    Parameters
    ----------
    order : Order
        The order as it is.
    instrument : Instrument or None
        The instrument it names, None when the adapter has not loaded it.
    quantity, price, trigger_price : Quantity or Price, optional
        As the command has them; None stays as it is.
    """
    if order.order_type != OrderType.LIMIT or trigger_price is not None:
        return "only quantity and price of limit orders can be modified"
    if instrument is None:
        return f"instrument {order.instrument_id} is not loaded: add it to the instrument provider"
    fault = None
    if quantity is not None:
        fault = _find_grid_fault("quantity", quantity, instrument.size_increment)
    if price is not None and fault is None:
        fault = _find_price_fault(price, instrument)
    return fault


def order_to_request(order: Order, instrument: Instrument) -> OrderRequest:
    """Return the request for an `order` that `find_denial_reason` has nothing against."""
    is_market = order.order_type == OrderType.MARKET
    if is_market or order.time_in_force == TimeInForce.IOC:
        # The venue has no resting market order: what is not filled at once is canceled.
        instruction = INSTRUCTION_IOC
    elif order.is_post_only:
        instruction = INSTRUCTION_POST_ONLY
    else:
        instruction = INSTRUCTION_GTC
    return OrderRequest(
        client_order_id=order.client_order_id.value,
        market=instrument.raw_symbol.value,
        side=SIDE_BUY if order.side == OrderSide.BUY else SIDE_SELL,
        order_type=_ORDER_TYPES[order.order_type],
        instruction=instruction,
        size=order.quantity.raw // RAW_PER_UNIT,
        price=0 if is_market else order.price.raw // RAW_PER_UNIT,
        reduce_only=order.is_reduce_only,
    )


def _find_identifier_fault(client_order_id: str) -> str | None:
    if len(client_order_id) > CLIENT_ORDER_ID_CHARS_MAX:
        return (
            f"client order id of {len(client_order_id)} characters, "
            f"Paradex takes at most {CLIENT_ORDER_ID_CHARS_MAX}"
        )
    if not client_order_id.isascii() or not client_order_id.isprintable():
        return "client order id is not printable ASCII"
    return None


def _find_kind_fault(order: Order) -> str | None:
    """Return what the order asks for that the venue does not have."""
    if order.order_type not in _ORDER_TYPES:
        return f"order type {order_type_to_str(order.order_type)} is not supported: MARKET or LIMIT"
    if order.time_in_force not in _TIMES_IN_FORCE:
        word = time_in_force_to_str(order.time_in_force)
        return f"time in force {word} is not supported: GTC or IOC"
    if order.is_quote_quantity:
        return "quote quantity is not supported: give the quantity in the base currency"
    if (
        order.contingency_type != ContingencyType.NO_CONTINGENCY
        or order.parent_order_id is not None
    ):
        word = contingency_type_to_str(order.contingency_type)
        return f"contingent orders ({word}) are not supported: send independent orders"
    if order.order_type != OrderType.LIMIT:
        return None
    if order.display_qty is not None:
        return "display quantity (iceberg) is not supported"
    if order.is_post_only and order.time_in_force == TimeInForce.IOC:
        return "post-only with IOC can never trade: choose one"
    return None


def _find_instrument_fault(order: Order, instrument: Instrument | None) -> str | None:
    if instrument is None:
        return f"instrument {order.instrument_id} is not loaded: add it to the instrument provider"
    if order.is_reduce_only and isinstance(instrument, CurrencyPair):
        return "reduce-only is not supported on spot: there is no position to reduce"
    fault = _find_grid_fault("quantity", order.quantity, instrument.size_increment)
    if fault is None and order.order_type == OrderType.LIMIT:
        fault = _find_price_fault(order.price, instrument)
    return fault


def _find_price_fault(price: Price, instrument: Instrument) -> str | None:
    fault = _find_grid_fault("price", price, instrument.price_increment)
    if fault is None and price.raw <= 0:
        fault = f"price {price} is not positive"
    return fault


def _find_grid_fault(name: str, value: object, increment: object) -> str | None:
    """Return whether `value` (Price or Quantity) is not a multiple of `increment`."""
    raw: int = value.raw  # type: ignore[attr-defined]
    if raw % RAW_PER_UNIT:
        return f"{name} {value} has more than {UNITS_SCALE} decimals"
    step: int = increment.raw  # type: ignore[attr-defined]
    if step and raw % step:
        return f"{name} {value} is not a multiple of {increment}"
    return None
