"""The fast transport, on `picows`; see `transports`. Imported only when picows is installed."""

import asyncio
import contextlib
from typing import Final

import picows
from python_socks import ProxyError

from paradex_adapter.venue.errors import (
    ConfigurationError,
    NotSent,
    VenueUnavailable,
    excerpt,
)
from paradex_adapter.venue.transports import (
    CLOSE_TIMEOUT_SECS,
    MESSAGE_BYTES_MAX,
    OPEN_TIMEOUT_SECS,
    PING_INTERVAL_SECS,
    PING_TIMEOUT_SECS,
    FrameListener,
    Transport,
    UpgradeRefused,
    describe_failure,
    library_log,
    tls_context,
)

TEXT: Final = picows.WSMsgType.TEXT
BINARY: Final = picows.WSMsgType.BINARY
CONTINUATION: Final = picows.WSMsgType.CONTINUATION
CLOSE: Final = picows.WSMsgType.CLOSE


async def open_picows(url: str, listener: FrameListener, proxy_url: str | None) -> Transport:
    """Connect through `picows`; arguments and errors as `transports.open_transport`."""
    adapter = PicowsListener(listener)
    wire: picows.WSTransport | None = None
    try:
        async with asyncio.timeout(OPEN_TIMEOUT_SECS):
            wire, _ = await picows.ws_connect(
                lambda: adapter,
                url,
                ssl_context=tls_context(url),
                proxy=proxy_url,
                logger_name=library_log,
                websocket_handshake_timeout=OPEN_TIMEOUT_SECS,
                enable_auto_ping=True,
                auto_ping_idle_timeout=PING_INTERVAL_SECS,
                auto_ping_reply_timeout=PING_TIMEOUT_SECS,
                enable_auto_pong=True,
                max_frame_size=MESSAGE_BYTES_MAX,
            )
    except picows.WSInvalidStatusError as e:
        raise UpgradeRefused(0 if e.response is None else int(e.response.status)) from None
    except picows.WSInvalidURL:
        raise ConfigurationError("base_url_ws", "it is not a websocket address") from None
    except TimeoutError:
        raise VenueUnavailable("connect", f"no answer in {OPEN_TIMEOUT_SECS:.0f} s") from None
    except (picows.WSError, ProxyError, OSError) as e:
        raise VenueUnavailable("connect", describe_failure(e)) from None
    finally:
        if wire is None and adapter.wire is not None:
            # Given up just when the handshake was over.
            adapter.wire.disconnect(graceful=False)
    return PicowsTransport(wire, adapter)


class PicowsListener(picows.WSListener):
    """Turns frames into whole messages."""

    def __init__(self, listener: FrameListener) -> None:
        self.on_text = listener.on_text
        self.on_binary = listener.on_binary
        self.on_closed = listener.on_closed
        self.reason = "connection lost"
        self.wire: picows.WSTransport | None = None
        self._parts: list[bytes] = []
        self._parts_bytes = 0
        self._parts_kind = BINARY

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        """Remember the wire, in case the opener has given up."""
        self.wire = transport

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """Deliver one frame; called for each one in the read buffer."""
        kind = frame.msg_type
        if frame.fin and kind == BINARY:
            self.on_binary(frame.get_payload_as_bytes())
        elif frame.fin and kind == TEXT:
            self.on_text(frame.get_payload_as_bytes())
        elif kind == CLOSE:
            code = frame.get_close_code()
            text = frame.get_close_reason() or ""
            self.reason = excerpt(f"closed by the venue with {int(code.value)} {text}")
            transport.send_close(code)
            transport.disconnect()
        elif kind in (TEXT, BINARY, CONTINUATION):
            self._collect(transport, frame)

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        """Tell the end."""
        self.on_closed(self.reason)

    def _collect(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """Take one part of a fragmented message."""
        if frame.msg_type != CONTINUATION:
            self._parts.clear()
            self._parts_bytes = 0
            self._parts_kind = frame.msg_type
        part = frame.get_payload_as_bytes()
        self._parts_bytes += len(part)
        if self._parts_bytes > MESSAGE_BYTES_MAX:
            self.reason = "closed here: message too big"
            self._parts.clear()
            transport.send_close(picows.WSCloseCode.MESSAGE_TOO_BIG)
            transport.disconnect()
            return
        self._parts.append(part)
        if frame.fin:
            whole = b"".join(self._parts)
            self._parts.clear()
            if self._parts_kind == BINARY:
                self.on_binary(whole)
            else:
                self.on_text(whole)


class PicowsTransport:
    """A `Transport` on picows. It offers no compression."""

    def __init__(self, wire: picows.WSTransport, adapter: PicowsListener) -> None:
        self._wire = wire
        self._adapter = adapter

    async def send(self, text: bytes) -> None:
        """Send one text frame; see `Transport.send`."""
        wire = self._wire
        # picows drops what is sent on a closing socket without a word.
        if (
            wire.is_disconnected
            or wire.is_close_frame_sent
            or wire.underlying_transport.is_closing()
        ):
            raise NotSent("send", "the connection is down")
        wire.send(TEXT, text)

    async def close(self) -> None:
        """Close; see `Transport.close`."""
        wire = self._wire
        if not wire.is_disconnected:
            self._adapter.reason = "closed here"
            wire.send_close(picows.WSCloseCode.OK)
            wire.disconnect()
        # It raises what ended the connection, such as a frame too big: that is in the log already.
        with contextlib.suppress(picows.WSError):
            try:
                async with asyncio.timeout(CLOSE_TIMEOUT_SECS):
                    await wire.wait_disconnected()
            except TimeoutError:
                wire.underlying_transport.abort()
                await wire.wait_disconnected()
