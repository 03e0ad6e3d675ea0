"""What the venue does to an account by itself: funding, busts, liquidations, settlement."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest
from nautilus_trader.model.currencies import USDC
from nautilus_trader.model.enums import OrderSide, OrderStatus

from paradex_adapter import ParadexFundingPayment, ParadexTradeBust, trading_desk
from paradex_adapter.local_exchange import LocalExchange
from paradex_adapter.mass_status import MassStatus
from paradex_adapter.order_news import OrderNews
from paradex_adapter_core.messages.account import FundingPayment
from paradex_adapter_core.messages.orders import Fill, OrderUpdate, TradeBust
from tests.integration.carried_cache import CarriedCache
from tests.integration.trading_node import BTC, RunningNode, Trader, running_node, until

MARKET = "BTC-USD-PERP"


class Listener(Trader):
    """A trader that takes the account's custom data."""

    def __init__(self) -> None:
        super().__init__()
        self.data: list[Any] = []

    def on_start(self) -> None:
        for kind in (ParadexFundingPayment, ParadexTradeBust):
            self.msgbus.subscribe(topic=f"data.{kind.__name__}*", handler=self.on_data)

    def on_data(self, data: Any) -> None:
        self.data.append(data)


@pytest.fixture
async def exchange() -> AsyncIterator[LocalExchange]:
    async with LocalExchange(seed=5, simulation_interval_ms=0) as exchange:
        exchange.place_liquidity(MARKET, "BUY", "89990", "0.5")
        exchange.place_liquidity(MARKET, "SELL", "90010", "0.5")
        yield exchange


@pytest.fixture
async def run(exchange: LocalExchange) -> AsyncIterator[RunningNode]:
    async with running_node(exchange, [Listener()]) as run:
        yield run


async def traded(run: RunningNode, side: OrderSide, quantity: str) -> Any:
    order = run.trader.market(side, quantity)
    await until(lambda: order.status == OrderStatus.FILLED, "the order was filled")
    return order


def size_held(run: RunningNode) -> Decimal:
    return sum((p.signed_decimal_qty() for p in run.cache.positions_open()), Decimal(0))


def balance_told(run: RunningNode) -> Decimal:
    account = run.cache.account(run.client.account_id)
    return account.balance_total(account.currencies()[0]).as_decimal()


def balance_there(exchange: LocalExchange) -> Decimal:
    return Decimal(next(row["size"] for row in exchange.balances() if row["token"] == "USDC"))


async def until_balanced(run: RunningNode) -> None:
    await until(
        lambda: abs(balance_told(run) - balance_there(run.exchange)) < Decimal("1e-6"),
        "the balance agrees",
    )


@pytest.mark.parametrize("mark", ["90010", "85000", "90100"])
async def test_what_is_free_is_what_the_venue_calls_so(
    exchange: LocalExchange, run: RunningNode, mark: str
) -> None:
    await traded(run, OrderSide.BUY, "0.5")
    exchange.set_mark_price(MARKET, mark)
    run.trader.query_account(run.client.account_id)
    account = run.cache.account(run.client.account_id)
    free = Decimal(exchange.account_summary()["free_collateral"])
    await until(lambda: account.balance_free(USDC).as_decimal() == free, "the venue's number")
    balance = account.balance(USDC)
    assert balance.free.raw + balance.locked.raw == balance.total.raw


async def test_funding_is_published_and_in_the_balance(
    exchange: LocalExchange, run: RunningNode
) -> None:
    await traded(run, OrderSide.BUY, "0.1")
    exchange.set_funding_index(MARKET, "25")
    await traded(run, OrderSide.SELL, "0.1")
    await until(lambda: bool(run.trader.data), "funding was published")
    (payment,) = run.trader.data
    (fill,) = [row for row in exchange.fills() if row["side"] == "SELL"]
    assert payment.instrument_id == BTC
    assert payment.account_id == run.client.account_id.value
    realized = Decimal(fill["realized_funding"])
    assert realized != 0
    assert abs(payment.payment - realized) <= Decimal("1e-8")
    assert payment.fill_id == fill["id"]
    await until_balanced(run)
    await run.until_agreed()


async def test_funding_of_a_lost_connection_is_published_once(
    exchange: LocalExchange, run: RunningNode
) -> None:
    await traded(run, OrderSide.BUY, "0.1")
    resting = run.trader.limit(OrderSide.SELL, "0.1", "90500")
    await until(lambda: resting.is_open, "the order rests")
    exchange.set_funding_index(MARKET, "25")
    session = run.client.session
    exchange.refuse_connections()
    exchange.drop_connections("private")
    await until(lambda: not session.is_ready)
    exchange.fill_order(resting.venue_order_id.value)
    exchange.refuse_connections(is_refusing=False)
    await until(lambda: session.is_ready and not session.is_recovering)
    await until(lambda: bool(run.trader.data), "funding was published")
    # A second catch-up reads it again.
    exchange.drop_connections("private")
    await until(lambda: not session.is_ready)
    await until(lambda: session.is_ready and not session.is_recovering)
    assert len(run.trader.data) == 1
    await run.until_agreed()


async def test_funding_of_an_earlier_run_is_not_published_again(exchange: LocalExchange) -> None:
    async with running_node(exchange, [Listener()]) as run:
        await traded(run, OrderSide.BUY, "0.1")
        exchange.set_funding_index(MARKET, "25")
        await traded(run, OrderSide.SELL, "0.05")
        await until(lambda: bool(run.trader.data), "funding was published")
    async with running_node(exchange, [Listener()]) as run:
        session = run.client.session
        exchange.drop_connections("private")
        await until(lambda: not session.is_ready)
        exchange.set_funding_index(MARKET, "50")
        exchange.place_order("SELL", "0.05")
        await until(lambda: bool(run.trader.data), "funding was published")
        await until(lambda: session.is_ready and not session.is_recovering)
        (paid,) = [row for row in exchange.fills() if row["remaining_size"] == "0"][-1:]
        assert [payment.fill_id for payment in run.trader.data] == [paid["id"]]


async def test_a_bust_is_published_and_the_position_follows(
    exchange: LocalExchange, run: RunningNode
) -> None:
    await traded(run, OrderSide.BUY, "0.1")
    busted = await traded(run, OrderSide.BUY, "0.02")
    fill = next(row for row in exchange.fills() if row["client_id"] == busted.client_order_id.value)
    exchange.bust_fill(fill["id"])
    run.why_apart = "NautilusTrader cannot take back a fill of an order"
    await until(lambda: bool(run.trader.data), "the bust was published")
    (bust,) = run.trader.data
    assert (bust.trade_id, bust.client_order_id) == (fill["id"], busted.client_order_id.value)
    (position,) = exchange.positions()
    await until(lambda: size_held(run) == Decimal(position["size"]), "the position follows")
    await until_balanced(run)


def bust_order(exchange: LocalExchange, order: Any) -> str:
    """Take back the fill of an order; return its id."""
    fill = next(row for row in exchange.fills() if row["order_id"] == order.venue_order_id.value)
    exchange.bust_fill(fill["id"])
    return str(fill["id"])


async def test_a_fill_on_its_way_is_not_made_up_after_a_bust(
    exchange: LocalExchange, run: RunningNode
) -> None:
    """The venue's position holds it before the stream tells it."""
    run.why_apart = "NautilusTrader cannot take back a fill of an order"
    await traded(run, OrderSide.BUY, "0.1")
    busted = await traded(run, OrderSide.BUY, "0.02")
    resting = run.trader.limit(OrderSide.BUY, "0.03", "89000")
    await until(lambda: resting.is_open, "the order rests")
    connection: Any = run.client.session._connection
    take, late = connection._on_message, []

    def take_late(message: Any, ts_init: int) -> None:
        if isinstance(message, Fill | OrderUpdate):
            late.append((message, ts_init))
        else:
            take(message, ts_init)

    connection._on_message = take_late
    exchange.fill_order(resting.venue_order_id.value)
    bust_order(exchange, busted)
    await until(lambda: len(late) > 1 and bool(run.trader.data), "the bust is known")
    asked = AsyncMock(wraps=run.client._desk.answers.report_positions)
    run.client._desk.answers.report_positions = asked
    await until(lambda: asked.await_count > 1, "the position was looked at")
    connection._on_message = take
    for message, ts_init in late:
        take(message, ts_init)
    await until(lambda: size_held(run) == Decimal("0.13"), "the position follows")
    # Nothing comes after: the position was settled by one report.
    await until(lambda: all(t.done() for t in run.client._desk.busted_positions._tasks.values()))
    assert size_held(run) == Decimal("0.13")


async def test_several_busts_at_once(exchange: LocalExchange, run: RunningNode) -> None:
    run.why_apart = "NautilusTrader cannot take back a fill of an order"
    await traded(run, OrderSide.BUY, "0.1")
    busted = [await traded(run, OrderSide.BUY, "0.02") for _ in range(3)]
    told = [bust_order(exchange, order) for order in busted]
    await until(lambda: size_held(run) == Decimal("0.1"), "the position follows")
    assert [bust.trade_id for bust in run.trader.data] == told


async def test_a_bust_of_an_order_of_others(exchange: LocalExchange, run: RunningNode) -> None:
    run.why_apart = "NautilusTrader cannot take back a fill of an order"
    await traded(run, OrderSide.BUY, "0.1")
    exchange.place_order("SELL", "0.04")
    await until(lambda: size_held(run) == Decimal("0.06"), "the position follows")
    (external,) = [order for order in run.cache.orders() if order.strategy_id != run.trader.id]
    fill_id = bust_order(exchange, external)
    await until(lambda: size_held(run) == Decimal("0.1"), "the position follows")
    assert [bust.trade_id for bust in run.trader.data] == [fill_id]


async def test_what_comes_while_the_engine_reconciles_is_told_afterwards(
    exchange: LocalExchange,
) -> None:
    async with running_node(exchange) as run:
        await traded(run, OrderSide.BUY, "0.1")
        busted = await traded(run, OrderSide.BUY, "0.02")

    def before(node: Any) -> None:
        (client,) = node.kernel.exec_engine._clients.values()
        answer = client.generate_mass_status

        async def answer_late(*args: Any) -> Any:
            bust_order(exchange, busted)
            exchange.set_funding_index(MARKET, "25")
            exchange.place_order("SELL", "0.04")
            held = client.session.book._held
            await until(lambda: sum(isinstance(m, TradeBust | FundingPayment) for m in held) > 1)
            return await answer(*args)

        client.generate_mass_status = answer_late

    async with running_node(exchange, [Listener()], before=before) as run:
        run.why_apart = "NautilusTrader cannot take back a fill of an order"
        await until(lambda: size_held(run) == Decimal("0.06"), "the position follows")
        await until(lambda: len(run.trader.data) == 2, "both were published")
        assert {type(data) for data in run.trader.data} == {ParadexTradeBust, ParadexFundingPayment}


class Warnings:
    """What a node warns of: news of orders, and answers to a reconciliation."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._log = Mock()
        for kind in (OrderNews, MassStatus):
            monkeypatch.setattr(
                trading_desk, kind.__name__, lambda *args, kind=kind: kind(*args[:-1], self._log)
            )

    @property
    def lines(self) -> list[str]:
        return [call.args[0] for call in self._log.warning.call_args_list]


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> Warnings:
    """Listen to the nodes of a test, those that start after this."""
    return Warnings(monkeypatch)


async def test_fills_without_an_own_order_are_warned_of(
    exchange: LocalExchange, warnings: Warnings
) -> None:
    async with running_node(exchange) as run:
        await traded(run, OrderSide.BUY, "0.1")
        exchange.place_order("SELL", "0.02")
        exchange.block_trade(MARKET, "SELL", "0.03", "90000")
        await until(lambda: size_held(run) == Decimal("0.05"), "the position follows")
        other = next(row["id"] for row in exchange.orders() if row["side"] == "SELL")
        assert sorted(warnings.lines) == [
            "BLOCK_TRADE of BTC-USD-PERP: SELL 0.03 at 90000, a trade without an order of yours",
            f"FILL of BTC-USD-PERP: SELL 0.02 at 89990, of order {other}, which was not sent from "
            "here: of another client, or part of a TWAP order",
        ]


@pytest.mark.parametrize("reason", ["DELEVERAGE", "IN_LIQUIDATION", "USER_CANCELED"])
async def test_orders_taken_off_for_want_of_margin_are_warned_of(
    exchange: LocalExchange, warnings: Warnings, reason: str
) -> None:
    async with running_node(exchange) as run:
        order = run.trader.limit(OrderSide.BUY, "0.01", "80000")
        await until(lambda: order.is_open)
        exchange.cancel_order(order.venue_order_id.value, reason)
        await until(lambda: order.is_closed)
    warned = [line for line in warnings.lines if line.endswith(f"canceled: {reason}")]
    assert len(warned) == (reason != "USER_CANCELED")


@pytest.mark.parametrize("is_kept", [True, False])
async def test_fills_while_the_node_is_down_are_warned_of(
    exchange: LocalExchange, warnings: Warnings, is_kept: bool
) -> None:
    async with running_node(exchange) as run:
        await traded(run, OrderSide.BUY, "0.1")
        exchange.block_trade(MARKET, "SELL", "0.01", "90000")
        await until(lambda: size_held(run) == Decimal("0.09"), "the position follows")
        kept = CarriedCache(run.node)
    warned = len(warnings.lines)
    exchange.place_order("SELL", "0.02")
    for _ in range(2):
        exchange.unwind_transfer(MARKET, "SELL", "0.02", "90000")
    await until(lambda: len(exchange.fills()) == 5)
    async with running_node(exchange, before=kept.put if is_kept else None):
        lines = warnings.lines[warned:]
    unwound = "UNWIND_TRANSFER of BTC-USD-PERP: SELL 0.02 at 90000 and 1 before it"
    if is_kept:
        # What the engine remembers is no news.
        what = [unwound, "FILL of BTC-USD-PERP: SELL 0.02 at 89990"]
    else:
        # It cannot tell by whom an ordinary order was sent.
        what = [unwound, "BLOCK_TRADE of BTC-USD-PERP: SELL 0.01 at 90000"]
    assert sorted(lines) == sorted(f"{each}, a trade without an order of yours" for each in what)


async def test_a_liquidation_is_an_external_order_and_said_so(
    exchange: LocalExchange, run: RunningNode, capfd: pytest.CaptureFixture[str]
) -> None:
    await traded(run, OrderSide.BUY, "0.1")
    resting = run.trader.limit(OrderSide.BUY, "0.01", "80000")
    await until(lambda: resting.is_open, "the order rests")
    exchange.liquidate(market=MARKET, share="0.4")
    await until(lambda: resting.is_closed, "the venue canceled the order")
    await until(lambda: size_held(run) == Decimal("0.06"), "the position follows")
    await until_balanced(run)
    await run.until_agreed()
    assert "LIQUIDATION" in capfd.readouterr().err


@pytest.mark.parametrize("kind", ["unwind_transfer", "block_trade"])
async def test_fills_without_an_order_become_external_ones(
    exchange: LocalExchange, run: RunningNode, kind: str
) -> None:
    await traded(run, OrderSide.BUY, "0.1")
    getattr(exchange, kind)(MARKET, "SELL", "0.03", "90000")
    await until(lambda: size_held(run) == Decimal("0.07"), "the position follows")
    await until_balanced(run)
    await run.until_agreed()
    external = [o for o in run.cache.orders() if o.strategy_id != run.trader.id]
    assert len(external) == 1


async def test_a_settled_market_closes_its_position(
    exchange: LocalExchange, run: RunningNode
) -> None:
    await traded(run, OrderSide.BUY, "0.1")
    resting = run.trader.limit(OrderSide.BUY, "0.01", "80000")
    await until(lambda: resting.is_open, "the order rests")
    exchange.settle_market(MARKET, "91000")
    await until(lambda: resting.is_closed, "the order ended with its market")
    await until(lambda: size_held(run) == 0, "the position is closed")
    await until_balanced(run)
    await run.until_agreed()
