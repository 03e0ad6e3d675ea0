"""What the examples share: where they trade, the question before real money, a node and its end.

`--venue local` runs an exchange of its own in this process, with a market that moves: no network,
key or account. testnet and mainnet take the account and its key from the environment:
PARADEX_TESTNET_ACCOUNT_ADDRESS and PARADEX_TESTNET_PRIVATE_KEY, on mainnet without TESTNET.

Exit codes: 0 done; 1 failed; 2 wrong arguments or settings, or mainnet without a yes; one sentence
on standard error says why. Ctrl-C ends a run as its time does, with orders canceled and the node
stopped; before the node runs it exits with 130.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NamedTuple, NoReturn

from nautilus_trader.common.actor import Actor
from nautilus_trader.common.messages import ShutdownSystem
from nautilus_trader.config import (
    InstrumentProviderConfig,
    LiveDataEngineConfig,
    LiveExecEngineConfig,
    LiveRiskEngineConfig,
    LoggingConfig,
    TradingNodeConfig,
)
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.events import OrderDenied, OrderRejected
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.trading.strategy import Strategy

from paradex_adapter import (
    PARADEX,
    ParadexDataClientConfig,
    ParadexEnvironment,
    ParadexError,
    ParadexExecClientConfig,
    ParadexInstrumentProvider,
    ParadexLiveDataClientFactory,
    ParadexLiveExecClientFactory,
)
from paradex_adapter.agreement import find_differences
from paradex_adapter.config import config_urls
from paradex_adapter.local_exchange.threaded import ThreadedExchange
from paradex_adapter.venue.credentials import resolve_credentials
from paradex_adapter.venue.errors import ConfigurationError, VenueUnavailable
from paradex_adapter.venue.http import HttpClient

SECONDS_MAX: Final = 86_400
NUMBER_MAX: Final = Decimal(1_000_000)
SYMBOL_CHARS_MAX: Final = 64
PROGRESS_SECS: Final = 2.0
CONNECT_SECS_MAX: Final = 15.0
START_SECS_MAX: Final = 45.0
# After the strategy has stopped: cancels and late fills come in.
SETTLE_SECS: Final = 2.0
STOP_SECS_MAX: Final = 30.0
POLL_SECS: Final = 0.05
EXIT_DONE, EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130


class Example(NamedTuple):
    """What to run, and what to say of it.

    Parameters
    ----------
    part : Strategy | Actor
        It gets a node of its own.
    plan : str
        What it will trade, for the question on mainnet. Without it nothing can be traded: the node
        has market data alone and needs no account.
    progress : Callable[[], str]
        What to show every two seconds and at the end.
    problem : Callable[[], str]
        Why the run failed, asked at the end; nothing when it did not.
    """

    part: Strategy | Actor
    plan: str = ""
    progress: Callable[[], str] = str
    problem: Callable[[], str] = str


# The command line.


class _Parser(argparse.ArgumentParser):
    """A parser whose complaint is one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_USAGE, f"{message}; see --help\n")


def make_parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser with the options of every example."""
    parser = _Parser(description=description, allow_abbrev=False)
    parser.add_argument(
        "--venue", choices=("local", "testnet", "mainnet"), default="local", help="where (local)"
    )
    parser.add_argument(
        "--instrument", type=_instrument, default="BTC-USD-PERP", help="what (BTC-USD-PERP)"
    )
    parser.add_argument(
        "--seconds", type=whole(SECONDS_MAX), default=20, help="how long at most (20)"
    )
    parser.add_argument(
        "--log-level",
        choices=("DEBUG", "INFO", "WARNING", "ERROR"),
        default="ERROR",
        help="(ERROR)",
    )
    return parser


def make_trading_parser(description: str | None, quantity: str) -> argparse.ArgumentParser:
    """Return a parser with the options of an example that trades `quantity`."""
    parser = make_parser(description)
    parser.add_argument(
        "--quantity", type=positive, default=quantity, help=f"of each order ({quantity})"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask before trading on mainnet")
    return parser


def _instrument(text: str) -> InstrumentId:
    symbol = text.removesuffix(f".{PARADEX}")
    is_plain = symbol.isascii() and symbol.replace("-", "").replace("_", "").isalnum()
    if not is_plain or len(symbol) > SYMBOL_CHARS_MAX:
        raise argparse.ArgumentTypeError(f"must be such as BTC-USD-PERP, not {text[:40]!r}")
    return InstrumentId.from_str(f"{symbol}.{PARADEX}")


def whole(maximum: int) -> Callable[[str], int]:
    """Return what reads an argument that is a whole number from 1 to `maximum`."""

    def read(text: str) -> int:
        is_whole = text.isascii() and text.isdecimal() and len(text) <= len(str(maximum))
        if not is_whole or not 1 <= int(text) <= maximum:
            raise argparse.ArgumentTypeError(
                f"must be a whole number from 1 to {maximum}, not {text[:20]!r}"
            )
        return int(text)

    return read


def positive(text: str) -> Decimal:
    """Return the number above 0 that an argument is."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal(0)
    if not number.is_finite() or not 0 < number <= NUMBER_MAX:
        raise argparse.ArgumentTypeError(f"must be a number above 0, not {text[:20]!r}")
    return number


# The run.


def run(arguments: argparse.Namespace, example: Example) -> int:
    """Run an example where the arguments say; return the exit code."""
    try:
        # Before a socket opens: what is missing, and whether this is meant.
        if example.plan and arguments.venue != "local":
            account = resolve_credentials(arguments.venue).account_address
            if arguments.venue == "mainnet":
                _confirm(f"mainnet, account {account}: {example.plan}", arguments.yes)
        _show(f"starting on {arguments.venue} ...")
        with ThreadedExchange() if arguments.venue == "local" else nullcontext() as exchange:
            return asyncio.run(_run_node(arguments, example, exchange))
    except ParadexError as error:
        is_unread = isinstance(error, VenueUnavailable) and error.operation.startswith("GET ")
        sys.stderr.write(f"{error}{'; check the network' if is_unread else ''}\n")
        return EXIT_USAGE if isinstance(error, ConfigurationError) else EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def _confirm(plan: str, is_confirmed: bool) -> None:
    print(plan, flush=True)
    if is_confirmed:
        return
    if not sys.stdin.isatty():
        raise ConfigurationError("mainnet", "nobody is here to ask; say --yes to trade")
    try:
        answer = input("This is real money. Type yes to trade: ")
    except EOFError:
        answer = ""
    if answer.strip() != "yes":
        raise ConfigurationError("mainnet", "not confirmed, so nothing was sent")


async def _run_node(
    arguments: argparse.Namespace, example: Example, exchange: ThreadedExchange | None
) -> int:
    node = await _build_node(arguments, example, exchange)
    stops: list[ShutdownSystem] = []
    node.kernel.msgbus.subscribe("commands.system.shutdown", stops.append)
    running = asyncio.create_task(node.run_async())
    try:
        await _until_started(node)
        end = time.monotonic() + arguments.seconds
        while (left := end - time.monotonic()) > 0 and not running.done():
            await asyncio.wait([running], timeout=min(PROGRESS_SECS, left))
            if left > PROGRESS_SECS and node.trader.is_running:
                _show(example.progress() or "running ...")
        # It is stopping already when the strategy asked for that, or Ctrl-C.
        if node.trader.is_running:
            await node.stop_async()
        await asyncio.wait([running], timeout=STOP_SECS_MAX)
        _show(example.progress())
        crashes = [stop.reason for stop in stops if stop.component_id.value != str(example.part.id)]
        mistakes = [example.problem(), *crashes, *_find_problems(node, example, exchange)]
    finally:
        if node.is_running():
            await node.stop_async()
        running.cancel()
        node.kernel.dispose()
    problems = list(filter(None, mistakes))
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    if exchange and example.plan and not problems:
        _show("the books of the node and of the exchange agree")
    return EXIT_FAILED if problems else EXIT_DONE


async def _build_node(
    arguments: argparse.Namespace, example: Example, exchange: ThreadedExchange | None
) -> TradingNode:
    """Return a node that is built; raise ParadexError when a setting is wrong."""
    is_mainnet = arguments.venue == "mainnet"
    where: dict[str, Any] = {
        "environment": ParadexEnvironment.MAINNET if is_mainnet else ParadexEnvironment.TESTNET,
        "instrument_provider": InstrumentProviderConfig(load_ids=frozenset([arguments.instrument])),
    }
    account = {}  # without these two, the variables of the environment count
    if exchange:
        where |= {"base_url_http": exchange.base_url_http, "base_url_ws": exchange.base_url_ws}
        account["account_address"] = exchange.account_address
        account["private_key"] = exchange.private_key
    data = ParadexDataClientConfig(**where)
    await _check_instrument(arguments, data)
    trading = {PARADEX: ParadexExecClientConfig(**where, **account)} if example.plan else {}
    node = TradingNode(
        TradingNodeConfig(
            logging=LoggingConfig(log_level=arguments.log_level),
            data_clients={PARADEX: data},
            exec_clients=trading,
            # A mistake in a strategy ends the run in order, too, and not the process at once.
            data_engine=LiveDataEngineConfig(graceful_shutdown_on_exception=True),
            exec_engine=LiveExecEngineConfig(graceful_shutdown_on_exception=True),
            risk_engine=LiveRiskEngineConfig(graceful_shutdown_on_exception=True),
            timeout_connection=CONNECT_SECS_MAX,
            timeout_post_stop=SETTLE_SECS,
        ),
        loop=asyncio.get_running_loop(),
    )
    node.add_data_client_factory(PARADEX, ParadexLiveDataClientFactory)
    node.add_exec_client_factory(PARADEX, ParadexLiveExecClientFactory)
    if isinstance(example.part, Strategy):
        node.trader.add_strategy(example.part)
    else:
        node.trader.add_actor(example.part)
    node.build()
    return node


async def _check_instrument(arguments: argparse.Namespace, data: ParadexDataClientConfig) -> None:
    http = HttpClient(config_urls(data)[0])
    try:
        instrument = await ParadexInstrumentProvider(http).find_or_load(arguments.instrument)
    finally:
        await http.close()
    if instrument is None:
        raise ConfigurationError(
            "--instrument", f"{arguments.instrument.symbol} is not listed on {arguments.venue}"
        )
    step = instrument.size_increment.as_decimal()
    if getattr(arguments, "quantity", step) % step:
        raise ConfigurationError("--quantity", f"it must be a multiple of {step}")


async def _until_started(node: TradingNode) -> None:
    """Wait until the node trades: one that cannot start says why in its log and goes quiet."""
    engines = node.kernel.data_engine, node.kernel.exec_engine
    start = said = time.monotonic()
    # One order may be over, and all stopped again, before anyone looks.
    while not node.trader.is_running and not node.trader.is_stopped:
        await asyncio.sleep(POLL_SECS)
        now = time.monotonic()
        if not node.is_running() and not node.trader.is_stopped:
            raise KeyboardInterrupt
        is_connected = engines[0].check_connected() and engines[1].check_connected()
        if now - start > (START_SECS_MAX if is_connected else CONNECT_SECS_MAX):
            raise VenueUnavailable("start of the node", "its log above says why")
        if now - said > PROGRESS_SECS:
            said = now
            _show("still starting ...")


def _find_problems(
    node: TradingNode, example: Example, exchange: ThreadedExchange | None
) -> Iterator[str]:
    """Say what an example should not leave behind."""
    if not example.plan:
        return
    for order in node.cache.orders(strategy_id=example.part.id):
        event = order.last_event
        if isinstance(event, OrderDenied) or (
            isinstance(event, OrderRejected) and not event.due_post_only
        ):
            yield f"{order.client_order_id} was refused: {event.reason}"
        elif not order.is_closed:
            yield f"{order.client_order_id} may still work ({order.status_string()}): look there"
    if exchange:
        yield from find_differences(
            node.cache, exchange.orders(), exchange.fills(), exchange.positions()
        )


def _show(line: str) -> None:
    if line:
        print(line, flush=True)
