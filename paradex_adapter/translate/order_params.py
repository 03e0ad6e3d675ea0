"""What a strategy may ask of Paradex beyond NautilusTrader's own fields: ``params`` of a command.

Pure functions. A key or a value that is not known is an error, never passed over: the order would
be another one than was meant.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeGuard

from paradex_adapter.venue.order_requests import RECV_WINDOW_MS_MAX, RECV_WINDOW_MS_MIN
from paradex_adapter_core.decimals import DECIMAL_CHARS_MAX, parse_exact
from paradex_adapter_core.errors import InexactDecimal
from paradex_adapter_core.vocabulary import (
    STP_EXPIRE_BOTH,
    STP_EXPIRE_MAKER,
    STP_EXPIRE_TAKER,
    STP_NONE,
    UNITS_PER_ONE,
    UNITS_SCALE,
)

ADDRESS_HEX_DIGITS_MAX: Final = 64
TWAP_DURATION_SECS_MIN: Final = 30
TWAP_DURATION_SECS_MAX: Final = 86_400
TWAP_STEP_SECS: Final = 30
TWAP_INTERVAL_SECS_MIN: Final = 30
VWAP_PRICE_UNITS_MAX: Final = 10**10 * UNITS_PER_ONE
# Of a refused text, how much is shown.
SHOWN_CHARS_MAX: Final = 40

_STP_MODES: Final = {
    "EXPIRE_MAKER": STP_EXPIRE_MAKER,
    "EXPIRE_TAKER": STP_EXPIRE_TAKER,
    "EXPIRE_BOTH": STP_EXPIRE_BOTH,
}


class UnusableParams(ValueError):
    """Params that are none of Paradex; the text says which and why."""


@dataclass(frozen=True, slots=True)
class TwapTerms:
    """How long a TWAP order trades, and how often; seconds."""

    duration_secs: int
    interval_secs: int = TWAP_STEP_SECS


@dataclass(frozen=True, slots=True)
class OrderParams:
    """Params of an order, by type.

    Attributes
    ----------
    rpi : bool
        Retail price improvement: post-only, filled by retail traders alone.
    mmp : bool
        Canceled together with the account's others when market maker protection trips.
    stp : int
        What happens to orders of one account that would trade with each other: a code of
        `vocabulary`, `STP_NONE` for the venue's default.
    vwap_price : int, optional
        The worst average price a market order may have, in 1e-8.
    recv_window_ms : int, optional
        How long after signing the venue may still take the order; by default the client's.
    dime_discount : bool
        Pay fees in DIME.
    on_behalf_of_account : str
        The isolated margin account the order is for; empty for the account itself.
    twap : TwapTerms, optional
        Traded in parts over time.
    """

    rpi: bool = False
    mmp: bool = False
    stp: int = STP_NONE
    vwap_price: int | None = None
    recv_window_ms: int | None = None
    dime_discount: bool = False
    on_behalf_of_account: str = ""
    twap: TwapTerms | None = None


NO_PARAMS: Final = OrderParams()


def parse_order_params(params: Mapping[str, object] | None) -> OrderParams:
    """Return `params` of a ``SubmitOrder`` or ``SubmitOrderList``, checked.

    Raises
    ------
    UnusableParams
        If a key is not known or its value not one it may have.
    """
    if not params:
        return NO_PARAMS
    values = {}
    for key, value in params.items():
        parse = _PARSERS.get(key)
        if parse is None:
            known = ", ".join(_PARSERS)
            raise UnusableParams(f"params[{_show(key)}] is not known to Paradex: use {known}")
        values[key] = parse(f"params[{key!r}]", value)
    return OrderParams(**values)


def _parse_flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise UnusableParams(f"{name} must be True or False, not {_show(value)}")
    return value


def _parse_stp(name: str, value: object) -> int:
    mode = _STP_MODES.get(value) if isinstance(value, str) else None
    if mode is None:
        raise UnusableParams(f"{name} must be {', '.join(_STP_MODES)}, not {_show(value)}")
    return mode


def _parse_vwap_price(name: str, value: object) -> int:
    text = value
    if isinstance(value, Decimal):
        # Written out, an exponent could be a million digits.
        is_short = value.is_finite() and -DECIMAL_CHARS_MAX < value.adjusted() < DECIMAL_CHARS_MAX
        text = format(value, "f") if is_short else None
    try:
        # Never a float: what it says is not what was written.
        units = parse_exact(text, UNITS_SCALE) if isinstance(text, str) else 0
    except InexactDecimal:
        units = 0
    if not 0 < units <= VWAP_PRICE_UNITS_MAX:
        raise UnusableParams(
            f"{name} must be a positive Decimal or decimal text of at most {UNITS_SCALE} "
            f"decimals, not {_show(value)}"
        )
    return units


def _parse_recv_window(name: str, value: object) -> int:
    if not _is_between(value, RECV_WINDOW_MS_MIN, RECV_WINDOW_MS_MAX):
        raise UnusableParams(
            f"{name} must be {RECV_WINDOW_MS_MIN} to {RECV_WINDOW_MS_MAX} milliseconds, "
            f"not {_show(value)}"
        )
    return value


def _parse_address(name: str, value: object) -> str:
    digits = value[2:] if isinstance(value, str) and value[:2] == "0x" else ""
    is_hex = all(digit in "0123456789abcdefABCDEF" for digit in digits[:ADDRESS_HEX_DIGITS_MAX])
    if not 0 < len(digits) <= ADDRESS_HEX_DIGITS_MAX or not is_hex:
        raise UnusableParams(f"{name} must be an address, 0x and hex digits, not {_show(value)}")
    return f"0x{digits}"


def _parse_twap(name: str, value: object) -> TwapTerms:
    if not isinstance(value, Mapping) or not set(value) <= {"duration_secs", "interval_secs"}:
        raise UnusableParams(
            f"{name} must be a mapping of duration_secs and interval_secs, not {_show(value)}"
        )
    duration, interval = value.get("duration_secs"), value.get("interval_secs", TWAP_STEP_SECS)
    if not _is_between(duration, TWAP_DURATION_SECS_MIN, TWAP_DURATION_SECS_MAX) or (
        duration % TWAP_STEP_SECS
    ):
        raise UnusableParams(
            f"{name}['duration_secs'] must be {TWAP_DURATION_SECS_MIN} to "
            f"{TWAP_DURATION_SECS_MAX} in steps of {TWAP_STEP_SECS}, not {_show(duration)}"
        )
    if not _is_between(interval, TWAP_INTERVAL_SECS_MIN, duration) or duration % interval:
        raise UnusableParams(
            f"{name}['interval_secs'] must be at least {TWAP_INTERVAL_SECS_MIN} and divide "
            f"duration_secs, not {_show(interval)}"
        )
    return TwapTerms(duration, interval)


def _is_between(value: object, least: int, most: int) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _show(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN_CHARS_MAX else f"{text[:SHOWN_CHARS_MAX]}..."


_PARSERS: Final[dict[str, Callable[[str, object], Any]]] = {
    "rpi": _parse_flag,
    "mmp": _parse_flag,
    "stp": _parse_stp,
    "vwap_price": _parse_vwap_price,
    "recv_window_ms": _parse_recv_window,
    "dime_discount": _parse_flag,
    "on_behalf_of_account": _parse_address,
    "twap": _parse_twap,
}
