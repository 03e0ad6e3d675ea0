"""What became of each order of a batch: creates and cancels, by REST and by RPC.

No row is dropped, so that places stay what they are: one that cannot be read is counted, and says
that the outcome of its order is unknown.
"""

from typing import Final

from paradex_adapter_core.errors import MalformedMessage, MissingField
from paradex_adapter_core.messages.orders import BatchRow, CancelResult
from paradex_adapter_core.parsers.account import read_rest_order
from paradex_adapter_core.parsers.counters import count
from paradex_adapter_core.parsers.fields import (
    SKIPPED_ROW,
    Row,
    as_plain_text,
    as_row,
    find_text,
    load_row,
    need_list,
    need_text,
)

NO_POSITION: Final = -1


def parse_batch(body: bytes, counters: dict[str, int] | None = None) -> list[BatchRow]:
    """Parse the answer of POST /orders/batch, or the result of the RPC call order.create_batch.

    By REST neither the orders nor the refusals are in the order of the request; by RPC the rows
    are, and tell their position. A refusal names no order: whoever sent the batch matches orders by
    their client id first, and what is left by position.

    Raises
    ------
    MalformedMessage
        If the body cannot be read, or is of neither form.

    """
    tally: dict[str, int] = {} if counters is None else counters
    row = load_row(body)
    if "results" in row:
        results = need_list(row, "results")
        return [_read_created(value, at, tally) for at, value in enumerate(results)]
    if "orders" not in row and "errors" not in row:
        raise MissingField("orders")
    rows: list[BatchRow] = []
    if "orders" in row:
        for value in need_list(row, "orders"):
            rows.append(_read_taken(value, NO_POSITION, tally))
    if "errors" in row:
        for value in need_list(row, "errors"):
            rows.append(_read_refused(value, tally))
    return rows


def parse_cancel_results(body: bytes, counters: dict[str, int] | None = None) -> list[CancelResult]:
    """Parse the answer of DELETE /orders/batch, or the result of the RPC call order.cancel_batch.

    A row that cannot be read is left out and counted; the others keep their positions.

    Raises
    ------
    MalformedMessage
        If the body cannot be read.

    """
    tally: dict[str, int] = {} if counters is None else counters
    found: list[CancelResult] = []
    for position, value in enumerate(need_list(load_row(body), "results")):
        try:
            found.append(_read_canceled(as_row(value, "results"), position))
        except MalformedMessage as error:
            _count_unread(error, tally)
    return found


def _read_created(value: object, position: int, tally: dict[str, int]) -> BatchRow:
    """Read one row of an RPC answer: an order within, or the text of an error."""
    try:
        row = as_row(value, "results")
        order = row.get("order")
        if order is not None:
            return _read_taken(order, position, tally)
        message = as_plain_text(row.get("error"))
        if not message:
            raise MissingField("order")
        return BatchRow(position, None, message=message)
    except MalformedMessage as error:
        _count_unread(error, tally)
        return BatchRow(position, None)


def _read_taken(value: object, position: int, tally: dict[str, int]) -> BatchRow:
    try:
        return BatchRow(position, read_rest_order(as_row(value, "order"), tally))
    except MalformedMessage as error:
        _count_unread(error, tally)
        return BatchRow(position, None)


def _read_refused(value: object, tally: dict[str, int]) -> BatchRow:
    try:
        row = as_row(value, "errors")
        code, message = find_text(row, "error"), find_text(row, "message")
        if not code and not message:
            raise MissingField("error")
        return BatchRow(NO_POSITION, None, code, message)
    except MalformedMessage as error:
        _count_unread(error, tally)
        return BatchRow(NO_POSITION, None)


def _read_canceled(row: Row, position: int) -> CancelResult:
    return CancelResult(
        position=position,
        venue_order_id=find_text(row, "id"),
        client_order_id=find_text(row, "client_id"),
        market=find_text(row, "market"),
        status=need_text(row, "status"),
    )


def _count_unread(error: MalformedMessage, tally: dict[str, int]) -> None:
    count(tally, f"{SKIPPED_ROW}{error.describe()} {error.field}")
