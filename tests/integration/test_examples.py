"""The examples run as they are and do what they say: those that trade in processes of their own.

Where one names testnet or mainnet, the addresses of these are those of this machine.
"""

import io
import os
import re
import runpy
import signal
import socket
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pytest

from paradex_adapter import constants
from paradex_adapter.local_exchange.threaded import ThreadedExchange
from tests.child_processes import child_environment

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / "examples"
EXAMPLES = sorted(path for path in FOLDER.glob("*.py") if path.name != "venues.py")
TRADING = ("submit_one_order.py", "exec_tester.py", "market_maker.py")
TIMEOUT_SECS = 100.0
RUN_SECS_MAX = 90
CREDENTIAL = re.compile("PARADEX_(TESTNET_)?(ACCOUNT|PRIVATE|ETHEREUM|ACCESS)_")
MAINNET_CHAIN_ID = "PRIVATE_SN_PARACLEAR_MAINNET"
AGREE = "the books of the node and of the exchange agree"
# Runs an example with every environment of the venue at the addresses given.
REDIRECTED = """
import os, runpy, sys, venues
from paradex_adapter import constants
venues.CONNECT_SECS_MAX = float(os.environ.get("CONNECT_SECS_MAX", venues.CONNECT_SECS_MAX))
for environment in constants.BASE_URLS_HTTP:
    constants.BASE_URLS_HTTP[environment], constants.BASE_URLS_WS[environment] = sys.argv[1:3]
sys.argv = sys.argv[3:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""

MISTAKEN = """
import sys
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.trading.strategy import Strategy
from venues import Example, make_trading_parser, run

class Mistaken(Strategy):
    def on_start(self):
        instrument = self.cache.instrument(arguments.instrument)
        size, price = instrument.make_qty(0.01), instrument.make_price(80_000)
        self.submit_order(self.order_factory.limit(instrument.id, OrderSide.BUY, size, price))

    def on_order_accepted(self, event):
        1 / 0

    def on_stop(self):
        self.cancel_all_orders(arguments.instrument)

    def progress(self):
        return f"{self.cache.orders_open_count()} orders open"

arguments = make_trading_parser("", "1").parse_args()
mistaken = Mistaken()
sys.exit(run(arguments, Example(mistaken, "a mistake", mistaken.progress)))
"""


class Done(NamedTuple):
    code: int
    lines: list[str]
    errors: str


class Nobody:
    """Something to connect to on this machine, which sees whether anybody did."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        host, port = self._listener.getsockname()
        self.base_url_http = f"http://{host}:{port}/v1"
        self.base_url_ws = f"ws://{host}:{port}/v1"

    def was_asked(self) -> bool:
        try:
            self._listener.accept()[0].close()
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def nobody():
    listener = Nobody()
    yield listener
    listener.close()


def environment_of(**variables: str) -> dict[str, str]:
    # Also where a child does not look for modules beside the script it runs.
    environment = child_environment()
    environment["PYTHONPATH"] += os.pathsep + str(FOLDER)
    return {n: v for n, v in environment.items() if not CREDENTIAL.match(n)} | variables


def command_of(name: str, *arguments: str, where: object = None) -> list[str]:
    script = [str(FOLDER / name), *arguments]
    if where is None:
        return [sys.executable, *script]
    return [sys.executable, "-c", REDIRECTED, where.base_url_http, where.base_url_ws, *script]


def run_example(name: str, *arguments: str, **options) -> Done:
    """Run an example that has no reason to complain in its log."""
    done = run_child(name, *arguments, **options)
    assert "Traceback" not in done.errors + joined(done.lines)
    assert "[ERROR]" not in done.errors + joined(done.lines)
    return done


def run_child(
    name: str, *arguments: str, where: object = None, stdin: int = subprocess.DEVNULL, **variables
) -> Done:
    done = subprocess.run(
        command_of(name, *arguments, where=where),
        stdin=stdin,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECS,
        cwd=REPOSITORY,
        env=environment_of(**variables),
    )
    # How often it says that depends on the machine.
    lines = [line for line in done.stdout.splitlines() if line != "still starting ..."]
    return Done(done.returncode, lines, done.stderr)


def joined(lines: list[str]) -> str:
    return "\n".join(line.rstrip("\n") for line in lines) + "\n"


def account_of(exchange: ThreadedExchange, prefix: str) -> dict[str, str]:
    return {
        f"{prefix}_ACCOUNT_ADDRESS": exchange.account_address,
        f"{prefix}_PRIVATE_KEY": exchange.private_key,
    }


@pytest.fixture
def start(monkeypatch, capsys, nobody):
    """Run an example in this process, as far as it gets without a node."""
    monkeypatch.syspath_prepend(FOLDER)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    for name in filter(CREDENTIAL.match, list(os.environ)):
        monkeypatch.delenv(name)
    for environment in constants.BASE_URLS_HTTP:
        monkeypatch.setitem(constants.BASE_URLS_HTTP, environment, nobody.base_url_http)
        monkeypatch.setitem(constants.BASE_URLS_WS, environment, nobody.base_url_ws)

    def start(name: str, *arguments: str, **variables: str) -> Done:
        for variable, value in variables.items():
            monkeypatch.setenv(variable, value)
        monkeypatch.setattr(sys, "argv", [name, *arguments])
        with pytest.raises(SystemExit) as end:
            runpy.run_path(str(FOLDER / name), run_name="__main__")
        printed = capsys.readouterr()
        return Done(end.value.code, printed.out.splitlines(), printed.err)

    return start


# On a local exchange.


def test_submit_one_order():
    done = run_example("submit_one_order.py")

    assert done.code == 0, done.errors
    starting, submitted, accepted, *fills, agree = done.lines
    assert starting == "starting on local ..."
    assert submitted.startswith("OrderSubmitted")
    assert accepted.startswith("OrderAccepted")
    # The best price may not have had all of it.
    bought = re.findall(
        r"bought (0\.0\d{4}) at \d+\.\d, fee 0\.\d{8} USDC\nOrderFilled", joined(fills)
    )
    assert len(bought) == len(fills) / 2
    assert sum(map(Decimal, bought)) == Decimal("0.01")
    assert agree == AGREE


def test_an_order_that_is_refused_is_a_failure_with_its_reason():
    done = run_example("submit_one_order.py", "--quantity", "0.0001")

    assert done.code == 1
    assert "OrderRejected" in done.lines[2]
    assert re.fullmatch(r"O-\S+ was refused: ORDER_SIZE_BELOW_MIN\n", done.errors)


def test_an_order_denied_before_the_node_is_seen_running_is_a_failure_with_its_reason():
    done = run_example("submit_one_order.py", "--quantity", "500")

    assert done.code == 1
    assert "OrderDenied" in done.lines[1]
    assert re.fullmatch(r"O-\S+ was refused: quantity 500.* maximum trade size .*\n", done.errors)


def test_data_tester():
    kinds = {
        "CryptoPerpetual",
        "FundingRateUpdate",
        "IndexPriceUpdate",
        "MarkPriceUpdate",
        "OrderBookDeltas",
        "OrderBookDepth10",
        "QuoteTick",
    }
    is_seen = "".join(rf"(?=[^;]*[1-9]\d* {kind}\b)" for kind in sorted(kinds))
    done = run_until(
        *("data_tester.py", "--instrument", "ETH-USD-PERP.PARADEX"),
        seen=[f"live: {is_seen}"],
    )

    assert done.code == 0, done.errors
    live, past = done.lines[-1].split("; of the past: ")
    assert set(re.findall(r"[1-9]\d* (\w+)", live)) >= kinds
    assert set(re.findall(r"[1-9]\d* (\w+)", past)) == {"Bar", "FundingRateUpdate", "TradeTick"}


def test_exec_tester():
    done = run_until(
        *("exec_tester.py", "--offset-ticks", "200"),
        seen=["OrderFilled", "OrderPendingUpdate", "OrderUpdated"],
    )

    assert done.code == 0, done.errors
    told = [line.split()[0] for line in done.lines]
    assert {"OrderAccepted", "OrderFilled", "OrderPendingUpdate", "OrderUpdated"} <= set(told)
    assert "OrderRejected" not in told
    assert re.fullmatch(r"\d+ orders, 0 open, position 0", done.lines[-2])
    assert done.lines[-1] == AGREE


@pytest.mark.parametrize("name", ["exec_tester.py", "market_maker.py"])
def test_the_first_order_refused_ends_the_run(name):
    done = run_example(name, "--quantity", "0.0001", "--seconds", "60")

    assert done.code == 1
    refused = done.errors.splitlines()
    # Those that were on their way with it.
    assert 1 <= len(refused) <= 4
    assert all(re.match(r"O-\S+ was refused: ", line) for line in refused)


def test_the_market_maker_keeps_to_its_bound_and_ctrl_c_ends_it_in_order():
    done = run_until(
        *("market_maker.py", "--position-max", "0.02", "--distance-bps", "0.5"),
        seen=["bought|sold", "bought|sold", "[12] quotes open"],
    )

    assert done.code == 0, done.errors
    fills = [line for line in done.lines if re.match(r"bought|sold", line)]
    assert len(fills) >= 2
    assert all(abs(float(line.split()[-1])) <= 0.02 for line in fills)
    end = re.fullmatch(
        r"0 quotes open at \S+, (\d+) fills, holds (\S+), made -?\d+\.\d{4} USDC after fees",
        done.lines[-2],
    )
    assert end
    assert int(end[1]) >= len(fills)
    assert done.lines[-1] == AGREE


def run_until(name: str, *arguments: str, seen: list[str]) -> Done:
    """Run an example until lines that begin with these patterns came, one after the other."""
    with subprocess.Popen(
        command_of(name, *arguments, "--seconds", str(RUN_SECS_MAX)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
        env=environment_of(),
    ) as process:
        try:
            read = "".join(read_until(process, pattern) for pattern in seen)
            process.send_signal(signal.SIGINT)
            rest, errors = process.communicate(timeout=TIMEOUT_SECS)
        finally:
            process.kill()
    assert errors == ""
    return Done(process.returncode, f"{read}{rest}".splitlines(), errors)


def read_until(process: subprocess.Popen[str], pattern: str) -> str:
    """Return what a process prints up to a line that begins with a pattern."""
    read = []
    # It prints for as long as it runs, which is no longer than it was told.
    for line in process.stdout:
        read.append(line)
        if re.match(pattern, line):
            return joined(read)
    raise AssertionError(f"no {pattern!r} in {read}: {process.stderr.read()}")


def test_a_mistake_in_a_strategy_ends_in_order_and_is_a_failure(tmp_path):
    script = tmp_path / "mistaken.py"
    script.write_text(MISTAKEN)

    done = run_child(str(script))

    assert done.code == 1
    assert "0 orders open" in done.lines
    assert re.match(r"Unexpected exception in .*ZeroDivisionError", done.errors.splitlines()[-1])


# Wrong input.


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--instrument", "NOPE-USD"], "--instrument: NOPE-USD is not listed on local"),
        (["--instrument", "a b"], "argument --instrument: must be such as BTC-USD-PERP, not 'a b'"),
        (["--seconds", "0"], "argument --seconds: must be a whole number from 1 to 86400, not '0'"),
        (["--quantity", "much"], "argument --quantity: must be a number above 0, not 'much'"),
        (["--quantity", "0.000001"], "--quantity: it must be a multiple of 0.00001"),
        (["--quantity", "1"], "argument --position-max: must be --quantity at least"),
    ],
)
def test_wrong_arguments_are_told_in_a_sentence(arguments, said, start):
    done = start("market_maker.py", *arguments)

    assert done.code == 2
    assert done.errors.removesuffix("; see --help\n").removesuffix("\n") == said
    assert done.lines in ([], ["starting on local ..."])


def test_a_venue_that_is_not_there_is_told_with_what_to_check(start, nobody):
    nobody.close()
    done = start("data_tester.py", "--venue", "testnet")

    assert done.code == 1
    assert done.errors.startswith("GET /markets")
    assert done.errors.endswith("; check the network\n")


def test_an_order_that_nobody_meets_is_a_failure():
    done = run_example("submit_one_order.py", "--instrument", "ETH-USD", "--quantity", "0.5")

    assert done.code == 1
    assert done.errors == "nothing was bought: nobody offers any near the price\n"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_help_says_what_it_does(path, start):
    done = start(path.name, "--help")

    assert done.code == 0
    assert {"--venue", "--instrument", "--seconds"} <= set(" ".join(done.lines).split())
    assert ("--yes" in " ".join(done.lines).split()) == (path.name in TRADING)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        (
            {},
            "account_address: it is missing; set it in the config or in the variable "
            "PARADEX_TESTNET_ACCOUNT_ADDRESS\n",
        ),
        (
            {"PARADEX_TESTNET_ACCOUNT_ADDRESS": "0x12", "PARADEX_TESTNET_PRIVATE_KEY": "mine"},
            "private_key: it is malformed; write it as 0x and up to 64 hexadecimal digits, in the "
            "config or in the variable PARADEX_TESTNET_PRIVATE_KEY\n",
        ),
    ],
    ids=["missing", "malformed"],
)
def test_wrong_credentials_are_told_in_a_sentence(variables, said, start, nobody):
    done = start("submit_one_order.py", "--venue", "testnet", **variables)

    assert (done.code, done.errors) == (2, said)
    assert not nobody.was_asked()


# Testnet and mainnet.


def test_testnet_takes_the_account_from_the_environment():
    with ThreadedExchange() as exchange:
        done = run_example(
            "submit_one_order.py",
            *("--venue", "testnet"),
            where=exchange,
            **account_of(exchange, "PARADEX_TESTNET"),
        )
        assert done.code == 0, done.errors
        assert [order["status"] for order in exchange.orders()] == ["CLOSED"]
        assert exchange.fills()


def test_a_key_that_the_venue_refuses_is_told_and_ends_the_run():
    with ThreadedExchange() as exchange:
        account = account_of(exchange, "PARADEX_TESTNET")
        account["PARADEX_TESTNET_PRIVATE_KEY"] = "0x5678"
        done = run_child(
            *("submit_one_order.py", "--venue", "testnet"),
            where=exchange,
            **{**account, "CONNECT_SECS_MAX": "3"},
        )

    assert done.code == 1
    told, end = done.errors.splitlines()
    assert "Cannot trade: POST /auth/" in told
    assert "check account address, private key and environment" in told
    assert end == "start of the node: venue unavailable (its log above says why)"


@pytest.mark.parametrize("name", TRADING)
def test_mainnet_without_a_yes_is_refused(name, start, nobody):
    done = start(
        name,
        *("--venue", "mainnet"),
        PARADEX_ACCOUNT_ADDRESS="0x1234",
        PARADEX_PRIVATE_KEY="0x5678",
    )

    assert done.code == 2
    (plan,) = done.lines
    assert plan.startswith("mainnet, account 0x1234: ")
    assert {"0.01", "BTC-USD-PERP.PARADEX"} <= set(re.split(r",? ", plan))
    assert done.errors == "mainnet: nobody is here to ask; say --yes to trade\n"
    assert not nobody.was_asked()


@pytest.mark.parametrize(("answer", "orders"), [("yes", 1), ("y", 0)])
def test_mainnet_asks_at_a_terminal(answer, orders):
    with ThreadedExchange(chain_id=MAINNET_CHAIN_ID) as exchange:
        ours, theirs = os.openpty()
        try:
            os.write(ours, f"{answer}\n".encode())
            done = run_example(
                "submit_one_order.py",
                *("--venue", "mainnet"),
                where=exchange,
                stdin=theirs,
                **account_of(exchange, "PARADEX"),
            )
        finally:
            os.close(ours)
            os.close(theirs)

        assert exchange.account_address in done.lines[0]
        assert done.code == (0 if orders else 2), done.errors
        assert len(exchange.orders()) == orders
        if not orders:
            assert done.errors == "mainnet: not confirmed, so nothing was sent\n"


def test_mainnet_data_need_neither_an_account_nor_a_yes():
    with ThreadedExchange(chain_id=MAINNET_CHAIN_ID) as exchange:
        done = run_example("data_tester.py", "--venue", "mainnet", "--seconds", "1", where=exchange)

    assert done.code == 0, done.errors


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_says_what_it_does_and_fits_on_two_pages(path):
    text = path.read_text()

    assert text.startswith('"""')
    assert len(text.splitlines()) <= 140
