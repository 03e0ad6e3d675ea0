"""Every kind of credential in a real node: who trades, who only reads, and what is said of it."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.events import OrderCancelRejected, OrderDenied

from paradex_adapter import ParadexEnvironment
from paradex_adapter.local_exchange import LocalExchange
from paradex_adapter.venue.credentials import Credentials
from paradex_adapter.venue.ethereum import EthereumKey
from tests.integration.test_execution_client import start_failure
from tests.integration.trading_node import RunningNode, running_node, until

MARKET = "BTC-USD-PERP"
ETHEREUM_KEY = "0xf8e4d1d772cdd44e5e77615ad11cc071c94e4c06dc21150d903f28e6aa6abdff"
DERIVED_ADDRESS = "0x129c135ed63df9353885e292be4426b8ed6122b13c6c0e1bb787288a1f5adfa"


@pytest.fixture
async def exchange() -> AsyncIterator[LocalExchange]:
    options = {"simulation_interval_ms": 0, "onboarding_balance": 5_000}
    async with LocalExchange(seed=3, **options) as exchange:
        exchange.place_liquidity(MARKET, "SELL", "90010", "0.5")
        yield exchange


async def buys(running: RunningNode, account: str) -> None:
    order = running.trader.market(OrderSide.BUY, "0.01")
    await until(lambda: order.is_closed, "the order was filled")
    assert order.filled_qty.as_decimal() == order.quantity.as_decimal()
    assert len(running.exchange.fills(account)) == 1


async def is_denied(running: RunningNode, words: str) -> None:
    order = running.trader.market(OrderSide.BUY, "0.01")
    await until(lambda: order.is_closed, "the order was denied")
    told = [event for event in running.trader.told if isinstance(event, OrderDenied)]
    assert words in told[-1].reason
    assert running.exchange.received_order(order.client_order_id.value) is None


async def test_a_subkey_trades_for_the_account(exchange: LocalExchange) -> None:
    key = exchange.add_subkey(exchange.account_address)
    async with running_node(exchange, private_key=hex(key.private_key)) as running:
        await buys(running, exchange.account_address)


async def test_a_key_in_a_file_trades(exchange: LocalExchange, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.touch(mode=0o600)
    path.write_text(exchange.private_key)
    options = {"private_key": None, "private_key_file": str(path)}
    async with running_node(exchange, **options) as running:
        await buys(running, exchange.account_address)


async def test_a_callable_signs(exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch) -> None:
    key = Credentials(1, int(exchange.private_key, 16))
    vault = ModuleType("vault")
    vault.sign = key.sign  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "vault", vault)
    options = {"private_key": None, "signer": "vault:sign", "public_key": key.public_key_hex}
    async with running_node(exchange, **options) as running:
        await buys(running, exchange.account_address)


async def test_a_signer_that_fails_at_the_start_is_not_blamed_on_the_network(
    exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    def fail(message_hash: int) -> tuple[int, int]:
        raise RuntimeError(f"the pin {ETHEREUM_KEY} is wrong")

    vault = ModuleType("vault")
    vault.sign = fail  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "vault", vault)
    options = {"private_key": None, "signer": "vault:sign", "public_key": "0x5"}
    said = await start_failure(exchange, capfd, **options)
    assert "the signer raised RuntimeError" in said
    assert "network" not in said
    assert ETHEREUM_KEY not in said


def ethereum_options(address: str, **options: Any) -> dict[str, Any]:
    return {
        "environment": ParadexEnvironment.TESTNET,
        "account_address": address,
        "private_key": None,
        "ethereum_private_key": ETHEREUM_KEY,
        **options,
    }


async def test_an_ethereum_key_onboards_when_told_to_and_trades(exchange: LocalExchange) -> None:
    options = ethereum_options(DERIVED_ADDRESS, onboard=True)
    async with running_node(exchange, **options) as running:
        await buys(running, DERIVED_ADDRESS)


async def test_nobody_is_onboarded_unasked(exchange: LocalExchange, capfd: Any) -> None:
    said = await start_failure(exchange, capfd, **ethereum_options(DERIVED_ADDRESS))
    assert "NOT_ONBOARDED" in said
    assert ETHEREUM_KEY[2:] not in said


async def test_an_ethereum_key_of_another_account_is_one_sentence(
    exchange: LocalExchange, capfd: Any
) -> None:
    options = ethereum_options(exchange.account_address, onboard=True)
    said = await start_failure(exchange, capfd, **options)
    assert f"the Ethereum key leads to account {DERIVED_ADDRESS}" in said


async def test_an_ethereum_account_signs_in_reads_and_is_denied_orders(
    exchange: LocalExchange,
) -> None:
    wallet = EthereumKey(int(ETHEREUM_KEY, 16))
    address = exchange.add_ethereum_account(wallet.address)
    options = ethereum_options(address, account_signer_type="eip191")
    async with running_node(exchange, **options) as running:
        await is_denied(running, "register one and set it as private_key")
    # Its subkey trades for it.
    subkey = exchange.add_subkey(address)
    options = {"account_address": address, "private_key": hex(subkey.private_key)}
    async with running_node(exchange, **options) as running:
        await buys(running, address)


async def test_a_read_only_token_reports_and_is_denied_orders_and_cancels(
    exchange: LocalExchange,
) -> None:
    async with running_node(exchange) as running:
        await buys(running, exchange.account_address)
        resting = running.trader.limit(OrderSide.BUY, "0.01", "80000")
        await until(lambda: resting.is_open, "the order rests")
    token = exchange.add_read_only_token()
    options = {"private_key": None, "access_token": token}
    async with running_node(exchange, **options) as running:
        (position,) = running.cache.positions()
        assert str(position.quantity.as_decimal()) == exchange.positions()[0]["size"]
        await is_denied(running, "only reads")
        (external,) = running.cache.orders_open()
        running.trader.cancel_order(external)
        await until(
            lambda: any(isinstance(event, OrderCancelRejected) for event in external.events),
            "the cancel was refused",
        )
        assert [o["status"] for o in exchange.orders() if o["type"] == "LIMIT"] == ["OPEN"]
