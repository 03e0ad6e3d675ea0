"""The table of an order's life, read against the rules at the head of the module."""

import pytest

from paradex_adapter_core import order_lifecycle
from paradex_adapter_core.order_lifecycle import (
    CANCELED,
    CLOSED,
    CLOSING,
    EXPIRED,
    FILLED,
    FILLS,
    HEARD,
    NEXT,
    QUEUED,
    REFUSED,
    REJECTED,
    SENT,
    STATUS_NAMES,
    WORKING,
    WORKS,
    ending_of,
)
from paradex_adapter_core.vocabulary import REJECT_REASONS

NEWS = {HEARD, WORKS, FILLS, CLOSED, REFUSED}
STATUSES = {SENT, QUEUED, WORKING, CLOSING, FILLED, CANCELED, EXPIRED, REJECTED}
ENDS = {FILLED, CANCELED, EXPIRED, REJECTED}


def test_the_table_covers_every_status_with_known_words() -> None:
    assert set(NEXT) == STATUSES
    for row in NEXT.values():
        assert set(row) <= NEWS
        assert set(row.values()) <= STATUSES


def test_names_stand_at_their_numbers() -> None:
    for name in STATUS_NAMES[1:]:
        assert STATUS_NAMES[getattr(order_lifecycle, name)] == name
    assert len(STATUS_NAMES) == len(STATUSES) + 1


def test_life_goes_one_way() -> None:
    for status, row in NEXT.items():
        for after in row.values():
            assert after >= status


def test_only_the_venue_closes_and_ends_stay() -> None:
    for status, row in NEXT.items():
        if status in ENDS:
            assert set(row.values()) == {status}
        else:
            assert row[CLOSED] == CLOSING
            assert row[FILLS] in {WORKING, CLOSING}
            assert not ENDS & set(row.values()) - {REJECTED}


def test_only_an_order_the_venue_never_spoke_of_can_be_refused() -> None:
    assert [status for status, row in NEXT.items() if REFUSED in row] == [SENT, REJECTED]


def test_nothing_works_after_its_close() -> None:
    for status in {CLOSING, *ENDS}:
        assert WORKS not in NEXT[status]
        assert HEARD not in NEXT[status]


@pytest.mark.parametrize("reason", ["", "USER_CANCELED", "NOT_ENOUGH_MARGIN", "EXPIRED"])
@pytest.mark.parametrize("is_accepted", [False, True])
def test_nothing_remaining_is_filled_whatever_the_reason(reason: str, is_accepted: bool) -> None:
    assert ending_of(is_accepted, 10, 0, reason) == FILLED


@pytest.mark.parametrize("reason", sorted(REJECT_REASONS))
def test_a_refusal_before_work_is_a_rejection(reason: str) -> None:
    assert ending_of(False, 0, 10, reason) == REJECTED
    assert ending_of(True, 0, 10, reason) in {CANCELED, EXPIRED}
    assert ending_of(False, 3, 7, reason) in {CANCELED, EXPIRED}


@pytest.mark.parametrize(
    ("reason", "ending"),
    [
        ("EXPIRED", EXPIRED),
        ("ASSET_EXPIRED", EXPIRED),
        ("USER_CANCELED", CANCELED),
        ("REMAINING_IOC_CANCEL", CANCELED),
        ("DELEVERAGE", CANCELED),
        ("A_WORD_OF_NEXT_YEAR", CANCELED),
        ("", CANCELED),
    ],
)
def test_the_reason_tells_the_end_of_a_working_order(reason: str, ending: int) -> None:
    assert ending_of(True, 0, 10, reason) == ending
    assert ending_of(True, 4, 6, reason) == ending


def test_an_order_of_no_size_did_not_fill() -> None:
    assert ending_of(True, 0, 0, "") == CANCELED
