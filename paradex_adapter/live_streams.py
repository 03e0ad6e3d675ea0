"""What arrives of the live feed, as Nautilus data for those who subscribed to it."""

from collections.abc import Callable
from typing import Any, Final

from nautilus_trader.common.component import Logger
from nautilus_trader.model.data import CustomData, DataType
from nautilus_trader.model.identifiers import InstrumentId

from paradex_adapter.custom_data import (
    ParadexFundingComparison,
    ParadexMarketSummary,
    ParadexTradeType,
    comparison_to_custom,
    summary_to_custom,
    trade_to_custom,
)
from paradex_adapter.translate.history import book_to_depth10, funding_to_update
from paradex_adapter.translate.instruments import is_identifier, symbol_to_instrument_id
from paradex_adapter.translate.market_data import (
    OutOfRange,
    Scales,
    bbo_to_quote_tick,
    book_reset_to_deltas,
    book_to_deltas,
    text_to_trade_id,
    trade_to_trade_tick,
)
from paradex_adapter.translate.market_state import (
    summary_to_index_price,
    summary_to_mark_price,
    summary_to_option_greeks,
)
from paradex_adapter.venue.streams import ALL_MARKETS
from paradex_adapter_core.messages.market_data import (
    BboTuple,
    BookTuple,
    FundingData,
    FundingRateComparison,
    MarketSummary,
    TradeTuple,
)

# What cannot be shown is counted under at most so many names.
SKIPPED_KINDS_MAX: Final = 256

type Subscribed = dict[str, Scales]


class LiveStreams:
    """Translates what the feed brings and hands it on.

    Parameters
    ----------
    handle : Callable[[object], None]
        Takes the data for the engine.
    on_book_unusable : Callable[[str, str], None]
        Takes the market of a book that cannot be shown, and why: no frame of it is shown any more.
    log : Logger
        The client's log.

    Attributes
    ----------
    quotes, trades, books, depths, marks, indexes, fundings, greeks : dict[str, Scales]
        Who is subscribed, by the venue's symbol; what arrives for others is dropped.
    customs : dict[type, dict[str, list[DataType]]]
        By the custom data's class and the market, or `streams.ALL_MARKETS`: as whom it is wanted.
    """

    def __init__(
        self,
        handle: Callable[[Any], None],
        on_book_unusable: Callable[[str, str], None],
        log: Logger,
    ) -> None:
        self._handle: Final = handle
        self._on_book_unusable: Final = on_book_unusable
        self._log: Final = log
        self.quotes: Final[Subscribed] = {}
        self.trades: Final[Subscribed] = {}
        self.books: Final[Subscribed] = {}
        self.depths: Final[Subscribed] = {}
        self.marks: Final[Subscribed] = {}
        self.indexes: Final[Subscribed] = {}
        self.fundings: Final[Subscribed] = {}
        self.greeks: Final[Subscribed] = {}
        self._all: Final = (
            *(self.quotes, self.trades, self.books, self.depths),
            *(self.marks, self.indexes, self.fundings, self.greeks),
        )
        self._trade_types: Final[dict[str, list[DataType]]] = {}
        self.customs: Final[dict[type, dict[str, list[DataType]]]] = {
            ParadexMarketSummary: {},
            ParadexTradeType: self._trade_types,
            ParadexFundingComparison: {},
        }
        self.skipped: Final[dict[str, int]] = {"one-sided quotes": 0}

    def clear(self) -> None:
        """Forget who is subscribed."""
        for subscribed in self._all:
            subscribed.clear()
        for wanted in self.customs.values():
            wanted.clear()

    def replace_scales(self, market: str, scales: Scales) -> None:
        """Show what comes of a market from now on under other precisions."""
        for subscribed in self._all:
            if market in subscribed:
                subscribed[market] = scales

    # -- QUOTES, TRADES, BOOKS ---------------------------------------------------------------------

    def on_bbo(self, bbo: BboTuple, ts_init: int) -> None:
        """Take the best bid and offer."""
        scales = self.quotes.get(bbo[1])
        if scales is None:
            return
        try:
            quote = bbo_to_quote_tick(bbo, scales, ts_init)
        except (OutOfRange, OverflowError) as e:
            self._skip(f"quotes of {bbo[1]} out of range", e)
            return
        if quote is None:
            self.skipped["one-sided quotes"] += 1
        else:
            self._handle(quote)

    def on_trade(self, trade: TradeTuple, ts_init: int) -> None:
        """Take a trade."""
        scales = self.trades.get(trade[1])
        if scales is not None:
            try:
                tick = trade_to_trade_tick(trade, scales, ts_init)
            except (OutOfRange, OverflowError) as e:
                self._skip(f"trades of {trade[1]} out of range", e)
                return
            if tick is not None:
                self._handle(tick)
        if self._trade_types:
            self._tell_custom(
                self._trade_types,
                trade[1],
                lambda i: trade_to_custom(trade, text_to_trade_id(trade[2]), i, ts_init),
            )

    def on_book(self, book: BookTuple, ts_init: int) -> None:
        """Take a frame that continues its book."""
        scales = self.books.get(book[1])
        if scales is None:
            return
        try:
            deltas = book_to_deltas(book, scales, ts_init)
        except (OutOfRange, OverflowError) as e:
            # Without this frame the book is wrong, and the frames after it would hide that.
            self.on_book_reset(book[1], book[2], ts_init)
            self._on_book_unusable(book[1], str(e))
            return
        if deltas is not None:
            self._handle(deltas)

    def on_book_reset(self, market: str, sequence: int, ts_init: int) -> None:
        """Take that nothing is known of a book any more."""
        scales = self.books.get(market)
        if scales is not None:
            self._handle(book_reset_to_deltas(scales[0], sequence, ts_init, ts_init))

    def on_book_top(self, book: BookTuple, ts_init: int) -> None:
        """Take the best levels of a book; a change alone says nothing about them."""
        scales = self.depths.get(book[1])
        if scales is None or not book[3]:
            return
        try:
            self._handle(book_to_depth10(book, scales, ts_init))
        except (OutOfRange, OverflowError) as e:
            self._skip(f"depths of {book[1]} out of range", e)

    # -- THE STATE OF MARKETS ----------------------------------------------------------------------

    def on_summary(self, summary: MarketSummary, ts_init: int) -> None:
        """Take a market's summary."""
        market = summary.market
        for subscribed, translate in (
            (self.marks, summary_to_mark_price),
            (self.indexes, summary_to_index_price),
            (self.greeks, summary_to_option_greeks),
        ):
            scales = subscribed.get(market)
            if scales is None:
                continue
            try:
                data: Any = translate(summary, scales, ts_init)
            except (OutOfRange, OverflowError) as e:
                self._skip(f"summaries of {market} out of range", e)
                continue
            if data is not None:
                self._handle(data)
        self._tell_custom(
            self.customs[ParadexMarketSummary],
            market,
            lambda i: summary_to_custom(summary, i, ts_init),
        )

    def on_funding(self, funding: FundingData, ts_init: int) -> None:
        """Take a market's funding."""
        scales = self.fundings.get(funding.market)
        if scales is not None:
            update = funding_to_update(funding, scales[0], ts_init)
            if update is not None:
                self._handle(update)

    def on_comparison(self, comparison: FundingRateComparison, ts_init: int) -> None:
        """Take a funding rate of another venue."""
        self._tell_custom(
            self.customs[ParadexFundingComparison],
            comparison.market,
            lambda i: comparison_to_custom(comparison, i, ts_init),
        )

    def _tell_custom(
        self,
        wanted: dict[str, list[DataType]],
        market: str,
        translate: Callable[[InstrumentId], Any],
    ) -> None:
        data_types = [*wanted.get(market, ()), *wanted.get(ALL_MARKETS, ())]
        if not data_types or not is_identifier(market):
            return
        data = translate(symbol_to_instrument_id(market))
        for data_type in data_types:
            self._handle(CustomData(data_type, data))

    def _skip(self, kind: str, error: Exception) -> None:
        """Count what cannot be shown to Nautilus; log the first of each kind."""
        if kind not in self.skipped and len(self.skipped) >= SKIPPED_KINDS_MAX:
            kind = "more kinds out of range"
        if kind not in self.skipped:
            self._log.error(f"Skipped {kind} (logged once): {error}")
        self.skipped[kind] = self.skipped.get(kind, 0) + 1
