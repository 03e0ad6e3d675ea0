"""Pages to the end, or an error: never a list that ends early in silence."""

import pytest

from paradex_adapter.venue.errors import MalformedReply, VenueUnavailable
from paradex_adapter.venue.paging import iter_pages


@pytest.mark.parametrize("end", [None, ""])
async def test_every_page_is_fetched_with_the_cursor_of_the_one_before(end: str | None) -> None:
    pages = {None: ([1, 2], "a"), "a": ([3], "b"), "b": ([], end)}
    asked: list[str | None] = []

    async def fetch(cursor: str | None) -> tuple[list[int], str | None]:
        asked.append(cursor)
        return pages[cursor]

    assert [page async for page in iter_pages(fetch)] == [[1, 2], [3], []]
    assert asked == [None, "a", "b"]


async def test_more_pages_than_the_bound_are_an_error() -> None:
    async def fetch(cursor: str | None) -> tuple[int, str | None]:
        number = int(cursor or "0") + 1
        return number, str(number)

    seen: list[int] = []

    async def collect() -> None:
        async for page in iter_pages(fetch, pages_max=5):
            seen.append(page)

    with pytest.raises(MalformedReply, match="more than 5 pages"):
        await collect()
    assert seen == [1, 2, 3, 4, 5]


async def test_a_cursor_that_leads_nowhere_is_an_error() -> None:
    async def fetch(cursor: str | None) -> tuple[int, str | None]:
        return 1, "same"

    with pytest.raises(MalformedReply, match="names itself"):
        async for _ in iter_pages(fetch):
            pass


async def test_a_failure_half_way_is_raised() -> None:
    async def fetch(cursor: str | None) -> tuple[int, str | None]:
        if cursor is None:
            return 1, "next"
        raise VenueUnavailable("GET /fills", "503")

    with pytest.raises(VenueUnavailable):
        async for _ in iter_pages(fetch):
            pass
