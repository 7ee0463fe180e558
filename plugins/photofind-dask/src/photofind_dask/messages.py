"""What photofind and its workers tell each other: msgpack, of plain values and raw arrays alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import msgpack
import numpy as np

from photofind.extractors.extracted import Extracted

__all__ = ["pack", "packed_results", "results", "unpack"]


def pack(message: dict[str, Any]) -> bytes:
    """Return a message as bytes; paths may hold lone surrogates."""
    packed: bytes = msgpack.packb(message, use_bin_type=True, unicode_errors="surrogatepass")
    return packed


def unpack(message: bytes) -> dict[str, Any]:
    """Return the message that was packed."""
    unpacked: dict[str, Any] = msgpack.unpackb(
        message, raw=False, unicode_errors="surrogatepass", max_bin_len=len(message)
    )
    return unpacked


def packed_results(results: Sequence[Extracted | None]) -> dict[str, Any]:
    """Return what was extracted as a part of a message; None where nothing was.

    Paths are left out: they may be others on the machine of the worker.
    """
    records: list[dict[str, Any] | None] = []
    vectors = []
    for one in results:
        if one is None:
            records.append(None)
            continue
        record = {name: value for name, value in asdict(one).items() if value is not None}
        del record["path"]
        if record.pop("vector", None) is not None:
            record["embedded"] = True
            vectors.append(one.vector)
        records.append(record)
    stacked = np.asarray(vectors, "<f4")
    return {"records": records, "vectors": stacked.tobytes(), "width": stacked.shape[-1]}


def results(message: dict[str, Any], paths: Sequence[str]) -> list[Extracted | None]:
    """Return what was extracted of the photos at these paths, out of a message.

    Raises
    ------
    ValueError, TypeError, KeyError
        The message is none of that kind.
    """
    records = message["records"]
    vectors = iter(())
    if message["vectors"]:
        vectors = iter(np.frombuffer(message["vectors"], "<f4").reshape(-1, message["width"]))
    found: list[Extracted | None] = []
    for path, record in zip(paths, records, strict=True):
        if record is None:
            found.append(None)
            continue
        vector = next(vectors).copy() if record.pop("embedded", False) else None
        record["keywords"] = tuple(record.get("keywords", ()))
        record["tags"] = tuple((word, sure) for word, sure in record.get("tags", ()))
        found.append(Extracted(path=path, vector=vector, **record))
    return found
