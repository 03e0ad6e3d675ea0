"""What the base of a market is: a crypto currency, or something from another exchange.

The rule, in this order:

1. The venue's tags decide whether a base is crypto. ``RWA`` (and ``TRADFI``, as its pages say now)
   means it is not; any other tag, or none, means it is. So PAXG, a token of gold tagged ``DEFI``,
   is crypto, and nothing is read off the name of a base alone.
2. A tag that names the class of what is not crypto decides it. The venue sends none so far.
3. Otherwise the base does: a commodity of `COMMODITIES`; a currency of some country, by ISO 4217;
   an index by the form of its name, letters and digits (US500, US100); else it is an equity, as
   are funds (EWY, DRAM).
"""

import re
from typing import Final

from nautilus_trader.model.enums import AssetClass, CurrencyType
from nautilus_trader.model.objects import Currency

NOT_CRYPTO_TAGS: Final = frozenset({"RWA", "TRADFI"})
CLASS_TAGS: Final = {
    "COMMODITY": AssetClass.COMMODITY,
    "COMMODITIES": AssetClass.COMMODITY,
    "FX": AssetClass.FX,
    "FOREX": AssetClass.FX,
    "INDEX": AssetClass.INDEX,
    "INDICES": AssetClass.INDEX,
    "EQUITY": AssetClass.EQUITY,
    "EQUITIES": AssetClass.EQUITY,
    "STOCK": AssetClass.EQUITY,
    "STOCKS": AssetClass.EQUITY,
}
# Crude oil, natural gas and metals, by the codes of their futures or by ISO 4217.
COMMODITIES: Final = frozenset(
    {"BZ", "CL", "NG", "XAG", "XAU", "XCU", "XPD", "XPT", "GC", "SI", "HG", "PA", "PL"}
)
_INDEX: Final = re.compile(r"[A-Z]{2,3}[0-9]{2,4}")


def find_asset_class(base: str, tags: tuple[str, ...]) -> AssetClass:
    """Return the asset class of a market's base.

    Parameters
    ----------
    base : str
        The venue's base currency; printable ASCII.
    tags : tuple[str, ...]
        The market's tags, in any case.
    """
    words = [tag.upper() for tag in tags]
    if NOT_CRYPTO_TAGS.isdisjoint(words):
        return AssetClass.CRYPTOCURRENCY
    for word in words:
        if word in CLASS_TAGS:
            return CLASS_TAGS[word]
    if base in COMMODITIES:
        return AssetClass.COMMODITY
    if _is_money(base):
        return AssetClass.FX
    return AssetClass.INDEX if _INDEX.fullmatch(base) else AssetClass.EQUITY


def _is_money(base: str) -> bool:
    known = Currency.from_internal_map(base)
    return known is not None and known.currency_type == CurrencyType.FIAT
