"""What NautilusTrader's orders say of how they hang together."""

from typing import Final

from nautilus_trader.cache.cache import Cache
from nautilus_trader.model.enums import ContingencyType, OrderStatus, TriggerType
from nautilus_trader.model.events import OrderPendingUpdate, OrderUpdated
from nautilus_trader.model.identifiers import AccountId, ClientOrderId
from nautilus_trader.model.objects import Quantity
from nautilus_trader.model.orders import Order

from paradex_adapter.constants import PARADEX_VENUE
from paradex_adapter.contingency_rules import Leg, Link
from paradex_adapter.order_accounts import find_account_id
from paradex_adapter.translate.instruments import RAW_PER_UNIT

_LINKS: Final = {ContingencyType.OCO: Link.OCO, ContingencyType.OUO: Link.OUO}


def hangs_together(order: Order) -> bool:
    """Return whether what becomes of an order depends on others, or others on it."""
    return (
        order.contingency_type != ContingencyType.NO_CONTINGENCY
        or order.parent_order_id is not None
    )


def is_elsewhere(order: Order) -> bool:
    """Return whether the engine's emulator or an algorithm of the user's holds an order."""
    if order.status in (OrderStatus.EMULATED, OrderStatus.RELEASED):
        return True
    is_waiting = order.status == OrderStatus.INITIALIZED
    is_emulated = order.emulation_trigger != TriggerType.NO_TRIGGER
    return is_waiting and (is_emulated or order.exec_algorithm_id is not None)


def order_to_leg(order: Order) -> Leg:
    """Return an order as the rules know it, held."""
    link = _LINKS.get(order.contingency_type, Link.NONE)
    name = order.client_order_id.value
    linked = (
        [other.value for other in order.linked_order_ids or []] if link is not Link.NONE else []
    )
    return Leg(
        client_order_id=name,
        wanted=to_units(order.quantity),
        parent_id=order.parent_order_id.value if order.parent_order_id is not None else "",
        link=link,
        linked=tuple(other for other in linked if other != name),
    )


def find_wanted(order: Order) -> int:
    """Return what size the strategy wanted last; our own changes are not preceded by its asking."""
    wanted = size = to_units(order.init_event.quantity)
    is_asked = False
    for event in order.events:
        if isinstance(event, OrderPendingUpdate):
            is_asked = True
        elif isinstance(event, OrderUpdated):
            # What was asked for may have been another price.
            if is_asked and to_units(event.quantity) != size:
                wanted = to_units(event.quantity)
            size, is_asked = to_units(event.quantity), False
    return wanted


def find_unfinished(cache: Cache, account_id: AccountId) -> list[Order]:
    """Return the orders that hang together with some that are not over, of this account."""
    found: dict[ClientOrderId, Order] = {}
    waiting = [o for o in cache.orders(venue=PARADEX_VENUE) if not o.is_closed]
    while waiting:
        order = waiting.pop()
        if not hangs_together(order) or order.client_order_id in found:
            continue
        found[order.client_order_id] = order
        relatives = [order.parent_order_id, *(order.linked_order_ids or [])]
        waiting += [
            relative
            for name in relatives
            if name is not None and (relative := cache.order(name)) is not None
        ]
    # A list of which nothing was ever sent is not known to be for this account.
    lists = {o.order_list_id for o in found.values() if find_account_id(o) == account_id}
    orders = [o for o in found.values() if o.order_list_id in lists and not is_elsewhere(o)]
    return sorted(orders, key=lambda order: order.ts_init)


def to_units(quantity: Quantity) -> int:
    """Return a quantity in units of 1e-8."""
    units: int = quantity.raw // RAW_PER_UNIT
    return units
