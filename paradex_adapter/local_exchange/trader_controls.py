"""What a test grants an account: what it may order, tokens to pay with, isolated accounts."""

from __future__ import annotations

from decimal import Decimal, localcontext

from paradex_adapter.local_exchange import stark
from paradex_adapter.local_exchange.accounts import Account
from paradex_adapter.local_exchange.amounts import MONEY, ZERO
from paradex_adapter.local_exchange.book import BUY
from paradex_adapter.local_exchange.fees import DIME_MARKET
from paradex_adapter.local_exchange.markets import Market
from paradex_adapter.local_exchange.sequences import Clock


class TraderControls:
    """What accounts of a local exchange may do, and have."""

    seed: int
    _clock: Clock
    _markets: dict[str, Market]

    def _account(self, address: str | None) -> Account:
        raise NotImplementedError

    def _listed(self, symbol: str) -> Market:
        raise NotImplementedError

    def _register(self, address: str, public_key: int, cash: Decimal) -> Account:
        raise NotImplementedError

    def allow_rpi(self, account_address: str | None = None, is_allowed: bool = True) -> None:
        """Let an account place RPI orders, or do so no longer; open ones stay."""
        self._account(account_address).is_rpi_allowed = is_allowed

    def allow_mmp(self, account_address: str | None = None, is_allowed: bool = True) -> None:
        """Let an account use market maker protection; what it configured stays in force."""
        self._account(account_address).protection.is_enabled = is_allowed

    def give_tokens(
        self,
        size: Decimal | str,
        market: str = DIME_MARKET,
        account_address: str | None = None,
    ) -> None:
        """Give an account tokens of a spot market, as if bought at its mark price; DIME by default.

        Raises
        ------
        ValueError
            When there is no such spot market.
        """
        listed, account = self._listed(market), self._account(account_address)
        if listed.rules.kind != "SPOT":
            raise ValueError(f"{market} is no spot market")
        now_ms = self._clock.now_ms()
        with localcontext(MONEY):
            account.holding(listed, now_ms).apply(BUY, Decimal(size), listed.mark_price, now_ms)

    def add_isolated_account(
        self,
        market: str,
        account_address: str | None = None,
        balance: Decimal | str = ZERO,
    ) -> str:
        """Open the account that holds an account's isolated positions in a market.

        It is traded with ``on_behalf_of_account``, signed for as the account itself is, and has no
        key of its own. Its address is returned.
        """
        account, listed = self._account(account_address), self._listed(market)
        label = f"isolated:{account.address}:{listed.symbol}"
        address = hex(stark.public_key(stark.private_key_from_seed(self.seed, label)))
        account.isolated[address] = (
            self._register(address, 0, Decimal(balance)),
            listed.symbol,
        )
        return address
