"""Binary frames (SBE schema 1, versions 0 to 3) to messages.

A frame is a header of 8 bytes (block length, template, schema, version), a fixed block, repeating
groups and length-prefixed texts, all little-endian. The block length of the header decides, never
the version: version 2 describes two layouts, and later versions append. Fields beyond the block and
texts beyond the end of the frame are absent.

Trades, quotes and books are decoded here; the other templates are in `sbe_records`.
"""

import struct
from typing import Final, final

from mypy_extensions import i64

from paradex_adapter_core.errors import MalformedMessage, MissingField, TruncatedFrame
from paradex_adapter_core.messages.frame import Message
from paradex_adapter_core.messages.market_data import BboTuple, BookTuple, TradeTuple
from paradex_adapter_core.parsers.binary import (
    GROUP_HEADER_BYTES,
    HEADER_BYTES,
    decode_text,
    group_end,
    has_level,
    need_block,
    read_i64,
    read_text,
    read_time,
    read_u16,
    text_end,
)
from paradex_adapter_core.parsers.counters import count
from paradex_adapter_core.parsers.record_reader import RecordReader
from paradex_adapter_core.parsers.sbe_records import decode_record
from paradex_adapter_core.vocabulary import (
    FILL_BLOCK_TRADE,
    KIND_BBO,
    KIND_BOOK,
    KIND_TRADE,
    SIDE_BUY,
    SIDE_SELL,
    UNKNOWN,
)

SCHEMA_ID: Final = 1
FRAME_BYTES_MAX: Final = 4 * 1024 * 1024
MARKETS_CACHED_MAX: Final = 8192
STRUCTS_CACHED_MAX: Final = 512

TEMPLATE_TRADE: Final = 1
TEMPLATE_BBO: Final = 2
TEMPLATE_BOOK: Final = 3
TRADE_BLOCK_BYTES: Final = 50
BBO_BLOCK_BYTES: Final = 48
BOOK_BLOCK_BYTES: Final = 89
LEVEL_BYTES: Final = 16
PACKAGE_SNAPSHOT: Final = 0
PACKAGE_DELTA: Final = 1


@final
class SbeDecoder:
    """Decoder of the binary frames of one connection.

    Parameters
    ----------
    counters : dict[str, int]
        Where skipped frames and unknown words are counted.

    """

    def __init__(self, counters: dict[str, int]) -> None:
        self.counters: Final = counters
        self._markets: Final[dict[bytes, str]] = {}
        self._structs: Final[dict[int, struct.Struct]] = {}

    def decode(self, data: bytes) -> Message | None:
        """Decode one frame; None when it was skipped and counted."""
        size: i64 = len(data)
        if size < HEADER_BYTES or size > FRAME_BYTES_MAX:
            count(self.counters, "frame size out of bounds")
            return None
        end: i64 = HEADER_BYTES + read_u16(data, 0)
        template = read_u16(data, 2)
        schema = read_u16(data, 4)
        if schema != SCHEMA_ID:
            count(self.counters, f"unknown schema {int(schema)}")
            return None
        try:
            if end > size:
                raise TruncatedFrame("block")
            if template == TEMPLATE_BBO:
                return self._decode_bbo(data, end)
            if template == TEMPLATE_TRADE:
                return self._decode_trade(data, end)
            if template == TEMPLATE_BOOK:
                return self._decode_book(data, end)
            return decode_record(int(template), RecordReader(data, int(end), self.counters))
        except MalformedMessage as error:
            count(self.counters, f"template {int(template)}: {error.describe()} {error.field}")
            return None

    def _decode_trade(self, data: bytes, end: i64) -> TradeTuple:
        need_block(end, TRADE_BLOCK_BYTES)
        seq_no = read_i64(data, 16)
        side: i64 = data[32]
        price = read_i64(data, 33)
        size = read_i64(data, 41)
        ts_event = read_time(data, 49)
        trade_type: i64 = data[57]
        if price < 0 or size < 0:
            raise MalformedMessage("price or size", f"{int(price)} {int(size)}")
        if side < SIDE_BUY or side > SIDE_SELL:
            count(self.counters, f"unknown side {int(side)}")
            side = UNKNOWN
        if trade_type < 1 or trade_type > FILL_BLOCK_TRADE:
            count(self.counters, f"unknown fill type {int(trade_type)}")
            trade_type = UNKNOWN
        market = self._need_market(data, end)
        at: i64 = end + 1 + data[end]
        # The id's text is absent before version 2 and in the short layout of version 2.
        trade_id = "" if at == len(data) else read_text(data, at, "trade id")
        if not trade_id:
            trade_id = derive_trade_id(data)
        return (
            KIND_TRADE,
            market,
            trade_id,
            int(side),
            int(price),
            int(size),
            int(trade_type),
            int(seq_no),
            int(ts_event),
        )

    def _decode_bbo(self, data: bytes, end: i64) -> BboTuple:
        need_block(end, BBO_BLOCK_BYTES)
        bid_price = read_i64(data, 24)
        bid_size = read_i64(data, 32)
        ask_price = read_i64(data, 40)
        ask_size = read_i64(data, 48)
        has_bid = has_level(bid_price, bid_size)
        has_ask = has_level(ask_price, ask_size)
        return (
            KIND_BBO,
            self._need_market(data, end),
            int(read_i64(data, 16)),
            int(bid_price) if has_bid else None,
            int(bid_size) if has_bid else None,
            int(ask_price) if has_ask else None,
            int(ask_size) if has_ask else None,
            int(read_time(data, 8)),
        )

    def _decode_book(self, data: bytes, end: i64) -> BookTuple:
        need_block(end, BOOK_BLOCK_BYTES)
        package: i64 = data[24]
        if package != PACKAGE_SNAPSHOT and package != PACKAGE_DELTA:
            raise MalformedMessage("package", str(int(package)))
        asks_at = group_end(data, end, LEVEL_BYTES)
        market_at = group_end(data, asks_at, LEVEL_BYTES)
        return (
            KIND_BOOK,
            self._need_market(data, market_at),
            int(read_i64(data, 16)),
            package == PACKAGE_SNAPSHOT,
            self._read_levels(data, end),
            self._read_levels(data, asks_at),
            int(read_time(data, 8)),
        )

    def _read_levels(self, data: bytes, at: i64) -> tuple[int, ...]:
        """Return the flat levels of the group at ``at``, which lies inside the frame."""
        entry_bytes = read_u16(data, at)
        levels = int(read_u16(data, at + 2))
        if levels == 0:
            return ()
        first: i64 = at + GROUP_HEADER_BYTES
        end: i64 = first + levels * entry_bytes
        entry: i64 = first
        while entry < end:
            # The highest byte holds the sign; a null is negative too.
            if data[entry + 7] >= 128 or data[entry + 15] >= 128:
                raise MalformedMessage("level")
            entry += entry_bytes
        found: tuple[int, ...]
        if entry_bytes == LEVEL_BYTES:
            found = self._need_struct(levels).unpack_from(data, int(first))
        else:
            # A later version appended to the entries; what it added is skipped.
            layout = f"2q{int(entry_bytes) - LEVEL_BYTES}x"
            found = struct.unpack_from("<" + layout * levels, data, int(first))
        return found

    def _need_struct(self, levels: int) -> struct.Struct:
        """Return the unpacker of ``levels`` prices and sizes."""
        unpacker = self._structs.get(levels)
        if unpacker is None:
            unpacker = struct.Struct(f"<{2 * levels}q")
            if len(self._structs) >= STRUCTS_CACHED_MAX:
                self._structs.clear()
            self._structs[levels] = unpacker
        return unpacker

    def _need_market(self, data: bytes, at: i64) -> str:
        """Return the market's name at ``at``, decoded once for all the frames that carry it."""
        raw = data[at + 1 : text_end(data, at, "market")]
        market = self._markets.get(raw)
        if market is None:
            market = decode_text(raw, "market")
            if not market:
                raise MissingField("market")
            if len(self._markets) >= MARKETS_CACHED_MAX:
                self._markets.clear()
            self._markets[raw] = market
        return market


def derive_trade_id(data: bytes) -> str:
    """Return an id for a trade whose frame names none, the same for every copy of the frame.

    The 64-bit trade id of the block is the truncated low half of the real one and must not stand
    alone. The result is 36 hex digits, all that a Nautilus `TradeId` holds: the bytes, as on the
    wire, of the creation time (the lowest 7), of the book's sequence number (the lowest 3) and of
    the trade id (all 8).
    """
    return (data[49:56] + data[16:19] + data[24:32]).hex()
