"""A small market maker: a post-only quote on either side of the middle, moved with the market.

The more it holds, the lower both quotes, so that it is rather sold off; at its bound only the side
that brings it back is quoted. It stops at the first order the venue refuses for another reason than
that it would have crossed. At the end it cancels its quotes and says what it made; what it then
holds it keeps. This is a model to read, not one to earn by.
"""

import sys
from decimal import Decimal

from nautilus_trader.config import StrategyConfig
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.events import OrderDenied, OrderFilled, OrderRejected
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.orders import LimitOrder
from nautilus_trader.trading.strategy import Strategy
from venues import Example, make_trading_parser, positive, run

BASIS_POINT = Decimal("0.0001")


class MarketMakerConfig(StrategyConfig, frozen=True):
    instrument_id: InstrumentId
    quantity: Decimal  # of each quote
    position_max: Decimal  # long or short
    distance_bps: Decimal  # of each quote from the middle
    requote_bps: Decimal = Decimal("0.5")  # a quote this far from where it should be is moved


class MarketMaker(Strategy):
    def __init__(self, config: MarketMakerConfig) -> None:
        super().__init__(config)
        self.quotes: dict[OrderSide, LimitOrder] = {}
        self.fills = 0
        self.held = Decimal(0)  # bought less sold by this strategy
        self.cash = Decimal(0)  # received less paid, after fees
        self.middle = Decimal(0)
        self.is_over = False

    def on_start(self) -> None:
        self.instrument = self.cache.instrument(self.config.instrument_id)
        self.subscribe_quote_ticks(self.config.instrument_id)

    def on_stop(self) -> None:
        self.cancel_all_orders(self.config.instrument_id)

    def on_quote_tick(self, tick: QuoteTick) -> None:
        self.middle = (tick.bid_price.as_decimal() + tick.ask_price.as_decimal()) / 2
        # What the account holds in all, so that what others do with it counts, too.
        position = self.portfolio.net_position(self.config.instrument_id)
        distance = self.middle * self.config.distance_bps * BASIS_POINT
        # Half the distance at most: its own quotes are part of the middle and must not chase it.
        skew = distance / 2 * min(1, max(-1, position / self.config.position_max))
        self.quote(OrderSide.BUY, self.middle - distance - skew, position)
        self.quote(OrderSide.SELL, self.middle + distance - skew, -position)

    def quote(self, side: OrderSide, target: Decimal, exposure: Decimal) -> None:
        """Have one order of a side near the target price, or none at the bound of the position."""
        if self.is_over:
            return
        order = self.quotes.get(side)
        price = self.instrument.make_price(target)
        if order is None or order.is_closed:
            if exposure + self.config.quantity <= self.config.position_max:
                quantity = self.instrument.make_qty(self.config.quantity)
                order = self.order_factory.limit(
                    self.config.instrument_id, side, quantity, price, post_only=True
                )
                self.quotes[side] = order
                self.submit_order(order)
        elif order.is_open and not order.is_pending_update and not order.is_pending_cancel:
            if exposure + order.leaves_qty.as_decimal() > self.config.position_max:
                self.cancel_order(order)
            elif abs(order.price - price) > self.middle * self.config.requote_bps * BASIS_POINT:
                self.modify_order(order, price=price)

    def on_order_filled(self, event: OrderFilled) -> None:
        signed = event.last_qty.as_decimal() * (1 if event.is_buy else -1)
        self.fills += 1
        self.held += signed
        self.cash -= signed * event.last_px.as_decimal() + event.commission.as_decimal()
        side = "bought" if event.is_buy else "sold"
        print(f"{side} {event.last_qty} at {event.last_px}, holds {self.held}", flush=True)

    def on_order_rejected(self, event: OrderRejected) -> None:
        if not event.due_post_only:
            self.give_up(event.reason)

    def on_order_denied(self, event: OrderDenied) -> None:
        self.give_up(event.reason)

    def give_up(self, reason: str) -> None:
        # Asked twice, the node would not wait for what the stop cancels.
        if not self.is_over:
            self.is_over = True
            self.shutdown_system(reason)

    def progress(self) -> str:
        made = self.cash + self.held * self.middle
        open_count = len(self.cache.orders_open(strategy_id=self.id))
        return (
            f"{open_count} quotes open at {self.middle}, {self.fills} fills, holds {self.held}, "
            f"made {made:.4f} USDC after fees"
        )


def main() -> int:
    """Run it; return the exit code."""
    parser = make_trading_parser(__doc__, quantity="0.01")
    parser.add_argument(
        "--position-max", type=positive, default="0.05", help="long or short (0.05)"
    )
    parser.add_argument(
        "--distance-bps", type=positive, default="1.5", help="of quotes from the middle (1.5)"
    )
    arguments = parser.parse_args()
    if arguments.position_max < arguments.quantity:
        parser.error("argument --position-max: must be --quantity at least")
    maker = MarketMaker(
        MarketMakerConfig(
            instrument_id=arguments.instrument,
            quantity=arguments.quantity,
            position_max=arguments.position_max,
            distance_bps=arguments.distance_bps,
        )
    )
    plan = (
        f"quotes of {arguments.quantity} {arguments.instrument} on both sides, up to "
        f"{arguments.position_max} long or short"
    )
    return run(arguments, Example(maker, plan, progress=maker.progress))


if __name__ == "__main__":
    sys.exit(main())
