"""REST reads, 32 at a time: ours over httpx-aiohttp beside plain httpx, against canned replies.

Ours includes rate limits, retries, deadline and size bound; the limits' clock runs ahead, so that
they are counted and never waited for.

Run: ``pytest benchmarks/test_rest_reads.py --benchmark-enable --benchmark-only``.
"""

import time

import httpx
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.interleaved import NOISE, beside_peers, hold, note
from benchmarks.own_loop import own_loop
from benchmarks.servers import canned_server
from paradex_adapter.venue.http import HttpClient
from paradex_adapter.venue.rate_limits import RateLimits

HTTPX = "httpx GET"
RATIO = 4.0
PER_SECOND_MIN = 1000.0
AT_ONCE = 32
READS_EACH = 3
ROUNDS = 21
CLOCK_SPEED = 1e6


def test_rest_reads_32_at_once(benchmark: BenchmarkFixture) -> None:
    with own_loop() as own:
        server = own.enter(canned_server())
        base_url = f"http://{server.address}/v1"
        plain = own.enter(httpx.AsyncClient(trust_env=False))
        limits = RateLimits(clock=lambda: time.monotonic() * CLOCK_SPEED)
        client = HttpClient(base_url, rate_limits=limits)
        own.at_end(client.close)

        async def ours() -> None:
            assert b"bid_size" in await client.get_bbo("BTC-USD-PERP")

        async def theirs() -> None:
            assert b"bid_size" in (await plain.get(f"{base_url}/bbo/BTC-USD-PERP")).content

        beside_peers(
            benchmark,
            own.many(ours, READS_EACH, AT_ONCE),
            {HTTPX: own.many(theirs, READS_EACH, AT_ONCE)},
            items=READS_EACH * AT_ONCE,
            rounds=ROUNDS,
        )
    per_second = 1 / benchmark.extra_info["seconds"]
    note(benchmark, f"{per_second:.0f} requests/s, target {PER_SECOND_MIN:.0f}")
    assert per_second > PER_SECOND_MIN / NOISE
    hold(benchmark, HTTPX, RATIO)
