"""What the venue tells of the account and is taken as it is: the newest word stands.

Orders of others, positions, margin and balances. REST and stream feed the same state. Everything is
bounded and forgets its oldest.
"""

from typing import Final, final

from paradex_adapter_core.events import (
    AccountChanged,
    BalanceChanged,
    Event,
    ExternalOrder,
    PositionChanged,
)
from paradex_adapter_core.messages.account import AccountSummary, Balance, Position
from paradex_adapter_core.messages.orders import OrderUpdate
from paradex_adapter_core.vocabulary import STATUS_CLOSED

EXTERNAL_ORDERS_MAX: Final = 10_000
POSITIONS_MAX: Final = 10_000
BALANCES_MAX: Final = 1_000


def supersedes(
    feed: int, seq_no: int, ts_updated: int, held_feed: int, held_seq_no: int, held_ts: int
) -> bool:
    """Return whether one state of a thing is newer than the one held.

    Sequence numbers decide within a feed, times between feeds; at the same time the stream wins.
    """
    if feed == held_feed and seq_no != 0:
        return seq_no > held_seq_no
    if ts_updated == held_ts:
        return feed > held_feed
    return ts_updated > held_ts


@final
class AccountState:
    """The newest word on orders of others, positions, margin and balances.

    Parameters
    ----------
    external_orders_max : int
        How many orders of others are remembered at least; never twice as many.
    positions_max, balances_max : int
        How many markets and tokens are remembered.
    """

    def __init__(
        self,
        external_orders_max: int = EXTERNAL_ORDERS_MAX,
        positions_max: int = POSITIONS_MAX,
        balances_max: int = BALANCES_MAX,
    ) -> None:
        self.external_orders_max: Final = external_orders_max
        self.positions_max: Final = positions_max
        self.balances_max: Final = balances_max
        self.summary: AccountSummary | None = None
        self.positions: Final[dict[str, Position]] = {}
        self.balances: Final[dict[str, Balance]] = {}
        # Two generations, as in the ledger.
        self._orders: dict[str, OrderUpdate] = {}
        self._orders_old: dict[str, OrderUpdate] = {}

    def find_order(self, venue_order_id: str) -> OrderUpdate | None:
        """Return the newest update of an order of others."""
        held = self._orders.get(venue_order_id)
        return held if held is not None else self._orders_old.get(venue_order_id)

    def apply_order(self, update: OrderUpdate) -> list[Event]:
        """Take an update of an order of others. Closed is final; before that the newest stands."""
        held = self.find_order(update.venue_order_id)
        if held is not None:
            if held.status == STATUS_CLOSED:
                return []
            if update.status != STATUS_CLOSED and not supersedes(
                update.feed,
                update.seq_no,
                update.ts_updated,
                held.feed,
                held.seq_no,
                held.ts_updated,
            ):
                return []
        self._orders[update.venue_order_id] = update
        if len(self._orders) >= self.external_orders_max:
            self._orders_old = self._orders
            self._orders = {}
        return [ExternalOrder(update)]

    def apply_position(self, position: Position) -> list[Event]:
        """Take a position."""
        held = self.positions.get(position.market)
        if held is None:
            if len(self.positions) >= self.positions_max:
                self._forget_position()
        elif not supersedes(
            position.feed,
            position.seq_no,
            position.ts_updated,
            held.feed,
            held.seq_no,
            held.ts_updated,
        ):
            return []
        self.positions[position.market] = position
        return [PositionChanged(position)]

    def apply_summary(self, summary: AccountSummary) -> list[Event]:
        """Take a margin state. Prices move it without a change of its number or its time."""
        held = self.summary
        if held is not None and (_is_older(summary, held) or _is_same(summary, held)):
            return []
        self.summary = summary
        return [AccountChanged(summary)]

    def apply_balance(self, balance: Balance) -> list[Event]:
        """Take the holding of one token."""
        held = self.balances.get(balance.token)
        if held is None:
            if len(self.balances) >= self.balances_max:
                del self.balances[next(iter(self.balances))]
        elif balance.ts_updated < held.ts_updated:
            return []
        self.balances[balance.token] = balance
        return [BalanceChanged(balance)]

    def _forget_position(self) -> None:
        """Make room: the oldest flat position goes, or the oldest where none is flat."""
        victim = ""
        for market, position in self.positions.items():
            if position.size == 0:
                victim = market
                break
            victim = victim or market
        del self.positions[victim]


def _is_older(summary: AccountSummary, held: AccountSummary) -> bool:
    if summary.feed == held.feed and summary.seq_no != 0:
        return summary.seq_no < held.seq_no
    return summary.ts_updated < held.ts_updated


def _is_same(summary: AccountSummary, held: AccountSummary) -> bool:
    return (
        summary.ts_updated == held.ts_updated
        and summary.account_value == held.account_value
        and summary.total_collateral == held.total_collateral
        and summary.free_collateral == held.free_collateral
        and summary.initial_margin == held.initial_margin
        and summary.maintenance_margin == held.maintenance_margin
        and summary.status == held.status
    )
