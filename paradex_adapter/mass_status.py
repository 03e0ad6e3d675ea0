"""The answer to NautilusTrader's question about the whole account: everything at one moment."""

import asyncio
from collections import defaultdict
from typing import Final

from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, Logger
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.reports import ExecutionMassStatus, FillReport, OrderStatusReport
from nautilus_trader.model.identifiers import AccountId, ClientId, ClientOrderId, VenueOrderId

from paradex_adapter.constants import PARADEX_VENUE
from paradex_adapter.order_news import find_instrument, keep_names_apart, name_by_venue
from paradex_adapter.order_reports import is_passed_over, keep_end, knows_as_working
from paradex_adapter.translate.snapshots import WholeMassStatus, snapshot_to_reports
from paradex_adapter.translate.values import (
    fill_to_order_text,
    fill_to_text,
    find_client_order_id,
    need_venue_order_id,
)
from paradex_adapter.twap_orders import TwapAnswers
from paradex_adapter.venue.account_reader import SNAPSHOT_TIMEOUT_SECS
from paradex_adapter.venue.account_snapshot import AccountSnapshot
from paradex_adapter.venue.errors import RateLimited, VenueUnavailable
from paradex_adapter.venue.trading_session import TradingSession
from paradex_adapter_core.messages.orders import Fill
from paradex_adapter_core.vocabulary import FILL_ORDINARY, FILL_RPI

NS_PER_MIN: Final = 60_000_000_000
# Between two attempts at everything, when the venue wants a pause.
PAUSE_SECS_MIN: Final = 1.0


class MassStatus:
    """Reports all orders, fills and positions of one moment.

    Parameters
    ----------
    session : TradingSession
        Asks the venue, and knows what was told.
    twaps : TwapAnswers
        Reports the TWAP orders.
    account_id : AccountId
        Whose account it is.
    cache : Cache
        Where the instruments are, and how far the engine has got.
    clock : LiveClock
        The node's clock.
    log : Logger
        The client's log.
    """

    def __init__(
        self,
        session: TradingSession,
        twaps: TwapAnswers,
        account_id: AccountId,
        cache: Cache,
        clock: LiveClock,
        log: Logger,
    ) -> None:
        self._session: Final = session
        self._account_id: Final = account_id
        self._cache: Final = cache
        self._clock: Final = clock
        self._log: Final = log
        self._twaps: Final = twaps

    async def report(self, client_id: ClientId, lookback_mins: int | None) -> ExecutionMassStatus:
        """Return all orders, fills and positions of one moment, and count them as told.

        The caller holds the session's stream until the engine has worked the answer in.
        """
        snapshot, twaps = await self._read_everything(self._window_start_ms(lookback_mins))
        ts_init = self._clock.timestamp_ns()
        reports = snapshot_to_reports(
            snapshot,
            lambda market: find_instrument(self._cache, market),
            self._account_id,
            ts_init,
            lambda update: knows_as_working(update, self._cache),
        )
        self._name_apart(reports.orders, reports.fills)
        for report in reports.orders:
            keep_end(report, self._cache)
        for market in snapshot.unbalanced:
            self._log.warning(
                f"The fills the venue tells of {market} do not add up to the position there: "
                "NautilusTrader makes up the difference"
            )
        for line in reports.skipped:
            self._log.warning(f"Not reconciled: {line}")
        self._warn_of_trades(reports.given_fills)
        self._session.book.take_answered(
            AccountSnapshot(
                reports.given_orders, reports.given_fills, snapshot.positions, snapshot.start_ms
            ),
            {
                report.client_order_id.value
                for report in reports.orders
                if report.client_order_id and is_passed_over(report, self._cache)
            },
        )
        mass_status = WholeMassStatus(
            client_id=client_id,
            account_id=self._account_id,
            venue=PARADEX_VENUE,
            report_id=UUID4(),
            ts_init=ts_init,
        )
        mass_status.add_order_reports([*reports.orders, *twaps])
        mass_status.add_fill_reports(reports.fills)
        mass_status.add_position_reports(reports.positions)
        return mass_status

    async def _read_everything(
        self, start_ms: int | None
    ) -> tuple[AccountSnapshot, list[OrderStatusReport]]:
        """Read orders, fills, positions and TWAP orders; within its time for answers, patiently.

        The node does not start without, so a venue that wants a pause gets one.
        """
        try:
            async with asyncio.timeout(SNAPSHOT_TIMEOUT_SECS):
                while True:
                    try:
                        snapshot = await self._session.reader.snapshot(start_ms, reaches_back=True)
                        return snapshot, await self._twaps.report_everything()
                    except RateLimited as error:
                        self._log.warning(f"Paradex wants a pause before it tells all: {error}")
                        await asyncio.sleep(max(error.retry_after_secs, PAUSE_SECS_MIN))
        except TimeoutError:
            reason = f"not complete after {SNAPSHOT_TIMEOUT_SECS:g} s"
            raise VenueUnavailable("account snapshot", reason) from None

    def _warn_of_trades(self, fills: list[Fill]) -> None:
        """Say what the venue and others did to the account that the engine does not know of."""
        # To an engine that remembers nothing every order is one of others.
        remembers = bool(self._cache.orders(account_id=self._account_id))
        trades: dict[tuple[str, int], list[Fill]] = defaultdict(list)
        for fill in fills:
            is_telling = remembers or fill.fill_type not in (FILL_ORDINARY, FILL_RPI)
            if is_telling and not self._is_known(fill):
                trades[fill.market, fill.fill_type].append(fill)
        for rows in trades.values():
            more = f" and {len(rows) - 1} before it" if len(rows) > 1 else ""
            what = fill_to_text(rows[-1], rows[-1].side)
            self._log.warning(f"{what}{more}, a trade without an order of yours")

    def _is_known(self, fill: Fill) -> bool:
        """Return whether the engine knows the order of a fill, perhaps by our name alone."""
        venue_order_id = need_venue_order_id(fill_to_order_text(fill))
        name = find_client_order_id(fill.client_order_id)
        is_named = name is not None and self._cache.order(name) is not None
        return is_named or self._cache.client_order_id(venue_order_id) is not None

    def _name_apart(self, orders: list[OrderStatusReport], fills: list[FillReport]) -> None:
        """Leave a client id to one order: that of the engine, else the oldest."""
        bearers: dict[ClientOrderId, VenueOrderId] = {}
        for report in orders:
            keep_names_apart(report, self._cache)
            name, venue_order_id = report.client_order_id, report.venue_order_id
            if bearers.setdefault(name, venue_order_id) != venue_order_id:
                name_by_venue(report, self._cache)
        for fill in fills:
            if bearers.get(fill.client_order_id, fill.venue_order_id) != fill.venue_order_id:
                fill.client_order_id = None

    def _window_start_ms(self, lookback_mins: int | None) -> int | None:
        """Return the start of the window, early enough for every open order of an earlier run."""
        if lookback_mins is None:
            return None
        start_ns = self._clock.timestamp_ns() - lookback_mins * NS_PER_MIN
        sent_ns = [state.ts_sent for state in self._session.store.open_orders()]
        return max(0, min([start_ns, *sent_ns])) // 1_000_000
