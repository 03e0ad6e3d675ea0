"""The market data client: instruments, quotes, trades and order books for a `TradingNode`."""

import asyncio
from collections.abc import Callable
from random import Random
from typing import Final

from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, MessageBus
from nautilus_trader.common.enums import LogColor
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
from nautilus_trader.model.enums import BookType
from nautilus_trader.model.identifiers import ClientId, InstrumentId

from paradex_adapter.config import ParadexDataClientConfig, config_environment, config_urls
from paradex_adapter.constants import PARADEX_VENUE
from paradex_adapter.data_requests import ParadexDataRequests
from paradex_adapter.providers import ParadexInstrumentProvider
from paradex_adapter.translate.market_data import (
    OutOfRange,
    PriceTables,
    Scales,
    bbo_to_quote_tick,
    book_reset_to_deltas,
    book_to_deltas,
    trade_to_trade_tick,
)
from paradex_adapter.venue.errors import InvalidRequest, ParadexError
from paradex_adapter.venue.http import HttpClient
from paradex_adapter.venue.market_feed import CHANNELS, MarketFeed
from paradex_adapter.venue.retry import Backoff
from paradex_adapter_core.errors import CoreError
from paradex_adapter_core.messages import BboTuple, BookTuple, TradeTuple
from paradex_adapter_core.vocabulary import KIND_BBO, KIND_BOOK, KIND_TRADE

# Below the 60 s a node waits for its clients by default: past them it stops starting, in silence.
CONNECT_SECS_MAX: Final = 45.0
SECS_PER_MIN: Final = 60.0


class ParadexDataClient(ParadexDataRequests):
    """Market data of Paradex for a `TradingNode`.

    Quotes come from ``bbo``, trades from ``trades``, books (L2, full depth) from
    ``order_book.*.deltas``, all over one public websocket. `MarketFeed` keeps them alive; this
    class answers Nautilus' commands and hands over what `translate.market_data` makes.

    Parameters
    ----------
    loop : asyncio.AbstractEventLoop
        The event loop it runs in.
    name : str
        The client id.
    config : ParadexDataClientConfig
        Its options.
    msgbus : MessageBus
        The node's message bus.
    cache : Cache
        The node's cache.
    clock : LiveClock
        The node's clock.
    http : HttpClient
        The venue's REST interface; closed with the client.
    provider : ParadexInstrumentProvider
        The instruments.

    Raises
    ------
    ConfigurationError
        If an address cannot be used.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        name: str,
        config: ParadexDataClientConfig,
        msgbus: MessageBus,
        cache: Cache,
        clock: LiveClock,
        http: HttpClient,
        provider: ParadexInstrumentProvider,
    ) -> None:
        super().__init__(
            loop=loop,
            client_id=ClientId(name),
            venue=PARADEX_VENUE,
            msgbus=msgbus,
            cache=cache,
            clock=clock,
            instrument_provider=provider,
            config=config,
            http=http,
        )
        self._environment: Final = config_environment(config).value
        self._refresh_mins: Final = config.update_instruments_interval_mins
        self._refresh: asyncio.Task[None] | None = None
        self._price_tables: Final = PriceTables()
        # Who is subscribed, by the venue's symbol; what arrives for others is dropped.
        self._quotes: Final[dict[str, Scales]] = {}
        self._trades: Final[dict[str, Scales]] = {}
        self._books: Final[dict[str, Scales]] = {}
        self._skipped: Final[dict[str, int]] = {"one-sided quotes": 0}
        _, base_url_ws = config_urls(config)
        self._feed: Final = MarketFeed(
            base_url_ws,
            on_bbo=self._on_bbo,
            on_trade=self._on_trade,
            on_book=self._on_book,
            on_book_reset=self._on_book_reset,
            on_lost=self._on_lost,
            clock_ns=clock.timestamp_ns,
            on_connected=self._on_connected,
            on_disconnected=self._on_disconnected,
            backoff=Backoff(config.retry_delay_initial_ms, config.retry_delay_max_ms, Random()),
            proxy_url=config.proxy_url,
            log=self._log.warning,
        )

    @property
    def counters(self) -> dict[str, int]:
        """What was received, skipped and repaired since the start, by kind; a copy."""
        return {**self._feed.counters, **self._skipped}

    # -- CONNECTION --------------------------------------------------------------------------------

    def connect(self) -> None:
        """Connect; a mistake of the user is told in one line, not by a traceback."""
        self._log.info("Connecting...")
        self.create_task(self._connect_or_explain(), log_msg="connect")

    async def _connect_or_explain(self) -> None:
        try:
            await self._connect()
        except (ParadexError, CoreError, TimeoutError) as e:
            # The node does not say that it will never start: this line must.
            cause = str(e) or f"no answer in {CONNECT_SECS_MAX:.0f} s"
            self._log.error(
                f"Cannot connect to Paradex {self._environment}: {cause}. The node will not start: "
                "check the network, base_url_http, base_url_ws and proxy_url, then start it again"
            )
            return
        self._set_connected(True)
        self._log.info("Connected", LogColor.GREEN)

    async def _connect(self) -> None:
        deadline = self._loop.time() + CONNECT_SECS_MAX
        try:
            async with asyncio.timeout_at(deadline):
                await self._provider.initialize()
            self._publish_instruments()
            # It keeps to its time by itself, and says what was wrong when that is over.
            await self._feed.connect(max(0.0, deadline - self._loop.time()))
        except BaseException:
            await self._feed.close()
            await self._http.close()
            raise
        if self._refresh_mins is not None:
            self._refresh = self._loop.create_task(
                self._refresh_instruments(self._refresh_mins), name="paradex-instruments"
            )

    async def _disconnect(self) -> None:
        if self._refresh is not None:
            self._refresh.cancel()
            await asyncio.wait([self._refresh])
            self._refresh = None
        await self._feed.close()
        await self._http.close()
        for subscribed in (self._quotes, self._trades, self._books):
            subscribed.clear()

    def _publish_instruments(self) -> None:
        for currency in self._provider.currencies().values():
            self._cache.add_currency(currency)
        for instrument in self._provider.list_all():
            self._handle_data(instrument)

    async def _refresh_instruments(self, interval_mins: int) -> None:
        while True:
            await asyncio.sleep(SECS_PER_MIN * interval_mins)
            try:
                await self._provider.initialize(reload=True)
            except (ParadexError, CoreError) as e:
                self._log.warning(f"Instruments were not refreshed: {e}")
                continue
            self._publish_instruments()
            for subscribed in (self._quotes, self._trades, self._books):
                for market, scales in subscribed.items():
                    subscribed[market] = self._need_scales(scales[0])

    # -- SUBSCRIPTIONS -----------------------------------------------------------------------------

    async def _subscribe_instruments(self, command: SubscribeInstruments) -> None:
        # They are published with every refresh; there is nothing to ask the venue for.
        self._publish_instruments()

    async def _subscribe_instrument(self, command: SubscribeInstrument) -> None:
        instrument = self._provider.find(command.instrument_id)
        if instrument is None:
            self._remove_subscription_instrument(command.instrument_id)
            self._log.error(f"Not subscribed: {_not_loaded(command.instrument_id)}")
            return
        self._handle_data(instrument)

    async def _subscribe_order_book_deltas(self, command: SubscribeOrderBook) -> None:
        remove = self._remove_subscription_order_book_deltas
        if command.book_type == BookType.L3_MBO:
            self._refuse("Books by order (L3_MBO)", command.instrument_id, remove)
            return
        await self._subscribe_channel(KIND_BOOK, command.instrument_id, self._books, remove)

    async def _subscribe_quote_ticks(self, command: SubscribeQuoteTicks) -> None:
        await self._subscribe_channel(
            KIND_BBO, command.instrument_id, self._quotes, self._remove_subscription_quote_ticks
        )

    async def _subscribe_trade_ticks(self, command: SubscribeTradeTicks) -> None:
        await self._subscribe_channel(
            KIND_TRADE, command.instrument_id, self._trades, self._remove_subscription_trade_ticks
        )

    async def _unsubscribe_instruments(self, command: UnsubscribeInstruments) -> None:
        pass

    async def _unsubscribe_instrument(self, command: UnsubscribeInstrument) -> None:
        pass

    async def _unsubscribe_order_book_deltas(self, command: UnsubscribeOrderBook) -> None:
        await self._unsubscribe_channel(KIND_BOOK, command.instrument_id, self._books)

    async def _unsubscribe_quote_ticks(self, command: UnsubscribeQuoteTicks) -> None:
        await self._unsubscribe_channel(KIND_BBO, command.instrument_id, self._quotes)

    async def _unsubscribe_trade_ticks(self, command: UnsubscribeTradeTicks) -> None:
        await self._unsubscribe_channel(KIND_TRADE, command.instrument_id, self._trades)

    async def _subscribe_channel(
        self,
        kind: int,
        instrument_id: InstrumentId,
        subscribed: dict[str, Scales],
        remove: Callable[[InstrumentId], None],
    ) -> None:
        market = instrument_id.symbol.value
        try:
            # Before the request: the first data may overtake the acknowledgment.
            subscribed[market] = self._need_scales(instrument_id)
            await self._feed.subscribe(kind, market)
        except BaseException as e:
            # The engine never asks again for what stands in its list.
            subscribed.pop(market, None)
            remove(instrument_id)
            if not isinstance(e, ParadexError):
                raise
            self._log.error(f"Not subscribed to {CHANNELS[kind].format(market)}: {e}")

    async def _unsubscribe_channel(
        self, kind: int, instrument_id: InstrumentId, subscribed: dict[str, Scales]
    ) -> None:
        market = instrument_id.symbol.value
        subscribed.pop(market, None)
        await self._feed.unsubscribe(kind, market)

    def _need_scales(self, instrument_id: InstrumentId) -> Scales:
        instrument = self._provider.find(instrument_id)
        if instrument is None:
            raise _not_loaded(instrument_id)
        return self._price_tables.scales_of(instrument)

    # -- SUBSCRIPTIONS NOT SUPPORTED ---------------------------------------------------------------

    def _refuse(self, what: str, which: object, remove: Callable[..., None]) -> None:
        # The engine never asks again for what stands in its list.
        remove(which)
        self._log.error(f"{what} are not supported at Paradex, so not subscribed: {which}")

    async def _subscribe(self, command: SubscribeData) -> None:
        self._refuse("Custom data", command.data_type, self._remove_subscription)

    async def _subscribe_order_book_depth(self, command: SubscribeOrderBook) -> None:
        self._refuse(
            "Depth10 books (subscribe deltas instead)",
            command.instrument_id,
            self._remove_subscription_order_book_depth,
        )

    async def _subscribe_mark_prices(self, command: SubscribeMarkPrices) -> None:
        self._refuse("Mark prices", command.instrument_id, self._remove_subscription_mark_prices)

    async def _subscribe_index_prices(self, command: SubscribeIndexPrices) -> None:
        self._refuse("Index prices", command.instrument_id, self._remove_subscription_index_prices)

    async def _subscribe_funding_rates(self, command: SubscribeFundingRates) -> None:
        self._refuse(
            "Funding rates", command.instrument_id, self._remove_subscription_funding_rates
        )

    async def _subscribe_bars(self, command: SubscribeBars) -> None:
        self._refuse("External bars", command.bar_type, self._remove_subscription_bars)

    async def _subscribe_instrument_status(self, command: SubscribeInstrumentStatus) -> None:
        self._refuse(
            "Instrument status", command.instrument_id, self._remove_subscription_instrument_status
        )

    async def _subscribe_instrument_close(self, command: SubscribeInstrumentClose) -> None:
        self._refuse(
            "Instrument close", command.instrument_id, self._remove_subscription_instrument_close
        )

    async def _subscribe_option_greeks(self, command: SubscribeOptionGreeks) -> None:
        self._refuse(
            "Option greeks", command.instrument_id, self._remove_subscription_option_greeks
        )

    async def _unsubscribe(self, command: UnsubscribeData) -> None:
        pass

    async def _unsubscribe_order_book_depth(self, command: UnsubscribeOrderBook) -> None:
        pass

    async def _unsubscribe_mark_prices(self, command: UnsubscribeMarkPrices) -> None:
        pass

    async def _unsubscribe_index_prices(self, command: UnsubscribeIndexPrices) -> None:
        pass

    async def _unsubscribe_funding_rates(self, command: UnsubscribeFundingRates) -> None:
        pass

    async def _unsubscribe_bars(self, command: UnsubscribeBars) -> None:
        pass

    async def _unsubscribe_instrument_status(self, command: UnsubscribeInstrumentStatus) -> None:
        pass

    async def _unsubscribe_instrument_close(self, command: UnsubscribeInstrumentClose) -> None:
        pass

    async def _unsubscribe_option_greeks(self, command: UnsubscribeOptionGreeks) -> None:
        pass

    # -- WHAT ARRIVES ------------------------------------------------------------------------------

    def _on_bbo(self, bbo: BboTuple, ts_init: int) -> None:
        scales = self._quotes.get(bbo[1])
        if scales is None:
            return
        try:
            quote = bbo_to_quote_tick(bbo, scales, ts_init)
        except (OutOfRange, OverflowError) as e:
            self._skip(f"quotes of {bbo[1]} out of range", e)
            return
        if quote is None:
            self._skipped["one-sided quotes"] += 1
        else:
            self._handle_data(quote)

    def _on_trade(self, trade: TradeTuple, ts_init: int) -> None:
        scales = self._trades.get(trade[1])
        if scales is None:
            return
        try:
            tick = trade_to_trade_tick(trade, scales, ts_init)
        except (OutOfRange, OverflowError) as e:
            self._skip(f"trades of {trade[1]} out of range", e)
            return
        if tick is not None:
            self._handle_data(tick)

    def _on_book(self, book: BookTuple, ts_init: int) -> None:
        scales = self._books.get(book[1])
        if scales is None:
            return
        try:
            deltas = book_to_deltas(book, scales, ts_init)
        except (OutOfRange, OverflowError) as e:
            # Without this frame the book is wrong, and the frames after it would hide that.
            self._on_book_reset(book[1], book[2], ts_init)
            self._on_lost(KIND_BOOK, book[1], str(e))
            self.create_task(self._feed.unsubscribe(KIND_BOOK, book[1]))
            return
        if deltas is not None:
            self._handle_data(deltas)

    def _on_book_reset(self, market: str, sequence: int, ts_init: int) -> None:
        scales = self._books.get(market)
        if scales is not None:
            self._handle_data(book_reset_to_deltas(scales[0], sequence, ts_init, ts_init))

    def _on_lost(self, kind: int, market: str, reason: str) -> None:
        subscribed, remove = {
            KIND_BBO: (self._quotes, self._remove_subscription_quote_ticks),
            KIND_TRADE: (self._trades, self._remove_subscription_trade_ticks),
            KIND_BOOK: (self._books, self._remove_subscription_order_book_deltas),
        }[kind]
        scales = subscribed.pop(market, None)
        if scales is not None:
            remove(scales[0])
        channel = CHANNELS[kind].format(market)
        self._log.error(f"Lost the subscription {channel}: {reason}. Subscribe again to retry")

    def _on_connected(self) -> None:
        self._log.info(
            f"Market data websocket ready (SBE schema version {self._feed.sbe_version})",
            LogColor.BLUE,
        )

    def _on_disconnected(self, reason: str) -> None:
        self._log.debug(f"Market data websocket ended: {reason}")

    def _skip(self, kind: str, error: Exception) -> None:
        """Count what cannot be shown to Nautilus; log the first of each kind."""
        count = self._skipped.get(kind, 0) + 1
        self._skipped[kind] = count
        if count == 1:
            self._log.error(f"Skipped {kind} (logged once): {error}")


def _not_loaded(instrument_id: InstrumentId) -> InvalidRequest:
    return InvalidRequest(
        str(instrument_id), "is not loaded: name it in load_ids of the instrument provider"
    )
