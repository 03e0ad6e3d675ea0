"""What the state store reports to the shell, one final class per fact.

An event about an own order names it by ``client_order_id``; `ExternalOrder` and a `FillApplied`
with an empty ``client_order_id`` concern orders this process did not send. Units are those of
`messages`.
"""

from typing import Final, final

from mypy_extensions import mypyc_attr

from paradex_adapter_core.messages.account import AccountSummary, Balance, Position
from paradex_adapter_core.messages.orders import Fill, OrderUpdate


@final
@mypyc_attr(acyclic=True)
class OrderAccepted:
    """The venue works the order; told once per order and always before its first fill."""

    def __init__(self, client_order_id: str, venue_order_id: str, ts_event: int) -> None:
        self.client_order_id: Final = client_order_id
        self.venue_order_id: Final = venue_order_id
        self.ts_event: Final = ts_event


@final
@mypyc_attr(acyclic=True)
class OrderTriggered:
    """A conditional limit order goes to the book; told once, after acceptance, before any fill."""

    def __init__(self, client_order_id: str, venue_order_id: str, ts_event: int) -> None:
        self.client_order_id: Final = client_order_id
        self.venue_order_id: Final = venue_order_id
        self.ts_event: Final = ts_event


@final
@mypyc_attr(acyclic=True)
class OrderRejected:
    """The venue refused the order before it worked; terminal."""

    def __init__(
        self, client_order_id: str, reason: str, due_post_only: bool, ts_event: int
    ) -> None:
        self.client_order_id: Final = client_order_id
        self.reason: Final = reason
        self.due_post_only: Final = due_post_only
        self.ts_event: Final = ts_event


@final
@mypyc_attr(acyclic=True)
class OrderCanceled:
    """What remained of the order is gone; terminal. ``reason`` is the venue's word or empty."""

    def __init__(
        self, client_order_id: str, venue_order_id: str, reason: str, ts_event: int
    ) -> None:
        self.client_order_id: Final = client_order_id
        self.venue_order_id: Final = venue_order_id
        self.reason: Final = reason
        self.ts_event: Final = ts_event


@final
@mypyc_attr(acyclic=True)
class OrderExpired:
    """The order or its market expired; terminal."""

    def __init__(
        self, client_order_id: str, venue_order_id: str, reason: str, ts_event: int
    ) -> None:
        self.client_order_id: Final = client_order_id
        self.venue_order_id: Final = venue_order_id
        self.reason: Final = reason
        self.ts_event: Final = ts_event


@final
@mypyc_attr(acyclic=True)
class OrderChanged:
    """Price, trigger price or size of a working order changed at the venue."""

    def __init__(
        self,
        client_order_id: str,
        venue_order_id: str,
        size: int,
        price: int | None,
        trigger_price: int | None,
        ts_event: int,
    ) -> None:
        self.client_order_id: Final = client_order_id
        self.venue_order_id: Final = venue_order_id
        self.size: Final = size
        self.price: Final = price
        self.trigger_price: Final = trigger_price
        self.ts_event: Final = ts_event


@final
@mypyc_attr(acyclic=True)
class ModifyRejected:
    """A change asked for did not come about; once per request. The order is as it was."""

    def __init__(
        self, client_order_id: str, venue_order_id: str, reason: str, ts_event: int
    ) -> None:
        self.client_order_id: Final = client_order_id
        self.venue_order_id: Final = venue_order_id
        self.reason: Final = reason
        self.ts_event: Final = ts_event


@final
@mypyc_attr(acyclic=True)
class FillApplied:
    """A fill counted for the first time. ``client_order_id`` is empty for an order not ours.

    ``side`` is the account's own side: that of the order when it is known, else the fill's, whose
    meaning for maker fills the venue leaves open.
    """

    def __init__(self, client_order_id: str, side: int, fill: Fill) -> None:
        self.client_order_id: Final = client_order_id
        self.side: Final = side
        self.fill: Final = fill


@final
@mypyc_attr(acyclic=True)
class ExternalOrder:
    """News of an order this process did not send; to be told as a report."""

    def __init__(self, update: OrderUpdate) -> None:
        self.update: Final = update


@final
@mypyc_attr(acyclic=True)
class FillsMissing:
    """An order closed or moved further than the fills counted explain.

    Often the fills are just behind: wait a moment, look at ``OrderState.missing``, then ask REST.
    ``missing`` is the quantity without a fill, in 1e-8.
    """

    def __init__(
        self, client_order_id: str, venue_order_id: str, market: str, missing: int, ts_event: int
    ) -> None:
        self.client_order_id: Final = client_order_id
        self.venue_order_id: Final = venue_order_id
        self.market: Final = market
        self.missing: Final = missing
        self.ts_event: Final = ts_event


@final
@mypyc_attr(acyclic=True)
class PositionChanged:
    """The venue's net position in a market."""

    def __init__(self, position: Position) -> None:
        self.position: Final = position


@final
@mypyc_attr(acyclic=True)
class AccountChanged:
    """The venue's margin state of the account."""

    def __init__(self, summary: AccountSummary) -> None:
        self.summary: Final = summary


@final
@mypyc_attr(acyclic=True)
class BalanceChanged:
    """The venue's holding of one token."""

    def __init__(self, balance: Balance) -> None:
        self.balance: Final = balance


@final
@mypyc_attr(acyclic=True)
class Contradiction:
    """The venue told something impossible about an order: reconcile it. Counted, never raised.

    ``client_order_id`` is empty for an order not ours.
    """

    def __init__(self, client_order_id: str, venue_order_id: str, held: str, told: str) -> None:
        self.client_order_id: Final = client_order_id
        self.venue_order_id: Final = venue_order_id
        self.held: Final = held
        self.told: Final = told


type Event = (
    OrderAccepted
    | OrderTriggered
    | OrderRejected
    | OrderCanceled
    | OrderExpired
    | OrderChanged
    | ModifyRejected
    | FillApplied
    | ExternalOrder
    | FillsMissing
    | PositionChanged
    | AccountChanged
    | BalanceChanged
    | Contradiction
)
