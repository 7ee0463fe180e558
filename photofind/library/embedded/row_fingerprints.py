"""The fingerprint of the content of each row of a space, in little memory."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock

import numpy as np
import numpy.typing as npt

from photofind.model.fingerprints import BYTES, fingerprint_bytes, fingerprint_texts

__all__ = ["UNCLEAR", "RowFingerprints"]

UNCLEAR = ""
"""In the place of a fingerprint: the documents say what there is."""

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
        self._column = np.zeros((0, BYTES), np.uint8) if column is None else column
        self._kinds = np.zeros(0, np.uint8) if kinds is None else kinds

    def columns(self) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
        """Return copies of the fingerprints, and of what is known of each, by row."""
        with self._changing:
            return self._column.copy(), self._kinds.copy()

    def put(self, texts: Mapping[int, str | None]) -> None:
        """Note the fingerprints of rows, by row; None where there is none, or `UNCLEAR`."""
        rows = np.fromiter(texts, np.int64, len(texts))
        data, there = fingerprint_bytes([*texts.values()])
        kinds = np.where(there, _KEPT, _UNCLEAR)  # Of another version: the documents have it.
        kinds[[text is None for text in texts.values()]] = _NONE
        with self._changing:
            self._make_room(int(rows.max()) + 1)
            self._kinds[rows] = kinds
            self._column[rows[there]] = data[there]

    def texts(self, rows: Rows) -> list[str | None]:
        """Return the fingerprint of each of some rows (n,); None or `UNCLEAR` as they were put."""
        with self._changing:
            inside = rows < len(self._kinds)
            rows = rows[inside]
            kinds, data = self._kinds[rows], self._column[rows]
        if len(rows) == len(inside) and (kinds == _KEPT).all():  # Nearly always.
            return [*fingerprint_texts(data)]
        found: list[str | None] = [None] * len(inside)
        places = np.flatnonzero(inside).tolist()
        for place, kind, text in zip(places, kinds.tolist(), fingerprint_texts(data), strict=True):
            if kind != _NONE:
                found[place] = text if kind == _KEPT else UNCLEAR
        return found

    def _make_room(self, rows: int) -> None:
        if rows > len(self._kinds):
            larger = max(rows, len(self._kinds) * 5 // 4)
            column, kinds = np.zeros((larger, BYTES), np.uint8), np.zeros(larger, np.uint8)
            column[: len(self._kinds)], kinds[: len(self._kinds)] = self._column, self._kinds
            self._column, self._kinds = column, kinds
