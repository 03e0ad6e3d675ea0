"""Waiting for the engine: it takes an answer at once, but events through a queue."""

import asyncio
from collections.abc import Callable
from typing import Final

ENGINE_WAIT_SECS: Final = 2.0
ENGINE_POLL_SECS: Final = 0.005


async def wait_for_engine(has_caught_up: Callable[[], bool]) -> None:
    """Wait until the engine has worked off what it was told, `ENGINE_WAIT_SECS` at most."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + ENGINE_WAIT_SECS
    while loop.time() < deadline:
        if has_caught_up():
            return
        await asyncio.sleep(ENGINE_POLL_SECS)
