"""What the console commands take: the values of their arguments, and options several of them share.

A value that makes no sense is told in one line, with what was expected.
"""

import argparse
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NoReturn

SEED_MAX: Final = 2**32 - 1
ENVIRONMENTS: Final = ("mainnet", "testnet")
RECORDED_CHANNELS: Final = ("trades", "bbo", "book", "summary", "funding")
NAMES_MAX: Final = 1000
NAME_LENGTH_MAX: Final = 64
SPEED_MIN: Final = 0.01
SPEED_MAX: Final = 1000.0
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
NANOS_PER_MICRO: Final = 1000
EXIT_USAGE: Final = 2


class OneLineParser(argparse.ArgumentParser):
    """A parser whose complaint is one line."""

    def __init__(self, prog: str, description: str = "", **options: Any) -> None:
        super().__init__(prog=prog, description=description, allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and exit."""
        self.exit(EXIT_USAGE, f"{self.prog}: {message}; see {self.prog} --help\n")


def add_seed(parser: argparse.ArgumentParser) -> None:
    """Add --seed."""
    parser.add_argument(
        "--seed",
        type=whole_number(0, SEED_MAX),
        default=1,
        help="fixes keys, identifiers and the simulated order flow (1)",
    )


def add_replay(parser: argparse.ArgumentParser) -> None:
    """Add --replay and what goes with it."""
    parser.add_argument(
        "--replay", type=Path, metavar="FILE", help="play this recording back as the public feed"
    )
    parser.add_argument(
        "--markets",
        type=Path,
        metavar="FILE",
        help="body of GET /markets for a recording without its instruments",
    )
    parser.add_argument("--loop", action="store_true", help="begin the recording anew when it ends")


def check_replay(parser: argparse.ArgumentParser, given: argparse.Namespace) -> None:
    """Exit with a usage error where what goes with --replay was given without it."""
    if given.replay is None:
        for name in ("markets", "loop", "speed"):
            if getattr(given, name, None):
                parser.error(f"argument --{name}: goes with --replay FILE alone")


def add_account(command: argparse.ArgumentParser) -> None:
    """Add what says whose account it is."""
    command.add_argument("--account-address", metavar="0x...", help="the L2 address")
    command.add_argument(
        "--account-signer-type",
        choices=("starknet", "eip191"),
        default="starknet",
        help="eip191 where the account's main key is an Ethereum key (starknet)",
    )


def add_venue(command: argparse.ArgumentParser) -> None:
    """Add where the venue is."""
    command.add_argument(
        "--environment", type=str.lower, choices=ENVIRONMENTS, default="mainnet", help="(mainnet)"
    )
    command.add_argument("--base-url-http", metavar="URL", help="of another venue, ends with /v1")


def parse_names(text: str) -> tuple[str, ...]:
    """Return names with commas in between.

    Raises
    ------
    argparse.ArgumentTypeError
        If there are none, or too many, or one is too long.
    """
    names = tuple(dict.fromkeys(name for name in text.split(",") if name))
    if not 0 < len(names) <= NAMES_MAX or any(len(name) > NAME_LENGTH_MAX for name in names):
        raise argparse.ArgumentTypeError(f"must be 1 to {NAMES_MAX} names with commas in between")
    return names


def parse_name(text: str) -> str:
    """Return a name.

    Raises
    ------
    argparse.ArgumentTypeError
        If it is empty or too long.
    """
    if not 0 < len(text) <= NAME_LENGTH_MAX:
        raise argparse.ArgumentTypeError(f"must be 1 to {NAME_LENGTH_MAX} characters")
    return text


def parse_channels(text: str) -> tuple[str, ...]:
    """Return channels that can be recorded, with commas in between.

    Raises
    ------
    argparse.ArgumentTypeError
        If one cannot be.
    """
    names = parse_names(text)
    unknown = [name for name in names if name not in RECORDED_CHANNELS]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"must be of {','.join(RECORDED_CHANNELS)}, not {unknown[0][:20]!r}"
        )
    return names


def parse_speed(text: str) -> float:
    """Return how many times as fast to play.

    Raises
    ------
    argparse.ArgumentTypeError
        If it is no number within the bounds.
    """
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not SPEED_MIN <= speed <= SPEED_MAX:
        raise argparse.ArgumentTypeError(
            f"must be a number from {SPEED_MIN:g} to {SPEED_MAX:g}, not {text[:20]!r}"
        )
    return speed


def whole_number(minimum: int, maximum: int) -> Callable[[str], int]:
    """Return what parses a whole number of a range, and raises `ArgumentTypeError` for another."""

    def convert(text: str) -> int:
        # int() also takes signs, spaces, underscores, other scripts' digits and any length.
        is_whole = text.isascii() and text.isdecimal() and len(text) <= len(str(maximum))
        if not is_whole or not minimum <= int(text) <= maximum:
            raise argparse.ArgumentTypeError(
                f"must be a whole number from {minimum} to {maximum}, not {text[:20]!r}"
            )
        return int(text)

    return convert


def parse_moment(text: str) -> int:
    """Return a date or time as nanoseconds since the Unix epoch; without a zone it is UTC.

    Raises
    ------
    argparse.ArgumentTypeError
        If it is neither, or not after the epoch.
    """
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
