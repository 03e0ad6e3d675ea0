"""What an option is worth: Black-76 on the forward price, as the venue prices its options.

Mark prices and greeks only, which nobody trades at: they are worked out in floats and rounded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from paradex_adapter.local_exchange.amounts import AVERAGE_STEP, MONEY, ZERO

MS_PER_YEAR: Final = 365 * 24 * 60 * 60 * 1000
DAYS_PER_YEAR: Final = 365.0
PERCENT: Final = 0.01
#: Growth of the forward price over the spot price, a year; the venue discounts by no rate at all.
FORWARD_RATE: Final = Decimal("0.03")
VOLATILITY_MIN: Final = 0.001
VOLATILITY_MAX: Final = 10.0
#: Halvings of the range above: enough for eight decimals.
HALVINGS: Final = 40
_GREEK_STEP: Final = Decimal("1e-12")


@dataclass(frozen=True, slots=True)
class OptionTerms:
    """What an option pays for."""

    strike: Decimal
    is_call: bool
    expiry_ms: int

    def payoff(self, price: Decimal) -> Decimal:
        """Return what one unit pays when the underlying ends at a price."""
        gain = price - self.strike if self.is_call else self.strike - price
        return max(ZERO, gain)

    def out_of_the_money(self, price: Decimal) -> Decimal:
        """Return how far the underlying is from where the option begins to pay."""
        return max(ZERO, self.strike - price if self.is_call else price - self.strike)


@dataclass(frozen=True, slots=True)
class OptionValue:
    """Price and greeks: theta for a day, those that go with rates and volatility for one percent.

    The names and units are the venue's.
    """

    price: Decimal
    delta: Decimal
    gamma: Decimal
    vega: Decimal
    theta: Decimal
    rho: Decimal
    vanna: Decimal
    volga: Decimal


def value_option(
    terms: OptionTerms, spot: Decimal, volatility: Decimal, now_ms: int
) -> OptionValue:
    """Return what an option is worth at a spot price, a volatility (1 is 100 %) and a time."""
    years = _years(terms, now_ms)
    if not years:
        return OptionValue(terms.payoff(spot), ZERO, ZERO, ZERO, ZERO, ZERO, ZERO, ZERO)
    s, k, sigma = float(spot), float(terms.strike), float(volatility)
    growth = math.exp(float(FORWARD_RATE) * years)
    spread = sigma * math.sqrt(years)
    d1 = math.log(s * growth / k) / spread + spread / 2
    d2 = d1 - spread
    density = math.exp(-d1 * d1 / 2) / math.sqrt(2 * math.pi)
    sign = 1 if terms.is_call else -1
    price = sign * (s * growth * _normal(sign * d1) - k * _normal(sign * d2))
    vega = s * growth * density * math.sqrt(years)
    theta = -s * growth * density * sigma / (2 * math.sqrt(years))
    return OptionValue(
        price=Decimal(max(price, 0.0)).quantize(AVERAGE_STEP, context=MONEY),
        delta=_greek(sign * growth * _normal(sign * d1)),
        gamma=_greek(growth * density / (s * spread)),
        vega=_greek(vega * PERCENT),
        theta=_greek(theta / DAYS_PER_YEAR),
        rho=_greek(-years * price * PERCENT),
        vanna=_greek(-growth * density * d2 / sigma * PERCENT),
        volga=_greek(vega * d1 * d2 / sigma * PERCENT * PERCENT),
    )


def implied_volatility(
    terms: OptionTerms, spot: Decimal, price: Decimal, now_ms: int
) -> Decimal | None:
    """Return the volatility at which an option is worth a price; None where there is none."""
    if not _years(terms, now_ms):
        return None
    low, high = VOLATILITY_MIN, VOLATILITY_MAX
    if not _worth(terms, spot, low, now_ms) <= price <= _worth(terms, spot, high, now_ms):
        return None
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if _worth(terms, spot, middle, now_ms) < price:
            low = middle
        else:
            high = middle
    return Decimal(high).quantize(AVERAGE_STEP, context=MONEY)


def _worth(terms: OptionTerms, spot: Decimal, volatility: float, now_ms: int) -> Decimal:
    return value_option(terms, spot, Decimal(volatility), now_ms).price


def _years(terms: OptionTerms, now_ms: int) -> float:
    return max(0, terms.expiry_ms - now_ms) / MS_PER_YEAR


def _normal(x: float) -> float:
    return (1 + math.erf(x / math.sqrt(2))) / 2


def _greek(value: float) -> Decimal:
    return Decimal(value).quantize(_GREEK_STEP, context=MONEY)
