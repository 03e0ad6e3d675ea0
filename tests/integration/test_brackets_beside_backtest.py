"""What a strategy is told of a bracket, here and in a backtest: the same, less what is named."""

from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.config import BacktestEngineConfig, LoggingConfig
from nautilus_trader.model.currencies import USDC
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide, OrderType
from nautilus_trader.model.events import OrderEvent, OrderFilled
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.model.orders import Order

from paradex_adapter import PARADEX_VENUE
from paradex_adapter.local_exchange import LocalExchange
from tests.integration.trading_node import BTC, RunningNode, Trader, running_node, until

# Nautilus asks pandas for the time in a way that pandas will give up.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

MARKET = "BTC-USD-PERP"
LEGS = ("ENTRY", "STOP_LOSS", "TAKE_PROFIT")
SECOND = 10**9

# What happens to a bracket, as the best bid of the market, or as a word.
SCENES: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "the profit is taken": ({}, ["96000"]),
    "the loss is stopped": ({}, ["84000"]),
    "the entry waits and is canceled": ({"entry_price": "80000.0"}, ["cancel ENTRY"]),
    "the entry waits, fills, and the profit is taken": (
        {"entry_price": "88000.0"},
        ["87900", "96000"],
    ),
    "the profit is canceled": ({}, ["cancel TAKE_PROFIT"]),
}


class Bracketeer(Trader):
    """Sends a bracket at the first quote and plays a scene, a step a quote."""

    def __init__(self, fields: dict[str, Any], steps: list[Any]) -> None:
        super().__init__()
        self.fields = fields
        self.steps = ["", *steps, ""]
        self.orders: dict[str, Order] = {}

    def on_start(self) -> None:
        self.subscribe_quote_ticks(BTC)

    def on_quote_tick(self, tick: QuoteTick) -> None:
        if not self.orders:
            self.orders = send_bracket(self, self.fields)
            return
        step = self.steps.pop(0) if self.steps else ""
        if step.startswith("cancel"):
            self.cancel_order(self.orders[step.split()[1]])


def send_bracket(trader: Trader, fields: dict[str, Any]) -> dict[str, Order]:
    prices = {name: Price.from_str(text) for name, text in fields.items()}
    if prices:
        prices["entry_order_type"] = OrderType.LIMIT
    made = trader.order_factory.bracket(
        BTC,
        OrderSide.BUY,
        Quantity.from_str("1.00000"),
        sl_trigger_price=Price.from_str("85000.0"),
        tp_price=Price.from_str("95000.0"),
        **prices,
    )
    trader.submit_order_list(made)
    return {order.tags[0]: order for order in made.orders}


def flows(trader: Trader, orders: dict[str, Order]) -> dict[str, list[str]]:
    """Return the names of what was told of each order, without what differs and is said to.

    A child is submitted at once in a backtest, here when it is sent. Market orders are not accepted
    in a backtest. Exits fill in as many parts as the market has.
    """
    names = {}
    for leg in LEGS:
        told = [
            type(event).__name__
            for event in trader.told
            if isinstance(event, OrderEvent)
            and event.client_order_id == orders[leg].client_order_id
        ]
        if leg != "ENTRY" and "OrderAccepted" not in told:
            told = [name for name in told if name != "OrderSubmitted"]
        if orders[leg].order_type == OrderType.MARKET:
            told = [name for name in told if name != "OrderAccepted"]
        names[leg] = list(dict.fromkeys(told))
    return names


def in_backtest(instrument: Instrument, fields: dict[str, Any], steps: list[Any]) -> Any:
    engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
    engine.add_venue(PARADEX_VENUE, OmsType.NETTING, AccountType.MARGIN, [Money(1_000_000, USDC)])
    engine.add_instrument(instrument)
    trader = Bracketeer(fields, [step if step.startswith("cancel") else "" for step in steps])
    engine.add_strategy(trader)
    bids = ["90000", "90000"]
    for step in steps:
        bids += [bids[-1] if step.startswith("cancel") else step] * 2
    engine.add_data(
        [quote(instrument, bid, number) for number, bid in enumerate([*bids, bids[-1]])]
    )
    engine.run()
    found = flows(trader, trader.orders)
    engine.dispose()
    return found


def quote(instrument: Instrument, bid: str, number: int) -> QuoteTick:
    price = Decimal(bid)
    size = instrument.make_qty(Decimal(5))
    return QuoteTick(
        BTC,
        instrument.make_price(price),
        instrument.make_price(price + 10),
        size,
        size,
        number * SECOND,
        number * SECOND,
    )


@pytest.fixture
async def exchange() -> AsyncIterator[LocalExchange]:
    async with LocalExchange(seed=1, simulation_interval_ms=0) as exchange:
        quote_at(exchange, "90000")
        yield exchange


def quote_at(exchange: LocalExchange, bid: str) -> None:
    """Move book and mark price, and let the book fill what it meets."""
    exchange.cancel_liquidity(MARKET)
    exchange.place_liquidity(MARKET, "BUY", bid, "5")
    exchange.place_liquidity(MARKET, "SELL", str(Decimal(bid) + 10), "5")
    exchange.set_mark_price(MARKET, bid)


async def in_node(run: RunningNode, fields: dict[str, Any], steps: list[Any]) -> Any:
    orders = send_bracket(run.trader, fields)
    entry = orders["ENTRY"]
    await until(lambda: entry.is_closed if not fields else entry.is_open, "the entry stands")
    await run.until_agreed()
    for step in steps:
        await until(settled(orders), "the exits stand as the entry does")
        if step.startswith("cancel"):
            run.trader.cancel_order(orders[step.split()[1]])
        else:
            quote_at(run.exchange, step)
        await run.until_agreed()
    await until(lambda: all(order.is_closed for order in orders.values()) or not is_over(orders))
    return flows(run.trader, orders)


def is_over(orders: dict[str, Order]) -> bool:
    return any(orders[leg].is_closed for leg in LEGS[1:])


def settled(orders: dict[str, Order]) -> Callable[[], bool]:
    entry, *exits = (orders[leg] for leg in LEGS)
    has_filled = any(isinstance(event, OrderFilled) for event in entry.events)
    return lambda: all(order.is_open == has_filled or order.is_closed for order in exits)


@pytest.mark.parametrize("scene", SCENES)
async def test_a_bracket_is_told_as_in_a_backtest(exchange: LocalExchange, scene: str) -> None:
    fields, steps = SCENES[scene]
    async with running_node(exchange) as run:
        told = await in_node(run, fields, steps)
        instrument = run.cache.instrument(BTC)
    assert told == in_backtest(instrument, fields, steps)
