"""What a node is answered when it asks for reports: everything, over as many pages as it takes."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import (
    GenerateFillReports,
    GenerateOrderStatusReport,
    GenerateOrderStatusReports,
)
from nautilus_trader.model.enums import OrderSide, OrderStatus

from paradex_adapter.local_exchange import LocalExchange
from paradex_adapter.venue import account_reader
from paradex_adapter.venue.errors import VenueUnavailable
from tests.integration.trading_node import BTC, ETH, RunningNode, running_node, until

MARKET = "BTC-USD-PERP"
ORDERS = 23


@pytest.fixture
async def exchange() -> AsyncIterator[LocalExchange]:
    async with LocalExchange(seed=10, simulation_interval_ms=0) as exchange:
        exchange.place_liquidity(MARKET, "BUY", "89990", "2")
        exchange.place_liquidity(MARKET, "SELL", "90010", "2")
        yield exchange


@pytest.fixture
async def traded(
    exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RunningNode]:
    """A node on an account with own and others' orders, open and closed, over several pages."""
    monkeypatch.setattr(account_reader, "PAGE_SIZE", 3)
    for number in range(ORDERS):
        kind = number % 3
        price = {0: "0", 1: "89000", 2: str(88_000 + number)}[kind]
        order_id = exchange.place_order("BUY", "0.01", price, client_id=f"hand-{number}")
        await until(lambda: exchange.orders()[-1]["status"] != "NEW")
        if kind == 1:
            exchange.fill_order(order_id, "0.004")
            exchange.cancel_order(order_id)
            await until(lambda: exchange.orders()[-1]["status"] == "CLOSED")
    async with running_node(exchange) as run:
        yield run


def ask(kind: type, **terms: Any) -> Any:
    asked = {"instrument_id": None, "start": None, "end": None, "venue_order_id": None, **terms}
    if kind is GenerateOrderStatusReports:
        del asked["venue_order_id"]
    return kind(**asked, command_id=UUID4(), ts_init=0)


async def test_every_page_of_an_answer_is_read(traded: RunningNode) -> None:
    exchange, client = traded.exchange, traded.client
    orders = await client.generate_order_status_reports(
        ask(GenerateOrderStatusReports, open_only=False)
    )
    told = {report.venue_order_id.value: report for report in orders}
    assert told.keys() == {row["id"] for row in exchange.orders()}
    assert all(
        told[row["id"]].filled_qty.as_decimal()
        == Decimal(row["size"]) - Decimal(row["remaining_size"])
        for row in exchange.orders()
    )
    fills = await client.generate_fill_reports(ask(GenerateFillReports))
    assert {report.trade_id.value for report in fills} == {row["id"] for row in exchange.fills()}
    assert [report.ts_event for report in fills] == sorted(report.ts_event for report in fills)
    status = await client.generate_mass_status()
    client._desk.stream.release()
    assert len(status.order_reports) == ORDERS
    assert sum(len(reports) for reports in status.fill_reports.values()) == len(exchange.fills())


async def test_only_what_is_open_is_told_where_only_that_is_asked(traded: RunningNode) -> None:
    reports = await traded.client.generate_order_status_reports(
        ask(GenerateOrderStatusReports, open_only=True)
    )
    there = {row["id"] for row in traded.exchange.orders() if row["status"] == "OPEN"}
    assert {report.venue_order_id.value for report in reports} == there
    assert {report.order_status for report in reports} == {OrderStatus.ACCEPTED}
    nothing = await traded.client.generate_order_status_reports(
        ask(GenerateOrderStatusReports, open_only=True, instrument_id=ETH)
    )
    assert nothing == []


async def test_windows_of_time(traded: RunningNode) -> None:
    exchange, client = traded.exchange, traded.client
    rows = exchange.fills()
    middle = rows[len(rows) // 2]["created_at"]
    moment = pd.Timestamp(middle, unit="ms", tz="UTC")
    later = await client.generate_fill_reports(ask(GenerateFillReports, start=moment))
    earlier = await client.generate_fill_reports(ask(GenerateFillReports, end=moment))
    assert {r.trade_id.value for r in later} == {
        row["id"] for row in rows if row["created_at"] >= middle
    }
    assert {r.trade_id.value for r in earlier} == {
        row["id"] for row in rows if row["created_at"] <= middle
    }
    one = await client.generate_fill_reports(
        ask(GenerateFillReports, venue_order_id=later[-1].venue_order_id, instrument_id=BTC)
    )
    assert [report.trade_id for report in one] == [later[-1].trade_id]


async def test_one_order_by_either_id(traded: RunningNode) -> None:
    exchange, client = traded.exchange, traded.client
    own = traded.trader.limit(OrderSide.BUY, "0.01", "87000")
    await until(lambda: own.is_open)
    for row in (*exchange.orders()[:4], exchange.orders()[-1]):
        order = next(o for o in traded.cache.orders() if str(o.venue_order_id) == row["id"])
        for by in (
            {"client_order_id": order.client_order_id, "venue_order_id": None},
            {"client_order_id": None, "venue_order_id": order.venue_order_id},
        ):
            report = await client.generate_order_status_report(
                GenerateOrderStatusReport(instrument_id=BTC, **by, command_id=UUID4(), ts_init=0)
            )
            assert report.venue_order_id == order.venue_order_id
            assert report.order_status == order.status
            assert report.filled_qty == order.filled_qty


async def test_an_answer_without_end_is_no_answer(
    traded: RunningNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_reader, "READ_TIMEOUT_SECS", 0.2)
    monkeypatch.setattr(account_reader, "SNAPSHOT_TIMEOUT_SECS", 0.2)
    traded.exchange.delay_responses(150)
    asks = (
        traded.client.generate_fill_reports(ask(GenerateFillReports)),
        traded.client.generate_order_status_reports(
            ask(GenerateOrderStatusReports, open_only=False)
        ),
        traded.client.generate_mass_status(),
    )
    answers = await asyncio.gather(*asks, return_exceptions=True)
    assert {type(answer) for answer in answers} == {VenueUnavailable}
    traded.exchange.delay_responses(0)
