"""A recorder beside the node, so that parsing can be timed on the frames of the session itself."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Self

import orjson
from nautilus_trader.cache.cache import Cache
from nautilus_trader.model.identifiers import InstrumentId

from paradex_adapter.constants import PARADEX
from paradex_adapter.recording import Frame, frame_to_line, read_frames
from paradex_adapter.translate.market_data import (
    PriceTables,
    Scales,
    bbo_to_quote_tick,
    book_to_deltas,
    trade_to_trade_tick,
)
from paradex_adapter.venue.transports import Transport, open_transport
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
        The recording to write, at the end.
    base_url_ws : str
        The exchange's websocket address.
    markets : Sequence[str]
        Whose quotes, trades and book deltas to record.
    """

    def __init__(self, path: Path, base_url_ws: str, markets: Sequence[str]) -> None:
        self._path: Final = path
        self._url: Final = f"{base_url_ws}?sbeSchemaId=1&sbeSchemaVersion=2"
        self._markets: Final = markets
        # The node runs on the same loop and is timed: a frame is only kept here, not yet written.
        self._frames: Final[deque[Frame]] = deque(maxlen=FRAMES_MAX)
        self._transport: Transport | None = None

    async def __aenter__(self) -> Self:
        self._transport = await open_transport(self._url, self, proxy_url=None, prefer_picows=True)
        channels = [form.format(market) for market in self._markets for form in CHANNELS]
        for number, channel in enumerate(channels):
            request = {"method": "subscribe", "params": {"channel": channel}}
            await self._transport.send(orjson.dumps({"jsonrpc": "2.0", **request, "id": number}))
        return self

    async def __aexit__(self, *_exception: object) -> None:
        assert self._transport is not None
        await self._transport.close()
        self._path.write_bytes(b"".join(map(frame_to_line, self._frames)))

    def on_text(self, data: bytes | str) -> None:
        """Keep a text frame; called by the transport."""
        payload = data if isinstance(data, bytes) else data.encode()
        self._frames.append(Frame(time.time_ns(), "in", False, payload))

    def on_binary(self, data: bytes) -> None:
        """Keep a binary frame; called by the transport."""
        self._frames.append(Frame(time.time_ns(), "in", True, data))

    def on_closed(self, reason: str) -> None:
        """Do nothing: what was recorded until then counts."""

    def measure_parsing(self, cache: Cache) -> dict[str, list[int]]:
        """Return the times from frame bytes to Nautilus object, in nanoseconds, by kind."""
        tables = PriceTables()
        scales: dict[str, Scales] = {}
        for market in self._markets:
            instrument = cache.instrument(InstrumentId.from_str(f"{market}.{PARADEX}"))
            scales[market] = tables.scales_of(instrument)
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
