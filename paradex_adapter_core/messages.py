"""One final class per inbound message; flat tuples for the three hot kinds.

Units
-----
Prices, sizes, fees and other values are integers of 1e-8 (`vocabulary.UNITS_SCALE`), rates integers of
1e-12 (`vocabulary.RATE_SCALE`), ``ts_*`` nanoseconds since the Unix epoch (UTC). ``None`` stands for a
number the venue left empty. Codes are those of `vocabulary`; 0 is a word outside it.

Hot kinds
---------
Interpreted code reads a tuple item ten times faster than a compiled attribute, so trades, quotes and
books are tuples (docs/decisions/hot-messages-are-tuples.md):

``TradeTuple``
    ``(KIND_TRADE, market, trade_id, aggressor_side, price, size, trade_type, seq_no, ts_event)``
``BboTuple``
    ``(KIND_BBO, market, seq_no, bid_price, bid_size, ask_price, ask_size, ts_event)``; an empty side is
    ``None, None``
``BookTuple``
    ``(KIND_BOOK, market, seq_no, is_snapshot, bids, asks, ts_event)``; ``bids`` and ``asks`` are flat:
    price, size, price, size ...; size 0 deletes the level
"""

from typing import Final, final

from mypy_extensions import mypyc_attr

from paradex_adapter_core.vocabulary import (
    KIND_ACCOUNT,
    KIND_FILL,
    KIND_ORDER,
    KIND_POSITION,
    KIND_RPC_ERROR,
    KIND_RPC_RESULT,
)

type TradeTuple = tuple[int, str, str, int, int, int, int, int, int]
type BboTuple = tuple[int, str, int, int | None, int | None, int | None, int | None, int]
type BookTuple = tuple[int, str, int, bool, tuple[int, ...], tuple[int, ...], int]


@final
@mypyc_attr(acyclic=True)
class OrderUpdate:
    """The state of one order: websocket ``orders``, REST order answers (OrderResp).

    ``flags`` is the bit set of `vocabulary.ORDER_FLAGS`. ``seq_no`` grows per order within one ``feed``
    (`vocabulary.FEED_REST` or ``FEED_STREAM``) and means nothing across feeds. ``ts_signed`` is the
    signature timestamp. ``request_*`` tells the outcome of the last modify, code 0 when there is none.
    """

    def __init__(
        self,
        account: str,
        venue_order_id: str,
        client_order_id: str,
        market: str,
        side: int,
        order_type: int,
        instruction: int,
        status: int,
        price: int | None,
        trigger_price: int | None,
        size: int,
        remaining_size: int,
        avg_fill_price: int | None,
        cancel_reason: str,
        flags: int,
        stp: int,
        seq_no: int,
        feed: int,
        ts_created: int,
        ts_updated: int,
        ts_signed: int,
        request_id: str,
        request_status: int,
        request_type: int,
        request_message: str,
    ) -> None:
        self.kind: Final = KIND_ORDER
        self.account: Final = account
        self.venue_order_id: Final = venue_order_id
        self.client_order_id: Final = client_order_id
        self.market: Final = market
        self.side: Final = side
        self.order_type: Final = order_type
        self.instruction: Final = instruction
        self.status: Final = status
        self.price: Final = price
        self.trigger_price: Final = trigger_price
        self.size: Final = size
        self.remaining_size: Final = remaining_size
        self.avg_fill_price: Final = avg_fill_price
        self.cancel_reason: Final = cancel_reason
        self.flags: Final = flags
        self.stp: Final = stp
        self.seq_no: Final = seq_no
        self.feed: Final = feed
        self.ts_created: Final = ts_created
        self.ts_updated: Final = ts_updated
        self.ts_signed: Final = ts_signed
        self.request_id: Final = request_id
        self.request_status: Final = request_status
        self.request_type: Final = request_type
        self.request_message: Final = request_message


@final
@mypyc_attr(acyclic=True)
class Fill:
    """One fill of the account: websocket ``fills``, REST /fills (FillResult).

    ``fill_id`` is unique per ``fill_type`` only. ``fee`` is positive when paid, negative for a rebate, in
    ``fee_currency``, rounded to 1e-8. ``realized_pnl`` is gross of the fee. ``remaining_size`` is that
    of the order after the fill, ``None`` where the feed does not tell it.
    """

    def __init__(
        self,
        account: str,
        fill_id: str,
        fill_type: int,
        venue_order_id: str,
        client_order_id: str,
        market: str,
        side: int,
        liquidity: int,
        price: int,
        size: int,
        remaining_size: int | None,
        fee: int,
        fee_currency: str,
        realized_pnl: int | None,
        realized_funding: int | None,
        flags: int,
        ts_event: int,
    ) -> None:
        self.kind: Final = KIND_FILL
        self.account: Final = account
        self.fill_id: Final = fill_id
        self.fill_type: Final = fill_type
        self.venue_order_id: Final = venue_order_id
        self.client_order_id: Final = client_order_id
        self.market: Final = market
        self.side: Final = side
        self.liquidity: Final = liquidity
        self.price: Final = price
        self.size: Final = size
        self.remaining_size: Final = remaining_size
        self.fee: Final = fee
        self.fee_currency: Final = fee_currency
        self.realized_pnl: Final = realized_pnl
        self.realized_funding: Final = realized_funding
        self.flags: Final = flags
        self.ts_event: Final = ts_event


@final
@mypyc_attr(acyclic=True)
class Position:
    """One net position: websocket ``positions``, REST /positions (PositionResp).

    ``size`` is signed here whatever the encoding: negative when short, 0 when closed.
    """

    def __init__(
        self,
        account: str,
        market: str,
        status: int,
        size: int,
        average_entry_price: int | None,
        average_entry_price_usd: int | None,
        unrealized_pnl: int | None,
        realized_pnl: int | None,
        realized_funding: int | None,
        liquidation_price: int | None,
        last_fill_id: str,
        seq_no: int,
        feed: int,
        ts_updated: int,
    ) -> None:
        self.kind: Final = KIND_POSITION
        self.account: Final = account
        self.market: Final = market
        self.status: Final = status
        self.size: Final = size
        self.average_entry_price: Final = average_entry_price
        self.average_entry_price_usd: Final = average_entry_price_usd
        self.unrealized_pnl: Final = unrealized_pnl
        self.realized_pnl: Final = realized_pnl
        self.realized_funding: Final = realized_funding
        self.liquidation_price: Final = liquidation_price
        self.last_fill_id: Final = last_fill_id
        self.seq_no: Final = seq_no
        self.feed: Final = feed
        self.ts_updated: Final = ts_updated


@final
@mypyc_attr(acyclic=True)
class AccountSummary:
    """Margin state of the account: websocket ``account``, REST /account (AccountSummaryResponse)."""

    def __init__(
        self,
        account: str,
        status: str,
        account_value: int,
        total_collateral: int,
        free_collateral: int,
        initial_margin: int,
        maintenance_margin: int,
        settlement_asset: str,
        seq_no: int,
        feed: int,
        ts_updated: int,
    ) -> None:
        self.kind: Final = KIND_ACCOUNT
        self.account: Final = account
        self.status: Final = status
        self.account_value: Final = account_value
        self.total_collateral: Final = total_collateral
        self.free_collateral: Final = free_collateral
        self.initial_margin: Final = initial_margin
        self.maintenance_margin: Final = maintenance_margin
        self.settlement_asset: Final = settlement_asset
        self.seq_no: Final = seq_no
        self.feed: Final = feed
        self.ts_updated: Final = ts_updated


@final
@mypyc_attr(acyclic=True)
class Balance:
    """Holding of one token: REST /balance (BalanceResp). ``size`` is rounded to 1e-8."""

    def __init__(self, token: str, size: int, ts_updated: int) -> None:
        self.token: Final = token
        self.size: Final = size
        self.ts_updated: Final = ts_updated


@final
@mypyc_attr(acyclic=True)
class RpcResult:
    """A successful answer to one of our requests; ``result`` is its JSON text, to be parsed by kind."""

    def __init__(self, request_id: int, result: bytes) -> None:
        self.kind: Final = KIND_RPC_RESULT
        self.request_id: Final = request_id
        self.result: Final = result


@final
@mypyc_attr(acyclic=True)
class RpcError:
    """A refusal of one of our requests; ``request_id`` is -1 when the venue names none."""

    def __init__(self, request_id: int, code: int, message: str, data: str) -> None:
        self.kind: Final = KIND_RPC_ERROR
        self.request_id: Final = request_id
        self.code: Final = code
        self.message: Final = message
        self.data: Final = data
