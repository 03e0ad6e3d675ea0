"""The venue's own books, read over REST and left as it sends them."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import orjson

from paradex_adapter.venue.auth import TokenProvider
from paradex_adapter.venue.credentials import resolve_credentials
from paradex_adapter.venue.http import HttpClient
from paradex_adapter.venue.signing import OrderSigner

type Row = dict[str, Any]

PAGES_MAX = 100


class VenueBooks(NamedTuple):
    """An account as the venue answers it: OrderResp, FillResult, PositionResp, BalanceResp."""

    orders: list[Row]
    fills: list[Row]
    positions: list[Row]
    balances: list[Row]


async def read_venue_books(connection: dict[str, str]) -> VenueBooks:
    """Return all of the account that `connection` (the exchange's JSON line) names."""
    credentials = resolve_credentials(
        "TESTNET", connection["account_address"], connection["private_key"]
    )
    http = HttpClient(connection["base_url_http"])
    http.token_provider = TokenProvider(http, OrderSigner(credentials, connection["chain_id"]))
    try:
        return VenueBooks(
            orders=await _all_rows(lambda cursor: http.get_orders_history(cursor=cursor)),
            fills=await _all_rows(lambda cursor: http.get_fills(cursor=cursor)),
            positions=orjson.loads(await http.get_positions())["results"],
            balances=orjson.loads(await http.get_balance())["results"],
        )
    finally:
        await http.close()


async def _all_rows(fetch: Callable[[str | None], Awaitable[bytes]]) -> list[Row]:
    rows: list[Row] = []
    cursor: str | None = None
    for _ in range(PAGES_MAX):
        page = orjson.loads(await fetch(cursor))
        rows += page["results"]
        cursor = page["next"]
        if not cursor:
            break
    return rows
