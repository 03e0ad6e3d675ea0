"""Restarts, lost replies and dropped connections: NautilusTrader ends with the venue's books."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import orjson
import pytest
from nautilus_trader.config import InstrumentProviderConfig
from nautilus_trader.model.enums import OrderSide, OrderStatus
from nautilus_trader.model.identifiers import ClientOrderId
from nautilus_trader.model.objects import Quantity

from paradex_adapter import execution, mass_status, order_queries
from paradex_adapter.local_exchange import LocalExchange
from paradex_adapter.venue import http_sender, rate_limits, recovery
from paradex_adapter.venue.account_reader import AccountReader
from paradex_adapter.venue.auth import TokenProvider
from paradex_adapter.venue.credentials import resolve_credentials
from paradex_adapter.venue.http import HttpClient
from paradex_adapter.venue.order_requests import OrderRequest, sign_order_request
from paradex_adapter.venue.signing import OrderSigner
from paradex_adapter_core.order_lifecycle import WORKING
from paradex_adapter_core.vocabulary import (
    INSTRUCTION_GTC,
    INSTRUCTION_IOC,
    ORDER_LIMIT,
    ORDER_MARKET,
    SIDE_BUY,
    SIDE_SELL,
)
from tests.integration.trading_node import (
    BTC,
    ETH,
    WAIT_SECS,
    RunningNode,
    Trader,
    make_node,
    running_node,
    until,
)

MARKET = "BTC-USD-PERP"


@pytest.fixture
async def exchange() -> AsyncIterator[LocalExchange]:
    async with LocalExchange(seed=1, simulation_interval_ms=0) as exchange:
        exchange.place_liquidity(MARKET, "BUY", "89990", "0.5")
        exchange.place_liquidity(MARKET, "SELL", "90010", "0.5")
        yield exchange


@pytest.fixture
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask for what is missing at once."""
    monkeypatch.setattr(recovery, "FILLS_DELAYS_SECS", (0.05,) * 10)
    monkeypatch.setattr(recovery, "RESOLVE_DELAY_SECS", 0.05)
    monkeypatch.setattr(recovery, "LISTING_MARGIN_MS", 100)


class OtherHand:
    """Somebody else who trades the same account, by REST."""

    def __init__(self, http: HttpClient, signer: OrderSigner) -> None:
        self.http = http
        self.signer = signer
        self.reader = AccountReader(http, {})
        self._number = 0

    async def send(self, side: int, size: str, price: str | None, client_id: str = "") -> str:
        """Send an order and return its venue id."""
        self._number += 1
        request = OrderRequest(
            client_order_id=client_id or f"hand-{self._number}",
            market=MARKET,
            side=side,
            order_type=ORDER_MARKET if price is None else ORDER_LIMIT,
            instruction=INSTRUCTION_IOC if price is None else INSTRUCTION_GTC,
            size=int(Decimal(size) * 10**8),
            price=int(Decimal(price or 0) * 10**8),
        )
        body = sign_order_request(request, self.signer, time.time_ns() // 1_000_000, None)
        return str(orjson.loads(await self.http.post_order(orjson.dumps(body)))["id"])


@asynccontextmanager
async def other_hand(exchange: LocalExchange) -> AsyncIterator[OtherHand]:
    credentials = resolve_credentials("TESTNET", exchange.account_address, exchange.private_key)
    http = HttpClient(exchange.base_url_http)
    signer = OrderSigner(credentials, exchange.chain_id)
    tokens = TokenProvider(http, signer)
    http.token_provider = tokens
    try:
        yield OtherHand(http, signer)
    finally:
        await tokens.close()
        await http.close()


def count_told(trader: Trader, name: str) -> int:
    return sum(type(event).__name__ == name for event in trader.told)


# -- at the start -----------------------------------------------------------------------------


async def test_reconciliation_dry_run(exchange: LocalExchange) -> None:
    """Open orders, fills and a position from before become the events written down here."""
    async with other_hand(exchange) as hand:
        await hand.send(SIDE_BUY, "0.02", None, "filled")
        await hand.send(SIDE_SELL, "0.03", "90005", "part")
        await hand.send(SIDE_BUY, "0.01", "89000", "resting")
        gone = await hand.send(SIDE_BUY, "0.01", "88000", "gone")
        await hand.http.delete_order(gone)
        await until(lambda: exchange.orders()[-1]["status"] == "CLOSED")
        exchange.take_liquidity(MARKET, "BUY", "0.01")
    async with running_node(exchange) as run:
        events = {
            order.client_order_id.value: [type(event).__name__ for event in order.events]
            for order in run.cache.orders()
        }
        assert events == {
            "filled": ["OrderInitialized", "OrderAccepted", "OrderFilled"],
            "part": ["OrderInitialized", "OrderAccepted", "OrderFilled"],
            "resting": ["OrderInitialized", "OrderAccepted"],
            "gone": ["OrderInitialized", "OrderAccepted", "OrderCanceled"],
        }
        (position,) = run.cache.positions_open()
        assert position.signed_decimal_qty() == Decimal("0.01")
        assert position.avg_px_open == 90010.0
        assert run.differences() == []


async def test_what_is_open_in_a_market_that_was_not_to_be_loaded_is_reconciled(
    exchange: LocalExchange,
) -> None:
    async with other_hand(exchange) as hand:
        await hand.send(SIDE_BUY, "0.02", None, "filled")
        await hand.send(SIDE_BUY, "0.01", "89000", "resting")
        await until(lambda: exchange.orders()[-1]["status"] == "OPEN")
    only_eth = InstrumentProviderConfig(load_ids=frozenset([ETH]))
    async with running_node(exchange, instrument_provider=only_eth) as run:
        assert {i.id for i in run.cache.instruments()} == {BTC, ETH}
        (position,) = run.cache.positions_open()
        assert position.signed_decimal_qty() == Decimal("0.02")
        assert run.cache.order(ClientOrderId("resting")).status == OrderStatus.ACCEPTED
        assert run.differences() == []


async def test_what_was_reconciled_is_not_told_again(exchange: LocalExchange) -> None:
    async with other_hand(exchange) as hand:
        await hand.send(SIDE_SELL, "0.03", "90005", "part")
        await until(lambda: exchange.orders()[-1]["status"] == "OPEN")
        exchange.take_liquidity(MARKET, "BUY", "0.01")
        async with running_node(exchange) as run:
            order = run.cache.order(ClientOrderId("part"))
            # The same order goes on by the stream: as a report, since this process did not send it.
            exchange.take_liquidity(MARKET, "BUY", "0.02")
            await until(lambda: order.is_closed)
            assert order.status == OrderStatus.FILLED
            assert [type(event).__name__ for event in order.events].count("OrderFilled") == 2
            await run.until_agreed()


async def test_fills_that_arrive_while_the_node_starts_are_counted_once(
    exchange: LocalExchange,
) -> None:
    async with other_hand(exchange) as hand:
        await hand.send(SIDE_SELL, "0.2", "90005", "resting")
        # Answers are held up, so that fills come between them.
        exchange.delay_responses(30)

        async def trade() -> None:
            for _ in range(30):
                exchange.take_liquidity(MARKET, "BUY", "0.005")
                await asyncio.sleep(0.02)

        trading = asyncio.create_task(trade())
        async with running_node(exchange) as run:
            await trading
            exchange.delay_responses(0)
            await run.until_agreed()
            order = run.cache.order(ClientOrderId("resting"))
            assert order.filled_qty == Quantity.from_str("0.15")


async def test_a_restart_takes_everything_up_again(exchange: LocalExchange) -> None:
    async with running_node(exchange) as run:
        filled = run.trader.market(OrderSide.BUY, "0.02")
        resting = run.trader.limit(OrderSide.SELL, "0.02", "90005")
        await until(lambda: filled.is_closed and resting.is_open)
    exchange.take_liquidity(MARKET, "BUY", "0.01")
    async with running_node(exchange) as run:
        assert run.differences() == []
        exchange.take_liquidity(MARKET, "BUY", "0.01")
        await run.until_agreed()
        assert not run.cache.positions_open()


async def test_without_reconciliation_news_wait_for_nothing_but_the_start(
    exchange: LocalExchange,
) -> None:
    async with running_node(exchange, engine={"reconciliation": False}) as run:
        exchange.place_order("BUY", "0.01", "89000", client_id="hand")
        await until(lambda: bool(run.cache.orders_open()), "the order of the other is told")


async def test_a_failed_answer_stops_the_start(exchange: LocalExchange) -> None:
    exchange.fail_next("GET", "/v1/positions", 503, count=50)
    node = make_node(exchange, [Trader()], max_retries=0)
    try:
        # A start that fails comes back as one that succeeds does.
        async with asyncio.timeout(WAIT_SECS):
            await node.kernel.start_async()
        assert node.kernel.exec_engine.check_connected()
        assert not node.trader.is_running
    finally:
        await node.stop_async()
        node.kernel.dispose()


@pytest.mark.parametrize("path", ["/v1/system/config", "/v1/account", "/v1/orders", "/v1/fills"])
async def test_a_pause_that_the_venue_wants_is_made_at_the_start(
    exchange: LocalExchange, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one longer than a read waits for its turn, or than reconnecting waits."""
    monkeypatch.setattr(http_sender, "ACQUIRE_WAIT_SECS_MAX", 0.3)
    monkeypatch.setattr(rate_limits, "RETRY_AFTER_SECS_DEFAULT", 0.8)
    monkeypatch.setattr(execution, "CONNECT_RETRY_DELAY_SECS", 0.01)
    monkeypatch.setattr(mass_status, "PAUSE_SECS_MIN", 0.01)
    exchange.place_order("BUY", "0.01", "89000", client_id="hand")
    exchange.fail_next("GET", path, 429, "RATE_LIMIT_EXCEEDED", count=2)
    async with running_node(exchange) as run:
        await run.until_agreed()
        assert run.cache.order(ClientOrderId("hand")).is_open


# -- others' orders ---------------------------------------------------------------------------


async def test_orders_of_others_are_reported_with_their_fills(exchange: LocalExchange) -> None:
    async with running_node(exchange) as run, other_hand(exchange) as hand:
        await hand.send(SIDE_BUY, "0.02", None, "filled")
        resting = await hand.send(SIDE_SELL, "0.02", "90005", "resting")
        refused = await hand.send(SIDE_BUY, "90", "89000", "refused")
        assert refused
        await until(lambda: run.cache.order(ClientOrderId("resting")) is not None)
        exchange.take_liquidity(MARKET, "BUY", "0.01")
        order = run.cache.order(ClientOrderId("resting"))
        await until(lambda: order.filled_qty == Quantity.from_str("0.01"))
        await hand.http.delete_order(resting)
        await until(lambda: order.is_closed)
        assert order.status == OrderStatus.CANCELED
        await run.until_agreed()
        # No strategy of ours is told of them.
        assert not [event for event in run.trader.told if "Order" in type(event).__name__]


async def test_a_strategy_can_cancel_an_order_it_claims(exchange: LocalExchange) -> None:
    async with other_hand(exchange) as hand:
        await hand.send(SIDE_BUY, "0.02", "89000", "left")
    trader = Trader()
    async with running_node(exchange, [trader]) as run:
        order = run.cache.order(ClientOrderId("left"))
        trader.cancel_order(order)
        await until(lambda: order.is_closed)
        assert order.status == OrderStatus.CANCELED
        await run.until_agreed()


# -- lost replies -----------------------------------------------------------------------------


@pytest.mark.usefixtures("impatience")
async def test_an_order_whose_reply_is_lost_is_found_and_not_sent_again(
    exchange: LocalExchange,
) -> None:
    async with running_node(exchange) as run:
        exchange.lose_next_response("order.create")
        order = run.trader.limit(OrderSide.BUY, "0.01", "89000")
        await until(lambda: order.is_open)
        assert run.trader.told_of(order).count("OrderAccepted") == 1
        assert len(exchange.orders()) == 1
        await run.until_agreed()


@pytest.mark.usefixtures("impatience")
async def test_a_market_order_whose_reply_is_lost_keeps_its_fill(exchange: LocalExchange) -> None:
    async with running_node(exchange) as run:
        exchange.lose_next_response("order.create")
        order = run.trader.market(OrderSide.BUY, "0.01")
        await until(lambda: order.is_closed)
        assert run.trader.told_of(order)[2:] == ["OrderAccepted", "OrderFilled"]
        await run.until_agreed()


@pytest.mark.usefixtures("impatience")
async def test_an_order_the_venue_never_got_is_refused_after_its_window(
    exchange: LocalExchange,
) -> None:
    async with running_node(exchange, recv_window_ms=300) as run:
        # Refused without being acted upon, in words that do not say so.
        exchange.fail_next("RPC", "order.create", -32603, "Internal error")
        order = run.trader.limit(OrderSide.BUY, "0.01", "89000")
        await until(lambda: order.status == OrderStatus.SUBMITTED)
        counters = run.client.session.counters
        await until(lambda: counters.get("orders of unknown outcome") == 1, "nobody knows")
        await until(lambda: order.is_closed)
        assert order.status == OrderStatus.REJECTED
        assert exchange.orders() == []
        await run.until_agreed()


@pytest.mark.usefixtures("impatience")
async def test_a_lost_reply_over_rest_is_resolved_as_well(exchange: LocalExchange) -> None:
    async with running_node(exchange) as run:
        await lose_websocket(run)
        exchange.lose_next_response("/v1/orders")
        order = run.trader.limit(OrderSide.BUY, "0.01", "89000")
        await until(lambda: order.is_open)
        assert len(exchange.orders()) == 1
        await run.until_agreed()


async def lose_websocket(run: RunningNode) -> None:
    """Cut the private websocket and keep it from coming back, while REST works on."""
    connection = run.client.session._connection
    await connection.close()
    assert not connection.is_ready


async def test_orders_go_over_rest_while_the_websocket_is_down(exchange: LocalExchange) -> None:
    async with running_node(exchange) as run:
        await lose_websocket(run)
        order = run.trader.limit(OrderSide.BUY, "0.01", "89000")
        await until(lambda: bool(exchange.orders()))
        assert exchange.received_order(order.client_order_id.value) is not None
        await run.client.session.connect()
        await until(lambda: order.is_open)
        await run.until_agreed()


@pytest.mark.usefixtures("impatience")
async def test_an_unreachable_venue_gives_no_end_until_it_is_known(
    exchange: LocalExchange,
) -> None:
    async with running_node(exchange, max_retries=0) as run:
        order = run.trader.limit(OrderSide.BUY, "0.01", "89000")
        await until(lambda: order.is_open)
        exchange.refuse_connections()
        exchange.drop_connections()
        exchange.drop_connections("http")
        await until(lambda: not run.client.session.is_ready)
        run.trader.cancel_order(order)
        lost = run.trader.limit(OrderSide.BUY, "0.01", "88000")
        await until(lambda: lost.is_closed)
        # Provably not sent: that is a refusal.
        assert lost.status == OrderStatus.REJECTED
        run.trader.query_order(order)
        await until(lambda: order.status == OrderStatus.ACCEPTED)
        exchange.refuse_connections(False)
        await until(lambda: run.client.session.is_ready)
        await until(lambda: not run.client.session.is_recovering)
        run.trader.cancel_order(order)
        await until(lambda: order.is_closed)
        await run.until_agreed()


# -- dropped connections ----------------------------------------------------------------------


@pytest.mark.usefixtures("impatience")
async def test_what_happens_while_disconnected_is_told_after_the_reconnect(
    exchange: LocalExchange,
) -> None:
    async with running_node(exchange) as run:
        half = run.trader.limit(OrderSide.SELL, "0.02", "90005")
        gone = run.trader.limit(OrderSide.BUY, "0.01", "89000")
        await until(lambda: half.is_open and gone.is_open)
        async with other_hand(exchange) as hand:
            exchange.refuse_connections()
            exchange.drop_connections("private")
            await until(lambda: not run.client.session.is_ready)
            exchange.take_liquidity(MARKET, "BUY", "0.01")
            exchange.refuse_connections(False)
            await hand.http.delete_order(gone.venue_order_id.value)
        await until(lambda: gone.is_closed and half.filled_qty == Quantity.from_str("0.01"))
        assert run.trader.told_of(half).count("OrderFilled") == 1
        await run.until_agreed()


@pytest.mark.usefixtures("impatience")
async def test_a_connection_dropped_mid_order_loses_and_doubles_nothing(
    exchange: LocalExchange,
) -> None:
    async with running_node(exchange) as run:
        orders: list[Any] = []
        for number in range(30):
            if number % 10 == 5:
                exchange.drop_connections("private")
            side = OrderSide.BUY if number % 2 else OrderSide.SELL
            if number % 3:
                orders.append(run.trader.market(side, "0.01"))
            else:
                orders.append(run.trader.limit(OrderSide.BUY, "0.01", str(88000 + number)))
            await until(lambda: orders[-1].status != OrderStatus.INITIALIZED)
        await run.until_agreed()
        assert all(run.trader.told_of(order).count("OrderAccepted") <= 1 for order in orders)


@pytest.mark.usefixtures("impatience")
async def test_an_expired_token_is_renewed_on_the_way(exchange: LocalExchange) -> None:
    async with running_node(exchange) as run:
        exchange.expire_tokens()
        exchange.drop_connections("private")
        order = run.trader.limit(OrderSide.BUY, "0.01", "89000")
        await until(lambda: order.is_open)
        exchange.expire_tokens()
        run.trader.query_account(run.client.account_id)
        exchange.fail_next("RPC", "order.create", 40111, "Invalid Bearer Token")
        second = run.trader.limit(OrderSide.BUY, "0.01", "88000")
        await until(lambda: second.is_open)
        await run.until_agreed()


# -- a stream that repeats and overtakes ------------------------------------------------------


async def test_a_fill_sent_twice_is_told_once(exchange: LocalExchange) -> None:
    async with running_node(exchange) as run:
        exchange.duplicate_next_fill()
        order = run.trader.market(OrderSide.BUY, "0.01")
        await until(lambda: order.is_closed)
        follow = run.trader.market(OrderSide.BUY, "0.01")
        await until(lambda: follow.is_closed)
        assert run.trader.told_of(order).count("OrderFilled") == 1
        await run.until_agreed()


async def test_a_fill_before_its_reply_is_told_after_the_acceptance(
    exchange: LocalExchange,
) -> None:
    async with running_node(exchange) as run:
        exchange.delay_responses(100)
        order = run.trader.market(OrderSide.BUY, "0.01")
        await until(lambda: order.is_closed)
        assert run.trader.told_of(order)[2:] == ["OrderAccepted", "OrderFilled"]
        exchange.delay_responses(0)
        await run.until_agreed()


@pytest.mark.usefixtures("impatience")
async def test_fills_the_stream_lost_are_asked_for(
    exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange._feed, "on_fill", lambda fill: None)
    async with running_node(exchange) as run:
        order = run.trader.market(OrderSide.BUY, "0.01")
        await until(lambda: order.is_closed)
        assert run.trader.told_of(order)[2:] == ["OrderAccepted", "OrderFilled"]
        await run.until_agreed()


@pytest.mark.usefixtures("impatience")
async def test_orders_the_stream_lost_are_found_by_the_engines_own_checks(
    exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange._feed, "on_order", lambda order: None)
    checks = {
        "inflight_check_interval_ms": 50,
        "inflight_check_threshold_ms": 100,
        "reconciliation_startup_delay_secs": 0,
    }
    async with running_node(exchange, engine=checks) as run:
        order = run.trader.limit(OrderSide.BUY, "0.01", "89000")
        await until(lambda: order.is_open)
        run.trader.cancel_order(order)
        await until(lambda: order.is_closed)
        assert order.status == OrderStatus.CANCELED
        await run.until_agreed()


async def test_a_cancel_that_stays_unanswered_is_not_taken_for_a_success(
    exchange: LocalExchange,
) -> None:
    checks = {
        "inflight_check_interval_ms": 20,
        "inflight_check_threshold_ms": 40,
        "inflight_check_retries": 3,
        "reconciliation_startup_delay_secs": 0,
    }
    async with running_node(exchange, engine=checks, max_retries=0) as run:
        order = run.trader.limit(OrderSide.BUY, "0.01", "89000")
        await until(lambda: order.is_open)
        exchange.hold_outcomes()
        run.trader.cancel_order(order)
        await until(lambda: run.trader.told_of(order).count("OrderAccepted") >= 2)
        assert order.status == OrderStatus.ACCEPTED
        exchange.release_outcomes()
        await until(lambda: order.is_closed)
        assert order.status == OrderStatus.CANCELED
        await run.until_agreed()


async def test_an_order_filled_by_the_venues_word_alone_ends(
    exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_fills(*_: Any) -> list[Any]:
        return []

    monkeypatch.setattr(recovery, "FILLS_DELAYS_SECS", (0.02,) * 3)
    async with running_node(exchange) as run:
        run.why_apart = "the venue keeps the fill to itself"
        monkeypatch.setattr(exchange._feed, "on_fill", lambda fill: None)
        monkeypatch.setattr(AccountReader, "fills", no_fills)
        order = run.trader.market(OrderSide.BUY, "0.01")
        await until(lambda: order.is_closed)
        assert order.status == OrderStatus.FILLED
        assert order.filled_qty == order.quantity
        assert run.trader.told_of(order).count("OrderFilled") == 1


async def test_an_order_that_stays_new_is_accepted_once(
    exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_queries, "NEW_ORDER_NS_MAX", 0)
    checks = {
        "inflight_check_interval_ms": 20,
        "inflight_check_threshold_ms": 40,
        "inflight_check_retries": 3,
        "reconciliation_startup_delay_secs": 0,
    }
    async with running_node(exchange, engine=checks) as run:
        exchange.hold_outcomes()
        order = run.trader.limit(OrderSide.BUY, "0.01", "89000")
        await until(lambda: order.is_open, "a report of it stands for its acceptance")
        exchange.release_outcomes()
        state = run.client.session.store.find_order(order.client_order_id.value)
        await until(lambda: state.status == WORKING)
        run.trader.cancel_order(order)
        await until(lambda: order.is_closed)
        assert run.trader.told_of(order).count("OrderAccepted") == 1
