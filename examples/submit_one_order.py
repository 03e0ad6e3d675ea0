"""One order, end to end, on a local exchange: no network, key or account.

For the testnet leave out the exchange and the options that come from it, and set the variables
PARADEX_TESTNET_ACCOUNT_ADDRESS and PARADEX_TESTNET_PRIVATE_KEY.
"""

from decimal import Decimal

from nautilus_trader.config import InstrumentProviderConfig, LoggingConfig, TradingNodeConfig
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.events import OrderEvent, OrderFilled
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.trading.strategy import Strategy

from paradex_adapter import (
    PARADEX,
    ParadexDataClientConfig,
    ParadexEnvironment,
    ParadexExecClientConfig,
    ParadexLiveDataClientFactory,
    ParadexLiveExecClientFactory,
)
from paradex_adapter.local_exchange.threaded import ThreadedExchange

BTC = InstrumentId.from_str("BTC-USD-PERP.PARADEX")


class BuyOnce(Strategy):
    def on_start(self) -> None:
        quantity = self.cache.instrument(BTC).make_qty(Decimal("0.01"))
        self.submit_order(self.order_factory.market(BTC, OrderSide.BUY, quantity))

    def on_order_event(self, event: OrderEvent) -> None:
        print(f"{type(event).__name__:15} {event.client_order_id}")

    def on_order_filled(self, event: OrderFilled) -> None:
        print(f"bought {event.last_qty} at {event.last_px} USDC, fee {event.commission}")
        self.shutdown_system("done")


with ThreadedExchange() as exchange:
    common = {
        "environment": ParadexEnvironment.TESTNET,
        "base_url_http": exchange.base_url_http,
        "base_url_ws": exchange.base_url_ws,
        "instrument_provider": InstrumentProviderConfig(load_all=True),
    }
    account = {"account_address": exchange.account_address, "private_key": exchange.private_key}
    node = TradingNode(
        TradingNodeConfig(
            logging=LoggingConfig(log_level="ERROR"),
            data_clients={PARADEX: ParadexDataClientConfig(**common)},
            exec_clients={PARADEX: ParadexExecClientConfig(**common, **account)},
            timeout_post_stop=1.0,
        )
    )
    node.add_data_client_factory(PARADEX, ParadexLiveDataClientFactory)
    node.add_exec_client_factory(PARADEX, ParadexLiveExecClientFactory)
    node.trader.add_strategy(BuyOnce())
    node.build()
    try:
        node.run()
    finally:
        node.dispose()
