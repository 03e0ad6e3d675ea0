"""Recordings: what is written reads back, and what is broken says where."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paradex_adapter.recording import Frame, RecordingError, frame_to_line, parse_line, read_frames

FRAMES = [
    Frame(1, "out", False, b'{"method":"subscribe"}'),
    Frame(2, "in", True, bytes(range(256))),
    Frame(3, "in", False, '{"note":"é"}\n'.encode()),
]


def write(path: Path, *chunks: bytes) -> Path:
    path.write_bytes(b"".join(chunks))
    return path


def test_frames_read_back_as_written(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", *map(frame_to_line, FRAMES))
    assert list(read_frames(path)) == FRAMES


@given(st.integers(0, 2**62), st.sampled_from(["in", "out"]), st.binary(max_size=200))
def test_any_binary_frame_reads_back(ts: int, direction: str, payload: bytes) -> None:
    frame = Frame(ts, direction, True, payload)  # type: ignore[arg-type]
    assert parse_line(frame_to_line(frame)) == frame


def test_unfinished_last_line_is_left_out(tmp_path: Path) -> None:
    lines = [frame_to_line(frame) for frame in FRAMES]
    path = write(tmp_path / "a.jsonl", *lines[:2], lines[2][:-5])
    assert list(read_frames(path)) == FRAMES[:2]


@pytest.mark.parametrize(
    "line",
    [
        b"not json\n",
        b"[1]\n",
        b'{"ts":1,"direction":"up","text":""}\n',
        b'{"ts":"1","direction":"in","text":""}\n',
        b'{"ts":1,"direction":"in"}\n',
        b'{"ts":1,"direction":"in","base64":"?"}\n',
    ],
)
def test_broken_line_names_file_and_line(tmp_path: Path, line: bytes) -> None:
    path = write(
        tmp_path / "broken.jsonl", frame_to_line(FRAMES[0]), line, frame_to_line(FRAMES[1])
    )
    with pytest.raises(RecordingError, match=r"broken\.jsonl: line 2 is not a recorded frame"):
        list(read_frames(path))


def test_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"none.jsonl: cannot be opened .No such file"):
        list(read_frames(tmp_path / "none.jsonl"))
