"""Which row of a list could not be read."""

import json
from typing import Any

import pytest

from paradex_adapter_core.errors import MissingField
from paradex_adapter_core.parsers.account import parse_orders_page, parse_positions
from paradex_adapter_core.parsers.skipped_rows import ID_CHARS_MAX, find_skipped_row

GOOD = {"id": "P-1", "market": "BTC-USD-PERP", "status": "OPEN", "side": "LONG", "size": "1"}


def found(*rows: Any) -> str:
    return find_skipped_row(json.dumps({"results": rows}).encode(), "results", parse_positions)


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({**GOOD, "id": "P-2", "size": "much"}, "row 'P-2': malformed size"),
        ({**GOOD, "id": "P-2", "size": None}, "row 'P-2': missing field size"),
        ({**GOOD, "id": "P-2", "side": "UP"}, "row 'P-2': unknown word in field side"),
        ({**GOOD, "id": "line\nbreak", "size": "x"}, "row 'line\\nbreak': malformed size"),
        ({**GOOD, "id": "", "size": "x"}, "row number 2: malformed size"),
        ({**GOOD, "id": 7, "size": "x"}, "row number 2: malformed size"),
        ({**GOOD, "id": "9" * (ID_CHARS_MAX + 1), "size": "x"}, "row number 2: malformed size"),
        (["P-2"], "row number 2: wrong type in field results"),
    ],
)
def test_the_row_is_named_with_its_field(bad: Any, said: str) -> None:
    assert found(GOOD, bad, {**GOOD, "id": "P-3", "size": "x"}) == said


def test_no_row_is_named_where_all_are_read() -> None:
    assert found() == found(GOOD) == ""
    assert found({**GOOD, "status": "OF_TOMORROW"}) == ""


def test_a_body_without_the_list_has_no_rows_to_name() -> None:
    with pytest.raises(MissingField, match="results"):
        find_skipped_row(b"{}", "results", parse_orders_page)
