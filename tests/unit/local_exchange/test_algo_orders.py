"""How an algo order is cut into children: on the grid, all of it, whatever they leave untraded."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from paradex_adapter.local_exchange.accounts import Account
from paradex_adapter.local_exchange.algo_orders import AlgoOrder, AlgoRequest, parse_algo_request
from paradex_adapter.local_exchange.amounts import is_multiple

STEP = Decimal("0.00001")
START_MS = 1_800_000_000_000
ACCOUNT = Account("0x1", 1, Decimal(0), 1, START_MS, "algo")


def request_of(steps: int, duration_secs: int, interval_secs: int) -> AlgoRequest:
    return parse_algo_request(
        {
            "algo_type": "TWAP",
            "market": "BTC-USD-PERP",
            "side": "SELL",
            "type": "MARKET",
            "size": str(steps * STEP),
            "duration_seconds": duration_secs,
            "frequency": interval_secs,
            "signature": '["1","2"]',
            "signature_timestamp": START_MS,
        }
    )


def algo_of(request: AlgoRequest) -> AlgoOrder:
    return AlgoOrder(1, "1", ACCOUNT, request, START_MS, START_MS)


durations = st.integers(1, 200).map(lambda count: count * 30)


@given(steps=st.integers(1, 10**9), duration_secs=durations, interval_secs=st.integers(30, 6000))
def test_children_add_up_to_the_whole(steps: int, duration_secs: int, interval_secs: int) -> None:
    algo = algo_of(request_of(steps, duration_secs, min(interval_secs, duration_secs)))
    sizes = []
    for number in range(1, algo.request.children + 1):
        size = algo.size_of_child(number, STEP)
        assert is_multiple(size, STEP)
        algo.filled += size
        sizes.append(size)
    assert sum(sizes) == algo.order.size
    assert max(sizes) - min(sizes) <= STEP
    assert algo.size_of_child(algo.request.children, STEP) == 0


@given(
    steps=st.integers(1, 10**6),
    shares=st.lists(st.integers(0, 100), min_size=1, max_size=20),
    is_settled=st.booleans(),
)
def test_children_never_exceed_the_whole(steps: int, shares: list[int], is_settled: bool) -> None:
    algo = algo_of(request_of(steps, 30 * len(shares), 30))
    for number, share in enumerate(shares, start=1):
        size = algo.size_of_child(number, STEP)
        traded = size * share // 100 if is_settled else Decimal(0)
        algo.filled += traded
        algo.in_flight += Decimal(0) if is_settled else size
        assert algo.filled + algo.in_flight <= algo.order.size
    left = algo.size_of_child(algo.request.children, STEP)
    assert algo.filled + algo.in_flight + left == algo.order.size


@given(
    duration_secs=durations, interval_secs=st.integers(30, 6000), passed_ms=st.integers(0, 10**7)
)
def test_children_are_due_at_their_times(
    duration_secs: int, interval_secs: int, passed_ms: int
) -> None:
    algo = algo_of(request_of(1, duration_secs, min(interval_secs, duration_secs)))
    due = algo.due(START_MS + passed_ms)
    assert 1 <= due <= algo.request.children
    interval_ms = algo.request.interval_secs * 1000
    # The last of them is due before the end, and none before its time.
    assert (algo.request.children - 1) * interval_ms < algo.end_at - START_MS
    assert (due - 1) * interval_ms <= passed_ms
    if due < algo.request.children:
        assert due * interval_ms > passed_ms
