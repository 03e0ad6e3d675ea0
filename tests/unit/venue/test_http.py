"""The REST client: what it asks, what it makes of the answers, and what it never sends twice."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from random import Random
from typing import Any

import httpx
import pytest
import respx

from paradex_adapter.venue.errors import (
    AuthenticationError,
    ConfigurationError,
    InvalidRequest,
    MalformedReply,
    NotSent,
    OutcomeUnknown,
    ParadexError,
    RateLimited,
    RequestRejected,
    VenueUnavailable,
)
from paradex_adapter.venue.http import HttpClient
from paradex_adapter.venue.http_sender import COMMAND_BYTES_MAX, RETRIES_MAX
from paradex_adapter.venue.rate_limits import RateLimits, Scope
from tests.shared_specs import requires_shared_specs, spec_path

BASE = "https://api.example.test/v1"
GATEWAY_PAGE = httpx.Response(
    502, headers={"content-type": "text/html"}, text="<html>Bad Gateway</html>"
)
INVALID_TOKEN = httpx.Response(401, json={"error": "INVALID_TOKEN", "message": "expired"})
ORDER = b'{"market":"BTC-USD-PERP"}'

type Call = Callable[[HttpClient], Awaitable[bytes]]


class Tokens:
    """Hands out token-1, token-2 and so on, a new one after each refusal."""

    def __init__(self) -> None:
        self.number = 1
        self.failure: ParadexError | None = None

    async def token(self) -> str:
        if self.failure is not None:
            raise self.failure
        return f"token-{self.number}"

    def invalidate(self, token: str) -> None:
        assert token == f"token-{self.number}"
        self.number += 1


class Pauses(list[float]):
    """Remembers how long it was asked to sleep, and does not."""

    async def sleep(self, secs: float) -> None:
        self.append(secs)


@pytest.fixture
def tokens() -> Tokens:
    return Tokens()


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
def venue() -> Iterator[respx.MockRouter]:
    with respx.mock(base_url=BASE, using="httpx") as router:
        yield router


@pytest.fixture
async def client(tokens: Tokens, pauses: Pauses) -> AsyncIterator[HttpClient]:
    http = HttpClient(
        BASE,
        max_retries=3,
        retry_delay_initial_ms=100,
        retry_delay_max_ms=400,
        token_provider=tokens,
        rng=Random(1),
        sleep=pauses.sleep,
    )
    yield http
    await http.close()


READS: list[tuple[Call, str, dict[str, str], bool]] = [
    (lambda c: c.get_system_config(), "/system/config", {}, False),
    (lambda c: c.get_system_time(), "/system/time", {}, False),
    (lambda c: c.get_system_state(), "/system/state", {}, False),
    (lambda c: c.get_markets(), "/markets", {}, False),
    (lambda c: c.get_markets("ETH-USD-PERP"), "/markets", {"market": "ETH-USD-PERP"}, False),
    (lambda c: c.get_markets_summary(), "/markets/summary", {"market": "ALL"}, False),
    (lambda c: c.get_markets_history(), "/markets/history", {"market": "ALL"}, False),
    (
        lambda c: c.get_settlement_price("X"),
        "/markets/settlement-price",
        {"market": "X"},
        False,
    ),
    (lambda c: c.get_bbo("ETH-USD-PERP"), "/bbo/ETH-USD-PERP", {}, False),
    (lambda c: c.get_orderbook("E-P", 50), "/orderbook/E-P", {"depth": "50"}, False),
    (
        lambda c: c.get_trades("E-P", 1, 2, "cur", 1000),
        "/trades",
        {"market": "E-P", "start_at": "1", "end_at": "2", "cursor": "cur", "page_size": "1000"},
        False,
    ),
    (
        lambda c: c.get_klines("E-P", 5, 1, 2, "mark"),
        "/markets/klines",
        {"symbol": "E-P", "resolution": "5", "start_at": "1", "end_at": "2", "price_kind": "mark"},
        False,
    ),
    (
        lambda c: c.get_funding_data("E-P", 1, 2),
        "/funding/data",
        {"market": "E-P", "start_at": "1", "end_at": "2"},
        False,
    ),
    (lambda c: c.get_account(), "/account", {}, True),
    (lambda c: c.get_account_info(), "/account/info", {}, True),
    (lambda c: c.get_balance(), "/balance", {}, True),
    (lambda c: c.get_positions(), "/positions", {}, True),
    (lambda c: c.get_orders(), "/orders", {}, True),
    (lambda c: c.get_orders("E-P"), "/orders", {"market": "E-P"}, True),
    (lambda c: c.get_order("123"), "/orders/123", {}, True),
    (lambda c: c.get_order_by_client_id("O-1"), "/orders/by_client_id/O-1", {}, True),
    (
        lambda c: c.get_orders_history("E-P", "O-1", "CLOSED", 1, 2, "cur", 5000),
        "/orders-history",
        {
            "market": "E-P",
            "client_id": "O-1",
            "status": "CLOSED",
            "start_at": "1",
            "end_at": "2",
            "cursor": "cur",
            "page_size": "5000",
        },
        True,
    ),
    (
        lambda c: c.get_fills("E-P", 1, 2, "cur", 10),
        "/fills",
        {"market": "E-P", "start_at": "1", "end_at": "2", "cursor": "cur", "page_size": "10"},
        True,
    ),
    (lambda c: c.get_algo_orders(), "/algo/orders", {}, True),
    (lambda c: c.get_algo_order("7"), "/algo/orders/7", {}, True),
    (
        lambda c: c.get_algo_orders_history("E-P", "CLOSED", 1, 2, "cur", 5000),
        "/algo/orders-history",
        {
            "market": "E-P",
            "status": "CLOSED",
            "start_at": "1",
            "end_at": "2",
            "cursor": "cur",
            "page_size": "5000",
        },
        True,
    ),
    (
        lambda c: c.get_trade_busts(1, 2, "cur", 10),
        "/tradebusts",
        {"start_at": "1", "end_at": "2", "cursor": "cur", "page_size": "10"},
        True,
    ),
    (
        lambda c: c.get_funding_payments("E-P", 1, 2, "cur", 10),
        "/funding/payments",
        {"market": "E-P", "start_at": "1", "end_at": "2", "cursor": "cur", "page_size": "10"},
        True,
    ),
    (lambda c: c.get_account_margin("E-P"), "/account/margin", {"market": "E-P"}, True),
]
COMMANDS: list[tuple[Call, str, str, dict[str, str]]] = [
    (lambda c: c.post_order(ORDER), "POST", "/orders", {}),
    (lambda c: c.put_order("123", ORDER), "PUT", "/orders/123", {}),
    (lambda c: c.post_orders_batch(ORDER), "POST", "/orders/batch", {}),
    (lambda c: c.delete_orders_batch(ORDER), "DELETE", "/orders/batch", {}),
    (lambda c: c.post_algo_order(ORDER), "POST", "/algo/orders", {}),
    (lambda c: c.delete_algo_order("7"), "DELETE", "/algo/orders/7", {}),
    (lambda c: c.delete_order("123"), "DELETE", "/orders/123", {}),
    (
        lambda c: c.delete_order_by_client_id("O-1", "E-P"),
        "DELETE",
        "/orders/by_client_id/O-1",
        {"market": "E-P"},
    ),
]


@pytest.mark.parametrize(("call", "path", "params", "is_private"), READS)
async def test_reads_ask_what_they_say(
    client: HttpClient,
    venue: respx.MockRouter,
    call: Call,
    path: str,
    params: dict[str, str],
    is_private: bool,
) -> None:
    route = venue.get(path).respond(200, content=b'{"results":[]}')
    assert await call(client) == b'{"results":[]}'
    request = route.calls.last.request
    assert dict(request.url.params) == params
    assert request.headers.get("authorization") == ("Bearer token-1" if is_private else None)


@pytest.mark.parametrize(("call", "method", "path", "params"), COMMANDS)
async def test_commands_ask_what_they_say(
    client: HttpClient,
    venue: respx.MockRouter,
    call: Call,
    method: str,
    path: str,
    params: dict[str, str],
) -> None:
    route = venue.request(method, path).respond(204)
    assert await call(client) == b""
    request = route.calls.last.request
    assert dict(request.url.params) == params
    assert request.headers["authorization"] == "Bearer token-1"
    has_body = method != "DELETE" or path == "/orders/batch"
    assert request.content == (ORDER if has_body else b"")
    assert request.headers.get("content-type") == ("application/json" if has_body else None)


@requires_shared_specs
def test_every_path_and_parameter_is_in_the_venues_document() -> None:
    """What the cases above ask for exists, and nothing the venue requires is left out."""
    document = json.loads(spec_path("openapi.json").read_bytes())
    samples = [("GET", path, params) for _, path, params, _ in READS]
    samples += [(method, path, params) for _, method, path, params in COMMANDS]
    for method, path, params in samples:
        template = {
            "/bbo/ETH-USD-PERP": "/bbo/{market}",
            "/orderbook/E-P": "/orderbook/{market}",
            "/orders/123": "/orders/{order_id}",
            "/orders/by_client_id/O-1": "/orders/by_client_id/{client_id}",
            "/algo/orders/7": "/algo/orders/{algo_id}",
        }.get(path, path)
        described = document["paths"][template][method.lower()].get("parameters", [])
        query = {p["name"]: p for p in described if p["in"] == "query"}
        assert set(params) <= set(query), path
        assert {n for n, p in query.items() if p.get("required")} <= set(params), path


async def test_authentication_sends_its_headers_and_no_body(
    client: HttpClient, venue: respx.MockRouter
) -> None:
    route = venue.post("/auth/0xabc").respond(200, json={"jwt_token": "x"})
    await client.authenticate("0x12", "0xabc", '["1","2"]', 1700000000, 1700001800)
    request = route.calls.last.request
    assert request.headers["paradex-starknet-account"] == "0x12"
    assert request.headers["paradex-starknet-signature"] == '["1","2"]'
    assert request.headers["paradex-timestamp"] == "1700000000"
    assert request.headers["paradex-signature-expiration"] == "1700001800"
    assert request.headers["paradex-authorize-isolated-markets"] == "true"
    assert "authorization" not in request.headers
    assert request.content == b""


async def test_onboarding_sends_its_headers_and_the_key(
    client: HttpClient, venue: respx.MockRouter
) -> None:
    route = venue.post("/onboarding").respond(200)
    await client.onboarding("0xe7", "0x12", "0xabc", '["1","2"]')
    request = route.calls.last.request
    assert request.headers["paradex-ethereum-account"] == "0xe7"
    assert request.headers["paradex-starknet-account"] == "0x12"
    assert request.headers["paradex-starknet-signature"] == '["1","2"]'
    assert json.loads(request.content) == {"public_key": "0xabc"}


async def test_onboarding_an_ethereum_account_sends_its_headers_and_the_key(
    client: HttpClient, venue: respx.MockRouter
) -> None:
    # The venue's second version is beside the first.
    route = venue.post("https://api.example.test/v2/onboarding").respond(200)
    signed = {"PARADEX-EVM-SIGNATURE": "0x5e", "PARADEX-SIWE-MESSAGE": "d2FudHM="}
    await client.post_onboarding_v2("0x12", signed, "0x04ab")
    request = route.calls.last.request
    assert request.headers["paradex-starknet-account"] == "0x12"
    assert request.headers["paradex-evm-signature"] == "0x5e"
    assert request.headers["paradex-siwe-message"] == "d2FudHM="
    assert "authorization" not in request.headers
    assert json.loads(request.content) == {"public_key": "0x04ab"}


async def test_a_margin_setting_is_posted_again_since_twice_is_as_once(
    client: HttpClient, venue: respx.MockRouter
) -> None:
    setting = b'{"leverage":10,"margin_type":"CROSS"}'
    route = venue.post("/account/margin/E-P").mock(
        side_effect=[httpx.ReadTimeout("late"), GATEWAY_PAGE, httpx.Response(200, content=b"{}")]
    )
    assert await client.post_account_margin("E-P", setting) == b"{}"
    assert [c.request.content for c in route.calls] == [setting] * 3
    request = route.calls.last.request
    assert request.headers["authorization"] == "Bearer token-1"
    assert request.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "failure",
    [
        GATEWAY_PAGE,
        httpx.Response(503, json={"error": "SERVICE_UNAVAILABLE", "message": "later"}),
        httpx.Response(200, headers={"content-type": "text/html; charset=utf-8"}, text="<html>"),
        httpx.Response(429, headers={"retry-after": "0"}, json={"message": "rate limit exceeded"}),
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("late"),
        httpx.RemoteProtocolError("cut"),
    ],
    ids=lambda f: type(f).__name__ if isinstance(f, Exception) else str(f.status_code),
)
async def test_a_read_is_tried_again_until_it_succeeds(
    client: HttpClient,
    venue: respx.MockRouter,
    pauses: Pauses,
    failure: httpx.Response | Exception,
) -> None:
    route = venue.get("/markets").mock(
        side_effect=[failure, failure, httpx.Response(200, content=b"[]")]
    )
    assert await client.get_markets() == b"[]"
    assert route.call_count == 3
    assert len(pauses) == 2


async def test_a_read_gives_up_after_its_retries_with_jittered_pauses_between(
    client: HttpClient, venue: respx.MockRouter, pauses: Pauses
) -> None:
    route = venue.get("/markets").mock(return_value=GATEWAY_PAGE)
    with pytest.raises(VenueUnavailable, match="502") as caught:
        await client.get_markets()
    assert caught.value.operation == "GET /markets"
    assert route.call_count == 4
    assert all(
        0 <= pause <= ceiling for pause, ceiling in zip(pauses, (0.1, 0.2, 0.4), strict=True)
    )


async def test_a_long_pause_asked_for_is_the_callers_to_take(
    venue: respx.MockRouter, pauses: Pauses
) -> None:
    client = HttpClient(BASE, sleep=pauses.sleep)
    venue.get("/markets").respond(429, headers={"Retry-After": "45"})
    with pytest.raises(RateLimited) as caught:
        await client.get_markets()
    assert caught.value.retry_after_secs == 45
    assert pauses == []
    await client.close()


async def test_a_short_pause_asked_for_is_taken(venue: respx.MockRouter, pauses: Pauses) -> None:
    limits = RateLimits(sleep=pauses.sleep)
    client = HttpClient(BASE, rate_limits=limits, sleep=pauses.sleep)
    replies = [httpx.Response(429, headers={"Retry-After": "2"}), httpx.Response(200, text="[]")]
    venue.get("/markets").mock(side_effect=replies)
    assert await client.get_markets() == b"[]"
    assert pauses[0] == 2
    await client.close()


async def test_a_rejection_is_not_retried_and_keeps_the_venues_words(
    client: HttpClient, venue: respx.MockRouter
) -> None:
    route = venue.get("/bbo/NOPE").respond(
        404, json={"error": "NOT_FOUND", "message": "no such market"}
    )
    with pytest.raises(RequestRejected) as caught:
        await client.get_bbo("NOPE")
    error = caught.value
    assert (error.status, error.code, error.message) == (404, "NOT_FOUND", "no such market")
    assert route.call_count == 1


async def test_401_without_a_token_is_the_venues_word_for_an_unknown_path(
    client: HttpClient, venue: respx.MockRouter
) -> None:
    venue.get("/markets").mock(return_value=INVALID_TOKEN)
    with pytest.raises(RequestRejected):
        await client.get_markets()


@pytest.mark.parametrize("call", [lambda c: c.get_positions(), lambda c: c.post_order(ORDER)])
async def test_a_refused_token_is_renewed_and_the_request_repeated_once(
    client: HttpClient, venue: respx.MockRouter, tokens: Tokens, call: Call
) -> None:
    route = venue.route(path__regex="/(positions|orders)").mock(
        side_effect=[INVALID_TOKEN, httpx.Response(200, content=b"{}")]
    )
    assert await call(client) == b"{}"
    sent = [c.request.headers["authorization"] for c in route.calls]
    assert sent == ["Bearer token-1", "Bearer token-2"]
    assert tokens.number == 2


@pytest.mark.parametrize("call", [lambda c: c.get_positions(), lambda c: c.post_order(ORDER)])
async def test_a_fresh_token_refused_too_is_an_authentication_error(
    client: HttpClient, venue: respx.MockRouter, call: Call
) -> None:
    route = venue.route(path__regex="/(positions|orders)").mock(return_value=INVALID_TOKEN)
    with pytest.raises(AuthenticationError) as caught:
        await call(client)
    assert caught.value.code == "INVALID_TOKEN"
    assert route.call_count == 2


async def test_a_gateways_401_does_not_make_an_order_go_twice(
    client: HttpClient, venue: respx.MockRouter, tokens: Tokens
) -> None:
    route = venue.post("/orders").respond(401, text="<html>login</html>")
    with pytest.raises(AuthenticationError):
        await client.post_order(ORDER)
    assert route.call_count == 1
    # The next request bears another token all the same.
    assert tokens.number == 2


async def test_an_account_that_is_not_admitted_is_not_tried_again(
    client: HttpClient, venue: respx.MockRouter
) -> None:
    route = venue.post("/orders").respond(
        403, json={"error": "INVALID_TOKEN_SCOPE", "message": "read only"}
    )
    with pytest.raises(AuthenticationError, match="INVALID_TOKEN_SCOPE"):
        await client.post_order(ORDER)
    assert route.call_count == 1


async def test_an_error_text_that_repeats_the_token_is_redacted(
    client: HttpClient, venue: respx.MockRouter
) -> None:
    venue.get("/positions").respond(400, json={"error": "X", "message": "bad token-1 here"})
    with pytest.raises(RequestRejected) as caught:
        await client.get_positions()
    assert "token-1" not in f"{caught.value!r} {caught.value}"
    venue.post("/orders").respond(500, json={"error": "X", "message": "bad token-1 here"})
    with pytest.raises(OutcomeUnknown) as unknown:
        await client.post_order(ORDER)
    assert "token-1" not in f"{unknown.value!r} {unknown.value}"


@pytest.mark.parametrize(("call", "method", "path", "params"), COMMANDS)
@pytest.mark.parametrize(
    ("answer", "error_class"),
    [
        (httpx.ConnectError("refused"), NotSent),
        (httpx.ConnectTimeout("no route"), NotSent),
        (httpx.ReadTimeout("late"), OutcomeUnknown),
        (httpx.WriteTimeout("slow"), OutcomeUnknown),
        (httpx.PoolTimeout("busy"), OutcomeUnknown),
        (httpx.ReadError("reset"), OutcomeUnknown),
        (httpx.WriteError("reset"), OutcomeUnknown),
        (httpx.RemoteProtocolError("cut"), OutcomeUnknown),
        (httpx.DecodingError("bad gzip"), OutcomeUnknown),
        (GATEWAY_PAGE, OutcomeUnknown),
        (httpx.Response(503, json={"error": "SERVICE_UNAVAILABLE"}), OutcomeUnknown),
        (httpx.Response(504), OutcomeUnknown),
        (httpx.Response(200, headers={"content-type": "text/html"}), OutcomeUnknown),
        (httpx.Response(302, headers={"location": "https://elsewhere.test/"}), OutcomeUnknown),
        (httpx.Response(429, json={"message": "rate limit exceeded"}), RateLimited),
        (httpx.Response(400, json={"error": "ORDER_IS_CLOSED"}), RequestRejected),
        (httpx.Response(401, json={"error": "INVALID_ORDER_SIGNATURE"}), RequestRejected),
        (httpx.Response(503, json={"error": "SYSTEM_STATUS_CANCEL_ONLY"}), RequestRejected),
    ],
    ids=lambda f: type(f).__name__ if isinstance(f, Exception) else getattr(f, "__name__", None),
)
async def test_a_command_is_sent_once_and_says_what_is_known(
    client: HttpClient,
    venue: respx.MockRouter,
    pauses: Pauses,
    call: Call,
    method: str,
    path: str,
    params: dict[str, str],
    answer: Any,
    error_class: type[ParadexError],
) -> None:
    route = venue.request(method, path).mock(side_effect=[answer])
    with pytest.raises(error_class):
        await call(client)
    assert route.call_count == 1
    assert pauses == []


async def test_a_command_without_a_token_was_not_sent(client: HttpClient, tokens: Tokens) -> None:
    tokens.failure = VenueUnavailable("POST /auth", "503")
    with pytest.raises(NotSent, match="POST /auth"):
        await client.post_order(ORDER)
    tokens.failure = MalformedReply("POST /auth", "no usable jwt_token")
    with pytest.raises(NotSent):
        await client.delete_order("1")
    with pytest.raises(MalformedReply):
        await client.get_positions()


async def test_a_private_request_without_credentials_says_what_to_set() -> None:
    client = HttpClient(BASE)
    for call in (client.get_positions(), client.post_order(ORDER)):
        with pytest.raises(ConfigurationError, match="private_key"):
            await call
    await client.close()


async def test_a_command_does_not_wait_long_for_its_turn(tokens: Tokens, pauses: Pauses) -> None:
    limits = RateLimits(sleep=pauses.sleep)
    client = HttpClient(BASE, rate_limits=limits, token_provider=tokens, sleep=pauses.sleep)
    limits.observe(Scope.ORDERS, 429, {"retry-after": "5"})
    with pytest.raises(RateLimited, match="orders"):
        await client.post_order(ORDER)
    assert pauses == []
    await client.close()


async def test_an_order_body_is_bounded(client: HttpClient) -> None:
    with pytest.raises(InvalidRequest, match="body"):
        await client.post_order(b" " * (COMMAND_BYTES_MAX + 1))


async def test_text_in_a_path_cannot_leave_its_segment(
    client: HttpClient, venue: respx.MockRouter
) -> None:
    route = venue.get(path__regex="/bbo/.*").respond(200, content=b"{}")
    await client.get_bbo("../account?x=1#y")
    assert route.calls.last.request.url.raw_path == b"/v1/bbo/..%2Faccount%3Fx%3D1%23y"
    for text in ("", ".", "..", "x" * 257):
        with pytest.raises(InvalidRequest):
            await client.get_bbo(text)


async def test_a_closed_client_sends_nothing(tokens: Tokens) -> None:
    client = HttpClient(BASE, token_provider=tokens, max_retries=0)
    await client.close()
    with pytest.raises(VenueUnavailable, match="closed"):
        await client.get_markets()
    with pytest.raises(NotSent, match="closed"):
        await client.post_order(ORDER)


@pytest.mark.parametrize(
    ("arguments", "setting"),
    [
        ({"base_url": "api.example.test/v1"}, "base_url_http"),
        ({"base_url": "ftp://api.example.test"}, "base_url_http"),
        ({"base_url": "https://"}, "base_url_http"),
        ({"base_url": "https://[::1/v1"}, "base_url_http"),
        ({"base_url": "https://x.test/v1?a=b"}, "base_url_http"),
        ({"base_url": "https://me:hunter2@x.test/v1"}, "base_url_http"),
        ({"base_url": "https://x.test:99999/v1"}, "base_url_http"),
        ({"base_url": "http://api.example.test/v1"}, "base_url_http"),
        ({"base_url": "http://10.0.0.1/v1"}, "base_url_http"),
        ({"timeout_secs": 0}, "http_timeout_secs"),
        ({"timeout_secs": float("inf")}, "http_timeout_secs"),
        ({"timeout_secs": float("nan")}, "http_timeout_secs"),
        ({"max_retries": -1}, "max_retries"),
        ({"max_retries": RETRIES_MAX + 1}, "max_retries"),
        ({"retry_delay_initial_ms": 9, "retry_delay_max_ms": 8}, "retry_delay_initial_ms"),
        ({"proxy_url": "gopher://me:hunter2@proxy.test"}, "proxy_url"),
        ({"proxy_url": "hunter2"}, "proxy_url"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments: dict[str, Any], setting: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        HttpClient(**{"base_url": BASE, **arguments})
    assert caught.value.setting == setting
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1:80", "127.9.9.9", "localhost:1", "[::1]:8080"])
async def test_loopback_needs_no_tls(host: str) -> None:
    await HttpClient(f"http://{host}/v1").close()
