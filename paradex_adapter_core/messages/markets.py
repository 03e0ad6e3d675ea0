"""What is listed, and what becomes of it."""

from typing import Final, final

from mypy_extensions import mypyc_attr


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
