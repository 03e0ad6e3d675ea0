"""What orders of the local exchange may ask for: RPI, fees in DIME, isolated margin."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

from paradex_adapter.local_exchange import stark
from tests.integration.local_exchange_client import (
    MARKET,
    Client,
    Json,
    opened,
    trading,
)

D = Decimal


@asynccontextmanager
async def with_retail(**options: Any) -> AsyncIterator[tuple[Client, Client]]:
    """Trade with a maker of RPI orders and a retail trader."""
    async with trading(retail_delay_ms=0, **options) as maker:
        exchange = maker.exchange
        retail = Client(exchange, maker.http, exchange.add_account("retail"))
        key = hex(stark.public_key(retail.private_key))
        path = f"/auth/{key}?token_usage=interactive"
        status, body = await retail.call("POST", path, headers=retail.auth_headers())
        assert status == 200, body
        retail.token = body["jwt_token"]
        exchange.allow_rpi()
        yield maker, retail


def rpi(side: str, price: str, size: str = "0.1") -> Json:
    return {"side": side, "size": size, "price": price, "instruction": "RPI"}


def fill_of(client: Client, order: Json) -> Json:
    fills = client.exchange.fills(client.address)
    return next(fill for fill in fills if fill["order_id"] == order["id"])


# --- Retail price improvement ---------------------------------------------------------------------


async def test_only_whitelisted_accounts_place_rpi_limit_orders() -> None:
    async with trading() as client:
        body = client.order(**rpi("BUY", "89000"))
        status, answer = await client.call("POST", "/orders", body)
        assert (status, answer["error"]) == (400, "RPI_ACCOUNT_NOT_WHITELISTED")
        client.exchange.allow_rpi()
        order = await client.place(**rpi("BUY", "89000"))
        assert (await client.until(order["id"], "OPEN"))["instruction"] == "RPI"
        client.exchange.allow_rpi(is_allowed=False)
        body = client.order(**rpi("BUY", "89000"))
        assert (await client.call("POST", "/orders", body))[1]["error"] == answer["error"]
    async with trading() as client:
        client.exchange.allow_rpi()
        for kind in ("MARKET", "STOP_LIMIT", "STOP_MARKET"):
            price = "0" if kind.endswith("MARKET") else "89000"
            trigger = "91000" if kind.startswith("STOP") else None
            body = client.order(
                "BUY", "0.1", price, type=kind, trigger_price=trigger, instruction="RPI"
            )
            status, answer = await client.call("POST", "/orders", body)
            assert (status, answer["error"]) == (400, "VALIDATION_ERROR"), kind


async def test_rpi_orders_are_in_no_book_and_fill_no_professional() -> None:
    async with with_retail() as (maker, _):
        exchange = maker.exchange
        before = exchange.order_book(MARKET)
        order = await maker.place(**rpi("SELL", "90000"))
        await maker.until(order["id"], "OPEN")
        assert exchange.order_book(MARKET) == before
        pro = await Client(exchange, maker.http, exchange.add_account("pro")).log_in()
        taken = await pro.place("BUY", "0.1", "90000", instruction="IOC")
        assert (await pro.closed(taken["id"]))["cancel_reason"] == "REMAINING_IOC_CANCEL"
        at_market = await pro.place("BUY", "0.1")
        assert (await pro.closed(at_market["id"]))["cancel_reason"] == "EMPTY_MARKET"
        assert maker.shown(order["id"])["remaining_size"] == "0.1"


async def test_a_retail_taker_meets_rpi_orders_after_the_others_at_a_price() -> None:
    async with with_retail() as (maker, retail):
        exchange = maker.exchange
        hidden = await maker.place(**rpi("SELL", "90000"))
        await maker.until(hidden["id"], "OPEN")
        exchange.place_liquidity(MARKET, "SELL", "90000", "0.1")
        exchange.place_liquidity(MARKET, "SELL", "90010", "0.1")
        async with opened(retail) as listener:
            await listener.subscribe(f"fills.{MARKET}")
            order = await retail.place("BUY", "0.25")
            await retail.closed(order["id"])
            await listener.push(f"fills.{MARKET}", lambda fill: fill["price"] == "90010")
            fills = listener.of(f"fills.{MARKET}")
        assert [(f["fill_type"], f["price"], f["size"], f["flags"]) for f in fills] == [
            ("FILL", "90000", "0.1", ["interactive"]),
            ("RPI", "90000", "0.1", ["interactive", "rpi"]),
            ("FILL", "90010", "0.05", ["interactive"]),
        ]
        assert [fill["orderbook_seq_no"] > 0 for fill in fills] == [True, False, True]
        made = fill_of(maker, hidden)
        assert (made["fill_type"], made["flags"], made["fee"]) == ("RPI", ["rpi"], "0")
        trades = (await maker.get(f"/trades?market={MARKET}"))["results"]
        assert [trade["trade_type"] for trade in trades[:3]] == ["FILL", "RPI", "FILL"]


@pytest.mark.parametrize(
    ("price", "ended"), [("90045", "OPEN"), ("90045.1", "CLOSED"), ("89000", "OPEN")]
)
async def test_an_rpi_order_crosses_by_five_basis_points_at_most(price: str, ended: str) -> None:
    async with with_retail() as (maker, retail):
        maker.exchange.place_liquidity(MARKET, "SELL", "90000", "1")
        order = await maker.until((await maker.place(**rpi("BUY", price)))["id"], ended)
        assert order["remaining_size"] == "0.1"
        assert order["cancel_reason"] == ("POST_ONLY_WOULD_CROSS" if ended == "CLOSED" else "")
        if price == "90045":
            sold = await retail.place("SELL", "0.1", "90045", instruction="IOC")
            assert (await retail.closed(sold["id"]))["remaining_size"] == "0"
            assert fill_of(retail, sold)["price"] == "90045"


async def test_an_rpi_order_is_changed_and_canceled() -> None:
    async with with_retail() as (maker, retail):
        order = await maker.until((await maker.place(**rpi("BUY", "89000")))["id"], "OPEN")
        body = maker.change(order, price="89500", size="0.2")
        assert (await maker.call("PUT", f"/orders/{order['id']}", body))[0] == 200
        await maker.call("GET", "/orders")
        assert (await maker.call("DELETE", f"/orders/{order['id']}"))[0] == 204
        closed = await maker.closed(order["id"])
        assert (closed["price"], closed["size"]) == ("89500", "0.2")
        sold = await retail.place("SELL", "0.1", "89000", instruction="IOC")
        assert (await retail.closed(sold["id"]))["remaining_size"] == "0.1"


async def test_a_retail_order_stands_before_the_others_at_its_price() -> None:
    async with with_retail() as (maker, retail):
        first = await maker.until((await maker.place("SELL", "0.1", "90000"))["id"], "OPEN")
        second = await retail.until((await retail.place("SELL", "0.1", "90000"))["id"], "OPEN")
        maker.exchange.take_liquidity(MARKET, "BUY", "0.1")
        assert retail.shown(second["id"])["status"] == "CLOSED"
        assert maker.shown(first["id"])["remaining_size"] == "0.1"


# --- Fees in DIME ---------------------------------------------------------------------------------


async def buy_with_dime(client: Client, held: str) -> tuple[Json, dict[str, Decimal]]:
    if held != "0":
        client.exchange.give_tokens(held)
    client.exchange.set_mark_price("DIME-USD", "0.05")
    client.exchange.place_liquidity(MARKET, "SELL", "90000", "1")
    order = await client.place("BUY", "0.1", dime_discount=True)
    await client.closed(order["id"])
    rows = (await client.get("/balance"))["results"]
    return fill_of(client, order), {row["token"]: D(row["size"]) for row in rows}


async def test_a_fee_is_paid_in_dime_at_a_discount() -> None:
    async with trading() as client:
        fill, balances = await buy_with_dime(client, "1000")
        # 0.045 % of 9000 USDC, less 40 %, at 0.05 USDC.
        assert (fill["fee"], fill["fee_currency"]) == ("48.6", "DIME")
        assert balances == {"USDC": D(100_000), "DIME": D("951.4")}


@pytest.mark.parametrize("held", ["0", "48.5"])
async def test_a_fee_is_paid_in_usdc_where_dime_does_not_suffice(held: str) -> None:
    async with trading() as client:
        fill, balances = await buy_with_dime(client, held)
        assert (fill["fee"], fill["fee_currency"]) == ("4.05", "USDC")
        assert balances["USDC"] == D("99995.95")
        assert balances.get("DIME", D(0)) == D(held)


async def test_json_rpc_knows_nothing_of_dime_nor_of_a_worst_average() -> None:
    async with trading() as client, opened(client) as listener:
        client.exchange.give_tokens("1000")
        client.exchange.place_liquidity(MARKET, "SELL", "90000", "1")
        body = client.order("BUY", "0.1", dime_discount=True, vwap_price="1")
        order = (await listener.request("order.create", body))["result"]["order"]
        assert (await client.closed(order["id"]))["remaining_size"] == "0"
        assert fill_of(client, order)["fee_currency"] == "USDC"


# --- Isolated margin ------------------------------------------------------------------------------


async def test_orders_for_an_isolated_account_are_its_own() -> None:
    async with trading() as client:
        isolated = client.exchange.add_isolated_account(MARKET, balance="1000")
        order = await client.place("BUY", "0.1", "89000", on_behalf_of_account=isolated)
        assert order["account"] == isolated
        assert (await client.get("/orders"))["results"] == []
        assert [row["id"] for row in client.exchange.orders(isolated)] == [order["id"]]
        other = client.order(
            "BUY", "0.1", "2900", market="ETH-USD-PERP", on_behalf_of_account=isolated
        )
        status, answer = await client.call("POST", "/orders", other)
        assert (status, answer["error"]) == (400, "ISOLATED_MARKET_ACCOUNT_MISMATCH")
        stranger = client.exchange.add_account("stranger")
        foreign = client.exchange.add_isolated_account(MARKET, stranger.account_address)
        body = client.order("BUY", "0.1", "89000", on_behalf_of_account=foreign)
        status, answer = await client.call("POST", "/orders", body)
        assert (status, answer["error"]) == (400, "ISOLATED_MARKET_ACCOUNT_MISMATCH")
        assert (await client.call("DELETE", f"/orders/{order['id']}"))[0] == 204
