"""The local exchange as a process of its own, in a thread, and as a pytest fixture."""

import asyncio
import json
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import aiohttp
import pytest

from paradex_adapter.local_exchange import LocalExchange
from paradex_adapter.local_exchange.threaded import ThreadedExchange
from tests.child_processes import child_environment
from tests.integration.local_exchange_client import DEADLINE_SECS, MARKET

ROOT = Path(__file__).resolve().parents[2]
RUN = "import sys; from paradex_adapter.local_exchange.server import run; "
PROCESS_TIMEOUT_SECS = 60.0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_process_prints_one_line_and_ends_when_told(number: signal.Signals) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        RUN + "sys.exit(run(0, 9))",
        env=child_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), PROCESS_TIMEOUT_SECS)
        info = json.loads(line)
        assert info.keys() == {
            "base_url_http",
            "base_url_ws",
            "account_address",
            "private_key",
            "chain_id",
        }
        assert info["account_address"] == LocalExchange(seed=9).account_address
        async with (
            aiohttp.ClientSession() as http,
            http.get(info["base_url_http"] + "/system/state") as response,
        ):
            assert await response.json() == {"status": "ok"}
        process.send_signal(number)
        out, err = await asyncio.wait_for(process.communicate(), PROCESS_TIMEOUT_SECS)
        assert (process.returncode, out, err) == (0, b"", b"")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.parametrize("port", [None, 70_000])
async def test_a_port_that_cannot_be_had_is_one_sentence(port: int | None) -> None:
    async with LocalExchange(simulation_interval_ms=0) as exchange:
        asked = exchange.port if port is None else port
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-c", RUN + f"sys.exit(run({asked}, 1))"],
            env=child_environment(),
            capture_output=True,
            text=True,
            timeout=PROCESS_TIMEOUT_SECS,
        )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Cannot listen on port {asked}: ")
    assert done.stderr.endswith("; choose another --port.\n")
    assert done.stderr.count("\n") == 1


def test_a_thread_serves_callers_without_a_loop() -> None:
    with ThreadedExchange(seed=1, simulation_interval_ms=0) as exchange:
        exchange.place_liquidity(MARKET, "SELL", "90010", "0.5")
        assert exchange.order_book(MARKET)["asks"] == [["90010", "0.5"]]
        with pytest.raises(ValueError, match="state must be one of"):
            exchange.set_system_state("asleep")
        for price, size in (("90000.05", "1"), ("90000", "0.000001"), ("90000", "0")):
            with pytest.raises(ValueError, match="off the grid"):
                exchange.place_liquidity(MARKET, "BUY", price, size)
        port = exchange.port
    with ThreadedExchange(port=port, simulation_interval_ms=0) as again:
        assert again.port == port
        taken = ThreadedExchange(port=port, simulation_interval_ms=0)
        with pytest.raises(OSError, match="in use"):
            taken.start()


async def test_a_thread_serves_callers_on_a_loop() -> None:
    with ThreadedExchange(simulation_interval_ms=0) as exchange:
        async with aiohttp.ClientSession() as http:
            url = exchange.base_url_http + f"/bbo/{MARKET}"
            exchange.place_liquidity(MARKET, "BUY", "89990", "0.5")
            async with http.get(url) as response:
                assert (await response.json())["bid"] == "89990"
            exchange.refuse_connections()
            with pytest.raises(ConnectionRefusedError):
                await asyncio.wait_for(
                    asyncio.open_connection("127.0.0.1", exchange.port), DEADLINE_SECS
                )


TESTS_OF_A_USER = """
    import urllib.request
    import pytest

    @pytest.fixture
    def paradex_exchange_options():
        return {"seed": 3, "simulation_interval_ms": 0, "balance": 7}

    def test_plain(paradex_exchange):
        with urllib.request.urlopen(paradex_exchange.base_url_http + "/system/state") as answer:
            assert answer.status == 200
        assert paradex_exchange.balances()[0]["size"] == "7"
        assert paradex_exchange.received_order("none") is None

    async def test_on_a_loop(paradex_exchange):
        assert paradex_exchange.place_liquidity("BTC-USD-PERP", "BUY", "89000", "1")
"""
TESTS_WITHOUT_IT = """
    import sys

    def test_nothing_is_imported():
        assert "paradex_adapter.pytest_plugin" in sys.modules
        assert "paradex_adapter.local_exchange" not in sys.modules
        assert "aiohttp" not in sys.modules
"""


@pytest.mark.parametrize(("source", "passed"), [(TESTS_OF_A_USER, 2), (TESTS_WITHOUT_IT, 1)])
def test_the_fixture_serves_users_and_costs_others_nothing(
    tmp_path: Path, source: str, passed: int
) -> None:
    (tmp_path / "test_of_a_user.py").write_text(textwrap.dedent(source))
    # By name, so that it is there whether or not the package is installed.
    plugins = ("-p", "no:paradex_exchange", "-p", "paradex_adapter.pytest_plugin")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-o", "asyncio_mode=auto", *plugins, str(tmp_path)],
        cwd=tmp_path,
        env=child_environment(),
        capture_output=True,
        text=True,
        timeout=PROCESS_TIMEOUT_SECS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{passed} passed" in done.stdout
