"""A recorder beside the node, so that parsing can be timed on the frames of the session itself."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self

import orjson
from nautilus_trader.cache.cache import Cache
from nautilus_trader.model.identifiers import InstrumentId
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from paradex_adapter.constants import PARADEX
from paradex_adapter.recording import Frame, frame_to_line, read_frames
from paradex_adapter.translate.market_data import (
    Scales,
    bbo_to_quote_tick,
    book_to_deltas,
    instrument_to_scales,
    trade_to_trade_tick,
)
from paradex_adapter_core.parsers.frame import FrameParser
from paradex_adapter_core.vocabulary import KIND_BBO, KIND_BOOK, KIND_TRADE

CHANNELS: Final = ("bbo.{}", "trades.{}", "order_book.{}.deltas")
FRAMES_MAX: Final = 20_000
# By kind: each translator takes the tuple of its kind.
TRANSLATORS: Final[dict[int, tuple[str, Callable[[Any, Scales, int], object]]]] = {
    KIND_BBO: ("quote", bbo_to_quote_tick),
    KIND_TRADE: ("trade", trade_to_trade_tick),
    KIND_BOOK: ("book update", book_to_deltas),
}


class FrameTap:
    """Records the public frames of some markets while it is open.

    Parameters
    ----------
    path : Path
        The recording to write.
    base_url_ws : str
        The exchange's websocket address.
    markets : Sequence[str]
        Whose quotes, trades and book deltas to record.
    """

    def __init__(self, path: Path, base_url_ws: str, markets: Sequence[str]) -> None:
        self._path: Final = path
        self._url: Final = f"{base_url_ws}?sbeSchemaId=1&sbeSchemaVersion=2"
        self._markets: Final = markets
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._record())
        return self

    async def __aexit__(self, *_exception: object) -> None:
        assert self._task is not None
        self._task.cancel()
        with suppress(asyncio.CancelledError, ConnectionClosed, OSError):
            await self._task

    async def _record(self) -> None:
        with self._path.open("wb") as stream:
            async with connect(self._url) as socket:
                channels = [form.format(market) for market in self._markets for form in CHANNELS]
                for number, channel in enumerate(channels):
                    params = {"channel": channel}
                    request = {"jsonrpc": "2.0", "method": "subscribe", "params": params}
                    await socket.send(orjson.dumps({**request, "id": number}).decode())
                for _ in range(FRAMES_MAX):
                    payload = await socket.recv()
                    data = payload.encode() if isinstance(payload, str) else payload
                    is_binary = not isinstance(payload, str)
                    stream.write(frame_to_line(Frame(time.time_ns(), "in", is_binary, data)))

    def measure_parsing(self, cache: Cache) -> dict[str, list[int]]:
        """Return the times from frame bytes to Nautilus object, in nanoseconds, by kind."""
        scales: dict[str, Scales] = {}
        for market in self._markets:
            instrument = cache.instrument(InstrumentId.from_str(f"{market}.{PARADEX}"))
            scales[market] = instrument_to_scales(instrument)
        times: dict[str, list[int]] = {name: [] for name, _ in TRANSLATORS.values()}
        parser = FrameParser()
        for frame in read_frames(self._path):
            if not frame.is_binary:
                continue
            start = time.perf_counter_ns()
            message = parser.parse_binary(frame.payload)
            if not isinstance(message, tuple):
                continue
            name, translate = TRANSLATORS[message[0]]
            translate(message, scales[message[1]], start)
            times[name].append(time.perf_counter_ns() - start)
        return times
