"""Access tokens and page cursors of the local exchange."""

import base64

import orjson
import pytest

from paradex_adapter.local_exchange.accounts import Account
from paradex_adapter.local_exchange.amounts import ZERO
from paradex_adapter.local_exchange.errors import VenueError
from paradex_adapter.local_exchange.sequences import Clock
from paradex_adapter.local_exchange.tokens import Cursors, Tokens

KEY = 0x51


def issuer(lifetime_secs: int = 300) -> tuple[Tokens, Account, Clock]:
    clock = Clock()
    account = Account("0xa", KEY, ZERO, 1, 0, label="a")
    return Tokens(1, clock, {"0xa": account}, lifetime_secs), account, clock


def claims_of(token: str) -> dict[str, object]:
    part = token.split(".")[1]
    claims: dict[str, object] = orjson.loads(
        base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    )
    return claims


def test_a_token_names_the_account_and_lives_for_five_minutes() -> None:
    tokens, account, _ = issuer()
    token = tokens.issue(account, KEY)
    claims = claims_of(token)
    assert (claims["sub"], claims["typ"]) == ("0xa", "at+JWT")
    assert int(str(claims["exp"])) - int(str(claims["iat"])) == 300
    session = tokens.session_of_header(f"Bearer {token}")
    assert (session.account, session.public_key) == (account, KEY)


def test_a_token_is_worth_nothing_once_it_was_touched() -> None:
    tokens, account, _ = issuer()
    head, body, signature = tokens.issue(account, KEY).split(".")
    claims = claims_of(f"{head}.{body}.{signature}") | {"exp": 2**40}
    forged = base64.urlsafe_b64encode(orjson.dumps(claims)).rstrip(b"=").decode()
    other = Tokens(2, Clock(), {"0xa": account}, 300).issue(account, KEY)
    for token in (
        f"{head}.{forged}.{signature}",
        f"{head}.{body}.{signature[:-2]}",
        f"{head}.{body}",
        f"{head}.{body}.{signature}.",
        other,
    ):
        with pytest.raises(VenueError) as refused:
            tokens.session(token)
        assert (refused.value.error, refused.value.status) == ("INVALID_TOKEN", 401)


def test_a_token_ends_by_the_clock_or_by_command() -> None:
    tokens, account, clock = issuer(lifetime_secs=10)
    token = tokens.issue(account, KEY)
    clock.offset_ms = 8_000
    assert tokens.session(token).account is account
    clock.offset_ms = 11_000
    with pytest.raises(VenueError, match="expired"):
        tokens.session(token)
    clock.offset_ms = 0
    tokens.expire_all()
    with pytest.raises(VenueError, match="expired"):
        tokens.session(token)
    assert tokens.session(tokens.issue(account, KEY)).account is account


def test_a_token_ends_with_its_key() -> None:
    tokens, account, _ = issuer()
    account.subkeys.add(7)
    token = tokens.issue(account, 7)
    assert tokens.session(token).public_key == 7
    account.subkeys.clear()
    with pytest.raises(VenueError, match="unknown account"):
        tokens.session(token)


def test_a_cursor_carries_its_query_and_cannot_be_made_up() -> None:
    cursors = Cursors(1)
    cursor = cursors.write({"market": "BTC-USD-PERP"}, 7)
    assert cursors.read(cursor) == ({"market": "BTC-USD-PERP"}, 7)
    body, _, signature = cursor.rpartition(".")
    for wrong in ("", "x", f"{body}x.{signature}", body, Cursors(2).write({}, 7), "é.é"):
        with pytest.raises(VenueError) as refused:
            cursors.read(wrong)
        assert refused.value.error == "INVALID_REQUEST_PARAMETER"
