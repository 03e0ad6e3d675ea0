"""What the configuration asks of the account and the venue: margins, profile, cancels, status."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.config import (
    InstrumentProviderConfig,
    LiveExecEngineConfig,
    LiveRiskEngineConfig,
    LoggingConfig,
    TradingNodeConfig,
)
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.enums import OrderSide, OrderStatus
from nautilus_trader.model.events import (
    OrderCancelRejected,
    OrderDenied,
    OrderModifyRejected,
    OrderRejected,
)
from nautilus_trader.model.identifiers import ClientId, TraderId, VenueOrderId

from paradex_adapter import PARADEX, ParadexExecClientConfig, ParadexLiveExecClientFactory
from paradex_adapter.local_exchange import LocalExchange
from paradex_adapter.venue.ethereum import EthereumKey
from paradex_adapter.venue.rate_limits import Scope
from tests.integration.agreed_books import until_agreed
from tests.integration.test_credential_kinds import ETHEREUM_KEY, ethereum_options
from tests.integration.test_execution_client import start_failure
from tests.integration.trading_node import (
    BTC,
    ETH,
    WAIT_SECS,
    Trader,
    leftover_tasks,
    make_node,
    running_node,
    until,
)

MARKET = "BTC-USD-PERP"


@pytest.fixture
async def exchange() -> AsyncIterator[LocalExchange]:
    options = {"simulation_interval_ms": 0, "onboarding_balance": 5_000}
    async with LocalExchange(seed=4, **options) as exchange:
        exchange.place_liquidity(MARKET, "BUY", "89990", "0.5")
        exchange.place_liquidity(MARKET, "SELL", "90010", "0.5")
        exchange.place_liquidity("ETH-USD-PERP", "BUY", "2999", "10")
        exchange.place_liquidity("ETH-USD-PERP", "SELL", "3001", "10")
        yield exchange


def reason_of(trader: Trader, order: Any, kind: type) -> str:
    told = [event for event in trader.told if isinstance(event, kind)]
    return next(e.reason for e in told if e.client_order_id == order.client_order_id)


# -- margin -------------------------------------------------------------------------------------


async def test_margin_settings_are_set_and_read_back_at_connecting(
    exchange: LocalExchange,
) -> None:
    wanted = {MARKET: (7, "CROSS")}
    async with running_node(exchange, margin_configs=wanted) as run:
        held = await run.client._http.get_account_margin(MARKET)
        assert b'"leverage":7' in held.replace(b" ", b"")
    # Where it is as wanted already nothing is set again.
    exchange.fail_next("POST /v1/account/margin", 400, "MARKET_MARGIN_RESTRICTED")
    async with running_node(exchange, margin_configs=wanted) as run:
        assert run.client.is_connected


async def test_a_margin_setting_the_venue_refuses_stops_the_client(
    exchange: LocalExchange, capfd: Any
) -> None:
    said = await start_failure(exchange, capfd, margin_configs={MARKET: (1_000, "CROSS")})
    assert f"margin_configs of {MARKET}: Paradex refuses it" in said


# -- trader profile -----------------------------------------------------------------------------


async def test_a_retail_trader_pays_nothing_and_is_known_as_one(exchange: LocalExchange) -> None:
    async with running_node(exchange, trader_profile="retail") as run:
        order = run.trader.market(OrderSide.BUY, "0.01")
        await until(lambda: order.is_closed, "the order was filled")
        await run.until_agreed()
        (told,) = exchange.orders()
        (fill,) = exchange.fills()
        assert "INTERACTIVE" in told["flags"]
        assert "interactive" in fill["flags"]
        assert fill["fee"] == "0"


async def test_a_retail_trader_is_kept_below_its_limits(exchange: LocalExchange) -> None:
    async with running_node(exchange, trader_profile="retail") as run:
        for number in range(5):
            order = run.trader.limit(OrderSide.BUY, "0.01", str(80_000 + number))
            await until(lambda order=order: order.is_open, "it was accepted")
        # The fourth and the fifth had to wait until the first were over a second ago.
        assert all("INTERACTIVE" in row["flags"] for row in exchange.orders())


async def test_a_retail_trader_past_its_limits_can_still_cancel_and_close(
    exchange: LocalExchange,
) -> None:
    async with running_node(exchange, trader_profile="retail") as run:
        bought = run.trader.market(OrderSide.BUY, "0.01")
        await until(lambda: bought.is_closed, "it was filled")
        resting = run.trader.limit(OrderSide.BUY, "0.01", "80000")
        await until(lambda: resting.is_open, "it rests")
        # As after a day of trading.
        run.client._http.limits._retail[-1].take(1000)
        late = run.trader.limit(OrderSide.BUY, "0.01", "80001")
        await until(lambda: late.is_closed, "it was rejected")
        assert "rate limited" in reason_of(run.trader, late, OrderRejected)
        run.trader.cancel_order(resting)
        await until(lambda: resting.is_closed, "it was canceled")
        assert not [event for event in run.trader.told if isinstance(event, OrderCancelRejected)]
        profit = run.trader.limit(OrderSide.SELL, "0.01", "95000", reduce_only=True)
        await until(lambda: profit.is_open, "it rests")
        run.trader.modify_order(profit, price=profit.price.from_str("94000.0"))
        await until(lambda: str(profit.price) == "94000.0", "it was changed")
        run.trader.cancel_order(profit)
        await until(lambda: profit.is_closed, "it was canceled")
        closing = run.trader.market(OrderSide.SELL, "0.01", reduce_only=True)
        await until(lambda: closing.is_closed, "it has its outcome")
        assert closing.status == OrderStatus.FILLED


async def test_orders_of_the_websocket_are_not_counted_as_rest_requests(
    exchange: LocalExchange,
) -> None:
    async with running_node(exchange) as run:
        # As the venue says it when the limit of the network address is used up.
        headers = {"limit": "1500", "window": "60", "remaining": "0"}
        run.client._http.limits.observe(
            Scope.PRIVATE_READ, 200, {f"x-ratelimit-{name}": n for name, n in headers.items()}
        )
        for number in range(50):
            run.trader.limit(OrderSide.BUY, "0.01", str(80_000 + number))
        await until(lambda: len(run.cache.orders_open()) == 50, "all of them rest")


# -- cancel on disconnect -------------------------------------------------------------------------


async def test_cancel_on_disconnect_is_armed_at_every_connect(exchange: LocalExchange) -> None:
    async with running_node(exchange, cancel_on_disconnect=True) as run:
        for _ in range(2):
            order = run.trader.limit(OrderSide.BUY, "0.01", "80000")
            await until(lambda order=order: order.is_open, "the order rests")
            exchange.drop_connections("private")
            await until(lambda order=order: order.is_closed, "the venue canceled it")
            assert order.status == OrderStatus.CANCELED
            await until(lambda: run.client.session.is_ready, "connected again")
        await run.until_agreed()


async def test_without_it_orders_outlive_the_connection(exchange: LocalExchange) -> None:
    async with running_node(exchange) as run:
        order = run.trader.limit(OrderSide.BUY, "0.01", "80000")
        await until(lambda: order.is_open, "the order rests")
        exchange.drop_connections("private")
        session = run.client.session
        await until(lambda: not session.is_ready)
        await until(lambda: session.is_ready and not session.is_recovering)
        assert order.is_open
        await run.until_agreed()


async def test_cancel_on_disconnect_leaves_a_position_its_stop_loss(
    exchange: LocalExchange,
) -> None:
    async with running_node(exchange, cancel_on_disconnect=True) as run:
        instrument = run.cache.instrument(BTC)
        orders = run.trader.order_factory.bracket(
            BTC,
            OrderSide.BUY,
            instrument.make_qty(Decimal("0.02")),
            sl_trigger_price=instrument.make_price(85_000),
            tp_price=instrument.make_price(95_000),
        )
        _, stop, profit = orders.orders
        run.trader.submit_order_list(orders)
        await until(lambda: stop.is_open and profit.is_open, "the exits work")
        exchange.drop_connections("private")
        await until(lambda: profit.status == OrderStatus.CANCELED, "the profit is gone")
        session = run.client.session
        await until(lambda: session.is_ready and not session.is_recovering)
        await run.until_agreed()
        assert stop.status == OrderStatus.ACCEPTED
        run.trader.cancel_order(stop)
        await until(lambda: stop.status == OrderStatus.CANCELED)


async def test_cancel_on_disconnect_that_the_venue_refuses_stops_the_client(
    exchange: LocalExchange, capfd: Any
) -> None:
    method = "order.cancel_on_disconnect"
    exchange.fail_next("RPC", method, -32602, "not available", count=10)
    said = await start_failure(exchange, capfd, cancel_on_disconnect=True)
    assert "cancel_on_disconnect: Paradex refuses it: not available" in said


async def test_a_read_only_token_asks_for_no_cancels(exchange: LocalExchange) -> None:
    exchange.fail_next("RPC", "order.cancel_on_disconnect", -32602, "not available", count=10)
    token = exchange.add_read_only_token()
    options = {"private_key": None, "access_token": token, "cancel_on_disconnect": True}
    async with running_node(exchange, **options) as run:
        assert run.client.is_connected


async def test_a_read_only_token_sets_no_margins(exchange: LocalExchange, capfd: Any) -> None:
    token = exchange.add_read_only_token()
    options = {"private_key": None, "access_token": token, "margin_configs": {MARKET: (7, "CROSS")}}
    said = await start_failure(exchange, capfd, **options)
    assert "margin_configs:" in said


# -- venue status ---------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["cancel_only", "maintenance"])
async def test_while_the_venue_takes_cancels_only_orders_and_changes_are_denied(
    exchange: LocalExchange, state: str
) -> None:
    async with running_node(exchange, system_state_interval_secs=0.02) as run:
        resting = run.trader.limit(OrderSide.BUY, "0.01", "80000")
        await until(lambda: resting.is_open, "the order rests")
        exchange.set_system_state(state)
        await until(lambda: run.client._system_state.state == state, "the state is known")
        denied = run.trader.limit(OrderSide.BUY, "0.01", "80001", post_only=True)
        await until(lambda: denied.is_closed, "it was denied")
        assert state in reason_of(run.trader, denied, OrderDenied)
        assert exchange.received_order(denied.client_order_id.value) is None
        run.trader.modify_order(resting, price=resting.price.from_str("80002.0"))
        await until(
            lambda: any(isinstance(e, OrderModifyRejected) for e in run.trader.told), "refused"
        )
        if state == "cancel_only":
            run.trader.cancel_order(resting)
            await until(lambda: resting.is_closed, "it was canceled")
        exchange.set_system_state("ok")
        await until(lambda: run.client._system_state.state == "ok", "the state is known")
        taken = run.trader.market(OrderSide.BUY, "0.01")
        await until(lambda: taken.is_closed, "it was filled")
        assert taken.status == OrderStatus.FILLED
        await run.until_agreed()


async def test_in_post_only_mode_only_post_only_orders_go(exchange: LocalExchange) -> None:
    async with running_node(exchange, system_state_interval_secs=0.02) as run:
        exchange.set_system_state("post_only")
        await until(lambda: run.client._system_state.state == "post_only", "the state is known")
        denied = run.trader.limit(OrderSide.BUY, "0.01", "80001")
        await until(lambda: denied.is_closed, "it was denied")
        taken = run.trader.limit(OrderSide.BUY, "0.01", "80001", post_only=True)
        await until(lambda: taken.is_open, "it was accepted")
        await run.until_agreed()


async def test_in_post_only_mode_an_rpi_order_is_changed(exchange: LocalExchange) -> None:
    exchange.allow_rpi()
    async with running_node(exchange, system_state_interval_secs=0.02) as run:
        trader = run.trader
        order = trader.limit(OrderSide.BUY, "0.01", "80000", params={"rpi": True})
        await until(lambda: order.is_open, "it rests")
        exchange.set_system_state("post_only")
        await until(lambda: run.client._system_state.state == "post_only", "the state is known")
        trader.modify_order(order, price=order.price.from_str("80001.0"))
        await until(lambda: str(order.price) == "80001.0", "it was changed")


async def test_a_refusal_tells_the_state_before_the_next_poll(exchange: LocalExchange) -> None:
    async with running_node(exchange, system_state_interval_secs=3_600.0) as run:
        exchange.set_system_state("cancel_only")
        refused = run.trader.limit(OrderSide.BUY, "0.01", "80000")
        await until(lambda: refused.is_closed, "it was refused")
        assert "SYSTEM_STATUS_CANCEL_ONLY" in reason_of(run.trader, refused, OrderRejected)
        denied = run.trader.limit(OrderSide.BUY, "0.01", "80000")
        await until(lambda: denied.is_closed, "it was denied")
        assert exchange.received_order(denied.client_order_id.value) is None
        # And that it is over, though nobody would have asked for an hour.
        exchange.set_system_state("ok")
        await until(lambda: run.client._system_state.state == "ok", "the state is known")


async def test_a_refused_change_tells_the_state_before_the_next_poll(
    exchange: LocalExchange,
) -> None:
    async with running_node(exchange, system_state_interval_secs=3_600.0) as run:
        resting = run.trader.limit(OrderSide.BUY, "0.01", "80000")
        await until(lambda: resting.is_open, "the order rests")
        exchange.set_system_state("cancel_only")
        run.trader.modify_order(resting, price=resting.price.from_str("80002.0"))
        await until(
            lambda: any(isinstance(e, OrderModifyRejected) for e in run.trader.told), "refused"
        )
        assert run.client._system_state.state == "cancel_only"
        exchange.set_system_state("ok")
        await until(lambda: run.client._system_state.state == "ok", "the state is known")


async def test_the_first_order_knows_the_state(exchange: LocalExchange) -> None:
    class Eager(Trader):
        def on_start(self) -> None:
            self.first = self.limit(OrderSide.BUY, "0.01", "80000")

    exchange.set_system_state("cancel_only")
    trader = Eager()
    async with running_node(exchange, [trader], system_state_interval_secs=3_600.0):
        await until(lambda: trader.first.is_closed, "it was denied")
        assert "cancel_only" in reason_of(trader, trader.first, OrderDenied)
        assert exchange.received_order(trader.first.client_order_id.value) is None


# -- connecting and disconnecting -----------------------------------------------------------------


async def test_a_client_connects_again_after_a_disconnect(exchange: LocalExchange) -> None:
    async with running_node(exchange) as run:
        resting = run.trader.limit(OrderSide.BUY, "0.01", "80000")
        await until(lambda: resting.is_open, "the order rests")
        session = run.client.session
        run.client.disconnect()
        await until(lambda: not run.client.is_connected, "disconnected")
        run.client.connect()
        await until(lambda: run.client.is_connected, "connected again")
        assert run.client.session is not session
        run.trader.cancel_order(resting)
        await until(lambda: resting.is_closed, "the order of before was canceled")
        await run.until_agreed()


@pytest.mark.parametrize("tasks_left", [0, 1, 2, 4, 8, 16])
async def test_a_disconnect_while_connecting_leaves_nothing_behind(
    exchange: LocalExchange, tasks_left: int
) -> None:
    before = asyncio.all_tasks()
    node = make_node(exchange, [Trader()])
    (client,) = node.kernel.exec_engine._clients.values()
    client.connect()
    # So many requests of the connect are answered before.
    sent, send = 0, client._http._send

    async def count(*args: Any) -> Any:
        nonlocal sent
        sent += 1
        return await send(*args)

    client._http._send = count
    await until(lambda: sent >= tasks_left or client.is_connected)
    client.disconnect()
    await until(lambda: all(task.done() for task in client._tasks), "both are over")
    await until(lambda: not leftover_tasks(before), "no task is left")
    assert not client.is_connected
    node.kernel.dispose()


# -- onboarding of an Ethereum account -----------------------------------------------------------


async def test_an_ethereum_account_is_onboarded_when_told_to(exchange: LocalExchange) -> None:
    from paradex_adapter.venue.http import HttpClient
    from paradex_adapter.venue.replies import parse_onboarding

    wallet = EthereumKey(int(ETHEREUM_KEY, 16))
    http = HttpClient(exchange.base_url_http)
    address, is_known = parse_onboarding(await http.get_onboarding(ethereum_address=wallet.address))
    assert not is_known
    options = ethereum_options(address, account_signer_type="eip191", onboard=True)
    async with running_node(exchange, **options) as run:
        assert run.client.is_connected
    _, is_known = parse_onboarding(await http.get_onboarding(ethereum_address=wallet.address))
    assert is_known
    await http.close()


async def test_an_onboarding_that_the_venue_refuses_is_said_without_blaming_the_network(
    exchange: LocalExchange, capfd: Any
) -> None:
    from paradex_adapter.venue.http import HttpClient
    from paradex_adapter.venue.replies import parse_onboarding

    wallet = EthereumKey(int(ETHEREUM_KEY, 16))
    http = HttpClient(exchange.base_url_http)
    address, _ = parse_onboarding(await http.get_onboarding(ethereum_address=wallet.address))
    await http.close()
    refusal = {"error": "REQUEST_NOT_ALLOWED", "message": "this region"}
    exchange.fail_next("POST", "/v2/onboarding", 400, refusal, count=10)
    options = ethereum_options(address, account_signer_type="eip191", onboard=True)
    said = await start_failure(exchange, capfd, **options)
    assert "REQUEST_NOT_ALLOWED this region" in said
    assert "check the network" not in said


# -- several accounts in one node ----------------------------------------------------------------

HEDGE = "HEDGE"


@pytest.fixture
async def two_clients(exchange: LocalExchange) -> AsyncIterator[tuple[TradingNode, list[Trader]]]:
    other = exchange.add_account()
    common = {
        "base_url_http": exchange.base_url_http,
        "base_url_ws": exchange.base_url_ws,
        "instrument_provider": InstrumentProviderConfig(load_all=True),
    }
    first = {"account_address": exchange.account_address, "private_key": exchange.private_key}
    second = {
        "account_address": other.account_address,
        "private_key": hex(other.private_key),
        "is_additional": True,
    }
    traders = [Trader("000"), Trader("001")]
    node = TradingNode(
        TradingNodeConfig(
            trader_id=TraderId("TESTER-001"),
            logging=LoggingConfig(log_level="ERROR"),
            exec_engine=LiveExecEngineConfig(
                inflight_check_interval_ms=0,
                reconciliation_startup_delay_secs=0.01,
                position_check_interval_secs=0.1,
                position_check_threshold_ms=0,
                graceful_shutdown_on_exception=True,
            ),
            risk_engine=LiveRiskEngineConfig(bypass=True),
            exec_clients={
                PARADEX: ParadexExecClientConfig(**common, **first),
                HEDGE: ParadexExecClientConfig(**common, **second),
            },
            timeout_post_stop=0.1,
        ),
    )
    for trader in traders:
        node.trader.add_strategy(trader)
    for name in (PARADEX, HEDGE):
        node.add_exec_client_factory(name, ParadexLiveExecClientFactory)
    node.build()
    running = asyncio.create_task(node.run_async())
    try:
        await until(lambda: node.trader.is_running, "the node started")
        yield node, traders
        await until_agreed(node, exchange)
    finally:
        await node.stop_async()
        await asyncio.wait([running], timeout=WAIT_SECS)
        running.cancel()
        node.kernel.dispose()


def client_of(node: TradingNode, name: str) -> Any:
    return node.kernel.exec_engine._clients[ClientId(name)]


async def test_one_strategy_trades_two_accounts_of_one_node(
    exchange: LocalExchange, two_clients: tuple[TradingNode, list[Trader]]
) -> None:
    node, (trader, other_trader) = two_clients
    first, second = client_of(node, PARADEX), client_of(node, HEDGE)

    def send(trader: Trader, instrument_id: Any, side: OrderSide, quantity: str, **to: Any) -> Any:
        instrument = node.cache.instrument(instrument_id)
        order = trader.order_factory.market(
            instrument_id, side, instrument.make_qty(float(quantity))
        )
        trader.submit_order(order, **to)
        return order

    orders = [
        send(trader, BTC, OrderSide.BUY, "0.01"),
        send(trader, ETH, OrderSide.SELL, "0.5", client_id=ClientId(HEDGE)),
        # The same instrument in both accounts: by two strategies, since positions are netted.
        send(other_trader, BTC, OrderSide.SELL, "0.02", client_id=ClientId(HEDGE)),
    ]
    await until(lambda: all(order.is_closed for order in orders), "all were filled")
    assert [order.account_id for order in orders] == [
        first.account_id,
        second.account_id,
        second.account_id,
    ]

    await until_agreed(node, exchange)
    # A cancel-all reaches the orders of its own account alone.
    resting = []
    for to in ({}, {"client_id": ClientId(HEDGE)}):
        instrument = node.cache.instrument(BTC)
        order = trader.order_factory.limit(
            BTC, OrderSide.BUY, instrument.make_qty(0.01), instrument.make_price(80_000)
        )
        trader.submit_order(order, **to)
        resting.append(order)
    await until(lambda: all(order.is_open for order in resting), "both rest")
    trader.cancel_all_orders(BTC, client_id=ClientId(HEDGE))
    await until(lambda: resting[1].is_closed, "it was canceled")
    await until(lambda: resting[0].status == OrderStatus.ACCEPTED, "the other works on")
    # As does one that is asked for at the wrong client.
    trader.cancel_order(resting[0], client_id=ClientId(HEDGE))
    await until(lambda: resting[0].status == OrderStatus.ACCEPTED, "it works on")
    assert "name its client" in reason_of(trader, resting[0], OrderCancelRejected)
    trader.cancel_order(resting[0])
    await until(lambda: resting[0].is_closed, "it was canceled")
    await until_agreed(node, exchange)


async def test_positions_of_an_account_without_an_answer_are_left_alone(
    exchange: LocalExchange, two_clients: tuple[TradingNode, list[Trader]]
) -> None:
    """The engine must not take an account that does not answer for one without positions."""
    node, (trader, _) = two_clients
    second = client_of(node, HEDGE)
    instrument = node.cache.instrument(ETH)
    order = trader.order_factory.market(ETH, OrderSide.SELL, instrument.make_qty(0.5))
    trader.submit_order(order, client_id=ClientId(HEDGE))
    await until(lambda: order.is_closed, "it was filled")
    asked = 0
    report_positions = second.generate_position_status_reports

    async def fail(command: Any) -> Any:
        nonlocal asked
        asked += 1
        await report_positions(command)
        raise ConnectionError("no answer")

    second.generate_position_status_reports = fail
    await until(lambda: asked >= 3, "positions were checked")
    (position,) = node.cache.positions_open()
    (row,) = exchange.positions(second._credentials.account_address)
    assert position.signed_decimal_qty() == Decimal(row["size"])


async def test_a_query_reaches_the_client_of_its_order(
    two_clients: tuple[TradingNode, list[Trader]],
) -> None:
    """The engine asks after orders in flight without naming a client, which means PARADEX."""
    node, (trader, _) = two_clients
    instrument = node.cache.instrument(BTC)
    order = trader.order_factory.limit(
        BTC, OrderSide.BUY, instrument.make_qty(0.01), instrument.make_price(80_000)
    )
    trader.submit_order(order, client_id=ClientId(HEDGE))
    await until(lambda: order.is_open, "the order rests")
    asked: list[str] = []
    for name in (PARADEX, HEDGE):
        queries = client_of(node, name)._desk.queries
        answer = queries.answer

        async def note(command: Any, name: str = name, answer: Any = answer) -> Any:
            asked.append(name)
            return await answer(command)

        queries.answer = note
    trader.query_order(order)
    await until(lambda: bool(asked), "somebody was asked")
    assert asked == [HEDGE]
    trader.query_order(order, client_id=ClientId("NOBODY"))
    await until(lambda: len(asked) == 2, "somebody was asked")
    assert asked == [HEDGE, HEDGE]


async def test_a_claimed_order_of_another_account_is_its_own_clients(
    exchange: LocalExchange, two_clients: tuple[TradingNode, list[Trader]]
) -> None:
    """The order bears no account: NautilusTrader did not submit it."""
    node, (trader, _) = two_clients
    address = client_of(node, HEDGE)._credentials.account_address
    node.kernel.exec_engine._external_order_claims[BTC] = trader.id
    venue_order_id = VenueOrderId(
        exchange.place_order("BUY", "0.01", "80000", account_address=address)
    )
    await until(lambda: node.cache.client_order_id(venue_order_id) is not None, "it is known")
    order = node.cache.order(node.cache.client_order_id(venue_order_id))
    trader.cancel_order(order)
    await until(lambda: order.status == OrderStatus.PENDING_CANCEL)
    await until(lambda: order.status == OrderStatus.ACCEPTED, "the cancel was refused")
    assert "name its client" in reason_of(trader, order, OrderCancelRejected)
    trader.cancel_order(order, client_id=ClientId(HEDGE))
    await until(lambda: order.is_closed, "it was canceled")
    assert order.status == OrderStatus.CANCELED
