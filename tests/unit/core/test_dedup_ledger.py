"""The ledger of fills already counted."""

import pytest

from paradex_adapter_core.dedup_ledger import LEDGER_CAPACITY, DedupLedger
from paradex_adapter_core.vocabulary import FILL_LIQUIDATION, FILL_ORDINARY, FILL_TYPES, UNKNOWN

ACCOUNT = "0x7e57"


def test_admits_a_fill_once() -> None:
    ledger = DedupLedger()
    assert ledger.admit(ACCOUNT, FILL_ORDINARY, "1")
    assert not ledger.admit(ACCOUNT, FILL_ORDINARY, "1")
    assert len(ledger) == 1


def test_ids_are_apart_by_type_and_account() -> None:
    ledger = DedupLedger()
    types = sorted({UNKNOWN, *FILL_TYPES.values()})
    for fill_type in types:
        assert ledger.admit(ACCOUNT, fill_type, "1")
    assert ledger.admit("0x0ther", FILL_ORDINARY, "1")
    assert len(ledger) == len(types) + 1
    for fill_type in types:
        assert not ledger.admit(ACCOUNT, fill_type, "1")
    assert ledger.admit("0x0ther", FILL_LIQUIDATION, "1")


@pytest.mark.parametrize("fill_type", [7, 62, 63, 64, 255])
def test_types_the_vocabulary_does_not_know_yet_work(fill_type: int) -> None:
    ledger = DedupLedger()
    assert ledger.admit(ACCOUNT, fill_type, "1")
    assert not ledger.admit(ACCOUNT, fill_type, "1")
    assert ledger.admit(ACCOUNT, fill_type + 1, "1")
    assert ledger.admit(ACCOUNT, FILL_ORDINARY, "1")


def test_remembers_its_capacity_and_forgets_the_oldest() -> None:
    capacity = 100
    ledger = DedupLedger(capacity)
    for number in range(1000):
        assert ledger.admit(ACCOUNT, FILL_ORDINARY, str(number))
        assert len(ledger) < 2 * capacity
        oldest_sure = max(0, number - capacity + 1)
        assert not ledger.admit(ACCOUNT, FILL_ORDINARY, str(oldest_sure))
    assert ledger.admit(ACCOUNT, FILL_ORDINARY, "0")


def test_a_type_in_the_old_generation_does_not_hide_another_in_the_young() -> None:
    ledger = DedupLedger(2)
    ledger.admit(ACCOUNT, FILL_ORDINARY, "1")
    ledger.admit(ACCOUNT, FILL_ORDINARY, "2")
    assert ledger.admit(ACCOUNT, FILL_LIQUIDATION, "1")
    assert not ledger.admit(ACCOUNT, FILL_LIQUIDATION, "1")
    assert not ledger.admit(ACCOUNT, FILL_ORDINARY, "1")
    assert not ledger.admit(ACCOUNT, FILL_ORDINARY, "2")


def test_capacity_is_positive() -> None:
    assert DedupLedger().capacity == LEDGER_CAPACITY
    with pytest.raises(AssertionError):
        DedupLedger(0)
