"""The faults a test may ask of the local exchange."""

import asyncio
import time

import aiohttp
import orjson
import pytest

from tests.integration.local_exchange_client import (
    DEADLINE_SECS,
    MARKET,
    SBE_QUERY,
    eventually,
    opened,
    trading,
)
from tests.integration.test_local_exchange_websocket import book_event

ENDED = (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR, aiohttp.WSMsgType.CLOSE)


async def test_connections_are_dropped_by_kind() -> None:
    async with trading() as client:
        exchange = client.exchange
        async with opened(client) as private:
            client.token = ""
            async with opened(client, SBE_QUERY) as public, opened(client) as plain:
                assert exchange.drop_connections("public") == 1
                assert await public.ended() in ENDED
                assert exchange.drop_connections("private") == 1
                assert await private.ended() in ENDED
                assert "error" in await plain.request("nonsense")
                assert exchange.drop_connections() == 1
                assert await plain.ended() in ENDED


async def test_idle_http_connections_are_dropped() -> None:
    async with trading() as client:
        reader, writer = await asyncio.open_connection("127.0.0.1", client.exchange.port)
        writer.write(b"GET /v1/system/state HTTP/1.1\r\nHost: x\r\n\r\n")
        head = await asyncio.wait_for(reader.readuntil(b"}"), DEADLINE_SECS)
        assert b"200 OK" in head
        client.exchange.drop_connections("http")
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(reader.readexactly(1), DEADLINE_SECS)
        writer.close()


async def test_connecting_is_refused_until_it_is_allowed_again() -> None:
    async with trading() as client, opened(client) as listener:
        client.exchange.refuse_connections()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", client.exchange.port)
        assert "error" in await listener.request("nonsense")
        client.exchange.refuse_connections(False)
        async with opened(client) as again:
            await again.subscribe("account")


async def test_the_last_word_counts_of_what_refuses_and_allows_connections_at_once() -> None:
    async with trading() as client:
        for is_refusing in (True, False, True, False):
            client.exchange.refuse_connections(is_refusing)
        async with opened(client) as listener:
            await listener.subscribe("account")
        for is_refusing in (True, False, True):
            client.exchange.refuse_connections(is_refusing)
        await eventually(lambda: client.exchange._http._listening is None)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", client.exchange.port)


async def test_a_delta_is_lost_and_the_book_goes_on() -> None:
    async with trading() as client, opened(client, SBE_QUERY) as listener:
        exchange = client.exchange
        await listener.subscribe(f"order_book.{MARKET}.deltas")
        exchange.skip_book_seq(MARKET)
        for price in ("89001", "89002", "89003"):
            exchange.place_liquidity(MARKET, "BUY", price, "1")
        events = [book_event(frame) for frame in await listener.frames_of("book", 3)]
        start = events[0][0]
        assert [event[0] - start for event in events] == [0, 2, 3]


async def test_a_request_is_refused_as_often_as_asked_and_not_acted_upon() -> None:
    async with trading() as client:
        exchange = client.exchange
        exchange.fail_next("POST", "/v1/orders", 503, {"error": "SERVICE_UNAVAILABLE"}, count=2)
        request = client.order("BUY", "0.01", "89000")
        for _ in range(2):
            assert await client.call("POST", "/orders", request) == (
                503,
                {"error": "SERVICE_UNAVAILABLE"},
            )
        assert not exchange.orders()
        assert exchange.received_order(request["client_id"]) is None
        assert (await client.call("POST", "/orders", request))[0] == 201
        exchange.fail_next("GET", "/v1/fills", 502, "<html>bad gateway</html>")
        headers = {"Authorization": f"Bearer {client.token}"}
        async with client.http.get(exchange.base_url_http + "/fills", headers=headers) as response:
            assert (response.status, response.content_type) == (502, "text/html")
        assert (await client.call("GET", "/fills"))[0] == 200


async def test_a_json_rpc_request_is_refused_with_a_code() -> None:
    async with trading() as client, opened(client) as listener:
        client.exchange.fail_next("RPC", "order.create", 42901, "Rate limit exceeded")
        request = client.order("BUY", "0.01", "89000")
        reply = await listener.request("order.create", request)
        assert reply["error"] == {"code": 42901, "message": "Rate limit exceeded"}
        assert not client.exchange.orders()
        assert "result" in await listener.request("order.create", request)


async def test_a_reply_is_lost_after_the_act() -> None:
    async with trading() as client:
        client.exchange.lose_next_response("/v1/orders")
        request = client.order("BUY", "0.01", "89000")
        with pytest.raises(aiohttp.ClientError):
            await client.call("POST", "/orders", request)
        [order] = client.exchange.orders()
        assert order["client_id"] == request["client_id"]
        assert (await client.call("GET", "/orders"))[0] == 200


async def test_a_json_rpc_reply_is_lost_after_the_act() -> None:
    async with trading() as client, opened(client) as listener:
        client.exchange.lose_next_response("order.create")
        body = {
            "jsonrpc": "2.0",
            "method": "order.create",
            "params": client.order("BUY", "0.01", "89000"),
            "id": 5,
        }
        await listener.socket.send_str(orjson.dumps(body).decode())
        assert await listener.ended() in ENDED
        assert not any('"id":5' in text for text in listener.texts)
        assert len(client.exchange.orders()) == 1


async def test_a_fill_overtakes_a_late_reply() -> None:
    async with trading() as client, opened(client) as listener:
        client.exchange.place_liquidity(MARKET, "SELL", "90010", "1")
        await listener.subscribe("fills.ALL")
        client.exchange.delay_responses(50)
        started = time.monotonic()
        reply = await listener.request("order.create", client.order("BUY", "0.1"))
        assert time.monotonic() - started >= 0.05
        assert "result" in reply
        assert len(listener.of("fills.ALL")) == 1


async def test_outcomes_wait_until_they_are_released() -> None:
    async with trading() as client, opened(client) as listener:
        await listener.subscribe("orders.ALL")
        client.exchange.hold_outcomes()
        first = await client.place("BUY", "0.01", "89000")
        second = await client.place("BUY", "0.01", "89000")
        assert (await client.call("DELETE", f"/orders/{first['id']}"))[0] == 204
        orders = (await client.get("/orders"))["results"]
        assert [order["status"] for order in orders] == ["NEW", "NEW"]
        client.exchange.release_outcomes()
        await client.closed(first["id"])
        await client.until(second["id"], "OPEN")
        await listener.push("orders.ALL", lambda data: data["status"] == "CLOSED")
        states = [data["status"] for data in listener.of("orders.ALL") if data["id"] == first["id"]]
        assert states == ["NEW", "OPEN", "CLOSED"]


async def test_an_outcome_takes_its_time() -> None:
    async with trading(outcome_delay_ms=50) as client:
        started = time.monotonic()
        order = await client.place("BUY", "0.01", "89000")
        await client.until(order["id"], "OPEN")
        assert time.monotonic() - started >= 0.05


async def test_a_fill_is_sent_twice_but_happens_once() -> None:
    async with trading() as client, opened(client) as listener:
        client.exchange.place_liquidity(MARKET, "SELL", "90010", "1")
        await listener.subscribe("fills.ALL", "orders.ALL")
        client.exchange.duplicate_next_fill()
        for _ in range(2):
            order = await client.place("BUY", "0.1")
            await listener.order_closed(order["id"])
        sent = [fill["id"] for fill in listener.of("fills.ALL")]
        assert [sent.count(fill["id"]) for fill in client.exchange.fills()] == [2, 1]


async def test_a_frame_of_ones_own_is_sent() -> None:
    async with trading() as client, opened(client, SBE_QUERY) as listener:
        client.exchange.send_raw(b"\x00" * 8, "public")
        client.exchange.send_raw("{}\n")
        await listener.next()
        await listener.next()
        assert (listener.frames, listener.texts[-1]) == ([b"\x00" * 8], "{}\n")


async def test_the_venues_clock_may_differ() -> None:
    async with trading() as client:
        client.exchange.set_clock_offset(-400_000)
        server_time = int((await client.get("/system/time"))["server_time"])
        assert abs(server_time - time.time() * 1000 + 400_000) < 5_000
        request = client.order("BUY", "0.01", "89000")
        status, body = await client.call("POST", "/orders", request)
        assert (status, body["error"]) == (400, "INVALID_TIMESTAMP")


async def test_an_upgrade_is_refused() -> None:
    async with trading() as client:
        client.exchange.fail_next("WS", "/v1", 503, "busy")
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.http.ws_connect(client.exchange.base_url_ws)
        assert refused.value.status == 503
        async with opened(client) as listener:
            await listener.subscribe("account")
