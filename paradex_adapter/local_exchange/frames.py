"""What each event looks like as a binary frame: event name and fields of the venue's schema."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext
from typing import Final

from paradex_adapter.local_exchange.accounts import Account, Fill, Margin
from paradex_adapter.local_exchange.amounts import AVERAGE_STEP, MONEY, ZERO, average
from paradex_adapter.local_exchange.book import BUY, SELL, BookChange, Level
from paradex_adapter.local_exchange.markets import Market, Trade
from paradex_adapter.local_exchange.option_pricing import FORWARD_RATE
from paradex_adapter.local_exchange.orders import Order
from paradex_adapter.local_exchange.positions import Position

Frame = tuple[str, dict[str, object]]

_US_PER_MS: Final = 1000
_FUNDING_PERIOD_HOURS: Final = 8


def _eight(amount: Decimal) -> Decimal:
    """Round to what the frame can carry; JSON carries every decimal."""
    return amount.quantize(AVERAGE_STEP, context=MONEY)


def trade_frame(trade: Trade, now_us: int) -> Frame:
    """Return the frame of a public print."""
    return "trade", {
        "ts": now_us,
        "seq": trade.seq_no,
        "tradeId": int(trade.id),
        "side": trade.side,
        "price": _eight(trade.price),
        "size": trade.size,
        "createdAt": trade.created_at * _US_PER_MS,
        "tradeType": trade.trade_type,
        "market": trade.market,
        "tradeIdStr": trade.id,
    }


def bbo_frame(market: Market, now_us: int) -> Frame:
    """Return the frame of a market's best prices."""
    bid, ask = market.book.best(BUY), market.book.best(SELL)
    return "bbo", {
        "ts": now_us,
        "seq": market.book.seq_no,
        "bidPrice": bid[0] if bid else None,
        "bidSize": bid[1] if bid else None,
        "askPrice": ask[0] if ask else None,
        "askSize": ask[1] if ask else None,
        "market": market.symbol,
    }


def _book_fields(market: Market, now_us: int) -> dict[str, object]:
    bid, ask = market.book.best(BUY), market.book.best(SELL)
    return {
        "ts": now_us,
        "market": market.symbol,
        "bestBidApiPrice": bid[0] if bid else None,
        "bestBidApiSize": bid[1] if bid else None,
        "bestAskApiPrice": ask[0] if ask else None,
        "bestAskApiSize": ask[1] if ask else None,
    }


def _interactive_fields(market: Market) -> dict[str, object]:
    bid, ask = market.book.best(BUY), market.book.best(SELL)
    return {
        "bestBidPrice": bid[0] if bid else None,
        "bestBidSize": bid[1] if bid else None,
        "bestAskPrice": ask[0] if ask else None,
        "bestAskSize": ask[1] if ask else None,
        "relativeSpread": _spread(bid[0], ask[0]) if bid and ask else None,
    }


def _spread(bid: Decimal, ask: Decimal) -> Decimal:
    return average((ask - bid) * 2, ask + bid)


def snapshot_frame(
    market: Market,
    now_us: int,
    depth: int | None = None,
    tick: Decimal | None = None,
    *,
    is_interactive: bool = False,
) -> Frame:
    """Return the frame of a book: whole, or its best levels, summed up by a price step."""
    return "book", {
        **_book_fields(market, now_us),
        **(_interactive_fields(market) if is_interactive else {}),
        "seq": market.book.seq_no,
        "pkgType": "SNAPSHOT",
        "bids": _levels(market, BUY, tick)[:depth],
        "asks": _levels(market, SELL, tick)[:depth],
    }


def _levels(market: Market, side: str, tick: Decimal | None) -> list[Level]:
    levels = market.book.sides[side].levels()
    if tick is None:
        return levels
    # Away from the other side, so that an aggregated book is never crossed.
    rounding = ROUND_FLOOR if side == BUY else ROUND_CEILING
    summed: dict[Decimal, Decimal] = {}
    for price, size in levels:
        step = (price / tick).to_integral_value(rounding) * tick
        summed[step] = summed.get(step, ZERO) + size
    return list(summed.items())


def delta_frame(market: Market, change: BookChange, now_us: int) -> Frame:
    """Return the frame of one change of a book."""
    return "book", {
        **_book_fields(market, now_us),
        "seq": change.seq_no,
        "pkgType": "DELTA",
        "bids": change.bids,
        "asks": change.asks,
    }


def summary_frame(market: Market, open_interest: Decimal, seq: int, now_us: int) -> Frame:
    """Return the frame of a market's summary."""
    bid, ask = market.book.best(BUY), market.book.best(SELL)
    return "market_summary", {
        "ts": now_us,
        "seq": seq,
        "markPrice": _eight(market.mark_price),
        "indexPrice": _eight(market.underlying_price),
        "lastPrice": market.trades[-1].price if market.trades else ZERO,
        "volumeUsd24h": _eight(market.volume),
        "openInterest": open_interest,
        "fundingRate": market.funding_rate,
        "bid": bid[0] if bid else None,
        "ask": ask[0] if ask else None,
        "bidSize": bid[1] if bid else None,
        "askSize": ask[1] if ask else None,
        "totalVolume": _eight(market.volume),
        "priceChangeRate24h": _eight(market.mark_price / market.rules.reference_price - 1),
        "delta": Decimal(1),
        "gamma": ZERO,
        "vega": ZERO,
        "externalFairPrice": _eight(market.mark_price),
        "fundingRatePrecise": market.funding_rate,
        "market": market.symbol,
        **_option_fields(market, now_us // _US_PER_MS),
    }


def _option_fields(market: Market, now_ms: int) -> dict[str, object]:
    value = market.value(now_ms)
    if value is None:
        return {}
    rates = market.volatilities(now_ms)
    return {
        "markIv": rates["mark_iv"],
        "bidIv": rates["bid_iv"],
        "askIv": rates["ask_iv"],
        "lastIv": rates["last_iv"],
        "delta": value.delta,
        "gamma": value.gamma,
        "vega": value.vega,
        "theta": value.theta,
        "rho": value.rho,
        "vanna": value.vanna,
        "volga": value.volga,
        "forwardRate": FORWARD_RATE,
        "riskFreeRate": ZERO,
        "externalFairPrice": None,
    }


def funding_frame(market: Market, seq: int, now_us: int) -> Frame:
    """Return the frame of a market's funding."""
    return "funding_data", {
        "ts": now_us,
        "seq": seq,
        "fundingRate": market.funding_rate,
        "fundingIndex": _eight(market.funding_index),
        "createdAt": now_us,
        "fundingPremium": _eight(market.funding_rate * market.mark_price),
        "fundingRate8h": _eight(market.funding_rate),
        "fundingPeriodHours": _FUNDING_PERIOD_HOURS,
        "market": market.symbol,
    }


def comparison_frame(market: Market, source: str, rate: Decimal, now_us: int) -> Frame:
    """Return the frame of one venue's hourly funding rate of a market."""
    return "funding_rate_comparison", {
        "ts": now_us,
        "lastUpdatedAt": now_us,
        "hourlyFundingRate": rate,
        "assetKind": "PERPETUAL_FUTURE",
        "source": source,
        "market": market.symbol,
    }


def order_frame(order: Order, seq: int, now_us: int) -> Frame:
    """Return the frame of an order's state."""
    request = order.modify_request
    return "order", {
        "ts": now_us,
        "seq": seq,
        "status": order.status,
        "side": order.side,
        "orderType": order.type,
        "timeInForce": order.instruction or "NON_REPRESENTABLE",
        "price": order.price if order.price else None,
        "triggerPrice": order.trigger_price,
        "size": order.size,
        "sizeOpen": order.remaining,
        "avgFillPrice": order.average_price(),
        "createdAt": order.created_at * _US_PER_MS,
        "updatedAt": order.last_updated_at * _US_PER_MS,
        "account": order.account,
        "receivedAt": order.received_at * _US_PER_MS,
        "publishedAt": now_us,
        "stp": order.stp,
        "flags": order.shown_flags,
        "requestStatus": request.status if request else "UNSPECIFIED",
        "requestType": "MODIFY_ORDER" if request else "UNSPECIFIED",
        "requestId": request.id if request else "",
        "requestMessage": request.message if request else "",
        "orderId": order.id,
        "clientOrderId": order.client_id,
        "market": order.market,
        "cancelReason": order.cancel_reason,
    }


def fill_frame(fill: Fill, now_us: int) -> Frame:
    """Return the frame of a fill."""
    return "fill", {
        "ts": now_us,
        "seq": fill.seq_no or None,
        "fillType": fill.fill_type,
        "side": fill.side,
        "liquidity": fill.liquidity,
        "price": fill.price,
        "size": fill.size,
        "fee": _eight(fill.fee),
        "realizedPnl": _eight(fill.realized_pnl),
        "createdAt": fill.created_at * _US_PER_MS,
        "account": fill.account,
        "underlyingPrice": _eight(fill.underlying_price),
        "realizedFunding": _eight(fill.realized_funding),
        "flags": tuple(flag.upper() for flag in fill.flags),
        "orderbookSeqNo": fill.seq_no,
        "fillId": fill.id,
        "orderId": fill.order_id,
        "clientOrderId": fill.client_id,
        "tradeId": fill.trade_id,
        "market": fill.market,
        "feeCurrency": fill.fee_currency,
    }


def position_frame(
    position: Position, market: Market, usdc_price: Decimal, seq: int, now_us: int
) -> Frame:
    """Return the frame of a position; its size is absolute and its side tells the direction."""
    with localcontext(MONEY):
        return "position", {
            "ts": now_us,
            "seq": seq,
            "side": BUY if position.side == "LONG" else SELL,
            "size": abs(position.size),
            "avgEntryPrice": _eight(position.last_entry / usdc_price),
            "unrealizedPnl": _eight(position.unrealized(market.mark_price)),
            "realizedPnl": _eight(position.realized),
            "liquidationPrice": None,
            "leverage": average(Decimal(1), market.rules.imf_base),
            "updatedAt": position.last_updated_at * _US_PER_MS,
            "account": position.account,
            "avgEntryPriceUsd": position.last_entry,
            "cost": _eight(position.cost / usdc_price),
            "costUsd": _eight(position.cost),
            "cachedFundingIndex": position.cached_funding_index(market.funding_index),
            "unrealizedFundingPnl": _eight(position.unrealized_funding(market.funding_index)),
            "status": "OPEN" if position.size else "CLOSED",
            "market": position.market,
            "lastFillId": position.last_fill_id,
        }


def account_frame(account: Account, margin: Margin, seq: int, now_us: int) -> Frame:
    """Return the frame of an account's summary."""
    return "account", {
        "ts": now_us,
        "seq": seq,
        "totalCollateral": _eight(margin.collateral),
        "freeCollateral": _eight(margin.free),
        "initialMarginReq": _eight(margin.initial),
        "maintenanceMarginReq": _eight(margin.maintenance),
        "accountValue": _eight(margin.value),
        "updatedAt": account.updated_at * _US_PER_MS,
        "account": account.address,
        "marginCushion": _eight(margin.cushion),
        "status": account.status,
        "lastSeenNotification": 0,
        "settlementAsset": "USDC",
    }
