"""The names of the channels, and who may have them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Protocol

from paradex_adapter.local_exchange.accounts import Account
from paradex_adapter.local_exchange.errors import INVALID_REQUEST, NOT_AUTHENTICATED, RpcError
from paradex_adapter.local_exchange.markets import Market

CHANNEL_LENGTH_MAX: Final = 128
ALL: Final = "ALL"
#: In place of a market: the ones a subscription names, and the options of a base asset.
SCOPED: Final = "SCOPED"
BASE_ASSET: Final = "BASE_ASSET:"
SCOPE_MAX: Final = 5000
SUMMARY: Final = "markets_summary"
#: Families that may be asked for by base asset.
BY_BASE_ASSET: Final = ("bbo", "trades")
COMPARISON: Final = "funding_rate_comparison"

#: Channel families by whether a market follows the name: always, sometimes or never.
PUBLIC: Final = {"bbo": True, "trades": True, "markets_summary": None, "funding_data": None}
PRIVATE: Final = {"orders": True, "fills": True, "positions": False, "account": False}
#: Private and without a binary form.
PRIVATE_JSON: Final = {
    "funding_payments": True,
    "balance_events": False,
    "tradebusts": False,
    "transfers": False,
    "mmp": False,
}
#: Public, and JSON on every connection: it has no binary form.
MARKET_EVENTS: Final = "markets"
PUBLIC_JSON: Final = {MARKET_EVENTS: None}
#: Taken, and silent: nothing of the kind happens here.
SILENT_PRIVATE: Final = {"transaction": False}
BOOK: Final = "order_book"
BBO: Final = "bbo"
#: The best 15 levels at a fixed rate, aggregated to a price step where one is named.
BOOK_TOP: Final = "order_book_top"
BOOK_TOP_LEVELS: Final = 15
_TICKS: Final = (
    *("0_0000001", "0_0000005", "0_000001", "0_00001", "0_0001", "0_001", "0_01", "0_1"),
    *("1", "10", "100"),
)
_TOP: Final = re.compile(rf"(snapshot|interactive)@15@(50|100|200|400)ms(?:@({'|'.join(_TICKS)}))?")
_SNAPSHOT_RATES: Final = ("50", "100")
#: Books and best prices with the liquidity for retail takers. Here RPI orders are not shown in them
#: either, so they show the same; the frames of the books tell a little more.
INTERACTIVE: Final = {
    BOOK: "interactive_order_book",
    BOOK_TOP: "interactive_order_book_top",
    BBO: "interactive_bbo",
}
_COMPARISON: Final = re.compile(rf"{COMPARISON}\.ALL@(500|1000)ms")


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
    comparison = _COMPARISON.fullmatch(name)
    if family == BOOK:
        channel = _book_channel(name, rest, markets)
    elif family == BBO and is_listed(rest.removesuffix(".interactive"), markets):
        is_interactive = rest.endswith(".interactive")
        shown = INTERACTIVE[BBO] if is_interactive else BBO
        channel = Channel(name, shown, rest.removesuffix(".interactive"))
    elif comparison:
        channel = Channel(name, COMPARISON, ALL, interval_ms=int(comparison[1]))
    else:
        families = {**PUBLIC, **PRIVATE, **PRIVATE_JSON, **PUBLIC_JSON, **SILENT_PRIVATE}
        if family not in families or not _is_market_right(families[family], rest, markets):
            raise _invalid("invalid channel")
        channel = Channel(name, family, rest or ALL)
    if family in PUBLIC or family in (BOOK, COMPARISON):
        if subscriber.sbe_version is None:
            raise _invalid("public channels are served as SBE only")
        return channel
    if family in PUBLIC_JSON:
        return channel
    if subscriber.account is None:
        raise RpcError(NOT_AUTHENTICATED, "Permission denied", "authentication required")
    return Channel(name, family, channel.market, subscriber.account.address)


def parse_subscription(
    params: Mapping[str, object], subscriber: Subscriber, markets: Mapping[str, Market]
) -> tuple[Channel, set[str] | None]:
    """Read what a connection subscribes to, and the markets it is limited to where it names them.

    Raises
    ------
    RpcError
        As `parse_channel`.
    """
    name, base = params.get("channel"), params.get("base_asset")
    if name == SUMMARY and "markets" in params:
        whole = parse_channel(name, subscriber, markets)
        scope = parse_scope(params["markets"], markets)
        return Channel(whole.name, SUMMARY, SCOPED), scope
    if name in BY_BASE_ASSET and isinstance(base, str):
        if not any(is_option_of(base, symbol) for symbol in markets):
            raise _invalid("invalid base_asset")
        parse_channel(f"{name}.{ALL}", subscriber, markets)
        return Channel(str(name), str(name), BASE_ASSET + base), None
    return parse_channel(name, subscriber, markets), None


def parse_scope(symbols: object, markets: Mapping[str, Market]) -> set[str]:
    """Read an array of markets.

    Raises
    ------
    RpcError
        When it is anything else, or names a market that does not exist.
    """
    if not isinstance(symbols, list) or len(symbols) > SCOPE_MAX:
        raise _invalid("markets: expected an array")
    if not all(isinstance(symbol, str) and is_listed(symbol, markets) for symbol in symbols):
        raise _invalid("markets: invalid market")
    return set(symbols)


def is_option_of(base: str, symbol: str) -> bool:
    """Return whether a market is an option on a base asset."""
    return symbol.startswith(f"{base}-") and symbol.endswith(("-C", "-P"))


def subscription_keys(family: str, symbol: str) -> Iterable[str]:
    """Return what subscriptions hear of a market stand under: itself, all, its base asset."""
    yield symbol
    yield ALL
    base = symbol.partition("-")[0]
    if family in BY_BASE_ASSET and is_option_of(base, symbol):
        yield BASE_ASSET + base


def _book_channel(name: str, rest: str, markets: Mapping[str, Market]) -> Channel:
    market, _, kind = rest.rpartition(".")
    if kind.startswith("deltas@"):
        raise _invalid("no parameters expected for deltas topic.")
    top = _TOP.fullmatch(kind)
    if not is_listed(market, markets) or not (kind in ("deltas", "interactive_deltas") or top):
        raise _invalid("invalid channel")
    if top is None:
        family = BOOK if kind == "deltas" else INTERACTIVE[BOOK]
        return Channel(name, family, market)
    is_snapshot = top[1] == "snapshot"
    if is_snapshot and top[2] not in _SNAPSHOT_RATES:
        raise _invalid("invalid channel")
    family = BOOK_TOP if is_snapshot else INTERACTIVE[BOOK_TOP]
    tick = Decimal(top[3].replace("_", ".")) if top[3] else None
    return Channel(name, family, market, interval_ms=int(top[2]), tick=tick)


def _is_market_right(takes: bool | None, market: str, markets: Mapping[str, Market]) -> bool:
    if not market:
        return not takes
    return takes is not False and (market == ALL or is_listed(market, markets))


def is_listed(market: str, markets: Mapping[str, Market]) -> bool:
    """Return whether there is such a market, still."""
    return market in markets and markets[market].is_listed


def _invalid(why: str) -> RpcError:
    return RpcError(INVALID_REQUEST, "invalid subscribe request", why)
