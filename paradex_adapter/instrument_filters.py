"""Which markets an instrument provider loads: the ``filters`` of its configuration."""

import re
from datetime import UTC, date, datetime
from typing import Final, final

from paradex_adapter.translate.instruments import NANOS_PER_DAY
from paradex_adapter.venue.errors import ConfigurationError
from paradex_adapter_core.messages.markets import Market
from paradex_adapter_core.vocabulary import ASSET_KINDS, TRADING_MODES

NANOS_PER_SEC: Final = 1_000_000_000
EXPIRY_DAYS_MAX: Final = 3650

type _Words = frozenset[str | int]

_ISO_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


@final
class InstrumentFilters:
    """The markets that pass are those that satisfy every filter.

    Parameters
    ----------
    filters : dict[str, object], optional
        ``kind``, ``base`` and ``trading_mode``, each a word or a list of words, such as
        ``{"kind": "PERP", "base": ["BTC", "ETH"]}``. ``expiry``, a date or a list of dates (UTC,
        ``"2026-12-26"``), and ``expiry_within_days``, a whole number: a market that has no expiry
        passes both.

    Raises
    ------
    ConfigurationError
        If a filter cannot match anything.
    """

    def __init__(self, filters: dict[str, object] | None) -> None:
        self._words: Final[dict[str, _Words]] = {}
        self._days: int | None = None
        for name, wanted in (filters or {}).items():
            if name == "expiry_within_days":
                self._days = _need_days(name, wanted)
            else:
                self._words[name] = _need_words(name, wanted)

    def passes(self, market: Market, now_ns: int) -> bool:
        """Return whether a market is wanted, at a time in nanoseconds since the Unix epoch."""
        held = {
            "kind": market.asset_kind,
            "base": market.base_currency.upper(),
            "trading_mode": market.trading_mode,
        }
        if market.ts_expiry:
            if self._days is not None and market.ts_expiry - now_ns > self._days * NANOS_PER_DAY:
                return False
            held["expiry"] = _date_of(market.ts_expiry)
        return all(held[name] in wanted for name, wanted in self._words.items() if name in held)


def _date_of(time_ns: int) -> str:
    try:
        return datetime.fromtimestamp(time_ns // NANOS_PER_SEC, UTC).date().isoformat()
    except (OverflowError, ValueError):
        # Past the calendar's end: no date anyone asks for.
        return ""


def _need_days(name: str, wanted: object) -> int:
    if isinstance(wanted, bool) or not isinstance(wanted, int) or not 0 < wanted <= EXPIRY_DAYS_MAX:
        raise ConfigurationError("filters", f"{name!r} must be 1 to {EXPIRY_DAYS_MAX} whole days")
    return wanted


def _need_words(name: str, wanted: object) -> _Words:
    codes = {"kind": ASSET_KINDS, "trading_mode": TRADING_MODES, "base": None, "expiry": None}
    if name not in codes:
        known = ", ".join(sorted((*codes, "expiry_within_days")))
        raise ConfigurationError("filters", f"{name!r} is unknown; use {known}")
    words = [wanted] if isinstance(wanted, str) else wanted
    if not isinstance(words, list | tuple | set | frozenset) or not words:
        raise ConfigurationError("filters", f"{name!r} must be a word or a list of words")
    return frozenset(_need_word(name, word, codes[name]) for word in words)


def _need_word(name: str, word: object, codes: dict[str, int] | None) -> str | int:
    if not isinstance(word, str):
        raise ConfigurationError("filters", f"{name!r} must be a word or a list of words")
    if name == "expiry":
        return _need_date(word)
    if codes is None:
        return word.upper()
    code = codes.get(word.upper())
    if code is None:
        known = ", ".join(filter(None, codes))
        raise ConfigurationError("filters", f"{name!r} has no {word!r}; use {known}")
    return code


def _need_date(word: str) -> str:
    try:
        if _ISO_DATE.fullmatch(word) is None:
            raise ValueError(word)
        return date.fromisoformat(word).isoformat()
    except ValueError:
        raise ConfigurationError(
            "filters", f"'expiry' has no {word!r}; write a date as 2026-12-26"
        ) from None
