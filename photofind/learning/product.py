"""photofind's own ranking of labelled photos, as its users see it, in a library in memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from photofind.indexing.index_building import build_index
from photofind.indexing.index_maintenance.fit import INDEX_PAYS
from photofind.library.memory import MemoryStore
from photofind.model.records import Photo, Space
from photofind.ranking.projection import Projection, Vectors32
from photofind.search.comparison import WholeSpace
from photofind.search.embedding import Embedded

__all__ = ["ProductLibrary"]


class ProductLibrary:
    """A library of labelled photos in one space, with its index.

    Parameters
    ----------
    space
        The space.
    embeddings
        Of the photos, float32 (n, D), at unit length.
    """

    def __init__(self, space: Space, embeddings: Vectors32) -> None:
        self._space = space
        self._contents = [f"{place:08d}" for place in range(len(embeddings))]
        self._store = MemoryStore()
        self._store.open_space(space.extractor, space.version, space.dimension)
        photos = [Photo(f"/{content}.jpg", content=content) for content in self._contents]
        vectors = dict(zip(self._contents, embeddings, strict=True))
        self._store.commit(photos, space.id, vectors)
        if len(embeddings) >= INDEX_PAYS:
            build_index(self._store, space.id, graph=False)
        self._whole = WholeSpace(self._store, space.id, self._contents)

    @property
    def projection(self) -> Projection | None:
        """The projection of the library; None where it is too small for an index."""
        index = self._store.index(self._space.id)
        return None if index is None else index.projection

    def compare(
        self, queries: Vectors32, own: Sequence[int] | npt.NDArray[np.intp] | None = None
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Compare queries with all photos.

        Parameters
        ----------
        queries
            float32 (q, D), at unit length.
        own
            The place of each query in the library, (q,); None for queries from outside.

        Returns
        -------
        similarities, scores
            What photofind ranks by and the scores that it shows, (q, n) each.
        """
        nothing = np.empty((0, queries.shape[1]), np.float32)
        itself = [frozenset[str]()] * len(queries)
        if own is not None:
            itself = [frozenset([self._contents[place]]) for place in own]
        return self._whole.compare(
            [Embedded(query[np.newaxis], nothing, one)
             for query, one in zip(queries, itself, strict=True)]
        )  # fmt: skip
