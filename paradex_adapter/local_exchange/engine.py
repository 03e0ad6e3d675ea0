"""Matching, settlement and risk: everything that happens to an order after the gateway took it.

Each public method is one change of the venue's state. It ends with `_publish`, which moves the
book's sequence number on by one when the book changed and tells the listener what came of it, in
the order trades, book, fills, orders, positions, accounts (orders before fills where asked).
"""

from __future__ import annotations

from decimal import Decimal, localcontext

from paradex_adapter.local_exchange import liquidity, risk
from paradex_adapter.local_exchange.accounts import Account
from paradex_adapter.local_exchange.amounts import MONEY, is_multiple
from paradex_adapter.local_exchange.book import BUY, SELL
from paradex_adapter.local_exchange.bookkeeping import Bookkeeping
from paradex_adapter.local_exchange.conditional import (
    PARTNER_EXECUTED,
    POSITION_GONE,
    WaitingOrders,
    cap,
    is_executed,
)
from paradex_adapter.local_exchange.effects import Listener
from paradex_adapter.local_exchange.markets import Market, Trade
from paradex_adapter.local_exchange.orders import Order
from paradex_adapter.local_exchange.price_limits import (
    limit_price,
    reaches,
    room,
    worst_average,
)
from paradex_adapter.local_exchange.sequences import Clock


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
        is_printing: bool = True,
    ) -> None:
        self._markets = markets
        self._accounts = accounts
        self._clock = clock
        self._listener = listener
        self._is_order_before_fill = is_order_before_fill
        self._books = Bookkeeping(
            markets,
            accounts,
            clock,
            is_fill_side_of_taker=is_fill_side_of_taker,
            is_printing=is_printing,
        )
        self._waiting = WaitingOrders()
        self._orders_count = 0

    def next_ordinal(self) -> int:
        """Return the place of the next order among all orders."""
        self._orders_count += 1
        return self._orders_count

    def process(self, order: Order) -> None:
        """Take an order that the gateway accepted: refuse it, match it, rest it or close it."""
        market, account = self._markets[order.market], self._accounts[order.account]
        if order.status != "NEW":
            # Its market ended before it was its turn.
            return
        with localcontext(MONEY):
            if order.trigger_price is not None:
                reason = risk.waiting_refusal(order, account, market)
            else:
                reason = risk.refusal(order, account, self._markets)
            if reason:
                self._reject(order, reason)
            elif order.trigger_price is not None:
                order.status = "UNTRIGGERED"
                self._waiting.add(order)
                self._touch(order)
            else:
                self._match(order, market)
            self._publish(market)
        self.trigger(market)

    def trigger(self, market: Market) -> None:
        """Let the waiting orders go whose trigger the mark price has reached, oldest first."""
        with localcontext(MONEY):
            while (order := self._waiting.due(market)) is not None:
                self._waiting.remove(order)
                self._go(order, market)

    def pause_triggers(self, is_paused: bool) -> None:
        """Let no waiting order go, or let those go that are due by now."""
        self._waiting.is_paused = is_paused
        for market in list(self._markets.values()):
            self.trigger(market)

    def _go(self, order: Order, market: Market) -> None:
        """Let a triggered order be an order like others."""
        account = self._accounts[order.account]
        order.status = "NEW"
        cap(order, account.position_size(market.symbol))
        self._touch(order)
        self._publish(market)
        reason = risk.refusal(order, account, self._markets)
        if reason:
            self._close(order, reason)
        else:
            self._match(order, market)
        self._publish(market)

    def cancel(self, order: Order, reason: str) -> None:
        """Close an order that is still open; nothing happens when it is closed already."""
        market = self._markets[order.market]
        with localcontext(MONEY):
            if order.status == "OPEN":
                liquidity.unrest(order, market)
            if order.status != "CLOSED":
                self._close(order, reason)
            self._publish(market)

    def close_market(self, market: Market, reason: str) -> None:
        """Cancel every order in a market."""
        with localcontext(MONEY):
            for account in self._accounts.values():
                for order in list(account.open_orders.values()):
                    if order.market == market.symbol:
                        if order.status == "OPEN":
                            liquidity.unrest(order, market)
                        self._close(order, reason)
            self._publish(market)

    def cull_off_grid(self, market: Market, reason: str) -> None:
        """Cancel the orders that lie off a market's grid, since it changed."""
        tick, step = market.rules.tick, market.rules.step
        with localcontext(MONEY):
            for side in (*market.book.sides.values(), *market.hidden.values()):
                for order in list(side.orders()):
                    if not (is_multiple(order.price, tick) and is_multiple(order.remaining, step)):
                        self._cancel_resting(order, market, reason)
            for order in self._waiting.of(market):
                prices = order.price, order.trigger_price or order.price
                is_on_tick = all(is_multiple(price, tick) for price in prices)
                if not (is_on_tick and is_multiple(order.remaining, step)):
                    self._close(order, reason)
            self._publish(market)

    def settle_market(self, market: Market, price: Decimal, fee_rate: Decimal) -> None:
        """Close every position in a market at a price; what closes them belongs to no order."""
        with localcontext(MONEY):
            for account in self._accounts.values():
                held = account.position_size(market.symbol)
                if not held or market.symbol in account.tokens:
                    continue
                side = BUY if held < 0 else SELL
                trade = Trade(
                    ordinal=0,
                    id=market.trade_ids.next(),
                    market=market.symbol,
                    side=side,
                    price=price,
                    size=abs(held),
                    created_at=self._clock.now_ms(),
                    trade_type="SETTLE_MARKET",
                    seq_no=0,
                )
                self._books.book(account, market, trade, side, "TAKER", fee_rate)
            self._publish(market)

    def modify(
        self,
        order: Order,
        size: Decimal,
        price: Decimal,
        trigger_price: Decimal | None = None,
    ) -> None:
        """Give an order another size and price; in the book it goes behind those at its price.

        One that waits may get another trigger price as well.
        """
        market, account = self._markets[order.market], self._accounts[order.account]
        request = order.modify_request
        trigger_price = order.trigger_price if trigger_price is None else trigger_price
        with localcontext(MONEY):
            reason = risk.modify_refusal(order, size, price, account, self._markets)
            if not reason and trigger_price != order.trigger_price and not order.is_waiting:
                reason = "order is triggered already"
            if not (reason or order.is_waiting) and liquidity.would_cross(order, price, market):
                reason = "POST_ONLY_WOULD_CROSS"
            if request is not None:
                request.status, request.message = ("REJECTED" if reason else "SUCCESS"), reason
            if reason or order.is_waiting:
                self._touch(order)
            if not reason:
                self._change(order, size, price, market)
                order.trigger_price = trigger_price
            self._publish(market)
        self.trigger(market)

    def _change(self, order: Order, size: Decimal, price: Decimal, market: Market) -> None:
        if not order.is_waiting:
            liquidity.unrest(order, market)
        order.remaining += size - order.size
        order.size, order.price = size, price
        if not order.is_waiting:
            self._match(order, market)

    def meet(self, maker: Order, taker: Order) -> None:
        """Fill a resting order against one that came from elsewhere, of at most its size."""
        market = self._markets[maker.market]
        with localcontext(MONEY):
            if maker.is_reduce_only and not self._still_reduces(maker):
                self._cancel_resting(maker, market, "REDUCE_ONLY_WILL_INCREASE")
            else:
                self._trade(taker, maker, taker.remaining, market)
            self._publish(market)

    def print_trade(
        self, market: Market, side: str, price: Decimal, size: Decimal, trade_type: str
    ) -> Trade:
        """Publish a trade that happened beside the book; it carries no book sequence."""
        trade = self._books.print_trade(market, side, price, size, trade_type, seq_no=0)
        self._publish(market)
        return trade

    def _reject(self, order: Order, reason: str) -> None:
        # An order refused by risk comes back without its instruction and timestamp.
        order.instruction = ""
        order.timestamp = 0
        self._close(order, reason)

    # --- Matching -----------------------------------------------------------------------------

    def _match(self, taker: Order, market: Market) -> None:
        limit = limit_price(taker, market)
        first = None if taker.is_rpi else liquidity.next_maker(taker, market)
        crosses = first is not None and reaches(taker.side, limit, first.price)
        if liquidity.would_cross(taker, taker.price, market):
            self._close(taker, "POST_ONLY_WOULD_CROSS")
            return
        reason = self._take(taker, market, limit) if crosses else ""
        if taker.status == "CLOSED":
            return
        if not taker.remaining:
            self._close(taker, "")
        elif reason:
            self._close(taker, reason)
        elif taker.is_market and first is None:
            self._close(taker, "EMPTY_MARKET")
        elif taker.is_market or taker.instruction == "IOC":
            self._close(taker, "REMAINING_IOC_CANCEL")
        else:
            taker.status = "OPEN"
            liquidity.rest(taker, market)
            self._touch(taker)

    def _take(self, taker: Order, market: Market, limit: Decimal) -> str:
        """Trade against the book while it crosses; return why it stopped early, if it did."""
        chosen = self._accounts[taker.account].max_slippages.get(market.symbol)
        worst = worst_average(taker, market, chosen)
        while taker.remaining and taker.status != "CLOSED":
            maker = liquidity.next_maker(taker, market)
            if maker is None or not reaches(taker.side, limit, maker.price):
                return ""
            if maker.account == taker.account:
                if self._prevent_self_trade(taker, maker, market):
                    return "SELF_TRADE"
                continue
            if maker.is_reduce_only and not self._still_reduces(maker):
                self._cancel_resting(maker, market, "REDUCE_ONLY_WILL_INCREASE")
                continue
            size = min(taker.remaining, maker.remaining)
            if worst is not None:
                size = min(size, room(taker, maker.price, worst, market.rules.step))
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
        return self._is_opposite(order) and order.remaining <= abs(held)

    def _is_opposite(self, order: Order) -> bool:
        held = self._accounts[order.account].position_size(order.market)
        return held < 0 if order.side == BUY else held > 0

    def _cancel_resting(self, order: Order, market: Market, reason: str) -> None:
        liquidity.unrest(order, market)
        self._close(order, reason)

    def _cull(self, market: Market) -> None:
        """Cancel the orders that the positions just changed have no room for any longer."""
        for account, position in list(self._books.effects.positions.values()):
            for order in list(account.open_orders.values()):
                if order.market != position.market or not order.is_reduce_only:
                    continue
                if order.status == "OPEN" and not self._still_reduces(order):
                    self._cancel_resting(order, market, "REDUCE_ONLY_WILL_INCREASE")
                elif order.is_closing and order.is_waiting and not self._is_opposite(order):
                    self._close(order, POSITION_GONE)

    def _cancel_partners(self, market: Market) -> None:
        """Cancel the other order of each pair of which one was executed."""
        for order in list(self._books.effects.orders.values()):
            partner = self._waiting.partner(order)
            if partner is None or not is_executed(order):
                continue
            if partner.status == "OPEN":
                liquidity.unrest(partner, market)
            self._close(partner, PARTNER_EXECUTED)

    # --- Settlement ---------------------------------------------------------------------------

    def _trade(self, taker: Order, maker: Order, size: Decimal, market: Market) -> None:
        # What no book shows is no step of the book.
        kind, seq_no = ("RPI", 0) if maker.is_rpi else ("FILL", market.book.seq_no + 1)
        price = maker.price
        liquidity.reduce(maker, market, size)
        for order in (maker, taker):
            order.remaining -= size
            order.filled_notional += size * price
        trade = self._books.print_trade(market, taker.side, price, size, kind, seq_no)
        self._books.settle(maker, taker, taker.side, trade, "MAKER", market)
        self._books.settle(taker, maker, taker.side, trade, "TAKER", market)
        if maker.remaining:
            self._touch(maker)
        else:
            liquidity.unrest(maker, market)
            self._close(maker, "")

    # --- States -------------------------------------------------------------------------------

    def _touch(self, order: Order) -> None:
        order.last_updated_at = self._clock.now_ms()
        order.seq_no = self._clock.sequence_no()
        self._books.effects.orders[order.id] = order
        self._books.effects.accounts[order.account] = self._accounts[order.account]

    def _close(self, order: Order, reason: str) -> None:
        order.status = "CLOSED"
        order.cancel_reason = reason
        self._accounts[order.account].open_orders.pop(order.id, None)
        self._touch(order)

    def _publish(self, market: Market) -> None:
        self._cancel_partners(market)
        self._cull(market)
        effects = self._books.take_effects()
        for order in effects.orders.values():
            if order.status == "CLOSED":
                self._waiting.forget(order)
        change = market.book.commit(self._clock.now_ms())
        effects.tell(
            self._listener,
            self._clock,
            (market, change) if change is not None else None,
            is_order_before_fill=self._is_order_before_fill,
        )
