"""The ledger against a plain list of what was admitted."""

from hypothesis import given
from hypothesis import strategies as st

from paradex_adapter_core.dedup_ledger import DedupLedger

KEYS = st.tuples(
    st.sampled_from(["0x1", "0x2"]),
    st.integers(0, 6),
    st.integers(0, 40).map(str),
)


@given(capacity=st.integers(1, 12), keys=st.lists(KEYS, max_size=200))
def test_nothing_is_admitted_twice_within_the_capacity(
    capacity: int, keys: list[tuple[str, int, str]]
) -> None:
    ledger = DedupLedger(capacity)
    admitted: list[tuple[str, int, str]] = []
    for key in keys:
        is_new = ledger.admit(*key)
        if key in admitted[-capacity:]:
            assert not is_new
        if key not in admitted:
            assert is_new
        if is_new:
            admitted.append(key)
        assert len(ledger) < 2 * capacity
        for recent in admitted[-capacity:]:
            assert not ledger.admit(*recent)


@given(keys=st.lists(KEYS, max_size=200))
def test_below_its_capacity_it_is_a_set(keys: list[tuple[str, int, str]]) -> None:
    ledger = DedupLedger(1000)
    seen: set[tuple[str, int, str]] = set()
    for key in keys:
        assert ledger.admit(*key) is (key not in seen)
        seen.add(key)
    assert len(ledger) == len(seen)
