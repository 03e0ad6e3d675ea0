from decimal import Decimal, localcontext

import pytest
from nautilus_trader.model.currencies import BTC, EUR, USDC
from nautilus_trader.model.enums import CurrencyType, InstrumentClass
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.instruments import CryptoPerpetual
from nautilus_trader.model.objects import MONEY_MAX, PRICE_MAX, QUANTITY_MAX, Money, Price, Quantity

from paradex_adapter.translate.instruments import (
    SYMBOL_CHARS_MAX,
    MarketRefused,
    code_to_currency,
    is_identifier,
    market_to_instrument,
    symbol_to_instrument_id,
)
from paradex_adapter_core.messages.account import AccountFees
from paradex_adapter_core.messages.markets import Market
from paradex_adapter_core.parsers.markets import parse_markets
from paradex_adapter_core.vocabulary import (
    KIND_FUTURE,
    KIND_PERP,
    KIND_PERP_OPTION,
    OPTION_NONE,
    TRADING_RFQ_ONLY,
    TRADING_STANDARD,
    UNITS_PER_ONE,
)
from tests.shared_specs import requires_shared_specs, spec_path

TS = 1_700_000_000_000_000_000
ONE_RATE = 10**12


def make_market(**changes) -> Market:
    """BTC-USD-PERP with the limits the venue documents."""
    fields = {
        "symbol": "BTC-USD-PERP",
        "asset_kind": KIND_PERP,
        "base_currency": "BTC",
        "quote_currency": "USD",
        "settlement_currency": "USDC",
        "price_tick_size": UNITS_PER_ONE // 10,
        "order_size_increment": UNITS_PER_ONE // 100_000,
        "min_notional": 10 * UNITS_PER_ONE,
        "max_order_size": 100 * UNITS_PER_ONE,
        "position_limit": 300 * UNITS_PER_ONE,
        "max_open_orders": 150,
        "trading_mode": TRADING_STANDARD,
        "option_type": OPTION_NONE,
        "strike_price": None,
        "ts_open": TS,
        "ts_expiry": 0,
        "funding_period_hours": 8,
        "maker_fee": 30_000_000,
        "taker_fee": 450_000_000,
        "imf_base": ONE_RATE // 50,
        "mmf_factor": ONE_RATE // 2,
        "price_bands_width": ONE_RATE // 20,
        "max_slippage": ONE_RATE // 100,
        "imf_premium": None,
        "mmf_premium": None,
        "tags": (),
        "info": {"symbol": "BTC-USD-PERP", "quote_currency": "USD"},
    }
    return Market(**(fields | changes))


def make_fees(maker: int | None, taker: int | None) -> AccountFees:
    return AccountFees("0x1", "main", "", maker, taker, 1, 1, 1, 1, 1, 1)


def test_a_perpetual():
    instrument = market_to_instrument(make_market(), TS)

    assert type(instrument) is CryptoPerpetual
    assert instrument.id == InstrumentId.from_str("BTC-USD-PERP.PARADEX")
    assert instrument.raw_symbol.value == "BTC-USD-PERP"
    assert instrument.instrument_class == InstrumentClass.SWAP
    assert instrument.price_increment == Price.from_str("0.1")
    assert instrument.price_precision == 1
    assert instrument.size_increment == Quantity.from_str("0.00001")
    assert instrument.size_precision == 5
    assert instrument.min_quantity == Quantity.from_str("0.00001")
    assert instrument.max_quantity == Quantity.from_str("100.00000")
    assert instrument.max_quantity.precision == 5
    assert instrument.multiplier == Quantity.from_int(1)
    assert instrument.min_notional == Money(10, USDC)
    assert instrument.max_notional is None
    assert instrument.margin_init == Decimal("0.02")
    assert instrument.margin_maint == Decimal("0.01")
    assert instrument.maker_fee == Decimal("0.00003")
    assert instrument.taker_fee == Decimal("0.00045")
    assert instrument.ts_event == instrument.ts_init == TS


def test_everything_is_booked_in_usdc_and_the_venues_words_stay_in_info():
    market = make_market()

    instrument = market_to_instrument(market, TS)

    assert instrument.base_currency == BTC
    assert instrument.quote_currency == USDC
    assert instrument.settlement_currency == USDC
    assert instrument.get_cost_currency() == USDC
    assert not instrument.is_inverse
    assert not instrument.is_quanto
    assert instrument.info == {"symbol": "BTC-USD-PERP", "quote_currency": "USD"}


@pytest.mark.parametrize(
    ("units", "precision", "text"),
    [
        (1, 8, "0.00000001"),
        (100, 6, "0.000001"),
        (250, 7, "0.0000025"),
        (25_000_000, 2, "0.25"),
        (50_000_000, 1, "0.5"),
        (UNITS_PER_ONE, 0, "1"),
        (10 * UNITS_PER_ONE, 0, "10"),
        (25 * UNITS_PER_ONE, 0, "25"),
    ],
)
def test_precision_comes_from_the_increment_alone(units, precision, text):
    market = make_market(price_tick_size=units, order_size_increment=units)

    instrument = market_to_instrument(market, TS)

    assert instrument.price_precision == precision
    assert str(instrument.price_increment) == text
    assert instrument.size_precision == precision
    assert str(instrument.size_increment) == text


def test_largest_increments_nautilus_can_hold():
    market = make_market(
        price_tick_size=int(PRICE_MAX) * UNITS_PER_ONE,
        order_size_increment=int(QUANTITY_MAX) * UNITS_PER_ONE,
        min_notional=int(MONEY_MAX) * UNITS_PER_ONE,
    )

    instrument = market_to_instrument(market, TS)

    assert instrument.price_increment == Price.from_str(str(int(PRICE_MAX)))
    assert instrument.size_increment == Quantity.from_str(str(int(QUANTITY_MAX)))
    assert instrument.min_notional.as_decimal() == int(MONEY_MAX)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"price_tick_size": 0}, "price tick out of range"),
        ({"price_tick_size": -1}, "price tick out of range"),
        ({"price_tick_size": int(PRICE_MAX) * UNITS_PER_ONE + 1}, "price tick out of range"),
        ({"order_size_increment": 0}, "size increment out of range"),
        (
            {"order_size_increment": int(QUANTITY_MAX) * UNITS_PER_ONE + 1},
            "size increment out of range",
        ),
        ({"min_notional": -1}, "minimum notional out of range"),
        (
            {"min_notional": int(MONEY_MAX) * UNITS_PER_ONE + 1},
            "minimum notional out of range",
        ),
        ({"imf_base": -1}, "margin out of range"),
        ({"mmf_factor": -1}, "margin out of range"),
        ({"trading_mode": TRADING_RFQ_ONLY}, "does not trade on the order book"),
        ({"trading_mode": 0}, "does not trade on the order book"),
        ({"asset_kind": KIND_PERP_OPTION}, "PERP_OPTION is not supported"),
        ({"asset_kind": KIND_FUTURE}, "has no expiry"),
        ({"asset_kind": 0}, "unknown kind is not supported"),
        ({"symbol": "BTC-USD-PËRP"}, "printable ASCII"),
        ({"symbol": "BTC USD"}, "printable ASCII"),
        ({"symbol": "BTC\n"}, "printable ASCII"),
        ({"symbol": ""}, "printable ASCII"),
        ({"symbol": "X" * (SYMBOL_CHARS_MAX + 1)}, "printable ASCII"),
        ({"base_currency": "币"}, "printable ASCII"),
        ({"base_currency": ""}, "printable ASCII"),
    ],
)
def test_a_market_nautilus_cannot_hold_is_refused_by_name(changes, reason):
    with pytest.raises(MarketRefused, match=reason) as caught:
        market_to_instrument(make_market(**changes), TS)

    assert caught.value.symbol == changes.get("symbol", "BTC-USD-PERP")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("units", "expected"),
    [
        (None, None),
        (0, None),
        # Above Nautilus' range: no limit that it could check.
        (int(QUANTITY_MAX) * UNITS_PER_ONE + 1000, None),
        (10**30, None),
        # A limit between two steps allows the lower one.
        (UNITS_PER_ONE + 999, "1.00000"),
        (int(QUANTITY_MAX) * UNITS_PER_ONE, f"{int(QUANTITY_MAX)}.00000"),
    ],
)
def test_largest_order(units, expected):
    instrument = market_to_instrument(make_market(max_order_size=units), TS)

    held = instrument.max_quantity
    assert (held if held is None else str(held)) == expected


@pytest.mark.parametrize("units", [None, 0])
def test_no_minimum_notional(units):
    assert market_to_instrument(make_market(min_notional=units), TS).min_notional is None


def test_a_minimum_notional_keeps_all_its_decimals():
    instrument = market_to_instrument(make_market(min_notional=1_234_567_891), TS)

    assert instrument.min_notional == Money.from_str("12.34567891 USDC")


@pytest.mark.parametrize(
    ("account", "maker", "taker"),
    [
        (None, "0.00003", "0.00045"),
        (make_fees(None, None), "0.00003", "0.00045"),
        (make_fees(-50_000_000, 350_000_000), "-0.00005", "0.00035"),
        (make_fees(0, 0), "0", "0"),
        (make_fees(None, 175_000_001), "0.00003", "0.000175000001"),
    ],
)
def test_the_accounts_fees_come_before_the_markets(account, maker, taker):
    instrument = market_to_instrument(make_market(), TS, account)

    assert instrument.maker_fee == Decimal(maker)
    assert instrument.taker_fee == Decimal(taker)


def test_fees_and_margins_the_venue_does_not_name_are_zero():
    market = make_market(maker_fee=None, taker_fee=None, imf_base=None, mmf_factor=None)

    instrument = market_to_instrument(market, TS)

    assert instrument.maker_fee == instrument.taker_fee == 0
    assert instrument.margin_init == instrument.margin_maint == 0


def test_margins_do_not_depend_on_the_callers_decimal_context():
    with localcontext() as context:
        context.prec = 3
        market = make_market(imf_base=123_456_789_012, mmf_factor=987_654_321_098)
        instrument = market_to_instrument(market, TS)

    assert instrument.margin_init == Decimal("0.123456789012")
    numerator, denominator = instrument.margin_maint.as_integer_ratio()
    assert numerator * 10**24 == 123_456_789_012 * 987_654_321_098 * denominator


@pytest.mark.parametrize(
    "symbol",
    ["kPEPE-USD-PERP", "HYPE-USD-30OCT26-102_5-P", "A.B/C:D-USD-PERP", "1000X#-USD", "~"],
)
def test_unusual_symbols_survive_the_way_through_nautilus(symbol):
    instrument = market_to_instrument(make_market(symbol=symbol, base_currency="kPEPE"), TS)

    assert is_identifier(symbol)
    assert instrument.id.symbol.value == symbol
    assert instrument.id == symbol_to_instrument_id(symbol)
    assert InstrumentId.from_str(instrument.id.value) == instrument.id
    assert instrument.id.venue.value == "PARADEX"


def test_base_currencies():
    unknown = code_to_currency("kNOTKNOWN")

    assert code_to_currency("BTC") == BTC
    assert code_to_currency("EUR") == EUR
    assert unknown.code == "kNOTKNOWN"
    assert unknown.precision == 8
    assert unknown.currency_type == CurrencyType.CRYPTO


def test_an_instrument_survives_serialization():
    instrument = market_to_instrument(make_market(), TS)

    assert CryptoPerpetual.from_dict(CryptoPerpetual.to_dict(instrument)) == instrument
    assert CryptoPerpetual.to_dict(instrument)["margin_maint"] == "0.01"


@requires_shared_specs
@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        (
            "markets_perp_btc_testnet_2024.json",
            ("BTC-USD-PERP.PARADEX", "0.1", "0.001", "500.00000000 USDC", "100.000", "0.02"),
        ),
        (
            "markets_perp_eth_testnet_2026.json",
            ("ETH-USD-PERP.PARADEX", "0.01", "0.0001", "100.00000000 USDC", "None", "0.02"),
        ),
        (
            "docs_marketresp.json",
            ("ETH-USD-PERP.PARADEX", "0.01", "0.001", "3.00000000 USDC", "100.000", "0.11"),
        ),
    ],
)
def test_recorded_perpetuals(sample, expected):
    (market,) = parse_markets(spec_path("samples", "rest", sample).read_bytes())

    instrument = market_to_instrument(market, TS)

    shown = (
        instrument.id,
        instrument.price_increment,
        instrument.size_increment,
        instrument.min_notional,
        instrument.max_quantity,
        instrument.margin_init,
    )
    assert tuple(map(str, shown)) == expected


@requires_shared_specs
def test_a_recorded_perpetual_option_is_refused_by_name():
    sample = "markets_perp_option_btc_wire_types.json"
    (market,) = parse_markets(spec_path("samples", "rest", sample).read_bytes())

    with pytest.raises(MarketRefused, match=r": PERP_OPTION is not supported$"):
        market_to_instrument(market, TS)
