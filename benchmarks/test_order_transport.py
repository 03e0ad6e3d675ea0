"""An order on its way: from the signed body in hand to the parsed reply, one or 32 at a time.

The canned server takes no time to think, so what is seen is the way. The full path stands beside
it: tracked, signed, sent and parsed against the local exchange, which verifies signatures as the
venue does, and answers one request at a time.

Run: ``pytest benchmarks/test_order_transport.py --benchmark-enable --benchmark-only``.
"""

from collections.abc import Awaitable, Callable
from itertools import count
from time import time_ns

import httpx
import orjson
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.interleaved import beside_peers, hold
from benchmarks.own_loop import OwnLoop, own_loop
from benchmarks.servers import canned_server, local_exchange
from paradex_adapter.venue.auth import TokenProvider
from paradex_adapter.venue.credentials import resolve_credentials
from paradex_adapter.venue.http import HttpClient
from paradex_adapter.venue.order_requests import OrderRequest, sign_order_request
from paradex_adapter.venue.signing import OrderSigner
from paradex_adapter.venue.trading_session import TradingSession
from paradex_adapter.venue.transports import has_picows
from paradex_adapter.venue.websocket import WebSocketConnection
from paradex_adapter_core.build import is_compiled
from paradex_adapter_core.parsers.account import parse_order, parse_order_created
from paradex_adapter_core.vocabulary import (
    FEED_REST,
    INSTRUCTION_IOC,
    ORDER_LIMIT,
    SIDE_BUY,
    STATUS_NEW,
)

HTTPX = "httpx POST"
RATIOS = {"picows": 20.0, "websockets": 10.0}
ORDERS = 20
ROUNDS = 21
ORDERS_FULL = 5
ROUNDS_FULL = 21
BODY: dict[str, object] = {
    "market": "BTC-USD-PERP",
    "side": "BUY",
    "type": "LIMIT",
    "size": "0.125",
    "price": "80715.8",
    "instruction": "GTC",
    "client_id": "O-20261122-120000-001-000-1",
    "signature_timestamp": 1_795_000_000_000,
    "signature": '["0x' + 63 * "7" + '","0x' + 63 * "6" + '"]',
}

type Send = Callable[[], Awaitable[object]]


def over_websocket(connection: WebSocketConnection) -> Send:
    async def send() -> None:
        order = parse_order_created(await connection.request("order.create", BODY), {})
        assert order.status == STATUS_NEW

    return send


def over_httpx(client: httpx.AsyncClient, url: str) -> Send:
    headers = {"content-type": "application/json", "authorization": "Bearer " + 300 * "x"}

    async def send() -> None:
        response = await client.post(url, content=orjson.dumps(BODY), headers=headers)
        order = parse_order(response.content, FEED_REST, {})
        assert order.status == STATUS_NEW

    return send


@pytest.mark.parametrize("at_once", [1, 32])
@pytest.mark.parametrize("library", ["picows", "websockets"])
def test_order_transport(benchmark: BenchmarkFixture, library: str, at_once: int) -> None:
    if library == "picows" and not has_picows():
        pytest.skip("picows is not installed: it comes with the extra [fast]")
    with own_loop() as own:
        server = own.enter(canned_server())
        client = own.enter(httpx.AsyncClient(trust_env=False))
        connection = WebSocketConnection(
            f"ws://{server.address}/paradex",
            name="private",
            plain_first=True,
            on_message=lambda _message, _ts_init: None,
            prefer_picows=library == "picows",
        )
        own.at_end(connection.close).run(connection.connect())
        theirs = over_httpx(client, f"http://{server.address}/v1/orders")
        beside_peers(
            benchmark,
            own.many(over_websocket(connection), ORDERS // at_once or 1, at_once),
            {HTTPX: own.many(theirs, ORDERS // at_once or 1, at_once)},
            items=max(ORDERS, at_once),
            rounds=ROUNDS,
        )
    if is_compiled():
        hold(benchmark, HTTPX, RATIOS[library])


def test_full_order_path(benchmark: BenchmarkFixture) -> None:
    """Far below the market and immediate, so that no order stays."""
    with own_loop() as own:
        venue = own.enter(local_exchange())
        numbers = count(time_ns())

        def request() -> OrderRequest:
            market, price = "BTC-USD-PERP", 88_000 * 10**8
            kind = (SIDE_BUY, ORDER_LIMIT, INSTRUCTION_IOC)
            return OrderRequest(f"bench-{next(numbers)}", market, *kind, 10**6, price)

        credentials = resolve_credentials("TESTNET", venue["account_address"], venue["private_key"])
        signer = OrderSigner(credentials, venue["chain_id"])
        session, tokens = open_session(own, venue, signer)
        client = own.enter(httpx.AsyncClient(trust_env=False))

        async def submit() -> None:
            order = request()
            await session.commands.submit(order)
            state = session.store.find_order(order.client_order_id)
            assert state is not None
            assert state.venue_order_id

        async def post() -> None:
            body = sign_order_request(request(), signer, time_ns() // 1_000_000, None)
            response = await client.post(
                f"{venue['base_url_http']}/orders",
                content=orjson.dumps(body),
                headers={
                    "content-type": "application/json",
                    "authorization": f"Bearer {await tokens.token()}",
                },
            )
            assert parse_order(response.content, FEED_REST, {}).status == STATUS_NEW

        beside_peers(
            benchmark,
            own.many(submit, ORDERS_FULL),
            {"signed alike, httpx POST": own.many(post, ORDERS_FULL)},
            items=ORDERS_FULL,
            rounds=ROUNDS_FULL,
        )


def open_session(
    own: OwnLoop, venue: dict[str, str], signer: OrderSigner
) -> tuple[TradingSession, TokenProvider]:
    http = HttpClient(venue["base_url_http"])
    tokens = TokenProvider(http, signer)
    http.token_provider = tokens
    session = TradingSession(
        http,
        tokens,
        signer,
        venue["base_url_ws"],
        on_events=lambda _events: None,
        on_external=lambda _facts: None,
    )
    own.at_end(http.close).at_end(tokens.close).at_end(session.close)
    own.run(session.connect())
    return session, tokens
