"""Positions, margin, balances, fees and payments of an account."""

from typing import Final, final

from mypy_extensions import mypyc_attr

from paradex_adapter_core.vocabulary import KIND_ACCOUNT, KIND_FUNDING_PAYMENT, KIND_POSITION


@final
@mypyc_attr(acyclic=True)
class Position:
    """One net position: websocket ``positions``, REST /positions (PositionResp).

    ``size`` is signed here whatever the encoding: negative when short, 0 when closed.
    """

    def __init__(
        self,
        account: str,
        market: str,
        status: int,
        size: int,
        average_entry_price: int | None,
        average_entry_price_usd: int | None,
        unrealized_pnl: int | None,
        realized_pnl: int | None,
        realized_funding: int | None,
        liquidation_price: int | None,
        last_fill_id: str,
        seq_no: int,
        feed: int,
        ts_updated: int,
    ) -> None:
        self.kind: Final = KIND_POSITION
        self.account: Final = account
        self.market: Final = market
        self.status: Final = status
        self.size: Final = size
        self.average_entry_price: Final = average_entry_price
        self.average_entry_price_usd: Final = average_entry_price_usd
        self.unrealized_pnl: Final = unrealized_pnl
        self.realized_pnl: Final = realized_pnl
        self.realized_funding: Final = realized_funding
        self.liquidation_price: Final = liquidation_price
        self.last_fill_id: Final = last_fill_id
        self.seq_no: Final = seq_no
        self.feed: Final = feed
        self.ts_updated: Final = ts_updated


@final
@mypyc_attr(acyclic=True)
class AccountSummary:
    """Margin state of the account: channel ``account``, REST /account (AccountSummaryResponse)."""

    def __init__(
        self,
        account: str,
        status: str,
        account_value: int,
        total_collateral: int,
        free_collateral: int,
        initial_margin: int,
        maintenance_margin: int,
        settlement_asset: str,
        seq_no: int,
        feed: int,
        ts_updated: int,
    ) -> None:
        self.kind: Final = KIND_ACCOUNT
        self.account: Final = account
        self.status: Final = status
        self.account_value: Final = account_value
        self.total_collateral: Final = total_collateral
        self.free_collateral: Final = free_collateral
        self.initial_margin: Final = initial_margin
        self.maintenance_margin: Final = maintenance_margin
        self.settlement_asset: Final = settlement_asset
        self.seq_no: Final = seq_no
        self.feed: Final = feed
        self.ts_updated: Final = ts_updated


@final
@mypyc_attr(acyclic=True)
class Balance:
    """Holding of one token: REST /balance (BalanceResp). ``size`` is rounded to 1e-8."""

    def __init__(self, token: str, size: int, ts_updated: int) -> None:
        self.token: Final = token
        self.size: Final = size
        self.ts_updated: Final = ts_updated


@final
@mypyc_attr(acyclic=True)
class AccountFees:
    """Fee rates (1e-12) of one account: REST /account/info (AccountInfoResponse).

    A rate the venue does not name is ``None``; negative is a rebate.
    """

    def __init__(
        self,
        account: str,
        account_kind: str,
        parent_account: str,
        maker_rate: int | None,
        taker_rate: int | None,
        spot_maker_rate: int | None,
        spot_taker_rate: int | None,
        dated_option_maker_rate: int | None,
        dated_option_taker_rate: int | None,
        perp_option_maker_rate: int | None,
        perp_option_taker_rate: int | None,
    ) -> None:
        self.account: Final = account
        self.account_kind: Final = account_kind
        self.parent_account: Final = parent_account
        self.maker_rate: Final = maker_rate
        self.taker_rate: Final = taker_rate
        self.spot_maker_rate: Final = spot_maker_rate
        self.spot_taker_rate: Final = spot_taker_rate
        self.dated_option_maker_rate: Final = dated_option_maker_rate
        self.dated_option_taker_rate: Final = dated_option_taker_rate
        self.perp_option_maker_rate: Final = perp_option_maker_rate
        self.perp_option_taker_rate: Final = perp_option_taker_rate


@final
@mypyc_attr(acyclic=True)
class FundingPayment:
    """Funding realized by the account: ``funding_payments``, REST /funding/payments.

    ``payment`` is positive when received, in the settlement currency, ``funding_index`` the
    market's at that time; both are rounded to 1e-8. ``fill_id`` is empty where no fill realized it.
    """

    def __init__(
        self,
        account: str,
        payment_id: str,
        market: str,
        payment: int,
        funding_index: int | None,
        fill_id: str,
        ts_event: int,
    ) -> None:
        self.kind: Final = KIND_FUNDING_PAYMENT
        self.account: Final = account
        self.payment_id: Final = payment_id
        self.market: Final = market
        self.payment: Final = payment
        self.funding_index: Final = funding_index
        self.fill_id: Final = fill_id
        self.ts_event: Final = ts_event


@final
@mypyc_attr(acyclic=True)
class MarginConfig:
    """Margin mode and leverage the account set for one market: REST /account/margin.

    ``isolated_leverage`` is 0 where the venue does not tell it.
    """

    def __init__(
        self, market: str, margin_type: str, leverage: int, isolated_leverage: int
    ) -> None:
        self.market: Final = market
        self.margin_type: Final = margin_type
        self.leverage: Final = leverage
        self.isolated_leverage: Final = isolated_leverage
