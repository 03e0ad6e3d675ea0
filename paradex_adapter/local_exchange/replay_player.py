"""Plays a recording back as the public feed, and lets orders meet its prices."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import Any, Final

from paradex_adapter.local_exchange import frames
from paradex_adapter.local_exchange.accounts import Account
from paradex_adapter.local_exchange.amounts import MONEY, ZERO
from paradex_adapter.local_exchange.book import BUY, SELL, opposite
from paradex_adapter.local_exchange.channels import BBO, INTERACTIVE
from paradex_adapter.local_exchange.engine import Engine
from paradex_adapter.local_exchange.feed import Feed
from paradex_adapter.local_exchange.internal_orders import InternalOrders
from paradex_adapter.local_exchange.markets import Market, Trade
from paradex_adapter.local_exchange.past import Pasts
from paradex_adapter.local_exchange.replay import PassShift, Replay
from paradex_adapter.local_exchange.replay_book import ReplayedBook
from paradex_adapter.local_exchange.sbe_reading import decode
from paradex_adapter.local_exchange.sequences import Clock

#: So many frames that are due are sent before others get a turn.
FRAMES_AT_ONCE_MAX: Final = 50
_US_PER_MS: Final = 1000
_NS_PER_US: Final = 1000
_US_PER_SEC: Final = 1_000_000

Fields = dict[str, Any]


class ReplayPlayer:
    """Sends the frames of a recording when they are due and keeps the markets as they say."""

    def __init__(
        self,
        replay: Replay,
        markets: dict[str, Market],
        engine: Engine,
        orders: InternalOrders,
        maker: Account,
        feed: Feed,
        pasts: Pasts,
        clock: Clock,
    ) -> None:
        self._replay = replay
        self._markets = markets
        self._engine = engine
        self._orders = orders
        self._maker = maker
        self._feed = feed
        self._pasts = pasts
        self._clock = clock
        self._books: dict[str, ReplayedBook] = {}
        for symbol, market in markets.items():
            book = ReplayedBook(self._level_order(market))
            self._books[symbol] = market.book = book
            market.is_marked = True
        self._apply: dict[str, Callable[[Market, Fields], bool]] = {
            "trade": self._on_trade,
            "bbo": self._on_bbo,
            "book": self._on_book,
            "market_summary": self._on_summary,
            "funding_data": self._on_funding,
            "funding_rate_comparison": lambda _market, _fields: True,
        }
        self.passes = 0
        self.is_over = False

    def _level_order(self, market: Market) -> Callable[[str, Decimal, Decimal], Any]:
        def make(side: str, price: Decimal, size: Decimal) -> Any:
            return self._orders.limit_of(self._maker, market, side, price, size)

        return make

    def has_told(self, family: str, symbol: str) -> bool:
        """Return whether there is something to begin a subscription with."""
        is_book = family not in (BBO, INTERACTIVE[BBO])
        if is_book and "book" not in self._replay.surveys[symbol].events:
            return False
        return self._books[symbol].is_known

    async def run(self) -> None:
        """Play until the end, or for ever when the recording is looped."""
        origin_us = self._clock.now_us()
        while True:
            shift = PassShift(self._replay, self.passes, origin_us)
            await self._pass(shift)
            self.passes += 1
            if not self._replay.is_looped:
                self.is_over = True
                return

    async def _pass(self, shift: PassShift) -> None:
        sent = 0
        for at_ns, raw in self._replay.frames():
            event = decode(raw)
            if event is None:
                continue
            wait_us = shift.time(at_ns // _NS_PER_US) - self._clock.now_us()
            sent += 1
            if wait_us > _US_PER_MS or sent % FRAMES_AT_ONCE_MAX == 0:
                await asyncio.sleep(max(0, wait_us) / _US_PER_SEC)
            with localcontext(MONEY):
                self._play(shift, *event)
        # Also when there is nothing to wait for, the loop has other work.
        await asyncio.sleep(0)

    def _play(self, shift: PassShift, event: str, recorded: Fields) -> None:
        market = self._markets[recorded["market"]]
        fields = shift.fields(event, recorded, self._clock.sequence_no())
        if self._apply[event](market, fields):
            self._feed.play(market, event, fields)
        if event in ("bbo", "book"):
            self._meet_resting(market)

    # --- What each event means for a market ---------------------------------------------------

    def _on_trade(self, market: Market, fields: Fields) -> bool:
        market.trades_count += 1
        trade = Trade(
            ordinal=market.trades_count,
            id=fields["tradeIdStr"],
            market=market.symbol,
            side=fields["side"],
            price=fields["price"],
            size=fields["size"],
            created_at=fields["createdAt"] // _US_PER_MS,
            trade_type=fields["tradeType"],
            seq_no=max(0, fields["seq"]),
        )
        market.trades.append(trade)
        market.volume += trade.price * trade.size
        self._pasts.of(market).add_trade(trade)
        return True

    def _on_bbo(self, market: Market, fields: Fields) -> bool:
        # Where the whole book is recorded, it says what the best prices are.
        if "book" not in self._replay.surveys[market.symbol].events:
            bids, asks = (
                [(fields[f"{side}Price"], fields[f"{side}Size"])] if fields[f"{side}Price"] else []
                for side in ("bid", "ask")
            )
            self._books[market.symbol].replace(bids, asks, fields["seq"])
            self._book_changed(market, fields)
        return True

    def _on_book(self, market: Market, fields: Fields) -> bool:
        book = self._books[market.symbol]
        before = book.best(BUY), book.best(SELL)
        if fields["pkgType"] == "SNAPSHOT":
            book.replace(fields["bids"], fields["asks"], fields["seq"])
        elif fields["seq"] == book.seq_no + 1 and book.is_known:
            book.change(fields["bids"], fields["asks"], fields["seq"])
        else:
            # A hole in the recording: what the book is, only its next snapshot tells.
            book.forget()
            return False
        self._book_changed(market, fields)
        is_best_changed = before != (book.best(BUY), book.best(SELL))
        if is_best_changed and "bbo" not in self._replay.surveys[market.symbol].events:
            self._feed.play(market, *frames.bbo_frame(market, fields["ts"]))
        return True

    def _book_changed(self, market: Market, fields: Fields) -> None:
        market.book.last_updated_ms = fields["ts"] // _US_PER_MS
        if "market_summary" in self._replay.surveys[market.symbol].events:
            return
        bid, ask = market.book.best(BUY), market.book.best(SELL)
        if bid and ask:
            market.move_mark((bid[0] + ask[0]) / 2)
            self._pasts.of(market).add_mark(self._clock.now_ms())

    def _on_summary(self, market: Market, fields: Fields) -> bool:
        if fields["markPrice"] > 0:
            market.move_mark(fields["markPrice"])
            self._pasts.of(market).add_mark(self._clock.now_ms())
        return True

    def _on_funding(self, market: Market, fields: Fields) -> bool:
        market.funding_rate = fields["fundingRate"]
        market.funding_index = fields["fundingIndex"]
        self._pasts.of(market).add_funding(self._clock.now_ms())
        return True

    # --- Orders -------------------------------------------------------------------------------

    def _meet_resting(self, market: Market) -> None:
        """Fill the resting orders that the other side's best price has reached, at their price."""
        for order in self._books[market.symbol].crossed():
            best = market.book.best(opposite(order.side))
            size = min(order.remaining, best[1]) if best else ZERO
            if size > 0:
                taker = self._orders.limit_of(
                    self._maker, market, opposite(order.side), order.price, size
                )
                self._engine.meet(order, taker)
