"""Every order that waits, and what orders may ask for, for the judges of the local exchange."""

from decimal import Decimal
from typing import Any

from paradex_adapter.local_exchange import LocalExchange
from tests.contract.exchange_caller import Caller

MARKET = "BTC-USD-PERP"
STOPS = ("STOP_LIMIT", "STOP_MARKET")
CLOSING = (
    "TAKE_PROFIT_LIMIT",
    "TAKE_PROFIT_MARKET",
    "STOP_LOSS_LIMIT",
    "STOP_LOSS_MARKET",
)
PROTECTION = {"interval_ms": 60_000, "frozen_time_ms": 0, "size_limit": "0.005"}


async def hold_long(exchange: LocalExchange, caller: Caller, size: str = "0.02") -> None:
    """Let the account hold so much, in a market at 90000 with quotes on both sides."""
    exchange.set_mark_price(MARKET, "90000")
    exchange.place_liquidity(MARKET, "BUY", "89990", "5")
    exchange.place_liquidity(MARKET, "SELL", "90010", "5")
    rows = [p for p in exchange.positions(caller.address) if p["market"] == MARKET]
    missing = Decimal(size) - sum(Decimal(row["size"]) for row in rows)
    if missing:
        side = "BUY" if missing > 0 else "SELL"
        fields = {"type": "MARKET", "price": "0", "instruction": "IOC"}
        order = await caller.place(side=side, size=str(abs(missing)), **fields)
        await caller.until_closed(order["id"])


def selling(kind: str, **fields: Any) -> dict[str, Any]:
    """Return the fields of a conditional order that sells."""
    return {
        "side": "SELL",
        "type": kind,
        "price": "90005" if kind.endswith("LIMIT") else "0",
        "trigger_price": "91000" if kind.startswith("TAKE") else "89000",
        **fields,
    }


async def let_orders_wait(exchange: LocalExchange, caller: Caller) -> None:
    """Let an order of every conditional kind wait; read, change, trigger or cancel it."""
    await hold_long(exchange, caller)
    for kind in (*STOPS, *CLOSING):
        order = await caller.place(**selling(kind))
        await caller.until_settled(order["id"])
        path = f"/orders/{order['id']}"
        shown = (await caller.call("GET", path)).json
        assert shown["status"] == "UNTRIGGERED"
        assert (await caller.call("GET", "/orders")).status == 200
        trigger = "91500" if kind.startswith("TAKE") else "88500"
        change = caller.change(order, trigger_price=trigger, size="0.02")
        assert (await caller.call("PUT", path, body=change)).status == 200
        if kind.startswith("STOP_LOSS"):
            exchange.set_mark_price(MARKET, trigger)
            await caller.call("GET", "/orders-history", type=kind)
            exchange.set_mark_price(MARKET, "90000")
        await caller.call("DELETE", path)
        await caller.until_closed(order["id"])
        await hold_long(exchange, caller)


async def ask_for_more(exchange: LocalExchange, caller: Caller) -> None:
    """Place RPI orders, pay in DIME, and order for an isolated account."""
    exchange.allow_rpi(caller.address)
    rpi = await caller.place(instruction="RPI")
    await caller.until_settled(rpi["id"])
    assert (await caller.call("DELETE", f"/orders/{rpi['id']}")).status == 204
    exchange.give_tokens("1000", account_address=caller.address)
    fields = {"type": "MARKET", "price": "0", "instruction": "IOC", "dime_discount": True}
    paid = await caller.place(**fields)
    await caller.until_closed(paid["id"])
    fills = (await caller.call("GET", "/fills", market=MARKET)).json["results"]
    assert fills[0]["fee_currency"] == "DIME"
    refused = caller.order(on_behalf_of_account="0x5")
    assert (await caller.call("POST", "/orders", body=refused)).status == 400
    isolated = exchange.add_isolated_account(MARKET, caller.address, "1000")
    await caller.place(on_behalf_of_account=isolated)


async def protect_quotes(exchange: LocalExchange, caller: Caller) -> None:
    """Configure protection, trip it, read and reset it, and remove it."""
    path = "/account/mmp/BTC"
    token, caller.token = caller.token, ""
    assert (await caller.call("GET", "/account/mmp")).status == 401
    caller.token = token
    assert (await caller.call("POST", path, body=PROTECTION)).status == 403
    assert (await caller.call("DELETE", path, headers={"Authorization": "x"})).status == 401
    exchange.allow_mmp(caller.address)
    assert (await caller.call("POST", path, body={**PROTECTION, "interval_ms": 1})).status == 400
    assert (await caller.call("POST", path, body=PROTECTION)).status == 200
    quote = await caller.place(side="SELL", price="90001", flags=["MMP"])
    await caller.until_settled(quote["id"])
    exchange.take_liquidity(MARKET, "BUY", "0.006")
    await caller.until_closed(quote["id"])
    assert (await caller.call("GET", "/account/mmp")).json["results"][0]["is_frozen"]
    assert (await caller.call("POST", "/account/mmp/reset", body={})).status == 400
    exchange.set_clock_offset(1500)
    assert (await caller.call("POST", "/account/mmp/reset", body={})).status == 200
    exchange.set_clock_offset(0)
    assert (await caller.call("DELETE", path)).status == 204
