"""The state of the venue: asked for, learned from refusals, and what is denied in it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from paradex_adapter.venue.errors import VenueUnavailable
from paradex_adapter.venue.system_state import SystemState
from tests.unit.venue.scripted_venue import until


class Venue:
    """Answers what a test tells it to, without HTTP."""

    def __init__(self) -> None:
        self.answer: Callable[[], Awaitable[bytes]] = self.say("ok")
        self.asked = 0
        self.changes: list[tuple[str, str]] = []

    @staticmethod
    def say(state: str) -> Callable[[], Awaitable[bytes]]:
        async def answer() -> bytes:
            return b'{"status":"%b"}' % state.encode()

        return answer

    async def get_system_state(self) -> bytes:
        self.asked += 1
        return await self.answer()


@pytest.fixture
def venue() -> Venue:
    return Venue()


@pytest.fixture
async def state(venue: Venue, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SystemState]:
    monkeypatch.setattr("paradex_adapter.venue.system_state.POLL_SECS_UNTIL_OK", 0.01)
    http: Any = venue
    state = SystemState(http, 3_600.0, on_change=lambda *change: venue.changes.append(change))
    yield state
    await state.close()


@pytest.mark.parametrize(
    ("word", "is_taken", "is_post_only_taken"),
    [
        ("ok", True, True),
        ("post_only", False, True),
        ("cancel_only", False, False),
        ("maintenance", False, False),
        ("half_asleep", True, True),
    ],
)
async def test_what_is_denied_in_a_state(
    venue: Venue, state: SystemState, word: str, is_taken: bool, is_post_only_taken: bool
) -> None:
    venue.answer = venue.say(word)
    state.start()
    await until(lambda: state.state == word)
    assert (state.find_denial_reason(is_post_only=False) is None) is is_taken
    assert (state.find_denial_reason(is_post_only=True) is None) is is_post_only_taken
    assert venue.changes == ([] if word == "ok" else [("ok", word)])


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"status":7}', b'{"status":""}', b"\xff"])
async def test_an_answer_that_cannot_be_read_changes_nothing(
    venue: Venue, state: SystemState, body: bytes
) -> None:
    state.learn("403 SYSTEM_STATUS_CANCEL_ONLY")

    async def answer() -> bytes:
        return body

    venue.answer = answer
    state.start()
    await until(lambda: venue.asked > 2)
    assert state.state == "cancel_only"


async def test_while_orders_are_denied_a_failure_does_not_delay_the_next_question(
    venue: Venue, state: SystemState
) -> None:
    async def fail() -> bytes:
        raise VenueUnavailable("GET /system/state", "no answer")

    state.learn("SYSTEM_STATUS_CANCEL_ONLY")
    venue.answer = fail
    state.start()
    await until(lambda: venue.asked > 2)
    venue.answer = venue.say("ok")
    await until(lambda: state.state == "ok")
    assert venue.changes == [("ok", "cancel_only"), ("cancel_only", "ok")]


async def test_an_answer_under_way_does_not_undo_what_a_refusal_tells(
    venue: Venue, state: SystemState
) -> None:
    may_answer = asyncio.Event()

    async def answer_late() -> bytes:
        await may_answer.wait()
        return b'{"status":"ok"}'

    venue.answer = answer_late
    state.start()
    await until(lambda: venue.asked == 1)
    state.learn("SYSTEM_STATUS_POST_ONLY")
    venue.answer = venue.say("post_only")
    may_answer.set()
    await until(lambda: venue.asked > 2)
    assert venue.changes == [("ok", "post_only")]


@pytest.mark.parametrize("reason", ["", "POST_ONLY_WOULD_CROSS", "the venue shows no outcome"])
async def test_other_refusals_tell_nothing(venue: Venue, state: SystemState, reason: str) -> None:
    state.learn(reason)
    assert state.state == "ok"
    assert venue.asked == 0


async def test_closed_it_asks_no_more(venue: Venue, state: SystemState) -> None:
    state.start()
    await until(lambda: venue.asked == 1)
    await state.close()
    await state.close()
    state.learn("SYSTEM_STATUS_CANCEL_ONLY")
    await asyncio.sleep(0)
    assert venue.asked == 1
