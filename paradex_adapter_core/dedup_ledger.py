"""Which fills were already counted: a bounded memory of fill ids.

Rules
-----
1. A fill is (account, fill type, fill id): the venue's ids are unique per type only.
2. The last ``capacity`` fills admitted are remembered for certain, and never twice as many.
3. Forgetting is one step: ids live in two generations, and when the young one is full the old one
   is dropped whole. Nothing is scanned and no deleted entries pile up.
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
        # Account -> fill id -> one bit per fill type: no key to be built, and one look-up by a
        # string whose hash is known.
        self._young: dict[str, dict[str, int]] = {}
        self._old: dict[str, dict[str, int]] = {}
        self._young_fills = 0
        self._old_fills = 0

    def admit(self, account: str, fill_type: int, fill_id: str) -> bool:
        """Remember a fill; return whether it was new.

        Parameters
        ----------
        account : str
            The account the fill belongs to.
        fill_type : int
            One of `vocabulary.FILL_TYPES`, or any other code the venue sends; not negative.
        fill_id : str
            The venue's id of the fill.
        """
        bit = 1 << fill_type
        young = self._young.get(account)
        if young is None:
            young = {}
            self._young[account] = young
        types = young.get(fill_id, 0)
        if types & bit:
            return False
        old = self._old.get(account)
        if old is not None and old.get(fill_id, 0) & bit:
            return False
        young[fill_id] = types | bit
        self._young_fills += 1
        if self._young_fills == self.capacity:
            self._old = self._young
            self._old_fills = self._young_fills
            self._young = {}
            self._young_fills = 0
        return True

    def __len__(self) -> int:
        return self._young_fills + self._old_fills
