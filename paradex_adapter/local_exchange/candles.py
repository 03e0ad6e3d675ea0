"""Candles: one a minute is kept, longer ones are put together when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from paradex_adapter.local_exchange.amounts import ZERO

MINUTE_MS: Final = 60_000
RESOLUTIONS: Final = ("1", "3", "5", "15", "30", "60")
PRICE_KINDS: Final = ("last", "mark", "underlying")
#: A week of minutes for each kind of price.
CANDLES_KEPT_MAX: Final = 10_080
#: The venue does not say how many it returns at most.
ROWS_MAX: Final = 1000


@dataclass(slots=True)
class Candle:
    """Open, high, low, close and volume (in the base currency)."""

    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal

    @classmethod
    def opened(cls, price: Decimal, size: Decimal) -> Candle:
        """Begin with a first price."""
        return cls(price, price, price, price, size)

    def add(self, price: Decimal, size: Decimal) -> None:
        """Count a further price."""
        self.high = max(self.high, price)
        self.low = min(self.low, price)
        self.close = price
        self.volume += size

    def extended(self, later: Candle) -> Candle:
        """Return this candle and the one after it as one."""
        return Candle(
            self.open,
            max(self.high, later.high),
            min(self.low, later.low),
            later.close,
            self.volume + later.volume,
        )


class MinuteCandles:
    """The last minutes of one price."""

    def __init__(self) -> None:
        self._candles: dict[int, Candle] = {}

    def add(self, at_ms: int, price: Decimal, size: Decimal = ZERO) -> None:
        """Count a price at a time in milliseconds."""
        minute = at_ms // MINUTE_MS
        candle = self._candles.get(minute)
        if candle is not None:
            candle.add(price, size)
            return
        self._candles[minute] = Candle.opened(price, size)
        if len(self._candles) > CANDLES_KEPT_MAX:
            del self._candles[next(iter(self._candles))]

    def get(self, minute: int) -> Candle | None:
        """Return the candle of a minute since the epoch, if it has one."""
        return self._candles.get(minute)


def kline_rows(
    candle_of: Callable[[int], Candle | None], resolution: int, start_ms: int, end_ms: int
) -> Iterator[list[float]]:
    """Yield the rows of ``GET /markets/klines`` that open within two times, oldest first.

    A candle without any price is left out.
    """
    width_ms = resolution * MINUTE_MS
    first = -(-start_ms // width_ms) * width_ms
    for open_ms in range(first, end_ms + 1, width_ms):
        whole: Candle | None = None
        for minute in range(open_ms // MINUTE_MS, (open_ms + width_ms) // MINUTE_MS):
            candle = candle_of(minute)
            if candle is not None:
                whole = whole.extended(candle) if whole else candle
        if whole is not None:
            prices = (whole.open, whole.high, whole.low, whole.close, whole.volume)
            yield [open_ms, *map(float, prices)]
