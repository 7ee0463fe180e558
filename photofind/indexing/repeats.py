"""Which contents of a new index are nearly the same as one that came before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import compress
from typing import Any

import numpy as np
import numpy.typing as npt

from photofind.library.store import IndexWriter, Store
from photofind.ranking.pictures import PERHAPS_THE_SAME, Pictures
from photofind.ranking.projection import Vectors32, normalised
from photofind.ranking.smoothing import SMOOTHING

__all__ = ["FEW", "Repeats", "find_repeats"]

FEW = 8192
"""So many contents are compared with all others; more, with their nearest alone."""

BATCH = 1024

Repeats = Mapping[str, str]
"""Contents that are nearly the same as one that came before, with that one."""


def find_repeats(store: Store, space: str, writer: IndexWriter, least: float) -> Repeats:
    """Find what is nearly the same as what came before it, in the writer's order.

    Parameters
    ----------
    least
        The cosine of embeddings from which two are nearly the same.
    """
    contents: list[str] = []
    suspects: list[str] = []
    for near in writer.neighbours(1):
        contents += near.contents
        suspects += compress(near.contents, near.similarities[:, 0] >= PERHAPS_THE_SAME)
    if len(suspects) > FEW:
        return _compared_with_nearest(store, space, writer, contents, least)
    pictures, firsts = Pictures(least), list[str]()
    repeats: dict[str, str] = {}
    known, embeddings = store.embeddings(space, suspects)
    found = pictures.add(normalised(embeddings[known]))
    for content, picture in zip(compress(suspects, known), found, strict=True):
        if picture == len(firsts):
            firsts.append(content)
        else:
            repeats[content] = firsts[picture]
    return repeats


def _compared_with_nearest(
    store: Store, space: str, writer: IndexWriter, contents: Sequence[str], least: float
) -> Repeats:
    """Compare each with its nearest, and with what these are repeats of.

    The nearest of a take are takes too, where there are many of one picture: all lead to its first.
    """
    firsts = _Firsts(least)
    start = 0
    for near in writer.neighbours(SMOOTHING):
        perhaps = near.similarities >= PERHAPS_THE_SAME
        rows = np.flatnonzero(perhaps.any(axis=1))
        for some in np.split(rows, range(BATCH, len(rows), BATCH)):
            places, others, asked = start + some, near.others[some], perhaps[some]
            wanted = np.unique(np.concatenate([places, others[asked]]))
            _, embeddings = store.embeddings(space, [contents[place] for place in wanted])
            embeddings = normalised(embeddings)  # Zeros, of what is gone, are like nothing.
            for place, its, are_asked in zip(places.tolist(), others, asked, strict=True):
                own = embeddings[np.searchsorted(wanted, place)]
                mates = its[are_asked]
                vectors = embeddings[np.searchsorted(wanted, mates)]
                same = vectors @ own >= least
                firsts.add(place, own, zip(mates[same].tolist(), vectors[same], strict=True))
        start += len(near.contents)
    return {contents[place]: contents[first] for place, first in firsts.of_repeats.items()}


class _Firsts:
    """The first take of each picture, among contents that are added one after the other."""

    def __init__(self, least: float) -> None:
        self._least = least
        self._before: dict[int, int] = {}  # By place: a take that came before.
        self._vectors: dict[int, npt.NDArray[np.float16]] = {}  # Of firsts that others are near to.

    @property
    def of_repeats(self) -> dict[int, int]:
        """The place of the first take, by the place of each other one."""
        return {place: self._first(place) for place in self._before}

    def add(self, place: int, vector: Vectors32, takes: Iterable[tuple[int, Vectors32]]) -> None:
        """Add the next content: its place, its embedding (D,), and the takes that are near to it.

        Takes that were near to others alone came to be firsts; one that is like two of them says
        that they may be one picture.
        """
        near = dict(takes)
        firsts = {self._first(take) for take in (place, *near) if take <= place} - {place}
        for first in firsts & near.keys():
            self._keep(first, near[first])
        same = sorted(one for one in firsts if one in near or self._are_takes(one, vector))
        self._before.pop(place, None)
        if same:
            self._before[place] = same[0]
            for other in same[1:]:
                if self._are_takes(same[0], self._vectors[other]):
                    self._before[other] = same[0]
        elif near:
            self._keep(place, vector)
            for take in near:
                if take > place:
                    self._before.setdefault(take, place)

    def _first(self, place: int) -> int:
        while (before := self._before.get(place, place)) != place:
            place = before
        return place

    def _keep(self, first: int, vector: Vectors32) -> None:
        if first not in self._vectors:
            self._vectors[first] = vector.astype(np.float16)

    def _are_takes(self, first: int, vector: npt.NDArray[np.floating[Any]]) -> bool:
        return bool(self._vectors[first].astype(np.float32) @ vector >= self._least)
