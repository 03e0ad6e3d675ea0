"""What the demonstration prints: progress while it trades, then both books side by side."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, TextIO

from nautilus_trader.cache.cache import Cache
from nautilus_trader.model.events import OrderFilled

from paradex_adapter.agreement import realized_funding
from paradex_adapter.demo.books import Row, VenueBooks
from paradex_adapter.demo.strategy import DemoStrategy
from paradex_adapter_core.build import is_compiled

PROGRESS_SECS_TERMINAL: Final = 0.25
PROGRESS_SECS_PLAIN: Final = 5.0


class Progress:
    """Shows how far the session is: one line rewritten on a terminal, else one every few seconds.

    Parameters
    ----------
    seconds : int
        How long the session takes.
    stream : TextIO
        Where to write.
    """

    def __init__(self, seconds: int, stream: TextIO) -> None:
        self._seconds: Final = seconds
        self._stream: Final = stream

    async def run(self, cache: Cache, node: "asyncio.Task[None]") -> None:
        """Return when the time is over, or the node has stopped."""
        terminal = self._stream.isatty()
        interval = PROGRESS_SECS_TERMINAL if terminal else PROGRESS_SECS_PLAIN
        start = time.monotonic()
        while (left := start + self._seconds - time.monotonic()) > 0 and not node.done():
            line = f"trading, {left:3.0f} s left: {describe(cache)}"
            self._stream.write(f"\r{line}\x1b[K" if terminal else f"{line}\n")
            self._stream.flush()
            await asyncio.wait([node], timeout=min(interval, left))
        seconds = min(self._seconds, round(time.monotonic() - start))
        self._stream.write(f"{'\r' if terminal else ''}traded {seconds} s: {describe(cache)}")
        self._stream.write("\x1b[K\n" if terminal else "\n")


def describe(cache: Cache) -> str:
    """Return the state of the session in a line."""
    fills = sum(len(order.trade_ids) for order in cache.orders())
    return f"{cache.orders_total_count()} orders ({cache.orders_open_count()} open), {fills} fills"


def percentile(values: Sequence[int], share: float) -> float:
    """Return the value below which the share of the sorted values lies, in microseconds."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] / 1000


def latency_line(name: str, values: Sequence[int]) -> str:
    """Return one line of the latency table; nanoseconds in, microseconds shown."""
    if not values:
        return f"  {name:<44} none seen"
    p50, p99 = percentile(values, 0.5), percentile(values, 0.99)
    return f"  {name:<44} p50 {p50:9.1f} us   p99 {p99:9.1f} us   n {len(values)}"


def print_latencies(
    stream: TextIO, strategies: Sequence[DemoStrategy], parsing: Mapping[str, Sequence[int]]
) -> None:
    """Print what was timed, and on which build."""
    quotes = [latency for each in strategies for latency in each.quote_latencies]
    orders = [latency for each in strategies for latency in each.order_latencies]
    lines = [
        f"latency ({'compiled' if is_compiled() else 'pure'} core)",
        *(
            latency_line(f"parse: frame to Nautilus object, {kind}", values)
            for kind, values in parsing.items()
        ),
        latency_line("quote: frame received to strategy", quotes),
        latency_line("order: submitted to first answer", orders),
    ]
    stream.write("\n".join(lines) + "\n")


def print_report(
    stream: TextIO,
    cache: Cache,
    books: VenueBooks,
    differences: Sequence[str],
    strategies: Sequence[DemoStrategy],
    parsing: Mapping[str, Sequence[int]],
) -> None:
    """Print both books side by side, the latencies, and whether the books agree."""
    quotes = sum(each.quotes for each in strategies)
    trades = sum(each.trades for each in strategies)
    updates = sum(each.book_updates for each in strategies)
    stream.write(f"\nreceived {quotes} quotes, {trades} trades, {updates} book updates\n\n")
    rows = [("", "NautilusTrader", "the exchange"), *_book_rows(cache, books)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for name, ours, theirs in rows:
        stream.write(f"  {name:<{widths[0]}}  {ours:>{widths[1]}}  {theirs:>{widths[2]}}\n")
    stream.write("\n")
    print_latencies(stream, strategies, parsing)
    stream.write("\n")
    for difference in differences:
        stream.write(f"differs: {difference}\n")
    stream.write("the books differ\n" if differences else "the books agree\n")


def _book_rows(cache: Cache, books: VenueBooks) -> list[tuple[str, str, str]]:
    ours, theirs = _held_totals(cache), _told_totals(books)
    names = [*ours, *(name for name in theirs if name not in ours)]
    return [(name, ours.get(name, "-"), theirs.get(name, "-")) for name in names]


def _held_totals(cache: Cache) -> dict[str, str]:
    events = [
        event
        for order in cache.orders()
        for event in order.events
        if isinstance(event, OrderFilled)
    ]
    totals = {
        "orders": str(cache.orders_total_count()),
        "orders still open": str(cache.orders_open_count()),
        "fills": str(len(events)),
        "fees, USDC": _amount(sum((each.commission.as_decimal() for each in events), Decimal(0))),
    }
    for market, sizes in _by_market(cache).items():
        totals[f"position, {market}"] = f"{sizes[0].normalize():f}"
        totals[f"realized PnL less fees, {market}, USDC"] = _amount(sizes[1])
    return totals


def _by_market(cache: Cache) -> dict[str, tuple[Decimal, Decimal]]:
    """Return net position and realized PnL (USDC) of each market traded."""
    totals: dict[str, tuple[Decimal, Decimal]] = {}
    for position in [*cache.positions(), *cache.position_snapshots()]:
        market = position.instrument_id.symbol.value
        size, realized = totals.get(market, (Decimal(0), Decimal(0)))
        if position.realized_pnl is not None:
            realized += position.realized_pnl.as_decimal()
        if position.is_open:
            size += position.signed_decimal_qty()
        totals[market] = (size, realized)
    return dict(sorted(totals.items()))


def _told_totals(books: VenueBooks) -> dict[str, str]:
    still_open = [row for row in books.orders if row["status"] != "CLOSED"]
    totals = {
        "orders": str(len(books.orders)),
        "orders still open": str(len(still_open)),
        "fills": str(len(books.fills)),
        "fees, USDC": _amount(_total(books.fills, "fee")),
    }
    sizes = {row["market"]: _signed_size(row) for row in books.positions}
    funding = realized_funding(books.fills)
    for market in sorted({row["market"] for row in books.fills}):
        fills = [row for row in books.fills if row["market"] == market]
        net = _total(fills, "realized_pnl") - _total(fills, "fee")
        totals[f"position, {market}"] = f"{sizes.get(market, Decimal(0)).normalize():f}"
        totals[f"realized PnL less fees, {market}, USDC"] = _amount(net)
        totals[f"realized funding, {market}, USDC"] = _amount(funding[market])
    for row in books.balances:
        totals[f"balance, {row['token']}"] = _amount(Decimal(row["size"]))
    return totals


def _total(rows: Sequence[Row], field: str) -> Decimal:
    return sum((Decimal(row[field] or 0) for row in rows), Decimal(0))


def _signed_size(row: Row) -> Decimal:
    size = Decimal(row["size"] or 0)
    return -abs(size) if row["side"] == "SHORT" else size


def _amount(value: Decimal) -> str:
    return f"{value:.8f}"
