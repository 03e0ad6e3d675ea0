"""What a market can be asked about times before now: its history, and what was seen since."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, islice
from typing import Final

from paradex_adapter.local_exchange.amounts import AVERAGE_STEP, MONEY
from paradex_adapter.local_exchange.candles import (
    MINUTE_MS,
    ROWS_MAX,
    Candle,
    MinuteCandles,
    kline_rows,
)
from paradex_adapter.local_exchange.history import (
    FUNDING_PERIOD_MINUTES,
    FundingRow,
    MarketHistory,
)
from paradex_adapter.local_exchange.markets import Market, Trade
from paradex_adapter.local_exchange.sequences import Clock

FUNDING_ROWS_KEPT_MAX: Final = 10_000


@dataclass(slots=True)
class MarketPast:
    """The past of one market."""

    market: Market
    history: MarketHistory
    candles: dict[str, MinuteCandles] = field(
        default_factory=lambda: {kind: MinuteCandles() for kind in ("last", "mark")}
    )
    funding_rows: deque[FundingRow] = field(
        default_factory=lambda: deque(maxlen=FUNDING_ROWS_KEPT_MAX)
    )
    funding_count: int = 0

    def add_trade(self, trade: Trade) -> None:
        """Count a public print."""
        self.candles["last"].add(trade.created_at, trade.price, trade.size)

    def add_mark(self, now_ms: int) -> None:
        """Count the mark price as it is now."""
        self.candles["mark"].add(now_ms, self.market.mark_price)

    def add_funding(self, now_ms: int) -> None:
        """Keep the funding as it is now."""
        market = self.market
        rate, index = market.funding_rate, market.funding_index
        premium = MONEY.multiply(rate, market.mark_price).quantize(AVERAGE_STEP, context=MONEY)
        self.funding_count += 1
        self.funding_rows.append(FundingRow(self.funding_count, now_ms, rate, index, premium))

    def accrue(self, last_ms: int, now_ms: int) -> None:
        """Move the funding rate on, and the index by what accrued between two times."""
        market = self.market
        market.funding_rate = self.history.funding_rate(now_ms // MINUTE_MS)
        per_ms = market.funding_rate * market.mark_price / (FUNDING_PERIOD_MINUTES * MINUTE_MS)
        market.funding_index = MONEY.add(market.funding_index, per_ms * (now_ms - last_ms))

    def trades(
        self, start_ms: int | None, end_ms: int | None, below: int | None
    ) -> Iterator[Trade]:
        """Yield trades newest first; the bounds save work, and what is beyond may be among them."""
        live = reversed(self.market.trades)
        return chain(live, self.history.trades(start_ms, end_ms, below))

    def funding(
        self, start_ms: int | None, end_ms: int | None, below: int | None
    ) -> Iterator[FundingRow]:
        """Yield funding newest first, as `trades` does."""
        if self.market.rules.kind != "PERP":
            return iter(())
        live = reversed(self.funding_rows)
        return chain(live, self.history.funding(start_ms, end_ms, below))

    def klines(
        self, price_kind: str, resolution: int, start_ms: int, end_ms: int, now_ms: int
    ) -> list[list[float]]:
        """Return candles oldest first, the running one included."""
        # The underlying is the mark here.
        kind = "last" if price_kind == "last" else "mark"
        if kind == "mark":
            self.add_mark(now_ms)
        start_ms = max(start_ms, self.history.first_ms)
        rows = kline_rows(partial(self._candle, kind), resolution, start_ms, min(end_ms, now_ms))
        return list(islice(rows, ROWS_MAX))

    def _candle(self, kind: str, minute: int) -> Candle | None:
        before, since = self.history.candle(kind, minute), self.candles[kind].get(minute)
        return before.extended(since) if before and since else before or since


class Pasts:
    """The pasts of all markets, each made when it is first needed."""

    def __init__(self, seed: int, clock: Clock, hours: int) -> None:
        self._seed = seed
        self._clock = clock
        self._hours = hours
        self._start_ms = clock.now_ms()
        self._pasts: dict[str, MarketPast] = {}

    def of(self, market: Market) -> MarketPast:
        """Return the past of a market."""
        past = self._pasts.get(market.symbol)
        if past is None or past.market is not market:
            history = MarketHistory(market, self._seed, self._start_ms, self._hours)
            past = self._pasts[market.symbol] = MarketPast(market, history)
        return past
