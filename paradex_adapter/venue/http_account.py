"""What an account asks over REST about itself: tokens, onboarding, balances, positions, fills.

Specification: the venue's OpenAPI document.
"""

from typing import Final

import orjson

from paradex_adapter.venue.http_sender import HttpSender, page_params
from paradex_adapter.venue.http_transport import QueryValue, Request, quote_segment
from paradex_adapter.venue.rate_limits import Scope

# Without it a token is not good for orders on behalf of an isolated margin account.
_ISOLATED: Final = {"PARADEX-AUTHORIZE-ISOLATED-MARKETS": "true"}


class AccountRequests(HttpSender):
    """Requests of one account but for its orders; errors are those of `HttpClient`."""

    async def authenticate(
        self,
        account_address: str,
        public_key_hex: str,
        signature: str,
        timestamp_secs: int,
        expiration_secs: int,
        *,
        is_interactive: bool = False,
    ) -> bytes:
        """Return a token for the account; the key is named since it may be a subkey.

        With an interactive one the account trades by the rules of the retail profile.
        """
        headers = {
            "PARADEX-STARKNET-ACCOUNT": account_address,
            "PARADEX-STARKNET-SIGNATURE": signature,
            "PARADEX-TIMESTAMP": str(timestamp_secs),
            "PARADEX-SIGNATURE-EXPIRATION": str(expiration_secs),
            **_ISOLATED,
        }
        path = f"/auth/{quote_segment(public_key_hex)}"
        return await self._perform(
            Request(
                "POST",
                path,
                Scope.AUTH,
                params=_token_usage(is_interactive),
                headers=headers,
                is_repeatable=True,
            )
        )

    async def authenticate_ethereum(
        self, account_address: str, sign_in_headers: dict[str, str]
    ) -> bytes:
        """Return a token for an account whose main key is an Ethereum key."""
        headers = {"PARADEX-STARKNET-ACCOUNT": account_address, **sign_in_headers, **_ISOLATED}
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

    async def post_onboarding_v2(
        self, account_address: str, sign_in_headers: dict[str, str], public_key_hex: str
    ) -> bytes:
        """Register an account whose main key is an Ethereum key, given by its public key.

        `sign_in_headers` hold the signed message, as for `authenticate_ethereum`.
        """
        headers = {"PARADEX-STARKNET-ACCOUNT": account_address, **sign_in_headers}
        body = orjson.dumps({"public_key": public_key_hex})
        return await self._perform(
            Request(
                "POST", "/v2/onboarding", Scope.AUTH, headers=headers, body=body, is_repeatable=True
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
            "/fills", page_params(cursor, page_size, start_ms, end_ms, market=market)
        )

    async def get_trade_busts(
        self,
        start_ms: int | None = None,
        end_ms: int | None = None,
        cursor: str | None = None,
        page_size: int | None = None,
    ) -> bytes:
        """Return a page of fills that were taken back; 5000 a page at most."""
        return await self._read_private(
            "/tradebusts", page_params(cursor, page_size, start_ms, end_ms)
        )

    async def get_funding_payments(
        self,
        market: str,
        start_ms: int | None = None,
        end_ms: int | None = None,
        cursor: str | None = None,
        page_size: int | None = None,
    ) -> bytes:
        """Return a page of the funding realized in one market; 5000 a page at most."""
        return await self._read_private(
            "/funding/payments", page_params(cursor, page_size, start_ms, end_ms, market=market)
        )

    async def get_account_margin(self, market: str) -> bytes:
        """Return the leverage and the margin type of one market; the venue must be given it."""
        return await self._read_private("/account/margin", {"market": market})

    async def post_account_margin(self, market: str, body: bytes) -> bytes:
        """Set the leverage and the margin type of one market; again changes nothing."""
        return await self._perform(
            Request(
                "POST",
                f"/account/margin/{quote_segment(market)}",
                Scope.ORDERS,
                body=body,
                is_private=True,
                is_repeatable=True,
            )
        )


def _token_usage(is_interactive: bool) -> dict[str, QueryValue]:
    return {"token_usage": "interactive"} if is_interactive else {}
