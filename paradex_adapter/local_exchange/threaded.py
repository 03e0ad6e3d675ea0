"""A local exchange on a loop and a thread of its own, for callers on any loop or none."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from paradex_adapter.local_exchange.exchange import LocalExchange

START_TIMEOUT_SECS: Final = 30.0
CALL_TIMEOUT_SECS: Final = 30.0
STOP_TIMEOUT_SECS: Final = 30.0

T = TypeVar("T")


class ThreadedExchange:
    """Runs a `LocalExchange` in a thread: ``with ThreadedExchange(seed=1) as exchange:``.

    Every attribute and method of `LocalExchange` but ``start`` and ``stop`` is there; a call runs
    on the exchange's own loop and returns its result, so it may come from a test with a loop, from
    one without, and from any thread.

    Parameters
    ----------
    port : int
        The loopback port; 0 takes a free one.
    seed : int
        Fixes keys, identifiers and the simulated order flow.
    **options : Any
        Fields of `Options`.
    """

    def __init__(self, port: int = 0, seed: int = 1, **options: Any) -> None:
        self._exchange = LocalExchange(port, seed, **options)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._run, name="paradex-local-exchange", daemon=True
        )

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()

    def start(self) -> None:
        """Start the thread and listen.

        Raises
        ------
        OSError
            When the port is in use.
        """
        self._thread.start()
        try:
            self._await(self._exchange.start(), START_TIMEOUT_SECS)
        except BaseException:
            # Ctrl-C as well: the thread would keep the process.
            self._end()
            raise

    def stop(self) -> None:
        """Close every connection and end the thread."""
        try:
            self._await(self._exchange.stop(), STOP_TIMEOUT_SECS)
        finally:
            self._end()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(STOP_TIMEOUT_SECS)

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()

    def _await(self, work: Coroutine[Any, Any, T], timeout_secs: float) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout_secs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        value = getattr(self._exchange, name)
        return self._on_loop(value) if callable(value) else value

    def _on_loop(self, method: Callable[..., T]) -> Callable[..., T]:
        def call(*args: Any, **kwargs: Any) -> T:
            async def run() -> T:
                return method(*args, **kwargs)

            return self._await(run(), CALL_TIMEOUT_SECS)

        return call
