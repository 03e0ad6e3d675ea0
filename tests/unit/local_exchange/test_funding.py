"""Funding: it accrues by the index, fills realize their share, and nothing comes from nowhere."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from paradex_adapter.local_exchange.positions import Position
from tests.unit.local_exchange.engine_bench import SYMBOL, Bench

INDEX = Decimal(100)


def bench() -> Bench:
    made = Bench()
    made.market.funding_index = INDEX
    return made


def trade(made: Bench, buyer: str, seller: str, size: str | Decimal) -> None:
    made.order(seller, "SELL", size, "90000")
    made.order(buyer, "BUY", size, "90000", instruction="IOC")


def position(made: Bench, account: str) -> Position:
    return made.accounts[account].positions[SYMBOL]


def test_a_long_pays_what_the_index_rose_and_a_short_receives_it() -> None:
    made = bench()
    trade(made, "0xa", "0xb", "0.5")
    made.market.funding_index += 10
    index = made.market.funding_index
    assert position(made, "0xa").unrealized_funding(index) == -5
    assert position(made, "0xb").unrealized_funding(index) == 5
    assert position(made, "0xa").cached_funding_index(index) == INDEX


def test_closing_in_part_realizes_in_proportion() -> None:
    made = bench()
    trade(made, "0xa", "0xb", "0.5")
    made.market.funding_index += 10
    before = made.accounts["0xa"].cash
    trade(made, "0xb", "0xa", "0.2")
    fill = made.heard.fills[-2]
    assert (fill.account, fill.realized_funding) == ("0xa", Decimal(-2))
    assert made.accounts["0xa"].cash == before + fill.realized_pnl - 2 - fill.fee
    held = position(made, "0xa")
    assert held.unrealized_funding(made.market.funding_index) == -3
    assert held.cached_funding_index(made.market.funding_index) == INDEX
    assert fill.response()["realized_funding"] == "-2"


def test_adding_realizes_nothing_and_averages_the_index() -> None:
    made = bench()
    trade(made, "0xa", "0xb", "0.1")
    made.market.funding_index += 10
    trade(made, "0xa", "0xb", "0.3")
    assert [fill.realized_funding for fill in made.heard.fills] == [0] * 4
    held = position(made, "0xa")
    assert held.cached_funding_index(made.market.funding_index) == Decimal("107.5")
    assert held.unrealized_funding(made.market.funding_index) == -1
    assert made.heard.payments == []


def test_turning_a_position_round_realizes_all_of_it_and_begins_anew() -> None:
    made = bench()
    trade(made, "0xa", "0xb", "0.1")
    made.market.funding_index += 10
    trade(made, "0xb", "0xa", "0.3")
    held = position(made, "0xa")
    assert held.size == Decimal("-0.2")
    assert held.unrealized_funding(made.market.funding_index) == 0
    assert held.realized_funding == 0
    (paid, received) = made.heard.payments
    assert {paid.account: paid.payment, received.account: received.payment} == {
        "0xa": Decimal(-1),
        "0xb": Decimal(1),
    }


def test_payments_and_balance_events_tell_what_moved_the_cash() -> None:
    made = bench()
    trade(made, "0xa", "0xb", "0.1")
    made.market.funding_index += 10
    trade(made, "0xb", "0xa", "0.1")
    account = made.accounts["0xa"]
    (payment,) = account.payments
    assert payment.response() == {
        "id": payment.id,
        "account": "0xa",
        "market": SYMBOL,
        "payment": "-1",
        "index": "110",
        "fill_id": account.fills[-1].id,
        "created_at": payment.created_at,
    }
    events = [event for event in made.heard.balances if event.account == "0xa"]
    cash = Decimal(100_000)
    for event in events:
        assert event.before == cash
        cash += event.realized_pnl + event.realized_funding - event.fees
        assert event.after == cash
    assert cash == account.cash
    said = events[-1].response(Decimal(1))
    assert (said["type"], said["realized_funding"]) == ("TRANSACTION_FILL", "-1")


steps = st.lists(
    st.tuples(
        st.permutations(["0xa", "0xb", "0xc"]),
        st.integers(1, 50),
        st.integers(-500, 500),
    ),
    max_size=25,
)


@settings(max_examples=60)
@given(steps)
def test_what_one_account_pays_the_others_receive(steps: list[tuple[list[str], int, int]]) -> None:
    made = bench()
    for accounts, size, moved in steps:
        trade(made, accounts[0], accounts[1], Decimal(size) / 100)
        made.market.funding_index += Decimal(moved) / 7
    index = made.market.funding_index
    accrued = sum(
        (
            position.unrealized_funding(index)
            for a in made.accounts.values()
            for position in a.positions.values()
        ),
        Decimal(0),
    )
    realized = sum((fill.realized_funding for fill in made.heard.fills), Decimal(0))
    assert abs(accrued + realized) < Decimal("1e-18")
