"""Margin settings: set where they differ, read back, and refused where they do not hold."""

from typing import Any

import orjson
import pytest

from paradex_adapter.venue.errors import ConfigurationError, RequestRejected, VenueUnavailable
from paradex_adapter.venue.margin_settings import apply_margin_settings
from paradex_adapter_core.errors import CoreError

MARKET = "BTC-USD-PERP"
Row = dict[str, object]


class Venue:
    """Keeps one market's setting, and does with a new one what `take` says."""

    def __init__(self, row: Row | None) -> None:
        self.rows: list[Row] = [] if row is None else [{"market": MARKET, **row}]
        self.posted: list[Any] = []
        self.is_deaf = False
        self.error: Exception | None = None

    async def get_account_margin(self, market: str) -> bytes:
        assert market == MARKET
        return orjson.dumps({"account": "0x1", "configs": self.rows})

    async def post_account_margin(self, market: str, body: bytes) -> bytes:
        if self.error is not None:
            raise self.error
        row = orjson.loads(body)
        self.posted.append(row)
        if not self.is_deaf:
            self.rows = [{"market": market, **row}]
        return b"{}"


async def applied(venue: Venue, leverage: int, kind: str) -> dict[str, tuple[int, str]]:
    http: Any = venue
    return await apply_margin_settings(http, {MARKET: (leverage, kind)})


@pytest.mark.parametrize(
    "row",
    [
        {"leverage": 5, "margin_type": "CROSS"},
        {"leverage": 10, "margin_type": "ISOLATED"},
        None,
    ],
)
async def test_what_differs_is_set(row: Row | None) -> None:
    venue = Venue(row)
    assert await applied(venue, 10, "CROSS") == {MARKET: (10, "CROSS")}
    assert venue.posted == [{"leverage": 10, "margin_type": "CROSS"}]


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        ({"leverage": 10, "margin_type": "CROSS", "isolated_margin_leverage": 3}, (10, "CROSS")),
        ({"leverage": 10, "margin_type": "ISOLATED"}, (10, "ISOLATED")),
        (
            {"leverage": 10, "margin_type": "ISOLATED", "isolated_margin_leverage": 0},
            (10, "ISOLATED"),
        ),
        (
            {"leverage": 10, "margin_type": "ISOLATED", "isolated_margin_leverage": 3},
            (3, "ISOLATED"),
        ),
    ],
)
async def test_what_is_as_wanted_is_left_alone(row: Row, wanted: tuple[int, str]) -> None:
    venue = Venue(row)
    assert await applied(venue, *wanted) == {}
    assert venue.posted == []


async def test_the_leverage_of_cross_positions_is_not_that_of_isolated_ones() -> None:
    row = {"leverage": 10, "margin_type": "ISOLATED", "isolated_margin_leverage": 3}
    venue = Venue(row)
    await applied(venue, 10, "ISOLATED")
    assert venue.posted == [{"leverage": 10, "margin_type": "ISOLATED"}]


@pytest.mark.parametrize(
    ("row", "shown"), [(None, "no setting"), ({"leverage": 5, "margin_type": "CROSS"}, "5x CROSS")]
)
async def test_what_does_not_hold_is_said(row: Row | None, shown: str) -> None:
    venue = Venue(row)
    venue.is_deaf = True
    with pytest.raises(ConfigurationError, match=f"{MARKET}.*10x CROSS and shows {shown}"):
        await applied(venue, 10, "CROSS")


async def test_another_market_in_the_answer_is_not_taken_for_this_one() -> None:
    venue = Venue(None)
    venue.is_deaf = True
    venue.rows = [{"market": "ETH-USD-PERP", "leverage": 10, "margin_type": "CROSS"}]
    with pytest.raises(ConfigurationError, match="shows no setting"):
        await applied(venue, 10, "CROSS")


async def test_a_refusal_names_the_setting_and_no_answer_is_none() -> None:
    venue = Venue(None)
    venue.error = RequestRejected("POST", 400, "VALIDATION_ERROR", "leverage: must be 1 to 50")
    with pytest.raises(ConfigurationError, match="Paradex refuses it: VALIDATION_ERROR"):
        await applied(venue, 100, "CROSS")
    # Tried again by whoever connects; what the first try set is then found set.
    venue.error = VenueUnavailable("POST", "no answer")
    with pytest.raises(VenueUnavailable):
        await applied(venue, 10, "CROSS")


async def test_an_answer_that_cannot_be_read_is_an_error_not_a_setting() -> None:
    venue = Venue(None)
    http: Any = venue

    async def get_account_margin(market: str) -> bytes:
        return b'{"configs":7}'

    http.get_account_margin = get_account_margin
    with pytest.raises(CoreError):
        await applied(venue, 10, "CROSS")
