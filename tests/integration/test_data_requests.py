"""Requests of the Nautilus Data Testing Spec, in a live node against the local exchange's past.

A test that bears an id of the spec does what the spec's case says. The venue keeps neither book
deltas (TC-D15) nor quotes (TC-D21) of the past: those cases are answered with nothing, and say so.
"""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.data.messages import RequestForwardPrices
from nautilus_trader.model.data import (
    Bar,
    BarType,
    FundingRateUpdate,
    OrderBookDeltas,
    OrderBookDepth10,
    TradeTick,
)
from nautilus_trader.model.enums import BookAction, RecordFlag
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.instruments import CryptoOption
from nautilus_trader.test_kit.strategies.tester_data import DataTester, DataTesterConfig

from paradex_adapter import PARADEX_CLIENT_ID, PARADEX_VENUE
from paradex_adapter.local_exchange import LocalExchange
from paradex_adapter.venue.history import fetch_funding, fetch_klines, fetch_trades
from paradex_adapter.venue.http import HttpClient
from tests.integration.live_node import LiveNode, live_node
from tests.integration.trading_node import BTC, until

MARKET = "BTC-USD-PERP"
UNLISTED = InstrumentId.from_str("NOPE-USD-PERP.PARADEX")
MIN_NS = 60 * 10**9
HOUR = pd.Timedelta(hours=1)


class Keeper(DataTester):
    """A `DataTester` that keeps what it is answered."""

    def __init__(self, **options: Any) -> None:
        config = {"instrument_ids": [BTC], "client_id": PARADEX_CLIENT_ID, "log_data": False}
        super().__init__(DataTesterConfig(**config | options))
        self.past: list[Any] = []
        self.instruments: list[Any] = []
        self.answered: list[UUID4] = []

    def on_historical_data(self, data: Any) -> None:
        self.past.extend(data if isinstance(data, list) else [data])

    def on_instrument(self, instrument: Any) -> None:
        self.instruments.append(instrument)

    async def ask(
        self, request: Callable[..., UUID4], *arguments: Any, **options: Any
    ) -> list[Any]:
        """Ask, wait for the answer, and return what it brought."""
        del self.past[:]
        asked = request(*arguments, callback=self.answered.append, **options)
        await until(lambda: asked in self.answered, "the request was answered")
        return list(self.past)


@pytest.fixture
async def exchange() -> AsyncIterator[LocalExchange]:
    """An exchange with a day of the past, and one level on either side."""
    async with LocalExchange(seed=1, simulation_interval_ms=0) as exchange:
        exchange.place_liquidity(MARKET, "BUY", "89990", "0.5")
        exchange.place_liquidity(MARKET, "SELL", "90010", "0.25")
        yield exchange


@asynccontextmanager
async def asking(exchange: LocalExchange, **options: Any) -> AsyncIterator[tuple[LiveNode, Keeper]]:
    """Run a node with a tester of some options until it has been answered."""
    keeper = Keeper(**options)
    async with live_node(
        exchange,
        data={"max_retries": 0},
        execution=None,
        before=lambda node: node.trader.add_actor(keeper),
    ) as live:
        await until(lambda: not keeper.has_pending_requests(), "every request was answered")
        yield live, keeper


@pytest.fixture
async def http(exchange: LocalExchange) -> AsyncIterator[HttpClient]:
    client = HttpClient(exchange.base_url_http)
    yield client
    await client.close()


# -- instruments ---------------------------------------------------------------------------------


async def test_tc_d01_request_instruments(exchange: LocalExchange) -> None:
    async with asking(exchange, request_instruments=True) as (live, keeper):
        listed = live.cache.instruments(venue=PARADEX_VENUE)
        keeper.subscribe_instruments(PARADEX_VENUE)
        await until(lambda: len(keeper.instruments) >= len(listed))
        del keeper.instruments[:]
        await keeper.ask(keeper.request_instruments, PARADEX_VENUE)
        assert {i.id for i in keeper.instruments} == {i.id for i in listed}


async def test_tc_d03_request_one_instrument(exchange: LocalExchange) -> None:
    async with asking(exchange) as (live, keeper):
        keeper.subscribe_instrument(BTC)
        await until(lambda: keeper.instruments)
        del keeper.instruments[:]
        await keeper.ask(keeper.request_instrument, BTC)
        assert [i.id for i in keeper.instruments] == [BTC]
        assert live.cache.instrument(BTC) == keeper.instruments[0]


# -- books ---------------------------------------------------------------------------------------


async def test_tc_d13_request_book_snapshot(exchange: LocalExchange) -> None:
    async with asking(exchange, request_book_snapshot=True, book_depth=10) as (_, keeper):
        (deltas,) = keeper.past
        assert isinstance(deltas, OrderBookDeltas)
        clear, bid, ask = deltas.deltas
        assert clear.action == BookAction.CLEAR
        assert (str(bid.order.price), str(bid.order.size)) == ("89990.0", "0.50000")
        assert (str(ask.order.price), str(ask.order.size)) == ("90010.0", "0.25000")
        assert all(delta.flags & RecordFlag.F_SNAPSHOT for delta in deltas.deltas)
        assert [bool(d.flags & RecordFlag.F_LAST) for d in deltas.deltas] == [False, False, True]
        assert deltas.sequence == exchange.order_book(MARKET, 10)["seq_no"]


async def test_a_limit_of_a_snapshot_is_its_depth(exchange: LocalExchange) -> None:
    for price in ("89980", "89970", "89960"):
        exchange.place_liquidity(MARKET, "BUY", price, "1")
    async with asking(exchange) as (_, keeper):
        (deltas,) = await keeper.ask(keeper.request_order_book_snapshot, BTC, 2)
        prices = [str(delta.order.price) for delta in deltas.deltas[1:]]
        assert prices == ["89990.0", "89980.0", "90010.0"]


async def test_a_depth_of_now_is_answered_and_of_the_past_is_not(
    exchange: LocalExchange, capfd: pytest.CaptureFixture[str]
) -> None:
    async with asking(exchange) as (live, keeper):
        now = live.node.kernel.clock.utc_now()
        (depth,) = await keeper.ask(
            keeper.request_order_book_depth, BTC, start=now - timedelta(seconds=1)
        )
        assert isinstance(depth, OrderBookDepth10)
        assert str(depth.bids[0].price) == "89990.0"
        assert depth.ask_counts == [1] + [0] * 9
        hour_ago = now - timedelta(hours=1)
        assert (
            await keeper.ask(
                keeper.request_order_book_depth, BTC, start=hour_ago - HOUR, end=hour_ago
            )
            == []
        )
    assert "the venue keeps no books" in capfd.readouterr().err


async def test_tc_d15_book_deltas_of_the_past_are_answered_with_nothing(
    exchange: LocalExchange, capfd: pytest.CaptureFixture[str]
) -> None:
    async with asking(exchange, request_book_deltas=True) as (_, keeper):
        assert keeper.past == []
    assert "Paradex keeps no book deltas of the past" in capfd.readouterr().err


# -- quotes --------------------------------------------------------------------------------------


async def test_tc_d21_quotes_of_the_past_are_answered_with_nothing(
    exchange: LocalExchange, capfd: pytest.CaptureFixture[str]
) -> None:
    async with asking(exchange, request_quotes=True) as (_, keeper):
        assert keeper.past == []
    assert "Paradex keeps no quotes of the past" in capfd.readouterr().err


# -- trades --------------------------------------------------------------------------------------


async def test_tc_d31_request_trades(exchange: LocalExchange, http: HttpClient) -> None:
    live_trade = exchange.print_trade(MARKET, "SELL", "89000.5", "0.125")
    start_ns = time.time_ns() - 6 * 60 * MIN_NS
    async with asking(exchange, request_trades=True, requests_start_delta=6 * HOUR) as (
        live,
        keeper,
    ):
        trades = keeper.past
        # More than one page holds, each once and oldest first, the latest among them.
        assert len(trades) > 2000
        assert all(isinstance(trade, TradeTick) for trade in trades)
        assert len({str(trade.trade_id) for trade in trades}) == len(trades)
        times = [trade.ts_event for trade in trades]
        assert times == sorted(times)
        assert times == [trade.ts_init for trade in trades]
        assert start_ns <= times[0] < start_ns + 2 * MIN_NS
        assert str(trades[-1].trade_id) == live_trade
        there = await fetch_trades(http, MARKET, times[0])
        assert [str(trade.trade_id) for trade in trades] == [row[2] for row in there.rows]
        assert live.cache.trade_tick(BTC) == trades[-1]


async def test_a_limit_and_a_range_of_trades(exchange: LocalExchange) -> None:
    async with asking(exchange) as (live, keeper):
        end = live.node.kernel.clock.utc_now() - timedelta(hours=2)
        start = end - timedelta(hours=1)
        every = await keeper.ask(keeper.request_trade_ticks, BTC, start=start, end=end)
        assert len(every) == pytest.approx(360, abs=6)
        assert start.timestamp() <= every[0].ts_event / 1e9
        assert every[-1].ts_event / 1e9 <= end.timestamp()
        last = await keeper.ask(keeper.request_trade_ticks, BTC, start=start, end=end, limit=7)
        assert last == every[-7:]


# -- bars ----------------------------------------------------------------------------------------

STEPS = {
    "1-MINUTE": 1,
    "3-MINUTE": 3,
    "5-MINUTE": 5,
    "15-MINUTE": 15,
    "30-MINUTE": 30,
    "1-HOUR": 60,
}
PRICE_KINDS = {"LAST": "last", "MARK": "mark", "MID": "underlying"}


async def test_tc_d41_request_bars(exchange: LocalExchange, http: HttpClient) -> None:
    bar_types = [
        BarType.from_str(f"{BTC}-{step}-{price}-EXTERNAL")
        for step in STEPS
        for price in PRICE_KINDS
    ]
    start_ns = time.time_ns() - 12 * 60 * MIN_NS
    async with asking(
        exchange, request_bars=True, bar_types=bar_types, requests_start_delta=12 * HOUR
    ) as (live, keeper):
        now_ns = live.node.kernel.clock.timestamp_ns()
        for bar_type in bar_types:
            bars = [bar for bar in keeper.past if bar.bar_type == bar_type]
            step, price = str(bar_type.spec).rsplit("-", 1)
            width = STEPS[step] * MIN_NS
            times = [bar.ts_event for bar in bars]
            # Without a gap, from the first that closes in the range to the last that is over.
            assert times == list(range(times[0], times[-1] + 1, width)), bar_type
            assert start_ns <= times[0] < start_ns + 2 * width, bar_type
            assert now_ns - 2 * width < times[-1] <= now_ns, bar_type
            assert times == [bar.ts_init for bar in bars]
            there = await fetch_klines(
                http, MARKET, STEPS[step], PRICE_KINDS[price], times[0], times[-1]
            )
            closes = [round(Decimal(row[4]).scaleb(-8), 1) for row in there.rows]
            assert [bar.close.as_decimal() for bar in bars] == closes, bar_type
            assert all(isinstance(bar, Bar) for bar in bars)


async def test_bars_that_do_not_exist_are_answered_with_nothing(
    exchange: LocalExchange, capfd: pytest.CaptureFixture[str]
) -> None:
    bar_types = [
        BarType.from_str(f"{BTC}-{spec}-EXTERNAL") for spec in ("1-DAY-LAST", "1-MINUTE-BID")
    ]
    async with asking(exchange, request_bars=True, bar_types=bar_types) as (_, keeper):
        assert keeper.past == []
    assert capfd.readouterr().err.count("do not exist at Paradex") == 2


# -- funding -------------------------------------------------------------------------------------


async def test_tc_d53_request_funding_rates(exchange: LocalExchange, http: HttpClient) -> None:
    async with asking(exchange, request_funding_rates=True) as (live, keeper):
        rates = keeper.past
        assert len(rates) > 1000
        assert all(isinstance(rate, FundingRateUpdate) for rate in rates)
        times = [rate.ts_event for rate in rates]
        assert times == sorted(times)
        assert {rate.interval for rate in rates} == {8 * 60}
        there = await fetch_funding(http, MARKET, end_ns=times[-1])
        assert [Decimal(row.funding_rate or 0).scaleb(-12) for row in there.rows] == [
            rate.rate for rate in rates
        ]
        assert live.cache.funding_rate(BTC) == rates[-1]


# -- forward prices ------------------------------------------------------------------------------


@pytest.mark.parametrize("is_sampled", [False, True])
async def test_forward_prices_of_every_expiry(exchange: LocalExchange, is_sampled: bool) -> None:
    async with asking(exchange) as (live, _):
        options = [
            i
            for i in live.cache.instruments()
            if isinstance(i, CryptoOption) and i.underlying.code == "BTC"
        ]
        answers = await _ask_forward_prices(live, "BTC", options[0].id if is_sampled else None)
        ((prices, _, _),) = answers
        asked = options[:1] if is_sampled else options
        found = {live.cache.instrument(_id(price)).expiration_ns for price in prices}
        assert found == {option.expiration_ns for option in asked}
        summary = next(
            price for price in prices if Decimal("0.5") < Decimal(price.forward_price) / 90000 < 2
        )
        assert summary.ts_init >= summary.ts_event > 0


async def test_forward_prices_of_what_has_no_options_are_none(
    exchange: LocalExchange, capfd: pytest.CaptureFixture[str]
) -> None:
    async with asking(exchange) as (live, _):
        ((prices, _, _),) = await _ask_forward_prices(live, "NOPE", None)
        assert prices == []
    assert "No forward prices of NOPE" in capfd.readouterr().err


async def _ask_forward_prices(live: LiveNode, underlying: str, sample: InstrumentId | None) -> Any:
    request = RequestForwardPrices(
        underlying=underlying,
        client_id=PARADEX_CLIENT_ID,
        venue=PARADEX_VENUE,
        callback=None,
        request_id=UUID4(),
        ts_init=0,
        sample_instrument_id=sample,
    )
    answers: list[Any] = []
    # The engine takes such an answer for an option chain alone.
    live.data_client._handle_forward_prices = lambda *answer: answers.append(answer)
    live.data_client.request_forward_prices(request)
    await until(lambda: answers, "the request was answered")
    assert [answer[1] for answer in answers] == [request.id]
    return answers


def _id(price: Any) -> InstrumentId:
    return InstrumentId.from_str(str(price.instrument_id))


# -- always answered -----------------------------------------------------------------------------


async def test_tc_d72_custom_request_params(exchange: LocalExchange) -> None:
    async with asking(
        exchange, request_trades=True, request_params={"of": "the strategy's own"}
    ) as (_, keeper):
        assert keeper.past


FAILING = {
    "/v1/trades": lambda keeper, start: keeper.ask(keeper.request_trade_ticks, BTC, start=start),
    "/v1/funding/data": lambda keeper, start: keeper.ask(
        keeper.request_funding_rates, BTC, start=start
    ),
    "/v1/markets/klines": lambda keeper, start: keeper.ask(
        keeper.request_bars, BarType.from_str(f"{BTC}-1-MINUTE-LAST-EXTERNAL"), start=start
    ),
    f"/v1/orderbook/{MARKET}": lambda keeper, start: keeper.ask(
        keeper.request_order_book_snapshot, BTC, 10
    ),
}


@pytest.mark.parametrize("path", FAILING)
async def test_a_request_that_the_venue_fails_is_answered_with_nothing(
    exchange: LocalExchange, path: str, capfd: pytest.CaptureFixture[str]
) -> None:
    async with asking(exchange) as (live, keeper):
        start = live.node.kernel.clock.utc_now() - HOUR
        exchange.fail_next("GET", path, 503)
        assert await FAILING[path](keeper, start) == []
        # Asked again, it is answered.
        assert await FAILING[path](keeper, start) != []
    assert capfd.readouterr().err.count("answered with nothing: GET") == 1


async def test_requests_for_what_is_not_listed_are_answered_with_nothing(
    exchange: LocalExchange, capfd: pytest.CaptureFixture[str]
) -> None:
    async with asking(exchange) as (live, keeper):
        start = live.node.kernel.clock.utc_now() - HOUR
        assert await keeper.ask(keeper.request_trade_ticks, UNLISTED, start=start) == []
        assert await keeper.ask(keeper.request_funding_rates, UNLISTED, start=start) == []
        assert await keeper.ask(keeper.request_order_book_snapshot, UNLISTED, 10) == []
    assert capfd.readouterr().err.count("is not listed at Paradex") == 3
