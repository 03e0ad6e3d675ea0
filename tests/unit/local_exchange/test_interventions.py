"""What the venue does to accounts unasked: busts, liquidations, deleveraging, transfers."""

from decimal import Decimal

import pytest

from paradex_adapter.local_exchange.accounts import Account, Fill
from paradex_adapter.local_exchange.interventions import BUSTED, DELEVERAGE, IN_LIQUIDATION
from paradex_adapter.local_exchange.markets import TAKER_FEE
from tests.unit.local_exchange.engine_bench import SEED, SYMBOL, Bench

D = Decimal
CASH = D(100_000)


def with_house() -> tuple[Bench, Account]:
    """Return a bench with an account of the venue's own."""
    bench = Bench()
    house = bench.accounts["0xf"] = Account("0xf", 1, D(10**9), SEED, 0, label="0xf")
    house.is_recorded = False
    return bench, house


def trade(bench: Bench, buyer: str, seller: str, size: str, price: str) -> tuple[Fill, Fill]:
    """Let two accounts trade and return the fills of the seller, who rests, and the buyer."""
    bench.order(seller, "SELL", size, price)
    bench.order(buyer, "BUY", size, price, instruction="IOC")
    return bench.heard.fills[-2], bench.heard.fills[-1]


# --- Busts ----------------------------------------------------------------------------------------


def test_a_bust_of_all_there_was_leaves_nothing_of_it_on_either_side() -> None:
    bench = Bench()
    sold, bought = trade(bench, "0xa", "0xb", "0.5", "90000")
    bench.engine.bust(bought)
    for address, fill in (("0xa", bought), ("0xb", sold)):
        account = bench.accounts[address]
        assert account.cash == CASH
        assert bench.held(address) == 0
        assert account.positions[SYMBOL].cost == 0
        order = account.orders[fill.order_id]
        assert bench.ended(order) == ("CLOSED", BUSTED, D("0.5"))
        assert order.average_price() is None
        assert [bust.busted_fill_id for bust in account.busts] == [fill.id]
        assert fill in account.fills
    assert {bust.account for bust in bench.heard.busts} == {"0xa", "0xb"}
    assert bench.heard.balances[-1].status == "REVERTED"


def test_a_bust_leaves_what_later_fills_would_have_led_to() -> None:
    bench = Bench()
    trade(bench, "0xa", "0xb", "1", "90000")
    _, middle = trade(bench, "0xa", "0xb", "1", "92000")
    trade(bench, "0xb", "0xa", "1", "93000")
    assert bench.heard.fills[-2].realized_pnl == 2000
    bench.engine.bust(middle)
    held = bench.accounts["0xa"].positions[SYMBOL]
    # Bought at 90000, sold at 93000, and nothing else.
    assert (held.size, held.cost, held.realized) == (0, 0, 3000)
    paid = sum(f.fee for f in bench.accounts["0xa"].fills if f is not middle)
    assert bench.accounts["0xa"].cash == CASH + 3000 - paid
    event = next(e for e in bench.heard.balances if (e.account, e.status) == ("0xa", "REVERTED"))
    assert (event.realized_pnl, event.fees) == (1000, -middle.fee)
    assert event.after - event.before == 1000 + middle.fee


def test_an_open_order_works_on_with_what_a_bust_gives_back() -> None:
    bench = Bench()
    resting = bench.order("0xb", "SELL", "1", "90000")
    bench.order("0xa", "BUY", "0.4", "90000", instruction="IOC")
    bench.engine.bust(bench.heard.fills[-1])
    assert bench.ended(resting) == ("OPEN", "", D(1))
    assert bench.heard.levels == {("SELL", D(90000)): D(1)}
    taker = bench.order("0xa", "BUY", "1", "90000", instruction="IOC")
    assert taker.filled == 1


def test_a_bust_gives_funding_back() -> None:
    bench = Bench()
    trade(bench, "0xa", "0xb", "0.5", "90000")
    bench.market.funding_index += 10
    sold_back, _ = trade(bench, "0xb", "0xa", "0.5", "90000")
    assert sold_back.realized_funding == -5
    bench.engine.bust(sold_back)
    assert sum(p.payment for p in bench.heard.payments if p.account == "0xa") == 0
    held = bench.accounts["0xa"].positions[SYMBOL]
    assert held.unrealized_funding(bench.market.funding_index) == -5
    ordinals = [p.ordinal for p in bench.heard.payments]
    assert ordinals == sorted(ordinals)


def test_what_reduced_only_goes_when_a_bust_takes_the_position() -> None:
    bench = Bench()
    _, bought = trade(bench, "0xa", "0xb", "0.5", "90000")
    reducing = bench.order("0xa", "SELL", "0.5", "91000", flags=("REDUCE_ONLY",))
    assert reducing.status == "OPEN"
    bench.engine.bust(bought)
    assert reducing.cancel_reason == "REDUCE_ONLY_WILL_INCREASE"


def test_a_trade_with_the_venue_itself_can_be_busted() -> None:
    bench, house = with_house()
    fill = bench.engine.fill_beside(
        bench.accounts["0xa"], house, bench.market, "BUY", D(1), D(90000), "BLOCK_TRADE", TAKER_FEE
    )
    assert (bench.held("0xa"), bench.held("0xf")) == (1, -1)
    bench.engine.bust(fill)
    assert (bench.held("0xa"), bench.held("0xf")) == (0, 0)
    assert (bench.accounts["0xa"].cash, house.cash) == (CASH, D(10**9))


def test_a_bust_of_the_venues_own_trade_gives_its_funding_back() -> None:
    bench, house = with_house()
    account, market = bench.accounts["0xa"], bench.market

    def worth() -> Decimal:
        held = house.positions[SYMBOL]
        return house.cash - held.cost + held.funding_basis

    def buy() -> Fill:
        return bench.engine.fill_beside(
            account, house, market, "BUY", D(1), D(90000), "UNWIND_TRANSFER", D(0)
        )

    buy()
    before = worth()
    market.funding_index += 10
    bench.engine.bust(buy())
    assert worth() == before
    assert house.positions[SYMBOL].size == -1


def test_the_own_side_is_known_where_fills_name_the_takers() -> None:
    bench = Bench()
    bench.engine._books.is_fill_side_of_taker = True
    sold, bought = trade(bench, "0xa", "0xb", "0.5", "90000")
    assert (sold.side, bought.side) == ("BUY", "BUY")
    bench.engine.bust(sold)
    assert (bench.held("0xa"), bench.held("0xb")) == (0, 0)


def test_a_fill_is_busted_once_and_a_settlement_never() -> None:
    bench = Bench()
    _, bought = trade(bench, "0xa", "0xb", "0.5", "90000")
    bench.engine.bust(bought)
    with pytest.raises(ValueError, match="busted already"):
        bench.engine.bust(bought)
    trade(bench, "0xa", "0xb", "0.5", "90000")
    bench.engine.settle_market(bench.market, D(91000), D(0))
    with pytest.raises(ValueError, match="no other side"):
        bench.engine.bust(bench.heard.fills[-1])


def test_a_fill_of_a_market_that_ended_stays() -> None:
    bench = Bench()
    _, bought = trade(bench, "0xa", "0xb", "0.5", "90000")
    bench.market.is_listed = False
    with pytest.raises(ValueError, match="is settled"):
        bench.engine.bust(bought)


# --- Liquidation and deleveraging -----------------------------------------------------------------


def test_a_liquidation_takes_orders_and_a_share_of_the_position() -> None:
    bench, house = with_house()
    trade(bench, "0xa", "0xb", "0.00112", "89000")
    resting = bench.order("0xa", "BUY", "0.1", "80000")
    before = bench.accounts["0xa"].cash
    (fill,) = bench.engine.liquidate(bench.accounts["0xa"], house, [bench.market], D("0.2"))
    assert bench.ended(resting)[:2] == ("CLOSED", IN_LIQUIDATION)
    # A fifth of 0.00112 is 0.000224, rounded up to the step.
    assert (fill.size, fill.price, fill.side) == (D("0.00023"), D(90000), "SELL")
    assert (fill.fill_type, fill.order_id, fill.seq_no) == ("LIQUIDATION", "", 0)
    # A fifth of the maintenance margin, which is one percent.
    assert fill.fee == fill.size * fill.price * D("0.01") * D("0.2")
    assert bench.accounts["0xa"].cash == before + fill.realized_pnl - fill.fee
    assert bench.held("0xf") == D("0.00023")
    assert bench.heard.trades[-1].trade_type == "LIQUIDATION"
    assert bench.heard.balances[-1].response(D(1))["type"] == "TRANSACTION_LIQUIDATE"
    (liquidation,) = bench.accounts["0xa"].liquidations
    assert int(liquidation.id, 16) < 2**251


def test_an_account_in_liquidation_takes_no_orders() -> None:
    bench, house = with_house()
    account = bench.accounts["0xa"]
    bench.engine.liquidate(account, house, [bench.market], D(1))
    assert account.summary_response({SYMBOL: bench.market})["status"] == "LIQUIDATION"
    refused = bench.order("0xa", "BUY", "0.1", "80000")
    assert bench.ended(refused) == ("CLOSED", IN_LIQUIDATION, D("0.1"))
    bench.engine.set_status(account, "ACTIVE")
    assert bench.order("0xa", "BUY", "0.1", "80000").status == "OPEN"


def test_deleveraging_cancels_what_takes_on_risk() -> None:
    bench = Bench()
    trade(bench, "0xa", "0xb", "0.5", "90000")
    adding = bench.order("0xa", "BUY", "0.1", "80000")
    turning = bench.order("0xa", "SELL", "0.6", "95000")
    reducing = bench.order("0xa", "SELL", "0.5", "94000")
    flagged = bench.order("0xa", "SELL", "0.1", "94000", flags=("REDUCE_ONLY",))
    assert bench.engine.deleverage(bench.accounts["0xa"]) == [adding, turning]
    assert {order.cancel_reason for order in (adding, turning)} == {DELEVERAGE}
    assert [order.status for order in (reducing, flagged)] == ["OPEN", "OPEN"]


# --- Transfers ------------------------------------------------------------------------------------


def test_a_transfer_is_pending_then_completed_and_moves_cash_once() -> None:
    bench = Bench()
    account = bench.accounts["0xa"]
    came = bench.engine.transfer(account, "DEPOSIT", D(500), "")
    went = bench.engine.transfer(account, "WITHDRAWAL", D("200.5"), "")
    failed = bench.engine.transfer(account, "DEPOSIT", D(9), "gas fee too low")
    assert bench.heard.transfers == [
        (came, "PENDING"),
        (came, "COMPLETED"),
        (went, "PENDING"),
        (went, "COMPLETED"),
        (failed, "PENDING"),
        (failed, "FAILED"),
    ]
    assert account.cash == CASH + D("299.5")
    assert [e.after - e.before for e in bench.heard.balances] == [D(500), D("-200.5")]
    assert bench.heard.accounts == ["0xa", "0xa"]
    shown = account.transfers[-1].response()
    assert (shown["status"], shown["failure_reason"]) == ("FAILED", "gas fee too low")
    assert [t.response()["direction"] for t in account.transfers] == ["IN", "OUT", "IN"]
