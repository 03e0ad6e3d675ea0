"""What becomes of the markets: listings, changes, settlements and removals, and their record."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from paradex_adapter.local_exchange.amounts import amount_text

HISTORY_MS: Final = 7 * 24 * 60 * 60 * 1000
EVENTS_KEPT_MAX: Final = 10_000

#: Fields that an event gives as JSON numbers, unlike the list of markets.
NUMBERS: Final = frozenset(
    {
        "clamp_rate",
        "interest_rate",
        "max_funding_rate",
        "max_funding_rate_change",
        "max_slippage",
        "max_tob_spread",
        "oracle_ewma_factor",
        "price_bands_width",
    }
)
#: Fields of the list that no event carries.
NOT_TOLD: Final = frozenset({"symbol", "iv_bands_width", "price_feed_id", "tags", "trading_mode"})


@dataclass(frozen=True, slots=True)
class MarketEvent:
    """One event; ``event_type`` is CREATED, UPDATED, SETTLED or DELETED."""

    symbol: str
    event_type: str
    changed_fields: Mapping[str, object]
    updated_at: int

    def response(self) -> dict[str, object]:
        """Return the event as REST and the channel show it."""
        return {
            "symbol": self.symbol,
            "event_type": self.event_type,
            "updated_at": self.updated_at,
            "changed_fields": dict(self.changed_fields),
        }


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a market was settled at: of an option the payoff, beside its underlying's price."""

    symbol: str
    expiry_at: int
    settlement_price: Decimal
    underlying_twap_price: Decimal

    def response(self) -> dict[str, object]:
        """Return the body of ``GET /markets/settlement-price``."""
        return {
            "symbol": self.symbol,
            "expiry_at": self.expiry_at,
            "settlement_price": amount_text(self.settlement_price),
            "underlying_twap_price": amount_text(self.underlying_twap_price),
        }

    def changed_fields(self) -> dict[str, object]:
        """Return what the event of the settlement tells; the prices are JSON numbers."""
        return {
            "settlement_price": float(self.settlement_price),
            "underlying_twap_price": float(self.underlying_twap_price),
        }


class MarketRecord:
    """The events of the last week, and every settlement."""

    def __init__(self) -> None:
        self._events: deque[MarketEvent] = deque(maxlen=EVENTS_KEPT_MAX)
        self.settlements: dict[str, Settlement] = {}

    def add(self, event: MarketEvent) -> None:
        """Keep an event."""
        self._events.append(event)

    def since(self, now_ms: int, symbol: str) -> Iterator[MarketEvent]:
        """Yield the events of a week, newest first; of one market unless the symbol is empty."""
        for event in reversed(self._events):
            if now_ms - event.updated_at <= HISTORY_MS and symbol in ("", event.symbol):
                yield event


def event_fields(row: Mapping[str, object]) -> dict[str, object]:
    """Return the entry of a market in ``GET /markets`` as an event tells it."""
    return {
        name: float(str(value)) if name in NUMBERS else value
        for name, value in row.items()
        if name not in NOT_TOLD and value not in ("", None)
    }


def changed_fields(before: Mapping[str, object], after: Mapping[str, object]) -> dict[str, object]:
    """Return what differs between two entries of a market, as an event tells it."""
    told = event_fields(after)
    return {name: value for name, value in told.items() if before.get(name) != after.get(name)}
