"""What an account of the local exchange chooses per market: leverage and slippage."""

from decimal import Decimal

import pytest

from tests.integration.local_exchange_client import MARKET, Json, opened, trading

MARGIN = f"/account/margin/{MARKET}"
SLIPPAGE = f"/account/profile/market_max_slippage/{MARKET}"


async def test_leverage_is_the_most_until_it_is_set() -> None:
    async with trading() as client:
        config = {
            "market": MARKET,
            "leverage": 50,
            "margin_type": "CROSS",
            "isolated_margin_leverage": 0,
        }
        shown = {
            "account": client.address,
            "margin_methodology": "cross_margin",
            "configs": [config],
        }
        assert await client.get(f"/account/margin?market={MARKET}") == shown
        body = {"leverage": 10, "margin_type": "CROSS"}
        assert await client.call("POST", MARGIN, body) == (
            200,
            {"account": client.address, "market": MARKET, **body},
        )
        config["leverage"] = 10
        assert await client.get(f"/account/margin?market={MARKET}") == shown
        other = await client.get("/account/margin?market=ETH-USD-PERP")
        assert other["configs"][0]["leverage"] == 50


async def test_lower_leverage_binds_more_to_open_and_as_much_to_keep_open() -> None:
    async with trading() as client, opened(client) as socket:
        client.exchange.place_liquidity(MARKET, "SELL", "90000", "1")
        client.exchange.set_mark_price(MARKET, "90000")
        await client.closed((await client.place("BUY", "0.1", "90000"))["id"])
        before = client.exchange.account_summary()
        await socket.subscribe("account")
        body = {"leverage": 10, "margin_type": "CROSS"}
        assert (await client.call("POST", MARGIN, body))[0] == 200
        after = client.exchange.account_summary()
        difference = Decimal(after["initial_margin_requirement"]) - Decimal(
            before["initial_margin_requirement"]
        )
        assert difference == Decimal(9000) / 10 - Decimal(9000) / 50
        assert after["maintenance_margin_requirement"] == before["maintenance_margin_requirement"]
        assert Decimal(after["free_collateral"]) < Decimal(before["free_collateral"])
        told = await socket.push("account")
        assert told["initial_margin_requirement"] == after["initial_margin_requirement"]


async def test_order_is_refused_that_the_leverage_does_not_carry() -> None:
    async with trading(balance=10_000) as client:
        client.exchange.place_liquidity(MARKET, "SELL", "90000", "5")
        client.exchange.set_mark_price(MARKET, "90000")
        await client.call("POST", MARGIN, {"leverage": 1, "margin_type": "CROSS"})
        refused = await client.closed((await client.place("BUY", "0.2", "90000"))["id"])
        assert refused["cancel_reason"] == "NOT_ENOUGH_MARGIN"
        await client.call("POST", MARGIN, {"leverage": 50, "margin_type": "CROSS"})
        bought = await client.closed((await client.place("BUY", "0.2", "90000"))["id"])
        assert bought["remaining_size"] == "0"
        answer = await client.call("POST", MARGIN, {"leverage": 1, "margin_type": "CROSS"})
        assert (answer[0], answer[1]["error"]) == (400, "VALIDATION_ERROR")
        config = (await client.get(f"/account/margin?market={MARKET}"))["configs"][0]
        assert config["leverage"] == 50


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"leverage": 0}, "VALIDATION_ERROR"),
        ({"leverage": 51}, "VALIDATION_ERROR"),
        ({"leverage": "10"}, "BINDING_ERROR"),
        ({"leverage": True}, "BINDING_ERROR"),
        ({"leverage": None}, "BINDING_ERROR"),
        ({"margin_type": "BOTH"}, "VALIDATION_ERROR"),
        ({"margin_type": None}, "VALIDATION_ERROR"),
        ({"margin_type": "ISOLATED"}, "MARKET_MARGIN_RESTRICTED"),
        ({"on_behalf_of_account": "0x1"}, "REQUEST_NOT_ALLOWED"),
    ],
)
async def test_wrong_margin_is_refused(changed: Json, error: str) -> None:
    async with trading() as client:
        body = {"leverage": 10, "margin_type": "CROSS", **changed}
        status, answer = await client.call("POST", MARGIN, body)
        assert (status, answer["error"]) == (400, error)
        config = (await client.get(f"/account/margin?market={MARKET}"))["configs"][0]
        assert (config["leverage"], config["margin_type"]) == (50, "CROSS")


@pytest.mark.parametrize(
    ("query", "status", "error"),
    [
        ("", 400, "INVALID_REQUEST_PARAMETER"),
        ("?market=NOPE-USD-PERP", 404, "MARKET_NOT_FOUND"),
        ("?market=ETH-USD", 400, "VALIDATION_ERROR"),
    ],
)
async def test_margin_is_of_one_market_that_has_leverage(
    query: str, status: int, error: str
) -> None:
    async with trading() as client:
        answer = await client.call("GET", f"/account/margin{query}")
        assert (answer[0], answer[1]["error"]) == (status, error)


async def test_slippage_that_was_chosen_bounds_market_orders() -> None:
    async with trading() as client:
        for price in ("90000", "90500"):
            client.exchange.place_liquidity(MARKET, "SELL", price, "0.1")
        assert (await client.get("/account/profile"))["market_max_slippage"] == {}
        status, profile = await client.call("POST", SLIPPAGE, {"max_slippage": "0.001"})
        assert (status, profile["market_max_slippage"]) == (200, {MARKET: "0.001"})
        assert await client.get("/account/profile") == profile
        bought = await client.closed((await client.place("BUY", "0.2"))["id"])
        # 0.1 at 90000, and as much at 90500 as leaves the average at 90090.
        assert bought["cancel_reason"] == "EXCEEDS_MAX_SLIPPAGE"
        assert bought["remaining_size"] == "0.07805"
        await client.call("POST", SLIPPAGE, {"max_slippage": "0.05"})
        rest = await client.closed((await client.place("BUY", "0.05"))["id"])
        assert rest["remaining_size"] == "0"


@pytest.mark.parametrize("slippage", ["0", "1", "-0.1", 0.01, None])
async def test_wrong_slippage_is_refused(slippage: object) -> None:
    async with trading() as client:
        assert (await client.call("POST", SLIPPAGE, {"max_slippage": slippage}))[0] == 400
        assert (await client.get("/account/profile"))["market_max_slippage"] == {}


async def test_token_that_only_reads_sets_nothing() -> None:
    async with trading() as client:
        client.token = client.exchange.add_read_only_token()
        assert (await client.get(f"/account/margin?market={MARKET}"))["configs"]
        for path in (MARGIN, SLIPPAGE):
            status, body = await client.call("POST", path, {"leverage": 1})
            assert (status, body["error"]) == (403, "INVALID_TOKEN_SCOPE")
