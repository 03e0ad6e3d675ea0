"""What happens to an account of the local exchange without its client, over the wire."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

from paradex_adapter.local_exchange.errors import VenueError
from tests.integration.local_exchange_client import (
    MARKET,
    Client,
    Listener,
    eventually,
    opened,
    trading,
)

D = Decimal
CASH = D(100_000)
CHANNELS = (
    "orders.ALL",
    "fills.ALL",
    "positions",
    "account",
    "balance_events",
    "funding_payments.ALL",
    "tradebusts",
    "transfers",
)


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[Client, Listener]]:
    """Log in and listen to everything private; there is a book around 90000."""
    async with trading() as client, opened(client) as listener:
        for side, price in (("BUY", "89990"), ("SELL", "90010")):
            client.exchange.place_liquidity(MARKET, side, price, "1")
        await listener.subscribe(*CHANNELS)
        yield client, listener


async def bought(client: Client, size: str) -> dict[str, Any]:
    """Buy at the market and return the fill."""
    order = await client.place("BUY", size)
    await client.closed(order["id"])
    return client.exchange.fills()[-1]


def cash(client: Client) -> Decimal:
    return D(client.exchange.balances()[0]["size"])


async def check_balances(client: Client, listener: Listener, transferred: str = "0") -> None:
    """What the balance events tell leads from the cash at the start to that of now."""
    after = "settlement_asset_balance_after"
    await listener.push("balance_events", lambda data: D(data[after]) == cash(client))
    events = listener.of("balance_events")
    before = CASH
    for event in events:
        assert D(event["settlement_asset_balance_before"]) == before
        before = D(event[after])
    gained = sum(
        D(event["realized_pnl"]) + D(event["realized_funding"]) - D(event["fees"])
        for event in events
    )
    assert cash(client) == before == CASH + gained + D(transferred)


# --- The venue acts -------------------------------------------------------------------------------


async def test_a_bust_is_told_and_its_fill_stays_listed() -> None:
    async with listening() as (client, listener):
        fill = await bought(client, "0.5")
        order = client.shown(fill["order_id"])
        assert order["remaining_size"] == "0"
        client.exchange.bust_fill(fill["id"])
        bust = await listener.push("tradebusts")
        assert bust == {
            "account": client.address,
            "busted_fill_id": fill["id"],
            "created_at": bust["created_at"],
        }
        position = await listener.push("positions", lambda data: data["status"] == "CLOSED")
        assert (position["size"], position["cost"], position["last_fill_id"]) == ("0", "0", "")
        event = await listener.push("balance_events", lambda data: data["status"] == "REVERTED")
        assert (event["fees"], event["fill_id"]) == ("-" + fill["fee"], fill["id"])
        shown = await listener.push("orders.ALL", lambda data: data["cancel_reason"] != "")
        assert (shown["status"], shown["remaining_size"]) == ("CLOSED", "0.5")
        page = await client.get("/tradebusts")
        assert page == {"next": None, "prev": None, "results": [bust]}
        assert [row["id"] for row in (await client.get("/fills"))["results"]] == [fill["id"]]
        assert cash(client) == CASH
        await check_balances(client, listener)
        for known, why in ((fill["id"], "busted already"), ("5", "no FILL 5")):
            with pytest.raises(ValueError, match=why):
                client.exchange.bust_fill(known)


async def test_a_bust_takes_bought_tokens_back() -> None:
    async with listening() as (client, listener):
        client.exchange.place_liquidity("ETH-USD", "SELL", "3001", "2")
        for size in ("0.5", "0.3"):
            order = await client.place("BUY", size, "3001", market="ETH-USD", instruction="IOC")
            await client.closed(order["id"])
        kept, busted = client.exchange.fills()
        client.exchange.bust_fill(busted["id"])
        await listener.push("tradebusts")
        assert (await client.get("/fills?asset_kind=PERP"))["results"] == []
        assert len((await client.get("/fills?asset_kind=SPOT"))["results"]) == 2
        usdc, eth = (await client.get("/balance"))["results"]
        assert (eth["token"], eth["size"]) == ("ETH", "0.5")
        assert D(usdc["size"]) == CASH - D("0.5") * 3001 - D(kept["fee"])
        event = await listener.push("balance_events", lambda data: data["status"] == "REVERTED")
        assert D(event["settlement_asset_balance_after"]) == D(usdc["size"])


async def test_busts_are_paged() -> None:
    async with listening() as (client, _listener):
        fills = [await bought(client, "0.1") for _ in range(3)]
        for fill in fills:
            client.exchange.bust_fill(fill["id"])
        told, cursor = [], ""
        while cursor is not None:
            page = await client.get(f"/tradebusts?page_size=2&cursor={cursor}")
            told += [row["busted_fill_id"] for row in page["results"]]
            cursor = page["next"]
        assert told == [fill["id"] for fill in reversed(fills)]


async def test_a_liquidation_is_told_and_recorded() -> None:
    async with listening() as (client, listener):
        await bought(client, "0.5")
        resting = client.exchange.place_order("BUY", "0.1", "80000")
        await client.until(resting, "OPEN")
        client.exchange.accrue_funding(MARKET, "10.5")
        (fill_id,) = client.exchange.liquidate(share="0.4", is_ended=False)
        account = await listener.push("account", lambda data: data["status"] == "LIQUIDATION")
        assert account["account"] == client.address
        canceled = await listener.order_closed(resting)
        assert canceled["cancel_reason"] == "IN_LIQUIDATION"
        fill = await listener.push("fills.ALL", lambda data: data["fill_type"] == "LIQUIDATION")
        assert (fill["id"], fill["order_id"], fill["client_id"]) == (fill_id, "", "")
        assert (fill["side"], fill["size"], fill["remaining_size"]) == ("SELL", "0.2", "0")
        assert fill["orderbook_seq_no"] == 0
        payment = await listener.push("funding_payments.ALL")
        assert (payment["payment"], payment["fill_id"]) == ("-2.1", fill_id)
        assert fill["realized_funding"] == "-2.1"
        payments = await client.get(f"/funding/payments?market={MARKET}")
        assert payments["results"] == [payment]
        await listener.push("positions", lambda data: data["size"] == "0.3")
        refused = await client.closed(client.exchange.place_order("BUY", "0.1", "80000"))
        assert refused["cancel_reason"] == "IN_LIQUIDATION"
        client.exchange.end_liquidation()
        assert (await client.get("/account"))["status"] == "ACTIVE"
        (row,) = (await client.get("/liquidations"))["results"]
        assert row["id"].startswith("0x")
        assert (await client.get("/liquidations?to=1"))["results"] == []
        assert (await client.get(f"/liquidations?from={row['created_at']}"))["results"] == [row]
        await check_balances(client, listener)


async def test_deleveraging_is_told() -> None:
    async with listening() as (client, listener):
        await bought(client, "0.5")
        place = client.exchange.place_order
        adding, reducing = place("BUY", "0.1", "80000"), place("SELL", "0.5", "91000")
        for order_id in (adding, reducing):
            await client.until(order_id, "OPEN")
        assert client.exchange.deleverage() == [adding]
        assert (await listener.order_closed(adding))["cancel_reason"] == "DELEVERAGE"
        assert client.shown(reducing)["status"] == "OPEN"


async def test_fills_beside_the_book_have_no_order() -> None:
    async with listening() as (client, listener):
        other = client.exchange.add_account("other").account_address
        exchange = client.exchange
        block = exchange.block_trade(MARKET, "BUY", "1", "89000", counterparty_address=other)
        unwound = exchange.unwind_transfer(MARKET, "SELL", "0.4")
        fills = {
            kind: await listener.push(
                "fills.ALL", lambda data, kind=kind: data["fill_type"] == kind
            )
            for kind in ("BLOCK_TRADE", "UNWIND_TRANSFER")
        }
        assert {kind: fill["id"] for kind, fill in fills.items()} == {
            "BLOCK_TRADE": block,
            "UNWIND_TRANSFER": unwound,
        }
        assert {fill["order_id"] for fill in fills.values()} == {""}
        assert {fill["orderbook_seq_no"] for fill in fills.values()} == {0}
        assert D(fills["BLOCK_TRADE"]["fee"]) == 89_000 * D("0.00045")
        # At the mark price, for nothing.
        transferred = fills["UNWIND_TRANSFER"]
        assert (transferred["price"], transferred["fee"]) == ("90000", "0")
        assert D(transferred["realized_pnl"]) == 400
        assert exchange.positions(other)[0]["size"] == "-1"
        await listener.push("positions", lambda data: data["size"] == "0.6")
        exchange.bust_fill(block, fill_type="BLOCK_TRADE")
        assert exchange.positions(other)[0]["size"] == "0"
        await listener.push("tradebusts")
        await check_balances(client, listener)
        with pytest.raises(ValueError, match="two accounts"):
            exchange.block_trade(MARKET, "BUY", "1", counterparty_address=client.address)


async def test_transfers_are_told_and_move_the_balance() -> None:
    async with listening() as (client, listener):
        came = client.exchange.deposit("500.25")
        went = client.exchange.withdraw(100)
        failed = client.exchange.deposit(9, failure_reason="gas fee too low")
        last = await listener.push("transfers", lambda data: data["status"] == "FAILED")
        assert (last["id"], last["failure_reason"]) == (failed, "gas fee too low")
        told = [(t["id"], t["kind"], t["status"]) for t in listener.of("transfers")]
        assert told == [
            (came, "DEPOSIT", "PENDING"),
            (came, "DEPOSIT", "COMPLETED"),
            (went, "WITHDRAWAL", "PENDING"),
            (went, "WITHDRAWAL", "COMPLETED"),
            (failed, "DEPOSIT", "PENDING"),
            (failed, "DEPOSIT", "FAILED"),
        ]
        assert [D(a["account_value"]) for a in listener.of("account")] == [
            CASH + D("500.25"),
            CASH + D("400.25"),
        ]
        assert D((await client.get("/balance"))["results"][0]["size"]) == CASH + D("400.25")
        rows = (await client.get("/transfers"))["results"]
        assert [row["id"] for row in rows] == [failed, went, came]
        completed = (await client.get("/transfers?status=COMPLETED"))["results"]
        assert [(row["id"], row["amount"]) for row in completed] == [
            (went, "100"),
            (came, "500.25"),
        ]
        await check_balances(client, listener, "400.25")
        with pytest.raises(ValueError, match="are free"):
            client.exchange.withdraw(CASH * 2)


async def test_a_market_that_ends_takes_positions_and_every_order_with_it() -> None:
    async with listening() as (client, listener):
        await bought(client, "0.5")
        place = client.exchange.place_order
        resting = place("BUY", "0.1", "80000")
        waiting = place("SELL", "0.5", type="STOP_MARKET", trigger_price="85000")
        await client.until(resting, "OPEN")
        await client.until(waiting, "UNTRIGGERED")
        client.exchange.accrue_funding(MARKET, 20)
        client.exchange.settle_market(MARKET, "91010")
        for order_id in (resting, waiting):
            assert (await listener.order_closed(order_id))["cancel_reason"] == "ASSET_EXPIRED"
        fill = await listener.push("fills.ALL", lambda data: data["fill_type"] == "SETTLE_MARKET")
        assert (fill["price"], fill["size"], fill["side"]) == ("91010", "0.5", "SELL")
        assert (D(fill["realized_pnl"]), D(fill["realized_funding"])) == (500, -10)
        assert D(fill["fee"]) == D("0.5") * 91_010 * D("0.00015")
        payment = await listener.push("funding_payments.ALL")
        assert (payment["payment"], payment["market"]) == ("-10", MARKET)
        position = await listener.push("positions", lambda data: data["status"] == "CLOSED")
        assert position["realized_positional_pnl"] == "500"
        event = await listener.push(
            "balance_events", lambda data: data["type"] == "TRANSACTION_SETTLE_MARKET"
        )
        assert event["fill_id"] == fill["id"]
        await check_balances(client, listener)
        with pytest.raises(ValueError, match="is settled"):
            client.exchange.bust_fill(client.exchange.fills()[0]["id"])


# --- Another client acts --------------------------------------------------------------------------


async def test_another_client_places_and_cancels() -> None:
    async with listening() as (client, listener):
        place = client.exchange.place_order
        taking = await client.closed(place("BUY", "0.1"))
        assert (taking["type"], taking["client_id"], taking["remaining_size"]) == (
            "MARKET",
            "",
            "0",
        )
        named = place("SELL", "0.2", "91000", client_id="theirs", instruction="POST_ONLY")
        shown = await listener.push("orders.ALL", lambda data: data["client_id"] == "theirs")
        assert (shown["id"], shown["instruction"]) == (named, "POST_ONLY")
        assert client.exchange.received_order("theirs") is not None
        await client.until(named, "OPEN")
        client.exchange.fill_order(named, "0.05")
        fill = await listener.push("fills.ALL", lambda data: data["client_id"] == "theirs")
        assert (fill["price"], fill["liquidity"]) == ("91000", "MAKER")
        client.exchange.cancel_order(named)
        closed = await listener.order_closed(named)
        assert (closed["cancel_reason"], closed["remaining_size"]) == ("USER_CANCELED", "0.15")
        await check_balances(client, listener)
        for wrong in (client.exchange.cancel_order, client.exchange.fill_order):
            with pytest.raises(ValueError, match=named):
                wrong(named)
            with pytest.raises(ValueError, match="no order"):
                wrong("5")


async def test_an_order_may_be_placed_and_canceled_at_once() -> None:
    async with listening() as (client, listener):
        order_id = client.exchange.place_order("BUY", "0.1", "80000")
        client.exchange.cancel_order(order_id, "EXPIRED")
        assert (await listener.order_closed(order_id))["cancel_reason"] == "EXPIRED"
        told = [data["status"] for data in listener.of("orders.ALL")]
        assert told == ["NEW", "OPEN", "CLOSED"]


async def test_what_another_client_sends_is_checked_as_all_is() -> None:
    async with listening() as (client, _listener):
        with pytest.raises(VenueError, match="INVALID_ORDER_SIZE"):
            client.exchange.place_order("BUY", "0.000001", "80000")
        with pytest.raises(VenueError, match="MARKET_NOT_FOUND"):
            client.exchange.place_order("BUY", "1", "80000", market="NOPE-USD-PERP")
        other = client.exchange.add_account("other").account_address
        order_id = client.exchange.place_order("BUY", "0.1", "80000", account_address=other)
        assert await eventually(
            lambda: (
                client.exchange.orders(other)[0]["status"] == "OPEN"
                and client.exchange.orders(other)[0]["id"] == order_id
            )
        )
        assert client.exchange.orders() == []
