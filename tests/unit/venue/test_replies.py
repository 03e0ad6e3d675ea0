"""The fields the venue layer reads for itself, from bytes nobody vouches for."""

import base64
import json

import pytest

from paradex_adapter.venue.errors import MalformedReply
from paradex_adapter.venue.replies import (
    ERROR_BYTES_MAX,
    JWT_CHARS_MAX,
    find_jwt_lifetime_secs,
    parse_error,
    parse_jwt_token,
    parse_server_time_ms,
)
from tests.shared_specs import requires_shared_specs, spec_path


def jwt(claims: object) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJFUzM4NCJ9.{payload}.c2ln"


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (b'{"error":"NOT_FOUND","message":"no market","data":null}', "NOT_FOUND", "no market"),
        (b'{"message":"rate limit exceeded"}', "", "rate limit exceeded"),
        (b'{"error":17,"message":null}', "", ""),
        (b"", "", ""),
        (b"[1]", "", "[1]"),
        (b"<html><h1>502 Bad Gateway</h1></html>", "", "<html><h1>502 Bad Gateway</h1></html>"),
        (b"\xff\xfe", "", "\ufffd\ufffd"),
    ],
)
def test_error_bodies(body: bytes, code: str, message: str) -> None:
    assert parse_error(body) == (code, message)


def test_a_huge_error_body_is_cut_before_it_is_read() -> None:
    code, message = parse_error(b'{"error":"X","pad":"' + b"x" * ERROR_BYTES_MAX + b'"}')
    assert code == ""
    assert len(message) == ERROR_BYTES_MAX


def test_a_token_is_read() -> None:
    assert parse_jwt_token(b'{"jwt_token":"abc.def.ghi","more":1}') == "abc.def.ghi"


@pytest.mark.parametrize(
    "token", [None, 5, "", "a b", "a\r\nX-Evil: 1", "t\u00f6ken", "x" * (JWT_CHARS_MAX + 1)]
)
def test_a_token_that_is_no_header_value_is_refused_without_being_repeated(token: object) -> None:
    with pytest.raises(MalformedReply) as caught:
        parse_jwt_token(json.dumps({"jwt_token": token}).encode())
    if isinstance(token, str) and token:
        assert token not in str(caught.value)


def test_a_body_that_is_no_object_has_no_token() -> None:
    for body in (b"", b"[]", b"null", b"<html>"):
        with pytest.raises(MalformedReply):
            parse_jwt_token(body)


def test_the_lifetime_is_the_difference_of_two_claims() -> None:
    assert find_jwt_lifetime_secs(jwt({"iat": 1_700_000_000, "exp": 1_700_000_300})) == 300


@pytest.mark.parametrize(
    "token",
    [
        "opaque",
        "a.b",
        "a.!!!.c",
        "a." + "A" * 5 + ".c",
        jwt([1]),
        jwt({"iat": 1}),
        jwt({"iat": "1", "exp": "2"}),
        jwt({"iat": 10, "exp": 10}),
    ],
)
def test_a_token_that_does_not_tell_has_no_lifetime(token: str) -> None:
    assert find_jwt_lifetime_secs(token) is None


def test_server_time_comes_as_text_or_number() -> None:
    assert parse_server_time_ms(b'{"server_time":"1681493415023"}') == 1681493415023
    assert parse_server_time_ms(b'{"server_time":1769660612070}') == 1769660612070


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"server_time":true}', b'{"server_time":-1}', b'{"server_time":"1e3"}']
)
def test_a_body_without_server_time_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedReply):
        parse_server_time_ms(body)


@requires_shared_specs
def test_published_samples_are_read() -> None:
    code, message = parse_error(
        spec_path("samples", "rest", "error_invalid_token.json").read_bytes()
    )
    assert code == "INVALID_TOKEN"
    assert message.startswith("invalid bearer jwt")
    token = parse_jwt_token(spec_path("samples", "rest", "auth_jwt_scrubbed.json").read_bytes())
    assert token.startswith("oooo")
    body = spec_path("samples", "rest", "system_time_integer.json").read_bytes()
    assert parse_server_time_ms(body) == 1769660612070
