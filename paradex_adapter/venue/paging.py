"""Walking the pages of a list, to the end or to an error, never silently short."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Final

from paradex_adapter.venue.errors import MalformedReply

PAGES_MAX: Final = 1000


async def iter_pages[Page](
    fetch: Callable[[str | None], Awaitable[tuple[Page, str | None]]],
    pages_max: int = PAGES_MAX,
) -> AsyncGenerator[Page]:
    """Yield page after page, until one names no next.

    Parameters
    ----------
    fetch : Callable[[str | None], Awaitable[tuple[Page, str | None]]]
        Fetches the page of a cursor (None for the first) and returns it with the next cursor, None
        or "" at the end.
    pages_max : int
        The most pages that are fetched.

    Raises
    ------
    MalformedReply
        If there are more pages, or a cursor leads back to its own page. What was yielded until
        then is incomplete.
    """
    cursor: str | None = None
    for _ in range(pages_max):
        page, next_cursor = await fetch(cursor)
        yield page
        if not next_cursor:
            return
        if next_cursor == cursor:
            raise MalformedReply("paged list", "a page names itself as the next")
        cursor = next_cursor
    raise MalformedReply("paged list", f"more than {pages_max} pages")
