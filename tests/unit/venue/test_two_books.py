"""Two kinds of book of one market: their frames look alike, so they come over two sockets."""

from random import Random
from typing import Any

import pytest

from paradex_adapter.venue.errors import InvalidRequest
from paradex_adapter.venue.market_feed import MarketFeed
from paradex_adapter.venue.retry import Backoff
from paradex_adapter.venue.streams import KIND_BOOK_TOP_100MS
from paradex_adapter_core.vocabulary import KIND_BOOK
from tests.unit.venue.scripted_venue import MARKET, ScriptedVenue, book_frame, scripted_venue, until

DELTAS = f"order_book.{MARKET}.deltas"
TOP = f"order_book.{MARKET}.snapshot@15@100ms"


def ignore(*_: Any) -> None:
    pass


def feed_of(venue: ScriptedVenue, books: list[int], tops: list[int], sockets: int) -> MarketFeed:
    return MarketFeed(
        venue.base_url,
        on_bbo=ignore,
        on_trade=ignore,
        on_book=lambda book, _: books.append(book[2]),
        on_book_top=lambda book, _: tops.append(book[2]),
        on_book_reset=ignore,
        on_lost=ignore,
        backoff=Backoff(0, 0, Random(1)),
        log=ignore,
        sockets_max=sockets,
    )


def with_snapshots(request: dict[str, Any]) -> bytes | None:
    """Send a snapshot after each subscription: 100 of the deltas, 7 of the top."""
    if request["method"] != "subscribe":
        return None
    return book_frame(100 if request["params"]["channel"] == DELTAS else 7, "SNAPSHOT")


async def test_deltas_and_the_top_of_one_market_come_over_two_sockets() -> None:
    books: list[int] = []
    tops: list[int] = []
    async with scripted_venue() as venue:
        venue.after_answer = with_snapshots
        feed = feed_of(venue, books, tops, sockets=2)
        await feed.connect(5)
        try:
            await feed.subscribe(KIND_BOOK, MARKET)
            assert len(venue.sockets) == 1
            await feed.subscribe(KIND_BOOK_TOP_100MS, MARKET)
            await until(lambda: books and tops)
        finally:
            await feed.close()
        assert len(venue.sockets) == 2
        assert venue.channels("subscribe") == [DELTAS, TOP]
    assert (books, tops) == ([100], [7])


async def test_without_a_second_socket_the_second_kind_is_refused() -> None:
    async with scripted_venue() as venue:
        venue.after_answer = with_snapshots
        feed = feed_of(venue, [], [], sockets=1)
        await feed.connect(5)
        try:
            await feed.subscribe(KIND_BOOK, MARKET)
            with pytest.raises(InvalidRequest):
                await feed.subscribe(KIND_BOOK_TOP_100MS, MARKET)
        finally:
            await feed.close()
        assert venue.channels("subscribe") == [DELTAS]
