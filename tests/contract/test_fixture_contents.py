"""Every fixture is parsed to values written here; none is left out.

Amounts below are decimal texts, read as integers of 1e-8 by `e8`.
"""

import json
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from paradex_adapter.recording import Frame
from paradex_adapter.venue import replies
from paradex_adapter.venue.errors import MalformedReply
from paradex_adapter_core.errors import MalformedMessage, MissingField
from paradex_adapter_core.messages.frame import Message
from paradex_adapter_core.messages.markets import MarketEvent
from paradex_adapter_core.parsers import (
    account,
    algo_orders,
    batches,
    market_data,
    markets,
    system,
)
from paradex_adapter_core.parsers.fields import load_decimal_row, load_row, read_rows
from paradex_adapter_core.parsers.frame import FrameParser
from paradex_adapter_core.vocabulary import FEED_REST
from tests.fixture_files import load_rest, load_timeline, rest_names, timeline_names

type Parse = Callable[[bytes, dict[str, int]], Any]


def of_venue(parse: Callable[[bytes], Any]) -> Parse:
    """Return a parser of the venue layer as one of the core, whose error is another."""

    def parse_as_core(body: bytes, _: dict[str, int]) -> Any:
        try:
            return parse(body)
        except MalformedReply as error:
            raise MalformedMessage("reply") from error

    return parse_as_core


def market_history(body: bytes, counters: dict[str, int]) -> list[MarketEvent]:
    """Parse GET /markets/history; the adapter itself reads such rows from the stream only."""
    return read_rows(load_decimal_row(body), "results", markets.read_market_event, counters)


# The more particular path first.
PARSERS: list[tuple[str, Parse]] = [
    ("/system/config", lambda body, _: system.parse_system_config(body)),
    ("/system/time", of_venue(replies.parse_server_time_ms)),
    ("/system/state", lambda body, _: system.parse_system_state(body)),
    ("/markets/summary", markets.parse_market_summaries),
    ("/markets/klines", market_data.parse_klines),
    ("/markets/history", market_history),
    ("/markets/settlement-price", lambda body, _: markets.parse_market_settlement(body)),
    ("/markets", markets.parse_markets),
    ("/bbo/", lambda body, _: market_data.read_bbo(load_row(body))),
    ("/orderbook/", lambda body, _: market_data.parse_orderbook(body)),
    ("/trades", market_data.parse_trades),
    ("/funding/data", market_data.parse_funding_data),
    ("/onboarding", of_venue(replies.parse_onboarding)),
    ("/auth/", of_venue(replies.parse_jwt_token)),
    ("/account/margin/", lambda body, _: account.read_margin_config(load_row(body), {})),
    ("/account/margin", account.parse_margin_configs),
    ("/account/info", account.parse_account_info),
    ("/account", lambda body, _: account.parse_account(body)),
    ("/balance", account.parse_balances),
    ("/positions", account.parse_positions),
    ("/algo/orders-history", algo_orders.parse_algo_orders_page),
    ("/algo/orders/", lambda body, counters: algo_orders.parse_algo_order(body, counters)),
    ("/tradebusts", account.parse_trade_busts),
    ("/funding/payments", account.parse_funding_payments),
    ("/orders-history", account.parse_orders_page),
    ("/orders/", lambda body, counters: account.parse_order(body, FEED_REST, counters)),
    ("/fills", account.parse_fills_page),
]


def e8(text: str) -> int:
    scaled = Decimal(text).scaleb(8)
    assert scaled == int(scaled)
    return int(scaled)


def parser_of(name: str) -> Parse:
    fixture = load_rest(name)
    if fixture.status >= 400:
        return lambda body, _: replies.parse_error(body)
    if fixture.path == "/orders/batch":
        return batches.parse_batch if fixture.method == "POST" else batches.parse_cancel_results
    if fixture.path == "/algo/orders":
        is_list = fixture.method == "GET"
        return algo_orders.parse_algo_orders if is_list else algo_orders.parse_algo_order
    if fixture.path == "/orders":
        return account.parse_orders if fixture.method == "GET" else PARSERS[-2][1]
    return next(parse for path, parse in PARSERS if fixture.path.startswith(path))


def plain(value: Any) -> Any:
    """Return a parsed value as one that compares by what it says."""
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if value is None or isinstance(value, int | str | bytes | dict):
        return value
    return {n: plain(getattr(value, n)) for n in dir(value) if not n.startswith("_")}


def brief(parsed: Any) -> Any:
    """Return the key figures of a parsed answer, in a form short enough to write down."""
    if isinstance(parsed, tuple) and parsed and isinstance(parsed[0], list):
        return [[brief(item) for item in parsed[0]], parsed[1]]
    if isinstance(parsed, list):
        return [brief(item) for item in parsed]
    return BRIEF.get(type(parsed).__name__, lambda value: value)(parsed)


BRIEF: dict[str, Callable[[Any], Any]] = {
    "SystemConfig": lambda c: (c.starknet_chain_id, c.l1_chain_id, c.paraclear_decimals),
    "Market": lambda m: (
        m.symbol,
        m.asset_kind,
        m.price_tick_size,
        m.order_size_increment,
        m.maker_fee,
        m.taker_fee,
        m.trading_mode,
        m.strike_price,
    ),
    "MarketSummary": lambda s: (
        s.market,
        s.mark_price,
        s.bid,
        s.ask,
        s.last_price,
        s.funding_rate,
        s.delta,
        s.forward_rate,
    ),
    "MarketEvent": lambda e: (
        e.market,
        e.event_type,
        e.changed_fields,
        e.price_tick_size,
        e.settlement_price,
        e.underlying_twap_price,
    ),
    "MarketSettlement": lambda m: (m.market, m.settlement_price, m.underlying_twap_price),
    "FundingData": lambda f: (
        f.funding_rate,
        f.funding_rate_8h,
        f.funding_index,
        f.funding_premium,
        f.funding_period_hours,
    ),
    "AccountSummary": lambda a: (
        a.account_value,
        a.free_collateral,
        a.initial_margin,
        a.maintenance_margin,
        a.status,
        a.seq_no,
    ),
    "AccountFees": lambda f: (f.maker_rate, f.taker_rate, f.spot_maker_rate),
    "Balance": lambda b: (b.token, b.size),
    "MarginConfig": lambda c: (c.market, c.margin_type, c.leverage, c.isolated_leverage),
    "TradeBust": lambda b: (b.fill_id, b.ts_event),
    "FundingPayment": lambda p: (p.market, p.payment, p.funding_index, p.fill_id, p.ts_event),
    "AlgoOrder": lambda a: (
        a.algo_order_id,
        a.status,
        a.size,
        a.remaining_size,
        a.avg_fill_price,
        a.cancel_reason,
        a.interval_secs,
    ),
    "BatchRow": lambda r: brief(r.order) if r.order is not None else (r.code, r.message),
    "CancelResult": lambda r: (r.venue_order_id, r.client_order_id, r.market, r.status),
    "Position": lambda p: (
        p.market,
        p.status,
        p.size,
        p.average_entry_price_usd,
        p.unrealized_pnl,
        p.realized_pnl,
        p.liquidation_price,
    ),
    "OrderUpdate": lambda o: (
        o.client_order_id or o.venue_order_id,
        o.status,
        o.order_type,
        o.instruction,
        o.size,
        o.remaining_size,
        o.price,
        o.trigger_price,
        o.avg_fill_price,
        o.cancel_reason,
        o.flags,
    ),
    "Fill": lambda f: (
        f.fill_type,
        f.side,
        f.liquidity,
        f.price,
        f.size,
        f.fee,
        f.fee_currency,
        f.remaining_size,
    ),
}


def order(
    name: str,
    status: int,
    kind: int,
    instruction: int,
    size: str,
    rest: str,
    price: str | None,
    average: str | None = None,
    reason: str = "",
    flags: int = 0,
    trigger: str | None = None,
) -> tuple[Any, ...]:
    def amount(text: str | None) -> int | None:
        return None if text is None else e8(text)

    texts = (amount(price), amount(trigger), amount(average))
    return (name, status, kind, instruction, e8(size), e8(rest), *texts, reason, flags)


def algo(
    number: str, status: int, rest: str, average: str, reason: str, secs: int, size: str = "0.5"
) -> tuple[Any, ...]:
    price = e8(average) if average else None
    return (f"1793611800000{number}", status, e8(size), e8(rest), price, reason, secs)


HALF_DONE = algo("101", 3, "0.25", "90001.25", "", 30)


def fill(
    kind: int, side: int, role: int, price: str, size: str, fee: str, rest: str, token: str = "USDC"
) -> tuple[Any, ...]:
    return (kind, side, role, e8(price), e8(size), e8(fee), token, e8(rest))


def perp(symbol: str, tick: str, step: str, maker: int, taker: int) -> tuple[Any, ...]:
    return (symbol, 1, e8(tick), e8(step), maker, taker, 1, None)


RECORDED_MARKETS = [
    perp("BTC-USD-PERP", "0.1", "0.00001", 30_000_000, 450_000_000),
    perp("ETH-USD-PERP", "0.01", "0.0001", 30_000_000, 450_000_000),
    perp("SOL-USD-PERP", "0.001", "0.01", 30_000_000, 450_000_000),
    perp("kPEPE-USD-PERP", "0.000001", "10", 30_000_000, 450_000_000),
]
ORDER_1 = order("fixture-1", 1, 2, 2, "0.3", "0.3", None, flags=16)
ORDER_1_FILLED = order("fixture-1", 4, 2, 2, "0.3", "0", None, "90010", flags=16)
ORDER_5 = order(
    "fixture-5", 4, 1, 2, "2.5", "0.8", "90020", "90015.88235294", "REMAINING_IOC_CANCEL"
)
ORDER_6 = order("fixture-6", 3, 1, 3, "0.1", "0.06", "90005", "90005")
ORDER_7 = order("fixture-7", 4, 1, 3, "0.1", "0.1", "90010", reason="POST_ONLY_WOULD_CROSS")
ORDER_8 = order("fixture-8", 4, 1, 1, "99", "99", "88000", reason="NOT_ENOUGH_MARGIN")
ORDER_9 = order("fixture-9", 3, 1, 1, "0.2", "0.2", "91000", flags=1)
ORDER_10 = order("fixture-10", 3, 1, 1, "0.06", "0.06", "89100")
ORDER_CANCELED = order("fixture-canceled", 4, 1, 1, "0.07", "0.07", "88500", reason="USER_CANCELED")
CURSOR = "<a cursor>"
PLAIN = ("4", 1, 1, "10.153", "10.153", "70784.5")


def trade(number: str, side: int, price: str, size: str, kind: int, ms: int) -> tuple[Any, ...]:
    trade_id = f"17183779853802017039940000{number}"
    return (1, "BTC-USD-PERP", trade_id, side, e8(price), e8(size), kind, 0, ms * 1_000_000)


def eth_trade(trade_id: str, size: str, ms: int) -> tuple[Any, ...]:
    return (1, "ETH-USD-PERP", trade_id, 1, e8("3001"), e8(size), 1, 0, ms * 1_000_000)


def kline(ms: int, *numbers: str) -> tuple[int, ...]:
    return (ms * 1_000_000, *map(e8, numbers))


def summary(market: str, mark: str, bid: str, ask: str, last: str | None) -> tuple[Any, ...]:
    prices = (e8(mark), e8(bid), e8(ask), None if last is None else e8(last))
    return (market, *prices, 81_003_573, 10**12, None)


EXPECTED: dict[str, Any] = {
    "recorded_account": (
        e8("99885.098944"),
        e8("96105.938944"),
        e8("3779.16"),
        e8("1874.73"),
        "ACTIVE",
        1793611804000000002,
    ),
    "recorded_account_info": [(30_000_000, 450_000_000, 30_000_000)],
    "recorded_auth": "redacted",
    "recorded_balance": [("USDC", e8("99915.498944"))],
    "recorded_bbo": (
        *(2, "BTC-USD-PERP", 3956238, e8("89990"), e8("1"), e8("90010"), e8("1")),
        1793611800000000000,
    ),
    "recorded_error_cursor": ("INVALID_REQUEST_PARAMETER", "cursor: invalid signature"),
    "recorded_error_duplicate_client_id": ("DUPLICATED_CLIENT_ID", "client_id was used before"),
    "recorded_error_no_token": (
        "INVALID_TOKEN",
        "invalid bearer jwt: missing value in request header",
    ),
    "recorded_error_order_closed": ("ORDER_ID_NOT_FOUND", "order id not found"),
    "recorded_error_signature": ("INVALID_ORDER_SIGNATURE", "order signature verification failed"),
    "recorded_error_size": ("INVALID_ORDER_SIZE", "size: not a multiple of order_size_increment"),
    "recorded_error_unknown_market": ("MARKET_NOT_FOUND", "market not found"),
    "recorded_error_unknown_order": ("ORDER_ID_NOT_FOUND", "order id not found"),
    "recorded_fills_page_1": [
        [
            fill(1, 2, 1, "90005", "0.04", "0.108006", "0.06"),
            fill(1, 1, 2, "90020", "1", "40.509", "0.8"),
            fill(1, 1, 2, "90010", "0.7", "28.35315", "1.8"),
        ],
        CURSOR,
    ],
    "recorded_fills_page_2": [
        [
            fill(1, 2, 2, "139.9", "5", "0.314775", "0"),
            fill(1, 1, 2, "140.1", "5", "0.315225", "0"),
            fill(1, 2, 2, "2999", "1", "1.34955", "0"),
        ],
        CURSOR,
    ],
    "recorded_fills_page_3": [[fill(1, 1, 2, "90010", "0.3", "12.15135", "0")], None],
    "recorded_funding_data_page_1": [
        [
            (70_540_585, 70_540_000, e8("6781.34249169"), e8("0.21227249"), 8),
            (70_203_083, 70_200_000, e8("6781.34205292"), e8("0.21120506"), 8),
        ],
        CURSOR,
    ],
    "recorded_funding_data_page_2": [
        [(69_865_582, 69_870_000, e8("6781.34161626"), e8("0.21013855"), 8)],
        None,
    ],
    "recorded_klines": [
        kline(1793611620000, "3007.52", "3008.64", "3007.52", "3008.07", "2.9819"),
        kline(1793611680000, "3008.9", "3009.47", "3008.46", "3009.47", "3.2903"),
        kline(1793611740000, "3009.61", "3010.13", "3009.11", "3009.64", "4.2761"),
    ],
    "recorded_market_eth": RECORDED_MARKETS[1:2],
    "recorded_markets": RECORDED_MARKETS,
    "recorded_markets_summary": [
        summary("BTC-USD-PERP", "90000", "89990", "90010", None),
        summary("ETH-USD-PERP", "3000", "2999", "3001", "3001"),
        summary("SOL-USD-PERP", "140", "139.9", "140.1", None),
        ("kPEPE-USD-PERP", e8("0.009"), None, None, None, 81_003_573, 10**12, None),
    ],
    "recorded_order_by_client_id": ORDER_6,
    "recorded_order_canceled": [[ORDER_CANCELED], None],
    "recorded_order_changed": order("fixture-10", 3, 1, 1, "0.05", "0.05", "89000"),
    "recorded_order_created": ORDER_1,
    "recorded_order_new": ORDER_1,
    "recorded_order_partly_filled": ORDER_6,
    "recorded_orderbook": (
        *(3, "BTC-USD-PERP", 3956238, True),
        (e8("89990"), e8("1"), e8("89980"), e8("1")),
        (e8("90010"), e8("1"), e8("90020"), e8("1")),
        1793611800000000000,
    ),
    "recorded_orders_btc": [ORDER_6, ORDER_9, ORDER_10],
    "recorded_orders_history_page_1": [[ORDER_CANCELED, ORDER_10, ORDER_9, ORDER_8], CURSOR],
    "recorded_orders_history_page_2": [
        [ORDER_7, ORDER_6, ORDER_5, order("fixture-4", 4, 2, 2, "5", "0", None, "139.9", flags=16)],
        CURSOR,
    ],
    "recorded_orders_history_page_3": [
        [
            order("fixture-3", 4, 2, 2, "5", "0", None, "140.1", flags=16),
            order("fixture-2", 4, 1, 2, "1", "0", "2999", "2999"),
            ORDER_1_FILLED,
        ],
        None,
    ],
    "recorded_orders_open": [ORDER_6, ORDER_9, ORDER_10],
    "recorded_positions": [
        ("BTC-USD-PERP", 1, e8("1.96"), e8("90015"), e8("-29.4"), e8("-0.4"), None),
        ("ETH-USD-PERP", 1, e8("-1"), e8("2999"), e8("-1"), 0, None),
        ("SOL-USD-PERP", 2, 0, e8("140.1"), 0, e8("-1"), None),
    ],
    "recorded_system_config": ("PRIVATE_SN_POTC_SEPOLIA", "11155111", 8),
    "recorded_system_state": "ok",
    "recorded_system_time": 1793611800000,
    "recorded_trades_page_1": [
        [
            eth_trade("1700567793855980990909410000", "0.03", 1793611800750),
            eth_trade("1700567793822980990909410000", "0.02", 1793611800500),
        ],
        CURSOR,
    ],
    "recorded_trades_page_2": [
        [eth_trade("1700567793810980990909410000", "0.01", 1793611800250)],
        None,
    ],
    "written_account_documented": (*(e8("10000"), e8("8000"), e8("1000"), e8("500"), "ACTIVE", 1),),
    "written_account_info": [(-50_000_000, 300_000_000, None), (None, None, None)],
    "written_account_under_water": (
        *(e8("93.64123457"), e8("-506.35876543"), e8("600"), e8("300")),
        *("LIQUIDATION", 1718958002991595738),
    ),
    "written_account_margin": [("BTC-USD-PERP", "CROSS", 20, 0)],
    "written_account_margin_set": ("BTC-USD-PERP", "CROSS", 10, 0),
    "written_algo_order": HALF_DONE,
    "written_algo_order_created": algo("101", 1, "0.5", "", "", 30),
    "written_algo_orders_history_page": [
        [
            algo("303", 4, "0.4", "90000", "USER_CANCELED", 30),
            algo("404", 4, "0", "90010.5", "", 30),
            algo("505", 4, "0.5", "", "NOT_ENOUGH_MARGIN", 30),
        ],
        None,
    ],
    "written_algo_orders_open": [HALF_DONE, algo("202", 1, "3", "", "", 60, size="3")],
    "written_auth": "redacted",
    "written_balance": [("USDC", e8("99980.23822663")), ("DIME", e8("0.12345679"))],
    "written_bbo_documented": (
        *(2, "BTC-USD-PERP", 20784, e8("30112.22"), e8("0.04"), e8("30130.15"), e8("0.05")),
        1681493415023000000,
    ),
    "written_bbo_one_sided": (
        *(2, "HYPE-USD-30OCT26-102_5-P", 12, None, None, e8("10.25"), e8("1")),
        1788480000123000000,
    ),
    "written_error_batch_size": (*("BATCH_SIZE_OUT_OF_RANGE", "batch size must be from 1 to 10"),),
    "written_error_data_null": ("ORDER_ID_NOT_FOUND", "order id not found: 1"),
    "written_error_documented": ("VALIDATION_ERROR", "market is invalid"),
    "written_error_new_code": ("SOMETHING_NEW", ""),
    "written_error_not_settled": ("MARKET_NOT_SETTLED", "market not settled"),
    "written_error_post_only_state": ("SYSTEM_STATUS_POST_ONLY", "system is in post-only mode"),
    "written_error_rate_limit": ("", "rate limit exceeded"),
    "written_error_unknown_algo_order": ("ALGO_ID_NOT_FOUND", "algo order not found"),
    "written_error_unknown_path": (
        "INVALID_TOKEN",
        "invalid bearer jwt: missing value in request header",
    ),
    "written_fills_page": [
        [
            fill(1, 1, 2, "64852.9", "0.01", "0.1945587", "0"),
            fill(2, 1, 2, "83894.04692005", "0.01", "0.1945587", "0"),
            fill(5, 1, 1, "64852.9", "0.01", "-0.0324", "0"),
            fill(4, 2, 2, "64852.9", "0.01", "0.1945587", "0", "DIME"),
            fill(3, 1, 2, "64852.9", "0.01", "0.1945587", "0"),
        ],
        None,
    ],
    "written_funding_data_page": [
        [
            (81_003_573, 81_000_000, e8("23784.07241074"), e8("6.555095"), 8),
            (0, None, e8("100.1"), e8("0.12345679"), 0),
        ],
        None,
    ],
    "written_funding_payments_page": [
        [
            (
                "BTC-USD-PERP",
                e8("-0.01234568"),
                e8("1234.5678"),
                "1793611800000701",
                1793611860 * 10**9,
            ),
            ("BTC-USD-PERP", e8("2.5"), e8("1234.5679"), "", 1793611861 * 10**9),
        ],
        None,
    ],
    "written_klines": [
        kline(1719993660000, *["60823.3"] * 4, "4561"),
        kline(1719993720000, "60823.3", "60830", "60820.1", "60825.52764", "85.52764"),
    ],
    "written_market_documented": [
        perp("BTC-USD-PERP", "0.1", "0.00001", 30_000_000, 450_000_000),
    ],
    "written_markets_history": [
        (
            *("BTC-USD-PERP", 2),
            (
                *("price_tick_size", "order_size_increment", "max_slippage", "interest_rate"),
                "delta1_cross_margin_params",
            ),
            *(e8("0.5"), None, None),
        ),
        (
            *("BTC-USD-8MAY26-78000-C", 3, ("settlement_price", "underlying_twap_price")),
            *(None, e8("1234.56789012"), e8("79234.56789012")),
        ),
        (
            *("HYPE-USD-30OCT26-102_5-P", 1, ("price_tick_size", "strike_price", "of_tomorrow")),
            *(e8("0.001"), None, None),
        ),
        ("OLD-USD-PERP", 4, (), None, None, None),
        ("ETH-USD-PERP", 0, (), None, None, None),
    ],
    "written_markets_of_every_kind": [
        perp("kBONK-USD-PERP", "0.000001", "10", -50_000_000, 300_000_000),
        (
            *("HYPE-USD-30OCT26-102_5-P", 2, e8("0.001"), e8("0.1")),
            *(-50_000_000, 300_000_000, 1, e8("102.5")),
        ),
        (
            *("BTC-USD-96000-C", 4, e8("0.001"), e8("0.1")),
            *(-50_000_000, 300_000_000, 1, e8("96000")),
        ),
        ("ETH-USD", 3, e8("0.01"), e8("0.0001"), None, None, 1, None),
        ("US500-USD-PERP", 1, e8("0.000001"), e8("10"), -50_000_000, 300_000_000, 2, None),
        ("GAS-USD-IDX", 0, e8("0.000001"), e8("10"), -50_000_000, 300_000_000, 1, None),
    ],
    "written_markets_summary_illiquid": [
        (
            *("BTC-USD-PERP", e8("83441.7"), e8("83416.7"), e8("83450"), e8("83442")),
            *(81_003_573, 10**12, None),
        ),
        (
            *("HYPE-USD-30OCT26-102_5-P", e8("51.2"), None, None, None),
            *(None, -1_002_130_000_000, -12_300_000_000),
        ),
        ("ETH-USD", e8("1950.11"), e8("1950"), e8("2280"), e8("1950.2"), None, None, None),
    ],
    "written_onboarding": (
        "0x129c135ed63df9353885e292be4426b8ed6122b13c6c0e1bb787288a1f5adfa",
        True,
    ),
    "written_order_canceled": order(
        "1718941725080201704028870000", 4, 1, 1, *PLAIN[3:], reason="USER_CANCELED"
    ),
    "written_order_created_documented": order(
        "x1234", 1, 2, 1, "0.05", "0.05", "26000", "26000", "NOT_ENOUGH_MARGIN", 1, "26000"
    ),
    "written_order_refused_by_engine": order(
        "r-1", 4, 1, 1, *PLAIN[3:], reason="NOT_ENOUGH_MARGIN"
    ),
    "written_orderbook_uneven": (
        *(3, "BTC-USD-PERP", 7692345678, True),
        (
            *(e8("67643.2"), e8("0.026"), e8("67643"), e8("1.5"), e8("67600.1"), e8("0.5")),
            *(e8("67600"), e8("0.5"), e8("67000"), e8("2")),
        ),
        (e8("83894.1"), e8("0.01")),
        1718378007937000000,
    ),
    "written_orders_batch_canceled": [
        ("1793611800000601", "batch-1", "BTC-USD-PERP", "QUEUED_FOR_CANCELLATION"),
        ("1793611800000602", "batch-2", "BTC-USD-PERP", "ALREADY_CLOSED"),
        ("", "batch-9", "", "NOT_FOUND"),
    ],
    "written_orders_batch_created": [
        order("batch-2", 1, 1, 1, "0.1", "0.1", "89000"),
        order("batch-1", 1, 1, 1, "0.1", "0.1", "88900"),
        ("DUPLICATED_CLIENT_ID", "client id batch-3 is already used"),
    ],
    "written_orders_history_page": [
        [
            order("11", 4, 1, 1, *PLAIN[3:], reason="POST_ONLY_WOULD_CROSS"),
            order("12", 4, 1, 2, "10.153", "0", "70784.5", "70784.5", "REMAINING_IOC_CANCEL"),
            order("13", 4, 1, 1, *PLAIN[3:], reason="SOMETHING_NEW"),
        ],
        CURSOR,
    ],
    "written_orders_in_every_state": [
        order("n", 1, 1, 1, *PLAIN[3:]),
        order("2", 2, 3, 1, *PLAIN[3:], flags=3, trigger="60000"),
        order("3", 3, 1, 3, "10.153", "10", "70784.5", "70784.5", flags=32),
        order(
            *("4", 3, 6, 2, "10.153", "10.153", None, None, "USER_CANCELED"),
            flags=16,
            trigger="80000",
        ),
        order("5", 3, 1, 1, *PLAIN[3:], reason="USER_CANCELED"),
        order("6", 0, 1, 1, *PLAIN[3:], reason="USER_CANCELED"),
    ],
    "written_positions": [
        ("BTC-USD-PERP", 1, e8("0.01"), e8("64852.9"), e8("-2.39677214"), 0, None),
        ("ETH-USD-PERP", 1, e8("-1.5"), e8("64852.9"), e8("-2.39677214"), 0, None),
        ("SOL-USD-PERP", 2, 0, e8("64852.9"), e8("-2.39677214"), 0, None),
    ],
    "written_settlement_price": (
        *("BTC-USD-8MAY26-78000-C", e8("1234.56789012"), e8("79234.56789012")),
    ),
    "written_system_config_testnet": ("PRIVATE_SN_PARACLEAR_TESTNET", "11155111", 8),
    "written_system_state_post_only": "post_only",
    "written_system_time_documented": 1681493415023,
    "written_system_time_number": 1769713200123,
    "written_trade_busts_page": [
        [
            ("1793611800000701", 1793611860000000000),
            ("1793611800000702", 1793611860000000000),
        ],
        "MTc5MzYxMTgwMDAwMA==",
    ],
    "written_trades_page": [
        [
            trade("01", 1, "67643.2", "0.026", 1, 1718377985388),
            trade("02", 2, "83894.04692005", "0.025", 2, 1718377985387),
            trade("03", 2, "67600", "0.5", 3, 1718377985386),
            trade("04", 1, "67600", "25", 6, 1718377985385),
            trade("05", 1, "67600", "1", 0, 1718377985384),
        ],
        CURSOR,
    ],
}

# What the parser counts in the answers that are not all as the specification has them.
COUNTED = {
    "written_fills_page": {"skipped row: missing field price": 1},
    "written_markets_history": {
        "unknown event_type PAUSED": 1,
        "skipped row: missing field updated_at": 1,
    },
    "written_markets_of_every_kind": {
        "skipped row: missing field price_tick_size": 1,
        "unknown asset_kind INDEX": 1,
    },
    "written_orders_in_every_state": {
        "unknown flags NOVELTY": 1,
        "unknown status PARKED": 1,
        "skipped row: malformed size": 1,
    },
    "written_positions": {
        "skipped row: malformed size": 1,
        "skipped row: unknown word in field side": 1,
    },
    "written_trades_page": {
        "unknown trade_type AUCTION": 1,
        "skipped row: malformed size": 1,
    },
}


def test_no_fixture_is_left_out() -> None:
    assert sorted(EXPECTED) == sorted(rest_names())
    assert sorted(TIMELINES) == timeline_names()


@pytest.mark.parametrize("name", rest_names())
def test_rest_fixture(name: str) -> None:
    counters: dict[str, int] = {}
    figures = brief(parser_of(name)(load_rest(name).body, counters))
    expected = EXPECTED[name]
    if isinstance(expected, list) and len(expected) == 2 and expected[1] == CURSOR:
        assert isinstance(figures[1], str)
        assert figures[1].count(".") in (1, 2)
        figures[1] = CURSOR
    assert figures == expected
    assert counters == COUNTED.get(name, {})


def grown(value: Any) -> Any:
    """Return JSON with an unknown field in each of its objects."""
    if isinstance(value, dict):
        return {**{key: grown(item) for key, item in value.items()}, "of_tomorrow": {"a": ["b"]}}
    return [grown(item) for item in value] if isinstance(value, list) else value


def without_info(parsed: Any) -> Any:
    if isinstance(parsed, list):
        return [without_info(item) for item in parsed]
    if isinstance(parsed, dict):
        return {k: item for k, item in parsed.items() if k not in ("info", "changed_fields")}
    return parsed


@pytest.mark.parametrize("name", rest_names())
def test_unknown_fields_change_nothing(name: str) -> None:
    fixture, parse = load_rest(name), parser_of(name)
    counted: dict[str, int] = {}
    counted_then: dict[str, int] = {}
    now = plain(parse(fixture.body, counted))
    then = plain(parse(json.dumps(grown(json.loads(fixture.body))).encode(), counted_then))
    # A market keeps its row as it came, an event of one the names of its fields.
    assert without_info(then) == without_info(now)
    assert counted_then == counted


REQUIRED: dict[str, list[str]] = {
    "recorded_system_config": ["starknet_chain_id"],
    "recorded_system_state": ["status"],
    "recorded_bbo": ["market", "bid_size", "ask_size", "last_updated_at"],
    "recorded_orderbook": ["market", "bids", "asks", "last_updated_at"],
    "recorded_account": [
        "account_value",
        "total_collateral",
        "free_collateral",
        "initial_margin_requirement",
        "maintenance_margin_requirement",
    ],
    "recorded_order_created": [
        *("id", "market", "side", "type", "status", "size", "remaining_size"),
    ],
    "written_settlement_price": ["symbol", "settlement_price"],
    "recorded_markets": ["results"],
    "recorded_trades_page_1": ["results"],
    "recorded_fills_page_1": ["results"],
    "recorded_orders_open": ["results"],
    "recorded_positions": ["results"],
    "recorded_balance": ["results"],
}
REQUIRED_OF_ROWS: dict[str, list[str]] = {
    "recorded_market_eth": [
        *("symbol", "asset_kind", "base_currency", "price_tick_size", "order_size_increment"),
    ],
    "recorded_markets_summary": ["symbol", "created_at"],
    "recorded_trades_page_2": ["market", "id", "side", "price", "size", "trade_type", "created_at"],
    "recorded_fills_page_3": [
        *("id", "fill_type", "market", "side", "price", "size", "created_at"),
    ],
    "recorded_order_canceled": [
        *("id", "market", "side", "type", "status", "size", "remaining_size"),
    ],
    "recorded_positions": ["market", "status", "size"],
    "recorded_balance": ["token", "size"],
    "written_funding_data_page": ["market", "created_at"],
    "written_markets_history": ["symbol", "event_type", "updated_at"],
}


def cases(table: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(name, field) for name, fields in table.items() for field in fields]


@pytest.mark.parametrize(("name", "field"), cases(REQUIRED))
def test_a_required_field_that_is_missing_is_named(name: str, field: str) -> None:
    body = json.loads(load_rest(name).body)
    absences: list[dict[str, Any]] = [{key: body[key] for key in body if key != field}]
    if not isinstance(body[field], list):
        absences.append({**body, field: None})
    for absence in absences:
        with pytest.raises(MissingField) as caught:
            parser_of(name)(json.dumps(absence).encode(), {})
        assert caught.value.field == field


@pytest.mark.parametrize("name", [n for n, fields in REQUIRED.items() if fields == ["results"]])
def test_an_empty_list_may_be_null(name: str) -> None:
    for body in (b'{"results": null}', b'{"results": []}'):
        counters: dict[str, int] = {}
        parsed = parser_of(name)(body, counters)
        assert (parsed[0] if isinstance(parsed, tuple) else parsed) == []
        assert counters == {}


@pytest.mark.parametrize(("name", "field"), cases(REQUIRED_OF_ROWS))
def test_a_row_without_a_required_field_is_skipped_and_counted(name: str, field: str) -> None:
    body = json.loads(load_rest(name).body)

    def rows(counters: dict[str, int]) -> int:
        parsed = parser_of(name)(json.dumps(body).encode(), counters)
        return len(parsed[0] if isinstance(parsed, tuple) else parsed)

    whole = rows({})
    del body["results"][0][field]
    counters: dict[str, int] = {}
    assert rows(counters) == whole - 1
    before = COUNTED.get(name, {}).get(f"skipped row: missing field {field}", 0)
    assert counters[f"skipped row: missing field {field}"] == before + 1


@pytest.mark.parametrize("name", [n for n in rest_names() if load_rest(n).status < 400])
@pytest.mark.parametrize("body", [b"", b"[]", b"<html>Bad Gateway</html>", b'{"results":'])
def test_a_body_that_is_none_of_the_venues_is_malformed(name: str, body: bytes) -> None:
    with pytest.raises(MalformedMessage):
        parser_of(name)(body, {})


# Timelines: how many messages of each kind there are, and what was counted.

PUBLIC = {
    "bbo": 7,
    "trade": 4,
    "book": 8,
    "MarketSummary": 1,
    "FundingData": 1,
    "RpcResult": 6,
    "RpcError": 1,
}
PRIVATE = {"OrderUpdate": 13, "Fill": 3, "Position": 3, "AccountSummary": 8, "RpcResult": 5}
TIMELINES: dict[str, tuple[dict[str, int], dict[str, int]]] = {
    "recorded_order_flow": (
        {
            "OrderUpdate": 9,
            "Fill": 1,
            "Position": 1,
            "AccountSummary": 6,
            "RpcResult": 11,
            "RpcError": 4,
        },
        {},
    ),
    "recorded_private_json": (PRIVATE, {}),
    # The schema has no word for the empty instruction of a refused order.
    "recorded_private_sbe_1_2": (PRIVATE, {"unknown instruction 254": 1}),
    "recorded_private_sbe_1_3": (PRIVATE, {"unknown instruction 254": 1}),
    "recorded_public_book_gap": ({"book": 7, "RpcResult": 3}, {}),
    "recorded_public_sbe_1_1": (PUBLIC, {}),
    "recorded_public_sbe_1_2_long": (PUBLIC, {}),
    "recorded_public_sbe_1_2_short": (PUBLIC, {}),
    "recorded_public_sbe_1_3": (PUBLIC, {}),
    "written_private_json": (
        {"OrderUpdate": 3, "Fill": 2, "Position": 2, "TradeBust": 1, "nothing": 3},
        {
            "unknown status PARKED": 1,
            "unknown stp ASK": 1,
            "malformed fills: missing field size": 1,
            "malformed positions: malformed size": 1,
            "malformed frame: malformed body": 1,
        },
    ),
    "written_private_sbe": (
        {"OrderUpdate": 2, "Fill": 1, "Position": 2, "RpcResult": 1},
        {"unknown instruction 254": 1},
    ),
    "written_public_sbe": (
        {
            "bbo": 6,
            "trade": 4,
            "book": 3,
            "Heartbeat": 1,
            "RpcResult": 2,
            "RpcError": 1,
            "nothing": 4,
        },
        {
            "unknown side 254": 1,
            "unknown fill type 254": 1,
            "unknown template 77": 1,
            "unknown schema 9": 1,
            "template 2: truncated frame at market": 1,
            "template 2: malformed level": 1,
        },
    ),
}
TUPLES = {1: "trade", 2: "bbo", 3: "book"}


def read(name: str) -> tuple[list[Message | None], dict[str, int]]:
    parser = FrameParser()

    def parse(frame: Frame) -> Message | None:
        if frame.is_binary:
            return parser.parse_binary(frame.payload)
        return parser.parse_text(frame.payload)

    messages = [parse(frame) for frame in load_timeline(name) if frame.direction == "in"]
    return messages, parser.counters


def kind_of(message: Message | None) -> str:
    if message is None:
        return "nothing"
    return TUPLES[message[0]] if isinstance(message, tuple) else type(message).__name__


def of_kind(name: str, kind: str) -> list[Any]:
    return [message for message in read(name)[0] if kind_of(message) == kind]


@pytest.mark.parametrize("name", timeline_names())
def test_timeline(name: str) -> None:
    messages, counters = read(name)
    kinds, counted = TIMELINES[name]
    assert Counter(map(kind_of, messages)) == kinds
    assert counters == counted


@pytest.mark.parametrize("name", timeline_names())
def test_no_token_or_key_stands_in_a_timeline(name: str) -> None:
    for frame in load_timeline(name):
        if not frame.is_binary:
            assert b"eyJ" not in frame.payload
            assert b"private_key" not in frame.payload
            if b'"bearer"' in frame.payload:
                assert b'"bearer":"redacted"' in frame.payload


def test_every_version_and_layout_says_the_same_of_the_public_channels() -> None:
    """The short layouts lack the id's text and the precise rate, and nothing else."""

    def comparable(name: str) -> list[Any]:
        messages = [plain(message) for message in read(name)[0]]
        for message in messages:
            if isinstance(message, list) and message[0] == 1:
                message[2] = "an id"
            if isinstance(message, dict) and message["kind"] == 4:
                # Version 0 lacks them; from version 1 on they say more.
                message["forward_rate"] = message["risk_free_rate"] = message["funding_rate"] = None
        return messages

    first = comparable("recorded_public_sbe_1_1")
    for name in ("1_2_long", "1_2_short", "1_3"):
        assert comparable(f"recorded_public_sbe_{name}") == first


def test_the_id_of_a_trade_is_text_where_the_frame_has_it() -> None:
    texts = [trade[2] for trade in of_kind("recorded_public_sbe_1_3", "trade")]
    assert all(len(text) == 28 and text.isdigit() for text in texts)
    assert texts == [trade[2] for trade in of_kind("recorded_public_sbe_1_2_long", "trade")]
    derived = [trade[2] for trade in of_kind("recorded_public_sbe_1_1", "trade")]
    assert derived == [trade[2] for trade in of_kind("recorded_public_sbe_1_2_short", "trade")]
    assert len(set(derived)) == len(derived)


def test_binary_and_text_say_the_same_of_the_private_channels() -> None:
    """But for what the binary frames lack: when the order was signed, what is left of it."""
    lacking = {"ts_signed", "remaining_size", "instruction", "realized_funding"}

    def comparable(name: str) -> list[Any]:
        found = []
        for message in read(name)[0]:
            if kind_of(message) in ("OrderUpdate", "Fill", "Position"):
                told = plain(message)
                found.append({key: told[key] for key in told.keys() - lacking})
        return found

    text = comparable("recorded_private_json")
    assert comparable("recorded_private_sbe_1_3") == text
    assert comparable("recorded_private_sbe_1_2") == text


def test_the_book_of_the_gap_skips_one_step_and_starts_anew() -> None:
    steps = [(book[2], book[3]) for book in of_kind("recorded_public_book_gap", "book")]
    first = steps[0][0]
    relative = [(seq_no - first, is_snapshot) for seq_no, is_snapshot in steps]
    assert relative == [
        *[(0, True), (1, False), (2, False), (3, False), (5, False)],
        *[(5, True), (6, False)],
    ]


def test_the_order_flow_has_every_kind_of_reply() -> None:
    refused = [(e.code, e.message) for e in of_kind("recorded_order_flow", "RpcError")]
    assert refused == [
        (100, "DUPLICATED_CLIENT_ID"),
        (100, "ORDER_IS_CLOSED"),
        (100, "INVALID_ORDER_SIGNATURE"),
        (-32601, "Method not found"),
    ]
    results = [json.loads(r.result) for r in of_kind("recorded_order_flow", "RpcResult")]
    created = [result for result in results if "order" in result and "created_at" in result]
    # The time of receipt is in nanoseconds, that of creation in milliseconds.
    assert {len(str(result["received_at"])) for result in created} == {19}
    assert {len(str(result["created_at"])) for result in created} == {13}
    assert [r for r in results if r.get("status")] == [
        {"order_id": created[1]["order"]["id"], "status": "QUEUED_FOR_CANCELLATION"},
        {"status": "ok"},
    ]


def test_quotes_skip_and_may_lie_in_the_future() -> None:
    quotes = of_kind("written_public_sbe", "bbo")
    assert [quote[2] for quote in quotes[:4]] == [7686243994, 7686243996, 7686243998, 7686244030]
    assert quotes[2][7] == quotes[3][7]
    frames = [f for f in load_timeline("written_public_sbe") if f.is_binary]
    assert quotes[2][7] > frames[2].ts
    assert quotes[3][5:7] == (None, None)
    assert quotes[4][3:] == (None, None, e8("10.25"), e8("1"), 1791421923469000000)
    assert quotes[5][2:5] == (7686244000, e8("83416.7"), e8("0.00015"))


def test_trades_off_the_tick_beside_the_book_and_of_unknown_kind() -> None:
    liquidation, block, text, unknown = of_kind("written_public_sbe", "trade")
    assert liquidation[3:8] == (2, e8("83894.04692005"), e8("0.025"), 2, 7686243999)
    assert block[6:8] == (6, 0)
    assert text[1:3] == ("kBONK-USD-PERP", "1791421923402000000000000001")
    assert (unknown[3], unknown[6]) == (0, 0)


def test_books_with_empty_steps_and_longer_entries() -> None:
    books = of_kind("written_public_sbe", "book")
    assert [(book[2], book[3]) for book in books] == [(100, True), (101, False), (102, False)]
    assert books[1][4:6] == ((), ())
    assert books[2][4:6] == ((e8("83416.7"), 0), (e8("83450"), e8("0.00031")))


def test_private_binary_frames_packed_by_hand() -> None:
    working, refused = of_kind("written_private_sbe", "OrderUpdate")
    assert (working.status, working.instruction, working.price) == (3, 3, e8("83000"))
    assert (refused.status, refused.instruction) == (4, 0)
    assert refused.cancel_reason == "NOT_ENOUGH_MARGIN"
    assert working.client_order_id == refused.client_order_id == "O-20261008-000001"
    assert (working.request_id, working.request_status) == ("", 0)
    assert working.ts_updated == 1791500000000000000
    (fill,) = of_kind("written_private_sbe", "Fill")
    assert (fill.fill_type, fill.venue_order_id, fill.fee_currency) == (2, "", "")
    assert (fill.fee, fill.remaining_size) == (e8("0.94380803"), None)
    short, closed = of_kind("written_private_sbe", "Position")
    assert (short.size, short.average_entry_price_usd) == (e8("-0.05"), e8("83894.04692005"))
    assert (closed.size, closed.status) == (0, 2)


def test_private_text_frames_written_by_hand() -> None:
    working, refused, parked = of_kind("written_private_json", "OrderUpdate")
    assert (working.seq_no, working.trigger_price) == (1718958002991595738, None)
    assert (refused.cancel_reason, refused.instruction) == ("ORDER_SIZE_BELOW_MIN", 1)
    assert (refused.ts_signed, refused.avg_fill_price) == (0, None)
    assert (parked.status, parked.stp) == (0, 0)
    fill, transfer = of_kind("written_private_json", "Fill")
    assert (fill.fee, fill.flags) == (e8("0.1945587"), 4)
    assert (transfer.fill_type, transfer.price, transfer.fee) == (3, e8("83894.04692005"), 0)
    short, closed = of_kind("written_private_json", "Position")
    assert (short.size, short.ts_updated) == (e8("-0.05"), 1791500000000000000)
    assert (closed.size, closed.status) == (0, 2)
    (busted,) = of_kind("written_private_json", "TradeBust")
    assert busted.fill_id == fill.fill_id
