"""A backtest on what ``paradex-history`` downloaded, with the venue's fees and funding."""

import time
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.backtest.models import MakerTakerFeeModel
from nautilus_trader.backtest.node import BacktestNode
from nautilus_trader.config import (
    BacktestDataConfig,
    BacktestEngineConfig,
    BacktestRunConfig,
    BacktestVenueConfig,
    ImportableActorConfig,
    ImportableFeeModelConfig,
    ImportableStrategyConfig,
    LoggingConfig,
    StrategyConfig,
)
from nautilus_trader.model.currencies import USDC
from nautilus_trader.model.data import Bar, BarType, FundingRateUpdate, TradeTick
from nautilus_trader.model.enums import AccountType, LiquiditySide, OmsType, OrderSide
from nautilus_trader.model.objects import Money
from nautilus_trader.persistence.catalog import ParquetDataCatalog
from nautilus_trader.trading.strategy import Strategy

from paradex_adapter import PARADEX_VENUE, ParadexInstrumentProvider
from paradex_adapter.backtest_funding import ParadexFundingConfig, ParadexFundingModule
from paradex_adapter.history import Download, HistoryDownloader
from paradex_adapter.local_exchange import LocalExchange
from paradex_adapter.venue.http import HttpClient
from tests.integration.trading_node import BTC

# Nautilus asks pandas for the time in a way that pandas will give up.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

HOUR_NS = 3600 * 10**9
BALANCE = Decimal(100_000)
REPOSITORY = Path(__file__).resolve().parents[2]
SIZE = Decimal("0.5")
MINUTES = BarType.from_str(f"{BTC}-1-MINUTE-LAST-EXTERNAL")


class Holder(Strategy):
    """Buys at the 10th trade, asks for a profit with a resting order, sells at the 600th."""

    def __init__(self) -> None:
        super().__init__(StrategyConfig(strategy_id="HOLDER-000"))
        self.trades = 0
        self.bars: list[Bar] = []
        self.fundings: list[FundingRateUpdate] = []
        self.fills: list[Any] = []

    def on_start(self) -> None:
        self.subscribe_trade_ticks(BTC)
        self.subscribe_bars(MINUTES)
        self.subscribe_funding_rates(BTC)

    def on_trade_tick(self, tick: TradeTick) -> None:
        self.trades += 1
        instrument = self.cache.instrument(BTC)
        quantity = instrument.make_qty(SIZE)
        if self.trades == 10:
            self.submit_order(self.order_factory.market(BTC, OrderSide.BUY, quantity))
            # Half of it leaves when the market comes up a little.
            price = instrument.make_price(tick.price.as_decimal() + 20)
            half = instrument.make_qty(SIZE / 2)
            self.submit_order(self.order_factory.limit(BTC, OrderSide.SELL, half, price))
        if self.trades == 600:
            self.close_all_positions(BTC)

    def on_bar(self, bar: Bar) -> None:
        self.bars.append(bar)

    def on_funding_rate(self, funding_rate: FundingRateUpdate) -> None:
        self.fundings.append(funding_rate)

    def on_order_filled(self, event: Any) -> None:
        self.fills.append(event)


class Downloaded(NamedTuple):
    """A catalog of three hours of a market, and the instrument that a live node would have."""

    path: Path
    catalog: ParquetDataCatalog
    live_instrument: Any


@pytest.fixture
async def downloaded(tmp_path: Path) -> Downloaded:
    now_ns = time.time_ns()
    async with LocalExchange(seed=1, simulation_interval_ms=0) as exchange:
        http = HttpClient(exchange.base_url_http)
        for kind in ("trades", "bars", "funding"):
            download = Download("BTC-USD-PERP", kind, now_ns - 4 * HOUR_NS, now_ns - HOUR_NS)
            await HistoryDownloader(http, tmp_path, download).run()
        provider = ParadexInstrumentProvider(http)
        await provider.load_all_async()
        await http.close()
    return Downloaded(tmp_path, ParquetDataCatalog(tmp_path), provider.find(BTC))


def engine_on(
    catalog: ParquetDataCatalog, modules: list[Any], data: list[Any], *, bar_execution: bool = False
) -> BacktestEngine:
    engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
    engine.add_venue(
        venue=PARADEX_VENUE,
        oms_type=OmsType.NETTING,
        account_type=AccountType.MARGIN,
        starting_balances=[Money(BALANCE, USDC)],
        fee_model=MakerTakerFeeModel(),
        modules=modules,
        bar_execution=bar_execution,
        trade_execution=True,
    )
    for instrument in catalog.instruments():
        engine.add_instrument(instrument)
    for rows in data:
        engine.add_data(rows)
    return engine


def funding_by_hand(data: list[Any], fills: list[Any]) -> Fraction:
    """Return what the fills' position pays, worked out over the stream in exact fractions."""
    events = sorted(data, key=lambda item: item.ts_init)
    price = rate = size = total = Fraction(0)
    last_ns = events[0].ts_init
    changes = sorted((fill.ts_event, _signed(fill)) for fill in fills)
    for item in events:
        total -= size * price * rate * (item.ts_init - last_ns)
        last_ns = item.ts_init
        if isinstance(item, TradeTick):
            price = Fraction(item.price.as_decimal())
        elif isinstance(item, FundingRateUpdate):
            rate = Fraction(item.rate) / (item.interval * 60 * 10**9)
        while changes and changes[0][0] <= item.ts_init:
            size += changes.pop(0)[1]
    return total


def _signed(fill: Any) -> Fraction:
    quantity = Fraction(fill.last_qty.as_decimal())
    return quantity if fill.order_side == OrderSide.BUY else -quantity


def test_the_instrument_is_that_of_a_live_node(downloaded: Downloaded) -> None:
    (instrument,) = downloaded.catalog.instruments()
    stored, live = (
        type(instrument).to_dict(instrument),
        instrument.to_dict(downloaded.live_instrument),
    )
    for times in ("ts_event", "ts_init"):
        stored.pop(times)
        live.pop(times)
    assert stored == live


def test_a_backtest_on_downloaded_trades_has_the_venues_fees_and_funding(
    downloaded: Downloaded,
) -> None:
    catalog = downloaded.catalog
    trades, bars, fundings = catalog.trade_ticks(), catalog.bars(), catalog.funding_rates()
    assert len(trades) > 900
    assert len(bars) > 170
    module = ParadexFundingModule(ParadexFundingConfig())
    engine = engine_on(catalog, [module], [trades, bars, fundings])
    holder = Holder()
    engine.add_strategy(holder)
    engine.run()

    assert holder.trades == len(trades)
    assert holder.bars == bars
    assert holder.fundings == fundings
    makers = [fill for fill in holder.fills if fill.liquidity_side == LiquiditySide.MAKER]
    assert makers, "the resting order was filled"
    fees = Decimal(0)
    for fill in holder.fills:
        is_maker = fill.liquidity_side == LiquiditySide.MAKER
        instrument = downloaded.live_instrument
        rate = instrument.maker_fee if is_maker else instrument.taker_fee
        fee = fill.last_qty.as_decimal() * fill.last_px.as_decimal() * rate
        assert abs(fill.commission.as_decimal() - fee) <= Decimal("1e-8")
        fees += fill.commission.as_decimal()
    (paid,) = module.totals.values()
    by_hand = funding_by_hand([*trades, *fundings], holder.fills)
    assert paid != 0
    assert abs(Fraction(paid) - by_hand) < Fraction(1, 10**6)
    # What is left is the start, the profit (fees are in it) and the funding.
    (position,) = engine.cache.positions_closed()
    account = engine.cache.account_for_venue(PARADEX_VENUE)
    profit = position.realized_pnl.as_decimal()
    assert abs(account.balance_total(USDC).as_decimal() - (BALANCE + profit + paid)) < Decimal(
        "1e-6"
    )
    assert fees != 0
    engine.dispose()


def test_funding_stays_away_without_a_rate_and_is_forgotten_by_a_reset(
    downloaded: Downloaded,
) -> None:
    module = ParadexFundingModule(ParadexFundingConfig())
    engine = engine_on(downloaded.catalog, [module], [downloaded.catalog.trade_ticks()])
    engine.add_strategy(Holder())
    engine.run()
    assert module.totals == {}
    module.reset()
    assert module.totals == {}
    engine.dispose()


def test_a_backtest_node_runs_on_the_catalog_by_configuration_alone(
    downloaded: Downloaded,
) -> None:
    path = str(downloaded.path)
    where = {"catalog_path": path, "instrument_id": BTC}
    module = "paradex_adapter.backtest_funding"
    config = BacktestRunConfig(
        engine=BacktestEngineConfig(
            logging=LoggingConfig(bypass_logging=True),
            strategies=[
                ImportableStrategyConfig(
                    strategy_path="nautilus_trader.examples.strategies.ema_cross:EMACross",
                    config_path="nautilus_trader.examples.strategies.ema_cross:EMACrossConfig",
                    config={
                        "instrument_id": BTC,
                        "bar_type": MINUTES,
                        "trade_size": Decimal("0.01"),
                        "subscribe_quote_ticks": False,
                        "request_bars": False,
                    },
                )
            ],
        ),
        venues=[
            BacktestVenueConfig(
                name="PARADEX",
                oms_type="NETTING",
                account_type="MARGIN",
                starting_balances=["100000 USDC"],
                fee_model=ImportableFeeModelConfig(
                    fee_model_path="nautilus_trader.backtest.models:MakerTakerFeeModel",
                    config_path="nautilus_trader.backtest.config:MakerTakerFeeModelConfig",
                    config={},
                ),
                modules=[
                    ImportableActorConfig(
                        actor_path=f"{module}:ParadexFundingModule",
                        config_path=f"{module}:ParadexFundingConfig",
                        config={"settle_interval_mins": 1},
                    )
                ],
            )
        ],
        data=[
            BacktestDataConfig(data_cls=Bar, bar_types=[str(MINUTES)], **where),
            BacktestDataConfig(data_cls=TradeTick, **where),
            BacktestDataConfig(data_cls=FundingRateUpdate, **where),
        ],
        dispose_on_completion=False,
    )
    node = BacktestNode([config])
    (result,) = node.run()
    (engine,) = node.get_engines()
    assert result.total_orders > 0
    assert result.total_positions > 0
    cache = engine.cache
    profits = [
        p.realized_pnl.as_decimal() for p in (*cache.positions(), *cache.position_snapshots())
    ]
    balance = cache.account_for_venue(PARADEX_VENUE).balance_total(USDC).as_decimal()
    # What is neither start nor profit is the module's.
    assert 0 < abs(balance - BALANCE - sum(profits)) < 1
    node.dispose()


def test_mark_bars_stop_a_backtest_that_executes_on_bars(downloaded: Downloaded) -> None:
    marks = BarType.from_str(str(MINUTES).replace("LAST", "MARK"))
    bars = [
        Bar(marks, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.ts_event, bar.ts_init)
        for bar in downloaded.catalog.bars()
    ]
    engine = engine_on(downloaded.catalog, [], [bars])
    engine.run()
    assert engine.iteration == len(bars)
    engine.dispose()
    engine = engine_on(downloaded.catalog, [], [bars], bar_execution=True)
    with pytest.raises(RuntimeError, match="invalid `PriceType`"):
        engine.run()
    engine.dispose()


def test_the_guides_backtest_runs(
    downloaded: Downloaded, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (downloaded.path / "past").symlink_to(downloaded.path)
    monkeypatch.chdir(downloaded.path)
    guide = (REPOSITORY / "docs" / "integration.md").read_text(encoding="utf-8")
    section = guide.split("## Backtesting and paper trading")[1]
    names: dict[str, Any] = {}
    exec(section.split("```python")[1].split("```")[0], names)
    assert names["engine"].iteration > 1000
    names["engine"].dispose()


def test_the_guides_paper_trading_builds(monkeypatch: pytest.MonkeyPatch) -> None:
    guide = (REPOSITORY / "docs" / "integration.md").read_text(encoding="utf-8")
    section = guide.split("## Backtesting and paper trading")[1]
    code = section.split("```python")[2].split("```")[0]
    built: dict[str, Any] = {}
    monkeypatch.setattr("nautilus_trader.live.node.TradingNode", lambda config: FakeNode(built))
    exec(code, {})
    assert set(built) == {"data", "execution"}


class FakeNode:
    """Keeps the factories it is given; a node would take over the process' event loop."""

    def __init__(self, built: dict[str, Any]) -> None:
        self.built = built

    def add_data_client_factory(self, name: str, factory: type) -> None:
        self.built["data"] = (name, factory)

    def add_exec_client_factory(self, name: str, factory: type) -> None:
        self.built["execution"] = (name, factory)
