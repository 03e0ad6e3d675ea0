"""Sign-in with Ethereum: the text of ERC-4361 as the venue reads it, and who signed it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from paradex_adapter.local_exchange.errors import VenueError
from paradex_adapter.local_exchange.secp256k1 import signer_of_text

MESSAGE_LENGTH_MAX: Final = 2048
SIGNATURE_LENGTH_MAX: Final = 132
#: How far the client's clock may be off.
TOLERANCE_SECS: Final = 300
LIFETIME_MAX_SECS: Final = 3600
DOMAIN: Final = "app.testnet.paradex.trade"
_TIME: Final = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
_FORM: Final = re.compile(
    r"(?P<domain>[^\s/]+) wants you to sign in with your Ethereum account:\n"
    r"(?P<address>0x[0-9a-fA-F]{40})\n\n(?P<statement>[^\n]+)\n\n"
    r"URI: (?P<uri>\S+)\nVersion: 1\nChain ID: (?P<chain>\d{1,12})\nNonce: [0-9a-f]{32}\n"
    rf"Issued At: (?P<issued>{_TIME})(\nExpiration Time: (?P<expires>{_TIME}))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who signed in, and to what end."""

    address: str
    statement: str


def verify(
    text: str, signature: str, now_ms: int, chain_id: str, *, has_end: bool = True
) -> SignedIn:
    """Return who signed a message that is in form and in time, and names an end or none.

    Raises
    ------
    VenueError
        ``INVALID_EVM_SIGNATURE`` when the message or the signature is not in form or not in time,
        ``EVM_SIGNATURE_VERIFICATION_FAILED`` when another key signed it.
    """
    found = _FORM.fullmatch(text) if len(text) <= MESSAGE_LENGTH_MAX else None
    if found is None or (found["expires"] is not None) is not has_end:
        raise _invalid("siwe message is malformed")
    if (found["domain"], found["uri"]) != (DOMAIN, f"https://{DOMAIN}"):
        raise _invalid("siwe message is for another domain")
    if found["chain"] != chain_id:
        raise _invalid("siwe message is for another chain")
    now_secs = now_ms // 1000
    issued = _seconds(found["issued"])
    expires = _seconds(found["expires"]) if has_end else issued + LIFETIME_MAX_SECS
    if (
        abs(now_secs - issued) > TOLERANCE_SECS
        or not now_secs < expires <= issued + LIFETIME_MAX_SECS
    ):
        raise _invalid("siwe message is not of this time")
    try:
        is_short = len(signature) <= SIGNATURE_LENGTH_MAX
        raw = bytes.fromhex(signature.removeprefix("0x")) if is_short else b""
        signer = signer_of_text(text, raw)
    except ValueError as error:
        raise _invalid(f"evm {error}") from error
    if signer != found["address"].lower():
        raise VenueError(
            "EVM_SIGNATURE_VERIFICATION_FAILED", "evm signature verification failed", 401
        )
    return SignedIn(signer, found["statement"])


def _seconds(text: str) -> int:
    try:
        return int(datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp())
    except ValueError as error:
        raise _invalid("siwe message has no such time") from error


def _invalid(why: str) -> VenueError:
    return VenueError("INVALID_EVM_SIGNATURE", why)
