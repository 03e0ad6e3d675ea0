"""Subscriptions and books of the market feed, against a venue that misbehaves on request."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest

from paradex_adapter.venue import book_recovery, feed_socket, market_feed, websocket
from paradex_adapter.venue.errors import InvalidRequest, OutcomeUnknown, VenueUnavailable
from paradex_adapter.venue.market_feed import MarketFeed
from paradex_adapter.venue.retry import Backoff
from paradex_adapter.venue.rpc import RpcRefused
from paradex_adapter_core.vocabulary import KIND_BBO, KIND_BOOK, KIND_TRADE
from tests.unit.venue.scripted_venue import (
    MARKET,
    Json,
    ScriptedVenue,
    bbo_frame,
    book_frame,
    scripted_venue,
    until,
)

BBO = f"bbo.{MARKET}"
BOOK = f"order_book.{MARKET}.deltas"
OK: Json = {"result": {}}
REFUSED: Json = {"error": {"code": -32600, "message": "invalid subscribe request"}}


class Sinks:
    """Takes what the feed hands over."""

    def __init__(self) -> None:
        self.bbos: list[Any] = []
        self.trades: list[Any] = []
        self.books: list[tuple[int, bool]] = []
        self.resets: list[tuple[str, int]] = []
        self.lost: list[tuple[int, str]] = []
        self.events: list[str] = []
        self.warnings: list[str] = []


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "RECONNECT_DELAY_FLOOR_SECS", 0.001)
    monkeypatch.setattr(book_recovery, "RESYNC_DELAY_INITIAL_MS", 1)
    monkeypatch.setattr(book_recovery, "RESYNC_DELAY_MAX_MS", 1)


@pytest.fixture
async def venue() -> AsyncIterator[ScriptedVenue]:
    async with scripted_venue() as scripted:
        yield scripted


@asynccontextmanager
async def feed_of(venue: ScriptedVenue) -> AsyncIterator[tuple[MarketFeed, Sinks]]:
    """Yield a connected feed; then close it, and look for what it left."""
    sinks = Sinks()

    def on_book(book: tuple[Any, ...], ts_init: int) -> None:
        sinks.books.append((book[2], book[3]))
        sinks.events.append(f"snapshot {book[2]}" if book[3] else f"delta {book[2]}")

    def on_book_reset(market: str, last_seq_no: int, ts_init: int) -> None:
        sinks.resets.append((market, last_seq_no))
        sinks.events.append("reset")

    feed = MarketFeed(
        venue.base_url,
        on_bbo=lambda bbo, ts_init: sinks.bbos.append(bbo),
        on_trade=lambda trade, ts_init: sinks.trades.append(trade),
        on_book=on_book,
        on_book_reset=on_book_reset,
        on_lost=lambda kind, market, reason: sinks.lost.append((kind, market)),
        on_connected=lambda: sinks.events.append("connected"),
        on_disconnected=lambda reason: sinks.events.append("disconnected"),
        backoff=Backoff(0, 0, Random(1)),
        log=sinks.warnings.append,
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


def answer_by_channel(answers: dict[str, Json | None]) -> Callable[[Json], Json | None]:
    return lambda request: answers.get(request["params"]["channel"], OK)


def with_snapshot(seq_no: int) -> Callable[[Json], bytes | None]:
    """Send a snapshot after each subscription of a book, as the venue does."""

    def push(request: Json) -> bytes | None:
        is_book = request["params"]["channel"].startswith("order_book")
        return (
            book_frame(seq_no, "SNAPSHOT") if is_book and request["method"] == "subscribe" else None
        )

    return push


# -- counting ------------------------------------------------------------------------------------


async def test_a_channel_is_subscribed_once_and_left_by_the_last(venue: ScriptedVenue) -> None:
    async with feed_of(venue) as (feed, sinks):
        await asyncio.gather(*(feed.subscribe(KIND_BBO, MARKET) for _ in range(3)))
        assert venue.channels("subscribe") == [BBO]
        await venue.socket.send_bytes(bbo_frame())
        await until(lambda: sinks.bbos)
        await feed.unsubscribe(KIND_BBO, MARKET)
        await feed.unsubscribe(KIND_BBO, MARKET)
        assert venue.channels("unsubscribe") == []
        await feed.unsubscribe(KIND_BBO, MARKET)
        assert venue.channels("unsubscribe") == [BBO]
        assert feed.channels == []
        await feed.unsubscribe(KIND_BBO, MARKET)
        await feed.subscribe(KIND_BBO, MARKET)
        assert venue.channels("subscribe") == [BBO, BBO]


async def test_channels_have_the_venues_names(venue: ScriptedVenue) -> None:
    async with feed_of(venue) as (feed, _):
        for kind in (KIND_BBO, KIND_TRADE, KIND_BOOK):
            await feed.subscribe(kind, MARKET)
        assert venue.channels("subscribe") == [BBO, f"trades.{MARKET}", BOOK]
        assert feed.channels == venue.channels("subscribe")


async def test_subscriptions_are_bounded(
    venue: ScriptedVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(market_feed, "SUBSCRIPTIONS_MAX", 2)
    async with feed_of(venue) as (feed, _):
        await feed.subscribe(KIND_BBO, "A")
        await feed.subscribe(KIND_BBO, "B")
        with pytest.raises(InvalidRequest):
            await feed.subscribe(KIND_BBO, "C")
        await feed.unsubscribe(KIND_BBO, "A")
        await feed.subscribe(KIND_BBO, "C")


# -- acknowledgments -----------------------------------------------------------------------------


async def test_a_refused_subscription_leaves_no_ghost(venue: ScriptedVenue) -> None:
    venue.answer = answer_by_channel({BBO: REFUSED})
    async with feed_of(venue) as (feed, sinks):
        outcomes = await asyncio.gather(
            *(feed.subscribe(KIND_BBO, MARKET) for _ in range(2)), return_exceptions=True
        )
        assert [type(outcome) for outcome in outcomes] == [RpcRefused, RpcRefused]
        assert feed.channels == []
        await venue.drop()
        await until(lambda: sinks.events.count("connected") == 2)
        # Not asked for again: nobody has it.
        assert venue.channels("subscribe") == [BBO, BBO]
        venue.answer = lambda request: OK
        await feed.subscribe(KIND_BBO, MARKET)
        assert feed.channels == [BBO]


async def test_data_confirms_a_subscription_whose_acknowledgment_is_missing(
    venue: ScriptedVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_socket, "ACK_TIMEOUT_SECS", 0.1)
    venue.answer = lambda request: None
    venue.after_answer = lambda request: bbo_frame()
    async with feed_of(venue) as (feed, sinks):
        await feed.subscribe(KIND_BBO, MARKET)
        assert feed.channels == [BBO]
        assert len(sinks.bbos) == 1


async def test_without_acknowledgment_or_data_it_failed_at_the_venue_too(
    venue: ScriptedVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_socket, "ACK_TIMEOUT_SECS", 0.05)
    venue.answer = lambda request: None
    # Data of another market says nothing about this one.
    venue.after_answer = lambda request: bbo_frame(market="ETH-USD-PERP")
    async with feed_of(venue) as (feed, _):
        with pytest.raises(OutcomeUnknown):
            await feed.subscribe(KIND_BBO, MARKET)
        assert feed.channels == []
        assert venue.methods() == ["subscribe", "unsubscribe"]


async def test_an_unsubscribe_that_fails_is_counted_and_no_more(venue: ScriptedVenue) -> None:
    async with feed_of(venue) as (feed, _):
        await feed.subscribe(KIND_BBO, MARKET)
        venue.answer = lambda request: REFUSED
        await feed.unsubscribe(KIND_BBO, MARKET)
        assert feed.channels == []
        assert feed.counters["unsubscribe failed: RpcRefused"] == 1


# -- reconnecting --------------------------------------------------------------------------------


async def test_everything_is_subscribed_again_before_the_feed_is_ready(
    venue: ScriptedVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_socket, "REQUESTS_AT_ONCE", 3)
    async with feed_of(venue) as (feed, sinks):
        for n in range(7):
            await feed.subscribe(KIND_BBO, f"M{n}")
        await feed.unsubscribe(KIND_BBO, "M3")
        venue.requests.clear()
        await venue.drop()
        await until(lambda: feed.is_ready and sinks.events.count("connected") == 2)
        assert sorted(venue.channels("subscribe")) == [f"bbo.M{n}" for n in (0, 1, 2, 4, 5, 6)]
        assert venue.methods() == ["subscribe"] * 6
        assert sinks.events == ["connected", "disconnected", "connected"]


async def test_a_subscription_asked_for_while_the_feed_is_down_waits_for_it(
    venue: ScriptedVenue,
) -> None:
    async with feed_of(venue) as (feed, _):
        venue.accepted = set()
        await venue.drop()
        await until(lambda: not feed.is_ready)
        subscribing = asyncio.create_task(feed.subscribe(KIND_BBO, MARKET))
        await until(lambda: len(venue.attempts) > 8)
        venue.accepted = {"3"}
        await asyncio.wait_for(subscribing, 5)
        assert feed.channels == [BBO]
        assert venue.channels("subscribe") == [BBO]


async def test_a_subscription_cut_off_midway_is_made_on_the_next_connection(
    venue: ScriptedVenue,
) -> None:
    venue.answer = lambda request: None
    async with feed_of(venue) as (feed, _):
        subscribing = asyncio.create_task(feed.subscribe(KIND_BBO, MARKET))
        await until(lambda: venue.requests)
        venue.answer = lambda request: OK
        await venue.drop()
        await asyncio.wait_for(subscribing, 5)
        assert feed.channels == [BBO]
        assert venue.channels("subscribe") == [BBO, BBO]


async def test_a_feed_that_stays_down_refuses_in_the_end(
    venue: ScriptedVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_socket, "SUBSCRIBE_TIMEOUT_SECS", 0.1)
    async with feed_of(venue) as (feed, _):
        venue.accepted = set()
        await venue.drop()
        await until(lambda: not feed.is_ready)
        with pytest.raises(VenueUnavailable):
            await feed.subscribe(KIND_BBO, MARKET)
        assert feed.channels == []


async def test_one_market_that_is_gone_does_not_keep_the_others_away(
    venue: ScriptedVenue,
) -> None:
    async with feed_of(venue) as (feed, sinks):
        for market in ("A", "B", "C"):
            await feed.subscribe(KIND_BBO, market)
        venue.answer = answer_by_channel({"bbo.B": REFUSED})
        await venue.drop()
        await until(lambda: sinks.events.count("connected") == 2)
        assert feed.channels == ["bbo.A", "bbo.C"]
        assert sinks.lost == [(KIND_BBO, "B")]
        assert feed.counters["subscriptions lost"] == 1
        # Giving back what is gone already is no mistake.
        await feed.unsubscribe(KIND_BBO, "B")
        assert venue.channels("unsubscribe") == []


# -- books ---------------------------------------------------------------------------------------


async def test_a_book_follows_its_snapshot(venue: ScriptedVenue) -> None:
    venue.after_answer = with_snapshot(10)
    async with feed_of(venue) as (feed, sinks):
        await feed.subscribe(KIND_BOOK, MARKET)
        for seq_no in (11, 12, 12, 11, 13):
            await venue.socket.send_bytes(book_frame(seq_no))
        await until(lambda: (13, False) in sinks.books)
        assert sinks.books == [(10, True), (11, False), (12, False), (13, False)]
        assert feed.counters["book frames old"] == 2
        assert feed.stale_books() == []
        assert sinks.resets == []


async def test_deltas_before_the_snapshot_are_dropped(venue: ScriptedVenue) -> None:
    async with feed_of(venue) as (feed, sinks):
        await feed.subscribe(KIND_BOOK, MARKET)
        await venue.socket.send_bytes(book_frame(9))
        await venue.socket.send_bytes(book_frame(10, "SNAPSHOT"))
        await venue.socket.send_bytes(book_frame(11))
        await until(lambda: len(sinks.books) == 2)
        assert sinks.books == [(10, True), (11, False)]
        assert feed.counters["book frames while stale"] == 1


async def test_after_a_gap_the_book_is_cleared_until_a_new_snapshot(venue: ScriptedVenue) -> None:
    snapshots = iter([book_frame(10, "SNAPSHOT"), book_frame(20, "SNAPSHOT")])
    venue.after_answer = lambda request: (
        next(snapshots) if request["method"] == "subscribe" else None
    )
    async with feed_of(venue) as (feed, sinks):
        await feed.subscribe(KIND_BOOK, MARKET)
        for seq_no in (11, 13, 14):
            await venue.socket.send_bytes(book_frame(seq_no))
        await until(lambda: (20, True) in sinks.books)
        await venue.socket.send_bytes(book_frame(21))
        await until(lambda: (21, False) in sinks.books)
        assert sinks.events == [
            "connected",
            "snapshot 10",
            "delta 11",
            "reset",
            "snapshot 20",
            "delta 21",
        ]
        assert sinks.resets == [(MARKET, 11)]
        assert venue.methods() == ["subscribe", "unsubscribe", "subscribe"]
        counters = feed.counters
        assert (counters["book gaps"], counters["book resyncs"]) == (1, 1)
        assert counters["book frames while stale"] == 1


async def test_a_reconnect_makes_books_stale_until_their_snapshot(venue: ScriptedVenue) -> None:
    venue.after_answer = with_snapshot(10)
    async with feed_of(venue) as (feed, sinks):
        await feed.subscribe(KIND_BOOK, MARKET)
        await until(lambda: sinks.books)
        venue.after_answer = lambda request: None
        await venue.drop()
        await until(lambda: sinks.events.count("connected") == 2)
        assert feed.stale_books() == [MARKET]
        # The number would fit, but frames in between may be missing.
        await venue.socket.send_bytes(book_frame(11))
        await venue.socket.send_bytes(book_frame(30, "SNAPSHOT"))
        await until(lambda: (30, True) in sinks.books)
        assert sinks.events == [
            "connected",
            "snapshot 10",
            "reset",
            "disconnected",
            "connected",
            "snapshot 30",
        ]


async def test_a_snapshot_that_does_not_come_is_asked_for_until_it_comes(
    venue: ScriptedVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(book_recovery, "SNAPSHOT_TIMEOUT_SECS", 0.02)
    monkeypatch.setattr(book_recovery, "RESYNC_ATTEMPTS_MAX", 3)
    monkeypatch.setattr(book_recovery, "RESYNC_CEILING_SECS", 0.01)
    async with feed_of(venue) as (feed, sinks):
        await feed.subscribe(KIND_BOOK, MARKET)
        await until(lambda: feed.counters["book resyncs"] > 5)
        # Said once, however long it takes.
        assert len([line for line in sinks.warnings if MARKET in line]) == 1
        assert venue.methods()[:5] == ["subscribe"] + ["unsubscribe", "subscribe"] * 2
        assert (sinks.lost, sinks.resets) == ([], [])
        assert feed.stale_books() == [MARKET]
        venue.after_answer = with_snapshot(10)
        await until(lambda: (10, True) in sinks.books)
        assert feed.stale_books() == []


async def test_a_book_the_venue_refuses_is_given_up(
    venue: ScriptedVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(book_recovery, "RESYNC_ATTEMPTS_MAX", 3)
    venue.after_answer = with_snapshot(10)
    async with feed_of(venue) as (feed, sinks):
        await feed.subscribe(KIND_BOOK, MARKET)
        await until(lambda: sinks.books)
        venue.answer = answer_by_channel({BOOK: REFUSED})
        venue.after_answer = lambda request: None
        await venue.socket.send_bytes(book_frame(99))
        await until(lambda: sinks.lost)
        assert sinks.lost == [(KIND_BOOK, MARKET)]
        assert sinks.resets == [(MARKET, 10)]
        assert feed.counters["book resyncs"] == 3
        assert feed.channels == []
        # Nothing is remembered against the market.
        venue.answer = lambda request: OK
        venue.after_answer = with_snapshot(20)
        await feed.subscribe(KIND_BOOK, MARKET)
        await until(lambda: (20, True) in sinks.books)


async def test_a_book_that_breaks_again_and_again_is_asked_for_less_often(
    venue: ScriptedVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(book_recovery, "RESYNC_ATTEMPTS_MAX", 3)
    venue.after_answer = with_snapshot(10)
    async with feed_of(venue) as (feed, sinks):
        await feed.subscribe(KIND_BOOK, MARKET)
        for gaps in range(1, 5):
            await until(lambda n=gaps: len(sinks.books) == n)
            await venue.socket.send_bytes(book_frame(99))
        await until(lambda: sinks.warnings)
        assert len(sinks.resets) == 4
        # The fourth waits for `RESYNC_CEILING_SECS`.
        assert feed.counters["book resyncs"] == 3
        assert feed.channels == [BOOK]
        assert feed.stale_books() == [MARKET]


async def test_a_book_that_lived_starts_counting_anew(
    venue: ScriptedVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(book_recovery, "RESYNC_ATTEMPTS_MAX", 2)
    monkeypatch.setattr(book_recovery, "BOOK_LIVED_SECS_MIN", 0.0)
    venue.after_answer = with_snapshot(10)
    async with feed_of(venue) as (feed, sinks):
        await feed.subscribe(KIND_BOOK, MARKET)
        for gaps in range(1, 6):
            await until(lambda n=gaps: len(sinks.books) == n)
            await venue.socket.send_bytes(book_frame(99))
        await until(lambda: len(sinks.books) == 6)
        assert sinks.lost == []


async def test_frames_after_leaving_a_book_are_dropped(venue: ScriptedVenue) -> None:
    venue.after_answer = with_snapshot(10)
    async with feed_of(venue) as (feed, sinks):
        await feed.subscribe(KIND_BOOK, MARKET)
        await until(lambda: sinks.books)
        await feed.unsubscribe(KIND_BOOK, MARKET)
        await venue.socket.send_bytes(book_frame(11))
        await venue.socket.send_bytes(bbo_frame())
        await until(lambda: feed.counters["frames nobody asked for"] == 2)
        assert (sinks.books, sinks.bbos) == ([(10, True)], [])


async def test_leaving_a_book_ends_its_recovery(venue: ScriptedVenue) -> None:
    async with feed_of(venue) as (feed, _):
        await feed.subscribe(KIND_BOOK, MARKET)
        await feed.unsubscribe(KIND_BOOK, MARKET)
        names = [task.get_name() for task in asyncio.all_tasks()]
        await asyncio.sleep(0)
        assert f"paradex-book-{MARKET}" not in [t.get_name() for t in asyncio.all_tasks()], names


async def test_closing_is_no_gap(venue: ScriptedVenue) -> None:
    venue.after_answer = with_snapshot(10)
    async with feed_of(venue) as (feed, sinks):
        await feed.subscribe(KIND_BOOK, MARKET)
        await until(lambda: sinks.books)
    assert sinks.resets == []
    assert sinks.events[-1] == "disconnected"


async def test_gaps_of_quotes_are_normal(venue: ScriptedVenue) -> None:
    async with feed_of(venue) as (feed, sinks):
        await feed.subscribe(KIND_BBO, MARKET)
        for seq_no in (573, 575, 616, 616):
            await venue.socket.send_bytes(bbo_frame(seq_no))
        await until(lambda: len(sinks.bbos) == 4)
        assert venue.methods() == ["subscribe"]
        assert feed.counters["book gaps"] == 0
        assert feed.counters["quotes"] == 4
