"""Looks for orders of unknown outcome, all of them in the same answers.

A lost connection leaves many orders unknown at once. Asking for each would use up the venue's read
limit within seconds, and with it the answers that NautilusTrader waits for before it takes an order
for refused. So whoever looks for one joins the next look at all recent ones.
"""

import asyncio
from typing import Final, final

from paradex_adapter.venue.account_reader import FIND_PASSES, AccountReader
from paradex_adapter.venue.errors import ParadexError, VenueUnavailable
from paradex_adapter_core.messages.orders import OrderUpdate

type _Found = dict[str, OrderUpdate]


@final
class OrderSearch:
    """Finds recent orders by their client ids.

    Parameters
    ----------
    reader : AccountReader
        Asks the venue.
    """

    def __init__(self, reader: AccountReader) -> None:
        self._reader: Final = reader
        self._since_ms: int | None = None
        # A look that has begun may have passed what happened since: then the next one is joined.
        self._running: asyncio.Task[_Found | ParadexError] | None = None
        self._next: asyncio.Task[_Found | ParadexError] | None = None
        self._is_closed = False

    async def find(self, client_order_id: str, since_ms: int) -> OrderUpdate | None:
        """Return the order, open or closed; None when the venue knows none of this client id.

        Parameters
        ----------
        client_order_id : str
            The order's.
        since_ms : int
            When it was sent at the earliest, in Unix milliseconds; recent, since all orders since
            then are read.

        Raises
        ------
        ParadexError
            If the venue does not answer, or is no longer asked.
        """
        if self._is_closed:
            raise VenueUnavailable("find an order", "closed")
        self._since_ms = since_ms if self._since_ms is None else min(self._since_ms, since_ms)
        if self._next is None:
            self._next = asyncio.create_task(
                self._look_after(self._running), name="paradex-recovery order search"
            )
        found = await asyncio.shield(self._next)
        if isinstance(found, ParadexError):
            raise found
        return found.get(client_order_id)

    async def close(self) -> None:
        """Stop looking."""
        self._is_closed = True
        tasks = [task for task in (self._running, self._next) if task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _look_after(
        self, before: asyncio.Task[_Found | ParadexError] | None
    ) -> _Found | ParadexError:
        if before is not None:
            await asyncio.wait([before])
        self._running, self._next = self._next, None
        since_ms, self._since_ms = self._since_ms, None
        found: _Found = {}
        try:
            # Twice: an order can close after the open ones were told, and be late in the history.
            for _ in range(FIND_PASSES):
                working = await self._reader.open_orders()
                for update in (*await self._reader.orders_history(start_ms=since_ms), *working):
                    found[update.client_order_id] = update
        except ParadexError as error:
            return error
        return found
