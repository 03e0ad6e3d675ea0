"""From the bytes on a socket to the callback of a strategy: all of it, as it was, in order.

A live node with both clients; each test runs over both websocket libraries and with the account's
news as text and as binary frames. Bytes are taken down where the library hands them over; what they
say is read here by the exchange's own records, never by the adapter.
"""

import importlib.util
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import (
    AggressorSide,
    BookAction,
    OrderSide,
    OrderStatus,
    RecordFlag,
)
from nautilus_trader.model.identifiers import ClientOrderId
from nautilus_trader.model.objects import Price, Quantity

from paradex_adapter.local_exchange import LocalExchange, sbe
from paradex_adapter.venue import transports
from paradex_adapter.venue.websocket import WebSocketConnection
from tests.contract.sbe_by_schema import venue_schema
from tests.integration.live_node import LiveNode, live_node
from tests.integration.pitfall_scenarios import push
from tests.integration.trading_node import BTC, until
from tests.shared_specs import requires_shared_specs, spec_path

MARKET = "BTC-USD-PERP"
LAST = int(RecordFlag.F_LAST)
SNAPSHOT = int(RecordFlag.F_SNAPSHOT)


class Taken(NamedTuple):
    """One frame, as the library handed it over."""

    name: str
    transport: str
    data: bytes
    is_binary: bool


class Wire:
    """Takes down every frame of both sockets before anything of ours reads it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.taken: list[Taken] = []
        on_text, on_binary = WebSocketConnection.on_text, WebSocketConnection.on_binary

        def take_text(connection: WebSocketConnection, data: bytes | str) -> None:
            self._take(connection, data.encode() if isinstance(data, str) else data, False)
            on_text(connection, data)

        def take_binary(connection: WebSocketConnection, data: bytes) -> None:
            self._take(connection, data, True)
            on_binary(connection, data)

        monkeypatch.setattr(WebSocketConnection, "on_text", take_text)
        monkeypatch.setattr(WebSocketConnection, "on_binary", take_binary)

    def _take(self, connection: WebSocketConnection, data: bytes, is_binary: bool) -> None:
        transport = type(connection._transport).__name__
        self.taken.append(Taken(connection.name, transport, bytes(data), is_binary))

    def binary(self, name: str) -> list[bytes]:
        return [t.data for t in self.taken if t.is_binary and t.name.startswith(name)]

    def pushes(self, channel: str) -> list[dict[str, Any]]:
        """Return the data of the JSON pushes of a channel."""
        texts = [json.loads(t.data) for t in self.taken if not t.is_binary]
        return [
            text["params"]["data"]
            for text in texts
            if text.get("method") == "subscription" and text["params"]["channel"] == channel
        ]


class Pipeline(NamedTuple):
    run: LiveNode
    exchange: LocalExchange
    wire: Wire
    is_private_binary: bool


TRANSPORTS = {"picows": "PicowsTransport", "websockets": "WebsocketsTransport"}


@pytest.fixture(params=TRANSPORTS)
def transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "picows" and importlib.util.find_spec("picows") is None:
        pytest.skip("picows is not installed")
    monkeypatch.setattr(transports, "has_picows", lambda: request.param == "picows")
    return TRANSPORTS[request.param]


@pytest.fixture(params=["private JSON", "private SBE"])
async def pipeline(
    request: pytest.FixtureRequest, transport: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Pipeline]:
    is_binary = request.param == "private SBE"
    wire = Wire(monkeypatch)
    options = {"private_sbe": is_binary, "accept_plain": not is_binary}
    async with LocalExchange(seed=1, simulation_interval_ms=0, **options) as exchange:
        exchange.place_liquidity(MARKET, "BUY", "89990", "0.5")
        exchange.place_liquidity(MARKET, "SELL", "90010", "0.5")
        async with live_node(exchange) as run:
            run.trader.watch_all()
            await until(lambda: bool(run.trader.quotes and run.trader.deltas), "the first data")
            yield Pipeline(run, exchange, wire, is_binary)
        used = {taken.transport for taken in wire.taken} - {"NoneType"}
        assert used == {transport}


def public_frame(event: str, fields: dict[str, Any]) -> bytes:
    return sbe.encode(event, fields, 3)


def trade(number: int, price: str, size: str, side: str = "BUY") -> bytes:
    return public_frame(
        "trade",
        {
            "ts": 1_795_000_000_000_000 + number,
            "seq": number,
            "tradeId": number,
            "side": side,
            "price": Decimal(price),
            "size": Decimal(size),
            "createdAt": 1_795_000_000_000_000 + number,
            "tradeType": "FILL",
            "market": MARKET,
            "tradeIdStr": f"1795{number}",
        },
    )


# -- market data -----------------------------------------------------------------------------------


async def test_a_quote_is_the_books_best_prices(pipeline: Pipeline) -> None:
    run, exchange, wire = pipeline.run, pipeline.exchange, pipeline.wire
    before = len(run.trader.quotes)
    exchange.place_liquidity(MARKET, "BUY", "89995.5", "0.12345")
    await until(lambda: len(run.trader.quotes) > before)
    quote = run.trader.quotes[-1]
    assert type(quote) is QuoteTick
    assert quote.bid_price == Price.from_str("89995.5")
    assert quote.ask_price == Price.from_str("90010.0")
    assert quote.bid_size == Quantity.from_str("0.12345")
    assert (quote.bid_price.precision, quote.bid_size.precision) == (1, 5)
    assert quote.ts_event <= quote.ts_init
    assert run.cache.quote_tick(BTC) == quote
    assert wire.binary("public")


async def test_every_trade_arrives_once_and_in_order(pipeline: Pipeline) -> None:
    run, exchange = pipeline.run, pipeline.exchange
    sent = [
        trade(n, f"{90_000 + n}.5", f"0.{n:05}", "SELL" if n % 2 else "BUY") for n in range(1, 301)
    ]
    for frame in sent:
        exchange.send_raw(frame, "public")
    await until(lambda: len(run.trader.trades) == len(sent))
    assert [tick.trade_id.value for tick in run.trader.trades] == [
        f"1795{n}" for n in range(1, 301)
    ]
    tick = run.trader.trades[6]
    assert (tick.price, tick.size) == (Price.from_str("90007.5"), Quantity.from_str("0.00007"))
    assert tick.aggressor_side == AggressorSide.SELLER
    # Microseconds of the venue, nanoseconds here.
    assert tick.ts_event == 1_795_000_000_000_007_000
    received = [tick.ts_init for tick in run.trader.trades]
    assert received == sorted(received)


async def test_a_bad_frame_between_good_ones_costs_nothing_but_itself(pipeline: Pipeline) -> None:
    run, exchange, wire = pipeline.run, pipeline.exchange, pipeline.wire
    good = [trade(1, "90001", "0.1"), trade(2, "90002", "0.1"), trade(3, "90003", "0.1")]
    unknown = bytearray(good[0])
    unknown[2:4] = (999).to_bytes(2, "little")
    bad = [b"", b"\x00", good[0][:-9], bytes(unknown), b"\xff" * 500, "no json", "{}", '{"id": 1}']
    for frame in (good[0], *bad[:4], good[1], *bad[4:], good[2]):
        exchange.send_raw(frame, "public")
    await until(lambda: len(run.trader.trades) == 3)
    assert [tick.trade_id.value for tick in run.trader.trades] == ["17951", "17952", "17953"]
    counters = run.data_client.counters
    assert any(kind.startswith("unknown template 999") for kind in counters), counters
    assert sum(n for kind, n in counters.items() if "truncated" in kind) >= 1
    assert counters["connects"] == 1
    assert wire.taken


async def test_the_books_deltas_arrive_as_changes_that_are_closed(pipeline: Pipeline) -> None:
    run, exchange = pipeline.run, pipeline.exchange
    first = run.trader.deltas[0].deltas
    assert [delta.action for delta in first] == [BookAction.CLEAR, BookAction.ADD, BookAction.ADD]
    assert [delta.flags for delta in first] == [SNAPSHOT, SNAPSHOT, SNAPSHOT | LAST]
    number = len(run.trader.deltas)
    exchange.place_liquidity(MARKET, "BUY", "89980", "1")
    exchange.cancel_liquidity(MARKET)
    await until(
        lambda: (
            run.trader.deltas[-1].deltas[-1].action == BookAction.DELETE
            and not (run.cache.order_book(BTC).bids() or run.cache.order_book(BTC).asks())
        )
    )
    changes = run.trader.deltas[number:]
    assert all(change.deltas[-1].flags & LAST for change in changes)
    sequences = [delta.sequence for change in changes for delta in change.deltas]
    assert sequences == sorted(sequences)


async def test_an_unsubscribed_strategy_is_told_nothing_more(pipeline: Pipeline) -> None:
    run, exchange = pipeline.run, pipeline.exchange
    run.trader.unsubscribe_trade_ticks(BTC)
    await until(lambda: BTC not in run.data_client.subscribed_trade_ticks())
    exchange.send_raw(trade(1, "90001", "0.1"), "public")
    quotes = len(run.trader.quotes)
    exchange.place_liquidity(MARKET, "BUY", "89996", "0.1")
    await until(lambda: len(run.trader.quotes) > quotes)
    assert run.trader.trades == []


@requires_shared_specs
async def test_the_bytes_say_what_the_strategy_was_told(pipeline: Pipeline) -> None:
    """The venue's schema document reads the frames; the strategy's ticks must agree."""
    run, exchange, wire = pipeline.run, pipeline.exchange, pipeline.wire
    for number in range(5):
        exchange.place_liquidity(MARKET, "BUY", f"8999{number}.{number}", "0.5")
        exchange.take_liquidity(MARKET, "SELL", f"0.0{number + 1}")
    await until(lambda: len(run.trader.trades) == 5)
    schema = venue_schema(spec_path("sbe-paradex_1_0.xml"))
    frames = [schema.decode(data) for data in wire.binary("public")]
    trades = [frame.values for frame in frames if frame.message == "TradeEvent"]
    assert [(t["price"], t["size"]) for t in trades] == [
        (tick.price.as_decimal(), tick.size.as_decimal()) for tick in run.trader.trades
    ]


# -- the account -----------------------------------------------------------------------------------


async def test_an_orders_whole_life_reaches_the_strategy(pipeline: Pipeline) -> None:
    run, exchange, wire = pipeline.run, pipeline.exchange, pipeline.wire
    order = run.trader.limit(OrderSide.SELL, "0.5", "90000")
    await until(lambda: order.status == OrderStatus.ACCEPTED)
    exchange.take_liquidity(MARKET, "BUY", "0.2")
    await until(lambda: order.status == OrderStatus.PARTIALLY_FILLED)
    run.trader.cancel_order(order)
    await until(lambda: order.is_closed)
    assert run.trader.told_of(order) == [
        "OrderInitialized",
        "OrderSubmitted",
        "OrderAccepted",
        "OrderFilled",
        "OrderPendingCancel",
        "OrderCanceled",
    ]
    (fill,) = exchange.fills()
    event = next(e for e in run.trader.told if type(e).__name__ == "OrderFilled")
    assert event.trade_id.value == fill["id"]
    assert event.last_px.as_decimal() == Decimal(fill["price"])
    assert event.last_qty.as_decimal() == Decimal(fill["size"])
    assert event.commission.as_decimal() == Decimal(fill["fee"])
    assert event.ts_event == fill["created_at"] * 1_000_000
    assert event.venue_order_id.value == fill["order_id"]
    if pipeline.is_private_binary:
        assert wire.pushes("fills.ALL") == []
        assert any(fill["id"].encode() in data for data in wire.binary("private"))
    else:
        assert [row["id"] for row in wire.pushes("fills.ALL")] == [fill["id"]]
        assert wire.binary("private") == []


async def test_a_burst_of_orders_keeps_each_ones_order_of_events(pipeline: Pipeline) -> None:
    run, exchange = pipeline.run, pipeline.exchange
    orders = [run.trader.limit(OrderSide.BUY, "0.01", f"8900{n % 10}") for n in range(40)]
    await until(lambda: all(order.status == OrderStatus.ACCEPTED for order in orders))
    run.trader.cancel_all_orders(BTC)
    await until(lambda: all(order.is_closed for order in orders))
    for order in orders:
        assert run.trader.told_of(order) == [
            "OrderInitialized",
            "OrderSubmitted",
            "OrderAccepted",
            "OrderCanceled",
        ]
    assert {row["status"] for row in exchange.orders()} == {"CLOSED"}
    assert run.exec_client.session.counters.get("contradictions", 0) == 0


async def test_a_bad_frame_of_the_account_does_not_hide_the_next_one(pipeline: Pipeline) -> None:
    run, exchange = pipeline.run, pipeline.exchange
    for data in ({}, {"id": "1"}, {"id": 1, "size": []}, {"id": "x", "market": MARKET}):
        push(exchange, "fills.ALL", data)
        push(exchange, "orders.ALL", data)
    exchange.send_raw("not json", "private")
    exchange.send_raw(b"\x01\x02\x03", "private")
    order = run.trader.market(OrderSide.BUY, "0.01")
    await until(lambda: order.is_closed)
    assert order.status == OrderStatus.FILLED


async def test_an_order_of_somebody_else_is_a_report_and_not_an_event(pipeline: Pipeline) -> None:
    run, exchange = pipeline.run, pipeline.exchange
    run.why_apart = "the exchange only tells of this order"
    row = {
        "id": "1795000000000201703986679999",
        "account": exchange.account_address,
        "client_id": "by-hand",
        "market": MARKET,
        "side": "BUY",
        "type": "LIMIT",
        "instruction": "GTC",
        "status": "OPEN",
        "price": "88000",
        "size": "0.1",
        "remaining_size": "0.1",
        "avg_fill_price": "",
        "trigger_price": "0",
        "cancel_reason": "",
        "flags": [],
        "seq_no": 1,
        "created_at": 1_795_000_000_000,
        "last_updated_at": 1_795_000_000_000,
    }
    push(exchange, "orders.ALL", row)
    await until(lambda: run.cache.order(ClientOrderId("by-hand")) is not None)
    order = run.cache.order(ClientOrderId("by-hand"))
    assert order.status == OrderStatus.ACCEPTED
    assert order.strategy_id.value == "EXTERNAL"
    assert not [
        e for e in run.trader.told if getattr(e, "client_order_id", None) == order.client_order_id
    ]
