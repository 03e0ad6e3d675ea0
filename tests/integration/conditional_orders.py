"""Conditional orders of a live node, for the tests of their whole life."""

from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.model.enums import OrderSide, OrderStatus, OrderType
from nautilus_trader.model.orders import Order

from paradex_adapter.local_exchange import LocalExchange
from paradex_adapter.venue.http import HttpClient
from tests.integration.trading_node import BTC, RunningNode, until

MARKET = "BTC-USD-PERP"
MARK = "90000"
KINDS = {
    OrderType.STOP_MARKET: "STOP_MARKET",
    OrderType.STOP_LIMIT: "STOP_LIMIT",
    OrderType.MARKET_IF_TOUCHED: "TAKE_PROFIT_MARKET",
    OrderType.LIMIT_IF_TOUCHED: "TAKE_PROFIT_LIMIT",
}
TAKE_PROFITS = (OrderType.MARKET_IF_TOUCHED, OrderType.LIMIT_IF_TOUCHED)
PRICED = (OrderType.STOP_LIMIT, OrderType.LIMIT_IF_TOUCHED)


def quote(exchange: LocalExchange) -> None:
    """Quote around a mark price of `MARK`."""
    exchange.set_mark_price(MARKET, MARK)
    exchange.place_liquidity(MARKET, "BUY", "89990", "0.5")
    exchange.place_liquidity(MARKET, "SELL", "90010", "0.5")


async def hold_position(run: RunningNode, quantity: str = "0.1") -> None:
    """Buy, so that there is something to close."""
    order = run.trader.market(OrderSide.BUY, quantity)
    await until(lambda: order.status == OrderStatus.FILLED, "there is a position")


def trigger_of(kind: OrderType, side: OrderSide) -> str:
    """Return a trigger that a mark price of `MARK` has not reached."""
    is_above = (side == OrderSide.BUY) != (kind in TAKE_PROFITS)
    return "91000" if is_above else "89000"


def submit(
    run: RunningNode,
    kind: OrderType,
    side: OrderSide = OrderSide.SELL,
    quantity: str = "0.1",
    *,
    trigger: str = "",
    price: str = "90005",
    params: dict[str, Any] | None = None,
    **options: Any,
) -> Order:
    """Send a conditional order; a sell that rests above the best bid, once it is triggered."""
    factory = run.trader.order_factory
    instrument = run.cache.instrument(BTC)
    make = {
        OrderType.STOP_MARKET: factory.stop_market,
        OrderType.STOP_LIMIT: factory.stop_limit,
        OrderType.MARKET_IF_TOUCHED: factory.market_if_touched,
        OrderType.LIMIT_IF_TOUCHED: factory.limit_if_touched,
    }[kind]
    if kind in TAKE_PROFITS:
        options = {"reduce_only": True, **options}
    if kind in PRICED:
        options["price"] = instrument.make_price(Decimal(price))
    trigger_price = instrument.make_price(Decimal(trigger or trigger_of(kind, side)))
    order = make(
        BTC,
        side,
        instrument.make_qty(Decimal(quantity)),
        trigger_price=trigger_price,
        **options,
    )
    run.trader.submit_order(order, params=params)
    return order


async def waiting(run: RunningNode, kind: OrderType, **fields: Any) -> Order:
    """Return a conditional order that waits for its trigger."""
    order = submit(run, kind, **fields)
    await until(lambda: order.status == OrderStatus.ACCEPTED, "the order waits")
    return order


def row_of(exchange: LocalExchange, order: Order) -> dict[str, Any]:
    """Return the order as the venue shows it."""
    client_id = order.client_order_id.value
    return next(row for row in exchange.orders() if row.get("client_id") == client_id)


def reach(exchange: LocalExchange, order: Order) -> None:
    """Move the mark price to an order's trigger."""
    exchange.set_mark_price(MARKET, str(order.trigger_price))


def told(run: RunningNode, order: Order) -> list[str]:
    """Return the events of an order since it was submitted."""
    names = run.trader.told_of(order)
    return names[names.index("OrderSubmitted") + 1 :]


class Posts:
    """Counts what goes by REST."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.orders = 0
        self.changes = 0
        post_order, put_order = HttpClient.post_order, HttpClient.put_order

        async def post(http: HttpClient, body: bytes) -> bytes:
            self.orders += 1
            return await post_order(http, body)

        async def put(http: HttpClient, venue_order_id: str, body: bytes) -> bytes:
            self.changes += 1
            return await put_order(http, venue_order_id, body)

        monkeypatch.setattr(HttpClient, "post_order", post)
        monkeypatch.setattr(HttpClient, "put_order", put)
