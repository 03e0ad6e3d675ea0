"""One websocket frame in, one message out; whatever cannot be read is counted, never raised."""

from typing import Final, final

from paradex_adapter_core.messages import Message


@final
class FrameParser:
    """Parser of the frames of one websocket connection.

    ``counters`` tells what was skipped or unknown, by kind; the number of kinds is bounded.
    """

    def __init__(self) -> None:
        self.counters: Final[dict[str, int]] = {}

    def parse_binary(self, data: bytes) -> Message | None:
        """Decode a binary frame; None when it was skipped and counted."""
        raise NotImplementedError

    def parse_text(self, data: bytes | str) -> Message | None:
        """Parse a JSON text frame; None when it was skipped and counted."""
        raise NotImplementedError
