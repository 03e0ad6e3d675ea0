"""What `contingencies` asks of those who do to orders what its rules plan."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from paradex_adapter.contingency_rules import Phase


@dataclass(frozen=True, slots=True)
class Standing:
    """How an order that was sent stands; sizes in 1e-8.

    Attributes
    ----------
    phase : Phase
        Never `HELD`.
    size : int
        In total, as the venue has it.
    filled : int
        What the fills counted come to.
    told_filled : int
        What the venue says filled, with or without its fills.
    is_refused : bool
        Whether it is over without having worked.
    is_taken : bool
        Whether it is canceled though nobody here asked for that.
    is_changing : bool
        Whether a change is under way.
    """

    phase: Phase
    size: int
    filled: int
    told_filled: int
    is_refused: bool
    is_taken: bool
    is_changing: bool


class OrderDesk(Protocol):
    """Does to orders what the rules plan. Sizes are in 1e-8, in total."""

    def find_standing(self, client_order_id: str) -> Standing | None:
        """Return how an order stands; None where nothing is known of it."""

    def find_obstacle(self, client_order_id: str) -> str | None:
        """Return why an order cannot be sent at the moment, though later perhaps."""

    def prepare(self, client_order_id: str, size: int) -> bool:
        """Tell a held order as submitted, in this size; False if it had to be denied instead."""

    async def send(self, client_order_ids: Sequence[str]) -> None:
        """Send prepared orders, several as one batch."""

    async def resize(self, client_order_id: str, size: int) -> str | None:
        """Ask for another total size; return why nothing was sent, None when it was."""

    async def cancel(self, client_order_id: str) -> str | None:
        """Ask for a cancel; return why the venue refuses, None otherwise."""

    def tell_canceled(self, client_order_id: str) -> None:
        """Tell a held order as canceled."""

    def tell_resized(self, client_order_id: str, size: int) -> None:
        """Tell a held order as updated to this size."""

    def warn(self, text: str) -> None:
        """Take what a user should know."""

    def inform(self, text: str) -> None:
        """Take what a user may want to know."""
