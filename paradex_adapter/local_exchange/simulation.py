"""Simulated makers and takers, so that the books live: a random walk under the seed."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Final

from paradex_adapter.local_exchange.accounts import Account
from paradex_adapter.local_exchange.book import BUY, SELL
from paradex_adapter.local_exchange.internal_orders import InternalOrders
from paradex_adapter.local_exchange.markets import Market
from paradex_adapter.local_exchange.orders import Order

LEVELS: Final = 10
#: Spread and step of the walk, in fractions of the price.
HALF_SPREAD: Final = Decimal("0.0001")
LEVEL_GAP: Final = Decimal("0.00005")
WALK_STEP: Final = Decimal("0.00005")
#: A quote's size and a taker's, as notional.
QUOTE_NOTIONAL: Final = Decimal(5000)
TAKE_NOTIONAL: Final = Decimal(3000)
#: Of ten steps, how many trade.
TAKES_OF_TEN: Final = 3
#: How far the price may wander from its start.
WANDER_MAX: Final = Decimal("0.2")


class MarketSimulation:
    """One market's maker and taker."""

    def __init__(
        self, market: Market, maker: Account, taker: Account, orders: InternalOrders, seed: int
    ) -> None:
        self._market = market
        self._maker = maker
        self._taker = taker
        self._orders = orders
        self._random = random.Random(f"{seed}:simulation:{market.symbol}")
        self._middle = market.rules.reference_price
        self._quotes: list[Order] = []

    def step(self) -> None:
        """Move the price, replace some quotes, and trade now and then."""
        self._walk()
        self._requote()
        if self._random.randrange(10) < TAKES_OF_TEN:
            self._take()

    def _walk(self) -> None:
        if self._market.rules.option_terms is not None:
            # An option follows its underlying.
            self._middle = max(self._market.rules.tick, self._market.mark_price)
            return
        reference = self._market.rules.reference_price
        moved = self._middle * (1 + WALK_STEP * self._random.randint(-2, 2))
        if abs(moved / reference - 1) <= WANDER_MAX:
            self._middle = moved
        self._market.move_mark(self._middle.quantize(Decimal("1e-8")))

    def _requote(self) -> None:
        live = [quote for quote in self._quotes if quote.status == "OPEN"]
        # A few quotes are replaced at each step, the ones that the price has left behind first.
        stale = [quote for quote in live if self._is_crossed(quote)]
        rest = [quote for quote in live if quote not in stale]
        for quote in (*stale, *self._random.sample(rest, min(len(rest), 3))):
            live.remove(quote)
            self._orders.cancel(quote)
        for side in (BUY, SELL):
            missing = LEVELS - sum(quote.side == side for quote in live)
            live.extend(self._quote(side) for _ in range(missing))
        self._quotes = [quote for quote in live if quote.status == "OPEN"]

    def _is_crossed(self, quote: Order) -> bool:
        edge = self._edge(quote.side, 0)
        return quote.price > edge if quote.side == BUY else quote.price < edge

    def _edge(self, side: str, level: int) -> Decimal:
        distance = self._middle * (HALF_SPREAD + LEVEL_GAP * level)
        if self._market.rules.is_option:
            distance = max(distance, self._market.rules.tick * (level + 1))
        price = self._middle + (-distance if side == BUY else distance)
        return self._orders.on_tick(self._market, price)

    def _quote(self, side: str) -> Order:
        price = self._edge(side, self._random.randrange(LEVELS))
        return self._orders.limit(
            self._maker, self._market, side, price, self._size(QUOTE_NOTIONAL)
        )

    def _take(self) -> None:
        side = self._random.choice((BUY, SELL))
        self._orders.take(self._taker, self._market, side, self._size(TAKE_NOTIONAL))

    def _size(self, notional: Decimal) -> Decimal:
        share = Decimal(self._random.randint(10, 100)) / 100
        return self._orders.on_step(self._market, notional * share / self._middle)
