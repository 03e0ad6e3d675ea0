"""Orders of the local exchange that wait for a mark price."""

from decimal import Decimal

import pytest

from paradex_adapter.local_exchange.conditional import PARTNER_EXECUTED, POSITION_GONE
from paradex_adapter.local_exchange.orders import Order
from tests.unit.local_exchange.engine_bench import Bench

D = Decimal
STOPS = ("STOP_MARKET", "STOP_LIMIT")
KINDS = (
    *STOPS,
    "STOP_LOSS_MARKET",
    "STOP_LOSS_LIMIT",
    "TAKE_PROFIT_MARKET",
    "TAKE_PROFIT_LIMIT",
)


def quoted(bid: str = "89990", ask: str = "90010", size: str = "5") -> Bench:
    """Return a bench with a maker on both sides."""
    bench = Bench(cash="1000000")
    bench.order("0xc", "BUY", size, bid)
    bench.order("0xc", "SELL", size, ask)
    return bench


def long(size: str = "0.5") -> Bench:
    """Return a bench whose first account has bought."""
    bench = quoted()
    bench.order("0xa", "BUY", size)
    assert bench.held("0xa") == D(size)
    return bench


def states(bench: Bench, order: Order) -> list[str]:
    """Return the states of an order that were told, in order."""
    return [status for order_id, status, _, _ in bench.heard.orders if order_id == order.id]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_each_kind_goes_on_its_own_side_of_the_trigger(kind: str, side: str) -> None:
    bench = quoted()
    # One that closes needs what it closes.
    bench.order("0xa", "SELL" if side == "BUY" else "BUY", "0.5")
    is_above = (side == "BUY") != kind.startswith("TAKE_PROFIT")
    trigger = D(90100) if is_above else D(89900)
    price = "0" if kind.endswith("MARKET") else "90000"
    order = bench.order("0xa", side, "0.1", price, kind=kind, trigger=trigger)
    flag = "STOP_CONDITION_ABOVE_TRIGGER" if is_above else "STOP_CONDITION_BELOW_TRIGGER"
    assert flag in order.shown_flags
    bench.mark(trigger - D("0.1") if is_above else trigger + D("0.1"))
    assert bench.ended(order) == ("UNTRIGGERED", "", D("0.1"))
    bench.mark(trigger)
    assert states(bench, order)[:2] == ["UNTRIGGERED", "NEW"]
    is_taken = kind.endswith("MARKET")
    assert order.status == ("CLOSED" if is_taken else "OPEN")
    assert order.filled == (D("0.1") if is_taken else 0)
    assert order.type == kind


def test_a_trigger_already_reached_goes_at_once() -> None:
    bench = quoted()
    order = bench.order("0xa", "BUY", "0.1", kind="STOP_MARKET", trigger="89000")
    assert states(bench, order) == ["UNTRIGGERED", "NEW", "CLOSED"]
    assert order.filled == D("0.1")


def test_what_waits_is_in_no_book_and_binds_no_margin() -> None:
    bench = quoted()
    levels = dict(bench.heard.levels)
    free = bench.accounts["0xa"].margin({bench.market.symbol: bench.market}).free
    bench.order("0xa", "BUY", "2", "90500", kind="STOP_LIMIT", trigger="90400")
    assert bench.heard.levels == levels
    assert bench.accounts["0xa"].margin({bench.market.symbol: bench.market}).free == free


def test_margin_is_asked_when_it_is_triggered() -> None:
    bench = Bench(cash="1000")
    bench.order("0xc", "SELL", "0.4", "90010")
    order = bench.order("0xa", "BUY", "90", kind="STOP_MARKET", trigger="90100")
    assert order.status == "UNTRIGGERED"
    bench.mark("90100")
    assert bench.ended(order) == ("CLOSED", "NOT_ENOUGH_MARGIN", D(90))
    assert states(bench, order) == ["UNTRIGGERED", "NEW", "CLOSED"]


def test_reduce_only_is_asked_when_it_is_triggered() -> None:
    bench = quoted()
    flags = ("REDUCE_ONLY",)
    order = bench.order("0xa", "SELL", "0.1", kind="STOP_MARKET", trigger="89900", flags=flags)
    assert order.status == "UNTRIGGERED"
    bench.mark("89900")
    assert bench.ended(order) == ("CLOSED", "REDUCE_ONLY_WILL_INCREASE", D("0.1"))


def test_too_small_an_order_does_not_wait() -> None:
    bench = quoted()
    order = bench.order("0xa", "BUY", "0.0001", kind="STOP_MARKET", trigger="90100")
    assert bench.ended(order) == ("CLOSED", "ORDER_SIZE_BELOW_MIN", D("0.0001"))


def test_a_triggered_post_only_order_does_not_take() -> None:
    bench = quoted()
    fields = {"kind": "STOP_LIMIT", "trigger": "90100", "instruction": "POST_ONLY"}
    order = bench.order("0xa", "BUY", "0.1", "90010", **fields)
    bench.mark("90100")
    assert bench.ended(order) == ("CLOSED", "POST_ONLY_WOULD_CROSS", D("0.1"))


def test_only_a_stop_at_the_market_keeps_its_average_within_the_slippage() -> None:
    for kind, filled in (("STOP_MARKET", "0.1"), ("STOP_LOSS_MARKET", "0.5")):
        bench = Bench(cash="1000000")
        bench.order("0xb", "SELL", "0.5", "90000")
        bench.order("0xa", "BUY", "0.5", "90000")
        bench.order("0xc", "BUY", "0.1", "89990")
        # More than one percent below the best bid, and within the band of five.
        bench.order("0xc", "BUY", "5", "86000")
        order = bench.order("0xa", "SELL", "0.5", kind=kind, trigger="89900")
        bench.mark("89900")
        assert order.filled >= D(filled), kind
        assert (order.filled == D("0.5")) == (kind == "STOP_LOSS_MARKET")


# --- What belongs to a position --------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS[2:])
def test_an_order_that_closes_needs_a_position(kind: str) -> None:
    bench = long()
    trigger = "91000" if kind.startswith("TAKE") else "89000"
    for account, side in (("0xb", "SELL"), ("0xa", "BUY")):
        order = bench.order(account, side, "0.5", "0", kind=kind, trigger=trigger)
        assert bench.ended(order) == ("CLOSED", "REDUCE_ONLY_WILL_INCREASE", D("0.5"))


def test_an_order_that_closes_is_cut_to_the_position() -> None:
    bench = long("0.5")
    order = bench.order("0xa", "SELL", "2", kind="STOP_LOSS_MARKET", trigger="89900")
    assert (order.status, order.size) == ("UNTRIGGERED", D(2))
    bench.mark("89900")
    assert bench.ended(order) == ("CLOSED", "", D(0))
    assert (order.size, order.filled, bench.held("0xa")) == (D("0.5"), D("0.5"), D(0))


def test_a_small_rest_of_a_position_can_be_closed() -> None:
    bench = long("0.5")
    order = bench.order("0xa", "SELL", "0.5", kind="STOP_LOSS_MARKET", trigger="89900")
    bench.order("0xa", "SELL", "0.49995", "89990", instruction="IOC")
    bench.mark("89900")
    assert order.filled == D("0.00005")
    assert bench.held("0xa") == 0


def test_what_closes_is_canceled_when_the_position_is_gone() -> None:
    bench = long()
    loss = bench.order("0xa", "SELL", "0.5", kind="STOP_LOSS_MARKET", trigger="89000")
    profit = bench.order("0xa", "SELL", "0.5", "91000", kind="TAKE_PROFIT_LIMIT", trigger="91000")
    stop = bench.order("0xa", "SELL", "0.5", kind="STOP_MARKET", trigger="89000")
    bench.order("0xa", "SELL", "0.3")
    assert loss.status == profit.status == "UNTRIGGERED"
    bench.order("0xa", "SELL", "0.2")
    assert bench.ended(loss) == ("CLOSED", POSITION_GONE, D("0.5"))
    assert bench.ended(profit) == ("CLOSED", POSITION_GONE, D("0.5"))
    assert stop.status == "UNTRIGGERED"


def test_what_closes_is_canceled_when_the_position_turns() -> None:
    bench = long()
    loss = bench.order("0xa", "SELL", "0.5", kind="STOP_LOSS_MARKET", trigger="89000")
    bench.order("0xa", "SELL", "1")
    assert bench.held("0xa") == D("-0.5")
    assert bench.ended(loss) == ("CLOSED", POSITION_GONE, D("0.5"))


def test_the_partner_of_an_executed_order_is_canceled() -> None:
    bench = long("1")
    loss = bench.order("0xa", "SELL", "0.5", kind="STOP_LOSS_MARKET", trigger="89000")
    profit = bench.order("0xa", "SELL", "0.5", kind="TAKE_PROFIT_MARKET", trigger="91000")
    other = bench.order("0xa", "SELL", "0.5", kind="STOP_LOSS_MARKET", trigger="88000")
    bench.mark("91000")
    assert bench.ended(profit) == ("CLOSED", "", D(0))
    assert bench.ended(loss) == ("CLOSED", PARTNER_EXECUTED, D("0.5"))
    # It belongs to no pair, and half of the position is left for it.
    assert (other.status, bench.held("0xa")) == ("UNTRIGGERED", D("0.5"))


def test_the_partner_of_a_limit_is_canceled_once_the_limit_is_filled_whole() -> None:
    bench = long("1")
    loss = bench.order("0xa", "SELL", "0.5", kind="STOP_LOSS_MARKET", trigger="89000")
    profit = bench.order("0xa", "SELL", "0.5", "90005", kind="TAKE_PROFIT_LIMIT", trigger="90500")
    bench.mark("90500")
    assert profit.status == "OPEN"
    bench.order("0xb", "BUY", "0.2", "90005", instruction="IOC")
    assert bench.ended(profit) == ("OPEN", "", D("0.3"))
    assert loss.status == "UNTRIGGERED"
    bench.order("0xb", "BUY", "0.3", "90005", instruction="IOC")
    assert bench.ended(loss) == ("CLOSED", PARTNER_EXECUTED, D("0.5"))


def test_a_canceled_order_leaves_its_partner_alone() -> None:
    bench = long("1")
    loss = bench.order("0xa", "SELL", "0.5", kind="STOP_LOSS_MARKET", trigger="89000")
    profit = bench.order("0xa", "SELL", "0.5", kind="TAKE_PROFIT_MARKET", trigger="91000")
    bench.engine.cancel(loss, "USER_CANCELED")
    assert bench.ended(loss) == ("CLOSED", "USER_CANCELED", D("0.5"))
    assert profit.status == "UNTRIGGERED"
    # The next one takes the place.
    again = bench.order("0xa", "SELL", "0.5", kind="STOP_LOSS_MARKET", trigger="89000")
    bench.mark("91000")
    assert bench.ended(again) == ("CLOSED", PARTNER_EXECUTED, D("0.5"))


def test_a_market_that_ends_cancels_what_waits() -> None:
    bench = quoted()
    order = bench.order("0xa", "BUY", "0.1", kind="STOP_MARKET", trigger="90100")
    bench.engine.close_market(bench.market, "ASSET_EXPIRED")
    bench.mark("90100")
    assert states(bench, order) == ["UNTRIGGERED", "CLOSED"]
    assert bench.ended(order) == ("CLOSED", "ASSET_EXPIRED", D("0.1"))


# --- Changes and pauses ----------------------------------------------------------------------


def test_what_waits_may_be_changed() -> None:
    bench = quoted()
    order = bench.order("0xa", "BUY", "0.1", "90500", kind="STOP_LIMIT", trigger="90400")
    assert bench.modify(order, D("0.2"), D(90200), D(90100))
    assert (order.status, order.size, order.remaining) == ("UNTRIGGERED", D("0.2"), D("0.2"))
    assert (order.price, order.trigger_price) == (D(90200), D(90100))
    bench.mark("90100")
    assert order.filled == D("0.2")


def test_a_change_onto_the_mark_price_lets_it_go() -> None:
    bench = quoted()
    order = bench.order("0xa", "BUY", "0.1", kind="STOP_MARKET", trigger="90400")
    assert bench.modify(order, D("0.1"), D(0), D(90000))
    assert order.filled == D("0.1")


def test_a_triggered_limit_is_changed_as_limits_are_but_for_its_trigger() -> None:
    bench = quoted()
    order = bench.order("0xa", "BUY", "0.1", "89950", kind="STOP_LIMIT", trigger="90100")
    bench.mark("90100")
    assert order.status == "OPEN"
    assert bench.modify(order, D("0.2"), D(89960))
    assert bench.heard.levels[("BUY", D(89960))] == D("0.2")
    assert not bench.modify(order, D("0.3"), D(89960), D(90200))
    assert order.modify_request is not None
    assert order.modify_request.message == "order is triggered already"
    assert (order.size, order.trigger_price) == (D("0.2"), D(90100))


def test_nothing_goes_while_triggers_are_paused() -> None:
    bench = quoted()
    passed = bench.order("0xa", "BUY", "0.1", kind="STOP_MARKET", trigger="90100")
    reached = bench.order("0xa", "BUY", "0.1", kind="STOP_MARKET", trigger="90050")
    bench.engine.pause_triggers(True)
    bench.mark("90200")
    assert passed.status == reached.status == "UNTRIGGERED"
    bench.mark("90060")
    bench.engine.pause_triggers(False)
    # What counts is the mark price at which the pause ends.
    assert (passed.status, reached.status) == ("UNTRIGGERED", "CLOSED")
