"""Matching, risk and settlement of the local exchange."""

from decimal import Decimal

import pytest

from paradex_adapter.local_exchange.markets import MAKER_FEE, TAKER_FEE
from paradex_adapter.local_exchange.orders import ModifyRequest
from tests.unit.local_exchange.engine_bench import SYMBOL, Bench

D = Decimal


def test_better_price_first_then_older_order() -> None:
    bench = Bench()
    second = bench.order("0xa", "SELL", "0.1", "90010")
    third = bench.order("0xc", "SELL", "0.1", "90010")
    first = bench.order("0xa", "SELL", "0.1", "90000")
    taker = bench.order("0xb", "BUY", "0.25", "90010", instruction="IOC")
    assert [fill.order_id for fill in bench.heard.fills if fill.liquidity == "MAKER"] == [
        first.id,
        second.id,
        third.id,
    ]
    assert [trade.price for trade in bench.heard.trades] == [D(90000), D(90010), D(90010)]
    assert bench.ended(taker) == ("CLOSED", "", D(0))
    assert bench.ended(third) == ("OPEN", "", D("0.05"))
    assert taker.average_price() == D(90006)


def test_an_order_that_does_not_cross_rests_and_a_crossing_one_rests_with_its_rest() -> None:
    bench = Bench()
    bid = bench.order("0xa", "BUY", "0.2", "89990")
    ask = bench.order("0xb", "SELL", "0.5", "89990")
    assert bench.ended(bid) == ("CLOSED", "", D(0))
    assert bench.ended(ask) == ("OPEN", "", D("0.3"))
    assert bench.market.book.best("SELL") == (D(89990), D("0.3"))
    assert bench.market.book.best("BUY") is None


def test_each_change_of_the_book_is_one_step_of_its_sequence() -> None:
    bench = Bench()
    start = bench.market.book.seq_no
    bench.order("0xa", "SELL", "0.1", "90000")
    bench.order("0xa", "SELL", "0.1", "90010")
    bench.order("0xb", "BUY", "0.2", "90010")
    bench.order("0xb", "BUY", "0.1", instruction="IOC")
    assert [change.seq_no - start for change in bench.heard.changes] == [1, 2, 3]
    assert bench.heard.changes[2].asks == [(D(90000), D(0)), (D(90010), D(0))]
    assert {trade.seq_no - start for trade in bench.heard.trades} == {3}


def test_best_prices_are_flagged_only_when_they_change() -> None:
    bench = Bench()
    bench.order("0xa", "SELL", "0.1", "90000")
    bench.order("0xa", "SELL", "0.1", "90010")
    bench.order("0xa", "SELL", "0.1", "90000")
    assert [change.is_best_changed for change in bench.heard.changes] == [True, False, True]


def test_post_only_that_would_cross_is_closed_and_one_that_does_not_rests() -> None:
    bench = Bench()
    bench.order("0xa", "SELL", "0.1", "90000")
    crossing = bench.order("0xb", "BUY", "0.1", "90000", instruction="POST_ONLY")
    passive = bench.order("0xb", "BUY", "0.1", "89999.9", instruction="POST_ONLY")
    assert bench.ended(crossing) == ("CLOSED", "POST_ONLY_WOULD_CROSS", D("0.1"))
    assert crossing.instruction == "POST_ONLY"
    assert bench.ended(passive) == ("OPEN", "", D("0.1"))
    assert not bench.heard.trades


def test_immediate_or_cancel_takes_what_is_there() -> None:
    bench = Bench()
    bench.order("0xa", "SELL", "0.1", "90000")
    partly = bench.order("0xb", "BUY", "0.3", "90000", instruction="IOC")
    nothing = bench.order("0xb", "BUY", "0.3", "90000", instruction="IOC")
    assert bench.ended(partly) == ("CLOSED", "REMAINING_IOC_CANCEL", D("0.2"))
    assert bench.ended(nothing) == ("CLOSED", "REMAINING_IOC_CANCEL", D("0.3"))


def test_a_market_order_on_an_empty_book_is_closed() -> None:
    bench = Bench()
    assert bench.ended(bench.order("0xb", "BUY", "0.3")) == ("CLOSED", "EMPTY_MARKET", D("0.3"))


def test_a_market_order_stops_at_the_price_band() -> None:
    bench = Bench()
    bench.order("0xa", "SELL", "0.1", "94500")
    bench.order("0xa", "SELL", "0.1", "94500.1")
    taker = bench.order("0xb", "BUY", "0.2", vwap_price=D(200000))
    assert bench.ended(taker) == ("CLOSED", "REMAINING_IOC_CANCEL", D("0.1"))


@pytest.mark.parametrize(
    ("side", "first", "second"), [("BUY", "90000", "92000"), ("SELL", "90000", "88000")]
)
def test_a_market_order_keeps_its_average_within_the_slippage(
    side: str, first: str, second: str
) -> None:
    bench = Bench(cash="10000000")
    maker = "SELL" if side == "BUY" else "BUY"
    bench.order("0xa", maker, "1", first)
    bench.order("0xa", maker, "5", second)
    taker = bench.order("0xb", side, "3")
    # One percent of 90000 is 900: x of the second, 2000 away, keeps the average at 900 away.
    assert taker.filled == D("1.81818")
    assert bench.ended(taker)[:2] == ("CLOSED", "EXCEEDS_MAX_SLIPPAGE")
    average = taker.average_price()
    assert average is not None
    assert abs(average - D(90000)) <= 900


@pytest.mark.parametrize(
    ("mode", "taker_end", "maker_end", "next_filled"),
    [
        ("EXPIRE_TAKER", ("CLOSED", "SELF_TRADE", D("0.2")), ("OPEN", "", D("0.1")), D(0)),
        ("EXPIRE_MAKER", ("OPEN", "", D("0.1")), ("CLOSED", "SELF_TRADE", D("0.1")), D("0.1")),
        (
            "EXPIRE_BOTH",
            ("CLOSED", "SELF_TRADE", D("0.2")),
            ("CLOSED", "SELF_TRADE", D("0.1")),
            D(0),
        ),
    ],
)
def test_an_account_never_trades_with_itself(
    mode: str,
    taker_end: tuple[str, str, Decimal],
    maker_end: tuple[str, str, Decimal],
    next_filled: Decimal,
) -> None:
    bench = Bench()
    own = bench.order("0xa", "SELL", "0.1", "90000")
    other = bench.order("0xb", "SELL", "0.1", "90000")
    taker = bench.order("0xa", "BUY", "0.2", "90000", stp=mode)
    assert bench.ended(taker) == taker_end
    assert bench.ended(own) == maker_end
    assert other.filled == next_filled


def test_an_order_refused_by_risk_comes_back_stripped() -> None:
    bench = Bench()
    order = bench.order("0xa", "BUY", "0.0001", "90000")
    assert bench.ended(order) == ("CLOSED", "ORDER_SIZE_BELOW_MIN", D("0.0001"))
    response = order.response(1)
    assert response["instruction"] == ""
    assert response["timestamp"] == 0
    assert response["avg_fill_price"] == ""
    assert response["trigger_price"] == "0"
    assert response["remaining_size"] == response["size"]
    assert not bench.heard.changes


def test_margin_bounds_what_may_be_ordered_but_not_what_reduces() -> None:
    bench = Bench(cash="1000")
    # 0.5 BTC at 90000 needs 2 % and the fee: 920.25 USDC.
    assert bench.order("0xa", "BUY", "0.5", "90000").status == "OPEN"
    refused = bench.order("0xa", "BUY", "0.1", "90000")
    assert bench.ended(refused) == ("CLOSED", "NOT_ENOUGH_MARGIN", D("0.1"))
    bench.order("0xb", "SELL", "0.5", "90000")
    assert bench.held("0xa") == D("0.5")
    assert bench.order("0xa", "SELL", "0.5", "90100").status == "OPEN"


def test_a_position_has_a_limit() -> None:
    bench = Bench(cash="100000000")
    bench.order("0xa", "BUY", "100", "90000")
    bench.order("0xa", "BUY", "100", "90000")
    bench.order("0xa", "BUY", "100", "90000")
    order = bench.order("0xa", "BUY", "1", "90000")
    assert bench.ended(order)[:2] == ("CLOSED", "ORDER_EXCEEDS_POSITION_LIMIT")


def test_reduce_only_refuses_what_would_increase() -> None:
    bench = Bench()
    flags = ("REDUCE_ONLY",)
    flat = bench.order("0xa", "SELL", "0.1", "90000", flags=flags)
    assert bench.ended(flat)[:2] == ("CLOSED", "REDUCE_ONLY_WILL_INCREASE")
    bench.order("0xb", "SELL", "0.1", "90000")
    bench.order("0xa", "BUY", "0.1", "90000")
    too_large = bench.order("0xa", "SELL", "0.2", "90000", flags=flags)
    same_side = bench.order("0xa", "BUY", "0.1", "89000", flags=flags)
    fitting = bench.order("0xa", "SELL", "0.1", "90100", flags=flags)
    assert too_large.cancel_reason == same_side.cancel_reason == "REDUCE_ONLY_WILL_INCREASE"
    assert bench.ended(fitting) == ("OPEN", "", D("0.1"))


def test_reduce_only_closes_a_position_below_the_minimum() -> None:
    bench = Bench()
    bench.order("0xb", "SELL", "0.1", "90000")
    bench.order("0xa", "BUY", "0.1", "90000")
    bench.order("0xb", "BUY", "0.0999", "90000")
    bench.order("0xa", "SELL", "0.0999", "90000")
    assert bench.held("0xa") == D("0.0001")
    bench.order("0xc", "BUY", "0.1", "90000")
    plain = bench.order("0xa", "SELL", "0.0001", "90000")
    exact = bench.order("0xa", "SELL", "0.0001", "90000", flags=("REDUCE_ONLY",))
    assert plain.cancel_reason == "ORDER_SIZE_BELOW_MIN"
    assert bench.ended(exact) == ("CLOSED", "", D(0))
    assert bench.held("0xa") == 0


def test_resting_reduce_only_orders_go_when_the_position_does() -> None:
    bench = Bench()
    bench.order("0xb", "SELL", "0.2", "90000")
    bench.order("0xa", "BUY", "0.2", "90000")
    first = bench.order("0xa", "SELL", "0.2", "90100", flags=("REDUCE_ONLY",))
    second = bench.order("0xa", "SELL", "0.2", "90200", flags=("REDUCE_ONLY",))
    # One taker reaches both: the second must not open a short position.
    taker = bench.order("0xc", "BUY", "0.4", "90200")
    assert bench.ended(first) == ("CLOSED", "", D(0))
    assert bench.ended(second) == ("CLOSED", "REDUCE_ONLY_WILL_INCREASE", D("0.2"))
    assert taker.remaining == D("0.2")
    assert bench.held("0xa") == 0


def test_fills_carry_fee_profit_and_sequence() -> None:
    bench = Bench()
    bench.order("0xa", "SELL", "0.3", "90000")
    bench.order("0xb", "BUY", "0.3", "90000")
    bench.order("0xa", "BUY", "0.1", "90100.1")
    bench.order("0xb", "SELL", "0.1", "90100.1")
    maker_in, taker_in, maker_out, taker_out = bench.heard.fills
    assert (maker_in.liquidity, taker_in.liquidity) == ("MAKER", "TAKER")
    assert maker_in.fee == D("27000") * MAKER_FEE
    assert taker_out.fee == D("9010.01") * TAKER_FEE
    assert (maker_in.side, taker_in.side) == ("SELL", "BUY")
    assert taker_out.realized_pnl == D("10.01")
    assert maker_out.realized_pnl == D("-10.01")
    assert taker_out.trade_id == maker_out.trade_id == bench.heard.trades[-1].id
    assert taker_out.id != taker_in.id
    assert len(taker_out.id) == 28
    assert taker_out.id.isdigit()
    fees = taker_in.fee + taker_out.fee
    assert bench.accounts["0xb"].cash == D(100000) + D("10.01") - fees


def test_a_cancel_takes_the_order_off_the_book_once() -> None:
    bench = Bench()
    order = bench.order("0xa", "BUY", "0.1", "89000")
    bench.engine.cancel(order, "USER_CANCELED")
    bench.engine.cancel(order, "USER_CANCELED")
    assert bench.ended(order) == ("CLOSED", "USER_CANCELED", D("0.1"))
    assert len(bench.heard.changes) == 2
    assert not bench.heard.levels
    assert not bench.accounts["0xa"].open_orders


def test_a_print_beside_the_book_has_no_sequence() -> None:
    bench = Bench()
    trade = bench.engine.print_trade(
        bench.market, "SELL", D("83894.04692005"), D("0.5"), "LIQUIDATION"
    )
    assert (trade.seq_no, trade.trade_type) == (0, "LIQUIDATION")
    assert bench.heard.trades == [trade]
    assert not bench.heard.changes


def test_fill_ids_repeat_across_fill_types() -> None:
    account = Bench().accounts["0xa"]
    fills = [account.next_fill_id("FILL") for _ in range(3)]
    assert len(set(fills)) == 3
    assert account.next_fill_id("LIQUIDATION") == fills[0]


def test_the_margin_of_an_account_counts_the_worse_side() -> None:
    bench = Bench()
    bench.order("0xa", "BUY", "0.1", "89000")
    bench.order("0xa", "SELL", "0.3", "91000")
    margin = bench.accounts["0xa"].margin({SYMBOL: bench.market})
    assert margin.initial == D("0.3") * 90000 * (D("0.02") + TAKER_FEE)
    assert margin.maintenance == 0
    assert margin.free == 100000 - margin.initial


def test_a_changed_order_goes_behind_the_others() -> None:
    bench = Bench()
    changed = bench.order("0xa", "SELL", "0.1", "90000")
    waiting = bench.order("0xc", "SELL", "0.1", "90000")
    bench.engine.modify(changed, D("0.2"), D(90000))
    assert bench.market.book.best("SELL") == (D(90000), D("0.3"))
    bench.order("0xb", "BUY", "0.1", "90000")
    assert bench.ended(waiting) == ("CLOSED", "", D(0))
    assert bench.ended(changed) == ("OPEN", "", D("0.2"))


def test_a_changed_order_keeps_its_fills_and_may_trade() -> None:
    bench = Bench()
    order = bench.order("0xa", "BUY", "0.3", "89000")
    bench.order("0xb", "SELL", "0.1", "89000")
    bench.order("0xb", "SELL", "1", "89500")
    bench.engine.modify(order, D("0.2"), D(89500))
    assert bench.ended(order) == ("CLOSED", "", D(0))
    assert order.average_price() == D(89250)
    assert bench.held("0xa") == D("0.2")


@pytest.mark.parametrize(
    ("size", "price", "message"),
    [
        ("0.1", "89000", "size is not greater than what is filled"),
        ("10", "89000", "NOT_ENOUGH_MARGIN"),
        ("0.3", "90000", "POST_ONLY_WOULD_CROSS"),
    ],
)
def test_a_change_that_is_refused_leaves_the_order(size: str, price: str, message: str) -> None:
    bench = Bench(cash="10000")
    order = bench.order("0xa", "BUY", "0.3", "89000", instruction="POST_ONLY")
    bench.order("0xb", "SELL", "0.1", "89000")
    bench.order("0xb", "SELL", "0.1", "90000")
    order.modify_request = ModifyRequest("7")
    bench.engine.modify(order, D(size), D(price))
    assert order.modify_request.response() == {
        "id": "7",
        "request_type": "MODIFY_ORDER",
        "status": "REJECTED",
        "message": message,
    }
    assert (order.size, order.price, order.remaining) == (D("0.3"), D(89000), D("0.2"))
    assert bench.market.book.best("BUY") == (D(89000), D("0.2"))


def test_a_change_of_a_closed_order_is_refused() -> None:
    bench = Bench()
    order = bench.order("0xa", "BUY", "0.3", "89000")
    bench.engine.cancel(order, "USER_CANCELED")
    order.modify_request = ModifyRequest("7")
    bench.engine.modify(order, D("0.2"), D(89000))
    assert order.modify_request.status == "REJECTED"
    assert bench.ended(order) == ("CLOSED", "USER_CANCELED", D("0.3"))


def test_the_exchanges_own_makers_are_good_for_anything() -> None:
    bench = Bench(cash="0")
    bench.accounts["0xa"].is_recorded = False
    assert bench.order("0xa", "BUY", "0.00001", "89000").status == "OPEN"
    assert bench.order("0xa", "BUY", "99", "89000").status == "OPEN"
    assert not bench.accounts["0xa"].orders
