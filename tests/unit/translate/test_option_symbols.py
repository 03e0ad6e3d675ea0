from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from paradex_adapter.translate.option_symbols import find_option_terms


@pytest.mark.parametrize(
    ("symbol", "base", "expiry", "strike", "is_call"),
    [
        ("BTC-USD-26DEC26-100000-C", "BTC", date(2026, 12, 26), "100000", True),
        ("BTC-USD-8MAY26-78000-C", "BTC", date(2026, 5, 8), "78000", True),
        ("HYPE-USD-30OCT26-102_5-P", "HYPE", date(2026, 10, 30), "102.5", False),
        ("US500-USD-5SEP26-7525.25-P", "US500", date(2026, 9, 5), "7525.25", False),
    ],
)
def test_terms_in_a_symbol(symbol, base, expiry, strike, is_call):
    terms = find_option_terms(symbol)

    assert (terms.base, terms.quote) == (base, "USD")
    assert terms.expiry == expiry
    assert terms.strike == Decimal(strike)
    assert terms.is_call is is_call


def test_options_expire_at_eight():
    terms = find_option_terms("BTC-USD-8MAY26-78000-C")

    assert terms.ts_expiry == int(datetime(2026, 5, 8, 8, tzinfo=UTC).timestamp()) * 10**9


@pytest.mark.parametrize(
    "symbol",
    [
        "",
        "BTC-USD-PERP",
        "BTC-USD-96000-C",
        "BTC-USD-26DEC26-100000-X",
        "BTC-USD-31FEB26-100000-C",
        "BTC-USD-0MAY26-100000-C",
        "BTC-USD-26DEZ26-100000-C",
        "BTC-USD-26DEC26--C",
        "BTC-USD-26DEC26-1_2_3-C",
        "BTC-USD-26DEC26-100000-C-X",
        "BTC-USD-٢٦DEC26-100000-C",
        "BTC-USD-26DEC26-" + "9" * 1000 + "-C",
    ],
)
def test_other_symbols_say_no_terms(symbol):
    assert find_option_terms(symbol) is None
