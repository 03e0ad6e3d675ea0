"""Orders are looked for together, and never in an answer from before the question."""

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import pytest

from paradex_adapter.venue import order_search
from paradex_adapter.venue.account_reader import AccountReader
from paradex_adapter.venue.errors import VenueUnavailable
from paradex_adapter.venue.order_search import CLOCK_MARGIN_MS, RECENT_MS, OrderSearch
from paradex_adapter_core.messages.orders import OrderUpdate
from paradex_adapter_core.state_store import StateStore
from paradex_adapter_core.vocabulary import (
    INSTRUCTION_GTC,
    ORDER_LIMIT,
    SIDE_BUY,
    STATUS_CLOSED,
    STATUS_OPEN,
)
from tests.account_messages import ACCOUNT, MARKET, PRICE, order_update
from tests.unit.venue.scripted_venue import until

NOW_MS = 1_790_000_000_000


class Reader:
    """Answers when it is let; an answer holds what was there when it was asked for."""

    def __init__(self) -> None:
        self.working: list[OrderUpdate] = []
        self.closed: list[OrderUpdate] = []
        # In the history from its second answer on.
        self.listed_late: list[OrderUpdate] = []
        # "open", the start of a history, or the name that a history was asked by.
        self.asked: list[int | str | None] = []
        self.is_down = False
        self.has_reads_to_spare = True
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def open_orders(self) -> list[OrderUpdate]:
        self.asked.append("open")
        answer = list(self.working)
        await self.may_answer.wait()
        if self.is_down:
            raise VenueUnavailable("open orders", "down")
        return answer

    async def orders_history(
        self,
        market: str | None = None,
        client_order_id: str | None = None,
        start_ms: int | None = None,
    ) -> list[OrderUpdate]:
        self.asked.append(start_ms if client_order_id is None else client_order_id)
        told, self.closed = self.closed, [*self.closed, *self.listed_late]
        return [u for u in told if client_order_id in (None, u.client_order_id)]


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
def store() -> StateStore:
    return StateStore(ACCOUNT)


@pytest.fixture
async def search(reader: Reader, store: StateStore) -> AsyncIterator[OrderSearch]:
    search = OrderSearch(cast(AccountReader, reader), store, lambda: NOW_MS)
    yield search
    await search.close()


def send(store: StateStore, name: str, ago_ms: int = 0) -> None:
    ts_sent = (NOW_MS - ago_ms) * 1_000_000
    store.track_order(
        name, MARKET, SIDE_BUY, ORDER_LIMIT, INSTRUCTION_GTC, 10, PRICE, 0, 0, ts_sent
    )


def working(name: str) -> OrderUpdate:
    return order_update(STATUS_OPEN, 10, client_id=name, venue_id=f"V-{name}")


def closed(name: str) -> OrderUpdate:
    return order_update(STATUS_CLOSED, 0, client_id=name, venue_id=f"V-{name}")


async def test_many_are_looked_for_in_the_same_answers(
    reader: Reader, search: OrderSearch, store: StateStore
) -> None:
    reader.working = [working("O-1")]
    reader.closed = [closed("O-2")]
    names = [f"O-{number}" for number in range(50)]
    for number, name in enumerate(names):
        send(store, name, ago_ms=number)
    found = await asyncio.gather(*(search.find(MARKET, name, "") for name in names))
    assert [update.client_order_id for update in found if update is not None] == ["O-1", "O-2"]
    # Twice, since the first sent.
    start_ms = NOW_MS - 49 - CLOCK_MARGIN_MS
    assert reader.asked == ["open", start_ms] * 2


async def test_orders_that_work_need_one_answer_for_all_of_them(
    reader: Reader, search: OrderSearch
) -> None:
    reader.working = [working(f"O-{number}") for number in range(50)]
    asked = [search.find(MARKET, "", update.venue_order_id) for update in reader.working]
    assert await asyncio.gather(*asked) == reader.working
    assert reader.asked == ["open"]


@pytest.mark.parametrize("ids", [("O-1", ""), ("", "V-O-1"), ("O-1", "V-O-1")])
@pytest.mark.parametrize("is_open", [True, False])
async def test_an_order_is_found_open_or_closed_by_either_id(
    reader: Reader, search: OrderSearch, ids: tuple[str, str], is_open: bool
) -> None:
    if is_open:
        reader.working = [working("O-1"), working("O-2")]
    else:
        reader.closed = [closed("O-1"), closed("O-2")]
    found = await search.find(MARKET, *ids)
    assert found is not None
    assert found.venue_order_id == "V-O-1"


async def test_an_order_by_another_name_is_found_by_its_venue_id(
    reader: Reader, search: OrderSearch
) -> None:
    reader.closed = [order_update(STATUS_CLOSED, 0, client_id="", venue_id="V-1")]
    assert await search.find(MARKET, "V-1-named-here", "V-1") is reader.closed[0]
    assert reader.asked == ["open", "V-1-named-here", "open", None]


async def test_an_order_that_closes_between_two_answers_is_found(
    reader: Reader, search: OrderSearch
) -> None:
    # Not open any more when asked for, and not yet in the history then.
    reader.listed_late = [closed("O-1")]
    assert await search.find(MARKET, "O-1", "") is reader.listed_late[0]


async def test_an_unknown_order_is_none_only_after_both_lists_twice(
    reader: Reader, search: OrderSearch
) -> None:
    assert await search.find(MARKET, "O-1", "") is None
    assert reader.asked == ["open", "O-1"] * 2


async def test_orders_of_long_ago_are_asked_for_by_their_names(
    reader: Reader, search: OrderSearch, store: StateStore
) -> None:
    for name in ("O-1", "O-2"):
        send(store, name, ago_ms=RECENT_MS)
    reader.closed = [closed("O-1"), closed("O-2")]
    names = ("O-1", "O-2", "O-1")
    found = await asyncio.gather(*(search.find(MARKET, name, "") for name in names))
    assert [update.client_order_id for update in found if update is not None] == list(names)
    assert reader.asked == ["open", "O-1", "O-2"]


async def test_who_comes_later_gets_an_answer_asked_for_later(
    reader: Reader, search: OrderSearch
) -> None:
    reader.may_answer.clear()
    first = asyncio.create_task(search.find(MARKET, "O-1", ""))
    await until(lambda: bool(reader.asked), "a round began")
    reader.working = [working("O-1"), working("O-2")]
    second = asyncio.create_task(search.find(MARKET, "O-2", ""))
    await asyncio.sleep(0)
    reader.may_answer.set()
    assert await second is reader.working[1]
    # The second pass of the first came after it as well.
    assert await first is reader.working[0]
    assert reader.asked == ["open", "O-1", "open"]


async def test_who_waits_no_longer_leaves_the_others_their_answer(
    reader: Reader, search: OrderSearch
) -> None:
    reader.may_answer.clear()
    reader.working = [working("O-1"), working("O-2")]
    finding = [asyncio.create_task(search.find(MARKET, f"O-{n}", "")) for n in (1, 2)]
    await until(lambda: bool(reader.asked), "a round began")
    finding[0].cancel()
    reader.may_answer.set()
    assert await finding[1] is reader.working[1]


async def test_rounds_are_further_apart_when_reads_run_short(
    reader: Reader, search: OrderSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_search, "SHORT_PAUSE_SECS", 3600.0)
    reader.has_reads_to_spare = False
    reader.working = [working("O-1")]
    # An answer does not wait for the next round.
    assert await search.find(MARKET, "O-1", "") is reader.working[0]
    finding = asyncio.create_task(search.find(MARKET, "O-1", ""))
    for _ in range(10):
        await asyncio.sleep(0)
    assert reader.asked == ["open"]
    await search.close()
    with pytest.raises(VenueUnavailable):
        await finding


async def test_no_answer_is_an_error_for_all_who_wait(reader: Reader, search: OrderSearch) -> None:
    reader.is_down = True
    asked = [search.find(MARKET, "O-1", ""), search.find(MARKET, "O-2", "")]
    results = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(result) for result in results] == [VenueUnavailable, VenueUnavailable]
    reader.is_down = False
    assert await search.find(MARKET, "O-1", "") is None


async def test_nothing_goes_on_after_the_close(reader: Reader, search: OrderSearch) -> None:
    reader.may_answer.clear()
    finding = asyncio.create_task(search.find(MARKET, "O-1", ""))
    await until(lambda: bool(reader.asked), "a round began")
    later = asyncio.create_task(search.find(MARKET, "O-2", ""))
    await asyncio.sleep(0)
    await search.close()
    for task in (finding, later):
        with pytest.raises(VenueUnavailable):
            await task
    with pytest.raises(VenueUnavailable):
        await search.find(MARKET, "O-1", "")
