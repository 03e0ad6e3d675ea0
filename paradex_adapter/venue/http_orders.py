"""Orders over REST: reads of them, and the commands that no one may send twice.

Specification: the venue's OpenAPI document.
"""

from paradex_adapter.venue.http_sender import HttpSender, page_params
from paradex_adapter.venue.http_transport import quote_segment


class OrderRequests(HttpSender):
    """Requests about one account's orders; errors are those of `HttpClient`."""

    async def get_orders(self, market: str | None = None) -> bytes:
        """Return the open orders of one market, or of all."""
        return await self._read_private("/orders", {"market": market})

    async def get_order(self, venue_order_id: str) -> bytes:
        """Return an open order; a closed one is in `get_orders_history` alone."""
        return await self._read_private(f"/orders/{quote_segment(venue_order_id)}")

    async def get_order_by_client_id(self, client_order_id: str) -> bytes:
        """Return an open order by our id for it."""
        return await self._read_private(f"/orders/by_client_id/{quote_segment(client_order_id)}")

    async def get_orders_history(
        self,
        market: str | None = None,
        client_order_id: str | None = None,
        status: str | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
        cursor: str | None = None,
        page_size: int | None = None,
    ) -> bytes:
        """Return a page of orders, closed ones included; 5000 a page at most."""
        filters = {"market": market, "client_id": client_order_id, "status": status}
        return await self._read_private(
            "/orders-history", page_params(cursor, page_size, start_ms, end_ms, **filters)
        )

    async def get_algo_orders(self) -> bytes:
        """Return the open algo orders; the venue filters them by nothing."""
        return await self._read_private("/algo/orders")

    async def get_algo_order(self, algo_id: str) -> bytes:
        """Return an open algo order; a closed one is in `get_algo_orders_history` alone."""
        return await self._read_private(f"/algo/orders/{quote_segment(algo_id)}")

    async def get_algo_orders_history(
        self,
        market: str | None = None,
        status: str | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
        cursor: str | None = None,
        page_size: int | None = None,
    ) -> bytes:
        """Return a page of algo orders, closed ones included; 5000 a page at most."""
        return await self._read_private(
            "/algo/orders-history",
            page_params(cursor, page_size, start_ms, end_ms, market=market, status=status),
        )

    async def post_order(self, body: bytes) -> bytes:
        """Submit a signed order; the venue has queued it, no more, when this returns."""
        return await self._command("POST", "/orders", body=body)

    async def put_order(self, venue_order_id: str, body: bytes) -> bytes:
        """Ask for a change of an order; the venue has queued it, no more, when this returns."""
        return await self._command("PUT", f"/orders/{quote_segment(venue_order_id)}", body=body)

    async def post_orders_batch(self, body: bytes) -> bytes:
        """Submit an array of 1 to 10 signed orders, each queued or refused on its own.

        One that is not well formed, or signed wrongly, has all of them refused. Neither `orders`
        nor `errors` of the reply promises the order of the request.
        """
        return await self._command("POST", "/orders/batch", body=body)

    async def delete_order(self, venue_order_id: str) -> bytes:
        """Ask for the cancellation of an order."""
        return await self._command("DELETE", f"/orders/{quote_segment(venue_order_id)}")

    async def delete_order_by_client_id(
        self, client_order_id: str, market: str | None = None
    ) -> bytes:
        """Ask for the cancellation of an order by our id; faster when the market is named."""
        return await self._command(
            "DELETE",
            f"/orders/by_client_id/{quote_segment(client_order_id)}",
            params={"market": market},
        )

    async def delete_orders_batch(self, body: bytes) -> bytes:
        """Ask for the cancellation of the `order_ids` and `client_order_ids` of the body.

        The reply tells of each whether it was queued for cancellation, was closed already or was
        not found.
        """
        return await self._command("DELETE", "/orders/batch", body=body)

    async def post_algo_order(self, body: bytes) -> bytes:
        """Start a signed algo order; the venue has queued it, no more, when this returns."""
        return await self._command("POST", "/algo/orders", body=body)

    async def delete_algo_order(self, algo_id: str) -> bytes:
        """Ask for the end of an algo order."""
        return await self._command("DELETE", f"/algo/orders/{quote_segment(algo_id)}")
