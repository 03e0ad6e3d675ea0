"""What the venue tells beyond Nautilus' own data types.

Subscribe with the data type and this adapter's client id, for one market or, without metadata, for
all of them (trade types always need one)::

    DataType(ParadexMarketSummary, {"instrument_id": "BTC-USD-PERP.PARADEX"})

Each class can be written to and read from a Parquet catalog, a feather stream and a cache. Numbers
are exact decimals, ``None`` where the venue has none.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, ClassVar, Final, Self

import pyarrow as pa  # type: ignore[import-untyped]
from nautilus_trader.core.data import Data
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.serialization.arrow.serializer import register_arrow
from nautilus_trader.serialization.base import register_serializable_type

from paradex_adapter_core.messages.market_data import (
    FundingRateComparison,
    MarketSummary,
    TradeTuple,
)
from paradex_adapter_core.vocabulary import (
    ASSET_KINDS,
    FILL_TYPE_NAMES,
    FUNDING_SOURCES,
    RATE_SCALE,
    SIDE_BUY,
    SIDE_SELL,
    UNITS_SCALE,
)

DECIMAL_DIGITS: Final = 38
AMOUNT: Final = pa.decimal128(DECIMAL_DIGITS, UNITS_SCALE)
_RATE: Final = pa.decimal128(DECIMAL_DIGITS, RATE_SCALE)
TIME: Final = pa.uint64()
TEXT: Final = pa.string()

_ASSET_KIND_NAMES: Final = {code: word for word, code in ASSET_KINDS.items() if word}
_SOURCE_NAMES: Final = {code: word for word, code in FUNDING_SOURCES.items() if code}
_SIDE_NAMES: Final = {SIDE_BUY: "BUY", SIDE_SELL: "SELL"}
_UNKNOWN: Final = "UNKNOWN"


class ParadexData(Data):
    """What the classes of this module share: times, comparison and serialization.

    Parameters
    ----------
    instrument_id : InstrumentId
        The instrument.
    ts_event : int
        When it was so at the venue, in nanoseconds since the Unix epoch.
    ts_init : int
        When it was received, likewise.
    **fields
        A value for each of `FIELDS`.
    """

    FIELDS: ClassVar[dict[str, pa.DataType]] = {}

    def __init__(
        self, instrument_id: InstrumentId, ts_event: int, ts_init: int, **fields: Any
    ) -> None:
        if fields.keys() != self.FIELDS.keys():
            raise TypeError(f"{type(self).__name__} takes exactly {', '.join(self.FIELDS)}")
        self.instrument_id = instrument_id
        self._ts_event = ts_event
        self._ts_init = ts_init
        for name, value in fields.items():
            setattr(self, name, value)

    @property
    def ts_event(self) -> int:
        """When it was so at the venue, in nanoseconds since the Unix epoch."""
        return self._ts_event

    @property
    def ts_init(self) -> int:
        """When it was received, in nanoseconds since the Unix epoch."""
        return self._ts_init

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self.instrument_id, self._ts_event, self._ts_init))

    def __repr__(self) -> str:
        # Zero as a decimal of eight places would show as 0E-8.
        values = {k: f"{v:f}" if isinstance(v, Decimal) else v for k, v in self._values().items()}
        told = (f"{k}={v}" for k, v in values.items() if v is not None)
        return f"{type(self).__name__}({', '.join(told)})"

    def to_dict(self) -> dict[str, Any]:
        """Return its values as JSON has them: decimals and the instrument id as text."""
        values = {**self._values(), "type": type(self).__name__}
        return {k: str(v) if isinstance(v, Decimal) else v for k, v in values.items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Return what `to_dict` gave the values of."""
        return cls(
            instrument_id=InstrumentId.from_str(values["instrument_id"]),
            ts_event=values["ts_event"],
            ts_init=values["ts_init"],
            **{name: _to_field(values[name], kind) for name, kind in cls.FIELDS.items()},
        )

    @classmethod
    def schema(cls) -> pa.Schema:
        """Return the columns of its Arrow tables."""
        return pa.schema(
            {
                "instrument_id": TEXT,
                **cls.FIELDS,
                "ts_event": TIME,
                "ts_init": TIME,
                "type": TEXT,
            },
            metadata={"type": cls.__name__},
        )

    @classmethod
    def to_arrow(cls, rows: "Self | Iterable[Self]") -> pa.RecordBatch:
        """Return one or several as a batch of Arrow rows."""
        listed = [rows] if isinstance(rows, cls) else list(rows)
        return pa.RecordBatch.from_pylist(
            [{**row._values(), "type": cls.__name__} for row in listed], schema=cls.schema()
        )

    @classmethod
    def from_arrow(cls, table: pa.Table) -> list[Self]:
        """Return the rows of an Arrow table."""
        return [cls.from_dict(row) for row in table.to_pylist()]

    def _values(self) -> dict[str, Any]:
        return {
            "instrument_id": self.instrument_id.value,
            **{name: getattr(self, name) for name in self.FIELDS},
            "ts_event": self._ts_event,
            "ts_init": self._ts_init,
        }


class ParadexMarketSummary(ParadexData):
    """The summary of one market, about once a second: channel ``markets_summary``.

    Prices, sizes, open interest (base currency) and volumes (USD) are in units, rates and
    volatilities fractions. ``total_volume`` saturates at about 92 billion: a lower bound then.
    """

    FIELDS: ClassVar[dict[str, pa.DataType]] = {
        **dict.fromkeys(
            (
                "mark_price",
                "index_price",
                "last_price",
                "bid",
                "bid_size",
                "ask",
                "ask_size",
                "open_interest",
                "volume_24h",
                "total_volume",
                "external_fair_price",
                "settlement_twap_estimate",
            ),
            AMOUNT,
        ),
        **dict.fromkeys(
            (
                "price_change_rate_24h",
                "funding_rate",
                "future_funding_rate",
                "mark_iv",
                "bid_iv",
                "ask_iv",
                "last_iv",
                "delta",
                "gamma",
                "vega",
                "theta",
                "rho",
                "vanna",
                "volga",
                "forward_rate",
                "risk_free_rate",
            ),
            _RATE,
        ),
    }


class ParadexTradeType(ParadexData):
    """What kind of trade a public trade was: channel ``trades``.

    ``trade_id`` is that of the `TradeTick`; ``trade_type`` the venue's word, such as "FILL",
    "LIQUIDATION", "RPI" or "BLOCK_TRADE", and "UNKNOWN" for one this release does not know;
    ``aggressor_side`` is "BUY", "SELL" or "UNKNOWN".
    """

    FIELDS: ClassVar[dict[str, pa.DataType]] = {
        "trade_id": TEXT,
        "trade_type": TEXT,
        "aggressor_side": TEXT,
        "price": AMOUNT,
        "size": AMOUNT,
    }


class ParadexFundingComparison(ParadexData):
    """The hourly funding rate of a market at one venue: channel ``funding_rate_comparison``.

    ``source`` is the venue, such as "BINANCE", "UNKNOWN" for one this release does not know;
    ``asset_kind`` such as "PERP"; ``ts_updated`` (ns) when the source gave the rate.
    """

    FIELDS: ClassVar[dict[str, pa.DataType]] = {
        "source": TEXT,
        "asset_kind": TEXT,
        "hourly_funding_rate": _RATE,
        "ts_updated": TIME,
    }


def summary_to_custom(
    summary: MarketSummary, instrument_id: InstrumentId, ts_init: int
) -> ParadexMarketSummary:
    """Return a market's summary as custom data."""
    return ParadexMarketSummary(
        instrument_id,
        summary.ts_event,
        ts_init,
        **{
            name: units_to_field(getattr(summary, name), kind)
            for name, kind in ParadexMarketSummary.FIELDS.items()
        },
    )


def trade_to_custom(
    trade: TradeTuple, trade_id: str, instrument_id: InstrumentId, ts_init: int
) -> ParadexTradeType:
    """Return the type of a trade as custom data; `trade_id` is that of its `TradeTick`."""
    _, _, _, aggressor_side, price, size, trade_type, _, ts_event = trade
    return ParadexTradeType(
        instrument_id,
        ts_event,
        ts_init,
        trade_id=trade_id,
        trade_type=FILL_TYPE_NAMES.get(trade_type, _UNKNOWN),
        aggressor_side=_SIDE_NAMES.get(aggressor_side, _UNKNOWN),
        price=units_to_field(price, AMOUNT),
        size=units_to_field(size, AMOUNT),
    )


def comparison_to_custom(
    comparison: FundingRateComparison, instrument_id: InstrumentId, ts_init: int
) -> ParadexFundingComparison:
    """Return a funding rate of another venue as custom data."""
    return ParadexFundingComparison(
        instrument_id,
        comparison.ts_event,
        ts_init,
        source=_SOURCE_NAMES.get(comparison.source, _UNKNOWN),
        asset_kind=_ASSET_KIND_NAMES.get(comparison.asset_kind, _UNKNOWN),
        hourly_funding_rate=units_to_field(comparison.hourly_funding_rate, _RATE),
        ts_updated=comparison.ts_updated,
    )


def units_to_field(units: int | None, kind: pa.DataType) -> Decimal | None:
    """Return scaled units as a column of `kind` holds them."""
    # From text: arithmetic would round to the precision of the caller's decimal context.
    return None if units is None else Decimal(f"{units}e-{kind.scale}")


def _to_field(value: Any, kind: pa.DataType) -> Any:
    is_decimal = value is not None and pa.types.is_decimal(kind)
    return Decimal(value) if is_decimal else value


CUSTOM_TYPES: Final[tuple[type[ParadexData], ...]] = (
    ParadexMarketSummary,
    ParadexTradeType,
    ParadexFundingComparison,
)


def register_custom_types(types: Iterable[type[ParadexData]]) -> None:
    """Let NautilusTrader write and read custom data of these classes."""
    for custom_type in types:
        register_serializable_type(custom_type, custom_type.to_dict, custom_type.from_dict)
        register_arrow(
            custom_type,
            custom_type.schema(),
            custom_type.to_arrow,
            custom_type.from_arrow,
            custom_type.to_arrow,
        )


register_custom_types(CUSTOM_TYPES)
