"""Tokens: one request for all who wait, refreshed in time, and clear words when it fails."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Iterator

import httpx
import pytest
import respx
from starknet_py.hash.utils import verify_message_signature

from paradex_adapter.venue import auth
from paradex_adapter.venue.auth import (
    EXPIRY_MARGIN_SECS,
    REFRESH_AGE_SECS,
    REFRESH_RETRY_SECS,
    SIGNATURE_LIFETIME_SECS,
    TokenProvider,
    check_clock,
    measure_clock_offset_ms,
    wall_clock_ms,
)
from paradex_adapter.venue.credentials import Credentials
from paradex_adapter.venue.errors import (
    AuthenticationError,
    ClockSkewed,
    MalformedReply,
    VenueUnavailable,
)
from paradex_adapter.venue.http import HttpClient
from paradex_adapter.venue.signing import OrderSigner

BASE = "https://api.example.test/v1"
ACCOUNT = 0x129C135ED63DF9353885E292BE4426B8ED6122B13C6C0E1BB787288A1F5ADFA
KEY = 0x1A2B3C4D5E6F
START_MS = 1_795_000_000_500


class Clock:
    """The wall clock of the test."""

    def __init__(self) -> None:
        self.ms = START_MS

    def __call__(self) -> int:
        return self.ms

    def pass_secs(self, secs: float) -> None:
        self.ms += int(secs * 1000)


def jwt(number: int, lifetime_secs: int = 300) -> str:
    claims = {"iat": 1_600_000_000, "exp": 1_600_000_000 + lifetime_secs}
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"head.{payload}.{number}"


def reply(number: int, lifetime_secs: int = 300) -> httpx.Response:
    return httpx.Response(200, json={"jwt_token": jwt(number, lifetime_secs)})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def venue() -> Iterator[respx.MockRouter]:
    with respx.mock(base_url=BASE, using="httpx", assert_all_called=False) as router:
        router.get("/system/time").respond(503)
        yield router


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    client = HttpClient(BASE, max_retries=0)
    yield client
    await client.close()


@pytest.fixture
def signer() -> OrderSigner:
    return OrderSigner(Credentials(ACCOUNT, KEY), "PRIVATE_SN_PARACLEAR_MAINNET")


@pytest.fixture
async def provider(
    http: HttpClient, signer: OrderSigner, clock: Clock
) -> AsyncIterator[TokenProvider]:
    tokens = TokenProvider(http, signer, now_ms=clock)
    yield tokens
    await tokens.close()


@pytest.fixture
def route(venue: respx.MockRouter, signer: OrderSigner) -> respx.Route:
    return venue.post(f"/auth/{signer.public_key_hex}")


async def until(is_met: Callable[[], bool]) -> None:
    """Let other tasks run until the condition holds, five seconds at most."""
    async with asyncio.timeout(5):
        while not is_met():  # noqa: ASYNC110 - what is waited for signals nobody
            await asyncio.sleep(0)


async def test_the_request_is_signed_by_the_key_it_names(
    provider: TokenProvider, route: respx.Route, signer: OrderSigner
) -> None:
    route.mock(return_value=reply(1))
    assert await provider.token() == jwt(1)
    headers = route.calls.last.request.headers
    timestamp = int(headers["paradex-timestamp"])
    expiration = int(headers["paradex-signature-expiration"])
    assert (timestamp, expiration) == (START_MS // 1000, START_MS // 1000 + SIGNATURE_LIFETIME_SECS)
    signature = [int(part) for part in json.loads(headers["paradex-starknet-signature"])]
    message_hash = signer.hasher.hash_auth(timestamp, expiration)
    assert verify_message_signature(message_hash, signature, int(signer.public_key_hex, 16))
    assert headers["paradex-starknet-account"] == hex(ACCOUNT)


async def test_the_request_bears_the_venues_time(
    http: HttpClient, signer: OrderSigner, clock: Clock, route: respx.Route
) -> None:
    route.mock(return_value=reply(1))
    tokens = TokenProvider(http, signer, clock_offset_ms=-90_000, now_ms=clock)
    await tokens.token()
    headers = route.calls.last.request.headers
    timestamp, expiration = START_MS // 1000 - 90, START_MS // 1000 - 90 + SIGNATURE_LIFETIME_SECS
    assert headers["paradex-timestamp"] == str(timestamp)
    signature = [int(part) for part in json.loads(headers["paradex-starknet-signature"])]
    message_hash = signer.hasher.hash_auth(timestamp, expiration)
    assert verify_message_signature(message_hash, signature, int(signer.public_key_hex, 16))


async def test_a_token_nobody_asks_for_is_refreshed_ahead_of_its_end(
    provider: TokenProvider, route: respx.Route, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "REFRESH_AGE_SECS", 0.01)
    route.mock(side_effect=[reply(number) for number in range(50)])
    await provider.token()
    await until(lambda: route.call_count > 3)
    await provider.close()
    assert provider._timer is not None
    assert provider._timer.cancelled()


async def test_the_venues_time_is_followed_by_the_tokens(
    provider: TokenProvider, route: respx.Route, venue: respx.MockRouter, clock: Clock
) -> None:
    route.mock(side_effect=[reply(1), reply(2), reply(3)])
    await provider.token()
    assert provider.clock_offset_ms == 0
    clock.pass_secs(300)
    venue.get("/system/time").respond(200, json={"server_time": clock.ms + 60_000})
    assert await provider.token() == jwt(2)
    assert provider.clock_offset_ms == 60_000
    assert route.calls.last.request.headers["paradex-timestamp"] == str((clock.ms + 60_000) // 1000)
    # Without an answer it stays.
    clock.pass_secs(300)
    venue.get("/system/time").respond(503)
    assert await provider.token() == jwt(3)
    assert provider.clock_offset_ms == 60_000


async def test_a_distrusted_clock_is_measured_once_in_a_while(
    provider: TokenProvider, route: respx.Route, venue: respx.MockRouter, clock: Clock
) -> None:
    route.mock(side_effect=[reply(number) for number in range(9)])
    await provider.token()
    venue.get("/system/time").respond(200, json={"server_time": clock.ms + 90_000})
    provider.distrust_clock()
    assert provider.clock_offset_ms == 0
    clock.pass_secs(REFRESH_RETRY_SECS + 1)
    venue.get("/system/time").respond(200, json={"server_time": clock.ms + 90_000})
    for _ in range(3):
        provider.distrust_clock()
    await until(lambda: provider.clock_offset_ms == 90_000)
    await until(lambda: route.call_count == 2)


async def test_a_token_is_kept_until_it_is_due(
    provider: TokenProvider, route: respx.Route, clock: Clock
) -> None:
    route.mock(side_effect=[reply(1), reply(2)])
    for _ in range(3):
        assert await provider.token() == jwt(1)
        clock.pass_secs(REFRESH_AGE_SECS / 3 - 1)
    assert route.call_count == 1


async def test_a_due_token_serves_while_the_next_is_fetched(
    provider: TokenProvider, route: respx.Route, clock: Clock
) -> None:
    route.mock(side_effect=[reply(1), reply(2)])
    await provider.token()
    clock.pass_secs(REFRESH_AGE_SECS)
    assert await provider.token() == jwt(1)
    assert await provider.token() == jwt(1)
    await until(lambda: provider._refresh is None)
    assert await provider.token() == jwt(2)
    assert route.call_count == 2


async def test_a_refresh_that_fails_is_repeated_later_and_the_old_token_serves(
    provider: TokenProvider,
    route: respx.Route,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    route.mock(side_effect=[reply(1), httpx.Response(503), reply(3)])
    await provider.token()
    clock.pass_secs(REFRESH_AGE_SECS)
    assert await provider.token() == jwt(1)
    await until(lambda: bool(caplog.records))
    assert "not refreshed" in caplog.text
    assert "head." not in caplog.text
    assert await provider.token() == jwt(1)
    assert route.call_count == 2
    clock.pass_secs(REFRESH_RETRY_SECS)
    assert await provider.token() == jwt(1)
    await until(lambda: route.call_count == 3)


async def test_an_expired_token_is_never_returned(
    provider: TokenProvider, route: respx.Route, clock: Clock
) -> None:
    route.mock(side_effect=[reply(1), reply(2), httpx.Response(503)])
    await provider.token()
    clock.pass_secs(300 - EXPIRY_MARGIN_SECS)
    assert await provider.token() == jwt(2)
    clock.pass_secs(300)
    with pytest.raises(VenueUnavailable):
        await provider.token()


async def test_a_token_of_shorter_life_is_renewed_sooner(
    provider: TokenProvider, route: respx.Route, clock: Clock
) -> None:
    route.mock(side_effect=[reply(1, 60), reply(2, 60)])
    await provider.token()
    clock.pass_secs(60 - EXPIRY_MARGIN_SECS)
    assert await provider.token() == jwt(2, 60)


async def test_a_token_that_claims_a_long_life_is_renewed_all_the_same(
    provider: TokenProvider, route: respx.Route, clock: Clock
) -> None:
    route.mock(side_effect=[reply(1, 10**9), reply(2)])
    await provider.token()
    clock.pass_secs(300)
    assert await provider.token() == jwt(2)


async def test_a_clock_that_was_set_back_asks_again(
    provider: TokenProvider, route: respx.Route, clock: Clock
) -> None:
    route.mock(side_effect=[reply(1), reply(2)])
    await provider.token()
    clock.pass_secs(-3600)
    assert await provider.token() == jwt(2)


async def test_concurrent_callers_share_one_request(
    provider: TokenProvider, route: respx.Route
) -> None:
    asked, gate = asyncio.Event(), asyncio.Event()

    async def answer(request: httpx.Request) -> httpx.Response:
        asked.set()
        await gate.wait()
        return reply(1)

    route.mock(side_effect=answer)
    callers = [asyncio.create_task(provider.token()) for _ in range(20)]
    await asyncio.wait_for(asked.wait(), 5)
    # One caller who gives up does not take the token from the others.
    callers[0].cancel()
    await asyncio.sleep(0)
    gate.set()
    tokens = await asyncio.gather(*callers, return_exceptions=True)
    assert isinstance(tokens[0], asyncio.CancelledError)
    assert set(tokens[1:]) == {jwt(1)}
    assert route.call_count == 1


async def test_concurrent_callers_share_one_failure_and_the_next_tries_again(
    provider: TokenProvider, route: respx.Route
) -> None:
    route.mock(side_effect=[httpx.Response(503), reply(2)])
    callers = [asyncio.create_task(provider.token()) for _ in range(5)]
    results = await asyncio.gather(*callers, return_exceptions=True)
    assert all(isinstance(result, VenueUnavailable) for result in results)
    assert route.call_count == 1
    assert await provider.token() == jwt(2)


async def test_an_invalidated_token_is_replaced_and_a_newer_one_kept(
    provider: TokenProvider, route: respx.Route
) -> None:
    route.mock(side_effect=[reply(1), reply(2), reply(3)])
    first = await provider.token()
    provider.invalidate(first)
    assert await provider.token() == jwt(2)
    provider.invalidate(first)
    assert await provider.token() == jwt(2)
    assert route.call_count == 2


async def test_closing_stops_a_refresh(provider: TokenProvider, route: respx.Route) -> None:
    asked = asyncio.Event()

    async def answer(request: httpx.Request) -> httpx.Response:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    route.mock(side_effect=answer)
    caller = asyncio.create_task(provider.token())
    await asyncio.wait_for(asked.wait(), 5)
    await provider.close()
    with pytest.raises(asyncio.CancelledError):
        await caller


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, "STARKNET_SIGNATURE_VERIFICATION_FAILED"),
        (400, "NOT_ONBOARDED"),
        (403, "IP_NOT_ALLOWED"),
        (401, "INVALID_TOKEN"),
    ],
)
async def test_a_refused_account_or_key_is_an_authentication_error(
    provider: TokenProvider, route: respx.Route, status: int, code: str
) -> None:
    route.respond(status, json={"error": code, "message": "no"})
    with pytest.raises(AuthenticationError) as caught:
        await provider.token()
    assert (caught.value.status, caught.value.code) == (status, code)
    assert route.call_count == 1


async def test_a_reply_without_a_token_is_malformed(
    provider: TokenProvider, route: respx.Route
) -> None:
    route.respond(200, json={"token": "x"})
    with pytest.raises(MalformedReply, match="jwt_token"):
        await provider.token()


@pytest.mark.parametrize("offset_ms", [400_000, -400_000])
async def test_a_refused_timestamp_is_explained_by_the_measured_offset(
    provider: TokenProvider,
    route: respx.Route,
    venue: respx.MockRouter,
    offset_ms: int,
) -> None:
    route.respond(401, json={"error": "INVALID_TIMESTAMP", "message": "timestamp too old"})
    venue.get("/system/time").respond(200, json={"server_time": str(START_MS + offset_ms)})
    with pytest.raises(ClockSkewed) as caught:
        await provider.token()
    assert caught.value.offset_ms == offset_ms
    assert "400000 ms" in str(caught.value)


async def test_a_refused_timestamp_with_a_good_clock_stays_the_venues_word(
    provider: TokenProvider, route: respx.Route, venue: respx.MockRouter
) -> None:
    route.respond(401, json={"error": "INVALID_TIMESTAMP", "message": "odd"})
    venue.get("/system/time").respond(200, json={"server_time": START_MS + 10})
    with pytest.raises(AuthenticationError, match="INVALID_TIMESTAMP"):
        await provider.token()


async def test_a_refused_timestamp_without_the_venues_time_stays_the_venues_word(
    provider: TokenProvider, route: respx.Route, venue: respx.MockRouter
) -> None:
    route.respond(401, json={"error": "INVALID_TIMESTAMP", "message": "odd"})
    venue.get("/system/time").respond(503)
    with pytest.raises(AuthenticationError, match="INVALID_TIMESTAMP"):
        await provider.token()


async def test_the_clock_is_checked_against_the_receive_window(
    http: HttpClient, venue: respx.MockRouter, clock: Clock
) -> None:
    time = venue.get("/system/time")
    time.respond(200, json={"server_time": START_MS + 5_000})
    assert await check_clock(http, 5_000, clock) == 5_000
    with pytest.raises(ClockSkewed) as caught:
        await check_clock(http, 4_999, clock)
    assert (caught.value.offset_ms, caught.value.limit_ms) == (5_000, 4_999)
    time.respond(200, json={"server_time": START_MS - 5_000})
    with pytest.raises(ClockSkewed):
        await check_clock(http, 4_999, clock)


async def test_half_the_round_trip_is_accounted_for(
    http: HttpClient, venue: respx.MockRouter, clock: Clock
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        clock.pass_secs(2)
        return httpx.Response(200, json={"server_time": START_MS + 1_000})

    venue.get("/system/time").mock(side_effect=answer)
    assert await measure_clock_offset_ms(http, clock) == 0


def test_the_wall_clock_counts_unix_milliseconds() -> None:
    assert 1_700_000_000_000 < wall_clock_ms() < 10_000_000_000_000
