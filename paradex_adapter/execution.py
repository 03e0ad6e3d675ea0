"""The execution client: NautilusTrader's commands become orders, what Paradex tells becomes news.

It delegates. `venue.trading_session` sends, follows and recovers orders, `order_news` tells the
engine what becomes of them, `account_answers` answers what the engine asks, and `translate` knows
both sides' words.
"""

import asyncio
from collections.abc import Iterable
from random import Random
from typing import Any, Final

from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, MessageBus
from nautilus_trader.common.enums import LogColor
from nautilus_trader.execution.messages import (
    BatchCancelOrders,
    CancelAllOrders,
    CancelOrder,
    GenerateFillReports,
    GenerateOrderStatusReport,
    GenerateOrderStatusReports,
    GeneratePositionStatusReports,
    ModifyOrder,
    QueryAccount,
    QueryOrder,
    SubmitOrder,
    SubmitOrderList,
)
from nautilus_trader.execution.reports import (
    ExecutionMassStatus,
    FillReport,
    OrderStatusReport,
    PositionStatusReport,
)
from nautilus_trader.live.execution_client import LiveExecutionClient
from nautilus_trader.model.enums import (
    AccountType,
    LiquiditySide,
    OmsType,
    OrderStatus,
)
from nautilus_trader.model.events import OrderFilled
from nautilus_trader.model.identifiers import (
    AccountId,
    ClientId,
    ClientOrderId,
)
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.model.orders import Order

from paradex_adapter.account_answers import AccountAnswers
from paradex_adapter.config import ParadexExecClientConfig, config_urls
from paradex_adapter.constants import PARADEX_VENUE, ParadexEnvironment
from paradex_adapter.order_news import OrderNews
from paradex_adapter.providers import ParadexInstrumentProvider
from paradex_adapter.translate.instruments import (
    RAW_PER_UNIT,
)
from paradex_adapter.translate.orders import (
    find_change_fault,
    find_denial_reason,
    order_to_request,
)
from paradex_adapter.translate.reports import (
    balances_to_account_balances,
    summary_to_margins,
)
from paradex_adapter.translate.values import (
    UnusableMessageError,
    commission_at_rate,
    trade_id_to_fill_keys,
)
from paradex_adapter.venue.admission import admit
from paradex_adapter.venue.auth import RECV_WINDOW_MS_DEFAULT, TokenProvider, check_clock
from paradex_adapter.venue.credentials import Credentials
from paradex_adapter.venue.errors import (
    AuthenticationError,
    ConfigurationError,
    ParadexError,
    RateLimited,
    VenueUnavailable,
    excerpt,
)
from paradex_adapter.venue.external_orders import ExternalFact
from paradex_adapter.venue.http import HttpClient
from paradex_adapter.venue.order_commands import CANCELS_AT_ONCE_MAX
from paradex_adapter.venue.retry import Backoff
from paradex_adapter.venue.signing import OrderSigner
from paradex_adapter.venue.trading_session import TradingSession
from paradex_adapter_core.errors import CoreError
from paradex_adapter_core.events import (
    AccountChanged,
    Contradiction,
    Event,
)
from paradex_adapter_core.order_lifecycle import FILLED
from paradex_adapter_core.parsers.system import parse_system_config
from paradex_adapter_core.vocabulary import FEED_STREAM

MAINNET_CHAIN_ID: Final = "PRIVATE_SN_PARACLEAR_MAINNET"
ACCOUNT_SUFFIX_CHARS: Final = 8

# Below the 60 s a node waits for its clients by default: past them it stops starting, in silence.
CONNECT_SECS_MAX: Final = 45.0
CONNECT_ATTEMPTS_MAX: Final = 3
CONNECT_RETRY_DELAY_SECS: Final = 1.0
# The stream tells every change of margin; balances are read at most this often.
ACCOUNT_REFRESH_SECS: Final = 1.0
# How long an order may be neither accepted nor refused before the engine is told that it is there.
NEW_ORDER_NS_MAX: Final = 10_000_000_000
# How long the outcome of a change may be awaited before the engine is told how the order is.
CHANGE_NS_MAX: Final = 15_000_000_000
# How long the stream waits for the engine to ask for reconciliation (it waits for other clients
# first, and does not ask at all where reconciliation is switched off), and to be done with it.
START_HOLD_SECS: Final = 60.0
RECONCILE_HOLD_SECS: Final = 240.0


class ParadexExecutionClient(LiveExecutionClient):
    """Trades one Paradex account for a NautilusTrader node.

    Parameters
    ----------
    loop : asyncio.AbstractEventLoop
        The node's event loop.
    name : str
        The client id, without a hyphen.
    config : ParadexExecClientConfig
        Its options.
    msgbus : MessageBus
        The node's message bus.
    cache : Cache
        The node's cache.
    clock : LiveClock
        The node's clock.
    http : HttpClient
        The venue's REST interface; closed with the client.
    provider : ParadexInstrumentProvider
        The instruments.
    credentials : Credentials
        The account and its key.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        name: str,
        config: ParadexExecClientConfig,
        msgbus: MessageBus,
        cache: Cache,
        clock: LiveClock,
        http: HttpClient,
        provider: ParadexInstrumentProvider,
        credentials: Credentials,
    ) -> None:
        super().__init__(
            loop=loop,
            client_id=ClientId(name),
            venue=PARADEX_VENUE,
            oms_type=OmsType.NETTING,
            account_type=AccountType.MARGIN,
            base_currency=None,
            instrument_provider=provider,
            msgbus=msgbus,
            cache=cache,
            clock=clock,
            config=config,
        )
        suffix = credentials.account_address[-ACCOUNT_SUFFIX_CHARS:]
        self._set_account_id(AccountId(f"{name}-{suffix}"))
        self._options: Final = config
        self._http: Final = http
        self._provider: Final = provider
        self._credentials: Final = credentials
        self._session: TradingSession | None = None
        self._tokens: TokenProvider | None = None
        self._refresh: asyncio.Task[None] | None = None
        self._instruments: asyncio.Task[None] | None = None
        self._is_account_stale = False
        self._skipped_balances: list[str] = []
        self._release_timer: asyncio.TimerHandle | None = None
        self._reports_topic: Final = f"reports.execution.{PARADEX_VENUE}"
        self._news: Final = OrderNews(self, cache, clock, self._log)

    @property
    def session(self) -> TradingSession:
        """The trading session; there is one from `_connect` on."""
        assert self._session is not None, "not connected"
        return self._session

    @property
    def _answers(self) -> AccountAnswers:
        return AccountAnswers(self.session, self.account_id, self._cache, self._clock, self._log)

    def send_order_report(self, report: OrderStatusReport) -> None:
        """Give an unasked report of an order to the engine."""
        self._send_order_status_report(report)

    def send_fill_report(self, report: FillReport) -> None:
        """Give an unasked report of a fill to the engine."""
        self._send_fill_report(report)

    # -- life -------------------------------------------------------------------------------------

    def connect(self) -> None:
        """Connect; a mistake of the user is told in one line, not by a traceback."""
        self._log.info("Connecting...")
        self.create_task(self._connect_or_explain(), log_msg="connect")

    async def _connect_or_explain(self) -> None:
        try:
            await self._connect()
        except (ConfigurationError, AuthenticationError) as error:
            self._log.error(f"Cannot trade: {error}")
            return
        except (ParadexError, CoreError) as error:
            # The node does not say that it will never start: this line must.
            self._log.error(
                f"Cannot trade: {error}. The node will not start: check the network, "
                "base_url_http, base_url_ws and proxy_url, then start it again"
            )
            return
        self._set_connected(True)
        self._log.info("Connected", LogColor.GREEN)

    async def _connect(self) -> None:
        failure = f"no answer in {CONNECT_SECS_MAX:.0f} s"
        try:
            async with asyncio.timeout(CONNECT_SECS_MAX):
                for attempt in range(1, CONNECT_ATTEMPTS_MAX + 1):
                    try:
                        await self._connect_once()
                        break
                    except (VenueUnavailable, RateLimited) as error:
                        if attempt == CONNECT_ATTEMPTS_MAX:
                            raise
                        failure = str(error)
                        self._log.warning(f"Connecting failed, trying again: {failure}")
                    await self._close_session()
                    await asyncio.sleep(CONNECT_RETRY_DELAY_SECS * attempt)
        except TimeoutError:
            await self._close_session()
            raise VenueUnavailable("connect", failure) from None
        except BaseException:
            await self._close_session()
            raise

    async def _connect_once(self) -> None:
        config = parse_system_config(await self._http.get_system_config())
        self._check_chain(config.starknet_chain_id)
        recv_window_ms = self._options.recv_window_ms
        offset_ms = await check_clock(self._http, recv_window_ms or RECV_WINDOW_MS_DEFAULT)
        signer = OrderSigner(self._credentials, config.starknet_chain_id)
        self._tokens = TokenProvider(
            self._http,
            signer,
            recv_window_ms=recv_window_ms or RECV_WINDOW_MS_DEFAULT,
            clock_offset_ms=offset_ms,
            l1_chain_id=int(config.l1_chain_id) if config.l1_chain_id.isdecimal() else 0,
        )
        self._http.token_provider = self._tokens
        # A wrong key or account says so here, before anything else is asked.
        await admit(
            self._http, self._tokens, self._credentials, signer, onboard=self._options.onboard
        )
        await self._provider.initialize()
        self._cache_instruments()
        self._session = self._make_session(signer, offset_ms)
        self._restore_orders()
        await self._session.refresh_account()
        self._tell_account()
        await self._await_account_registered()
        self._msgbus.subscribe(topic=self._reports_topic, handler=self._on_reconciled)
        # Held until the engine has reconciled what there was before: in the order it happened.
        self._hold_stream(START_HOLD_SECS)
        await self._session.connect()
        if self._options.update_instruments_interval_mins is not None:
            self._instruments = self._loop.create_task(
                self._refresh_instruments(self._options.update_instruments_interval_mins),
                name="paradex-instruments",
            )

    def _make_session(self, signer: OrderSigner, offset_ms: int) -> TradingSession:
        assert self._tokens is not None
        options = self._options
        _, base_url_ws = config_urls(options)
        return TradingSession(
            self._http,
            self._tokens,
            signer,
            base_url_ws,
            on_events=self._on_events,
            on_external=self._on_external,
            recv_window_ms=options.recv_window_ms,
            clock_offset_ms=offset_ms,
            clock_ns=self._clock.timestamp_ns,
            backoff=Backoff(options.retry_delay_initial_ms, options.retry_delay_max_ms, Random()),
            proxy_url=options.proxy_url,
            warn=self._warn,
        )

    async def _disconnect(self) -> None:
        await self._close_session()
        await self._http.close()

    async def _close_session(self) -> None:
        if self._release_timer is not None:
            self._release_timer.cancel()
            self._release_timer = None
        for task in (self._refresh, self._instruments):
            if task is not None:
                task.cancel()
                await asyncio.wait([task])
        if self._msgbus.is_subscribed(topic=self._reports_topic, handler=self._on_reconciled):
            self._msgbus.unsubscribe(topic=self._reports_topic, handler=self._on_reconciled)
        if self._session is not None:
            await self._session.close()
        if self._tokens is not None:
            await self._tokens.close()
            self._tokens = None

    def _check_chain(self, chain_id: str) -> None:
        """Refuse to sign for another environment than the one the user named."""
        environment = self._options.environment
        if environment is None:
            if self._options.base_url_http is not None:
                return
            environment = ParadexEnvironment.MAINNET
        if (environment is ParadexEnvironment.MAINNET) != (chain_id == MAINNET_CHAIN_ID):
            base_url_http, _ = config_urls(self._options)
            raise ConfigurationError(
                "environment",
                f"it is {environment.value}, but {base_url_http} trades on chain {chain_id}; "
                "set the environment or the base URLs of that exchange",
            )

    def _cache_instruments(self) -> None:
        """Put the instruments into the cache: without our data client nobody else does."""
        for currency in self._provider.currencies().values():
            self._cache.add_currency(currency)
        for instrument in self._provider.list_all():
            self._cache.add_instrument(instrument)

    async def _refresh_instruments(self, interval_mins: int) -> None:
        while True:
            await asyncio.sleep(60.0 * interval_mins)
            try:
                await self._provider.initialize(reload=True)
            except (ParadexError, CoreError) as error:
                self._log.warning(f"Instruments were not refreshed: {error}")
            else:
                self._cache_instruments()

    def _restore_orders(self) -> None:
        """Take up the open orders of an earlier run that the cache still holds."""
        orders = [
            *self._cache.orders_open(venue=PARADEX_VENUE),
            *self._cache.orders_inflight(venue=PARADEX_VENUE),
        ]
        for order in orders:
            instrument = self._cache.instrument(order.instrument_id)
            is_ours = order.account_id in (None, self.account_id)
            if not is_ours or find_denial_reason(order, instrument) is not None:
                continue
            fills = [event for event in order.events if isinstance(event, OrderFilled)]
            self.session.restore(
                order_to_request(order, instrument),
                order.venue_order_id.value if order.venue_order_id is not None else "",
                order.ts_init,
                is_accepted=order.venue_order_id is not None,
                filled=order.filled_qty.raw // RAW_PER_UNIT,
                fills=[key for fill in fills for key in trade_id_to_fill_keys(fill.trade_id)],
            )

    # -- commands ---------------------------------------------------------------------------------

    async def _submit_order(self, command: SubmitOrder) -> None:
        await self._submit(command.order)

    async def _submit_order_list(self, command: SubmitOrderList) -> None:
        for order in command.order_list.orders:
            await self._submit(order)

    async def _submit(self, order: Order) -> None:
        # Who trades has reconciled, or does not want to.
        self._release_stream()
        if order.is_closed:
            self._log.warning(f"Cannot submit {order.client_order_id!r}: it is closed already")
            return
        instrument = self._cache.instrument(order.instrument_id)
        reason = self._credentials.denial_reason or find_denial_reason(order, instrument)
        if reason is None and self.session.store.is_full:
            reason = f"{self.session.store.open_orders_max} orders are open already"
        if reason is None and self.session.store.find_order(order.client_order_id.value):
            reason = "its client order id was sent before"
        ts_event = self._clock.timestamp_ns()
        ids = (order.strategy_id, order.instrument_id, order.client_order_id)
        if reason is not None:
            self.generate_order_denied(*ids, reason, ts_event)
            return
        self.generate_order_submitted(*ids, ts_event)
        await self.session.commands.submit(order_to_request(order, instrument))

    async def _modify_order(self, command: ModifyOrder) -> None:
        order = self._cache.order(command.client_order_id)
        if order is None:
            self._log.error(f"Cannot modify {command.client_order_id!r}: it is not in the cache")
            return
        self._release_stream()
        instrument = self._cache.instrument(order.instrument_id)
        quantity, price = command.quantity, command.price
        reason = self._credentials.denial_reason or find_change_fault(
            order, instrument, quantity, price, command.trigger_price
        )
        if reason is None:
            reason = await self.session.commands.modify(
                order.client_order_id.value,
                None if quantity is None else quantity.raw // RAW_PER_UNIT,
                None if price is None else price.raw // RAW_PER_UNIT,
            )
        if reason is not None:
            self.generate_order_modify_rejected(
                order.strategy_id,
                order.instrument_id,
                order.client_order_id,
                order.venue_order_id,
                reason,
                self._clock.timestamp_ns(),
            )

    async def _cancel_order(self, command: CancelOrder) -> None:
        order = self._cache.order(command.client_order_id)
        if order is None:
            self._log.error(f"Cannot cancel {command.client_order_id!r}: it is not in the cache")
            return
        await self._cancel(order)

    async def _cancel_all_orders(self, command: CancelAllOrders) -> None:
        scope: dict[str, Any] = {
            "venue": None,
            "instrument_id": command.instrument_id,
            "strategy_id": command.strategy_id,
            "side": command.order_side,
        }
        # One by one: the venue's own cancel-all knows neither strategies nor sides.
        orders = {
            order.client_order_id: order
            for order in (*self._cache.orders_open(**scope), *self._cache.orders_inflight(**scope))
        }
        await self._cancel_each(orders.values())

    async def _batch_cancel_orders(self, command: BatchCancelOrders) -> None:
        orders = [self._cache.order(cancel.client_order_id) for cancel in command.cancels]
        await self._cancel_each(order for order in orders if order is not None)

    async def _cancel_each(self, orders: Iterable[Order]) -> None:
        slots = asyncio.Semaphore(CANCELS_AT_ONCE_MAX)

        async def cancel(order: Order) -> None:
            async with slots:
                await self._cancel(order)

        await asyncio.gather(*(cancel(order) for order in orders))

    async def _cancel(self, order: Order) -> None:
        self._release_stream()
        reason: str | None = self._credentials.denial_reason
        if not reason:
            reason = await self.session.commands.cancel(
                order.client_order_id.value,
                order.venue_order_id.value if order.venue_order_id is not None else "",
                order.instrument_id.symbol.value,
            )
        if reason is not None:
            self.generate_order_cancel_rejected(
                order.strategy_id,
                order.instrument_id,
                order.client_order_id,
                order.venue_order_id,
                reason,
                self._clock.timestamp_ns(),
            )

    async def _query_account(self, command: QueryAccount) -> None:
        try:
            await self.session.refresh_account()
        except ParadexError as error:
            self._log.error(f"Cannot query the account: {error}")
            return
        self._tell_account()

    async def _query_order(self, command: QueryOrder) -> None:
        try:
            report = await self._report_order(command)
        except ParadexError as error:
            self._log.warning(f"Cannot query {command.client_order_id!r}: {error}")
            return
        if report is None:
            self._log.warning(f"Nothing is known of order {command.client_order_id!r}")
            return
        if not self._is_untimely(report, command):
            self._send_order_status_report(report)

    def _is_untimely(self, report: OrderStatusReport, command: QueryOrder) -> bool:
        """Return whether the engine would conclude from a report what it does not say."""
        if report.order_status == OrderStatus.SUBMITTED:
            # It takes a report of a new order for its acceptance, and no report at all, after some
            # time, for its refusal: it gets one where the venue takes its time.
            state = self.session.store.find_order(command.client_order_id.value)
            return state is None or self._clock.timestamp_ns() < state.ts_sent + NEW_ORDER_NS_MAX
        order = self._cache.order(command.client_order_id)
        if order is not None and order.is_pending_update and report.is_open:
            # It would take the report for the outcome, which comes by itself.
            state = self.session.store.find_order(command.client_order_id.value)
            is_young = self._clock.timestamp_ns() < order.last_event.ts_init + CHANGE_NS_MAX
            if state is not None and state.changing_size and is_young:
                return True
        # A cancel asked for since the query: the report would end the wait for its outcome.
        is_newer = order is not None and order.last_event.ts_init > command.ts_init
        return is_newer and order.is_pending_cancel and report.is_open

    # -- reports ----------------------------------------------------------------------------------

    async def generate_order_status_report(
        self, command: GenerateOrderStatusReport
    ) -> OrderStatusReport | None:
        """Return the report of one order, None when the venue knows no such order.

        Of an own working order the report is what is known of it when the venue does not answer.

        Raises
        ------
        ParadexError
            If the venue does not answer, and no more is known of the order.
        """
        return await self._report_order(command)

    async def _report_order(
        self, command: GenerateOrderStatusReport | QueryOrder
    ) -> OrderStatusReport | None:
        client_order_id = command.client_order_id
        try:
            return await self._answers.report_order(
                command.instrument_id, client_order_id, command.venue_order_id
            )
        except ParadexError as error:
            # Without an answer the engine takes a working order for refused, and after a while a
            # cancel for a success.
            held = self._answers.report_held_order(client_order_id)
            if held is None:
                raise
            self._log.warning(
                f"Cannot query {client_order_id!r}, so told is what is known: {error}"
            )
            return held

    async def generate_order_status_reports(
        self, command: GenerateOrderStatusReports
    ) -> list[OrderStatusReport]:
        """Return the reports of the open orders and, unless only those are asked, of the closed.

        Own orders that ended since the engine was told of them last are always among them.

        Raises
        ------
        ParadexError
            If the answer is not complete. Only where all orders are asked for, and own ones work,
            are those told instead, as they are known.
        """
        try:
            return await self._answers.report_orders(command)
        except ParadexError as error:
            # The engine takes an order that such an answer leaves out for refused, and an error for
            # an answer that leaves out all of them.
            held = [] if command.open_only else self._answers.report_held_orders()
            if not held:
                raise
            self._log.warning(f"Cannot query orders, so told is what is known: {error}")
            return held

    async def generate_fill_reports(self, command: GenerateFillReports) -> list[FillReport]:
        """Return the reports of all fills of the window, told before or not.

        Raises
        ------
        ParadexError
            If the answer is not complete.
        """
        return await self._answers.report_fills(command)

    async def generate_position_status_reports(
        self, command: GeneratePositionStatusReports
    ) -> list[PositionStatusReport]:
        """Return the reports of the positions; of one instrument also that it is flat.

        Raises
        ------
        ParadexError
            If the venue does not answer; never an empty list instead.
        """
        return await self._answers.report_positions(command)

    async def generate_mass_status(
        self, lookback_mins: int | None = None
    ) -> ExecutionMassStatus | None:
        """Return all orders, fills and positions of one moment.

        The stream is held from here until the engine has reconciled them, and what they tell is
        marked as told: nothing is told twice.

        Raises
        ------
        ParadexError
            If the answer is not complete.
        """
        self._log.info("Generating ExecutionMassStatus...")
        self.reconciliation_active = True
        self._hold_stream(RECONCILE_HOLD_SECS)
        try:
            mass_status = await self._answers.report_everything(self.id, lookback_mins)
        except BaseException:
            self._release_stream()
            raise
        finally:
            self.reconciliation_active = False
        return mass_status

    def calculate_commission(
        self,
        instrument: Instrument,
        last_qty: Quantity,
        last_px: Price,
        liquidity_side: LiquiditySide,
    ) -> Money:
        """Return the fee of a fill the engine infers, by the account's rates on the instrument."""
        is_maker = liquidity_side == LiquiditySide.MAKER
        rate = instrument.maker_fee if is_maker else instrument.taker_fee
        return commission_at_rate(last_qty, last_px, rate)

    def _on_reconciled(self, mass_status: ExecutionMassStatus) -> None:
        is_mass_status = isinstance(mass_status, ExecutionMassStatus)
        if is_mass_status and mass_status.account_id == self.account_id:
            # Later, since the engine is still at it.
            self._loop.call_soon(self._release_stream)

    def _hold_stream(self, secs_max: float) -> None:
        """Hold back what the stream tells until `_release_stream`, at most so long."""
        self.session.hold()
        if self._release_timer is not None:
            self._release_timer.cancel()
        self._release_timer = self._loop.call_later(secs_max, self._release_stream)

    def _release_stream(self) -> None:
        if self._release_timer is not None:
            self._release_timer.cancel()
            self._release_timer = None
            self.session.release()

    # -- what the session tells -------------------------------------------------------------------

    def _on_events(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, AccountChanged):
                if event.summary.feed == FEED_STREAM:
                    self._refresh_account_soon()
            elif isinstance(event, Contradiction):
                self._report_filled_soon(event.client_order_id)
            else:
                self._news.tell_event(event)

    def _report_filled_soon(self, client_order_id: str) -> None:
        """Report an order that filled by the venue's word, without all its fills, as filled.

        No event tells its end, since fills do: the engine makes up those the venue does not have.
        """
        state = self.session.store.find_order(client_order_id)
        if state is not None and state.status == FILLED and state.missing:
            self._log.warning(f"The fills of {client_order_id} are inferred from its end")
            self.create_task(self._report_filled(client_order_id), log_msg="report an order")

    async def _report_filled(self, client_order_id: str) -> None:
        try:
            report = await self._answers.report_order(None, ClientOrderId(client_order_id), None)
        except ParadexError as error:
            self._log.error(f"The end of {client_order_id} is not told: {error}")
            return
        if report is not None:
            self._send_order_status_report(report)

    def _on_external(self, facts: list[ExternalFact]) -> None:
        for fact in facts:
            self._news.tell_fact(fact)

    # -- account ----------------------------------------------------------------------------------

    def _tell_account(self) -> None:
        store = self.session.store
        summary = store.account_summary
        skipped: list[str] = []
        try:
            balances = balances_to_account_balances(store.balances(), summary, skipped)
            margins = summary_to_margins(summary)
        except UnusableMessageError as error:
            self._log.error(f"The account state is not told: {error}")
            return
        if skipped != self._skipped_balances:
            self._skipped_balances = skipped
            self._log.warning(f"Not in the account state: {excerpt('; '.join(skipped))}")
        self.generate_account_state(
            balances,
            margins,
            reported=True,
            ts_event=self._clock.timestamp_ns() if summary is None else summary.ts_updated,
        )

    def _refresh_account_soon(self) -> None:
        self._is_account_stale = True
        if self._refresh is None or self._refresh.done():
            self._refresh = self._loop.create_task(self._refresh_account(), name="paradex-balances")

    async def _refresh_account(self) -> None:
        # News that comes while the venue answers calls for another answer.
        while self._is_account_stale:
            await asyncio.sleep(ACCOUNT_REFRESH_SECS)
            self._is_account_stale = False
            try:
                await self.session.refresh_account()
            except ParadexError as error:
                self._log.warning(f"Balances are not up to date: {error}")
            else:
                self._tell_account()

    def _warn(self, text: str) -> None:
        self._log.warning(text)
