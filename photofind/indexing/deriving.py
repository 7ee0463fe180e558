"""Spaces whose embeddings are computed from those of other spaces: no photo is read for them.

A derived extractor has such a space, and so have several extractors that compare together
(:func:`photofind.ranking.fusion.fuse_embeddings`). It follows its bases: what these embed is
computed in large batches, what came just now with the next step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import compress, islice

import numpy as np

from photofind.extractors.code_files import Code
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
    code
        Its code, as it was when it was loaded.

    Attributes
    ----------
    bases
        The ids of the spaces that it is derived from, in the order of ``derives_from``.
    done
        How many contents it has computed in a row.
    """

    def __init__(
        self,
        store: Store,
        extractor: str,
        space: str,
        derives_from: Sequence[str],
        compute: Callable[..., Array32],
        code: Code = Code(),  # noqa: B008 - it cannot change
    ) -> None:
        self.extractor = extractor
        self.space = space
        self.code = code
        self.derives_from = tuple(derives_from)
        self.bases: Sequence[str] = ()
        self.done = 0
        self._store = store
        self._compute = compute
        self._paths: set[str] = set()  # Of photos that a base has just embedded.
        self._contents: dict[str, None] = {}  # Known to lack an embedding; the last come first.
        self._must_look = True  # Any photo may lack one.

    @property
    def has_work(self) -> bool:
        """Whether there may be something to compute."""
        return bool(self._must_look or self._paths or self._contents)

    @property
    def left(self) -> int:
        """How many contents are known to be left."""
        return len(self._paths) + len(self._contents)

    def look_through(self) -> None:
        """Have all photos looked through: embeddings may have come or gone unnoticed."""
        self._must_look = True

    def note(self, paths: Iterable[str]) -> None:
        """Take note of photos that an extractor has just embedded."""
        self._paths.update(paths)

    def note_contents(self, contents: Iterable[str]) -> None:
        """Take note of contents that an extractor has just embedded."""
        self._contents.update(dict.fromkeys(contents))

    def step(self) -> Sequence[str]:
        """Compute and commit the embeddings of some contents, and return these contents.

        Raises
        ------
        OtherBuildError
            The extractor is not what it was; nothing is committed.
        ExtractorError
            The extractor does not work.
        LibraryError
            The disk refused; what was committed before stays.
        """
        if self._must_look:
            self._must_look = False
            self._contents = self._lacking()
        self.done *= bool(self._contents)
        paths = [*self._paths]
        self._paths.difference_update(paths)
        just_now = self._store.by_path(paths).values()
        self.note_contents(photo.content for photo in just_now if self._lacks(photo))
        derived = self._derive([*islice(reversed(self._contents), BATCH)])
        self.done += len(derived)
        return derived

    def _lacking(self) -> dict[str, None]:
        """Return the contents that lack an embedding; the newest last."""
        done = self._store.space_counts(self.space).contents
        if done >= min(self._store.space_counts(base).contents for base in self.bases):
            return {}  # Nothing can be derived of more contents than any base has.
        found = filter(self._lacks, self._store.select(Filter(embedded=self.bases[0])))
        oldest_first = sorted((photo.modified, photo.content) for photo in found)
        return dict.fromkeys(content for _, content in oldest_first)

    def _lacks(self, photo: Photo) -> bool:
        return self.space not in photo.spaces and {*self.bases} <= {*photo.spaces}

    def _derive(self, contents: Sequence[str]) -> Sequence[str]:
        """Derive embeddings of contents, as far as all bases have some; return of which."""
        if not contents:
            return []
        found = [self._store.embeddings(base, contents) for base in self.bases]
        there = np.logical_and.reduce([known for known, _ in found])
        derived = [*compress(contents, there)]
        if derived:
            vectors = self._compute(*(embeddings[there] for _, embeddings in found))
            self._store.commit([], self.space, dict(zip(derived, vectors, strict=True)))
        for content in contents:
            del self._contents[content]
        return derived
