"""Which addresses a websocket can be opened with; the errors name the option to change."""

import importlib.util
from typing import Final
from urllib.parse import urlsplit

from paradex_adapter.venue.errors import ConfigurationError

PROXY_SCHEMES: Final = frozenset(["http", "https", "socks4", "socks5"])


def need_base_url(base_url: str) -> str:
    """Return `base_url` when it is a websocket address without a query.

    Raises
    ------
    ConfigurationError
        It is not.
    """
    try:
        parts = urlsplit(base_url)
        is_complete = (
            parts.scheme in ("ws", "wss")
            and bool(parts.hostname)
            and not parts.query
            and not parts.fragment
            and parts.username is None
            and (parts.port is None or parts.port > 0)
        )
    except ValueError:
        is_complete = False
    if not is_complete:
        raise ConfigurationError(
            "base_url_ws",
            "it must be a websocket address without a query, such as "
            "wss://ws.api.prod.paradex.trade/v1",
        )
    return base_url


def need_proxy_url(proxy_url: str) -> str:
    """Return `proxy_url` when the transports can go through it.

    Raises
    ------
    ConfigurationError
        Its scheme is none of `PROXY_SCHEMES`, it names no host, or SOCKS needs another package.
    """
    try:
        parts = urlsplit(proxy_url)
        is_complete = parts.scheme in PROXY_SCHEMES and bool(parts.hostname)
    except ValueError:
        is_complete = False
    if not is_complete:
        raise ConfigurationError(
            "proxy_url",
            "the websocket needs a proxy of the form http://host:port, https://host:port or "
            "socks5://host:port",
        )
    if parts.scheme.startswith("socks") and importlib.util.find_spec("python_socks") is None:
        raise ConfigurationError(
            "proxy_url", "a SOCKS proxy needs the package python-socks installed"
        )
    return proxy_url
