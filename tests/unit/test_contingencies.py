"""OTO, OCO and OUO, rule by rule, on a desk where every outcome waits for the test."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from paradex_adapter import contingencies
from paradex_adapter.contingency_rules import Leg, Link, Phase
from tests.order_desk import Desk, bracket, pair, settle


@pytest.fixture
async def desk(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.setattr(contingencies, "RETRY_DELAY_SECS", 0.0)
    desk = Desk()
    yield desk
    await desk.contingencies.close()


async def entered(desk: Desk, link: Link = Link.OUO, filled: int = 10) -> None:
    """Send a bracket of 10 whose entry works and filled so much; its exits work."""
    desk.submit(*bracket(link=link))
    await desk.let_all()
    desk.fill("E", filled)
    await desk.let_all()


# -- a parent and its children ----------------------------------------------------------------


async def test_children_wait_for_their_parent(desk: Desk) -> None:
    desk.submit(*bracket())
    await desk.let_all()
    assert desk.told == ["submitted E 10"]
    assert desk.contingencies.held() == ["S", "P"]


async def test_children_are_sent_in_the_size_that_filled_each_by_itself(desk: Desk) -> None:
    await entered(desk, filled=4)
    assert desk.told == ["submitted E 10", "submitted S 4", "submitted P 4"]
    assert desk.batches == [["E"], ["S"], ["P"]]


async def test_children_grow_as_their_parent_fills_on(desk: Desk) -> None:
    await entered(desk, filled=4)
    desk.fill("E", 3)
    await desk.let_all()
    desk.fill("E", 3)
    await desk.let_all()
    assert desk.at_venue() == {"S": 10, "P": 10}


async def test_a_child_not_accepted_yet_grows_once_it_is(desk: Desk) -> None:
    desk.submit(*bracket())
    await desk.let_all()
    desk.fill("E", 4)
    await settle()
    desk.fill("E", 6)
    await settle()
    assert set(desk.pending) == {"accept S", "accept P"}
    await desk.let_all()
    assert desk.at_venue() == {"S": 10, "P": 10}


async def test_a_child_is_never_larger_than_it_was_made(desk: Desk) -> None:
    desk.submit(Leg("E", 10), Leg("S", 3, parent_id="E"))
    await desk.let_all()
    desk.fill("E", 10)
    await desk.let_all()
    assert desk.at_venue() == {"S": 3}


@pytest.mark.parametrize("is_refused", [True, False], ids=["refused", "canceled"])
async def test_children_end_with_a_parent_that_did_not_fill(desk: Desk, is_refused: bool) -> None:
    desk.submit(*bracket())
    await settle()
    desk.end("E", is_refused=is_refused)
    assert desk.told[1:] == ["canceled S", "canceled P"]
    assert desk.contingencies.find_leg("E") is None


async def test_children_outlive_a_parent_that_filled_in_part(desk: Desk) -> None:
    await entered(desk, filled=4)
    desk.end("E")
    await desk.let_all()
    assert desk.at_venue() == {"S": 4, "P": 4}


async def test_children_due_wait_while_the_venue_takes_no_orders(desk: Desk) -> None:
    desk.submit(*bracket())
    await desk.let_all()
    desk.obstacle = "cancel only"
    desk.fill("E", 10)
    await settle()
    assert desk.at_venue() == {}
    assert desk.warnings == ["S is due and waits: cancel only", "P is due and waits: cancel only"]
    desk.obstacle = None
    await desk.until_asked()
    await desk.let_all()
    assert desk.at_venue() == {"S": 10, "P": 10}


async def test_a_list_that_waits_keeps_no_other_from_going_on(desk: Desk) -> None:
    desk.submit(*bracket())
    desk.submit(Leg("F", 10), *(Leg(n, 10, "F", Link.OUO, (o,)) for n, o in ("TU", "UT")))
    await desk.let_all()
    desk.obstacle = "cancel only"
    desk.fill("E", 10)
    assert desk.contingencies.drop("U")
    assert desk.told[-2:] == ["canceled U", "canceled T"]


async def test_a_child_that_has_to_be_denied_leaves_the_other(desk: Desk) -> None:
    desk.denied.add("S")
    await entered(desk)
    assert desk.told[1:] == ["denied S", "submitted P 10"]
    assert desk.at_venue() == {"P": 10}
    assert "S was refused" in desk.warnings[0]


async def test_an_exit_that_the_venue_refuses_leaves_the_other(desk: Desk) -> None:
    desk.submit(*bracket())
    await desk.let_all()
    desk.fill("E", 10)
    await settle()
    desk.let("accept S", is_refused=True)
    await desk.let_all()
    assert desk.at_venue() == {"P": 10}


async def test_an_exit_that_the_venue_takes_leaves_the_other(desk: Desk) -> None:
    await entered(desk)
    desk.end("P", is_taken=True)
    await desk.let_all()
    assert desk.at_venue() == {"S": 10}
    assert desk.warnings == [
        "P was canceled by the venue or another client: the position of E goes without it"
    ]


async def test_an_entry_without_exits_is_loud(desk: Desk) -> None:
    await entered(desk, filled=4)
    desk.fill("P", 4)
    await desk.let_all()
    assert desk.at_venue() == {"E": 10}
    assert desk.warnings == [
        "E works on, and what it fills from now on has no exit: the orders of its list are over"
    ]


async def test_children_follow_the_size_of_their_parent(desk: Desk) -> None:
    desk.submit(*bracket())
    await desk.let_all()
    await desk.contingencies.start_change("E", 20)
    desk.orders["E"].size = 20
    desk.contingencies.finish_change("E", is_sent=True)
    assert desk.told[1:] == ["updated S 20", "updated P 20"]
    desk.fill("E", 20)
    await desk.let_all()
    assert desk.at_venue() == {"S": 20, "P": 20}


# -- one cancels the others, one updates the others -------------------------------------------


async def test_orders_without_a_parent_go_together(desk: Desk) -> None:
    desk.submit(*pair(Link.OCO))
    await desk.let_all()
    assert desk.batches == [["A", "B"]]


async def test_oco_cancels_at_the_first_fill(desk: Desk) -> None:
    desk.submit(*pair(Link.OCO))
    await desk.let_all()
    desk.fill("A", 1)
    await desk.let_all()
    assert desk.at_venue() == {"A": 10}


@pytest.mark.parametrize("link", [Link.OCO, Link.OUO])
@pytest.mark.parametrize("is_refused", [True, False], ids=["refused", "canceled"])
async def test_the_end_of_one_cancels_the_other(desk: Desk, link: Link, is_refused: bool) -> None:
    desk.submit(*pair(link))
    await desk.let_all()
    desk.end("A", is_refused=is_refused)
    await desk.let_all()
    assert desk.at_venue() == {}


async def test_ouo_shrinks_by_what_the_other_filled(desk: Desk) -> None:
    await entered(desk)
    desk.fill("P", 3)
    await desk.let_all()
    assert desk.at_venue() == {"S": 7, "P": 10}
    desk.fill("S", 2)
    await desk.let_all()
    assert desk.at_venue() == {"S": 7, "P": 8}
    desk.fill("P", 5)
    await desk.let_all()
    assert desk.at_venue() == {}
    assert desk.contingencies.find_leg("P") is None


async def test_a_cancel_goes_before_a_change_under_way(desk: Desk) -> None:
    await entered(desk)
    desk.fill("P", 3)
    await settle()
    desk.fill("P", 7)
    await settle()
    assert set(desk.pending) == {"resize S", "cancel S"}
    await desk.let_all()
    assert desk.at_venue() == {}


async def test_a_cancel_without_an_end_is_repeated(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contingencies, "CANCEL_WAIT_SECS", 0.05)
    await entered(desk)
    desk.end("P")
    await settle()
    desk.let("cancel S", is_refused=True)
    await desk.until_asked()
    await desk.let_all()
    assert desk.at_venue() == {}


async def test_a_refused_change_is_repeated_and_given_up_with_a_warning(desk: Desk) -> None:
    await entered(desk)
    desk.fill("P", 3)
    for _ in range(contingencies.RESIZE_ATTEMPTS_MAX):
        await settle()
        desk.let("resize S", is_refused=True)
    await desk.let_all()
    assert desk.at_venue() == {"S": 10, "P": 10}
    assert desk.warnings == ["S could not be given the size it should have: the venue refused"]


async def test_a_size_the_venue_cut_is_left_alone(desk: Desk) -> None:
    await entered(desk)
    desk.orders["S"].size = 6
    desk.contingencies.look(["S"])
    await settle()
    assert desk.pending == {}


# -- what the strategy does -------------------------------------------------------------------


async def test_a_held_child_canceled_takes_its_linked_one_along(desk: Desk) -> None:
    desk.submit(*bracket())
    await desk.let_all()
    assert desk.contingencies.drop("P")
    assert desk.told[1:] == ["canceled P", "canceled S"]
    assert desk.at_venue() == {"E": 10}
    assert not desk.contingencies.drop("E")


async def test_a_held_child_changed_goes_out_as_changed(desk: Desk) -> None:
    desk.submit(*bracket())
    await desk.let_all()
    assert desk.contingencies.find_change_fault("P", 6) is None
    desk.contingencies.change_held("P", 6)
    assert desk.told[1:] == ["updated S 6"]
    desk.fill("E", 10)
    await desk.let_all()
    assert desk.at_venue() == {"S": 6, "P": 6}


async def test_a_child_cannot_be_larger_than_its_parent_or_what_it_filled(desk: Desk) -> None:
    desk.submit(*bracket())
    await desk.let_all()
    assert "parent order" in str(desk.contingencies.find_change_fault("P", 11))
    desk.fill("E", 4)
    await desk.let_all()
    assert "filled" in str(desk.contingencies.find_change_fault("P", 5))
    assert desk.contingencies.find_change_fault("P", 3) is None


async def test_a_working_child_changed_keeps_its_size_as_the_parent_fills_on(desk: Desk) -> None:
    await entered(desk, filled=4)
    await desk.contingencies.start_change("P", 2)
    desk.orders["P"].size = 2
    desk.contingencies.finish_change("P", is_sent=True)
    await desk.let_all()
    assert desk.at_venue() == {"E": 10, "S": 2, "P": 2}
    desk.fill("E", 6)
    await desk.let_all()
    assert desk.at_venue() == {"S": 2, "P": 2}


async def test_a_change_that_was_not_sent_or_refused_changes_nothing(desk: Desk) -> None:
    await entered(desk, filled=4)
    for is_sent in (False, True):
        await desk.contingencies.start_change("P", 2)
        assert not desk.contingencies.is_own_refusal("P")
        desk.contingencies.finish_change("P", is_sent=is_sent)
    desk.fill("E", 6)
    await desk.let_all()
    assert desk.at_venue() == {"S": 10, "P": 10}


async def test_a_refusal_is_ours_while_a_change_of_ours_is_under_way(desk: Desk) -> None:
    await entered(desk)
    desk.fill("P", 3)
    await settle()
    assert desk.contingencies.is_own_refusal("S")
    waiting = asyncio.ensure_future(desk.contingencies.start_change("S", 5))
    await settle()
    assert not waiting.done()
    await desk.let_all()
    await waiting
    assert not desk.contingencies.is_own_refusal("S")


async def test_what_the_engines_own_manager_asks_for_is_not_done_twice(desk: Desk) -> None:
    await entered(desk)
    desk.fill("P", 3)
    await desk.let_all()
    # It sees the stop at 7 and wants the profit, of which 3 are filled, at 7 in total.
    assert "left over" in str(desk.contingencies.find_change_fault("P", 7))
    # And the stop, after the parent's fill, at all that filled.
    assert "filled" in str(desk.contingencies.find_change_fault("S", 10))


# -- lists taken up again ---------------------------------------------------------------------


async def test_what_was_lost_of_a_position_is_not_sold_again(desk: Desk) -> None:
    desk.submit(*bracket())
    await desk.let_all()
    parent = desk.contingencies.find_leg("E")
    assert parent is not None
    parent.lost = 6
    desk.fill("E", 10)
    await desk.let_all()
    assert desk.at_venue() == {"S": 4, "P": 4}


async def test_children_of_a_position_that_is_gone_are_canceled(desk: Desk) -> None:
    desk.submit(*bracket())
    await desk.let_all()
    parent = desk.contingencies.find_leg("E")
    assert parent is not None
    parent.lost = 10
    desk.fill("E", 10)
    assert desk.told[1:] == ["canceled S", "canceled P"]


async def test_an_order_taken_later_joins_those_it_is_linked_to(desk: Desk) -> None:
    first, second = pair(Link.OCO)
    desk.submit(first)
    await desk.let_all()
    desk.submit(second)
    await desk.let_all()
    assert desk.at_venue() == {"A": 10, "B": 10}
    desk.end("A")
    await desk.let_all()
    assert desk.at_venue() == {}


async def test_a_child_whose_parent_is_over_and_forgotten_is_sent(desk: Desk) -> None:
    desk.submit(Leg("S", 5, parent_id="gone"))
    await desk.let_all()
    assert desk.at_venue() == {"S": 5}


async def test_nothing_is_done_after_the_end(desk: Desk) -> None:
    desk.submit(*bracket())
    await desk.let_all()
    await desk.contingencies.close()
    desk.fill("E", 10)
    await settle()
    assert desk.at_venue() == {}
    leg = desk.contingencies.find_leg("S")
    assert leg is not None
    assert leg.phase is Phase.HELD
