"""Markets and tickers."""

import json
from typing import Any

import pytest

from paradex_adapter_core.parsers import markets

MARKET: dict[str, Any] = {
    "symbol": "HYPE-USD-30OCT26-102_5-P",
    "asset_kind": "OPTION",
    "base_currency": "HYPE",
    "quote_currency": "USD",
    "settlement_currency": "USDC",
    "price_tick_size": "0.00000001",
    "order_size_increment": "1",
    "min_notional": "3",
    "option_type": "PUT",
    "strike_price": "102.5",
    "expiry_at": 1793347200000,
    "delta1_cross_margin_params": None,
    "trading_mode": "RFQ_ONLY",
    "fee_config": {
        "api_fee": {
            "maker_fee": {"fee": "-0.00003"},
            "taker_fee": {"fee": "0.00045", "fee_cap": "0.125"},
        }
    },
}
SUMMARY: dict[str, Any] = {"symbol": "ETH-USD", "mark_price": "1994.62", "created_at": "5"}


def parse(**changes: object) -> tuple[list[Any], dict[str, int]]:
    counters: dict[str, int] = {}
    body = json.dumps({"results": [MARKET | changes]}).encode()
    return markets.parse_markets(body, counters), counters


def test_market_with_fees() -> None:
    (market,), counters = parse()
    assert counters == {}
    assert (market.maker_fee, market.taker_fee) == (-30_000_000, 450_000_000)
    assert (market.price_tick_size, market.order_size_increment) == (1, 10**8)
    assert (market.asset_kind, market.option_type, market.trading_mode) == (2, 2, 2)
    assert (market.strike_price, market.ts_expiry) == (10250000000, 1793347200000 * 10**6)
    assert market.info == MARKET


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"price_tick_size": "0"}, "skipped row: malformed price_tick_size"),
        ({"price_tick_size": "-1"}, "skipped row: malformed price_tick_size"),
        ({"price_tick_size": "0.000000001"}, "skipped row: malformed price_tick_size"),
        ({"order_size_increment": ""}, "skipped row: missing field order_size_increment"),
        ({"symbol": None}, "skipped row: missing field symbol"),
        ({"fee_config": []}, "skipped row: wrong type in field fee_config"),
        ({"expiry_at": -1}, "skipped row: malformed expiry_at"),
        ({"funding_period_hours": -1}, "skipped row: malformed funding_period_hours"),
    ],
)
def test_market_that_cannot_be_traded_is_skipped_and_counted(
    changes: dict[str, Any], key: str
) -> None:
    assert parse(**changes) == ([], {key: 1})


def test_unknown_kind_of_market_is_counted_and_kept() -> None:
    (market,), counters = parse(asset_kind="SWAPTION")
    assert market.asset_kind == 0
    assert counters == {"unknown asset_kind SWAPTION": 1}


def summary(**changes: object) -> Any:
    body = json.dumps({"results": [SUMMARY | changes]}).encode()
    (told,) = markets.parse_market_summaries(body)
    return told


def test_delta_of_the_greeks_is_preferred() -> None:
    assert summary(delta="0.5", greeks={"delta": "0.25"}).delta == 250_000_000_000
    assert summary(delta="0.5", greeks={"gamma": "1"}).delta == 500_000_000_000
    assert summary(delta="0.5").delta == 500_000_000_000
    assert summary().delta is None


def test_empty_numbers_of_a_ticker_are_none() -> None:
    told = summary(bid="", funding_rate="", price_change_rate_24h="")
    assert (told.bid, told.funding_rate, told.price_change_rate_24h) == (None, None, None)
    assert (told.market, told.mark_price, told.ts_event) == ("ETH-USD", 199462000000, 5 * 10**6)
