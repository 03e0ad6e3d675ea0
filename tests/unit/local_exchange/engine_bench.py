"""An engine without a network: accounts, one market, and a listener that keeps what it hears."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from paradex_adapter.local_exchange.account_records import TradeBust, Transfer
from paradex_adapter.local_exchange.accounts import Account, Fill
from paradex_adapter.local_exchange.book import BookChange
from paradex_adapter.local_exchange.interventions import InterventionEngine
from paradex_adapter.local_exchange.markets import DEFAULT_MARKETS, Market, Trade
from paradex_adapter.local_exchange.order_types import condition
from paradex_adapter.local_exchange.orders import ModifyRequest, Order
from paradex_adapter.local_exchange.payments import BalanceEvent, FundingPayment
from paradex_adapter.local_exchange.positions import Position
from paradex_adapter.local_exchange.sequences import Clock

SYMBOL = "BTC-USD-PERP"
SEED = 5


@dataclass
class Heard:
    """Keeps every event; replays deltas into a book of its own."""

    trades: list[Trade] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    changes: list[BookChange] = field(default_factory=list)
    orders: list[tuple[str, str, str, Decimal]] = field(default_factory=list)
    positions: list[tuple[str, Decimal]] = field(default_factory=list)
    accounts: list[str] = field(default_factory=list)
    payments: list[FundingPayment] = field(default_factory=list)
    balances: list[BalanceEvent] = field(default_factory=list)
    busts: list[TradeBust] = field(default_factory=list)
    transfers: list[tuple[str, str]] = field(default_factory=list)
    protections: list[dict[str, object]] = field(default_factory=list)
    levels: dict[tuple[str, Decimal], Decimal] = field(default_factory=dict)

    def on_trade(self, trade: Trade) -> None:
        self.trades.append(trade)

    def on_book(self, market: Market, change: BookChange) -> None:
        self.changes.append(change)
        for side, levels in (("BUY", change.bids), ("SELL", change.asks)):
            for price, size in levels:
                if size:
                    self.levels[(side, price)] = size
                else:
                    self.levels.pop((side, price), None)

    def on_fill(self, fill: Fill) -> None:
        self.fills.append(fill)

    def on_order(self, order: Order) -> None:
        self.orders.append((order.id, order.status, order.cancel_reason, order.remaining))

    def on_position(self, account: Account, position: Position) -> None:
        self.positions.append((account.address, position.size))

    def on_payment(self, payment: FundingPayment) -> None:
        self.payments.append(payment)

    def on_balance(self, event: BalanceEvent) -> None:
        self.balances.append(event)

    def on_bust(self, bust: TradeBust) -> None:
        self.busts.append(bust)

    def on_transfer(self, transfer: Transfer) -> None:
        self.transfers.append((transfer.id, transfer.status))

    def on_protection(self, event: dict[str, object]) -> None:
        self.protections.append(event)

    def on_account(self, account: Account) -> None:
        self.accounts.append(account.address)


class Bench:
    """One market at 90000 with empty books and accounts of 100000 USDC: 0xa, 0xb, 0xc."""

    def __init__(self, cash: str = "100000") -> None:
        self.clock = Clock()
        self.market = Market.listed(DEFAULT_MARKETS[0], SEED)
        self.accounts = {
            address: Account(address, 1, Decimal(cash), SEED, 0, label=address)
            for address in ("0xa", "0xb", "0xc")
        }
        self.heard = Heard()
        # When each order last joined a queue, by a count of its own.
        self.queued: dict[str, int] = {}
        self.engine = InterventionEngine(
            {SYMBOL: self.market}, self.accounts, self.clock, self.heard
        )

    def order(
        self,
        account: str,
        side: str,
        size: str | Decimal,
        price: str | Decimal = "0",
        *,
        instruction: str = "GTC",
        flags: tuple[str, ...] = (),
        kind: str = "",
        trigger: str | Decimal | None = None,
        **more: Any,
    ) -> Order:
        """Place an order, a market order where there is no price, and return it as it ends."""
        kind = kind or ("LIMIT" if Decimal(price) else "MARKET")
        order = Order(
            ordinal=self.engine.next_ordinal(),
            id=self.accounts[account].order_ids.next(),
            account=account,
            market=SYMBOL,
            side=side,
            type=kind,
            instruction=instruction if Decimal(price) else "IOC",
            size=Decimal(size),
            remaining=Decimal(size),
            price=Decimal(price),
            client_id="",
            flags=(*flags, *condition(kind, side)),
            trigger_price=None if trigger is None else Decimal(trigger),
            stp=more.pop("stp", "EXPIRE_TAKER"),
            timestamp=1,
            received_at=1,
            created_at=1,
            last_updated_at=1,
            seq_no=1,
            **more,
        )
        self.accounts[account].keep(order)
        self.queued[order.id] = len(self.heard.orders)
        self.engine.process(order)
        return order

    def mark(self, price: str | Decimal) -> None:
        """Move the mark price."""
        self.market.mark_price = Decimal(price)
        self.engine.trigger(self.market)

    def modify(
        self, order: Order, size: Decimal, price: Decimal, trigger: Decimal | None = None
    ) -> bool:
        """Change an order and return whether that was accepted."""
        order.modify_request = ModifyRequest("1")
        queued = len(self.heard.orders)
        self.engine.modify(order, size, price, trigger)
        is_accepted = order.modify_request.status == "SUCCESS"
        if is_accepted:
            self.queued[order.id] = queued
        return is_accepted

    def held(self, account: str) -> Decimal:
        return self.accounts[account].position_size(SYMBOL)

    def ended(self, order: Order) -> tuple[str, str, Decimal]:
        return order.status, order.cancel_reason, order.remaining
