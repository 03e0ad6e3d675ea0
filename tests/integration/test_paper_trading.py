"""Paper trading: our market data, Nautilus' sandbox for the orders, no account and no key."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from nautilus_trader.adapters.sandbox.config import SandboxExecutionClientConfig
from nautilus_trader.adapters.sandbox.factory import SandboxLiveExecClientFactory
from nautilus_trader.config import (
    InstrumentProviderConfig,
    LiveExecEngineConfig,
    LoggingConfig,
    TradingNodeConfig,
)
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.currencies import USDC
from nautilus_trader.model.enums import LiquiditySide, OrderSide, OrderStatus
from nautilus_trader.model.identifiers import TraderId

from paradex_adapter import (
    PARADEX,
    PARADEX_VENUE,
    ParadexDataClientConfig,
    ParadexLiveDataClientFactory,
)
from paradex_adapter.local_exchange import LocalExchange
from tests.integration.live_node import Watcher, stop_node
from tests.integration.trading_node import BTC, WAIT_SECS, leftover_tasks, until

MARKET = "BTC-USD-PERP"
BALANCE = Decimal(100_000)


@pytest.fixture
async def exchange() -> AsyncIterator[LocalExchange]:
    async with LocalExchange(seed=1, simulation_interval_ms=0) as exchange:
        exchange.place_liquidity(MARKET, "BUY", "89990", "0.5")
        exchange.place_liquidity(MARKET, "SELL", "90010", "0.5")
        yield exchange


@pytest.fixture
async def paper(exchange: LocalExchange) -> AsyncIterator[tuple[TradingNode, Watcher]]:
    """A node that trades on paper, watching the market."""
    before = asyncio.all_tasks()
    config = TradingNodeConfig(
        trader_id=TraderId("TESTER-001"),
        logging=LoggingConfig(log_level="ERROR", log_colors=False),
        exec_engine=LiveExecEngineConfig(reconciliation=False),
        data_clients={
            PARADEX: ParadexDataClientConfig(
                instrument_provider=InstrumentProviderConfig(load_all=True),
                base_url_http=exchange.base_url_http,
                base_url_ws=exchange.base_url_ws,
            )
        },
        exec_clients={
            PARADEX: SandboxExecutionClientConfig(
                venue=PARADEX, starting_balances=[f"{BALANCE} USDC"], bar_execution=False
            )
        },
        timeout_connection=WAIT_SECS,
        timeout_portfolio=WAIT_SECS,
        timeout_disconnection=WAIT_SECS,
        timeout_post_stop=0.05,
    )
    node = TradingNode(config=config, loop=asyncio.get_running_loop())
    trader = Watcher()
    node.trader.add_strategy(trader)
    node.add_data_client_factory(PARADEX, ParadexLiveDataClientFactory)
    node.add_exec_client_factory(PARADEX, SandboxLiveExecClientFactory)
    node.build()
    running = asyncio.create_task(node.run_async())
    try:
        await until(lambda: node.trader.is_running, "the node started")
        trader.subscribe_quote_ticks(BTC)
        trader.subscribe_trade_ticks(BTC)
        await until(lambda: trader.quotes, "a quote came")
        yield node, trader
    finally:
        await stop_node(node, running)
    await until(lambda: not leftover_tasks(before), "every task of the node ended")


async def test_orders_fill_on_paper_at_the_venues_prices_and_fees(
    exchange: LocalExchange, paper: tuple[TradingNode, Watcher]
) -> None:
    node, trader = paper
    instrument = node.cache.instrument(BTC)
    bought = trader.market(OrderSide.BUY, "0.1")
    await until(lambda: bought.is_closed, "the market order filled")
    assert bought.status == OrderStatus.FILLED
    assert bought.avg_px == 90010.0
    (fill,) = [event for event in trader.told if type(event).__name__ == "OrderFilled"]
    assert fill.liquidity_side == LiquiditySide.TAKER
    fee = Decimal("0.1") * 90010 * instrument.taker_fee
    assert fill.commission.as_decimal() == fee
    balance = node.cache.account_for_venue(PARADEX_VENUE).balance_total(USDC).as_decimal()
    assert balance == BALANCE - fee
    # The venue heard nothing of it.
    assert exchange.fills() == []
    assert exchange.orders() == []


async def test_a_resting_paper_order_fills_when_the_venues_market_comes_to_it(
    exchange: LocalExchange, paper: tuple[TradingNode, Watcher]
) -> None:
    node, trader = paper
    resting = trader.limit(OrderSide.SELL, "0.1", "90050")
    await until(lambda: resting.status == OrderStatus.ACCEPTED, "the order rests")
    exchange.place_liquidity(MARKET, "BUY", "90005", "0.5")
    await until(lambda: str(trader.quotes[-1].bid_price) == "90005.0", "the market moved")
    assert resting.status == OrderStatus.ACCEPTED, "the market is not there yet"
    exchange.print_trade(MARKET, "BUY", "90060", "1")
    await until(lambda: resting.is_closed, "the resting order filled")
    assert resting.status == OrderStatus.FILLED
    assert resting.avg_px == 90050.0
    assert [str(p.signed_qty) for p in node.cache.positions_open()] == ["-0.1"]
    assert exchange.orders() == []
