"""Vectors on their way to the server and back: pgvector's own binary format of half precision."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from photofind.errors import LibraryError
from photofind.library.store import Array32
from photofind.model.records import Space
from photofind_postgres.sessions import Cursor

__all__ = ["array_of", "checked", "copy_vectors", "literal"]


def array_of(raws: Sequence[bytes], width: int) -> Array32:
    """Return what ``halfvec_send`` gave, as float32 (n, width)."""
    joined = np.frombuffer(b"".join(raws), np.uint8).reshape(len(raws), 4 + 2 * width)
    return np.ascontiguousarray(joined[:, 4:]).view(">f2").astype(np.float32)


def literal(vector: npt.NDArray[Any]) -> str:
    """Return a vector as the server reads it in a statement."""
    return "[" + ",".join(map(repr, vector.astype(np.float64).round(7).tolist())) + "]"


def copy_vectors(
    cursor: Cursor,
    table: str,
    columns: Sequence[tuple[str, str]],
    rows: Sequence[Sequence[Any]],
    vectors: Array32,
) -> None:
    """Put rows into a table, each with a vector in its last column.

    Parameters
    ----------
    columns
        The names and the types of the columns before it.
    rows
        Their values.
    vectors
        float32 (n, d).
    """
    names = ", ".join(name for name, _ in columns)
    head = struct.pack(">HH", vectors.shape[1], 0)
    raws = vectors.astype(">f2")
    with cursor.copy(f"COPY {table} ({names}, vector) FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types([*(kind for _, kind in columns), "bytea"])
        for row, raw in zip(rows, raws, strict=True):
            copy.write_row((*row, head + raw.tobytes()))


def checked(vectors: Sequence[Array32], space: Space) -> Array32:
    """Return embeddings as they are kept, in float16's precision, as one array (n, d).

    Raises
    ------
    LibraryError
        One is of another dimension, or holds a value that float16 has not.
    """
    for vector in vectors:
        if np.shape(vector) != (space.dimension,):
            raise LibraryError(
                f"an embedding of shape {np.shape(vector)} does not fit {space.id}",
                "an extractor needs a new version when its dimension changes",
            )
    with np.errstate(over="ignore", invalid="ignore"):
        rounded = np.array(vectors, np.float32).astype(np.float16).astype(np.float32)
    if not np.isfinite(rounded).all():
        raise LibraryError("an embedding holds a value that is no number or beyond float16's 65504")
    return rounded
