"""What the eight types of orders are: at the market or at a limit, waiting or not, closing or not.

A conditional order waits until the mark price reaches its trigger. Stop orders (``STOP_*`` and
``STOP_LOSS_*``) wait for a price worse than the current one, take-profit orders for a better one.
``TAKE_PROFIT_*`` and ``STOP_LOSS_*`` belong to a position: they close it and nothing else.
"""

from __future__ import annotations

from typing import Final

TYPES: Final = (
    "MARKET",
    "LIMIT",
    "STOP_LIMIT",
    "STOP_MARKET",
    "TAKE_PROFIT_LIMIT",
    "TAKE_PROFIT_MARKET",
    "STOP_LOSS_MARKET",
    "STOP_LOSS_LIMIT",
)
#: What the document of the JSON-RPC methods lists.
RPC_TYPES: Final = ("LIMIT", "MARKET", "STOP_LIMIT", "STOP_MARKET")
#: Instructions by type; a market order takes what is there in any case.
INSTRUCTIONS: Final = {
    "LIMIT": ("GTC", "POST_ONLY", "IOC", "RPI"),
    "STOP_LIMIT": ("GTC", "POST_ONLY"),
    "TAKE_PROFIT_LIMIT": ("GTC",),
    "STOP_LOSS_LIMIT": ("GTC",),
}
MARKET_INSTRUCTIONS: Final = ("GTC", "IOC")
ABOVE: Final = "STOP_CONDITION_ABOVE_TRIGGER"
BELOW: Final = "STOP_CONDITION_BELOW_TRIGGER"


def is_market(kind: str) -> bool:
    """Return whether orders of a type trade at the market, once they trade."""
    return kind.endswith("MARKET")


def is_conditional(kind: str) -> bool:
    """Return whether orders of a type wait for a trigger."""
    return kind not in ("MARKET", "LIMIT")


def is_take_profit(kind: str) -> bool:
    """Return whether orders of a type close a position at a profit."""
    return kind.startswith("TAKE_PROFIT")


def is_closing(kind: str) -> bool:
    """Return whether orders of a type belong to a position and only close it."""
    return is_take_profit(kind) or kind.startswith("STOP_LOSS")


def instructions(kind: str) -> tuple[str, ...]:
    """Return the instructions that orders of a type take."""
    return INSTRUCTIONS.get(kind, MARKET_INSTRUCTIONS)


def condition(kind: str, side: str) -> tuple[str, ...]:
    """Return the flag that tells on which side of the trigger an order goes, if it waits at all."""
    if not is_conditional(kind):
        return ()
    is_above = (side == "BUY") != is_take_profit(kind)
    return (ABOVE,) if is_above else (BELOW,)
