"""What orders that hang together ask for next: OTO, OCO and OUO as rules on numbers.

Pure. `plan` is asked whenever something happened to one of the orders, and looks at all of them as
they are, not at what happened: asked again it plans nothing new, and what was missed is made good.

A child (OTO) is at most as large as what its parent filled. Orders linked by OCO end each other by
a fill or by their end. Orders linked by OUO end each other by their end alone; a fill of one leaves
the others that much smaller. Sizes are in 1e-8.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final


class Link(Enum):
    """How an order hangs together with those it is linked to."""

    NONE = "none"
    OCO = "one cancels the others"
    OUO = "one updates the others"


class Phase(Enum):
    """How far an order is."""

    HELD = "kept here, the venue knows nothing of it"
    SENT = "on its way, or not accepted yet"
    WORKING = "at work"
    CLOSING = "closed, and not all of its fills are counted"
    OVER = "over"


@dataclass(slots=True)
class Leg:
    """An order that hangs together with others. Sizes are in 1e-8.

    Attributes
    ----------
    client_order_id, parent_id : str
        The parent's is empty where there is none.
    link : Link
        What joins it to `linked`.
    linked : tuple[str, ...]
        The others, by client order id.
    wanted : int
        The total size the strategy wants it to have in the end.
    asked : int
        The total size it was sent with, or that was asked for since.
    phase : Phase
        How far it is.
    filled : int
        What filled of it, by the fills counted or by the venue's word, whichever is more.
    is_refused : bool
        Whether it is over without ever having worked.
    is_taken : bool
        Whether the venue or another client canceled it: nobody here asked for that.
    lost : int
        Of a parent: what filled and is no longer there for its children.
    is_resizing, is_canceling : bool
        Whether a change of ours, or a cancel, is under way.
    """

    client_order_id: str
    wanted: int
    parent_id: str = ""
    link: Link = Link.NONE
    linked: tuple[str, ...] = ()
    asked: int = 0
    phase: Phase = Phase.HELD
    filled: int = 0
    is_refused: bool = False
    is_taken: bool = False
    lost: int = 0
    is_resizing: bool = False
    is_canceling: bool = False

    @property
    def is_over(self) -> bool:
        """Whether nothing will come of it any more."""
        return self.phase is Phase.OVER


class Act(Enum):
    """What is to be done with an order."""

    SEND = "send it"
    RESIZE = "change its total size"
    CANCEL = "cancel it at the venue"
    DROP = "cancel it here"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do; `size` in 1e-8, in total, for `SEND` and `RESIZE`."""

    act: Act
    client_order_id: str
    size: int = 0
    reason: str = ""


type Legs = Mapping[str, Leg]

_NOTHING_LEFT: Final = "nothing is left for it to do"


def plan(legs: Legs) -> list[Step]:
    """Return what is to be done now with orders that hang together, in the order to do it."""
    steps = [_plan_leg(leg, legs) for leg in legs.values() if not leg.is_over]
    return [step for step in steps if step is not None]


def find_leaves(leg: Leg, legs: Legs) -> int:
    """Return how much of an order may still fill, by its parent and by those it is linked to."""
    parent = legs.get(leg.parent_id)
    ceiling = leg.wanted
    if parent is not None:
        ceiling = min(ceiling, parent.filled - parent.lost)
    return ceiling - leg.filled - _filled_of_linked(leg, legs)


def find_change_fault(leg: Leg, size: int, legs: Legs) -> str | None:
    """Return why the strategy cannot have an order of this total size, None when it can."""
    parent = legs.get(leg.parent_id)
    if leg.phase is Phase.HELD:
        if parent is not None and size > parent.wanted:
            return "the quantity must not be greater than that of the parent order"
        return None
    filled_of_linked = _filled_of_linked(leg, legs)
    if parent is not None and size + filled_of_linked > parent.filled - parent.lost:
        return "the quantity must not be greater than what the parent order filled"
    if (leg.filled or filled_of_linked) and any(
        legs[other].asked == size != leg.asked for other in leg.linked if other in legs
    ):
        # NautilusTrader's own manager (`manage_contingent_orders`) asks this when it sees a change
        # that was made here: it would be made twice.
        return "orders linked to each other are kept at what the others left over"
    return None


def change_wanted(leg: Leg, size: int, legs: Legs) -> None:
    """Take the total size the strategy gave an order; those that update each other follow."""
    if leg.phase is Phase.HELD:
        wanted = size
    else:
        leg.asked = size
        wanted = size + _filled_of_linked(leg, legs)
    if leg.link is Link.OUO:
        for other in leg.linked:
            if other in legs:
                legs[other].wanted = wanted
    for child in legs.values():
        if child.parent_id == leg.client_order_id and child.wanted == leg.wanted:
            child.wanted = wanted
    leg.wanted = wanted


def _plan_leg(leg: Leg, legs: Legs) -> Step | None:
    reason = _find_end(leg, legs)
    leaves = find_leaves(leg, legs)
    if leg.phase is Phase.HELD:
        if reason:
            return Step(Act.DROP, leg.client_order_id, reason=reason)
        if leaves > 0:
            return Step(Act.SEND, leg.client_order_id, leaves)
        return None
    is_bound = bool(leg.parent_id or leg.linked)
    is_at_venue = leg.phase in (Phase.SENT, Phase.WORKING)
    if not is_bound or not is_at_venue or leg.is_canceling or leg.filled >= leg.asked:
        return None
    if reason or leaves <= 0:
        return Step(Act.CANCEL, leg.client_order_id, reason=reason or _NOTHING_LEFT)
    size = leg.filled + leaves
    if leg.phase is Phase.WORKING and not leg.is_resizing and size != leg.asked:
        return Step(Act.RESIZE, leg.client_order_id, size)
    return None


def _find_end(leg: Leg, legs: Legs) -> str:
    """Return why an order is not to go on, empty when it is."""
    parent = legs.get(leg.parent_id)
    if parent is not None and parent.is_over:
        if parent.filled <= 0:
            return f"its parent order {parent.client_order_id} ended without a fill"
        if leg.phase is Phase.HELD and find_leaves(leg, legs) <= 0:
            return _NOTHING_LEFT
    if leg.link is Link.NONE:
        return ""
    for other_id in leg.linked:
        other = legs.get(other_id)
        if other is None:
            continue
        if leg.link is Link.OCO and other.filled > 0:
            return f"{other_id}, linked to it, filled"
        if leg.link is Link.OCO and leg.filled > 0:
            # It ended the others, and goes on.
            continue
        # A position does not lose its other exit because the venue refused or took one.
        is_lost = other.is_refused or other.is_taken
        if other.is_over and not (is_lost and parent is not None):
            return f"{other_id}, linked to it, ended"
    return ""


def _filled_of_linked(leg: Leg, legs: Legs) -> int:
    if leg.link is Link.NONE:
        return 0
    return sum(legs[other].filled for other in leg.linked if other in legs)
