"""Funding in a backtest: NautilusTrader 1.231 has no model of it, so this is one.

Add it to the simulated venue and give the engine the funding rates of the past::

    engine.add_venue(..., modules=[ParadexFundingModule(ParadexFundingConfig())])
    engine.add_data(catalog.funding_rates())

At Paradex funding accrues all the time: who is long pays size, times price, times the rate of the
period, times the part of the period that passed, and who is short is paid it. Here it accrues in
the same way and reaches the account when the position changes and at intervals. It changes the
balance; a position's own PnL stays without it.
"""

from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Any, Final

from nautilus_trader.backtest.config import SimulationModuleConfig
from nautilus_trader.backtest.modules import SimulationModule
from nautilus_trader.config import PositiveInt
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.objects import Currency

from paradex_adapter.translate.values import units_to_money
from paradex_adapter_core.vocabulary import UNITS_SCALE

NANOS_PER_MIN: Final = 60_000_000_000
FUNDING_DIGITS: Final = 60


class ParadexFundingConfig(SimulationModuleConfig, frozen=True):
    """Options of `ParadexFundingModule`.

    Parameters
    ----------
    settle_interval_mins : int, default 60
        How often accrued funding reaches the account of a position that does not change, in
        minutes.
    """

    settle_interval_mins: PositiveInt = 60


class ParadexFundingModule(SimulationModule):
    """Charges and pays funding on open positions, as `FundingRateUpdate` of the data says.

    The price is the mark price where the data has it, else the middle of the simulated book. While
    there is no rate, no period or no price, nothing accrues.

    Parameters
    ----------
    config : ParadexFundingConfig
        Its options.
    """

    def __init__(self, config: ParadexFundingConfig) -> None:
        super().__init__(config)
        self._settle_ns: Final = config.settle_interval_mins * NANOS_PER_MIN
        self._accruals: Final[dict[InstrumentId, _Accrual]] = {}
        self._totals: Final[dict[Currency, Decimal]] = {}

    @property
    def totals(self) -> dict[str, Decimal]:
        """What was paid (negative) and received so far, by currency; a copy."""
        return {currency.code: total for currency, total in self._totals.items()}

    def process(self, ts_now: int) -> None:
        """Let funding accrue until now."""
        sizes: dict[InstrumentId, Decimal] = {}
        for position in self.exchange.cache.positions_open(venue=self.exchange.id):
            instrument_id = position.instrument_id
            sizes[instrument_id] = sizes.get(instrument_id, Decimal(0)) + (
                position.signed_decimal_qty()
            )
        for instrument_id in sizes.keys() | self._accruals.keys():
            accrual = self._accruals.setdefault(instrument_id, _Accrual(ts_now))
            accrual.advance(ts_now)
            size = sizes.get(instrument_id, Decimal(0))
            if size != accrual.size or ts_now - accrual.ts_settled >= self._settle_ns:
                self._settle(instrument_id, accrual, ts_now)
            accrual.size = size
            accrual.per_ns = self._per_unit_and_ns(instrument_id)
            if not size:
                del self._accruals[instrument_id]

    def log_diagnostics(self, logger: Any) -> None:
        """Log what was paid and received."""
        totals = ", ".join(f"{total:f} {code}" for code, total in sorted(self.totals.items()))
        logger.info(f"Funding (totals, negative is paid): {totals or 'none'}")

    def reset(self) -> None:
        """Forget everything, for another run."""
        self._accruals.clear()
        self._totals.clear()

    def _settle(self, instrument_id: InstrumentId, accrual: "_Accrual", ts_now: int) -> None:
        accrual.ts_settled = ts_now
        currency = self.exchange.instruments[instrument_id].quote_currency
        units = accrual.amount.scaleb(UNITS_SCALE).to_integral_value(ROUND_HALF_EVEN)
        amount = units_to_money(int(units), currency)
        booked = amount.as_decimal()
        if booked:
            # What the currency cannot hold is kept for the next time.
            accrual.amount -= booked
            self._totals[currency] = self._totals.get(currency, Decimal(0)) + booked
            self.exchange.adjust_account(amount)

    def _per_unit_and_ns(self, instrument_id: InstrumentId) -> Decimal:
        """Return what a long position of one pays in a nanosecond."""
        update = self.exchange.cache.funding_rate(instrument_id)
        price = self._price(instrument_id)
        if update is None or not update.interval or price is None:
            return Decimal(0)
        with localcontext(prec=FUNDING_DIGITS):
            # Read from a catalog, the rate is text.
            return Decimal(update.rate) * price / (update.interval * NANOS_PER_MIN)

    def _price(self, instrument_id: InstrumentId) -> Decimal | None:
        mark = self.exchange.cache.mark_price(instrument_id)
        if mark is not None:
            return mark.value.as_decimal()
        bid = self.exchange.best_bid_price(instrument_id)
        ask = self.exchange.best_ask_price(instrument_id)
        if bid is None or ask is None:
            return None
        return (bid.as_decimal() + ask.as_decimal()) / 2


class _Accrual:
    """What one position owes (negative) or is owed since it was last settled."""

    __slots__ = ("amount", "per_ns", "size", "ts_last", "ts_settled")

    def __init__(self, ts_now: int) -> None:
        self.amount = Decimal(0)
        self.size = Decimal(0)
        self.per_ns = Decimal(0)
        self.ts_last = ts_now
        self.ts_settled = ts_now

    def advance(self, ts_now: int) -> None:
        with localcontext(prec=FUNDING_DIGITS):
            self.amount -= self.size * self.per_ns * (ts_now - self.ts_last)
        self.ts_last = ts_now
