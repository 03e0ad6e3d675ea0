"""What is known of one own algo order, and what of it was told."""

from typing import Final, final

from paradex_adapter.venue.algo_requests import AlgoRequest
from paradex_adapter_core.events import (
    Event,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderRejected,
)
from paradex_adapter_core.messages.orders import AlgoOrder
from paradex_adapter_core.vocabulary import EXPIRE_REASONS, STATUS_CLOSED


@final
class AlgoState:
    """What is known of one own algo order.

    Parameters
    ----------
    request : AlgoRequest
        What was asked for.
    algo_order_id : str
        The venue's id; empty until the venue has taken the order.

    Attributes
    ----------
    latest : AlgoOrder or None
        What the venue said of it last; None before it said anything.
    refusal : str
        Why it never came to be an order of the venue; empty while it is, or may be, one.
    """

    __slots__ = (
        "_has_told_accepted",
        "_has_told_end",
        "_published",
        "algo_order_id",
        "latest",
        "refusal",
        "request",
    )

    def __init__(self, request: AlgoRequest, algo_order_id: str = "") -> None:
        self.request: Final = request
        self.algo_order_id = algo_order_id
        self.latest: AlgoOrder | None = None
        self.refusal = ""
        self._has_told_accepted = False
        self._has_told_end = False
        self._published: AlgoOrder | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is, or may still come to be, at work."""
        return not self.refusal and not self.is_ended

    @property
    def is_ended(self) -> bool:
        """Whether it was taken and is over."""
        return self.latest is not None and self.latest.status == STATUS_CLOSED

    @property
    def has_expired(self) -> bool:
        """Whether it came to its end by itself: all of it traded, or its time over."""
        latest = self.latest
        if latest is None or latest.status != STATUS_CLOSED:
            return False
        is_over = not latest.cancel_reason and 0 < latest.ts_end <= latest.ts_updated
        return not latest.remaining_size or latest.cancel_reason in EXPIRE_REASONS or is_over

    def take(self, row: AlgoOrder) -> None:
        """Keep what the venue says, unless something newer was said before."""
        latest = self.latest
        self.algo_order_id = row.algo_order_id
        if latest is None or not (self.is_ended or row.ts_updated < latest.ts_updated):
            self.latest = row

    def mark_told(self) -> None:
        """Count as told what a report told."""
        self._has_told_accepted = self._has_told_accepted or bool(self.algo_order_id)
        self._has_told_end = self._has_told_end or self.is_ended

    def take_events(self, ts_event: int) -> list[Event]:
        """Return what of it was not told before."""
        client_order_id = self.request.client_order_id
        events: list[Event] = []
        if self.refusal:
            if not self._has_told_end:
                self._has_told_end = True
                events.append(OrderRejected(client_order_id, self.refusal, False, ts_event))
            return events
        latest = self.latest
        if latest is None:
            return events
        ids = (client_order_id, self.algo_order_id)
        if not self._has_told_accepted:
            self._has_told_accepted = True
            events.append(OrderAccepted(*ids, latest.ts_created or ts_event))
        if self.is_ended and not self._has_told_end:
            self._has_told_end = True
            end = OrderExpired if self.has_expired else OrderCanceled
            events.append(end(*ids, latest.cancel_reason, latest.ts_updated or ts_event))
        return events

    def take_progress(self) -> AlgoOrder | None:
        """Return how it stands, where that is not what was returned before."""
        latest, before = self.latest, self._published
        if latest is None or (before is not None and _stand(before) == _stand(latest)):
            return None
        self._published = latest
        return latest


@final
class AlgoProgress:
    """How an own algo order stands: ``order`` is the venue's word."""

    __slots__ = ("client_order_id", "order")

    def __init__(self, client_order_id: str, order: AlgoOrder) -> None:
        self.client_order_id: Final = client_order_id
        self.order: Final = order


def _stand(order: AlgoOrder) -> tuple[int, int, int | None, str, int]:
    return (
        order.status,
        order.remaining_size,
        order.avg_fill_price,
        order.cancel_reason,
        order.ts_end,
    )
