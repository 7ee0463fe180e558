"""Messages between a worker and its parent: JSON and arrays over a pipe, never a pickle.

A frame is an 8-byte big-endian length, that many bytes of ASCII JSON, and the raw bytes of the
arrays that the JSON lists, in C order, one after the other::

    {"message": {...}, "arrays": [["<f4", [32, 1280]], ...]}

ASCII JSON escapes lone surrogates, so a path that is not UTF-8 arrives as :func:`os.fsdecode`
decoded it.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from io import FileIO

    import numpy as np

__all__ = ["JSON", "MAXIMUM_HEADER", "Frame", "encode", "receive", "send"]

JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"
"""Values that :mod:`json` can write; tuples arrive as lists."""

MAXIMUM_HEADER = 64 * 2**20
"""Largest JSON of a frame, in bytes; bulk data is sent as arrays."""

_AT_ONCE = 1 << 16
"""Up to so many bytes are sent in one piece, so that the other side need not wake up for each."""

_LENGTH = struct.Struct(">Q")
_PLAIN_KINDS = "biufc"  # Booleans, integers, floats and complex numbers: no objects, no fields.


class Frame(NamedTuple):
    """A message and its arrays."""

    message: dict[str, Any]
    arrays: list[np.ndarray]


def encode(message: Mapping[str, JSON], arrays: Sequence[np.ndarray] = ()) -> list[memoryview]:
    """Return the pieces of a frame, to be sent in order; contiguous arrays are not copied.

    Raises
    ------
    TypeError
        If the message is not JSON, or an array does not hold plain numbers.
    ValueError
        If the JSON is longer than :data:`MAXIMUM_HEADER`.
    """
    listed, data = [], []
    if arrays:
        import numpy as np  # Imported on demand: many processes never need it.

        for array in arrays:
            array = np.asarray(array, order="C")
            if array.dtype.kind not in _PLAIN_KINDS:
                raise TypeError(f"arrays of {array.dtype} cannot be sent to or from a worker")
            listed.append([array.dtype.str, array.shape])
            data.append(array.reshape(-1).view(np.uint8).data)
    header = json.dumps({"message": message, "arrays": listed}).encode("ascii")
    if len(header) > MAXIMUM_HEADER:
        raise ValueError(f"a message of {len(header)} bytes is too long for a worker")
    return [memoryview(_LENGTH.pack(len(header)) + header), *data]


def send(stream: FileIO, frame: Sequence[memoryview]) -> None:
    """Write an encoded frame to an unbuffered ``stream``.

    Raises
    ------
    OSError
        If the other end is closed.
    """
    if sum(piece.nbytes for piece in frame) <= _AT_ONCE:
        frame = [memoryview(b"".join(frame))]
    for piece in frame:
        while piece:
            piece = piece[stream.write(piece) :]


def receive(stream: FileIO) -> Frame:
    """Read one frame from an unbuffered ``stream``; its arrays are writable.

    Raises
    ------
    EOFError
        If the other end is closed, between frames or within one.
    ValueError
        If the bytes are not a frame.
    """
    (length,) = _LENGTH.unpack(_read(stream, _LENGTH.size))
    if length > MAXIMUM_HEADER:
        raise ValueError(f"a frame cannot have a header of {length} bytes")
    header = json.loads(_read(stream, length))
    arrays = []
    if header["arrays"]:
        import numpy as np

        for name, shape in header["arrays"]:
            dtype = np.dtype(name)
            if dtype.kind not in _PLAIN_KINDS:
                raise ValueError(f"a frame cannot hold arrays of {dtype}")
            data = _read(stream, math.prod(shape) * dtype.itemsize)
            arrays.append(np.frombuffer(data, dtype).reshape(shape))
    return Frame(header["message"], arrays)


def _read(stream: FileIO, count: int) -> bytearray:
    data = bytearray(count)
    rest = memoryview(data)
    while rest:
        if not (got := stream.readinto(rest)):
            raise EOFError("the other end of the pipe is closed")
        rest = rest[got:]
    return data
