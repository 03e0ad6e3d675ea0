"""What happened before the exchange started: a seeded past, computed where it is asked for.

Nothing of it is kept but minute candles. Prices are a sum of waves over the absolute time, and a
minute's trades are drawn under the seed and the minute, so the same minute of the same seed reads
the same in every run, whenever the exchange was started.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import accumulate
from typing import Final

from paradex_adapter.local_exchange.amounts import AVERAGE_STEP, MONEY, ZERO
from paradex_adapter.local_exchange.book import BUY, SELL
from paradex_adapter.local_exchange.candles import MINUTE_MS, Candle
from paradex_adapter.local_exchange.markets import Market, Trade

HOURS_MAX: Final = 720
TRADES_A_MINUTE: Final = 6
TRADE_NOTIONAL: Final = Decimal(3000)
HALF_SPREAD: Final = Decimal("0.0001")
#: Waves of the price: period in seconds, and height in millionths of the price.
WAVES: Final = ((259_200, 8000), (21_600, 3000), (2400, 1000), (420, 300))
_MILLION: Final = 1_000_000
_MS_PER_SEC: Final = 1000
#: Where in a minute the mark price is looked at.
MARK_SECONDS: Final = (0, 15, 30, 45, 59)

#: The funding rate swings around its mean by half of it, once in eight hours.
FUNDING_PERIOD_MINUTES: Final = 480
FUNDING_SWING: Final = 2
FUNDING_EPOCH_MINUTE: Final = 29_400_000


def wave(at: int, period: int) -> int:
    """Return a triangle wave at a point, in millionths from -1 to 1."""
    quarter = at % period * 4 * _MILLION // period
    return _MILLION - abs(2 * _MILLION - quarter)


#: Of the minutes after the epoch of the index: the sum of the swings before each.
SWINGS: Final = (
    0,
    *accumulate(
        wave(FUNDING_EPOCH_MINUTE + minute, FUNDING_PERIOD_MINUTES)
        for minute in range(FUNDING_PERIOD_MINUTES)
    ),
)


@dataclass(frozen=True, slots=True)
class FundingRow:
    """The funding of a market at a time (milliseconds)."""

    ordinal: int
    created_at: int
    rate: Decimal
    index: Decimal
    premium: Decimal


class MarketHistory:
    """One market's past: trades, candles and funding between two times (milliseconds)."""

    def __init__(self, market: Market, seed: int, start_ms: int, hours: int) -> None:
        if not 0 <= hours <= HOURS_MAX:
            raise ValueError(f"history_hours must be 0 to {HOURS_MAX}")
        rules = market.rules
        self._label = f"{seed}:history:{rules.symbol}"
        self._symbol = rules.symbol
        self._tick, self._step = rules.tick, rules.step
        self._reference = rules.reference_price
        self._index, self._rate = market.funding_index, market.funding_rate
        self.first_ms = start_ms - hours * 60 * MINUTE_MS
        self.end_ms = start_ms
        self._end_minute = start_ms // MINUTE_MS
        generator = random.Random(self._label)
        self._phases = [generator.randrange(period) for period, _ in WAVES]
        self._node = generator.randrange(10**10, 10**11)
        # Bounded by the length of the history.
        self._candles: dict[tuple[str, int], Candle] = {}

    # --- Prices and trades --------------------------------------------------------------------

    def price(self, at_secs: int) -> Decimal:
        """Return the mark price at a time in seconds."""
        parts = sum(
            height * wave(at_secs + phase, period) // _MILLION
            for (period, height), phase in zip(WAVES, self._phases, strict=True)
        )
        price = MONEY.multiply(self._reference, Decimal(_MILLION + parts) / _MILLION)
        return price.quantize(AVERAGE_STEP, context=MONEY)

    def minute_trades(self, minute: int) -> list[Trade]:
        """Return the trades of a minute (since the epoch), oldest first."""
        generator = random.Random(f"{self._label}:{minute}")
        trades = []
        slot_ms = MINUTE_MS // TRADES_A_MINUTE
        for number in range(TRADES_A_MINUTE):
            at_ms = minute * MINUTE_MS + number * slot_ms + generator.randrange(slot_ms)
            side = generator.choice((BUY, SELL))
            share = Decimal(generator.randint(10, 100)) / 100
            if self.first_ms <= at_ms < self.end_ms:
                ordinal = (minute - self._end_minute - 1) * TRADES_A_MINUTE + number
                trades.append(self._trade(ordinal, at_ms, side, share))
        return trades

    def _trade(self, ordinal: int, at_ms: int, side: str, share: Decimal) -> Trade:
        middle = self.price(at_ms // _MS_PER_SEC)
        away = middle * HALF_SPREAD
        price = _on_grid(middle + (away if side == BUY else -away), self._tick)
        return Trade(
            ordinal=ordinal,
            id=f"{at_ms:013d}{self._node:011d}0000",
            market=self._symbol,
            side=side,
            price=price,
            size=_on_grid(TRADE_NOTIONAL * share / middle, self._step),
            created_at=at_ms,
            trade_type="FILL",
            seq_no=0,
        )

    def trades(
        self, start_ms: int | None, end_ms: int | None, below: int | None
    ) -> Iterator[Trade]:
        """Yield trades newest first, within two times, with ordinals below a number."""
        first = max(self.first_ms, start_ms or 0) // MINUTE_MS
        last = min(self.end_ms, self.end_ms if end_ms is None else end_ms) // MINUTE_MS
        if below is not None:
            last = min(last, self._end_minute + 1 + below // TRADES_A_MINUTE)
        for minute in range(last, first - 1, -1):
            yield from reversed(self.minute_trades(minute))

    # --- Candles ------------------------------------------------------------------------------

    def candle(self, kind: str, minute: int) -> Candle | None:
        """Return the candle of a minute: of the trades (`last`), or of the mark price."""
        if not self.first_ms <= minute * MINUTE_MS < self.end_ms:
            return None
        key = kind, minute
        if key not in self._candles:
            candle = self._make_candle(kind, minute)
            if candle is None:
                return None
            self._candles[key] = candle
        return self._candles[key]

    def _make_candle(self, kind: str, minute: int) -> Candle | None:
        if kind == "last":
            prints = [(trade.price, trade.size) for trade in self.minute_trades(minute)]
        else:
            seconds = (minute * 60 + second for second in MARK_SECONDS)
            prints = [(self.price(at), ZERO) for at in seconds if at * _MS_PER_SEC < self.end_ms]
        if not prints:
            return None
        candle = Candle.opened(*prints[0])
        for price, size in prints[1:]:
            candle.add(price, size)
        return candle

    # --- Funding ------------------------------------------------------------------------------

    def funding_rate(self, minute: int) -> Decimal:
        """Return the funding rate of a minute, for the market's funding period."""
        swing = Decimal(wave(minute, FUNDING_PERIOD_MINUTES)) / (_MILLION * FUNDING_SWING)
        return MONEY.multiply(self._rate, 1 + swing).quantize(Decimal("1e-14"), context=MONEY)

    def funding_index(self, minute: int) -> Decimal:
        """Return the funding index at the start of a minute: the rates before it, added up."""
        since = minute - FUNDING_EPOCH_MINUTE
        whole, rest = divmod(since, FUNDING_PERIOD_MINUTES)
        # Over a whole period the swing comes to the same every time.
        swings = whole * SWINGS[-1] + SWINGS[rest]
        minutes = since + Decimal(swings) / (_MILLION * FUNDING_SWING)
        per_minute = self._rate * self._reference / FUNDING_PERIOD_MINUTES
        return (self._index + per_minute * minutes).quantize(AVERAGE_STEP, context=MONEY)

    def funding(
        self, start_ms: int | None, end_ms: int | None, below: int | None
    ) -> Iterator[FundingRow]:
        """Yield one row a minute, newest first, bounded as `trades` are."""
        first = -(-max(self.first_ms, start_ms or 0) // MINUTE_MS)
        last = min(self.end_ms - 1, self.end_ms if end_ms is None else end_ms) // MINUTE_MS
        if below is not None:
            last = min(last, self._end_minute + below)
        for minute in range(last, first - 1, -1):
            rate = self.funding_rate(minute)
            premium = (rate * self.price(minute * 60)).quantize(AVERAGE_STEP, context=MONEY)
            index = self.funding_index(minute)
            ordinal = minute - self._end_minute - 1
            yield FundingRow(ordinal, minute * MINUTE_MS, rate, index, premium)


def _on_grid(amount: Decimal, step: Decimal) -> Decimal:
    count = MONEY.divide(amount, step).to_integral_value(ROUND_HALF_EVEN)
    return max(step, MONEY.multiply(count, step))
