"""NautilusTrader's Execution Testing Spec, case by case, in a live node on the local exchange.

Each test bears the id of its case, and `ExecTester` trades it; what it has no option for (TC-E13,
E15, E44, E72, E74, E75, E77, E78, E94 and the opening in E101) is sent through it. Every run ends
in agreement: what the node holds is what the venue holds.

Where the venue or the adapter has no such order, the case is turned round: the order must be denied
by the adapter, with a reason, and nothing of it may reach the venue. These are fill-or-kill
(TC-E04, E15, E16, E99), quote quantity (E05), GTD (E17), DAY (E19), stops and the like (E20 to E27,
E96), brackets (E50, E51, E53) and display quantity (E62).

Not here:

- TC-E30, E31 and E76 are about changing orders: see `test_modify.py`. TC-E36 is for adapters that
  cannot change an order.
- TC-E18 needs a GTD order, TC-E34 and E35 a stop, and TC-E52 a bracket that works: none is ever
  sent.
- TC-E63 and E92 are about parameters of an adapter's own: there are none, for options neither.

TC-E43 asks for one request for the whole batch: the adapter sends a cancel for each order of it,
all at once, so an outcome is always one order's (E77, E78).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import CancelOrder
from nautilus_trader.model.currencies import USDC
from nautilus_trader.model.enums import (
    OrderSide,
    OrderStatus,
    OrderType,
    PositionSide,
    TimeInForce,
)
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.instruments import CryptoOption
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.model.orders import Order
from nautilus_trader.test_kit.strategies.tester_exec import ExecTester, ExecTesterConfig

from paradex_adapter import PARADEX_CLIENT_ID
from paradex_adapter.agreement import find_differences
from paradex_adapter.local_exchange import LocalExchange
from paradex_adapter.venue import recovery
from tests.integration.live_node import LiveNode, live_node
from tests.integration.trading_node import BTC, WAIT_SECS, until

MARKET = "BTC-USD-PERP"
BUY, SELL = OrderSide.BUY, OrderSide.SELL
SENT = ["OrderInitialized", "OrderSubmitted"]
ACCEPTED = [*SENT, "OrderAccepted"]
FILLED = [*ACCEPTED, "OrderFilled"]
CANCELED = [*ACCEPTED, "OrderPendingCancel", "OrderCanceled"]
DENIED = ["OrderInitialized", "OrderDenied"]
BID, ASK = Decimal("89990"), Decimal("90010")
# 500 ticks of 0.1 away from the best price, by the tester's default.
BUY_PRICE, SELL_PRICE = Price.from_str("89940.0"), Price.from_str("90060.0")
QUANTITY = Decimal("0.01")
OPTION_BID, OPTION_ASK = Decimal(1990), Decimal(2010)
NO_LIMITS = {"enable_limit_buys": False, "enable_limit_sells": False}


class Run:
    """A started node with a tester, and the exchange it trades on."""

    def __init__(self, live: LiveNode, tester: ExecTester, exchange: LocalExchange) -> None:
        self.live = live
        self.tester = tester
        self.exchange = exchange

    def orders(self) -> list[Order]:
        """Return the tester's orders, the oldest first."""
        orders = self.live.cache.orders(strategy_id=self.tester.id)
        return sorted(orders, key=lambda order: order.ts_init)

    async def all_are(self, status: OrderStatus, count: int = 1) -> list[Order]:
        """Wait until there are so many orders, all of one status."""
        await until(
            lambda: len(self.orders()) == count and all(o.status == status for o in self.orders()),
            f"{count} orders are {status.name}",
        )
        return self.orders()

    def limit(self, side: OrderSide, price: Decimal | str, **options: Any) -> Order:
        """Send a limit order through the tester."""
        instrument = self.tester.instrument
        order = self.tester.order_factory.limit(
            instrument.id,
            side,
            instrument.make_qty(self.tester.config.order_qty),
            instrument.make_price(Decimal(price)),
            **options,
        )
        self.tester.submit_order(order)
        return order

    def differences(self) -> list[str]:
        return find_differences(
            self.live.cache,
            orders=self.exchange.orders(),
            fills=self.exchange.fills(),
            positions=self.exchange.positions(),
        )


def flow(order: Order) -> list[str]:
    """Return the names of the events of an order, in order."""
    return [type(event).__name__ for event in order.events]


def sent(exchange: LocalExchange, order: Order) -> Any:
    """Return what the venue received of an order."""
    return exchange.received_order(order.client_order_id.value)


def find_option(exchange: LocalExchange) -> str:
    """Return a call on BTC that is listed."""
    symbols = [str(row["symbol"]) for row in exchange.markets()]
    return next(s for s in symbols if s.startswith("BTC-") and s.endswith("-90000-C"))


@pytest.fixture
async def exchange() -> AsyncIterator[LocalExchange]:
    """An exchange with one level on either side of two books, where nobody else trades."""
    async with LocalExchange(seed=1, simulation_interval_ms=0) as exchange:
        option = find_option(exchange)
        exchange.set_mark_price(MARKET, "90000")
        exchange.set_mark_price(option, "2000")
        for market, bid, ask in ((MARKET, BID, ASK), (option, OPTION_BID, OPTION_ASK)):
            exchange.place_liquidity(market, "BUY", str(bid), "1")
            exchange.place_liquidity(market, "SELL", str(ask), "1")
        yield exchange


@pytest.fixture
def option(exchange: LocalExchange) -> dict[str, Any]:
    """The options of a tester that trades an option."""
    return {
        "instrument_id": InstrumentId.from_str(f"{find_option(exchange)}.PARADEX"),
        "order_qty": Decimal("0.5"),
        "tob_offset_ticks": 5,
    }


@asynccontextmanager
async def running(exchange: LocalExchange, **options: Any) -> AsyncIterator[Run]:
    """Run a node with a tester that leaves everything as it is when it stops, unless told so.

    ``log_level`` is the node's; the other options are the tester's.
    """
    log_level = options.pop("log_level", "ERROR")
    config = ExecTesterConfig(
        **{
            "instrument_id": BTC,
            "client_id": PARADEX_CLIENT_ID,
            "order_qty": QUANTITY,
            "log_data": False,
            "cancel_orders_on_stop": False,
            "close_positions_on_stop": False,
            **options,
        }
    )
    tester = ExecTester(config)
    async with live_node(exchange, trader=tester, log_level=log_level) as live:
        run = Run(live, tester, exchange)
        yield run
        try:
            await until(lambda: not run.differences())
        except AssertionError:
            pytest.fail(f"not in {WAIT_SECS} s: {run.differences()}")


async def see_denied(exchange: LocalExchange, *reasons: str, **options: Any) -> None:
    """See that orders are denied, in turn for these reasons, and that none reaches the venue."""
    async with running(exchange, **options) as run:
        orders = await run.all_are(OrderStatus.DENIED, len(reasons))
        see_orders_denied(exchange, orders, *reasons)


def see_orders_denied(exchange: LocalExchange, orders: list[Order], *reasons: str) -> None:
    assert [flow(order) for order in orders] == [DENIED] * len(reasons)
    for order, reason in zip(orders, reasons, strict=True):
        assert reason in order.last_event.reason
        assert sent(exchange, order) is None
    assert exchange.orders() == []


# -- 1: market orders -------------------------------------------------------------------------


async def see_opened(exchange: LocalExchange, sign: int, **options: Any) -> None:
    opening = {**NO_LIMITS, "open_position_on_start_qty": sign * QUANTITY, **options}
    async with running(exchange, **opening) as run:
        (order,) = await run.all_are(OrderStatus.FILLED)
        assert flow(order) == FILLED
        assert order.filled_qty.as_decimal() == QUANTITY
        price = ASK if sign > 0 else BID
        assert order.last_event.last_px.as_decimal() == price
        (position,) = run.live.cache.positions_open()
        assert position.side == (PositionSide.LONG if sign > 0 else PositionSide.SHORT)
        assert position.quantity.as_decimal() == QUANTITY
        assert sent(exchange, order)["type"] == "MARKET"
        account = run.live.cache.account(order.account_id)
        fee = order.last_event.commission.as_decimal()
        assert fee > 0
        await until(
            lambda: account.balance_total(USDC) == Money(Decimal(100_000) - fee, USDC),
            "the account state tells of the fee",
        )


async def test_tc_e01_a_market_order_to_buy_fills(exchange: LocalExchange) -> None:
    await see_opened(exchange, 1)


async def test_tc_e02_a_market_order_to_sell_fills(exchange: LocalExchange) -> None:
    await see_opened(exchange, -1)


async def test_tc_e03_a_market_order_that_is_ioc_fills(exchange: LocalExchange) -> None:
    await see_opened(exchange, 1, open_position_time_in_force=TimeInForce.IOC)


async def test_tc_e04_a_market_order_that_is_fok_is_denied(exchange: LocalExchange) -> None:
    await see_denied(
        exchange,
        "time in force FOK is not supported",
        **NO_LIMITS,
        open_position_on_start_qty=QUANTITY,
        open_position_time_in_force=TimeInForce.FOK,
    )


async def test_tc_e05_a_market_order_by_quote_quantity_is_denied(exchange: LocalExchange) -> None:
    await see_denied(
        exchange,
        "quote quantity is not supported",
        **NO_LIMITS,
        open_position_on_start_qty=Decimal(100),
        use_quote_quantity=True,
    )


async def see_closed_on_stop(
    exchange: LocalExchange, sign: int = 1, **options: Any
) -> tuple[Order, Order]:
    """Open a position, stop, and return the orders that opened and closed it."""
    async with running(
        exchange,
        **NO_LIMITS,
        open_position_on_start_qty=sign * QUANTITY,
        close_positions_on_stop=True,
        **options,
    ) as run:
        await run.all_are(OrderStatus.FILLED)
        run.tester.stop()
        opened, closed = await run.all_are(OrderStatus.FILLED, 2)
        assert flow(closed) == FILLED
        assert closed.order_type == OrderType.MARKET
        assert closed.side != opened.side
        assert run.live.cache.positions_open() == []
        assert run.live.cache.orders_open() == []
        await until(lambda: not any(Decimal(p["size"]) for p in exchange.positions()))
    return opened, closed


@pytest.mark.parametrize("sign", [1, -1])
async def test_tc_e06_a_position_is_closed_on_stop(exchange: LocalExchange, sign: int) -> None:
    await see_closed_on_stop(exchange, sign)


# -- 2: limit orders --------------------------------------------------------------------------


async def see_resting(exchange: LocalExchange, *sides: OrderSide, **options: Any) -> list[Order]:
    enabled = {"enable_limit_buys": BUY in sides, "enable_limit_sells": SELL in sides}
    async with running(exchange, **enabled, **options) as run:
        orders = await run.all_are(OrderStatus.ACCEPTED, len(sides))
        assert [order.side for order in orders] == list(sides)
        assert run.live.cache.orders_open_count() == len(sides)
        for order in orders:
            assert flow(order) == ACCEPTED
            assert order.price == (BUY_PRICE if order.side == BUY else SELL_PRICE)
            row = sent(exchange, order)
            assert (row["side"], row["type"]) == (order.side.name, "LIMIT")
            assert Decimal(row["price"]) == order.price.as_decimal()
            assert Decimal(row["size"]) == QUANTITY
        assert [row["status"] for row in exchange.orders()] == ["OPEN"] * len(sides)
    return orders


async def test_tc_e10_a_limit_order_to_buy_rests(exchange: LocalExchange) -> None:
    (order,) = await see_resting(exchange, BUY)
    assert order.time_in_force == TimeInForce.GTC
    assert sent(exchange, order)["instruction"] == "GTC"


async def test_tc_e11_a_limit_order_to_sell_rests(exchange: LocalExchange) -> None:
    (order,) = await see_resting(exchange, SELL)
    assert sent(exchange, order)["instruction"] == "GTC"


async def test_tc_e12_a_pair_of_limit_orders_rests(exchange: LocalExchange) -> None:
    await see_resting(exchange, BUY, SELL)


async def test_tc_e13_an_aggressive_ioc_order_fills(exchange: LocalExchange) -> None:
    async with running(exchange, **NO_LIMITS) as run:
        order = run.limit(BUY, ASK, time_in_force=TimeInForce.IOC)
        await run.all_are(OrderStatus.FILLED)
        assert flow(order) == FILLED
        assert sent(exchange, order)["instruction"] == "IOC"
        (position,) = run.live.cache.positions_open()
        assert position.side == PositionSide.LONG


async def test_tc_e14_a_passive_ioc_order_is_canceled(exchange: LocalExchange) -> None:
    only_buys = {"enable_limit_sells": False, "limit_time_in_force": TimeInForce.IOC}
    async with running(exchange, **only_buys) as run:
        (order,) = await run.all_are(OrderStatus.CANCELED)
        assert flow(order) == [*ACCEPTED, "OrderCanceled"]
        assert order.filled_qty == Quantity.zero(order.filled_qty.precision)


async def test_tc_e15_a_fok_order_that_would_fill_is_denied(exchange: LocalExchange) -> None:
    async with running(exchange, **NO_LIMITS) as run:
        order = run.limit(BUY, ASK, time_in_force=TimeInForce.FOK)
        await run.all_are(OrderStatus.DENIED)
        see_orders_denied(exchange, [order], "time in force FOK is not supported")


async def test_tc_e16_a_fok_order_that_would_not_fill_is_denied(exchange: LocalExchange) -> None:
    await see_denied(
        exchange,
        "time in force FOK is not supported",
        enable_limit_sells=False,
        limit_time_in_force=TimeInForce.FOK,
    )


async def test_tc_e17_a_gtd_order_is_denied(exchange: LocalExchange) -> None:
    await see_denied(
        exchange,
        "time in force GTD is not supported",
        enable_limit_sells=False,
        order_expire_time_delta_mins=60,
    )


async def test_tc_e19_a_day_order_is_denied(exchange: LocalExchange) -> None:
    await see_denied(
        exchange,
        "time in force DAY is not supported",
        enable_limit_sells=False,
        limit_time_in_force=TimeInForce.DAY,
    )


# -- 3: stops and other conditional orders ----------------------------------------------------


async def see_stop_denied(
    exchange: LocalExchange, side: OrderSide, kind: OrderType, **options: Any
) -> None:
    await see_denied(
        exchange,
        f"order type {kind.name} is not supported",
        **NO_LIMITS,
        enable_stop_buys=side == BUY,
        enable_stop_sells=side == SELL,
        stop_order_type=kind,
        **options,
    )


async def test_tc_e20_a_stop_market_order_to_buy_is_denied(exchange: LocalExchange) -> None:
    await see_stop_denied(exchange, BUY, OrderType.STOP_MARKET)


async def test_tc_e21_a_stop_market_order_to_sell_is_denied(exchange: LocalExchange) -> None:
    await see_stop_denied(exchange, SELL, OrderType.STOP_MARKET)


async def test_tc_e22_a_stop_limit_order_to_buy_is_denied(exchange: LocalExchange) -> None:
    await see_stop_denied(exchange, BUY, OrderType.STOP_LIMIT, stop_limit_offset_ticks=50)


async def test_tc_e23_a_stop_limit_order_to_sell_is_denied(exchange: LocalExchange) -> None:
    await see_stop_denied(exchange, SELL, OrderType.STOP_LIMIT, stop_limit_offset_ticks=50)


async def test_tc_e24_a_market_if_touched_order_to_buy_is_denied(exchange: LocalExchange) -> None:
    await see_stop_denied(exchange, BUY, OrderType.MARKET_IF_TOUCHED)


async def test_tc_e25_a_market_if_touched_order_to_sell_is_denied(exchange: LocalExchange) -> None:
    await see_stop_denied(exchange, SELL, OrderType.MARKET_IF_TOUCHED)


async def test_tc_e26_a_limit_if_touched_order_to_buy_is_denied(exchange: LocalExchange) -> None:
    await see_stop_denied(exchange, BUY, OrderType.LIMIT_IF_TOUCHED, stop_limit_offset_ticks=50)


async def test_tc_e27_a_limit_if_touched_order_to_sell_is_denied(exchange: LocalExchange) -> None:
    await see_stop_denied(exchange, SELL, OrderType.LIMIT_IF_TOUCHED, stop_limit_offset_ticks=50)


# -- 4: replacing orders ----------------------------------------------------------------------


async def see_replaced(exchange: LocalExchange, side: OrderSide, shift: int) -> None:
    """See an order canceled and sent anew once the market has moved away from it."""
    async with running(
        exchange,
        enable_limit_buys=side == BUY,
        enable_limit_sells=side == SELL,
        cancel_replace_orders_to_maintain_tob_offset=True,
    ) as run:
        (first,) = await run.all_are(OrderStatus.ACCEPTED)
        exchange.cancel_liquidity(MARKET)
        exchange.place_liquidity(MARKET, "BUY", str(BID + shift), "1")
        exchange.place_liquidity(MARKET, "SELL", str(ASK + shift), "1")
        statuses = [OrderStatus.CANCELED, OrderStatus.ACCEPTED]
        await until(lambda: [order.status for order in run.orders()] == statuses)
        replaced, replacing = run.orders()
        assert replaced == first
        assert flow(replaced) == CANCELED
        assert flow(replacing) == ACCEPTED
        assert replacing.price.as_decimal() == first.price.as_decimal() + shift


async def test_tc_e32_an_order_to_buy_is_replaced(exchange: LocalExchange) -> None:
    await see_replaced(exchange, BUY, 100)


async def test_tc_e33_an_order_to_sell_is_replaced(exchange: LocalExchange) -> None:
    await see_replaced(exchange, SELL, -100)


# -- 5: cancels -------------------------------------------------------------------------------


async def see_canceled_on_stop(
    exchange: LocalExchange, *sides: OrderSide, **options: Any
) -> list[Order]:
    enabled = {"enable_limit_buys": BUY in sides, "enable_limit_sells": SELL in sides}
    stopping = {"cancel_orders_on_stop": True, **options}
    async with running(exchange, **enabled, **stopping) as run:
        orders = await run.all_are(OrderStatus.ACCEPTED, len(sides))
        ids = {order.client_order_id: order.venue_order_id for order in orders}
        run.tester.stop()
        await run.all_are(OrderStatus.CANCELED, len(sides))
        for order in orders:
            assert flow(order) == CANCELED
            assert order.last_event.venue_order_id == ids[order.client_order_id]
        assert run.live.cache.orders_open() == []
        assert {row["status"] for row in exchange.orders()} == {"CLOSED"}
    return orders


async def test_tc_e40_a_limit_order_is_canceled(exchange: LocalExchange) -> None:
    await see_canceled_on_stop(exchange, BUY)


async def test_tc_e41_all_orders_are_canceled_on_stop(exchange: LocalExchange) -> None:
    await see_canceled_on_stop(exchange, BUY, SELL)


async def test_tc_e42_orders_are_canceled_one_by_one_on_stop(exchange: LocalExchange) -> None:
    await see_canceled_on_stop(exchange, BUY, SELL, use_individual_cancels_on_stop=True)


async def test_tc_e43_orders_are_canceled_in_a_batch_on_stop(exchange: LocalExchange) -> None:
    await see_canceled_on_stop(exchange, BUY, SELL, use_batch_cancel_on_stop=True)


async def test_tc_e44_a_cancel_of_a_canceled_order_changes_nothing(exchange: LocalExchange) -> None:
    async with running(exchange, **NO_LIMITS) as run:
        order = run.limit(BUY, "89000")
        await run.all_are(OrderStatus.ACCEPTED)
        run.tester.cancel_order(order)
        await run.all_are(OrderStatus.CANCELED)
        # To the client itself: a strategy lets no such command through.
        command = CancelOrder(
            run.tester.trader_id,
            run.tester.id,
            BTC,
            order.client_order_id,
            order.venue_order_id,
            UUID4(),
            0,
        )
        await run.live.exec_client._cancel_order(command)
        assert flow(order) == CANCELED
        assert [row["status"] for row in exchange.orders()] == ["CLOSED"]


# -- 6: brackets ------------------------------------------------------------------------------


async def see_bracket(exchange: LocalExchange, side: OrderSide, **options: Any) -> None:
    """See that the exits of a bracket wait for the entry, work after it, and end each other."""
    sides = {"enable_limit_buys": side == BUY, "enable_limit_sells": side == SELL}
    # Farther away than the entry is: by default the profit would be taken at once.
    options["bracket_offset_ticks"] = 1000
    async with running(exchange, enable_brackets=True, **sides, **options) as run:
        await until(lambda: len(run.orders()) == 3)
        legs = {order.tags[0]: order for order in run.orders()}
        entry, stop, profit = (legs[tag] for tag in ("ENTRY", "STOP_LOSS", "TAKE_PROFIT"))
        assert entry.side == side
        await until(lambda: entry.status == OrderStatus.ACCEPTED)
        assert stop.status == profit.status == OrderStatus.INITIALIZED
        exchange.fill_order(entry.venue_order_id.value)
        await until(lambda: stop.status == profit.status == OrderStatus.ACCEPTED)
        assert sent(exchange, stop)["type"] == "STOP_LOSS_MARKET"
        exchange.fill_order(profit.venue_order_id.value)
        await until(lambda: profit.status == OrderStatus.FILLED)
        await until(lambda: stop.status == OrderStatus.CANCELED)
        assert run.live.cache.positions_open() == []


async def test_tc_e50_a_bracket_to_buy(exchange: LocalExchange) -> None:
    await see_bracket(exchange, BUY)


async def test_tc_e51_a_bracket_to_sell(exchange: LocalExchange) -> None:
    await see_bracket(exchange, SELL)


async def test_tc_e53_a_bracket_with_a_post_only_entry(exchange: LocalExchange) -> None:
    await see_bracket(exchange, BUY, use_post_only=True)


# -- 7: flags ---------------------------------------------------------------------------------


async def test_tc_e60_a_post_only_order_rests(exchange: LocalExchange) -> None:
    orders = await see_resting(exchange, BUY, SELL, use_post_only=True)
    for order in orders:
        assert order.is_post_only
        assert sent(exchange, order)["instruction"] == "POST_ONLY"


@pytest.mark.parametrize("is_reduce_only", [True, False])
async def test_tc_e61_a_position_is_closed_by_a_reduce_only_order(
    exchange: LocalExchange, is_reduce_only: bool
) -> None:
    opened, closed = await see_closed_on_stop(exchange, reduce_only_on_stop=is_reduce_only)
    assert closed.is_reduce_only == is_reduce_only
    flags = [sent(exchange, order).get("flags", []) for order in (opened, closed)]
    assert flags == [[], ["REDUCE_ONLY"] if is_reduce_only else []]


async def test_tc_e62_an_order_of_a_display_quantity_is_denied(exchange: LocalExchange) -> None:
    await see_denied(
        exchange,
        "display quantity (iceberg) is not supported",
        enable_limit_sells=False,
        order_qty=Decimal(1),
        order_display_qty=Decimal("0.1"),
    )


# -- 8: rejections ----------------------------------------------------------------------------


@pytest.mark.parametrize("side", [BUY, SELL])
async def test_tc_e70_a_post_only_order_that_crosses_is_rejected(
    exchange: LocalExchange, side: OrderSide
) -> None:
    async with running(
        exchange,
        enable_limit_buys=side == BUY,
        enable_limit_sells=side == SELL,
        use_post_only=True,
        test_reject_post_only=True,
    ) as run:
        (order,) = await run.all_are(OrderStatus.REJECTED)
        assert flow(order) == [*SENT, "OrderRejected"]
        assert order.last_event.due_post_only
        assert "POST_ONLY" in order.last_event.reason


async def test_tc_e71_a_reduce_only_order_without_a_position_is_rejected(
    exchange: LocalExchange,
) -> None:
    async with running(
        exchange, **NO_LIMITS, open_position_on_start_qty=QUANTITY, test_reject_reduce_only=True
    ) as run:
        (order,) = await run.all_are(OrderStatus.REJECTED)
        assert flow(order) == [*SENT, "OrderRejected"]
        assert "REDUCE_ONLY" in order.last_event.reason
        assert not order.last_event.due_post_only
        assert exchange.fills() == []


def other_kinds(run: Run) -> list[Order]:
    """Return orders of types that are not supported, and that the tester has no option for."""
    factory, instrument = run.tester.order_factory, run.tester.instrument
    quantity = instrument.make_qty(run.tester.config.order_qty)
    return [
        factory.market_to_limit(instrument.id, BUY, quantity),
        factory.trailing_stop_limit(
            instrument.id,
            BUY,
            quantity,
            limit_offset=Decimal(10),
            trailing_offset=Decimal(10),
            price=instrument.make_price(95_000),
            trigger_price=instrument.make_price(95_000),
        ),
    ]


async def see_other_kinds_denied(exchange: LocalExchange, **options: Any) -> None:
    async with running(exchange, **NO_LIMITS, **options) as run:
        orders = other_kinds(run)
        for order in orders:
            run.tester.submit_order(order)
        await run.all_are(OrderStatus.DENIED, len(orders))
        see_orders_denied(
            exchange,
            orders,
            "order type MARKET_TO_LIMIT is not supported",
            "order type TRAILING_STOP_LIMIT is not supported",
        )


async def test_tc_e72_an_order_of_another_type_is_denied(exchange: LocalExchange) -> None:
    await see_other_kinds_denied(exchange)


async def test_tc_e72_a_trailing_stop_is_denied(exchange: LocalExchange) -> None:
    trailing = {"trailing_offset": Decimal(100)}
    await see_stop_denied(exchange, BUY, OrderType.TRAILING_STOP_MARKET, **trailing)


@pytest.mark.parametrize("word", ["AT_THE_OPEN", "AT_THE_CLOSE"])
async def test_tc_e73_an_order_of_another_time_in_force_is_denied(
    exchange: LocalExchange, word: str
) -> None:
    await see_denied(
        exchange,
        f"time in force {word} is not supported",
        enable_limit_sells=False,
        limit_time_in_force=TimeInForce[word],
    )


@pytest.fixture
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask at once for what became of an order."""
    monkeypatch.setattr(recovery, "RESOLVE_DELAY_SECS", 0.05)
    monkeypatch.setattr(recovery, "LISTING_MARGIN_MS", 100)


@pytest.mark.usefixtures("impatience")
async def test_tc_e74_an_order_whose_answer_is_lost_is_not_rejected(
    exchange: LocalExchange,
) -> None:
    async with running(exchange, **NO_LIMITS, log_level="OFF") as run:
        exchange.lose_next_response("order.create")
        order = run.limit(BUY, "89000")
        await run.all_are(OrderStatus.ACCEPTED)
        assert exchange._faults._lost == []
        assert flow(order) == ACCEPTED
        assert len(exchange.orders()) == 1


async def test_tc_e75_a_cancel_whose_answer_is_lost_is_not_rejected(
    exchange: LocalExchange,
) -> None:
    async with running(exchange, **NO_LIMITS, log_level="OFF") as run:
        order = run.limit(BUY, "89000")
        await run.all_are(OrderStatus.ACCEPTED)
        exchange.lose_next_response("order.cancel")
        run.tester.cancel_order(order)
        await run.all_are(OrderStatus.CANCELED)
        assert exchange._faults._lost == []
        assert flow(order) == CANCELED


async def pair(run: Run) -> list[Order]:
    """Return two orders that rest."""
    orders = [run.limit(BUY, "89000"), run.limit(SELL, "91000")]
    await run.all_are(OrderStatus.ACCEPTED, 2)
    return orders


async def test_tc_e77_a_batch_whose_answers_are_lost_rejects_no_cancel(
    exchange: LocalExchange,
) -> None:
    async with running(exchange, **NO_LIMITS, log_level="OFF") as run:
        orders = await pair(run)
        exchange.lose_next_response("order.cancel")
        run.tester.cancel_orders(orders)
        await run.all_are(OrderStatus.CANCELED, 2)
        assert exchange._faults._lost == []
        assert [flow(order) for order in orders] == [CANCELED, CANCELED]


async def test_tc_e78_a_batch_tells_which_cancel_is_refused(exchange: LocalExchange) -> None:
    async with running(exchange, **NO_LIMITS) as run:
        orders = await pair(run)
        # The batch as a whole, then the first of its orders by itself.
        exchange.fail_next("RPC", "order.cancel", 100, "SYSTEM_STATUS_MAINTENANCE", count=2)
        run.tester.cancel_orders(orders)
        await until(
            lambda: sorted(order.status_string() for order in orders) == ["ACCEPTED", "CANCELED"]
        )
        refused, canceled = sorted(orders, key=lambda order: order.is_closed)
        assert flow(refused) == [*ACCEPTED, "OrderPendingCancel", "OrderCancelRejected"]
        assert "SYSTEM_STATUS_MAINTENANCE" in refused.last_event.reason
        assert flow(canceled) == CANCELED


# -- 9: start and stop ------------------------------------------------------------------------


async def test_tc_e80_a_position_is_opened_on_start(exchange: LocalExchange) -> None:
    async with running(exchange, open_position_on_start_qty=QUANTITY) as run:
        await until(lambda: run.live.cache.orders_open_count() == 2)
        opened, *limits = run.orders()
        assert flow(opened) == FILLED
        assert [flow(order) for order in limits] == [ACCEPTED, ACCEPTED]
        assert all(opened.ts_init <= order.ts_init for order in limits)


async def test_tc_e81_orders_are_canceled_on_stop(exchange: LocalExchange) -> None:
    opening = {"open_position_on_start_qty": QUANTITY}
    async with running(exchange, **opening, cancel_orders_on_stop=True) as run:
        await until(lambda: run.live.cache.orders_open_count() == 2)
        run.tester.stop()
        await until(lambda: all(order.is_closed for order in run.orders()))
        opened, *limits = run.orders()
        assert opened.status == OrderStatus.FILLED
        assert [flow(order) for order in limits] == [CANCELED, CANCELED]
        assert run.live.cache.positions_open_count() == 1


async def test_tc_e82_positions_are_closed_on_stop(exchange: LocalExchange) -> None:
    opening = {"open_position_on_start_qty": QUANTITY}
    async with running(exchange, **opening, close_positions_on_stop=True) as run:
        await until(lambda: run.live.cache.orders_open_count() == 2)
        run.tester.stop()
        await until(lambda: not run.live.cache.positions_open(), "the position is closed")
        assert flow(run.orders()[-1]) == FILLED
        assert run.tester.portfolio.net_position(BTC) == 0
        # The one option does not do the other's work.
        assert run.live.cache.orders_open_count() == 2


async def test_tc_e83_nothing_is_subscribed_after_stop(exchange: LocalExchange) -> None:
    async with running(exchange, **NO_LIMITS) as run:
        feed = run.live.data_client._feed
        await until(lambda: any(MARKET in channel for channel in feed.channels))
        run.tester.stop()
        await until(lambda: not any(MARKET in channel for channel in feed.channels))


async def test_tc_e84_open_orders_are_reconciled(exchange: LocalExchange) -> None:
    before = await see_resting(exchange, BUY, SELL)
    async with running(exchange, **NO_LIMITS, external_order_claims=[BTC]) as run:
        orders = await run.all_are(OrderStatus.ACCEPTED, 2)
        assert {facts(order) for order in orders} == {facts(order) for order in before}


def facts(order: Order) -> tuple[Any, ...]:
    return (
        order.client_order_id,
        order.venue_order_id,
        order.side,
        order.order_type,
        order.price,
        order.quantity,
        order.time_in_force,
    )


async def test_tc_e85_filled_orders_are_reconciled(exchange: LocalExchange) -> None:
    opened, closed = await see_closed_on_stop(exchange)
    async with running(exchange, **NO_LIMITS, external_order_claims=[BTC]) as run:
        orders = await run.all_are(OrderStatus.FILLED, 2)
        assert {fill_facts(order) for order in orders} == {
            fill_facts(opened),
            fill_facts(closed),
        }
        assert run.live.cache.positions_open() == []


def fill_facts(order: Order) -> tuple[Any, ...]:
    (fee,) = order.commissions()
    return (order.venue_order_id, order.avg_px, order.filled_qty, fee, tuple(order.trade_ids))


async def see_position_reconciled(exchange: LocalExchange, sign: int) -> None:
    await see_opened(exchange, sign)
    async with running(
        exchange, **NO_LIMITS, external_order_claims=[BTC], close_positions_on_stop=True
    ) as run:
        (position,) = run.live.cache.positions_open()
        assert position.instrument_id == BTC
        assert position.side == (PositionSide.LONG if sign > 0 else PositionSide.SHORT)
        assert position.quantity.as_decimal() == QUANTITY
        assert position.avg_px_open == float(ASK if sign > 0 else BID)
        # It can be managed as if this run had opened it.
        run.tester.stop()
        await until(lambda: not run.live.cache.positions_open(), "the position is closed")


async def test_tc_e86_a_long_position_is_reconciled(exchange: LocalExchange) -> None:
    await see_position_reconciled(exchange, 1)


async def test_tc_e87_a_short_position_is_reconciled(exchange: LocalExchange) -> None:
    await see_position_reconciled(exchange, -1)


# -- 10: options ------------------------------------------------------------------------------


async def see_option_resting(
    exchange: LocalExchange, option: dict[str, Any], side: OrderSide
) -> None:
    sides = {"enable_limit_buys": side == BUY, "enable_limit_sells": side == SELL}
    async with running(exchange, **option, **sides) as run:
        (order,) = await run.all_are(OrderStatus.ACCEPTED)
        assert isinstance(run.tester.instrument, CryptoOption)
        assert flow(order) == ACCEPTED
        row = sent(exchange, order)
        assert (row["market"], row["side"]) == (order.instrument_id.symbol.value, side.name)
        assert Decimal(row["price"]) == order.price.as_decimal()
        assert order.price < OPTION_BID if side == BUY else order.price > OPTION_ASK
        assert Decimal(row["size"]) == option["order_qty"]


async def test_tc_e90_a_limit_order_to_buy_an_option_rests(
    exchange: LocalExchange, option: dict[str, Any]
) -> None:
    await see_option_resting(exchange, option, BUY)


async def test_tc_e91_a_limit_order_to_sell_an_option_rests(
    exchange: LocalExchange, option: dict[str, Any]
) -> None:
    await see_option_resting(exchange, option, SELL)


async def test_tc_e94_an_order_of_another_type_for_an_option_is_denied(
    exchange: LocalExchange, option: dict[str, Any]
) -> None:
    await see_other_kinds_denied(exchange, **option)


@pytest.mark.parametrize(
    "kind",
    [
        OrderType.STOP_MARKET,
        OrderType.STOP_LIMIT,
        OrderType.MARKET_IF_TOUCHED,
        OrderType.LIMIT_IF_TOUCHED,
    ],
)
async def test_tc_e96_a_conditional_order_for_an_option_is_denied(
    exchange: LocalExchange, option: dict[str, Any], kind: OrderType
) -> None:
    await see_stop_denied(exchange, BUY, kind, **option)


async def test_tc_e99_a_fok_order_for_an_option_is_denied(
    exchange: LocalExchange, option: dict[str, Any]
) -> None:
    await see_denied(
        exchange,
        "time in force FOK is not supported",
        **option,
        enable_limit_sells=False,
        limit_time_in_force=TimeInForce.FOK,
    )


async def test_tc_e100_an_order_for_an_option_is_canceled(
    exchange: LocalExchange, option: dict[str, Any]
) -> None:
    await see_canceled_on_stop(exchange, BUY, **option)


@pytest.mark.parametrize("side", [BUY, SELL])
async def test_tc_e101_a_position_in_an_option_is_reconciled(
    exchange: LocalExchange, option: dict[str, Any], side: OrderSide
) -> None:
    price = OPTION_ASK if side == BUY else OPTION_BID
    async with running(exchange, **option, **NO_LIMITS) as run:
        run.limit(side, price, time_in_force=TimeInForce.IOC)
        await run.all_are(OrderStatus.FILLED)
    async with running(
        exchange, **option, **NO_LIMITS, external_order_claims=[option["instrument_id"]]
    ) as run:
        (position,) = run.live.cache.positions_open()
        assert position.instrument_id == option["instrument_id"]
        assert position.side == (PositionSide.LONG if side == BUY else PositionSide.SHORT)
        assert position.quantity.as_decimal() == option["order_qty"]
        assert position.avg_px_open == float(price)
