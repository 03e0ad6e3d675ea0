"""A small client of the local exchange for its own tests: signs, calls, listens with a deadline."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from itertools import count
from typing import Any, Self

import aiohttp
import orjson

from paradex_adapter.local_exchange import LocalExchange, TradingKey, sbe, stark

MARKET = "BTC-USD-PERP"
DEADLINE_SECS = 10.0
SBE_QUERY = "?sbeSchemaId=1&sbeSchemaVersion=2"

Json = dict[str, Any]


def signature_text(message_hash: int, private_key: int) -> str:
    r, s = stark.sign(message_hash, private_key)
    return f'["{r}","{s}"]'


class Client:
    """One key of one account."""

    def __init__(
        self, exchange: LocalExchange, http: aiohttp.ClientSession, key: TradingKey | None = None
    ) -> None:
        self.exchange = exchange
        self.http = http
        self.address = key.account_address if key else exchange.account_address
        self.private_key = key.private_key if key else int(exchange.private_key, 16)
        self.token = ""
        self._ids = count(1)

    def auth_headers(self, **changed: Any) -> dict[str, str]:
        now_secs = int(time.time())
        fields = {"timestamp": now_secs, "expiration": now_secs + 86_400, **changed}
        message_hash = stark.auth_hash(
            fields.get("chain_id", self.exchange.chain_id),
            int(self.address, 16),
            fields["timestamp"],
            fields["expiration"],
        )
        return {
            "PARADEX-STARKNET-ACCOUNT": self.address,
            "PARADEX-STARKNET-SIGNATURE": signature_text(message_hash, self.private_key),
            "PARADEX-TIMESTAMP": str(fields["timestamp"]),
            "PARADEX-SIGNATURE-EXPIRATION": str(fields["expiration"]),
        }

    async def log_in(self, query: str = "") -> Self:
        key = hex(stark.public_key(self.private_key))
        path = f"/auth/{key}{query}"
        status, body = await self.call("POST", path, headers=self.auth_headers())
        assert status == 200, body
        self.token = body["jwt_token"]
        return self

    async def call(
        self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        sent = dict(headers or {})
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        data = None if body is None else orjson.dumps(body)
        url = self.exchange.base_url_http + path
        async with self.http.request(method, url, data=data, headers=sent) as response:
            raw = await response.read()
            return response.status, orjson.loads(raw) if raw else None

    async def get(self, path: str) -> Any:
        status, body = await self.call("GET", path)
        assert status == 200, body
        return body

    def order(self, side: str, size: str, price: str = "0", **more: Any) -> Json:
        """Return a signed order request; a market order where there is no price."""
        kind = "MARKET" if price == "0" else "LIMIT"
        body: Json = {
            "market": MARKET,
            "side": side,
            "type": kind,
            "size": size,
            "price": price,
            "instruction": "IOC" if kind == "MARKET" else "GTC",
            "client_id": f"test-{next(self._ids)}",
            "signature_timestamp": int(time.time() * 1000),
        }
        body |= more
        if "signature" not in body:
            body["signature"] = self.sign(body)
        return {name: value for name, value in body.items() if value is not None}

    def sign(self, body: Json) -> str:
        message_hash = stark.order_hash(
            self.exchange.chain_id,
            int(self.address, 16),
            body["signature_timestamp"],
            body["market"],
            body["side"],
            body["type"],
            Decimal(body["size"]),
            Decimal(body["price"]),
        )
        return signature_text(message_hash, self.private_key)

    def change(self, order: Json, **changed: Any) -> Json:
        """Return a signed request to change an order."""
        names = ("id", "market", "side", "type", "size", "price")
        body: Json = {name: order[name] for name in names}
        body |= {"signature_timestamp": int(time.time() * 1000), **changed}
        message_hash = stark.modify_hash(
            self.exchange.chain_id,
            int(self.address, 16),
            body["signature_timestamp"],
            body["market"],
            body["side"],
            body["type"],
            Decimal(body["size"]),
            Decimal(body["price"]),
            body["id"],
        )
        return {"signature": signature_text(message_hash, self.private_key), **body}

    def shown(self, order_id: str) -> Json:
        """Return an order as the exchange's records show it."""
        orders: dict[str, Json] = {o["id"]: o for o in self.exchange.orders(self.address)}
        return orders[order_id]

    async def place(self, side: str, size: str, price: str = "0", **more: Any) -> Json:
        status, body = await self.call("POST", "/orders", self.order(side, size, price, **more))
        assert status == 201, body
        assert isinstance(body, dict)
        return body

    async def closed(self, order_id: str) -> Json:
        """Return an order once it is closed."""
        return await self.until(order_id, "CLOSED")

    async def until(self, order_id: str, status: str) -> Json:
        """Return an order once it has a status."""

        def look() -> Json | None:
            orders = {order["id"]: order for order in self.exchange.orders(self.address)}
            order: Json = orders[order_id]
            return order if order["status"] == status else None

        found: Json = await eventually(look)
        return found


async def eventually(look: Callable[[], Any]) -> Any:
    """Return what ``look`` returns once it returns something; fail after the deadline."""
    deadline = time.monotonic() + DEADLINE_SECS
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        await asyncio.sleep(0.005)
    raise AssertionError("it never happened")


class Listener:
    """A websocket connection with its frames sorted: replies, pushes by channel, binary frames."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.pushes: list[Json] = []
        self.frames: list[bytes] = []
        self.texts: list[str] = []
        self._ids = count(1)

    async def next(self) -> aiohttp.WSMessage:
        message = await self.socket.receive(timeout=DEADLINE_SECS)
        if message.type is aiohttp.WSMsgType.BINARY:
            self.frames.append(message.data)
        elif message.type is aiohttp.WSMsgType.TEXT:
            self.texts.append(message.data)
            body = orjson.loads(message.data)
            if body.get("method") == "subscription":
                self.pushes.append(body["params"])
        return message

    async def request(self, method: str, params: object = None) -> Json:
        """Send a request and return its reply; what arrives meanwhile is kept."""
        number = next(self._ids)
        body = {"jsonrpc": "2.0", "method": method, "params": params or {}, "id": number}
        await self.socket.send_str(orjson.dumps(body).decode())
        while True:
            message = await self.next()
            assert message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY), message
            if message.type is aiohttp.WSMsgType.TEXT:
                reply: Json = orjson.loads(message.data)
                if reply.get("id") == number:
                    return reply

    async def subscribe(self, *channels: str) -> None:
        for channel in channels:
            reply = await self.request("subscribe", {"channel": channel})
            assert reply.get("result") == {"channel": channel}, reply

    async def push(self, channel: str, is_wanted: Callable[[Json], bool] = lambda _: True) -> Json:
        """Return the data of the first push of a channel that is wanted."""
        seen = 0
        while True:
            for params in self.pushes[seen:]:
                if params["channel"] == channel and is_wanted(params["data"]):
                    data: Json = params["data"]
                    return data
            seen = len(self.pushes)
            await self.next_frame()

    async def next_frame(self) -> None:
        message = await self.next()
        assert message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY), message

    async def order_closed(self, order_id: str, channel: str = "orders.ALL") -> Json:
        """Return the push that tells that an order is closed."""
        return await self.push(
            channel, lambda data: data["id"] == order_id and data["status"] == "CLOSED"
        )

    def of(self, channel: str) -> list[Json]:
        return [params["data"] for params in self.pushes if params["channel"] == channel]

    async def frames_of(self, event: str, least: int) -> list[bytes]:
        """Return the frames of an event once there are as many."""
        template = sbe.TEMPLATES[event].template_id
        while True:
            found = [f for f in self.frames if int.from_bytes(f[2:4], "little") == template]
            if len(found) >= least:
                return found
            await self.next_frame()

    async def ended(self) -> aiohttp.WSMsgType:
        """Return how the connection ends, once it does."""
        while True:
            message = await self.next()
            if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                return message.type


@asynccontextmanager
async def opened(client: Client, query: str = "", **options: Any) -> AsyncIterator[Listener]:
    """Open a websocket connection, authenticated when the client is."""
    async with client.http.ws_connect(client.exchange.base_url_ws + query, **options) as socket:
        listener = Listener(socket)
        if client.token:
            reply = await listener.request("auth", {"bearer": client.token})
            assert "node_id" in reply["result"], reply
        yield listener


@asynccontextmanager
async def trading(**options: Any) -> AsyncIterator[Client]:
    """Run an exchange without simulation and log in with its account."""
    options = {"simulation_interval_ms": 0, **options}
    async with LocalExchange(**options) as exchange, aiohttp.ClientSession() as http:
        yield await Client(exchange, http).log_in()
