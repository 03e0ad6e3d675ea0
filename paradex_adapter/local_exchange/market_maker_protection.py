"""Market maker protection: how much an account's quotes on a base asset may trade in a while.

The venue's pages name limits, fields, words and the second that a freeze lasts at least. Chosen
here: a changed configuration begins with an empty window and leaves a freeze as it is.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from paradex_adapter.local_exchange.amounts import ZERO, amount_text
from paradex_adapter.local_exchange.errors import VenueError

INTERVAL_MIN_MS: Final = 100
INTERVAL_MAX_MS: Final = 3_600_000
FROZEN_MAX_MS: Final = 3_600_000
#: How long a freeze lasts at least, whoever asks to end it.
FREEZE_MIN_MS: Final = 1000
WINDOW_FILLS_MAX: Final = 100_000
LIMITS: Final = ("size_limit", "delta_limit", "vega_limit")
NOT_CONFIGURED: Final = "MMP_NOT_CONFIGURED"
FROZEN: Final = "MMP_FROZEN"
TRIGGERED: Final = "MMP_TRIGGERED"
DISABLED: Final = "MMP_DISABLED"

Event = dict[str, object]
_LIMIT = re.compile(r"[0-9]{1,15}(\.[0-9]{1,4})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class WindowFill:
    """What a fill adds to the window: size and signed delta in units of the base, vega in USD."""

    at_ms: int
    size: Decimal
    delta: Decimal
    vega: Decimal


@dataclass(frozen=True, slots=True)
class Config:
    """Limits of one base asset; a limit of 0 is none, a frozen time of 0 lasts until a reset."""

    base_asset: str
    interval_ms: int
    frozen_time_ms: int
    limits: Mapping[str, Decimal]
    protect_block_trades: bool
    updated_at: int

    def response(self) -> dict[str, object]:
        """Return the configuration as REST and the channel show it."""
        return {
            "base_asset": self.base_asset,
            "interval_ms": self.interval_ms,
            "frozen_time_ms": self.frozen_time_ms,
            **{name: amount_text(limit) for name, limit in self.limits.items()},
            "protect_block_trades": self.protect_block_trades,
            "updated_at": self.updated_at,
        }


def parse_config(base_asset: str, body: object, old: Config | None, now_ms: int) -> Config:
    """Read a configuration; what it leaves out is no limit, but for the protection of blocks.

    Raises
    ------
    VenueError
        ``BINDING_ERROR`` for a wrong JSON type, ``MMP_CONFIG_INVALID`` for a wrong value.
    """
    if not isinstance(body, dict):
        raise VenueError("BINDING_ERROR", "request body: expected a JSON object")
    limits = {name: _limit(body, name) for name in LIMITS}
    if not any(limits.values()):
        raise VenueError("MMP_CONFIG_INVALID", "at least one limit must be greater than 0")
    is_protected = body.get("protect_block_trades")
    if is_protected is not None and not isinstance(is_protected, bool):
        raise VenueError("BINDING_ERROR", "protect_block_trades: expected a boolean")
    if is_protected is None:
        is_protected = old is not None and old.protect_block_trades
    return Config(
        base_asset,
        _duration(body, "interval_ms", INTERVAL_MIN_MS, INTERVAL_MAX_MS),
        _duration(body, "frozen_time_ms", 0, FROZEN_MAX_MS),
        limits,
        is_protected,
        now_ms,
    )


def _duration(body: Mapping[str, object], name: str, least: int, most: int) -> int:
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise VenueError("BINDING_ERROR", f"{name}: expected an integer")
    if not least <= value <= most:
        raise VenueError("MMP_CONFIG_INVALID", f"{name}: must be {least} to {most}")
    return value


def _limit(body: Mapping[str, object], name: str) -> Decimal:
    value = body.get(name)
    if value is None or value == "":
        return ZERO
    if not isinstance(value, str):
        raise VenueError("BINDING_ERROR", f"{name}: expected a decimal string")
    if _LIMIT.fullmatch(value) is None:
        raise VenueError("MMP_CONFIG_INVALID", f"{name}: must have at most four decimals")
    return Decimal(value)


@dataclass(slots=True)
class Guard:
    """The protection of one base asset at work."""

    config: Config
    #: When it was tripped; 0 while it is not frozen.
    frozen_at: int = 0
    _fills: deque[WindowFill] = field(default_factory=lambda: deque(maxlen=WINDOW_FILLS_MAX))

    @property
    def frozen_until(self) -> int:
        """When the freeze ends; 0 when there is none, or it lasts until a reset."""
        lasts = self.config.frozen_time_ms
        return self.frozen_at + lasts if self.frozen_at and lasts else 0

    def window(self, now_ms: int) -> dict[str, Decimal]:
        """Return what traded within the interval: size, and net delta and vega."""
        while self._fills and self._fills[0].at_ms <= now_ms - self.config.interval_ms:
            self._fills.popleft()
        return {
            "size": sum((fill.size for fill in self._fills), ZERO),
            "delta": sum((fill.delta for fill in self._fills), ZERO),
            "vega": sum((fill.vega for fill in self._fills), ZERO),
        }

    def add(self, fill: WindowFill) -> str:
        """Count a fill; return the limit that it trips: SIZE, DELTA, VEGA or none."""
        if self.frozen_at:
            return ""
        self._fills.append(fill)
        for name, amount in self.window(fill.at_ms).items():
            limit = self.config.limits[f"{name}_limit"]
            if limit and abs(amount) > limit:
                self.frozen_at = fill.at_ms
                return name.upper()
        return ""

    def clear(self) -> None:
        """End a freeze and empty the window."""
        self.frozen_at = 0
        self._fills.clear()

    def response(self, now_ms: int) -> dict[str, object]:
        """Return configuration and state as REST shows them."""
        window = {f"window_{name}": amount_text(v) for name, v in self.window(now_ms).items()}
        state = {"is_frozen": bool(self.frozen_at), "frozen_until": self.frozen_until}
        return {**self.config.response(), **state, **window}


class Protection:
    """The protection of one account, by base asset."""

    def __init__(self, account: str) -> None:
        self.is_enabled = False
        self.guards: dict[str, Guard] = {}
        self._account = account

    def refusal(self, base: str) -> str:
        """Return why a protected order on a base asset is canceled at once, or nothing."""
        guard = self.guards.get(base)
        if guard is None:
            return NOT_CONFIGURED
        return FROZEN if guard.frozen_at else ""

    def event(self, kind: str, base: str, now_ms: int, **more: object) -> Event:
        """Return what the channel tells."""
        return {
            "kind": kind,
            "base_asset": base,
            "account": self._account,
            "frozen_until": 0,
            "created_at": now_ms,
            **more,
        }

    def configure(self, config: Config) -> Event:
        """Replace a configuration."""
        base, guard = config.base_asset, self.guards.get(config.base_asset)
        self.guards[base] = Guard(config, guard.frozen_at if guard else 0)
        return self.event("CONFIG_UPDATED", base, config.updated_at, config=config.response())

    def remove(self, base: str, now_ms: int) -> Event | None:
        """Remove a configuration, if there is one."""
        guard = self.guards.pop(base, None)
        if guard is None:
            return None
        config = {**guard.config.response(), "removed": True}
        return self.event("CONFIG_UPDATED", base, now_ms, config=config)

    def add_fill(self, base: str, fill: WindowFill, market: str) -> Event | None:
        """Count a fill of a protected order; return what is told when that trips a limit."""
        guard = self.guards.get(base)
        reason = guard.add(fill) if guard is not None else ""
        if guard is None or not reason:
            return None
        window = guard.window(fill.at_ms)
        told = {f"window_{name}": amount_text(amount) for name, amount in window.items()}
        return self.event(
            "TRIGGERED",
            base,
            fill.at_ms,
            **told,
            frozen_until=guard.frozen_until,
            trip_reason=reason,
            trigger_market=market,
        )

    def unfreeze(self, now_ms: int) -> list[Event]:
        """End the freezes whose time is over."""
        events = []
        for base, guard in self.guards.items():
            if 0 < guard.frozen_until <= now_ms:
                guard.clear()
                events.append(self.event("UNFROZEN", base, now_ms))
        return events

    def reset(self, base: str | None, now_ms: int) -> tuple[list[Event], list[str]]:
        """End the freeze of a base asset, or of each.

        Return what is told of those reset, and the ones refused: their freeze has just begun.

        Raises
        ------
        VenueError
            ``MMP_NOT_CONFIGURED``.
        """
        if base is not None and base not in self.guards:
            raise VenueError(NOT_CONFIGURED, f"{base} has no market maker protection")
        events, refused = [], []
        for name in sorted(self.guards) if base is None else [base]:
            guard = self.guards[name]
            if guard.frozen_at and now_ms - guard.frozen_at < FREEZE_MIN_MS:
                refused.append(name)
                continue
            guard.clear()
            events.append(self.event("RESET", name, now_ms))
        return events, refused
