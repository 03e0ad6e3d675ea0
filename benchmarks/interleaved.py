"""Measure something beside its peers in alternating rounds, so that noise falls on all alike."""

from collections.abc import Callable, Mapping
from statistics import median
from time import perf_counter

from pytest_benchmark.fixture import BenchmarkFixture

type Work = Callable[[], object]

ROUNDS = 15


def beside_peers(
    benchmark: BenchmarkFixture,
    ours: Work,
    peers: Mapping[str, Work],
    *,
    loops: int,
    rounds: int = ROUNDS,
) -> dict[str, float]:
    """Time `ours` through pytest-benchmark, each peer right before each of its rounds.

    Parameters
    ----------
    benchmark : BenchmarkFixture
        The fixture; its ``extra_info`` takes the figures that `table.py` prints.
    ours : Callable[[], object]
        The work measured.
    peers : Mapping[str, Callable[[], object]]
        What it stands beside, by the name that the table shows.
    loops : int
        Calls a round, the same for everyone.
    rounds : int, default 15
        Alternating rounds.

    Returns
    -------
    dict[str, float]
        Peer's median time over ours, by name: above 1 where ours is faster.
    """
    times: dict[str, list[float]] = {name: [] for name in peers}

    def run(work: Work) -> None:
        for _ in range(loops):
            work()

    def peers_round() -> None:
        for name, work in peers.items():
            start = perf_counter()
            run(work)
            times[name].append(perf_counter() - start)

    benchmark.pedantic(run, args=(ours,), setup=peers_round, rounds=rounds, warmup_rounds=1)
    for taken in times.values():
        del taken[0]  # the warm-up's
    our_time = median(benchmark.stats.stats.data)
    ratios = {name: median(taken) / our_time for name, taken in times.items()}
    benchmark.extra_info["seconds_per_call"] = our_time / loops
    benchmark.extra_info["peers"] = {
        name: {"seconds_per_call": median(taken) / loops, "ratio": ratios[name]}
        for name, taken in times.items()
    }
    return ratios
