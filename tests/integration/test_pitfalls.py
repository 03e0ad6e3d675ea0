"""The twenty ways in which adapters for NautilusTrader went wrong, each tried on this one.

Tried in part, because the rest is not in the adapter's hands or has no place in it:

- 7: with ``open_check_open_only=False`` the engine gives up an order whose fate a client cannot
  tell; of orders known to work the client answers with what it knows.
- 8: how long the engine waits for a cancel is its own; what the client tells meanwhile is tried.
- 15: orders are not changed here, so nothing can be lost between an old and a new leg; cancels
  that race with fills, and the refusal to change, are tried.
- 20: that a name is cut at its hyphen is the node's doing; that ours do not break by it is tried.

The number is that of the list the tests follow; none of the twenty is left out.
"""

import asyncio
import importlib.metadata
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import (
    GenerateOrderStatusReport,
    GenerateOrderStatusReports,
    GeneratePositionStatusReports,
)
from nautilus_trader.model.currencies import USDC
from nautilus_trader.model.enums import BookType, OmsType, OrderSide, OrderStatus, PositionSide
from nautilus_trader.model.objects import Price, Quantity

from paradex_adapter import execution
from paradex_adapter.local_exchange import LocalExchange
from paradex_adapter.translate.reports import balances_to_account_balances
from paradex_adapter.venue import account_reader, recovery
from paradex_adapter.venue.errors import MalformedReply, ParadexError, VenueUnavailable
from paradex_adapter.venue.websocket import WebSocketConnection
from paradex_adapter_core.messages.account import AccountSummary, Balance
from paradex_adapter_core.vocabulary import FEED_REST
from tests.integration import pitfall_scenarios
from tests.integration.forked_runs import Run, run_scenarios
from tests.integration.live_node import (
    LiveNode,
    Watcher,
    build_node,
    connecting,
    live_node,
    stop_node,
)
from tests.integration.pitfall_scenarios import POSITION, push, with_liquidity
from tests.integration.trading_node import BTC, WAIT_SECS, until

MARKET = "BTC-USD-PERP"
FLOW = ["OrderInitialized", "OrderSubmitted", "OrderAccepted"]


@pytest.fixture
async def exchange() -> AsyncIterator[LocalExchange]:
    async with LocalExchange(seed=1, simulation_interval_ms=0) as exchange:
        yield with_liquidity(exchange)


@pytest.fixture
async def run(exchange: LocalExchange) -> AsyncIterator[LiveNode]:
    """A node that trades, without market data."""
    async with live_node(exchange, data=None) as run:
        yield run


@pytest.fixture
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask for what is missing at once."""
    monkeypatch.setattr(recovery, "FILLS_DELAYS_SECS", (0.05,) * 10)
    monkeypatch.setattr(recovery, "RESOLVE_DELAY_SECS", 0.05)


@pytest.fixture(scope="module")
def runs() -> dict[str, Run]:
    names = [
        "strange_texts_on_the_stream",
        "strange_numbers_on_the_stream",
        "strange_answers",
        "strange_balances",
        "a_balance_beyond_its_margin",
        "strange_markets",
    ]
    return run_scenarios(pitfall_scenarios.__name__, names)


def window(**fields: Any) -> dict[str, Any]:
    none = {"instrument_id": None, "start": None, "end": None}
    return {**none, "command_id": UUID4(), "ts_init": 0, **fields}


def outage(exchange: LocalExchange) -> None:
    """Take the venue away: nobody connects, and who is connected is cut off."""
    exchange.refuse_connections()
    exchange.drop_connections()
    exchange.drop_connections("http")


async def accepted(run: LiveNode, price: str = "89000", size: str = "0.01") -> Any:
    order = run.trader.limit(OrderSide.BUY, size, price)
    await until(lambda: order.status == OrderStatus.ACCEPTED, "the order rests")
    return order


async def filled(run: LiveNode, size: str = "0.01", side: OrderSide = OrderSide.BUY) -> Any:
    order = run.trader.market(side, size)
    await until(lambda: order.is_closed, "the order is filled")
    assert order.status == OrderStatus.FILLED
    return order


class CountedChecks:
    """Counts how often the engine came to the end of one of its checks."""

    def __init__(self, run: LiveNode, name: str) -> None:
        engine = run.node.kernel.exec_engine
        self._check = getattr(engine, name)
        self.done = 0
        setattr(engine, name, self._count)

    async def _count(self) -> None:
        await self._check()
        self.done += 1

    async def more(self, number: int) -> None:
        """Wait for some that begin from now on."""
        # The one that is under way does not count.
        enough = self.done + 1 + number
        await until(lambda: self.done >= enough, "the engine checked, and checked again")


# -- 1 to 3: what ends the process ------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 503])
async def test_pitfall_01_a_query_of_the_account_ends_no_process(
    exchange: LocalExchange, run: LiveNode, status: int
) -> None:
    if status != 200:
        exchange.fail_next("GET", "/v1/balance", status, "<html>", count=10)
    run.trader.query_account(run.exec_client.account_id)
    await until(lambda: all(task.done() for task in run.exec_client._tasks))
    await filled(run)


async def test_pitfall_01_every_command_of_the_engine_has_its_method() -> None:
    # Not all of them are in the base class, which then ends the process.
    for command in (
        "submit_order",
        "submit_order_list",
        "modify_order",
        "cancel_order",
        "cancel_all_orders",
        "batch_cancel_orders",
        "query_account",
        "query_order",
    ):
        assert f"_{command}" in vars(execution.ParadexExecutionClient)


@pytest.mark.parametrize(
    "name",
    ["strange_texts_on_the_stream", "strange_answers", "strange_balances", "strange_markets"],
)
def test_pitfall_02_text_that_is_no_identifier_aborts_nothing(
    runs: dict[str, Run], name: str
) -> None:
    assert runs[name].code == 0, runs[name].output
    assert runs[name].result["then"] == "FILLED"
    assert "Traceback" not in runs[name].output


@pytest.mark.parametrize(
    "name", ["strange_numbers_on_the_stream", "strange_answers", "a_balance_beyond_its_margin"]
)
def test_pitfall_03_numbers_out_of_range_abort_nothing(runs: dict[str, Run], name: str) -> None:
    assert runs[name].code == 0, runs[name].output
    assert runs[name].result["then"] == "FILLED"
    assert "Traceback" not in runs[name].output


def test_pitfall_03_a_market_of_strange_numbers_leaves_the_others(runs: dict[str, Run]) -> None:
    told = runs["strange_markets"].result
    assert 1 <= told["loaded"] < told["listed"]


def test_pitfall_02_a_strange_token_does_not_silence_the_account(runs: dict[str, Run]) -> None:
    # Of every answer but those whose USDC cannot be held there is an account state.
    assert runs["strange_balances"].result["told_of_texts"] is True


# -- 4 and 5: starting ------------------------------------------------------------------------


async def test_pitfall_04_a_first_failure_to_connect_is_tried_again(
    exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "CONNECT_RETRY_DELAY_SECS", 0.01)
    exchange.fail_next("GET", "/v1/system/config", 503, {"error": "UNAVAILABLE"}, count=4)
    exchange.fail_next("WS", "/v1", 503, "busy", count=2)
    async with live_node(exchange, execution={"max_retries": 1}) as run:
        await filled(run)


async def test_pitfall_04_a_client_that_cannot_connect_ends_its_attempts(
    exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    # That it says why is in `test_bad_input`; here: it is not left half connected.
    monkeypatch.setattr(execution, "CONNECT_RETRY_DELAY_SECS", 0.01)
    exchange.refuse_connections()
    node = build_node(exchange, Watcher(), execution={"max_retries": 0}, timeout_secs=0.3)
    (client,), (connected,) = node.kernel.exec_engine._clients.values(), connecting(node)
    running = asyncio.create_task(node.run_async())
    async with asyncio.timeout(WAIT_SECS):
        await connected.wait()
    assert not client.is_connected
    assert client._open_desk is None
    assert not node.trader.is_running
    await stop_node(node, running)


async def test_pitfall_05_answers_for_reconciliation_keep_to_a_time_of_their_own(
    exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_reader, "SNAPSHOT_TIMEOUT_SECS", 0.5)
    monkeypatch.setattr(account_reader, "READ_TIMEOUT_SECS", 0.5)
    async with live_node(exchange, data=None) as run:
        exchange.delay_responses(5_000)
        client = run.exec_client
        asked = [
            client.generate_mass_status(),
            client.generate_order_status_reports(
                GenerateOrderStatusReports(**window(open_only=False))
            ),
            client.generate_position_status_reports(GeneratePositionStatusReports(**window())),
        ]
        async with asyncio.timeout(5.0):
            answers = await asyncio.gather(*asked, return_exceptions=True)
        exchange.delay_responses(0)
        assert [type(answer) for answer in answers] == [VenueUnavailable] * 3


async def test_pitfall_05_a_node_is_not_started_on_half_an_answer(exchange: LocalExchange) -> None:
    exchange.fail_next("GET", "/v1/fills", 503, {"error": "UNAVAILABLE"}, count=100)
    node = build_node(exchange, Watcher(), execution={"max_retries": 0}, log_level="OFF")
    begun, start = asyncio.Event(), node.kernel.start_async

    async def start_and_tell() -> None:
        await start()
        begun.set()

    node.kernel.start_async = start_and_tell
    running = asyncio.create_task(node.run_async())
    (client,) = node.kernel.exec_engine._clients.values()
    async with asyncio.timeout(WAIT_SECS):
        await begun.wait()
    assert client.is_connected
    assert exchange._faults._failures[0].count < 100
    assert not node.trader.is_running
    await stop_node(node, running)


# -- 6 to 8: answers that are believed ---------------------------------------------------------

NO_ANSWERS: dict[str, tuple[int, Any]] = {
    "an error": (503, {"error": "UNAVAILABLE"}),
    "a page": (200, "<html>cloud</html>"),
    "another object": (200, {"positions": []}),
    "a list of nothing": (200, {"results": [None]}),
    "a position without a size": (200, {"results": [{**POSITION, "size": ""}]}),
    "a position of too many decimals": (200, {"results": [{**POSITION, "size": "0.123456789"}]}),
    "a long position below zero": (200, {"results": [{**POSITION, "size": "-1"}]}),
    "a position on no side": (200, {"results": [{**POSITION, "side": "BOTH"}]}),
}


@pytest.mark.parametrize("name", NO_ANSWERS)
async def test_pitfall_06_positions_that_cannot_be_read_are_not_flat(
    exchange: LocalExchange, name: str
) -> None:
    status, body = NO_ANSWERS[name]
    checks = {"position_check_interval_secs": 0.05, "position_check_threshold_ms": 0}
    async with live_node(
        exchange, data=None, execution={"max_retries": 0}, engine=checks, log_level="OFF"
    ) as run:
        await filled(run)
        exchange.fail_next("GET", "/v1/positions", status, body, count=1000)
        with pytest.raises(ParadexError):
            await run.exec_client.generate_position_status_reports(
                GeneratePositionStatusReports(**window())
            )
        left = exchange._faults._failures[0].count
        await until(lambda: exchange._faults._failures[0].count < left - 5, "it was checked often")
        assert len(run.cache.orders()) == 1
        assert len(run.cache.positions_open()) == 1


async def test_pitfall_06_positions_the_engine_checks_agree_with_the_venue(
    exchange: LocalExchange,
) -> None:
    checks = {"position_check_interval_secs": 0.05, "position_check_threshold_ms": 0}
    async with live_node(exchange, data=None, engine=checks) as run:
        for side in (OrderSide.BUY, OrderSide.SELL, OrderSide.SELL):
            await filled(run, side=side)
        await CountedChecks(run, "_check_positions_consistency").more(3)
        assert len(run.cache.orders()) == 3
        (position,) = run.cache.positions_open()
        assert position.side == PositionSide.SHORT


@pytest.mark.parametrize("has_fill", [False, True])
async def test_pitfall_07_an_outage_rejects_no_working_order(
    exchange: LocalExchange, has_fill: bool
) -> None:
    checks = {
        "open_check_interval_secs": 0.05,
        "open_check_open_only": False,
        "open_check_threshold_ms": 0,
        "open_check_missing_retries": 1,
        "single_order_query_delay_ms": 1,
    }
    async with live_node(
        exchange, data=None, execution={"max_retries": 0}, engine=checks, log_level="OFF"
    ) as run:
        order = await accepted(run, "90000", "0.02")
        if has_fill:
            exchange.take_liquidity(MARKET, "SELL", "0.01")
            await until(lambda: order.status == OrderStatus.PARTIALLY_FILLED)
        status = order.status
        told = len(run.trader.told)
        checked = CountedChecks(run, "_check_orders_consistency")
        outage(exchange)
        await checked.more(3)
        assert order.status == status
        assert len(run.trader.told) == told
        command = GenerateOrderStatusReport(BTC, order.client_order_id, None, UUID4(), 0)
        report = await run.exec_client.generate_order_status_report(command)
        assert (report.order_status, report.filled_qty) == (status, order.filled_qty)
        exchange.refuse_connections(False)
        await until(lambda: run.exec_client.session.is_ready)
        run.trader.cancel_order(order)
        await until(lambda: order.is_closed)
        assert order.status == OrderStatus.CANCELED


async def test_pitfall_07_an_order_the_venue_answers_it_does_not_know_is_none(
    run: LiveNode,
) -> None:
    order = await accepted(run)
    command = GenerateOrderStatusReport(
        instrument_id=BTC,
        client_order_id=type(order.client_order_id)("O-unknown"),
        venue_order_id=None,
        command_id=UUID4(),
        ts_init=0,
    )
    assert await run.exec_client.generate_order_status_report(command) is None


async def test_pitfall_07_an_unreadable_order_is_not_taken_for_a_missing_one(
    exchange: LocalExchange, run: LiveNode
) -> None:
    order = await accepted(run)
    (row,) = exchange.orders()
    broken = {"results": [{**row, "size": "?"}], "next": None}
    exchange.fail_next("GET", "/v1/orders", 200, broken, count=100)
    with pytest.raises(MalformedReply):
        await run.exec_client.session.query_order(
            order.client_order_id.value, order.venue_order_id.value, MARKET
        )


async def test_pitfall_08_a_cancel_that_stays_unanswered_cancels_nothing(
    exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = {
        "inflight_check_interval_ms": 30,
        "inflight_check_threshold_ms": 60,
        "inflight_check_retries": 2,
    }
    async with live_node(
        exchange, data=None, execution={"max_retries": 0}, engine=checks, log_level="OFF"
    ) as run:
        order = await accepted(run)
        outage(exchange)
        run.trader.cancel_order(order)
        await until(lambda: order.status == OrderStatus.PENDING_CANCEL)
        # Either the answer to the engine's query ends this state, or the engine's patience does.
        await until(lambda: order.status != OrderStatus.PENDING_CANCEL)
        await CountedChecks(run, "_check_inflight_orders").more(3)
        assert not order.is_closed
        assert "OrderCanceled" not in run.trader.told_of(order)
        exchange.refuse_connections(False)
        (row,) = exchange.orders()
        assert row["status"] == "OPEN"
        await until(lambda: run.exec_client.session.is_ready)
        await until(lambda: order.status == OrderStatus.ACCEPTED or order.is_closed)
        if not order.is_closed:
            run.trader.cancel_order(order)
        await until(lambda: order.is_closed)
        assert exchange.orders()[0]["status"] == "CLOSED"


# -- 9 to 11: the engine's own ways ------------------------------------------------------------


async def test_pitfall_09_an_answer_does_not_overtake_what_was_told_before(
    exchange: LocalExchange, run: LiveNode
) -> None:
    orders = []
    for _ in range(10):
        order = run.trader.market(OrderSide.BUY, "0.01")
        orders.append(order)
        run.trader.query_order(order)
    await until(lambda: all(order.is_closed for order in orders))
    await until(lambda: all(task.done() for task in run.exec_client._tasks))
    trade_ids = [trade_id.value for order in orders for trade_id in order.trade_ids]
    # A fill that the engine inferred from a report would have an id of its own making.
    assert sorted(trade_ids) == sorted(fill["id"] for fill in exchange.fills())
    for order in orders:
        assert run.trader.told_of(order) == [*FLOW, "OrderFilled"]


async def test_pitfall_10_a_node_without_market_data_has_its_instruments(
    exchange: LocalExchange,
) -> None:
    async with live_node(exchange, data=None) as first:
        resting = await accepted(first)
    async with live_node(exchange, data=None) as run:
        assert run.cache.instrument(BTC) is not None
        (order,) = run.cache.orders()
        assert order.client_order_id == resting.client_order_id
        assert order.status == OrderStatus.ACCEPTED


@pytest.mark.parametrize("kind", ["quote_ticks", "trade_ticks", "order_book_deltas"])
async def test_pitfall_11_a_subscription_that_failed_may_be_asked_for_again(
    exchange: LocalExchange, kind: str
) -> None:
    def subscribe(trader: Watcher) -> None:
        options = {"book_type": BookType.L2_MBP} if kind == "order_book_deltas" else {}
        getattr(trader, f"subscribe_{kind}")(BTC, **options)

    async with live_node(exchange, execution=None, log_level="OFF") as run:
        client = run.data_client
        exchange.fail_next("RPC", "subscribe", -32600, "invalid subscribe request")
        subscribe(run.trader)
        await until(
            lambda: not exchange._faults._failures and not getattr(client, f"subscribed_{kind}")()
        )
        subscribe(run.trader)
        await until(lambda: getattr(client, f"subscribed_{kind}")() == [BTC])
        exchange.take_liquidity(MARKET, "BUY", "0.01")
        await until(lambda: run.trader.quotes or run.trader.trades or run.trader.deltas)


# -- 12 to 15: fills and lost replies -----------------------------------------------------------


async def test_pitfall_12_a_fill_is_counted_once_whatever_way_it_comes(
    exchange: LocalExchange, run: LiveNode
) -> None:
    exchange.duplicate_next_fill()
    order = await filled(run)
    (fill,) = exchange.fills()
    for _ in range(3):
        push(exchange, "fills.ALL", fill)
    exchange.drop_connections("private")
    await until(lambda: not run.exec_client.session.is_ready)
    await until(
        lambda: run.exec_client.session.is_ready and not run.exec_client.session.is_recovering
    )
    assert run.trader.told_of(order) == [*FLOW, "OrderFilled"]
    assert order.filled_qty == Quantity.from_str("0.01")


async def test_pitfall_12_a_restart_counts_what_happened_meanwhile_once(
    exchange: LocalExchange,
) -> None:
    async with live_node(exchange, data=None) as first:
        order = await accepted(first, "90000", "0.05")
        exchange.take_liquidity(MARKET, "SELL", "0.01")
        await until(lambda: order.filled_qty == Quantity.from_str("0.01"))
        instrument = first.cache.instrument(BTC)
        (position,) = first.cache.positions()
    exchange.take_liquidity(MARKET, "SELL", "0.02")

    def restore(node: Any) -> None:
        # As from a database of an earlier run.
        node.cache.add_instrument(instrument)
        node.cache.add_order(order, position.id)
        node.cache.add_position(position, OmsType.NETTING)
        node.cache.update_order(order)

    async with live_node(exchange, data=None, before=restore) as run:
        again = run.cache.order(order.client_order_id)
        await until(lambda: again.filled_qty == Quantity.from_str("0.03"))
        exchange.take_liquidity(MARKET, "SELL", "0.02")
        await until(lambda: again.is_closed)
        assert sorted(trade_id.value for trade_id in again.trade_ids) == sorted(
            fill["id"] for fill in exchange.fills()
        )
        assert [item.quantity for item in run.cache.positions_open()] == [Quantity.from_str("0.05")]


@pytest.mark.parametrize("is_market", [True, False])
@pytest.mark.usefixtures("impatience")
async def test_pitfall_13_an_order_whose_reply_is_lost_is_not_sent_again(
    exchange: LocalExchange, run: LiveNode, is_market: bool
) -> None:
    exchange.lose_next_response("order.create")
    if is_market:
        order = run.trader.market(OrderSide.BUY, "0.01")
    else:
        order = run.trader.limit(OrderSide.BUY, "0.01", "89000")
    await until(lambda: order.status in (OrderStatus.ACCEPTED, OrderStatus.FILLED))
    assert len(exchange.orders()) == 1
    assert "OrderRejected" not in run.trader.told_of(order)


@pytest.mark.usefixtures("impatience")
async def test_pitfall_14_fills_that_were_never_told_are_asked_for(
    exchange: LocalExchange, run: LiveNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange._feed, "on_fill", lambda fill: None)
    exchange.lose_next_response("order.create")
    order = run.trader.market(OrderSide.BUY, "0.01")
    await until(lambda: order.is_closed)
    assert order.status == OrderStatus.FILLED
    (fill,) = exchange.fills()
    assert [trade_id.value for trade_id in order.trade_ids] == [fill["id"]]
    await until(lambda: len(run.cache.positions_open()) == 1)


async def test_pitfall_15_a_cancel_that_comes_too_late_cancels_nothing(
    exchange: LocalExchange, run: LiveNode
) -> None:
    order = await accepted(run, "90000")
    exchange.hold_outcomes()
    run.trader.cancel_order(order)
    await until(lambda: order.status == OrderStatus.PENDING_CANCEL)
    exchange.take_liquidity(MARKET, "SELL", "0.01")
    await until(lambda: order.is_closed)
    exchange.release_outcomes()
    assert order.status == OrderStatus.FILLED
    assert "OrderCanceled" not in run.trader.told_of(order)


async def test_pitfall_15_a_cancel_that_meets_a_fill_leaves_what_was_filled(
    exchange: LocalExchange, run: LiveNode
) -> None:
    order = await accepted(run, "90000", "0.05")
    exchange.hold_outcomes()
    run.trader.cancel_order(order)
    await until(lambda: order.status == OrderStatus.PENDING_CANCEL)
    exchange.take_liquidity(MARKET, "SELL", "0.02")
    exchange.release_outcomes()
    await until(lambda: order.is_closed)
    assert order.status == OrderStatus.CANCELED
    assert order.filled_qty == Quantity.from_str("0.02")
    assert [kind for kind in run.trader.told_of(order) if kind == "OrderFilled"] == ["OrderFilled"]


async def test_pitfall_15_a_refused_change_leaves_the_order_as_it_is(
    exchange: LocalExchange, run: LiveNode
) -> None:
    order = await accepted(run)
    exchange.fail_next("RPC", "order.modify", 100, "REQUEST_NOT_ALLOWED")
    run.trader.modify_order(order, quantity=Quantity.from_str("0.02000"))
    await until(lambda: "OrderModifyRejected" in run.trader.told_of(order))
    assert order.quantity == Quantity.from_str("0.01")
    assert exchange.orders()[0]["size"] == "0.01"


# -- 16 and 17: market data ----------------------------------------------------------------------


async def test_pitfall_16_a_socket_that_went_silent_is_replaced(
    exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(WebSocketConnection.__init__.__kwdefaults__, "silence_secs_max", 0.4)
    async with live_node(exchange, execution=None) as run:
        run.trader.watch_all()
        await until(lambda: run.trader.quotes)
        connects = run.data_client.counters["connects"]
        # Connected, answering pings, and nothing comes.
        monkeypatch.setattr(exchange._feed, "_public", lambda *args: None)
        await until(lambda: run.data_client.counters["connects"] > connects)
        monkeypatch.undo()
        quotes = len(run.trader.quotes)
        exchange.place_liquidity(MARKET, "BUY", "90000", "1")
        await until(lambda: len(run.trader.quotes) > quotes)


async def test_pitfall_16_an_order_the_private_stream_is_silent_about_is_found(
    exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = {"inflight_check_interval_ms": 30, "inflight_check_threshold_ms": 60}
    async with live_node(exchange, data=None, engine=checks) as run:
        run.why_apart = "the stream tells of no position and no balance until it is replaced"
        monkeypatch.setattr(exchange._feed, "_private", lambda *args: None)
        order = run.trader.market(OrderSide.BUY, "0.01")
        await until(lambda: order.is_closed)
        assert order.status == OrderStatus.FILLED
        assert [t.value for t in order.trade_ids] == [fill["id"] for fill in exchange.fills()]


def levels(book: Any) -> dict[str, list[list[str]]]:
    """Return a book of the cache as the venue writes one."""
    return {
        side: [
            [
                f"{level.price.as_decimal().normalize():f}",
                f"{Decimal(str(level.size())).normalize():f}",
            ]
            for level in found
        ]
        for side, found in (("bids", book.bids()), ("asks", book.asks()))
    }


def same_book(exchange: LocalExchange, run: LiveNode) -> bool:
    book, told = run.cache.order_book(BTC), exchange.order_book(MARKET)
    return book is not None and levels(book) == {side: told[side] for side in ("bids", "asks")}


async def test_pitfall_17_a_buffered_book_follows_the_venue_over_gaps_and_reconnects(
    exchange: LocalExchange,
) -> None:
    async with live_node(exchange, execution=None, data_engine={"buffer_deltas": True}) as run:
        run.trader.watch_all()
        await until(lambda: same_book(exchange, run), "the first snapshot")
        exchange.place_liquidity(MARKET, "BUY", "89995", "1")
        exchange.take_liquidity(MARKET, "BUY", "1")
        await until(lambda: same_book(exchange, run), "changes")
        # The level that vanishes unseen would haunt a book without a clearing.
        exchange.skip_book_seq(MARKET)
        exchange.cancel_liquidity(MARKET)
        exchange.place_liquidity(MARKET, "SELL", "90020", "2")
        await until(lambda: run.data_client.counters["book gaps"] == 1)
        await until(lambda: same_book(exchange, run), "the snapshot after a gap")
        exchange.drop_connections("public")
        exchange.cancel_liquidity(MARKET)
        exchange.place_liquidity(MARKET, "BUY", "89000", "3")
        await until(lambda: same_book(exchange, run), "the snapshot after a reconnect")
        exchange.cancel_liquidity(MARKET)
        await until(lambda: same_book(exchange, run), "an empty book")


# -- 18 and 19: what a list leaves out -----------------------------------------------------------


async def test_pitfall_18_an_order_that_closed_unseen_is_among_the_open_ones(
    exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = {"open_check_interval_secs": 0.05, "open_check_threshold_ms": 0}
    async with live_node(exchange, data=None, engine=checks) as run:
        order = await accepted(run)
        monkeypatch.setattr(exchange._feed, "_private", lambda *args: None)
        (working,) = exchange._account(None).open_orders.values()
        exchange._gateway.cancel(working)
        await until(lambda: order.is_closed, "the engine's own check heals it")
        assert order.status == OrderStatus.CANCELED


async def test_pitfall_19_every_page_is_read(
    exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with live_node(exchange, data=None) as first:
        for _ in range(7):
            await filled(first)
    monkeypatch.setattr(account_reader, "PAGE_SIZE", 2)
    async with live_node(exchange, data=None) as run:
        trade_ids = [t.value for order in run.cache.orders() for t in order.trade_ids]
        assert sorted(trade_ids) == sorted(fill["id"] for fill in exchange.fills())
        (position,) = run.cache.positions_open()
        assert position.quantity == Quantity.from_str("0.07")


async def test_pitfall_19_a_cursor_that_leads_in_circles_is_an_error(
    exchange: LocalExchange, run: LiveNode
) -> None:
    page = {"results": exchange.fills(), "next": "again", "prev": None}
    exchange.fail_next("GET", "/v1/fills", 200, page, count=10)
    with pytest.raises(MalformedReply):
        await run.exec_client.session.reader.fills()


async def test_pitfall_19_a_position_without_its_fills_keeps_its_average_price(
    exchange: LocalExchange,
) -> None:
    position = {**POSITION, "size": "0.5", "average_entry_price_usd": "61234.56"}
    position |= {"average_entry_price": "61240", "account": exchange.account_address}
    exchange.fail_next("GET", "/v1/positions", 200, {"results": [position]}, count=10)
    async with live_node(exchange, data=None) as run:
        run.why_apart = "the exchange only tells of this position"
        (report,) = await run.exec_client.generate_position_status_reports(
            GeneratePositionStatusReports(**window())
        )
        assert report.avg_px_open == Decimal("61234.56")
        (held,) = run.cache.positions_open()
        assert held.quantity == Quantity.from_str("0.5")
        assert held.avg_px_open == pytest.approx(61234.56, abs=0.1)


async def test_pitfall_19_two_starts_make_the_same_of_the_same_account(
    exchange: LocalExchange,
) -> None:
    async with live_node(exchange, data=None) as first:
        await filled(first)
        await accepted(first)
        liquidation = {**pitfall_scenarios.FILL, "size": "0.01", "order_id": ""}
        liquidation["account"] = exchange.account_address
    seen = []
    for _ in range(2):
        page = {"results": [*exchange.fills(), liquidation], "next": None, "prev": None}
        position = {**exchange.positions()[0], "size": "0.02"}
        exchange.fail_next("GET", "/v1/fills", 200, page, count=1)
        exchange.fail_next("GET", "/v1/positions", 200, {"results": [position]}, count=1)
        async with live_node(exchange, data=None) as run:
            run.why_apart = "the exchange only tells of this liquidation"
            seen.append(
                [
                    (str(order.venue_order_id), order.status, [str(t) for t in order.trade_ids])
                    for order in sorted(run.cache.orders(), key=lambda o: str(o.venue_order_id))
                ]
            )
    assert len(seen[0]) == 3
    assert seen[0] == seen[1]


# -- 20: names and numbers -----------------------------------------------------------------------


async def test_pitfall_20_a_client_key_with_a_hyphen_still_trades(exchange: LocalExchange) -> None:
    async with live_node(exchange, data=None, name="PARADEX-A") as run:
        assert run.exec_client.id.value == "PARADEX"
        assert run.exec_client.account_id.value.startswith("PARADEX-")
        await filled(run)


@pytest.mark.parametrize(
    ("size", "margin"),
    [
        (10_000_000_000_000, 3_333_333_333_333),
        (1, 2),
        (123_456_789, 123_456_788),
        (-5, 7),
        (0, 0),
    ],
)
def test_pitfall_20_balances_add_up_exactly(size: int, margin: int) -> None:
    summary = AccountSummary("", "", 0, size, size - margin, margin, 0, "USDC", 0, FEED_REST, 0)
    (balance,) = balances_to_account_balances([Balance("USDC", size, 0)], summary)
    assert balance.currency == USDC
    assert balance.total.raw - balance.locked.raw == balance.free.raw
    assert balance.total.as_decimal() == Decimal(size).scaleb(-8)


@pytest.mark.parametrize("price", ["89000", "89000.0", "89000.00000000"])
async def test_pitfall_20_prices_have_the_instruments_precision_however_they_are_written(
    exchange: LocalExchange, run: LiveNode, price: str
) -> None:
    order = await accepted(run)
    (row,) = exchange.orders()
    exchange.fail_next(
        "GET", "/v1/orders", 200, {"results": [{**row, "price": price, "size": "0.010"}]}
    )
    (report,) = await run.exec_client.generate_order_status_reports(
        GenerateOrderStatusReports(**window(open_only=True))
    )
    assert report.client_order_id == order.client_order_id
    assert report.price == Price.from_str("89000.0")
    assert report.price.precision == 1
    assert report.quantity.precision == 5


def test_pitfall_20_the_distribution_does_not_bear_the_frameworks_name() -> None:
    try:
        name = importlib.metadata.metadata("paradex-adapter")["Name"]
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("the distribution is not installed here, only its source")
    assert not name.lower().startswith(("nautilus", "nt"))
