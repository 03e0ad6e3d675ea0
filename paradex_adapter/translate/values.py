"""Values and identifiers of the venue as those of Nautilus.

Pure functions. Nautilus ends the process on a non-ASCII identifier and on a price out of range, so
everything is checked here, and `UnusableMessageError` raised, before it becomes one.
"""

from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Final

from nautilus_trader.model.currencies import USDC
from nautilus_trader.model.enums import LiquiditySide, OrderSide
from nautilus_trader.model.identifiers import ClientOrderId, TradeId, VenueOrderId
from nautilus_trader.model.objects import Currency, Money, Price, Quantity

from paradex_adapter.translate.instruments import (
    MONEY_UNITS_MAX,
    PRICE_UNITS_MAX,
    QUANTITY_UNITS_MAX,
    RAW_PER_UNIT,
    code_to_currency,
    is_identifier,
)
from paradex_adapter_core.decimals import units_to_text
from paradex_adapter_core.messages.orders import Fill
from paradex_adapter_core.vocabulary import (
    FILL_ORDINARY,
    FILL_RPI,
    FILL_TYPE_NAMES,
    LIQUIDITY_MAKER,
    LIQUIDITY_TAKER,
    SIDE_BUY,
    SIDE_SELL,
    UNITS_SCALE,
)

ORDER_ID_CHARS_MAX: Final = 64
TRADE_ID_CHARS_MAX: Final = 36
CURRENCY_CODE_CHARS_MAX: Final = 16
# More than quantity, price and rate together can have.
COMMISSION_DIGITS: Final = 80
# Of the premium, by the venue's page on trading fees.
OPTION_FEE_CAP: Final = Decimal("0.125")

_ORDER_SIDES: Final = {SIDE_BUY: OrderSide.BUY, SIDE_SELL: OrderSide.SELL}
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


def units_to_price(units: int, precision: int) -> Price:
    """Return `units` of 1e-8 as a price of `precision` decimals, or of more if it has more.

    Prices off the tick exist (liquidations, settlements); cutting them would change the money.

    Raises
    ------
    UnusableMessageError
        If NautilusTrader cannot hold it.
    """
    return Price.from_raw(_need_raw(units, PRICE_UNITS_MAX, "price"), _widen(units, precision))


def units_to_quantity(units: int, precision: int) -> Quantity:
    """Return `units` of 1e-8 as a quantity of `precision` decimals, or of more if it has more.

    Raises
    ------
    UnusableMessageError
        If it is negative, or NautilusTrader cannot hold it.
    """
    if units < 0:
        raise UnusableMessageError("size", "is negative")
    return Quantity.from_raw(_need_raw(units, QUANTITY_UNITS_MAX, "size"), _widen(units, precision))


def units_to_money(units: int, currency: Currency) -> Money:
    """Return `units` of 1e-8 as an amount, rounded half to even to the currency's decimals.

    Raises
    ------
    UnusableMessageError
        If NautilusTrader cannot hold it.
    """
    step = 10 ** max(0, UNITS_SCALE - currency.precision)
    rounded, rest = divmod(units, step)
    if 2 * rest > step or (2 * rest == step and rounded % 2):
        rounded += 1
    return Money.from_raw(_need_raw(rounded * step, MONEY_UNITS_MAX, "amount"), currency)


def units_to_decimal(units: int) -> Decimal:
    """Return `units` of 1e-8 as an exact decimal."""
    # From text: arithmetic would round to the precision of the caller's decimal context.
    return Decimal(f"{units}e-{UNITS_SCALE}")


def find_client_order_id(text: str) -> ClientOrderId | None:
    """Return the identifier, None when `text` is empty or not one Nautilus can hold."""
    return ClientOrderId(text) if _is_identifier(text, ORDER_ID_CHARS_MAX) else None


def need_venue_order_id(text: str) -> VenueOrderId:
    """Return the identifier.

    Raises
    ------
    UnusableMessageError
        If `text` is empty, too long or not printable ASCII.
    """
    if not _is_identifier(text, ORDER_ID_CHARS_MAX):
        raise UnusableMessageError("order id", "is empty, too long or not printable ASCII")
    return VenueOrderId(text)


def fill_to_trade_id(fill: Fill) -> TradeId:
    """Return the fill's id, with its type appended when it is not an ordinary fill.

    The venue's ids are unique per type only. Ordinary fills and those against retail price
    improvement orders come from one sequence.

    Raises
    ------
    UnusableMessageError
        If the id is empty, too long or not printable ASCII.
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
    """Return the currency of a token: USDC, or a crypto of 8 decimals under the token's name.

    Raises
    ------
    UnusableMessageError
        If the token's name is too long or not printable ASCII.
    """
    if token in ("", "USDC"):
        return USDC
    if not is_identifier(token) or len(token) > CURRENCY_CODE_CHARS_MAX:
        raise UnusableMessageError("token", "is too long or not printable ASCII")
    return code_to_currency(token)


def side_to_order_side(side: int) -> OrderSide:
    """Return the Nautilus side of a side code.

    Raises
    ------
    UnusableMessageError
        If the venue's word was none that is known: a guess could turn a position round.
    """
    if side not in _ORDER_SIDES:
        raise UnusableMessageError("side", "is neither BUY nor SELL")
    return _ORDER_SIDES[side]


def liquidity_to_side(liquidity: int) -> LiquiditySide:
    """Return the Nautilus liquidity side of a code."""
    return _LIQUIDITY_SIDES.get(liquidity, LiquiditySide.NO_LIQUIDITY_SIDE)


def fill_to_commission(fill: Fill) -> Money:
    """Return the fee: positive when paid, negative for a rebate, in the currency it was paid in.

    That is USDC unless the account chose to pay fees in another token; such a fee is not part of
    the PnL in USDC.
    """
    return units_to_money(fill.fee, token_to_currency(fill.fee_currency))


def fill_to_info(fill: Fill, fee_value: int | None = None) -> dict[str, str]:
    """Return what is known of a fill beyond Nautilus' fields; amounts as decimal text.

    `fee_value` is what a fee that is not in USDC is worth in it (1e-8), where that is known.
    """
    info = {"fill_type": FILL_TYPE_NAMES[fill.fill_type]}
    if fee_value is not None:
        info["fee_usdc"] = units_to_text(fee_value, UNITS_SCALE)
    if fill.realized_pnl is not None:
        info["realized_pnl"] = units_to_text(fill.realized_pnl, UNITS_SCALE)
    if fill.realized_funding is not None:
        info["realized_funding"] = units_to_text(fill.realized_funding, UNITS_SCALE)
    return info


def fill_to_text(fill: Fill, side: int) -> str:
    """Return a fill as a user reads it; `side` is the account's."""
    word = "BUY" if side == SIDE_BUY else "SELL"
    size, price = (units_to_text(units, UNITS_SCALE) for units in (fill.size, fill.price))
    return f"{FILL_TYPE_NAMES[fill.fill_type]} of {fill.market}: {word} {size} at {price}"


def fill_to_order_text(fill: Fill) -> str:
    """Return the id of the order a fill belongs to; its own id where the venue placed no order."""
    return fill.venue_order_id or f"{FILL_TYPE_NAMES[fill.fill_type]}-{fill.fill_id}"


def commission_at_rate(last_qty: Quantity, last_px: Price, rate: Decimal) -> Money:
    """Return the fee of a fill at `rate`, rounded half to even to 1e-8 USDC."""
    with localcontext(prec=COMMISSION_DIGITS):
        return _round_commission(last_qty.as_decimal() * last_px.as_decimal() * rate)


def option_commission_at_rate(
    last_qty: Quantity, last_px: Price, rate: Decimal, underlying_px: Price
) -> Money:
    """Return the fee of a fill of an option: `rate` of the underlying's value, up to the cap."""
    with localcontext(prec=COMMISSION_DIGITS):
        share = min(underlying_px.as_decimal() * rate, last_px.as_decimal() * OPTION_FEE_CAP)
        return _round_commission(last_qty.as_decimal() * share)


def _round_commission(exact: Decimal) -> Money:
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
