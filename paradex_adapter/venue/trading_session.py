"""One account on the private websocket: its stream, and recovery when that is lost.

Whatever tells about the account (the stream, replies to commands, REST answers) goes through the
session's book (`paradex_adapter.venue.account_book`), and only what is new comes out of it.

Commands go through `TradingSession.commands` (`paradex_adapter.venue.order_commands`).
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final, final

from paradex_adapter.venue.account_book import AccountBook
from paradex_adapter.venue.account_reader import AccountReader, Notice
from paradex_adapter.venue.algo_orders import AlgoOrders
from paradex_adapter.venue.algo_state import AlgoProgress
from paradex_adapter.venue.auth import TokenProvider
from paradex_adapter.venue.errors import ConfigurationError
from paradex_adapter.venue.external_orders import ExternalFact
from paradex_adapter.venue.fee_token import FeeToken
from paradex_adapter.venue.http import HttpClient
from paradex_adapter.venue.order_batches import OrderBatches
from paradex_adapter.venue.order_commands import OrderCommands
from paradex_adapter.venue.order_gateway import OrderGateway
from paradex_adapter.venue.order_requests import RECV_WINDOW_MS_MAX, OrderRequest
from paradex_adapter.venue.order_search import OrderSearch
from paradex_adapter.venue.recovery import (
    OVERLAP_MS,
    Recovery,
    find_changed_orders,
    find_own_order,
)
from paradex_adapter.venue.retry import Backoff
from paradex_adapter.venue.rpc import RpcRefused
from paradex_adapter.venue.signing import OrderSigner
from paradex_adapter.venue.websocket import WebSocketConnection
from paradex_adapter_core.events import (
    Event,
)
from paradex_adapter_core.messages.account import (
    Position,
)
from paradex_adapter_core.messages.orders import Fill, OrderUpdate

CHANNELS: Final = (
    "orders.ALL",
    "fills.ALL",
    "positions",
    "account",
    "funding_payments.ALL",
    "tradebusts",
)

_log = logging.getLogger(__name__)


@final
class TradingSession:
    """One account's orders, fills, positions and balances.

    Parameters
    ----------
    http : HttpClient
        With a token provider.
    tokens : TokenProvider
        Authenticates the websocket, and knows the venue's time.
    signer : OrderSigner
        Signs orders.
    base_url_ws : str
        Where the private websocket connects.
    on_events : Callable[[list[Event]], None]
        Takes what is new about own orders, positions and balances, in order.
    on_external : Callable[[list[ExternalFact]], None]
        Takes what is new about orders this session did not send, in order.
    on_notice : Callable[[Notice | AlgoProgress], None], optional
        Takes what the venue did to the account that changes nothing of the state here.
    recv_window_ms : int, optional
        How long after signing the venue may still take an order, in milliseconds; by default the
        venue's own 300 000.
    clock_ns : Callable[[], int]
        Our clock, nanoseconds since the Unix epoch.
    backoff : Backoff, optional
        The delays between reconnects.
    proxy_url : str, optional
        A proxy for the websocket.
    cancel_on_disconnect : bool
        Whether the venue is to cancel what was sent over a connection when that is lost.
    spot_tokens : Mapping[str, str]
        The token of each spot market; see `AccountReader`.
    prefer_picows : bool
        Use the fast transport when it is installed.
    warn : Callable[[str], None], optional
        Takes what a user should know; never a secret.

    Attributes
    ----------
    book : AccountBook
        What is known of the account: everything told goes through it.
    store, externals
        The book's. Read them; only the book changes them.
    reader : AccountReader
        Whole answers over REST; they change nothing until `take` applies them.
    search : OrderSearch
        Looks for single orders.
    fee_token : FeeToken
        Knows what fees in DIME are worth.
    commands : OrderCommands
        Sends orders, changes and cancels.
    batches : OrderBatches
        Sends several orders, or cancels, at once.
    algo_orders : AlgoOrders
        Sends and follows algo orders; the store knows nothing of them.
    counters : dict[str, int]
        What was skipped or went wrong, by kind.
    """

    def __init__(
        self,
        http: HttpClient,
        tokens: TokenProvider,
        signer: OrderSigner,
        base_url_ws: str,
        *,
        on_events: Callable[[list[Event]], None],
        on_external: Callable[[list[ExternalFact]], None],
        on_notice: Callable[[Notice | AlgoProgress], None] | None = None,
        recv_window_ms: int | None = None,
        clock_ns: Callable[[], int] = time.time_ns,
        backoff: Backoff | None = None,
        proxy_url: str | None = None,
        cancel_on_disconnect: bool = False,
        spot_tokens: Mapping[str, str] = MappingProxyType({}),
        prefer_picows: bool = True,
        warn: Callable[[str], None] | None = None,
    ) -> None:
        self._cancel_on_disconnect: Final = cancel_on_disconnect
        self._on_external: Final = on_external
        self._recv_window_ms: Final = recv_window_ms
        self._tokens: Final = tokens
        self._clock_ns: Final = clock_ns
        self._warn: Final = warn or _log.warning
        self.counters: Final[dict[str, int]] = {}
        self.book: Final = AccountBook(
            signer.account_address,
            on_events=on_events,
            on_external=on_external,
            on_notice=on_notice,
            clock_ns=clock_ns,
            now_ms=self._venue_now_ms,
            counters=self.counters,
            warn=self._warn,
        )
        self.store: Final = self.book.store
        self.externals: Final = self.book.externals
        self.reader: Final = AccountReader(http, self.counters, spot_tokens)
        self.fee_token: Final = FeeToken(http)
        self.search: Final = OrderSearch(self.reader, self.store, self._venue_now_ms)
        self._recovery: Final = Recovery(
            self.reader,
            self.search,
            self.store,
            self.externals,
            apply=self.book.apply,
            tell=self.book.tell,
            tell_external=on_external,
            tell_notice=self.book.tell_notice,
            until_answered=self.book.until_answered,
            on_caught_up=self._on_caught_up,
            now_ms=self._venue_now_ms,
            warn=self._warn,
        )
        self._connection: Final = WebSocketConnection(
            base_url_ws,
            name="private",
            plain_first=True,
            on_message=self.book.on_message,
            on_connected=self._on_connected,
            on_disconnected=self._on_disconnected,
            clock_ns=clock_ns,
            backoff=backoff,
            proxy_url=proxy_url,
            prefer_picows=prefer_picows,
            log=self._warn,
        )
        self._gateway: Final = OrderGateway(self._connection, http, tokens, self.counters)
        self.commands: Final = OrderCommands(
            self._gateway,
            signer,
            self._recovery,
            self.store,
            self.externals,
            apply=self.book.apply,
            tell=self.book.tell,
            query_order=self.query_order,
            counters=self.counters,
            recv_window_ms=recv_window_ms,
            clock_ns=clock_ns,
            now_ms=self._venue_now_ms,
            warn=self._warn,
        )
        self.batches: Final = OrderBatches(self.commands, self._gateway)
        self.algo_orders: Final = AlgoOrders(
            http,
            self.reader,
            signer,
            tell=self.book.tell,
            tell_progress=self.book.tell_progress,
            is_held=lambda: self.book.is_held,
            now_ms=self._venue_now_ms,
            recv_window_ms=recv_window_ms,
            warn=self._warn,
        )
        self.book.follow(self._recovery, self.algo_orders)
        # Since when the stream may have missed something, Unix milliseconds.
        self._gap_since_ms: int | None = None

    @property
    def is_ready(self) -> bool:
        """Whether the private stream is live."""
        return self._connection.is_ready

    @property
    def is_recovering(self) -> bool:
        """Whether a catch-up after a reconnect is under way."""
        return self._recovery.is_recovering

    async def connect(self) -> None:
        """Connect, authenticate and subscribe; return when the private stream is live.

        Raises
        ------
        ParadexError
            If that did not come about; nothing goes on in the background.
        """
        await self._connection.connect()

    async def close(self) -> None:
        """Disconnect and stop everything under way."""
        await self.algo_orders.close()
        await self._recovery.close()
        await self.search.close()
        await self.fee_token.close()
        await self._connection.close()

    def restore(
        self,
        request: OrderRequest,
        venue_order_id: str,
        ts_sent: int,
        is_accepted: bool,
        filled: int,
        fills: list[tuple[int, str]],
        is_triggered: bool = False,
    ) -> None:
        """Take up an open order of an earlier run; parameters as in `StateStore.restore_order`.

        One whose venue id was never learned is asked for.
        """
        if self.store.find_order(request.client_order_id) is not None:
            return
        self.store.restore_order(
            request.client_order_id,
            venue_order_id,
            request.market,
            request.side,
            request.order_type,
            request.instruction,
            request.size,
            request.price or None,
            request.trigger_price,
            request.flags,
            ts_sent,
            is_accepted,
            filled,
            fills,
            is_triggered,
        )
        if not venue_order_id:
            # Nobody knows any longer what window it was sent with.
            window_ms = max(self._recv_window_ms or 0, RECV_WINDOW_MS_MAX)
            self._recovery.start_resolving(
                request.client_order_id, request.market, ts_sent // 1_000_000 + window_ms
            )

    # -- answers ----------------------------------------------------------------------------------

    async def query_order(
        self, client_order_id: str, venue_order_id: str, market: str | None
    ) -> OrderUpdate | None:
        """Ask the venue for an order, tell what is new in the answer, and return it.

        Fills that the answer speaks of and that were not told before are asked for and told first.

        Raises
        ------
        ParadexError
            If there is no answer. None means that the venue knows no such order.
        """
        update = await self.search.find(market, client_order_id, venue_order_id)
        if update is not None:
            await self.take([update])
        return update

    async def take(self, updates: Iterable[OrderUpdate]) -> None:
        """Tell what is new in orders that REST answered, their missing fills first.

        Raises
        ------
        ParadexError
            If fills are missing and cannot be had.
        """
        owing: dict[str, int] = {}
        updates = list(updates)
        for update in updates:
            state = find_own_order(self.store, update)
            if state is not None and update.size - update.remaining_size > state.filled:
                # With those before it, which may be missing as well: they are told in order.
                since_ms = state.ts_sent // 1_000_000 - OVERLAP_MS
                owing[update.market] = min(since_ms, owing.get(update.market, since_ms))
        fills = [
            fill
            for market, since_ms in owing.items()
            for fill in await self.reader.fills(market, max(0, since_ms))
        ]
        for changed in find_changed_orders(self.store, updates):
            self.book.apply(changed)
        for fill in fills:
            self.book.apply(fill)
        for update in updates:
            self.book.apply(update)

    async def take_fills(self, fills: Iterable[Fill]) -> None:
        """Tell what is new in fills that REST answered, and the orders not ours they wait for.

        Raises
        ------
        ParadexError
            If such an order cannot be had.
        """
        waiting = {}
        for fill in fills:
            self.book.apply(fill)
            if self.externals.is_waiting_for_order(fill.venue_order_id):
                waiting[fill.venue_order_id] = fill
        for venue_order_id, fill in waiting.items():
            update = await self.search.find(fill.market, fill.client_order_id, venue_order_id)
            if update is not None:
                self.book.apply(update)
            elif self.externals.is_waiting_for_order(venue_order_id):
                self._on_external(self.externals.go_without(venue_order_id))

    def take_positions(self, positions: Iterable[Position]) -> None:
        """Tell what is new in positions that REST answered."""
        for position in positions:
            self.book.apply(position)

    async def refresh_account(self) -> None:
        """Ask for balances and margin and tell what is new.

        Raises
        ------
        ParadexError
            If there is no answer.
        """
        balances, summary = await asyncio.gather(self.reader.balances(), self.reader.summary())
        for balance in balances:
            self.book.apply(balance)
        self.book.apply(summary)

    # -- the connection ---------------------------------------------------------------------------

    async def _on_connected(self) -> None:
        """Authenticate and subscribe; part of every connect."""
        if self._gap_since_ms is not None:
            # What happened meanwhile comes first: profit depends on the order of the fills.
            self.book.hold("reconnect")
        await self._gateway.authenticate(before_ready=True)
        if self._cancel_on_disconnect:
            await self._ask_to_cancel()
        for channel in CHANNELS:
            await self._connection.request("subscribe", {"channel": channel}, before_ready=True)
        if self._gap_since_ms is not None:
            # Subscribed first, asked afterwards: nothing falls between the two.
            self._recovery.start_recovering(self._gap_since_ms)

    async def _ask_to_cancel(self) -> None:
        """Arm cancel on disconnect; the venue keeps it for this connection alone."""
        method = "order.cancel_on_disconnect"
        try:
            await self._connection.request(method, {"enabled": True}, before_ready=True)
        except RpcRefused as error:
            # Orders would rest unwatched that the user wants gone: rather no connection.
            reason = f"Paradex refuses it: {error.message}"
            raise ConfigurationError("cancel_on_disconnect", reason) from error

    def _on_caught_up(self, is_whole: bool) -> None:
        if is_whole:
            self._gap_since_ms = None
        self.book.release("reconnect")

    def _on_disconnected(self, reason: str) -> None:
        # What is being caught up on ends before the gap that opens now.
        self._recovery.stop_recovering()
        if self._gap_since_ms is None:
            self._gap_since_ms = self._venue_now_ms()

    def _venue_now_ms(self) -> int:
        return self._clock_ns() // 1_000_000 + self._tokens.clock_offset_ms
