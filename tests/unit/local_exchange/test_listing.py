"""What the local exchange lists by default."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from paradex_adapter.local_exchange.listing import default_markets, option_symbol
from paradex_adapter.local_exchange.markets import DEFAULT_MARKETS

DAY_MS = 24 * 60 * 60 * 1000


def ms(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp() * 1000)


# Ends of months and years, a leap day, and a last Friday itself.
STARTS = [
    ms(2026, 11, 22, 16),
    ms(2026, 12, 31, 23, 59),
    ms(2028, 2, 28),
    ms(2028, 2, 29, 7),
    ms(2026, 11, 27, 8),
    ms(2026, 11, 7),
    ms(2026, 11, 8),
]


@pytest.mark.parametrize("start", STARTS)
def test_options_expire_at_eight_on_a_one_digit_day_and_on_a_last_friday(start: int) -> None:
    options = [rules for rules in default_markets(start) if rules.kind == "OPTION"]
    days = {datetime.fromtimestamp(rules.expiry_at / 1000, UTC) for rules in options}
    assert len(days) == 2
    assert {(day.hour, day.minute) for day in days} == {(8, 0)}
    assert all(rules.expiry_at - start > DAY_MS for rules in options)
    assert any(day.day <= 9 for day in days)
    fridays = [day for day in days if day.day > 9]
    assert [day.weekday() for day in fridays] == [4]
    assert (fridays[0] + timedelta(days=7)).month != fridays[0].month


@pytest.mark.parametrize("start", STARTS)
def test_symbols_differ_and_say_what_the_rules_say(start: int) -> None:
    markets = default_markets(start)
    assert len({rules.symbol for rules in markets}) == len(markets)
    assert markets[: len(DEFAULT_MARKETS)] == DEFAULT_MARKETS
    for rules in markets:
        if rules.kind == "OPTION":
            base, _, day, strike, kind = rules.symbol.split("-")
            expiry = datetime.fromtimestamp(rules.expiry_at / 1000, UTC)
            assert day == f"{expiry.day}{expiry:%b%y}".upper()
            assert (base, Decimal(strike.replace("_", "."))) == (rules.base, rules.strike)
            assert rules.option_type[0] == kind
            assert rules.reference_price > 0


def test_every_kind_is_there() -> None:
    markets = default_markets(STARTS[0])
    assert {rules.kind for rules in markets} == {"PERP", "OPTION", "SPOT", "PERP_OPTION"}
    assert {rules.option_type for rules in markets} == {"", "CALL", "PUT"}
    assert [rules.symbol for rules in markets if rules.tags == ("RWA",)] == [
        "CL-USD-PERP",
        "EUR-USD-PERP",
        "US500-USD-PERP",
    ]
    assert sum(rules.trading_mode == "RFQ_ONLY" for rules in markets) == 1
    assert any("_" in rules.symbol for rules in markets)


def test_a_symbol_as_the_venue_writes_it() -> None:
    assert option_symbol("HYPE", ms(2026, 10, 30, 8), "102.5", "PUT") == "HYPE-USD-30OCT26-102_5-P"
    assert option_symbol("BTC", ms(2026, 5, 8, 8), "78000", "CALL") == "BTC-USD-8MAY26-78000-C"
