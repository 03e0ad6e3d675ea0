"""Whose orders are a retail trader's: by the token, and within the limits of a hand."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from paradex_adapter.local_exchange.accounts import Account
from paradex_adapter.local_exchange.sequences import Clock
from paradex_adapter.local_exchange.tokens import Session
from paradex_adapter.local_exchange.trader_profiles import LIMITS, TIMES_KEPT_MAX, TraderProfiles


class SetClock(Clock):
    """A clock that stands."""

    at_ms = 1_800_000_000_000

    def now_ns(self) -> int:
        return self.at_ms * 1_000_000


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


def session(*, is_interactive: bool, address: str = "0x1") -> Session:
    account = Account(address, 1, Decimal(0), 1, 0, address)
    return Session(account, 1, is_interactive=is_interactive)


def test_plain_token_is_a_professional_s_and_counts_for_nothing(clock: SetClock) -> None:
    profiles = TraderProfiles(clock, 300)
    plain, hand = session(is_interactive=False), session(is_interactive=True)
    assert not any(profiles.count_order(plain) for _ in range(10))
    assert (profiles.delay_ms(plain), profiles.delay_ms(None)) == (0, 0)
    assert profiles.count_order(hand)
    assert profiles.delay_ms(hand) == 300


@pytest.mark.parametrize(("limit", "window_ms"), LIMITS)
def test_each_limit_holds_within_its_window(clock: SetClock, limit: int, window_ms: int) -> None:
    profiles, hand = TraderProfiles(clock, 300), session(is_interactive=True)
    pace_ms = window_ms // (limit + 1)
    # Evenly over the window: no shorter window has too many.
    assert all(profiles.count_order(hand) for _ in pace(clock, limit, pace_ms))
    assert not profiles.count_order(hand)
    assert profiles.delay_ms(hand) == 0
    clock.at_ms += window_ms
    assert profiles.is_retail(hand)
    assert profiles.count_order(hand)


def pace(clock: SetClock, count: int, pace_ms: int) -> Iterator[int]:
    """Let time pass after each round."""
    for number in range(count):
        yield number
        clock.at_ms += pace_ms


def test_orders_beyond_the_limit_count_as_well(clock: SetClock) -> None:
    profiles, hand = TraderProfiles(clock, 300), session(is_interactive=True)
    for _ in range(3):
        assert profiles.count_order(hand)
    # Four a second from here: never within the limit, though three of them would be.
    for _ in range(20):
        clock.at_ms += 250
        assert not profiles.count_order(hand)
    clock.at_ms += 1000
    assert profiles.count_order(hand)


def test_accounts_are_counted_apart_and_sessions_of_one_together(clock: SetClock) -> None:
    profiles = TraderProfiles(clock, 300)
    first, other = session(is_interactive=True), session(is_interactive=True, address="0x2")
    again = Session(first.account, 2, is_interactive=True)
    assert all(profiles.count_order(one) for one in (first, again, first, other, other, other))
    assert not profiles.count_order(again)
    assert profiles.is_retail(other)


def test_as_many_times_are_kept_as_the_longest_limit_needs() -> None:
    assert max(limit for limit, _ in LIMITS) + 1 == TIMES_KEPT_MAX
