"""NautilusTrader's `ExecTester` in a live node on a local exchange."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

from nautilus_trader.model.enums import OrderSide, OrderStatus, OrderType
from nautilus_trader.model.identifiers import InstrumentId
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
BUY, SELL = OrderSide.BUY, OrderSide.SELL
SENT = ["OrderInitialized", "OrderSubmitted"]
ACCEPTED = [*SENT, "OrderAccepted"]
FILLED = [*ACCEPTED, "OrderFilled"]
CANCELED = [*ACCEPTED, "OrderPendingCancel", "OrderCanceled"]
UPDATED = ["OrderPendingUpdate", "OrderUpdated"]
DENIED = ["OrderInitialized", "OrderDenied"]
BID, ASK = Decimal("89990"), Decimal("90010")
# 500 ticks of 0.1 away from the best price, by the tester's default.
BUY_PRICE, SELL_PRICE = Price.from_str("89940.0"), Price.from_str("90060.0")
OPTION_BID, OPTION_ASK = Decimal(1990), Decimal(2010)


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


def one_side(side: OrderSide) -> dict[str, bool]:
    return {"enable_limit_buys": side == BUY, "enable_limit_sells": side == SELL}


def stops(side: OrderSide, kind: OrderType, **options: Any) -> dict[str, Any]:
    """Return the options of a tester that sends a conditional order."""
    return {
        **NO_LIMITS,
        "enable_stop_buys": side == BUY,
        "enable_stop_sells": side == SELL,
        "stop_order_type": kind,
        "stop_limit_offset_ticks": 50,
        **options,
    }


def quote(exchange: LocalExchange, market: str = MARKET, middle: int = 90_000) -> None:
    """Offer and ask for one unit, 10 from the mark price."""
    exchange.set_mark_price(market, str(middle))
    exchange.place_liquidity(market, "BUY", str(middle - 10), "1")
    exchange.place_liquidity(market, "SELL", str(middle + 10), "1")


def find_option(exchange: LocalExchange) -> str:
    """Return a call on BTC that is listed."""
    symbols = [str(row["symbol"]) for row in exchange.markets()]
    return next(s for s in symbols if s.startswith("BTC-") and s.endswith("-90000-C"))


@asynccontextmanager
async def quoted_exchange() -> AsyncIterator[LocalExchange]:
    """Run an exchange with one level on either side of two books, where nobody else trades."""
    async with LocalExchange(seed=1, simulation_interval_ms=0) as exchange:
        quote(exchange)
        quote(exchange, find_option(exchange), 2_000)
        yield exchange


def option_options(exchange: LocalExchange) -> dict[str, Any]:
    """Return the options of a tester that trades an option."""
    return {
        "instrument_id": InstrumentId.from_str(f"{find_option(exchange)}.PARADEX"),
        "order_qty": Decimal("0.5"),
        "tob_offset_ticks": 5,
    }


async def see_denied(exchange: LocalExchange, *reasons: str, **options: Any) -> None:
    """See that orders are denied, in turn for these reasons, and that none reaches the venue."""
    async with running(exchange, **options) as run:
        orders = await run.all_are(OrderStatus.DENIED, len(reasons))
        see_orders_denied(exchange, orders, *reasons)


def see_orders_denied(exchange: LocalExchange, orders: list[Order], *reasons: str) -> None:
    assert [flow(order) for order in orders] == [DENIED] * len(reasons)
    for order, reason in zip(orders, reasons, strict=True):
        assert reason in order.last_event.reason
        assert sent(exchange, order) is None
    assert exchange.orders() == []
