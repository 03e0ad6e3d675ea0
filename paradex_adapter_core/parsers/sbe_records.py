"""The binary templates that come seldom: tickers, funding, orders, fills, positions, account.

A decoder raises `MalformedMessage`, or one of its kinds that says more, for what it needs and
cannot read.
"""

from typing import Final

from paradex_adapter_core.errors import MalformedMessage
from paradex_adapter_core.messages.account import AccountSummary, Position
from paradex_adapter_core.messages.connection import Heartbeat, Subscribed
from paradex_adapter_core.messages.frame import Message
from paradex_adapter_core.messages.market_data import (
    FundingData,
    FundingRateComparison,
    MarketSummary,
)
from paradex_adapter_core.messages.orders import Fill, OrderUpdate
from paradex_adapter_core.parsers.fields import positive_or_none
from paradex_adapter_core.parsers.record_reader import RecordReader
from paradex_adapter_core.vocabulary import (
    FEED_STREAM,
    FILL_BLOCK_TRADE,
    INSTRUCTION_RPI,
    KIND_SPOT,
    LIQUIDITY_TAKER,
    ORDER_STOP_LOSS_MARKET,
    POSITION_CLOSED,
    REQUEST_MODIFY_ORDER,
    REQUEST_SUCCESS,
    SIDE_SELL,
    STATUS_CLOSED,
    STP_EXPIRE_BOTH,
    UNKNOWN,
)

TEMPLATE_MARKET_SUMMARY: Final = 4
TEMPLATE_FUNDING_DATA: Final = 5
TEMPLATE_FUNDING_RATE_COMPARISON: Final = 6
TEMPLATE_ORDER: Final = 20
TEMPLATE_FILL: Final = 21
TEMPLATE_POSITION: Final = 22
TEMPLATE_ACCOUNT: Final = 23
TEMPLATE_HEARTBEAT: Final = 40
TEMPLATE_SUBSCRIBED: Final = 41

FUNDING_SOURCE_LAST: Final = 12
ORDER_FLAGS_KNOWN: Final = 63
FILL_FLAGS_KNOWN: Final = 7
ACCOUNT_STATUSES: Final[list[str]] = ["", "ACTIVE", "LIQUIDATION"]


def decode_record(template: int, reader: RecordReader) -> Message | None:
    """Decode the frame of ``template``; None for a template not known, which is counted."""
    if template == TEMPLATE_MARKET_SUMMARY:
        return decode_market_summary(reader)
    if template == TEMPLATE_ORDER:
        return decode_order(reader)
    if template == TEMPLATE_FILL:
        return decode_fill(reader)
    if template == TEMPLATE_POSITION:
        return decode_position(reader)
    if template == TEMPLATE_ACCOUNT:
        return decode_account(reader)
    if template == TEMPLATE_FUNDING_DATA:
        return decode_funding_data(reader)
    if template == TEMPLATE_FUNDING_RATE_COMPARISON:
        return decode_funding_rate_comparison(reader)
    if template == TEMPLATE_HEARTBEAT:
        return decode_heartbeat(reader)
    if template == TEMPLATE_SUBSCRIBED:
        return decode_subscribed(reader)
    reader.count(f"unknown template {template}")
    return None


def decode_market_summary(reader: RecordReader) -> MarketSummary:
    """Decode template 4; the lifetime volume saturates at the largest 64-bit integer."""
    reader.need_block(216)
    funding_rate = reader.find_units(232)
    if funding_rate is None:
        funding_rate = reader.find_rate_8(56)
    return MarketSummary(
        market=reader.need_text("market"),
        seq_no=reader.need_units(8, "seq"),
        mark_price=reader.find_units(16),
        index_price=reader.find_units(24),
        last_price=reader.find_units(32),
        bid=reader.find_units(64),
        bid_size=reader.find_units(200),
        ask=reader.find_units(72),
        ask_size=reader.find_units(208),
        volume_24h=reader.find_units(40),
        total_volume=reader.find_units(80),
        open_interest=reader.find_units(48),
        price_change_rate_24h=reader.find_rate_8(88),
        funding_rate=funding_rate,
        future_funding_rate=reader.find_rate_8(184),
        external_fair_price=reader.find_units(192),
        settlement_twap_estimate=reader.find_units(240),
        mark_iv=reader.find_rate_8(96),
        bid_iv=reader.find_rate_8(104),
        ask_iv=reader.find_rate_8(112),
        last_iv=reader.find_rate_8(120),
        delta=reader.find_rate_8(128),
        gamma=reader.find_rate_8(136),
        vega=reader.find_rate_8(144),
        theta=reader.find_rate_8(152),
        rho=reader.find_rate_8(160),
        vanna=reader.find_rate_8(176),
        volga=reader.find_rate_8(168),
        forward_rate=reader.find_rate_8(216),
        risk_free_rate=reader.find_rate_8(224),
        ts_event=reader.need_time(0),
    )


def decode_funding_data(reader: RecordReader) -> FundingData:
    """Decode template 5."""
    reader.need_block(58)
    return FundingData(
        market=reader.need_text("market"),
        seq_no=reader.need_units(8, "seq"),
        funding_rate=reader.find_rate_8(16),
        funding_rate_8h=reader.find_rate_8(48),
        funding_index=reader.find_units(24),
        funding_premium=reader.find_units(40),
        impact_premium_rate=reader.find_rate_8(58),
        funding_period_hours=reader.read_hours(56),
        ts_event=reader.need_time(32),
    )


def decode_funding_rate_comparison(reader: RecordReader) -> FundingRateComparison:
    """Decode template 6."""
    reader.need_block(26)
    return FundingRateComparison(
        market=reader.need_text("market"),
        asset_kind=reader.find_code(24, 1, KIND_SPOT, "asset kind"),
        source=reader.find_code(25, 1, FUNDING_SOURCE_LAST, "funding source"),
        hourly_funding_rate=reader.need_units(16, "hourly funding rate"),
        ts_updated=reader.need_time(8),
        ts_event=reader.need_time(0),
    )


def decode_order(reader: RecordReader) -> OrderUpdate:
    """Decode template 20."""
    reader.need_block(126)
    venue_order_id = reader.need_text("order id")
    client_order_id = reader.read_text("client order id")
    market = reader.need_text("market")
    cancel_reason = reader.read_text("cancel reason")
    return OrderUpdate(
        account=reader.read_account(76),
        venue_order_id=venue_order_id,
        client_order_id=client_order_id,
        market=market,
        side=reader.find_code(17, 1, SIDE_SELL, "side"),
        order_type=reader.find_code(18, 1, ORDER_STOP_LOSS_MARKET, "order type"),
        instruction=reader.find_code(19, 1, INSTRUCTION_RPI, "instruction"),
        status=reader.find_code(16, 1, STATUS_CLOSED, "order status"),
        price=reader.find_price(20, "price"),
        trigger_price=reader.find_price(28, "trigger price"),
        size=reader.need_amount(36, "size"),
        remaining_size=reader.need_amount(44, "remaining size"),
        avg_fill_price=reader.find_price(52, "average fill price"),
        cancel_reason=cancel_reason,
        flags=reader.find_flags(125, ORDER_FLAGS_KNOWN, "order flag"),
        stp=reader.find_code(124, 0, STP_EXPIRE_BOTH, "stp mode"),
        seq_no=reader.need_units(8, "seq"),
        feed=FEED_STREAM,
        ts_created=reader.need_time(60),
        ts_updated=reader.need_time(68),
        ts_signed=0,
        request_id=reader.find_text("request id"),
        request_status=reader.find_code(126, 0, REQUEST_SUCCESS, "request status"),
        request_type=reader.find_code(127, 0, REQUEST_MODIFY_ORDER, "request type"),
        request_message=reader.find_text("request message"),
    )


def decode_fill(reader: RecordReader) -> Fill:
    """Decode template 21, which does not tell what remains of the order."""
    reader.need_block(107)
    fill_id = reader.need_text("fill id")
    venue_order_id = reader.read_text("order id")
    client_order_id = reader.read_text("client order id")
    reader.read_text("trade id")
    return Fill(
        account=reader.read_account(59),
        fill_id=fill_id,
        fill_type=reader.find_code(16, 1, FILL_BLOCK_TRADE, "fill type"),
        venue_order_id=venue_order_id,
        client_order_id=client_order_id,
        market=reader.need_text("market"),
        side=reader.find_code(17, 1, SIDE_SELL, "side"),
        liquidity=reader.find_code(18, 1, LIQUIDITY_TAKER, "liquidity"),
        price=reader.need_amount(19, "price"),
        size=reader.need_amount(27, "size"),
        remaining_size=None,
        fee=reader.need_units(35, "fee"),
        fee_currency=reader.find_text("fee currency"),
        realized_pnl=reader.find_units(43),
        realized_funding=reader.find_units(99),
        flags=reader.find_flags(107, FILL_FLAGS_KNOWN, "fill flag"),
        ts_event=reader.need_time(51),
    )


def decode_position(reader: RecordReader) -> Position:
    """Decode template 22: the size is absolute on the wire, the side gives its sign."""
    reader.need_block(154)
    size = reader.need_amount(17, "size")
    side = reader.find_code(16, 1, SIDE_SELL, "side")
    if side == UNKNOWN and size:
        raise MalformedMessage("side", str(size))
    return Position(
        account=reader.read_account(81),
        market=reader.need_text("market"),
        status=reader.find_code(153, 1, POSITION_CLOSED, "position status"),
        size=-size if side == SIDE_SELL else size,
        average_entry_price=reader.find_price(25, "average entry price"),
        average_entry_price_usd=reader.find_price(113, "average entry price in USD"),
        unrealized_pnl=reader.find_units(33),
        realized_pnl=reader.find_units(41),
        realized_funding=None,
        liquidation_price=positive_or_none(reader.find_units(57)),
        last_fill_id=reader.read_text("last fill id"),
        seq_no=reader.need_units(8, "seq"),
        feed=FEED_STREAM,
        ts_updated=reader.need_time(73),
    )


def decode_account(reader: RecordReader) -> AccountSummary:
    """Decode template 23."""
    reader.need_block(113)
    return AccountSummary(
        account=reader.read_account(72),
        status=ACCOUNT_STATUSES[reader.find_code(112, 1, 2, "account status")],
        account_value=reader.need_units(48, "account value"),
        total_collateral=reader.need_units(16, "total collateral"),
        free_collateral=reader.need_units(24, "free collateral"),
        initial_margin=reader.need_units(32, "initial margin"),
        maintenance_margin=reader.need_units(40, "maintenance margin"),
        settlement_asset=reader.read_text("settlement asset"),
        seq_no=reader.need_units(8, "seq"),
        feed=FEED_STREAM,
        ts_updated=reader.need_time(64),
    )


def decode_heartbeat(reader: RecordReader) -> Heartbeat:
    """Decode template 40."""
    reader.need_block(16)
    return Heartbeat(seq_no=reader.need_units(8, "seq"), ts_event=reader.need_time(0))


def decode_subscribed(reader: RecordReader) -> Subscribed:
    """Decode template 41; status 0 is an acceptance."""
    reader.need_block(17)
    return Subscribed(
        channel=reader.read_text("channel"),
        is_accepted=reader.read_byte(16) == 0,
        seq_no=reader.need_units(8, "seq"),
        ts_event=reader.need_time(0),
    )
