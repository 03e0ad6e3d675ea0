"""Messages of the venue as Nautilus reports and the parts of an account state.

Pure functions. Every text of the venue is checked before it becomes a Nautilus identifier: a
non-ASCII one, or a price out of range, would not raise but end the process.
"""

from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Final

from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.reports import FillReport, OrderStatusReport, PositionStatusReport
from nautilus_trader.model.currencies import USDC
from nautilus_trader.model.enums import (
    LiquiditySide,
    OrderSide,
    OrderStatus,
    OrderType,
    PositionSide,
    TimeInForce,
    TriggerType,
)
from nautilus_trader.model.identifiers import (
    AccountId,
    ClientOrderId,
    TradeId,
    VenueOrderId,
)
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.objects import (
    AccountBalance,
    Currency,
    MarginBalance,
    Money,
    Price,
    Quantity,
)

from paradex_adapter.translate.instruments import (
    MONEY_UNITS_MAX,
    PRICE_UNITS_MAX,
    QUANTITY_UNITS_MAX,
    RAW_PER_UNIT,
    code_to_currency,
    is_identifier,
)
from paradex_adapter_core.messages import AccountSummary, Balance, Fill, OrderUpdate, Position
from paradex_adapter_core.order_state import OrderState
from paradex_adapter_core.vocabulary import (
    EXPIRE_REASONS,
    FILL_ORDINARY,
    FILL_RPI,
    FILL_TYPE_NAMES,
    FLAG_REDUCE_ONLY,
    INSTRUCTION_IOC,
    INSTRUCTION_POST_ONLY,
    INSTRUCTION_RPI,
    LIQUIDITY_MAKER,
    LIQUIDITY_TAKER,
    ORDER_LIMIT,
    ORDER_MARKET,
    ORDER_STOP_LIMIT,
    ORDER_STOP_LOSS_LIMIT,
    ORDER_STOP_LOSS_MARKET,
    ORDER_STOP_MARKET,
    ORDER_TAKE_PROFIT_LIMIT,
    ORDER_TAKE_PROFIT_MARKET,
    REJECT_REASONS,
    SIDE_BUY,
    STATUS_CLOSED,
    STATUS_NEW,
    UNITS_SCALE,
)

VENUE_ORDER_ID_CHARS_MAX: Final = 64
TRADE_ID_CHARS_MAX: Final = 36
CURRENCY_CODE_CHARS_MAX: Final = 16
# More than quantity, price and rate together can have.
COMMISSION_DIGITS: Final = 80

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
_PRICED_TYPES: Final = (OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.LIMIT_IF_TOUCHED)
_LIQUIDITY_SIDES: Final = {
    LIQUIDITY_MAKER: LiquiditySide.MAKER,
    LIQUIDITY_TAKER: LiquiditySide.TAKER,
}


class UnusableMessageError(ValueError):
    """A message of the venue that has no Nautilus form: it is logged and left out.

    Parameters
    ----------
    field : str
        The field at fault.
    reason : str
        What is wrong with it.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.field: Final = field
        self.reason: Final = reason

    def __str__(self) -> str:
        return f"{self.field} {self.reason}"


# -- values and identifiers -------------------------------------------------------------------


def units_to_price(units: int, precision: int) -> Price:
    """Return `units` of 1e-8 as a price of `precision` decimals, or of more if it has more.

    Prices off the tick exist (liquidations, settlements); cutting them would change the money.
    """
    return Price.from_raw(_need_raw(units, PRICE_UNITS_MAX, "price"), _widen(units, precision))


def units_to_quantity(units: int, precision: int) -> Quantity:
    """Return `units` of 1e-8 as a quantity of `precision` decimals, or of more if it has more."""
    if units < 0:
        raise UnusableMessageError("size", "is negative")
    return Quantity.from_raw(_need_raw(units, QUANTITY_UNITS_MAX, "size"), _widen(units, precision))


def units_to_money(units: int, currency: Currency) -> Money:
    """Return `units` of 1e-8 as an amount, rounded half to even to the currency's decimals."""
    step = 10 ** max(0, UNITS_SCALE - currency.precision)
    rounded, rest = divmod(units, step)
    if 2 * rest > step or (2 * rest == step and rounded % 2):
        rounded += 1
    return Money.from_raw(_need_raw(rounded * step, MONEY_UNITS_MAX, "amount"), currency)


def units_to_decimal(units: int) -> Decimal:
    """Return `units` of 1e-8 as an exact decimal."""
    return Decimal(units).scaleb(-UNITS_SCALE)


def find_client_order_id(text: str) -> ClientOrderId | None:
    """Return the identifier, None when `text` is empty or not one Nautilus can hold."""
    return ClientOrderId(text) if _is_identifier(text, VENUE_ORDER_ID_CHARS_MAX) else None


def need_venue_order_id(text: str) -> VenueOrderId:
    """Return the identifier or raise `UnusableMessageError`."""
    if not _is_identifier(text, VENUE_ORDER_ID_CHARS_MAX):
        raise UnusableMessageError("order id", "is empty, too long or not printable ASCII")
    return VenueOrderId(text)


def fill_to_trade_id(fill: Fill) -> TradeId:
    """Return the fill's id, with its type appended when it is not an ordinary fill.

    The venue's ids are unique per type only. Ordinary fills and those against retail price
    improvement orders come from one sequence.
    """
    text = fill.fill_id
    if fill.fill_type not in (FILL_ORDINARY, FILL_RPI):
        text = f"{text}-{FILL_TYPE_NAMES[fill.fill_type]}"[:TRADE_ID_CHARS_MAX]
    if not _is_identifier(text, TRADE_ID_CHARS_MAX):
        raise UnusableMessageError("fill id", "is empty, too long or not printable ASCII")
    return TradeId(text)


def trade_id_to_fill_keys(trade_id: TradeId) -> list[tuple[int, str]]:
    """Return the (fill type, fill id) that `fill_to_trade_id` may have made this id of."""
    fill_id, _, suffix = trade_id.value.partition("-")
    if not suffix:
        return [(FILL_ORDINARY, fill_id), (FILL_RPI, fill_id)]
    # A long suffix was cut.
    return [(code, fill_id) for code, name in FILL_TYPE_NAMES.items() if name.startswith(suffix)]


def token_to_currency(token: str) -> Currency:
    """Return the currency of a token: USDC, or a crypto of 8 decimals under the token's name."""
    if token in ("", "USDC"):
        return USDC
    if not is_identifier(token) or len(token) > CURRENCY_CODE_CHARS_MAX:
        raise UnusableMessageError("token", "is too long or not printable ASCII")
    return code_to_currency(token)


def side_to_order_side(side: int) -> OrderSide:
    """Return the Nautilus side of a side code."""
    return OrderSide.BUY if side == SIDE_BUY else OrderSide.SELL


def liquidity_to_side(liquidity: int) -> LiquiditySide:
    """Return the Nautilus liquidity side of a code."""
    return _LIQUIDITY_SIDES.get(liquidity, LiquiditySide.NO_LIQUIDITY_SIDE)


def fill_to_commission(fill: Fill) -> Money:
    """Return the fee: positive when paid, negative for a rebate, in the currency it was paid in.

    That is USDC unless the account chose to pay fees in another token; such a fee is not part of
    the PnL in USDC.
    """
    return units_to_money(fill.fee, token_to_currency(fill.fee_currency))


def fill_to_info(fill: Fill) -> dict[str, str]:
    """Return what the venue tells of a fill beyond Nautilus' fields; amounts as decimal text."""
    info = {"fill_type": FILL_TYPE_NAMES[fill.fill_type]}
    if fill.realized_pnl is not None:
        info["realized_pnl"] = f"{units_to_decimal(fill.realized_pnl):f}"
    if fill.realized_funding is not None:
        info["realized_funding"] = f"{units_to_decimal(fill.realized_funding):f}"
    return info


# -- reports ----------------------------------------------------------------------------------


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
        return OrderStatus.PARTIALLY_FILLED if filled else OrderStatus.ACCEPTED
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
        status = OrderStatus.PARTIALLY_FILLED if counted else OrderStatus.ACCEPTED
    order_type = _ORDER_TYPES.get(update.order_type)
    if order_type is None:
        raise UnusableMessageError("order type", f"code {update.order_type} is unknown")
    if update.size <= 0 or not 0 <= update.remaining_size <= update.size:
        raise UnusableMessageError("size", "is not positive, or smaller than what remains")
    price = update.price if order_type in _PRICED_TYPES else None
    if order_type in _PRICED_TYPES and not price:
        raise UnusableMessageError("price", "is missing on a limit order")
    trigger_price = update.trigger_price or None
    if order_type in (OrderType.LIMIT, OrderType.MARKET):
        # A rejected plain order may come with a trigger price of 0, which means none.
        trigger_price = None
    elif trigger_price is None:
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
        price=None if price is None else units_to_price(price, instrument.price_precision),
        trigger_price=(
            None
            if trigger_price is None
            else units_to_price(trigger_price, instrument.price_precision)
        ),
        trigger_type=TriggerType.NO_TRIGGER if trigger_price is None else TriggerType.MARK_PRICE,
        post_only=update.instruction in (INSTRUCTION_POST_ONLY, INSTRUCTION_RPI),
        reduce_only=bool(update.flags & FLAG_REDUCE_ONLY),
        cancel_reason=update.cancel_reason or None,
        report_id=UUID4(),
        ts_accepted=update.ts_created,
        ts_last=update.ts_updated,
        ts_init=ts_init,
    )


def state_to_report(
    state: OrderState, instrument: Instrument, account_id: AccountId, ts_init: int
) -> OrderStatusReport:
    """Return the report of an own working order, from what is known without asking the venue."""
    price = state.price if state.order_type == ORDER_LIMIT else None
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
        order_status=OrderStatus.PARTIALLY_FILLED if state.filled else OrderStatus.ACCEPTED,
        quantity=units_to_quantity(state.size, instrument.size_precision),
        filled_qty=units_to_quantity(state.filled, instrument.size_precision),
        price=None if price is None else units_to_price(price, instrument.price_precision),
        post_only=state.instruction in (INSTRUCTION_POST_ONLY, INSTRUCTION_RPI),
        reduce_only=bool(state.flags & FLAG_REDUCE_ONLY),
        report_id=UUID4(),
        ts_accepted=state.ts_sent,
        ts_last=ts_init,
        ts_init=ts_init,
    )


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


def fill_to_order_text(fill: Fill) -> str:
    """Return the id of the order a fill belongs to; its own id where the venue placed no order."""
    return fill.venue_order_id or f"{FILL_TYPE_NAMES[fill.fill_type]}-{fill.fill_id}"


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


# -- account ----------------------------------------------------------------------------------


def balances_to_account_balances(
    balances: list[Balance], summary: AccountSummary | None
) -> list[AccountBalance]:
    """Return one balance per token, USDC always among them.

    The initial margin requirement is locked out of USDC, the collateral. ``free`` is the difference
    of the two rounded amounts, so that they add up exactly; it is negative for an account below its
    requirement.
    """
    totals: dict[str, int] = {"USDC": 0}
    for balance in balances:
        totals[balance.token] = balance.size
    result = []
    for token, units in totals.items():
        currency = token_to_currency(token)
        total = units_to_money(units, currency)
        locked = Money(0, currency)
        if currency == USDC and summary is not None:
            locked = units_to_money(max(0, summary.initial_margin), currency)
        free = Money.from_raw(total.raw - locked.raw, currency)
        result.append(AccountBalance(total, locked, free))
    return result


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


def commission_at_rate(last_qty: Quantity, last_px: Price, rate: Decimal) -> Money:
    """Return the fee of a fill at `rate`, rounded half to even to 1e-8 USDC."""
    with localcontext(prec=COMMISSION_DIGITS):
        exact = last_qty.as_decimal() * last_px.as_decimal() * rate
        units = int(exact.scaleb(UNITS_SCALE).to_integral_value(ROUND_HALF_EVEN))
    return units_to_money(units, USDC)


def _is_identifier(text: str, chars_max: int) -> bool:
    return (
        0 < len(text) <= chars_max and text.isascii() and text.isprintable() and bool(text.strip())
    )


def _need_raw(units: int, units_max: int, field: str) -> int:
    if not -units_max <= units <= units_max:
        raise UnusableMessageError(field, "is out of range")
    return units * RAW_PER_UNIT


def _widen(units: int, precision: int) -> int:
    """Return the smallest precision from `precision` up that holds `units` exactly."""
    while precision < UNITS_SCALE and units % 10 ** (UNITS_SCALE - precision):
        precision += 1
    return precision
