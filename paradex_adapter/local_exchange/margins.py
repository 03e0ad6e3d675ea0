"""What positions and orders of one market bind: shares of their value, or the rule of options.

An option bought binds its mark price, or a share of the spot price where that is less. One sold
binds the greater of two shares of the spot price, the first less what the option is out of the
money. The side that binds more counts, as if its orders were filled. So the venue's pages have it;
they name a cap for puts as well, whose rule they leave open, and it is left out here. Premiums are
not paid: a position gains and loses by its price, as a perpetual's does.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from paradex_adapter.local_exchange.amounts import ZERO
from paradex_adapter.local_exchange.markets import (
    LONG_ITM,
    PREMIUM_MULTIPLIER,
    SHORT_ITM,
    SHORT_OTM,
    Market,
)


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a market binds: to open, and to keep open."""

    initial: Decimal
    maintenance: Decimal


def requirement(
    market: Market,
    held: Decimal,
    buys: Decimal,
    sells: Decimal,
    fee_rate: Decimal,
    leverage: int | None = None,
) -> Requirement:
    """Return what a position and the working orders of both sides bind.

    A leverage below the market's raises what it takes to open, and leaves what keeps it open.
    """
    if market.rules.is_option:
        return _of_option(market, held, buys, sells)
    rules, mark = market.rules, market.mark_price
    worst = max(abs(held + buys), abs(held - sells))
    rate = rules.imf_base if leverage is None else max(rules.imf_base, 1 / Decimal(leverage))
    return Requirement(
        initial=worst * mark * (rate + fee_rate),
        maintenance=abs(held) * mark * (rules.imf_base * rules.mmf_factor + fee_rate),
    )


def _of_option(market: Market, held: Decimal, buys: Decimal, sells: Decimal) -> Requirement:
    most, least = max(ZERO, held + buys), max(ZERO, sells - held)
    return Requirement(
        initial=max(most * _long(market, 0), least * _short(market, 0)),
        maintenance=max(ZERO, held) * _long(market, 1) + max(ZERO, -held) * _short(market, 1),
    )


def _long(market: Market, number: int) -> Decimal:
    premium = market.mark_price * PREMIUM_MULTIPLIER[number]
    return min(premium, market.underlying_price * LONG_ITM[number])


def _short(market: Market, number: int) -> Decimal:
    spot, terms = market.underlying_price, market.rules.option_terms
    away = terms.out_of_the_money(spot) if terms else ZERO
    return max(spot * SHORT_ITM[number] - away, spot * SHORT_OTM[number])
