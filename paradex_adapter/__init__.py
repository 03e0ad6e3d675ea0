"""Trade the Paradex exchange from NautilusTrader.

The public names load on first use: whoever wants only the local exchange, or the venue layer, does
not pay for importing NautilusTrader.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

from paradex_adapter_core.version import __version__

if TYPE_CHECKING:
    from paradex_adapter.account_data import (
        ParadexAlgoOrder,
        ParadexFundingPayment,
        ParadexTradeBust,
    )
    from paradex_adapter.config import ParadexDataClientConfig, ParadexExecClientConfig
    from paradex_adapter.constants import (
        PARADEX,
        PARADEX_CLIENT_ID,
        PARADEX_VENUE,
        ParadexEnvironment,
    )
    from paradex_adapter.custom_data import (
        ParadexFundingComparison,
        ParadexMarketSummary,
        ParadexTradeType,
    )
    from paradex_adapter.factories import (
        ParadexLiveDataClientFactory,
        ParadexLiveExecClientFactory,
    )
    from paradex_adapter.providers import ParadexInstrumentProvider
    from paradex_adapter.venue.errors import ParadexError

__all__ = [
    "PARADEX",
    "PARADEX_CLIENT_ID",
    "PARADEX_VENUE",
    "ParadexAlgoOrder",
    "ParadexDataClientConfig",
    "ParadexEnvironment",
    "ParadexError",
    "ParadexExecClientConfig",
    "ParadexFundingComparison",
    "ParadexFundingPayment",
    "ParadexInstrumentProvider",
    "ParadexLiveDataClientFactory",
    "ParadexLiveExecClientFactory",
    "ParadexMarketSummary",
    "ParadexTradeBust",
    "ParadexTradeType",
    "__version__",
]

_HOMES: Final[dict[str, str]] = {
    "PARADEX": "constants",
    "PARADEX_CLIENT_ID": "constants",
    "PARADEX_VENUE": "constants",
    "ParadexAlgoOrder": "account_data",
    "ParadexDataClientConfig": "config",
    "ParadexEnvironment": "constants",
    "ParadexError": "venue.errors",
    "ParadexExecClientConfig": "config",
    "ParadexFundingComparison": "custom_data",
    "ParadexFundingPayment": "account_data",
    "ParadexInstrumentProvider": "providers",
    "ParadexLiveDataClientFactory": "factories",
    "ParadexLiveExecClientFactory": "factories",
    "ParadexMarketSummary": "custom_data",
    "ParadexTradeBust": "account_data",
    "ParadexTradeType": "custom_data",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
