"""Measure something beside its peers in alternating rounds, so that noise falls on all alike."""

import gc
from collections.abc import Callable, Mapping
from statistics import median
from time import perf_counter
from typing import Protocol

from pytest_benchmark.fixture import BenchmarkFixture

type Work = Callable[[], object]

ROUNDS = 41
# A run fails below the target over this: other work on the machine may cost half a ratio.
NOISE = 2.0


class Elsewhere(Protocol):
    """Work in another process, which times itself."""

    def seconds(self, loops: int) -> float:
        """Do it so many times and return how long that took."""


def timed(work: Work | Elsewhere, loops: int) -> float:
    """Return the seconds that so many calls take."""
    if not callable(work):
        return work.seconds(loops)
    start = perf_counter()
    for _ in range(loops):
        work()
    return perf_counter() - start


def beside_peers(
    benchmark: BenchmarkFixture,
    ours: Work,
    peers: Mapping[str, Work | Elsewhere],
    *,
    loops: int = 1,
    items: int = 1,
    rounds: int = ROUNDS,
    slow: Mapping[str, int] | None = None,
) -> dict[str, float]:
    """Time `ours` through pytest-benchmark, each peer right before each of its rounds.

    Parameters
    ----------
    benchmark : BenchmarkFixture
        The fixture; its ``extra_info`` takes the figures that `table.py` prints.
    ours : Callable[[], object]
        The work measured.
    peers : Mapping[str, Work | Elsewhere]
        What it stands beside, by the name that the table shows.
    loops : int
        Calls a round, the same for everyone.
    items : int
        What one call handles: figures are told for one item.
    rounds : int, default 41
        Alternating rounds.
    slow : Mapping[str, int], optional
        Fewer calls a round for peers so slow that they need no more.

    Returns
    -------
    dict[str, float]
        Peer's median time over ours, by name: above 1 where ours is faster.
    """
    calls = {name: (slow or {}).get(name, loops) for name in peers}
    times: dict[str, list[float]] = {name: [] for name in peers}

    def peers_round() -> None:
        for name, work in peers.items():
            times[name].append(timed(work, calls[name]) / calls[name])

    # A full collection looks at all that NautilusTrader loaded, for 100 ms in anybody's turn.
    gc.collect()
    gc.freeze()
    try:
        benchmark.pedantic(
            timed, args=(ours, loops), setup=peers_round, rounds=rounds, warmup_rounds=1
        )
    finally:
        gc.unfreeze()
    for taken in times.values():
        del taken[0]  # the warm-up's
    our_time = median(benchmark.stats.stats.data) / loops
    ratios = {name: median(taken) / our_time for name, taken in times.items()}
    benchmark.extra_info["seconds"] = our_time / items
    benchmark.extra_info["peers"] = {
        name: {"seconds": median(taken) / items, "ratio": ratios[name]}
        for name, taken in times.items()
    }
    return ratios


def hold(benchmark: BenchmarkFixture, peer: str, target: float) -> None:
    """Note the ratio to be held beside a peer, and fail where it is not even nearly held."""
    told = benchmark.extra_info["peers"][peer]
    told["target"] = target
    assert told["ratio"] >= target / NOISE, f"{told['ratio']:.2f} times {peer}, target {target:.2f}"


def note(benchmark: BenchmarkFixture, text: str) -> None:
    """Add a line below the table."""
    benchmark.extra_info.setdefault("notes", []).append(text)
