"""The past over REST: what is asked, what is kept, and when it is said to be cut."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import respx

from paradex_adapter.venue.errors import InvalidRequest, MalformedReply, VenueUnavailable
from paradex_adapter.venue.history import (
    EMPTY_CHUNKS_MAX,
    FUNDING_PER_PAGE,
    KLINES_PER_CHUNK,
    TRADES_PER_PAGE,
    fetch_funding,
    fetch_klines,
    fetch_trades,
)
from paradex_adapter.venue.http import HttpClient
from tests.shared_specs import requires_shared_specs, spec_path

BASE = "https://api.example.test/v1"
MARKET = "BTC-USD-PERP"
MS = 1_000_000
MIN_MS = 60_000
MIN = MIN_MS * MS
NOON = 1_795_262_400_000


@pytest.fixture
def venue() -> Iterator[respx.MockRouter]:
    with respx.mock(base_url=BASE, using="httpx", assert_all_called=False) as router:
        yield router


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    client = HttpClient(BASE, max_retries=0)
    yield client
    await client.close()


def trade(number: int, at_ms: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": str(number),
        "market": MARKET,
        "side": "BUY",
        "size": "0.1",
        "price": "90000",
        "created_at": at_ms,
        "trade_type": "FILL",
        **changes,
    }


def answer_pages(route: respx.Route, pages: list[list[Any]]) -> None:
    """Answer page after page; a cursor is the number of its page."""

    def answer(request: httpx.Request) -> httpx.Response:
        at = int(query(request).get("cursor", "0"))
        following = str(at + 1) if at + 1 < len(pages) else None
        return httpx.Response(200, json={"next": following, "results": pages[at]})

    route.mock(side_effect=answer)


def query(request: httpx.Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(str(request.url)).query).items()}


# -- trades --------------------------------------------------------------------------------------


async def test_trades_come_oldest_first_and_once(http: HttpClient, venue: respx.MockRouter) -> None:
    pages = [[trade(4, 400), trade(3, 300)], [trade(3, 300), trade(2, 300), trade(1, 100)]]
    answer_pages(venue.get("/trades"), pages)
    history = await fetch_trades(http, MARKET)
    assert [row[2] for row in history.rows] == ["1", "2", "3", "4"]
    assert not history.is_cut
    assert query(venue.calls[0].request) == {"market": MARKET, "page_size": str(TRADES_PER_PAGE)}
    assert query(venue.calls[1].request)["cursor"] == "1"


async def test_bounds_are_asked_for_a_millisecond_wider_and_kept_exactly(
    http: HttpClient, venue: respx.MockRouter
) -> None:
    rows = [trade(number, at) for number, at in ((5, 501), (4, 500), (3, 300), (2, 200), (1, 199))]
    answer_pages(venue.get("/trades"), [rows])
    history = await fetch_trades(http, MARKET, 200 * MS, 500 * MS + 999_999)
    assert [row[2] for row in history.rows] == ["2", "3", "4"]
    asked = query(venue.calls[0].request)
    assert (asked["start_at"], asked["end_at"]) == ("199", "501")


async def test_the_start_within_a_millisecond_leaves_out_what_is_stamped_before_it(
    http: HttpClient, venue: respx.MockRouter
) -> None:
    answer_pages(venue.get("/trades"), [[trade(2, 201), trade(1, 200)]])
    history = await fetch_trades(http, MARKET, 200 * MS + 1)
    assert [row[2] for row in history.rows] == ["2"]


async def test_a_limit_keeps_the_latest_and_ends_the_reading(
    http: HttpClient, venue: respx.MockRouter
) -> None:
    answer_pages(venue.get("/trades"), [[trade(4, 4), trade(3, 3)], [trade(2, 2), trade(1, 1)]])
    history = await fetch_trades(http, MARKET, limit=1)
    assert [row[2] for row in history.rows] == ["4"]
    assert len(venue.calls) == 1
    assert not history.is_cut


async def test_a_list_that_runs_forward_is_read_to_its_end_for_the_latest(
    http: HttpClient, venue: respx.MockRouter
) -> None:
    answer_pages(venue.get("/trades"), [[trade(1, 1), trade(2, 2)], [trade(3, 3), trade(4, 3)]])
    history = await fetch_trades(http, MARKET, limit=3)
    assert [row[2] for row in history.rows] == ["2", "3", "4"]


async def test_a_venue_that_ignores_the_start_is_not_read_to_its_beginning(
    http: HttpClient, venue: respx.MockRouter
) -> None:
    answer_pages(venue.get("/trades"), [[trade(3, 300), trade(2, 100)], [trade(1, 50)]])
    history = await fetch_trades(http, MARKET, 200 * MS)
    assert [row[2] for row in history.rows] == ["3"]
    assert len(venue.calls) == 1


async def test_one_id_under_two_types_is_two_trades(
    http: HttpClient, venue: respx.MockRouter
) -> None:
    rows = [trade(1, 1), trade(1, 1, trade_type="LIQUIDATION")]
    answer_pages(venue.get("/trades"), [rows])
    assert len((await fetch_trades(http, MARKET)).rows) == 2


@pytest.mark.parametrize("bound", [{"rows_max": 2}, {"requests_max": 1}])
async def test_more_than_one_answer_holds_is_cut_and_said_so(
    http: HttpClient, venue: respx.MockRouter, bound: dict[str, int]
) -> None:
    answer_pages(venue.get("/trades"), [[trade(4, 4), trade(3, 3)], [trade(2, 2), trade(1, 1)]])
    history = await fetch_trades(http, MARKET, **bound)
    assert [row[2] for row in history.rows] == ["3", "4"]
    assert history.is_cut


async def test_as_many_pages_as_are_allowed_are_not_cut(
    http: HttpClient, venue: respx.MockRouter
) -> None:
    answer_pages(venue.get("/trades"), [[trade(2, 2)], [trade(1, 1)]])
    assert not (await fetch_trades(http, MARKET, requests_max=2)).is_cut


async def test_no_trades_are_none(http: HttpClient, venue: respx.MockRouter) -> None:
    venue.get("/trades").respond(200, json={"next": None, "results": None})
    history = await fetch_trades(http, MARKET)
    assert history.rows == []
    assert not history.is_cut


async def test_rows_that_cannot_be_read_are_counted(
    http: HttpClient, venue: respx.MockRouter
) -> None:
    answer_pages(venue.get("/trades"), [[trade(2, 2, price="-1"), trade(1, 1)]])
    history = await fetch_trades(http, MARKET)
    assert [row[2] for row in history.rows] == ["1"]
    assert sum(history.unreadable.values()) == 1


async def test_a_page_that_names_itself_is_an_error(
    http: HttpClient, venue: respx.MockRouter
) -> None:
    venue.get("/trades").respond(200, json={"next": "again", "results": [trade(1, 1)]})
    with pytest.raises(MalformedReply):
        await fetch_trades(http, MARKET)


async def test_a_venue_that_fails_midway_gives_no_half_of_the_rows(
    http: HttpClient, venue: respx.MockRouter
) -> None:
    venue.get("/trades").mock(
        side_effect=[
            httpx.Response(200, json={"next": "a", "results": [trade(2, 2)]}),
            httpx.Response(503, json={"error": "SERVICE_UNAVAILABLE", "message": "later"}),
        ]
    )
    with pytest.raises(VenueUnavailable):
        await fetch_trades(http, MARKET)


# -- funding -------------------------------------------------------------------------------------


async def test_funding_is_paged_the_same_way(http: HttpClient, venue: respx.MockRouter) -> None:
    def row(at_ms: int) -> dict[str, Any]:
        return {
            "market": MARKET,
            "funding_rate": "0.0001",
            "funding_period_hours": 8,
            "created_at": at_ms,
        }

    answer_pages(venue.get("/funding/data"), [[row(3), row(2)], [row(2), row(1)]])
    history = await fetch_funding(http, MARKET, 2 * MS, 3 * MS)
    assert [funding.ts_event for funding in history.rows] == [2 * MS, 3 * MS]
    assert query(venue.calls[0].request)["page_size"] == str(FUNDING_PER_PAGE)


# -- bars ----------------------------------------------------------------------------------------


def answer_klines(route: respx.Route, openings_ms: list[int]) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        asked = query(request)
        first, last = int(asked["start_at"]), int(asked["end_at"])
        rows = [[at, 1.1, 1.3, 1.0, 1.2, 0.1] for at in openings_ms if first <= at <= last]
        return httpx.Response(200, json={"results": rows})

    route.mock(side_effect=answer)


async def test_bars_belong_to_the_time_they_close_at(
    http: HttpClient, venue: respx.MockRouter
) -> None:
    answer_klines(venue.get("/markets/klines"), [NOON + n * MIN_MS for n in range(-5, 6)])
    history = await fetch_klines(
        http, MARKET, 1, "mark", NOON * MS, (NOON + 2 * MIN_MS) * MS, now_ns=(NOON + 10**7) * MS
    )
    assert [row[0] for row in history.rows] == [(NOON + n * MIN_MS) * MS for n in (-1, 0, 1)]
    asked = query(venue.calls[0].request)
    assert (asked["symbol"], asked["resolution"], asked["price_kind"]) == (MARKET, "1", "mark")


@pytest.mark.parametrize(("now_ms", "openings"), [(-1, [-1]), (0, [-1, 0])])
async def test_a_bar_that_is_not_over_is_left_out(
    http: HttpClient, venue: respx.MockRouter, now_ms: int, openings: list[int]
) -> None:
    answer_klines(venue.get("/markets/klines"), [NOON - MIN_MS, NOON, NOON + MIN_MS])
    now_ns = (NOON + MIN_MS + now_ms) * MS
    start = (NOON - 10) * MS
    history = await fetch_klines(http, MARKET, 1, start_ns=start, now_ns=now_ns)
    assert [row[0] // MIN - NOON // MIN_MS for row in history.rows] == openings


async def test_bars_are_asked_for_in_chunks_the_latest_first(
    http: HttpClient, venue: respx.MockRouter
) -> None:
    count = 2 * KLINES_PER_CHUNK + 1
    answer_klines(venue.get("/markets/klines"), [NOON + n * MIN_MS for n in range(count)])
    start_ns, end_ns = (NOON + MIN_MS) * MS, (NOON + count * MIN_MS) * MS
    history = await fetch_klines(http, MARKET, 1, "last", start_ns, end_ns, now_ns=end_ns)
    assert [row[0] for row in history.rows] == [(NOON + n * MIN_MS) * MS for n in range(count)]
    spans = [
        (query(call.request)["start_at"], query(call.request)["end_at"]) for call in venue.calls
    ]
    assert len(spans) == 3
    assert spans[0][1] == str(NOON + (count - 1) * MIN_MS)
    assert all(int(end) - int(start) < KLINES_PER_CHUNK * MIN_MS for start, end in spans)


async def test_a_limit_of_bars_keeps_the_latest(http: HttpClient, venue: respx.MockRouter) -> None:
    answer_klines(venue.get("/markets/klines"), [NOON + n * MIN_MS for n in range(9)])
    now_ns = (NOON + 9 * MIN_MS) * MS
    history = await fetch_klines(http, MARKET, 1, limit=2, now_ns=now_ns)
    assert [row[0] for row in history.rows] == [(NOON + n * MIN_MS) * MS for n in (7, 8)]
    assert len(venue.calls) == 1


async def test_bars_without_a_start_end_where_nothing_is_any_more(
    http: HttpClient, venue: respx.MockRouter
) -> None:
    answer_klines(venue.get("/markets/klines"), [NOON])
    history = await fetch_klines(http, MARKET, 1, now_ns=(NOON + MIN_MS) * MS)
    assert len(history.rows) == 1
    assert not history.is_cut
    assert len(venue.calls) == 1 + EMPTY_CHUNKS_MAX


async def test_bars_with_a_start_are_read_over_any_hole(
    http: HttpClient, venue: respx.MockRouter
) -> None:
    answer_klines(venue.get("/markets/klines"), [NOON])
    hole = (EMPTY_CHUNKS_MAX + 5) * KLINES_PER_CHUNK * MIN_MS
    history = await fetch_klines(http, MARKET, 1, start_ns=NOON * MS, now_ns=(NOON + hole) * MS)
    assert len(history.rows) == 1


async def test_too_many_bars_are_cut_and_the_latest_kept(
    http: HttpClient, venue: respx.MockRouter
) -> None:
    answer_klines(venue.get("/markets/klines"), [NOON])
    now_ns = (NOON + 3 * KLINES_PER_CHUNK * MIN_MS) * MS
    history = await fetch_klines(http, MARKET, 1, start_ns=NOON * MS, now_ns=now_ns, requests_max=2)
    assert history.is_cut
    assert history.rows == []


@pytest.mark.parametrize(("resolution", "kind"), [(2, "last"), (1, "index")])
async def test_bars_the_venue_does_not_have_are_refused(
    http: HttpClient, resolution: int, kind: str
) -> None:
    with pytest.raises(InvalidRequest):
        await fetch_klines(http, MARKET, resolution, kind)


async def test_the_text_of_a_bars_numbers_is_what_counts(
    http: HttpClient, venue: respx.MockRouter
) -> None:
    # Through a float the first would be 0.1 + 0.2 = 0.30000000000000004 in disguise.
    body = f'{{"results":[[{NOON},0.29999999999999999,89313.10000001,1e-7,0.3,85.52763999999999]]}}'
    venue.get("/markets/klines").respond(200, content=body.encode())
    history = await fetch_klines(http, MARKET, 1, start_ns=NOON * MS, now_ns=(NOON + MIN_MS) * MS)
    prices = history.rows[0][1:]
    assert prices == (30_000_000, 8_931_310_000_001, 10, 30_000_000, 8_552_764_000)


@pytest.mark.shared_specs
@requires_shared_specs
async def test_recorded_answers_are_read(http: HttpClient, venue: respx.MockRouter) -> None:
    def sample(name: str) -> dict[str, Any]:
        path: Path = spec_path(f"samples/rest/{name}.json")
        loaded: dict[str, Any] = json.loads(path.read_text())
        return loaded

    trades = sample("trades_btc_testnet_paged") | {"next": None}
    venue.get("/trades").respond(200, json=trades)
    (row,) = (await fetch_trades(http, MARKET)).rows
    assert row[2] == "1718377985380201703994000001"
    assert row[8] == 1718377985388 * MS
    venue.get("/funding/data").respond(
        200, json=sample("funding_data_prod_2026_b") | {"next": None}
    )
    (funding,) = (await fetch_funding(http, MARKET)).rows
    assert funding.funding_rate == 81_003_573
    venue.get("/markets/klines").respond(200, json=sample("klines_btc_1m_testnet"))
    opened = 1719993660000 * MS
    (kline,) = (
        await fetch_klines(http, MARKET, 1, start_ns=opened + 1, now_ns=opened + 2 * MIN)
    ).rows
    assert kline == (opened, *([6_082_330_000_000] * 4), 456_100_000_000)
