"""The names by which NautilusTrader knows the venue, and the addresses of its environments."""

from enum import Enum, unique
from typing import Final

from nautilus_trader.model.identifiers import ClientId, Venue

PARADEX: Final = "PARADEX"
PARADEX_VENUE: Final = Venue(PARADEX)
PARADEX_CLIENT_ID: Final = ClientId(PARADEX)


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
