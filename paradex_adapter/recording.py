"""Websocket timelines on disk: one JSON object a line, payloads exactly as they crossed the wire.

Each line is ``{"ts": <ns>, "direction": "in" | "out", "text": "..."}`` for a text frame and the
same with ``"base64"`` for a binary one. A file may end in the middle of a line, as it does when the
writer was killed: what came before is still read.
"""

import base64
import binascii
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal, NamedTuple

import orjson

from paradex_adapter.venue.errors import ConfigurationError

type Direction = Literal["in", "out"]

LINE_BYTES_MAX: Final = 8 * 1024 * 1024


class Frame(NamedTuple):
    """One websocket frame: arrival or send time (ns since the epoch), direction and payload."""

    ts: int
    direction: Direction
    is_binary: bool
    payload: bytes


class RecordingError(ConfigurationError):
    """A recording that cannot be read; the text names file and line and says what to do.

    Parameters
    ----------
    path : Path
        The recording.
    remedy : str
        What is wrong with it and what to do.
    """

    def __init__(self, path: Path, remedy: str) -> None:
        super().__init__(f"recording {path}", remedy)


def frame_to_line(frame: Frame) -> bytes:
    """Return the line, with its end, that `read_frames` reads back as `frame`."""
    if frame.is_binary:
        payload = {"base64": base64.b64encode(frame.payload).decode()}
    else:
        payload = {"text": frame.payload.decode()}
    line = {"ts": frame.ts, "direction": frame.direction, **payload}
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


def read_frames(path: Path) -> Iterator[Frame]:
    """Yield the frames of a recording, oldest first.

    Parameters
    ----------
    path : Path
        A file in the format of this module.

    Raises
    ------
    RecordingError
        If the file cannot be opened, or a line other than an unfinished last one cannot be read.
    """
    try:
        stream = path.open("rb")
    except OSError as error:
        remedy = f"cannot be opened ({error.strerror}): name a file that can be read"
        raise RecordingError(path, remedy) from error
    with stream:
        number = 0
        while line := stream.readline(LINE_BYTES_MAX):
            number += 1
            try:
                yield parse_line(line)
            except ValueError as error:
                if not line.endswith(b"\n") and len(line) < LINE_BYTES_MAX:
                    return
                remedy = (
                    f"line {number} is not a recorded frame ({error}): name a file written by "
                    "this version's recorder"
                )
                raise RecordingError(path, remedy) from error


def parse_line(line: bytes) -> Frame:
    """Return the frame that one line holds; `ValueError` says what is wrong with it."""
    fields = orjson.loads(line)
    if not isinstance(fields, dict):
        raise ValueError("not an object")
    ts, direction = fields.get("ts"), fields.get("direction")
    if not isinstance(ts, int) or direction not in ("in", "out"):
        raise ValueError("no time or direction")
    text, encoded = fields.get("text"), fields.get("base64")
    if isinstance(text, str):
        return Frame(ts, direction, False, text.encode())
    if isinstance(encoded, str):
        try:
            return Frame(ts, direction, True, base64.b64decode(encoded, validate=True))
        except binascii.Error as error:
            raise ValueError("broken base64") from error
    raise ValueError("no payload")
