"""Positions of the local exchange: averages, profit, flips."""

from decimal import Decimal
from typing import Any

from paradex_adapter.local_exchange.positions import Position

D = Decimal


def position() -> Position:
    return Position("0xa", "BTC-USD-PERP", created_at=1)


def shown(held: Position, mark: str = "100", usdc: str = "1") -> dict[str, Any]:
    return held.response(D(mark), D(usdc), D(50), D(0))


def test_averages_the_entry_and_realizes_against_it() -> None:
    held = position()
    assert held.apply("BUY", D(1), D(100), 2) == 0
    assert held.apply("BUY", D(3), D(104), 3) == 0
    assert shown(held)["average_entry_price_usd"] == "103"
    assert held.apply("SELL", D(2), D(110), 4) == D(14)
    body = shown(held, mark="105")
    assert body["size"] == "2"
    assert body["average_entry_price_usd"] == "103"
    assert body["average_exit_price"] == "110"
    assert body["realized_positional_pnl"] == "14"
    assert body["unrealized_pnl"] == "4"
    assert body["cost_usd"] == "206"


def test_a_short_position_is_negative_and_gains_when_the_price_falls() -> None:
    held = position()
    held.apply("SELL", D("0.5"), D(100), 2)
    body = shown(held, mark="90")
    assert (body["side"], body["size"], body["cost"]) == ("SHORT", "-0.5", "-50")
    assert body["unrealized_pnl"] == "5"
    assert held.apply("BUY", D("0.5"), D(90), 3) == D(5)


def test_a_closed_position_stays_listed_with_the_side_it_had() -> None:
    held = position()
    held.apply("BUY", D(1), D(100), 2)
    held.apply("SELL", D(1), D(101), 9)
    body = shown(held)
    assert (body["status"], body["size"], body["side"]) == ("CLOSED", "0", "LONG")
    assert body["cost"] == "0"
    assert body["closed_at"] == 9
    assert body["realized_positional_pnl"] == "1"


def test_a_flip_realizes_the_old_and_begins_anew() -> None:
    held = position()
    held.apply("BUY", D(1), D(100), 2)
    assert held.apply("SELL", D(3), D(110), 5) == D(10)
    body = shown(held)
    assert (body["side"], body["size"]) == ("SHORT", "-2")
    assert body["average_entry_price_usd"] == "110"
    assert body["realized_positional_pnl"] == "0"
    assert body["created_at"] == 5
    assert "closed_at" not in body


def test_a_partial_close_at_an_odd_average_loses_nothing() -> None:
    held = position()
    held.apply("BUY", D("0.3"), D("100.1"), 2)
    held.apply("BUY", D("0.7"), D("100.2"), 3)
    paid = D("0.3") * D("100.1") + D("0.7") * D("100.2")
    realized = sum((held.apply("SELL", D("0.1"), D("100.3"), 4) for _ in range(3)), D(0))
    realized += held.apply("SELL", D("0.7"), D("100.4"), 5)
    assert realized == D("0.3") * D("100.3") + D("0.7") * D("100.4") - paid


def test_cost_is_shown_in_both_currencies() -> None:
    held = position()
    held.apply("BUY", D("0.01"), D("64852.9"), 2)
    body = shown(held, usdc="1.0002")
    assert body["average_entry_price_usd"] == "64852.9"
    assert body["average_entry_price"] == "64839.9320136"
    assert body["cost_usd"] == "648.529"
    assert body["cost"] == "648.39932014"
