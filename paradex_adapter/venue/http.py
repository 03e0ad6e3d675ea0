"""The venue's REST interface: one method per endpoint, success bodies as bytes.

The methods stand by subject in `http_public.py`, `http_account.py` and `http_orders.py`; how each
is sent, and what is never sent twice, is in `http_sender.py`.

Specification: the venue's OpenAPI document.
"""

from typing import final

from paradex_adapter.venue.http_account import AccountRequests
from paradex_adapter.venue.http_orders import OrderRequests
from paradex_adapter.venue.http_public import PublicRequests


@final
class HttpClient(PublicRequests, AccountRequests, OrderRequests):
    """The venue's REST interface for one account, or for none.

    Its arguments are those of `HttpSender`.

    Notes
    -----
    Every request raises `RequestRejected`, `AuthenticationError` or `RateLimited` as the venue
    answers. Reads raise `VenueUnavailable` or `MalformedReply`, commands `NotSent` or
    `OutcomeUnknown`, when there is no usable answer. Times are Unix milliseconds.
    """
