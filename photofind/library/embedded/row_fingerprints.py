"""The fingerprint of the content of each row of a space, in little memory."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from threading import Lock

import numpy as np
import numpy.typing as npt

__all__ = ["UNCLEAR", "RowFingerprints"]

UNCLEAR = ""
"""In the place of a fingerprint: the documents say what there is."""

# A fingerprint is this, and 33 bytes as 44 characters; others are looked up in the documents.
_VERSION = "1"
_BYTES, _CHARACTERS = 33, 44
_NONE, _KEPT, _UNCLEAR = 0, 1, 2

Rows = npt.NDArray[np.int64]


class RowFingerprints:
    """Fingerprints by row, at 34 bytes a row: hundreds are asked for with each query.

    Threads may share it.

    Parameters
    ----------
    column, kinds
        What `columns` returned, to go on from there.
    """

    def __init__(
        self,
        column: npt.NDArray[np.uint8] | None = None,
        kinds: npt.NDArray[np.uint8] | None = None,
    ) -> None:
        self._changing = Lock()
        self._column = np.zeros((0, _BYTES), np.uint8) if column is None else column
        self._kinds = np.zeros(0, np.uint8) if kinds is None else kinds

    def columns(self) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
        """Return copies of the fingerprints, and of what is known of each, by row."""
        with self._changing:
            return self._column.copy(), self._kinds.copy()

    def put(self, texts: Mapping[int, str | None]) -> None:
        """Note the fingerprints of rows, by row; None where there is none, or `UNCLEAR`."""
        rows = np.fromiter(texts, np.int64, len(texts))
        raws = _decoded([*texts.values()])
        kinds = [
            _NONE if text is None else _UNCLEAR if raw is None else _KEPT
            for text, raw in zip(texts.values(), raws, strict=True)
        ]
        with self._changing:
            self._make_room(int(rows.max()) + 1)
            self._kinds[rows] = kinds
            kept = rows[np.array(kinds) == _KEPT]
            data = np.frombuffer(b"".join(filter(None, raws)), np.uint8)
            self._column[kept] = data.reshape(-1, _BYTES)

    def texts(self, rows: Rows) -> list[str | None]:
        """Return the fingerprint of each of some rows (n,); None or `UNCLEAR` as they were put."""
        with self._changing:
            inside = rows < len(self._kinds)
            rows = rows[inside]
            kinds, data = self._kinds[rows], self._column[rows]
        text = b64encode(data.tobytes()).decode("ascii")
        found: list[str | None] = [None] * len(inside)
        places = np.flatnonzero(inside).tolist()
        for number, (place, kind) in enumerate(zip(places, kinds.tolist(), strict=True)):
            if kind == _KEPT:
                start = number * _CHARACTERS
                found[place] = _VERSION + text[start : start + _CHARACTERS]
            elif kind == _UNCLEAR:
                found[place] = UNCLEAR
        return found

    def _make_room(self, rows: int) -> None:
        if rows > len(self._kinds):
            larger = max(rows, len(self._kinds) * 5 // 4)
            column, kinds = np.zeros((larger, _BYTES), np.uint8), np.zeros(larger, np.uint8)
            column[: len(self._kinds)], kinds[: len(self._kinds)] = self._column, self._kinds
            self._column, self._kinds = column, kinds


def _decoded(texts: Sequence[str | None]) -> list[bytes | None]:
    """Return the bytes of texts; None for those that cannot be told again by their bytes."""
    usual = [
        place
        for place, text in enumerate(texts)
        if text and text[0] == _VERSION and len(text) == 1 + _CHARACTERS
    ]
    found: list[bytes | None] = [None] * len(texts)
    try:
        data = b64decode("".join([str(texts[place])[1:] for place in usual]), validate=True)
        if len(data) == _BYTES * len(usual):
            for number, place in enumerate(usual):
                found[place] = data[number * _BYTES : (number + 1) * _BYTES]
            return found
    except ValueError:
        pass
    for place in usual:  # One of them is odd.
        try:
            data = b64decode(str(texts[place])[1:], validate=True)
        except (ValueError, binascii.Error):
            continue
        found[place] = data if len(data) == _BYTES else None
    return found
