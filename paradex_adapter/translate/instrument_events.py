"""What becomes of an instrument, as Nautilus' `InstrumentStatus` and `InstrumentClose`.

================  ==============================  ===============================================
at the venue      status                          close
================  ==============================  ===============================================
listed            TRADING, or PRE_OPEN before     none
                  it opens
changed           none: the instrument is         none
                  published again
settled           CLOSE                           the settlement price: of an option its payoff
removed           NOT_AVAILABLE_FOR_TRADING       none
================  ==============================  ===============================================
"""

from typing import Final

from nautilus_trader.model.data import InstrumentClose, InstrumentStatus
from nautilus_trader.model.enums import InstrumentCloseType, MarketStatusAction
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.instruments import CryptoFuture, CryptoOption, Instrument
from nautilus_trader.model.objects import Price

from paradex_adapter.translate.instruments import PRICE_UNITS_MAX, RAW_PER_UNIT
from paradex_adapter.translate.market_data import OutOfRange, precision_step, round_units
from paradex_adapter_core.messages.markets import MarketEvent, MarketSettlement
from paradex_adapter_core.vocabulary import MARKET_SETTLED

# The venue's word, as the `reason` of a status.
REASON_LISTED: Final = "CREATED"
REASON_SETTLED: Final = "SETTLED"
REASON_REMOVED: Final = "DELETED"


def instrument_to_status(instrument: Instrument, ts_event: int, ts_init: int) -> InstrumentStatus:
    """Return the status of an instrument that is listed, at ``ts_event``."""
    is_dated = isinstance(instrument, CryptoOption | CryptoFuture)
    is_open = not is_dated or instrument.activation_ns <= ts_event
    return InstrumentStatus(
        instrument_id=instrument.id,
        action=MarketStatusAction.TRADING if is_open else MarketStatusAction.PRE_OPEN,
        ts_event=ts_event,
        ts_init=ts_init,
        reason=REASON_LISTED,
        is_trading=is_open,
        is_quoting=is_open,
    )


def settled_to_status(instrument_id: InstrumentId, ts_event: int, ts_init: int) -> InstrumentStatus:
    """Return the status of an instrument that was settled."""
    return _ended(instrument_id, MarketStatusAction.CLOSE, REASON_SETTLED, ts_event, ts_init)


def delisted_to_status(
    instrument_id: InstrumentId, ts_event: int, ts_init: int
) -> InstrumentStatus:
    """Return the status of an instrument that is no longer listed."""
    action = MarketStatusAction.NOT_AVAILABLE_FOR_TRADING
    return _ended(instrument_id, action, REASON_REMOVED, ts_event, ts_init)


def market_event_to_close(
    event: MarketEvent, instrument: Instrument, ts_init: int
) -> InstrumentClose | None:
    """Return the close of an instrument that an event says was settled.

    ``None`` when it says something else, or names no price: REST /markets/settlement-price does
    then, see `settlement_to_close`.

    Raises
    ------
    OutOfRange
        If Nautilus cannot hold the price.
    """
    if event.event_type != MARKET_SETTLED or event.settlement_price is None:
        return None
    return _close(instrument, event.settlement_price, event.ts_event, ts_init)


def settlement_to_close(
    settlement: MarketSettlement, instrument: Instrument, ts_init: int
) -> InstrumentClose:
    """Return the close of an instrument, as of its expiry, from REST /markets/settlement-price.

    Raises
    ------
    OutOfRange
        If Nautilus cannot hold the price.
    """
    return _close(instrument, settlement.settlement_price, settlement.ts_expiry, ts_init)


def _ended(
    instrument_id: InstrumentId,
    action: MarketStatusAction,
    reason: str,
    ts_event: int,
    ts_init: int,
) -> InstrumentStatus:
    return InstrumentStatus(
        instrument_id=instrument_id,
        action=action,
        ts_event=ts_event,
        ts_init=ts_init,
        reason=reason,
        is_trading=False,
        is_quoting=False,
    )


def _close(instrument: Instrument, units: int, ts_event: int, ts_init: int) -> InstrumentClose:
    # A payoff is finer than the tick: an average price less the strike.
    units = round_units(units, precision_step(instrument.price_precision))
    if not 0 <= units <= PRICE_UNITS_MAX:
        raise OutOfRange(units)
    return InstrumentClose(
        instrument_id=instrument.id,
        close_price=Price.from_raw(units * RAW_PER_UNIT, instrument.price_precision),
        close_type=InstrumentCloseType.CONTRACT_EXPIRED,
        ts_event=ts_event,
        ts_init=ts_init,
    )
