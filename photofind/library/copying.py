"""Copying a library from one store into another, by the protocol of stores alone.

Nothing is decoded or embedded: photos, what people said, embeddings and indexes are read from one
store and committed to the other. A copy that was interrupted goes on: what the other store has as
it should be is left alone, so copying again is cheap.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress

import numpy as np

from photofind.errors import LockedError
from photofind.library.store import Array32, IndexInfo, Store
from photofind.model import Progress
from photofind.model.records import Photo
from photofind.ranking.smoothing import SMOOTHING

__all__ = ["Copied", "copy_library", "differing_photos", "is_empty"]

BATCH = 1024
# How often what was changed meanwhile is copied too, before giving up.
_MOST_ROUNDS = 3

Show = Callable[[Progress], None]
Key = tuple[str, str | None]


@dataclass
class Copied:
    """What a copy has done.

    Parameters
    ----------
    photos
        Photos that were committed.
    kept
        Photos that the other store had already, as they should be.
    removed
        Photos that it had, and the source has no more.
    embeddings
        Embeddings that were committed, over all spaces.
    indexes
        The spaces whose index was copied.
    left_out
        The spaces whose index was not copied: an older photofind built it, and it is built anew.
    """

    photos: int = 0
    kept: int = 0
    removed: int = 0
    embeddings: int = 0
    indexes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def is_empty(store: Store) -> bool:
    """Return whether a store holds nothing at all."""
    return not (
        store.counts().photos
        or store.folders()
        or store.spaces()
        or store.judgements()
        or store.tag_judgements()
        or store.told_apart()
    )


def copy_library(source: Store, target: Store, show: Show = lambda progress: None) -> Copied:
    """Make what a store holds the same as what another one holds; ids of photos may differ.

    Parameters
    ----------
    source
        Where it is read.
    target
        Open for writing. It is empty, or holds what was copied before.
    show
        Called with how far it is.

    Raises
    ------
    LockedError
        The source goes on changing.
    LibraryError
        A disk or a server refused; what was copied stays, and the same goes on from there.
    """
    copied = Copied()
    for _ in range(_MOST_ROUNDS):
        source.refresh()
        version = source.version
        _copy_spaces(source, target)
        _copy_what_people_said(source, target)
        _copy_photos(source, target, copied, show)
        _remove_extra(source, target, copied)
        _copy_indexes(source, target, copied, show)
        source.refresh()
        if source.version == version:
            return copied
    raise LockedError(
        "the library that is copied goes on changing",
        "end what writes to it, and run the same again",
    )


def differing_photos(source: Store, target: Store, contents: Sequence[str]) -> Iterator[Photo]:
    """Yield the photos of contents that the target does not have as the source has them."""
    there = target.by_content(contents)
    for content, photos in source.by_content(contents).items():
        known = {_key(photo): photo for photo in there.get(content, [])}
        for photo in photos:
            if not _is_same(photo, known.get(_key(photo))):
                yield photo


def _copy_spaces(source: Store, target: Store) -> None:
    wanted = source.spaces()
    there = target.spaces()
    for space in there:
        if space.id not in {one.id for one in wanted}:
            target.remove_space(space.id)
    for space in wanted:
        if space not in there:
            target.open_space(space.extractor, space.version, space.dimension, space.build)


def _copy_what_people_said(source: Store, target: Store) -> None:
    folders = {folder.path: replace(folder, id=0) for folder in source.folders()}
    there = {folder.path: replace(folder, id=0) for folder in target.folders()}
    for path in there.keys() - folders.keys():
        target.remove_folder(path)
    for path, folder in folders.items():
        if there.get(path) != folder:
            target.put_folder(folder)

    pairs, known_pairs = source.told_apart(), target.told_apart()
    if forgotten := known_pairs - pairs:
        target.forget_apart(forgotten)
    if pairs - known_pairs:
        target.tell_apart(sorted(pairs - known_pairs))

    judgements, judged = source.judgements(), target.judgements()
    if others := set(judged) - set(judgements):
        target.forget_judgements(others)
    if set(judgements) - set(judged):
        target.judge(judgements)

    said, said_there = source.tag_judgements(), target.tag_judgements()
    if others_said := set(said_there) - set(said):
        target.forget_tag_judgements(others_said)
    if set(said) - set(said_there):
        target.judge_tags(said)


def _copy_photos(source: Store, target: Store, copied: Copied, show: Show) -> None:
    """Commit all photos with their embeddings, the oldest first, as far as they differ."""
    away: dict[Key, Photo] = {}
    if target.counts().photos:
        away = {_key(photo): photo for photo in target.select() if photo.away is not None}
    ids = np.sort(np.fromiter((photo.id for photo in source.select()), np.int64))
    done = 0
    for start in range(0, len(ids), BATCH):
        batch = ids[start : start + BATCH].tolist()
        photos = [photo for _, photo in sorted(source.by_id(batch).items())]
        there = {_key(photo): photo for photo in target.by_path([p.path for p in photos]).values()}
        there |= away
        differing = [one for one in photos if not _is_same(one, there.get(_key(one)))]
        copied.kept += len(photos) - len(differing)
        if differing:
            ids_there = {key: photo.id for key, photo in there.items()}
            _commit(source, target, differing, ids_there, copied)
        done += len(batch)
        show(Progress("copying photos", done, len(ids)))


def _commit(
    source: Store,
    target: Store,
    photos: Sequence[Photo],
    ids: Mapping[Key, int],
    copied: Copied,
) -> None:
    """Commit photos with their embeddings of all spaces; ``ids`` are those of the target."""
    photos = [replace(photo, id=ids.get(_key(photo), 0)) for photo in photos]
    contents: dict[str, dict[str, None]] = defaultdict(dict)
    for photo in photos:
        for space in photo.spaces:
            contents[space][photo.content] = None
    # Each commit gives the photos their tags of one more space: tags belong to embeddings.
    for space, wanted in contents.items() or {"": {}}.items():
        embeddings = _embeddings(source, space, [*wanted]) if wanted else {}
        stored = {_key(photo): photo.id for photo in target.commit(photos, space, embeddings)}
        photos = [replace(photo, id=stored[_key(photo)]) for photo in photos]
        copied.embeddings += len(embeddings)
    copied.photos += len(photos)


def _embeddings(store: Store, space: str, contents: Sequence[str]) -> dict[str, Array32]:
    has, vectors = store.embeddings(space, contents)
    return dict(zip(compress(contents, has), vectors[has], strict=True))


def _remove_extra(source: Store, target: Store, copied: Copied) -> None:
    """Remove photos that the source has no more: all others are there by now."""
    if target.counts().photos == source.counts().photos:
        return
    wanted = {_key(photo) for photo in source.select()}
    extra = [photo for photo in target.select() if _key(photo) not in wanted]
    target.remove(extra)
    copied.removed += len(extra)


def _copy_indexes(source: Store, target: Store, copied: Copied, show: Show) -> None:
    done, left_out = [], []
    for space in [space.id for space in source.spaces()]:
        info = source.index(space)
        if info is None or info.outdated:
            target.remove_index(space)
            if info is not None:
                left_out.append(space)
            continue
        if not _has_index(target, space, info):
            _copy_index(source, target, space, info, show)
        target.extend_index(space)
        done.append(space)
    copied.indexes, copied.left_out = tuple(done), tuple(left_out)


def _copy_index(source: Store, target: Store, space: str, info: IndexInfo, show: Show) -> None:
    """Put the points of an index into a new one; only a graph over them is built."""
    total = info.photos - info.gone
    contents: list[str] = []
    repeats: list[str] = []
    with target.new_index(space, graph=info.graph) as writer:
        for batch, are_repeats in source.indexed(space):
            has, embeddings = source.embeddings(space, batch)
            known = [*compress(batch, has)]
            writer.put(known, info.projection.project(embeddings[has]))
            contents += known
            repeats += compress(batch, are_repeats & has)
            show(Progress("copying indexes", len(contents), total))
        writer.repeats(repeats)
        for near in writer.neighbours(SMOOTHING):
            has, points = source.points(space, near.contents)
            writer.replace([*compress(near.contents, has)], points[has])
        writer.finish()
        writer.publish(info.projection, info.ranked, info.plain)


def _has_index(store: Store, space: str, wanted: IndexInfo) -> bool:
    """Return whether a store has this index already."""
    info = store.index(space)
    return (
        info is not None
        and not info.outdated
        and info.photos - info.gone == wanted.photos - wanted.gone
        and (info.repeats, info.ranked, info.plain) == (wanted.repeats, wanted.ranked, wanted.plain)
        and info.projection.components.shape == wanted.projection.components.shape
        and np.allclose(info.projection.components, wanted.projection.components, atol=1e-6)
    )


def _key(photo: Photo) -> Key:
    return photo.path, photo.away


def _is_same(photo: Photo, other: Photo | None) -> bool:
    """Return whether two photos are the same but for their ids."""
    return other is not None and _comparable(photo) == _comparable(other)


def _comparable(photo: Photo) -> Photo:
    return replace(photo, id=0, spaces=tuple(sorted(photo.spaces)))
