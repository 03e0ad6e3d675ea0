"""The REST endpoints: one small function each, and what they share in asking and paging."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from itertools import islice
from typing import Final, Protocol, TypeVar

import orjson
from aiohttp import web

from paradex_adapter.local_exchange.errors import VenueError
from paradex_adapter.local_exchange.tokens import Cursors

PAGE_SIZE_DEFAULT: Final = 100
PAGE_SIZE_MAX: Final = 5000
BODY_BYTES_MAX: Final = 2**20
QUERY_VALUE_LENGTH_MAX: Final = 4096

Handler = Callable[[web.Request], Awaitable[web.Response]]


class Listed(Protocol):
    """Something that is listed newest first and paged through."""

    @property
    def ordinal(self) -> int:
        """Its place among all of its kind."""

    @property
    def created_at(self) -> int:
        """When it came into being, in milliseconds."""


ListedT = TypeVar("ListedT", bound=Listed)


def json_response(body: object, status: int = 200) -> web.Response:
    """Return a JSON response."""
    return web.Response(
        status=status, body=orjson.dumps(body), content_type="application/json", charset="utf-8"
    )


def error_response(error: VenueError) -> web.Response:
    """Return the venue's error body."""
    return json_response(error.body(), error.status)


async def json_body(request: web.Request) -> object:
    """Read the JSON body of a request.

    Raises
    ------
    VenueError
        ``BINDING_ERROR`` when it is not JSON.
    """
    raw = await request.read()
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise VenueError("BINDING_ERROR", "request body: invalid JSON") from error


def integer_parameter(query: dict[str, str], name: str) -> int | None:
    """Return an optional integer of the query.

    Raises
    ------
    VenueError
        ``INVALID_REQUEST_PARAMETER``.
    """
    text = query.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 16):
        raise VenueError("INVALID_REQUEST_PARAMETER", f"{name}: expected an integer")
    return int(text)


def word_parameter(query: dict[str, str], name: str, words: Iterable[str]) -> str | None:
    """Return an optional word of the query.

    Raises
    ------
    VenueError
        ``INVALID_REQUEST_PARAMETER`` when it is none of the words.
    """
    word = query.get(name, "")
    if word and word not in words:
        raise VenueError("INVALID_REQUEST_PARAMETER", f"{name}: invalid value")
    return word or None


def plain_query(request: web.Request) -> dict[str, str]:
    """Return the query of a request.

    Raises
    ------
    VenueError
        ``INVALID_REQUEST_PARAMETER`` when a value is too long.
    """
    if any(len(value) > QUERY_VALUE_LENGTH_MAX for value in request.query.values()):
        raise VenueError("INVALID_REQUEST_PARAMETER", "query value is too long")
    return dict(request.query)


class Pager:
    """Pages through lists, newest first, with signed cursors."""

    def __init__(self, cursors: Cursors) -> None:
        self._cursors = cursors

    def query(self, request: web.Request) -> tuple[dict[str, str], int | None]:
        """Return the filters of a request and the ordinal below which its page begins.

        Raises
        ------
        VenueError
            ``INVALID_REQUEST_PARAMETER`` for a cursor of another query or endpoint.
        """
        query = plain_query(request)
        cursor = query.pop("cursor", "")
        query.pop("page_size", None)
        query = {"path": request.path, **query}
        if not cursor:
            return query, None
        filters, marker = self._cursors.read(cursor)
        if any(filters.get(name) != value for name, value in query.items()):
            raise VenueError("INVALID_REQUEST_PARAMETER", "cursor: belongs to another query")
        return filters, marker

    def page(
        self,
        request: web.Request,
        items: Iterable[ListedT],
        response: Callable[[ListedT], dict[str, object]],
        *,
        size_max: int = PAGE_SIZE_MAX,
    ) -> web.Response:
        """Return one page of items, which come newest first and filtered but for the time."""
        filters, marker = self.query(request)
        size = integer_parameter(plain_query(request), "page_size")
        if size is not None and not 1 <= size <= size_max:
            raise VenueError("INVALID_REQUEST_PARAMETER", f"page_size: must be 1 to {size_max}")
        size = PAGE_SIZE_DEFAULT if size is None else size
        start, end = integer_parameter(filters, "start_at"), integer_parameter(filters, "end_at")
        fitting = (
            item
            for item in items
            if (marker is None or item.ordinal < marker)
            and (start is None or item.created_at >= start)
            and (end is None or item.created_at <= end)
        )
        page = list(islice(fitting, size))
        body: dict[str, object] = {"next": None, "prev": None}
        if next(fitting, None) is not None:
            body["next"] = self._cursors.write(filters, page[-1].ordinal)
        body["results"] = [response(item) for item in page]
        return json_response(body)
