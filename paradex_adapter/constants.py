"""The venue's names in NautilusTrader, its addresses, and how long a node waits for it."""

from enum import Enum, unique
from typing import Final

from nautilus_trader.model.identifiers import ClientId, Venue

PARADEX: Final = "PARADEX"
PARADEX_VENUE: Final = Venue(PARADEX)
PARADEX_CLIENT_ID: Final = ClientId(PARADEX)

# Below the 60 s a node waits for its clients by default: past them it stops starting, in silence.
CONNECT_SECS_MAX: Final = 45.0


@unique
class ParadexEnvironment(Enum):
    """Which Paradex exchange to trade on."""

    MAINNET = "MAINNET"
    TESTNET = "TESTNET"

    @classmethod
    def _missing_(cls, value: object) -> "ParadexEnvironment | None":
        # A configuration file may well say "testnet".
        return cls.__members__.get(value.upper()) if isinstance(value, str) else None


# https://docs.paradex.trade, "API URLs"; with the version, without a query.
BASE_URLS_HTTP: Final[dict[ParadexEnvironment, str]] = {
    ParadexEnvironment.MAINNET: "https://api.prod.paradex.trade/v1",
    ParadexEnvironment.TESTNET: "https://api.testnet.paradex.trade/v1",
}
BASE_URLS_WS: Final[dict[ParadexEnvironment, str]] = {
    ParadexEnvironment.MAINNET: "wss://ws.api.prod.paradex.trade/v1",
    ParadexEnvironment.TESTNET: "wss://ws.api.testnet.paradex.trade/v1",
}
