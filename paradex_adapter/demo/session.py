"""The session of the demonstration: a real node trades, then both sides show their books.

The node is an ordinary `TradingNode` with this package's factories and a strategy for each market.
At the end the venue's books are read over REST and laid beside NautilusTrader's: `agreement.py`
says where they differ.
"""

import asyncio
import gc
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from nautilus_trader.config import (
    InstrumentProviderConfig,
    LiveExecEngineConfig,
    LoggingConfig,
    TradingNodeConfig,
)
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.identifiers import InstrumentId, TraderId

from paradex_adapter.agreement import find_differences
from paradex_adapter.config import ParadexDataClientConfig, ParadexExecClientConfig
from paradex_adapter.constants import PARADEX
from paradex_adapter.demo.books import VenueBooks, read_venue_books
from paradex_adapter.demo.report import Progress, print_report
from paradex_adapter.demo.strategy import DemoConfig, DemoStrategy
from paradex_adapter.demo.tap import FrameTap
from paradex_adapter.factories import ParadexLiveDataClientFactory, ParadexLiveExecClientFactory
from paradex_adapter.venue.errors import VenueUnavailable

NODE_START_SECS_MAX: Final = 30.0
NODE_STOP_SECS_MAX: Final = 10.0
# After the strategy has stopped: cancels and late fills come in.
SETTLE_SECS: Final = 1.0
SETTLE_ATTEMPTS_MAX: Final = 10
POLL_SECS: Final = 0.05

EXIT_AGREE: Final = 0
EXIT_DIFFER: Final = 1
EXIT_INTERRUPTED: Final = 130


async def trade(
    connection: dict[str, str], markets: Sequence[str], seconds: int, seed: int, log_level: str
) -> int:
    """Trade on the exchange that `connection` (its JSON line) names; return the exit code."""
    strategies = [
        DemoStrategy(
            DemoConfig(
                instrument_id=InstrumentId.from_str(f"{market}.{PARADEX}"),
                seed=seed + number,
                order_id_tag=f"{number:03}",
            )
        )
        for number, market in enumerate(markets)
    ]
    node = _build_node(connection, log_level)
    for strategy in strategies:
        node.trader.add_strategy(strategy)
    with tempfile.TemporaryDirectory(prefix="paradex-demo-") as folder:
        tap = FrameTap(Path(folder) / "public.jsonl", connection["base_url_ws"], markets)
        progress = Progress(seconds, sys.stdout)
        running = asyncio.create_task(node.run_async())
        try:
            await _until_running(node, running)
            # What was loaded stays: a full collection that looks at it again stops all for 100 ms.
            gc.collect()
            gc.freeze()
            async with tap:
                await progress.run(node.cache, running)
            # Ctrl-C stops the node, which then stops the strategies.
            is_interrupted = running.done()
            if not is_interrupted:
                node.trader.stop()
            differences, books = await _compare(node, connection)
            parsing = tap.measure_parsing(node.cache)
            print_report(sys.stdout, node.cache, books, differences, strategies, parsing)
        finally:
            if node.is_running():
                await node.stop_async()
            await asyncio.wait([running], timeout=NODE_STOP_SECS_MAX)
            running.cancel()
            node.kernel.dispose()
    if differences:
        return EXIT_DIFFER
    return EXIT_INTERRUPTED if is_interrupted else EXIT_AGREE


def _build_node(connection: dict[str, str], log_level: str) -> TradingNode:
    urls: dict[str, Any] = {key: connection[key] for key in ("base_url_http", "base_url_ws")}
    instruments = InstrumentProviderConfig(load_all=True)
    config = TradingNodeConfig(
        trader_id=TraderId("DEMO-001"),
        logging=LoggingConfig(log_level=log_level),
        # Nothing runs here before the node does, so continuous checks need not wait.
        exec_engine=LiveExecEngineConfig(reconciliation_startup_delay_secs=0),
        data_clients={PARADEX: ParadexDataClientConfig(instrument_provider=instruments, **urls)},
        exec_clients={
            PARADEX: ParadexExecClientConfig(
                instrument_provider=instruments,
                account_address=connection["account_address"],
                private_key=connection["private_key"],
                **urls,
            )
        },
        timeout_connection=NODE_START_SECS_MAX,
        timeout_post_stop=SETTLE_SECS,
    )
    node = TradingNode(config=config, loop=asyncio.get_running_loop())
    node.add_data_client_factory(PARADEX, ParadexLiveDataClientFactory)
    node.add_exec_client_factory(PARADEX, ParadexLiveExecClientFactory)
    node.build()
    return node


async def _until_running(node: TradingNode, running: asyncio.Task[Any]) -> None:
    """Wait for the trader: a node that cannot start says why in its log and goes quiet."""
    deadline = asyncio.get_running_loop().time() + 2 * NODE_START_SECS_MAX
    while not node.trader.is_running:
        if running.done() or asyncio.get_running_loop().time() > deadline:
            raise VenueUnavailable("start of the node", "its log above says why")
        await asyncio.sleep(POLL_SECS)


async def _compare(node: TradingNode, connection: dict[str, str]) -> tuple[list[str], VenueBooks]:
    """Return where the books differ, once cancels and late fills have come in."""
    for attempt in range(1, SETTLE_ATTEMPTS_MAX + 1):
        await asyncio.sleep(SETTLE_SECS)
        books = await read_venue_books(connection)
        differences = find_differences(node.cache, books.orders, books.fills, books.positions)
        is_quiet = not node.cache.orders_open_count() and not node.cache.orders_inflight_count()
        if (is_quiet and not differences) or attempt == SETTLE_ATTEMPTS_MAX:
            break
    return differences, books
