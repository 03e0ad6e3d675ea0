"""The venue's whole answer about an account as the reports of a reconciliation. Pure."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final, final

from nautilus_trader.execution.reports import (
    ExecutionMassStatus,
    FillReport,
    OrderStatusReport,
    PositionStatusReport,
)
from nautilus_trader.model.enums import OrderStatus
from nautilus_trader.model.identifiers import AccountId, InstrumentId, VenueOrderId
from nautilus_trader.model.instruments import Instrument

from paradex_adapter.translate.reports import (
    fill_to_report,
    fills_to_order_report,
    order_update_to_report,
    position_to_report,
)
from paradex_adapter.translate.values import (
    UnusableMessageError,
    fill_to_order_text,
)
from paradex_adapter.venue.account_snapshot import AccountSnapshot
from paradex_adapter_core.messages.orders import Fill, OrderUpdate


@final
class WholeMassStatus(ExecutionMassStatus):
    """Orders, fills and positions, of which the engine is to leave nothing out.

    NautilusTrader begins with what a position was flat the last time: orders and fills from before,
    of one that works on as well, it drops, and what they did to the positions it remembers it makes
    up. It does so per position reported, before it takes the orders. Here every order comes with
    all of its fills, so until then no position is shown.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._shows_positions = False

    @property
    def position_reports(self) -> dict[InstrumentId, list[PositionStatusReport]]:
        """The reports of the positions, once the engine has asked what to leave out."""
        return dict(self._position_reports) if self._shows_positions else {}

    def to_pyo3(self) -> Any:
        """Return the form in which the engine asks what to leave out."""
        self._shows_positions = True
        return super().to_pyo3()


@final
class SnapshotReports:
    """Reports of one snapshot.

    ``given_orders`` and ``given_fills`` are what the reports tell; ``skipped`` says, a line each,
    what they do not: what is of a market that is not loaded, or has no Nautilus form.
    """

    def __init__(self) -> None:
        self.orders: Final[list[OrderStatusReport]] = []
        self.fills: Final[list[FillReport]] = []
        self.positions: Final[list[PositionStatusReport]] = []
        self.given_orders: Final[list[OrderUpdate]] = []
        self.given_fills: Final[list[Fill]] = []
        self.skipped: Final[list[str]] = []


def snapshot_to_reports(
    snapshot: AccountSnapshot,
    find_instrument: Callable[[str], Instrument | None],
    account_id: AccountId,
    ts_init: int,
    was_working: Callable[[OrderUpdate], bool] = lambda _update: False,
) -> SnapshotReports:
    """Return the reports of everything in a snapshot.

    Every fill has its order: one that the snapshot does not hold (a liquidation, an order from
    before the window) is made from its fills.

    Parameters
    ----------
    snapshot : AccountSnapshot
        As the venue answered.
    find_instrument : Callable[[str], Instrument or None]
        The instrument of a market, None when it is not loaded.
    account_id : AccountId
        Whose account it is.
    ts_init : int
        When the reports are made, in nanoseconds since the Unix epoch.
    was_working : Callable[[OrderUpdate], bool]
        Whether an order is known to have rested in the book: then it was not rejected.
    """
    reports = SnapshotReports()
    fills_of: dict[str, list[Fill]] = defaultdict(list)
    for fill in snapshot.fills:
        fills_of[fill_to_order_text(fill)].append(fill)
    for update in snapshot.orders:
        fills = fills_of.pop(update.venue_order_id, [])
        instrument = find_instrument(update.market)
        counted = snapshot.filled_of(update)
        if instrument is None:
            reports.skipped.append(f"order {update.venue_order_id}: {update.market} is not loaded")
            continue
        try:
            report = order_update_to_report(
                update,
                instrument,
                account_id,
                ts_init,
                was_working=was_working(update),
                counted=counted,
            )
            fill_reports = [
                fill_to_report(fill, update.side, instrument, account_id, ts_init) for fill in fills
            ]
        except UnusableMessageError as error:
            reports.skipped.append(f"order {update.venue_order_id!a}: {error}")
            continue
        reports.orders.append(report)
        reports.fills.extend(fill_reports)
        reports.given_orders.append(update)
        reports.given_fills.extend(fills)
    for fills in fills_of.values():
        _add_orphans(reports, fills, find_instrument(fills[0].market), account_id, ts_init)
    _sort_by_first_fill(reports)
    for position in snapshot.positions:
        instrument = find_instrument(position.market)
        if instrument is None:
            if position.size:
                reports.skipped.append(f"position in {position.market}: market is not loaded")
            continue
        reports.positions.append(position_to_report(position, instrument, account_id, ts_init))
    return reports


def _add_orphans(
    reports: SnapshotReports,
    fills: list[Fill],
    instrument: Instrument | None,
    account_id: AccountId,
    ts_init: int,
) -> None:
    first = fills[0]
    if instrument is None:
        reports.skipped.append(f"fill {first.fill_id}: {first.market} is not loaded")
        return
    try:
        report = fills_to_order_report(
            fills, first.side, instrument, account_id, ts_init, OrderStatus.FILLED
        )
        fill_reports = [
            fill_to_report(fill, first.side, instrument, account_id, ts_init) for fill in fills
        ]
    except UnusableMessageError as error:
        reports.skipped.append(f"fill {first.fill_id!a}: {error}")
        return
    reports.orders.append(report)
    reports.fills.extend(fill_reports)
    reports.given_fills.extend(fills)


def _sort_by_first_fill(reports: SnapshotReports) -> None:
    """Put orders in the order in which they began to fill.

    The engine works them in one by one, and takes from no position a fill of an order that only
    reduces when what it reduced comes behind it.
    """
    ts_first: dict[VenueOrderId, int] = {}
    for fill in reports.fills:
        ts_first[fill.venue_order_id] = min(
            fill.ts_event, ts_first.get(fill.venue_order_id, fill.ts_event)
        )
    reports.orders.sort(key=lambda report: ts_first.get(report.venue_order_id, report.ts_accepted))
