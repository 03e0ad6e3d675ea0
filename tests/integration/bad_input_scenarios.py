"""Nodes that meet a user's mistake, or a venue that is not as it should be; see `test_bad_input`.

Each scenario returns what a test wants to know of the node; what it logged is on its output.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

from aiohttp import web
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import InstrumentId

from paradex_adapter import ParadexEnvironment, data, execution
from paradex_adapter.local_exchange import LocalExchange, rpc
from paradex_adapter.local_exchange.errors import INVALID_BEARER, RpcError
from paradex_adapter.local_exchange.tokens import Tokens
from paradex_adapter.venue.websocket import WebSocketConnection
from tests.integration.live_node import Watcher, build_node, connecting, live_node, stop_node
from tests.integration.trading_node import WAIT_SECS, until

MARKET = "BTC-USD-PERP"
MAINNET_CHAIN = "PRIVATE_SN_PARACLEAR_MAINNET"
KEY = "0x2a8a7d3c5e9b1f4d6c8a0b2e4f6d8c0a1b3d5f7e9c1a3b5d7f9e1c3a5b7d9f1"
ADDRESS = "0x3b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a4b3c2d1e0f9a8b7"
CONNECT_SECS = 1.0

HTML = "<html><head><title>502 Bad Gateway</title></head><body>cloud</body></html>"


async def start(where: Any, **options: Any) -> dict[str, Any]:
    """Start a node, and tell how far its clients and its trader got."""
    options = {"data": None, "execution": None, **options}
    node = build_node(where, Watcher(), timeout_secs=0.3, **options)
    connected = connecting(node)
    running = asyncio.create_task(node.run_async())
    async with asyncio.timeout(WAIT_SECS):
        for done in connected:
            await done.wait()
    engines = (node.kernel.data_engine, node.kernel.exec_engine)
    clients = [client for engine in engines for client in engine._clients.values()]
    told = {
        "is_connected": [client.is_connected for client in clients],
        "is_running": node.trader.is_running,
    }
    await stop_node(node, running)
    return told


def exchange(**options: Any) -> LocalExchange:
    return LocalExchange(seed=1, simulation_interval_ms=0, **options)


# -- the wrong chain --------------------------------------------------------------------------


async def mainnet_settings_at_a_testnet() -> Any:
    async with exchange() as venue:
        return await start(venue, execution={"environment": ParadexEnvironment.MAINNET})


async def testnet_settings_at_the_mainnet() -> Any:
    async with exchange(chain_id=MAINNET_CHAIN) as venue:
        return await start(venue, execution={"environment": ParadexEnvironment.TESTNET})


# -- the wrong account ------------------------------------------------------------------------


async def a_key_of_another_account() -> Any:
    async with exchange() as venue:
        return await start(venue, execution={"private_key": KEY})


async def an_account_the_venue_does_not_know() -> Any:
    async with exchange() as venue:
        return await start(venue, execution={"account_address": ADDRESS})


# -- the wrong time ---------------------------------------------------------------------------


async def a_clock_behind() -> Any:
    async with exchange() as venue:
        venue.set_clock_offset(400_000)
        return await start(venue, execution={})


async def a_clock_ahead() -> Any:
    async with exchange() as venue:
        venue.set_clock_offset(-60_000)
        return await start(venue, execution={"recv_window_ms": 5_000})


# -- no venue, or none that serves ------------------------------------------------------------


def nowhere() -> SimpleNamespace:
    """A loopback port where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    return SimpleNamespace(
        base_url_http=f"http://127.0.0.1:{port}/v1",
        base_url_ws=f"ws://127.0.0.1:{port}/v1",
        account_address=ADDRESS,
        private_key=KEY,
    )


@asynccontextmanager
async def answering(handler: Any) -> AsyncIterator[SimpleNamespace]:
    """Serve every path with one handler."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield SimpleNamespace(
            base_url_http=f"http://127.0.0.1:{port}/v1",
            base_url_ws=f"ws://127.0.0.1:{port}/v1",
            account_address=ADDRESS,
            private_key=KEY,
        )
    finally:
        await runner.cleanup()


def give_up_after(secs: float = CONNECT_SECS) -> None:
    """Let both clients of this process give up soon."""
    data.CONNECT_SECS_MAX = secs
    execution.CONNECT_SECS_MAX = secs
    execution.CONNECT_RETRY_DELAY_SECS = 0.01
    WebSocketConnection.connect.__defaults__ = (secs / 3,)


async def trading_where_nobody_listens() -> Any:
    give_up_after()
    return await start(nowhere(), execution={"max_retries": 1})


async def watching_where_nobody_listens() -> Any:
    give_up_after()
    return await start(nowhere(), data={"max_retries": 1})


async def refuse_service(_request: web.Request) -> web.Response:
    return web.json_response({"error": "SERVICE_UNAVAILABLE", "message": "maintenance"}, status=503)


async def trading_under_maintenance() -> Any:
    give_up_after()
    async with answering(refuse_service) as venue:
        return await start(venue, execution={"max_retries": 1})


async def watching_under_maintenance() -> Any:
    give_up_after()
    async with answering(refuse_service) as venue:
        return await start(venue, data={"max_retries": 1})


async def answer_a_page(_request: web.Request) -> web.Response:
    return web.Response(text=HTML, content_type="text/html")


async def trading_at_a_web_site() -> Any:
    give_up_after()
    async with answering(answer_a_page) as venue:
        return await start(venue, execution={"max_retries": 1})


async def watching_at_a_web_site() -> Any:
    give_up_after()
    async with answering(answer_a_page) as venue:
        return await start(venue, data={"max_retries": 1})


async def say_nothing(_request: web.Request) -> web.Response:
    await asyncio.sleep(WAIT_SECS)
    return web.Response()


async def trading_where_nobody_answers() -> Any:
    give_up_after()
    async with answering(say_nothing) as venue:
        return await start(venue, execution={"max_retries": 3})


async def watching_where_nobody_answers() -> Any:
    give_up_after()
    async with answering(say_nothing) as venue:
        return await start(venue, data={"max_retries": 3})


async def websockets_are_refused() -> Any:
    give_up_after(3.0)
    async with exchange() as venue:
        venue.fail_next("WS", "/v1", 403, "<html>no</html>", count=10_000)
        return await start(venue, execution={}, data={})


async def an_instrument_that_is_not_listed() -> Any:
    async with exchange() as venue:
        trader = Watcher()
        async with live_node(venue, trader=trader, execution=None) as run:
            trader.subscribe_quote_ticks(InstrumentId.from_str("DOGE-USD-PERP.PARADEX"))
            await until(
                lambda: all(task.done() for task in run.data_client._tasks), "it was refused"
            )
            return {"subscribed": len(run.data_client.subscribed_quote_ticks())}


# -- secrets ----------------------------------------------------------------------------------


async def everything_is_logged() -> Any:
    """Trade at level DEBUG, with a venue that says each token it is shown back in its refusals."""
    tokens: list[str] = []
    issue, session = Tokens.issue, Tokens.session

    def issue_and_keep(self: Tokens, *args: Any, **options: Any) -> str:
        tokens.append(issue(self, *args, **options))
        return tokens[-1]

    def refuse_with_token(self: Tokens, token: str) -> Any:
        if len(tokens) == 1:
            raise rpc.VenueError("INVALID_TOKEN", f"not {token}, {venue.private_key}")
        return session(self, token)

    def refuse_auth(self: Any, peer: Any, params: Any) -> Any:
        if len(refused) < 1:
            refused.append(params)
            raise RpcError(INVALID_BEARER, f"not {params['bearer']}", params["bearer"])
        return authenticate(self, peer, params)

    refused: list[Any] = []
    authenticate = rpc.RpcMethods._auth
    rpc.RpcMethods._auth = refuse_auth  # type: ignore[method-assign]
    Tokens.issue, Tokens.session = issue_and_keep, refuse_with_token  # type: ignore[method-assign]
    async with exchange() as venue:
        venue.place_liquidity(MARKET, "SELL", "90010", "0.5")
        venue.place_liquidity(MARKET, "BUY", "89990", "0.5")
        async with live_node(venue, log_level="DEBUG") as run:
            run.trader.watch_all()
            order = run.trader.market(OrderSide.BUY, "0.01")
            await until(lambda: order.is_closed)
            venue.expire_tokens()
            run.trader.query_order(order)
            venue.drop_connections("private")
            await until(lambda: not run.exec_client.session.is_ready)
            await until(lambda: run.exec_client.session.is_ready)
            shown = [repr(run.exec_client), repr(run.exec_client.session), repr(run.node)]
            config = run.exec_client._options
            shown += [repr(config), str(config), config.json().decode()]
            shown.append(repr(run.exec_client._credentials))
            print("\n".join(shown))
        return {"tokens": tokens, "private_key": venue.private_key, "refused": len(refused)}
