"""What a trade does to the accounts on both of its sides: positions, cash, fees, fills."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from paradex_adapter.local_exchange.accounts import (
    Account,
    Fill,
    balance_event,
    funding_payment,
)
from paradex_adapter.local_exchange.amounts import MONEY, ZERO
from paradex_adapter.local_exchange.book import BUY
from paradex_adapter.local_exchange.effects import Effects
from paradex_adapter.local_exchange.fees import charge, fee_rate
from paradex_adapter.local_exchange.markets import Market, Trade
from paradex_adapter.local_exchange.orders import Order
from paradex_adapter.local_exchange.positions import Position
from paradex_adapter.local_exchange.sequences import Clock


class Bookkeeping:
    """Prints trades and books them; ``effects`` tells what was booked since it was taken last."""

    def __init__(
        self,
        markets: Mapping[str, Market],
        accounts: dict[str, Account],
        clock: Clock,
        *,
        is_fill_side_of_taker: bool = False,
        is_printing: bool = True,
    ) -> None:
        self._markets = markets
        self._accounts = accounts
        self._clock = clock
        self.is_fill_side_of_taker = is_fill_side_of_taker
        # Where a recording is played, the public tape is the recorded one.
        self._is_printing = is_printing
        self.effects = Effects()
        self._fills_count = 0

    def take_effects(self) -> Effects:
        """Return what was done, and begin anew."""
        effects, self.effects = self.effects, Effects()
        return effects

    def next_ordinal(self) -> int:
        """Return the place of the next fill, or payment, among all of them."""
        self._fills_count += 1
        return self._fills_count

    def print_trade(
        self,
        market: Market,
        side: str,
        price: Decimal,
        size: Decimal,
        trade_type: str,
        seq_no: int,
    ) -> Trade:
        """Publish a trade."""
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
            self.effects.trades.append(trade)
        return trade

    def settle(
        self,
        order: Order,
        other: Order,
        taker_side: str,
        trade: Trade,
        liquidity: str,
        market: Market,
    ) -> None:
        """Book one side of a trade for the order that made it with another."""
        account = self._accounts[order.account]
        rate = fee_rate(order, account, market, liquidity)
        side = taker_side if self.is_fill_side_of_taker else order.side
        self.book(
            account,
            market,
            trade,
            order.side,
            liquidity,
            rate,
            order=order,
            shown=side,
            counterparty=other.account,
        )

    def book(
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
        counterparty: str = "",
    ) -> None:
        """Book one side of a trade for an account; `shown` is the side its fill names."""
        now_ms = trade.created_at
        holding = account.holding(market, now_ms)
        before = account.cash
        funding = holding.realize_funding(side, trade.size, market.funding_index)
        realized = holding.apply(side, trade.size, trade.price, now_ms)
        fee, fee_currency = charge(
            account, order, market.fee(trade.size, trade.price, rate), self._markets, now_ms
        )
        is_spot = market.rules.kind == "SPOT"
        # A token is paid for when it is bought; of a position the profit alone is cash.
        value = trade.size * trade.price
        paid = (-value if side == BUY else value) if is_spot else realized
        account.cash += paid + funding
        fill = Fill(
            ordinal=self.next_ordinal(),
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
            fee_currency=fee_currency,
            realized_pnl=realized,
            underlying_price=market.underlying_price,
            fill_type=trade.trade_type,
            created_at=now_ms,
            seq_no=trade.seq_no,
            realized_funding=funding,
            counterparty=counterparty,
            funding_index=market.funding_index,
            flags=_flags(trade, order),
        )
        self._keep(fill, account, holding, before, market)

    def _keep(
        self, fill: Fill, account: Account, holding: Position, before: Decimal, market: Market
    ) -> None:
        holding.last_fill_id = fill.id
        holding.seq_no = self._clock.sequence_no()
        if market.rules.kind != "SPOT":
            self.effects.positions[f"{account.address}-{market.symbol}"] = (account, holding)
        self.effects.accounts[account.address] = account
        self.effects.fills.append(fill)
        if account.is_recorded:
            account.fills.append(fill)
            self.effects.balance_events.append(balance_event(fill, before, account, market))
            if fill.realized_funding:
                self.effects.payments.append(funding_payment(fill, account, market))


def _flags(trade: Trade, order: Order | None) -> tuple[str, ...]:
    flags = {
        "interactive": order is not None and order.is_interactive,
        "rpi": trade.trade_type == "RPI",
    }
    return tuple(flag for flag, is_set in flags.items() if is_set)
