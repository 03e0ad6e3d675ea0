"""``paradex-demo``: a node trades on a local exchange, and both books are compared.

The exchange runs in a process of its own, as the venue would.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from paradex_adapter.venue.errors import VenueUnavailable

EXCHANGE_STOP_SECS_MAX: Final = 5.0


def run(*, seconds: int, seed: int, log_level: str) -> int:
    """Run the demonstration and print its report.

    Parameters
    ----------
    seconds : int
        How long to trade.
    seed : int
        Fixes the exchange's keys and order flow, and what the strategies do when.
    log_level : str
        Of the node: DEBUG, INFO, WARNING, ERROR or OFF.

    Returns
    -------
    int
        0 when the books agree, 1 when they differ.

    Raises
    ------
    ParadexError
        If the exchange or the node did not start; one sentence says why.
    """
    sys.stdout.write("starting the local exchange and the node ...\n")
    sys.stdout.flush()
    with _exchange_process(seed) as process:
        # Takes seconds, because of NautilusTrader; the exchange starts meanwhile.
        from paradex_adapter.demo.session import trade

        return asyncio.run(trade(_read_connection(process), seconds, seed, log_level))


@contextmanager
def _exchange_process(seed: int) -> Iterator[subprocess.Popen[str]]:
    code = "import sys; from paradex_adapter.cli import local_exchange; sys.exit(local_exchange())"
    command = [sys.executable, "-c", code, "--port", "0", "--seed", str(seed)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - ours
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(EXCHANGE_STOP_SECS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _read_connection(process: subprocess.Popen[str]) -> dict[str, str]:
    """Return the JSON line that the exchange prints when it serves."""
    line = process.stdout.readline() if process.stdout is not None else ""
    if not line:
        raise VenueUnavailable("start of the local exchange", "its own message is above")
    connection: dict[str, str] = json.loads(line)
    return connection
