"""Which account an order is of, where a node trades several."""

from nautilus_trader.model.identifiers import AccountId
from nautilus_trader.model.orders import Order


def find_account_id(order: Order) -> AccountId | None:
    """Return the account of an order, None of one that was not sent.

    NautilusTrader sets `Order.account_id` of orders that it submitted; of those that were sent
    elsewhere only their events tell.
    """
    if order.account_id is not None:
        return order.account_id
    # The first: a client that was asked by mistake refuses in its own account's name.
    told = (event.account_id for event in order.events)
    return next((account_id for account_id in told if account_id is not None), None)
