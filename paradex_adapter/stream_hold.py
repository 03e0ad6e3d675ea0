"""The stream of an account, held back while the engine reconciles what a whole answer told."""

import asyncio
from collections.abc import Callable
from typing import Final

from nautilus_trader.common.component import MessageBus
from nautilus_trader.common.enums import ComponentState
from nautilus_trader.common.messages import ComponentStateChanged
from nautilus_trader.execution.reports import ExecutionMassStatus
from nautilus_trader.model.identifiers import AccountId

from paradex_adapter.constants import PARADEX_VENUE
from paradex_adapter.venue.trading_session import TradingSession

# How long the stream waits for the engine to ask for reconciliation (it waits for other clients
# first, and does not ask at all where reconciliation is switched off: then trading begins), and to
# be done with it.
START_HOLD_SECS: Final = 60.0
RECONCILE_HOLD_SECS: Final = 240.0
REPORTS_TOPIC: Final = f"reports.execution.{PARADEX_VENUE}"


class StreamHold:
    """Holds what the stream tells until the engine is done, so that it is told in order.

    Parameters
    ----------
    session : TradingSession
        Whose stream.
    account_id : AccountId
        Whose reconciliation it waits for.
    msgbus : MessageBus
        Tells when that is done.
    on_release : Callable[[], None]
        Called when the stream goes on.
    """

    def __init__(
        self,
        session: TradingSession,
        account_id: AccountId,
        msgbus: MessageBus,
        on_release: Callable[[], None],
    ) -> None:
        self._session: Final = session
        self._account_id: Final = account_id
        self._msgbus: Final = msgbus
        self._on_release: Final = on_release
        self._timer: asyncio.TimerHandle | None = None
        self._state_topic: Final = f"events.system.{msgbus.trader_id}"
        msgbus.subscribe(topic=REPORTS_TOPIC, handler=self._on_reconciled)
        msgbus.subscribe(topic=self._state_topic, handler=self._on_trader_state)

    def hold(self, secs_max: float) -> None:
        """Hold back what the stream tells until `release`, at most so long."""
        self._session.book.hold()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(secs_max, self.release)

    def release(self) -> None:
        """Let the stream go on, if it is held."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._session.book.release()
            self._on_release()

    def close(self) -> None:
        """Wait for nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._msgbus.is_subscribed(topic=REPORTS_TOPIC, handler=self._on_reconciled):
            self._msgbus.unsubscribe(topic=REPORTS_TOPIC, handler=self._on_reconciled)
            self._msgbus.unsubscribe(topic=self._state_topic, handler=self._on_trader_state)

    def _on_trader_state(self, event: ComponentStateChanged) -> None:
        if event.state == ComponentState.RUNNING:
            asyncio.get_running_loop().call_soon(self.release)

    def _on_reconciled(self, mass_status: ExecutionMassStatus) -> None:
        is_mass_status = isinstance(mass_status, ExecutionMassStatus)
        if is_mass_status and mass_status.account_id == self._account_id:
            # Later, since the engine is still at it.
            asyncio.get_running_loop().call_soon(self.release)
