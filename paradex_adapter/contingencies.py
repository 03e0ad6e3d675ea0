"""Orders that hang together, carried out: what the rules plan is done, again where it failed.

The venue has no order lists. Children wait here until their parent fills; linked orders are changed
and canceled from here. `contingency_rules` says what is to be done, `OrderDesk` does it, and news
of an order, whatever it says, has the rules asked again.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, Final

from paradex_adapter.contingency_rules import (
    Act,
    Leg,
    Phase,
    Step,
    change_wanted,
    find_change_fault,
    find_leaves,
    plan,
)
from paradex_adapter.order_desk import OrderDesk, Standing

# Orders that hang together at once; a list beyond that is denied.
LEGS_MAX: Final = 20_000
# Through an outage of the venue: a quarter of an hour, and an hour and a half.
RESIZE_ATTEMPTS_MAX: Final = 20
CANCEL_ATTEMPTS_MAX: Final = 100
RETRY_DELAY_SECS_MAX: Final = 60.0
# From this attempt in vain on the user is told.
LOUD_ATTEMPT: Final = 3
# How long the end of an order is awaited after its cancel before it is canceled again, at first.
CANCEL_WAIT_SECS: Final = 5.0
WAIT_SECS_MAX: Final = 120.0
RETRY_DELAY_SECS: Final = 1.0


@dataclass(slots=True)
class _Change:
    """A change the strategy asked for: the total size, None where it stays, and if it was sent."""

    size: int | None
    is_sent: bool = False


class Contingencies:
    """Follows orders that hang together, by their client order ids.

    Parameters
    ----------
    desk : OrderDesk
        Does what the rules plan.

    Notes
    -----
    Sizes are in 1e-8, in total.
    """

    def __init__(self, desk: OrderDesk) -> None:
        self._desk: Final = desk
        # Every leg to the legs it hangs together with, itself included.
        self._groups: Final[dict[str, dict[str, Leg]]] = {}
        self._tasks: Final[set[asyncio.Task[None]]] = set()
        # By order: attempts in vain, changes of the strategy's without an outcome, obstacles.
        self._failures: Final[dict[str, int]] = {}
        self._changes: Final[dict[str, _Change]] = {}
        self._hindered: Final[dict[str, str]] = {}
        self._news: Final[dict[str, asyncio.Event]] = {}
        self._retry: asyncio.TimerHandle | None = None
        self._is_closed = False

    @property
    def room(self) -> int:
        """How many orders can still be taken."""
        return LEGS_MAX - len(self._groups)

    async def close(self) -> None:
        """Stop everything under way; what is held stays held."""
        self._is_closed = True
        if self._retry is not None:
            self._retry.cancel()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    # -- what comes in ----------------------------------------------------------------------------

    def take(self, legs: Iterable[Leg]) -> None:
        """Take up orders that hang together, held or sent, and with those taken up before."""
        legs = list(legs)
        group: dict[str, Leg] = {}
        for leg in legs:
            for other_id in (leg.parent_id, *leg.linked):
                group |= self._groups.get(other_id, {})
        group |= {leg.client_order_id: leg for leg in legs}
        for client_order_id in group:
            self._groups[client_order_id] = group

    def find_leg(self, client_order_id: str) -> Leg | None:
        """Return an order taken up, None for any other."""
        return self._groups.get(client_order_id, {}).get(client_order_id)

    def held(self) -> list[str]:
        """Return the orders kept here."""
        return [name for name, group in self._groups.items() if group[name].phase is Phase.HELD]

    def look(self, client_order_ids: Iterable[str] | None = None) -> None:
        """Ask the rules about these orders, or all, after something may have happened to them."""
        names = list(self._groups) if client_order_ids is None else list(client_order_ids)
        seen: set[int] = set()
        for name in names:
            group = self._groups.get(name)
            if group is not None and id(group) not in seen:
                seen.add(id(group))
                self._work(group)
        for name in names:
            if (news := self._news.pop(name, None)) is not None:
                news.set()

    def is_own_refusal(self, client_order_id: str) -> bool:
        """Return whether the refusal of a change concerns one that was asked for from here."""
        leg = self.find_leg(client_order_id)
        return leg is not None and leg.is_resizing and client_order_id not in self._changes

    # -- commands of the strategy -----------------------------------------------------------------

    def drop(self, client_order_id: str) -> bool:
        """Cancel a held order, and what ends with it; False for an order that is not held."""
        leg = self.find_leg(client_order_id)
        if leg is None or leg.phase is not Phase.HELD:
            return False
        self._drop(leg)
        self.look([client_order_id])
        return True

    def find_change_fault(self, client_order_id: str, size: int) -> str | None:
        """Return why the strategy cannot give an order this total size, None when it can."""
        leg = self.find_leg(client_order_id)
        if leg is None:
            return None
        return find_change_fault(leg, size, self._groups[client_order_id])

    def change_held(self, client_order_id: str, size: int) -> None:
        """Give a held order another size; those that update each other with it are told."""
        self._change_wanted(self._groups[client_order_id][client_order_id], size)

    async def start_change(self, client_order_id: str, size: int | None) -> None:
        """Expect a change of the strategy's, once none of ours is under way; then send it."""
        leg = self.find_leg(client_order_id)
        if leg is not None:
            await self._wait(client_order_id, lambda: not leg.is_resizing)
            self._changes[client_order_id] = _Change(size)

    def finish_change(self, client_order_id: str, *, is_sent: bool) -> None:
        """Say whether the change that was to be expected was sent."""
        change = self._changes.get(client_order_id)
        if change is None:
            return
        change.is_sent = is_sent
        if not is_sent:
            del self._changes[client_order_id]
        self.look([client_order_id])

    # -- the rules' bidding -----------------------------------------------------------------------

    def _work(self, group: dict[str, Leg]) -> None:
        if self._is_closed:
            return
        self._read(group)
        # A step may make room for the next; each is taken at most once per order.
        for _ in range(2 * len(group)):
            steps = plan(group)
            if not self._take_steps(steps, group):
                break
        if all(leg.is_over for leg in group.values()):
            for client_order_id in group:
                for kept in (self._failures, self._changes, self._hindered, self._groups):
                    kept.pop(client_order_id, None)

    def _read(self, group: dict[str, Leg]) -> None:
        """Take from the desk how those that were sent stand."""
        parents = {leg.parent_id for leg in group.values()}
        running = [leg for leg in group.values() if leg.phase not in (Phase.HELD, Phase.OVER)]
        for leg in running:
            standing = self._desk.find_standing(leg.client_order_id)
            if standing is None:
                continue
            leg.phase = standing.phase
            leg.is_refused = standing.is_refused
            leg.is_taken = standing.is_taken and not leg.is_canceling
            # Children are for what the strategy was told; the rest is better cut too early.
            is_parent = leg.client_order_id in parents
            leg.filled = (
                standing.filled if is_parent else max(standing.filled, standing.told_filled)
            )
            self._take_change(leg, standing)
        for leg in running:
            if leg.is_over:
                self._tell_end(leg, group)

    def _take_change(self, leg: Leg, standing: Standing) -> None:
        """Learn the outcome of a change that the strategy asked for."""
        change = self._changes.get(leg.client_order_id)
        if change is None or not change.is_sent or standing.is_changing:
            return
        del self._changes[leg.client_order_id]
        if change.size is not None and standing.size == change.size:
            self._change_wanted(leg, change.size)

    def _change_wanted(self, leg: Leg, size: int) -> None:
        group = self._groups[leg.client_order_id]
        before = {name: other.wanted for name, other in group.items()}
        change_wanted(leg, size, group)
        for name, other in group.items():
            if other.phase is Phase.HELD and other.wanted != before[name] and other is not leg:
                self._desk.tell_resized(name, other.wanted)

    def _tell_end(self, leg: Leg, group: dict[str, Leg]) -> None:
        """Say what is left when an exit of a position is gone."""
        parent = group.get(leg.parent_id)
        if parent is None:
            return
        if (leg.is_refused or leg.is_taken) and find_leaves(leg, group) > 0:
            what = (
                "was refused" if leg.is_refused else "was canceled by the venue or another client"
            )
            self._desk.warn(
                f"{leg.client_order_id} {what}: the position of {parent.client_order_id} "
                "goes without it"
            )
        is_bare = all(other.is_over for other in group.values() if other.parent_id)
        if is_bare and not parent.is_over:
            self._desk.warn(
                f"{parent.client_order_id} works on, and what it fills from now on has no exit: "
                "the orders of its list are over"
            )

    def _take_steps(self, steps: list[Step], group: dict[str, Leg]) -> bool:
        """Do what is planned; return whether the rules are to be asked again at once."""
        sent: list[str] = []
        is_again = False
        for step in steps:
            leg = group[step.client_order_id]
            if step.act is Act.SEND:
                sent += self._prepare(leg, step.size)
                is_again |= leg.phase is not Phase.HELD
            elif step.act is Act.DROP:
                self._desk.inform(f"{leg.client_order_id} is canceled: {step.reason}")
                self._drop(leg)
                is_again = True
            elif step.act is Act.CANCEL:
                self._desk.inform(f"{leg.client_order_id} is being canceled: {step.reason}")
                leg.is_canceling = True
                self._start(self._cancel(leg), f"cancel {leg.client_order_id}")
            else:
                leg.asked = step.size
                leg.is_resizing = True
                self._start(self._resize(leg, step.size), f"resize {leg.client_order_id}")
        # Those without a parent stand or fall together; a refused exit must not take another along.
        together = [name for name in sent if not group[name].parent_id]
        if together:
            self._start(self._send(together), f"send {together[0]}")
        for name in sent:
            if group[name].parent_id:
                self._start(self._send([name]), f"send {name}")
        return is_again

    def _prepare(self, leg: Leg, size: int) -> list[str]:
        name = leg.client_order_id
        obstacle = self._desk.find_obstacle(name)
        if obstacle is not None:
            if self._hindered.get(name) != obstacle:
                self._hindered[name] = obstacle
                self._desk.warn(f"{name} is due and waits: {obstacle}")
            self._retry_soon()
            return []
        self._hindered.pop(name, None)
        leg.asked = size
        if self._desk.prepare(name, size):
            leg.phase = Phase.SENT
            return [name]
        leg.phase, leg.is_refused = Phase.OVER, True
        self._tell_end(leg, self._groups[name])
        return []

    def _drop(self, leg: Leg) -> None:
        leg.phase = Phase.OVER
        self._hindered.pop(leg.client_order_id, None)
        self._desk.tell_canceled(leg.client_order_id)

    async def _send(self, names: list[str]) -> None:
        await self._desk.send(names)
        self.look(names)

    async def _resize(self, leg: Leg, size: int) -> None:
        name = leg.client_order_id
        await self._wait(name, lambda: name not in self._changes)
        reason = await self._desk.resize(name, size)
        await self._wait(name, lambda: not self._is_changing(name))
        leg.is_resizing = False
        standing = self._desk.find_standing(name)
        if standing is None or standing.phase is not Phase.WORKING or standing.size == size:
            self._failures.pop(name, None)
        else:
            reason = reason or "the venue refused"
            await self._wait_after_failure(name, reason)
            leg.asked = standing.size if name in self._failures else size
        self.look([name])

    async def _wait_after_failure(self, name: str, reason: str) -> None:
        failures = self._failures[name] = self._failures.get(name, 0) + 1
        if failures == LOUD_ATTEMPT:
            self._desk.warn(f"{name} could not be given the size it should have: {reason}")
        if failures >= RESIZE_ATTEMPTS_MAX:
            del self._failures[name]
            return
        await asyncio.sleep(min(RETRY_DELAY_SECS * 2 ** (failures - 1), RETRY_DELAY_SECS_MAX))

    async def _cancel(self, leg: Leg) -> None:
        name = leg.client_order_id
        for attempt in range(1, CANCEL_ATTEMPTS_MAX + 1):
            await self._desk.cancel(name)
            secs = min(CANCEL_WAIT_SECS * attempt, RETRY_DELAY_SECS_MAX)
            await self._wait(name, lambda: not self._is_at_venue(name), secs)
            if not self._is_at_venue(name):
                break
            if attempt == LOUD_ATTEMPT:
                self._desk.warn(f"{name} should be canceled and is not: look at the venue")
        self.look([name])

    def _is_changing(self, client_order_id: str) -> bool:
        standing = self._desk.find_standing(client_order_id)
        return standing is not None and standing.is_changing

    def _is_at_venue(self, client_order_id: str) -> bool:
        standing = self._desk.find_standing(client_order_id)
        return standing is not None and standing.phase in (Phase.SENT, Phase.WORKING)

    async def _wait(
        self, client_order_id: str, is_done: Callable[[], bool], secs: float = WAIT_SECS_MAX
    ) -> None:
        """Wait, at most so long, for news of an order that make a condition true."""
        deadline = asyncio.get_running_loop().time() + secs
        while not is_done():
            news = self._news.setdefault(client_order_id, asyncio.Event())
            news.clear()
            try:
                async with asyncio.timeout_at(deadline):
                    await news.wait()
            except TimeoutError:
                return

    def _retry_soon(self) -> None:
        if self._retry is None:
            loop = asyncio.get_running_loop()
            self._retry = loop.call_later(RETRY_DELAY_SECS, self._retry_now)

    def _retry_now(self) -> None:
        self._retry = None
        self.look(list(self._hindered))

    def _start(self, coro: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(coro, name=f"paradex-contingency {name}")
        self._tasks.add(task)
        task.add_done_callback(self._finish)

    def _finish(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._desk.warn(f"Our own mistake in {task.get_name()}: {task.exception()!r}")
