"""The markets the exchange lists: their rules, and what happens in them."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from paradex_adapter.local_exchange.amounts import ZERO, amount_text
from paradex_adapter.local_exchange.book import BUY, SELL, BookSide, OrderBook
from paradex_adapter.local_exchange.option_pricing import (
    FORWARD_RATE,
    OptionTerms,
    OptionValue,
    implied_volatility,
    value_option,
)
from paradex_adapter.local_exchange.sequences import Identifiers

MAKER_FEE: Final = Decimal("0.00003")
TAKER_FEE: Final = Decimal("0.00045")
OPTION_FEE: Final = Decimal("0.0001")
#: An option's fee is one of the underlying's value, and at most this share of the premium.
OPTION_FEE_CAP: Final = Decimal("0.125")
#: What settling a market costs, as a share of what a trade there pays its fee on.
SETTLEMENT_FEE: Final = Decimal("0.00015")
OPTION_SETTLEMENT_FEE: Final = Decimal("0.000075")
#: Shares of premium and spot price that an option binds; the second of each keeps it open.
PREMIUM_MULTIPLIER: Final = (Decimal(1), Decimal("0.5"))
LONG_ITM: Final = (Decimal("0.2"), Decimal("0.1"))
SHORT_ITM: Final = (Decimal("0.15"), Decimal("0.075"))
SHORT_OTM: Final = (Decimal("0.1"), Decimal("0.05"))
SHORT_PUT_CAP: Final = Decimal("0.5")
DEFAULT_VOLATILITY: Final = Decimal("0.5")
TRADES_KEPT_MAX: Final = 10_000
OPEN_AT_MS: Final = 1_698_756_879_745


@dataclass(frozen=True, slots=True)
class MarketRules:
    """What the venue publishes about a market, and the price it starts from."""

    symbol: str
    base: str
    tick: Decimal
    step: Decimal
    max_order_size: Decimal
    position_limit: Decimal
    reference_price: Decimal
    min_notional: Decimal = Decimal(10)
    price_band: Decimal = Decimal("0.05")
    max_slippage: Decimal = Decimal("0.01")
    max_open_orders: int = 150
    imf_base: Decimal = Decimal("0.02")
    mmf_factor: Decimal = Decimal("0.5")
    tags: tuple[str, ...] = ()
    kind: str = "PERP"
    trading_mode: str = "STANDARD"
    open_at: int = OPEN_AT_MS
    expiry_at: int = 0
    strike: Decimal | None = None
    option_type: str = ""
    funding_period_hours: int = 8

    @property
    def is_option(self) -> bool:
        """Whether it is an option, with or without an expiry."""
        return self.kind in ("OPTION", "PERP_OPTION")

    @property
    def option_terms(self) -> OptionTerms | None:
        """What a dated option pays for."""
        if self.kind != "OPTION" or self.strike is None:
            return None
        return OptionTerms(self.strike, self.option_type == "CALL", self.expiry_at)

    def response(self) -> dict[str, object]:
        """Return the entry of ``GET /markets``."""
        row = self._common_response()
        if self.is_option:
            row["option_type"] = self.option_type
            row["option_cross_margin_params"] = _option_margin_response()
        elif self.kind != "SPOT":
            row["delta1_cross_margin_params"] = {
                "imf_base": amount_text(self.imf_base),
                "imf_factor": "0",
                "imf_shift": "0",
                "mmf_factor": amount_text(self.mmf_factor),
            }
        return row

    def _common_response(self) -> dict[str, object]:
        maker, taker = (OPTION_FEE, OPTION_FEE) if self.is_option else (MAKER_FEE, TAKER_FEE)
        return {
            "symbol": self.symbol,
            "base_currency": self.base,
            "quote_currency": "USD",
            "settlement_currency": "USDC",
            "asset_kind": self.kind,
            "market_kind": "cross",
            "trading_mode": self.trading_mode,
            "order_size_increment": amount_text(self.step),
            "price_tick_size": amount_text(self.tick),
            "min_notional": amount_text(self.min_notional),
            "max_order_size": amount_text(self.max_order_size),
            "position_limit": amount_text(self.position_limit),
            "max_open_orders": self.max_open_orders,
            "max_slippage": amount_text(self.max_slippage),
            "price_bands_width": amount_text(self.price_band),
            "iv_bands_width": "",
            "open_at": self.open_at,
            "expiry_at": self.expiry_at,
            "funding_period_hours": self.funding_period_hours,
            "funding_multiplier": 1,
            "max_funding_rate": "0.05",
            "max_funding_rate_change": "0.0005",
            "clamp_rate": "0.05",
            "interest_rate": "0.0001",
            "oracle_ewma_factor": "0.2",
            "max_tob_spread": "0.2",
            "price_feed_id": "",
            "strike_price": "" if self.strike is None else amount_text(self.strike),
            "tags": list(self.tags),
            "fee_config": {
                "api_fee": _fees(maker, taker),
                "interactive_fee": _fees(ZERO, ZERO),
                "rpi_fee": _fees(ZERO, ZERO),
            },
        }


def _option_margin_response() -> dict[str, object]:
    return {
        name: {
            "premium_multiplier": amount_text(PREMIUM_MULTIPLIER[number]),
            "long_itm": amount_text(LONG_ITM[number]),
            "short_itm": amount_text(SHORT_ITM[number]),
            "short_otm": amount_text(SHORT_OTM[number]),
            "short_put_cap": amount_text(SHORT_PUT_CAP),
        }
        for number, name in enumerate(("imf", "mmf"))
    }


def _fees(maker: Decimal, taker: Decimal) -> dict[str, object]:
    return {"maker_fee": {"fee": amount_text(maker)}, "taker_fee": {"fee": amount_text(taker)}}


def _rules(symbol: str, tick: str, step: str, price: str, largest: str, tag: str) -> MarketRules:
    return MarketRules(
        symbol=symbol,
        base=symbol.split("-")[0],
        tick=Decimal(tick),
        step=Decimal(step),
        max_order_size=Decimal(largest),
        position_limit=Decimal(largest) * 3,
        reference_price=Decimal(price),
        tags=(tag,),
    )


DEFAULT_MARKETS: Final = (
    _rules("BTC-USD-PERP", "0.1", "0.00001", "90000", "100", "LAYER-1"),
    _rules("ETH-USD-PERP", "0.01", "0.0001", "3000", "2000", "LAYER-1"),
    _rules("SOL-USD-PERP", "0.001", "0.01", "140", "40000", "LAYER-1"),
    _rules("kPEPE-USD-PERP", "0.000001", "10", "0.009", "500000000", "MEME"),
)


@dataclass(frozen=True, slots=True)
class Trade:
    """One public print."""

    ordinal: int
    id: str
    market: str
    side: str
    price: Decimal
    size: Decimal
    created_at: int
    trade_type: str
    seq_no: int

    def response(self) -> dict[str, object]:
        """Return the entry of ``GET /trades``."""
        return {
            "id": self.id,
            "market": self.market,
            "side": self.side,
            "size": amount_text(self.size),
            "price": amount_text(self.price),
            "created_at": self.created_at,
            "trade_type": self.trade_type,
        }


@dataclass(slots=True)
class Market:
    """A market at work."""

    rules: MarketRules
    book: OrderBook
    mark_price: Decimal
    trade_ids: Identifiers
    funding_index: Decimal
    #: Orders that no book shows, by side: those for retail takers only.
    hidden: dict[str, BookSide] = field(
        default_factory=lambda: {side: BookSide(side) for side in (BUY, SELL)}
    )
    trades: deque[Trade] = field(default_factory=lambda: deque(maxlen=TRADES_KEPT_MAX))
    trades_count: int = 0
    volume: Decimal = ZERO
    funding_rate: Decimal = Decimal("0.00008100357318")
    #: The market whose price is the spot price of this one's base, where it is another.
    underlying: Market | None = None
    volatility: Decimal = DEFAULT_VOLATILITY
    #: Whether the mark price was set, rather than that of the model.
    is_marked: bool = False
    #: The spot price that it was settled by, once it is.
    settled_by: Decimal | None = None
    is_listed: bool = True
    #: Who hears that the mark price moved.
    on_mark: Callable[[Market], None] | None = None

    @classmethod
    def listed(cls, rules: MarketRules, seed: int) -> Market:
        """Open a market under a seed."""
        generator = random.Random(f"{seed}:{rules.symbol}")
        market = cls(
            rules=rules,
            book=OrderBook(generator.randrange(10**6, 10**9)),
            mark_price=rules.reference_price,
            trade_ids=Identifiers(seed, f"trades:{rules.symbol}"),
            funding_index=Decimal(generator.randrange(10**10, 10**13)).scaleb(-8),
        )
        if rules.kind != "PERP":
            # Nothing accrues here. An option without an expiry would, and is only listed.
            market.funding_index = market.funding_rate = ZERO
        return market

    @property
    def symbol(self) -> str:
        """The market's symbol."""
        return self.rules.symbol

    @property
    def underlying_price(self) -> Decimal:
        """The spot price, which of a perpetual is its mark here; that of its settlement at last."""
        if self.settled_by is not None:
            return self.settled_by
        return self.mark_price if self.underlying is None else self.underlying.mark_price

    @property
    def band_width(self) -> Decimal:
        """How far from the mark price an order may trade: a share of it, or of the spot price.

        The venue also bounds an option by its volatility.
        """
        price = self.underlying_price if self.rules.is_option else self.mark_price
        return price * self.rules.price_band

    def value(self, now_ms: int) -> OptionValue | None:
        """Return what a dated option is worth by the model."""
        terms = self.rules.option_terms
        if terms is None:
            return None
        return value_option(terms, self.underlying_price, self.volatility, now_ms)

    def move_mark(self, price: Decimal) -> None:
        """Move the mark price and say so."""
        self.mark_price = price
        if self.on_mark is not None:
            self.on_mark(self)

    def reprice(self, now_ms: int) -> None:
        """Let an option's mark price follow its model."""
        value = None if self.is_marked else self.value(now_ms)
        if value is not None:
            self.move_mark(value.price)

    def fee(self, size: Decimal, price: Decimal, rate: Decimal) -> Decimal:
        """Return the fee on a trade.

        An option's is one of the underlying's value, at most an eighth of the premium: the venue
        names the rate and the cap, which would never bind on a share of the premium.
        """
        if not self.rules.is_option:
            return size * price * rate
        return min(size * self.underlying_price * rate, size * price * OPTION_FEE_CAP)

    def best_response(self) -> dict[str, object]:
        """Return the body of ``GET /bbo/{market}``."""
        bid, ask = self.book.best(BUY), self.book.best(SELL)
        return {
            "market": self.symbol,
            "seq_no": self.book.seq_no,
            "bid": amount_text(bid[0]) if bid else "",
            "bid_size": amount_text(bid[1]) if bid else "",
            "ask": amount_text(ask[0]) if ask else "",
            "ask_size": amount_text(ask[1]) if ask else "",
            "last_updated_at": self.book.last_updated_ms,
        }

    def book_response(self, depth: int) -> dict[str, object]:
        """Return the body of ``GET /orderbook/{market}``."""
        bids = _pairs(self.book.sides[BUY].levels(depth))
        asks = _pairs(self.book.sides[SELL].levels(depth))
        best_bid, best_ask = bids[:1], asks[:1]
        return {
            "market": self.symbol,
            "seq_no": self.book.seq_no,
            "last_updated_at": self.book.last_updated_ms,
            "asks": asks,
            "bids": bids,
            "best_ask_api": best_ask[0] if best_ask else [],
            "best_ask_interactive": best_ask[0] if best_ask else [],
            "best_bid_api": best_bid[0] if best_bid else [],
            "best_bid_interactive": best_bid[0] if best_bid else [],
        }

    def summary_response(self, now_ms: int, open_interest: Decimal) -> dict[str, object]:
        """Return the entry of ``GET /markets/summary``."""
        best = self.best_response()
        body: dict[str, object] = {
            "symbol": self.symbol,
            "mark_price": amount_text(self.mark_price),
            "underlying_price": amount_text(self.underlying_price),
            "last_traded_price": amount_text(self.trades[-1].price) if self.trades else "",
            "bid": best["bid"],
            "bid_size": best["bid_size"],
            "ask": best["ask"],
            "ask_size": best["ask_size"],
            "volume_24h": amount_text(self.volume),
            "total_volume": amount_text(self.volume),
            "open_interest": amount_text(open_interest),
            "price_change_rate_24h": amount_text(self._change_rate()),
            "risk_free_rate": "0",
            "created_at": now_ms,
            "delta": "1",
            "greeks": {"delta": "1", "gamma": "0", "vega": "0"},
        }
        if self.rules.kind == "OPTION":
            return body | self._option_response(now_ms)
        body["external_fair_price"] = amount_text(self.mark_price)
        if self.rules.kind != "SPOT":
            body["funding_rate"] = amount_text(self.funding_rate)
        return body

    def _option_response(self, now_ms: int) -> dict[str, object]:
        value = self.value(now_ms)
        if value is None:
            return {}
        names = ("delta", "gamma", "vega", "theta", "rho", "vanna", "volga")
        rates = {
            name: "" if rate is None else amount_text(rate)
            for name, rate in self.volatilities(now_ms).items()
        }
        return {
            "delta": amount_text(value.delta),
            "greeks": {name: amount_text(getattr(value, name)) for name in names},
            "funding_rate": "",
            "future_funding_rate": "0.00008",
            "forward_rate": amount_text(FORWARD_RATE),
            **rates,
        }

    def volatilities(self, now_ms: int) -> dict[str, Decimal | None]:
        """Return the volatility by the model and those that the option's prices imply."""
        bid, ask = self.book.best(BUY), self.book.best(SELL)
        prices = {
            "bid_iv": bid[0] if bid else None,
            "ask_iv": ask[0] if ask else None,
            "last_iv": self.trades[-1].price if self.trades else None,
        }
        terms, spot = self.rules.option_terms, self.underlying_price
        implied = {
            name: implied_volatility(terms, spot, price, now_ms) if terms and price else None
            for name, price in prices.items()
        }
        return {"mark_iv": self.volatility, **implied}

    def _change_rate(self) -> Decimal:
        rate = self.mark_price / self.rules.reference_price - 1
        return rate.quantize(Decimal("1e-6"))


def _pairs(levels: list[tuple[Decimal, Decimal]]) -> list[list[str]]:
    return [[amount_text(price), amount_text(size)] for price, size in levels]
