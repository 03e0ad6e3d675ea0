"""Whole answers about the account: every page or an error, parsed, within a deadline.

Nothing here changes state. An answer that cannot be completed raises; it never is a shorter list.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Final, final

from paradex_adapter.venue.account_snapshot import (
    AccountSnapshot,
    cut_fills,
    fill_age,
    find_partial,
    order_age,
)
from paradex_adapter.venue.errors import MalformedReply, VenueUnavailable
from paradex_adapter.venue.http import HttpClient
from paradex_adapter.venue.paging import iter_pages
from paradex_adapter.venue.rate_limits import Scope
from paradex_adapter_core.errors import CoreError
from paradex_adapter_core.messages.account import AccountSummary, Balance, FundingPayment, Position
from paradex_adapter_core.messages.orders import AlgoOrder, Fill, OrderUpdate, TradeBust
from paradex_adapter_core.parsers import account as parsers
from paradex_adapter_core.parsers import algo_orders as algo_parsers
from paradex_adapter_core.parsers.counters import count
from paradex_adapter_core.parsers.fields import SKIPPED_ROW
from paradex_adapter_core.parsers.skipped_rows import find_skipped_row
from paradex_adapter_core.vocabulary import FEED_REST, POSITION_OPEN

PAGE_SIZE: Final = 5000
READ_TIMEOUT_SECS: Final = 30.0
SNAPSHOT_TIMEOUT_SECS: Final = 180.0
# A snapshot whose parts do not add up is read again.
SNAPSHOT_ATTEMPTS_MAX: Final = 5

# What the venue did to the account that changes nothing of what is known of its orders.
type Notice = FundingPayment | TradeBust


@final
class AccountReader:
    """Reads the account over REST.

    Parameters
    ----------
    http : HttpClient
        With a token provider.
    counters : dict[str, int]
        Where rows that could not be read are counted, by kind.
    spot_tokens : Mapping[str, str]
        The token of each spot market; may change meanwhile. The venue has no positions of spot: the
        holding of the token is told as one.

    Notes
    -----
    Every method raises `ParadexError` when it cannot give the whole answer. Times are Unix
    milliseconds.
    """

    __slots__ = ("_counters", "_http", "_spot_tokens")

    def __init__(
        self,
        http: HttpClient,
        counters: dict[str, int],
        spot_tokens: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._http: Final = http
        self._spot_tokens: Final = spot_tokens
        self._counters: Final = counters

    @property
    def has_reads_to_spare(self) -> bool:
        """Whether the venue's limit leaves room for reads that decide nothing."""
        return self._http.limits.has_to_spare(Scope.PRIVATE_READ)

    async def open_orders(self, market: str | None = None) -> list[OrderUpdate]:
        """Return the orders that are new, untriggered or open."""
        async with _whole_answer("open orders", READ_TIMEOUT_SECS):
            return self._whole(
                "open orders", parsers.parse_orders, await self._http.get_orders(market)
            )

    async def orders_history(
        self,
        market: str | None = None,
        client_order_id: str | None = None,
        start_ms: int | None = None,
    ) -> list[OrderUpdate]:
        """Return the orders of the window, closed ones included, oldest first."""

        async def fetch(cursor: str | None) -> tuple[list[OrderUpdate], str | None]:
            body = await self._http.get_orders_history(
                market=market,
                client_order_id=client_order_id,
                start_ms=start_ms,
                cursor=cursor,
                page_size=PAGE_SIZE,
            )
            return self._whole("orders history", parsers.parse_orders_page, body)

        async with _whole_answer("orders history", SNAPSHOT_TIMEOUT_SECS):
            # Rows that come meanwhile may shift one into the next page: told there once more.
            orders = {update.venue_order_id: update for update in await _collect(fetch)}
        return sorted(orders.values(), key=order_age)

    async def open_algo_orders(self) -> list[AlgoOrder]:
        """Return the algo orders that are new or open."""
        async with _whole_answer("open algo orders", READ_TIMEOUT_SECS):
            body = await self._http.get_algo_orders()
            return self._whole("open algo orders", algo_parsers.parse_algo_orders, body)

    async def algo_orders_history(
        self, market: str | None = None, start_ms: int | None = None
    ) -> list[AlgoOrder]:
        """Return the algo orders of the window, closed ones included."""

        async def fetch(cursor: str | None) -> tuple[list[AlgoOrder], str | None]:
            body = await self._http.get_algo_orders_history(
                market=market, start_ms=start_ms, cursor=cursor, page_size=PAGE_SIZE
            )
            return self._whole("algo orders history", algo_parsers.parse_algo_orders_page, body)

        async with _whole_answer("algo orders history", SNAPSHOT_TIMEOUT_SECS):
            return await _collect(fetch)

    async def fills(self, market: str | None = None, start_ms: int | None = None) -> list[Fill]:
        """Return the fills of the window, oldest first."""

        async def fetch(cursor: str | None) -> tuple[list[Fill], str | None]:
            body = await self._http.get_fills(
                market=market, start_ms=start_ms, cursor=cursor, page_size=PAGE_SIZE
            )
            return self._whole("fills", parsers.parse_fills_page, body)

        async with _whole_answer("fills", SNAPSHOT_TIMEOUT_SECS):
            fills = {(fill.fill_type, fill.fill_id): fill for fill in await _collect(fetch)}
        # Ids do not grow with time. The venue lists newest first, which settles equal times.
        return sorted(reversed(fills.values()), key=fill_age)

    async def positions(self) -> list[Position]:
        """Return the net positions; closed ones may be among them."""
        async with _whole_answer("positions", READ_TIMEOUT_SECS):
            positions = self._whole(
                "positions", parsers.parse_positions, await self._http.get_positions()
            )
            if not self._spot_tokens:
                return positions
            balances = self._whole(
                "balances", parsers.parse_balances, await self._http.get_balance()
            )
        held = {balance.token: balance for balance in balances if balance.size}
        return [
            *positions,
            *(
                _holding(market, held[token])
                for market, token in self._spot_tokens.items()
                if token in held
            ),
        ]

    async def balances(self) -> list[Balance]:
        """Return the holding of each token."""
        async with _whole_answer("balances", READ_TIMEOUT_SECS):
            return parsers.parse_balances(await self._http.get_balance(), self._counters)

    async def summary(self) -> AccountSummary:
        """Return the margin state."""
        async with _whole_answer("account", READ_TIMEOUT_SECS):
            return parsers.parse_account(await self._http.get_account())

    async def notices(self, markets: Iterable[str], start_ms: int) -> list[Notice]:
        """Return the fills taken back, and the funding realized in these markets, of the window."""

        async def fetch_busts(cursor: str | None) -> tuple[list[TradeBust], str | None]:
            body = await self._http.get_trade_busts(start_ms, None, cursor, PAGE_SIZE)
            return self._whole("trade busts", parsers.parse_trade_busts, body)

        payments: list[FundingPayment] = []
        async with _whole_answer("funding payments", SNAPSHOT_TIMEOUT_SECS):
            for market in markets:

                async def fetch_payments(
                    cursor: str | None, market: str = market
                ) -> tuple[list[FundingPayment], str | None]:
                    body = await self._http.get_funding_payments(
                        market, start_ms, None, cursor, PAGE_SIZE
                    )
                    return self._whole("funding payments", parsers.parse_funding_payments, body)

                payments += await _collect(fetch_payments)
            busts = await _collect(fetch_busts)
        return sorted([*payments, *busts], key=_notice_age)

    async def snapshot(
        self, start_ms: int | None = None, *, reaches_back: bool = False
    ) -> AccountSnapshot:
        """Return orders, fills and positions that belong together.

        They are read again while fills come in between. Where they do not add up though nothing
        moves, the venue does not tell all there was (`AccountSnapshot.unbalanced`).

        Parameters
        ----------
        start_ms : int, optional
            The beginning of the window for closed orders and fills; all there are by default.
        reaches_back : bool
            Whether all there is of a market is read where the window does not tell how its position
            and its orders came about. NautilusTrader would invent what led up to the window, also
            where it remembers that.
        """
        before: dict[str, tuple[int, int]] = {}
        async with _whole_answer("account snapshot", SNAPSHOT_TIMEOUT_SECS):
            for _ in range(SNAPSHOT_ATTEMPTS_MAX):
                # In this order: what the positions hold, the fills and orders tell as well.
                positions = await self.positions()
                fills = await self.fills(start_ms=start_ms)
                orders = await self._all_orders(start_ms)
                whole: set[str] | None = None
                if start_ms is not None:
                    whole = find_partial(fills, orders, positions) if reaches_back else set()
                    fills, orders = await self._reach_back(whole, fills, orders)
                sides = {update.venue_order_id: update.side for update in orders}
                kept, odd = cut_fills(fills, positions, sides, whole)
                if not odd or odd == before:
                    break
                before = odd
        return AccountSnapshot(orders, kept, positions, start_ms, sorted(odd))

    async def _reach_back(
        self, markets: set[str], fills: list[Fill], orders: list[OrderUpdate]
    ) -> tuple[list[Fill], list[OrderUpdate]]:
        """Return fills and orders with all there are of these markets."""
        fills = [fill for fill in fills if fill.market not in markets]
        newest = {update.venue_order_id: update for update in orders}
        for market in sorted(markets):
            fills += await self.fills(market)
            for update in await self.orders_history(market):
                newest[update.venue_order_id] = update
        return sorted(fills, key=fill_age), sorted(newest.values(), key=order_age)

    def _whole[Rows](
        self, what: str, parse: Callable[[bytes, dict[str, int]], Rows], body: bytes
    ) -> Rows:
        """Parse every row or raise: whoever gets the list believes what it leaves out.

        The error names the row and the field that cannot be read.
        """
        counters: dict[str, int] = {}
        rows = parse(body, counters)
        for kind, number in counters.items():
            for _ in range(number):
                count(self._counters, kind)
        if any(kind.startswith(SKIPPED_ROW) for kind in counters):
            raise MalformedReply(what, find_skipped_row(body, "results", parse))
        return rows

    async def _all_orders(self, start_ms: int | None) -> list[OrderUpdate]:
        # Open orders first: one that closes in between is then told by the history, as closed.
        newest = {update.venue_order_id: update for update in await self.open_orders()}
        for update in await self.orders_history(start_ms=start_ms):
            newest[update.venue_order_id] = update
        return sorted(newest.values(), key=order_age)


async def _collect[Row](
    fetch: Callable[[str | None], Awaitable[tuple[list[Row], str | None]]],
) -> list[Row]:
    rows: list[Row] = []
    async for page in iter_pages(fetch):
        rows.extend(page)
    return rows


@asynccontextmanager
async def _whole_answer(what: str, timeout_secs: float) -> AsyncIterator[None]:
    """Bound an answer in time, and let what cannot be read count as no answer."""
    try:
        async with asyncio.timeout(timeout_secs):
            yield
    except TimeoutError:
        raise VenueUnavailable(what, f"not complete after {timeout_secs:g} s") from None
    except CoreError as error:
        raise MalformedReply(what, str(error)) from error


def _holding(market: str, balance: Balance) -> Position:
    """Return what is held of a token as a position in its market."""
    return Position(
        account="",
        market=market,
        status=POSITION_OPEN,
        size=balance.size,
        average_entry_price=None,
        average_entry_price_usd=None,
        unrealized_pnl=None,
        realized_pnl=None,
        realized_funding=None,
        liquidation_price=None,
        last_fill_id="",
        seq_no=0,
        feed=FEED_REST,
        ts_updated=balance.ts_updated,
    )


def _notice_age(notice: Notice) -> int:
    return notice.ts_event
