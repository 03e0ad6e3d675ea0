"""Orders for an isolated margin account: the venue's replies are all that is ever told of them.

Such an account is traded with the keys of the main one, which gets no update, no fill and no answer
to a question about it. So an order the venue took is told as working, and one whose cancel it took,
or that it says is over, as canceled: for the account here it filled nothing, since what it filled
is the other account's.
"""

from collections import OrderedDict
from typing import Final, final

from paradex_adapter_core.messages.orders import OrderUpdate
from paradex_adapter_core.vocabulary import (
    CONDITIONAL_TYPES,
    STATUS_CLOSED,
    STATUS_NEW,
    STATUS_OPEN,
    STATUS_UNTRIGGERED,
)

NOTED_MAX: Final = 10_000


@final
class OrdersOnBehalf:
    """The orders sent for other accounts; past `NOTED_MAX` the oldest is forgotten."""

    __slots__ = ("_receipts",)

    def __init__(self) -> None:
        self._receipts: Final[OrderedDict[str, OrderUpdate | None]] = OrderedDict()

    def __contains__(self, client_order_id: str) -> bool:
        return client_order_id in self._receipts

    def note(self, client_order_id: str) -> None:
        """Note an order that is about to be sent."""
        self._receipts[client_order_id] = None
        if len(self._receipts) > NOTED_MAX:
            self._receipts.popitem(last=False)

    def take(self, receipt: OrderUpdate) -> OrderUpdate:
        """Return what the venue's receipt for an order tells: that it works, if it is a noted one.

        Nothing else will tell that.
        """
        if receipt.client_order_id not in self._receipts or receipt.status != STATUS_NEW:
            return receipt
        is_conditional = receipt.order_type in CONDITIONAL_TYPES
        working = _with_status(receipt, STATUS_UNTRIGGERED if is_conditional else STATUS_OPEN, "")
        self._receipts[receipt.client_order_id] = working
        return working

    def find_end(self, client_order_id: str) -> OrderUpdate | None:
        """Return what a cancel that the venue took tells of a noted order that works."""
        working = self._receipts.get(client_order_id)
        return None if working is None else _with_status(working, STATUS_CLOSED, "USER_CANCELED")


def _with_status(update: OrderUpdate, status: int, cancel_reason: str) -> OrderUpdate:
    return OrderUpdate(
        account=update.account,
        venue_order_id=update.venue_order_id,
        client_order_id=update.client_order_id,
        market=update.market,
        side=update.side,
        order_type=update.order_type,
        instruction=update.instruction,
        status=status,
        price=update.price,
        trigger_price=update.trigger_price,
        size=update.size,
        remaining_size=update.size,
        avg_fill_price=None,
        cancel_reason=cancel_reason,
        flags=update.flags,
        stp=update.stp,
        # It has no place among the updates of a feed.
        seq_no=0,
        feed=update.feed,
        ts_created=update.ts_created,
        ts_updated=update.ts_updated,
        ts_signed=update.ts_signed,
        request_id="",
        request_status=0,
        request_type=0,
        request_message="",
    )
