"""How long an order takes from a strategy's command: to its bytes on the wire, to its acceptance.

A live node sends post-only orders, one at a time, to a local exchange in its own process, in turns
over the websocket and over REST (where it goes when the websocket is down before sending), and
cancels each. Acceptance comes over the private stream either way, and holds what the exchange
takes: it verifies the signature, as the venue does.

Run: ``python benchmarks/order_latency.py --orders 400``; ``nox -s bench`` does, on the compiled
build.
"""

import argparse
import asyncio
import sys
from time import perf_counter_ns
from typing import Any, Final

from httpcore._backends.anyio import AnyIOStream
from nautilus_trader.config import (
    InstrumentProviderConfig,
    LiveExecEngineConfig,
    LiveRiskEngineConfig,
    LoggingConfig,
    TradingNodeConfig,
)
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import InstrumentId, TraderId
from nautilus_trader.trading.strategy import Strategy

from benchmarks.servers import local_exchange
from paradex_adapter import PARADEX, ParadexExecClientConfig, ParadexLiveExecClientFactory
from paradex_adapter.venue.errors import NotSent
from paradex_adapter.venue.order_gateway import OrderGateway
from paradex_adapter.venue.websocket import WebSocketConnection
from paradex_adapter_core.build import is_compiled

START_SECS_MAX: Final = 60.0
ORDER_SECS_MAX: Final = 10.0
ORDERS_MAX: Final = 20_000
WARM_UP_ORDERS: Final = 40
PROGRESS_ORDERS: Final = 100
BTC: Final = InstrumentId.from_str(f"BTC-USD-PERP.{PARADEX}")
TRANSPORTS: Final = ("websocket", "REST")
STAGES: Final = ("command to bytes out", "command to accepted")


class Sender(Strategy):
    """Sends one order at a time, and keeps when what happened to it."""

    def __init__(self) -> None:
        super().__init__()
        self.accepted_ns = 0
        self.ended = asyncio.Event()
        self.accepted = asyncio.Event()
        self.fault = ""

    def on_order_accepted(self, event: Any) -> None:
        self.accepted_ns = perf_counter_ns()
        self.accepted.set()

    def on_order_canceled(self, event: Any) -> None:
        self.ended.set()

    def on_order_rejected(self, event: Any) -> None:
        self.fault = event.reason
        self.accepted.set()

    def on_order_denied(self, event: Any) -> None:
        self.on_order_rejected(event)

    async def send(self) -> int:
        """Send an order, wait until it works, cancel it; return when it was commanded (ns)."""
        self.accepted.clear()
        self.ended.clear()
        instrument = self.cache.instrument(BTC)
        order = self.order_factory.limit(
            BTC,
            OrderSide.BUY,
            instrument.make_qty(0.01),
            instrument.make_price(50_000),
            post_only=True,
        )
        commanded_ns = perf_counter_ns()
        self.submit_order(order)
        await asyncio.wait_for(self.accepted.wait(), ORDER_SECS_MAX)
        if self.fault:
            raise RuntimeError(f"an order was refused: {self.fault}")
        self.cancel_order(order)
        await asyncio.wait_for(self.ended.wait(), ORDER_SECS_MAX)
        return commanded_ns


class Wire:
    """Notes when bytes leave, and closes the websocket to orders on request."""

    def __init__(self) -> None:
        self.is_closed_to_orders = False
        self.written_ns = 0
        self._request = WebSocketConnection.request
        self._write = AnyIOStream.write
        self._command = OrderGateway._command

    def __enter__(self) -> "Wire":
        wire = self

        async def command(gateway: OrderGateway, method: str, params: dict[str, object]) -> bytes:
            if wire.is_closed_to_orders and method == "order.create":
                raise NotSent(method, "closed by the benchmark")
            return await wire._command(gateway, method, params)

        async def request(
            connection: WebSocketConnection, method: str, *args: Any, **kw: Any
        ) -> bytes:
            # Written before the first wait for the reply.
            replying = asyncio.ensure_future(wire._request(connection, method, *args, **kw))
            await asyncio.sleep(0)
            wire.note()
            return await replying

        async def write(stream: AnyIOStream, *args: Any, **kw: Any) -> None:
            await wire._write(stream, *args, **kw)
            wire.note()

        OrderGateway._command = command  # type: ignore[assignment,method-assign]
        WebSocketConnection.request = request  # type: ignore[method-assign,assignment]
        AnyIOStream.write = write  # type: ignore[assignment,method-assign]
        return self

    def __exit__(self, *exception: object) -> None:
        OrderGateway._command = self._command  # type: ignore[method-assign]
        WebSocketConnection.request = self._request  # type: ignore[method-assign]
        AnyIOStream.write = self._write  # type: ignore[method-assign]

    def note(self) -> None:
        """Keep the time of the first write since it was last forgotten."""
        self.written_ns = self.written_ns or perf_counter_ns()


def make_node(venue: dict[str, str], sender: Sender) -> TradingNode:
    """Build a node that trades the exchange's account."""
    node = TradingNode(
        TradingNodeConfig(
            trader_id=TraderId("BENCH-001"),
            logging=LoggingConfig(log_level="ERROR"),
            exec_engine=LiveExecEngineConfig(reconciliation=False, inflight_check_interval_ms=0),
            # It takes a hundred orders a second and no more.
            risk_engine=LiveRiskEngineConfig(bypass=True),
            exec_clients={
                PARADEX: ParadexExecClientConfig(
                    base_url_http=venue["base_url_http"],
                    base_url_ws=venue["base_url_ws"],
                    account_address=venue["account_address"],
                    private_key=venue["private_key"],
                    instrument_provider=InstrumentProviderConfig(load_ids=frozenset([BTC])),
                    # Its polls would be written between the bytes of orders.
                    system_state_interval_secs=3_600.0,
                )
            },
            timeout_post_stop=0.1,
        )
    )
    node.trader.add_strategy(sender)
    node.add_exec_client_factory(PARADEX, ParadexLiveExecClientFactory)
    node.build()
    return node


async def measure(orders: int) -> dict[tuple[str, str], list[int]]:
    """Return nanoseconds by transport and stage."""
    times: dict[tuple[str, str], list[int]] = {(t, s): [] for t in TRANSPORTS for s in STAGES}
    async with local_exchange() as venue:
        sender = Sender()
        node = make_node(venue, sender)
        running = asyncio.create_task(node.run_async())
        try:
            async with asyncio.timeout(START_SECS_MAX):
                while not node.trader.is_running:  # noqa: ASYNC110 - nothing tells of it
                    await asyncio.sleep(0.05)
            with Wire() as wire:
                for number in range(-WARM_UP_ORDERS, orders):
                    transport = TRANSPORTS[number % 2]
                    wire.is_closed_to_orders = transport == "REST"
                    wire.written_ns = 0
                    commanded_ns = await sender.send()
                    if number >= 0:
                        times[transport, STAGES[0]].append(wire.written_ns - commanded_ns)
                        times[transport, STAGES[1]].append(sender.accepted_ns - commanded_ns)
                    if number > 0 and number % PROGRESS_ORDERS == 0:
                        print(f"{number} of {orders} orders", file=sys.stderr, flush=True)
        finally:
            await node.stop_async()
            await asyncio.wait([running], timeout=ORDER_SECS_MAX)
            running.cancel()
            node.kernel.dispose()
    return times


def quantile_ms(times: list[int], part: float) -> float:
    """Return a quantile in milliseconds."""
    return sorted(times)[min(len(times) - 1, int(part * len(times)))] / 1e6


def main() -> int:
    """Run it as the arguments say and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--orders", type=int, default=400, help=f"at most {ORDERS_MAX}")
    orders = parser.parse_args().orders
    if not 2 <= orders <= ORDERS_MAX:
        parser.error(f"--orders must be 2 to {ORDERS_MAX}")
    times = asyncio.run(measure(orders))
    build = "compiled" if is_compiled() else "pure"
    print(f"{orders} orders in turns, {build} core, one at a time, loopback")
    print(f"{'':22} {'websocket p50':>14} {'p99':>8} {'REST p50':>12} {'p99':>8}   ms")
    for stage in STAGES:
        cells = [
            quantile_ms(times[transport, stage], part)
            for transport in TRANSPORTS
            for part in (0.5, 0.99)
        ]
        print(f"{stage:22} {cells[0]:14.2f} {cells[1]:8.2f} {cells[2]:12.2f} {cells[3]:8.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
