"""The embeddings that a library holds."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import replace

from photofind.library.store import Store
from photofind.model import Embeddings
from photofind.model.filters import Filter
from photofind.model.records import Space
from photofind.ranking.projection import normalised
from photofind.search.browsing import page

__all__ = ["stored_embeddings"]


def stored_embeddings(
    store: Store,
    space: Space,
    photos: Sequence[int] | None,
    where: Filter,
    offset: int,
    limit: int,
) -> Embeddings:
    """Return the embeddings of photos in a space.

    Parameters
    ----------
    photos
        Their ids; those of the filter, page by page, where not given. Photos without an embedding
        are left out.

    Raises
    ------
    LibraryError
        No photo has one of the tags.
    """
    where = replace(where, embedded=space.id)
    if photos is None:
        found = page(store, where, offset, limit)
    else:
        known = store.by_id(photos)
        some = [known[one] for one in dict.fromkeys(photos) if one in known]
        found = [one for one in some if where.passes(one)][offset : offset + limit]
    has, vectors = store.embeddings(space.id, [photo.content for photo in found])
    found = [photo for photo, is_there in zip(found, has, strict=True) if is_there]
    return Embeddings(
        space.extractor,
        space.version,
        space.dimension,
        tuple(photo.id for photo in found),
        tuple(photo.path for photo in found),
        b64encode(normalised(vectors[has]).astype("<f4").tobytes()).decode("ascii"),
    )
