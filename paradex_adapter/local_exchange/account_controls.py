"""What happens to an account without its client: the venue acts on it, or another client does."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from paradex_adapter.local_exchange import stark
from paradex_adapter.local_exchange.accounts import Account
from paradex_adapter.local_exchange.amounts import MONEY, ZERO, amount_text
from paradex_adapter.local_exchange.book import opposite
from paradex_adapter.local_exchange.gateway import Gateway
from paradex_adapter.local_exchange.internal_orders import InternalOrders
from paradex_adapter.local_exchange.interventions import InterventionEngine
from paradex_adapter.local_exchange.markets import Market
from paradex_adapter.local_exchange.options import Options
from paradex_adapter.local_exchange.orders import Order
from paradex_adapter.local_exchange.outcomes import OutcomeQueue
from paradex_adapter.local_exchange.sequences import Clock
from paradex_adapter.local_exchange.tokens import Session

#: The smallest share that is liquidated at once.
LIQUIDATION_SHARE: Final = Decimal("0.2")
#: Whose key signs what another client of an account sends.
OTHER_CLIENT: Final = "another client"

Amount = Decimal | int | str


class AccountControls:
    """The accounts of a local exchange as the venue and other clients act on them."""

    seed: int
    options: Options
    _clock: Clock
    _markets: dict[str, Market]
    _accounts: dict[str, Account]
    _interventions: InterventionEngine
    _internal: InternalOrders
    _gateway: Gateway
    _outcomes: OutcomeQueue
    _makers: Account
    _takers: Account

    def _account(self, address: str | None) -> Account:
        raise NotImplementedError

    def _listed(self, symbol: str) -> Market:
        raise NotImplementedError

    def _order(self, order_id: str) -> Order:
        for account in self._accounts.values():
            if order_id in account.orders:
                return account.orders[order_id]
        raise ValueError(f"no order {order_id}")

    # --- The venue acts -----------------------------------------------------------------------

    def bust_fill(
        self, fill_id: str, account_address: str | None = None, fill_type: str = "FILL"
    ) -> None:
        """Revert a trade on both sides: positions, cash, fees, and what its orders have filled.

        It is told by ``tradebusts``, balances, positions and orders; the fill stays listed. An open
        order works on with what comes back to it, a closed one stays closed.

        Parameters
        ----------
        fill_id : str
            The id of the fill, which is unique among the account's fills of its type.
        account_address : str, optional
            Whose fill it is; of the first account when absent.
        fill_type : str
            Its type.

        Raises
        ------
        ValueError
            When there is no such fill, it was reverted already, or it settled a market.
        """
        account = self._account(account_address)
        for fill in reversed(account.fills):
            if (fill.id, fill.fill_type) == (fill_id, fill_type):
                self._interventions.bust(fill)
                return
        raise ValueError(f"no {fill_type} {fill_id}")

    def liquidate(
        self,
        account_address: str | None = None,
        market: str | None = None,
        share: Amount = LIQUIDATION_SHARE,
        *,
        is_ended: bool = True,
    ) -> list[str]:
        """Liquidate a share of an account's positions, or of one; return the ids of the fills.

        The account's status is LIQUIDATION, all its orders are canceled (``IN_LIQUIDATION``), and
        the positions shrink at the mark price by fills of type LIQUIDATION that have no order.

        Parameters
        ----------
        account_address : str, optional
            The account; the first when absent.
        market : str, optional
            Where the position is; every one when absent.
        share : Decimal or str
            How much of each position, up to 1.
        is_ended : bool
            Whether the account is ACTIVE again at once. If not, its orders are refused
            (``IN_LIQUIDATION``) until `end_liquidation`.

        Raises
        ------
        ValueError
            When there is no such market, or the share is not above 0 and up to 1.
        """
        account, portion = self._account(account_address), Decimal(share)
        if not 0 < portion <= 1:
            raise ValueError("share must be above 0 and up to 1")
        held = (symbol for symbol, position in account.positions.items() if position.size)
        markets = [self._listed(symbol) for symbol in (held if market is None else [market])]
        fills = self._interventions.liquidate(account, self._makers, markets, portion)
        if is_ended:
            self._interventions.set_status(account, "ACTIVE")
        return [fill.id for fill in fills]

    def end_liquidation(self, account_address: str | None = None) -> None:
        """Let an account be ACTIVE again."""
        self._interventions.set_status(self._account(account_address), "ACTIVE")

    def deleverage(self, account_address: str | None = None) -> list[str]:
        """Cancel an account's orders that would take on risk (``DELEVERAGE``); return their ids.

        Orders that only reduce a position stay, and so do conditional ones that wait.
        """
        return [
            order.id for order in self._interventions.deleverage(self._account(account_address))
        ]

    def unwind_transfer(
        self,
        market: str,
        side: str,
        size: Amount,
        price: Amount | None = None,
        account_address: str | None = None,
    ) -> str:
        """Transfer a part of a position to an account, or from it; return the id of the fill.

        It is a fill of type UNWIND_TRANSFER without an order and without a fee, at the mark price
        unless one is given, against an account of the venue's own.
        """
        return self._fill_beside(market, side, size, price, "UNWIND_TRANSFER", account_address)

    def block_trade(
        self,
        market: str,
        side: str,
        size: Amount,
        price: Amount | None = None,
        account_address: str | None = None,
        counterparty_address: str | None = None,
    ) -> str:
        """Let an account trade off the book; return the id of the fill.

        It is a fill of type BLOCK_TRADE without an order, at the mark price unless one is given,
        with the fee of a taker, against another account or one of the venue's own, which pays none.
        """
        return self._fill_beside(
            market, side, size, price, "BLOCK_TRADE", account_address, counterparty_address
        )

    def _fill_beside(
        self,
        market: str,
        side: str,
        size: Amount,
        price: Amount | None,
        fill_type: str,
        account_address: str | None,
        counterparty_address: str | None = None,
    ) -> str:
        account, listed = self._account(account_address), self._listed(market)
        other = self._makers
        if counterparty_address is not None:
            other = self._account(counterparty_address)
        if side not in ("BUY", "SELL") or Decimal(size) <= 0 or other is account:
            raise ValueError("a trade has a side, a size and two accounts")
        at = listed.mark_price if price is None else Decimal(price)
        rate = account.rate(listed, "TAKER") if fill_type == "BLOCK_TRADE" else ZERO
        fill = self._interventions.fill_beside(
            account, other, listed, side, Decimal(size), at, fill_type, rate
        )
        return fill.id

    def deposit(
        self, amount: Amount, account_address: str | None = None, *, failure_reason: str = ""
    ) -> str:
        """Let USDC come in; return the transfer's id.

        ``transfers`` tells it as PENDING, then as COMPLETED, or as FAILED where a reason is given.
        """
        return self._transfer("DEPOSIT", amount, account_address, failure_reason)

    def withdraw(
        self, amount: Amount, account_address: str | None = None, *, failure_reason: str = ""
    ) -> str:
        """Let USDC go out, as `deposit` lets it come in.

        Raises
        ------
        ValueError
            When the account has not as much collateral free.
        """
        free = self._account(account_address).margin(self._markets).free
        if Decimal(amount) > free:
            raise ValueError(f"only {free} are free")
        return self._transfer("WITHDRAWAL", amount, account_address, failure_reason)

    def _transfer(
        self, kind: str, amount: Amount, account_address: str | None, failure_reason: str
    ) -> str:
        if Decimal(amount) <= 0:
            raise ValueError("a transfer has an amount above 0")
        account = self._account(account_address)
        return self._interventions.transfer(account, kind, Decimal(amount), failure_reason)

    def accrue_funding(self, market: str, amount: Amount) -> None:
        """Let each unit held long owe this much more USDC, and each unit sold short be owed it.

        It is paid when the position changes: by a fill, a liquidation, a settlement.
        """
        accruing = self._listed(market)
        accruing.funding_index = MONEY.add(accruing.funding_index, Decimal(amount))

    # --- Another client acts ------------------------------------------------------------------

    def place_order(
        self,
        side: str,
        size: Amount,
        price: Amount = "0",
        *,
        market: str = "BTC-USD-PERP",
        account_address: str | None = None,
        **fields: Any,
    ) -> str:
        """Place an order as another client of an account would; return the venue's id.

        It is signed with a key of its own, checked as any request, and takes effect in a later turn
        of the loop.

        Parameters
        ----------
        side : str
            ``BUY`` or ``SELL``.
        size, price : Decimal or str
            A market order where the price is 0.
        market : str
            The market.
        account_address : str, optional
            The account; the first when absent.
        **fields : Any
            Further fields of the request, or others than these: ``client_id``, ``instruction``,
            ``type``, ``flags``, ``trigger_price`` and so on.

        Raises
        ------
        VenueError
            As the venue refuses it.
        """
        account = self._account(account_address)
        private_key = stark.private_key_from_seed(self.seed, OTHER_CLIENT)
        public_key = stark.public_key(private_key)
        account.subkeys.add(public_key)
        is_market = not Decimal(price)
        body: dict[str, Any] = {
            "market": market,
            "side": side,
            "type": "MARKET" if is_market else "LIMIT",
            "size": amount_text(Decimal(size)),
            "price": amount_text(Decimal(price)),
            "instruction": "IOC" if is_market else "GTC",
            "signature_timestamp": self._clock.now_ms(),
            **fields,
        }
        message_hash = stark.order_hash(
            self.options.chain_id,
            int(account.address, 16),
            body["signature_timestamp"],
            body["market"],
            body["side"],
            body["type"],
            Decimal(body["size"]),
            Decimal(body["price"]),
        )
        r, s = stark.sign(message_hash, private_key)
        body["signature"] = f'["{r}","{s}"]'
        return self._gateway.place(Session(account, public_key), body).id

    def cancel_order(self, order_id: str, reason: str = "USER_CANCELED") -> None:
        """Cancel an order of any account in a later turn of the loop, as another client would.

        With another reason the venue does: ``EXPIRED``, ``MMP_TRIGGERED``, ``DELEVERAGE``.

        Raises
        ------
        ValueError
            When there is no such order, or it is closed.
        """
        order = self._order(order_id)
        if order.status == "CLOSED":
            raise ValueError(f"order {order_id} is closed")
        self._outcomes.put(lambda: self._interventions.cancel(order, reason))

    def fill_order(self, order_id: str, size: Amount | None = None) -> None:
        """Let the exchange's own taker fill a resting order, whatever rests before it.

        Raises
        ------
        ValueError
            When it does not rest, or the size is more than remains of it.
        """
        order = self._order(order_id)
        amount = order.remaining if size is None else Decimal(size)
        if order.status != "OPEN" or not 0 < amount <= order.remaining:
            raise ValueError(f"order {order_id} does not rest with {amount}")
        market = self._markets[order.market]
        taker = self._internal.limit_of(
            self._takers, market, opposite(order.side), order.price, amount
        )
        self._interventions.meet(order, taker)
