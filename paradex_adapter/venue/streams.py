"""The venue's public channels: their names, and what is kept about each one that is subscribed."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from paradex_adapter_core.vocabulary import (
    KIND_BBO,
    KIND_BOOK,
    KIND_FUNDING_DATA,
    KIND_FUNDING_RATE_COMPARISON,
    KIND_MARKET_SUMMARY,
    KIND_OTHER,
    KIND_TRADE,
)

# The best 15 levels, whole in every frame, at most so often. Their frames are books like any other.
KIND_BOOK_TOP_50MS: Final = 203
KIND_BOOK_TOP_100MS: Final = 204
# Listings, changes and settlements of markets; always JSON.
KIND_MARKETS: Final = KIND_OTHER

CHANNELS: Final[dict[int, str]] = {
    KIND_BBO: "bbo.{}",
    KIND_TRADE: "trades.{}",
    KIND_BOOK: "order_book.{}.deltas",
    KIND_BOOK_TOP_50MS: "order_book.{}.snapshot@15@50ms",
    KIND_BOOK_TOP_100MS: "order_book.{}.snapshot@15@100ms",
    KIND_MARKET_SUMMARY: "markets_summary.{}",
    KIND_FUNDING_DATA: "funding_data.{}",
    KIND_FUNDING_RATE_COMPARISON: "funding_rate_comparison.{}@1000ms",
    KIND_MARKETS: "markets",
}
# In place of a market.
ALL_MARKETS: Final = "ALL"
SCOPED_CHANNEL: Final = "markets_summary"

# Kinds whose frames are books: a frame names its market and no channel, so that a socket can carry
# one of them per market.
BOOK_KINDS: Final = frozenset([KIND_BOOK, KIND_BOOK_TOP_50MS, KIND_BOOK_TOP_100MS])


class Stream:
    """One channel of one socket: who wants it, whether it counts, and what came of it.

    Attributes
    ----------
    take : Callable[[Any, int], None]
        Takes each frame and the time it was received (ns).
    frames : int
        How many frames came.
    last : object
        The last of them, None before the first.
    ts_received : int
        When it came (ns), 0 before the first.
    """

    __slots__ = (
        "channel",
        "frames",
        "is_confirmed",
        "kind",
        "last",
        "lock",
        "market",
        "references",
        "take",
        "ts_received",
    )

    def __init__(self, kind: int, market: str, take: Callable[[Any, int], None]) -> None:
        self.kind: Final = kind
        self.market: Final = market
        self.channel: Final = CHANNELS[kind].format(market)
        self.take: Final = take
        self.references = 0
        self.is_confirmed = False
        self.frames = 0
        self.last: Any = None
        self.ts_received = 0
        # One request about a channel at a time: the venue refuses a second subscribe.
        self.lock: Final = asyncio.Lock()

    @property
    def frame_kind(self) -> int:
        """The kind its frames have."""
        return KIND_BOOK if self.kind in BOOK_KINDS else self.kind

    def params(self) -> dict[str, object]:
        """Return the parameters of its subscribe request."""
        return {"channel": self.channel}


class ScopedStream(Stream):
    """The summaries of the markets named, in one channel."""

    __slots__ = ("markets",)

    def __init__(self, take: Callable[[Any, int], None]) -> None:
        super().__init__(KIND_MARKET_SUMMARY, "", take)
        self.markets: set[str] = set()

    def params(self) -> dict[str, object]:
        """Return the parameters of its subscribe request."""
        return {"channel": SCOPED_CHANNEL, "markets": sorted(self.markets)}
