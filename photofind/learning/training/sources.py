"""Where labels come from: folders or a CSV, keywords in the library, and what people judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from photofind.errors import LearningError
from photofind.extractors.extraction import Extraction
from photofind.learning.gallery import make_gallery
from photofind.learning.labels import LabelledPhotos
from photofind.learning.training.data import ALONE, LEAST, TrainingData
from photofind.library.store import Store
from photofind.model import Progress
from photofind.model.filters import Filter
from photofind.model.hierarchy import folded
from photofind.model.judgements import Asked, Judgement, latest
from photofind.model.records import Photo, Space
from photofind.ranking.projection import normalised

__all__ = ["groups_of", "judged_photos", "labelled_photos", "tagged_photos"]


def labelled_photos(
    photos: LabelledPhotos,
    extractor: str,
    extraction: Callable[[str], Extraction],
    store: Store | None,
    cache: Path,
    progress: Callable[[Progress], None] = lambda progress: None,
) -> TrainingData:
    """Return labelled photos with their embeddings: the library's, or made now.

    The parameters and errors are those of :func:`~photofind.learning.gallery.make_gallery`.
    """
    gallery = make_gallery(photos, [extractor], extraction, store, cache, progress)
    space = gallery.spaces[extractor]
    return TrainingData(
        gallery.photos.source,
        f"{space.extractor}@{space.version}",
        gallery.embeddings[extractor],
        gallery.photos.labels,
        gallery.contents,
        gallery.fingerprints,
        gallery.photos.paths,
        gallery.photos.notes,
    )


def tagged_photos(store: Store, space: Space, base: str) -> TrainingData:
    """Return the photos of the library that have keywords, with these as labels.

    Only keywords that people wrote count: what a network named is no news to a network. A photo
    with several has the rarest one that enough photos share.

    Parameters
    ----------
    store
        The library.
    space
        Whose embeddings are learned from.
    base
        What made them, ``"mobilenet@1"``.

    Raises
    ------
    LearningError
        No keywords are shared by enough photos.
    """
    photos = [one for one in _embedded(store, space) if one.keywords]
    counts = Counter(word for photo in photos for word in _words(photo))
    spelling: dict[str, str] = {}
    labels: dict[str, str] = {}
    for photo in photos:
        words = _words(photo)
        shared = [word for word in words if counts[word] >= LEAST]
        if shared:
            rarest = min(shared, key=lambda word: (counts[word], word))
            labels[photo.path] = spelling.setdefault(rarest, words[rarest])
    if not labels:
        raise LearningError(
            f"no keyword is shared by {LEAST} photos of the library",
            "write keywords into your photos, or give a folder with a folder for each class",
        )
    by_path = {photo.path: photo for photo in photos}
    left = len(photos) - len(labels)
    notes = (f"{left:,} photos left out whose keywords too few others share",) if left else ()
    return _stored(store, space, base, "keywords", by_path, labels, notes)


def judged_photos(
    store: Store, space: Space, base: str, judgements: Iterable[Judgement]
) -> TrainingData:
    """Return the photos of the library that people judged, those that belong together as classes.

    Parameters
    ----------
    store, space, base
        As for :func:`tagged_photos`.
    judgements
        What was said, the latest last.

    Raises
    ------
    LearningError
        Nothing was said.
    """
    groups, contradicting = groups_of(judgements)
    by_content = store.by_content(groups)
    photos = {
        content: next((one for one in found if space.id in one.spaces), None)
        for content, found in by_content.items()
    }
    by_path = {photo.path: photo for photo in photos.values() if photo}
    labels = {photo.path: groups[content] for content, photo in photos.items() if photo}
    if not labels:
        raise LearningError(
            "nobody has judged any photos of the library",
            "like and dislike what queries find, on the page or by `photofind feedback`",
        )
    notes = []
    if gone := len(groups) - len(labels):
        notes.append(f"{gone:,} photos left out that were judged and are not in the library")
    if contradicting:
        notes.append(
            f"{contradicting:,} dislikes contradict likes for other queries; the likes count"
        )
    return _stored(store, space, base, "feedback", by_path, labels, notes)


def groups_of(judgements: Iterable[Judgement]) -> tuple[dict[str, str], int]:
    """Return a label for each judged content, and how many judgements contradict others.

    What was liked for one query belongs together, with the photos of the query; queries that share
    such photos are one. What was only disliked is like no other.
    """
    parents: dict[str | Asked, str | Asked] = {}

    def top(one: str | Asked) -> str | Asked:
        while (parent := parents.setdefault(one, one)) != one:
            one = parent
        return one

    last = latest(judgements).values()
    for judgement in last:
        asked = judgement.asked
        # Several photos stand for what they have in common, and a box for a part of one.
        if len(asked.contents) == 1 and not asked.box:
            parents[top(asked.contents[0])] = top(asked)
        if judgement.liked:
            parents[top(judgement.content)] = top(asked)
    numbers: dict[str | Asked, str] = {}
    members = [one for one in parents if isinstance(one, str)]
    labels = {one: numbers.setdefault(top(one), f"query {len(numbers) + 1}") for one in members}
    contradicting = 0
    for judgement in last:
        if judgement.liked:
            continue
        if judgement.content not in parents:
            labels[judgement.content] = ALONE + judgement.content
        elif top(judgement.content) == top(judgement.asked):
            contradicting += 1
    return labels, contradicting


def _stored(
    store: Store,
    space: Space,
    base: str,
    source: str,
    photos: dict[str, Photo],
    labels: dict[str, str],
    notes: Iterable[str],
) -> TrainingData:
    paths = sorted(labels)
    contents = [photos[path].content for path in paths]
    has, vectors = store.embeddings(space.id, contents)
    data = TrainingData(
        source,
        base,
        normalised(vectors),
        tuple(labels[path] for path in paths),
        tuple(contents),
        tuple(photos[path].fingerprint for path in paths),
        tuple(paths),
        tuple(notes),
    )
    return data.select(np.flatnonzero(has))


def _embedded(store: Store, space: Space) -> Iterable[Photo]:
    chosen = store.select(Filter(failed=False, embedded=space.id))
    return (photo for photo in chosen if not photo.preliminary and photo.away is None)


def _words(photo: Photo) -> dict[str, str]:
    """Return the keywords of a photo, by how they are compared."""
    return {folded(keyword): keyword for keyword in photo.keywords}
