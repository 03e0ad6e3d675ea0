"""The typed reading of untyped JSON."""

from collections.abc import Callable

import pytest

from paradex_adapter_core.errors import (
    MalformedMessage,
    MissingField,
    UnknownWord,
    WrongType,
)
from paradex_adapter_core.parsers import fields
from paradex_adapter_core.parsers.fields import Row

type Reader = Callable[[Row, str], object]


def refusal(read: Reader, value: object) -> type[MalformedMessage]:
    with pytest.raises(MalformedMessage) as caught:
        read({"f": value}, "f")
    assert caught.value.field == "f"
    return caught.type


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (5, 5),
        ("5", 5),
        ("-5", -5),
        ("1681497002041", 1681497002041),
        (1718958002991595738, 1718958002991595738),
        (8.0, 8),
        (2**63 - 1, 2**63 - 1),
        ("-9223372036854775807", -(2**63) + 1),
        ("", None),
        (None, None),
    ],
)
def test_integers_come_as_numbers_or_text(value: object, number: int | None) -> None:
    assert fields.find_int({"f": value}, "f") == number
    if number is None:
        with pytest.raises(MissingField):
            fields.need_int({"f": value}, "f")
    else:
        assert fields.need_int({"f": value}, "f") == number


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (True, WrongType),
        (1.5, WrongType),
        ("1.5", WrongType),
        ("-", WrongType),
        ("\u0661", WrongType),
        ("1" * 20, WrongType),
        ([], WrongType),
        (2**63, MalformedMessage),
        ("9999999999999999999", MalformedMessage),
        (-(2**63), MalformedMessage),
        (1e300, MalformedMessage),
    ],
)
def test_what_is_no_integer_of_64_bits_is_refused(
    value: object, error: type[MalformedMessage]
) -> None:
    assert refusal(fields.find_int, value) is error


def test_absent_fields() -> None:
    assert fields.find_int({}, "f") is None
    assert fields.find_text({}, "f") == ""
    assert fields.find_time({}, "f") == 0
    assert fields.find_units({}, "f") is None
    assert fields.find_row({}, "f") == {}
    assert fields.find_row({"f": None}, "f") == {}
    assert fields.find_flags({}, "f", {}, {}) == 0
    needed: list[Reader] = [
        fields.need_int,
        fields.need_text,
        fields.need_time,
        fields.need_units,
        fields.need_rounded,
        fields.need_list,
    ]
    for read in needed:
        with pytest.raises(MissingField):
            read({}, "f")


def test_text_is_bounded() -> None:
    longest = "x" * fields.TEXT_CHARS_MAX
    assert fields.need_text({"f": longest}, "f") == longest
    assert refusal(fields.find_text, longest + "x") is MalformedMessage
    assert refusal(fields.find_text, 5) is WrongType
    assert refusal(fields.need_text, "") is MissingField


def test_times_are_milliseconds_and_bounded() -> None:
    assert fields.need_time({"f": "1681497002041"}, "f") == 1681497002041000000
    last = (2**63 - 1) // 10**6
    assert fields.find_time({"f": last}, "f") == last * 10**6
    for value in (-1, last + 1):
        assert refusal(fields.find_time, value) is MalformedMessage


def test_decimals_are_text_or_whole_numbers() -> None:
    row: Row = {"a": "0.05", "b": 3, "c": "", "d": "0.0000000000015"}
    assert fields.find_units(row, "a") == 5000000
    assert fields.find_units(row, "b") == 300000000
    assert fields.find_rounded(row, "c") is None
    assert fields.find_rate(row, "d") == 2
    for value, error in (
        (0.05, WrongType),
        (True, WrongType),
        ([], WrongType),
        (2**64, MalformedMessage),
        ("1e5", MalformedMessage),
        ("0.000000001", MalformedMessage),
    ):
        assert refusal(fields.find_units, value) is error


def test_amounts_and_prices_are_not_negative() -> None:
    assert fields.need_amount(0, "f") == 0
    with pytest.raises(MalformedMessage):
        fields.need_amount(-1, "f")
    assert fields.find_price({"f": "0"}, "f", is_exact=True) is None
    assert fields.find_price({"f": ""}, "f", is_exact=True) is None
    assert fields.find_price({"f": "2"}, "f", is_exact=True) == 200000000
    with pytest.raises(MalformedMessage):
        fields.find_price({"f": "-1"}, "f", is_exact=True)
    assert [fields.positive_or_none(price) for price in (None, -1, 0, 7)] == [None, None, None, 7]


def test_words_become_codes() -> None:
    codes = {"": 9, "BUY": 1}
    counters: dict[str, int] = {}
    assert fields.find_code({"f": "BUY"}, "f", codes, counters) == 1
    assert fields.find_code({}, "f", codes, counters) == 9
    assert fields.find_code({}, "f", {"BUY": 1}, counters) == 0
    assert counters == {}
    assert fields.find_code({"f": "HOLD"}, "f", codes, counters) == 0
    assert fields.need_code({"f": "HOLD"}, "f", codes, counters) == 0
    assert counters == {"unknown f HOLD": 2}
    with pytest.raises(MissingField):
        fields.need_code({"f": ""}, "f", codes, counters)
    assert fields.need_known_code({"f": "BUY"}, "f", codes) == 1
    with pytest.raises(UnknownWord):
        fields.need_known_code({"f": "HOLD"}, "f", codes)


def test_flags_are_a_bit_set() -> None:
    bits = {"A": 1, "B": 4}
    counters: dict[str, int] = {}
    assert fields.find_flags({"f": ["A", "B", "A"]}, "f", bits, counters) == 5
    assert fields.find_flags({"f": None}, "f", bits, counters) == 0
    assert fields.find_flags({"f": ["C", "B"]}, "f", bits, counters) == 4
    assert counters == {"unknown f C": 1}
    for words, error in (([5], WrongType), ("A", WrongType), (["A"] * 33, MalformedMessage)):
        with pytest.raises(MalformedMessage) as caught:
            fields.find_flags({"f": words}, "f", bits, counters)
        assert caught.type is error


def test_lists_are_bounded() -> None:
    longest: list[object] = [None] * fields.ROWS_MAX
    assert fields.need_list({"f": longest}, "f") is longest
    assert refusal(fields.need_list, [*longest, None]) is MalformedMessage
    assert refusal(fields.need_list, {}) is WrongType


def test_addresses_read_as_binary_frames_give_them() -> None:
    for text, address in (("0x00AbC", "0xabc"), ("0x0", "0x0"), ("", ""), ("acct", "acct")):
        assert fields.find_account({"f": text}, "f") == address


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"{", b"\xff\xfe", b"[" * 100_000, b"null", b"[]", b"5", b'"x"', b"NaN"],
)
def test_body_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedMessage) as caught:
        fields.load_row(body)
    assert caught.value.field == "body"


def test_size_of_a_body_is_bounded() -> None:
    assert fields.load_json(b"[1]", 3) == [1]
    with pytest.raises(MalformedMessage, match="4 long"):
        fields.load_json("[12]", 3)
    with pytest.raises(MalformedMessage, match="4 long"):
        fields.load_json(b"[12]", 3)


def test_unreadable_rows_are_skipped_and_counted() -> None:
    def read(row: Row, counters: dict[str, int]) -> int:
        return fields.need_int(row, "n")

    page: Row = {"results": [{"n": 1}, {}, 5, {"n": "x"}, {"n": 2}]}
    counters: dict[str, int] = {}
    assert fields.read_rows(page, "results", read, counters) == [1, 2]
    assert counters == {
        "skipped row: missing field n": 1,
        "skipped row: wrong type in field results": 1,
        "skipped row: wrong type in field n": 1,
    }
    assert fields.read_rows(page, "results", read, None) == [1, 2]
    with pytest.raises(MissingField, match="orders"):
        fields.read_rows(page, "orders", read, None)


def test_cursor_of_the_last_page_is_none() -> None:
    assert [fields.find_cursor({"next": text}) for text in ("c", "", None)] == ["c", None, None]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("1.5", "1.5"),
        ("4e-05", "0.00004"),
        ("-4E-05", "-0.00004"),
        ("1.25e2", "125"),
        ("1.25e+1", "12.5"),
        ("-12.5e-1", "-1.25"),
        ("1e3", "1000"),
        ("0e-9", "0.000000000"),
        ("12.345e-2", "0.12345"),
        ("1e1000", "1e1000"),
        ("NaN", "NaN"),
    ],
)
def test_numbers_lose_their_exponent(number: str, text: str) -> None:
    assert fields.as_plain_decimal(number) == text
