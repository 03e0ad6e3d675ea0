"""Algo orders of the local exchange: taken, traded in children, ended, found again."""

import time
from typing import Any

import pytest

from paradex_adapter.local_exchange import stark
from tests.integration.local_exchange_client import (
    MARKET,
    Client,
    Json,
    eventually,
    opened,
    trading,
)

DAY_MS = 86_400_000


def twap(client: Client, size: str = "0.3", **more: Any) -> Json:
    """Return a signed request: three children, thirty seconds apart, unless told otherwise."""
    signed: Json = client.order("BUY", size, client_id=None, instruction=None)
    del signed["price"]
    return signed | {"algo_type": "TWAP", "duration_seconds": 90, "frequency": 30} | more


async def started(client: Client, size: str = "0.3", **more: Any) -> Json:
    """Place an algo order and return it once its first child was sent."""
    status, algo = await client.call("POST", "/algo/orders", twap(client, size, **more))
    assert status == 201, algo
    await eventually(lambda: shown(client, algo["id"])["status"] != "NEW")
    assert isinstance(algo, dict)
    return algo


def shown(client: Client, algo_id: str) -> Json:
    algos: dict[str, Json] = {a["id"]: a for a in client.exchange.algo_orders(client.address)}
    return algos[algo_id]


async def until_remaining(client: Client, algo_id: str, size: str) -> Json:
    await eventually(lambda: shown(client, algo_id)["remaining_size"] == size)
    return shown(client, algo_id)


async def test_size_is_traded_in_equal_children_that_name_no_parent() -> None:
    async with trading() as client, opened(client) as socket:
        await socket.subscribe("orders.ALL", "fills.ALL")
        for price, size in (("90010", "0.1"), ("90020", "0.1"), ("90060", "0.1")):
            client.exchange.place_liquidity(MARKET, "SELL", price, size)
        status, taken = await client.call("POST", "/algo/orders", twap(client))
        assert status == 201
        assert taken["end_at"] == taken["created_at"] + 90_000
        assert {
            name: taken[name]
            for name in (
                *("account", "algo_type", "market", "side", "size", "remaining_size"),
                *("status", "avg_fill_price", "cancel_reason", "algo_params"),
            )
        } == {
            "account": client.address,
            "algo_type": "TWAP",
            "market": MARKET,
            "side": "BUY",
            "size": "0.3",
            "remaining_size": "0.3",
            "status": "NEW",
            "avg_fill_price": "",
            "cancel_reason": "",
            "algo_params": {"interval_seconds": "30"},
        }
        first = await until_remaining(client, taken["id"], "0.2")
        assert (first["status"], first["avg_fill_price"]) == ("OPEN", "90010")
        assert (await client.get("/algo/orders"))["results"] == [first]
        assert await client.get(f"/algo/orders/{taken['id']}") == first
        client.exchange.step_algo_orders()
        second = await until_remaining(client, taken["id"], "0.1")
        assert second["avg_fill_price"] == "90015"
        client.exchange.step_algo_orders()
        last = await until_remaining(client, taken["id"], "0")
        assert (last["status"], last["cancel_reason"]) == ("CLOSED", "")
        assert last["avg_fill_price"] == "90030"
        assert (await client.get("/algo/orders"))["results"] == []
        assert (await client.get("/algo/orders-history"))["results"] == [last]

        orders = client.exchange.orders(client.address)
        assert [(o["size"], o["remaining_size"]) for o in orders] == [("0.1", "0")] * 3
        assert {(o["type"], o["price"], o["client_id"]) for o in orders} == {("MARKET", "0", "")}
        assert all("INTERACTIVE" in o["flags"] for o in orders)
        assert taken["id"] not in {o["id"] for o in orders}
        for order in orders:
            await socket.order_closed(order["id"])
            fill = await socket.push("fills.ALL", lambda f, o=order: f["order_id"] == o["id"])
            assert (fill["client_id"], fill["size"]) == ("", "0.1")


async def test_uneven_size_stays_on_the_grid_and_is_made_up_for() -> None:
    async with trading() as client:
        client.exchange.place_liquidity(MARKET, "SELL", "90010", "0.001")
        # A third of it is no multiple of the step; what the book lacked is bought later.
        algo = await started(client, "0.01")
        await until_remaining(client, algo["id"], "0.009")
        client.exchange.place_liquidity(MARKET, "SELL", "90010", "5")
        client.exchange.step_algo_orders()
        await until_remaining(client, algo["id"], "0.00334")
        client.exchange.step_algo_orders()
        last = await until_remaining(client, algo["id"], "0")
        assert last["status"] == "CLOSED"
        sizes = [order["size"] for order in client.exchange.orders(client.address)]
        assert sizes == ["0.00333", "0.00566", "0.00334"]


async def test_children_follow_the_clock_of_the_exchange() -> None:
    async with trading() as client:
        client.exchange.place_liquidity(MARKET, "SELL", "90010", "5")
        algo = await started(client)
        await until_remaining(client, algo["id"], "0.2")
        client.exchange.set_clock_offset(31_000)
        await until_remaining(client, algo["id"], "0.1")
        client.exchange.set_clock_offset(61_000)
        await until_remaining(client, algo["id"], "0")
        assert len(client.exchange.orders(client.address)) == 3


async def test_time_that_is_over_ends_it() -> None:
    async with trading() as client:
        algo = await started(client)
        client.exchange.set_clock_offset(90_001)
        await eventually(lambda: shown(client, algo["id"])["status"] == "CLOSED")
        ended = shown(client, algo["id"])
        assert (ended["cancel_reason"], ended["remaining_size"]) == ("EXPIRED", "0.3")
        other = await started(client, duration_seconds=30)
        client.exchange.step_algo_orders()
        assert shown(client, other["id"])["cancel_reason"] == "EXPIRED"


async def test_cancel_leaves_what_was_traded() -> None:
    async with trading() as client:
        client.exchange.place_liquidity(MARKET, "SELL", "90010", "5")
        algo = await started(client)
        await until_remaining(client, algo["id"], "0.2")
        client.exchange.hold_outcomes()
        path = f"/algo/orders/{algo['id']}"
        assert await client.call("DELETE", path) == (204, None)
        assert shown(client, algo["id"])["status"] == "OPEN"
        client.exchange.release_outcomes()
        await eventually(lambda: shown(client, algo["id"])["status"] == "CLOSED")
        closed = shown(client, algo["id"])
        assert (closed["cancel_reason"], closed["remaining_size"]) == ("USER_CANCELED", "0.2")
        client.exchange.step_algo_orders()
        for method in ("GET", "DELETE"):
            status, body = await client.call(method, path)
            assert (status, body["error"]) == (404, "ALGO_ID_NOT_FOUND")
        assert len(client.exchange.orders(client.address)) == 1


async def test_refused_child_ends_it_for_the_same_reason() -> None:
    async with trading(balance=100) as client:
        client.exchange.place_liquidity(MARKET, "SELL", "90010", "5")
        algo = await started(client)
        await eventually(lambda: shown(client, algo["id"])["status"] == "CLOSED")
        assert shown(client, algo["id"])["cancel_reason"] == "NOT_ENOUGH_MARGIN"
        assert len(client.exchange.orders(client.address)) == 1


async def test_no_child_is_sent_while_no_orders_are_taken() -> None:
    async with trading() as client:
        client.exchange.place_liquidity(MARKET, "SELL", "90010", "5")
        algo = await started(client)
        await until_remaining(client, algo["id"], "0.2")
        client.exchange.set_system_state("cancel_only")
        client.exchange.step_algo_orders()
        assert len(client.exchange.orders(client.address)) == 1
        client.exchange.set_system_state("ok")
        client.exchange.step_algo_orders()
        await until_remaining(client, algo["id"], "0.1")


async def test_market_that_is_gone_ends_it() -> None:
    async with trading() as client:
        algo = await started(client)
        client.exchange.delist_market(MARKET)
        client.exchange.step_algo_orders()
        assert shown(client, algo["id"])["cancel_reason"] == "ASSET_UNAVAILABLE"


async def test_others_do_not_see_it() -> None:
    async with trading() as client:
        algo = await started(client)
        other = await Client(
            client.exchange, client.http, client.exchange.add_account("other")
        ).log_in()
        assert (await other.get("/algo/orders"))["results"] == []
        assert (await other.get("/algo/orders-history"))["results"] == []
        assert (await other.call("DELETE", f"/algo/orders/{algo['id']}"))[0] == 404


async def test_isolated_account_trades_it_as_its_own() -> None:
    async with trading() as client:
        isolated = client.exchange.add_isolated_account(MARKET, balance="5000")
        client.exchange.place_liquidity(MARKET, "SELL", "90010", "5")
        body = twap(client, on_behalf_of_account=isolated)
        status, algo = await client.call("POST", "/algo/orders", body)
        assert (status, algo["account"]) == (201, isolated)
        await eventually(lambda: client.exchange.fills(isolated))
        assert client.exchange.orders(client.address) == []
        # As with orders, who holds the account may cancel there and is shown nothing.
        assert (await client.get("/algo/orders"))["results"] == []
        assert (await client.call("DELETE", f"/algo/orders/{algo['id']}"))[0] == 204
        await eventually(
            lambda: client.exchange.algo_orders(isolated)[0]["cancel_reason"] == "USER_CANCELED"
        )
        body = twap(client, market="ETH-USD-PERP", on_behalf_of_account=isolated)
        assert (await client.call("POST", "/algo/orders", body))[0] == 400


async def test_history_is_paged_and_searched() -> None:
    async with trading() as client:
        ids = [(await started(client))["id"] for _ in range(5)]
        await client.call("DELETE", f"/algo/orders/{ids[0]}")
        await eventually(lambda: shown(client, ids[0])["status"] == "CLOSED")
        found: list[str] = []
        cursor = ""
        while True:
            page = await client.get(f"/algo/orders-history?page_size=2&market={MARKET}{cursor}")
            found += [algo["id"] for algo in page["results"]]
            if page["next"] is None:
                break
            cursor = f"&cursor={page['next']}"
        assert found == ids[::-1]
        for query, count in (
            ("status=CLOSED", 1),
            ("status=OPEN&side=BUY&type=MARKET", 4),
            ("side=SELL", 0),
            ("type=LIMIT", 0),
            ("client_id=mine", 0),
            (f"end_at={int(time.time() * 1000) - DAY_MS}", 0),
            (f"start_at={int(time.time() * 1000) - DAY_MS}", 5),
        ):
            page = await client.get(f"/algo/orders-history?{query}")
            assert len(page["results"]) == count, query
        assert (await client.call("GET", "/algo/orders-history?status=DONE"))[0] == 400


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"algo_type": "VWAP"}, "VALIDATION_ERROR"),
        ({"algo_type": None}, "VALIDATION_ERROR"),
        ({"type": "LIMIT"}, "VALIDATION_ERROR"),
        ({"duration_seconds": 0}, "VALIDATION_ERROR"),
        ({"duration_seconds": 45}, "VALIDATION_ERROR"),
        ({"duration_seconds": 86_430}, "VALIDATION_ERROR"),
        ({"duration_seconds": "90"}, "BINDING_ERROR"),
        ({"duration_seconds": None}, "BINDING_ERROR"),
        ({"frequency": 10}, "VALIDATION_ERROR"),
        ({"frequency": 120}, "VALIDATION_ERROR"),
        ({"frequency": True}, "BINDING_ERROR"),
        ({"market": "NOPE-USD-PERP"}, "MARKET_NOT_FOUND"),
        ({"size": "0"}, "INVALID_ORDER_SIZE"),
        ({"signature": '["1","2"]'}, "INVALID_ORDER_SIGNATURE"),
        ({"size": "0.4"}, "INVALID_ORDER_SIGNATURE"),
        ({"signature_timestamp": 1}, "INVALID_TIMESTAMP"),
        ({"recv_window": 5}, "VALIDATION_ERROR"),
    ],
)
async def test_wrong_request_is_refused(fields: Json, error: str) -> None:
    async with trading() as client:
        status, body = await client.call("POST", "/algo/orders", twap(client) | fields)
        assert (status, body["error"]) == (400, error)
        assert client.exchange.algo_orders() == []


@pytest.mark.parametrize("size", ["0.3000001", "100000"])
async def test_size_off_the_grid_or_beyond_all_children_is_refused(size: str) -> None:
    async with trading() as client:
        status, body = await client.call("POST", "/algo/orders", twap(client, size))
        assert (status, body["error"]) == (400, "INVALID_ORDER_SIZE")


async def test_token_that_only_reads_may_look() -> None:
    async with trading() as client:
        body = twap(client)
        client.token = client.exchange.add_read_only_token()
        assert (await client.call("POST", "/algo/orders", body))[0] == 403
        assert (await client.get("/algo/orders"))["results"] == []


async def test_subkey_signs_it_as_well() -> None:
    async with trading() as client:
        key = client.exchange.add_subkey(client.address)
        by_subkey = await Client(client.exchange, client.http, key).log_in()
        assert stark.public_key(by_subkey.private_key) == key.public_key
        assert (await by_subkey.call("POST", "/algo/orders", twap(by_subkey)))[0] == 201


async def test_it_counts_among_the_orders_of_the_account() -> None:
    async with trading() as client:
        headers = {"Authorization": f"Bearer {client.token}"}
        url = f"{client.exchange.base_url_http}/algo/orders"
        limits = {}
        for method in ("GET", "POST"):
            async with client.http.request(method, url, headers=headers, data=b"{}") as response:
                limits[method] = response.headers["X-RateLimit-Limit"]
        assert limits == {"GET": "600", "POST": "17250"}
