"""Groups of photos that show the same picture, or the same scene."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np

from photofind.library.store import Store
from photofind.model import DuplicateGroup, DuplicateKind
from photofind.model.records import Photo
from photofind.ranking.projection import normalised
from photofind.search.differences import Differences
from photofind.search.matching import Matching, largest_first
from photofind.search.scenes import same_scene

__all__ = ["duplicate_groups"]

BATCH = 1024


def duplicate_groups(store: Store, space: str, matching: Matching) -> list[DuplicateGroup]:
    """Group the photos that show the same picture or scene; the largest groups first.

    Parameters
    ----------
    space
        The id of the space that tells which photos are of one scene.
    matching
        Which pictures are the same, as far as it is known.
    """
    pictures = matching.pictures
    groups: list[tuple[DuplicateKind, list[Photo], list[Differences]]] = []
    taken: set[int] = set()
    for first, *others in matching.matches.grouped():
        taken.update(others)
        members = _identical(pictures[first])
        for other, done in zip(others, matching.what_was_done(first, others), strict=True):
            members += [(photo, done) for photo in pictures[other]]
        groups.append(("same picture", *_split(members)))
        taken.add(first)
    for place, photos in enumerate(pictures):
        if len(photos) > 1 and place not in taken:
            groups.append(("identical content", *_split(_identical(photos))))
    shown = [photos[0] for place, photos in enumerate(pictures) if place not in taken]
    shown += [photos[0] for kind, photos, _ in groups if kind == "same picture"]
    shown.sort(key=largest_first)
    for scene in same_scene(store, space, shown):
        groups.append(("same scene", scene, [() for _ in scene]))
    cosines = _lowest_cosines(store, space, [photos for _, photos, _ in groups])
    found = [
        DuplicateGroup(
            tuple(photo.path for photo in photos),
            kind,
            round(cosine, 4),
            tuple(photo.id for photo in photos),
            tuple(done),
        )
        for (kind, photos, done), cosine in zip(groups, cosines, strict=True)
    ]
    return sorted(found, key=lambda group: (-len(group.paths), group.paths))


def _identical(photos: Sequence[Photo]) -> list[tuple[Photo, Differences]]:
    return [(photo, ("identical",)) for photo in photos]


def _split(
    members: Sequence[tuple[Photo, Differences]],
) -> tuple[list[Photo], list[Differences]]:
    """Return the photos, and what was done to each; nothing to the first one."""
    return [photo for photo, _ in members], [(), *(done for _, done in members[1:])]


def _lowest_cosines(store: Store, space: str, groups: Sequence[Sequence[Photo]]) -> Iterator[float]:
    """Yield for each group the lowest cosine between any of its photos and the first.

    Photos without an embedding in the space are left out.
    """
    for start in range(0, len(groups), BATCH):
        batch = groups[start : start + BATCH]
        contents = [*dict.fromkeys(chain.from_iterable(_contents(group) for group in batch))]
        known, embeddings = store.embeddings(space, contents)
        embeddings = normalised(embeddings)
        places = {content: place for place, content in enumerate(contents) if known[place]}
        for group in batch:
            own = [places[content] for content in _contents(group) if content in places]
            cosines = embeddings[own] @ embeddings[own[0]] if own else np.ones(1, np.float32)
            yield float(min(cosines.min(), 1.0))


def _contents(photos: Sequence[Photo]) -> list[str]:
    return [photo.content for photo in photos]
