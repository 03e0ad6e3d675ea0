"""Matching, settlement and risk: everything that happens to an order after the gateway took it.

Each public method is one change of the venue's state. It ends with `_publish`, which moves the
book's sequence number on by one when the book changed and tells the listener what came of it, in
the order trades, book, fills, orders, positions, accounts (orders before fills where asked).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal, localcontext
from typing import Protocol

from paradex_adapter.local_exchange.accounts import Account, Fill
from paradex_adapter.local_exchange.amounts import MONEY, ZERO
from paradex_adapter.local_exchange.book import BUY, BookChange, opposite
from paradex_adapter.local_exchange.markets import Market, Trade
from paradex_adapter.local_exchange.orders import Order
from paradex_adapter.local_exchange.positions import Position
from paradex_adapter.local_exchange.sequences import Clock


class Listener(Protocol):
    """Who is told what happened."""

    def on_trade(self, trade: Trade) -> None:
        """Hear of a public print."""

    def on_book(self, market: Market, change: BookChange) -> None:
        """Hear of a change of a book."""

    def on_fill(self, fill: Fill) -> None:
        """Hear of one side of a trade."""

    def on_order(self, order: Order) -> None:
        """Hear of an order's new state."""

    def on_position(self, account: Account, position: Position) -> None:
        """Hear of a changed position."""

    def on_account(self, account: Account) -> None:
        """Hear of a changed balance or margin."""


@dataclass(slots=True)
class _Effects:
    """What the change under way has done so far."""

    trades: list[Trade] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    orders: dict[str, Order] = field(default_factory=dict)
    positions: dict[str, tuple[Account, Position]] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)


class Engine:
    """The matching engine over all markets and accounts."""

    def __init__(
        self,
        markets: dict[str, Market],
        accounts: dict[str, Account],
        clock: Clock,
        listener: Listener,
        *,
        is_fill_side_of_taker: bool = False,
        is_order_before_fill: bool = False,
    ) -> None:
        self._markets = markets
        self._accounts = accounts
        self._clock = clock
        self._listener = listener
        self._is_fill_side_of_taker = is_fill_side_of_taker
        self._is_order_before_fill = is_order_before_fill
        self._effects = _Effects()
        self._orders_count = 0
        self._fills_count = 0

    def next_ordinal(self) -> int:
        """Return the place of the next order among all orders."""
        self._orders_count += 1
        return self._orders_count

    def process(self, order: Order) -> None:
        """Take an order that the gateway accepted: refuse it, match it, rest it or close it."""
        market, account = self._markets[order.market], self._accounts[order.account]
        with localcontext(MONEY):
            reason = self._risk_refusal(order, account, market)
            if reason:
                self._reject(order, reason)
            else:
                self._match(order, market)
                self._cull_reduce_only(market)
            self._publish(market)

    def cancel(self, order: Order, reason: str) -> None:
        """Close an order that is still open; nothing happens when it is closed already."""
        market = self._markets[order.market]
        if order.status == "OPEN":
            market.book.remove(order)
        if order.status != "CLOSED":
            self._close(order, reason)
        self._publish(market)

    def print_trade(
        self, market: Market, side: str, price: Decimal, size: Decimal, trade_type: str
    ) -> Trade:
        """Publish a trade that happened beside the book; it carries no book sequence."""
        trade = self._print(market, side, price, size, trade_type, seq_no=0)
        self._publish(market)
        return trade

    # --- Risk ---------------------------------------------------------------------------------

    def _risk_refusal(self, order: Order, account: Account, market: Market) -> str:
        rules = market.rules
        held = account.position_size(order.market)
        signed = order.size if order.side == BUY else -order.size
        is_reducing = held * signed < 0 and order.size <= abs(held)
        is_exact_close = order.is_reduce_only and held + signed == 0
        if order.size * market.mark_price < rules.min_notional and not is_exact_close:
            return "ORDER_SIZE_BELOW_MIN"
        if order.is_reduce_only and not is_reducing:
            return "REDUCE_ONLY_WILL_INCREASE"
        if not account.is_recorded or is_reducing:
            return ""
        working = account.working_size(order.market, order.side)
        towards = held if order.side == BUY else -held
        if working + towards > rules.position_limit:
            return "ORDER_EXCEEDS_POSITION_LIMIT"
        return "" if self._has_margin(order, account) else "NOT_ENOUGH_MARGIN"

    def _has_margin(self, order: Order, account: Account) -> bool:
        after = account.margin(self._markets)
        del account.open_orders[order.id]
        before = account.margin(self._markets)
        account.open_orders[order.id] = order
        return after.initial <= before.initial or after.value >= after.initial

    def _reject(self, order: Order, reason: str) -> None:
        # An order refused by risk comes back without its instruction and timestamp.
        order.instruction = ""
        order.timestamp = 0
        self._close(order, reason)

    # --- Matching -----------------------------------------------------------------------------

    def _match(self, taker: Order, market: Market) -> None:
        limit = _limit_price(taker, market)
        first = market.book.crossing(taker.side)
        crosses = first is not None and _reaches(taker.side, limit, first.price)
        if taker.instruction == "POST_ONLY" and crosses:
            self._close(taker, "POST_ONLY_WOULD_CROSS")
            return
        reason = self._take(taker, market, limit) if crosses else ""
        if taker.status == "CLOSED":
            return
        if not taker.remaining:
            self._close(taker, "")
        elif reason:
            self._close(taker, reason)
        elif taker.type == "MARKET" and first is None:
            self._close(taker, "EMPTY_MARKET")
        elif taker.type == "MARKET" or taker.instruction == "IOC":
            self._close(taker, "REMAINING_IOC_CANCEL")
        else:
            taker.status = "OPEN"
            market.book.add(taker)
            self._touch(taker)

    def _take(self, taker: Order, market: Market, limit: Decimal) -> str:
        """Trade against the book while it crosses; return why it stopped early, if it did."""
        worst_average = _worst_average(taker, market)
        while taker.remaining:
            maker = market.book.crossing(taker.side)
            if maker is None or not _reaches(taker.side, limit, maker.price):
                return ""
            if maker.account == taker.account:
                if self._prevent_self_trade(taker, maker, market):
                    return "SELF_TRADE"
                continue
            if maker.is_reduce_only and not self._still_reduces(maker):
                self._cancel_resting(maker, market, "REDUCE_ONLY_WILL_INCREASE")
                continue
            size = min(taker.remaining, maker.remaining)
            if worst_average is not None:
                size = min(size, _room(taker, maker.price, worst_average, market.rules.step))
            if not size:
                return "EXCEEDS_MAX_SLIPPAGE"
            self._trade(taker, maker, size, market)
        return ""

    def _prevent_self_trade(self, taker: Order, maker: Order, market: Market) -> bool:
        """Apply the taker's mode; return whether the taker ends here."""
        if taker.stp in ("EXPIRE_MAKER", "EXPIRE_BOTH"):
            self._cancel_resting(maker, market, "SELF_TRADE")
        return taker.stp in ("EXPIRE_TAKER", "EXPIRE_BOTH")

    def _still_reduces(self, order: Order) -> bool:
        held = self._accounts[order.account].position_size(order.market)
        is_opposite = held < 0 if order.side == BUY else held > 0
        return is_opposite and order.remaining <= abs(held)

    def _cancel_resting(self, order: Order, market: Market, reason: str) -> None:
        market.book.remove(order)
        self._close(order, reason)

    def _cull_reduce_only(self, market: Market) -> None:
        """Cancel reduce-only orders that the position no longer covers."""
        for account, position in list(self._effects.positions.values()):
            for order in list(account.open_orders.values()):
                is_candidate = order.market == position.market and order.status == "OPEN"
                if is_candidate and order.is_reduce_only and not self._still_reduces(order):
                    self._cancel_resting(order, market, "REDUCE_ONLY_WILL_INCREASE")

    # --- Settlement ---------------------------------------------------------------------------

    def _trade(self, taker: Order, maker: Order, size: Decimal, market: Market) -> None:
        seq_no = market.book.seq_no + 1
        price = maker.price
        market.book.reduce(maker, size)
        for order in (maker, taker):
            order.remaining -= size
            order.filled_notional += size * price
        trade = self._print(market, taker.side, price, size, "FILL", seq_no)
        self._settle(maker, taker.side, trade, "MAKER", market)
        self._settle(taker, taker.side, trade, "TAKER", market)
        if maker.remaining:
            self._touch(maker)
        else:
            market.book.remove(maker)
            self._close(maker, "")

    def _print(
        self,
        market: Market,
        side: str,
        price: Decimal,
        size: Decimal,
        trade_type: str,
        seq_no: int,
    ) -> Trade:
        market.trades_count += 1
        market.volume = MONEY.add(market.volume, MONEY.multiply(price, size))
        trade = Trade(
            ordinal=market.trades_count,
            id=market.trade_ids.next(),
            market=market.symbol,
            side=side,
            price=price,
            size=size,
            created_at=self._clock.now_ms(),
            trade_type=trade_type,
            seq_no=seq_no,
        )
        market.trades.append(trade)
        self._effects.trades.append(trade)
        return trade

    def _settle(
        self, order: Order, taker_side: str, trade: Trade, liquidity: str, market: Market
    ) -> None:
        account = self._accounts[order.account]
        now_ms = trade.created_at
        position = account.position(order.market, now_ms)
        realized = position.apply(order.side, trade.size, trade.price, now_ms)
        rate = account.maker_fee if liquidity == "MAKER" else account.taker_fee
        fee = trade.size * trade.price * rate
        account.cash += realized - fee
        self._fills_count += 1
        fill = Fill(
            ordinal=self._fills_count,
            id=account.next_fill_id(trade.trade_type),
            trade_id=trade.id,
            account=order.account,
            market=order.market,
            order_id=order.id,
            client_id=order.client_id,
            side=taker_side if self._is_fill_side_of_taker else order.side,
            liquidity=liquidity,
            price=trade.price,
            size=trade.size,
            remaining=order.remaining,
            fee=fee,
            realized_pnl=realized,
            underlying_price=market.underlying_price,
            fill_type=trade.trade_type,
            created_at=now_ms,
            seq_no=trade.seq_no,
        )
        position.last_fill_id = fill.id
        position.seq_no = self._clock.sequence_no()
        self._effects.positions[f"{account.address}-{order.market}"] = (account, position)
        self._effects.accounts[account.address] = account
        self._effects.fills.append(fill)
        if account.is_recorded:
            account.fills.append(fill)

    # --- States -------------------------------------------------------------------------------

    def _touch(self, order: Order) -> None:
        order.last_updated_at = self._clock.now_ms()
        order.seq_no = self._clock.sequence_no()
        self._effects.orders[order.id] = order
        self._effects.accounts[order.account] = self._accounts[order.account]

    def _close(self, order: Order, reason: str) -> None:
        order.status = "CLOSED"
        order.cancel_reason = reason
        self._accounts[order.account].open_orders.pop(order.id, None)
        self._touch(order)

    def _publish(self, market: Market) -> None:
        effects, self._effects = self._effects, _Effects()
        now_ms = self._clock.now_ms()
        for trade in effects.trades:
            self._listener.on_trade(trade)
        change = market.book.commit(now_ms)
        if change is not None:
            self._listener.on_book(market, change)
        if self._is_order_before_fill:
            self._publish_orders(effects)
        for fill in effects.fills:
            self._listener.on_fill(fill)
        if not self._is_order_before_fill:
            self._publish_orders(effects)
        for account, position in effects.positions.values():
            self._listener.on_position(account, position)
        self._publish_accounts(effects.accounts.values(), now_ms)

    def _publish_orders(self, effects: _Effects) -> None:
        for order in effects.orders.values():
            self._listener.on_order(order)

    def _publish_accounts(self, accounts: Iterable[Account], now_ms: int) -> None:
        for account in accounts:
            account.updated_at = now_ms
            account.seq_no = self._clock.sequence_no()
            self._listener.on_account(account)


def _reaches(side: str, limit: Decimal, price: Decimal) -> bool:
    return price <= limit if side == BUY else price >= limit


def _limit_price(order: Order, market: Market) -> Decimal:
    """Return the price beyond which an order does not trade: its own, or the price band."""
    if order.type == "LIMIT":
        return order.price
    band = market.mark_price * market.rules.price_band
    return market.mark_price + (band if order.side == BUY else -band)


def _worst_average(order: Order, market: Market) -> Decimal | None:
    """Return the average price a market order accepts at worst."""
    if order.type != "MARKET":
        return None
    if order.vwap_price is not None:
        return order.vwap_price
    best = market.book.best(opposite(order.side))
    if best is None:
        return None
    slippage = market.rules.max_slippage
    return best[0] * (1 + slippage if order.side == BUY else 1 - slippage)


def _room(order: Order, price: Decimal, worst_average: Decimal, step: Decimal) -> Decimal:
    """Return how much a market order may trade at a price without spoiling its average."""
    excess = price - worst_average if order.side == BUY else worst_average - price
    if excess <= 0:
        return order.remaining
    saved = worst_average * order.filled - order.filled_notional
    room = (saved if order.side == BUY else -saved) / excess
    return max(ZERO, (room / step).to_integral_value(ROUND_DOWN) * step)
