"""A real `TradingNode` with both clients, and a strategy that keeps what it is told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from nautilus_trader.config import (
    InstrumentProviderConfig,
    LiveDataEngineConfig,
    LiveExecEngineConfig,
    LiveRiskEngineConfig,
    LoggingConfig,
    TradingNodeConfig,
)
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.data import OrderBookDeltas, QuoteTick, TradeTick
from nautilus_trader.model.enums import BookType
from nautilus_trader.model.identifiers import InstrumentId, TraderId

from paradex_adapter import (
    PARADEX,
    ParadexDataClientConfig,
    ParadexExecClientConfig,
    ParadexLiveDataClientFactory,
    ParadexLiveExecClientFactory,
)
from paradex_adapter.data import ParadexDataClient
from paradex_adapter.execution import ParadexExecutionClient
from tests.integration.agreed_books import until_agreed
from tests.integration.trading_node import BTC, WAIT_SECS, Trader, leftover_tasks, until


class Watcher(Trader):
    """A trader that also keeps the market data it is given."""

    def __init__(self, instrument_ids: tuple[InstrumentId, ...] = (BTC,)) -> None:
        super().__init__()
        self.instrument_ids = instrument_ids
        self.quotes: list[QuoteTick] = []
        self.trades: list[TradeTick] = []
        self.deltas: list[OrderBookDeltas] = []

    def watch_all(self) -> None:
        for instrument_id in self.instrument_ids:
            self.subscribe_quote_ticks(instrument_id)
            self.subscribe_trade_ticks(instrument_id)
            self.subscribe_order_book_deltas(instrument_id, book_type=BookType.L2_MBP)

    def on_quote_tick(self, tick: QuoteTick) -> None:
        self.quotes.append(tick)

    def on_trade_tick(self, tick: TradeTick) -> None:
        self.trades.append(tick)

    def on_order_book_deltas(self, deltas: OrderBookDeltas) -> None:
        self.deltas.append(deltas)


class LiveNode:
    """A node, and shortcuts to its parts."""

    def __init__(self, node: TradingNode, trader: Watcher) -> None:
        self.node = node
        self.cache = node.cache
        self.trader = trader
        # Why the books cannot agree at the end of a test; only then nobody looks.
        self.why_apart = ""

    @property
    def data_client(self) -> ParadexDataClient:
        (client,) = self.node.kernel.data_engine._clients.values()
        return client

    @property
    def exec_client(self) -> ParadexExecutionClient:
        (client,) = self.node.kernel.exec_engine._clients.values()
        return client


def build_node(
    where: Any,
    trader: Trader | None = None,
    *,
    data: dict[str, Any] | None = None,
    execution: dict[str, Any] | None = None,
    engine: dict[str, Any] | None = None,
    data_engine: dict[str, Any] | None = None,
    log_level: str = "ERROR",
    timeout_secs: float = WAIT_SECS,
    name: str = PARADEX,
) -> TradingNode:
    """Build a node; ``data`` or ``execution`` of None leaves that client out.

    ``where`` names an exchange: it has base URLs, an account address and a private key.
    """
    common = {
        "instrument_provider": InstrumentProviderConfig(load_all=True),
        "base_url_http": where.base_url_http,
        "base_url_ws": where.base_url_ws,
        "retry_delay_initial_ms": 1,
        "retry_delay_max_ms": 50,
    }
    account = {"account_address": where.account_address, "private_key": where.private_key}
    clients: dict[str, Any] = {}
    if data is not None:
        clients["data_clients"] = {name: ParadexDataClientConfig(**{**common, **data})}
    if execution is not None:
        options = {**common, **account, **execution}
        clients["exec_clients"] = {name: ParadexExecClientConfig(**options)}
    exec_engine = {
        "reconciliation": True,
        "reconciliation_startup_delay_secs": 0.0,
        "inflight_check_interval_ms": 0,
        "graceful_shutdown_on_exception": True,
        **(engine or {}),
    }
    config = TradingNodeConfig(
        trader_id=TraderId("TESTER-001"),
        logging=LoggingConfig(log_level=log_level, log_colors=False),
        data_engine=LiveDataEngineConfig(
            graceful_shutdown_on_exception=True, **(data_engine or {})
        ),
        exec_engine=LiveExecEngineConfig(**exec_engine),
        risk_engine=LiveRiskEngineConfig(bypass=True, graceful_shutdown_on_exception=True),
        timeout_connection=timeout_secs,
        timeout_reconciliation=timeout_secs,
        timeout_portfolio=timeout_secs,
        timeout_disconnection=timeout_secs,
        timeout_post_stop=0.05,
        **clients,
    )
    node = TradingNode(config=config, loop=asyncio.get_running_loop())
    if trader is not None:
        node.trader.add_strategy(trader)
    if data is not None:
        # The node looks for what stands before a hyphen.
        node.add_data_client_factory(name.partition("-")[0], ParadexLiveDataClientFactory)
    if execution is not None:
        node.add_exec_client_factory(name.partition("-")[0], ParadexLiveExecClientFactory)
    node.build()
    return node


@asynccontextmanager
async def live_node(
    where: Any,
    *,
    trader: Watcher | None = None,
    before: Callable[[TradingNode], None] | None = None,
    **options: Any,
) -> AsyncIterator[LiveNode]:
    """Run a node until its trader trades; see that all books agree; stop it, leave nothing behind.

    ``before`` is called between the building and the start. A test whose books cannot agree says
    so by `LiveNode.why_apart`.
    """
    tasks = asyncio.all_tasks()
    trader = trader or Watcher()
    node = build_node(where, trader, **{"data": {}, "execution": {}, **options})
    if before is not None:
        before(node)
    running = asyncio.create_task(node.run_async())
    try:
        await until(lambda: node.trader.is_running, "the node started")
        live = LiveNode(node, trader)
        yield live
        if not live.why_apart:
            await until_agreed(node, where)
    finally:
        await stop_node(node, running)
    await until(lambda: not leftover_tasks(tasks), "every task of the node ended")


def connecting(node: TradingNode) -> list[asyncio.Event]:
    """Return an event for each client, which is set when it is done connecting, well or not."""
    engines = (node.kernel.data_engine, node.kernel.exec_engine)
    return [_connecting(client) for engine in engines for client in engine._clients.values()]


def _connecting(client: Any) -> asyncio.Event:
    done, connect = asyncio.Event(), client._connect_or_explain

    async def connect_and_tell() -> None:
        try:
            await connect()
        finally:
            done.set()

    client._connect_or_explain = connect_and_tell
    return done


async def stop_node(node: TradingNode, running: asyncio.Task[Any]) -> None:
    """Stop a node, whether or not it came to run."""
    await node.stop_async()
    await asyncio.wait([running], timeout=WAIT_SECS)
    running.cancel()
    await asyncio.wait([running])
    node.kernel.dispose()
