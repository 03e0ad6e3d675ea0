"""The console commands: they parse arguments, and leave the rest to the modules they start.

Exit codes: 0 done, 1 failed (one sentence on standard error says why), 2 wrong arguments, 130
interrupted.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NoReturn

from paradex_adapter.venue.errors import ParadexError
from paradex_adapter_core.errors import CoreError

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
RECORDED_CHANNELS: Final = ("trades", "bbo", "book", "summary", "funding")
NAMES_MAX: Final = 1000
NAME_LENGTH_MAX: Final = 64
RECORD_SECONDS_MAX: Final = 31 * 86_400
BYTES_PER_MEGABYTE: Final = 1_000_000
MEGABYTES_MAX: Final = 1_000_000
HISTORY_HOURS_MAX: Final = 720
SPEED_MIN: Final = 0.01
SPEED_MAX: Final = 1000.0
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
    parser.add_argument(
        "--funding", action="store_true", help="let funding accrue, and fills realize it"
    )
    parser.add_argument(
        "--history-hours",
        type=_whole(0, HISTORY_HOURS_MAX),
        default=24,
        metavar="HOURS",
        help="how far back trades, candles and funding reach before the start (24)",
    )
    _add_replay(parser)
    parser.add_argument(
        "--speed",
        type=_speed,
        default=1.0,
        metavar="X",
        help="play the recording X times as fast as it was recorded (1)",
    )
    given = parser.parse_args(arguments)

    from paradex_adapter.local_exchange import server

    options: dict[str, Any] = {
        "simulation_interval_ms": given.simulation_interval_ms,
        "private_sbe": given.private_sbe,
        "accept_plain": not given.refuse_plain,
        "enforce_rate_limits": given.enforce_rate_limits,
        "funding": given.funding,
        "history_hours": given.history_hours,
    }
    if given.replay is not None:
        from paradex_adapter.playback import open_recording

        try:
            options["replay"] = open_recording(
                given.replay, given.markets, is_looped=given.loop, speed=given.speed
            )
        except ParadexError as error:
            sys.stderr.write(f"{parser.prog}: {error}\n")
            return EXIT_FAILED
    return server.run(given.port, given.seed, **options)


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
    _add_replay(parser)
    given = parser.parse_args(arguments)

    from paradex_adapter import demo as demonstration

    recording = None
    if given.replay is not None:
        recording = demonstration.Recording(given.replay, given.markets, given.loop)
    try:
        return demonstration.run(
            seconds=given.seconds,
            seed=given.seed,
            log_level=given.log_level,
            recording=recording,
        )
    except ParadexError as error:
        sys.stderr.write(f"{parser.prog}: {error}\n")
        return EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def record(arguments: Sequence[str] | None = None) -> int:
    """Run ``paradex-record``; return its exit code.

    Parameters
    ----------
    arguments : Sequence[str], optional
        The command line without the program's name; by default that of the process.
    """
    parser = _OneLineParser(
        "paradex-record",
        "Record public market data as it crosses the wire, until interrupted, with the instruments "
        "and where it all comes from. Needs no key or account.",
    )
    parser.add_argument(
        "--markets", type=_names, required=True, metavar="A,B", help="such as BTC-USD-PERP"
    )
    parser.add_argument(
        "--channels",
        type=_channels,
        default=RECORDED_CHANNELS,
        metavar="A,B",
        help=f"of {','.join(RECORDED_CHANNELS)} (all)",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write to")
    parser.add_argument(
        "--seconds", type=_whole(1, RECORD_SECONDS_MAX), help="how long (until interrupted)"
    )
    parser.add_argument(
        "--part-mb",
        type=_whole(1, MEGABYTES_MAX),
        default=256,
        metavar="MB",
        help="begin another file when one is as large as this (256)",
    )
    parser.add_argument(
        "--max-mb",
        type=_whole(1, MEGABYTES_MAX),
        default=10_000,
        metavar="MB",
        help="stop when all files together are as large as this (10000)",
    )
    parser.add_argument(
        "--environment", type=str.lower, choices=ENVIRONMENTS, default="mainnet", help="(mainnet)"
    )
    parser.add_argument("--base-url-http", default="", metavar="URL", help="of another venue")
    parser.add_argument("--base-url-ws", default="", metavar="URL", help="of another venue")
    given = parser.parse_args(arguments)

    from paradex_adapter import recorder

    plan = recorder.Plan(
        markets=given.markets,
        channels=given.channels,
        folder=given.out,
        seconds=given.seconds,
        part_bytes_max=given.part_mb * BYTES_PER_MEGABYTE,
        bytes_max=given.max_mb * BYTES_PER_MEGABYTE,
        base_url_http=given.base_url_http,
        base_url_ws=given.base_url_ws,
    )
    try:
        return recorder.run(recorder.checked(plan, given.environment))
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
    where.add_argument(
        "--environment", type=str.lower, choices=ENVIRONMENTS, default="mainnet", help="(mainnet)"
    )
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


def keys(arguments: Sequence[str] | None = None) -> int:
    """Run ``paradex-keys``; return its exit code.

    Parameters
    ----------
    arguments : Sequence[str], optional
        The command line without the program's name; by default that of the process.
    """
    parser = _OneLineParser(
        "paradex-keys",
        "Derive keys, make subkeys and check credentials, without placing an order. Keys are read "
        "from files (- is standard input) or from the variables of the integration guide.",
    )
    parser.set_defaults(private_key_file=None, show_private_key=False, onboard=False)
    commands = parser.add_subparsers(dest="command", required=True)
    deriving = commands.add_parser("derive", help="the account an Ethereum key leads to")
    deriving.add_argument("--show-private-key", action="store_true", help="print the L2 key too")
    making = commands.add_parser("new-subkey", help="a new key, and the request to register it")
    making.add_argument("--out", type=Path, required=True, metavar="FILE", help="for the new key")
    making.add_argument("--name", default="paradex-adapter", help="of the subkey (paradex-adapter)")
    checking = commands.add_parser("check", help="what the venue says of a credential")
    checking.add_argument(
        "--onboard", action="store_true", help="onboard the account of --ethereum-key-file"
    )
    for command in (making, checking):
        command.add_argument("--private-key-file", metavar="FILE", help="of the account, or -")
    for command in (deriving, making, checking):
        _add_account(command)
    given = parser.parse_args(arguments)

    from paradex_adapter import keys as tool

    options = tool.KeyOptions(
        environment=given.environment.upper(),
        base_url_http=given.base_url_http,
        account_address=given.account_address,
        private_key_file=given.private_key_file,
        ethereum_private_key_file=given.ethereum_key_file,
        account_signer_type=given.account_signer_type,
        onboard=given.onboard,
    )
    try:
        if given.command == "derive":
            tool.tell(tool.derive(options, show_private_key=given.show_private_key))
        elif given.command == "new-subkey":
            tool.tell(tool.new_subkey(options, given.out, given.name[:NAME_LENGTH_MAX]))
        else:
            tool.tell(tool.check(options))
    except (ParadexError, CoreError) as error:
        sys.stderr.write(f"{parser.prog}: {error}\n")
        return EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return 0


def _add_account(command: argparse.ArgumentParser) -> None:
    command.add_argument("--account-address", metavar="0x...", help="the L2 address")
    command.add_argument("--ethereum-key-file", metavar="FILE", help="of its owner, or -")
    command.add_argument(
        "--account-signer-type", choices=("starknet", "eip191"), default="starknet"
    )
    command.add_argument(
        "--environment", type=str.lower, choices=ENVIRONMENTS, default="mainnet", help="(mainnet)"
    )
    command.add_argument("--base-url-http", metavar="URL", help="of another venue, ends with /v1")


class _OneLineParser(argparse.ArgumentParser):
    """A parser whose complaint is one line."""

    def __init__(self, prog: str, description: str = "", **options: Any) -> None:
        super().__init__(prog=prog, description=description, allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_USAGE, f"{self.prog}: {message}; see {self.prog} --help\n")


def _add_seed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seed",
        type=_whole(0, SEED_MAX),
        default=1,
        help="fixes keys, identifiers and the simulated order flow (1)",
    )


def _add_replay(parser: argparse.ArgumentParser) -> None:
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


def _names(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name for name in text.split(",") if name))
    if not 0 < len(names) <= NAMES_MAX or any(len(name) > NAME_LENGTH_MAX for name in names):
        raise argparse.ArgumentTypeError(f"must be 1 to {NAMES_MAX} names with commas in between")
    return names


def _channels(text: str) -> tuple[str, ...]:
    names = _names(text)
    unknown = [name for name in names if name not in RECORDED_CHANNELS]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"must be of {','.join(RECORDED_CHANNELS)}, not {unknown[0][:20]!r}"
        )
    return names


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not SPEED_MIN <= speed <= SPEED_MAX:
        raise argparse.ArgumentTypeError(
            f"must be a number from {SPEED_MIN:g} to {SPEED_MAX:g}, not {text[:20]!r}"
        )
    return speed


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
