"""Run a local exchange as a process of its own."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import Any

import orjson

from paradex_adapter.local_exchange.exchange import LocalExchange


def run(port: int, seed: int, **options: Any) -> int:
    """Serve until interrupted or terminated; return the exit code.

    Prints one JSON line with ``base_url_http``, ``base_url_ws``, ``account_address``,
    ``private_key`` and ``chain_id`` as soon as it listens. A port in use gives one sentence on
    standard error and exit code 1.

    Parameters
    ----------
    port : int
        The loopback port; 0 takes a free one.
    seed : int
        Fixes keys, identifiers and the simulated order flow.
    **options : Any
        Fields of `Options`.
    """
    try:
        return asyncio.run(_serve(port, seed, options))
    except KeyboardInterrupt:
        return 0


async def _serve(port: int, seed: int, options: dict[str, Any]) -> int:
    exchange = LocalExchange(port, seed, **options)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    try:
        await exchange.start()
    except (OSError, OverflowError) as error:
        sys.stderr.write(f"Cannot listen on port {port}: {_why(error)}; choose another --port.\n")
        return 1
    try:
        sys.stdout.write(orjson.dumps(exchange.connection_info()).decode() + "\n")
        sys.stdout.flush()
        await stopped.wait()
    finally:
        await exchange.stop()
    return 0


def _why(error: OSError | OverflowError) -> str:
    return (error.strerror or str(error)).lower() if isinstance(error, OSError) else str(error)
