"""Orders and fills, and what became of batches of orders."""

from typing import Final, final

from mypy_extensions import mypyc_attr

from paradex_adapter_core.vocabulary import KIND_FILL, KIND_ORDER, KIND_TRADE_BUST


@final
@mypyc_attr(acyclic=True)
class OrderUpdate:
    """The state of one order: websocket ``orders``, REST order answers (OrderResp).

    A price the venue gives as 0 or empty is ``None``. ``flags`` is the bit set of
    `vocabulary.ORDER_FLAGS`. ``seq_no`` grows per order within one ``feed``
    (`vocabulary.FEED_REST` or ``FEED_STREAM``) and means nothing across feeds. ``ts_signed`` is the
    signature timestamp. ``request_*`` tells the outcome of the last modify, code 0 when there is
    none.
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

    ``fill_id`` is unique per ``fill_type`` only. ``fee`` is positive when paid, negative for a
    rebate, in ``fee_currency`` (empty where the feed does not name it). ``price``, ``fee`` and the
    realized amounts are rounded to 1e-8; ``realized_pnl`` is gross of the fee. ``remaining_size``
    is that of the order after the fill, ``None`` where the feed does not tell it.
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
class TradeBust:
    """A fill of the account taken back: channel ``tradebusts``, REST /tradebusts (TradebustResult).

    Which type of fill it was is not told, though fill ids are unique per type only. ``ts_event`` is
    0 where the venue tells no time.
    """

    def __init__(self, account: str, fill_id: str, ts_event: int) -> None:
        self.kind: Final = KIND_TRADE_BUST
        self.account: Final = account
        self.fill_id: Final = fill_id
        self.ts_event: Final = ts_event


@final
@mypyc_attr(acyclic=True)
class AlgoOrder:
    """The state of one algo order: REST /algo/orders (AlgoOrderResp).

    It bears no client id, and its child orders do not name it. ``algo_type`` is a code of
    `vocabulary.ALGO_TYPES`, ``status`` one of ``ORDER_STATUSES``. ``interval_secs`` is 0 where the
    venue names none.
    """

    def __init__(
        self,
        account: str,
        algo_order_id: str,
        market: str,
        side: int,
        algo_type: int,
        status: int,
        size: int,
        remaining_size: int,
        avg_fill_price: int | None,
        cancel_reason: str,
        interval_secs: int,
        ts_created: int,
        ts_updated: int,
        ts_end: int,
    ) -> None:
        self.account: Final = account
        self.algo_order_id: Final = algo_order_id
        self.market: Final = market
        self.side: Final = side
        self.algo_type: Final = algo_type
        self.status: Final = status
        self.size: Final = size
        self.remaining_size: Final = remaining_size
        self.avg_fill_price: Final = avg_fill_price
        self.cancel_reason: Final = cancel_reason
        self.interval_secs: Final = interval_secs
        self.ts_created: Final = ts_created
        self.ts_updated: Final = ts_updated
        self.ts_end: Final = ts_end


@final
@mypyc_attr(acyclic=True)
class BatchRow:
    """What became of one order of a batch.

    Either ``order`` is there, or ``code`` and ``message`` say why it was refused (RPC answers have
    no code). A row with none of them could not be read: the outcome of its order is unknown.
    ``position`` is its place in the request, -1 where the answer does not tell it, as by REST.
    """

    def __init__(
        self, position: int, order: OrderUpdate | None, code: str = "", message: str = ""
    ) -> None:
        self.position: Final = position
        self.order: Final = order
        self.code: Final = code
        self.message: Final = message

    @property
    def is_refused(self) -> bool:
        """Whether the venue said that it did not take the order."""
        return self.order is None and (self.code != "" or self.message != "")


@final
@mypyc_attr(acyclic=True)
class CancelResult:
    """One row of a batch cancel's answer; ids may be empty.

    ``status`` is the venue's word: `vocabulary.CANCEL_QUEUED` and its like. ``position`` is the
    place of the row: by RPC that of the request, by REST nothing is said of it.
    """

    def __init__(
        self, position: int, venue_order_id: str, client_order_id: str, market: str, status: str
    ) -> None:
        self.position: Final = position
        self.venue_order_id: Final = venue_order_id
        self.client_order_id: Final = client_order_id
        self.market: Final = market
        self.status: Final = status
