"""What fees in DIME are worth in USDC."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from paradex_adapter.venue import fee_token
from paradex_adapter.venue.errors import VenueUnavailable
from paradex_adapter.venue.fee_token import FeeToken
from tests.account_messages import fill

ONE = 10**8


class Venue:
    """Tells the price of DIME, or fails."""

    def __init__(self) -> None:
        self.asked = 0
        self.row: dict[str, Any] | None = {
            "symbol": "DIME-USD",
            "mark_price": "0.5",
            "created_at": 1,
        }

    async def get_markets_summary(self, market: str) -> bytes:
        assert market == "DIME-USD"
        self.asked += 1
        if self.row is None:
            raise VenueUnavailable("summary", "down")
        return orjson.dumps({"results": [self.row]})


@pytest.fixture
def venue() -> Venue:
    return Venue()


@pytest.fixture
async def token(venue: Venue, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FeeToken]:
    monkeypatch.setattr(fee_token, "POLL_SECS", 0.001)
    token = FeeToken(venue)  # type: ignore[arg-type]
    yield token
    await token.close()


async def asked_again(venue: Venue) -> None:
    wanted = venue.asked + 2
    async with asyncio.timeout(5):
        while venue.asked < wanted:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.001)


def paid(fee: int, currency: str = "DIME") -> Any:
    return fill("1", ONE, fee=fee, fee_currency=currency)


async def test_a_fee_is_valued_at_the_price_of_now(venue: Venue, token: FeeToken) -> None:
    token.follow("DIME", 1)
    await asked_again(venue)
    assert [token.find_value(paid(fee)) for fee in (4, 3, 5, -3)] == [2, 2, 2, -2]
    assert token.find_value(paid(4, "USDC")) is None
    venue.row = {"symbol": "DIME-USD", "last_traded_price": "2", "created_at": 1}
    await asked_again(venue)
    assert token.find_value(paid(4)) == 8


async def test_nobody_asks_for_an_account_without_the_token(venue: Venue, token: FeeToken) -> None:
    token.follow("DIME", 0)
    token.follow("ETH", 1)
    await asyncio.sleep(0)
    assert venue.asked == 0
    assert token.find_value(paid(4)) is None


async def test_an_old_price_is_none(
    venue: Venue, token: FeeToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    token.follow("DIME", 1)
    await asked_again(venue)
    venue.row = None
    await asked_again(venue)
    assert token.find_value(paid(4)) == 2
    monkeypatch.setattr(fee_token, "AGE_SECS_MAX", 0.0)
    assert token.find_value(paid(4)) is None
