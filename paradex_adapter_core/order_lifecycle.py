"""The life of one own order (skeleton: signatures are final, bodies follow)."""

from typing import Final, final

from mypy_extensions import mypyc_attr

# Ours, in the order of life: `status >= FILLED` is terminal, `status >= WORKING` means accepted was told
# (REJECTED excepted).
SENT: Final = 1
QUEUED: Final = 2
WORKING: Final = 3
CLOSING: Final = 4
FILLED: Final = 5
CANCELED: Final = 6
EXPIRED: Final = 7
REJECTED: Final = 8


@final
@mypyc_attr(acyclic=True)
class OrderState:
    """What is known of one own order. Read it; only the store changes it."""

    def __init__(
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
    ) -> None:
        self.client_order_id: Final = client_order_id
        self.market: Final = market
        self.side: Final = side
        self.order_type: Final = order_type
        self.instruction: Final = instruction
        self.flags: Final = flags
        self.ts_sent: Final = ts_sent
        self.venue_order_id = ""
        self.status = SENT
        self.size = size
        self.price = price
        self.trigger_price = trigger_price
        self.filled = 0
        self.told_filled = 0

    @property
    def is_open(self) -> bool:
        """Whether the order can still trade or still owes a terminal event."""
        return self.status < FILLED

    @property
    def missing(self) -> int:
        """The quantity the venue told as filled without a fill counted yet, in 1e-8."""
        return max(self.told_filled - self.filled, 0)
