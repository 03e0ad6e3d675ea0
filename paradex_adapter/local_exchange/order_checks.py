"""Whether sizes and prices of a request fit its market, and a change its order."""

from __future__ import annotations

from decimal import Decimal

from paradex_adapter.local_exchange.accounts import Account
from paradex_adapter.local_exchange.amounts import is_multiple
from paradex_adapter.local_exchange.book import BUY
from paradex_adapter.local_exchange.errors import VenueError
from paradex_adapter.local_exchange.markets import Market
from paradex_adapter.local_exchange.order_requests import ChangeRequest, OrderRequest
from paradex_adapter.local_exchange.order_types import is_market
from paradex_adapter.local_exchange.orders import Order


def check_change(request: ChangeRequest, order: Order) -> None:
    """Check what a request changes of an order.

    Raises
    ------
    VenueError
        With the venue's word for the first thing wrong.
    """
    if order.status not in ("OPEN", "UNTRIGGERED"):
        is_closed = order.status == "CLOSED"
        raise VenueError(
            "ORDER_IS_CLOSED" if is_closed else "ORDER_IS_NOT_OPEN", "order is not open"
        )
    identity = request.id, request.market, request.side, request.type
    if identity != (order.id, order.market, order.side, order.type):
        raise VenueError("VALIDATION_ERROR", "id, market, side and type must not change")
    if request.on_behalf_of_account not in ("", order.account):
        raise VenueError(
            "ISOLATED_MARKET_ACCOUNT_MISMATCH", "on_behalf_of_account is not the order's account"
        )
    trigger_price = request.trigger_price or order.trigger_price
    if trigger_price != order.trigger_price and not order.is_waiting:
        raise VenueError("VALIDATION_ERROR", "trigger_price: order is triggered already")
    changed = request.size, request.price, trigger_price
    if changed == (order.size, order.price, order.trigger_price):
        raise VenueError("VALIDATION_ERROR", "no order parameters changed")
    if request.size <= order.filled:
        raise VenueError("INVALID_ORDER_SIZE", "size: must be greater than what is filled")


def check_grid(
    size: Decimal, price: Decimal, trigger_price: Decimal | None, market: Market
) -> None:
    """Check that an order lies on the grid of its market, and is not too large.

    Raises
    ------
    VenueError
        With the venue's word for the first thing wrong.
    """
    rules = market.rules
    if not is_multiple(size, rules.step):
        raise VenueError("INVALID_ORDER_SIZE", "size: not a multiple of order_size_increment")
    if size > rules.max_order_size:
        raise VenueError("INVALID_ORDER_SIZE", "size: greater than max_order_size")
    if not is_multiple(price, rules.tick):
        raise VenueError("VALIDATION_ERROR", "price: not a multiple of price_tick_size")
    if trigger_price is not None and not is_multiple(trigger_price, rules.tick):
        raise VenueError("VALIDATION_ERROR", "trigger_price: not a multiple of price_tick_size")


def check_band(request: OrderRequest | ChangeRequest, market: Market) -> None:
    """Refuse a limit too far beyond the mark price, or beyond the trigger at which it goes.

    Raises
    ------
    VenueError
        With the venue's word for the first thing wrong.
    """
    if is_market(request.type):
        return
    middle = market.mark_price if request.trigger_price is None else request.trigger_price
    beyond = request.price - middle if request.side == BUY else middle - request.price
    if beyond > market.band_width:
        raise VenueError("VALIDATION_ERROR", "price: outside of the price band")


def check_protected(request: OrderRequest, account: Account, market: Market) -> None:
    """Check that an order may ask for market maker protection.

    Raises
    ------
    VenueError
        ``MMP_NOT_ENABLED`` or ``VALIDATION_ERROR``.
    """
    if not account.protection.is_enabled:
        raise VenueError("MMP_NOT_ENABLED", "market maker protection is not enabled")
    if request.type != "LIMIT" or market.rules.kind not in ("PERP", "OPTION"):
        raise VenueError("VALIDATION_ERROR", "flags: MMP is for limits on perps and dated options")
