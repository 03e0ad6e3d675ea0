"""The console commands: they parse arguments, and leave the rest to the modules they start.

Exit codes: 0 done, 1 failed (one sentence on standard error says why), 2 wrong arguments, 130
interrupted.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, Final

from paradex_adapter.cli_arguments import (
    ENVIRONMENTS,
    RECORDED_CHANNELS,
    OneLineParser,
    add_account,
    add_replay,
    add_seed,
    add_venue,
    check_replay,
    parse_channels,
    parse_moment,
    parse_name,
    parse_names,
    parse_speed,
    whole_number,
)
from paradex_adapter.cli_errors import explain
from paradex_adapter.venue.errors import ParadexError
from paradex_adapter_core.errors import CoreError

PORT_MAX: Final = 65_535
SECONDS_MAX: Final = 86_400
INTERVAL_MS_MAX: Final = 60_000
HISTORY_HOURS_MAX: Final = 720
HISTORY_KINDS: Final = ("trades", "bars", "funding")
RESOLUTIONS_MINS: Final = (1, 3, 5, 15, 30, 60)
PRICE_KINDS: Final = ("last", "mark", "underlying")
RECORD_SECONDS_MAX: Final = 31 * 86_400
BYTES_PER_MEGABYTE: Final = 1_000_000
MEGABYTES_MAX: Final = 1_000_000
LOG_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "OFF")

EXIT_FAILED: Final = 1
EXIT_INTERRUPTED: Final = 130

type Command = Callable[[Sequence[str] | None], int]


def _interruptible(command: Command) -> Command:
    """Return a command that Ctrl-C ends without a traceback, also while it is being imported."""

    @wraps(command)
    def run(arguments: Sequence[str] | None = None) -> int:
        try:
            return command(arguments)
        except KeyboardInterrupt:
            return EXIT_INTERRUPTED

    return run


@_interruptible
def local_exchange(arguments: Sequence[str] | None = None) -> int:
    """Run ``paradex-local-exchange``; return its exit code.

    Parameters
    ----------
    arguments : Sequence[str], optional
        The command line without the program's name; by default that of the process.
    """
    parser = _local_exchange_parser()
    given = parser.parse_args(arguments)
    check_replay(parser, given)

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
                given.replay, given.markets, is_looped=given.loop, speed=given.speed or 1.0
            )
        except ParadexError as error:
            sys.stderr.write(f"{parser.prog}: {error}\n")
            return EXIT_FAILED
    return server.run(given.port, given.seed, **options)


def _local_exchange_parser() -> ArgumentParser:
    parser = OneLineParser(
        "paradex-local-exchange",
        "Run a stand-in for the Paradex exchange on this machine, until interrupted. Prints one "
        "JSON line with its addresses and the key of a funded account.",
    )
    parser.add_argument(
        "--port",
        type=whole_number(0, PORT_MAX),
        default=0,
        help="loopback port; 0 takes a free one",
    )
    add_seed(parser)
    parser.add_argument(
        "--simulation-interval-ms",
        type=whole_number(0, INTERVAL_MS_MAX),
        default=250,
        metavar="MS",
        help="time between two steps of the simulated traders; 0 leaves the books empty (250)",
    )
    _add_conduct(parser)
    parser.add_argument(
        "--history-hours",
        type=whole_number(0, HISTORY_HOURS_MAX),
        default=24,
        metavar="HOURS",
        help="how far back trades, candles and funding reach before the start (24)",
    )
    add_replay(parser)
    parser.add_argument(
        "--speed",
        type=parse_speed,
        metavar="X",
        help="play the recording X times as fast as it was recorded (1)",
    )
    return parser


def _add_conduct(parser: ArgumentParser) -> None:
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


@_interruptible
def demo(arguments: Sequence[str] | None = None) -> int:
    """Run ``paradex-demo``; return its exit code.

    Parameters
    ----------
    arguments : Sequence[str], optional
        The command line without the program's name; by default that of the process.
    """
    parser = _demo_parser()
    given = parser.parse_args(arguments)
    check_replay(parser, given)

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


def _demo_parser() -> ArgumentParser:
    parser = OneLineParser(
        "paradex-demo",
        "Trade on a local exchange with a real NautilusTrader node, then lay its books beside the "
        "exchange's own. Exits with 1 when they differ. Needs no network, key or account.",
    )
    parser.add_argument(
        "--seconds", type=whole_number(1, SECONDS_MAX), default=20, help="how long to trade (20)"
    )
    add_seed(parser)
    parser.add_argument(
        "--log-level",
        type=str.upper,
        choices=LOG_LEVELS,
        default="WARNING",
        help="of the node (WARNING)",
    )
    add_replay(parser)
    return parser


@_interruptible
def record(arguments: Sequence[str] | None = None) -> int:
    """Run ``paradex-record``; return its exit code.

    Parameters
    ----------
    arguments : Sequence[str], optional
        The command line without the program's name; by default that of the process.
    """
    parser = _record_parser()
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
        sys.stderr.write(f"{parser.prog}: {explain(error)}\n")
        return EXIT_FAILED


def _record_parser() -> ArgumentParser:
    parser = OneLineParser(
        "paradex-record",
        "Record public market data as it crosses the wire, until interrupted, with the instruments "
        "and where it all comes from. Needs no key or account.",
    )
    parser.add_argument(
        "--markets", type=parse_names, required=True, metavar="A,B", help="such as BTC-USD-PERP"
    )
    parser.add_argument(
        "--channels",
        type=parse_channels,
        default=RECORDED_CHANNELS,
        metavar="A,B",
        help=f"of {','.join(RECORDED_CHANNELS)} (all)",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write to")
    parser.add_argument(
        "--seconds", type=whole_number(1, RECORD_SECONDS_MAX), help="how long (until interrupted)"
    )
    parser.add_argument(
        "--part-mb",
        type=whole_number(1, MEGABYTES_MAX),
        default=256,
        metavar="MB",
        help="begin another file when one is as large as this (256)",
    )
    parser.add_argument(
        "--max-mb",
        type=whole_number(1, MEGABYTES_MAX),
        default=10_000,
        metavar="MB",
        help="stop when all files together are as large as this (10000)",
    )
    parser.add_argument(
        "--environment", type=str.lower, choices=ENVIRONMENTS, default="mainnet", help="(mainnet)"
    )
    parser.add_argument("--base-url-http", default="", metavar="URL", help="of another venue")
    parser.add_argument("--base-url-ws", default="", metavar="URL", help="of another venue")
    return parser


@_interruptible
def history(arguments: Sequence[str] | None = None) -> int:
    """Run ``paradex-history``; return its exit code.

    Parameters
    ----------
    arguments : Sequence[str], optional
        The command line without the program's name; by default that of the process.
    """
    parser = _history_parser()
    given = parser.parse_args(arguments)
    if given.end <= given.start:
        parser.error("argument --end: must be after --start")

    if given.kind != "bars" and (given.resolution or given.price_kind):
        parser.error("argument --resolution, --price-kind: of --kind bars alone")

    from paradex_adapter import history as downloads
    from paradex_adapter.config import ParadexDataClientConfig, config_urls
    from paradex_adapter.constants import ParadexEnvironment

    download = downloads.Download(
        market=given.market,
        kind=given.kind,
        start_ns=given.start,
        end_ns=given.end,
        resolution_mins=given.resolution or 1,
        price_kind=given.price_kind or PRICE_KINDS[0],
    )
    try:
        where = ParadexDataClientConfig(
            environment=ParadexEnvironment(given.environment), base_url_http=given.base_url_http
        )
    except ParadexError as error:
        sys.stderr.write(f"{parser.prog}: {explain(error)}\n")
        return EXIT_FAILED
    return downloads.run(download, given.catalog, config_urls(where)[0])


def _history_parser() -> ArgumentParser:
    parser = OneLineParser(
        "paradex-history",
        "Download the past of a market into a Nautilus ParquetDataCatalog, with its instrument. "
        "Run again, it goes on where it stopped and asks for nothing it has.",
    )
    parser.add_argument("--market", required=True, help="such as BTC-USD-PERP")
    parser.add_argument("--kind", required=True, choices=HISTORY_KINDS)
    parser.add_argument(
        "--start",
        required=True,
        type=parse_moment,
        help="such as 2026-11-01 or 2026-11-01T08:30Z (UTC)",
    )
    parser.add_argument("--end", required=True, type=parse_moment, help="before when; as --start")
    parser.add_argument("--catalog", required=True, type=Path, metavar="DIR")
    parser.add_argument(
        "--resolution",
        type=int,
        choices=RESOLUTIONS_MINS,
        help="of bars, in minutes (1)",
    )
    parser.add_argument("--price-kind", choices=PRICE_KINDS, help="that bars are made of (last)")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--environment", type=str.lower, choices=ENVIRONMENTS, default="mainnet", help="(mainnet)"
    )
    where.add_argument("--base-url-http", metavar="URL", help="instead, ends with /v1")
    return parser


@_interruptible
def keys(arguments: Sequence[str] | None = None) -> int:
    """Run ``paradex-keys``; return its exit code.

    Parameters
    ----------
    arguments : Sequence[str], optional
        The command line without the program's name; by default that of the process.
    """
    parser = _keys_parser()
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
            tool.tell(tool.new_subkey(options, given.out, given.name))
        else:
            tool.tell(tool.check(options))
    except (ParadexError, CoreError) as error:
        sys.stderr.write(f"{parser.prog}: {explain(error)}\n")
        return EXIT_FAILED
    return 0


def _keys_parser() -> ArgumentParser:
    parser = OneLineParser(
        "paradex-keys",
        "Derive keys, make subkeys and check credentials, without placing an order. Keys are read "
        "from files (- is standard input) or from the variables of the integration guide.",
    )
    parser.set_defaults(private_key_file=None, onboard=False)
    parser.set_defaults(account_address=None, account_signer_type="starknet")
    commands = parser.add_subparsers(dest="command", required=True)
    deriving = commands.add_parser("derive", help="the account an Ethereum key leads to")
    deriving.add_argument("--show-private-key", action="store_true", help="print the L2 key too")
    making = commands.add_parser("new-subkey", help="a new key, and the request to register it")
    making.add_argument("--out", type=Path, required=True, metavar="FILE", help="for the new key")
    making.add_argument(
        "--name", type=parse_name, default="paradex-adapter", help="of the subkey (paradex-adapter)"
    )
    checking = commands.add_parser("check", help="what the venue says of a credential")
    checking.add_argument(
        "--onboard", action="store_true", help="onboard the account of --ethereum-key-file"
    )
    for command in (making, checking):
        command.add_argument("--private-key-file", metavar="FILE", help="of the account, or -")
        add_account(command)
    for command in (deriving, making, checking):
        command.add_argument("--ethereum-key-file", metavar="FILE", help="of the owner, or -")
        add_venue(command)
    return parser
