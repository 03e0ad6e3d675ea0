"""The one owner of an account's orders, positions and balances: messages in, events out.

Rules
-----
1. REST and stream feed the same store; what one feed told already is no news from the other.
2. An order is ours when it was tracked or restored, and found by its venue id first, by its
   client id second. Everything else is external: told by its updates as they are.
3. A fill is admitted by the ledger before anything else, so it counts once by whatever way it
   comes.
4. Open orders are never forgotten. Everything else is bounded and forgets its oldest.
"""

from collections import deque
from typing import Final, final

from paradex_adapter_core.account_state import (
    BALANCES_MAX,
    EXTERNAL_ORDERS_MAX,
    POSITIONS_MAX,
    AccountState,
)
from paradex_adapter_core.dedup_ledger import LEDGER_CAPACITY, DedupLedger
from paradex_adapter_core.events import Contradiction, Event, FillApplied
from paradex_adapter_core.messages.account import AccountSummary, Balance, Position
from paradex_adapter_core.messages.orders import Fill, OrderUpdate
from paradex_adapter_core.order_state import OrderState
from paradex_adapter_core.vocabulary import STATUS_CLOSED

OPEN_ORDERS_MAX: Final = 10_000
CLOSED_ORDERS_MAX: Final = 10_000

type AccountMessage = OrderUpdate | Fill | Position | AccountSummary | Balance


@final
class StateStore:
    """Orders, positions and balances of one account.

    Parameters
    ----------
    account : str
        The account's address, as the fills' ledger key.
    ledger_capacity : int
        How many fills are remembered at least.
    open_orders_max : int
        How many own orders may be open at once; see `is_full`.
    closed_orders_max : int
        How many own orders are remembered after their end.
    external_orders_max : int
        How many orders of others are remembered at least; never twice as many.
    positions_max, balances_max : int
        How many markets and tokens are remembered.
    """

    def __init__(
        self,
        account: str,
        *,
        ledger_capacity: int = LEDGER_CAPACITY,
        open_orders_max: int = OPEN_ORDERS_MAX,
        closed_orders_max: int = CLOSED_ORDERS_MAX,
        external_orders_max: int = EXTERNAL_ORDERS_MAX,
        positions_max: int = POSITIONS_MAX,
        balances_max: int = BALANCES_MAX,
    ) -> None:
        self.account: Final = account
        self.ledger: Final = DedupLedger(ledger_capacity)
        self.open_orders_max: Final = open_orders_max
        self.closed_orders_max: Final = closed_orders_max
        self._by_client_id: Final[dict[str, OrderState]] = {}
        self._by_venue_id: Final[dict[str, OrderState]] = {}
        self._open: Final[dict[str, OrderState]] = {}
        self._closed: Final[deque[OrderState]] = deque()
        self._told: Final = AccountState(external_orders_max, positions_max, balances_max)

    @property
    def is_full(self) -> bool:
        """Whether no further order can be tracked."""
        return len(self._open) >= self.open_orders_max

    def track_order(
        self,
        client_order_id: str,
        market: str,
        side: int,
        order_type: int,
        instruction: int,
        size: int,
        price: int | None,
        trigger_price: int | None,
        flags: int,
        ts_sent: int,
    ) -> OrderState:
        """Take up an order before it is sent.

        Parameters
        ----------
        client_order_id : str
            An id not tracked yet.
        market : str
            The venue's symbol.
        side, order_type, instruction, flags : int
            Codes of `vocabulary`.
        size, price, trigger_price : int or None
            As sent, in 1e-8.
        ts_sent : int
            UNIX nanoseconds.

        Raises
        ------
        AssertionError
            The id is empty or tracked already, or the store `is_full`.
        """
        assert client_order_id, "an own order has a client id"
        assert client_order_id not in self._by_client_id, f"{client_order_id} is tracked already"
        assert not self.is_full, f"{self.open_orders_max} orders are open already"
        order = OrderState(
            client_order_id,
            market,
            side,
            order_type,
            instruction,
            size,
            price,
            trigger_price,
            flags,
            ts_sent,
        )
        self._by_client_id[client_order_id] = order
        self._open[client_order_id] = order
        return order

    def restore_order(
        self,
        client_order_id: str,
        venue_order_id: str,
        market: str,
        side: int,
        order_type: int,
        instruction: int,
        size: int,
        price: int | None,
        trigger_price: int | None,
        flags: int,
        ts_sent: int,
        is_accepted: bool,
        filled: int,
        fills: list[tuple[int, str]],
        is_triggered: bool = False,
    ) -> OrderState:
        """Take up an open order of an earlier run, as `track_order` does.

        Parameters
        ----------
        venue_order_id : str
            Empty when the earlier run never learned it.
        is_accepted : bool
            Whether acceptance was told to the engine.
        filled : int
            The quantity the engine knows as filled, in 1e-8.
        fills : list[tuple[int, str]]
            Fill type and fill id of every fill the engine knows of; they will not be told again.
        is_triggered : bool
            Whether the trigger of a conditional order was told to the engine; implied by a fill.
        """
        order = self.track_order(
            client_order_id,
            market,
            side,
            order_type,
            instruction,
            size,
            price,
            trigger_price,
            flags,
            ts_sent,
        )
        order.restore(venue_order_id, is_accepted, filled, is_triggered)
        if venue_order_id:
            assert venue_order_id not in self._by_venue_id, f"{venue_order_id} is tracked already"
            self._by_venue_id[venue_order_id] = order
        for fill_type, fill_id in fills:
            self.ledger.admit(self.account, fill_type, fill_id)
        return order

    def apply(self, message: AccountMessage, ts_init: int) -> list[Event]:
        """Apply one message of the account, from REST or the stream.

        Parameters
        ----------
        message : OrderUpdate or Fill or Position or AccountSummary or Balance
        ts_init : int
            When it was received, in UNIX nanoseconds; stands in where the venue tells no time.

        Returns
        -------
        list[Event]
            What is new in it, in the order to be told.
        """
        if isinstance(message, OrderUpdate):
            return self._apply_order_update(message, ts_init)
        if isinstance(message, Fill):
            return self._apply_fill(message, False)
        if isinstance(message, Position):
            return self._told.apply_position(message)
        if isinstance(message, AccountSummary):
            return self._told.apply_summary(message)
        return self._told.apply_balance(message)

    def mark_told(self, fill: Fill) -> list[Event]:
        """Count a fill that the engine gets by a report, so that it is not told again.

        Acceptance that was not told yet is taken as told with it. The events returned are the
        rest of what the fill brings about: the end of an order that waited for it, or a
        contradiction.
        """
        return self._apply_fill(fill, True)

    def refuse_order(
        self, client_order_id: str, reason: str, due_post_only: bool, ts_event: int
    ) -> list[Event]:
        """Apply a definite refusal of the request to create an own order.

        Not for unknown outcomes. An order the venue is known to hold is not refused: that is a
        `Contradiction`.
        """
        order = self._by_client_id.get(client_order_id)
        if order is None:
            return []
        events = order.refuse(reason, due_post_only, ts_event)
        self._retire(order)
        return events

    def change_order(
        self, client_order_id: str, size: int, price: int | None, trigger_price: int | None
    ) -> None:
        """Note, before it is sent, a request to change an open own order.

        `OrderChanged` or one `ModifyRejected` tells its outcome.

        Parameters
        ----------
        size : int
            The size in total, in 1e-8.
        price, trigger_price : int or None
            In 1e-8; None where the order has none. A market kind has no price of its own.
        """
        order = self._by_client_id.get(client_order_id)
        if order is not None and order.is_open:
            order.change(size, price, trigger_price)

    def refuse_change(self, client_order_id: str, reason: str, ts_event: int) -> list[Event]:
        """Give up the change of an own order under way; nothing when there is none."""
        order = self._by_client_id.get(client_order_id)
        return [] if order is None else order.refuse_change(reason, ts_event)

    def release_terminal(self, client_order_id: str) -> list[Event]:
        """Stop waiting for the missing fills of a closed order, REST having no more of them.

        Returns a `Contradiction`, then the end of the order unless its end is to be filled;
        nothing for an order that waits for no fills.
        """
        order = self._by_client_id.get(client_order_id)
        if order is None:
            return []
        events = order.release()
        self._retire(order)
        return events

    def find_order(self, client_order_id: str) -> OrderState | None:
        """Return the own order with this client id."""
        return self._by_client_id.get(client_order_id)

    def find_order_by_venue_id(self, venue_order_id: str) -> OrderState | None:
        """Return the own order with this venue id."""
        return self._by_venue_id.get(venue_order_id)

    @property
    def account_summary(self) -> AccountSummary | None:
        """The newest margin state told."""
        return self._told.summary

    def open_orders(self) -> list[OrderState]:
        """Return the own orders whose end was not told, oldest first."""
        return list(self._open.values())

    def positions(self) -> list[Position]:
        """Return the newest position of every market told so far, flat ones included."""
        return list(self._told.positions.values())

    def balances(self) -> list[Balance]:
        """Return the newest balance of every token told so far."""
        return list(self._told.balances.values())

    def _find_own(
        self, venue_order_id: str, client_order_id: str, is_refusal: bool
    ) -> OrderState | None:
        order = self._by_venue_id.get(venue_order_id)
        if order is not None:
            return order
        order = self._by_client_id.get(client_order_id)
        if order is None:
            return None
        if venue_order_id and not order.venue_order_id and (order.is_open or is_refusal):
            order.venue_order_id = venue_order_id
            self._by_venue_id[venue_order_id] = order
            return order
        # Another order with the client id of ours is not ours, nor one that trades under the id of
        # an order that was refused: the engine gave that up.
        return None if venue_order_id else order

    def _apply_order_update(self, update: OrderUpdate, ts_init: int) -> list[Event]:
        is_refusal = update.status == STATUS_CLOSED and update.remaining_size == update.size
        order = self._find_own(update.venue_order_id, update.client_order_id, is_refusal)
        if order is None:
            events = self._told.apply_order(update)
            if events:
                self._tell_stolen_id(update.client_order_id, update.venue_order_id, events)
            return events
        events = order.apply_update(update, ts_init)
        self._retire(order)
        return events

    def _apply_fill(self, fill: Fill, is_told: bool) -> list[Event]:
        events: list[Event] = []
        if fill.size <= 0:
            told = f"fill {fill.fill_id} of {fill.size}"
            events.append(Contradiction("", fill.venue_order_id, "", told))
            return events
        if not self.ledger.admit(self.account, fill.fill_type, fill.fill_id):
            return events
        order = self._find_own(fill.venue_order_id, fill.client_order_id, False)
        if order is not None:
            events = order.apply_fill(fill, is_told)
            self._retire(order)
            return events
        if is_told:
            return events
        held = self._told.find_order(fill.venue_order_id)
        side = fill.side if held is None else held.side
        events.append(FillApplied("", side, fill))
        self._tell_stolen_id(fill.client_order_id, fill.venue_order_id, events)
        return events

    def _tell_stolen_id(
        self, client_order_id: str, venue_order_id: str, events: list[Event]
    ) -> None:
        """Tell of an order that bears the client id of an own one and is not it."""
        own = self._by_client_id.get(client_order_id)
        if own is not None:
            events.append(
                Contradiction(
                    client_order_id, own.venue_order_id, own.venue_order_id, venue_order_id
                )
            )

    def _retire(self, order: OrderState) -> None:
        """Move an order that ended to the closed ones, and forget the oldest of those."""
        if order.is_open or order.client_order_id not in self._open:
            return
        del self._open[order.client_order_id]
        self._closed.append(order)
        if len(self._closed) > self.closed_orders_max:
            oldest = self._closed.popleft()
            del self._by_client_id[oldest.client_order_id]
            if oldest.venue_order_id:
                del self._by_venue_id[oldest.venue_order_id]
