"""Markets of the venue as Nautilus instruments.

Every instrument is quoted and settled in USDC: NautilusTrader books profit, fees and margin of a
linear instrument in its quote currency, and at Paradex they are in USDC although prices are in USD.
The venue's own currencies, limits and parameters stay in ``info``, as they came.

One function per kind of market, in `_TRANSLATORS`; the other kinds are refused by name:

=============  ========================  =========================================================
kind           instrument                margin and fees
=============  ========================  =========================================================
PERP, crypto   `CryptoPerpetual`         initial: ``imf_base``; maintenance: ``mmf_factor`` of it
PERP, other    `PerpetualContract`       the same; its asset class by `translate.asset_classes`
FUTURE         `CryptoFuture`            the same
OPTION         `CryptoOption`            fractions of the premium, as of a long position; what a
                                         short one binds depends on the spot price, which an
                                         instrument cannot say
SPOT           `CurrencyPair`            none, since it is paid in full
PERP_OPTION    none                      it has no expiry, which every option of Nautilus needs
=============  ========================  =========================================================

Precision comes from the tick and the lot, never from a value.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from nautilus_trader.model.currencies import USDC
from nautilus_trader.model.enums import AssetClass, CurrencyType, OptionKind
from nautilus_trader.model.identifiers import InstrumentId, Symbol
from nautilus_trader.model.instruments import (
    CryptoFuture,
    CryptoOption,
    CryptoPerpetual,
    CurrencyPair,
    IndexInstrument,
    Instrument,
    PerpetualContract,
)
from nautilus_trader.model.objects import (
    FIXED_PRECISION,
    MONEY_MAX,
    PRICE_MAX,
    QUANTITY_MAX,
    Currency,
    Money,
    Price,
    Quantity,
)

from paradex_adapter.constants import PARADEX_VENUE
from paradex_adapter.translate.asset_classes import find_asset_class
from paradex_adapter.translate.option_symbols import find_option_terms
from paradex_adapter_core.messages.account import AccountFees
from paradex_adapter_core.messages.markets import Market
from paradex_adapter_core.vocabulary import (
    ASSET_KINDS,
    KIND_FUTURE,
    KIND_OPTION,
    KIND_PERP,
    KIND_SPOT,
    OPTION_CALL,
    OPTION_PUT,
    RATE_SCALE,
    TRADING_STANDARD,
    UNITS_PER_ONE,
    UNITS_SCALE,
)

# Nautilus holds a value as an integer of 1e-FIXED_PRECISION, the venue's messages one of 1e-8.
RAW_PER_UNIT: Final = 10 ** (FIXED_PRECISION - UNITS_SCALE)
PRICE_UNITS_MAX: Final = int(PRICE_MAX) * UNITS_PER_ONE
QUANTITY_UNITS_MAX: Final = int(QUANTITY_MAX) * UNITS_PER_ONE
MONEY_UNITS_MAX: Final = int(MONEY_MAX) * UNITS_PER_ONE

SYMBOL_CHARS_MAX: Final = 64
NANOS_PER_DAY: Final = 24 * 60 * 60 * 1_000_000_000
# Decimals of the base currencies that Nautilus does not know.
BASE_CURRENCY_PRECISION: Final = 8

ASSET_KIND_NAMES: Final = {code: word for word, code in ASSET_KINDS.items()}


class MarketRefused(Exception):
    """A market that cannot become an instrument.

    Parameters
    ----------
    symbol : str
        The market.
    reason : str
        Why, in words that many markets may share: refusals are counted by it.
    """

    def __init__(self, symbol: str, reason: str) -> None:
        super().__init__(symbol, reason)
        self.symbol: Final = symbol
        self.reason: Final = reason

    def __str__(self) -> str:
        return f"market {self.symbol!r}: {self.reason}"


def market_to_instrument(
    market: Market, ts_init: int, account_fees: AccountFees | None = None
) -> Instrument:
    """Return the instrument for a market.

    Parameters
    ----------
    market : Market
        As `paradex_adapter_core.parsers.markets.parse_markets` gives it.
    ts_init : int
        When it was received, in nanoseconds since the Unix epoch.
    account_fees : AccountFees, optional
        The account's own fee rates, which take precedence over those of the market.

    Raises
    ------
    MarketRefused
        If its kind or trading mode is not supported, or Nautilus cannot hold its symbol or its
        limits.
    """
    translator = _TRANSLATORS.get(market.asset_kind)
    if translator is None:
        kind = ASSET_KIND_NAMES.get(market.asset_kind, "unknown kind")
        raise MarketRefused(market.symbol, f"{kind} is not supported")
    if market.trading_mode != TRADING_STANDARD:
        raise MarketRefused(market.symbol, "does not trade on the order book")
    # Nautilus aborts the process on an identifier that is not ASCII.
    for text in (market.symbol, market.base_currency):
        if not is_identifier(text):
            raise MarketRefused(
                market.symbol, f"symbol is not 1 to {SYMBOL_CHARS_MAX} printable ASCII characters"
            )
    return translator(market, ts_init, account_fees)


def symbol_to_instrument_id(symbol: str) -> InstrumentId:
    """Return the instrument id of a market; `symbol` must satisfy `is_identifier`."""
    return InstrumentId(Symbol(symbol), PARADEX_VENUE)


def is_identifier(text: str) -> bool:
    """Return whether Nautilus can hold a text of the venue as a symbol or a currency code."""
    return (
        0 < len(text) <= SYMBOL_CHARS_MAX
        and text.isascii()
        and text.isprintable()
        and " " not in text
    )


def code_to_currency(code: str) -> Currency:
    """Return the currency Nautilus knows by `code`, else a crypto currency of 8 decimals."""
    known = Currency.from_internal_map(code)
    if known is not None:
        return known
    return Currency(
        code=code,
        precision=BASE_CURRENCY_PRECISION,
        iso4217=0,
        name=code,
        currency_type=CurrencyType.CRYPTO,
    )


def option_to_underlying_index(option: Instrument) -> IndexInstrument:
    """Return the index an option of ours is settled by, such as ``BTC.PARADEX``.

    The venue lists none. A backtest needs it beside the option: Nautilus looks up the underlying
    by this id, and settles in cash when it is an index. Give it trades at the underlying's price.
    """
    code = option.underlying.code
    return IndexInstrument(
        instrument_id=symbol_to_instrument_id(code),
        raw_symbol=Symbol(code),
        currency=option.quote_currency,
        price_precision=option.price_precision,
        size_precision=option.size_precision,
        price_increment=option.price_increment,
        size_increment=option.size_increment,
        ts_event=option.ts_event,
        ts_init=option.ts_init,
    )


def _market_to_perpetual(market: Market, ts_init: int, fees: AccountFees | None) -> Instrument:
    terms = _common_terms(market, ts_init, _delta_one_rates(fees)) | _delta_one_margins(market)
    asset_class = find_asset_class(market.base_currency, market.tags)
    if asset_class == AssetClass.CRYPTOCURRENCY:
        base = code_to_currency(market.base_currency)
        return CryptoPerpetual(
            base_currency=base, settlement_currency=USDC, is_inverse=False, **terms
        )
    # An ounce or a barrel is no currency: its name alone is the underlying.
    return PerpetualContract(
        underlying=market.base_currency,
        asset_class=asset_class,
        settlement_currency=USDC,
        is_inverse=False,
        **terms,
    )


def _market_to_future(market: Market, ts_init: int, fees: AccountFees | None) -> Instrument:
    return CryptoFuture(
        underlying=code_to_currency(market.base_currency),
        settlement_currency=USDC,
        is_inverse=False,
        activation_ns=market.ts_open,
        expiration_ns=_expiry(market),
        **_common_terms(market, ts_init, _delta_one_rates(fees)),
        **_delta_one_margins(market),
    )


def _market_to_option(market: Market, ts_init: int, fees: AccountFees | None) -> Instrument:
    rates: _Rates = (None, None)
    if fees is not None:
        rates = (fees.dated_option_maker_rate, fees.dated_option_taker_rate)
    kinds = {OPTION_CALL: OptionKind.CALL, OPTION_PUT: OptionKind.PUT}
    if market.option_type not in kinds:
        raise MarketRefused(market.symbol, "option is neither a call nor a put")
    strike, expiry = _strike(market), _expiry(market)
    _check_option_symbol(market)
    initial, maintenance = market.imf_premium or 0, market.mmf_premium or 0
    if initial < 0 or maintenance < 0:
        raise MarketRefused(market.symbol, "margin out of range")
    return CryptoOption(
        underlying=code_to_currency(market.base_currency),
        settlement_currency=USDC,
        is_inverse=False,
        option_kind=kinds[market.option_type],
        strike_price=strike,
        activation_ns=market.ts_open,
        expiration_ns=expiry,
        margin_init=_scaled(initial, RATE_SCALE),
        margin_maint=_scaled(maintenance, RATE_SCALE),
        # The venue's minimum is one of size times spot price; Nautilus would take the premium.
        **_common_terms(market, ts_init, rates) | {"min_notional": None},
    )


def _market_to_pair(market: Market, ts_init: int, fees: AccountFees | None) -> Instrument:
    rates = (None, None) if fees is None else (fees.spot_maker_rate, fees.spot_taker_rate)
    return CurrencyPair(
        base_currency=code_to_currency(market.base_currency),
        **_common_terms(market, ts_init, rates),
    )


type _Rates = tuple[int | None, int | None]
type _Translator = Callable[[Market, int, AccountFees | None], Instrument]

_TRANSLATORS: Final[dict[int, _Translator]] = {
    KIND_PERP: _market_to_perpetual,
    KIND_FUTURE: _market_to_future,
    KIND_OPTION: _market_to_option,
    KIND_SPOT: _market_to_pair,
}


def _common_terms(market: Market, ts_init: int, account_rates: _Rates) -> dict[str, object]:
    price_precision, price_increment = _tick_size(market)
    size_precision, size_increment = _lot_size(market)
    maker_rate, taker_rate = account_rates
    return {
        "instrument_id": symbol_to_instrument_id(market.symbol),
        "raw_symbol": Symbol(market.symbol),
        "quote_currency": USDC,
        "price_precision": price_precision,
        "size_precision": size_precision,
        "price_increment": price_increment,
        "size_increment": size_increment,
        "lot_size": size_increment,
        "max_quantity": _max_quantity(market, size_precision),
        "min_quantity": size_increment,
        "min_notional": _min_notional(market),
        "maker_fee": _fee(maker_rate, market.maker_fee),
        "taker_fee": _fee(taker_rate, market.taker_fee),
        "ts_event": ts_init,
        "ts_init": ts_init,
        "info": market.info,
    }


def _delta_one_rates(fees: AccountFees | None) -> _Rates:
    return (None, None) if fees is None else (fees.maker_rate, fees.taker_rate)


def _expiry(market: Market) -> int:
    if not market.ts_expiry:
        raise MarketRefused(market.symbol, "has no expiry")
    return market.ts_expiry


def _strike(market: Market) -> Price:
    units = market.strike_price
    if units is None:
        raise MarketRefused(market.symbol, "option without a strike price")
    if units > PRICE_UNITS_MAX:
        raise MarketRefused(market.symbol, "strike price out of range")
    # Written as its ticks are; a strike is not traded, so it may be finer than they.
    precision = max(_precision(units), _precision(market.price_tick_size))
    return Price.from_raw(units * RAW_PER_UNIT, precision)


def _check_option_symbol(market: Market) -> None:
    """Refuse an option whose symbol says other terms; other forms of symbols say nothing."""
    said = find_option_terms(market.symbol)
    if said is None:
        return
    is_alike = (
        said.base == market.base_currency
        and said.strike.scaleb(UNITS_SCALE) == market.strike_price
        and said.is_call == (market.option_type == OPTION_CALL)
        and abs(said.ts_expiry - market.ts_expiry) < NANOS_PER_DAY
    )
    if not is_alike:
        raise MarketRefused(market.symbol, "symbol and terms of the option disagree")


def _tick_size(market: Market) -> tuple[int, Price]:
    units = market.price_tick_size
    if not 0 < units <= PRICE_UNITS_MAX:
        raise MarketRefused(market.symbol, "price tick out of range")
    precision = _precision(units)
    return precision, Price.from_raw(units * RAW_PER_UNIT, precision)


def _lot_size(market: Market) -> tuple[int, Quantity]:
    units = market.order_size_increment
    if not 0 < units <= QUANTITY_UNITS_MAX:
        raise MarketRefused(market.symbol, "size increment out of range")
    precision = _precision(units)
    return precision, Quantity.from_raw(units * RAW_PER_UNIT, precision)


def _max_quantity(market: Market, precision: int) -> Quantity | None:
    if market.max_order_size is None:
        return None
    step = 10 ** (UNITS_SCALE - precision)
    units = market.max_order_size // step * step
    # A limit beyond what Nautilus can hold is none: the venue's word stays in `info`.
    if not 0 < units <= QUANTITY_UNITS_MAX:
        return None
    return Quantity.from_raw(units * RAW_PER_UNIT, precision)


def _min_notional(market: Market) -> Money | None:
    units = market.min_notional
    if not units:
        return None
    if not 0 < units <= MONEY_UNITS_MAX:
        raise MarketRefused(market.symbol, "minimum notional out of range")
    return Money.from_raw(units * RAW_PER_UNIT, USDC)


def _delta_one_margins(market: Market) -> dict[str, object]:
    initial = market.imf_base or 0
    factor = market.mmf_factor or 0
    if initial < 0 or factor < 0:
        raise MarketRefused(market.symbol, "margin out of range")
    return {
        "margin_init": _scaled(initial, RATE_SCALE),
        "margin_maint": _scaled(initial * factor, 2 * RATE_SCALE),
    }


def _fee(account_rate: int | None, market_rate: int | None) -> Decimal:
    rate = market_rate if account_rate is None else account_rate
    return _scaled(rate or 0, RATE_SCALE)


def _precision(units: int) -> int:
    """Return how many decimals a value of the grid with this increment needs."""
    precision = UNITS_SCALE
    while precision and units % 10 == 0:
        units //= 10
        precision -= 1
    return precision


def _scaled(value: int, scale: int) -> Decimal:
    while scale and value % 10 == 0:
        value //= 10
        scale -= 1
    # From text: arithmetic would round to the precision of the caller's decimal context.
    return Decimal(f"{value}e-{scale}")
