"""What a fill costs, and in which token it is paid."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from paradex_adapter.local_exchange.accounts import Account
from paradex_adapter.local_exchange.amounts import AVERAGE_STEP, ZERO
from paradex_adapter.local_exchange.book import SELL
from paradex_adapter.local_exchange.markets import Market
from paradex_adapter.local_exchange.orders import Order

USDC: Final = "USDC"
DIME: Final = "DIME"
#: The market whose mark price says what DIME is worth.
DIME_MARKET: Final = "DIME-USD"
#: What paying in DIME saves. The venue names it for fees of takers; here it holds for any fee.
DIME_DISCOUNT: Final = Decimal("0.4")


def fee_rate(order: Order, account: Account, market: Market, liquidity: str) -> Decimal:
    """Return the rate of a fill: retail traders pay nothing, nor does what waits for them alone."""
    if order.is_interactive or order.is_rpi:
        return ZERO
    return account.rate(market, liquidity)


def charge(
    account: Account, order: Order | None, fee: Decimal, markets: Mapping[str, Market], now_ms: int
) -> tuple[Decimal, str]:
    """Take a fee (USDC) from an account; return what was paid, and in which token.

    DIME is taken where the order asks for it and the account has enough, USDC otherwise.
    """
    token, market = account.tokens.get(DIME_MARKET), markets.get(DIME_MARKET)
    if order is not None and order.is_dime_preferred and fee > 0 and token and market:
        amount = (fee * (1 - DIME_DISCOUNT) / market.mark_price).quantize(AVERAGE_STEP)
        if amount <= token.size:
            token.apply(SELL, amount, market.mark_price, now_ms)
            return amount, DIME
    account.cash -= fee
    return fee, USDC
