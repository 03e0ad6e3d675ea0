"""What becomes of the markets: a test lists, changes, settles and removes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal, localcontext
from typing import Final

from paradex_adapter.local_exchange.amounts import MONEY
from paradex_adapter.local_exchange.engine import Engine
from paradex_adapter.local_exchange.feed import Feed
from paradex_adapter.local_exchange.market_events import (
    MarketEvent,
    MarketRecord,
    Settlement,
    changed_fields,
    event_fields,
)
from paradex_adapter.local_exchange.markets import (
    OPTION_SETTLEMENT_FEE,
    SETTLEMENT_FEE,
    Market,
    MarketRules,
)
from paradex_adapter.local_exchange.sequences import Clock

#: Why the orders of a market that ends, or of a changed grid, are canceled. The venue's own words
#: for it are not known.
EXPIRED: Final = "ASSET_EXPIRED"
UNAVAILABLE: Final = "ASSET_UNAVAILABLE"
REGRIDDED: Final = "MARKET_UPDATED"


class MarketControls:
    """The markets of a local exchange as they come, change and go."""

    seed: int
    _clock: Clock
    _markets: dict[str, Market]
    _engine: Engine
    _feed: Feed
    _record: MarketRecord

    def _listed(self, symbol: str) -> Market:
        market = self._markets.get(symbol)
        if market is None or not market.is_listed:
            raise ValueError(f"no market {symbol}")
        return market

    def list_market(self, rules: MarketRules) -> None:
        """List a market, with an empty book; nothing is simulated there.

        Raises
        ------
        ValueError
            When it is listed already.
        """
        known = self._markets.get(rules.symbol)
        if known is not None and known.is_listed:
            raise ValueError(f"{rules.symbol} is listed already")
        market = Market.listed(rules, self.seed)
        self._markets[rules.symbol] = market
        self._link(market)
        self._tell(market, "CREATED", event_fields(rules.response()))

    def change_market(self, symbol: str, **changes: object) -> None:
        """Change rules of a market: fields of `MarketRules`.

        Orders that a new tick or step leaves off the grid are canceled.

        Raises
        ------
        ValueError
            When there is no such market, or nothing changes.
        """
        market = self._listed(symbol)
        rules = replace(market.rules, **changes)  # type: ignore[arg-type]
        told = changed_fields(market.rules.response(), rules.response())
        if not told:
            raise ValueError(f"nothing of {symbol} changes")
        market.rules = rules
        self._engine.cull_off_grid(market, REGRIDDED)
        self._tell(market, "UPDATED", told)

    def change_tick(
        self, symbol: str, tick: Decimal | str | None = None, step: Decimal | str | None = None
    ) -> None:
        """Change the price tick of a market, its size step, or both; see `change_market`."""
        given = {"tick": tick, "step": step}
        self.change_market(
            symbol, **{name: Decimal(value) for name, value in given.items() if value is not None}
        )

    def settle_market(self, symbol: str, underlying_price: Decimal | str | None = None) -> None:
        """Settle a market and take it off the list.

        Orders are canceled, and positions closed at the payoff of an option, or at the price
        itself. The price is that of the underlying, by default as it is now.

        Raises
        ------
        ValueError
            When there is no such market, or it is a spot market: its tokens are not settled.
        """
        market = self._listed(symbol)
        if market.rules.kind == "SPOT":
            raise ValueError(f"{symbol} is a spot market")
        with localcontext(MONEY):
            spot = market.underlying_price if underlying_price is None else underlying_price
            terms = market.rules.option_terms
            price = Decimal(spot) if terms is None else terms.payoff(Decimal(spot))
            fee_rate = OPTION_SETTLEMENT_FEE if market.rules.is_option else SETTLEMENT_FEE
            market.is_listed = False
            market.settled_by = Decimal(spot)
            self._engine.close_market(market, EXPIRED)
            self._engine.settle_market(market, price, fee_rate)
        expiry = market.rules.expiry_at or self._clock.now_ms()
        settlement = Settlement(symbol, expiry, price, Decimal(spot))
        self._record.settlements[symbol] = settlement
        self._tell(market, "SETTLED", settlement.changed_fields())

    def delist_market(self, symbol: str) -> None:
        """Take a market off the list: its orders are canceled, its positions closed at the mark.

        Raises
        ------
        ValueError
            When there is no such market.
        """
        market = self._listed(symbol)
        market.is_listed = False
        self._engine.close_market(market, UNAVAILABLE)
        fee_rate = OPTION_SETTLEMENT_FEE if market.rules.is_option else SETTLEMENT_FEE
        self._engine.settle_market(market, market.mark_price, fee_rate)
        self._tell(market, "DELETED", {})

    def markets(self) -> list[dict[str, object]]:
        """Return the markets listed as REST shows them."""
        return [m.rules.response() for m in self._markets.values() if m.is_listed]

    def market_rules(self, symbol: str) -> MarketRules:
        """Return the rules of a market, such as to list another like it."""
        return self._listed(symbol).rules

    def _tell(self, market: Market, event_type: str, fields: Mapping[str, object]) -> None:
        event = MarketEvent(market.symbol, event_type, fields, self._clock.now_ms())
        self._record.add(event)
        self._feed.on_market_event(event)

    def _link(self, market: Market) -> None:
        """Let an option be priced off the perpetual on its base, and its orders hear the mark."""
        if market.rules.is_option:
            market.underlying = self._markets.get(f"{market.rules.base}-USD-PERP")
            market.reprice(self._clock.now_ms())
        market.on_mark = self._mark_moved

    def _mark_moved(self, market: Market) -> None:
        self._engine.trigger(market)

    def _settle_expired(self) -> None:
        now_ms = self._clock.now_ms()
        for market in list(self._markets.values()):
            if market.is_listed and 0 < market.rules.expiry_at <= now_ms:
                self.settle_market(market.symbol)
