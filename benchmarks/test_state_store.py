"""The store and the ledger, beside the interpreted core and what one would write without them.

An update is one message of an order's life: queued, open, partly filled, canceled. The dict under a
lock only keeps the last update of each order: no rules, no events, nothing told apart. Figures are
per message, look-up or fill.

Run: ``pytest benchmarks/test_state_store.py --benchmark-enable --benchmark-only``.
"""

import inspect
from collections import OrderedDict
from collections.abc import Callable, Iterable
from threading import Lock
from timeit import repeat
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.interleaved import NOISE, Work, beside_peers, hold, note
from benchmarks.interpreted_core import import_interpreted
from paradex_adapter_core import dedup_ledger, state_store
from paradex_adapter_core.build import is_compiled
from paradex_adapter_core.order_book import BookSequence
from paradex_adapter_core.vocabulary import (
    FILL_ORDINARY,
    INSTRUCTION_GTC,
    ORDER_LIMIT,
    SIDE_BUY,
    STATUS_CLOSED,
    STATUS_NEW,
    STATUS_OPEN,
)
from tests.account_messages import ACCOUNT, MARKET, PRICE, TS_INIT, fill, order_update

ORDERS = 200
IDS = 2000
LOOPS = 3
LEDGER_CAPACITY = 1024
UPDATE_RATIO = 3.0
GET_SECONDS = 20e-9
HIT_RATIO = 1 / 3

INTERPRETED = import_interpreted("paradex_adapter_core.state_store")
INTERPRETED_LEDGER = import_interpreted("paradex_adapter_core.dedup_ledger")


def histories() -> list[Any]:
    """Return the messages of many orders, those of one life one after another."""
    messages: list[Any] = []
    for number in range(ORDERS):
        ids = {"venue_id": f"{number:028d}", "client_id": f"O-20261122-120000-001-000-{number}"}
        messages += [
            order_update(STATUS_NEW, 10, seq_no=1, **ids),
            order_update(STATUS_OPEN, 10, seq_no=2, **ids),
            fill(f"{number:027d}", 4, **ids),
            order_update(STATUS_OPEN, 6, seq_no=3, **ids),
            order_update(STATUS_OPEN, 6, seq_no=4, price=PRICE + 1, **ids),
            order_update(
                STATUS_CLOSED, 6, seq_no=5, price=PRICE + 1, reason="USER_CANCELED", **ids
            ),
        ]
    return messages


def rebuilt(messages: list[Any], module: Any) -> list[Any]:
    """Return the same messages as objects of another build of the core."""
    found = []
    for message in messages:
        build = getattr(module, type(message).__name__)
        names = list(inspect.signature(build.__init__).parameters)[1:]
        found.append(build(*(getattr(message, name) for name in names)))
    return found


def tracked(module: Any) -> Any:
    store = module.StateStore(ACCOUNT)
    for number in range(ORDERS):
        store.track_order(
            f"O-20261122-120000-001-000-{number}",
            MARKET,
            SIDE_BUY,
            ORDER_LIMIT,
            INSTRUCTION_GTC,
            10,
            PRICE,
            None,
            0,
            TS_INIT,
        )
    return store


def apply_all(module: Any, messages: list[Any]) -> Work:
    def work() -> None:
        apply = tracked(module).apply
        for message in messages:
            apply(message, TS_INIT)

    return work


def locked_dict(messages: list[Any]) -> Work:
    keyed = [(message.client_order_id, message) for message in messages]

    def work() -> None:
        lock = Lock()
        held: dict[str, Any] = {}
        for client_order_id, message in keyed:
            with lock:
                held[client_order_id] = message

    return work


def call_each(function: Callable[[str], object], ids: list[str]) -> Work:
    def work() -> None:
        for id_ in ids:
            function(id_)

    return work


@pytest.mark.benchmark(group="store update")
def test_store_update(benchmark: BenchmarkFixture) -> None:
    messages = histories()
    store = tracked(state_store)
    events = [event for message in messages for event in store.apply(message, TS_INIT)]
    assert len(events) == 4 * ORDERS  # accepted, fill, changed, canceled
    beside_peers(
        benchmark,
        apply_all(state_store, messages),
        {
            "interpreted core": apply_all(INTERPRETED, rebuilt(messages, INTERPRETED)),
            "dict under a lock": locked_dict(messages),
        },
        loops=LOOPS,
        items=len(messages),
    )
    if is_compiled():
        hold(benchmark, "interpreted core", UPDATE_RATIO)


@pytest.mark.benchmark(group="store get")
def test_store_get(benchmark: BenchmarkFixture) -> None:
    ids = [f"O-20261122-120000-001-000-{number % ORDERS}" for number in range(IDS)]
    store = tracked(state_store)
    held = {order.client_order_id: order for order in store.open_orders()}
    lock = Lock()

    def get_locked(client_order_id: str) -> object:
        with lock:
            return held.get(client_order_id)

    beside_peers(
        benchmark,
        call_each(store.find_order, ids),
        {
            "interpreted core": call_each(tracked(INTERPRETED).find_order, ids),
            "dict under a lock": call_each(get_locked, ids),
            "dict.get": call_each(held.get, ids),
        },
        loops=LOOPS,
        items=IDS,
    )
    if is_compiled():
        # Inside the core there is no call from Python: take off one that does next to nothing. The
        # passing of the argument stays in, so this is an upper bound.
        seconds = _seconds_in_core(store.find_order, ids)
        note(
            benchmark, f"{seconds * 1e9:.0f} ns inside the core, target {GET_SECONDS * 1e9:.0f} ns"
        )
        assert seconds <= GET_SECONDS * NOISE


def _seconds_in_core(find: Callable[[str], object], ids: list[str]) -> float:
    reset = BookSequence().reset
    bare = min(repeat(lambda: [reset() for id_ in ids], number=1, repeat=200))
    found = min(repeat(lambda: [find(id_) for id_ in ids], number=1, repeat=200))
    return (found - bare) / len(ids)


def admit_all(admit: Callable[[str, int, str], bool], ids: Iterable[str]) -> Work:
    def work() -> None:
        for fill_id in ids:
            admit(ACCOUNT, FILL_ORDINARY, fill_id)

    return work


def admitting(make: Callable[[], Any], ids: list[str]) -> Work:
    def work() -> None:
        admit = make().admit
        for fill_id in ids:
            admit(ACCOUNT, FILL_ORDINARY, fill_id)

    return work


class LockedLedger:
    """What one would write: the last fills in a dict under a lock."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._lock = Lock()
        self._seen: OrderedDict[tuple[str, int, str], None] = OrderedDict()

    def admit(self, account: str, fill_type: int, fill_id: str) -> bool:
        key = (account, fill_type, fill_id)
        with self._lock:
            if key in self._seen:
                return False
            self._seen[key] = None
            if len(self._seen) > self._capacity:
                self._seen.popitem(last=False)
            return True


@pytest.mark.benchmark(group="ledger")
def test_ledger_duplicate_hit(benchmark: BenchmarkFixture) -> None:
    # As they come from the wire: equal to the ids held, not the same objects.
    held_ids = [f"{number:027d}" for number in range(IDS)]
    ids = [f"{number:027d}" for number in range(IDS)]
    ledgers: list[Any] = [
        dedup_ledger.DedupLedger(IDS + 1),
        INTERPRETED_LEDGER.DedupLedger(IDS + 1),
        LockedLedger(IDS + 1),
    ]
    for ledger in ledgers:
        assert all(ledger.admit(ACCOUNT, FILL_ORDINARY, fill_id) for fill_id in held_ids)
    keys = dict.fromkeys((ACCOUNT, FILL_ORDINARY, fill_id) for fill_id in held_ids)
    plain = dict.fromkeys(held_ids)

    def ask_keys() -> None:
        for fill_id in ids:
            (ACCOUNT, FILL_ORDINARY, fill_id) in keys  # noqa: B015

    ours, interpreted, locked = (admit_all(ledger.admit, ids) for ledger in ledgers)
    beside_peers(
        benchmark,
        ours,
        {
            "interpreted core": interpreted,
            "dict under a lock": locked,
            "(account, type, id) in dict": ask_keys,
            "id in dict, by a call": call_each(plain.__contains__, ids),
        },
        loops=LOOPS,
        items=IDS,
    )
    if is_compiled():
        hold(benchmark, "(account, type, id) in dict", HIT_RATIO)


@pytest.mark.benchmark(group="ledger")
def test_ledger_insert(benchmark: BenchmarkFixture) -> None:
    ids = [f"{number:027d}" for number in range(IDS)]
    beside_peers(
        benchmark,
        admitting(lambda: dedup_ledger.DedupLedger(IDS + 1), ids),
        {
            "interpreted core": admitting(lambda: INTERPRETED_LEDGER.DedupLedger(IDS + 1), ids),
            "dict under a lock": admitting(lambda: LockedLedger(IDS + 1), ids),
        },
        loops=LOOPS,
        items=IDS,
    )


@pytest.mark.benchmark(group="ledger")
def test_ledger_evict(benchmark: BenchmarkFixture) -> None:
    """Insert for ever at the capacity: ours drops a generation, the other an entry each time."""
    ids = [f"{number:027d}" for number in range(8 * LEDGER_CAPACITY)]
    beside_peers(
        benchmark,
        admitting(lambda: dedup_ledger.DedupLedger(LEDGER_CAPACITY), ids),
        {
            "interpreted core": admitting(
                lambda: INTERPRETED_LEDGER.DedupLedger(LEDGER_CAPACITY), ids
            ),
            "dict under a lock": admitting(lambda: LockedLedger(LEDGER_CAPACITY), ids),
        },
        loops=1,
        items=len(ids),
    )
