"""What can be set when an exchange is made."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from paradex_adapter.local_exchange.markets import MarketRules
from paradex_adapter.local_exchange.replay import Replay

TESTNET_CHAIN_ID: Final = "PRIVATE_SN_POTC_SEPOLIA"


@dataclass(frozen=True, slots=True)
class Options:
    """Options of a local exchange.

    Parameters
    ----------
    simulation_interval_ms : int
        Time between two steps of the simulated makers and takers; 0 leaves the books to the test.
    private_sbe : bool
        Whether private channels come as binary frames on a connection that negotiated SBE.
    accept_plain : bool
        Whether a connection without SBE is accepted, or refused with HTTP 400.
    sbe_versions : tuple[int, ...]
        Schema versions served; others get HTTP 400.
    long_layout : bool
        Which of the two layouts of schema version 2 is sent.
    outcome_delay_ms : int
        Time between the answer to a command and its outcome; 0 is the next turn of the loop.
    retail_delay_ms : int
        How much later orders, changes and cancels sent with an interactive token take effect.
    token_lifetime_secs : int
        Life of an access token.
    chain_id : str
        ``starknet_chain_id`` of ``GET /system/config``.
    balance : Decimal
        USDC of the account that exists from the start.
    onboarding_balance : Decimal
        USDC an account gets that onboards itself.
    usdc_price : Decimal
        USD price of USDC: ``cost`` and ``average_entry_price`` of positions are in USDC, their
        ``_usd`` namesakes in USD. Profits are not converted.
    is_fill_side_of_taker : bool
        Whether ``side`` of a fill is the taker's, as the specification says, or the account's own.
    is_order_before_fill : bool
        Whether an order's new state is sent before the fills that led to it, or after them.
    enforce_rate_limits : bool
        Whether an empty bucket is answered with HTTP 429, or only shown in the headers.
    ping_interval_secs, pong_timeout_secs, heartbeat_interval_secs : float
        Protocol ping, the time its answer may take, and the heartbeat of idle SBE connections.
    summary_interval_ms, funding_interval_ms : int
        Time between two frames of ``markets_summary`` and of ``funding_data``.
    funding : bool
        Whether funding accrues: the rate and each second the index move, and fills realize it.
    history_hours : int
        How far back trades, candles and funding reach before the start; at most 720.
    markets : tuple[MarketRules, ...], optional
        The markets listed; some of every kind when absent, see `listing.default_markets`.
    simulated_markets : tuple[str, ...], optional
        The markets with simulated makers and takers, by symbol. When absent: the crypto perpetuals
        of the default markets, or every market given that trades on a book.
    replay : Replay, optional
        A recording to play back as the public feed, with its own markets; nothing is simulated,
        and there is no past before the start.
    """

    simulation_interval_ms: int = 250
    private_sbe: bool = False
    accept_plain: bool = True
    sbe_versions: tuple[int, ...] = (0, 1, 2, 3)
    long_layout: bool = True
    outcome_delay_ms: int = 0
    retail_delay_ms: int = 300
    token_lifetime_secs: int = 300
    chain_id: str = TESTNET_CHAIN_ID
    balance: Decimal = Decimal(100_000)
    onboarding_balance: Decimal = Decimal(0)
    usdc_price: Decimal = Decimal(1)
    is_fill_side_of_taker: bool = False
    is_order_before_fill: bool = False
    enforce_rate_limits: bool = False
    ping_interval_secs: float = 55.0
    pong_timeout_secs: float = 5.0
    heartbeat_interval_secs: float = 20.0
    summary_interval_ms: int = 1000
    funding_interval_ms: int = 5000
    funding: bool = False
    history_hours: int = 24
    markets: tuple[MarketRules, ...] | None = None
    simulated_markets: tuple[str, ...] | None = None
    replay: Replay | None = None
