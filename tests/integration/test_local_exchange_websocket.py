"""The local exchange over its websocket: envelopes, channels, frames, order entry."""

import asyncio
import struct
import time
from decimal import Decimal
from typing import Any

import aiohttp
import orjson
import pytest

from tests.integration.local_exchange_client import (
    DEADLINE_SECS,
    MARKET,
    SBE_QUERY,
    Client,
    Listener,
    eventually,
    opened,
    trading,
)

PRIVATE_CHANNELS = ("orders.ALL", "fills.ALL", "positions", "account")

# The fixed parts of the frames read here, by the venue's schema.
BOOK_HEAD = struct.Struct("<qqB")
LEVEL = struct.Struct("<qq")
BBO = struct.Struct("<qqqqqq")
NULL = -(2**63)


def header(frame: bytes) -> tuple[int, int, int, int]:
    block, template, schema, version = struct.unpack_from("<4H", frame)
    return block, template, schema, version


def book_event(frame: bytes) -> tuple[int, int, dict[int, int], dict[int, int]]:
    """Return sequence, package kind, bids and asks of a book frame, in units of 1e-8."""
    block = header(frame)[0]
    _, seq, package = BOOK_HEAD.unpack_from(frame, 8)
    offset, sides = 8 + block, []
    for _ in range(2):
        size, entries = struct.unpack_from("<2H", frame, offset)
        offset += 4
        sides.append(dict(LEVEL.unpack_from(frame, offset + i * size) for i in range(entries)))
        offset += size * entries
    return seq, package, sides[0], sides[1]


def in_units(levels: list[list[str]]) -> dict[int, int]:
    return {int(Decimal(p) * 10**8): int(Decimal(s) * 10**8) for p, s in levels}


# --- Envelopes --------------------------------------------------------------------------------


async def test_replies_end_with_a_newline_and_carry_their_times() -> None:
    async with trading() as client, opened(client) as listener:
        before_us = time.time_ns() // 1000
        reply = await listener.request("subscribe", {"channel": "account"})
        assert listener.texts[-1].endswith("}\n")
        assert reply["usOut"] - reply["usIn"] == reply["usDiff"]
        assert before_us <= reply["usIn"] <= time.time_ns() // 1000


@pytest.mark.parametrize(
    ("text", "code", "number"),
    [
        ("{", -32700, None),
        ("[]", -32600, None),
        ('{"method":"auth","id":3}', -32600, 3),
        ('{"jsonrpc":"2.0","id":4}', -32600, 4),
        ('{"jsonrpc":"2.0","method":"order.fly","id":"five"}', -32601, "five"),
        ('{"jsonrpc":"2.0","method":"subscribe","params":[1],"id":6}', -32602, 6),
        ('{"jsonrpc":"2.0","method":"auth","params":{},"id":7}', 40110, 7),
        ('{"jsonrpc":"2.0","method":"auth","params":{"bearer":"abc"},"id":8}', 40110, 8),
        ('{"jsonrpc":"2.0","method":"auth","params":{"bearer":"a.b.c"},"id":9}', 40111, 9),
        ('{"jsonrpc":"2.0","method":"order.create","params":{},"id":10}', 40300, 10),
        ('{"jsonrpc":"2.0","method":"order.cancel_all","params":{},"id":11}', 40300, 11),
        (
            '{"jsonrpc":"2.0","method":"subscribe","params":{"channel":"orders.ALL"},"id":12}',
            40300,
            12,
        ),
    ],
)
async def test_a_bad_request_is_answered_with_its_code(
    text: str, code: int, number: object
) -> None:
    async with trading() as client:
        client.token = ""
        async with opened(client) as listener:
            await listener.socket.send_str(text)
            await listener.next()
            reply = orjson.loads(listener.texts[-1])
            assert (reply["error"]["code"], reply["id"]) == (code, number)


async def test_an_expired_token_does_not_authenticate_but_a_session_lives_on() -> None:
    async with trading() as client, opened(client) as listener:
        client.exchange.expire_tokens()
        reply = await listener.request("auth", {"bearer": client.token})
        assert reply["error"]["code"] == 40111
        await listener.subscribe("account")
        request = client.order("BUY", "0.1")
        assert "result" in await listener.request("order.create", request)


@pytest.mark.parametrize(
    "channel",
    [
        "",
        "nonsense",
        "bbo",
        "bbo.NOPE",
        "bbo.BTC-USD-PERP.x",
        "trades.",
        "order_book.BTC-USD-PERP",
        "order_book.ALL.deltas",
        "order_book.BTC-USD-PERP.deltas@15@50ms",
        "positions.BTC-USD-PERP",
        "account.ALL",
        "orders",
        "x" * 200,
        7,
        None,
    ],
)
async def test_a_channel_that_does_not_exist_is_refused(channel: object) -> None:
    async with trading() as client, opened(client, SBE_QUERY) as listener:
        reply = await listener.request("subscribe", {"channel": channel})
        assert reply["error"]["code"] == -32600
        assert reply["error"]["message"] == "invalid subscribe request"


async def test_a_channel_is_had_once() -> None:
    async with trading() as client, opened(client, SBE_QUERY) as listener:
        for channel in ("bbo.ALL", "account"):
            await listener.subscribe(channel)
            again = await listener.request("subscribe", {"channel": channel})
            assert again["error"]["data"] == "already subscribed"
            ended = await listener.request("unsubscribe", {"channel": channel})
            assert ended["result"] == {"channel": channel}
            missing = await listener.request("unsubscribe", {"channel": channel})
            assert missing["error"]["code"] == -32600


async def test_unsubscribing_ends_the_stream() -> None:
    async with trading() as client, opened(client, SBE_QUERY) as listener:
        await listener.subscribe("trades.ALL", f"order_book.{MARKET}.deltas")
        await listener.request("unsubscribe", {"channel": "trades.ALL"})
        client.exchange.print_trade(MARKET, "BUY", "90000", "1")
        client.exchange.place_liquidity(MARKET, "BUY", "89000", "1")
        await listener.frames_of("book", 2)
        assert {header(frame)[1] for frame in listener.frames} == {3}


# --- Negotiation and public frames ------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "options", "is_accepted"),
    [
        ("", {}, True),
        ("", {"accept_plain": False}, False),
        ("?sbeSchemaId=1&sbeSchemaVersion=0", {}, True),
        ("?sbeSchemaId=1&sbeSchemaVersion=3", {}, True),
        ("?sbeSchemaId=1&sbeSchemaVersion=3", {"sbe_versions": (0, 1, 2)}, False),
        ("?sbeSchemaId=1&sbeSchemaVersion=4", {}, False),
        ("?sbeSchemaId=2&sbeSchemaVersion=1", {}, False),
        ("?sbeSchemaId=1", {}, False),
        ("?sbeSchemaVersion=1", {}, False),
    ],
)
async def test_what_a_connection_may_ask_for(
    query: str, options: dict[str, Any], is_accepted: bool
) -> None:
    async with trading(**options) as client:
        if is_accepted:
            async with opened(client, query):
                return
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.http.ws_connect(client.exchange.base_url_ws + query)
        assert refused.value.status == 400


async def test_public_channels_need_sbe() -> None:
    async with trading() as client, opened(client) as listener:
        for channel in (f"bbo.{MARKET}", "trades.ALL", f"order_book.{MARKET}.deltas"):
            reply = await listener.request("subscribe", {"channel": channel})
            assert reply["error"]["code"] == -32600


@pytest.mark.parametrize("version", [0, 1, 2, 3])
async def test_the_book_is_a_snapshot_then_one_step_at_a_time(version: int) -> None:
    async with (
        trading() as client,
        opened(client, f"?sbeSchemaId=1&sbeSchemaVersion={version}") as listener,
    ):
        exchange = client.exchange
        exchange.place_liquidity(MARKET, "BUY", "89990", "0.5")
        exchange.place_liquidity(MARKET, "SELL", "90010", "0.5")
        await listener.subscribe(f"order_book.{MARKET}.deltas")
        exchange.place_liquidity(MARKET, "BUY", "89980", "1")
        exchange.place_liquidity(MARKET, "BUY", "89990", "0.25")
        exchange.take_liquidity(MARKET, "BUY", "0.5")
        frames = await listener.frames_of("book", 4)
        assert all(header(frame)[1:] == (3, 1, version) for frame in frames)
        events = [book_event(frame) for frame in frames]
        assert [event[1] for event in events] == [0, 1, 1, 1]
        first = events[0][0]
        assert [event[0] for event in events] == [first, first + 1, first + 2, first + 3]
        bids, asks = events[0][2], events[0][3]
        for _, _, changed_bids, changed_asks in events[1:]:
            bids |= changed_bids
            asks |= changed_asks
        book = exchange.order_book(MARKET, 1000)
        assert {p: s for p, s in bids.items() if s} == in_units(book["bids"])
        assert {p: s for p, s in asks.items() if s} == in_units(book["asks"]) == {}
        assert book["seq_no"] == first + 3


async def test_best_prices_share_the_books_counter_and_skip() -> None:
    async with trading() as client, opened(client, SBE_QUERY) as listener:
        exchange = client.exchange
        await listener.subscribe(f"bbo.{MARKET}")
        start = exchange.order_book(MARKET)["seq_no"]
        exchange.place_liquidity(MARKET, "BUY", "89990", "0.5")
        exchange.place_liquidity(MARKET, "BUY", "89980", "0.5")
        exchange.place_liquidity(MARKET, "SELL", "90010", "0.5")
        frames = [BBO.unpack_from(f, 8) for f in await listener.frames_of("bbo", 3)]
        assert [frame[1] - start for frame in frames] == [0, 1, 3]
        assert frames[0][2:] == (NULL, NULL, NULL, NULL)
        assert frames[1][2:] == (8_999_000_000_000, 50_000_000, NULL, NULL)
        assert frames[2][4:] == (9_001_000_000_000, 50_000_000)


@pytest.mark.parametrize("form", ["", f".{MARKET}", ".ALL"])
async def test_summaries_and_funding_come_by_the_clock(form: str) -> None:
    options = {"summary_interval_ms": 20, "funding_interval_ms": 20}
    async with trading(**options) as client, opened(client, SBE_QUERY) as listener:
        await listener.subscribe(f"markets_summary{form}", f"funding_data{form}")
        least = 1 if MARKET in form else 8
        assert len(await listener.frames_of("market_summary", least)) >= least
        assert len(await listener.frames_of("funding_data", least)) >= least


async def test_an_idle_binary_connection_gets_heartbeats_and_a_plain_one_does_not() -> None:
    async with trading(heartbeat_interval_secs=0.02) as client:
        async with opened(client, SBE_QUERY) as listener:
            frames = await listener.frames_of("heartbeat", 2)
            assert header(frames[0]) == (16, 40, 1, 2)
        async with opened(client) as listener:
            with pytest.raises(TimeoutError):
                await listener.socket.receive(timeout=0.1)


# --- Private channels and order entry ---------------------------------------------------------


async def test_an_order_over_the_websocket_is_new_then_what_came_of_it() -> None:
    async with trading() as client, opened(client) as listener:
        client.exchange.place_liquidity(MARKET, "SELL", "90010", "0.3")
        await listener.subscribe(*PRIVATE_CHANNELS)
        before_ns = time.time_ns()
        reply = await listener.request("order.create", client.order("BUY", "0.5", "90010"))
        order = reply["result"]["order"]
        assert order["status"] == "NEW"
        assert reply["result"]["created_at"] == order["created_at"]
        assert reply["result"]["received_at"] >= before_ns
        shown = await listener.push("orders.ALL", lambda data: data["status"] == "OPEN")
        states = [data["status"] for data in listener.of("orders.ALL")]
        assert states == ["NEW", "OPEN"]
        assert (shown["remaining_size"], shown["avg_fill_price"]) == ("0.2", "90010")
        fill = await listener.push("fills.ALL")
        assert (fill["order_id"], fill["size"], fill["liquidity"]) == (order["id"], "0.3", "TAKER")
        position = await listener.push("positions")
        assert (position["size"], position["last_fill_id"]) == ("0.3", fill["id"])
        account = await listener.push("account", lambda data: data["total_collateral"] != "100000")
        assert Decimal(account["total_collateral"]) == 100_000 - Decimal(fill["fee"])
        sequence = [data["seq_no"] for data in listener.of("orders.ALL")]
        assert sequence == sorted(set(sequence))
        assert sequence[0] > 10**18
        # REST numbers the same update differently: the two feeds are not comparable.
        assert (await client.get(f"/orders/{order['id']}"))["seq_no"] != sequence[-1]


async def test_a_maker_hears_of_each_fill() -> None:
    async with trading() as client, opened(client) as listener:
        await listener.subscribe(f"orders.{MARKET}", f"fills.{MARKET}")
        await client.place("SELL", "0.3", "90010", instruction="POST_ONLY")
        await listener.push(f"orders.{MARKET}", lambda data: data["status"] == "OPEN")
        for size in ("0.1", "0.2"):
            client.exchange.take_liquidity(MARKET, "BUY", size)
        await listener.push(f"orders.{MARKET}", lambda data: data["status"] == "CLOSED")
        orders = [(o["status"], o["remaining_size"]) for o in listener.of(f"orders.{MARKET}")]
        assert orders == [("NEW", "0.3"), ("OPEN", "0.3"), ("OPEN", "0.2"), ("CLOSED", "0")]
        fills = listener.of(f"fills.{MARKET}")
        assert [(f["side"], f["liquidity"], f["remaining_size"]) for f in fills] == [
            ("SELL", "MAKER", "0.2"),
            ("SELL", "MAKER", "0"),
        ]


async def test_the_side_of_a_fill_may_be_the_takers() -> None:
    async with (
        trading(is_fill_side_of_taker=True) as client,
        opened(client) as listener,
    ):
        await listener.subscribe("fills.ALL")
        order = await client.place("SELL", "0.3", "90010")
        await client.until(order["id"], "OPEN")
        client.exchange.take_liquidity(MARKET, "BUY", "0.3")
        fill = await listener.push("fills.ALL")
        assert (fill["side"], fill["liquidity"]) == ("BUY", "MAKER")


async def test_a_refused_order_is_an_error_with_the_venues_word() -> None:
    async with trading() as client, opened(client) as listener:
        for changed, word in (
            ({"signature": '["1","2"]'}, "INVALID_ORDER_SIGNATURE"),
            ({"market": "NOPE"}, "MARKET_NOT_FOUND"),
            ({"client_id": "x" * 65}, "VALIDATION_ERROR"),
        ):
            request = client.order("BUY", "0.1", "89000", **changed)
            reply = await listener.request("order.create", request)
            assert (reply["error"]["code"], reply["error"]["message"]) == (100, word)


async def test_cancelling_over_the_websocket() -> None:
    async with trading() as client, opened(client) as listener:
        await listener.subscribe("orders.ALL")
        orders = []
        for _ in range(5):
            request = client.order("BUY", "0.01", "89000")
            orders.append((await listener.request("order.create", request))["result"]["order"])
        by_id = await listener.request("order.cancel", {"id": orders[0]["id"]})
        assert by_id["result"] == {
            "order_id": orders[0]["id"],
            "status": "QUEUED_FOR_CANCELLATION",
        }
        named = {"client_id": orders[1]["client_id"], "market": MARKET}
        assert "result" in await listener.request("order.cancel", named)
        for params, code in (
            ({"id": "123"}, 100),
            ({"client_id": "nope", "market": MARKET}, 100),
            ({"client_id": orders[2]["client_id"]}, 100),
            ({}, -32602),
            ({"id": 5}, -32602),
        ):
            reply = await listener.request("order.cancel", params)
            assert reply["error"]["code"] == code, params
        batch = await listener.request(
            "order.cancel_batch", {"order_ids": [orders[2]["id"], orders[0]["id"], "9"]}
        )
        assert [result["status"] for result in batch["result"]["results"]] == [
            "QUEUED_FOR_CANCELLATION",
            "ALREADY_CLOSED",
            "NOT_FOUND",
        ]
        reply = await listener.request("order.cancel_all", {"market": MARKET})
        assert reply["result"] == {"status": "ok"}
        for order in orders:
            closed = await listener.order_closed(order["id"])
            assert closed["cancel_reason"] == "USER_CANCELED"
        late = await listener.request("order.cancel", {"id": orders[4]["id"]})
        assert late["error"]["message"] == "ORDER_IS_CLOSED"


async def test_changing_over_the_websocket() -> None:
    async with trading() as client, opened(client) as listener:
        await listener.subscribe("orders.ALL")
        order = await client.place("BUY", "0.05", "89000")
        await listener.push("orders.ALL", lambda data: data["status"] == "OPEN")
        reply = await listener.request("order.modify", client.change(order, price="88000"))
        assert reply["result"]["order"]["id"] == order["id"]
        assert reply["result"]["order"]["price"] == "89000"
        shown = await listener.push("orders.ALL", lambda data: data["price"] == "88000")
        assert (shown["status"], shown["request_info"]["status"]) == ("OPEN", "SUCCESS")
        reply = await listener.request("order.modify", client.change(shown))
        assert reply["error"]["data"] == "no order parameters changed"
        reply = await listener.request("order.modify", {"id": 5})
        assert reply["error"]["code"] == -32602


async def test_a_batch_over_the_websocket() -> None:
    async with trading() as client, opened(client) as listener:
        requests = [client.order("BUY", "0.01", "89000") for _ in range(2)]
        reply = await listener.request("order.create_batch", {"orders": requests})
        results = reply["result"]["results"]
        names = [result["order"]["client_id"] for result in results]
        assert names == [request["client_id"] for request in requests]
        assert all(result["received_at"] > 10**18 for result in results)
        bare = await listener.request("order.create_batch", [client.order("BUY", "0.01", "89000")])
        assert len(bare["result"]["results"]) == 1
        twice = client.order("BUY", "0.01", "89000")
        reply = await listener.request("order.create_batch", {"orders": [twice, twice]})
        assert reply["error"]["message"] == "DUPLICATED_CLIENT_ID"


@pytest.mark.parametrize("is_abrupt", [False, True])
async def test_orders_may_go_with_their_connection(is_abrupt: bool) -> None:
    async def create(listener: Listener) -> str:
        reply = await listener.request("order.create", client.order("BUY", "0.01", "89000"))
        order_id: str = reply["result"]["order"]["id"]
        return order_id

    async with trading() as client, opened(client) as other:
        kept = [await create(other), (await client.place("BUY", "0.01", "89000"))["id"]]
        async with opened(client) as listener:
            bound = [await create(listener)]
            reply = await listener.request("order.cancel_on_disconnect", {"enabled": True})
            assert reply["result"] == {"enabled": True}
            bound.append(await create(listener))
            batch = {"orders": [client.order("BUY", "0.01", "89000") for _ in range(2)]}
            reply = await listener.request("order.create_batch", batch)
            bound += [result["order"]["id"] for result in reply["result"]["results"]]
            for order_id in (*kept, *bound):
                await client.until(order_id, "OPEN")
            if is_abrupt:
                client.exchange.drop_connections("private")
        for order_id in bound:
            assert (await client.closed(order_id))["cancel_reason"] == "USER_CANCELED"
        assert {client.shown(order_id)["status"] for order_id in kept} == {"OPEN"}


async def test_orders_stay_where_their_connection_was_told_so_or_nothing() -> None:
    async with trading() as client:
        placed = []
        for settings in ((), (True, False)):
            async with opened(client) as listener:
                for enabled in settings:
                    reply = await listener.request(
                        "order.cancel_on_disconnect", {"enabled": enabled}
                    )
                    assert reply["result"] == {"enabled": enabled}
                reply = await listener.request("order.create", client.order("BUY", "0.01", "89000"))
                placed.append(reply["result"]["order"]["id"])
        # A connection made again begins without it.
        async with opened(client) as listener:
            reply = await listener.request("order.create", client.order("BUY", "0.01", "89000"))
            placed.append(reply["result"]["order"]["id"])
        await eventually(lambda: not client.exchange._websocket.connections)
        # Whatever was queued before this one has happened when it rests.
        later = await client.place("BUY", "0.01", "89000")
        await client.until(later["id"], "OPEN")
        assert {client.shown(order_id)["status"] for order_id in placed} == {"OPEN"}


@pytest.mark.parametrize("private_sbe", [False, True])
async def test_private_channels_on_a_binary_connection(private_sbe: bool) -> None:
    async with (
        trading(private_sbe=private_sbe) as client,
        opened(client, SBE_QUERY) as binary,
        opened(client) as plain,
    ):
        client.exchange.place_liquidity(MARKET, "SELL", "90010", "0.3")
        await binary.subscribe(*PRIVATE_CHANNELS)
        await plain.subscribe(*PRIVATE_CHANNELS)
        await client.place("BUY", "0.1")
        for channel in PRIVATE_CHANNELS:
            assert await plain.push(channel)
        assert not plain.frames
        if private_sbe:
            for event in ("order", "fill", "position", "account"):
                assert await binary.frames_of(event, 1)
            assert not binary.pushes
        else:
            for channel in PRIVATE_CHANNELS:
                assert await binary.push(channel)
            assert not binary.frames


async def test_an_account_hears_only_of_itself() -> None:
    async with trading() as client:
        exchange = client.exchange
        other = await Client(exchange, client.http, exchange.add_account("other")).log_in()
        async with opened(client) as mine, opened(other) as theirs:
            await mine.subscribe(*PRIVATE_CHANNELS)
            await theirs.subscribe(*PRIVATE_CHANNELS)
            await client.place("BUY", "0.1")
            await mine.push("orders.ALL", lambda data: data["status"] == "CLOSED")
            await theirs.request("subscribe", {"channel": "nonsense"})
            assert not theirs.pushes


# --- The life of a connection -----------------------------------------------------------------


async def test_a_client_that_answers_pings_stays_and_one_that_does_not_is_cut() -> None:
    async with trading(ping_interval_secs=0.05, pong_timeout_secs=0.5) as client:
        async with opened(client) as listener:
            ended = time.monotonic() + 1.0
            while time.monotonic() < ended:
                await listener.subscribe("account")
                await listener.request("unsubscribe", {"channel": "account"})
        async with opened(client, autoping=False) as listener:
            started = time.monotonic()
            while (await listener.next()).type is aiohttp.WSMsgType.PING:
                assert time.monotonic() - started < DEADLINE_SECS
            assert listener.socket.closed


async def test_a_clients_ping_is_answered() -> None:
    async with trading() as client, opened(client, autoping=False) as listener:
        await listener.socket.ping(b"hello")
        message = await listener.next()
        assert (message.type, message.data) == (aiohttp.WSMsgType.PONG, b"hello")


async def test_a_slow_reader_is_cut_off() -> None:
    async with trading() as client:
        exchange = client.exchange
        async with opened(client, SBE_QUERY) as listener:
            await listener.subscribe("trades.ALL")
            # Nothing is read while 2001 trades are printed in one turn of the loop.
            for _ in range(2001):
                exchange.print_trade(MARKET, "BUY", "90000", "1")
            assert await listener.ended() in (
                aiohttp.WSMsgType.CLOSED,
                aiohttp.WSMsgType.ERROR,
            )
        await eventually(lambda: exchange.drop_connections() == 0)


async def test_two_connections_hear_the_same() -> None:
    async with (
        trading() as client,
        opened(client, SBE_QUERY) as one,
        opened(client, SBE_QUERY) as two,
    ):
        for listener in (one, two):
            await listener.subscribe("trades.ALL", f"trades.{MARKET}")
        client.exchange.print_trade(MARKET, "BUY", "90000", "1")
        frames: list[list[bytes]] = await asyncio.gather(
            *(listener.frames_of("trade", 2) for listener in (one, two))
        )
        assert len({frame for group in frames for frame in group}) == 1


@pytest.mark.parametrize("channel", ["snapshot@15@50ms", "snapshot@15@100ms@10"])
async def test_the_top_of_the_book_comes_whole_and_at_a_rate(channel: str) -> None:
    async with trading() as client, opened(client, SBE_QUERY) as listener:
        exchange = client.exchange
        for tick in range(20):
            exchange.place_liquidity(MARKET, "BUY", str(89990 - tick), "0.5")
        await listener.subscribe(f"order_book.{MARKET}.{channel}")
        for tick in range(3):
            exchange.place_liquidity(MARKET, "SELL", str(90011 + tick), "1")
        frames = await listener.frames_of("book", 2)
        first, last = book_event(frames[0]), book_event(frames[1])
        assert (first[1], last[1]) == (0, 0)
        # Three changes in one interval are one frame.
        assert last[0] - first[0] == 3
        if channel.endswith("@10"):
            assert last[2] == in_units([["89990", "0.5"], ["89980", "5"], ["89970", "4.5"]])
            assert last[3] == in_units([["90020", "3"]])
        else:
            assert last[2] == in_units([[str(89990 - tick), "0.5"] for tick in range(15)])
            assert last[3] == in_units([["90011", "1"], ["90012", "1"], ["90013", "1"]])


@pytest.mark.parametrize("kind", ["snapshot@15@10ms", "snapshot@20@50ms", "snapshot@15@50ms@3"])
async def test_a_top_of_the_book_that_is_not_offered_is_refused(kind: str) -> None:
    async with trading() as client, opened(client, SBE_QUERY) as listener:
        reply = await listener.request("subscribe", {"channel": f"order_book.{MARKET}.{kind}"})
        assert reply["error"]["data"] == "invalid channel"


@pytest.mark.parametrize("is_order_first", [True, False])
async def test_an_orders_state_comes_before_or_after_its_fills(is_order_first: bool) -> None:
    async with (
        trading(is_order_before_fill=is_order_first) as client,
        opened(client) as listener,
    ):
        client.exchange.place_liquidity(MARKET, "SELL", "90010", "1")
        await listener.subscribe("orders.ALL", "fills.ALL")
        await client.place("BUY", "0.1")
        await listener.push("fills.ALL")
        await listener.push("orders.ALL", lambda data: data["status"] == "CLOSED")
        channels = [params["channel"] for params in listener.pushes]
        assert channels[0] == "orders.ALL"
        expected = ["orders.ALL", "fills.ALL"]
        assert channels[1:] == (expected if is_order_first else expected[::-1])
