"""Brackets that NautilusTrader's own order emulator holds: what it releases is taken."""

from collections.abc import AsyncIterator

import pytest
from nautilus_trader.model.enums import OrderSide, OrderStatus, OrderType, TriggerType
from nautilus_trader.model.objects import Price, Quantity

from paradex_adapter.local_exchange import LocalExchange
from tests.integration.live_node import live_node
from tests.integration.trading_node import BTC, Trader, until

MARKET = "BTC-USD-PERP"


@pytest.fixture
async def exchange() -> AsyncIterator[LocalExchange]:
    async with LocalExchange(seed=1, simulation_interval_ms=0) as exchange:
        exchange.place_liquidity(MARKET, "BUY", "89990", "5")
        exchange.place_liquidity(MARKET, "SELL", "90010", "5")
        yield exchange


async def test_an_emulated_bracket_is_entered_and_stopped(exchange: LocalExchange) -> None:
    trader = Trader()
    async with live_node(exchange, trader=trader) as live:
        trader.subscribe_quote_ticks(BTC)
        await until(lambda: live.cache.quote_tick(BTC) is not None)
        made = trader.order_factory.bracket(
            BTC,
            OrderSide.BUY,
            Quantity.from_str("1.00000"),
            entry_order_type=OrderType.LIMIT,
            entry_price=Price.from_str("90020.0"),
            sl_trigger_price=Price.from_str("89000.0"),
            tp_price=Price.from_str("95000.0"),
            emulation_trigger=TriggerType.BID_ASK,
        )
        trader.submit_order_list(made)

        def statuses() -> list[OrderStatus]:
            # What the emulator releases is another object than what was submitted.
            return [live.cache.order(o.client_order_id).status for o in made.orders]

        emulated = OrderStatus.EMULATED
        await until(lambda: statuses() == [OrderStatus.FILLED, emulated, emulated])
        exchange.cancel_liquidity(MARKET)
        exchange.place_liquidity(MARKET, "BUY", "88900", "5")
        exchange.place_liquidity(MARKET, "SELL", "88910", "5")
        await until(
            lambda: statuses() == [OrderStatus.FILLED, OrderStatus.FILLED, OrderStatus.CANCELED]
        )
        assert live.cache.positions_open() == []
        assert [row["type"] for row in exchange.orders()] == ["MARKET", "MARKET"]
