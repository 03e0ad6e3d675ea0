"""``paradex-history``: what it writes, that it goes on where it stopped, and what it says."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import orjson
import pytest
import respx
from nautilus_trader.model.data import TradeTick
from nautilus_trader.persistence.catalog import ParquetDataCatalog

from paradex_adapter import history as downloads
from paradex_adapter.history import (
    BARS_PER_WINDOW,
    EXIT_DONE,
    EXIT_FAILED,
    EXIT_USAGE,
    SETTLING_NS,
    STAGING_DIRECTORY,
    Download,
    HistoryDownloader,
    HistoryRefused,
    run,
)
from paradex_adapter.history_progress import PrintedProgress, Progress
from paradex_adapter.local_exchange.threaded import ThreadedExchange
from paradex_adapter.venue.errors import VenueUnavailable
from paradex_adapter.venue.http import HttpClient
from tests.fixture_files import load_rest

BASE = "https://api.example.test/v1"
MARKET = "BTC-USD-PERP"
BTC = f"{MARKET}.PARADEX"
MS = 10**6
SEC = 10**9
HOUR = 3600 * SEC
NOON = 1_763_726_400 * SEC
NOW = NOON + 100 * HOUR


class FakeVenue:
    """Has the trades, bars and funding that a test gives it; counts what it is asked."""

    def __init__(self, router: respx.MockRouter) -> None:
        self.markets = orjson.loads(load_rest("recorded_markets").body)
        self.trades_ns: list[int] = []
        self.prices: list[str] = []
        self.asked: list[tuple[int, int]] = []
        self.failing_after = 10**6
        router.get("/markets").mock(side_effect=self.list_markets)
        router.get("/trades").mock(side_effect=self.list_trades)
        router.get("/markets/klines").mock(side_effect=self.list_klines)
        router.get("/funding/data").mock(side_effect=self.list_funding)

    def list_markets(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=orjson.dumps(self.markets))

    def list_trades(self, request: httpx.Request) -> httpx.Response:
        start, end = self._bounds(request)
        if len(self.asked) > self.failing_after:
            return httpx.Response(503)
        rows = [
            {
                "id": str(number),
                "market": MARKET,
                "side": "BUY",
                "size": "0.1",
                "price": self.prices[number] if self.prices else "90000",
                "created_at": at_ns // MS,
                "trade_type": "FILL",
            }
            for number, at_ns in enumerate(self.trades_ns)
            if start <= at_ns // MS <= end
        ]
        return httpx.Response(200, json={"next": None, "results": rows[::-1]})

    def list_klines(self, request: httpx.Request) -> httpx.Response:
        start, end = self._bounds(request)
        width = int(_query(request)["resolution"]) * 60_000
        openings = range(-(-start // width) * width, end + 1, width)
        rows = [[at, 90000.1, 90000.3, 90000.0, 90000.2, 0.5] for at in openings]
        return httpx.Response(200, json={"results": rows})

    def list_funding(self, request: httpx.Request) -> httpx.Response:
        start, end = self._bounds(request)
        hours = range(-(-start // 3_600_000), end // 3_600_000 + 1)
        rows = [
            {
                "market": MARKET,
                "funding_rate": "0.0001",
                "funding_period_hours": 8,
                "created_at": hour * 3_600_000,
            }
            for hour in hours
        ]
        return httpx.Response(200, json={"next": None, "results": rows[::-1]})

    def _bounds(self, request: httpx.Request) -> tuple[int, int]:
        asked = _query(request)
        bounds = int(asked["start_at"]), int(asked["end_at"])
        self.asked.append(bounds)
        return bounds


def _query(request: httpx.Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(str(request.url)).query).items()}


class Told(Progress):
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.steps: list[str] = []

    def note(self, line: str) -> None:
        self.notes.append(line)

    def step(self, line: str) -> None:
        self.steps.append(line)


@pytest.fixture
def router() -> Iterator[respx.MockRouter]:
    with respx.mock(base_url=BASE, using="httpx", assert_all_called=False) as router:
        yield router


@pytest.fixture
def venue(router: respx.MockRouter) -> FakeVenue:
    return FakeVenue(router)


async def download(path: Path, kind: str = "trades", now_ns: int = NOW, **terms: Any) -> Told:
    """Download from noon for three hours, unless `terms` say otherwise; return what was told."""
    what = Download(
        **{"market": MARKET, "kind": kind, "start_ns": NOON, "end_ns": NOON + 3 * HOUR} | terms
    )
    told = Told()
    http = HttpClient(BASE, max_retries=0)
    try:
        await HistoryDownloader(http, path, what, clock_ns=lambda: now_ns, progress=told).run()
    finally:
        await http.close()
    return told


def trades_in(path: Path) -> list[TradeTick]:
    ticks: list[TradeTick] = ParquetDataCatalog(path).trade_ticks()
    return ticks


def files_in(path: Path) -> list[str]:
    return sorted(str(file.relative_to(path)) for file in path.rglob("*") if file.is_file())


# -- what is written -----------------------------------------------------------------------------


async def test_trades_are_in_the_catalog_oldest_first(venue: FakeVenue, tmp_path: Path) -> None:
    venue.trades_ns = [NOON, NOON + MS, NOON + MS, NOON + 2 * HOUR, NOON + 3 * HOUR]
    told = await download(tmp_path)
    ticks = trades_in(tmp_path)
    # The end is not included.
    assert [str(tick.trade_id) for tick in ticks] == ["0", "1", "2", "3"]
    assert [tick.ts_init for tick in ticks] == venue.trades_ns[:4]
    assert [tick.ts_event for tick in ticks] == venue.trades_ns[:4]
    assert told.steps[0] == "2025-11-21T13:00:00Z: 3 trades (1 of 3)"
    assert told.notes == []


async def test_the_instrument_is_there_and_dated_before_all_data(
    venue: FakeVenue, tmp_path: Path
) -> None:
    await download(tmp_path)
    await download(tmp_path, kind="funding")
    (instrument,) = ParquetDataCatalog(tmp_path).instruments()
    assert (instrument.id.value, instrument.ts_init) == (BTC, 0)


@pytest.mark.parametrize(
    ("terms", "bar_type", "count"),
    [
        ({}, "1-MINUTE-LAST", 180),
        ({"resolution_mins": 30, "price_kind": "mark"}, "30-MINUTE-MARK", 6),
        ({"resolution_mins": 60, "price_kind": "underlying"}, "1-HOUR-MID", 3),
    ],
)
async def test_bars_are_under_the_type_a_live_node_would_ask_for(
    venue: FakeVenue, tmp_path: Path, terms: dict[str, Any], bar_type: str, count: int
) -> None:
    await download(tmp_path, kind="bars", **terms)
    bars = ParquetDataCatalog(tmp_path).bars(bar_types=[f"{BTC}-{bar_type}-EXTERNAL"])
    assert len(bars) == count
    # One that closes at noon is the first.
    assert bars[0].ts_event == NOON
    assert str(bars[0].bar_type) == f"{BTC}-{bar_type}-EXTERNAL"
    assert str(bars[0].close) == "90000.2"


async def test_windows_of_bars_tile_the_time(venue: FakeVenue, tmp_path: Path) -> None:
    end_ns = NOON + 3 * BARS_PER_WINDOW * 60 * SEC
    await download(tmp_path, kind="bars", end_ns=end_ns)
    times = [bar.ts_event for bar in ParquetDataCatalog(tmp_path).bars()]
    assert times == list(range(NOON, end_ns, 60 * SEC))


async def test_funding_rates_are_in_the_catalog(venue: FakeVenue, tmp_path: Path) -> None:
    await download(tmp_path, kind="funding")
    updates = ParquetDataCatalog(tmp_path).funding_rates()
    assert [update.ts_event for update in updates] == [NOON, NOON + HOUR, NOON + 2 * HOUR]
    assert {update.interval for update in updates} == {480}


# -- going on ------------------------------------------------------------------------------------


async def test_what_is_there_is_not_asked_for_again(venue: FakeVenue, tmp_path: Path) -> None:
    venue.trades_ns = [NOON, NOON + HOUR, NOON + 2 * HOUR]
    await download(tmp_path)
    venue.asked.clear()
    told = await download(tmp_path)
    assert venue.asked == []
    assert told.steps == []
    assert len(trades_in(tmp_path)) == 3


async def test_a_longer_download_adds_only_what_is_missing(
    venue: FakeVenue, tmp_path: Path
) -> None:
    venue.trades_ns = list(range(NOON - HOUR, NOON + 5 * HOUR, 600 * SEC))
    await download(tmp_path, start_ns=NOON + HOUR // 2, end_ns=NOON + 3 * HOUR // 2)
    venue.asked.clear()
    await download(tmp_path, start_ns=NOON - HOUR, end_ns=NOON + 5 * HOUR)
    assert [tick.ts_event for tick in trades_in(tmp_path)] == venue.trades_ns
    covered = NOON // MS + 1_800_000, NOON // MS + 5_400_000
    assert all(end <= covered[0] + 1 or start >= covered[1] - 1 for start, end in venue.asked)


async def test_a_download_that_failed_goes_on_where_it_stopped(
    venue: FakeVenue, tmp_path: Path
) -> None:
    venue.trades_ns = list(range(NOON, NOON + 3 * HOUR, 600 * SEC))
    venue.failing_after = 1
    with pytest.raises(VenueUnavailable):
        await download(tmp_path)
    assert [tick.ts_event for tick in trades_in(tmp_path)] == venue.trades_ns[:6]
    venue.failing_after = 10**6
    await download(tmp_path)
    assert [tick.ts_event for tick in trades_in(tmp_path)] == venue.trades_ns


async def test_hours_without_trades_are_remembered(venue: FakeVenue, tmp_path: Path) -> None:
    # Nothing before the first trade, between the two, and after the second.
    venue.trades_ns = [NOON + 2 * HOUR, NOON + 5 * HOUR]
    await download(tmp_path, end_ns=NOON + 8 * HOUR)
    venue.asked.clear()
    await download(tmp_path, end_ns=NOON + 8 * HOUR)
    assert venue.asked == []
    assert len(trades_in(tmp_path)) == 2


async def test_a_market_without_trades_is_no_error(venue: FakeVenue, tmp_path: Path) -> None:
    told = await download(tmp_path)
    assert trades_in(tmp_path) == []
    assert len(told.steps) == 3


async def test_too_much_for_one_answer_is_asked_for_in_halves(
    venue: FakeVenue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch = downloads.fetch_trades

    async def fetch_few(*arguments: Any) -> Any:
        return await fetch(*arguments, rows_max=100)

    monkeypatch.setattr(downloads, "fetch_trades", fetch_few)
    venue.trades_ns = [NOON + second * SEC for second in range(0, 3600, 9)]
    await download(tmp_path, end_ns=NOON + HOUR)
    assert [tick.ts_event for tick in trades_in(tmp_path)] == venue.trades_ns


async def test_a_moment_with_too_many_trades_is_refused(
    venue: FakeVenue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch = downloads.fetch_trades

    async def fetch_few(*arguments: Any) -> Any:
        return await fetch(*arguments, rows_max=2)

    monkeypatch.setattr(downloads, "fetch_trades", fetch_few)
    venue.trades_ns = [NOON + 7 * SEC] * 3
    with pytest.raises(HistoryRefused, match="more rows than can be downloaded"):
        await download(tmp_path, end_ns=NOON + HOUR)


async def test_the_last_moments_are_left_for_the_next_run(venue: FakeVenue, tmp_path: Path) -> None:
    now_ns = NOON + HOUR
    venue.trades_ns = [NOON, now_ns - SETTLING_NS, now_ns]
    told = await download(tmp_path, now_ns=now_ns)
    assert [tick.ts_event for tick in trades_in(tmp_path)] == [NOON]
    assert told.notes == ["only what is past is downloaded: until 2025-11-21T12:59:00Z"]
    await download(tmp_path)
    assert len(trades_in(tmp_path)) == 3


async def test_what_cannot_be_read_is_told(venue: FakeVenue, tmp_path: Path) -> None:
    venue.trades_ns = [NOON, NOON + SEC]
    venue.prices = ["-1", "90000"]
    told = await download(tmp_path, end_ns=NOON + HOUR)
    assert len(trades_in(tmp_path)) == 1
    (note,) = told.notes
    assert note.startswith("warning: skipped row")
    assert note.endswith("(1 of the venue's rows)")


async def test_what_nautilus_cannot_hold_is_told(venue: FakeVenue, tmp_path: Path) -> None:
    venue.trades_ns = [NOON, NOON + SEC]
    venue.prices = ["99999999999999999999", "90000"]
    told = await download(tmp_path, end_ns=NOON + HOUR)
    assert len(trades_in(tmp_path)) == 1
    (note,) = told.notes
    assert "out of Nautilus' range" in note


# -- what a dying run leaves ---------------------------------------------------------------------


async def test_half_a_file_is_never_among_the_catalogs(
    venue: FakeVenue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venue.trades_ns = [NOON, NOON + HOUR]
    await download(tmp_path, end_ns=NOON + HOUR)
    before = files_in(tmp_path)

    class Killed(BaseException):
        pass

    def die(path: Path) -> None:
        path.write_bytes(path.read_bytes()[:100])
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(downloads, "_sync", die)
        with pytest.raises(Killed):
            await download(tmp_path)
    left = [name for name in files_in(tmp_path) if not name.startswith(STAGING_DIRECTORY)]
    assert left == before
    assert len(trades_in(tmp_path)) == 1
    # The next run clears it away and goes on.
    await download(tmp_path)
    assert len(trades_in(tmp_path)) == 2
    assert not [name for name in files_in(tmp_path) if name.startswith(STAGING_DIRECTORY)]


def test_a_killed_process_leaves_a_readable_catalog_that_is_gone_on_with(tmp_path: Path) -> None:
    with ThreadedExchange(seed=1, simulation_interval_ms=0) as exchange:
        end_secs = time.time_ns() // SEC - 3600
        command = _command(exchange.base_url_http, tmp_path, end_secs - 20 * 3600, end_secs)
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while not any((tmp_path / "data").rglob("trade_tick/*/*.parquet")):
            assert process.poll() is None, "it ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.02)  # The exchange runs in this process, and needs its turns.
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)
        some = len(trades_in(tmp_path))
        assert some > 0
        subprocess.run(command, check=True, timeout=60, capture_output=True)
        ticks = trades_in(tmp_path)
        whole = tmp_path / "whole"
        start_ns = (end_secs - 20 * 3600) * SEC
        run(Download(MARKET, "trades", start_ns, end_secs * SEC), whole, exchange.base_url_http)
    assert len(ticks) > some
    assert ticks == trades_in(whole)


def _command(base_url: str, catalog: Path, start_secs: int, end_secs: int) -> list[str]:
    start, end = (
        time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) for at in (start_secs, end_secs)
    )
    code = "import sys; from paradex_adapter.cli import history; sys.exit(history())"
    options = ["--market", MARKET, "--kind", "trades", "--start", start, "--end", end]
    where = ["--catalog", str(catalog), "--base-url-http", base_url]
    return [sys.executable, "-c", code, *options, *where]


# -- what is refused -----------------------------------------------------------------------------


async def test_a_market_that_is_not_listed(venue: FakeVenue, tmp_path: Path) -> None:
    with pytest.raises(HistoryRefused, match="NOPE-USD-PERP is not listed at Paradex"):
        await download(tmp_path, market="NOPE-USD-PERP")


async def test_another_tick_needs_another_catalog(venue: FakeVenue, tmp_path: Path) -> None:
    await download(tmp_path)
    venue.markets["results"][0]["price_tick_size"] = "0.01"
    with pytest.raises(
        HistoryRefused, match=r"price_precision of BTC-USD-PERP\.PARADEX changed from 1 to 2"
    ):
        await download(tmp_path)


async def test_new_fees_replace_the_instrument(venue: FakeVenue, tmp_path: Path) -> None:
    await download(tmp_path)
    venue.markets["results"][0]["order_size_increment"] = "0.00002"
    await download(tmp_path)
    (instrument,) = ParquetDataCatalog(tmp_path).instruments()
    assert str(instrument.size_increment) == "0.00002"


@pytest.fixture
def wanted() -> Download:
    return Download(MARKET, "trades", NOON, NOON + HOUR)


def test_run_says_how_much_was_written(
    venue: FakeVenue,
    wanted: Download,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    venue.trades_ns = [NOON]
    assert run(wanted, tmp_path / "new" / "catalog", BASE) == EXIT_DONE
    said = capsys.readouterr()
    assert said.out == f"1 new trades of {MARKET} written to {tmp_path}/new/catalog\n"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda venue, path: path.write_text(""), "cannot write the catalog"),
        (lambda venue, path: setattr(venue, "failing_after", -1), "venue unavailable"),
    ],
)
def test_run_says_in_one_line_what_is_wrong(
    venue: FakeVenue,
    wanted: Download,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    spoil: Callable[[FakeVenue, Path], None],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(HttpClient.__init__.__kwdefaults__, "max_retries", 0)
    spoil(venue, tmp_path / "catalog")
    assert run(wanted, tmp_path / "catalog", BASE) == EXIT_FAILED
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("paradex-history: ")
    assert said in line


UNKNOWN_MARKET = load_rest("recorded_error_unknown_market")


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(UNKNOWN_MARKET.status, content=UNKNOWN_MARKET.body),
        httpx.Response(200, json={"results": []}),
    ],
    ids=["refused", "not among them"],
)
def test_an_unknown_market_is_the_users_mistake_with_the_way_to_the_known_ones(
    router: respx.MockRouter,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    answer: httpx.Response,
) -> None:
    router.get("/markets").mock(return_value=answer)
    assert run(Download("NOPE-USD-PERP", "bars", NOON, NOON + HOUR), tmp_path, BASE) == EXIT_USAGE
    (line,) = capsys.readouterr().err.splitlines()
    assert line == (
        "paradex-history: NOPE-USD-PERP is not listed at Paradex; "
        f"GET {BASE}/markets lists the markets there are"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_404_that_is_not_the_venues_says_nothing_of_the_market(
    router: respx.MockRouter, wanted: Download, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    router.get("/markets").respond(404, text="<h1>nginx</h1>")
    assert run(wanted, tmp_path, BASE) == EXIT_FAILED
    assert "listed" not in capsys.readouterr().err


def test_steps_are_printed_once_a_second_and_notes_always(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    progress = PrintedProgress()
    for at, line in ((100.0, "a"), (100.5, "b"), (101.0, "c")):
        now[0] = at
        progress.step(line)
    progress.note("d")
    lines = capsys.readouterr().err.splitlines()
    assert [line[-1] for line in lines] == ["a", "c", "d"]
