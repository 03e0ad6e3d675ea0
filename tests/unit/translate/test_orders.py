from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.common.component import TestClock
from nautilus_trader.common.factories import OrderFactory
from nautilus_trader.model.enums import OrderSide, TimeInForce, TriggerType
from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId, StrategyId, TraderId
from nautilus_trader.model.instruments import CryptoPerpetual
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import Order
from nautilus_trader.test_kit.providers import TestInstrumentProvider

from paradex_adapter.translate.instruments import market_to_instrument
from paradex_adapter.translate.orders import (
    find_change_fault,
    find_denial_reason,
    order_to_request,
)
from paradex_adapter_core.vocabulary import (
    INSTRUCTION_GTC,
    INSTRUCTION_IOC,
    INSTRUCTION_POST_ONLY,
    ORDER_LIMIT,
    ORDER_MARKET,
    SIDE_BUY,
    SIDE_SELL,
    UNITS_PER_ONE,
)
from tests.unit.translate.test_instruments import make_market

BTC = InstrumentId.from_str("BTC-USD-PERP.PARADEX")
INSTRUMENT: CryptoPerpetual = market_to_instrument(make_market(), 0)
QTY = Quantity.from_str("0.12345")
PX = Price.from_str("90000.1")


@pytest.fixture
def factory() -> OrderFactory:
    return OrderFactory(TraderId("T-001"), StrategyId("S-001"), TestClock())


def limit(factory: OrderFactory, **fields: Any) -> Order:
    values: dict[str, Any] = {"quantity": QTY, "price": PX, **fields}
    return factory.limit(BTC, values.pop("side", OrderSide.BUY), **values)


def market(factory: OrderFactory, **fields: Any) -> Order:
    values: dict[str, Any] = {"quantity": QTY, **fields}
    return factory.market(BTC, OrderSide.SELL, **values)


def test_a_limit_order_becomes_the_request_it_says(factory: OrderFactory) -> None:
    order = limit(factory, reduce_only=True)
    assert find_denial_reason(order, INSTRUMENT) is None
    request = order_to_request(order, INSTRUMENT)
    assert request.client_order_id == order.client_order_id.value
    assert request.market == "BTC-USD-PERP"
    assert request.side == SIDE_BUY
    assert request.order_type == ORDER_LIMIT
    assert request.instruction == INSTRUCTION_GTC
    assert request.size == 12_345_000
    assert request.price == 90_000 * UNITS_PER_ONE + UNITS_PER_ONE // 10
    assert request.reduce_only


@pytest.mark.parametrize("time_in_force", [TimeInForce.GTC, TimeInForce.IOC])
def test_a_market_order_is_ioc_without_a_price(
    factory: OrderFactory, time_in_force: TimeInForce
) -> None:
    order = market(factory, time_in_force=time_in_force)
    assert find_denial_reason(order, INSTRUMENT) is None
    request = order_to_request(order, INSTRUMENT)
    assert request.order_type == ORDER_MARKET
    assert request.instruction == INSTRUCTION_IOC
    assert request.side == SIDE_SELL
    assert request.price == 0


@pytest.mark.parametrize(
    ("fields", "instruction"),
    [
        ({"post_only": True}, INSTRUCTION_POST_ONLY),
        ({"time_in_force": TimeInForce.IOC}, INSTRUCTION_IOC),
        ({}, INSTRUCTION_GTC),
    ],
)
def test_the_instruction_of_a_limit_order(
    factory: OrderFactory, fields: dict[str, Any], instruction: int
) -> None:
    assert order_to_request(limit(factory, **fields), INSTRUMENT).instruction == instruction


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"time_in_force": TimeInForce.FOK}, "time in force FOK is not supported"),
        ({"time_in_force": TimeInForce.DAY}, "time in force DAY is not supported"),
        ({"display_qty": Quantity.from_str("0.01")}, "display quantity"),
        ({"quote_quantity": True}, "quote quantity"),
        ({"post_only": True, "time_in_force": TimeInForce.IOC}, "can never trade"),
        ({"price": Price.from_str("90000.05")}, "price 90000.05 is not a multiple of 0.1"),
        ({"price": Price.from_str("0.000000001")}, "price 0.000000001 has more than 8 decimals"),
        ({"price": Price.from_str("0.0")}, "is not positive"),
        ({"price": Price.from_str("-0.1")}, "is not positive"),
        ({"quantity": Quantity.from_str("0.000001")}, "quantity 0.000001 is not a multiple"),
        ({"quantity": Quantity.from_str("0.123450001")}, "has more than 8 decimals"),
        ({"client_order_id": ClientOrderId("O" * 65)}, "client order id of 65 characters"),
        ({"client_order_id": ClientOrderId("O\n1")}, "not printable ASCII"),
    ],
)
def test_what_the_venue_has_no_form_for(
    factory: OrderFactory, fields: dict[str, Any], words: str
) -> None:
    reason = find_denial_reason(limit(factory, **fields), INSTRUMENT)
    assert reason is not None
    assert words in reason


def test_sixty_four_characters_are_not_too_many(factory: OrderFactory) -> None:
    order = limit(factory, client_order_id=ClientOrderId("O" * 64))
    assert find_denial_reason(order, INSTRUMENT) is None


def test_other_types_are_denied_by_name(factory: OrderFactory) -> None:
    px, trigger = {"price": PX}, {"trigger_price": PX, "trigger_type": TriggerType.MARK_PRICE}
    offset = {"trailing_offset": Decimal(1)}
    denied = {
        "STOP_MARKET": factory.stop_market(BTC, OrderSide.BUY, QTY, **trigger),
        "STOP_LIMIT": factory.stop_limit(BTC, OrderSide.BUY, QTY, **px, **trigger),
        "MARKET_IF_TOUCHED": factory.market_if_touched(BTC, OrderSide.BUY, QTY, **trigger),
        "LIMIT_IF_TOUCHED": factory.limit_if_touched(BTC, OrderSide.BUY, QTY, **px, **trigger),
        "MARKET_TO_LIMIT": factory.market_to_limit(BTC, OrderSide.BUY, QTY),
        "TRAILING_STOP_MARKET": factory.trailing_stop_market(BTC, OrderSide.BUY, QTY, **offset),
    }
    for name, order in denied.items():
        reason = find_denial_reason(order, INSTRUMENT)
        assert reason is not None
        assert f"order type {name} is not supported" in reason


def test_every_order_of_a_bracket_is_denied(factory: OrderFactory) -> None:
    bracket = factory.bracket(
        BTC,
        OrderSide.BUY,
        QTY,
        tp_price=Price.from_str("95000.0"),
        sl_trigger_price=Price.from_str("85000.0"),
    )
    for order in bracket.orders:
        assert find_denial_reason(order, INSTRUMENT) is not None


def test_an_instrument_that_is_not_loaded_is_named(factory: OrderFactory) -> None:
    reason = find_denial_reason(market(factory), None)
    assert reason is not None
    assert "BTC-USD-PERP.PARADEX is not loaded" in reason


def test_there_is_nothing_to_reduce_on_spot(factory: OrderFactory) -> None:
    spot = TestInstrumentProvider.btcusdt_binance()
    order = factory.market(spot.id, OrderSide.BUY, Quantity.from_str("0.000100"), reduce_only=True)
    reason = find_denial_reason(order, spot)
    assert reason is not None
    assert "spot" in reason


@pytest.mark.parametrize(
    ("quantity", "price", "trigger_price", "words"),
    [
        (QTY, PX, None, None),
        (None, None, None, None),
        (Quantity.from_str("0.000001"), None, None, "quantity 0.000001 is not a multiple"),
        (None, Price.from_str("90000.05"), None, "price 90000.05 is not a multiple"),
        (None, Price.from_str("-90000.0"), None, "price -90000.0 is not positive"),
        (None, None, PX, "only quantity and price of limit orders can be modified"),
    ],
)
def test_what_a_limit_order_can_be_changed_to(
    factory: OrderFactory,
    quantity: Quantity | None,
    price: Price | None,
    trigger_price: Price | None,
    words: str | None,
) -> None:
    fault = find_change_fault(limit(factory), INSTRUMENT, quantity, price, trigger_price)
    assert (fault or "").startswith(words or "")
    assert (fault is None) == (words is None)


def test_only_limit_orders_of_loaded_instruments_are_changed(factory: OrderFactory) -> None:
    assert "limit orders" in str(find_change_fault(market(factory), INSTRUMENT, QTY, None, None))
    assert "not loaded" in str(find_change_fault(limit(factory), None, QTY, None, None))
