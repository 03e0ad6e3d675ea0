"""Instruments that change while the node runs, against the local exchange."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from nautilus_trader.model.data import InstrumentClose, InstrumentStatus
from nautilus_trader.model.enums import MarketStatusAction

from paradex_adapter import instrument_watch
from paradex_adapter.local_exchange import LocalExchange
from paradex_adapter.local_exchange.markets import MarketRules
from paradex_adapter.translate.instruments import symbol_to_instrument_id
from tests.integration.test_data_client import BTC, MARKET, RunningData, running_data
from tests.integration.trading_node import until

NEW = MarketRules(
    symbol="NEW-USD-PERP",
    base="NEW",
    tick=Decimal("0.01"),
    step=Decimal("0.1"),
    max_order_size=Decimal(1000),
    position_limit=Decimal(10_000),
    reference_price=Decimal(10),
)
NEW_ID = symbol_to_instrument_id(NEW.symbol)


@pytest.fixture
async def exchange() -> AsyncIterator[LocalExchange]:
    async with LocalExchange(seed=1, simulation_interval_ms=0) as exchange:
        exchange.place_liquidity(MARKET, "BUY", "89990", "0.5")
        exchange.place_liquidity(MARKET, "SELL", "90010", "0.5")
        yield exchange


@pytest.fixture
async def run(exchange: LocalExchange) -> AsyncIterator[RunningData]:
    async with running_data(exchange) as run:
        # From here on events are heard.
        await until(lambda: "markets" in run.client._feed.channels)
        yield run


async def test_a_new_listing_is_published_and_can_be_subscribed(run: RunningData) -> None:
    run.exchange.list_market(NEW)
    await until(lambda: run.cache.instrument(NEW_ID) is not None)
    assert str(run.cache.instrument(NEW_ID).price_increment) == "0.01"
    run.watcher.subscribe_quote_ticks(NEW_ID)
    await until(lambda: f"bbo.{NEW.symbol}" in run.channels)
    run.exchange.place_liquidity(NEW.symbol, "BUY", "9.99", "1")
    run.exchange.place_liquidity(NEW.symbol, "SELL", "10.01", "1")
    await until(lambda: run.watcher.quotes)


async def test_an_open_book_is_built_anew_under_a_new_tick(run: RunningData) -> None:
    run.watcher.subscribe_order_book_deltas(BTC)
    run.watcher.subscribe_quote_ticks(BTC)
    await until(lambda: run.cache.order_book(BTC) is not None and run.book_of("bids"))
    run.exchange.change_tick(MARKET, tick="0.01", step="0.000001")
    await until(lambda: run.cache.instrument(BTC).price_precision == 2)
    run.exchange.place_liquidity(MARKET, "BUY", "89990.55", "0.250001")
    await until(run.books_agree, "the books agree")
    await until(lambda: [b for b in run.book_of("bids") if b[0] == Decimal("89990.55")])
    assert run.client.counters["book resyncs"] == 1
    clears = [d for d in run.watcher.deltas if len(d.deltas) == 1]
    assert any(delta.deltas[0].is_clear for delta in clears)
    levels = run.cache.order_book(BTC).bids()
    assert {level.price.precision for level in levels} == {2}
    await until(lambda: str(run.watcher.quotes[-1].bid_price) == "89990.55")


async def test_a_change_of_other_terms_leaves_the_book_alone(run: RunningData) -> None:
    run.watcher.subscribe_order_book_deltas(BTC)
    await until(lambda: run.cache.order_book(BTC) is not None and run.book_of("bids"))
    run.exchange.change_market(MARKET, max_order_size=Decimal(7))
    await until(lambda: str(run.cache.instrument(BTC).max_quantity) == "7.00000")
    assert run.client.counters["book resyncs"] == 0


async def test_what_was_missed_is_told_after_the_next_refresh(
    exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instrument_watch, "SECS_PER_MIN", 0.1)
    exchange.fail_next("RPC", "subscribe", -32600, "invalid channel")
    told: list[object] = []
    async with running_data(exchange, update_instruments_interval_mins=1) as run:
        await until(lambda: run.client.counters["subscriptions refused"] == 1)
        assert run.client._feed.channels == []
        run.node.kernel.msgbus.subscribe("data.*", told.append)
        option = next(i for i in run.cache.instrument_ids() if i.symbol.value.endswith("-C"))
        run.watcher.subscribe_instrument_status(option)
        run.watcher.subscribe_instrument_close(option)
        await until(lambda: any(isinstance(data, InstrumentStatus) for data in told))
        exchange.settle_market(option.symbol.value, "1")
        exchange.list_market(NEW)
        await until(lambda: run.cache.instrument(NEW_ID) is not None)
        await until(lambda: len([d for d in told if isinstance(d, InstrumentStatus)]) == 2)
        ended = [d for d in told if isinstance(d, InstrumentStatus)][-1]
        # It is gone before its time: only an event tells a settlement from a removal.
        assert ended.action == MarketStatusAction.NOT_AVAILABLE_FOR_TRADING
        assert not [data for data in told if isinstance(data, InstrumentClose)]


async def test_a_flood_of_events_is_answered_by_reading_the_list_once(
    run: RunningData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instrument_watch, "EVENTS_MAX", 3)
    refreshed: list[int] = []
    refresh = run.client._provider.refresh

    async def counted() -> object:
        refreshed.append(1)
        return await refresh()

    monkeypatch.setattr(run.client._provider, "refresh", counted)
    for n in range(20):
        run.exchange.change_market(MARKET, max_order_size=Decimal(10 + n))
    await until(lambda: str(run.cache.instrument(BTC).max_quantity) == "29.00000")
    await until(lambda: refreshed)
    await asyncio.sleep(0)
    assert len(refreshed) < 5


async def test_events_that_cannot_be_read_stop_nothing(run: RunningData) -> None:
    for data in ("null", "[]", '{"market": 7}', '{"event_type": "CREATED"}'):
        run.exchange.send_raw(
            '{"method":"subscription","params":{"channel":"markets","data":' + data + "}}",
            "public",
        )
    run.exchange.list_market(NEW)
    await until(lambda: run.cache.instrument(NEW_ID) is not None)
    assert run.client.counters["handler errors"] == 0
