"""Retail traders at the local exchange: whose orders they are, what they wait and pay."""

import time

import pytest

from tests.contract.sbe_by_schema import venue_schema
from tests.integration.local_exchange_client import (
    MARKET,
    SBE_QUERY,
    Client,
    Json,
    eventually,
    opened,
    trading,
)
from tests.shared_specs import requires_shared_specs, spec_path

INTERACTIVE = "?token_usage=interactive"
LIMIT_PER_SECOND = 3
#: Less than what the clock of the machine and of the exchange may differ by, in ms.
EARLY_MS = 5


async def bought(client: Client) -> Json:
    """Buy at the market and return the order once it is closed."""
    return await client.closed((await client.place("BUY", "0.01"))["id"])


async def test_order_of_an_interactive_token_is_free_and_flagged() -> None:
    async with trading(retail_delay_ms=0) as client:
        client.exchange.place_liquidity(MARKET, "SELL", "90000", "1")
        await client.log_in(INTERACTIVE)
        placed = await client.place("BUY", "0.01")
        assert "INTERACTIVE" in placed["flags"]
        assert "INTERACTIVE" in (await client.closed(placed["id"]))["flags"]
        fill = (await client.get("/fills"))["results"][0]
        assert (fill["fee"], fill["flags"]) == ("0", ["interactive"])
        await client.log_in()
        assert "INTERACTIVE" not in (await bought(client))["flags"]
        fill = (await client.get("/fills"))["results"][0]
        assert (fill["fee"], fill["flags"]) == ("0.405", [])


@requires_shared_specs
async def test_socket_is_interactive_by_the_token_it_was_authenticated_with() -> None:
    schema = venue_schema(spec_path("sbe-paradex_1_0.xml"))
    async with trading(retail_delay_ms=0, private_sbe=True) as client:
        client.exchange.place_liquidity(MARKET, "SELL", "90000", "1")
        await client.log_in(INTERACTIVE)
        async with opened(client, SBE_QUERY) as socket:
            # What is sent over REST has nothing to do with it.
            await client.log_in()
            await socket.subscribe("fills.ALL")
            reply = await socket.request("order.create", client.order("BUY", "0.01"))
            assert "INTERACTIVE" in reply["result"]["order"]["flags"]
            batch = {"orders": [client.order("BUY", "0.01"), client.order("BUY", "0.01")]}
            reply = await socket.request("order.create_batch", batch)
            for result in reply["result"]["results"]:
                assert "INTERACTIVE" in result["order"]["flags"]
            for frame in await socket.frames_of("fill", 3):
                assert schema.decode(frame).values["flags"] == {"INTERACTIVE"}
        assert "INTERACTIVE" not in (await bought(client))["flags"]


async def test_order_change_and_cancel_wait() -> None:
    async with trading(retail_delay_ms=150) as client:
        await client.log_in(INTERACTIVE)
        started = time.monotonic()
        order = await client.place("BUY", "0.01", "89000")
        assert order["status"] == "NEW"
        opened_order = await client.until(order["id"], "OPEN")
        assert (time.monotonic() - started) * 1000 >= 150 - EARLY_MS

        started = time.monotonic()
        path = f"/orders/{order['id']}"
        assert (await client.call("PUT", path, client.change(opened_order, price="88900")))[
            0
        ] == 200
        await eventually(lambda: client.shown(order["id"])["price"] == "88900")
        assert (time.monotonic() - started) * 1000 >= 150 - EARLY_MS

        started = time.monotonic()
        assert (await client.call("DELETE", path))[0] == 204
        assert client.shown(order["id"])["status"] == "OPEN"
        await client.closed(order["id"])
        assert (time.monotonic() - started) * 1000 >= 150 - EARLY_MS


async def test_professional_waits_for_nothing_meanwhile() -> None:
    async with trading(retail_delay_ms=60_000) as client:
        client.exchange.place_liquidity(MARKET, "SELL", "90000", "1")
        retail = await Client(client.exchange, client.http).log_in(INTERACTIVE)
        waiting = await retail.place("BUY", "0.01", "89000", client_id="retail")
        assert (await bought(client))["remaining_size"] == "0"
        assert client.shown(waiting["id"])["status"] == "NEW"
        # Who cancels with a plain token does not wait either, and the order never arrives.
        assert (await client.call("DELETE", f"/orders/{waiting['id']}"))[0] == 204
        assert (await client.closed(waiting["id"]))["cancel_reason"] == "USER_CANCELED"


async def test_orders_beyond_the_limits_are_a_professional_s() -> None:
    async with trading(retail_delay_ms=0) as client:
        await client.log_in(INTERACTIVE)

        client.exchange.place_liquidity(MARKET, "SELL", "90000", "1")
        for offset_ms in (0, 2000):
            client.exchange.set_clock_offset(offset_ms)
            # In one request, so that no time passes.
            bodies = [client.order("BUY", "0.01", "80000") for _ in range(LIMIT_PER_SECOND)]
            bodies += [client.order("BUY", "0.01") for _ in range(2)]
            status, answer = await client.call("POST", "/orders/batch", bodies)
            assert status == 201, answer
            flags = ["INTERACTIVE" in order["flags"] for order in answer["orders"]]
            assert flags == [True] * LIMIT_PER_SECOND + [False] * 2
        await client.closed(answer["orders"][-1]["id"])
        fill = (await client.get("/fills"))["results"][0]
        assert (fill["fee"], fill["flags"]) == ("0.405", [])


async def test_other_account_has_limits_of_its_own() -> None:
    async with trading(retail_delay_ms=0) as client:
        await client.log_in(INTERACTIVE)
        key = client.exchange.add_account("other")
        other = await Client(client.exchange, client.http, key).log_in(INTERACTIVE)
        for trader in (client, other):
            flags = [
                (await trader.place("BUY", "0.01", "80000"))["flags"]
                for _ in range(LIMIT_PER_SECOND)
            ]
            assert all("INTERACTIVE" in shown for shown in flags)


@pytest.mark.parametrize("usage", ["automatic", "INTERACTIVE"])
async def test_unknown_usage_of_a_token_is_refused(usage: str) -> None:
    async with trading() as client:
        path = f"/auth?token_usage={usage}"
        status, body = await client.call("POST", path, headers=client.auth_headers())
        assert (status, body["error"]) == (400, "INVALID_REQUEST_PARAMETER")


async def test_maker_pays_nothing_either() -> None:
    async with trading(retail_delay_ms=0) as client:
        await client.log_in(INTERACTIVE)
        order = await client.place("BUY", "0.01", "89000")
        await client.until(order["id"], "OPEN")
        client.exchange.take_liquidity(MARKET, "SELL", "0.01")
        await client.closed(order["id"])
        fill = (await client.get("/fills"))["results"][0]
        assert (fill["liquidity"], fill["fee"]) == ("MAKER", "0")
