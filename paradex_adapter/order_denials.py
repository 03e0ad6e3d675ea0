"""Why an order is not sent, or a change of it not: account, key, venue, room and the order itself.

Asked only; whoever asks tells the engine.
"""

from typing import Final

from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock
from nautilus_trader.model.identifiers import AccountId, InstrumentId
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import Order

from paradex_adapter.order_accounts import find_account_id
from paradex_adapter.translate.order_params import NO_PARAMS, OrderParams
from paradex_adapter.translate.orders import (
    NO_PRICES,
    KnownPrices,
    find_change_fault,
    find_denial_reason,
)
from paradex_adapter.venue.algo_orders import OPEN_MAX
from paradex_adapter.venue.credentials import Credentials
from paradex_adapter.venue.system_state import SystemState
from paradex_adapter.venue.trading_session import TradingSession
from paradex_adapter_core.vocabulary import INSTRUCTION_RPI

# A mark price older than this tells nothing of where the trigger lies.
MARK_PRICE_AGE_NS_MAX: Final = 30 * 1_000_000_000


class OrderDenials:
    """Finds what speaks against an order; every answer is None where nothing does.

    Parameters
    ----------
    account_id : AccountId
        Whose orders are sent.
    session : TradingSession
        Knows what was sent, and how much room there is.
    credentials : Credentials
        May be good for reading only.
    system_state : SystemState
        Whether the venue takes orders at the moment.
    cache : Cache
        Where instruments and prices are.
    clock : LiveClock
        The node's clock.
    """

    def __init__(
        self,
        account_id: AccountId,
        session: TradingSession,
        credentials: Credentials,
        system_state: SystemState,
        cache: Cache,
        clock: LiveClock,
    ) -> None:
        self._account_id: Final = account_id
        self._session: Final = session
        self._credentials: Final = credentials
        self._system_state: Final = system_state
        self._cache: Final = cache
        self._clock: Final = clock

    def find_denial(self, order: Order, params: OrderParams, room: int) -> str | None:
        """Return why an order that stands alone is not sent, with room for so many more."""
        instrument = self._cache.instrument(order.instrument_id)
        prices = self._find_prices(order.instrument_id)
        reason = self._find_closed_door(order, params) or find_denial_reason(
            order, instrument, params, prices
        )
        if reason is not None:
            return reason
        if params.twap is not None and self._session.algo_orders.is_full:
            return f"{OPEN_MAX} TWAP orders are open already"
        if room <= 0:
            return self._describe_fullness()
        return self._find_sent(order)

    def find_list_denial(self, order: Order, params: OrderParams) -> str | None:
        """Return why an order that hangs together with others is not taken."""
        instrument = self._cache.instrument(order.instrument_id)
        # Where the price is when its parent fills nobody knows now.
        is_child = order.parent_order_id is not None
        prices = NO_PRICES if is_child else self._find_prices(order.instrument_id)
        return (
            self.find_lasting_denial(order)
            or self._find_closed_door(order, params)
            or find_denial_reason(order, instrument, params, prices)
        )

    def find_lasting_denial(self, order: Order) -> str | None:
        """Return why an order cannot be sent now and could not be a little later."""
        if order.is_closed:
            return "it is closed already"
        if self._session.store.is_full:
            return self._describe_fullness()
        return (
            self._find_sent(order)
            or self.find_other_account(order)
            or self._credentials.denial_reason
            or None
        )

    def find_obstacle(self, order: Order, params: OrderParams = NO_PARAMS) -> str | None:
        """Return why the venue would not take an order now, though perhaps a little later."""
        state = self._session.store.find_order(order.client_order_id.value)
        is_rpi = params.rpi or (state is not None and state.instruction == INSTRUCTION_RPI)
        is_post_only = is_rpi or bool(order.has_price and order.is_post_only)
        return self._system_state.find_denial_reason(is_post_only=is_post_only)

    def find_change_denial(
        self,
        order: Order,
        quantity: Quantity | None,
        price: Price | None,
        trigger_price: Price | None,
    ) -> str | None:
        """Return why a change of an order is not asked for."""
        return self._find_closed_door(order) or find_change_fault(
            order,
            self._cache.instrument(order.instrument_id),
            quantity,
            price,
            trigger_price,
            self._find_prices(order.instrument_id),
        )

    def find_other_account(self, order: Order) -> str | None:
        """Return why a command for an order is not for us, where the node trades more accounts."""
        account_id = find_account_id(order)
        if account_id in (None, self._account_id):
            return None
        return f"the order is of account {account_id}: name its client as client_id"

    def _find_closed_door(self, order: Order, params: OrderParams = NO_PARAMS) -> str | None:
        """Return why neither this order nor a change of it would be taken now, whatever it says."""
        return (
            self.find_other_account(order)
            or self._credentials.denial_reason
            or self.find_obstacle(order, params)
        )

    def _find_sent(self, order: Order) -> str | None:
        name = order.client_order_id.value
        session = self._session
        if session.store.find_order(name) is None and session.algo_orders.find(name) is None:
            return None
        return "its client order id was sent before"

    def _describe_fullness(self) -> str:
        return f"{self._session.store.open_orders_max} orders are open already"

    def _find_prices(self, instrument_id: InstrumentId) -> KnownPrices:
        """Return what the cache knows of the prices of an instrument."""
        mark = self._cache.mark_price(instrument_id)
        if mark is not None and self._clock.timestamp_ns() - mark.ts_init > MARK_PRICE_AGE_NS_MAX:
            mark = None
        quote = self._cache.quote_tick(instrument_id)
        trade = self._cache.trade_tick(instrument_id)
        return KnownPrices(
            mark=None if mark is None else mark.value,
            bid=None if quote is None else quote.bid_price,
            ask=None if quote is None else quote.ask_price,
            last=None if trade is None else trade.price,
        )
