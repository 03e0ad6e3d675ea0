"""Whole answers: every page or an error, and parts that belong together."""

import asyncio
from decimal import Decimal
from typing import Any

import orjson
import pytest

from paradex_adapter.venue import account_reader
from paradex_adapter.venue.account_reader import AccountReader
from paradex_adapter.venue.errors import MalformedReply, VenueUnavailable
from paradex_adapter_core.vocabulary import FILL_LIQUIDATION, FILL_ORDINARY

MARKET = "BTC-USD-PERP"


def order_row(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"V-{number}",
        "account": "0x1",
        "market": MARKET,
        "side": "BUY",
        "type": "LIMIT",
        "size": "1",
        "remaining_size": "1",
        "price": "90000",
        "status": "OPEN",
        "instruction": "GTC",
        "client_id": f"O-{number}",
        "flags": [],
        "cancel_reason": "",
        "avg_fill_price": "",
        "created_at": 1_000 + number,
        "last_updated_at": 1_000 + number,
        "seq_no": number,
        **changes,
    }


def fill_row(number: int, size: str = "1", **changes: Any) -> dict[str, Any]:
    return {
        "id": f"F-{number}",
        "account": "0x1",
        "market": MARKET,
        "order_id": f"V-{number}",
        "client_id": f"O-{number}",
        "side": "BUY",
        "liquidity": "TAKER",
        "price": "90000",
        "size": size,
        "remaining_size": "0",
        "fee": "0.1",
        "fee_currency": "USDC",
        "fill_type": "FILL",
        "created_at": 2_000 + number,
        **changes,
    }


def position_row(size: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": "P-1",
        "account": "0x1",
        "market": MARKET,
        "status": "CLOSED" if Decimal(size) == 0 else "OPEN",
        "side": "SHORT" if size.startswith("-") else "LONG",
        "size": size,
        "average_entry_price": "90000",
        "average_entry_price_usd": "90000",
        "last_fill_id": "",
        "seq_no": 1,
        "last_updated_at": 3_000,
        **changes,
    }


class Venue:
    """REST answers in pages, newest first, as the venue gives them."""

    def __init__(self) -> None:
        self.open: list[dict[str, Any]] = []
        self.history: list[dict[str, Any]] = []
        self.fills: list[dict[str, Any]] = []
        self.positions: list[dict[str, Any]] = []
        self.page_size = 2
        self.asked: list[str] = []
        self.between: list[Any] = []

    def _list(self, rows: list[dict[str, Any]]) -> bytes:
        return orjson.dumps({"results": rows})

    def _page(self, rows: list[dict[str, Any]], cursor: str | None) -> bytes:
        rows = rows[::-1]
        start = int(cursor or 0)
        end = start + self.page_size
        following = str(end) if end < len(rows) else None
        return orjson.dumps({"results": rows[start:end], "next": following, "prev": None})

    def _step(self, name: str) -> None:
        self.asked.append(name)
        if self.between:
            self.between.pop(0)()

    async def get_orders(self, market: str | None) -> bytes:
        self._step("open")
        return self._list([row for row in self.open if market in (None, row["market"])])

    async def get_orders_history(
        self, *, market: str | None, client_order_id: str | None, cursor: str | None, **_: Any
    ) -> bytes:
        self._step("history")
        rows = [
            row
            for row in self.history
            if market in (None, row["market"]) and client_order_id in (None, row["client_id"])
        ]
        return self._page(rows, cursor)

    async def get_fills(self, *, cursor: str | None, **_: Any) -> bytes:
        self._step("fills")
        return self._page(self.fills, cursor)

    async def get_positions(self) -> bytes:
        self._step("positions")
        return self._list(self.positions)


@pytest.fixture
def venue() -> Venue:
    return Venue()


@pytest.fixture
def reader(venue: Venue) -> AccountReader:
    return AccountReader(venue, {})  # type: ignore[arg-type]


async def test_lists_are_read_to_the_last_page_and_put_in_order(
    venue: Venue, reader: AccountReader
) -> None:
    venue.fills = [fill_row(number) for number in range(5)]
    assert [fill.fill_id for fill in await reader.fills()] == [f"F-{n}" for n in range(5)]
    assert venue.asked == ["fills"] * 3
    venue.history = [order_row(number) for number in range(3)]
    assert [order.venue_order_id for order in await reader.orders_history()] == [
        "V-0",
        "V-1",
        "V-2",
    ]


async def test_fills_of_the_same_time_stay_as_the_venue_had_them(
    venue: Venue, reader: AccountReader
) -> None:
    venue.fills = [fill_row(number, created_at=7) for number in (3, 1, 2)]
    assert [fill.fill_id for fill in await reader.fills()] == ["F-3", "F-1", "F-2"]


async def test_rows_that_come_while_paging_double_none(venue: Venue, reader: AccountReader) -> None:
    """Where a cursor counts rows, a new one shifts the last of a page into the next."""
    venue.fills = [fill_row(number, created_at=2_000) for number in range(5)]
    venue.history = [order_row(number, created_at=1_000) for number in range(5)]
    # Ids are unique per type only.
    venue.fills.append(fill_row(4, fill_type="LIQUIDATION"))
    venue.between = [lambda: None, lambda: venue.fills.append(fill_row(9))]
    fills = await reader.fills()
    assert [f"{fill.fill_type} {fill.fill_id}" for fill in fills] == [
        *(f"{FILL_ORDINARY} F-{number}" for number in range(5)),
        f"{FILL_LIQUIDATION} F-4",
    ]
    venue.between = [lambda: None, lambda: venue.history.append(order_row(9))]
    orders = await reader.orders_history()
    assert [order.venue_order_id for order in orders] == [f"V-{number}" for number in range(5)]


async def test_a_row_that_cannot_be_read_is_no_shorter_answer_and_named(
    venue: Venue, reader: AccountReader
) -> None:
    venue.fills = [fill_row(1), fill_row(2, size="much")]
    venue.open = [order_row(1), order_row(2, type="OF_TOMORROW"), order_row(3, market=None)]
    venue.history = [order_row(1, created_at="0xdead")]
    venue.positions = [position_row("1", id="P-7", side="UP")]
    told = []
    for read in (reader.fills, reader.open_orders, reader.orders_history, reader.positions):
        with pytest.raises(MalformedReply) as caught:
            await read()
        told.append(str(caught.value))
    assert told == [
        "fills: malformed reply (row 'F-2': malformed size)",
        "open orders: malformed reply (row 'V-3': missing field market)",
        "orders history: malformed reply (row 'V-1': wrong type in field created_at)",
        "positions: malformed reply (row 'P-7': unknown word in field side)",
    ]


async def test_a_slow_answer_is_none(
    venue: Venue, reader: AccountReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(market: str | None) -> bytes:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(account_reader, "READ_TIMEOUT_SECS", 0.01)
    monkeypatch.setattr(venue, "get_orders", never)
    with pytest.raises(VenueUnavailable, match="open orders"):
        await reader.open_orders()


async def test_a_snapshot_leaves_out_what_filled_after_the_positions(
    venue: Venue, reader: AccountReader
) -> None:
    venue.positions = [position_row("2")]
    venue.fills = [fill_row(1), fill_row(2), fill_row(3)]
    venue.open = [order_row(4, size="5", remaining_size="4")]
    venue.history = [order_row(number, status="CLOSED", remaining_size="0") for number in (1, 2, 3)]
    snapshot = await reader.snapshot()
    assert [fill.fill_id for fill in snapshot.fills] == ["F-1", "F-2"]
    assert snapshot.unbalanced == []
    filled = {order.venue_order_id: snapshot.filled_of(order) for order in snapshot.orders}
    assert filled == {"V-1": 10**8, "V-2": 10**8, "V-3": 0, "V-4": 0}


async def test_a_snapshot_takes_the_longest_history_that_adds_up(
    venue: Venue, reader: AccountReader
) -> None:
    venue.fills = [fill_row(1), fill_row(2, side="SELL"), fill_row(3), fill_row(4, side="SELL")]
    snapshot = await reader.snapshot()
    assert len(snapshot.fills) == 4


async def test_the_side_of_a_fill_is_that_of_its_order(venue: Venue, reader: AccountReader) -> None:
    # The venue may give the taker's side on a maker's fill.
    venue.positions = [position_row("-1")]
    venue.fills = [fill_row(1, side="BUY")]
    venue.history = [order_row(1, side="SELL", status="CLOSED", remaining_size="0")]
    snapshot = await reader.snapshot()
    assert len(snapshot.fills) == 1
    assert snapshot.unbalanced == []


async def test_a_snapshot_is_read_again_until_it_adds_up(
    venue: Venue, reader: AccountReader
) -> None:
    # The first positions are those of an account whose fills are not listed yet.
    venue.positions = [position_row("1")]

    def list_it() -> None:
        venue.fills = [fill_row(1), fill_row(2)]
        venue.positions = [position_row("2")]

    venue.fills = [fill_row(2, size="5")]
    venue.between = [lambda: None] * 4 + [list_it]
    snapshot = await reader.snapshot()
    assert [fill.fill_id for fill in snapshot.fills] == ["F-1", "F-2"]
    assert venue.asked.count("positions") == 2


async def test_a_history_that_never_adds_up_is_told_as_such(
    venue: Venue, reader: AccountReader
) -> None:
    # Older fills are no longer kept by the venue.
    venue.positions = [position_row("7")]
    venue.fills = [fill_row(1)]
    snapshot = await reader.snapshot()
    assert snapshot.unbalanced == [MARKET]
    assert len(snapshot.fills) == 1
    assert venue.asked.count("positions") == 2


async def test_a_window_ends_with_the_last_fill_of_the_position(
    venue: Venue, reader: AccountReader
) -> None:
    venue.positions = [position_row("7", last_fill_id="F-1")]
    venue.fills = [fill_row(1), fill_row(2)]
    venue.history = [order_row(2, status="CLOSED", remaining_size="0", created_at=500)]
    snapshot = await reader.snapshot(start_ms=1_000)
    assert [fill.fill_id for fill in snapshot.fills] == ["F-1"]
    # The order is from before the window: its own number stands.
    assert snapshot.filled_of(snapshot.orders[0]) == 10**8


async def test_the_last_fill_is_no_earlier_one_of_its_id(
    venue: Venue, reader: AccountReader
) -> None:
    # Ids are unique among the fills of a type: a liquidation may bear that of an ordinary fill.
    liquidation = fill_row(1, fill_type="LIQUIDATION", order_id="", created_at=3_000)
    venue.positions = [position_row("7", last_fill_id="F-1")]
    venue.fills = [fill_row(1), fill_row(2), liquidation]
    snapshot = await reader.snapshot(start_ms=1_000)
    assert len(snapshot.fills) == 3
