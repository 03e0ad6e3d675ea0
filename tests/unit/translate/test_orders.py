from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.common.component import TestClock
from nautilus_trader.common.factories import OrderFactory
from nautilus_trader.model.enums import OrderSide, OrderType, TimeInForce, TriggerType
from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId, StrategyId, TraderId
from nautilus_trader.model.instruments import CryptoPerpetual
from nautilus_trader.model.objects import FIXED_PRECISION, Price, Quantity
from nautilus_trader.model.orders import Order
from nautilus_trader.test_kit.providers import TestInstrumentProvider

from paradex_adapter.translate.instruments import market_to_instrument
from paradex_adapter.translate.order_params import OrderParams, TwapTerms
from paradex_adapter.translate.orders import (
    KnownPrices,
    find_change_fault,
    find_denial_reason,
    is_restorable,
    order_to_request,
)
from paradex_adapter_core.vocabulary import (
    FLAG_MMP,
    INSTRUCTION_GTC,
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
    SIDE_BUY,
    SIDE_SELL,
    STP_EXPIRE_BOTH,
    UNITS_PER_ONE,
)
from tests.unit.translate.test_instrument_kinds import FUTURE, OPTION, translate
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
    offset = {"trailing_offset": Decimal(1)}
    denied = {
        "MARKET_TO_LIMIT": factory.market_to_limit(BTC, OrderSide.BUY, QTY),
        "TRAILING_STOP_MARKET": factory.trailing_stop_market(BTC, OrderSide.BUY, QTY, **offset),
    }
    for name, order in denied.items():
        reason = find_denial_reason(order, INSTRUMENT)
        assert reason is not None
        assert f"order type {name} is not supported" in reason


def test_nothing_speaks_against_the_orders_of_a_bracket(factory: OrderFactory) -> None:
    bracket = factory.bracket(
        BTC,
        OrderSide.BUY,
        QTY,
        tp_price=Price.from_str("95000.0"),
        sl_trigger_price=Price.from_str("85000.0"),
    )
    for order in bracket.orders:
        assert find_denial_reason(order, INSTRUMENT) is None


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
        (None, None, PX, "LIMIT orders have no trigger price to modify"),
        (Quantity.from_str("101"), None, None, "quantity 101 is more than the 100.00000 Paradex"),
        (Quantity.from_str("0"), None, None, "quantity 0 is not positive"),
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


def test_a_market_order_is_not_changed(factory: OrderFactory) -> None:
    fault = find_change_fault(market(factory), INSTRUMENT, QTY, None, None)
    assert fault == "MARKET orders cannot be modified"


def test_orders_of_loaded_instruments_are_changed(factory: OrderFactory) -> None:
    assert "not loaded" in str(find_change_fault(limit(factory), None, QTY, None, None))


# Conditional orders.

TRIGGER = Price.from_str("91000.0")
MARK = KnownPrices(mark=Price.from_str("90000.0"))
CONDITIONAL = {
    OrderType.STOP_MARKET: ORDER_STOP_MARKET,
    OrderType.STOP_LIMIT: ORDER_STOP_LIMIT,
    OrderType.MARKET_IF_TOUCHED: ORDER_TAKE_PROFIT_MARKET,
    OrderType.LIMIT_IF_TOUCHED: ORDER_TAKE_PROFIT_LIMIT,
}
PRICED = (OrderType.STOP_LIMIT, OrderType.LIMIT_IF_TOUCHED)
TAKE_PROFITS = (OrderType.MARKET_IF_TOUCHED, OrderType.LIMIT_IF_TOUCHED)


def conditional(factory: OrderFactory, kind: OrderType, **fields: Any) -> Order:
    makers = {
        OrderType.STOP_MARKET: factory.stop_market,
        OrderType.STOP_LIMIT: factory.stop_limit,
        OrderType.MARKET_IF_TOUCHED: factory.market_if_touched,
        OrderType.LIMIT_IF_TOUCHED: factory.limit_if_touched,
    }
    values: dict[str, Any] = {"quantity": QTY, "trigger_price": TRIGGER, "side": OrderSide.BUY}
    if kind in PRICED:
        values["price"] = PX
    if kind in TAKE_PROFITS:
        # Its side is the other one: a sell takes the profit of a long position.
        values |= {"side": OrderSide.SELL, "reduce_only": True}
    values |= fields
    return makers[kind](values.pop("instrument_id", BTC), values.pop("side"), **values)


@pytest.mark.parametrize("kind", CONDITIONAL)
@pytest.mark.parametrize("trigger_type", [TriggerType.DEFAULT, TriggerType.MARK_PRICE])
def test_a_conditional_order_becomes_the_request_it_says(
    factory: OrderFactory, kind: OrderType, trigger_type: TriggerType
) -> None:
    order = conditional(factory, kind, trigger_type=trigger_type)
    assert find_denial_reason(order, INSTRUMENT, prices=MARK) is None
    request = order_to_request(order, INSTRUMENT)
    assert request.order_type == CONDITIONAL[kind]
    assert request.trigger_price == 91_000 * UNITS_PER_ONE
    assert request.price == (PX.raw // 10 ** (FIXED_PRECISION - 8) if kind in PRICED else 0)
    assert request.instruction == INSTRUCTION_GTC
    assert request.reduce_only == (kind in TAKE_PROFITS)


@pytest.mark.parametrize(
    ("kind", "linked"),
    [
        (OrderType.STOP_MARKET, ORDER_STOP_LOSS_MARKET),
        (OrderType.STOP_LIMIT, ORDER_STOP_LOSS_LIMIT),
        (OrderType.MARKET_IF_TOUCHED, ORDER_TAKE_PROFIT_MARKET),
        (OrderType.LIMIT_IF_TOUCHED, ORDER_TAKE_PROFIT_LIMIT),
    ],
)
def test_what_is_linked_to_a_position_goes_as_its_own_kind(
    factory: OrderFactory, kind: OrderType, linked: int
) -> None:
    order = conditional(factory, kind)
    assert order_to_request(order, INSTRUMENT, is_position_linked=True).order_type == linked


def test_a_plain_order_has_no_trigger(factory: OrderFactory) -> None:
    assert order_to_request(limit(factory), INSTRUMENT).trigger_price is None
    linked = order_to_request(limit(factory), INSTRUMENT, is_position_linked=True)
    assert linked.order_type == ORDER_LIMIT


def test_a_stop_limit_may_be_post_only(factory: OrderFactory) -> None:
    order = conditional(factory, OrderType.STOP_LIMIT, post_only=True)
    assert find_denial_reason(order, INSTRUMENT) is None
    assert order_to_request(order, INSTRUMENT).instruction == INSTRUCTION_POST_ONLY


def test_a_stop_at_the_market_waits_as_gtc(factory: OrderFactory) -> None:
    order = conditional(factory, OrderType.STOP_MARKET, time_in_force=TimeInForce.IOC)
    assert find_denial_reason(order, INSTRUMENT) is None
    assert order_to_request(order, INSTRUMENT).instruction == INSTRUCTION_GTC


@pytest.mark.parametrize("kind", CONDITIONAL)
@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"trigger_type": TriggerType.LAST_PRICE}, "trigger type LAST_PRICE is not supported"),
        ({"trigger_type": TriggerType.BID_ASK}, "trigger type BID_ASK is not supported"),
        ({"trigger_type": TriggerType.INDEX_PRICE}, "trigger type INDEX_PRICE is not supported"),
        (
            {"trigger_instrument_id": InstrumentId.from_str("ETH-USD-PERP.PARADEX")},
            "a trigger by ETH-USD-PERP.PARADEX is not supported",
        ),
        ({"trigger_price": Price.from_str("91000.05")}, "trigger price 91000.05 is not a multiple"),
        ({"trigger_price": Price.from_str("0.0")}, "trigger price 0.0 is not positive"),
        ({"trigger_price": Price.from_str("-1.0")}, "trigger price -1.0 is not positive"),
        ({"quantity": Quantity.from_str("0.000001")}, "quantity 0.000001 is not a multiple"),
        ({"quantity": Quantity.from_str("100.00001")}, "is more than the 100.00000 Paradex takes"),
        ({"time_in_force": TimeInForce.DAY}, "time in force DAY is not supported"),
    ],
)
def test_what_conditional_orders_the_venue_does_not_have(
    factory: OrderFactory, kind: OrderType, fields: dict[str, Any], words: str
) -> None:
    reason = find_denial_reason(conditional(factory, kind, **fields), INSTRUMENT, prices=MARK)
    assert reason is not None
    assert words in reason


@pytest.mark.parametrize("kind", PRICED)
@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"price": Price.from_str("90000.05")}, "price 90000.05 is not a multiple of 0.1"),
        ({"price": Price.from_str("0.0")}, "price 0.0 is not positive"),
        ({"time_in_force": TimeInForce.IOC}, "with IOC is not supported"),
        ({"display_qty": Quantity.from_str("0.01")}, "display quantity"),
    ],
)
def test_what_conditional_limit_orders_the_venue_does_not_have(
    factory: OrderFactory, kind: OrderType, fields: dict[str, Any], words: str
) -> None:
    reason = find_denial_reason(conditional(factory, kind, **fields), INSTRUMENT)
    assert reason is not None
    assert words in reason


@pytest.mark.parametrize("kind", TAKE_PROFITS)
def test_a_take_profit_closes_a_position(factory: OrderFactory, kind: OrderType) -> None:
    reason = find_denial_reason(conditional(factory, kind, reduce_only=False), INSTRUMENT)
    assert reason is not None
    assert reason.endswith("only closes a position at Paradex: set reduce_only")


def test_a_take_profit_is_not_post_only(factory: OrderFactory) -> None:
    order = conditional(factory, OrderType.LIMIT_IF_TOUCHED, post_only=True)
    reason = find_denial_reason(order, INSTRUMENT)
    assert reason == "post-only LIMIT_IF_TOUCHED is not supported: LIMIT or STOP_LIMIT"


@pytest.mark.parametrize(
    ("kind", "side", "is_above"),
    [
        (OrderType.STOP_MARKET, OrderSide.BUY, True),
        (OrderType.STOP_LIMIT, OrderSide.BUY, True),
        (OrderType.STOP_MARKET, OrderSide.SELL, False),
        (OrderType.STOP_LIMIT, OrderSide.SELL, False),
        (OrderType.MARKET_IF_TOUCHED, OrderSide.SELL, True),
        (OrderType.LIMIT_IF_TOUCHED, OrderSide.SELL, True),
        (OrderType.MARKET_IF_TOUCHED, OrderSide.BUY, False),
        (OrderType.LIMIT_IF_TOUCHED, OrderSide.BUY, False),
    ],
)
def test_a_trigger_lies_where_the_mark_price_has_not_been(
    factory: OrderFactory, kind: OrderType, side: OrderSide, is_above: bool
) -> None:
    for text, is_waiting in (
        ("90000.1", is_above),
        ("90000.0", False),
        ("89999.9", not is_above),
    ):
        order = conditional(factory, kind, side=side, trigger_price=Price.from_str(text))
        reason = find_denial_reason(order, INSTRUMENT, prices=MARK)
        assert (reason is None) == is_waiting, (text, reason)
        if reason is not None:
            assert f"must be {'above' if is_above else 'below'} the mark price, 90000.0" in reason
        fault = find_change_fault(order, INSTRUMENT, None, None, order.trigger_price, MARK)
        assert fault == reason
        # What nobody knows is the venue's to judge.
        assert find_denial_reason(order, INSTRUMENT) is None


def test_what_a_conditional_order_can_be_changed_to(factory: OrderFactory) -> None:
    stop = conditional(factory, OrderType.STOP_MARKET)
    stop_limit = conditional(factory, OrderType.STOP_LIMIT)
    assert find_change_fault(stop, INSTRUMENT, QTY, None, TRIGGER, MARK) is None
    assert find_change_fault(stop_limit, INSTRUMENT, QTY, PX, TRIGGER, MARK) is None
    fault = find_change_fault(stop, INSTRUMENT, None, PX, None)
    assert fault == "STOP_MARKET orders have no price to modify"
    off_tick = Price.from_str("91000.05")
    assert "trigger price 91000.05 is not a multiple" in str(
        find_change_fault(stop, INSTRUMENT, None, None, off_tick)
    )


def test_nothing_waits_for_a_trigger_on_spot(factory: OrderFactory) -> None:
    spot = TestInstrumentProvider.btcusdt_binance()
    order = factory.stop_market(
        spot.id, OrderSide.BUY, Quantity.from_str("0.000100"), Price.from_str("90000.00")
    )
    assert find_denial_reason(order, spot) == "conditional orders are not supported on spot"


# What an order is worth.

CHEAP = Quantity.from_str("0.00011")


@pytest.mark.parametrize(
    ("prices", "words"),
    [
        (KnownPrices(), None),
        (KnownPrices(mark=Price.from_str("90000.0")), "value 9.9 at 90000.0 is less than"),
        (KnownPrices(mark=Price.from_str("90909.1")), None),
        (KnownPrices(ask=Price.from_str("90000.0")), "value 9.9 at 90000.0 is less than"),
        (KnownPrices(bid=Price.from_str("90000.0")), None),
        (KnownPrices(last=Price.from_str("90000.0")), "the minimum, 10.00000000 USDC"),
        (KnownPrices(ask=Price.from_str("91000.0"), last=Price.from_str("90000.0")), None),
    ],
)
def test_a_market_order_is_worth_what_is_known(
    factory: OrderFactory, prices: KnownPrices, words: str | None
) -> None:
    order = factory.market(BTC, OrderSide.BUY, CHEAP)
    reason = find_denial_reason(order, INSTRUMENT, prices=prices)
    assert (reason is None) == (words is None)
    assert words is None or words in str(reason)


def test_an_order_with_a_price_is_worth_that_until_a_mark_price_is_known(
    factory: OrderFactory,
) -> None:
    order = limit(factory, quantity=CHEAP)
    assert "value 9.900011 at 90000.1 is less than" in str(find_denial_reason(order, INSTRUMENT))
    # The venue counts by the mark price: a bid far below it may be large enough.
    mark = KnownPrices(mark=Price.from_str("91000.0"))
    assert find_denial_reason(order, INSTRUMENT, prices=mark) is None
    stop = conditional(factory, OrderType.STOP_MARKET, quantity=Quantity.from_str("0.00010"))
    assert "value 9.1 at 91000.0 is less than" in str(find_denial_reason(stop, INSTRUMENT))


def test_the_smallest_order_may_close_a_position(factory: OrderFactory) -> None:
    order = limit(factory, quantity=CHEAP, reduce_only=True)
    assert find_denial_reason(order, INSTRUMENT) is None


# Params.


def test_params_become_fields_of_the_request(factory: OrderFactory) -> None:
    params = OrderParams(
        mmp=True,
        stp=STP_EXPIRE_BOTH,
        recv_window_ms=2_000,
        dime_discount=True,
        on_behalf_of_account="0x12",
    )
    request = order_to_request(limit(factory), INSTRUMENT, params)
    assert request.flags == FLAG_MMP
    assert request.stp == STP_EXPIRE_BOTH
    assert request.recv_window_ms == 2_000
    assert request.dime_discount
    assert request.on_behalf_of_account == "0x12"
    assert request.instruction == INSTRUCTION_GTC
    with_average = order_to_request(market(factory), INSTRUMENT, OrderParams(vwap_price=5))
    assert with_average.vwap_price == 5


@pytest.mark.parametrize("post_only", [True, False])
def test_retail_price_improvement_is_an_instruction(factory: OrderFactory, post_only: bool) -> None:
    order = limit(factory, post_only=post_only)
    assert find_denial_reason(order, INSTRUMENT, OrderParams(rpi=True)) is None
    request = order_to_request(order, INSTRUMENT, OrderParams(rpi=True))
    assert request.instruction == INSTRUCTION_RPI


@pytest.mark.parametrize("name", ["rpi", "mmp"])
def test_what_has_to_rest_is_a_limit_order(factory: OrderFactory, name: str) -> None:
    params = OrderParams(**{name: True})  # type: ignore[arg-type]
    for order, word in (
        (market(factory), "MARKET"),
        (conditional(factory, OrderType.STOP_LIMIT), "STOP_LIMIT"),
    ):
        reason = find_denial_reason(order, INSTRUMENT, params)
        assert reason == f"params['{name}'] is for LIMIT orders, not {word}"
    order = limit(factory, time_in_force=TimeInForce.IOC)
    reason = find_denial_reason(order, INSTRUMENT, params)
    assert reason == f"params['{name}'] with IOC is not supported: the order has to rest"


@pytest.mark.parametrize(
    "params", [OrderParams(vwap_price=1), OrderParams(twap=TwapTerms(60))], ids=["vwap", "twap"]
)
def test_what_has_no_price_is_a_market_order(factory: OrderFactory, params: OrderParams) -> None:
    assert find_denial_reason(market(factory), INSTRUMENT, params) is None
    for order in (limit(factory), conditional(factory, OrderType.STOP_MARKET)):
        reason = find_denial_reason(order, INSTRUMENT, params)
        assert reason is not None
        assert "is for MARKET orders, not" in reason


def test_a_twap_has_no_average_price_of_its_own(factory: OrderFactory) -> None:
    params = OrderParams(twap=TwapTerms(60), vwap_price=1)
    reason = find_denial_reason(market(factory), INSTRUMENT, params)
    assert reason == "params['twap'] goes with neither vwap_price nor stp"


def test_which_instruments_have_market_maker_protection(factory: OrderFactory) -> None:
    option = translate(OPTION)
    future = translate(FUTURE)
    for instrument, is_known in ((INSTRUMENT, True), (option, True), (future, False)):
        order = factory.limit(
            instrument.id,
            OrderSide.BUY,
            instrument.make_qty(Decimal(1)),
            instrument.make_price(Decimal(1000)),
        )
        reason = find_denial_reason(order, instrument, OrderParams(mmp=True))
        assert (reason is None) == is_known, reason
        assert is_known or reason == "params['mmp'] is for perpetuals and dated options"


def test_retail_price_improvement_is_not_for_spot(factory: OrderFactory) -> None:
    spot = TestInstrumentProvider.btcusdt_binance()
    order = factory.limit(
        spot.id, OrderSide.BUY, Quantity.from_str("0.100000"), Price.from_str("90000.00")
    )
    reason = find_denial_reason(order, spot, OrderParams(rpi=True))
    assert reason == "params['rpi'] is not supported on spot"


def test_what_an_earlier_run_may_have_sent(factory: OrderFactory) -> None:
    # Its price was on the tick of its time.
    assert is_restorable(limit(factory, price=Price.from_str("90000.05")), INSTRUMENT)
    assert is_restorable(conditional(factory, OrderType.STOP_LIMIT), INSTRUMENT)
    assert not is_restorable(factory.market_to_limit(BTC, OrderSide.BUY, QTY), INSTRUMENT)
    assert not is_restorable(limit(factory), None)
