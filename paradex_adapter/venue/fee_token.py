"""What DIME is worth, for accounts that pay fees in it.

Specification: ``GET /markets/summary`` of the venue's OpenAPI document.
"""

import asyncio
from contextlib import suppress
from typing import Final, final

from paradex_adapter.venue.errors import ParadexError
from paradex_adapter.venue.http import HttpClient
from paradex_adapter_core.errors import CoreError
from paradex_adapter_core.messages.orders import Fill
from paradex_adapter_core.parsers.markets import parse_market_summaries
from paradex_adapter_core.vocabulary import UNITS_SCALE

DIME: Final = "DIME"
DIME_MARKET: Final = "DIME-USD"
POLL_SECS: Final = 60.0
# Beyond this a price that could not be read again is none.
AGE_SECS_MAX: Final = 600.0


@final
class FeeToken:
    """Follows the price of DIME, from `follow` on.

    Parameters
    ----------
    http : HttpClient
        Whom to ask.
    """

    __slots__ = ("_http", "_polling", "_price", "_read_at")

    def __init__(self, http: HttpClient) -> None:
        self._http: Final = http
        self._price = 0
        self._read_at = 0.0
        self._polling: asyncio.Task[None] | None = None

    def follow(self, token: str, size: int) -> None:
        """Read the price once a minute, once the account holds some of the token."""
        if token == DIME and size > 0 and self._polling is None:
            self._polling = asyncio.create_task(self._poll(), name="paradex-fee-token")

    async def close(self) -> None:
        """Stop reading."""
        if self._polling is not None:
            self._polling.cancel()
            await asyncio.wait([self._polling])

    def find_value(self, fill: Fill) -> int | None:
        """Return what the fee of a fill in DIME is worth in USDC (1e-8), rounded half to even.

        None for other fees, and while the price is not known.
        """
        now = asyncio.get_running_loop().time()
        if fill.fee_currency != DIME or not self._price or now - self._read_at > AGE_SECS_MAX:
            return None
        value, rest = divmod(fill.fee * self._price, 10**UNITS_SCALE)
        half = 10**UNITS_SCALE // 2
        return value + (rest > half or (rest == half and value % 2 == 1))

    async def _poll(self) -> None:
        while True:
            # Where it fails the price stays what it was, for a while.
            with suppress(ParadexError, CoreError):
                body = await self._http.get_markets_summary(DIME_MARKET)
                for summary in parse_market_summaries(body, {}):
                    price = summary.mark_price or summary.last_price
                    if summary.market == DIME_MARKET and price:
                        self._price, self._read_at = price, asyncio.get_running_loop().time()
            await asyncio.sleep(POLL_SECS)
