"""The book sequence: which frames are applied."""

import pytest

from paradex_adapter_core.order_book import (
    BOOK_DELTA,
    BOOK_GAP,
    BOOK_OLD,
    BOOK_SNAPSHOT,
    BOOK_WAITING,
    BookSequence,
)


@pytest.fixture
def sequence() -> BookSequence:
    """Return a sequence in step at frame 10."""
    sequence = BookSequence()
    sequence.apply(10, True)
    return sequence


def test_starts_waiting_for_a_snapshot() -> None:
    sequence = BookSequence()
    assert sequence.is_stale
    assert sequence.apply(1, False) == BOOK_WAITING
    assert sequence.last_seq_no == 0


def test_snapshot_then_deltas_in_step(sequence: BookSequence) -> None:
    assert not sequence.is_stale
    assert [sequence.apply(seq_no, False) for seq_no in (11, 12, 13)] == [BOOK_DELTA] * 3
    assert sequence.last_seq_no == 13
    assert sequence.gaps == 0


@pytest.mark.parametrize("seq_no", [10, 9, 1])
def test_old_delta_is_dropped_and_the_book_stays_good(sequence: BookSequence, seq_no: int) -> None:
    assert sequence.apply(seq_no, False) == BOOK_OLD
    assert not sequence.is_stale
    assert sequence.apply(11, False) == BOOK_DELTA


def test_gap_is_told_once_and_waits_for_a_snapshot(sequence: BookSequence) -> None:
    assert sequence.apply(12, False) == BOOK_GAP
    assert sequence.is_stale
    # The last frame taken is still the one before the gap: nothing was applied.
    assert sequence.last_seq_no == 10
    assert sequence.apply(11, False) == BOOK_WAITING
    assert sequence.apply(13, False) == BOOK_WAITING
    assert sequence.gaps == 1
    assert sequence.apply(20, True) == BOOK_SNAPSHOT
    assert sequence.apply(21, False) == BOOK_DELTA


def test_a_snapshot_is_taken_even_when_its_number_is_lower(sequence: BookSequence) -> None:
    # A counter that starts anew must not leave the book dropping every delta as old.
    assert sequence.apply(3, True) == BOOK_SNAPSHOT
    assert sequence.apply(4, False) == BOOK_DELTA


def test_reset_waits_again_and_keeps_the_count(sequence: BookSequence) -> None:
    sequence.apply(12, False)
    sequence.apply(12, True)
    sequence.reset()
    assert sequence.is_stale
    assert sequence.last_seq_no == 0
    assert sequence.gaps == 1
    assert sequence.apply(13, False) == BOOK_WAITING


def test_lenient_sequence_counts_gaps_and_goes_on() -> None:
    sequence = BookSequence(is_strict=False)
    assert sequence.apply(5, False) == BOOK_WAITING
    sequence.apply(10, True)
    assert sequence.apply(15, False) == BOOK_DELTA
    assert sequence.apply(12, False) == BOOK_OLD
    assert sequence.apply(16, False) == BOOK_DELTA
    assert sequence.gaps == 1
    assert not sequence.is_stale
