"""A bare client of the local exchange: what it sends is spelled out, what it gets is kept raw.

It uses no line of the adapter; what it signs is hashed by starknet-py, so that the exchange is not
judged by its own hashing either.
"""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import aiohttp
import fast_stark_crypto
from eth_hash.auto import keccak
from eth_keys.datatypes import PrivateKey
from starknet_py.hash.utils import compute_hash_on_elements
from starknet_py.utils.typed_data import TypedData

ETHEREUM_ADDRESS = "0xd2c7314539dCe7752c8120af4eC2AA750Cf2035e"
DEADLINE_SECS = 20.0

TYPES = {
    "StarkNetDomain": ("name", "chainId", "version"),
    "Order": ("timestamp", "market", "side", "orderType", "size", "price"),
    "ModifyOrder": ("timestamp", "market", "side", "orderType", "size", "price", "id"),
    "Request": ("method", "path", "body", "timestamp", "expiration"),
    "Constant": ("action",),
}


class Answer(NamedTuple):
    """One answered REST call."""

    method: str
    path: str
    status: int
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


# A published test key, and its address.
WALLET_ADDRESS = "0x511671d631CEA1E4C66f8b93bc467646C8e994B9"
ETHEREUM_KEY = "0xf8e4d1d772cdd44e5e77615ad11cc071c94e4c06dc21150d903f28e6aa6abdff"


def siwe_text(statement: str = "Paradex Auth", **fields: str) -> str:
    """Return the message that signs in with Ethereum, spelled out."""
    now_secs = int(time.time())
    values = {
        "domain": "app.testnet.paradex.trade",
        "address": WALLET_ADDRESS,
        "chain": "11155111",
        "issued": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now_secs)),
        "expires": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now_secs + 300)),
        **fields,
    }
    # Only the message that onboards names no end.
    end = "" if statement == "Paradex Onboarding" else "\nExpiration Time: {expires}"
    return (
        "{domain} wants you to sign in with your Ethereum account:\n{address}\n\n"
        f"{statement}\n\n"
        "URI: https://{domain}\nVersion: 1\nChain ID: {chain}\nNonce: "
        + "0123456789abcdef" * 2
        + "\nIssued At: {issued}"
        + end
    ).format(**values)


def wallet_public_key() -> str:
    """Return the public key of the wallet, uncompressed."""
    return "0x04" + PrivateKey(bytes.fromhex(ETHEREUM_KEY[2:])).public_key.to_bytes().hex()


def personal_sign(text: str, key: str = ETHEREUM_KEY) -> str:
    """Return the signature a wallet gives a text, by eth-keys."""
    raw = text.encode()
    digest = keccak(b"\x19Ethereum Signed Message:\n%d" % len(raw) + raw)
    signature = PrivateKey(bytes.fromhex(key[2:])).sign_msg_hash(digest)
    return f"0x{signature.r:064x}{signature.s:064x}{27 + signature.v:02x}"


def siwe_headers(account: str, text: str, signature: str | None = None) -> dict[str, str]:
    return {
        "PARADEX-STARKNET-ACCOUNT": account,
        "PARADEX-EVM-SIGNATURE": personal_sign(text) if signature is None else signature,
        "PARADEX-SIWE-MESSAGE": base64.b64encode(text.encode()).decode(),
    }


def scaled(text: str) -> str:
    whole, _, decimals = text.partition(".")
    return str(int(whole + decimals.ljust(8, "0")))


@dataclass
class Caller:
    """One account's client."""

    http: aiohttp.ClientSession
    base_url_http: str
    chain_id: str
    address: str
    private_key: int
    public_key: int
    answers: list[Answer] = field(default_factory=list)
    token: str = ""

    def sign(self, primary: str, message: dict[str, Any]) -> str:
        """Return the signature of one of the venue's messages, as text."""
        types = {
            name: [{"name": member, "type": "felt"} for member in TYPES[name]]
            for name in ("StarkNetDomain", primary)
        }
        domain = {"name": "Paradex", "chainId": self.chain_id, "version": "1"}
        typed = {"types": types, "primaryType": primary, "domain": domain, "message": message}
        message_hash = TypedData.from_dict(typed).message_hash(int(self.address, 16))
        r, s = fast_stark_crypto.sign(self.private_key, message_hash)
        return json.dumps([str(r), str(s)])

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        headers: dict[str, str] | None = None,
        raw: bytes | None = None,
        **query: object,
    ) -> Answer:
        """Make one call and keep its answer; the token goes along once there is one."""
        sent = dict(headers or {})
        if self.token:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        data = raw if raw is not None else (json.dumps(body).encode() if body is not None else None)
        if data is not None:
            sent["Content-Type"] = "application/json"
        async with self.http.request(
            method,
            # The second version is beside the first, not under it.
            (
                self.base_url_http.removesuffix("/v1")
                if path.startswith("/v2/")
                else self.base_url_http
            )
            + path,
            data=data,
            headers=sent,
            params={k: str(v) for k, v in query.items()},
        ) as response:
            answer = Answer(method, path, response.status, await response.read())
        self.answers.append(answer)
        return answer

    async def onboard(self) -> Answer:
        headers = {
            "PARADEX-ETHEREUM-ACCOUNT": ETHEREUM_ADDRESS,
            "PARADEX-STARKNET-ACCOUNT": self.address,
            "PARADEX-STARKNET-SIGNATURE": self.sign("Constant", {"action": "Onboarding"}),
        }
        body = {"public_key": hex(self.public_key)}
        return await self.call("POST", "/onboarding", body=body, headers=headers)

    def subkey(self, public_key: int, **fields: Any) -> dict[str, Any]:
        """Return the request that registers a subkey."""
        now_secs = int(time.time())
        signed = [int(self.address, 16), public_key, now_secs, now_secs + 600]
        r, s = fast_stark_crypto.sign(self.private_key, compute_hash_on_elements(signed))
        return {
            "name": "bot",
            "public_key": hex(public_key),
            "signature": [hex(r), hex(s)],
            "signature_timestamp": now_secs,
            "signature_expiry": now_secs + 600,
            **fields,
        }

    def auth_headers(self) -> dict[str, str]:
        now_secs = int(time.time())
        message = {
            "method": "POST",
            "path": "/v1/auth",
            "body": "",
            "timestamp": now_secs,
            "expiration": now_secs + 600,
        }
        return {
            "PARADEX-STARKNET-ACCOUNT": self.address,
            "PARADEX-STARKNET-SIGNATURE": self.sign("Request", message),
            "PARADEX-TIMESTAMP": str(now_secs),
            "PARADEX-SIGNATURE-EXPIRATION": str(now_secs + 600),
        }

    async def authenticate(self) -> None:
        path = f"/auth/{hex(self.public_key)}"
        answer = await self.call("POST", path, headers=self.auth_headers())
        assert answer.status == 200, answer.body
        self.token = answer.json["jwt_token"]

    def order(self, **fields: Any) -> dict[str, Any]:
        """Return a signed order request: BUY LIMIT GTC 0.01 BTC-USD-PERP unless told otherwise."""
        body: dict[str, Any] = {
            "market": "BTC-USD-PERP",
            "side": "BUY",
            "type": "LIMIT",
            "size": "0.01",
            "price": "89000",
            "instruction": "GTC",
            "signature_timestamp": int(time.time() * 1000),
            **fields,
        }
        body.setdefault("signature", self.sign("Order", self._message(body)))
        return body

    def algo(self, **fields: Any) -> dict[str, Any]:
        """Return a signed request for an algo order: 0.02 within a minute, in two children."""
        order = self.order(type="MARKET", size="0.02", price="0")
        for name in ("price", "instruction"):
            del order[name]
        return {**order, "algo_type": "TWAP", "duration_seconds": 60, **fields}

    def change(self, order: dict[str, Any], **fields: Any) -> dict[str, Any]:
        """Return a signed request to change an order the venue told of."""
        names = ("id", "market", "side", "type", "size", "price")
        body = {name: order[name] for name in names}
        body |= {"signature_timestamp": int(time.time() * 1000), **fields}
        message = self._message(body) | {"id": body["id"]}
        body.setdefault("signature", self.sign("ModifyOrder", message))
        return body

    @staticmethod
    def _message(body: dict[str, Any]) -> dict[str, str]:
        return {
            "timestamp": str(body["signature_timestamp"]),
            "market": body["market"],
            "side": "1" if body["side"] == "BUY" else "2",
            "orderType": body["type"],
            "size": scaled(body["size"]),
            "price": scaled(body["price"]),
        }

    async def place(self, **fields: Any) -> dict[str, Any]:
        answer = await self.call("POST", "/orders", body=self.order(**fields))
        assert answer.status == 201, answer.body
        placed: dict[str, Any] = answer.json
        return placed

    async def until_closed(self, order_id: str) -> dict[str, Any]:
        """Wait until an order is closed; the calls made for it are kept as well."""
        return await self._until_in_history(order_id, lambda order: order["status"] == "CLOSED")

    async def until_settled(self, order_id: str) -> dict[str, Any]:
        """Wait until an order is no longer new."""
        return await self._until_in_history(order_id, lambda order: order["status"] != "NEW")

    async def until_changed(self, order_id: str, price: str) -> dict[str, Any]:
        """Wait until a change of price took effect."""
        return await self._until_in_history(order_id, lambda order: order["price"] == price)

    async def until_refused(self, order_id: str) -> dict[str, Any]:
        """Wait until a change was refused."""
        return await self._until_in_history(
            order_id, lambda order: order["request_info"]["status"] == "REJECTED"
        )

    async def until_algo(self, path: str, is_reached: Callable[[dict[str, Any]], bool]) -> None:
        """Wait until what is said of an algo order is what is wanted."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + DEADLINE_SECS
        while not is_reached((await self.call("GET", path)).json):
            assert loop.time() < deadline, path

    async def _until_in_history(
        self, order_id: str, is_reached: Callable[[dict[str, Any]], bool]
    ) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + DEADLINE_SECS
        while loop.time() < deadline:
            history = (await self.call("GET", "/orders-history", page_size=100)).json["results"]
            found: list[dict[str, Any]] = [o for o in history if o["id"] == order_id]
            if found and is_reached(found[0]):
                return found[0]
        raise TimeoutError(f"order {order_id}")


class Socket:
    """One websocket connection: replies by id, pushes in the order in which they came."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._last_id = 0
        self.pushes: list[dict[str, Any]] = []
        self.frames: list[bytes] = []
        self.results: list[tuple[str, Any]] = []
        self.errors: list[tuple[str, dict[str, Any]]] = []

    async def _receive(self) -> dict[str, Any] | None:
        message = await asyncio.wait_for(self._socket.receive(), DEADLINE_SECS)
        if message.type is aiohttp.WSMsgType.BINARY:
            self.frames.append(message.data)
            return None
        assert message.type is aiohttp.WSMsgType.TEXT, message
        body: dict[str, Any] = json.loads(message.data)
        if body.get("method") == "subscription":
            self.pushes.append(body["params"])
            return None
        return body

    async def request(self, method: str, params: object) -> dict[str, Any]:
        """Send a request and return its whole reply."""
        self._last_id += 1
        message = {"jsonrpc": "2.0", "method": method, "params": params, "id": self._last_id}
        await self._socket.send_str(json.dumps(message))
        while True:
            body = await self._receive()
            if body is None:
                continue
            assert body["id"] == self._last_id
            if "error" in body:
                self.errors.append((method, body["error"]))
            else:
                self.results.append((method, body["result"]))
            return body

    async def result(self, method: str, params: object) -> Any:
        body = await self.request(method, params)
        assert "result" in body, body
        return body["result"]

    async def until(self, is_reached: Callable[[], bool], what: str) -> None:
        """Receive until a condition holds."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + DEADLINE_SECS
        while not is_reached():
            if loop.time() > deadline:
                raise TimeoutError(what)
            body = await self._receive()
            assert body is None, body


@asynccontextmanager
async def connect(http: aiohttp.ClientSession, url: str, query: str = "") -> AsyncIterator[Socket]:
    """Open a websocket, with a query such as `sbeSchemaId=1&sbeSchemaVersion=2`."""
    async with http.ws_connect(f"{url}?{query}" if query else url) as socket:
        yield Socket(socket)
