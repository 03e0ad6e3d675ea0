"""Servers for the benchmarks, in a process of their own: they answer at once and do not think.

``python canned_server.py`` prints its port. On it:

- an HTTP request gets a fixed reply, by its method;
- a websocket's ``order.create`` gets a fixed result, ``subscribe`` its acknowledgment in the words
  of Paradex or of Bybit, by the path it connected to;
- ``flood KIND COUNT PER_SECOND`` on standard input sends so many trades to the sockets of that
  kind, as fast as they are read when the rate is 0, and then prints when each was written (ns of
  the monotonic clock, which all processes of a machine share).

One JSON line of frames comes first, on standard input.
"""

import asyncio
import json
import struct
import sys
from base64 import b64decode, b64encode
from hashlib import sha1
from time import perf_counter_ns

import uvloop

WEBSOCKET_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
BATCH_BYTES = 64 * 1024
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10

RECEIPT = {
    "id": "1718947571540201703992340000",
    "account": "0x129c135ed63df9353885e292be4426b8ed6122b13c6c0e1bb787288a1f5adfa",
    "market": "BTC-USD-PERP",
    "side": "BUY",
    "type": "LIMIT",
    "size": "0.125",
    "remaining_size": "0.125",
    "price": "80715.8",
    "status": "NEW",
    "created_at": 1795000000000,
    "last_updated_at": 1795000000000,
    "timestamp": 1795000000000,
    "received_at": 1795000000000,
    "published_at": 1795000000000,
    "cancel_reason": "",
    "client_id": "O-20261122-120000-001-000-1",
    "seq_no": 1681471234972000000,
    "instruction": "GTC",
    "avg_fill_price": "",
    "stp": "EXPIRE_TAKER",
    "trigger_price": "0",
    "flags": [],
}
BBO = {
    "market": "BTC-USD-PERP",
    "seq_no": 7690000001,
    "bid": "80715.8",
    "bid_size": "0.125",
    "ask": "80715.9",
    "ask_size": "2.5",
    "last_updated_at": 1795000000000,
}


def frame(kind, payload):
    size = len(payload)
    if size < 126:
        return bytes([0x80 | kind, size]) + payload
    if size < 65536:
        return struct.pack("!BBH", 0x80 | kind, 126, size) + payload
    return struct.pack("!BBQ", 0x80 | kind, 127, size) + payload


def http_reply(status, body):
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


REPLIES = {
    b"GET": http_reply("200 OK", json.dumps(BBO).encode()),
    b"POST": http_reply("201 Created", json.dumps(RECEIPT).encode()),
}
RESULT = json.dumps(
    {"order": RECEIPT, "created_at": 1795000000000, "received_at": 1795000000000000000}
)
RESULT_FORM = '{"jsonrpc":"2.0","result":' + RESULT + ',"usIn":1,"usOut":2,"usDiff":1,"id":'


class Peer(asyncio.Protocol):
    """One connection, HTTP until it asks to become a websocket."""

    def __init__(self, sockets):
        self._sockets = sockets
        self._rest = b""
        self._is_websocket = False
        self.kind = ""
        self.writable = asyncio.Event()
        self.writable.set()

    def connection_made(self, transport):
        self.transport = transport

    def connection_lost(self, error):
        self._sockets.discard(self)
        self.writable.set()

    def pause_writing(self):
        self.writable.clear()

    def resume_writing(self):
        self.writable.set()

    def data_received(self, data):
        data = self._rest + data if self._rest else data
        while data:
            used = self._take_frame(data) if self._is_websocket else self._take_request(data)
            if not used:
                break
            data = data[used:]
        self._rest = data

    def _take_request(self, data):
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return 0
        lines = data[:end].split(b"\r\n")
        headers = {
            name.lower(): value.strip() for name, _, value in (x.partition(b":") for x in lines[1:])
        }
        used = end + 4 + int(headers.get(b"content-length", 0))
        if used > len(data):
            return 0
        method, path, _ = lines[0].split(b" ")
        if b"sec-websocket-key" in headers:
            accept = b64encode(sha1(headers[b"sec-websocket-key"] + WEBSOCKET_GUID).digest())
            self.transport.write(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
            )
            self._is_websocket = True
            self.kind = path.partition(b"?")[0].strip(b"/").decode()
            self._sockets.add(self)
        else:
            self.transport.write(REPLIES[method])
        return used

    def _take_frame(self, data):
        if len(data) < 6:
            return 0
        size, at = data[1] & 127, 2
        if size == 126:
            size, at = int.from_bytes(data[2:4], "big"), 4
        used = at + 4 + size
        if used > len(data):
            return 0
        # Its masked bytes as one integer: quicker than one after another.
        mask = data[at : at + 4] * (size // 4 + 1)
        payload = int.from_bytes(data[at + 4 : used], "big") ^ int.from_bytes(mask[:size], "big")
        self._answer(data[0] & 15, payload.to_bytes(size, "big"))
        return used

    def _answer(self, kind, payload):
        if kind == PING:
            self.transport.write(frame(PONG, payload))
        elif kind == CLOSE:
            self.transport.write(frame(CLOSE, payload))
            self.transport.close()
        elif kind == TEXT:
            reply = self._reply(payload)
            if reply:
                self.transport.write(frame(TEXT, reply.encode()))

    def _reply(self, payload):
        if b'"order.create"' in payload:
            # The id comes last.
            return f"{RESULT_FORM}{payload[payload.rindex(b':') + 1 : -1].decode()}}}"
        request = json.loads(payload)
        if "op" in request:
            told = {"success": True, "ret_msg": "", "conn_id": "1", "op": request["op"]}
            return json.dumps({**told, "req_id": request.get("req_id", "")})
        result = {"channel": request["params"]["channel"]}
        return json.dumps({"jsonrpc": "2.0", "result": result, "id": request["id"]})


async def flood(peer, frames, count, per_second):
    """Send `count` frames; return when each was written, if they were paced."""
    times = []
    if per_second:
        start = perf_counter_ns()
        for number in range(count):
            due = start + number * 1_000_000_000 // per_second
            await asyncio.sleep(max(0.0, (due - perf_counter_ns()) / 1e9))
            times.append(perf_counter_ns())
            peer.transport.write(frames[number % len(frames)])
        return times
    each = max(1, BATCH_BYTES // len(frames[0]))
    for first in range(0, count, each):
        await peer.writable.wait()
        numbers = range(first, min(count, first + each))
        peer.transport.write(b"".join(frames[number % len(frames)] for number in numbers))
    return times


async def main():
    loop = asyncio.get_running_loop()
    stdin = asyncio.StreamReader(limit=2**24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stdin), sys.stdin)
    told = json.loads(await stdin.readline())
    frames = {
        kind: [
            frame(BINARY, b64decode(text)) if kind == "paradex" else frame(TEXT, text.encode())
            for text in texts
        ]
        for kind, texts in told.items()
    }
    sockets = set()
    server = await loop.create_server(lambda: Peer(sockets), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    while line := await stdin.readline():
        _, kind, count, per_second = line.decode().split()
        peers = [peer for peer in sockets if peer.kind == kind]
        times = [await flood(peer, frames[kind], int(count), int(per_second)) for peer in peers]
        print(json.dumps(times[0] if times else None), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
