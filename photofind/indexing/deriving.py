"""Spaces whose embeddings are computed from those of other spaces: no photo is read for them.

A derived extractor has such a space, and so have several extractors that compare together
(:func:`photofind.ranking.fusion.fuse_embeddings`). It follows its bases: what these embed is
computed in large batches, what came just now with the next step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from photofind.library.store import Array32, Store
from photofind.model.filters import Filter
from photofind.model.records import Photo

__all__ = ["Deriver"]

BATCH = 2048


class Deriver:
    """Computes the embeddings of one space from those of others, its bases.

    One thread derives; any thread may look at ``has_work``.

    Parameters
    ----------
    store
        Open for writing.
    extractor, space
        The extractor's name, and the id of its space.
    derives_from
        The names of its bases.
    compute
        Returns float32 (N, D) of an array (N, D') for each base, at unit length.

    Attributes
    ----------
    bases
        The ids of the spaces that it is derived from, in the order of ``derives_from``.
    embedded
        The paths of the photos that it has computed last.
    done
        How many photos it has computed in a row.
    """

    def __init__(
        self,
        store: Store,
        extractor: str,
        space: str,
        derives_from: Sequence[str],
        compute: Callable[..., Array32],
    ) -> None:
        self.extractor = extractor
        self.space = space
        self.derives_from = tuple(derives_from)
        self.bases: Sequence[str] = ()
        self.embedded: list[str] = []
        self.done = 0
        self._store = store
        self._compute = compute
        self._just_now: set[str] = set()  # Paths of photos that a base has embedded.
        self._ids: list[int] = []  # Of photos that are known to lack an embedding, the last first.
        self._must_look = True  # Any photo may lack one.

    @property
    def has_work(self) -> bool:
        """Whether there may be something to compute."""
        return bool(self._must_look or self._just_now or self._ids)

    @property
    def left(self) -> int:
        """How many photos are known to be left."""
        return len(self._just_now) + len(self._ids)

    def look_through(self) -> None:
        """Have all photos looked through: embeddings may have come or gone unnoticed."""
        self._must_look = True

    def note(self, paths: Iterable[str]) -> None:
        """Take note of photos that an extractor has just embedded."""
        self._just_now.update(paths)

    def step(self) -> bool:
        """Compute and commit the embeddings of some photos; return whether there were any.

        Raises
        ------
        ExtractorError
            The extractor does not work.
        LibraryError
            The disk refused; what was committed before stays.
        """
        if self._must_look:
            self._must_look = False
            self._ids = self._lacking()
        self.done *= bool(self._ids)
        paths = [*self._just_now]
        self._just_now.difference_update(paths)
        few, self._ids = self._ids[-BATCH:], self._ids[:-BATCH]
        photos = {photo.id: photo for photo in self._store.by_path(paths).values()}
        photos |= self._store.by_id(few)
        lacking = [photo for photo in photos.values() if self._lacks(photo)]
        self._derive(lacking)
        self.embedded = [photo.path for photo in lacking]
        self.done += len(lacking)
        return bool(lacking)

    def _lacking(self) -> list[int]:
        """Return the ids of the photos that lack an embedding; the newest last."""
        done = self._store.space_counts(self.space).contents
        if done >= min(self._store.space_counts(base).contents for base in self.bases):
            return []  # Nothing can be derived of more contents than any base has.
        found = self._store.select(Filter(embedded=self.bases[0]))
        return [photo.id for photo in sorted(filter(self._lacks, found), key=_modified)]

    def _lacks(self, photo: Photo) -> bool:
        return self.space not in photo.spaces and {*self.bases} <= {*photo.spaces}

    def _derive(self, photos: Sequence[Photo]) -> None:
        contents = [*dict.fromkeys(photo.content for photo in photos)]
        found = [self._store.embeddings(base, contents) for base in self.bases]
        there = np.logical_and.reduce([known for known, _ in found]) if contents else np.empty(0)
        if not there.any():
            return
        vectors = self._compute(*(embeddings[there] for _, embeddings in found))
        known = [content for content, is_there in zip(contents, there, strict=True) if is_there]
        embeddings = dict(zip(known, vectors, strict=True))
        self._store.commit(
            [photo for photo in photos if photo.content in embeddings], self.space, embeddings
        )


def _modified(photo: Photo) -> int:
    return photo.modified
