"""Whatever clients and the venue do to accounts, in whatever order, the books add up."""

from collections import defaultdict
from decimal import Decimal
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from paradex_adapter.local_exchange.accounts import Account, Fill
from paradex_adapter.local_exchange.markets import SETTLEMENT_FEE, TAKER_FEE
from paradex_adapter.local_exchange.orders import Order
from tests.unit.local_exchange.engine_bench import SEED, SYMBOL, Bench

CASH = Decimal(100_000)
HOUSE_CASH = Decimal(10**9)
STEP = Decimal("0.00001")
TICK = Decimal("0.1")
ZERO = Decimal(0)
STEPS_MAX = 40

KINDS = (
    *("order",) * 10,
    *("bust",) * 4,
    *("fund", "beside") * 2,
    *("cancel", "liquidate", "deleverage", "transfer", "mark", "settle"),
)


class Step(NamedTuple):
    """Something done: what, and what it may need."""

    kind: str
    account: str
    other: str
    side: str
    size: Decimal
    price: Decimal
    number: int


accounts = st.sampled_from(["0xa", "0xb", "0xc"])
steps = st.builds(
    Step,
    kind=st.sampled_from(KINDS),
    account=accounts,
    other=accounts,
    side=st.sampled_from(["BUY", "SELL"]),
    size=st.integers(1, 30).map(lambda count: count * 777 * STEP),
    price=st.integers(-2, 2).map(lambda ticks: 90000 + ticks * TICK),
    number=st.integers(1, 500),
)


class Scene:
    """A bench with a house, and what was done on it so far."""

    def __init__(self) -> None:
        self.bench = Bench()
        self.house = self.bench.accounts["0xf"] = Account(
            "0xf", 1, HOUSE_CASH, SEED, 0, label="0xf"
        )
        self.house.is_recorded = False
        self.placed: list[Order] = []
        self.transferred: dict[str, Decimal] = defaultdict(Decimal)
        self.busted: list[Fill] = []

    @property
    def clients(self) -> list[Account]:
        return [a for a in self.bench.accounts.values() if a.is_recorded]

    def do(self, step: Step) -> None:
        bench, engine = self.bench, self.bench.engine
        account = bench.accounts[step.account]
        if step.kind == "order":
            instruction = "GTC" if step.number % 3 else "IOC"
            order = bench.order(
                step.account, step.side, step.size, step.price, instruction=instruction
            )
            self.placed.append(order)
        elif step.kind == "cancel" and self.placed:
            engine.cancel(self.placed[step.number % len(self.placed)], "USER_CANCELED")
        elif step.kind == "bust":
            self.bust(step.number)
        elif step.kind == "liquidate":
            share = Decimal(step.number % 5 + 1) / 5
            engine.liquidate(account, self.house, [bench.market], share)
            engine.set_status(account, "ACTIVE")
        elif step.kind == "deleverage":
            engine.deleverage(account)
        elif step.kind == "beside":
            self.trade_beside(step)
        elif step.kind == "transfer":
            self.transfer(account, step.number)
        elif step.kind == "fund":
            bench.market.funding_index += Decimal(step.number - 250) / 10
        elif step.kind == "mark":
            bench.market.mark_price = step.price + step.number
        elif step.kind == "settle":
            engine.close_market(bench.market, "ASSET_EXPIRED")
            engine.settle_market(bench.market, step.price, SETTLEMENT_FEE)

    def bust(self, number: int) -> None:
        fills = [fill for account in self.clients for fill in account.fills]
        standing = [fill for fill in fills if fill.counterparty and fill not in self.busted]
        if not standing:
            return
        fill = standing[number % len(standing)]
        self.bench.engine.bust(fill)
        self.busted += [each for each in standing if each.trade_id == fill.trade_id]

    def trade_beside(self, step: Step) -> None:
        account = self.bench.accounts[step.account]
        other = self.house
        if step.account != step.other:
            other = self.bench.accounts[step.other]
        kind, rate = ("BLOCK_TRADE", TAKER_FEE) if step.number % 2 else ("UNWIND_TRANSFER", ZERO)
        self.bench.engine.fill_beside(
            account, other, self.bench.market, step.side, step.size, step.price, kind, rate
        )

    def transfer(self, account: Account, number: int) -> None:
        kind = "DEPOSIT" if number % 2 else "WITHDRAWAL"
        self.bench.engine.transfer(account, kind, Decimal(number), "")
        self.transferred[account.address] += number if number % 2 else -number

    # --- What must hold -----------------------------------------------------------------------

    def check(self) -> None:
        self.check_sums()
        self.check_book()
        for account in self.clients:
            self.check_cash(account)
            self.check_fills(account)

    def check_sums(self) -> None:
        """Nothing comes from nowhere: what one side gains the other loses, but for fees."""
        everyone = self.bench.accounts.values()
        positions = [p for account in everyone for p in account.positions.values()]
        assert sum(p.size for p in positions) == 0
        carried = sum((p.cost - p.funding_basis for p in positions), ZERO)
        # The house's own fees are the venue's: of a bust it gives none back.
        fees = sum((f.fee for f in self.bench.heard.fills if f not in self.busted), ZERO)
        cash = sum((account.cash for account in everyone), ZERO)
        start = CASH * len(self.clients) + HOUSE_CASH + sum(self.transferred.values(), ZERO)
        assert cash + fees - carried == start

    def check_cash(self, account: Account) -> None:
        """Each change of cash is told, and is profit and funding less fees, or a transfer."""
        cash, realized, moved = CASH, ZERO, ZERO
        for event in self.bench.heard.balances:
            if event.account != account.address:
                continue
            assert event.before == cash
            cash = event.after
            gain = event.realized_pnl + event.realized_funding - event.fees
            if event.fill_id:
                assert cash - event.before == gain
                realized += gain
            else:
                assert gain == 0
                moved += cash - event.before
        assert cash == account.cash == CASH + realized + moved
        assert moved == self.transferred[account.address]
        payments = [p for p in self.bench.heard.payments if p.account == account.address]
        told = (e for e in self.bench.heard.balances if e.account == account.address)
        assert sum(p.payment for p in payments) == sum(e.realized_funding for e in told)
        ordinals = [payment.ordinal for payment in payments]
        assert ordinals == sorted(set(ordinals))

    def check_fills(self, account: Account) -> None:
        """Position and orders are what the fills that stand come to."""
        standing = [fill for fill in account.fills if fill not in self.busted]
        signed = sum((f.size if f.side == "BUY" else -f.size for f in standing), ZERO)
        assert account.position_size(SYMBOL) == signed
        filled: dict[str, Decimal] = defaultdict(Decimal)
        notional: dict[str, Decimal] = defaultdict(Decimal)
        for fill in standing:
            filled[fill.order_id] += fill.size
            notional[fill.order_id] += fill.size * fill.price
        for order in account.orders.values():
            assert (order.filled, order.filled_notional) == (filled[order.id], notional[order.id])
            assert (order.status == "OPEN") == (order.id in account.open_orders)
            assert order.remaining == 0 or order.status == "OPEN" or order.cancel_reason
        assert len(account.busts) == sum(f.account == account.address for f in self.busted)

    def check_book(self) -> None:
        resting: dict[tuple[str, Decimal], Decimal] = defaultdict(Decimal)
        for account in self.clients:
            for order in account.open_orders.values():
                resting[order.side, order.price] += order.remaining
        assert self.bench.heard.levels == resting


@settings(max_examples=200)
@given(st.lists(steps, min_size=10, max_size=STEPS_MAX))
def test_the_books_add_up_whatever_is_done_to_the_accounts(done: list[Step]) -> None:
    scene = Scene()
    for step in done:
        scene.do(step)
        scene.check()
