"""The local exchange's wide subscriptions, its funding over the wire, and its past over REST."""

import time
from decimal import Decimal
from typing import Any

import pytest

from paradex_adapter.local_exchange.sbe_reading import decode
from tests.integration.local_exchange_client import (
    MARKET,
    SBE_QUERY,
    Client,
    Listener,
    eventually,
    opened,
    trading,
)

ETH = "ETH-USD-PERP"
HOUR_MS = 3_600_000


def events(listener: Listener, event: str) -> list[dict[str, Any]]:
    """Return the fields of the binary frames of an event, in order."""
    decoded = [decode(frame) for frame in listener.frames]
    return [found[1] for found in decoded if found is not None and found[0] == event]


async def until_seen(listener: Listener, event: str, least: int) -> list[dict[str, Any]]:
    while len(events(listener, event)) < least:
        await listener.next_frame()
    return events(listener, event)


# --- Wide subscriptions ---------------------------------------------------------------------------


@pytest.mark.parametrize("channel", ["trades.ALL", "bbo.ALL"])
async def test_all_markets_come_over_one_channel(channel: str) -> None:
    async with trading() as client, opened(client, SBE_QUERY) as listener:
        await listener.subscribe(channel)
        for market in (MARKET, ETH):
            client.exchange.place_liquidity(market, "BUY", "2000", "0.5")
            client.exchange.print_trade(market, "BUY", "2000", "0.1")
        event = channel.removesuffix(".ALL").removesuffix("s")
        seen = await until_seen(listener, event, 2)
        assert [fields["market"] for fields in seen] == [MARKET, ETH]
        reply = await listener.request("subscribe", {"channel": channel})
        assert reply["error"]["data"] == "already subscribed"


async def test_summaries_of_named_markets_change_without_subscribing_again() -> None:
    async with (
        trading(summary_interval_ms=10) as client,
        opened(client, SBE_QUERY) as listener,
    ):
        scoped = {"channel": "markets_summary", "markets": [MARKET]}
        assert (await listener.request("subscribe", scoped))["result"] == {
            "channel": "markets_summary"
        }
        seen = await until_seen(listener, "market_summary", 3)
        assert {fields["market"] for fields in seen} == {MARKET}
        change = {"channel": "markets_summary", "add": [ETH], "remove": [MARKET]}
        reply = await listener.request("modify_subscription", change)
        assert reply["result"] == {"channel": "markets_summary", "add": [ETH], "remove": [MARKET]}
        before = len(events(listener, "market_summary"))
        seen = await until_seen(listener, "market_summary", before + 5)
        assert {fields["market"] for fields in seen[before:]} == {ETH}
        assert "result" in await listener.request("unsubscribe", {"channel": "markets_summary"})
        before = len(events(listener, "market_summary"))
        await listener.subscribe("markets_summary")
        seen = await until_seen(listener, "market_summary", before + 10)
        assert {fields["market"] for fields in seen[before:]} >= {MARKET, ETH}
        reply = await listener.request("modify_subscription", change)
        assert reply["error"]["data"] == "not a scoped channel"


async def test_an_empty_scope_brings_nothing_until_it_is_filled() -> None:
    async with (
        trading(summary_interval_ms=10) as client,
        opened(client, SBE_QUERY) as listener,
    ):
        empty: dict[str, Any] = {"channel": "markets_summary", "markets": []}
        assert "result" in await listener.request("subscribe", empty)
        change = {"channel": "markets_summary", "add": [ETH]}
        assert "result" in await listener.request("modify_subscription", change)
        seen = await until_seen(listener, "market_summary", 2)
        assert {fields["market"] for fields in seen} == {ETH}


@pytest.mark.parametrize("channel", ["trades", "bbo"])
async def test_the_options_of_a_base_asset_come_over_one_channel(channel: str) -> None:
    async with trading() as client, opened(client, SBE_QUERY) as listener:
        markets = (await client.get("/markets?asset_kind=OPTION&base_asset=BTC"))["results"]
        option = markets[0]["symbol"]
        params = {"channel": channel, "base_asset": "BTC"}
        assert (await listener.request("subscribe", params))["result"] == {"channel": channel}
        size = markets[0]["order_size_increment"]
        for market, at in ((MARKET, "90000"), (option, markets[0]["price_tick_size"])):
            client.exchange.place_liquidity(market, "BUY", at, size)
            client.exchange.print_trade(market, "BUY", at, size)
        seen = await until_seen(listener, channel.removesuffix("s"), 1)
        assert [fields["market"] for fields in seen] == [option]
        assert "result" in await listener.request("unsubscribe", params)


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"channel": "bbo"}, "invalid channel"),
        ({"channel": "bbo", "base_asset": "NOPE"}, "invalid base_asset"),
        ({"channel": "markets_summary", "markets": ["NOPE"]}, "markets: invalid market"),
        ({"channel": "markets_summary", "markets": MARKET}, "markets: expected an array"),
        ({"channel": "funding_rate_comparison.ALL"}, "invalid channel"),
        ({"channel": "funding_rate_comparison.ALL@50ms"}, "invalid channel"),
        ({"channel": f"order_book.{MARKET}.interactive@15@75ms"}, "invalid channel"),
        ({"channel": f"order_book.{MARKET}.snapshot@15@200ms"}, "invalid channel"),
    ],
)
async def test_what_is_not_offered_is_refused(params: dict[str, Any], says: str) -> None:
    async with trading() as client, opened(client, SBE_QUERY) as listener:
        reply = await listener.request("subscribe", params)
        assert reply["error"]["data"] == says


# --- Funding --------------------------------------------------------------------------------------


async def test_funding_accrues_and_is_paid_with_the_next_fill() -> None:
    async with trading(funding=True) as client, opened(client) as listener:
        exchange = client.exchange
        exchange.place_liquidity(MARKET, "SELL", "90000", "5")
        exchange.place_liquidity(MARKET, "BUY", "89990", "5")
        await listener.subscribe(f"funding_payments.{MARKET}", "balance_events", "positions")
        await client.closed((await client.place("BUY", "0.5"))["id"])
        first = exchange._markets[MARKET].funding_index
        await eventually(lambda: exchange._markets[MARKET].funding_index > first)
        accrued = Decimal(exchange.positions()[0]["unrealized_funding_pnl"])
        assert accrued < 0
        await client.closed((await client.place("SELL", "0.5"))["id"])
        payment = await listener.push(f"funding_payments.{MARKET}")
        fill = exchange.fills()[-1]
        assert payment["payment"] == fill["realized_funding"]
        assert payment["fill_id"] == fill["id"]
        # Positions show it rounded to 8 decimals.
        assert round(Decimal(payment["payment"]), 8) <= accrued
        page = await client.get(f"/funding/payments?market={MARKET}")
        assert page["results"] == [payment]
        assert (await client.get(f"/funding/payments?market={ETH}"))["results"] == []
        event = await listener.push(
            "balance_events", lambda data: data["realized_funding"] == payment["payment"]
        )
        balance = (await client.get("/balance"))["results"][0]
        assert event["settlement_asset_balance_after"] == balance["size"]
        flows = sum(
            Decimal(fill["realized_pnl"]) + Decimal(fill["realized_funding"]) - Decimal(fill["fee"])
            for fill in exchange.fills()
        )
        assert Decimal(balance["size"]) == 100_000 + flows


async def test_without_the_option_funding_stands_still() -> None:
    async with trading(funding_interval_ms=10, history_hours=0) as client:
        exchange = client.exchange
        exchange.place_liquidity(MARKET, "SELL", "90000", "5")
        await client.closed((await client.place("BUY", "0.5"))["id"])
        past = exchange._pasts.of(exchange._markets[MARKET])
        await eventually(lambda: past.funding_count > 3)
        rows = (await client.get(f"/funding/data?market={MARKET}"))["results"]
        assert len({row["funding_index"] for row in rows}) == 1
        (position,) = exchange.positions()
        assert position["unrealized_funding_pnl"] == "0"


# --- The past -------------------------------------------------------------------------------------


async def all_pages(client: Client, path: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = await client.get(path + (f"&cursor={cursor}" if cursor else ""))
        rows += page["results"]
        cursor = page["next"]
        if not cursor:
            return rows


async def test_candles_are_the_trades_put_together() -> None:
    async with trading() as client:
        end = int(time.time() * 1000) // HOUR_MS * HOUR_MS
        span = f"start_at={end - HOUR_MS}&end_at={end - 1}"
        trades = await all_pages(client, f"/trades?market={MARKET}&{span}&page_size=100")
        assert len(trades) == 360
        path = f"/markets/klines?symbol={MARKET}&{span}"
        (row,) = (await client.get(f"{path}&resolution=60"))["results"]
        prices = [float(trade["price"]) for trade in trades[::-1]]
        assert row[:5] == [end - HOUR_MS, prices[0], max(prices), min(prices), prices[-1]]
        assert row[5] == pytest.approx(float(sum(Decimal(trade["size"]) for trade in trades)))
        minutes = (await client.get(f"{path}&resolution=1&price_kind=mark"))["results"]
        assert [row[0] for row in minutes] == list(range(end - HOUR_MS, end, 60_000))


async def test_funding_pages_join_without_gap_or_overlap() -> None:
    async with trading(history_hours=3, funding_interval_ms=10) as client:
        exchange = client.exchange
        await eventually(lambda: exchange._pasts.of(exchange._markets[MARKET]).funding_count > 3)
        end = int(time.time() * 1000)
        path = f"/funding/data?market={MARKET}&end_at={end}&page_size=50"
        rows = await all_pages(client, path)
        times = [row["created_at"] for row in rows]
        assert times == sorted(times, reverse=True)
        assert len(times) > 180 + 3
        assert min(times) >= end - 3 * HOUR_MS - 60_000
        assert (
            await client.get("/funding/data?market=ETH-USD-PERP&start_at=" + str(end + HOUR_MS))
        )["results"] == []


async def test_the_past_is_the_same_after_a_restart() -> None:
    end = int(time.time() * 1000) // HOUR_MS * HOUR_MS
    span = f"start_at={end - 600_000}&end_at={end - 1}"
    seen = []
    for _ in range(2):
        async with trading(seed=9) as client:
            trades = await client.get(f"/trades?market={ETH}&{span}")
            rows = await client.get(f"/markets/klines?symbol={ETH}&resolution=5&{span}")
            funding = await client.get(f"/funding/data?market={ETH}&{span}")
            seen.append((trades["results"], rows["results"], funding["results"]))
    assert seen[0] == seen[1]
    assert all(seen[0])
