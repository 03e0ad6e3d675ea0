"""Trades, quotes, books, bars, summaries and funding of the markets.

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
    KIND_FUNDING_DATA,
    KIND_FUNDING_RATE_COMPARISON,
    KIND_MARKET_SUMMARY,
)

type TradeTuple = tuple[int, str, str, int, int, int, int, int, int]
type BboTuple = tuple[int, str, int, int | None, int | None, int | None, int | None, int]
type BookTuple = tuple[int, str, int, bool, tuple[int, ...], tuple[int, ...], int]
type KlineTuple = tuple[int, int, int, int, int, int]


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
