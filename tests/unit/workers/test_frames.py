from __future__ import annotations

import io
import json
import os
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from photofind.workers import frames

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=[])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
plain_arrays = arrays_of.arrays(
    dtype=arrays_of.boolean_dtypes()
    | arrays_of.integer_dtypes(endianness="?")
    | arrays_of.floating_dtypes(endianness="?"),
    shape=arrays_of.array_shapes(min_dims=0, min_side=0, max_side=4),
)


class Trickle(io.RawIOBase):
    """A slow pipe: a few bytes at a time."""

    def __init__(self, data=b""):
        self.data = bytearray(data)

    def write(self, piece):
        self.data += piece[:7]
        return len(piece[:7])

    def readinto(self, buffer):
        count = min(len(buffer), 5, len(self.data))
        buffer[:count] = self.data[:count]
        del self.data[:count]
        return count


def wire(message, arrays=()):
    stream = Trickle()
    frames.send(stream, frames.encode(message, arrays))
    return bytes(stream.data)


@given(st.dictionaries(st.text(), json_values, max_size=3), st.lists(plain_arrays, max_size=3))
def test_frames_arrive_unchanged(message, arrays):
    stream = Trickle(wire(message, arrays) + b"next")
    received = frames.receive(stream)
    assert received.message == message
    assert len(received.arrays) == len(arrays)
    for mine, theirs in zip(arrays, received.arrays, strict=True):
        assert theirs.dtype == mine.dtype
        np.testing.assert_array_equal(theirs, mine)
    assert stream.data == b"next"


def test_frames_are_ascii_and_a_path_that_is_not_utf8_survives():
    path = os.fsdecode(b"/photos/caf\xe9.jpg") if os.name != "nt" else "/photos/caf\udce9.jpg"
    data = wire({"path": path})
    assert data[8:].isascii()
    assert frames.receive(Trickle(data)).message == {"path": path}


def test_non_contiguous_views_are_sent_correctly():
    array = np.arange(24, dtype=np.float32).reshape(4, 6)
    (received,) = frames.receive(Trickle(wire({}, [array.T[::-2]]))).arrays
    np.testing.assert_array_equal(received, array.T[::-2])


def test_received_arrays_can_be_written_to():
    (received,) = frames.receive(Trickle(wire({}, [np.zeros(3)]))).arrays
    received[:] = 1
    assert received.sum() == 3


@pytest.mark.parametrize(
    "array",
    [
        np.array([object()]),
        np.array(["text"]),
        np.zeros(2, dtype=[("a", "<i4")]),
        np.zeros(2, dtype="datetime64[s]"),
    ],
)
def test_only_plain_numbers_are_sent(array):
    with pytest.raises(TypeError, match="cannot be sent"):
        frames.encode({}, [array])


def test_an_array_of_objects_is_refused_on_arrival():
    header = json.dumps({"message": {}, "arrays": [["|O", [1]]]}).encode()
    with pytest.raises(ValueError, match="cannot hold"):
        frames.receive(Trickle(struct.pack(">Q", len(header)) + header + bytes(8)))


def test_the_header_length_is_limited(monkeypatch):
    monkeypatch.setattr(frames, "MAXIMUM_HEADER", 100)
    with pytest.raises(ValueError, match="too long"):
        frames.encode({"text": "x" * 100})
    with pytest.raises(ValueError, match="cannot have a header"):
        frames.receive(Trickle(struct.pack(">Q", 101)))


@pytest.mark.parametrize("length", [0, 5, 20])
def test_a_truncated_stream_raises_eof(length):
    data = wire({"text": "hello"}, [np.zeros(4)])
    with pytest.raises(EOFError):
        frames.receive(Trickle(data[:length]))
    with pytest.raises(EOFError):
        frames.receive(Trickle(data[:-1]))


def test_non_json_is_refused_before_sending():
    with pytest.raises(TypeError):
        frames.encode({"set": {1, 2}})
