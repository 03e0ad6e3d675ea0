"""What an account would hold had a fill never been: positions and cash after a bust.

Ids of fills and the profit they told stay as they were. Where later fills were booked on top of the
one that is reverted, what they realized changes with it; the difference is in the cash.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from paradex_adapter.local_exchange.accounts import Account, Fill
from paradex_adapter.local_exchange.amounts import ZERO
from paradex_adapter.local_exchange.book import BUY, opposite
from paradex_adapter.local_exchange.markets import Market
from paradex_adapter.local_exchange.positions import Position

#: The account's own side of a fill, which may name the taker's.
SideOf = Callable[[Fill], str]


@dataclass(frozen=True, slots=True)
class Reverted:
    """What a bust gave back (USDC): profit, funding, and the fee."""

    realized: Decimal
    funding: Decimal
    fee: Decimal


def revert(fill: Fill, account: Account, market: Market, side_of: SideOf, now_ms: int) -> Reverted:
    """Take a fill out of its account's position, or out of its tokens, and out of its cash."""
    # What was paid in DIME is not given back.
    fee = fill.fee if fill.fee_currency == "USDC" else ZERO
    if market.rules.kind == "SPOT":
        # Tokens come and go without fills too, so they cannot be counted anew from these.
        account.busted.add(fill.ordinal)
        undo(fill, account, market, side_of(fill), now_ms)
        account.cash += fee
        return Reverted(ZERO, ZERO, fee)
    _, realized, funding = _replay(account, market, side_of)
    account.busted.add(fill.ordinal)
    position, realized_after, funding_after = _replay(account, market, side_of)
    position.created_at = position.created_at or account.holding(market, now_ms).created_at
    position.last_updated_at = now_ms
    if not position.size:
        position.closed_at = now_ms
    account.positions[market.symbol] = position
    reverted = Reverted(realized_after - realized, funding_after - funding, fee)
    account.cash += reverted.realized + reverted.funding + fee
    return reverted


def _replay(account: Account, market: Market, side_of: SideOf) -> tuple[Position, Decimal, Decimal]:
    """Return what the fills that stand lead to: the position, its profits and its funding."""
    position = Position(account.address, market.symbol, created_at=0)
    realized = funding = ZERO
    for fill in account.fills:
        if fill.market != market.symbol or fill.ordinal in account.busted:
            continue
        side = side_of(fill)
        funding += position.realize_funding(side, fill.size, fill.funding_index)
        realized += position.apply(side, fill.size, fill.price, fill.created_at)
        position.last_fill_id = fill.id
    return position, realized, funding


def undo(fill: Fill, account: Account, market: Market, side: str, now_ms: int) -> None:
    """Give back what an account without records traded: it trades the same the other way round.

    It keeps the fee that it paid: the venue's own accounts are not told what they pay.
    """
    holding, back = account.holding(market, now_ms), opposite(side)
    funding = holding.realize_funding(back, fill.size, fill.funding_index)
    realized = holding.apply(back, fill.size, fill.price, now_ms)
    value = fill.size * fill.price
    is_spot = market.rules.kind == "SPOT"
    account.cash += funding + ((value if side == BUY else -value) if is_spot else realized)
