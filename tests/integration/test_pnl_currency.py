"""Profit, fees, exposure and equity of a perpetual are in USDC and right: in a backtest and live.

The expected numbers are worked out here from the fills' prices and sizes and the venue's taker fee,
by cash flow, with decimals; Nautilus works them out position by position, with floats.
"""

from decimal import Decimal
from typing import NamedTuple

import pytest

from tests.integration.pnl_process import LAST_WORDS, assert_near, need_usdc, run_scenario

TAKER_FEE = Decimal("0.00045")
START_CASH = Decimal(100_000)
# Best bid and ask at each step, and the fill that the order of the step must have got.
STEPS: list[tuple[str, str, tuple[str, str, str] | None]] = [
    ("90000.0", "90010.0", ("BUY", "0.50000", "90010.0")),
    ("90110.0", "90120.0", ("SELL", "0.20000", "90110.0")),
    ("90050.0", "90060.0", None),
    ("90050.0", "90060.0", ("SELL", "0.50001", "90050.0")),
    ("90020.0", "90030.0", None),
    ("90020.0", "90030.0", ("BUY", "0.20001", "90030.0")),
]


class Books(NamedTuple):
    position: Decimal
    unrealized: Decimal
    realized: Decimal
    exposure: Decimal
    equity: Decimal
    commissions: list[Decimal]


def expected_books(fills: list[tuple[str, str, str]], bid: Decimal, ask: Decimal) -> Books:
    position = cash = entry = Decimal(0)
    commissions = []
    for side, size, price_text in fills:
        price = Decimal(price_text)
        signed = Decimal(size) if side == "BUY" else -Decimal(size)
        commissions.append(abs(signed) * price * TAKER_FEE)
        cash -= signed * price + commissions[-1]
        after = position + signed
        if position * signed >= 0:
            entry = (entry * abs(position) + price * abs(signed)) / abs(after)
        elif position * after < 0:
            entry = price
        position = after
    mark = bid if position > 0 else ask
    unrealized = position * (mark - entry)
    return Books(
        position=position,
        unrealized=unrealized,
        realized=cash + position * mark - unrealized,
        exposure=abs(position) * mark,
        equity=START_CASH + cash + position * mark,
        commissions=commissions,
    )


@pytest.fixture(scope="module", params=["backtest", "live"])
def told(request, tmp_path_factory):
    """What Nautilus said after each step, and everything it logged."""
    result = tmp_path_factory.mktemp(request.param) / "books.json"
    return run_scenario("pnl_scenario.py", result, request.param)


def test_every_number_is_in_usdc_and_right(told):
    books, _ = told
    fills: list[tuple[str, str, str]] = []

    assert len(books) == len(STEPS)
    for (bid, ask, fill), said in zip(STEPS, books, strict=True):
        fills += [fill] if fill is not None else []
        expected = expected_books(fills, Decimal(bid), Decimal(ask))
        assert [tuple(row) for row in said["fills"]] == fills
        assert Decimal(said["position"]) == expected.position
        assert_near(said["unrealized"], expected.unrealized)
        assert_near(said["realized"], expected.realized)
        assert_near(said["total"], expected.realized + expected.unrealized)
        assert_near(said["exposure"], expected.exposure)
        (equity,) = said["equity"]
        assert_near(equity, expected.equity)
        (total,) = said["totals"]
        assert_near(total, expected.realized + expected.unrealized)
        for commission, amount in zip(said["commissions"], expected.commissions, strict=True):
            assert abs(need_usdc(commission) - amount) <= Decimal("1e-8")
        for exposure in said["exposures"]:
            assert_near(exposure, expected.exposure)


def test_nothing_is_logged_as_an_error(told):
    _, logged = told

    # The last words prove that the log was on, and read.
    assert LAST_WORDS in logged
    assert "[ERROR]" not in logged
    assert "Traceback" not in logged


def test_the_expected_numbers_themselves():
    books = expected_books(
        [("BUY", "1", "100"), ("BUY", "1", "200"), ("SELL", "3", "180")], Decimal(160), Decimal(170)
    )

    assert books.position == -1
    assert books.unrealized == 10
    assert books.realized == 60 - (100 + 200 + 540) * TAKER_FEE
    assert books.exposure == 170
    assert books.equity == START_CASH + 70 - 840 * TAKER_FEE
