"""Public REST endpoints about the past: trades, candles, funding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Final

from aiohttp import web

from paradex_adapter.local_exchange.amounts import AVERAGE_STEP, MONEY, amount_text
from paradex_adapter.local_exchange.candles import PRICE_KINDS, RESOLUTIONS
from paradex_adapter.local_exchange.errors import VenueError
from paradex_adapter.local_exchange.history import FundingRow
from paradex_adapter.local_exchange.markets import Market, Trade
from paradex_adapter.local_exchange.past import Pasts
from paradex_adapter.local_exchange.rest import (
    Handler,
    Pager,
    integer_parameter,
    json_response,
    plain_query,
    word_parameter,
)
from paradex_adapter.local_exchange.sequences import Clock

TRADES_PAGE_MAX: Final = 1000
FUNDING_PERIOD_HOURS: Final = 8


class HistoryEndpoints:
    """What anyone may ask about the past."""

    def __init__(
        self, markets: dict[str, Market], pasts: Pasts, clock: Clock, pager: Pager
    ) -> None:
        self._markets = markets
        self._pasts = pasts
        self._clock = clock
        self._pager = pager

    def routes(self) -> list[tuple[str, str, Handler]]:
        """Return method, path and handler of each endpoint."""
        return [
            ("GET", "/v1/trades", self.trades),
            ("GET", "/v1/markets/klines", self.klines),
            ("GET", "/v1/funding/data", self.funding),
        ]

    def _market(self, symbol: str, name: str) -> Market:
        if not symbol:
            raise VenueError("INVALID_REQUEST_PARAMETER", f"{name}: cannot be blank")
        market = self._markets.get(symbol)
        if market is None:
            raise VenueError("MARKET_NOT_FOUND", "market not found", 404)
        return market

    async def trades(self, request: web.Request) -> web.Response:
        """Answer ``GET /trades``."""
        filters, below = self._pager.query(request)
        symbol, base = filters.get("market", ""), filters.get("baseAsset", "")
        if bool(symbol) == bool(base):
            raise VenueError("INVALID_REQUEST_PARAMETER", "market: give market or baseAsset")
        start, end = _times(filters)
        if symbol:
            trades = self._pasts.of(self._market(symbol, "market")).trades(start, end, below)
        else:
            trades = self._option_trades(base)
        return self._pager.page(
            request, trades, lambda trade: trade.response(), size_max=TRADES_PAGE_MAX
        )

    def _option_trades(self, base: str) -> Iterator[Trade]:
        """Yield the trades of all options on a base asset since the start, newest first."""
        options = (m for m in self._markets.values() if m.rules.is_option and m.rules.base == base)
        trades = [trade for market in options for trade in market.trades]
        trades.sort(key=lambda trade: (trade.created_at, trade.id))
        for place in range(len(trades), 0, -1):
            yield replace(trades[place - 1], ordinal=place)

    async def klines(self, request: web.Request) -> web.Response:
        """Answer ``GET /markets/klines``."""
        query = plain_query(request)
        past = self._pasts.of(self._market(query.get("symbol", ""), "symbol"))
        resolution = word_parameter(query, "resolution", RESOLUTIONS)
        kind = word_parameter(query, "price_kind", PRICE_KINDS) or "last"
        start, end = _times(query)
        for name, value in (("resolution", resolution), ("start_at", start), ("end_at", end)):
            if value is None:
                raise VenueError("INVALID_REQUEST_PARAMETER", f"{name}: cannot be blank")
        rows = past.klines(kind, int(resolution or 1), start or 0, end or 0, self._clock.now_ms())
        return json_response({"results": rows})

    async def funding(self, request: web.Request) -> web.Response:
        """Answer ``GET /funding/data``."""
        filters, below = self._pager.query(request)
        market = self._market(filters.get("market", ""), "market")
        start, end = _times(filters)
        rows = self._pasts.of(market).funding(start, end, below)
        return self._pager.page(request, rows, lambda row: funding_response(market, row))


def _times(query: dict[str, str]) -> tuple[int | None, int | None]:
    return integer_parameter(query, "start_at"), integer_parameter(query, "end_at")


def funding_response(market: Market, row: FundingRow) -> dict[str, object]:
    """Return an entry of ``GET /funding/data``."""
    eight_hours = row.rate.quantize(AVERAGE_STEP, context=MONEY)
    return {
        "market": market.symbol,
        "funding_index": amount_text(row.index),
        "funding_premium": amount_text(row.premium),
        "funding_rate": amount_text(row.rate),
        "funding_rate_8h": amount_text(eight_hours),
        "funding_period_hours": FUNDING_PERIOD_HOURS,
        "impact_premium_rate": amount_text(MONEY.multiply(row.rate, Decimal(5))),
        "created_at": row.created_at,
    }
