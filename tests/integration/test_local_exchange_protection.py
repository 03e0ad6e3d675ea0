"""Market maker protection of the local exchange: configuration, trips, freezes and their end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

from tests.integration.local_exchange_client import (
    MARKET,
    Client,
    Json,
    eventually,
    opened,
    trading,
)

CONFIG = {"interval_ms": 60_000, "frozen_time_ms": 0, "size_limit": "0.3"}


@asynccontextmanager
async def protected(**config: Any) -> AsyncIterator[Client]:
    """Trade with protection of BTC configured."""
    async with trading() as client:
        client.exchange.allow_mmp()
        status, body = await client.call("POST", "/account/mmp/BTC", {**CONFIG, **config})
        assert status == 200, body
        yield client


async def quote(
    client: Client, price: str, side: str = "SELL", size: str = "0.2", **more: Any
) -> Json:
    order = await client.place(side, size, price, flags=["MMP"], **more)
    return await client.until(order["id"], "OPEN")


def state(client: Client, order: Json) -> tuple[str, str]:
    shown = client.shown(order["id"])
    return shown["status"], shown["cancel_reason"]


async def mmp_of(client: Client) -> Json:
    row: Json = (await client.get("/account/mmp"))["results"][0]
    return row


async def test_a_trip_cancels_the_quotes_on_the_base_asset_and_freezes_new_ones() -> None:
    async with protected() as client, opened(client) as listener:
        await listener.subscribe("mmp")
        symbols = [str(row["symbol"]) for row in client.exchange.markets()]
        option = next(s for s in symbols if s.startswith("BTC-") and s.endswith("-90000-C"))
        first, second = [await quote(client, price) for price in ("90000", "90010")]
        third = await quote(client, "90020")
        on_option = await quote(client, "3000", size="0.1", market=option)
        plain = await client.until((await client.place("SELL", "0.2", "90030"))["id"], "OPEN")
        elsewhere = await client.place("SELL", "1", "3000", market="ETH-USD-PERP")
        client.exchange.take_liquidity(MARKET, "BUY", "0.2")
        assert state(client, second) == ("OPEN", "")
        client.exchange.take_liquidity(MARKET, "BUY", "0.15")
        assert state(client, first) == ("CLOSED", "")
        assert state(client, second) == ("CLOSED", "MMP_TRIGGERED")
        assert client.shown(second["id"])["remaining_size"] == "0.05"
        assert state(client, third) == ("CLOSED", "MMP_TRIGGERED")
        assert state(client, on_option) == ("CLOSED", "MMP_TRIGGERED")
        assert state(client, plain) == ("OPEN", "")
        assert (await client.until(elsewhere["id"], "OPEN"))["flags"] == []
        told = await listener.push("mmp")
        assert (told["kind"], told["trip_reason"], told["frozen_until"]) == ("TRIGGERED", "SIZE", 0)
        window = {name: told[f"window_{name}"] for name in ("size", "delta", "vega")}
        assert window == {"size": "0.35", "delta": "-0.35", "vega": "0"}
        assert (told["trigger_market"], told["base_asset"]) == (MARKET, "BTC")
        late = await client.place("SELL", "0.1", "90000", flags=["MMP"])
        assert (await client.closed(late["id"]))["cancel_reason"] == "MMP_FROZEN"
        row = await mmp_of(client)
        assert (row["is_frozen"], row["frozen_until"]) == (True, 0)


async def test_one_taker_meets_no_quote_after_the_trip() -> None:
    async with protected() as client:
        quotes = [await quote(client, price) for price in ("90000", "90010", "90020")]
        client.exchange.take_liquidity(MARKET, "BUY", "0.6")
        assert [client.shown(o["id"])["remaining_size"] for o in quotes] == ["0", "0", "0.2"]
        assert state(client, quotes[2]) == ("CLOSED", "MMP_TRIGGERED")


async def test_a_protected_taker_ends_with_the_trip() -> None:
    async with protected() as client:
        for price in ("90000", "90010", "90020"):
            client.exchange.place_liquidity(MARKET, "SELL", price, "0.2")
        order = await client.place("BUY", "0.6", "90020", flags=["MMP"])
        closed = await client.closed(order["id"])
        assert (closed["cancel_reason"], closed["remaining_size"]) == ("MMP_TRIGGERED", "0.2")


@pytest.mark.parametrize(
    ("limit", "is_tripped"), [("size_limit", True), ("delta_limit", False), ("vega_limit", False)]
)
async def test_size_adds_up_and_delta_nets(limit: str, is_tripped: bool) -> None:
    limits = {"size_limit": "0", limit: "0.3"}
    async with protected(**limits) as client, opened(client) as listener:
        await listener.subscribe("mmp")
        await quote(client, "90000")
        await quote(client, "89990", "BUY")
        third = await quote(client, "89980", "BUY")
        client.exchange.take_liquidity(MARKET, "BUY", "0.2")
        client.exchange.take_liquidity(MARKET, "SELL", "0.2")
        assert state(client, third) == (("CLOSED", "MMP_TRIGGERED") if is_tripped else ("OPEN", ""))
        if limit == "delta_limit":
            client.exchange.take_liquidity(MARKET, "SELL", "0.1")
            await quote(client, "89970", "BUY", "0.4")
            client.exchange.take_liquidity(MARKET, "SELL", "0.4")
            assert (await listener.push("mmp"))["trip_reason"] == "DELTA"


async def test_vega_is_that_of_options() -> None:
    async with protected(size_limit="0", vega_limit="1") as client, opened(client) as listener:
        await listener.subscribe("mmp")
        symbols = [str(row["symbol"]) for row in client.exchange.markets()]
        option = next(s for s in symbols if s.startswith("BTC-") and s.endswith("-90000-C"))
        await quote(client, "90000", size="1")
        client.exchange.take_liquidity(MARKET, "BUY", "1")
        assert not (await mmp_of(client))["is_frozen"]
        await quote(client, "3000", size="1", market=option)
        client.exchange.take_liquidity(option, "BUY", "1")
        told = await listener.push("mmp")
        assert (told["trip_reason"], told["trigger_market"]) == ("VEGA", option)
        assert Decimal(told["window_vega"]) < -1


async def test_fills_leave_the_window_after_the_interval() -> None:
    async with protected(interval_ms=100) as client:
        orders = [await quote(client, price) for price in ("90000", "90010")]
        client.exchange.take_liquidity(MARKET, "BUY", "0.2")
        client.exchange.set_clock_offset(200)
        client.exchange.take_liquidity(MARKET, "BUY", "0.15")
        assert state(client, orders[1]) == ("OPEN", "")


async def test_a_freeze_ends_by_itself_and_tells_it() -> None:
    async with protected(frozen_time_ms=1500) as client, opened(client) as listener:
        await listener.subscribe("mmp")
        await quote(client, "90000", size="0.4")
        client.exchange.take_liquidity(MARKET, "BUY", "0.4")
        told = await listener.push("mmp")
        assert told["frozen_until"] == told["created_at"] + 1500
        client.exchange.set_clock_offset(1600)
        ended = await listener.push("mmp", lambda event: event["kind"] == "UNFROZEN")
        assert (ended["base_asset"], ended["frozen_until"]) == ("BTC", 0)
        await quote(client, "90000")


async def test_a_reset_ends_a_freeze_after_a_second() -> None:
    async with protected() as client, opened(client) as listener:
        await listener.subscribe("mmp")
        client.exchange.allow_mmp()
        assert (await client.call("POST", "/account/mmp/ETH", CONFIG))[0] == 200
        await quote(client, "90000", size="0.4")
        client.exchange.take_liquidity(MARKET, "BUY", "0.4")
        status, answer = await client.call("POST", "/account/mmp/reset", {})
        assert (status, answer["error"]) == (400, "MMP_MIN_FREEZE_NOT_ELAPSED")
        assert answer["message"] == "refused: BTC; reset: ETH"
        client.exchange.set_clock_offset(1100)
        status, answer = await client.call("POST", "/account/mmp/reset", {"base_asset": "BTC"})
        assert (status, [row["base_asset"] for row in answer["results"]]) == (200, ["BTC"])
        await listener.push(
            "mmp", lambda event: (event["kind"], event["base_asset"]) == ("RESET", "BTC")
        )
        row = await mmp_of(client)
        assert (row["is_frozen"], row["window_size"]) == (False, "0")
        await quote(client, "90000")


async def test_a_configuration_is_replaced_and_removed() -> None:
    async with protected(protect_block_trades=True) as client, opened(client) as listener:
        await listener.subscribe("mmp")
        order = await quote(client, "90000")
        changed = {"interval_ms": 100, "frozen_time_ms": 5, "vega_limit": "7.5"}
        status, row = await client.call("POST", "/account/mmp/BTC", changed)
        assert status == 200
        assert row | changed == row
        assert (row["size_limit"], row["protect_block_trades"]) == ("0", True)
        told = await listener.push("mmp")
        assert (told["kind"], told["config"]["vega_limit"]) == ("CONFIG_UPDATED", "7.5")
        listed = await client.get("/account/mmp?base_asset=BTC")
        assert (listed["account"], listed["enabled"]) == (client.address, True)
        assert [row["base_asset"] for row in listed["results"]] == ["BTC"]
        assert (await client.get("/account/mmp?base_asset=ETH"))["results"] == []
        client.exchange.allow_mmp(is_allowed=False)
        status, answer = await client.call("POST", "/account/mmp/BTC", changed)
        assert (status, answer["error"]) == (403, "MMP_NOT_ENABLED")
        for _ in range(2):
            assert (await client.call("DELETE", "/account/mmp/BTC"))[0] == 204
        await eventually(lambda: state(client, order) == ("CLOSED", "MMP_DISABLED"))
        removed = await listener.push("mmp", lambda event: "removed" in event["config"])
        assert removed["config"]["removed"] is True
        assert (await client.get("/account/mmp"))["results"] == []


@pytest.mark.parametrize(
    ("base", "changed", "error"),
    [
        ("BTC", {"interval_ms": 99}, "MMP_CONFIG_INVALID"),
        ("BTC", {"interval_ms": 3_600_001}, "MMP_CONFIG_INVALID"),
        ("BTC", {"interval_ms": "60"}, "BINDING_ERROR"),
        ("BTC", {"frozen_time_ms": -1}, "MMP_CONFIG_INVALID"),
        ("BTC", {"size_limit": "0"}, "MMP_CONFIG_INVALID"),
        ("BTC", {"size_limit": "1.00001"}, "MMP_CONFIG_INVALID"),
        ("BTC", {"size_limit": 1}, "BINDING_ERROR"),
        ("BTC", {"protect_block_trades": "yes"}, "BINDING_ERROR"),
        ("NOPE", {}, "MMP_CONFIG_INVALID"),
    ],
)
async def test_a_wrong_configuration_is_refused(base: str, changed: Json, error: str) -> None:
    async with protected() as client:
        status, answer = await client.call("POST", f"/account/mmp/{base}", {**CONFIG, **changed})
        assert (status, answer["error"]) == (400, error)
        for body in ({"base_asset": "NOPE"}, {"base_asset": ""}):
            assert (await client.call("POST", "/account/mmp/reset", body))[0] == 400


async def test_only_limits_on_perpetuals_and_dated_options_are_protected() -> None:
    async with protected() as client:
        unconfigured = await client.place("SELL", "1", "3000", market="ETH-USD-PERP", flags=["MMP"])
        closed = await client.closed(unconfigured["id"])
        assert closed["cancel_reason"] == "MMP_NOT_CONFIGURED"
        for fields in (
            {"price": "0"},
            {"price": "90000", "type": "STOP_LIMIT", "trigger_price": "91000"},
            {"price": "3000", "market": "ETH-USD"},
        ):
            body = client.order("BUY", "0.1", flags=["MMP"], **fields)
            status, answer = await client.call("POST", "/orders", body)
            assert (status, answer["error"]) == (400, "VALIDATION_ERROR"), fields
