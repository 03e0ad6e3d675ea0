"""The execution client: NautilusTrader's commands become orders, what Paradex tells becomes news.

It delegates. `session_setup` signs in, and `trading_desk` puts together what works on a session:
`order_entry` takes the commands, `venue.trading_session` sends, follows and recovers orders,
`order_news` and `account_news` tell the engine what becomes of them and of the account,
`account_answers`, `mass_status` and `order_queries` answer what the engine asks, and `translate`
knows both sides' words.
"""

import asyncio
from typing import Final

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
from nautilus_trader.model.enums import AccountType, LiquiditySide, OmsType
from nautilus_trader.model.events import OrderEvent
from nautilus_trader.model.identifiers import AccountId, ClientId, Venue
from nautilus_trader.model.instruments import CryptoOption, Instrument
from nautilus_trader.model.objects import Money, Price, Quantity

from paradex_adapter.account_instruments import AccountInstruments
from paradex_adapter.config import ParadexExecClientConfig
from paradex_adapter.constants import CONNECT_SECS_MAX, PARADEX_VENUE
from paradex_adapter.order_accounts import find_account_id, readdress
from paradex_adapter.order_entry import OrderEntry
from paradex_adapter.providers import ParadexInstrumentProvider
from paradex_adapter.session_setup import SessionSetup
from paradex_adapter.stream_hold import RECONCILE_HOLD_SECS, START_HOLD_SECS
from paradex_adapter.trading_desk import TradingDesk
from paradex_adapter.translate.values import commission_at_rate, option_commission_at_rate
from paradex_adapter.venue.credentials import Credentials
from paradex_adapter.venue.errors import (
    AuthenticationError,
    ConfigurationError,
    InvalidRequest,
    ParadexError,
    RateLimited,
    RequestRejected,
    VenueUnavailable,
)
from paradex_adapter.venue.http import HttpClient
from paradex_adapter.venue.system_state import OK, SystemState
from paradex_adapter.venue.trading_session import TradingSession
from paradex_adapter_core.errors import CoreError

ACCOUNT_SUFFIX_CHARS: Final = 8
CONNECT_ATTEMPTS_MAX: Final = 3
CONNECT_RETRY_DELAY_SECS: Final = 1.0


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
            # The engine routes by this, and refuses a second client of one venue; see `venue`.
            venue=Venue(name) if config.is_additional else PARADEX_VENUE,
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
        self._open_desk: TradingDesk | None = None
        self._instruments: Final = AccountInstruments(
            provider, cache, self._log, is_additional=config.is_additional
        )
        self._setup: Final = SessionSetup(config, http, credentials, self._log.info)
        self._system_state: Final = SystemState(
            http, config.system_state_interval_secs, on_change=self._on_system_state
        )

    @property
    def venue(self) -> Venue:
        """The venue of its reports: Paradex, by whatever name commands are routed here."""
        return PARADEX_VENUE

    @property
    def _desk(self) -> TradingDesk:
        assert self._open_desk is not None, "not connected"
        return self._open_desk

    @property
    def session(self) -> TradingSession:
        """The trading session; there is one from `_connect` on."""
        return self._desk.session

    def send_order_report(self, report: OrderStatusReport) -> None:
        """Give an unasked report of an order to the engine."""
        self._send_order_status_report(report)

    def send_order_event(self, event: OrderEvent) -> None:
        """Give an event of an order that the venue does not know to the engine."""
        self._send_order_event(event)

    def send_fill_report(self, report: FillReport) -> None:
        """Give an unasked report of a fill to the engine."""
        self._send_fill_report(report)

    def send_position_report(self, report: PositionStatusReport) -> None:
        """Give an unasked report of a position to the engine."""
        self._send_position_status_report(report)

    # -- life -------------------------------------------------------------------------------------

    def connect(self) -> None:
        """Connect; a mistake of the user is told in one line, not by a traceback."""
        self._log.info("Connecting...")
        self.create_task(self._connect_or_explain(), log_msg="connect")

    async def _connect_or_explain(self) -> None:
        try:
            await self._connect()
        except (
            ConfigurationError,
            InvalidRequest,
            AuthenticationError,
            RequestRejected,
        ) as error:
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
        # A node may be stopped and run again.
        self._http.open()
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
                        asked = error.retry_after_secs if isinstance(error, RateLimited) else 0.0
                    await self._close_session()
                    await asyncio.sleep(max(asked, CONNECT_RETRY_DELAY_SECS * attempt))
        except TimeoutError:
            await self._close_session()
            raise VenueUnavailable("connect", failure) from None
        except BaseException:
            # Canceled as well: nothing is to go on in the background.
            await self._close_session()
            raise

    async def _connect_once(self) -> None:
        await self._setup.sign_in()
        # Known before the first order, since what follows asks the venue more than once.
        self._system_state.start()
        await self._instruments.load()
        desk = self._open_desk = TradingDesk(
            self,
            self._setup,
            self._credentials,
            self._system_state,
            self._instruments.spot_tokens,
            self._cache,
            self._msgbus,
            self._clock,
            self._log,
        )
        # Held until the engine has reconciled what there was before: in the order it happened.
        desk.stream.hold(START_HOLD_SECS)
        await desk.open()
        await self._await_account_registered()
        await desk.session.connect()
        if self._options.update_instruments_interval_mins is not None:
            self._instruments.start(self._options.update_instruments_interval_mins)

    async def _disconnect(self) -> None:
        await self._close_session()
        await self._http.close()

    async def _close_session(self) -> None:
        await self._system_state.close()
        await self._instruments.close()
        if self._open_desk is not None:
            await self._open_desk.close()
        await self._setup.close()

    # -- commands ---------------------------------------------------------------------------------

    async def _submit_order(self, command: SubmitOrder) -> None:
        await self._entry_for_trading().submit_order(command)

    async def _submit_order_list(self, command: SubmitOrderList) -> None:
        await self._entry_for_trading().submit_order_list(command)

    async def _modify_order(self, command: ModifyOrder) -> None:
        await self._entry_for_trading().modify_order(command)

    async def _cancel_order(self, command: CancelOrder) -> None:
        await self._entry_for_trading().cancel_order(command)

    async def _cancel_all_orders(self, command: CancelAllOrders) -> None:
        await self._entry_for_trading().cancel_all_orders(command)

    async def _batch_cancel_orders(self, command: BatchCancelOrders) -> None:
        await self._entry_for_trading().batch_cancel_orders(command)

    def _entry_for_trading(self) -> OrderEntry:
        # Who trades has reconciled, or does not want to.
        self._desk.stream.release()
        return self._desk.entry

    async def _query_account(self, command: QueryAccount) -> None:
        try:
            await self.session.refresh_account()
        except ParadexError as error:
            self._log.error(f"Cannot query the account: {error}")
            return
        self._desk.account_news.tell_account()

    async def _query_order(self, command: QueryOrder) -> None:
        order = self._cache.order(command.client_order_id)
        account_id = None if order is None else find_account_id(order)
        client_id = self.id if account_id is None else ClientId(account_id.get_issuer())
        if client_id in (self.id, command.client_id):
            await self._desk.queries.answer(command)
        else:
            # The engine's own queries name the venue's client; only the order's own can answer.
            query = readdress(command, client_id)
            self._msgbus.send(endpoint="ExecEngine.execute", msg=query)

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
        return await self._desk.queries.report_order(command)

    async def generate_order_status_reports(
        self, command: GenerateOrderStatusReports
    ) -> list[OrderStatusReport]:
        """Return the reports of the open orders and, unless only those are asked, of the closed.

        Orders that ended since the engine was told of them last are always among them.

        Raises
        ------
        ParadexError
            If the answer is not complete. Only where all orders are asked for, and own ones work,
            are those told instead, as they are known.
        """
        return await self._desk.queries.report_orders(command)

    async def generate_fill_reports(self, command: GenerateFillReports) -> list[FillReport]:
        """Return the reports of all fills of the window, told before or not.

        Raises
        ------
        ParadexError
            If the answer is not complete.
        """
        return await self._desk.answers.report_fills(command)

    async def generate_position_status_reports(
        self, command: GeneratePositionStatusReports
    ) -> list[PositionStatusReport]:
        """Return the reports of the positions; of one instrument also that it is flat.

        Raises
        ------
        ParadexError
            If the venue does not answer; never an empty list instead.
        """
        return await self._desk.answers.report_positions(command)

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
        self._desk.stream.hold(RECONCILE_HOLD_SECS)
        try:
            mass_status = await self._desk.mass_status.report(self.id, lookback_mins)
        except BaseException:
            # Canceled as well: the engine will not say that it is done.
            self._desk.stream.release()
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
        """Return the fee of a fill the engine infers, by the account's rates on the instrument.

        An option's is one of the underlying's value: at its index price, else at the strike.
        """
        is_maker = liquidity_side == LiquiditySide.MAKER
        instrument = self._provider.find(instrument.id) or instrument
        rate = instrument.maker_fee if is_maker else instrument.taker_fee
        if isinstance(instrument, CryptoOption):
            index = self._cache.index_price(instrument.id)
            underlying_px = instrument.strike_price if index is None else index.value
            return option_commission_at_rate(last_qty, last_px, rate, underlying_px)
        return commission_at_rate(last_qty, last_px, rate)

    def _on_system_state(self, before: str, state: str) -> None:
        if state == OK:
            self._log.info(f"Paradex is {state} again, after {before!a}: orders are taken")
        else:
            self._log.warning(f"Paradex is in {state!a} mode, after {before!a}")
