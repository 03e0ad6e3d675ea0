"""Which account an order is of, where a node trades several."""

from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import QueryOrder
from nautilus_trader.model.identifiers import AccountId, ClientId
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


def readdress(command: QueryOrder, client_id: ClientId) -> QueryOrder:
    """Return a query of an order for another client to answer."""
    return QueryOrder(
        command.trader_id,
        command.strategy_id,
        command.instrument_id,
        command.client_order_id,
        command.venue_order_id,
        UUID4(),
        command.ts_init,
        client_id=client_id,
    )
