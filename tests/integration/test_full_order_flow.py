"""The full order flow: from a strategy's wish to both sides' books, and every word on the way.

One day of trading in a real node on a local exchange, repeated over every form the venue's news can
take. What the venue received, what the strategy was told, what NautilusTrader holds and what the
venue holds must be one story.
"""

import importlib.util
from collections import Counter
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from nautilus_trader.model.currencies import USDC
from nautilus_trader.model.enums import OrderSide, OrderStatus, TimeInForce
from nautilus_trader.model.events import OrderAccepted, OrderCanceled, OrderFilled, OrderRejected
from nautilus_trader.model.identifiers import Venue
from nautilus_trader.model.orders import Order

from paradex_adapter.local_exchange import LocalExchange
from paradex_adapter.venue import transports
from tests.integration.agreed_books import until_agreed
from tests.integration.live_node import LiveNode, live_node
from tests.integration.trading_node import BTC, ETH, until

MARKET = "BTC-USD-PERP"
BUY, SELL = OrderSide.BUY, OrderSide.SELL
SENT = ["OrderInitialized", "OrderSubmitted"]
ACCEPTED = [*SENT, "OrderAccepted"]
START_CASH = Decimal(100_000)

# What may differ between venues that say the same: none of it may show.
FORMS: dict[str, dict[str, Any]] = {
    "JSON": {"accept_plain": True},
    "JSON beside SBE": {"accept_plain": False},
    "SBE": {"accept_plain": False, "private_sbe": True},
    "SBE 1:1": {"accept_plain": False, "private_sbe": True, "sbe_versions": (0, 1)},
    "SBE 1:2, short": {
        "accept_plain": False,
        "private_sbe": True,
        "sbe_versions": (0, 1, 2),
        "long_layout": False,
    },
    "order before fill": {"is_order_before_fill": True},
    "fills by the taker's side": {"is_fill_side_of_taker": True},
    "both, in SBE": {
        "is_order_before_fill": True,
        "is_fill_side_of_taker": True,
        "accept_plain": False,
        "private_sbe": True,
    },
    "slow outcomes": {"outcome_delay_ms": 10},
    "websockets": {},
}


class Market(NamedTuple):
    run: LiveNode
    exchange: LocalExchange


@pytest.fixture(params=FORMS)
async def market(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Market]:
    is_fast = request.param != "websockets" and importlib.util.find_spec("picows") is not None
    monkeypatch.setattr(transports, "has_picows", lambda: is_fast)
    async with LocalExchange(seed=1, simulation_interval_ms=0, **FORMS[request.param]) as exchange:
        exchange.place_liquidity(MARKET, "BUY", "89990", "0.5")
        exchange.place_liquidity(MARKET, "SELL", "90010", "0.5")
        exchange.place_liquidity("ETH-USD-PERP", "BUY", "2999", "10")
        exchange.place_liquidity("ETH-USD-PERP", "SELL", "3001", "10")
        async with live_node(exchange) as run:
            run.trader.watch_all()
            yield Market(run, exchange)


async def ends(order: Order) -> Order:
    await until(lambda: order.is_closed, f"{order} ends")
    return order


async def rests(order: Order) -> Order:
    await until(lambda: order.status == OrderStatus.ACCEPTED, f"{order} rests")
    return order


async def trade_a_day(market: Market) -> dict[str, tuple[Order, list[str]]]:
    """Trade, and return every order with what its strategy must have been told."""
    run, exchange = market
    trader = run.trader
    day: dict[str, tuple[Order, list[str]]] = {}

    taken = await ends(trader.market(BUY, "0.1"))
    day["taken"] = taken, [*ACCEPTED, "OrderFilled"]

    quote = await rests(trader.limit(SELL, "0.2", "90005", post_only=True))
    for size in ("0.05", "0.15"):
        exchange.take_liquidity(MARKET, "BUY", size)
    await ends(quote)
    day["quote, taken in two"] = quote, [*ACCEPTED, "OrderFilled", "OrderFilled"]

    crossed = await ends(trader.limit(BUY, "0.01", "90010", post_only=True))
    day["quote that would cross"] = crossed, [*SENT, "OrderRejected"]

    swept = await ends(trader.limit(BUY, "0.9", "90010", time_in_force=TimeInForce.IOC))
    day["sweep of what there is"] = swept, [*ACCEPTED, "OrderFilled", "OrderCanceled"]
    exchange.place_liquidity(MARKET, "SELL", "90010", "0.5")

    partly = await rests(trader.limit(SELL, "0.3", "90002"))
    exchange.take_liquidity(MARKET, "BUY", "0.1")
    await until(lambda: partly.status == OrderStatus.PARTIALLY_FILLED)
    trader.cancel_order(partly)
    await ends(partly)
    told = [*ACCEPTED, "OrderFilled", "OrderPendingCancel", "OrderCanceled"]
    day["partly filled, given up"] = partly, told

    far = [await rests(trader.limit(BUY, "0.01", price)) for price in ("88000", "88000.1")]
    elsewhere = await rests(trader.limit(BUY, "0.1", "2900", instrument_id=ETH))
    trader.cancel_all_orders(BTC)
    for order in far:
        await ends(order)
    assert elsewhere.is_open
    for number, order in enumerate(far):
        day[f"far away {number}"] = order, [*ACCEPTED, "OrderCanceled"]

    over = await ends(trader.limit(BUY, "60", "90010"))
    day["more than there is money for"] = over, [*SENT, "OrderRejected"]
    beyond = await ends(trader.limit(BUY, "0.01", "200000"))
    day["beyond the price band"] = beyond, [*SENT, "OrderRejected"]

    ether = await ends(trader.market(SELL, "1", instrument_id=ETH))
    day["short elsewhere"] = ether, [*ACCEPTED, "OrderFilled"]
    trader.cancel_order(elsewhere)
    await ends(elsewhere)
    day["elsewhere"] = elsewhere, [*ACCEPTED, "OrderPendingCancel", "OrderCanceled"]

    # Long 0.1 - 0.2 + 0.4 - 0.1 = 0.2, turned to short 0.1, and closed.
    flipped = await ends(trader.market(SELL, "0.3"))
    day["turned"] = flipped, [*ACCEPTED, "OrderFilled"]
    closed = await ends(trader.market(BUY, "0.1", reduce_only=True))
    day["closed"] = closed, [*ACCEPTED, "OrderFilled"]
    return day


async def test_the_story_is_one_on_both_sides(market: Market) -> None:
    run, exchange = market
    day = await trade_a_day(market)
    await until_agreed(run.node, exchange)

    # 1. What the strategy was told, order by order.
    told = {name: run.trader.told_of(order) for name, (order, _) in day.items()}
    assert told == {name: expected for name, (_, expected) in day.items()}
    assert not run.cache.orders_open()
    assert len(run.cache.orders()) == len(day)

    # 2. What the venue received is what the strategy wished.
    for order, _ in day.values():
        sent = exchange.received_order(order.client_order_id.value)
        assert sent is not None
        assert sent["side"] == ("BUY" if order.side == BUY else "SELL")
        assert Decimal(sent["size"]) == order.quantity.as_decimal()
        price = order.price.as_decimal() if order.has_price else Decimal(0)
        assert Decimal(sent["price"]) == price
        assert sent["market"] == order.instrument_id.symbol.value
    # The one beyond the band was refused at the gate: it is no order of the venue's.
    assert len(exchange.orders()) == len(day) - 1

    # 3. Fills: each of the venue's once, with its id, time, price and fee.
    events = [event for event in run.trader.told if isinstance(event, OrderFilled)]
    assert [
        (e.trade_id.value, e.ts_event, e.last_px.as_decimal(), e.commission.as_decimal())
        for e in events
    ] == [
        (f["id"], f["created_at"] * 1_000_000, Decimal(f["price"]), Decimal(f["fee"]))
        for f in exchange.fills()
    ]

    # 4. Money: cash is what it was, less fees, plus profits; all of it in USDC.
    account = run.cache.account(run.exec_client.account_id)
    fills = exchange.fills()
    cash = START_CASH + sum(Decimal(f["realized_pnl"]) - Decimal(f["fee"]) for f in fills)
    await until(lambda: account.balance_total(USDC).as_decimal() == round(cash, 8))
    realized = run.node.portfolio.realized_pnls(Venue("PARADEX"))
    assert set(realized) == {USDC}
    assert run.node.portfolio.net_position(BTC) == 0
    assert run.node.portfolio.net_position(ETH) == -1

    # 5. And nothing of it twice.
    assert_told_once(run, [order for order, _ in day.values()])


def assert_told_once(run: LiveNode, orders: list[Order]) -> None:
    """No order is told twice of one thing, or of anything after its end."""
    for order in orders:
        kinds = [type(event) for event in run.trader.told if _is_of(event, order)]
        counts = Counter(kinds)
        assert counts[OrderAccepted] <= 1
        assert counts[OrderCanceled] + counts[OrderRejected] <= 1
        if OrderFilled in kinds:
            assert kinds.index(OrderAccepted) < kinds.index(OrderFilled)
        ended = [i for i, kind in enumerate(kinds) if kind in (OrderCanceled, OrderRejected)]
        assert all(i == len(kinds) - 1 for i in ended)
    trade_ids = [e.trade_id for e in run.trader.told if isinstance(e, OrderFilled)]
    assert len(trade_ids) == len(set(trade_ids))
    counters = run.exec_client.session.counters
    assert counters.get("contradictions", 0) == 0, counters
    assert not [kind for kind in counters if "skipped" in kind]


def _is_of(event: Any, order: Order) -> bool:
    return getattr(event, "client_order_id", None) == order.client_order_id


async def test_the_day_survives_a_lost_connection_at_every_corner(market: Market) -> None:
    run, exchange = market
    trader = run.trader
    session = run.exec_client.session
    order = await rests(trader.limit(SELL, "0.3", "90005"))

    async def reconnected() -> None:
        await until(lambda: session.is_ready and not session.is_recovering, "all is caught up")

    # Filled while nobody listens.
    exchange.drop_connections("private")
    exchange.take_liquidity(MARKET, "BUY", "0.1")
    await until(lambda: order.filled_qty.as_decimal() == Decimal("0.1"))
    await reconnected()
    # Filled to its end while nobody listens.
    exchange.drop_connections("private")
    exchange.take_liquidity(MARKET, "BUY", "0.2")
    await ends(order)
    await reconnected()
    # The reply to an order is lost with the connection.
    exchange.lose_next_response("order.create")
    lost = await ends(trader.market(BUY, "0.1"))
    # The reply to a cancel is lost with the connection.
    await reconnected()
    canceled = await rests(trader.limit(BUY, "0.01", "89000"))
    exchange.lose_next_response("order.cancel")
    trader.cancel_order(canceled)
    await ends(canceled)
    await reconnected()
    assert [o.status for o in (order, lost, canceled)] == [
        OrderStatus.FILLED,
        OrderStatus.FILLED,
        OrderStatus.CANCELED,
    ]
    assert trader.told_of(order) == [*ACCEPTED, "OrderFilled", "OrderFilled"]
    assert trader.told_of(lost) == [*ACCEPTED, "OrderFilled"]
    assert len(exchange.orders()) == 3
