"""Which pairs of pictures may be the same and are worth comparing on their pixels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import NamedTuple

from photofind.library.store import Store
from photofind.ranking.projection import normalised
from photofind.search.backgrounds import varied_background
from photofind.search.matches import Matches

__all__ = ["Candidates", "candidates"]

NEAREST = 4
"""With so many others each picture is compared, those most alike by their embeddings."""

LEAST = 0.4
"""The score, by the plain cosine of varied photos, below which pictures are not compared."""

CROWDED = 0.7
"""Where so many others have as high a score, there may be more, and landmarks tell which."""

_ASKED = 10
_BATCH = 1024


class Candidates(NamedTuple):
    """Pairs of pictures to be compared, the most alike first, and pictures in a crowd of others."""

    pairs: list[tuple[int, int]]
    crowded: list[int]


def candidates(store: Store, space: str, places: Mapping[str, int], known: Matches) -> Candidates:
    """Return pairs of pictures near by their embeddings, the lower place first.

    Parameters
    ----------
    space
        The id of the space of the embeddings.
    places
        The places of pictures, by their contents.
    known
        What is known to match is left out.
    """
    background = varied_background(store, space)
    least, crowd = background.similarity(LEAST), background.similarity(CROWDED)
    found: dict[tuple[int, int], float] = {}
    crowded: list[int] = []
    for content, nearest in _nearest(store, space):
        place = places.get(content)
        if place is None:
            continue
        if sum(cosine >= crowd for _, cosine in nearest) > NEAREST:
            crowded.append(place)
        left = NEAREST
        for name, cosine in nearest:
            other = places.get(name)
            if cosine < least or not left:
                break
            if other is not None and other != place and not known.has(place, other):
                found[min(place, other), max(place, other)] = cosine
                left -= 1
    return Candidates(sorted(found, key=lambda pair: -found[pair]), crowded)


def _nearest(store: Store, space: str) -> Iterator[tuple[str, list[tuple[str, float]]]]:
    """Yield each content with others that are near to it, and their cosines, the nearest first.

    The others are neighbours that the index holds. Contents that came after its build, and all
    contents where there is no index, are compared with everything.
    """
    index = store.index(space)
    seen: set[str] = set()
    for contents, neighbours in store.neighbours(space):
        seen.update(contents)
        names = [*dict.fromkeys(chain(contents, chain.from_iterable(neighbours)))]
        known, embeddings = store.embeddings(space, names)
        embeddings = normalised(embeddings)
        rows = {name: row for row, name in enumerate(names) if known[row]}
        for content, others in zip(contents, neighbours, strict=True):
            there = [name for name in others if name in rows]
            if content in rows and there:
                cosines = embeddings[[rows[name] for name in there]] @ embeddings[rows[content]]
                pairs = zip(there, cosines.tolist(), strict=True)
                yield content, sorted(pairs, key=lambda pair: -pair[1])
    if index is not None and not index.fresh:
        return
    for contents, embeddings in store.scan(space):
        rest = [row for row, content in enumerate(contents) if content not in seen]
        for start in range(0, len(rest), _BATCH):
            batch = rest[start : start + _BATCH]
            queries = normalised(embeddings[batch])
            found = store.nearest(space, queries, _ASKED, over="embeddings", vectors=False)
            for row, names_of, cosines in zip(
                batch, found.contents, found.similarities, strict=True
            ):
                yield contents[row], [*zip(names_of.tolist(), cosines.tolist(), strict=True)]
