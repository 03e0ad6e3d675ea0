"""The local exchange judged by clients that others wrote for the venue: ccxt and paradex-py.

Each runs as a process of its own, in an interpreter that has it installed. `nox -s clients` makes
both. Without them these tests are skipped; with them nothing here needs a network.
"""

import asyncio
import json
import os
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from paradex_adapter.local_exchange import LocalExchange, stark

SCRIPTS = Path(__file__).parent / "real_clients"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
CLIENT_TIMEOUT_SECS = 240.0
PROBE_TIMEOUT_SECS = 60.0
SIZE = Decimal("0.01")


def interpreter(module: str, variable: str) -> Path | None:
    """Return an interpreter that can import a client, if there is one."""
    default = CACHE / "paradex-adapter" / "clients" / module / "bin" / "python"
    python = Path(os.environ.get(variable) or default)
    if not python.exists():
        return None
    done = subprocess.run(
        [str(python), "-c", f"import {module}"], capture_output=True, timeout=PROBE_TIMEOUT_SECS
    )
    return python if done.returncode == 0 else None


def need_interpreter(module: str, variable: str) -> Path:
    python = interpreter(module, variable)
    if python is None:
        pytest.skip(
            f"{module} is not installed: run `nox -s clients`, or name a Python in {variable}"
        )
    return python


async def run_client(python: Path, script: str, exchange: LocalExchange) -> dict[str, Any]:
    """Run a client's script against the exchange and return what it printed."""
    venue = {
        "base_url_http": exchange.base_url_http,
        "base_url_ws": exchange.base_url_ws,
        "account_address": exchange.account_address,
        "private_key": exchange.private_key,
        "public_key": hex(stark.public_key(int(exchange.private_key, 16))),
    }
    process = await asyncio.create_subprocess_exec(
        str(python),
        str(SCRIPTS / script),
        json.dumps(venue),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), CLIENT_TIMEOUT_SECS)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, err.decode()[-4000:]
    outcome: dict[str, Any] = json.loads(out.decode().splitlines()[-1])
    return outcome


def check_trade(outcome: dict[str, Any], exchange: LocalExchange) -> None:
    """Compare what a client saw of its first trade with the exchange's own records."""
    first_order = next(order for order in exchange.orders() if order["type"] == "MARKET")
    fills = [fill for fill in exchange.fills() if fill["order_id"] == first_order["id"]]
    fees = sum(Decimal(fill["fee"]) for fill in fills)
    assert Decimal(str(outcome["filled"])) == sum(Decimal(fill["size"]) for fill in fills) == SIZE
    assert Decimal(str(outcome["fee_paid"])) == fees > 0
    assert Decimal(99_000) < Decimal(str(outcome["balance"])) < Decimal(100_000)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("private_sbe", [False, True], ids=["private-json", "private-sbe"])
async def test_ccxt(private_sbe: bool) -> None:
    python = need_interpreter("ccxt", "PARADEX_CCXT_PYTHON")
    async with LocalExchange(private_sbe=private_sbe, seed=1) as exchange:
        outcome = await run_client(python, "ccxt_client.py", exchange)
        listed = [market["symbol"] for market in exchange.markets()]
    assert outcome["onboarding"]["has_token"]
    assert int(outcome["onboarding"]["address"], 16) != int(exchange.account_address, 16)
    assert outcome["markets"]["tick"] == 0.1
    assert outcome["markets"]["status"] == "ok"
    assert outcome["markets"]["bid"] < outcome["markets"]["ask"]
    # To ccxt ETH-USD and ETH-USD-PERP are one market, for it knows no spot market here.
    assert len(outcome["markets"]["symbols"]) == len(listed) - 1
    assert outcome["place_and_cancel"] == {
        "placed_status": "open",
        "opened_status": "open",
        "edit_status": "SUCCESS",
        "is_listed": True,
        "closed_status": "canceled",
        "cancel_reason": "USER_CANCELED",
    }
    check_trade(outcome["trade"], exchange)
    assert outcome["trade"]["fee_currency"] == "USDC"
    assert outcome["trade"]["liquidity"] == "taker"
    assert outcome["trade"]["position_side"] == "long"
    assert outcome["trade"]["size_after"] == 0
    assert outcome["refused"] == {
        "unknown_order": "InvalidOrder",
        "bad_signature": "AuthenticationError",
    }
    private = {"orders", "my_trades", "positions", "balance"}
    public = {"trades", "order_book", "ticker", "tickers", "funding_rate"}
    assert outcome["sbe"].keys() == private | public
    assert outcome["plain"].keys() == private
    for encoding in ("sbe", "plain"):
        seen = outcome[encoding]["my_trades"]
        fill = next(fill for fill in exchange.fills() if fill["id"] == seen["id"])
        assert (seen["amount"], seen["price"]) == (float(fill["size"]), float(fill["price"]))
        assert seen["fee"]["currency"] == "USDC"
        # A binary frame has eight decimals.
        assert abs(seen["fee"]["cost"] - float(fill["fee"])) <= 1e-8
        assert outcome[encoding]["orders"]["symbol"] == "BTC/USD:USDC"
        assert outcome[encoding]["orders"]["id"] in {order["id"] for order in exchange.orders()}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("private_sbe", [False, True], ids=["private-json", "private-sbe"])
async def test_paradex_py(private_sbe: bool) -> None:
    python = need_interpreter("paradex_py", "PARADEX_PY_PYTHON")
    async with LocalExchange(private_sbe=private_sbe, seed=1) as exchange:
        exchange.allow_mmp()
        outcome = await run_client(python, "paradex_py_client.py", exchange)
        listed = [market["symbol"] for market in exchange.markets()]
    assert outcome["onboarding"] == {
        "is_address_equal": True,
        "status": "ACTIVE",
        "collateral": "0",
    }
    assert int(outcome["account"], 16) == int(exchange.account_address, 16)
    assert outcome["markets"]["symbols"] == sorted(listed)
    assert outcome["markets"]["state"] == "ok"
    assert outcome["place_and_cancel"] == {
        "placed_status": "NEW",
        "opened_status": "OPEN",
        "modify_status": "SUCCESS",
        "is_listed": True,
        "is_found_by_client_id": True,
        "closed_status": "CLOSED",
        "cancel_reason": "USER_CANCELED",
        "second_cancel_reason": "USER_CANCELED",
    }
    check_trade(outcome["trade"], exchange)
    assert outcome["trade"]["liquidity"] == "TAKER"
    assert outcome["trade"]["position"] == ["LONG", "0.01"]
    assert outcome["trade"]["open_after"] == []
    above, below = (f"STOP_CONDITION_{side}_TRIGGER" for side in ("ABOVE", "BELOW"))
    assert outcome["conditional"] == {
        "STOP_LIMIT": [below, "USER_CANCELED", "True"],
        "STOP_MARKET": [below, "TARGET_STRATEGY_VWAP", "USER_CANCELED", "True"],
        "TAKE_PROFIT_LIMIT": [above, "USER_CANCELED", "True"],
        "TAKE_PROFIT_MARKET": [above, "USER_CANCELED", "True"],
        "STOP_LOSS_LIMIT": [below, "USER_CANCELED", "True"],
        "STOP_LOSS_MARKET": [below, "USER_CANCELED", "True"],
    }
    assert outcome["protection"] == {
        "limits": ["5", "2.5", "0"],
        "flags": ["MMP"],
        "is_enabled": True,
        "is_frozen": [False],
        "reset": ["BTC"],
        "left": 0,
        "cancel_reason": "MMP_DISABLED",
    }
    assert "ORDER_ID_NOT_FOUND" in outcome["refused"]["unknown_order"]
    assert "MARKET_NOT_FOUND" in outcome["refused"]["unknown_market"]
    for encoding in ("sbe", "plain"):
        assert outcome[encoding]["rpc"]["placed_status"] == "NEW"
        assert outcome[encoding]["rpc"]["is_modified"]
        assert outcome[encoding]["rpc"]["cancel_status"] == "QUEUED_FOR_CANCELLATION"
        assert outcome[encoding]["rpc"]["cancel_all"] == {"status": "ok"}
        assert outcome[encoding]["rpc"]["unknown_order"] == "100 ORDER_ID_NOT_FOUND"
    assert len(outcome["sbe"]["pushes"]) == 9
    assert len(outcome["plain"]["pushes"]) == 4
    # The client names the fields of a binary frame otherwise than those of JSON.
    order = outcome["sbe"]["pushes"]["orders.BTC-USD-PERP"]
    assert ("order_type" in order, "type" in order) == (private_sbe, not private_sbe)
    assert "type" in outcome["plain"]["pushes"]["orders.BTC-USD-PERP"]
