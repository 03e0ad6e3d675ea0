"""Looks for single orders, all that are looked for at the same time in the same answers.

A lost connection leaves many orders in doubt at once, and so does a slow venue: NautilusTrader asks
for every order it waits for. Asking the venue for each would use up its read limit within seconds,
and with it the answers without which NautilusTrader takes an order for refused. So whoever looks
for one joins the next round of reading, which is never older than the question.
"""

import asyncio
from collections.abc import Callable
from typing import Final, final

from paradex_adapter.venue.account_reader import AccountReader
from paradex_adapter.venue.errors import ParadexError, VenueUnavailable
from paradex_adapter_core.messages.orders import OrderUpdate
from paradex_adapter_core.state_store import StateStore

# How often open orders and history are asked in turn for one order.
FIND_PASSES: Final = 2
# Orders sent in this time are looked for in one history; older ones each by its name.
RECENT_MS: Final = 900_000
# Between two rounds when the venue's read limit is nearly used up: more join the same answers.
SHORT_PAUSE_SECS: Final = 0.5
# How much earlier than we sent an order the venue may say that it was made.
CLOCK_MARGIN_MS: Final = 120_000


class _Question:
    """An order somebody waits for."""

    __slots__ = ("answer", "client_order_id", "market", "passes", "since_ms", "venue_order_id")

    def __init__(
        self, market: str | None, client_order_id: str, venue_order_id: str, since_ms: int | None
    ) -> None:
        self.market: Final = market
        self.client_order_id: Final = client_order_id
        self.venue_order_id: Final = venue_order_id
        self.since_ms: Final = since_ms
        self.passes = 0
        self.answer: Final[asyncio.Future[OrderUpdate | None]] = (
            asyncio.get_running_loop().create_future()
        )

    def is_about(self, update: OrderUpdate) -> bool:
        if self.venue_order_id:
            return update.venue_order_id == self.venue_order_id
        return update.client_order_id == self.client_order_id

    @property
    def name_in_history(self) -> str | None:
        """The client id to ask by; perhaps one the venue does not know: then without, at last."""
        is_named = bool(self.client_order_id) and not (self.passes and self.venue_order_id)
        return self.client_order_id if is_named else None


@final
class OrderSearch:
    """Finds orders, open or closed.

    Parameters
    ----------
    reader : AccountReader
        Asks the venue.
    store : StateStore
        Knows when own orders were sent.
    now_ms : Callable[[], int]
        The venue's time, as well as it is known, in Unix milliseconds.
    """

    def __init__(self, reader: AccountReader, store: StateStore, now_ms: Callable[[], int]) -> None:
        self._reader: Final = reader
        self._store: Final = store
        self._now_ms: Final = now_ms
        # Those who came since the round under way began.
        self._asked: list[_Question] = []
        self._looking: asyncio.Task[None] | None = None
        self._is_closed = False

    async def find(
        self, market: str | None, client_order_id: str, venue_order_id: str
    ) -> OrderUpdate | None:
        """Return the order, open or closed; None when the venue answered that it has none such.

        Either id may be empty. An order can close after the open orders were told and be late in
        the history: both are asked twice before the answer is "none". The client id may be one that
        the venue does not know, of an order sent without: then its venue id is looked for alone.

        Raises
        ------
        ParadexError
            If the venue does not answer, or is no longer asked.
        """
        if self._is_closed:
            raise VenueUnavailable("find an order", "closed")
        since_ms = self._find_start(client_order_id, venue_order_id)
        question = _Question(market, client_order_id, venue_order_id, since_ms)
        self._asked.append(question)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look(), name="paradex-recovery order search")
        return await question.answer

    async def close(self) -> None:
        """Stop looking, for good."""
        self._is_closed = True
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait([self._looking])
        _give_up(self._asked)

    async def _look(self) -> None:
        """Read in rounds until nobody waits."""
        left: list[_Question] = []
        try:
            while left := [q for q in [*left, *self._take_asked()] if not q.answer.done()]:
                try:
                    await self._look_once(left)
                except ParadexError as error:
                    for question in left:
                        if not question.answer.done():
                            question.answer.set_exception(error)
                if not self._reader.has_reads_to_spare:
                    await asyncio.sleep(SHORT_PAUSE_SECS)
        finally:
            _give_up(left)

    def _take_asked(self) -> list[_Question]:
        asked, self._asked = self._asked, []
        return asked

    async def _look_once(self, questions: list[_Question]) -> None:
        # Open orders first: one that closes in between is then told by the history, as closed.
        left = _settle(questions, await self._reader.open_orders())
        recent = [question for question in left if question.since_ms is not None]
        if len(recent) > 1:
            since_ms = min(q.since_ms for q in recent if q.since_ms is not None)
            _settle(recent, await self._reader.orders_history(start_ms=since_ms))
            left = [question for question in left if question.since_ms is None]
        read: dict[tuple[str | None, str | None], list[OrderUpdate]] = {}
        for question in left:
            asked = question.market, question.name_in_history
            if asked not in read:
                # A name says enough; without one, the less the better.
                start_ms = question.since_ms if asked[1] is None and len(left) == 1 else None
                read[asked] = await self._reader.orders_history(*asked, start_ms)
            _settle([question], read[asked])
        for question in questions:
            question.passes += 1
            if question.passes == FIND_PASSES and not question.answer.done():
                question.answer.set_result(None)

    def _find_start(self, client_order_id: str, venue_order_id: str) -> int | None:
        """Return since when a recent own order can be in the history, in Unix milliseconds."""
        state = self._store.find_order_by_venue_id(venue_order_id) if venue_order_id else None
        if state is None and client_order_id:
            state = self._store.find_order(client_order_id)
        if state is None or venue_order_id not in ("", state.venue_order_id):
            return None
        sent_ms = state.ts_sent // 1_000_000
        return sent_ms - CLOCK_MARGIN_MS if sent_ms > self._now_ms() - RECENT_MS else None


def _settle(questions: list[_Question], updates: list[OrderUpdate]) -> list[_Question]:
    """Answer the questions about these orders, oldest first; return those that are left."""
    for question in questions:
        if question.answer.done():
            continue
        found = next((u for u in reversed(updates) if question.is_about(u)), None)
        if found is not None:
            question.answer.set_result(found)
    return [question for question in questions if not question.answer.done()]


def _give_up(questions: list[_Question]) -> None:
    for question in questions:
        if not question.answer.done():
            question.answer.set_exception(VenueUnavailable("find an order", "given up"))
