"""Public JSON: trades, quotes, books, funding, bars; REST bodies and stream ``data`` objects."""

from paradex_adapter_core.messages import (
    BboTuple,
    BookTuple,
    FundingData,
    KlineTuple,
    TradeTuple,
)


def parse_bbo(body: bytes) -> BboTuple:
    raise NotImplementedError


def parse_orderbook(body: bytes) -> BookTuple:
    raise NotImplementedError


def parse_trades(
    body: bytes, counters: dict[str, int] | None = None
) -> tuple[list[TradeTuple], str | None]:
    raise NotImplementedError


def parse_funding_data(
    body: bytes, counters: dict[str, int] | None = None
) -> tuple[list[FundingData], str | None]:
    raise NotImplementedError


def parse_klines(body: bytes, counters: dict[str, int] | None = None) -> list[KlineTuple]:
    raise NotImplementedError
