"""Decimal text to integers and back, against `decimal.Decimal`."""

from decimal import ROUND_HALF_EVEN, Decimal, localcontext

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from paradex_adapter_core.decimals import (
    DECIMAL_CHARS_MAX,
    SCALE_MAX,
    parse_exact,
    parse_rounded,
    units_to_text,
)
from paradex_adapter_core.errors import InexactDecimal

scales = st.integers(0, SCALE_MAX)
# From single digits to beyond 64 bits: the compiled build computes in 64 bits where it can.
integers = st.one_of(
    st.integers(-(10**3), 10**3),
    st.integers(-(2**63) - 2, 2**63 + 1),
    st.integers(-(10**40), 10**40),
    st.sampled_from([2**k + d for k in (31, 53, 61, 62, 63, 64) for d in (-1, 0, 1)]),
)
digits = st.text("0123456789", max_size=30)
texts = st.builds(
    lambda sign, whole, point, fraction: sign + whole + (point + fraction if point else ""),
    st.sampled_from(["", "-"]),
    digits,
    st.sampled_from(["", "."]),
    digits,
)


def scaled(text: str, scale: int) -> Decimal:
    with localcontext() as context:
        context.prec = 200
        return Decimal(text).scaleb(scale)


def is_number(text: str) -> bool:
    return any(character.isdigit() for character in text)


@given(integers, scales)
@example(10**18 - 1, 0)
@example(10**18, 0)
@example(-(10**18), 0)
@example(-(2**63), 8)
def test_text_of_units_reads_back_to_the_same_units(units: int, scale: int) -> None:
    text = units_to_text(units, scale)
    assert parse_exact(text, scale) == units
    assert parse_rounded(text, scale) == units
    assert scaled(text, scale) == units
    assert "e" not in text.lower()
    if "." in text:
        assert not text.endswith(("0", "."))


@given(texts, scales)
@example("0.1000000000000000000", 8)
@example("999999999999999999", 0)
@example("-0", 8)
@example(".5", 8)
@example("5.", 8)
@example("92233720368.54775808", 8)
def test_parse_exact_agrees_with_decimal_or_refuses(text: str, scale: int) -> None:
    if is_number(text) and scaled(text, scale) == scaled(text, scale).to_integral_value():
        assert parse_exact(text, scale) == scaled(text, scale)
    else:
        with pytest.raises(InexactDecimal):
            parse_exact(text, scale)


@given(texts.filter(is_number), scales)
@example("0.000000005", 8)
@example("0.000000015", 8)
@example("-0.000000015", 8)
@example("0.00000000500000000000000000001", 8)
@example("9.5", 0)
def test_parse_rounded_rounds_half_to_even(text: str, scale: int) -> None:
    with localcontext() as context:
        context.prec = 200
        expected = scaled(text, scale).to_integral_value(rounding=ROUND_HALF_EVEN)
    assert parse_rounded(text, scale) == expected


@given(st.text(max_size=80), scales)
@example("\u0661", 8)
@example("1_0", 8)
@example("1e5", 8)
@example("+1", 8)
@example(" 1", 8)
@example("--1", 8)
@example("1.-2", 8)
@example("\u00b2", 8)
@example("NaN", 8)
@example("1" * (DECIMAL_CHARS_MAX + 1), 8)
@example("0." + "0" * DECIMAL_CHARS_MAX, 8)
def test_any_text_is_a_number_or_refused(text: str, scale: int) -> None:
    plain = text.removeprefix("-").replace(".", "", 1)
    is_decimal = plain.isascii() and plain.isdigit() and len(text) <= DECIMAL_CHARS_MAX
    if is_decimal:
        assert abs(parse_rounded(text, scale)) <= 10 ** (DECIMAL_CHARS_MAX + scale)
        return
    with pytest.raises(InexactDecimal) as caught:
        parse_rounded(text, scale)
    assert caught.value.scale == scale
    with pytest.raises(InexactDecimal):
        parse_exact(text, scale)
