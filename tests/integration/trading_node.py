"""A real `TradingNode` on a local exchange, for tests of the execution client."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

from nautilus_trader.config import (
    InstrumentProviderConfig,
    LiveExecEngineConfig,
    LiveRiskEngineConfig,
    LoggingConfig,
    TradingNodeConfig,
)
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.enums import OrderSide, TimeInForce
from nautilus_trader.model.identifiers import InstrumentId, TraderId
from nautilus_trader.model.orders import Order
from nautilus_trader.trading.config import StrategyConfig
from nautilus_trader.trading.strategy import Strategy

from paradex_adapter import PARADEX, ParadexExecClientConfig, ParadexLiveExecClientFactory
from paradex_adapter.execution import ParadexExecutionClient
from paradex_adapter.local_exchange import LocalExchange
from tests.integration.agreed_books import WAIT_SECS, find_all_differences, until_agreed

BTC = InstrumentId.from_str("BTC-USD-PERP.PARADEX")
ETH = InstrumentId.from_str("ETH-USD-PERP.PARADEX")
LOG_LEVEL = "ERROR"


class Trader(Strategy):
    """Sends what a test tells it to, and keeps what it is told."""

    def __init__(self, order_id_tag: str = "000") -> None:
        super().__init__(StrategyConfig(order_id_tag=order_id_tag))
        self.told: list[Any] = []

    def on_event(self, event: Any) -> None:
        self.told.append(event)

    def told_of(self, order: Order) -> list[str]:
        """Return the names of the order events of an order, in order."""
        return [
            type(event).__name__
            for event in self.told
            if getattr(event, "client_order_id", None) == order.client_order_id
        ]

    def market(self, side: OrderSide, quantity: str, **options: Any) -> Order:
        """Send a market order."""
        instrument = self.cache.instrument(options.pop("instrument_id", BTC))
        order = self.order_factory.market(
            instrument.id, side, instrument.make_qty(Decimal(quantity)), **options
        )
        self.submit_order(order)
        return order

    def limit(self, side: OrderSide, quantity: str, price: str, **options: Any) -> Order:
        """Send a limit order."""
        instrument = self.cache.instrument(options.pop("instrument_id", BTC))
        params = options.pop("params", None)
        order = self.order_factory.limit(
            instrument.id,
            side,
            instrument.make_qty(Decimal(quantity)),
            instrument.make_price(Decimal(price)),
            **options,
        )
        self.submit_order(order, params=params)
        return order


class RunningNode:
    """A started node with one execution client, and the exchange it trades on."""

    def __init__(self, node: TradingNode, exchange: LocalExchange, traders: list[Trader]) -> None:
        self.node = node
        self.exchange = exchange
        # Why the books cannot agree at the end of a test; only then nobody looks.
        self.why_apart = ""
        self.cache = node.cache
        self.traders = traders

    @property
    def trader(self) -> Trader:
        return self.traders[0]

    @property
    def client(self) -> ParadexExecutionClient:
        (client,) = self.node.kernel.exec_engine._clients.values()
        return client

    async def until_agreed(self) -> None:
        """Wait until node and exchange hold the same orders, fills, positions and balances."""
        await until_agreed(self.node, self.exchange)

    def differences(self) -> list[str]:
        """Return where the books differ at this moment."""
        return find_all_differences(self.node, self.exchange)


async def until(condition: Callable[[], bool], what: str = "") -> None:
    """Wait for a condition, at most `WAIT_SECS`."""
    try:
        async with asyncio.timeout(WAIT_SECS):
            while not condition():  # noqa: ASYNC110 - nothing tells when a node has got there
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"did not come true: {what or condition}") from None


def make_node(
    exchange: LocalExchange,
    traders: list[Trader],
    *,
    engine: dict[str, Any] | None = None,
    **options: Any,
) -> TradingNode:
    """Build a node with our execution client."""
    keys = {
        "account_address": exchange.account_address,
        "private_key": exchange.private_key,
        "base_url_http": exchange.base_url_http,
        "base_url_ws": exchange.base_url_ws,
        "retry_delay_initial_ms": 1,
        "retry_delay_max_ms": 50,
    }
    config = TradingNodeConfig(
        trader_id=TraderId("TESTER-001"),
        logging=LoggingConfig(log_level=LOG_LEVEL),
        exec_engine=LiveExecEngineConfig(
            **{
                "reconciliation": True,
                "inflight_check_interval_ms": 0,
                "graceful_shutdown_on_exception": True,
                **(engine or {}),
            }
        ),
        risk_engine=LiveRiskEngineConfig(bypass=True),
        exec_clients={
            PARADEX: ParadexExecClientConfig(
                **{
                    "instrument_provider": InstrumentProviderConfig(load_all=True),
                    **keys,
                    **options,
                }
            )
        },
        timeout_connection=WAIT_SECS,
        timeout_reconciliation=WAIT_SECS,
        timeout_portfolio=WAIT_SECS,
        timeout_disconnection=WAIT_SECS,
        timeout_post_stop=0.1,
    )
    node = TradingNode(config=config, loop=asyncio.get_running_loop())
    for trader in traders:
        node.trader.add_strategy(trader)
    node.add_exec_client_factory(PARADEX, ParadexLiveExecClientFactory)
    node.build()
    return node


@asynccontextmanager
async def running_node(
    exchange: LocalExchange,
    traders: list[Trader] | None = None,
    *,
    before: Callable[[TradingNode], None] | None = None,
    **options: Any,
) -> AsyncIterator[RunningNode]:
    """Run a node until its trader trades; see that all books agree; stop it, leave nothing behind.

    `before` is told of the node before it runs. A test whose books cannot agree says so by
    `RunningNode.why_apart`.
    """
    tasks_before = asyncio.all_tasks()
    traders = [Trader()] if traders is None else traders
    node = make_node(exchange, traders, **options)
    if before is not None:
        before(node)
    running = asyncio.create_task(node.run_async())
    try:
        await until(lambda: node.trader.is_running, "the node started")
        run = RunningNode(node, exchange, traders)
        yield run
        if not run.why_apart:
            await until_agreed(node, exchange)
    finally:
        await node.stop_async()
        await asyncio.wait([running], timeout=WAIT_SECS)
        running.cancel()
        node.kernel.dispose()
    await until(lambda: not leftover_tasks(tasks_before), "every task of the node ended")


def leftover_tasks(before: set[asyncio.Task[Any]]) -> list[str]:
    """Return the names of tasks of ours that came since and have not ended."""
    return [
        task.get_name()
        for task in asyncio.all_tasks() - before
        if "paradex" in task.get_name().lower()
    ]


__all__ = [
    "BTC",
    "ETH",
    "WAIT_SECS",
    "OrderSide",
    "RunningNode",
    "TimeInForce",
    "Trader",
    "make_node",
    "running_node",
    "until",
]
