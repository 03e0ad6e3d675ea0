"""Public JSON: trades, quotes, books, funding, bars."""

import json
from typing import Any

import pytest

from paradex_adapter_core.errors import MalformedMessage, MissingField, UnknownWord, WrongType
from paradex_adapter_core.parsers import market_data
from paradex_adapter_core.parsers.fields import BODY_BYTES_MAX

E8 = 10**8
MS = 1_718_377_985_388
NS = MS * 10**6

BBO: dict[str, Any] = {
    "market": "BTC-USD-PERP",
    "seq_no": 7,
    "bid": "10.5",
    "bid_size": "1",
    "ask": "11",
    "ask_size": "2",
    "last_updated_at": MS,
}
TRADE: dict[str, Any] = {
    "id": "1718377985380201703994000001",
    "market": "BTC-USD-PERP",
    "side": "SELL",
    "size": "0.026",
    "price": "83894.04692005321",
    "created_at": str(MS),
    "trade_type": "LIQUIDATION",
}
BOOK: dict[str, Any] = {
    "seq_no": "12",
    "market": "BTC-USD-PERP",
    "last_updated_at": MS,
    "update_type": "d",
    "inserts": [{"side": "BUY", "price": "10", "size": "1"}],
    "updates": [{"side": "SELL", "price": "12", "size": "2"}],
    "deletes": [{"side": "BUY", "price": "9"}],
}
FUNDING: dict[str, Any] = {
    "market": "BTC-USD-PERP",
    "funding_index": "23783.38003302000339",
    "funding_premium": "5.95450888856631133",
    "funding_rate": "0.00007378239272",
    "funding_rate_8h": "",
    "funding_period_hours": 0,
    "created_at": MS,
}


def page(*rows: object, **extra: object) -> bytes:
    return json.dumps({"results": rows} | extra).encode()


def test_quote() -> None:
    expected = (2, "BTC-USD-PERP", 7, 1050000000, E8, 11 * E8, 2 * E8, NS)
    assert market_data.read_bbo(dict(BBO)) == expected


def test_empty_side_of_a_quote_is_none() -> None:
    bid_only = market_data.read_bbo(BBO | {"ask": "", "ask_size": ""})
    assert bid_only[3:7] == (1050000000, E8, None, None)
    ask_only = market_data.read_bbo(BBO | {"bid": "0", "bid_size": "0"})
    assert ask_only[3:7] == (None, None, 11 * E8, 2 * E8)
    with pytest.raises(MissingField, match="bid_size"):
        market_data.read_bbo(BBO | {"bid_size": ""})


def test_rest_book_is_a_snapshot() -> None:
    rest = {
        "market": "BTC-USD-PERP",
        "seq_no": 5,
        "last_updated_at": MS,
        "bids": [["10", "1"], ["9.5", "2"]],
        "asks": [],
    }
    body = json.dumps(rest).encode()
    assert market_data.parse_orderbook(body) == (
        3, "BTC-USD-PERP", 5, True, (10 * E8, E8, 950000000, 2 * E8), (), NS,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("bids", "error"),
    [
        ([["10"]], WrongType),
        ([{"price": "1"}], WrongType),
        ([["10", ""]], MissingField),
        ([["10", "-1"]], MalformedMessage),
        ([["10", "0.000000001"]], MalformedMessage),
        ([["1", "1"]] * (market_data.LEVELS_MAX + 1), MalformedMessage),
    ],
)
def test_rest_book_that_cannot_be_read_is_refused(
    bids: list[Any], error: type[MalformedMessage]
) -> None:
    rest = {"market": "m", "seq_no": 5, "last_updated_at": MS, "bids": bids, "asks": []}
    with pytest.raises(MalformedMessage) as caught:
        market_data.parse_orderbook(json.dumps(rest).encode())
    assert caught.type is error


def test_book_update_flattens_deletions_updates_and_insertions() -> None:
    assert market_data.read_book_update(BOOK) == (
        3, "BTC-USD-PERP", 12, False, (9 * E8, 0, 10 * E8, E8), (12 * E8, 2 * E8), NS,
    )  # fmt: skip
    snapshot = BOOK | {"update_type": "s", "updates": [], "deletes": None}
    assert market_data.read_book_update(snapshot)[3:6] == (True, (10 * E8, E8), ())


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"update_type": "x"}, UnknownWord),
        ({"inserts": [{"side": "HOLD", "price": "1", "size": "1"}]}, UnknownWord),
        ({"inserts": [{"side": "BUY", "price": "1"}]}, MissingField),
        ({"inserts": [{"side": "BUY", "price": "1", "size": "-1"}]}, MalformedMessage),
        ({"inserts": ["x"]}, WrongType),
        ({"inserts": [{}] * (market_data.LEVELS_MAX + 1)}, MalformedMessage),
        ({"seq_no": None}, MissingField),
    ],
)
def test_book_update_that_cannot_be_read_is_refused(
    change: dict[str, Any], error: type[MalformedMessage]
) -> None:
    with pytest.raises(MalformedMessage) as caught:
        market_data.read_book_update(BOOK | change)
    assert caught.type is error


def test_trades_round_their_prices_and_skip_what_cannot_be_read() -> None:
    counters: dict[str, int] = {}
    body = page(TRADE, TRADE | {"size": "-1"}, TRADE | {"trade_type": "AUCTION"}, next="c")
    trades, cursor = market_data.parse_trades(body, counters)
    expected = (1, "BTC-USD-PERP", TRADE["id"], 2, 8389404692005, 2600000, 2, 0, NS)
    assert trades == [expected, (*expected[:6], 0, *expected[7:])]
    assert cursor == "c"
    assert counters == {"skipped row: malformed size": 1, "unknown trade_type AUCTION": 1}


def test_funding_rounds_and_leaves_out() -> None:
    (funding,), cursor = market_data.parse_funding_data(page(FUNDING))
    assert cursor is None
    assert (funding.funding_rate, funding.funding_rate_8h) == (73782393, None)
    assert (funding.funding_index, funding.funding_premium) == (2378338003302, 595450889)
    assert (funding.impact_premium_rate, funding.funding_period_hours) == (None, 0)
    assert (funding.market, funding.seq_no, funding.ts_event) == ("BTC-USD-PERP", 0, NS)
    counters: dict[str, int] = {}
    lying = FUNDING | {"funding_period_hours": -8}
    assert market_data.parse_funding_data(page(lying), counters) == ([], None)
    assert counters == {"skipped row: malformed funding_period_hours": 1}


def test_funding_rate_comparison() -> None:
    row = {
        "symbol": "BTC-USD-PERP",
        "asset_kind": "PERP",
        "source": "OKX",
        "last_updated_at": MS,
        "hourly_funding_rate": "-0.000000000001",
    }
    counters: dict[str, int] = {}
    told = market_data.read_funding_rate_comparison(row, counters)
    assert (told.market, told.asset_kind, told.source) == ("BTC-USD-PERP", 1, 4)
    assert (told.hourly_funding_rate, told.ts_updated, told.ts_event) == (-1, NS, NS)
    other = market_data.read_funding_rate_comparison(row | {"source": "NASDAQ"}, counters)
    assert other.source == 0
    assert counters == {"unknown source NASDAQ": 1}


def test_bars_are_read_from_the_digits_of_their_numbers() -> None:
    # The first number has no exact double: read through one it would be off by 2e-8.
    body = b'{"results": [[1719993660000, 92233720368.54775807, 2, 1.5, 1.50, 4561]]}'
    assert market_data.parse_klines(body) == [
        (1719993660000 * 10**6, 2**63 - 1, 2 * E8, 150000000, 150000000, 4561 * E8)
    ]


def test_small_numbers_of_bars_come_with_an_exponent() -> None:
    body = b'{"results": [[1, 9e-7, 9.5e-07, 9e-7, 9.25E-7, 1e3]]}'
    assert market_data.parse_klines(body) == [(10**6, 90, 95, 90, 92, 1000 * E8)]


def test_bars_that_cannot_be_read_are_skipped_and_counted() -> None:
    counters: dict[str, int] = {}
    body = b'{"results": [[1,2], 5, [1,1,1,1,1,-1], [1,NaN,1,1,1,1], [1,1e9999,1,1,1,1]]}'
    assert market_data.parse_klines(body, counters) == []
    assert counters == {
        "skipped row: wrong type in field kline": 2,
        "skipped row: malformed volume": 1,
        "skipped row: malformed open": 2,
    }


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 200_000, b"[]"])
def test_bars_in_an_unreadable_body_are_refused(body: bytes) -> None:
    with pytest.raises(MalformedMessage, match="'body'"):
        market_data.parse_klines(body)


def test_size_of_the_bars_is_bounded() -> None:
    with pytest.raises(MalformedMessage, match="long"):
        market_data.parse_klines(b" " * (BODY_BYTES_MAX + 1))
