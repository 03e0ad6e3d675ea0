"""Which row of a list could not be read, for whoever is not content with a list without it."""

from collections.abc import Callable
from typing import Final

import orjson

from paradex_adapter_core.parsers.fields import SKIPPED_ROW, load_row, need_list

ID_CHARS_MAX: Final = 64


def find_skipped_row(
    body: bytes, field: str, parse: Callable[[bytes, dict[str, int]], object]
) -> str:
    """Return the first row at ``field`` that ``parse`` skips, and why, in words; "" without one.

    A row is named by its id or, where that cannot be read either, by its place. Only names of
    fields are told, never what stands in them.
    """
    for number, value in enumerate(need_list(load_row(body), field), 1):
        counters: dict[str, int] = {}
        parse(orjson.dumps({field: [value]}), counters)
        for kind in counters:
            if kind.startswith(SKIPPED_ROW):
                return f"{_name_row(value, number)}: {kind.removeprefix(SKIPPED_ROW)}"
    return ""


def _name_row(value: object, number: int) -> str:
    row_id = value.get("id") if isinstance(value, dict) else None
    if not isinstance(row_id, str) or not 0 < len(row_id) <= ID_CHARS_MAX:
        return f"row number {number}"
    return f"row {row_id!r}"
