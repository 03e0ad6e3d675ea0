"""Answers to NautilusTrader's questions about orders, fills and positions.

An answer is the venue's whole list for the asked window, told before or not, or an error: what a
list leaves out the engine invents, and an empty one it believes. What an answer tells goes through
the session first, so that it is known there as told; and since the engine takes an answer at once
but events through a queue, an answer waits for the events before it.
"""

import asyncio
from collections import defaultdict
from typing import Any, Final

from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, Logger
from nautilus_trader.core.datetime import dt_to_unix_nanos
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import (
    GenerateFillReports,
    GenerateOrderStatusReports,
    GeneratePositionStatusReports,
)
from nautilus_trader.execution.reports import (
    ExecutionMassStatus,
    FillReport,
    OrderStatusReport,
    PositionStatusReport,
)
from nautilus_trader.model.enums import OrderStatus
from nautilus_trader.model.identifiers import (
    AccountId,
    ClientId,
    ClientOrderId,
    InstrumentId,
    VenueOrderId,
)
from nautilus_trader.model.orders import Order

from paradex_adapter.constants import PARADEX_VENUE
from paradex_adapter.order_news import find_instrument, keep_names_apart, name_by_venue
from paradex_adapter.translate.instruments import RAW_PER_UNIT
from paradex_adapter.translate.reports import (
    fill_to_report,
    order_update_to_report,
    position_to_report,
    state_to_report,
)
from paradex_adapter.translate.snapshots import WholeMassStatus, snapshot_to_reports
from paradex_adapter.translate.values import (
    UnusableMessageError,
    fill_to_order_text,
    fill_to_text,
    find_client_order_id,
    need_venue_order_id,
    units_to_price,
    units_to_quantity,
)
from paradex_adapter.twap_orders import TwapAnswers
from paradex_adapter.venue.account_reader import SNAPSHOT_TIMEOUT_SECS, AccountSnapshot
from paradex_adapter.venue.errors import RateLimited, VenueUnavailable
from paradex_adapter.venue.recovery import find_left_out
from paradex_adapter.venue.trading_session import TradingSession
from paradex_adapter_core.messages.orders import Fill, OrderUpdate
from paradex_adapter_core.order_lifecycle import FILLED, QUEUED, REJECTED, SENT, WORKING
from paradex_adapter_core.order_state import OrderState
from paradex_adapter_core.vocabulary import FILL_ORDINARY, FILL_RPI, STATUS_CLOSED

# How long an answer waits for the engine to work off the events before it.
ENGINE_WAIT_SECS: Final = 2.0
ENGINE_POLL_SECS: Final = 0.005
NS_PER_MIN: Final = 60_000_000_000
# Between two attempts at everything, when the venue wants a pause.
PAUSE_SECS_MIN: Final = 1.0


class AccountAnswers:
    """Makes the reports the engine asks for.

    Parameters
    ----------
    session : TradingSession
        Asks the venue, and knows what was told.
    account_id : AccountId
        Whose account it is.
    cache : Cache
        Where the instruments are, and how far the engine has got.
    clock : LiveClock
        The node's clock.
    log : Logger
        The client's log.

    Notes
    -----
    Every method raises `ParadexError` when the answer cannot be complete.
    """

    def __init__(
        self,
        session: TradingSession,
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
        # The sizes of the positions, by market, as the engine was told them last.
        self._positions_told: dict[str, int] | None = None
        self._twaps: Final = TwapAnswers(session.algo_orders, account_id, cache, clock, log)

    async def report_order(
        self,
        instrument_id: InstrumentId | None,
        client_order_id: ClientOrderId | None,
        venue_order_id: VenueOrderId | None,
    ) -> OrderStatusReport | None:
        """Return the report of one order, None when the venue knows no such order.

        Raises
        ------
        ValueError
            If neither id is given.
        """
        if client_order_id is None and venue_order_id is None:
            raise ValueError("client_order_id and venue_order_id are both None")
        twap = self._twaps.find(client_order_id, venue_order_id)
        if twap is not None:
            return await self._twaps.report(twap)
        order = None if client_order_id is None else self._cache.order(client_order_id)
        if order is not None:
            instrument_id = order.instrument_id
            venue_order_id = venue_order_id or order.venue_order_id
        update = await self._session.query_order(
            "" if client_order_id is None else client_order_id.value,
            "" if venue_order_id is None else venue_order_id.value,
            _find_market(instrument_id),
        )
        return None if update is None else await self._make_report(update)

    def report_held_order(self, client_order_id: ClientOrderId | None) -> OrderStatusReport | None:
        """Return what is known of an own working order, without asking the venue."""
        if client_order_id is None:
            return None
        twap = self._twaps.find(client_order_id, None)
        if twap is not None:
            return self._twaps.report_held(twap) if twap.is_open else None
        state = self._session.store.find_order(client_order_id.value)
        if state is None or not state.is_open or state.status < WORKING:
            return None
        instrument = find_instrument(self._cache, state.market)
        if instrument is None:
            return None
        return state_to_report(state, instrument, self._account_id, self._clock.timestamp_ns())

    def report_held_orders(self) -> list[OrderStatusReport]:
        """Return what is known of the own working orders, without asking the venue."""
        states = self._session.store.open_orders()
        reports = [self.report_held_order(ClientOrderId(s.client_order_id)) for s in states]
        held = [report for report in reports if report is not None]
        return [*held, *self._twaps.report_open_held()]

    async def report_orders(self, command: GenerateOrderStatusReports) -> list[OrderStatusReport]:
        """Return the reports of the orders a command asks for.

        Orders that ended since the engine was told of them last are among them even when only open
        ones are asked for: their end would never be found out otherwise.
        """
        session = self._session
        market = _find_market(command.instrument_id)
        updates = {
            update.venue_order_id: update for update in await session.reader.open_orders(market)
        }
        if not command.open_only:
            for update in await session.reader.orders_history(market, None, _to_ms(command.start)):
                updates[update.venue_order_id] = update
        left_out = [
            order
            for order in find_left_out(session.store, session.externals, updates)
            if market in (None, order[0])
        ]
        for found in await asyncio.gather(*(session.search.find(*order) for order in left_out)):
            if found is not None:
                updates[found.venue_order_id] = found
        end_ns = _to_ns(command.end)
        asked = [u for u in updates.values() if end_ns is None or u.ts_created <= end_ns]
        await session.take(asked)
        reports = [await self._make_report(update) for update in asked]
        twaps = await self._twaps.report_all(market, open_only=command.open_only)
        return [*(report for report in reports if report is not None), *twaps]

    async def report_fills(self, command: GenerateFillReports) -> list[FillReport]:
        """Return the reports of the fills a command asks for."""
        market = _find_market(command.instrument_id)
        fills = await self._session.reader.fills(market, _to_ms(command.start))
        end_ns = _to_ns(command.end)
        if end_ns is not None:
            fills = [fill for fill in fills if fill.ts_event <= end_ns]
        if command.venue_order_id is not None:
            wanted = command.venue_order_id.value
            fills = [fill for fill in fills if fill_to_order_text(fill) == wanted]
        await self._session.take_fills(fills)
        reports = [await self._make_fill_report(fill) for fill in fills]
        await self._check_positions_stand(market)
        return [report for report in reports if report is not None]

    async def _check_positions_stand(self, market: str | None) -> None:
        """Raise where a position moved on since the engine was told of it.

        The engine asks for fills when a position differs from its own, and makes up the rest of the
        difference; to a position of the past it would make up what undoes the fills since.
        """
        if self._positions_told is None or market is None:
            return
        positions = {p.market: p.size for p in await self._session.reader.positions()}
        if positions.get(market, 0) != self._positions_told.get(market, 0):
            raise VenueUnavailable("fills", f"the position in {market} moved meanwhile")

    async def report_positions(
        self, command: GeneratePositionStatusReports
    ) -> list[PositionStatusReport]:
        """Return the reports of the positions; of one instrument also that it is flat."""
        market = _find_market(command.instrument_id)
        positions = await self._session.reader.positions()
        self._session.take_positions(positions)
        self._positions_told = {position.market: position.size for position in positions}
        ts_init = self._clock.timestamp_ns()
        reports = []
        for position in positions:
            instrument = find_instrument(self._cache, position.market)
            if instrument is not None and market in (None, position.market):
                reports.append(position_to_report(position, instrument, self._account_id, ts_init))
        instrument = None if market is None else find_instrument(self._cache, market)
        if instrument is not None and not reports:
            reports.append(
                PositionStatusReport.create_flat(
                    self._account_id, instrument.id, instrument.size_precision, ts_init
                )
            )
        return reports

    async def report_everything(
        self, client_id: ClientId, lookback_mins: int | None
    ) -> ExecutionMassStatus:
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
            self._was_working,
        )
        self._name_apart(reports.orders, reports.fills)
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
            )
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

    async def _make_report(self, update: OrderUpdate) -> OrderStatusReport | None:
        """Return the report of an order, after the engine has worked off what was told of it."""
        instrument = find_instrument(self._cache, update.market)
        if instrument is None:
            return None
        session = self._session
        state = session.store.find_order_by_venue_id(update.venue_order_id)
        was_working = self._was_working(update)
        if state is None:
            counted = session.externals.find_filled(update.venue_order_id)
        else:
            await self._await_engine(state)
            if not state.is_open and update.status != STATUS_CLOSED:
                # The answer is older than the end that was told.
                return None
            was_working = was_working or WORKING <= state.status < REJECTED
            # One that ended with fills the venue does not have gets the number of the venue.
            counted = None if state.status == FILLED else state.filled
        try:
            report = order_update_to_report(
                update,
                instrument,
                self._account_id,
                self._clock.timestamp_ns(),
                was_working=was_working,
                counted=counted,
            )
        except UnusableMessageError as error:
            self._log.error(f"Order {update.venue_order_id!a} is left out: {error}")
            return None
        keep_names_apart(report, self._cache)
        if report.is_open:
            self._bring_up_to_date(report, update, state)
        return report

    def _bring_up_to_date(
        self, report: OrderStatusReport, update: OrderUpdate, state: OrderState | None
    ) -> None:
        """Let a report say what is known by now: the answer may have been under way for long.

        The engine would take the terms of an old answer for a change.
        """
        instrument = self._cache.instrument(report.instrument_id)
        if state is not None and state.is_open and state.status == WORKING:
            held = state_to_report(state, instrument, self._account_id, report.ts_init)
            report.order_status, report.ts_triggered = held.order_status, held.ts_triggered
            report.filled_qty = held.filled_qty
            size, price, trigger_price = state.size, state.price, state.trigger_price
        elif terms := self._session.externals.find_terms(update.venue_order_id):
            size, price, trigger_price = terms
        else:
            return
        if size < update.size - update.remaining_size:
            return
        report.quantity = units_to_quantity(size, instrument.size_precision)
        report.leaves_qty = report.quantity.saturating_sub(report.filled_qty)
        if report.price is not None and price:
            report.price = units_to_price(price, instrument.price_precision)
        if report.trigger_price is not None and trigger_price:
            report.trigger_price = units_to_price(trigger_price, instrument.price_precision)

    def _was_working(self, update: OrderUpdate) -> bool:
        """Return whether the engine knows an order as one that rested in the book."""
        try:
            venue_order_id = need_venue_order_id(update.venue_order_id)
        except UnusableMessageError:
            return False
        client_order_id = self._cache.client_order_id(venue_order_id)
        order = None if client_order_id is None else self._cache.order(client_order_id)
        return order is not None and order.status != OrderStatus.REJECTED

    async def _make_fill_report(self, fill: Fill) -> FillReport | None:
        instrument = find_instrument(self._cache, fill.market)
        if instrument is None:
            return None
        state = self._session.store.find_order_by_venue_id(fill.venue_order_id)
        if state is not None:
            await self._await_engine(state)
        side = fill.side if state is None else state.side
        ts_init = self._clock.timestamp_ns()
        try:
            report = fill_to_report(fill, side, instrument, self._account_id, ts_init)
        except UnusableMessageError as error:
            self._log.error(f"Fill {fill.fill_id!a} is left out: {error}")
            return None
        keep_names_apart(report, self._cache)
        return report

    async def _await_engine(self, state: OrderState) -> None:
        """Wait until the engine has applied the events told of an order, or `ENGINE_WAIT_SECS`."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + ENGINE_WAIT_SECS
        client_order_id = ClientOrderId(state.client_order_id)
        while loop.time() < deadline:
            order = self._cache.order(client_order_id)
            if order is None or (
                order.filled_qty.raw >= state.filled * RAW_PER_UNIT
                and (order.venue_order_id is not None or state.status in (SENT, QUEUED, REJECTED))
                and (order.is_closed or state.is_open or state.missing)
                and (not state.is_triggered or _knows_trigger(order))
                and (state.changing_size or not order.is_pending_update)
            ):
                return
            await asyncio.sleep(ENGINE_POLL_SECS)


def _knows_trigger(order: Order) -> bool:
    """Return whether the engine was told that an order was triggered, or cannot be told any more.

    Orders without a price have no such state, and an order that is being canceled cannot take it.
    """
    is_canceling = order.status == OrderStatus.PENDING_CANCEL
    return bool(getattr(order, "is_triggered", True)) or order.is_closed or is_canceling


def _find_market(instrument_id: InstrumentId | None) -> str | None:
    return None if instrument_id is None else instrument_id.symbol.value


def _to_ns(moment: Any) -> int | None:
    """Return a pandas timestamp or a datetime in nanoseconds since the Unix epoch."""
    return None if moment is None else dt_to_unix_nanos(moment)


def _to_ms(moment: Any) -> int | None:
    ns = _to_ns(moment)
    return None if ns is None else ns // 1_000_000
