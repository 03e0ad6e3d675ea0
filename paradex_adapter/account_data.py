"""What the venue does to an account beyond orders and fills, as custom data of NautilusTrader.

An execution client publishes it without being asked; a strategy takes it without naming a client::

    self.subscribe_data(DataType(ParadexFundingPayment))
"""

from typing import ClassVar, Final

import pyarrow as pa  # type: ignore[import-untyped]
from nautilus_trader.model.identifiers import AccountId, InstrumentId

from paradex_adapter.custom_data import (
    AMOUNT,
    TEXT,
    ParadexData,
    register_custom_types,
    units_to_field,
)
from paradex_adapter_core.messages.account import FundingPayment
from paradex_adapter_core.messages.orders import TradeBust


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
    bust: TradeBust,
    account_id: AccountId,
    instrument_id: InstrumentId,
    client_order_id: str,
    ts_init: int,
) -> ParadexTradeBust:
    """Return a trade bust as custom data; `client_order_id` is that of the order in the cache."""
    return ParadexTradeBust(
        instrument_id,
        bust.ts_event or ts_init,
        ts_init,
        account_id=account_id.value,
        trade_id=bust.fill_id,
        client_order_id=client_order_id,
    )


ACCOUNT_TYPES: Final[tuple[type[ParadexData], ...]] = (ParadexFundingPayment, ParadexTradeBust)
register_custom_types(ACCOUNT_TYPES)
