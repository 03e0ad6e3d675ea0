"""What the venue refuses after it took an order: sizes, positions, margin."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from paradex_adapter.local_exchange.accounts import Account
from paradex_adapter.local_exchange.book import BUY
from paradex_adapter.local_exchange.markets import Market
from paradex_adapter.local_exchange.orders import Order


def refusal(order: Order, account: Account, markets: Mapping[str, Market]) -> str:
    """Return why an order that is already among the account's is refused, or nothing."""
    if not account.is_recorded:
        # The exchange's own makers and takers are good for anything.
        return ""
    market = markets[order.market]
    rules = market.rules
    held = account.position_size(order.market)
    signed = order.remaining if order.side == BUY else -order.remaining
    is_reducing = held * signed < 0 and order.remaining <= abs(held)
    is_exact_close = order.is_reduce_only and held + signed == 0
    # An option's smallest order is measured by the price of its underlying.
    price = market.underlying_price if rules.is_option else market.mark_price
    if order.size * price < rules.min_notional and not is_exact_close:
        return "ORDER_SIZE_BELOW_MIN"
    if rules.kind == "SPOT":
        return _spot_refusal(order, account, markets, held)
    if order.is_reduce_only and not is_reducing:
        return "REDUCE_ONLY_WILL_INCREASE"
    if is_reducing:
        return ""
    working = account.working_size(order.market, order.side)
    toward = held if order.side == BUY else -held
    if working + toward > rules.position_limit:
        return "ORDER_EXCEEDS_POSITION_LIMIT"
    return "" if has_margin(order, account, markets) else "NOT_ENOUGH_MARGIN"


def waiting_refusal(order: Order, account: Account, market: Market) -> str:
    """Return why an order may not wait for its trigger, or nothing.

    Margin, and whether it reduces, are asked when it is triggered. One that closes a position needs
    the position, and is cut to its size by then.
    """
    if not account.is_recorded:
        return ""
    held = account.position_size(order.market)
    is_whole = order.is_closing and order.remaining >= abs(held)
    price = market.underlying_price if market.rules.is_option else market.mark_price
    if order.size * price < market.rules.min_notional and not is_whole:
        return "ORDER_SIZE_BELOW_MIN"
    is_opposite = held < 0 if order.side == BUY else held > 0
    return "REDUCE_ONLY_WILL_INCREASE" if order.is_closing and not is_opposite else ""


def _spot_refusal(
    order: Order, account: Account, markets: Mapping[str, Market], held: Decimal
) -> str:
    """Return why a spot order is refused: nothing is borrowed, neither a token nor cash."""
    if order.side == BUY:
        is_paid = has_margin(order, account, markets)
    else:
        is_paid = account.working_size(order.market, order.side) <= held
    return "" if is_paid else "NOT_ENOUGH_MARGIN"


def has_margin(order: Order, account: Account, markets: Mapping[str, Market]) -> bool:
    """Return whether the account affords an order that is already among its own."""
    after = account.margin(markets)
    del account.open_orders[order.id]
    before = account.margin(markets)
    account.open_orders[order.id] = order
    return after.initial <= before.initial or after.free >= 0


def modify_refusal(
    order: Order,
    size: Decimal,
    price: Decimal,
    account: Account,
    markets: Mapping[str, Market],
) -> str:
    """Return why an open order may not take on a size and price, or nothing."""
    if order.status not in ("OPEN", "UNTRIGGERED"):
        return "order is not open"
    if size <= order.filled:
        return "size is not greater than what is filled"
    old = order.size, order.remaining, order.price
    order.remaining += size - order.size
    order.size, order.price = size, price
    if order.is_waiting:
        reason = waiting_refusal(order, account, markets[order.market])
    else:
        reason = refusal(order, account, markets)
    order.size, order.remaining, order.price = old
    return reason
