"""What the exchange lists by default: some markets of every kind the venue has.

Ticks, steps, limits and margins are the venue's own, as its pages gave them in August 2026; tags as
they were listed in September. Options are those a start at this time would find: a one-digit day, a
last Friday of a month, and a strike with decimals.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Final

from paradex_adapter.local_exchange.markets import (
    DEFAULT_MARKETS,
    DEFAULT_VOLATILITY,
    MarketRules,
)
from paradex_adapter.local_exchange.option_pricing import OptionTerms, value_option

EXPIRY_TIME: Final = time(8, tzinfo=UTC)
FRIDAY: Final = 4
ONE_DIGIT_DAYS: Final = range(1, 10)
#: How far away the nearest expiry of each kind is.
NEAR_DAYS_MIN: Final = 2
MONTHLY_DAYS_MIN: Final = 14
_MS_PER_SEC: Final = 1000
_MONTHS: Final = (
    *("JAN", "FEB", "MAR", "APR", "MAY", "JUN"),
    *("JUL", "AUG", "SEP", "OCT", "NOV", "DEC"),
)

SPOT_MARKETS: Final = (
    MarketRules(
        symbol="ETH-USD",
        base="ETH",
        kind="SPOT",
        tick=Decimal("0.01"),
        step=Decimal("0.0001"),
        max_order_size=Decimal(20),
        position_limit=Decimal(1000),
        reference_price=Decimal(3000),
        max_open_orders=50,
    ),
    MarketRules(
        symbol="DIME-USD",
        base="DIME",
        kind="SPOT",
        tick=Decimal("0.00001"),
        step=Decimal(1),
        max_order_size=Decimal(100_000),
        position_limit=Decimal(10_000_000),
        reference_price=Decimal("0.05"),
        price_band=Decimal("0.2"),
        max_open_orders=50,
    ),
)


def _not_crypto(
    base: str, tick: str, step: str, price: str, largest: int, limit: int
) -> MarketRules:
    return MarketRules(
        symbol=f"{base}-USD-PERP",
        base=base,
        tick=Decimal(tick),
        step=Decimal(step),
        max_order_size=Decimal(largest),
        position_limit=Decimal(limit),
        reference_price=Decimal(price),
        price_band=Decimal("0.2"),
        max_open_orders=75,
        imf_base=Decimal("0.2"),
        tags=("RWA",),
    )


NOT_CRYPTO_MARKETS: Final = (
    _not_crypto("CL", "0.01", "0.1", "62", 3000, 9700),
    _not_crypto("EUR", "0.0001", "1", "1.16", 300_000, 860_000),
    _not_crypto("US500", "0.1", "0.001", "6700", 40, 130),
)


def default_markets(now_ms: int) -> tuple[MarketRules, ...]:
    """Return what an exchange lists that starts at a time."""
    near = expiry_ms(_next_one_digit_day(now_ms))
    monthly = expiry_ms(_next_last_friday(now_ms))
    options = [
        option_rules(base, expiry, strike, option_type, now_ms, spot=SPOT_PRICES[base])
        for base, expiry, strike in (
            ("BTC", near, "80000"),
            ("BTC", near, "90000"),
            ("BTC", near, "100000"),
            ("BTC", monthly, "90000"),
            ("ETH", monthly, "3000"),
            ("SOL", near, "142.5"),
        )
        for option_type in ("CALL", "PUT")
    ]
    without_expiry = MarketRules(
        symbol="BTC-USD-96000-C",
        base="BTC",
        kind="PERP_OPTION",
        tick=Decimal("0.01"),
        step=Decimal("0.001"),
        max_order_size=Decimal(2),
        position_limit=Decimal(10),
        reference_price=Decimal(2500),
        min_notional=Decimal(100),
        strike=Decimal(96_000),
        option_type="CALL",
        funding_period_hours=24,
    )
    by_request = option_rules(
        *("BTC", monthly, "150000", "CALL", now_ms),
        spot=SPOT_PRICES["BTC"],
        trading_mode="RFQ_ONLY",
    )
    return (
        *DEFAULT_MARKETS,
        *NOT_CRYPTO_MARKETS,
        *SPOT_MARKETS,
        *options,
        without_expiry,
        by_request,
    )


SPOT_PRICES: Final = {rules.base: rules.reference_price for rules in DEFAULT_MARKETS}

#: Tick, step, largest order and position limit of an option, by its base.
_OPTION_GRIDS: Final = {
    "BTC": ("0.01", "0.001", 100, 1000),
    "ETH": ("0.01", "0.01", 2000, 20_000),
    "SOL": ("0.001", "0.1", 10_000, 100_000),
}


def option_rules(
    base: str,
    expiry: int,
    strike: str,
    option_type: str,
    opened: int,
    *,
    spot: Decimal,
    trading_mode: str = "STANDARD",
) -> MarketRules:
    """Return the rules of a dated option on BTC, ETH or SOL.

    Parameters
    ----------
    base : str
        The underlying.
    expiry, opened : int
        When it expires and opened, in milliseconds.
    strike : str
        The strike price, which the symbol writes with an underscore for the point.
    option_type : str
        ``CALL`` or ``PUT``.
    spot : Decimal
        The underlying's price, for the price it starts from.
    trading_mode : str
        ``STANDARD`` or ``RFQ_ONLY``.
    """
    tick, step, largest, limit = _OPTION_GRIDS[base]
    terms = OptionTerms(Decimal(strike), option_type == "CALL", expiry)
    value = value_option(terms, spot, DEFAULT_VOLATILITY, opened)
    return MarketRules(
        symbol=option_symbol(base, expiry, strike, option_type),
        base=base,
        kind="OPTION",
        tick=Decimal(tick),
        step=Decimal(step),
        max_order_size=Decimal(largest),
        position_limit=Decimal(limit),
        reference_price=max(Decimal(tick), value.price),
        min_notional=Decimal(20),
        price_band=Decimal("0.3"),
        max_slippage=Decimal("0.2"),
        strike=Decimal(strike),
        option_type=option_type,
        open_at=opened,
        expiry_at=expiry,
        trading_mode=trading_mode,
        funding_period_hours=0,
    )


def option_symbol(base: str, expiry: int, strike: str, option_type: str) -> str:
    """Return the symbol of a dated option: the day has no zero in front."""
    day = datetime.fromtimestamp(expiry / _MS_PER_SEC, UTC)
    dated = f"{day.day}{_MONTHS[day.month - 1]}{day.year % 100:02d}"
    return f"{base}-USD-{dated}-{strike.replace('.', '_')}-{option_type[0]}"


def expiry_ms(day: date) -> int:
    """Return 08:00 UTC of a day, in milliseconds."""
    return int(datetime.combine(day, EXPIRY_TIME).timestamp()) * _MS_PER_SEC


def _next_one_digit_day(now_ms: int) -> date:
    day = _today(now_ms) + timedelta(days=NEAR_DAYS_MIN)
    while day.day not in ONE_DIGIT_DAYS:
        day += timedelta(days=1)
    return day


def _next_last_friday(now_ms: int) -> date:
    day = _today(now_ms) + timedelta(days=MONTHLY_DAYS_MIN)
    while day.weekday() != FRIDAY or (day + timedelta(days=7)).month == day.month:
        day += timedelta(days=1)
    return day


def _today(now_ms: int) -> date:
    return datetime.fromtimestamp(now_ms / _MS_PER_SEC, UTC).date()
