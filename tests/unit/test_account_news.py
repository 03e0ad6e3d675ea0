"""What the venue does to an account, as it is told: payments, busts, the account's status."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock, MagicMock

import pytest
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.enums import LiquiditySide, OrderSide, OrderType
from nautilus_trader.model.events import OrderFilled
from nautilus_trader.model.identifiers import (
    AccountId,
    ClientOrderId,
    InstrumentId,
    StrategyId,
    TradeId,
    TraderId,
    VenueOrderId,
)
from nautilus_trader.model.objects import Currency, Money, Price, Quantity

from paradex_adapter import account_news, busted_positions
from paradex_adapter.account_news import AccountNews
from paradex_adapter.busted_positions import BustedPositions
from paradex_adapter.venue.errors import VenueUnavailable
from paradex_adapter_core.messages.account import AccountSummary, FundingPayment
from paradex_adapter_core.messages.orders import TradeBust
from paradex_adapter_core.vocabulary import FEED_STREAM
from tests.unit.venue.scripted_venue import until

ACCOUNT = AccountId("PARADEX-00000001")
BTC = InstrumentId.from_str("BTC-USD-PERP.PARADEX")
USDC = Currency.from_str("USDC")


def filled(trade_id: str, side: OrderSide = OrderSide.BUY, account: AccountId = ACCOUNT) -> Any:
    """Return an order with one fill, as the cache holds it; sent by others, it has no account."""
    fill = OrderFilled(
        TraderId("TESTER-001"),
        StrategyId("S-001"),
        BTC,
        ClientOrderId("O-1"),
        VenueOrderId("V-1"),
        account,
        TradeId(trade_id),
        None,
        side,
        OrderType.LIMIT,
        Quantity.from_str("0.02"),
        Price.from_str("90000.0"),
        USDC,
        Money(1, USDC),
        LiquiditySide.TAKER,
        UUID4(),
        1,
        1,
    )
    return SimpleNamespace(account_id=None, events=[fill])


class Desk:
    """An account's news with everything around it played."""

    def __init__(self) -> None:
        self.cache = MagicMock()
        self.cache.orders.return_value = []
        self.msgbus = MagicMock()
        self.log = MagicMock()
        self.session = MagicMock()
        self.session.book.is_held = False
        self.session.refresh_account = AsyncMock()
        self.client = MagicMock(account_id=ACCOUNT)
        clock: Any = SimpleNamespace(timestamp_ns=lambda: 7)
        self.news = AccountNews(self.client, self.session, self.cache, self.msgbus, clock, self.log)
        # The engine's position and the venue's.
        self.size, self.venue_sizes = 0, [0]
        self.cache.positions_open.side_effect = lambda **_: [
            MagicMock(signed_decimal_qty=lambda: self.size, instrument_id=BTC)
        ]
        self.answers = MagicMock(report_positions=AsyncMock(side_effect=self.report))
        self.sent: list[Any] = []
        self.busted = BustedPositions(
            self.session, self.answers, ACCOUNT, self.cache, clock, self.log, self.take
        )

    async def report(self, _command: Any) -> list[Any]:
        size = self.venue_sizes.pop(0) if len(self.venue_sizes) > 1 else self.venue_sizes[0]
        return [MagicMock(signed_decimal_qty=size, instrument_id=BTC)]

    def take(self, report: Any) -> None:
        """Make up the difference, as the engine does."""
        self.sent.append(report)
        self.size = report.signed_decimal_qty

    @property
    def published(self) -> list[Any]:
        return [call.kwargs["msg"].data for call in self.msgbus.send.call_args_list]

    async def settled(self) -> None:
        tasks = self.busted._tasks.values()
        await until(lambda: all(task.done() for task in tasks), "positions were settled")


@pytest.fixture
async def desk(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.setattr(account_news, "ACCOUNT_REFRESH_SECS", 0.0)
    monkeypatch.setattr(busted_positions, "LOOK_DELAYS_SECS", (0.0,) * 5)
    monkeypatch.setattr(busted_positions, "HELD_POLL_SECS", 0.0)
    desk = Desk()
    yield desk
    await desk.busted.close()
    await desk.news.close()


@pytest.mark.parametrize("trade_id", ["77", "77-LIQUIDATION"])
async def test_a_bust_names_the_fill_as_the_engine_knows_it(desk: Desk, trade_id: str) -> None:
    desk.cache.orders.return_value = [filled("7"), filled("777"), filled(trade_id)]
    assert desk.news.tell_bust(TradeBust("0x1", "77", 5)) == (BTC, Quantity.from_str("0.02"))
    (bust,) = desk.published
    assert (bust.trade_id, bust.client_order_id, bust.ts_event) == (trade_id, "O-1", 5)


async def test_a_busted_sale_is_below_zero(desk: Desk) -> None:
    desk.cache.orders.return_value = [filled("77", OrderSide.SELL)]
    _, quantity = desk.news.tell_bust(TradeBust("0x1", "77", 0))
    assert str(quantity) == "-0.02"


async def test_a_fill_of_another_account_is_not_the_one_taken_back(desk: Desk) -> None:
    desk.cache.orders.return_value = [filled("77", account=AccountId("HEDGE-00000002"))]
    assert desk.news.tell_bust(TradeBust("0x1", "77", 0)) == (None, Decimal(0))
    assert desk.published == []
    assert "not known here" in desk.log.error.call_args.args[0]


async def test_funding_of_what_is_not_loaded_is_said_and_still_asked_for(desk: Desk) -> None:
    desk.cache.instrument.return_value = None
    desk.news.tell_payment(FundingPayment("0x1", "P-1", "XYZ-USD-PERP", 5, None, "", 5))
    assert desk.published == []
    assert "not loaded" in desk.log.warning.call_args.args[0]
    await until(lambda: desk.session.refresh_account.await_count == 1)


async def test_words_of_the_account_are_told_once_each(desk: Desk) -> None:
    for status in ("ACTIVE", "LIQUIDATION", "LIQUIDATION", "ACTIVE"):
        desk.news.take_summary(
            AccountSummary("0x1", status, 1, 1, 1, 0, 0, "USDC", 1, FEED_STREAM, 1)
        )
    assert [call.args[0] for call in desk.log.error.call_args_list] == [
        "Account PARADEX-00000001 is in 'LIQUIDATION'"
    ]
    assert "active again" in desk.log.info.call_args.args[0]


async def test_a_position_that_is_as_the_bust_leaves_it_is_told_at_once(desk: Desk) -> None:
    desk.size, desk.venue_sizes = 5, [3]
    desk.busted.follow(BTC, Decimal(2))
    await desk.settled()
    assert [report.signed_decimal_qty for report in desk.sent] == [3]
    assert not desk.log.error.called


async def test_fills_on_their_way_are_waited_for(desk: Desk) -> None:
    # Not as the bust leaves it: the venue is a fill ahead, another one behind, then even.
    desk.size, desk.venue_sizes = 5, [4, 2, 3]
    desk.busted.follow(BTC, Decimal(2))
    await desk.settled()
    assert [report.signed_decimal_qty for report in desk.sent] == [3]


async def test_two_busts_are_compared_together(desk: Desk) -> None:
    desk.size, desk.venue_sizes = 5, [1]
    desk.busted.follow(BTC, Decimal(2))
    desk.busted.follow(BTC, Decimal(2))
    await desk.settled()
    assert len(desk.sent) == 1


async def test_an_unknown_fill_is_told_when_the_position_stands_still(desk: Desk) -> None:
    desk.size, desk.venue_sizes = 5, [9, 4, 6, 3, 3]
    desk.busted.follow(None, Decimal(0))
    await until(lambda: bool(desk.sent), "it was told")
    assert [report.signed_decimal_qty for report in desk.sent] == [3]


async def test_a_position_that_never_stands_still_is_not_told_but_said(desk: Desk) -> None:
    desk.size, desk.venue_sizes = 5, [4, 2, 4, 2, 4, 2]
    desk.busted.follow(BTC, Decimal(7))
    await desk.settled()
    assert desk.sent == []
    assert "could not be brought" in desk.log.error.call_args.args[0]


async def test_nothing_is_compared_while_the_stream_is_held_or_without_an_answer(
    desk: Desk,
) -> None:
    desk.session.book.is_held = True
    desk.size, desk.venue_sizes = 5, [3]
    desk.busted.follow(BTC, Decimal(2))
    for _ in range(20):
        await asyncio.sleep(0)
    assert desk.answers.report_positions.await_count == 0
    desk.answers.report_positions.side_effect = VenueUnavailable("GET /positions", "down")
    desk.session.book.is_held = False
    await desk.settled()
    assert desk.sent == []
    assert "could not be brought" in desk.log.error.call_args.args[0]


async def test_balances_are_asked_for_less_often_when_reads_run_short(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_news, "SHORT_REFRESH_SECS", 3600.0)
    desk.session.reader.has_reads_to_spare = False
    desk.news.refresh_soon()
    for _ in range(10):
        await asyncio.sleep(0)
    desk.session.refresh_account.assert_not_awaited()


async def test_balances_are_asked_for_until_the_venue_answers(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_news, "ACCOUNT_REFRESH_SECS", 0.0001)
    down = [VenueUnavailable("GET /balance", "down")] * 12
    desk.session.refresh_account.side_effect = [*down, None]
    desk.session.store.balances.return_value = []
    desk.session.store.account_summary = None
    desk.news.refresh_soon()
    await until(lambda: desk.session.refresh_account.await_count == 13, "asked again")
    await until(lambda: desk.client.generate_account_state.called, "and told")


async def test_nothing_is_asked_for_after_the_close(desk: Desk) -> None:
    await desk.news.close()
    desk.news.refresh_soon()
    for _ in range(10):
        await asyncio.sleep(0)
    desk.session.refresh_account.assert_not_awaited()
