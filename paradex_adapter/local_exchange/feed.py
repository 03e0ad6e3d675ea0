"""Who listens to which channel, and what each of them is sent."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Final

import orjson

from paradex_adapter.local_exchange import frames, sbe
from paradex_adapter.local_exchange.account_records import TradeBust, Transfer
from paradex_adapter.local_exchange.accounts import Account, Fill
from paradex_adapter.local_exchange.amounts import ZERO, average
from paradex_adapter.local_exchange.book import BookChange
from paradex_adapter.local_exchange.channels import (
    ALL,
    BBO,
    BOOK,
    BOOK_TOP,
    BOOK_TOP_LEVELS,
    COMPARISON,
    INTERACTIVE,
    MARKET_EVENTS,
    SCOPED,
    SUMMARY,
    Channel,
    Subscriber,
    subscription_keys,
)
from paradex_adapter.local_exchange.market_events import MarketEvent
from paradex_adapter.local_exchange.market_maker_protection import Event
from paradex_adapter.local_exchange.markets import Market, Trade
from paradex_adapter.local_exchange.options import Options
from paradex_adapter.local_exchange.orders import Order
from paradex_adapter.local_exchange.past import Pasts
from paradex_adapter.local_exchange.payments import BalanceEvent, FundingPayment
from paradex_adapter.local_exchange.positions import Position
from paradex_adapter.local_exchange.sequences import Clock

#: Family, market and account; for the top of a book also its interval and price step.
Key = tuple[str, str, str, int, Decimal | None]
_TOPS: Final = (BOOK_TOP, INTERACTIVE[BOOK_TOP])
#: Who hears of a recorded event.
PLAYED: Final = {
    "trade": ("trades",),
    "bbo": (BBO, INTERACTIVE[BBO]),
    "book": (BOOK, INTERACTIVE[BOOK]),
    "market_summary": (SUMMARY,),
    "funding_data": ("funding_data",),
    "funding_rate_comparison": (),
}
COMPARISON_INTERVALS_MS: Final = (500, 1000)
_MS_PER_SEC: Final = 1000
_US_PER_MS: Final = 1000


class Feed:
    """Sends every event to those who subscribed to it, encoded once per form."""

    def __init__(
        self, markets: dict[str, Market], clock: Clock, options: Options, pasts: Pasts
    ) -> None:
        self._markets = markets
        self._clock = clock
        self._options = options
        self._subscribers: dict[Key, dict[Subscriber, str]] = {}
        # The tops of a market's book that someone has, and those that are about to be sent.
        self._tops: dict[str, set[Key]] = defaultdict(set)
        self._scheduled: set[Key] = set()
        self._skipped: set[str] = set()
        # The markets of those who named the ones whose summaries they want.
        self._scopes: dict[Subscriber, set[str]] = {}
        self._is_fill_doubled = False
        self._lost: frozenset[str] = frozenset()
        self._held: list[Callable[[], None]] | None = None
        # Where a recording is played: whether it has told something of a family and market yet.
        self.played: Callable[[str, str], bool] | None = None
        self.open_interest: Callable[[str], Decimal] = lambda _symbol: ZERO
        self._pasts = pasts

    # --- Subscriptions ------------------------------------------------------------------------

    def is_subscribed(self, subscriber: Subscriber, channel: Channel) -> bool:
        """Return whether a connection has a channel, in whatever form."""
        if channel.name == SUMMARY and subscriber in self._scopes:
            return True
        return subscriber in self._subscribers.get(_key(channel), {})

    def subscribe(
        self, subscriber: Subscriber, channel: Channel, scope: set[str] | None = None
    ) -> None:
        """Add a listener and send it what the channel begins with."""
        key = _key(channel)
        self._subscribers.setdefault(key, {})[subscriber] = channel.name
        if scope is not None:
            self._scopes[subscriber] = scope
        if channel.family in _TOPS:
            self._tops[channel.market].add(key)
        if subscriber.sbe_version is None or channel.market not in self._markets:
            return
        frame = self._first_frame(key)
        if frame is not None:
            subscriber.send(self._encode(frame, subscriber.sbe_version))

    def _first_frame(self, key: Key) -> frames.Frame | None:
        now_us = self._clock.now_us()
        if self.played is not None and not self.played(key[0], key[1]):
            return None
        if key[0] in (BOOK, INTERACTIVE[BOOK]):
            is_interactive = key[0] != BOOK
            market = self._markets[key[1]]
            return frames.snapshot_frame(market, now_us, is_interactive=is_interactive)
        if key[0] in _TOPS:
            return self._top_frame(key)
        if key[0] in (BBO, INTERACTIVE[BBO]):
            return frames.bbo_frame(self._markets[key[1]], now_us)
        return None

    def _top_frame(self, key: Key) -> frames.Frame:
        market, now_us = self._markets[key[1]], self._clock.now_us()
        is_interactive = key[0] != BOOK_TOP
        return frames.snapshot_frame(
            market, now_us, BOOK_TOP_LEVELS, key[4], is_interactive=is_interactive
        )

    def unsubscribe(self, subscriber: Subscriber, channel: Channel) -> None:
        """Remove a listener from a channel."""
        if channel.name == SUMMARY and self._scopes.pop(subscriber, None) is not None:
            channel = replace(channel, market=SCOPED)
        self._subscribers.get(_key(channel), {}).pop(subscriber, None)

    def scope(self, subscriber: Subscriber, channel: Channel) -> set[str] | None:
        """Return the markets a connection limited a channel to, if it did; they may be changed."""
        return self._scopes.get(subscriber) if channel.name == SUMMARY else None

    def forget(self, subscriber: Subscriber) -> None:
        """Remove a listener from everything."""
        self._scopes.pop(subscriber, None)
        for subscribers in self._subscribers.values():
            subscribers.pop(subscriber, None)

    # --- Faults -------------------------------------------------------------------------------

    def skip_next_delta(self, market: str) -> None:
        """Lose the next delta of a market."""
        self._skipped.add(market)

    def double_next_fill(self) -> None:
        """Send the next fill twice."""
        self._is_fill_doubled = True

    def lose_pushes(self, families: Iterable[str]) -> None:
        """Send accounts nothing of these families from now on."""
        self._lost = frozenset(families)

    def hold_pushes(self) -> None:
        """Keep what accounts are to be sent, as it is."""
        self._held = [] if self._held is None else self._held

    def release_pushes(self) -> None:
        """Send what was kept, in order."""
        held, self._held = self._held or [], None
        for send in held:
            send()

    # --- Sending ------------------------------------------------------------------------------

    def _encode(self, frame: frames.Frame, version: int) -> bytes:
        return sbe.encode(frame[0], frame[1], version, long_layout=self._options.long_layout)

    def _public(self, family: str, market: str, make: Callable[[], frames.Frame]) -> None:
        keys = [(family, symbol, "", 0, None) for symbol in subscription_keys(family, market)]
        listeners = self._listeners(keys)
        if family == SUMMARY:
            scoped = self._listeners([(family, SCOPED, "", 0, None)])
            listeners += [each for each in scoped if market in self._scopes.get(each, ())]
        self._send(listeners, make)

    def _listeners(self, keys: Iterable[Key]) -> list[Subscriber]:
        return [subscriber for key in keys for subscriber in self._subscribers.get(key, ())]

    def _send(self, listeners: Iterable[Subscriber], make: Callable[[], frames.Frame]) -> None:
        encoded: dict[int, bytes] = {}
        frame: frames.Frame | None = None
        for subscriber in listeners:
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
        for symbol in dict.fromkeys((market, ALL)):
            key = (family, symbol, account, 0, None)
            for subscriber, name in list(self._subscribers.get(key, {}).items()):
                if subscriber.sbe_version is not None and self._options.private_sbe:
                    data: str | bytes = self._encode(make(), subscriber.sbe_version)
                else:
                    data = _push(name, response())
                for _ in range(times):
                    self._push(family, subscriber, data)

    def _push(self, family: str, subscriber: Subscriber, data: str | bytes) -> None:
        if family in self._lost:
            return
        if self._held is None:
            subscriber.send(data)
        else:
            self._held.append(partial(subscriber.send, data))

    # --- Events -------------------------------------------------------------------------------

    def on_trade(self, trade: Trade) -> None:
        """Send a public print."""
        self._pasts.of(self._markets[trade.market]).add_trade(trade)
        now_us = self._clock.now_us()
        self._public("trades", trade.market, lambda: frames.trade_frame(trade, now_us))

    def on_book(self, market: Market, change: BookChange) -> None:
        """Send a change of a book, and the best prices when they changed."""
        now_us = self._clock.now_us()
        if not self._is_skipped(market):
            for family in (BOOK, INTERACTIVE[BOOK]):
                self._public(
                    family, market.symbol, lambda: frames.delta_frame(market, change, now_us)
                )
        self._schedule_tops(market)
        if change.is_best_changed:
            for family in (BBO, INTERACTIVE[BBO]):
                self._public(family, market.symbol, lambda: frames.bbo_frame(market, now_us))

    def _is_skipped(self, market: Market) -> bool:
        is_skipped = market.symbol in self._skipped
        self._skipped.discard(market.symbol)
        return is_skipped

    def _schedule_tops(self, market: Market) -> None:
        for key in self._tops[market.symbol] - self._scheduled:
            self._scheduled.add(key)
            loop = asyncio.get_running_loop()
            loop.call_later(key[3] / _MS_PER_SEC, self._send_top, key)

    def _send_top(self, key: Key) -> None:
        self._scheduled.discard(key)
        if not self._subscribers[key]:
            self._tops[key[1]].discard(key)
            return
        self._send(self._listeners((key,)), lambda: self._top_frame(key))

    def play(self, market: Market, event: str, fields: dict[str, object]) -> None:
        """Send a recorded event to those who listen to its kind."""
        families = PLAYED[event]
        if event == "book":
            self._schedule_tops(market)
            if self._is_skipped(market):
                return
        for family in families:
            self._public(family, market.symbol, lambda: (event, fields))
        if event == "funding_rate_comparison":
            for interval_ms in COMPARISON_INTERVALS_MS:
                listeners = self._listeners([(COMPARISON, ALL, "", interval_ms, None)])
                self._send(
                    [each for each in listeners if each.sbe_version], lambda: (event, fields)
                )

    def on_summary(self, market: Market) -> None:
        """Send a market's summary."""
        seq, now_us = self._clock.sequence_no(), self._clock.now_us()
        self._pasts.of(market).add_mark(now_us // _US_PER_MS)
        self._public(
            SUMMARY,
            market.symbol,
            lambda: frames.summary_frame(market, self.open_interest(market.symbol), seq, now_us),
        )

    def on_funding(self, market: Market) -> None:
        """Send a market's funding."""
        seq, now_us = self._clock.sequence_no(), self._clock.now_us()
        self._pasts.of(market).add_funding(now_us // _US_PER_MS)
        self._public(
            "funding_data", market.symbol, lambda: frames.funding_frame(market, seq, now_us)
        )

    def on_comparison(self, market: Market, source: str, rate: Decimal, interval_ms: int) -> None:
        """Send one venue's funding rate to those who compare; version 0 has no frame for it."""
        now_us = self._clock.now_us()
        listeners = self._listeners([(COMPARISON, ALL, "", interval_ms, None)])
        able = [each for each in listeners if each.sbe_version]
        self._send(able, lambda: frames.comparison_frame(market, source, rate, now_us))

    def on_market_event(self, event: MarketEvent) -> None:
        """Send what became of a market."""
        for symbol in (event.symbol, ALL):
            subscribers = self._subscribers.get((MARKET_EVENTS, symbol, "", 0, None), {})
            for subscriber, name in list(subscribers.items()):
                subscriber.send(_push(name, event.response()))

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
        return any(
            self._subscribers.get(("fills", symbol, fill.account, 0, None))
            for symbol in (fill.market, ALL)
        )

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

    def on_payment(self, payment: FundingPayment) -> None:
        """Send funding that a fill realized."""
        self._private_json("funding_payments", payment.market, payment.account, payment.response())

    def on_balance(self, event: BalanceEvent) -> None:
        """Send a change of cash."""
        response = event.response(self._options.usdc_price)
        self._private_json("balance_events", ALL, event.account, response)

    def on_bust(self, bust: TradeBust) -> None:
        """Send that a fill was reverted."""
        self._private_json("tradebusts", ALL, bust.account, bust.response())

    def on_transfer(self, transfer: Transfer) -> None:
        """Send a deposit or withdrawal."""
        self._private_json("transfers", ALL, transfer.account, transfer.response())

    def on_protection(self, event: Event) -> None:
        """Send a change of market maker protection."""
        self._private_json("mmp", ALL, str(event["account"]), event)

    def _private_json(
        self, family: str, market: str, account: str, response: dict[str, object]
    ) -> None:
        for symbol in dict.fromkeys((market, ALL)):
            subscribers = self._subscribers.get((family, symbol, account, 0, None), {})
            for subscriber, name in list(subscribers.items()):
                self._push(family, subscriber, _push(name, response))

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
    return channel.family, channel.market, channel.account, channel.interval_ms, channel.tick


def _push(name: str, data: dict[str, object]) -> str:
    params = {"channel": name, "data": data}
    message = {"jsonrpc": "2.0", "method": "subscription", "params": params}
    return orjson.dumps(message).decode() + "\n"


def position_response(position: Position, market: Market, usdc_price: Decimal) -> dict[str, object]:
    """Return a position as REST and the JSON channel show it."""
    leverage = average(Decimal(1), market.rules.imf_base)
    return position.response(market.mark_price, usdc_price, leverage, market.funding_index)
