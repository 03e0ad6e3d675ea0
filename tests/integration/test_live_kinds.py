"""Options and spot in a live node: traded, checked by the engine, taken up again, settled."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.model.enums import OrderSide, OrderStatus
from nautilus_trader.model.identifiers import InstrumentId

from paradex_adapter.local_exchange import LocalExchange
from tests.integration.trading_node import RunningNode, running_node, until

SPOT = InstrumentId.from_str("ETH-USD.PARADEX")
# As often as they can be, and from the first moment on.
CHECKS = {
    "reconciliation_startup_delay_secs": 0.01,
    "position_check_interval_secs": 0.05,
    "position_check_threshold_ms": 0,
    "open_check_interval_secs": 0.05,
    "open_check_threshold_ms": 0,
}


@pytest.fixture
async def exchange() -> AsyncIterator[LocalExchange]:
    async with LocalExchange(seed=6, simulation_interval_ms=0) as exchange:
        exchange.place_liquidity("ETH-USD", "BUY", "2999", "10")
        exchange.place_liquidity("ETH-USD", "SELL", "3001", "10")
        yield exchange


def count_checks(run: RunningNode) -> list[int]:
    """Count how often the engine asks for positions from now on."""
    asked: list[int] = []
    report_positions = run.client.generate_position_status_reports

    async def report(command: Any) -> Any:
        reports = await report_positions(command)
        asked.append(len(reports))
        return reports

    run.client.generate_position_status_reports = report  # type: ignore[method-assign]
    return asked


async def checked(run: RunningNode) -> None:
    """Wait until the engine has compared positions three times."""
    asked = count_checks(run)
    await until(lambda: len(asked) >= 3, "positions were checked")


def net(run: RunningNode) -> Decimal:
    """Return the net position over all strategies and instruments."""
    return sum((p.signed_decimal_qty() for p in run.cache.positions_open()), Decimal(0))


async def traded(run: RunningNode, side: OrderSide, quantity: str, of: InstrumentId) -> Any:
    order = run.trader.market(side, quantity, instrument_id=of)
    await until(lambda: order.is_closed, "the order ended")
    assert order.status == OrderStatus.FILLED
    return order


async def test_spot_is_bought_sold_checked_and_taken_up_again(exchange: LocalExchange) -> None:
    async with running_node(exchange, engine=CHECKS) as run:
        await traded(run, OrderSide.BUY, "1.5", SPOT)
        await traded(run, OrderSide.SELL, "0.5", SPOT)
        await checked(run)
        assert net(run) == 1
        assert len(run.cache.orders()) == 2, "an order was made up"
        await run.until_agreed()
    async with running_node(exchange, engine=CHECKS) as run:
        await checked(run)
        assert net(run) == 1
        await traded(run, OrderSide.SELL, "1", SPOT)
        await checked(run)
        # What was held before the start is of no strategy, unless one claims it.
        assert net(run) == 0
        await run.until_agreed()
        assert len(run.cache.orders()) == 3


async def test_an_option_is_traded_and_settles(exchange: LocalExchange) -> None:
    symbol = next(
        row["symbol"]
        for row in exchange.markets()
        if row["asset_kind"] == "OPTION"
        and row["option_type"] == "CALL"
        and row["base_currency"] == "BTC"
    )
    rules = exchange.market_rules(str(symbol))
    price = rules.reference_price // rules.tick * rules.tick
    exchange.place_liquidity(str(symbol), "SELL", price, "1")
    async with running_node(exchange, engine=CHECKS) as run:
        instrument = next(i for i in run.cache.instruments() if i.raw_symbol.value == symbol)
        await traded(run, OrderSide.BUY, "0.1", instrument.id)
        await checked(run)
        assert net(run) == Decimal("0.1")
        resting = run.trader.limit(
            OrderSide.BUY, "0.1", str(instrument.price_increment), instrument_id=instrument.id
        )
        await until(lambda: resting.is_open, "the order rests")
        exchange.settle_market(str(symbol))
        await until(lambda: resting.is_closed, "the order ended with its market")
        assert resting.status == OrderStatus.EXPIRED
        await until(lambda: net(run) == 0, "the position is settled")
        await checked(run)
        await run.until_agreed()
