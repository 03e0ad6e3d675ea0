"""Private REST endpoints about what an account chose: margin per market, and its profile."""

from __future__ import annotations

from aiohttp import web

from paradex_adapter.local_exchange.accounts import Account
from paradex_adapter.local_exchange.errors import VenueError
from paradex_adapter.local_exchange.feed import Feed
from paradex_adapter.local_exchange.margin_settings import (
    margin_response,
    profile_response,
    set_margin,
    set_max_slippage,
)
from paradex_adapter.local_exchange.markets import Market
from paradex_adapter.local_exchange.rest import Handler, json_body, json_response, plain_query
from paradex_adapter.local_exchange.sequences import Clock
from paradex_adapter.local_exchange.tokens import Tokens


class SettingEndpoints:
    """Leverage and slippage per market."""

    def __init__(
        self, markets: dict[str, Market], clock: Clock, tokens: Tokens, feed: Feed
    ) -> None:
        self._markets = markets
        self._clock = clock
        self._tokens = tokens
        self._feed = feed

    def routes(self) -> list[tuple[str, str, Handler]]:
        """Return method, path and handler of each endpoint."""
        return [
            ("GET", "/v1/account/margin", self.margin),
            ("POST", "/v1/account/margin/{market}", self.set_margin),
            ("GET", "/v1/account/profile", self.profile),
            ("POST", "/v1/account/profile/market_max_slippage/{market}", self.set_max_slippage),
        ]

    def _asker(self, request: web.Request) -> Account:
        session = self._tokens.session_of_header(request.headers.get("Authorization"))
        if request.method != "GET":
            session.need_writing()
        return session.account

    def _market(self, symbol: str, status: int | None = None) -> Market:
        market = self._markets.get(symbol)
        if market is None or not market.is_listed:
            raise VenueError("MARKET_NOT_FOUND", "market not found", status)
        return market

    async def margin(self, request: web.Request) -> web.Response:
        """Answer ``GET /account/margin``."""
        account = self._asker(request)
        symbol = plain_query(request).get("market", "")
        if not symbol:
            raise VenueError("INVALID_REQUEST_PARAMETER", "market: cannot be blank")
        return json_response(margin_response(account, self._market(symbol, 404)))

    async def set_margin(self, request: web.Request) -> web.Response:
        """Answer ``POST /account/margin/{market}``."""
        account = self._asker(request)
        market = self._market(request.match_info["market"])
        answer = set_margin(account, market, self._markets, await json_body(request))
        account.updated_at = self._clock.now_ms()
        account.seq_no = self._clock.sequence_no()
        self._feed.on_account(account)
        return json_response(answer)

    async def profile(self, request: web.Request) -> web.Response:
        """Answer ``GET /account/profile``."""
        return json_response(profile_response(self._asker(request)))

    async def set_max_slippage(self, request: web.Request) -> web.Response:
        """Answer ``POST /account/profile/market_max_slippage/{market}``."""
        account = self._asker(request)
        market = self._market(request.match_info["market"])
        set_max_slippage(account, market, await json_body(request))
        return json_response(profile_response(account))
