"""TWAP orders: what cannot be one, what is kept of one, what is reported."""

from typing import Any

import pytest
from nautilus_trader.common.component import TestClock
from nautilus_trader.common.factories import OrderFactory
from nautilus_trader.model.enums import OrderSide, OrderStatus
from nautilus_trader.model.identifiers import (
    AccountId,
    ClientOrderId,
    InstrumentId,
    StrategyId,
    TraderId,
)
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import Order

from paradex_adapter.translate.instruments import market_to_instrument
from paradex_adapter.translate.order_params import OrderParams, TwapTerms
from paradex_adapter.translate.orders import KnownPrices, find_denial_reason
from paradex_adapter.translate.twap_orders import (
    algo_state_to_report,
    note_key,
    note_to_params,
    order_to_algo_request,
    params_to_note,
)
from paradex_adapter.translate.values import UnusableMessageError
from paradex_adapter.venue.algo_state import AlgoState
from paradex_adapter_core.vocabulary import SIDE_SELL, STATUS_CLOSED, STP_EXPIRE_BOTH
from tests.unit.translate.test_instruments import make_market
from tests.unit.venue.test_algo_orders import START, row

BTC = InstrumentId.from_str("BTC-USD-PERP.PARADEX")
INSTRUMENT = market_to_instrument(make_market(), 0)
TWAP = OrderParams(twap=TwapTerms(90, 30))
ACCOUNT = AccountId("PARADEX-1")


@pytest.fixture
def factory() -> OrderFactory:
    return OrderFactory(TraderId("T-001"), StrategyId("S-001"), TestClock())


def market(factory: OrderFactory, quantity: str = "0.30000", **fields: Any) -> Order:
    return factory.market(BTC, OrderSide.SELL, Quantity.from_str(quantity), **fields)


def test_a_market_order_becomes_the_request_it_says(factory: OrderFactory) -> None:
    order = market(factory)
    params = OrderParams(twap=TwapTerms(90, 30), recv_window_ms=700, dime_discount=True)
    assert find_denial_reason(order, INSTRUMENT, params) is None
    request = order_to_algo_request(order, INSTRUMENT, params)
    assert request.client_order_id == order.client_order_id.value
    assert (request.market, request.side, request.size) == ("BTC-USD-PERP", SIDE_SELL, 30_000_000)
    assert (request.duration_secs, request.interval_secs) == (90, 30)
    assert (request.recv_window_ms, request.dime_discount) == (700, True)


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        (OrderParams(twap=TwapTerms(90), stp=STP_EXPIRE_BOTH), "neither vwap_price nor stp"),
        (OrderParams(twap=TwapTerms(90), vwap_price=1), "neither vwap_price nor stp"),
        (OrderParams(twap=TwapTerms(90), on_behalf_of_account="0x1"), "could not be followed"),
    ],
)
def test_what_the_request_has_no_field_for(
    factory: OrderFactory, params: OrderParams, reason: str
) -> None:
    assert reason in str(find_denial_reason(market(factory), INSTRUMENT, params))


def test_there_is_no_reduce_only(factory: OrderFactory) -> None:
    order = market(factory, reduce_only=True)
    assert "reduce_only" in str(find_denial_reason(order, INSTRUMENT, TWAP))


@pytest.mark.parametrize(
    ("quantity", "reason"),
    [
        ("0.00002", "quantity 0.00002 in 3 parts is less than 0.00001 each"),
        ("0.00030", "value 9 of each of 3 parts at 90000.0 is less than the minimum"),
        ("0.00036", None),
        # More than one order may have, in parts that may be.
        ("150.00000", None),
        ("300.00003", "quantity 100.00001 of each part is more than the 100.0"),
        ("0.000001", "is not a multiple"),
    ],
)
def test_its_parts_must_be_orders_themselves(
    factory: OrderFactory, quantity: str, reason: str | None
) -> None:
    prices = KnownPrices(mark=Price.from_str("90000.0"))
    found = find_denial_reason(market(factory, quantity), INSTRUMENT, TWAP, prices)
    assert (found is None) == (reason is None)
    assert reason is None or reason in str(found)


def test_without_a_price_nobody_knows_what_a_part_is_worth(factory: OrderFactory) -> None:
    assert find_denial_reason(market(factory, "0.00003"), INSTRUMENT, TWAP) is None


@pytest.mark.parametrize(
    "params",
    [
        TWAP,
        OrderParams(twap=TwapTerms(86_400, 60), recv_window_ms=300_000, dime_discount=True),
    ],
)
def test_a_later_run_knows_the_terms(params: OrderParams) -> None:
    assert note_to_params(params_to_note(params)) == params
    assert note_key(ClientOrderId("O-1")) == "paradex-twap-O-1"


@pytest.mark.parametrize(
    "note", [None, b"", b"90", b"90 30 0 2", b"91 30 0 0", b"90 30 0 0\n1", b"9" * 5_000, b"\xff"]
)
def test_what_is_none_of_our_notes_is_no_twap_order(note: bytes | None) -> None:
    assert note_to_params(note) is None


def test_its_report_is_that_of_an_order_without_fills(factory: OrderFactory) -> None:
    order = market(factory)
    request = order_to_algo_request(order, INSTRUMENT, TWAP)
    state = AlgoState(request)
    assert algo_state_to_report(state, order, ACCOUNT, START) is None
    state.take(row())
    report = algo_state_to_report(state, order, ACCOUNT, START)
    assert report is not None
    assert report.order_status == OrderStatus.ACCEPTED
    assert (report.filled_qty, report.quantity) == (Quantity.zero(5), order.quantity)
    assert (report.venue_order_id.value, report.ts_accepted) == ("A-1", START)
    state.take(row(STATUS_CLOSED, cancel_reason="NOT_ENOUGH_MARGIN"))
    report = algo_state_to_report(state, order, ACCOUNT, START)
    assert report is not None
    assert report.order_status == OrderStatus.CANCELED
    assert report.cancel_reason == "NOT_ENOUGH_MARGIN"


def test_one_that_came_to_its_end_is_reported_as_expired(factory: OrderFactory) -> None:
    order = market(factory)
    state = AlgoState(order_to_algo_request(order, INSTRUMENT, TWAP), "A-1")
    held = algo_state_to_report(state, order, ACCOUNT, START)
    assert held is not None
    assert held.order_status == OrderStatus.ACCEPTED
    state.take(row(STATUS_CLOSED, remaining_size=0))
    report = algo_state_to_report(state, order, ACCOUNT, START)
    assert report is not None
    assert (report.order_status, report.cancel_reason) == (OrderStatus.EXPIRED, None)


def test_an_id_that_nautilus_cannot_hold_is_no_report(factory: OrderFactory) -> None:
    order = market(factory)
    state = AlgoState(order_to_algo_request(order, INSTRUMENT, TWAP), "Ä-1")
    with pytest.raises(UnusableMessageError):
        algo_state_to_report(state, order, ACCOUNT, START)
