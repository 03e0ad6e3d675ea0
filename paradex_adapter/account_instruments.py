"""The instruments of an account that trades: in the node's cache, with the account's own fees."""

import asyncio
from typing import Final

from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import Logger
from nautilus_trader.model.instruments import CurrencyPair

from paradex_adapter.providers import ParadexInstrumentProvider
from paradex_adapter.venue.errors import ParadexError
from paradex_adapter_core.errors import CoreError

SECS_PER_MIN: Final = 60.0


class AccountInstruments:
    """Puts the instruments into the cache: without our data client nobody else does.

    Parameters
    ----------
    provider : ParadexInstrumentProvider
        Reads them.
    cache : Cache
        The node's cache.
    log : Logger
        The client's log.
    is_additional : bool
        Whether the node trades another account without being told which; its fees stay.

    Attributes
    ----------
    spot_tokens : dict[str, str]
        The tokens of the spot markets, by market; grows with the instruments.
    """

    def __init__(
        self,
        provider: ParadexInstrumentProvider,
        cache: Cache,
        log: Logger,
        *,
        is_additional: bool,
    ) -> None:
        self._provider: Final = provider
        self._cache: Final = cache
        self._log: Final = log
        self._is_additional: Final = is_additional
        self.spot_tokens: Final[dict[str, str]] = {}
        self._refreshing: asyncio.Task[None] | None = None

    async def load(self) -> None:
        """Read the instruments, unless they are, and put them into the cache.

        Raises
        ------
        ParadexError
            If the venue does not answer.
        """
        await self._provider.initialize()
        self._put_into_cache()

    def start(self, interval_mins: int) -> None:
        """Read them anew every `interval_mins`."""
        self._refreshing = asyncio.create_task(
            self._refresh(interval_mins), name="paradex-instruments"
        )

    async def close(self) -> None:
        """Read them no more."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.wait([self._refreshing])

    async def _refresh(self, interval_mins: int) -> None:
        while True:
            await asyncio.sleep(SECS_PER_MIN * interval_mins)
            try:
                await self._provider.initialize(reload=True)
            except (ParadexError, CoreError) as error:
                self._log.warning(f"Instruments were not refreshed: {error}")
            else:
                self._put_into_cache()

    def _put_into_cache(self) -> None:
        for currency in self._provider.currencies().values():
            self._cache.add_currency(currency)
        for instrument in self._provider.list_all():
            if isinstance(instrument, CurrencyPair):
                self.spot_tokens[instrument.raw_symbol.value] = instrument.base_currency.code
            # With the fees of the account that the node trades without being told which.
            if not self._is_additional or not self._cache.instrument(instrument.id):
                self._cache.add_instrument(instrument)
