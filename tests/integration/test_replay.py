"""A recording played back: the same public feed, and orders that take nothing from it."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from paradex_adapter import demo
from paradex_adapter.local_exchange import LocalExchange
from paradex_adapter.local_exchange.replay import PassShift, Replay
from paradex_adapter.local_exchange.sbe_reading import decode
from paradex_adapter.playback import open_recording
from paradex_adapter.recording import RecordingError, read_frames
from paradex_adapter.venue.errors import ConfigurationError
from paradex_adapter_core.parsers.frame import FrameParser
from paradex_adapter_core.vocabulary import KIND_BBO, KIND_BOOK, KIND_TRADE
from tests.child_processes import child_environment
from tests.integration.live_node import live_node
from tests.integration.local_exchange_client import Client, Json, eventually
from tests.integration.recordings import (
    MARKETS,
    START_NS,
    convert_capture,
    markets_file,
    recording,
    write_events,
)
from tests.integration.trading_node import BTC, until
from tests.shared_specs import requires_shared_specs, spec_path

MARKET = "BTC-USD-PERP"
CAPTURE = ("samples", "ws", "sbe_btc_bbo_head_2026-10-08.jsonl")
PASSES = 3


def bbo(seq: int, bid: str, ask: str, size: str = "0.5") -> dict[str, Any]:
    prices = {"bidPrice": Decimal(bid), "askPrice": Decimal(ask)}
    sizes = {"bidSize": Decimal(size), "askSize": Decimal(size)}
    return {"seq": seq, "market": MARKET, **prices, **sizes}


def book(seq: int, kind: str, bids: Sequence[Any] = (), asks: Sequence[Any] = ()) -> dict[str, Any]:
    levels = [[(Decimal(p), Decimal(s)) for p, s in side] for side in (bids, asks)]
    return {"seq": seq, "pkgType": kind, "market": MARKET, "bids": levels[0], "asks": levels[1]}


def trade(seq: int, number: int, price: str, kind: str = "FILL") -> dict[str, Any]:
    return {
        "seq": seq,
        "tradeId": number,
        "tradeIdStr": str(number),
        "side": "BUY",
        "price": Decimal(price),
        "size": Decimal("0.1"),
        "createdAt": START_NS // 1000,
        "tradeType": kind,
        "market": MARKET,
    }


QUIET = [(0, "bbo", bbo(10, "89990", "90010")), (5, "bbo", bbo(12, "89990", "90010"))]


def replay_of(tmp_path: Path, events: Sequence[Any] = QUIET, **options: Any) -> Replay:
    path = write_events(tmp_path / "events.jsonl", events)
    return open_recording(path, markets_file(tmp_path / "markets.json", MARKET), **options)


@asynccontextmanager
async def trading_on(replay: Replay, **options: Any) -> AsyncIterator[Client]:
    async with LocalExchange(replay=replay, **options) as exchange, aiohttp.ClientSession() as http:
        await eventually(lambda: exchange.order_book(MARKET)["bids"])
        yield await Client(exchange, http).log_in()


# --- The same feed --------------------------------------------------------------------------------


def recorded(path: Path, kind: int, take: Callable[[Any], Any]) -> list[Any]:
    """Return something of every recorded message of a kind of the market."""
    parser = FrameParser()
    frames = [frame for frame in read_frames(path) if frame.is_binary]
    messages = [parser.parse_binary(frame.payload) for frame in frames]
    return [take(m) for m in messages if isinstance(m, tuple) and m[0] == kind and m[1] == MARKET]


def has_run(seen: Sequence[Any], whole: Sequence[Any]) -> bool:
    """Return whether all of a pass was seen, from its beginning on."""
    count = len(whole)
    return any(list(seen[at : at + count]) == list(whole) for at in range(len(seen) - count + 1))


async def record_some(tmp_path: Path) -> Path:
    async with (
        LocalExchange(seed=4, simulation_interval_ms=5, summary_interval_ms=20) as exchange,
        recording(exchange, tmp_path) as session,
    ):
        await until(lambda: session.recorder.frames > 400, "frames came")
    return session.path


def units(number: Any) -> int | None:
    return None if number is None else int(number.as_decimal().scaleb(8))


async def test_the_data_client_sees_what_was_recorded(tmp_path: Path) -> None:
    path = await record_some(tmp_path)
    quotes = recorded(path, KIND_BBO, lambda m: m[3:7])
    trades = recorded(path, KIND_TRADE, lambda m: (m[2], m[4], m[5]))
    books = recorded(path, KIND_BOOK, lambda m: len(m[4]) // 2 + len(m[5]) // 2)
    assert min(len(quotes), len(trades), len(books)) > 5
    replay = open_recording(path, is_looped=True)
    async with LocalExchange(replay=replay) as exchange, live_node(exchange) as live:
        watcher = live.trader
        watcher.watch_all()

        def seen_quotes() -> list[Any]:
            return [
                tuple(map(units, (q.bid_price, q.bid_size, q.ask_price, q.ask_size)))
                for q in watcher.quotes
            ]

        def seen_trades() -> list[Any]:
            return [(units(t.price), units(t.size)) for t in watcher.trades]

        await until(lambda: has_run(seen_quotes(), quotes), "all quotes of a pass")
        await until(lambda: has_run(seen_trades(), [t[1:] for t in trades]), "all trades")
        ids = [tick.trade_id for tick in watcher.trades]
        assert len(set(ids)) == len(ids)
        times = [tick.ts_event for tick in watcher.trades]
        assert times == sorted(times)

        def books_agree() -> bool:
            held, told = live.cache.order_book(BTC), exchange.order_book(MARKET, 100)
            return all(
                [(lv.price.as_decimal(), Decimal(str(lv.size())).normalize()) for lv in levels]
                == [(Decimal(p), Decimal(s).normalize()) for p, s in told[side]]
                for side, levels in (("bids", held.bids()), ("asks", held.asks()))
            )

        await until(books_agree, "the books agree")
        counters = live.data_client._feed.counters
        assert not [name for name, count in counters.items() if "gap" in name and count]


async def test_passes_go_on_in_time_and_number(tmp_path: Path) -> None:
    events = [
        (0, "book", book(100, "SNAPSHOT", [("89990", "1")], [("90010", "1")])),
        (10, "book", book(101, "DELTA", [("89991", "1")])),
        (12, "trade", trade(101, 5000, "90010")),
        (13, "trade", trade(0, 5009, "90000", "BLOCK_TRADE")),
        (15, "bbo", bbo(103, "89991", "90010")),
        (20, "funding_data", funding("50")),
        (30, "funding_data", funding("51.5")),
    ]
    replay = replay_of(tmp_path, events, is_looped=True, speed=2.0)
    origin_us = 5_000_000_000
    sent: list[tuple[str, dict[str, Any]]] = []
    for number in range(PASSES):
        shift = PassShift(replay, number, origin_us)
        for _, raw in replay.frames():
            event, fields = decode(raw) or ("", {})
            sent.append((event, shift.fields(event, fields, 1)))
    assert sent[0][1]["ts"] == origin_us
    times = [fields["ts"] for _, fields in sent]
    assert times == sorted(times)
    assert [b - a for a, b in pairwise(times[:4])] == [5000, 1000, 500]
    books = [f for event, f in sent if event == "book"]
    assert [f["seq"] for f in books] == [100, 101, 104, 105, 108, 109]
    trades = [f for event, f in sent if event == "trade"]
    assert [f["tradeIdStr"] for f in trades] == ["5000", "5009", "5010", "5019", "5020", "5029"]
    assert [f["seq"] for f in trades if f["tradeType"] == "BLOCK_TRADE"] == [0, 0, 0]
    indices = [f["fundingIndex"] for event, f in sent if event == "funding_data"]
    assert indices == [Decimal(n) for n in ("50", "51.5", "51.5", "53", "53", "54.5")]


def funding(index: str) -> dict[str, Any]:
    rates = dict.fromkeys(("fundingRate", "fundingPremium", "fundingRate8h"), Decimal("0.0001"))
    times = {"createdAt": START_NS // 1000, "fundingPeriodHours": 8}
    return {"seq": 1, "market": MARKET, "fundingIndex": Decimal(index), **rates, **times}


async def test_a_hole_in_the_recording_is_no_book(tmp_path: Path) -> None:
    events = [
        (0, "book", book(99, "DELTA", [("1", "1")])),
        (1, "book", book(100, "SNAPSHOT", [("89990", "1")], [("90010", "1")])),
        (2, "book", book(101, "DELTA", [("89991", "1")])),
        (3, "book", book(103, "DELTA", [("89992", "1")])),
        (4, "book", book(104, "DELTA", [("89993", "1")])),
    ]
    async with LocalExchange(replay=replay_of(tmp_path, events)) as exchange:
        await eventually(lambda: exchange._player is not None and exchange._player.is_over)
        told = exchange.order_book(MARKET)
        assert (told["bids"], told["asks"], told["seq_no"]) == ([], [], 0)


async def test_a_recording_is_shown_over_rest_as_well(tmp_path: Path) -> None:
    events = [*QUIET, (6, "trade", trade(12, 77, "83894.04692005", "LIQUIDATION"))]
    async with trading_on(replay_of(tmp_path, events)) as client:
        best = await client.get(f"/bbo/{MARKET}")
        assert (best["bid"], best["ask_size"], best["seq_no"]) == ("89990", "0.5", 12)
        await eventually(lambda: client.exchange._markets[MARKET].trades)
        (shown,) = (await client.get(f"/trades?market={MARKET}"))["results"]
        assert (shown["price"], shown["trade_type"]) == ("83894.04692005", "LIQUIDATION")
        markets = (await client.get("/markets"))["results"]
        written = orjson.loads((tmp_path / "markets.json").read_bytes())["results"]
        assert markets == written
        assert (await client.get("/funding/data?market=" + MARKET))["results"] == []


# --- Orders ---------------------------------------------------------------------------------------


async def test_a_market_order_takes_the_best_price_and_leaves_it(tmp_path: Path) -> None:
    async with trading_on(replay_of(tmp_path)) as client:
        for _ in range(3):
            order = await client.closed((await client.place("BUY", "0.4"))["id"])
            assert (order["avg_fill_price"], order["remaining_size"]) == ("90010", "0")
        assert client.exchange.order_book(MARKET)["asks"] == [["90010", "0.5"]]
        assert (await client.get(f"/trades?market={MARKET}"))["results"] == []
        assert client.exchange.positions()[0]["size"] == "1.2"


async def test_an_order_gets_no_more_than_is_shown_at_once(tmp_path: Path) -> None:
    async with trading_on(replay_of(tmp_path)) as client:
        order = await client.closed((await client.place("SELL", "0.8"))["id"])
        assert (order["remaining_size"], order["cancel_reason"]) == ("0.3", "REMAINING_IOC_CANCEL")
        crossing = await client.place("BUY", "0.1", "90010", instruction="POST_ONLY")
        closed = await client.closed(crossing["id"])
        assert closed["cancel_reason"] == "POST_ONLY_WOULD_CROSS"


async def test_levels_behind_the_best_are_taken_in_turn(tmp_path: Path) -> None:
    asks = [("90010", "0.1"), ("90020", "0.1"), ("90030", "5")]
    events = [(0, "book", book(1, "SNAPSHOT", [("89990", "1")], asks))]
    async with trading_on(replay_of(tmp_path, events)) as client:
        order = await client.closed((await client.place("BUY", "0.4"))["id"])
        prices = [(fill["price"], fill["size"]) for fill in client.exchange.fills()]
        assert prices == [("90010", "0.1"), ("90020", "0.1"), ("90030", "0.2")]
        assert order["avg_fill_price"] == "90022.5"
        assert client.exchange.order_book(MARKET)["asks"] == [[price, size] for price, size in asks]


async def test_a_resting_order_fills_at_its_price_when_the_market_comes_to_it(
    tmp_path: Path,
) -> None:
    events = [
        (0, "bbo", bbo(1, "89990", "90010")),
        (400, "bbo", bbo(2, "89940", "89945", "0.3")),
        (800, "bbo", bbo(3, "89930", "89935", "0.3")),
        (1200, "bbo", bbo(4, "89990", "90010")),
    ]
    async with trading_on(replay_of(tmp_path, events, is_looped=True)) as client:
        order = await client.place("BUY", "0.5", "89950")
        closed = await client.closed(order["id"])
        assert closed["avg_fill_price"] == "89950"
        fills = client.exchange.fills()
        assert [(fill["price"], fill["size"]) for fill in fills] == [
            ("89950", "0.3"),
            ("89950", "0.2"),
        ]
        assert {fill["liquidity"] for fill in fills} == {"MAKER"}
        assert {level[0] for level in client.exchange.order_book(MARKET)["bids"]} != {"89950"}


async def test_a_resting_order_can_be_canceled_and_is_not_shown(tmp_path: Path) -> None:
    async with trading_on(replay_of(tmp_path)) as client:
        order = await client.place("BUY", "0.5", "89900")
        await client.until(order["id"], "OPEN")
        assert client.exchange.order_book(MARKET)["bids"] == [["89990", "0.5"]]
        status, _ = await client.call("DELETE", f"/orders/{order['id']}")
        assert status == 204
        closed: Json = await client.closed(order["id"])
        assert closed["cancel_reason"] == "USER_CANCELED"


# --- What cannot be played ------------------------------------------------------------------------


def test_a_recording_without_instruments_says_where_they_come_from(tmp_path: Path) -> None:
    path = write_events(tmp_path / "a.jsonl", QUIET)
    with pytest.raises(RecordingError) as caught:
        open_recording(path)
    said = str(caught.value)
    assert said == (
        f"recording {path}: the instruments of {MARKET} are not known; name a file with the body "
        "of GET /markets by --markets"
    )
    other = markets_file(tmp_path / "other.json", MARKETS[1])
    with pytest.raises(RecordingError, match="instruments of BTC-USD-PERP are not known"):
        open_recording(path, other)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"no json", "is not JSON"),
        (b"[]", "needs a list of results"),
        (b'{"results":[1]}', "needs a list of results"),
        (b'{"results":[{"symbol":"BTC-USD-PERP"}]}', "the instrument BTC-USD-PERP cannot be read"),
    ],
)
def test_instruments_that_cannot_be_read_are_one_sentence(
    tmp_path: Path, content: bytes, says: str
) -> None:
    path = write_events(tmp_path / "a.jsonl", QUIET)
    markets = tmp_path / "m.json"
    markets.write_bytes(content)
    with pytest.raises(ConfigurationError, match=says) as caught:
        open_recording(path, markets)
    assert "\n" not in str(caught.value)


def test_a_recording_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    markets = markets_file(tmp_path / "m.json", MARKET)
    for content, says in (
        (b"", "it holds no public market data"),
        (b"nonsense\n", "line 1 is not a recorded frame"),
        (b'{"ts":1,"direction":"in","base64":"MAACAAEAAQA="}\n', "a binary frame is cut off"),
    ):
        path = tmp_path / "a.jsonl"
        path.write_bytes(content)
        with pytest.raises(RecordingError, match=says) as caught:
            open_recording(path, markets)
        assert "\n" not in str(caught.value)


def test_a_recording_without_quotes_is_none_to_trade_on(tmp_path: Path) -> None:
    path = write_events(tmp_path / "a.jsonl", [(0, "trade", trade(1, 2, "90000"))])
    markets = markets_file(tmp_path / "m.json", MARKET)
    with pytest.raises(RecordingError, match="it holds no quotes: record bbo or book"):
        demo.run(seconds=1, seed=1, log_level="OFF", recording=demo.Recording(path, markets, False))


# --- Recorded from the venue ----------------------------------------------------------------------


@requires_shared_specs
async def test_frames_recorded_from_the_venue_reach_the_data_client(tmp_path: Path) -> None:
    path = convert_capture(spec_path(*CAPTURE), tmp_path / "btc.jsonl")
    quotes = recorded(path, KIND_BBO, lambda m: m[3:7])
    assert len(quotes) == 6
    replay = open_recording(path, markets_file(tmp_path / "m.json", MARKET), is_looped=True)
    async with (
        LocalExchange(replay=replay) as exchange,
        live_node(exchange, execution=None) as live,
    ):
        live.trader.subscribe_quote_ticks(BTC)

        def seen() -> list[Any]:
            return [
                tuple(map(units, (q.bid_price, q.bid_size, q.ask_price, q.ask_size)))
                for q in live.trader.quotes
            ]

        await until(lambda: has_run(seen(), quotes), "the recorded quotes")


@pytest.mark.parametrize("is_captured", [False, pytest.param(True, marks=requires_shared_specs)])
async def test_the_demonstration_agrees_on_a_recording(tmp_path: Path, is_captured: bool) -> None:
    if is_captured:
        path = convert_capture(spec_path(*CAPTURE), tmp_path / "btc.jsonl")
        more = ["--markets", str(markets_file(tmp_path / "m.json", MARKET))]
    else:
        path, more = await record_some(tmp_path), []
    command = "import sys; from paradex_adapter.cli import demo; sys.exit(demo())"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", command, "--seconds", "4", "--replay", str(path), "--loop", *more),
        env=child_environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), 120)
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    text = out.decode()
    assert (process.returncode, err) == (0, b""), text
    assert text.rstrip().endswith("the books agree")
    (fills,) = [line.split() for line in text.splitlines() if line.startswith("  fills ")]
    assert fills[1] == fills[2] != "0"
