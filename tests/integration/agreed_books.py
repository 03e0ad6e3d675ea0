"""Whether the books agree: what every live test ends with.

NautilusTrader's cache, the state stores of our clients, the account states and the exchange must
say the same of every order, fill, position and balance. `running_node`, `live_node` and every other
node of these tests wait for that before they stop, unless a test says why it cannot be so.
"""

import asyncio

from nautilus_trader.live.node import TradingNode

from paradex_adapter.agreement import find_differences, spot_positions
from paradex_adapter.execution import ParadexExecutionClient
from paradex_adapter.local_exchange import LocalExchange
from paradex_adapter.store_agreement import find_balance_differences, find_store_differences

WAIT_SECS = 10.0


async def until_agreed(node: TradingNode, exchange: LocalExchange) -> None:
    """Wait until node and exchange hold the same orders, fills, positions and balances."""
    try:
        async with asyncio.timeout(WAIT_SECS):
            while find_all_differences(node, exchange):  # noqa: ASYNC110 - nothing tells when
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError("\n".join(find_all_differences(node, exchange))) from None


def find_all_differences(node: TradingNode, exchange: LocalExchange) -> list[str]:
    """Return where the books of the accounts of a node differ, one sentence each."""
    clients = [
        client
        for client in node.kernel.exec_engine._clients.values()
        if isinstance(client, ParadexExecutionClient)
    ]
    differences = []
    for client in clients:
        address = client._credentials.account_address
        orders, positions = exchange.orders(address), exchange.positions(address)
        balances = exchange.balances(address)
        account_id = client.account_id if len(clients) > 1 else None
        differences += [
            *find_differences(
                node.cache,
                orders,
                exchange.fills(address),
                [*positions, *spot_positions(node.cache, balances)],
                account_id=account_id,
                algo_orders=exchange.algo_orders(address),
            ),
            *find_store_differences(client.session.store, orders, positions, balances),
            *find_balance_differences(node.cache.account(client.account_id), balances),
        ]
    return differences
