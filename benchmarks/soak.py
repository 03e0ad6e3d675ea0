"""Many markets for many minutes in a live node, against a local exchange in its own process.

Each market is subscribed for quotes, trades, book deltas and summaries. It fails on a gap, a lost
connection, a book that differs from the exchange's at the same sequence number, or memory that
grows; and prints the rate and the lag. The lag is no fault: the exchange moves all its markets at
once, and what it stamped first waits until it is through.

Run: ``python benchmarks/soak.py --minutes 10``; ``nox -s soak`` does, on the compiled build.
"""

import argparse
import asyncio
import gc
import multiprocessing
import resource
import sys
import time
from dataclasses import replace
from decimal import Decimal
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from nautilus_trader.cache.config import CacheConfig
from nautilus_trader.common.actor import Actor
from nautilus_trader.config import InstrumentProviderConfig, LoggingConfig, TradingNodeConfig
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.data import DataType
from nautilus_trader.model.identifiers import InstrumentId, TraderId

from paradex_adapter import (
    PARADEX,
    PARADEX_CLIENT_ID,
    ParadexDataClientConfig,
    ParadexLiveDataClientFactory,
    ParadexMarketSummary,
)
from paradex_adapter.data import ParadexDataClient
from paradex_adapter.local_exchange import LocalExchange
from paradex_adapter.local_exchange.markets import DEFAULT_MARKETS
from paradex_adapter.venue.feed_health import LagHistogram
from paradex_adapter_core.build import is_compiled
from paradex_adapter_core.parsers.market_data import parse_orderbook

START_SECS_MAX: Final = 120.0
# From here on memory counts: tables and caches are filled.
WARM_UP_FRACTION: Final = 0.3
SAMPLE_SECS: Final = 5.0
# What a process of a node may grow by while it is warm, in MiB.
GROWTH_MIB_MAX: Final = 16.0
BOOKS_COMPARED: Final = 20
COMPARE_ATTEMPTS_MAX: Final = 200
# Ticks that Nautilus keeps of each market.
TICKS_KEPT: Final = 100


class Listener(Actor):
    """Subscribes everything, and counts what comes."""

    def __init__(self, instrument_ids: list[InstrumentId]) -> None:
        super().__init__()
        self.instrument_ids = instrument_ids
        self.counts = dict.fromkeys(("quotes", "trades", "deltas", "summaries"), 0)

    def on_start(self) -> None:
        for instrument_id in self.instrument_ids:
            self.subscribe_quote_ticks(instrument_id)
            self.subscribe_trade_ticks(instrument_id)
            self.subscribe_order_book_deltas(instrument_id)
            data_type = DataType(ParadexMarketSummary, {"instrument_id": instrument_id.value})
            self.subscribe_data(data_type, client_id=PARADEX_CLIENT_ID)

    def on_quote_tick(self, tick: Any) -> None:
        self.counts["quotes"] += 1

    def on_trade_tick(self, tick: Any) -> None:
        self.counts["trades"] += 1

    def on_order_book_deltas(self, deltas: Any) -> None:
        self.counts["deltas"] += 1

    def on_data(self, data: Any) -> None:
        self.counts["summaries"] += 1


def serve(markets: int, interval_ms: int, channel: Connection) -> None:
    """Run an exchange until the other side says so."""

    async def main() -> None:
        like = DEFAULT_MARKETS[0]
        rules = tuple(
            replace(like, symbol=f"S{n:03}-USD-PERP", base=f"S{n:03}") for n in range(markets)
        )
        options: dict[str, Any] = {"simulation_interval_ms": interval_ms, "history_hours": 0}
        async with LocalExchange(seed=1, markets=rules, **options) as exchange:
            channel.send((exchange.base_url_http, exchange.base_url_ws))
            while not channel.poll():  # noqa: ASYNC110 - the other process tells
                await asyncio.sleep(0.2)

    asyncio.run(main())


def make_node(urls: tuple[str, str], listener: Listener, secs: int) -> TradingNode:
    """Build a node with the data client alone."""
    config = TradingNodeConfig(
        trader_id=TraderId("SOAK-001"),
        logging=LoggingConfig(log_level="WARNING"),
        cache=CacheConfig(tick_capacity=TICKS_KEPT, bar_capacity=TICKS_KEPT),
        data_clients={
            PARADEX: ParadexDataClientConfig(
                instrument_provider=InstrumentProviderConfig(load_all=True),
                base_url_http=urls[0],
                base_url_ws=urls[1],
                # The soak itself reads the lag, and begins its periods.
                feed_health_interval_secs=10 * secs,
            )
        },
        timeout_post_stop=0.1,
    )
    node = TradingNode(config=config, loop=asyncio.get_running_loop())
    node.trader.add_actor(listener)
    node.add_data_client_factory(PARADEX, ParadexLiveDataClientFactory)
    node.build()
    return node


def memory_mib() -> float:
    """Return the resident memory of this process, in MiB."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * resource.getpagesize() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def until(condition: Any, secs: float, what: str) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + secs
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"did not come true in {secs:g} s: {what}")
        await asyncio.sleep(0.05)


async def compare_book(node: TradingNode, client: ParadexDataClient, market: str) -> bool:
    """Return whether our book is the exchange's, at a sequence number both have had."""
    for _ in range(COMPARE_ATTEMPTS_MAX):
        there = parse_orderbook(await client._http.get_orderbook(market, 100))
        book = node.cache.order_book(InstrumentId.from_str(f"{market}.{PARADEX}"))
        if book is None or book.sequence != there[2]:
            await asyncio.sleep(0.01)
            continue
        sides = []
        for levels, flat in ((book.bids(), there[4]), (book.asks(), there[5])):
            ours = [(lv.price.as_decimal(), Decimal(str(lv.size()))) for lv in levels][:100]
            theirs = [
                (Decimal(p).scaleb(-8), Decimal(s).scaleb(-8))
                for p, s in zip(flat[::2], flat[1::2], strict=True)
            ]
            sides.append(ours == theirs)
        return all(sides)
    raise AssertionError(f"no common sequence number of {market}")


async def listen(urls: tuple[str, str], markets: int, minutes: float) -> list[str]:
    """Run the node, print what was measured, and return what was wrong."""
    secs = max(1, int(minutes * 60))
    symbols = [f"S{n:03}-USD-PERP" for n in range(markets)]
    listener = Listener([InstrumentId.from_str(f"{symbol}.{PARADEX}") for symbol in symbols])
    node = make_node(urls, listener, secs)
    running = asyncio.create_task(node.run_async())
    try:
        await until(lambda: node.trader.is_running, START_SECS_MAX, "the node started")
        (client,) = node.kernel.data_engine._clients.values()
        feed = client._feed
        # Three of each market, the summaries in one, and the channel of the markets.
        await until(lambda: len(feed.channels) == 3 * markets + 2, START_SECS_MAX, "subscribed")
        await until(lambda: not feed.stale_books(), START_SECS_MAX, "every book is good")
        begun, frames, data = time.monotonic(), client.counters["frames"], dict(listener.counts)
        memory: list[float] = []
        lag = LagHistogram()
        while (passed := time.monotonic() - begun) < secs:
            await asyncio.sleep(min(SAMPLE_SECS, secs - passed + 0.01))
            lag.add_all(feed.lag)
            feed.check()
            gc.collect()
            if passed >= WARM_UP_FRACTION * secs:
                memory.append(memory_mib())
        passed = time.monotonic() - begun
        differing = [m for m in symbols[:BOOKS_COMPARED] if not await compare_book(node, client, m)]
        counters = client.counters
        rates = {k: (n - data[k]) / passed for k, n in listener.counts.items()}
        print(
            f"{markets} markets, {passed:.0f} s, {'compiled' if is_compiled() else 'pure'} core, "
            f"{counters['sockets']} sockets, {len(feed.channels)} channels"
        )
        print(
            f"{(counters['frames'] - frames) / passed:.0f} frames/s; "
            + ", ".join(f"{rate:.0f} {name}/s" for name, rate in rates.items())
        )
        p50, p99 = lag.quantile_ns(0.5) / 1e6, lag.quantile_ns(0.99) / 1e6
        print(f"lag p50 {p50:.2f} ms, p99 {p99:.2f} ms, highest {lag.highest_ns / 1e6:.1f} ms")
        growth = memory[-1] - min(memory[: max(1, len(memory) // 3)]) if memory else 0.0
        print(f"memory {memory[-1] if memory else 0:.0f} MiB, grown by {growth:.1f} MiB while warm")
        return find_faults(counters, listener.counts, data, differing, growth)
    finally:
        await node.stop_async()
        await asyncio.wait([running], timeout=30.0)
        running.cancel()
        node.kernel.dispose()


def find_faults(
    counters: dict[str, int],
    counts: dict[str, int],
    before: dict[str, int],
    differing: list[str],
    growth_mib: float,
) -> list[str]:
    """Return what went wrong, in words."""
    faults = [f"no {name} came" for name, count in counts.items() if count == before[name]]
    for name in (
        *("book gaps", "book resyncs", "book frames old", "subscriptions lost"),
        *("subscriptions refused", "stopped books renewed", "silent streams renewed"),
        *("slow sockets replaced", "handler errors", "stale books"),
    ):
        if counters.get(name):
            faults.append(f"{counters[name]} {name}")
    if counters["connects"] != counters["sockets"]:
        faults.append(f"{counters['connects']} connects of {counters['sockets']} sockets")
    if differing:
        faults.append(f"books that differ from the exchange's: {', '.join(differing)}")
    if growth_mib > GROWTH_MIB_MAX:
        faults.append(f"memory grew by {growth_mib:.1f} MiB")
    return faults


def main() -> int:
    """Run it as the arguments say; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--markets", type=int, default=200)
    parser.add_argument("--interval-ms", type=int, default=1000, help="of each market's makers")
    options = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    spawning = multiprocessing.get_context("spawn")
    exchange = spawning.Process(
        target=serve, args=(options.markets, options.interval_ms, theirs), daemon=True
    )
    exchange.start()
    try:
        if not ours.poll(START_SECS_MAX):
            print("the exchange did not start")
            return 1
        faults = asyncio.run(listen(ours.recv(), options.markets, options.minutes))
    finally:
        if exchange.is_alive():
            ours.send("stop")
            exchange.join(timeout=10.0)
        if exchange.is_alive():
            exchange.terminate()
    for fault in faults:
        print(f"FAULT: {fault}")
    print("FAILED" if faults else "no gap, no lost connection, books equal, memory steady")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
