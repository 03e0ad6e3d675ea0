"""Drive the local exchange with paradex-py; print what came of it as one line.

Runs in an interpreter of its own, which has paradex-py installed (Python 3.10). Takes the
exchange's own JSON line as its only argument. Any step that fails ends it with a traceback.
"""

import asyncio
import json
import sys
import time
from decimal import Decimal
from importlib.metadata import version
from typing import Any

from paradex_py import Paradex
from paradex_py.api.ws_client import WsRpcError
from paradex_py.common.order import Order, OrderSide, OrderType

MARKET = "BTC-USD-PERP"
SIZE = Decimal("0.01")
DEADLINE_SECS = 60.0
# Published test keys; they hold nothing anywhere.
ETHEREUM_ADDRESS = "0xd2c7314539dCe7752c8120af4eC2AA750Cf2035e"
NEWCOMER_KEY = "0x1a2b3c4d5e6f7a8b"
PUBLIC_CHANNELS = (
    f"trades.{MARKET}",
    f"bbo.{MARKET}",
    f"order_book.{MARKET}.deltas",
    f"markets_summary.{MARKET}",
    f"funding_data.{MARKET}",
)
CONDITIONAL = (
    OrderType.StopLimit,
    OrderType.StopMarket,
    OrderType.TakeProfitLimit,
    OrderType.TakeProfitMarket,
    OrderType.StopLossLimit,
    OrderType.StopLossMarket,
)
PRIVATE_CHANNELS = (f"orders.{MARKET}", f"fills.{MARKET}", "positions", "account")


def connect(venue: dict[str, str], key: str, *, sbe: bool) -> Any:
    return Paradex(
        env="testnet",
        l1_address=ETHEREUM_ADDRESS,
        l2_private_key=key,
        api_base_url=venue["base_url_http"],
        ws_url_override=venue["base_url_ws"],
        ws_direct_url_override=venue["base_url_ws"],
        ws_sbe_enabled=sbe,
        disable_reconnect=True,
    )


def onboard(venue: dict[str, str]) -> dict[str, Any]:
    """Make an account from a new key: the client onboards it when it is told to."""
    client = connect(venue, NEWCOMER_KEY, sbe=False)
    summary = client.api_client.fetch_account_summary()
    return {
        "is_address_equal": int(summary.account, 16) == client.account.l2_address,
        "status": summary.status,
        "collateral": summary.total_collateral,
    }


def read_markets(client: Any) -> dict[str, Any]:
    api = client.api_client
    book = api.fetch_orderbook(MARKET)
    return {
        "symbols": sorted(market["symbol"] for market in api.fetch_markets()["results"]),
        "state": api.fetch_system_state()["status"],
        "time": api.fetch_system_time()["server_time"],
        "summary": api.fetch_markets_summary({"market": MARKET})["results"][0]["symbol"],
        "bbo": api.fetch_bbo(MARKET)["market"],
        "book": [len(book["bids"]), len(book["asks"])],
        "trades": len(api.fetch_trades({"market": MARKET})["results"]),
    }


def limit_order(client: Any, client_id: str) -> Order:
    bid = Decimal(client.api_client.fetch_bbo(MARKET)["bid"])
    return Order(
        market=MARKET,
        order_type=OrderType.Limit,
        order_side=OrderSide.Buy,
        size=SIZE,
        limit_price=(bid * Decimal("0.97")).quantize(Decimal("0.1")),
        client_id=client_id,
        instruction="POST_ONLY",
    )


def market_order(side: OrderSide, *, reduce_only: bool = False) -> Order:
    return Order(
        market=MARKET,
        order_type=OrderType.Market,
        order_side=side,
        size=SIZE,
        instruction="IOC",
        reduce_only=reduce_only,
    )


def changed(order: Order, order_id: str) -> Order:
    order.id = order_id
    order.limit_price = (order.limit_price * Decimal("0.99")).quantize(Decimal("0.1"))
    return order


def until_changed(client: Any, order_id: str, price: Decimal) -> dict[str, Any]:
    deadline = time.monotonic() + DEADLINE_SECS
    while time.monotonic() < deadline:
        order = client.api_client.fetch_order(order_id)
        if Decimal(order["price"]) == price:
            return order
    raise TimeoutError("order did not change")


def until_open(client: Any, order_id: str, status: str = "OPEN") -> dict[str, Any]:
    deadline = time.monotonic() + DEADLINE_SECS
    while time.monotonic() < deadline:
        order = client.api_client.fetch_order(order_id)
        if order["status"] == status:
            return order
    raise TimeoutError(f"order is not {status}")


def until_closed(client: Any, order_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + DEADLINE_SECS
    while time.monotonic() < deadline:
        history = client.api_client.fetch_orders_history({"market": MARKET})["results"]
        for order in history:
            if order["id"] == order_id and order["status"] == "CLOSED":
                return order
    raise TimeoutError("order stays open")


def place_and_cancel(client: Any) -> dict[str, Any]:
    api = client.api_client
    placed = api.submit_order(limit_order(client, "paradex-py-resting"))
    opened = until_open(client, placed["id"])
    listed = [order["id"] for order in api.fetch_orders({"market": MARKET})["results"]]
    change = changed(limit_order(client, "paradex-py-resting"), placed["id"])
    api.modify_order(placed["id"], change)
    modified = until_changed(client, placed["id"], change.limit_price)
    by_client_id = api.fetch_order_by_client_id("paradex-py-resting")
    api.cancel_order(placed["id"])
    closed = until_closed(client, placed["id"])
    second = api.submit_order(limit_order(client, "paradex-py-second"))
    api.cancel_order_by_client_id("paradex-py-second")
    return {
        "placed_status": placed["status"],
        "opened_status": opened["status"],
        "modify_status": modified["request_info"]["status"],
        "is_listed": placed["id"] in listed,
        "is_found_by_client_id": by_client_id["id"] == placed["id"],
        "closed_status": closed["status"],
        "cancel_reason": closed["cancel_reason"],
        "second_cancel_reason": until_closed(client, second["id"])["cancel_reason"],
    }


def trade(client: Any) -> dict[str, Any]:
    api = client.api_client
    bought = until_closed(client, api.submit_order(market_order(OrderSide.Buy))["id"])
    fills = [
        f for f in api.fetch_fills({"market": MARKET})["results"] if f["order_id"] == bought["id"]
    ]
    position = next(p for p in api.fetch_positions()["results"] if p["status"] == "OPEN")
    sold = api.submit_order(market_order(OrderSide.Sell, reduce_only=True))
    until_closed(client, sold["id"])
    balance = next(b for b in api.fetch_balances()["results"] if b["token"] == "USDC")
    return {
        "remaining": bought["remaining_size"],
        "filled": str(sum(Decimal(fill["size"]) for fill in fills)),
        "fee_paid": str(sum(Decimal(fill["fee"]) for fill in fills)),
        "liquidity": fills[0]["liquidity"],
        "position": [position["side"], position["size"]],
        "open_after": [
            p["market"] for p in api.fetch_positions()["results"] if p["status"] == "OPEN"
        ],
        "balance": balance["size"],
        "fees": api.fetch_account_info()["results"][0]["fees"],
    }


def conditional_order(kind: OrderType, price: Decimal, trigger: Decimal) -> Order:
    return Order(
        market=MARKET,
        order_type=kind,
        order_side=OrderSide.Sell,
        size=SIZE,
        limit_price=price,
        trigger_price=trigger,
        instruction="GTC",
    )


def wait_for_a_price(client: Any) -> dict[str, list[str]]:
    """Let an order of each conditional kind wait beside a position; return how each is told."""
    api = client.api_client
    until_closed(client, api.submit_order(market_order(OrderSide.Buy))["id"])
    bid = Decimal(api.fetch_bbo(MARKET)["bid"])
    outcome = {}
    for kind in CONDITIONAL:
        share = Decimal("1.05") if "TAKE" in kind.value else Decimal("0.95")
        trigger = (bid * share).quantize(Decimal("0.1"))
        price = trigger if "LIMIT" in kind.value else Decimal(0)
        placed = api.submit_order(conditional_order(kind, price, trigger))
        order = until_open(client, placed["id"], "UNTRIGGERED")
        api.cancel_order(placed["id"])
        closed = until_closed(client, placed["id"])
        is_trigger_equal = Decimal(order["trigger_price"]) == trigger
        outcome[kind.value] = [*order["flags"], closed["cancel_reason"], str(is_trigger_equal)]
    sold = api.submit_order(market_order(OrderSide.Sell, reduce_only=True))
    until_closed(client, sold["id"])
    return outcome


def protect_quotes(client: Any) -> dict[str, Any]:
    """Configure market maker protection, quote under it, reset it and remove it."""
    api = client.api_client
    stored = api.set_mmp_config("BTC", 60_000, 1000, size_limit="5", delta_limit="2.5")
    quote = limit_order(client, "paradex-py-protected")
    quote.mmp = True
    placed = api.submit_order(quote)
    opened = until_open(client, placed["id"])
    listed = api.fetch_mmp_configs({"base_asset": "BTC"})
    reset = api.reset_mmp("BTC")
    api.delete_mmp_config("BTC")
    return {
        "limits": [stored.size_limit, stored.delta_limit, stored.vega_limit],
        "flags": opened["flags"],
        "is_enabled": listed.enabled,
        "is_frozen": [row.is_frozen for row in listed.results],
        "reset": [row.base_asset for row in reset.results],
        "left": len(api.fetch_mmp_configs().results),
        "cancel_reason": until_closed(client, placed["id"])["cancel_reason"],
    }


def refused(client: Any) -> dict[str, str]:
    """Ask for what the venue refuses; return what the client raises."""
    outcome = {}
    for name, call in (
        ("unknown_order", lambda: client.api_client.cancel_order("123456789")),
        ("unknown_market", lambda: client.api_client.fetch_bbo("NOPE-USD-PERP")),
    ):
        try:
            call()
            outcome[name] = "accepted"
        except ValueError as error:
            outcome[name] = str(error)
    return outcome


class Follower:
    """Keeps the first push of each channel."""

    def __init__(self) -> None:
        self.first: dict[str, Any] = {}

    async def __call__(self, _channel: Any, message: dict[str, Any]) -> None:
        params = message["params"]
        self.first.setdefault(params["channel"], params["data"])


async def until(condition: Any, what: str) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + DEADLINE_SECS
    while not condition():
        if loop.time() > deadline:
            raise TimeoutError(what)
        await asyncio.sleep(0.01)


async def subscribe(ws: Any, follower: Follower, channels: tuple[str, ...]) -> None:
    for channel in channels:
        await ws.subscribe_by_name(channel, follower)
    await until(lambda: set(channels) <= ws.subscribed_channels.keys(), "subscriptions")


async def trade_by_rpc(client: Any, ws: Any, name: str) -> dict[str, Any]:
    placed = await ws.submit_order(limit_order(client, f"paradex-py-{name}"))
    order_id = placed["order"]["id"]
    until_open(client, order_id)
    change = changed(limit_order(client, f"paradex-py-{name}"), order_id)
    modified = await ws.modify_order(order_id, change)
    until_changed(client, order_id, change.limit_price)
    cancelled = await ws.cancel_order(order_id)
    until_closed(client, order_id)
    for side in (OrderSide.Buy, OrderSide.Sell):
        done = await ws.submit_order(market_order(side))
        until_closed(client, done["order"]["id"])
    try:
        await ws.cancel_order("123456789")
        refusal = "accepted"
    except WsRpcError as error:
        refusal = f"{error.code} {error.message}"
    return {
        "placed_status": placed["order"]["status"],
        "is_modified": modified["order"]["id"] == order_id,
        "cancel_status": cancelled["status"],
        "cancel_all": await ws.cancel_all_orders(),
        "unknown_order": refusal,
    }


async def follow(client: Any, channels: tuple[str, ...], name: str) -> dict[str, Any]:
    ws, follower = client.ws_client, Follower()
    if not await ws.connect():
        raise ConnectionError("the websocket was refused")
    try:
        await subscribe(ws, follower, channels)
        rpc = await trade_by_rpc(client, ws, name)
        missing = lambda: set(channels) - follower.first.keys()  # noqa: E731
        await until(lambda: not missing(), f"pushes, of {channels}")
        return {"rpc": rpc, "pushes": follower.first}
    finally:
        await ws.close()


def main(venue: dict[str, str]) -> None:
    outcome: dict[str, Any] = {"version": version("paradex-py")}
    outcome["onboarding"] = onboard(venue)
    client = connect(venue, venue["private_key"], sbe=True)
    outcome["account"] = hex(client.account.l2_address)
    outcome["markets"] = read_markets(client)
    outcome["place_and_cancel"] = place_and_cancel(client)
    outcome["trade"] = trade(client)
    outcome["conditional"] = wait_for_a_price(client)
    outcome["protection"] = protect_quotes(client)
    outcome["refused"] = refused(client)
    outcome["sbe"] = asyncio.run(follow(client, PUBLIC_CHANNELS + PRIVATE_CHANNELS, "sbe"))
    plain = connect(venue, venue["private_key"], sbe=False)
    outcome["plain"] = asyncio.run(follow(plain, PRIVATE_CHANNELS, "plain"))
    print(json.dumps(outcome, default=str))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
