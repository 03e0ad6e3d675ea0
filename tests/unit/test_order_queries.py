"""Answers about single orders in the time the engine gives them."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock, MagicMock

import pytest
from nautilus_trader.model.identifiers import ClientOrderId

from paradex_adapter import order_queries
from paradex_adapter.order_queries import OrderQueries
from paradex_adapter.venue.errors import RateLimited
from tests.unit.venue.scripted_venue import until

COMMAND: Any = SimpleNamespace(
    instrument_id=None, client_order_id=ClientOrderId("O-1"), venue_order_id=None
)
REPORT, HELD = "as the venue tells", "as known"


class Desk:
    """Queries with a venue that answers when it is let."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.told: list[str] = []
        self.error: Exception | None = None
        self.answers = MagicMock(report_order=AsyncMock(side_effect=self.report))
        self.answers.report_held_order.return_value = HELD
        self.queries = OrderQueries(
            MagicMock(), self.answers, MagicMock(), MagicMock(), MagicMock(), MagicMock()
        )

    async def report(self, *_: Any) -> str:
        await self.may_answer.wait()
        if self.error is not None:
            raise self.error
        self.told.append(REPORT)
        return REPORT


@pytest.fixture
async def desk(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.setattr(order_queries, "PATIENCE_SECS", 0.01)
    desk = Desk()
    yield desk
    await desk.queries.close()


async def ask(desk: Desk) -> Any:
    async with asyncio.timeout(5.0):
        return await desk.queries.report_order(COMMAND)


async def test_an_answer_in_time_is_given(desk: Desk) -> None:
    desk.may_answer.set()
    assert await ask(desk) == REPORT


async def test_a_late_answer_does_not_keep_the_engine_waiting_and_is_told(desk: Desk) -> None:
    assert await ask(desk) == HELD
    desk.may_answer.set()
    await until(lambda: desk.told == [REPORT], "what came late was told")


async def test_an_order_of_which_nothing_is_known_waits_for_its_answer(desk: Desk) -> None:
    desk.answers.report_held_order.return_value = None
    asking = asyncio.create_task(ask(desk))
    await until(lambda: bool(desk.answers.report_held_order.called), "its patience ended")
    assert not asking.done()
    desk.may_answer.set()
    assert await asking == REPORT


async def test_a_used_up_limit_is_answered_with_what_is_known(desk: Desk) -> None:
    desk.error = RateLimited("private read", 11.0)
    desk.may_answer.set()
    assert await ask(desk) == HELD
    desk.answers.report_held_order.return_value = None
    with pytest.raises(RateLimited):
        await ask(desk)


async def test_the_close_waits_for_nobody(desk: Desk) -> None:
    assert await ask(desk) == HELD
    async with asyncio.timeout(5.0):
        await desk.queries.close()
    assert desk.told == []
