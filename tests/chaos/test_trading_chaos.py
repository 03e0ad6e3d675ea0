"""Seconds of trading in which everything goes wrong; at the end the books agree to the cent.

Connections drop, replies get lost or late, fills come twice, tokens expire, reads fail; another
hand trades the same account. The seed fixes what is done, the clock decides when.
"""

import asyncio
import random
from typing import Any

import pytest
from nautilus_trader.model.enums import OrderSide, TimeInForce

from paradex_adapter.local_exchange import LocalExchange
from paradex_adapter.venue.errors import ParadexError
from paradex_adapter_core.vocabulary import SIDE_BUY, SIDE_SELL
from tests.integration.test_reconciliation import OtherHand, other_hand
from tests.integration.trading_node import BTC, RunningNode, running_node, until

MARKET = "BTC-USD-PERP"
TRADING_SECS = 4.0
ENDS = ("OrderCanceled", "OrderRejected", "OrderExpired")


class Turmoil:
    """Trades and breaks things at random."""

    def __init__(self, run: RunningNode, hand: OtherHand | None, seed: int) -> None:
        self.run = run
        self.hand = hand
        self.exchange = run.exchange
        self.trader = run.trader
        self.rng = random.Random(seed)
        self.orders: list[Any] = []

    async def rage(self) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + TRADING_SECS
        steps = [self.trade] * 6 + [self.cancel] * 2 + [self.break_something] * 2
        while loop.time() < end:
            await self.rng.choice(steps)()
            await asyncio.sleep(self.rng.choice([0, 0.005, 0.02, 0.05]))

    async def trade(self) -> None:
        side = self.rng.choice([OrderSide.BUY, OrderSide.SELL])
        away = -1 if side == OrderSide.BUY else 1
        size = f"{self.rng.randint(1, 20) / 1000:.3f}"
        kind = self.rng.randrange(4 if self.hand is None else 5)
        if kind == 0:
            self.orders.append(self.trader.market(side, size))
        elif kind == 1:
            price = self.price(-away * 5)
            self.orders.append(self.trader.limit(side, size, price, time_in_force=TimeInForce.IOC))
        elif kind < 4:
            price = self.price(away * self.rng.choice([-3, 0.5, 2, 10, 40]))
            is_post_only = self.rng.random() < 0.4
            self.orders.append(self.trader.limit(side, size, price, post_only=is_post_only))
        elif self.hand is not None:
            try:
                code = SIDE_BUY if side == OrderSide.BUY else SIDE_SELL
                await self.hand.send(code, "0.004", self.rng.choice([None, self.price(away * 3)]))
            except ParadexError:
                pass  # A fault meant for the node met the other hand.

    async def cancel(self) -> None:
        recent = [order for order in self.orders[-20:] if order.is_open]
        if recent and self.rng.random() < 0.7:
            self.trader.cancel_order(self.rng.choice(recent))
        else:
            self.trader.cancel_all_orders(BTC, self.rng.choice([OrderSide.BUY, OrderSide.SELL]))

    async def break_something(self) -> None:
        exchange, rng = self.exchange, self.rng
        rng.choice(
            [
                lambda: exchange.drop_connections("private"),
                lambda: exchange.lose_next_response("order.create"),
                lambda: exchange.lose_next_response("order.cancel"),
                lambda: exchange.lose_next_response("/v1/orders"),
                exchange.duplicate_next_fill,
                exchange.expire_tokens,
                lambda: exchange.delay_responses(rng.choice([0, 30, 80])),
                lambda: exchange.fail_next("GET", "/v1/fills", 503),
                lambda: exchange.fail_next("GET", "/v1/orders", 503),
                lambda: self.orders and self.trader.query_order(rng.choice(self.orders)),
            ]
        )()

    def price(self, offset: float) -> str:
        book = self.exchange.order_book(MARKET)
        middle = (float(book["bids"][0][0]) + float(book["asks"][0][0])) / 2
        return f"{middle + offset:.1f}"

    async def calm_down(self) -> None:
        self.exchange.delay_responses(0)
        self.exchange._faults._lost.clear()
        self.exchange._faults._failures.clear()
        await until(lambda: not any(order.is_inflight for order in self.orders), "all answered")
        for order in self.orders:
            if order.is_open:
                self.trader.cancel_order(order)
        await until(lambda: all(order.is_closed for order in self.orders), "all closed")


@pytest.mark.parametrize(("seed", "has_other_hand"), [(1, False), (2, False), (3, True)])
async def test_the_books_agree_whatever_happens(seed: int, has_other_hand: bool) -> None:
    # The engine's own checks are at work as well.
    engine = {"inflight_check_interval_ms": 500, "reconciliation_startup_delay_secs": 0}
    async with (
        LocalExchange(seed=seed, simulation_interval_ms=20) as exchange,
        running_node(exchange, recv_window_ms=2_000, engine=engine) as run,
        other_hand(exchange) as hand,
    ):
        turmoil = Turmoil(run, hand if has_other_hand else None, seed)
        await turmoil.rage()
        await turmoil.calm_down()
        await run.until_agreed()
        assert len(exchange.fills()) > 10
        for order in turmoil.orders:
            told = run.trader.told_of(order)
            assert told.count("OrderAccepted") <= 1, told
            assert sum(told.count(end) for end in ENDS) <= 1, told
