"""Algo orders: one size, traded in market orders of its own over a time (TWAP).

A child is an order of the account like any other, but for its retail flag and for having no client
id; nothing in it names the algo order it belongs to. What the venue leaves open is decided so: the
first child goes at once, each further one after the interval; what a child left untraded is added
to the next; a child that is refused ends the algo order for the same reason; and so does the time,
as ``EXPIRED``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal, localcontext
from typing import Final

from paradex_adapter.local_exchange.accounts import Account
from paradex_adapter.local_exchange.amounts import MONEY, ZERO, amount_text, average
from paradex_adapter.local_exchange.engine import Engine
from paradex_adapter.local_exchange.errors import VenueError
from paradex_adapter.local_exchange.gateway import Gateway
from paradex_adapter.local_exchange.markets import Market
from paradex_adapter.local_exchange.order_requests import OrderRequest, parse_order_request
from paradex_adapter.local_exchange.orders import Order
from paradex_adapter.local_exchange.outcomes import OutcomeQueue
from paradex_adapter.local_exchange.sequences import Clock, Identifiers
from paradex_adapter.local_exchange.tokens import Session

TWAP: Final = "TWAP"
DURATION_STEP_SECS: Final = 30
DURATION_MAX_SECS: Final = 86_400
INTERVAL_DEFAULT_SECS: Final = 30
OPEN_MAX: Final = 100
KEPT_MAX: Final = 10_000
_MS_PER_SEC: Final = 1000
#: Fields an algo order shares with the market order it is signed as.
_SHARED: Final = (
    "market",
    "side",
    "type",
    "size",
    "signature",
    "signature_timestamp",
    "recv_window",
    "on_behalf_of_account",
    "dime_discount",
)
#: Why a market order ends that traded as far as it could: reasons to go on, unlike a refusal.
_TRADED_OUT: Final = (
    "",
    "REMAINING_IOC_CANCEL",
    "EMPTY_MARKET",
    "EXCEEDS_MAX_SLIPPAGE",
    "SELF_TRADE",
)


@dataclass(frozen=True, slots=True)
class AlgoRequest:
    """What is asked for: the market order it is signed as, and the time it may take."""

    order: OrderRequest
    duration_secs: int
    interval_secs: int

    @property
    def children(self) -> int:
        """How many children there are in all."""
        return self.duration_secs // self.interval_secs


@dataclass(slots=True, eq=False)
class AlgoOrder:
    """One algo order in the venue's books. Sizes in base units, times in ms unless named."""

    ordinal: int
    id: str
    account: Account
    request: AlgoRequest
    created_at: int
    last_updated_at: int
    status: str = "NEW"
    cancel_reason: str = ""
    #: Children sent so far, and what of them is not settled yet.
    sent: int = 0
    in_flight: Decimal = ZERO
    filled: Decimal = ZERO
    filled_notional: Decimal = ZERO

    @property
    def order(self) -> OrderRequest:
        """The market order it is signed as."""
        return self.request.order

    @property
    def end_at(self) -> int:
        """When its time is over."""
        return self.created_at + self.request.duration_secs * _MS_PER_SEC

    def due(self, now_ms: int) -> int:
        """Return how many children should have been sent by now."""
        passed = (now_ms - self.created_at) // (self.request.interval_secs * _MS_PER_SEC)
        return min(self.request.children, 1 + passed)

    def size_of_child(self, number: int, step: Decimal) -> Decimal:
        """Return the size that brings the whole to where it should be after so many children."""
        target = self.order.size * number / self.request.children
        on_step = (target / step).to_integral_value(ROUND_DOWN) * step
        return max(ZERO, on_step - self.filled - self.in_flight)

    def searched(self) -> dict[str, str]:
        """Return what the history is searched by; a client id no algo order has."""
        order = self.order
        return {
            "market": order.market,
            "side": order.side,
            "type": order.type,
            "status": self.status,
            "client_id": order.client_id,
        }

    def response(self) -> dict[str, object]:
        """Return the algo order as REST shows it."""
        filled = self.filled
        return {
            "id": self.id,
            "account": self.account.address,
            "algo_type": TWAP,
            "market": self.order.market,
            "side": self.order.side,
            "size": amount_text(self.order.size),
            "remaining_size": amount_text(self.order.size - filled),
            "avg_fill_price": amount_text(average(self.filled_notional, filled)) if filled else "",
            "status": self.status,
            "cancel_reason": self.cancel_reason,
            "algo_params": {"interval_seconds": str(self.request.interval_secs)},
            "created_at": self.created_at,
            "last_updated_at": self.last_updated_at,
            "end_at": self.end_at,
        }


def parse_algo_request(body: object) -> AlgoRequest:
    """Check the form of a request for an algo order.

    Raises
    ------
    VenueError
        ``BINDING_ERROR`` or ``VALIDATION_ERROR``, or the word for what is wrong with the order.
    """
    if not isinstance(body, dict):
        raise VenueError("BINDING_ERROR", "request body: expected a JSON object")
    if body.get("algo_type") != TWAP:
        raise VenueError("VALIDATION_ERROR", f"algo_type: must be {TWAP}")
    if body.get("type") != "MARKET":
        raise VenueError("VALIDATION_ERROR", "type: must be MARKET")
    shared = {name: body[name] for name in _SHARED if name in body}
    order = parse_order_request({**shared, "price": "0", "instruction": "IOC"})
    duration_secs = _seconds(body.get("duration_seconds"), "duration_seconds", DURATION_MAX_SECS)
    if duration_secs % DURATION_STEP_SECS:
        raise VenueError(
            "VALIDATION_ERROR", f"duration_seconds: must be a multiple of {DURATION_STEP_SECS}"
        )
    interval_secs = _seconds(
        body.get("frequency", INTERVAL_DEFAULT_SECS), "frequency", duration_secs
    )
    return AlgoRequest(order, duration_secs, interval_secs)


def _seconds(value: object, field: str, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise VenueError("BINDING_ERROR", f"{field}: expected an integer")
    if not DURATION_STEP_SECS <= value <= most:
        raise VenueError("VALIDATION_ERROR", f"{field}: must be {DURATION_STEP_SECS} to {most}")
    return value


class AlgoOrders:
    """Takes algo orders and sends their children."""

    def __init__(
        self,
        gateway: Gateway,
        engine: Engine,
        markets: dict[str, Market],
        clock: Clock,
        outcomes: OutcomeQueue,
        seed: int,
    ) -> None:
        self._gateway = gateway
        self._engine = engine
        self._markets = markets
        self._clock = clock
        self._outcomes = outcomes
        self._ids = Identifiers(seed, "algo orders")
        self._count = 0
        self._all: dict[str, AlgoOrder] = {}
        self._open: dict[str, AlgoOrder] = {}

    # --- Commands -----------------------------------------------------------------------------

    def place(self, session: Session, body: object) -> AlgoOrder:
        """Take an algo order; its first child follows.

        Raises
        ------
        VenueError
            With the venue's word for the first thing wrong.
        """
        request = parse_algo_request(body)
        account = self._gateway.check_total(session, request.order, request.children)
        if len(self.open_of(account)) >= OPEN_MAX:
            raise VenueError("VALIDATION_ERROR", "too many open algo orders")
        now_ms = self._clock.now_ms()
        self._count += 1
        algo = AlgoOrder(
            ordinal=self._count,
            id=self._ids.next(),
            account=account,
            request=request,
            created_at=now_ms,
            last_updated_at=now_ms,
        )
        self._all[algo.id] = self._open[algo.id] = algo
        self._forget()
        self._outcomes.put(lambda: self._send(algo, 1))
        return algo

    def find(self, account: Account, algo_id: str) -> AlgoOrder:
        """Return an algo order of an account, or of its isolated ones, that is not closed.

        Raises
        ------
        VenueError
            ``ALGO_ID_NOT_FOUND``.
        """
        algo = self._open.get(algo_id)
        owners = (account, *(isolated for isolated, _ in account.isolated.values()))
        if algo is None or algo.account not in owners:
            raise VenueError("ALGO_ID_NOT_FOUND", "algo id not found", 404)
        return algo

    def cancel(self, algo: AlgoOrder) -> None:
        """Queue a cancel; a child on its way still trades."""
        self._outcomes.put(lambda: self._close(algo, "USER_CANCELED"))

    def open_of(self, account: Account) -> list[AlgoOrder]:
        """Return an account's algo orders that are not closed, oldest first."""
        return [algo for algo in self._open.values() if algo.account is account]

    def all_of(self, account: Account) -> Iterable[AlgoOrder]:
        """Return an account's algo orders, newest first."""
        return (algo for algo in reversed(self._all.values()) if algo.account is account)

    # --- Their time ---------------------------------------------------------------------------

    def run_due(self) -> None:
        """Send the children that are due, and end what is over."""
        now_ms = self._clock.now_ms()
        for algo in list(self._open.values()):
            if now_ms >= algo.end_at:
                self._close(algo, "EXPIRED")
            elif algo.status == "OPEN" and algo.due(now_ms) > algo.sent:
                self._send(algo, algo.due(now_ms))

    def step(self) -> None:
        """Send the next child of every open algo order now; end those that have sent all."""
        for algo in list(self._open.values()):
            if algo.sent < algo.request.children:
                self._send(algo, algo.sent + 1)
            else:
                self._close(algo, "EXPIRED")

    def _send(self, algo: AlgoOrder, number: int) -> None:
        market = self._markets[algo.order.market]
        if algo.status == "CLOSED":
            return
        if not market.is_listed:
            self._close(algo, "ASSET_UNAVAILABLE")
            return
        algo.status, algo.last_updated_at = "OPEN", self._clock.now_ms()
        if self._gateway.system_state != "ok":
            # It is sent when orders are taken again.
            return
        with localcontext(MONEY):
            size = algo.size_of_child(number, market.rules.step)
        algo.sent = max(algo.sent, number)
        if not size:
            return
        child = self._gateway.new_order(algo.account, algo.order)
        child.size = child.remaining = size
        child.is_interactive = True
        algo.in_flight += size
        self._gateway.keep(algo.account, child)
        self._outcomes.put(self._outcome(algo, child))

    def _outcome(self, algo: AlgoOrder, child: Order) -> Callable[[], None]:
        def run() -> None:
            self._engine.process(child)
            with localcontext(MONEY):
                self._settle(algo, child)

        return run

    def _settle(self, algo: AlgoOrder, child: Order) -> None:
        algo.in_flight -= child.size
        algo.filled += child.filled
        algo.filled_notional += child.filled_notional
        algo.last_updated_at = self._clock.now_ms()
        if algo.filled == algo.order.size:
            self._close(algo, "")
        elif child.cancel_reason not in _TRADED_OUT:
            self._close(algo, child.cancel_reason)

    def _close(self, algo: AlgoOrder, reason: str) -> None:
        if self._open.pop(algo.id, None) is not None:
            algo.status, algo.cancel_reason = "CLOSED", reason
            algo.last_updated_at = self._clock.now_ms()

    def _forget(self) -> None:
        while len(self._all) > KEPT_MAX:
            oldest = next((algo for algo in self._all.values() if algo.status == "CLOSED"), None)
            if oldest is None:
                return
            del self._all[oldest.id]
