"""Download the past of a market into a Nautilus `ParquetDataCatalog`: ``paradex-history``.

The time asked for is cut into windows. What the catalog covers already, by the names of its files,
is not asked for again; the rest is written window after window, oldest first, so a download that
was interrupted goes on where it stopped.

A file is written beside the catalog's own and moved to its place when it is whole: whoever reads
the catalog, at whatever moment a download died, sees whole files only.
"""

import asyncio
import os
import shutil
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, final

from nautilus_trader.model.data import Bar, BarType, FundingRateUpdate, TradeTick
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.persistence.catalog import ParquetDataCatalog

from paradex_adapter.cli_errors import explain
from paradex_adapter.history_progress import PrintedProgress, Progress
from paradex_adapter.recording import bare_url
from paradex_adapter.translate.history import (
    PRICE_KINDS,
    UnusableKline,
    funding_to_update,
    kline_to_bar,
)
from paradex_adapter.translate.instruments import MarketRefused, market_to_instrument
from paradex_adapter.translate.market_data import OutOfRange, PriceTables, trade_to_trade_tick
from paradex_adapter.venue.errors import InvalidRequest, ParadexError, RequestRejected, excerpt
from paradex_adapter.venue.history import (
    NANOS_PER_MILLI,
    History,
    fetch_funding,
    fetch_klines,
    fetch_trades,
)
from paradex_adapter.venue.http import HttpClient
from paradex_adapter_core.errors import CoreError
from paradex_adapter_core.messages.markets import Market
from paradex_adapter_core.parsers.markets import parse_markets

ROW_NAMES: Final = {"trades": "trades", "bars": "bars", "funding": "funding rates"}
# The venue may still be adding rows of the last moments: they are left for the next run.
SETTLING_NS: Final = 60 * 1_000_000_000
NANOS_PER_HOUR: Final = 3600 * 1_000_000_000
# One window is one file: small enough to hold in memory, large enough that a year is no crowd.
TRADES_WINDOW_NS: Final = NANOS_PER_HOUR
FUNDING_WINDOW_NS: Final = 24 * NANOS_PER_HOUR
BARS_PER_WINDOW: Final = 1440
STAGING_DIRECTORY: Final = ".paradex-history"

EXIT_DONE: Final = 0
EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_INTERRUPTED: Final = 130

type Span = tuple[int, int]


@dataclass(frozen=True)
class Download:
    """What to download.

    Attributes
    ----------
    market : str
        The venue's symbol, such as ``BTC-USD-PERP``.
    kind : str
        One of `ROW_NAMES`.
    start_ns, end_ns : int
        From when to before when, in nanoseconds since the Unix epoch. Bars belong to the time they
        close at.
    resolution_mins : int
        Of bars: 1, 3, 5, 15, 30 or 60.
    price_kind : str
        Of bars: "last", "mark" or "underlying".
    """

    market: str
    kind: str
    start_ns: int
    end_ns: int
    resolution_mins: int = 1
    price_kind: str = "last"


class HistoryRefused(ParadexError):
    """A download that cannot go on, and why.

    Parameters
    ----------
    reason : str
        One sentence.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason: Final = reason

    def __str__(self) -> str:
        return self.reason


@final
class MarketUnknown(HistoryRefused):
    """The venue lists no such market.

    Parameters
    ----------
    market : str
        The symbol asked for.
    """

    def __init__(self, market: str) -> None:
        super().__init__(f"{excerpt(market)} is not listed at Paradex")


@final
class HistoryDownloader:
    """Writes one `Download` into a catalog.

    Parameters
    ----------
    http : HttpClient
        The venue's REST interface.
    catalog_path : Path
        The catalog's directory; made when it is not there.
    download : Download
        What to download.
    clock_ns : Callable[[], int]
        Nanoseconds since the Unix epoch.
    progress : Progress, optional
        Is told how far it is, and what is not as it should be.

    Attributes
    ----------
    rows : int
        How many rows were written so far.
    """

    def __init__(
        self,
        http: HttpClient,
        catalog_path: Path,
        download: Download,
        *,
        clock_ns: Callable[[], int] = time.time_ns,
        progress: Progress | None = None,
    ) -> None:
        self._http: Final = http
        self._path: Final = catalog_path
        self._download: Final = download
        self._clock_ns: Final = clock_ns
        self._progress: Final = progress or Progress()
        self._catalog: Final = ParquetDataCatalog(catalog_path)
        name = blake2b(repr(download).encode(), digest_size=8).hexdigest()
        self._staging: Final = catalog_path / STAGING_DIRECTORY / name
        # What was found empty with no file before it: the next file covers it.
        self._empty: Span | None = None
        self._prices: Final = PriceTables()
        self.rows = 0

    async def run(self) -> None:
        """Download what the catalog does not have yet.

        Raises
        ------
        ParadexError
            What `HttpClient` raises; `MarketUnknown` if the venue does not list the market, and
            another `HistoryRefused` if it cannot be downloaded.
        CoreError
            If an answer cannot be read.
        OSError
            If the catalog cannot be written.
        """
        instrument = await self._write_instrument()
        settled_ns = self._clock_ns() - SETTLING_NS
        end_ns = min(self._download.end_ns, settled_ns)
        if end_ns < self._download.end_ns:
            self._progress.note(f"only what is past is downloaded: until {_moment(end_ns)}")
        data_cls, identifier = _target(self._download, instrument)
        # Windows are laid from the epoch on, so that every run has the same.
        windows = _split(self._download.start_ns, end_ns, _window_ns(self._download))
        for number, (first, last) in enumerate(windows, 1):
            written = 0
            missing = self._catalog.get_missing_intervals_for_request(
                first, last, data_cls, identifier
            )
            for span in missing:
                written += await self._write_span(span, instrument, data_cls, identifier)
            if missing:
                until = _moment(last + 1)
                self._progress.step(
                    f"{until}: {written} {ROW_NAMES[self._download.kind]} "
                    f"({number} of {len(windows)})"
                )

    async def _write_instrument(self) -> Instrument:
        """Write the instrument, dated to the epoch: it is that of all the data there is."""
        market = await self._need_market()
        try:
            instrument = market_to_instrument(market, ts_init=0)
        except MarketRefused as refusal:
            raise HistoryRefused(str(refusal)) from refusal
        for known in self._catalog.instruments(instrument_ids=[instrument.id.value]):
            for field in ("price_precision", "size_precision"):
                if getattr(known, field) != getattr(instrument, field):
                    raise HistoryRefused(
                        f"the {field} of {instrument.id} changed from {getattr(known, field)} to "
                        f"{getattr(instrument, field)}: use another catalog"
                    )
        self._write([instrument], None)
        return instrument

    async def _need_market(self) -> Market:
        symbol = self._download.market
        try:
            rows = parse_markets(await self._http.get_markets(symbol))
        except RequestRejected as error:
            # A page of something that is not the venue has no code.
            if error.status == HTTPStatus.NOT_FOUND and error.code:
                raise MarketUnknown(symbol) from error
            raise
        market = next((row for row in rows if row.symbol == symbol), None)
        if market is None:
            raise MarketUnknown(symbol)
        return market

    async def _write_span(
        self, span: Span, instrument: Instrument, data_cls: type, identifier: str
    ) -> int:
        """Fetch and write the data of a span, in two halves if it is too much for one answer."""
        first, last = span
        history = await self._fetch(instrument, first, last)
        if history.is_cut:
            middle = (first + last) // 2 // NANOS_PER_MILLI * NANOS_PER_MILLI
            if not first < middle <= last:
                raise HistoryRefused(f"{_moment(first)} holds more rows than can be downloaded")
            halves = (first, middle - 1), (middle, last)
            return sum(
                [await self._write_span(half, instrument, data_cls, identifier) for half in halves]
            )
        for kind, count in history.unreadable.items():
            self._progress.note(f"warning: {excerpt(kind)} ({count} of the venue's rows)")
        data = self._translate(history, instrument)
        if self._empty is not None and self._empty[1] == first - 1:
            first = self._empty[0]
        self._empty = None
        if data:
            self._write(data, (first, last))
        else:
            # Nautilus' way to remember that there is nothing: the file beside it covers it too.
            self._catalog.extend_file_name(data_cls, identifier, first, last)
            if self._catalog.get_missing_intervals_for_request(first, last, data_cls, identifier):
                self._empty = first, last
        self.rows += len(data)
        return len(data)

    def _fetch(self, instrument: Instrument, first: int, last: int) -> Awaitable[History[Any]]:
        symbol = instrument.id.symbol.value
        match self._download.kind:
            case "trades":
                return fetch_trades(self._http, symbol, first, last)
            case "funding":
                return fetch_funding(self._http, symbol, first, last)
        resolution, price_kind = self._download.resolution_mins, self._download.price_kind
        return fetch_klines(
            self._http, symbol, resolution, price_kind, max(1, first), last, now_ns=self._clock_ns()
        )

    def _translate(self, history: History[Any], instrument: Instrument) -> list[Any]:
        scales = self._prices.scales_of(instrument)
        bar_type = _bar_type(self._download, instrument) if self._download.kind == "bars" else None
        data: list[Any] = []
        for row in history.rows:
            try:
                if bar_type is not None:
                    data.append(kline_to_bar(row, bar_type, scales))
                elif self._download.kind == "trades":
                    data.append(trade_to_trade_tick(row, scales, row[8]))
                else:
                    data.append(funding_to_update(row, instrument.id, row.ts_event))
            except (OutOfRange, UnusableKline, OverflowError) as error:
                self._progress.note(f"warning: left out, {error}")
        return [item for item in data if item is not None]

    def _write(self, data: list[Any], span: Span | None) -> None:
        """Write one file beside the catalog, then move it into its place."""
        # A run that was killed may have left something there.
        shutil.rmtree(self._staging, ignore_errors=True)
        self._staging.mkdir(parents=True)
        first, last = span or (None, None)
        ParquetDataCatalog(self._staging).write_data(data, first, last)
        for staged in self._staging.rglob("*.parquet"):
            target = self._path / staged.relative_to(self._staging)
            target.parent.mkdir(parents=True, exist_ok=True)
            _sync(staged)
            staged.replace(target)
        shutil.rmtree(self._staging, ignore_errors=True)


def run(download: Download, catalog_path: Path, base_url_http: str) -> int:
    """Download, telling the progress on standard error; return the exit code.

    Parameters
    ----------
    download : Download
        What to download.
    catalog_path : Path
        The catalog's directory.
    base_url_http : str
        Where REST requests go, with ``/v1``.

    Returns
    -------
    int
        0 when all is written, 2 when the market is unknown, 130 when it was interrupted, 1 when
        anything else went wrong.
    """
    if sys.stderr.isatty():
        # A venue that does not answer is waited for, with retries.
        sys.stderr.write(f"paradex-history: asking {bare_url(base_url_http)} ...\n")
    try:
        catalog_path.mkdir(parents=True, exist_ok=True)
        rows = asyncio.run(_run(download, catalog_path, base_url_http))
    except MarketUnknown as error:
        _fail(f"{error}; GET {base_url_http}/markets lists the markets there are")
        return EXIT_USAGE
    except (ParadexError, CoreError) as error:
        return _fail(explain(error))
    except OSError as error:
        why = error.strerror or error
        return _fail(f"cannot write the catalog {catalog_path} ({why}); name another folder")
    except KeyboardInterrupt:
        _fail("interrupted; the same command goes on from here")
        return EXIT_INTERRUPTED
    what = f"{rows} new {ROW_NAMES[download.kind]} of {download.market}"
    sys.stdout.write(f"{what} written to {catalog_path}\n")
    return EXIT_DONE


async def _run(download: Download, catalog_path: Path, base_url_http: str) -> int:
    http = HttpClient(base_url_http)
    try:
        downloader = HistoryDownloader(http, catalog_path, download, progress=PrintedProgress())
        await downloader.run()
        return downloader.rows
    finally:
        await http.close()


def _fail(reason: str) -> int:
    sys.stderr.write(f"paradex-history: {reason}\n")
    return EXIT_FAILED


def _target(download: Download, instrument: Instrument) -> tuple[type, str]:
    """Return the class and the identifier under which the catalog keeps the data."""
    match download.kind:
        case "trades":
            return TradeTick, instrument.id.value
        case "funding":
            return FundingRateUpdate, instrument.id.value
        case "bars":
            return Bar, str(_bar_type(download, instrument))
    raise InvalidRequest("kind", f"is one of {tuple(ROW_NAMES)}")


def _bar_type(download: Download, instrument: Instrument) -> BarType:
    # Nautilus knows sixty minutes as an hour alone.
    minutes = download.resolution_mins
    step = "1-HOUR" if minutes == 60 else f"{minutes}-MINUTE"
    price_types = {price_kind: price_type for price_type, price_kind in PRICE_KINDS.items()}
    price_type = price_types[download.price_kind].name
    return BarType.from_str(f"{instrument.id}-{step}-{price_type}-EXTERNAL")


def _window_ns(download: Download) -> int:
    match download.kind:
        case "trades":
            return TRADES_WINDOW_NS
        case "funding":
            return FUNDING_WINDOW_NS
    return BARS_PER_WINDOW * download.resolution_mins * 60 * 1_000_000_000


def _split(start_ns: int, end_ns: int, window_ns: int) -> list[Span]:
    """Return the windows from `start_ns` to before `end_ns`: the first and last moment of each."""
    spans = []
    while start_ns < end_ns:
        stop_ns = min(end_ns, (start_ns // window_ns + 1) * window_ns)
        spans.append((start_ns, stop_ns - 1))
        start_ns = stop_ns
    return spans


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _moment(at_ns: int) -> str:
    text = datetime.fromtimestamp(at_ns // 1_000_000_000, UTC).isoformat(timespec="seconds")
    return text.replace("+00:00", "Z")
