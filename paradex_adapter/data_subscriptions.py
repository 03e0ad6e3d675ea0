"""The subscriptions of the data client: which command needs which of the venue's channels.

==================  ==========================================  ====================================
Nautilus            the venue's channel                         remark
==================  ==========================================  ====================================
quotes              ``bbo.{market}``
trades              ``trades.{market}``
book deltas         ``order_book.{market}.deltas``              full depth, snapshot first
depth10             ``order_book.{market}.snapshot@15@100ms``   ``snapshot_interval_ms`` 50 or 100
mark, index,        ``markets_summary``                         one scoped subscription, or all
greeks
funding rates       ``funding_data.{market}``                   or all
bars                none: REST, after the close                 `LiveBars`
status, close       ``markets``                                 `InstrumentWatch`
custom data         as its class says                           `custom_data`
==================  ==========================================  ====================================
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from nautilus_trader.data.messages import (
    SubscribeBars,
    SubscribeData,
    SubscribeFundingRates,
    SubscribeIndexPrices,
    SubscribeInstrument,
    SubscribeInstrumentClose,
    SubscribeInstruments,
    SubscribeInstrumentStatus,
    SubscribeMarkPrices,
    SubscribeOptionGreeks,
    SubscribeOrderBook,
    SubscribeQuoteTicks,
    SubscribeTradeTicks,
    UnsubscribeBars,
    UnsubscribeData,
    UnsubscribeFundingRates,
    UnsubscribeIndexPrices,
    UnsubscribeInstrument,
    UnsubscribeInstrumentClose,
    UnsubscribeInstruments,
    UnsubscribeInstrumentStatus,
    UnsubscribeMarkPrices,
    UnsubscribeOptionGreeks,
    UnsubscribeOrderBook,
    UnsubscribeQuoteTicks,
    UnsubscribeTradeTicks,
)
from nautilus_trader.model.data import DataType
from nautilus_trader.model.enums import BookType
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.instruments import CryptoOption, Instrument

from paradex_adapter.account_data import ACCOUNT_TYPES
from paradex_adapter.custom_data import (
    ParadexFundingComparison,
    ParadexMarketSummary,
    ParadexTradeType,
)
from paradex_adapter.data_requests import ParadexDataRequests
from paradex_adapter.instrument_watch import InstrumentWatch
from paradex_adapter.live_bars import LiveBars
from paradex_adapter.live_streams import LiveStreams, Subscribed
from paradex_adapter.translate.history import UnsupportedBars
from paradex_adapter.translate.market_data import PriceTables
from paradex_adapter.venue.errors import InvalidRequest, ParadexError
from paradex_adapter.venue.market_feed import MarketFeed
from paradex_adapter.venue.streams import (
    ALL_MARKETS,
    CHANNELS,
    KIND_BOOK_TOP_50MS,
    KIND_BOOK_TOP_100MS,
)
from paradex_adapter_core.errors import CoreError
from paradex_adapter_core.vocabulary import (
    KIND_BBO,
    KIND_BOOK,
    KIND_FUNDING_DATA,
    KIND_FUNDING_RATE_COMPARISON,
    KIND_MARKET_SUMMARY,
    KIND_TRADE,
)

# A parameter of depth10 subscriptions: how often the venue may send one, in milliseconds.
SNAPSHOT_INTERVAL: Final = "snapshot_interval_ms"
SNAPSHOT_KINDS: Final = {100: KIND_BOOK_TOP_100MS, 50: KIND_BOOK_TOP_50MS}
CUSTOM_KINDS: Final[dict[type, int]] = {
    ParadexMarketSummary: KIND_MARKET_SUMMARY,
    ParadexTradeType: KIND_TRADE,
    ParadexFundingComparison: KIND_FUNDING_RATE_COMPARISON,
}
INSTRUMENT_KEY: Final = "instrument_id"


class ParadexDataSubscriptions(ParadexDataRequests):
    """The half of the data client that subscribes."""

    _feed: MarketFeed
    _streams: LiveStreams
    _bars: LiveBars
    _watch: InstrumentWatch
    _price_tables: PriceTables
    _depth_kinds: dict[str, int]

    def _publish_instruments(self) -> None:
        for instrument in self._provider.list_all():
            self._publish_instrument(instrument)

    def _publish_instrument(self, instrument: Instrument) -> None:
        for currency in (instrument.get_base_currency(), instrument.quote_currency):
            if currency is not None:
                self._cache.add_currency(currency)
        self._handle_data(instrument)

    # -- SUBSCRIPTIONS -----------------------------------------------------------------------------

    async def _subscribe(self, command: SubscribeData) -> None:
        data_type = command.data_type
        if data_type.type in ACCOUNT_TYPES:
            # An execution client publishes it, subscribed or not.
            return

        def undo() -> None:
            self._drop_custom(data_type)
            self._remove_subscription(data_type)

        with self._undone_on_failure(str(data_type), undo):
            kind = CUSTOM_KINDS.get(data_type.type)
            if kind is None:
                known = ", ".join(sorted(known_type.__name__ for known_type in CUSTOM_KINDS))
                raise InvalidRequest(str(data_type), f"is none of {known}")
            market = self._custom_market(data_type)
            # Before the request: the first data may overtake the acknowledgment.
            self._streams.customs[data_type.type].setdefault(market, []).append(data_type)
            await self._feed.subscribe(kind, _channel_market(kind, market))

    async def _subscribe_instruments(self, command: SubscribeInstruments) -> None:
        # They are published whenever they change; there is nothing to ask the venue for.
        self._publish_instruments()

    async def _subscribe_instrument(self, command: SubscribeInstrument) -> None:
        instrument_id = command.instrument_id
        with self._undone_on_failure(
            f"instrument {instrument_id}",
            lambda: self._remove_subscription_instrument(instrument_id),
        ):
            self._publish_instrument(await self._need_published(instrument_id))

    async def _subscribe_order_book_deltas(self, command: SubscribeOrderBook) -> None:
        remove = self._remove_subscription_order_book_deltas
        if command.book_type == BookType.L3_MBO:
            remove(command.instrument_id)
            self._log.error(
                "Books by order (L3_MBO) are not supported at Paradex, so not subscribed: "
                f"{command.instrument_id}"
            )
            return
        await self._open(KIND_BOOK, command.instrument_id, self._streams.books, remove)

    async def _subscribe_order_book_depth(self, command: SubscribeOrderBook) -> None:
        instrument_id = command.instrument_id
        interval_ms = (command.params or {}).get(SNAPSHOT_INTERVAL, 100)
        kind = SNAPSHOT_KINDS.get(interval_ms, KIND_BOOK_TOP_100MS)
        if interval_ms not in SNAPSHOT_KINDS:
            self._log.warning(f"{SNAPSHOT_INTERVAL} is 50 or 100, not {interval_ms!r}: 100 is used")
        if command.managed and instrument_id.symbol.value in self._streams.books:
            self._log.warning(
                f"Deltas and managed depths of {instrument_id} write the same book of the engine: "
                "subscribe the depths with managed=False"
            )
        self._depth_kinds[instrument_id.symbol.value] = kind
        await self._open(
            kind, instrument_id, self._streams.depths, self._remove_subscription_order_book_depth
        )

    async def _subscribe_quote_ticks(self, command: SubscribeQuoteTicks) -> None:
        await self._open(
            KIND_BBO,
            command.instrument_id,
            self._streams.quotes,
            self._remove_subscription_quote_ticks,
        )

    async def _subscribe_trade_ticks(self, command: SubscribeTradeTicks) -> None:
        await self._open(
            KIND_TRADE,
            command.instrument_id,
            self._streams.trades,
            self._remove_subscription_trade_ticks,
        )

    async def _subscribe_mark_prices(self, command: SubscribeMarkPrices) -> None:
        await self._open(
            KIND_MARKET_SUMMARY,
            command.instrument_id,
            self._streams.marks,
            self._remove_subscription_mark_prices,
        )

    async def _subscribe_index_prices(self, command: SubscribeIndexPrices) -> None:
        await self._open(
            KIND_MARKET_SUMMARY,
            command.instrument_id,
            self._streams.indexes,
            self._remove_subscription_index_prices,
        )

    async def _subscribe_funding_rates(self, command: SubscribeFundingRates) -> None:
        await self._open(
            KIND_FUNDING_DATA,
            command.instrument_id,
            self._streams.fundings,
            self._remove_subscription_funding_rates,
        )

    async def _subscribe_option_greeks(self, command: SubscribeOptionGreeks) -> None:
        remove = self._remove_subscription_option_greeks
        instrument = self._provider.find(command.instrument_id)
        if instrument is not None and not isinstance(instrument, CryptoOption):
            remove(command.instrument_id)
            self._log.error(f"Not subscribed to greeks: {command.instrument_id} is no option")
            return
        await self._open(KIND_MARKET_SUMMARY, command.instrument_id, self._streams.greeks, remove)

    async def _subscribe_bars(self, command: SubscribeBars) -> None:
        bar_type = command.bar_type
        with self._undone_on_failure(
            str(bar_type), lambda: self._remove_subscription_bars(bar_type)
        ):
            await self._need_published(bar_type.instrument_id)
            self._bars.add(bar_type)

    async def _subscribe_instrument_status(self, command: SubscribeInstrumentStatus) -> None:
        instrument_id = command.instrument_id
        with self._undone_on_failure(
            f"status of {instrument_id}",
            lambda: self._remove_subscription_instrument_status(instrument_id),
        ):
            instrument = await self._need_published(instrument_id)
            self._watch.statuses.add(instrument_id)
            self._watch.tell_status(instrument)

    async def _subscribe_instrument_close(self, command: SubscribeInstrumentClose) -> None:
        instrument_id = command.instrument_id
        with self._undone_on_failure(
            f"close of {instrument_id}",
            lambda: self._remove_subscription_instrument_close(instrument_id),
        ):
            await self._need_published(instrument_id)
            self._watch.closes.add(instrument_id)

    async def _unsubscribe(self, command: UnsubscribeData) -> None:
        market = self._drop_custom(command.data_type)
        if market is not None:
            kind = CUSTOM_KINDS[command.data_type.type]
            await self._feed.unsubscribe(kind, _channel_market(kind, market))

    async def _unsubscribe_instruments(self, command: UnsubscribeInstruments) -> None:
        pass

    async def _unsubscribe_instrument(self, command: UnsubscribeInstrument) -> None:
        pass

    async def _unsubscribe_order_book_deltas(self, command: UnsubscribeOrderBook) -> None:
        await self._leave(KIND_BOOK, command.instrument_id, self._streams.books)

    async def _unsubscribe_order_book_depth(self, command: UnsubscribeOrderBook) -> None:
        kind = self._depth_kinds.pop(command.instrument_id.symbol.value, KIND_BOOK_TOP_100MS)
        await self._leave(kind, command.instrument_id, self._streams.depths)

    async def _unsubscribe_quote_ticks(self, command: UnsubscribeQuoteTicks) -> None:
        await self._leave(KIND_BBO, command.instrument_id, self._streams.quotes)

    async def _unsubscribe_trade_ticks(self, command: UnsubscribeTradeTicks) -> None:
        await self._leave(KIND_TRADE, command.instrument_id, self._streams.trades)

    async def _unsubscribe_mark_prices(self, command: UnsubscribeMarkPrices) -> None:
        await self._leave(KIND_MARKET_SUMMARY, command.instrument_id, self._streams.marks)

    async def _unsubscribe_index_prices(self, command: UnsubscribeIndexPrices) -> None:
        await self._leave(KIND_MARKET_SUMMARY, command.instrument_id, self._streams.indexes)

    async def _unsubscribe_funding_rates(self, command: UnsubscribeFundingRates) -> None:
        await self._leave(KIND_FUNDING_DATA, command.instrument_id, self._streams.fundings)

    async def _unsubscribe_option_greeks(self, command: UnsubscribeOptionGreeks) -> None:
        await self._leave(KIND_MARKET_SUMMARY, command.instrument_id, self._streams.greeks)

    async def _unsubscribe_bars(self, command: UnsubscribeBars) -> None:
        await self._bars.remove(command.bar_type)

    async def _unsubscribe_instrument_status(self, command: UnsubscribeInstrumentStatus) -> None:
        self._watch.statuses.discard(command.instrument_id)

    async def _unsubscribe_instrument_close(self, command: UnsubscribeInstrumentClose) -> None:
        self._watch.closes.discard(command.instrument_id)

    # -- CHANNELS ----------------------------------------------------------------------------------

    async def _need_published(self, instrument_id: InstrumentId) -> Instrument:
        """Return an instrument; one that is loaded only now is published before its data."""
        instrument = self._provider.find(instrument_id)
        if instrument is None:
            instrument = await self._need_instrument(instrument_id)
            self._publish_instrument(instrument)
        return instrument

    async def _open(
        self,
        kind: int,
        instrument_id: InstrumentId,
        subscribed: Subscribed,
        remove: Callable[[InstrumentId], None],
    ) -> None:
        market = instrument_id.symbol.value
        if market in subscribed:
            return

        def undo() -> None:
            subscribed.pop(market, None)
            remove(instrument_id)

        with self._undone_on_failure(CHANNELS[kind].format(market), undo):
            scales = self._price_tables.scales_of(await self._need_published(instrument_id))
            # Before the request: the first data may overtake the acknowledgment.
            subscribed[market] = scales
            await self._feed.subscribe(kind, market)

    async def _leave(self, kind: int, instrument_id: InstrumentId, subscribed: Subscribed) -> None:
        market = instrument_id.symbol.value
        if subscribed.pop(market, None) is not None:
            await self._feed.unsubscribe(kind, market)

    @contextmanager
    def _undone_on_failure(self, what: str, undo: Callable[[], None]) -> Iterator[None]:
        """Undo a subscription that fails: the engine never asks again for what is in its list."""
        is_done = False
        try:
            yield
            is_done = True
        except (ParadexError, CoreError, UnsupportedBars) as e:
            self._log.error(f"Not subscribed to {what}: {e}")
        finally:
            if not is_done:
                undo()

    def _custom_market(self, data_type: DataType) -> str:
        """Return the market a custom data type names, or that for all."""
        named = data_type.metadata.get(INSTRUMENT_KEY)
        if named is not None:
            return InstrumentId.from_str(str(named)).symbol.value
        if data_type.type is ParadexTradeType:
            example = f'{{"{INSTRUMENT_KEY}": "BTC-USD-PERP.PARADEX"}}'
            raise InvalidRequest(str(data_type), f"needs metadata, such as {example}")
        return ALL_MARKETS

    def _drop_custom(self, data_type: DataType) -> str | None:
        """Forget one who wanted custom data; return the market it was wanted of."""
        markets: dict[str, list[Any]] = self._streams.customs.get(data_type.type, {})
        for market, wanted in list(markets.items()):
            if data_type in wanted:
                wanted.remove(data_type)
                if not wanted:
                    del markets[market]
                return market
        return None


def _channel_market(kind: int, market: str) -> str:
    # Rates at other venues come in one channel for all markets.
    return ALL_MARKETS if kind == KIND_FUNDING_RATE_COMPARISON else market
