"""Orders of unknown outcome are looked for together, and never in an answer from before."""

import asyncio
from typing import cast

import pytest

from paradex_adapter.venue.account_reader import AccountReader
from paradex_adapter.venue.errors import VenueUnavailable
from paradex_adapter.venue.order_search import OrderSearch
from paradex_adapter_core.messages.orders import OrderUpdate
from paradex_adapter_core.vocabulary import STATUS_CLOSED, STATUS_OPEN
from tests.account_messages import order_update


class Reader:
    """Answers when it is let; an answer holds what was there when it was asked for."""

    def __init__(self) -> None:
        self.working: list[OrderUpdate] = []
        self.closed: list[OrderUpdate] = []
        self.asked: list[int | None] = []
        self.is_down = False
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def open_orders(self) -> list[OrderUpdate]:
        answer = list(self.working)
        await self.may_answer.wait()
        if self.is_down:
            raise VenueUnavailable("open orders", "down")
        return answer

    async def orders_history(self, *, start_ms: int | None) -> list[OrderUpdate]:
        self.asked.append(start_ms)
        return list(self.closed)


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
def search(reader: Reader) -> OrderSearch:
    return OrderSearch(cast(AccountReader, reader))


def working(name: str) -> OrderUpdate:
    return order_update(STATUS_OPEN, 10, client_id=name, venue_id=f"V-{name}")


async def test_many_are_looked_for_in_the_same_answers(reader: Reader, search: OrderSearch) -> None:
    reader.working = [working("O-1")]
    reader.closed = [order_update(STATUS_CLOSED, 0, client_id="O-2", venue_id="V-2")]
    names = [f"O-{number}" for number in range(50)]
    found = await asyncio.gather(*(search.find(name, 1_000 - n) for n, name in enumerate(names)))
    assert [update.client_order_id for update in found if update is not None] == ["O-1", "O-2"]
    # Twice, since the first sent.
    assert reader.asked == [951, 951]


async def test_who_comes_later_gets_an_answer_asked_for_later(
    reader: Reader, search: OrderSearch
) -> None:
    reader.may_answer.clear()
    first = asyncio.create_task(search.find("O-1", 5))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    reader.working = [working("O-1"), working("O-2")]
    second = asyncio.create_task(search.find("O-2", 7))
    await asyncio.sleep(0)
    reader.may_answer.set()
    assert await second is reader.working[1]
    # The second pass of the first look came after it as well.
    assert await first is reader.working[0]
    assert reader.asked == [5, 5, 7, 7]


async def test_no_answer_is_an_error_for_all_who_wait(reader: Reader, search: OrderSearch) -> None:
    reader.is_down = True
    results = await asyncio.gather(
        search.find("O-1", 5), search.find("O-2", 5), return_exceptions=True
    )
    assert [type(result) for result in results] == [VenueUnavailable, VenueUnavailable]
    reader.is_down = False
    assert await search.find("O-1", 5) is None


async def test_nothing_goes_on_after_the_close(reader: Reader, search: OrderSearch) -> None:
    reader.may_answer.clear()
    finding = asyncio.create_task(search.find("O-1", 5))
    await asyncio.sleep(0)
    await search.close()
    with pytest.raises(asyncio.CancelledError):
        await finding
    with pytest.raises(VenueUnavailable):
        await search.find("O-1", 5)
