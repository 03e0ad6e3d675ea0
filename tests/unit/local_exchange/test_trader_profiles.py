"""Whose orders are a retail trader's: by the token, and within the limits of a hand."""

from decimal import Decimal

import pytest

from paradex_adapter.local_exchange.accounts import Account
from paradex_adapter.local_exchange.sequences import Clock
from paradex_adapter.local_exchange.tokens import Session
from paradex_adapter.local_exchange.trader_profiles import LIMITS, TraderProfiles


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
def test_each_limit_holds_and_refills(clock: SetClock, limit: int, window_ms: int) -> None:
    profiles, hand = TraderProfiles(clock, 300), session(is_interactive=True)
    # Slow enough for every shorter limit, and for this one until it is used up.
    shorter = [(count, ms) for count, ms in LIMITS if ms < window_ms]
    pause_ms = max((ms // count + 1 for count, ms in shorter), default=0)
    sent = 0
    while profiles.count_order(hand):
        sent += 1
        clock.at_ms += pause_ms
    refilled = sent * pause_ms * limit // window_ms
    assert limit <= sent <= limit + refilled
    assert profiles.delay_ms(hand) == 0
    clock.at_ms += window_ms // limit + 1
    assert profiles.delay_ms(hand) == 300
    assert profiles.count_order(hand)
    assert not profiles.count_order(hand)


def test_cancel_of_a_hand_that_just_reached_its_limit_waits(clock: SetClock) -> None:
    profiles, hand = TraderProfiles(clock, 300), session(is_interactive=True)
    assert all(profiles.count_order(hand) for _ in range(3))
    assert profiles.delay_ms(hand) == 300


def test_accounts_are_counted_apart_and_sessions_of_one_together(clock: SetClock) -> None:
    profiles = TraderProfiles(clock, 300)
    first, other = session(is_interactive=True), session(is_interactive=True, address="0x2")
    again = Session(first.account, 2, is_interactive=True)
    assert all(profiles.count_order(one) for one in (first, again, first, other, other, other))
    assert not profiles.count_order(again)
    assert (profiles.delay_ms(first), profiles.delay_ms(other)) == (0, 300)


def test_clock_that_is_set_back_refills_nothing(clock: SetClock) -> None:
    profiles, hand = TraderProfiles(clock, 300), session(is_interactive=True)
    assert all(profiles.count_order(hand) for _ in range(3))
    clock.at_ms -= 60_000
    assert not profiles.count_order(hand)
    clock.at_ms += 400
    assert profiles.count_order(hand)
