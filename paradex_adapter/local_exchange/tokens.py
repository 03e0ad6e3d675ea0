"""Access tokens: JSON Web Tokens, issued for a few minutes and checked on every private request."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

import orjson

from paradex_adapter.local_exchange.accounts import Account
from paradex_adapter.local_exchange.errors import VenueError
from paradex_adapter.local_exchange.sequences import Clock

TOKEN_LENGTH_MAX: Final = 4096
BEARER: Final = "Bearer "
_MS_PER_SEC: Final = 1000


@dataclass(frozen=True, slots=True)
class Session:
    """Who asks: the account, and the key its orders must be signed with."""

    account: Account
    public_key: int
    is_read_only: bool = False
    #: Whether its orders are a retail trader's.
    is_interactive: bool = False

    def need_writing(self) -> None:
        """Refuse what a token that only reads may not do.

        Raises
        ------
        VenueError
            ``INVALID_TOKEN_SCOPE``.
        """
        if self.is_read_only:
            raise VenueError("INVALID_TOKEN_SCOPE", "token is read only")


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _invalid(why: str) -> VenueError:
    return VenueError("INVALID_TOKEN", f"invalid bearer jwt: {why}")


class Tokens:
    """Issues and checks tokens; `expire_all` makes every token issued before worthless."""

    def __init__(
        self, seed: int, clock: Clock, accounts: dict[str, Account], lifetime_secs: int
    ) -> None:
        self._secret = hashlib.sha256(f"paradex local exchange/tokens/{seed}".encode()).digest()
        self._clock = clock
        self._accounts = accounts
        self._generation = 0
        self.lifetime_secs = lifetime_secs

    def issue(self, account: Account, public_key: int, *, is_interactive: bool = False) -> str:
        """Return a fresh token of an account, bound to the key that asked for it."""
        return self._issue(account, public_key, self.lifetime_secs, is_interactive=is_interactive)

    def issue_read_only(self, account: Account, lifetime_secs: int) -> str:
        """Return a token of an account that reads and does nothing else."""
        return self._issue(account, account.public_key, lifetime_secs, is_read_only=True)

    def _issue(
        self,
        account: Account,
        public_key: int,
        lifetime_secs: int,
        *,
        is_read_only: bool = False,
        is_interactive: bool = False,
    ) -> str:
        now_secs = self._clock.now_ms() // _MS_PER_SEC
        claims = {
            "typ": "at+JWT",
            "iss": "Paradex local",
            "sub": account.address,
            "iat": now_secs,
            "exp": now_secs + lifetime_secs,
            "public_key": hex(public_key),
            "generation": self._generation,
            "read_only": is_read_only,
            "interactive": is_interactive,
        }
        head = _encode(orjson.dumps({"alg": "HS256", "typ": "JWT"}))
        body = f"{head}.{_encode(orjson.dumps(claims))}"
        return f"{body}.{self._sign(body)}"

    def _sign(self, body: str) -> str:
        return _encode(hmac.digest(self._secret, body.encode(), "sha256"))

    def expire_all(self) -> None:
        """Let every token issued so far be expired."""
        self._generation += 1

    def session(self, token: str) -> Session:
        """Return whose token it is.

        Raises
        ------
        VenueError
            ``INVALID_TOKEN`` when it is malformed, forged or expired.
        """
        parts = token.split(".")
        is_shaped = len(token) <= TOKEN_LENGTH_MAX and token.isascii() and len(parts) == 3
        if not is_shaped:
            raise _invalid("token is malformed")
        body = f"{parts[0]}.{parts[1]}"
        if not hmac.compare_digest(self._sign(body), parts[2]):
            raise _invalid("signature is invalid")
        claims = orjson.loads(_decode(parts[1]))
        now_secs = self._clock.now_ms() // _MS_PER_SEC
        if claims["generation"] != self._generation or now_secs >= claims["exp"]:
            raise _invalid("token is expired")
        account = self._accounts.get(claims["sub"])
        public_key = int(claims["public_key"], 16)
        if account is None or not account.holds_key(public_key):
            raise _invalid("unknown account")
        return Session(account, public_key, claims["read_only"], claims["interactive"])

    def session_of_header(self, header: str | None) -> Session:
        """Return whose ``Authorization`` header it is."""
        if not header:
            raise _invalid("missing value in request header")
        if not header.startswith(BEARER):
            raise _invalid("token is malformed")
        return self.session(header.removeprefix(BEARER))


class Cursors:
    """Opaque signed page cursors that carry the query they continue."""

    def __init__(self, seed: int) -> None:
        self._secret = hashlib.sha256(f"paradex local exchange/cursors/{seed}".encode()).digest()

    def write(self, query: dict[str, str], marker: int) -> str:
        """Return the cursor that continues a query below an ordinal."""
        body = _encode(orjson.dumps({"filter": query, "marker": marker}))
        return f"{body}.{self._sign(body)}"

    def read(self, cursor: str) -> tuple[dict[str, str], int]:
        """Return the query and the ordinal of a cursor.

        Raises
        ------
        VenueError
            ``INVALID_REQUEST_PARAMETER`` when this exchange did not write it.
        """
        body, _, signature = cursor.rpartition(".")
        is_ours = cursor.isascii() and hmac.compare_digest(self._sign(body), signature)
        if not is_ours:
            raise VenueError("INVALID_REQUEST_PARAMETER", "cursor: invalid signature")
        content = orjson.loads(_decode(body))
        return content["filter"], content["marker"]

    def _sign(self, body: str) -> str:
        return hmac.digest(self._secret, body.encode(), "sha256").hex()[:32]
