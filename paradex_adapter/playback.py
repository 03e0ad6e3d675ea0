"""Opens a recording so that the local exchange can play it back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import orjson

from paradex_adapter.local_exchange.replay import InstrumentsMissing, Replay
from paradex_adapter.recording import RecordingError, markets_beside, read_frames
from paradex_adapter.venue.errors import ConfigurationError

MARKETS_BYTES_MAX: Final = 64 * 1024 * 1024


def open_recording(
    path: Path, markets_path: Path | None = None, *, is_looped: bool = False, speed: float = 1.0
) -> Replay:
    """Look a recording through and return what plays it.

    Parameters
    ----------
    path : Path
        A file in the format of `recording.py`.
    markets_path : Path, optional
        A body of ``GET /markets``; by default the one its recorder left beside it.
    is_looped : bool
        Whether it begins anew when it ends.
    speed : float
        How many times as fast as it was recorded.

    Raises
    ------
    ConfigurationError
        If the recording or the instruments cannot be read, or do not belong together.
    """

    def frames() -> Iterator[tuple[int, bytes]]:
        return (
            (frame.ts, frame.payload)
            for frame in read_frames(path)
            if frame.is_binary and frame.direction == "in"
        )

    entries: list[dict[str, Any]] = []
    beside = markets_beside(path)
    if markets_path is not None:
        entries = read_market_entries(markets_path)
    elif beside.exists():
        entries = read_market_entries(beside)
    try:
        return Replay(frames, entries, is_looped=is_looped, speed=speed)
    except InstrumentsMissing as error:
        remedy = f"{error}; name a file with the body of GET /markets by --markets"
        raise RecordingError(path, remedy) from error
    except ValueError as error:
        raise RecordingError(path, f"{error}: it cannot be played back") from error


def read_market_entries(path: Path) -> list[dict[str, Any]]:
    """Return the results of a body of ``GET /markets``.

    Raises
    ------
    ConfigurationError
        If the file is none.
    """
    try:
        if path.stat().st_size > MARKETS_BYTES_MAX:
            raise ConfigurationError("--markets", f"{path} is too large to be a list of markets")
        body = orjson.loads(path.read_bytes())
    except OSError as error:
        remedy = f"{path} cannot be opened ({error.strerror}): name a file that can be read"
        raise ConfigurationError("--markets", remedy) from error
    except orjson.JSONDecodeError as error:
        raise ConfigurationError("--markets", f"{path} is not JSON ({error})") from error
    entries = body.get("results") if isinstance(body, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        remedy = f"{path} is not a body of GET /markets: it needs a list of results"
        raise ConfigurationError("--markets", remedy)
    return entries
