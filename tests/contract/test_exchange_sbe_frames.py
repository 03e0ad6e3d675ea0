"""Every binary frame the local exchange sends, decoded by the venue's schema and nothing of ours.

One scenario is played over a real socket for each version of the schema and both layouts of version
2; what the frames say is compared with what REST says of the same things.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from paradex_adapter.local_exchange import LocalExchange
from tests.contract.exchange_caller import Caller, Socket, connect
from tests.contract.exchange_orders import CLOSING, PROTECTION, STOPS, selling
from tests.contract.sbe_by_schema import Frame, venue_schema
from tests.shared_specs import requires_shared_specs, spec_path

pytestmark = requires_shared_specs

MARKET = "BTC-USD-PERP"
PUBLIC = (
    f"trades.{MARKET}",
    f"bbo.{MARKET}",
    f"order_book.{MARKET}.deltas",
    f"markets_summary.{MARKET}",
    f"funding_data.{MARKET}",
)
PRIVATE = (f"orders.{MARKET}", f"fills.{MARKET}", "positions", "account")
LAYOUTS = [(0, True), (1, True), (2, True), (2, False), (3, True)]
# What the short layout of version 2 lacks at the end of the block, in bytes.
SHORTER = {"OrderEvent": 2, "AccountEvent": 8}
LATE_FIELDS = {"tradeIdStr", "requestStatus", "requestType", "requestId", "requestMessage"} | {
    "lastSeenNotification"
}
ALL_MESSAGES = {
    "TradeEvent",
    "BboEvent",
    "BookEvent",
    "MarketSummaryEvent",
    "FundingDataEvent",
    "OrderEvent",
    "FillEvent",
    "PositionEvent",
    "AccountEvent",
    "HeartbeatEvent",
}


class Scene:
    """The exchange, a trading account and a socket that negotiated a version."""

    def __init__(self, exchange: LocalExchange, caller: Caller, socket: Socket) -> None:
        self.exchange = exchange
        self.caller = caller
        self.socket = socket
        self._decoded: list[Frame] = []

    def frames(self, message: str | None = None) -> list[Frame]:
        schema = venue_schema(spec_path("sbe-paradex_1_0.xml"))
        new = self.socket.frames[len(self._decoded) :]
        self._decoded += [schema.decode(raw) for raw in new]
        return [frame for frame in self._decoded if message in (None, frame.message)]

    async def until(self, message: str, count: int = 1, **values: Any) -> Frame:
        """Wait for so many frames of a message with these values and return the last of them."""

        def found() -> list[Frame]:
            frames = self.frames(message)
            return [f for f in frames if values.items() <= f.values.items()]

        await self.socket.until(lambda: len(found()) >= count, f"{count} of {message} {values}")
        return found()[-1]


@asynccontextmanager
async def opened(
    version: int, long_layout: bool, channels: tuple[str, ...]
) -> AsyncIterator[Scene]:
    exchange = LocalExchange(
        seed=3,
        simulation_interval_ms=0,
        private_sbe=True,
        long_layout=long_layout,
        summary_interval_ms=50,
        funding_interval_ms=50,
        heartbeat_interval_secs=0.2,
        history_hours=0,
        usdc_price=Decimal("0.999"),
    )
    async with exchange, aiohttp.ClientSession() as http:
        key = exchange.add_account("trader", balance="5000")
        caller = Caller(
            http,
            exchange.base_url_http,
            exchange.chain_id,
            key.account_address,
            key.private_key,
            key.public_key,
        )
        await caller.authenticate()
        query = f"sbeSchemaId=1&sbeSchemaVersion={version}"
        async with connect(http, exchange.base_url_ws, query) as socket:
            await socket.result("auth", {"bearer": caller.token})
            for channel in channels:
                await socket.result("subscribe", {"channel": channel})
            yield Scene(exchange, caller, socket)


async def play(scene: Scene) -> None:
    """Let something happen on every channel: quotes, a trade, a resting order, a refused one."""
    for level in range(3):
        scene.exchange.place_liquidity(MARKET, "BUY", str(89990 - level), "0.02")
        scene.exchange.place_liquidity(MARKET, "SELL", str(90010 + level), "0.02")
    bought = await scene.caller.place(
        size="0.03", price="90011", instruction="IOC", client_id="ioc-1"
    )
    await scene.caller.until_closed(bought["id"])
    resting = await scene.caller.place(price="90500.5", flags=["REDUCE_ONLY"], side="SELL")
    await scene.caller.until_settled(resting["id"])
    change = scene.caller.change(resting, price="90600.5")
    await scene.caller.call("PUT", f"/orders/{resting['id']}", body=change)
    await scene.caller.until_changed(resting["id"], "90600.5")
    refused = await scene.caller.place(size="90", price="89500")
    await scene.caller.until_closed(refused["id"])


@pytest.mark.parametrize(("version", "long_layout"), LAYOUTS)
async def test_every_frame_decodes_in_the_layout_that_was_negotiated(
    version: int, long_layout: bool
) -> None:
    schema = venue_schema(spec_path("sbe-paradex_1_0.xml"))
    async with opened(version, long_layout, PUBLIC + PRIVATE) as scene:
        await play(scene)
        await scene.until("MarketSummaryEvent", 2)
        await scene.until("FundingDataEvent", 2)
        await scene.until("AccountEvent", 2)
    async with opened(version, long_layout, ()) as idle:
        await idle.until("HeartbeatEvent")
    frames = scene.frames() + idle.frames()
    assert {frame.message for frame in frames} == ALL_MESSAGES
    is_short = version == 2 and not long_layout
    for frame in frames:
        assert frame.version == version
        message = schema.messages[frame.template_id]
        shorter = SHORTER.get(frame.message, 0) if is_short else 0
        assert frame.block_length == message.block_length(version) - shorter
        since = {part.name: part.since for part in message.fields} | dict(message.texts)
        expected = {
            name
            for name, v in since.items()
            if v <= version and not (is_short and name in LATE_FIELDS)
        }
        assert frame.values.keys() == expected | message.groups.keys()


@pytest.mark.parametrize("version", [0, 1, 2, 3])
async def test_trades_say_what_rest_says(version: int) -> None:
    async with opened(version, True, PUBLIC) as scene:
        await play(scene)
        await scene.until("TradeEvent", 2)
        rest = (await scene.caller.call("GET", "/trades", market=MARKET)).json["results"]
    assert len(rest) == 2
    for frame, trade in zip(scene.frames("TradeEvent"), reversed(rest), strict=True):
        values = frame.values
        assert values["tradeId"] % 2**64 == int(trade["id"]) % 2**64
        assert values.get("tradeIdStr") == (trade["id"] if version >= 2 else None)
        assert values["market"] == trade["market"] == MARKET
        assert (values["side"], values["tradeType"]) == (trade["side"], trade["trade_type"])
        assert values["price"] == Decimal(trade["price"])
        assert values["size"] == Decimal(trade["size"])
        assert values["createdAt"] == trade["created_at"] * 1000
        assert values["seq"] > 0


async def test_book_and_best_prices_add_up_to_the_book_rest_shows() -> None:
    async with opened(3, True, PUBLIC) as scene:
        await play(scene)
        book = (await scene.caller.call("GET", f"/orderbook/{MARKET}")).json
        await scene.until("BookEvent", seq=book["seq_no"])
        best = (await scene.caller.call("GET", f"/bbo/{MARKET}")).json
        # A best price is sent when it changes, so the last one may be older than the book.
        names = {"bidPrice": "bid", "bidSize": "bid_size", "askPrice": "ask", "askSize": "ask_size"}
        await scene.until("BboEvent", **{name: Decimal(best[key]) for name, key in names.items()})
    updates = [frame.values for frame in scene.frames("BookEvent")]
    assert [update["pkgType"] for update in updates[:2]] == ["SNAPSHOT", "DELTA"]
    seqs = [update["seq"] for update in updates]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    sides: dict[str, dict[Decimal, Decimal]] = {"bids": {}, "asks": {}}
    for update in updates:
        for name, levels in sides.items():
            levels |= {level["price"]: level["size"] for level in update[name]}
    for name, levels in sides.items():
        live = {price: size for price, size in levels.items() if size}
        assert live == {Decimal(price): Decimal(size) for price, size in book[name]}


async def test_empty_book_has_no_best_prices() -> None:
    async with opened(3, True, PUBLIC) as scene:
        frame = await scene.until("BboEvent")
        book = await scene.until("BookEvent")
    assert [frame.values[name] for name in ("bidPrice", "bidSize", "askPrice", "askSize")] == [
        None
    ] * 4
    assert (book.values["pkgType"], book.values["bids"], book.values["asks"]) == (
        "SNAPSHOT",
        [],
        [],
    )
    assert book.values["bestBidApiPrice"] is None


async def test_snapshot_channel_sends_the_best_fifteen_levels() -> None:
    async with opened(3, True, (f"order_book.{MARKET}.snapshot@15@50ms",)) as scene:
        for level in range(20):
            scene.exchange.place_liquidity(MARKET, "BUY", str(89990 - level), "0.02")
        top = [{"price": Decimal(89990 - i), "size": Decimal("0.02")} for i in range(15)]
        await scene.until("BookEvent", bids=top, asks=[])
    assert {frame.values["pkgType"] for frame in scene.frames("BookEvent")} == {"SNAPSHOT"}


@pytest.mark.parametrize("rate", ["100ms", "200ms", "400ms"])
async def test_interactive_books_tell_both_best_prices_and_the_spread(rate: str) -> None:
    channels = (f"order_book.{MARKET}.interactive@15@{rate}",)
    async with opened(3, True, channels) as scene:
        scene.exchange.place_liquidity(MARKET, "BUY", "89990", "0.02")
        scene.exchange.place_liquidity(MARKET, "SELL", "90010", "0.03")
        frame = await scene.until(
            "BookEvent",
            pkgType="SNAPSHOT",
            bestBidPrice=Decimal(89990),
            bestAskPrice=Decimal(90010),
        )
    values = frame.values
    for name in ("Bid", "Ask"):
        assert values[f"best{name}Price"] == values[f"best{name}ApiPrice"]
        assert values[f"best{name}Size"] == values[f"best{name}ApiSize"]
    assert values["relativeSpread"] == (Decimal(20) / 90000).quantize(Decimal("1e-8"))


@pytest.mark.parametrize("kind", ["interactive_deltas", "interactive"])
async def test_interactive_feeds_follow_the_plain_ones(kind: str) -> None:
    channel = f"bbo.{MARKET}.{kind}" if kind == "interactive" else f"order_book.{MARKET}.{kind}"
    message = "BboEvent" if kind == "interactive" else "BookEvent"
    async with opened(2, True, (channel,)) as scene:
        scene.exchange.place_liquidity(MARKET, "BUY", "89990", "0.02")
        scene.exchange.place_liquidity(MARKET, "BUY", "89991", "0.02")
        await scene.until(message, 3)
    seqs = [frame.values["seq"] for frame in scene.frames(message)]
    assert seqs == list(range(seqs[0], seqs[0] + 3))


@pytest.mark.parametrize("version", [1, 2, 3])
async def test_compared_funding_rates_name_market_and_venue(version: int) -> None:
    channels = ("funding_rate_comparison.ALL@500ms",)
    async with opened(version, True, channels) as scene:
        await scene.until("FundingRateComparisonEvent", market="ETH-USD-PERP", source="BYBIT")
        ours = await scene.until("FundingRateComparisonEvent", market=MARKET, source="PARADEX")
        rest = (await scene.caller.call("GET", "/markets/summary", market=MARKET)).json
    rate = Decimal(rest["results"][0]["funding_rate"]) / 8
    assert ours.values["hourlyFundingRate"] == rate.quantize(Decimal("1e-12"), "ROUND_DOWN")
    assert ours.values["assetKind"] == "PERPETUAL_FUTURE"


async def test_a_liquidation_off_the_tick_is_printed_as_far_as_a_frame_can_tell() -> None:
    async with opened(3, True, (f"trades.{MARKET}",)) as scene:
        exchange = scene.exchange
        exchange.print_trade(MARKET, "SELL", "83894.04692005321", "0.1", "LIQUIDATION")
        for kind in ("RPI", "BLOCK_TRADE", "UNWIND_TRANSFER", "SETTLE_MARKET"):
            exchange.print_trade(MARKET, "BUY", "90000", "0.1", kind)
        await scene.until("TradeEvent", 5)
        rest = (await scene.caller.call("GET", "/trades", market=MARKET)).json["results"]
    frames = [frame.values for frame in scene.frames("TradeEvent")]
    assert frames[0]["price"] == Decimal("83894.04692005")
    assert rest[-1]["price"] == "83894.04692005321"
    assert [f["tradeType"] for f in frames] == [trade["trade_type"] for trade in rest[::-1]]
    # They happened beside the book.
    assert {f["seq"] for f in frames} == {0}


@pytest.mark.parametrize("version", [0, 3])
async def test_what_the_venue_does_to_an_account_is_told_in_frames(version: int) -> None:
    async with opened(version, True, PRIVATE) as scene:
        exchange, address = scene.exchange, scene.caller.address
        busted = exchange.block_trade(MARKET, "BUY", "0.1", account_address=address)
        exchange.block_trade(MARKET, "BUY", "0.02", account_address=address)
        exchange.unwind_transfer(MARKET, "SELL", "0.01", account_address=address)
        exchange.bust_fill(busted, address, "BLOCK_TRADE")
        position = await scene.until("PositionEvent", size=Decimal("0.01"))
        assert (position.values["side"], position.values["status"]) == ("BUY", "OPEN")
        exchange.liquidate(address, share=1)
        liquidated = await scene.until("AccountEvent", status="LIQUIDATION")
        closed = await scene.until("PositionEvent", status="CLOSED")
        await scene.until("AccountEvent", 4, status="ACTIVE")
        rest = (await scene.caller.call("GET", "/fills")).json["results"][::-1]
    assert closed.values["size"] == 0
    assert int(liquidated.values["account"], 16) == int(address, 16)
    fills = [frame.values for frame in scene.frames("FillEvent")]
    kinds = ["BLOCK_TRADE", "BLOCK_TRADE", "UNWIND_TRANSFER", "LIQUIDATION"]
    assert [fill["fillType"] for fill in fills] == kinds
    assert [fill["fillId"] for fill in fills] == [row["id"] for row in rest]
    # Without an order, and beside the book.
    assert {(fill["orderId"], fill["seq"]) for fill in fills} == {("", None)}


async def test_summary_and_funding_say_what_rest_says() -> None:
    async with opened(3, True, PUBLIC) as scene:
        await play(scene)
        rest = (await scene.caller.call("GET", "/markets/summary", market=MARKET)).json
        last_price = Decimal(rest["results"][0]["last_traded_price"])
        frame = await scene.until("MarketSummaryEvent", lastPrice=last_price)
        funding = await scene.until("FundingDataEvent")
    summary, values = rest["results"][0], frame.values
    for name, key in (
        ("markPrice", "mark_price"),
        ("indexPrice", "underlying_price"),
        ("lastPrice", "last_traded_price"),
        ("openInterest", "open_interest"),
        ("bid", "bid"),
        ("ask", "ask"),
        ("volumeUsd24h", "volume_24h"),
        ("totalVolume", "total_volume"),
        ("priceChangeRate24h", "price_change_rate_24h"),
    ):
        assert values[name] == Decimal(summary[key]), name
    rate = Decimal(summary["funding_rate"])
    assert values["fundingRatePrecise"] == rate.quantize(Decimal("1e-12"))
    assert values["fundingRate"] == rate.quantize(Decimal("1e-8"), rounding="ROUND_DOWN")
    assert funding.values["fundingRate"] == values["fundingRate"]
    assert funding.values["fundingPeriodHours"] == 8
    assert values["markIv"] is values["settlementTwapEstimate"] is None


@pytest.mark.parametrize(("version", "long_layout"), LAYOUTS)
async def test_private_frames_say_what_rest_says(version: int, long_layout: bool) -> None:
    async with opened(version, long_layout, PRIVATE) as scene:
        await play(scene)
        call = scene.caller.call
        orders = (await call("GET", "/orders-history")).json["results"]
        fills = (await call("GET", "/fills")).json["results"]
        position = (await call("GET", "/positions")).json["results"][0]
        account = (await call("GET", "/account")).json
        for order in orders:
            price = Decimal(order["price"])
            last = await scene.until(
                "OrderEvent", orderId=order["id"], status=order["status"], price=price
            )
            check_order(last.values, order, version)
            has_late_fields = version == 3 or (version == 2 and long_layout)
            check_change(last.values, order.get("request_info"), has_late_fields=has_late_fields)
        await scene.until("FillEvent", len(fills))
        last_position = await scene.until("PositionEvent", lastFillId=position["last_fill_id"])
        last_account = await scene.until("AccountEvent", updatedAt=account["updated_at"] * 1000)
    assert sorted(order["status"] for order in orders) == ["CLOSED", "CLOSED", "OPEN"]
    assert "NOT_ENOUGH_MARGIN" in {order["cancel_reason"] for order in orders}
    assert len([order for order in orders if "request_info" in order]) == 1
    assert len(fills) == 2
    for frame, fill in zip(scene.frames("FillEvent"), reversed(fills), strict=True):
        check_fill(frame.values, fill, version)
    check_position(last_position.values, position)
    check_account(last_account.values, account)


@pytest.mark.parametrize(("version", "long_layout"), LAYOUTS)
async def test_frames_of_all_orders_say_what_rest_says(version: int, long_layout: bool) -> None:
    async with opened(version, long_layout, PRIVATE) as scene:
        await play(scene)
        exchange, caller = scene.exchange, scene.caller
        for kind in (*STOPS, *CLOSING):
            order = await caller.place(**selling(kind))
            told = await scene.until("OrderEvent", orderId=order["id"], status="UNTRIGGERED")
            shown = (await caller.call("GET", f"/orders/{order['id']}")).json
            check_order(told.values, shown, version)
        exchange.set_mark_price(MARKET, "89000")
        exchange.allow_rpi(caller.address)
        exchange.allow_mmp(caller.address)
        await caller.call("POST", "/account/mmp/BTC", body=PROTECTION)
        for fields in ({"instruction": "RPI"}, {"flags": ["MMP"]}):
            await caller.until_settled((await caller.place(price="88000", **fields))["id"])
        orders = (await caller.call("GET", "/orders-history")).json["results"]
        for order in orders:
            price, status = Decimal(order["price"]) or None, order["status"]
            last = await scene.until("OrderEvent", orderId=order["id"], status=status, price=price)
            check_order(last.values, order, version)
    assert {order["type"] for order in orders} == {"LIMIT", *STOPS, *CLOSING}
    assert {"RPI", "GTC", "IOC"} <= {order["instruction"] for order in orders}
    assert any("MMP" in order["flags"] for order in orders)
    triggered = [order["status"] for order in orders if order["type"] in (*STOPS, CLOSING[2])]
    assert "UNTRIGGERED" not in triggered


def check_change(
    values: dict[str, Any], change: dict[str, Any] | None, *, has_late_fields: bool
) -> None:
    names = {
        "requestId": "id",
        "requestStatus": "status",
        "requestType": "request_type",
        "requestMessage": "message",
    }
    if not has_late_fields:
        assert not names.keys() & values.keys()
    elif change is None:
        assert {values["requestStatus"], values["requestType"]} == {"UNSPECIFIED"}
        assert values["requestId"] == values["requestMessage"] == ""
    else:
        assert {name: values[name] for name in names} == {n: change[k] for n, k in names.items()}


def check_order(values: dict[str, Any], order: dict[str, Any], version: int) -> None:
    assert int(values["account"], 16) == int(order["account"], 16)
    for name, key in (
        ("clientOrderId", "client_id"),
        ("market", "market"),
        ("side", "side"),
        ("orderType", "type"),
        ("stp", "stp"),
        ("cancelReason", "cancel_reason"),
    ):
        assert values[name] == order[key], name
    # The engine's refusals come without an instruction, for which the schema has no word.
    assert values["timeInForce"] == (order["instruction"] or "NON_REPRESENTABLE")
    assert values["flags"] == set(order["flags"]) - ({"MMP"} if version < 2 else set())
    for name, key in (("size", "size"), ("sizeOpen", "remaining_size")):
        assert values[name] == Decimal(order[key]), name
    # What JSON tells as 0, frames leave out.
    for name, key in (("price", "price"), ("triggerPrice", "trigger_price")):
        assert values[name] == (Decimal(order[key]) or None), name
    average = order["avg_fill_price"]
    assert values["avgFillPrice"] == (Decimal(average) if average else None)
    for name, key in (
        ("createdAt", "created_at"),
        ("updatedAt", "last_updated_at"),
        ("receivedAt", "received_at"),
    ):
        assert values[name] == order[key] * 1000, name


def check_fill(values: dict[str, Any], fill: dict[str, Any], version: int) -> None:
    for name, key in (
        ("fillId", "id"),
        ("orderId", "order_id"),
        ("clientOrderId", "client_id"),
        ("market", "market"),
        ("side", "side"),
        ("liquidity", "liquidity"),
        ("fillType", "fill_type"),
        ("seq", "orderbook_seq_no"),
    ):
        assert values[name] == fill[key], name
    for name, key in (
        ("price", "price"),
        ("size", "size"),
        ("fee", "fee"),
        ("realizedPnl", "realized_pnl"),
        ("realizedFunding", "realized_funding"),
        ("underlyingPrice", "underlying_price"),
    ):
        assert values[name] == Decimal(fill[key]).quantize(Decimal("1e-8")), name
    assert values["createdAt"] == fill["created_at"] * 1000
    assert values.get("feeCurrency") == (fill["fee_currency"] if version >= 2 else None)
    assert values.get("orderbookSeqNo") == (fill["orderbook_seq_no"] if version >= 2 else None)


def check_position(values: dict[str, Any], position: dict[str, Any]) -> None:
    assert values["side"] == {"LONG": "BUY", "SHORT": "SELL"}[position["side"]]
    assert values["status"] == position["status"] == "OPEN"
    assert values["size"] == abs(Decimal(position["size"]))
    for name, key in (
        ("avgEntryPrice", "average_entry_price"),
        ("avgEntryPriceUsd", "average_entry_price_usd"),
        ("cost", "cost"),
        ("costUsd", "cost_usd"),
        ("unrealizedPnl", "unrealized_pnl"),
        ("realizedPnl", "realized_positional_pnl"),
        ("leverage", "leverage"),
        ("cachedFundingIndex", "cached_funding_index"),
        ("unrealizedFundingPnl", "unrealized_funding_pnl"),
    ):
        assert values[name] == Decimal(position[key]).quantize(Decimal("1e-8")), name
    assert values["markPrice"] is None


def check_account(values: dict[str, Any], account: dict[str, Any]) -> None:
    for name, key in (
        ("totalCollateral", "total_collateral"),
        ("freeCollateral", "free_collateral"),
        ("initialMarginReq", "initial_margin_requirement"),
        ("maintenanceMarginReq", "maintenance_margin_requirement"),
        ("accountValue", "account_value"),
        ("marginCushion", "margin_cushion"),
    ):
        assert values[name] == Decimal(account[key]).quantize(Decimal("1e-8")), name
    assert (values["status"], values["settlementAsset"]) == ("ACTIVE", "USDC")
    assert values["unrealizedPnl"] is None


@pytest.mark.parametrize(
    "query", ["sbeSchemaId=1&sbeSchemaVersion=4", "sbeSchemaId=2", "sbeSchemaVersion=1"]
)
async def test_unsupported_negotiation_is_answered_with_400(query: str) -> None:
    exchange = LocalExchange(seed=3, simulation_interval_ms=0)
    async with exchange, aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
            async with connect(http, exchange.base_url_ws, query):
                pass
    assert refusal.value.status == 400
