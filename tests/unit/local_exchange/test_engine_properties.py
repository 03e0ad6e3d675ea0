"""Whatever is ordered and canceled, the local exchange's books add up."""

from decimal import Decimal
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from paradex_adapter.local_exchange.accounts import Fill
from tests.unit.local_exchange.engine_bench import Bench

TICK = Decimal("0.1")
STEP = Decimal("0.00001")
STEPS_MAX = 40

order_actions = st.fixed_dictionaries(
    {
        "account": st.sampled_from(["0xa", "0xb", "0xc"]),
        "side": st.sampled_from(["BUY", "SELL"]),
        "size": st.integers(15, 20_000).map(lambda count: count * STEP),
        "price": st.one_of(
            st.just(Decimal(0)), st.integers(-30, 30).map(lambda t: 90000 + t * TICK)
        ),
        "instruction": st.sampled_from(["GTC", "IOC", "POST_ONLY", "RPI"]),
        "is_interactive": st.booleans(),
        "flags": st.sampled_from([(), (), ("REDUCE_ONLY",)]),
        "stp": st.sampled_from(["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"]),
    }
)
changes = st.tuples(st.integers(0, STEPS_MAX), st.integers(15, 20_000), st.integers(-30, 30))
actions = st.lists(st.one_of(order_actions, st.integers(0, STEPS_MAX), changes), max_size=STEPS_MAX)


def check(bench: Bench, cash_at_start: Decimal) -> None:
    accounts = bench.accounts.values()
    assert sum(bench.held(account.address) for account in accounts) == 0
    fees = sum((fill.fee for fill in bench.heard.fills), Decimal(0))
    cash = sum((account.cash for account in accounts), Decimal(0))
    cost = sum((p.cost for account in accounts for p in account.positions.values()), Decimal(0))
    assert cash + fees - cost == cash_at_start
    bid, ask = bench.market.book.best("BUY"), bench.market.book.best("SELL")
    assert bid is None or ask is None or bid[0] < ask[0]


def check_book(bench: Bench) -> None:
    resting: dict[tuple[str, Decimal], Decimal] = {}
    for account in bench.accounts.values():
        for order in account.open_orders.values():
            assert order.status == "OPEN"
            assert 0 < order.remaining <= order.size
            if order.is_rpi:
                assert order in bench.market.hidden[order.side].orders()
                continue
            key = (order.side, order.price)
            resting[key] = resting.get(key, Decimal(0)) + order.remaining
    assert bench.heard.levels == resting
    for side in bench.market.hidden.values():
        assert all(order.is_rpi and order.status == "OPEN" for order in side.orders())
    for side, is_bid in (("BUY", True), ("SELL", False)):
        levels = bench.market.book.sides[side].levels()
        prices = [price for price, _ in levels]
        assert prices == sorted(prices, reverse=is_bid)
        assert dict(levels) == {price: size for (s, price), size in resting.items() if s == side}


def check_retail(bench: Bench) -> None:
    """RPI orders make for retail takers, and take from nobody."""
    orders = {o.id: o for account in bench.accounts.values() for o in account.orders.values()}
    by_trade: dict[str, list[Fill]] = {}
    for fill in bench.heard.fills:
        by_trade.setdefault(fill.trade_id, []).append(fill)
    for maker, taker in by_trade.values():
        hidden, taking = orders[maker.order_id], orders[taker.order_id]
        assert (maker.liquidity, taker.liquidity) == ("MAKER", "TAKER")
        assert not taking.is_rpi
        assert taking.is_interactive or not hidden.is_rpi
        assert (maker.fill_type == "RPI") == hidden.is_rpi
        assert not maker.fee or not (hidden.is_rpi or hidden.is_interactive)


def check_priority(bench: Bench) -> None:
    for side in ("BUY", "SELL"):
        queue = list(bench.market.book.sides[side].orders())
        for earlier, later in pairwise(queue):
            if earlier.price == later.price:
                places = [
                    (not order.is_interactive, bench.queued[order.id]) for order in (earlier, later)
                ]
                assert places == sorted(places)


def check_orders(bench: Bench) -> None:
    filled: dict[str, Decimal] = {}
    for fill in bench.heard.fills:
        filled[fill.order_id] = filled.get(fill.order_id, Decimal(0)) + fill.size
    for account in bench.accounts.values():
        for order in account.orders.values():
            assert order.filled == filled.get(order.id, Decimal(0))
            assert (order.status == "OPEN") == (order.id in account.open_orders)
            assert order.remaining == 0 or order.status == "OPEN" or order.cancel_reason


@settings(max_examples=200)
@given(actions)
def test_cash_positions_and_books_add_up(
    steps: list[dict[str, Any] | int | tuple[int, int, int]],
) -> None:
    bench = Bench()
    cash_at_start = Decimal(300_000)
    placed = []
    for step in steps:
        if isinstance(step, dict):
            placed.append(bench.order(**step))
        elif isinstance(step, tuple) and placed:
            which, count, ticks = step
            order = placed[which % len(placed)]
            bench.modify(order, count * STEP, 90000 + ticks * TICK)
        elif isinstance(step, int) and placed:
            bench.engine.cancel(placed[step % len(placed)], "USER_CANCELED")
        check(bench, cash_at_start)
    check_book(bench)
    check_priority(bench)
    check_retail(bench)
    check_orders(bench)
    sequences = [change.seq_no for change in bench.heard.changes]
    assert all(later == earlier + 1 for earlier, later in pairwise(sequences))
