"""Markets, what becomes of them, and their tickers.

REST /markets, /markets/history, /markets/settlement-price and /markets/summary, channels
``markets`` and ``markets_summary``.
"""

from paradex_adapter_core.errors import MalformedMessage
from paradex_adapter_core.messages.market_data import MarketSummary
from paradex_adapter_core.messages.markets import Market, MarketEvent, MarketSettlement
from paradex_adapter_core.parsers.fields import (
    Row,
    find_code,
    find_int,
    find_price,
    find_rate,
    find_rounded,
    find_row,
    find_text,
    find_texts,
    find_time,
    find_units,
    load_decimal_row,
    load_row,
    need_amount,
    need_code,
    need_number,
    need_rounded,
    need_text,
    need_time,
    read_rows,
)
from paradex_adapter_core.vocabulary import (
    ASSET_KINDS,
    MARKET_EVENTS,
    OPTION_TYPES,
    TRADING_MODES,
)


def parse_markets(body: bytes, counters: dict[str, int] | None = None) -> list[Market]:
    """Parse GET /markets.

    Rows that cannot be read are skipped and counted: what lacks a tick or a lot cannot be traded.

    Raises
    ------
    MalformedMessage
        If the body as a whole cannot be read.

    """
    return read_rows(load_row(body), "results", read_market, counters)


def parse_market_summaries(
    body: bytes, counters: dict[str, int] | None = None
) -> list[MarketSummary]:
    """Parse GET /markets/summary, as `parse_markets` does its own."""
    return read_rows(load_row(body), "results", read_market_summary, counters)


def parse_market_event(data: bytes, counters: dict[str, int] | None = None) -> MarketEvent:
    """Parse a push of channel ``markets``: the JSON text of an `OtherPush`.

    Raises
    ------
    MalformedMessage
        If it cannot be read. An event of a kind not known yet is counted, and reads as 0.

    """
    tally: dict[str, int] = {} if counters is None else counters
    return read_market_event(load_decimal_row(data), tally)


def parse_market_settlement(body: bytes) -> MarketSettlement:
    """Parse GET /markets/settlement-price.

    Raises
    ------
    MalformedMessage
        If the body cannot be read.

    """
    row = load_row(body)
    return MarketSettlement(
        market=need_text(row, "symbol"),
        settlement_price=need_amount(need_rounded(row, "settlement_price"), "settlement_price"),
        underlying_twap_price=find_rounded(row, "underlying_twap_price"),
        ts_expiry=find_time(row, "expiry_at"),
    )


def read_market(row: Row, counters: dict[str, int]) -> Market:
    """Read one listed market."""
    api_fee = find_row(find_row(row, "fee_config"), "api_fee")
    margin = find_row(row, "delta1_cross_margin_params")
    option_margin = find_row(row, "option_cross_margin_params")
    return Market(
        symbol=need_text(row, "symbol"),
        asset_kind=need_code(row, "asset_kind", ASSET_KINDS, counters),
        base_currency=need_text(row, "base_currency"),
        quote_currency=find_text(row, "quote_currency"),
        settlement_currency=find_text(row, "settlement_currency"),
        price_tick_size=need_step(row, "price_tick_size"),
        order_size_increment=need_step(row, "order_size_increment"),
        min_notional=find_rounded(row, "min_notional"),
        max_order_size=find_rounded(row, "max_order_size"),
        position_limit=find_rounded(row, "position_limit"),
        max_open_orders=find_int(row, "max_open_orders") or 0,
        trading_mode=find_code(row, "trading_mode", TRADING_MODES, counters),
        option_type=find_code(row, "option_type", OPTION_TYPES, counters),
        strike_price=find_price(row, "strike_price", is_exact=True),
        ts_open=find_time(row, "open_at"),
        ts_expiry=find_time(row, "expiry_at"),
        funding_period_hours=need_amount(
            find_int(row, "funding_period_hours") or 0, "funding_period_hours"
        ),
        maker_fee=find_rate(find_row(api_fee, "maker_fee"), "fee"),
        taker_fee=find_rate(find_row(api_fee, "taker_fee"), "fee"),
        imf_base=find_rate(margin, "imf_base"),
        mmf_factor=find_rate(margin, "mmf_factor"),
        price_bands_width=find_rate(row, "price_bands_width"),
        max_slippage=find_rate(row, "max_slippage"),
        imf_premium=find_rate(find_row(option_margin, "imf"), "premium_multiplier"),
        mmf_premium=find_rate(find_row(option_margin, "mmf"), "premium_multiplier"),
        tags=find_texts(row, "tags"),
        info=row,
    )


def read_market_event(row: Row, counters: dict[str, int]) -> MarketEvent:
    """Read one change of a market's listing."""
    changed = find_row(row, "changed_fields")
    return MarketEvent(
        market=need_text(row, "symbol"),
        event_type=need_code(row, "event_type", MARKET_EVENTS, counters),
        changed_fields=tuple(changed),
        price_tick_size=find_step(changed, "price_tick_size"),
        order_size_increment=find_step(changed, "order_size_increment"),
        settlement_price=find_rounded(changed, "settlement_price"),
        underlying_twap_price=find_rounded(changed, "underlying_twap_price"),
        ts_event=need_time(row, "updated_at"),
    )


def need_step(row: Row, field: str) -> int:
    """Return a price or size increment in 1e-8, which must be positive."""
    return need_number(find_step(row, field), field)


def find_step(row: Row, field: str) -> int | None:
    """Return a price or size increment in 1e-8, None when absent."""
    step = find_units(row, field)
    if step is not None and step <= 0:
        raise MalformedMessage(field, str(step))
    return step


def read_market_summary(row: Row, counters: dict[str, int]) -> MarketSummary:
    """Read one ticker; numbers an illiquid market lacks are empty texts."""
    greeks = find_row(row, "greeks")
    delta = find_rate(greeks, "delta")
    if delta is None:
        delta = find_rate(row, "delta")
    return MarketSummary(
        market=need_text(row, "symbol"),
        seq_no=0,
        mark_price=find_rounded(row, "mark_price"),
        index_price=find_rounded(row, "underlying_price"),
        last_price=find_rounded(row, "last_traded_price"),
        bid=find_rounded(row, "bid"),
        bid_size=find_rounded(row, "bid_size"),
        ask=find_rounded(row, "ask"),
        ask_size=find_rounded(row, "ask_size"),
        volume_24h=find_rounded(row, "volume_24h"),
        total_volume=find_rounded(row, "total_volume"),
        open_interest=find_rounded(row, "open_interest"),
        price_change_rate_24h=find_rate(row, "price_change_rate_24h"),
        funding_rate=find_rate(row, "funding_rate"),
        future_funding_rate=find_rate(row, "future_funding_rate"),
        external_fair_price=find_rounded(row, "external_fair_price"),
        settlement_twap_estimate=find_rounded(row, "settlement_twap_estimate"),
        mark_iv=find_rate(row, "mark_iv"),
        bid_iv=find_rate(row, "bid_iv"),
        ask_iv=find_rate(row, "ask_iv"),
        last_iv=find_rate(row, "last_iv"),
        delta=delta,
        gamma=find_rate(greeks, "gamma"),
        vega=find_rate(greeks, "vega"),
        theta=find_rate(greeks, "theta"),
        rho=find_rate(greeks, "rho"),
        vanna=find_rate(greeks, "vanna"),
        volga=find_rate(greeks, "volga"),
        forward_rate=find_rate(row, "forward_rate"),
        risk_free_rate=find_rate(row, "risk_free_rate"),
        ts_event=need_time(row, "created_at"),
    )
