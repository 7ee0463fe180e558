"""What an extractor sees in each part of photos, for explaining why they are alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from photofind.errors import ImageError
from photofind.model.records import Space
from photofind.search.embedding import require_version

if TYPE_CHECKING:
    from photofind.extractors.extraction import Extraction

__all__ = ["feature_maps"]

Map = npt.NDArray[np.float32]


def feature_maps(
    space: Space, paths: Sequence[str], extraction: Callable[[str], Extraction]
) -> list[Map]:
    """Return the feature maps of photos, in the library or not, read afresh.

    Parameters
    ----------
    space
        Of whose extractor.
    paths
        Absolute paths of the photos.
    extraction
        Gives what embeds photos, by the extractor's name.

    Returns
    -------
    list of float32, (h, w, C) each
        A vector for each of h times w equal parts of the photo as it is shown, from the upper left.
        Where the extractor pools by mean, their mean is the photo's embedding but for its length.

    Raises
    ------
    ExtractorError
        The extractor does not work, or has no feature maps.
    ImageError
        A photo cannot be read.
    NotAnsweringError
        The folder of a photo does not answer.
    CannotEmbed
        The extractor's version is another than the space's.
    """
    embedder = extraction(space.extractor)
    require_version(space, embedder)
    maps = []
    for photo in embedder.extract_feature_maps(paths):
        if photo.vector is None:
            raise ImageError(f"{photo.path} cannot be explained: {photo.failure}")
        maps.append(photo.vector)
    return maps
