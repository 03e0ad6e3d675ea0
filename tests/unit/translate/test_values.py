from decimal import Decimal, localcontext

import pytest
from nautilus_trader.model.currencies import USDC
from nautilus_trader.model.enums import LiquiditySide, OrderSide
from nautilus_trader.model.identifiers import TradeId
from nautilus_trader.model.objects import PRICE_MAX, Currency, Money, Price, Quantity

from paradex_adapter.translate.values import (
    UnusableMessageError,
    commission_at_rate,
    fill_to_commission,
    fill_to_info,
    fill_to_order_text,
    fill_to_trade_id,
    find_client_order_id,
    liquidity_to_side,
    need_venue_order_id,
    side_to_order_side,
    token_to_currency,
    trade_id_to_fill_keys,
    units_to_decimal,
    units_to_money,
    units_to_price,
    units_to_quantity,
)
from paradex_adapter_core.messages.orders import Fill
from paradex_adapter_core.vocabulary import (
    FILL_BLOCK_TRADE,
    FILL_LIQUIDATION,
    FILL_ORDINARY,
    FILL_RPI,
    FILL_SETTLE_MARKET,
    FILL_UNWIND_TRANSFER,
    LIQUIDITY_MAKER,
    LIQUIDITY_TAKER,
    SIDE_BUY,
    SIDE_SELL,
    UNITS_PER_ONE,
)
from tests.account_messages import fill

STRANGE_TEXTS = ["", " ", "é", "日本", "\u202e1", "a\nb", "\x00", "x" * 65]


def paid(fee: int, currency: str) -> Fill:
    plain = fill()
    fields = {name: getattr(plain, name) for name in FILL_FIELDS}
    return Fill(**{**fields, "fee": fee, "fee_currency": currency})


FILL_FIELDS = (
    "account",
    "fill_id",
    "fill_type",
    "venue_order_id",
    "client_order_id",
    "market",
    "side",
    "liquidity",
    "price",
    "size",
    "remaining_size",
    "fee",
    "fee_currency",
    "realized_pnl",
    "realized_funding",
    "flags",
    "ts_event",
)


def test_values_take_the_precision_of_the_instrument() -> None:
    assert str(units_to_price(9_000_010_000_000, 1)) == "90000.1"
    assert str(units_to_price(9_000_000_000_000, 1)) == "90000.0"
    assert str(units_to_quantity(12_345_000, 5)) == "0.12345"
    assert str(units_to_price(-150_000_000, 1)) == "-1.5"


def test_a_value_off_the_grid_keeps_all_of_its_decimals() -> None:
    assert units_to_price(8_389_404_692_005, 1) == Price.from_str("83894.04692005")
    assert units_to_quantity(1, 5) == Quantity.from_str("0.00000001")


def test_values_out_of_range_are_refused_before_nautilus_sees_them() -> None:
    units_to_price(int(PRICE_MAX) * UNITS_PER_ONE, 1)
    for units in (10**30, -(10**30), (int(PRICE_MAX) + 1) * UNITS_PER_ONE):
        with pytest.raises(UnusableMessageError, match="price is out of range"):
            units_to_price(units, 1)
    with pytest.raises(UnusableMessageError, match="size is out of range"):
        units_to_quantity(10**30, 1)
    with pytest.raises(UnusableMessageError, match="size is negative"):
        units_to_quantity(-1, 1)
    with pytest.raises(UnusableMessageError, match="amount is out of range"):
        units_to_money(10**30, USDC)


@pytest.mark.parametrize(
    ("units", "text"),
    [(150, "0.02"), (250, "0.02"), (251, "0.03"), (-150, "-0.02"), (-250, "-0.02"), (0, "0.00")],
)
def test_money_is_rounded_half_to_even(units: int, text: str) -> None:
    cents = Currency.from_str("USD")
    assert str(units_to_money(units * 10_000, cents)) == f"{text} USD"


def test_decimals_are_exact() -> None:
    with localcontext(prec=3):
        exact = units_to_decimal(123_456_789_012_345_678)
    assert exact == Decimal("1234567890.12345678")


@pytest.mark.parametrize("text", STRANGE_TEXTS)
def test_strange_identifiers_are_refused_before_nautilus_sees_them(text: str) -> None:
    assert find_client_order_id(text) is None
    with pytest.raises(UnusableMessageError, match="order id"):
        need_venue_order_id(text)
    with pytest.raises(UnusableMessageError, match="fill id"):
        fill_to_trade_id(fill(text))


def test_a_trade_id_is_unique_over_the_types_of_fills() -> None:
    long_id = "1" * 28
    ids = {
        kind: fill_to_trade_id(fill(long_id, fill_type=kind))
        for kind in (FILL_ORDINARY, FILL_LIQUIDATION, FILL_UNWIND_TRANSFER, FILL_SETTLE_MARKET)
    }
    ids[FILL_BLOCK_TRADE] = fill_to_trade_id(fill(long_id, fill_type=FILL_BLOCK_TRADE))
    assert len(set(ids.values())) == len(ids)
    assert ids[FILL_ORDINARY] == TradeId(long_id)
    assert fill_to_trade_id(fill("1", fill_type=FILL_RPI)) == TradeId("1")
    for kind, trade_id in ids.items():
        assert (kind, long_id) in trade_id_to_fill_keys(trade_id)
    assert trade_id_to_fill_keys(TradeId("1")) == [(FILL_ORDINARY, "1"), (FILL_RPI, "1")]


def test_a_fill_without_an_order_stands_for_one() -> None:
    assert fill_to_order_text(fill()) == "V-1"
    alone = fill("7", fill_type=FILL_LIQUIDATION, venue_id="")
    assert fill_to_order_text(alone) == "LIQUIDATION-7"


def test_fees_are_money_in_their_own_currency() -> None:
    assert fill_to_commission(paid(40_504_500, "USDC")) == Money(Decimal("0.405045"), USDC)
    assert fill_to_commission(paid(-1, "")) == Money(Decimal("-0.00000001"), USDC)
    assert fill_to_commission(paid(5, "DIME")).currency.code == "DIME"
    for token in ("é", "x" * 17, "a b"):
        with pytest.raises(UnusableMessageError, match="token"):
            token_to_currency(token)


def test_what_nautilus_has_no_field_for_is_in_info() -> None:
    assert fill_to_info(fill()) == {
        "fill_type": "FILL",
        "realized_pnl": "0",
        "realized_funding": "0",
    }


def test_sides() -> None:
    assert side_to_order_side(SIDE_BUY) == OrderSide.BUY
    assert side_to_order_side(SIDE_SELL) == OrderSide.SELL
    with pytest.raises(UnusableMessageError, match="side"):
        side_to_order_side(0)
    assert liquidity_to_side(LIQUIDITY_MAKER) == LiquiditySide.MAKER
    assert liquidity_to_side(LIQUIDITY_TAKER) == LiquiditySide.TAKER
    assert liquidity_to_side(0) == LiquiditySide.NO_LIQUIDITY_SIDE


@pytest.mark.parametrize(
    ("quantity", "price", "rate", "fee"),
    [
        ("0.01", "90000.9", "0.00045", "0.40500405"),
        ("1", "0.00000001", "0.5", "0"),
        ("3", "0.00000001", "0.5", "0.00000002"),
        ("0.01", "90000", "-0.00005", "-0.045"),
    ],
)
def test_a_commission_is_rounded_half_to_even(
    quantity: str, price: str, rate: str, fee: str
) -> None:
    commission = commission_at_rate(
        Quantity.from_str(quantity), Price.from_str(price), Decimal(rate)
    )
    assert commission == Money(Decimal(fee), USDC)
