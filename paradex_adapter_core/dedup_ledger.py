"""Which fills were already counted: a bounded memory of fill ids.

Rules
-----
1. A fill is (account, fill type, fill id): the venue's ids are unique per type only.
2. At least the last ``capacity`` fills admitted are remembered, at most twice as many.
3. Forgetting is one step: the ids live in two generations, and when the young one is full the old one
   is dropped whole. Nothing is scanned, and no deleted entries pile up.
"""

from typing import Final, final

LEDGER_CAPACITY: Final = 32_768


@final
class DedupLedger:
    """The fills already counted.

    Parameters
    ----------
    capacity : int
        How many fills are remembered at least; positive.
    """

    def __init__(self, capacity: int = LEDGER_CAPACITY) -> None:
        assert capacity > 0, "a ledger remembers at least one fill"
        self.capacity: Final = capacity

    def admit(self, account: str, fill_type: int, fill_id: str) -> bool:
        """Remember a fill; return whether it was new."""
        raise NotImplementedError

    def contains(self, account: str, fill_type: int, fill_id: str) -> bool:
        """Return whether a fill is remembered."""
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError
