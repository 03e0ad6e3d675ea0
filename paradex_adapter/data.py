"""The market data client of a `TradingNode`: connection, instruments, live data and its health."""

import asyncio
from random import Random
from typing import Any, Final

from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, MessageBus
from nautilus_trader.common.enums import LogColor
from nautilus_trader.model.data import BarType
from nautilus_trader.model.identifiers import ClientId, InstrumentId
from nautilus_trader.model.instruments import Instrument

from paradex_adapter.config import ParadexDataClientConfig, config_environment, config_urls
from paradex_adapter.constants import CONNECT_SECS_MAX, PARADEX_VENUE
from paradex_adapter.data_subscriptions import CUSTOM_KINDS, ParadexDataSubscriptions
from paradex_adapter.instrument_watch import InstrumentWatch
from paradex_adapter.live_bars import LiveBars
from paradex_adapter.live_streams import LiveStreams
from paradex_adapter.providers import ParadexInstrumentProvider
from paradex_adapter.translate.market_data import PriceTables, Scales
from paradex_adapter.venue.errors import ParadexError
from paradex_adapter.venue.http import HttpClient
from paradex_adapter.venue.market_feed import MarketFeed
from paradex_adapter.venue.retry import Backoff
from paradex_adapter.venue.streams import (
    CHANNELS,
    KIND_BOOK_TOP_50MS,
    KIND_BOOK_TOP_100MS,
    KIND_MARKETS,
)
from paradex_adapter_core.errors import CoreError
from paradex_adapter_core.messages.connection import OtherPush
from paradex_adapter_core.messages.market_data import FundingData, MarketSummary
from paradex_adapter_core.vocabulary import KIND_BBO, KIND_BOOK, KIND_FUNDING_DATA, KIND_TRADE

# Which of the counters the health line names, where they are not 0.
TROUBLES: Final = (
    *("book gaps", "book resyncs", "subscriptions lost", "stopped books renewed"),
    *("silent streams renewed", "slow sockets replaced", "handler errors", "bar reads failed"),
)
NS_PER_MS: Final = 1_000_000


class ParadexDataClient(ParadexDataSubscriptions):
    """Market data of Paradex for a `TradingNode`.

    `MarketFeed` keeps the venue's channels alive, `LiveStreams` makes Nautilus data of what they
    bring, `LiveBars` reads bars as they close, and `InstrumentWatch` follows the instruments.

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
        self._health_secs: Final = config.feed_health_interval_secs
        self._health: asyncio.Task[None] | None = None
        self._price_tables = PriceTables()
        self._depth_kinds = {}
        self._streams = LiveStreams(self._handle_data, self._on_book_unusable, self._log)
        self._bars = LiveBars(http, self._handle_data, self._find_bar_scales, clock, self._log)
        self._watch = InstrumentWatch(
            provider,
            http,
            handle=self._handle_data,
            publish=self._publish_instrument,
            on_regridded=self._on_regridded,
            clock=clock,
            log=self._log,
        )
        _, base_url_ws = config_urls(config)
        self._feed = MarketFeed(
            base_url_ws,
            on_bbo=self._streams.on_bbo,
            on_trade=self._streams.on_trade,
            on_book=self._streams.on_book,
            on_book_reset=self._streams.on_book_reset,
            on_book_top=self._streams.on_book_top,
            on_update=self._on_update,
            on_lost=self._on_lost,
            clock_ns=clock.timestamp_ns,
            on_connected=self._on_connected,
            on_disconnected=self._on_disconnected,
            backoff=Backoff(config.retry_delay_initial_ms, config.retry_delay_max_ms, Random()),
            proxy_url=config.proxy_url,
            log=self._log.warning,
            sockets_max=config.sockets_max,
        )

    @property
    def counters(self) -> dict[str, int]:
        """What was received, skipped and repaired since the start, by kind; a copy.

        "lag p50 us" and "lag p99 us" are the times from the venue's clock to ours, in microseconds,
        since the last health line; they hold how far the clocks are apart.
        """
        lag = self._feed.lag
        return {
            **self._feed.counters,
            **self._streams.skipped,
            **self._bars.counters,
            **self._watch.counters,
            "stale books": len(self._feed.stale_books()),
            "lag p50 us": lag.quantile_ns(0.5) // 1000,
            "lag p99 us": lag.quantile_ns(0.99) // 1000,
        }

    @property
    def channel_ages_ns(self) -> dict[str, int]:
        """How long ago each subscribed channel brought something (ns); -1 when it never did."""
        return self._feed.ages_ns()

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
            # Canceled as well: nothing is to go on in the background.
            await self._feed.close()
            await self._http.close()
            raise
        self._watch.start(self._refresh_mins)
        # No strategy waits for it, and without it the list is still read at its interval.
        self.create_task(self._follow_markets(), log_msg="subscribe: markets")
        if self._health_secs is not None:
            self._health = self._loop.create_task(
                self._watch_health(self._health_secs), name="paradex-feed-health"
            )

    async def _disconnect(self) -> None:
        if self._health is not None:
            self._health.cancel()
            await asyncio.wait([self._health])
            self._health = None
        await self._watch.close()
        await self._bars.close()
        await self._feed.close()
        await self._http.close()
        self._streams.clear()
        self._depth_kinds.clear()

    async def _follow_markets(self) -> None:
        try:
            await self._feed.subscribe(KIND_MARKETS, "")
        except ParadexError as e:
            self._log.warning(f"Changes of instruments are seen only at their interval: {e}")

    # -- WHAT ARRIVES ------------------------------------------------------------------------------

    def _on_update(self, message: Any, ts_init: int) -> None:
        if isinstance(message, MarketSummary):
            self._streams.on_summary(message, ts_init)
        elif isinstance(message, FundingData):
            self._streams.on_funding(message, ts_init)
        elif isinstance(message, OtherPush):
            self._watch.on_push(message)
        else:
            self._streams.on_comparison(message, ts_init)

    def _on_regridded(self, instrument: Instrument) -> None:
        market = instrument.id.symbol.value
        self._streams.replace_scales(market, self._price_tables.scales_of(instrument))
        if market in self._streams.books:
            self._log.info(f"The book of {instrument.id} is built anew under its new tick or lot")
            self._feed.renew_book(market)

    def _on_book_unusable(self, market: str, reason: str) -> None:
        self._on_lost(KIND_BOOK, market, reason)
        self.create_task(self._feed.unsubscribe(KIND_BOOK, market))

    def _on_lost(self, kind: int, market: str, reason: str) -> None:
        streams = self._streams
        subscribed, remove = {
            KIND_BBO: (streams.quotes, self._remove_subscription_quote_ticks),
            KIND_TRADE: (streams.trades, self._remove_subscription_trade_ticks),
            KIND_BOOK: (streams.books, self._remove_subscription_order_book_deltas),
            KIND_BOOK_TOP_50MS: (streams.depths, self._remove_subscription_order_book_depth),
            KIND_BOOK_TOP_100MS: (streams.depths, self._remove_subscription_order_book_depth),
            KIND_FUNDING_DATA: (streams.fundings, self._remove_subscription_funding_rates),
        }.get(kind, ({}, _ignore))
        scales = subscribed.pop(market, None)
        if scales is not None:
            remove(scales[0])
        for custom_type, custom_kind in CUSTOM_KINDS.items():
            if custom_kind == kind:
                for data_type in streams.customs[custom_type].pop(market, []):
                    self._remove_subscription(data_type)
        channel = CHANNELS[kind].format(market)
        self._log.error(f"Lost the subscription {channel}: {reason}. Subscribe again to retry")

    def _find_bar_scales(self, bar_type: BarType) -> Scales | None:
        instrument = self._provider.find(bar_type.instrument_id)
        return None if instrument is None else self._price_tables.scales_of(instrument)

    def _on_connected(self) -> None:
        self._log.info(
            f"Market data websocket ready (SBE schema version {self._feed.sbe_version})",
            LogColor.BLUE,
        )

    def _on_disconnected(self, reason: str) -> None:
        self._log.debug(f"Market data websocket ended: {reason}")

    # -- HEALTH ------------------------------------------------------------------------------------

    async def _watch_health(self, interval_secs: int) -> None:
        frames_before = self.counters["frames"]
        while True:
            await asyncio.sleep(interval_secs)
            counters = self.counters
            self._log.info(self._health_line(counters, counters["frames"] - frames_before))
            frames_before = counters["frames"]
            self._feed.check()
            if not self._feed.is_subscribed(KIND_MARKETS, ""):
                await self._follow_markets()

    def _health_line(self, counters: dict[str, int], frames: int) -> str:
        lag = self._feed.lag
        troubles = {name: counters[name] for name in TROUBLES if counters.get(name)}
        stale = self._feed.stale_books()
        parts = [
            f"Feed: {len(self._feed.channels)} channels on {counters['sockets']} sockets",
            f"{frames} frames",
            f"lag p50 {lag.quantile_ns(0.5) / NS_PER_MS:.1f} ms "
            f"p99 {lag.quantile_ns(0.99) / NS_PER_MS:.1f} ms",
            f"{counters['connects']} connects",
            *(f"{count} {name}" for name, count in troubles.items()),
        ]
        if stale:
            parts.append(f"books waiting for a snapshot: {', '.join(stale[:5])} ({len(stale)})")
        return "; ".join(parts)


def _ignore(_: InstrumentId) -> None:
    """Remove nothing."""
