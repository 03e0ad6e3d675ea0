"""Trades, bars and funding of the past over REST: oldest first, each once, or cut and said so.

The venue states neither the order of its lists nor whether the bounds of a time range belong to it.
So a range is asked for a millisecond wider on either side and trimmed here, and rows are sorted by
time here. Where pages run backward in time, as they do, reading ends when nothing more can be
wanted; where they do not, every page is read.
"""

import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from functools import partial
from typing import Final, NamedTuple, final

from paradex_adapter.venue.errors import InvalidRequest
from paradex_adapter.venue.http import HttpClient
from paradex_adapter.venue.paging import iter_pages
from paradex_adapter_core.messages.market_data import FundingData, KlineTuple, TradeTuple
from paradex_adapter_core.parsers.market_data import (
    parse_funding_data,
    parse_klines,
    parse_trades,
)

NANOS_PER_MILLI: Final = 1_000_000
NANOS_PER_MIN: Final = 60_000_000_000

RESOLUTIONS_MINS: Final = (1, 3, 5, 15, 30, 60)
PRICE_KINDS: Final = ("last", "mark", "underlying")

# The venue's own bounds.
TRADES_PER_PAGE: Final = 1000
FUNDING_PER_PAGE: Final = 5000
# It does not say how many bars it answers with; a chunk of so many asks for less than half a day.
KLINES_PER_CHUNK: Final = 500

# One answer holds no more rows, and takes no more requests.
ROWS_MAX: Final = 200_000
REQUESTS_MAX: Final = 1000
# A range without a beginning ends where so many chunks in a row were empty.
EMPTY_CHUNKS_MAX: Final = 20


@final
class History[Row]:
    """Rows of the past, oldest first.

    Attributes
    ----------
    rows : list[Row]
        Each once, in time order; rows of one time as the venue ordered them.
    is_cut : bool
        Whether a bound was reached before the range was: rows are missing, the oldest ones where
        the venue lists the newest first.
    unreadable : dict[str, int]
        What the parser counted: rows it skipped and words it does not know.
    """

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.is_cut = False
        self.unreadable: dict[str, int] = {}


async def fetch_trades(
    http: HttpClient,
    market: str,
    start_ns: int | None = None,
    end_ns: int | None = None,
    limit: int = 0,
    *,
    rows_max: int = ROWS_MAX,
    requests_max: int = REQUESTS_MAX,
) -> History[TradeTuple]:
    """Return the trades of a market from `start_ns` to `end_ns`, both included.

    Parameters
    ----------
    http : HttpClient
        The venue's REST interface.
    market : str
        Its symbol.
    start_ns, end_ns : int, optional
        Nanoseconds since the Unix epoch. Times of trades are whole milliseconds over REST.
    limit : int
        The most rows, the latest of the range; 0 for all.
    rows_max, requests_max : int
        Bounds of this answer.

    Raises
    ------
    ParadexError
        What `HttpClient` raises, or a page that names itself as the next.
    MalformedMessage
        If a page cannot be read.
    """
    reader = _PageReader(_TRADES, start_ns, end_ns, limit, rows_max, requests_max)
    return await reader.read(partial(http.get_trades, market))


async def fetch_funding(
    http: HttpClient,
    market: str,
    start_ns: int | None = None,
    end_ns: int | None = None,
    limit: int = 0,
    *,
    rows_max: int = ROWS_MAX,
    requests_max: int = REQUESTS_MAX,
) -> History[FundingData]:
    """Return the funding of a market over a time range; otherwise as `fetch_trades`."""
    reader = _PageReader(_FUNDING, start_ns, end_ns, limit, rows_max, requests_max)
    return await reader.read(partial(http.get_funding_data, market))


async def fetch_klines(
    http: HttpClient,
    market: str,
    resolution_mins: int,
    price_kind: str = "last",
    start_ns: int | None = None,
    end_ns: int | None = None,
    limit: int = 0,
    *,
    now_ns: int | None = None,
    rows_max: int = ROWS_MAX,
    requests_max: int = REQUESTS_MAX,
) -> History[KlineTuple]:
    """Return the finished bars that close from `start_ns` to `end_ns`, both included.

    A row's time is the bar's opening; a minute in which nothing happened has no row. Chunks are
    read from the latest backward, so a limit or a bound keeps the latest.

    Parameters
    ----------
    http : HttpClient
        The venue's REST interface.
    market : str
        Its symbol.
    resolution_mins : int
        One of `RESOLUTIONS_MINS`.
    price_kind : str
        One of `PRICE_KINDS`.
    start_ns, end_ns, limit, rows_max, requests_max
        As in `fetch_trades`.
    now_ns : int, optional
        What time it is: a bar that closes later is not finished.

    Raises
    ------
    InvalidRequest
        If the venue has no such bars.
    ParadexError
        What `HttpClient` raises.
    MalformedMessage
        If an answer cannot be read.
    """
    if resolution_mins not in RESOLUTIONS_MINS:
        raise InvalidRequest("resolution", f"is one of {RESOLUTIONS_MINS} minutes")
    if price_kind not in PRICE_KINDS:
        raise InvalidRequest("price_kind", f"is one of {PRICE_KINDS}")
    history = History[KlineTuple]()
    width = resolution_mins * NANOS_PER_MIN
    first, last = _openings(width, start_ns, end_ns, time.time_ns() if now_ns is None else now_ns)
    ask = partial(http.get_klines, market, resolution_mins, price_kind=price_kind)
    found: dict[int, KlineTuple] = {}
    empty_chunks = 0
    requests = 0
    while last >= first:
        if requests == requests_max or len(found) >= rows_max:
            history.is_cut = True
            break
        chunk_first = max(first, last - (KLINES_PER_CHUNK - 1) * width)
        body = await ask(chunk_first // NANOS_PER_MILLI, last // NANOS_PER_MILLI)
        requests += 1
        klines = parse_klines(body, history.unreadable)
        chunk = {kline[0]: kline for kline in klines if chunk_first <= kline[0] <= last}
        found.update(chunk)
        if limit and len(found) >= limit:
            break
        empty_chunks = 0 if chunk else empty_chunks + 1
        if not start_ns and empty_chunks == EMPTY_CHUNKS_MAX:
            break
        last = chunk_first - width
    history.rows = [found[opening] for opening in sorted(found)][-limit:]
    return history


def _openings(
    width_ns: int, start_ns: int | None, end_ns: int | None, now_ns: int
) -> tuple[int, int]:
    """Return the opening times of the first and the last bar that close within a range."""
    end_ns = now_ns if end_ns is None else min(now_ns, end_ns)
    first = max(0, -(-(start_ns or 0) // width_ns) - 1) * width_ns
    return first, (end_ns // width_ns - 1) * width_ns


class _PagedList[Row](NamedTuple):
    """A list of the venue's that is read in pages: what a row is, and how many make a page."""

    parse: Callable[[bytes, dict[str, int]], tuple[list[Row], str | None]]
    rows_per_page: int
    key: Callable[[Row], object]
    time_of: Callable[[Row], int]


class _PageReader[Row]:
    """Reads the pages of one list into a `History`."""

    def __init__(
        self,
        listed: _PagedList[Row],
        start_ns: int | None,
        end_ns: int | None,
        limit: int,
        rows_max: int,
        requests_max: int,
    ) -> None:
        self._listed: Final = listed
        self._start_ns: Final = start_ns or 0
        self._end_ns: Final = end_ns
        self._limit: Final = limit
        self._rows_max: Final = rows_max
        self._requests_max: Final = requests_max
        self._seen: Final[set[object]] = set()
        self._found: Final[list[Row]] = []
        self._is_newest_first = True
        self._oldest_ns: int | None = None

    async def read(self, ask: Callable[..., Awaitable[bytes]]) -> History[Row]:
        """Read until the range, the limit or a bound is reached.

        `ask` takes the bounds in milliseconds, a cursor and the number of rows.
        """
        history = History[Row]()
        start_ms, end_ms = _widened(self._start_ns, self._end_ns)

        async def fetch(cursor: str | None) -> tuple[list[Row], str | None]:
            body = await ask(start_ms, end_ms, cursor, self._listed.rows_per_page)
            return self._listed.parse(body, history.unreadable)

        pages = 0
        # One page more than are wanted tells a list that was cut from one that ended there.
        async with aclosing(iter_pages(fetch, self._requests_max + 1)) as listed:
            async for page in listed:
                pages += 1
                if pages > self._requests_max:
                    history.is_cut = True
                    break
                self._take(page)
                if self._is_done():
                    break
                if len(self._found) >= self._rows_max:
                    history.is_cut = True
                    break
        rows = self._found
        if self._is_newest_first:
            # Sorting keeps the order of equal times, which is theirs at the venue.
            rows.reverse()
        rows.sort(key=self._listed.time_of)
        history.rows = rows[-self._limit :]
        return history

    def _take(self, page: list[Row]) -> None:
        for row in page:
            key, at_ns = self._listed.key(row), self._listed.time_of(row)
            if key in self._seen:
                # Told twice; where it stands the second time says nothing about the order.
                continue
            self._seen.add(key)
            if self._oldest_ns is not None and at_ns > self._oldest_ns:
                self._is_newest_first = False
            self._oldest_ns = at_ns
            if at_ns >= self._start_ns and (self._end_ns is None or at_ns <= self._end_ns):
                self._found.append(row)

    def _is_done(self) -> bool:
        if not self._is_newest_first or self._oldest_ns is None:
            return False
        has_all = 0 < self._limit <= len(self._found)
        return has_all or self._oldest_ns < self._start_ns


def _widened(start_ns: int, end_ns: int | None) -> tuple[int | None, int | None]:
    start_ms = max(0, start_ns // NANOS_PER_MILLI - 1) if start_ns else None
    end_ms = end_ns // NANOS_PER_MILLI + 1 if end_ns is not None else None
    return start_ms, end_ms


def _trade_key(trade: TradeTuple) -> object:
    # The venue's ids are unique per type of trade only.
    return trade[2], trade[6]


def _trade_time(trade: TradeTuple) -> int:
    return trade[8]


def _funding_key(funding: FundingData) -> object:
    return funding.ts_event, funding.funding_index, funding.funding_rate


def _funding_time(funding: FundingData) -> int:
    return funding.ts_event


_TRADES: Final = _PagedList(parse_trades, TRADES_PER_PAGE, _trade_key, _trade_time)
_FUNDING: Final = _PagedList(parse_funding_data, FUNDING_PER_PAGE, _funding_key, _funding_time)
