"""The few JSON fields the venue layer reads for itself: errors, tokens, the server's time.

Everything else goes to `paradex_adapter_core` as bytes.
"""

import base64
import binascii
from typing import Final

import orjson

from paradex_adapter.venue.errors import MalformedReply

JWT_CHARS_MAX: Final = 8192
ADDRESS_CHARS_MAX: Final = 66
ERROR_BYTES_MAX: Final = 65_536


def parse_error(body: bytes) -> tuple[str, str]:
    """Return the venue's error code and text; ("", the body's beginning) when it is not JSON.

    A gateway answers in HTML, and the body of a 429 has a text without a code.
    """
    document = _load_object(body) if len(body) <= ERROR_BYTES_MAX else None
    if document is None:
        return "", body[:ERROR_BYTES_MAX].decode("utf-8", "replace")
    code, message = document.get("error"), document.get("message")
    return (code if isinstance(code, str) else "", message if isinstance(message, str) else "")


def parse_jwt_token(body: bytes) -> str:
    """Return the token of an authentication reply.

    Raises
    ------
    MalformedReply
        If there is none, or one that is no header value.
    """
    token = (_load_object(body) or {}).get("jwt_token")
    # The token becomes a header: no blank or control character may pass.
    if not isinstance(token, str) or not 1 <= len(token) <= JWT_CHARS_MAX:
        raise MalformedReply("POST /auth", "no usable jwt_token")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise MalformedReply("POST /auth", "no usable jwt_token")
    return token


def parse_onboarding(body: bytes) -> tuple[str, bool]:
    """Return the account address a key leads to, ``0x...``, and whether the account exists.

    Raises
    ------
    MalformedReply
        If there is no such address.
    """
    document = _load_object(body) or {}
    address = _find_hex(document.get("address"))
    if address is not None:
        return hex(address), document.get("exists") is True
    raise MalformedReply("GET /onboarding", "no usable address")


def parse_account(body: bytes, account: int) -> tuple[str, int]:
    """Return kind and public key of an account, out of the answer about it and its like.

    Raises
    ------
    MalformedReply
        If the account is not among them.
    """
    rows = (_load_object(body) or {}).get("results")
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and _find_hex(row.get("account")) == account:
            return str(row.get("kind") or ""), _find_hex(row.get("public_key")) or 0
    raise MalformedReply("GET /account/info", f"account {account:#x} is not in it")


def find_jwt_lifetime_secs(token: str) -> int | None:
    """Return `exp - iat` of a token in seconds, None when it does not tell.

    The signature is not checked: the token is the venue's own, for its own eyes.
    """
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = _load_object(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return None
    issued, expires = (claims or {}).get("iat"), (claims or {}).get("exp")
    if not isinstance(issued, int) or not isinstance(expires, int) or expires <= issued:
        return None
    return expires - issued


def parse_server_time_ms(body: bytes) -> int:
    """Return the server's time in Unix milliseconds; both JSON types it comes in are read.

    Raises
    ------
    MalformedReply
        If there is no such time.
    """
    value = (_load_object(body) or {}).get("server_time")
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 16:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**16:
        return value
    raise MalformedReply("GET /system/time", "no usable server_time")


def _find_hex(value: object) -> int | None:
    if not isinstance(value, str) or len(value) > ADDRESS_CHARS_MAX:
        return None
    try:
        return int(value, 16)
    except ValueError:
        return None


def _load_object(body: bytes) -> dict[str, object] | None:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None
