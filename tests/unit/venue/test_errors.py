"""The error tree: who must act, in words built from fields, without secrets."""

import pytest

from paradex_adapter.venue import errors
from paradex_adapter.venue.errors import (
    EXCERPT_CHARS_MAX,
    AuthenticationError,
    ClockSkewed,
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


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ConfigurationError("private_key", "it is missing"), "private_key: it is missing"),
        (InvalidRequest("side", "is odd"), "side is odd"),
        (
            RequestRejected("POST /orders", 400, "INVALID_ORDER_SIZE", "too small"),
            "POST /orders: rejected (400 INVALID_ORDER_SIZE too small)",
        ),
        (RequestRejected("GET /x", 404, "", ""), "GET /x: rejected (404)"),
        (RateLimited("orders", 1.5), "orders: rate limited, retry after 1.5 s"),
        (NotSent("POST /orders", "ConnectError"), "POST /orders: not sent (ConnectError)"),
        (OutcomeUnknown("POST /orders", "504"), "POST /orders: outcome unknown (504)"),
        (VenueUnavailable("GET /fills", "503"), "GET /fills: venue unavailable (503)"),
        (MalformedReply("GET /fills", "too long"), "GET /fills: malformed reply (too long)"),
    ],
)
def test_the_wording_is_built_from_the_fields(error: ParadexError, text: str) -> None:
    assert str(error) == text


def test_the_clock_error_says_which_way_and_how_far() -> None:
    assert "7000 ms behind the venue's" in str(ClockSkewed(7000, 5000))
    error = ClockSkewed(-7000, 5000)
    assert "7000 ms ahead of the venue's" in str(error)
    assert "5000 ms" in str(error)
    assert isinstance(error, ConfigurationError)


def test_the_authentication_error_says_what_to_check() -> None:
    error = AuthenticationError("POST /auth", 401, "INVALID_SUBKEY", "unknown key")
    assert (error.status, error.code, error.message) == (401, "INVALID_SUBKEY", "unknown key")
    assert "private key" in str(error)


def test_text_of_the_venue_is_cut_and_printable() -> None:
    error = RequestRejected("GET /x", 400, "C" * 1000, "<html>\n\x1b[31m" + "x" * 100_000)
    assert len(error.message) <= EXCERPT_CHARS_MAX
    assert len(error.code) <= EXCERPT_CHARS_MAX
    assert str(error).isprintable()
    assert len(OutcomeUnknown("POST /orders", "y" * 10_000).reason) == EXCERPT_CHARS_MAX


def test_every_error_is_drawn_in_the_tree() -> None:
    classes = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, ParadexError) and name[0] != "_"
    }
    assert errors.__doc__ is not None
    drawn = {line.split("─ ")[1].split()[0] for line in errors.__doc__.splitlines() if "─ " in line}
    assert drawn | {"ParadexError"} == classes
