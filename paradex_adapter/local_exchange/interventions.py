"""What the venue does to an account without being asked: busts, liquidations, transfers.

Words and figures that the venue does not document are chosen here; each says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_CEILING, Decimal, localcontext
from typing import Final

from paradex_adapter.local_exchange import liquidity
from paradex_adapter.local_exchange.account_records import (
    Liquidation,
    TradeBust,
    Transfer,
    transaction_hash,
)
from paradex_adapter.local_exchange.accounts import Account, Fill
from paradex_adapter.local_exchange.amounts import MONEY, ZERO
from paradex_adapter.local_exchange.book import opposite
from paradex_adapter.local_exchange.markets import OPTION_FEE, Market
from paradex_adapter.local_exchange.orders import Order
from paradex_adapter.local_exchange.payments import BalanceEvent, FundingPayment
from paradex_adapter.local_exchange.protecting_engine import ProtectingEngine
from paradex_adapter.local_exchange.reversal import Reverted, revert, undo

IN_LIQUIDATION: Final = "IN_LIQUIDATION"
DELEVERAGE: Final = "DELEVERAGE"
#: Of an order that was filled and is not any more. The venue's word for it is not known.
BUSTED: Final = "TRADE_BUSTED"
#: The share of the maintenance margin that a liquidation costs: ``liquidation_fee`` of
#: ``GET /system/config``.
LIQUIDATION_FEE: Final = Decimal("0.20")
#: How balance events call what is no fill, and a fill that was reverted. The venue's words for them
#: are not known; the last one is of its list of states of a transaction.
TRANSFER_EVENTS: Final = {
    "DEPOSIT": "TRANSACTION_DEPOSIT",
    "WITHDRAWAL": "TRANSACTION_WITHDRAWAL",
}
REVERTED: Final = "REVERTED"


class InterventionEngine(ProtectingEngine):
    """The matching engine of a venue that also acts on the accounts itself."""

    def process(self, order: Order) -> None:
        """Take an order, unless its account is being liquidated."""
        if order.status == "NEW" and self._accounts[order.account].status != "ACTIVE":
            self._reject(order, IN_LIQUIDATION)
            self._publish(self._markets[order.market])
            return
        super().process(order)

    # --- Fills beside the book ----------------------------------------------------------------

    def fill_beside(
        self,
        account: Account,
        counterparty: Account,
        market: Market,
        side: str,
        size: Decimal,
        price: Decimal,
        fill_type: str,
        rate: Decimal,
    ) -> Fill:
        """Let two accounts trade beside the book; the fee at a rate is the first one's.

        Neither fill has an order: its ``order_id`` is empty, and its book sequence is 0.
        """
        with localcontext(MONEY):
            trade = self._books.print_trade(market, side, price, size, fill_type, seq_no=0)
            for one, other, own_side, paid in (
                (account, counterparty, side, rate),
                (counterparty, account, opposite(side), ZERO),
            ):
                self._books.book(
                    one, market, trade, own_side, "TAKER", paid, counterparty=other.address
                )
            fill = self._books.effects.fills[0]
            self._publish(market)
        return fill

    # --- Liquidation and deleveraging ---------------------------------------------------------

    def set_status(self, account: Account, status: str) -> None:
        """Change an account's status and tell it."""
        account.status = status
        self._books.effects.accounts[account.address] = account
        self._tell()

    def liquidate(
        self, account: Account, house: Account, markets: Iterable[Market], share: Decimal
    ) -> list[Fill]:
        """Cancel an account's orders and let the venue take over a share of its positions.

        It takes them at the mark price. Sizes are rounded up to the step.
        """
        self.set_status(account, "LIQUIDATION")
        self.cancel_orders(list(account.open_orders.values()), IN_LIQUIDATION)
        fills = []
        for market in markets:
            held = account.position_size(market.symbol)
            with localcontext(MONEY):
                steps = (abs(held) * share / market.rules.step).to_integral_value(ROUND_CEILING)
                size = min(abs(held), steps * market.rules.step)
            if size:
                side = "SELL" if held > 0 else "BUY"
                fills.append(
                    self.fill_beside(
                        account,
                        house,
                        market,
                        side,
                        size,
                        market.mark_price,
                        "LIQUIDATION",
                        _liquidation_rate(market),
                    )
                )
        ordinal = self._clock.sequence_no()
        liquidated = transaction_hash(f"{account.address}:{ordinal}")
        account.liquidations.append(Liquidation(liquidated, self._clock.now_ms()))
        return fills

    def deleverage(self, account: Account) -> list[Order]:
        """Cancel the orders that would take on risk, and return them."""
        raising = [o for o in account.open_orders.values() if _raises_risk(o, account)]
        self.cancel_orders(raising, DELEVERAGE)
        return raising

    def cancel_orders(self, orders: Iterable[Order], reason: str) -> None:
        """Close orders, each as a change of its own."""
        for order in orders:
            self.cancel(order, reason)

    # --- Busts --------------------------------------------------------------------------------

    def bust(self, fill: Fill) -> None:
        """Revert both sides of a trade.

        Raises
        ------
        ValueError
            When the fill has no other side, was reverted already, or its market has ended.
        """
        if not fill.counterparty:
            raise ValueError(f"{fill.fill_type} {fill.id} has no other side that could be reverted")
        if fill.ordinal in self._accounts[fill.account].busted:
            raise ValueError(f"{fill.fill_type} {fill.id} is busted already")
        market, other = self._markets[fill.market], self._accounts[fill.counterparty]
        if not market.is_listed:
            raise ValueError(f"{fill.market} is settled")
        with localcontext(MONEY):
            self._bust_side(fill, market)
            mirrored = (
                each
                for each in other.fills
                if (each.market, each.trade_id) == (fill.market, fill.trade_id)
            )
            mirror = next(mirrored, None)
            if mirror is not None:
                self._bust_side(mirror, market)
            else:
                undo(fill, other, market, opposite(self._own_side(fill)), self._clock.now_ms())
            self._publish(market)

    def _own_side(self, fill: Fill) -> str:
        is_other = self._books.is_fill_side_of_taker and fill.liquidity == "MAKER"
        return opposite(fill.side) if is_other else fill.side

    def _bust_side(self, fill: Fill, market: Market) -> None:
        """Revert one side. The fill itself stays listed: whether the venue drops it is not known.

        The price and size that its order has left come back to it. One that is still open works on
        with them, behind those at its price; one that was closed stays closed.
        """
        account, effects = self._accounts[fill.account], self._books.effects
        now_ms, before = self._clock.now_ms(), account.cash
        reverted = revert(fill, account, market, self._own_side, now_ms)
        order = account.orders.get(fill.order_id)
        if order is not None:
            self._give_back(order, fill, market)
        if market.symbol in account.positions:
            position = account.positions[market.symbol]
            position.seq_no = self._clock.sequence_no()
            effects.positions[f"{account.address}-{market.symbol}"] = (account, position)
        effects.accounts[account.address] = account
        bust = TradeBust(self._clock.sequence_no(), account.address, fill.id, now_ms)
        account.busts.append(bust)
        effects.busts.append(bust)
        effects.balance_events.append(_bust_event(fill, before, account, reverted, now_ms))
        if reverted.funding:
            payment = FundingPayment(
                ordinal=self._books.next_ordinal(),
                id=account.payment_ids.next(),
                account=account.address,
                market=market.symbol,
                payment=reverted.funding,
                index=fill.funding_index,
                fill_id=fill.id,
                created_at=now_ms,
            )
            account.payments.append(payment)
            effects.payments.append(payment)

    def _give_back(self, order: Order, fill: Fill, market: Market) -> None:
        is_open = order.status == "OPEN"
        if is_open:
            liquidity.unrest(order, market)
        order.remaining += fill.size
        order.filled_notional -= fill.size * fill.price
        if is_open:
            liquidity.rest(order, market)
        else:
            order.cancel_reason = order.cancel_reason or BUSTED
        self._touch(order)

    # --- Transfers ----------------------------------------------------------------------------

    def transfer(self, account: Account, kind: str, amount: Decimal, failure_reason: str) -> str:
        """Let USDC come or go: told as pending, then as completed or failed; return its id."""
        now_ms = self._clock.now_ms()
        transfer = Transfer(
            ordinal=self._clock.sequence_no(),
            id=account.transfer_ids.next(),
            account=account.address,
            kind=kind,
            amount=amount,
            created_at=now_ms,
            last_updated_at=now_ms,
        )
        account.transfers.append(transfer)
        self._books.effects.transfers.append(transfer)
        self._tell()
        effects = self._books.effects
        transfer.status = "FAILED" if failure_reason else "COMPLETED"
        transfer.failure_reason = failure_reason
        transfer.last_updated_at = self._clock.now_ms()
        effects.transfers.append(transfer)
        if not failure_reason:
            before = account.cash
            account.cash = MONEY.add(before, transfer.cash)
            effects.balance_events.append(_transfer_event(transfer, before, account))
            effects.accounts[account.address] = account
        self._tell()
        return transfer.id

    def _tell(self) -> None:
        """Tell what was done to no market."""
        self._books.take_effects().tell(
            self._listener, self._clock, None, is_order_before_fill=self._is_order_before_fill
        )


def _liquidation_rate(market: Market) -> Decimal:
    # Nothing is said of options; theirs is the fee of a trade.
    rules = market.rules
    return OPTION_FEE if rules.is_option else rules.imf_base * rules.mmf_factor * LIQUIDATION_FEE


def _raises_risk(order: Order, account: Account) -> bool:
    if order.is_reduce_only or order.status not in ("NEW", "OPEN"):
        return False
    held = account.position_size(order.market)
    signed = order.remaining if order.side == "BUY" else -order.remaining
    return held * signed >= 0 or order.remaining > abs(held)


def _bust_event(
    fill: Fill, before: Decimal, account: Account, reverted: Reverted, now_ms: int
) -> BalanceEvent:
    return BalanceEvent(
        account=account.address,
        fill_id=fill.id,
        market=fill.market,
        before=before,
        after=account.cash,
        funding_index=fill.funding_index,
        realized_pnl=reverted.realized,
        realized_funding=reverted.funding,
        fees=-reverted.fee,
        created_at=now_ms,
        status=REVERTED,
    )


def _transfer_event(transfer: Transfer, before: Decimal, account: Account) -> BalanceEvent:
    return BalanceEvent(
        account=account.address,
        fill_id="",
        market="",
        before=before,
        after=account.cash,
        funding_index=ZERO,
        realized_pnl=ZERO,
        realized_funding=ZERO,
        fees=ZERO,
        created_at=transfer.last_updated_at,
        kind=TRANSFER_EVENTS[transfer.kind],
    )
