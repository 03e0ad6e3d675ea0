"""TWAP orders in a live node: one instruction, child orders of their own, nothing told twice."""

import asyncio
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import (
    GenerateOrderStatusReport,
    GenerateOrderStatusReports,
)
from nautilus_trader.model.data import DataType, MarkPriceUpdate
from nautilus_trader.model.enums import OmsType, OrderStatus
from nautilus_trader.model.identifiers import ClientOrderId, StrategyId
from nautilus_trader.model.objects import Quantity
from nautilus_trader.model.orders import Order
from nautilus_trader.trading.config import StrategyConfig
from nautilus_trader.trading.strategy import Strategy

from paradex_adapter import ParadexAlgoOrder
from paradex_adapter.agreement import find_differences
from paradex_adapter.local_exchange import LocalExchange
from paradex_adapter.translate.twap_orders import note_key
from paradex_adapter.twap_orders import TwapAnswers
from paradex_adapter.venue import algo_orders, algo_submissions
from tests.integration.trading_node import (
    BTC,
    OrderSide,
    RunningNode,
    Trader,
    running_node,
    until,
)

MARKET = "BTC-USD-PERP"
TERMS = {"duration_secs": 90, "interval_secs": 30}
TAKEN = ["OrderInitialized", "OrderSubmitted", "OrderAccepted"]
CHECKED = {
    "inflight_check_interval_ms": 50,
    "inflight_check_threshold_ms": 20,
    "open_check_interval_secs": 0.1,
    "open_check_threshold_ms": 10,
    "open_check_open_only": False,
    "open_check_missing_retries": 1,
    "position_check_interval_secs": 0.1,
    "position_check_threshold_ms": 10,
    "reconciliation_startup_delay_secs": 0.0,
}


class Twapper(Trader):
    """A trader of TWAP orders, which takes how they stand."""

    def __init__(self, order_id_tag: str = "000", claims: bool = False) -> None:
        super().__init__(order_id_tag)
        if claims:
            config = StrategyConfig(order_id_tag=order_id_tag, external_order_claims=[BTC])
            Strategy.__init__(self, config)
        self.stands: list[Any] = []

    def on_start(self) -> None:
        self.subscribe_data(DataType(ParadexAlgoOrder))

    def on_data(self, data: Any) -> None:
        self.stands.append(data)

    def twap(self, quantity: str = "0.3", side: OrderSide = OrderSide.BUY, **options: Any) -> Order:
        """Send a TWAP order: three children, thirty seconds apart, unless told otherwise."""
        params = options.pop("params", {"twap": TERMS})
        instrument = self.cache.instrument(BTC)
        order = self.order_factory.market(
            BTC, side, instrument.make_qty(Decimal(quantity)), **options
        )
        self.submit_order(order, params=params)
        return order


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(algo_orders, "FOLLOW_DELAYS_SECS", (0.02, 0.05, 0.1))
    monkeypatch.setattr(algo_orders, "CANCEL_RETRY_DELAY_SECS", 0.02)
    monkeypatch.setattr(algo_submissions, "RESOLVE_DELAY_SECS", 0.05)
    monkeypatch.setattr(algo_submissions, "LISTING_MARGIN_MS", 100)


@pytest.fixture
async def exchange() -> AsyncIterator[LocalExchange]:
    async with LocalExchange(seed=7, simulation_interval_ms=0) as exchange:
        exchange.place_liquidity(MARKET, "BUY", "89990", "20")
        exchange.place_liquidity(MARKET, "SELL", "90010", "20")
        yield exchange


@pytest.fixture
async def run(exchange: LocalExchange) -> AsyncIterator[RunningNode]:
    async with running_node(exchange, [Twapper()], engine=CHECKED) as run:
        yield run


@pytest.fixture
def posted(exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every algo order that reached the exchange."""
    posted: list[Any] = []
    place = exchange._algo_orders.place

    def spy(session: Any, body: Any) -> Any:
        posted.append(body)
        return place(session, body)

    monkeypatch.setattr(exchange._algo_orders, "place", spy)
    return posted


@pytest.fixture
def lose_reply(
    exchange: LocalExchange, posted: list[Any], monkeypatch: pytest.MonkeyPatch
) -> Callable[[], None]:
    """What has the reply to the next algo order lost; a read of the same path is not meant."""
    place = exchange._algo_orders.place

    def lose_next() -> None:
        def place_unheard(session: Any, body: Any) -> Any:
            monkeypatch.setattr(exchange._algo_orders, "place", place)
            exchange.lose_next_response("/v1/algo/orders")
            return place(session, body)

        monkeypatch.setattr(exchange._algo_orders, "place", place_unheard)

    return lose_next


async def accepted(run: RunningNode, **options: Any) -> Order:
    order = run.trader.twap(**options)
    await until(lambda: order.status == OrderStatus.ACCEPTED, "the TWAP order was accepted")
    return order


def algo(exchange: LocalExchange, order: Order) -> Any:
    rows = {row["id"]: row for row in exchange.algo_orders()}
    return rows[order.venue_order_id.value]


async def until_traded(exchange: LocalExchange, order: Order, size: str) -> None:
    await until(
        lambda: (
            Decimal(algo(exchange, order)["size"])
            - Decimal(algo(exchange, order)["remaining_size"])
            == Decimal(size)
        ),
        f"{size} were traded",
    )


def held(run: RunningNode) -> Decimal:
    return sum((p.signed_decimal_qty() for p in run.cache.positions_open()), Decimal(0))


async def until_held(run: RunningNode, size: str) -> None:
    await until(lambda: held(run) == Decimal(size), f"the position is {size}, not {held(run)}")


def children(run: RunningNode, order: Order) -> list[Order]:
    return [o for o in run.cache.orders() if o.client_order_id != order.client_order_id]


# -- its life ---------------------------------------------------------------------------------


async def test_a_twap_order_works_and_expires_with_children_of_their_own(
    exchange: LocalExchange, run: RunningNode, posted: list[Any]
) -> None:
    order = await accepted(run)
    (body,) = posted
    assert (body["size"], body["duration_seconds"], body["frequency"]) == ("0.3", 90, 30)
    assert order.venue_order_id.value == algo(exchange, order)["id"]
    for size in ("0.1", "0.2", "0.3"):
        await until_traded(exchange, order, size)
        await until_held(run, size)
        if size != "0.3":
            assert order.status == OrderStatus.ACCEPTED
            exchange.step_algo_orders()
    await until(lambda: order.is_closed, "its end was told")
    assert run.trader.told_of(order) == [*TAKEN, "OrderExpired"]
    assert order.filled_qty == Quantity.from_str("0")
    # Nothing links them to it, and nothing is guessed.
    assert {o.strategy_id for o in children(run, order)} == {StrategyId("EXTERNAL")}
    assert [str(o.filled_qty) for o in children(run, order)] == ["0.10000"] * 3
    await until(lambda: run.trader.stands[-1].status == "CLOSED", "its end was published")
    last = run.trader.stands[-1]
    assert last.client_order_id == order.client_order_id.value
    assert last.algo_order_id == order.venue_order_id.value
    assert (last.side, last.size, last.filled) == ("BUY", Decimal("0.3"), Decimal("0.3"))
    assert (last.avg_price, last.cancel_reason) == (Decimal(90010), "")
    assert [stand.filled for stand in run.trader.stands] == sorted(
        stand.filled for stand in run.trader.stands
    )
    assert len({repr(stand) for stand in run.trader.stands}) == len(run.trader.stands)


async def test_its_time_is_over_before_all_is_traded(exchange: LocalExchange) -> None:
    async with running_node(exchange, [Twapper()]) as run:
        order = await accepted(run, quantity="60")
        await until_traded(exchange, order, "20")
        exchange.step_algo_orders()
        exchange.step_algo_orders()
        exchange.step_algo_orders()
        await until(lambda: order.is_closed, "its end was told")
        assert algo(exchange, order)["cancel_reason"] == "EXPIRED"
        assert run.trader.told_of(order) == [*TAKEN, "OrderExpired"]
        await until_held(run, "20")


async def test_a_strategy_claims_the_children(exchange: LocalExchange) -> None:
    async with running_node(exchange, [Twapper(claims=True)], engine=CHECKED) as run:
        order = await accepted(run)
        await until_held(run, "0.1")
        exchange.step_algo_orders()
        await until_held(run, "0.2")
        assert {o.strategy_id for o in children(run, order)} == {run.trader.id}
        fills = [event for event in run.trader.told if type(event).__name__ == "OrderFilled"]
        assert [str(fill.last_qty) for fill in fills] == ["0.10000", "0.10000"]
        assert run.trader.told_of(order) == TAKEN
        run.trader.cancel_order(order)
        await until(lambda: order.is_closed)


async def test_one_that_ends_early_is_canceled(exchange: LocalExchange) -> None:
    warned: list[str] = []
    async with running_node(exchange, [Twapper()]) as run:
        run.client.session.algo_orders._warn = warned.append  # type: ignore[misc]
        # The first part is already more than the account can carry.
        order = run.trader.twap("60", side=OrderSide.SELL, params={"twap": {"duration_secs": 30}})
        await until(lambda: order.is_closed, "its end was told")
        reason = algo(exchange, order)["cancel_reason"]
        assert reason == "NOT_ENOUGH_MARGIN"
        assert run.trader.told_of(order) == [*TAKEN, "OrderCanceled"]
        assert [reason in text for text in warned] == [True]
        await until(lambda: bool(run.trader.stands))
        assert run.trader.stands[-1].cancel_reason == reason


async def test_a_cancel_ends_it_and_what_was_traded_stays(
    exchange: LocalExchange, run: RunningNode
) -> None:
    order = await accepted(run)
    await until_held(run, "0.1")
    run.trader.cancel_order(order)
    await until(lambda: order.is_closed)
    assert run.trader.told_of(order) == [*TAKEN, "OrderPendingCancel", "OrderCanceled"]
    assert algo(exchange, order)["cancel_reason"] == "USER_CANCELED"
    await until_held(run, "0.1")


async def test_a_twap_order_is_not_changed(run: RunningNode) -> None:
    order = await accepted(run)
    run.trader.modify_order(order, Quantity.from_str("0.40000"))
    await until(lambda: "OrderModifyRejected" in run.trader.told_of(order))
    assert order.status == OrderStatus.ACCEPTED
    run.trader.cancel_order(order)
    await until(lambda: order.is_closed)


async def test_cancel_all_ends_those_of_the_strategy_and_side_alone(
    exchange: LocalExchange,
) -> None:
    traders = [Twapper("001"), Twapper("002")]
    async with running_node(exchange, traders) as run:
        mine, other = await accepted(run), traders[1].twap()
        sold = traders[0].twap("0.6", side=OrderSide.SELL)
        resting = traders[0].limit(OrderSide.BUY, "0.01", "89000")
        await until(lambda: other.is_open and sold.is_open and resting.is_open)
        traders[0].cancel_all_orders(BTC, OrderSide.BUY)
        await until(lambda: mine.is_closed and resting.is_closed)
        assert (other.status, sold.status) == (OrderStatus.ACCEPTED, OrderStatus.ACCEPTED)
        traders[0].cancel_orders([sold])
        traders[1].cancel_all_orders(BTC)
        await until(lambda: sold.is_closed and other.is_closed)
        assert {mine.status, sold.status, other.status} == {OrderStatus.CANCELED}


async def test_orders_of_a_list_are_sent_one_by_one(
    exchange: LocalExchange, run: RunningNode, posted: list[Any]
) -> None:
    factory = run.trader.order_factory
    orders = [
        factory.market(BTC, side, Quantity.from_str("0.30000"))
        for side in (OrderSide.BUY, OrderSide.SELL)
    ]
    run.trader.submit_order_list(factory.create_list(orders), params={"twap": TERMS})
    await until(lambda: all(order.is_open for order in orders))
    assert len(posted) == 2
    run.trader.cancel_orders(orders)
    await until(lambda: all(order.is_closed for order in orders))


async def test_the_books_are_compared(exchange: LocalExchange) -> None:
    async with running_node(exchange, [Twapper()]) as run:
        order = await accepted(run)
        await until_held(run, "0.1")

        def differences(rows: list[Any]) -> list[str]:
            books = (exchange.orders(), exchange.fills(), exchange.positions())
            return find_differences(run.cache, *books, algo_orders=rows)

        (row,) = exchange.algo_orders()
        name = order.client_order_id.value
        await until(lambda: differences([row]) == [], "the books agree")
        assert differences([]) == [f"order {name} (ACCEPTED) is not at the venue"]
        assert differences([row, {**row, "id": "77"}]) == ["TWAP 77 is at the venue alone"]
        for changes, difference in (
            (
                {"status": "CLOSED", "cancel_reason": "EXPIRED"},
                f"TWAP {name} is ACCEPTED, at the venue CLOSED EXPIRED",
            ),
            ({"size": "0.4"}, f"TWAP {name} is of 0.30000, at the venue 0.4"),
        ):
            assert differences([{**row, **changes}]) == [difference]
        run.trader.cancel_order(order)
        await until(lambda: order.is_closed)


# -- what is denied or refused ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"params": {"twap": {"duration_secs": 45}}}, "duration_secs"),
        ({"params": {"twap": {"duration_secs": 90, "interval_secs": 15}}}, "interval_secs"),
        ({"params": {"twap": {"duration_secs": 90, "interval_secs": 60}}}, "interval_secs"),
        ({"params": {"twap": {**TERMS, "frequency": 30}}}, "mapping"),
        ({"params": {"twap": TERMS, "stp": "EXPIRE_BOTH"}}, "stp"),
        ({"params": {"twap": TERMS, "on_behalf_of_account": "0x1"}}, "on_behalf_of_account"),
        ({"reduce_only": True}, "reduce_only"),
        ({"quantity": "0.00002"}, "in 3 parts"),
        ({"quantity": "0.00003"}, "less than the minimum"),
    ],
)
async def test_what_cannot_be_a_twap_order_is_denied(
    exchange: LocalExchange, posted: list[Any], options: dict[str, Any], reason: str
) -> None:
    async with running_node(exchange, [Twapper()]) as run:
        trader = run.trader
        resting = trader.limit(OrderSide.BUY, "0.01", "90010")
        await until(lambda: resting.is_closed)
        if "minimum" in reason:
            price = run.cache.instrument(BTC).make_price(90_000)
            now = run.node.kernel.clock.timestamp_ns()
            run.cache.add_mark_price(MarkPriceUpdate(BTC, price, now, now))
        order = trader.twap(**options)
        await until(lambda: order.is_closed)
        assert order.status == OrderStatus.DENIED
        assert reason in order.last_event.reason
        assert posted == []


async def test_a_venue_that_takes_no_orders_denies_it(
    exchange: LocalExchange, posted: list[Any]
) -> None:
    exchange.set_system_state("cancel_only")
    async with running_node(exchange, [Twapper()]) as run:
        await until(lambda: run.client._system_state.find_denial_reason(is_post_only=False))
        order = run.trader.twap()
        await until(lambda: order.is_closed)
        assert order.status == OrderStatus.DENIED
        assert posted == []


async def test_a_read_only_credential_sends_none(
    exchange: LocalExchange, posted: list[Any]
) -> None:
    token = exchange.add_read_only_token()
    async with running_node(exchange, [Twapper()], private_key=None, access_token=token) as run:
        order = run.trader.twap()
        await until(lambda: order.is_closed)
        assert order.status == OrderStatus.DENIED
        assert posted == []


async def test_one_that_the_venue_refuses_is_rejected(
    exchange: LocalExchange, run: RunningNode, posted: list[Any]
) -> None:
    exchange.fail_next(
        "POST", "/v1/algo/orders", 400, {"error": "VALIDATION_ERROR", "message": "no"}
    )
    order = run.trader.twap()
    await until(lambda: order.is_closed)
    assert run.trader.told_of(order) == [*TAKEN[:2], "OrderRejected"]
    assert order.last_event.reason == "VALIDATION_ERROR no"
    assert posted == []


# -- lost replies -------------------------------------------------------------------------------


async def test_one_whose_reply_is_lost_is_found_and_not_sent_again(
    exchange: LocalExchange,
    run: RunningNode,
    posted: list[Any],
    lose_reply: Callable[[], None],
) -> None:
    lose_reply()
    order = await accepted(run)
    assert run.trader.told_of(order) == TAKEN
    assert len(posted) == 1
    run.trader.cancel_order(order)
    await until(lambda: order.is_closed)


async def test_one_that_ended_before_it_was_found_is_found_in_the_history(
    exchange: LocalExchange,
    run: RunningNode,
    posted: list[Any],
    lose_reply: Callable[[], None],
) -> None:
    lose_reply()
    order = run.trader.twap(params={"twap": {"duration_secs": 30}})
    await until(lambda: order.is_closed)
    assert run.trader.told_of(order) == [*TAKEN, "OrderExpired"]
    assert len(posted) == 1


async def test_two_of_the_same_terms_are_told_apart(
    exchange: LocalExchange,
    run: RunningNode,
    posted: list[Any],
    lose_reply: Callable[[], None],
) -> None:
    before = await accepted(run)
    lose_reply()
    orders = [run.trader.twap(), run.trader.twap()]
    await until(lambda: all(order.is_open for order in orders))
    assert len(posted) == 3
    ids = {order.venue_order_id.value for order in (before, *orders)}
    assert ids == {row["id"] for row in exchange.algo_orders()}
    run.trader.cancel_all_orders(BTC)
    await until(lambda: all(order.is_closed for order in (before, *orders)))


async def test_one_that_never_arrived_is_rejected_when_its_window_is_over(
    exchange: LocalExchange, run: RunningNode, posted: list[Any]
) -> None:
    exchange.fail_next("POST", "/v1/algo/orders", 503)
    order = run.trader.twap(params={"twap": TERMS, "recv_window_ms": 300})
    await until(lambda: order.is_closed)
    assert run.trader.told_of(order) == [*TAKEN[:2], "OrderRejected"]
    assert "no longer takes it" in order.last_event.reason
    assert posted == []


async def test_nothing_is_sent_without_knowing_what_was_there(
    exchange: LocalExchange, posted: list[Any]
) -> None:
    async with running_node(exchange, [Twapper()], max_retries=0) as run:
        exchange.fail_next("GET", "/v1/algo/orders", 503)
        order = run.trader.twap()
        await until(lambda: order.is_closed)
        assert order.status == OrderStatus.REJECTED
        assert "not sent" in order.last_event.reason
        assert posted == []


@pytest.mark.parametrize("is_carried_out", [True, False])
async def test_a_cancel_whose_reply_is_lost_is_repeated_while_it_works(
    exchange: LocalExchange, run: RunningNode, is_carried_out: bool
) -> None:
    order = await accepted(run)
    if is_carried_out:
        exchange.lose_next_response("/v1/algo/orders/")
    else:
        exchange.fail_next("DELETE", "/v1/algo/orders", 503)
    run.trader.cancel_order(order)
    await until(lambda: order.is_closed)
    assert run.trader.told_of(order).count("OrderCanceled") == 1
    assert "OrderCancelRejected" not in run.trader.told_of(order)


async def test_a_cancel_of_one_that_is_over_is_no_refusal(
    exchange: LocalExchange, run: RunningNode
) -> None:
    order = await accepted(run)
    exchange.fail_next("GET", "/v1/algo/orders", 503, count=8)
    for _ in range(3):
        exchange.step_algo_orders()
    run.trader.cancel_order(order)
    await until(lambda: order.is_closed)
    assert order.status == OrderStatus.EXPIRED
    assert "OrderCancelRejected" not in run.trader.told_of(order)


# -- what the engine asks -----------------------------------------------------------------------


async def several_checks(run: RunningNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait until the engine has checked orders and positions a few times."""
    engine, rounds = run.node.kernel.exec_engine, {"orders": 0, "positions": 0}
    for name in rounds:
        check = getattr(engine, f"_check_{name}_consistency")

        async def counted(name: str = name, check: Any = check) -> None:
            await check()
            rounds[name] += 1

        monkeypatch.setattr(engine, f"_check_{name}_consistency", counted)
    await until(lambda: min(rounds.values()) >= 4, "the engine has checked a few times")


async def test_the_engine_finds_it_at_work_whatever_it_asks(
    exchange: LocalExchange, run: RunningNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await accepted(run)
    await until_held(run, "0.1")
    now = run.node.kernel.clock.timestamp_ns()
    client = run.client
    single = await client.generate_order_status_report(
        GenerateOrderStatusReport(BTC, order.client_order_id, None, UUID4(), now)
    )
    by_id = await client.generate_order_status_report(
        GenerateOrderStatusReport(BTC, None, order.venue_order_id, UUID4(), now)
    )
    reports = [single, by_id]
    for open_only in (True, False):
        command = GenerateOrderStatusReports(BTC, None, None, open_only, UUID4(), now)
        found = await client.generate_order_status_reports(command)
        reports += [r for r in found if r.client_order_id == order.client_order_id]
    mass_status = await client.generate_mass_status()
    # The next command ends the wait for the reconciliation that asked.
    other = run.trader.limit(OrderSide.BUY, "0.01", "89000")
    reports.append(mass_status.order_reports[order.venue_order_id])
    assert len(reports) == 5
    for report in reports:
        assert (report.order_status, report.filled_qty) == (OrderStatus.ACCEPTED, Quantity(0, 5))
        assert report.venue_order_id == order.venue_order_id
    run.trader.query_order(order)
    await several_checks(run, monkeypatch)
    assert run.trader.told_of(order) == TAKEN
    run.trader.cancel_order(other)
    await until_held(run, "0.1")
    run.trader.cancel_order(order)
    await until(lambda: order.is_closed)


async def test_an_outage_ends_nothing(
    exchange: LocalExchange, run: RunningNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await accepted(run)
    await until_held(run, "0.1")
    exchange.fail_next("GET", "/v1/", 503, count=10_000)
    await several_checks(run, monkeypatch)
    exchange._faults._failures.clear()
    assert order.status == OrderStatus.ACCEPTED
    exchange.step_algo_orders()
    await until_held(run, "0.2")
    run.trader.cancel_order(order)
    await until(lambda: order.is_closed)
    assert run.trader.told_of(order) == [*TAKEN, "OrderPendingCancel", "OrderCanceled"]


async def test_children_of_a_lost_connection_are_counted_once(
    exchange: LocalExchange, run: RunningNode
) -> None:
    order = await accepted(run)
    await until_held(run, "0.1")
    exchange.drop_connections()
    exchange.step_algo_orders()
    await until_held(run, "0.2")
    await until(lambda: run.client.session.is_ready and not run.client.session.is_recovering)
    exchange.step_algo_orders()
    await until(lambda: order.is_closed)
    await until_held(run, "0.3")
    assert run.trader.told_of(order) == [*TAKEN, "OrderExpired"]


async def test_a_venue_that_comes_back_is_asked_again(
    exchange: LocalExchange, run: RunningNode
) -> None:
    order = await accepted(run)
    await until_held(run, "0.1")
    exchange.refuse_connections()
    exchange.drop_connections()
    exchange.drop_connections("http")
    exchange.step_algo_orders()
    await until(lambda: not run.client.session.is_ready, "the connection is lost")
    exchange.step_algo_orders()
    assert order.status == OrderStatus.ACCEPTED
    exchange.refuse_connections(False)
    await until(lambda: order.is_closed, "its end was told")
    assert run.trader.told_of(order) == [*TAKEN, "OrderExpired"]
    await until_held(run, "0.3")


# -- restarts -----------------------------------------------------------------------------------


def kept(run: RunningNode, *orders: Order) -> Callable[[Any], None]:
    """Return what puts these orders into the cache of another node, as a database would."""
    instrument = run.cache.instrument(BTC)
    others = {order: run.cache.position_id(order.client_order_id) for order in run.cache.orders()}
    positions = run.cache.positions()
    notes = {}
    for order in orders:
        key = note_key(order.client_order_id)
        notes[key] = run.cache.get(key)

    def restore(node: Any) -> None:
        node.cache.add_instrument(instrument)
        for key, note in notes.items():
            node.cache.add(key, note)
        for order, position_id in others.items():
            node.cache.add_order(order, position_id)
            node.cache.update_order(order)
        for position in positions:
            node.cache.add_position(position, OmsType.NETTING)

    return restore


async def test_a_restart_takes_it_up_with_children_filled_meanwhile(
    exchange: LocalExchange,
) -> None:
    async with running_node(exchange, [Twapper(claims=True)]) as run:
        order = await accepted(run)
        await until_held(run, "0.1")
        restore = kept(run, order)
    exchange.step_algo_orders()
    await until(lambda: exchange.positions()[0]["size"] == "0.2")
    async with running_node(
        exchange, [Twapper(claims=True)], before=restore, engine=CHECKED
    ) as run:
        again = run.cache.order(order.client_order_id)
        assert again.status == OrderStatus.ACCEPTED
        await until_held(run, "0.2")
        exchange.step_algo_orders()
        await until(lambda: again.is_closed)
        assert again.status == OrderStatus.EXPIRED
        await until_held(run, "0.3")


async def test_one_that_a_run_does_not_know_is_named(
    exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_node(exchange, [Twapper()]) as run:
        order = await accepted(run)
        await until_held(run, "0.1")
    named: list[str] = []
    warn_of_others = TwapAnswers._warn_of_others

    async def listen(answers: Any) -> None:
        answers._log = SimpleNamespace(warning=named.append)
        await warn_of_others(answers)

    monkeypatch.setattr(TwapAnswers, "_warn_of_others", listen)
    async with running_node(exchange, [Twapper()]) as run:
        run.why_apart = "the order was sent by another run, whose cache is lost"
        assert len(named) == 1
        assert order.venue_order_id.value in named[0]
        assert "buys 0.2 more of 'BTC-USD-PERP'" in named[0]
        await until_held(run, "0.1")
        exchange.step_algo_orders()
        await until_held(run, "0.2")


async def test_one_that_ended_between_two_runs_ends_once(exchange: LocalExchange) -> None:
    async with running_node(exchange, [Twapper()]) as run:
        order = await accepted(run)
        await until_held(run, "0.1")
        restore = kept(run, order)
    for _ in range(3):
        exchange.step_algo_orders()
    await until(lambda: exchange.algo_orders()[0]["status"] == "CLOSED")
    async with running_node(exchange, [Twapper()], before=restore) as run:
        again = run.cache.order(order.client_order_id)
        await until(lambda: again.is_closed)
        await until_held(run, "0.3")
        names = [type(event).__name__ for event in again.events]
        assert names == [*TAKEN, "OrderExpired"]


@pytest.mark.parametrize("has_arrived", [True, False])
async def test_one_sent_right_before_a_restart_is_looked_for(
    exchange: LocalExchange,
    has_arrived: bool,
    lose_reply: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(algo_submissions, "TURN_SECS_MAX", 0.1)
    monkeypatch.setattr(algo_submissions, "BASELINE_SECS_MAX", 0.5)
    params = {"twap": TERMS, "recv_window_ms": 100}
    resolve = algo_submissions.AlgoSubmissions._resolve
    async with running_node(exchange, [Twapper()]) as run:
        run.why_apart = "it stops before it knows of the order"
        asked: list[Any] = []

        async def hang(*args: Any) -> None:
            asked.append(args)
            await asyncio.Event().wait()

        monkeypatch.setattr(algo_submissions.AlgoSubmissions, "_resolve", hang)
        if has_arrived:
            lose_reply()
        else:
            exchange.fail_next("POST", "/v1/algo/orders", 503)
        order = run.trader.twap(params=params)
        await until(lambda: order.status == OrderStatus.SUBMITTED)
        await until(lambda: bool(asked), "its outcome became unknown")
        restore = kept(run, order)
    monkeypatch.setattr(algo_submissions.AlgoSubmissions, "_resolve", resolve)
    async with running_node(exchange, [Twapper()], before=restore) as run:
        again = run.cache.order(ClientOrderId(order.client_order_id.value))
        if has_arrived:
            await until(lambda: again.status == OrderStatus.ACCEPTED)
            assert again.venue_order_id.value == exchange.algo_orders()[0]["id"]
            run.trader.cancel_order(again)
            await until(lambda: again.is_closed)
        else:
            await until(lambda: again.status == OrderStatus.REJECTED)
