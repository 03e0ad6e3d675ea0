"""What the venue does to an account beyond orders and fills, as custom data of NautilusTrader.

An execution client publishes it without being asked. A strategy takes it through the data client,
or where there is none from the message bus::

    self.subscribe_data(DataType(ParadexFundingPayment), client_id=PARADEX_CLIENT_ID)
    self.msgbus.subscribe(topic="data.ParadexFundingPayment*", handler=self.on_data)
"""

from typing import ClassVar, Final

import pyarrow as pa  # type: ignore[import-untyped]
from nautilus_trader.model.events import OrderFilled
from nautilus_trader.model.identifiers import AccountId, InstrumentId

from paradex_adapter.custom_data import (
    AMOUNT,
    TEXT,
    TIME,
    ParadexData,
    register_custom_types,
    units_to_field,
)
from paradex_adapter_core.messages.account import FundingPayment
from paradex_adapter_core.messages.orders import AlgoOrder, TradeBust
from paradex_adapter_core.vocabulary import ORDER_STATUSES, SIDE_BUY

_STATUS_NAMES: Final = {code: word for word, code in ORDER_STATUSES.items() if word}


class ParadexFundingPayment(ParadexData):
    """Funding that was realized into the account's balance: channel ``funding_payments``.

    ``payment`` is positive when received, in the settlement currency (USDC); ``funding_index`` the
    market's; ``fill_id`` names the fill that changed the position, and is empty where none did.
    """

    FIELDS: ClassVar[dict[str, pa.DataType]] = {
        "account_id": TEXT,
        "payment_id": TEXT,
        "payment": AMOUNT,
        "funding_index": AMOUNT,
        "fill_id": TEXT,
    }


class ParadexTradeBust(ParadexData):
    """A fill that the venue took back: channel ``tradebusts``.

    ``trade_id`` is that of the `OrderFilled` it concerns, which NautilusTrader cannot undo: the
    position is reconciled with the venue's instead.
    """

    FIELDS: ClassVar[dict[str, pa.DataType]] = {
        "account_id": TEXT,
        "trade_id": TEXT,
        "client_order_id": TEXT,
    }


class ParadexAlgoOrder(ParadexData):
    """How a TWAP order of this client stands: told whenever that changes.

    ``client_order_id`` is that of the Nautilus order, ``algo_order_id`` its venue order id. What is
    ``filled``, at ``avg_price``, was traded by child orders, which are orders of their own.
    ``status`` is the venue's word (NEW, OPEN, CLOSED); ``ts_end`` when its time is over, in
    nanoseconds since the Unix epoch.
    """

    FIELDS: ClassVar[dict[str, pa.DataType]] = {
        "account_id": TEXT,
        "client_order_id": TEXT,
        "algo_order_id": TEXT,
        "side": TEXT,
        "status": TEXT,
        "size": AMOUNT,
        "filled": AMOUNT,
        "avg_price": AMOUNT,
        "cancel_reason": TEXT,
        "ts_end": TIME,
    }


def payment_to_custom(
    payment: FundingPayment, account_id: AccountId, instrument_id: InstrumentId, ts_init: int
) -> ParadexFundingPayment:
    """Return a funding payment as custom data."""
    return ParadexFundingPayment(
        instrument_id,
        payment.ts_event,
        ts_init,
        account_id=account_id.value,
        payment_id=payment.payment_id,
        payment=units_to_field(payment.payment, AMOUNT),
        funding_index=units_to_field(payment.funding_index, AMOUNT),
        fill_id=payment.fill_id,
    )


def bust_to_custom(
    bust: TradeBust, account_id: AccountId, fill: OrderFilled, ts_init: int
) -> ParadexTradeBust:
    """Return a trade bust as custom data; `fill` is what the engine was told of the fill."""
    return ParadexTradeBust(
        fill.instrument_id,
        bust.ts_event or ts_init,
        ts_init,
        account_id=account_id.value,
        trade_id=fill.trade_id.value,
        client_order_id=fill.client_order_id.value,
    )


def algo_order_to_custom(
    order: AlgoOrder,
    client_order_id: str,
    account_id: AccountId,
    instrument_id: InstrumentId,
    ts_init: int,
) -> ParadexAlgoOrder:
    """Return how an algo order stands as custom data."""
    return ParadexAlgoOrder(
        instrument_id,
        order.ts_updated or ts_init,
        ts_init,
        account_id=account_id.value,
        client_order_id=client_order_id,
        algo_order_id=order.algo_order_id,
        side="BUY" if order.side == SIDE_BUY else "SELL",
        status=_STATUS_NAMES.get(order.status, "UNKNOWN"),
        size=units_to_field(order.size, AMOUNT),
        filled=units_to_field(order.size - order.remaining_size, AMOUNT),
        avg_price=units_to_field(order.avg_fill_price, AMOUNT),
        cancel_reason=order.cancel_reason,
        ts_end=order.ts_end or None,
    )


ACCOUNT_TYPES: Final[tuple[type[ParadexData], ...]] = (
    ParadexAlgoOrder,
    ParadexFundingPayment,
    ParadexTradeBust,
)
register_custom_types(ACCOUNT_TYPES)
