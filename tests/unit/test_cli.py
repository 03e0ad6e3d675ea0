import contextlib
import json
import selectors
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from paradex_adapter import cli
from paradex_adapter.venue.errors import ConfigurationError
from tests.child_processes import child_environment

DEADLINE_SECS = 60.0
REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def demonstration(monkeypatch):
    """A stand-in for the demo that records what it was asked."""
    module = ModuleType("paradex_adapter.demo")
    module.asked = []

    def run(**arguments):
        module.asked.append(arguments)
        return 0

    module.run = run
    module.Recording = lambda *fields: fields
    monkeypatch.setitem(sys.modules, "paradex_adapter.demo", module)
    monkeypatch.setattr("paradex_adapter.demo", module, raising=False)
    return module


@pytest.fixture
def served(monkeypatch):
    """What the exchange's server was asked, instead of serving."""
    asked = []

    def run(port, seed, **options):
        asked.append((port, seed, options))
        return 0

    monkeypatch.setattr("paradex_adapter.local_exchange.server.run", run)
    return asked


def test_demo_defaults(demonstration):
    assert cli.demo([]) == 0
    assert demonstration.asked == [
        {"seconds": 20, "seed": 1, "log_level": "WARNING", "recording": None}
    ]


def test_demo_arguments(demonstration):
    assert cli.demo(["--seconds", "5", "--seed", "7", "--log-level", "info"]) == 0
    assert demonstration.asked == [
        {"seconds": 5, "seed": 7, "log_level": "INFO", "recording": None}
    ]


def test_demo_on_a_recording(demonstration):
    assert cli.demo(["--replay", "a.jsonl", "--markets", "m.json", "--loop"]) == 0
    assert demonstration.asked[0]["recording"] == (Path("a.jsonl"), Path("m.json"), True)


@pytest.fixture
def recorded(monkeypatch):
    """The plans that were recorded, instead of recording."""
    plans = []

    def run(plan):
        plans.append(plan)
        return 0

    monkeypatch.setattr("paradex_adapter.recorder.run", run)
    return plans


def test_record_arguments(recorded):
    arguments = ["--markets", "A-USD-PERP,B-USD-PERP", "--channels", "bbo,trades", "--out", "d"]
    bounds = ["--seconds", "3", "--part-mb", "2", "--max-mb", "5"]
    address = ["--base-url-ws", "ws://127.0.0.1:5/v1"]

    assert cli.record([*arguments, *bounds, *address]) == 0
    (plan,) = recorded
    assert plan.markets == ("A-USD-PERP", "B-USD-PERP")
    assert plan.channels == ("bbo", "trades")
    assert (plan.folder, plan.seconds) == (Path("d"), 3)
    assert (plan.part_bytes_max, plan.bytes_max) == (2_000_000, 5_000_000)
    assert plan.base_url_http == "http://127.0.0.1:5/v1"
    assert plan.environment == "custom"


def test_record_defaults(recorded):
    assert cli.record(["--markets", "A", "--out", "d", "--environment", "testnet"]) == 0
    (plan,) = recorded
    assert plan.channels == ("trades", "bbo", "book", "summary", "funding")
    assert plan.seconds is None
    assert plan.environment == "TESTNET"
    assert plan.base_url_ws.startswith("wss://")


def test_record_says_a_wrong_address_in_one_line(recorded, capsys):
    assert cli.record(["--markets", "A", "--out", "d", "--base-url-ws", "ftp://x"]) == 1
    assert capsys.readouterr().err.startswith("paradex-record: --base-url-ws: ")


def test_record_takes_frames_and_instruments_from_one_venue(recorded, capsys):
    address = ["--base-url-http", "http://127.0.0.1:5/v1"]
    assert cli.record(["--markets", "A", "--out", "d", *address]) == 1
    assert capsys.readouterr().err.startswith("paradex-record: --base-url-ws: give it as well")
    assert recorded == []


def test_replay_of_no_recording_is_one_sentence(served, tmp_path, capsys):
    path = tmp_path / "none.jsonl"

    assert cli.local_exchange(["--replay", str(path)]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"paradex-local-exchange: recording {path}: cannot be opened")
    assert said.count("\n") == 1
    assert served == []


def test_demo_gives_the_demos_exit_code(demonstration):
    demonstration.run = lambda **_: 1

    assert cli.demo([]) == 1


def test_demo_says_a_users_mistake_in_one_line(demonstration, capsys):
    def run(**_):
        raise ConfigurationError("private_key", "it is missing; set it")

    demonstration.run = run

    assert cli.demo([]) == 1
    assert capsys.readouterr().err == "paradex-demo: private_key: it is missing; set it\n"


@pytest.mark.parametrize("name", ["demo", "history", "keys", "local_exchange", "record"])
def test_ctrl_c_ends_a_command_without_a_traceback_whenever_it_comes(monkeypatch, name):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, f"_{name}_parser", interrupted)

    assert getattr(cli, name)([]) == 130


def test_local_exchange_defaults(served):
    assert cli.local_exchange([]) == 0
    assert served == [
        (
            0,
            1,
            {
                "simulation_interval_ms": 250,
                "private_sbe": False,
                "accept_plain": True,
                "enforce_rate_limits": False,
                "funding": False,
                "history_hours": 24,
            },
        )
    ]


def test_local_exchange_arguments(served):
    arguments = ["--port", "8080", "--seed", "7", "--simulation-interval-ms", "0"]
    arguments += ["--history-hours", "2"]
    flags = ["--private-sbe", "--refuse-plain", "--enforce-rate-limits", "--funding"]

    assert cli.local_exchange([*arguments, *flags]) == 0
    assert served == [
        (
            8080,
            7,
            {
                "simulation_interval_ms": 0,
                "private_sbe": True,
                "accept_plain": False,
                "enforce_rate_limits": True,
                "funding": True,
                "history_hours": 2,
            },
        )
    ]


@pytest.mark.parametrize("command", [cli.demo, cli.local_exchange])
def test_help(command, capsys):
    with pytest.raises(SystemExit) as caught:
        command(["--help"])

    assert caught.value.code == 0
    assert "--seed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "arguments", "says"),
    [
        (cli.local_exchange, ["--port", "65536"], "from 0 to 65535, not '65536'"),
        (cli.local_exchange, ["--port", "-1"], "--port"),
        (cli.local_exchange, ["--port", "http"], "from 0 to 65535"),
        (cli.local_exchange, ["--port", "1_0"], "from 0 to 65535"),
        (cli.local_exchange, ["--port", "٣"], "from 0 to 65535"),
        (cli.local_exchange, ["--port", "9" * 5000], "from 0 to 65535"),
        (cli.local_exchange, ["--port", ""], "from 0 to 65535"),
        (cli.local_exchange, ["--sed", "1"], "--sed"),
        (cli.local_exchange, ["8080"], "8080"),
        (cli.demo, ["--seconds", "0"], "from 1 to 86400"),
        (cli.demo, ["--seconds", "1.5"], "from 1 to 86400"),
        (cli.demo, ["--seed", str(2**32)], "from 0 to 4294967295"),
        (cli.demo, ["--log-level", "LOUD"], "LOUD"),
        (cli.local_exchange, ["--speed", "0"], "from 0.01 to 1000, not '0'"),
        (cli.local_exchange, ["--speed", "nan"], "from 0.01 to 1000"),
        (cli.local_exchange, ["--speed", "2"], "--speed: goes with --replay"),
        (cli.local_exchange, ["--loop"], "--loop: goes with --replay"),
        (cli.demo, ["--loop"], "--loop: goes with --replay"),
        (cli.demo, ["--markets", "m.json"], "--markets: goes with --replay"),
        (cli.local_exchange, ["--history-hours", "721"], "from 0 to 720"),
        (cli.record, ["--out", "d"], "--markets"),
        (cli.record, ["--markets", ",", "--out", "d"], "names"),
        (cli.record, ["--markets", "A", "--out", "d", "--channels", "klines"], "not 'klines'"),
    ],
)
def test_wrong_arguments_give_one_line_and_exit_code_2(command, arguments, says, capsys):
    with pytest.raises(SystemExit) as caught:
        command(arguments)

    shown = capsys.readouterr().err
    assert caught.value.code == 2
    assert says in shown
    assert shown.count("\n") == 1
    assert shown.endswith(" --help\n")
    assert len(shown) < 200


@contextlib.contextmanager
def exchange_process(*arguments):
    """The command as its console script starts it, in a process of its own."""
    code = "import sys; from paradex_adapter.cli import local_exchange; sys.exit(local_exchange())"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
        env=child_environment(),
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=DEADLINE_SECS)


def read_line(process) -> str:
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        assert selector.select(DEADLINE_SECS), "the exchange printed nothing"
    return process.stdout.readline()


def test_the_exchange_announces_itself_serves_and_ends_on_a_signal():
    with exchange_process("--port", "0", "--seed", "7") as process:
        announced = json.loads(read_line(process))
        port = int(announced["base_url_http"].split(":")[2].split("/")[0])
        with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_SECS):
            process.send_signal(signal.SIGTERM)
        rest, complaint = process.communicate(timeout=DEADLINE_SECS)

    assert set(announced) >= {"base_url_ws", "account_address", "private_key", "chain_id"}
    assert announced["base_url_http"].endswith("/v1")
    assert (process.returncode, rest, complaint) == (0, "", "")


def test_a_port_in_use_gives_one_sentence():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        started = time.monotonic()
        with exchange_process("--port", port) as process:
            shown, complaint = process.communicate(timeout=DEADLINE_SECS)

    assert time.monotonic() - started < DEADLINE_SECS
    assert process.returncode == 1
    assert shown == ""
    assert complaint.count("\n") == 1
    assert port in complaint
    assert "Traceback" not in complaint


# -- paradex-history -----------------------------------------------------------------------------

HISTORY = ["--market", "BTC-USD-PERP", "--kind", "bars", "--catalog", "past"]
SPAN = ["--start", "2026-11-01", "--end", "2026-11-02T08:30+02:00"]


@pytest.fixture
def downloaded(monkeypatch):
    """What was to be downloaded, instead of downloading."""
    asked = []

    def run(*arguments):
        asked.append(arguments)
        return 0

    monkeypatch.setattr("paradex_adapter.history.run", run)
    return asked


def test_history_defaults(downloaded):
    assert cli.history([*HISTORY, *SPAN]) == 0

    ((download, catalog, url),) = downloaded
    assert (download.market, download.kind) == ("BTC-USD-PERP", "bars")
    assert download.start_ns == 1793491200 * 10**9
    assert download.end_ns == 1793601000 * 10**9
    assert (download.resolution_mins, download.price_kind) == (1, "last")
    assert catalog == Path("past")
    assert url == "https://api.prod.paradex.trade/v1"


def test_history_arguments(downloaded):
    options = ["--resolution", "60", "--price-kind", "mark", "--environment", "TESTNET"]
    assert cli.history([*HISTORY, *SPAN, *options]) == 0

    ((download, _, url),) = downloaded
    assert (download.resolution_mins, download.price_kind) == (60, "mark")
    assert url == "https://api.testnet.paradex.trade/v1"


def test_history_at_another_address(downloaded):
    cli.history([*HISTORY, *SPAN, "--base-url-http", "http://127.0.0.1:8080/v1"])

    assert downloaded[0][2] == "http://127.0.0.1:8080/v1"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--start", "2026-11-01", "--end", "2026-11-01"], "--end: must be after --start"),
        (["--start", "yesterday", "--end", "2026-11-01"], "must be a time such as"),
        (["--start", "1969-12-31", "--end", "2026-11-01"], "must be a time such as"),
        ([*SPAN, "--resolution", "2"], "invalid choice"),
        ([*SPAN, "--kind", "trades", "--resolution", "5"], "of --kind bars alone"),
        ([*SPAN, "--kind", "funding", "--price-kind", "mark"], "of --kind bars alone"),
        ([*SPAN, "--environment", "testnet", "--base-url-http", "x"], "not allowed with"),
        (["--start", "2026-11-01"], "required"),
    ],
)
def test_history_complains_in_one_line(downloaded, capsys, arguments, complaint):
    with pytest.raises(SystemExit) as exit_:
        cli.history([*HISTORY, *arguments])

    assert exit_.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("paradex-history: ")
    assert complaint in line
    assert downloaded == []


@pytest.mark.parametrize("address", ["http://127.0.0.1:8080", "htp:/x", "", "http://h/v1?x=1"])
def test_history_says_a_wrong_address_in_one_line(downloaded, capsys, address):
    assert cli.history([*HISTORY, *SPAN, "--base-url-http", address]) == 1

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("paradex-history: --base-url-http: it ")
    assert "http" in line
    assert downloaded == []


def test_history_interrupted_goes_on_another_time(monkeypatch, tmp_path, capsys):
    async def download(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("paradex_adapter.history._run", download)

    assert cli.history([*HISTORY, *SPAN, "--catalog", str(tmp_path)]) == 130
    said = capsys.readouterr().err.splitlines()
    assert said[-1] == "paradex-history: interrupted; the same command goes on from here"
