"""What an account chose per market: its leverage, and the slippage its market orders accept."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal
from typing import Final

from paradex_adapter.local_exchange.accounts import Account
from paradex_adapter.local_exchange.amounts import ZERO, amount_text, parse_amount
from paradex_adapter.local_exchange.errors import VenueError
from paradex_adapter.local_exchange.markets import Market

MARGIN_TYPES: Final = ("CROSS", "ISOLATED")
METHODOLOGY: Final = "cross_margin"


def leverage_max(market: Market) -> int:
    """Return the most that a market's own margin rate allows.

    Raises
    ------
    VenueError
        ``VALIDATION_ERROR`` where margin is no share of a position's value.
    """
    if market.rules.kind != "PERP" or market.rules.is_option:
        raise VenueError("VALIDATION_ERROR", "market: has no leverage to set")
    return int((1 / market.rules.imf_base).to_integral_value(ROUND_DOWN))


def margin_response(account: Account, market: Market) -> dict[str, object]:
    """Return the body of ``GET /account/margin``; nothing set is the most there is."""
    return {
        "account": account.address,
        "margin_methodology": METHODOLOGY,
        "configs": [
            {
                "market": market.symbol,
                "leverage": account.leverages.get(market.symbol, leverage_max(market)),
                "margin_type": "CROSS",
                "isolated_margin_leverage": 0,
            }
        ],
    }


def set_margin(
    account: Account, market: Market, markets: Mapping[str, Market], body: object
) -> dict[str, object]:
    """Set a market's leverage and return what is set.

    Raises
    ------
    VenueError
        ``MARKET_MARGIN_RESTRICTED`` for isolated margin, which nobody can enter any more;
        ``VALIDATION_ERROR`` for a leverage that the market does not have or that the account's
        collateral does not carry. The venue's word for the latter is not known.
    """
    if not isinstance(body, dict):
        raise VenueError("BINDING_ERROR", "request body: expected a JSON object")
    leverage, margin_type = body.get("leverage"), body.get("margin_type")
    if isinstance(leverage, bool) or not isinstance(leverage, int):
        raise VenueError("BINDING_ERROR", "leverage: expected an integer")
    most = leverage_max(market)
    if not 1 <= leverage <= most:
        raise VenueError("VALIDATION_ERROR", f"leverage: must be 1 to {most}")
    if margin_type not in MARGIN_TYPES:
        words = ", ".join(MARGIN_TYPES)
        raise VenueError("VALIDATION_ERROR", f"margin_type: must be one of {words}")
    if body.get("on_behalf_of_account") not in (None, "", account.address):
        raise VenueError("REQUEST_NOT_ALLOWED", "on_behalf_of_account: no isolated account")
    if margin_type == "ISOLATED":
        raise VenueError("MARKET_MARGIN_RESTRICTED", "isolated margin is reduce-only")
    _set_leverage(account, market, markets, leverage)
    return {
        "account": account.address,
        "market": market.symbol,
        "leverage": leverage,
        "margin_type": margin_type,
    }


def _set_leverage(
    account: Account, market: Market, markets: Mapping[str, Market], leverage: int
) -> None:
    kept = dict(account.leverages)
    before = account.margin(markets)
    account.leverages[market.symbol] = leverage
    after = account.margin(markets)
    if after.initial > before.initial and after.free < 0:
        account.leverages = kept
        raise VenueError("VALIDATION_ERROR", "leverage: not enough collateral")


def set_max_slippage(account: Account, market: Market, body: object) -> None:
    """Set the share of the best price that a market order's average may be worse by.

    Raises
    ------
    VenueError
        ``BINDING_ERROR`` or ``VALIDATION_ERROR``.
    """
    if not isinstance(body, dict):
        raise VenueError("BINDING_ERROR", "request body: expected a JSON object")
    slippage = parse_amount(body.get("max_slippage"), "max_slippage")
    if not ZERO < slippage < 1:
        raise VenueError("VALIDATION_ERROR", "max_slippage: must be between 0 and 1")
    account.max_slippages[market.symbol] = slippage


def profile_response(account: Account) -> dict[str, object]:
    """Return the body of ``GET /account/profile``: of a user who never touched it otherwise."""
    shared = {"last_updated_at": 0, "share_rate": "0"}
    nobody = {"id": "", "image_url": "", "username": ""}
    slippages: dict[str, Decimal] = account.max_slippages
    return {
        "ai_agent_url": "",
        "discord": nobody,
        "is_username_private": True,
        "last_seen_notification": 0,
        "market_max_slippage": {name: amount_text(share) for name, share in slippages.items()},
        "marketed_by": "",
        "nfts": [],
        "notifications": {
            "announcements": False,
            "fill_sound": True,
            "fills": True,
            "orders": True,
            "transfers": True,
        },
        "referral": {
            "commission_rate": "0",
            "commission_volume_cap": "0",
            "discount_rate": "0",
            "discount_volume_cap": "0",
            "minimum_volume": "0",
            "name": "",
            "points_bonus_rate": "0",
            "points_bonus_volume_cap": "0",
            "referral_type": "",
        },
        "referral_code": "",
        "referred_by": "",
        "size_currency_display": "BASE",
        "tap_share_rate": shared,
        "tap_status": "NONE",
        "twitter": nobody,
        "twitter_following": {},
        "username": "",
        "xp_share_rate": shared,
    }
