"""What filters ask of each photo, in arrays: where it lies, its day, and its rows."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import date
from threading import Lock
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from photofind.model.filters import Filter

__all__ = ["PhotoColumns"]

# So much of a moment is kept: its day.
_LONGEST = 10
# In the place of a folder or a row where there is none.
_NOWHERE = -1
# Memory is taken for all ids up to the highest one; damage may have made it any.
_MOST_IDS = 2**27

Arrays = Mapping[str, npt.NDArray[Any]]
Mask = npt.NDArray[np.bool_]
_ABSENT: Mapping[str, int] = {}


class PhotoColumns:
    """The folder, the day and the rows of each photo, by its id.

    Takes 14 bytes a photo, and 4 for each space. Threads may share it.
    """

    def __init__(self) -> None:
        self._changing = Lock()
        self._names: dict[str, int] = {}  # Of folders: the numbers that stand for them.
        self._folders = np.zeros(0, np.int32)
        self._days = np.zeros(0, f"S{_LONGEST}")
        self._rows: dict[str, npt.NDArray[np.int32]] = {}
        self._is_whole = True

    def put(self, ids: Sequence[int], documents: Sequence[Mapping[str, Any]]) -> None:
        """Note what photos are now, by their ids; an empty document for one that is gone."""
        if not all(0 <= one < _MOST_IDS for one in ids):
            self._is_whole = False
            known = [place for place, one in enumerate(ids) if 0 <= one < _MOST_IDS]
            ids, documents = [ids[one] for one in known], [documents[one] for one in known]
        if not ids:
            return
        rows: dict[str, list[int]] = {}
        for place, document in enumerate(documents):
            for space, row in document.get("rows", _ABSENT).items():
                rows.setdefault(space, [_NOWHERE] * len(ids))[place] = row
        with self._changing:
            self._make_room(max(ids) + 1, rows)
            self._folders[ids] = [self._folder_of(document) for document in documents]
            self._days[ids] = [_day_of(document) for document in documents]
            for space, column in self._rows.items():
                column[ids] = rows.get(space, _NOWHERE)

    def can_tell(self, where: Filter) -> bool:
        """Return whether these columns tell which photos a filter lets pass."""
        asked = (where.since or "", where.until or "")
        return (
            self._is_whole
            and where == Filter(where.folder, where.since, where.until)
            and all(len(moment) <= _LONGEST and moment.isascii() for moment in asked)
        )

    def rows(self, space: str, where: Filter) -> npt.NDArray[np.int32]:
        """Return the row in a space of each photo that passes and has one, (n,).

        Of a folder those count that lie below it, at any depth.
        """
        with self._changing:
            if (rows := self._rows.get(space)) is None:
                return np.zeros(0, np.int32)
            passing = rows != _NOWHERE
            if where.folder is not None:
                passing &= self._below(where.folder)
            # A shorter date stands for all that begin with it.
            if where.since:
                passing &= self._days.astype(f"S{len(where.since)}") >= where.since.encode()
            if where.until:
                passing &= self._days.astype(f"S{len(where.until)}") <= where.until.encode()
            found: npt.NDArray[np.int32] = rows[passing]
            return found

    def facts(self) -> dict[str, Any]:
        """Return the names, as JSON can have them."""
        return {
            "folders": [*self._names],
            "spaces": [*self._rows],
            "is_whole": self._is_whole,
        }

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return copies of the columns."""
        with self._changing:
            named = {"column_folders": self._folders.copy(), "column_days": self._days.copy()}
            for place, column in enumerate(self._rows.values()):
                named[f"column_rows_{place}"] = column.copy()
            return named

    @classmethod
    def resumed(cls, facts: Mapping[str, Any], arrays: Arrays) -> Self:
        """Return what had these names and columns."""
        columns = cls()
        columns._names = {name: number for number, name in enumerate(facts["folders"])}
        columns._is_whole = facts["is_whole"]
        columns._folders, columns._days = arrays["column_folders"], arrays["column_days"]
        for place, space in enumerate(facts["spaces"]):
            columns._rows[space] = arrays[f"column_rows_{place}"]
        return columns

    def _below(self, folder: str) -> Mask:
        above = os.path.join(folder, "")  # noqa: PTH118 (its end is what counts)
        numbers = [
            number for name, number in self._names.items() if (name + os.sep).startswith(above)
        ]
        is_below = np.zeros(len(self._names) + 1, np.bool_)  # The last one is that of nowhere.
        is_below[numbers] = True
        return is_below[self._folders]

    def _folder_of(self, document: Mapping[str, Any]) -> int:
        if not document:
            return _NOWHERE
        name = document["path"].rpartition(os.sep)[0]
        return self._names.setdefault(name, len(self._names))

    def _make_room(self, ids: int, spaces: Mapping[str, object]) -> None:
        if ids > len(self._folders):
            size = max(ids, len(self._folders) * 5 // 4)
            self._folders = _larger(self._folders, size, _NOWHERE)
            self._days = _larger(self._days, size, b"")
            self._rows = {s: _larger(rows, size, _NOWHERE) for s, rows in self._rows.items()}
        for space in spaces:
            if space not in self._rows:
                self._rows[space] = np.full(len(self._folders), _NOWHERE, np.int32)


def _larger(column: npt.NDArray[Any], size: int, filling: object) -> npt.NDArray[Any]:
    larger = np.full(size, filling, column.dtype)
    larger[: len(column)] = column
    return larger


def _day_of(document: Mapping[str, Any]) -> bytes:
    """Return the beginning of the moment that the photo of a document has."""
    if captured := document.get("captured"):
        return bytes(captured[:_LONGEST].encode("utf-8", "surrogatepass")[:_LONGEST])
    if not document:
        return b""
    try:
        return date.fromtimestamp(document.get("modified", 0) / 1e9).isoformat().encode()
    except (ValueError, OverflowError, OSError):
        return b""
