"""How far behind the feed is, in a bounded histogram."""

from typing import Final

NS_PER_US: Final = 1000
# Four buckets for every doubling, so that a quantile is at most a quarter off, up to 2**40 us.
BUCKETS_PER_DOUBLING: Final = 4
DOUBLINGS: Final = 40
_SMALL: Final = 4
_BUCKETS: Final = _SMALL + DOUBLINGS * BUCKETS_PER_DOUBLING


class LagHistogram:
    """Times from the venue's clock to ours, counted by size; its memory never grows.

    The two clocks differ: what arrives "before" it was sent counts as zero, and `lowest_ns` tells
    how far the clocks are apart at least.

    Attributes
    ----------
    count : int
        How many were added.
    lowest_ns, highest_ns : int
        The extremes, 0 when there is none.
    """

    def __init__(self) -> None:
        self._counts: Final = [0] * _BUCKETS
        self.count = 0
        self.lowest_ns = 0
        self.highest_ns = 0

    def add(self, lag_ns: int) -> None:
        """Count one."""
        if self.count == 0 or lag_ns < self.lowest_ns:
            self.lowest_ns = lag_ns
        if self.count == 0 or lag_ns > self.highest_ns:
            self.highest_ns = lag_ns
        self.count += 1
        self._counts[_bucket(lag_ns // NS_PER_US)] += 1

    def quantile_ns(self, fraction: float) -> int:
        """Return the lag that `fraction` of all do not exceed, rounded up; 0 when there is none."""
        if self.count == 0:
            return 0
        rest = fraction * self.count
        for bucket, count in enumerate(self._counts):
            rest -= count
            if rest <= 0 and count:
                return min(_upper_us(bucket) * NS_PER_US, max(0, self.highest_ns))
        return max(0, self.highest_ns)

    def add_all(self, other: "LagHistogram") -> None:
        """Count what another one counted."""
        if other.count == 0:
            return
        if self.count == 0 or other.lowest_ns < self.lowest_ns:
            self.lowest_ns = other.lowest_ns
        if self.count == 0 or other.highest_ns > self.highest_ns:
            self.highest_ns = other.highest_ns
        self.count += other.count
        for bucket, count in enumerate(other._counts):
            self._counts[bucket] += count

    def clear(self) -> None:
        """Forget everything."""
        self._counts[:] = [0] * _BUCKETS
        self.count = self.lowest_ns = self.highest_ns = 0


def _bucket(lag_us: int) -> int:
    if lag_us < _SMALL:
        return max(0, lag_us)
    doubling = lag_us.bit_length() - 3
    bucket = doubling * BUCKETS_PER_DOUBLING + (lag_us >> doubling)
    return min(bucket, _BUCKETS - 1)


def _upper_us(bucket: int) -> int:
    """Return where a bucket ends, in microseconds."""
    if bucket < _SMALL:
        return bucket + 1
    doubling, step = divmod(bucket - _SMALL, BUCKETS_PER_DOUBLING)
    return (_SMALL + step + 1) << doubling
