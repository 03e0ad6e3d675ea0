"""Account messages with all but the point of a test filled in, and events as plain words."""

from paradex_adapter_core.events import (
    AccountChanged,
    BalanceChanged,
    Contradiction,
    Event,
    ExternalOrder,
    FillApplied,
    FillsMissing,
    ModifyRejected,
    OrderAccepted,
    OrderCanceled,
    OrderChanged,
    OrderExpired,
    OrderRejected,
    OrderTriggered,
    PositionChanged,
)
from paradex_adapter_core.messages.account import AccountSummary, Position
from paradex_adapter_core.messages.orders import Fill, OrderUpdate
from paradex_adapter_core.order_state import OrderState
from paradex_adapter_core.state_store import StateStore
from paradex_adapter_core.vocabulary import (
    FEED_STREAM,
    FILL_ORDINARY,
    INSTRUCTION_GTC,
    LIQUIDITY_MAKER,
    ORDER_LIMIT,
    POSITION_CLOSED,
    POSITION_OPEN,
    REQUEST_MODIFY_ORDER,
    SIDE_BUY,
    STATUS_OPEN,
)

ACCOUNT = "0x7e57"
MARKET = "BTC-USD-PERP"
PRICE = 60_000 * 10**8
TS_INIT = 1_790_000_000_000_000_000


def order_update(
    status: int = STATUS_OPEN,
    remaining: int = 10,
    *,
    size: int = 10,
    seq_no: int = 0,
    feed: int = FEED_STREAM,
    ts: int = 0,
    venue_id: str = "V-1",
    client_id: str = "O-1",
    price: int | None = PRICE,
    trigger_price: int | None = 0,
    reason: str = "",
    side: int = SIDE_BUY,
    order_type: int = ORDER_LIMIT,
    request_id: str = "",
    request_status: int = 0,
    request_message: str = "",
) -> OrderUpdate:
    return OrderUpdate(
        account=ACCOUNT,
        venue_order_id=venue_id,
        client_order_id=client_id,
        market=MARKET,
        side=side,
        order_type=order_type,
        instruction=INSTRUCTION_GTC,
        status=status,
        price=price,
        trigger_price=trigger_price,
        size=size,
        remaining_size=remaining,
        avg_fill_price=None,
        cancel_reason=reason,
        flags=0,
        stp=0,
        seq_no=seq_no,
        feed=feed,
        ts_created=1,
        ts_updated=ts or seq_no,
        ts_signed=1,
        request_id=request_id,
        request_status=request_status,
        request_type=REQUEST_MODIFY_ORDER if request_status else 0,
        request_message=request_message,
    )


def fill(
    fill_id: str = "F-1",
    size: int = 10,
    *,
    fill_type: int = FILL_ORDINARY,
    venue_id: str = "V-1",
    client_id: str = "O-1",
    side: int = SIDE_BUY,
    price: int = PRICE,
    ts: int = 50,
    fee: int = 3,
    fee_currency: str = "USDC",
) -> Fill:
    return Fill(
        account=ACCOUNT,
        fill_id=fill_id,
        fill_type=fill_type,
        venue_order_id=venue_id,
        client_order_id=client_id,
        market=MARKET,
        side=side,
        liquidity=LIQUIDITY_MAKER,
        price=price,
        size=size,
        remaining_size=None,
        fee=fee,
        fee_currency=fee_currency,
        realized_pnl=0,
        realized_funding=0,
        flags=0,
        ts_event=ts,
    )


def position(
    size: int, *, market: str = MARKET, seq_no: int = 0, feed: int = FEED_STREAM, ts: int = 0
) -> Position:
    return Position(
        account=ACCOUNT,
        market=market,
        status=POSITION_OPEN if size else POSITION_CLOSED,
        size=size,
        average_entry_price=PRICE,
        average_entry_price_usd=PRICE,
        unrealized_pnl=0,
        realized_pnl=0,
        realized_funding=0,
        liquidation_price=None,
        last_fill_id="F-1",
        seq_no=seq_no,
        feed=feed,
        ts_updated=ts or seq_no,
    )


def account_summary(
    value: int, *, seq_no: int = 0, feed: int = FEED_STREAM, ts: int = 0
) -> AccountSummary:
    return AccountSummary(
        account=ACCOUNT,
        status="ACTIVE",
        account_value=value,
        total_collateral=value,
        free_collateral=value,
        initial_margin=0,
        maintenance_margin=0,
        settlement_asset="USDC",
        seq_no=seq_no,
        feed=feed,
        ts_updated=ts or seq_no,
    )


def track(
    store: StateStore,
    client_id: str = "O-1",
    *,
    size: int = 10,
    price: int | None = PRICE,
    trigger_price: int | None = None,
    order_type: int = ORDER_LIMIT,
    side: int = SIDE_BUY,
) -> OrderState:
    return store.track_order(
        client_id,
        MARKET,
        side,
        order_type,
        INSTRUCTION_GTC,
        size,
        price,
        trigger_price,
        0,
        TS_INIT,
    )


def in_words(events: list[Event]) -> list[str]:
    """Return one short line per event, to compare with what a test expects."""
    return [_in_words(event) for event in events]


def _in_words(event: Event) -> str:
    match event:
        case OrderAccepted():
            words = f"accepted {event.client_order_id} as {event.venue_order_id}"
        case OrderTriggered():
            words = f"triggered {event.client_order_id}"
        case OrderRejected():
            words = f"rejected {event.client_order_id}: {event.reason}"
            words += " (post-only)" if event.due_post_only else ""
        case OrderCanceled():
            words = f"canceled {event.client_order_id}: {event.reason}"
        case OrderExpired():
            words = f"expired {event.client_order_id}: {event.reason}"
        case OrderChanged():
            words = f"changed {event.client_order_id}"
        case ModifyRejected():
            words = f"modify rejected {event.client_order_id}: {event.reason}"
        case FillApplied():
            words = f"fill {event.fill.fill_id} of {event.client_order_id or 'others'}"
        case FillsMissing():
            words = f"missing {event.missing} of {event.client_order_id}"
        case ExternalOrder():
            words = f"external {event.update.venue_order_id}"
        case PositionChanged():
            words = f"position {event.position.size}"
        case AccountChanged():
            words = f"account {event.summary.account_value}"
        case BalanceChanged():
            words = f"balance {event.balance.token}"
        case Contradiction():
            words = f"contradiction of {event.client_order_id or 'others'}"
    return words
