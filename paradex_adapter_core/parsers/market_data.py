"""Public JSON: trades, quotes, books, funding, bars; REST bodies and stream ``data`` objects.

The venue's public streams are binary; their JSON is read for REST and for older recordings. Prices
of trades are rounded to 1e-8, since liquidations print finer ones; those of quotes and levels are
exact.
"""

from typing import Final

from paradex_adapter_core.errors import MalformedMessage, WrongType
from paradex_adapter_core.messages.market_data import (
    BboTuple,
    BookTuple,
    FundingData,
    FundingRateComparison,
    KlineTuple,
    TradeTuple,
)
from paradex_adapter_core.parsers.counters import count
from paradex_adapter_core.parsers.fields import (
    Row,
    as_row,
    find_code,
    find_cursor,
    find_int,
    find_price,
    find_rate,
    find_rounded,
    load_decimal_row,
    load_row,
    need_amount,
    need_code,
    need_int,
    need_known_code,
    need_list,
    need_number,
    need_rounded,
    need_text,
    need_time,
    need_units,
    read_rows,
    to_units,
)
from paradex_adapter_core.vocabulary import (
    ASSET_KINDS,
    FILL_TYPES,
    FUNDING_SOURCES,
    KIND_BBO,
    KIND_BOOK,
    KIND_TRADE,
    SIDE_BUY,
    SIDES,
    UNITS_SCALE,
)

LEVELS_MAX: Final = 16_384
KLINE_FIELDS: Final = ["start", "open", "high", "low", "close", "volume"]
UPDATE_TYPES: Final[dict[str, int]] = {"s": 1, "d": 0}


def parse_orderbook(body: bytes) -> BookTuple:
    """Parse GET /orderbook/{market}: a snapshot.

    Raises
    ------
    MalformedMessage
        If the body cannot be read.

    """
    row = load_row(body)
    return (
        KIND_BOOK,
        need_text(row, "market"),
        find_int(row, "seq_no") or 0,
        True,
        read_level_pairs(row, "bids"),
        read_level_pairs(row, "asks"),
        need_time(row, "last_updated_at"),
    )


def parse_trades(
    body: bytes, counters: dict[str, int] | None = None
) -> tuple[list[TradeTuple], str | None]:
    """Parse a page of GET /trades; give its trades and the cursor of the next page.

    Rows that cannot be read are skipped and counted.

    Raises
    ------
    MalformedMessage
        If the body as a whole cannot be read.

    """
    page = load_row(body)
    return read_rows(page, "results", read_trade, counters), find_cursor(page)


def parse_funding_data(
    body: bytes, counters: dict[str, int] | None = None
) -> tuple[list[FundingData], str | None]:
    """Parse a page of GET /funding/data, as `parse_trades` does its own."""
    page = load_row(body)
    return read_rows(page, "results", read_funding_data, counters), find_cursor(page)


def parse_klines(body: bytes, counters: dict[str, int] | None = None) -> list[KlineTuple]:
    """Parse GET /markets/klines, whose numbers are JSON numbers and are read as decimal text.

    Rows that cannot be read are skipped and counted.

    Raises
    ------
    MalformedMessage
        If the body as a whole cannot be read.

    """
    page = load_decimal_row(body)
    tally: dict[str, int] = {} if counters is None else counters
    klines: list[KlineTuple] = []
    for kline in need_list(page, "results"):
        try:
            klines.append(read_kline(kline))
        except MalformedMessage as error:
            count(tally, f"skipped row: {error.describe()} {error.field}")
    return klines


def read_kline(values: object) -> KlineTuple:
    """Read one bar: opening time, open, high, low, close, volume."""
    if not isinstance(values, list) or len(values) != len(KLINE_FIELDS):
        raise WrongType("kline", str(values))
    row: Row = dict(zip(KLINE_FIELDS, values, strict=True))
    return (
        need_time(row, "start"),
        need_rounded(row, "open"),
        need_rounded(row, "high"),
        need_rounded(row, "low"),
        need_rounded(row, "close"),
        need_amount(need_rounded(row, "volume"), "volume"),
    )


def read_bbo(row: Row) -> BboTuple:
    """Read the best bid and offer; an empty side is given as empty text."""
    bid = find_price(row, "bid", is_exact=True)
    ask = find_price(row, "ask", is_exact=True)
    return (
        KIND_BBO,
        need_text(row, "market"),
        find_int(row, "seq_no") or 0,
        bid,
        None if bid is None else need_amount(need_units(row, "bid_size"), "bid_size"),
        ask,
        None if ask is None else need_amount(need_units(row, "ask_size"), "ask_size"),
        need_time(row, "last_updated_at"),
    )


def read_trade(row: Row, counters: dict[str, int]) -> TradeTuple:
    """Read one public trade; its side is the aggressor's."""
    return (
        KIND_TRADE,
        need_text(row, "market"),
        need_text(row, "id"),
        need_code(row, "side", SIDES, counters),
        need_amount(need_rounded(row, "price"), "price"),
        need_amount(need_units(row, "size"), "size"),
        need_code(row, "trade_type", FILL_TYPES, counters),
        find_int(row, "seq_no") or 0,
        need_time(row, "created_at"),
    )


def read_book_update(row: Row) -> BookTuple:
    """Read one push of an order book: all levels, or those that changed."""
    bids: list[int] = []
    asks: list[int] = []
    read_changes(row, "deletes", bids, asks, is_deletion=True)
    read_changes(row, "updates", bids, asks, is_deletion=False)
    read_changes(row, "inserts", bids, asks, is_deletion=False)
    return (
        KIND_BOOK,
        need_text(row, "market"),
        need_int(row, "seq_no"),
        need_known_code(row, "update_type", UPDATE_TYPES) == 1,
        tuple(bids),
        tuple(asks),
        need_time(row, "last_updated_at"),
    )


def read_changes(row: Row, field: str, bids: list[int], asks: list[int], is_deletion: bool) -> None:
    """Append the levels at ``field`` to their sides; a deleted one has size 0."""
    changes = need_list(row, field)
    if len(changes) > LEVELS_MAX:
        raise MalformedMessage(field, f"{len(changes)} levels")
    for value in changes:
        change = as_row(value, field)
        side = need_known_code(change, "side", SIDES)
        levels = bids if side == SIDE_BUY else asks
        levels.append(need_amount(need_units(change, "price"), "price"))
        levels.append(0 if is_deletion else need_amount(need_units(change, "size"), "size"))


def read_level_pairs(row: Row, field: str) -> tuple[int, ...]:
    """Read a list of [price, size]."""
    pairs = need_list(row, field)
    if len(pairs) > LEVELS_MAX:
        raise MalformedMessage(field, f"{len(pairs)} levels")
    levels: list[int] = []
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != 2:
            raise WrongType(field, str(pair))
        for value in pair:
            units = need_number(to_units(value, field, UNITS_SCALE, is_exact=True), field)
            levels.append(need_amount(units, field))
    return tuple(levels)


def read_funding_data(row: Row, counters: dict[str, int]) -> FundingData:
    """Read the funding state of a market."""
    return FundingData(
        market=need_text(row, "market"),
        seq_no=0,
        funding_rate=find_rate(row, "funding_rate"),
        funding_rate_8h=find_rate(row, "funding_rate_8h"),
        funding_index=find_rounded(row, "funding_index"),
        funding_premium=find_rounded(row, "funding_premium"),
        impact_premium_rate=find_rate(row, "impact_premium_rate"),
        funding_period_hours=need_amount(
            find_int(row, "funding_period_hours") or 0, "funding_period_hours"
        ),
        ts_event=need_time(row, "created_at"),
    )


def read_funding_rate_comparison(row: Row, counters: dict[str, int]) -> FundingRateComparison:
    """Read the funding rate of a market at another venue."""
    updated = need_time(row, "last_updated_at")
    return FundingRateComparison(
        market=need_text(row, "symbol"),
        asset_kind=find_code(row, "asset_kind", ASSET_KINDS, counters),
        source=find_code(row, "source", FUNDING_SOURCES, counters),
        hourly_funding_rate=need_number(
            find_rate(row, "hourly_funding_rate"), "hourly_funding_rate"
        ),
        ts_updated=updated,
        ts_event=updated,
    )
