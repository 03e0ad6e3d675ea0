"""The console commands: they parse arguments, and leave the rest to the modules they start.

Exit codes: 0 done, 1 failed (one sentence on standard error says why), 2 wrong arguments.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Final, NoReturn

from paradex_adapter.venue.errors import ParadexError

PORT_MAX: Final = 65_535
SECONDS_MAX: Final = 86_400
SEED_MAX: Final = 2**32 - 1
INTERVAL_MS_MAX: Final = 60_000
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
