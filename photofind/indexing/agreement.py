"""Whether an extractor still makes the embeddings that a space holds.

A version promises that, and a new build of it (a reinstallation, an edited file) may break the
promise. So some photos are embedded again and compared.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from photofind.library.store import Store
from photofind.model.filters import Filter
from photofind.model.records import Space
from photofind.ranking.projection import normalised

if TYPE_CHECKING:
    from photofind.extractors.extraction import Extraction

__all__ = ["agrees"]

PHOTOS = 6
# Stored embeddings are rounded, and another version of a decoder makes slightly other pixels.
LEAST = 0.995


def agrees(store: Store, space: Space, extraction: Extraction) -> bool:
    """Return whether an extractor embeds some photos of a space as the space has them.

    It does where none of them can be read: a version promises it.

    Raises
    ------
    ExtractorError
        The extractor does not work.
    """
    photos = [
        photo
        for photo in islice(store.select(Filter(embedded=space.id)), 100 * PHOTOS)
        if not photo.preliminary and photo.away is None and space.id in photo.spaces
    ]
    some = {photo.content: photo for photo in photos[:: max(1, len(photos) // PHOTOS)]}
    extracted = extraction.extract([photo.path for photo in some.values()])
    again = {
        one.content: one.vector
        for one in extracted
        if one.vector is not None and one.content in some
    }
    known, embeddings = store.embeddings(space.id, [*again])
    if not known.any():
        return True
    vectors = np.stack([*again.values()])[known]
    cosines = (normalised(embeddings[known]) * normalised(vectors)).sum(axis=1)
    return bool(cosines.min() >= LEAST)
