"""Websocket timelines on disk: one JSON object a line, payloads exactly as they crossed the wire.

Each line is ``{"ts": <ns>, "direction": "in" | "out", "text": "..."}`` for a text frame and the
same with ``"base64"`` for a binary one. A file may end in the middle of a line, as it does when the
writer was killed: what came before is still read.

A recorded session is ``<name>-000.jsonl`` and so on, ``<name>.markets.json`` with the instruments
as ``GET /markets`` gave them, and ``<name>.meta.json`` with where it all comes from.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal, NamedTuple
from urllib.parse import urlsplit, urlunsplit

import orjson

from paradex_adapter.venue.errors import ConfigurationError

type Direction = Literal["in", "out"]

LINE_BYTES_MAX: Final = 8 * 1024 * 1024
MARKETS_SUFFIX: Final = ".markets.json"
_PART_NUMBER: Final = re.compile(r"-[0-9]{3,}$")
_SECRETS: Final = re.compile(
    rb'("(?:bearer|jwt_token|token|signature|private_key|authorization)"\s*:\s*")[^"]*"', re.I
)


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
        If the file cannot be opened, or a line cannot be read other than an unfinished last one
        after others.
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
                is_unfinished = not line.endswith(b"\n") and len(line) < LINE_BYTES_MAX
                # With nothing before it, it is another file rather than a recording cut short.
                if is_unfinished and number > 1:
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


# --- Writing a session ----------------------------------------------------------------------------


def redact(text: bytes) -> bytes:
    """Return a text frame without tokens, keys and signatures."""
    return _SECRETS.sub(rb'\1redacted"', text)


def bare_url(url: str) -> str:
    """Return an address without user, password and query."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    address = f"{host}:{parts.port}" if parts.port else host
    return urlunsplit((parts.scheme, address, parts.path, "", ""))


class SessionFiles:
    """The files of one session: parts with frames, the instruments, and where all that comes from.

    A part is closed when it is full, and the next one begins. All that can fail raises `OSError`.

    Parameters
    ----------
    folder : Path
        Where they are written; it is made when it is missing.
    name : str
        What the names of all files of the session begin with.
    part_bytes_max : int
        How large a part becomes.
    provenance : dict[str, Any]
        What is known about the session; it is written each time a part is closed, with the digest
        of each part.
    """

    def __init__(
        self, folder: Path, name: str, part_bytes_max: int, provenance: dict[str, Any]
    ) -> None:
        self.provenance: Final = provenance
        self.bytes_total = 0
        self._folder: Final = folder
        self._name: Final = name
        self._part_bytes_max: Final = part_bytes_max
        self._parts: Final[list[dict[str, Any]]] = []
        self._stream: BinaryIO | None = None
        self._digest = hashlib.sha256()
        self._frames = self._bytes = 0

    @property
    def part(self) -> Path:
        """The part that is written, or was last."""
        return self._folder / f"{self._name}-{max(0, len(self._parts) - 1):03}.jsonl"

    def open(self, markets_body: bytes) -> None:
        """Keep the instruments and begin the first part."""
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / f"{self._name}{MARKETS_SUFFIX}").write_bytes(markets_body)
        self._begin()

    def _begin(self) -> None:
        self._parts.append({})
        self._stream = self.part.open("xb")
        self._digest = hashlib.sha256()
        self._frames = self._bytes = 0

    def write(self, frame: Frame) -> bool:
        """Write a frame; return whether a new part began after it."""
        if self._stream is None:
            return False
        line = frame_to_line(frame)
        self._stream.write(line)
        self._digest.update(line)
        self._frames += 1
        self._bytes += len(line)
        self.bytes_total += len(line)
        if self._bytes < self._part_bytes_max:
            return False
        self.close()
        self._begin()
        return True

    def flush(self) -> None:
        """Hand what is written to the system."""
        if self._stream is not None:
            self._stream.flush()

    def close(self) -> None:
        """Close the part that is written and say where everything comes from."""
        if self._stream is None:
            return
        stream, self._stream = self._stream, None
        stream.close()
        self._parts[-1] = {
            "file": self.part.name,
            "sha256": self._digest.hexdigest(),
            "size_bytes": self._bytes,
            "frames": self._frames,
        }
        closed = {"closed_at": datetime.now(UTC).isoformat(), "files": self._parts}
        path = self._folder / f"{self._name}.meta.json"
        path.write_bytes(orjson.dumps(self.provenance | closed, option=orjson.OPT_INDENT_2))


def markets_beside(path: Path) -> Path:
    """Return where the instruments of a recording lie, if its recorder left them."""
    session = _PART_NUMBER.sub("", path.stem)
    return path.with_name(f"{session}{MARKETS_SUFFIX}")
