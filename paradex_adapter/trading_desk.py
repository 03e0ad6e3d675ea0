"""What works on one trading session, and what its news mean to the rest.

The session tells; who of the desk tells the engine, or does something about it, is said here.
"""

from collections.abc import Mapping
from typing import Final

from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, Logger, MessageBus

from paradex_adapter.account_answers import AccountAnswers
from paradex_adapter.account_news import AccountNews
from paradex_adapter.busted_positions import BustedPositions
from paradex_adapter.emitter import Emitter
from paradex_adapter.mass_status import MassStatus
from paradex_adapter.order_entry import OrderEntry
from paradex_adapter.order_news import OrderNews
from paradex_adapter.order_queries import OrderQueries
from paradex_adapter.session_setup import SessionSetup
from paradex_adapter.stream_hold import StreamHold
from paradex_adapter.twap_orders import TwapAnswers
from paradex_adapter.venue.account_reader import Notice
from paradex_adapter.venue.algo_state import AlgoProgress
from paradex_adapter.venue.credentials import Credentials
from paradex_adapter.venue.external_orders import ExternalFact
from paradex_adapter.venue.system_state import SystemState
from paradex_adapter_core.events import (
    AccountChanged,
    BalanceChanged,
    Contradiction,
    Event,
    FillApplied,
    ModifyRejected,
    OrderRejected,
)
from paradex_adapter_core.messages.orders import TradeBust


class TradingDesk:
    """One trading session with all who work on it; another connect gets another.

    Parameters
    ----------
    client : Emitter
        Through which the engine is told.
    setup : SessionSetup
        Makes the session; signed in.
    credentials : Credentials
        The account and its key.
    system_state : SystemState
        Whether the venue takes orders at the moment.
    spot_tokens : Mapping[str, str]
        The tokens of the spot markets, by market.
    cache : Cache
        The node's cache.
    msgbus : MessageBus
        The node's message bus.
    clock : LiveClock
        The node's clock.
    log : Logger
        The client's log.

    Attributes
    ----------
    session : TradingSession
        Sends, follows and recovers orders.
    entry : OrderEntry
        Takes the engine's commands.
    answers : AccountAnswers
        Makes the reports the engine asks for.
    mass_status : MassStatus
        Reports the whole account.
    queries : OrderQueries
        Answers the engine about orders in time.
    account_news : AccountNews
        Tells balances, and what the venue does to the account.
    busted_positions : BustedPositions
        Brings positions after trade busts to the venue's.
    stream : StreamHold
        Holds the news while the engine reconciles.
    """

    def __init__(
        self,
        client: Emitter,
        setup: SessionSetup,
        credentials: Credentials,
        system_state: SystemState,
        spot_tokens: Mapping[str, str],
        cache: Cache,
        msgbus: MessageBus,
        clock: LiveClock,
        log: Logger,
    ) -> None:
        session = setup.make_session(
            self._on_events,
            self._on_external,
            self._on_notice,
            clock.timestamp_ns,
            log.warning,
            spot_tokens,
        )
        self.session: Final = session
        self._system_state: Final = system_state
        self._order_news: Final = OrderNews(client, session.fee_token.find_value, cache, clock, log)
        self.entry: Final = OrderEntry(
            client, session, credentials, system_state, cache, clock, log
        )
        account_id = client.account_id
        twaps = TwapAnswers(session.algo_orders, account_id, cache, clock, log)
        self.answers: Final = AccountAnswers(session, twaps, account_id, cache, clock, log)
        self.mass_status: Final = MassStatus(session, twaps, account_id, cache, clock, log)
        self.queries: Final = OrderQueries(client, self.answers, session.store, cache, clock, log)
        self.account_news: Final = AccountNews(client, session, cache, msgbus, clock, log)
        self.busted_positions: Final = BustedPositions(
            session,
            self.answers,
            account_id,
            cache,
            clock,
            log,
            client.send_position_report,
        )
        self.stream: Final = StreamHold(session, account_id, msgbus, self.entry.lists.settle)

    async def open(self) -> None:
        """Take up what an earlier run left, and tell the account; the session still connects.

        Raises
        ------
        ParadexError
            If the venue does not tell what is asked.
        """
        self.entry.restore_orders()
        await self.entry.lists.restore()
        await self.session.refresh_account()
        self.account_news.tell_account()

    async def close(self) -> None:
        """Stop everything under way, the session last."""
        self.stream.close()
        await self.busted_positions.close()
        await self.account_news.close()
        await self.queries.close()
        await self.entry.lists.close()
        await self.session.close()

    def _on_events(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, AccountChanged):
                self.account_news.take_summary(event.summary)
            elif isinstance(event, BalanceChanged):
                self.session.fee_token.follow(event.balance.token, event.balance.size)
                self.account_news.tell_soon()
            elif isinstance(event, Contradiction):
                self.queries.report_filled_soon(event.client_order_id)
            else:
                self._on_order_event(event)
        self.entry.lists.follow(events)

    def _on_order_event(self, event: Event) -> None:
        if isinstance(event, OrderRejected | ModifyRejected):
            self._system_state.learn(event.reason)
        elif isinstance(event, FillApplied):
            # The stream tells what it does to the account, unless it is silent.
            self.account_news.refresh_soon()
        if isinstance(event, ModifyRejected) and self.entry.lists.is_own_refusal(
            event.client_order_id
        ):
            # The strategy did not ask for that change.
            return
        self._order_news.tell_event(event)

    def _on_external(self, facts: list[ExternalFact]) -> None:
        for fact in facts:
            self._order_news.tell_fact(fact)

    def _on_notice(self, notice: Notice | AlgoProgress) -> None:
        if isinstance(notice, AlgoProgress):
            self.account_news.tell_progress(notice)
        elif isinstance(notice, TradeBust):
            self.busted_positions.follow(*self.account_news.tell_bust(notice))
        else:
            self.account_news.tell_payment(notice)
