"""Every command a strategy can give, at random."""

from decimal import Decimal
from random import Random
from typing import Any

from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.enums import ContingencyType, OrderSide, OrderType, TimeInForce
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import LimitOrder, Order, OrderList

from paradex_adapter.local_exchange import LocalExchange
from tests.integration.live_node import Watcher
from tests.integration.trading_node import BTC, ETH

STP_MODES = ["EXPIRE_MAKER", "EXPIRE_TAKER", "EXPIRE_BOTH"]
# How far from the middle of the book prices are meant, in its parts.
STEP = Decimal("0.0001")
KINDS_IF_TOUCHED = (OrderType.MARKET_IF_TOUCHED, OrderType.LIMIT_IF_TOUCHED)
KINDS = [OrderType.STOP_MARKET, OrderType.STOP_LIMIT, *KINDS_IF_TOUCHED]


class RandomCommands:
    """Gives commands as a strategy.

    Parameters
    ----------
    trader : Watcher
        The strategy.
    exchange : LocalExchange
        Where the prices are.
    rng : Random
        Chooses.

    Attributes
    ----------
    orders : list[Order]
        What the strategy made.
    """

    def __init__(self, trader: Watcher, exchange: LocalExchange, rng: Random) -> None:
        self.trader = trader
        self.exchange = exchange
        self.rng = rng
        self.orders: list[Order] = []
        # A name once for each of ten times.
        self.kinds = [
            *(self.market, self.limit, self.limit, self.limit, self.conditional, self.conditional),
            *(self.some_at_once, self.bracket, self.pair),
            *(self.modify, self.modify, self.modify, self.cancel, self.cancel),
            *(self.cancel_all, self.cancel_some, self.query),
        ]

    def command(self) -> None:
        """Give one."""
        self.rng.choice(self.kinds)()

    # -- new orders -------------------------------------------------------------------------------

    def market(self) -> None:
        self._submit(
            self.trader.order_factory.market(*self._about(), reduce_only=self.rng.random() < 0.3),
            vwap=True,
        )

    def limit(self) -> None:
        self._submit(self._make_limit())

    def conditional(self) -> None:
        instrument_id, side, quantity = self._about()
        kind = self.rng.choice(KINDS)
        options: dict[str, Any] = {"reduce_only": self.rng.random() < 0.3}
        # A rise triggers a stop to buy, and takes the profit of what is to be sold.
        sign = 1 if side == OrderSide.BUY else -1
        if kind in KINDS_IF_TOUCHED:
            options["reduce_only"] = True
            sign = -sign
        steps = self.rng.choice([1, 2, 4, 10, 50])
        options["trigger_price"] = self._price(instrument_id, sign * steps)
        if kind in (OrderType.STOP_LIMIT, OrderType.LIMIT_IF_TOUCHED):
            away = self.rng.choice([-6, -2, 0, 2, 10])
            options["price"] = self._price(instrument_id, sign * steps + away)
        factory = self.trader.order_factory
        make = {
            OrderType.STOP_MARKET: factory.stop_market,
            OrderType.STOP_LIMIT: factory.stop_limit,
            OrderType.MARKET_IF_TOUCHED: factory.market_if_touched,
            OrderType.LIMIT_IF_TOUCHED: factory.limit_if_touched,
        }[kind]
        self._submit(make(instrument_id, side, quantity, **options))

    def some_at_once(self) -> None:
        orders = [self._make_limit(BTC) for _ in range(self.rng.randint(2, 13))]
        self._submit_list(self.trader.order_factory.create_list(orders))

    def bracket(self) -> None:
        instrument_id, side, quantity = self._about()
        sign = 1 if side == OrderSide.BUY else -1
        options: dict[str, Any] = {
            "sl_trigger_price": self._price(instrument_id, -sign * self.rng.choice([2, 5, 30])),
            "tp_price": self._price(instrument_id, sign * self.rng.choice([2, 5, 30])),
            "tp_post_only": self.rng.random() < 0.5,
            "contingency_type": self.rng.choice([ContingencyType.OUO, ContingencyType.OCO]),
        }
        if self.rng.random() < 0.3:
            options["tp_order_type"] = OrderType.LIMIT_IF_TOUCHED
            options["tp_trigger_price"] = options["tp_price"]
            options["tp_post_only"] = False
        if self.rng.random() < 0.7:
            options["entry_order_type"] = OrderType.LIMIT
            options["entry_price"] = self._price(instrument_id, sign * self.rng.choice([1, 0, -2]))
        made = self.trader.order_factory.bracket(instrument_id, side, quantity, **options)
        self._submit_list(made)

    def pair(self) -> None:
        """Submit two orders of which the first to fill or end cancels or shrinks the other."""
        instrument_id, _, quantity = self._about()
        factory = self.trader.order_factory
        ids = [factory.generate_client_order_id() for _ in range(2)]
        list_id = factory.generate_order_list_id()
        contingency_type = self.rng.choice([ContingencyType.OCO, ContingencyType.OUO])
        orders = [
            LimitOrder(
                trader_id=self.trader.trader_id,
                strategy_id=self.trader.id,
                instrument_id=instrument_id,
                client_order_id=client_order_id,
                order_side=side,
                quantity=quantity,
                price=self._price(instrument_id, sign * self.rng.choice([1, 3, 20])),
                init_id=UUID4(),
                ts_init=self.trader.clock.timestamp_ns(),
                contingency_type=contingency_type,
                order_list_id=list_id,
                linked_order_ids=[other],
            )
            for client_order_id, other, side, sign in [
                (ids[0], ids[1], OrderSide.BUY, -1),
                (ids[1], ids[0], OrderSide.SELL, 1),
            ]
        ]
        self._submit_list(OrderList(list_id, orders))

    # -- changes, cancels, questions --------------------------------------------------------------

    def modify(self) -> None:
        order = self._pick_open()
        if order is None:
            return
        rng = self.rng
        quantity = price = trigger_price = None
        if rng.random() < 0.6:
            quantity = self._quantity(order.instrument_id)
        if order.has_price and rng.random() < 0.7:
            sign = -1 if order.side == OrderSide.BUY else 1
            price = self._price(order.instrument_id, sign * rng.choice([-3, 1, 4, 20]))
        if order.has_trigger_price and rng.random() < 0.7:
            sign = 1 if order.side == OrderSide.BUY else -1
            sign = -sign if order.order_type in KINDS_IF_TOUCHED else sign
            trigger_price = self._price(order.instrument_id, sign * rng.choice([1, 3, 20]))
        if quantity is not None or price is not None or trigger_price is not None:
            self.trader.modify_order(order, quantity, price, trigger_price)

    def cancel(self) -> None:
        order = self._pick_open()
        if order is not None:
            self.trader.cancel_order(order)

    def cancel_all(self) -> None:
        sides = [OrderSide.BUY, OrderSide.SELL, OrderSide.NO_ORDER_SIDE]
        self.trader.cancel_all_orders(self.rng.choice([BTC, ETH]), self.rng.choice(sides))

    def cancel_some(self) -> None:
        found = [order for order in self._not_over() if order.instrument_id == BTC]
        if found:
            number = min(len(found), self.rng.randint(1, 13))
            self.trader.cancel_orders(self.rng.sample(found, number))

    def query(self) -> None:
        if self.orders:
            self.trader.query_order(self.rng.choice(self.orders[-30:]))

    # -- parts ------------------------------------------------------------------------------------

    def _make_limit(self, instrument_id: InstrumentId | None = None) -> LimitOrder:
        instrument_id, side, quantity = self._about(instrument_id)
        away = -1 if side == OrderSide.BUY else 1
        options: dict[str, Any] = {"reduce_only": self.rng.random() < 0.2}
        steps = self.rng.choice([-4, -1, 1, 1, 2, 4, 20])
        kind = self.rng.randrange(5)
        if kind == 0:
            options["time_in_force"] = TimeInForce.IOC
        elif kind == 1:
            options["post_only"] = True
        price = self._price(instrument_id, away * steps)
        return self.trader.order_factory.limit(instrument_id, side, quantity, price, **options)

    def _about(
        self, instrument_id: InstrumentId | None = None
    ) -> tuple[InstrumentId, OrderSide, Quantity]:
        instrument_id = instrument_id or self.rng.choice([BTC, BTC, BTC, ETH])
        side = self.rng.choice([OrderSide.BUY, OrderSide.SELL])
        return instrument_id, side, self._quantity(instrument_id)

    def _quantity(self, instrument_id: InstrumentId) -> Quantity:
        instrument = self.trader.cache.instrument(instrument_id)
        return instrument.make_qty(Decimal(self.rng.randint(1, 30)) / 500)

    def _price(self, instrument_id: InstrumentId, steps: int) -> Price:
        book = self.exchange.order_book(instrument_id.symbol.value)
        middle = (Decimal(book["bids"][0][0]) + Decimal(book["asks"][0][0])) / 2
        instrument = self.trader.cache.instrument(instrument_id)
        ticks = round(middle * (1 + steps * STEP) / instrument.price_increment.as_decimal())
        return instrument.make_price(ticks * instrument.price_increment.as_decimal())

    def _submit(self, order: Order, *, vwap: bool = False) -> None:
        params: dict[str, Any] = {}
        if self.rng.random() < 0.3:
            params["stp"] = self.rng.choice(STP_MODES)
        if vwap and self.rng.random() < 0.2:
            sign = 1 if order.side == OrderSide.BUY else -1
            params["vwap_price"] = self._price(order.instrument_id, 50 * sign).as_decimal()
        self.orders.append(order)
        self.trader.submit_order(order, params=params)

    def _submit_list(self, made: OrderList) -> None:
        self.orders.extend(made.orders)
        self.trader.submit_order_list(made)

    def _not_over(self) -> list[Order]:
        return [order for order in self.orders if not order.is_closed]

    def _pick_open(self) -> Order | None:
        found = self._not_over()[-20:]
        return self.rng.choice(found) if found else None
