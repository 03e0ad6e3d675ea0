"""Every sample of the venue's payloads is parsed to values written here, or refused by name.

Numbers are integers of 1e-8, rates of 1e-12, times nanoseconds. A sample without a case fails.
"""

import base64
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import orjson
import pytest

from paradex_adapter.venue import replies
from paradex_adapter_core.errors import MissingField
from paradex_adapter_core.messages.connection import OtherPush, RpcError, RpcResult
from paradex_adapter_core.messages.frame import Message
from paradex_adapter_core.messages.orders import TradeBust
from paradex_adapter_core.parsers import account, batches, market_data, markets, system
from paradex_adapter_core.parsers.fields import load_row
from paradex_adapter_core.parsers.frame import FrameParser
from paradex_adapter_core.vocabulary import (
    FEED_REST,
    FEED_STREAM,
    FILL_LIQUIDATION,
    FILL_ORDINARY,
    FILL_UNWIND_TRANSFER,
    FLAG_REDUCE_ONLY,
    INSTRUCTION_GTC,
    INSTRUCTION_POST_ONLY,
    KIND_BBO,
    KIND_BOOK,
    KIND_OPTION,
    KIND_PERP,
    KIND_PERP_OPTION,
    KIND_TRADE,
    LIQUIDITY_TAKER,
    MARKET_UPDATED,
    OPTION_CALL,
    OPTION_NONE,
    OPTION_PUT,
    ORDER_LIMIT,
    ORDER_MARKET,
    POSITION_OPEN,
    SIDE_BUY,
    SIDE_SELL,
    STATUS_CLOSED,
    STATUS_NEW,
    STP_EXPIRE_MAKER,
    STP_EXPIRE_TAKER,
    STP_NONE,
    TRADING_STANDARD,
)
from tests.shared_specs import requires_shared_specs, spec_path

pytestmark = [pytest.mark.shared_specs, requires_shared_specs]

type Counters = dict[str, int]
CASES: dict[str, Callable[[bytes], None]] = {}


def e8(text: str) -> int:
    """Return a decimal in 1e-8, which it must fit."""
    scaled = Decimal(text).scaleb(8)
    assert scaled == int(scaled)
    return int(scaled)


def e12(text: str) -> int:
    """Return a decimal in 1e-12, which it must fit."""
    scaled = Decimal(text).scaleb(12)
    assert scaled == int(scaled)
    return int(scaled)


def fields(message: object) -> dict[str, Any]:
    """Return everything a message tells, but for its kind."""
    names = (name for name in dir(message) if not name.startswith("_") and name != "kind")
    return {name: getattr(message, name) for name in names}


def case(name: str) -> Callable[[Callable[[bytes], None]], Callable[[bytes], None]]:
    def register(check: Callable[[bytes], None]) -> Callable[[bytes], None]:
        assert name not in CASES
        CASES[name] = check
        return check

    return register


def sample_names() -> list[str]:
    root = spec_path("samples")
    return sorted(
        str(path.relative_to(root))
        for path in root.rglob("*")
        if path.is_file() and path.name != "INDEX.md"
    )


def parse_text(body: bytes) -> Message:
    parser = FrameParser()
    message = parser.parse_text(body)
    assert message is not None, parser.counters
    assert parser.counters == {}
    return message


def test_every_sample_has_a_case_and_every_case_a_sample() -> None:
    assert sorted(CASES) == sample_names()


@pytest.mark.parametrize("name", sample_names())
def test_sample(name: str) -> None:
    CASES[name](spec_path("samples", name).read_bytes())


# REST: account


@case("rest/account_margin_sol.json")
def check_margin(body: bytes) -> None:
    (config,) = account.parse_margin_configs(body)
    assert (config.market, config.margin_type, config.leverage) == ("SOL-USD-PERP", "CROSS", 50)


@case("rest/account_summary_doc_like.json")
def check_account(body: bytes) -> None:
    summary = account.parse_account(body)
    assert fields(summary) == {
        "account": "0xabc123",
        "status": "ACTIVE",
        "account_value": e8("10000"),
        "total_collateral": e8("10000"),
        "free_collateral": e8("8000"),
        "initial_margin": e8("1000"),
        "maintenance_margin": e8("500"),
        "settlement_asset": "USDC",
        "seq_no": 1,
        "feed": FEED_REST,
        "ts_updated": 1700000000000 * 10**6,
    }


@case("rest/auth_jwt_scrubbed.json")
def check_jwt(body: bytes) -> None:
    assert replies.parse_jwt_token(body) == "ooooccxtooootoooootheoooomoonooooo"


@case("rest/balance_usdc_testnet.json")
def check_balance(body: bytes) -> None:
    # 99980.2382266290601 has 13 decimals: rounded.
    (balance,) = account.parse_balances(body)
    assert fields(balance) == {
        "token": "USDC",
        "size": e8("99980.23822663"),
        "ts_updated": 1718529757240 * 10**6,
    }


@case("rest/cancel_batch_doc.json")
def check_cancel_batch(body: bytes) -> None:
    rows = batches.parse_cancel_results(body)
    assert [(r.venue_order_id, r.client_order_id, r.market, r.status) for r in rows] == [
        ("order-id-1", "client-id-X", "BTC-USD-PERP", "QUEUED_FOR_CANCELLATION"),
        ("order-id-2", "client-id-Y", "ETH-USD-PERP", "ALREADY_CLOSED"),
        ("", "client-id-2", "", "NOT_FOUND"),
    ]


DOCS_ORDER = {
    "account": "0x4638e3041366aa71720be63e32e53e1223316c7f0d56f7aa617542ed1e7512x",
    "venue_order_id": "123456",
    "client_order_id": "x1234",
    "market": "BTC-USD-PERP",
    "side": SIDE_BUY,
    "order_type": ORDER_MARKET,
    "instruction": INSTRUCTION_GTC,
    "status": STATUS_NEW,
    "price": e8("26000"),
    "trigger_price": e8("26000"),
    "size": e8("0.05"),
    "remaining_size": 0,
    "avg_fill_price": e8("26000"),
    "cancel_reason": "NOT_ENOUGH_MARGIN",
    "flags": FLAG_REDUCE_ONLY,
    "stp": STP_EXPIRE_MAKER,
    "seq_no": 1681471234972000000,
    "feed": FEED_REST,
    "ts_created": 1681493746016 * 10**6,
    "ts_updated": 1681493746016 * 10**6,
    "ts_signed": 1681493746016 * 10**6,
    "request_id": "",
    "request_status": 0,
    "request_type": 0,
    "request_message": "",
}


@case("rest/docs_batchresponse.json")
def check_batch(body: bytes) -> None:
    taken, refused = batches.parse_batch(body)
    assert fields(taken.order) == DOCS_ORDER
    assert (refused.order, refused.code, refused.message) == (None, "VALIDATION_ERROR", "")


@case("rest/docs_orderresp.json")
def check_orders_page(body: bytes) -> None:
    orders, cursor = account.parse_orders_page(body)
    assert [fields(order) for order in orders] == [DOCS_ORDER]
    assert cursor == "eyJmaWx0ZXIiMsIm1hcmtlciI6eyJtYXJrZXIiOiIxNjc1NjUwMDE3NDMxMTAxNjk5N="


@case("rest/order_created_doc.json")
def check_order_created(body: bytes) -> None:
    assert fields(account.parse_order(body, FEED_REST)) == DOCS_ORDER
    wrapped = b'{"order":' + body + b',"created_at":1681493746016,"received_at":1}'
    assert fields(account.parse_order_created(wrapped)) == DOCS_ORDER


@case("rest/order_canceled_by_user.json")
def check_order_canceled(body: bytes) -> None:
    assert fields(account.parse_order(body, FEED_REST)) == {
        "account": "0x49ddd7a564c978f6e4089ff8355b56a42b7e2d48ba282cb5aad60f04bea0ec3",
        "venue_order_id": "1718941725080201704028870000",
        "client_order_id": "",
        "market": "BTC-USD-PERP",
        "side": SIDE_SELL,
        "order_type": ORDER_LIMIT,
        "instruction": INSTRUCTION_GTC,
        "status": STATUS_CLOSED,
        "price": e8("70784.5"),
        "trigger_price": None,
        "size": e8("10.153"),
        "remaining_size": e8("10.153"),
        "avg_fill_price": None,
        "cancel_reason": "USER_CANCELED",
        "flags": 0,
        "stp": STP_EXPIRE_TAKER,
        "seq_no": 1718958002991595738,
        "feed": FEED_REST,
        "ts_created": 1718941725082 * 10**6,
        "ts_updated": 1718958002991 * 10**6,
        "ts_signed": 1718941724678 * 10**6,
        "request_id": "",
        "request_status": 0,
        "request_type": 0,
        "request_message": "",
    }


@case("rest/docs_getsubaccountsresponse.json")
def check_subaccounts(body: bytes) -> None:
    (fees,) = account.parse_account_info(body)
    assert fees.account == "0x495d2eb5236a12b8b4ad7d3849ce6a203ce21c43f473c248dfd5ce70d9454fa"
    assert fees.parent_account == "0x495d2eb5236a12b8b4ad7d3849ce6a203ce21c43f473c248dfd5ce70d"
    assert fees.account_kind == "main"
    rates = {name: rate for name, rate in fields(fees).items() if name.endswith("_rate")}
    assert rates == dict.fromkeys(rates, e12("0.0001"))
    assert len(rates) == 8


def taker_fill(fill_id: str) -> dict[str, Any]:
    return {
        "account": "",
        "fill_id": fill_id,
        "fill_type": FILL_ORDINARY,
        "venue_order_id": "1718947571540201703992340000",
        "client_order_id": "",
        "market": "BTC-USD-PERP",
        "side": SIDE_BUY,
        "liquidity": LIQUIDITY_TAKER,
        "price": e8("64852.9"),
        "size": e8("0.01"),
        "remaining_size": 0,
        "fee": e8("0.1945587"),
        "fee_currency": "USDC",
        "realized_pnl": None,
        "realized_funding": None,
        "flags": 0,
        "ts_event": 1718947571569 * 10**6,
    }


@case("rest/fills_taker_testnet.json")
def check_fills(body: bytes) -> None:
    fills, cursor = account.parse_fills_page(body)
    assert [fields(fill) for fill in fills] == [taker_fill("1718947571560201703986670002")]
    assert cursor is None


@case("rest/funding_payments_doc.json")
def check_funding_payments(body: bytes) -> None:
    (payment,), cursor = account.parse_funding_payments(body)
    assert fields(payment) == {
        "account": "string",
        "payment_id": "1681375578221101699352320000",
        "market": "BTC-USD-PERP",
        "payment": e8("34.4490622"),
        "funding_index": e8("-2819.53434361"),
        "fill_id": "8615262148007718462",
        "ts_event": 1681375481000 * 10**6,
    }
    assert cursor == "eyJmaWx0ZXIiMsIm1hcmtlciI6eyJtYXJrZXIiOiIxNjc1NjUwMDE3NDMxMTAxNjk5N="


@case("rest/positions_btc_long_testnet.json")
def check_positions(body: bytes) -> None:
    (position,) = account.parse_positions(body)
    assert fields(position) == {
        "account": "",
        "market": "BTC-USD-PERP",
        "status": POSITION_OPEN,
        "size": e8("0.01"),
        "average_entry_price": e8("64839.96053748"),
        "average_entry_price_usd": e8("64852.9"),
        "unrealized_pnl": e8("-2.39677214"),
        "realized_pnl": 0,
        "realized_funding": None,
        "liquidation_price": None,
        "last_fill_id": "1718947571560201703986670001",
        "seq_no": 1718950074249176253,
        "feed": FEED_REST,
        "ts_updated": 1718950074249 * 10**6,
    }


# REST: bodies the core has no reader for are refused by the nearest one


@case("rest/liquidations_doc.json")
def check_liquidations(body: bytes) -> None:
    counters: Counters = {}
    assert account.parse_fills_page(body, counters) == ([], None)
    assert counters == {"skipped row: missing field fill_type": 1}


@case("rest/transfers_deposit_testnet_b.json")
def check_transfers(body: bytes) -> None:
    counters: Counters = {}
    assert account.parse_balances(body, counters) == []
    assert counters == {"skipped row: missing field size": 1}


@case("rest/onboarding_get_starknet.json")
def check_onboarding(body: bytes) -> None:
    with pytest.raises(MissingField, match="account_value"):
        account.parse_account(body)


# REST: system


@case("rest/error_invalid_token.json")
def check_error(body: bytes) -> None:
    assert replies.parse_error(body) == (
        "INVALID_TOKEN",
        "invalid bearer jwt: missing value in request header",
    )


@case("rest/system_config_testnet_sepolia_2024.json")
def check_config(body: bytes) -> None:
    config = system.parse_system_config(body)
    assert fields(config) == {
        "environment": "",
        "starknet_chain_id": "PRIVATE_SN_POTC_SEPOLIA",
        "l1_chain_id": "11155111",
        "account_class_hash": "0x41cb0280ebadaa75f996d8d92c6f265f6d040bb3ba442e5f86a554f1765244e",
        "account_proxy_class_hash": (
            "0x3530cc4759d78042f1b543bf797f5f3d647cde0388c33734cf91b7f7b9314a9"
        ),
        "fullnode_rpc_url": "https://pathfinder.api.testnet.paradex.trade/rpc/v0_7",
        "paraclear_address": "0x286003f7c7bfc3f94e8f0af48b48302e7aee2fb13c23b141479ba00832ef2c6",
        "paraclear_decimals": 8,
    }


@case("rest/system_state_ok.json")
def check_state(body: bytes) -> None:
    assert system.parse_system_state(body) == "ok"


@case("rest/system_time_integer.json")
def check_time(body: bytes) -> None:
    assert replies.parse_server_time_ms(body) == 1769660612070


# REST: markets


def check_market(body: bytes, **expected: object) -> None:
    counters: Counters = {}
    (market,) = markets.parse_markets(body, counters)
    assert counters == {}
    told = fields(market)
    assert told.pop("info") == orjson.loads(body)["results"][0]
    assert {name: told[name] for name in expected} == expected


@case("rest/docs_marketresp.json")
def check_docs_market(body: bytes) -> None:
    check_market(
        body,
        symbol="ETH-USD-PERP",
        asset_kind=KIND_PERP,
        base_currency="ETH",
        quote_currency="USD",
        settlement_currency="USDC",
        price_tick_size=e8("0.01"),
        order_size_increment=e8("0.001"),
        min_notional=e8("3"),
        max_order_size=e8("100"),
        position_limit=e8("500"),
        max_open_orders=100,
        trading_mode=TRADING_STANDARD,
        option_type=OPTION_PUT,
        strike_price=e8("66500"),
        ts_open=0,
        ts_expiry=0,
        funding_period_hours=8,
        maker_fee=None,
        taker_fee=None,
        imf_base=e12("0.11"),
        mmf_factor=e12("0.51"),
        price_bands_width=e12("0.05"),
        max_slippage=e12("0.05"),
        imf_premium=e12("1.2"),
        mmf_premium=e12("1.2"),
        tags=("MEME", "DEFI"),
    )


@case("rest/markets_dated_option_btc_put_strike_decimals.json")
def check_option_market(body: bytes) -> None:
    check_market(
        body,
        symbol="BTC-USD-26JUN26-67000-P",
        asset_kind=KIND_OPTION,
        base_currency="BTC",
        quote_currency="USD",
        settlement_currency="",
        price_tick_size=e8("0.01"),
        order_size_increment=e8("0.001"),
        min_notional=e8("20"),
        max_order_size=None,
        position_limit=None,
        max_open_orders=0,
        trading_mode=TRADING_STANDARD,
        option_type=OPTION_PUT,
        strike_price=e8("67000"),
        ts_open=0,
        ts_expiry=1782460800000 * 10**6,
        funding_period_hours=0,
        maker_fee=None,
        taker_fee=None,
        imf_base=None,
        mmf_factor=None,
        price_bands_width=None,
        max_slippage=None,
    )


@case("rest/markets_dated_option_margin_btc_8may26.json")
def check_option_margin(body: bytes) -> None:
    # Only the margin part of the row was quoted: without a base currency it is refused.
    counters: Counters = {}
    assert markets.parse_markets(body, counters) == []
    assert counters == {"skipped row: missing field base_currency": 1}


@case("rest/markets_perp_btc_testnet_2024.json")
def check_btc_market(body: bytes) -> None:
    check_market(
        body,
        symbol="BTC-USD-PERP",
        asset_kind=KIND_PERP,
        base_currency="BTC",
        quote_currency="USD",
        settlement_currency="USDC",
        price_tick_size=e8("0.1"),
        order_size_increment=e8("0.001"),
        min_notional=e8("500"),
        max_order_size=e8("100"),
        position_limit=e8("60"),
        max_open_orders=100,
        trading_mode=TRADING_STANDARD,
        option_type=OPTION_NONE,
        strike_price=None,
        ts_open=1698756879745 * 10**6,
        ts_expiry=0,
        funding_period_hours=0,
        imf_base=e12("0.02"),
        mmf_factor=e12("0.5"),
        price_bands_width=e12("0.05"),
        max_slippage=None,
    )


@case("rest/markets_perp_eth_testnet_2026.json")
def check_eth_market(body: bytes) -> None:
    check_market(
        body,
        symbol="ETH-USD-PERP",
        price_tick_size=e8("0.01"),
        order_size_increment=e8("0.0001"),
        min_notional=e8("100"),
        max_order_size=None,
        position_limit=e8("200000"),
        max_open_orders=150,
        imf_base=e12("0.02"),
        mmf_factor=e12("0.5"),
        max_slippage=e12("0.001"),
    )


@case("rest/markets_perp_option_btc_wire_types.json")
def check_perp_option_market(body: bytes) -> None:
    check_market(
        body,
        symbol="BTC-USD-96000-C",
        asset_kind=KIND_PERP_OPTION,
        option_type=OPTION_CALL,
        strike_price=e8("96000"),
        imf_premium=e12("1"),
        mmf_premium=e12("0.5"),
        tags=(),
        ts_open=1736764200000 * 10**6,
        ts_expiry=0,
        max_order_size=e8("2"),
        funding_period_hours=24,
        imf_base=None,
    )


def check_summary(message: object, **expected: object) -> None:
    """Compare a whole ticker: what is not named is None."""
    told = fields(message)
    assert told == dict.fromkeys(told) | {"seq_no": 0} | expected


@case("rest/markets_summary_btc_testnet_a.json")
def check_rest_summary(body: bytes) -> None:
    (summary,) = markets.parse_market_summaries(body)
    check_summary(
        summary,
        market="BTC-USD-PERP",
        mark_price=e8("67307.7225876"),
        index_price=e8("66806.71304318"),
        last_price=e8("66821.1"),
        bid=e8("66821.1"),
        ask=e8("67643.2"),
        volume_24h=e8("2611476.2626"),
        total_volume=e8("589169794.97926034"),
        open_interest=e8("152.777"),
        price_change_rate_24h=e12("-0.036863"),
        # 0.00749938923192 has 14 decimals: rounded to 12.
        funding_rate=e12("0.007499389232"),
        ts_event=1718377962698 * 10**6,
    )


# REST: market data


@case("rest/docs_bboresp.json")
def check_bbo(body: bytes) -> None:
    assert market_data.read_bbo(load_row(body)) == (
        KIND_BBO,
        "BTC-USD-PERP",
        20784,
        e8("30112.22"),
        e8("0.04"),
        e8("30130.15"),
        e8("0.05"),
        1681493939981 * 10**6,
    )


@case("rest/funding_data_prod_2026_b.json")
def check_funding_page(body: bytes) -> None:
    rows, cursor = market_data.parse_funding_data(body)
    assert [fields(row) for row in rows] == [
        {
            "market": "BTC-USD-PERP",
            "seq_no": 0,
            "funding_rate": e12("0.000081003573"),
            "funding_rate_8h": e12("0.000081"),
            "funding_index": e8("23784.07241074"),
            "funding_premium": e8("6.555095"),
            "impact_premium_rate": e12("-0.000403533911"),
            "funding_period_hours": 8,
            "ts_event": 1788492012060 * 10**6,
        }
    ]
    assert cursor == "..."


@case("rest/klines_btc_1m_testnet.json")
def check_klines(body: bytes) -> None:
    price = e8("60823.3")
    assert market_data.parse_klines(body) == [
        (1719993660000 * 10**6, price, price, price, price, e8("4561"))
    ]


@case("rest/orderbook_btc_testnet.json")
def check_orderbook(body: bytes) -> None:
    kind, market, seq_no, is_snapshot, bids, asks, ts_event = market_data.parse_orderbook(body)
    assert (kind, market, seq_no, is_snapshot) == (KIND_BOOK, "BTC-USD-PERP", 14139427, True)
    assert ts_event == 1718377985388 * 10**6
    assert asks == tuple(map(e8, ("67643.2", "3.734", "79981", "0.5", "83681", "0.5")))
    assert len(bids) == 40
    assert bids[:4] == tuple(map(e8, ("66810", "0.078", "66762.2", "0.979")))
    assert bids[-2:] == tuple(map(e8, ("66131.9", "0.109")))


@case("rest/trades_btc_testnet_paged.json")
def check_trades(body: bytes) -> None:
    trades, cursor = market_data.parse_trades(body)
    assert trades == [
        (
            KIND_TRADE,
            "BTC-USD-PERP",
            "1718377985380201703994000001",
            SIDE_BUY,
            e8("67643.2"),
            e8("0.026"),
            FILL_ORDINARY,
            0,
            1718377985388 * 10**6,
        )
    ]
    assert cursor is not None
    assert cursor.startswith("eyJmaWx0ZXIi")
    assert len(cursor) == 328


@case("rest/trades_types_enum_mix.json")
def check_trade_types(body: bytes) -> None:
    trades, cursor = market_data.parse_trades(body)
    assert [(trade[2], trade[3], trade[4], trade[6]) for trade in trades] == [
        ("4", SIDE_SELL, e8("84313"), FILL_ORDINARY),
        ("5", SIDE_SELL, e8("84313"), FILL_UNWIND_TRANSFER),
        ("2", SIDE_BUY, e8("84000"), FILL_LIQUIDATION),
    ]
    assert cursor is None


# Websocket: control


def check_result(body: bytes, request_id: int, result: object) -> None:
    message = parse_text(body)
    assert isinstance(message, RpcResult)
    assert message.request_id == request_id
    assert json.loads(message.result) == result


@case("ws/auth_ack_doc.json")
def check_auth_ack_doc(body: bytes) -> None:
    check_result(body, 0, {"node_id": "a1b2c3d4e5f6g7h8"})


@case("ws/auth_ack_node_id.json")
def check_auth_ack(body: bytes) -> None:
    check_result(body, 1, {"node_id": "73cf456f7cb78d59"})


@case("ws/subscribe_ack_markets_summary.json")
def check_subscribe_ack(body: bytes) -> None:
    check_result(body, 1, {"channel": "markets_summary"})


def check_rpc_error(body: bytes, code: int, text: str, data: str) -> None:
    message = parse_text(body)
    assert isinstance(message, RpcError)
    assert (message.request_id, message.code, message.message, message.data) == (
        0,
        code,
        text,
        data,
    )


@case("ws/error_docs_invalid_bearer.json")
def check_invalid_bearer(body: bytes) -> None:
    check_rpc_error(body, 40111, "Invalid Bearer Token", "")


@case("ws/error_invalid_channel.json")
def check_invalid_channel(body: bytes) -> None:
    check_rpc_error(body, -32600, "invalid subscribe request", "invalid channel")


# Websocket: private pushes


@case("ws/account_doc_like.json")
def check_account_push(body: bytes) -> None:
    assert fields(parse_text(body)) == {
        "account": "0x4638e3041366aa71720be63e32e53e1223316c7f0d56f7aa617542ed1e7512b",
        "status": "ACTIVE",
        "account_value": e8("1000.5"),
        "total_collateral": e8("1000"),
        "free_collateral": e8("900.5"),
        "initial_margin": e8("100"),
        "maintenance_margin": e8("50"),
        "settlement_asset": "USDC",
        "seq_no": 20,
        "feed": FEED_STREAM,
        "ts_updated": 1718950074249 * 10**6,
    }


@case("ws/fills_btc_taker.json")
def check_fill_push(body: bytes) -> None:
    assert fields(parse_text(body)) == taker_fill("1718947571560201703986670001")


@case("ws/orders_doc.json")
def check_order_push(body: bytes) -> None:
    assert fields(parse_text(body)) == DOCS_ORDER | {
        "order_type": ORDER_LIMIT,
        "trigger_price": None,
        "cancel_reason": "",
        "stp": STP_NONE,
        "seq_no": 0,
        "feed": FEED_STREAM,
        "ts_signed": 0,
    }


@case("ws/positions_btc.json")
def check_position_push(body: bytes) -> None:
    assert fields(parse_text(body)) == {
        "account": "",
        "market": "BTC-USD-PERP",
        "status": POSITION_OPEN,
        "size": e8("0.01"),
        "average_entry_price": e8("64839.96053748"),
        "average_entry_price_usd": None,
        "unrealized_pnl": e8("-2.39677214"),
        "realized_pnl": None,
        "realized_funding": None,
        "liquidation_price": None,
        "last_fill_id": "",
        "seq_no": 0,
        "feed": FEED_STREAM,
        "ts_updated": 1718950074249 * 10**6,
    }


def check_other(body: bytes, channel: str) -> None:
    message = parse_text(body)
    assert isinstance(message, OtherPush)
    assert message.channel == channel
    assert json.loads(message.data) == json.loads(body)["params"]["data"]


@case("ws/docs_marketevent.json")
def check_market_event(body: bytes) -> None:
    check_other(body, "markets.BTC-USD-PERP")
    push = parse_text(body)
    assert isinstance(push, OtherPush)
    event = fields(markets.parse_market_event(push.data))
    assert event.pop("changed_fields") == tuple(json.loads(push.data)["changed_fields"])
    assert event == {
        "market": "BTC-USD-PERP",
        "event_type": MARKET_UPDATED,
        "price_tick_size": e8("0.01"),
        "order_size_increment": e8("0.001"),
        "settlement_price": e8("50000"),
        "underlying_twap_price": e8("50000"),
        "ts_event": 1762809600000 * 10**6,
    }


@case("ws/docs_tradebustresult.json")
def check_tradebust(body: bytes) -> None:
    message = parse_text(body)
    assert isinstance(message, TradeBust)
    assert fields(message) == {
        "account": "0x495d2eb5236a12b8b4ad7d3849ce6a203ce21c43f473c248dfd5ce70d9454fa",
        "fill_id": "12342345",
        "ts_event": 1681497002041 * 10**6,
    }


# Websocket: public pushes as JSON, from before the streams became binary


@case("ws/bbo_btc_testnet_data_only.json")
def check_bbo_data(body: bytes) -> None:
    assert market_data.read_bbo(load_row(body)) == (
        KIND_BBO,
        "BTC-USD-PERP",
        792571,
        e8("89313"),
        e8("1.50852"),
        e8("89313.1"),
        e8("1.5"),
        1769684868686 * 10**6,
    )


@case("ws/docs_bboresp.json")
def check_docs_bbo(body: bytes) -> None:
    # The documents quote integers.
    assert parse_text(body) == (
        KIND_BBO,
        "BTC-USD-PERP",
        20784,
        e8("30112.22"),
        e8("0.04"),
        e8("30130.15"),
        e8("0.05"),
        1681493939981 * 10**6,
    )


@case("ws/docs_pricebookupdate.json")
def check_docs_book(body: bytes) -> None:
    # Assembled from examples: its levels have no price.
    parser = FrameParser()
    assert parser.parse_text(body) is None
    assert parser.counters == {"malformed order_book: missing field price": 1}
    with pytest.raises(MissingField, match="'price'"):
        market_data.read_book_update(json.loads(body)["params"]["data"])


@case("ws/order_book_snapshot_btc_50ms.json")
def check_book_push(body: bytes) -> None:
    assert parse_text(body) == (
        KIND_BOOK,
        "BTC-USD-PERP",
        14127815,
        True,
        (e8("67629.7"), e8("0.992")),
        (e8("69378.6"), e8("3.137")),
        1718267837265 * 10**6,
    )


@case("ws/trades_kbonk.json")
def check_trade_push(body: bytes) -> None:
    assert parse_text(body) == (
        KIND_TRADE,
        "kBONK-USD-PERP",
        "1718179273230201709233240002",
        SIDE_BUY,
        e8("0.028776"),
        e8("34028"),
        FILL_ORDINARY,
        0,
        1718179273230 * 10**6,
    )


@case("ws/funding_data_btc_2026.json")
def check_funding_push(body: bytes) -> None:
    assert fields(parse_text(body)) == {
        "market": "BTC-USD-PERP",
        "seq_no": 0,
        "funding_rate": e12("0.000073782393"),
        "funding_rate_8h": e12("0.00007378"),
        "funding_index": e8("23783.38003302"),
        "funding_premium": e8("5.95450889"),
        "impact_premium_rate": e12("-0.000401496911"),
        "funding_period_hours": 8,
        "ts_event": 1788488807060 * 10**6,
    }


@case("ws/markets_summary_option_btc_deep_itm_put.json")
def check_option_summary(body: bytes) -> None:
    check_summary(
        parse_text(body),
        market="BTC-USD-25SEP26-102000-P",
        mark_price=e8("24239.69760473"),
        index_price=e8("77701.39240829"),
        volume_24h=0,
        total_volume=0,
        open_interest=0,
        price_change_rate_24h=e12("-0.003806"),
        future_funding_rate=e12("0.00008474"),
        mark_iv=e12("0.52287207"),
        delta=e12("-0.980922132212"),
        gamma=e12("0.000005007231"),
        vega=e12("9.559526753851"),
        theta=e12("-5.447507060433"),
        rho=e12("-14.659290135799"),
        vanna=e12("-0.000509925461"),
        volga=e12("0.807729833529"),
        forward_rate=e12("0.02813196"),
        risk_free_rate=0,
        ts_event=1788416017060 * 10**6,
    )


@case("ws/markets_summary_option_sol_empty_change.json")
def check_option_summary_without_change(body: bytes) -> None:
    check_summary(
        parse_text(body),
        market="SOL-USD-18SEP26-74-C",
        mark_price=e8("29.75120612"),
        index_price=e8("103.3662129"),
        volume_24h=0,
        total_volume=0,
        open_interest=0,
        future_funding_rate=e12("0.00006601"),
        mark_iv=e12("0.81619445"),
        delta=e12("0.987844328642"),
        gamma=e12("0.002271248531"),
        vega=e12("0.007722725683"),
        theta=e12("-0.042364330199"),
        rho=e12("-0.011600045144"),
        vanna=e12("0.000184047978"),
        volga=e12("0.000413170215"),
        forward_rate=e12("0.0722738"),
        risk_free_rate=0,
        ts_event=1788488806060 * 10**6,
    )


@case("ws/markets_summary_perp_btc_2026.json")
def check_perp_summary(body: bytes) -> None:
    check_summary(
        parse_text(body),
        market="BTC-USD-PERP",
        mark_price=e8("80716.72420219"),
        index_price=e8("80697.47169434"),
        last_price=e8("80742.5"),
        bid=e8("80715.8"),
        bid_size=e8("0.02471"),
        ask=e8("80722.5"),
        ask_size=e8("0.00019"),
        volume_24h=e8("8355948.16741401"),
        total_volume=e8("133749798376.612469"),
        open_interest=e8("46.42612"),
        price_change_rate_24h=e12("0.041664"),
        funding_rate=e12("0.000073772871"),
        external_fair_price=e8("80665.06865402"),
        delta=e12("1.000238576345"),
        gamma=0,
        vega=0,
        risk_free_rate=0,
        ts_event=1788488806060 * 10**6,
    )


@case("ws/markets_summary_spot_eth_no_funding.json")
def check_spot_summary(body: bytes) -> None:
    check_summary(
        parse_text(body),
        market="ETH-USD",
        mark_price=e8("1994.62"),
        index_price=e8("1994.62"),
        last_price=e8("1991.76"),
        bid=e8("1992.9"),
        ask=e8("1994.45"),
        volume_24h=e8("329825.694731"),
        open_interest=0,
        ts_event=1771375190278 * 10**6,
    )


@case("ws/stream_markets_summary_2026-09-03.jsonl")
def check_summary_stream(body: bytes) -> None:
    lines = body.splitlines(keepends=True)
    check_result(lines[0], 1, {"channel": "markets_summary"})
    told = [parse_text(line) for line in lines[1:]]
    assert [getattr(message, "market", "") for message in told] == [
        "BTC-USD-25SEP26-102000-P",
        "BTC-USD-26MAR27-66000-P",
        "SOL-USD-11SEP26-135-P",
        "HYPE-USD-26MAR27-60-C",
        "SOL-USD-25DEC26-122-C",
        "ETH-USD-27NOV26-3100-C",
        "BTC-USD-27NOV26-106000-P",
        "BTC-USD-PERP",
        "ETH-USD-PERP",
        "ETH-USD-PERP",
        "BTC-USD-PERP",
        "BTC-USD-PERP",
        "ETH-USD-PERP",
        "BTC-USD-PERP",
        "ETH-USD-PERP",
    ]
    check_summary(
        told[8],
        market="ETH-USD-PERP",
        mark_price=e8("2402.46788759"),
        index_price=e8("2401.03103501"),
        last_price=e8("2403.75"),
        bid=e8("2402.56"),
        bid_size=e8("62.803"),
        ask=e8("2403.3"),
        ask_size=e8("62.7836"),
        volume_24h=e8("1291855.1806840"),
        total_volume=e8("50936080883.7281142"),
        open_interest=e8("1463.1868"),
        price_change_rate_24h=e12("-0.00711"),
        funding_rate=e12("0.000082913131"),
        external_fair_price=e8("2400.30663234"),
        delta=e12("1.000598431490"),
        gamma=0,
        vega=0,
        risk_free_rate=0,
        ts_event=1788416017060 * 10**6,
    )


# Websocket: binary


@case("ws/sbe_btc_bbo_head_2026-10-08.jsonl")
def check_binary_quotes(body: bytes) -> None:
    rows = [json.loads(line) for line in body.splitlines()]
    check_result(rows[0]["text"].encode(), 1, {"channel": "bbo.BTC-USD-PERP"})
    parser = FrameParser()
    quotes = [parser.parse_binary(base64.b64decode(row["b64"])) for row in rows[1:]]
    assert parser.counters == {}
    ask = (e8("83452.9"), e8("0.00031"))
    expected = [
        (7687292570, "83422.7", "0.00015", 1791421923325000),
        (7687292571, "83435.5", "0.01199", 1791421923325000),
        (7687292572, "83422.7", "0.00015", 1791421923400000),
        (7687292573, "83422.8", "0.01199", 1791421923400000),
        (7687292575, "83422.7", "0.00015", 1791421923444000),
        (7687292576, "83435.6", "0.01199", 1791421923444000),
    ]
    assert quotes == [
        (KIND_BBO, "BTC-USD-PERP", seq, e8(bid), e8(size), *ask, ts_us * 1000)
        for seq, bid, size, ts_us in expected
    ]


@case("ws/sbe_frames_third_party_handbuilt_a.jsonl")
def check_binary_frames(body: bytes) -> None:
    rows = {row["name"]: row for row in map(json.loads, body.splitlines())}
    parser = FrameParser()
    told = {name: parser.parse_binary(base64.b64decode(row["b64"])) for name, row in rows.items()}
    assert parser.counters == {}
    account_id = "0x" + bytes(range(0xA0, 0xC0)).hex()
    assert fields(told.pop("order-closed-filled-v2")) == {
        "account": account_id,
        "venue_order_id": "1759500000000000001",
        "client_order_id": "01000700-199b-81ab-8200-00054d0aa3f5",
        "market": "BTC-USD-PERP",
        "side": SIDE_BUY,
        "order_type": ORDER_LIMIT,
        "instruction": INSTRUCTION_POST_ONLY,
        "status": STATUS_CLOSED,
        "price": e8("62000"),
        "trigger_price": None,
        "size": e8("0.15"),
        "remaining_size": 0,
        "avg_fill_price": None,
        "cancel_reason": "",
        "flags": 0,
        "stp": STP_NONE,
        "seq_no": 5010,
        "feed": FEED_STREAM,
        "ts_created": 1759500000100000 * 1000,
        "ts_updated": 1759500000204960 * 1000,
        "ts_signed": 0,
        "request_id": "",
        "request_status": 0,
        "request_type": 0,
        "request_message": "",
    }
    assert fields(told.pop("position-short-v1")) == {
        "account": account_id,
        "market": "BTC-USD-PERP",
        "status": POSITION_OPEN,
        "size": e8("-0.05"),
        "average_entry_price": e8("62000.05"),
        "average_entry_price_usd": e8("62000.05"),
        "unrealized_pnl": e8("-12.5"),
        "realized_pnl": e8("3.5"),
        "realized_funding": None,
        "liquidation_price": None,
        "last_fill_id": "8615262148007718001",
        "seq_no": 7002,
        "feed": FEED_STREAM,
        "ts_updated": 1759500000406962 * 1000,
    }
    assert told.pop("bbo-ask-empty") == (
        KIND_BBO,
        "BTC-USD-PERP",
        1001,
        e8("62000.5"),
        e8("0.25"),
        None,
        None,
        1759500000123456 * 1000,
    )
    assert told.pop("book-longer-entries") == (
        KIND_BOOK,
        "BTC-USD-PERP",
        1003,
        False,
        (e8("62000.5"), e8("0.25"), e8("62000.4"), 0),
        (e8("62001"), e8("1.5")),
        1759500000123456 * 1000,
    )
    assert told == {}
