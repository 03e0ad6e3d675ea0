"""What a test does from within: reads the books, makes the market, asks for faults."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from paradex_adapter.local_exchange.account_controls import AccountControls
from paradex_adapter.local_exchange.accounts import Account
from paradex_adapter.local_exchange.amounts import is_multiple
from paradex_adapter.local_exchange.engine import Engine
from paradex_adapter.local_exchange.faults import Failure, Faults
from paradex_adapter.local_exchange.feed import Feed, position_response
from paradex_adapter.local_exchange.gateway import Gateway
from paradex_adapter.local_exchange.http_server import HttpServer
from paradex_adapter.local_exchange.internal_orders import InternalOrders
from paradex_adapter.local_exchange.market_controls import MarketControls
from paradex_adapter.local_exchange.markets import Market
from paradex_adapter.local_exchange.options import Options
from paradex_adapter.local_exchange.outcomes import OutcomeQueue
from paradex_adapter.local_exchange.sequences import Clock
from paradex_adapter.local_exchange.tokens import Tokens
from paradex_adapter.local_exchange.trader_controls import TraderControls
from paradex_adapter.local_exchange.websocket import WebsocketServer

SYSTEM_STATES: Final = ("ok", "maintenance", "cancel_only", "post_only")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class TradingKey:
    """An account address (hex text) and a key that trades it (integers)."""

    account_address: str
    private_key: int = field(repr=False)
    public_key: int


class Controls(MarketControls, AccountControls, TraderControls):
    """The inside of a local exchange; `LocalExchange` puts the parts together."""

    options: Options
    _main: TradingKey
    _clock: Clock
    _accounts: dict[str, Account]
    _markets: dict[str, Market]
    _engine: Engine
    _gateway: Gateway
    _tokens: Tokens
    _feed: Feed
    _faults: Faults
    _outcomes: OutcomeQueue
    _internal: InternalOrders
    _makers: Account
    _takers: Account
    _http: HttpServer
    _websocket: WebsocketServer

    def _account(self, address: str | None) -> Account:
        key = self._main.account_address if address is None else hex(int(address, 16))
        if key not in self._accounts:
            raise ValueError(f"no account {address}")
        return self._accounts[key]

    # --- Books and records --------------------------------------------------------------------

    def received_order(self, client_order_id: str) -> Json | None:
        """Return the last order request that came in under a client id, as it came in."""
        return self._gateway.received(client_order_id)

    def orders(self, account_address: str | None = None) -> list[Json]:
        """Return every order of an account, oldest first, as REST shows it."""
        now_ms = self._clock.now_ms()
        return [order.response(now_ms) for order in self._account(account_address).orders.values()]

    def fills(self, account_address: str | None = None) -> list[Json]:
        """Return every fill of an account, oldest first, as REST shows it."""
        return [fill.response() for fill in self._account(account_address).fills]

    def positions(self, account_address: str | None = None) -> list[Json]:
        """Return the positions of an account, closed ones included, as REST shows them."""
        return [
            position_response(position, self._markets[symbol], self.options.usdc_price)
            for symbol, position in self._account(account_address).positions.items()
        ]

    def balances(self, account_address: str | None = None) -> list[Json]:
        """Return the balances of an account as REST shows them."""
        account = self._account(account_address)
        tokens = account.tokens_response(self._markets)
        return [account.balance_response(self.options.usdc_price), *tokens]

    def account_summary(self, account_address: str | None = None) -> Json:
        """Return the summary of an account as REST shows it."""
        return self._account(account_address).summary_response(self._markets)

    def order_book(self, market: str, depth: int = 20) -> Json:
        """Return a book as REST shows it."""
        return self._markets[market].book_response(depth)

    # --- Making the market --------------------------------------------------------------------

    def place_liquidity(
        self, market: str, side: str, price: Decimal | str, size: Decimal | str
    ) -> str:
        """Rest an order of the exchange's own maker and return its id; it may trade at once.

        Raises
        ------
        ValueError
            When price or size lie off the market's grid.
        """
        listed, at, amount = self._markets[market], Decimal(price), Decimal(size)
        is_on_grid = is_multiple(at, listed.rules.tick) and is_multiple(amount, listed.rules.step)
        if not is_on_grid or at <= 0 or amount <= 0:
            raise ValueError(f"{amount} at {at} lies off the grid of {market}")
        return self._internal.limit(self._makers, listed, side, at, amount).id

    def take_liquidity(self, market: str, side: str, size: Decimal | str) -> str:
        """Trade at the market with the exchange's own taker and return the order's id."""
        return self._internal.take(self._takers, self._markets[market], side, Decimal(size)).id

    def cancel_liquidity(self, market: str | None = None) -> None:
        """Cancel what the exchange's own maker has resting."""
        for order in list(self._makers.open_orders.values()):
            if market in (None, order.market):
                self._internal.cancel(order)

    def print_trade(
        self,
        market: str,
        side: str,
        price: Decimal | str,
        size: Decimal | str,
        trade_type: str = "FILL",
    ) -> str:
        """Publish a trade that happened beside the book and return its id."""
        return self._engine.print_trade(
            self._markets[market], side, Decimal(price), Decimal(size), trade_type
        ).id

    def set_mark_price(self, market: str, price: Decimal | str) -> None:
        """Set a market's mark price; a running simulation moves it on.

        The options on a perpetual follow its price, except those whose own price was set.
        """
        marked = self._markets[market]
        marked.is_marked = True
        marked.move_mark(Decimal(price))
        for option in self._markets.values():
            if option.underlying is marked:
                option.reprice(self._clock.now_ms())

    def set_funding_index(self, market: str, index: Decimal | str) -> None:
        """Set a market's funding index; positions accrue what it moved times their size."""
        self._markets[market].funding_index = Decimal(index)

    # --- Faults -------------------------------------------------------------------------------

    def set_system_state(self, state: str) -> None:
        """Set what ``GET /system/state`` says, and what orders are taken accordingly."""
        if state not in SYSTEM_STATES:
            raise ValueError(f"state must be one of {', '.join(SYSTEM_STATES)}")
        self._gateway.system_state = state
        self._engine.pause_triggers(state != "ok")

    def set_clock_offset(self, offset_ms: int) -> None:
        """Set how far the venue's clock is ahead of this machine's."""
        self._clock.offset_ms = offset_ms

    def drop_connections(self, kind: str | None = None) -> int:
        """Cut the ``public`` (SBE), ``private`` (authenticated), ``http`` or all websockets."""
        if kind == "http":
            self._http.drop_http()
            return 0
        connections = self._websocket.of_kind(kind)
        for connection in connections:
            connection.abort()
        return len(connections)

    def refuse_connections(self, is_refusing: bool = True) -> None:
        """Refuse new connections at the socket, or take them again; open ones stay."""
        self._http.refuse(is_refusing)

    def skip_book_seq(self, market: str) -> None:
        """Lose the next delta of a market's book."""
        self._feed.skip_next_delta(market)

    def expire_tokens(self) -> None:
        """Let every access token issued so far be expired."""
        self._tokens.expire_all()

    def delay_responses(self, delay_ms: int) -> None:
        """Act on requests at once but answer them this much later; 0 ends it."""
        self._faults.response_delay_secs = delay_ms / 1000

    def fail_next(
        self,
        method: str,
        path_prefix: str,
        status: int,
        body: Json | str | None = None,
        count: int = 1,
    ) -> None:
        """Refuse the next requests without acting on them.

        ``path_prefix`` begins with ``/v1``. With method ``RPC`` it is a JSON-RPC method, ``status``
        the error code and ``body`` its message. Method ``WS`` is the upgrade of ``/v1``.
        """
        self._faults.fail_next(Failure(method, path_prefix, status, body or {}, count))

    def lose_next_response(self, prefix: str) -> None:
        """Act on the next request to a path or JSON-RPC method, then close without a reply."""
        self._faults.lose_next_response(prefix)

    def hold_outcomes(self) -> None:
        """Let accepted orders and cancels wait."""
        self._outcomes.hold()

    def release_outcomes(self) -> None:
        """Let what waited happen."""
        self._outcomes.release()

    def duplicate_next_fill(self) -> None:
        """Send the next fill frame of a listening account twice."""
        self._feed.double_next_fill()

    def lose_pushes(self, *families: str) -> None:
        """Lose what accounts are told on channels of these families, such as ``fills``; none: end.

        REST shows it as ever.
        """
        self._feed.lose_pushes(families)

    def hold_pushes(self) -> None:
        """Let what accounts are told on their channels wait; replies and REST do not."""
        self._feed.hold_pushes()

    def release_pushes(self) -> None:
        """Send what waited, in order; that to connections gone meanwhile is lost."""
        self._feed.release_pushes()

    def send_raw(self, data: str | bytes, kind: str | None = None) -> None:
        """Send a frame of the test's own making to the websockets of a kind."""
        for connection in self._websocket.of_kind(kind):
            connection.send(data)
