"""Private REST endpoints about what happened to an account: busts, liquidations, transfers."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from paradex_adapter.local_exchange.accounts import Account
from paradex_adapter.local_exchange.rest import (
    Handler,
    Pager,
    integer_parameter,
    json_response,
    plain_query,
    word_parameter,
)
from paradex_adapter.local_exchange.tokens import Tokens

TRANSFER_STATES: Final = ("PENDING", "AVAILABLE", "COMPLETED", "FAILED")


class RecordEndpoints:
    """What an account may ask about the things that the venue did to it."""

    def __init__(self, tokens: Tokens, pager: Pager) -> None:
        self._tokens = tokens
        self._pager = pager

    def routes(self) -> list[tuple[str, str, Handler]]:
        """Return method, path and handler of each endpoint."""
        return [
            ("GET", "/v1/tradebusts", self.busts),
            ("GET", "/v1/liquidations", self.liquidations),
            ("GET", "/v1/transfers", self.transfers),
        ]

    def _asker(self, request: web.Request) -> Account:
        return self._tokens.session_of_header(request.headers.get("Authorization")).account

    async def busts(self, request: web.Request) -> web.Response:
        """Answer ``GET /tradebusts``."""
        busts = reversed(self._asker(request).busts)
        return self._pager.page(request, busts, lambda bust: bust.response())

    async def liquidations(self, request: web.Request) -> web.Response:
        """Answer ``GET /liquidations``, which is not paged, newest first."""
        account, query = self._asker(request), plain_query(request)
        start, end = integer_parameter(query, "from"), integer_parameter(query, "to")
        results = [
            each.response()
            for each in reversed(account.liquidations)
            if (start is None or each.created_at >= start)
            and (end is None or each.created_at <= end)
        ]
        return json_response({"results": results})

    async def transfers(self, request: web.Request) -> web.Response:
        """Answer ``GET /transfers``."""
        account = self._asker(request)
        filters, _ = self._pager.query(request)
        status = word_parameter(filters, "status", TRANSFER_STATES)
        transfers = (each for each in reversed(account.transfers) if status in (None, each.status))
        return self._pager.page(request, transfers, lambda transfer: transfer.response())
