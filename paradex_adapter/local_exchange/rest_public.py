"""Public REST endpoints: system, markets and books."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from aiohttp import web

from paradex_adapter.local_exchange.errors import VenueError
from paradex_adapter.local_exchange.gateway import Gateway
from paradex_adapter.local_exchange.market_events import MarketRecord
from paradex_adapter.local_exchange.markets import Market
from paradex_adapter.local_exchange.options import Options
from paradex_adapter.local_exchange.rest import (
    Handler,
    integer_parameter,
    json_response,
    plain_query,
    word_parameter,
)
from paradex_adapter.local_exchange.sequences import Clock

DEPTH_DEFAULT: Final = 20
DEPTH_MAX: Final = 1000
ASSET_KINDS: Final = ("PERP", "PERP_OPTION", "OPTION", "SPOT", "FUTURE")
PROXY_HASH: Final = 0x3530CC4759D78042F1B543BF797F5F3D647CDE0388C33734CF91B7F7B9314A9
ACCOUNT_HASH: Final = 0x41CB0280EBADAA75F996D8D92C6F265F6D040BB3BA442E5F86A554F1765244E
EVM_ACCOUNT_HASH: Final = 0x73414441639DCD11D1846F287650A00C60C416B9D3BA45D31C651672125B2C2
L1_CHAIN_ID: Final = "11155111"


class PublicEndpoints:
    """What anyone may ask."""

    def __init__(
        self,
        gateway: Gateway,
        markets: dict[str, Market],
        clock: Clock,
        options: Options,
        open_interest: Callable[[str], Decimal],
        record: MarketRecord,
    ) -> None:
        self._gateway = gateway
        self._markets = markets
        self._clock = clock
        self._options = options
        self._open_interest = open_interest
        self._record = record

    def routes(self) -> list[tuple[str, str, Handler]]:
        """Return method, path and handler of each endpoint."""
        return [
            ("GET", "/v1/system/config", self.config),
            ("GET", "/v1/system/time", self.time),
            ("GET", "/v1/system/state", self.state),
            ("GET", "/v1/markets", self.markets),
            ("GET", "/v1/markets/summary", self.summary),
            ("GET", "/v1/markets/history", self.history),
            ("GET", "/v1/markets/settlement-price", self.settlement),
            ("GET", "/v1/bbo/{market}", self.best),
            ("GET", "/v1/bbo/{market}/interactive", self.best),
            ("GET", "/v1/orderbook/{market}", self.book),
            ("GET", "/v1/orderbook/{market}/interactive", self.book),
        ]

    async def config(self, request: web.Request) -> web.Response:
        """Answer ``GET /system/config``."""
        base = f"http://{request.host}"
        return json_response(
            {
                "starknet_gateway_url": "",
                "starknet_fullnode_rpc_url": f"{base}/rpc/v0_10",
                "starknet_fullnode_rpc_base_url": base,
                "starknet_chain_id": self._options.chain_id,
                "block_explorer_url": f"{base}/explorer/",
                "paraclear_address": hex(PROXY_HASH ^ 1),
                "paraclear_decimals": 8,
                "paraclear_account_proxy_hash": hex(PROXY_HASH),
                "paraclear_account_hash": hex(ACCOUNT_HASH),
                "paraclear_evm_account_hash": hex(EVM_ACCOUNT_HASH),
                "oracle_address": hex(PROXY_HASH ^ 2),
                "bridged_tokens": [_token("ETH", 18), _token("USDC", 6)],
                "l1_chain_id": L1_CHAIN_ID,
                "l1_core_contract_address": _l1_address(1),
                "l1_operator_address": _l1_address(2),
                "l1_relayer_address": _l1_address(3),
                "l2_relayer_address": hex(PROXY_HASH ^ 3),
                "liquidation_fee": "0.20",
                "partial_liquidation_buffer": "0.2",
                "partial_liquidation_share_increment": "0.05",
                "assets_limit_per_account": 550,
                "universal_deployer_address": hex(PROXY_HASH ^ 4),
                "dime_staking_contract_address": hex(PROXY_HASH ^ 5),
                "environment": "local",
            }
        )

    async def time(self, _request: web.Request) -> web.Response:
        """Answer ``GET /system/time``."""
        return json_response({"server_time": str(self._clock.now_ms())})

    async def state(self, _request: web.Request) -> web.Response:
        """Answer ``GET /system/state``."""
        return json_response({"status": self._gateway.system_state})

    async def markets(self, request: web.Request) -> web.Response:
        """Answer ``GET /markets``."""
        query = plain_query(request)
        chosen = self._chosen(query.get("market", ""), query)
        return json_response({"results": [market.rules.response() for market in chosen]})

    async def summary(self, request: web.Request) -> web.Response:
        """Answer ``GET /markets/summary``."""
        query = plain_query(request)
        symbol = query.get("market", "")
        if not symbol:
            raise VenueError("INVALID_REQUEST_PARAMETER", "market: cannot be blank")
        chosen = self._chosen("" if symbol == "ALL" else symbol, query)
        now_ms = self._clock.now_ms()
        return json_response(
            {
                "results": [
                    market.summary_response(now_ms, self._open_interest(market.symbol))
                    for market in chosen
                ]
            }
        )

    def _chosen(self, symbol: str, query: dict[str, str]) -> list[Market]:
        kind = word_parameter(query, "asset_kind", ASSET_KINDS)
        base = query.get("base_asset", "")
        listed = (market for market in self._markets.values() if market.is_listed)
        chosen = [self._market(symbol)] if symbol else list(listed)
        return [
            market
            for market in chosen
            if kind in (None, market.rules.kind) and base in ("", market.rules.base)
        ]

    def _market(self, symbol: str) -> Market:
        market = self._markets.get(symbol)
        if market is None or not market.is_listed:
            raise VenueError("MARKET_NOT_FOUND", "market not found", 404)
        return market

    async def history(self, request: web.Request) -> web.Response:
        """Answer ``GET /markets/history``."""
        symbol = plain_query(request).get("market", "")
        events = self._record.since(self._clock.now_ms(), "" if symbol == "ALL" else symbol)
        return json_response({"results": [event.response() for event in events]})

    async def settlement(self, request: web.Request) -> web.Response:
        """Answer ``GET /markets/settlement-price``."""
        symbol = plain_query(request).get("market", "")
        settlement = self._record.settlements.get(symbol)
        if settlement is None:
            is_known = symbol in self._markets
            error = "MARKET_NOT_SETTLED" if is_known else "MARKET_NOT_FOUND"
            raise VenueError(
                error, "market is not settled" if is_known else "market not found", 404
            )
        return json_response(settlement.response())

    async def best(self, request: web.Request) -> web.Response:
        """Answer ``GET /bbo/{market}``."""
        return json_response(self._market(request.match_info["market"]).best_response())

    async def book(self, request: web.Request) -> web.Response:
        """Answer ``GET /orderbook/{market}``."""
        market = self._market(request.match_info["market"])
        depth = integer_parameter(plain_query(request), "depth")
        depth = DEPTH_DEFAULT if depth is None else depth
        if not 1 <= depth <= DEPTH_MAX:
            raise VenueError("INVALID_REQUEST_PARAMETER", f"depth: must be 1 to {DEPTH_MAX}")
        return json_response(market.book_response(depth))


def _token(symbol: str, decimals: int) -> dict[str, object]:
    return {
        "name": f"TEST {symbol}",
        "symbol": symbol,
        "decimals": decimals,
        "l1_token_address": _l1_address(decimals + 10),
        "l1_bridge_address": _l1_address(decimals + 11),
        "l2_token_address": hex(PROXY_HASH ^ (decimals + 12)),
        "l2_bridge_address": hex(PROXY_HASH ^ (decimals + 13)),
    }


def _l1_address(number: int) -> str:
    return f"0x{number:040x}"
