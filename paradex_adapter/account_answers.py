"""Answers to NautilusTrader's questions about orders, fills and positions.

An answer is the venue's whole list for the asked window, told before or not, or an error: what a
list leaves out the engine invents, and an empty one it believes. What an answer tells goes through
the session first, so that it is known there as told; and since the engine takes an answer at once
but events through a queue, an answer waits for the events before it.
"""

import asyncio
from typing import Any, Final

from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, Logger
from nautilus_trader.core.datetime import dt_to_unix_nanos
from nautilus_trader.execution.messages import (
    GenerateFillReports,
    GenerateOrderStatusReports,
    GeneratePositionStatusReports,
)
from nautilus_trader.execution.reports import FillReport, OrderStatusReport, PositionStatusReport
from nautilus_trader.model.identifiers import AccountId, ClientOrderId, InstrumentId, VenueOrderId

from paradex_adapter.order_news import find_instrument
from paradex_adapter.order_reports import OrderReports
from paradex_adapter.translate.reports import position_to_report, state_to_report
from paradex_adapter.translate.values import fill_to_order_text
from paradex_adapter.twap_orders import TwapAnswers
from paradex_adapter.venue.errors import VenueUnavailable
from paradex_adapter.venue.recovery import find_left_out
from paradex_adapter.venue.trading_session import TradingSession
from paradex_adapter_core.order_lifecycle import WORKING


class AccountAnswers:
    """Makes the reports the engine asks for.

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

    Notes
    -----
    Every method raises `ParadexError` when the answer cannot be complete.
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
        self._reports: Final = OrderReports(session, account_id, cache, clock, log)
        # The sizes of the positions, by market, as the engine was told them last.
        self._positions_told: dict[str, int] | None = None
        self._twaps: Final = twaps

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
        on_behalf = self._session.commands.on_behalf
        if client_order_id is not None and client_order_id.value in on_behalf:
            # Of an order for another account the venue tells nothing more.
            return self.report_held_order(client_order_id)
        order = None if client_order_id is None else self._cache.order(client_order_id)
        if order is not None:
            instrument_id = order.instrument_id
            venue_order_id = venue_order_id or order.venue_order_id
        update = await self._session.query_order(
            "" if client_order_id is None else client_order_id.value,
            "" if venue_order_id is None else venue_order_id.value,
            _find_market(instrument_id),
        )
        return None if update is None else await self._reports.make_order_report(update)

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
            if market in (None, order[0]) and order[1] not in session.commands.on_behalf
        ]
        for found in await asyncio.gather(*(session.search.find(*order) for order in left_out)):
            if found is not None:
                updates[found.venue_order_id] = found
        end_ns = _to_ns(command.end)
        asked = [u for u in updates.values() if end_ns is None or u.ts_created <= end_ns]
        await session.take(asked)
        reports = [await self._reports.make_order_report(update) for update in asked]
        twaps = await self._twaps.report_all(market, open_only=command.open_only)
        reports += [
            self.report_held_order(ClientOrderId(state.client_order_id))
            for state in session.store.open_orders()
            if market in (None, state.market)
            and state.client_order_id in session.commands.on_behalf
        ]
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
        reports = [await self._reports.make_fill_report(fill) for fill in fills]
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


def _find_market(instrument_id: InstrumentId | None) -> str | None:
    return None if instrument_id is None else instrument_id.symbol.value


def _to_ns(moment: Any) -> int | None:
    """Return a pandas timestamp or a datetime in nanoseconds since the Unix epoch."""
    return None if moment is None else dt_to_unix_nanos(moment)


def _to_ms(moment: Any) -> int | None:
    ns = _to_ns(moment)
    return None if ns is None else ns // 1_000_000
