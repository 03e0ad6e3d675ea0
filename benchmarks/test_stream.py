"""Trades from the socket to objects a strategy can use: messages a second, and how late they are.

The server floods, in a process of its own, without TLS or compression. Ours is the whole way of the
data client up to NautilusTrader's engine: transport, parser, feed, translation. Beside it stands
NautilusTrader's own Bybit client, in Rust, pointed at the same server and taken as its Python layer
takes it: one capsule a message, made into an object in the callback. Every message is another one.

Run: ``pytest benchmarks/test_stream.py --benchmark-enable --benchmark-only``.
"""

import asyncio
import json
from collections.abc import Callable
from statistics import median
from time import perf_counter_ns
from typing import Any, Protocol

import pytest
from nautilus_trader.core import nautilus_pyo3
from nautilus_trader.model.data import TradeTick, capsule_to_data
from nautilus_trader.model.identifiers import InstrumentId
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.interleaved import NOISE, Work, beside_peers, hold, note
from benchmarks.own_loop import OwnLoop, own_loop
from benchmarks.servers import CannedServer, canned_server
from benchmarks.test_market_data import SCALES, encoded, trade_fields
from paradex_adapter.translate.market_data import trade_to_trade_tick
from paradex_adapter.venue.market_feed import MarketFeed
from paradex_adapter.venue.transports import has_picows
from paradex_adapter_core.build import is_compiled
from paradex_adapter_core.messages.market_data import TradeTuple
from paradex_adapter_core.vocabulary import KIND_TRADE

RUST = "official Rust client (Bybit)"
RATIOS = {"picows": 3.0, "websockets": 1.0}
LATENCY_RATIO = 2.0
MESSAGES = 20_000
PACED = 500
PER_SECOND = 1000
ROUNDS = 11
ROUNDS_PACED = 3
WAIT_SECS_MAX = 20.0
SYMBOL = "BTCUSDT-LINEAR.BYBIT"


class Listener:
    """Counts what arrives, and when."""

    def __init__(self) -> None:
        self.expected = 0
        self.last: TradeTick | None = None
        self.times: list[int] = []
        self.note_times = False
        self._count = 0
        self._all: asyncio.Future[None] | None = None

    def expect(self, count: int, *, note_times: bool) -> asyncio.Future[None]:
        self.expected = count
        self.note_times = note_times
        self.times = []
        self._count = 0
        self._all = asyncio.get_running_loop().create_future()
        return self._all

    def on_tick(self, tick: TradeTick) -> None:
        self.last = tick
        self._count += 1
        if self.note_times:
            self.times.append(perf_counter_ns())
        if self._count == self.expected and self._all is not None:
            self._all.set_result(None)


class Client(Protocol):
    """Somebody who listens to the flood."""

    kind: str
    listener: Listener

    async def connect(self, address: str) -> None:
        """Connect and subscribe."""

    async def close(self) -> None:
        """Disconnect."""


class OurClient:
    """Transport, parser, feed and translation, as the data client puts them together."""

    kind = "paradex"

    def __init__(self, library: str) -> None:
        self.listener = Listener()
        self._library = library
        self._feed: MarketFeed | None = None

    async def connect(self, address: str) -> None:
        on_tick = self.listener.on_tick

        def on_trade(trade: TradeTuple, ts_init: int) -> None:
            tick = trade_to_trade_tick(trade, SCALES, ts_init)
            if tick is not None:
                on_tick(tick)

        self._feed = MarketFeed(
            f"ws://{address}/{self.kind}",
            on_bbo=_refuse,
            on_trade=on_trade,
            on_book=_refuse,
            on_book_reset=_refuse,
            on_lost=_refuse,
            prefer_picows=self._library == "picows",
        )
        await self._feed.connect()
        await self._feed.subscribe(KIND_TRADE, "BTC-USD-PERP")

    async def close(self) -> None:
        if self._feed is not None:
            await self._feed.close()


def _refuse(*_arguments: object) -> None:
    raise AssertionError("only trades are sent")


class RustClient:
    """NautilusTrader's Bybit client, as NautilusTrader's Bybit data client uses it."""

    kind = "bybit"

    def __init__(self) -> None:
        self.listener = Listener()
        self._client: Any = None

    async def connect(self, address: str) -> None:
        product = nautilus_pyo3.BybitProductType.LINEAR
        environment = nautilus_pyo3.BybitEnvironment.MAINNET
        url = f"ws://{address}/{self.kind}"
        self._client = nautilus_pyo3.BybitWebSocketClient.new_public(product, environment, url)
        self._client.cache_instrument(bybit_instrument())
        await self._client.connect(asyncio.get_running_loop(), self._on_message)
        await self._client.wait_until_active(10.0)
        await self._client.subscribe_trades(nautilus_pyo3.InstrumentId.from_str(SYMBOL))

    async def close(self) -> None:
        await self._client.close()

    def _on_message(self, message: Any) -> None:
        self.listener.on_tick(capsule_to_data(message))


def bybit_instrument() -> Any:
    pyo3 = nautilus_pyo3
    usdt = pyo3.Currency.from_str("USDT")
    return pyo3.CryptoPerpetual(
        instrument_id=pyo3.InstrumentId.from_str(SYMBOL),
        raw_symbol=pyo3.Symbol("BTCUSDT"),
        base_currency=pyo3.Currency.from_str("BTC"),
        quote_currency=usdt,
        settlement_currency=usdt,
        is_inverse=False,
        price_precision=1,
        size_precision=5,
        price_increment=pyo3.Price.from_str("0.1"),
        size_increment=pyo3.Quantity.from_str("0.00001"),
        ts_event=0,
        ts_init=0,
    )


def bybit_trade(n: int) -> str:
    fields = trade_fields(n)
    data = {
        "T": fields["createdAt"] // 1000,
        "s": "BTCUSDT",
        "S": fields["side"].capitalize(),
        "v": str(fields["size"]),
        "p": str(fields["price"]),
        "L": "PlusTick",
        "i": f"20f43950-d8dd-5b31-9112-a178eb6{n:05d}",
        "BT": False,
        "seq": fields["seq"],
    }
    head = {"topic": "publicTrade.BTCUSDT", "type": "snapshot", "ts": fields["ts"] // 1000}
    return json.dumps({**head, "data": [data]}, separators=(",", ":"))


def listen(own: OwnLoop, server: CannedServer, client: Client, count: int, pace: int) -> list[int]:
    """Take a flood to its end; return how late each message was (ns), if they were paced."""

    async def take() -> list[int]:
        everything = client.listener.expect(count, note_times=pace > 0)
        async with asyncio.timeout(WAIT_SECS_MAX):
            written = await server.flood(client.kind, count, pace)
            await everything
        return [at - then for then, at in zip(written, client.listener.times, strict=True)]

    return own.run(take())


def clients(own: OwnLoop, library: str) -> tuple[CannedServer, Client, Client]:
    """Connect ours and the official one to a server of the same trades."""
    if library == "picows" and not has_picows():
        pytest.skip("picows is not installed: it comes with the extra [fast]")
    frames = encoded("trade", trade_fields)
    server = own.enter(canned_server(frames, [bybit_trade(n) for n in range(len(frames))]))
    ours, rust = OurClient(library), RustClient()
    for client in (ours, rust):
        own.at_end(client.close).run(client.connect(server.address))
    return server, ours, rust


def same_trades(ours: Client, rust: Client) -> None:
    one, other = ours.listener.last, rust.listener.last
    assert one is not None
    assert other is not None
    assert other.instrument_id == InstrumentId.from_str(SYMBOL)
    assert (one.price, one.size, one.aggressor_side) == (
        other.price,
        other.size,
        other.aggressor_side,
    )


@pytest.mark.parametrize("library", ["picows", "websockets"])
def test_socket_to_trade_ticks(benchmark: BenchmarkFixture, library: str) -> None:
    with own_loop() as own:
        server, ours, rust = clients(own, library)

        def flooded(client: Client) -> Work:
            return lambda: listen(own, server, client, MESSAGES, 0)

        beside_peers(benchmark, flooded(ours), {RUST: flooded(rust)}, items=MESSAGES, rounds=ROUNDS)
        same_trades(ours, rust)
    note(benchmark, f"{1 / benchmark.extra_info['seconds']:,.0f} messages/s")
    if is_compiled():
        hold(benchmark, RUST, RATIOS[library])


@pytest.mark.parametrize("library", ["picows", "websockets"])
def test_socket_to_trade_tick_latency_p50(benchmark: BenchmarkFixture, library: str) -> None:
    """One a millisecond: the server's write to the object, the median of each round."""
    late: dict[str, list[float]] = {"paradex": [], "bybit": []}
    with own_loop() as own:
        server, ours, rust = clients(own, library)

        def paced(client: Client) -> Callable[[], None]:
            def work() -> None:
                times = listen(own, server, client, PACED, PER_SECOND)
                late[client.kind].append(median(times) / 1e9)

            return work

        beside_peers(benchmark, paced(ours), {RUST: paced(rust)}, rounds=ROUNDS_PACED)
        same_trades(ours, rust)
    mine, theirs = (median(late[kind][1:]) for kind in ("paradex", "bybit"))
    # Not how long a round took, which the pace decides.
    benchmark.extra_info["seconds"] = mine
    benchmark.extra_info["peers"][RUST] = {"seconds": theirs, "ratio": theirs / mine}
    if is_compiled() and library == "picows":
        hold(benchmark, RUST, LATENCY_RATIO)
    assert mine < theirs * NOISE
