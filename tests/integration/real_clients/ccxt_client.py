"""Drive the local exchange with ccxt, as a user of ccxt would; print what came of it as one line.

Runs in an interpreter of its own, which has ccxt installed. Takes the exchange's own JSON line as
its only argument. Any step that fails ends it with a traceback.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import ccxt.pro

SYMBOL = "BTC/USD:USDC"
SIZE = 0.01
DEADLINE_SECS = 60.0
# A published test key of the Ethereum side; it holds nothing anywhere.
NEWCOMER_KEY = "0xf8e4d1d772cdd44e5e77615ad11cc071c94e4c06dc21150d903f28e6aa6abdff"
NEWCOMER_ADDRESS = "0xd2c7314539dCe7752c8120af4eC2AA750Cf2035e"


def connect(venue: dict[str, str], *, is_newcomer: bool = False, sbe: bool = True) -> Any:
    options: dict[str, Any] = {"sbe": sbe}
    if not is_newcomer:
        options["paradexAccount"] = {
            "privateKey": venue["private_key"],
            "publicKey": venue["public_key"],
            "address": venue["account_address"],
        }
    client = ccxt.pro.paradex(
        {"privateKey": NEWCOMER_KEY, "walletAddress": NEWCOMER_ADDRESS, "options": options}
    )
    client.urls["api"] = {
        "v1": venue["base_url_http"],
        "v2": venue["base_url_http"].replace("/v1", "/v2"),
        "ws": venue["base_url_ws"],
    }
    return client


async def onboard(venue: dict[str, str]) -> dict[str, Any]:
    """Derive an account from an Ethereum key, onboard it and read its balance."""
    client = connect(venue, is_newcomer=True)
    try:
        await client.onboarding()
        token = await client.authenticate_rest()
        account = await client.retrieve_account()
        balance = await client.fetch_balance()
        return {
            "address": account["address"],
            "has_token": bool(token),
            "balance": balance["total"].get("USDC"),
        }
    finally:
        await client.close()


async def read_markets(client: Any) -> dict[str, Any]:
    markets = await client.load_markets()
    ticker = await client.fetch_ticker(SYMBOL)
    book = await client.fetch_order_book(SYMBOL)
    trades = await client.fetch_trades(SYMBOL)
    status = await client.fetch_status()
    return {
        "symbols": sorted(markets),
        "tick": client.market(SYMBOL)["precision"]["price"],
        "status": status["status"],
        "time": await client.fetch_time(),
        "bid": ticker["bid"],
        "ask": ticker["ask"],
        "book": [len(book["bids"]), len(book["asks"])],
        "trades": len(trades),
    }


async def place_and_cancel(client: Any) -> dict[str, Any]:
    book = await client.fetch_order_book(SYMBOL)
    price = book["bids"][0][0] * 0.97
    placed = await client.create_order(
        SYMBOL, "limit", "buy", SIZE, price, {"postOnly": True, "clientOrderId": "ccxt-resting"}
    )
    opened = await until(client, placed["id"], lambda order: order["info"]["status"] == "OPEN")
    await client.edit_order(placed["id"], SYMBOL, "limit", "buy", SIZE, price * 0.99)
    edited = await until(client, placed["id"], lambda order: order["price"] < opened["price"])
    open_ids = [order["id"] for order in await client.fetch_open_orders(SYMBOL)]
    await client.cancel_order(placed["id"], SYMBOL)
    closed = await until_gone(client, placed["id"])
    return {
        "placed_status": placed["status"],
        "opened_status": opened["status"],
        "edit_status": edited["info"]["request_info"]["status"],
        "is_listed": placed["id"] in open_ids,
        "closed_status": closed["status"],
        "cancel_reason": closed["info"]["cancel_reason"],
    }


async def until(client: Any, order_id: str, is_reached: Callable[[Any], bool]) -> Any:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + DEADLINE_SECS
    while loop.time() < deadline:
        order = await client.fetch_order(order_id)
        if is_reached(order):
            return order
    raise TimeoutError("order did not get there")


async def until_gone(client: Any, order_id: str) -> Any:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + DEADLINE_SECS
    while loop.time() < deadline:
        if order_id not in [order["id"] for order in await client.fetch_open_orders(SYMBOL)]:
            history = await client.fetch_orders(SYMBOL)
            return next(order for order in history if order["id"] == order_id)
    raise TimeoutError("order stays open")


async def trade(client: Any) -> dict[str, Any]:
    bought = await client.create_order(SYMBOL, "market", "buy", SIZE)
    await until_gone(client, bought["id"])
    fills = [fill for fill in await client.fetch_my_trades(SYMBOL) if fill["order"] == bought["id"]]
    position = next(p for p in await client.fetch_positions([SYMBOL]) if p["contracts"])
    sold = await client.create_order(SYMBOL, "market", "sell", SIZE, None, {"reduceOnly": True})
    await until_gone(client, sold["id"])
    held = [p["contracts"] for p in await client.fetch_positions([SYMBOL])]
    balance = await client.fetch_balance()
    return {
        # As decimals: floats of several fills do not add up exactly.
        "filled": str(sum(Decimal(str(fill["amount"])) for fill in fills)),
        "fee_paid": str(sum(Decimal(str(fill["fee"]["cost"])) for fill in fills)),
        "fee_currency": fills[0]["fee"]["currency"],
        "liquidity": fills[0]["takerOrMaker"],
        "position_side": position["side"],
        "position_size": position["contracts"],
        "size_after": sum(held),
        "balance": balance["total"]["USDC"],
    }


async def refused(client: Any) -> dict[str, str]:
    """Ask for what the venue refuses; return the class of error ccxt makes of each answer."""
    outcome = {}
    calls = {
        "unknown_order": lambda: client.cancel_order("123456789", SYMBOL),
        "bad_signature": lambda: client.private_post_orders(
            {
                "market": "BTC-USD-PERP",
                "side": "BUY",
                "type": "LIMIT",
                "size": "0.01",
                "price": "90000",
                "instruction": "GTC",
                "signature": '["1","2"]',
                "signature_timestamp": client.milliseconds(),
            }
        ),
    }
    for name, call in calls.items():
        try:
            await call()
            outcome[name] = "accepted"
        except ccxt.BaseError as error:
            outcome[name] = type(error).__name__
    return outcome


async def watch(client: Any, trader: Any) -> dict[str, Any]:
    """Follow every channel ccxt knows while orders are placed by another connection."""
    calls = {
        "trades": client.watch_trades(SYMBOL),
        "order_book": client.watch_order_book(SYMBOL),
        "ticker": client.watch_ticker(SYMBOL),
        "tickers": client.watch_tickers([SYMBOL]),
        "funding_rate": client.watch_funding_rate(SYMBOL),
        "orders": client.watch_orders(SYMBOL),
        "my_trades": client.watch_my_trades(SYMBOL),
        "positions": client.watch_positions([SYMBOL]),
        "balance": client.watch_balance(),
    }
    return await collect(calls, trader)


async def watch_plain(client: Any, trader: Any) -> dict[str, Any]:
    """Follow the private channels as JSON, on a connection that asked for no SBE."""
    calls = {
        "orders": client.watch_orders(SYMBOL),
        "my_trades": client.watch_my_trades(SYMBOL),
        "positions": client.watch_positions([SYMBOL]),
        "balance": client.watch_balance(),
    }
    return await collect(calls, trader)


async def collect(calls: dict[str, Any], trader: Any) -> dict[str, Any]:
    tasks = {name: asyncio.create_task(call) for name, call in calls.items()}
    loop = asyncio.get_running_loop()
    deadline = loop.time() + DEADLINE_SECS
    try:
        while not all(task.done() for task in tasks.values()) and loop.time() < deadline:
            for side in ("buy", "sell"):
                order = await trader.create_order(SYMBOL, "market", side, SIZE)
                await until_gone(trader, order["id"])
        silent = [name for name, task in tasks.items() if not task.done()]
        if silent:
            raise TimeoutError(f"nothing came on {silent}")
        return {name: describe(name, task.result()) for name, task in tasks.items()}
    finally:
        for task in tasks.values():
            task.cancel()


def describe(name: str, result: Any) -> Any:
    first = result[0] if isinstance(result, list) else result
    if name == "order_book":
        return {"levels": [len(first["bids"]), len(first["asks"])], "nonce": first["nonce"]}
    if name == "balance":
        return {"keys": sorted(first)}
    if name == "tickers":
        return {"symbols": sorted(first)}
    fields = ("id", "symbol", "side", "amount", "price", "status", "contracts", "bid", "ask")
    return {key: first[key] for key in (*fields, "fundingRate", "fee") if key in first}


async def main(venue: dict[str, str]) -> None:
    outcome: dict[str, Any] = {"version": ccxt.__version__}
    outcome["onboarding"] = await onboard(venue)
    client = connect(venue)
    try:
        outcome["markets"] = await read_markets(client)
        outcome["place_and_cancel"] = await place_and_cancel(client)
        outcome["trade"] = await trade(client)
        outcome["refused"] = await refused(client)
        for name, sbe, follow in (("sbe", True, watch), ("plain", False, watch_plain)):
            follower = connect(venue, sbe=sbe)
            try:
                await follower.load_markets()
                outcome[name] = await follow(follower, client)
            finally:
                await follower.close()
    finally:
        await client.close()
    print(json.dumps(outcome))


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
