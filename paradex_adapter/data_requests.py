"""The answers to a strategy's requests: instruments, and data of the past.

Every request is answered, with nothing when there is nothing or the venue failed: the requester's
callback never runs otherwise. Why it is nothing stands in the log.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from nautilus_trader.core.datetime import dt_to_unix_nanos
from nautilus_trader.data.messages import (
    RequestBars,
    RequestData,
    RequestForwardPrices,
    RequestFundingRates,
    RequestInstrument,
    RequestInstruments,
    RequestOrderBookDeltas,
    RequestOrderBookDepth,
    RequestOrderBookSnapshot,
    RequestQuoteTicks,
    RequestTradeTicks,
)
from nautilus_trader.live.data_client import LiveMarketDataClient
from nautilus_trader.model.data import OrderBookDeltas, OrderBookDepth10
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.instruments import CryptoOption, Instrument

from paradex_adapter.providers import ParadexInstrumentProvider
from paradex_adapter.translate.history import (
    DEPTH_LEVELS,
    UnsupportedBars,
    UnusableKline,
    bar_type_to_kline_terms,
    book_to_depth10,
    funding_to_update,
    kline_to_bar,
    summary_to_forward_price,
)
from paradex_adapter.translate.market_data import (
    OutOfRange,
    PriceTables,
    book_to_deltas,
    trade_to_trade_tick,
)
from paradex_adapter.venue.errors import InvalidRequest, ParadexError, excerpt
from paradex_adapter.venue.history import History, fetch_funding, fetch_klines, fetch_trades
from paradex_adapter.venue.http import HttpClient
from paradex_adapter_core.errors import CoreError
from paradex_adapter_core.messages.market_data import BookTuple
from paradex_adapter_core.parsers.market_data import parse_orderbook
from paradex_adapter_core.parsers.markets import parse_market_summaries

# The venue keeps no books of the past: who asks for one that ended longer ago gets none.
BOOK_AGE_NS_MAX: Final = 60 * 1_000_000_000
BOOK_LEVELS_MAX: Final = 1000
REQUEST_ERRORS: Final = (ParadexError, CoreError, OutOfRange, OverflowError, UnsupportedBars)


class ParadexDataRequests(LiveMarketDataClient):
    """The half of the data client that answers requests.

    Trades, bars and funding rates of the past bear their own time as ``ts_init``, come oldest first
    and each once. A limit keeps the latest.

    Parameters
    ----------
    http : HttpClient
        The venue's REST interface.
    instrument_provider : ParadexInstrumentProvider
        The instruments.
    **options
        What `LiveMarketDataClient` takes besides.
    """

    def __init__(
        self, *, http: HttpClient, instrument_provider: ParadexInstrumentProvider, **options: Any
    ) -> None:
        super().__init__(instrument_provider=instrument_provider, **options)
        self._http: Final = http
        self._provider: Final = instrument_provider
        # Not those of the live data: prices of the past would drive out those of now.
        self._past_prices: Final = PriceTables()

    # -- REQUESTS ----------------------------------------------------------------------------------

    async def _request_instrument(self, request: RequestInstrument) -> None:
        async def read() -> list[Instrument]:
            return [await self._need_instrument(request.instrument_id)]

        await self._answer_with(request, read)

    async def _request_instruments(self, request: RequestInstruments) -> None:
        async def read() -> list[Instrument]:
            if not self._provider.count:
                await self._provider.load_all_async()
            return self._provider.list_all()

        await self._answer_with(request, read)

    async def _request_trade_ticks(self, request: RequestTradeTicks) -> None:
        async def read() -> list[Any]:
            instrument = await self._need_instrument(request.instrument_id)
            scales = self._past_prices.scales_of(instrument)
            history = await fetch_trades(
                self._http, _market(instrument), *_bounds(request), limit=request.limit
            )
            self._tell_missing(request, history)
            ticks = (trade_to_trade_tick(trade, scales, trade[8]) for trade in history.rows)
            return [tick for tick in ticks if tick is not None]

        await self._answer_with(request, read)

    async def _request_funding_rates(self, request: RequestFundingRates) -> None:
        async def read() -> list[Any]:
            instrument = await self._need_instrument(request.instrument_id)
            history = await fetch_funding(
                self._http, _market(instrument), *_bounds(request), limit=request.limit
            )
            self._tell_missing(request, history)
            updates = (funding_to_update(row, instrument.id, row.ts_event) for row in history.rows)
            return [update for update in updates if update is not None]

        await self._answer_with(request, read)

    async def _request_bars(self, request: RequestBars) -> None:
        async def read() -> list[Any]:
            minutes, price_kind = bar_type_to_kline_terms(request.bar_type)
            instrument = await self._need_instrument(request.bar_type.instrument_id)
            history = await fetch_klines(
                self._http,
                _market(instrument),
                minutes,
                price_kind,
                *_bounds(request),
                limit=request.limit,
                now_ns=self._clock.timestamp_ns(),
            )
            self._tell_missing(request, history)
            scales = self._past_prices.scales_of(instrument)
            bars = []
            for kline in history.rows:
                try:
                    bars.append(kline_to_bar(kline, request.bar_type, scales))
                except UnusableKline as error:
                    self._log.warning(f"Left out of {request.bar_type}: {error}")
            return bars

        await self._answer_with(request, read)

    async def _request_order_book_snapshot(self, request: RequestOrderBookSnapshot) -> None:
        async def read() -> list[OrderBookDeltas]:
            instrument = await self._need_instrument(request.instrument_id)
            book = await self._read_book(instrument, request.limit)
            scales = self._past_prices.scales_of(instrument)
            deltas = book_to_deltas(book, scales, self._clock.timestamp_ns())
            return [] if deltas is None else [deltas]

        await self._answer_with(request, read)

    async def _request_order_book_depth(self, request: RequestOrderBookDepth) -> None:
        async def read() -> list[OrderBookDepth10]:
            _, end_ns = _bounds(request)
            if end_ns is not None and end_ns < self._clock.timestamp_ns() - BOOK_AGE_NS_MAX:
                raise InvalidRequest("end", "is past: the venue keeps no books, it has that of now")
            instrument = await self._need_instrument(request.instrument_id)
            book = await self._read_book(instrument, DEPTH_LEVELS)
            scales = self._past_prices.scales_of(instrument)
            return [book_to_depth10(book, scales, self._clock.timestamp_ns())]

        await self._answer_with(request, read)

    async def _request_forward_prices(self, request: RequestForwardPrices) -> None:
        prices: list[Any] = []
        try:
            prices = await self._read_forward_prices(request)
        except REQUEST_ERRORS as error:
            self._log.error(f"No forward prices of {request.underlying}: {error}")
        finally:
            self._handle_forward_prices(prices, request.id, request.params)

    # -- REQUESTS NOT SUPPORTED --------------------------------------------------------------------

    async def _request(self, request: RequestData) -> None:
        self._answer_nothing(request, "custom data of the past")

    async def _request_quote_ticks(self, request: RequestQuoteTicks) -> None:
        self._answer_nothing(request, "quotes of the past")

    async def _request_order_book_deltas(self, request: RequestOrderBookDeltas) -> None:
        self._answer_nothing(request, "book deltas of the past")

    # -- ANSWERS -----------------------------------------------------------------------------------

    async def _answer_with[T](
        self, request: RequestData, read: Callable[[], Awaitable[list[T]]]
    ) -> None:
        data: list[T] = []
        try:
            data = await read()
        except REQUEST_ERRORS as error:
            self._log.error(f"Request of {_subject(request)} answered with nothing: {error}")
        finally:
            self._answer(request, data)

    def _answer_nothing(self, request: RequestData, what: str) -> None:
        self._log.error(f"Paradex keeps no {what}: the request is answered with none")
        self._answer(request, [])

    def _answer(self, request: RequestData, data: list[Any]) -> None:
        self._handle_data_response(
            request.data_type, data, request.id, request.start, request.end, request.params
        )

    async def _need_instrument(self, instrument_id: InstrumentId) -> Instrument:
        instrument = await self._provider.find_or_load(instrument_id)
        if instrument is None:
            raise InvalidRequest(str(instrument_id), "is not listed at Paradex")
        return instrument

    async def _read_book(self, instrument: Instrument, levels: int) -> BookTuple:
        depth = min(levels, BOOK_LEVELS_MAX) or None
        return parse_orderbook(await self._http.get_orderbook(_market(instrument), depth))

    async def _read_forward_prices(self, request: RequestForwardPrices) -> list[Any]:
        sample = request.sample_instrument_id
        options = {
            option.id.symbol.value: option
            for option in self._provider.list_all()
            if isinstance(option, CryptoOption)
            and option.underlying.code.upper() == request.underlying.upper()
            and sample in (None, option.id)
        }
        if not options:
            raise InvalidRequest("underlying", "has no options among the loaded instruments")
        body = await self._http.get_markets_summary(
            "ALL" if sample is None else sample.symbol.value
        )
        ts_init = self._clock.timestamp_ns()
        prices: dict[int, Any] = {}
        for summary in parse_market_summaries(body):
            option = options.get(summary.market)
            # One an expiry: it is that of every strike.
            if option is not None and option.expiration_ns not in prices:
                price = summary_to_forward_price(summary, option, ts_init)
                if price is not None:
                    prices[option.expiration_ns] = price
        return [prices[expiry] for expiry in sorted(prices)]

    def _tell_missing(self, request: RequestData, history: History[Any]) -> None:
        if history.is_cut:
            self._log.warning(
                f"Request of {_subject(request)} is cut at {len(history.rows)} rows, more than one "
                "answer holds: ask for a shorter time range, or use paradex-history"
            )
        if history.unreadable:
            counted = ", ".join(f"{excerpt(k)} ({n})" for k, n in history.unreadable.items())
            self._log.warning(f"Request of {_subject(request)}: {counted}")


def _market(instrument: Instrument) -> str:
    return instrument.id.symbol.value


def _bounds(request: RequestData) -> tuple[int | None, int | None]:
    """Return start and end in nanoseconds; the engine gives the epoch for no start."""
    return (
        None if request.start is None else dt_to_unix_nanos(request.start) or None,
        None if request.end is None else dt_to_unix_nanos(request.end),
    )


def _subject(request: RequestData) -> str:
    if isinstance(request, RequestBars):
        return str(request.bar_type)
    return f"{request.data_type.type.__name__} of {request.instrument_id or request.venue}"
