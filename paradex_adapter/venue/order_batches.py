"""Several orders, or cancels, in one request; each is then followed up like a single one.

A batch is a single request at the venue's rate limit. One order that fails the basic checks, its
signature among them, has all of them refused; what is checked later is checked one by one.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

from paradex_adapter.venue.errors import OutcomeUnknown, ParadexError, RequestRejected
from paradex_adapter.venue.order_commands import (
    CANCELS_AT_ONCE_MAX,
    OrderCommands,
    reason_of,
)
from paradex_adapter.venue.order_gateway import OrderGateway
from paradex_adapter.venue.order_requests import OrderRequest
from paradex_adapter_core.messages.orders import BatchRow
from paradex_adapter_core.vocabulary import CANCEL_QUEUED

# What the venue's REST document allows; the limit of a batch of cancels is not documented.
ORDERS_PER_BATCH_MAX: Final = 10
CANCELS_PER_BATCH_MAX: Final = 10


@dataclass(frozen=True, slots=True)
class CancelTarget:
    """An order to be canceled; either id may be empty."""

    client_order_id: str
    venue_order_id: str
    market: str


@final
class OrderBatches:
    """Sends batches for one account.

    Parameters
    ----------
    commands : OrderCommands
        Tracks, signs and follows up single orders.
    gateway : OrderGateway
        The way to the venue.
    """

    __slots__ = ("_commands", "_gateway")

    def __init__(self, commands: OrderCommands, gateway: OrderGateway) -> None:
        self._commands: Final = commands
        self._gateway: Final = gateway

    async def submit(self, requests: Sequence[OrderRequest]) -> None:
        """Send orders, each once, at most `ORDERS_PER_BATCH_MAX` in a request.

        What becomes of each is told by events, refusals included. The batches leave in order; the
        next does not wait for the answer to the one before.
        """
        if len(requests) == 1:
            await self._commands.submit(requests[0])
            return
        for request in requests:
            self._commands.track(request)
        await asyncio.gather(
            *(
                self._submit(requests[first : first + ORDERS_PER_BATCH_MAX])
                for first in range(0, len(requests), ORDERS_PER_BATCH_MAX)
            )
        )

    async def _submit(self, requests: Sequence[OrderRequest]) -> None:
        commands = self._commands
        timestamp_ms = commands.now_ms()
        bodies: list[dict[str, object]] = []
        sent: list[OrderRequest] = []
        for request in requests:
            try:
                bodies.append(commands.sign(request, timestamp_ms))
            except ParadexError as error:
                commands.settle(request, timestamp_ms, error)
            else:
                sent.append(request)
        if not sent:
            return
        try:
            rows = await self._gateway.send_batch(bodies)
        except RequestRejected as error:
            for request in sent:
                commands.refuse(
                    request.client_order_id, _reason_in_batch(error, request.client_order_id, sent)
                )
        except ParadexError as error:
            for request in sent:
                commands.settle(request, timestamp_ms, error)
        else:
            self._take(sent, timestamp_ms, rows)

    def _take(self, sent: list[OrderRequest], timestamp_ms: int, rows: list[BatchRow]) -> None:
        for request, row in zip(sent, match_rows(sent, rows), strict=True):
            if row is not None and row.order is not None:
                self._commands.take(row.order)
            elif row is not None and row.is_refused:
                reason = " ".join(part for part in (row.code, row.message) if part)
                self._commands.refuse(request.client_order_id, reason)
            else:
                error = OutcomeUnknown("order.create_batch", "the answer does not tell")
                self._commands.settle(request, timestamp_ms, error)

    async def cancel(self, targets: Sequence[CancelTarget]) -> list[str | None]:
        """Ask for the cancellation of orders, at most `CANCELS_PER_BATCH_MAX` in a request.

        Orders whose venue id is not known yet, or for another account, are canceled singly.

        Returns
        -------
        list[str or None]
            For each, what `OrderCommands.cancel` returns.
        """
        targets = [self._with_venue_id(target) for target in targets]
        numbers = range(len(targets))
        known = [
            number
            for number in numbers
            if targets[number].venue_order_id
            and targets[number].client_order_id not in self._commands.on_behalf
        ]
        groups = [[number] for number in numbers if number not in known]
        for first in range(0, len(known), CANCELS_PER_BATCH_MAX):
            groups.append(known[first : first + CANCELS_PER_BATCH_MAX])
        slots = asyncio.Semaphore(CANCELS_AT_ONCE_MAX)
        reasons: dict[int, str | None] = {}

        async def cancel_group(group: list[int]) -> None:
            async with slots:
                found = await self._cancel([targets[number] for number in group])
            reasons.update(zip(group, found, strict=True))

        await asyncio.gather(*(cancel_group(group) for group in groups))
        return [reasons[number] for number in numbers]

    async def _cancel(self, targets: list[CancelTarget]) -> list[str | None]:
        """Cancel one batch; what is not queued for it is followed up order by order."""
        if len(targets) == 1:
            return [await self._cancel_singly(targets[0])]
        queued: set[str] = set()
        is_answered = True
        try:
            rows = await self._gateway.send_cancel_batch([t.venue_order_id for t in targets])
        except OutcomeUnknown:
            # Perhaps it was carried out. The venue is asked; a cancel may be repeated.
            pass
        except ParadexError:
            is_answered = False
        else:
            queued = {row.venue_order_id for row in rows if row.status == CANCEL_QUEUED}

        async def follow_up(target: CancelTarget) -> str | None:
            if target.venue_order_id in queued:
                return None
            if is_answered and not await self._commands.is_listed_open(
                target.client_order_id, target.venue_order_id, target.market
            ):
                return None
            return await self._cancel_singly(target)

        return await asyncio.gather(*(follow_up(target) for target in targets))

    async def _cancel_singly(self, target: CancelTarget) -> str | None:
        return await self._commands.cancel(
            target.client_order_id, target.venue_order_id, target.market
        )

    def _with_venue_id(self, target: CancelTarget) -> CancelTarget:
        state = self._commands.find_state(target.client_order_id, target.venue_order_id)
        if target.venue_order_id or state is None:
            return target
        return CancelTarget(target.client_order_id, state.venue_order_id, target.market)


def match_rows(sent: Sequence[OrderRequest], rows: Sequence[BatchRow]) -> list[BatchRow | None]:
    """Return the row that tells what became of each order, None where none does.

    Orders are matched by client id. A refusal names no order: it is matched by its position, and
    where it has none, as by REST, only if there are exactly as many refusals as orders left.
    """
    by_client_id = {row.order.client_order_id: row for row in rows if row.order is not None}
    by_position = {row.position: row for row in rows if row.order is None and row.position >= 0}
    matched = [
        by_client_id.get(request.client_order_id) or by_position.get(number)
        for number, request in enumerate(sent)
    ]
    placeless = [row for row in rows if row.order is None and row.position < 0]
    left = [number for number, row in enumerate(matched) if row is None]
    if len(placeless) == len(left) and all(row.is_refused for row in placeless):
        for number, row in zip(left, placeless, strict=True):
            matched[number] = row
    return matched


def _reason_in_batch(error: RequestRejected, own_id: str, sent: Sequence[OrderRequest]) -> str:
    """Return why an order was refused with its batch, and whose fault it was if that is told."""
    reason = reason_of(error)
    guilty = next((r.client_order_id for r in sent if r.client_order_id in reason), None)
    if guilty == own_id:
        return reason
    if guilty is not None:
        return f"refused together with its batch, because of {guilty}: {reason}"
    return f"refused together with its batch of {len(sent)} orders: {reason}"
