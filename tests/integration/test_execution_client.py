"""The execution client in a real node, against the local exchange: the full order flow."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.config import LiveExecEngineConfig
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import (
    GenerateFillReports,
    GenerateOrderStatusReport,
    GenerateOrderStatusReports,
    GeneratePositionStatusReports,
)
from nautilus_trader.model.currencies import USDC
from nautilus_trader.model.data import IndexPriceUpdate
from nautilus_trader.model.enums import (
    LiquiditySide,
    OrderSide,
    OrderStatus,
    PositionSide,
    TimeInForce,
)
from nautilus_trader.model.identifiers import ClientOrderId
from nautilus_trader.model.instruments import CryptoOption
from nautilus_trader.model.objects import Money, Price, Quantity

from paradex_adapter.local_exchange import LocalExchange
from paradex_adapter.venue.errors import VenueUnavailable
from tests.integration.trading_node import (
    BTC,
    ETH,
    RunningNode,
    Trader,
    make_node,
    running_node,
    until,
)

MARKET = "BTC-USD-PERP"
ACCEPTED_FLOW = ["OrderInitialized", "OrderSubmitted", "OrderAccepted"]


@pytest.fixture
async def exchange() -> AsyncIterator[LocalExchange]:
    """An exchange with one level on either side of two books and nobody else trading."""
    async with LocalExchange(seed=1, simulation_interval_ms=0) as exchange:
        exchange.place_liquidity(MARKET, "BUY", "89990", "0.5")
        exchange.place_liquidity(MARKET, "SELL", "90010", "0.5")
        exchange.place_liquidity("ETH-USD-PERP", "BUY", "2999", "10")
        exchange.place_liquidity("ETH-USD-PERP", "SELL", "3001", "10")
        yield exchange


@pytest.fixture
async def run(exchange: LocalExchange) -> AsyncIterator[RunningNode]:
    async with running_node(exchange) as run:
        yield run


async def resting(run: RunningNode, side: OrderSide, quantity: str, price: str, **options: Any):
    order = run.trader.limit(side, quantity, price, **options)
    await until(lambda: order.status == OrderStatus.ACCEPTED, "the order rests")
    return order


# -- orders -----------------------------------------------------------------------------------


async def test_a_market_order_is_filled_with_fee_and_position(run: RunningNode) -> None:
    order = run.trader.market(OrderSide.BUY, "0.01")
    await until(lambda: order.is_closed)
    assert run.trader.told_of(order) == [*ACCEPTED_FLOW, "OrderFilled"]
    fill = order.last_event
    assert fill.last_px == Price.from_str("90010.0")
    assert fill.last_qty == Quantity.from_str("0.01000")
    assert fill.commission == Money(Decimal("0.405045"), USDC)
    assert fill.liquidity_side == LiquiditySide.TAKER
    assert fill.currency == USDC
    assert fill.info["fill_type"] == "FILL"
    (position,) = run.cache.positions_open()
    assert position.side == PositionSide.LONG
    assert position.avg_px_open == 90010.0


async def test_times_are_the_venues_in_nanoseconds(run: RunningNode) -> None:
    order = run.trader.market(OrderSide.BUY, "0.01")
    await until(lambda: order.is_closed)
    (told,) = run.exchange.fills()
    assert order.last_event.ts_event == told["created_at"] * 1_000_000


async def test_a_limit_order_rests_and_is_canceled(run: RunningNode) -> None:
    order = await resting(run, OrderSide.BUY, "0.01", "89000")
    (row,) = run.exchange.orders()
    assert order.venue_order_id.value == row["id"]
    assert row["client_id"] == order.client_order_id.value
    run.trader.cancel_order(order)
    await until(lambda: order.is_closed)
    assert run.trader.told_of(order) == [*ACCEPTED_FLOW, "OrderPendingCancel", "OrderCanceled"]


async def test_an_order_goes_out_as_it_was_made(run: RunningNode) -> None:
    order = await resting(run, OrderSide.SELL, "0.12345", "91000.1", post_only=True)
    sent = run.exchange.received_order(order.client_order_id.value)
    assert sent is not None
    assert sent["market"] == MARKET
    assert sent["side"] == "SELL"
    assert sent["type"] == "LIMIT"
    assert sent["size"] == "0.12345"
    assert sent["price"] == "91000.1"
    assert sent["instruction"] == "POST_ONLY"
    # Shorter than NautilusTrader waits for what became of an order, by default.
    checks = LiveExecEngineConfig()
    patience_ms = checks.inflight_check_threshold_ms * checks.inflight_check_retries
    assert sent["recv_window"] == 10_000 < patience_ms / 2


async def test_a_maker_fill_pays_the_makers_fee(run: RunningNode) -> None:
    order = await resting(run, OrderSide.SELL, "0.1", "90000")
    run.exchange.take_liquidity(MARKET, "BUY", "0.04")
    await until(lambda: order.status == OrderStatus.PARTIALLY_FILLED)
    run.exchange.take_liquidity(MARKET, "BUY", "0.06")
    await until(lambda: order.is_closed)
    assert run.trader.told_of(order) == [*ACCEPTED_FLOW, "OrderFilled", "OrderFilled"]
    assert order.last_event.liquidity_side == LiquiditySide.MAKER
    assert order.last_event.commission == Money(Decimal("0.162"), USDC)


async def test_a_post_only_order_that_would_cross_is_rejected_as_such(run: RunningNode) -> None:
    order = run.trader.limit(OrderSide.BUY, "0.01", "90010", post_only=True)
    await until(lambda: order.is_closed)
    assert run.trader.told_of(order) == ["OrderInitialized", "OrderSubmitted", "OrderRejected"]
    rejected = order.last_event
    assert rejected.due_post_only
    assert rejected.reason == "POST_ONLY_WOULD_CROSS"


async def test_an_ioc_order_fills_what_there_is_and_is_canceled(run: RunningNode) -> None:
    order = run.trader.limit(OrderSide.BUY, "0.8", "90010", time_in_force=TimeInForce.IOC)
    await until(lambda: order.is_closed)
    assert run.trader.told_of(order) == [*ACCEPTED_FLOW, "OrderFilled", "OrderCanceled"]
    assert order.filled_qty == Quantity.from_str("0.50000")


async def test_an_ioc_order_that_meets_nothing_is_canceled(run: RunningNode) -> None:
    order = run.trader.limit(OrderSide.BUY, "0.1", "89000", time_in_force=TimeInForce.IOC)
    await until(lambda: order.is_closed)
    assert order.status == OrderStatus.CANCELED
    assert order.filled_qty == 0


async def test_reduce_only_closes_a_position_and_opens_none(run: RunningNode) -> None:
    refused = run.trader.market(OrderSide.SELL, "0.01", reduce_only=True)
    await until(lambda: refused.is_closed)
    assert refused.status == OrderStatus.REJECTED
    assert refused.last_event.reason == "REDUCE_ONLY_WILL_INCREASE"
    entry = run.trader.market(OrderSide.BUY, "0.01")
    await until(lambda: entry.is_closed)
    leave = run.trader.market(OrderSide.SELL, "0.01", reduce_only=True)
    await until(lambda: leave.is_closed)
    assert leave.status == OrderStatus.FILLED
    await until(lambda: not run.cache.positions_open())


async def test_an_order_without_margin_is_rejected_by_the_engines_word(run: RunningNode) -> None:
    order = run.trader.limit(OrderSide.BUY, "90", "89000")
    await until(lambda: order.is_closed)
    assert order.last_event.reason == "NOT_ENOUGH_MARGIN"
    assert run.trader.told_of(order)[-1] == "OrderRejected"


async def test_an_order_the_gateway_refuses_is_rejected_with_its_words(run: RunningNode) -> None:
    order = run.trader.limit(OrderSide.BUY, "0.01", "200000")
    await until(lambda: order.is_closed)
    assert run.trader.told_of(order) == ["OrderInitialized", "OrderSubmitted", "OrderRejected"]
    assert order.venue_order_id is None
    assert order.last_event.reason


async def test_a_position_is_flipped_and_its_profit_is_the_venues(run: RunningNode) -> None:
    for side, quantity in (
        (OrderSide.BUY, "0.1"),
        (OrderSide.SELL, "0.25"),
        (OrderSide.BUY, "0.15"),
        (OrderSide.SELL, "0.05"),
    ):
        order = run.trader.market(side, quantity)
        await until(lambda order=order: order.is_closed)
    await run.until_agreed()


# -- denied here ------------------------------------------------------------------------------


def _market_to_limit(trader: Trader) -> Any:
    instrument = trader.cache.instrument(BTC)
    return trader.order_factory.market_to_limit(BTC, OrderSide.BUY, instrument.make_qty(0.01))


def _fok(trader: Trader) -> Any:
    instrument = trader.cache.instrument(BTC)
    return trader.order_factory.limit(
        BTC,
        OrderSide.BUY,
        instrument.make_qty(0.01),
        instrument.make_price(89000),
        time_in_force=TimeInForce.FOK,
    )


def _off_step(trader: Trader) -> Any:
    return trader.order_factory.market(BTC, OrderSide.BUY, Quantity.from_str("0.000001"))


def _off_tick(trader: Trader) -> Any:
    return trader.order_factory.limit(
        BTC, OrderSide.BUY, Quantity.from_str("0.01"), Price.from_str("89000.05")
    )


def _long_id(trader: Trader) -> Any:
    return trader.order_factory.market(
        BTC, OrderSide.BUY, Quantity.from_str("0.01"), client_order_id=ClientOrderId("O" * 65)
    )


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_market_to_limit, "MARKET_TO_LIMIT is not supported"),
        (_fok, "FOK is not supported"),
        (_off_step, "not a multiple"),
        (_off_tick, "not a multiple"),
        (_long_id, "64"),
    ],
)
async def test_what_the_venue_has_no_form_for_is_denied_here(
    run: RunningNode, make: Any, words: str
) -> None:
    order = make(run.trader)
    run.trader.submit_order(order)
    await until(lambda: order.is_closed)
    assert run.trader.told_of(order) == ["OrderInitialized", "OrderDenied"]
    assert words in order.last_event.reason
    assert run.exchange.orders() == []


async def test_a_plain_list_is_sent(run: RunningNode) -> None:
    trader, instrument = run.trader, run.cache.instrument(BTC)
    plain = trader.order_factory.create_list(
        [
            trader.order_factory.limit(
                BTC, OrderSide.BUY, instrument.make_qty(0.01), instrument.make_price(price)
            )
            for price in (88000, 88500)
        ]
    )
    trader.submit_order_list(plain)
    await until(lambda: all(order.status == OrderStatus.ACCEPTED for order in plain.orders))


# -- cancels ----------------------------------------------------------------------------------


async def test_cancel_all_is_never_wider_than_its_command(exchange: LocalExchange) -> None:
    traders = [Trader("000"), Trader("001")]
    async with running_node(exchange, traders) as run:
        mine, other = traders
        buy = await resting(run, OrderSide.BUY, "0.01", "89000")
        buys = [buy, await resting(run, OrderSide.BUY, "0.01", "88900")]
        sell = await resting(run, OrderSide.SELL, "0.01", "91000")
        elsewhere = await resting(run, OrderSide.BUY, "0.1", "2900", instrument_id=ETH)
        others = other.limit(OrderSide.BUY, "0.01", "89000")
        await until(lambda: others.is_open)
        mine.cancel_all_orders(BTC, OrderSide.BUY)
        await until(lambda: all(order.is_closed for order in buys))
        assert [order.status for order in (sell, elsewhere, others)] == [OrderStatus.ACCEPTED] * 3
        mine.cancel_all_orders(BTC)
        await until(lambda: sell.is_closed)
        assert elsewhere.is_open
        assert others.is_open
        await run.until_agreed()


async def test_a_batch_of_cancels_is_carried_out_one_by_one(run: RunningNode) -> None:
    orders = [await resting(run, OrderSide.BUY, "0.01", str(89000 - n)) for n in range(3)]
    run.trader.cancel_orders(orders[:2])
    await until(lambda: all(order.is_closed for order in orders[:2]))
    assert orders[2].is_open


async def test_a_cancel_that_comes_too_late_leaves_the_order_filled(run: RunningNode) -> None:
    order = await resting(run, OrderSide.SELL, "0.01", "90000")
    run.exchange.take_liquidity(MARKET, "BUY", "0.01")
    # Sent before the fill was heard of.
    run.trader.cancel_order(order)
    await until(lambda: order.is_closed)
    assert order.status == OrderStatus.FILLED


async def test_an_order_is_canceled_before_it_is_accepted(run: RunningNode) -> None:
    run.exchange.hold_outcomes()
    order = run.trader.limit(OrderSide.BUY, "0.01", "89000")
    await until(lambda: order.status == OrderStatus.SUBMITTED and bool(run.exchange.orders()))
    run.trader.cancel_order(order)
    await until(lambda: order.status == OrderStatus.PENDING_CANCEL)
    run.exchange.release_outcomes()
    await until(lambda: order.is_closed)
    assert order.status == OrderStatus.CANCELED


async def test_an_unanswered_cancel_is_asked_for_again(run: RunningNode) -> None:
    order = await resting(run, OrderSide.BUY, "0.01", "89000")
    run.exchange.fail_next("RPC", "order.cancel", -32603, "Internal error")
    run.trader.cancel_order(order)
    await until(lambda: order.is_closed)
    assert order.status == OrderStatus.CANCELED


async def test_a_refused_cancel_is_told(run: RunningNode) -> None:
    order = await resting(run, OrderSide.BUY, "0.01", "89000")
    run.exchange.fail_next("RPC", "order.cancel", 100, "SYSTEM_STATUS_MAINTENANCE")
    run.trader.cancel_order(order)
    await until(lambda: "OrderCancelRejected" in run.trader.told_of(order))
    assert order.status == OrderStatus.ACCEPTED


# -- account and queries ----------------------------------------------------------------------


async def test_the_account_state_adds_up_and_follows_the_fills(run: RunningNode) -> None:
    account = run.cache.account(run.client.account_id)
    assert str(run.client.account_id).startswith("PARADEX-")
    assert account.balance_total(USDC) == Money(100_000, USDC)
    order = run.trader.market(OrderSide.BUY, "0.1")
    await until(lambda: order.is_closed)
    expected = Decimal(100_000) - Decimal("90010") * Decimal("0.1") * Decimal("0.00045")
    await until(lambda: account.balance_total(USDC).as_decimal() == expected)
    balance = account.balance(USDC)
    assert balance.total.raw - balance.locked.raw == balance.free.raw
    assert balance.locked.raw > 0


async def test_the_account_is_queried(run: RunningNode) -> None:
    account = run.cache.account(run.client.account_id)
    before = account.event_count
    run.trader.query_account(run.client.account_id)
    await until(lambda: account.event_count > before)


async def test_an_order_is_queried_without_being_told_twice(run: RunningNode) -> None:
    order = await resting(run, OrderSide.BUY, "0.01", "89000")
    told = run.trader.told_of(order)
    run.trader.query_order(order)
    closed = run.trader.market(OrderSide.BUY, "0.01")
    await until(lambda: closed.is_closed)
    run.trader.query_order(closed)
    report = await run.client.generate_order_status_report(status_command(closed))
    assert report is not None
    assert report.order_status == OrderStatus.FILLED
    assert report.filled_qty == closed.filled_qty
    assert run.trader.told_of(order) == told
    assert run.trader.told_of(closed) == [*ACCEPTED_FLOW, "OrderFilled"]


def status_command(order: Any) -> GenerateOrderStatusReport:
    return GenerateOrderStatusReport(
        instrument_id=order.instrument_id,
        client_order_id=order.client_order_id,
        venue_order_id=order.venue_order_id,
        command_id=UUID4(),
        ts_init=0,
    )


def window(**fields: Any) -> dict[str, Any]:
    return {
        "instrument_id": None,
        "start": None,
        "end": None,
        "command_id": UUID4(),
        "ts_init": 0,
        **fields,
    }


async def test_reports_give_everything_whether_told_or_not(run: RunningNode) -> None:
    resting_order = await resting(run, OrderSide.BUY, "0.01", "89000")
    filled = run.trader.market(OrderSide.BUY, "0.02")
    await until(lambda: filled.is_closed)
    client = run.client
    everything = await client.generate_order_status_reports(
        GenerateOrderStatusReports(**window(open_only=False))
    )
    assert {report.order_status for report in everything} == {
        OrderStatus.ACCEPTED,
        OrderStatus.FILLED,
    }
    open_only = await client.generate_order_status_reports(
        GenerateOrderStatusReports(**window(open_only=True))
    )
    assert [report.client_order_id for report in open_only] == [resting_order.client_order_id]
    for _ in range(2):
        fills = await client.generate_fill_reports(
            GenerateFillReports(**window(venue_order_id=None))
        )
        assert [report.trade_id for report in fills] == filled.trade_ids
    (position,) = await client.generate_position_status_reports(
        GeneratePositionStatusReports(**window())
    )
    assert position.position_side == PositionSide.LONG
    assert position.avg_px_open == Decimal(90010)
    (flat,) = await client.generate_position_status_reports(
        GeneratePositionStatusReports(**window(instrument_id=ETH))
    )
    assert flat.position_side == PositionSide.FLAT


@pytest.mark.parametrize("path", ["/v1/positions", "/v1/orders", "/v1/fills"])
async def test_reports_raise_when_the_venue_does_not_answer(
    exchange: LocalExchange, path: str
) -> None:
    async with running_node(exchange, max_retries=1) as run:
        exchange.fail_next("GET", path, 503, count=2)
        client = run.client
        ask: dict[str, Callable[[], Awaitable[Any]]] = {
            "/v1/positions": lambda: client.generate_position_status_reports(
                GeneratePositionStatusReports(**window())
            ),
            "/v1/orders": lambda: client.generate_order_status_reports(
                GenerateOrderStatusReports(**window(open_only=True))
            ),
            "/v1/fills": lambda: client.generate_fill_reports(
                GenerateFillReports(**window(venue_order_id=None))
            ),
        }
        with pytest.raises(VenueUnavailable):
            await ask[path]()


async def test_a_commission_is_inferred_from_the_accounts_rates(run: RunningNode) -> None:
    instrument = run.cache.instrument(BTC)
    for side, fee in ((LiquiditySide.TAKER, "0.40500405"), (LiquiditySide.MAKER, "0.02700027")):
        commission = run.client.calculate_commission(
            instrument, Quantity.from_str("0.01"), Price.from_str("90000.9"), side
        )
        assert commission == Money(Decimal(fee), USDC)


async def test_an_options_commission_is_one_of_the_underlyings_value(run: RunningNode) -> None:
    option = next(i for i in run.cache.instruments() if isinstance(i, CryptoOption))
    quantity = option.make_qty(1)

    def fee(price: str) -> Decimal:
        premium = Price.from_str(price)
        taken = run.client.calculate_commission(option, quantity, premium, LiquiditySide.TAKER)
        return taken.as_decimal()

    # A hundredth of a percent, at most an eighth of the premium; the strike stands in.
    assert fee("1000.0") == option.strike_price.as_decimal() * Decimal("0.0001")
    assert fee("8.0") == 1
    run.cache.add_index_price(IndexPriceUpdate(option.id, Price.from_str("90000.0"), 1, 1))
    assert fee("1000.0") == 9


# -- connecting -------------------------------------------------------------------------------


async def start_failure(exchange: LocalExchange, capfd: Any, **options: Any) -> str:
    """Return the error lines of a node that cannot connect."""
    node = make_node(exchange, [Trader()], **options)
    (client,) = node.kernel.exec_engine._clients.values()
    client.connect()
    await until(lambda: not client._tasks or all(task.done() for task in client._tasks))
    assert not client.is_connected
    await client._disconnect()
    node.kernel.dispose()
    return await asyncio.to_thread(read_log, capfd)


def read_log(capfd: Any) -> str:
    text = ""
    for _ in range(100):
        out, err = capfd.readouterr()
        text += out + err
        if "[ERROR]" in text:
            break
        import time

        time.sleep(0.02)
    return text


async def test_a_wrong_chain_is_one_sentence(exchange: LocalExchange, capfd: Any) -> None:
    from paradex_adapter import ParadexEnvironment

    text = await start_failure(exchange, capfd, environment=ParadexEnvironment.MAINNET)
    assert "it is MAINNET, but" in text
    assert "Traceback" not in text


async def test_a_wrong_key_is_one_sentence_without_the_key(
    exchange: LocalExchange, capfd: Any
) -> None:
    key = "0x1234567890abcdef"
    text = await start_failure(exchange, capfd, private_key=key)
    assert "check account address, private key and environment" in text
    assert key not in text
    assert "Traceback" not in text


async def test_a_wrong_clock_is_one_sentence(exchange: LocalExchange, capfd: Any) -> None:
    exchange.set_clock_offset(60_000)
    text = await start_failure(exchange, capfd, recv_window_ms=5_000)
    assert "synchronize it" in text
    assert "Traceback" not in text


async def test_an_unreachable_venue_is_one_sentence(exchange: LocalExchange, capfd: Any) -> None:
    exchange.refuse_connections()
    text = await start_failure(exchange, capfd, max_retries=0)
    assert "venue unavailable" in text
    assert "Traceback" not in text
