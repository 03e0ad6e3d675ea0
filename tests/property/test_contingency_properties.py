"""Whatever fills, ends, is refused or changed, in whatever order: exits fit what the entry filled.

A plan drawn at random is played on a desk where every outcome waits. Between any two steps the
tasks under way go on as far as they can.
"""

import asyncio
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from paradex_adapter import contingencies
from paradex_adapter.contingency_rules import Link, Phase
from tests.order_desk import Desk, bracket, pair, settle

SIZE = 10
STEPS_MAX = 40
EXITS = ("S", "P")

type Draw = st.DataObject


class Play:
    """A desk whose venue keeps exits within the position, as it does with reduce-only orders."""

    def __init__(self, data: Draw) -> None:
        self.data = data
        self.desk = Desk()
        self.dropped: set[str] = set()
        self.refused = False

    def filled(self, name: str) -> int:
        order = self.desk.orders.get(name)
        return order.filled if order is not None else 0

    def position(self) -> int:
        return self.filled("E") - sum(self.filled(name) for name in EXITS)

    def working(self) -> list[str]:
        return [name for name, o in self.desk.orders.items() if o.phase is Phase.WORKING]

    async def step(self) -> None:
        acts = ["fill", "outcome", "end", "strategy", "change"]
        act = self.data.draw(st.sampled_from(acts if self.desk.orders else ["outcome"]))
        await getattr(self, act)()
        await settle()

    async def fill(self) -> None:
        names = [name for name in self.working() if self.room(name)]
        if names:
            name = self.data.draw(st.sampled_from(names))
            self.desk.fill(name, self.data.draw(st.integers(1, self.room(name))))

    def room(self, name: str) -> int:
        order = self.desk.orders[name]
        left = order.size - order.filled
        return min(left, self.position()) if name in EXITS else left

    async def outcome(self) -> None:
        if self.desk.pending:
            name = self.data.draw(st.sampled_from(sorted(self.desk.pending)))
            # A cancel of the venue's is never refused for good.
            is_refused = not name.startswith("cancel") and self.data.draw(st.booleans())
            self.refused |= is_refused
            self.desk.let(name, is_refused=is_refused)

    async def end(self) -> None:
        names = [name for name in self.working() if self.data.draw(st.booleans())]
        for name in names[:1]:
            self.desk.end(name)

    async def strategy(self) -> None:
        held = self.desk.contingencies.held()
        if not held:
            return
        name = self.data.draw(st.sampled_from(held))
        if self.data.draw(st.booleans()):
            self.desk.contingencies.drop(name)
            self.dropped.add(name)
            return
        size = self.data.draw(st.integers(1, SIZE + 2))
        if self.desk.contingencies.find_change_fault(name, size) is None:
            self.desk.contingencies.change_held(name, size)
        else:
            assert size > SIZE

    async def change(self) -> None:
        """Let the strategy change an exit at work."""
        desk = self.desk
        names = [n for n in EXITS if n in self.working() and not desk.orders[n].changing_to]
        leg = desk.contingencies.find_leg(names[0]) if names else None
        if leg is None or leg.is_resizing or leg.is_canceling:
            return
        name, order = names[0], desk.orders[names[0]]
        size = self.data.draw(st.integers(order.filled + 1, SIZE + 2))
        if desk.contingencies.find_change_fault(name, size) is None:
            await desk.contingencies.start_change(name, size)
            if self.data.draw(st.booleans()):
                order.size = size
            desk.contingencies.finish_change(name, is_sent=True)

    async def finish(self) -> None:
        """Let everything under way come to its outcome, and the entry end."""
        await self.desk.let_all()
        entry = self.desk.orders["E"]
        if entry.phase is not Phase.OVER:
            self.desk.end("E")
        await self.desk.let_all()

    def see_bounds(self) -> None:
        for name in EXITS:
            order = self.desk.orders.get(name)
            if order is not None:
                assert order.size <= self.filled("E"), f"{name} is larger than what E filled"
                assert order.changing_to <= self.filled("E")
        assert self.position() >= 0

    def see_end(self, link: Link) -> None:
        desk = self.desk
        at_venue = desk.at_venue()
        assert "E" not in at_venue
        assert desk.contingencies.held() == [], "a child is neither sent nor ended"
        if self.filled("E") == 0:
            assert not any(name in desk.orders for name in EXITS)
        if self.position() == 0:
            assert not at_venue, "an exit works, and nothing is left to exit from"
        over = [name for name in EXITS if name in desk.orders and name not in at_venue]
        ended = [name for name in over if not desk.orders[name].is_refused]
        if ended or self.dropped:
            # What filled in part ended the other of an OCO pair, and works on.
            left = [name for name in at_venue if link is Link.OUO or not self.filled(name)]
            assert not left, f"{ended} ended, and {left} works on"
        if not self.refused and not self.dropped and not ended and self.filled("E"):
            assert set(at_venue) == set(EXITS), "an exit is lost"
            if link is Link.OUO:
                leaves = {at_venue[name] - self.filled(name) for name in EXITS}
                assert len(leaves) == 1, "exits that update each other differ"
        # Everything told of a held order is told once.
        for name in EXITS:
            ends = [words for words in desk.told if words.split()[:2] == ["canceled", name]]
            sends = [words for words in desk.told if words.split()[:2] == ["submitted", name]]
            assert len(ends) + len(sends) == 1
        assert not any("mistake" in warning for warning in desk.warnings), desk.warnings


@given(st.data(), st.sampled_from([Link.OUO, Link.OCO]))
@settings(max_examples=300)
def test_exits_fit_their_entry(data: Draw, link: Link) -> None:
    async def play() -> None:
        run = Play(data)
        run.desk.submit(*bracket(SIZE, link))
        for _ in range(data.draw(st.integers(1, STEPS_MAX))):
            await run.step()
            run.see_bounds()
        await run.finish()
        run.see_bounds()
        run.see_end(link)
        await run.desk.contingencies.close()

    with patch.object(contingencies, "RETRY_DELAY_SECS", 0.0):
        asyncio.run(play())


@given(st.data(), st.sampled_from([Link.OUO, Link.OCO]))
@settings(max_examples=150)
def test_linked_orders_end_together(data: Draw, link: Link) -> None:
    async def play() -> None:
        desk = Desk()
        desk.submit(*pair(link, SIZE))
        await settle()
        for _ in range(data.draw(st.integers(1, STEPS_MAX))):
            orders = desk.orders
            working = [name for name, o in orders.items() if o.phase is Phase.WORKING]
            if working and data.draw(st.booleans()):
                name = data.draw(st.sampled_from(working))
                left = orders[name].size - orders[name].filled
                if data.draw(st.integers(0, 3)) == 0:
                    desk.end(name)
                else:
                    desk.fill(name, data.draw(st.integers(1, left)))
            elif desk.pending:
                name = data.draw(st.sampled_from(sorted(desk.pending)))
                is_refused = name.startswith("accept") and data.draw(st.booleans())
                desk.let(name, is_refused=is_refused)
            await settle()
        await desk.let_all()
        at_venue = desk.at_venue()
        filled = {name: order.filled for name, order in desk.orders.items()}
        if len(at_venue) == 1:
            # One cancels the others: what filled in part works on.
            (name,) = at_venue
            assert link is Link.OCO
            assert filled[name]
        if link is Link.OUO and at_venue:
            assert {at_venue[name] - filled[name] for name in at_venue} == {
                SIZE - sum(filled.values())
            }
        if link is Link.OCO and sum(filled.values()):
            assert len(at_venue) <= 1
        await desk.contingencies.close()

    with patch.object(contingencies, "RETRY_DELAY_SECS", 0.0):
        asyncio.run(play())
