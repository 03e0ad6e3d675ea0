"""One order, end to end: on a local exchange, testnet or mainnet (--venue)."""

import sys

from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.events import OrderCanceled, OrderEvent, OrderFilled
from nautilus_trader.trading.strategy import Strategy
from venues import Example, make_trading_parser, run


class BuyOnce(Strategy):
    def __init__(self, instrument_id, quantity) -> None:
        super().__init__()
        self.instrument_id, self.quantity = instrument_id, quantity
        self.problem = ""

    def on_start(self) -> None:
        quantity = self.cache.instrument(self.instrument_id).make_qty(self.quantity)
        self.submit_order(self.order_factory.market(self.instrument_id, OrderSide.BUY, quantity))

    def on_order_event(self, event: OrderEvent) -> None:
        print(f"{type(event).__name__:15} {event.client_order_id}")
        if self.cache.order(event.client_order_id).is_closed:
            self.shutdown_system("the order is over")

    def on_order_canceled(self, event: OrderCanceled) -> None:
        # A market order never rests.
        if self.cache.order(event.client_order_id).filled_qty == 0:
            self.problem = "nothing was bought: nobody offers any near the price"

    def on_order_filled(self, event: OrderFilled) -> None:
        print(f"bought {event.last_qty} at {event.last_px}, fee {event.commission}")


arguments = make_trading_parser(__doc__, quantity="0.01").parse_args()
buyer = BuyOnce(arguments.instrument, arguments.quantity)
plan = f"buy {arguments.quantity} {arguments.instrument} at market"
sys.exit(run(arguments, Example(buyer, plan, problem=lambda: buyer.problem)))
