"""Whatever one websocket frame may hold."""

from paradex_adapter_core.messages.account import AccountSummary, FundingPayment, Position
from paradex_adapter_core.messages.connection import (
    Heartbeat,
    OtherPush,
    RpcError,
    RpcResult,
    Subscribed,
)
from paradex_adapter_core.messages.market_data import (
    BboTuple,
    BookTuple,
    FundingData,
    FundingRateComparison,
    MarketSummary,
    TradeTuple,
)
from paradex_adapter_core.messages.orders import Fill, OrderUpdate, TradeBust

type Message = (
    TradeTuple
    | BboTuple
    | BookTuple
    | MarketSummary
    | FundingData
    | FundingRateComparison
    | OrderUpdate
    | Fill
    | Position
    | AccountSummary
    | FundingPayment
    | TradeBust
    | Heartbeat
    | Subscribed
    | OtherPush
    | RpcResult
    | RpcError
)
