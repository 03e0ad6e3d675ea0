"""One websocket connection over both transports: negotiation, requests, losses, reconnects."""

import asyncio
import logging
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from paradex_adapter.local_exchange import sbe
from paradex_adapter.venue import picows_transport, rpc, transports, websocket
from paradex_adapter.venue.errors import (
    AuthenticationError,
    ConfigurationError,
    NotSent,
    OutcomeUnknown,
    ParadexError,
    RateLimited,
    RequestRejected,
    VenueUnavailable,
)
from paradex_adapter.venue.picows_transport import PicowsTransport
from paradex_adapter.venue.retry import Backoff
from paradex_adapter.venue.rpc import RpcRefused
from paradex_adapter.venue.transports import WebsocketsTransport, open_transport
from paradex_adapter.venue.websocket import WebSocketConnection
from paradex_adapter_core.messages.orders import OrderUpdate
from tests.unit.venue.scripted_venue import (
    MARKET,
    PLAIN,
    Json,
    ScriptedVenue,
    bbo_frame,
    scripted_venue,
    until,
)

TS_INIT = 1_800_000_000_000_000_000
ORDER_JSON: Json = {
    "id": "1700000000000000001",
    "account": "0x1",
    "market": MARKET,
    "side": "BUY",
    "type": "LIMIT",
    "size": "1",
    "remaining_size": "1",
    "price": "65000",
    "status": "OPEN",
    "instruction": "GTC",
    "flags": [],
    "client_id": "c-1",
    "cancel_reason": "",
    "created_at": 1_700_000_000_000,
    "last_updated_at": 1_700_000_000_000,
    "timestamp": 1_700_000_000_000,
    "seq_no": 1_700_000_000_000_000_001,
    "avg_fill_price": "",
    "stp": "",
    "trigger_price": "",
    "received_at": 1_700_000_000_000,
    "published_at": 1_700_000_000_000,
}
ORDER_SBE: Json = {
    "ts": 1_700_000_000_000_000,
    "seq": 1_700_000_000_000_000_001,
    "status": "OPEN",
    "side": "BUY",
    "orderType": "LIMIT",
    "timeInForce": "GTC",
    "size": Decimal(1),
    "sizeOpen": Decimal(1),
    "createdAt": 1_700_000_000_000_000,
    "updatedAt": 1_700_000_000_000_000,
    "account": "0x1",
    "receivedAt": 0,
    "publishedAt": 0,
    "stp": "NONE",
    "flags": [],
    "orderId": "1700000000000000001",
    "clientOrderId": "c-1",
    "market": MARKET,
}


class QuickBackoff(Backoff):
    """No delay to speak of, and a record of what was asked."""

    def __init__(self) -> None:
        self.attempts: list[int] = []

    def delay_secs(self, attempt: int) -> float:
        self.attempts.append(attempt)
        return 0.0


@pytest.fixture(params=["picows", "websockets"])
def prefer_picows(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "picows")


@pytest.fixture
def self_signed(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate and its key, valid for this test."""
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    files = ["-subj", "/CN=localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command, *files], check=True, capture_output=True)
    return certificate, key


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "RECONNECT_DELAY_FLOOR_SECS", 0.001)


@pytest.fixture
async def venue() -> AsyncIterator[ScriptedVenue]:
    async with scripted_venue() as scripted:
        yield scripted


@asynccontextmanager
async def connection_to(
    base_url: str, prefer_picows: bool, *, plain_first: bool = True, **options: Any
) -> AsyncIterator[tuple[WebSocketConnection, list[object]]]:
    """Yield a connection, not yet connected, and what it hands over; then close it, and look."""
    messages: list[object] = []
    options = {
        "on_message": lambda message, ts_init: messages.append((message, ts_init)),
        "clock_ns": lambda: TS_INIT,
        "backoff": QuickBackoff(),
        **options,
    }
    before = asyncio.all_tasks()
    connection = WebSocketConnection(
        base_url, name="test", plain_first=plain_first, prefer_picows=prefer_picows, **options
    )
    try:
        yield connection, messages
    finally:
        await connection.close()
    ours = {"paradex-test", "paradex-websocket-reader"}
    assert not {t.get_name() for t in asyncio.all_tasks() - before} & ours
    assert not connection.is_ready


async def test_a_request_gets_the_reply_with_its_id(
    venue: ScriptedVenue, prefer_picows: bool
) -> None:
    held: list[Json] = []

    def hold_until_two(request: Json) -> None:
        held.append(request)

    venue.answer = hold_until_two
    async with connection_to(venue.base_url, prefer_picows) as (connection, messages):
        await connection.connect(5)
        first = asyncio.create_task(connection.request("order.create", {"n": 1}, 5))
        second = asyncio.create_task(connection.request("order.cancel", {"n": 2}, 5))
        await until(lambda: len(held) == 2)
        for request in reversed(held):
            text = f'{{"jsonrpc":"2.0","id":{request["id"]},"result":{request["params"]["n"]}}}\n'
            await venue.socket.send_str(text)
        assert (await first, await second) == (b"1", b"2")
    assert [(r["jsonrpc"], r["method"]) for r in held] == [
        ("2.0", "order.create"),
        ("2.0", "order.cancel"),
    ]
    assert messages == []


async def test_the_fast_transport_is_used_when_it_is_there(
    venue: ScriptedVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Nobody:
        def on_text(self, data: bytes | str) -> None: ...
        def on_binary(self, data: bytes) -> None: ...
        def on_closed(self, reason: str) -> None: ...

    for has_picows, prefers, expected in [
        (True, True, PicowsTransport),
        (True, False, WebsocketsTransport),
        (False, True, WebsocketsTransport),
    ]:
        monkeypatch.setattr(transports, "has_picows", lambda has=has_picows: has)
        transport = await open_transport(
            venue.base_url, Nobody(), proxy_url=None, prefer_picows=prefers
        )
        assert type(transport) is expected
        await transport.close()


# -- schema negotiation --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plain_first", "accepted", "tried"),
    [
        pytest.param(False, {PLAIN, "1", "2", "3"}, ["3"], id="public, plain accepted"),
        pytest.param(False, {"1", "2"}, ["3", "2"], id="public, plain and 3 refused"),
        pytest.param(False, {"1"}, ["3", "2", "1"], id="public, only 1 accepted"),
        pytest.param(True, {PLAIN, "1", "2", "3"}, [PLAIN], id="private, plain accepted"),
        pytest.param(True, {"1", "2", "3"}, [PLAIN, "3"], id="private, plain refused"),
        pytest.param(True, {"1"}, [PLAIN, "3", "2", "1"], id="private, only 1 accepted"),
    ],
)
async def test_the_schema_is_negotiated_downwards_and_remembered(
    venue: ScriptedVenue,
    prefer_picows: bool,
    plain_first: bool,
    accepted: set[str],
    tried: list[str],
) -> None:
    venue.accepted = accepted
    async with connection_to(venue.base_url, prefer_picows, plain_first=plain_first) as (
        connection,
        _,
    ):
        await connection.connect(5)
        assert venue.attempts == tried
        assert connection.sbe_version == (None if tried[-1] == PLAIN else int(tried[-1]))
        await venue.drop()
        await until(lambda: connection.connects == 2 and connection.is_ready)
        assert venue.attempts == [*tried, tried[-1]]


@pytest.mark.parametrize("is_plain_accepted", [True, False])
@pytest.mark.parametrize("is_binary", [True, False])
async def test_private_frames_are_read_in_either_form(
    venue: ScriptedVenue, prefer_picows: bool, is_plain_accepted: bool, is_binary: bool
) -> None:
    venue.accepted = {PLAIN} if is_plain_accepted else {"2"}
    async with connection_to(venue.base_url, prefer_picows) as (connection, messages):
        await connection.connect(5)
        if is_binary:
            await venue.socket.send_bytes(sbe.encode("order", ORDER_SBE, 2))
        else:
            push = {"channel": "orders.ALL", "data": ORDER_JSON}
            await venue.socket.send_json({"method": "subscription", "params": push})
        await until(lambda: messages, str(connection.counters))
    [(order, ts_init)] = messages
    assert isinstance(order, OrderUpdate)
    assert (order.client_order_id, order.venue_order_id) == ("c-1", "1700000000000000001")
    assert ts_init == TS_INIT


async def test_a_venue_that_refuses_every_version_is_said_to(
    venue: ScriptedVenue, prefer_picows: bool
) -> None:
    venue.accepted = set()
    async with connection_to(venue.base_url, prefer_picows, plain_first=False) as (connection, _):
        with pytest.raises(VenueUnavailable, match="refused every schema version"):
            await connection.connect(1)
    assert venue.attempts[:4] == ["3", "2", "1", "3"]


async def test_another_refusal_is_no_matter_of_the_schema(
    venue: ScriptedVenue, prefer_picows: bool
) -> None:
    venue.accepted = set()
    venue.refusal_status = 503
    async with connection_to(venue.base_url, prefer_picows, plain_first=False) as (connection, _):
        with pytest.raises(VenueUnavailable, match="HTTP 503"):
            await connection.connect(1)
    assert set(venue.attempts) == {"3"}


# -- requests ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (-32602, RpcRefused),
        (100, RpcRefused),
        (-32603, OutcomeUnknown),
        (40110, AuthenticationError),
        (40111, AuthenticationError),
        (40112, AuthenticationError),
        (40300, AuthenticationError),
        (42901, RateLimited),
    ],
)
async def test_a_refusal_says_who_must_act(
    venue: ScriptedVenue, code: int, expected: type[ParadexError]
) -> None:
    venue.answer = lambda request: {"error": {"code": code, "message": "no", "data": "why"}}
    async with connection_to(venue.base_url, True) as (connection, _):
        await connection.connect(5)
        with pytest.raises(expected) as caught:
            await connection.request("order.create", {}, 5)
    assert type(caught.value) is expected


async def test_a_refusal_carries_the_venues_words(venue: ScriptedVenue) -> None:
    venue.answer = lambda request: {"error": {"code": -32602, "message": "no", "data": "why"}}
    async with connection_to(venue.base_url, True) as (connection, _):
        await connection.connect(5)
        with pytest.raises(RequestRejected) as caught:
            await connection.request("order.create", {}, 5)
    error = caught.value
    assert isinstance(error, RpcRefused)
    assert (error.operation, error.status, error.rpc_code) == ("order.create", -32602, -32602)
    assert (error.message, error.data) == ("no: why", "why")


async def test_a_reply_that_does_not_come_leaves_the_outcome_unknown(
    venue: ScriptedVenue, prefer_picows: bool
) -> None:
    venue.answer = lambda request: None
    async with connection_to(venue.base_url, prefer_picows) as (connection, _):
        await connection.connect(5)
        with pytest.raises(OutcomeUnknown, match=r"no reply in 0\.05 s"):
            await connection.request("order.create", {}, 0.05)
        # The reply, late: nobody waits for it any more, and nothing breaks.
        await venue.socket.send_json({"jsonrpc": "2.0", "id": 1, "result": {}})
        await venue.socket.send_json({"jsonrpc": "2.0", "error": {"code": -32700, "message": ""}})
        await until(lambda: connection.counters["unmatched replies"] == 2)
        assert connection.is_ready


async def test_a_connection_lost_leaves_the_outcome_unknown(
    venue: ScriptedVenue, prefer_picows: bool
) -> None:
    venue.answer = lambda request: None
    async with connection_to(venue.base_url, prefer_picows) as (connection, _):
        await connection.connect(5)
        pending = [asyncio.create_task(connection.request("order.create", {}, 5)) for _ in range(3)]
        await until(lambda: len(venue.requests) == 3)
        await venue.drop()
        outcomes = await asyncio.gather(*pending, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [OutcomeUnknown] * 3


async def test_nothing_is_sent_on_a_connection_that_is_down(
    venue: ScriptedVenue, prefer_picows: bool
) -> None:
    async with connection_to(venue.base_url, prefer_picows) as (connection, _):
        with pytest.raises(NotSent):
            await connection.request("order.create", {})
        await connection.connect(5)
        await connection.close()
        with pytest.raises(NotSent):
            await connection.request("order.create", {})
    assert venue.requests == []


async def test_pending_requests_are_bounded(
    venue: ScriptedVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rpc, "PENDING_REQUESTS_MAX", 2)
    venue.answer = lambda request: None
    async with connection_to(venue.base_url, True) as (connection, _):
        await connection.connect(5)
        pending = [asyncio.create_task(connection.request("m", {}, 5)) for _ in range(2)]
        await until(lambda: len(venue.requests) == 2)
        with pytest.raises(NotSent, match="2 requests already"):
            await connection.request("m", {})
        await venue.drop()
        await asyncio.gather(*pending, return_exceptions=True)
        await connection.wait_ready(5)
        venue.answer = lambda request: {"result": 7}
        assert await connection.request("m", {}) == b"7"


# -- set-up and reconnecting ---------------------------------------------------------------------


async def test_the_connection_is_ready_when_it_is_set_up_and_each_time_again(
    venue: ScriptedVenue, prefer_picows: bool
) -> None:
    order: list[str] = []

    async def set_up() -> None:
        with pytest.raises(NotSent):
            await connection.request("order.create", {})
        await connection.request("auth", {}, before_ready=True)
        order.append(f"set up, ready {connection.is_ready}")

    async with connection_to(
        venue.base_url,
        prefer_picows,
        on_connected=set_up,
        on_disconnected=lambda reason: order.append("lost"),
    ) as (connection, _):
        await connection.connect(5)
        await venue.drop()
        await until(lambda: connection.connects == 2 and connection.is_ready)
    assert venue.methods() == ["auth", "auth"]
    assert order == ["set up, ready False", "lost", "set up, ready False", "lost"]


async def test_a_key_at_fault_is_told_at_once(venue: ScriptedVenue, prefer_picows: bool) -> None:
    venue.answer = lambda request: {"error": {"code": 40111, "message": "invalid bearer"}}

    async def set_up() -> None:
        await connection.request("auth", {}, before_ready=True)

    async with connection_to(venue.base_url, prefer_picows, on_connected=set_up) as (connection, _):
        with pytest.raises(AuthenticationError):
            await connection.connect(5)
        assert venue.methods() == ["auth"]
        # The key was mended: the same object connects.
        venue.answer = lambda request: {"result": {}}
        await connection.connect(5)
        assert connection.is_ready


async def test_a_set_up_that_fails_is_tried_again(venue: ScriptedVenue) -> None:
    answers = iter([{"error": {"code": 100, "message": "later"}}, {"result": {}}])
    venue.answer = lambda request: next(answers)

    async def set_up() -> None:
        await connection.request("auth", {}, before_ready=True)

    async with connection_to(venue.base_url, True, on_connected=set_up) as (connection, _):
        await connection.connect(5)
        assert connection.connects == 2


async def test_a_set_up_that_hangs_is_given_up(
    venue: ScriptedVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "SET_UP_TIMEOUT_SECS", 0.02)
    hung = 0

    async def set_up() -> None:
        nonlocal hung
        hung += 1
        if hung == 1:
            await asyncio.Event().wait()

    async with connection_to(venue.base_url, True, on_connected=set_up) as (connection, _):
        await connection.connect(5)
        assert hung >= 2


async def test_our_own_mistake_in_the_set_up_does_not_end_reconnecting(
    venue: ScriptedVenue, caplog: pytest.LogCaptureFixture
) -> None:
    calls = 0

    async def set_up() -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ZeroDivisionError

    async with connection_to(venue.base_url, True, on_connected=set_up) as (connection, _):
        await connection.connect(5)
    assert calls == 2
    assert "ZeroDivisionError" in caplog.text


async def test_delays_grow_until_a_connection_has_lived(
    venue: ScriptedVenue, prefer_picows: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    backoff = QuickBackoff()
    async with connection_to(venue.base_url, prefer_picows, backoff=backoff) as (connection, _):
        await connection.connect(5)
        venue.is_dropping = True
        await venue.drop()
        await until(lambda: len(backoff.attempts) >= 4)
        assert backoff.attempts[:4] == [0, 1, 2, 3]
        monkeypatch.setattr(websocket, "LIVED_SECS_MIN", 0.0)
        venue.is_dropping = False
        connects = connection.connects
        await until(lambda: connection.connects > connects and connection.is_ready)
        backoff.attempts.clear()
        await venue.drop()
        await until(lambda: backoff.attempts)
        assert backoff.attempts == [0]


async def test_the_floor_keeps_reconnecting_from_running_hot(
    venue: ScriptedVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "RECONNECT_DELAY_FLOOR_SECS", 0.05)
    venue.accepted = set()
    venue.refusal_status = 503
    loop = asyncio.get_running_loop()
    async with connection_to(venue.base_url, True) as (connection, _):
        begun = loop.time()
        connecting = asyncio.create_task(connection.connect(10))
        await until(lambda: len(venue.attempts) >= 4)
        # Three pauses, each as long as its timer, which may fire a little early.
        assert loop.time() - begun >= 3 * 0.045
        connecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting


# -- liveness ------------------------------------------------------------------------------------


async def test_the_venues_pings_are_answered(venue: ScriptedVenue, prefer_picows: bool) -> None:
    async with connection_to(venue.base_url, prefer_picows) as (connection, _):
        await connection.connect(5)
        await venue.socket.ping(b"55")
        await until(lambda: venue.pongs == 1)


async def test_a_silent_binary_connection_is_replaced(
    venue: ScriptedVenue, prefer_picows: bool
) -> None:
    reasons: list[str] = []
    async with connection_to(
        venue.base_url, prefer_picows, plain_first=False, silence_secs_max=0.6, log=reasons.append
    ) as (connection, messages):
        await connection.connect(5)
        await until(lambda: connection.connects >= 2)
        assert "nothing received" in reasons[0]
        before = connection.connects
        for seq_no in range(20):
            await venue.socket.send_bytes(bbo_frame(seq_no))
            await asyncio.sleep(0.04)
        assert connection.connects == before
        assert len(messages) == 20


async def test_silence_says_nothing_about_a_plain_connection(venue: ScriptedVenue) -> None:
    async with connection_to(venue.base_url, True, silence_secs_max=0.02) as (connection, _):
        await connection.connect(5)
        await venue.socket.ping()
        await asyncio.sleep(0.2)
        assert connection.connects == 1


async def test_a_peer_that_does_not_answer_our_pings_is_given_up(
    prefer_picows: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (transports, picows_transport):
        monkeypatch.setattr(module, "PING_INTERVAL_SECS", 0.05)
        monkeypatch.setattr(module, "PING_TIMEOUT_SECS", 0.05)
        monkeypatch.setattr(module, "CLOSE_TIMEOUT_SECS", 0.05)
    hanging: list[asyncio.StreamWriter] = []

    async def upgrade_then_hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from base64 import b64encode
        from hashlib import sha1

        head = await reader.readuntil(b"\r\n\r\n")
        line = next(x for x in head.split(b"\r\n") if x.lower().startswith(b"sec-websocket-key"))
        key = line.split(b":")[1].strip() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + b64encode(sha1(key).digest()) + b"\r\n\r\n"
        )
        hanging.append(writer)

    server = await asyncio.start_server(upgrade_then_hang, "127.0.0.1", 0)
    base_url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        async with connection_to(base_url, prefer_picows) as (connection, _):
            await connection.connect(5)
            await until(lambda: connection.connects >= 2)
    finally:
        for writer in hanging:
            writer.close()
        server.close()


# -- what arrives --------------------------------------------------------------------------------


async def test_frames_of_one_read_are_handed_over_together(
    venue: ScriptedVenue, prefer_picows: bool
) -> None:
    """No task and no turn of the loop per message: that is where throughput would go."""
    turns: list[int] = []
    turn = 0

    async def count_turns() -> None:
        nonlocal turn
        while True:
            turn += 1
            await asyncio.sleep(0)

    async with connection_to(
        venue.base_url,
        prefer_picows,
        plain_first=False,
        on_message=lambda message, ts_init: turns.append(turn),
    ) as (connection, _):
        await connection.connect(5)
        counting = asyncio.create_task(count_turns())
        # Written as one piece, so that one read brings all.
        frame = bbo_frame()
        head = bytes([0x82, len(frame)])
        transport = venue.socket._req.transport
        transport.write((head + frame) * 200)
        await until(lambda: len(turns) == 200)
        counting.cancel()
    assert len(set(turns)) <= 20


async def test_our_own_mistake_with_one_message_does_not_cost_the_next(
    venue: ScriptedVenue, prefer_picows: bool, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[object] = []

    def on_message(message: tuple[object, ...], ts_init: int) -> None:
        seen.append(message)
        if len(seen) == 1:
            raise ZeroDivisionError

    async with connection_to(venue.base_url, prefer_picows, on_message=on_message) as (
        connection,
        _,
    ):
        await connection.connect(5)
        await venue.socket.send_bytes(bbo_frame(1))
        await venue.socket.send_bytes(bbo_frame(2))
        await until(lambda: len(seen) == 2)
        assert connection.counters["handler errors"] == 1
        assert connection.connects == 1
    assert "ZeroDivisionError" in caplog.text


async def test_what_cannot_be_read_is_skipped_counted_and_logged_once(
    venue: ScriptedVenue, prefer_picows: bool
) -> None:
    lines: list[str] = []
    async with connection_to(venue.base_url, prefer_picows, log=lines.append) as (
        connection,
        messages,
    ):
        await connection.connect(5)
        for _ in range(3):
            await venue.socket.send_bytes(b"\x00\x00\x63\x00\x01\x00\x03\x00")
        await venue.socket.send_str("{not json")
        await venue.socket.send_bytes(bbo_frame())
        await until(lambda: messages)
        assert len(messages) == 1
        assert 3 in connection.counters.values()
        assert connection.connects == 1
    assert len(lines) == 2
    assert all("unread" in line for line in lines)


async def test_a_message_in_fragments_is_put_together(prefer_picows: bool) -> None:
    frame = bbo_frame(7)

    async def send_in_parts(server: ServerConnection) -> None:
        await server.send([frame[:10], frame[10:20], frame[20:]])
        await server.send(["{", '"method":"other"', "}"])
        await server.send(frame)
        await server.wait_closed()

    async with serve(send_in_parts, "127.0.0.1", 0, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with connection_to(f"ws://127.0.0.1:{port}/v1", prefer_picows) as (
            connection,
            messages,
        ):
            await connection.connect(5)
            await until(lambda: len(messages) == 2, str(connection.counters))
            assert messages[0] == messages[1]
            assert connection.frames_received == 3


@pytest.mark.parametrize("is_fragmented", [True, False])
async def test_a_message_too_big_ends_the_connection(
    prefer_picows: bool, is_fragmented: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (transports, picows_transport):
        monkeypatch.setattr(module, "MESSAGE_BYTES_MAX", 1000)

    async def send_too_much(server: ServerConnection) -> None:
        await server.recv()
        part = b"\x00" * 400
        await server.send([part, part, part] if is_fragmented else part * 3)
        await server.wait_closed()

    async with serve(send_too_much, "127.0.0.1", 0, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with connection_to(f"ws://127.0.0.1:{port}/v1", prefer_picows) as (
            connection,
            messages,
        ):
            await connection.connect(5)
            with pytest.raises(OutcomeUnknown):
                await connection.request("m", {}, 5)
            await connection.wait_ready(5)
            assert connection.connects == 2
            assert messages == []


async def test_compression_is_read_where_the_library_offers_it() -> None:
    frame = bbo_frame(7)

    async def send(server: ServerConnection) -> None:
        await server.send(frame)
        await server.wait_closed()

    async with serve(send, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        for prefer_picows in (True, False):
            async with connection_to(f"ws://127.0.0.1:{port}/v1", prefer_picows) as (
                connection,
                messages,
            ):
                await connection.connect(5)
                await until(lambda m=messages: m)
                assert messages[0][0][2] == 7


# -- addresses, proxies, TLS ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "ws.api.prod.paradex.trade/v1",
        "https://api.prod.paradex.trade/v1",
        "ws://",
        "ws://host:99999/v1",
        "ws://host/v1?sbeSchemaId=1",
        "ws://user:secret@host/v1",
        "ws://host/v1#x",
        "ws://[broken/v1",
    ],
)
def test_an_address_that_cannot_be_right_is_refused(base_url: str) -> None:
    with pytest.raises(ConfigurationError, match="base_url_ws") as caught:
        WebSocketConnection(base_url, name="x", plain_first=True, on_message=print)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("proxy_url", ["", "ftp://host:21", "host:8080", "http://", "http://[x"])
def test_a_proxy_that_cannot_be_right_is_refused(proxy_url: str) -> None:
    with pytest.raises(ConfigurationError, match="proxy_url"):
        WebSocketConnection(
            "ws://host/v1", name="x", plain_first=True, on_message=print, proxy_url=proxy_url
        )


async def test_the_connection_goes_through_the_proxy_it_was_given(
    venue: ScriptedVenue, prefer_picows: bool
) -> None:
    tunnels: list[bytes] = []

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        tunnels.append(head.split(b"\r\n")[0])
        host, port = head.split(b" ")[1].split(b":")
        there_reader, there_writer = await asyncio.open_connection(host.decode(), int(port))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await asyncio.gather(_copy(reader, there_writer), _copy(there_reader, writer))

    server = await asyncio.start_server(tunnel, "127.0.0.1", 0)
    proxy_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with connection_to(venue.base_url, prefer_picows, proxy_url=proxy_url) as (
        connection,
        _,
    ):
        await connection.connect(5)
        assert await connection.request("m", {}) == b"{}"
    server.close()
    assert len(tunnels) == 1
    assert tunnels[0].startswith(b"CONNECT 127.0.0.1:")


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
    except ConnectionError:
        pass
    finally:
        writer.close()


async def test_a_proxy_of_the_environment_is_not_taken(
    venue: ScriptedVenue, prefer_picows: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with connection_to(venue.base_url, prefer_picows) as (connection, _):
        await connection.connect(5)
        assert connection.is_ready


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
async def test_a_certificate_nobody_vouches_for_is_refused(
    prefer_picows: bool, self_signed: tuple[Path, Path]
) -> None:
    certificate, key = self_signed
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    handled = 0

    async def handle(server: ServerConnection) -> None:
        nonlocal handled
        handled += 1

    logging.getLogger("websockets.server").setLevel(logging.CRITICAL)
    async with serve(handle, "127.0.0.1", 0, ssl=context) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with connection_to(f"wss://localhost:{port}/v1", prefer_picows) as (connection, _):
            with pytest.raises(VenueUnavailable, match=r"(?i)certificate"):
                await connection.connect(1)
    assert handled == 0


async def test_nobody_there_is_said_to(prefer_picows: bool) -> None:
    server = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    async with connection_to(f"ws://127.0.0.1:{port}/v1", prefer_picows) as (connection, _):
        with pytest.raises(VenueUnavailable, match=r"(?i)connect"):
            await connection.connect(0.2)
        with pytest.raises(VenueUnavailable, match="not ready"):
            await connection.wait_ready(0.01)


# -- closing -------------------------------------------------------------------------------------


async def test_closing_while_a_delay_runs_ends_it(
    venue: ScriptedVenue, prefer_picows: bool
) -> None:
    slow = Backoff(60_000, 60_000, Random(1))
    async with connection_to(venue.base_url, prefer_picows, backoff=slow) as (connection, _):
        await connection.connect(5)
        await venue.drop()
        await until(lambda: not connection.is_ready)
        async with asyncio.timeout(5):
            await connection.close()
            await connection.close()


async def test_the_venue_closing_is_noticed_and_told(
    venue: ScriptedVenue, prefer_picows: bool
) -> None:
    reasons: list[str] = []
    async with connection_to(venue.base_url, prefer_picows, on_disconnected=reasons.append) as (
        connection,
        _,
    ):
        await connection.connect(5)
        await venue.socket.close(code=1012, message=b"restart")
        await until(lambda: connection.connects == 2)
    assert reasons[0] == "closed by the venue with 1012 restart"
