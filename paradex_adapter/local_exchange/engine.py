"""Matching, settlement and risk: everything that happens to an order after the gateway took it.

Each public method is one change of the venue's state. It ends with `_publish`, which moves the
book's sequence number on by one when the book changed and tells the listener what came of it, in
the order trades, book, fills, orders, positions, accounts (orders before fills where asked).
"""

from __future__ import annotations

from decimal import Decimal, localcontext

from paradex_adapter.local_exchange import risk
from paradex_adapter.local_exchange.accounts import (
    Account,
    Fill,
    balance_event,
    funding_payment,
)
from paradex_adapter.local_exchange.amounts import MONEY, ZERO, is_multiple
from paradex_adapter.local_exchange.book import BUY, SELL
from paradex_adapter.local_exchange.effects import Effects, Listener
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
        self._is_fill_side_of_taker = is_fill_side_of_taker
        self._is_order_before_fill = is_order_before_fill
        # Where a recording is played, the public tape is the recorded one.
        self._is_printing = is_printing
        self._effects = Effects()
        self._orders_count = 0
        self._fills_count = 0

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
            reason = risk.refusal(order, account, self._markets)
            if reason:
                self._reject(order, reason)
            else:
                self._match(order, market)
                self._cull_reduce_only(market)
            self._publish(market)

    def cancel(self, order: Order, reason: str) -> None:
        """Close an order that is still open; nothing happens when it is closed already."""
        market = self._markets[order.market]
        with localcontext(MONEY):
            if order.status == "OPEN":
                market.book.remove(order)
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
                            market.book.remove(order)
                        self._close(order, reason)
            self._publish(market)

    def cull_off_grid(self, market: Market, reason: str) -> None:
        """Cancel the orders that lie off a market's grid, since it changed."""
        tick, step = market.rules.tick, market.rules.step
        with localcontext(MONEY):
            for side in market.book.sides.values():
                for order in list(side.orders()):
                    if not (is_multiple(order.price, tick) and is_multiple(order.remaining, step)):
                        self._cancel_resting(order, market, reason)
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
                self._book(account, market, trade, side, "TAKER", fee_rate)
            self._publish(market)

    def modify(self, order: Order, size: Decimal, price: Decimal) -> None:
        """Give an open order another size and price; it goes behind those at its price."""
        market, account = self._markets[order.market], self._accounts[order.account]
        request = order.modify_request
        with localcontext(MONEY):
            reason = risk.modify_refusal(order, size, price, account, self._markets)
            meets = market.book.crossing(order.side)
            crosses = meets is not None and reaches(order.side, price, meets.price)
            if order.instruction == "POST_ONLY" and crosses:
                reason = reason or "POST_ONLY_WOULD_CROSS"
            if request is not None:
                request.status, request.message = ("REJECTED" if reason else "SUCCESS"), reason
            if reason:
                self._touch(order)
            else:
                market.book.remove(order)
                order.remaining += size - order.size
                order.size, order.price = size, price
                self._match(order, market)
                self._cull_reduce_only(market)
            self._publish(market)

    def meet(self, maker: Order, taker: Order) -> None:
        """Fill a resting order against one that came from elsewhere, of at most its size."""
        market = self._markets[maker.market]
        with localcontext(MONEY):
            if maker.is_reduce_only and not self._still_reduces(maker):
                self._cancel_resting(maker, market, "REDUCE_ONLY_WILL_INCREASE")
            else:
                self._trade(taker, maker, taker.remaining, market)
                self._cull_reduce_only(market)
            self._publish(market)

    def print_trade(
        self, market: Market, side: str, price: Decimal, size: Decimal, trade_type: str
    ) -> Trade:
        """Publish a trade that happened beside the book; it carries no book sequence."""
        trade = self._print(market, side, price, size, trade_type, seq_no=0)
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
        first = market.book.crossing(taker.side)
        crosses = first is not None and reaches(taker.side, limit, first.price)
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
        worst = worst_average(taker, market)
        while taker.remaining:
            maker = market.book.crossing(taker.side)
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
        if self._is_printing:
            market.volume = MONEY.add(market.volume, MONEY.multiply(price, size))
            market.trades.append(trade)
            self._effects.trades.append(trade)
        return trade

    def _settle(
        self, order: Order, taker_side: str, trade: Trade, liquidity: str, market: Market
    ) -> None:
        account = self._accounts[order.account]
        rate = account.rate(market, liquidity)
        side = taker_side if self._is_fill_side_of_taker else order.side
        self._book(account, market, trade, order.side, liquidity, rate, order=order, shown=side)

    def _book(
        self,
        account: Account,
        market: Market,
        trade: Trade,
        side: str,
        liquidity: str,
        rate: Decimal,
        *,
        order: Order | None = None,
        shown: str = "",
    ) -> None:
        """Book one side of a trade for an account; `shown` is the side its fill names."""
        now_ms = trade.created_at
        holding = account.holding(market, now_ms)
        before = account.cash
        funding = holding.realize_funding(side, trade.size, market.funding_index)
        realized = holding.apply(side, trade.size, trade.price, now_ms)
        fee = market.fee(trade.size, trade.price, rate)
        is_spot = market.rules.kind == "SPOT"
        # A token is paid for when it is bought; of a position the profit alone is cash.
        value = trade.size * trade.price
        paid = (-value if side == BUY else value) if is_spot else realized
        account.cash += paid + funding - fee
        self._fills_count += 1
        fill = Fill(
            ordinal=self._fills_count,
            id=account.next_fill_id(trade.trade_type),
            trade_id=trade.id,
            account=account.address,
            market=market.symbol,
            order_id=order.id if order else "",
            client_id=order.client_id if order else "",
            side=shown or side,
            liquidity=liquidity,
            price=trade.price,
            size=trade.size,
            remaining=order.remaining if order else ZERO,
            fee=fee,
            realized_pnl=realized,
            underlying_price=market.underlying_price,
            fill_type=trade.trade_type,
            created_at=now_ms,
            seq_no=trade.seq_no,
            realized_funding=funding,
        )
        holding.last_fill_id = fill.id
        holding.seq_no = self._clock.sequence_no()
        if not is_spot:
            self._effects.positions[f"{account.address}-{market.symbol}"] = (account, holding)
        self._effects.accounts[account.address] = account
        self._effects.fills.append(fill)
        if account.is_recorded:
            account.fills.append(fill)
            self._effects.balance_events.append(balance_event(fill, before, account, market))
            if funding:
                self._effects.payments.append(funding_payment(fill, account, market))

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
        effects, self._effects = self._effects, Effects()
        change = market.book.commit(self._clock.now_ms())
        effects.tell(
            self._listener,
            self._clock,
            (market, change) if change is not None else None,
            is_order_before_fill=self._is_order_before_fill,
        )
