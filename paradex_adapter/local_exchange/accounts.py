"""Accounts: keys, cash, positions, orders, fills and margin."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Final

from paradex_adapter.local_exchange.account_records import Liquidation, TradeBust, Transfer
from paradex_adapter.local_exchange.amounts import AVERAGE_STEP, MONEY, ZERO, amount_text
from paradex_adapter.local_exchange.margins import Requirement, requirement
from paradex_adapter.local_exchange.market_maker_protection import Protection
from paradex_adapter.local_exchange.markets import MAKER_FEE, OPTION_FEE, TAKER_FEE, Market
from paradex_adapter.local_exchange.orders import Order
from paradex_adapter.local_exchange.payments import FILL_EVENTS, BalanceEvent, FundingPayment
from paradex_adapter.local_exchange.positions import Position
from paradex_adapter.local_exchange.sequences import Identifiers

ORDERS_KEPT_MAX: Final = 200_000
FILLS_KEPT_MAX: Final = 200_000
PAYMENTS_KEPT_MAX: Final = 100_000
#: Of each: busts, liquidations and transfers.
RECORDS_KEPT_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class Fill:
    """One side of one trade."""

    ordinal: int
    id: str
    trade_id: str
    account: str
    market: str
    order_id: str
    client_id: str
    side: str
    liquidity: str
    price: Decimal
    size: Decimal
    remaining: Decimal
    fee: Decimal
    realized_pnl: Decimal
    underlying_price: Decimal
    fill_type: str
    created_at: int
    seq_no: int
    realized_funding: Decimal = ZERO
    #: The other account of the trade, and the funding index it happened at; neither is told.
    counterparty: str = ""
    funding_index: Decimal = ZERO
    flags: tuple[str, ...] = ()
    fee_currency: str = "USDC"

    def response(self) -> dict[str, object]:
        """Return the fill as REST and the JSON channel show it."""
        return {
            "id": self.id,
            "account": self.account,
            "market": self.market,
            "order_id": self.order_id,
            "client_id": self.client_id,
            "side": self.side,
            "liquidity": self.liquidity,
            "price": amount_text(self.price),
            "size": amount_text(self.size),
            "remaining_size": amount_text(self.remaining),
            "fee": amount_text(self.fee),
            "fee_currency": self.fee_currency,
            "fill_type": self.fill_type,
            "flags": list(self.flags),
            "realized_pnl": amount_text(self.realized_pnl),
            "realized_funding": amount_text(self.realized_funding),
            "underlying_price": amount_text(self.underlying_price),
            "orderbook_seq_no": self.seq_no,
            "created_at": self.created_at,
        }


@dataclass(frozen=True, slots=True)
class Margin:
    """What an account is worth and what its positions and orders require, in USDC."""

    collateral: Decimal
    value: Decimal
    initial: Decimal
    maintenance: Decimal
    #: What the tokens held are worth: part of the value, and no collateral.
    tokens: Decimal = ZERO

    @property
    def free(self) -> Decimal:
        """Value in excess of the initial margin, but for tokens."""
        return self.value - self.tokens - self.initial

    @property
    def cushion(self) -> Decimal:
        """Value in excess of the maintenance margin."""
        return self.value - self.tokens - self.maintenance


class Account:
    """One account of the exchange.

    An account that is not recorded (the simulated market makers) forgets its closed orders and its
    fills.
    """

    def __init__(
        self, address: str, public_key: int, cash: Decimal, seed: int, now_ms: int, label: str
    ) -> None:
        self.address = address
        self.public_key = public_key
        self.subkeys: set[int] = set()
        # Of an account whose main key is an Ethereum key, which has no Stark public key.
        self.ethereum_address = ""
        # Whether it may place orders for retail takers only.
        self.is_rpi_allowed = False
        self.protection = Protection(address)
        # The accounts that hold isolated positions for this one, by address, and of which market.
        self.isolated: dict[str, tuple[Account, str]] = {}
        self.is_recorded = True
        # ACTIVE or LIQUIDATION.
        self.status = "ACTIVE"
        self.cash = cash
        self.created_at = now_ms
        self.updated_at = now_ms
        self.seq_no = 0
        self.positions: dict[str, Position] = {}
        # What was bought on spot markets, by market: balances, and no positions.
        self.tokens: dict[str, Position] = {}
        self.orders: dict[str, Order] = {}
        self.open_orders: dict[str, Order] = {}
        self.client_ids: dict[str, Order] = {}
        self.fills: deque[Fill] = deque(maxlen=FILLS_KEPT_MAX)
        self.payments: deque[FundingPayment] = deque(maxlen=PAYMENTS_KEPT_MAX)
        # The ordinals of the fills that were reverted.
        self.busted: set[int] = set()
        self.busts: deque[TradeBust] = deque(maxlen=RECORDS_KEPT_MAX)
        self.liquidations: deque[Liquidation] = deque(maxlen=RECORDS_KEPT_MAX)
        self.transfers: deque[Transfer] = deque(maxlen=RECORDS_KEPT_MAX)
        self.maker_fee = MAKER_FEE
        self.taker_fee = TAKER_FEE
        # What was chosen, by market.
        self.leverages: dict[str, int] = {}
        self.max_slippages: dict[str, Decimal] = {}
        self.order_ids = Identifiers(seed, f"orders:{label}")
        self.payment_ids = Identifiers(seed, f"payments:{label}")
        self.transfer_ids = Identifiers(seed, f"transfers:{label}")
        self._seed_label = (seed, f"fills:{label}")
        self._fill_ids: dict[str, Identifiers] = {}

    def holds_key(self, public_key: int) -> bool:
        """Return whether a key may sign for this account."""
        return public_key == self.public_key or public_key in self.subkeys

    def next_fill_id(self, fill_type: str) -> str:
        """Return a fill id, unique among the fills of its type only, as at the venue."""
        if fill_type not in self._fill_ids:
            self._fill_ids[fill_type] = Identifiers(*self._seed_label)
        return self._fill_ids[fill_type].next(1)

    def holding(self, market: Market, now_ms: int) -> Position:
        """Return the position in a market, or the token bought there, opening an empty one."""
        holdings = self.tokens if market.rules.kind == "SPOT" else self.positions
        if market.symbol not in holdings:
            holdings[market.symbol] = Position(self.address, market.symbol, created_at=now_ms)
        return holdings[market.symbol]

    def position_size(self, market: str) -> Decimal:
        """Return the signed size held in a market, whether a position or a token."""
        position = self.positions.get(market) or self.tokens.get(market)
        return position.size if position else ZERO

    def rate(self, market: Market, liquidity: str) -> Decimal:
        """Return the fee rate of a fill."""
        if market.rules.is_option:
            return OPTION_FEE
        return self.maker_fee if liquidity == "MAKER" else self.taker_fee

    def keep(self, order: Order) -> None:
        """Enter a new order."""
        self.open_orders[order.id] = order
        if not self.is_recorded:
            return
        self.orders[order.id] = order
        if order.client_id:
            self.client_ids[order.client_id] = order
        if len(self.orders) > ORDERS_KEPT_MAX:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        oldest = next((o for o in self.orders.values() if o.id not in self.open_orders), None)
        if oldest is not None:
            del self.orders[oldest.id]
            self.client_ids.pop(oldest.client_id, None)

    def working_size(self, market: str, side: str) -> Decimal:
        """Return what this account's live orders of a side could still trade."""
        return sum(
            (o.remaining for o in self.open_orders.values() if _is_working(o, market, side)), ZERO
        )

    def margin(self, markets: Mapping[str, Market]) -> Margin:
        """Return value and margin at the mark prices."""
        with localcontext(MONEY):
            value, initial, maintenance, tokens = self.cash, ZERO, ZERO, ZERO
            for symbol in self._margined_markets():
                market = markets[symbol]
                bound = self._requirement(market)
                initial += bound.initial
                maintenance += bound.maintenance
                if symbol in self.positions:
                    position = self.positions[symbol]
                    value += position.unrealized(market.mark_price)
                    value += position.unrealized_funding(market.funding_index)
            for symbol, token in self.tokens.items():
                tokens += token.size * markets[symbol].mark_price
            return Margin(self.cash, value + tokens, initial, maintenance, tokens)

    def _requirement(self, market: Market) -> Requirement:
        symbol = market.symbol
        buys, sells = self.working_size(symbol, "BUY"), self.working_size(symbol, "SELL")
        if market.rules.kind == "SPOT":
            # Paid in full, at the limit where there is one.
            orders = (o for o in self.open_orders.values() if _is_working(o, symbol, "BUY"))
            cost = sum((o.remaining * (o.price or market.mark_price) for o in orders), ZERO)
            return Requirement(cost * (1 + self.taker_fee), ZERO)
        held = self.position_size(symbol)
        leverage = self.leverages.get(symbol)
        return requirement(market, held, buys, sells, self.taker_fee, leverage)

    def _margined_markets(self) -> Iterable[str]:
        held = (symbol for symbol, position in self.positions.items() if position.size)
        return dict.fromkeys((*held, *(order.market for order in self.open_orders.values())))

    def summary_response(self, markets: Mapping[str, Market]) -> dict[str, object]:
        """Return the body of ``GET /account``."""
        margin = self.margin(markets)
        return {
            "account": self.address,
            "account_value": _cents(margin.value),
            "free_collateral": _cents(margin.free),
            "initial_margin_requirement": _cents(margin.initial),
            "maintenance_margin_requirement": _cents(margin.maintenance),
            "margin_cushion": _cents(margin.cushion),
            "total_collateral": _cents(margin.collateral),
            "settlement_asset": "USDC",
            "status": self.status,
            "seq_no": self.seq_no,
            "last_seen_notification": 0,
            "updated_at": self.updated_at,
        }

    def balance_response(self, usdc_price: Decimal) -> dict[str, object]:
        """Return the entry of ``GET /balance``."""
        with localcontext(MONEY):
            return {
                "token": "USDC",
                "size": amount_text(self.cash),
                "cost": amount_text(self.cash.quantize(AVERAGE_STEP)),
                "cost_usd": _cents(self.cash * usdc_price),
                "average_entry_price": "1",
                "average_entry_price_usd": amount_text(usdc_price),
                "last_updated_at": self.updated_at,
            }

    def tokens_response(self, markets: Mapping[str, Market]) -> list[dict[str, object]]:
        """Return the entries of the tokens in ``GET /balance``."""
        with localcontext(MONEY):
            return [
                {
                    "token": markets[symbol].rules.base,
                    "size": amount_text(token.size),
                    "cost": amount_text(token.cost.quantize(AVERAGE_STEP)),
                    "cost_usd": amount_text(token.cost.quantize(AVERAGE_STEP)),
                    "average_entry_price": amount_text(token.last_entry),
                    "average_entry_price_usd": amount_text(token.last_entry),
                    "last_updated_at": token.last_updated_at,
                }
                for symbol, token in self.tokens.items()
            ]

    def info_response(self) -> dict[str, object]:
        """Return the entry of ``GET /account/info``."""
        maker, taker = amount_text(self.maker_fee), amount_text(self.taker_fee)
        option = amount_text(OPTION_FEE)
        return {
            "account": self.address,
            "kind": "main",
            "parent_account": "",
            "isolated_market": "",
            "public_key": hex(self.public_key),
            "username": "",
            "derivation_path": "",
            "created_at": self.created_at,
            "has_ecosystem_nft": False,
            "fees": {
                "maker_rate": maker,
                "taker_rate": taker,
                "spot_maker_rate": maker,
                "spot_taker_rate": taker,
                "perp_option_maker_rate": option,
                "perp_option_taker_rate": option,
                "dated_option_maker_rate": option,
                "dated_option_taker_rate": option,
                "commission_rate": "0",
                "discount_rate": "0",
            },
            "volume_tiers": {"perp": {"tier": "1", "volume": "0"}},
        }


def balance_event(fill: Fill, before: Decimal, account: Account, market: Market) -> BalanceEvent:
    """Return what a fill just settled did to the account's cash."""
    return BalanceEvent(
        account=fill.account,
        fill_id=fill.id,
        market=fill.market,
        before=before,
        after=account.cash,
        funding_index=market.funding_index,
        realized_pnl=fill.realized_pnl,
        realized_funding=fill.realized_funding,
        fees=fill.fee if fill.fee_currency == "USDC" else ZERO,
        created_at=fill.created_at,
        kind=FILL_EVENTS.get(fill.fill_type, "TRANSACTION_FILL"),
    )


def funding_payment(fill: Fill, account: Account, market: Market) -> FundingPayment:
    """Enter the funding that a fill realized among the account's payments."""
    payment = FundingPayment(
        ordinal=fill.ordinal,
        id=account.payment_ids.next(),
        account=fill.account,
        market=fill.market,
        payment=fill.realized_funding,
        index=market.funding_index,
        fill_id=fill.id,
        created_at=fill.created_at,
    )
    account.payments.append(payment)
    return payment


def _is_working(order: Order, market: str, side: str) -> bool:
    # Reduce-only orders cannot raise the position, so they bind no margin; those that wait for
    # their trigger bind it then.
    is_bound = not (order.is_reduce_only or order.is_waiting)
    return order.market == market and order.side == side and is_bound


def _cents(amount: Decimal) -> str:
    return amount_text(amount.quantize(AVERAGE_STEP, context=MONEY))
