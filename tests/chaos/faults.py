"""Everything that can go wrong at the venue and on the way to it, at random."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from random import Random

from paradex_adapter.local_exchange import LocalExchange
from paradex_adapter.local_exchange.errors import VenueError

MARKETS = ["BTC-USD-PERP", "BTC-USD-PERP", "ETH-USD-PERP"]
LOST = [
    *("order.create", "order.create_batch", "order.modify", "order.cancel", "order.cancel_batch"),
    *("/v1/orders", "/v1/orders/batch", "/v1/fills", "/v1/positions"),
]
REFUSED_READS = ["/v1/fills", "/v1/orders", "/v1/orders-history", "/v1/account", "/v1/balance"]
REFUSED_METHODS = ["order.create", "order.create_batch", "order.modify", "order.cancel"]
CANCEL_REASONS = ["USER_CANCELED", "EXPIRED", "DELEVERAGE", "MMP_TRIGGERED"]
INTERNAL_ERROR = -32603
# How long what blocks everything lasts at most.
BLOCKED_SECS_MAX = 0.4


class RandomFaults:
    """Lets the venue, other clients and the network do what they like.

    Parameters
    ----------
    exchange : LocalExchange
        The venue.
    rng : Random
        Chooses.
    """

    def __init__(self, exchange: LocalExchange, rng: Random) -> None:
        self.exchange = exchange
        self.rng = rng
        self._timers: list[asyncio.TimerHandle] = []
        # Names that stand twice happen twice as often.
        self.network = [
            *(self.drop, self.drop, self.refuse_connections, self.lose_a_response),
            *(self.lose_a_response, self.lose_a_response, self.delay, self.refuse_a_read),
            *(self.refuse_a_command, exchange.expire_tokens),
        ]
        self.venue = [
            *(self.fill_an_order, self.fill_an_order, self.cancel_an_order, self.trade_as_another),
            *(self.move_the_mark, exchange.duplicate_next_fill, exchange.duplicate_next_fill),
            *(self.hold_outcomes, self.hold_outcomes, self.change_system_state),
            *(self.liquidate, exchange.deleverage),
        ]

    def strike(self) -> None:
        """Let one thing happen."""
        self.rng.choice(self.rng.choice([self.network, self.venue]))()

    def go_on_without_a_client(self) -> None:
        """Let some things happen while nobody listens."""
        for _ in range(self.rng.randint(0, 10)):
            self.rng.choice([self.fill_an_order, self.cancel_an_order, self.trade_as_another])()

    def clear(self) -> None:
        """Let everything be well."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        exchange = self.exchange
        exchange.refuse_connections(False)
        exchange.delay_responses(0)
        exchange._faults._lost.clear()
        exchange._faults._failures.clear()
        exchange.set_system_state("ok")
        exchange.end_liquidation()
        exchange.release_outcomes()

    def _later(self, undo: Callable[[], None]) -> None:
        secs = self.rng.uniform(0.01, BLOCKED_SECS_MAX)
        self._timers.append(asyncio.get_running_loop().call_later(secs, undo))

    # -- the network ------------------------------------------------------------------------------

    def drop(self) -> None:
        self.exchange.drop_connections(self.rng.choice(["private", "private", "public", "http"]))

    def refuse_connections(self) -> None:
        self.exchange.refuse_connections()
        self.exchange.drop_connections(self.rng.choice(["private", "public", "http", None]))
        self._later(lambda: self.exchange.refuse_connections(False))

    def lose_a_response(self) -> None:
        self.exchange.lose_next_response(self.rng.choice(LOST))

    def delay(self) -> None:
        self.exchange.delay_responses(self.rng.choice([0, 20, 80, 200]))
        self._later(lambda: self.exchange.delay_responses(0))

    def refuse_a_read(self) -> None:
        method = self.rng.choice(["GET", "GET", "POST", "DELETE", "PUT"])
        status = self.rng.choice([429, 500, 503])
        self.exchange.fail_next(method, self.rng.choice(REFUSED_READS), status)

    def refuse_a_command(self) -> None:
        method = self.rng.choice(REFUSED_METHODS)
        self.exchange.fail_next("RPC", method, INTERNAL_ERROR, "Internal error")

    # -- the venue and other clients --------------------------------------------------------------

    def fill_an_order(self) -> None:
        resting = [row for row in self.exchange.orders() if row["status"] == "OPEN"]
        if not resting:
            return
        row = self.rng.choice(resting)
        remaining = Decimal(row["remaining_size"])
        part = (remaining * self.rng.randint(1, 4) / 4).quantize(Decimal("0.00001"))
        if row["market"].startswith("ETH"):
            part = (remaining * self.rng.randint(1, 4) / 4).quantize(Decimal("0.0001"))
        if 0 < part <= remaining:
            self.exchange.fill_order(row["id"], part)

    def cancel_an_order(self) -> None:
        rows = [row for row in self.exchange.orders() if row["status"] != "CLOSED"]
        if rows:
            self.exchange.cancel_order(self.rng.choice(rows)["id"], self.rng.choice(CANCEL_REASONS))

    def trade_as_another(self) -> None:
        """Order on the same account, as another client of it."""
        market = self.rng.choice(MARKETS)
        book = self.exchange.order_book(market)
        side = self.rng.choice(["BUY", "SELL"])
        levels = book[self.rng.choice(["bids", "asks"])]
        price = self.rng.choice(["0", levels[0][0]]) if levels else "0"
        size = self.rng.choice(["0.004", "0.01", "0.03"])
        client_id = self.rng.choice(["", f"another-{self.rng.randrange(10**9)}"])
        # The venue may be in no state to take it.
        with suppress(VenueError):
            self.exchange.place_order(side, size, price, market=market, client_id=client_id)

    def move_the_mark(self) -> None:
        market = self.rng.choice(MARKETS)
        mark = Decimal(self.exchange._markets[market].mark_price)
        parts = Decimal(self.rng.choice([-40, -10, -3, 3, 10, 40])) / 10_000
        self.exchange.set_mark_price(market, (mark * (1 + parts)).quantize(Decimal("0.01")))

    def hold_outcomes(self) -> None:
        self.exchange.hold_outcomes()
        self._later(self.exchange.release_outcomes)

    def change_system_state(self) -> None:
        self.exchange.set_system_state(self.rng.choice(["maintenance", "cancel_only", "post_only"]))
        self._later(lambda: self.exchange.set_system_state("ok"))

    def liquidate(self) -> None:
        share = Decimal(self.rng.choice(["0.2", "0.5", "1"]))
        self.exchange.liquidate(share=share, is_ended=False)
        self._later(self.exchange.end_liquidation)
