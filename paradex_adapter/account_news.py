"""The account's state, told to NautilusTrader whenever the venue's changes."""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from nautilus_trader.common.component import LiveClock, Logger

from paradex_adapter.translate.reports import balances_to_account_balances, summary_to_margins
from paradex_adapter.translate.values import UnusableMessageError
from paradex_adapter.venue.errors import ParadexError, excerpt
from paradex_adapter.venue.trading_session import TradingSession

# The stream tells every change of margin; balances are read at most this often.
ACCOUNT_REFRESH_SECS: Final = 1.0


class Emitter(Protocol):
    """The execution client, as far as this module speaks through it."""

    generate_account_state: Callable[..., None]


class AccountNews:
    """Tells the engine the balances and margins.

    Parameters
    ----------
    client : Emitter
        Generates the events.
    session : TradingSession
        Knows the account.
    clock : LiveClock
        The node's clock.
    log : Logger
        The client's log.
    """

    def __init__(
        self, client: Emitter, session: TradingSession, clock: LiveClock, log: Logger
    ) -> None:
        self._client: Final = client
        self._session: Final = session
        self._clock: Final = clock
        self._log: Final = log
        self._refresh: asyncio.Task[None] | None = None
        self._is_stale = False
        self._skipped_balances: list[str] = []

    async def close(self) -> None:
        """Stop following the account."""
        if self._refresh is not None:
            self._refresh.cancel()
            await asyncio.wait([self._refresh])

    def tell_account(self) -> None:
        """Tell what is known of balances and margins."""
        store = self._session.store
        summary = store.account_summary
        skipped: list[str] = []
        try:
            balances = balances_to_account_balances(store.balances(), summary, skipped)
            margins = summary_to_margins(summary)
        except UnusableMessageError as error:
            self._log.error(f"The account state is not told: {error}")
            return
        if skipped != self._skipped_balances:
            self._skipped_balances = skipped
            self._log.warning(f"Not in the account state: {excerpt('; '.join(skipped))}")
        self._client.generate_account_state(
            balances,
            margins,
            reported=True,
            ts_event=self._clock.timestamp_ns() if summary is None else summary.ts_updated,
        )

    def refresh_soon(self) -> None:
        """Ask the venue within `ACCOUNT_REFRESH_SECS`, and tell what it says."""
        self._is_stale = True
        if self._refresh is None or self._refresh.done():
            self._refresh = asyncio.create_task(self._refresh_account(), name="paradex-balances")

    async def _refresh_account(self) -> None:
        # News that comes while the venue answers calls for another answer.
        while self._is_stale:
            await asyncio.sleep(ACCOUNT_REFRESH_SECS)
            self._is_stale = False
            try:
                await self._session.refresh_account()
            except ParadexError as error:
                self._log.warning(f"Balances are not up to date: {error}")
            else:
                self.tell_account()
