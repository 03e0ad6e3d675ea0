"""See that orders work: NautilusTrader's ExecTester, each event on a line.

It buys at market, keeps a post-only limit order on either side and moves both with the market; at
the end it cancels them and closes its position. The first order refused ends it.
"""

import sys

from nautilus_trader.model.events import OrderDenied, OrderEvent, OrderFilled, OrderRejected
from nautilus_trader.test_kit.strategies.tester_exec import ExecTester, ExecTesterConfig
from venues import Example, make_trading_parser, run, whole


class TellingTester(ExecTester):
    """Prints what becomes of its orders."""

    is_over = False

    def on_order_event(self, event: OrderEvent) -> None:
        order = self.cache.order(event.client_order_id)
        if order is None:  # it is only being made
            return
        what = f"{order.side_string()} {order.quantity} {order.type_string()}"
        if isinstance(event, OrderFilled):
            what = f"{what}: {event.last_qty} at {event.last_px}, fee {event.commission}"
        elif order.has_price:
            what = f"{what} at {order.price}"
        reason = getattr(event, "reason", None)
        print(f"{type(event).__name__:18} {what}{f': {reason}' if reason else ''}", flush=True)
        # It would send the same again at the next quote. Asked twice, the node would not wait for
        # what the stop cancels.
        if isinstance(event, OrderDenied | OrderRejected) and not self.is_over:
            self.is_over = True
            self.shutdown_system(reason)

    def progress(self) -> str:
        position = self.portfolio.net_position(self.config.instrument_id)
        mine = self.cache.orders(strategy_id=self.id)
        open_count = sum(order.is_open for order in mine)
        return f"{len(mine)} orders, {open_count} open, position {position}"


def main() -> int:
    """Run it; return the exit code."""
    parser = make_trading_parser(__doc__, quantity="0.01")
    parser.add_argument(
        "--offset-ticks",
        type=whole(10_000),
        default=500,
        help="of limit orders from the best (500)",
    )
    arguments = parser.parse_args()
    tester = TellingTester(
        ExecTesterConfig(
            instrument_id=arguments.instrument,
            order_qty=arguments.quantity,
            open_position_on_start_qty=arguments.quantity,
            tob_offset_ticks=arguments.offset_ticks,
            modify_orders_to_maintain_tob_offset=True,
            use_post_only=True,
            close_positions_on_stop=True,
            reduce_only_on_stop=True,
            log_data=False,
        )
    )
    plan = f"{arguments.instrument}, at market and limit orders, {arguments.quantity} each"
    return run(arguments, Example(tester, plan, progress=tester.progress))


if __name__ == "__main__":
    sys.exit(main())
