"""Nautilus orders as venue requests, and why some of them cannot be one.

Pure functions. An order that the venue has no form for is denied here, with a reason a trader
understands, before anything says that it was submitted.
"""

from dataclasses import dataclass
from typing import Final

from nautilus_trader.model.enums import (
    OrderSide,
    OrderType,
    TimeInForce,
    TriggerType,
    order_type_to_str,
    time_in_force_to_str,
    trigger_type_to_str,
)
from nautilus_trader.model.instruments import (
    CryptoOption,
    CryptoPerpetual,
    CurrencyPair,
    Instrument,
    PerpetualContract,
)
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import Order

from paradex_adapter.translate.instruments import RAW_PER_UNIT
from paradex_adapter.translate.order_params import NO_PARAMS, OrderParams
from paradex_adapter.translate.twap_orders import find_parts_fault, find_twap_fault
from paradex_adapter.venue.order_requests import CLIENT_ORDER_ID_CHARS_MAX, OrderRequest
from paradex_adapter_core.decimals import units_to_text
from paradex_adapter_core.vocabulary import (
    CONDITIONAL_TYPES,
    INSTRUCTION_GTC,
    INSTRUCTION_IOC,
    INSTRUCTION_POST_ONLY,
    INSTRUCTION_RPI,
    ORDER_LIMIT,
    ORDER_MARKET,
    ORDER_STOP_LIMIT,
    ORDER_STOP_LOSS_LIMIT,
    ORDER_STOP_LOSS_MARKET,
    ORDER_STOP_MARKET,
    ORDER_TAKE_PROFIT_LIMIT,
    ORDER_TAKE_PROFIT_MARKET,
    PRICED_TYPES,
    SIDE_BUY,
    SIDE_SELL,
    UNITS_PER_ONE,
    UNITS_SCALE,
)

_ORDER_TYPES: Final = {
    OrderType.MARKET: ORDER_MARKET,
    OrderType.LIMIT: ORDER_LIMIT,
    OrderType.STOP_MARKET: ORDER_STOP_MARKET,
    OrderType.STOP_LIMIT: ORDER_STOP_LIMIT,
    OrderType.MARKET_IF_TOUCHED: ORDER_TAKE_PROFIT_MARKET,
    OrderType.LIMIT_IF_TOUCHED: ORDER_TAKE_PROFIT_LIMIT,
}
# A stop as the part of a position that the venue cuts to its size.
_POSITION_LINKED_TYPES: Final = {
    ORDER_STOP_MARKET: ORDER_STOP_LOSS_MARKET,
    ORDER_STOP_LIMIT: ORDER_STOP_LOSS_LIMIT,
}
_TAKE_PROFIT_TYPES: Final = (ORDER_TAKE_PROFIT_LIMIT, ORDER_TAKE_PROFIT_MARKET)
_POST_ONLY_TYPES: Final = (ORDER_LIMIT, ORDER_STOP_LIMIT)
_TIMES_IN_FORCE: Final = (TimeInForce.GTC, TimeInForce.IOC)
# The venue triggers by its mark price and by nothing else.
_TRIGGER_TYPES: Final = (TriggerType.DEFAULT, TriggerType.MARK_PRICE)
_MMP_INSTRUMENTS: Final = (CryptoPerpetual, PerpetualContract, CryptoOption)


@dataclass(frozen=True, slots=True)
class KnownPrices:
    """What is known of the prices of an instrument; None is unknown."""

    mark: Price | None = None
    bid: Price | None = None
    ask: Price | None = None
    last: Price | None = None


NO_PRICES: Final = KnownPrices()


def find_denial_reason(
    order: Order,
    instrument: Instrument | None,
    params: OrderParams = NO_PARAMS,
    prices: KnownPrices = NO_PRICES,
) -> str | None:
    """Return why `order` cannot be sent to the venue, None when it can.

    Parameters
    ----------
    order : Order
        The order as the strategy made it.
    instrument : Instrument or None
        The instrument it names, None when the adapter has not loaded it.
    params : OrderParams
        What the command asks for beyond it.
    prices : KnownPrices
        Of the instrument.
    """
    return (
        _find_identifier_fault(order.client_order_id.value)
        or _find_kind_fault(order)
        or _find_condition_fault(order)
        or _find_params_fault(order, params)
        or _find_instrument_fault(order, instrument, params, prices)
    )


def is_restorable(order: Order, instrument: Instrument | None) -> bool:
    """Return whether an order of an earlier run is one that this adapter may have sent."""
    return instrument is not None and order.order_type in _ORDER_TYPES


def is_exit(order: Order) -> bool:
    """Return whether an order closes what its parent order opens."""
    return bool(order.is_reduce_only and order.parent_order_id is not None)


def find_change_fault(
    order: Order,
    instrument: Instrument | None,
    quantity: Quantity | None,
    price: Price | None,
    trigger_price: Price | None,
    prices: KnownPrices = NO_PRICES,
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
    prices : KnownPrices
        Of the instrument.
    """
    kind = _ORDER_TYPES.get(order.order_type, ORDER_MARKET)
    if kind == ORDER_MARKET:
        return f"{order_type_to_str(order.order_type)} orders cannot be modified"
    if price is not None and kind not in PRICED_TYPES:
        return f"{order_type_to_str(order.order_type)} orders have no price to modify"
    if trigger_price is not None and kind not in CONDITIONAL_TYPES:
        return f"{order_type_to_str(order.order_type)} orders have no trigger price to modify"
    if instrument is None:
        return f"instrument {order.instrument_id} is not loaded: add it to the instrument provider"
    fault = None
    if quantity is not None:
        fault = _find_size_fault(quantity, instrument)
    if price is not None and fault is None:
        fault = _find_price_fault("price", price, instrument)
    if trigger_price is not None and fault is None:
        fault = _find_price_fault(
            "trigger price", trigger_price, instrument
        ) or _find_trigger_side_fault(order, trigger_price, prices.mark)
    return fault


def order_to_request(
    order: Order,
    instrument: Instrument,
    params: OrderParams = NO_PARAMS,
    *,
    is_position_linked: bool = False,
) -> OrderRequest:
    """Return the request for an `order` that `find_denial_reason` has nothing against.

    With `is_position_linked` a stop goes as the venue's ``STOP_LOSS_*`` kind: reduce-only by
    nature, cut to the position, and paired with the take-profit of the same position.
    """
    kind = _ORDER_TYPES[order.order_type]
    trigger_price = order.trigger_price.raw // RAW_PER_UNIT if order.has_trigger_price else None
    return OrderRequest(
        client_order_id=order.client_order_id.value,
        market=instrument.raw_symbol.value,
        side=SIDE_BUY if order.side == OrderSide.BUY else SIDE_SELL,
        order_type=_POSITION_LINKED_TYPES.get(kind, kind) if is_position_linked else kind,
        instruction=_to_instruction(order, kind, params),
        size=order.quantity.raw // RAW_PER_UNIT,
        price=order.price.raw // RAW_PER_UNIT if kind in PRICED_TYPES else 0,
        reduce_only=order.is_reduce_only,
        trigger_price=trigger_price,
        mmp=params.mmp,
        stp=params.stp,
        vwap_price=params.vwap_price,
        recv_window_ms=params.recv_window_ms,
        dime_discount=params.dime_discount,
        on_behalf_of_account=params.on_behalf_of_account,
    )


def _to_instruction(order: Order, kind: int, params: OrderParams) -> int:
    if params.rpi:
        return INSTRUCTION_RPI
    if kind == ORDER_MARKET:
        # The venue has no resting market order: what is not filled at once is canceled.
        return INSTRUCTION_IOC
    if kind == ORDER_LIMIT and order.time_in_force == TimeInForce.IOC:
        return INSTRUCTION_IOC
    # Market kinds wait for their trigger as GTC; once triggered they are market orders.
    return INSTRUCTION_POST_ONLY if order.is_post_only else INSTRUCTION_GTC


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
    kind = _ORDER_TYPES.get(order.order_type)
    word = order_type_to_str(order.order_type)
    if kind is None:
        known = ", ".join(order_type_to_str(known) for known in _ORDER_TYPES)
        return f"order type {word} is not supported: use {known}"
    if order.time_in_force not in _TIMES_IN_FORCE:
        time_in_force = time_in_force_to_str(order.time_in_force)
        return f"time in force {time_in_force} is not supported: GTC or IOC"
    if order.is_quote_quantity:
        return "quote quantity is not supported: give the quantity in the base currency"
    if kind not in PRICED_TYPES:
        return None
    if order.display_qty is not None:
        return "display quantity (iceberg) is not supported"
    if kind != ORDER_LIMIT and order.time_in_force == TimeInForce.IOC:
        return f"{word} with IOC is not supported: the order waits for its trigger as GTC"
    if order.is_post_only and order.time_in_force == TimeInForce.IOC:
        return "post-only with IOC can never trade: choose one"
    if order.is_post_only and kind not in _POST_ONLY_TYPES:
        return f"post-only {word} is not supported: LIMIT or STOP_LIMIT"
    return None


def _find_condition_fault(order: Order) -> str | None:
    """Return what a conditional order asks for that the venue does not have."""
    kind = _ORDER_TYPES[order.order_type]
    if kind not in CONDITIONAL_TYPES:
        return None
    if order.trigger_type not in _TRIGGER_TYPES:
        word = trigger_type_to_str(order.trigger_type)
        return f"trigger type {word} is not supported: Paradex triggers by MARK_PRICE"
    if order.trigger_instrument_id not in (None, order.instrument_id):
        return f"a trigger by {order.trigger_instrument_id} is not supported: only the order's own"
    if kind in _TAKE_PROFIT_TYPES and not order.is_reduce_only:
        word = order_type_to_str(order.order_type)
        return f"{word} only closes a position at Paradex: set reduce_only"
    return None


def _find_params_fault(order: Order, params: OrderParams) -> str | None:
    """Return which params do not go with the order."""
    kind = _ORDER_TYPES[order.order_type]
    word = order_type_to_str(order.order_type)
    for name, is_set in (("rpi", params.rpi), ("mmp", params.mmp)):
        if is_set and kind != ORDER_LIMIT:
            return f"params['{name}'] is for LIMIT orders, not {word}"
        if is_set and order.time_in_force == TimeInForce.IOC:
            return f"params['{name}'] with IOC is not supported: the order has to rest"
    for name, value in (("vwap_price", params.vwap_price), ("twap", params.twap)):
        if value is not None and kind != ORDER_MARKET:
            return f"params['{name}'] is for MARKET orders, not {word}"
    return find_twap_fault(order, params)


def _find_instrument_fault(
    order: Order, instrument: Instrument | None, params: OrderParams, prices: KnownPrices
) -> str | None:
    if instrument is None:
        return f"instrument {order.instrument_id} is not loaded: add it to the instrument provider"
    kind = _ORDER_TYPES[order.order_type]
    if isinstance(instrument, CurrencyPair):
        if order.is_reduce_only:
            return "reduce-only is not supported on spot: there is no position to reduce"
        if kind in CONDITIONAL_TYPES:
            return "conditional orders are not supported on spot"
        if params.rpi:
            return "params['rpi'] is not supported on spot"
    if params.mmp and not isinstance(instrument, _MMP_INSTRUMENTS):
        return "params['mmp'] is for perpetuals and dated options"
    if params.twap is not None:
        fault = _find_size_fault(order.quantity, instrument, is_in_parts=True)
        price = _find_price(order, prices)
        return fault or find_parts_fault(order, instrument, params.twap, price)
    fault = _find_size_fault(order.quantity, instrument)
    if fault is None and kind in PRICED_TYPES:
        fault = _find_price_fault("price", order.price, instrument)
    if fault is None and kind in CONDITIONAL_TYPES:
        fault = _find_price_fault(
            "trigger price", order.trigger_price, instrument
        ) or _find_trigger_side_fault(order, order.trigger_price, prices.mark)
    return fault or _find_notional_fault(order, instrument, prices)


def _find_size_fault(
    quantity: Quantity, instrument: Instrument, *, is_in_parts: bool = False
) -> str | None:
    fault = _find_grid_fault("quantity", quantity, instrument.size_increment)
    if fault is None and quantity.raw <= 0:
        fault = f"quantity {quantity} is not positive"
    most = instrument.max_quantity
    if fault is None and not is_in_parts and most is not None and quantity.raw > most.raw:
        fault = f"quantity {quantity} is more than the {most} Paradex takes in one order"
    return fault


def _find_price_fault(name: str, price: Price, instrument: Instrument) -> str | None:
    fault = _find_grid_fault(name, price, instrument.price_increment)
    if fault is None and price.raw <= 0:
        fault = f"{name} {price} is not positive"
    return fault


def _find_trigger_side_fault(order: Order, trigger_price: Price, mark: Price | None) -> str | None:
    """Return whether a trigger is reached already: then the order would go off at once."""
    if mark is None:
        return None
    is_take_profit = _ORDER_TYPES[order.order_type] in _TAKE_PROFIT_TYPES
    is_above = (order.side == OrderSide.BUY) != is_take_profit
    is_waiting = trigger_price.raw > mark.raw if is_above else trigger_price.raw < mark.raw
    if is_waiting:
        return None
    word, side = order_type_to_str(order.order_type), "above" if is_above else "below"
    name = "BUY" if order.side == OrderSide.BUY else "SELL"
    return (
        f"trigger price {trigger_price} of a {word} {name} must be {side} the mark price, {mark}: "
        "it would trigger at once"
    )


def _find_notional_fault(order: Order, instrument: Instrument, prices: KnownPrices) -> str | None:
    """Return whether the order is worth too little; the venue counts by its mark price."""
    least = instrument.min_notional
    if least is None or order.is_reduce_only:
        # The smallest order may close what is left of a position.
        return None
    price = _find_price(order, prices)
    if price is None:
        return None
    size, units = order.quantity.raw // RAW_PER_UNIT, price.raw // RAW_PER_UNIT
    if size * units * RAW_PER_UNIT >= least.raw * UNITS_PER_ONE:
        return None
    value = units_to_text(size * units // UNITS_PER_ONE, UNITS_SCALE)
    return f"value {value} at {price} is less than the minimum, {least}"


def _find_price(order: Order, prices: KnownPrices) -> Price | None:
    """Return the price that is nearest to the mark price, as far as it is known."""
    touch = prices.ask if order.side == OrderSide.BUY else prices.bid
    known = prices.mark or touch or prices.last
    if known is None and order.has_price:
        known = order.price
    elif known is None and order.has_trigger_price:
        known = order.trigger_price
    return known


def _find_grid_fault(name: str, value: object, increment: object) -> str | None:
    """Return whether `value` (Price or Quantity) is not a multiple of `increment`."""
    raw: int = value.raw  # type: ignore[attr-defined]
    if raw % RAW_PER_UNIT:
        return f"{name} {value} has more than {UNITS_SCALE} decimals"
    step: int = increment.raw  # type: ignore[attr-defined]
    if step and raw % step:
        return f"{name} {value} is not a multiple of {increment}"
    return None
