"""Whether NautilusTrader's books and the venue's say the same, in sentences where they do not.

Orders with their states, terms and filled quantities, trade ids and net positions must be the same.
The commission of a fill may differ by 1e-8 of its currency; average prices, and the realized PnL of
each market, by 1e-6. That PnL is the venue's less the fees; funding, which is the venue's alone, is
shown apart (`realized_funding`).

The venue's side is read here by itself, from the JSON objects of its REST answers, and its words
are spelled here again, so that a mistake of the parsers cannot agree with itself.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from nautilus_trader.cache.cache import Cache
from nautilus_trader.model.enums import OrderStatus, OrderType
from nautilus_trader.model.events import OrderAccepted, OrderFilled, OrderRejected, OrderSubmitted
from nautilus_trader.model.identifiers import AccountId, Venue
from nautilus_trader.model.instruments import CurrencyPair
from nautilus_trader.model.orders import Order
from nautilus_trader.model.position import Position

from paradex_adapter.constants import PARADEX_VENUE
from paradex_adapter.order_accounts import find_account_id

COMMISSION_TOLERANCE: Final = Decimal("1e-8")
VALUE_TOLERANCE: Final = Decimal("1e-6")
ZERO: Final = Decimal(0)
# How NautilusTrader marks what it learned of by a report.
EXTERNAL_ORDER_TAG: Final = "VENUE"

type Row = Mapping[str, Any]

_ORDINARY_FILLS: Final = ("FILL", "RPI")
# The kinds that NautilusTrader knows as triggered; the others trade at the market at once.
_TRIGGERED_KINDS: Final = ("STOP_LIMIT", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT")
# The kinds that the venue makes as small as the position they close.
_CUT_KINDS: Final = (
    *("STOP_LOSS_MARKET", "STOP_LOSS_LIMIT"),
    *("TAKE_PROFIT_MARKET", "TAKE_PROFIT_LIMIT"),
)
# For these NautilusTrader takes nothing but a quantity from a report.
_REPORTED_QUANTITY_ALONE: Final = (OrderType.MARKET_IF_TOUCHED, OrderType.LIMIT_IF_TOUCHED)
_EXPIRED_REASONS: Final = frozenset(["EXPIRED", "ASSET_EXPIRED"])
# With these an order is refused that never worked; one that did is canceled.
_REFUSED_REASONS: Final = frozenset(
    [
        "ASSET_EXPIRED",
        "ASSET_UNAVAILABLE",
        "EXCEEDS_MAX_SLIPPAGE",
        "MARKET_NOT_OPEN",
        "MMP_FROZEN",
        "MMP_NOT_CONFIGURED",
        "NOT_ENOUGH_MARGIN",
        "ORDER_EXCEEDS_POSITION_LIMIT",
        "ORDER_SIZE_BELOW_MIN",
        "ORDER_TYPE_INVALID",
        "POST_ONLY_WOULD_CROSS",
        "PRICE_NOT_AVAILABLE",
        "REDUCE_ONLY_WILL_INCREASE",
        "SELF_TRADE",
        "TIMEOUT",
        "UNEXPECTED_FAILURE",
    ]
)


def find_differences(
    cache: Cache,
    orders: Iterable[Row],
    fills: Iterable[Row],
    positions: Iterable[Row],
    venue: Venue = PARADEX_VENUE,
    account_id: AccountId | None = None,
    algo_orders: Iterable[Row] = (),
) -> list[str]:
    """Return where NautilusTrader and the venue differ, one sentence each; empty when they agree.

    Parameters
    ----------
    cache : Cache
        The node's cache.
    orders, fills, positions : Iterable[Mapping[str, Any]]
        All of the account, as the venue's REST answers them (OrderResp, FillResult, PositionResp).
    venue : Venue
        Whose orders in the cache are meant.
    account_id : AccountId, optional
        Of which account, where the node trades several of the venue.
    algo_orders : Iterable[Mapping[str, Any]]
        All of the account (AlgoOrderResp), where it has any. Their fills are those of their
        children: in NautilusTrader they themselves have none.
    """
    fills, positions = list(fills), list(positions)
    # The venue never had orders denied here, or made up to close a gap in a reconciliation.
    held = [
        order
        for order in cache.orders(venue=venue)
        if _is_told(order) and account_id in (None, find_account_id(order))
    ]
    ours = [
        position
        for position in [*cache.positions(), *cache.position_snapshots()]
        if position.instrument_id.venue == venue and account_id in (None, position.account_id)
    ]
    algo_rows = {str(row["id"]): row for row in algo_orders}
    algos = [order for order in held if _venue_id_of(order) in algo_rows]
    plain = [order for order in held if order not in algos]
    return [
        *_compare_algo_orders(algos, algo_rows),
        *_compare_orders(plain, list(orders), fills),
        *_compare_fills(held, fills),
        *_compare_positions(ours, positions),
        *_compare_realized(ours, fills, positions),
    ]


def spot_positions(
    cache: Cache, balances: Iterable[Row], venue: Venue = PARADEX_VENUE
) -> list[Row]:
    """Return what is held of the tokens of spot markets, as positions in them.

    The venue has no positions of spot; NautilusTrader books one.

    Parameters
    ----------
    cache : Cache
        The node's cache: the spot markets are its instruments.
    balances : Iterable[Mapping[str, Any]]
        As the venue's REST answers them (BalanceResp).
    venue : Venue
        Whose instruments in the cache are meant.
    """
    held = {str(row["token"]): row for row in balances}
    rows: list[Row] = []
    for instrument in cache.instruments(venue=venue):
        row = (
            held.get(instrument.base_currency.code)
            if isinstance(instrument, CurrencyPair)
            else None
        )
        if row is not None:
            rows.append({**row, "market": instrument.raw_symbol.value, "side": "LONG"})
    return rows


def realized_funding(fills: Iterable[Row]) -> dict[str, Decimal]:
    """Return the funding realized in each market, in USDC; NautilusTrader does not book it."""
    funding: dict[str, Decimal] = defaultdict(Decimal)
    for fill in fills:
        funding[fill["market"]] += _decimal(fill.get("realized_funding"))
    return dict(funding)


def trade_id_of(fill: Row) -> str:
    """Return the trade id under which a fill is known in NautilusTrader."""
    kind = fill.get("fill_type") or "FILL"
    return str(fill["id"]) if kind in _ORDINARY_FILLS else f"{fill['id']}-{kind}"[:36]


def _is_told(order: Order) -> bool:
    tags = order.tags or []
    # A child order waits here for its parent, and may end here. One that the venue refused to
    # another client never got further than that.
    is_sent = order.venue_order_id is not None or any(
        isinstance(event, OrderSubmitted | OrderRejected) for event in order.events
    )
    return is_sent and order.status != OrderStatus.DENIED and "RECONCILIATION" not in tags


def _compare_orders(held: list[Order], orders: list[Row], fills: list[Row]) -> list[str]:
    by_venue_id = {str(row["id"]): row for row in orders}
    # An order refused before it worked has no venue id in NautilusTrader.
    by_client_id = {str(row["client_id"]): row for row in orders if row.get("client_id")}
    # Liquidations and their like come without an order of the account; NautilusTrader needs one.
    orderless = {
        str(fill.get("order_id") or f"{fill['fill_type']}-{fill['id']}")
        for fill in fills
        if fill.get("fill_type") not in (*_ORDINARY_FILLS, "", None)
    }
    differences = []
    for order in held:
        venue_order_id = order.venue_order_id
        if venue_order_id is None:
            row = by_client_id.get(order.client_order_id.value)
        else:
            row = by_venue_id.get(venue_order_id.value)
        name = order.client_order_id.value
        if row is not None:
            by_venue_id.pop(str(row["id"]), None)
            differences += _compare_order(name, order, row)
        elif order.status != OrderStatus.REJECTED and (
            venue_order_id is None or venue_order_id.value not in orderless
        ):
            differences.append(f"order {name} ({order.status_string()}) is not at the venue")
    return [
        *differences,
        *(
            f"order {row.get('client_id') or name} is at the venue alone"
            for name, row in by_venue_id.items()
            if not _is_nameless_refusal(row)
        ),
    ]


def _is_nameless_refusal(row: Row) -> bool:
    """Return whether an order without a client id never worked: a refusal names nothing else."""
    is_over = row["status"] == "CLOSED" and row.get("cancel_reason") in _REFUSED_REASONS
    is_whole = _decimal(row["remaining_size"]) == _decimal(row["size"])
    return is_over and is_whole and not row.get("client_id")


def _venue_id_of(order: Order) -> str:
    return "" if order.venue_order_id is None else order.venue_order_id.value


def _compare_algo_orders(held: list[Order], rows: dict[str, Row]) -> list[str]:
    differences = []
    for order in held:
        name, row = order.client_order_id.value, rows[_venue_id_of(order)]
        reason = row.get("cancel_reason")
        has_run = _decimal(row["remaining_size"]) == 0 or reason in _EXPIRED_REASONS
        expected = OrderStatus.EXPIRED if has_run else OrderStatus.CANCELED
        if row["status"] != "CLOSED":
            expected = OrderStatus.ACCEPTED
        if order.status != expected:
            told = f"{row['status']} {reason or ''}".strip()
            differences.append(f"TWAP {name} is {order.status_string()}, at the venue {told}")
        if order.filled_qty.as_decimal():
            differences.append(f"TWAP {name} itself filled {order.filled_qty}")
        if order.quantity.as_decimal() != _decimal(row["size"]):
            differences.append(f"TWAP {name} is of {order.quantity}, at the venue {row['size']}")
    known = {_venue_id_of(order) for order in held}
    return [
        *differences,
        *(f"TWAP {name} is at the venue alone" for name in rows.keys() - known),
    ]


def _compare_order(name: str, order: Order, row: Row) -> list[str]:
    differences = []
    size, remaining = _decimal(row["size"]), _decimal(row["remaining_size"])
    was_accepted = any(isinstance(event, OrderAccepted) for event in order.events)
    expected = _expected_status(row, size, remaining, was_accepted)
    # One that the venue cut to its position, which was heard of after its fills alone: they do not
    # fill it here, and the rest is canceled.
    is_cut = expected == OrderStatus.FILLED and size < order.quantity.as_decimal()
    is_reducing = row.get("type") in _CUT_KINDS or "REDUCE_ONLY" in (row.get("flags") or [])
    if is_cut and is_reducing:
        expected, row = OrderStatus.CANCELED, {**row, "size": order.quantity}
    if order.status != expected:
        told = f"{row['status']} {row.get('cancel_reason') or ''}".strip()
        differences.append(f"order {name} is {order.status_string()}, at the venue {told}")
    filled = order.filled_qty.as_decimal()
    if filled != size - remaining:
        differences.append(f"order {name} filled {filled}, at the venue {size - remaining}")
    differences += _compare_terms(name, order, row)
    average = _decimal(row.get("avg_fill_price"))
    if filled and average and abs(_decimal(order.avg_px) - average) > VALUE_TOLERANCE:
        differences.append(f"order {name} averages {order.avg_px}, at the venue {average}")
    return differences


def _compare_terms(name: str, order: Order, row: Row) -> list[str]:
    # What became of a refused one before it was refused is not told.
    if order.status == OrderStatus.REJECTED:
        return []
    ours = {"size": order.quantity.as_decimal()}
    is_external = EXTERNAL_ORDER_TAG in (order.tags or [])
    # A fill may overtake the price it was changed to, and nothing can be told of a filled order.
    is_filled = order.status == OrderStatus.FILLED
    if not is_filled and not (is_external and order.order_type in _REPORTED_QUANTITY_ALONE):
        if order.has_price:
            ours["price"] = order.price.as_decimal()
        if order.has_trigger_price:
            ours["trigger_price"] = order.trigger_price.as_decimal()
    return [
        f"{field} of order {name} is {value}, at the venue {row.get(field)}"
        for field, value in ours.items()
        if value != _decimal(row.get(field))
    ]


def _expected_status(
    row: Row, size: Decimal, remaining: Decimal, was_accepted: bool
) -> OrderStatus:
    if row["status"] == "NEW":
        return OrderStatus.SUBMITTED
    if row["status"] != "CLOSED":
        if remaining < size:
            return OrderStatus.PARTIALLY_FILLED
        is_triggered = row["status"] == "OPEN" and row.get("type") in _TRIGGERED_KINDS
        return OrderStatus.TRIGGERED if is_triggered else OrderStatus.ACCEPTED
    reason = row.get("cancel_reason")
    if remaining == 0:
        return OrderStatus.FILLED
    if remaining == size and not was_accepted and reason in _REFUSED_REASONS:
        return OrderStatus.REJECTED
    return OrderStatus.EXPIRED if reason in _EXPIRED_REASONS else OrderStatus.CANCELED


def _compare_fills(held: list[Order], fills: list[Row]) -> list[str]:
    ours: dict[str, OrderFilled] = {}
    differences = []
    for order in held:
        for event in order.events:
            if isinstance(event, OrderFilled):
                trade_id = event.trade_id.value
                if trade_id in ours:
                    differences.append(f"fill {trade_id} is booked twice")
                ours[trade_id] = event
    theirs = {trade_id_of(fill): fill for fill in fills}
    differences += [f"fill {name} is at the venue alone" for name in theirs.keys() - ours.keys()]
    differences += [f"fill {name} is not at the venue" for name in ours.keys() - theirs.keys()]
    for name in theirs.keys() & ours.keys():
        differences += _compare_fill(name, ours[name], theirs[name])
    return differences


def _compare_fill(name: str, event: OrderFilled, row: Row) -> list[str]:
    differences = []
    if event.last_qty.as_decimal() != _decimal(row["size"]):
        differences.append(f"fill {name} is of {event.last_qty}, at the venue {row['size']}")
    if event.last_px.as_decimal() != _decimal(row["price"]):
        differences.append(f"fill {name} is at {event.last_px}, at the venue {row['price']}")
    commission = event.commission.as_decimal()
    if abs(commission - _decimal(row["fee"])) > COMMISSION_TOLERANCE:
        differences.append(f"fill {name} cost {commission}, at the venue {row['fee']}")
    currency = row.get("fee_currency") or "USDC"
    if event.commission.currency.code != currency:
        differences.append(f"fee of {name} is in {event.commission.currency}, not {currency}")
    return differences


def _compare_positions(held: list[Position], positions: list[Row]) -> list[str]:
    sizes: dict[str, Decimal] = defaultdict(Decimal)
    costs = _open_costs(held)
    for position in _open(held):
        sizes[position.instrument_id.symbol.value] += position.signed_decimal_qty()
    theirs = {row["market"]: row for row in positions if _signed_size(row)}
    shared = _shared_markets(held)
    differences = []
    for market in sorted({*sizes, *theirs}):
        row = theirs.get(market)
        size = ZERO if row is None else _signed_size(row)
        if sizes[market] != size:
            differences.append(f"position in {market} is {sizes[market]}, at the venue {size}")
        elif row is not None and size and market not in shared:
            average = costs[market] / size
            entry = _entry_price(row)
            if abs(average - entry) > VALUE_TOLERANCE:
                differences.append(f"position in {market} opened at {average}, there {entry}")
    return differences


def _compare_realized(held: list[Position], fills: list[Row], positions: list[Row]) -> list[str]:
    ours: dict[str, Decimal] = defaultdict(Decimal)
    for position in held:
        if position.realized_pnl is not None:
            market = position.instrument_id.symbol.value
            ours[market] += position.realized_pnl.as_decimal()
    theirs: dict[str, Decimal] = defaultdict(Decimal)
    for fill in fills:
        gross = _decimal(fill.get("realized_pnl"))
        fee = _decimal(fill["fee"]) if fill.get("fee_currency") in ("USDC", "", None) else ZERO
        theirs[fill["market"]] += gross - fee
    # Several strategies split a net position, and with it what of its profit is realized: their
    # profits add up to the venue's only together with what the open positions cost.
    costs = _open_costs(held)
    for market in _shared_markets(held):
        ours[market] -= costs[market]
        for row in positions:
            if row["market"] == market and _signed_size(row):
                theirs[market] -= _signed_size(row) * _entry_price(row)
    return [
        f"realized PnL in {market} is {ours[market]}, at the venue {theirs[market]}"
        for market in sorted({*ours, *theirs})
        if abs(ours[market] - theirs[market]) > VALUE_TOLERANCE
    ]


def _open(held: list[Position]) -> list[Position]:
    """Return the positions that are open, without what snapshots tell of closed ones."""
    return [position for position in held if position.is_open]


def _shared_markets(held: list[Position]) -> set[str]:
    """Return the markets in which more than one strategy has had a position."""
    holders: dict[str, set[str]] = defaultdict(set)
    for position in held:
        holders[position.instrument_id.symbol.value].add(position.strategy_id.value)
    return {market for market, strategies in holders.items() if len(strategies) > 1}


def _open_costs(held: list[Position]) -> dict[str, Decimal]:
    costs: dict[str, Decimal] = defaultdict(Decimal)
    for position in _open(held):
        size = position.signed_decimal_qty()
        costs[position.instrument_id.symbol.value] += size * _decimal(position.avg_px_open)
    return costs


def _entry_price(row: Row) -> Decimal:
    return _decimal(row.get("average_entry_price_usd") or row["average_entry_price"])


def _signed_size(row: Row) -> Decimal:
    size = _decimal(row["size"])
    return -abs(size) if row.get("side") == "SHORT" else size


def _decimal(value: Any) -> Decimal:
    """Return a number of either side as a decimal; nothing, or an empty text, is 0."""
    return Decimal(str(value)) if value not in (None, "") else ZERO
