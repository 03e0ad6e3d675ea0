"""The names of the channels, and who may have them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Protocol

from paradex_adapter.local_exchange.accounts import Account
from paradex_adapter.local_exchange.errors import INVALID_REQUEST, NOT_AUTHENTICATED, RpcError
from paradex_adapter.local_exchange.markets import Market

CHANNEL_LENGTH_MAX: Final = 128
ALL: Final = "ALL"

#: Channel families by whether a market follows the name: always, sometimes or never.
PUBLIC: Final = {"bbo": True, "trades": True, "markets_summary": None, "funding_data": None}
PRIVATE: Final = {"orders": True, "fills": True, "positions": False, "account": False}
#: Taken, and silent: nothing of the kind happens here.
SILENT_PUBLIC: Final = {"markets": None}
SILENT_PRIVATE: Final = {
    "funding_payments": True,
    "balance_events": False,
    "tradebusts": False,
    "transaction": False,
    "transfers": False,
}
BOOK: Final = "order_book"
#: The best 15 levels at a fixed rate, aggregated to a price step where one is named.
BOOK_TOP: Final = "order_book_top"
BOOK_TOP_LEVELS: Final = 15
_TICKS: Final = (
    *("0_0000001", "0_0000005", "0_000001", "0_00001", "0_0001", "0_001", "0_01", "0_1"),
    *("1", "10", "100"),
)
_TOP: Final = re.compile(rf"snapshot@15@(50|100)ms(?:@({'|'.join(_TICKS)}))?")


class Subscriber(Protocol):
    """A connection as the feed sees it."""

    sbe_version: int | None
    account: Account | None

    def send(self, data: str | bytes) -> None:
        """Queue one text or binary frame."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel a connection may listen to; interval and tick belong to the top of the book."""

    name: str
    family: str
    market: str
    account: str = ""
    interval_ms: int = 0
    tick: Decimal | None = None


def parse_channel(name: object, subscriber: Subscriber, markets: Mapping[str, Market]) -> Channel:
    """Read a channel name for a connection.

    Raises
    ------
    RpcError
        When the channel does not exist, or this connection may not have it.
    """
    if not isinstance(name, str) or not 0 < len(name) <= CHANNEL_LENGTH_MAX:
        raise _invalid("invalid channel")
    family, _, rest = name.partition(".")
    if family == BOOK:
        channel = _book_channel(name, rest, markets)
    else:
        families = {**PUBLIC, **PRIVATE, **SILENT_PUBLIC, **SILENT_PRIVATE}
        if family not in families or not _is_market_right(families[family], rest, markets):
            raise _invalid("invalid channel")
        channel = Channel(name, family, rest or ALL)
    if family in PUBLIC or family == BOOK:
        if subscriber.sbe_version is None:
            raise _invalid("public channels are served as SBE only")
        return channel
    if family in SILENT_PUBLIC:
        return channel
    if subscriber.account is None:
        raise RpcError(NOT_AUTHENTICATED, "Permission denied", "authentication required")
    return Channel(name, family, channel.market, subscriber.account.address)


def _book_channel(name: str, rest: str, markets: Mapping[str, Market]) -> Channel:
    market, _, kind = rest.rpartition(".")
    if kind.startswith("deltas@"):
        raise _invalid("no parameters expected for deltas topic.")
    top = _TOP.fullmatch(kind)
    if market not in markets or not (kind == "deltas" or top):
        raise _invalid("invalid channel")
    if top is None:
        return Channel(name, BOOK, market)
    tick = Decimal(top[2].replace("_", ".")) if top[2] else None
    return Channel(name, BOOK_TOP, market, interval_ms=int(top[1]), tick=tick)


def _is_market_right(takes: bool | None, market: str, markets: Mapping[str, Market]) -> bool:
    if not market:
        return not takes
    return takes is not False and (market == ALL or market in markets)


def _invalid(why: str) -> RpcError:
    return RpcError(INVALID_REQUEST, "invalid subscribe request", why)
