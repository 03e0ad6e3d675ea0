"""Two websocket transports behind one interface: `picows` when installed, else `websockets`.

A transport carries frames and nothing else: it answers the venue's pings, sends its own, bounds
what it receives and says when it ended. Frames go to the listener from inside the transport's own
wake-up, all that are buffered in one go; there is no queue and no task per frame.

::

    open_transport(url, listener, ...) -> Transport
        Transport.send(text)            one text frame
        Transport.close()               closing handshake, bounded in time
        listener.on_text / on_binary    one whole message each
        listener.on_closed(reason)      once, after the last message
"""

import asyncio
import importlib.util
import logging
import ssl
from typing import Final, Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidProxy,
    InvalidStatus,
    InvalidURI,
)
from websockets.protocol import State

from paradex_adapter.venue.errors import (
    ConfigurationError,
    NotSent,
    OutcomeUnknown,
    VenueUnavailable,
    excerpt,
)
from paradex_adapter.venue.websocket_addresses import need_proxy_url

# A full book snapshot of 65535 levels a side, the most a frame can declare, takes 2.1 MB.
MESSAGE_BYTES_MAX: Final = 4 * 1024 * 1024
OPEN_TIMEOUT_SECS: Final = 10.0
CLOSE_TIMEOUT_SECS: Final = 2.0
# The venue pings each 55 s and answers our pings: a dead peer is found within 40 s.
PING_INTERVAL_SECS: Final = 20.0
PING_TIMEOUT_SECS: Final = 20.0

# The library's own lines at "info" are for its developers.
library_log = logging.getLogger("paradex_adapter.venue.transports.websockets")
library_log.setLevel(logging.WARNING)


class FrameListener(Protocol):
    """Whom a transport tells what arrived."""

    def on_text(self, data: bytes | str) -> None:
        """Take one whole text message."""

    def on_binary(self, data: bytes) -> None:
        """Take one whole binary message."""

    def on_closed(self, reason: str) -> None:
        """Take the end of the connection; nothing follows."""


class Transport(Protocol):
    """One open websocket."""

    async def send(self, text: bytes) -> None:
        """Send one text frame.

        Raises
        ------
        NotSent
            The connection was down before anything was written.
        OutcomeUnknown
            The connection broke while the frame was written.
        """

    async def close(self) -> None:
        """Close, within about `CLOSE_TIMEOUT_SECS`; `on_closed` was called when this returns."""


class UpgradeRefused(Exception):
    """The venue answered the websocket handshake with another status than 101.

    Parameters
    ----------
    status : int
        The HTTP status.
    """

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status: Final = status

    def __str__(self) -> str:
        return f"the venue refused the websocket handshake with HTTP {self.status}"


def has_picows() -> bool:
    """Return whether the fast transport is installed."""
    return importlib.util.find_spec("picows") is not None


def tls_context(url: str) -> ssl.SSLContext | None:
    """Return a context that verifies certificate and host name for ``wss``, none for ``ws``."""
    return ssl.create_default_context() if url.startswith("wss:") else None


async def open_transport(
    url: str, listener: FrameListener, *, proxy_url: str | None, prefer_picows: bool
) -> Transport:
    """Connect to `url` and return the open transport.

    Raises
    ------
    UpgradeRefused
        The venue answered the handshake with an HTTP error.
    ConfigurationError
        The address or the proxy cannot be used.
    VenueUnavailable
        No connection came about within `OPEN_TIMEOUT_SECS`.
    """
    if proxy_url is not None:
        need_proxy_url(proxy_url)
    if prefer_picows and has_picows():
        from paradex_adapter.venue.picows_transport import open_picows

        return await open_picows(url, listener, proxy_url)
    return await open_websockets(url, listener, proxy_url)


async def open_websockets(url: str, listener: FrameListener, proxy_url: str | None) -> Transport:
    """Connect through the `websockets` library; arguments and errors as `open_transport`."""
    try:
        connection = await connect(
            url,
            # Not the default, which would take a proxy from the environment.
            proxy=proxy_url,
            ssl=tls_context(url),
            logger=library_log,
            open_timeout=OPEN_TIMEOUT_SECS,
            close_timeout=CLOSE_TIMEOUT_SECS,
            ping_interval=PING_INTERVAL_SECS,
            ping_timeout=PING_TIMEOUT_SECS,
            max_size=MESSAGE_BYTES_MAX,
        )
    except InvalidStatus as e:
        raise UpgradeRefused(e.response.status_code) from None
    except InvalidURI:
        raise ConfigurationError("base_url_ws", "it is not a websocket address") from None
    except InvalidProxy:
        raise ConfigurationError("proxy_url", "it is not a proxy address") from None
    except TimeoutError:
        raise VenueUnavailable("connect", f"no answer in {OPEN_TIMEOUT_SECS:.0f} s") from None
    except (InvalidHandshake, OSError, EOFError) as e:
        raise VenueUnavailable("connect", describe_failure(e)) from None
    return WebsocketsTransport(connection, listener)


def describe_failure(error: BaseException) -> str:
    """Return what went wrong in one line; never an address, which may hold a proxy's password."""
    return excerpt(
        f"{type(error).__name__}: {error}"
        if isinstance(error, OSError)
        else repr(type(error).__name__)
    )


class WebsocketsTransport:
    """A `Transport` on the `websockets` library. Compression is negotiated (permessage-deflate)."""

    def __init__(self, connection: ClientConnection, listener: FrameListener) -> None:
        self._connection = connection
        self._listener = listener
        self._reader = asyncio.create_task(self._read(), name="paradex-websocket-reader")

    async def send(self, text: bytes) -> None:
        """Send one text frame; see `Transport.send`."""
        if self._connection.state is not State.OPEN:
            raise NotSent("send", "the connection is down")
        try:
            await self._connection.send(text, text=True)
        except ConnectionClosed:
            raise OutcomeUnknown("send", "the connection broke") from None

    async def close(self) -> None:
        """Close; see `Transport.close`."""
        await self._connection.close()
        await asyncio.wait([self._reader])

    async def _read(self) -> None:
        listener = self._listener
        receive = self._connection.recv
        reason = "closed"
        try:
            while True:
                # Frames that are already here are returned without a trip through the event loop.
                data = await receive()
                if isinstance(data, bytes):
                    listener.on_binary(data)
                else:
                    listener.on_text(data)
        except ConnectionClosed as e:
            reason = _closing_words(e)
        finally:
            listener.on_closed(reason)


def _closing_words(closed: ConnectionClosed) -> str:
    """Return who closed and why, from the closing frames."""
    if closed.rcvd is not None:
        return excerpt(f"closed by the venue with {closed.rcvd.code} {closed.rcvd.reason}")
    if closed.sent is not None:
        return excerpt(f"closed here with {closed.sent.code} {closed.sent.reason}")
    return "connection lost"
