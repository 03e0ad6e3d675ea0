"""The comparison of NautilusTrader's books with the venue's finds every kind of difference."""

import copy
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from nautilus_trader.model.enums import OrderSide, TimeInForce

from paradex_adapter.agreement import find_differences, realized_funding, trade_id_of
from paradex_adapter.local_exchange import LocalExchange
from tests.integration import agreed_books
from tests.integration.live_node import live_node
from tests.integration.trading_node import RunningNode, running_node, until

MARKET = "BTC-USD-PERP"
type Books = dict[str, list[dict[str, Any]]]


@asynccontextmanager
async def traded() -> AsyncIterator[tuple[RunningNode, Books]]:
    """A node that bought twice, sold once, was refused once and left an order in the book."""
    async with LocalExchange(seed=1, simulation_interval_ms=0) as exchange:
        exchange.place_liquidity(MARKET, "BUY", "89990", "0.5")
        exchange.place_liquidity(MARKET, "SELL", "90010", "0.5")
        async with running_node(exchange) as run:
            for side, size in ((OrderSide.BUY, "0.03"), (OrderSide.SELL, "0.01")):
                order = run.trader.market(side, size)
                await until(lambda order=order: order.is_closed)
            part = run.trader.limit(OrderSide.BUY, "0.8", "90010", time_in_force=TimeInForce.IOC)
            refused = run.trader.limit(OrderSide.SELL, "0.01", "89990", post_only=True)
            resting = run.trader.limit(OrderSide.BUY, "0.01", "89000")
            await until(lambda: part.is_closed and refused.is_closed and resting.is_open)
            await run.until_agreed()
            books = {
                "orders": exchange.orders(),
                "fills": exchange.fills(),
                "positions": exchange.positions(),
            }
            yield run, books


def change(kind: str, number: int, **fields: Any) -> Callable[[Books], None]:
    return lambda books: books[kind][number].update(fields)


def shift(kind: str, number: int, name: str, by: str) -> Callable[[Books], None]:
    def apply(books: Books) -> None:
        row = books[kind][number]
        row[name] = str(Decimal(row[name]) + Decimal(by))

    return apply


def drop(kind: str, number: int) -> Callable[[Books], None]:
    return lambda books: books[kind].pop(number) and None


DIFFERENCES: list[tuple[Callable[[Books], None], str]] = [
    (drop("orders", 0), "is not at the venue"),
    (change("orders", 4, id="X", client_id="X"), "order X is at the venue alone"),
    (change("orders", 4, status="CLOSED", cancel_reason="USER_CANCELED"), "is ACCEPTED"),
    (change("orders", 4, status="NEW"), "at the venue NEW"),
    (change("orders", 3, cancel_reason="USER_CANCELED"), "is REJECTED"),
    (change("orders", 2, cancel_reason="EXPIRED"), "is CANCELED, at the venue CLOSED EXPIRED"),
    (shift("orders", 2, "remaining_size", "-0.00001"), "filled 0.47, at the venue 0.47001"),
    (shift("orders", 0, "avg_fill_price", "0.00001"), "averages"),
    (drop("fills", 0), "is not at the venue"),
    (change("fills", 0, id="9"), "fill 9 is at the venue alone"),
    (change("fills", 0, fill_type="LIQUIDATION"), "-LIQUI"),
    (shift("fills", 0, "size", "0.00001"), "is of 0.03000, at the venue 0.03001"),
    (shift("fills", 0, "price", "0.1"), "is at 90010.0, at the venue 90010.1"),
    (shift("fills", 0, "fee", "0.00000002"), "cost"),
    (change("fills", 0, fee_currency="DIME"), "not DIME"),
    (shift("fills", 1, "realized_pnl", "0.000002"), "realized PnL"),
    (shift("positions", 0, "size", "0.00001"), "position in BTC-USD-PERP is"),
    (change("positions", 0, side="SHORT"), "at the venue -"),
    (drop("positions", 0), "at the venue 0"),
    (shift("positions", 0, "average_entry_price_usd", "0.00001"), "opened at"),
]
WITHIN_TOLERANCE = [
    shift("fills", 0, "fee", "0.000000005"),
    shift("fills", 1, "realized_pnl", "0.0000005"),
    shift("positions", 0, "average_entry_price_usd", "0.0000005"),
]


async def test_each_difference_is_found_and_nothing_else() -> None:
    async with traded() as (run, books):
        assert find_differences(run.cache, **books) == []
        for mutate, words in DIFFERENCES:
            changed = copy.deepcopy(books)
            mutate(changed)
            differences = find_differences(run.cache, **changed)
            assert any(words in line for line in differences), (words, differences)
        for mutate in WITHIN_TOLERANCE:
            changed = copy.deepcopy(books)
            mutate(changed)
            assert find_differences(run.cache, **changed) == []


@pytest.mark.parametrize("open_node", [running_node, live_node])
@pytest.mark.parametrize("why_apart", ["", "the venue was made to say so"])
async def test_a_test_whose_books_differ_fails_unless_it_says_why(
    open_node: Any, why_apart: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agreed_books, "WAIT_SECS", 0.1)
    position = {"market": MARKET, "side": "LONG", "size": "1", "average_entry_price": "90000"}

    async def differ() -> None:
        async with (
            LocalExchange(seed=1, simulation_interval_ms=0) as exchange,
            open_node(exchange) as run,
        ):
            run.why_apart = why_apart
            monkeypatch.setattr(exchange, "positions", lambda _: [position])
            monkeypatch.setattr(exchange, "balances", lambda _: [{"token": "USDC", "size": "1"}])

    if why_apart:
        await differ()
        return
    with pytest.raises(AssertionError) as failure:
        await differ()
    # Of NautilusTrader's cache and account, and of the client's state.
    assert str(failure.value).splitlines() == [
        "position in BTC-USD-PERP is 0, at the venue 1",
        "store: position in BTC-USD-PERP is 0, at the venue 100000000",
        "store: USDC is 10000000000000, at the venue 1",
        "balance of USDC is 100000, at the venue 1",
    ]


def test_every_node_of_these_tests_is_compared() -> None:
    apart = {
        "test_data_client.py": "no execution client",
        "test_data_testing_spec.py": "no execution client",
        "test_paper_trading.py": "an execution client that is not ours",
    }
    folders = [Path(__file__).parent, Path(__file__).parents[1] / "chaos"]
    building = {
        path.name: path.read_text()
        for folder in folders
        for path in folder.glob("*.py")
        if re.search(r"= TradingNode\(", path.read_text())
    }
    assert len(building) > len(apart)
    assert {name for name, text in building.items() if "until_agreed(" not in text} == apart.keys()


def test_funding_is_shown_apart() -> None:
    fills = [
        {"market": "A", "realized_funding": "0.5"},
        {"market": "A", "realized_funding": ""},
        {"market": "A", "realized_funding": "-0.2"},
        {"market": "B"},
    ]
    assert realized_funding(fills) == {"A": Decimal("0.3"), "B": Decimal(0)}


def test_the_trade_id_of_a_fill_is_spelled_here_again() -> None:
    assert trade_id_of({"id": "1", "fill_type": "FILL"}) == "1"
    assert trade_id_of({"id": "1", "fill_type": "RPI"}) == "1"
    assert trade_id_of({"id": "1" * 28, "fill_type": "LIQUIDATION"}) == "1" * 28 + "-LIQUIDA"
