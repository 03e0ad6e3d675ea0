"""See what market data comes: NautilusTrader's DataTester, which subscribes and requests it all.

It needs no account and trades nothing, not even on mainnet.
"""

import sys
from collections import Counter
from typing import Any

from nautilus_trader.model.data import BarType
from nautilus_trader.test_kit.strategies.tester_data import DataTester, DataTesterConfig
from venues import Example, make_parser, run


class CountingTester(DataTester):
    """Counts what it gets by kind."""

    def __init__(self, config: DataTesterConfig) -> None:
        super().__init__(config)
        self.live: Counter[str] = Counter()
        self.past: Counter[str] = Counter()

    def count(self, data: Any) -> None:
        self.live[type(data).__name__] += 1

    on_instrument = on_quote_tick = on_trade_tick = on_bar = count
    on_order_book_deltas = on_order_book_depth = count
    on_mark_price = on_index_price = on_funding_rate = count
    on_instrument_status = on_instrument_close = count

    def on_historical_data(self, data: Any) -> None:
        self.past[type(data).__name__] += 1

    def progress(self) -> str:
        return f"live: {_list(self.live)}; of the past: {_list(self.past)}"

    def problem(self) -> str:
        return "" if self.live else "nothing came: is the market open?"


def _list(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "nothing"


def main() -> int:
    """Run it; return the exit code."""
    arguments = make_parser(__doc__).parse_args()
    tester = CountingTester(
        DataTesterConfig(
            instrument_ids=[arguments.instrument],
            bar_types=[BarType.from_str(f"{arguments.instrument}-1-MINUTE-LAST-EXTERNAL")],
            subscribe_instrument=True,
            subscribe_instrument_status=True,
            subscribe_quotes=True,
            subscribe_trades=True,
            subscribe_book_deltas=True,
            subscribe_book_depth=True,
            subscribe_mark_prices=True,
            subscribe_index_prices=True,
            subscribe_funding_rates=True,
            subscribe_bars=True,
            request_trades=True,
            request_bars=True,
            request_funding_rates=True,
            log_data=False,
        )
    )
    return run(arguments, Example(tester, progress=tester.progress, problem=tester.problem))


if __name__ == "__main__":
    sys.exit(main())
