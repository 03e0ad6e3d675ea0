"""The local exchange over REST: what it answers and what it refuses."""

import time
from decimal import Decimal
from io import BytesIO
from typing import Any

import aiohttp
import pytest

from paradex_adapter.local_exchange import LocalExchange, stark
from tests.integration.local_exchange_client import (
    DEADLINE_SECS,
    MARKET,
    Client,
    eventually,
    opened,
    signature_text,
    trading,
)

# --- Getting in -------------------------------------------------------------------------------


@pytest.mark.parametrize("is_key_in_path", [True, False])
async def test_a_signed_request_gets_a_token(is_key_in_path: bool) -> None:
    async with trading() as client:
        key = f"/{stark.public_key(client.private_key):#x}" if is_key_in_path else ""
        status, body = await client.call("POST", f"/auth{key}", headers=client.auth_headers())
        assert status == 200
        client.token = body["jwt_token"]
        assert (await client.get("/account"))["account"] == client.address


async def test_a_signature_in_hex_is_as_good() -> None:
    async with trading() as client:
        headers = client.auth_headers()
        r, s = headers["PARADEX-STARKNET-SIGNATURE"].strip('[]"').split('","')
        headers["PARADEX-STARKNET-SIGNATURE"] = f'["{int(r):#x}","{int(s):#x}"]'
        assert (await client.call("POST", "/auth", headers=headers))[0] == 200


@pytest.mark.parametrize(
    ("changed", "status", "error"),
    [
        ({"chain_id": "PRIVATE_SN_OTHER"}, 401, "STARKNET_SIGNATURE_VERIFICATION_FAILED"),
        ({"timestamp": 1_600_000_000}, 400, "INVALID_TIMESTAMP"),
        ({"timestamp": int(time.time() * 1000)}, 400, "INVALID_TIMESTAMP"),
        ({"expiration": 1_600_000_000}, 400, "INVALID_TIMESTAMP"),
        ({"expiration": int(time.time()) + 9 * 86_400}, 400, "INVALID_TIMESTAMP"),
    ],
)
async def test_a_wrong_token_request_is_refused(
    changed: dict[str, Any], status: int, error: str
) -> None:
    async with trading() as client:
        answer = await client.call("POST", "/auth", headers=client.auth_headers(**changed))
        assert (answer[0], answer[1]["error"]) == (status, error)
        assert answer[1].keys() == {"error", "message", "data"}


@pytest.mark.parametrize(
    ("header", "value", "error"),
    [
        ("PARADEX-STARKNET-ACCOUNT", "0x123", "NOT_ONBOARDED"),
        ("PARADEX-STARKNET-ACCOUNT", "hello", "INVALID_STARKNET_ADDRESS"),
        ("PARADEX-STARKNET-ACCOUNT", "0x" + "f" * 80, "INVALID_STARKNET_ADDRESS"),
        ("PARADEX-STARKNET-SIGNATURE", "nonsense", "INVALID_STARKNET_SIGNATURE"),
        ("PARADEX-STARKNET-SIGNATURE", '["1","2","3"]', "INVALID_STARKNET_SIGNATURE"),
        ("PARADEX-STARKNET-SIGNATURE", '["1","2"]', "STARKNET_SIGNATURE_VERIFICATION_FAILED"),
        ("PARADEX-TIMESTAMP", "", "INVALID_REQUEST_PARAMETER"),
        ("PARADEX-TIMESTAMP", "soon", "INVALID_TIMESTAMP"),
    ],
)
async def test_a_malformed_token_request_is_refused(header: str, value: str, error: str) -> None:
    async with trading() as client:
        headers = {**client.auth_headers(), header: value}
        status, body = await client.call("POST", "/auth", headers=headers)
        assert (status // 100, body["error"]) == (4, error)


async def test_a_subkey_trades_for_the_account_and_a_stranger_does_not() -> None:
    async with trading() as client:
        exchange, http = client.exchange, client.http
        subkey = await Client(exchange, http, exchange.add_subkey(client.address)).log_in()
        assert subkey.address == client.address
        order = await subkey.place("BUY", "0.01", "89000")
        assert (await client.until(order["id"], "OPEN"))["account"] == client.address
        stranger = Client(exchange, http, exchange.add_account("other"))
        stranger.address = client.address
        key = hex(stark.public_key(stranger.private_key))
        status, body = await stranger.call("POST", f"/auth/{key}", headers=stranger.auth_headers())
        assert (status, body["error"]) == (401, "INVALID_SUBKEY")
        # A session signs with its own key: the main key's signature is no good in the subkey's.
        request = client.order("BUY", "0.01", "89000")
        status, body = await subkey.call("POST", "/orders", request)
        assert (status, body["error"]) == (400, "INVALID_ORDER_SIGNATURE")


async def test_a_new_account_onboards_itself() -> None:
    async with trading(onboarding_balance=Decimal(50)) as client:
        private_key = 0x1234567
        public_key = hex(stark.public_key(private_key))
        path = f"/onboarding?account_signer_type=starknet&public_key={public_key}"
        before = await client.get(path)
        assert before["exists"] is False
        address = int(before["address"], 16)
        message_hash = stark.onboarding_hash(client.exchange.chain_id, address)
        headers = {
            "PARADEX-ETHEREUM-ACCOUNT": "0x" + "1" * 40,
            "PARADEX-STARKNET-ACCOUNT": before["address"],
            "PARADEX-STARKNET-SIGNATURE": signature_text(message_hash, private_key),
        }
        body = {"public_key": public_key}
        forged = {**headers, "PARADEX-STARKNET-SIGNATURE": '["1","2"]'}
        assert (await client.call("POST", "/onboarding", body, forged))[0] == 401
        wrong = {**headers, "PARADEX-STARKNET-ACCOUNT": client.address}
        status, answer = await client.call("POST", "/onboarding", body, wrong)
        assert (status, answer["error"]) == (400, "INVALID_STARKNET_ADDRESS")
        for _ in range(2):
            assert await client.call("POST", "/onboarding", body, headers) == (200, None)
        assert (await client.get(path))["exists"] is True
        assert client.exchange.balances(before["address"])[0]["size"] == "50"


@pytest.mark.parametrize(
    "token", ["", "Bearer", "Bearer x.y.z", "Basic abc", "Bearer " + "a" * 5000, "Bearer é.b.c"]
)
async def test_a_private_path_wants_a_good_token(token: str) -> None:
    async with trading() as client:
        client.token = ""
        headers = {"Authorization": token} if token else {}
        status, body = await client.call("GET", "/account", headers=headers)
        assert (status, body["error"]) == (401, "INVALID_TOKEN")
        assert body["message"].startswith("invalid bearer jwt: ")


async def test_tokens_end() -> None:
    async with trading(token_lifetime_secs=300) as client:
        client.exchange.expire_tokens()
        assert (await client.call("GET", "/account"))[0] == 401
        await client.log_in()
        assert (await client.call("GET", "/account"))[0] == 200
        client.exchange.set_clock_offset(299_000)
        assert (await client.call("GET", "/account"))[0] == 200
        client.exchange.set_clock_offset(301_000)
        status, body = await client.call("GET", "/account")
        assert (status, body["message"]) == (401, "invalid bearer jwt: token is expired")


@pytest.mark.parametrize("path", ["/nothing", "/markets/", "/orders/a/b", "", "/auth"])
async def test_an_unknown_path_asks_for_a_token(path: str) -> None:
    async with trading() as client:
        status, body = await client.call("GET", path)
        assert (status, body["error"]) == (401, "INVALID_TOKEN")


# --- Public -----------------------------------------------------------------------------------


async def test_markets_are_listed_and_filtered() -> None:
    async with trading() as client:
        listed = (await client.get("/markets"))["results"]
        assert [market["symbol"] for market in listed[:4]] == [
            "BTC-USD-PERP",
            "ETH-USD-PERP",
            "SOL-USD-PERP",
            "kPEPE-USD-PERP",
        ]
        assert len(listed) == 23
        one = (await client.get(f"/markets?market={MARKET}"))["results"]
        assert one == listed[:1]
        assert one[0]["fee_config"]["api_fee"]["taker_fee"]["fee"] == "0.00045"
        for kind, count in (("PERP", 7), ("OPTION", 13), ("SPOT", 2), ("PERP_OPTION", 1)):
            found = (await client.get(f"/markets?asset_kind={kind}"))["results"]
            assert {market["asset_kind"] for market in found} == {kind}
            assert len(found) == count
        assert (await client.get("/markets?asset_kind=FUTURE"))["results"] == []
        assert len((await client.get("/markets?base_asset=ETH"))["results"]) == 4
        assert len((await client.get("/markets/summary?market=ALL"))["results"]) == len(listed)
        for path, status in (
            ("/markets?market=NOPE", 404),
            ("/bbo/NOPE", 404),
            ("/orderbook/NOPE", 404),
            ("/trades?market=NOPE", 404),
            ("/markets?asset_kind=CHEESE", 400),
            ("/markets/summary", 400),
            ("/trades", 400),
            (f"/orderbook/{MARKET}?depth=0", 400),
            (f"/orderbook/{MARKET}?depth=x", 400),
        ):
            assert (await client.call("GET", path))[0] == status, path


async def test_book_and_best_prices_share_one_sequence() -> None:
    async with trading() as client:
        exchange = client.exchange
        empty = await client.get(f"/bbo/{MARKET}")
        assert (empty["bid"], empty["ask_size"]) == ("", "")
        for price in ("89990", "89980", "89970"):
            exchange.place_liquidity(MARKET, "BUY", price, "0.5")
        exchange.place_liquidity(MARKET, "SELL", "90010", "1.25")
        book = await client.get(f"/orderbook/{MARKET}?depth=2")
        assert book["bids"] == [["89990", "0.5"], ["89980", "0.5"]]
        assert book["asks"] == [["90010", "1.25"]]
        assert book["seq_no"] == empty["seq_no"] + 4
        best = await client.get(f"/bbo/{MARKET}")
        assert best["seq_no"] == book["seq_no"]
        assert (best["bid"], best["ask"], best["ask_size"]) == ("89990", "90010", "1.25")


async def test_trades_are_paged_newest_first_by_signed_cursors() -> None:
    async with trading(history_hours=0) as client:
        printed = [client.exchange.print_trade(MARKET, "BUY", "90000", "0.1") for _ in range(7)]
        path, seen, pages = f"/trades?market={MARKET}&page_size=3", [], 0
        page = await client.get(path)
        assert page["prev"] is None
        while True:
            seen += [trade["id"] for trade in page["results"]]
            pages += 1
            if not page["next"]:
                break
            # A new trade does not shift the pages that follow.
            client.exchange.print_trade(MARKET, "SELL", "90000", "0.1")
            page = await client.get(f"{path}&cursor={page['next']}")
        assert (seen, pages) == (printed[::-1], 3)


async def test_a_cursor_is_bound_to_its_query() -> None:
    async with trading() as client:
        for _ in range(3):
            client.exchange.print_trade(MARKET, "BUY", "90000", "0.1")
        cursor = (await client.get(f"/trades?market={MARKET}&page_size=1"))["next"]
        for path in (
            f"/trades?market=ETH-USD-PERP&cursor={cursor}",
            f"/fills?cursor={cursor}",
            f"/trades?market={MARKET}&cursor={cursor[:-1]}",
            f"/trades?market={MARKET}&cursor=x{cursor}",
            f"/trades?market={MARKET}&page_size=1001",
            f"/trades?market={MARKET}&page_size=0",
            f"/trades?market={MARKET}&start_at=yesterday",
        ):
            status, body = await client.call("GET", path)
            assert (status, body["error"]) == (400, "INVALID_REQUEST_PARAMETER"), path


async def test_every_answer_shows_the_rate_limit() -> None:
    async with trading(enforce_rate_limits=True) as client:
        url = client.exchange.base_url_http + "/system/state"
        left = []
        for _ in range(2):
            async with client.http.get(url) as response:
                assert response.headers["X-RateLimit-Limit"] == "1500"
                assert int(response.headers["X-RateLimit-Reset"]) >= time.time() - 1
                left.append(int(response.headers["X-RateLimit-Remaining"]))
        assert left[1] <= left[0] < 1500
        for _ in range(5000):
            status, body = await client.call("GET", "/balance")
            if status == 429:
                break
        assert (status, body) == (429, {"message": "rate limit exceeded"})


# --- Orders -----------------------------------------------------------------------------------


async def test_an_order_is_new_then_open_then_filled() -> None:
    async with trading() as client:
        order = await client.place("BUY", "0.05", "89990", client_id="mine")
        assert (order["status"], order["remaining_size"]) == ("NEW", "0.05")
        await client.until(order["id"], "OPEN")
        assert (await client.get("/orders"))["results"][0]["id"] == order["id"]
        assert (await client.get("/orders/by_client_id/mine"))["id"] == order["id"]
        client.exchange.take_liquidity(MARKET, "SELL", "0.02")
        partly = await client.get(f"/orders/{order['id']}")
        assert (partly["status"], partly["remaining_size"]) == ("OPEN", "0.03")
        client.exchange.take_liquidity(MARKET, "SELL", "0.03")
        done = await client.closed(order["id"])
        assert (done["remaining_size"], done["avg_fill_price"]) == ("0", "89990")
        assert done["cancel_reason"] == ""
        for path in (f"/orders/{order['id']}", "/orders/by_client_id/mine"):
            status, body = await client.call("GET", path)
            assert (status, body["error"].endswith("NOT_FOUND")) == (400, True)
        fills = (await client.get("/fills"))["results"]
        assert [fill["size"] for fill in fills] == ["0.03", "0.02"]
        assert fills[0]["fee"] == "0.080991"
        assert fills[0]["liquidity"] == "MAKER"
        balance = (await client.get("/balance"))["results"][0]
        assert balance["size"] == "99999.865015"
        position = (await client.get("/positions"))["results"][0]
        assert (position["size"], position["average_entry_price"]) == ("0.05", "89990")


async def test_an_account_that_never_traded_is_whole() -> None:
    async with trading(balance=Decimal("1234.5")) as client:
        account = await client.get("/account")
        assert account["account_value"] == account["free_collateral"] == "1234.5"
        assert account["initial_margin_requirement"] == "0"
        assert account["seq_no"] > 10**18
        assert (await client.get("/positions"))["results"] == []
        [info] = (await client.get("/account/info"))["results"]
        assert (info["fees"]["maker_rate"], info["fees"]["taker_rate"]) == ("0.00003", "0.00045")
        assert (await client.get("/account/summary"))["results"] == [account]


async def test_a_market_order_takes_and_the_position_closes() -> None:
    async with trading() as client:
        client.exchange.place_liquidity(MARKET, "SELL", "90010", "1")
        client.exchange.place_liquidity(MARKET, "BUY", "89990", "1")
        bought = await client.place("BUY", "0.1", price="0")
        await client.closed(bought["id"])
        sold = await client.place("SELL", "0.1", flags=["REDUCE_ONLY"])
        done = await client.closed(sold["id"])
        assert done["flags"] == ["REDUCE_ONLY", "TARGET_STRATEGY_VWAP"]
        position = (await client.get("/positions"))["results"][0]
        assert (position["status"], position["size"], position["side"]) == ("CLOSED", "0", "LONG")
        fees = (Decimal("9001") + Decimal("8999")) * Decimal("0.00045")
        account = await client.get("/account")
        assert Decimal(account["account_value"]) == 100_000 - 2 - fees


async def test_an_order_needs_no_price_for_the_market_nor_an_instruction() -> None:
    async with trading() as client:
        body = client.order("BUY", "0.1", instruction=None)
        del body["price"]
        status, order = await client.call("POST", "/orders", body)
        assert status == 201
        assert (await client.closed(order["id"]))["cancel_reason"] == "EMPTY_MARKET"


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"size": "0.01234567"}, "INVALID_ORDER_SIZE"),
        ({"size": "0.0123456789", "signature": "x"}, "VALIDATION_ERROR"),
        ({"size": "0.000001"}, "INVALID_ORDER_SIZE"),
        ({"size": "0"}, "INVALID_ORDER_SIZE"),
        ({"size": "100.00001"}, "INVALID_ORDER_SIZE"),
        ({"size": "-1", "signature": "x"}, "VALIDATION_ERROR"),
        ({"size": "1e2", "signature": "x"}, "VALIDATION_ERROR"),
        ({"size": "NaN", "signature": "x"}, "VALIDATION_ERROR"),
        ({"size": 0.1, "signature": "x"}, "BINDING_ERROR"),
        ({"price": "89000.05"}, "VALIDATION_ERROR"),
        ({"price": "94500.1"}, "VALIDATION_ERROR"),
        ({"type": "MARKET"}, "VALIDATION_ERROR"),
        ({"type": "MARKET", "price": "0", "instruction": "POST_ONLY"}, "VALIDATION_ERROR"),
        ({"type": "ICEBERG"}, "VALIDATION_ERROR"),
        ({"type": "STOP_LIMIT"}, "VALIDATION_ERROR"),
        ({"type": "STOP_LIMIT", "trigger_price": "0"}, "VALIDATION_ERROR"),
        ({"type": "STOP_LIMIT", "trigger_price": "90000.05"}, "VALIDATION_ERROR"),
        ({"type": "STOP_LIMIT", "trigger_price": "84000"}, "VALIDATION_ERROR"),
        ({"type": "STOP_LIMIT", "trigger_price": 90000}, "BINDING_ERROR"),
        (
            {"type": "STOP_LIMIT", "trigger_price": "90000", "instruction": "IOC"},
            "VALIDATION_ERROR",
        ),
        (
            {"type": "STOP_LOSS_LIMIT", "trigger_price": "90000", "instruction": "POST_ONLY"},
            "VALIDATION_ERROR",
        ),
        ({"type": "STOP_MARKET", "trigger_price": "90000"}, "VALIDATION_ERROR"),
        ({"side": "LONG", "signature": "x"}, "VALIDATION_ERROR"),
        ({"side": None, "signature": "x"}, "VALIDATION_ERROR"),
        ({"market": "NOPE-USD-PERP"}, "MARKET_NOT_FOUND"),
        ({"instruction": "FOK"}, "VALIDATION_ERROR"),
        ({"instruction": "RPI"}, "RPI_ACCOUNT_NOT_WHITELISTED"),
        ({"flags": ["MMP"]}, "MMP_NOT_ENABLED"),
        ({"flags": ["INTERACTIVE"]}, "VALIDATION_ERROR"),
        ({"flags": "REDUCE_ONLY"}, "BINDING_ERROR"),
        ({"stp": "NONE"}, "VALIDATION_ERROR"),
        ({"recv_window": 9}, "VALIDATION_ERROR"),
        ({"client_id": "x" * 65}, "VALIDATION_ERROR"),
        ({"client_id": 7}, "BINDING_ERROR"),
        ({"signature": "[]"}, "INVALID_ORDER_SIGNATURE"),
        ({"signature": '["1","2"]'}, "INVALID_ORDER_SIGNATURE"),
        ({"signature": None}, "VALIDATION_ERROR"),
        ({"signature_timestamp": 1_700_000_000_000}, "INVALID_TIMESTAMP"),
        ({"on_behalf_of_account": "0x1"}, "ISOLATED_MARKET_ACCOUNT_MISMATCH"),
        ({"on_behalf_of_account": 1}, "BINDING_ERROR"),
        ({"dime_discount": "yes"}, "BINDING_ERROR"),
        ({"trigger_price": "1"}, "VALIDATION_ERROR"),
    ],
)
async def test_a_wrong_order_is_refused_at_once(changed: dict[str, Any], error: str) -> None:
    async with trading() as client:
        fields = {"side": "BUY", "size": "0.01", "price": "89000", **changed}
        if "signature" in changed and changed["signature"] is None:
            fields["signature"] = ""
        size, price, side = fields.pop("size"), fields.pop("price"), fields.pop("side")
        request = client.order(
            side, size, price, **{"type": "LIMIT", "instruction": "GTC"} | fields
        )
        status, body = await client.call("POST", "/orders", request)
        assert (status // 100, body["error"]) == (4, error), body
        assert not client.exchange.orders()


async def test_the_signature_covers_exactly_what_is_sent() -> None:
    async with trading() as client:
        for changed in (
            {"size": "0.02"},
            {"price": "89000.1"},
            {"side": "SELL", "price": "90000"},
            {"market": "ETH-USD-PERP"},
            {"signature_timestamp": int(time.time() * 1000) + 1},
        ):
            body = client.order("BUY", "0.01", "89000")
            status, answer = await client.call("POST", "/orders", {**body, **changed})
            assert (status, answer["error"]) == (400, "INVALID_ORDER_SIGNATURE"), changed
        # Trailing zeros are the same number; what is not signed may change.
        body = client.order("BUY", "0.01", "89000")
        body |= {"size": "0.01000000", "price": "89000.0", "instruction": "POST_ONLY"}
        assert (await client.call("POST", "/orders", body))[0] == 201


async def test_a_late_order_is_refused() -> None:
    async with trading() as client:
        now_ms = int(time.time() * 1000)
        for timestamp, window, is_taken in (
            (now_ms - 5_000, 4_000, False),
            (now_ms - 5_000, 60_000, True),
            (now_ms - 301_000, None, False),
            (now_ms + 400_000, None, False),
        ):
            request = client.order(
                "BUY", "0.01", "89000", signature_timestamp=timestamp, recv_window=window
            )
            status, _ = await client.call("POST", "/orders", request)
            assert (status == 201) is is_taken, (timestamp - now_ms, window)


async def test_a_client_id_is_used_once() -> None:
    async with trading() as client:
        first = await client.place("BUY", "0.1", client_id="x" * 64)
        await client.closed(first["id"])
        request = client.order("BUY", "0.1", "89000", client_id="x" * 64)
        status, body = await client.call("POST", "/orders", request)
        assert (status, body["error"]) == (400, "DUPLICATED_CLIENT_ID")


async def test_the_number_of_open_orders_is_bounded() -> None:
    async with trading() as client:
        client.exchange.hold_outcomes()
        for _ in range(150):
            await client.place("BUY", "0.001", "89000")
        status, body = await client.call("POST", "/orders", client.order("BUY", "0.001", "89000"))
        assert (status, body["error"]) == (400, "VALIDATION_ERROR")


async def test_cancelling() -> None:
    async with trading() as client:
        orders = [await client.place("BUY", "0.01", "89000") for _ in range(4)]
        other = await client.place("BUY", "1", "2900", market="ETH-USD-PERP")
        for order in (*orders, other):
            await client.until(order["id"], "OPEN")
        path = f"/orders/{orders[0]['id']}"
        assert await client.call("DELETE", path) == (204, None)
        assert (await client.closed(orders[0]["id"]))["cancel_reason"] == "USER_CANCELED"
        status, body = await client.call("DELETE", path)
        assert (status, body["error"]) == (400, "ORDER_IS_CLOSED")
        path = f"/orders/by_client_id/{orders[1]['client_id']}"
        assert (await client.call("DELETE", path + "?market=ETH-USD-PERP"))[0] == 400
        assert (await client.call("DELETE", path))[0] == 204
        await client.closed(orders[1]["id"])
        assert (await client.call("DELETE", f"/orders?market={MARKET}"))[0] == 200
        for order in orders:
            await client.closed(order["id"])
        assert [o["id"] for o in (await client.get("/orders"))["results"]] == [other["id"]]
        assert (await client.call("DELETE", "/orders"))[0] == 200
        await client.closed(other["id"])
        for path, error in (
            ("/orders/123", "ORDER_ID_NOT_FOUND"),
            ("/orders/by_client_id/nope", "CLIENT_ORDER_ID_NOT_FOUND"),
        ):
            status, body = await client.call("DELETE", path)
            assert (status, body["error"]) == (400, error)


async def test_another_account_neither_sees_nor_cancels() -> None:
    async with trading() as client:
        exchange = client.exchange
        other = await Client(exchange, client.http, exchange.add_account("other")).log_in()
        order = await client.place("BUY", "0.01", "89000")
        assert (await other.call("GET", f"/orders/{order['id']}"))[0] == 400
        assert (await other.call("DELETE", f"/orders/{order['id']}"))[0] == 400
        assert (await other.get("/orders-history"))["results"] == []
        assert exchange.orders(other.address) == []


async def test_history_is_filtered_and_paged() -> None:
    async with trading() as client:
        open_order = await client.place("BUY", "0.01", "89000", client_id="one")
        for _ in range(4):
            await client.closed((await client.place("BUY", "0.01"))["id"])
        await client.until(open_order["id"], "OPEN")

        async def ids(query: str) -> list[str]:
            page = await client.get(f"/orders-history?{query}")
            return [order["id"] for order in page["results"]]

        assert await ids("status=OPEN") == [open_order["id"]]
        assert len(await ids("status=CLOSED&type=MARKET")) == 4
        assert await ids("client_id=one") == [open_order["id"]]
        assert await ids("market=ETH-USD-PERP") == []
        assert await ids("side=SELL") == []
        assert await ids(f"end_at={open_order['created_at'] - 1}") == []
        assert len(await ids(f"start_at={open_order['created_at']}")) == 5
        page = await client.get("/orders-history?page_size=2&status=CLOSED")
        again = await client.get(f"/orders-history?page_size=2&cursor={page['next']}")
        assert again["next"] is None
        both = page["results"] + again["results"]
        assert len({order["id"] for order in both}) == 4
        assert all(order["status"] == "CLOSED" for order in both)
        for query in ("side=LONG", "status=FILLED", "type=X", "page_size=5001"):
            assert (await client.call("GET", f"/orders-history?{query}"))[0] == 400, query


async def test_a_batch_is_taken_whole_or_not_at_all() -> None:
    async with trading() as client:
        good = [client.order("BUY", "0.01", "89000") for _ in range(2)]
        bad = client.order("BUY", "0.01", "89000", signature='["1","2"]')
        status, body = await client.call("POST", "/orders/batch", [*good, bad])
        assert (status, body["error"]) == (400, "INVALID_ORDER_SIGNATURE")
        assert not client.exchange.orders()
        status, body = await client.call("POST", "/orders/batch", good)
        assert status == 201
        placed = [order["id"] for order in body["orders"]]
        assert body["errors"] == []
        for request in ([], [client.order("BUY", "0.01", "89000")] * 11):
            status, body = await client.call("POST", "/orders/batch", request)
            assert (status, body["error"]) == (400, "BATCH_SIZE_OUT_OF_RANGE")
        status, body = await client.call("DELETE", "/orders/batch", {"order_ids": [*placed, "77"]})
        assert [result["status"] for result in body["results"]] == [
            "QUEUED_FOR_CANCELLATION",
            "QUEUED_FOR_CANCELLATION",
            "NOT_FOUND",
        ]
        await client.closed(placed[1])
        status, _ = await client.call("DELETE", "/orders/batch", {"client_order_ids": ["a"]})
        assert status == 400


async def test_an_open_order_is_changed() -> None:
    async with trading() as client:
        order = await client.place("BUY", "0.05", "89000")
        await client.until(order["id"], "OPEN")
        path = f"/orders/{order['id']}"
        change = client.change(order, size="0.04", price="88000.5")
        status, body = await client.call("PUT", path, change)
        assert (status, body["request_info"]["status"]) == (200, "PENDING")
        await eventually(lambda: client.shown(order["id"])["price"] == "88000.5")
        shown = client.shown(order["id"])
        assert (shown["size"], shown["remaining_size"], shown["id"]) == (
            "0.04",
            "0.04",
            order["id"],
        )
        assert shown["request_info"]["status"] == "SUCCESS"
        for changed, error in (
            ({}, "VALIDATION_ERROR"),
            ({"size": "0.00000001"}, "INVALID_ORDER_SIZE"),
            ({"price": "88000.55"}, "VALIDATION_ERROR"),
            ({"price": "99999"}, "VALIDATION_ERROR"),
            ({"price": "88001", "signature": '["1","2"]'}, "INVALID_ORDER_SIGNATURE"),
            ({"price": "88001", "side": "SELL"}, "VALIDATION_ERROR"),
            ({"price": "88001", "signature_timestamp": 1}, "INVALID_TIMESTAMP"),
            ({"price": "0"}, "VALIDATION_ERROR"),
        ):
            request = client.change(shown, **changed)
            status, body = await client.call("PUT", path, request)
            assert (status, body["error"]) == (400, error), changed
        await client.call("DELETE", path)
        await client.closed(order["id"])
        status, body = await client.call("PUT", path, client.change(shown, size="0.06"))
        assert (status, body["error"]) == (400, "ORDER_IS_CLOSED")


async def test_a_change_signs_the_order_it_changes() -> None:
    async with trading() as client:
        one, two = [await client.place("BUY", "0.05", "89000") for _ in range(2)]
        for order in (one, two):
            await client.until(order["id"], "OPEN")
        change = client.change(one, size="0.04")
        status, body = await client.call("PUT", f"/orders/{two['id']}", change)
        assert (status, body["error"]) == (400, "VALIDATION_ERROR")
        change["id"] = two["id"]
        status, body = await client.call("PUT", f"/orders/{two['id']}", change)
        assert (status, body["error"]) == (400, "INVALID_ORDER_SIGNATURE")


@pytest.mark.parametrize(
    ("state", "instruction", "error"),
    [
        ("cancel_only", "POST_ONLY", "SYSTEM_STATUS_CANCEL_ONLY"),
        ("post_only", "GTC", "SYSTEM_STATUS_POST_ONLY"),
        ("post_only", "POST_ONLY", ""),
        ("maintenance", "GTC", "SERVICE_UNAVAILABLE"),
    ],
)
async def test_the_system_state_decides_what_is_taken(
    state: str, instruction: str, error: str
) -> None:
    async with trading() as client:
        client.exchange.set_system_state(state)
        assert await client.get("/system/state") == {"status": state}
        request = client.order("BUY", "0.01", "89000", instruction=instruction)
        status, body = await client.call("POST", "/orders", request)
        assert body.get("error", "") == error
        assert (status == 201) is not bool(error)


@pytest.mark.parametrize(
    ("state", "change_error", "cancel_error"),
    [
        ("cancel_only", "SYSTEM_STATUS_CANCEL_ONLY", ""),
        ("post_only", "SYSTEM_STATUS_POST_ONLY", ""),
        ("maintenance", "SERVICE_UNAVAILABLE", "SERVICE_UNAVAILABLE"),
    ],
)
async def test_the_system_state_decides_what_may_change(
    state: str, change_error: str, cancel_error: str
) -> None:
    async with trading() as client, opened(client) as listener:
        order = await client.place("BUY", "0.05", "89000")
        passive = await client.place("BUY", "0.05", "88000", instruction="POST_ONLY")
        for placed in (order, passive):
            await client.until(placed["id"], "OPEN")
        client.exchange.set_system_state(state)
        path = f"/orders/{order['id']}"
        status, body = await client.call("PUT", path, client.change(order, size="0.04"))
        assert body["error"] == change_error
        change = client.change(passive, size="0.04")
        status, body = await client.call("PUT", f"/orders/{passive['id']}", change)
        assert (status == 200) is (state == "post_only")
        # What is there may always be read, with a token that is fetched now.
        await client.log_in()
        assert (await client.get(path))["status"] == "OPEN"
        reply = await listener.request("order.cancel", {"id": order["id"]})
        assert reply.get("error", {}).get("message", "") == cancel_error
        status, body = await client.call("DELETE", f"/orders/{passive['id']}")
        assert (body or {}).get("error", "") == cancel_error
        client.exchange.set_system_state("ok")
        for placed in (order, passive):
            await (
                client.until(placed["id"], "OPEN") if cancel_error else client.closed(placed["id"])
            )


async def test_in_maintenance_nothing_is_changed_but_who_asks_is_let_in() -> None:
    async with trading() as client:
        client.exchange.set_system_state("maintenance")
        for method, path in (
            ("DELETE", "/orders"),
            ("POST", "/orders/batch"),
            ("POST", "/account/keys/subkeys"),
            ("POST", "/algo/orders"),
            ("POST", "/onboarding"),
        ):
            status, body = await client.call(method, path, {})
            assert (status, body["error"]) == (503, "SERVICE_UNAVAILABLE")
        for path in ("/system/state", "/markets", "/account", "/positions"):
            await client.get(path)
        await client.log_in()


@pytest.mark.parametrize("body", [[], "x", 1, None])
async def test_an_order_is_an_object(body: object) -> None:
    async with trading() as client:
        status, answer = await client.call("POST", "/orders", body)
        assert (status, answer["error"]) == (400, "BINDING_ERROR")


async def test_a_body_has_a_size() -> None:
    async with trading() as client:
        url = client.exchange.base_url_http + "/orders"
        headers = {"Authorization": f"Bearer {client.token}"}
        async with client.http.post(
            url, data=BytesIO(b"{" * 2_000_000), headers=headers
        ) as response:
            assert response.status == 413
            assert (await response.json())["error"] == "BINDING_ERROR"


async def test_the_received_order_is_what_came_in() -> None:
    async with trading() as client:
        request = client.order("BUY", "0.010", "89000.0", client_id="shown")
        await client.call("POST", "/orders", request)
        assert client.exchange.received_order("shown") == request
        assert client.exchange.received_order("other") is None


# --- The exchange itself ----------------------------------------------------------------------


async def test_a_seed_fixes_keys_and_identifiers() -> None:
    seen = []
    for seed in (3, 3, 4):
        async with trading(seed=seed) as client:
            client.exchange.place_liquidity(MARKET, "SELL", "90000", "1")
            order = await client.place("BUY", "0.1")
            await client.closed(order["id"])
            fill = client.exchange.fills()[0]["id"]
            seen.append((client.address, client.exchange.private_key, order["id"], fill))
            assert len(order["id"]) == 28
    assert seen[0] == seen[1]
    assert not set(seen[0]) & set(seen[2])


async def test_the_simulation_trades_and_never_crosses() -> None:
    async with (
        LocalExchange(seed=2, simulation_interval_ms=5) as exchange,
        aiohttp.ClientSession() as http,
    ):
        client = Client(exchange, http)
        trades: list[dict[str, Any]] = []
        deadline = time.monotonic() + DEADLINE_SECS
        while len(trades) < 10 and time.monotonic() < deadline:
            trades = (await client.get(f"/trades?market={MARKET}"))["results"]
            book = exchange.order_book(MARKET)
            assert Decimal(book["bids"][0][0]) < Decimal(book["asks"][0][0])
        assert {trade["side"] for trade in trades} == {"BUY", "SELL"}
        rules = exchange.market_rules(MARKET)
        for trade in trades:
            assert Decimal(trade["price"]) % rules.tick == 0
            assert Decimal(trade["size"]) % rules.step == 0


async def test_secrets_stay_out_of_sight() -> None:
    async with trading() as client:
        key = client.exchange.add_account("other")
        shown = repr((key, client.exchange, vars(client.exchange)))
        assert str(key.private_key) not in shown
        assert str(client.private_key) not in shown
