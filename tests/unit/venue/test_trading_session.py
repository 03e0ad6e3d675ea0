"""The trading session without NautilusTrader, against the local exchange and its faults."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from random import Random
from typing import Any

import pytest

from paradex_adapter.local_exchange import LocalExchange
from paradex_adapter.venue import account_book, auth, order_commands, recovery
from paradex_adapter.venue.account_reader import AccountReader
from paradex_adapter.venue.account_snapshot import AccountSnapshot
from paradex_adapter.venue.auth import TokenProvider
from paradex_adapter.venue.credentials import resolve_credentials
from paradex_adapter.venue.errors import OutcomeUnknown, RequestRejected, VenueUnavailable
from paradex_adapter.venue.external_orders import ExternalFact
from paradex_adapter.venue.http import HttpClient
from paradex_adapter.venue.order_requests import OrderRequest
from paradex_adapter.venue.retry import Backoff
from paradex_adapter.venue.signing import OrderSigner
from paradex_adapter.venue.trading_session import TradingSession
from paradex_adapter_core.events import Event
from paradex_adapter_core.vocabulary import (
    FILL_ORDINARY,
    INSTRUCTION_GTC,
    INSTRUCTION_IOC,
    ORDER_LIMIT,
    ORDER_MARKET,
    SIDE_BUY,
    SIDE_SELL,
    UNITS_PER_ONE,
)
from tests.account_messages import in_words

MARKET = "BTC-USD-PERP"
WAIT_SECS = 10.0


class Desk:
    """A session, and what it told."""

    def __init__(self, exchange: LocalExchange, **options: Any) -> None:
        credentials = resolve_credentials("testnet", exchange.account_address, exchange.private_key)
        self.http = HttpClient(exchange.base_url_http, retry_delay_initial_ms=1)
        self.signer = OrderSigner(credentials, exchange.chain_id)
        offset_ms = options.pop("clock_offset_ms", 0)
        self.tokens = TokenProvider(self.http, self.signer, clock_offset_ms=offset_ms)
        self.http.token_provider = self.tokens
        self.events: list[Event] = []
        self.facts: list[ExternalFact] = []
        self.warnings: list[str] = []
        self.session = TradingSession(
            self.http,
            self.tokens,
            self.signer,
            exchange.base_url_ws,
            on_events=self.events.extend,
            on_external=self.facts.extend,
            warn=self.warnings.append,
            backoff=Backoff(1, 20, Random(1)),
            **options,
        )

    async def close(self) -> None:
        await self.session.close()
        await self.tokens.close()
        await self.http.close()

    def told(self, *, about: str = "") -> list[str]:
        """Return the events in words, those about orders alone."""
        skipped = ("account", "balance", "position")
        return [
            words
            for words in in_words(self.events)
            if not words.startswith(skipped) and about in words
        ]


def limit(client_id: str, price: str = "89000", **fields: Any) -> OrderRequest:
    values: dict[str, Any] = {
        "market": MARKET,
        "side": SIDE_BUY,
        "order_type": ORDER_LIMIT,
        "instruction": INSTRUCTION_GTC,
        "size": UNITS_PER_ONE // 100,
        "price": int(price) * UNITS_PER_ONE,
        **fields,
    }
    return OrderRequest(client_id, **values)


def market(client_id: str, side: int = SIDE_BUY) -> OrderRequest:
    return limit(client_id, "0", side=side, order_type=ORDER_MARKET, instruction=INSTRUCTION_IOC)


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(WAIT_SECS):
        while not condition():  # noqa: ASYNC110 - nothing tells when the venue has got there
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("offset_ms", [60_000, -60_000])
async def test_orders_are_signed_with_the_venues_time(
    exchange: LocalExchange, offset_ms: int
) -> None:
    exchange.set_clock_offset(offset_ms)
    desk = Desk(exchange, clock_offset_ms=offset_ms, recv_window_ms=5_000)
    try:
        await desk.session.connect()
        await desk.session.commands.submit(limit("timely"))
        await until(lambda: desk.told(about="timely"))
        told = desk.told(about="timely")
    finally:
        await desk.close()
    assert "rejected" not in told[0]
    sent = exchange.received_order("timely")
    assert sent is not None
    assert abs(sent["signature_timestamp"] - time.time() * 1000 - offset_ms) < 10_000


async def test_a_clock_that_is_set_while_trading_is_followed_with_the_next_token(
    exchange: LocalExchange,
) -> None:
    desk = Desk(exchange, recv_window_ms=5_000)
    try:
        await desk.session.connect()
        exchange.set_clock_offset(60_000)
        exchange.expire_tokens()
        await desk.http.get_positions()
        await desk.session.commands.submit(limit("timely"))
        await until(lambda: desk.told(about="timely"))
        told = desk.told(about="timely")
    finally:
        await desk.close()
    assert "rejected" not in told[0]


async def test_a_refused_time_has_the_clock_measured_at_once(
    exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "REFRESH_RETRY_SECS", 0)
    desk = Desk(exchange, recv_window_ms=5_000)
    try:
        await desk.session.connect()
        exchange.set_clock_offset(60_000)
        await desk.session.commands.submit(limit("late"))
        assert "INVALID_TIMESTAMP" in desk.told(about="late")[0]
        await until(lambda: abs(desk.tokens.clock_offset_ms - 60_000) < 5_000)
        await desk.session.commands.submit(limit("timely"))
        await until(lambda: desk.told(about="timely"))
        told = desk.told(about="timely")
    finally:
        await desk.close()
    assert "rejected" not in told[0]


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovery, "FILLS_DELAYS_SECS", (0.02,) * 3)
    monkeypatch.setattr(recovery, "RESOLVE_DELAY_SECS", 0.02)
    monkeypatch.setattr(recovery, "RESOLVE_DELAY_SECS_MAX", 0.05)
    monkeypatch.setattr(recovery, "LISTING_MARGIN_MS", 50)
    monkeypatch.setattr(recovery, "RECOVER_DELAY_SECS", 0.02)
    monkeypatch.setattr(order_commands, "CANCEL_RETRY_DELAY_SECS", 0.02)


@pytest.fixture
async def exchange() -> AsyncIterator[LocalExchange]:
    async with LocalExchange(seed=1, simulation_interval_ms=0) as exchange:
        exchange.place_liquidity(MARKET, "BUY", "89990", "0.5")
        exchange.place_liquidity(MARKET, "SELL", "90010", "0.5")
        yield exchange


@pytest.fixture
async def desk(exchange: LocalExchange) -> AsyncIterator[Desk]:
    desk = Desk(exchange)
    await desk.session.connect()
    yield desk
    await desk.close()


# -- connecting -------------------------------------------------------------------------------


async def test_ready_means_authenticated_and_subscribed(
    exchange: LocalExchange, desk: Desk
) -> None:
    assert desk.session.is_ready
    await desk.session.commands.submit(limit("O-1"))
    await until(lambda: desk.told(about="accepted"))
    assert exchange.drop_connections("private") == 1


async def test_a_refused_token_is_replaced_while_connecting(exchange: LocalExchange) -> None:
    desk = Desk(exchange)
    await desk.tokens.token()
    exchange.expire_tokens()
    await desk.session.connect()
    assert desk.session.is_ready
    await desk.close()


async def test_a_venue_that_is_not_there_leaves_nothing_behind(
    exchange: LocalExchange,
) -> None:
    desk = Desk(exchange)
    exchange.refuse_connections()
    before = asyncio.all_tasks()
    with pytest.raises(VenueUnavailable):
        await desk.session._connection.connect(0.1)
    assert not asyncio.all_tasks() - before
    await desk.close()


# -- orders -----------------------------------------------------------------------------------


async def test_an_order_is_accepted_when_it_works(exchange: LocalExchange, desk: Desk) -> None:
    exchange.hold_outcomes()
    await desk.session.commands.submit(limit("O-1"))
    (row,) = exchange.orders()
    assert row["status"] == "NEW"
    assert desk.told() == []
    exchange.release_outcomes()
    await until(lambda: desk.told() == [f"accepted O-1 as {row['id']}"])


async def test_a_refusal_is_told_with_the_venues_words(desk: Desk) -> None:
    await desk.session.commands.submit(limit("O-1", price="500000"))
    (words,) = desk.told()
    assert words.startswith("rejected O-1: ")
    assert "order.create" not in words


async def test_an_id_used_before_is_a_refusal(desk: Desk, exchange: LocalExchange) -> None:
    await desk.session.commands.submit(limit("O-1"))
    other = Desk(exchange)
    await other.session.connect()
    await other.session.commands.submit(limit("O-1"))
    assert other.told()[0].startswith("rejected O-1: DUPLICATED_CLIENT_ID")
    await other.close()


async def test_what_cannot_be_signed_is_refused_and_not_sent(
    desk: Desk, exchange: LocalExchange
) -> None:
    await desk.session.commands.submit(limit("O-1", market="M" * 40))
    assert desk.told()[0].startswith("rejected O-1: ")
    assert exchange.received_order("O-1") is None


async def test_an_order_that_could_not_leave_is_refused(
    desk: Desk, exchange: LocalExchange
) -> None:
    exchange.refuse_connections()
    exchange.drop_connections()
    exchange.drop_connections("http")
    await until(lambda: not desk.session.is_ready)
    await desk.session.commands.submit(limit("O-1"))
    await until(lambda: desk.told(about="rejected O-1"))
    assert exchange.received_order("O-1") is None


@pytest.mark.parametrize("way", ["websocket", "rest"])
async def test_a_lost_reply_is_asked_after_and_never_sent_again(
    desk: Desk, exchange: LocalExchange, way: str
) -> None:
    if way == "rest":
        await desk.session._connection.close()
        exchange.lose_next_response("/v1/orders")
    else:
        exchange.lose_next_response("order.create")
    await desk.session.commands.submit(limit("O-1"))
    await until(lambda: desk.told(about="accepted O-1"))
    assert len(exchange.orders()) == 1
    assert any("unknown" in warning for warning in desk.warnings)
    assert not desk.told(about="rejected")


async def test_an_unknown_order_is_refused_only_after_its_window(
    exchange: LocalExchange,
) -> None:
    desk = Desk(exchange, recv_window_ms=400)
    await desk.session.connect()
    exchange.fail_next("RPC", "order.create", -32603, "Internal error")
    sent = time.monotonic()
    await desk.session.commands.submit(limit("O-1"))
    assert desk.session.counters["orders of unknown outcome"] == 1
    await until(lambda: desk.told(about="rejected O-1"))
    assert time.monotonic() - sent >= 0.4
    await desk.close()


async def test_no_answer_settles_nothing(exchange: LocalExchange) -> None:
    desk = Desk(exchange, recv_window_ms=10)
    await desk.session.connect()
    exchange.fail_next("RPC", "order.create", -32603, "Internal error")
    exchange.fail_next("GET", "/v1/orders", 400, {"error": "X", "message": "y"}, count=10)
    await desk.session.commands.submit(limit("O-1"))
    await until(lambda: len(exchange._faults._failures) == 0)
    assert desk.told() == [] or desk.told(about="rejected")
    await until(lambda: desk.told(about="rejected O-1"))
    await desk.close()


async def test_an_order_that_the_close_cuts_off_is_not_asked_for(
    exchange: LocalExchange, desk: Desk
) -> None:
    exchange.delay_responses(5_000)
    sending = asyncio.create_task(desk.session.commands.submit(limit("O-1")))
    await until(lambda: bool(exchange.orders()))
    await desk.session.close()
    await sending
    assert [task for task in asyncio.all_tasks() if "recovery" in task.get_name()] == []


# -- cancels ----------------------------------------------------------------------------------


async def working(desk: Desk, client_id: str = "O-1") -> str:
    await desk.session.commands.submit(limit(client_id))
    await until(lambda: desk.told(about=f"accepted {client_id}"))
    state = desk.session.store.find_order(client_id)
    assert state is not None
    return state.venue_order_id


async def test_a_cancel_is_told_by_the_stream(desk: Desk) -> None:
    venue_id = await working(desk)
    assert await desk.session.commands.cancel("O-1", venue_id, MARKET) is None
    await until(lambda: desk.told(about="canceled O-1: USER_CANCELED"))
    # It is over: nothing is sent for it any more.
    assert await desk.session.commands.cancel("O-1", venue_id, MARKET) is None


async def test_a_cancel_by_client_id(desk: Desk, exchange: LocalExchange) -> None:
    exchange.hold_outcomes()
    await desk.session.commands.submit(limit("O-1"))
    assert await desk.session.commands.cancel("O-1", "", MARKET) is None
    exchange.release_outcomes()
    await until(lambda: desk.told(about="canceled O-1"))


async def test_a_refused_cancel_says_why(desk: Desk, exchange: LocalExchange) -> None:
    venue_id = await working(desk)
    exchange.fail_next("RPC", "order.cancel", 100, "REQUEST_NOT_ALLOWED")
    assert await desk.session.commands.cancel("O-1", venue_id, MARKET) == "REQUEST_NOT_ALLOWED"


async def test_a_cancel_that_finds_nothing_asks_what_became_of_the_order(
    desk: Desk, exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    venue_id = await working(desk)
    # The stream misses the end of the order.
    monkeypatch.setattr(exchange._feed, "on_order", lambda order: None)
    other = Desk(exchange)
    await other.http.delete_order(venue_id)
    await other.close()
    assert await desk.session.commands.cancel("O-1", venue_id, MARKET) is None
    assert desk.told(about="canceled O-1")


@pytest.mark.parametrize("fault", ["lost", "internal", "not open"])
async def test_a_cancel_without_a_clear_answer_is_sent_again(
    desk: Desk, exchange: LocalExchange, fault: str
) -> None:
    venue_id = await working(desk)
    if fault == "lost":
        exchange.lose_next_response("order.cancel")
    elif fault == "internal":
        exchange.fail_next("RPC", "order.cancel", -32603, "Internal error")
    else:
        exchange.fail_next("RPC", "order.cancel", 100, "ORDER_IS_NOT_OPEN")
    assert await desk.session.commands.cancel("O-1", venue_id, MARKET) is None
    await until(lambda: desk.told(about="canceled O-1"))


async def test_a_cancel_nobody_can_answer_for_is_no_refusal(
    desk: Desk, exchange: LocalExchange
) -> None:
    venue_id = await working(desk)
    exchange.fail_next("RPC", "order.cancel", -32603, "Internal error", count=10)
    assert await desk.session.commands.cancel("O-1", venue_id, MARKET) is None
    assert desk.warnings[-1].endswith("is unknown")


async def test_a_cancel_waits_for_an_order_of_unknown_outcome(
    desk: Desk, exchange: LocalExchange
) -> None:
    exchange.lose_next_response("order.create")
    await desk.session.commands.submit(limit("O-1"))
    assert await desk.session.commands.cancel("O-1", "", MARKET) is None
    await until(lambda: desk.told(about="canceled O-1"))


# -- changes ----------------------------------------------------------------------------------


def of_change(desk: Desk) -> list[str]:
    return [words for words in desk.told() if not words.startswith("accepted")]


@pytest.mark.parametrize("way", ["websocket", "rest"])
async def test_a_change_is_signed_as_the_order_is_to_be_and_told_once(
    desk: Desk, exchange: LocalExchange, way: str
) -> None:
    venue_id = await working(desk)
    if way == "rest":
        exchange.refuse_connections()
        exchange.drop_connections("private")
        await until(lambda: not desk.session.is_ready)
    size, price = UNITS_PER_ONE // 50, 88_000 * UNITS_PER_ONE
    assert await desk.session.commands.modify("O-1", size, price) is None
    exchange.refuse_connections(False)
    await until(lambda: of_change(desk))
    (row,) = exchange.orders()
    assert (row["id"], row["size"], row["price"]) == (venue_id, "0.02", "88000")
    await until(lambda: desk.session.is_ready and not desk.session.is_recovering)
    assert of_change(desk) == ["changed O-1"]
    assert not [name for name in desk.session._recovery._tasks if "change" in name]


async def test_a_change_of_one_value_leaves_the_other(desk: Desk, exchange: LocalExchange) -> None:
    await working(desk)
    assert await desk.session.commands.modify("O-1", None, 88_000 * UNITS_PER_ONE) is None
    # The second waits for the outcome of the first.
    assert await desk.session.commands.modify("O-1", UNITS_PER_ONE, None) is None
    await until(lambda: of_change(desk) == ["changed O-1"] * 2)
    (row,) = exchange.orders()
    assert (row["size"], row["price"]) == ("1", "88000")


async def test_a_change_that_cannot_be_is_not_sent(desk: Desk, exchange: LocalExchange) -> None:
    assert await desk.session.commands.modify("O-1", 1, 1) is not None
    await desk.session.commands.submit(limit("O-1", "90005", side=SIDE_SELL))
    await until(lambda: desk.told(about="accepted"))
    exchange.take_liquidity(MARKET, "BUY", "0.004")
    await until(lambda: desk.told(about="fill "))
    state = desk.session.store.find_order("O-1")
    assert state is not None
    filled = await desk.session.commands.modify("O-1", state.filled, None)
    assert filled == "the quantity must be greater than what is filled, 0.004"
    same = await desk.session.commands.modify("O-1", state.size, state.price)
    assert same == "nothing of the order would change"
    assert "request_info" not in exchange.orders()[0]


async def test_a_refused_change_is_told_and_the_order_works_on(
    desk: Desk, exchange: LocalExchange
) -> None:
    await working(desk)
    # At the gateway, then later by the engine.
    await desk.session.commands.modify("O-1", None, 500_000 * UNITS_PER_ONE)
    (words,) = of_change(desk)
    assert words.startswith("modify rejected O-1: ")
    await desk.session.commands.modify("O-1", 90 * UNITS_PER_ONE, None)
    await until(lambda: len(of_change(desk)) == 2)
    assert of_change(desk)[1] == "modify rejected O-1: NOT_ENOUGH_MARGIN"
    assert exchange.orders()[0]["status"] == "OPEN"


async def test_a_change_whose_reply_is_lost_is_asked_after(
    desk: Desk, exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "CHANGE_DELAYS_SECS", (0.02,) * 3)
    await working(desk)
    monkeypatch.setattr(exchange._feed, "on_order", lambda order: None)
    exchange.lose_next_response("order.modify")
    assert await desk.session.commands.modify("O-1", None, 88_000 * UNITS_PER_ONE) is None
    await until(lambda: of_change(desk))
    assert of_change(desk) == ["changed O-1"]
    assert desk.session.counters["changes of unknown outcome"] == 1


async def test_a_change_that_never_arrived_is_refused_after_asking(
    desk: Desk, exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "CHANGE_DELAYS_SECS", (0.02,) * 3)
    await working(desk)
    exchange.fail_next("RPC", "order.modify", -32603, "Internal error")
    exchange.fail_next("GET", "/v1/orders", 400, {"error": "X", "message": "y"}, count=4)
    assert await desk.session.commands.modify("O-1", None, 88_000 * UNITS_PER_ONE) is None
    assert of_change(desk) == []
    await until(lambda: of_change(desk))
    # Not before the venue had answered.
    assert not exchange._faults._failures
    assert of_change(desk) == ["modify rejected O-1: the venue shows no outcome of the change"]


async def test_a_change_that_waits_is_not_sent_when_the_session_closes(
    desk: Desk, exchange: LocalExchange
) -> None:
    await working(desk)
    exchange.hold_outcomes()
    await desk.session.commands.modify("O-1", None, 88_000 * UNITS_PER_ONE)
    waiting = asyncio.create_task(desk.session.commands.modify("O-1", None, 87_000 * UNITS_PER_ONE))
    await asyncio.sleep(0)
    await desk.session.close()
    assert await waiting == "an earlier change of the order has no outcome yet"


@pytest.mark.parametrize("end", ["canceled", "filled"])
async def test_a_change_races_the_end_of_the_order(
    desk: Desk, exchange: LocalExchange, end: str
) -> None:
    await desk.session.commands.submit(limit("O-1", "90005", side=SIDE_SELL))
    await until(lambda: desk.told(about="accepted"))
    exchange.hold_outcomes()
    await desk.session.commands.modify("O-1", None, 90_006 * UNITS_PER_ONE)
    if end == "filled":
        exchange.take_liquidity(MARKET, "BUY", "0.01")
    else:
        (order,) = exchange._account(None).open_orders.values()
        exchange._engine.cancel(order, "USER_CANCELED")
    await until(lambda: not desk.session.store.open_orders())
    exchange.release_outcomes()
    told = of_change(desk)
    assert told[0] == "modify rejected O-1: the order closed before it was changed"
    assert [words.split()[0] for words in told[1:]] == ["fill" if end == "filled" else "canceled"]


async def test_a_change_of_an_order_that_is_gone_finds_its_end(
    desk: Desk, exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    venue_id = await working(desk)
    monkeypatch.setattr(exchange._feed, "on_order", lambda order: None)
    other = Desk(exchange)
    await other.http.delete_order(venue_id)
    await other.close()
    assert await desk.session.commands.modify("O-1", None, 88_000 * UNITS_PER_ONE) is None
    first, second = of_change(desk)
    assert first.startswith("modify rejected O-1: ORDER_IS_CLOSED")
    assert second == "canceled O-1: USER_CANCELED"


# -- reconnecting -----------------------------------------------------------------------------


async def test_everything_missed_is_told_once_after_a_reconnect(
    desk: Desk, exchange: LocalExchange
) -> None:
    await working(desk, "gone")
    await desk.session.commands.submit(limit("sold", "90005", side=SIDE_SELL))
    await until(lambda: desk.told(about="accepted sold"))
    other = Desk(exchange)
    state = desk.session.store.find_order("gone")
    assert state is not None
    exchange.refuse_connections()
    exchange.drop_connections("private")
    await until(lambda: not desk.session.is_ready)
    exchange.take_liquidity(MARKET, "BUY", "0.01")
    exchange.refuse_connections(False)
    await other.http.delete_order(state.venue_order_id)
    await other.close()
    await until(lambda: desk.session.is_ready and not desk.session.is_recovering)
    (fill,) = exchange.fills()
    assert len(desk.told(about=f"fill {fill['id']} of sold")) == 1
    assert len(desk.told(about="canceled gone")) == 1
    assert desk.session.store.open_orders() == []


async def test_catching_up_goes_on_until_it_worked(desk: Desk, exchange: LocalExchange) -> None:
    await working(desk)
    exchange.fail_next("GET", "/v1/fills", 400, {"error": "X", "message": "not now"}, count=2)
    exchange.drop_connections("private")
    await until(lambda: len(exchange._faults._failures) == 0)
    await until(lambda: desk.session.is_ready and not desk.session.is_recovering)
    assert any("trying again" in warning for warning in desk.warnings)


async def test_the_stream_goes_on_when_catching_up_takes_long(
    desk: Desk, exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "CATCH_UP_SECS_MAX", 0.05)
    is_answered = asyncio.Event()
    read = desk.session.reader.snapshot

    async def read_slowly(_: AccountReader, *args: Any, **options: Any) -> AccountSnapshot:
        await is_answered.wait()
        return await read(*args, **options)

    monkeypatch.setattr(AccountReader, "snapshot", read_slowly)
    exchange.drop_connections("private")
    await until(lambda: desk.session.is_recovering and desk.session.is_ready)
    await desk.session.commands.submit(market("O-1"))
    await until(lambda: desk.told(about="of O-1"))
    assert desk.session.is_recovering
    is_answered.set()
    await until(lambda: not desk.session.is_recovering)
    assert len(desk.told(about="of O-1")) == 1


async def test_an_order_from_before_the_window_is_asked_for_by_itself(
    desk: Desk, exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    venue_id = await working(desk)
    # Its creation lies outside of what is caught up on, and the stream says nothing of its end.
    monkeypatch.setattr(recovery, "OVERLAP_MS", -60_000)
    monkeypatch.setattr(exchange._feed, "on_order", lambda order: None)
    other = Desk(exchange)
    await other.http.delete_order(venue_id)
    await other.close()
    exchange.drop_connections("private")
    await until(lambda: desk.told(about="canceled O-1"))


# -- fills ------------------------------------------------------------------------------------


async def test_missing_fills_are_asked_for(
    desk: Desk, exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange._feed, "on_fill", lambda fill: None)
    await desk.session.commands.submit(market("O-1"))
    await until(lambda: desk.told(about="of O-1" if desk.told(about="fill ") else "nothing"))
    (fill,) = exchange.fills()
    assert desk.told(about="fill ") == [f"fill {fill['id']} of O-1"]


async def test_missing_fills_are_asked_for_until_the_venue_answers(
    desk: Desk, exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An outage longer than fills are usually late ends nothing."""
    monkeypatch.setattr(exchange._feed, "on_fill", lambda fill: None)
    monkeypatch.setattr(recovery, "FILLS_DELAYS_SECS", (0.001,) * 3)
    fills, asked = type(desk.session.reader).fills, 0

    async def fail_for_long(reader: Any, *args: Any) -> list[Any]:
        nonlocal asked
        asked += 1
        if asked <= 20:
            raise VenueUnavailable("fills", "down")
        return await fills(reader, *args)

    monkeypatch.setattr(type(desk.session.reader), "fills", fail_for_long)
    await desk.session.commands.submit(market("O-1"))
    await until(lambda: desk.told(about="fill "))
    assert asked > 20


async def test_fills_the_venue_does_not_have_are_gone_without(
    desk: Desk, exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_fills(*_: Any) -> list[Any]:
        return []

    monkeypatch.setattr(exchange._feed, "on_fill", lambda fill: None)
    monkeypatch.setattr(type(desk.session.reader), "fills", no_fills)
    await desk.session.commands.submit(
        limit("O-1", "90010", size=UNITS_PER_ONE, instruction=INSTRUCTION_IOC)
    )
    await until(lambda: desk.told(about="canceled O-1"))
    assert any("has no fills" in warning for warning in desk.warnings)


async def test_a_fill_without_its_order_is_asked_about_and_then_stands_alone(
    desk: Desk, exchange: LocalExchange
) -> None:
    row = {
        "id": "777",
        "account": exchange.account_address,
        "market": MARKET,
        "order_id": "888",
        "client_id": "",
        "side": "SELL",
        "liquidity": "TAKER",
        "price": "90000",
        "size": "0.01",
        "remaining_size": "0",
        "fee": "0",
        "fee_currency": "USDC",
        "fill_type": "FILL",
        "created_at": time.time_ns() // 1_000_000,
        "realized_pnl": "0",
        "flags": [],
    }
    push = {"jsonrpc": "2.0", "method": "subscription"}
    push["params"] = {"channel": "fills.ALL", "data": row}  # type: ignore[assignment]
    exchange.send_raw(json.dumps(push), "private")
    await until(lambda: desk.facts)
    assert [type(fact).__name__ for fact in desk.facts] == ["VenueTrade"]


async def test_the_stream_is_held_and_then_told_in_order(
    desk: Desk, exchange: LocalExchange
) -> None:
    desk.session.book.hold()
    await desk.session.commands.submit(market("O-1"))
    await until(lambda: exchange.fills())
    await asyncio.sleep(0)
    assert not desk.told(about="fill")
    snapshot = await desk.session.reader.snapshot()
    desk.session.book.take_answered(snapshot)
    desk.session.book.release()
    # The answer had the fill: it is not told again.
    assert not desk.told(about="fill")
    state = desk.session.store.find_order("O-1")
    assert state is not None
    assert state.filled == UNITS_PER_ONE // 100


@pytest.mark.parametrize("is_order_answered", [True, False])
async def test_an_end_that_an_answer_frees_is_told_unless_the_answer_says_it(
    desk: Desk,
    exchange: LocalExchange,
    monkeypatch: pytest.MonkeyPatch,
    is_order_answered: bool,
) -> None:
    monkeypatch.setattr(recovery, "FILLS_DELAYS_SECS", (WAIT_SECS,))
    monkeypatch.setattr(exchange._feed, "on_fill", lambda fill: None)
    await desk.session.commands.submit(
        limit("O-1", "90010", size=UNITS_PER_ONE, instruction=INSTRUCTION_IOC)
    )
    state = desk.session.store.find_order("O-1")
    assert state is not None
    # Closed with half of it filled, and the fill was not told.
    await until(lambda: state.missing)
    desk.session.book.hold()
    whole = await desk.session.reader.snapshot()
    orders = whole.orders if is_order_answered else []
    desk.session.book.take_answered(AccountSnapshot(orders, whole.fills, whole.positions))
    assert not desk.told(about="canceled")
    desk.session.book.release()
    assert desk.told(about="fill ") == []
    assert len(desk.told(about="canceled O-1")) == (0 if is_order_answered else 1)


async def test_a_hold_that_overflows_ends_with_catching_up(
    desk: Desk, exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_book, "HELD_MESSAGES_MAX", 1)
    desk.session.book.hold()
    await desk.session.commands.submit(limit("O-1", "90010"))
    await until(lambda: desk.session.counters.get("held messages dropped"))
    desk.session.book.release()
    await until(lambda: desk.told(about="of O-1"))
    await until(lambda: not desk.session.is_recovering)
    assert len(desk.told(about="fill ")) == 1


# -- orders of an earlier run -----------------------------------------------------------------


async def test_an_order_of_an_earlier_run_goes_on(desk: Desk, exchange: LocalExchange) -> None:
    venue_id = await working(desk)
    await desk.close()
    later = Desk(exchange)
    later.session.restore(limit("O-1"), venue_id, time.time_ns(), True, 0, [])
    later.session.restore(limit("O-1"), venue_id, time.time_ns(), True, 0, [])
    await later.session.connect()
    await later.session.commands.cancel("O-1", "", MARKET)
    await until(lambda: later.told() == ["canceled O-1: USER_CANCELED"])
    await later.close()


async def test_an_order_of_an_earlier_run_without_a_venue_id_is_asked_for(
    desk: Desk, exchange: LocalExchange
) -> None:
    await working(desk)
    await desk.close()
    later = Desk(exchange)
    later.session.restore(limit("O-1"), "", time.time_ns(), False, 0, [(FILL_ORDINARY, "1")])
    await until(lambda: later.told(about="accepted O-1"))
    await later.close()


def test_no_part_of_the_venue_layer_needs_nautilus() -> None:
    code = (
        "import sys, paradex_adapter.venue.trading_session as s; "
        "sys.exit(any(name.startswith('nautilus') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RequestRejected("POST /orders", 400, "A_CODE", "a text"), "A_CODE a text"),
        (RequestRejected("order.create", 100, "", ""), "order.create: rejected (100)"),
    ],
)
def test_a_reason_is_the_venues(error: RequestRejected, words: str) -> None:
    assert order_commands.reason_of(error) == words


def test_an_unknown_outcome_is_no_rejection() -> None:
    assert not issubclass(OutcomeUnknown, RequestRejected)
