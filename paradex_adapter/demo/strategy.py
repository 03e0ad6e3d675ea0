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
    step_ms : int
        Time between two steps, in milliseconds.
    """

    instrument_id: InstrumentId
    seed: int = 1
    step_ms: int = 250


class DemoStrategy(Strategy):
    """In turn: quotes a little behind the best bid and ask, leaves it there, cancels, takes.

    It takes with MARKET and IOC orders in turn, and only while nothing of its own works: it would
    trade with itself, which the venue refuses.
    """

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
        self._step = 0
        self._instrument: Instrument

    def on_start(self) -> None:
        """Subscribe and start the timer."""
        instrument_id = self.config.instrument_id
        self._instrument = self.cache.instrument(instrument_id)
        self.subscribe_quote_ticks(instrument_id)
        self.subscribe_trade_ticks(instrument_id)
        self.subscribe_order_book_deltas(instrument_id, BookType.L2_MBP)
        interval = timedelta(milliseconds=self.config.step_ms)
        # Not together with the other strategies: their orders would wait for one another.
        offset = timedelta(milliseconds=self._random.randrange(self.config.step_ms))
        start = self.clock.utc_now() + offset
        self.clock.set_timer(f"step-{instrument_id}", interval, start, callback=self._on_step)

    def on_stop(self) -> None:
        """Stop the timer and cancel what still works; the position stays, to be compared."""
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

    def _on_step(self, _event: object) -> None:
        quote = self.cache.quote_tick(self.config.instrument_id)
        # A canceled timer can still fire.
        if quote is None or not self.is_running:
            return
        phase = self._step % 4
        self._step += 1
        if phase == 0:
            self._quote(quote)
        elif phase == 2:
            self.cancel_all_orders(self.config.instrument_id)
        elif phase == 3 and not self._has_working_orders():
            self._take(quote)

    def _quote(self, quote: QuoteTick) -> None:
        offset = QUOTE_OFFSET_TICKS * self._instrument.price_increment.as_decimal()
        bid = self._instrument.make_price(quote.bid_price.as_decimal() - offset)
        ask = self._instrument.make_price(quote.ask_price.as_decimal() + offset)
        for side, price in ((OrderSide.BUY, bid), (OrderSide.SELL, ask)):
            size = self._size(price)
            self._send(
                self.order_factory.limit(
                    self.config.instrument_id, side, size, price, post_only=True
                )
            )

    def _take(self, quote: QuoteTick) -> None:
        side = self._random.choice((OrderSide.BUY, OrderSide.SELL))
        price = quote.ask_price if side == OrderSide.BUY else quote.bid_price
        size = self._size(price)
        instrument_id = self.config.instrument_id
        if self._step % 8:
            self._send(self.order_factory.market(instrument_id, side, size))
        else:
            ioc = TimeInForce.IOC
            self._send(
                self.order_factory.limit(instrument_id, side, size, price, time_in_force=ioc)
            )

    def _has_working_orders(self) -> bool:
        instrument_id = self.config.instrument_id
        return bool(
            self.cache.orders_open(instrument_id=instrument_id)
            or self.cache.orders_inflight(instrument_id=instrument_id)
        )

    def _size(self, price: Price) -> Quantity:
        return self._instrument.make_qty(NOTIONAL / price.as_decimal() * self._random.randint(1, 3))

    def _send(self, order: Order) -> None:
        self._sent[order.client_order_id] = time.perf_counter_ns()
        self.submit_order(order)

    def _note(self, latencies: list[int], latency: int) -> None:
        if len(latencies) < LATENCIES_MAX:
            latencies.append(latency)
