"""The answers to a strategy's requests: instruments, and data of the past."""

from typing import Any, Final

from nautilus_trader.data.messages import (
    RequestBars,
    RequestData,
    RequestForwardPrices,
    RequestFundingRates,
    RequestInstrument,
    RequestInstruments,
    RequestOrderBookDeltas,
    RequestOrderBookDepth,
    RequestOrderBookSnapshot,
    RequestQuoteTicks,
    RequestTradeTicks,
)
from nautilus_trader.live.data_client import LiveMarketDataClient

from paradex_adapter.providers import ParadexInstrumentProvider
from paradex_adapter.venue.errors import ParadexError
from paradex_adapter.venue.http import HttpClient
from paradex_adapter_core.errors import CoreError


class ParadexDataRequests(LiveMarketDataClient):
    """The half of the data client that answers requests; every one is, also with nothing.

    Parameters
    ----------
    http : HttpClient
        The venue's REST interface.
    instrument_provider : ParadexInstrumentProvider
        The instruments.
    **options
        What `LiveMarketDataClient` takes besides.
    """

    def __init__(
        self, *, http: HttpClient, instrument_provider: ParadexInstrumentProvider, **options: Any
    ) -> None:
        super().__init__(instrument_provider=instrument_provider, **options)
        self._http: Final = http
        self._provider: Final = instrument_provider

    # -- REQUESTS ----------------------------------------------------------------------------------

    async def _request_instrument(self, request: RequestInstrument) -> None:
        instrument = self._provider.find(request.instrument_id)
        if instrument is None:
            try:
                await self._provider.load_async(request.instrument_id)
            except (ParadexError, CoreError) as e:
                self._log.error(f"Cannot load {request.instrument_id}: {e}")
            instrument = self._provider.find(request.instrument_id)
        self._answer(request, [] if instrument is None else [instrument])

    async def _request_instruments(self, request: RequestInstruments) -> None:
        self._answer(request, self._provider.list_all())

    async def _request(self, request: RequestData) -> None:
        self._answer_nothing(request, "custom data")

    async def _request_quote_ticks(self, request: RequestQuoteTicks) -> None:
        self._answer_nothing(request, "historical quotes")

    async def _request_trade_ticks(self, request: RequestTradeTicks) -> None:
        self._answer_nothing(request, "historical trades")

    async def _request_funding_rates(self, request: RequestFundingRates) -> None:
        self._answer_nothing(request, "historical funding rates")

    async def _request_bars(self, request: RequestBars) -> None:
        self._answer_nothing(request, "historical bars")

    async def _request_order_book_deltas(self, request: RequestOrderBookDeltas) -> None:
        self._answer_nothing(request, "historical book deltas")

    async def _request_order_book_depth(self, request: RequestOrderBookDepth) -> None:
        self._answer_nothing(request, "historical book depths")

    async def _request_order_book_snapshot(self, request: RequestOrderBookSnapshot) -> None:
        self._answer_nothing(request, "a book snapshot (subscribe deltas instead)")

    async def _request_forward_prices(self, request: RequestForwardPrices) -> None:
        self._log.error("Forward prices are not supported at Paradex: answered with none")
        self._handle_forward_prices([], request.id, request.params)

    def _answer(self, request: RequestData, data: list[object]) -> None:
        # Always, also with nothing: the caller's callback never runs otherwise.
        self._handle_data_response(
            request.data_type, data, request.id, request.start, request.end, request.params
        )

    def _answer_nothing(self, request: RequestData, what: str) -> None:
        self._log.error(f"Requests of {what} are not supported at Paradex: answered with none")
        self._answer(request, [])
