"""What orders ask for beyond NautilusTrader's fields, in a real node: sent, and with effect.

And what is denied: nothing of it reaches the venue.
"""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import orjson
import pytest
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import SubmitOrderList
from nautilus_trader.model.data import MarkPriceUpdate, QuoteTick
from nautilus_trader.model.enums import OrderSide, OrderStatus, OrderType, TimeInForce, TriggerType
from nautilus_trader.model.identifiers import InstrumentId, OrderListId
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import Order, OrderList

from paradex_adapter.local_exchange import LocalExchange
from tests.integration.conditional_orders import MARKET, Posts, hold_position, quote, row_of, submit
from tests.integration.trading_node import BTC, RunningNode, running_node, until

ETH_SPOT = InstrumentId.from_str("ETH-USD.PARADEX")


@pytest.fixture
async def exchange() -> AsyncIterator[LocalExchange]:
    async with LocalExchange(seed=1, simulation_interval_ms=0) as exchange:
        quote(exchange)
        yield exchange


@pytest.fixture
async def run(exchange: LocalExchange) -> AsyncIterator[RunningNode]:
    async with running_node(exchange) as run:
        yield run


@pytest.fixture
def posts(monkeypatch: pytest.MonkeyPatch) -> Posts:
    return Posts(monkeypatch)


def limit(
    run: RunningNode,
    price: str = "89000",
    *,
    side: OrderSide = OrderSide.BUY,
    quantity: str = "0.01",
    params: dict[str, Any] | None = None,
    **options: Any,
) -> Order:
    order = run.trader.order_factory.limit(
        options.pop("instrument_id", BTC),
        side,
        Quantity.from_str(quantity),
        Price.from_str(price),
        **options,
    )
    run.trader.submit_order(order, params=params)
    return order


def market(run: RunningNode, quantity: str = "0.01", **params: Any) -> Order:
    order = run.trader.order_factory.market(BTC, OrderSide.BUY, Quantity.from_str(quantity))
    run.trader.submit_order(order, params=params)
    return order


def sent(run: RunningNode, order: Order) -> dict[str, Any]:
    body = run.exchange.received_order(order.client_order_id.value)
    assert body is not None
    return body


# -- each has its effect ----------------------------------------------------------------------


async def test_rpi_rests_beside_the_book(run: RunningNode, posts: Posts) -> None:
    run.exchange.allow_rpi()
    before = run.exchange.order_book(MARKET)
    order = limit(run, "90000.0", params={"rpi": True})
    await until(lambda: order.status == OrderStatus.ACCEPTED)
    assert sent(run, order)["instruction"] == row_of(run.exchange, order)["instruction"] == "RPI"
    assert run.exchange.order_book(MARKET) == before
    assert posts.orders == 0


async def test_rpi_of_an_account_that_is_not_admitted_is_rejected(run: RunningNode) -> None:
    order = limit(run, params={"rpi": True})
    await until(lambda: order.is_closed)
    assert order.status == OrderStatus.REJECTED
    assert "RPI_ACCOUNT_NOT_WHITELISTED" in order.last_event.reason


async def test_mmp_is_a_flag_that_the_venue_judges(run: RunningNode, posts: Posts) -> None:
    order = limit(run, params={"mmp": True})
    await until(lambda: order.is_closed)
    assert sent(run, order)["flags"] == ["MMP"]
    # Protection is not set up for this account.
    assert order.status == OrderStatus.REJECTED
    assert "MMP" in order.last_event.reason
    assert posts.orders == 0


async def test_orders_under_mmp_are_canceled_together(run: RunningNode) -> None:
    run.exchange.allow_mmp()
    config = {"interval_ms": 60_000, "frozen_time_ms": 0, "size_limit": "0.01"}
    await run.client._http._command("POST", "/account/mmp/BTC", body=orjson.dumps(config))
    at_touch = limit(run, "90005.0", side=OrderSide.SELL, quantity="0.02", params={"mmp": True})
    behind = limit(run, "90006.0", side=OrderSide.SELL, quantity="0.02", params={"mmp": True})
    apart = limit(run, "90007.0", side=OrderSide.SELL, quantity="0.02")
    await until(lambda: at_touch.is_open and behind.is_open and apart.is_open)
    assert "MMP" in row_of(run.exchange, at_touch)["flags"]
    run.exchange.take_liquidity(MARKET, "BUY", "0.015")
    await until(lambda: at_touch.is_closed and behind.is_closed)
    assert row_of(run.exchange, behind)["cancel_reason"] == "MMP_TRIGGERED"
    assert behind.status == OrderStatus.CANCELED
    assert apart.is_open


@pytest.mark.parametrize(
    ("mode", "resting", "taking"),
    [
        ("EXPIRE_TAKER", OrderStatus.ACCEPTED, OrderStatus.CANCELED),
        ("EXPIRE_MAKER", OrderStatus.CANCELED, OrderStatus.FILLED),
        ("EXPIRE_BOTH", OrderStatus.CANCELED, OrderStatus.CANCELED),
    ],
)
async def test_stp_says_which_order_of_one_account_goes(
    run: RunningNode, posts: Posts, mode: str, resting: OrderStatus, taking: OrderStatus
) -> None:
    maker = limit(run, "90005.0", side=OrderSide.SELL)
    await until(lambda: maker.status == OrderStatus.ACCEPTED)
    taker = limit(run, "90010.0", time_in_force=TimeInForce.IOC, params={"stp": mode})
    ends = (taking, OrderStatus.REJECTED) if taking == OrderStatus.CANCELED else (taking,)
    await until(lambda: taker.status in ends, f"the taker ends as {taking!r}")
    await until(lambda: maker.status == resting, f"the maker ends as {resting!r}")
    assert sent(run, taker)["stp"] == mode
    assert posts.orders == 0


async def test_vwap_price_bounds_the_average_of_a_market_order(
    run: RunningNode, posts: Posts
) -> None:
    run.exchange.place_liquidity(MARKET, "SELL", "90100", "1")
    order = market(run, "1", vwap_price=Decimal("90020"))
    await until(lambda: order.is_closed)
    assert sent(run, order)["vwap_price"] == "90020"
    assert "TARGET_STRATEGY_VWAP" in row_of(run.exchange, order)["flags"]
    assert order.status == OrderStatus.CANCELED
    assert Decimal("0.5") < order.filled_qty.as_decimal() < 1
    assert order.avg_px <= 90020
    # The websocket's document does not list the field.
    assert posts.orders == 1


async def test_a_window_of_its_own_goes_before_the_clients(run: RunningNode, posts: Posts) -> None:
    usual, own = limit(run), limit(run, params={"recv_window_ms": 60_000})
    await until(lambda: usual.is_open and own.is_open)
    assert sent(run, usual)["recv_window"] == 10_000
    assert sent(run, own)["recv_window"] == 60_000
    # The venue's clock is ahead: one of the two windows is over when the order arrives.
    run.exchange.set_clock_offset(30_000)
    late, timely = limit(run), limit(run, params={"recv_window_ms": 60_000})
    await until(lambda: timely.is_open and late.is_closed)
    assert late.status == OrderStatus.REJECTED
    assert posts.orders == 0


async def test_fees_are_paid_in_dime(run: RunningNode, posts: Posts) -> None:
    run.why_apart = "a fee in a token makes what is held of it less, and is no trade in its market"
    run.exchange.give_tokens("1000")
    run.trader.query_account(run.client.account_id)
    value = run.client.session.fee_token
    await until(lambda: value._price > 0, "the price of DIME is known")
    order = market(run, dime_discount=True)
    await until(lambda: order.is_closed)
    assert sent(run, order)["dime_discount"] is True
    assert posts.orders == 1
    (commission,) = order.commissions()
    assert commission.currency.code == "DIME"
    assert order.status == OrderStatus.FILLED
    # Four tenths less than in USDC.
    worth = Decimal(order.last_event.info["fee_usdc"])
    in_usdc = Decimal("0.00045") * order.quantity.as_decimal() * Decimal(str(order.avg_px))
    assert abs(worth - in_usdc * Decimal("0.6")) < Decimal("1e-6")


async def test_a_fee_in_usdc_needs_no_other_value(run: RunningNode) -> None:
    order = market(run)
    await until(lambda: order.is_closed)
    assert "fee_usdc" not in order.last_event.info


async def test_an_isolated_account_is_named(run: RunningNode, posts: Posts) -> None:
    order = limit(run, params={"on_behalf_of_account": "0x123"})
    await until(lambda: order.is_closed)
    assert sent(run, order)["on_behalf_of_account"] == "0x123"
    # It is none of this account's.
    assert order.status == OrderStatus.REJECTED
    assert posts.orders == 0


async def test_params_of_a_list_are_those_of_each_order(run: RunningNode) -> None:
    factory = run.trader.order_factory
    orders = [
        factory.limit(BTC, OrderSide.BUY, Quantity.from_str("0.01"), Price.from_str(price))
        for price in ("89000.0", "89001.0")
    ]
    command = SubmitOrderList(
        trader_id=run.trader.trader_id,
        strategy_id=run.trader.id,
        order_list=OrderList(OrderListId("OL-1"), orders),
        command_id=UUID4(),
        ts_init=0,
        params={"stp": "EXPIRE_BOTH"},
    )
    run.trader.submit_order_list(command.order_list, params=command.params)
    await until(lambda: all(order.is_open for order in orders))
    assert [sent(run, order)["stp"] for order in orders] == ["EXPIRE_BOTH"] * 2


# -- what is denied ---------------------------------------------------------------------------

STOP, STOP_LIMIT = OrderType.STOP_MARKET, OrderType.STOP_LIMIT
TOUCHED, TOUCHED_LIMIT = OrderType.MARKET_IF_TOUCHED, OrderType.LIMIT_IF_TOUCHED
DENIED: dict[str, tuple[Any, str]] = {
    "unknown param": (lambda run: limit(run, params={"leverage": 5}), "is not known to Paradex"),
    "rpi with IOC": (
        lambda run: limit(run, time_in_force=TimeInForce.IOC, params={"rpi": True}),
        "has to rest",
    ),
    "mmp with IOC": (
        lambda run: limit(run, time_in_force=TimeInForce.IOC, params={"mmp": True}),
        "has to rest",
    ),
    "rpi at the market": (lambda run: market(run, rpi=True), "is for LIMIT orders, not MARKET"),
    "mmp of a stop": (
        lambda run: submit(run, STOP_LIMIT, params={"mmp": True}),
        "is for LIMIT orders, not STOP_LIMIT",
    ),
    "vwap_price of a limit": (
        lambda run: limit(run, params={"vwap_price": "90000"}),
        "is for MARKET orders, not LIMIT",
    ),
    "wrong stp": (lambda run: limit(run, params={"stp": "EXPIRE"}), "must be EXPIRE_MAKER"),
    "float price": (lambda run: market(run, vwap_price=90_000.5), "not 90000.5"),
    "window too short": (lambda run: limit(run, params={"recv_window_ms": 9}), "10 to 300000"),
    "stop off the tick": (
        lambda run: raw_stop(run, "89000.05"),
        "trigger price 89000.05 is not a multiple of 0.1",
    ),
    "trigger by the last price": (
        lambda run: submit(run, STOP, trigger_type=TriggerType.LAST_PRICE),
        "Paradex triggers by MARK_PRICE",
    ),
    "take profit that opens": (lambda run: submit(run, TOUCHED, reduce_only=False), "reduce_only"),
    "limit that opens when touched": (
        lambda run: submit(run, TOUCHED_LIMIT, reduce_only=False),
        "reduce_only",
    ),
    "stop-limit with IOC": (
        lambda run: submit(run, STOP_LIMIT, time_in_force=TimeInForce.IOC),
        "waits for its trigger as GTC",
    ),
    "post-only when touched": (
        lambda run: submit(run, TOUCHED_LIMIT, post_only=True),
        "post-only LIMIT_IF_TOUCHED is not supported",
    ),
    "trigger reached": (
        lambda run: known_mark(run, "88000") and submit(run, STOP, trigger="88500"),
        "it would trigger at once",
    ),
    "take profit reached": (
        lambda run: known_mark(run, "92000") and submit(run, TOUCHED, trigger="91500"),
        "it would trigger at once",
    ),
    "worth too little": (lambda run: limit(run, quantity="0.0001"), "is less than the minimum"),
    "worth too little at the market": (
        lambda run: known_quote(run) and market(run, "0.0001"),
        "is less than the minimum",
    ),
    "too large": (lambda run: limit(run, quantity="1000"), "is more than"),
    "price 0": (lambda run: limit(run, "0.0"), "is not positive"),
    "stop on spot": (lambda run: raw_stop(run, "2000.0", ETH_SPOT), "not supported on spot"),
    "reduce-only on spot": (
        lambda run: limit(run, "2000.0", reduce_only=True, instrument_id=ETH_SPOT),
        "reduce-only is not supported on spot",
    ),
    "rpi on spot": (
        lambda run: limit(run, "2000.0", instrument_id=ETH_SPOT, params={"rpi": True}),
        "not supported on spot",
    ),
    "mmp on spot": (
        lambda run: limit(run, "2000.0", instrument_id=ETH_SPOT, params={"mmp": True}),
        "for perpetuals and dated options",
    ),
}


def raw_stop(run: RunningNode, trigger: str, instrument_id: InstrumentId = BTC) -> Order:
    order = run.trader.order_factory.stop_market(
        instrument_id, OrderSide.SELL, Quantity.from_str("0.01"), Price.from_str(trigger)
    )
    run.trader.submit_order(order)
    return order


def known_mark(run: RunningNode, price: str) -> bool:
    now_ns = run.node.kernel.clock.timestamp_ns()
    run.cache.add_mark_price(MarkPriceUpdate(BTC, Price.from_str(price), now_ns, now_ns))
    return True


def known_quote(run: RunningNode) -> bool:
    size = Quantity.from_str("1.00000")
    bid, ask = Price.from_str("89990.0"), Price.from_str("90010.0")
    run.cache.add_quote_tick(QuoteTick(BTC, bid, ask, size, size, 0, 0))
    return True


@pytest.mark.parametrize("case", DENIED)
async def test_what_is_denied_does_not_reach_the_venue(run: RunningNode, case: str) -> None:
    make, words = DENIED[case]
    order = make(run)
    await until(lambda: order.is_closed, "the order is denied")
    assert order.status == OrderStatus.DENIED
    assert words in order.last_event.reason
    assert run.trader.told_of(order) == ["OrderInitialized", "OrderDenied"]
    assert run.exchange.received_order(order.client_order_id.value) is None
    assert run.exchange.orders() == []


async def test_a_mark_price_of_long_ago_denies_nothing(run: RunningNode) -> None:
    await hold_position(run)
    old_ns = run.node.kernel.clock.timestamp_ns() - 31 * 1_000_000_000
    run.cache.add_mark_price(MarkPriceUpdate(BTC, Price.from_str("80000.0"), old_ns, old_ns))
    order = submit(run, STOP)
    await until(lambda: order.status == OrderStatus.ACCEPTED)
