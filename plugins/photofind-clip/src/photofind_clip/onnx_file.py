"""What an ONNX file declares, read without loading the network.

An ONNX file is a Protocol Buffers message [1]_, of which only the outline is walked through:
inputs, outputs, and whether any weights lie in other files, which may be anywhere on the machine.

References
----------
.. [1] https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from photofind.errors import ExtractorError

__all__ = ["Declared", "read_declared"]

_DEEPEST = 32
# The messages within messages that may hold tensors, by the numbers of their fields.
_WITHIN: dict[str, dict[int, str]] = {
    "model": {7: "graph", 25: "function"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}
_GRAPH, _INPUT, _OUTPUT = 7, 11, 12
_EXTERNAL_DATA, _DATA_LOCATION, _EXTERNAL = 13, 14, 1

Shape = tuple[int | None, ...]


@dataclass(frozen=True)
class Declared:
    """The inputs and outputs of a network, with their shapes; None for sides that vary."""

    inputs: dict[str, Shape]
    outputs: dict[str, Shape]


def read_declared(file: Path) -> Declared:
    """Return what an ONNX file declares.

    Raises
    ------
    ExtractorError
        It is none, it is damaged, or it has weights in other files.
    """
    try:
        with file.open("rb") as opened:
            # It is closed once nothing refers to it: parts of it may outlive this block.
            whole = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
        return _declared(memoryview(whole), file)
    except (ValueError, IndexError, OSError) as error:
        raise ExtractorError(
            f"{file} is no ONNX network, or it is damaged: {error}", "copy or download it again"
        ) from error


def _declared(whole: memoryview, file: Path) -> Declared:
    graphs = [value for number, value in _fields(whole) if number == _GRAPH]
    if not graphs or isinstance(graphs[-1], int):
        raise ValueError("it has no graph")
    if _has_external(whole, "model"):
        raise ExtractorError(
            f"{file} keeps weights in other files, which are not read",
            "export it again with all weights in one file",
        )
    inputs, outputs = (
        dict(_described(one) for one in _messages(graphs[-1], number))
        for number in (_INPUT, _OUTPUT)
    )
    return Declared(inputs, outputs)


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield the fields of a message: their numbers, and numbers or bytes.

    Raises
    ------
    ValueError
        It is no message.
    """
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        if key >> 32:  # Others read the lower half of it.
            raise ValueError("it is not in Protocol Buffers' format")
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, place = _varint(message, place)
            yield number, value
            continue
        if kind == 2:
            length, place = _varint(message, place)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise ValueError("it is not in Protocol Buffers' format")
        if place + length > len(message):
            raise ValueError("it ends too early")
        yield number, message[place : place + length]
        place += length


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise ValueError("it is not in Protocol Buffers' format")


def _has_external(message: memoryview, kind: str, depth: int = 0) -> bool:
    if depth > _DEEPEST:
        raise ValueError("its graphs are nested too deeply")
    if kind == "tensor":
        return any(
            number == _EXTERNAL_DATA or (number == _DATA_LOCATION and value == _EXTERNAL)
            for number, value in _fields(message)
        )
    within = _WITHIN[kind]
    return any(
        number in within
        and not isinstance(value, int)
        and _has_external(value, within[number], depth + 1)
        for number, value in _fields(message)
    )


def _messages(message: memoryview, wanted: int) -> Iterator[memoryview]:
    for number, value in _fields(message):
        if number == wanted and not isinstance(value, int):
            yield value


def _described(message: memoryview) -> tuple[str, Shape]:
    """Return the name and the shape of an input or output (``ValueInfoProto``)."""
    name, shape = "", []
    for number, value in _fields(message):
        if isinstance(value, int):
            continue
        if number == 1:
            name = str(value, "utf-8")
        elif number == 2:
            for tensor in _messages(value, 1):
                for dimensions in _messages(tensor, 2):
                    shape = [_side(one) for one in _messages(dimensions, 1)]
    return name, tuple(shape)


def _side(dimension: memoryview) -> int | None:
    for number, value in _fields(dimension):
        if number == 1 and isinstance(value, int) and 0 < value < 1 << 31:
            return value
    return None
