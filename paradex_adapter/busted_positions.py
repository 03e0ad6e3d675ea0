"""Positions after trade busts, brought to the venue's by position reports.

The engine makes up a fill for whatever a position report differs by. A fill that the venue counts
already and the engine not yet, or the other way round, must not be among that: a report is given
only when the difference is what the busts took back, or stands still.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Final

from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, Logger
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import GeneratePositionStatusReports
from nautilus_trader.execution.reports import PositionStatusReport
from nautilus_trader.model.identifiers import AccountId, InstrumentId

from paradex_adapter.account_answers import AccountAnswers
from paradex_adapter.venue.errors import ParadexError
from paradex_adapter.venue.trading_session import TradingSession

# Before each look at the venue's position; the last two are far enough apart to tell a difference
# that stands still from fills on their way.
LOOK_DELAYS_SECS: Final = (0.0, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 2.0)
HELD_POLL_SECS: Final = 0.05


class BustedPositions:
    """Has the engine's positions follow fills that were taken back.

    Parameters
    ----------
    session : TradingSession
        Whose stream tells the engine of fills.
    answers : AccountAnswers
        Asks the venue for positions.
    account_id : AccountId
        Whose positions.
    cache : Cache
        How far the engine has got.
    clock : LiveClock
        The node's clock.
    log : Logger
        The client's log.
    send_report : Callable[[PositionStatusReport], None]
        Gives a report to the engine.
    """

    def __init__(
        self,
        session: TradingSession,
        answers: AccountAnswers,
        account_id: AccountId,
        cache: Cache,
        clock: LiveClock,
        log: Logger,
        send_report: Callable[[PositionStatusReport], None],
    ) -> None:
        self._session: Final = session
        self._answers: Final = answers
        self._account_id: Final = account_id
        self._cache: Final = cache
        self._clock: Final = clock
        self._log: Final = log
        self._send_report: Final = send_report
        # By instrument: what busts took back since its position was reported last.
        self._taken_back: Final[dict[InstrumentId, Decimal]] = {}
        self._tasks: Final[dict[InstrumentId | None, asyncio.Task[None]]] = {}

    def follow(self, instrument_id: InstrumentId | None, taken_back: Decimal) -> None:
        """Bring a position to the venue's.

        Parameters
        ----------
        instrument_id : InstrumentId or None
            Of the fill that was taken back; None where it is not known, for all positions.
        taken_back : Decimal
            Its quantity, below zero of a sale.
        """
        if instrument_id is not None:
            before = self._taken_back.get(instrument_id, Decimal(0))
            self._taken_back[instrument_id] = before + taken_back
        earlier = self._tasks.get(instrument_id)
        if earlier is not None:
            # It would give up too early for this one.
            earlier.cancel()
        settle = self._settle_all() if instrument_id is None else self._settle(instrument_id)
        self._tasks[instrument_id] = asyncio.create_task(settle, name="paradex-busted-positions")

    async def close(self) -> None:
        """Stop asking."""
        for task in self._tasks.values():
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks.values())

    async def _settle_all(self) -> None:
        held = self._cache.positions_open(account_id=self._account_id)
        instrument_ids = {position.instrument_id for position in held}
        with suppress(ParadexError):
            instrument_ids.update(r.instrument_id for r in await self._read(None))
        await asyncio.gather(*(self._settle(instrument_id) for instrument_id in instrument_ids))

    async def _settle(self, instrument_id: InstrumentId) -> None:
        apart: Decimal | None = None
        is_told = False
        for number, delay in enumerate(LOOK_DELAYS_SECS, 1):
            await asyncio.sleep(delay)
            while self._session.book.is_held:  # noqa: ASYNC110 - the hold ends by itself
                await asyncio.sleep(HELD_POLL_SECS)
            before, report = apart, await self._read_one(instrument_id)
            if report is None:
                apart = None
                continue
            apart = report.signed_decimal_qty - self._find_size(instrument_id)
            is_last = number == len(LOOK_DELAYS_SECS)
            if apart == 0 and (is_told or is_last):
                break
            taken_back = self._taken_back.get(instrument_id, Decimal(0))
            # A position that crosses zero may take the engine two reports.
            is_standing = apart == before and (is_told or is_last)
            if is_standing or apart == -taken_back != 0:
                self._taken_back.pop(instrument_id, None)
                self._send_report(report)
                is_told = True
                apart = report.signed_decimal_qty - self._find_size(instrument_id)
        if apart != 0:
            self._log.error(
                f"The {instrument_id} position could not be brought to the venue's after a trade "
                "bust: set position_check_interval_secs, or restart"
            )
        self._taken_back.pop(instrument_id, None)

    async def _read_one(self, instrument_id: InstrumentId) -> PositionStatusReport | None:
        """Return the venue's position, None where it cannot be had or compared."""
        try:
            reports = await self._read(instrument_id)
        except ParadexError as error:
            self._log.warning(f"Cannot ask for the position after a trade bust: {error}")
            return None
        return reports[0] if reports and not self._session.book.is_held else None

    async def _read(self, instrument_id: InstrumentId | None) -> list[PositionStatusReport]:
        ts_init = self._clock.timestamp_ns()
        return await self._answers.report_positions(
            GeneratePositionStatusReports(instrument_id, None, None, UUID4(), ts_init)
        )

    def _find_size(self, instrument_id: InstrumentId) -> Decimal:
        """Return the size of the engine's position, below zero when it is short."""
        held = self._cache.positions_open(instrument_id=instrument_id, account_id=self._account_id)
        return sum((position.signed_decimal_qty() for position in held), Decimal(0))
