"""Every JSON answer, push and result of the local exchange, judged by the venue's documents.

One scenario calls every endpoint and method, refusals included, with orders in each state. What
differs from the documents must be in `EXCEPTIONS`, each with the reason why the venue itself
differs or why the field has no meaning here; an exception that no longer happens fails as well.
"""

import asyncio
import re
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, NamedTuple

import aiohttp
import pytest

from paradex_adapter.local_exchange import LocalExchange
from tests.contract.exchange_caller import (
    WALLET_ADDRESS,
    Answer,
    Caller,
    Socket,
    connect,
    personal_sign,
    siwe_headers,
    siwe_text,
    wallet_public_key,
)
from tests.contract.exchange_orders import ask_for_more, let_orders_wait, protect_quotes
from tests.contract.venue_documents import Finding, async_api, open_api, open_rpc
from tests.shared_specs import requires_shared_specs

pytestmark = requires_shared_specs

MARKET = "BTC-USD-PERP"
SPOT = "ETH-USD"
# Published test keys; the first one's account is the one the newcomer onboards.
NEWCOMER_KEY = 0x543B6CF6C91817A87174AAEA4FB370AC1C694E864D7740D728F8344D53E815
NEWCOMER_PUBLIC_KEY = 0x2C144D2F2D4FC61B6F8967F3BA0012A87D90140BCFE5A3E92E8DF83258C960F
NEWCOMER_ADDRESS = "0x129c135ed63df9353885e292be4426b8ed6122b13c6c0e1bb787288a1f5adfa"
STRANGER_PUBLIC_KEY = "0x161523dc3f079d9daf9d97ff87ea448c93e2dc4153e7010d45203ff97f4dfbe"
CALLS_UNTIL_REFUSED_MAX = 2000
PRIVATE_CHANNELS = (
    f"orders.{MARKET}",
    "fills.ALL",
    "positions",
    "account",
    f"funding_payments.{MARKET}",
    "balance_events",
    "tradebusts",
    "transfers",
    "mmp",
)


class Allowed(NamedTuple):
    """A difference from the documents that stays: patterns of a finding, and why."""

    source: str
    path: str
    rule: str
    reason: str

    def covers(self, finding: Finding) -> bool:
        patterns = zip(self[:3], finding[:3], strict=True)
        return all(re.fullmatch(pattern, text) for pattern, text in patterns)


EXCEPTIONS = (
    # --- Recorded from the venue ---
    Allowed(r".+ [45]\d\d", "data", "type", "errors were recorded with data null"),
    Allowed(
        "GET /(trades|fills|(algo/)?orders-history|funding/(data|payments)|tradebusts|transfers)",
        "next|prev",
        "type",
        "null on the last, first page",
    ),
    Allowed(
        "GET /orders-history|orders",
        r"(results\[\]\.)?instruction",
        "enum",
        "an order the engine refused was recorded with an empty instruction",
    ),
    Allowed(
        "GET (/bbo/.+|/orderbook/.+|/markets/summary|/markets/klines|/trades|/funding/data) 404",
        r"\$",
        "status",
        "an unknown market was answered with 404",
    ),
    Allowed(
        "GET /no/such/path( 401)?",
        r"\$",
        "operation|status",
        "unknown paths were answered with 401",
    ),
    Allowed(
        "GET /(account/info|positions|(algo/)?orders(-history)?|tradebusts|liquidations|transfers)"
        " 401",
        r"\$",
        "status",
        "they need a token like the private calls for which the document lists 401",
    ),
    Allowed(
        "GET /markets",
        r"results\[\]\.fee_config\..+\.fee_(cap|floor)",
        "absent",
        "fee entries without caps and floors were recorded",
    ),
    Allowed(
        "GET /markets",
        r"results\[\]\.(option_cross_margin_params|option_type)",
        "absent",
        "perpetuals were recorded without what only options have",
    ),
    Allowed(
        "GET /markets",
        r"results\[\]\.delta1_cross_margin_params",
        "absent",
        "options were recorded without what only other markets have",
    ),
    Allowed(
        "GET /markets",
        r"results\[\]\.asset_kind",
        "enum",
        "dated options were recorded as OPTION, which the document's list of kinds lacks",
    ),
    Allowed(
        "GET /markets/summary",
        r"results\[\]\.(\w+_iv|forward_rate|future_funding_rate|rolling_details)",
        "absent",
        "perpetuals were recorded without what only options and futures have",
    ),
    Allowed(
        "GET /markets/summary",
        r"results\[\]\.greeks\.(rho|theta|vanna|volga)",
        "absent",
        "the greeks of a perpetual were recorded as delta, gamma and vega",
    ),
    # --- Newer than the document ---
    Allowed(
        "POST /orders 403",
        r"\$",
        "status",
        "the venue's page on market maker protection, which is newer, gives MMP_NOT_ENABLED 403",
    ),
    Allowed(
        "POST /orders 503",
        r"\$",
        "status",
        "the word and the status are documented, not that they go together",
    ),
    Allowed(
        "DELETE /orders 403",
        r"\$",
        "status",
        "a read-only token may not cancel: the document has the word for it, not the status",
    ),
    Allowed(
        "POST (/orders|/account/mmp/.+) 40[03]",
        "error",
        "enum",
        "the page on market maker protection adds words to the document's list of errors",
    ),
    Allowed(
        "(GET|POST|DELETE) /account/mmp.*",
        r"\$",
        "operation|status|body",
        "the page on market maker protection adds these endpoints",
    ),
    Allowed("mmp", r"\$", "channel", "the page on market maker protection adds this channel"),
    Allowed(
        "POST /orders|GET /orders-history|orders",
        r"(results\[\]\.)?flags\[\]",
        "enum",
        "the page on market maker protection adds the flag MMP",
    ),
    # --- Absent because there is nothing to tell ---
    Allowed(
        "(GET|POST) /orders.*|orders",
        r"((results|orders)\[\]\.)?request_info",
        "absent",
        "only while a change of the order is under way; the channel's document does not require it",
    ),
    Allowed(
        "GET /positions|positions",
        r"(results\[\]\.)?closed_at",
        "absent",
        "an open position was not closed; the recorded one lacks it as well",
    ),
    Allowed(
        "DELETE /orders/batch|order.cancel_batch",
        r"results\[\]\.(account|client_id|market)",
        "absent",
        "an order that is not found has neither owner nor market, as in the venue's example",
    ),
    Allowed(
        "GET /markets/summary",
        r"results\[\]\.(funding_rate|external_fair_price)",
        "absent",
        "spot markets were recorded without a funding rate, options without a fair price",
    ),
    Allowed(
        "GET /markets/history|markets",
        r"(results\[\]\.)?changed_fields\..+",
        "absent",
        "an event tells what changed",
    ),
    Allowed("order.create_batch", r"results\[\]\.error", "absent", "present on failure only"),
    # --- Left open by the document ---
    Allowed(
        "GET /markets/klines( 200)?",
        r"\$",
        "status|body",
        "rows of numbers were recorded; the document has no answer but a refusal",
    ),
    Allowed("DELETE /orders", r"\$", "body", "the 200 has a body that is not described"),
)

# Endpoints without a way to ask them wrongly.
NEVER_REFUSED = {
    ("GET", "/system/config"),
    ("GET", "/system/time"),
    ("GET", "/system/state"),
    ("GET", "/markets/history"),
}


@dataclass
class Played:
    """Everything the exchange said during the scenario."""

    answers: list[Answer] = field(default_factory=list)
    pushes: list[dict[str, Any]] = field(default_factory=list)
    results: list[tuple[str, Any]] = field(default_factory=list)
    errors: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    routes: set[tuple[str, str]] = field(default_factory=set)


async def call_public(caller: Caller) -> None:
    for path in ("/system/config", "/system/time", "/system/state", "/markets"):
        assert (await caller.call("GET", path)).status == 200
    for path in ("/bbo/{}", "/bbo/{}/interactive", "/orderbook/{}", "/orderbook/{}/interactive"):
        assert (await caller.call("GET", path.format(MARKET))).status == 200
        assert (await caller.call("GET", path.format("NOPE-USD-PERP"))).status == 404
    await caller.call("GET", "/orderbook/" + MARKET, depth=0)
    await caller.call("GET", "/markets", market=MARKET)
    await caller.call("GET", "/markets", market="NOPE-USD-PERP")
    for query in ({"market": "ALL"}, {"market": MARKET}, {"market": "NOPE"}, {}):
        await caller.call("GET", "/markets/summary", **query)
    first = (await caller.call("GET", "/trades", market=MARKET, page_size=1)).json
    await caller.call("GET", "/trades", market=MARKET, page_size=1, cursor=first["next"])
    for query in ({}, {"market": MARKET, "cursor": "made-up"}, {"market": MARKET, "page_size": 0}):
        assert (await caller.call("GET", "/trades", **query)).status == 400
    await call_history(caller)
    assert (await caller.call("GET", "/no/such/path")).status == 401


async def call_history(caller: Caller) -> None:
    now_ms = int((await caller.call("GET", "/system/time")).json["server_time"])
    span = {"start_at": now_ms - 3_600_000, "end_at": now_ms}
    for kind in ("last", "mark", "underlying"):
        query = {"symbol": MARKET, "resolution": 5, "price_kind": kind, **span}
        answer = await caller.call("GET", "/markets/klines", **query)
        assert answer.status == 200
        assert len(answer.json["results"]) >= 12
    for wrong in ({"resolution": 2}, {"price_kind": "index"}, {"symbol": ""}, {"end_at": "x"}):
        query = {"symbol": MARKET, "resolution": 1, **span, **wrong}
        assert (await caller.call("GET", "/markets/klines", **query)).status == 400
    for path, name in (("/markets/klines", "symbol"), ("/trades", "market")):
        query = {name: "NOPE-USD-PERP", "resolution": 1, **span}
        assert (await caller.call("GET", path, **query)).status == 404
    page = (await caller.call("GET", "/funding/data", market=MARKET, page_size=2, **span)).json
    assert len(page["results"]) == 2
    await caller.call("GET", "/funding/data", market=MARKET, page_size=2, cursor=page["next"])
    assert (await caller.call("GET", "/funding/data", market=MARKET, page_size=0)).status == 400
    assert (await caller.call("GET", "/funding/data", market="NOPE-USD-PERP")).status == 404
    assert (await caller.call("GET", "/funding/data")).status == 400


async def call_getting_in(caller: Caller) -> None:
    key = hex(caller.public_key)
    assert (await caller.call("POST", "/auth", headers=caller.auth_headers())).status == 400
    for query in (
        {"account_signer_type": "starknet", "public_key": key},
        {"account_signer_type": "starknet", "public_key": "0x5"},
        {"account_signer_type": "wallet"},
    ):
        await caller.call("GET", "/onboarding", **query)
    await caller.call("POST", "/onboarding", body={})
    await caller.call("POST", "/onboarding", raw=b"{")
    await caller.call("POST", "/onboarding", body={"public_key": key})
    assert (await caller.onboard()).status == 200
    assert (await caller.call("POST", "/auth", headers=caller.auth_headers())).status == 200
    for spoiled in (
        {"PARADEX-TIMESTAMP": "1"},
        {"PARADEX-STARKNET-ACCOUNT": "0x1"},
        {"PARADEX-STARKNET-ACCOUNT": "nobody"},
        {"PARADEX-STARKNET-SIGNATURE": '["1","2"]'},
        {"PARADEX-STARKNET-SIGNATURE": "nonsense"},
    ):
        headers = caller.auth_headers() | spoiled
        assert (await caller.call("POST", "/auth", headers=headers)).status >= 400
    assert (await caller.call("POST", "/auth/0x5", headers=caller.auth_headers())).status == 400
    stranger = await caller.call(
        "POST", f"/auth/{STRANGER_PUBLIC_KEY}", headers=caller.auth_headers()
    )
    assert stranger.status == 401
    await caller.authenticate()


SUBKEY_PUBLIC_KEY = 0x161523DC3F079D9DAF9D97FF87EA448C93E2DC4153E7010D45203FF97F4DFBE


async def call_keys(caller: Caller) -> None:
    """Register a subkey, take a token that only reads, and sign in with Ethereum."""
    path = "/account/keys/subkeys"
    for fields in ({"name": ""}, {"signature": ["1", "2"]}, {"signature": 5}, {"state": "pending"}):
        body = caller.subkey(SUBKEY_PUBLIC_KEY, **fields)
        assert (await caller.call("POST", path, body=body)).status >= 400, fields
    registered = await caller.call("POST", path, body=caller.subkey(SUBKEY_PUBLIC_KEY))
    assert registered.status == 201
    asked = {"name": "dashboard", "token_type": "readonly", "expiry_duration": 86_400}
    for fields in ({"expiry_duration": 1}, {"token_type": "trading"}, {"name": None}):
        answer = await caller.call("POST", "/account/tokens", body=asked | fields)
        assert answer.status == 400, fields
    reading = (await caller.call("POST", "/account/tokens", body=asked)).json["token"]
    headers = {"Authorization": f"Bearer {reading}"}
    assert (await caller.call("GET", "/account", headers=headers)).status == 200
    for method, refused in (("POST", "/orders"), ("DELETE", "/orders"), ("POST", path)):
        answer = await caller.call(method, refused, body={}, headers=headers)
        assert (answer.status, answer.json["error"]) == (403, "INVALID_TOKEN_SCOPE")
    token, caller.token = caller.token, ""
    await sign_in_with_ethereum(caller)
    caller.token = token


async def sign_in_with_ethereum(caller: Caller) -> None:
    query = {"account_signer_type": "eip191", "eth_address": WALLET_ADDRESS}
    known = (await caller.call("GET", "/onboarding", **query)).json
    account = known["address"]
    assert not known["exists"]
    greeting, key = siwe_text("Paradex Onboarding"), {"public_key": wallet_public_key()}
    path = "/v2/onboarding"
    for headers, body in (
        (siwe_headers(caller.address, greeting), key),
        (siwe_headers(account, siwe_text()), key),
        (siwe_headers(account, greeting, personal_sign(greeting + " ")), key),
        (siwe_headers(account, greeting), {"public_key": STRANGER_PUBLIC_KEY}),
        (siwe_headers(account, greeting), {}),
    ):
        answer = await caller.call("POST", path, headers=headers, body=body)
        assert answer.status >= 400, answer.body
    headers = siwe_headers(account, greeting)
    for _ in range(2):
        answer = await caller.call("POST", path, headers=headers, body=key)
        assert (answer.status, answer.body) == (200, b"")
    assert (await caller.call("GET", "/onboarding", **query)).json["exists"]
    await caller.call("GET", "/onboarding", account_signer_type="eip191", eth_address="0x5")
    text = siwe_text()
    for spoiled in (
        siwe_headers("0x1", text),
        siwe_headers(account, siwe_text(domain="app.paradex.trade")),
        siwe_headers(account, siwe_text("Paradex Onboarding")),
        siwe_headers(account, text, personal_sign(text + " ")),
        siwe_headers(account, text, "0x5"),
        siwe_headers(caller.address, text),
    ):
        assert (await caller.call("POST", "/v2/auth", headers=spoiled)).status >= 400
    answer = await caller.call("POST", "/v2/auth", headers=siwe_headers(account, text))
    assert answer.status == 200, answer.body


async def use_algo_orders(exchange: LocalExchange, caller: Caller) -> None:
    """Let one algo order trade twice and another be canceled, and read them in each state."""
    exchange.place_liquidity(MARKET, "SELL", "90030", "0.02")
    for fields in ({"algo_type": "VWAP"}, {"duration_seconds": 45}, {"market": "NOPE"}):
        answer = await caller.call("POST", "/algo/orders", body=caller.algo(**fields))
        assert answer.status == 400, fields
    exchange.hold_outcomes()
    answer = await caller.call("POST", "/algo/orders", body=caller.algo())
    assert answer.status == 201, answer.body
    path = f"/algo/orders/{answer.json['id']}"
    assert (await caller.call("GET", path)).json["status"] == "NEW"
    exchange.release_outcomes()
    await caller.until_algo(path, lambda algo: algo["remaining_size"] == "0.01")
    assert (await caller.call("GET", "/algo/orders")).json["results"] != []
    exchange.step_algo_orders()
    await caller.until_closed(exchange.orders(caller.address)[-1]["id"])
    canceled = (await caller.call("POST", "/algo/orders", body=caller.algo())).json
    path = f"/algo/orders/{canceled['id']}"
    await caller.until_algo(path, lambda algo: algo["status"] == "OPEN")
    assert (await caller.call("DELETE", path)).status == 204
    await caller.until_algo(path, lambda algo: "error" in algo)
    assert (await caller.call("DELETE", path)).status == 404
    page = (await caller.call("GET", "/algo/orders-history", page_size=1)).json
    assert page["results"][0]["cancel_reason"] == "USER_CANCELED"
    rest = await caller.call("GET", "/algo/orders-history", page_size=1, cursor=page["next"])
    assert rest.json["results"][0]["remaining_size"] == "0"
    for path in ("/algo/orders", "/algo/orders-history"):
        answer = await caller.call("GET", path, headers={"Authorization": "nonsense"})
        assert answer.status == 401


async def choose_settings(caller: Caller) -> None:
    """Set leverage and slippage of a market, rightly and wrongly."""
    path = f"/account/margin/{MARKET}"
    for leverage, margin_type, status in ((50, "CROSS", 200), (51, "CROSS", 400)):
        body = {"leverage": leverage, "margin_type": margin_type}
        assert (await caller.call("POST", path, body=body)).status == status
    isolated = {"leverage": 5, "margin_type": "ISOLATED"}
    answer = await caller.call("POST", path, body=isolated)
    assert (answer.status, answer.json["error"]) == (400, "MARKET_MARGIN_RESTRICTED")
    for query, status in (({"market": MARKET}, 200), ({"market": "NOPE"}, 404), ({}, 400)):
        assert (await caller.call("GET", "/account/margin", **query)).status == status
    path = f"/account/profile/market_max_slippage/{MARKET}"
    for slippage, status in (("0.01", 200), ("1.5", 400)):
        answer = await caller.call("POST", path, body={"max_slippage": slippage})
        assert answer.status == status
    for token, status in (("", 200), ("nonsense", 401)):
        headers = {"Authorization": token} if token else None
        assert (await caller.call("GET", "/account/profile", headers=headers)).status == status


PRIVATE_READS = (
    "/account",
    "/account/summary",
    "/account/info",
    "/balance",
    "/positions",
    "/fills",
    "/orders",
    "/orders-history",
    "/tradebusts",
    "/liquidations",
    "/transfers",
)


async def call_private_reads(caller: Caller) -> None:
    for path in PRIVATE_READS:
        assert (await caller.call("GET", path)).status == 200
        for token in ("Bearer a.b.c", "nonsense"):
            answer = await caller.call("GET", path, headers={"Authorization": token})
            assert answer.status == 401
    await caller.call("GET", "/account", subaccount_address="0x1")
    await caller.call("GET", "/fills", asset_kind="SHARE")
    await caller.call("GET", "/orders-history", status="DONE")
    await caller.call("GET", "/transfers", status="LOST")
    await caller.call("GET", "/liquidations", **{"from": 1, "to": "today"})
    assert (await caller.call("GET", "/funding/payments", market=MARKET)).status == 200
    assert (await caller.call("GET", "/funding/payments")).status == 400
    page = (await caller.call("GET", "/fills", page_size=1)).json
    await caller.call("GET", "/fills", page_size=1, cursor=page["next"])


async def place_orders(exchange: LocalExchange, caller: Caller) -> None:
    """Bring orders into every state and read them there."""
    exchange.hold_outcomes()
    new = await caller.place(price="89000", client_id="rests")
    await caller.call("GET", f"/orders/{new['id']}")
    await caller.call("GET", "/orders")
    exchange.release_outcomes()
    await caller.until_settled(new["id"])
    await caller.call("GET", f"/orders/{new['id']}")
    await caller.call("GET", "/orders/by_client_id/rests")
    await change_orders(caller, new)
    partly = await caller.place(size="0.05", price="90010", client_id="partly")
    await caller.until_settled(partly["id"])
    await caller.call("GET", f"/orders/{partly['id']}")
    await caller.call("DELETE", "/orders/by_client_id/partly")
    await caller.until_closed(partly["id"])
    for fields in (
        {"type": "MARKET", "price": "0", "size": "0.01", "side": "SELL", "instruction": "IOC"},
        {"size": "0.01", "price": "89500", "instruction": "IOC"},
        {"size": "0.01", "price": "90020", "instruction": "POST_ONLY"},
        {"size": "90", "price": "89500"},
        {"size": "0.5", "price": "90500", "side": "SELL", "flags": ["REDUCE_ONLY"]},
    ):
        await caller.until_closed((await caller.place(**fields))["id"])
    assert (await caller.call("DELETE", f"/orders/{new['id']}")).status == 204
    await caller.until_closed(new["id"])
    await call_private_reads(caller)
    await refuse_orders(caller, new["id"])
    await batch_orders(caller)


async def change_orders(caller: Caller, order: dict[str, Any]) -> None:
    path = f"/orders/{order['id']}"
    assert (await caller.call("PUT", path, body=caller.change(order, price="88900"))).status == 200
    await caller.until_changed(order["id"], "88900")
    for fields in (
        {"price": "88900"},
        {"price": "88900.05"},
        {"side": "SELL"},
        {"price": "88800", "signature": '["1","2"]'},
    ):
        answer = await caller.call("PUT", path, body=caller.change(order, **fields))
        assert answer.status == 400, fields
    assert (await caller.call("PUT", path, raw=b"{")).status == 400
    # More than the account can carry: taken at first, and refused by what checks the margin.
    body = caller.change(order, size="90", price="88900")
    assert (await caller.call("PUT", path, body=body)).status == 200
    await caller.until_refused(order["id"])


async def refuse_orders(caller: Caller, closed_id: str) -> None:
    refused = (
        {"market": "NOPE-USD-PERP"},
        {"size": "0.0000001"},
        {"size": "0"},
        {"price": "89000.05"},
        {"price": "120000"},
        {"side": "HOLD"},
        {"type": "STOP_LIMIT"},
        {"instruction": "RPI"},
        {"client_id": "rests"},
        {"client_id": "c" * 65},
        {"signature": '["1","2"]'},
        {"signature": "nonsense"},
        {"signature_timestamp": 1},
        {"flags": ["MMP"]},
        {"flags": "REDUCE_ONLY"},
        {"stp": "NEVER"},
    )
    for fields in refused:
        answer = await caller.call("POST", "/orders", body=caller.order(**fields))
        assert answer.status >= 400, fields
    await caller.call("POST", "/orders", raw=b"{")
    await caller.call("POST", "/orders", body=[])
    for method in ("GET", "DELETE"):
        for path in ("/orders/123", "/orders/by_client_id/nobody", f"/orders/{closed_id}"):
            assert (await caller.call(method, path)).status == 400
    assert (await caller.call("DELETE", "/orders", market="NOPE-USD-PERP")).status == 400


async def batch_orders(caller: Caller) -> None:
    bodies = [caller.order(price=price) for price in ("88000", "88001")]
    placed = (await caller.call("POST", "/orders/batch", body=bodies)).json["orders"]
    for order in placed:
        await caller.until_settled(order["id"])
    ids = [order["id"] for order in placed] + ["123"]
    assert (await caller.call("DELETE", "/orders/batch", body={"order_ids": ids})).status == 200
    for order in placed:
        await caller.until_closed(order["id"])
    assert (await caller.call("DELETE", "/orders/batch", body={"order_ids": ids})).status == 200
    for body in ([], {}, {"order_ids": []}, {"client_order_ids": ["a"]}):
        assert (await caller.call("DELETE", "/orders/batch", body=body)).status == 400
    spoiled = [caller.order(), caller.order(signature='["1","2"]')]
    for body in (spoiled, [], {}):
        assert (await caller.call("POST", "/orders/batch", body=body)).status == 400
    assert (await caller.call("DELETE", "/orders")).status == 200


async def use_socket(exchange: LocalExchange, caller: Caller, socket: Socket) -> None:
    """Call every JSON-RPC method, with and without what it needs."""
    for method, params in (
        ("subscribe", {"channel": "orders.ALL"}),
        ("order.create", caller.order()),
        ("auth", {"bearer": "x"}),
        ("auth", {"bearer": "a.b.c"}),
    ):
        assert "error" in await socket.request(method, params)
    await socket.result("auth", {"bearer": caller.token})
    for channel in PRIVATE_CHANNELS:
        await socket.result("subscribe", {"channel": channel})
    for method, params in (
        ("subscribe", {"channel": PRIVATE_CHANNELS[0]}),
        ("subscribe", {"channel": "weather"}),
        ("unsubscribe", {"channel": "fills.SOL-USD-PERP"}),
        ("order.create", {}),
        ("order.modify", {"id": "123"}),
        ("order.cancel", {"id": "123"}),
        ("order.cancel", {}),
        ("order.cancel_batch", {}),
        ("order.fly", {}),
    ):
        assert "error" in await socket.request(method, params)
    created = await socket.result("order.create", caller.order(client_id="by-rpc"))
    await caller.until_settled(created["order"]["id"])
    order = created["order"]
    await socket.result("order.modify", caller.change(order, price="88950"))
    await caller.until_changed(order["id"], "88950")
    await socket.result("order.cancel", {"id": order["id"]})
    bodies = [caller.order(price=price) for price in ("88010", "88011", "88012")]
    batch = await socket.result("order.create_batch", {"orders": bodies})
    ids = [result["order"]["id"] for result in batch["results"]]
    await socket.result("order.cancel_batch", {"order_ids": [ids[0], "123"]})
    await socket.result("order.cancel_all", {"market": MARKET})
    await socket.result("order.cancel_on_disconnect", {"enabled": True})
    exchange.place_liquidity(MARKET, "SELL", "90030", "0.02")
    bought = await caller.place(size="0.02", price="90030", instruction="IOC")
    await caller.until_closed(bought["id"])
    index = Decimal(exchange.positions(caller.address)[0]["cached_funding_index"])
    exchange.set_funding_index(MARKET, index + 10)
    sold = await caller.place(size="0.5", price="89000", side="SELL", instruction="IOC")
    await caller.until_closed(sold["id"])
    refused = await caller.place(size="90", price="89500")
    await caller.until_closed(refused["id"])
    await socket.until(
        lambda: any(p["data"].get("id") == refused["id"] for p in socket.pushes[::-1]), "pushes"
    )
    await trade_by_hand(exchange, caller, socket)
    await socket.result("unsubscribe", {"channel": PRIVATE_CHANNELS[0]})


async def trade_by_hand(exchange: LocalExchange, caller: Caller, socket: Socket) -> None:
    """Trade as a retail trader does, with a token that says so."""
    path = f"/auth/{hex(caller.public_key)}"
    for usage in ("automatic", "interactive"):
        query = {"token_usage": usage}
        answer = await caller.call("POST", path, headers=caller.auth_headers(), **query)
    token, caller.token = caller.token, answer.json["jwt_token"]
    await socket.result("auth", {"bearer": caller.token})
    exchange.place_liquidity(MARKET, "SELL", "90030", "0.02")
    created = await socket.result("order.create", caller.order(size="0.02", price="90030"))
    assert "INTERACTIVE" in created["order"]["flags"]
    await caller.until_closed(created["order"]["id"])
    assert exchange.fills(caller.address)[-1]["flags"] == ["interactive"]
    caller.token = token
    await socket.result("auth", {"bearer": token})


async def trade_other_kinds(exchange: LocalExchange, caller: Caller, socket: Socket) -> None:
    """Buy an option and a token, sell of the token, and let markets come, change and go."""
    await socket.result("subscribe", {"channel": "markets"})
    option = next(
        row["symbol"]
        for row in (await caller.call("GET", "/markets", asset_kind="OPTION")).json["results"]
        if row["strike_price"] == "90000"
    )
    for market, price, size in ((option, "1500", "0.1"), (SPOT, "3001", "0.05")):
        exchange.place_liquidity(market, "SELL", price, size)
        await caller.call("GET", "/markets/summary", market=market)
        fields = {"market": market, "price": price, "size": size, "instruction": "IOC"}
        await caller.until_closed((await caller.place(**fields))["id"])
        await caller.call("GET", "/markets/summary", market=market)
    too_many = {"market": SPOT, "side": "SELL", "price": "3001", "size": "1"}
    await caller.until_closed((await caller.place(**too_many))["id"])
    reducing = caller.order(market=SPOT, price="3001", size="0.02", flags=["REDUCE_ONLY"])
    assert (await caller.call("POST", "/orders", body=reducing)).status == 400
    rules = exchange.market_rules("SOL-USD-PERP")
    exchange.list_market(replace(rules, symbol="NEW-USD-PERP", base="NEW"))
    exchange.change_tick("NEW-USD-PERP", tick="0.01")
    exchange.change_market("NEW-USD-PERP", max_open_orders=7, price_band=Decimal("0.1"))
    exchange.settle_market(option, underlying_price="91000.5")
    exchange.delist_market("NEW-USD-PERP")
    for query in ({}, {"market": "ALL"}, {"market": option}):
        assert (await caller.call("GET", "/markets/history", **query)).status == 200
    for market, status in ((option, 200), (MARKET, 404), ("NOPE", 404)):
        answer = await caller.call("GET", "/markets/settlement-price", market=market)
        assert answer.status == status
    await socket.until(
        lambda: sum(push["channel"] == "markets" for push in socket.pushes) == 5, "market events"
    )
    await call_private_reads(caller)


async def intervene(exchange: LocalExchange, caller: Caller, socket: Socket) -> None:
    """Let the venue act on the account: every kind of fill, busts, transfers, a liquidation."""
    account = caller.address
    exchange.place_liquidity(MARKET, "SELL", "90030", "0.02")
    bought = await caller.place(size="0.02", price="90030", instruction="IOC")
    await caller.until_closed(bought["id"])
    exchange.bust_fill(exchange.fills(account)[-1]["id"], account)
    exchange.block_trade(MARKET, "BUY", "0.02", account_address=account)
    exchange.unwind_transfer(MARKET, "BUY", "0.01", account_address=account)
    exchange.liquidate(account, MARKET)
    exchange.deposit(10, account)
    exchange.withdraw(5, account)
    exchange.deposit(1, account, failure_reason="gas fee too low")
    for path in ("/tradebusts", "/transfers"):
        page = (await caller.call("GET", path, page_size=1)).json
        await caller.call("GET", path, page_size=1, cursor=page["next"] or "made-up")
    await caller.call("GET", "/transfers", status="FAILED")
    await caller.call("GET", "/liquidations", **{"from": 1, "to": 2})
    await caller.call("GET", f"/orders/{bought['id']}")
    await socket.until(
        lambda: sum(push["channel"] == "transfers" for push in socket.pushes) == 6, "transfers"
    )
    await call_private_reads(caller)


async def use_public_socket(socket: Socket) -> None:
    """Limit summaries to some markets, change which, and end it."""
    scoped = {"channel": "markets_summary", "markets": [MARKET]}
    change = {"channel": "markets_summary", "add": ["ETH-USD-PERP"], "remove": [MARKET]}
    assert "error" in await socket.request("modify_subscription", change)
    assert "error" in await socket.request("subscribe", {**scoped, "markets": ["NOPE"]})
    await socket.result("subscribe", scoped)
    assert "error" in await socket.request("subscribe", scoped)
    await socket.result("modify_subscription", change)
    await socket.result("unsubscribe", {"channel": "markets_summary"})
    assert "error" in await socket.request("unsubscribe", {"channel": "markets_summary"})


async def play() -> Played:
    """Play the scenario on one exchange."""
    exchange = LocalExchange(seed=5, simulation_interval_ms=0, onboarding_balance=5000)
    async with exchange, aiohttp.ClientSession() as http:
        for size, price in (("0.02", "90010"), ("0.02", "90020")):
            exchange.place_liquidity(MARKET, "SELL", price, size)
        exchange.place_liquidity(MARKET, "BUY", "89990", "0.6")
        for _ in range(2):
            exchange.take_liquidity(MARKET, "SELL", "0.01")
        caller = Caller(
            http,
            exchange.base_url_http,
            exchange.chain_id,
            NEWCOMER_ADDRESS,
            NEWCOMER_KEY,
            NEWCOMER_PUBLIC_KEY,
        )
        await call_public(caller)
        await call_getting_in(caller)
        await call_keys(caller)
        await place_orders(exchange, caller)
        await use_algo_orders(exchange, caller)
        await choose_settings(caller)
        played = Played()
        async with connect(http, exchange.base_url_ws) as socket:
            await use_socket(exchange, caller, socket)
            await trade_other_kinds(exchange, caller, socket)
            await socket.result("subscribe", {"channel": PRIVATE_CHANNELS[0]})
            await let_orders_wait(exchange, caller)
            await ask_for_more(exchange, caller)
            await protect_quotes(exchange, caller)
            await intervene(exchange, caller, socket)
            played.pushes, played.results = socket.pushes, socket.results
            played.errors = socket.errors
        async with connect(http, exchange.base_url_ws, "sbeSchemaId=1&sbeSchemaVersion=2") as other:
            await use_public_socket(other)
            played.results += other.results
            played.errors += other.errors
        await call_private_reads(caller)
        for state in ("post_only", "cancel_only", "maintenance"):
            exchange.set_system_state(state)
            assert (await caller.call("POST", "/orders", body=caller.order())).status >= 400
            assert (await caller.call("GET", "/system/state")).json == {"status": state}
        played.answers = caller.answers
        played.routes = routes_of(exchange)
        return played


def routes_of(exchange: LocalExchange) -> set[tuple[str, str]]:
    """Return method and path of every REST endpoint the exchange serves."""
    router = exchange._http._runner.app.router
    routes = {(r.method, r.resource.canonical) for r in router.routes() if r.resource is not None}
    return {(method, path.removeprefix("/v1")) for method, path in routes if path != "/v1"} - {
        (method, path) for method, path in routes if method == "HEAD"
    }


@pytest.fixture(scope="module")
def played() -> Played:
    return asyncio.run(play())


def findings(played: Played) -> list[Finding]:
    """Return every difference of everything that was said, each once."""
    found = []
    for method, path, status, body in played.answers:
        found += open_api().judge(method, path, status, body)
    for push in played.pushes:
        found += async_api().judge(push["channel"], push["data"])
    for method, result in played.results:
        found += open_rpc().judge(method, result)
    return list({(f.source, f.path, f.rule): f for f in found}.values())


def test_nothing_differs_from_the_documents_but_the_exceptions(played: Played) -> None:
    unexplained = [
        str(finding)
        for finding in findings(played)
        if not any(allowed.covers(finding) for allowed in EXCEPTIONS)
    ]
    assert unexplained == []


def test_every_exception_happens(played: Played) -> None:
    found = findings(played)
    unused = [allowed for allowed in EXCEPTIONS if not any(map(allowed.covers, found))]
    assert unused == []


def test_every_endpoint_was_called_and_answered(played: Played) -> None:
    answered = set()
    for method, path, status, _body in played.answers:
        for route_method, template in played.routes:
            pattern = re.sub(r"\{[^}]+\}", "[^/]+", template)
            is_literal_elsewhere = (method, path) in played.routes and path != template
            if method == route_method and re.fullmatch(pattern, path) and not is_literal_elsewhere:
                answered.add((route_method, template, status < 400))
    expected = {(*route, True) for route in played.routes}
    assert expected - answered == set()
    never_refused = {route for route in played.routes if (*route, False) not in answered}
    assert never_refused == NEVER_REFUSED


def test_orders_were_seen_in_every_state(played: Played) -> None:
    orders = [a.json for a in played.answers if a.status == 200 and "/orders/" in a.path and a.body]
    states = {order["status"] for order in orders if "status" in order}
    history = [
        a.json["results"] for a in played.answers if a.path == "/orders-history" and a.status == 200
    ]
    reasons = {order["cancel_reason"] for page in history for order in page}
    pushed = {p["data"]["status"] for p in played.pushes if p["channel"].startswith("orders")}
    assert states >= {"NEW", "OPEN", "UNTRIGGERED"}
    assert pushed == {"NEW", "OPEN", "UNTRIGGERED", "CLOSED"}
    assert reasons >= {
        "",
        "USER_CANCELED",
        "REMAINING_IOC_CANCEL",
        "POST_ONLY_WOULD_CROSS",
        "NOT_ENOUGH_MARGIN",
        "REDUCE_ONLY_WILL_INCREASE",
    }
    assert {p["channel"] for p in played.pushes} == {*PRIVATE_CHANNELS, "markets"}


def test_every_method_was_called(played: Played) -> None:
    called = {method for method, _ in played.results}
    assert called == open_rpc().methods()


def test_every_error_of_the_socket_has_a_documented_code(played: Played) -> None:
    documented = {-32700, -32600, -32601, -32602, -32603, 100, 40110, 40111, 40300}
    assert {error["code"] for _, error in played.errors} <= documented
    for _, error in played.errors:
        assert error.keys() <= {"code", "message", "data"}
        assert isinstance(error["message"], str)


async def test_empty_bucket_is_answered_as_it_was_recorded() -> None:
    exchange = LocalExchange(seed=5, simulation_interval_ms=0, enforce_rate_limits=True)
    async with exchange, aiohttp.ClientSession() as http:
        caller = Caller(http, exchange.base_url_http, exchange.chain_id, "0x1", 1, 1)
        while (answer := await caller.call("GET", "/account")).status != 429:
            assert len(caller.answers) < CALLS_UNTIL_REFUSED_MAX
    # Recorded so: no error word, which every other refusal has.
    assert answer.json == {"message": "rate limit exceeded"}


def test_judge_finds_what_is_invented_forgotten_and_of_a_wrong_type() -> None:
    body = b'{"account": 5, "color": "red"}'
    found = {(f.path, f.rule) for f in open_api().judge("GET", "/account", 200, body)}
    assert {("account", "type"), ("color", "invented"), ("status", "absent")} <= found
    found = {(f.path, f.rule) for f in open_api().judge("GET", "/positions", 418, b"{}")}
    assert found == {
        ("$", "status"),
        ("data", "absent"),
        ("error", "absent"),
        ("message", "absent"),
    }
    found = {(f.path, f.rule) for f in async_api().judge("fills.ALL", {"id": "1"})}
    assert {("$", "required"), ("price", "absent")} <= found
    assert open_rpc().judge("auth", {"node_id": "a"}) == []
