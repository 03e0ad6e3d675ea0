"""Leverage and margin type of a market: set as the configuration has them, and read back.

Specification: ``GET /account/margin`` and ``POST /account/margin/{market}`` of the venue's OpenAPI
document.
"""

from collections.abc import Mapping
from typing import Final

import orjson

from paradex_adapter.venue.errors import ConfigurationError, RequestRejected
from paradex_adapter.venue.http import HttpClient
from paradex_adapter_core.messages.account import MarginConfig
from paradex_adapter_core.parsers.account import parse_margin_configs

CROSS: Final = "CROSS"
ISOLATED: Final = "ISOLATED"
MARGIN_TYPES: Final = (CROSS, ISOLATED)


async def apply_margin_settings(
    http: HttpClient, settings: Mapping[str, tuple[int, str]]
) -> dict[str, tuple[int, str]]:
    """Bring the account's margin settings to those given; return the ones that were changed.

    Parameters
    ----------
    http : HttpClient
        With a token of the account.
    settings : Mapping[str, tuple[int, str]]
        Leverage, and `CROSS` or `ISOLATED`, by the venue's symbol of the market.

    Raises
    ------
    ConfigurationError
        If the venue refuses a setting, or shows another one after taking it.
    ParadexError
        If it does not answer.
    """
    changed: dict[str, tuple[int, str]] = {}
    for market, wanted in settings.items():
        try:
            if await _read(http, market) == wanted:
                continue
            leverage, margin_type = wanted
            body = orjson.dumps({"leverage": leverage, "margin_type": margin_type})
            await http.post_account_margin(market, body)
            held = await _read(http, market)
        except RequestRejected as error:
            raise ConfigurationError(
                f"margin_configs of {market}", f"Paradex refuses it: {error.code} {error.message}"
            ) from error
        if held != wanted:
            raise ConfigurationError(
                f"margin_configs of {market}",
                f"Paradex took {wanted[0]}x {wanted[1]} and shows "
                + ("no setting" if held is None else f"{held[0]}x {held[1]}"),
            )
        changed[market] = wanted
    return changed


async def _read(http: HttpClient, market: str) -> tuple[int, str] | None:
    rows = parse_margin_configs(await http.get_account_margin(market))
    return next((_held(row) for row in rows if row.market == market), None)


def _held(row: MarginConfig) -> tuple[int, str]:
    """Return what holds in a market: isolated positions may have a leverage of their own."""
    has_own = row.margin_type == ISOLATED and row.isolated_leverage > 0
    return row.isolated_leverage if has_own else row.leverage, row.margin_type
