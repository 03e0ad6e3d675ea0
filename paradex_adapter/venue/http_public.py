"""What anyone may read over REST: the venue's state, its markets and their past.

Specification: the venue's OpenAPI document.
"""

from paradex_adapter.venue.http_sender import HttpSender, page_params
from paradex_adapter.venue.http_transport import QueryValue, quote_segment


class PublicRequests(HttpSender):
    """Reads that need no account; errors are those of `HttpClient`."""

    async def get_system_config(self) -> bytes:
        """Return the chain id, contract hashes and bridged tokens of the environment."""
        return await self._read("/system/config")

    async def get_system_time(self) -> bytes:
        """Return the server's clock."""
        return await self._read("/system/time")

    async def get_system_state(self) -> bytes:
        """Return whether the venue is open, in maintenance, cancel-only or post-only."""
        return await self._read("/system/state")

    async def get_markets(self, market: str | None = None) -> bytes:
        """Return the definition of one market, or of all."""
        return await self._read("/markets", {"market": market})

    async def get_markets_summary(self, market: str = "ALL") -> bytes:
        """Return the statistics of one market, or of all."""
        return await self._read("/markets/summary", {"market": market})

    async def get_markets_history(self, market: str = "ALL") -> bytes:
        """Return what became of one market, or of all, in the last seven days."""
        return await self._read("/markets/history", {"market": market})

    async def get_settlement_price(self, market: str) -> bytes:
        """Return the price a market was settled at; HTTP 404 until it was."""
        return await self._read("/markets/settlement-price", {"market": market})

    async def get_bbo(self, market: str) -> bytes:
        """Return the best bid and offer."""
        return await self._read(f"/bbo/{quote_segment(market)}")

    async def get_orderbook(self, market: str, depth: int | None = None) -> bytes:
        """Return the order book, `depth` levels a side (the venue's default is 20)."""
        return await self._read(f"/orderbook/{quote_segment(market)}", {"depth": depth})

    async def get_trades(
        self,
        market: str,
        start_ms: int | None = None,
        end_ms: int | None = None,
        cursor: str | None = None,
        page_size: int | None = None,
    ) -> bytes:
        """Return a page of trades; the venue allows 1000 a page."""
        return await self._read(
            "/trades", page_params(cursor, page_size, start_ms, end_ms, market=market)
        )

    async def get_klines(
        self,
        market: str,
        resolution_mins: int,
        start_ms: int,
        end_ms: int,
        price_kind: str | None = None,
    ) -> bytes:
        """Return bars of 1, 3, 5, 15, 30 or 60 minutes from "last", "mark" or "underlying"."""
        params: dict[str, QueryValue] = {
            "symbol": market,
            "resolution": resolution_mins,
            "start_at": start_ms,
            "end_at": end_ms,
            "price_kind": price_kind,
        }
        return await self._read("/markets/klines", params)

    async def get_funding_data(
        self,
        market: str,
        start_ms: int | None = None,
        end_ms: int | None = None,
        cursor: str | None = None,
        page_size: int | None = None,
    ) -> bytes:
        """Return a page of funding rates and indices."""
        return await self._read(
            "/funding/data", page_params(cursor, page_size, start_ms, end_ms, market=market)
        )
