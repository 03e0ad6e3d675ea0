"""NautilusTrader's `ExecTester` in a live node on a local exchange."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

from nautilus_trader.model.enums import OrderSide, OrderStatus
from nautilus_trader.model.objects import Price
from nautilus_trader.model.orders import Order
from nautilus_trader.test_kit.strategies.tester_exec import ExecTester, ExecTesterConfig

from paradex_adapter import PARADEX_CLIENT_ID
from paradex_adapter.local_exchange import LocalExchange
from tests.integration.live_node import LiveNode, live_node
from tests.integration.trading_node import BTC, until

MARKET = "BTC-USD-PERP"
QUANTITY = Decimal("0.01")
NO_LIMITS = {"enable_limit_buys": False, "enable_limit_sells": False}


class ClosingTester(ExecTester):
    """An `ExecTester` whose if-touched orders only reduce a position: it has no option for that."""

    def _create_stop_order(
        self,
        order_side: OrderSide,
        trigger_price: Price,
        limit_price: Price | None,
        **_: Any,
    ) -> Order:
        terms = {
            "instrument_id": self.config.instrument_id,
            "order_side": order_side,
            "quantity": self.instrument.make_qty(self.config.order_qty),
            "trigger_price": trigger_price,
            "reduce_only": True,
        }
        if limit_price is None:
            return self.order_factory.market_if_touched(**terms)
        return self.order_factory.limit_if_touched(**terms, price=limit_price)


class Run:
    """A started node with a tester, and the exchange it trades on."""

    def __init__(self, live: LiveNode, tester: ExecTester, exchange: LocalExchange) -> None:
        self.live = live
        self.tester = tester
        self.exchange = exchange

    def orders(self) -> list[Order]:
        """Return the tester's orders, the oldest first."""
        orders = self.live.cache.orders(strategy_id=self.tester.id)
        return sorted(orders, key=lambda order: order.ts_init)

    async def all_are(self, status: OrderStatus, count: int = 1) -> list[Order]:
        """Wait until there are so many orders, all of one status."""
        await until(
            lambda: len(self.orders()) == count and all(o.status == status for o in self.orders()),
            f"{count} orders are {status.name}",
        )
        return self.orders()

    def make_limit(self, side: OrderSide, price: Decimal | str, **options: Any) -> Order:
        """Return a limit order of the tester's."""
        instrument = self.tester.instrument
        return self.tester.order_factory.limit(
            instrument.id,
            side,
            instrument.make_qty(self.tester.config.order_qty),
            instrument.make_price(Decimal(price)),
            **options,
        )

    def limit(self, side: OrderSide, price: Decimal | str, **options: Any) -> Order:
        """Send a limit order through the tester."""
        order = self.make_limit(side, price, **options)
        self.tester.submit_order(order)
        return order


@asynccontextmanager
async def running(exchange: LocalExchange, **options: Any) -> AsyncIterator[Run]:
    """Run a node with a tester that leaves everything as it is when it stops, unless told so.

    ``log_level`` and ``engine`` are the node's, ``tester`` is the class of the tester; the other
    options are the tester's.
    """
    of_node = {name: options.pop(name) for name in ("log_level", "engine") if name in options}
    make = options.pop("tester", ExecTester)
    config = ExecTesterConfig(
        **{
            "instrument_id": BTC,
            "client_id": PARADEX_CLIENT_ID,
            "order_qty": QUANTITY,
            "log_data": False,
            "cancel_orders_on_stop": False,
            "close_positions_on_stop": False,
            **options,
        }
    )
    tester = make(config)
    async with live_node(exchange, trader=tester, **of_node) as live:
        yield Run(live, tester, exchange)


def flow(order: Order) -> list[str]:
    """Return the names of the events of an order, in order."""
    return [type(event).__name__ for event in order.events]


def sent(exchange: LocalExchange, order: Order) -> Any:
    """Return what the venue received of an order."""
    return exchange.received_order(order.client_order_id.value)


def row_of(exchange: LocalExchange, order: Order) -> dict[str, Any]:
    """Return an order as the venue shows it."""
    client_id = order.client_order_id.value
    (row,) = [row for row in exchange.orders() if row["client_id"] == client_id]
    return dict(row)
