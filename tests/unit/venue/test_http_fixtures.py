"""The REST client on the fixtures: every answer is replayed to the method that asks for it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest
import respx

from paradex_adapter.venue.account_reader import AccountReader
from paradex_adapter.venue.auth import check_clock
from paradex_adapter.venue.errors import (
    AuthenticationError,
    ClockSkewed,
    RateLimited,
    RequestRejected,
)
from paradex_adapter.venue.http import HttpClient
from paradex_adapter.venue.paging import iter_pages
from paradex_adapter.venue.replies import parse_jwt_token
from paradex_adapter_core.parsers.account import parse_fills_page, parse_orders_page
from paradex_adapter_core.parsers.market_data import parse_trades
from tests.fixture_files import RestFixture, load_rest, rest_names

BASE = "https://api.example.test/v1"
NAMES = rest_names()

type Params = dict[str, str]
type Call = Callable[[HttpClient, str, Params], Awaitable[bytes]]


class OneToken:
    """A token source that has one."""

    async def token(self) -> str:
        return "token"

    def invalidate(self, token: str) -> None:
        pass


def whole(params: Params, name: str) -> int | None:
    return int(params[name]) if name in params else None


# The last segment of a path that ends in "/" is an argument; the more particular path first.
CALLS: list[tuple[str, str, Call]] = [
    ("GET", "/system/config", lambda c, _, __: c.get_system_config()),
    ("GET", "/system/time", lambda c, _, __: c.get_system_time()),
    ("GET", "/system/state", lambda c, _, __: c.get_system_state()),
    ("GET", "/onboarding", lambda c, _, p: c.get_onboarding(public_key_hex=p["public_key"])),
    ("GET", "/markets/summary", lambda c, _, p: c.get_markets_summary(p["market"])),
    (
        "GET",
        "/markets/klines",
        lambda c, _, p: c.get_klines(
            p["symbol"], int(p["resolution"]), int(p["start_at"]), int(p["end_at"])
        ),
    ),
    ("GET", "/markets/history", lambda c, _, p: c.get_markets_history(p["market"])),
    ("GET", "/markets/settlement-price", lambda c, _, p: c.get_settlement_price(p["market"])),
    ("GET", "/markets", lambda c, _, p: c.get_markets(p.get("market"))),
    ("GET", "/bbo/", lambda c, market, _: c.get_bbo(market)),
    ("GET", "/orderbook/", lambda c, market, p: c.get_orderbook(market, whole(p, "depth"))),
    (
        "GET",
        "/trades",
        lambda c, _, p: c.get_trades(
            p["market"], cursor=p.get("cursor"), page_size=whole(p, "page_size")
        ),
    ),
    (
        "GET",
        "/funding/data",
        lambda c, _, p: c.get_funding_data(
            p["market"],
            whole(p, "start_at"),
            whole(p, "end_at"),
            p.get("cursor"),
            whole(p, "page_size"),
        ),
    ),
    (
        "POST",
        "/auth/",
        lambda c, key, _: c.authenticate("0x1", key, '["1","2"]', 1_793_611_800, 1_793_613_600),
    ),
    ("GET", "/account/margin", lambda c, _, p: c.get_account_margin(p["market"])),
    ("POST", "/account/margin/", lambda c, market, _: c.post_account_margin(market, b"{}")),
    ("GET", "/account/info", lambda c, _, __: c.get_account_info()),
    ("GET", "/account", lambda c, _, __: c.get_account()),
    ("GET", "/balance", lambda c, _, __: c.get_balance()),
    ("GET", "/positions", lambda c, _, __: c.get_positions()),
    ("GET", "/orders/by_client_id/", lambda c, name, _: c.get_order_by_client_id(name)),
    ("GET", "/orders/", lambda c, number, _: c.get_order(number)),
    (
        "GET",
        "/orders-history",
        lambda c, _, p: c.get_orders_history(
            client_order_id=p.get("client_id"),
            status=p.get("status"),
            cursor=p.get("cursor"),
            page_size=whole(p, "page_size"),
        ),
    ),
    ("GET", "/orders", lambda c, _, p: c.get_orders(p.get("market"))),
    (
        "GET",
        "/fills",
        lambda c, _, p: c.get_fills(cursor=p.get("cursor"), page_size=whole(p, "page_size")),
    ),
    (
        "GET",
        "/tradebusts",
        lambda c, _, p: c.get_trade_busts(cursor=p.get("cursor"), page_size=whole(p, "page_size")),
    ),
    (
        "GET",
        "/funding/payments",
        lambda c, _, p: c.get_funding_payments(
            p["market"], cursor=p.get("cursor"), page_size=whole(p, "page_size")
        ),
    ),
    ("GET", "/algo/orders/", lambda c, number, _: c.get_algo_order(number)),
    (
        "GET",
        "/algo/orders-history",
        lambda c, _, p: c.get_algo_orders_history(
            p.get("market"), p.get("status"), page_size=whole(p, "page_size")
        ),
    ),
    ("GET", "/algo/orders", lambda c, _, __: c.get_algo_orders()),
    ("POST", "/algo/orders", lambda c, _, __: c.post_algo_order(b"{}")),
    ("POST", "/orders/batch", lambda c, _, __: c.post_orders_batch(b"[]")),
    ("DELETE", "/orders/batch", lambda c, _, __: c.delete_orders_batch(b"{}")),
    ("POST", "/orders", lambda c, _, __: c.post_order(b"{}")),
]
# Nothing of ours asks for these yet: a changed order, a path that does not exist.
NOT_ASKED = {"recorded_order_changed", "written_error_unknown_path"}
ASKED = [name for name in NAMES if name not in NOT_ASKED]
REFUSED: dict[str, type[Exception]] = {
    "recorded_error_no_token": AuthenticationError,
    "written_error_rate_limit": RateLimited,
}


@pytest.fixture
def venue() -> Iterator[respx.MockRouter]:
    with respx.mock(base_url=BASE, using="httpx") as router:
        yield router


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    http = HttpClient(BASE, max_retries=0, token_provider=OneToken())
    yield http
    await http.close()


def replay(venue: respx.MockRouter, *fixtures: RestFixture) -> list[respx.Route]:
    """Let the venue answer what it answered, to the same requests and to no others."""
    return [
        venue.request(fixture.method, fixture.path, params__eq=fixture.params).respond(
            fixture.status, content=fixture.body, content_type="application/json"
        )
        for fixture in fixtures
    ]


def call_of(fixture: RestFixture) -> tuple[Call, str]:
    for method, path, call in CALLS:
        argument = fixture.path.removeprefix(path) if path.endswith("/") else ""
        is_path = fixture.path.startswith(path) if argument else fixture.path == path
        if method == fixture.method and is_path:
            return call, argument
    raise AssertionError(f"nothing asks for {fixture.method} {fixture.path}")


@pytest.mark.parametrize("name", [n for n in ASKED if load_rest(n).status < 400])
async def test_an_answer_arrives_as_it_was_given(
    client: HttpClient, venue: respx.MockRouter, name: str
) -> None:
    fixture = load_rest(name)
    (route,) = replay(venue, fixture)
    call, argument = call_of(fixture)
    assert await call(client, argument, fixture.params) == fixture.body
    request: httpx.Request = route.calls.last.request
    is_public = any(fixture.path.startswith(p) for p in ("/system", "/mark", "/bbo", "/orderb"))
    is_public = (
        is_public
        or fixture.path in ("/trades", "/funding/data", "/onboarding")
        or "/auth/" in fixture.path
    )
    assert ("authorization" in request.headers) is not is_public


@pytest.mark.parametrize("name", [n for n in ASKED if load_rest(n).status >= 400])
async def test_a_refusal_is_an_error_with_the_venues_words(
    client: HttpClient, venue: respx.MockRouter, name: str
) -> None:
    fixture = load_rest(name)
    (route,) = replay(venue, fixture)
    call, argument = call_of(fixture)
    with pytest.raises(REFUSED.get(name, RequestRejected)) as caught:
        await call(client, argument, fixture.params)
    if isinstance(caught.value, RequestRejected):
        assert caught.value.status == fixture.status
        assert f'"{caught.value.code}"'.encode() in fixture.body
        assert caught.value.message.encode() in fixture.body
    # A refused token is renewed, and the request repeated, once.
    assert route.call_count == (2 if name == "recorded_error_no_token" else 1)


def test_every_method_that_reads_has_a_fixture() -> None:
    for name in NOT_ASKED:
        with pytest.raises(AssertionError, match="nothing asks"):
            call_of(load_rest(name))
    paths = {(fixture.method, fixture.path) for fixture in map(load_rest, NAMES)}
    for method, path, _ in CALLS:
        assert any(m == method and p.startswith(path) for m, p in paths), path
    reads = {name for name in dir(HttpClient) if name.startswith("get_")}
    assert len([1 for method, _, _ in CALLS if method == "GET"]) == len(reads)


@pytest.mark.parametrize(
    ("prefix", "fetch", "parse", "count"),
    [
        ("recorded_fills", "get_fills", parse_fills_page, 7),
        ("recorded_orders_history", "get_orders_history", parse_orders_page, 11),
        ("recorded_trades", "get_trades", parse_trades, 3),
    ],
)
async def test_pages_are_followed_by_their_cursors(
    client: HttpClient,
    venue: respx.MockRouter,
    prefix: str,
    fetch: str,
    parse: Callable[[bytes], tuple[list[Any], str | None]],
    count: int,
) -> None:
    pages = [load_rest(name) for name in NAMES if name.startswith(f"{prefix}_page")]
    routes = replay(venue, *pages)
    given = {k: v for k, v in pages[0].params.items() if k == "market"}
    size = int(pages[0].params["page_size"])

    async def one_page(cursor: str | None) -> tuple[list[Any], str | None]:
        return parse(await getattr(client, fetch)(**given, cursor=cursor, page_size=size))

    rows = [row async for page in iter_pages(one_page) for row in page]
    assert len(rows) == count
    assert [route.call_count for route in routes] == [1] * len(pages)


async def test_the_account_is_read_from_its_answers(
    client: HttpClient, venue: respx.MockRouter
) -> None:
    replay(venue, *(load_rest(f"recorded_{n}") for n in ("positions", "balance", "account")))
    reader = AccountReader(client, {})
    assert [p.market for p in await reader.positions() if p.size] == [
        "BTC-USD-PERP",
        "ETH-USD-PERP",
    ]
    assert [(b.token, b.size) for b in await reader.balances()] == [("USDC", 9_991_549_894_400)]
    assert (await reader.summary()).initial_margin == 377_916_000_000


@pytest.mark.parametrize("name", ["recorded_system_time", "written_system_time_number"])
async def test_the_clock_is_compared_with_either_form_of_the_venues(
    client: HttpClient, venue: respx.MockRouter, name: str
) -> None:
    replay(venue, load_rest(name))
    with pytest.raises(ClockSkewed):
        await check_clock(client, now_ms=lambda: 0)


async def test_a_token_is_had_from_its_answer(client: HttpClient, venue: respx.MockRouter) -> None:
    fixture = load_rest("recorded_auth")
    replay(venue, fixture)
    key = fixture.path.rpartition("/")[2]
    body = await client.authenticate("0x1", key, '["1","2"]', 1, 2)
    assert parse_jwt_token(body) == "redacted"
