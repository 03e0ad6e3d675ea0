"""One final class per inbound message; flat tuples for the three hot kinds.

Units
-----
Prices, sizes, fees and other values are integers of 1e-8 (`vocabulary.UNITS_SCALE`), rates integers
of 1e-12 (`vocabulary.RATE_SCALE`), ``ts_*`` nanoseconds since the Unix epoch (UTC). ``None`` stands
for a number the venue left empty. Codes are those of `vocabulary`; 0 is a word outside it.

Hot kinds
---------
Interpreted code reads a tuple item ten times faster than a compiled attribute, so trades, quotes
and books are tuples (docs/decisions/hot-messages-are-tuples.md):

``TradeTuple``
    ``(KIND_TRADE, market, trade_id, aggressor_side, price, size, trade_type, seq_no, ts_event)``
``BboTuple``
    ``(KIND_BBO, market, seq_no, bid_price, bid_size, ask_price, ask_size, ts_event)``; an empty
    side is ``None, None``
``BookTuple``
    ``(KIND_BOOK, market, seq_no, is_snapshot, bids, asks, ts_event)``; ``bids`` and ``asks`` are
    flat: price, size, price, size ...; size 0 deletes the level
``KlineTuple``
    ``(ts_open, open, high, low, close, volume)``, from REST only
"""

from typing import Final, final

from mypy_extensions import mypyc_attr

from paradex_adapter_core.vocabulary import (
    KIND_ACCOUNT,
    KIND_FILL,
    KIND_FUNDING_DATA,
    KIND_FUNDING_RATE_COMPARISON,
    KIND_HEARTBEAT,
    KIND_MARKET_SUMMARY,
    KIND_ORDER,
    KIND_OTHER,
    KIND_POSITION,
    KIND_RPC_ERROR,
    KIND_RPC_RESULT,
    KIND_SUBSCRIBED,
)

type TradeTuple = tuple[int, str, str, int, int, int, int, int, int]
type BboTuple = tuple[int, str, int, int | None, int | None, int | None, int | None, int]
type BookTuple = tuple[int, str, int, bool, tuple[int, ...], tuple[int, ...], int]
type KlineTuple = tuple[int, int, int, int, int, int]


@final
@mypyc_attr(acyclic=True)
class Market:
    """One listed market: REST /markets (MarketResp).

    ``asset_kind``, ``option_type`` and ``trading_mode`` are codes of `vocabulary`. Fees, margin
    fractions and ``max_slippage`` are rates (1e-12), ``None`` where the venue names none: the
    account's own rates apply then. ``imf_premium`` and ``mmf_premium`` are the fractions of an
    option's premium that a long position binds. ``ts_expiry`` is 0 for a market without one.
    ``tags`` are the venue's categories. ``info`` is the row as it came, with the venue's spellings
    and currencies.
    """

    def __init__(
        self,
        symbol: str,
        asset_kind: int,
        base_currency: str,
        quote_currency: str,
        settlement_currency: str,
        price_tick_size: int,
        order_size_increment: int,
        min_notional: int | None,
        max_order_size: int | None,
        position_limit: int | None,
        max_open_orders: int,
        trading_mode: int,
        option_type: int,
        strike_price: int | None,
        ts_open: int,
        ts_expiry: int,
        funding_period_hours: int,
        maker_fee: int | None,
        taker_fee: int | None,
        imf_base: int | None,
        mmf_factor: int | None,
        price_bands_width: int | None,
        max_slippage: int | None,
        imf_premium: int | None,
        mmf_premium: int | None,
        tags: tuple[str, ...],
        info: dict[str, object],
    ) -> None:
        self.symbol: Final = symbol
        self.asset_kind: Final = asset_kind
        self.base_currency: Final = base_currency
        self.quote_currency: Final = quote_currency
        self.settlement_currency: Final = settlement_currency
        self.price_tick_size: Final = price_tick_size
        self.order_size_increment: Final = order_size_increment
        self.min_notional: Final = min_notional
        self.max_order_size: Final = max_order_size
        self.position_limit: Final = position_limit
        self.max_open_orders: Final = max_open_orders
        self.trading_mode: Final = trading_mode
        self.option_type: Final = option_type
        self.strike_price: Final = strike_price
        self.ts_open: Final = ts_open
        self.ts_expiry: Final = ts_expiry
        self.funding_period_hours: Final = funding_period_hours
        self.maker_fee: Final = maker_fee
        self.taker_fee: Final = taker_fee
        self.imf_base: Final = imf_base
        self.mmf_factor: Final = mmf_factor
        self.price_bands_width: Final = price_bands_width
        self.max_slippage: Final = max_slippage
        self.imf_premium: Final = imf_premium
        self.mmf_premium: Final = mmf_premium
        self.tags: Final = tags
        self.info: Final = info


@final
@mypyc_attr(acyclic=True)
class MarketEvent:
    """A market was listed, changed, settled or removed: channel ``markets``, REST /markets/history.

    ``event_type`` is a code of `vocabulary.MARKET_EVENTS`. ``changed_fields`` names every field the
    event carries; of those only the increments and the prices of a settlement are read, ``None``
    where absent: what else changed is in REST /markets. Prices are rounded to 1e-8, the increments
    exact.
    """

    def __init__(
        self,
        market: str,
        event_type: int,
        changed_fields: tuple[str, ...],
        price_tick_size: int | None,
        order_size_increment: int | None,
        settlement_price: int | None,
        underlying_twap_price: int | None,
        ts_event: int,
    ) -> None:
        self.market: Final = market
        self.event_type: Final = event_type
        self.changed_fields: Final = changed_fields
        self.price_tick_size: Final = price_tick_size
        self.order_size_increment: Final = order_size_increment
        self.settlement_price: Final = settlement_price
        self.underlying_twap_price: Final = underlying_twap_price
        self.ts_event: Final = ts_event


@final
@mypyc_attr(acyclic=True)
class MarketSettlement:
    """How a market was settled: REST /markets/settlement-price (MarketSettlementResp).

    ``settlement_price`` is the payoff of an option per unit of its underlying, of other markets the
    price itself. Both are rounded to 1e-8.
    """

    def __init__(
        self,
        market: str,
        settlement_price: int,
        underlying_twap_price: int | None,
        ts_expiry: int,
    ) -> None:
        self.market: Final = market
        self.settlement_price: Final = settlement_price
        self.underlying_twap_price: Final = underlying_twap_price
        self.ts_expiry: Final = ts_expiry


@final
@mypyc_attr(acyclic=True)
class MarketSummary:
    """Ticker of one market: channel ``markets_summary``, REST /markets/summary (MarketSummaryResp).

    Prices, sizes and volumes are rounded to 1e-8; volatilities, greeks, funding and other rates to
    1e-12. ``total_volume`` from a binary frame saturates at 2**63 - 1: a lower bound then.
    ``seq_no`` is 0 where the feed has none.
    """

    def __init__(
        self,
        market: str,
        seq_no: int,
        mark_price: int | None,
        index_price: int | None,
        last_price: int | None,
        bid: int | None,
        bid_size: int | None,
        ask: int | None,
        ask_size: int | None,
        volume_24h: int | None,
        total_volume: int | None,
        open_interest: int | None,
        price_change_rate_24h: int | None,
        funding_rate: int | None,
        future_funding_rate: int | None,
        external_fair_price: int | None,
        settlement_twap_estimate: int | None,
        mark_iv: int | None,
        bid_iv: int | None,
        ask_iv: int | None,
        last_iv: int | None,
        delta: int | None,
        gamma: int | None,
        vega: int | None,
        theta: int | None,
        rho: int | None,
        vanna: int | None,
        volga: int | None,
        forward_rate: int | None,
        risk_free_rate: int | None,
        ts_event: int,
    ) -> None:
        self.kind: Final = KIND_MARKET_SUMMARY
        self.market: Final = market
        self.seq_no: Final = seq_no
        self.mark_price: Final = mark_price
        self.index_price: Final = index_price
        self.last_price: Final = last_price
        self.bid: Final = bid
        self.bid_size: Final = bid_size
        self.ask: Final = ask
        self.ask_size: Final = ask_size
        self.volume_24h: Final = volume_24h
        self.total_volume: Final = total_volume
        self.open_interest: Final = open_interest
        self.price_change_rate_24h: Final = price_change_rate_24h
        self.funding_rate: Final = funding_rate
        self.future_funding_rate: Final = future_funding_rate
        self.external_fair_price: Final = external_fair_price
        self.settlement_twap_estimate: Final = settlement_twap_estimate
        self.mark_iv: Final = mark_iv
        self.bid_iv: Final = bid_iv
        self.ask_iv: Final = ask_iv
        self.last_iv: Final = last_iv
        self.delta: Final = delta
        self.gamma: Final = gamma
        self.vega: Final = vega
        self.theta: Final = theta
        self.rho: Final = rho
        self.vanna: Final = vanna
        self.volga: Final = volga
        self.forward_rate: Final = forward_rate
        self.risk_free_rate: Final = risk_free_rate
        self.ts_event: Final = ts_event


@final
@mypyc_attr(acyclic=True)
class FundingData:
    """Funding of one market: channel ``funding_data``, REST /funding/data (FundingDataResult).

    Rates are in 1e-12. ``funding_index`` and ``funding_premium`` are amounts of quote currency per
    unit of base, rounded to 1e-8. ``funding_rate`` is that of the market's own
    ``funding_period_hours``. ``seq_no`` is 0 where the feed has none.
    """

    def __init__(
        self,
        market: str,
        seq_no: int,
        funding_rate: int | None,
        funding_rate_8h: int | None,
        funding_index: int | None,
        funding_premium: int | None,
        impact_premium_rate: int | None,
        funding_period_hours: int,
        ts_event: int,
    ) -> None:
        self.kind: Final = KIND_FUNDING_DATA
        self.market: Final = market
        self.seq_no: Final = seq_no
        self.funding_rate: Final = funding_rate
        self.funding_rate_8h: Final = funding_rate_8h
        self.funding_index: Final = funding_index
        self.funding_premium: Final = funding_premium
        self.impact_premium_rate: Final = impact_premium_rate
        self.funding_period_hours: Final = funding_period_hours
        self.ts_event: Final = ts_event


@final
@mypyc_attr(acyclic=True)
class FundingRateComparison:
    """Hourly funding rate (1e-12) of a market at another venue: ``funding_rate_comparison``."""

    def __init__(
        self,
        market: str,
        asset_kind: int,
        source: int,
        hourly_funding_rate: int,
        ts_updated: int,
        ts_event: int,
    ) -> None:
        self.kind: Final = KIND_FUNDING_RATE_COMPARISON
        self.market: Final = market
        self.asset_kind: Final = asset_kind
        self.source: Final = source
        self.hourly_funding_rate: Final = hourly_funding_rate
        self.ts_updated: Final = ts_updated
        self.ts_event: Final = ts_event


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
    """Margin state of the account: channel ``account``, REST /account (AccountSummaryResponse)."""

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
    """A successful answer to one of our requests; ``result`` is its JSON text."""

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


@final
@mypyc_attr(acyclic=True)
class Heartbeat:
    """The sign of life an idle binary connection sends about every 20 s."""

    def __init__(self, seq_no: int, ts_event: int) -> None:
        self.kind: Final = KIND_HEARTBEAT
        self.seq_no: Final = seq_no
        self.ts_event: Final = ts_event


@final
@mypyc_attr(acyclic=True)
class Subscribed:
    """Binary subscription acknowledgment, reserved by the schema; acknowledgments come as JSON."""

    def __init__(self, channel: str, is_accepted: bool, seq_no: int, ts_event: int) -> None:
        self.kind: Final = KIND_SUBSCRIBED
        self.channel: Final = channel
        self.is_accepted: Final = is_accepted
        self.seq_no: Final = seq_no
        self.ts_event: Final = ts_event


@final
@mypyc_attr(acyclic=True)
class OtherPush:
    """A push on a channel without a message class of its own; ``data`` is its JSON text."""

    def __init__(self, channel: str, data: bytes) -> None:
        self.kind: Final = KIND_OTHER
        self.channel: Final = channel
        self.data: Final = data


@final
@mypyc_attr(acyclic=True)
class AccountFees:
    """Fee rates (1e-12) of one account: REST /account/info (AccountInfoResponse).

    A rate the venue does not name is ``None``; negative is a rebate.
    """

    def __init__(
        self,
        account: str,
        account_kind: str,
        parent_account: str,
        maker_rate: int | None,
        taker_rate: int | None,
        spot_maker_rate: int | None,
        spot_taker_rate: int | None,
        dated_option_maker_rate: int | None,
        dated_option_taker_rate: int | None,
        perp_option_maker_rate: int | None,
        perp_option_taker_rate: int | None,
    ) -> None:
        self.account: Final = account
        self.account_kind: Final = account_kind
        self.parent_account: Final = parent_account
        self.maker_rate: Final = maker_rate
        self.taker_rate: Final = taker_rate
        self.spot_maker_rate: Final = spot_maker_rate
        self.spot_taker_rate: Final = spot_taker_rate
        self.dated_option_maker_rate: Final = dated_option_maker_rate
        self.dated_option_taker_rate: Final = dated_option_taker_rate
        self.perp_option_maker_rate: Final = perp_option_maker_rate
        self.perp_option_taker_rate: Final = perp_option_taker_rate


@final
@mypyc_attr(acyclic=True)
class FundingPayment:
    """Funding realized by the account: REST /funding/payments; positive when received."""

    def __init__(
        self, account: str, payment_id: str, market: str, payment: int, fill_id: str, ts_event: int
    ) -> None:
        self.account: Final = account
        self.payment_id: Final = payment_id
        self.market: Final = market
        self.payment: Final = payment
        self.fill_id: Final = fill_id
        self.ts_event: Final = ts_event


@final
@mypyc_attr(acyclic=True)
class CancelResult:
    """One row of a batch cancel's answer; ``status`` is the venue's word, ids may be empty."""

    def __init__(self, venue_order_id: str, client_order_id: str, market: str, status: str) -> None:
        self.venue_order_id: Final = venue_order_id
        self.client_order_id: Final = client_order_id
        self.market: Final = market
        self.status: Final = status


@final
@mypyc_attr(acyclic=True)
class MarginConfig:
    """Margin mode and leverage the account set for one market: REST /account/margin."""

    def __init__(self, market: str, margin_type: str, leverage: int) -> None:
        self.market: Final = market
        self.margin_type: Final = margin_type
        self.leverage: Final = leverage


@final
@mypyc_attr(acyclic=True)
class SystemConfig:
    """What signing and address derivation need of REST /system/config, in the venue's texts."""

    def __init__(
        self,
        environment: str,
        starknet_chain_id: str,
        l1_chain_id: str,
        account_class_hash: str,
        account_proxy_class_hash: str,
        fullnode_rpc_url: str,
        paraclear_address: str,
        paraclear_decimals: int,
    ) -> None:
        self.environment: Final = environment
        self.starknet_chain_id: Final = starknet_chain_id
        self.l1_chain_id: Final = l1_chain_id
        self.account_class_hash: Final = account_class_hash
        self.account_proxy_class_hash: Final = account_proxy_class_hash
        self.fullnode_rpc_url: Final = fullnode_rpc_url
        self.paraclear_address: Final = paraclear_address
        self.paraclear_decimals: Final = paraclear_decimals


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
    | Heartbeat
    | Subscribed
    | OtherPush
    | RpcResult
    | RpcError
)
