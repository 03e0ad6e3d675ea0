"""Private JSON: orders, fills, positions, balances; REST bodies and stream ``data`` objects.

Sizes, limit and trigger prices are exact. Average and fill prices, fees, profits and balances are
rounded to 1e-8: liquidations fill off the tick, and fees and balances carry up to 16 decimals.

Lists skip and count the rows that cannot be read. Whoever needs a complete answer passes
``counters`` and looks at it; a body that cannot be read at all raises `MalformedMessage`.
"""

from paradex_adapter_core.errors import MalformedMessage
from paradex_adapter_core.messages.account import (
    AccountFees,
    AccountSummary,
    Balance,
    FundingPayment,
    MarginConfig,
    Position,
)
from paradex_adapter_core.messages.orders import Fill, OrderUpdate, TradeBust
from paradex_adapter_core.parsers.fields import (
    Row,
    find_account,
    find_code,
    find_cursor,
    find_flags,
    find_int,
    find_price,
    find_rate,
    find_rounded,
    find_row,
    find_text,
    find_time,
    find_units,
    load_row,
    need_amount,
    need_code,
    need_int,
    need_known_code,
    need_rounded,
    need_text,
    need_time,
    need_units,
    positive_or_none,
    read_rows,
)
from paradex_adapter_core.vocabulary import (
    FEED_REST,
    FILL_FLAGS,
    FILL_TYPES,
    INSTRUCTIONS,
    LIQUIDITIES,
    ORDER_FLAGS,
    ORDER_STATUSES,
    ORDER_TYPES,
    POSITION_SIDES,
    POSITION_STATUSES,
    REQUEST_STATUSES,
    REQUEST_TYPES,
    SIDE_SELL,
    SIDES,
    STP_MODES,
)


def parse_order(body: bytes, feed: int, counters: dict[str, int] | None = None) -> OrderUpdate:
    """Parse one order: POST, PUT and GET /orders answer with it.

    Raises
    ------
    MalformedMessage
        If the body cannot be read.

    """
    return read_order(load_row(body), feed, {} if counters is None else counters)


def parse_order_created(result: bytes, counters: dict[str, int] | None = None) -> OrderUpdate:
    """Parse the result of the RPC calls order.create and order.modify: the order within.

    Its sequence number is taken for one of the REST feed, being an answer and not a push.

    Raises
    ------
    MalformedMessage
        If the result cannot be read or holds no order.

    """
    row = load_row(result)
    return read_rest_order(find_row(row, "order"), {} if counters is None else counters)


def parse_orders(body: bytes, counters: dict[str, int] | None = None) -> list[OrderUpdate]:
    """Parse GET /orders: every open order."""
    return read_rows(load_row(body), "results", read_rest_order, counters)


def parse_orders_page(
    body: bytes, counters: dict[str, int] | None = None
) -> tuple[list[OrderUpdate], str | None]:
    """Parse a page of GET /orders-history; give its orders and the cursor of the next page."""
    page = load_row(body)
    return read_rows(page, "results", read_rest_order, counters), find_cursor(page)


def parse_fills_page(
    body: bytes, counters: dict[str, int] | None = None
) -> tuple[list[Fill], str | None]:
    """Parse a page of GET /fills; give its fills and the cursor of the next page."""
    page = load_row(body)
    return read_rows(page, "results", read_fill, counters), find_cursor(page)


def parse_positions(body: bytes, counters: dict[str, int] | None = None) -> list[Position]:
    """Parse GET /positions, closed positions among them."""
    return read_rows(load_row(body), "results", read_rest_position, counters)


def parse_account(body: bytes) -> AccountSummary:
    """Parse GET /account.

    Raises
    ------
    MalformedMessage
        If the body cannot be read.

    """
    return read_account(load_row(body), FEED_REST)


def parse_balances(body: bytes, counters: dict[str, int] | None = None) -> list[Balance]:
    """Parse GET /balance."""
    return read_rows(load_row(body), "results", read_balance, counters)


def parse_account_info(body: bytes, counters: dict[str, int] | None = None) -> list[AccountFees]:
    """Parse GET /account/info or /account/subaccounts: the fee rates of each account."""
    return read_rows(load_row(body), "results", read_account_fees, counters)


def parse_funding_payments(
    body: bytes, counters: dict[str, int] | None = None
) -> tuple[list[FundingPayment], str | None]:
    """Parse a page of GET /funding/payments; give its rows and the cursor of the next page."""
    page = load_row(body)
    return read_rows(page, "results", read_funding_payment, counters), find_cursor(page)


def parse_margin_configs(body: bytes, counters: dict[str, int] | None = None) -> list[MarginConfig]:
    """Parse GET /account/margin."""
    return read_rows(load_row(body), "configs", read_margin_config, counters)


def parse_trade_busts(
    body: bytes, counters: dict[str, int] | None = None
) -> tuple[list[TradeBust], str | None]:
    """Parse a page of GET /tradebusts; give its rows and the cursor of the next page."""
    page = load_row(body)
    return read_rows(page, "results", read_trade_bust, counters), find_cursor(page)


def read_rest_order(row: Row, counters: dict[str, int]) -> OrderUpdate:
    """Read one order of a REST answer."""
    return read_order(row, FEED_REST, counters)


def read_order(row: Row, feed: int, counters: dict[str, int]) -> OrderUpdate:
    """Read one order (OrderResp).

    An order the engine refused carries an empty instruction; one without a trigger a trigger price
    of 0; one without a fill an average price of 0 or none.
    """
    request = find_row(row, "request_info")
    return OrderUpdate(
        account=find_account(row, "account"),
        venue_order_id=need_text(row, "id"),
        client_order_id=find_text(row, "client_id"),
        market=need_text(row, "market"),
        side=need_code(row, "side", SIDES, counters),
        order_type=need_code(row, "type", ORDER_TYPES, counters),
        instruction=find_code(row, "instruction", INSTRUCTIONS, counters),
        status=need_code(row, "status", ORDER_STATUSES, counters),
        price=find_price(row, "price", is_exact=True),
        trigger_price=find_price(row, "trigger_price", is_exact=True),
        size=need_amount(need_units(row, "size"), "size"),
        remaining_size=need_amount(need_units(row, "remaining_size"), "remaining_size"),
        avg_fill_price=find_price(row, "avg_fill_price", is_exact=False),
        cancel_reason=find_text(row, "cancel_reason"),
        flags=find_flags(row, "flags", ORDER_FLAGS, counters),
        stp=find_code(row, "stp", STP_MODES, counters),
        seq_no=find_int(row, "seq_no") or 0,
        feed=feed,
        ts_created=find_time(row, "created_at"),
        ts_updated=find_time(row, "last_updated_at"),
        ts_signed=find_time(row, "timestamp"),
        request_id=find_text(request, "id"),
        request_status=find_code(request, "status", REQUEST_STATUSES, counters),
        request_type=find_code(request, "request_type", REQUEST_TYPES, counters),
        request_message=find_text(request, "message"),
    )


def read_fill(row: Row, counters: dict[str, int]) -> Fill:
    """Read one fill (FillResult)."""
    remaining = find_units(row, "remaining_size")
    return Fill(
        account=find_account(row, "account"),
        fill_id=need_text(row, "id"),
        fill_type=need_code(row, "fill_type", FILL_TYPES, counters),
        venue_order_id=find_text(row, "order_id"),
        client_order_id=find_text(row, "client_id"),
        market=need_text(row, "market"),
        side=need_code(row, "side", SIDES, counters),
        liquidity=find_code(row, "liquidity", LIQUIDITIES, counters),
        price=need_amount(need_rounded(row, "price"), "price"),
        size=need_amount(need_units(row, "size"), "size"),
        remaining_size=None if remaining is None else need_amount(remaining, "remaining_size"),
        fee=find_rounded(row, "fee") or 0,
        fee_currency=find_text(row, "fee_currency"),
        realized_pnl=find_rounded(row, "realized_pnl"),
        realized_funding=find_rounded(row, "realized_funding"),
        flags=find_flags(row, "flags", FILL_FLAGS, counters),
        ts_event=need_time(row, "created_at"),
    )


def read_trade_bust(row: Row, counters: dict[str, int]) -> TradeBust:
    """Read one fill taken back (TradebustResult)."""
    return TradeBust(
        account=find_account(row, "account"),
        fill_id=need_text(row, "busted_fill_id"),
        ts_event=find_time(row, "created_at"),
    )


def read_rest_position(row: Row, counters: dict[str, int]) -> Position:
    """Read one position of a REST answer."""
    return read_position(row, FEED_REST, counters)


def read_position(row: Row, feed: int, counters: dict[str, int]) -> Position:
    """Read one position (PositionResp).

    The size is documented as signed and the side is given beside it; a short whose size has no sign
    is a short, a long with a negative size is refused.
    """
    size = need_units(row, "size")
    # A closed position keeps the side it had, or has none.
    side = need_known_code(row, "side", POSITION_SIDES) if size else SIDE_SELL
    if side != SIDE_SELL and size < 0:
        raise MalformedMessage("size", str(size))
    realized_pnl = find_rounded(row, "realized_positional_pnl")
    if realized_pnl is None:
        # Its name in recordings of 2024.
        realized_pnl = find_rounded(row, "realized_pnl")
    return Position(
        account=find_account(row, "account"),
        market=need_text(row, "market"),
        status=need_code(row, "status", POSITION_STATUSES, counters),
        size=-abs(size) if side == SIDE_SELL else size,
        average_entry_price=find_price(row, "average_entry_price", is_exact=False),
        average_entry_price_usd=find_price(row, "average_entry_price_usd", is_exact=False),
        unrealized_pnl=find_rounded(row, "unrealized_pnl"),
        realized_pnl=realized_pnl,
        realized_funding=find_rounded(row, "realized_positional_funding_pnl"),
        liquidation_price=positive_or_none(find_rounded(row, "liquidation_price")),
        last_fill_id=find_text(row, "last_fill_id"),
        seq_no=find_int(row, "seq_no") or 0,
        feed=feed,
        ts_updated=find_time(row, "last_updated_at"),
    )


def read_account(row: Row, feed: int) -> AccountSummary:
    """Read the margin state of the account (AccountSummaryResponse)."""
    return AccountSummary(
        account=find_account(row, "account"),
        status=find_text(row, "status"),
        account_value=need_rounded(row, "account_value"),
        total_collateral=need_rounded(row, "total_collateral"),
        free_collateral=need_rounded(row, "free_collateral"),
        initial_margin=need_rounded(row, "initial_margin_requirement"),
        maintenance_margin=need_rounded(row, "maintenance_margin_requirement"),
        settlement_asset=find_text(row, "settlement_asset"),
        seq_no=find_int(row, "seq_no") or 0,
        feed=feed,
        ts_updated=find_time(row, "updated_at"),
    )


def read_balance(row: Row, counters: dict[str, int]) -> Balance:
    """Read the holding of one token (BalanceResp)."""
    return Balance(
        token=need_text(row, "token"),
        size=need_rounded(row, "size"),
        ts_updated=find_time(row, "last_updated_at"),
    )


def read_account_fees(row: Row, counters: dict[str, int]) -> AccountFees:
    """Read the fee rates of one account (AccountInfoResponse)."""
    fees = find_row(row, "fees")
    return AccountFees(
        account=find_account(row, "account"),
        account_kind=find_text(row, "kind"),
        parent_account=find_account(row, "parent_account"),
        maker_rate=find_rate(fees, "maker_rate"),
        taker_rate=find_rate(fees, "taker_rate"),
        spot_maker_rate=find_rate(fees, "spot_maker_rate"),
        spot_taker_rate=find_rate(fees, "spot_taker_rate"),
        dated_option_maker_rate=find_rate(fees, "dated_option_maker_rate"),
        dated_option_taker_rate=find_rate(fees, "dated_option_taker_rate"),
        perp_option_maker_rate=find_rate(fees, "perp_option_maker_rate"),
        perp_option_taker_rate=find_rate(fees, "perp_option_taker_rate"),
    )


def read_funding_payment(row: Row, counters: dict[str, int]) -> FundingPayment:
    """Read one realization of funding (FundingPayment)."""
    return FundingPayment(
        account=find_account(row, "account"),
        payment_id=need_text(row, "id"),
        market=need_text(row, "market"),
        payment=need_rounded(row, "payment"),
        funding_index=find_rounded(row, "index"),
        fill_id=find_text(row, "fill_id"),
        ts_event=need_time(row, "created_at"),
    )


def read_margin_config(row: Row, counters: dict[str, int]) -> MarginConfig:
    """Read the margin mode of one market (AccountMarginEntry)."""
    return MarginConfig(
        market=need_text(row, "market"),
        margin_type=need_text(row, "margin_type"),
        leverage=need_int(row, "leverage"),
        isolated_leverage=find_int(row, "isolated_margin_leverage") or 0,
    )
