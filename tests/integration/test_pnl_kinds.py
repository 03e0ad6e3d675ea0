"""Profit and fees of every kind of market are in USDC and right, in a backtest.

The expected numbers are worked out here from the fills, with decimals: the realized profit is that
of the average price, less fees. What differs between the kinds is the cash: of an option Nautilus
moves the premium at every fill, of all others the realized profit.
"""

from decimal import Decimal
from typing import Any, NamedTuple

import pytest

from tests.integration.pnl_process import LAST_WORDS, assert_near, need_usdc, run_scenario

D = Decimal
START_CASH = D(100_000)
TAKER_FEE = D("0.00045")
OPTION_FEE = D("0.0001")
# Of the margin of a commodity and of an option's premium, what keeps a position open.
MAINTENANCE = {"spot": D(0), "option": D("0.5"), "commodity": D("0.1")}


class Step(NamedTuple):
    """Best prices, and the fill (side, size, price) of the order at them."""

    bid: str
    ask: str
    fill: tuple[str, str, str] | None


STEPS = {
    "spot": [
        Step("2999", "3000", ("BUY", "2.0000", "3000.00")),
        Step("3010", "3011", ("SELL", "0.5000", "3010.00")),
        Step("2990", "2991", None),
        Step("2990", "2991", ("SELL", "1.5000", "2990.00")),
    ],
    "option": [
        Step("1990", "2000", ("BUY", "1.000", "2000.00")),
        Step("2100", "2110", ("SELL", "1.500", "2100.00")),
        Step("2050", "2060", None),
        Step("2050", "2060", ("BUY", "0.500", "2060.00")),
    ],
    "commodity": [
        Step("61.99", "62.00", ("BUY", "100.0", "62.00")),
        Step("62.50", "62.51", ("SELL", "150.0", "62.50")),
        Step("62.00", "62.10", ("BUY", "50.0", "62.10")),
    ],
}


class Books:
    """One position by its average price, and the cash."""

    def __init__(self, kind: str) -> None:
        self.is_option = kind == "option"
        self.fee_rate = OPTION_FEE if self.is_option else TAKER_FEE
        self.position = self.entry = self.realized = D(0)
        self.cash = START_CASH
        self.commissions: list[Decimal] = []

    def fill(self, side: str, size: str, price: str) -> None:
        signed, at = D(size) * (1 if side == "BUY" else -1), D(price)
        fee = abs(signed) * at * self.fee_rate
        self.commissions.append(fee)
        closing = D(0)
        if self.position * signed < 0:
            closing = min(abs(signed), abs(self.position)) * (1 if self.position > 0 else -1)
        profit = closing * (at - self.entry)
        after = self.position + signed
        if self.position * after <= 0:
            # A new life of the position begins where the old one ends.
            self.entry = at
        elif not closing:
            self.entry = (self.entry * self.position + at * signed) / after
        self.position = after
        self.realized += profit - fee
        self.cash += (-signed * at if self.is_option else profit) - fee


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> tuple[dict[str, Any], str]:
    """What Nautilus said in each case, and everything it logged."""
    result = tmp_path_factory.mktemp("kinds") / "books.json"
    return run_scenario("pnl_kinds_scenario.py", result)


@pytest.mark.parametrize("kind", STEPS)
def test_every_number_is_in_usdc_and_right(told, kind):
    said = told[0][kind]["books"]
    books = Books(kind)
    fills: list[list[str]] = []

    assert len(said) == len(STEPS[kind])
    for step, shown in zip(STEPS[kind], said, strict=True):
        if step.fill is not None:
            fills.append(list(step.fill))
            books.fill(*step.fill)
        mark = D(step.bid) if books.position > 0 else D(step.ask)
        assert shown["fills"] == fills
        assert D(shown["position"]) == books.position
        assert_near(shown["unrealized"], books.position * (mark - books.entry))
        assert_near(shown["realized"], books.realized)
        assert_near(shown["exposure"], abs(books.position) * mark)
        (balance,) = shown["balances"]
        assert_near(balance, books.cash)
        for commission, expected in zip(shown["commissions"], books.commissions, strict=True):
            assert abs(need_usdc(commission) - expected) <= D("1e-8")


@pytest.mark.parametrize("kind", STEPS)
def test_a_position_binds_its_margin_in_usdc(told, kind):
    first, step = told[0][kind]["books"][0], STEPS[kind][0]
    _, size, price = step.fill

    bound = sum(map(need_usdc, first["margins"]), D(0))

    assert bound == D(size) * D(price) * MAINTENANCE[kind]


@pytest.mark.parametrize(
    ("case", "bought_at", "payoff"),
    [
        ("option in the money", "2000", "1500.50"),
        ("option out of the money", "1000", "0"),
    ],
)
def test_an_option_that_expires_pays_off_in_usdc(told, case, bought_at, payoff):
    end = told[0][case]["end"]
    premium, paid = 2 * D(bought_at), 2 * D(payoff)
    fees = sum(map(need_usdc, end["commissions"]))

    # Bought, and sold for what it pays at its expiry.
    assert [(fill[0], D(fill[1]), D(fill[2])) for fill in end["fills"]] == [
        ("BUY", D(2), D(bought_at)),
        ("SELL", D(2), D(payoff)),
    ]
    assert D(end["position"]) == 0
    assert fees >= premium * OPTION_FEE
    assert_near(end["realized"], paid - premium - fees)
    (balance,) = end["balances"]
    assert_near(balance, START_CASH + paid - premium - fees)


def test_nothing_is_logged_as_an_error(told):
    _, logged = told

    # The last words prove that the log was on, and read.
    assert logged.count(LAST_WORDS) == len(STEPS) + 2
    assert "[ERROR]" not in logged
    assert "Traceback" not in logged


def test_the_expected_numbers_themselves():
    spot, option = Books("spot"), Books("option")
    for books in (spot, option):
        for fill in (("BUY", "1", "100"), ("BUY", "1", "200"), ("SELL", "3", "180")):
            books.fill(*fill)
        assert books.position == -1
        assert books.entry == 180
    assert spot.realized == 60 - 840 * TAKER_FEE
    assert spot.cash == START_CASH + spot.realized
    # Paid 300 and got 540 for premiums.
    assert option.cash == START_CASH + 240 - 840 * OPTION_FEE
