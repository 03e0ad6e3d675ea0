"""Prices and greeks of options on the local exchange."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from paradex_adapter.local_exchange.option_pricing import (
    FORWARD_RATE,
    MS_PER_YEAR,
    OptionTerms,
    implied_volatility,
    value_option,
)

D = Decimal
NOW_MS = int(datetime(2026, 11, 22, tzinfo=UTC).timestamp() * 1000)
MONTH_MS = 30 * 24 * 60 * 60 * 1000
CALL = OptionTerms(D(90_000), True, NOW_MS + MONTH_MS)
PUT = replace(CALL, is_call=False)
SPOT, VOLATILITY = D(92_000), D("0.5")


def price(terms: OptionTerms, spot: Decimal = SPOT, volatility: Decimal = VOLATILITY) -> float:
    return float(value_option(terms, spot, volatility, NOW_MS).price)


def test_call_less_put_is_forward_less_strike() -> None:
    forward = float(SPOT) * (1 + float(FORWARD_RATE) * MONTH_MS / MS_PER_YEAR)
    assert price(CALL) - price(PUT) == pytest.approx(forward - 90_000, abs=0.5)


def test_a_known_price() -> None:
    # At the money without growth: 0.4 * S * sigma * sqrt(T), to within half a percent.
    years = MONTH_MS / MS_PER_YEAR
    spot = D(90_000) / D(str(1 + float(FORWARD_RATE) * years))
    assert price(CALL, spot) == pytest.approx(0.4 * 90_000 * 0.5 * years**0.5, rel=0.005)


@pytest.mark.parametrize("terms", [CALL, PUT])
def test_greeks_are_slopes_of_the_price(terms: OptionTerms) -> None:
    value = value_option(terms, SPOT, VOLATILITY, NOW_MS)
    up, down = price(terms, SPOT + 1), price(terms, SPOT - 1)
    assert float(value.delta) == pytest.approx((up - down) / 2, rel=1e-4)
    assert float(value.gamma) == pytest.approx(up - 2 * price(terms) + down, rel=1e-2)
    percent = D("0.01")
    more, less = (price(terms, volatility=VOLATILITY + by) for by in (percent, -percent))
    assert float(value.vega) == pytest.approx((more - less) / 2, rel=1e-3)
    assert float(value.volga) == pytest.approx(more - 2 * price(terms) + less, rel=0.05)
    deltas = [
        float(value_option(terms, SPOT, VOLATILITY + by, NOW_MS).delta)
        for by in (percent, -percent)
    ]
    assert float(value.vanna) == pytest.approx((deltas[0] - deltas[1]) / 2, rel=1e-2)


def test_a_day_takes_off_theta() -> None:
    value = value_option(CALL, SPOT, VOLATILITY, NOW_MS)
    tomorrow = NOW_MS + 24 * 60 * 60 * 1000
    # The model's theta holds the forward price; half a day before and after, to even it out.
    forward_gain = float(SPOT) * float(FORWARD_RATE) / 365 * float(value.delta)
    lost = float(value_option(CALL, SPOT, VOLATILITY, tomorrow).price) - float(value.price)
    assert lost == pytest.approx(float(value.theta) - forward_gain, rel=0.05)


@pytest.mark.parametrize(
    ("terms", "spot", "payoff"),
    [
        (CALL, "92000.5", "2000.5"),
        (CALL, "90000", "0"),
        (CALL, "1", "0"),
        (PUT, "92000", "0"),
        (PUT, "88000", "2000"),
    ],
)
def test_an_expired_option_is_worth_its_payoff(terms: OptionTerms, spot: str, payoff: str) -> None:
    value = value_option(terms, D(spot), VOLATILITY, terms.expiry_ms)
    assert value.price == terms.payoff(D(spot)) == D(payoff)
    assert value.delta == value.vega == 0


@pytest.mark.parametrize("terms", [CALL, PUT])
@pytest.mark.parametrize("volatility", ["0.05", "0.5", "3"])
def test_the_implied_volatility_is_the_one_that_gives_the_price(
    terms: OptionTerms, volatility: str
) -> None:
    worth = value_option(terms, SPOT, D(volatility), NOW_MS).price
    implied = implied_volatility(terms, SPOT, worth, NOW_MS)
    assert implied is not None
    assert float(implied) == pytest.approx(float(volatility), rel=1e-3)


@pytest.mark.parametrize("told", ["0", "1900", "500000"])
def test_a_price_no_volatility_gives_implies_none(told: str) -> None:
    assert implied_volatility(CALL, SPOT, D(told), NOW_MS) is None


def test_nothing_is_implied_after_the_expiry() -> None:
    assert implied_volatility(CALL, SPOT, D(2000), CALL.expiry_ms) is None
