"""Two accounts, and two exchanges, live in one process: two real nodes, each with its own books.

Several accounts in one node are in `test_account_options.py`. A client may have
another name than the venue's; the portfolio then finds its account by `account_id` alone.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

from nautilus_trader.config import (
    InstrumentProviderConfig,
    LiveExecEngineConfig,
    LoggingConfig,
    TradingNodeConfig,
)
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.currencies import USDC
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import TraderId
from nautilus_trader.model.objects import Money, Price
from nautilus_trader.model.orders import Order

from paradex_adapter import (
    PARADEX,
    ParadexDataClientConfig,
    ParadexEnvironment,
    ParadexExecClientConfig,
    ParadexLiveDataClientFactory,
    ParadexLiveExecClientFactory,
)
from paradex_adapter.local_exchange import LocalExchange, TradingKey
from tests.integration.agreed_books import until_agreed
from tests.integration.trading_node import BTC, WAIT_SECS, Trader, until

MARKET = "BTC-USD-PERP"
BALANCE = Decimal(5_000)


@asynccontextmanager
async def node_of(
    trader_name: str, exchange: LocalExchange, key: TradingKey, client_name: str = PARADEX
) -> AsyncIterator[Trader]:
    """Run a node that trades one account, and give its strategy."""
    common = {
        "environment": ParadexEnvironment.TESTNET,
        "base_url_http": exchange.base_url_http,
        "base_url_ws": exchange.base_url_ws,
        "instrument_provider": InstrumentProviderConfig(load_all=True),
    }
    account = {"account_address": key.account_address, "private_key": hex(key.private_key)}
    node = TradingNode(
        TradingNodeConfig(
            trader_id=TraderId(f"{trader_name}-001"),
            logging=LoggingConfig(log_level="ERROR"),
            exec_engine=LiveExecEngineConfig(graceful_shutdown_on_exception=True),
            data_clients={client_name: ParadexDataClientConfig(**common)},
            exec_clients={client_name: ParadexExecClientConfig(**common, **account)},
            timeout_connection=WAIT_SECS,
            timeout_post_stop=0.1,
        ),
        loop=asyncio.get_running_loop(),
    )
    trader = Trader()
    node.trader.add_strategy(trader)
    node.add_data_client_factory(client_name, ParadexLiveDataClientFactory)
    node.add_exec_client_factory(client_name, ParadexLiveExecClientFactory)
    node.build()
    running = asyncio.create_task(node.run_async())
    try:
        await until(lambda: node.trader.is_running, "the node started")
        yield trader
        await until_agreed(node, exchange)
    finally:
        await node.stop_async()
        await asyncio.wait([running], timeout=WAIT_SECS)
        running.cancel()
        node.kernel.dispose()


def with_liquidity(exchange: LocalExchange) -> LocalExchange:
    exchange.place_liquidity(MARKET, "BUY", "89990", "1")
    exchange.place_liquidity(MARKET, "SELL", "90010", "1")
    return exchange


def sizes(exchange: LocalExchange, key: TradingKey) -> list[str]:
    return [fill["size"] for fill in exchange.fills(key.account_address)]


def has_balance_of(order: Order, trader: Trader, exchange: LocalExchange, key: TradingKey) -> bool:
    (row,) = exchange.balances(key.account_address)
    account = trader.portfolio.account(account_id=order.account_id)
    return account.balance_total(USDC).as_decimal() == Decimal(row["size"]) != BALANCE


async def test_two_accounts_trade_apart():
    async with LocalExchange(simulation_interval_ms=0) as exchange:
        with_liquidity(exchange)
        alice = exchange.add_account("alice", balance=BALANCE)
        bob = exchange.add_account("bob", balance=BALANCE)
        async with node_of("ALICE", exchange, alice) as one, node_of("BOB", exchange, bob) as two:
            bought = one.market(OrderSide.BUY, "0.01")
            sold = two.market(OrderSide.SELL, "0.02")
            await until(lambda: bought.is_closed and sold.is_closed, "both were filled")

            assert sizes(exchange, alice) == ["0.01"]
            assert sizes(exchange, bob) == ["0.02"]
            assert bought.account_id != sold.account_id
            assert bought.account_id.get_issuer() == sold.account_id.get_issuer() == PARADEX
            assert one.portfolio.net_position(BTC) == Decimal("0.01")
            assert one.portfolio.unrealized_pnl(BTC, Price.from_str("90110.0")) == Money(1, USDC)
            assert two.portfolio.net_position(BTC) == Decimal("-0.02")
            await until(lambda: has_balance_of(bought, one, exchange, alice), "alice's balance")
            await until(lambda: has_balance_of(sold, two, exchange, bob), "bob's balance")


async def test_two_exchanges_are_traded_apart():
    async with (
        LocalExchange(seed=1, simulation_interval_ms=0) as first,
        LocalExchange(seed=2, simulation_interval_ms=0) as second,
    ):
        with_liquidity(first)
        with_liquidity(second)
        here = first.add_account("here", balance=BALANCE)
        there = second.add_account("there", balance=BALANCE)
        async with (
            node_of("ONE", first, here, "HERE") as one,
            node_of("TWO", second, there, "THERE") as two,
        ):
            orders = [one.market(OrderSide.BUY, "0.01"), two.market(OrderSide.BUY, "0.03")]
            await until(lambda: all(order.is_closed for order in orders), "both were filled")

            assert sizes(first, here) == ["0.01"]
            assert sizes(second, there) == ["0.03"]
            assert first.fills() == second.fills() == []
            assert [order.account_id.get_issuer() for order in orders] == ["HERE", "THERE"]
            higher, account_id = Price.from_str("90110.0"), orders[0].account_id
            assert one.portfolio.unrealized_pnl(BTC, higher, account_id) == Money(1, USDC)


async def test_an_account_is_shared_with_another_client_and_with_the_venue() -> None:
    async with LocalExchange(simulation_interval_ms=0) as exchange:
        with_liquidity(exchange)
        key = exchange.add_account("alice", balance=BALANCE)
        address = key.account_address

        def is_held(trader: Trader, size: str) -> bool:
            (position,) = exchange.positions(address)
            net = trader.portfolio.net_position(BTC)
            return net == Decimal(size) == Decimal(position["size"])

        async with node_of("ALICE", exchange, key) as trader:
            order = trader.market(OrderSide.BUY, "0.02")
            resting = trader.limit(OrderSide.BUY, "0.01", "80000.0")
            await until(lambda: order.is_closed and resting.is_open, "one filled, one rests")

            exchange.place_order("BUY", "0.03", account_address=address)
            await until(lambda: is_held(trader, "0.05"), "the other client's fill")
            exchange.block_trade(MARKET, "SELL", "0.01", account_address=address)
            await until(lambda: is_held(trader, "0.04"), "the block trade")
            exchange.deposit(100, address)
            await until(lambda: has_balance_of(order, trader, exchange, key), "the deposit")
            exchange.accrue_funding(MARKET, 50)
            exchange.liquidate(address, share="0.5")
            await until(lambda: is_held(trader, "0.02"), "the liquidation")
            await until(lambda: resting.is_closed, "the canceled order")
            await until(lambda: has_balance_of(order, trader, exchange, key), "what it cost")

            assert trader.told_of(resting)[-1] == "OrderCanceled"
            # The orders of others are known, and are not the strategy's.
            others = [o for o in trader.cache.orders() if o.strategy_id != trader.id]
            assert sorted(str(o.filled_qty.as_decimal().normalize()) for o in others) == [
                "0.01",
                "0.02",
                "0.03",
            ]


async def test_a_node_shows_the_fees_of_its_account():
    async with LocalExchange(simulation_interval_ms=0) as exchange:
        key = exchange.add_account("alice", balance=BALANCE)
        async with node_of("ALICE", exchange, key) as trader:
            instrument = trader.cache.instrument(BTC)

            assert instrument.maker_fee == Decimal("0.00003")
            assert instrument.taker_fee == Decimal("0.00045")
            assert instrument.min_notional.as_decimal() == 10
            assert instrument.info["quote_currency"] == "USD"
