"""How the binary schema's types are packed: the venue's words, numbers and addresses."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, localcontext
from typing import Final, NamedTuple

NULL_I64: Final = -(2**63)
I64_MAX: Final = 2**63 - 1
ACCOUNT_BYTES: Final = 32
# Enough for any 64-bit mantissa and for an operand too long to fit, which is then refused.
DECIMAL_DIGITS: Final = 100

NON_REPRESENTABLE: Final = 254

SIDE: Final = {"BUY": 1, "SELL": 2}
ORDER_TYPE: Final = {
    "LIMIT": 1,
    "MARKET": 2,
    "STOP_LIMIT": 3,
    "STOP_MARKET": 4,
    "TAKE_PROFIT_LIMIT": 5,
    "TAKE_PROFIT_MARKET": 6,
    "STOP_LOSS_LIMIT": 7,
    "STOP_LOSS_MARKET": 8,
}
ORDER_STATUS: Final = {"NEW": 1, "UNTRIGGERED": 2, "OPEN": 3, "CLOSED": 4}
TIME_IN_FORCE: Final = {"GTC": 1, "IOC": 2, "POST_ONLY": 3, "RPI": 4}
FILL_TYPE: Final = {
    "FILL": 1,
    "LIQUIDATION": 2,
    "UNWIND_TRANSFER": 3,
    "SETTLE_MARKET": 4,
    "RPI": 5,
    "BLOCK_TRADE": 6,
}
LIQUIDITY: Final = {"MAKER": 1, "TAKER": 2}
STP: Final = {"NONE": 0, "EXPIRE_MAKER": 1, "EXPIRE_TAKER": 2, "EXPIRE_BOTH": 3}
PACKAGE: Final = {"SNAPSHOT": 0, "DELTA": 1}
POSITION_STATUS: Final = {"OPEN": 1, "CLOSED": 2, "UNSPECIFIED": 3}
ACCOUNT_STATUS: Final = {"ACTIVE": 1, "LIQUIDATION": 2}
REQUEST_STATUS: Final = {
    "UNSPECIFIED": 0,
    "PENDING": 1,
    "PROCESSED": 2,
    "REJECTED": 3,
    "SUCCESS": 4,
}
REQUEST_TYPE: Final = {"UNSPECIFIED": 0, "MODIFY_ORDER": 1}
ASSET_KIND: Final = {"UNSPECIFIED": 0, "PERPETUAL_FUTURE": 1, "OPTION": 2, "SPOT": 3}
FUNDING_SOURCE: Final = {
    "UNSPECIFIED": 0,
    "PARADEX": 1,
    "BINANCE": 2,
    "BYBIT": 3,
    "OKX": 4,
    "DERIBIT": 5,
    "DERIVE": 6,
    "HYPERLIQUID": 7,
    "LIGHTER": 8,
    "DATABENTO": 9,
    "PUBLISHER": 10,
    "PYTH": 11,
    "STORK": 12,
}
ORDER_FLAGS: Final = {
    "REDUCE_ONLY": 0,
    "STOP_CONDITION_BELOW_TRIGGER": 1,
    "STOP_CONDITION_ABOVE_TRIGGER": 2,
    "INTERACTIVE": 3,
    "TARGET_STRATEGY_VWAP": 4,
    "MMP": 5,
}
FLAG_SINCE: Final = {"MMP": 2}
FILL_FLAGS: Final = {"INTERACTIVE": 0, "RPI": 1, "FASTFILL": 2, "UNKNOWN": 7}

Encoder = Callable[[object, int], object]
"""Turns one value into what `struct` packs; the second argument is the schema version."""
Decoder = Callable[[int], object]
"""Turns what `struct` unpacks into the value again."""


def _as_it_is(packed: int) -> object:
    return packed


class Kind(NamedTuple):
    """How one type of the schema is packed, and read again where public frames have it."""

    code: str
    encode: Encoder
    decode: Decoder = _as_it_is


def _integer(value: object, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"needs an int, got {type(value).__name__}")
    if not low <= value <= high:
        raise ValueError(f"{value} does not fit")
    return value


def _ranged(low: int, high: int) -> Encoder:
    return lambda value, _version: _integer(value, low, high)


def _mantissa(value: object, places: int, *, is_cut: bool) -> int:
    if not isinstance(value, Decimal):
        raise ValueError(f"needs a Decimal, got {type(value).__name__}")
    if not value.is_finite():
        raise ValueError(f"{value} is not a number")
    with localcontext() as context:
        context.prec = DECIMAL_DIGITS
        scaled = value.scaleb(places)
        mantissa = int(scaled)
    if mantissa != scaled and not is_cut:
        raise ValueError(f"{value} has more than {places} decimals")
    return mantissa


def _fixed(places: int, *, is_nullable: bool, is_cut: bool = False) -> Encoder:
    """Return an encoder to a scaled integer; `is_cut` drops further decimals as the venue does."""

    def encode_fixed(value: object, _version: int) -> int:
        if value is None and is_nullable:
            return NULL_I64
        return _integer(_mantissa(value, places, is_cut=is_cut), NULL_I64 + 1, I64_MAX)

    return encode_fixed


def _lifetime_volume(value: object, _version: int) -> int:
    # The venue lets this one figure saturate: the largest integer stands for "at least that much".
    return _integer(min(_mantissa(value, 8, is_cut=False), I64_MAX), 0, I64_MAX)


def _nullable_integer(value: object, _version: int) -> int:
    return NULL_I64 if value is None else _integer(value, NULL_I64 + 1, I64_MAX)


def _low_64_bits(value: object, _version: int) -> int:
    # A trade id has 28 digits; the old field holds its low half, negative for some.
    unsigned = _integer(value, 0, 2**128) & (2**64 - 1)
    return unsigned - 2**64 if unsigned > I64_MAX else unsigned


def _scaled_by(places: int) -> Decoder:
    def decode_fixed(packed: int) -> object:
        return None if packed == NULL_I64 else Decimal(packed).scaleb(-places)

    return decode_fixed


def enum(words: Mapping[str, int], *, has_unnamed: bool = True) -> Kind:
    """Return the kind of an enumeration: one word, one byte.

    Most enumerations keep one value for words the schema cannot name.
    """
    every_word = dict(words, NON_REPRESENTABLE=NON_REPRESENTABLE) if has_unnamed else words

    def encode_word(value: object, _version: int) -> int:
        if not isinstance(value, str) or value not in every_word:
            raise ValueError(f"unknown word {value!r}")
        return every_word[value]

    named = {number: word for word, number in every_word.items()}
    # A word of a later schema is what it is to a client of this one: not representable.
    unnamed = "NON_REPRESENTABLE" if has_unnamed else next(iter(words))
    return Kind("B", encode_word, lambda packed: named.get(packed, unnamed))


def bits(words: Mapping[str, int]) -> Kind:
    """Return the kind of a bitset: any words, one byte."""

    def encode_bits(value: object, version: int) -> int:
        if isinstance(value, str) or not isinstance(value, Iterable):
            raise ValueError("needs an iterable of words")
        bits = 0
        for word in value:
            if word not in words:
                raise ValueError(f"unknown word {word!r}")
            if version >= FLAG_SINCE.get(word, 0):
                bits |= 1 << words[word]
        return bits

    return Kind("B", encode_bits)


def _account(value: object, _version: int) -> bytes:
    if not isinstance(value, str) or not value.startswith("0x"):
        raise ValueError("needs hex text beginning with 0x")
    return int(value, 16).to_bytes(ACCOUNT_BYTES, "big")


TIME: Final = Kind("q", _ranged(0, I64_MAX))
I64: Final = Kind("q", _ranged(NULL_I64 + 1, I64_MAX))
I64_NULLABLE: Final = Kind("q", _nullable_integer)
TRADE_ID: Final = Kind("q", _low_64_bits)
U64: Final = Kind("Q", _ranged(0, 2**64 - 1))
I16: Final = Kind("h", _ranged(-(2**15) + 1, 2**15 - 1))
ACCOUNT: Final = Kind(f"{ACCOUNT_BYTES}s", _account)
# Prices, sizes and values share one form on the wire; rates are cut to their decimals.
FIXED_8: Final = Kind("q", _fixed(8, is_nullable=False), _scaled_by(8))
FIXED_8_NULLABLE: Final = Kind("q", _fixed(8, is_nullable=True), _scaled_by(8))
RATE_8: Final = Kind("q", _fixed(8, is_nullable=False, is_cut=True), _scaled_by(8))
RATE_8_NULLABLE: Final = Kind("q", _fixed(8, is_nullable=True, is_cut=True), _scaled_by(8))
RATE_12: Final = Kind("q", _fixed(12, is_nullable=False, is_cut=True), _scaled_by(12))
RATE_12_NULLABLE: Final = Kind("q", _fixed(12, is_nullable=True, is_cut=True), _scaled_by(12))
VOLUME: Final = Kind("q", _lifetime_volume, _scaled_by(8))
