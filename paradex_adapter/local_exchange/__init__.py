"""A local stand-in for the venue, for tests and for trying things out.

`LocalExchange` speaks the venue's REST and websocket protocols on one loopback port, checks what
the venue checks, matches orders and keeps books and records. It shares no code with the rest of the
package.
"""

from paradex_adapter.local_exchange.controls import TradingKey
from paradex_adapter.local_exchange.exchange import LocalExchange
from paradex_adapter.local_exchange.options import Options

__all__ = ["LocalExchange", "Options", "TradingKey"]
