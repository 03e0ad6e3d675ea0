"""Ways in beside the account's own key: subkeys, read-only tokens, sign-in with Ethereum."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Final

import orjson
from aiohttp import web

from paradex_adapter.local_exchange import siwe, stark
from paradex_adapter.local_exchange.accounts import Account
from paradex_adapter.local_exchange.errors import VenueError
from paradex_adapter.local_exchange.gateway import parse_signature
from paradex_adapter.local_exchange.options import Options
from paradex_adapter.local_exchange.rest import Handler, json_body, json_response
from paradex_adapter.local_exchange.rest_account import (
    TIMESTAMP_TOLERANCE_SECS,
    Register,
    parse_felt,
    parse_public_key,
    required_header,
)
from paradex_adapter.local_exchange.rest_public import EVM_ACCOUNT_HASH, L1_CHAIN_ID
from paradex_adapter.local_exchange.secp256k1 import address_of, parse_key
from paradex_adapter.local_exchange.sequences import Clock
from paradex_adapter.local_exchange.tokens import Session, Tokens

NAME_LENGTH_MAX: Final = 128
PUBLIC_KEY_LENGTH_MAX: Final = 132
SUBKEYS_MAX: Final = 100
TOKEN_LIFETIME_MIN_SECS: Final = 60
TOKEN_LIFETIME_MAX_SECS: Final = 31_536_000
READ_ONLY: Final = "readonly"
_NS_PER_MS: Final = 1_000_000


class KeyEndpoints:
    """Registers subkeys, issues read-only tokens, and lets accounts of Ethereum keys in."""

    def __init__(
        self,
        accounts: dict[str, Account],
        clock: Clock,
        tokens: Tokens,
        options: Options,
        register: Register,
    ) -> None:
        self._accounts = accounts
        self._clock = clock
        self._tokens = tokens
        self._options = options
        self._register = register
        self._issued = 0

    def routes(self) -> list[tuple[str, str, Handler]]:
        """Return method, path and handler of each endpoint."""
        return [
            ("POST", "/v2/auth", self.sign_in),
            ("POST", "/v2/onboarding", self.onboard),
            ("POST", "/v1/account/keys/subkeys", self.register_subkey),
            ("POST", "/v1/account/tokens", self.create_token),
        ]

    async def sign_in(self, request: web.Request) -> web.Response:
        """Answer ``POST /v2/auth``."""
        address, signed = self._signed_in(request, "Paradex Auth")
        account = self._accounts.get(address)
        if account is None:
            raise VenueError("NOT_ONBOARDED", "User has never called /onboarding endpoint")
        self._check_owner(account, signed)
        return json_response({"jwt_token": self._tokens.issue(account, account.public_key)})

    async def onboard(self, request: web.Request) -> web.Response:
        """Answer ``POST /v2/onboarding``; again changes nothing."""
        body = await _object(request)
        address, signed = self._signed_in(request, "Paradex Onboarding", has_end=False)
        try:
            owner = address_of(parse_key(_text(body, "public_key", PUBLIC_KEY_LENGTH_MAX)))
        except ValueError as error:
            raise VenueError("PUBLIC_KEY_INVALID", str(error), 400) from error
        if owner != signed.address:
            raise VenueError("PUBLIC_KEY_INVALID", "public_key: another key signed", 400)
        if address != hex(stark.derive_evm_account(int(owner, 16), EVM_ACCOUNT_HASH)):
            raise VenueError("INVALID_STARKNET_ADDRESS", "address does not belong to public_key")
        if address not in self._accounts:
            account = self._register(address, 0, self._options.onboarding_balance)
            account.ethereum_address = owner
        return web.Response(status=200)

    def _signed_in(
        self, request: web.Request, statement: str, *, has_end: bool = True
    ) -> tuple[str, siwe.SignedIn]:
        """Return the account a request names, and who signed its statement."""
        address = required_header(request, "PARADEX-STARKNET-ACCOUNT")
        felt = parse_felt(address, "INVALID_STARKNET_ADDRESS", "PARADEX-STARKNET-ACCOUNT")
        encoded = required_header(request, "PARADEX-SIWE-MESSAGE")
        signature = required_header(request, "PARADEX-EVM-SIGNATURE")
        try:
            text = base64.b64decode(encoded, validate=True).decode("ascii")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise VenueError("INVALID_EVM_SIGNATURE", "siwe message is malformed") from error
        now_ms = self._clock.now_ms()
        signed = siwe.verify(text, signature, now_ms, L1_CHAIN_ID, has_end=has_end)
        if signed.statement != statement:
            raise VenueError("INVALID_EVM_SIGNATURE", "siwe message has another statement")
        return hex(felt), signed

    @staticmethod
    def _check_owner(account: Account, signed: siwe.SignedIn) -> None:
        if signed.address != account.ethereum_address:
            raise VenueError(
                "EVM_SIGNATURE_VERIFICATION_FAILED", "account belongs to another address", 401
            )

    def _owner(self, request: web.Request) -> Session:
        """Return the session of a request that only the account's main key may make."""
        session = self._tokens.session_of_header(request.headers.get("Authorization"))
        if session.is_read_only or session.public_key != session.account.public_key:
            raise VenueError("INVALID_TOKEN_SCOPE", "only the main key may do this")
        return session

    async def register_subkey(self, request: web.Request) -> web.Response:
        """Answer ``POST /account/keys/subkeys``."""
        account = self._owner(request).account
        body = await _object(request)
        _text(body, "name", NAME_LENGTH_MAX)
        public_key = parse_public_key(_text(body, "public_key", 66))
        if body.get("state", "active") != "active":
            raise VenueError("VALIDATION_ERROR", "state: must be active")
        if account.ethereum_address:
            self._check_siwe(account, body, public_key)
        else:
            self._check_signature(account, body, public_key)
        if len(account.subkeys) >= SUBKEYS_MAX:
            raise VenueError("VALIDATION_ERROR", "too many subkeys")
        account.subkeys.add(public_key)
        return web.Response(status=201)

    def _check_siwe(self, account: Account, body: Mapping[str, object], public_key: int) -> None:
        text = _text(body, "siwe_message", siwe.MESSAGE_LENGTH_MAX)
        signature = _text(body, "evm_signature", siwe.SIGNATURE_LENGTH_MAX)
        signed = siwe.verify(text, signature, self._clock.now_ms(), L1_CHAIN_ID)
        if signed.statement != f"Paradex Subkey Registration: {public_key:#x}":
            raise VenueError("INVALID_EVM_SIGNATURE", "siwe message has another statement")
        self._check_owner(account, signed)

    def _check_signature(
        self, account: Account, body: Mapping[str, object], public_key: int
    ) -> None:
        now_secs = self._clock.now_ms() // 1000
        signed_secs, expires_secs = (
            _whole(body, "signature_timestamp"),
            _whole(body, "signature_expiry"),
        )
        if abs(now_secs - signed_secs) > TIMESTAMP_TOLERANCE_SECS or expires_secs <= now_secs:
            raise VenueError("INVALID_TIMESTAMP", "signature_timestamp: not of this time")
        try:
            r, s = parse_signature(orjson.dumps(body.get("signature")).decode())
        except ValueError as error:
            raise VenueError("INVALID_STARKNET_SIGNATURE", "signature: malformed", 400) from error
        signed = [int(account.address, 16), public_key, signed_secs, expires_secs]
        if not stark.verify(stark.pedersen_array(signed), r, s, account.public_key):
            raise VenueError(
                "STARKNET_SIGNATURE_VERIFICATION_FAILED", "starknet signature verification failed"
            )

    async def create_token(self, request: web.Request) -> web.Response:
        """Answer ``POST /account/tokens``: tokens that only read, since no others are known."""
        session = self._owner(request)
        body = await _object(request)
        name = _text(body, "name", NAME_LENGTH_MAX)
        if _text(body, "token_type", NAME_LENGTH_MAX) != READ_ONLY:
            raise VenueError("VALIDATION_ERROR", f"token_type: must be {READ_ONLY}")
        lifetime_secs = _whole(body, "expiry_duration")
        if not TOKEN_LIFETIME_MIN_SECS <= lifetime_secs <= TOKEN_LIFETIME_MAX_SECS:
            raise VenueError("VALIDATION_ERROR", "expiry_duration: out of range")
        self._issued += 1
        now_ns = self._clock.now_ms() * _NS_PER_MS
        return json_response(
            {
                "api_token": {
                    "allowed_cidrs": [],
                    "created_at": now_ns,
                    "expiry_at": now_ns + lifetime_secs * 1000 * _NS_PER_MS,
                    "kind": READ_ONLY,
                    "last_updated_at": now_ns,
                    "lookup_id": f"lookup-{self._issued}",
                    "name": name,
                    "revoked_at": 0,
                    "token_id": f"token-{self._issued}",
                },
                "token": self._tokens.issue_read_only(session.account, lifetime_secs),
            }
        )


async def _object(request: web.Request) -> dict[str, object]:
    body = await json_body(request)
    if not isinstance(body, dict):
        raise VenueError("BINDING_ERROR", "request body: expected an object")
    return body


def _text(body: Mapping[str, object], name: str, length_max: int) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= length_max:
        raise VenueError("VALIDATION_ERROR", f"{name}: cannot be blank")
    return value


def _whole(body: Mapping[str, object], name: str) -> int:
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**53:
        raise VenueError("VALIDATION_ERROR", f"{name}: expected a number of seconds")
    return value
