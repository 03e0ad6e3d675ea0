"""However the mark price moves, an order of the local exchange is triggered once and rightly."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from paradex_adapter.local_exchange.orders import Order
from tests.unit.local_exchange.engine_bench import Bench

D = Decimal
KINDS = (
    "STOP_MARKET",
    "STOP_LIMIT",
    "STOP_LOSS_MARKET",
    "STOP_LOSS_LIMIT",
    "TAKE_PROFIT_MARKET",
    "TAKE_PROFIT_LIMIT",
)
STEPS_MAX = 40

prices = st.integers(-20, 20).map(lambda count: D(90000 + 50 * count))
sides = st.sampled_from(["BUY", "SELL"])
sizes = st.integers(1, 20).map(lambda count: count * D("0.05"))
placed = st.tuples(st.just("place"), st.sampled_from(KINDS), sides, sizes, prices, prices)
bought = st.tuples(st.just("take"), sides, sizes)
moved = st.tuples(st.just("mark"), prices)
changed = st.tuples(st.just("change"), st.integers(0, STEPS_MAX), sizes, prices)
canceled = st.tuples(st.just("cancel"), st.integers(0, STEPS_MAX))
paused = st.tuples(st.just("pause"), st.booleans())
steps = st.lists(
    st.one_of(placed, placed, bought, moved, moved, changed, canceled, paused),
    min_size=12,
    max_size=STEPS_MAX,
)


class Watch:
    """Plays steps on a bench and checks after each what must hold."""

    def __init__(self) -> None:
        self.bench = Bench(cash="10000000")
        self.orders: list[Order] = []
        self.is_paused = False
        self._told = 0
        self._states: dict[str, list[str]] = {}
        for away in (10, 500, 2000):
            self.bench.order("0xc", "BUY", "3", 90000 - away)
            self.bench.order("0xc", "SELL", "3", 90000 + away)
        self.bench.order("0xa", "BUY", "0.5")

    def play(self, name: str, *args: object) -> None:
        sizes_before = {order.id: order.filled for order in self.orders}
        held_before = self.bench.held("0xa")
        getattr(self, f"_{name}")(*args)
        self._check_states()
        self._check_waiting()
        self._check_closing(name, sizes_before, held_before)

    def _place(self, kind: str, side: str, size: Decimal, price: Decimal, trigger: Decimal) -> None:
        limit = D(0) if kind.endswith("MARKET") else price
        held = self.bench.held("0xa")
        if held and not kind.startswith("STOP_M"):
            # Most that close are placed where there is something to close.
            side = "SELL" if held > 0 else "BUY"
        order = self.bench.order("0xa", side, size, limit, kind=kind, trigger=trigger)
        self.orders.append(order)

    def _take(self, side: str, size: Decimal) -> None:
        self.bench.order("0xa", side, size)

    def _mark(self, price: Decimal) -> None:
        self.bench.mark(price)

    def _change(self, which: int, size: Decimal, trigger: Decimal) -> None:
        if self.orders:
            order = self.orders[which % len(self.orders)]
            self.bench.modify(order, size, order.price, trigger)

    def _cancel(self, which: int) -> None:
        if self.orders:
            self.bench.engine.cancel(self.orders[which % len(self.orders)], "USER_CANCELED")

    def _pause(self, is_paused: bool) -> None:
        self.is_paused = is_paused
        self.bench.engine.pause_triggers(is_paused)

    def _check_states(self) -> None:
        waiting_kinds = {order.id for order in self.orders}
        for order_id, status, _, _ in self.bench.heard.orders[self._told :]:
            states = self._states.setdefault(order_id, [])
            last = states[-1] if states else ""
            assert last != "CLOSED" or status == "CLOSED"
            if status == "NEW":
                # Only a trigger makes an order new again: once, and never in a pause.
                assert "NEW" not in states
                assert not self.is_paused
            if status == "UNTRIGGERED":
                assert last in ("", "UNTRIGGERED")
            elif status == "OPEN" and order_id in waiting_kinds:
                assert "NEW" in states
            states.append(status)
        self._told = len(self.bench.heard.orders)

    def _check_waiting(self) -> None:
        mark, held = self.bench.market.mark_price, self.bench.held("0xa")
        for order in self.orders:
            if order.status != "UNTRIGGERED":
                continue
            assert not order.filled
            assert self.is_paused or not order.is_due(mark)
            if order.is_closing:
                assert held < 0 if order.side == "BUY" else held > 0

    def _check_closing(
        self, name: str, sizes_before: dict[str, Decimal], held_before: Decimal
    ) -> None:
        """Orders that close never open, nor turn a position around."""
        grown = {order for order in self.orders if order.filled > sizes_before.get(order.id, 0)}
        if grown and name != "take" and all(order.is_closing for order in grown):
            held = self.bench.held("0xa")
            assert abs(held) <= abs(held_before)
            assert held * held_before >= 0
        for order in self.orders:
            assert order.remaining >= 0
            assert order.status == "CLOSED" or order.remaining > 0


@settings(max_examples=300)
@given(steps)
def test_orders_are_triggered_once_rightly_and_never_in_a_pause(
    played: list[tuple[object, ...]],
) -> None:
    watch = Watch()
    for name, *args in played:
        watch.play(str(name), *args)
    watch.play("pause", False)
    fills = watch.bench.heard.fills
    for order in watch.orders:
        assert order.filled == sum((f.size for f in fills if f.order_id == order.id), D(0))
