"""Private REST endpoints about market maker protection."""

from __future__ import annotations

from aiohttp import web

from paradex_adapter.local_exchange.accounts import Account
from paradex_adapter.local_exchange.effects import Listener
from paradex_adapter.local_exchange.errors import VenueError
from paradex_adapter.local_exchange.market_maker_protection import DISABLED, Event, parse_config
from paradex_adapter.local_exchange.markets import Market
from paradex_adapter.local_exchange.protecting_engine import ProtectingEngine
from paradex_adapter.local_exchange.rest import Handler, json_body, json_response, plain_query
from paradex_adapter.local_exchange.sequences import Clock
from paradex_adapter.local_exchange.tokens import Tokens

#: Kinds of markets whose orders can be protected.
PROTECTED_KINDS = ("PERP", "OPTION")


class ProtectionEndpoints:
    """Configurations, and the end of a freeze."""

    def __init__(
        self,
        engine: ProtectingEngine,
        markets: dict[str, Market],
        clock: Clock,
        tokens: Tokens,
        listener: Listener,
    ) -> None:
        self._engine = engine
        self._markets = markets
        self._clock = clock
        self._tokens = tokens
        self._listener = listener

    def routes(self) -> list[tuple[str, str, Handler]]:
        """Return method, path and handler of each endpoint."""
        return [
            ("GET", "/v1/account/mmp", self.configs),
            ("POST", "/v1/account/mmp/reset", self.reset),
            ("POST", "/v1/account/mmp/{base_asset}", self.configure),
            ("DELETE", "/v1/account/mmp/{base_asset}", self.remove),
        ]

    def _account(self, request: web.Request) -> Account:
        session = self._tokens.session_of_header(request.headers.get("Authorization"))
        if request.method != "GET":
            session.need_writing()
        return session.account

    async def configs(self, request: web.Request) -> web.Response:
        """Answer ``GET /account/mmp``."""
        account, now_ms = self._account(request), self._clock.now_ms()
        base = plain_query(request).get("base_asset", "")
        results = [
            guard.response(now_ms)
            for name, guard in sorted(account.protection.guards.items())
            if base in ("", name)
        ]
        return json_response(
            {
                "account": account.address,
                "enabled": account.protection.is_enabled,
                "results": results,
            }
        )

    async def configure(self, request: web.Request) -> web.Response:
        """Answer ``POST /account/mmp/{base_asset}``."""
        account, base = self._account(request), request.match_info["base_asset"]
        if not account.protection.is_enabled:
            raise VenueError("MMP_NOT_ENABLED", "market maker protection is not enabled")
        rules = (market.rules for market in self._markets.values() if market.is_listed)
        if not any(rule.base == base and rule.kind in PROTECTED_KINDS for rule in rules):
            raise VenueError("MMP_CONFIG_INVALID", "base_asset: has no markets to protect")
        guard, now_ms = account.protection.guards.get(base), self._clock.now_ms()
        body = await json_body(request)
        config = parse_config(base, body, guard.config if guard else None, now_ms)
        self._tell([account.protection.configure(config)])
        return json_response(account.protection.guards[base].response(now_ms))

    async def remove(self, request: web.Request) -> web.Response:
        """Answer ``DELETE /account/mmp/{base_asset}``; where there is nothing, nothing happens."""
        account, base = self._account(request), request.match_info["base_asset"]
        event = account.protection.remove(base, self._clock.now_ms())
        if event is not None:
            self._tell([event])
            self._engine.cancel_protected(account, base, DISABLED)
        return web.Response(status=204)

    async def reset(self, request: web.Request) -> web.Response:
        """Answer ``POST /account/mmp/reset``."""
        account, now_ms = self._account(request), self._clock.now_ms()
        body = await json_body(request)
        base = body.get("base_asset") if isinstance(body, dict) else ""
        if base is not None and (not isinstance(base, str) or not base):
            raise VenueError("BINDING_ERROR", "base_asset: expected a string")
        events, refused = account.protection.reset(base, now_ms)
        self._tell(events)
        if refused:
            done = ", ".join(str(event["base_asset"]) for event in events) or "none"
            raise VenueError(
                "MMP_MIN_FREEZE_NOT_ELAPSED", f"refused: {', '.join(refused)}; reset: {done}"
            )
        results = [{"base_asset": event["base_asset"], "reset_at": now_ms} for event in events]
        return json_response({"results": results})

    def _tell(self, events: list[Event]) -> None:
        for event in events:
            self._listener.on_protection(event)
