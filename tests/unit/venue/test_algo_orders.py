"""Algo orders against the local exchange, without NautilusTrader; and how states are told."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starknet_py.hash.utils import private_to_stark_key, verify_message_signature

from paradex_adapter.local_exchange import LocalExchange
from paradex_adapter.venue import algo_orders, algo_submissions
from paradex_adapter.venue.algo_requests import AlgoRequest, sign_algo_request
from paradex_adapter.venue.algo_state import AlgoState
from paradex_adapter.venue.algo_submissions import fits
from paradex_adapter.venue.credentials import Credentials
from paradex_adapter.venue.errors import InvalidRequest
from paradex_adapter.venue.signing import OrderSigner
from paradex_adapter_core.messages.orders import AlgoOrder
from paradex_adapter_core.vocabulary import (
    ALGO_TWAP,
    SIDE_BUY,
    SIDE_SELL,
    STATUS_CLOSED,
    STATUS_NEW,
    STATUS_OPEN,
    UNITS_PER_ONE,
)
from tests.account_messages import in_words
from tests.signing_vectors import MAINNET, order, typed_data
from tests.unit.venue.test_trading_session import MARKET, Desk, until

SEC = 1_000_000_000
START = 1_793_611_800 * SEC


def request(client_order_id: str = "T-1", **fields: Any) -> AlgoRequest:
    values: dict[str, Any] = {
        "market": MARKET,
        "side": SIDE_BUY,
        "size": 3 * UNITS_PER_ONE // 10,
        "duration_secs": 90,
        "interval_secs": 30,
        **fields,
    }
    return AlgoRequest(client_order_id, **values)


def row(status: int = STATUS_OPEN, **fields: Any) -> AlgoOrder:
    values: dict[str, Any] = {
        "account": "0x1",
        "algo_order_id": "A-1",
        "market": MARKET,
        "side": SIDE_BUY,
        "algo_type": ALGO_TWAP,
        "status": status,
        "size": 3 * UNITS_PER_ONE // 10,
        "remaining_size": UNITS_PER_ONE // 10,
        "avg_fill_price": None,
        "cancel_reason": "",
        "interval_secs": 30,
        "ts_created": START,
        "ts_updated": START + SEC,
        "ts_end": START + 90 * SEC,
        **fields,
    }
    return AlgoOrder(**values)


# -- the request --------------------------------------------------------------------------------


def test_the_body_is_that_of_the_document_and_signed_as_a_market_order() -> None:
    key = 0x1234
    signer = OrderSigner(Credentials(0xABC, key), MAINNET)
    sent = request(side=SIDE_SELL, dime_discount=True)
    body = sign_algo_request(sent, signer, 1_793_611_800_000, 5_000)
    signature = json.loads(body.pop("signature"))  # type: ignore[arg-type]
    assert body == {
        "algo_type": "TWAP",
        "market": MARKET,
        "side": "SELL",
        "type": "MARKET",
        "size": "0.3",
        "duration_seconds": 90,
        "frequency": 30,
        "recv_window": 5_000,
        "signature_timestamp": 1_793_611_800_000,
        "dime_discount": True,
    }
    signed = order(1_793_611_800_000, MARKET, "SELL", "MARKET", sent.size, 0)
    expected = typed_data("order", MAINNET, signed).message_hash(0xABC)
    numbers = [int(part) for part in signature]
    assert verify_message_signature(expected, numbers, private_to_stark_key(key))


def test_a_side_nobody_has_is_not_signed() -> None:
    signer = OrderSigner(Credentials(1, 1), MAINNET)
    with pytest.raises(InvalidRequest, match="side"):
        sign_algo_request(request(side=7), signer, 1, 5_000)


# -- what is told -------------------------------------------------------------------------------


def told(state: AlgoState) -> list[str]:
    return [words.split()[0] for words in in_words(state.take_events(START))]


def test_each_thing_is_told_once_and_the_end_for_good() -> None:
    state = AlgoState(request())
    assert told(state) == []
    state.take(row(STATUS_NEW))
    assert told(state) == ["accepted"]
    state.take(row(ts_updated=START + 2 * SEC))
    assert told(state) == []
    state.take(row(STATUS_CLOSED, cancel_reason="USER_CANCELED", ts_updated=START + 3 * SEC))
    assert told(state) == ["canceled"]
    # An answer that was under way.
    state.take(row(STATUS_OPEN, ts_updated=START + 4 * SEC))
    assert (told(state), state.is_open, state.is_ended) == ([], False, True)


def test_the_end_alone_is_told_after_the_acceptance() -> None:
    state = AlgoState(request())
    state.take(row(STATUS_CLOSED, remaining_size=0))
    assert told(state) == ["accepted", "expired"]


@pytest.mark.parametrize(
    ("fields", "has_expired"),
    [
        ({"remaining_size": 0}, True),
        ({"cancel_reason": "EXPIRED"}, True),
        ({"ts_updated": START + 90 * SEC}, True),
        ({}, False),
        ({"cancel_reason": "USER_CANCELED", "ts_updated": START + 99 * SEC}, False),
        ({"cancel_reason": "NOT_ENOUGH_MARGIN"}, False),
    ],
)
def test_which_ends_are_those_of_its_time(fields: dict[str, Any], has_expired: bool) -> None:
    state = AlgoState(request())
    state.take(row(STATUS_CLOSED, **fields))
    assert state.has_expired == has_expired


def test_a_refusal_is_told_once() -> None:
    state = AlgoState(request())
    state.refusal = "no"
    assert told(state) == ["rejected"]
    assert told(state) == []
    assert not state.is_open


def test_what_a_report_told_is_not_told_again() -> None:
    state = AlgoState(request(), "A-1")
    state.take(row(STATUS_CLOSED, cancel_reason="USER_CANCELED"))
    state.mark_told()
    assert told(state) == []


def test_progress_is_told_when_it_changes() -> None:
    state = AlgoState(request())
    assert state.take_progress() is None
    state.take(row())
    assert state.take_progress() is not None
    state.take(row(ts_updated=START + 2 * SEC))
    assert state.take_progress() is None
    state.take(row(remaining_size=0, ts_updated=START + 3 * SEC))
    assert state.take_progress() is not None


@pytest.mark.parametrize(
    ("fields", "is_fitting"),
    [
        ({}, True),
        ({"interval_secs": 0}, True),
        ({"ts_end": 0}, True),
        ({"market": "ETH-USD-PERP"}, False),
        ({"side": SIDE_SELL}, False),
        ({"size": UNITS_PER_ONE}, False),
        ({"interval_secs": 60}, False),
        ({"ts_end": START + 120 * SEC}, False),
    ],
)
def test_which_can_be_the_one_that_was_sent(fields: dict[str, Any], is_fitting: bool) -> None:
    assert fits(row(**fields), request()) == is_fitting


# -- against the exchange -----------------------------------------------------------------------


@pytest.fixture
async def exchange() -> AsyncIterator[LocalExchange]:
    async with LocalExchange(seed=3, simulation_interval_ms=0) as exchange:
        exchange.place_liquidity(MARKET, "BUY", "89990", "5")
        exchange.place_liquidity(MARKET, "SELL", "90010", "5")
        yield exchange


@pytest.fixture
async def desk(exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.setattr(algo_orders, "FOLLOW_DELAYS_SECS", (0.02, 0.05))
    monkeypatch.setattr(algo_submissions, "RESOLVE_DELAY_SECS", 0.02)
    monkeypatch.setattr(algo_submissions, "LISTING_MARGIN_MS", 50)
    desk = Desk(exchange)
    await desk.session.connect()
    yield desk
    await desk.close()


def lose_post(exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch, count: int = 1) -> None:
    """Have the replies to the next algo orders lost; they are taken."""
    place = exchange._algo_orders.place
    left = [count]

    def unheard(session: Any, body: Any) -> Any:
        if left[0]:
            left[0] -= 1
            exchange.lose_next_response("/v1/algo/orders")
        return place(session, body)

    monkeypatch.setattr(exchange._algo_orders, "place", unheard)


async def test_one_after_another_of_the_same_terms_is_found_by_itself(
    exchange: LocalExchange, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_post(exchange, monkeypatch, count=3)
    algos = desk.session.algo_orders
    for number in range(3):
        algos.submit(request(f"T-{number}"))
    await until(lambda: len(desk.told(about="accepted")) == 3)
    ids = {state.algo_order_id for state in algos.open_orders()}
    assert ids == {row["id"] for row in exchange.algo_orders()}
    assert len(ids) == 3


async def test_one_whose_turn_does_not_come_is_not_sent(
    exchange: LocalExchange, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(algo_submissions, "TURN_SECS_MAX", 0.1)
    exchange.fail_next("POST", "/v1/algo/orders", 503)
    algos = desk.session.algo_orders
    algos.submit(request("T-1", recv_window_ms=1_000))
    algos.submit(request("T-2"))
    other = request("T-3", size=UNITS_PER_ONE)
    algos.submit(other)
    await until(lambda: len(desk.told(about="rejected")) == 2)
    second, first = desk.told(about="rejected")
    assert "T-2" in second
    assert "T-1" in first
    assert [row["size"] for row in exchange.algo_orders()] == ["1"]


async def test_an_earlier_one_that_never_arrived_is_not_mistaken_for_a_new_one(
    exchange: LocalExchange, desk: Desk
) -> None:
    algos = desk.session.algo_orders
    earlier = request("T-1", recv_window_ms=100)
    age_ms = 1000 * int(algo_submissions.TURN_SECS_MAX + algo_submissions.BASELINE_SECS_MAX)
    algos.restore(earlier, "", age_ms)
    algos.submit(request("T-2"))
    await until(lambda: desk.told(about="T-2"))
    assert [words.split()[0] for words in desk.told(about="T-1")] == ["rejected"]
    assert [words.split()[0] for words in desk.told(about="T-2")] == ["accepted"]
    assert len(exchange.algo_orders()) == 1


async def test_news_wait_while_they_are_held(exchange: LocalExchange, desk: Desk) -> None:
    algos = desk.session.algo_orders
    desk.session.book.hold()
    algos.submit(request())
    await until(lambda: algos.open_orders()[0].algo_order_id)
    assert desk.told(about="T-1") == []
    desk.session.book.release()
    assert [words.split()[0] for words in desk.told(about="T-1")] == ["accepted"]


async def test_nothing_is_asked_once_all_are_over(
    exchange: LocalExchange, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    algos = desk.session.algo_orders
    algos.submit(request())
    await until(lambda: desk.told(about="accepted"))
    assert await algos.cancel("T-1") is None
    await until(lambda: desk.told(about="canceled"))
    following = algos._following
    assert following is not None
    await asyncio.wait_for(following, 5)
    assert algos.open_orders() == []
    # A cancel of one that is over is no refusal, and asks nobody.
    exchange.fail_next("DELETE", "/v1/algo/orders", 500)
    assert await algos.cancel("T-1") is None


async def test_a_cancel_that_is_refused_says_why(exchange: LocalExchange, desk: Desk) -> None:
    algos = desk.session.algo_orders
    algos.submit(request())
    await until(lambda: desk.told(about="accepted"))
    body: dict[str, object] = {"error": "NOT_NOW", "message": "busy"}
    exchange.fail_next("DELETE", "/v1/algo/orders", 400, body)
    assert await algos.cancel("T-1") == "NOT_NOW busy"


async def test_ended_ones_are_kept_up_to_a_bound(
    exchange: LocalExchange, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(algo_orders, "ENDED_KEPT_MAX", 1)
    algos = desk.session.algo_orders
    exchange.fail_next("POST", "/v1/algo/orders", 400, count=2)
    algos.submit(request("T-1"))
    await until(lambda: desk.told(about="T-1"))
    algos.submit(request("T-2"))
    await until(lambda: desk.told(about="T-2"))
    assert [state.request.client_order_id for state in algos.orders()] == ["T-2"]


async def test_a_mistake_of_ours_is_said_and_the_next_news_asks_again(
    exchange: LocalExchange, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    algos = desk.session.algo_orders
    refresh = algos.refresh

    async def stumble() -> None:
        monkeypatch.setattr(algos, "refresh", refresh)
        raise KeyError("a row")

    monkeypatch.setattr(algos, "refresh", stumble)
    algos.submit(request("T-1"))
    await until(lambda: any("Our own mistake" in text for text in desk.warnings))
    exchange.step_algo_orders()
    await until(lambda: desk.facts)
    assert await algos.cancel("T-1") is None
    await until(lambda: desk.told(about="canceled"))


async def test_those_of_others_are_told_apart(
    exchange: LocalExchange, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    algos = desk.session.algo_orders
    algos.submit(request("T-1"))
    await until(lambda: desk.told(about="accepted"))
    assert await algos.find_others() == []
    other = sign_algo_request(request(size=UNITS_PER_ONE), desk.signer, algos._now_ms(), 5_000)
    reply = json.loads(await desk.http.post_algo_order(json.dumps(other).encode()))
    (found,) = await algos.find_others()
    assert found.algo_order_id == reply["id"]
