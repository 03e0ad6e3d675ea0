"""Options, spot, futures and what is not crypto as Nautilus instruments."""

from datetime import UTC, datetime
from decimal import Decimal

import orjson
import pytest
from nautilus_trader.model.currencies import ETH, USDC
from nautilus_trader.model.enums import (
    AssetClass,
    InstrumentClass,
    OptionKind,
    asset_class_to_str,
)
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.instruments import (
    CryptoFuture,
    CryptoOption,
    CryptoPerpetual,
    CurrencyPair,
    IndexInstrument,
    Instrument,
    PerpetualContract,
)
from nautilus_trader.model.objects import PRICE_MAX, Currency, Money, Price, Quantity

from paradex_adapter.translate.instruments import (
    MarketRefused,
    market_to_instrument,
    option_to_underlying_index,
)
from paradex_adapter_core.messages.account import AccountFees
from paradex_adapter_core.parsers.markets import parse_markets
from tests.shared_specs import requires_shared_specs, spec_path

TS = 1_700_000_000_000_000_000
MS_26DEC26 = int(datetime(2026, 12, 26, 8, tzinfo=UTC).timestamp() * 1000)
FEES = AccountFees(
    account="0x1",
    account_kind="main",
    parent_account="",
    maker_rate=1 * 10**8,
    taker_rate=2 * 10**8,
    spot_maker_rate=3 * 10**8,
    spot_taker_rate=4 * 10**8,
    dated_option_maker_rate=5 * 10**8,
    dated_option_taker_rate=6 * 10**8,
    perp_option_maker_rate=7 * 10**8,
    perp_option_taker_rate=8 * 10**8,
)
COMMON = {
    "quote_currency": "USD",
    "settlement_currency": "USDC",
    "max_order_size": "100",
    "trading_mode": "STANDARD",
    "fee_config": {"api_fee": {"maker_fee": {"fee": "0.0001"}, "taker_fee": {"fee": "0.0002"}}},
}
OPTION = COMMON | {
    "symbol": "BTC-USD-26DEC26-100000-C",
    "asset_kind": "OPTION",
    "base_currency": "BTC",
    "price_tick_size": "0.01",
    "order_size_increment": "0.001",
    "min_notional": "20",
    "option_type": "CALL",
    "strike_price": "100000",
    "open_at": 1_764_000_000_000,
    "expiry_at": MS_26DEC26,
    "delta1_cross_margin_params": None,
    "option_cross_margin_params": {
        "imf": {"premium_multiplier": "1"},
        "mmf": {"premium_multiplier": "0.5"},
    },
}
SPOT = COMMON | {
    "symbol": "ETH-USD",
    "asset_kind": "SPOT",
    "base_currency": "ETH",
    "price_tick_size": "0.01",
    "order_size_increment": "0.0001",
    "min_notional": "10",
}
FUTURE = COMMON | {
    "symbol": "BTC-USD-26DEC26",
    "asset_kind": "FUTURE",
    "base_currency": "BTC",
    "price_tick_size": "0.1",
    "order_size_increment": "0.001",
    "open_at": 1_764_000_000_000,
    "expiry_at": MS_26DEC26,
    "delta1_cross_margin_params": {"imf_base": "0.02", "mmf_factor": "0.5"},
}
PERP = COMMON | {
    "symbol": "CL-USD-PERP",
    "asset_kind": "PERP",
    "base_currency": "CL",
    "price_tick_size": "0.01",
    "order_size_increment": "0.1",
    "min_notional": "10",
    "tags": ["RWA"],
    "delta1_cross_margin_params": {"imf_base": "0.2", "mmf_factor": "0.5"},
}


def translate(row: dict, fees: AccountFees | None = None, **changes: object) -> Instrument:
    (market,) = parse_markets(orjson.dumps({"results": [row | changes]}))
    return market_to_instrument(market, TS, fees)


def check_money_is_usdc(instrument: Instrument) -> None:
    assert instrument.quote_currency == USDC
    assert instrument.get_cost_currency() == USDC
    assert instrument.get_settlement_currency() == USDC
    assert not instrument.is_inverse
    assert instrument.info["quote_currency"] == "USD"


def test_an_option():
    option = translate(OPTION)

    assert type(option) is CryptoOption
    assert option.id == InstrumentId.from_str("BTC-USD-26DEC26-100000-C.PARADEX")
    assert option.instrument_class == InstrumentClass.OPTION
    assert option.underlying.code == "BTC"
    assert option.option_kind == OptionKind.CALL
    assert str(option.strike_price) == "100000.00"
    assert option.expiration_utc == datetime(2026, 12, 26, 8, tzinfo=UTC)
    assert option.activation_ns == 1_764_000_000_000 * 10**6
    assert option.price_increment == Price.from_str("0.01")
    assert option.size_increment == option.min_quantity == Quantity.from_str("0.001")
    assert str(option.max_quantity) == "100.000"
    assert (option.margin_init, option.margin_maint) == (Decimal(1), Decimal("0.5"))
    assert (option.maker_fee, option.taker_fee) == (Decimal("0.0001"), Decimal("0.0002"))
    assert not option.is_quanto
    check_money_is_usdc(option)


def test_the_minimum_of_an_option_is_not_one_of_its_premium():
    option = translate(OPTION)

    assert option.min_notional is None
    assert option.info["min_notional"] == "20"


@pytest.mark.parametrize(
    ("symbol", "changes", "strike"),
    [
        ("BTC-USD-26DEC26-100000-P", {"option_type": "PUT"}, "100000.00"),
        # A decimal strike, which the symbol writes with an underscore.
        (
            "HYPE-USD-26DEC26-102_5-C",
            {"base_currency": "HYPE", "strike_price": "102.5", "price_tick_size": "0.001"},
            "102.500",
        ),
        # Finer than its tick.
        (
            "HYPE-USD-26DEC26-102_5-C",
            {"base_currency": "HYPE", "strike_price": "102.50", "price_tick_size": "1"},
            "102.5",
        ),
        # A day of one digit.
        (
            "BTC-USD-8MAY26-78000-C",
            {"strike_price": "78000.00", "expiry_at": 1_778_227_200_000},
            "78000.00",
        ),
        # A form of symbol not known yet says nothing, so it cannot disagree.
        ("BTC-USD-2027Q1-90000-CALL", {"strike_price": "90000"}, "90000.00"),
    ],
)
def test_strikes_and_kinds_of_options(symbol, changes, strike):
    option = translate(OPTION, symbol=symbol, **changes)

    assert option.id.symbol.value == symbol
    assert str(option.strike_price) == strike
    assert option.option_kind.name == changes.get("option_type", "CALL")
    assert option.expiration_ns == changes.get("expiry_at", MS_26DEC26) * 10**6


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"option_type": ""}, "neither a call nor a put"),
        ({"option_type": "STRADDLE"}, "neither a call nor a put"),
        ({"strike_price": ""}, "without a strike price"),
        ({"strike_price": "0"}, "without a strike price"),
        ({"expiry_at": 0}, "has no expiry"),
        ({"option_type": "PUT"}, "symbol and terms of the option disagree"),
        ({"strike_price": "100000.5"}, "symbol and terms of the option disagree"),
        ({"base_currency": "ETH"}, "symbol and terms of the option disagree"),
        (
            {"expiry_at": MS_26DEC26 + 24 * 60 * 60 * 1000},
            "symbol and terms of the option disagree",
        ),
        ({"trading_mode": "RFQ_ONLY"}, "does not trade on the order book"),
        ({"option_cross_margin_params": {"imf": {"premium_multiplier": "-1"}}}, "margin out of"),
        ({"option_cross_margin_params": {"mmf": {"premium_multiplier": "-1"}}}, "margin out of"),
    ],
)
def test_an_option_without_clear_terms_is_refused(changes, reason):
    with pytest.raises(MarketRefused, match=reason):
        translate(OPTION, **changes)


def test_a_strike_beyond_nautilus_range_is_refused():
    beyond = str(int(PRICE_MAX) + 1)

    with pytest.raises(MarketRefused, match="strike price out of range"):
        translate(OPTION, symbol="BTC-USD-WHATEVER", strike_price=beyond)


def test_an_option_without_margin_parameters_binds_none():
    option = translate(OPTION, option_cross_margin_params=None)

    assert option.margin_init == option.margin_maint == 0


def test_the_index_an_option_is_settled_by():
    index = option_to_underlying_index(translate(OPTION))

    assert type(index) is IndexInstrument
    assert index.id == InstrumentId.from_str("BTC.PARADEX")
    assert index.quote_currency == USDC
    assert index.price_increment == Price.from_str("0.01")


def test_spot():
    pair = translate(SPOT)

    assert type(pair) is CurrencyPair
    assert pair.id == InstrumentId.from_str("ETH-USD.PARADEX")
    assert pair.instrument_class == InstrumentClass.SPOT
    assert pair.base_currency == ETH
    assert pair.min_notional == Money(10, USDC)
    # Paid in full, so there is nothing to bind.
    assert pair.margin_init == pair.margin_maint == 0
    check_money_is_usdc(pair)


def test_a_future():
    future = translate(FUTURE)

    assert type(future) is CryptoFuture
    assert future.id == InstrumentId.from_str("BTC-USD-26DEC26.PARADEX")
    assert future.underlying.code == "BTC"
    assert future.expiration_ns == MS_26DEC26 * 10**6
    assert (future.margin_init, future.margin_maint) == (Decimal("0.02"), Decimal("0.01"))
    check_money_is_usdc(future)


def test_a_perpetual_on_what_is_not_crypto():
    contract = translate(PERP)

    assert type(contract) is PerpetualContract
    assert contract.id == InstrumentId.from_str("CL-USD-PERP.PARADEX")
    assert contract.instrument_class == InstrumentClass.SWAP
    assert contract.asset_class == AssetClass.COMMODITY
    assert contract.underlying == "CL"
    assert contract.base_currency is None
    assert (contract.margin_init, contract.margin_maint) == (Decimal("0.2"), Decimal("0.1"))
    assert contract.min_notional == Money(10, USDC)
    check_money_is_usdc(contract)


@pytest.mark.parametrize(
    ("base", "tags", "expected"),
    [
        # As they were listed on 2026-09-14; the classes are those of the venue's own pages.
        ("CL", ["RWA"], "COMMODITY"),
        ("XAU", ["RWA"], "COMMODITY"),
        ("NG", ["rwa"], "COMMODITY"),
        ("EUR", ["RWA"], "FX"),
        ("US500", ["RWA"], "INDEX"),
        ("US100", ["TRADFI"], "INDEX"),
        ("MSTR", ["RWA"], "EQUITY"),
        ("DRAM", ["RWA"], "EQUITY"),
        ("EWY", ["TradFi"], "EQUITY"),
        # A tag that names the class comes before the name of the base.
        ("DE40", ["RWA", "Equities"], "EQUITY"),
        ("KRW1", ["FX", "RWA"], "FX"),
        # Without the tag nothing is read off a name: gold as a token, a coin named like a stock.
        ("PAXG", ["DEFI"], "CRYPTOCURRENCY"),
        ("XAU", [], "CRYPTOCURRENCY"),
        ("US500", ["EQUITIES"], "CRYPTOCURRENCY"),
        ("BTC", ["LAYER-1"], "CRYPTOCURRENCY"),
    ],
)
def test_asset_classes(base, tags, expected):
    instrument = translate(PERP, symbol=f"{base}-USD-PERP", base_currency=base, tags=tags)

    assert asset_class_to_str(instrument.asset_class) == expected
    is_crypto = expected == "CRYPTOCURRENCY"
    assert type(instrument) is (CryptoPerpetual if is_crypto else PerpetualContract)


@pytest.mark.parametrize(
    ("row", "maker", "taker"),
    [
        (PERP, "0.0001", "0.0002"),
        (PERP | {"tags": []}, "0.0001", "0.0002"),
        (FUTURE, "0.0001", "0.0002"),
        (SPOT, "0.0003", "0.0004"),
        (OPTION, "0.0005", "0.0006"),
    ],
)
def test_each_kind_has_rates_of_its_own_in_an_account(row, maker, taker):
    instrument = translate(row, FEES)

    assert (instrument.maker_fee, instrument.taker_fee) == (Decimal(maker), Decimal(taker))


@pytest.mark.parametrize("row", [OPTION, SPOT, FUTURE, PERP], ids=lambda row: row["asset_kind"])
def test_every_kind_survives_serialization(row):
    instrument = translate(row)
    kind = type(instrument)

    again = kind.from_dict(kind.to_dict(instrument))

    assert kind.to_dict(again) == kind.to_dict(instrument)
    assert again.info == row


@requires_shared_specs
def test_a_recorded_option():
    sample = "markets_dated_option_btc_put_strike_decimals.json"
    (market,) = parse_markets(spec_path("samples", "rest", sample).read_bytes())

    option = market_to_instrument(market, TS)

    assert type(option) is CryptoOption
    assert str(option.id) == "BTC-USD-26JUN26-67000-P.PARADEX"
    assert option.underlying == Currency.from_str("BTC")
    assert option.option_kind == OptionKind.PUT
    assert str(option.strike_price) == "67000.00"
    assert option.expiration_utc == datetime(2026, 6, 26, 8, tzinfo=UTC)
    assert str(option.price_increment) == "0.01"
    assert str(option.size_increment) == "0.001"
    assert option.max_quantity is None
    assert option.maker_fee == option.taker_fee == 0
    assert option.quote_currency == option.settlement_currency == USDC
