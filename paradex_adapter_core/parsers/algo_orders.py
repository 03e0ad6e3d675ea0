"""Algo orders: REST only, the venue has no channel for them."""

from paradex_adapter_core.errors import MalformedMessage
from paradex_adapter_core.messages.orders import AlgoOrder
from paradex_adapter_core.parsers.fields import (
    Row,
    find_account,
    find_code,
    find_cursor,
    find_int,
    find_price,
    find_row,
    find_text,
    find_time,
    load_row,
    need_amount,
    need_code,
    need_text,
    need_units,
    read_rows,
)
from paradex_adapter_core.vocabulary import ALGO_TYPES, ORDER_STATUSES, SIDES


def parse_algo_order(body: bytes, counters: dict[str, int] | None = None) -> AlgoOrder:
    """Parse one algo order: POST /algo/orders and GET /algo/orders/{algo_id} answer with it.

    Raises
    ------
    MalformedMessage
        If the body cannot be read.

    """
    return read_algo_order(load_row(body), {} if counters is None else counters)


def parse_algo_orders(body: bytes, counters: dict[str, int] | None = None) -> list[AlgoOrder]:
    """Parse GET /algo/orders: every open algo order."""
    return read_rows(load_row(body), "results", read_algo_order, counters)


def parse_algo_orders_page(
    body: bytes, counters: dict[str, int] | None = None
) -> tuple[list[AlgoOrder], str | None]:
    """Parse a page of GET /algo/orders-history; give its rows and the cursor of the next page."""
    page = load_row(body)
    return read_rows(page, "results", read_algo_order, counters), find_cursor(page)


def read_algo_order(row: Row, counters: dict[str, int]) -> AlgoOrder:
    """Read one algo order (AlgoOrderResp); of its parameters only the interval is known."""
    size = need_amount(need_units(row, "size"), "size")
    remaining_size = need_amount(need_units(row, "remaining_size"), "remaining_size")
    if remaining_size > size:
        raise MalformedMessage("remaining_size", str(remaining_size))
    return AlgoOrder(
        account=find_account(row, "account"),
        algo_order_id=need_text(row, "id"),
        market=need_text(row, "market"),
        side=need_code(row, "side", SIDES, counters),
        algo_type=find_code(row, "algo_type", ALGO_TYPES, counters),
        status=need_code(row, "status", ORDER_STATUSES, counters),
        size=size,
        remaining_size=remaining_size,
        avg_fill_price=find_price(row, "avg_fill_price", is_exact=False),
        cancel_reason=find_text(row, "cancel_reason"),
        interval_secs=find_int(find_row(row, "algo_params"), "interval_seconds") or 0,
        ts_created=find_time(row, "created_at"),
        ts_updated=find_time(row, "last_updated_at"),
        ts_end=find_time(row, "end_at"),
    )
