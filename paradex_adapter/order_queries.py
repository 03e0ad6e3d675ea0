"""Answers about single orders and lists of them that may come late, early or not at all.

The engine draws conclusions from a report, from its absence and from an error. What it would
conclude wrongly is kept from it here; the answers themselves are made by `account_answers`.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, Logger
from nautilus_trader.execution.messages import (
    GenerateOrderStatusReport,
    GenerateOrderStatusReports,
    QueryOrder,
)
from nautilus_trader.execution.reports import OrderStatusReport
from nautilus_trader.model.enums import OrderStatus
from nautilus_trader.model.identifiers import ClientOrderId

from paradex_adapter.account_answers import AccountAnswers
from paradex_adapter.emitter import Emitter
from paradex_adapter.engine_wait import wait_for_engine
from paradex_adapter.venue.errors import ParadexError
from paradex_adapter_core.order_lifecycle import FILLED
from paradex_adapter_core.state_store import StateStore

# How long an order may be neither accepted nor refused before the engine is told that it is there.
NEW_ORDER_NS_MAX: Final = 10_000_000_000
# How long the outcome of a change may be awaited before the engine is told how the order is.
CHANGE_NS_MAX: Final = 15_000_000_000
# How long the venue may take to tell of a working order before the engine is told what is known of
# it. The engine asks again after 5 s, and a few times in vain are its end.
PATIENCE_SECS: Final = 3.0


class OrderQueries:
    """Answers the engine about orders.

    Parameters
    ----------
    client : Emitter
        Gives the engine reports that nobody waits for.
    answers : AccountAnswers
        Makes the reports.
    store : StateStore
        What is known of own orders.
    cache : Cache
        What the engine knows of them.
    clock : LiveClock
        The node's clock.
    log : Logger
        The client's log.
    """

    def __init__(
        self,
        client: Emitter,
        answers: AccountAnswers,
        store: StateStore,
        cache: Cache,
        clock: LiveClock,
        log: Logger,
    ) -> None:
        self._client: Final = client
        self._answers: Final = answers
        self._store: Final = store
        self._cache: Final = cache
        self._clock: Final = clock
        self._log: Final = log
        self._looking: Final[set[asyncio.Task[Any]]] = set()

    async def close(self) -> None:
        """Stop waiting for what the venue tells too late."""
        looking = list(self._looking)
        for task in looking:
            task.cancel()
        if looking:
            await asyncio.wait(looking)

    async def answer(self, command: QueryOrder) -> None:
        """Give the engine the report it queries for, unless it would conclude wrongly from it."""
        report = await self._find_answer(command)
        if report is None:
            return
        order = self._cache.order(command.client_order_id)
        if order is not None and self._shows_no_cancel(report):
            # From this the engine concludes nothing: the order would stay as if about to end.
            self._client.generate_order_cancel_rejected(
                order.strategy_id,
                order.instrument_id,
                order.client_order_id,
                order.venue_order_id,
                "no outcome yet: the order works on",
                self._clock.timestamp_ns(),
            )
            await wait_for_engine(lambda: not order.is_pending_cancel)
        self._client.send_order_report(report)

    async def _find_answer(self, command: QueryOrder) -> OrderStatusReport | None:
        try:
            report = await self.report_order(command)
        except ParadexError as error:
            self._log.warning(f"Cannot query {command.client_order_id!r}: {error}")
            return None
        if report is None:
            self._log.warning(f"Nothing is known of order {command.client_order_id!r}")
            return None
        if self._is_untimely(report, command):
            return None
        order = self._cache.order(command.client_order_id)
        is_triggered = report.order_status == OrderStatus.TRIGGERED
        if order is not None and order.is_pending_cancel and is_triggered:
            # The engine's orders have no way back from there to triggered.
            report.order_status = OrderStatus.ACCEPTED
        return report

    async def report_order(
        self, command: GenerateOrderStatusReport | QueryOrder
    ) -> OrderStatusReport | None:
        """Return the report of one order; of an own working one without an answer, what is known.

        An answer that takes longer than `PATIENCE_SECS` is none; what it brings is told by events.

        Raises
        ------
        ParadexError
            If the venue does not answer, and no more is known of the order.
        """
        client_order_id = command.client_order_id
        looking = self._start(
            self._answers.report_order(
                command.instrument_id, client_order_id, command.venue_order_id
            ),
            "query",
        )
        await asyncio.wait([looking], timeout=PATIENCE_SECS)
        held = None if looking.done() else self._answers.report_held_order(client_order_id)
        if held is not None:
            self._log.warning(f"{client_order_id!r} has no answer yet, so told is what is known")
            looking.add_done_callback(self._warn_of_failure)
            return held
        try:
            return await looking
        except ParadexError as error:
            # Without an answer the engine takes a working order for refused, and after a while a
            # cancel for a success.
            held = self._answers.report_held_order(client_order_id)
            if held is None:
                raise
            self._log.warning(
                f"Cannot query {client_order_id!r}, so told is what is known: {error}"
            )
            return held

    async def report_orders(self, command: GenerateOrderStatusReports) -> list[OrderStatusReport]:
        """Return the reports of a list of orders.

        Raises
        ------
        ParadexError
            If the answer is not complete. Only where all orders are asked for, and own ones work,
            are those told instead, as they are known.
        """
        try:
            return await self._answers.report_orders(command)
        except ParadexError as error:
            # The engine takes an order that such an answer leaves out for refused, and an error for
            # an answer that leaves out all of them.
            held = [] if command.open_only else self._answers.report_held_orders()
            if not held:
                raise
            self._log.warning(f"Cannot query orders, so told is what is known: {error}")
            return held

    def _shows_no_cancel(self, report: OrderStatusReport) -> bool:
        """Return whether an order being canceled works on, by a report that cannot say so.

        Only the report of an accepted order ends the wait for its cancel in the engine.
        """
        order = self._cache.order(report.client_order_id) if report.client_order_id else None
        is_unsaid = report.order_status == OrderStatus.PARTIALLY_FILLED
        return order is not None and order.is_pending_cancel and is_unsaid

    def report_filled_soon(self, client_order_id: str) -> None:
        """Report an order that filled by the venue's word, without all its fills, as filled.

        No event tells its end, since fills do: the engine makes up those the venue does not have.
        """
        state = self._store.find_order(client_order_id)
        if state is not None and state.status == FILLED and state.missing:
            self._log.warning(f"The fills of {client_order_id} are inferred from its end")
            reporting = self._start(self._report_filled(client_order_id), "report an order")
            reporting.add_done_callback(self._warn_of_failure)

    async def _report_filled(self, client_order_id: str) -> None:
        try:
            report = await self._answers.report_order(None, ClientOrderId(client_order_id), None)
        except ParadexError as error:
            self._log.error(f"The end of {client_order_id} is not told: {error}")
            return
        if report is not None:
            self._client.send_order_report(report)

    def _start[T](self, work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        task = asyncio.create_task(work, name=f"paradex-{name}")
        self._looking.add(task)
        task.add_done_callback(self._looking.discard)
        return task

    def _warn_of_failure(self, task: asyncio.Task[Any]) -> None:
        """Say why a query that nobody waits for any more came to nothing."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log.warning(f"A query had no answer in the end: {error!r}")

    def _is_untimely(self, report: OrderStatusReport, command: QueryOrder) -> bool:
        """Return whether the engine would conclude from a report what it does not say."""
        if report.order_status == OrderStatus.SUBMITTED:
            # It takes a report of a new order for its acceptance, and no report at all, after some
            # time, for its refusal: it gets one where the venue takes its time.
            state = self._store.find_order(command.client_order_id.value)
            return state is None or self._clock.timestamp_ns() < state.ts_sent + NEW_ORDER_NS_MAX
        order = self._cache.order(command.client_order_id)
        if order is not None and order.is_pending_update and report.is_open:
            # It would take the report for the outcome, which comes by itself.
            state = self._store.find_order(command.client_order_id.value)
            is_young = self._clock.timestamp_ns() < order.last_event.ts_init + CHANGE_NS_MAX
            if state is not None and state.changing_size and is_young:
                return True
        # A cancel asked for since the query: the report would end the wait for its outcome.
        is_newer = order is not None and order.last_event.ts_init > command.ts_init
        return is_newer and order.is_pending_cancel and report.is_open
