"""The market data client in a real node, against the local exchange: socket bytes to strategy."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from nautilus_trader.common.actor import Actor
from nautilus_trader.config import (
    InstrumentProviderConfig,
    LoggingConfig,
    TradingNodeConfig,
)
from nautilus_trader.core.data import Data
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.data import BarType, DataType, OrderBookDelta
from nautilus_trader.model.enums import BookAction, BookType, RecordFlag
from nautilus_trader.model.identifiers import InstrumentId, TraderId

from paradex_adapter import (
    PARADEX,
    PARADEX_CLIENT_ID,
    PARADEX_VENUE,
    ParadexDataClientConfig,
    ParadexInstrumentProvider,
    ParadexLiveDataClientFactory,
    ParadexTradeType,
    instrument_watch,
)
from paradex_adapter import data as data_module
from paradex_adapter.data import ParadexDataClient
from paradex_adapter.local_exchange import LocalExchange, sbe
from tests.integration.trading_node import BTC, ETH, leftover_tasks, until

MARKET = "BTC-USD-PERP"
UNLISTED = InstrumentId.from_str("NOPE-USD-PERP.PARADEX")


class Custom(Data):
    """Data of a kind no venue has."""


class Watcher(Actor):
    """Subscribes what a test tells it to, and keeps what comes."""

    def __init__(self) -> None:
        super().__init__()
        self.quotes: list[Any] = []
        self.trades: list[Any] = []
        self.deltas: list[Any] = []
        self.instruments: list[Any] = []
        self.answered: list[Any] = []

    def on_quote_tick(self, tick: Any) -> None:
        self.quotes.append(tick)

    def on_trade_tick(self, tick: Any) -> None:
        self.trades.append(tick)

    def on_order_book_deltas(self, deltas: Any) -> None:
        self.deltas.append(deltas)

    def on_instrument(self, instrument: Any) -> None:
        self.instruments.append(instrument)


class RunningData:
    """A started node with one data client, and the exchange it listens to."""

    def __init__(self, node: TradingNode, exchange: LocalExchange, watcher: Watcher) -> None:
        self.node = node
        self.cache = node.cache
        self.exchange = exchange
        self.watcher = watcher
        self.logged = ""

    @property
    def client(self) -> ParadexDataClient:
        (client,) = self.node.kernel.data_engine._clients.values()
        return client

    @property
    def channels(self) -> list[str]:
        """The channels somebody subscribed to: the client follows the markets by itself."""
        return [channel for channel in self.client._feed.channels if channel != "markets"]

    def book_of(self, side: str) -> list[tuple[Decimal, Decimal]]:
        """Return a side of the node's book, from the cache."""
        book = self.cache.order_book(BTC)
        levels = book.bids() if side == "bids" else book.asks()
        return [(level.price.as_decimal(), Decimal(str(level.size()))) for level in levels]

    def books_agree(self) -> bool:
        there = self.exchange.order_book(MARKET, 100)
        return all(
            [(price, size.normalize()) for price, size in self.book_of(side)]
            == [(Decimal(p), Decimal(s).normalize()) for p, s in there[side]]
            for side in ("bids", "asks")
        )


def make_node(exchange: LocalExchange, watcher: Watcher, **options: Any) -> TradingNode:
    keys: dict[str, Any] = {
        "instrument_provider": InstrumentProviderConfig(load_all=True),
        "base_url_http": exchange.base_url_http,
        "base_url_ws": exchange.base_url_ws,
        "retry_delay_initial_ms": 1,
        "retry_delay_max_ms": 50,
    }
    config = TradingNodeConfig(
        trader_id=TraderId("TESTER-001"),
        logging=LoggingConfig(log_level="ERROR"),
        data_clients={PARADEX: ParadexDataClientConfig(**{**keys, **options})},
        timeout_connection=10.0,
        timeout_reconciliation=10.0,
        timeout_portfolio=10.0,
        timeout_disconnection=10.0,
        timeout_post_stop=0.1,
    )
    node = TradingNode(config=config, loop=asyncio.get_running_loop())
    node.trader.add_actor(watcher)
    node.add_data_client_factory(PARADEX, ParadexLiveDataClientFactory)
    node.build()
    return node


@asynccontextmanager
async def running_data(exchange: LocalExchange, **options: Any) -> AsyncIterator[RunningData]:
    """Run a node until its watcher watches; stop it and leave nothing behind."""
    before = asyncio.all_tasks()
    watcher = Watcher()
    node = make_node(exchange, watcher, **options)
    running = asyncio.create_task(node.run_async())
    try:
        await until(lambda: node.trader.is_running, "the node started")
        yield RunningData(node, exchange, watcher)
    finally:
        await node.stop_async()
        await asyncio.wait([running], timeout=10.0)
        running.cancel()
        node.kernel.dispose()
    await until(lambda: not leftover_tasks(before), "every task of the node ended")


@pytest.fixture
async def exchange() -> AsyncIterator[LocalExchange]:
    """An exchange with one level on either side and nobody else trading."""
    async with LocalExchange(seed=1, simulation_interval_ms=0) as exchange:
        exchange.place_liquidity(MARKET, "BUY", "89990", "0.5")
        exchange.place_liquidity(MARKET, "SELL", "90010", "0.5")
        yield exchange


@pytest.fixture
async def run(exchange: LocalExchange) -> AsyncIterator[RunningData]:
    async with running_data(exchange) as run:
        yield run


# -- instruments ---------------------------------------------------------------------------------


async def test_instruments_are_in_the_cache_before_the_strategy_starts(run: RunningData) -> None:
    instrument = run.cache.instrument(BTC)
    assert instrument.quote_currency.code == "USDC"
    assert len(run.cache.instruments(venue=PARADEX_VENUE)) > 1
    run.watcher.subscribe_instrument(BTC)
    await until(lambda: run.watcher.instruments)
    assert run.watcher.instruments == [instrument]


async def test_instruments_are_read_again_at_their_interval(
    exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instrument_watch, "SECS_PER_MIN", 0.02)
    read: list[bool] = []
    refresh = ParadexInstrumentProvider.refresh

    async def counted(provider: ParadexInstrumentProvider) -> Any:
        read.append(False)
        changes = await refresh(provider)
        read[-1] = True
        return changes

    monkeypatch.setattr(ParadexInstrumentProvider, "refresh", counted)
    async with running_data(exchange, update_instruments_interval_mins=1, max_retries=0):
        await until(lambda: any(read))
        exchange.fail_next("GET", "/v1/markets", 503)
        await until(lambda: False in read[:-1], "a refresh that failed")
        failed = len(read)
        await until(lambda: any(read[failed:]), "one after it that did not")


# -- the event pipeline --------------------------------------------------------------------------


async def test_quotes_travel_from_the_socket_to_the_strategy(run: RunningData) -> None:
    run.watcher.subscribe_quote_ticks(BTC)
    await until(lambda: run.channels)
    run.exchange.place_liquidity(MARKET, "BUY", "89991", "0.25")
    await until(lambda: [q for q in run.watcher.quotes if str(q.bid_price) == "89991.0"])
    quote = run.watcher.quotes[-1]
    assert str(quote) == f"{BTC},89991.0,90010.0,0.25000,0.50000,{quote.ts_event}"
    assert run.cache.quote_tick(BTC) == quote
    # The venue's clock and ours are one here: a wrong unit would be off by a thousand.
    assert 0 <= quote.ts_init - quote.ts_event < 60 * 10**9


async def test_trades_travel_from_the_socket_to_the_strategy(run: RunningData) -> None:
    run.watcher.subscribe_trade_ticks(BTC)
    await until(lambda: run.channels)
    trade_id = run.exchange.print_trade(MARKET, "SELL", "89000.5", "0.125")
    await until(lambda: run.watcher.trades)
    [trade] = run.watcher.trades
    assert trade.trade_id.value == trade_id
    assert str(trade) == f"{BTC},89000.5,0.12500,SELLER,{trade_id},{trade.ts_event}"
    assert 0 <= trade.ts_init - trade.ts_event < 60 * 10**9


async def test_a_book_equals_the_venues_through_hundreds_of_changes(run: RunningData) -> None:
    run.watcher.subscribe_order_book_deltas(BTC)
    await until(lambda: run.cache.order_book(BTC) is not None and run.book_of("bids"))
    random = Random(7)
    for _ in range(300):
        side = random.choice(["BUY", "SELL"])
        away = Decimal(random.randint(1, 200)) / 10
        price = 90_000 - away if side == "BUY" else 90_000 + away
        run.exchange.place_liquidity(MARKET, side, price, Decimal(random.randint(1, 50)) / 1000)
        if random.random() < 0.2:
            run.exchange.take_liquidity(MARKET, side, "0.01")
    await until(run.books_agree, "the books agree")
    assert len(run.book_of("bids")) > 20
    counters = run.client.counters
    assert (counters["book gaps"], counters["handler errors"]) == (0, 0)
    run.exchange.cancel_liquidity(MARKET)
    await until(lambda: not run.book_of("bids") and not run.book_of("asks"))


async def test_every_change_of_a_book_ends_with_its_last_flag(run: RunningData) -> None:
    """Pitfall 17: without F_LAST nothing of a buffered book is ever shown."""
    run.watcher.subscribe_order_book_deltas(BTC)
    await until(lambda: run.watcher.deltas)
    run.exchange.place_liquidity(MARKET, "BUY", "89991", "0.25")
    run.exchange.cancel_liquidity(MARKET)
    await until(lambda: run.cache.order_book(BTC) is not None and not run.book_of("asks"))
    first = run.watcher.deltas[0].deltas
    assert first[0].action == BookAction.CLEAR
    assert all(delta.flags & RecordFlag.F_SNAPSHOT for delta in first)
    for deltas in run.watcher.deltas:
        flags = [delta.flags & RecordFlag.F_LAST for delta in deltas.deltas]
        assert flags == [0] * (len(flags) - 1) + [RecordFlag.F_LAST]


async def test_a_gap_clears_the_book_and_a_new_snapshot_restores_it(run: RunningData) -> None:
    run.watcher.subscribe_order_book_deltas(BTC)
    await until(lambda: run.cache.order_book(BTC) is not None and run.book_of("bids"))
    run.exchange.skip_book_seq(MARKET)
    run.exchange.place_liquidity(MARKET, "BUY", "89991", "0.25")
    run.exchange.place_liquidity(MARKET, "BUY", "89992", "0.25")
    await until(lambda: run.client.counters["book resyncs"] == 1)
    await until(run.books_agree, "the books agree")
    clears = [d for d in run.watcher.deltas if len(d.deltas) == 1 and is_clear(d.deltas[0])]
    assert len(clears) == 1
    assert run.client.counters["book gaps"] == 1


def is_clear(delta: OrderBookDelta) -> bool:
    both = RecordFlag.F_SNAPSHOT | RecordFlag.F_LAST
    return bool(delta.action == BookAction.CLEAR and delta.flags == both)


async def test_everything_comes_back_after_the_connection_was_lost(run: RunningData) -> None:
    run.watcher.subscribe_quote_ticks(BTC)
    run.watcher.subscribe_trade_ticks(BTC)
    run.watcher.subscribe_order_book_deltas(BTC)
    await until(lambda: len(run.channels) == 3 and run.watcher.deltas)
    for connects in (2, 3):
        run.watcher.quotes.clear()
        run.watcher.trades.clear()
        run.exchange.drop_connections("public")
        # What changes meanwhile must not be missing from the book afterwards.
        run.exchange.place_liquidity(MARKET, "BUY", Decimal(89_990) + connects, "0.25")
        await until(lambda n=connects: run.client.counters["connects"] == n)
        await until(lambda: run.client._feed.is_ready)
        await until(run.books_agree, "the books agree")
        run.exchange.place_liquidity(MARKET, "BUY", Decimal(89_995) + connects, "0.25")
        run.exchange.print_trade(MARKET, "SELL", "89000.5", "0.125")
        await until(lambda: run.watcher.quotes and run.watcher.trades)
        await until(run.books_agree, "the books agree")


@pytest.mark.parametrize("version", [1, 2])
async def test_an_older_schema_serves_as_well(version: int) -> None:
    older = LocalExchange(seed=1, simulation_interval_ms=20, sbe_versions=(version,))
    async with older as exchange, running_data(exchange) as run:
        run.watcher.subscribe_quote_ticks(BTC)
        run.watcher.subscribe_trade_ticks(BTC)
        run.watcher.subscribe_order_book_deltas(BTC)
        await until(lambda: run.watcher.quotes and run.watcher.trades and run.watcher.deltas)
        assert run.client._feed.sbe_version == version


# -- what cannot be shown ------------------------------------------------------------------------


async def test_a_one_sided_quote_is_not_told_but_counted(run: RunningData) -> None:
    run.watcher.subscribe_quote_ticks(BTC)
    await until(lambda: run.channels)
    run.exchange.cancel_liquidity(MARKET)
    await until(lambda: run.client.counters["one-sided quotes"] >= 1)
    assert all(str(quote.ask_price) == "90010.0" for quote in run.watcher.quotes)


async def test_hostile_frames_stop_nothing(run: RunningData) -> None:
    """Pitfalls 2 and 3: a text not ASCII or a raw out of range would end the process."""
    run.watcher.subscribe_quote_ticks(BTC)
    run.watcher.subscribe_trade_ticks(BTC)
    run.watcher.subscribe_order_book_deltas(BTC)
    await until(lambda: len(run.channels) == 3 and run.watcher.deltas)
    largest = Decimal(2**63 - 1).scaleb(-8)
    event = {"ts": 1, "seq": 0, "market": MARKET}
    trade = {**event, "side": "BUY", "createdAt": 1, "tradeType": "FILL", "tradeId": 1}
    for fields in (
        {"price": largest, "size": largest, "tradeIdStr": "1"},
        {"price": Decimal(1), "size": Decimal(1), "tradeIdStr": "\u0661\u00e9\U0001f600" * 20},
        {"price": Decimal(1), "size": Decimal(1), "tradeIdStr": " "},
    ):
        run.exchange.send_raw(sbe.encode("trade", {**trade, **fields}, 3), "public")
    both = {"bidPrice": largest, "bidSize": largest, "askPrice": largest, "askSize": largest}
    run.exchange.send_raw(sbe.encode("bbo", {**event, **both}, 3), "public")
    run.exchange.send_raw(b"\xff" * 200, "public")
    run.exchange.send_raw(b"", "public")
    run.exchange.send_raw("{", "public")
    run.exchange.send_raw('{"method":"subscription","params":{"channel":"\u00e9"}}', "public")
    run.exchange.place_liquidity(MARKET, "BUY", "89999", "0.25")
    await until(lambda: [q for q in run.watcher.quotes if str(q.bid_price) == "89999.0"])
    await until(run.books_agree, "the books agree")
    assert run.client.counters["connects"] == 1
    assert run.client.counters["handler errors"] == 0
    assert len(run.watcher.trades) >= 2
    assert all(t.trade_id.value.isascii() for t in run.watcher.trades)


# -- subscribing and leaving ---------------------------------------------------------------------


async def test_after_leaving_nothing_more_comes(run: RunningData) -> None:
    run.watcher.subscribe_quote_ticks(BTC)
    run.watcher.subscribe_trade_ticks(BTC)
    await until(lambda: len(run.channels) == 2)
    run.watcher.unsubscribe_quote_ticks(BTC)
    await until(lambda: run.channels == [f"trades.{MARKET}"])
    run.watcher.quotes.clear()
    run.exchange.place_liquidity(MARKET, "BUY", "89991", "0.25")
    run.exchange.print_trade(MARKET, "SELL", "89000.5", "0.125")
    await until(lambda: run.watcher.trades)
    assert run.watcher.quotes == []
    run.watcher.subscribe_quote_ticks(BTC)
    await until(lambda: len(run.channels) == 2)
    run.exchange.place_liquidity(MARKET, "BUY", "89992", "0.25")
    await until(lambda: run.watcher.quotes)


@pytest.mark.parametrize("kind", ["quote_ticks", "trade_ticks", "order_book_deltas"])
async def test_a_subscription_that_failed_can_be_made_again(
    run: RunningData, kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Pitfall 11: the engine never asks again for what stands in the client's list."""
    subscribe = getattr(run.watcher, f"subscribe_{kind}")
    listed = getattr(run.client, f"subscribed_{kind}")
    run.exchange.fail_next("RPC", "subscribe", -32600, "invalid subscribe request")
    subscribe(BTC)
    await until(lambda: run.client.counters["subscriptions refused"] == 1)
    await until(lambda: listed() == [])
    await until(lambda: "invalid subscribe request" in log_of(capfd, run))
    # Another actor, or this one again, asks for the same.
    unsubscribe = getattr(run.watcher, f"unsubscribe_{kind}")
    unsubscribe(BTC)
    subscribe(BTC)
    await until(lambda: listed() == [BTC])
    await until(lambda: len(run.channels) == 1)


async def test_an_instrument_that_is_not_loaded_is_refused_by_name(
    run: RunningData, capfd: pytest.CaptureFixture[str]
) -> None:
    run.watcher.subscribe_quote_ticks(UNLISTED)
    run.watcher.subscribe_instrument(UNLISTED)
    await until(lambda: f"{UNLISTED} is not listed at Paradex" in log_of(capfd, run))
    await until(lambda: run.client.subscribed_quote_ticks() == [])
    await until(lambda: run.client.subscribed_instruments() == [])


async def test_a_subscription_given_up_is_taken_from_the_list(
    run: RunningData, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run.watcher.subscribe_quote_ticks(BTC)
    run.watcher.subscribe_quote_ticks(ETH)
    await until(lambda: len(run.channels) == 2)
    # The first one refused is that of the markets.
    run.exchange.fail_next("RPC", "subscribe", -32600, "invalid subscribe request", count=2)
    run.exchange.drop_connections("public")
    await until(lambda: run.client.counters["subscriptions lost"] == 2)
    await until(lambda: run.client._feed.is_ready)
    assert len(run.client.subscribed_quote_ticks()) == 1
    await until(lambda: "Lost the subscription bbo." in log_of(capfd, run))


async def test_what_the_venue_does_not_have_says_so_and_is_not_listed(
    run: RunningData, capfd: pytest.CaptureFixture[str]
) -> None:
    watcher = run.watcher
    bars = BarType.from_str(f"{BTC}-4-HOUR-LAST-EXTERNAL")
    custom = DataType(Custom)
    trade_types = DataType(ParadexTradeType)
    watcher.subscribe_order_book_deltas(BTC, book_type=BookType.L3_MBO)
    await until(lambda: "Books by order (L3_MBO) are not supported" in log_of(capfd, run))
    watcher.subscribe_option_greeks(BTC)
    await until(lambda: f"{BTC} is no option" in log_of(capfd, run))
    watcher.subscribe_bars(bars)
    await until(lambda: "do not exist at Paradex" in log_of(capfd, run))
    watcher.subscribe_data(custom, client_id=PARADEX_CLIENT_ID)
    await until(lambda: "Custom is none of ParadexFundingComparison" in log_of(capfd, run))
    watcher.subscribe_data(trade_types, client_id=PARADEX_CLIENT_ID)
    await until(lambda: "ParadexTradeType needs metadata" in log_of(capfd, run))
    assert run.client.subscribed_order_book_deltas() == []
    assert run.client.subscribed_option_greeks() == []
    assert run.client.subscribed_bars() == []
    assert run.client.subscribed_custom_data() == []
    watcher.unsubscribe_bars(bars)
    watcher.unsubscribe_data(custom, client_id=PARADEX_CLIENT_ID)
    watcher.unsubscribe_data(trade_types, client_id=PARADEX_CLIENT_ID)
    assert run.channels == []


# -- requests ------------------------------------------------------------------------------------


async def test_every_request_is_answered(
    run: RunningData, capfd: pytest.CaptureFixture[str]
) -> None:
    watcher = run.watcher
    done = watcher.answered.append
    start = run.node.kernel.clock.utc_now() - timedelta(hours=1)
    asked = [
        watcher.request_instrument(BTC, callback=done),
        watcher.request_instruments(PARADEX_VENUE, callback=done),
        watcher.request_quote_ticks(BTC, start=start, callback=done),
        watcher.request_trade_ticks(BTC, start=start, callback=done),
        watcher.request_funding_rates(BTC, start=start, callback=done),
        watcher.request_bars(
            BarType.from_str(f"{BTC}-1-MINUTE-LAST-EXTERNAL"), start=start, callback=done
        ),
        watcher.request_order_book_deltas(BTC, start=start, callback=done),
        watcher.request_order_book_depth(BTC, start=start, callback=done),
        watcher.request_order_book_snapshot(BTC, limit=10, callback=done),
        watcher.request_data(DataType(Custom), PARADEX_CLIENT_ID, start=start, callback=done),
    ]
    await until(lambda: len(watcher.answered) == len(asked), f"{len(watcher.answered)} answers")
    assert set(watcher.answered) == set(asked)
    assert len(watcher.instruments) > 1
    await until(lambda: "book deltas of the past" in log_of(capfd, run))


async def test_a_request_for_an_unlisted_instrument_is_answered_with_none(
    run: RunningData, capfd: pytest.CaptureFixture[str]
) -> None:
    asked = run.watcher.request_instrument(UNLISTED, callback=run.watcher.answered.append)
    await until(lambda: run.watcher.answered == [asked])
    assert run.watcher.instruments == []
    assert run.cache.instrument(UNLISTED) is None


# -- starting and stopping -----------------------------------------------------------------------


@pytest.mark.parametrize(("option", "path"), [("base_url_http", "http"), ("base_url_ws", "ws")])
async def test_a_venue_that_cannot_be_reached_is_said_to(
    exchange: LocalExchange,
    option: str,
    path: str,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Pitfall 4: after an exception in `_connect` a node just stays there, in silence."""
    monkeypatch.setattr(data_module, "CONNECT_SECS_MAX", 0.5)
    node = make_node(exchange, Watcher(), **{option: f"{path}://127.0.0.1:9/v1"}, max_retries=1)
    before = asyncio.all_tasks()
    running = asyncio.create_task(node.run_async())
    log = ""
    try:
        for _ in range(1000):
            out, err = capfd.readouterr()
            log += out + err
            if "The node will not start" in log:
                break
            await asyncio.sleep(0.01)
        assert "Cannot connect to Paradex MAINNET" in log
        assert "check the network, base_url_http, base_url_ws and proxy_url" in log
        assert not node.trader.is_running
    finally:
        await node.stop_async()
        running.cancel()
        await asyncio.wait([running], timeout=10.0)
        node.kernel.dispose()
    await until(lambda: not leftover_tasks(before), "every task of the node ended")


async def test_a_venue_that_comes_a_moment_later_is_waited_for(exchange: LocalExchange) -> None:
    exchange.fail_next("GET", "/v1/markets", 503, count=2)
    async with running_data(exchange) as run:
        assert run.cache.instrument(BTC) is not None


def log_of(capfd: pytest.CaptureFixture[str], run: RunningData) -> str:
    """Return everything logged since the test began."""
    out, err = capfd.readouterr()
    run.logged += out + err
    return run.logged


# -- health --------------------------------------------------------------------------------------


async def test_the_feeds_health_can_be_read_and_is_logged(
    exchange: LocalExchange, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    monkeypatch.setattr(
        ParadexDataClient,
        "_health_line",
        lambda self, counters, frames, told=ParadexDataClient._health_line: (
            lines.append(told(self, counters, frames)) or lines[-1]
        ),
    )
    async with running_data(exchange, feed_health_interval_secs=1) as run:
        run.watcher.subscribe_quote_ticks(BTC)
        run.watcher.subscribe_order_book_deltas(BTC)
        await until(lambda: len(run.channels) == 2 and run.watcher.deltas)
        for n in range(40):
            run.exchange.place_liquidity(MARKET, "BUY", Decimal(89_000) + n, "0.1")
        await until(run.books_agree, "the books agree")
        counters = run.client.counters
        assert counters["frames"] >= 40
        assert counters["bytes"] > 40 * counters["frames"]
        assert counters["sockets"] == 1
        assert 0 < counters["lag p50 us"] <= counters["lag p99 us"] < 60_000_000
        assert set(run.client.channel_ages_ns) == {*run.channels, "markets"}
        assert 0 < run.client.channel_ages_ns[f"order_book.{MARKET}.deltas"] < 60 * 10**9
        await until(lambda: lines, "a line")
        assert lines[0].startswith("Feed: 3 channels on 1 sockets; ")
        assert "; lag p50 " in lines[0]
        assert "gaps" not in lines[0]
        run.exchange.skip_book_seq(MARKET)
        for n in range(2):
            run.exchange.place_liquidity(MARKET, "BUY", Decimal(88_000) + n, "0.1")
        await until(lambda: any("1 book gaps; 1 book resyncs" in line for line in lines))


async def test_the_markets_are_followed_again_when_the_venue_refused_that(
    exchange: LocalExchange,
) -> None:
    exchange.fail_next("RPC", "subscribe", -32600, "invalid subscribe request")
    async with running_data(exchange, feed_health_interval_secs=1) as run:
        await until(lambda: run.client.counters["subscriptions refused"] == 1)
        await until(lambda: run.client._feed.channels == ["markets"])
