"""A reconciliation without a venue: four REST answers, and what NautilusTrader must make of them.

The answers are in ``fixtures/rest/reconciliation``: one account at one moment. What follows from
them is written down here three times: the reports the engine is given, the events of the orders
after it has worked them in, and what the core tells of them when an order was known before.
"""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from nautilus_trader.execution.reports import FillReport, OrderStatusReport, PositionStatusReport
from nautilus_trader.model.enums import LiquiditySide, OrderSide, OrderStatus, OrderType
from nautilus_trader.model.events import OrderFilled
from nautilus_trader.model.orders import Order

from paradex_adapter.local_exchange import LocalExchange
from paradex_adapter.translate.reports import fill_to_trade_id
from paradex_adapter.venue.account_reader import AccountReader
from paradex_adapter_core.order_lifecycle import CANCELED, FILLED, WORKING
from paradex_adapter_core.parsers.account import (
    parse_fills_page,
    parse_orders_page,
    parse_positions,
)
from paradex_adapter_core.state_store import StateStore
from paradex_adapter_core.vocabulary import (
    FILL_ORDINARY,
    INSTRUCTION_GTC,
    INSTRUCTION_IOC,
    ORDER_LIMIT,
    ORDER_MARKET,
    SIDE_BUY,
)
from tests.integration.live_node import LiveNode, live_node
from tests.integration.pitfall_scenarios import push
from tests.integration.trading_node import until

ANSWERS = Path(__file__).resolve().parents[2] / "fixtures" / "rest" / "reconciliation"
# The more particular path first: the exchange takes the first that fits.
PATHS = {
    "/v1/orders-history": "orders_history",
    "/v1/orders": "open_orders",
    "/v1/fills": "fills",
    "/v1/positions": "positions",
}
ORDER = "179500000000020170398667{:04}"
FILL = "179500000000020170398600{:04}"
LIQUIDATION = f"{FILL.format(1)}-LIQUIDA"
LIQUIDATED = f"LIQUIDATION-{FILL.format(1)}"
TS_INIT = 1_795_000_600_000_000_000

# By venue order id: client id, side, type, status, quantity, filled.
ORDER_REPORTS = {
    ORDER.format(1): ("taken", "BUY", "MARKET", "FILLED", "0.4", "0.4"),
    ORDER.format(2): ("rests", "BUY", "LIMIT", "PARTIALLY_FILLED", "0.5", "0.2"),
    ORDER.format(3): (ORDER.format(3), "SELL", "LIMIT", "ACCEPTED", "2", "0"),
    ORDER.format(4): ("given-up", "BUY", "LIMIT", "CANCELED", "3", "1"),
    ORDER.format(5): ("crossed", "BUY", "LIMIT", "REJECTED", "1", "0"),
    ORDER.format(6): ("stop", "SELL", "STOP_MARKET", "ACCEPTED", "0.6", "0"),
    ORDER.format(7): ("new", "SELL", "LIMIT", "SUBMITTED", "0.1", "0"),
    LIQUIDATED: (LIQUIDATED, "SELL", "MARKET", "FILLED", "0.25", "0.25"),
}
# By trade id: venue order id, side, quantity, price, fee, liquidity side.
FILL_REPORTS = {
    FILL.format(1): (ORDER.format(1), "BUY", "0.2", "89900", "8.091", "TAKER"),
    FILL.format(2): (ORDER.format(1), "BUY", "0.2", "90000", "8.1", "TAKER"),
    FILL.format(3): (ORDER.format(2), "BUY", "0.2", "88000", "-0.528", "MAKER"),
    FILL.format(4): (ORDER.format(4), "BUY", "1", "3000", "0.09", "MAKER"),
    LIQUIDATION: (LIQUIDATED, "SELL", "0.25", "2987.12345679", "3.73390432", "TAKER"),
}
# By market: signed quantity, average price.
POSITION_REPORTS = {
    "BTC-USD-PERP": ("0.6", "89300"),
    "ETH-USD-PERP": ("0.75", "3000"),
    "SOL-USD-PERP": ("0", None),
}
OPENED = ["OrderInitialized", "OrderAccepted"]
EVENTS = {
    ORDER.format(1): [*OPENED, "OrderFilled", "OrderFilled"],
    ORDER.format(2): [*OPENED, "OrderFilled"],
    ORDER.format(3): OPENED,
    ORDER.format(4): [*OPENED, "OrderFilled", "OrderCanceled"],
    ORDER.format(6): OPENED,
    # The engine has no other word for an order that is neither accepted nor refused.
    ORDER.format(7): OPENED,
    LIQUIDATED: [*OPENED, "OrderFilled"],
}
REFUSED_EVENTS = ["OrderInitialized", "OrderRejected"]
# Of each market: quantity, average price, realized profit less the fees.
POSITIONS = {
    "BTC-USD-PERP": ("0.6", "89300", "-15.663"),
    "ETH-USD-PERP": ("0.75", "3000", "-7.04304012"),
}


def answer(name: str) -> bytes:
    return (ANSWERS / f"{name}.json").read_bytes()


def with_answers(exchange: LocalExchange) -> LocalExchange:
    """Let an exchange answer with the fixtures, as often as it is asked."""
    for path, name in PATHS.items():
        exchange.fail_next("GET", path, 200, orjson.loads(answer(name)), count=1_000_000)
    return exchange


@pytest.fixture
async def exchange() -> AsyncIterator[LocalExchange]:
    async with LocalExchange(seed=1, simulation_interval_ms=0) as exchange:
        yield with_answers(exchange)


@pytest.fixture
async def run(exchange: LocalExchange) -> AsyncIterator[LiveNode]:
    async with live_node(exchange, data=None) as run:
        run.why_apart = "the answers are written down, the exchange knows nothing of them"
        yield run


class CannedAnswers:
    """Stands in for `HttpClient`: the account's answers, from the files."""

    async def get_orders(self, market: str | None = None) -> bytes:
        return answer("open_orders")

    async def get_orders_history(self, **_window: Any) -> bytes:
        return answer("orders_history")

    async def get_fills(self, **_window: Any) -> bytes:
        return answer("fills")

    async def get_positions(self) -> bytes:
        return answer("positions")


# -- reports ------------------------------------------------------------------------------------


def order_words(report: OrderStatusReport) -> tuple[Any, ...]:
    return (
        str(report.client_order_id),
        OrderSide(report.order_side).name,
        OrderType(report.order_type).name,
        OrderStatus(report.order_status).name,
        f"{report.quantity.as_decimal().normalize():f}",
        f"{report.filled_qty.as_decimal().normalize():f}",
    )


def fill_words(report: FillReport) -> tuple[Any, ...]:
    return (
        report.venue_order_id.value,
        OrderSide(report.order_side).name,
        f"{report.last_qty.as_decimal().normalize():f}",
        f"{report.last_px.as_decimal().normalize():f}",
        f"{report.commission.as_decimal().normalize():f}",
        LiquiditySide(report.liquidity_side).name,
    )


def position_words(report: PositionStatusReport) -> tuple[Any, ...]:
    average = report.avg_px_open
    return (
        f"{report.signed_decimal_qty.normalize():f}",
        None if average is None else f"{average.normalize():f}",
    )


async def test_the_answers_become_these_reports(run: LiveNode) -> None:
    status = await run.exec_client.generate_mass_status()
    # As the engine does: before that no position is shown.
    status.to_pyo3()
    orders = {key.value: order_words(report) for key, report in status.order_reports.items()}
    fills = {
        report.trade_id.value: fill_words(report)
        for reports in status.fill_reports.values()
        for report in reports
    }
    positions = {
        key.symbol.value: position_words(report)
        for key, reports in status.position_reports.items()
        for report in reports
    }
    assert orders == ORDER_REPORTS
    assert fills == FILL_REPORTS
    assert positions == POSITION_REPORTS
    assert {report.account_id for report in status.order_reports.values()} == {
        run.exec_client.account_id
    }
    stop = next(r for r in status.order_reports.values() if r.order_type == OrderType.STOP_MARKET)
    assert stop.trigger_price.as_decimal() == 80_000
    assert stop.reduce_only
    quoted = status.order_reports[type(stop.venue_order_id)(ORDER.format(3))]
    assert quoted.post_only
    # The venue's milliseconds, and not ours.
    assert quoted.ts_accepted == (1_795_000_000_000 + 3 * 60_000) * 1_000_000


async def test_fills_add_up_to_the_positions_and_nothing_is_made_up(run: LiveNode) -> None:
    snapshot = await AccountReader(CannedAnswers(), {}).snapshot()  # type: ignore[arg-type]
    assert snapshot.unbalanced == []
    assert [fill_to_trade_id(fill).value for fill in snapshot.fills] == list(FILL_REPORTS)
    # What the engine adds to make things fit is tagged so.
    assert not [order for order in run.cache.orders() if "RECONCILIATION" in (order.tags or [])]
    assert len(run.cache.orders()) == len(ORDER_REPORTS)


# -- events in the engine -----------------------------------------------------------------------


def kinds(order: Order) -> list[str]:
    return [type(event).__name__ for event in order.events]


def test_every_order_of_the_answers_is_expected() -> None:
    rows = orjson.loads(answer("orders_history"))["results"]
    assert {row["id"] for row in rows} | {LIQUIDATED} == set(ORDER_REPORTS)
    open_rows = orjson.loads(answer("open_orders"))["results"]
    assert all(row in rows for row in open_rows)
    assert len(orjson.loads(answer("fills"))["results"]) == len(FILL_REPORTS)


async def test_the_engine_makes_these_events_of_them(run: LiveNode) -> None:
    held = {
        str(order.venue_order_id): kinds(order)
        for order in run.cache.orders()
        if order.venue_order_id is not None
    }
    assert held == EVENTS
    (refused,) = (order for order in run.cache.orders() if order.venue_order_id is None)
    assert refused.client_order_id.value == "crossed"
    assert kinds(refused) == REFUSED_EVENTS
    fills = {
        event.trade_id.value: (
            event.venue_order_id.value,
            OrderSide(event.order_side).name,
            f"{event.last_qty.as_decimal().normalize():f}",
            f"{event.last_px.as_decimal().normalize():f}",
            f"{event.commission.as_decimal().normalize():f}",
            LiquiditySide(event.liquidity_side).name,
        )
        for order in run.cache.orders()
        for event in order.events
        if isinstance(event, OrderFilled)
    }
    assert fills == FILL_REPORTS


async def test_the_positions_are_the_venues_with_these_profits(run: LiveNode) -> None:
    held = {position.instrument_id.symbol.value: position for position in run.cache.positions()}
    assert held.keys() == POSITIONS.keys()
    for market, (size, average, realized) in POSITIONS.items():
        position = held[market]
        assert position.signed_decimal_qty() == Decimal(size)
        assert position.avg_px_open == pytest.approx(float(average), abs=1e-6)
        assert position.realized_pnl.as_decimal() == pytest.approx(
            Decimal(realized), abs=Decimal("1e-6")
        )
        assert position.realized_pnl.currency.code == "USDC"


async def test_what_was_reconciled_is_no_news_on_the_stream(
    exchange: LocalExchange, run: LiveNode
) -> None:
    before = {order.client_order_id: kinds(order) for order in run.cache.orders()}
    for row in orjson.loads(answer("fills"))["results"]:
        push(exchange, "fills.ALL", row)
    for row in orjson.loads(answer("orders_history"))["results"]:
        if row["status"] != "NEW":
            push(exchange, "orders.ALL", row)
    # Frames are worked off in order: once this one is in, so are those before it.
    late = {**orjson.loads(answer("fills"))["results"][2], "size": "0.1", "price": "88000"}
    push(exchange, "fills.ALL", {**late, "id": FILL.format(99), "remaining_size": "0.2"})
    (rests,) = (o for o in run.cache.orders() if o.client_order_id.value == "rests")
    await until(lambda: rests.filled_qty.as_decimal() == Decimal("0.3"))
    after = {order.client_order_id: kinds(order) for order in run.cache.orders()}
    before[rests.client_order_id] += ["OrderFilled"]
    assert after == before


async def test_a_second_reconciliation_changes_nothing(run: LiveNode) -> None:
    engine = run.node.kernel.exec_engine
    before = {order.client_order_id: kinds(order) for order in run.cache.orders()}
    assert await engine.reconcile_execution_state()
    assert {order.client_order_id: kinds(order) for order in run.cache.orders()} == before
    assert len(run.cache.positions_open()) == len(POSITIONS)


# -- events of the core -------------------------------------------------------------------------


def names(events: list[Any]) -> list[str]:
    return [type(event).__name__ for event in events]


def test_an_order_known_before_is_told_by_what_is_new_of_it() -> None:
    store = StateStore("0x1")
    taken = ("BTC-USD-PERP", SIDE_BUY, ORDER_MARKET, INSTRUCTION_IOC, 40_000_000, None, None, 0, 1)
    # An earlier run sent it, learned of its acceptance and of its first fill, and ended.
    told = {"is_accepted": True, "filled": 20_000_000, "fills": [(FILL_ORDINARY, FILL.format(1))]}
    store.restore_order("taken", ORDER.format(1), *taken, **told)
    # Another sent these two, and never heard of them.
    limit = ("ETH-USD-PERP", SIDE_BUY, ORDER_LIMIT, INSTRUCTION_GTC)
    none = {"is_accepted": False, "filled": 0, "fills": []}
    store.restore_order("given-up", "", *limit, 3 * 10**8, 3_000 * 10**8, None, 0, 1, **none)
    store.restore_order("crossed", "", *limit, 10**8, 3_100 * 10**8, None, 0, 1, **none)
    fills, _ = parse_fills_page(answer("fills"))
    orders, _ = parse_orders_page(answer("orders_history"))
    told_of_fills = {
        fill_to_trade_id(fill).value: [
            (type(event).__name__, event.client_order_id) for event in store.apply(fill, TS_INIT)
        ]
        for fill in reversed(fills)
    }
    assert told_of_fills == {
        FILL.format(1): [],
        FILL.format(2): [("FillApplied", "taken")],
        FILL.format(3): [("FillApplied", "")],
        FILL.format(4): [("OrderAccepted", "given-up"), ("FillApplied", "given-up")],
        LIQUIDATION: [("FillApplied", "")],
    }
    told_of_orders = {
        update.client_order_id or update.venue_order_id: names(store.apply(update, TS_INIT))
        for update in reversed(orders)
    }
    assert told_of_orders == {
        "taken": [],
        "rests": ["ExternalOrder"],
        ORDER.format(3): ["ExternalOrder"],
        "given-up": ["OrderCanceled"],
        "crossed": ["OrderRejected"],
        "stop": ["ExternalOrder"],
        "new": ["ExternalOrder"],
    }
    ends = {name: store.find_order(name).status for name in ("taken", "given-up")}  # type: ignore[union-attr]
    assert ends == {"taken": FILLED, "given-up": CANCELED}
    assert store.open_orders() == []
    positions = parse_positions(answer("positions"))
    assert [names(store.apply(position, TS_INIT)) for position in positions] == [
        ["PositionChanged"]
    ] * 3


def test_fills_that_never_came_are_missed_before_an_order_ends() -> None:
    store = StateStore("0x1")
    terms = ("ETH-USD-PERP", SIDE_BUY, ORDER_LIMIT, INSTRUCTION_GTC, 3 * 10**8, 3_000 * 10**8)
    state = store.track_order("given-up", *terms, None, 0, 1)
    orders, _ = parse_orders_page(answer("orders_history"))
    fills, _ = parse_fills_page(answer("fills"))
    (update,) = (order for order in orders if order.client_order_id == "given-up")
    (fill,) = (fill for fill in fills if fill.client_order_id == "given-up")
    told = store.apply(update, TS_INIT)
    assert names(told) == ["OrderAccepted", "FillsMissing"]
    assert told[1].missing == 10**8
    assert state.status > WORKING
    assert state.is_open
    assert names(store.apply(fill, TS_INIT)) == ["FillApplied", "OrderCanceled"]
    assert store.apply(fill, TS_INIT) == []
