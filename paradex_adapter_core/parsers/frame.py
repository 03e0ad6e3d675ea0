"""One websocket frame in, one message out; whatever cannot be read is counted, never raised.

Text frames are JSON-RPC 2.0: pushes (method ``subscription``) and answers to our requests. The
names of channels are ``kind``, ``kind.market`` or longer; the market stands in the data as well.
"""

from typing import Final, final

import orjson

from paradex_adapter_core.errors import MalformedMessage, MissingField
from paradex_adapter_core.messages.connection import OtherPush, RpcError, RpcResult
from paradex_adapter_core.messages.frame import Message
from paradex_adapter_core.parsers.account import (
    read_account,
    read_fill,
    read_funding_payment,
    read_order,
    read_position,
    read_trade_bust,
)
from paradex_adapter_core.parsers.counters import count
from paradex_adapter_core.parsers.fields import (
    Row,
    as_plain_text,
    as_row,
    find_row,
    load_json,
    need_text,
)
from paradex_adapter_core.parsers.market_data import (
    read_bbo,
    read_book_update,
    read_funding_data,
    read_funding_rate_comparison,
    read_trade,
)
from paradex_adapter_core.parsers.markets import read_market_summary
from paradex_adapter_core.parsers.sbe import FRAME_BYTES_MAX, SbeDecoder
from paradex_adapter_core.vocabulary import FEED_STREAM

REQUEST_ID_DIGITS_MAX: Final = 18
NO_REQUEST_ID: Final = -1


@final
class FrameParser:
    """Parser of the frames of one websocket connection.

    ``counters`` tells what was skipped or unknown, by kind; the number of kinds is bounded.
    """

    def __init__(self) -> None:
        self.counters: Final[dict[str, int]] = {}
        self._decoder: Final = SbeDecoder(self.counters)

    def parse_binary(self, data: bytes) -> Message | None:
        """Decode a binary frame; None when it was skipped and counted."""
        return self._decoder.decode(data)

    def parse_text(self, data: bytes | str) -> Message | None:
        """Parse a JSON text frame; None when it was skipped and counted."""
        kind = "frame"
        try:
            row = as_row(load_json(data, FRAME_BYTES_MAX), "body")
            if row.get("method") != "subscription":
                return read_answer(row)
            params = find_row(row, "params")
            channel = need_text(params, "channel")
            kind = channel.partition(".")[0]
            return self._read_push(kind, channel, params.get("data"))
        except MalformedMessage as error:
            count(self.counters, f"malformed {kind}: {error.describe()} {error.field}")
            return None

    def _read_push(self, kind: str, channel: str, value: object) -> Message:
        if kind == "orders":
            return read_order(as_row(value, "data"), FEED_STREAM, self.counters)
        if kind == "fills":
            return read_fill(as_row(value, "data"), self.counters)
        if kind == "positions":
            return read_position(as_row(value, "data"), FEED_STREAM, self.counters)
        if kind == "account":
            return read_account(as_row(value, "data"), FEED_STREAM)
        if kind == "order_book":
            return read_book_update(as_row(value, "data"))
        if kind == "bbo":
            return read_bbo(as_row(value, "data"))
        if kind == "trades":
            return read_trade(as_row(value, "data"), self.counters)
        if kind == "markets_summary":
            return read_market_summary(as_row(value, "data"), self.counters)
        if kind == "funding_data":
            return read_funding_data(as_row(value, "data"), self.counters)
        if kind == "funding_rate_comparison":
            return read_funding_rate_comparison(as_row(value, "data"), self.counters)
        if kind == "funding_payments":
            return read_funding_payment(as_row(value, "data"), self.counters)
        if kind == "tradebusts":
            return read_trade_bust(as_row(value, "data"), self.counters)
        return OtherPush(channel, orjson.dumps(value))


def read_answer(row: Row) -> RpcResult | RpcError:
    """Read the answer to a request; one the venue could not read is answered without an id."""
    request_id = as_request_id(row.get("id"))
    if row.get("error") is not None:
        error = as_row(row["error"], "error")
        code = error.get("code")
        return RpcError(
            request_id,
            code if isinstance(code, int) else 0,
            as_plain_text(error.get("message")),
            as_plain_text(error.get("data")),
        )
    if "result" not in row:
        raise MissingField("result")
    return RpcResult(request_id, orjson.dumps(row["result"]))


def as_request_id(value: object) -> int:
    """Return the id of our request, which the venue may echo as text."""
    if isinstance(value, int):
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value) if len(value) <= REQUEST_ID_DIGITS_MAX else NO_REQUEST_ID
    return NO_REQUEST_ID
