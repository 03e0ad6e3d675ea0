"""Batches of orders and of cancels against the local exchange, and how rows are matched."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from paradex_adapter.local_exchange import LocalExchange
from paradex_adapter.venue import order_commands, recovery
from paradex_adapter.venue.order_batches import CancelTarget, match_rows
from paradex_adapter.venue.order_requests import OrderRequest
from paradex_adapter_core.messages.orders import BatchRow
from paradex_adapter_core.parsers.account import parse_order
from paradex_adapter_core.vocabulary import (
    FEED_REST,
    INSTRUCTION_IOC,
    INSTRUCTION_POST_ONLY,
    ORDER_MARKET,
    SIDE_SELL,
    UNITS_PER_ONE,
)
from tests.unit.venue.test_trading_session import MARKET, Desk, limit, until


@pytest.fixture
async def exchange() -> AsyncIterator[LocalExchange]:
    async with LocalExchange(seed=1, simulation_interval_ms=0) as exchange:
        exchange.place_liquidity(MARKET, "BUY", "89990", "0.5")
        exchange.place_liquidity(MARKET, "SELL", "90010", "0.5")
        yield exchange


@pytest.fixture
async def desk(exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.setattr(recovery, "RESOLVE_DELAY_SECS", 0.01)
    monkeypatch.setattr(order_commands, "CANCEL_RETRY_DELAY_SECS", 0.01)
    desk = Desk(exchange)
    await desk.session.connect()
    yield desk
    await desk.close()


@pytest.fixture
def sent(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What goes out, by method of the websocket or by path."""
    sent: list[str] = []
    connection, http = desk.session._connection, desk.http
    request, command = connection.request, http._command

    async def spy_request(method: str, *args: Any, **options: Any) -> bytes:
        if method.startswith("order."):
            sent.append(method)
        return await request(method, *args, **options)

    async def spy_command(verb: str, path: str, **options: Any) -> bytes:
        sent.append(f"{verb} {path}")
        return await command(verb, path, **options)

    monkeypatch.setattr(connection, "request", spy_request)
    monkeypatch.setattr(http, "_command", spy_command)
    return sent


def market(client_id: str, **fields: Any) -> OrderRequest:
    return limit(client_id, "0", order_type=ORDER_MARKET, instruction=INSTRUCTION_IOC, **fields)


def limits(count: int, **fields: Any) -> list[OrderRequest]:
    return [limit(f"O-{n}", str(88_000 + n), **fields) for n in range(count)]


def targets(desk: Desk, *client_ids: str) -> list[CancelTarget]:
    store = desk.session.store
    found = [store.find_order(client_id) for client_id in client_ids]
    return [CancelTarget(s.client_order_id, s.venue_order_id, MARKET) for s in found if s]


async def rest(desk: Desk, count: int) -> list[str]:
    await desk.session.batches.submit(limits(count))
    await until(lambda: len(desk.told(about="accepted")) == count)
    return [f"O-{n}" for n in range(count)]


async def lose_websocket(desk: Desk, exchange: LocalExchange) -> None:
    exchange.refuse_connections()
    exchange.drop_connections("private")
    await until(lambda: not desk.session.is_ready)


# -- orders -----------------------------------------------------------------------------------


async def test_ten_orders_take_one_request_and_one_rate_unit(desk: Desk, sent: list[str]) -> None:
    await rest(desk, 23)
    assert sent == ["order.create_batch"] * 3
    assert [words.split()[1] for words in desk.told()] == [f"O-{n}" for n in range(23)]


async def test_a_single_order_is_no_batch(desk: Desk, sent: list[str]) -> None:
    await rest(desk, 1)
    assert sent == ["order.create"]


async def test_a_batch_goes_by_rest_when_the_websocket_is_down(
    desk: Desk, exchange: LocalExchange, sent: list[str]
) -> None:
    await lose_websocket(desk, exchange)
    await desk.session.batches.submit(limits(3))
    exchange.refuse_connections(False)
    await until(lambda: len(desk.told(about="accepted")) == 3)
    assert sent == ["order.create_batch", "POST /orders/batch"]
    assert len(exchange.orders()) == 3


async def test_what_the_websocket_is_not_documented_to_take_goes_by_rest(
    desk: Desk, exchange: LocalExchange, sent: list[str]
) -> None:
    await desk.session.batches.submit([*limits(2), market("O-2", vwap_price=10**5 * UNITS_PER_ONE)])
    await until(lambda: len(desk.told(about="accepted")) == 3)
    assert sent == ["POST /orders/batch"]


async def test_one_bad_order_has_its_whole_batch_refused(desk: Desk) -> None:
    # Half a tick: the venue's basic validation.
    bad = limit("O-bad", "88000")
    bad = OrderRequest("O-bad", MARKET, bad.side, bad.order_type, bad.instruction, 1, bad.price)
    await desk.session.batches.submit([*limits(2), bad])
    told = desk.told()
    assert [words.split(":")[0] for words in told] == [
        "rejected O-0",
        "rejected O-1",
        "rejected O-bad",
    ]
    assert all("refused together with its batch of 3 orders" in words for words in told)


async def test_one_order_that_fails_later_fails_alone(desk: Desk, exchange: LocalExchange) -> None:
    late = limit("O-late", "90020", instruction=INSTRUCTION_POST_ONLY)
    await desk.session.batches.submit([*limits(2), late])
    await until(lambda: len(desk.told()) == 3)
    assert sorted(words.split(" as ")[0] for words in desk.told()) == [
        "accepted O-0",
        "accepted O-1",
        "rejected O-late: POST_ONLY_WOULD_CROSS (post-only)",
    ]


async def test_a_request_that_cannot_be_signed_is_refused_alone(desk: Desk) -> None:
    await desk.session.batches.submit([*limits(2), limit("O-none", "88000", side=9)])
    await until(lambda: len(desk.told()) == 3)
    assert sum(words.startswith("accepted") for words in desk.told()) == 2
    assert desk.told()[0].startswith("rejected O-none: side")


@pytest.mark.parametrize("is_taken", [True, False], ids=["taken", "not taken"])
async def test_a_lost_reply_leaves_each_order_to_be_found_out_and_none_is_sent_twice(
    desk: Desk, exchange: LocalExchange, sent: list[str], is_taken: bool
) -> None:
    if is_taken:
        exchange.lose_next_response("order.create_batch")
    else:
        exchange.fail_next("RPC", "order.create_batch", -32603, "Internal error")
    await desk.session.batches.submit(limits(3))
    resolving = [desk.session._recovery.is_resolving(f"O-{n}") for n in range(3)]
    assert all(resolving) or is_taken
    if is_taken:
        await until(lambda: len(desk.told(about="accepted")) == 3)
    else:
        assert desk.told() == []
    assert sent == ["order.create_batch"]
    assert len(exchange.orders()) == (3 if is_taken else 0)


# -- matching ---------------------------------------------------------------------------------


def taken(client_id: str, position: int = -1) -> BatchRow:
    body = (
        '{"id":"v-%s","client_id":"%s","market":"BTC-USD-PERP","side":"BUY","type":"LIMIT",'
        '"size":"1","remaining_size":"1","price":"5","status":"NEW","instruction":"GTC",'
        '"created_at":1,"last_updated_at":1,"seq_no":1}'
    )
    order = parse_order((body % (client_id, client_id)).encode(), FEED_REST)
    return BatchRow(position, order)


def refused(message: str, position: int = -1) -> BatchRow:
    return BatchRow(position, None, "", message)


def words(rows: list[BatchRow | None]) -> list[str]:
    return [
        "unknown"
        if row is None
        else row.order.client_order_id
        if row.order is not None
        else row.message or "unreadable"
        for row in rows
    ]


def test_orders_are_matched_by_their_client_id_whatever_the_order_of_rows() -> None:
    rows = [taken("O-2"), taken("O-0"), taken("O-1")]
    assert words(match_rows(limits(3), rows)) == ["O-0", "O-1", "O-2"]


def test_a_refusal_is_matched_by_its_position() -> None:
    rows = [taken("O-0", 0), refused("no", 1), taken("O-2", 2)]
    assert words(match_rows(limits(3), rows)) == ["O-0", "no", "O-2"]


def test_a_client_id_goes_before_a_position() -> None:
    rows = [refused("no", 0), taken("O-0", 1)]
    assert words(match_rows(limits(2), rows)) == ["O-0", "unknown"]


def test_refusals_without_position_go_to_the_orders_left_over() -> None:
    rows = [taken("O-1"), refused("first"), refused("second")]
    assert words(match_rows(limits(3), rows)) == ["first", "O-1", "second"]


@pytest.mark.parametrize(
    "rows",
    [
        [taken("O-1")],
        [taken("O-1"), refused("no")],
        [taken("O-1"), refused("no"), BatchRow(-1, None)],
    ],
    ids=["none", "too few", "one cannot be read"],
)
def test_refusals_that_do_not_add_up_tell_nothing(rows: list[BatchRow]) -> None:
    assert words(match_rows(limits(3), rows)) == ["unknown", "O-1", "unknown"]


def test_a_row_that_cannot_be_read_is_no_refusal() -> None:
    (row,) = match_rows(limits(1), [BatchRow(0, None)])
    assert row is not None
    assert not row.is_refused


# -- cancels ----------------------------------------------------------------------------------


async def test_ten_cancels_take_one_request(desk: Desk, sent: list[str]) -> None:
    ids = await rest(desk, 12)
    sent.clear()
    assert await desk.session.batches.cancel(targets(desk, *ids)) == [None] * 12
    await until(lambda: len(desk.told(about="canceled")) == 12)
    assert sent == ["order.cancel_batch"] * 2


async def test_an_order_without_a_venue_id_is_canceled_by_itself(
    desk: Desk, sent: list[str]
) -> None:
    ids = await rest(desk, 3)
    sent.clear()
    asked = [*targets(desk, *ids), CancelTarget("O-of-nobody", "", MARKET)]
    assert await desk.session.batches.cancel(asked) == [None] * 4
    await until(lambda: len(desk.told(about="canceled")) == 3)
    assert sorted(sent) == ["order.cancel", "order.cancel_batch"]


async def test_cancels_go_by_rest_when_the_websocket_is_down(
    desk: Desk, exchange: LocalExchange, sent: list[str]
) -> None:
    ids = await rest(desk, 3)
    await lose_websocket(desk, exchange)
    sent.clear()
    assert await desk.session.batches.cancel(targets(desk, *ids)) == [None] * 3
    exchange.refuse_connections(False)
    await until(lambda: len(desk.told(about="canceled")) == 3)
    assert sent == ["order.cancel_batch", "DELETE /orders/batch"]


async def test_the_end_of_an_order_that_was_closed_already_is_told(
    desk: Desk, exchange: LocalExchange
) -> None:
    ids = await rest(desk, 3)
    desk.session.book.hold("test")
    exchange.cancel_order(targets(desk, "O-1")[0].venue_order_id, "USER_CANCELED")
    assert await desk.session.batches.cancel(targets(desk, *ids)) == [None] * 3
    assert desk.told(about="canceled") == ["canceled O-1: USER_CANCELED"]
    desk.session.book.release("test")
    await until(lambda: len(desk.told(about="canceled")) == 3)


async def test_a_refused_batch_of_cancels_is_repeated_order_by_order(
    desk: Desk, exchange: LocalExchange, sent: list[str]
) -> None:
    ids = await rest(desk, 3)
    sent.clear()
    exchange.fail_next("RPC", "order.cancel_batch", 100, "BATCH_SIZE_OUT_OF_RANGE")
    assert await desk.session.batches.cancel(targets(desk, *ids)) == [None] * 3
    await until(lambda: len(desk.told(about="canceled")) == 3)
    assert sent == ["order.cancel_batch", *["order.cancel"] * 3]


async def test_each_order_that_works_on_has_its_reason(desk: Desk, exchange: LocalExchange) -> None:
    ids = await rest(desk, 2)
    exchange.fail_next("RPC", "order.cancel_batch", 100, "VALIDATION_ERROR")
    exchange.fail_next("RPC", "order.cancel", 100, "VALIDATION_ERROR first")
    reasons = await desk.session.batches.cancel(targets(desk, *ids))
    assert [reason is None for reason in reasons] == [False, True]
    assert "first" in str(reasons[0])
    await until(lambda: desk.told(about="canceled") == ["canceled O-1: USER_CANCELED"])


async def test_cancels_whose_reply_is_lost_are_asked_after(
    desk: Desk, exchange: LocalExchange
) -> None:
    ids = await rest(desk, 3)
    exchange.lose_next_response("order.cancel_batch")
    assert await desk.session.batches.cancel(targets(desk, *ids)) == [None] * 3
    await until(lambda: len(desk.told(about="canceled")) == 3)


async def test_no_order_but_those_named_is_canceled(desk: Desk, exchange: LocalExchange) -> None:
    await rest(desk, 3)
    await desk.session.commands.submit(limit("other", "91000", side=SIDE_SELL))
    await desk.session.batches.cancel(targets(desk, "O-0", "O-2"))
    await until(lambda: len(desk.told(about="canceled")) == 2)
    is_open = {row["client_id"]: row["status"] == "OPEN" for row in exchange.orders()}
    assert is_open == {"O-0": False, "O-1": True, "O-2": False, "other": True}
