"""Market maker protection where matching is not simply a maker's fill."""

from decimal import Decimal

import pytest

from paradex_adapter.local_exchange.market_maker_protection import TRIGGERED, parse_config
from tests.unit.local_exchange.engine_bench import Bench

D = Decimal
MMP = ("MMP",)


def protected(size_limit: str = "0.3") -> Bench:
    """Return a bench whose first account protects what it quotes."""
    bench = Bench(cash="1000000")
    body = {"interval_ms": 60_000, "frozen_time_ms": 0, "size_limit": size_limit}
    protection = bench.accounts["0xa"].protection
    protection.configure(parse_config("BTC", body, None, bench.clock.now_ms()))
    return bench


def test_a_quote_that_is_changed_into_the_book_ends_with_the_trip() -> None:
    bench = protected()
    for price in ("90000", "90010", "90020"):
        bench.order("0xb", "SELL", "0.2", price)
    quote = bench.order("0xa", "BUY", "0.6", "89990", flags=MMP)
    other = bench.order("0xa", "BUY", "0.1", "89980", flags=MMP)
    assert bench.modify(quote, D("0.6"), D(90020))
    assert bench.ended(quote) == ("CLOSED", TRIGGERED, D("0.2"))
    assert bench.ended(other) == ("CLOSED", TRIGGERED, D("0.1"))
    assert bench.heard.levels == {("SELL", D(90020)): D("0.2")}


def test_a_quote_filled_whole_by_the_fill_that_trips_is_filled() -> None:
    bench = protected()
    quote = bench.order("0xa", "BUY", "0.4", "90000", flags=MMP)
    bench.order("0xb", "SELL", "0.4", "90000")
    assert bench.ended(quote) == ("CLOSED", "", D(0))
    assert [event["kind"] for event in bench.heard.protections] == ["TRIGGERED"]


def test_a_changed_quote_filled_whole_by_the_fill_that_trips_is_filled() -> None:
    bench = protected()
    bench.order("0xb", "SELL", "0.4", "90000")
    quote = bench.order("0xa", "BUY", "0.4", "89990", flags=MMP)
    assert bench.modify(quote, D("0.4"), D(90000))
    assert bench.ended(quote) == ("CLOSED", "", D(0))


@pytest.mark.parametrize("size", ["0.3", "0.30001"])
def test_a_limit_is_tripped_by_more_than_it(size: str) -> None:
    bench = protected()
    bench.order("0xa", "BUY", "1", "90000", flags=MMP)
    bench.order("0xb", "SELL", size, "90000")
    assert bool(bench.heard.protections) == (D(size) > D("0.3"))


def test_a_trip_is_told_once_and_others_quote_on() -> None:
    bench = protected()
    mine = bench.order("0xa", "BUY", "1", "90000", flags=MMP)
    plain = bench.order("0xa", "BUY", "1", "89990")
    theirs = bench.order("0xc", "BUY", "1", "89980")
    bench.order("0xb", "SELL", "2", "89980")
    assert mine.status == "CLOSED"
    assert plain.status == "CLOSED"
    assert theirs.status == "OPEN"
    assert len(bench.heard.protections) == 1
