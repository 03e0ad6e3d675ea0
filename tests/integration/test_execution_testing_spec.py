"""NautilusTrader's Execution Testing Spec, case by case, in a live node on the local exchange.

Each test bears the id of its case, and `ExecTester` trades it; what it has no option for (TC-E13,
E15, E18, E44, E72, E74 to E78, E94 and the opening in E101) is sent through it. Every run ends
in agreement: what the node and its client hold is what the venue holds (`agreed_books.py`).
Stops, changes and brackets (TC-E20 to E36, E50 to E53, E96) are in
`test_execution_testing_spec_stops.py`.

Where the venue or the adapter has no such order, the case is turned round: the order must be denied
by the adapter, with a reason, and nothing of it may reach the venue. These are fill-or-kill
(TC-E04, E15, E16, E99), quote quantity (E05), GTD (E17, E18), DAY (E19), display quantity (E62) and
a price of another kind (E92).
"""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

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
from nautilus_trader.model.instruments import CryptoOption
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.model.orders import Order

from paradex_adapter.local_exchange import LocalExchange
from paradex_adapter.venue import recovery
from paradex_adapter.venue.websocket import WebSocketConnection
from tests.integration.execution_tester import (
    ACCEPTED,
    ASK,
    BID,
    BUY,
    BUY_PRICE,
    CANCELED,
    FILLED,
    MARKET,
    NO_LIMITS,
    OPTION_ASK,
    OPTION_BID,
    QUANTITY,
    SELL,
    SELL_PRICE,
    SENT,
    UPDATED,
    Run,
    flow,
    one_side,
    option_options,
    quoted_exchange,
    running,
    see_denied,
    see_orders_denied,
    sent,
    stops,
)
from tests.integration.trading_node import BTC, until

# The cases of the spec, by number.
CASES: Final = frozenset(
    [
        *range(1, 7),
        *range(10, 20),
        *range(20, 28),
        *range(30, 37),
        *range(40, 45),
        *range(50, 54),
        *range(60, 64),
        *range(70, 79),
        *range(80, 88),
        *(90, 91, 92, 94, 96, 99, 100, 101),
    ]
)


def test_every_case_of_the_spec_has_a_test() -> None:
    files = Path(__file__).parent.glob("test_execution_testing_spec*.py")
    names = re.findall(r"^async def test_tc_e(\d+)_", "".join(map(Path.read_text, files)), re.M)
    assert {int(name) for name in names} == CASES


@pytest.fixture
async def exchange() -> AsyncIterator[LocalExchange]:
    async with quoted_exchange() as exchange:
        yield exchange


@pytest.fixture
def option(exchange: LocalExchange) -> dict[str, Any]:
    return option_options(exchange)


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


async def test_tc_e18_a_gtd_order_that_would_expire_is_denied(exchange: LocalExchange) -> None:
    async with running(exchange, **NO_LIMITS) as run:
        soon = run.tester.clock.utc_now() + timedelta(milliseconds=50)
        order = run.limit(BUY, "89000", time_in_force=TimeInForce.GTD, expire_time=soon)
        await run.all_are(OrderStatus.DENIED)
        see_orders_denied(exchange, [order], "time in force GTD is not supported")


async def test_tc_e19_a_day_order_is_denied(exchange: LocalExchange) -> None:
    await see_denied(
        exchange,
        "time in force DAY is not supported",
        enable_limit_sells=False,
        limit_time_in_force=TimeInForce.DAY,
    )


# -- 5: cancels -------------------------------------------------------------------------------


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect the methods of the orders and cancels that go over the websocket."""
    methods: list[str] = []
    request = WebSocketConnection.request

    async def spy(connection: WebSocketConnection, method: str, *args: Any, **more: Any) -> bytes:
        if method.startswith("order."):
            methods.append(method)
        return await request(connection, method, *args, **more)

    monkeypatch.setattr(WebSocketConnection, "request", spy)
    return methods


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


async def test_tc_e43_orders_are_canceled_in_a_batch_on_stop(
    exchange: LocalExchange, requests: list[str]
) -> None:
    await see_canceled_on_stop(exchange, BUY, SELL, use_batch_cancel_on_stop=True)
    assert requests == ["order.create", "order.create", "order.cancel_batch"]


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


@pytest.mark.parametrize(
    ("params", "field", "value"),
    [
        ({"stp": "EXPIRE_BOTH"}, "stp", "EXPIRE_BOTH"),
        ({"recv_window_ms": 5_000}, "recv_window", 5_000),
        ({"rpi": True}, "instruction", "RPI"),
        ({"dime_discount": True}, "dime_discount", True),
    ],
    ids=["stp", "recv_window_ms", "rpi", "dime_discount"],
)
async def test_tc_e63_params_reach_the_venue(
    exchange: LocalExchange, params: dict[str, Any], field: str, value: Any
) -> None:
    exchange.allow_rpi()
    (order,) = await see_resting(exchange, BUY, order_params=params)
    assert sent(exchange, order)[field] == value


async def test_tc_e63_the_params_of_a_market_order_reach_the_venue(
    exchange: LocalExchange,
) -> None:
    await see_opened(exchange, 1, order_params={"vwap_price": "90500"})
    (row,) = exchange.orders()
    assert exchange.received_order(row["client_id"])["vwap_price"] == "90500"


async def test_tc_e63_the_venue_decides_on_market_maker_protection(
    exchange: LocalExchange,
) -> None:
    async with running(exchange, **one_side(BUY), order_params={"mmp": True}) as run:
        await until(lambda: bool(run.orders()))
        run.tester.stop()
        order = run.orders()[0]
        await until(lambda: order.is_closed)
        assert sent(exchange, order)["flags"] == ["MMP"]
        assert flow(order) == [*SENT, "OrderRejected"]
        assert "MMP" in order.last_event.reason


async def test_tc_e63_the_params_of_a_twap_order_reach_the_venue(exchange: LocalExchange) -> None:
    twap = {"open_position_on_start_qty": QUANTITY, "order_params": {"twap": {"duration_secs": 60}}}
    async with running(exchange, **NO_LIMITS, **twap) as run:
        (order,) = await run.all_are(OrderStatus.ACCEPTED)
        assert flow(order) == ACCEPTED
        (row,) = exchange.algo_orders()
        assert row["id"] == order.venue_order_id.value
        assert (row["algo_type"], row["side"], row["status"]) == ("TWAP", "BUY", "OPEN")
        assert Decimal(row["size"]) == QUANTITY
        run.tester.cancel_order(order)
        await run.all_are(OrderStatus.CANCELED)


async def test_tc_e63_params_that_nobody_knows_are_denied(exchange: LocalExchange) -> None:
    await see_denied(
        exchange, "params['color'] is not known", **one_side(BUY), order_params={"color": "red"}
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
    kind = OrderType.TRAILING_STOP_MARKET
    await see_denied(
        exchange,
        "order type TRAILING_STOP_MARKET is not supported",
        **stops(BUY, kind, trailing_offset=Decimal(100)),
    )


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
    monkeypatch.setattr(recovery, "CHANGE_DELAYS_SECS", (0.1,) * 5)


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


@pytest.mark.usefixtures("impatience")
@pytest.mark.parametrize("is_done", [True, False], ids=["done", "not done"])
async def test_tc_e76_a_change_whose_answer_is_lost_ends_nothing(
    exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch, is_done: bool
) -> None:
    # The engine asks and gives up as it does in earnest, only faster.
    checks = {
        "inflight_check_interval_ms": 20,
        "inflight_check_threshold_ms": 200,
        "inflight_check_retries": 5,
    }
    async with running(exchange, **NO_LIMITS, engine=checks, log_level="OFF") as run:
        order = run.limit(BUY, "89000")
        await run.all_are(OrderStatus.ACCEPTED)
        monkeypatch.setattr(exchange._feed, "on_order", lambda order: None)
        if is_done:
            exchange.lose_next_response("order.modify")
        else:
            exchange.fail_next("RPC", "order.modify", -32603, "Internal error")
        run.tester.modify_order(order, price=run.tester.instrument.make_price(89_500))
        updated = [*ACCEPTED, *UPDATED]
        refused = [*ACCEPTED, "OrderPendingUpdate", "OrderModifyRejected"]
        await until(lambda: flow(order) == (updated if is_done else refused))
        assert order.status == OrderStatus.ACCEPTED
        assert order.price == Price.from_str("89500.0" if is_done else "89000.0")


@pytest.mark.usefixtures("impatience")
async def test_tc_e77_a_batch_whose_answer_is_lost_rejects_no_order(
    exchange: LocalExchange,
) -> None:
    async with running(exchange, **NO_LIMITS, log_level="OFF") as run:
        exchange.lose_next_response("order.create_batch")
        submit_pair(run)
        orders = await run.all_are(OrderStatus.ACCEPTED, 2)
        assert exchange._faults._lost == []
        assert [flow(order) for order in orders] == [ACCEPTED, ACCEPTED]
        assert len(exchange.orders()) == 2


def submit_pair(run: Run, **options: Any) -> None:
    """Send two orders in a batch, the second with these options."""
    second = {"side": SELL, "price": "91000", **options}
    orders = [run.make_limit(BUY, "89000"), run.make_limit(**second)]
    run.tester.submit_order_list(run.tester.order_factory.create_list(orders))


async def test_tc_e77_a_batch_whose_answer_is_lost_rejects_no_cancel(
    exchange: LocalExchange,
) -> None:
    async with running(exchange, **NO_LIMITS, log_level="OFF") as run:
        orders = await pair(run)
        exchange.lose_next_response("order.cancel_batch")
        run.tester.cancel_orders(orders)
        await run.all_are(OrderStatus.CANCELED, 2)
        assert exchange._faults._lost == []
        assert [flow(order) for order in orders] == [CANCELED, CANCELED]


async def test_tc_e78_a_batch_tells_which_order_is_refused(
    exchange: LocalExchange, requests: list[str]
) -> None:
    async with running(exchange, **NO_LIMITS) as run:
        submit_pair(run, price=BID, post_only=True)
        await until(lambda: [o.status_string() for o in run.orders()] == ["ACCEPTED", "REJECTED"])
        taken, refused = run.orders()
        assert requests == ["order.create_batch"]
        assert flow(taken) == ACCEPTED
        assert flow(refused) == [*SENT, "OrderRejected"]
        assert refused.last_event.due_post_only
        assert "POST_ONLY" in refused.last_event.reason


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


async def test_tc_e92_an_order_for_an_option_at_a_price_of_another_kind_is_denied(
    exchange: LocalExchange, option: dict[str, Any]
) -> None:
    await see_denied(
        exchange,
        "params['px_vol'] is not known",
        **option,
        **one_side(BUY),
        order_params={"px_vol": "0.6"},
    )


async def test_tc_e94_an_order_of_another_type_for_an_option_is_denied(
    exchange: LocalExchange, option: dict[str, Any]
) -> None:
    await see_other_kinds_denied(exchange, **option)


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
