"""Who listens to which channel, and what each of them is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Protocol

import orjson

from paradex_adapter.local_exchange import frames, sbe
from paradex_adapter.local_exchange.accounts import Account, Fill
from paradex_adapter.local_exchange.amounts import ZERO, average
from paradex_adapter.local_exchange.book import BookChange
from paradex_adapter.local_exchange.errors import INVALID_REQUEST, NOT_AUTHENTICATED, RpcError
from paradex_adapter.local_exchange.markets import Market, Trade
from paradex_adapter.local_exchange.options import Options
from paradex_adapter.local_exchange.orders import Order
from paradex_adapter.local_exchange.positions import Position
from paradex_adapter.local_exchange.sequences import Clock

CHANNEL_LENGTH_MAX: Final = 128
ALL: Final = "ALL"
DELTAS: Final = "order_book.deltas"

#: Channel families by whether a market follows the name: always, sometimes or never.
PUBLIC: Final = {"bbo": True, "trades": True, "markets_summary": None, "funding_data": None}
PRIVATE: Final = {"orders": True, "fills": True, "positions": False, "account": False}
#: Channels of the best levels, sent whole: what follows the market's name, and their interval.
SNAPSHOTS_MS: Final = {"snapshot@15@50ms": 50, "snapshot@15@100ms": 100}
SNAPSHOT_DEPTH: Final = 15
#: Taken, and silent: nothing of the kind happens here.
SILENT_PUBLIC: Final = {"markets": None}
SILENT_PRIVATE: Final = {
    "funding_payments": True,
    "balance_events": False,
    "tradebusts": False,
    "transaction": False,
    "transfers": False,
}


class Subscriber(Protocol):
    """A connection as the feed sees it."""

    sbe_version: int | None
    account: Account | None

    def send(self, data: str | bytes) -> None:
        """Queue one text or binary frame."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel a connection may listen to."""

    name: str
    family: str
    market: str
    account: str = ""


Key = tuple[str, str, str]


def _invalid(why: str) -> RpcError:
    return RpcError(INVALID_REQUEST, "invalid subscribe request", why)


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
    if family == "order_book":
        market, _, kind = rest.rpartition(".")
        if kind.startswith("deltas@"):
            raise _invalid("no parameters expected for deltas topic.")
        if (kind != "deltas" and kind not in SNAPSHOTS_MS) or market not in markets:
            raise _invalid("invalid channel")
        return _public(name, f"{family}.{kind}", market, subscriber)
    families = {**PUBLIC, **PRIVATE, **SILENT_PUBLIC, **SILENT_PRIVATE}
    if family not in families or not _is_market_right(families[family], rest, markets):
        raise _invalid("invalid channel")
    if family in PUBLIC:
        return _public(name, family, rest or ALL, subscriber)
    if family in SILENT_PUBLIC:
        return Channel(name, family, rest or ALL)
    if subscriber.account is None:
        raise RpcError(NOT_AUTHENTICATED, "Permission denied", "authentication required")
    return Channel(name, family, rest or ALL, subscriber.account.address)


def _is_market_right(takes: bool | None, market: str, markets: Mapping[str, Market]) -> bool:
    if not market:
        return not takes
    return takes is not False and (market == ALL or market in markets)


def _public(name: str, family: str, market: str, subscriber: Subscriber) -> Channel:
    if subscriber.sbe_version is None:
        raise _invalid("public channels are served as SBE only")
    return Channel(name, family, market)


class Feed:
    """Sends every event to those who subscribed to it, encoded once per form."""

    def __init__(self, markets: dict[str, Market], clock: Clock, options: Options) -> None:
        self._markets = markets
        self._clock = clock
        self._options = options
        self._subscribers: dict[Key, dict[Subscriber, str]] = {}
        self._skipped: set[str] = set()
        self._scheduled: set[Key] = set()
        self._is_fill_doubled = False
        self.open_interest: Callable[[str], Decimal] = lambda _symbol: ZERO
        self.margin_markets = markets

    # --- Subscriptions ------------------------------------------------------------------------

    def is_subscribed(self, subscriber: Subscriber, channel: Channel) -> bool:
        """Return whether a connection has a channel."""
        return subscriber in self._subscribers.get(_key(channel), {})

    def subscribe(self, subscriber: Subscriber, channel: Channel) -> None:
        """Add a listener and send it what the channel begins with."""
        self._subscribers.setdefault(_key(channel), {})[subscriber] = channel.name
        version = subscriber.sbe_version
        if version is None or channel.market == ALL:
            return
        now_us = self._clock.now_us()
        if channel.family.startswith("order_book."):
            depth = None if channel.family == DELTAS else SNAPSHOT_DEPTH
            self._send_frame(
                subscriber, frames.snapshot_frame(self._markets[channel.market], now_us, depth)
            )
        elif channel.family == "bbo":
            self._send_frame(subscriber, frames.bbo_frame(self._markets[channel.market], now_us))

    def unsubscribe(self, subscriber: Subscriber, channel: Channel) -> None:
        """Remove a listener from a channel."""
        self._subscribers.get(_key(channel), {}).pop(subscriber, None)

    def forget(self, subscriber: Subscriber) -> None:
        """Remove a listener from everything."""
        for subscribers in self._subscribers.values():
            subscribers.pop(subscriber, None)

    # --- Faults -------------------------------------------------------------------------------

    def skip_next_delta(self, market: str) -> None:
        """Lose the next delta of a market."""
        self._skipped.add(market)

    def double_next_fill(self) -> None:
        """Send the next fill twice."""
        self._is_fill_doubled = True

    # --- Sending ------------------------------------------------------------------------------

    def _send_frame(self, subscriber: Subscriber, frame: frames.Frame) -> None:
        subscriber.send(self._encode(frame, subscriber.sbe_version or 0))

    def _encode(self, frame: frames.Frame, version: int) -> bytes:
        return sbe.encode(frame[0], frame[1], version, long_layout=self._options.long_layout)

    def _public(self, family: str, market: str, make: Callable[[], frames.Frame]) -> None:
        encoded: dict[int, bytes] = {}
        frame: frames.Frame | None = None
        for key in ((family, market, ""), (family, ALL, "")):
            for subscriber in list(self._subscribers.get(key, ())):
                version = subscriber.sbe_version or 0
                if version not in encoded:
                    frame = frame or make()
                    encoded[version] = self._encode(frame, version)
                subscriber.send(encoded[version])

    def _private(
        self,
        family: str,
        market: str,
        account: str,
        response: Callable[[], dict[str, object]],
        make: Callable[[], frames.Frame],
        times: int = 1,
    ) -> None:
        for key in dict.fromkeys(((family, market, account), (family, ALL, account))):
            for subscriber, name in list(self._subscribers.get(key, {}).items()):
                if subscriber.sbe_version is not None and self._options.private_sbe:
                    data: str | bytes = self._encode(make(), subscriber.sbe_version)
                else:
                    data = _push(name, response())
                for _ in range(times):
                    subscriber.send(data)

    # --- Events -------------------------------------------------------------------------------

    def on_trade(self, trade: Trade) -> None:
        """Send a public print."""
        now_us = self._clock.now_us()
        self._public("trades", trade.market, lambda: frames.trade_frame(trade, now_us))

    def on_book(self, market: Market, change: BookChange) -> None:
        """Send a change of a book, and the best prices when they changed."""
        now_us = self._clock.now_us()
        if market.symbol in self._skipped:
            self._skipped.discard(market.symbol)
        else:
            self._public(DELTAS, market.symbol, lambda: frames.delta_frame(market, change, now_us))
        self._schedule_snapshots(market)
        if change.is_best_changed:
            self._public("bbo", market.symbol, lambda: frames.bbo_frame(market, now_us))

    def _schedule_snapshots(self, market: Market) -> None:
        for kind, interval_ms in SNAPSHOTS_MS.items():
            key = (f"order_book.{kind}", market.symbol, "")
            if self._subscribers.get(key) and key not in self._scheduled:
                self._scheduled.add(key)
                asyncio.get_running_loop().call_later(
                    interval_ms / 1000, self._send_snapshot, key, market
                )

    def _send_snapshot(self, key: Key, market: Market) -> None:
        self._scheduled.discard(key)
        now_us = self._clock.now_us()
        self._public(
            key[0], market.symbol, lambda: frames.snapshot_frame(market, now_us, SNAPSHOT_DEPTH)
        )

    def on_summary(self, market: Market) -> None:
        """Send a market's summary."""
        seq, now_us = self._clock.sequence_no(), self._clock.now_us()
        self._public(
            "markets_summary",
            market.symbol,
            lambda: frames.summary_frame(market, self.open_interest(market.symbol), seq, now_us),
        )

    def on_funding(self, market: Market) -> None:
        """Send a market's funding."""
        seq, now_us = self._clock.sequence_no(), self._clock.now_us()
        self._public(
            "funding_data", market.symbol, lambda: frames.funding_frame(market, seq, now_us)
        )

    def on_order(self, order: Order) -> None:
        """Send an order's new state; its sequence differs from the one REST shows."""
        seq, now_us = self._clock.sequence_no(), self._clock.now_us()
        self._private(
            "orders",
            order.market,
            order.account,
            lambda: {**order.response(now_us // 1000), "seq_no": seq},
            lambda: frames.order_frame(order, seq, now_us),
        )

    def on_fill(self, fill: Fill) -> None:
        """Send a fill to the account it belongs to."""
        now_us = self._clock.now_us()
        times = 2 if self._is_fill_doubled and self._has_listener(fill) else 1
        if times > 1:
            self._is_fill_doubled = False
        self._private(
            "fills",
            fill.market,
            fill.account,
            fill.response,
            lambda: frames.fill_frame(fill, now_us),
            times,
        )

    def _has_listener(self, fill: Fill) -> bool:
        keys = (("fills", fill.market, fill.account), ("fills", ALL, fill.account))
        return any(self._subscribers.get(key) for key in keys)

    def on_position(self, account: Account, position: Position) -> None:
        """Send a changed position."""
        seq, now_us = self._clock.sequence_no(), self._clock.now_us()
        market, usdc_price = self._markets[position.market], self._options.usdc_price
        self._private(
            "positions",
            ALL,
            account.address,
            lambda: {**position_response(position, market, usdc_price), "seq_no": seq},
            lambda: frames.position_frame(position, market, usdc_price, seq, now_us),
        )

    def on_account(self, account: Account) -> None:
        """Send an account's summary."""
        seq, now_us = self._clock.sequence_no(), self._clock.now_us()
        self._private(
            "account",
            ALL,
            account.address,
            lambda: {**account.summary_response(self._markets), "seq_no": seq},
            lambda: frames.account_frame(account, account.margin(self._markets), seq, now_us),
        )


def _key(channel: Channel) -> Key:
    return channel.family, channel.market, channel.account


def _push(name: str, data: dict[str, object]) -> str:
    params = {"channel": name, "data": data}
    message = {"jsonrpc": "2.0", "method": "subscription", "params": params}
    return orjson.dumps(message).decode() + "\n"


def position_response(position: Position, market: Market, usdc_price: Decimal) -> dict[str, object]:
    """Return a position as REST and the JSON channel show it."""
    leverage = average(Decimal(1), market.rules.imf_base)
    return position.response(market.mark_price, usdc_price, leverage, market.funding_index)
