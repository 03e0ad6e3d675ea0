"""A channel that many markets want: few subscriptions for all of them.

Up to a named number of markets are asked for by name, the summaries in one scoped subscription,
funding in one each; more share the channel of all markets until nobody wants any. What comes for
others is dropped by whoever takes it.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from paradex_adapter.venue.errors import ParadexError, RequestRejected
from paradex_adapter.venue.feed_socket import FeedSocket
from paradex_adapter.venue.streams import ALL_MARKETS, ScopedStream, Stream
from paradex_adapter_core.vocabulary import KIND_FUNDING_DATA, KIND_MARKET_SUMMARY

SCOPED_MARKETS_MAX: Final = 200
SINGLE_CHANNELS_MAX: Final = 8


class WideChannel:
    """The summaries, or the funding, of the markets that somebody wants.

    Parameters
    ----------
    kind : int
        `vocabulary.KIND_MARKET_SUMMARY` or ``KIND_FUNDING_DATA``.
    socket : FeedSocket
        Where they are subscribed.
    take : Callable[[Any, int], None]
        Takes each message and the time it was received (ns).
    """

    def __init__(self, kind: int, socket: FeedSocket, take: Callable[[Any, int], None]) -> None:
        self._kind: Final = kind
        self._socket: Final = socket
        self._take: Final = take
        self._wanted: Final[Counter[str]] = Counter()
        self._all: Final = Stream(kind, ALL_MARKETS, take)
        self._scoped: Final = ScopedStream(take)
        self._singles: Final[dict[str, Stream]] = {}
        self._is_narrow_refused = False
        self._lock: Final = asyncio.Lock()

    @property
    def markets(self) -> list[str]:
        """The markets that somebody wants; `streams.ALL_MARKETS` stands for all."""
        return sorted(self._wanted)

    async def subscribe(self, market: str) -> None:
        """Want a market, or all; raises as `MarketFeed.subscribe`."""
        self._wanted[market] += 1
        try:
            await self.settle()
        except BaseException:
            # Canceled as well: the caller will not unsubscribe what it did not get.
            self._unwant(market)
            raise

    async def unsubscribe(self, market: str) -> None:
        """Give back one `subscribe`; never fails."""
        if market not in self._wanted:
            return
        self._unwant(market)
        # A narrower scope is a courtesy: what comes for others is dropped.
        with contextlib.suppress(ParadexError):
            await self.settle()

    async def settle(self) -> None:
        """Bring what is subscribed in line with what is wanted."""
        async with self._lock:
            wanted = set(self._wanted)
            if not wanted:
                await self._drop_narrow()
                await self._drop(self._all)
                self._is_narrow_refused = False
            elif self._all.is_confirmed:
                return
            elif not self._is_narrow_enough(wanted):
                await self._widen()
            else:
                try:
                    await self._narrow(wanted)
                except RequestRejected:
                    if len(wanted) == 1 and self._kind != KIND_MARKET_SUMMARY:
                        raise
                    # One market that is gone, or a form the venue does not know.
                    self._is_narrow_refused = True
                    await self._widen()

    def refuse_narrow(self) -> None:
        """Know that the venue refuses the narrow form; `settle` takes the wide one then."""
        self._is_narrow_refused = True

    def forget(self) -> None:
        """Forget who wants what."""
        self._wanted.clear()
        self._singles.clear()
        self._is_narrow_refused = False

    def _unwant(self, market: str) -> None:
        self._wanted[market] -= 1
        if self._wanted[market] <= 0:
            del self._wanted[market]

    def _is_narrow_enough(self, wanted: set[str]) -> bool:
        if ALL_MARKETS in wanted or self._is_narrow_refused:
            return False
        is_scoped = self._kind == KIND_MARKET_SUMMARY
        return len(wanted) <= (SCOPED_MARKETS_MAX if is_scoped else SINGLE_CHANNELS_MAX)

    async def _widen(self) -> None:
        # First: on one connection the venue may take both for the same channel.
        await self._drop_narrow()
        await self._open(self._all)

    async def _narrow(self, wanted: set[str]) -> None:
        if self._kind == KIND_MARKET_SUMMARY:
            await self._scope(wanted)
            return
        for market in set(self._singles) - wanted:
            await self._drop(self._singles.pop(market))
        missing = [m for m in sorted(wanted) if m not in self._singles]
        for market in missing:
            stream = Stream(self._kind, market, self._take)
            await self._open(stream)
            self._singles[market] = stream

    async def _scope(self, wanted: set[str]) -> None:
        scoped = self._scoped
        if not scoped.is_confirmed:
            scoped.markets = wanted
            await self._open(scoped)
            return
        async with scoped.lock:
            known = scoped.markets
            try:
                await self._socket.modify_scope(scoped, wanted)
            except BaseException:
                # Canceled as well: the venue did not confirm the new ones.
                scoped.markets = known
                raise

    async def _drop_narrow(self) -> None:
        for market in list(self._singles):
            await self._drop(self._singles.pop(market))
        await self._drop(self._scoped)

    async def _open(self, stream: Stream) -> None:
        async with stream.lock:
            if stream.is_confirmed:
                return
            self._socket.reserve(stream)
            try:
                await self._socket.subscribe(stream)
            except BaseException:
                # Canceled as well: its place is free again.
                self._socket.release(stream)
                raise

    async def _drop(self, stream: Stream) -> None:
        async with stream.lock:
            if stream.is_confirmed:
                await self._socket.unsubscribe(stream)
            self._socket.release(stream)


WIDE_KINDS: Final = frozenset([KIND_MARKET_SUMMARY, KIND_FUNDING_DATA])
