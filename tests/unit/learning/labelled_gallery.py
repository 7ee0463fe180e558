"""A gallery of made embeddings, whose classes lie together."""

from __future__ import annotations

import numpy as np

from photofind.learning.gallery import Gallery
from photofind.learning.labels import LabelledPhotos
from photofind.model.records import Space
from photofind.ranking.projection import normalised

__all__ = ["made_gallery"]


def made_gallery(classes=("ants", "bees", "cats"), each=20, spread=1.2, kind="classes") -> Gallery:
    """Return a gallery with one extractor of 32 dimensions, "made"."""
    random = np.random.default_rng(0)
    codes = np.repeat(np.arange(len(classes)), each)
    vectors = random.normal(size=(len(classes), 32))[codes]
    vectors = normalised(vectors + random.normal(size=vectors.shape) * spread)
    photos = LabelledPhotos(
        "/labelled",
        kind,
        tuple(f"/labelled/{classes[code]}/{place}.jpg" for place, code in enumerate(codes)),
        tuple(classes[code] for code in codes),
    )
    contents = tuple(f"content {place}" for place in range(len(codes)))
    return Gallery(
        photos,
        contents,
        (None,) * len(contents),
        {"made": vectors},
        {"made": Space("made", "1", 32)},
    )
