"""One course of trades, in a backtest or in a live node, and what Nautilus says after each step.

Run as a program, since Nautilus' logging is set once for a process and the test reads it:
``pnl_scenario.py backtest|live <result file>``. Knows nothing of what the numbers should be.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import (
    InstrumentProviderConfig,
    LiveExecEngineConfig,
    LoggingConfig,
    StrategyConfig,
    TradingNodeConfig,
)
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.currencies import USDC
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.events import OrderFilled
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.objects import Money
from nautilus_trader.trading.strategy import Strategy

from paradex_adapter import (
    PARADEX,
    PARADEX_VENUE,
    ParadexDataClientConfig,
    ParadexEnvironment,
    ParadexExecClientConfig,
    ParadexLiveDataClientFactory,
    ParadexLiveExecClientFactory,
)
from paradex_adapter.local_exchange import LocalExchange
from paradex_adapter.translate.instruments import market_to_instrument
from paradex_adapter_core.parsers.markets import parse_markets
from tests.integration.agreed_books import until_agreed

SYMBOL = "BTC-USD-PERP"
INSTRUMENT_ID = InstrumentId.from_str(f"{SYMBOL}.PARADEX")
START_CASH = 100_000
DEPTH = "5"
# Best bid, best ask, then the order: long, less long, through zero, short, flat.
STEPS: list[tuple[str, str, tuple[str, str] | None]] = [
    ("90000.0", "90010.0", ("BUY", "0.5")),
    ("90110.0", "90120.0", ("SELL", "0.2")),
    ("90050.0", "90060.0", None),
    ("90050.0", "90060.0", ("SELL", "0.50001")),
    ("90020.0", "90030.0", None),
    ("90020.0", "90030.0", ("BUY", "0.20001")),
]
LAST_WORDS = "the scenario is over"
DEADLINE_SECS = 30.0
POLL_SECS = 0.005


class Trader(Strategy):
    """Buys and sells as it is told, and reads the books."""

    def __init__(self) -> None:
        super().__init__(StrategyConfig(strategy_id="PNL-000"))
        self.fills: list[OrderFilled] = []
        self.books: list[dict[str, object]] = []
        self.quotes = 0

    def on_start(self) -> None:
        self.subscribe_quote_ticks(INSTRUMENT_ID)

    def on_stop(self) -> None:
        self.unsubscribe_quote_ticks(INSTRUMENT_ID)

    def on_order_filled(self, event: OrderFilled) -> None:
        self.fills.append(event)

    def trade(self, side: str, size: str) -> None:
        instrument = self.cache.instrument(INSTRUMENT_ID)
        quantity = instrument.make_qty(Decimal(size))
        self.submit_order(self.order_factory.market(INSTRUMENT_ID, OrderSide[side], quantity))

    def read_books(self) -> dict[str, object]:
        portfolio = self.portfolio
        return {
            "unrealized": str(portfolio.unrealized_pnl(INSTRUMENT_ID)),
            "realized": str(portfolio.realized_pnl(INSTRUMENT_ID)),
            "total": str(portfolio.total_pnl(INSTRUMENT_ID)),
            "exposure": str(portfolio.net_exposure(INSTRUMENT_ID)),
            "position": str(portfolio.net_position(INSTRUMENT_ID)),
            "equity": [str(money) for money in portfolio.equity(PARADEX_VENUE).values()],
            "totals": [str(money) for money in portfolio.total_pnls(PARADEX_VENUE).values()],
            "exposures": [str(money) for money in portfolio.net_exposures(PARADEX_VENUE).values()],
            "commissions": [str(event.commission) for event in self.fills],
            "fills": [
                [event.order_side.name, str(event.last_qty), str(event.last_px)]
                for event in self.fills
            ],
        }


class BacktestTrader(Trader):
    """Each step comes as two like quotes: at the first it trades, at the second it reads."""

    def on_quote_tick(self, tick: QuoteTick) -> None:
        step, is_second = divmod(self.quotes, 2)
        self.quotes += 1
        order = STEPS[step][2]
        if is_second:
            self.books.append(self.read_books())
        elif order is not None:
            self.trade(*order)


async def fetch_instrument() -> Instrument:
    """Return the instrument as the local exchange lists it."""
    async with LocalExchange(simulation_interval_ms=0) as exchange:
        from paradex_adapter.venue.http import HttpClient

        http = HttpClient(exchange.base_url_http)
        (market,) = parse_markets(await http.get_markets(SYMBOL))
        await http.close()
    return market_to_instrument(market, 0)


def run_backtest() -> list[dict[str, object]]:
    instrument = asyncio.run(fetch_instrument())
    engine = BacktestEngine(BacktestEngineConfig(logging=log_warnings()))
    engine.add_venue(
        venue=PARADEX_VENUE,
        oms_type=OmsType.NETTING,
        account_type=AccountType.MARGIN,
        base_currency=None,
        starting_balances=[Money(START_CASH, USDC)],
    )
    engine.add_instrument(instrument)
    depth = instrument.make_qty(Decimal(DEPTH))
    engine.add_data(
        [
            QuoteTick(
                INSTRUMENT_ID,
                instrument.make_price(Decimal(bid)),
                instrument.make_price(Decimal(ask)),
                depth,
                depth,
                1_000_000 * (2 * step + repeat),
                1_000_000 * (2 * step + repeat),
            )
            for step, (bid, ask, _) in enumerate(STEPS)
            for repeat in range(2)
        ]
    )
    trader = BacktestTrader()
    engine.add_strategy(trader)
    engine.run()
    trader.log.warning(LAST_WORDS)
    engine.dispose()
    return trader.books


async def run_live() -> list[dict[str, object]]:
    async with LocalExchange(simulation_interval_ms=0, balance=Decimal(START_CASH)) as exchange:
        node = make_node(exchange)
        trader = Trader()
        node.trader.add_strategy(trader)
        node.build()
        running = asyncio.create_task(node.run_async())
        books = []
        try:
            await until(lambda: node.trader.is_running)
            for bid, ask, order in STEPS:
                await quote(exchange, trader, bid, ask)
                if order is not None:
                    filled = len(trader.fills) + 1
                    trader.trade(*order)
                    await until(lambda count=filled: len(trader.fills) >= count)
                # The account's balance is told apart from the fill, a moment later.
                await until(lambda: has_venue_balance(exchange, trader))
                books.append(trader.read_books())
            await until_agreed(node, exchange)
            trader.log.warning(LAST_WORDS)
        finally:
            await node.stop_async()
            async with asyncio.timeout(DEADLINE_SECS):
                await running
            node.kernel.dispose()
    return books


def make_node(exchange: LocalExchange) -> TradingNode:
    common = {
        "environment": ParadexEnvironment.TESTNET,
        "base_url_http": exchange.base_url_http,
        "base_url_ws": exchange.base_url_ws,
        "instrument_provider": InstrumentProviderConfig(load_all=True),
    }
    node = TradingNode(
        TradingNodeConfig(
            logging=log_warnings(),
            exec_engine=LiveExecEngineConfig(graceful_shutdown_on_exception=True),
            data_clients={PARADEX: ParadexDataClientConfig(**common)},
            exec_clients={
                PARADEX: ParadexExecClientConfig(
                    account_address=exchange.account_address,
                    private_key=exchange.private_key,
                    **common,
                )
            },
            timeout_connection=20,
            timeout_post_stop=0.1,
        ),
        loop=asyncio.get_running_loop(),
    )
    node.add_data_client_factory(PARADEX, ParadexLiveDataClientFactory)
    node.add_exec_client_factory(PARADEX, ParadexLiveExecClientFactory)
    return node


async def quote(exchange: LocalExchange, trader: Trader, bid: str, ask: str) -> None:
    exchange.cancel_liquidity(SYMBOL)
    exchange.set_mark_price(SYMBOL, (Decimal(bid) + Decimal(ask)) / 2)
    exchange.place_liquidity(SYMBOL, "BUY", bid, DEPTH)
    exchange.place_liquidity(SYMBOL, "SELL", ask, DEPTH)

    def is_seen() -> bool:
        tick = trader.cache.quote_tick(INSTRUMENT_ID)
        return tick is not None and (str(tick.bid_price), str(tick.ask_price)) == (bid, ask)

    await until(is_seen)


def has_venue_balance(exchange: LocalExchange, trader: Trader) -> bool:
    (row,) = [row for row in exchange.balances() if row["token"] == "USDC"]
    held = trader.portfolio.account(PARADEX_VENUE).balance_total(USDC)
    return abs(held.as_decimal() - Decimal(row["size"])) <= Decimal("1e-8")


async def until(is_reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_SECS):
        while not is_reached():  # noqa: ASYNC110 - nothing tells when Nautilus' books change
            await asyncio.sleep(POLL_SECS)


def log_warnings() -> LoggingConfig:
    return LoggingConfig(log_level="WARNING", log_colors=False)


if __name__ == "__main__":
    steps = run_backtest() if sys.argv[1] == "backtest" else asyncio.run(run_live())
    Path(sys.argv[2]).write_text(json.dumps(steps))
