"""The one owner of orders, positions and balances (skeleton: signatures are final, bodies follow)."""

from typing import Final, final

from paradex_adapter_core.events import Event
from paradex_adapter_core.messages import AccountSummary, Balance, Fill, OrderUpdate, Position
from paradex_adapter_core.order_lifecycle import OrderState

CLOSED_ORDERS_MAX: Final = 10_000
OPEN_ORDERS_MAX: Final = 10_000

type AccountMessage = OrderUpdate | Fill | Position | AccountSummary | Balance


@final
class StateStore:
    """Orders, positions and balances of one account: messages in, events out."""

    def __init__(self, account: str) -> None:
        self.account: Final = account

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
        """Take up an order before it is sent. Asserts a fresh id and not `is_full`."""
        raise NotImplementedError

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
    ) -> OrderState:
        """Take up an open order of an earlier run; ``fills`` are (fill type, fill id) already known."""
        raise NotImplementedError

    def apply(self, message: AccountMessage, ts_init: int) -> list[Event]:
        """Apply one message of the account, from REST or the stream; return what is new in it."""
        raise NotImplementedError

    def refuse_order(
        self, client_order_id: str, reason: str, due_post_only: bool, ts_event: int
    ) -> list[Event]:
        """Apply a definite refusal of our request to create the order."""
        raise NotImplementedError

    def release_terminal(self, client_order_id: str) -> list[Event]:
        """Stop waiting for fills of a closed order, REST having said that there are no more."""
        raise NotImplementedError

    def mark_told(self, fill: Fill) -> list[Event]:
        """Count a fill that the engine gets by a report: it will not be told again.

        The returned events are those of an order that waited for this fill.
        """
        raise NotImplementedError

    def find_order(self, client_order_id: str) -> OrderState | None:
        """Return the own order with this client id."""
        raise NotImplementedError

    def find_order_by_venue_id(self, venue_order_id: str) -> OrderState | None:
        """Return the own order with this venue id."""
        raise NotImplementedError

    def find_external(self, venue_order_id: str) -> OrderUpdate | None:
        """Return the last update of an order this process did not send."""
        raise NotImplementedError

    def open_orders(self) -> list[OrderState]:
        """Return the own orders without a terminal event."""
        raise NotImplementedError

    def find_position(self, market: str) -> Position | None:
        """Return the newest position told for a market."""
        raise NotImplementedError

    def positions(self) -> list[Position]:
        """Return the newest position of every market told so far, closed ones included."""
        raise NotImplementedError

    def balances(self) -> list[Balance]:
        """Return the newest balance of every token told so far."""
        raise NotImplementedError

    @property
    def account_summary(self) -> AccountSummary | None:
        """The newest margin state told."""
        raise NotImplementedError

    @property
    def is_full(self) -> bool:
        """Whether no further order can be tracked."""
        raise NotImplementedError
