"""NautilusTrader's Data Testing Spec, case by case, in a live node against the local exchange.

Each test bears the id of its case. `DataTester` does what it has an option for; a small actor does
the rest: option greeks (TC-D62), option chains (TC-D63) and the provider (TC-D03).

Cases of the past stand in the section "Requests": TC-D13, D31, D41 and D53. They are compared with
the exchange row by row in `tests/integration/test_data_requests.py`, where also TC-D15 (book deltas
of the past) and TC-D21 (quotes of the past) are answered with nothing, because the venue keeps
neither, and TC-D72 (parameters of a request) stands.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from nautilus_trader.common.actor import Actor
from nautilus_trader.config import InstrumentProviderConfig, LoggingConfig, TradingNodeConfig
from nautilus_trader.core import nautilus_pyo3
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.data import (
    Bar,
    BarType,
    DataType,
    FundingRateUpdate,
    IndexPriceUpdate,
    MarkPriceUpdate,
    OptionGreeks,
    OrderBookDeltas,
    OrderBookDepth10,
    QuoteTick,
    TradeTick,
)
from nautilus_trader.model.enums import (
    AggressorSide,
    InstrumentCloseType,
    MarketStatusAction,
)
from nautilus_trader.model.identifiers import InstrumentId, TraderId
from nautilus_trader.model.instruments import CryptoOption
from nautilus_trader.test_kit.strategies.tester_data import DataTester, DataTesterConfig

from paradex_adapter import (
    PARADEX,
    PARADEX_CLIENT_ID,
    ParadexDataClientConfig,
    ParadexLiveDataClientFactory,
    ParadexMarketSummary,
)
from paradex_adapter import data as data_module
from paradex_adapter.data import ParadexDataClient
from paradex_adapter.live_bars import LiveBars
from paradex_adapter.local_exchange import LocalExchange
from tests.integration.trading_node import BTC, ETH, leftover_tasks, until

MARKET = "BTC-USD-PERP"
# Anything below is no time in nanoseconds.
PLAUSIBLE_NS = 10**16


class Keeper(DataTester):
    """Keeps what comes, by type."""

    def __init__(self, config: DataTesterConfig) -> None:
        super().__init__(config)
        self.got: list[Any] = []
        self.past: list[Any] = []
        self.books: list[tuple[int, int]] = []

    def all(self, kind: type) -> list[Any]:
        """Return what came of a type."""
        return [data for data in self.got if isinstance(data, kind)]

    def on_historical_data(self, data: Any) -> None:
        self.past.append(data)

    def on_instrument(self, instrument: Any) -> None:
        self.got.append(instrument)

    def on_order_book_deltas(self, deltas: Any) -> None:
        super().on_order_book_deltas(deltas)
        self.got.append(deltas)

    def on_order_book(self, order_book: Any) -> None:
        self.books.append((len(order_book.bids()), len(order_book.asks())))

    def on_instrument_close(self, close: Any) -> None:
        self.got.append(close)

    def _keep(self, data: Any) -> None:
        self.got.append(data)

    on_order_book_depth = on_quote_tick = on_trade_tick = on_bar = _keep
    on_mark_price = on_index_price = on_funding_rate = on_instrument_status = _keep


class Watcher(Actor):
    """Subscribes what `DataTester` has no option for."""

    def __init__(self) -> None:
        super().__init__()
        self.told_greeks: list[Any] = []
        self.chains: list[Any] = []
        self.customs: list[Any] = []

    def on_option_greeks(self, greeks: Any) -> None:
        self.told_greeks.append(greeks)

    def on_option_chain(self, chain: Any) -> None:
        self.chains.append(chain)

    def on_data(self, data: Any) -> None:
        self.customs.append(data)


class Run:
    """A started node, its tester, and the exchange it listens to."""

    def __init__(self, node: TradingNode, exchange: LocalExchange, actor: Any) -> None:
        self.node = node
        self.exchange = exchange
        self.actor = actor

    @property
    def client(self) -> ParadexDataClient:
        (client,) = self.node.kernel.data_engine._clients.values()
        return client

    @property
    def channels(self) -> list[str]:
        """The channels somebody subscribed to: the client follows the markets by itself."""
        return [channel for channel in self.client._feed.channels if channel != "markets"]

    def option(self) -> InstrumentId:
        """Return a call on BTC that is listed."""
        options = [i.id for i in self.node.cache.instruments() if isinstance(i, CryptoOption)]
        return min(
            i for i in options if i.symbol.value.startswith("BTC-") and str(i.symbol)[-1] == "C"
        )


@pytest.fixture
async def exchange() -> AsyncIterator[LocalExchange]:
    """An exchange where things happen quickly."""
    fast = {"simulation_interval_ms": 20, "summary_interval_ms": 50, "funding_interval_ms": 50}
    async with LocalExchange(seed=1, **fast) as exchange:
        yield exchange


@asynccontextmanager
async def running(
    exchange: LocalExchange,
    actor: Any = None,
    *,
    client: dict[str, Any] | None = None,
    **options: Any,
) -> AsyncIterator[Run]:
    """Run a node with a tester of some options, or another actor; leave nothing behind."""
    before = asyncio.all_tasks()
    if actor is None:
        actor = Keeper(
            DataTesterConfig(
                **{
                    "instrument_ids": [BTC],
                    "client_id": PARADEX_CLIENT_ID,
                    "log_data": False,
                    **options,
                }
            )
        )
    data_client = ParadexDataClientConfig(
        **{
            "instrument_provider": InstrumentProviderConfig(load_all=True),
            "base_url_http": exchange.base_url_http,
            "base_url_ws": exchange.base_url_ws,
            "retry_delay_initial_ms": 1,
            "retry_delay_max_ms": 50,
            **(client or {}),
        }
    )
    config = TradingNodeConfig(
        trader_id=TraderId("TESTER-001"),
        logging=LoggingConfig(log_level="ERROR"),
        data_clients={PARADEX: data_client},
        timeout_connection=10.0,
        timeout_reconciliation=10.0,
        timeout_portfolio=10.0,
        timeout_disconnection=10.0,
        timeout_post_stop=0.1,
    )
    node = TradingNode(config=config, loop=asyncio.get_running_loop())
    node.trader.add_actor(actor)
    node.add_data_client_factory(PARADEX, ParadexLiveDataClientFactory)
    node.build()
    work = asyncio.create_task(node.run_async())
    try:
        await until(lambda: node.trader.is_running, "the node started")
        yield Run(node, exchange, actor)
    finally:
        await node.stop_async()
        await asyncio.wait([work], timeout=10.0)
        work.cancel()
        node.kernel.dispose()
    await until(lambda: not leftover_tasks(before), "every task of the node ended")


def check_times(data: Any) -> None:
    """Hold what the spec says of every time."""
    assert data.ts_event > PLAUSIBLE_NS
    assert data.ts_init > PLAUSIBLE_NS


async def first(run: Run, kind: type, wanted: Callable[[Any], bool] = lambda _: True) -> Any:
    """Return the first that comes of a type, and is as wanted."""
    await until(lambda: any(wanted(d) for d in run.actor.all(kind)), f"a {kind.__name__}")
    found = next(data for data in run.actor.all(kind) if wanted(data))
    check_times(found)
    return found


# -- Group 1: Instruments ------------------------------------------------------------------------


async def test_tc_d01_request_instruments(exchange: LocalExchange) -> None:
    async with running(exchange, request_instruments=True) as run:
        await until(lambda: len(run.actor.got) > 10)
        for instrument in run.actor.got:
            assert instrument.id.venue.value == PARADEX
            assert instrument.price_precision >= 0
            assert instrument.size_increment > 0
            check_times(instrument)


async def test_tc_d02_subscribe_instrument(exchange: LocalExchange) -> None:
    async with running(exchange, subscribe_instrument=True) as run:
        await until(lambda: run.actor.got)
        assert run.actor.got[0].id == BTC
        seen = len(run.actor.got)
        exchange.change_tick(MARKET, tick="0.5")
        await until(lambda: len(run.actor.got) > seen)
        assert str(run.actor.got[-1].price_increment) == "0.5"
        assert run.node.cache.instrument(BTC) == run.actor.got[-1]


async def test_tc_d03_load_specific_instrument(exchange: LocalExchange) -> None:
    only_btc = InstrumentProviderConfig(load_ids=frozenset([BTC]))
    async with running(exchange, Watcher(), client={"instrument_provider": only_btc}) as run:
        cache, provider = run.node.cache, run.client._provider
        assert cache.instrument_ids() == [BTC]
        await provider.load_async(ETH)
        run.actor.subscribe_instrument(ETH)
        await until(lambda: cache.instrument(ETH) is not None)
        for instrument_id, terms in {BTC: (1, "0.00001"), ETH: (2, "0.0001")}.items():
            instrument = cache.instrument(instrument_id)
            assert (instrument.price_precision, str(instrument.size_increment)) == terms
            assert provider.find(instrument_id) == instrument
            assert instrument.max_quantity > 0
            assert instrument.min_notional.as_decimal() > 0


# -- Group 2: Order book -------------------------------------------------------------------------


async def test_tc_d10_subscribe_book_deltas(exchange: LocalExchange) -> None:
    async with running(exchange, subscribe_book_deltas=True) as run:
        deltas = await first(run, OrderBookDeltas, lambda d: len(d.deltas) > 1)
        assert deltas.instrument_id == BTC
        assert {delta.order.side.name for delta in deltas.deltas[1:]} == {"BUY", "SELL"}
        await until(lambda: len(run.actor.all(OrderBookDeltas)) > 5)
        sequences = [d.sequence for d in run.actor.all(OrderBookDeltas)]
        assert sequences == sorted(sequences)


async def test_tc_d11_subscribe_book_at_interval(exchange: LocalExchange) -> None:
    async with running(exchange, subscribe_book_at_interval=True, book_interval_ms=100) as run:
        await until(lambda: len([b for b in run.actor.books if min(b) > 0]) > 3)


async def test_tc_d12_subscribe_book_depth(exchange: LocalExchange) -> None:
    async with running(exchange, subscribe_book_depth=True) as run:
        depth = await first(run, OrderBookDepth10, lambda d: d.bids[0].size > 0 < d.asks[0].size)
        bids = [order.price for order in depth.bids if order.size > 0]
        asks = [order.price for order in depth.asks if order.size > 0]
        assert bids == sorted(bids, reverse=True)
        assert asks == sorted(asks)
        assert bids[0] < asks[0]
        assert depth.instrument_id == BTC
        assert run.channels == [f"order_book.{MARKET}.snapshot@15@100ms"]


async def test_tc_d14_managed_book_from_deltas(exchange: LocalExchange) -> None:
    async with running(exchange, subscribe_book_deltas=True, manage_book=True) as run:
        await until(lambda: len(run.actor.all(OrderBookDeltas)) > 20)
        book = run.actor._books[BTC]
        bids = [level.price for level in book.bids()]
        asks = [level.price for level in book.asks()]
        assert bids
        assert asks
        assert bids == sorted(bids, reverse=True)
        assert asks == sorted(asks)
        assert bids[0] < asks[0]


async def test_deltas_and_depths_of_one_market_go_over_two_sockets(
    exchange: LocalExchange,
) -> None:
    """Beyond the spec: frames carry no channel, so one socket carries one kind of book."""
    async with running(exchange, subscribe_book_deltas=True, subscribe_book_depth=True) as run:
        await first(run, OrderBookDepth10)
        await first(run, OrderBookDeltas)
        assert run.client.counters["sockets"] == 2
        await until(lambda: len(run.actor.all(OrderBookDepth10)) > 5)
        for deltas in run.actor.all(OrderBookDeltas)[1:]:
            assert not any(delta.is_clear for delta in deltas.deltas)
        run.actor.unsubscribe_order_book_depth(BTC)
        await until(lambda: run.client.counters["sockets"] == 1)


async def test_deltas_and_depths_of_one_market_need_two_sockets(exchange: LocalExchange) -> None:
    one = {"sockets_max": 1}
    async with running(exchange, client=one, subscribe_book_deltas=True) as run:
        await first(run, OrderBookDeltas)
        run.actor.subscribe_order_book_depth(BTC, managed=False)
        await until(lambda: run.client.subscribed_order_book_depth() == [])
        assert run.channels == [f"order_book.{MARKET}.deltas"]


# -- Group 3: Quotes; Group 4: Trades ------------------------------------------------------------


async def test_tc_d20_subscribe_quotes(exchange: LocalExchange) -> None:
    async with running(exchange, subscribe_quotes=True) as run:
        quote = await first(run, QuoteTick)
        assert quote.instrument_id == BTC
        assert quote.bid_price < quote.ask_price
        assert min(quote.bid_size, quote.ask_size) > 0


async def test_tc_d30_subscribe_trades(exchange: LocalExchange) -> None:
    async with running(exchange, subscribe_trades=True) as run:
        trade = await first(run, TradeTick)
        assert trade.instrument_id == BTC
        assert trade.price > 0 < trade.size
        assert trade.aggressor_side in (AggressorSide.BUYER, AggressorSide.SELLER)


# -- Group 5: Bars -------------------------------------------------------------------------------


class QuickClock:
    """Ten minutes ago at first, and sixty times as fast as others."""

    def __init__(self, clock: Any) -> None:
        self._began = time.time_ns()

    def timestamp_ns(self) -> int:
        now = time.time_ns()
        return self._began - 600 * 10**9 + 60 * (now - self._began)


class QuickBars(LiveBars):
    """Bars of ten minutes ago, one a second."""

    def __init__(self, http: Any, handle: Any, find_scales: Any, clock: Any, log: Any) -> None:
        super().__init__(http, handle, find_scales, QuickClock(clock), log)


async def test_tc_d40_subscribe_bars(
    exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_module, "LiveBars", QuickBars)
    bar_type = BarType.from_str(f"{BTC}-1-MINUTE-LAST-EXTERNAL")
    async with running(exchange, subscribe_bars=True, bar_types=[bar_type]) as run:
        await until(lambda: run.client._bars.bar_types == [bar_type])
        # An outage: the bars that close meanwhile come afterwards.
        exchange.fail_next("GET", "/v1/markets/klines", 503, count=8)
        await until(lambda: run.client.counters["bar reads failed"] >= 1)
        await until(lambda: len(run.actor.all(Bar)) >= 3)
        bars = run.actor.all(Bar)
        for bar in bars:
            check_times(bar)
            assert bar.bar_type == bar_type
            assert bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
            assert bar.ts_event % (60 * 10**9) == 0
        closes = [bar.ts_event // (60 * 10**9) for bar in bars]
        # Each once, in order, none left out.
        assert closes == list(range(closes[0], closes[0] + len(closes)))
        run.actor.unsubscribe_bars(bar_type)
        await until(lambda: run.client._bars.bar_types == [])


# -- Group 6: Derivatives data -------------------------------------------------------------------


async def test_tc_d50_subscribe_mark_prices(exchange: LocalExchange) -> None:
    async with running(exchange, subscribe_mark_prices=True) as run:
        mark = await first(run, MarkPriceUpdate)
        assert mark.instrument_id == BTC
        assert 80_000 < mark.value < 100_000


async def test_tc_d51_subscribe_index_prices(exchange: LocalExchange) -> None:
    async with running(exchange, subscribe_index_prices=True) as run:
        index = await first(run, IndexPriceUpdate)
        assert index.instrument_id == BTC
        assert 80_000 < index.value < 100_000


async def test_tc_d52_subscribe_funding_rates(exchange: LocalExchange) -> None:
    async with running(exchange, subscribe_funding_rates=True) as run:
        update = await first(run, FundingRateUpdate)
        assert update.instrument_id == BTC
        assert abs(update.rate) < 1
        assert update.interval == 8 * 60


# -- Group 7: Instrument status ------------------------------------------------------------------


async def test_tc_d60_subscribe_instrument_status(exchange: LocalExchange) -> None:
    async with running(exchange, subscribe_instrument_status=True) as run:
        await until(lambda: run.actor.got)
        assert run.actor.got[0].action == MarketStatusAction.TRADING
        check_times(run.actor.got[0])
        exchange.delist_market(MARKET)
        await until(lambda: len(run.actor.got) > 1)
        gone = run.actor.got[-1]
        assert gone.action == MarketStatusAction.NOT_AVAILABLE_FOR_TRADING
        assert gone.instrument_id == BTC
        check_times(gone)


async def test_tc_d61_subscribe_instrument_close(exchange: LocalExchange) -> None:
    async with running(exchange, Watcher()) as run:
        option = run.option()
    tester: dict[str, Any] = {"instrument_ids": [option], "subscribe_instrument_status": True}
    async with running(exchange, subscribe_instrument_close=True, **tester) as run:
        await until(lambda: run.actor.got and run.client._watch.closes)
        exchange.settle_market(option.symbol.value, "123456.7")
        await until(lambda: len(run.actor.got) == 3)
        _, status, close = run.actor.got
        assert status.action == MarketStatusAction.CLOSE
        assert close.instrument_id == option
        assert close.close_type == InstrumentCloseType.CONTRACT_EXPIRED
        strike = run.node.cache.instrument(option).strike_price.as_decimal()
        assert close.close_price.as_decimal() == Decimal("123456.7") - strike
        check_times(close)


# -- Group 8: Option greeks ----------------------------------------------------------------------


async def test_tc_d62_subscribe_option_greeks(exchange: LocalExchange) -> None:
    async with running(exchange, Watcher()) as run:
        option = run.option()
        run.actor.subscribe_option_greeks(option)
        await until(lambda: run.actor.told_greeks)
        greeks = run.actor.told_greeks[0]
        assert isinstance(greeks, OptionGreeks)
        assert greeks.instrument_id == option
        assert 0 < greeks.delta <= 1
        assert greeks.gamma > 0 < greeks.vega
        assert greeks.theta < 0
        assert 0 < greeks.mark_iv < 5
        assert greeks.underlying_price > 1000
        check_times(greeks)
        run.actor.unsubscribe_option_greeks(option)
        await until(lambda: run.channels == [])


async def test_tc_d63_subscribe_option_chain(exchange: LocalExchange) -> None:
    async with running(exchange, Watcher()) as run:
        option = run.node.cache.instrument(run.option())
        series = nautilus_pyo3.OptionSeriesId(
            PARADEX,
            str(option.underlying),
            str(option.get_settlement_currency()),
            option.expiration_ns,
        )
        strikes = nautilus_pyo3.StrikeRange.atm_relative(2, 2)
        run.actor.subscribe_option_chain(
            series_id=series, strike_range=strikes, snapshot_interval_ms=100
        )
        market = option.id.symbol.value
        # A chain begins where the forward price is: without it, it would wait for greeks.
        await until(lambda: f"bbo.{market}" in run.channels)
        # The slice holds what has a quote, and a quote has two sides.
        exchange.place_liquidity(market, "BUY", "1", "1")
        exchange.place_liquidity(market, "SELL", "20000", "1")
        await until(lambda: any(c.call_count() + c.put_count() for c in run.actor.chains))
        assert "markets_summary" in run.channels
        strike = nautilus_pyo3.Price.from_str(str(option.strike_price))
        chain = next(c for c in run.actor.chains if c.call_count())
        await until(lambda: run.actor.chains[-1].get_call_greeks(strike) is not None)
        assert chain.get_call_quote(strike).bid_price == nautilus_pyo3.Price.from_str("1.00")
        assert 0 < run.actor.chains[-1].get_call_greeks(strike).delta <= 1


# -- Group 9: Lifecycle --------------------------------------------------------------------------


async def test_tc_d70_unsubscribe_on_stop(
    exchange: LocalExchange, capfd: pytest.CaptureFixture[str]
) -> None:
    everything = {
        f"subscribe_{kind}": True
        for kind in (
            *("instrument", "book_deltas", "book_depth", "quotes", "trades", "mark_prices"),
            *("index_prices", "funding_rates", "instrument_status", "instrument_close"),
        )
    }
    async with running(exchange, **everything) as run:
        await until(lambda: len(run.channels) == 6, "six channels")
        for kind in (QuoteTick, TradeTick, OrderBookDeltas, OrderBookDepth10, FundingRateUpdate):
            await first(run, kind)
        run.actor.stop()
        await until(lambda: run.channels == [], "nothing is subscribed any more")
        await until(lambda: run.client.counters["sockets"] == 1)
        seen = len(run.actor.got)
        frames = run.client.counters["frames"]
        # A heartbeat or an answer comes on an idle socket, but no data.
        await run.client._feed.subscribe(data_module.KIND_BBO, "ETH-USD-PERP")
        await until(lambda: run.client.counters["frames"] > frames + 3)
        await run.client._feed.unsubscribe(data_module.KIND_BBO, "ETH-USD-PERP")
        assert len(run.actor.got) == seen
        assert run.client.counters["handler errors"] == 0
    out, err = capfd.readouterr()
    assert "[ERROR]" not in out + err


async def test_tc_d71_custom_subscribe_params(exchange: LocalExchange) -> None:
    params = {"snapshot_interval_ms": 50}
    async with running(exchange, subscribe_book_depth=True, subscribe_params=params) as run:
        await first(run, OrderBookDepth10)
        assert run.channels == [f"order_book.{MARKET}.snapshot@15@50ms"]
        run.actor.unsubscribe_order_book_depth(BTC)
        await until(lambda: run.channels == [])


async def test_custom_data_is_told_to_those_who_want_it(exchange: LocalExchange) -> None:
    """Beyond the spec: what Nautilus has no type for."""
    async with running(exchange, Watcher()) as run:
        one = DataType(ParadexMarketSummary, {"instrument_id": BTC.value})
        run.actor.subscribe_data(one, client_id=PARADEX_CLIENT_ID)
        await until(lambda: len(run.actor.customs) > 2)
        summary = run.actor.customs[0]
        assert summary.instrument_id == BTC
        assert isinstance(summary.mark_price, Decimal)
        assert run.channels == ["markets_summary"]
        run.actor.unsubscribe_data(one, client_id=PARADEX_CLIENT_ID)
        await until(lambda: run.channels == [])
        run.actor.customs.clear()
        every = DataType(ParadexMarketSummary)
        run.actor.subscribe_data(every, client_id=PARADEX_CLIENT_ID)
        await until(lambda: len({s.instrument_id for s in run.actor.customs}) > 10)
        assert run.channels == ["markets_summary.ALL"]


# -- Requests ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "option", "kind"),
    [
        ("TC-D13", {"request_book_snapshot": True}, OrderBookDeltas),
        ("TC-D31", {"request_trades": True}, TradeTick),
        ("TC-D41", {"request_bars": True}, Bar),
        ("TC-D53", {"request_funding_rates": True}, FundingRateUpdate),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_tc_requests_of_the_past(
    exchange: LocalExchange, case: str, option: dict[str, Any], kind: type
) -> None:
    bars = [BarType.from_str(f"{BTC}-1-MINUTE-LAST-EXTERNAL")]
    delta = pd.Timedelta(minutes=30)
    async with running(exchange, bar_types=bars, requests_start_delta=delta, **option) as run:
        await until(lambda: run.actor.past, case)
        rows = [row for batch in run.actor.past for row in _as_list(batch)]
        assert rows
        assert all(isinstance(row, kind) for row in rows)
        for row in rows:
            check_times(row)
        times = [row.ts_event for row in rows]
        assert times == sorted(times)


def _as_list(batch: Any) -> list[Any]:
    return batch if isinstance(batch, list) else [batch]
