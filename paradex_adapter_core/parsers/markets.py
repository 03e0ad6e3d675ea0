"""Markets and their tickers: REST /markets and /markets/summary, channel ``markets_summary``."""

from paradex_adapter_core.messages import Market, MarketSummary


def parse_markets(body: bytes, counters: dict[str, int] | None = None) -> list[Market]:
    raise NotImplementedError


def parse_market_summaries(
    body: bytes, counters: dict[str, int] | None = None
) -> list[MarketSummary]:
    raise NotImplementedError
