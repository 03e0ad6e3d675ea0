"""The console commands: they parse arguments, and leave the rest to the modules they start.

Exit codes: 0 done, 1 failed (one sentence on standard error says why), 2 wrong arguments.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NoReturn

from paradex_adapter.venue.errors import ParadexError

PORT_MAX: Final = 65_535
SECONDS_MAX: Final = 86_400
SEED_MAX: Final = 2**32 - 1
INTERVAL_MS_MAX: Final = 60_000
HISTORY_KINDS: Final = ("trades", "bars", "funding")
RESOLUTIONS_MINS: Final = (1, 3, 5, 15, 30, 60)
PRICE_KINDS: Final = ("last", "mark", "underlying")
ENVIRONMENTS: Final = ("mainnet", "testnet")
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
NANOS_PER_MICRO: Final = 1000
LOG_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "OFF")

EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_INTERRUPTED: Final = 130


def local_exchange(arguments: Sequence[str] | None = None) -> int:
    """Run ``paradex-local-exchange``; return its exit code.

    Parameters
    ----------
    arguments : Sequence[str], optional
        The command line without the program's name; by default that of the process.
    """
    parser = _OneLineParser(
        "paradex-local-exchange",
        "Run a stand-in for the Paradex exchange on this machine, until interrupted. Prints one "
        "JSON line with its addresses and the key of a funded account.",
    )
    parser.add_argument(
        "--port", type=_whole(0, PORT_MAX), default=0, help="loopback port; 0 takes a free one"
    )
    _add_seed(parser)
    parser.add_argument(
        "--simulation-interval-ms",
        type=_whole(0, INTERVAL_MS_MAX),
        default=250,
        metavar="MS",
        help="time between two steps of the simulated traders; 0 leaves the books empty (250)",
    )
    parser.add_argument(
        "--private-sbe",
        action="store_true",
        help="send private channels as binary frames where SBE was negotiated",
    )
    parser.add_argument(
        "--refuse-plain",
        action="store_true",
        help="refuse websockets that do not negotiate SBE",
    )
    parser.add_argument(
        "--enforce-rate-limits",
        action="store_true",
        help="answer HTTP 429 where the venue would",
    )
    given = parser.parse_args(arguments)

    from paradex_adapter.local_exchange import server

    return server.run(
        given.port,
        given.seed,
        simulation_interval_ms=given.simulation_interval_ms,
        private_sbe=given.private_sbe,
        accept_plain=not given.refuse_plain,
        enforce_rate_limits=given.enforce_rate_limits,
    )


def demo(arguments: Sequence[str] | None = None) -> int:
    """Run ``paradex-demo``; return its exit code.

    Parameters
    ----------
    arguments : Sequence[str], optional
        The command line without the program's name; by default that of the process.
    """
    parser = _OneLineParser(
        "paradex-demo",
        "Trade on a local exchange with a real NautilusTrader node, then lay its books beside the "
        "exchange's own. Exits with 1 when they differ. Needs no network, key or account.",
    )
    parser.add_argument(
        "--seconds", type=_whole(1, SECONDS_MAX), default=20, help="how long to trade (20)"
    )
    _add_seed(parser)
    parser.add_argument(
        "--log-level",
        type=str.upper,
        choices=LOG_LEVELS,
        default="WARNING",
        help="of the node (WARNING)",
    )
    given = parser.parse_args(arguments)

    from paradex_adapter import demo as demonstration

    try:
        return demonstration.run(seconds=given.seconds, seed=given.seed, log_level=given.log_level)
    except ParadexError as error:
        sys.stderr.write(f"{parser.prog}: {error}\n")
        return EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def history(arguments: Sequence[str] | None = None) -> int:
    """Run ``paradex-history``; return its exit code.

    Parameters
    ----------
    arguments : Sequence[str], optional
        The command line without the program's name; by default that of the process.
    """
    parser = _OneLineParser(
        "paradex-history",
        "Download the past of a market into a Nautilus ParquetDataCatalog, with its instrument. "
        "Run again, it goes on where it stopped and asks for nothing it has.",
    )
    parser.add_argument("--market", required=True, help="such as BTC-USD-PERP")
    parser.add_argument("--kind", required=True, choices=HISTORY_KINDS)
    parser.add_argument(
        "--start", required=True, type=_moment, help="such as 2026-11-01 or 2026-11-01T08:30Z (UTC)"
    )
    parser.add_argument("--end", required=True, type=_moment, help="before when; as --start")
    parser.add_argument("--catalog", required=True, type=Path, metavar="DIR")
    parser.add_argument(
        "--resolution",
        type=int,
        choices=RESOLUTIONS_MINS,
        default=1,
        help="of bars, in minutes (1)",
    )
    parser.add_argument(
        "--price-kind", choices=PRICE_KINDS, default="last", help="that bars are made of (last)"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--environment", choices=ENVIRONMENTS, default="mainnet", help="(mainnet)")
    where.add_argument("--base-url-http", metavar="URL", help="instead, ends with /v1")
    given = parser.parse_args(arguments)
    if given.end <= given.start:
        parser.error("argument --end: must be after --start")

    from paradex_adapter import history as downloads
    from paradex_adapter.constants import BASE_URLS_HTTP, ParadexEnvironment

    download = downloads.Download(
        market=given.market,
        kind=given.kind,
        start_ns=given.start,
        end_ns=given.end,
        resolution_mins=given.resolution,
        price_kind=given.price_kind,
    )
    base_url = given.base_url_http or BASE_URLS_HTTP[ParadexEnvironment(given.environment)]
    try:
        return downloads.run(download, given.catalog, base_url)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


class _OneLineParser(argparse.ArgumentParser):
    """A parser whose complaint is one line."""

    def __init__(self, prog: str, description: str) -> None:
        super().__init__(prog=prog, description=description, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_USAGE, f"{self.prog}: {message}; see {self.prog} --help\n")


def _add_seed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seed",
        type=_whole(0, SEED_MAX),
        default=1,
        help="fixes keys, identifiers and the simulated order flow (1)",
    )


def _whole(minimum: int, maximum: int) -> Callable[[str], int]:
    def convert(text: str) -> int:
        # int() also takes signs, spaces, underscores, other scripts' digits and any length.
        is_whole = text.isascii() and text.isdecimal() and len(text) <= len(str(maximum))
        if not is_whole or not minimum <= int(text) <= maximum:
            raise argparse.ArgumentTypeError(
                f"must be a whole number from {minimum} to {maximum}, not {text[:20]!r}"
            )
        return int(text)

    return convert


def _moment(text: str) -> int:
    """Return a date or time as nanoseconds since the Unix epoch; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = EPOCH
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    if moment <= EPOCH:
        raise argparse.ArgumentTypeError(
            f"must be a time such as 2026-11-01T08:30Z, not {text[:40]!r}"
        )
    return (moment - EPOCH) // timedelta(microseconds=1) * NANOS_PER_MICRO
