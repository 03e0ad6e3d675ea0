"""The venue's words as integers, with tables from and to their text.

Codes are the numbers of the venue's binary schema where it has them, so a binary enum needs no
table. Zero always means "a word outside the vocabulary": it is counted and tolerated, never guessed
at.
"""

from typing import Final

UNKNOWN: Final = 0

# Decimals held by the scaled integers of a message: prices, sizes, values; and rates.
UNITS_SCALE: Final = 8
UNITS_PER_ONE: Final = 100_000_000
RATE_SCALE: Final = 12

# First item of the flat tuples and `kind` of every message.
KIND_TRADE: Final = 1
KIND_BBO: Final = 2
KIND_BOOK: Final = 3
KIND_MARKET_SUMMARY: Final = 4
KIND_FUNDING_DATA: Final = 5
KIND_FUNDING_RATE_COMPARISON: Final = 6
KIND_ORDER: Final = 20
KIND_FILL: Final = 21
KIND_POSITION: Final = 22
KIND_ACCOUNT: Final = 23
# These come as JSON alone.
KIND_FUNDING_PAYMENT: Final = 30
KIND_TRADE_BUST: Final = 31
KIND_HEARTBEAT: Final = 40
KIND_SUBSCRIBED: Final = 41
KIND_RPC_RESULT: Final = 100
KIND_RPC_ERROR: Final = 101
KIND_OTHER: Final = 102

SIDE_BUY: Final = 1
SIDE_SELL: Final = 2
SIDES: Final[dict[str, int]] = {"BUY": SIDE_BUY, "SELL": SIDE_SELL}
POSITION_SIDES: Final[dict[str, int]] = {"LONG": SIDE_BUY, "SHORT": SIDE_SELL}

ORDER_LIMIT: Final = 1
ORDER_MARKET: Final = 2
ORDER_STOP_LIMIT: Final = 3
ORDER_STOP_MARKET: Final = 4
ORDER_TAKE_PROFIT_LIMIT: Final = 5
ORDER_TAKE_PROFIT_MARKET: Final = 6
ORDER_STOP_LOSS_LIMIT: Final = 7
ORDER_STOP_LOSS_MARKET: Final = 8
ORDER_TYPES: Final[dict[str, int]] = {
    "LIMIT": ORDER_LIMIT,
    "MARKET": ORDER_MARKET,
    "STOP_LIMIT": ORDER_STOP_LIMIT,
    "STOP_MARKET": ORDER_STOP_MARKET,
    "TAKE_PROFIT_LIMIT": ORDER_TAKE_PROFIT_LIMIT,
    "TAKE_PROFIT_MARKET": ORDER_TAKE_PROFIT_MARKET,
    "STOP_LOSS_LIMIT": ORDER_STOP_LOSS_LIMIT,
    "STOP_LOSS_MARKET": ORDER_STOP_LOSS_MARKET,
}
# The types that wait for a trigger, and those with a price of ours: that of a market kind is the
# venue's affair.
CONDITIONAL_TYPES: Final[frozenset[int]] = frozenset(
    [
        ORDER_STOP_LIMIT,
        ORDER_STOP_MARKET,
        ORDER_TAKE_PROFIT_LIMIT,
        ORDER_TAKE_PROFIT_MARKET,
        ORDER_STOP_LOSS_LIMIT,
        ORDER_STOP_LOSS_MARKET,
    ]
)
PRICED_TYPES: Final[frozenset[int]] = frozenset(
    [ORDER_LIMIT, ORDER_STOP_LIMIT, ORDER_TAKE_PROFIT_LIMIT, ORDER_STOP_LOSS_LIMIT]
)

STATUS_NEW: Final = 1
STATUS_UNTRIGGERED: Final = 2
STATUS_OPEN: Final = 3
STATUS_CLOSED: Final = 4
ORDER_STATUSES: Final[dict[str, int]] = {
    "NEW": STATUS_NEW,
    "UNTRIGGERED": STATUS_UNTRIGGERED,
    "OPEN": STATUS_OPEN,
    "CLOSED": STATUS_CLOSED,
}

# An engine-rejected order carries an empty instruction; it reads as GTC.
INSTRUCTION_GTC: Final = 1
INSTRUCTION_IOC: Final = 2
INSTRUCTION_POST_ONLY: Final = 3
INSTRUCTION_RPI: Final = 4
INSTRUCTIONS: Final[dict[str, int]] = {
    "": INSTRUCTION_GTC,
    "GTC": INSTRUCTION_GTC,
    "IOC": INSTRUCTION_IOC,
    "POST_ONLY": INSTRUCTION_POST_ONLY,
    "RPI": INSTRUCTION_RPI,
}

ALGO_TWAP: Final = 1
ALGO_TYPES: Final[dict[str, int]] = {"TWAP": ALGO_TWAP}

# What becomes of one order of a batch cancel.
CANCEL_QUEUED: Final = "QUEUED_FOR_CANCELLATION"

FILL_ORDINARY: Final = 1
FILL_LIQUIDATION: Final = 2
FILL_UNWIND_TRANSFER: Final = 3
FILL_SETTLE_MARKET: Final = 4
FILL_RPI: Final = 5
FILL_BLOCK_TRADE: Final = 6
# The venue renamed TRANSFER to UNWIND_TRANSFER on 2026-07-22; older rows keep the old word.
FILL_TYPES: Final[dict[str, int]] = {
    "FILL": FILL_ORDINARY,
    "LIQUIDATION": FILL_LIQUIDATION,
    "UNWIND_TRANSFER": FILL_UNWIND_TRANSFER,
    "TRANSFER": FILL_UNWIND_TRANSFER,
    "SETTLE_MARKET": FILL_SETTLE_MARKET,
    "RPI": FILL_RPI,
    "BLOCK_TRADE": FILL_BLOCK_TRADE,
}
FILL_TYPE_NAMES: Final[dict[int, str]] = {
    UNKNOWN: "UNKNOWN",
    FILL_ORDINARY: "FILL",
    FILL_LIQUIDATION: "LIQUIDATION",
    FILL_UNWIND_TRANSFER: "UNWIND_TRANSFER",
    FILL_SETTLE_MARKET: "SETTLE_MARKET",
    FILL_RPI: "RPI",
    FILL_BLOCK_TRADE: "BLOCK_TRADE",
}

LIQUIDITY_MAKER: Final = 1
LIQUIDITY_TAKER: Final = 2
LIQUIDITIES: Final[dict[str, int]] = {"MAKER": LIQUIDITY_MAKER, "TAKER": LIQUIDITY_TAKER}

STP_NONE: Final = 0
STP_EXPIRE_MAKER: Final = 1
STP_EXPIRE_TAKER: Final = 2
STP_EXPIRE_BOTH: Final = 3
STP_MODES: Final[dict[str, int]] = {
    "": STP_NONE,
    "NONE": STP_NONE,
    "EXPIRE_MAKER": STP_EXPIRE_MAKER,
    "EXPIRE_TAKER": STP_EXPIRE_TAKER,
    "EXPIRE_BOTH": STP_EXPIRE_BOTH,
}

# Order flags as a bit set, in the order of the binary schema.
FLAG_REDUCE_ONLY: Final = 1
FLAG_STOP_BELOW_TRIGGER: Final = 2
FLAG_STOP_ABOVE_TRIGGER: Final = 4
FLAG_INTERACTIVE: Final = 8
FLAG_TARGET_STRATEGY_VWAP: Final = 16
FLAG_MMP: Final = 32
ORDER_FLAGS: Final[dict[str, int]] = {
    "REDUCE_ONLY": FLAG_REDUCE_ONLY,
    "STOP_CONDITION_BELOW_TRIGGER": FLAG_STOP_BELOW_TRIGGER,
    "STOP_CONDITION_ABOVE_TRIGGER": FLAG_STOP_ABOVE_TRIGGER,
    "INTERACTIVE": FLAG_INTERACTIVE,
    "TARGET_STRATEGY_VWAP": FLAG_TARGET_STRATEGY_VWAP,
    "MMP": FLAG_MMP,
}

FILL_FLAG_INTERACTIVE: Final = 1
FILL_FLAG_RPI: Final = 2
FILL_FLAG_FASTFILL: Final = 4
FILL_FLAGS: Final[dict[str, int]] = {
    "interactive": FILL_FLAG_INTERACTIVE,
    "rpi": FILL_FLAG_RPI,
    "fastfill": FILL_FLAG_FASTFILL,
}

POSITION_OPEN: Final = 1
POSITION_CLOSED: Final = 2
POSITION_STATUSES: Final[dict[str, int]] = {"OPEN": POSITION_OPEN, "CLOSED": POSITION_CLOSED}

REQUEST_NONE: Final = 0
REQUEST_PENDING: Final = 1
REQUEST_PROCESSED: Final = 2
REQUEST_REJECTED: Final = 3
REQUEST_SUCCESS: Final = 4
# The JSON feed may spell these with the prefix of the enumeration.
REQUEST_STATUSES: Final[dict[str, int]] = {
    "": REQUEST_NONE,
    "UNSPECIFIED": REQUEST_NONE,
    "PENDING": REQUEST_PENDING,
    "PROCESSED": REQUEST_PROCESSED,
    "REJECTED": REQUEST_REJECTED,
    "SUCCESS": REQUEST_SUCCESS,
    "REQUEST_STATUS_UNSPECIFIED": REQUEST_NONE,
    "REQUEST_STATUS_PENDING": REQUEST_PENDING,
    "REQUEST_STATUS_PROCESSED": REQUEST_PROCESSED,
    "REQUEST_STATUS_REJECTED": REQUEST_REJECTED,
    "REQUEST_STATUS_SUCCESS": REQUEST_SUCCESS,
}
REQUEST_MODIFY_ORDER: Final = 1
REQUEST_TYPES: Final[dict[str, int]] = {
    "": REQUEST_NONE,
    "UNSPECIFIED": REQUEST_NONE,
    "MODIFY_ORDER": REQUEST_MODIFY_ORDER,
    "REQUEST_TYPE_UNSPECIFIED": REQUEST_NONE,
    "REQUEST_TYPE_MODIFY_ORDER": REQUEST_MODIFY_ORDER,
}

KIND_PERP: Final = 1
KIND_OPTION: Final = 2
KIND_SPOT: Final = 3
KIND_PERP_OPTION: Final = 4
KIND_FUTURE: Final = 5
ASSET_KINDS: Final[dict[str, int]] = {
    "PERP": KIND_PERP,
    "OPTION": KIND_OPTION,
    "SPOT": KIND_SPOT,
    "PERP_OPTION": KIND_PERP_OPTION,
    "FUTURE": KIND_FUTURE,
}

OPTION_NONE: Final = 0
OPTION_CALL: Final = 1
OPTION_PUT: Final = 2
OPTION_TYPES: Final[dict[str, int]] = {"": OPTION_NONE, "CALL": OPTION_CALL, "PUT": OPTION_PUT}

# Markets listed before the mode existed carry none; they trade on the book.
TRADING_STANDARD: Final = 1
TRADING_RFQ_ONLY: Final = 2
TRADING_MODES: Final[dict[str, int]] = {
    "": TRADING_STANDARD,
    "STANDARD": TRADING_STANDARD,
    "RFQ_ONLY": TRADING_RFQ_ONLY,
}

MARKET_CREATED: Final = 1
MARKET_UPDATED: Final = 2
MARKET_SETTLED: Final = 3
MARKET_DELETED: Final = 4
MARKET_EVENTS: Final[dict[str, int]] = {
    "CREATED": MARKET_CREATED,
    "UPDATED": MARKET_UPDATED,
    "SETTLED": MARKET_SETTLED,
    "DELETED": MARKET_DELETED,
}

# Venues of the funding rate comparison; new ones read as 0 until named here.
FUNDING_SOURCES: Final[dict[str, int]] = {
    "": UNKNOWN,
    "UNSPECIFIED": UNKNOWN,
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

# Where a message came from. Sequence numbers of orders and positions compare only within one feed.
FEED_REST: Final = 1
FEED_STREAM: Final = 2

# Reasons with which the engine refuses an order that never worked, as opposed to canceling one.
REJECT_REASONS: Final[frozenset[str]] = frozenset(
    [
        "ASSET_EXPIRED",
        "ASSET_UNAVAILABLE",
        "EXCEEDS_MAX_SLIPPAGE",
        "MARKET_NOT_OPEN",
        "MMP_FROZEN",
        "MMP_NOT_CONFIGURED",
        "NOT_ENOUGH_MARGIN",
        "ORDER_EXCEEDS_POSITION_LIMIT",
        "ORDER_SIZE_BELOW_MIN",
        "ORDER_TYPE_INVALID",
        "POST_ONLY_WOULD_CROSS",
        "PRICE_NOT_AVAILABLE",
        "REDUCE_ONLY_WILL_INCREASE",
        "SELF_TRADE",
        "TIMEOUT",
        "UNEXPECTED_FAILURE",
    ]
)
POST_ONLY_REASON: Final = "POST_ONLY_WOULD_CROSS"
EXPIRE_REASONS: Final[frozenset[str]] = frozenset(["EXPIRED", "ASSET_EXPIRED"])
