"""Orders that wait for a mark price, over REST and the websocket of the local exchange."""

from typing import Any

import pytest

from tests.integration.local_exchange_client import (
    MARKET,
    Client,
    Json,
    Listener,
    eventually,
    opened,
    trading,
)

KINDS = (
    "STOP_LIMIT",
    "STOP_MARKET",
    "TAKE_PROFIT_LIMIT",
    "TAKE_PROFIT_MARKET",
    "STOP_LOSS_LIMIT",
    "STOP_LOSS_MARKET",
)
ORDERS = f"orders.{MARKET}"


def selling(kind: str, size: str = "0.1", **more: Any) -> Json:
    """Return what a sell order of a conditional kind has, to go when the price has moved by 1000.

    A limit rests above the best bid.
    """
    trigger = "91000" if kind.startswith("TAKE") else "89000"
    price = "90005" if kind.endswith("LIMIT") else "0"
    fields = {"side": "SELL", "size": size, "price": price, "trigger_price": trigger}
    return {**fields, "type": kind, "instruction": "GTC", **more}


async def buy(client: Client, size: str = "0.5") -> None:
    """Quote a market, and buy there."""
    client.exchange.place_liquidity(MARKET, "BUY", "89990", "5")
    client.exchange.place_liquidity(MARKET, "SELL", "90010", "5")
    await client.closed((await client.place("BUY", size))["id"])


async def wait_for(client: Client, **fields: Any) -> Json:
    """Place an order and return it as it waits."""
    return await client.until((await client.place(**fields))["id"], "UNTRIGGERED")


def mark(client: Client, kind: str) -> None:
    """Move the mark price to where orders of a kind go."""
    client.exchange.set_mark_price(MARKET, str(selling(kind)["trigger_price"]))


async def refused(client: Client, listener: Listener, method: str, params: Json) -> str:
    reply = await listener.request(method, params)
    assert "error" in reply, reply
    return str(reply["error"]["message"])


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_waits_and_goes(kind: str) -> None:
    async with trading() as client, opened(client) as listener:
        await buy(client)
        await listener.subscribe(ORDERS)
        order = await client.place(**selling(kind))
        assert (order["status"], order["trigger_price"]) == ("NEW", selling(kind)["trigger_price"])
        await client.until(order["id"], "UNTRIGGERED")
        found = (await client.get("/orders"))["results"]
        assert [(o["id"], o["status"]) for o in found] == [(order["id"], "UNTRIGGERED")]
        assert (await client.get(f"/orders/{order['id']}"))["status"] == "UNTRIGGERED"
        by_client_id = await client.get(f"/orders/by_client_id/{order['client_id']}")
        assert by_client_id["trigger_price"] == order["trigger_price"]
        mark(client, kind)
        is_market = kind.endswith("MARKET")
        last = await listener.push(
            ORDERS, lambda o: o["status"] == ("CLOSED" if is_market else "OPEN")
        )
        assert last["remaining_size"] == ("0" if is_market else "0.1")
        states = [o["status"] for o in listener.of(ORDERS)]
        assert states == ["NEW", "UNTRIGGERED", "NEW", last["status"]]
        above = "ABOVE" if kind.startswith("TAKE") else "BELOW"
        for told in listener.of(ORDERS):
            assert told["type"] == kind
            assert told["trigger_price"] == order["trigger_price"]
            assert f"STOP_CONDITION_{above}_TRIGGER" in told["flags"]
        history = (await client.get(f"/orders-history?type={kind}"))["results"]
        assert [o["id"] for o in history] == [order["id"]]


@pytest.mark.parametrize("kind", KINDS)
async def test_json_rpc_takes_stops_only(kind: str) -> None:
    async with trading() as client, opened(client) as listener:
        await buy(client)
        body = client.order(**selling(kind))
        if kind in ("STOP_LIMIT", "STOP_MARKET"):
            created = (await listener.request("order.create", body))["result"]["order"]
            assert created["trigger_price"] == body["trigger_price"]
            order = await client.until(created["id"], "UNTRIGGERED")
            change = client.change(order, trigger_price="88000")
            reply = await listener.request("order.modify", change)
            assert reply["result"]["order"]["id"] == order["id"]
            await eventually(lambda: client.shown(order["id"])["trigger_price"] == "88000")
            return
        assert await refused(client, listener, "order.create", body) == "VALIDATION_ERROR"
        batch = {"orders": [client.order("BUY", "0.1", "89000"), client.order(**selling(kind))]}
        assert await refused(client, listener, "order.create_batch", batch) == "VALIDATION_ERROR"
        order = await wait_for(client, **selling(kind))
        change = client.change(order, trigger_price="88000")
        assert await refused(client, listener, "order.modify", change) == "VALIDATION_ERROR"


@pytest.mark.parametrize("kind", KINDS)
async def test_what_waits_is_changed(kind: str) -> None:
    async with trading() as client:
        await buy(client)
        order = await wait_for(client, **selling(kind))
        trigger = "92000" if kind.startswith("TAKE") else "88000"
        changed = {"size": "0.2", "trigger_price": trigger}
        if kind.endswith("LIMIT"):
            changed["price"] = "90006"
        body = client.change(order, **changed)
        status, answer = await client.call("PUT", f"/orders/{order['id']}", body)
        assert (status, answer["request_info"]["status"]) == (200, "PENDING")
        shown = await eventually(
            lambda: (o := client.shown(order["id"]))["request_info"]["status"] == "SUCCESS" and o
        )
        assert {name: shown[name] for name in changed} == changed
        assert shown["status"] == "UNTRIGGERED"
        again = client.change(shown, trigger_price=trigger)
        status, answer = await client.call("PUT", f"/orders/{order['id']}", again)
        assert (status, answer["error"]) == (400, "VALIDATION_ERROR")
        mark(client, kind)
        assert client.shown(order["id"])["status"] == "UNTRIGGERED"
        client.exchange.set_mark_price(MARKET, trigger)
        assert client.shown(order["id"])["status"] != "UNTRIGGERED"


async def test_a_change_that_comes_after_the_trigger_is_refused() -> None:
    async with trading() as client:
        await buy(client)
        order = await wait_for(client, **selling("STOP_LIMIT"))
        client.exchange.hold_outcomes()
        body = client.change(order, trigger_price="88000")
        assert (await client.call("PUT", f"/orders/{order['id']}", body))[0] == 200
        mark(client, "STOP_LIMIT")
        assert client.shown(order["id"])["status"] == "OPEN"
        client.exchange.release_outcomes()
        info = await eventually(
            lambda: (i := client.shown(order["id"])["request_info"])["status"] == "REJECTED" and i
        )
        assert info["message"] == "order is triggered already"
        opened_order = client.shown(order["id"])
        late = client.change(opened_order, trigger_price="88000")
        status, answer = await client.call("PUT", f"/orders/{order['id']}", late)
        assert (status, answer["error"]) == (400, "VALIDATION_ERROR")
        plain = client.change(opened_order, price="90007", trigger_price=order["trigger_price"])
        assert (await client.call("PUT", f"/orders/{order['id']}", plain))[0] == 200
        await eventually(lambda: client.shown(order["id"])["price"] == "90007")


@pytest.mark.parametrize("kind", ["STOP_MARKET", "STOP_LOSS_MARKET"])
async def test_what_waits_is_canceled_one_by_one_and_together(kind: str) -> None:
    async with trading() as client, opened(client) as listener:
        await buy(client)
        bodies = [client.order(**selling(kind)) for _ in range(3)]
        status, placed = await client.call("POST", "/orders/batch", bodies)
        assert status == 201
        first, second, third = [order["id"] for order in placed["orders"]]
        for order_id in (first, second, third):
            await client.until(order_id, "UNTRIGGERED")
        assert (await client.call("DELETE", f"/orders/{first}"))[0] == 204
        assert (await client.closed(first))["cancel_reason"] == "USER_CANCELED"
        reply = await listener.request("order.cancel_batch", {"order_ids": [second]})
        assert reply["result"]["results"][0]["status"] == "QUEUED_FOR_CANCELLATION"
        await client.closed(second)
        assert (await client.call("DELETE", f"/orders?market={MARKET}"))[0] == 200
        assert (await client.closed(third))["cancel_reason"] == "USER_CANCELED"
        mark(client, kind)
        assert client.shown(first)["remaining_size"] == "0.1"


async def test_what_waits_is_canceled_with_its_connection() -> None:
    async with trading() as client:
        async with opened(client) as listener:
            await listener.request("order.cancel_on_disconnect", {"enabled": True})
            reply = await listener.request("order.create", client.order(**selling("STOP_MARKET")))
            order_id = reply["result"]["order"]["id"]
            await client.until(order_id, "UNTRIGGERED")
        assert (await client.closed(order_id))["cancel_reason"] == "USER_CANCELED"


@pytest.mark.parametrize("state", ["post_only", "cancel_only", "maintenance"])
async def test_triggers_pause_while_the_system_is_not_ok(state: str) -> None:
    async with trading() as client:
        await buy(client)
        order = await wait_for(client, **selling("STOP_LOSS_MARKET"))
        client.exchange.set_system_state(state)
        mark(client, "STOP_LOSS_MARKET")
        assert client.shown(order["id"])["status"] == "UNTRIGGERED"
        client.exchange.set_system_state("ok")
        assert (await client.closed(order["id"]))["remaining_size"] == "0"


async def test_a_market_that_ends_cancels_what_waits() -> None:
    async with trading() as client:
        await buy(client)
        order = await wait_for(client, **selling("STOP_MARKET"))
        client.exchange.settle_market(MARKET)
        assert (await client.closed(order["id"]))["cancel_reason"] == "ASSET_EXPIRED"


async def test_a_changed_tick_cancels_what_waits_off_it() -> None:
    async with trading() as client:
        off = await wait_for(client, **selling("STOP_MARKET", trigger_price="89000.1"))
        on = await wait_for(client, **selling("STOP_MARKET"))
        client.exchange.change_tick(MARKET, tick="0.5")
        assert (await client.closed(off["id"]))["cancel_reason"] == "MARKET_UPDATED"
        assert client.shown(on["id"])["status"] == "UNTRIGGERED"


async def test_a_spot_market_has_no_conditional_orders() -> None:
    async with trading() as client:
        for kind in KINDS:
            body = client.order(**selling(kind), market="ETH-USD")
            status, answer = await client.call("POST", "/orders", body)
            assert (status, answer["error"]) == (400, "VALIDATION_ERROR"), kind


async def test_an_option_triggers_on_its_own_mark_price() -> None:
    async with trading() as client:
        symbols = [str(row["symbol"]) for row in client.exchange.markets()]
        option = next(s for s in symbols if s.startswith("BTC-") and s.endswith("-90000-C"))
        client.exchange.set_mark_price(option, "2000")
        client.exchange.place_liquidity(option, "SELL", "2010", "1")
        fields = {"type": "STOP_MARKET", "trigger_price": "2100", "market": option}
        order = await client.place("BUY", "0.1", **fields)
        await client.until(order["id"], "UNTRIGGERED")
        client.exchange.set_mark_price(option, "2100")
        assert (await client.closed(order["id"]))["remaining_size"] == "0"


async def test_a_simulated_market_triggers_as_it_moves() -> None:
    async with trading(simulation_interval_ms=5) as client:
        orders = [
            await client.place("BUY", "0.01", type="STOP_MARKET", trigger_price=trigger)
            for trigger in ("90000.1", "90010")
        ]
        orders.append(
            await client.place("SELL", "0.01", type="STOP_MARKET", trigger_price="89999.9")
        )
        await eventually(
            lambda: any(client.shown(order["id"])["status"] == "CLOSED" for order in orders)
        )
