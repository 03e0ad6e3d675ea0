"""One course of trades in a backtest, for each kind of market, and what Nautilus says of it.

Run as a program, since Nautilus' logging is set once for a process and the test reads it:
``pnl_kinds_scenario.py <result file>``. Knows nothing of what the numbers should be.
"""

import asyncio
import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig, StrategyConfig
from nautilus_trader.model.currencies import USDC
from nautilus_trader.model.data import QuoteTick, TradeTick
from nautilus_trader.model.enums import AccountType, AggressorSide, OmsType, OrderSide
from nautilus_trader.model.events import OrderFilled
from nautilus_trader.model.identifiers import InstrumentId, TradeId
from nautilus_trader.model.instruments import CryptoOption, Instrument
from nautilus_trader.model.objects import Money
from nautilus_trader.trading.strategy import Strategy

from paradex_adapter import PARADEX_VENUE
from paradex_adapter.local_exchange import LocalExchange
from paradex_adapter.translate.instruments import (
    market_to_instrument,
    option_to_underlying_index,
)
from paradex_adapter_core.parsers.markets import parse_markets

START_CASH = 100_000
DEPTH = "50"
LAST_WORDS = "the scenario is over"
SECOND = 1_000_000_000


class Step(NamedTuple):
    """Best bid and ask, and the order (side, size) at them, where there is one."""

    bid: str
    ask: str
    order: tuple[str, str] | None


class Case(NamedTuple):
    """A market by the end of its symbol, its steps, and what its underlying ends at."""

    suffix: str
    steps: list[Step]
    settled_at: str | None = None


CASES = {
    # Long, less long, and flat; each time the profit is of another sign.
    "spot": Case(
        "ETH-USD",
        [
            Step("2999.00", "3000.00", ("BUY", "2")),
            Step("3010.00", "3011.00", ("SELL", "0.5")),
            Step("2990.00", "2991.00", None),
            Step("2990.00", "2991.00", ("SELL", "1.5")),
        ],
    ),
    # Long, through zero to short, and flat.
    "option": Case(
        "-90000-C",
        [
            Step("1990.00", "2000.00", ("BUY", "1")),
            Step("2100.00", "2110.00", ("SELL", "1.5")),
            Step("2050.00", "2060.00", None),
            Step("2050.00", "2060.00", ("BUY", "0.5")),
        ],
    ),
    # Bought, and settled in cash.
    "option in the money": Case("-90000-C", [Step("1990.00", "2000.00", ("BUY", "2"))], "91500.50"),
    "option out of the money": Case(
        "-90000-P", [Step("990.00", "1000.00", ("BUY", "2"))], "91500.50"
    ),
    "commodity": Case(
        "CL-USD-PERP",
        [
            Step("61.99", "62.00", ("BUY", "100")),
            Step("62.50", "62.51", ("SELL", "150")),
            Step("62.00", "62.10", ("BUY", "50")),
        ],
    ),
}


class Trader(Strategy):
    """Each step comes as two like quotes: at the first it trades, at the second it reads."""

    def __init__(self, instrument_id: InstrumentId, steps: list[Step]) -> None:
        super().__init__(StrategyConfig(strategy_id="PNL-000"))
        self.instrument_id = instrument_id
        self.steps = steps
        self.fills: list[OrderFilled] = []
        self.books: list[dict[str, object]] = []
        self.quotes = 0

    def on_start(self) -> None:
        self.subscribe_quote_ticks(self.instrument_id)

    def on_quote_tick(self, tick: QuoteTick) -> None:
        step, is_second = divmod(self.quotes, 2)
        self.quotes += 1
        if is_second:
            self.books.append(self.read_books())
        elif (order := self.steps[step].order) is not None:
            instrument = self.cache.instrument(self.instrument_id)
            side, size = order
            quantity = instrument.make_qty(Decimal(size))
            market_order = self.order_factory.market(self.instrument_id, OrderSide[side], quantity)
            self.submit_order(market_order)

    def on_stop(self) -> None:
        self.unsubscribe_quote_ticks(self.instrument_id)

    def on_order_filled(self, event: OrderFilled) -> None:
        self.fills.append(event)

    def read_books(self) -> dict[str, object]:
        portfolio = self.portfolio
        account = portfolio.account(PARADEX_VENUE)
        return {
            "unrealized": str(portfolio.unrealized_pnl(self.instrument_id)),
            "realized": str(portfolio.realized_pnl(self.instrument_id)),
            "exposure": str(portfolio.net_exposure(self.instrument_id)),
            "position": str(portfolio.net_position(self.instrument_id)),
            "balances": [str(money) for money in account.balances_total().values()],
            "margins": [str(m.maintenance) for m in account.margins().values()],
            "commissions": [str(event.commission) for event in self.fills],
            "fills": [
                [event.order_side.name, str(event.last_qty), str(event.last_px)]
                for event in self.fills
            ],
        }


async def fetch_instruments() -> list[Instrument]:
    """Return every instrument the local exchange lists."""
    async with LocalExchange(simulation_interval_ms=0) as exchange:
        from paradex_adapter.venue.http import HttpClient

        http = HttpClient(exchange.base_url_http)
        markets = parse_markets(await http.get_markets())
        await http.close()
    standard = (m for m in markets if m.info["asset_kind"] != "PERP_OPTION")
    return [
        market_to_instrument(market, 0)
        for market in standard
        if market.info["trading_mode"] == "STANDARD"
    ]


def run(case: Case, instruments: list[Instrument]) -> dict[str, object]:
    instrument = next(i for i in instruments if i.id.symbol.value.endswith(case.suffix))
    engine = BacktestEngine(
        BacktestEngineConfig(logging=LoggingConfig(log_level="WARNING", log_colors=False))
    )
    engine.add_venue(
        venue=PARADEX_VENUE,
        oms_type=OmsType.NETTING,
        account_type=AccountType.MARGIN,
        base_currency=None,
        default_leverage=Decimal(1),
        starting_balances=[Money(START_CASH, USDC)],
    )
    engine.add_instrument(instrument)
    start = max(getattr(instrument, "activation_ns", 0), 0) + SECOND
    depth = instrument.make_qty(Decimal(DEPTH) * 10)
    engine.add_data(
        [
            QuoteTick(
                instrument.id,
                instrument.make_price(Decimal(step.bid)),
                instrument.make_price(Decimal(step.ask)),
                depth,
                depth,
                start + SECOND * (2 * number + repeat),
                start + SECOND * (2 * number + repeat),
            )
            for number, step in enumerate(case.steps)
            for repeat in range(2)
        ]
    )
    if case.settled_at is not None:
        add_settlement(engine, instrument, case.settled_at, start)
    trader = Trader(instrument.id, case.steps)
    engine.add_strategy(trader)
    engine.run()
    trader.log.warning(LAST_WORDS)
    said = {"books": trader.books, "end": trader.read_books()}
    engine.dispose()
    return said


def add_settlement(engine: BacktestEngine, option: CryptoOption, price: str, start: int) -> None:
    """Let the option expire, with its underlying at a price."""
    index = option_to_underlying_index(option)
    engine.add_instrument(index)
    engine.add_data(
        [
            TradeTick(
                index.id,
                index.make_price(Decimal(price)),
                index.make_qty(Decimal(1)),
                AggressorSide.NO_AGGRESSOR,
                TradeId(str(number)),
                ts,
                ts,
            )
            for number, ts in enumerate(
                (start + 100 * SECOND, option.expiration_ns, option.expiration_ns + SECOND)
            )
        ]
    )


if __name__ == "__main__":
    listed = asyncio.run(fetch_instruments())
    said = {name: run(case, listed) for name, case in CASES.items()}
    Path(sys.argv[1]).write_text(json.dumps(said))
