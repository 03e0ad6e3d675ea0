"""An event loop that runs only while something is measured, so that rounds can alternate."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from typing import Any, Self

import uvloop

from benchmarks.interleaved import Work


class OwnLoop:
    """NautilusTrader's kind of loop, and what is open on it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._open = AsyncExitStack()

    def run[T](self, work: Coroutine[Any, Any, T]) -> T:
        """Run the loop until this is done, and return its result."""
        return self.loop.run_until_complete(work)

    def enter[T](self, opened: AbstractAsyncContextManager[T]) -> T:
        """Open something until the end."""
        return self.run(self._open.enter_async_context(opened))

    def at_end(self, close: Callable[[], Awaitable[object]]) -> Self:
        """Call this at the end, the last one first."""
        self._open.push_async_callback(close)
        return self

    def many(self, send: Callable[[], Awaitable[object]], times: int, at_once: int = 1) -> Work:
        """Return work that does this so many times, one after another in so many tasks."""

        async def sender() -> None:
            for _ in range(times):
                await send()

        async def work() -> None:
            await asyncio.gather(*(sender() for _ in range(at_once)))

        return lambda: self.run(work() if at_once > 1 else sender())

    def close(self) -> None:
        """Close what is open."""
        self.run(self._open.aclose())
        self.loop.close()


@contextmanager
def own_loop() -> Iterator[OwnLoop]:
    """Yield a loop and close what was opened on it."""
    own = OwnLoop(uvloop.new_event_loop())
    try:
        yield own
    finally:
        own.close()
