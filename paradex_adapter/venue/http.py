"""The venue's REST interface: one method per endpoint, success bodies as bytes.

Reads are retried, with jittered delays, when there is no answer or one that says "later". A command
is sent once; it is sent a second time only when the venue refused its token, which proves that it
was not carried out. Everything waits for its rate limit first.

Specification: the venue's OpenAPI document.
"""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from random import Random
from typing import Final, Protocol, final

import orjson

from paradex_adapter.venue.errors import (
    AuthenticationError,
    ConfigurationError,
    InvalidRequest,
    MalformedReply,
    NotSent,
    OutcomeUnknown,
    ParadexError,
    RateLimited,
    RequestRejected,
    VenueUnavailable,
)
from paradex_adapter.venue.http_transport import (
    HttpTransport,
    QueryValue,
    Reply,
    Request,
    quote_segment,
)
from paradex_adapter.venue.rate_limits import ACQUIRE_WAIT_SECS_MAX, RateLimits, Scope
from paradex_adapter.venue.replies import parse_error
from paradex_adapter.venue.retry import Backoff, Verdict, classify

TIMEOUT_SECS_DEFAULT: Final = 10.0
RETRIES_DEFAULT: Final = 3
RETRIES_MAX: Final = 20
RETRY_DELAY_INITIAL_MS_DEFAULT: Final = 200
RETRY_DELAY_MAX_MS_DEFAULT: Final = 5_000
# An order that waits longer for its turn is stale: its sender is told instead.
COMMAND_WAIT_SECS_MAX: Final = 1.0
COMMAND_BYTES_MAX: Final = 65_536


class TokenSource(Protocol):
    """Where the bearer token of private requests comes from."""

    async def token(self) -> str:
        """Return a token that has not expired."""

    def invalidate(self, token: str) -> None:
        """Never return `token` again: the venue refused it."""


@final
class HttpClient:
    """The venue's REST interface for one account, or for none.

    Parameters
    ----------
    base_url : str
        With the version, such as ``https://api.prod.paradex.trade/v1``.
    timeout_secs : float
        How long connecting, and each wait for a piece of the reply, may take.
    proxy_url : str, optional
        An HTTP proxy.
    max_retries : int
        How often a read is tried again.
    retry_delay_initial_ms, retry_delay_max_ms : int
        Ceilings of the first and of every delay between tries, in milliseconds.
    rate_limits : RateLimits, optional
        Shared with whatever else sends for the same account.
    token_provider : TokenSource, optional
        Needed by private requests; may be set later, since signing needs the chain id that
        `get_system_config` gives.
    rng, sleep
        Where jitter comes from, and how to wait so many seconds.

    Raises
    ------
    ConfigurationError
        If an argument is not usable.

    Notes
    -----
    Every request raises `RequestRejected`, `AuthenticationError` or `RateLimited` as the venue
    answers. Reads raise `VenueUnavailable` or `MalformedReply`, commands `NotSent` or
    `OutcomeUnknown`, when there is no usable answer. Times are Unix milliseconds.
    """

    def __init__(
        self,
        base_url: str,
        *,
        timeout_secs: float = TIMEOUT_SECS_DEFAULT,
        proxy_url: str | None = None,
        max_retries: int = RETRIES_DEFAULT,
        retry_delay_initial_ms: int = RETRY_DELAY_INITIAL_MS_DEFAULT,
        retry_delay_max_ms: int = RETRY_DELAY_MAX_MS_DEFAULT,
        rate_limits: RateLimits | None = None,
        token_provider: TokenSource | None = None,
        rng: Random | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        if not 0 <= max_retries <= RETRIES_MAX:
            raise ConfigurationError("max_retries", f"it must be from 0 to {RETRIES_MAX}")
        self._backoff: Final = Backoff(
            retry_delay_initial_ms, retry_delay_max_ms, Random() if rng is None else rng
        )
        self._transport: Final = HttpTransport(base_url, timeout_secs, proxy_url)
        self._max_retries: Final = max_retries
        self._limits: Final = RateLimits() if rate_limits is None else rate_limits
        self._sleep: Final = sleep
        self.token_provider = token_provider

    @property
    def limits(self) -> RateLimits:
        """What paces the account's requests; those of its websocket draw on it as well."""
        return self._limits

    async def close(self) -> None:
        """Close every connection; later requests fail."""
        await self._transport.close()

    async def get_system_config(self) -> bytes:
        """Return the chain id, contract hashes and bridged tokens of the environment."""
        return await self._read("/system/config")

    async def get_system_time(self) -> bytes:
        """Return the server's clock."""
        return await self._read("/system/time")

    async def get_system_state(self) -> bytes:
        """Return whether the venue is open, in maintenance, cancel-only or post-only."""
        return await self._read("/system/state")

    async def get_markets(self, market: str | None = None) -> bytes:
        """Return the definition of one market, or of all."""
        return await self._read("/markets", {"market": market})

    async def get_markets_summary(self, market: str = "ALL") -> bytes:
        """Return the statistics of one market, or of all."""
        return await self._read("/markets/summary", {"market": market})

    async def get_markets_history(self, market: str = "ALL") -> bytes:
        """Return what became of one market, or of all, in the last seven days."""
        return await self._read("/markets/history", {"market": market})

    async def get_settlement_price(self, market: str) -> bytes:
        """Return the price a market was settled at; HTTP 404 until it was."""
        return await self._read("/markets/settlement-price", {"market": market})

    async def get_bbo(self, market: str) -> bytes:
        """Return the best bid and offer."""
        return await self._read(f"/bbo/{quote_segment(market)}")

    async def get_orderbook(self, market: str, depth: int | None = None) -> bytes:
        """Return the order book, `depth` levels a side (the venue's default is 20)."""
        return await self._read(f"/orderbook/{quote_segment(market)}", {"depth": depth})

    async def get_trades(
        self,
        market: str,
        start_ms: int | None = None,
        end_ms: int | None = None,
        cursor: str | None = None,
        page_size: int | None = None,
    ) -> bytes:
        """Return a page of trades; the venue allows 1000 a page."""
        return await self._read(
            "/trades", _page(cursor, page_size, start_ms, end_ms, market=market)
        )

    async def get_klines(
        self,
        market: str,
        resolution_mins: int,
        start_ms: int,
        end_ms: int,
        price_kind: str | None = None,
    ) -> bytes:
        """Return bars of 1, 3, 5, 15, 30 or 60 minutes from "last", "mark" or "underlying"."""
        params: dict[str, QueryValue] = {
            "symbol": market,
            "resolution": resolution_mins,
            "start_at": start_ms,
            "end_at": end_ms,
            "price_kind": price_kind,
        }
        return await self._read("/markets/klines", params)

    async def get_funding_data(
        self,
        market: str,
        start_ms: int | None = None,
        end_ms: int | None = None,
        cursor: str | None = None,
        page_size: int | None = None,
    ) -> bytes:
        """Return a page of funding rates and indices."""
        return await self._read(
            "/funding/data", _page(cursor, page_size, start_ms, end_ms, market=market)
        )

    async def authenticate(
        self,
        account_address: str,
        public_key_hex: str,
        signature: str,
        timestamp_secs: int,
        expiration_secs: int,
    ) -> bytes:
        """Return a token for the account; the key is named since it may be a subkey."""
        headers = {
            "PARADEX-STARKNET-ACCOUNT": account_address,
            "PARADEX-STARKNET-SIGNATURE": signature,
            "PARADEX-TIMESTAMP": str(timestamp_secs),
            "PARADEX-SIGNATURE-EXPIRATION": str(expiration_secs),
        }
        path = f"/auth/{quote_segment(public_key_hex)}"
        return await self._perform(
            Request("POST", path, Scope.AUTH, headers=headers, is_repeatable=True)
        )

    async def authenticate_ethereum(
        self, account_address: str, sign_in_headers: dict[str, str]
    ) -> bytes:
        """Return a token for an account whose main key is an Ethereum key."""
        headers = {"PARADEX-STARKNET-ACCOUNT": account_address, **sign_in_headers}
        return await self._perform(
            Request("POST", "/v2/auth", Scope.AUTH, headers=headers, is_repeatable=True)
        )

    async def get_onboarding(
        self, *, public_key_hex: str | None = None, ethereum_address: str | None = None
    ) -> bytes:
        """Return where the account of a Stark public key, or of an Ethereum address, lives."""
        params: dict[str, QueryValue] = {
            "account_signer_type": "starknet" if ethereum_address is None else "eip191",
            "public_key": public_key_hex,
            "eth_address": ethereum_address,
        }
        return await self._read("/onboarding", params)

    async def onboarding(
        self,
        ethereum_address: str,
        account_address: str,
        public_key_hex: str,
        signature: str,
    ) -> bytes:
        """Register an account whose key derives from an Ethereum key; again changes nothing."""
        headers = {
            "PARADEX-ETHEREUM-ACCOUNT": ethereum_address,
            "PARADEX-STARKNET-ACCOUNT": account_address,
            "PARADEX-STARKNET-SIGNATURE": signature,
        }
        body = orjson.dumps({"public_key": public_key_hex})
        return await self._perform(
            Request(
                "POST", "/onboarding", Scope.AUTH, headers=headers, body=body, is_repeatable=True
            )
        )

    async def get_account(self) -> bytes:
        """Return the account's value, margin requirements and status."""
        return await self._read_private("/account")

    async def get_account_info(self) -> bytes:
        """Return the account's kind, keys and fee rates."""
        return await self._read_private("/account/info")

    async def get_balance(self) -> bytes:
        """Return the balance of each token."""
        return await self._read_private("/balance")

    async def get_positions(self) -> bytes:
        """Return the positions; closed ones may be among them."""
        return await self._read_private("/positions")

    async def get_orders(self, market: str | None = None) -> bytes:
        """Return the open orders of one market, or of all."""
        return await self._read_private("/orders", {"market": market})

    async def get_order(self, venue_order_id: str) -> bytes:
        """Return an open order; a closed one is in `get_orders_history` alone."""
        return await self._read_private(f"/orders/{quote_segment(venue_order_id)}")

    async def get_order_by_client_id(self, client_order_id: str) -> bytes:
        """Return an open order by our id for it."""
        return await self._read_private(f"/orders/by_client_id/{quote_segment(client_order_id)}")

    async def get_orders_history(
        self,
        market: str | None = None,
        client_order_id: str | None = None,
        status: str | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
        cursor: str | None = None,
        page_size: int | None = None,
    ) -> bytes:
        """Return a page of orders, closed ones included; 5000 a page at most."""
        filters = {"market": market, "client_id": client_order_id, "status": status}
        return await self._read_private(
            "/orders-history", _page(cursor, page_size, start_ms, end_ms, **filters)
        )

    async def get_fills(
        self,
        market: str | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
        cursor: str | None = None,
        page_size: int | None = None,
    ) -> bytes:
        """Return a page of fills; 5000 a page at most."""
        return await self._read_private(
            "/fills", _page(cursor, page_size, start_ms, end_ms, market=market)
        )

    async def post_order(self, body: bytes) -> bytes:
        """Submit a signed order; the venue has queued it, no more, when this returns."""
        return await self._command("POST", "/orders", body=body)

    async def put_order(self, venue_order_id: str, body: bytes) -> bytes:
        """Ask for a change of an order; the venue has queued it, no more, when this returns."""
        return await self._command("PUT", f"/orders/{quote_segment(venue_order_id)}", body=body)

    async def delete_order(self, venue_order_id: str) -> bytes:
        """Ask for the cancellation of an order."""
        return await self._command("DELETE", f"/orders/{quote_segment(venue_order_id)}")

    async def delete_order_by_client_id(
        self, client_order_id: str, market: str | None = None
    ) -> bytes:
        """Ask for the cancellation of an order by our id; faster when the market is named."""
        return await self._command(
            "DELETE",
            f"/orders/by_client_id/{quote_segment(client_order_id)}",
            params={"market": market},
        )

    async def delete_all_orders(self, market: str | None = None) -> bytes:
        """Ask for the cancellation of every order of one market, or of all."""
        return await self._command("DELETE", "/orders", params={"market": market})

    async def _read(self, path: str, params: dict[str, QueryValue] | None = None) -> bytes:
        return await self._perform(
            Request("GET", path, Scope.PUBLIC, params=params, is_repeatable=True)
        )

    async def _read_private(self, path: str, params: dict[str, QueryValue] | None = None) -> bytes:
        return await self._perform(
            Request(
                "GET",
                path,
                Scope.PRIVATE_READ,
                params=params,
                is_private=True,
                is_repeatable=True,
            )
        )

    async def _command(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, QueryValue] | None = None,
        body: bytes | None = None,
    ) -> bytes:
        if body is not None and len(body) > COMMAND_BYTES_MAX:
            raise InvalidRequest("body", f"is longer than {COMMAND_BYTES_MAX} bytes")
        request = Request(method, path, Scope.ORDERS, params=params, body=body, is_private=True)
        return await self._perform(request)

    async def _perform(self, request: Request) -> bytes:
        token = await self._need_token(request) if request.is_private else None
        reply = await self._exchange(request, token)
        if token is not None and _is_token_refused(request, reply):
            assert self.token_provider is not None
            self.token_provider.invalidate(token)
            token = await self._need_token(request)
            reply = await self._exchange(request, token)
        if not reply.is_success:
            raise _refusal(request, reply, token)
        return reply.body

    async def _need_token(self, request: Request) -> str:
        if self.token_provider is None:
            raise ConfigurationError("private_key", "it is needed for private requests; set it")
        try:
            return await self.token_provider.token()
        except (VenueUnavailable, MalformedReply) as error:
            if request.is_repeatable:
                raise
            raise NotSent(request.operation, str(error)) from error

    async def _exchange(self, request: Request, token: str | None) -> Reply:
        retries = self._max_retries if request.is_repeatable else 0
        for attempt in range(retries):
            try:
                return await self._send(request, token)
            except (RateLimited, VenueUnavailable) as error:
                pause = error.retry_after_secs if isinstance(error, RateLimited) else 0.0
                if pause > ACQUIRE_WAIT_SECS_MAX:
                    raise
                await self._sleep(max(pause, self._backoff.delay_secs(attempt)))
        return await self._send(request, token)

    async def _send(self, request: Request, token: str | None) -> Reply:
        wait_max = ACQUIRE_WAIT_SECS_MAX if request.is_repeatable else COMMAND_WAIT_SECS_MAX
        await self._limits.acquire(request.scope, wait_max)
        reply = await self._transport.exchange(request, token)
        pause = self._limits.observe(request.scope, reply.status, reply.headers)
        if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
            raise RateLimited(request.operation, pause)
        if reply.is_success:
            return reply
        code, message = parse_error(reply.body)
        if classify(reply.status, code) is Verdict.UNAVAILABLE:
            reason = " ".join(part for part in (str(reply.status), code, message) if part)
            if request.is_repeatable:
                raise VenueUnavailable(request.operation, _redacted(reason, token))
            raise OutcomeUnknown(request.operation, _redacted(reason, token))
        return reply


def _is_token_refused(request: Request, reply: Reply) -> bool:
    if reply.is_success:
        return False
    code, _ = parse_error(reply.body)
    # A command is repeated on the venue's own word alone, not on that of a gateway before it.
    is_said_by_venue = bool(code) or request.is_repeatable
    return is_said_by_venue and classify(reply.status, code) is Verdict.REFRESH_TOKEN


def _refusal(request: Request, reply: Reply, token: str | None) -> ParadexError:
    code, message = parse_error(reply.body)
    verdict = classify(reply.status, code)
    # Without a token 401 is the venue's word for an unknown path.
    is_token_in_vain = verdict is Verdict.REFRESH_TOKEN and token is not None
    if verdict is Verdict.DENIED or is_token_in_vain:
        return AuthenticationError(request.operation, reply.status, code, _redacted(message, token))
    return RequestRejected(request.operation, reply.status, code, _redacted(message, token))


def _redacted(text: str, token: str | None) -> str:
    return text.replace(token, "<token>") if token else text


def _page(
    cursor: str | None,
    page_size: int | None,
    start_ms: int | None,
    end_ms: int | None,
    **filters: QueryValue,
) -> dict[str, QueryValue]:
    return {
        **filters,
        "start_at": start_ms,
        "end_at": end_ms,
        "cursor": cursor,
        "page_size": page_size,
    }
