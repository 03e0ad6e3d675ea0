"""Whether our own state of an account and the venue's say the same; beside `agreement`.

`agreement` compares NautilusTrader's cache with the venue's answers. Here are the two others: the
state store, from which the cache was told, and the account state, which holds the balances.
"""

from collections.abc import Iterable
from decimal import Decimal

from nautilus_trader.accounting.accounts.base import Account

from paradex_adapter.agreement import Row
from paradex_adapter_core.order_lifecycle import (
    CANCELED,
    EXPIRED,
    FILLED,
    QUEUED,
    REJECTED,
    SENT,
    STATUS_NAMES,
    WORKING,
)
from paradex_adapter_core.order_state import OrderState
from paradex_adapter_core.state_store import StateStore
from paradex_adapter_core.vocabulary import UNITS_SCALE

# What the store may hold of an order that the venue has in a status.
_HELD = {
    "NEW": (SENT, QUEUED, WORKING),
    "UNTRIGGERED": (WORKING,),
    "OPEN": (WORKING,),
    "CLOSED": (FILLED, CANCELED, EXPIRED, REJECTED),
}


def find_store_differences(
    store: StateStore, orders: Iterable[Row], positions: Iterable[Row], balances: Iterable[Row]
) -> list[str]:
    """Return where the state store and the venue differ, one sentence each.

    Parameters
    ----------
    store : StateStore
        What the execution client knows. Orders that it forgot, or that others sent, are passed
        over: they are in NautilusTrader's cache.
    orders, positions, balances : Iterable[Mapping[str, Any]]
        All of the account, as the venue's REST answers them (OrderResp, PositionResp, BalanceResp).
    """
    differences = []
    open_here = {state.client_order_id for state in store.open_orders()}
    for row in orders:
        state = store.find_order_by_venue_id(str(row["id"]))
        if state is not None:
            open_here.discard(state.client_order_id)
            differences += _compare_order(state, row)
    differences += [f"store: order {name} is not at the venue" for name in sorted(open_here)]
    # What is held of a token is told over REST alone, and bears no account.
    held = {position.market: position.size for position in store.positions() if position.account}
    there = {str(row["market"]): _units(row["size"]) for row in positions}
    for row in positions:
        if row.get("side") == "SHORT":
            there[row["market"]] = -abs(there[row["market"]])
    for market in sorted({*held, *there}):
        if held.get(market, 0) != there.get(market, 0):
            differences.append(
                f"store: position in {market} is {held.get(market, 0)}, at the venue "
                f"{there.get(market, 0)}"
            )
    sizes = {balance.token: balance.size for balance in store.balances()}
    for row in balances:
        size = sizes.get(row["token"], 0)
        if abs(size - _units(row["size"])) > 1:
            differences.append(f"store: {row['token']} is {size}, at the venue {row['size']}")
    return differences


def find_balance_differences(account: Account | None, balances: Iterable[Row]) -> list[str]:
    """Return where NautilusTrader's account and the venue's balances differ, one sentence each."""
    if account is None:
        return ["there is no account"]
    held = {
        currency.code: balance.total.as_decimal()
        for currency, balance in account.balances().items()
    }
    differences = []
    for row in balances:
        total = held.get(row["token"], Decimal(0))
        # A currency has fewer decimals than the venue's ledger.
        if abs(total - Decimal(row["size"])) > Decimal("1e-6"):
            differences.append(f"balance of {row['token']} is {total}, at the venue {row['size']}")
    return differences


def _compare_order(state: OrderState, row: Row) -> list[str]:
    differences = []
    name = state.client_order_id
    if state.status not in _HELD[row["status"]]:
        differences.append(
            f"store: order {name} is {STATUS_NAMES[state.status]}, at the venue {row['status']}"
        )
    size, remaining = _units(row["size"]), _units(row["remaining_size"])
    if (state.size, state.filled) != (size, size - remaining):
        differences.append(
            f"store: {state.filled} of {state.size} of order {name} filled, at the venue "
            f"{size - remaining} of {size}"
        )
    return differences


def _units(text: object) -> int:
    return int(Decimal(str(text)).scaleb(UNITS_SCALE))
