"""Markets and tickers."""

import json
from typing import Any

import pytest

from paradex_adapter_core.errors import MalformedMessage, MissingField, WrongType
from paradex_adapter_core.parsers import markets
from paradex_adapter_core.parsers.fields import WORDS_MAX
from paradex_adapter_core.vocabulary import (
    MARKET_CREATED,
    MARKET_DELETED,
    MARKET_SETTLED,
    MARKET_UPDATED,
)

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
    "option_cross_margin_params": {
        "imf": {"premium_multiplier": "1", "long_itm": "0.2"},
        "mmf": {"premium_multiplier": "0.5", "long_itm": "0.1"},
    },
    "tags": ["DEFI", "LAYER-1"],
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
    assert (market.imf_premium, market.mmf_premium) == (10**12, 5 * 10**11)
    assert market.tags == ("DEFI", "LAYER-1")
    assert market.info == MARKET


@pytest.mark.parametrize("tags", [None, []])
def test_market_without_tags(tags: object) -> None:
    (market,), counters = parse(tags=tags)
    assert (market.tags, counters) == ((), {})


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
        ({"tags": ["RWA", 1]}, "skipped row: wrong type in field tags"),
        ({"tags": ["RWA"] * (WORDS_MAX + 1)}, "skipped row: malformed tags"),
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


EVENT: dict[str, Any] = {
    "symbol": "BTC-USD-26DEC26-100000-C",
    "event_type": "UPDATED",
    "updated_at": 1762809600000,
    "changed_fields": {"price_tick_size": "0.5", "order_size_increment": "0.001"},
}


def event(**changes: object) -> Any:
    return markets.parse_market_event(json.dumps(EVENT | changes).encode())


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("CREATED", MARKET_CREATED),
        ("UPDATED", MARKET_UPDATED),
        ("SETTLED", MARKET_SETTLED),
        ("DELETED", MARKET_DELETED),
    ],
)
def test_kinds_of_market_events(word: str, code: int) -> None:
    assert event(event_type=word).event_type == code


def test_changed_grid_of_a_market() -> None:
    told = event()
    assert told.market == "BTC-USD-26DEC26-100000-C"
    assert told.changed_fields == ("price_tick_size", "order_size_increment")
    assert (told.price_tick_size, told.order_size_increment) == (50_000_000, 100_000)
    assert (told.settlement_price, told.underlying_twap_price) == (None, None)
    assert told.ts_event == 1762809600000 * 10**6


@pytest.mark.parametrize("changed", [{}, None])
def test_market_event_without_fields(changed: object) -> None:
    told = event(event_type="DELETED", changed_fields=changed)
    assert told.changed_fields == ()
    assert (told.price_tick_size, told.order_size_increment) == (None, None)


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("50000", 5_000_000_000_000),
        ('"50000.25"', 5_000_025_000_000),
        ("50000.25", 5_000_025_000_000),
        # As a float it would be 0.30000000000000004.
        ("0.30000000000000000001", 30_000_000),
        ("4e-05", 4_000),
        ("1.5E+2", 15_000_000_000),
        ("0", 0),
    ],
)
def test_prices_of_a_settlement_are_read_without_a_float(text: str, units: int) -> None:
    told = markets.parse_market_event(
        b'{"symbol": "X", "event_type": "SETTLED", "updated_at": "5",'
        b' "changed_fields": {"settlement_price": ' + text.encode() + b","
        b' "underlying_twap_price": ' + text.encode() + b"}}"
    )
    assert (told.settlement_price, told.underlying_twap_price) == (units, units)


def test_market_event_of_an_unknown_kind_is_counted_and_kept() -> None:
    counters: dict[str, int] = {}
    told = markets.parse_market_event(
        json.dumps(EVENT | {"event_type": "PAUSED"}).encode(), counters
    )
    assert told.event_type == 0
    assert counters == {"unknown event_type PAUSED": 1}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"symbol": ""}, MissingField),
        ({"event_type": None}, MissingField),
        ({"updated_at": None}, MissingField),
        ({"changed_fields": []}, WrongType),
        ({"changed_fields": {"price_tick_size": "0"}}, MalformedMessage),
        ({"changed_fields": {"order_size_increment": "-1"}}, MalformedMessage),
        ({"changed_fields": {"settlement_price": "NaN"}}, MalformedMessage),
        ({"changed_fields": {"settlement_price": float("nan")}}, MalformedMessage),
    ],
)
def test_market_event_that_cannot_be_read(
    changes: dict[str, Any], error: type[MalformedMessage]
) -> None:
    with pytest.raises(error):
        event(**changes)


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"null", b"{", b"\xff", b"[" * 100_000, b'{"a": 1e99999999}']
)
def test_no_market_event_at_all(data: bytes) -> None:
    with pytest.raises(MalformedMessage):
        markets.parse_market_event(data)


def test_settlement_price() -> None:
    told = markets.parse_market_settlement(
        b'{"symbol": "BTC-USD-15SEP25-55000-C", "expiry_at": 1758326400000,'
        b' "settlement_price": "5000", "underlying_twap_price": "60000.123456789"}'
    )
    assert told.market == "BTC-USD-15SEP25-55000-C"
    assert told.settlement_price == 5000 * 10**8
    assert told.underlying_twap_price == 6000012345679
    assert told.ts_expiry == 1758326400000 * 10**6


@pytest.mark.parametrize("price", ["", "-1", "worthless"])
def test_settlement_without_a_price_is_refused(price: str) -> None:
    body = json.dumps({"symbol": "X", "expiry_at": 1, "settlement_price": price}).encode()
    with pytest.raises(MalformedMessage):
        markets.parse_market_settlement(body)
