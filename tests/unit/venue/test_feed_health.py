"""The lag histogram against exact quantiles."""

from hypothesis import given
from hypothesis import strategies as st

from paradex_adapter.venue.feed_health import _BUCKETS, LagHistogram

LAGS = st.lists(st.integers(-(10**9), 10**14), min_size=1, max_size=200)


def histogram_of(lags: list[int]) -> LagHistogram:
    histogram = LagHistogram()
    for lag in lags:
        histogram.add(lag)
    return histogram


@given(lags=LAGS, fraction=st.sampled_from([0.01, 0.5, 0.9, 0.99, 1.0]))
def test_a_quantile_is_at_most_a_quarter_above_the_exact_one(
    lags: list[int], fraction: float
) -> None:
    told = histogram_of(lags).quantile_ns(fraction)
    ordered = sorted(lags)
    rank = min(len(ordered) - 1, max(0, -(-int(fraction * 100) * len(ordered) // 100) - 1))
    exact = max(0, ordered[rank])
    assert told >= min(exact, max(0, max(lags)))
    assert told <= max(exact * 5 // 4 + 2000, 0)


def test_none_is_zero() -> None:
    histogram = LagHistogram()
    assert (histogram.count, histogram.quantile_ns(0.99)) == (0, 0)


def test_its_memory_does_not_grow() -> None:
    histogram = histogram_of([10**n for n in range(30)])
    assert len(histogram._counts) == _BUCKETS
    assert histogram.highest_ns == 10**29
    assert sum(histogram._counts) == 30


@given(first=LAGS, second=LAGS)
def test_two_together_are_as_one_of_both(first: list[int], second: list[int]) -> None:
    total = histogram_of(first)
    total.add_all(histogram_of(second))
    total.add_all(LagHistogram())
    whole = histogram_of(first + second)
    assert total._counts == whole._counts
    assert (total.count, total.lowest_ns, total.highest_ns) == (
        whole.count,
        whole.lowest_ns,
        whole.highest_ns,
    )
    total.clear()
    assert (total.count, total.quantile_ns(1.0), sum(total._counts)) == (0, 0, 0)
