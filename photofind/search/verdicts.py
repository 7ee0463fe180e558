"""What comparing the pixels of two contents found, remembered in a file that can be removed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from photofind.search.remembered import Remembered

__all__ = ["Verdict", "Verdicts"]

Pair: TypeAlias = tuple[str, str]
Verdict: TypeAlias = "tuple[str, ...] | None"
"""What was done to the second content of a pair; None where it is another picture."""

# Of how pixels are compared: what was found otherwise is not found any more.
_VERSION = 3


class Verdicts:
    """Verdicts by pairs of contents. Threads and processes may share the file."""

    def __init__(self, path: Path) -> None:
        columns = "one TEXT, other TEXT, done TEXT, PRIMARY KEY (one, other)"
        self._file = Remembered(path, _VERSION, {"verdicts": columns})

    def of(self, pairs: Iterable[Pair]) -> dict[Pair, Verdict]:
        """Return what is known of some pairs."""
        wanted = set(pairs)
        found = self._of_firsts(sorted({one for one, _ in wanted}))
        return {pair: verdict for pair, verdict in found.items() if pair in wanted}

    def among(self, contents: Iterable[str]) -> set[Pair]:
        """Return the pairs of some contents that show the same picture."""
        some = set(contents)
        found = self._of_firsts(sorted(some))
        return {pair for pair, verdict in found.items() if verdict is not None and pair[1] in some}

    def _of_firsts(self, contents: Sequence[str]) -> dict[Pair, Verdict]:
        query = "SELECT one, other, done FROM verdicts WHERE one IN ({})"
        return {
            (one, other): None if done is None else tuple(done.split())
            for one, other, done in self._file.rows(query, contents)
        }

    def add(self, verdicts: Mapping[Pair, Verdict]) -> None:
        """Remember verdicts."""
        rows = [
            (one, other, None if done is None else " ".join(done))
            for (one, other), done in verdicts.items()
        ]
        self._file.write("verdicts", rows)
