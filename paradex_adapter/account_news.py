"""The account, told to NautilusTrader: its state, and what the venue does to it by itself."""

import asyncio
from decimal import Decimal
from typing import Final

from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, Logger, MessageBus
from nautilus_trader.model.data import CustomData, DataType
from nautilus_trader.model.events import OrderFilled
from nautilus_trader.model.identifiers import InstrumentId

from paradex_adapter.account_data import (
    algo_order_to_custom,
    bust_to_custom,
    payment_to_custom,
)
from paradex_adapter.custom_data import ParadexData
from paradex_adapter.emitter import Emitter
from paradex_adapter.order_news import find_instrument
from paradex_adapter.translate.reports import balances_to_account_balances, summary_to_margins
from paradex_adapter.translate.values import UnusableMessageError
from paradex_adapter.venue.algo_state import AlgoProgress
from paradex_adapter.venue.errors import ParadexError, excerpt
from paradex_adapter.venue.trading_session import TradingSession
from paradex_adapter_core.messages.account import AccountSummary, FundingPayment
from paradex_adapter_core.messages.orders import TradeBust
from paradex_adapter_core.vocabulary import FEED_STREAM

# The stream tells every change of margin; balances are read at most this often.
ACCOUNT_REFRESH_SECS: Final = 1.0
# And this often when the venue's read limit is nearly used up: answers about orders go first.
SHORT_REFRESH_SECS: Final = 5.0
# Each answer that fails doubles the wait, so often at most: the venue is asked until it answers.
REFRESH_DOUBLINGS_MAX: Final = 5
ACTIVE: Final = "ACTIVE"


class AccountNews:
    """Tells the engine balances and margins, and publishes what else happens to the account.

    Parameters
    ----------
    client : Emitter
        Generates the events.
    session : TradingSession
        Knows the account.
    cache : Cache
        Where instruments and orders are.
    msgbus : MessageBus
        The node's message bus; takes custom data.
    clock : LiveClock
        The node's clock.
    log : Logger
        The client's log.
    """

    def __init__(
        self,
        client: Emitter,
        session: TradingSession,
        cache: Cache,
        msgbus: MessageBus,
        clock: LiveClock,
        log: Logger,
    ) -> None:
        self._client: Final = client
        self._session: Final = session
        self._cache: Final = cache
        self._msgbus: Final = msgbus
        self._clock: Final = clock
        self._log: Final = log
        self._refresh: asyncio.Task[None] | None = None
        self._is_stale = False
        self._is_closed = False
        self._skipped_balances: list[str] = []
        self._status = ACTIVE
        self._telling: asyncio.Handle | None = None

    async def close(self) -> None:
        """Stop following the account, for good: what the session tells at its end asks no more."""
        self._is_closed = True
        if self._telling is not None:
            self._telling.cancel()
        if self._refresh is not None:
            self._refresh.cancel()
            await asyncio.wait([self._refresh])

    def tell_account(self) -> None:
        """Tell what is known of balances and margins."""
        if self._telling is not None:
            self._telling.cancel()
            self._telling = None
        store = self._session.store
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
        self._client.generate_account_state(
            balances,
            margins,
            reported=True,
            ts_event=self._clock.timestamp_ns() if summary is None else summary.ts_updated,
        )

    def take_summary(self, summary: AccountSummary) -> None:
        """Follow a margin state: what it says of the account is told with fresh balances."""
        if summary.status != self._status:
            self._status = summary.status
            if summary.status == ACTIVE:
                self._log.info(f"Account {self._client.account_id} is active again")
            else:
                self._log.error(f"Account {self._client.account_id} is in {summary.status!a}")
        if summary.feed == FEED_STREAM:
            self.refresh_soon()
        else:
            self.tell_soon()

    def tell_soon(self) -> None:
        """Tell the account when all of the answer at hand is worked in."""
        if self._telling is None:
            self._telling = asyncio.get_running_loop().call_soon(self.tell_account)

    def tell_payment(self, payment: FundingPayment) -> None:
        """Publish funding that was realized; the balance it changed is told with the next."""
        self.refresh_soon()
        instrument = find_instrument(self._cache, payment.market)
        if instrument is None:
            self._log.warning(f"Funding of {payment.market!a}, which is not loaded, is left out")
            return
        ts_init = self._clock.timestamp_ns()
        self._publish(payment_to_custom(payment, self._client.account_id, instrument.id, ts_init))

    def tell_bust(self, bust: TradeBust) -> tuple[InstrumentId | None, Decimal]:
        """Publish that a fill was taken back.

        Returns
        -------
        tuple[InstrumentId or None, Decimal]
            The instrument of the fill and its quantity, below zero of a sale; None where it is not
            known.
        """
        self.refresh_soon()
        fill = self._find_fill(bust.fill_id)
        if fill is None:
            self._log.error(f"The venue took back fill {bust.fill_id!a}, which is not known here")
            return None, Decimal(0)
        self._log.error(
            f"The venue took back fill {fill.trade_id} of {fill.client_order_id!r}: its "
            f"{fill.instrument_id} position is compared with the venue's"
        )
        ts_init = self._clock.timestamp_ns()
        self._publish(bust_to_custom(bust, self._client.account_id, fill, ts_init))
        quantity = fill.last_qty.as_decimal()
        return fill.instrument_id, quantity if fill.is_buy else -quantity

    def _find_fill(self, fill_id: str) -> OrderFilled | None:
        """Return the fill of the account with this id, whatever its type."""
        for order in self._cache.orders():
            for event in order.events:
                # Not the order's account, which is not set where others sent it.
                is_ours = (
                    isinstance(event, OrderFilled) and event.account_id == self._client.account_id
                )
                # The type may stand behind the id.
                if is_ours and event.trade_id.value.partition("-")[0] == fill_id:
                    return event
        return None

    def tell_progress(self, progress: AlgoProgress) -> None:
        """Publish how an own algo order stands."""
        instrument = find_instrument(self._cache, progress.order.market)
        if instrument is None:
            return
        ts_init = self._clock.timestamp_ns()
        self._publish(
            algo_order_to_custom(
                progress.order,
                progress.client_order_id,
                self._client.account_id,
                instrument.id,
                ts_init,
            )
        )

    def _publish(self, data: ParadexData) -> None:
        self._msgbus.send(endpoint="DataEngine.process", msg=CustomData(DataType(type(data)), data))

    def refresh_soon(self) -> None:
        """Ask the venue within `ACCOUNT_REFRESH_SECS`, and tell what it says."""
        self._is_stale = True
        if self._is_closed:
            return
        if self._refresh is None or self._refresh.done():
            self._refresh = asyncio.create_task(self._refresh_account(), name="paradex-balances")

    async def _refresh_account(self) -> None:
        # News that comes while the venue answers calls for another answer, and so does none.
        failures = 0
        while self._is_stale:
            await asyncio.sleep(ACCOUNT_REFRESH_SECS * 2 ** min(failures, REFRESH_DOUBLINGS_MAX))
            if not self._session.reader.has_reads_to_spare:
                await asyncio.sleep(SHORT_REFRESH_SECS)
            self._is_stale = False
            try:
                await self._session.refresh_account()
            except ParadexError as error:
                failures += 1
                self._is_stale = True
                self._log.warning(f"Balances are not up to date: {error}")
            else:
                failures = 0
                self.tell_account()
