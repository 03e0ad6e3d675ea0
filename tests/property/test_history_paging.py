"""Whatever the pages look like, no row of the past is lost, doubled or out of order."""

import asyncio
from itertools import pairwise
from typing import Any, cast

import orjson
from hypothesis import given
from hypothesis import strategies as st

from paradex_adapter.venue.history import fetch_trades
from paradex_adapter.venue.http import HttpClient
from paradex_adapter.venue.paging import PAGES_MAX

MS = 1_000_000
TIMES_MS = st.integers(min_value=1, max_value=12)


class PagedVenue:
    """Lists trades in pages that end anywhere, and repeats rows of earlier pages in later ones."""

    def __init__(self, rows: list[dict[str, Any]], ends: list[int], repeats: list[int]) -> None:
        bounds = sorted({0, len(rows), *(end % (len(rows) + 1) for end in ends)})
        self.pages = []
        for at, (start, end) in enumerate(pairwise(bounds)):
            again = repeats[at % len(repeats)] if repeats else 0
            self.pages.append(rows[max(0, start - again) : end])
        self.pages = self.pages or [[]]

    async def get_trades(
        self,
        market: str,
        start_ms: int | None,
        end_ms: int | None,
        cursor: str | None,
        page_size: int,
    ) -> bytes:
        at = int(cursor or "0")
        following = str(at + 1) if at + 1 < len(self.pages) else None
        return orjson.dumps({"next": following, "results": self.pages[at]})


def trade(number: int, at_ms: int) -> dict[str, Any]:
    return {
        "id": str(number),
        "market": "BTC-USD-PERP",
        "side": "SELL",
        "size": "1",
        "price": "2",
        "created_at": at_ms,
        "trade_type": "FILL",
    }


@given(
    times_ms=st.lists(TIMES_MS, max_size=40),
    ends=st.lists(st.integers(0, 100), max_size=12),
    repeats=st.lists(st.integers(0, 6), max_size=6),
    start_ms=st.none() | TIMES_MS,
    end_ms=st.none() | TIMES_MS,
    limit=st.integers(0, 20),
)
def test_newest_first_pages_give_every_row_once(
    times_ms: list[int],
    ends: list[int],
    repeats: list[int],
    start_ms: int | None,
    end_ms: int | None,
    limit: int,
) -> None:
    # Numbered in the order they happened; equal times are in the venue's order.
    happened = [trade(number, at_ms) for number, at_ms in enumerate(sorted(times_ms))]
    venue = PagedVenue(happened[::-1], ends, repeats)
    history = asyncio.run(_fetch(venue, start_ms, end_ms, limit))
    wanted = [
        row["id"] for row in happened if (start_ms or 0) <= row["created_at"] <= (end_ms or 99)
    ]
    assert [row[2] for row in history.rows] == wanted[-limit:]
    assert not history.is_cut


@given(
    times_ms=st.lists(TIMES_MS, max_size=40),
    ends=st.lists(st.integers(0, 100), max_size=12),
    repeats=st.lists(st.integers(0, 6), max_size=6),
    shuffler=st.randoms(use_true_random=False),
    limit=st.integers(0, 20),
)
def test_pages_in_any_order_give_every_row_once_and_the_latest_of_a_limit(
    times_ms: list[int], ends: list[int], repeats: list[int], shuffler: Any, limit: int
) -> None:
    rows = [trade(number, at_ms) for number, at_ms in enumerate(times_ms)]
    shuffler.shuffle(rows)
    history = asyncio.run(_fetch(PagedVenue(rows, ends, repeats), None, None, 0))
    assert sorted(row[2] for row in history.rows) == sorted(row["id"] for row in rows)
    times = [row[8] // MS for row in history.rows]
    assert times == sorted(times)
    limited = asyncio.run(_fetch(PagedVenue(rows[::-1], ends, repeats), None, None, limit))
    ids = [row[2] for row in limited.rows]
    assert len(ids) == len(set(ids))
    assert len(ids) == (min(limit, len(rows)) if limit else len(rows))


async def _fetch(venue: PagedVenue, start_ms: int | None, end_ms: int | None, limit: int) -> Any:
    return await fetch_trades(
        cast(HttpClient, venue),
        "BTC-USD-PERP",
        None if start_ms is None else start_ms * MS,
        None if end_ms is None else end_ms * MS,
        limit,
        requests_max=PAGES_MAX,
    )
