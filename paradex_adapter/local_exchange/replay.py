"""A recording of public frames, to be played back: what it holds, and in what time.

Every pass over a recording is moved by the same rules. Times keep their distance from the start
(over the speed), so that the first frame is now and a later pass follows the one before. Sequence
numbers, trade ids and funding indices of a later pass go on where the one before ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from paradex_adapter.local_exchange.amounts import ZERO, amount_text
from paradex_adapter.local_exchange.markets import MarketRules
from paradex_adapter.local_exchange.sbe_reading import decode, outline

#: Reads a recording from its beginning: times of arrival (ns) and binary frames.
Frames = Callable[[], Iterable[tuple[int, bytes]]]

SPEED_MIN: Final = 0.01
SPEED_MAX: Final = 1000.0
#: Between the last frame of a pass and the first of the next, in the recording's time.
PASS_GAP_US: Final = 100_000
_NS_PER_US: Final = 1000
#: Which events share the sequence of a market's book.
BOOK_EVENTS: Final = ("trade", "bbo", "book")
SYMBOLS_NAMED_MAX: Final = 5


@dataclass(frozen=True, slots=True)
class RecordedRules(MarketRules):
    """A market as its recorded entry of ``GET /markets`` says; it is shown as it was recorded."""

    entry: Mapping[str, Any] = field(default_factory=dict)

    def response(self) -> dict[str, object]:
        """Return the entry."""
        return dict(self.entry)


@dataclass(slots=True)
class _Range:
    """The least and the greatest of some numbers."""

    least: Any = None
    greatest: Any = None

    def add(self, number: Any) -> None:
        self.least = number if self.least is None else min(self.least, number)
        self.greatest = number if self.greatest is None else max(self.greatest, number)

    def span(self) -> int:
        return 0 if self.least is None else int(self.greatest - self.least) + 1


@dataclass(slots=True)
class MarketSurvey:
    """What a recording has of one market."""

    events: set[str] = field(default_factory=set)
    seqs: _Range = field(default_factory=_Range)
    trade_ids: _Range = field(default_factory=_Range)
    first_index: Decimal | None = None
    last_index: Decimal = ZERO
    first_price: Decimal | None = None


class Replay:
    """A recording that was looked through, and its markets.

    Parameters
    ----------
    frames : Frames
        Reads the recording from its beginning.
    entries : Sequence[Mapping[str, Any]]
        The results of ``GET /markets``; those the recording has nothing of are left out.
    is_looped : bool
        Whether it begins anew when it ends.
    speed : float
        How many times as fast as it was recorded.

    Raises
    ------
    ValueError
        If there is nothing to play, a market has no entry or an entry cannot be read; one sentence
        says so.
    """

    def __init__(
        self,
        frames: Frames,
        entries: Sequence[Mapping[str, Any]],
        *,
        is_looped: bool = False,
        speed: float = 1.0,
    ) -> None:
        if not SPEED_MIN <= speed <= SPEED_MAX:
            raise ValueError(f"the speed must be {SPEED_MIN:g} to {SPEED_MAX:g}")
        self.frames = frames
        self.is_looped = is_looped
        self.speed = speed
        self.surveys: dict[str, MarketSurvey] = {}
        self._times = _Range()
        self._survey()
        if not self.surveys:
            raise ValueError("it holds no public market data")
        listed = {str(entry.get("symbol")): entry for entry in entries}
        missing = sorted(self.surveys.keys() - listed.keys())
        if missing:
            raise InstrumentsMissing(missing)
        self.markets = tuple(
            _rules(listed[symbol], survey) for symbol, survey in self.surveys.items()
        )

    def _survey(self) -> None:
        for at_ns, frame in self.frames():
            found = outline(frame)
            if found is None:
                continue
            self._times.add(at_ns)
            survey = self.surveys.setdefault(found.market, MarketSurvey())
            survey.events.add(found.event)
            if found.event in BOOK_EVENTS and found.seq > 0:
                survey.seqs.add(found.seq)
            if found.event in ("trade", "funding_data") or survey.first_price is None:
                self._look_into(survey, frame)

    @staticmethod
    def _look_into(survey: MarketSurvey, frame: bytes) -> None:
        event, fields = decode(frame) or ("", {})
        if event == "trade":
            survey.trade_ids.add(trade_id(fields))
        if event == "funding_data":
            index: Any = fields["fundingIndex"]
            if survey.first_index is None:
                survey.first_index = index
            survey.last_index = index
        for name in ("markPrice", "price", "bidPrice", "askPrice", "bestBidApiPrice"):
            if survey.first_price is None and fields.get(name):
                survey.first_price = Decimal(str(fields[name]))

    @property
    def first_ns(self) -> int:
        """Time of arrival of the first frame."""
        return int(self._times.least)

    @property
    def pass_us(self) -> int:
        """How long one pass takes in the recording's time."""
        return int(self._times.greatest - self._times.least) // _NS_PER_US + PASS_GAP_US


class InstrumentsMissing(ValueError):
    """Markets of a recording for which there is no entry of ``GET /markets``."""

    def __init__(self, symbols: Sequence[str]) -> None:
        named = ", ".join(symbols[:SYMBOLS_NAMED_MAX])
        more = len(symbols) - SYMBOLS_NAMED_MAX
        super().__init__(
            f"the instruments of {named}{f' and {more} more' if more > 0 else ''} are not known"
        )


def trade_id(fields: Mapping[str, object]) -> int:
    """Return the id of a recorded trade: its text, or the number that old versions have."""
    text = str(fields.get("tradeIdStr") or "")
    # The number is the low half of the id, negative for some.
    return int(text) if text.isdecimal() else int(str(fields["tradeId"])) % 2**64


class PassShift:
    """Moves the frames of one pass to where they belong."""

    def __init__(self, replay: Replay, number: int, origin_us: int) -> None:
        self._replay = replay
        self._number = number
        self._first_us = replay.first_ns // _NS_PER_US
        self._origin_us = origin_us + int(number * replay.pass_us / replay.speed)

    def time(self, at_us: int) -> int:
        """Return when something of the recording happens in this pass, in microseconds."""
        return self._origin_us + int((at_us - self._first_us) / self._replay.speed)

    def fields(self, event: str, fields: dict[str, object], seq_no: int) -> dict[str, object]:
        """Return the fields of a frame as they are sent.

        ``seq_no`` is what summaries and funding get: their numbers are times.
        """
        survey = self._replay.surveys[str(fields["market"])]
        moved = dict(fields)
        for name in ("ts", "createdAt", "lastUpdatedAt"):
            if name in moved:
                moved[name] = self.time(int(str(moved[name])))
        if event in BOOK_EVENTS:
            seq = int(str(moved["seq"]))
            moved["seq"] = seq + self._number * survey.seqs.span() if seq > 0 else seq
        elif "seq" in moved:
            moved["seq"] = seq_no
        if event == "trade":
            number = trade_id(fields) + self._number * survey.trade_ids.span()
            moved["tradeId"], moved["tradeIdStr"] = number, str(number)
        if event == "funding_data" and survey.first_index is not None:
            went = survey.last_index - survey.first_index
            index = Decimal(str(moved["fundingIndex"]))
            moved["fundingIndex"] = index + self._number * went
        return moved


def _rules(entry: Mapping[str, Any], survey: MarketSurvey) -> RecordedRules:
    symbol = str(entry.get("symbol"))
    margin = entry.get("delta1_cross_margin_params") or {}
    try:
        return RecordedRules(
            symbol=symbol,
            base=str(entry.get("base_currency") or symbol.partition("-")[0]),
            tick=_amount(entry, "price_tick_size"),
            step=_amount(entry, "order_size_increment"),
            max_order_size=_amount(entry, "max_order_size", "1000000000"),
            position_limit=_amount(entry, "position_limit", "1000000000"),
            reference_price=survey.first_price or Decimal(1),
            min_notional=_amount(entry, "min_notional", "0"),
            price_band=_amount(entry, "price_bands_width", "0.05"),
            max_slippage=_amount(entry, "max_slippage", "0.01"),
            max_open_orders=int(entry.get("max_open_orders") or 150),
            imf_base=_amount(margin, "imf_base", "0.1"),
            mmf_factor=_amount(margin, "mmf_factor", "0.5"),
            kind=str(entry.get("asset_kind") or "PERP"),
            trading_mode=str(entry.get("trading_mode") or "STANDARD"),
            expiry_at=int(entry.get("expiry_at") or 0),
            strike=_amount(entry, "strike_price", "0") or None,
            option_type=str(entry.get("option_type") or ""),
            funding_period_hours=int(entry.get("funding_period_hours") or 8),
            entry=entry,
        )
    except (ArithmeticError, TypeError, ValueError) as error:
        raise ValueError(f"the instrument {symbol} cannot be read") from error


def _amount(entry: Mapping[str, Any], name: str, default: str | None = None) -> Decimal:
    text = entry.get(name)
    amount = Decimal(str(default if text in (None, "") and default is not None else text))
    if not amount.is_finite() or amount < 0 or (default is None and not amount):
        raise ValueError(f"{name} is {amount_text(amount) if amount.is_finite() else amount}")
    return amount
