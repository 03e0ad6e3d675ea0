"""The venue about itself."""

import pytest

from paradex_adapter_core.errors import MalformedMessage, MissingField
from paradex_adapter_core.parsers import system


def test_clock_comes_as_text_or_number() -> None:
    for body in (b'{"server_time": "1769660612070"}', b'{"server_time": 1769660612070}'):
        assert system.parse_system_time(body) == 1769660612070 * 10**6
    with pytest.raises(MissingField):
        system.parse_system_time(b"{}")


def test_state_is_the_word_of_the_venue() -> None:
    assert system.parse_system_state(b'{"status": "cancel_only"}') == "cancel_only"
    with pytest.raises(MissingField):
        system.parse_system_state(b'{"status": ""}')


def test_configuration_must_name_the_chain() -> None:
    config = system.parse_system_config(b'{"starknet_chain_id": "X", "environment": "testnet"}')
    assert (config.starknet_chain_id, config.environment) == ("X", "testnet")
    assert (config.paraclear_decimals, config.l1_chain_id) == (0, "")
    with pytest.raises(MissingField, match="starknet_chain_id"):
        system.parse_system_config(b"{}")


@pytest.mark.parametrize(
    "body",
    [b'{"jwt_token": 5, "s": "top-secret"}', b'top-secret', b'{"token": "top-secret"}',
     b'{"jwt_token": "' + b"top-secret" * 500 + b'"}'],
)  # fmt: skip
def test_answer_without_a_token_is_refused_without_quoting_it(body: bytes) -> None:
    with pytest.raises(MalformedMessage) as caught:
        system.parse_jwt_reply(body)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_token_is_given() -> None:
    assert system.parse_jwt_reply(b'{"jwt_token": "abc"}') == "abc"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"error": "NOT_FOUND", "message": "gone", "data": null}', ("NOT_FOUND", "gone")),
        (b'{"message": "rate limit exceeded"}', ("", "rate limit exceeded")),
        (b"<html>502 Bad Gateway</html>", ("", "<html>502 Bad Gateway</html>")),
        (b'{"error": {"code": 5}}', ("", '{"error": {"code": 5}}')),
        (b"", ("", "")),
        (b"\xff" * 500, ("", "\ufffd" * 80)),
    ],
)
def test_any_error_body_gives_a_code_and_a_message(body: bytes, error: tuple[str, str]) -> None:
    assert system.parse_api_error(body) == error
