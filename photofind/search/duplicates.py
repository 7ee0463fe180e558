"""Groups of photos that show the same picture, or the same scene."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

import numpy as np

from photofind.library.store import Store
from photofind.model import DuplicateGroup, DuplicateKind
from photofind.model.filters import Filter
from photofind.model.records import Photo
from photofind.ranking.duplicates import grouped
from photofind.ranking.fingerprints import Fingerprints, near_pairs
from photofind.ranking.projection import normalised
from photofind.search.candidates import candidates
from photofind.search.differences import (
    Differences,
    differences,
    known_fingerprint,
    saved_otherwise,
)
from photofind.search.scenes import same_scene
from photofind.search.verification import SECONDS, Verification

__all__ = ["duplicate_groups"]

BATCH = 1024

Matches = Mapping[int, Mapping[int, Differences | int]]
"""What each picture matches, by places; by which turn, or what was done to the other one.

Large groups have millions of pairs that match by their fingerprints, so what was done to these is
looked up only for those that are shown.
"""


def duplicate_groups(
    store: Store, space: str, verification: Verification | None = None
) -> list[DuplicateGroup]:
    """Group the photos that show the same picture or scene; the largest groups first.

    Parameters
    ----------
    space
        The id of the space that proposes which photos are compared by geometry, and that tells
        which are of one scene.
    verification
        Compares photos by geometry; without it, fingerprints alone tell.
    """
    pictures = _pictures(store)
    matches = _matches(store, space, pictures, verification)
    groups: list[tuple[DuplicateKind, list[Photo], list[Differences]]] = []
    taken: set[int] = set()
    for first, *others in grouped(matches, _best_known_first(matches)):
        taken.update(others)
        members = _identical(pictures[first])
        for other in others:
            done = _done(matches[first][other], pictures, first, other)
            members += [(photo, done) for photo in pictures[other]]
        groups.append(("same picture", *_split(members)))
        taken.add(first)
    for place, photos in enumerate(pictures):
        if len(photos) > 1 and place not in taken:
            groups.append(("identical content", *_split(_identical(photos))))
    shown = [photos[0] for place, photos in enumerate(pictures) if place not in taken]
    shown += [photos[0] for kind, photos, _ in groups if kind == "same picture"]
    shown.sort(key=_largest_first)
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


def _pictures(store: Store) -> list[list[Photo]]:
    """Return the photos of each content, and the contents, the largest first."""
    contents: defaultdict[str, list[Photo]] = defaultdict(list)
    for photo in store.select(Filter(failed=False)):
        if photo.spaces and not photo.preliminary:
            contents[photo.content].append(photo)
    pictures = [sorted(photos, key=_largest_first) for photos in contents.values()]
    return sorted(pictures, key=lambda photos: _largest_first(photos[0]))


def _matches(
    store: Store,
    space: str,
    pictures: Sequence[Sequence[Photo]],
    verification: Verification | None,
) -> Matches:
    """Return which pictures are the same, by their fingerprints or by geometry."""
    prints = Fingerprints([known_fingerprint(photos) for photos in pictures])
    pairs = near_pairs(prints)
    turns = prints.distances(pairs.rights, pairs.lefts)[1]
    places = {photos[0].content: place for place, photos in enumerate(pictures)}
    apart = _places_apart(store, places)
    matches: defaultdict[int, dict[int, Differences | int]] = defaultdict(dict)
    for left, right, turn in zip(
        pairs.lefts.tolist(), pairs.rights.tolist(), turns.tolist(), strict=True
    ):
        if (left, right) in apart:
            continue
        matches[left][right] = matches[right][left] = turn
    if verification is None:
        return matches
    chosen = [pair for pair in candidates(store, space, places, matches) if pair not in apart]
    ends = time.monotonic() + SECONDS
    uncompared = 0
    asked = set(apart)
    while chosen:
        asked.update(chosen)
        near = prints.near_enough_to_cover(*np.array(chosen, np.int64).T).tolist()
        found = verification.compare(
            [
                (pictures[left][0], pictures[right][0], one)
                for (left, right), one in zip(chosen, near, strict=True)
            ],
            until=ends,
        )
        if time.monotonic() > ends:
            uncompared += len(chosen) - len(found)
        for (one, other), verdict in found.items():
            if verdict is not None:
                left, right = places[one], places[other]
                done = (*verdict, *saved_otherwise(pictures[left][0], pictures[right][0]))
                matches[left][right] = matches[right][left] = done or ("re-encoded",)
        chosen = sorted(_indirect(matches) - asked)
    verification.uncompared = uncompared
    return matches


def _done(
    match: Differences | int, pictures: Sequence[Sequence[Photo]], first: int, other: int
) -> Differences:
    """Return what was done to a picture that matches the first one of its group."""
    if not isinstance(match, int):
        return match
    return differences(pictures[min(first, other)][0], pictures[max(first, other)][0], match)


def _places_apart(store: Store, places: Mapping[str, int]) -> set[tuple[int, int]]:
    """Return which pictures a person told apart: no group may need them to match."""
    known = [pair for pair in store.told_apart() if pair[0] in places and pair[1] in places]
    return {
        (min(one, other), max(one, other))
        for one, other in ((places[left], places[right]) for left, right in known)
    }


def _best_known_first(matches: Matches) -> list[int]:
    """Return pictures, those first that most others match, the largest where as many do."""
    return sorted(matches, key=lambda place: (-len(matches[place]), place))


def _indirect(matches: Matches) -> set[tuple[int, int]]:
    """Return pairs of those that would be the first of a group with what they match indirectly."""
    return {
        (min(first, other), max(first, other))
        for first, *members in grouped(matches, _best_known_first(matches))
        for member in members
        for other in matches[member]
        if other != first and other not in matches[first]
    }


def _identical(photos: Sequence[Photo]) -> list[tuple[Photo, Differences]]:
    return [(photo, ("identical",)) for photo in photos]


def _split(
    members: Sequence[tuple[Photo, Differences]],
) -> tuple[list[Photo], list[Differences]]:
    """Return the photos, and what was done to each; nothing to the first one."""
    return [photo for photo, _ in members], [(), *(done for _, done in members[1:])]


def _largest_first(photo: Photo) -> tuple[int, int, str]:
    return -photo.width * photo.height, -photo.size, photo.path


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
