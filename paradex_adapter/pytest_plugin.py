"""The pytest fixture ``paradex_exchange``: a local exchange for the tests of those who use us.

The exchange runs in a thread of its own, so the fixture serves plain tests, tests on an asyncio
loop and tests that start processes alike, and needs no other plugin::

    def test_my_strategy(paradex_exchange):
        paradex_exchange.place_liquidity("BTC-USD-PERP", "SELL", "90010", "0.5")
        config = ParadexExecClientConfig(
            base_url_http=paradex_exchange.base_url_http,
            base_url_ws=paradex_exchange.base_url_ws,
            account_address=paradex_exchange.account_address,
            private_key=paradex_exchange.private_key,
        )
        ...
        assert paradex_exchange.received_order("O-1")["size"] == "0.01"

Each test gets an exchange of its own. It leaves the books to the test; for simulated order flow, or
any other option of `paradex_adapter.local_exchange.Options`, override
``paradex_exchange_options``::

    @pytest.fixture
    def paradex_exchange_options():
        return {"seed": 7, "simulation_interval_ms": 100}
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from paradex_adapter.local_exchange.threaded import ThreadedExchange


@pytest.fixture
def paradex_exchange_options() -> dict[str, Any]:
    """Return the options of ``paradex_exchange``; override it to choose others."""
    return {"seed": 1, "simulation_interval_ms": 0}


@pytest.fixture
def paradex_exchange(paradex_exchange_options: dict[str, Any]) -> Iterator[ThreadedExchange]:
    """Yield a running local exchange with one funded account."""
    # Imported here, so that a test run which does not use the fixture does not pay for it.
    from paradex_adapter.local_exchange.threaded import ThreadedExchange

    with ThreadedExchange(**paradex_exchange_options) as exchange:
        yield exchange
