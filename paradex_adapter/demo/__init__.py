"""``paradex-demo``: a node trades on a local exchange, and both books are compared.

The exchange runs in a process of its own, as the venue would.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from paradex_adapter.playback import open_recording
from paradex_adapter.recording import RecordingError
from paradex_adapter.venue.errors import VenueUnavailable

MARKETS: Final = ("BTC-USD-PERP", "ETH-USD-PERP")
MARKETS_TRADED_MAX: Final = 2
EXCHANGE_STOP_SECS_MAX: Final = 5.0


class Recording(NamedTuple):
    """A recording to trade on, its instruments where it has none, whether it begins anew."""

    path: Path
    markets_path: Path | None = None
    is_looped: bool = False


def run(*, seconds: int, seed: int, log_level: str, recording: Recording | None = None) -> int:
    """Run the demonstration and print its report.

    Parameters
    ----------
    seconds : int
        How long to trade.
    seed : int
        Fixes the exchange's keys and order flow, and what the strategies do when.
    log_level : str
        Of the node: DEBUG, INFO, WARNING, ERROR or OFF.
    recording : Recording, optional
        What the exchange plays back, instead of simulated traders.

    Returns
    -------
    int
        0 when the books agree, 1 when they differ, 130 when they agree and Ctrl-C ended it.

    Raises
    ------
    ParadexError
        If the exchange or the node did not start; one sentence says why.
    """
    markets = MARKETS if recording is None else _quoted_markets(recording)
    sys.stdout.write("starting the local exchange and the node ...\n")
    sys.stdout.flush()
    with _exchange_process(seed, recording) as process:
        # Takes seconds, because of NautilusTrader; the exchange starts meanwhile.
        from paradex_adapter.demo.session import trade

        return asyncio.run(trade(_read_connection(process), markets, seconds, seed, log_level))


def _quoted_markets(recording: Recording) -> tuple[str, ...]:
    """Return the markets of a recording to trade in: those of which it has quotes."""
    surveys = open_recording(recording.path, recording.markets_path).surveys
    quoted = [symbol for symbol, survey in surveys.items() if survey.events & {"bbo", "book"}]
    if not quoted:
        raise RecordingError(recording.path, "it holds no quotes: record bbo or book")
    return tuple(quoted[:MARKETS_TRADED_MAX])


@contextmanager
def _exchange_process(seed: int, recording: Recording | None) -> Iterator[subprocess.Popen[str]]:
    code = "import sys; from paradex_adapter.cli import local_exchange; sys.exit(local_exchange())"
    command = [sys.executable, "-c", code, "--port", "0", "--seed", str(seed)]
    if recording is not None:
        command += ["--replay", str(recording.path), *(["--loop"] if recording.is_looped else [])]
        if recording.markets_path is not None:
            command += ["--markets", str(recording.markets_path)]
    # Ctrl-C goes to all of a terminal's group: the exchange is still needed, for the cancels.
    process = subprocess.Popen(  # noqa: S603 - ours
        command, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
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
