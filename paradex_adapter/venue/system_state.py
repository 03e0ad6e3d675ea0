"""Whether the venue takes orders at the moment.

Releases and incidents take it through ``maintenance``, ``cancel_only`` and ``post_only`` back to
``ok``. No channel tells: the state is polled, and learned at once from a refusal that names it.

Specification: ``GET /system/state``; https://docs.paradex.trade, "Maintenance Mode".
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final, final

from paradex_adapter.venue.errors import ParadexError
from paradex_adapter.venue.http import HttpClient
from paradex_adapter_core.errors import CoreError
from paradex_adapter_core.parsers.system import parse_system_state

OK: Final = "ok"
POST_ONLY: Final = "post_only"
CANCEL_ONLY: Final = "cancel_only"
MAINTENANCE: Final = "maintenance"

POLL_SECS_DEFAULT: Final = 5.0
# While it is not ok: what is refused locally should not be for long after it is.
POLL_SECS_UNTIL_OK: Final = 1.0

_STATES_BY_REFUSAL: Final = {
    "SYSTEM_STATUS_POST_ONLY": POST_ONLY,
    "SYSTEM_STATUS_CANCEL_ONLY": CANCEL_ONLY,
}


@final
class SystemState:
    """Follows the state of the venue.

    Parameters
    ----------
    http : HttpClient
        Whom to ask.
    poll_secs : float
        How often to ask while all is well, in seconds.
    on_change : Callable[[str, str], None]
        Told the state before and the new one.

    Attributes
    ----------
    state : str
        The venue's word; "ok" until it was asked. One unknown to us denies nothing: what it means
        the venue's own refusals tell.
    """

    __slots__ = ("_http", "_on_change", "_poll_secs", "_polling", "state")

    def __init__(
        self,
        http: HttpClient,
        poll_secs: float = POLL_SECS_DEFAULT,
        *,
        on_change: Callable[[str, str], None],
    ) -> None:
        self._http: Final = http
        self._poll_secs: Final = poll_secs
        self._on_change: Final = on_change
        self._polling: asyncio.Task[None] | None = None
        self.state = OK

    def find_denial_reason(self, *, is_post_only: bool) -> str | None:
        """Return why an order, or a change of one, would be refused now; None when it would not.

        Parameters
        ----------
        is_post_only : bool
            Whether it can only make: such orders are taken first after a release.
        """
        if self.state in (CANCEL_ONLY, MAINTENANCE):
            return f"Paradex is in {self.state} mode: it takes cancels only"
        if self.state == POST_ONLY and not is_post_only:
            return "Paradex is in post_only mode: it takes post-only orders only"
        return None

    def learn(self, reason: str) -> None:
        """Take the state that a refusal names, if it names one."""
        for word, state in _STATES_BY_REFUSAL.items():
            if word in reason:
                self._take(state)
                # Asked again soon, whatever the poll was waiting for.
                self._restart()
                return

    def start(self) -> None:
        """Ask now, and keep asking until `close`."""
        self._polling = asyncio.create_task(self._poll(0.0), name="paradex-system-state")

    async def close(self) -> None:
        """Stop asking."""
        if self._polling is not None:
            self._polling.cancel()
            await asyncio.wait([self._polling])
            self._polling = None

    def _restart(self) -> None:
        if self._polling is not None:
            self._polling.cancel()
            self._polling = asyncio.create_task(
                self._poll(POLL_SECS_UNTIL_OK), name="paradex-system-state"
            )

    async def _poll(self, delay_secs: float) -> None:
        while True:
            await asyncio.sleep(delay_secs)
            # Where it fails the state stays what it was last: that says nothing of it.
            with suppress(ParadexError, CoreError):
                self._take(parse_system_state(await self._http.get_system_state()))
            is_ok = self.state == OK
            delay_secs = self._poll_secs if is_ok else min(POLL_SECS_UNTIL_OK, self._poll_secs)

    def _take(self, state: str) -> None:
        if state != self.state:
            before, self.state = self.state, state
            self._on_change(before, state)
