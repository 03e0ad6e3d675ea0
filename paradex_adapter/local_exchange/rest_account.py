"""Private REST endpoints about the account, and the way in: authentication, onboarding."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from aiohttp import web

from paradex_adapter.local_exchange import stark
from paradex_adapter.local_exchange.accounts import Account
from paradex_adapter.local_exchange.errors import VenueError
from paradex_adapter.local_exchange.feed import position_response
from paradex_adapter.local_exchange.gateway import parse_signature
from paradex_adapter.local_exchange.markets import Market
from paradex_adapter.local_exchange.options import Options
from paradex_adapter.local_exchange.rest import (
    Handler,
    Pager,
    json_body,
    json_response,
    plain_query,
    word_parameter,
)
from paradex_adapter.local_exchange.rest_public import (
    ACCOUNT_HASH,
    ASSET_KINDS,
    EVM_ACCOUNT_HASH,
    PROXY_HASH,
)
from paradex_adapter.local_exchange.sequences import Clock
from paradex_adapter.local_exchange.tokens import Tokens

SIGNATURE_LIFETIME_DEFAULT_SECS: Final = 30 * 60
SIGNATURE_LIFETIME_MAX_SECS: Final = 7 * 24 * 3600
#: How far the client's clock may be off when it asks for a token, or registers a key.
TIMESTAMP_TOLERANCE_SECS: Final = 300
_ETHEREUM_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)
_HEX: Final = re.compile(r"0x[0-9a-fA-F]{1,64}", re.ASCII)

Register = Callable[[str, int, Decimal], Account]


def parse_felt(text: str, error: str, what: str) -> int:
    """Read a ``0x`` hexadecimal number.

    Raises
    ------
    VenueError
        With the given word.
    """
    if _HEX.fullmatch(text) is None or not 0 < int(text, 16) < stark.FIELD_PRIME:
        raise VenueError(error, f"{what}: invalid value", 400)
    return int(text, 16)


def parse_ethereum_address(text: str) -> str:
    """Read an Ethereum address; return it in lower case.

    Raises
    ------
    VenueError
        ``INVALID_ETHEREUM_ADDRESS``.
    """
    if _ETHEREUM_ADDRESS.fullmatch(text) is None:
        raise VenueError("INVALID_ETHEREUM_ADDRESS", "eth_address: invalid value")
    return text.lower()


class AccountEndpoints:
    """Authentication, onboarding, and what an account holds."""

    def __init__(
        self,
        accounts: dict[str, Account],
        markets: dict[str, Market],
        clock: Clock,
        tokens: Tokens,
        options: Options,
        pager: Pager,
        register: Register,
    ) -> None:
        self._accounts = accounts
        self._markets = markets
        self._clock = clock
        self._tokens = tokens
        self._options = options
        self._pager = pager
        self._register = register

    def routes(self) -> list[tuple[str, str, Handler]]:
        """Return method, path and handler of each endpoint."""
        return [
            ("POST", "/v1/auth", self.auth),
            ("POST", "/v1/auth/{public_key}", self.auth),
            ("GET", "/v1/onboarding", self.onboarding),
            ("POST", "/v1/onboarding", self.onboard),
            ("GET", "/v1/account", self.account),
            ("GET", "/v1/account/summary", self.summaries),
            ("GET", "/v1/account/info", self.info),
            ("GET", "/v1/balance", self.balance),
            ("GET", "/v1/positions", self.positions),
            ("GET", "/v1/fills", self.fills),
            ("GET", "/v1/funding/payments", self.payments),
        ]

    # --- Getting in ---------------------------------------------------------------------------

    async def auth(self, request: web.Request) -> web.Response:
        """Answer ``POST /auth`` and ``POST /auth/{public_key}``."""
        address = required_header(request, "PARADEX-STARKNET-ACCOUNT")
        felt = parse_felt(address, "INVALID_STARKNET_ADDRESS", "PARADEX-STARKNET-ACCOUNT")
        timestamp_secs = _seconds(
            required_header(request, "PARADEX-TIMESTAMP"), "PARADEX-TIMESTAMP"
        )
        expiration_secs = self._expiration(request, timestamp_secs)
        account = self._accounts.get(hex(felt))
        if account is None:
            raise VenueError("NOT_ONBOARDED", "User has never called /onboarding endpoint")
        public_key = account.public_key
        if "public_key" in request.match_info:
            public_key = parse_public_key(request.match_info["public_key"])
            if not account.holds_key(public_key):
                raise VenueError("INVALID_SUBKEY", "public key is not registered", 401)
        message_hash = stark.auth_hash(
            self._options.chain_id, felt, timestamp_secs, expiration_secs
        )
        _verify(request, message_hash, public_key)
        usage = word_parameter(plain_query(request), "token_usage", ("interactive",))
        token = self._tokens.issue(account, public_key, is_interactive=usage is not None)
        return json_response({"jwt_token": token})

    def _expiration(self, request: web.Request, timestamp_secs: int) -> int:
        now_secs = self._clock.now_ms() // 1000
        if abs(now_secs - timestamp_secs) > TIMESTAMP_TOLERANCE_SECS:
            raise VenueError("INVALID_TIMESTAMP", "PARADEX-TIMESTAMP: too far from server time")
        name = "PARADEX-SIGNATURE-EXPIRATION"
        if name not in request.headers:
            return timestamp_secs + SIGNATURE_LIFETIME_DEFAULT_SECS
        expiration_secs = _seconds(required_header(request, name), name)
        if expiration_secs <= now_secs:
            raise VenueError("INVALID_TIMESTAMP", f"{name}: signature is expired")
        if expiration_secs - timestamp_secs > SIGNATURE_LIFETIME_MAX_SECS:
            raise VenueError("INVALID_TIMESTAMP", f"{name}: at most one week")
        return expiration_secs

    async def onboarding(self, request: web.Request) -> web.Response:
        """Answer ``GET /onboarding``: where an account of this key lives, and whether it exists."""
        query = plain_query(request)
        kind = word_parameter(query, "account_signer_type", ("starknet", "eip191"))
        if kind == "starknet":
            public_key = parse_public_key(query.get("public_key", ""))
            address = hex(stark.derive_account(public_key, PROXY_HASH, ACCOUNT_HASH))
            hashes = {"class_hash": hex(ACCOUNT_HASH), "proxy_class_hash": hex(PROXY_HASH)}
        elif kind == "eip191":
            owner = parse_ethereum_address(query.get("eth_address", ""))
            address = hex(stark.derive_evm_account(int(owner, 16), EVM_ACCOUNT_HASH))
            hashes = {"class_hash": hex(EVM_ACCOUNT_HASH), "proxy_class_hash": ""}
        else:
            raise VenueError("INVALID_REQUEST_PARAMETER", "account_signer_type: cannot be blank")
        return json_response(
            {
                "address": address,
                "exists": address in self._accounts,
                "account_signer_type": kind,
                "derivation_info": hashes,
            }
        )

    async def onboard(self, request: web.Request) -> web.Response:
        """Answer ``POST /onboarding``."""
        body = await json_body(request)
        key_text = body.get("public_key") if isinstance(body, dict) else None
        if not isinstance(key_text, str):
            raise VenueError("VALIDATION_ERROR", "public_key: cannot be blank")
        public_key = parse_public_key(key_text)
        ethereum = required_header(request, "PARADEX-ETHEREUM-ACCOUNT")
        parse_felt(ethereum, "INVALID_ETHEREUM_ADDRESS", "PARADEX-ETHEREUM-ACCOUNT")
        address = required_header(request, "PARADEX-STARKNET-ACCOUNT")
        felt = parse_felt(address, "INVALID_STARKNET_ADDRESS", "PARADEX-STARKNET-ACCOUNT")
        if felt != stark.derive_account(public_key, PROXY_HASH, ACCOUNT_HASH):
            raise VenueError("INVALID_STARKNET_ADDRESS", "address does not belong to public_key")
        message_hash = stark.onboarding_hash(self._options.chain_id, felt)
        _verify(request, message_hash, public_key)
        if hex(felt) not in self._accounts:
            self._register(hex(felt), public_key, self._options.onboarding_balance)
        return web.Response(status=200)

    # --- What the account holds ---------------------------------------------------------------

    def _asker(self, request: web.Request) -> Account:
        return self._tokens.session_of_header(request.headers.get("Authorization")).account

    async def account(self, request: web.Request) -> web.Response:
        """Answer ``GET /account``."""
        account = self._asker(request)
        asked = plain_query(request).get("subaccount_address", "")
        if asked:
            felt = parse_felt(asked, "INVALID_STARKNET_ADDRESS", "subaccount_address")
            if hex(felt) != account.address:
                raise VenueError("ACCOUNT_NOT_FOUND", "account not found")
        return json_response(account.summary_response(self._markets))

    async def summaries(self, request: web.Request) -> web.Response:
        """Answer ``GET /account/summary``."""
        return json_response({"results": [self._asker(request).summary_response(self._markets)]})

    async def info(self, request: web.Request) -> web.Response:
        """Answer ``GET /account/info``."""
        return json_response({"results": [self._asker(request).info_response()]})

    async def balance(self, request: web.Request) -> web.Response:
        """Answer ``GET /balance``."""
        account = self._asker(request)
        tokens = account.tokens_response(self._markets)
        return json_response(
            {"results": [account.balance_response(self._options.usdc_price), *tokens]}
        )

    async def positions(self, request: web.Request) -> web.Response:
        """Answer ``GET /positions``, closed ones included as the venue does."""
        account = self._asker(request)
        results = [
            position_response(position, self._markets[symbol], self._options.usdc_price)
            for symbol, position in account.positions.items()
        ]
        return json_response({"results": results})

    async def fills(self, request: web.Request) -> web.Response:
        """Answer ``GET /fills``."""
        account = self._asker(request)
        filters, _ = self._pager.query(request)
        market = filters.get("market", "")
        kind = word_parameter(filters, "asset_kind", ASSET_KINDS)
        fills = (
            fill
            for fill in reversed(account.fills)
            if market in ("", fill.market) and kind in (None, self._markets[fill.market].rules.kind)
        )
        return self._pager.page(request, fills, lambda fill: fill.response())

    async def payments(self, request: web.Request) -> web.Response:
        """Answer ``GET /funding/payments``."""
        account = self._asker(request)
        filters, _ = self._pager.query(request)
        market = filters.get("market", "")
        if not market:
            raise VenueError("INVALID_REQUEST_PARAMETER", "market: cannot be blank")
        payments = (paid for paid in reversed(account.payments) if paid.market == market)
        return self._pager.page(request, payments, lambda paid: paid.response())


def required_header(request: web.Request, name: str) -> str:
    """Return a header.

    Raises
    ------
    VenueError
        ``INVALID_REQUEST_PARAMETER`` when it is missing.
    """
    value = request.headers.get(name, "")
    if not value:
        raise VenueError("INVALID_REQUEST_PARAMETER", f"{name}: missing value in request header")
    return value


def _seconds(text: str, name: str) -> int:
    # Longer numbers are milliseconds by mistake, which is refused as too far from server time.
    if not (text.isascii() and text.isdigit() and len(text) <= 16):
        raise VenueError("INVALID_TIMESTAMP", f"{name}: expected Unix seconds")
    return int(text)


def parse_public_key(text: str) -> int:
    """Read a Stark public key.

    Raises
    ------
    VenueError
        ``PUBLIC_KEY_INVALID``.
    """
    public_key = parse_felt(text, "PUBLIC_KEY_INVALID", "public_key")
    if not stark.is_public_key(public_key):
        raise VenueError("PUBLIC_KEY_INVALID", "public_key: not a point of the curve", 400)
    return public_key


def _verify(request: web.Request, message_hash: int, public_key: int) -> None:
    try:
        r, s = parse_signature(required_header(request, "PARADEX-STARKNET-SIGNATURE"))
    except ValueError as error:
        raise VenueError("INVALID_STARKNET_SIGNATURE", "signature: malformed", 400) from error
    if not stark.verify(message_hash, r, s, public_key):
        raise VenueError(
            "STARKNET_SIGNATURE_VERIFICATION_FAILED", "starknet signature verification failed"
        )
