"""The local exchange: a stand-in for the venue on one loopback port."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import Any, Final, Self

from paradex_adapter.local_exchange import stark
from paradex_adapter.local_exchange.accounts import Account
from paradex_adapter.local_exchange.algo_controls import AlgoControls
from paradex_adapter.local_exchange.algo_orders import AlgoOrders
from paradex_adapter.local_exchange.amounts import MONEY, ZERO
from paradex_adapter.local_exchange.controls import TradingKey
from paradex_adapter.local_exchange.faults import Faults
from paradex_adapter.local_exchange.feed import Feed
from paradex_adapter.local_exchange.gateway import Gateway
from paradex_adapter.local_exchange.http_server import HOST, HttpServer
from paradex_adapter.local_exchange.internal_orders import InternalOrders
from paradex_adapter.local_exchange.interventions import InterventionEngine
from paradex_adapter.local_exchange.listing import default_markets
from paradex_adapter.local_exchange.market_events import MarketRecord
from paradex_adapter.local_exchange.markets import DEFAULT_MARKETS, Market, MarketRules
from paradex_adapter.local_exchange.options import Options
from paradex_adapter.local_exchange.outcomes import OutcomeQueue
from paradex_adapter.local_exchange.past import Pasts
from paradex_adapter.local_exchange.rate_limits import RateLimits
from paradex_adapter.local_exchange.replay import Replay
from paradex_adapter.local_exchange.replay_player import ReplayPlayer
from paradex_adapter.local_exchange.rest import Pager
from paradex_adapter.local_exchange.rest_account import AccountEndpoints
from paradex_adapter.local_exchange.rest_algo import AlgoOrderEndpoints
from paradex_adapter.local_exchange.rest_history import FUNDING_PERIOD_HOURS, HistoryEndpoints
from paradex_adapter.local_exchange.rest_keys import KeyEndpoints
from paradex_adapter.local_exchange.rest_orders import OrderEndpoints
from paradex_adapter.local_exchange.rest_protection import ProtectionEndpoints
from paradex_adapter.local_exchange.rest_public import (
    ACCOUNT_HASH,
    EVM_ACCOUNT_HASH,
    PROXY_HASH,
    PublicEndpoints,
)
from paradex_adapter.local_exchange.rest_records import RecordEndpoints
from paradex_adapter.local_exchange.rest_settings import SettingEndpoints
from paradex_adapter.local_exchange.rpc import RpcMethods
from paradex_adapter.local_exchange.sequences import Clock
from paradex_adapter.local_exchange.simulation import MarketSimulation
from paradex_adapter.local_exchange.tokens import Cursors, Tokens
from paradex_adapter.local_exchange.trader_profiles import TraderProfiles
from paradex_adapter.local_exchange.websocket import WebsocketServer

COMPARISON_INTERVAL_MS: Final = 500
#: What other venues' funding rates are here, as shares of the market's own.
COMPARED_RATES: Final = {
    "PARADEX": Decimal(1),
    "BINANCE": Decimal("1.1"),
    "BYBIT": Decimal("0.9"),
    "HYPERLIQUID": Decimal("-0.5"),
}
ACCRUAL_INTERVAL_MS: Final = 1000
ALGO_INTERVAL_MS: Final = 200
PROTECTION_INTERVAL_MS: Final = 50
ACCRUAL_GAP_MAX_MS: Final = 30_000
INTERNAL_CASH: Final = Decimal(10**15)


class LocalExchange(AlgoControls):
    """A strict stand-in for the venue: REST and websocket, signatures, matching, books and records.

    Use it as ``async with LocalExchange(seed=1) as exchange:``. Every method but `start` and `stop`
    is synchronous and belongs to the loop the exchange runs on.

    Parameters
    ----------
    port : int
        The loopback port; 0 takes a free one.
    seed : int
        Fixes keys, identifiers and the simulated order flow.
    **options : Any
        Fields of `Options`.
    """

    def __init__(self, port: int = 0, seed: int = 1, **options: Any) -> None:
        self.options = Options(**options)
        self.seed = seed
        self._requested_port = port
        self._clock = Clock()
        self._accounts: dict[str, Account] = {}
        replay = self.options.replay
        listed = self._listing()
        self._markets = {rules.symbol: Market.listed(rules, seed) for rules in listed}
        self._record = MarketRecord()
        for market in self._markets.values():
            self._link(market)
        self._tasks: list[asyncio.Task[None]] = []
        self._faults = Faults()
        self._build()
        self._makers = self._internal_account("maker")
        self._takers = self._internal_account("taker")
        self._player = self._make_player(replay) if replay else None
        self._simulations = [
            MarketSimulation(market, self._makers, self._takers, self._internal, seed)
            for market in (() if replay else map(self._listed, self._simulated()))
        ]
        self._labels = 0
        self._main = self.add_account("main", balance=self.options.balance)

    def _listing(self) -> tuple[MarketRules, ...]:
        if self.options.replay is not None:
            return self.options.replay.markets
        if self.options.markets is not None:
            return self.options.markets
        return default_markets(self._clock.now_ms())

    def _simulated(self) -> tuple[str, ...]:
        if self.options.simulated_markets is not None:
            return self.options.simulated_markets
        if self.options.markets is None:
            return tuple(rules.symbol for rules in DEFAULT_MARKETS)
        standard = (rules for rules in self.options.markets if rules.trading_mode == "STANDARD")
        return tuple(rules.symbol for rules in standard)

    def _make_player(self, replay: Replay) -> ReplayPlayer:
        player = ReplayPlayer(
            replay,
            self._markets,
            self._engine,
            self._internal,
            self._makers,
            self._feed,
            self._pasts,
            self._clock,
        )
        self._feed.played = player.has_told
        return player

    def _build(self) -> None:
        options, clock, markets, accounts = self.options, self._clock, self._markets, self._accounts
        history_hours = 0 if options.replay else options.history_hours
        pasts = self._pasts = Pasts(self.seed, clock, history_hours)
        self._accrued_ms = clock.now_ms()
        self._comparisons = 0
        self._feed = Feed(markets, clock, options, pasts)
        self._feed.open_interest = self._open_interest
        self._engine = self._interventions = InterventionEngine(
            markets,
            accounts,
            clock,
            self._feed,
            is_fill_side_of_taker=options.is_fill_side_of_taker,
            is_order_before_fill=options.is_order_before_fill,
            is_printing=options.replay is None,
        )
        self._internal = InternalOrders(self._engine, clock)
        self._outcomes = OutcomeQueue(options.outcome_delay_ms)
        profiles = TraderProfiles(clock, options.retail_delay_ms)
        self._gateway = Gateway(
            self._engine, markets, clock, self._outcomes, self._feed, profiles, options.chain_id
        )
        self._algo_orders = AlgoOrders(
            self._gateway, self._engine, markets, clock, self._outcomes, self.seed
        )
        self._tokens = Tokens(self.seed, clock, accounts, options.token_lifetime_secs)
        pager = Pager(Cursors(self.seed))
        methods = RpcMethods(self._gateway, self._feed, self._tokens, markets, clock)
        node_id = f"{stark.private_key_from_seed(self.seed, 'node'):x}"[:16]
        self._websocket = WebsocketServer(methods, clock, self._faults, options, node_id)
        public = PublicEndpoints(
            self._gateway, markets, clock, options, self._open_interest, self._record
        )
        history = HistoryEndpoints(markets, pasts, clock, pager)
        account = AccountEndpoints(
            accounts, markets, clock, self._tokens, options, pager, self._register
        )
        keys = KeyEndpoints(accounts, clock, self._tokens, options, self._register)
        orders = OrderEndpoints(self._gateway, clock, self._tokens, pager)
        algo_orders = AlgoOrderEndpoints(self._algo_orders, self._tokens, pager)
        records = RecordEndpoints(self._tokens, pager)
        endpoints = (public, history, account, keys, orders, algo_orders, records)
        settings = SettingEndpoints(markets, clock, self._tokens, self._feed)
        protection = ProtectionEndpoints(
            self._interventions, markets, clock, self._tokens, self._feed
        )
        routes = [route for group in (*endpoints, settings, protection) for route in group.routes()]
        limits = RateLimits(clock)
        self._http = HttpServer(
            routes, self._websocket, self._faults, limits, options, self._gateway.check_running
        )

    # --- Life ---------------------------------------------------------------------------------

    async def start(self) -> None:
        """Listen and let the simulation run.

        Raises
        ------
        OSError
            When the port is in use.
        """
        await self._http.start(self._requested_port)
        options = self.options
        self._repeat(ALGO_INTERVAL_MS, self._algo_orders.run_due)
        self._repeat(PROTECTION_INTERVAL_MS, self._interventions.unfreeze)
        if self._player is not None:
            # The public feed is the recording and nothing else.
            self._tasks.append(asyncio.get_running_loop().create_task(self._player.run()))
            return
        if options.simulation_interval_ms:
            self._simulate()
            self._repeat(options.simulation_interval_ms, self._simulate)
        if options.funding:
            self._repeat(ACCRUAL_INTERVAL_MS, self._accrue_funding)
        self._repeat(COMPARISON_INTERVAL_MS, self._publish_comparison)
        self._repeat(options.summary_interval_ms, self._publish_summaries)
        self._repeat(options.funding_interval_ms, self._publish_funding)

    async def stop(self) -> None:
        """Close every connection and stop."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._tasks.clear()
        await self._http.stop()

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        """Stop."""
        await self.stop()

    def _repeat(self, interval_ms: int, action: Callable[[], None]) -> None:
        async def run() -> None:
            while True:
                await asyncio.sleep(interval_ms / 1000)
                action()

        self._tasks.append(asyncio.get_running_loop().create_task(run()))

    def _simulate(self) -> None:
        with localcontext(MONEY):
            for simulation in self._simulations:
                simulation.step()

    def _accrue_funding(self) -> None:
        last_ms, self._accrued_ms = self._accrued_ms, self._clock.now_ms()
        # As at the venue, nothing accrues over a long gap.
        if not 0 < self._accrued_ms - last_ms <= ACCRUAL_GAP_MAX_MS:
            return
        with localcontext(MONEY):
            for market in self._perpetuals():
                self._pasts.of(market).accrue(last_ms, self._accrued_ms)

    def _perpetuals(self) -> list[Market]:
        return [m for m in self._markets.values() if m.is_listed and m.rules.kind == "PERP"]

    def _publish_summaries(self) -> None:
        self._settle_expired()
        now_ms = self._clock.now_ms()
        with localcontext(MONEY):
            for market in self._markets.values():
                if market.is_listed:
                    market.reprice(now_ms)
                    self._feed.on_summary(market)

    def _publish_comparison(self) -> None:
        self._comparisons += 1
        with localcontext(MONEY):
            for market in self._perpetuals():
                for source, factor in COMPARED_RATES.items():
                    rate = market.funding_rate / FUNDING_PERIOD_HOURS * factor
                    self._feed.on_comparison(market, source, rate, COMPARISON_INTERVAL_MS)
                    if not self._comparisons % 2:
                        self._feed.on_comparison(market, source, rate, 2 * COMPARISON_INTERVAL_MS)

    def _publish_funding(self) -> None:
        with localcontext(MONEY):
            for market in self._perpetuals():
                self._feed.on_funding(market)

    # --- Where and who ------------------------------------------------------------------------

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._http.port

    @property
    def base_url_http(self) -> str:
        """Base of the REST endpoints, with ``/v1``."""
        return f"http://{HOST}:{self.port}/v1"

    @property
    def base_url_ws(self) -> str:
        """The websocket's URL, without a query."""
        return f"ws://{HOST}:{self.port}/v1"

    @property
    def account_address(self) -> str:
        """Address of the funded account."""
        return self._main.account_address

    @property
    def private_key(self) -> str:
        """Private key of the funded account, in hex text."""
        return hex(self._main.private_key)

    @property
    def chain_id(self) -> str:
        """The Starknet chain id that signatures are bound to."""
        return self.options.chain_id

    def connection_info(self) -> dict[str, str]:
        """Return what a client needs to trade here."""
        return {
            "base_url_http": self.base_url_http,
            "base_url_ws": self.base_url_ws,
            "account_address": self.account_address,
            "private_key": self.private_key,
            "chain_id": self.chain_id,
        }

    def add_account(
        self, label: str | None = None, *, balance: Decimal | str = Decimal(100_000)
    ) -> TradingKey:
        """Open a funded account; the same label under the same seed gives the same keys."""
        private_key = stark.private_key_from_seed(self.seed, label or self._next_label())
        public_key = stark.public_key(private_key)
        address = hex(stark.derive_account(public_key, PROXY_HASH, ACCOUNT_HASH))
        if address in self._accounts:
            raise ValueError(f"account {label!r} exists already")
        self._register(address, public_key, Decimal(balance))
        return TradingKey(address, private_key, public_key)

    def add_ethereum_account(
        self, ethereum_address: str, *, balance: Decimal | str = Decimal(100_000)
    ) -> str:
        """Open a funded account whose main key is an Ethereum key; return its address.

        Orders need a subkey: register one, or see `add_subkey`.
        """
        owner = ethereum_address.lower()
        address = hex(stark.derive_evm_account(int(owner, 16), EVM_ACCOUNT_HASH))
        if address in self._accounts:
            raise ValueError(f"the account of {ethereum_address} exists already")
        self._register(address, 0, Decimal(balance)).ethereum_address = owner
        return address

    def add_subkey(self, account_address: str, label: str | None = None) -> TradingKey:
        """Register a further key of an account."""
        account = self._account(account_address)
        private_key = stark.private_key_from_seed(self.seed, label or self._next_label())
        public_key = stark.public_key(private_key)
        account.subkeys.add(public_key)
        return TradingKey(account.address, private_key, public_key)

    def add_read_only_token(
        self, account_address: str | None = None, *, lifetime_secs: int = 86_400
    ) -> str:
        """Return a token of an account, by default the first, that reads and does nothing else."""
        return self._tokens.issue_read_only(self._account(account_address), lifetime_secs)

    def _next_label(self) -> str:
        self._labels += 1
        return f"unnamed {self._labels}"

    def _register(self, address: str, public_key: int, cash: Decimal) -> Account:
        account = Account(
            address, public_key, Decimal(cash), self.seed, self._clock.now_ms(), label=address
        )
        account.seq_no = self._clock.sequence_no()
        self._accounts[address] = account
        return account

    def _internal_account(self, label: str) -> Account:
        public_key = stark.public_key(stark.private_key_from_seed(self.seed, label))
        account = self._register(hex(public_key), public_key, INTERNAL_CASH)
        account.is_recorded = False
        return account

    def _open_interest(self, symbol: str) -> Decimal:
        sizes = (account.position_size(symbol) for account in self._accounts.values())
        return sum((size for size in sizes if size > 0), ZERO)
