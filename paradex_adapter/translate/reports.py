"""Messages of the venue as Nautilus reports and the parts of an account state. Pure functions."""

from typing import Final

from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.reports import FillReport, OrderStatusReport, PositionStatusReport
from nautilus_trader.model.currencies import USDC
from nautilus_trader.model.enums import (
    OrderStatus,
    OrderType,
    PositionSide,
    TimeInForce,
    TriggerType,
)
from nautilus_trader.model.identifiers import AccountId, ClientOrderId
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.objects import AccountBalance, Currency, MarginBalance, Money, Price

from paradex_adapter.translate.values import (
    UnusableMessageError,
    fill_to_commission,
    fill_to_order_text,
    fill_to_trade_id,
    find_client_order_id,
    liquidity_to_side,
    need_venue_order_id,
    side_to_order_side,
    token_to_currency,
    units_to_decimal,
    units_to_money,
    units_to_price,
    units_to_quantity,
)
from paradex_adapter_core.messages.account import AccountSummary, Balance, Position
from paradex_adapter_core.messages.orders import Fill, OrderUpdate
from paradex_adapter_core.order_state import OrderState
from paradex_adapter_core.vocabulary import (
    CONDITIONAL_TYPES,
    EXPIRE_REASONS,
    FLAG_REDUCE_ONLY,
    INSTRUCTION_IOC,
    INSTRUCTION_POST_ONLY,
    INSTRUCTION_RPI,
    ORDER_LIMIT,
    ORDER_MARKET,
    ORDER_STOP_LIMIT,
    ORDER_STOP_LOSS_LIMIT,
    ORDER_STOP_LOSS_MARKET,
    ORDER_STOP_MARKET,
    ORDER_TAKE_PROFIT_LIMIT,
    ORDER_TAKE_PROFIT_MARKET,
    PRICED_TYPES,
    REJECT_REASONS,
    STATUS_CLOSED,
    STATUS_NEW,
    STATUS_OPEN,
)

_ORDER_TYPES: Final = {
    ORDER_LIMIT: OrderType.LIMIT,
    ORDER_MARKET: OrderType.MARKET,
    ORDER_STOP_LIMIT: OrderType.STOP_LIMIT,
    ORDER_STOP_MARKET: OrderType.STOP_MARKET,
    ORDER_STOP_LOSS_LIMIT: OrderType.STOP_LIMIT,
    ORDER_STOP_LOSS_MARKET: OrderType.STOP_MARKET,
    ORDER_TAKE_PROFIT_LIMIT: OrderType.LIMIT_IF_TOUCHED,
    ORDER_TAKE_PROFIT_MARKET: OrderType.MARKET_IF_TOUCHED,
}
# NautilusTrader has no triggered state for those that trade at the market.
_TRIGGERED_TYPES: Final = CONDITIONAL_TYPES & PRICED_TYPES


def order_update_to_status(update: OrderUpdate, was_working: bool) -> OrderStatus:
    """Return the Nautilus status, from the numbers first and the venue's reason second.

    Parameters
    ----------
    update : OrderUpdate
        The order as the venue tells it.
    was_working : bool
        Whether the order is known to have rested in the book: then it was not rejected.
    """
    filled = update.size - update.remaining_size
    if update.status == STATUS_NEW:
        return OrderStatus.SUBMITTED
    if update.status != STATUS_CLOSED:
        is_triggered = update.status == STATUS_OPEN and update.order_type in _TRIGGERED_TYPES
        return _working_status(filled, is_triggered)
    if update.remaining_size == 0:
        return OrderStatus.FILLED
    if not filled and not was_working and update.cancel_reason in REJECT_REASONS:
        return OrderStatus.REJECTED
    return OrderStatus.EXPIRED if update.cancel_reason in EXPIRE_REASONS else OrderStatus.CANCELED


def order_update_to_report(
    update: OrderUpdate,
    instrument: Instrument,
    account_id: AccountId,
    ts_init: int,
    was_working: bool = False,
    counted: int | None = None,
) -> OrderStatusReport:
    """Return the status report of an order.

    Parameters
    ----------
    update : OrderUpdate
        The order as the venue tells it.
    instrument : Instrument
        What it trades.
    account_id : AccountId
        Whose it is.
    ts_init : int
        When the report is made, in nanoseconds since the Unix epoch.
    was_working : bool
        Whether the order is known to have rested in the book.
    counted : int, optional
        How much of it (1e-8) the engine was told fills for. An order that filled further is
        reported as working with this much: for the rest the engine would invent a fill.

    Raises
    ------
    UnusableMessageError
        If the order has no Nautilus form: size 0, an unknown type, an id that is not ASCII.
    """
    filled = update.size - update.remaining_size
    status = order_update_to_status(update, was_working)
    if counted is not None and counted < filled:
        filled = counted
        # What fills of a conditional order was triggered.
        status = _working_status(counted, update.order_type in _TRIGGERED_TYPES)
    order_type = _ORDER_TYPES.get(update.order_type)
    if order_type is None:
        raise UnusableMessageError("order type", f"code {update.order_type} is unknown")
    if update.size <= 0 or not 0 <= update.remaining_size <= update.size:
        raise UnusableMessageError("size", "is not positive, or smaller than what remains")
    is_priced = update.order_type in PRICED_TYPES
    if is_priced and not update.price:
        raise UnusableMessageError("price", "is missing on a limit order")
    # A plain order may come with a trigger price of 0, which means none.
    is_conditional = update.order_type in CONDITIONAL_TYPES
    if is_conditional and not update.trigger_price:
        raise UnusableMessageError("trigger price", "is missing on a conditional order")
    return OrderStatusReport(
        account_id=account_id,
        instrument_id=instrument.id,
        venue_order_id=need_venue_order_id(update.venue_order_id),
        client_order_id=find_client_order_id(update.client_order_id),
        order_side=side_to_order_side(update.side),
        order_type=order_type,
        time_in_force=(
            TimeInForce.IOC if update.instruction == INSTRUCTION_IOC else TimeInForce.GTC
        ),
        order_status=status,
        quantity=units_to_quantity(update.size, instrument.size_precision),
        filled_qty=units_to_quantity(filled, instrument.size_precision),
        avg_px=units_to_decimal(update.avg_fill_price) if update.avg_fill_price else None,
        price=_find_price(update.price if is_priced else None, instrument),
        trigger_price=_find_price(update.trigger_price if is_conditional else None, instrument),
        trigger_type=TriggerType.MARK_PRICE if is_conditional else TriggerType.NO_TRIGGER,
        post_only=update.instruction in (INSTRUCTION_POST_ONLY, INSTRUCTION_RPI),
        reduce_only=bool(update.flags & FLAG_REDUCE_ONLY),
        cancel_reason=update.cancel_reason or None,
        report_id=UUID4(),
        ts_accepted=update.ts_created,
        # The venue does not tell when: by then, at the latest.
        ts_triggered=update.ts_updated if status == OrderStatus.TRIGGERED else 0,
        ts_last=update.ts_updated,
        ts_init=ts_init,
    )


def state_to_report(
    state: OrderState, instrument: Instrument, account_id: AccountId, ts_init: int
) -> OrderStatusReport:
    """Return the report of an own working order, from what is known without asking the venue."""
    is_priced = state.order_type in PRICED_TYPES
    is_triggered = state.is_triggered and is_priced
    status = _working_status(state.filled, is_triggered)
    return OrderStatusReport(
        account_id=account_id,
        instrument_id=instrument.id,
        venue_order_id=need_venue_order_id(state.venue_order_id),
        client_order_id=ClientOrderId(state.client_order_id),
        order_side=side_to_order_side(state.side),
        order_type=_ORDER_TYPES[state.order_type],
        time_in_force=(
            TimeInForce.IOC if state.instruction == INSTRUCTION_IOC else TimeInForce.GTC
        ),
        order_status=status,
        quantity=units_to_quantity(state.size, instrument.size_precision),
        filled_qty=units_to_quantity(state.filled, instrument.size_precision),
        price=_find_price(state.price if is_priced else None, instrument),
        trigger_price=_find_price(
            state.trigger_price if state.is_conditional else None, instrument
        ),
        trigger_type=TriggerType.MARK_PRICE if state.is_conditional else TriggerType.NO_TRIGGER,
        post_only=state.instruction in (INSTRUCTION_POST_ONLY, INSTRUCTION_RPI),
        reduce_only=bool(state.flags & FLAG_REDUCE_ONLY),
        report_id=UUID4(),
        ts_accepted=state.ts_sent,
        ts_triggered=ts_init if status == OrderStatus.TRIGGERED else 0,
        ts_last=ts_init,
        ts_init=ts_init,
    )


def _working_status(filled: int, is_triggered: bool) -> OrderStatus:
    if filled:
        return OrderStatus.PARTIALLY_FILLED
    return OrderStatus.TRIGGERED if is_triggered else OrderStatus.ACCEPTED


def _find_price(units: int | None, instrument: Instrument) -> Price | None:
    return units_to_price(units, instrument.price_precision) if units else None


def fill_to_report(
    fill: Fill, side: int, instrument: Instrument, account_id: AccountId, ts_init: int
) -> FillReport:
    """Return the report of a fill; `side` is that of its order where the order is known.

    Raises
    ------
    UnusableMessageError
        If the fill has no Nautilus form.
    """
    if fill.size <= 0:
        raise UnusableMessageError("size", "is not positive")
    return FillReport(
        account_id=account_id,
        instrument_id=instrument.id,
        venue_order_id=need_venue_order_id(fill_to_order_text(fill)),
        client_order_id=find_client_order_id(fill.client_order_id),
        trade_id=fill_to_trade_id(fill),
        order_side=side_to_order_side(side),
        last_qty=units_to_quantity(fill.size, instrument.size_precision),
        last_px=units_to_price(fill.price, instrument.price_precision),
        commission=fill_to_commission(fill),
        liquidity_side=liquidity_to_side(fill.liquidity),
        report_id=UUID4(),
        ts_event=fill.ts_event,
        ts_init=ts_init,
    )


def fills_to_order_report(
    fills: list[Fill],
    side: int,
    instrument: Instrument,
    account_id: AccountId,
    ts_init: int,
    status: OrderStatus,
) -> OrderStatusReport:
    """Return the report of an order made of exactly these fills, oldest first.

    For fills without an order of the account (liquidations, settlements, transfers, block trades)
    or with one from before the asked window: the engine attaches a fill to an order only.

    Parameters
    ----------
    fills : list[Fill]
        At least one, all of one order.
    side : int
        The account's side.
    instrument, account_id, ts_init
        As for `order_update_to_report`.
    status : OrderStatus
        FILLED where the engine gets the fills in the same answer, ACCEPTED where they follow: it
        would invent a fill for a filled order, and skip those of an accepted one.
    """
    first, last = fills[0], fills[-1]
    size = sum(fill.size for fill in fills)
    value = sum(fill.size * fill.price for fill in fills)
    is_filled = status == OrderStatus.FILLED
    return OrderStatusReport(
        account_id=account_id,
        instrument_id=instrument.id,
        venue_order_id=need_venue_order_id(fill_to_order_text(first)),
        client_order_id=find_client_order_id(first.client_order_id),
        order_side=side_to_order_side(side),
        order_type=OrderType.MARKET,
        time_in_force=TimeInForce.IOC,
        order_status=status,
        quantity=units_to_quantity(size, instrument.size_precision),
        filled_qty=units_to_quantity(size if is_filled else 0, instrument.size_precision),
        avg_px=units_to_decimal(value) / size if is_filled else None,
        report_id=UUID4(),
        ts_accepted=first.ts_event,
        ts_last=last.ts_event,
        ts_init=ts_init,
    )


def position_to_report(
    position: Position, instrument: Instrument, account_id: AccountId, ts_init: int
) -> PositionStatusReport:
    """Return the report of a net position, flat ones included."""
    if position.size == 0:
        return PositionStatusReport.create_flat(
            account_id, instrument.id, instrument.size_precision, ts_init
        )
    # The instrument is quoted in USDC here; the venue's USD average is the price it traded at.
    entry = position.average_entry_price_usd or position.average_entry_price
    return PositionStatusReport(
        account_id=account_id,
        instrument_id=instrument.id,
        position_side=PositionSide.LONG if position.size > 0 else PositionSide.SHORT,
        quantity=units_to_quantity(abs(position.size), instrument.size_precision),
        avg_px_open=units_to_decimal(entry) if entry else None,
        report_id=UUID4(),
        ts_last=position.ts_updated,
        ts_init=ts_init,
    )


def balances_to_account_balances(
    balances: list[Balance], summary: AccountSummary | None, skipped: list[str] | None = None
) -> list[AccountBalance]:
    """Return one balance per token, USDC always among them.

    Of USDC, the collateral, as much is locked as the venue's free collateral lacks: the initial
    margin requirement and what open positions have lost, less what they have gained. ``free`` is
    the difference of the two rounded amounts, so that they add up exactly; it is negative for an
    account below its requirement. A token that has no Nautilus form is left out, and ``skipped``
    told why.

    Raises
    ------
    UnusableMessageError
        If that of USDC has none.
    """
    # Of one message, so that nothing is locked where nothing is open.
    lacking = 0 if summary is None else summary.total_collateral - summary.free_collateral
    totals: dict[str, int] = {"USDC": 0}
    for balance in balances:
        totals[balance.token] = balance.size
    result = []
    for name, units in totals.items():
        locked = max(0, lacking) if name == "USDC" else 0
        try:
            result.append(_to_account_balance(token_to_currency(name), units, locked))
        except UnusableMessageError as error:
            if name == "USDC":
                raise
            if skipped is not None:
                skipped.append(f"balance of {name!a}: {error}")
    return result


def _to_account_balance(currency: Currency, total: int, locked: int) -> AccountBalance:
    total_money, locked_money = units_to_money(total, currency), units_to_money(locked, currency)
    # The difference of two amounts in range need not be.
    units_to_money(total - locked, currency)
    free = Money.from_raw(total_money.raw - locked_money.raw, currency)
    return AccountBalance(total_money, locked_money, free)


def summary_to_margins(summary: AccountSummary | None) -> list[MarginBalance]:
    """Return the cross margin of the account: one entry, of no instrument, in USDC."""
    if summary is None:
        return []
    return [
        MarginBalance(
            units_to_money(max(0, summary.initial_margin), USDC),
            units_to_money(max(0, summary.maintenance_margin), USDC),
            None,
        )
    ]
