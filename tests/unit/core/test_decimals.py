"""Decimal text, by example; `tests/property/test_decimals.py` holds the rules."""

import pytest

from paradex_adapter_core.decimals import (
    DECIMAL_CHARS_MAX,
    parse_exact,
    parse_rounded,
    units_to_text,
)
from paradex_adapter_core.errors import InexactDecimal


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("0", 0),
        ("-0", 0),
        ("0.00000001", 1),
        ("89313", 8931300000000),
        ("89313.10", 8931310000000),
        ("-0.05", -5000000),
        ("5.", 500000000),
        (".5", 50000000),
        ("1.0000000000", 100000000),
        ("9999999999.99999999", 999999999999999999),
        ("92233720368.54775808", 2**63),
        ("-123456789012345678901234", -123456789012345678901234 * 10**8),
    ],
)
def test_decimal_is_read_exactly(text: str, units: int) -> None:
    assert parse_exact(text, 8) == units
    assert parse_rounded(text, 8) == units


@pytest.mark.parametrize(
    "text",
    ["", "-", ".", "-.", "+1", "1e5", "1E5", "1.2.3", "1.-2", "--1", " 1", "1 ", "1_0", "1,5",
     "NaN", "inf", "0x10", "\u0661", "\u00b2", "1" * (DECIMAL_CHARS_MAX + 1)],
)  # fmt: skip
def test_what_is_no_decimal_is_refused(text: str) -> None:
    for parse in (parse_exact, parse_rounded):
        with pytest.raises(InexactDecimal) as caught:
            parse(text, 8)
        assert (caught.value.text, caught.value.scale) == (text[:120], 8)
        assert str(caught.value) == f"{text!r} is not a decimal of at most 8 decimals"


def test_the_longest_text_is_read() -> None:
    assert parse_exact("9" * DECIMAL_CHARS_MAX, 0) == 10**DECIMAL_CHARS_MAX - 1


@pytest.mark.parametrize(
    ("text", "rounded"),
    [
        ("0.000000004999", 0),
        ("0.000000005", 0),
        ("0.0000000050", 0),
        ("0.000000015", 2),
        ("0.0000000150000000001", 2),
        ("0.000000025", 2),
        ("0.0000000250000000001", 3),
        ("-0.000000015", -2),
        ("83894.04692005321", 8389404692005),
        ("99980.2382266290601", 9998023822663),
    ],
)
def test_excess_decimals_are_refused_or_rounded_half_to_even(text: str, rounded: int) -> None:
    with pytest.raises(InexactDecimal):
        parse_exact(text, 8)
    assert parse_rounded(text, 8) == rounded


@pytest.mark.parametrize(
    ("units", "scale", "text"),
    [
        (0, 8, "0"),
        (0, 0, "0"),
        (12, 0, "12"),
        (1, 8, "0.00000001"),
        (-5000000, 8, "-0.05"),
        (8931300000000, 8, "89313"),
        (10**20, 8, "1000000000000"),
        (-(2**63), 8, "-92233720368.54775808"),
    ],
)
def test_units_are_written_plainly(units: int, scale: int, text: str) -> None:
    assert units_to_text(units, scale) == text


@pytest.mark.parametrize("scale", [-1, 19])
def test_scale_out_of_range_is_our_own_mistake(scale: int) -> None:
    for parse in (parse_exact, parse_rounded):
        with pytest.raises(AssertionError):
            parse("1", scale)
    with pytest.raises(AssertionError):
        units_to_text(1, scale)
