"""What trades in the demonstration: it quotes both sides and takes now and then."""

import random
import time
from datetime import timedelta
from decimal import Decimal
from typing import Final

from nautilus_trader.config import StrategyConfig
from nautilus_trader.model.data import OrderBookDeltas, QuoteTick, TradeTick
from nautilus_trader.model.enums import BookType, OrderSide, TimeInForce
from nautilus_trader.model.events import OrderAccepted, OrderEvent, OrderFilled
from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import Order
from nautilus_trader.trading.strategy import Strategy

LATENCIES_MAX: Final = 100_000
# Orders are sized to about this many USDC, well above the venue's minimum.
NOTIONAL: Final = Decimal(200)
# Quotes stand this far behind the best price, so that a take meets somebody else first.
QUOTE_OFFSET_TICKS: Final = 20


class DemoConfig(StrategyConfig, frozen=True):
    """Options of `DemoStrategy`.

    Parameters
    ----------
    instrument_id : InstrumentId
        What it trades.
    seed : int
        Fixes its choices.
    requote_ms, take_ms : int
        Time between two rounds of quotes, and between two takes, in milliseconds.
    """

    instrument_id: InstrumentId
    seed: int = 1
    requote_ms: int = 500
    take_ms: int = 1_100


class DemoStrategy(Strategy):
    """Quotes a little behind the best bid and ask; takes with MARKET and IOC orders in turn."""

    def __init__(self, config: DemoConfig) -> None:
        super().__init__(config)
        # From a quote's frame off the socket to this strategy's callback, and from an order
        # handed to the engine to its first answer; both in nanoseconds.
        self.quote_latencies: Final[list[int]] = []
        self.order_latencies: Final[list[int]] = []
        self.quotes = 0
        self.trades = 0
        self.book_updates = 0
        self._random: Final = random.Random(config.seed)
        self._sent: Final[dict[ClientOrderId, int]] = {}
        self._takes = 0
        self._instrument: Instrument

    def on_start(self) -> None:
        """Subscribe and start the two timers."""
        instrument_id = self.config.instrument_id
        self._instrument = self.cache.instrument(instrument_id)
        self.subscribe_quote_ticks(instrument_id)
        self.subscribe_trade_ticks(instrument_id)
        self.subscribe_order_book_deltas(instrument_id, BookType.L2_MBP)
        for name, interval_ms, callback in (
            ("requote", self.config.requote_ms, self._requote),
            ("take", self.config.take_ms, self._take),
        ):
            self.clock.set_timer(
                f"{name}-{instrument_id}",
                timedelta(milliseconds=interval_ms),
                callback=callback,
            )

    def on_stop(self) -> None:
        """Stop the timers and cancel what still works; the position stays, to be compared."""
        self.clock.cancel_timers()
        self.cancel_all_orders(self.config.instrument_id)

    def on_quote_tick(self, tick: QuoteTick) -> None:
        """Note how long the quote took from the socket to here."""
        self.quotes += 1
        self._note(self.quote_latencies, self.clock.timestamp_ns() - tick.ts_init)

    def on_trade_tick(self, tick: TradeTick) -> None:
        """Count it."""
        self.trades += 1

    def on_order_book_deltas(self, deltas: OrderBookDeltas) -> None:
        """Count it."""
        self.book_updates += 1

    def on_order_event(self, event: OrderEvent) -> None:
        """Note how long the first answer to an order took."""
        if isinstance(event, OrderAccepted | OrderFilled):
            sent = self._sent.pop(event.client_order_id, None)
            if sent is not None:
                self._note(self.order_latencies, time.perf_counter_ns() - sent)

    def _requote(self, _event: object) -> None:
        self.cancel_all_orders(self.config.instrument_id)
        quote = self.cache.quote_tick(self.config.instrument_id)
        if quote is None:
            return
        offset = QUOTE_OFFSET_TICKS * self._instrument.price_increment.as_decimal()
        bid = self._instrument.make_price(quote.bid_price.as_decimal() - offset)
        ask = self._instrument.make_price(quote.ask_price.as_decimal() + offset)
        for side, price in ((OrderSide.BUY, bid), (OrderSide.SELL, ask)):
            self._send(
                self.order_factory.limit(
                    self.config.instrument_id, side, self._size(price.as_decimal()), price,
                    post_only=True,
                )
            )  # fmt: skip

    def _take(self, _event: object) -> None:
        quote = self.cache.quote_tick(self.config.instrument_id)
        if quote is None:
            return
        self._takes += 1
        side = self._random.choice((OrderSide.BUY, OrderSide.SELL))
        is_buy = side == OrderSide.BUY
        price = quote.ask_price if is_buy else quote.bid_price
        # No more than the best price offers: what lies behind it may be our own quote.
        size = min(self._size(price.as_decimal()), quote.ask_size if is_buy else quote.bid_size)
        if price * size < self._instrument.min_notional.as_decimal() or self._quotes_at(price):
            return
        instrument_id = self.config.instrument_id
        if self._takes % 2:
            self._send(self.order_factory.market(instrument_id, side, size))
        else:
            self._send(
                self.order_factory.limit(
                    instrument_id, side, size, price, time_in_force=TimeInForce.IOC
                )
            )

    def _quotes_at(self, price: Price) -> bool:
        working = self.cache.orders_open(instrument_id=self.config.instrument_id)
        return any(order.price == price for order in working)

    def _size(self, price: Decimal) -> Quantity:
        return self._instrument.make_qty(NOTIONAL / price * self._random.randint(1, 3))

    def _send(self, order: Order) -> None:
        self._sent[order.client_order_id] = time.perf_counter_ns()
        self.submit_order(order)

    def _note(self, latencies: list[int], latency: int) -> None:
        if len(latencies) < LATENCIES_MAX:
            latencies.append(latency)
