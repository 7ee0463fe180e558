"""Groups of photos that show the same picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np

from photofind.library.store import Store
from photofind.model import DuplicateGroup, DuplicateKind
from photofind.model.records import Photo
from photofind.ranking.calibration import TYPICAL
from photofind.ranking.duplicates import NEAR_DUPLICATE, connected
from photofind.ranking.projection import normalised

__all__ = ["duplicate_groups", "near_duplicates"]

BATCH = 1024
NEIGHBOURS = 10

Pairs = Iterator[tuple[str, str]]


def duplicate_groups(store: Store, space: str) -> list[DuplicateGroup]:
    """Group the photos that show the same picture, told by one space; the largest groups first."""
    near = near_duplicates(store, space)
    grouped = set(chain.from_iterable(near))
    shared = [content for content in store.shared_contents(space) if content not in grouped]
    photos = store.by_content([*grouped, *shared])

    def members(contents: Sequence[str]) -> list[Photo]:
        found = chain.from_iterable(photos.get(content, ()) for content in contents)
        return sorted((photo for photo in found if space in photo.spaces), key=_largest_first)

    similar = [group for group in map(members, near) if len(group) > 1]
    same = [group for group in (members([content]) for content in shared) if len(group) > 1]
    cosines = _lowest_cosines(store, space, similar)
    groups = [_group(*one, "same picture") for one in zip(similar, cosines, strict=True)]
    groups += [_group(group, 1.0, "identical content") for group in same]
    return sorted(groups, key=lambda group: (-len(group.paths), group.paths))


def near_duplicates(store: Store, space: str) -> list[list[str]]:
    """Return groups of contents that show the same picture.

    The candidates are neighbours that the index holds. Contents that came after its build, and all
    contents where there is no index, are compared with everything.
    """
    places: dict[str, int] = {}
    pairs = [
        (places.setdefault(left, len(places)), places.setdefault(right, len(places)))
        for left, right in _near_pairs(store, space)
    ]
    contents = [*places]
    groups = connected(np.array(pairs, np.int64).reshape(len(pairs), 2))
    return [[contents[place] for place in group] for group in groups]


def _near_pairs(store: Store, space: str) -> Pairs:
    """Yield contents that are near-duplicates of each other."""
    index = store.index(space)
    least = (index.plain if index else TYPICAL).similarity(NEAR_DUPLICATE)
    compared: set[str] = set()
    for contents, neighbours in store.neighbours(space):
        compared.update(contents)
        yield from _near_neighbours(store, space, contents, neighbours, least)
    if index is not None and not index.fresh:
        return
    for contents, embeddings in store.scan(space):
        rest = [place for place, content in enumerate(contents) if content not in compared]
        for start in range(0, len(rest), BATCH):
            batch = rest[start : start + BATCH]
            # The nearest is the content itself.
            found = store.nearest(
                space,
                normalised(embeddings[batch]),
                NEIGHBOURS + 1,
                over="embeddings",
                vectors=False,
            )
            for row, column in np.argwhere(found.similarities >= least):
                left, right = contents[batch[row]], found.contents[row, column]
                if left != right:
                    yield left, right


def _near_neighbours(
    store: Store,
    space: str,
    contents: Sequence[str],
    neighbours: Sequence[Sequence[str]],
    least: float,
) -> Pairs:
    """Yield which contents and neighbours of theirs are near-duplicates."""
    names = [*dict.fromkeys(chain(contents, chain.from_iterable(neighbours)))]
    known, embeddings = store.embeddings(space, names)
    embeddings = normalised(embeddings)
    places = {name: place for place, name in enumerate(names)}
    left = np.repeat([places[content] for content in contents], [*map(len, neighbours)])
    right = np.array([places[name] for name in chain.from_iterable(neighbours)], np.intp)
    near = np.empty(len(left), np.bool_)
    for start in range(0, len(left), BATCH):
        part = slice(start, start + BATCH)
        cosines = np.einsum("nd,nd->n", embeddings[left[part]], embeddings[right[part]])
        near[part] = cosines >= least
    for place in np.flatnonzero(near & known[left] & known[right]):
        yield names[left[place]], names[right[place]]


def _largest_first(photo: Photo) -> tuple[int, int, str]:
    return -photo.width * photo.height, -photo.size, photo.path


def _lowest_cosines(store: Store, space: str, groups: Sequence[Sequence[Photo]]) -> Iterator[float]:
    """Yield for each group the lowest cosine between any of its photos and the first."""
    for start in range(0, len(groups), BATCH):
        batch = groups[start : start + BATCH]
        contents = [photo.content for group in batch for photo in group]
        embeddings = normalised(store.embeddings(space, contents)[1])
        ends = np.cumsum([len(group) for group in batch])
        for own in np.split(embeddings, ends[:-1]):
            yield float((own @ own[0]).min(initial=1.0))


def _group(photos: Sequence[Photo], similarity: float, kind: DuplicateKind) -> DuplicateGroup:
    return DuplicateGroup(
        tuple(photo.path for photo in photos),
        kind,
        round(similarity, 4),
        tuple(photo.id for photo in photos),
    )
