"""Kinds of markets of the local exchange: their rules for orders, margin and fees, their ends."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.contract.sbe_by_schema import venue_schema
from tests.integration.local_exchange_client import (
    Client,
    Json,
    Listener,
    eventually,
    opened,
    trading,
)
from tests.shared_specs import requires_shared_specs, spec_path

D = Decimal
PERP = "BTC-USD-PERP"
SPOT = "ETH-USD"
SBE = "?sbeSchemaId=1&sbeSchemaVersion=3"
CASH = D(100_000)


def find_option(client: Client, base: str = "BTC", strike: str = "90000", kind: str = "C") -> str:
    symbols = [str(row["symbol"]) for row in client.exchange.markets()]
    return next(s for s in symbols if s.startswith(base) and s.endswith(f"-{strike}-{kind}"))


@asynccontextmanager
async def with_option(spot: str = "90000", mark: str = "2000") -> AsyncIterator[tuple[Client, str]]:
    """Trade an option whose prices are set."""
    async with trading() as client:
        option = find_option(client)
        client.exchange.set_mark_price(PERP, spot)
        client.exchange.set_mark_price(option, mark)
        yield client, option


async def take(client: Client, market: str, side: str, size: str, price: str) -> Json:
    """Trade with the exchange's own maker; return the fill."""
    other = "SELL" if side == "BUY" else "BUY"
    client.exchange.place_liquidity(market, other, price, size)
    order = await client.place(side, size, price, market=market, instruction="IOC")
    done = await client.closed(order["id"])
    assert done["remaining_size"] == "0", done
    fill: Json = next(f for f in client.exchange.fills() if f["order_id"] == order["id"])
    return fill


def balances(client: Client) -> dict[str, Decimal]:
    return {row["token"]: D(row["size"]) for row in client.exchange.balances()}


# --- Spot -----------------------------------------------------------------------------------------


async def test_a_token_is_paid_for_and_no_position() -> None:
    async with trading() as client:
        fill = await take(client, SPOT, "BUY", "2", "3000")
        assert (D(fill["fee"]), fill["fee_currency"]) == (D("2.7"), "USDC")
        assert balances(client) == {"USDC": CASH - 6000 - D("2.7"), "ETH": D(2)}
        assert client.exchange.positions() == []
        assert (await client.get("/positions"))["results"] == []
        shown = (await client.get("/balance"))["results"]
        assert [row["token"] for row in shown] == ["USDC", "ETH"]
        assert shown[1]["average_entry_price"] == "3000"


async def test_tokens_are_worth_something_and_no_collateral() -> None:
    async with trading() as client:
        await take(client, SPOT, "BUY", "2", "3000")
        client.exchange.set_mark_price(SPOT, "3500")
        account = client.exchange.account_summary()
        cash = CASH - 6000 - D("2.7")
        assert D(account["account_value"]) == cash + 7000
        assert D(account["free_collateral"]) == cash
        assert D(account["initial_margin_requirement"]) == 0


async def test_selling_realizes_the_profit() -> None:
    async with trading() as client:
        await take(client, SPOT, "BUY", "2", "3000")
        fill = await take(client, SPOT, "SELL", "0.5", "3010")
        assert D(fill["realized_pnl"]) == 5
        fees = sum(D(fill["fee"]) for fill in client.exchange.fills())
        assert balances(client) == {"USDC": CASH - 6000 + 1505 - fees, "ETH": D("1.5")}


@pytest.mark.parametrize(
    ("side", "size", "price"), [("SELL", "2.0001", "3000"), ("BUY", "20", "3000")]
)
async def test_nothing_is_borrowed(side: str, size: str, price: str) -> None:
    async with trading(balance=D(12_010)) as client:
        await take(client, SPOT, "BUY", "2", "3000")
        order = await client.place(side, size, price, market=SPOT)
        assert (await client.closed(order["id"]))["cancel_reason"] == "NOT_ENOUGH_MARGIN"


async def test_working_orders_bind_what_they_would_take() -> None:
    async with trading(balance=D(12_020)) as client:
        await take(client, SPOT, "BUY", "2", "3000")
        bid = await client.place("BUY", "2", "3000", market=SPOT)
        await client.until(bid["id"], "OPEN")
        ask = await client.place("SELL", "1.5", "3100", market=SPOT)
        await client.until(ask["id"], "OPEN")
        for side, size, price in (("BUY", "0.1", "3000"), ("SELL", "0.6", "3100")):
            order = await client.place(side, size, price, market=SPOT)
            assert (await client.closed(order["id"]))["cancel_reason"] == "NOT_ENOUGH_MARGIN"
        assert D(client.exchange.account_summary()["initial_margin_requirement"]) == D("6002.7")


async def test_reduce_only_is_refused_on_spot() -> None:
    async with trading() as client:
        order = client.order("SELL", "1", "3000", market=SPOT, flags=["REDUCE_ONLY"])
        status, body = await client.call("POST", "/orders", order)
        assert (status, body["error"]) == (400, "VALIDATION_ERROR")


async def test_market_and_post_only_orders_trade_spot() -> None:
    async with trading() as client:
        client.exchange.place_liquidity(SPOT, "SELL", "3000", "1")
        bought = await client.place("BUY", "1", market=SPOT)
        assert (await client.closed(bought["id"]))["avg_fill_price"] == "3000"
        passive = await client.place("SELL", "1", "3010", market=SPOT, instruction="POST_ONLY")
        await client.until(passive["id"], "OPEN")
        client.exchange.take_liquidity(SPOT, "BUY", "1")
        await client.closed(passive["id"])
        assert client.exchange.fills()[-1]["liquidity"] == "MAKER"
        assert balances(client)["ETH"] == 0


# --- Options --------------------------------------------------------------------------------------


async def test_a_premium_is_not_paid_but_bound() -> None:
    async with with_option() as (client, option):
        fill = await take(client, option, "BUY", "2", "2000")
        # A share of the underlying's value: 2 * 90000 * 0.0001, far below an eighth of 4000.
        assert D(fill["fee"]) == 18
        assert balances(client) == {"USDC": CASH - 18}
        account = client.exchange.account_summary()
        assert D(account["account_value"]) == CASH - 18
        assert D(account["initial_margin_requirement"]) == 4000
        assert D(account["maintenance_margin_requirement"]) == 2000
        client.exchange.set_mark_price(option, "2500")
        assert D(client.exchange.account_summary()["account_value"]) == CASH - 18 + 1000


async def test_the_fee_is_at_most_an_eighth_of_the_premium() -> None:
    async with with_option(mark="40") as (client, option):
        fill = await take(client, option, "BUY", "2", "40")
        assert D(fill["fee"]) == D("0.125") * 80


@pytest.mark.parametrize(
    ("spot", "initial", "maintenance"),
    [
        # In the money: 15 % of spot. Out of it: less by how much, at least 10 %.
        ("92000", "13800", "6900"),
        ("88000", "11200", "4600"),
        ("80000", "8000", "4000"),
    ],
)
async def test_what_a_sold_call_binds(spot: str, initial: str, maintenance: str) -> None:
    async with with_option() as (client, option):
        await take(client, option, "SELL", "1", "2000")
        client.exchange.set_mark_price(PERP, spot)
        account = client.exchange.account_summary()
        assert D(account["initial_margin_requirement"]) == D(initial)
        assert D(account["maintenance_margin_requirement"]) == D(maintenance)


async def test_an_option_bought_binds_a_fifth_of_spot_at_most() -> None:
    async with with_option(mark="30000") as (client, option):
        await take(client, option, "BUY", "1", "30000")
        assert D(client.exchange.account_summary()["initial_margin_requirement"]) == 18_000


async def test_the_side_that_binds_more_counts() -> None:
    async with with_option() as (client, option):
        for side, price in (("BUY", "1900"), ("SELL", "2100")):
            order = await client.place(side, "1", price, market=option)
            await client.until(order["id"], "OPEN")
        assert D(client.exchange.account_summary()["initial_margin_requirement"]) == 13_500


async def test_the_smallest_order_is_measured_by_the_spot_price() -> None:
    async with with_option() as (client, option):
        # 0.001 of 90000 is 90 USD, though its premium is 2.
        order = await client.place("BUY", "0.001", "2000", market=option)
        await client.until(order["id"], "OPEN")


async def test_options_follow_their_underlying() -> None:
    async with trading() as client:
        call, put = (find_option(client, kind=kind) for kind in "CP")

        async def marks() -> tuple[Decimal, Decimal]:
            rows = (await client.get("/markets/summary?market=ALL"))["results"]
            shown = {row["symbol"]: D(row["mark_price"]) for row in rows}
            return shown[call], shown[put]

        before = await marks()
        client.exchange.set_mark_price(PERP, "95000")
        after = await marks()
        assert after[0] > before[0] > 0
        assert 0 < after[1] < before[1]


async def test_the_summary_of_an_option() -> None:
    async with trading() as client:
        option = find_option(client)
        (row,) = (await client.get(f"/markets/summary?market={option}"))["results"]
        assert D(row["underlying_price"]) == 90_000
        assert D(row["mark_iv"]) == D("0.5")
        assert (row["bid_iv"], row["ask_iv"], row["last_iv"]) == ("", "", "")
        assert row["funding_rate"] == ""
        assert D("0.4") < D(row["greeks"]["delta"]) < D("0.6")
        assert set(row["greeks"]) == {
            *("delta", "gamma", "vega", "theta", "rho", "vanna", "volga"),
        }
        client.exchange.place_liquidity(option, "BUY", "1000", "1")
        (row,) = (await client.get(f"/markets/summary?market={option}"))["results"]
        assert 0 < D(row["bid_iv"]) < D("0.5")


@requires_shared_specs
async def test_greeks_and_volatilities_in_binary_summaries() -> None:
    async with trading(summary_interval_ms=20) as client:
        option = find_option(client, base="SOL", strike="142_5", kind="P")
        async with opened(client, SBE) as listener:
            await listener.subscribe(f"markets_summary.{option}", f"markets_summary.{SPOT}")
            frames = await listener.frames_of("market_summary", 2)
        schema = venue_schema(spec_path("sbe-paradex_1_0.xml"))
        decoded = [schema.decode(raw).values for raw in frames]
        told = {values["market"]: values for values in decoded}
        assert -1 < told[option]["delta"] < 0
        assert told[option]["markIv"] == D("0.5")
        assert told[option]["bidIv"] is None
        assert told[SPOT]["markIv"] is None


async def test_trades_of_all_options_on_a_base() -> None:
    async with trading() as client:
        call, put = (find_option(client, kind=kind) for kind in "CP")
        for market in (call, put, call):
            client.exchange.print_trade(market, "BUY", "1500", "0.1")
        first = await client.get("/trades?baseAsset=BTC&page_size=2")
        rest = await client.get(f"/trades?baseAsset=BTC&page_size=2&cursor={first['next']}")
        trades = first["results"] + rest["results"]
        assert sorted(trade["market"] for trade in trades) == sorted([call, call, put])
        assert len({trade["id"] for trade in trades}) == 3
        assert rest["next"] is None


# --- Markets without a book -----------------------------------------------------------------------


async def test_a_market_traded_by_request_takes_no_orders() -> None:
    async with trading() as client:
        symbol = next(
            row["symbol"] for row in client.exchange.markets() if row["trading_mode"] == "RFQ_ONLY"
        )
        status, body = await client.call(
            "POST", "/orders", client.order("BUY", "1", "100", market=symbol)
        )
        assert (status, body["error"]) == (400, "REQUEST_NOT_ALLOWED")


async def test_a_market_takes_no_orders_before_it_opens() -> None:
    async with trading() as client:
        rules = client.exchange.market_rules(PERP)
        opens = int(2e12)
        client.exchange.list_market(replace(rules, symbol="NEW-USD-PERP", open_at=opens))
        status, body = await client.call(
            "POST", "/orders", client.order("BUY", "1", "90000", market="NEW-USD-PERP")
        )
        assert (status, body["error"]) == (400, "MARKET_NOT_OPEN")


# --- What becomes of markets ----------------------------------------------------------------------


@asynccontextmanager
async def listening(*channels: str, query: str = "") -> AsyncIterator[tuple[Client, Listener]]:
    async with trading() as client, opened(client, query) as listener:
        await listener.subscribe(*channels)
        yield client, listener


def new_rules(client: Client, **changes: Any) -> Any:
    rules = client.exchange.market_rules("SOL-USD-PERP")
    return replace(rules, symbol="NEW-USD-PERP", base="NEW", **changes)


@pytest.mark.parametrize("query", ["", SBE])
async def test_a_listing_is_told_and_listed(query: str) -> None:
    async with listening("markets", query=query) as (client, listener):
        client.exchange.list_market(new_rules(client))
        event = await listener.push("markets")
        assert (event["event_type"], event["symbol"]) == ("CREATED", "NEW-USD-PERP")
        fields = event["changed_fields"]
        assert (fields["price_tick_size"], fields["asset_kind"]) == ("0.001", "PERP")
        # Numbers here, though text in the list.
        assert (fields["price_bands_width"], fields["max_open_orders"]) == (0.05, 150)
        (row,) = (await client.get("/markets?market=NEW-USD-PERP"))["results"]
        assert row["base_currency"] == "NEW"
        assert (await client.get("/markets/history"))["results"] == [event]
        order = await client.place("BUY", "1", "139", market="NEW-USD-PERP")
        await client.until(order["id"], "OPEN")
        with pytest.raises(ValueError, match="is listed already"):
            client.exchange.list_market(new_rules(client))


async def test_those_who_want_one_market_hear_of_that_one() -> None:
    async with listening(f"markets.{PERP}") as (client, listener):
        client.exchange.change_tick("ETH-USD-PERP", tick="0.1")
        client.exchange.change_tick(PERP, tick="0.5")
        event = await listener.push(f"markets.{PERP}")
        assert event["changed_fields"] == {"price_tick_size": "0.5"}
        assert len(listener.pushes) == 1


async def test_a_changed_tick_cancels_what_lies_off_it() -> None:
    async with listening("markets", "orders.ALL") as (client, listener):
        on, off = [await client.place("BUY", "0.01", price) for price in ("89000", "89000.1")]
        for order in (on, off):
            await client.until(order["id"], "OPEN")
        client.exchange.change_tick(PERP, tick="0.5", step="0.001")
        closed = await listener.order_closed(off["id"])
        assert closed["cancel_reason"] == "MARKET_UPDATED"
        assert client.shown(on["id"])["status"] == "OPEN"
        event = await listener.push("markets")
        assert event["event_type"] == "UPDATED"
        assert event["changed_fields"] == {
            "price_tick_size": "0.5",
            "order_size_increment": "0.001",
        }
        for size, price in (("0.01", "89000.1"), ("0.0101", "89000")):
            status, _ = await client.call("POST", "/orders", client.order("BUY", size, price))
            assert status == 400
        (row,) = (await client.get(f"/markets?market={PERP}"))["results"]
        assert row["price_tick_size"] == "0.5"
        with pytest.raises(ValueError, match="nothing"):
            client.exchange.change_tick(PERP, tick="0.5")


@pytest.mark.parametrize(
    ("kind", "side", "spot", "payoff"),
    [
        ("C", "BUY", "91500.5", "1500.5"),
        ("C", "SELL", "91500.5", "1500.5"),
        ("C", "BUY", "90000", "0"),
        ("P", "BUY", "88000", "2000"),
    ],
)
async def test_a_settlement_pays_off(kind: str, side: str, spot: str, payoff: str) -> None:
    async with listening("markets", "fills.ALL", "orders.ALL", "positions") as (client, listener):
        option = find_option(client, kind=kind)
        traded = await take(client, option, side, "2", "1000")
        resting = await client.place("BUY", "1", "500", market=option)
        await client.until(resting["id"], "OPEN")
        client.exchange.settle_market(option, spot)
        event = await listener.push("markets")
        assert event["event_type"] == "SETTLED"
        assert event["changed_fields"] == {
            "settlement_price": float(payoff),
            "underlying_twap_price": float(spot),
        }
        closed = await listener.order_closed(resting["id"])
        assert closed["cancel_reason"] == "ASSET_EXPIRED"
        fill = await listener.push("fills.ALL", lambda data: data["fill_type"] == "SETTLE_MARKET")
        assert (D(fill["price"]), D(fill["size"]), fill["order_id"]) == (D(payoff), D(2), "")
        assert fill["side"] == ("SELL" if side == "BUY" else "BUY")
        gain = 2 * (D(payoff) - 1000) * (1 if side == "BUY" else -1)
        fee = min(2 * D("0.000075") * D(spot), D("0.125") * 2 * D(payoff))
        assert D(fill["underlying_price"]) == D(spot)
        assert (D(fill["realized_pnl"]), D(fill["fee"])) == (gain, fee)
        assert balances(client)["USDC"] == CASH + gain - fee - D(traded["fee"])
        position = await listener.push("positions", lambda data: data["status"] == "CLOSED")
        assert position["market"] == option


async def test_a_settled_market_is_gone_and_its_price_stays() -> None:
    async with trading() as client:
        option = find_option(client)
        (row,) = (await client.get(f"/markets?market={option}"))["results"]
        path = f"/markets/settlement-price?market={option}"
        status, body = await client.call("GET", path)
        assert (status, body["error"]) == (404, "MARKET_NOT_SETTLED")
        client.exchange.settle_market(option, "91000")
        assert await client.get(path) == {
            "symbol": option,
            "expiry_at": row["expiry_at"],
            "settlement_price": "1000",
            "underlying_twap_price": "91000",
        }
        assert option not in {row["symbol"] for row in (await client.get("/markets"))["results"]}
        for gone in (f"/markets?market={option}", f"/bbo/{option}", f"/orderbook/{option}"):
            assert (await client.call("GET", gone))[0] == 404
        status, body = await client.call(
            "POST", "/orders", client.order("BUY", "1", "500", market=option)
        )
        assert (status, body["error"]) == (400, "MARKET_NOT_FOUND")
        async with opened(client, SBE) as listener:
            for channel in (f"order_book.{option}.deltas", f"bbo.{option}", f"markets.{option}"):
                assert "error" in await listener.request("subscribe", {"channel": channel})
        with pytest.raises(ValueError, match="no market"):
            client.exchange.settle_market(option)


async def test_an_option_is_settled_when_it_expires() -> None:
    async with trading(summary_interval_ms=20) as client:
        option = find_option(client)
        expiry = client.exchange.market_rules(option).expiry_at
        client.exchange.set_mark_price(PERP, "93000")
        (now,) = [int((await client.get("/system/time"))["server_time"])]
        client.exchange.set_clock_offset(expiry - now + 1)

        def is_gone() -> bool:
            return option not in {row["symbol"] for row in client.exchange.markets()}

        await eventually(is_gone)
        settled = await client.get(f"/markets/settlement-price?market={option}")
        assert (settled["settlement_price"], settled["underlying_twap_price"]) == ("3000", "93000")
        # Those that expire later stay.
        assert any(row["asset_kind"] == "OPTION" for row in client.exchange.markets())


async def test_a_removed_market_closes_positions_at_the_mark() -> None:
    async with listening("markets", "fills.ALL") as (client, listener):
        await take(client, "SOL-USD-PERP", "SELL", "10", "140")
        client.exchange.set_mark_price("SOL-USD-PERP", "138")
        client.exchange.delist_market("SOL-USD-PERP")
        event = await listener.push("markets")
        assert (event["event_type"], event["changed_fields"]) == ("DELETED", {})
        fill = await listener.push("fills.ALL", lambda data: data["fill_type"] == "SETTLE_MARKET")
        assert (D(fill["realized_pnl"]), D(fill["fee"])) == (20, D("1380") * D("0.00015"))
        assert client.exchange.positions()[0]["status"] == "CLOSED"
        with pytest.raises(ValueError, match="no market"):
            client.exchange.delist_market("SOL-USD-PERP")


async def test_a_removed_market_may_be_listed_again() -> None:
    async with trading() as client:
        rules = client.exchange.market_rules("SOL-USD-PERP")
        client.exchange.delist_market("SOL-USD-PERP")
        client.exchange.list_market(rules)
        order = await client.place("BUY", "1", "139", market="SOL-USD-PERP")
        await client.until(order["id"], "OPEN")
        types = [row["event_type"] for row in (await client.get("/markets/history"))["results"]]
        assert types == ["CREATED", "DELETED"]
        one = (await client.get("/markets/history?market=BTC-USD-PERP"))["results"]
        assert one == []


async def test_tokens_are_kept_when_their_market_ends() -> None:
    async with trading() as client:
        await take(client, SPOT, "BUY", "2", "3000")
        with pytest.raises(ValueError, match="spot market"):
            client.exchange.settle_market(SPOT)
        client.exchange.delist_market(SPOT)
        assert balances(client)["ETH"] == 2


async def test_an_order_whose_market_ends_first_is_closed_once() -> None:
    async with listening("orders.ALL") as (client, listener):
        client.exchange.hold_outcomes()
        order = await client.place("BUY", "1", "139", market="SOL-USD-PERP")
        client.exchange.delist_market("SOL-USD-PERP")
        closed = await listener.order_closed(order["id"])
        assert closed["cancel_reason"] == "ASSET_UNAVAILABLE"
        client.exchange.release_outcomes()
        other = await client.place("BUY", "0.01", "89000")
        await client.until(other["id"], "OPEN")
        assert client.shown(order["id"])["status"] == "CLOSED"
        closes = [d for d in listener.of("orders.ALL") if d["id"] == order["id"]]
        assert [d["status"] for d in closes] == ["NEW", "CLOSED"]


# --- Simulation -----------------------------------------------------------------------------------


async def test_simulated_are_the_crypto_perpetuals_unless_told_otherwise() -> None:
    async with trading(simulation_interval_ms=10) as client:
        quoted = {
            str(row["symbol"])
            for row in client.exchange.markets()
            if client.exchange.order_book(str(row["symbol"]))["bids"]
        }
        assert quoted == {"BTC-USD-PERP", "ETH-USD-PERP", "SOL-USD-PERP", "kPEPE-USD-PERP"}


async def test_options_and_spot_may_be_simulated_too() -> None:
    async with trading() as idle:
        option = find_option(idle)
    async with trading(simulation_interval_ms=5, simulated_markets=(option, SPOT)) as client:
        for market in (option, SPOT):
            assert await eventually(
                lambda market=market: len(client.exchange._markets[market].trades) >= 5
            )
            book = client.exchange.order_book(market)
            assert D(book["bids"][0][0]) < D(book["asks"][0][0])
        assert not client.exchange.order_book(PERP)["bids"]
