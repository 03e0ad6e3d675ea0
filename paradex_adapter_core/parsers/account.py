"""Private JSON: orders, fills, positions, balances; REST bodies and stream ``data`` objects."""

from paradex_adapter_core.messages import (
    AccountFees,
    AccountSummary,
    Balance,
    CancelResult,
    Fill,
    FundingPayment,
    MarginConfig,
    OrderUpdate,
    Position,
)


def parse_order(body: bytes, feed: int, counters: dict[str, int] | None = None) -> OrderUpdate:
    raise NotImplementedError


def parse_order_created(result: bytes, counters: dict[str, int] | None = None) -> OrderUpdate:
    raise NotImplementedError


def parse_orders(body: bytes, counters: dict[str, int] | None = None) -> list[OrderUpdate]:
    raise NotImplementedError


def parse_orders_page(
    body: bytes, counters: dict[str, int] | None = None
) -> tuple[list[OrderUpdate], str | None]:
    raise NotImplementedError


def parse_batch(
    body: bytes, counters: dict[str, int] | None = None
) -> tuple[list[OrderUpdate], list[tuple[str, str]]]:
    raise NotImplementedError


def parse_cancel_results(body: bytes, counters: dict[str, int] | None = None) -> list[CancelResult]:
    raise NotImplementedError


def parse_fills_page(
    body: bytes, counters: dict[str, int] | None = None
) -> tuple[list[Fill], str | None]:
    raise NotImplementedError


def parse_positions(body: bytes, counters: dict[str, int] | None = None) -> list[Position]:
    raise NotImplementedError


def parse_account(body: bytes) -> AccountSummary:
    raise NotImplementedError


def parse_balances(body: bytes, counters: dict[str, int] | None = None) -> list[Balance]:
    raise NotImplementedError


def parse_account_info(body: bytes, counters: dict[str, int] | None = None) -> list[AccountFees]:
    raise NotImplementedError


def parse_funding_payments(
    body: bytes, counters: dict[str, int] | None = None
) -> tuple[list[FundingPayment], str | None]:
    raise NotImplementedError


def parse_margin_configs(body: bytes, counters: dict[str, int] | None = None) -> list[MarginConfig]:
    raise NotImplementedError
