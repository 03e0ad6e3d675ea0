"""Channels that many markets want, sharding over sockets, and the watch over all of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest

from paradex_adapter.local_exchange import sbe
from paradex_adapter.venue import feed_watch, socket_pool, websocket, wide_channels
from paradex_adapter.venue.errors import InvalidRequest
from paradex_adapter.venue.market_feed import MarketFeed
from paradex_adapter.venue.retry import Backoff
from paradex_adapter.venue.rpc import RpcRefused
from paradex_adapter.venue.streams import (
    ALL_MARKETS,
    KIND_BOOK_TOP_50MS,
    KIND_BOOK_TOP_100MS,
    KIND_MARKETS,
)
from paradex_adapter_core.vocabulary import (
    KIND_BBO,
    KIND_BOOK,
    KIND_FUNDING_DATA,
    KIND_MARKET_SUMMARY,
    KIND_TRADE,
)
from tests.unit.local_exchange.test_sbe import COMPLETE
from tests.unit.venue.scripted_venue import (
    MARKET,
    Json,
    ScriptedVenue,
    bbo_frame,
    book_frame,
    scripted_venue,
    until,
)

OK: Json = {"result": {}}
REFUSED: Json = {"error": {"code": -32600, "message": "invalid subscribe request"}}


class Sinks:
    """Takes what the feed hands over."""

    def __init__(self) -> None:
        self.updates: list[Any] = []
        self.tops: list[Any] = []
        self.books: list[Any] = []
        self.resets: list[str] = []
        self.lost: list[tuple[int, str]] = []
        self.warnings: list[str] = []
        self.now_ns = 10**18


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "RECONNECT_DELAY_FLOOR_SECS", 0.001)


@pytest.fixture
async def venue() -> AsyncIterator[ScriptedVenue]:
    async with scripted_venue() as scripted:
        yield scripted


@asynccontextmanager
async def feed_of(venue: ScriptedVenue, **options: Any) -> AsyncIterator[tuple[MarketFeed, Sinks]]:
    """Yield a connected feed; then close it, and look for what it left."""
    sinks = Sinks()
    feed = MarketFeed(
        venue.base_url,
        on_bbo=lambda bbo, ts_init: None,
        on_trade=lambda trade, ts_init: None,
        on_book=lambda book, ts_init: sinks.books.append(book),
        on_book_reset=lambda market, last, ts_init: sinks.resets.append(market),
        on_book_top=lambda book, ts_init: sinks.tops.append(book),
        on_update=lambda message, ts_init: sinks.updates.append(message),
        on_lost=lambda kind, market, reason: sinks.lost.append((kind, market)),
        clock_ns=lambda: sinks.now_ns,
        backoff=Backoff(0, 0, Random(1)),
        log=sinks.warnings.append,
        **options,
    )
    before = asyncio.all_tasks()
    await feed.connect(5)
    try:
        yield feed, sinks
    finally:
        await feed.close()
    await until(
        lambda: not [t for t in asyncio.all_tasks() - before if t.get_name()[:7] == "paradex"]
    )
    assert feed.channels == []


def summary_frame(market: str = MARKET) -> bytes:
    return sbe.encode("market_summary", {**COMPLETE["market_summary"], "market": market}, 3)


def scopes(venue: ScriptedVenue) -> list[Any]:
    """Return what was asked about the scoped channel, in order."""
    return [
        (r["method"], *(r["params"].get(name) for name in ("markets", "add", "remove")))
        for r in venue.requests
        if r["params"]["channel"] == "markets_summary"
    ]


# -- summaries -----------------------------------------------------------------------------------


async def test_summaries_of_many_markets_are_one_subscription(venue: ScriptedVenue) -> None:
    async with feed_of(venue) as (feed, sinks):
        await feed.subscribe(KIND_MARKET_SUMMARY, "A")
        await feed.subscribe(KIND_MARKET_SUMMARY, "B")
        await feed.subscribe(KIND_MARKET_SUMMARY, "B")
        await feed.unsubscribe(KIND_MARKET_SUMMARY, "A")
        await feed.unsubscribe(KIND_MARKET_SUMMARY, "B")
        assert feed.channels == ["markets_summary"]
        await venue.socket.send_bytes(summary_frame())
        await until(lambda: sinks.updates)
        await feed.unsubscribe(KIND_MARKET_SUMMARY, "B")
        await feed.unsubscribe(KIND_MARKET_SUMMARY, "B")
        assert scopes(venue) == [
            ("subscribe", ["A"], None, None),
            ("modify_subscription", None, ["B"], []),
            ("modify_subscription", None, [], ["A"]),
            ("unsubscribe", None, None, None),
        ]
        assert feed.counters["summaries"] == 1


async def test_five_hundred_markets_need_few_subscriptions(venue: ScriptedVenue) -> None:
    async with feed_of(venue) as (feed, _):
        for kind in (KIND_MARKET_SUMMARY, KIND_FUNDING_DATA):
            await asyncio.gather(*(feed.subscribe(kind, f"M{n}") for n in range(500)))
        assert sorted(feed.channels) == ["funding_data.ALL", "markets_summary.ALL"]
        assert len(venue.requests) < 10
        for kind in (KIND_MARKET_SUMMARY, KIND_FUNDING_DATA):
            await asyncio.gather(*(feed.unsubscribe(kind, f"M{n}") for n in range(500)))
        assert feed.channels == []


async def test_a_reconnect_asks_for_the_scope_of_now(venue: ScriptedVenue) -> None:
    async with feed_of(venue) as (feed, _):
        await feed.subscribe(KIND_MARKET_SUMMARY, "A")
        await feed.subscribe(KIND_MARKET_SUMMARY, "B")
        venue.requests.clear()
        await venue.drop()
        await until(lambda: feed.counters["resubscriptions confirmed"] == 1)
        assert scopes(venue) == [("subscribe", ["A", "B"], None, None)]


async def test_a_venue_that_refuses_the_scope_is_asked_for_all(venue: ScriptedVenue) -> None:
    venue.answer = lambda request: (
        OK if request["params"]["channel"] == "markets_summary.ALL" else REFUSED
    )
    async with feed_of(venue) as (feed, _):
        await feed.subscribe(KIND_MARKET_SUMMARY, "A")
        assert feed.channels == ["markets_summary.ALL"]


async def test_a_scope_refused_after_a_reconnect_becomes_all(venue: ScriptedVenue) -> None:
    async with feed_of(venue) as (feed, sinks):
        await feed.subscribe(KIND_MARKET_SUMMARY, "A")
        venue.answer = lambda request: REFUSED if "markets" in request["params"] else OK
        await venue.drop()
        await until(lambda: feed.channels == ["markets_summary.ALL"])
        assert sinks.lost == []


async def test_when_all_are_refused_nothing_is_left(venue: ScriptedVenue) -> None:
    venue.answer = lambda request: REFUSED
    async with feed_of(venue) as (feed, _):
        with pytest.raises(RpcRefused):
            await feed.subscribe(KIND_MARKET_SUMMARY, "A")
        assert feed.channels == []
        venue.answer = lambda request: OK
        await feed.subscribe(KIND_MARKET_SUMMARY, "A")
        assert feed.channels


async def test_few_markets_have_their_own_funding_channels(
    venue: ScriptedVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wide_channels, "SINGLE_CHANNELS_MAX", 2)
    async with feed_of(venue) as (feed, _):
        await feed.subscribe(KIND_FUNDING_DATA, "A")
        await feed.subscribe(KIND_FUNDING_DATA, "B")
        assert feed.channels == ["funding_data.A", "funding_data.B"]
        await feed.unsubscribe(KIND_FUNDING_DATA, "A")
        assert feed.channels == ["funding_data.B"]
        for market in ("C", "D"):
            await feed.subscribe(KIND_FUNDING_DATA, market)
        assert feed.channels == ["funding_data.ALL"]
        # Nothing goes back and forth while somebody is left.
        await feed.unsubscribe(KIND_FUNDING_DATA, "D")
        assert feed.channels == ["funding_data.ALL"]
        await feed.subscribe(KIND_FUNDING_DATA, ALL_MARKETS)
        for market in ("B", "C", ALL_MARKETS):
            await feed.unsubscribe(KIND_FUNDING_DATA, market)
        assert feed.channels == []


async def test_the_events_of_markets_are_handed_on(venue: ScriptedVenue) -> None:
    async with feed_of(venue) as (feed, sinks):
        await feed.subscribe(KIND_MARKETS, "")
        push = '{"method":"subscription","params":{"channel":"markets","data":{"market":"A"}}}'
        await venue.socket.send_str(push)
        await until(lambda: sinks.updates)
        assert sinks.updates[0].channel == "markets"


# -- sockets -------------------------------------------------------------------------------------


async def test_a_full_socket_is_followed_by_another_and_an_empty_one_is_closed(
    venue: ScriptedVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_pool, "STREAMS_PER_SOCKET", 2)
    async with feed_of(venue, sockets_max=2) as (feed, _):
        for n in range(5):
            await feed.subscribe(KIND_BBO, f"M{n}")
        assert feed.sockets == 2
        # What is too much for both is shared evenly; a market's streams stay together.
        await feed.subscribe(KIND_TRADE, "M0")
        assert [len(socket.streams) for socket in feed._sockets] == [4, 2]
        assert len(feed.channels) == 6
        await venue.drop()
        await until(lambda: feed.counters["resubscriptions confirmed"] == 6)
        for market in ("M2", "M3"):
            await feed.unsubscribe(KIND_BBO, market)
        assert feed.sockets == 1
        # What it received still counts.
        assert feed.counters["connects"] >= 4


async def test_two_books_of_a_market_are_told_apart_by_their_sockets(
    venue: ScriptedVenue,
) -> None:
    async with feed_of(venue, sockets_max=2) as (feed, sinks):
        await feed.subscribe(KIND_BOOK_TOP_100MS, MARKET)
        await feed.subscribe(KIND_BOOK, MARKET)
        first, second = venue.sockets
        await first.send_bytes(book_frame(7, "SNAPSHOT"))
        await second.send_bytes(book_frame(8, "SNAPSHOT"))
        await second.send_bytes(book_frame(9))
        await until(lambda: len(sinks.books) == 2 and sinks.tops)
        assert [book[2] for book in sinks.books] == [8, 9]
        assert [book[2] for book in sinks.tops] == [7]
        with pytest.raises(InvalidRequest, match="raise sockets_max"):
            await feed.subscribe(KIND_BOOK_TOP_50MS, MARKET)


# -- the watch -----------------------------------------------------------------------------------


async def test_a_book_that_has_stopped_behind_its_quotes_is_renewed(venue: ScriptedVenue) -> None:
    def push(request: Json) -> bytes | None:
        is_book = request["params"]["channel"].startswith("order_book")
        return book_frame(10, "SNAPSHOT") if is_book and request["method"] == "subscribe" else None

    venue.after_answer = push
    async with feed_of(venue) as (feed, sinks):
        await feed.subscribe(KIND_BOOK, MARKET)
        await feed.subscribe(KIND_BBO, MARKET)
        await until(lambda: sinks.books)
        await venue.socket.send_bytes(bbo_frame(12))
        await until(lambda: feed.counters["quotes"] == 1)
        feed.check()
        # The book may be on its way.
        assert feed.counters["stopped books renewed"] == 0
        feed.check()
        assert feed.counters["stopped books renewed"] == 1
        assert sinks.resets == [MARKET]
        await until(lambda: len(sinks.books) == 2)
        assert any("has stopped" in line for line in sinks.warnings)


async def test_a_book_that_goes_on_is_left_alone(venue: ScriptedVenue) -> None:
    async with feed_of(venue) as (feed, sinks):
        await feed.subscribe(KIND_BOOK, MARKET)
        await feed.subscribe(KIND_BBO, MARKET)
        await venue.socket.send_bytes(book_frame(10, "SNAPSHOT"))
        for seq_no in (11, 12, 13):
            await venue.socket.send_bytes(bbo_frame(seq_no))
            await venue.socket.send_bytes(book_frame(seq_no))
            await until(lambda n=seq_no: sinks.books and sinks.books[-1][2] == n)
            feed.check()
        assert feed.counters["stopped books renewed"] == 0


async def test_a_steady_channel_that_falls_silent_is_subscribed_again_once(
    venue: ScriptedVenue,
) -> None:
    async with feed_of(venue) as (feed, sinks):
        await feed.subscribe(KIND_MARKET_SUMMARY, MARKET)
        await venue.socket.send_bytes(summary_frame())
        await until(lambda: sinks.updates)
        feed.check()
        sinks.now_ns += feed_watch.STEADY_SILENCE_NS_MAX + 1
        venue.requests.clear()
        assert feed.ages_ns() == {"markets_summary": feed_watch.STEADY_SILENCE_NS_MAX + 1}
        feed.check()
        feed.check()
        await until(lambda: venue.methods() == ["unsubscribe", "subscribe"])
        assert feed.counters["silent streams renewed"] == 1
        assert feed.ages_ns() == {"markets_summary": -1}


async def test_a_socket_that_stays_behind_is_replaced(
    venue: ScriptedVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_watch, "SLOW_CHECKS_MAX", 2)
    async with feed_of(venue) as (feed, sinks):
        await feed.subscribe(KIND_BBO, MARKET)
        sent_ns = 1_700_000_000_000_000_000

        async def bring(lag_ns: int) -> None:
            # The clocks are two seconds apart, which is no lag.
            sinks.now_ns = sent_ns + 2 * 10**9 + lag_ns
            before = feed.counters["quotes"]
            for _ in range(16):
                await venue.socket.send_bytes(bbo_frame())
            await until(lambda: feed.counters["quotes"] == before + 16)

        await bring(0)
        feed.check()
        assert feed.lag.count == 0
        await bring(feed_watch.SLOW_LAG_NS * 2)
        assert feed.lag.quantile_ns(0.5) >= feed_watch.SLOW_LAG_NS
        feed.check()
        await bring(0)
        feed.check()
        assert sinks.warnings == [w for w in sinks.warnings if "s behind" in w]
        for _ in range(2):
            await bring(feed_watch.SLOW_LAG_NS * 2)
            feed.check()
        await until(lambda: feed.counters["connects"] == 2)
        assert feed.counters["slow sockets replaced"] == 1
        await until(lambda: feed.is_ready)
        assert feed.channels == [f"bbo.{MARKET}"]
