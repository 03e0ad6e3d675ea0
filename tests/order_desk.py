"""A venue and its client in one, for the rules of orders that hang together: time stands still.

What is asked of it waits in `pending` until a test lets it happen, one by one, in any order.
"""

import asyncio
from collections.abc import Callable, Sequence

from paradex_adapter.contingencies import Contingencies
from paradex_adapter.contingency_rules import Leg, Link, Phase
from paradex_adapter.order_desk import Standing

WAIT_SECS = 5.0


class VenueOrder:
    """An order at the venue."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.filled = 0
        self.phase = Phase.SENT
        self.is_refused = False
        self.is_taken = False
        self.changing_to = 0


class Desk:
    """Keeps orders, and everything that is told of held ones.

    Attributes
    ----------
    pending : dict[str, Callable[[bool], None]]
        What waits to happen, or to be refused, by "accept O", "resize O", "cancel O".
    told : list[str]
        Of held orders.
    """

    def __init__(self) -> None:
        self.orders: dict[str, VenueOrder] = {}
        self.pending: dict[str, Callable[[bool], None]] = {}
        self.told: list[str] = []
        self.batches: list[list[str]] = []
        self.warnings: list[str] = []
        self.obstacle: str | None = None
        self.denied: set[str] = set()
        self.contingencies = Contingencies(self)
        self._prepared: dict[str, int] = {}

    # -- what a test does -------------------------------------------------------------------------

    def submit(self, *legs: Leg) -> None:
        self.contingencies.take(legs)
        self.contingencies.look([legs[0].client_order_id])

    def let(self, name: str, *, is_refused: bool = False) -> None:
        """Let something that waits happen."""
        self.pending.pop(name)(is_refused)
        self.contingencies.look([name.split()[1]])

    async def let_all(self) -> None:
        await settle()
        while self.pending:
            self.let(next(iter(self.pending)))
            await settle()

    async def until_asked(self) -> None:
        """Wait, at most `WAIT_SECS`, until something is asked for."""
        async with asyncio.timeout(WAIT_SECS):
            while not self.pending:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.005)

    def fill(self, name: str, size: int) -> None:
        order = self.orders[name]
        order.filled += size
        order.phase = Phase.OVER if order.filled >= order.size else Phase.WORKING
        self.contingencies.look([name])

    def end(self, name: str, *, is_refused: bool = False, is_taken: bool = False) -> None:
        self.orders[name].phase = Phase.OVER
        self.orders[name].is_refused = is_refused
        self.orders[name].is_taken = is_taken
        self.contingencies.look([name])

    def at_venue(self) -> dict[str, int]:
        """Return the total sizes of the orders that are not over."""
        return {
            name: order.size for name, order in self.orders.items() if order.phase != Phase.OVER
        }

    # -- `OrderDesk` ------------------------------------------------------------------------------

    def find_standing(self, client_order_id: str) -> Standing | None:
        order = self.orders.get(client_order_id)
        if order is None:
            return None
        return Standing(
            phase=order.phase,
            size=order.size,
            filled=order.filled,
            told_filled=order.filled,
            is_refused=order.is_refused,
            is_taken=order.is_taken,
            is_changing=order.changing_to > 0,
        )

    def find_obstacle(self, client_order_id: str) -> str | None:
        return self.obstacle

    def prepare(self, client_order_id: str, size: int) -> bool:
        if client_order_id in self.denied:
            self.told.append(f"denied {client_order_id}")
            return False
        self._prepared[client_order_id] = size
        self.told.append(f"submitted {client_order_id} {size}")
        return True

    async def send(self, client_order_ids: Sequence[str]) -> None:
        self.batches.append(list(client_order_ids))
        for name in client_order_ids:
            assert name not in self.orders, f"{name} is sent twice"
            order = self.orders[name] = VenueOrder(self._prepared.pop(name))

            def accept(is_refused: bool, order: VenueOrder = order) -> None:
                if order.phase is Phase.SENT:
                    order.phase = Phase.OVER if is_refused else Phase.WORKING
                    order.is_refused = is_refused

            self.pending[f"accept {name}"] = accept

    async def resize(self, client_order_id: str, size: int) -> str | None:
        order = self.orders[client_order_id]
        if order.phase is not Phase.WORKING:
            return "it does not work"
        assert not order.changing_to, "one change at a time"
        order.changing_to = size

        def change(is_refused: bool) -> None:
            if order.phase is Phase.WORKING and not is_refused and size > order.filled:
                order.size = size
            order.changing_to = 0

        self.pending[f"resize {client_order_id}"] = change
        return None

    async def cancel(self, client_order_id: str) -> str | None:
        order = self.orders.get(client_order_id)
        if order is None or order.phase is Phase.OVER:
            return None

        def end(is_refused: bool) -> None:
            if not is_refused:
                order.phase = Phase.OVER

        self.pending[f"cancel {client_order_id}"] = end
        return None

    def tell_canceled(self, client_order_id: str) -> None:
        self.told.append(f"canceled {client_order_id}")

    def tell_resized(self, client_order_id: str, size: int) -> None:
        self.told.append(f"updated {client_order_id} {size}")

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def inform(self, text: str) -> None:
        pass


async def settle() -> None:
    """Let every task that can go on go on."""
    for _ in range(20):
        await asyncio.sleep(0)


def bracket(size: int = 10, link: Link = Link.OUO) -> list[Leg]:
    """Return an entry E with a stop S and a profit P."""
    return [
        Leg("E", size),
        Leg("S", size, parent_id="E", link=link, linked=("P",)),
        Leg("P", size, parent_id="E", link=link, linked=("S",)),
    ]


def pair(link: Link, size: int = 10) -> list[Leg]:
    """Return two linked orders without a parent."""
    return [Leg("A", size, link=link, linked=("B",)), Leg("B", size, link=link, linked=("A",))]
