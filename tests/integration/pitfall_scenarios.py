"""Nodes that are told what would abort the process in NautilusTrader; see `test_pitfalls`."""

import json
from collections.abc import Iterator
from typing import Any

from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import (
    GenerateFillReports,
    GenerateOrderStatusReports,
    GeneratePositionStatusReports,
)
from nautilus_trader.model.enums import OrderSide, OrderStatus

from paradex_adapter.execution import ParadexExecutionClient
from paradex_adapter.local_exchange import LocalExchange
from paradex_adapter.venue.errors import ParadexError
from tests.integration.live_node import LiveNode, live_node
from tests.integration.trading_node import until

MARKET = "BTC-USD-PERP"
ACCOUNT = "0x1"
# What a venue has no reason to send, and what would end the process as an identifier.
STRANGE_TEXTS = [
    "Bestellung-\u00e9",
    "\u65e5\u672c",
    "\U0001f642",
    "\u202e1",
    " ",
    "a\nb",
    "nul\x00nul",
    "x" * 4096,
]
# Beyond what Nautilus holds as price, quantity or money; and what is no amount at all.
STRANGE_NUMBERS = [
    "17014118346047",
    "99999999999999999999",
    "340282366920939",
    "-99999999999999999999",
    "1" + "0" * 300,
    "1e30",
    "NaN",
    "-1",
    "0.0000000001",
]

ORDER = {
    "id": "1700000000001",
    "account": ACCOUNT,
    "client_id": "other-1",
    "market": MARKET,
    "side": "BUY",
    "type": "LIMIT",
    "instruction": "GTC",
    "status": "OPEN",
    "price": "89000",
    "size": "1",
    "remaining_size": "1",
    "avg_fill_price": "",
    "trigger_price": "0",
    "cancel_reason": "",
    "flags": [],
    "seq_no": 1,
    "created_at": 1_700_000_000_000,
    "last_updated_at": 1_700_000_000_000,
}
FILL = {
    "id": "1800000000001",
    "account": ACCOUNT,
    "market": MARKET,
    "order_id": "1700000000001",
    "client_id": "",
    "side": "BUY",
    "liquidity": "TAKER",
    "price": "90000",
    "size": "1",
    "remaining_size": "0",
    "fee": "1",
    "fee_currency": "USDC",
    "fill_type": "LIQUIDATION",
    "realized_pnl": "0",
    "realized_funding": "0",
    "created_at": 1_700_000_000_000,
}
POSITION = {
    "id": "p",
    "account": ACCOUNT,
    "market": MARKET,
    "status": "OPEN",
    "side": "LONG",
    "size": "1",
    "average_entry_price": "90000",
    "average_entry_price_usd": "90000",
    "unrealized_pnl": "0",
    "realized_positional_pnl": "0",
    "last_fill_id": "1",
    "liquidation_price": "",
    "seq_no": 1,
    "last_updated_at": 1_700_000_000_000,
}
SUMMARY = {
    "account": ACCOUNT,
    "status": "ACTIVE",
    "account_value": "1",
    "total_collateral": "1",
    "free_collateral": "1",
    "initial_margin_requirement": "1",
    "maintenance_margin_requirement": "1",
    "settlement_asset": "USDC",
    "seq_no": 1,
    "updated_at": 1_700_000_000_000,
}
BALANCE = {"token": "USDC", "size": "1", "last_updated_at": 1_700_000_000_000}
TEXTS = {
    "orders.ALL": (ORDER, ["id", "client_id", "market", "cancel_reason", "status", "type", "side"]),
    "fills.ALL": (
        FILL,
        ["id", "order_id", "client_id", "market", "fee_currency", "fill_type", "side", "liquidity"],
    ),
    "positions": (POSITION, ["market", "status", "side", "last_fill_id"]),
    "account": (SUMMARY, ["account", "status", "settlement_asset"]),
}
NUMBERS = {
    "orders.ALL": (ORDER, ["price", "size", "remaining_size", "trigger_price", "avg_fill_price"]),
    "fills.ALL": (FILL, ["price", "size", "fee", "realized_pnl", "realized_funding"]),
    "positions": (POSITION, ["size", "average_entry_price", "unrealized_pnl"]),
    "account": (SUMMARY, ["account_value", "initial_margin_requirement"]),
}


def variations(
    table: dict[str, tuple[dict[str, Any], list[str]]], values: list[str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield, by channel, each object with each value in each field; all under ids of their own."""
    number = 0
    for channel, (row, fields) in table.items():
        for field in fields:
            for value in values:
                number += 1
                own = {"seq_no": number}
                if channel == "orders.ALL":
                    own |= {"id": f"17000{number:06}", "client_id": f"other-{number}"}
                elif channel == "fills.ALL":
                    own |= {"id": f"18000{number:06}", "order_id": f"19000{number:06}"}
                yield channel, {**row, **own, field: value}
                if channel == "orders.ALL":
                    # The end of an order, after its news.
                    closed = {"status": "CLOSED", "cancel_reason": "USER_CANCELED"}
                    yield channel, {**row, **own, **closed, "seq_no": number + 1, field: value}


def push(venue: LocalExchange, channel: str, data: dict[str, Any]) -> None:
    params = {"channel": channel, "data": data}
    venue.send_raw(
        json.dumps({"jsonrpc": "2.0", "method": "subscription", "params": params}), "private"
    )


# The exchange knows nothing of what it is made to tell.
WHY_APART = "what is told is made up"


def exchange() -> LocalExchange:
    return LocalExchange(seed=1, simulation_interval_ms=0)


def with_liquidity(venue: LocalExchange) -> LocalExchange:
    venue.place_liquidity(MARKET, "BUY", "89990", "5")
    venue.place_liquidity(MARKET, "SELL", "90010", "5")
    return venue


async def still_trades(venue: LocalExchange, run: LiveNode) -> str:
    """Return the status that a further market order ends with."""
    order = run.trader.market(OrderSide.BUY, "0.01")
    await until(lambda: order.is_closed, "an order after all that is filled")
    return order.status_string()


async def strange_texts_on_the_stream() -> Any:
    async with exchange() as venue, live_node(with_liquidity(venue), data=None) as run:
        run.why_apart = WHY_APART
        sent = 0
        for channel, row in variations(TEXTS, STRANGE_TEXTS):
            push(venue, channel, row)
            sent += 1
        for text in STRANGE_TEXTS:
            order = run.trader.limit(OrderSide.BUY, "0.01", "89000")
            await until(lambda order=order: order.status == OrderStatus.ACCEPTED)
            (row,) = (row for row in venue.orders() if row["status"] == "OPEN")
            end = {"status": "CLOSED", "cancel_reason": text, "seq_no": row["seq_no"] + 10**9}
            push(venue, "orders.ALL", {**row, **end})
            await until(lambda order=order: order.is_closed)
            run.trader.cancel_all_orders(order.instrument_id)
            venue.fail_next("RPC", "order.create", 100, text)
            refused = run.trader.limit(OrderSide.BUY, "0.01", "89000")
            await until(lambda order=refused: order.is_closed)
            venue.cancel_liquidity()
            with_liquidity(venue)
            for left in list(venue._account(None).open_orders.values()):
                venue._gateway.cancel(left)
        return {"sent": sent, "then": await still_trades(venue, run)}


async def strange_numbers_on_the_stream() -> Any:
    async with exchange() as venue, live_node(with_liquidity(venue), data=None) as run:
        run.why_apart = WHY_APART
        sent = 0
        for channel, row in variations(NUMBERS, STRANGE_NUMBERS):
            push(venue, channel, row)
            sent += 1
        return {"sent": sent, "then": await still_trades(venue, run)}


async def strange_answers() -> Any:
    """Ask for reports, which are answered with each strange row by itself."""
    async with exchange() as venue, live_node(with_liquidity(venue), data=None) as run:
        run.why_apart = WHY_APART
        client, window = run.exec_client, {"instrument_id": None, "start": None, "end": None}
        window |= {"command_id": UUID4(), "ts_init": 0}
        ask = {
            "orders.ALL": (
                "/v1/orders",
                lambda: client.generate_order_status_reports(
                    GenerateOrderStatusReports(**window, open_only=True)
                ),
            ),
            "fills.ALL": (
                "/v1/fills",
                lambda: client.generate_fill_reports(
                    GenerateFillReports(**window, venue_order_id=None)
                ),
            ),
            "positions": (
                "/v1/positions",
                lambda: client.generate_position_status_reports(
                    GeneratePositionStatusReports(**window)
                ),
            ),
        }
        told: dict[str, int] = {"answered": 0, "refused": 0, "silent": 0}
        rows = [*variations(TEXTS, STRANGE_TEXTS), *variations(NUMBERS, STRANGE_NUMBERS)]
        silent = []
        for channel, row in rows:
            if channel not in ask:
                continue
            path, report = ask[channel]
            venue.fail_next("GET", path, 200, {"results": [row]})
            try:
                reports = await report()
            except (ParadexError, ValueError):
                told["refused"] += 1
            else:
                told["answered" if reports else "silent"] += 1
                if not reports and channel == "positions":
                    silent.append(row)
        return {**told, "silent_positions": silent, "then": await still_trades(venue, run)}


def is_answered(venue: LocalExchange, client: ParadexExecutionClient) -> bool:
    """Return whether the canned answers were given, and taken."""
    return not venue._faults._failures and all(task.done() for task in client._tasks)


async def strange_balances() -> Any:
    async with exchange() as venue, live_node(with_liquidity(venue), data=None) as run:
        run.why_apart = WHY_APART
        client = run.exec_client
        account = run.cache.account(client.account_id)
        told = []
        for field, values in (("token", STRANGE_TEXTS), ("size", STRANGE_NUMBERS)):
            for value in values:
                number = len(told)
                row = {**BALANCE, "last_updated_at": 4_000_000_000_000 + number, field: value}
                venue.fail_next("GET", "/v1/balance", 200, {"results": [row]})
                events = account.event_count
                run.trader.query_account(client.account_id)
                await until(lambda: is_answered(venue, client))
                told.append(account.event_count > events)
        return {
            "told_of_texts": all(told[: len(STRANGE_TEXTS)]),
            "then": await still_trades(venue, run),
        }


async def a_balance_beyond_its_margin() -> Any:
    """Both amounts are within bounds; their difference is not."""
    most = "17014118346046"
    balance = {**BALANCE, "size": f"-{most}", "last_updated_at": 4_100_000_000_000}
    margin = {**SUMMARY, "initial_margin_requirement": most, "updated_at": 4_100_000_000_000}
    async with exchange() as venue, live_node(with_liquidity(venue), data=None) as run:
        run.why_apart = WHY_APART
        client = run.exec_client
        venue.fail_next("GET", "/v1/balance", 200, {"results": [balance]})
        venue.fail_next("GET", "/v1/account", 200, {**margin, "seq_no": 4_100_000_000_000})
        run.trader.query_account(client.account_id)
        await until(lambda: is_answered(venue, client))
        held = client.session.store.account_summary
        return {
            "is_taken": held is not None and held.initial_margin == int(most) * 10**8,
            "then": await still_trades(venue, run),
        }


async def strange_markets() -> Any:
    """Start a node at a venue that lists one good market among strange ones."""
    async with exchange() as venue:
        with_liquidity(venue)
        (good, *_) = [market.rules.response() for market in venue._markets.values()]
        rows = [good]
        for field in ("symbol", "base_currency", "asset_kind", "quote_currency"):
            rows += [{**good, "symbol": f"A{len(rows)}-USD-PERP", field: t} for t in STRANGE_TEXTS]
        for field in (
            "price_tick_size",
            "order_size_increment",
            "min_notional",
            "max_order_size",
            "position_limit",
            "max_slippage",
        ):
            rows += [
                {**good, "symbol": f"B{len(rows)}-USD-PERP", field: n} for n in STRANGE_NUMBERS
            ]
        for number, fee in enumerate(STRANGE_NUMBERS):
            fees = {"api_fee": {"maker_fee": {"fee": fee}, "taker_fee": {"fee": fee}}}
            rows.append({**good, "symbol": f"C{number}-USD-PERP", "fee_config": fees})
        venue.fail_next("GET", "/v1/markets", 200, {"results": rows}, count=2)
        async with live_node(venue) as run:
            loaded = len(run.cache.instruments())
            return {"listed": len(rows), "loaded": loaded, "then": await still_trades(venue, run)}
