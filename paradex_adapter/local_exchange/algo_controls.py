"""Algo orders from within: a test reads them, and lets their time pass."""

from __future__ import annotations

from paradex_adapter.local_exchange.algo_orders import AlgoOrders
from paradex_adapter.local_exchange.controls import Controls, Json


class AlgoControls(Controls):
    """The algo orders of a local exchange."""

    _algo_orders: AlgoOrders

    def algo_orders(self, account_address: str | None = None) -> list[Json]:
        """Return every algo order of an account, oldest first, as REST shows it."""
        found = list(self._algo_orders.all_of(self._account(account_address)))
        return [algo.response() for algo in reversed(found)]

    def step_algo_orders(self) -> None:
        """Send the next child of every open algo order now instead of in its time.

        An algo order that has sent all its children ends, as it does when its time is over.
        """
        self._algo_orders.step()
